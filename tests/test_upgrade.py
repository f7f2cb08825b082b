"""A connection that the server switches to another protocol, over every transport: what comes and goes is raw bytes."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from faulty import FaultyServer, Peer, Seen, child, code_of, within
from gradio_transports.carried import CarriedExchange
from gradio_transports.httpcore import HTTPCoreTransport
from http2_front import HTTP2Front
from script_server import TUNNEL, ScriptServer, bytewise
from ways import WAYS, Way

from gradio_proto.effects import Flow, Now, Open, ReadBody, ReadHead, SendBody, Signal, Sleep, TimedOut
from gradio_proto.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError, RemoteProtocolError
from gradio_proto.exchange import lower
from gradio_proto.http import Headers, Request
from gradio_proto.limits import Limits
from gradio_proto.proxies import parse_proxy
from gradio_proto.testing import CloseConnection, SendData
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import Origin, parse_app_url

UPGRADE = (("connection", "Upgrade"), ("upgrade", "raw"))

SWITCHED = b"HTTP/1.1 101 Switching\r\nconnection: Upgrade\r\nupgrade: raw\r\nx-odd: \xe9\r\n\r\n"


class Echo:
    """A server without I/O that switches to saying back what it hears. The target says what else it does:

    * ``/echo``: nothing; ``/greeting``: what it says first comes along with the head of its response;
    * ``/refused``: it does not switch;
    * ``/short``: it closes after the first thing that it hears.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.lost = threading.Event()
        """A connection that was switched was closed by the client."""
        self._unread: dict[int, bytes] = {}
        self._targets: dict[int, str] = {}
        self._actions: deque[Any] = deque()

    def connection_made(self, conn: int) -> None:
        self._unread[conn] = b""

    def connection_lost(self, conn: int) -> None:
        if conn in self._targets:
            self.lost.set()

    def next_deadline(self) -> float | None:
        return None

    def next_action(self) -> Any:
        return self._actions.popleft() if self._actions else None

    def say(self, conn: int, data: bytes) -> None:
        self._actions.append(SendData(conn, data))

    def receive_data(self, conn: int, data: bytes, now: float) -> None:
        if conn in self._targets:
            self.say(conn, data)
            if self._targets[conn] == "/short":
                self._actions.append(CloseConnection(conn))
            return
        self._unread[conn] += data
        head, ended, rest = self._unread[conn].partition(b"\r\n\r\n")
        if not ended:
            return
        self._unread[conn] = rest
        self.heads.append(head.decode())
        method, target, _ = self.heads[-1].split("\r\n")[0].split(" ")
        if method == "CONNECT":
            self.say(conn, TUNNEL)
        elif target == "/refused":
            self.say(conn, b"HTTP/1.1 403 No\r\ncontent-length: 3\r\n\r\nno!")
        else:
            self._targets[conn] = target
            self.say(conn, SWITCHED + (b"hello" if target == "/greeting" else b""))


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield
    gc.collect()  # an unclosed socket is a warning, and that an error


class Line:
    """A transport, and how to run flows over it."""

    def __init__(self, transport: Any, origin: Origin) -> None:
        self.transport = transport
        self.origin = origin

    def request(self, target: str = "/echo", headers: Headers = UPGRADE) -> Request:
        return Request("GET", self.origin, target, headers)

    async def run(self, flow: Flow[Any]) -> Any:
        result = self.transport.run(flow)
        return await result if inspect.isawaitable(result) else result

    def spawn(self, flow: Flow[None]) -> Any:
        """Begin a flow beside the one that runs; its task."""
        return self.transport._reactor.spawn(lower(flow, self.transport.pool))

    def switch(self, target: str = "/echo") -> Flow[Any]:
        """The exchange of a connection that was switched."""
        exchange, _ = yield Open(self.request(target), None)
        head, _ = yield ReadHead(exchange, None)
        assert (head.status, head.get("upgrade"), head.get("x-odd")) == (101, "raw", "é")
        return exchange


def call(
    way: Way,
    conversation: Callable[[Line], Coroutine[Any, Any, None]],
    url: str,
    **options: Any,
) -> None:
    """Hold a conversation with the server at ``url``, after which nothing is left."""
    origin = parse_app_url(url).origin
    made: dict[str, Any] = {"limits": Limits(), "timeouts": Timeouts(), "trust_env": False, **options}

    async def main() -> None:
        transport = way.transport(TransportOptions(origin=origin, **made))
        try:
            await conversation(Line(transport, origin))
        finally:
            transport.close()
        way.assert_at_rest(transport)

    way.run(main)


def read(exchange: Any, size: int) -> Flow[bytes]:
    data = b""
    while len(data) < size:
        piece, _ = yield ReadBody(exchange, None)
        assert piece
        data += piece
    return data


def in_time(seconds: float) -> Flow[float]:
    _, now = yield Now()
    return now + seconds


every_way = pytest.mark.parametrize("way", [way() for way in WAYS], ids=repr)


