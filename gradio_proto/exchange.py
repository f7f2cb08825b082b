"""From exchanges to bytes: HTTP/1.1 over connections that are made, kept and thrown away here.

Theory of operation. A flow speaks in exchange effects (open a request, read its head, read its body). A
transport that only moves bytes runs ``lower(flow, pool)`` instead of ``flow``: a generator that answers those
effects itself, with h11 and a pool of idle connections, and yields byte effects in turn. Nothing here waits,
looks at a clock or knows a socket.

A connection belongs to one exchange at a time. When a response has been read to its end the connection goes
to the pool by itself; when an exchange is closed before, the connection is closed, since HTTP/1.1 has no other
way to say "no more". Closing never yields, so it is safe in ``finally``, under cancellation and in ``close()``.

uvicorn closes a connection that has idled for 5 seconds, and a POST must never be sent twice. So an idle
connection is used again only while it is younger than 4 seconds, has no end of file and no stray bytes waiting.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from .effects import (
    Answer,
    ByteEffect,
    ByteFlow,
    ByteStream,
    Connect,
    Flow,
    IsQuiet,
    Now,
    Open,
    ReadBody,
    ReadHead,
    Receive,
    Send,
    SendBody,
    Signal,
    StartTLS,
    TimedOut,
)
from .errors import (
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    LocalProtocolError,
    RemoteProtocolError,
)
from .http import Data, Headers, HTTPConnection, HTTPEvent, Request, RequestCache, ResponseHead
from .limits import Limits
from .sentinels import NEED_DATA
from .socks import SOCKSProxy, open_tunnel
from .timeouts import Timeouts, deadline, earlier
from .urls import Origin

T = TypeVar("T")

IDLE_SECONDS: Final = 4.0
"""How long an idle connection is trusted: one second less than uvicorn's default keep-alive timeout."""

IDLE_CONNECTIONS: Final = 16
"""Idle connections that a pool keeps. A client needs one for its stream and one or two for its requests;
a burst of joins has as many on their way at once, and the next one should find them."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy, used by CONNECT. ``headers`` (its credentials) go to the proxy and to nobody else."""

    origin: Origin
    """Where the proxy is."""
    headers: Headers = field(default=(), repr=False)
    """Sent with each CONNECT."""


class Exchange:
    """One request and its response on one connection."""

    __slots__ = ("_connection", "head", "request")

    def __init__(self, request: Request, connection: PooledConnection) -> None:
        self.request = request
        self.head: ResponseHead | None = None
        self._connection: PooledConnection | None = connection

    @property
    def is_finished(self) -> bool:
        """True once the response has been read to its end, or the exchange was closed."""
        return self._connection is None

    @property
    def connection(self) -> PooledConnection:
        """The connection that carries it.

        Raises:
            LocalProtocolError: There is none any more.
        """
        if self._connection is None:
            raise LocalProtocolError("this exchange has ended; nothing more can be read from it")
        return self._connection

    def detach(self) -> PooledConnection:
        """Take the connection away, because the response is complete or the connection is of no more use."""
        connection = self.connection
        self._connection = None
        return connection

    def close(self) -> None:
        """Give up what has not been read. Does nothing once the exchange is finished; never yields."""
        if self._connection is not None:
            self.detach().close()


class PooledConnection:
    """A byte stream and the HTTP state on it. Made by a :class:`ConnectionPool`."""

    __slots__ = ("_pool", "http", "last_active", "origin", "stream")

    def __init__(self, pool: ConnectionPool, origin: Origin, stream: ByteStream) -> None:
        self._pool = pool
        self.origin = origin
        self.stream = stream
        self.http = HTTPConnection(pool.limits, pool.requests)
        self.last_active = 0.0
        """When bytes last went over it."""

    def close(self) -> None:
        """Close the connection and forget it."""
        self._pool.forget(self)
        self.stream.close()


