"""HTTP/1.1 as this protocol uses it: a thin, bounded layer over h11 with errors in our terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import h11

from .errors import ConnectionLost, GradioError, LimitExceeded, LocalProtocolError, RemoteProtocolError
from .frozen import Frozen
from .limits import Limits
from .sentinels import NEED_DATA, Sentinel

if TYPE_CHECKING:
    from .urls import Origin

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in order."""

Data = h11.Data
EndOfMessage = h11.EndOfMessage


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request(Frozen):
    """One request. ``origin`` says where it goes, and so which credentials may be in ``headers``."""

    method: str
    """``"GET"`` or ``"POST"``."""
    origin: Origin
    """Where it goes."""
    target: str
    """Path and query, percent-encoded."""
    headers: Headers = ()
    """Names and values, without those that HTTP itself needs."""
    body: bytes = b""
    """The whole body; empty where there is none, or it is streamed."""
    is_streamed: bool = False
    """The body follows in pieces (``SendBody``); then ``headers`` say how it is framed, by ``content-length`` or
    ``transfer-encoding: chunked``."""

    def __repr__(self) -> str:
        # Headers hold credentials, and the target may: neither belongs into a log.
        return f"<Request {self.method} {self.origin}{self.target.partition('?')[0]}>"

    @property
    def idempotent(self) -> bool:
        """True where sending it twice does no more than sending it once (RFC 9110, 9.2.2)."""
        return self.method in ("GET", "HEAD")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ResponseHead(Frozen):
    """The status line and headers of a response; header names are in lower case."""

    status: int
    """The status code."""
    reason: str
    """What the server calls it."""
    headers: Headers
    """Names, in lower case, and values, in order."""

    def __repr__(self) -> str:
        # Among the headers are cookies, which are credentials from now on.
        return f"<ResponseHead {self.status} {self.reason!r} {self.content_type!r}>"

    def get(self, name: str, default: str = "") -> str:
        """The first header of that name (in lower case), or else the default."""
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def content_type(self) -> str:
        """The media type, lower case, without parameters."""
        return self.get("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """A response read to its end."""

    head: ResponseHead
    body: bytes = field(repr=False)

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return self.head.status

    def text(self) -> str:
        """The body as UTF-8 (which JSON, and every text that Gradio sends, is); broken bytes are replaced."""
        return self.body.decode("utf-8", "replace")


HTTPEvent: TypeAlias = ResponseHead | h11.Data | h11.EndOfMessage | Sentinel


class RequestCache:
    """The h11 events of the last requests. Half of what a request costs is the checking of its headers, and a
    client sends the same few requests again and again: the same route, the same headers, a body of its own."""

    MOST: Final = 32

    def __init__(self) -> None:
        self._events: dict[tuple[Origin, str, str, Headers, int], h11.Request] = {}

    def event(self, request: Request) -> h11.Request:
        """The event of a request's head.

        Raises:
            LocalProtocolError: A header holds what no header may.
        """
        size = -1 if request.is_streamed else len(request.body)
        key = (request.origin, request.method, request.target, request.headers, size)
        event = self._events.get(key)
        if event is None:
            headers = [("host", request.origin.netloc), *request.headers]
            if size > 0 or (size == 0 and request.method not in ("GET", "HEAD", "CONNECT")):
                headers.append(("content-length", str(len(request.body))))
            try:
                event = h11.Request(method=request.method, target=request.target, headers=headers)
            except (h11.LocalProtocolError, UnicodeEncodeError) as error:
                # h11 quotes a wrong value, and so does the codec: it may be a secret, and so may stand in no error.
                what = "Illegal header value" if "header value" in str(error) else str(error)
                raise LocalProtocolError(f"this request cannot be sent: {what}") from None
            if len(self._events) >= self.MOST:
                self._events.clear()
            self._events[key] = event
        return event


class HTTPConnection:
    """The client's side of one HTTP/1.1 connection, sans-IO.

    ``send_request()`` gives the bytes to send; ``receive_data()`` takes what came (``b""`` for end of file);
    ``next_event()`` gives a :class:`ResponseHead`, ``Data``, ``EndOfMessage``, or ``NEED_DATA``.

    Args:
        limits: How large a head may be, and how many a response may have.
        requests: The heads of requests that were sent before, which are not built again.

    Example:
        ::

            from gradio_proto.http import HTTPConnection, Request
            from gradio_proto.limits import Limits
            from gradio_proto.urls import parse_app_url

            http = HTTPConnection(Limits())
            origin = parse_app_url("http://app").origin
            print(http.send_request(Request("GET", origin, "/config"))[:11])  # prints b'GET /config'
            http.receive_data(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
            print(http.next_event().status)  # prints 204
    """

    def __init__(self, limits: Limits, requests: RequestCache | None = None) -> None:
        self._limits = limits
        self._requests = RequestCache() if requests is None else requests
        self._held: ResponseHead | h11.EndOfMessage | GradioError | None = None
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.header_bytes)
        self._eof = False
        self._upgraded: list[bytes] | None = None
        """What has come since the server switched to another protocol, and is not read yet."""
        self._opening: bytes | None = b""
        """The first bytes of a response, for errors to quote; None once its head is complete."""

    def send_request(self, request: Request) -> bytes:
        """The bytes of a whole request, body included; of its head alone, where the body is streamed.

        Raises:
            LocalProtocolError: A header holds what no header may (CR, LF, NUL), or the connection is in use.
        """
        try:
            head = self._h11.send(self._requests.event(request))
            if request.is_streamed:
                return head or b""
            body = self._h11.send(h11.Data(data=request.body)) if request.body else b""
            self._h11.send(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise LocalProtocolError(f"this request cannot be sent: {error}") from error
        return (head or b"") + (body or b"")

    def send_body(self, data: bytes) -> bytes:
        """The bytes of the next piece of a streamed body; ``b""`` ends it. After a 101, ``data`` as it is.

        Raises:
            LocalProtocolError: It is more, or at its end less, than its ``content-length`` says.
        """
        if self._upgraded is not None and self._h11.our_state is not h11.ERROR:  # what was cut off ends it
            return data
        try:
            return self._h11.send(h11.Data(data=data) if data else h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise LocalProtocolError(f"this piece of a body cannot be sent: {error}") from error

    def send_failed(self) -> None:
        """What was to be sent did not all go out: a response may still be read, and nothing be sent any more."""
        self._h11.send_failed()

    def receive_data(self, data: bytes) -> None:
        """Take data from the network; ``b""`` says that the peer has closed.

        Raises:
            RemoteProtocolError: More data came after the end.
        """
        if self._upgraded is not None:
            self._upgraded.append(data)
            return
        if isinstance(self._held, GradioError):
            return  # nobody would read it
        if not data:
            self._eof = True
        elif self._opening is not None and len(self._opening) < RemoteProtocolError.QUOTED:
            self._opening += data[: RemoteProtocolError.QUOTED]
        try:
            self._h11.receive_data(data)
        except RuntimeError as error:  # h11's word for bytes that come after the end
            raise RemoteProtocolError("bytes after the end of the connection", data=data) from error

    def next_event(self) -> HTTPEvent:
        """The next event, or ``NEED_DATA``. Of a body, all that has arrived is one ``Data``: a burst of messages
        comes in one packet, each in an HTTP chunk of its own, and handing on a piece costs as much as a message.

        After a 101 (a switch to another protocol, that the request has asked for), whatever comes is ``Data``.

        Raises:
            RemoteProtocolError: What came is no HTTP response.
            LimitExceeded: Its head is longer than ``limits.header_bytes``.
            ConnectionLost: The peer closed before the response was complete.

        Each of them is raised again by every later call.
        """
        if self._upgraded is not None:
            return self._next_piece(self._upgraded)
        held = self._held
        if isinstance(held, GradioError):
            raise held
        self._held = None
        try:
            event = self._next_event() if held is None else held
        except GradioError as error:
            self._held = error  # what comes after it can no longer be told
            raise
        if type(event) is not h11.Data:
            return event
        pieces: list[bytes] = []
        following: HTTPEvent = event
        while type(following) is h11.Data:
            pieces.append(following.data)
            try:
                following = self._next_event()
            except GradioError as error:
                self._held = error  # its turn comes after the data that were whole
                break
        else:
            if isinstance(following, ResponseHead) or type(following) is h11.EndOfMessage:
                self._held = following
        return event if len(pieces) == 1 else h11.Data(data=b"".join(pieces))

    def _next_piece(self, pieces: list[bytes]) -> HTTPEvent:
        if not pieces:
            return NEED_DATA
        data = b"".join(pieces)
        # The end is told after everything before it, and again whenever somebody asks.
        self._upgraded = [] if pieces[-1] else [b""]
        return h11.Data(data=data) if data else h11.EndOfMessage()

    def _next_event(self) -> HTTPEvent:
        while True:
            try:
                event: object = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                raise self._translated(error) from error
            kind: type[object] = type(event)  # isinstance() is slow for h11's events, of an abstract class
            if kind is h11.Data or kind is h11.EndOfMessage:
                return cast("h11.Data | h11.EndOfMessage", event)
            if kind is h11.InformationalResponse or kind is h11.Response:
                head = cast("h11.InformationalResponse | h11.Response", event)
                self._check_size(head)
                if kind is h11.InformationalResponse:
                    if not self.is_switched:
                        continue  # 100 and 103 announce; the response is yet to come
                    rest, is_closed = self._h11.trailing_data
                    self._upgraded = [rest] if rest else []
                    if is_closed:
                        self._upgraded.append(b"")
                self._opening = None
                headers = [(str(name, "latin-1"), str(value, "latin-1")) for name, value in head.headers]
                return ResponseHead(head.status_code, head.reason.decode("latin-1"), tuple(headers))
            if event is h11.NEED_DATA:
                return NEED_DATA
            if kind is h11.ConnectionClosed:
                raise ConnectionLost("the server closed the connection without answering")
            # PAUSED: bytes of a next response, or of another protocol, that nobody asked for.
            raise RemoteProtocolError("the server sent bytes after the end of its response")

    def _check_size(self, head: h11.Response | h11.InformationalResponse) -> None:
        # h11 bounds what it keeps while a head is incomplete, and lets one pass that comes in a single piece.
        size = len(head.reason) + sum([len(name) + len(value) + 4 for name, value in head.headers])
        if size > self._limits.header_bytes:
            raise LimitExceeded("header_bytes", self._limits.header_bytes)

    def _translated(self, error: h11.RemoteProtocolError) -> Exception:
        pending = self._opening or self._h11.trailing_data[0]
        if error.error_status_hint == 431:
            return LimitExceeded("header_bytes", self._limits.header_bytes)
        if self._eof:
            where = "without answering" if self._opening == b"" else "in the middle of its response"
            return ConnectionLost(f"the server closed the connection {where}")
        return RemoteProtocolError(f"the server's answer is not HTTP/1.1 ({error})", data=pending)

    @property
    def is_reusable(self) -> bool:
        """True when both sides have finished a cycle and neither wants to close."""
        return (
            self._h11.our_state is h11.DONE
            and self._h11.their_state is h11.DONE
            and not self._h11.trailing_data[0]
            and not self._eof  # which ends a body of no stated length, and leaves h11 as willing as before
        )

    def start_next_cycle(self) -> None:
        """Make a reusable connection ready for its next request."""
        self._h11.start_next_cycle()
        self._opening = b""

    @property
    def is_switched(self) -> bool:
        """True after a successful CONNECT or upgrade: the bytes from here on are another protocol's."""
        return self._h11.their_state is h11.SWITCHED_PROTOCOL