@every_way
@pytest.mark.parametrize("leads", ["directly", "by TLS", "through a proxy", "by TLS through a proxy"])
def test_raw_bytes_come_and_go(way: Way, leads: str, tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch("/greeting")
        try:
            assert (yield from read(exchange, 5)) == b"hello"
            for data in (b"\0", b"GET / HTTP/1.1\r\n\r\n", os.urandom(200_000)):
                yield SendBody(exchange, data, None)
                assert (yield from read(exchange, len(data))) == data
        finally:
            exchange.close()

    async def talk(line: Line) -> None:
        await line.run(flow(line))
        assert line.transport.pool.connections_made == 1

    secure = "TLS" in leads
    echo = Echo()
    with ScriptServer(echo, tls=tls if secure else None, tunnelled="proxy" in leads) as server:
        scheme = "https" if secure else "http"
        if "proxy" in leads:
            proxy = parse_proxy(f"http://{server.address}")
            call(way, talk, f"{scheme}://app.example", proxy=proxy, ssl_context=trusting)
        else:
            call(way, talk, f"{scheme}://{server.address}", ssl_context=trusting)
        assert echo.lost.wait(5)
    assert echo.heads[-1].startswith("GET /greeting HTTP/1.1\r\n")


@every_way
def test_no_byte_is_lost_by_deadlines_wakes_and_readers_who_give_up(way: Way) -> None:
    wake = Signal()

    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch("/greeting")
        wake.set()
        got = b""
        while len(got) < 5:  # split into single bytes
            with contextlib.suppress(TimedOut):
                got += (yield ReadBody(exchange, (yield from in_time(0.001))))[0]
        assert got == b"hello"
        with pytest.raises(TimedOut):
            yield ReadBody(exchange, (yield from in_time(0.01)))
        yield SendBody(exchange, b"said", None)
        for _ in range(3):
            assert (yield ReadBody(exchange, None, wake))[0] is None
        wake.clear()
        line.spawn(waking())
        assert (yield from read(exchange, 4)) == b"said"
        assert (yield ReadBody(exchange, None, wake))[0] is None

        reader = line.spawn(reading(exchange))
        yield Sleep((yield from in_time(0.05)))
        line.transport._reactor.end(reader)
        yield SendBody(exchange, b"more", None)
        assert (yield from read(exchange, 4)) == b"more"
        exchange.close()

    def waking() -> Flow[None]:
        yield Sleep((yield from in_time(0.05)))
        wake.set()

    def reading(exchange: Any) -> Flow[None]:
        data, _ = yield ReadBody(exchange, None)
        raise AssertionError(data)

    async def talk(line: Line) -> None:
        await line.run(flow(line))

    with ScriptServer(Echo(), split=bytewise) as server:
        call(way, talk, f"http://{server.address}")


@every_way
def test_the_end_is_told_once(way: Way) -> None:
    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch("/short")
        yield SendBody(exchange, b"last", None)
        assert (yield from read(exchange, 4)) == b"last"
        assert (yield ReadBody(exchange, None))[0] == b""
        assert exchange.is_finished
        exchange.close()
        for effect in (ReadBody(exchange, None), SendBody(exchange, b"x", None)):
            with pytest.raises(LocalProtocolError, match="this exchange has ended"):
                yield effect

    async def talk(line: Line) -> None:
        await line.run(flow(line))

    with ScriptServer(Echo()) as server:
        call(way, talk, f"http://{server.address}")


@every_way
def test_a_server_that_does_not_switch_answers_as_ever(way: Way) -> None:
    def flow(line: Line) -> Flow[None]:
        for _ in range(2):
            exchange, _ = yield Open(line.request("/refused"), None)
            head, _ = yield ReadHead(exchange, None)
            assert head.status == 403
            assert (yield from read(exchange, 3)) == b"no!"
            assert (yield ReadBody(exchange, None))[0] == b""
            assert exchange.is_finished

    async def talk(line: Line) -> None:
        await line.run(flow(line))
        assert line.transport.pool.connections_made == 1

    with ScriptServer(Echo()) as server:
        call(way, talk, f"http://{server.address}")


@every_way
def test_a_switch_that_was_not_asked_for_is_an_error(way: Way) -> None:
    def flow(line: Line) -> Flow[None]:
        exchange, _ = yield Open(line.request(headers=()), None)
        with pytest.raises(RemoteProtocolError, match="is not HTTP"):
            yield ReadHead(exchange, None)
        assert exchange.is_finished

    async def talk(line: Line) -> None:
        await line.run(flow(line))

    with ScriptServer(Echo()) as server:
        call(way, talk, f"http://{server.address}")


@every_way
def test_sending_on_a_request_that_was_sent_whole_is_a_mistake(way: Way) -> None:
    def flow(line: Line) -> Flow[None]:
        exchange, _ = yield Open(line.request("/refused"), None)
        with pytest.raises(LocalProtocolError, match="this piece of a body cannot be sent"):
            yield SendBody(exchange, b"x", None)
        exchange.close()

    async def talk(line: Line) -> None:
        await line.run(flow(line))

    with ScriptServer(Echo()) as server:
        call(way, talk, f"http://{server.address}")


@every_way
def test_whoever_waits_for_a_connection_that_is_closed_is_told(way: Way) -> None:
    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch()
        line.spawn(closing(exchange))
        with pytest.raises(ConnectionLost, match="closed by this client"):
            yield ReadBody(exchange, None)
        assert exchange.is_finished

    def closing(exchange: Any) -> Flow[None]:
        yield Sleep((yield from in_time(0.02)))
        exchange.close()

    async def talk(line: Line) -> None:
        await line.run(flow(line))
        await line.run(line.switch())  # whoever forgets it: the transport closes it

    echo = Echo()
    with ScriptServer(echo) as server:
        call(way, talk, f"http://{server.address}")
        assert echo.lost.wait(5)


@every_way
def test_what_did_not_all_go_out_is_the_last_thing_sent(way: Way) -> None:
    release = threading.Event()

    def answer(peer: Peer, _: Seen) -> None:
        peer.send(SWITCHED)
        release.wait(10)
        peer.send(b"enough")

    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch("/x")
        with pytest.raises(DeadlineExceeded, match="could not be sent in time") as caught:
            yield SendBody(exchange, b"x" * 40_000_000, (yield from in_time(0.1)))
        assert caught.value.kind == "write"
        with pytest.raises((ConnectionLost, LocalProtocolError)):
            yield SendBody(exchange, b"y", None)
        release.set()
        assert (yield from read(exchange, 6)) == b"enough"
        exchange.close()

    async def talk(line: Line) -> None:
        await line.run(flow(line))

    with FaultyServer({"x": answer}) as server:
        call(way, talk, server.url)


# HTTP/2 has no such thing.


def over_httpcore(flow: Callable[[Line], Flow[None]], url: str, **options: Any) -> None:
    origin = parse_app_url(url).origin
    made: dict[str, Any] = {"limits": Limits(), "timeouts": Timeouts(), "trust_env": False, **options}
    transport = HTTPCoreTransport(TransportOptions(origin=origin, **made))
    try:
        transport.run(flow(Line(transport, origin)))
    finally:
        transport.close()


def test_http2_is_not_offered_where_the_connection_is_to_be_switched(tls: ssl.SSLContext) -> None:
    chosen: list[str | None] = []

    def answer(peer: Peer, _: Seen) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        chosen.append(peer.sock.selected_alpn_protocol())
        peer.send(SWITCHED)
        peer.send(peer.sock.recv(100))

    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch("/x")
        yield SendBody(exchange, b"abc", None)
        assert (yield from read(exchange, 3)) == b"abc"
        exchange.close()

    tls.set_alpn_protocols(["h2", "http/1.1"])
    with FaultyServer({"x": answer}, tls=tls) as server:
        over_httpcore(flow, server.url, ssl_verify=False)
    assert chosen == ["http/1.1"]


def test_a_context_that_offers_http2_is_a_mistake_there(
    tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    def flow(line: Line) -> Flow[None]:
        with pytest.raises(LocalProtocolError, match="leave h2 out of what your ssl_context offers"):
            yield Open(line.request("/x"), None)

    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with FaultyServer() as behind, HTTP2Front(behind.url, tls) as front:
        over_httpcore(flow, front.url, ssl_context=trusting)
        assert not front.requests


def test_no_thread_is_kept_for_a_connection_that_was_switched() -> None:
    def flow(line: Line) -> Flow[None]:
        exchange = yield from line.switch()
        until = time.monotonic() + 5
        while any(thread.name == "gradio_proto-exchange" for thread in threading.enumerate()):
            assert time.monotonic() < until
            yield Sleep((yield from in_time(0.01)))
        exchange.close()

    with ScriptServer(Echo()) as server:
        over_httpcore(flow, f"http://{server.address}")


def test_a_switch_of_an_exchange_that_is_closed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    put_head = CarriedExchange._put_head

    def closed_before(exchange: Any, response: Any) -> None:
        exchange._pool.scheduler.call_from_thread(exchange.close)
        put_head(exchange, response)

    def flow(line: Line) -> Flow[None]:
        exchange, _ = yield Open(line.request(), None)
        with pytest.raises((ConnectionLost, LocalProtocolError)):  # it waits already, or not yet
            yield ReadHead(exchange, None)

    monkeypatch.setattr(CarriedExchange, "_put_head", closed_before)
    echo = Echo()
    with ScriptServer(echo) as server:
        over_httpcore(flow, f"http://{server.address}")
        assert echo.lost.wait(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@every_way
def test_a_forked_child_leaves_the_parents_connection_alone(way: Way) -> None:
    def flow(exchange: Any) -> Flow[None]:
        yield SendBody(exchange, b"still", None)
        assert (yield from read(exchange, 5)) == b"still"

    async def talk(line: Line) -> None:
        exchange = await line.run(line.switch())
        await line.run(flow(exchange))
        pid = child(lambda: (exchange.close(), line.transport.close()))
        assert code_of(pid) == 0
        await line.run(flow(exchange))

    with ScriptServer(Echo()) as server:
        call(way, talk, f"http://{server.address}")
