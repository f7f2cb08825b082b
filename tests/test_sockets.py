"""The sockets transport under a client, against servers that do what servers do when things go wrong."""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
import trustme
from faulty import SHORT, FaultyServer, Handler, Peer, Seen, Watched, within
from proxying import ConnectProxy

from gradio_proto import Client, Timeouts
from gradio_proto.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
)
from gradio_proto.limits import Limits
from gradio_proto.testing import EmbeddedServer, TestApp, serve


@pytest.fixture(autouse=True)
def bounded(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing hangs, and nothing is printed, whatever happens."""
    with within(15):
        yield
    assert capfd.readouterr() == ("", "")


def app() -> TestApp:
    made = TestApp(default_concurrency_limit=None)

    @made.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    return made


def faulty_client(server: FaultyServer, **options: Any) -> Client:
    given: dict[str, Any] = {"timeouts": SHORT, "max_retries": 0, **options}
    return Client(server.url, **given)


# Connections.


def test_calls_share_connections() -> None:
    watched = Watched()
    with serve(app()) as url, Client(url, transport=watched) as client:
        for number in range(20):
            assert client.predict(str(number)) == str(number)
    assert watched.connections <= 2


def test_a_connection_that_idled_too_long_is_not_used_for_a_post(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.exchange.IDLE_SECONDS", 0.05)
    with FaultyServer() as server, faulty_client(server) as client:
        client.predict("x")
        time.sleep(0.1)
        client.predict("x")
        used = [request.number for request in server.seen("queue/join")]
    assert used[0] != used[1]


def test_a_connection_that_was_closed_between_calls_is_not_used() -> None:
    """By a server that restarts, or that is faster than 4 seconds to close."""

    peers: list[Peer] = []

    def join(peer: Peer, request: Seen) -> None:
        server.jobs += 1
        peers.append(peer)
        peer.json({"event_id": f"e{server.jobs}"})

    with FaultyServer({"queue/join": join}) as server, faulty_client(server) as client:
        for _ in range(3):
            assert client.predict("x") == "ok"
            peers.pop().close()
            time.sleep(0.05)
        assert len({request.number for request in server.seen("queue/join")}) == 3


def test_a_connection_that_says_something_unasked_is_not_used() -> None:
    def config(peer: Peer, request: Seen) -> None:
        default(peer, request)
        peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")

    server = FaultyServer()
    default = server.handlers["config"]
    server.handlers["config"] = config
    with server:
        with contextlib.suppress(RemoteProtocolError), faulty_client(server) as client:
            # When the stray bytes come with the answer they are seen at once; else when it is used again.
            assert client.predict("x") == "ok"
        assert server.seen("config")[0].number not in [
            request.number for request in server.seen("queue/join")
        ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_addresses_of_this_machine(host: str) -> None:
    with serve(app()) as url, Client(url.replace("127.0.0.1", host)) as client:
        assert client.predict("x") == "x"


def test_ipv6() -> None:
    try:
        server = EmbeddedServer(app(), "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, Client(server.url) as client:
        assert client.predict("x") == "x"


def test_localhost_finds_a_server_on_either_address() -> None:
    """``localhost`` has two addresses, and a server mostly listens on one of them."""
    known = {str(entry[4][0]) for entry in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    for host in known & {"127.0.0.1", "::1"}:
        server = EmbeddedServer(app(), host)
        with server, Client(f"http://localhost:{server.url.rpartition(':')[2]}") as client:
            assert client.predict("x") == "x"


def test_a_name_is_looked_up_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver blocks, so a thread of its own asks it: the deadline for connecting holds all the same."""
    asked = threading.Event()
    real = socket.getaddrinfo

    def slow(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "slow.example" and "flags" not in kwargs:
            asked.set()
            time.sleep(1)
            raise socket.gaierror("never heard of it")
        if host == "good.example" and "flags" not in kwargs:
            return real("127.0.0.1", *args, **kwargs)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"no connection to http://slow\.example") as caught:
        Client("http://slow.example", timeouts=SHORT, max_retries=0, trust_env=False)
    assert time.monotonic() - began < 0.9
    assert (caught.value.kind, caught.value.phase, caught.value.retryable) == ("connect", "not_sent", True)
    assert asked.is_set()
    with FaultyServer() as server, Client(f"http://good.example:{server.port}", trust_env=False) as client:
        assert client.predict("x") == "ok"
    with pytest.raises(ConnectError, match=r"slow\.example was not found"):
        Client("http://slow.example", timeouts=Timeouts(connect=5), max_retries=0, trust_env=False)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "a..example"])
