"""One client's connection, and what stands behind it: bytes from two sides in, bytes for two sides out.

A :class:`Relay` stands between a client and an app and tells of what passes. It does no input or output; whoever
runs it owns two sockets::

    relay.receive_from_client(data, now)        # b"" when it has closed
    relay.receive_from_upstream(data, now)      # b"" when it has closed
    relay.to_client, relay.to_upstream          # bytes to be sent; whoever sends them takes them out
    relay.wants_upstream                        # is there to be a connection to the app?
    relay.is_done                               # the client's connection is to be closed, once all is sent

Each request gets a connection to the app of its own, so none is ever sent on one that the app is about to close.
What is passed on is passed on at once, piece by piece; nothing is kept, so whoever runs the relay bounds its memory
by reading no more from one side while the other does not take what there is.

For the app to believe that it is where its clients see it, it is told of the recorder's address: by ``Host``, where
the app is on this machine; elsewhere, where ``Host`` decides which app is meant, by ``X-Forwarded-Host`` and
``X-Forwarded-Proto``. Redirects to the app's own address lead to the recorder's, and cookies are set for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import h11
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from gradio_proto.http import Headers
from gradio_proto.limits import MIB
from gradio_proto.urls import Origin

from .headers import decoded, encoded
from .model import Answered, Began, Ended, Frame, FrameKind, Happening, How, Passed, Received, Sent

MAX_HEAD: Final = 256 * 2**10
"""Bytes of a request's or a response's head."""

MAX_MESSAGE: Final = 64 * MIB
"""Bytes of a WebSocket message that is recorded; a longer one ends the exchange."""

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that speak of one connection (RFC 9110, 7.6.1)."""

_COOKIE_OF_ELSEWHERE: Final = re.compile(
    r";\s*(?:domain=[^;]*|secure(?=\s*(?:;|$))|samesite=none)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go, and how."""

    upstream: Origin
    """The app's origin."""
    address: Origin
    """The recorder's own, which clients use."""
    headers: Headers = ()
    """What is added to each request, unless the client says something else, or a page of another site has made it: a
    credential of the user, who trusts only what talks to the recorder by its own address. It is not recorded."""


class _Watcher:
    """Reads the frames of one direction of a WebSocket along."""

    def __init__(self, by_client: bool) -> None:
        self._by_client = by_client
        self._frames = Connection(ConnectionType.SERVER if by_client else ConnectionType.CLIENT)
        self._pieces: list[bytes] = []
        self._size = 0
        self.is_closed = False
        """A close has passed, or what is no frame: there is nothing to be read any more."""

    def read(self, data: bytes, now: float) -> Iterator[Frame]:
        """The frames that are whole with this."""
        if self.is_closed:
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, TextMessage | BytesMessage):
                is_text = isinstance(event, TextMessage)
                self._pieces.append(
                    event.data.encode("utf-8") if isinstance(event, TextMessage) else bytes(event.data)
                )
                self._size += len(self._pieces[-1])
                if self._size > MAX_MESSAGE:
                    raise OverflowError
                if event.message_finished:
                    yield self._frame(now, "text" if is_text else "binary", b"".join(self._pieces))
                    self._pieces, self._size = [], 0
            elif isinstance(event, Ping | Pong):
                yield self._frame(now, "ping" if isinstance(event, Ping) else "pong", bytes(event.payload))
            else:
                assert isinstance(event, CloseConnection)
                self.is_closed = True
                code = 0 if int(event.code) == 1005 else int(event.code)  # 1005 stands for none
                yield Frame(now, self._by_client, "close", (event.reason or "").encode("utf-8"), code)
                return

    def _frame(self, now: float, kind: FrameKind, data: bytes) -> Frame:
        return Frame(now, self._by_client, kind, data)


@dataclass(slots=True)
class _Exchange:
    number: int
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT, MAX_HEAD))
    """The upstream side."""
    is_answered: bool = False
    watchers: tuple[_Watcher, _Watcher] | None = None
    """Of the client's frames and the app's, once it is a WebSocket."""


