"""Server-sent events: the bytes of an event stream in, its events out.

The rules are those of the WHATWG HTML standard, section "Server-sent events", as browsers follow them, not
the simpler form that Gradio happens to write: whatever stands between the server and us may use any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from .errors import LimitExceeded, LocalProtocolError
from .limits import KIB, Limits
from .sentinels import END, NEED_DATA, Sentinel

_BOM = b"\xef\xbb\xbf"
_CR = 0x0D
# Past this a memory copy costs more than the two objects which save it.
_LARGE = 64 * KIB
# Fifteen digits of milliseconds are thirty thousand years; int() refuses thousands of digits.
_RETRY_DIGITS = 15

CONTENT_TYPE: Final = "text/event-stream"
"""The media type of an event stream."""

MESSAGE: Final = "message"
"""The type of an event that names none. A queue's messages are of it; an event of another type is for somebody who has
asked for that, such as a proxy's own, and a browser does not show it to the app's page."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream."""

    data: str
    """The values of its ``data`` lines, joined with line feeds. Bytes that are no UTF-8 are U+FFFD."""

    event: str = MESSAGE
    """Its type: the value of its last ``event`` line."""

    id: str = ""
    """The stream's last event ID: of this event, or of the last one before it that had one."""

    retry: int | None = None
    """Milliseconds that the stream has asked for, so far, before a reconnection; None if it never has."""


# How the decoder stays linear, however the bytes are cut
#
# Unread bytes wait in _buffer, from _start on; a search for a line's end begins at _searched and never looks
# at a byte twice. Line ends are made LF as bytes arrive, which one pass at C speed can do, so a line's end is
# one memchr away. A CR is known to end its line without the byte after it; if that byte is the LF of a CRLF,
# it is dropped when it comes, and so a lone CR at the end of what has arrived holds nothing up.
#
# Usually one piece is one event: the piece itself is the buffer then, uncopied. Only what is left of it when
# the next piece comes moves into a bytearray, which grows and gives up its front in amortised constant time.
#
# A message costs its collected ``data`` lines and the line being read; neither an endless comment nor endless
# fields add to that, so a stream may live for ever and a message may not.
class SSEDecoder:
    """Decodes one event stream, the body of one response.

    Args:
        limits: ``sse_message_bytes`` bounds one message.

    Example:
        ::

            from gradio_proto.limits import Limits
            from gradio_proto.sse import SSEDecoder

            decoder = SSEDecoder(Limits())
            decoder.receive_data(b": a comment\\ndata: one\\nda")
            decoder.receive_data(b"ta: two\\n\\n")
            print(decoder.next_event().data.split())  # prints ['one', 'two']
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.sse_message_bytes
        self._buffer: bytes | bytearray = b""
        self._start = 0
        self._searched = 0
        self._after_cr = False
        self._at_bom = True
        self._eof = False
        self._failed = False
        self._data = bytearray()  # each line ended by a line feed
        self._event = MESSAGE
        self._id = ""
        self._retry: int | None = None

    def receive_data(self, data: bytes | bytearray) -> None:
        """Take the next data of the stream; ``b""`` says that there are no more.

        Raises:
            LocalProtocolError: More bytes after the end.
        """
        if not data:
            self._eof = True
            return
        if self._eof:
            raise LocalProtocolError("the event stream has ended; decode another one with a new SSEDecoder")
        if self._failed:
            return
        data = bytes(data)  # no copy of what is bytes already
        if self._after_cr:
            self._after_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if _CR in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer = self._buffer
        if self._start == len(buffer):
            self._buffer = data
        elif isinstance(buffer, bytearray):
            del buffer[: self._start]
            buffer += data
        else:
            self._buffer = bytearray(buffer[self._start :])
            self._buffer += data
        self._searched -= self._start
        self._start = 0

    def next_event(self) -> ServerSentEvent | Literal[Sentinel.NEED_DATA, Sentinel.END]:
        """Return the next event; NEED_DATA if it has not arrived whole; END after the last one.

        An event that the stream's end cuts short is dropped, as the standard says.

        Raises:
            LimitExceeded: A message is longer than ``Limits.sse_message_bytes``. It is raised again by every
                later call: where the next message begins can no longer be known.
        """
        if self._failed:
            self._fail()
        buffer = self._buffer
        while True:
            start = self._start
            end = buffer.find(b"\n", self._searched)
            size = (len(buffer) if end < 0 else end) - start + len(self._data)
            if size > self._limit:
                self._fail()
            if end < 0:
                if start == len(buffer) or self._eof:
                    # Let go of what has been read, or will not be: it may be a large event.
                    self._buffer, self._start, self._searched = b"", 0, 0
                    if self._eof:
                        self._data = bytearray()
                else:
                    if start:  # a line that was read may be data already, which would be held twice
                        self._buffer, self._start = buffer[start:], 0
                    self._searched = len(self._buffer)
                return END if self._eof else NEED_DATA
            self._start = self._searched = end + 1
            if self._at_bom:
                self._at_bom = False
                if buffer.startswith(_BOM, start):
                    start += len(_BOM)
            if buffer.startswith(b"data:", start):
                start += 6 if buffer.startswith(b" ", start + 5) else 5
                if not self._data and buffer.startswith(b"\n", end + 1):
                    # The whole event is here, as nearly always: spare the copy that collecting takes.
                    self._start = self._searched = end + 2
                    return self._dispatch(_decode(buffer, start, end))
                self._data += buffer[start:end]
                self._data += b"\n"
            elif start != end:
                self._field(buffer[start:end])
            elif self._data:
                text = _decode(self._data, 0, len(self._data) - 1)
                self._data = bytearray()
                return self._dispatch(text)
            else:
                self._event = MESSAGE

    def _field(self, line: bytes | bytearray) -> None:
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":  # without a colon: an empty line of data
            self._data += b"\n"
        elif name == b"event":
            self._event = value.decode("utf-8", "replace") or MESSAGE
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:  # bytes: ASCII digits
            self._retry = int(value)

    def _dispatch(self, data: str) -> ServerSentEvent:
        event, self._event = self._event, MESSAGE
        return ServerSentEvent(data, event, self._id, self._retry)

    def _fail(self) -> NoReturn:
        self._failed = True
        self._buffer, self._start, self._searched = b"", 0, 0
        self._data = bytearray()
        raise LimitExceeded("sse_message_bytes", self._limit)


def _decode(buffer: bytes | bytearray, start: int, end: int) -> str:
    if end - start < _LARGE:
        return buffer[start:end].decode("utf-8", "replace")
    # Released before we return: a bytearray with a view of it cannot grow.
    with memoryview(buffer) as whole, whole[start:end] as view:
        return str(view, "utf-8", "replace")
