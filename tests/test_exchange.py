"""The pool and ``lower()``, fed with byte effects by hand: every effect is expected by name and answered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto.conformance.strategies.chunkings import chunkings, fixed
from gradio_proto.effects import (
    Answer,
    ByteEffect,
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
    Sleep,
    StartTLS,
    TimedOut,
    Wait,
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
from gradio_proto.exchange import (
    IDLE_CONNECTIONS,
    IDLE_SECONDS,
    ConnectionPool,
    Exchange,
    Proxy,
    lower,
)
from gradio_proto.http import Request, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.timeouts import Timeouts
from gradio_proto.urls import Origin

E = TypeVar("E", bound=ByteEffect)

APP = Origin("http", "app", 7860)
SECURE = Origin("https", "app", 443)
OTHER = Origin("http", "other", 80)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
TIMEOUTS = Timeouts(connect=10.0)


class Stream:
    """A connection that counts how often it was closed."""

    def __init__(self, name: str = "stream", under: Stream | None = None) -> None:
        self.name = name
        self.under = under
        self.closings = 0

    @property
    def closed(self) -> bool:
        return self.closings > 0

    def close(self) -> None:
        self.closings += 1
        if self.under is not None:
            self.under.close()  # as a TLS stream closes the one beneath it

    def __repr__(self) -> str:
        return self.name


class Hand:
    """Runs one flow by hand. Each call names the effect that must come next, and answers it."""

    def __init__(self, flow: Flow[Any], pool: ConnectionPool, now: float = 0.0) -> None:
        self.now = now
        self.done = False
        self.result: Any = None
        self._generator = lower(flow, pool)
        self._effect: ByteEffect | None = None
        self._step(lambda: next(self._generator))

    def _step(self, step: Callable[[], ByteEffect]) -> None:
        try:
            self._effect = step()
        except StopIteration as stop:
            self._effect, self.done, self.result = None, True, stop.value

    def asks(self, kind: type[E]) -> E:
        """What the flow wants now."""
        assert isinstance(self._effect, kind), self._effect
        return self._effect

    def answers(self, kind: type[E], value: object = None, *, now: float | None = None) -> E:
        effect = self.asks(kind)
        self.now = self.now if now is None else now
        self._step(lambda: self._generator.send((value, self.now)))
        return effect

    def fails(self, kind: type[E], error: BaseException) -> E:
        effect = self.asks(kind)
        self._step(lambda: self._generator.throw(error))
        return effect

    def connects(self, stream: Stream) -> Connect:
        """A new connection, without a proxy, for a request that is sent."""
        self.answers(Now)
        effect = self.answers(Connect, stream)
        self.answers(Send)
        return effect

    def reuses(self, stream: Stream) -> None:
        """A request goes out on an idle connection."""
        assert self.answers(IsQuiet, True).stream is stream
        assert self.answers(Send).stream is stream

    def gets(self, data: bytes = OK, *, now: float | None = None) -> None:
        self.answers(Receive, data, now=now)

    def abandon(self) -> None:
        """End it, as a runner that has no more use for it does."""
        self._generator.close()


def pool_of(proxy: Proxy | None = None, limits: Limits | None = None) -> ConnectionPool:
    return ConnectionPool(limits or Limits(), TIMEOUTS, proxy=proxy)


def read_all(exchange: Exchange) -> Flow[bytes]:
    body = b""
    while True:
        piece, _ = yield ReadBody(exchange, None)
        if not piece:
            return body
        body += piece


def fetch(origin: Origin = APP, target: str = "/") -> Flow[bytes]:
    exchange, _ = yield Open(Request("GET", origin, target), None)
    try:
        yield ReadHead(exchange, None)
        return (yield from read_all(exchange))
    finally:
        exchange.close()


def leave_idle(pool: ConnectionPool, name: str = "idle", *, origin: Origin = APP, now: float = 0.0) -> Stream:
    """Make a request whose connection goes back to the pool. Nothing idle may be there before."""
    stream = Stream(name)
    hand = Hand(fetch(origin), pool, now)
    hand.connects(stream)
    hand.gets(now=now)
    assert hand.done
    assert not stream.closed
    return stream


def raising(flow: Flow[Any]) -> Flow[Exception]:
    """A flow that returns the error of another."""
    try:
        yield from flow
    except (GradioError, TimedOut) as error:
        return error
    raise AssertionError("nothing was raised")


# One exchange.


def test_an_exchange_is_connect_send_receive() -> None:
    pool, stream = pool_of(), Stream()

    request = Request("GET", APP, "/x")

    def flow() -> Flow[tuple[ResponseHead, list[bytes]]]:
        exchange, opened = yield Open(request, 20.0)
        assert exchange.request is request
        assert opened == 2.0
        before = exchange.head
        assert not exchange.is_finished
        head, answered = yield ReadHead(exchange, 30.0)
        assert (before, exchange.head) == (None, head)
        assert answered == 4.0
        pieces: list[bytes] = []
        while True:
            piece, _ = yield ReadBody(exchange, 40.0)
            pieces.append(piece)
            if not piece:
                assert exchange.is_finished
                return head, pieces

    hand = Hand(flow(), pool, now=1.0)
    hand.answers(Now)
    connect = hand.answers(Connect, stream, now=1.5)
    assert (connect.host, connect.port, connect.deadline) == ("app", 7860, 11.0)
    send = hand.answers(Send, now=2.0)
    assert send.stream is stream
    assert send.data.startswith(b"GET /x HTTP/1.1\r\n")
    assert send.deadline == 20.0
    receive = hand.answers(Receive, OK[:10], now=3.0)
    assert (receive.stream, receive.deadline, receive.wake) == (stream, 30.0, None)
    hand.answers(Receive, OK[10:-1], now=4.0)
    assert hand.answers(Receive, OK[-1:], now=5.0).deadline == 40.0
    assert hand.done
    assert hand.result == (
        ResponseHead(200, "OK", (("content-length", "2"),)),
        [b"o", b"k", b""],
    )
    assert pool.connections_made == 1
    assert not stream.closed


def test_the_time_in_an_answer_is_when_the_bytes_arrived() -> None:
    def flow() -> Flow[list[float]]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        _, head = yield ReadHead(exchange, None)
        yield Sleep(99.0)
        _, body = yield ReadBody(exchange, None)
        _, end = yield ReadBody(exchange, None)
        return [head, body, end]

    hand = Hand(flow(), pool_of())
    hand.connects(Stream())
    hand.gets(OK, now=7.0)
    assert hand.answers(Sleep, now=99.0).deadline == 99.0
    assert hand.result == [7.0, 7.0, 7.0]


def test_effects_that_both_rungs_know_pass_through() -> None:
    signal = Signal()

    def flow() -> Flow[list[Answer]]:
        return [(yield Now()), (yield Wait(signal, 3.0)), (yield Sleep(4.0))]

    hand = Hand(flow(), pool_of(), now=1.0)
    hand.answers(Now)
    assert hand.answers(Wait, False, now=3.0).signal is signal
    hand.answers(Sleep, now=4.0)
    assert hand.result == [(None, 1.0), (False, 3.0), (None, 4.0)]


def test_a_flow_without_effects_just_returns() -> None:
    def flow() -> Flow[int]:
        yield from ()
        return 1

    hand = Hand(flow(), pool_of())
    assert hand.done
    assert hand.result == 1


def test_a_flow_goes_on_after_an_error_that_it_catches() -> None:
    def flow() -> Flow[list[object]]:
        error = yield from raising(fetch())
        return [type(error), (yield from fetch())]

    hand, pool_stream = Hand(flow(), pool_of()), Stream()
    hand.answers(Now)
    hand.fails(Connect, ConnectError("refused"))
    hand.connects(pool_stream)
    hand.gets()
    assert hand.result == [ConnectError, b"ok"]


@given(st.data())
@settings(max_examples=50)
def test_a_body_is_the_same_for_every_split(data: st.DataObject) -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    hand, stream = Hand(fetch(), pool_of()), Stream()
    hand.connects(stream)
    for piece in data.draw(chunkings(raw)):
        hand.gets(piece)
    assert hand.result == b"abcdefg"
    assert not stream.closed


# Bodies that are sent in pieces.


def upload(*pieces: bytes, framing: tuple[str, str] = ("transfer-encoding", "chunked")) -> Flow[bytes]:
    request = Request("POST", APP, "/upload", (framing,), is_streamed=True)
    exchange, _ = yield Open(request, 1.0)
    try:
        for piece in (*pieces, b""):
            answer, _ = yield SendBody(exchange, piece, 2.0)
            assert answer is None
        yield ReadHead(exchange, None)
        return (yield from read_all(exchange))
    finally:
        exchange.close()


def test_a_streamed_body_goes_out_piece_by_piece() -> None:
    pool, stream = pool_of(), Stream()
    hand = Hand(upload(b"ab", b"c"), pool)
    hand.connects(stream)
    sent = [hand.answers(Send) for _ in range(3)]
    assert [(effect.data, effect.deadline, effect.stream) for effect in sent] == [
        (b"2\r\nab\r\n", 2.0, stream),
        (b"1\r\nc\r\n", 2.0, stream),
        (b"0\r\n\r\n", 2.0, stream),
    ]
    hand.gets()
    assert hand.result == b"ok"
    again = Hand(fetch(), pool)
    again.reuses(stream)
    again.abandon()


def test_the_end_of_a_body_of_stated_length_is_no_bytes() -> None:
    hand, stream = Hand(upload(b"abc", framing=("content-length", "3")), pool_of()), Stream()
    hand.connects(stream)
    assert hand.answers(Send).data == b"abc"
    hand.gets()
    assert hand.result == b"ok"
    assert not stream.closed


def upload_against_refusal() -> Flow[tuple[str, int]]:
    request = Request("POST", APP, "/upload", (("content-length", "9"),), is_streamed=True)
    exchange, _ = yield Open(request, None)
    try:
        try:
            yield SendBody(exchange, b"abc", None)
        except GradioError as error:
            why = f"{type(error).__name__} {getattr(error, 'kind', '')}"
        else:
            why = ""
        head, _ = yield ReadHead(exchange, None)
        yield from read_all(exchange)
        return why, head.status
    finally:
        exchange.close()


@pytest.mark.parametrize(
    ("error", "why"), [(ConnectionLost("reset"), "ConnectionLost "), (TimedOut(), "DeadlineExceeded write")]
)
def test_after_a_failure_to_send_an_early_answer_can_still_be_read(error: Exception, why: str) -> None:
    pool, stream = pool_of(), Stream()
    hand = Hand(upload_against_refusal(), pool)
    hand.connects(stream)
    hand.fails(Send, error)
    hand.gets(OK.replace(b"200", b"413"))
    assert hand.result == (why, 413)
    assert stream.closed
    again = Hand(fetch(), pool)
    again.asks(Now)  # nobody uses that connection again
    again.abandon()


def test_a_body_that_is_longer_than_stated_is_the_callers_mistake() -> None:
    hand, stream = Hand(raising(upload(b"abcd", framing=("content-length", "3"))), pool_of()), Stream()
    hand.connects(stream)
    assert type(hand.result) is LocalProtocolError
    assert stream.closed


@pytest.mark.parametrize("thrown", [None, KeyboardInterrupt()])
def test_a_body_that_is_given_up_takes_its_connection_along(thrown: BaseException | None) -> None:
    hand, stream = Hand(upload(b"ab", b"c"), pool_of()), Stream()
    hand.connects(stream)
    hand.answers(Send)
    if thrown is None:
        hand.abandon()
    else:
        with pytest.raises(KeyboardInterrupt):
            hand.fails(Send, thrown)
    assert stream.closed


# Which connections are used again.


def test_a_connection_is_used_again() -> None:
    pool = pool_of()
    stream = leave_idle(pool)
    for now in (1.0, 2.0):
        hand = Hand(fetch(), pool, now)
        hand.reuses(stream)
        hand.gets(now=now)
        assert hand.result == b"ok"
    assert pool.connections_made == 1


def test_a_connection_is_used_again_for_four_seconds() -> None:
    pool = pool_of()
    stream = leave_idle(pool, now=10.0)
    hand = Hand(fetch(), pool, 10.0 + IDLE_SECONDS)
    hand.reuses(stream)
    hand.gets()
    assert hand.result == b"ok"
    assert IDLE_SECONDS < 5.0  # what uvicorn gives it


def test_a_connection_that_idled_longer_is_closed() -> None:
    pool = pool_of()
    old = leave_idle(pool, now=10.0)
    hand = Hand(fetch(), pool, 10.0 + IDLE_SECONDS + 0.01)
    hand.answers(IsQuiet, True)
    assert old.closed
    hand.connects(Stream("new"))
    hand.gets()
    assert hand.result == b"ok"
    assert pool.connections_made == 2


def test_idling_begins_when_the_last_bytes_arrived() -> None:
    pool, stream = pool_of(), Stream()

    def slow_reader() -> Flow[None]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        yield Sleep(100.0)
        yield from read_all(exchange)

    hand = Hand(slow_reader(), pool)
    hand.connects(stream)
    hand.gets(now=1.0)
    hand.answers(Sleep, now=100.0)
    assert hand.done
    again = Hand(fetch(), pool, 100.0)
    again.answers(IsQuiet, True)
    assert stream.closed
    again.asks(Now)
    again.abandon()


def test_a_connection_that_is_not_quiet_is_closed_and_the_next_one_asked() -> None:
    pool = pool_of()
    first, second = Stream("first"), Stream("second")
    hands = [Hand(fetch(), pool), Hand(fetch(), pool)]
    for hand, stream in zip(hands, (first, second), strict=True):
        hand.connects(stream)
    for hand in hands:
        hand.gets()
    hand = Hand(fetch(), pool)
    assert hand.answers(IsQuiet, False).stream is second  # the youngest is asked first
    assert second.closed
    hand.reuses(first)
    hand.gets()
    assert hand.result == b"ok"


def test_two_flows_never_share_a_connection() -> None:
    pool = pool_of()
    hands = [Hand(fetch(), pool), Hand(fetch(), pool)]
    streams = [Stream("first"), Stream("second")]
    for hand, stream in zip(hands, streams, strict=True):
        hand.connects(stream)
    for hand in hands:
        hand.gets()
    # While the first asks about one, the second takes the other; the first must not come back to it.
    one = Hand(fetch(), pool)
    assert one.asks(IsQuiet).stream is streams[1]
    two = Hand(fetch(), pool)
    two.reuses(streams[0])
    one.answers(IsQuiet, False)
    one.asks(Now)
    one.abandon()
    two.gets()
    assert two.result == b"ok"


def test_a_connection_belongs_to_one_origin() -> None:
    pool = pool_of()
    leave_idle(pool)
    for origin in (Origin("http", "app", 7861), Origin("http", "other", 7860)):
        hand = Hand(fetch(origin), pool)
        hand.answers(Now)
        assert (hand.asks(Connect).host, hand.asks(Connect).port) == (origin.host, origin.port)
        hand.abandon()


def test_a_burst_leaves_only_so_many_connections_behind() -> None:
    pool = pool_of()
    streams = [Stream(str(n)) for n in range(IDLE_CONNECTIONS + 3)]
    hands = [Hand(fetch(), pool) for _ in streams]
    for hand, stream in zip(hands, streams, strict=True):
        hand.connects(stream)
    for hand in hands:
        hand.gets()
    assert [stream.closed for stream in streams] == [True] * 3 + [False] * IDLE_CONNECTIONS


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_a_connection_that_is_spoilt_is_closed(data: bytes) -> None:
    pool, stream = pool_of(), Stream()
    hand = Hand(fetch(), pool)
    hand.connects(stream)
    hand.gets(data)
    assert hand.result == b"ok"
    assert stream.closed
    again = Hand(fetch(), pool)
    again.asks(Now)
    again.abandon()


def test_an_exchange_that_is_closed_before_its_end_takes_its_connection_along() -> None:
    pool, stream = pool_of(), Stream()

    def flow() -> Flow[Any]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        exchange.close()
        return exchange

    hand = Hand(flow(), pool)
    hand.connects(stream)
    hand.gets()
    assert stream.closed
    exchange = hand.result
    assert exchange.is_finished
    exchange.close()  # does nothing
    with pytest.raises(LocalProtocolError, match="has ended"):
        exchange.detach()


def test_a_finished_exchange_cannot_be_read_and_leaves_its_connection_alone() -> None:
    pool, stream = pool_of(), Stream()

    def flow() -> Flow[list[Exception]]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        yield from read_all(exchange)
        exchange.close()

        def read_on() -> Flow[None]:
            yield ReadBody(exchange, None)

        def read_head() -> Flow[None]:
            yield ReadHead(exchange, None)

        return [(yield from raising(read_on())), (yield from raising(read_head()))]

    hand = Hand(flow(), pool)
    hand.connects(stream)
    hand.gets()
    assert [type(error) for error in hand.result] == [LocalProtocolError, LocalProtocolError]
    assert not stream.closed
    again = Hand(fetch(), pool)
    again.reuses(stream)
    again.abandon()


# Waking and deadlines.


def test_a_woken_reader_reads_on_later() -> None:
    signal, stream = Signal(), Stream()

    def flow() -> Flow[list[bytes | None]]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        woken, now = yield ReadBody(exchange, 5.0, signal)
        assert now == 3.0
        return [woken, (yield from read_all(exchange))]

    hand = Hand(flow(), pool_of())
    hand.connects(stream)
    hand.gets(OK[:-2], now=1.0)
    receive = hand.answers(Receive, None, now=3.0)
    assert (receive.deadline, receive.wake) == (5.0, signal)
    hand.gets(OK[-2:])
    assert hand.result == [None, b"ok"]
    assert not stream.closed


def test_connecting_too_long_is_a_deadline_of_its_kind() -> None:
    hand = Hand(raising(fetch()), pool_of())
    hand.answers(Now)
    hand.fails(Connect, TimedOut())
    error = hand.result
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.retryable) == ("connect", "not_sent", True)
    assert "no connection to http://app:7860 in time" in str(error)


@pytest.mark.parametrize(("latest", "until"), [(None, 10.0), (4.0, 4.0), (14.0, 10.0)])
def test_connecting_takes_no_longer_than_opening_may(latest: float | None, until: float) -> None:
    def flow() -> Flow[None]:
        yield Open(Request("GET", APP, "/"), latest)

    hand = Hand(flow(), pool_of())
    hand.answers(Now)
    assert hand.asks(Connect).deadline == until
    hand.abandon()


def test_a_tls_handshake_counts_as_connecting() -> None:
    stream = Stream()
    hand = Hand(raising(fetch(SECURE)), pool_of(), now=5.0)
    hand.answers(Now)
    hand.answers(Connect, stream, now=8.0)
    tls = hand.fails(StartTLS, TimedOut())
    assert (tls.stream, tls.server_hostname, tls.deadline) == (stream, "app", 15.0)
    assert hand.result.kind == "connect"
    assert stream.closed


def test_without_a_connect_timeout_there_is_no_deadline() -> None:
    hand = Hand(fetch(), ConnectionPool(Limits(), Timeouts(connect=None)))
    hand.answers(Now)
    assert hand.asks(Connect).deadline is None
    hand.abandon()


def test_sending_too_long_is_a_deadline_of_its_kind() -> None:
    pool, stream = pool_of(), Stream()
    hand = Hand(raising(fetch()), pool)
    hand.answers(Now)
    hand.answers(Connect, stream)
    hand.fails(Send, TimedOut())
    assert (hand.result.kind, hand.result.phase, hand.result.retryable) == ("write", "sent_unknown", False)
    assert stream.closed


def test_a_deadline_in_the_head_leaves_the_exchange_readable() -> None:
    stream = Stream()

    def flow() -> Flow[bytes]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        with pytest.raises(TimedOut):
            yield ReadHead(exchange, 5.0)
        assert exchange.head is None
        head, _ = yield ReadHead(exchange, None)
        assert head is exchange.head
        return (yield from read_all(exchange))

    hand = Hand(flow(), pool_of())
    hand.connects(stream)
    hand.gets(OK[:10])
    assert hand.fails(Receive, TimedOut()).deadline == 5.0
    assert not stream.closed
    hand.gets(OK[10:])
    assert hand.result == b"ok"


def test_whoever_waits_for_a_head_can_be_woken_and_loses_nothing() -> None:
    signal, stream = Signal(), Stream()

    def flow() -> Flow[tuple[object, float, bytes]]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        woken, now = yield ReadHead(exchange, 5.0, signal)
        assert exchange.head is None
        yield ReadHead(exchange, None)
        return woken, now, (yield from read_all(exchange))

    hand = Hand(flow(), pool_of())
    hand.connects(stream)
    hand.gets(OK[:10], now=1.0)
    receive = hand.answers(Receive, None, now=3.0)
    assert (receive.deadline, receive.wake) == (5.0, signal)
    hand.gets(OK[10:])
    assert hand.result == (None, 3.0, b"ok")
    assert not stream.closed


def test_a_deadline_in_the_body_leaves_the_exchange_readable() -> None:
    stream = Stream()

    def flow() -> Flow[bytes]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        with pytest.raises(TimedOut):
            yield ReadBody(exchange, 5.0)
        return (yield from read_all(exchange))

    hand = Hand(flow(), pool_of())
    hand.connects(stream)
    hand.gets(OK[:-2])
    assert hand.fails(Receive, TimedOut()).deadline == 5.0
    hand.gets(OK[-2:])
    assert hand.result == b"ok"
    assert not stream.closed


# Failures.


def test_a_request_that_cannot_be_sent_is_the_callers_mistake() -> None:
    stream = Stream()
    hand = Hand(raising(fetch(target="/a b")), pool_of())
    hand.answers(Now)
    hand.answers(Connect, stream)
    assert type(hand.result) is LocalProtocolError
    assert stream.closed


def test_a_failure_while_sending_closes_the_connection() -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of())
    hand.answers(Now)
    hand.answers(Connect, stream)
    hand.fails(Send, ConnectionLost("reset"))
    assert type(hand.result) is ConnectionLost
    assert stream.closed


@pytest.mark.parametrize("head_first", [False, True])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ConnectionLost("reset"), ConnectionLost),
        (b"", ConnectionLost),
        (b"\x15\x03\x01\r\n\r\n", RemoteProtocolError),
        (b"a" * 2000, LimitExceeded),
    ],
)
def test_a_failure_while_reading_closes_the_exchange(
    answer: bytes | Exception, expected: type[Exception], head_first: bool
) -> None:
    exchanges: list[Exchange] = []

    def flow() -> Flow[None]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        exchanges.append(exchange)
        yield ReadHead(exchange, None)
        yield from read_all(exchange)

    stream = Stream()
    pool = pool_of(limits=Limits(header_bytes=1000))
    hand = Hand(raising(flow()), pool)
    hand.connects(stream)
    if head_first:
        hand.gets(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    if isinstance(answer, bytes):
        hand.gets(answer)
    else:
        hand.fails(Receive, answer)
    assert type(hand.result) is expected
    assert stream.closed
    assert exchanges[0].is_finished
    again = Hand(fetch(), pool)
    again.asks(Now)
    again.abandon()


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5))
@settings(max_examples=100)
def test_garbage_ends_in_a_typed_error_and_a_closed_connection(pieces: list[bytes]) -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of())
    hand.connects(stream)
    for piece in [*pieces, b""]:
        if not hand.done:
            hand.gets(piece)
    assert isinstance(hand.result, RemoteProtocolError | ConnectionLost)
    assert stream.closed


# Proxies.


def proxy(url_scheme: str = "http") -> Proxy:
    return Proxy(
        Origin("https" if url_scheme == "https" else "http", "proxy", 3128),
        (("proxy-authorization", "Basic c2VjcmV0"),),
    )


def answer_of_proxy(sent: bytes, status: int, *, body: bytes = b"", early: bool = False) -> tuple[bytes, Any]:
    """What an HTTP proxy says to ``sent``, and the request as it read it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    request = server.next_event()
    answer = b"HTTP/1.1 103 Early Hints\r\n\r\n" if early else b""
    headers = [] if 200 <= status < 300 else [("content-length", str(len(body)))]
    head = server.send(h11.Response(status_code=status, headers=headers, reason=b"said"))
    return answer + (head or b"") + body, request


