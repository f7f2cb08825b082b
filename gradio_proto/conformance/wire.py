"""Talking to a server as a tester does: any request, and streams that go on while other things are done.

Theory of operation. A :class:`Wire` runs flows on a transport, so a case is written as plain calls and works over
sockets as over a network in memory with virtual time. Every stream or WebSocket that is opened gets a flow of its own
that reads it. Such a flow goes on whenever somebody waits for anything, so that what arrives is seen in the order and
at the time at which it arrived, however many streams there are.

Every plain request has a connection of its own: a server may close one that was used before at any moment, and a tester
could not tell that from a request that was dropped.
"""

from __future__ import annotations

import json as json_module
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from gradio_proto import jsontext
from gradio_proto.client.transports import BlockingFactory
from gradio_proto.effects import Flow, Open, ReadBody, ReadHead, SendBody, Signal, TimedOut
from gradio_proto.errors import ConnectError, DeadlineExceeded, GradioError, RemoteProtocolError
from gradio_proto.exchange import Exchange
from gradio_proto.http import Headers, Request, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.redaction import REDACTED, SECRET_HEADERS, Secrets
from gradio_proto.sentinels import END, NEED_DATA
from gradio_proto.sse import ServerSentEvent, SSEDecoder
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import AppURL, target
from gradio_proto.websocket import (
    Closed,
    Text,
    WebSocketConnection,
    check_upgrade,
    upgrade_headers,
    websocket_key,
)

from .model import Unreachable, Violation
from .transcript import Entry, Kind, Transcript, shown

T = TypeVar("T")

