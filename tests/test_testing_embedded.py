"""The embedded server on real sockets: what its threads add to the protocol."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from gradio_proto import Client, handle_file
from gradio_proto.testing import Context, EmbeddedServer, File, TestApp, serve


def connect(url: str, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=5, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)


def post(conn: http.client.HTTPConnection, path: str, body: Any) -> Any:
    conn.request("POST", f"/gradio_api/{path}", json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(conn.getresponse().read())


def job(conn: http.client.HTTPConnection, fn_index: int, *data: Any, session: str = "s") -> list[Any]:
    """Run a job and return its messages."""
    post(conn, "queue/join", {"data": data, "fn_index": fn_index, "session_hash": session})
    conn.request("GET", f"/gradio_api/queue/data?session_hash={session}")
    body = conn.getresponse().read().decode()
    return [json.loads(line[6:]) for line in body.split("\n\n") if line]


@contextlib.contextmanager
def closing(url: str, context: ssl.SSLContext | None = None) -> Iterator[http.client.HTTPConnection]:
    conn = connect(url, context)
    try:
        yield conn
    finally:
        conn.close()


def test_a_job() -> None:
    app = TestApp()

    @app.endpoint()
    def count(n: int, *, context: Context) -> Iterator[int]:
        for i in range(n):
            context.info(str(i))
            yield i

    with serve(app) as url, closing(url) as conn:
        for _ in range(2):
            kinds = [message["msg"] for message in job(conn, 0, 2)]
            assert kinds == [
                "estimation", "process_starts", "log", "process_generating", "log", "process_generating",
                "process_completed", "close_stream",
            ]  # fmt: skip


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2", "4.0.2"])
def test_the_earliest_servers(version: str) -> None:
    """Deadlines and frames of theirs, through sockets and with a client that is used to real ones."""
    app = TestApp(version=version, default_concurrency_limit=4)

    @app.endpoint()
    def count(n: int, *, context: Context) -> Iterator[int]:
        for i in range(n):
            context.progress((i, n))
            yield i

    @app.endpoint()
    def shout(file: File) -> File:
        return File(f"out {file.name}", file.data.upper())

    with EmbeddedServer(app) as server, Client(server.url) as client:
        jobs = [client.submit(n, api_name="/count", isolate=True) for n in range(1, 4)]
        assert [list(job) for job in jobs] == [[0], [0, 1], [0, 1, 2]]
        path = client.predict(handle_file(b"data", name="a.txt"), api_name="/shout")
        with open(path, "rb") as file:
            assert file.read() == b"DATA"


def test_functions_run_beside_input_and_output() -> None:
    app = TestApp(default_concurrency_limit=None)
    together = threading.Barrier(3)
    app.endpoint("meet")(lambda: together.wait(5))
    with serve(app) as url, contextlib.ExitStack() as stack:
        conns = [stack.enter_context(closing(url)) for _ in range(3)]
        for conn in conns:
            conn.request("POST", "/gradio_api/run/meet", '{"data":[]}', {"Content-Type": "application/json"})
        assert {conn.getresponse().status for conn in conns} == {200}


def test_more_calls_than_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.testing.embedded.MAX_WORKERS", 2)
    app = TestApp(default_concurrency_limit=None)
    running, most = 0, 0
    lock = threading.Lock()

    @app.endpoint()
    def busy() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    with serve(app) as url, closing(url) as conn:
        for _ in range(5):
            post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        conn.request("GET", "/gradio_api/queue/data?session_hash=s")
        body = conn.getresponse().read()
    assert body.count(b"process_completed") == 5
    assert most == 2


def test_heartbeats_come_in_time() -> None:
    release = threading.Event()
    app = TestApp()
    app.endpoint("wait")(lambda: release.wait(5))
    with EmbeddedServer(app, heartbeat=0.05) as server, closing(server.url) as conn:
        began = time.monotonic()
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        conn.request("GET", "/gradio_api/queue/data?session_hash=s")
        response = conn.getresponse()
        for _ in range(3):
            while b"heartbeat" not in response.readline():
                pass
        took = time.monotonic() - began
        release.set()
        response.read()
    assert 0.14 < took < 2


def test_a_function_that_exits() -> None:
    app = TestApp()
    app.endpoint("leave")(sys.exit)
    with serve(app) as url, closing(url) as conn:
        for _ in range(3):
            assert job(conn, 0, 7)[-2]["output"] == {"error": "7", "visible": True}


def test_large_values() -> None:
    """More than a socket takes at once, to a reader that takes its time."""
    app = TestApp()
    app.endpoint("much", inputs=["number"], outputs=["text"])(lambda n: "x" * n)
    with serve(app) as url, closing(url) as conn:
        conn.request(
            "POST", "/gradio_api/run/much", '{"data":[20000000]}', {"Content-Type": "application/json"}
        )
        time.sleep(0.1)
        assert len(json.loads(conn.getresponse().read())["data"][0]) == 20_000_000


def test_tls() -> None:
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    app = TestApp()
    app.endpoint("echo")(lambda x: x)
    with EmbeddedServer(app, tls=server_side) as server:
        assert server.url.startswith("https://")
        with closing(server.url, client_side) as conn:
            text = "é" * 1_000_000
            assert post(conn, "run/echo", {"data": [text]})["data"] == [text]
            conn.request("GET", "/config")
            assert json.loads(conn.getresponse().read())["root"] == server.url
        with closing(server.url.replace("https", "http")) as plain:
            plain.request("GET", "/config")
            with pytest.raises((http.client.HTTPException, OSError)):
                plain.getresponse()


def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = EmbeddedServer(TestApp(), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, closing(server.url) as conn:
        conn.request("GET", "/gradio_api/app_id")
        assert conn.getresponse().status == 200


def test_a_port_that_is_taken() -> None:
    with EmbeddedServer(TestApp()) as server, pytest.raises(OSError, match="in use"):
        EmbeddedServer(TestApp(), port=urlsplit(server.url).port or 0)


def test_a_client_that_vanishes() -> None:
    """A reset while a stream is open ends the session's jobs, and nothing else."""
    app = TestApp()
    stopped = threading.Event()

    @app.endpoint()
    def forever() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.005)
                yield 1
        finally:
            stopped.set()

    with serve(app) as url:
        with closing(url) as conn:
            post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
            conn.request("GET", "/gradio_api/queue/data?session_hash=s")
            response = conn.getresponse()
            response.readline()
            assert conn.sock is not None
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            response.close()
        assert stopped.wait(5)
        with closing(url) as conn:
            conn.request("GET", "/config")
            assert conn.getresponse().status == 200


