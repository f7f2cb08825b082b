"""Files through the client, over real sockets and to a real disk: given, fetched, refused, and given up."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from faulty import SHORT, FaultyServer, Handler, Peer, Seen, within
from scripted import file_app

import gradio_proto
from gradio_proto import Client, Job, Timeouts, Transfer, handle_file
from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ClientClosed,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    GradioError,
    HTTPStatusError,
    JobCancelled,
    LimitExceeded,
)
from gradio_proto.events import Completed, Output
from gradio_proto.files import META
from gradio_proto.limits import Limits
from gradio_proto.testing import EmbeddedServer, TestApp
from gradio_proto.testing.files import File
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport
from gradio_proto.testing.protocol import ServerProtocol

MIB = 1024 * 1024
DATA = bytes(range(256)) * 3000


@pytest.fixture(autouse=True)
def bounded(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing hangs, nothing is printed, and no thread is left that waits for a stream of ours."""
    with within(15):
        yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


def eventually(true: Callable[[], Any], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def left_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*"))


def place_of(directory: Path, content: bytes, name: str) -> str:
    return str(directory / sha256(content).hexdigest() / name)


def data_of(path: str = "/tmp/gradio/ab/x.txt", **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": dict(META), **more}


# handle_file().


def named_stream(name: Any) -> io.BytesIO:
    stream = io.BytesIO(b"data")
    stream.name = name  # type: ignore[attr-defined]
    return stream


@pytest.mark.parametrize(
    ("source", "name", "kind", "named"),
    [
        ("/a/x.txt", None, "path", "x.txt"),
        ("/a/x.txt", "y.csv", "path", "y.csv"),
        (Path("/a/x.txt"), None, "path", "x.txt"),
        ("https://a.example/b/x.png?k=v", None, "url", "x.png"),
        ("HTTP://a.example/x.png", "y.png", "url", "y.png"),
        (Path("https://a.example/x.png"), None, "path", "x.png"),  # a path is a path
        (b"data", "x.txt", "bytes", "x.txt"),
        (bytearray(b"data"), "x.txt", "bytes", "x.txt"),
        (named_stream("/a/x.txt"), None, "stream", "x.txt"),
        (named_stream(3), "x.txt", "stream", "x.txt"),
        (io.BytesIO(b"data"), "x.txt", "stream", "x.txt"),
    ],
)
def test_what_a_file_may_be(source: Any, name: str | None, kind: str, named: str) -> None:
    file = handle_file(source, name)
    assert (file.kind, file.name) == (kind, named)
    assert file.size == (4 if kind in ("bytes", "stream") else None)


def test_the_old_name_of_handle_file() -> None:
    with pytest.warns(DeprecationWarning, match="handle_file"):
        old = gradio_proto.file("a/x.txt")
    assert (old.kind, old.name) == ("path", "x.txt")


def test_bytes_are_taken_as_they_are_now() -> None:
    data = bytearray(b"before")
    file = handle_file(data, "x")
    data[:] = b"after"
    assert file.source == b"before"


class PathOfBytes:
    def __fspath__(self) -> bytes:
        return b"/a/x"


@pytest.mark.parametrize(
    "source", [None, 5, [b"x"], {"path": "x"}, PathOfBytes(), memoryview(b"x"), object()]
)
def test_what_is_no_file(source: Any) -> None:
    with pytest.raises(TypeError, match="a file is a path, a URL, bytes or a binary stream, not"):
        handle_file(source, "x")


@pytest.mark.parametrize("source", [b"data", io.BytesIO(), named_stream(3), "/a/b/", "https://a.example/"])
def test_a_file_needs_a_name(source: Any) -> None:
    with pytest.raises(ArgumentError, match="this file has no name: handle_file"):
        handle_file(source)


def test_wrong_names_and_paths() -> None:
    with pytest.raises(TypeError, match="a file's name is a str, not int"):
        handle_file(b"", 5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="got an empty one"):
        handle_file("")


# A call with files.


@pytest.fixture
def app() -> TestApp:
    made = file_app(default_concurrency_limit=None)

    @made.endpoint("/make", inputs=["textbox"], outputs=["gallery", "json"])
    def make(text: str) -> Any:
        file = File("x.txt", text.encode())
        looks = {"path": "/tmp/not/a/file", "meta": dict(META)}
        return [{"image": file, "caption": text}, {"image": File("é.txt", b"e"), "caption": None}], looks

    @made.endpoint("/frames", inputs=["number"], outputs=["file"])
    def frames(count: float) -> Iterator[File]:
        for number in range(int(count)):
            yield File(f"{number}.txt", b"%d" % number)

    @made.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    return made


@pytest.fixture
def server(app: TestApp) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(app) as made:
        yield made


@pytest.fixture
def client(server: EmbeddedServer, downloads: Path) -> Iterator[Client]:
    with Client(server.url, download_files=downloads) as made:
        yield made


@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "5.49.1", "6.31.0"])
def test_files_there_and_back(version: str, tmp_path: Path, downloads: Path) -> None:
    path = tmp_path / "c d.bin"
    path.write_bytes(DATA)
    with (
        EmbeddedServer(file_app(version)) as server,
        Client(server.url, download_files=str(downloads)) as client,
    ):
        with path.open("rb") as stream:
            files = (handle_file(path), handle_file(b"b", "b.txt"), handle_file(stream, "s.bin"))
            back = client.predict(files, api_name="/back")
            assert not stream.closed
        assert back[0] == place_of(downloads, DATA, os.path.basename(back[0]))
        assert [Path(each).read_bytes() for each in back] == [DATA, b"b", DATA]
        assert client.predict(handle_file(path), api_name="/size") == ["c d.bin", len(DATA)]