def test_a_name_that_does_not_exist(host: str) -> None:
    with pytest.raises((ConnectError, ValueError)):
        Client(f"http://{host}", max_retries=0, trust_env=False, timeouts=Timeouts(connect=5))


def test_a_second_address_is_tried_while_the_first_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer() as server:
        real = socket.getaddrinfo
        with full_backlog() as port:

            def two(host: Any, *args: Any, **kwargs: Any) -> Any:
                if host != "two.example":
                    return real(host, *args, **kwargs)
                if kwargs.get("flags"):
                    raise socket.gaierror
                entry = real("127.0.0.1", server.port, type=socket.SOCK_STREAM)[0]
                return [(*entry[:4], ("127.0.0.1", port)), entry]

            monkeypatch.setattr(socket, "getaddrinfo", two)
            began = time.monotonic()
            with Client(f"http://two.example:{server.port}", trust_env=False) as client:
                assert time.monotonic() - began < 1.5
                assert client.predict("x") == "ok"


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(
        ConnectError, match=f"no connection to 127.0.0.1:{port}: Connection refused"
    ) as caught:
        Client(f"http://127.0.0.1:{port}", max_retries=0)
    assert time.monotonic() - began < 0.5
    assert caught.value.retryable


@contextlib.contextmanager
def full_backlog() -> Generator[int]:
    """A port where nobody answers: the queue of connections that are not accepted is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_nobody_answers() -> None:
    with full_backlog() as port:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            Client(f"http://127.0.0.1:{port}", timeouts=SHORT, max_retries=0)
        assert 0.3 <= time.monotonic() - began < 1
        assert caught.value.kind == "connect"


# Deadlines.


def wait(peer: Peer, _: Seen) -> None:
    peer.wait_for_end()


def drip(peer: Peer, _: Seen) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 1000:
        peer.send(bytes([byte]))
        time.sleep(0.02)


def half(peer: Peer, _: Seen) -> None:
    peer.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a"')
    peer.wait_for_end()


@pytest.mark.parametrize("route", ["config", "info"])
@pytest.mark.parametrize("handler", [wait, drip, half])
def test_connecting_has_deadlines(route: str, handler: Handler) -> None:
    began = time.monotonic()
    with FaultyServer({route: handler}) as server, pytest.raises(DeadlineExceeded) as caught:
        faulty_client(server)
    assert 0.25 <= time.monotonic() - began < 1.2
    assert caught.value.kind == "read"


@pytest.mark.parametrize("handler", [wait, drip, half])
def test_joining_has_deadlines(handler: Handler) -> None:
    with FaultyServer({"queue/join": handler}) as server, faulty_client(server) as client:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            client.predict("x")
        assert 0.25 <= time.monotonic() - began < 1.2
        error = caught.value
        assert (error.kind, error.endpoint, error.phase) == ("read", "/predict", "sent_unknown")
        assert not error.retryable  # the job may be running


def silent(peer: Peer, _: Seen) -> None:
    peer.begin_stream()
    peer.message("estimation", event_id="e1", rank=3, queue_size=4, rank_eta=None)
    peer.wait_for_end()


@pytest.mark.parametrize("handler", [wait, drip, silent])
def test_a_stream_has_deadlines(handler: Handler) -> None:
    with FaultyServer({"queue/data": handler}) as server, faulty_client(server) as client:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            client.predict("x")
        assert 0.25 <= time.monotonic() - began < 1.2
        error = caught.value
        assert (error.endpoint, error.event_id, error.phase) == ("/predict", "e1", "stream_lost")
        assert error.last_status == "IN_QUEUE"
        assert error.kind == ("idle" if handler is silent else "read")


def test_heartbeats_keep_a_stream_alive() -> None:
    def slowly(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        for _number in range(5):
            time.sleep(0.15)
            peer.message("heartbeat", event_id=None)
        peer.complete("e1", "at last")
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    with FaultyServer({"queue/data": slowly}) as server, faulty_client(server) as client:
        assert client.predict("x") == "at last"


def test_a_write_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stops taking in the middle of a large request: the buffers between are full."""
    release = threading.Event()
    with FaultyServer() as server, faulty_client(server) as client:
        client.predict("x")

        def read_nothing(_: Peer) -> None:
            release.wait(5)

        monkeypatch.setattr(Peer, "read_request", read_nothing)
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="could not be sent in time") as caught:
            client.predict("x" * 40_000_000)
        assert time.monotonic() - began < 2
        assert (caught.value.kind, caught.value.endpoint) == ("write", "/predict")
        release.set()


