"""Exchanges over httpcore's pool, each carried by a thread of its own while it is open.

Theory of operation. httpcore blocks, and flows do not. So a thread sends the request and reads the response, and
puts what it has read where a flow takes it; when there is more than :data:`MOST_UNREAD` of that, the thread waits.
After each change it tells the scheduler, which lets the flow go on that waits for it. Nothing is lost when that flow
is given up or woken: what has been read stays with the exchange, for who reads on.

Deadlines are the flows' own: httpcore is given none. Nor is it told of a proxy: a connection leads to the server
when httpcore gets it, by the same flow as over bytes. So passwords, errors and kinds of proxies are the same
everywhere.

An exchange is closed at once, by shutting its connection down, and that ends its thread. A connection that has
carried a response to its end is httpcore's again before anybody can close that exchange, so no other one is hurt.

A connection that the server has switched to another protocol (101) is httpcore's no longer: its thread hands it over,
and ends. From then on it is a connection like those of our other transports, without a thread of its own. HTTP/2 knows
no such switch, so a request for one goes to a second pool, which does not speak it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import h11
import httpcore

from gradio_proto.effects import (
    ByteEffect,
    ByteFlow,
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
from gradio_proto.errors import (
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
)
from gradio_proto.exchange import IDLE_CONNECTIONS, IDLE_SECONDS, ConnectionPool, Exchange, Proxy
from gradio_proto.http import Request, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.scheduler import Parking, Task
from gradio_proto.socks import SOCKSProxy
from gradio_proto.timeouts import Timeouts, deadline, earlier

from .interruptible import ALPN, Backend, Interruptible, OneAtATime, User, extensions_of
from .nonblocking import SMALLEST_READ, SocketStream, broken
from .selecting import SelectorScheduler

MOST_UNREAD: Final = 1024 * 1024
"""Bytes of a body that a thread reads ahead of whoever takes them."""

LONGEST_JOIN: Final = 0.5
"""Seconds that closing waits for the threads, which end at once."""

T = TypeVar("T")

MakePool = Callable[..., httpcore.ConnectionPool]


class _GivenUp(Exception):
    """The exchange was closed, and so its thread ends."""


class CarriedExchange(Exchange, Parking):
    """One request and its response. A flow and the exchange's thread share it, by turns.

    Raises:
        LocalProtocolError: A header holds what no header may.
    """

    def __init__(self, pool: CarriedPool, request: Request) -> None:
        self.request = request
        self.head: ResponseHead | None = None
        self._connection = None
        self._pool = pool
        self._changed = threading.Condition()
        """Guards everything below, and tells the thread of changes."""
        self._is_closed = False
        self._is_connected = False
        self._may_send = False
        """The flow has heard of the connection: given up before that, the request has not gone out."""
        self._is_sent = False
        """The whole request, or the head of one that is streamed."""
        self._offered: bytes | None = None
        """A piece of a streamed body that the thread is to send."""
        self._left = _content_length(request)
        self._write_error: OSError | None = None
        self._received: ResponseHead | None = None
        self._pieces: list[bytes] = []
        self._unread = 0
        self._has_ended = False
        self._error: GradioError | None = None
        self._stream: Interruptible | None = None
        """The connection that the thread uses."""
        self._switched: SocketStream | None = None
        """The connection, once the server has switched it to another protocol; the flow's from then on."""
        self._opening = b""
        """The first bytes of the response, for errors to quote."""
        self._saw_end = False
        self._is_told = False
        self._task: Task[Any] | None = None
        self.is_connecting = False
        self.thread = threading.Thread(
            target=self._carry, args=(self._message(),), name="gradio_proto-exchange", daemon=True
        )

    def _message(self) -> httpcore.Request:
        event = self._pool.requests.event(self.request)
        origin = self.request.origin
        return httpcore.Request(
            event.method,
            httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=event.target),
            headers=event.headers.raw_items(),
            content=self._offered_pieces() if self.request.is_streamed else self.request.body,
            extensions={"timeout": {"connect": self._pool.timeouts.connect}, "trace": self._trace},
        )

    # What flows ask. Only where flows take their steps.

    @property
    def is_finished(self) -> bool:
        """True once the response has been read to its end, or the exchange was closed."""
        return self._is_closed

    def wait(self, task: Task[Any], deadline: float | None, wake: Signal | None) -> None:
        """Park a task until the thread has done something."""
        self._task = task
        self._pool.scheduler.park(task, deadline, wake, on=self)

    def leave(self, task: Task[Any]) -> None:
        """The task no longer waits here."""
        self._task = None

    def close(self) -> None:
        """Give up what has not been read, and end the thread."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._pieces.clear()
            self._changed.notify()
            if self._stream is not None:
                self._stream.end_waiting()
        if self._switched is not None:
            self._switched.close()
            self._pool.switched.discard(self)
        if self._task is not None:
            closed = ConnectionLost("the connection was closed by this client")
            self._pool.scheduler.resume(self._task, error=closed)

    def forget(self) -> None:
        """In a forked child: the thread and the connection are the parent's, and so may be a lock that is held."""
        self._changed = threading.Condition()
        self._is_closed = True
        self._stream = None
        if self._switched is not None:
            self._switched.sock.close()  # and no more: the selector that knows it is the parent's, too

    def check(self) -> None:
        """Raise what went wrong."""
        with self._changed:
            if self._error is not None:
                raise self._error

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that carries it."""
        return self._is_connected

    def send(self) -> None:
        """Let the request go out."""
        with self._changed:
            self._may_send = True
            self._changed.notify()

    @property
    def is_sent(self) -> bool:
        """Whether the request was sent; if it is streamed, its head."""
        return self._is_sent

    def offer(self, data: bytes) -> None:
        """Have a piece of a streamed body sent; ``b""`` ends it."""
        self._check_open()
        if not self.request.is_streamed:
            raise LocalProtocolError("this piece of a body cannot be sent: the request was sent whole")
        if self._left is not None:
            if len(data) > self._left or (not data and self._left):
                raise LocalProtocolError(
                    "this piece of a body cannot be sent: it does not fit content-length"
                )
            self._left -= len(data)
        with self._changed:
            self._is_sent = False
            self._offered = data
            self._changed.notify()

    def check_offered(self) -> bool:
        """Whether what was offered has been sent. Raises ConnectionLost where the server takes no more."""
        with self._changed:
            if self._write_error is not None:
                raise broken(str(self.request.origin), self._write_error)
            if self._error is not None:
                raise self._error
            return self._is_sent

    def take_back(self) -> None:
        """Send no more; the response may still be read."""
        with self._changed:
            self._write_error = self._write_error or OSError("not all of the request was sent")
            self._changed.notify()
            if self._stream is not None:
                self._stream.end_waiting(socket.SHUT_WR)

    def take_head(self) -> ResponseHead | None:
        """The head of the response, if it is there."""
        self._check_open()
        with self._changed:
            if self._received is None and self._error is not None:
                raise self._error
            self.head = self._received
            return self.head

    def take(self) -> bytes | None:
        """What is there of the body; ``b""`` at its end, None if nothing is there yet."""
        self._check_open()
        with self._changed:
            if self._pieces:
                data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
                self._pieces.clear()
                self._unread = 0
                self._changed.notify()
                return data
            if self._error is not None:
                raise self._error
            if self._has_ended:
                self._is_closed = True
                return b""
            return None

    @property
    def switched(self) -> SocketStream | None:
        """The connection, once it speaks another protocol.

        Raises:
            LocalProtocolError: It did, and is closed.
        """
        if self._switched is not None:
            self._check_open()
        return self._switched

    @property
    def has_pieces(self) -> bool:
        """Whether :meth:`take` has something to give."""
        return bool(self._pieces)

    def _check_open(self) -> None:
        if self._is_closed:
            raise LocalProtocolError("this exchange has ended; nothing more can be read from it")

    # The thread.

    def _carry(self, message: httpcore.Request) -> None:
        try:
            with self._pool.backend.used_by(self):
                self._send_and_receive(message)
        except _GivenUp:
            pass
        except Exception as error:
            with self._changed:
                self._error = self._translated(error)
        self._tell()
        self._pool.has_ended(self)

    def _send_and_receive(self, message: httpcore.Request) -> None:
        complete = False
        try:
            response = self._pool.http_for(self.request).handle_request(message)
            try:
                self._put_head(response)
                for piece in () if response.status == 101 else response.iter_stream():
                    if piece:  # HTTP/2 knows empty ones
                        self._put(piece)
                complete = True
                with self._changed:
                    self._stream = None  # it may carry another exchange in an instant, and this one be closed
            finally:
                response.close()
        finally:
            with self._changed:
                stream, self._stream = self._stream, None
            if not complete and stream is not None:
                stream.close()  # httpcore keeps one that a proxy has refused, and one of HTTP/2
        with self._changed:
            self._has_ended = True

    def _put_head(self, response: httpcore.Response) -> None:
        headers = tuple(
            (str(name, "latin-1").lower(), str(value, "latin-1")) for name, value in response.headers
        )
        extensions = extensions_of(response)
        reason: str = extensions.get("reason_phrase", b"").decode("latin-1")
        size = len(reason) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > self._pool.limits.header_bytes:
            raise LimitExceeded("header_bytes", self._pool.limits.header_bytes)
        if extensions["http_version"] == b"HTTP/2":
            # Nobody else has looked at these: h11 does, as it does at those of HTTP/1.1.
            h11.Response(status_code=response.status, headers=response.headers)
        with self._changed:
            if response.status == 101:
                self._switch(extensions["network_stream"])
            self._received = ResponseHead(response.status, reason, headers)
        self._tell()

    def _switch(self, upgraded: httpcore.NetworkStream) -> None:
        """The connection is another protocol's, and so not httpcore's any more."""
        self.check_wanted()
        stream, self._stream = self._stream, None
        assert stream is not None
        sock = stream.hand_over()
        sock.setblocking(False)
        self._switched = SocketStream(self._pool.scheduler, sock, stream.peer)
        self._pool.switched.add(self)
        came_along = upgraded.read(MOST_UNREAD)  # with the head, and what httpcore still has
        if came_along:
            self._pieces.append(came_along)

    def _put(self, piece: bytes) -> None:
        with self._changed:
            while self._unread >= MOST_UNREAD and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                raise _GivenUp
            self._pieces.append(piece)
            self._unread += len(piece)
        self._tell()

    def _offered_pieces(self) -> Iterator[bytes]:
        """The body of a streamed request, as httpcore asks for it: when it does, it has sent what it got before."""
        while True:
            self._mark_sent()
            with self._changed:
                while self._offered is None and self._write_error is None and not self._is_closed:
                    self._changed.wait()
                data, self._offered = self._offered, None
                if self._is_closed:
                    raise _GivenUp
                if data is None:
                    raise httpcore.WriteError(str(self._write_error))  # httpcore reads the response then
            if not data:
                return  # it is sent when httpcore begins to read
            yield data

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        """Called by httpcore at each step. The request may be another one, to a proxy."""
        request = info.get("request")
        if request is None or request.method == b"CONNECT":
            return
        if name.endswith("send_request_headers.started"):
            if name.startswith("http2.") and _wants_switch(self.request):
                raise LocalProtocolError(
                    "HTTP/2 has no upgrades, which WebSockets need: leave h2 out of what your ssl_context offers"
                )
            if self._is_connected:
                # Of a request that was not answered httpcore may think that it was not heard, and try again.
                raise ConnectionLost("the server closed the connection without answering")
            with self._changed:
                self._is_connected = True
                self._saw_end = False  # of what a proxy has said
                self._opening = b""
            self._tell()
            with self._changed:
                self._changed.wait_for(lambda: self._may_send or self._is_closed)
                self.check_wanted()
        elif name.endswith("receive_response_headers.started"):
            self._mark_sent()

    def _mark_sent(self) -> None:
        with self._changed:
            self._is_sent = True
        self._tell()

    def _tell(self) -> None:
        """Let the flow go on that waits for news; one call for several, where it does not come soon."""
        with self._changed:
            if self._is_told or self._is_closed:
                return
            self._is_told = True
        self._pool.scheduler.call_from_thread(self._hear)

    def _hear(self) -> None:
        self._is_told = False
        if self._task is not None:
            self._pool.scheduler.resume(self._task, True)

    # What the connection tells.

    def check_wanted(self) -> None:
        """End the thread, if the exchange was closed."""
        if self._is_closed:
            raise _GivenUp

    def begins_to_use(self, stream: Interruptible) -> None:
        """The thread waits for this connection from now on."""
        with self._changed:
            self.check_wanted()
            self._stream = stream

    def has_read(self, data: bytes) -> None:
        """Something was read."""
        if not data:
            self._saw_end = True
        elif self._received is None and len(self._opening) < RemoteProtocolError.QUOTED:
            self._opening += data[: RemoteProtocolError.QUOTED]

    def could_not_write(self, error: OSError) -> None:
        """The server takes no more."""
        with self._changed:
            self._write_error = self._write_error or error
        self._tell()

    # Errors.

    def _translated(self, error: Exception) -> GradioError:
        """What went wrong, in our terms."""
        if isinstance(error, GradioError):
            # httpcore raises it again, and from nothing.
            error.__cause__ = error.__cause__ or error.__context__
            return error
        translated = (
            self._answer_error(error)
            if self._is_connected
            else ConnectError(f"no connection to {self.request.origin}: {error}")
        )
        translated.__cause__ = error
        return translated

    def _answer_error(self, error: Exception) -> GradioError:
        reason = error.args[0] if error.args else None
        if isinstance(error, httpcore.ReadError | httpcore.WriteError):
            return broken(str(self.request.origin), reason if isinstance(reason, OSError) else error)
        if isinstance(reason, h11.RemoteProtocolError) and reason.error_status_hint == 431:
            return LimitExceeded("header_bytes", self._pool.limits.header_bytes)
        if self._saw_end:
            where = "in the middle of its response" if self._opening else "without answering"
            return ConnectionLost(f"the server closed the connection {where}")
        if isinstance(error, httpcore.RemoteProtocolError) and not isinstance(reason, str | Exception):
            # An event of HTTP/2, by which a server says that it will not answer, or not to the end.
            return ConnectionLost(f"the server broke its response off: {error}")
        what = str(error) or type(error).__name__
        return RemoteProtocolError(f"the server's answer is not HTTP ({what})", data=self._opening)


def _wants_switch(request: Request) -> bool:
    """Whether the connection is to become another protocol's."""
    return any(name.lower() == "upgrade" for name, _ in request.headers)