@pytest.mark.parametrize("proxy_scheme", ["http", "https"])
@pytest.mark.parametrize("origin", [APP, SECURE, Origin("https", "2001:db8::1", 8443)])
@pytest.mark.parametrize("size", [1, 1000])
def test_a_request_goes_through_a_tunnel(proxy_scheme: str, origin: Origin, size: int) -> None:
    pool = pool_of(proxy(proxy_scheme))
    bottom = top = Stream("tcp")
    hand = Hand(fetch(origin), pool)
    hand.answers(Now)
    connect = hand.answers(Connect, bottom)
    assert (connect.host, connect.port, connect.deadline) == ("proxy", 3128, 10.0)
    if proxy_scheme == "https":
        top = Stream("tls to the proxy", top)
        assert hand.asks(StartTLS).stream is bottom
        tls = hand.answers(StartTLS, top)
        assert (tls.server_hostname, tls.deadline) == ("proxy", 10.0)
    send = hand.answers(Send)
    assert (send.stream, send.deadline) == (top, 10.0)
    data, request = answer_of_proxy(send.data, 200, early=True)
    authority = f"[{origin.host}]:8443" if ":" in origin.host else f"app:{origin.port}"
    assert request.method == b"CONNECT"
    assert request.target == authority.encode()
    assert (b"proxy-authorization", b"Basic c2VjcmV0") in list(request.headers)
    for piece in fixed(data, size):
        receive = hand.answers(Receive, piece)
        assert (receive.stream, receive.deadline) == (top, 10.0)
    if origin.tls:
        tls = hand.answers(StartTLS, top := Stream("tls to the app", top))
        assert tls.server_hostname == origin.host
    send = hand.answers(Send)
    assert send.stream is top
    assert send.data.startswith(b"GET / HTTP/1.1\r\n")
    assert b"roxy" not in send.data  # its credentials are for the proxy alone
    hand.gets()
    assert hand.result == b"ok"
    assert not bottom.closed
    again = Hand(fetch(origin), pool)
    again.reuses(top)
    again.abandon()
    assert bottom.closed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_no_proxy_leads_to_this_machine(host: str) -> None:
    hand = Hand(fetch(Origin("http", host, 81)), pool_of(proxy()))
    hand.answers(Now)
    connect = hand.answers(Connect, bottom := Stream("tcp"))
    assert (connect.host, connect.port) == (host, 81)
    assert hand.answers(Send).stream is bottom
    hand.abandon()