def test_json_is_the_apps_own_and_marked_files_in_it_are_fetched(downloads: Path) -> None:
    app = TestApp()

    @app.endpoint("/make", outputs=["json"])
    def make() -> Any:
        return {
            "file": File("x.txt", b"x"),
            "marked": {"path": "/tmp/not/a/file", "meta": META},
            "own": {"path": "/tmp/not/a/file"},
        }

    with EmbeddedServer(app) as server, Client(server.url, download_files=downloads) as client:
        assert client.predict(api_name="/make") == {
            "file": place_of(downloads, b"x", "x.txt"),
            "marked": {"path": "/tmp/not/a/file", "meta": META},
            "own": {"path": "/tmp/not/a/file"},
        }


def test_nested_values_are_fetched_and_what_is_no_file_is_not(client: Client, downloads: Path) -> None:
    gallery, looks = client.predict("hello", api_name="/make")
    assert gallery == [
        {"image": place_of(downloads, b"hello", "x.txt"), "caption": "hello"},
        {"image": place_of(downloads, b"e", "é.txt"), "caption": None},
    ]
    assert looks == {"path": "/tmp/not/a/file", "meta": META}
    assert Path(gallery[0]["image"]).read_bytes() == b"hello"


def test_downloads_that_nobody_wants(server: EmbeddedServer, tmp_path: Path) -> None:
    with Client(server.url, download_files=False) as client:
        gallery, _ = client.predict("hello", api_name="/make")
        job = client.submit(2, api_name="/frames")
        assert [frame["path"].rpartition("/")[2] for frame in job] == ["0.txt", "1.txt"]
    assert gallery[0]["image"]["meta"] == META
    assert left_in(tmp_path) == []