def _content_length(request: Request) -> int | None:
    """The bytes of a streamed body, where its headers say that."""
    for name, value in request.headers:
        if name.lower() == "content-length":
            return int(value)
    return None


class CarriedPool(ConnectionPool):
    """The exchanges of one client, over a pool of httpcore's.

    Args:
        scheduler: Where the client's flows take their steps.
        context: Gives the TLS context, and whether that is our own.
        make: Makes httpcore's pool of what it is given.
        http2: Whether HTTP/2 is spoken with servers that do.
    """

    def __init__(
        self,
        limits: Limits,
        timeouts: Timeouts,
        *,
        proxy: Proxy | SOCKSProxy | None,
        scheduler: SelectorScheduler,
        context: Callable[[], tuple[ssl.SSLContext, bool]],
        make: MakePool,
        http2: bool,
    ) -> None:
        super().__init__(limits, timeouts, proxy=proxy)
        self.scheduler = scheduler
        self._lock = threading.Lock()
        self._carried: set[CarriedExchange] = set()
        """The exchanges whose threads are at work."""
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._is_forgotten = False
        self.switched: set[CarriedExchange] = set()
        """The exchanges whose connections speak another protocol now."""
        hop = proxy.origin if isinstance(proxy, Proxy) else proxy
        self.backend = Backend(context, None if hop is None else (hop.host, hop.port), self._has_connected)
        self._http1 = self._new_http(make, http2=False)
        self._http2 = self._new_http(make, http2=True) if http2 else self._http1

    def _new_http(self, make: MakePool, *, http2: bool) -> httpcore.ConnectionPool:
        http = make(
            ssl_context=ALPN(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=None,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            http2=http2,
            retries=0,
            network_backend=self.backend,
        )
        create = http.create_connection
        http.create_connection = lambda origin: OneAtATime(create(origin))  # type: ignore[method-assign]
        return http

    def http_for(self, request: Request) -> httpcore.ConnectionPool:
        """The pool of httpcore's that a request is for."""
        return self._http2 if request.origin.tls and not _wants_switch(request) else self._http1

    def _has_connected(self, user: User, stream: Interruptible) -> None:
        """Make a new connection lead to the server: by the flow that does so over bytes, on the exchange's thread."""
        assert isinstance(user, CarriedExchange)
        with contextlib.closing(self.pass_proxy(stream, user.request.origin, None)) as flow:
            try:
                effect = next(flow)
                while True:
                    try:
                        data = _carry_out(effect, stream)
                    except httpcore.NetworkError as error:
                        effect = flow.throw(ConnectionLost(str(error)))
                    else:
                        effect = flow.send((data, 0.0))
            except StopIteration:
                pass
        with self._lock:
            self.connections_made += 1

    def close(self) -> None:
        """Close every exchange, and so every connection, and make no more."""
        if self._is_forgotten:
            return
        with self._lock:
            self._closed = True
            carried = tuple(self._carried)
        for exchange in (*carried, *self.switched):
            exchange.close()
        if not carried:
            self._close_idle()

    def _close_idle(self) -> None:
        self._http1.close()
        self._http2.close()

    def join(self) -> None:
        """Wait until the threads have ended, after :meth:`close`, without what they may wait for to tell something."""
        until = time.monotonic() + LONGEST_JOIN
        uninterruptible = {exchange.thread for exchange in tuple(self._carried) if exchange.is_connecting}
        for thread in tuple(self._threads):
            if thread not in uninterruptible:
                thread.join(max(0.0, until - time.monotonic()))

    def has_ended(self, exchange: CarriedExchange) -> None:
        """An exchange's thread ends. The last one closes the idle connections: one in use must not be closed."""
        with self._lock:
            self._carried.discard(exchange)
            is_last = self._closed and not self._carried
        if is_last:
            self._close_idle()

    def forget_all(self) -> None:
        """In a forked child: leave everything to the parent."""
        self._is_forgotten = True
        for exchange in (*self._carried, *self.switched):
            exchange.forget()
        for stream in tuple(self.backend.streams):
            stream.forget()

    # The four exchange effects, by the rules of the pool that this is one of.

    def open(self, effect: Open) -> ByteFlow[tuple[Exchange, float]]:
        """Send a request on an idle connection or a new one."""
        if self._closed:
            raise ClientClosed("the client is closed")
        _, now = yield Now()
        until = earlier(deadline(now, self.timeouts.connect), effect.deadline)
        exchange = self._begin(effect.request)
        is_open = False
        try:
            while not exchange.is_connected:
                exchange.check()
                _, now = yield Receive(exchange, until)
            exchange.send()
            # What is sent as soon as that is said is answered at once: a stream that was asked for is its session's,
            # whoever is given up.
            while not exchange.is_sent and (effect.request.body or effect.request.is_streamed):
                exchange.check()
                _, now = yield Receive(exchange, effect.deadline)
            is_open = True
        except TimedOut as error:
            if exchange.is_connected:
                raise DeadlineExceeded("the request could not be sent in time", kind="write") from error
            hop = self.first_hop(effect.request.origin)
            raise DeadlineExceeded(
                f"no connection to {hop} in time", kind="connect", phase="not_sent"
            ) from error
        finally:
            if not is_open:
                exchange.close()
        return exchange, now

    def _begin(self, request: Request) -> CarriedExchange:
        exchange = CarriedExchange(self, request)
        with self._lock:
            self._carried.add(exchange)
        try:
            exchange.thread.start()
        except RuntimeError as error:
            self.has_ended(exchange)
            raise ConnectError(f"no connection to {request.origin}: {error}") from error
        self._threads.add(exchange.thread)
        return exchange

    def send_body(self, effect: SendBody) -> ByteFlow[tuple[None, float]]:
        """Send a piece of a streamed body, or bytes of the protocol that the server has switched to. After a failure
        what the server says may still be read, and that is all."""
        exchange = _carried(effect.exchange)
        _, now = yield Now()
        switched = exchange.switched
        if switched is None:
            exchange.offer(effect.data)
        is_sent = False
        try:
            while not exchange.check_offered():
                _, now = yield Receive(exchange, effect.deadline)
            if switched is not None:
                _, now = yield Send(switched, effect.data, effect.deadline)
            is_sent = True
        except TimedOut as error:
            raise DeadlineExceeded("the request could not be sent in time", kind="write") from error
        finally:
            if not is_sent:
                exchange.take_back()
        return None, now

    def read_head(self, effect: ReadHead) -> ByteFlow[tuple[ResponseHead | None, float]]:
        """Read up to the head of the response; None when woken."""
        return (yield from self._read(effect, _carried(effect.exchange).take_head))

    def read_body(self, effect: ReadBody) -> ByteFlow[tuple[bytes | None, float]]:
        """Read the next piece of the body, or of another protocol; ``b""`` at its end, None when woken."""
        exchange = _carried(effect.exchange)
        switched = exchange.switched
        if switched is None or exchange.has_pieces:
            return (yield from self._read(effect, exchange.take))
        try:
            data, now = yield Receive(switched, effect.deadline, effect.wake)
        except GradioError:
            exchange.close()
            raise
        if data == b"":
            exchange.close()
        return data, now

    def _read(
        self, effect: ReadHead | ReadBody, take: Callable[[], T | None]
    ) -> ByteFlow[tuple[T | None, float]]:
        exchange = _carried(effect.exchange)
        _, now = yield Now()
        try:
            while (taken := take()) is None:
                news, now = yield Receive(exchange, effect.deadline, effect.wake)
                if news is None:
                    break
        except GradioError:
            exchange.close()
            raise
        return taken, now


def _carried(exchange: Exchange) -> CarriedExchange:
    assert isinstance(exchange, CarriedExchange)
    return exchange


def _carry_out(effect: ByteEffect, stream: Interruptible) -> object:
    if isinstance(effect, Send):
        stream.write(effect.data)
        return None
    if isinstance(effect, StartTLS):
        return stream.start_tls(ALPN(ssl.PROTOCOL_TLS_CLIENT), effect.server_hostname)
    assert isinstance(effect, Receive)
    return stream.read(SMALLEST_READ)