def test_the_credentials_of_a_proxy_do_not_show() -> None:
    assert "c2VjcmV0" not in repr(proxy())


@pytest.mark.parametrize("status", [301, 403, 407, 502])
def test_a_proxy_that_refuses_is_an_error_of_connecting(status: int) -> None:
    stream = Stream()
    hand = Hand(raising(fetch(SECURE)), pool_of(proxy()))
    hand.answers(Now)
    hand.answers(Connect, stream)
    data, _ = answer_of_proxy(hand.answers(Send).data, status, body=b"<html>no</html>")
    hand.gets(data)
    assert type(hand.result) is ConnectError
    assert f"refused a tunnel to app:443: it answered {status}" in str(hand.result)
    assert "c2VjcmV0" not in str(hand.result)
    assert stream.closed


def test_a_proxy_that_dies_anywhere_is_an_error_of_connecting() -> None:
    whole = b"HTTP/1.1 200 Connection established\r\nvia: proxy\r\n\r\n"
    for end in range(len(whole)):
        stream = Stream()
        hand = Hand(raising(fetch(SECURE)), pool_of(proxy()))
        hand.answers(Now)
        hand.answers(Connect, stream)
        hand.answers(Send)
        if end:
            hand.gets(whole[:end])
        hand.gets(b"")
        assert type(hand.result) is ConnectError
        assert hand.result.retryable
        assert stream.closed


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=100)
def test_a_proxy_that_talks_garbage_is_an_error_of_connecting(data: bytes) -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of(proxy()))
    hand.answers(Now)
    hand.answers(Connect, stream)
    hand.answers(Send)
    hand.gets(data)
    if not hand.done:
        hand.gets(b"")
    assert type(hand.result) is ConnectError
    assert stream.closed


