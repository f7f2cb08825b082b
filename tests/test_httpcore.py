"""The transport over httpcore: what an exchange promises, kept by a thread that blocks."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from faulty import SHORT, FaultyServer, Peer, Seen, within
from proxying import ConnectProxy
from socks_server import SocksProxy

from gradio_proto import AsyncClient, Client, handle_file
from gradio_proto.effects import (
    ByteFlow,
    Flow,
    Now,
    Open,
    ReadBody,
    ReadHead,
    SendBody,
    Signal,
    Sleep,
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
from gradio_proto.exchange import lower
from gradio_proto.http import Request
from gradio_proto.limits import Limits
from gradio_proto.socks import SOCKSProxy
from gradio_proto.testing import TestApp, serve
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import parse_app_url

httpcore = pytest.importorskip("httpcore", reason="an extra")

from gradio_transports.carried import MOST_UNREAD, CarriedExchange, CarriedPool  # noqa: E402
from gradio_transports.httpcore import HTTPCoreTransport  # noqa: E402
from gradio_transports.interruptible import OneAtATime  # noqa: E402
from http2_front import HTTP2Front  # noqa: E402

NAME = "gradio_proto-exchange"


def eventually(true: Callable[[], object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.002)


def carriers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture(autouse=True)
def bounded(request: pytest.FixtureRequest) -> Iterator[None]:
    if "url" in request.fixturenames:
        request.getfixturevalue("url")  # starting a server takes longer than a test may
    with within(20):
        yield
        eventually(lambda: not carriers())
    gc.collect()  # an unclosed socket is a warning, and that an error


class Rig:
    """A transport, with what tests want to know of it."""

    def __init__(self, url: str, **options: Any) -> None:
        self.origin = parse_app_url(url).origin
        made = {"limits": Limits(), "timeouts": Timeouts(), "trust_env": False, **options}
        self.transport = HTTPCoreTransport(TransportOptions(origin=self.origin, **made))
        pool = self.transport.pool
        assert isinstance(pool, CarriedPool)
        self.pool = pool

    def request(self, target: str = "/x", method: str = "GET", **fields: Any) -> Request:
        return Request(method, self.origin, target, **fields)

    def run(self, flow: Flow[Any]) -> Any:
        return self.transport.run(flow)

    def fetch(self, target: str = "/x", method: str = "GET", **fields: Any) -> bytes:
        data: bytes = self.run(fetch(self.request(target, method, **fields)))
        return data


@contextlib.contextmanager
def rig(url: str, **options: Any) -> Generator[Rig]:
    made = Rig(url, **options)
    try:
        yield made
    finally:
        made.transport.close()
        eventually(lambda: not carriers(), 1)  # one that connects is not waited for
        assert not made.pool.backend.streams


def in_time(seconds: float) -> Flow[float]:
    """The time in so many seconds."""
    _, now = yield Now()
    return now + seconds


def read_all(exchange: Any) -> Flow[bytes]:
    body = b""
    while True:
        piece, _ = yield ReadBody(exchange, None)
        if not piece:
            return body
        body += piece


def fetch(request: Request) -> Flow[bytes]:
    exchange, _ = yield Open(request, None)
    try:
        yield ReadHead(exchange, None)
        return (yield from read_all(exchange))
    finally:
        exchange.close()


def forget(flow: Flow[object]) -> Flow[None]:
    """A flow of which nobody wants the result."""
    yield from flow


def silent(peer: Peer, _: Seen) -> None:
    peer.wait_for_end()


def serving(handler: Callable[[Peer, Seen], None], **options: Any) -> FaultyServer:
    return FaultyServer({"x": handler}, **options)


# Whole conversations.


@pytest.fixture(scope="module")
def app_url() -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    @app.endpoint("/count")
    def count(text: str) -> Iterator[str]:
        for end in range(len(text)):
            yield text[: end + 1]

    @app.endpoint("/copy", inputs=["file"], outputs=["file"])
    def copy(x: Any) -> Any:
        return x

    with serve(app) as address:
        yield address


def test_a_client_over_httpcore(app_url: str, tmp_path: Path) -> None:
    with Client(app_url, transport="httpcore", download_files=tmp_path / "down") as client:
        assert client.predict("x", api_name="/echo") == "x"
        assert list(client.submit("abc", api_name="/count")) == ["a", "ab", "abc"]
        jobs = [client.submit(str(number), api_name="/echo") for number in range(40)]
        assert [job.result(10) for job in jobs] == [str(number) for number in range(40)]
        large = "é€😀" * 300_000
        assert client.predict(large, api_name="/echo") == large
        source = tmp_path / "source"
        source.write_bytes(os.urandom(3_000_000))
        copy = client.predict(handle_file(source), api_name="/copy")
        assert Path(copy).read_bytes() == source.read_bytes()
        assert client._engine.transport.pool.connections_made < 30  # type: ignore[attr-defined]
        client.submit("abc", api_name="/count")


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_an_async_client_over_httpcore(app_url: str, loop: str) -> None:
    async def main() -> None:
        async with AsyncClient(app_url, transport="httpcore") as client:
            assert await client.predict("x", api_name="/echo") == "x"
            job = await client.submit("abc", api_name="/count")
            assert [output async for output in job] == ["a", "ab", "abc"]
            jobs = [await client.submit(str(number), api_name="/echo") for number in range(40)]
            assert [await each.result() for each in jobs] == [str(number) for number in range(40)]
            large = "é€😀" * 100_000
            assert await client.predict(large, api_name="/echo") == large
            await client.submit("abc", api_name="/count")
        assert not carriers()

    if loop == "trio":
        import trio

        trio.run(main)
    else:
        import asyncio

        asyncio.run(main())


def test_without_httpcore_the_error_names_its_extra() -> None:
    program = "import sys; sys.modules['httpcore'] = None; import gradio_transports.httpcore"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "ModuleNotFoundError: this needs httpcore: pip install 'gradio_proto[httpcore]'" in run.stderr


# Making a connection.


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with rig(f"http://127.0.0.1:{port}") as made:
        with pytest.raises(ConnectError, match=f"no connection to 127.0.0.1:{port}: Connection refused") as e:
            made.fetch()
        assert (e.value.phase, e.value.retryable) == ("not_sent", True)


def test_a_name_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("never heard of it")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    words = r"nowhere\.example was not found: never heard of it"
    with rig("http://nowhere.example") as made, pytest.raises(ConnectError, match=words):
        made.fetch()


def test_a_name_that_is_looked_up_for_ever_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> list[Any]:
        asked.set()
        answer.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    made = Rig("http://slow.example", timeouts=SHORT)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"no connection to http://slow\.example in time") as caught:
        made.fetch()
    assert (caught.value.kind, caught.value.phase) == ("connect", "not_sent")
    assert asked.is_set()
    made.transport.close()
    assert time.monotonic() - began < 5
    answer.set()  # the thread ends without connecting


def test_the_next_address_is_tried_when_one_is_silent_or_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda peer, _: peer.reply(b"ok")) as server, contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # from now on, it answers nobody
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refusing = listener.getsockname()
        entries = [full.getsockname(), refusing, ("127.0.0.1", server.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", entry) for entry in entries]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with rig("http://several.example") as made:
            assert made.fetch() == b"ok"
        assert made.pool.connections_made == 1
        found[:] = found[:1]
        with rig("http://several.example", timeouts=SHORT) as made:
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded, match="in time"):
                made.fetch()
            assert time.monotonic() - began < 5


def test_tls(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with serving(lambda peer, _: peer.reply(b"ok"), tls=tls) as server:
        with rig(server.url, ssl_context=trusting) as made:
            assert made.fetch() == b"ok"
            assert made.fetch() == b"ok"
            assert made.pool.connections_made == 1
        with rig(server.url, ssl_verify=False) as made:
            assert made.fetch() == b"ok"
        with rig(server.url) as made:
            with pytest.raises(ConnectError, match="is not trusted") as caught:
                made.fetch()
            assert not caught.value.retryable
    with serving(silent) as server, rig(f"https://127.0.0.1:{server.port}", timeouts=SHORT) as made:
        with pytest.raises(DeadlineExceeded) as late:  # it waits for the end of a line
            made.fetch()
        assert late.value.kind == "connect"


def test_an_end_that_tls_has_not_told_is_no_end(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    def cut(peer: Peer, _: Seen) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        peer.close()

    with (
        serving(cut, tls=tls) as server,
        rig(server.url, ssl_context=trusting) as made,
        pytest.raises(ConnectionLost, match="closed, and not as TLS is"),
    ):
        made.fetch()


def test_a_connection_whose_end_tls_has_told_is_not_used_again(
    tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    over = threading.Event()

    def end(peer: Peer, _: Seen) -> None:
        if server.connections > 1:
            peer.reply(b"ok")
            return
        assert isinstance(peer.sock, ssl.SSLSocket)
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        with contextlib.suppress(
            OSError
        ):  # the socket has not ended, and so has nothing to tell an idle connection's user
            peer.sock.unwrap()
        over.wait(10)

    with serving(end, tls=tls) as server, rig(server.url, ssl_context=trusting) as made:
        assert made.fetch() == b"whole"
        assert made.fetch() == b"ok"
        assert made.pool.connections_made == 2
        over.set()


def test_a_server_that_wants_a_certificate_says_so(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    with (
        serving(lambda peer, _: peer.reply(b"ok"), tls=tls) as server,
        rig(server.url, ssl_context=trusting) as made,
        pytest.raises(ConnectionLost, match=r"the server wants a certificate of yours") as caught,
    ):
        made.fetch()
    assert caught.value.__cause__ is not None


def test_a_certificate_that_is_not_trusted_is_the_cause(tls: ssl.SSLContext) -> None:
    with serving(lambda peer, _: peer.reply(b"ok"), tls=tls) as server, rig(server.url) as made:
        with pytest.raises(ConnectError, match="is not trusted") as caught:
            made.fetch()
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


def test_http_where_tls_was_expected(app_url: str) -> None:
    with rig(app_url.replace("http:", "https:")) as made, pytest.raises(ConnectError, match="plain http://"):
        made.fetch()


# What is sent, and when it cannot be.


def test_a_request_is_sent_as_over_bytes() -> None:
    with serving(lambda peer, _: peer.reply(b"ok")) as server, rig(server.url) as made:
        assert made.fetch("/x?a=b%20c", headers=(("X-One", "1"), ("x-two", "2"))) == b"ok"
        assert made.fetch("/x", "POST", body=b"body") == b"ok"
        assert made.fetch("/x", "POST") == b"ok"
        get, post, empty = server.seen("x")
    assert (get.method, get.target) == ("GET", "/x?a=b%20c")
    assert dict(get.headers) == {"host": f"127.0.0.1:{server.port}", "x-one": "1", "x-two": "2"}
    assert (post.method, post.body, post.headers["content-length"]) == ("POST", b"body", "4")
    assert (empty.body, empty.headers["content-length"]) == (b"", "0")
    assert server.connections == 1


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\0b"])
def test_what_would_inject_into_a_request_is_refused(value: str) -> None:
    with serving(lambda peer, _: peer.reply()) as server, rig(server.url) as made:
        with pytest.raises(LocalProtocolError, match="this request cannot be sent"):
            made.fetch(headers=(("x", value),))
        assert server.connections == 0


def upload(made: Rig, pieces: list[bytes], framing: tuple[str, str], seconds: float = 5.0) -> Flow[bytes]:
    exchange, _ = yield Open(made.request("/x", "POST", headers=(framing,), is_streamed=True), None)
    try:
        for piece in (*pieces, b""):
            yield SendBody(exchange, piece, (yield from in_time(seconds)))
        yield ReadHead(exchange, None)
        return (yield from read_all(exchange))
    finally:
        exchange.close()


@pytest.mark.parametrize("framing", [("transfer-encoding", "chunked"), ("content-length", "200003")])
def test_a_body_in_pieces(framing: tuple[str, str]) -> None:
    pieces = [b"abc", b"x" * 200_000]
    with serving(lambda peer, seen: peer.reply(seen.body)) as server, rig(server.url) as made:
        for _ in range(3):
            assert made.run(upload(made, pieces, framing)) == b"".join(pieces)
        assert server.connections == 1


@pytest.mark.parametrize("pieces", [[b"abcd"], [b"ab"], [b"abc", b"d"]])
def test_a_body_that_is_not_as_long_as_it_says(pieces: list[bytes]) -> None:
    words = "does not fit content-length"
    with serving(silent) as server, rig(server.url) as made, pytest.raises(LocalProtocolError, match=words):
        made.run(upload(made, pieces, ("content-length", "3")))


def test_a_server_that_takes_no_more_has_said_why() -> None:
    def refuse(peer: Peer, _: Seen) -> None:
        peer.reply(b"too much", "413 Too Much")
        peer.sock.shutdown(socket.SHUT_RDWR)  # without reading the rest

    def flow(made: Rig) -> Flow[tuple[int, bytes]]:
        request = made.request("/x", "POST", headers=(("transfer-encoding", "chunked"),), is_streamed=True)
        exchange, _ = yield Open(request, None)
        try:
            with contextlib.suppress(ConnectionLost):
                while True:
                    yield SendBody(exchange, b"x" * 100_000, None)
            with pytest.raises(ConnectionLost):
                yield SendBody(exchange, b"", None)
            head, _ = yield ReadHead(exchange, None)
            return head.status, (yield from read_all(exchange))
        finally:
            exchange.close()

    with serving(refuse, early=["x"]) as server, rig(server.url) as made:
        try:
            assert made.run(flow(made)) == (413, b"too much")
        except ConnectionLost:
            pass  # the kernel has thrown the answer away, since not all had been read


@pytest.mark.parametrize("streamed", [False, True])
def test_sending_has_a_deadline(streamed: bool) -> None:
    release = threading.Event()

    def read_nothing(peer: Peer, _: Seen) -> None:
        release.wait(10)

    def whole(made: Rig) -> Flow[None]:
        request = made.request("/x", "POST", body=b"x" * 40_000_000)
        yield Open(request, (yield from in_time(0.3)))

    with serving(read_nothing, early=["x"]) as server, rig(server.url) as made:
        began = time.monotonic()
        flow = upload(made, [b"x" * 40_000_000], ("transfer-encoding", "chunked"), 0.3)
        try:
            with pytest.raises(DeadlineExceeded, match="could not be sent in time") as caught:
                made.run(flow if streamed else whole(made))
            assert time.monotonic() - began < 5
            eventually(lambda: not carriers(), 2)
        finally:
            release.set()
        assert (caught.value.kind, caught.value.phase) == ("write", "sent_unknown")


def test_the_head_can_be_read_after_a_deadline_of_sending() -> None:
    answer = threading.Event()

    def refuse(peer: Peer, _: Seen) -> None:
        answer.wait(10)
        peer.reply(b"no", "503 Busy")
        peer.wait_for_end()

    def flow(made: Rig) -> Flow[int]:
        request = made.request("/x", "POST", headers=(("transfer-encoding", "chunked"),), is_streamed=True)
        exchange, _ = yield Open(request, None)
        try:
            with pytest.raises(DeadlineExceeded):
                yield SendBody(exchange, b"x" * 40_000_000, (yield from in_time(0.2)))
            answer.set()
            head, _ = yield ReadHead(exchange, None)
            status: int = head.status
            return status
        finally:
            exchange.close()

    with serving(refuse, early=["x"]) as server, rig(server.url) as made:
        assert made.run(flow(made)) == 503


# What is received.


def drip(peer: Peer, _: Seen) -> None:
    peer.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nX-Odd-Case: 1\r\ntransfer-encoding: chunked\r\n"
    )
    time.sleep(0.2)
    peer.send(b"\r\n")
    for number in range(6):
        time.sleep(0.05)
        peer.chunk(b"%d" % number * 3)
    peer.chunk(b"")


def test_no_byte_is_lost_by_deadlines_and_wakes() -> None:
    wake = Signal()
    wake.set()

    def flow(made: Rig) -> Flow[tuple[bytes, int, int]]:
        timeouts = wakes = 0
        exchange, _ = yield Open(made.request(), None)
        while exchange.head is None:
            try:
                yield ReadHead(exchange, (yield from in_time(0.02)))
            except TimedOut:
                timeouts += 1
        assert exchange.head.get("x-odd-case") == "1"
        with pytest.raises(TimedOut):
            yield ReadBody(exchange, (yield from in_time(-1)))
        body, piece = b"", None
        while piece != b"":
            piece, _ = yield ReadBody(exchange, None, wake)
            if piece is None:
                wakes += 1
                try:
                    piece, _ = yield ReadBody(exchange, (yield from in_time(0.01)))
                except TimedOut:
                    timeouts += 1
            body += piece or b""
        assert exchange.is_finished
        with pytest.raises(LocalProtocolError, match="nothing more can be read"):
            yield ReadBody(exchange, None)
        return body, timeouts, wakes

    with serving(drip) as server, rig(server.url) as made:
        body, timeouts, wakes = made.run(flow(made))
    assert body == b"000111222333444555"
    assert timeouts > 10
    assert wakes > 10


def test_a_wake_from_another_flow() -> None:
    def flow(made: Rig, wake: Signal) -> Flow[tuple[object, bytes]]:
        exchange, _ = yield Open(made.request(), None)
        try:
            yield ReadHead(exchange, None)
            first, _ = yield ReadBody(exchange, None, wake)
            wake.clear()
            return first, (yield from read_all(exchange))
        finally:
            exchange.close()

    def waker(wake: Signal, made: Rig) -> Flow[None]:
        yield Sleep((yield from in_time(0.25)))
        wake.set()
        go.set()

    go = threading.Event()

    def late(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        go.wait(5)
        peer.chunk(b"after all")
        peer.chunk(b"")

    with serving(late) as server, rig(server.url) as made:
        wake = Signal()
        with made.transport.lock:
            made.transport.spawn(waker(wake, made), promised=False)
        assert made.run(flow(made, wake)) == (None, b"after all")


def test_a_slow_reader_bounds_what_is_read_ahead() -> None:
    sent = 0

    def flood(peer: Peer, _: Seen) -> None:
        nonlocal sent
        peer.begin_stream()
        for _number in range(200):
            peer.chunk(b"x" * 100_000)
            sent += 100_000
        peer.chunk(b"")

    def flow(made: Rig) -> Flow[int]:
        exchange, _ = yield Open(made.request(), None)
        assert isinstance(exchange, CarriedExchange)
        yield ReadHead(exchange, None)
        yield Sleep((yield from in_time(0.5)))
        assert exchange._unread < MOST_UNREAD + 100_000
        return len((yield from read_all(exchange)))

    with serving(flood) as server, rig(server.url) as made:
        assert made.run(flow(made)) == 20_000_000


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", ConnectionLost, "closed the connection without answering"),
        (b"HTTP/1.1 200 OK\r\n", ConnectionLost, "in the middle of its response"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", ConnectionLost, "in the middle of its response"),
        (b"<html>nonsense\r\n\r\n", RemoteProtocolError, "is not HTTP .*<html>nonsense"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", RemoteProtocolError, "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 90_000 + b"\r\n\r\n", LimitExceeded, "header_bytes"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, LimitExceeded, "header_bytes"),
    ],
)
def test_a_bad_answer_is_a_typed_error(data: bytes, kind: type[GradioError], words: str) -> None:
    def answer(peer: Peer, _: Seen) -> None:
        peer.send(data)
        peer.close()

    with serving(answer) as server, rig(server.url) as made:
        with pytest.raises(kind, match=words) as caught:
            made.fetch()
        assert type(caught.value) is kind
        with pytest.raises(kind):
            made.fetch()
        assert not made.pool.backend.streams


def test_a_reset_is_a_lost_connection() -> None:
    def answer(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.chunk(b"abc")
        time.sleep(0.1)
        peer.reset()

    def flow(made: Rig) -> Flow[bytes]:
        exchange, _ = yield Open(made.request(), None)
        yield ReadHead(exchange, None)
        first, _ = yield ReadBody(exchange, None)
        with pytest.raises(ConnectionLost, match=r"the connection to http://127\.0\.0\.1:\d+ broke"):
            yield ReadBody(exchange, None)
        assert exchange.is_finished
        data: bytes = first
        return data

    with serving(answer) as server, rig(server.url) as made:
        assert made.run(flow(made)) == b"abc"


# Connections: used again when they can be trusted, and for one exchange at a time.


def test_connections_are_used_again() -> None:
    with serving(lambda peer, _: peer.reply(b"ok")) as server, rig(server.url) as made:
        for _ in range(10):
            assert made.fetch() == b"ok"
        assert made.pool.connections_made == server.connections == 1


def test_a_connection_that_idled_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_transports.carried.IDLE_SECONDS", 0.05)
    with serving(lambda peer, _: peer.reply(b"ok")) as server, rig(server.url) as made:
        made.fetch("/x", "POST")
        time.sleep(0.1)
        made.fetch("/x", "POST")
        assert [request.number for request in server.seen("x")] == [1, 2]


@pytest.mark.parametrize("stray", [b"", b"HTTP/1.1 408 Too Slow\r\ncontent-length: 0\r\n\r\n"])
def test_a_post_is_never_sent_on_a_connection_that_has_ended(stray: bytes) -> None:
    closed = threading.Event()

    def answer(peer: Peer, _: Seen) -> None:
        peer.reply(b"ok")
        time.sleep(0.05)
        peer.send(stray)
        peer.close()
        closed.set()

    with serving(answer) as server, rig(server.url) as made:
        for _ in range(5):
            closed.clear()
            assert made.fetch("/x", "POST") == b"ok"
            assert closed.wait(5)
        assert len(server.seen("x")) == 5


def test_a_post_is_never_sent_twice() -> None:
    with serving(lambda peer, _: peer.close()) as server, rig(server.url) as made:
        with pytest.raises(ConnectionLost) as caught:
            made.fetch("/x", "POST")
        assert (caught.value.phase, caught.value.retryable) == ("sent_unknown", False)
        assert len(server.seen("x")) == 1


def test_closing_an_exchange_ends_its_thread_and_hurts_no_other() -> None:
    ended = threading.Event()

    def endless(peer: Peer, seen: Seen) -> None:
        if "short" in seen.target:
            peer.reply(b"ok")
            return
        peer.begin_stream()
        peer.chunk(b"first")
        peer.wait_for_end()
        ended.set()

    def flow(made: Rig) -> Flow[None]:
        for _ in range(20):
            exchange, _ = yield Open(made.request(), None)
            other, _ = yield Open(made.request("/x?short"), None)
            yield ReadHead(exchange, None)
            exchange.close()
            exchange.close()
            assert exchange.is_finished
            assert (yield ReadHead(other, None))[0].status == 200
            assert (yield from read_all(other)) == b"ok"
            other.close()
            assert (yield from fetch(made.request("/x?short"))) == b"ok"

    with serving(endless) as server, rig(server.url) as made:
        made.run(flow(made))
        assert ended.wait(2)
        eventually(lambda: not carriers(), 1)
        assert len(made.pool.backend.streams) <= 2
        assert made.pool.connections_made <= 22


def test_whoever_waits_for_an_exchange_that_is_closed_is_told() -> None:
    def flow(made: Rig) -> Flow[None]:
        exchange, _ = yield Open(made.request(), None)
        made.transport.spawn(closer(exchange), promised=False)
        with pytest.raises(ConnectionLost, match="closed by this client"):
            yield ReadHead(exchange, None)

    def closer(exchange: Any) -> Flow[None]:
        yield Sleep((yield from in_time(0.05)))
        exchange.close()

    with serving(silent) as server, rig(server.url) as made:
        made.run(flow(made))


def test_closing_the_transport_ends_everything() -> None:
    with serving(silent) as server:
        made = Rig(server.url)
        for _ in range(10):
            with made.transport.lock:
                made.transport.spawn(forget(fetch(made.request())), promised=True)
        eventually(lambda: len(server.seen("x")) == 10)
        assert len(carriers()) == 10
        began = time.monotonic()
        made.transport.close()
        assert time.monotonic() - began < 1
        assert not carriers()
        assert not made.pool.backend.streams
        with pytest.raises(ClientClosed):
            made.fetch()
        with pytest.raises(ClientClosed):
            next(lower(fetch(made.request()), made.pool))


def test_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving(lambda peer, _: peer.reply(b"ok")) as server, rig(server.url) as made:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(ConnectError, match="can't start new thread"):
                made.fetch()
        assert made.fetch() == b"ok"


# Cancellation: whatever effect is under way when a flow is given up, its thread and its connection end.


class Cancelled(Exception):
    """What ends a flow in the middle."""


def cut(flow: ByteFlow[Any], index: int, *, answered: bool) -> ByteFlow[Any]:
    """A flow that is given up at one of its effects, before that was carried out or after."""
    effect = next(flow)
    for number in range(10_000):
        if number == index and not answered:
            return flow.throw(Cancelled())
        try:
            answer = yield effect
        except Exception as error:
            effect = flow.throw(error)
            continue
        if number == index:
            return flow.throw(Cancelled())
        try:
            effect = flow.send(answer)
        except StopIteration:
            return "whole"
    raise AssertionError


def conversation(made: Rig) -> Flow[None]:
    assert (yield from upload(made, [b"abc", b"def"], ("transfer-encoding", "chunked"))) == b"abcdef"
    exchange, _ = yield Open(made.request("/stream"), None)
    try:
        yield ReadHead(exchange, None, Signal())
        body = b""
        while (piece := (yield ReadBody(exchange, None, Signal()))[0]) != b"":
            body += piece
        assert body == b"onetwo"
    finally:
        exchange.close()


@pytest.mark.parametrize("answered", [False, True])
def test_a_flow_that_is_given_up_leaves_nothing_behind(answered: bool) -> None:
    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.chunk(b"one")
        time.sleep(0.01)
        peer.chunk(b"two")
        peer.chunk(b"")

    def echo(peer: Peer, seen: Seen) -> None:
        peer.reply(seen.body)

    with FaultyServer({"x": echo, "stream": stream}) as server, rig(server.url) as made:
        reactor = made.transport._reactor
        index = 0
        while True:
            try:
                if (
                    reactor.run(cut(lower(conversation(made), made.pool), index, answered=answered))
                    == "whole"
                ):
                    break
            except Cancelled:
                pass
            index += 1
            eventually(lambda: not carriers(), 2)
            assert len(made.pool.backend.streams) <= 3  # idle ones, which work
            assert made.fetch("/x", "POST", body=b"ok") == b"ok"
        assert index > 10


# Proxies: the same flows as over bytes, and so the same errors.


def through(port: int, scheme: str = "http") -> str:
    return f"{scheme}://app.example:{port}"


@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_a_socks_proxy(scheme: str, tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SocksProxy() as proxy, FaultyServer() as plain, FaultyServer(tls=tls) as secure:
        make = partial(
            Client, proxy=f"{scheme}://{proxy.address}", transport="httpcore", ssl_context=trusting
        )
        for url in (through(plain.port), through(secure.port, "https")):
            with make(url) as client:
                assert client.predict("x") == "ok"
                assert client.submit("x").result(5) == "ok"
        assert {session.target for session in proxy.sessions} == {
            ("app.example", plain.port),
            ("app.example", secure.port),
        }


def test_a_proxy_that_refuses() -> None:
    with SocksProxy(code=5) as proxy, SocksProxy(("me", "secret")) as strict:
        for address, words in (
            (proxy.address, "connection refused"),
            (f"me:guess@{strict.address}", "refused the user name or the password"),
        ):
            with pytest.raises(ConnectError, match=words) as caught:
                Client(through(80), proxy=f"socks5://{address}", transport="httpcore", max_retries=0)
            assert "guess" not in str(caught.value)


def test_an_http_proxy(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    make = partial(Client, transport="httpcore", ssl_context=trusting, max_retries=0)
    with FaultyServer() as plain, FaultyServer(tls=tls) as secure, ConnectProxy() as proxy:
        for url in (through(plain.port), through(secure.port, "https")):
            with make(url, proxy=f"http://me:secret@{proxy.address}") as client:
                assert client.predict("x") == "ok"
        assert {head.partition(" HTTP")[0] for head in proxy.heads} == {
            f"CONNECT app.example:{server.port}" for server in (plain, secure)
        }
        for request in (*plain.requests, *secure.requests):
            assert "proxy-authorization" not in request.headers
        with ConnectProxy(tls=tls) as hidden:
            with make(through(plain.port), proxy=f"https://{hidden.address}") as client:
                assert client.predict("x") == "ok"
            with pytest.raises(ConnectError, match="use an http:// proxy"):
                make(through(secure.port, "https"), proxy=f"https://{hidden.address}")
        answer = b"HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n"
        with ConnectProxy(answer=answer) as strict, pytest.raises(ConnectError, match="it answered 407"):
            make(through(plain.port), proxy=f"http://{strict.address}")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_proxy_that_dies_is_an_error_of_connecting(how: str) -> None:
    def die(listener: socket.socket) -> None:
        peer = Peer(listener.accept()[0], 1)
        peer.sock.recv(100)
        peer.close() if how == "close" else peer.reset()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=die, args=(listener,), daemon=True)
        thread.start()
        proxy = SOCKSProxy(5, "127.0.0.1", listener.getsockname()[1])
        words = r"the proxy socks5://.* made no tunnel"
        with rig(through(80), proxy=proxy) as made, pytest.raises(ConnectError, match=words):
            made.fetch()
        thread.join(5)


# HTTP/2: one exchange at a time on a connection there too.


@pytest.fixture
def front(tls: ssl.SSLContext) -> Iterator[HTTP2Front]:
    def answer(peer: Peer, seen: Seen) -> None:
        peer.reply(seen.body or b"ok")

    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.chunk(b"first")
        peer.wait_for_end()

    with FaultyServer({"x": answer, "stream": stream}) as server, HTTP2Front(server.url, tls) as made:
        yield made


@pytest.mark.parametrize("own", [False, True])
def test_a_client_over_http2(app_url: str, tls: ssl.SSLContext, trusting: ssl.SSLContext, own: bool) -> None:
    trusting.set_alpn_protocols(["h2"])
    options: dict[str, Any] = {"ssl_context": trusting} if own else {"ssl_verify": False}
    with HTTP2Front(app_url, tls) as front:
        with Client(front.url, transport="httpcore", **options) as client:
            assert client.predict("x", api_name="/echo") == "x"
            assert list(client.submit("abc", api_name="/count")) == ["a", "ab", "abc"]
            jobs = [client.submit(str(number), api_name="/echo") for number in range(20)]
            assert [job.result(10) for job in jobs] == [str(number) for number in range(20)]
            for number in range(10):
                assert client.predict(str(number), api_name="/echo") == str(number)
        assert front.connections < 35


def test_a_callers_context_is_left_as_it_is(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """Whoever uses it elsewhere does not offer HTTP/2 there."""
    chosen: list[str | None] = []

    def answer(peer: Peer, _: Seen) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        chosen.append(peer.sock.selected_alpn_protocol())
        peer.reply(b"ok")

    tls.set_alpn_protocols(["http/1.1"])
    with serving(answer, tls=tls) as server:
        with rig(server.url, ssl_context=trusting) as made:
            assert made.fetch() == b"ok"
        with rig(server.url, ssl_verify=False) as made:
            assert made.fetch() == b"ok"
    assert chosen == [None, "http/1.1"]


def test_http2_connections_are_used_again_one_exchange_at_a_time(front: HTTP2Front) -> None:
    def flow(made: Rig) -> Flow[None]:
        long, _ = yield Open(made.request("/stream"), None)
        yield ReadHead(long, None)
        assert (yield ReadBody(long, None))[0] == b"first"
        assert (yield from fetch(made.request("/x", "POST", body=b"a" * 100_000))) == b"a" * 100_000
        pieces = upload(made, [b"b" * 100_000, b"c"], ("content-length", "100001"))
        assert (yield from pieces) == b"b" * 100_000 + b"c"
        long.close()
        assert (yield from fetch(made.request())) == b"ok"

    with rig(front.url, ssl_verify=False) as made:
        made.run(flow(made))
        assert [number for number, _, _ in front.requests] == [1, 2, 2, 2]
        assert made.pool.connections_made == 2


def test_an_http2_connection_that_idled_too_long_or_has_something_to_say_is_not_used_again(
    front: HTTP2Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def farewell(connection: Any, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200")])
        connection.send_data(stream, b"bye", end_stream=True)
        connection.close_connection()

    front.answers["/x"] = [farewell]
    with rig(front.url, ssl_verify=False) as made:
        assert made.fetch("/x", "POST") == b"bye"
        assert made.fetch("/x", "POST") == b"ok"
        assert front.connections == 2
    monkeypatch.setattr("gradio_transports.carried.IDLE_SECONDS", 0.05)
    with rig(front.url, ssl_verify=False) as made:
        made.fetch("/x", "POST")
        time.sleep(0.1)
        made.fetch("/x", "POST")
        assert front.connections == 4
    assert len(front.requests) == 4


def goes_away(connection: Any, _: int) -> None:
    connection.close_connection(last_stream_id=0)


def resets(connection: Any, stream: int) -> None:
    connection.reset_stream(stream)


def answers(*headers: tuple[str, str], data: bytes = b"") -> Callable[[Any, int], None]:
    def answer(connection: Any, stream: int) -> None:
        connection.send_headers(stream, [*headers])
        connection.send_data(stream, data, end_stream=True)

    return answer


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (goes_away, ConnectionLost, "the server (closed the connection without answering|broke)"),
        (resets, ConnectionLost, "the server broke its response off"),
        (answers((":status", "200"), ("x", "a\r\nset-cookie: b")), RemoteProtocolError, "is not HTTP"),
        (answers((":status", "200"), ("x y", "a")), RemoteProtocolError, "is not HTTP"),
        (answers((":status", "many")), RemoteProtocolError, "is not HTTP"),
        (answers((":status", "200"), *[("x", "a" * 4000)] * 18), GradioError, "header_bytes|is not HTTP"),
    ],
)
def test_a_bad_answer_by_http2_is_a_typed_error(
    front: HTTP2Front, answer: Any, kind: type[GradioError], words: str
) -> None:
    front.answers["/x"] = [answer]
    with rig(front.url, ssl_verify=False) as made:
        with pytest.raises(kind, match=words):
            made.fetch("/x", "POST")
        assert len(front.requests) == 1  # httpcore would ask again, of a server that says it has not heard
        assert made.fetch() == b"ok"


def test_a_request_that_the_server_has_not_heard_is_not_sent_again_unasked(front: HTTP2Front) -> None:
    def closes(connection: Any, stream: int) -> None:
        connection.close_connection(last_stream_id=stream - 2)

    front.answers["/x"] = [answers((":status", "200"), data=b"ok"), closes]
    with rig(front.url, ssl_verify=False) as made:
        assert made.fetch("/x", "POST") == b"ok"
        with pytest.raises(ConnectionLost, match="without answering"):
            made.fetch("/x", "POST")
        assert len(front.requests) == 2
        assert made.fetch("/x", "POST") == b"ok"


def test_empty_pieces_of_a_body_do_not_end_it(front: HTTP2Front) -> None:
    def answer(connection: Any, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200")])
        for piece in (b"", b"a", b"", b"b"):
            connection.send_data(stream, piece)
        connection.end_stream(stream)

    front.answers["/x"] = [answer]
    with rig(front.url, ssl_verify=False) as made:
        assert made.fetch() == b"ab"


# A pool of one's own.


def test_a_pool_of_ones_own(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    asked: list[dict[str, Any]] = []

    def make_pool(**options: Any) -> Any:
        asked.append(options)
        return httpcore.ConnectionPool(**{**options, "uds": path})

    def forward(listener: socket.socket, port: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                here = listener.accept()[0]
                there = socket.create_connection(("127.0.0.1", port))
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=copy, args=(source, target), daemon=True).start()

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        if source.family == socket.AF_UNIX:
            return
        source.close()
        target.close()

    with FaultyServer() as server, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=forward, args=(listener, server.port), daemon=True)
        thread.start()
        transport = partial(HTTPCoreTransport, make_pool=make_pool)
        with Client("http://app.example", transport=transport, trust_env=False) as client:
            assert client.predict("x") == "ok"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert asked[0]["retries"] == 0
    assert server.seen("queue/join")[0].headers["host"] == "app.example"


def test_a_pool_with_an_address_of_ones_own(tmp_path: Path) -> None:
    def make_pool(address: dict[str, str], **options: Any) -> Any:
        return httpcore.ConnectionPool(**{**options, **address})

    def connect(**address: str) -> Client:
        transport = partial(HTTPCoreTransport, make_pool=partial(make_pool, address))
        return Client(server.url, transport=transport, max_retries=0)

    with FaultyServer() as server:
        with connect(local_address="127.0.0.1") as client:
            assert client.predict("x") == "ok"
        with pytest.raises(ConnectError, match=r"no connection to .*: .*Cannot assign requested address"):
            connect(local_address="192.0.2.1")
        with pytest.raises(ConnectError, match=r"no connection to .*nothing: .*No such file"):
            connect(uds=str(tmp_path / "nothing"))


class Held(httpcore.ConnectionInterface):  # type: ignore[misc]
    """A connection that carries a request until it is let go."""

    def __init__(self) -> None:
        self.idle = False
        self.go = threading.Event()

    def handle_request(self, request: Any) -> Any:
        self.go.wait(10)
        return httpcore.Response(200, extensions={"network_stream": httpcore.MockStream([])})

    def is_idle(self) -> bool:
        return self.idle

    def is_available(self) -> bool:
        return True


def test_a_connection_carries_one_exchange_at_a_time() -> None:
    held = Held()
    connection = OneAtATime(held)
    request = httpcore.Request("GET", "http://app")
    thread = threading.Thread(target=connection.handle_request, args=(request,))
    thread.start()
    eventually(lambda: connection._lock.locked())
    with pytest.raises(httpcore.ConnectionNotAvailable):  # it is being sent
        connection.handle_request(request)
    held.go.set()
    thread.join(5)
    assert not connection.is_available()
    with pytest.raises(httpcore.ConnectionNotAvailable):  # it is being read
        connection.handle_request(request)
    held.idle = True
    assert connection.is_available()
    connection.handle_request(request)


# A real server.


@pytest.mark.real("4.44.1", "6.31.0")
def test_a_real_server(url: str, server_version: str) -> None:
    with Client(url, transport="httpcore") as client:
        assert client.app_version == server_version
        assert client.predict("x", api_name="/echo") == "x"
        assert list(client.submit(3, api_name="/count")) == [0, 1, 2]
        jobs = [client.submit(str(number), api_name="/echo") for number in range(30)]
        assert [job.result(15) for job in jobs] == [str(number) for number in range(30)]


# A fork.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_exchanges_alone() -> None:
    slow = TestApp(default_concurrency_limit=None)

    @slow.endpoint("/slow")
    def sleep(x: str) -> str:
        time.sleep(0.5)
        return x

    with serve(slow) as address, Client(address, transport="httpcore") as client:
        jobs = [client.submit(str(number)) for number in range(3)]
        eventually(lambda: carriers())
        codes: list[int] = []
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_REAL, 10)
                code = 1
                try:
                    for job in jobs:
                        error = job.exception(5)
                        assert error is None or isinstance(error, ConnectionLost)
                    assert client.predict("child") == "child"
                    client.close()
                    code = 0
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        assert codes == [0] * 5
        assert [job.result(5) for job in jobs] == ["0", "1", "2"]
        assert client.predict("parent") == "parent"