LIMITS: Final = Limits()
TOO_MUCH: Final = "it has more than 64 MiB"
USER_AGENT: Final = "gradio_proto-conformance"
NOTHING: Final[Any] = object()
MOST_BYTES: Final = 64 * 2**20
"""Of one answer, stream or WebSocket; a server that sends without end must not fill the tester's memory."""
SHOWN_HEADERS: Final = frozenset(
    {"content-type", "content-length", "content-disposition", "location", "range", "retry-after"}
)
"""Headers that a person may want to see, besides those that a case has set."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer to a request."""

    head: ResponseHead
    """The status and the headers."""
    body: bytes = field(repr=False)
    """The whole body."""
    asked: str
    """The request's method and target."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def content_type(self) -> str:
        """The media type, in lower case, without parameters."""
        return self.head.content_type

    def text(self) -> str:
        """The body as UTF-8; broken bytes are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, which has to be JSON.

        Raises:
            Violation: It is not.
        """
        try:
            return json_module.loads(self.body)
        except (ValueError, RecursionError):
            raise Violation(f"{self.asked} was answered {self.status} with a body that is no JSON") from None


class Channel:
    """A connection that stays open: what is common to event streams and WebSockets. Made by a :class:`Wire`."""

    def __init__(self, wire: Wire, number: int, exchange: Exchange, head: ResponseHead, asked: str) -> None:
        self.wire = wire
        self.number = number
        self.exchange = exchange
        self.head = head
        self.asked = asked
        self.opened_at = wire.now()
        self.end: Literal["", "clean", "broken", "left"] = ""
        """How it ended: by the rules of its protocol, without, or by the tester; empty while it is open."""
        self.ended_at = 0.0
        self.why = ""
        """What is wrong, where it broke."""
        self.size = 0
        """How many bytes have come."""
        self.wake = Signal()
        self.outbox: deque[bytes] = deque()
        self.is_leaving = False

    @property
    def is_open(self) -> bool:
        """Whether something may still come."""
        return not self.end

    @property
    def status(self) -> int:
        """The HTTP status with which it began."""
        return self.head.status

    def receive(self, data: bytes, now: float) -> None:
        """Take the data that came, now; ``b""`` is the end of the body, by the rules of HTTP."""
        raise NotImplementedError

    def close(self) -> None:
        """Close this side at once, as a client does that has gone. A second time does nothing."""
        self.wire.leave(self)

    def ended(self, end: Literal["clean", "broken", "left"], why: str = "") -> None:
        """Note its end, and why it came; only the first counts."""
        if not self.end:
            self.end, self.why, self.ended_at = end, why, self.wire.now()
            words = {"clean": "the end", "broken": f"broken off: {why}", "left": "closed by the tester"}
            self.wire.say(self.number, "closed", words[end])


class EventStream(Channel):
    """An event stream. Made by :meth:`Wire.open_events`."""

    def __init__(
        self,
        wire: Wire,
        number: int,
        exchange: Exchange,
        head: ResponseHead,
        asked: str,
        heard: Callable[[ServerSentEvent, float], None] | None,
    ) -> None:
        super().__init__(wire, number, exchange, head, asked)
        self.events: list[tuple[float, ServerSentEvent]] = []
        """What came, with its time."""
        self._decoder = SSEDecoder(LIMITS)
        self._heard = heard

    def receive(self, data: bytes, now: float) -> None:
        """Decode the data that came, now."""
        self._decoder.receive_data(data)
        while (event := self._decoder.next_event()) is not NEED_DATA:
            if event is END:
                self.ended("clean")
                return
            assert isinstance(event, ServerSentEvent)
            name = "" if event.event == "message" else f"{event.event}: "
            self.wire.say(self.number, "event", name + event.data)
            self.events.append((now, event))
            if self._heard is not None:
                self._heard(event, now)


class Socket(Channel):
    """A WebSocket. Made by :meth:`Wire.open_socket`."""

    def __init__(
        self,
        wire: Wire,
        number: int,
        exchange: Exchange,
        head: ResponseHead,
        asked: str,
        heard: Callable[[str, float], None] | None,
    ) -> None:
        super().__init__(wire, number, exchange, head, asked)
        self.texts: list[tuple[float, str]] = []
        """What came, with its time."""
        self.code: int | None = None
        """The close code."""
        self._frames = WebSocketConnection(LIMITS)
        self._heard = heard

    def receive(self, data: bytes, now: float) -> None:
        """Decode the data that came, now, and answer pings."""
        self._frames.receive_data(data)
        while (event := self._frames.next_event()) is not NEED_DATA:
            if isinstance(event, Closed):
                self.code = event.code
                self.ended("clean", f"close code {event.code}")
                break
            assert isinstance(event, Text)
            self.wire.say(self.number, "received", event.data)
            self.texts.append((now, event.data))
            if self._heard is not None:
                self._heard(event.data, now)
        if owed := self._frames.data_to_send():
            self.outbox.append(owed)

    def send(self, text: str) -> None:
        """Send a text; it goes out as soon as somebody waits."""
        self.wire.say(self.number, "sent", text)
        self.wire.put(self, self._frames.send_text(text))


class Wire:
    """All connections of the tester to one server.

    Args:
        url: Its address.
        factory: What makes the transport.
        secrets: What must not be shown.
        rate: The most requests a second; None for any number.
        patience: Seconds that an answer may take.
        listener: Is told each entry of the transcript as it is made.
    """

    def __init__(
        self,
        url: AppURL,
        factory: BlockingFactory,
        *,
        secrets: Secrets | None = None,
        rate: float | None = None,
        patience: float = 10.0,
        listener: Callable[[Entry], None] | None = None,
    ) -> None:
        self.url = url
        self.api_prefix = ""
        """What stands before the routes; the config says it."""
        self.headers: dict[str, str] = {}
        """Sent with everything, such as cookies."""
        self.secrets = secrets or Secrets()
        self.patience = patience
        self.transcript = Transcript()
        self._listener = listener
        self._transport = factory(TransportOptions(origin=url.origin, limits=LIMITS, timeouts=Timeouts()))
        self._pause = 0.0 if rate is None else 1 / rate
        self._next_request = self.now()
        self._began = self.now()
        self._count = 0
        self._channels: list[Channel] = []
        self._hooks: list[Callable[[], None]] = []

    # Time

    def now(self) -> float:
        """The transport's clock, in seconds: virtual in memory."""
        return self._transport.monotonic()

    def token(self) -> str:
        """A new name of letters and digits, which nobody else has."""
        return self._transport.token()

    def wait(self, done: Callable[[], bool], timeout: float) -> bool:
        """Let streams go on until ``done()``; False when ``timeout`` seconds are over first."""
        return self._transport.wait_until(done, self._hooks, timeout)

    def pause(self, seconds: float) -> None:
        """Let streams go on for that many seconds."""
        self.wait(_never, seconds)

    # Transcript

    def begin(self) -> None:
        """Begin a new transcript, with nothing open."""
        self.leave_all()
        self.transcript = Transcript()
        self._began = self.now()
        self._count = 0

    def say(
        self, number: int, kind: Kind, text: str, body: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Add to the transcript.

        Args:
            number: Of which connection.
            kind: What it is.
            text: What is shown, on one line.
            body: What belongs to it, on many.
            headers: Those of a request or response.
        """
        hide = self.secrets.hide
        pairs = tuple(
            (name, REDACTED if name.lower() in SECRET_HEADERS else hide(value)) for name, value in headers
        )
        entry = Entry(self.now() - self._began, number, kind, shown(hide(text)), shown(hide(body)), pairs)
        self.transcript.entries.append(entry)
        if self._listener is not None:
            self._listener(entry)

    # Requests

    def target(self, route: str, query: Iterable[tuple[str, str]] = (), *, prefixed: bool = True) -> str:
        """The path of a route, below the base path and the server's prefix.

        Args:
            route: Which one.
            query: Names and values behind the ``?``.
            prefixed: Whether the server's prefix stands before the route.
        """
        return target(self.url.base_path, self.api_prefix if prefixed else "", route.lstrip("/"), query)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = NOTHING,
        body: bytes = b"",
        headers: Headers = (),
        patience: float | None = None,
    ) -> Reply:
        """Send a request, and read its whole answer.

        Args:
            method: ``GET``, ``POST``...
            path: The path and query, as :meth:`target` makes them, or by hand.
            json: What is sent as a JSON body.
            body: What is sent as it is, instead.
            headers: Headers beside the usual ones; they win.
            patience: Seconds that the answer may take.

        Raises:
            Violation: There was no whole answer in time, or none that is HTTP.
            Unreachable: No connection could be made.
        """
        if json is not NOTHING:
            body = jsontext.dumps(json)
            headers = (("content-type", "application/json"), *headers)
        request = self._request(method, path, (("connection", "close"), *headers), body)
        number, (head, content) = self._ask(request, _whole, patience)
        reply = Reply(head, content, f"{method} {path}")
        self._heard(number, "reply", head, reply.text())
        return reply

    def open_events(
        self,
        path: str,
        heard: Callable[[ServerSentEvent, float], None] | None = None,
        *,
        headers: Headers = (),
        patience: float | None = None,
    ) -> EventStream:
        """Open an event stream; what comes is read while somebody waits.

        Args:
            path: The request's target.
            heard: Called with each event, and the time at which it came.
            headers: Sent with the request.
            patience: Seconds to wait for the head; None for as long as the target allows.

        Raises:
            Violation: There was no answer in time.
            Unreachable: No connection could be made.
        """
        headers = (("accept", "text/event-stream"), *headers)
        number, (exchange, head) = self._ask(self._request("GET", path, headers), _opened, patience)
        self._heard(number, "open", head)
        stream = EventStream(self, number, exchange, head, f"GET {path}", heard)
        self._follow(stream)
        return stream

    def open_socket(
        self,
        path: str,
        heard: Callable[[str, float], None] | None = None,
        *,
        headers: Headers = (),
        patience: float | None = None,
    ) -> Socket | Reply:
        """Open a WebSocket; a :class:`Reply` where the server refuses.

        Args:
            path: The request's target.
            heard: Called with each text, and the time at which it came.
            headers: Sent with the request.
            patience: Seconds to wait for the upgrade; None for as long as the target allows.

        Raises:
            Violation: There was no answer in time, or it was no WebSocket's.
            Unreachable: No connection could be made.
        """
        key = websocket_key(self.token())
        request = self._request("GET", path, (*upgrade_headers(key), *headers))
        number, (exchange, head) = self._ask(request, _opened, patience)
        self._heard(number, "open", head)
        if head.status != 101:
            exchange.close()
            return Reply(head, b"", f"GET {path}")
        try:
            check_upgrade(head, key)
        except GradioError as error:
            exchange.close()
            raise Violation(str(error)) from None
        socket = Socket(self, number, exchange, head, f"GET {path}", heard)
        self._follow(socket)
        return socket

    def _request(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Request:
        merged = {"user-agent": USER_AGENT, "accept-encoding": "identity", **self.headers}
        merged.update((name.lower(), value) for name, value in headers)
        return Request(method, self.url.origin, path, tuple(merged.items()), body)

    def _said(self, request: Request) -> int:
        while self.now() < self._next_request:
            self.pause(self._next_request - self.now())
        self._next_request = self.now() + self._pause
        self._count += 1
        usual = {"user-agent", "accept-encoding", "connection", "content-length"}
        headers = [(name, value) for name, value in request.headers if name not in usual]
        body = request.body.decode("utf-8", "replace")
        self.say(self._count, "request", f"{request.method} {request.target}", body, headers)
        return self._count

    def _heard(self, number: int, kind: Kind, head: ResponseHead, body: str = "") -> None:
        line = f"{head.status} {head.reason} {head.content_type}".rstrip()
        self.say(number, kind, line, body, [pair for pair in head.headers if pair[0] in SHOWN_HEADERS])

    def _ask(
        self, request: Request, flow: Callable[[Request, float], Flow[T]], patience: float | None
    ) -> tuple[int, T]:
        """Send a request, and run the flow that reads the answer, in ``patience`` seconds; the exchange's number, and
        what came of it."""
        number = self._said(request)
        patience = self.patience if patience is None else patience
        line = f"{request.method} {request.target}"
        try:
            return number, self._transport.run(flow(request, self.now() + patience))
        except TimedOut:
            self.say(number, "closed", f"no answer within {patience:g} s")
            raise Violation(f"{line} was not answered within {patience:g} s") from None
        except GradioError as error:
            is_late = isinstance(error, DeadlineExceeded) and error.kind == "connect"
            if is_late or isinstance(error, ConnectError):
                raise Unreachable(str(error)) from error
            self.say(number, "closed", f"broken off: {error}")
            raise Violation(f"the answer to {line} broke off: {error}") from None

    # Channels

    def _follow(self, channel: Channel) -> None:
        self._channels.append(channel)
        with self._transport.lock:
            self._transport.spawn(self._read(channel), promised=False)

    def _read(self, channel: Channel) -> Flow[None]:
        exchange = channel.exchange
        try:
            while channel.is_open and not channel.is_leaving:
                channel.wake.clear()
                while channel.outbox:
                    yield SendBody(exchange, channel.outbox.popleft(), self.now() + self.patience)
                data, now = yield ReadBody(exchange, None, channel.wake)
                if data is not None:
                    channel.size += len(data)
                    if channel.size > MOST_BYTES:
                        raise RemoteProtocolError(TOO_MUCH)
                    channel.receive(data, now)
                    self._changed()
                    if not data:
                        channel.ended("broken", "the connection ended")
        except TimedOut:
            channel.ended("broken", "nothing can be sent")
        except GradioError as error:
            channel.ended("broken", str(error))
        finally:
            exchange.close()
            channel.ended("left")
            self._changed()

    def _changed(self) -> None:
        for hook in list(self._hooks):
            hook()

    def put(self, channel: Channel, data: bytes) -> None:
        """Have a channel's flow send this data."""
        channel.outbox.append(data)
        with self._transport.lock:
            channel.wake.set()

    def leave(self, channel: Channel) -> None:
        """Close a channel, and see to it that the server can notice."""
        channel.is_leaving = True
        with self._transport.lock:
            channel.wake.set()
        self.wait(lambda: not channel.is_open, self.patience)
        if channel in self._channels:
            self._channels.remove(channel)

    def leave_all(self) -> None:
        """Close what is open."""
        for channel in list(self._channels):
            self.leave(channel)

    def close(self) -> None:
        """Close everything; it cannot be used any more."""
        self._transport.close()


def _never() -> bool:
    return False


def _opened(request: Request, until: float) -> Flow[tuple[Exchange, ResponseHead]]:
    exchange: Exchange
    exchange, _ = yield Open(request, until)
    try:
        head, _ = yield ReadHead(exchange, until)
    except BaseException:
        exchange.close()
        raise
    return exchange, head


def _whole(request: Request, until: float) -> Flow[tuple[ResponseHead, bytes]]:
    exchange, head = yield from _opened(request, until)
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            piece, _ = yield ReadBody(exchange, until)
            if not piece:
                return head, b"".join(pieces)
            size += len(piece)
            if size > MOST_BYTES:
                raise RemoteProtocolError(TOO_MUCH)
            pieces.append(piece)
    finally:
        exchange.close()