def test_the_directory_of_the_environment(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    with Client(server.url) as client:
        gallery, _ = client.predict("hello", api_name="/make")
    assert gallery[0]["image"] == place_of(tmp_path / "gradio", b"hello", "x.txt")


def test_a_directory_of_ours(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Client(server.url) as client:
        gallery, _ = client.predict("hello", api_name="/make")
    (directory,) = tmp_path.iterdir()
    assert gallery[0]["image"] == place_of(directory, b"hello", "x.txt")  # and it is kept


def test_outputs_are_fetched_as_they_are_read_and_once(app: TestApp, downloads: Path) -> None:
    seen: list[Transfer] = []
    with (
        EmbeddedServer(app) as server,
        Client(server.url, download_files=downloads, on_transfer=seen.append) as client,
    ):
        job = client.submit(3, api_name="/frames")
        assert [Path(path).read_bytes() for path in job] == [b"0", b"1", b"2"]
        paths = job.outputs()
        assert [Path(path).name for path in paths] == ["0.txt", "1.txt", "2.txt"]
        events = list(job.events())
        assert [event.value for event in events if isinstance(event, Output)] == paths
        assert isinstance(events[-1], Completed)
        assert events[-1].value == job.result() == paths[-1]
        eventually(lambda: len({id(t) for t in seen if t.is_done}) == 3)
        assert sorted(transfer.name for transfer in seen if transfer.is_done) == ["0.txt", "1.txt", "2.txt"]


def test_readers_and_the_job_itself_fetch_a_file_once(app: TestApp, downloads: Path) -> None:
    seen: list[Transfer] = []
    with (
        EmbeddedServer(app) as server,
        Client(server.url, download_files=downloads, on_transfer=seen.append) as client,
    ):
        for _ in range(10):
            job = client.submit(2, api_name="/frames")
            readers = [threading.Thread(target=list, args=(job,)) for _ in range(3)]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join(5)
            job.result(5)
    assert 2 <= sum(transfer.is_done for transfer in seen) <= 20


def test_only_what_is_read_is_fetched(client: Client, downloads: Path) -> None:
    job = client.submit(3, api_name="/frames")
    assert Path(job.result()).name == "2.txt"
    assert [name for name in left_in(downloads) if name.endswith(".txt")] == ["2.txt"]
    assert [Path(path).name for path in job.outputs()] == ["0.txt", "1.txt", "2.txt"]


def test_progress_of_both_ways(server: EmbeddedServer, downloads: Path) -> None:
    seen: list[Transfer] = []
    threads: set[str] = set()

    def told(transfer: Transfer) -> None:
        threads.add(threading.current_thread().name)
        seen.append(transfer)

    with Client(server.url, download_files=downloads, on_transfer=told) as client:
        client.predict([handle_file(DATA, "x.bin")], api_name="/back")
        eventually(lambda: [transfer.is_done for transfer in seen].count(True) == 2)
    assert threading.current_thread().name not in threads
    for direction in ("upload", "download"):
        transfers = [transfer for transfer in seen if transfer.direction == direction]
        counts = [transfer.transferred for transfer in transfers]
        assert counts == sorted(counts)
        assert (transfers[-1].name, transfers[-1].transferred, transfers[-1].size) == (
            "x.bin",
            len(DATA),
            len(DATA),
        )


def test_a_slow_callback_gets_the_newest_only(server: EmbeddedServer) -> None:
    seen: list[Transfer] = []
    called, go = threading.Event(), threading.Event()

    def told(transfer: Transfer) -> None:
        seen.append(transfer)
        called.set()
        go.wait(5)

    with Client(server.url, download_files=False, on_transfer=told) as client:
        data = b"x" * 5 * MIB
        client.predict(handle_file(data, "x.bin"), api_name="/size")
        assert called.wait(5)
        go.set()
        eventually(lambda: seen[-1].is_done)
    assert (len(seen) <= 2, seen[-1].transferred) == (True, len(data))


def test_a_callback_that_raises_is_logged(
    server: EmbeddedServer, downloads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    called = threading.Event()

    def told(_: Transfer) -> None:
        called.set()
        raise ZeroDivisionError

    with Client(server.url, download_files=downloads, on_transfer=told) as client:
        client.predict(handle_file(b"x", "x"), api_name="/size")
        assert called.wait(5)
    assert any(record.exc_info is not None for record in caplog.records)


# What is not opened.


def test_arguments_that_were_meant_as_files(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    with path.open("rb") as stream:
        for argument in (path, b"x", bytearray(b"x"), stream, [path], {"a": (stream,)}):
            with pytest.raises(
                ArgumentError, match=r"is sent as a file only if you say handle_file\(\.\.\.\)"
            ):
                client.predict(argument, api_name="/size")


@pytest.mark.parametrize("name", ["gone", "", "pipe", "a\0b"])
def test_a_file_that_cannot_be_sent_is_the_callers_mistake(client: Client, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match=r"handle_file|cannot be sent"):
        client.submit(handle_file(f"{tmp_path}/{name}", "x"), api_name="/size")


def test_a_file_that_is_too_large_is_not_sent(tmp_path: Path) -> None:
    with FaultyServer(app=file_app(), config={"max_file_size": 10}) as server, Client(server.url) as client:
        (tmp_path / "x").write_bytes(b"x" * 11)
        for source in (tmp_path / "x", b"x" * 11, io.BytesIO(b"x" * 11)):
            with pytest.raises(
                ArgumentError, match="x has 11 bytes, and this app takes files of 10 bytes at most"
            ):
                client.predict(handle_file(source, "x"), api_name="/size")
        assert not server.seen("upload")


AUDIT = """
import sys
from gradio_proto import Client, handle_file
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
given, secret, directory = sys.argv[2:]
looks = {"path": secret, "orig_name": "x", "url": "file://" + secret, "meta": {"_type": "gradio.FileData"}}
with Client(sys.argv[1], download_files=directory) as client:
    client.predict("warm up", api_name="/echo")
    del opened[:]
    for argument in (looks, [looks]):
        try:
            client.predict(argument, api_name="/back")
        except Exception:
            pass
    client.predict(api_name="/default")
    client.predict(secret, api_name="/echo")
    back = client.predict([handle_file(given)], api_name="/back")
    client.predict(back[0], api_name="/echo")
print("\\n".join(path for path in opened if not path.endswith((".py", ".pyc", ".so"))))
"""


def test_only_what_the_caller_gave_is_ever_opened(app: TestApp, tmp_path: Path) -> None:
    given, secret, directory = tmp_path / "given", tmp_path / "secret", tmp_path / "downloads"
    given.write_bytes(b"given")
    secret.write_bytes(b"secret")

    @app.endpoint("/default")
    def default(x: str = str(secret)) -> str:
        return x

    with EmbeddedServer(app) as server:
        done = subprocess.run(
            [sys.executable, "-c", AUDIT, server.url, str(given), str(secret), str(directory)],
            capture_output=True,
            text=True,
            timeout=14,
            check=False,
        )
    assert done.stderr == ""
    opened = done.stdout.split()
    assert opened[0] == str(given)
    assert opened.count(str(given)) == 2  # one opening, of which open() and os.open() each tell
    (written,) = [path for path in opened if path != str(given)]
    assert written.startswith(f"{directory}/.")


# Uploads to servers that misbehave.


def upload_client(server: FaultyServer, **options: Any) -> Client:
    given: dict[str, Any] = {"max_retries": 0, "download_files": False, **options}
    return Client(server.url, **given)


def took(peer: Peer, request: Seen) -> None:
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.body).get_payload()
    peer.json([f"/up/{number}" for number, _ in enumerate(parts)])


class Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("size", [0, 1, len(DATA)])
@pytest.mark.parametrize("framing", ["content-length", "transfer-encoding"])
def test_the_bytes_of_an_upload(framing: str, size: int) -> None:
    data = DATA[:size]
    source = data if framing == "content-length" else Unseekable(data)
    with FaultyServer({"upload": took}, app=file_app()) as server, upload_client(server) as client:
        files = [handle_file(source, "x.bin"), handle_file(b"\r\n--", "y")]
        assert client.predict(files, api_name="/back", headers={"x-call": "1"}) == "ok"
        (request,) = server.seen("upload")
        assert framing in request.headers
        assert request.headers["x-call"] == "1"
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        message = message_from_bytes(head + request.body)
        assert [(part.get_filename(), part.get_payload(decode=True)) for part in message.walk()][1:] == [
            ("x.bin", data),
            ("y", b"\r\n--"),
        ]
        joined = json.loads(server.seen("queue/join")[0].body)["data"]
        assert [each["path"] for each in joined[0]] == ["/up/0", "/up/1"]


def refusing(status: str, body: bytes = b"{}", kind: str = "application/json", reads: int = 0) -> Handler:
    def refuse(peer: Peer, _: Seen) -> None:
        left = reads
        while left > 0:
            left -= len(peer.sock.recv(min(left, 65536)))
        peer.reply(body, status, kind)
        peer.close()

    return refuse


@pytest.mark.parametrize("reads", [0, 300_000])
@pytest.mark.parametrize(
    ("status", "body", "kind", "cls"),
    [
        ("413 Content Too Large", b"Too large", "text/plain", HTTPStatusError),
        ("401 Unauthorized", b'{"detail":"Not authenticated"}', "application/json", AuthenticationError),
        ("503 Service Unavailable", b"{}", "application/json", HTTPStatusError),
        ("502 Bad Gateway", b"<html>" + b"x" * 5000, "text/html", HTTPStatusError),
    ],
)
def test_a_server_that_refuses_early_and_closes(
    status: str, body: bytes, kind: str, cls: type[GradioError], reads: int
) -> None:
    handler = refusing(status, body, kind, reads)
    with (
        FaultyServer({"upload": handler}, app=file_app(), early=["upload"]) as server,
        upload_client(server) as client,
    ):
        with pytest.raises(cls) as caught:
            client.predict(handle_file(b"x" * 30 * MIB, "x"), api_name="/size")
        assert type(caught.value) is cls
        if isinstance(caught.value, HTTPStatusError):
            assert caught.value.status == int(status[:3])
        assert not server.seen("queue/join")
        assert client._engine.state.open_jobs == {}


def reset(peer: Peer, _: Seen) -> None:
    peer.sock.recv(65536)
    peer.reset()


def test_a_server_that_resets() -> None:
    with (
        FaultyServer({"upload": reset}, app=file_app(), early=["upload"]) as server,
        upload_client(server) as client,
    ):
        with pytest.raises(ConnectionLost):
            client.predict(handle_file(b"x" * 30 * MIB, "x"), api_name="/size")
        assert len(server.seen("upload")) == 1


def test_a_server_that_takes_no_more() -> None:
    release = threading.Event()

    def stuck(_: Peer, __: Seen) -> None:
        release.wait(10)

    with (
        FaultyServer({"upload": stuck}, app=file_app(), early=["upload"]) as server,
        upload_client(server, timeouts=SHORT) as client,
    ):
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="could not be sent in time") as caught:
            client.predict(handle_file(b"x" * 30 * MIB, "x"), api_name="/size")
        assert caught.value.kind == "write"
        assert time.monotonic() - began < 3
        release.set()


@pytest.mark.parametrize("change", ["shrink", "grow", "vanish"])
def test_a_file_that_changes_before_it_is_sent(tmp_path: Path, change: str) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"12345")
    held, release = threading.Event(), threading.Event()

    def hold(peer: Peer, request: Seen) -> None:
        held.set()
        release.wait(5)
        peer.json({"event_id": "e1"})

    server = FaultyServer({"queue/join": hold, "upload": took}, app=file_app())
    with server, upload_client(server, max_workers=1) as client:
        first = client.submit({"path": "a"}, api_name="/size")
        assert held.wait(5)
        job = client.submit(handle_file(path), api_name="/size")  # waits for its turn
        if change == "vanish":
            path.unlink()
        else:
            path.write_bytes(b"123" if change == "shrink" else b"1234567")
        release.set()
        first.exception(5)
        error = job.exception(5)
        assert isinstance(error, FileError)
        assert error.path == str(path)
        assert not server.seen("upload")


class Blocking(io.RawIOBase):
    """A stream that gives a little and then blocks until it is let go, as a socket or a pipe does."""

    def __init__(self) -> None:
        self.blocks = threading.Event()
        self.go = threading.Event()
        self._pieces = [b"first"]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._pieces:
            return self._pieces.pop()
        self.blocks.set()
        self.go.wait(10)
        return b""


@pytest.fixture
def blocking() -> Iterator[Blocking]:
    stream = Blocking()
    yield stream
    stream.go.set()
    for thread in threading.enumerate():
        if thread.name == "gradio_proto-apart":
            thread.join(5)


def upload_was_given_up(server: FaultyServer, closed: threading.Event) -> None:
    assert closed.wait(5)
    assert not server.seen("queue/join")


def watching(closed: threading.Event) -> Handler:
    def watch(peer: Peer, _: Seen) -> None:
        try:
            peer.wait_for_end()
        finally:
            closed.set()

    return watch


def test_other_jobs_go_on_while_a_stream_blocks(client: Client, blocking: Blocking) -> None:
    job = client.submit(handle_file(blocking, "x.txt"), api_name="/size")  # type: ignore[arg-type]
    assert blocking.blocks.wait(5)
    assert [client.predict("x", api_name="/echo") for _ in range(3)] == ["x"] * 3
    assert not job.done()
    blocking.go.set()
    assert job.result(5) == ["x.txt", 5]


def test_cancelling_while_a_stream_blocks(blocking: Blocking) -> None:
    closed = threading.Event()
    with (
        FaultyServer({"upload": watching(closed)}, app=file_app(), early=["upload"]) as server,
        upload_client(server) as client,
    ):
        job = client.submit(handle_file(blocking, "x.txt"), api_name="/size")  # type: ignore[arg-type]
        assert blocking.blocks.wait(5)
        assert job.cancel()
        with pytest.raises(JobCancelled):
            job.result(5)
        upload_was_given_up(server, closed)


def test_a_total_deadline_while_a_stream_blocks(blocking: Blocking) -> None:
    closed = threading.Event()
    with (
        FaultyServer({"upload": watching(closed)}, app=file_app(), early=["upload"]) as server,
        upload_client(server, timeouts=Timeouts(total=0.6)) as client,
    ):
        with pytest.raises(DeadlineExceeded) as caught:
            client.predict(handle_file(blocking, "x.txt"), api_name="/size")  # type: ignore[arg-type]
        assert (caught.value.kind, caught.value.phase) == ("total", "not_sent")
        upload_was_given_up(server, closed)


def test_closing_while_a_stream_blocks(blocking: Blocking) -> None:
    closed = threading.Event()
    with FaultyServer({"upload": watching(closed)}, app=file_app(), early=["upload"]) as server:
        client = upload_client(server)
        job = client.submit(handle_file(blocking, "x.txt"), api_name="/size")  # type: ignore[arg-type]
        assert blocking.blocks.wait(5)
        began = time.monotonic()
        client.close()
        assert time.monotonic() - began < 1
        assert isinstance(job.exception(0), ClientClosed)
        upload_was_given_up(server, closed)


class Failing(Blocking):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def read(self, size: int = -1, /) -> bytes:
        raise self._error


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), SystemExit("no"), OSError("no")])
def test_whatever_a_stream_raises_is_its_jobs_affair(client: Client, error: BaseException) -> None:
    job = client.submit(handle_file(Failing(error), "x.txt"), api_name="/size")  # type: ignore[arg-type]
    caught = job.exception(5)
    assert isinstance(caught, FileError)
    assert caught.__cause__ is error
    assert client.predict("x", api_name="/echo") == "x"