def test_a_proxys_endless_head_is_bounded() -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of(proxy(), Limits(header_bytes=100)))
    hand.answers(Now)
    hand.answers(Connect, stream)
    hand.answers(Send)
    hand.gets(b"a" * 101)
    assert type(hand.result) is ConnectError
    assert type(hand.result.__cause__) is LimitExceeded
    assert stream.closed


@pytest.mark.parametrize("kind", [Send, Receive])
def test_a_proxy_that_does_not_answer_counts_as_connecting(kind: type[Any]) -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of(proxy()))
    hand.answers(Now)
    hand.answers(Connect, stream)
    if kind is Receive:
        hand.answers(Send)
    hand.fails(kind, TimedOut())
    assert (hand.result.kind, hand.result.phase) == ("connect", "not_sent")
    assert "http://proxy:3128" in str(hand.result)
    assert stream.closed


def test_a_proxy_that_breaks_while_asked_is_an_error_of_connecting() -> None:
    stream = Stream()
    hand = Hand(raising(fetch()), pool_of(proxy()))
    hand.answers(Now)
    hand.answers(Connect, stream)
    hand.fails(Send, ConnectionLost("reset"))
    assert type(hand.result) is ConnectError
    assert stream.closed


# Closing the pool.


def test_closing_the_pool_closes_every_connection() -> None:
    pool = pool_of()
    idle = leave_idle(pool)
    busy = Stream("busy")
    held = Hand(fetch(OTHER), pool)
    held.connects(busy)
    pool.close()
    assert idle.closed
    assert busy.closed
    pool.close()
    held.abandon()
    with pytest.raises(ClientClosed):
        Hand(fetch(), pool)


