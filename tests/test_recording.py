"""Apps of every generation recorded through a proxy, and played again: the same client gets the same from both."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from servers import install

from gradio_proto import AppError, Client, handle_file
from gradio_proto.errors import ArgumentError
from gradio_proto.recording import Recorder, Recording, RecordingError, read, replay, write
from gradio_proto.recording import sockets as module
from gradio_proto.recording.files import Format
from gradio_proto.testing import Context, EmbeddedServer, Error, File, TestApp, serve

PASSWORD = "hunter22-the-second"
VERSIONS = ["3.50.2", "4.0.2", "4.13.0", "4.44.1", "5.49.1", "6.31.0"]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


def app_of(version: str, **options: Any) -> TestApp:
    app = TestApp(version=version, **options)

    @app.endpoint("/greet")
    def greet(name: str) -> str:
        return f"Hello, {name}!"

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    @app.endpoint("/train")
    def train(*, context: Context) -> str:
        context.progress((1, 2), desc="halfway")
        return "trained"

    @app.endpoint("/add", inputs=["number", "state"], outputs=["number", "state"])
    def add(n: float, total: float | None) -> tuple[float, float]:
        return (total or 0) + n, (total or 0) + n

    @app.endpoint("/fail")
    def fail() -> None:
        raise Error("It is broken.")

    @app.endpoint("/capitals")
    def capitals(letter: File) -> File:
        return File(letter.name, letter.data.upper())

    return app


def conversation(url: str, folder: Path, **options: Any) -> list[Any]:
    """What a program might do, and what it got."""
    letter = folder / "letter.txt"
    letter.write_text("dear app")
    with Client(url, download_files=folder, **options) as client:
        got: list[Any] = [client.predict("Ada", api_name="/greet"), [*client.submit(4, api_name="/count")]]
        jobs = [client.submit(name, api_name="/greet") for name in "abc"]
        got += [job.result(timeout=20) for job in jobs]
        got += [
            client.predict(api_name="/train"),
            client.predict(2, api_name="/add"),
            client.predict(3, api_name="/add"),
        ]
        with pytest.raises(AppError) as failed:
            client.predict(api_name="/fail")
        got.append(failed.value.message)
        got.append(Path(client.predict(handle_file(letter), api_name="/capitals")).read_text())
        return got


@pytest.mark.parametrize("format", ["ndjson", "har"])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_recorded_can_be_played(version: str, format: Format, tmp_path: Path) -> None:
    file = tmp_path / f"session.{format}"
    auth = {"auth": ("ada", PASSWORD)}
    with serve(app_of(version, **auth)) as url, Recorder(url, file, format=format) as recorder:
        recorded = conversation(recorder.url, tmp_path, **auth)
        assert conversation(url, tmp_path, **auth) == recorded
    assert recorder.exchanges == len(read(file).exchanges) > 10
    assert PASSWORD not in file.read_text("utf-8")
    told: list[str] = []
    for speed in (0.0, 1.0):
        with replay(file, speed=speed, tell=told.append) as url:
            for _ in range(2):
                assert conversation(url, tmp_path, **auth) == recorded
    assert told == []


def test_pieces_come_as_they_are_sent(tmp_path: Path) -> None:
    go_on = threading.Event()
    app = TestApp()

    @app.endpoint("/slow")
    def slow() -> Iterator[int]:
        yield 1
        assert go_on.wait(10)
        yield 2

    file = tmp_path / "session.ndjson"
    with serve(app) as url, Recorder(url, file) as recorder, Client(recorder.url) as client:
        job = client.submit(api_name="/slow")
        assert next(job) == 1
        seen = read(file)  # a recorder that was killed here would have lost nothing
        assert any("process_generating" in str(each.response) for each in seen.exchanges)
        go_on.set()
        assert job.result(timeout=10) == 2


def test_a_client_that_leaves_ends_what_it_was_at(tmp_path: Path) -> None:
    app, left = TestApp(), threading.Event()

    @app.endpoint("/endless")
    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
                time.sleep(0.005)
        finally:
            left.set()

    file = tmp_path / "session.ndjson"
    with serve(app) as url, Recorder(url, file) as recorder:
        with Client(recorder.url) as client:
            assert next(client.submit(api_name="/endless")) == 1
        assert left.wait(10)
        until = time.monotonic() + 10
        while not any(each.end and each.end.how == "client left" for each in read(file).exchanges):
            assert time.monotonic() < until
            time.sleep(0.005)


def raw(url: str, method: str, path: str, **options: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.partition("://")[2], timeout=10)
    try:
        connection.request(method, path, **options)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def is_ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:  # it had not been accepted yet
        return True


def once(answer: Callable[[socket.socket], None]) -> tuple[str, socket.socket]:
    """A server for one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        with sock:
            answer(sock)

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def test_an_app_that_is_not_there_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Recorder(f"http://127.0.0.1:{port}", tmp_path / "a.ndjson") as recorder:
        status, body = raw(recorder.url, "GET", "/config")
    assert (status, b"cannot reach" in body) == (502, True)
    (exchange,) = read(tmp_path / "a.ndjson").exchanges
    assert exchange.end is not None
    assert exchange.end.how == "unreachable"