def test_a_total_deadline() -> None:
    total = Timeouts(total=0.3)
    with FaultyServer({"queue/data": silent}) as server, faulty_client(server, timeouts=total) as client:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"Timeouts\.total") as caught:
            client.predict("x")
        job = client.submit("x")
        with pytest.raises(DeadlineExceeded):
            job.result(5)
        assert time.monotonic() - began < 1.5
        assert (caught.value.kind, caught.value.event_id) == ("total", "e1")


# Whatever a server says.


def says(data: bytes, *, then: Callable[[Peer], None] = Peer.close) -> Handler:
    def handler(peer: Peer, _: Seen) -> None:
        peer.send(data)
        then(peer)

    return handler


HTML = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 48\r\n\r\n"
    b"\n <!doctype html>\n<title>Please sign in</title>\n  "
)
NO_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{nope: "
WRONG_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[1, null]"
DEEP_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" + b"[" * 100_000

ANSWERS: dict[str, tuple[Handler, type[GradioError]]] = {
    "nothing": (says(b""), ConnectionLost),
    "reset": (says(b"", then=Peer.reset), ConnectionLost),
    "garbage": (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", then=Peer.wait_for_end), RemoteProtocolError),
    "a line of garbage": (says(b"220 mail ready\r\n"), GradioError),
    "half a head": (says(b"HTTP/1.1 200 OK\r\ncontent-t"), ConnectionLost),
    "half a body": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"), ConnectionLost),
    "a bad chunk": (
        says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnope\r\n"),
        RemoteProtocolError,
    ),
    "html": (says(HTML), HTTPStatusError),
    "no json": (says(NO_JSON), RemoteProtocolError),
    "wrong json": (says(WRONG_JSON), RemoteProtocolError),
    "deep json": (says(DEEP_JSON), LimitExceeded),
    "an endless head": (says(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000), LimitExceeded),
    "bad gateway": (
        says(b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n"),
        HTTPStatusError,
    ),
    "gzip": (
        says(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n"),
        RemoteProtocolError,
    ),
}


def predict(server: FaultyServer, **options: Any) -> Any:
    """Connect and make a call."""
    with faulty_client(server, **options) as client:
        return client.predict("x")


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("route", ["config", "info", "queue/join", "queue/data"])
def test_a_bad_answer_is_a_typed_error(name: str, route: str) -> None:
    handler, expected = ANSWERS[name]
    began = time.monotonic()
    with FaultyServer({route: handler}) as server, pytest.raises(GradioError) as caught:
        predict(server)
    assert time.monotonic() - began < 2
    error = caught.value
    if route == "queue/data" and name in ("no json", "wrong json", "deep json", "half a body"):
        expected = HTTPStatusError  # they are no event stream, whatever they hold
    assert isinstance(error, expected), repr(error)
    assert not error.retryable or name == "bad gateway"
    if route.startswith("queue"):
        assert error.endpoint == "/predict"
    if route == "queue/data":
        assert error.event_id == "e1"
    if name == "html":
        assert "200" in str(error)
        assert "text/html" in str(error)
        assert "<!doctype html>" in str(error)
    if name == "garbage":
        assert "SSH-2.0" in str(error)


STREAMS: dict[str, tuple[bytes, type[GradioError]]] = {
    "no json": (b"data: {nope}\n\n", RemoteProtocolError),
    "no object": (b"data: [1]\n\n", RemoteProtocolError),
    "no output": (
        b'data: {"msg": "process_completed", "event_id": "e1", "success": true}\n\n',
        RemoteProtocolError,
    ),
    "too few outputs": (
        b'data: {"msg": "process_completed", "event_id": "e1", "success": true, "output": {"data": []}}\n\n',
        RemoteProtocolError,
    ),
    "deep": (b'data: {"msg": "log", "event_id": "e1", "log": ' + b"[" * 100_000 + b"\n\n", GradioError),
    "a large message": (b"data: " + b"x" * 300_000, LimitExceeded),
    "a lost session": (
        b'data: {"msg": "unexpected_error", "message": "404: Session not found.", "success": false}\n\n',
        ConnectionLost,
    ),
    "the end": (b"", ConnectionLost),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("clean", [True, False])
def test_a_bad_stream_is_a_typed_error(name: str, clean: bool) -> None:
    data, expected = STREAMS[name]

    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.message("process_starts", event_id="e1", eta=None)
        if data:
            peer.chunk(data)
        if clean:
            peer.chunk(b"")
            peer.wait_for_end()
        else:
            peer.close()

    limits = Limits(sse_message_bytes=200_000)
    with FaultyServer({"queue/data": stream}) as server, pytest.raises(expected) as caught:
        predict(server, limits=limits)
    assert (caught.value.endpoint, caught.value.event_id) == ("/predict", "e1")
    assert caught.value.server_version == "6.31.0"


def test_unknown_messages_and_comments_are_no_errors() -> None:
    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.chunk(b"\xef\xbb\xbf: a comment\r\n\r\nevent: message\r\nid: 7\r\nretry: 100\r\n")
        peer.chunk(b'data: {"msg": "process_starts",\r\ndata: "event_id": "e1", "eta": null}\r\n\r\n')
        peer.message("a_new_thing", event_id="e1", value=1)
        peer.message("estimation", event_id="somebody else's", rank=1, queue_size=1)
        last = {"msg": "process_completed", "event_id": "e1", "success": True, "output": {"data": ["é"]}}
        for byte in f"data: {json.dumps(last, ensure_ascii=False)}\n\n".encode():
            peer.chunk(bytes([byte]))
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    with FaultyServer({"queue/data": stream}) as server, faulty_client(server) as client:
        assert client.predict("x") == "é"


def test_a_lost_stream_ends_every_job_of_the_session() -> None:
    joined = threading.Barrier(2)

    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.message("process_starts", event_id="e1", eta=None)
        joined.wait(5)
        peer.reset()

    server = FaultyServer()
    healthy = server.handlers["queue/data"]
    server.handlers["queue/data"] = stream
    with server, faulty_client(server) as client:
        jobs = [client.submit("x") for _ in range(5)]
        until = time.monotonic() + 5
        while any(job.event_id is None for job in jobs) and time.monotonic() < until:
            time.sleep(0.01)
        joined.wait(5)
        for job in jobs:
            error = job.exception(5)
            assert isinstance(error, ConnectionLost)
            assert (error.phase, error.event_id) == ("stream_lost", job.event_id)
        server.handlers["queue/data"] = healthy
        assert client.predict("x") == "ok"  # and the client is as good as new


# Retries.


def test_a_join_is_not_repeated() -> None:
    with FaultyServer({"queue/join": says(b"")}) as server, Client(server.url) as client:
        with pytest.raises(ConnectionLost) as caught:
            client.predict("x")
        assert not caught.value.retryable
        assert len(server.seen("queue/join")) == 1


def test_a_get_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.flows.requests.BACKOFF", 0.01)
    for first in (says(b"", then=Peer.reset), says(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")):
        with FaultyServer() as server:
            server.handlers["config"] = once(first, server.handlers["config"])
            with Client(server.url) as client:
                assert client.predict("x") == "ok"
            assert len(server.seen("config")) == 2


def once(first: Handler, then: Handler) -> Handler:
    handlers = iter([first])
    return lambda peer, request: next(handlers, then)(peer, request)


def test_retry_after_is_waited_out_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.flows.requests.BACKOFF", 0.01)

    def busy(seconds: int) -> Handler:
        return says(b"HTTP/1.1 429 Too Many\r\nretry-after: %d\r\ncontent-length: 0\r\n\r\n" % seconds)

    with FaultyServer() as server:
        server.handlers["config"] = once(busy(1), server.handlers["config"])
        began = time.monotonic()
        Client(server.url).close()
        assert 1 <= time.monotonic() - began < 2
    with FaultyServer({"config": busy(3600)}) as server, pytest.raises(GradioError) as caught:
        Client(server.url)
    assert caught.value.retryable
    assert getattr(caught.value, "retry_after", None) == 3600


def test_a_call_is_repeated_where_the_caller_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.flows.requests.BACKOFF", 0.01)
    full = says(
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 49\r\n\r\n"
        b'{"detail":"Queue is full. Max size is 1, full."}\n',
        then=lambda peer: None,
    )
    with FaultyServer() as server:
        server.handlers["queue/join"] = once(full, server.handlers["queue/join"])
        with Client(server.url, max_retries=2) as client:
            assert client.predict("x") == "ok"
        assert len(server.seen("queue/join")) == 2


# Proxies.


def through(port: int) -> str:
    """An address that only a proxy can make something of."""
    return f"http://app.example:{port}"


def test_a_proxy_makes_tunnels_and_its_password_goes_nowhere_else() -> None:
    with FaultyServer() as server, ConnectProxy() as proxy:
        url = f"http://me:p%40ss@{proxy.address}"
        with Client(through(server.port), proxy=url, headers={"x-secret": "app's"}) as client:
            assert client.predict("x") == "ok"
        assert proxy.heads[0].startswith(f"CONNECT app.example:{server.port} HTTP/1.1\r\n")
        expected = base64.b64encode(b"me:p@ss").decode()
        for head in proxy.heads:
            assert f"proxy-authorization: Basic {expected}" in head.replace(
                "Proxy-Authorization", "proxy-authorization"
            )
            assert "app's" not in head
        for request in server.requests:
            assert expected not in str(request)
        # The first request to an http address goes without secrets: it may be answered by a redirect to https.
        assert {request.headers["x-secret"] for request in server.requests[1:]} == {"app's"}


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 2"]
)
def test_a_proxy_that_refuses(answer: bytes) -> None:
    with ConnectProxy(answer=answer) as proxy:
        with pytest.raises(ConnectError, match=rf"the proxy http://{proxy.address} ") as caught:
            Client(through(80), proxy=f"http://me:secret@{proxy.address}", max_retries=0, timeouts=SHORT)
        assert "secret" not in str(caught.value)


def test_a_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer() as server, ConnectProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with Client(through(server.port)) as client:
            assert client.predict("x") == "ok"
        made = len(proxy.heads)
        assert made > 0
        with Client(server.url) as client:  # a loopback address
            assert client.predict("x") == "ok"
        monkeypatch.setenv("no_proxy", "app.example")
        for trust_env in (True, False):
            with pytest.raises(ConnectError):
                Client(through(server.port), max_retries=0, trust_env=trust_env)
            monkeypatch.delenv("no_proxy", raising=False)
        assert len(proxy.heads) == made


def test_a_proxy_over_tls() -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]
    with FaultyServer() as server, ConnectProxy(tls=tls) as proxy:
        address = f"https://{proxy.address}"
        with Client(through(server.port), proxy=address, ssl_context=trusting) as client:
            assert client.predict("x") == "ok"
        with pytest.raises(ConnectError, match="use an http:// proxy"):
            Client("https://app.example", proxy=address, ssl_context=trusting)
    gc.collect()


def test_an_end_that_tls_has_not_told_is_no_end() -> None:
    """What ends with its connection may have been cut by anybody on the way."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]

    def join(peer: Peer, _: Seen) -> None:
        peer.send(b'HTTP/1.1 200 OK\r\n\r\n{"event_id": "e1"}')

    def cut(peer: Peer, request: Seen) -> None:
        join(peer, request)
        peer.close()

    def end(peer: Peer, request: Seen) -> None:
        server.jobs += 1
        join(peer, request)
        assert isinstance(peer.sock, ssl.SSLSocket)
        peer.sock.unwrap().close()

    with FaultyServer(tls=tls) as server, Client(server.url, ssl_context=trusting) as client:
        server.handlers["queue/join"] = cut
        with pytest.raises(ConnectionLost, match="may have been cut"):
            client.predict("x")
        server.handlers["queue/join"] = end
        assert client.predict("x") == "ok"


def test_a_server_of_plain_http_is_suspected() -> None:
    with serve(app()) as url, pytest.raises(ConnectError, match="it may be a server of plain http://"):
        Client(url.replace("http://", "https://"), max_retries=0)


def test_a_named_proxy_is_not_used_for_this_machine() -> None:
    with FaultyServer() as server, ConnectProxy() as proxy:
        with Client(server.url, proxy=f"http://{proxy.address}") as client:
            assert client.predict("x") == "ok"
        assert proxy.heads == []


# Large things, and leftovers.


def test_large_values_both_ways() -> None:
    value = "é€😀" * 200_000
    with serve(app()) as url, Client(url) as client:
        for _ in range(2):
            assert client.predict(value) == value


def test_a_body_over_its_limit() -> None:
    def large(peer: Peer, _: Seen) -> None:
        peer.reply(json.dumps(["x" * 1000] * 100).encode())

    with FaultyServer({"config": large}) as server, pytest.raises(LimitExceeded) as caught:
        faulty_client(server, limits=Limits(json_body_bytes=50_000))
    assert caught.value.name == "json_body_bytes"


def test_nothing_is_left_open_after_errors() -> None:
    """A ResourceWarning is an error here: pytest turns it into one when the collector finds a socket."""
    for handler in (wait, drip, says(b"")):
        with FaultyServer({"queue/data": handler}) as server, faulty_client(server) as client:
            with pytest.raises(GradioError):
                client.predict("x")
            job = client.submit("x")
            job.exception(5)
    gc.collect()