def test_a_text_stream(client: Client) -> None:
    with pytest.raises(FileError, match="no binary stream"):
        client.predict(handle_file(io.StringIO("text"), "x"), api_name="/size")  # type: ignore[arg-type]


# Downloads from servers that misbehave.


def file_server(value: Any, handler: Handler, **handlers: Handler) -> FaultyServer:
    """A server whose jobs return ``value``, and whose files ``handler`` gives out."""

    def data(peer: Peer, _: Seen) -> None:
        event_id = f"e{server.jobs}"
        peer.begin_stream()
        peer.complete(event_id, value)
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    server = FaultyServer(
        {"queue/data": data, "file": handler, "stream": handler, **handlers}, app=file_app()
    )
    return server


def giving(content: bytes) -> Handler:
    return lambda peer, _: peer.reply(content, kind="application/octet-stream")


def half(peer: Peer, _: Seen) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")


def half_and_close(peer: Peer, request: Seen) -> None:
    half(peer, request)
    peer.close()


def downloading(server: FaultyServer, directory: Path, **options: Any) -> Client:
    given: dict[str, Any] = {"max_retries": 0, "download_files": directory, **options}
    return Client(server.url, **given)


def back(client: Client) -> Any:
    return client.predict([], api_name="/back")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("../../x", "x"),
        ("/etc/passwd", "passwd"),
        ("a\\..\\b", "b"),
        ("/a/..", "file"),
        ("/a/.", "file"),
        ("/a/b\0c", "b_c"),
        ("/a/nul", "_nul"),
        ("/a/" + "é" * 300 + ".txt", "é" * 73 + ".txt"),
        ("/a/-rf", "-rf"),
        ("/a/x\ny", "x_y"),
    ],
)
def test_no_name_leads_out_of_the_directory(downloads: Path, path: str, name: str) -> None:
    with (
        file_server(data_of(path, orig_name="../../y"), giving(b"hello")) as server,
        downloading(server, downloads) as client,
    ):
        assert back(client) == place_of(downloads, b"hello", name)
    assert left_in(downloads.parent) == sorted(["downloads", sha256(b"hello").hexdigest(), name])