def test_a_body_is_not_kept_while_the_other_side_is_slow(tmp_path: Path) -> None:
    """What waits is bounded: a client that sends faster than the app reads has to wait."""
    size = 32 * 2**20
    read_on, waiting = threading.Event(), 0

    def answer(sock: socket.socket) -> None:
        assert read_on.wait(20)
        got = 0
        while got < size:
            got += len(sock.recv(2**20))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    url, listener = once(answer)
    with listener, Recorder(url, tmp_path / "a.ndjson") as recorder:
        host, _, port = recorder.url.partition("://")[2].partition(":")
        with socket.create_connection((host, int(port)), timeout=0.5) as client:
            client.sendall(f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
            sent = 0
            try:
                while sent < size:
                    sent += client.send(bytes(2**16))
            except TimeoutError:
                waiting = size - sent
            assert waiting > size // 4
            read_on.set()
            client.settimeout(20)
            client.sendall(bytes(waiting))
            assert client.recv(2**10).endswith(b"ok")


def test_an_answer_that_comes_before_the_request_is_whole(tmp_path: Path) -> None:
    def answer(sock: socket.socket) -> None:
        sock.recv(2**10)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")

    url, listener = once(answer)
    with listener, Recorder(url, tmp_path / "a.ndjson") as recorder:
        host, _, port = recorder.url.partition("://")[2].partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + bytes(10))
            got = b""
            while data := client.recv(2**10):
                got += data
    assert got.endswith(b"no!")


def test_an_app_by_https(
    tmp_path: Path, tls: ssl.SSLContext, trusting: ssl.SSLContext, monkeypatch: Any
) -> None:
    monkeypatch.setattr(module.ssl, "create_default_context", lambda: trusting)
    with (
        EmbeddedServer(app_of("6.31.0"), tls=tls) as server,
        Recorder(server.url, tmp_path / "a.ndjson") as recorder,
    ):
        with Client(recorder.url) as client:
            assert client.predict("Ada", api_name="/greet") == "Hello, Ada!"
        assert recorder.url.encode() in raw(recorder.url, "GET", "/config")[1]  # its root
    untrusted = socket.create_server(("127.0.0.1", 0))
    with (
        untrusted,
        Recorder(f"https://127.0.0.1:{untrusted.getsockname()[1]}", tmp_path / "b.ndjson") as recorder,
    ):
        threading.Thread(target=lambda: untrusted.accept()[0].close(), daemon=True).start()
        assert raw(recorder.url, "GET", "/config")[0] == 502


def test_the_token_goes_to_the_app_and_nowhere_else(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def answer(sock: socket.socket) -> None:
        seen.append(sock.recv(2**12))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhf_secret_12")

    url, listener = once(answer)
    with listener, Recorder(f"{url}/sub", tmp_path / "a.ndjson", token="hf_secret_12") as recorder:
        assert recorder.url.endswith("/sub")
        assert raw(recorder.url.removesuffix("/sub"), "GET", "/sub/config")[1] == b"hf_secret_12"
    assert b"authorization: Bearer hf_secret_12" in seen[0]
    assert "secret" not in (tmp_path / "a.ndjson").read_text()
    with replay(tmp_path / "a.ndjson") as again:
        assert again.endswith("/sub")
        assert raw(again.removesuffix("/sub"), "GET", "/sub/config")[0] == 200


def test_a_connection_on_which_nothing_is_under_way_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    with Recorder("http://127.0.0.1:9", tmp_path / "a.ndjson") as recorder:
        host, _, port = recorder.url.partition("://")[2].partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            assert client.recv(1) == b""


def test_a_connection_that_broke_says_nothing_and_takes_nothing() -> None:
    one, other = socket.socketpair()
    with other:
        one.close()
        assert module._received(one) == b""  # pyright: ignore[reportPrivateUsage]
        assert not module._sent(one, bytearray(b"x"))  # pyright: ignore[reportPrivateUsage]
        module._shut(one)  # pyright: ignore[reportPrivateUsage]


def test_a_recording_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"kind":"recording","version":2}\n')
    with pytest.raises(RecordingError, match="format 2"):
        read(tmp_path / "a")


def test_secrets_are_kept_if_that_is_wanted(tmp_path: Path) -> None:
    file, app = tmp_path / "a.ndjson", app_of("6.31.0", auth=("ada", PASSWORD))
    with serve(app) as url, Recorder(url, file, keep_secrets=True) as recorder:
        Client(recorder.url, auth=("ada", PASSWORD)).close()
    assert PASSWORD in (tmp_path / "a.ndjson").read_text()
    with replay(tmp_path / "a.ndjson") as url, Client(url, auth=("ada", "any other")) as client:
        assert client.config["version"] == "6.31.0"