def test_the_pool_forgets_what_is_closed() -> None:
    pool, given_up = pool_of(), Stream("given up")
    hand = Hand(fetch(), pool)
    hand.connects(given_up)
    hand.abandon()
    idle = leave_idle(pool)
    dropped = leave_idle(pool, "dropped", origin=OTHER)
    again = Hand(fetch(OTHER), pool)
    again.answers(IsQuiet, False)
    again.abandon()
    pool.close()
    assert [given_up.closings, idle.closings, dropped.closings] == [1, 1, 1]


def test_an_answer_that_was_read_already_outlives_the_pool() -> None:
    pool, stream = pool_of(), Stream()

    def flow() -> Flow[bytes]:
        exchange, _ = yield Open(Request("GET", APP, "/"), None)
        yield ReadHead(exchange, None)
        pool.close()
        return (yield from read_all(exchange))

    hand = Hand(flow(), pool)
    hand.connects(stream)
    hand.gets()
    assert hand.result == b"ok"
    assert stream.closed
    with pytest.raises(ClientClosed):
        Hand(fetch(), pool)


def test_closing_the_pool_closes_a_connection_that_is_used_again() -> None:
    pool = pool_of()
    stream = leave_idle(pool)
    hand = Hand(fetch(), pool)
    hand.reuses(stream)
    pool.close()
    assert stream.closed
    hand.abandon()