class Relay:
    """See above.

    Args:
        route: Where requests go.
        number: Gives each exchange its number.
        tell: Is told what happens.
    """

    def __init__(self, route: Route, number: Callable[[], int], tell: Callable[[Happening], None]) -> None:
        self._route = route
        self._number = number
        self._tell = tell
        self._http = h11.Connection(h11.SERVER, MAX_HEAD)
        self._exchange: _Exchange | None = None
        address = route.address
        # Pages of other sites can reach this machine too: by its address, and by a name of theirs that leads to it.
        self._own_hosts = (address.netloc, replace(address, host="localhost").netloc)
        self.to_client = bytearray()
        self.to_upstream = bytearray()
        self.is_done = False

    @property
    def wants_upstream(self) -> bool:
        """Whether a connection to the app is needed. It is another one after each exchange."""
        return self._exchange is not None

    @property
    def unread(self) -> int:
        """Bytes of the client that wait here until the exchange that is under way has ended."""
        exchange = self._exchange
        is_kept = exchange is not None and exchange.watchers is None
        return len(self._http.trailing_data[0]) if is_kept else 0

    @property
    def exchange(self) -> int | None:
        """The number of the exchange that is under way."""
        return None if self._exchange is None else self._exchange.number

    def receive_from_client(self, data: bytes, now: float) -> None:
        """Bytes have come from the client; ``b""`` when it has closed."""
        if self.is_done:
            return
        exchange = self._exchange
        if not data:
            self.is_done = True
            if exchange is not None:
                is_over = exchange.watchers is not None and all(each.is_closed for each in exchange.watchers)
                self._end(now, "complete" if is_over else "client left")
        elif exchange is not None and exchange.watchers is not None:
            self.to_upstream += data
            self._watch(exchange, exchange.watchers[0], data, now)
        else:
            self._http.receive_data(data)
            self._read_client(now)

    def receive_from_upstream(self, data: bytes, now: float) -> None:
        """Bytes have come from the app; ``b""`` when it has closed, or the connection broke."""
        exchange = self._exchange
        if exchange is None:
            return
        if exchange.watchers is not None:
            if data:
                self.to_client += data
                self._watch(exchange, exchange.watchers[1], data, now)
            else:
                self.is_done = True
                self._end(now, "complete" if exchange.watchers[1].is_closed else "server left")
            return
        try:
            exchange.http.receive_data(data)
            self._read_upstream(exchange, now)
        except h11.ProtocolError:
            # It closed too early, or says what is no answer: the client's connection breaks at the same place.
            self.is_done = True
            self._end(now, "server left")

    def upstream_unreachable(self, reason: str, now: float) -> None:
        """There is no connection to the app: the client is answered 502."""
        body = f"the recorder cannot reach {self._route.upstream}: {reason}\n".encode()
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        self._send_client(h11.Response(status_code=502, reason=b"Bad Gateway", headers=headers))
        self._send_client(h11.Data(data=body))
        self.to_upstream.clear()
        self.is_done = True
        self._end(now, "unreachable")

    # The client's side.

    def _read_client(self, now: float) -> None:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error, now)
                return
            exchange = self._exchange
            if isinstance(event, h11.Request):
                self._begin(event, now)
            elif isinstance(event, h11.Data):
                assert exchange is not None
                self._tell(Sent(now, exchange.number, bytes(event.data)))
                self._send_upstream(exchange, event)
            elif isinstance(event, h11.EndOfMessage):
                assert exchange is not None
                self._send_upstream(exchange, h11.EndOfMessage())
            else:
                return

    def _refuse(self, error: h11.RemoteProtocolError, now: float) -> None:
        self.is_done = True
        if self._exchange is not None:  # the rest of the body is no body
            self._end(now, "client left")
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("content-length", "0"), ("connection", "close")]
            status = error.error_status_hint
            self._send_client(h11.Response(status_code=status, reason=b"Bad Request", headers=headers))

    def _begin(self, event: h11.Request, now: float) -> None:
        exchange = self._exchange = _Exchange(self._number())
        method, target = event.method.decode("ascii"), event.target.decode("latin-1")
        headers = decoded(event.headers)
        self._tell(Began(now, exchange.number, method, target, headers))
        if self._http.they_are_waiting_for_100_continue:
            self._send_client(h11.InformationalResponse(status_code=100, headers=[]))
        request = h11.Request(
            method=method, target=target, headers=encoded(self._headers_for_upstream(headers))
        )
        self._send_upstream(exchange, request)

    def _headers_for_upstream(self, headers: Headers) -> list[tuple[str, str]]:
        given = dict(headers)
        is_upgrade = given.get("upgrade", "").lower() == "websocket"
        # No compression: what cannot be read cannot be redacted, or shown.
        dropped = _HOP_BY_HOP | {"accept-encoding", "expect", "host", "sec-websocket-extensions"}
        kept = [pair for pair in headers if pair[0] not in dropped]
        if given.get("transfer-encoding", "").lower() == "chunked":
            # Where both are given, this one counts (RFC 9112, 6.3), and only this one is passed on.
            kept = [pair for pair in kept if pair[0] != "content-length"]
            kept.append(("transfer-encoding", "chunked"))
        kept.append(("accept-encoding", "identity"))
        kept += (
            [("connection", "Upgrade"), ("upgrade", "websocket")] if is_upgrade else [("connection", "close")]
        )
        address, upstream = self._route.address, self._route.upstream
        host = given.get("host", address.netloc)
        own = f"{address.scheme}://{host}"
        if host in self._own_hosts and given.get("origin", own) == own:
            kept += [pair for pair in self._route.headers if pair[0] not in given]
        if upstream.is_loopback:
            named = [("host", host)]
        else:
            named = [("host", upstream.netloc)]
            if "x-forwarded-host" not in given:
                kept.append(("x-forwarded-host", host))
            kept = [
                (name, str(upstream)) if name == "origin" and value == own else (name, value)
                for name, value in kept
            ]
        if upstream.scheme != address.scheme and "x-forwarded-proto" not in given:
            kept.append(("x-forwarded-proto", address.scheme))
        return named + kept

    # The app's side.

    def _read_upstream(self, exchange: _Exchange, now: float) -> None:
        while self._exchange is exchange:
            event = exchange.http.next_event()
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == 101:
                    self._switch(exchange, event, now)
                    return
            elif isinstance(event, h11.Response):
                headers = self._headers_for_client(event)
                reason = bytes(event.reason).decode("latin-1")
                exchange.is_answered = True
                self._tell(Answered(now, exchange.number, event.status_code, reason, headers))
                head = h11.Response(
                    status_code=event.status_code, reason=event.reason, headers=encoded(headers)
                )
                self._send_client(head)
            elif isinstance(event, h11.Data):
                self._tell(Received(now, exchange.number, bytes(event.data)))
                self._send_client(h11.Data(data=bytes(event.data)))
            elif isinstance(event, h11.EndOfMessage):
                self._send_client(h11.EndOfMessage())
                self._end(now, "complete")
                if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                    self._read_client(now)  # it may have sent the next one already
                else:
                    self.is_done = True
            else:
                return

    def _headers_for_client(self, event: h11.Response | h11.InformationalResponse) -> Headers:
        headers: list[tuple[str, str]] = []
        for name, value in decoded(event.headers):
            if name == "location" and value.startswith(str(self._route.upstream)):
                value = str(self._route.address) + value[len(str(self._route.upstream)) :]
            elif name == "set-cookie":
                value = _COOKIE_OF_ELSEWHERE.sub("", value)
            if name not in _HOP_BY_HOP:
                headers.append((name, value))
        if any(name == b"transfer-encoding" for name, _ in event.headers):
            headers = [pair for pair in headers if pair[0] != "content-length"]
        return tuple(headers)

    def _switch(self, exchange: _Exchange, event: h11.InformationalResponse, now: float) -> None:
        headers = (*self._headers_for_client(event), ("connection", "Upgrade"), ("upgrade", "websocket"))
        exchange.is_answered = True
        self._tell(Answered(now, exchange.number, 101, bytes(event.reason).decode("latin-1"), headers))
        self._send_client(
            h11.InformationalResponse(status_code=101, reason=event.reason, headers=encoded(headers))
        )
        exchange.watchers = _Watcher(True), _Watcher(False)
        by_client, by_app = self._http.trailing_data[0], exchange.http.trailing_data[0]
        if by_client:
            self.receive_from_client(by_client, now)
        if by_app:
            self.receive_from_upstream(by_app, now)

    def _watch(self, exchange: _Exchange, watcher: _Watcher, data: bytes, now: float) -> None:
        try:
            for frame in watcher.read(data, now):
                self._tell(Passed(exchange.number, frame))
        except OverflowError:
            self.is_done = True
            self._end(now, "server left")

    def _end(self, now: float, how: How) -> None:
        assert self._exchange is not None
        self._tell(Ended(now, self._exchange.number, how))
        self._exchange = None
        self.to_upstream.clear()  # the next exchange has a connection of its own

    def _send_client(self, event: h11.Event) -> None:
        self.to_client += self._http.send(event) or b""

    def _send_upstream(self, exchange: _Exchange, event: h11.Event) -> None:
        self.to_upstream += exchange.http.send(event) or b""