def test_what_cannot_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="by https only"):
        Recorder("http://app.example", tmp_path / "a", token="t")
    with pytest.raises(FileNotFoundError):
        Recorder("http://127.0.0.1:1", tmp_path / "none" / "a")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Recorder("http://127.0.0.1:1", tmp_path / "a", port=taken.getsockname()[1])
    (tmp_path / "text").write_text("hello")
    with pytest.raises(RecordingError, match="no recording"):
        read(tmp_path / "text")


def test_a_recorder_ends_with_whatever_is_open(tmp_path: Path) -> None:
    recorder = Recorder("http://127.0.0.1:9", tmp_path / "a.har", format="har")
    assert (tmp_path / "a.har.partial").exists()
    assert (tmp_path / "a.har.partial").stat().st_mode & 0o077 == 0
    host, _, port = recorder.url.partition("://")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as idle:
        recorder.close()
        recorder.close()
        assert is_ended(idle)
    until = time.monotonic() + 10
    while any(thread.name == "gradio_proto recorder" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.005)
    assert read(tmp_path / "a.har").exchanges == ()
    assert not (tmp_path / "a.har.partial").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.har"
    with (
        serve(app_of("6.31.0")) as url,
        Recorder(url, file, format="har") as recorder,
        Client(recorder.url) as client,
    ):
        assert recorder.failure is None
        assert client.predict("Ada", api_name="/greet") == "Hello, Ada!"
        recorder._file._file.close()  # pyright: ignore[reportPrivateUsage]
        recorder._file._file = open("/dev/full", "w")  # noqa: SIM115 # pyright: ignore[reportPrivateUsage]
        assert client.predict("Bob", api_name="/greet") == "Hello, Bob!"
    assert isinstance(recorder.failure, OSError)
    assert not file.exists()
    assert len(read(tmp_path / "a.har.partial").exchanges) > 2


def test_a_har_that_cannot_be_written_in_the_end_leaves_the_other_file(tmp_path: Path) -> None:
    file = tmp_path / "a.har"
    with serve(app_of("6.31.0")) as url, Recorder(url, file, format="har") as recorder:
        Client(recorder.url).close()
        file.mkdir()
    assert isinstance(recorder.failure, OSError)
    assert read(tmp_path / "a.har.partial").exchanges


@pytest.mark.parametrize("format", ["ndjson", "har"])
def test_a_recording_is_written_and_read(format: Format, tmp_path: Path) -> None:
    with serve(app_of("4.44.1")) as url, Recorder(url, tmp_path / "a") as recorder:
        Client(recorder.url).close()
    found: Recording = read(tmp_path / "a")
    write(found, tmp_path / "b", format)
    assert read(tmp_path / "b") == found


@pytest.mark.real("3.50.2", "6.31.0")
def test_a_real_app_can_be_recorded_and_played(url: str, tmp_path: Path) -> None:
    def talk(where: str) -> list[Any]:
        with Client(where) as client:
            job = client.submit(3, api_name="/count")
            return [[*job], client.predict("x", api_name="/echo")]

    with Recorder(url, tmp_path / "a.ndjson") as recorder:
        recorded = talk(recorder.url)
    told: list[str] = []
    with replay(tmp_path / "a.ndjson", tell=told.append) as again:
        assert talk(again) == recorded
    assert told == []


GREETINGS = [{"api_name": "/greet", "args": ["Ada"]}, {"api_name": "/count", "args": [3], "outputs": True}]


def by_official_client(url: str, folder: Path) -> Any:
    """What the official client gets, by :mod:`servers.official`."""
    done = subprocess.run(
        [install.python_of(install.OFFICIAL_CLIENT), install.HERE / "official.py", url, folder],
        input=json.dumps(GREETINGS),
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    return json.loads(done.stdout)


def by_ours(url: str) -> Any:
    with Client(url) as client:
        return [client.predict("Ada", api_name="/greet"), [*client.submit(3, api_name="/count")]]


@pytest.mark.skipif(not install.is_installed(install.OFFICIAL_CLIENT), reason="run 'make servers'")
def test_one_client_may_be_played_what_another_was_told(tmp_path: Path) -> None:
    app = app_of("6.31.0")
    with (
        serve(app) as url,
        Recorder(url, tmp_path / "theirs") as theirs,
        Recorder(url, tmp_path / "ours") as ours,
    ):
        assert by_official_client(theirs.url, tmp_path) == by_ours(ours.url)
    with replay(tmp_path / "theirs") as from_theirs, replay(tmp_path / "ours") as from_ours:
        assert by_official_client(from_ours, tmp_path) == by_ours(from_theirs)