def test_close_with_open_jobs() -> None:
    app = TestApp()
    finished = threading.Event()

    @app.endpoint()
    def forever() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.005)
                yield 1
        finally:
            finished.set()

    before = threading.active_count()
    with EmbeddedServer(app) as server, closing(server.url) as conn:
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        conn.request("GET", "/gradio_api/queue/data?session_hash=s")
        response = conn.getresponse()
        while b"process_generating" not in response.readline():
            pass  # until it runs
        server.close()
        server.close()
        assert finished.is_set()
        assert threading.active_count() == before
        with pytest.raises((http.client.IncompleteRead, OSError)):
            response.read()  # there was no end of the body
    with closing(server.url) as conn, pytest.raises(OSError, match="refused"):
        conn.request("GET", "/config")


def test_close_does_not_wait_for_ever() -> None:
    release = threading.Event()
    app = TestApp(default_concurrency_limit=None)
    app.endpoint("wait")(lambda: release.wait(10))
    with EmbeddedServer(app) as server, closing(server.url) as conn:
        for session in "ab":
            post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": session})
        began = time.monotonic()
        server.close(timeout=0.05)
        assert time.monotonic() - began < 1
    release.set()


def test_stop_of_the_queue() -> None:
    app = TestApp()
    app.endpoint("echo")(lambda x: x)
    with EmbeddedServer(app) as server, closing(server.url) as conn:
        server.stop_queue()
        body = {"data": ["x"], "fn_index": 0, "session_hash": "s"}
        assert post(conn, "queue/join", body) == {"detail": "Queue is stopped."}


