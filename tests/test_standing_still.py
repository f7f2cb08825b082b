"""A process that stands still, as on a laptop that is shut: deadlines are about silence, so what came meanwhile counts.

It may stand still anywhere. Each test has it do so at one place, long enough for a deadline to pass.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from faulty import within
from gradio_transports.loop_reactor import LoopReactor
from gradio_transports.nonblocking import LATE_BYTES, LEAST_OF_A_READ, SocketStream
from gradio_transports.reactor import Reactor
from gradio_transports.sockets import SocketTransport

from gradio_proto.effects import ByteFlow, Receive, TimedOut
from gradio_proto.limits import Limits
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import Origin

AWAY = 0.1
"""Seconds; every deadline here passes earlier."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(10):
        yield


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours, and the server's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


class Selector:
    """One that something happens to, once."""

    def __init__(self, selector: Any, select: Callable[[float | None], Any]) -> None:
        self._selector = selector
        self._select: Callable[[float | None], Any] | None = select

    def select(self, timeout: float | None) -> Any:
        once, self._select = self._select, None
        return (once or self._selector.select)(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)


def blocking() -> Iterator[tuple[Any, Callable[[float], None]]]:
    reactor = Reactor({})
    with reactor.lock:
        yield reactor, reactor._select
    reactor.close()


def of_a_loop() -> Iterator[tuple[Any, Callable[[float], None]]]:
    reactor = LoopReactor({})
    yield reactor, reactor.poll
    reactor.close()
    reactor.dispose()


@pytest.fixture(params=[blocking, of_a_loop])
def turned(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Callable[[float], None]]]:
    """A reactor, and what has it look at its sockets for so many seconds."""
    yield from request.param()


@pytest.mark.parametrize("seconds", [0.0, AWAY / 2], ids=["a look", "a wait"])
@pytest.mark.parametrize("is_told", [False, True], ids=["empty", "of another"])
def test_after_the_look_at_its_sockets(
    turned: tuple[Any, Callable[[float], None]],
    pair: tuple[socket.socket, socket.socket],
    seconds: float,
    is_told: bool,
) -> None:
    """Before it asks what time it is; its selector was empty, or told of another socket."""
    reactor, look = turned
    ours, theirs = pair
    heard: list[Any] = []

    def select(timeout: float | None) -> Any:
        reactor.call_at(reactor.clock() + AWAY / 2, partial(heard.append, "deadline"))
        theirs.send(b"x")
        time.sleep(AWAY)
        return [(reactor.selector.get_key(reactor._wake_in), selectors.EVENT_READ)] if is_told else []

    reactor.selector.register(ours, selectors.EVENT_READ, heard.append)
    reactor.selector = Selector(reactor.selector, select)
    look(seconds)
    assert heard[0] == selectors.EVENT_READ
    look(0.0)
    assert "deadline" in heard
    reactor.selector.unregister(ours)


def test_while_a_caller_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    """Nothing but the caller's own timeout passes, and a selector that was interrupted then tells of nothing."""
    ours, theirs = pair
    heard: list[int] = []
    for reactor, look in blocking():
        reactor.selector.register(ours, selectors.EVENT_READ, heard.append)
        theirs.send(b"x")
        reactor.selector = Selector(reactor.selector, lambda timeout: [])
        look(AWAY)
        assert heard == [selectors.EVENT_READ]


@pytest.fixture
def transport() -> Iterator[SocketTransport]:
    made = SocketTransport(
        TransportOptions(origin=Origin("http", "app", 80), limits=Limits(), timeouts=Timeouts())
    )
    yield made
    made.close()


def test_in_the_middle_of_a_flow(
    transport: SocketTransport, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Between the answer that its deadline is counted from and the next receive."""
    ours, theirs = pair
    stream = SocketStream(transport._reactor, ours, "the server")

    def flow() -> ByteFlow[list[Any]]:
        theirs.send(b"a")
        first, now = yield Receive(stream, None)
        theirs.send(b"b")
        time.sleep(AWAY)
        second, now = yield Receive(stream, now + AWAY / 2)
        with pytest.raises(TimedOut):
            yield Receive(stream, now + AWAY / 2)
        return [first, second]

    assert transport._reactor.run(flow()) == [b"a", b"b"]


def received(
    stream: SocketStream, deadline: float, before_each: Callable[[], object] = lambda: None
) -> ByteFlow[list[bytes]]:
    """Receive until the deadline lets no more through."""
    pieces: list[bytes] = []
    while True:
        before_each()
        try:
            piece, _ = yield Receive(stream, deadline)
        except TimedOut:
            return pieces
        assert piece is not None
        pieces.append(piece)


def test_before_a_flow_with_much_to_read(
    transport: SocketTransport, pair: tuple[socket.socket, socket.socket]
) -> None:
    """All of it has come in time, and its deadline is one for the whole."""
    ours, theirs = pair
    deadline = time.monotonic() + AWAY / 2
    theirs.sendall(b"x" * 100_000)
    time.sleep(AWAY)
    stream = SocketStream(transport._reactor, ours, "the server")
    assert b"".join(transport._reactor.run(received(stream, deadline))) == b"x" * 100_000


def test_a_flood_keeps_no_deadline_from_passing(
    transport: SocketTransport, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Not for long."""
    ours, theirs = pair
    stream = SocketStream(transport._reactor, ours, "the server")
    late = transport._reactor.run(received(stream, time.monotonic(), lambda: theirs.send(b"x")))
    assert len(late) <= LATE_BYTES // LEAST_OF_A_READ + 1