@pytest.mark.parametrize(
    ("handler", "cls"),
    [
        (half_and_close, ConnectionLost),
        (half, DeadlineExceeded),
        (lambda peer, _: peer.json({"detail": "no"}, "403 Forbidden"), HTTPStatusError),
        (lambda peer, _: peer.reply(b"x", content_encoding="gzip"), GradioError),
        (lambda peer, _: peer.reply(b"", "302 Found", location="http://127.0.0.1:9/x"), GradioError),
        (lambda peer, _: peer.close(), ConnectionLost),
    ],
)
def test_nothing_is_left_of_a_download_that_fails(
    downloads: Path, handler: Handler, cls: type[GradioError]
) -> None:
    with file_server(data_of(), handler) as server, downloading(server, downloads, timeouts=SHORT) as client:
        with pytest.raises(cls):
            back(client)
        assert left_in(downloads) == []
        assert len(server.seen("file")) == 1
        assert client._engine.state.open_jobs == {}


def test_a_disk_that_is_full(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with file_server(data_of(), giving(b"hello")) as server, downloading(server, downloads) as client:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(FileError, match="No space left"):
            back(client)
        monkeypatch.undo()
        assert left_in(downloads) == []
        assert back(client) == place_of(downloads, b"hello", "x.txt")


@pytest.mark.parametrize("told", [True, False])
def test_a_download_over_the_limit(downloads: Path, told: bool) -> None:
    def endless(peer: Peer, _: Seen) -> None:
        peer.send(
            b"HTTP/1.1 200 OK\r\n%b\r\n\r\n"
            % (b"content-length: 99999999999" if told else b"connection: close")
        )
        while True:
            peer.send(b"x" * MIB)

    limits = Limits(download_bytes=2 * MIB)
    with file_server(data_of(), endless) as server, downloading(server, downloads, limits=limits) as client:
        with pytest.raises(LimitExceeded, match="download_bytes"):
            back(client)
        assert left_in(downloads) == []


def test_a_download_is_tried_again(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.flows.requests.BACKOFF", 0.01)

    def twice(peer: Peer, request: Seen) -> None:
        handler = half_and_close if len(server.seen("file")) < 3 else giving(b"hello")
        handler(peer, request)

    with file_server(data_of(), twice) as server, downloading(server, downloads, max_retries=None) as client:
        assert back(client) == place_of(downloads, b"hello", "x.txt")
        assert left_in(downloads) == sorted([sha256(b"hello").hexdigest(), "x.txt"])


def test_a_stream_of_media_is_fetched_when_it_is_whole(downloads: Path) -> None:
    media = data_of(
        "s/1/playlist.m3u8", is_stream=True, orig_name="a.mp3", url="http://elsewhere/x?__sign=abc"
    )

    def data(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        for _ in range(2):
            peer.message("process_generating", event_id="e1", success=True, output={"data": [media]})
        assert go.wait(5)
        peer.complete("e1", media)
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    go = threading.Event()
    handlers = {"queue/data": data}
    with file_server(None, giving(b"music"), **handlers) as server, downloading(server, downloads) as client:
        job = client.submit([], api_name="/back")
        assert next(job) == media
        go.set()
        path = place_of(downloads, b"music", "a.mp3")
        assert job.result(5) == path
        (request,) = server.seen("stream")
        assert request.target == "/gradio_api/stream/s/1/playlist-file?__sign=abc"
        assert request.headers["host"] == server.url.removeprefix("http://")


class Held:
    """Gives out half a file, and the rest when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.closed = threading.Event()

    def __call__(self, peer: Peer, request: Seen) -> None:
        half(peer, request)
        self.begun.set()
        self.go.wait(10)
        peer.send(b"world")


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


def fetching(client: Client, held: Held, directory: Path) -> Job:
    job = client.submit([], api_name="/back")
    assert held.begun.wait(5)
    eventually(lambda: any(part.stat().st_size for part in directory.glob(".*.part")))
    return job


def test_a_job_is_not_done_while_it_fetches(downloads: Path, held: Held) -> None:
    with (
        file_server(data_of(), held) as server,
        downloading(server, downloads) as client,
    ):
        job = fetching(client, held, downloads)
        with pytest.raises(TimeoutError):
            job.result(0.05)
        assert not job.done()
        assert job.status().success is None
        held.go.set()
        assert job.result(5) == place_of(downloads, b"helloworld", "x.txt")


def test_cancelling_while_it_fetches(downloads: Path, held: Held) -> None:
    with (
        file_server(data_of(), held) as server,
        downloading(server, downloads) as client,
    ):
        job = fetching(client, held, downloads)
        assert job.cancel()
        assert job.cancel_report is not None
        assert not job.cancel_report.server_told
        assert job.cancelled()
        eventually(lambda: left_in(downloads) == [])
        assert not server.seen("cancel")
        held.go.set()


def test_a_total_deadline_while_it_fetches(downloads: Path, held: Held) -> None:
    with (
        file_server(data_of(), held) as server,
        downloading(server, downloads, timeouts=Timeouts(total=1.0)) as client,
    ):
        with pytest.raises(DeadlineExceeded) as caught:
            back(client)
        assert (caught.value.kind, caught.value.phase) == ("total", "accepted")
        assert left_in(downloads) == []
        held.go.set()


def test_closing_while_it_fetches(downloads: Path, held: Held) -> None:
    with file_server(data_of(), held) as server:
        client = downloading(server, downloads)
        job = fetching(client, held, downloads)
        began = time.monotonic()
        client.close()
        assert time.monotonic() - began < 1
        assert isinstance(job.exception(0), ClientClosed)
        assert left_in(downloads) == []
        held.go.set()


FORK = """
import os, sys, time, urllib.request, warnings
from pathlib import Path
from gradio_proto import Client
from gradio_proto.errors import ConnectionLost
warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, of any fork beside a thread
url, directory = sys.argv[1], Path(sys.argv[2])
client = Client(url, download_files=directory)
job = client.submit([], api_name="/back")
while not any(part.stat().st_size for part in directory.glob(".*.part")):
    time.sleep(0.01)
pid = os.fork()
if pid == 0:
    assert isinstance(job.exception(5), ConnectionLost)
    client.close()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
assert len(list(directory.glob(".*.part"))) == 1
urllib.request.urlopen(url + "/go").close()
print(job.result(5))
client.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_leaves_a_download_to_its_parent(downloads: Path, held: Held) -> None:
    def go(peer: Peer, _: Seen) -> None:
        held.go.set()
        peer.json({})

    with file_server(data_of(), held, go=go) as server:
        done = subprocess.run(
            [sys.executable, "-c", FORK, server.url, str(downloads)],
            capture_output=True,
            text=True,
            timeout=14,
            check=False,
        )
    assert done.stderr == ""
    assert done.stdout.strip() == place_of(downloads, b"helloworld", "x.txt")
    assert not list(downloads.glob(".*.part"))


# One client's jobs take turns.


def test_a_large_download_leaves_others_their_turn(downloads: Path) -> None:
    enough = threading.Event()

    def large(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        while not enough.is_set():
            peer.chunk(b"x" * MIB)
        peer.chunk(b"")

    def data(peer: Peer, _: Seen) -> None:
        event_id = f"e{server.jobs}"
        peer.begin_stream()
        peer.complete(event_id, data_of() if event_id == "e1" else "quick")
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    handlers = {"queue/data": data}
    with file_server(None, large, **handlers) as server, downloading(server, downloads) as client:
        job = client.submit([], api_name="/back")
        eventually(lambda: any(part.stat().st_size > MIB for part in downloads.glob(".*.part")))
        assert [back(client) for _ in range(5)] == ["quick"] * 5
        assert not job.done()
        enough.set()
        path = Path(job.result(10))
        assert path.stat().st_size >= MIB
        path.unlink()


def test_a_large_upload_leaves_others_their_turn(tmp_path: Path) -> None:
    begun = threading.Event()

    def take(peer: Peer, _: Seen) -> None:
        total = 0
        while data := peer.sock.recv(MIB):
            total += len(data)
            if total > 4 * MIB:
                begun.set()

    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(64 * 1024 * MIB)  # more than any machine sends while this test runs
    with (
        FaultyServer({"upload": take}, app=file_app(), early=["upload"]) as server,
        upload_client(server) as client,
    ):
        job = client.submit(handle_file(tmp_path / "sparse"), api_name="/size")
        assert begun.wait(5)
        assert [client.predict({"path": "a"}, api_name="/size") for _ in range(5)] == ["ok"] * 5
        assert not job.done()
        assert job.cancel()
        with pytest.raises(JobCancelled):
            job.result(5)


# The same without sockets and without a disk.


def test_files_in_memory(app: TestApp) -> None:
    runner = MemoryRunner(ServerProtocol(app))
    runner.files["/home/x.bin"] = DATA
    seen: list[Transfer] = []
    with Client("http://app", transport=MemoryTransport.to(runner), on_transfer=seen.append) as client:
        files = [
            handle_file("/home/x.bin"),
            handle_file(io.BytesIO(b"s"), "s.txt"),
            handle_file(b"b", "b.txt"),
        ]
        paths = client.predict(files, api_name="/back")
        assert [runner.files[path] for path in paths] == [DATA, b"s", b"b"]
        assert paths[1] == f"/downloads/{sha256(b's').hexdigest()}/s.txt"
        assert [Path(path).name for path in client.submit(2, api_name="/frames")] == ["0.txt", "1.txt"]
        with pytest.raises(ArgumentError, match=r"it is not in MemoryRunner\.files"):
            client.predict(handle_file("/home/gone"), api_name="/size")
        for error in (ZeroDivisionError("no"), OSError("no")):
            with pytest.raises(FileError, match="cannot be read: no"):
                client.predict(handle_file(Failing(error), "x"), api_name="/size")  # type: ignore[arg-type]
        with pytest.raises(FileError, match="no binary stream"):
            client.predict(handle_file(io.StringIO("x"), "x"), api_name="/size")  # type: ignore[arg-type]
    assert {(transfer.direction, transfer.name) for transfer in seen if transfer.is_done} >= {
        ("upload", "x.bin"),
        ("download", "x.bin"),
    }
    assert all(file.closed for file in runner.open_files)