class ConnectionPool:
    """The connections of one client. Pure: the runner owns the sockets, the pool decides about them.

    Args:
        limits: How large heads may be.
        timeouts: How long connecting may take.
        proxy: What connections go through, if they do.
    """

    def __init__(
        self, limits: Limits, timeouts: Timeouts, *, proxy: Proxy | SOCKSProxy | None = None
    ) -> None:
        self.limits = limits
        self.timeouts = timeouts
        self.proxy = proxy
        self.requests = RequestCache()
        self.connections_made = 0
        """How many connections were ever opened: what tests and benchmarks count."""
        self._idle: list[PooledConnection] = []
        self._busy: set[PooledConnection] = set()
        self._closed = False

    def forget(self, connection: PooledConnection) -> None:
        """Drop a connection that is being closed."""
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close every connection, busy ones too, and make no more."""
        self._closed = True
        for connection in [*self._busy, *self._idle]:
            connection.close()

    def release(self, exchange: Exchange, now: float) -> None:
        """Take back the connection of an exchange whose response is complete by now."""
        connection = exchange.detach()
        if not connection.http.is_reusable or self._closed:
            connection.close()
            return
        connection.http.start_next_cycle()
        connection.last_active = now
        self._busy.discard(connection)
        self._idle.append(connection)
        if len(self._idle) > IDLE_CONNECTIONS:
            self._idle[0].close()

    def _checkout(self, origin: Origin) -> ByteFlow[PooledConnection | None]:
        """The youngest idle connection to ``origin`` that can be trusted, if there is one."""
        for connection in self._idle[::-1]:
            if connection.origin != origin or connection not in self._idle:
                continue
            self._idle.remove(connection)
            self._busy.add(connection)
            trusted = False
            try:
                quiet, now = yield IsQuiet(connection.stream)
                trusted = quiet and now - connection.last_active <= IDLE_SECONDS
            finally:
                if not trusted:
                    connection.close()
            if trusted:
                return connection
        return None

    def _connect(self, origin: Origin, latest: float | None) -> ByteFlow[PooledConnection]:
        """A new connection to ``origin``, by ``latest``, through the proxy and TLS where there are any."""
        if self._closed:
            raise ClientClosed("the client is closed")
        _, now = yield Now()
        until = earlier(deadline(now, self.timeouts.connect), latest)
        hop = self.first_hop(origin)
        stream: ByteStream
        try:
            stream, now = yield Connect(hop.host, hop.port, until)
            made = False
            try:
                stream = yield from self.pass_proxy(stream, origin, until)
                if origin.tls:
                    stream, now = yield StartTLS(stream, origin.host, until)
                if self._closed:
                    raise ClientClosed("the client was closed while a connection was made")
                made = True
            finally:
                if not made:
                    stream.close()
        except TimedOut as error:
            raise DeadlineExceeded(
                f"no connection to {hop} in time", kind="connect", phase="not_sent"
            ) from error
        self.connections_made += 1
        connection = PooledConnection(self, origin, stream)
        self._busy.add(connection)
        return connection

    def first_hop(self, origin: Origin) -> Origin | SOCKSProxy:
        """What a connection that is to lead to ``origin`` is made to: the proxy, if there is one."""
        proxy = self._proxy_for(origin)
        return proxy.origin if isinstance(proxy, Proxy) else proxy or origin

    def _proxy_for(self, origin: Origin) -> Proxy | SOCKSProxy | None:
        # A file may lie on this machine while the app does not; to a proxy, "this machine" is another one.
        return None if origin.is_loopback else self.proxy

    def pass_proxy(self, stream: ByteStream, origin: Origin, until: float | None) -> ByteFlow[ByteStream]:
        """Make what leads to the first hop lead to ``origin``. Returns the stream to use from now on.

        Args:
            stream: The connection to the proxy.
            origin: Where it is to lead.
            until: When to give up, on the runner's clock; None for never.

        Raises:
            ConnectError: The proxy makes no tunnel; the stream is closed.
        """
        proxy = self._proxy_for(origin)
        made = False
        try:
            if isinstance(proxy, Proxy):
                if proxy.origin.tls:
                    stream, _ = yield StartTLS(stream, proxy.origin.host, until)
                yield from self._tunnel(stream, proxy, origin, until)
            elif proxy is not None:
                yield from open_tunnel(stream, proxy, origin, until)
            made = True
        finally:
            if not made:
                stream.close()
        return stream

    def _tunnel(
        self, stream: ByteStream, proxy: Proxy, origin: Origin, until: float | None
    ) -> ByteFlow[None]:
        """Ask a proxy for a tunnel (RFC 9110, 9.3.6)."""
        http = HTTPConnection(self.limits)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        authority = f"{host}:{origin.port}"  # CONNECT wants the port, the default one too
        request = Request("CONNECT", origin, authority, proxy.headers)
        try:
            yield Send(stream, http.send_request(request), until)
            event = http.next_event()
            while event is NEED_DATA:
                data, _ = yield Receive(stream, until)
                http.receive_data(data)
                event = http.next_event()
        except (ConnectionLost, RemoteProtocolError) as error:
            raise ConnectError(f"the proxy {proxy.origin} made no tunnel: {error}") from error
        if not isinstance(event, ResponseHead) or not http.is_switched:
            status = event.status if isinstance(event, ResponseHead) else 0
            message = (
                f"the proxy {proxy.origin} refused a tunnel to {authority}: it answered {status or 'nothing'}"
            )
            raise ConnectError(message, retryable=status >= 500)  # a 403 or 407 does not change by itself

    # The four exchange effects. A failure of the network or of the protocol closes the exchange. Being
    # cancelled does not, nor does a deadline: whoever holds the exchange may read on.

    def open(self, effect: Open) -> ByteFlow[tuple[Exchange, float]]:
        """Carry out an effect: send a request on an idle connection or a new one.

        Raises:
            DeadlineExceeded: It took too long.
        """
        request = effect.request
        connection = yield from self._checkout(request.origin)
        if connection is None:
            connection = yield from self._connect(request.origin, effect.deadline)
        sent = False
        try:
            _, now = yield Send(connection.stream, connection.http.send_request(request), effect.deadline)
            sent = True
        except TimedOut as error:
            raise DeadlineExceeded("the request could not be sent in time", kind="write") from error
        finally:
            if not sent:
                connection.close()
        connection.last_active = now
        return Exchange(request, connection), now

    def send_body(self, effect: SendBody) -> ByteFlow[tuple[None, float]]:
        """Carry out an effect: send a piece of a streamed body. After a failure a response may still be read,
        and that is all.

        Raises:
            DeadlineExceeded: It took too long.
        """
        connection = effect.exchange.connection
        data = connection.http.send_body(effect.data)
        sent = False
        try:
            if data:  # the end of a body of stated length is no bytes
                _, connection.last_active = yield Send(connection.stream, data, effect.deadline)
            sent = True
        except TimedOut as error:
            raise DeadlineExceeded("the request could not be sent in time", kind="write") from error
        finally:
            if not sent:
                connection.http.send_failed()
        return None, connection.last_active

    def _next_event(
        self, connection: PooledConnection, until: float | None, wake: Signal | None = None
    ) -> ByteFlow[HTTPEvent | None]:
        event = connection.http.next_event()
        while event is NEED_DATA:
            data, connection.last_active = yield Receive(connection.stream, until, wake)
            if data is None:
                return None
            connection.http.receive_data(data)
            event = connection.http.next_event()
        return event

    def read_head(self, effect: ReadHead) -> ByteFlow[tuple[ResponseHead | None, float]]:
        """Carry out an effect: read up to the head of the response; None when woken."""
        exchange, connection = effect.exchange, effect.exchange.connection
        try:
            head = yield from self._next_event(connection, effect.deadline, effect.wake)
        except GradioError:
            exchange.close()
            raise
        if head is not None:
            assert isinstance(head, ResponseHead)  # h11 gives nothing else first
            exchange.head = head
        return head, connection.last_active

    def read_body(self, effect: ReadBody) -> ByteFlow[tuple[bytes | None, float]]:
        """Carry out an effect: read the next piece of the body; ``b""`` at its end, None when woken.

        The time in the answer is when those bytes arrived.
        """
        exchange, connection = effect.exchange, effect.exchange.connection
        try:
            event = yield from self._next_event(connection, effect.deadline, effect.wake)
        except GradioError:
            exchange.close()
            raise
        if type(event) is Data:
            return event.data, connection.last_active
        if event is not None:
            self.release(exchange, connection.last_active)
        return (None if event is None else b""), connection.last_active


def lower(flow: Flow[T], pool: ConnectionPool) -> Generator[ByteEffect, Answer, T]:
    """Run a flow's exchange effects on a pool, as a flow of byte effects.

    An error is thrown into the flow that caused it, where it can be caught; what is no Exception (a cancellation,
    Ctrl-C) is not this function's business and ends both.
    """
    answer: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            error = None
            try:
                if isinstance(effect, ReadBody):
                    answer = yield from pool.read_body(effect)
                elif isinstance(effect, Open):
                    answer = yield from pool.open(effect)
                elif isinstance(effect, ReadHead):
                    answer = yield from pool.read_head(effect)
                elif isinstance(effect, SendBody):
                    answer = yield from pool.send_body(effect)
                else:
                    answer = yield effect
            except Exception as raised:
                error = raised
    finally:
        flow.close()
