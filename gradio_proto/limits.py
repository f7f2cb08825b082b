"""Every bound that the library puts on what a server may make it hold, by name.

A bound protects the process that embeds the client: without one, a broken or hostile server decides how
much memory and time a call costs. Each default is far above what a healthy Gradio server sends (the figures
in the comments), and each can be set: ``Client(limits=Limits(sse_message_bytes=256 * 2**20))``.
"""

from __future__ import annotations

from dataclasses import dataclass

from .frozen import Frozen

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Limits(Frozen):
    """The bounds of one client. Past one, :class:`~gradio_proto.errors.LimitExceeded` names it.

    Raises:
        ValueError: One is not a whole number, or is below 0.

    Example:
        ::

            from gradio_proto import Client, LimitExceeded, Limits

            with Client("http://127.0.0.1:7860", limits=Limits(sse_message_bytes=300)) as client:
                try:
                    client.predict("Ada" * 100, api_name="/greet")
                except LimitExceeded as error:
                    print(error.name)  # prints sse_message_bytes
    """

    header_bytes: int = 64 * KIB
    """Bytes of one response's status line and headers. h11's own default is 16 KiB; Spaces behind several
    proxies with signed cookies have been seen above that."""

    json_body_bytes: int = 16 * MIB
    """Bytes of one JSON reply (config, info, join). The largest config recorded is 145 KB; the embedded
    defaults of an app (images as data URLs) can make it a few MB."""

    sse_message_bytes: int = 64 * MIB
    """Bytes of one message, of an event stream or of a WebSocket. Servers put a whole value into one message (2.4 MB
    recorded) and have no limit of their own."""

    json_depth: int = 500
    """Nesting of one JSON text: half of CPython's default recursion limit, so that code which walks
    a value recursively is safe too."""

    json_values: int = 5_000_000
    """Values of one JSON text, where an empty list counts twice, an object and each of its members three times: what
    parsing takes, in units of some 60 bytes. ``[[],[],[]]`` is 24 times as large in memory as on the wire. Of numbers
    with all their digits, such as embeddings, 64 MiB hold three million."""

    orphan_messages: int = 1024
    """Messages kept for events whose join reply has not arrived yet; the oldest is dropped, and counted."""

    orphan_bytes: int = 4 * MIB
    """Bytes of the same."""

    rendered_bytes: int = 64 * MIB
    """Bytes of the messages that tell what ``gr.render`` has made in one session (6 KB recorded), and of their values,
    as ``json_values`` counts them. Past it the oldest of them is forgotten, but never the newest: an app that renders
    within a render leaves old ones behind."""

    job_unread_bytes: int = 64 * MIB
    """Bytes of messages that one job keeps for a reader that has not come yet; past it that job alone ends."""

    client_unread_bytes: int = 256 * MIB
    """The same over all jobs of one client."""

    cookies: int = 50
    """Cookies kept for one origin: what RFC 6265 section 6.1 asks a user agent to support."""

    cookie_bytes: int = 4 * KIB
    """Bytes of one cookie's name, value and attributes (RFC 6265 section 6.1)."""

    download_bytes: int = 4 * 1024 * MIB
    """Bytes of one downloaded file. It goes to disk piece by piece, so this bounds the disk and not the memory."""

    inline_file_bytes: int = 32 * MIB
    """Bytes of one file that is sent within a call, as every image is on Gradio 3.x: it is in memory several times, as
    it is, in base64 and in the message. 3.x itself takes messages of 1 GiB; photographs have some MB."""

    redirects: int = 3
    """Redirects followed for one request. A login page or a moved mount takes one; a loop takes for ever."""

    diff_edits: int = 100_000
    """Edits in one streamed diff. A token appended takes one."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"Limits.{name} must be a whole number, 0 or more, not {value!r}")