def test_refusals_are_there_at_once() -> None:
    app = TestApp()
    app.endpoint("echo")(lambda x: x)
    with EmbeddedServer(app) as server, closing(server.url) as conn:
        for times in (1, 2, 1):
            server.refuse(times, retry_after="7", path="/app_id")
            for _ in range(times):
                conn.request("GET", "/gradio_api/app_id")
                reply = conn.getresponse()
                assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
                reply.read()
            conn.request("GET", "/gradio_api/app_id")
            assert b"app_id" in conn.getresponse().read()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_file_goes_up_and_comes_down(chunked: bool) -> None:
    content = bytes(range(256)) * 2**15  # 8 MiB
    body = (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n%b\r\n--b--\r\n' % content
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    with serve(TestApp()) as url, closing(url) as conn:
        pieces = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
        conn.request("POST", "/gradio_api/upload", pieces if chunked else body, headers)
        (path,) = json.loads(conn.getresponse().read())
        conn.request("GET", f"/gradio_api/file={path}")
        assert conn.getresponse().read() == content


def test_bytes_that_are_read_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.testing.embedded._CHUNK", 1)
    app = TestApp()

    @app.endpoint()
    def echo(text: str) -> str:
        return text

    with serve(app) as url, closing(url) as conn:
        assert job(conn, 0, "x")[-2]["output"]["data"] == ["x"]


def test_a_closed_server_is_told_things_in_vain() -> None:
    server = EmbeddedServer(TestApp())
    server.close()
    server.close()
    server.stop_queue()
    with pytest.raises(OSError):  # noqa: PT011 (the system says which)
        socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=1)


def test_a_function_whose_turn_comes_when_the_server_closes_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gradio_proto.testing.embedded.MAX_WORKERS", 1)
    app = TestApp()
    busy, go_on, called = threading.Event(), threading.Event(), threading.Event()

    @app.endpoint()
    def block() -> None:
        busy.set()
        go_on.wait(5)

    @app.endpoint()
    def late() -> None:
        called.set()

    server = EmbeddedServer(app)
    with closing(server.url) as conn:
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        assert busy.wait(5)
        post(conn, "queue/join", {"data": [], "fn_index": 1, "session_hash": "s"})
        server.close(timeout=0.0)
        go_on.set()
        for worker in server._workers:
            worker.join(5)
            assert not worker.is_alive()
    assert not called.is_set()


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    authority.configure_trust(ours)
    return theirs, ours


def test_tls_to_a_reader_who_takes_their_time() -> None:
    theirs, ours = tls_contexts()
    app = TestApp()
    text = "x" * 8_000_000

    @app.endpoint()
    def large() -> str:
        return text

    with EmbeddedServer(app, tls=theirs) as server, closing(server.url, ours) as conn:
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        conn.request("GET", "/gradio_api/queue/data?session_hash=s")
        time.sleep(0.3)  # longer than it takes to fill what is between the two
        assert text.encode() in conn.getresponse().read()


def test_an_answer_to_somebody_who_has_stopped_speaking_tls() -> None:
    theirs, ours = tls_contexts()
    with EmbeddedServer(TestApp(), tls=theirs) as server:
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5) as sock:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = ours.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
            tls.write(b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.sendall(outgoing.read() + b"no TLS at all, whatever")
            with contextlib.suppress(ConnectionError):
                while sock.recv(65536):
                    pass
        with closing(server.url, ours) as conn:
            conn.request("GET", "/config")
            assert conn.getresponse().status == 200


def test_many_clients() -> None:
    app = TestApp(default_concurrency_limit=8)
    app.endpoint("echo")(lambda x: x)
    results: list[Any] = []

    def client(number: int) -> None:
        with closing(url) as conn:
            for i in range(10):
                results.append(job(conn, 0, i, session=f"{number}")[-2]["output"]["data"][0] == i)

    with serve(app) as url:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [True] * 80


def test_a_function_that_sleeps_takes_real_time() -> None:
    app = TestApp()

    @app.endpoint("sleep")
    def sleep(seconds: float, *, context: Context) -> float:
        began = time.monotonic()
        context.sleep(seconds)
        return time.monotonic() - began

    with serve(app) as url, closing(url) as conn:
        assert job(conn, 0, 0.03)[-2]["output"]["data"][0] >= 0.03


def test_who_sleeps_is_woken_as_the_server_closes() -> None:
    asleep, woken = threading.Event(), threading.Event()
    app = TestApp()

    @app.endpoint("sleep")
    def sleep(*, context: Context) -> None:
        asleep.set()
        context.sleep(3600)
        woken.set()

    with serve(app) as url, closing(url) as conn:
        post(conn, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
        assert asleep.wait(5)
        assert not woken.is_set()
    assert woken.wait(5)


def test_the_package_is_pure() -> None:
    """Without EmbeddedServer, nothing of it needs a socket, a thread or a clock."""
    script = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"socket", "ssl", "select", "selectors", "asyncio", "threading", "logging", "email"}:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
for name in [name for name in sys.modules if name in {"socket", "ssl", "threading", "logging", "selectors"}]:
    del sys.modules[name]
import gradio_proto.testing
from gradio_proto.testing import ServerProtocol, TestApp
ServerProtocol(TestApp())
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
