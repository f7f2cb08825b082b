"""Requests, and what they are answered with: the words that routes and the protocol have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from .media import Media
    from .queueing import Mailbox, Message
    from .uploads import Upload

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """One request, whole."""

    method: str
    path: str
    """Without the query, percent-decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    upload: Upload | None = None
    """The body of an upload, which was taken apart as it came in."""

    @property
    def content_type(self) -> str:
        """The content type of the body, or nothing."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True)
class Reply:
    """An answer of known length."""

    status: int
    body: bytes
    content_type: str | None = "application/json"
    headers: Headers = ()


@dataclass(frozen=True)
class OpenStream:
    """Stream the messages of a session, each as ``encode`` makes it, leaving out those it makes None of."""

    session_hash: str
    encode: Callable[[Message], bytes | None]


@dataclass(frozen=True)
class OpenJob:
    """Stream the messages of one job, and end with them."""

    mailbox: Mailbox
    encode: Callable[[Message], bytes | None]


@dataclass(frozen=True)
class OpenSocket:
    """Go on as a WebSocket."""


@dataclass(frozen=True)
class OpenHeartbeat:
    """Stream signs of life to a session, and see whether it is still there."""

    session_hash: str


@dataclass(frozen=True)
class OpenMedia:
    """Stream what a run has given and gives, and end with it."""

    media: Media


Later = Callable[[Reply], None]
"""Where a reply goes that takes until a function has run."""

Answer = Reply | OpenStream | OpenJob | OpenSocket | OpenHeartbeat | OpenMedia | None
"""What a request is answered with; None: with a reply that comes later, or never."""

Handler = Callable[[Request, Later, float], Answer]
"""What answers a request to one route: gets the request, where a late reply goes, and the time."""

Methods = Mapping[str, Handler]
"""What answers one path, by method."""


class HTTPError(Exception):
    """A request is answered with an error status and a ``detail``, as the server's framework does."""

    def __init__(self, status: int, detail: Any, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class Missing(Exception):
    """A request for an endpoint that there is not, which the server has words for."""


class Crash(Exception):
    """A request that a real server answers with a bare 500, and one without defects with a status of its own."""

    def __init__(self, status: int = 404, detail: str = "Not Found") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def redirect(where: str, headers: Headers = ()) -> Reply:
    """A reply that sends the client elsewhere."""
    # A client has a part in it, and a header holds ASCII only.
    location = quote(where, safe=":/%#?=@[]!$&'()*+,", errors="replace")
    return Reply(302, b"", None, [("location", location), *headers])


def json_reply(status: int, value: Any, headers: Headers = ()) -> Reply:
    """A reply with a JSON body."""
    return Reply(status, dumps(value), headers=headers)


def text_reply(status: int, text: str, headers: Headers = ()) -> Reply:
    """A reply with plain text."""
    return Reply(status, text.encode("utf-8", "replace"), "text/plain; charset=utf-8", headers)


def dumps(value: Any) -> bytes:
    """Compact UTF-8. Lone surrogates can come in an error text, and have no form in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