def test_a_connection_that_is_made_while_the_pool_closes_is_not_kept() -> None:
    pool, stream = pool_of(), Stream()
    hand = Hand(raising(fetch()), pool)
    hand.answers(Now)
    pool.close()
    hand.answers(Connect, stream)
    assert type(hand.result) is ClientClosed
    assert stream.closed


# Cancellation: whatever effect is under way when a flow is given up, nothing stays behind.


class Cancelled(BaseException):
    """An exception of the caller's world."""


class Network:
    """Answers the effects of a flow by itself: a TLS proxy, a TLS origin, answers in two pieces."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.tunnels: set[str] = set()
        self._answers: list[bytes] = []

    def answer(self, effect: ByteEffect) -> object:
        if isinstance(effect, Connect):
            return self._made(Stream(f"tcp {len(self.streams)}"))
        if isinstance(effect, StartTLS):
            assert isinstance(effect.stream, Stream)
            return self._made(Stream(f"tls {len(self.streams)}", effect.stream))
        if isinstance(effect, Send):
            tunnel = effect.data.startswith(b"CONNECT")
            self._answers = [b"HTTP/1.1 200 OK\r\n", b"\r\n"] if tunnel else [OK[:-1], OK[-1:]]
        if isinstance(effect, Receive):
            return self._answers.pop(0)
        return True  # a connection is quiet

    def _made(self, stream: Stream) -> Stream:
        self.streams.append(stream)
        return stream


def two_requests() -> Flow[list[bytes]]:
    return [(yield from fetch(SECURE)), (yield from fetch(SECURE))]


def advance(generator: Generator[ByteEffect, Answer, Any], network: Network, effects: int) -> ByteEffect:
    """Run a flow up to one of its effects, which is left without an answer."""
    effect = next(generator)
    for _ in range(effects):
        effect = generator.send((network.answer(effect), 1.0))
    return effect


def effects_of(make: Callable[[], Flow[Any]]) -> list[type[ByteEffect]]:
    """The effects that a flow asks for, if it is let run."""
    network, kinds = Network(), []
    generator = lower(make(), pool_of(proxy("https")))
    try:
        effect = next(generator)
        while True:
            kinds.append(type(effect))
            effect = generator.send((network.answer(effect), 1.0))
    except StopIteration:
        return kinds


EFFECTS = effects_of(two_requests)


def test_the_flow_that_is_cancelled_below_uses_every_byte_effect() -> None:
    assert set(EFFECTS) == {Now, Connect, StartTLS, Send, Receive, IsQuiet}


@pytest.mark.parametrize("thrown", [Cancelled, KeyboardInterrupt, None])
@pytest.mark.parametrize("index", range(len(EFFECTS)))
def test_a_flow_that_is_given_up_leaves_no_connection_open(
    index: int, thrown: type[BaseException] | None
) -> None:
    pool, network = pool_of(proxy("https")), Network()
    generator = lower(two_requests(), pool)
    assert type(advance(generator, network, index)) is EFFECTS[index]
    if thrown is None:
        generator.close()
    else:
        error = thrown()
        with pytest.raises(thrown) as caught:
            generator.throw(error)
        assert caught.value is error
    assert all(stream.closed for stream in network.streams)
    # Nothing half-made is handed to the next flow, which works.
    again = Hand(fetch(SECURE), pool)
    again.answers(Now)
    again.asks(Connect)
    again.abandon()


def test_every_error_of_the_network_at_every_effect_leaves_no_connection_open() -> None:
    for index, kind in enumerate(EFFECTS):
        if kind in (Now, IsQuiet):
            continue  # these cannot fail
        for error in (TimedOut(), ConnectionLost("reset")):
            pool, network = pool_of(proxy("https")), Network()
            generator = lower(two_requests(), pool)
            advance(generator, network, index)
            with pytest.raises((GradioError, TimedOut)):
                generator.throw(error)
            assert all(stream.closed for stream in network.streams)


@pytest.mark.parametrize("cut", range(1, len(OK)))
@pytest.mark.parametrize("thrown", [Cancelled, None])
def test_a_reader_that_is_given_up_leaves_a_half_read_exchange_readable(
    cut: int, thrown: type[BaseException] | None
) -> None:
    pool, stream = pool_of(), Stream()
    exchanges: list[Exchange] = []
    got: list[bytes] = []

    def read() -> Flow[bool]:
        """A reader who keeps no more than it has been given."""
        if not exchanges:
            exchange, _ = yield Open(Request("GET", APP, "/"), None)
            exchanges.append(exchange)
        if exchanges[0].head is None:
            yield ReadHead(exchanges[0], None)
        while True:
            piece, _ = yield ReadBody(exchanges[0], None)
            if not piece:
                return True
            got.append(piece)

    first = Hand(read(), pool)
    first.connects(stream)
    first.gets(OK[:cut])
    first.asks(Receive)
    if thrown is None:
        first.abandon()
    else:
        with pytest.raises(thrown):
            first.fails(Receive, thrown())
    assert not stream.closed
    second = Hand(read(), pool)
    second.gets(OK[cut:])
    assert second.result is True
    assert b"".join(got) == b"ok"
    again = Hand(fetch(), pool)
    again.reuses(stream)
    again.abandon()
