"""Files on Gradio 3.x on their way: images within the call, URLs that the client reads, outputs that are decoded."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

import pytest
from scripted import CLOSE, Asked, ScriptedServer, World, a_job, chunk, http, make_state

from gradio_proto.config import parse_config
from gradio_proto.effects import OpenFile, Signal
from gradio_proto.endpoints import App
from gradio_proto.errors import (
    ArgumentError,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    GradioError,
    LimitExceeded,
    RemoteProtocolError,
)
from gradio_proto.files import FileInput, FileOutput, Uploads, file_outputs_in
from gradio_proto.flows.connect import connect
from gradio_proto.flows.download import download_files
from gradio_proto.flows.foreign import place_of
from gradio_proto.flows.upload import PIECE, upload_files
from gradio_proto.job import Job
from gradio_proto.limits import Limits
from gradio_proto.payload import arguments_as_json
from gradio_proto.testing.memory import MemoryTask
from gradio_proto.timeouts import Timeouts
from gradio_proto.transfers import Transfer
from gradio_proto.urls import Origin

CONFIG: dict[str, Any] = {
    "version": "3.50.2\n",
    "components": [{"id": 0, "type": "file"}, {"id": 1, "type": "image"}],
    "dependencies": [{"api_name": "f", "inputs": [0, 1], "outputs": [0, 1]}],
    "enable_queue": True,
}

OCTETS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

Answers = Callable[[Asked], Iterable[Any]]


class Script:
    """An app that takes uploads as ``/up/0``, ``/up/1``..., and another host that answers what ``elsewhere`` says."""

    def __init__(self, elsewhere: Answers) -> None:
        self.elsewhere = elsewhere

    def __call__(self, asked: Asked) -> Iterable[Any]:
        if asked.headers["host"] != "app":
            return self.elsewhere(asked)
        assert asked.path == "/upload"
        count = asked.body.count(b"filename=")
        return [http(200, json.dumps([f"/up/{number}" for number in range(count)]).encode())]


def legacy(elsewhere: Answers | None = None, **options: Any) -> World:
    world = World(ScriptedServer(Script(elsewhere or (lambda asked: [http(404)]))), make_state(**options))
    world.state.load(App(parse_config(CONFIG)))
    return world


class Sending:
    """The files of one call on their way."""

    def __init__(self, world: World, file: Any, image: Any, **options: Any) -> None:
        data = world.state.app.resolve("/f").bind([file, image], {})
        self.uploads = Uploads(
            lambda *, encode: arguments_as_json({"data": data}, encode), world.state.entropy.token
        )
        for found in self.uploads.files:
            known = world.runner.files.get(str(found.source)) if found.kind == "path" else None
            self.uploads.sizes[found] = found.size if known is None else len(known)
        self.world = world
        self.job: Job = a_job(uploads=self.uploads, **options).job
        stop = Signal()
        self.job.on_settled.append(stop.set)
        self.task: MemoryTask[None] = world.spawn(upload_files(world.state, self.job, self.uploads, stop))

    def finish(self) -> None:
        runner = self.world.runner
        assert runner.run_until(lambda: self.task.done, runner.now + 300), "it hangs"
        assert all(file.closed for file in runner.open_files)

    def data(self) -> Any:
        """What the call is sent with."""
        self.finish()
        assert self.task.error is None, self.task.error
        self.world.close()
        return json.loads(self.uploads.payload())["data"]

    def failure(self) -> GradioError:
        self.finish()
        assert isinstance(self.task.error, GradioError), self.task.error
        self.world.close()
        return self.task.error


def of_url(url: str = "http://files.example/a/x.png?v=1", name: str = "x.png") -> FileInput:
    return FileInput(url, "url", name)


def octets(*pieces: bytes) -> list[bytes]:
    return [OCTETS, *map(chunk, pieces), chunk(b"")]


def as_file(path: str, name: str) -> dict[str, Any]:
    return {"name": path, "data": None, "is_file": True, "orig_name": name}


# Images, within the call.


@pytest.mark.parametrize("kind", ["bytes", "path", "stream"])
def test_an_image_is_read_and_not_uploaded(kind: str) -> None:
    world = legacy()
    content = b"\0\xff" * PIECE
    world.runner.files["/home/x.jpg"] = content
    image = {
        "bytes": FileInput(content, "bytes", "x.jpg"),
        "path": FileInput("/home/x.jpg", "path", "x.jpg"),
        "stream": FileInput(io.BytesIO(content), "stream", "x.jpg"),
    }[kind]
    data = Sending(world, None, image).data()
    assert data == [None, f"data:image/jpeg;base64,{b64encode(content).decode()}"]
    assert not world.server.asked


def test_a_file_that_is_both_is_uploaded_and_read() -> None:
    world = legacy()
    seen: list[Transfer] = []
    world.state.on_transfer = lambda file, transfer: seen.append(transfer)
    file = FileInput(b"abc", "bytes", "x.png")
    assert Sending(world, file, file).data() == [as_file("/up/0", "x.png"), "data:image/png;base64,YWJj"]
    (asked,) = world.server.asked
    assert b"\r\n\r\nabc\r\n" in asked.body
    steps = [(each.direction, each.transferred, each.size, each.is_done) for each in seen]
    assert steps == [("upload", 0, 3, False), ("upload", 3, 3, False), ("upload", 3, 3, True)] * 2


def test_an_image_that_is_too_large() -> None:
    limits = Limits(inline_file_bytes=3)
    assert Sending(legacy(limits=limits), None, FileInput(b"abc", "bytes", "x")).data()[1].endswith("YWJj")
    error = Sending(legacy(limits=limits), None, FileInput(b"abcd", "bytes", "x")).failure()
    assert isinstance(error, LimitExceeded)
    assert error.name == "inline_file_bytes"


def test_an_image_that_is_gone() -> None:
    assert isinstance(Sending(legacy(), None, FileInput("/home/x.png", "path", "x.png")).failure(), FileError)


def test_a_job_that_ends_before_its_image_is_read() -> None:
    world = legacy()
    sending = Sending(world, None, FileInput(b"abc", "bytes", "x"))
    sending.job.cancel()
    sending.finish()
    assert not any(isinstance(effect, OpenFile) for effect in world.runner.effects)
    world.close()


# Files that lie elsewhere.


def test_a_url_is_read_and_uploaded_piece_by_piece() -> None:
    world = legacy(lambda asked: octets(b"abc", b"def"), headers=(("x-secret", "1"),))
    world.state.cookies.set("session", "secret")
    assert Sending(world, of_url(), None).data() == [as_file("/up/0", "x.png"), None]
    read, uploaded = sorted(world.server.asked, key=lambda asked: asked.method)
    assert (read.method, read.target, read.headers) == (
        "GET",
        "/a/x.png?v=1",
        {"host": "files.example", "user-agent": "gradio_proto", "accept-encoding": "identity"},
    )
    assert (uploaded.headers["x-secret"], uploaded.headers["cookie"]) == ("1", "session=secret")
    assert b"\r\n\r\nabcdef\r\n" in uploaded.body
    assert b'filename="x.png"' in uploaded.body


def test_the_url_of_an_image() -> None:
    world = legacy(lambda asked: [http(200, b"abc")])
    assert Sending(world, None, of_url()).data() == [None, "data:image/png;base64,YWJj"]
    assert len(world.server.asked) == 1


def test_a_url_at_the_app_itself_gets_nothing_of_the_clients_either() -> None:
    """Whose URL it is does not matter: it is asked for as anybody's."""
    world = World(ScriptedServer(lambda asked: [http(200, b"abc")]), make_state(headers=(("x-secret", "1"),)))
    world.state.load(App(parse_config(CONFIG)))
    world.state.cookies.set("session", "secret")
    assert Sending(world, None, of_url("http://app/file=/tmp/x.png")).data()[1].endswith("YWJj")
    assert not {"x-secret", "cookie"} & world.server.asked[0].headers.keys()


def moved(to: str, status: int = 302) -> Answers:
    """Another host that redirects the first request."""
    answers = iter([[http(status, b"", f"location: {to}", "set-cookie: a=b")], [http(200, b"abc")]])
    return lambda asked: next(answers)


@pytest.mark.parametrize(
    "to", ["/b/y.png", "y.png", "http://files.example:80/b/y.png", "//files.example/b/y.png"]
)
def test_a_redirect_within_the_origin_is_followed(to: str) -> None:
    world = legacy(moved(to))
    assert Sending(world, None, of_url()).data()[1] == "data:image/png;base64,YWJj"
    assert [asked.path for asked in world.server.asked] == [
        "/a/x.png",
        "/a/y.png" if to == "y.png" else "/b/y.png",
    ]
    assert not world.state.cookies


@pytest.mark.parametrize("to", ["http://10.0.0.1/x", "https://files.example/x", "http://files.example:81/x"])
def test_a_redirect_to_another_origin_is_the_callers_to_follow(to: str) -> None:
    world = legacy(moved(to))
    error = Sending(world, of_url(), None).failure()
    assert isinstance(error, FileError)
    assert f"redirects to another origin, {to.removesuffix('/x')}" in str(error)
    assert len([asked for asked in world.server.asked if asked.method == "GET"]) == 1


@pytest.mark.parametrize("to", ["ftp://files.example/", "http://user@files.example/x"])
def test_a_redirect_that_leads_nowhere(to: str) -> None:
    assert isinstance(Sending(legacy(moved(to)), of_url(), None).failure(), RemoteProtocolError)


@pytest.mark.parametrize("headers", [(), ("location: /a/x.png?v=1",)])
def test_a_redirect_for_ever(headers: tuple[str, ...]) -> None:
    world = legacy(lambda asked: [http(307, b"", *headers)])
    error = Sending(world, None, of_url()).failure()
    assert isinstance(error, LimitExceeded)
    assert error.name == "redirects"
    assert len(world.server.asked) == Limits().redirects + 1


@pytest.mark.parametrize("status", [204, 304, 401, 404, 500])
def test_a_url_at_which_there_is_nothing(status: int) -> None:
    error = Sending(legacy(lambda asked: [http(status, b"")]), None, of_url()).failure()
    assert isinstance(error, FileError)
    assert f"http://files.example answered {status} to the request for x.png" in str(error)


def test_a_body_that_is_compressed() -> None:
    world = legacy(lambda asked: [http(200, b"x", "content-encoding: br")])
    assert "compressed" in str(Sending(world, None, of_url()).failure())


@pytest.mark.parametrize("inline", [True, False])
def test_a_file_elsewhere_that_is_too_large(inline: bool) -> None:
    limits = Limits(**{"inline_file_bytes" if inline else "download_bytes": 3})
    answer = octets(b"ab", b"cd")
    args = (None, of_url()) if inline else (of_url(), None)
    error = Sending(legacy(lambda asked: answer, limits=limits), *args).failure()
    assert isinstance(error, LimitExceeded)
    assert error.name == ("inline_file_bytes" if inline else "download_bytes")


def test_a_file_elsewhere_that_is_just_small_enough() -> None:
    world = legacy(lambda asked: octets(b"abc"), limits=Limits(download_bytes=3))
    assert Sending(world, of_url(), None).data() == [as_file("/up/0", "x.png"), None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [([400.0], "http://files.example did not answer in time"), ([OCTETS, 400.0], "x.png could not be read")],
)
def test_a_host_that_is_silent(answer: list[Any], message: str) -> None:
    world = legacy(lambda asked: answer, timeouts=Timeouts(read=5))
    error = Sending(world, None, of_url()).failure()
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("read", 5.0)
    assert message in str(error)


def test_a_deadline_of_the_jobs() -> None:
    world = legacy(lambda asked: [OCTETS, 400.0])
    assert isinstance(Sending(world, None, of_url(), deadline=3.0).failure(), DeadlineExceeded)
    assert world.runner.now == 3.0


def test_a_host_that_hangs_up() -> None:
    world = legacy(lambda asked: [http(200, b"abc")[:-1], CLOSE])
    assert isinstance(Sending(world, None, of_url()).failure(), ConnectionLost)


@pytest.mark.parametrize("args", [(None, of_url()), (of_url(), None)])
def test_a_job_that_ends_while_its_file_is_read(args: tuple[Any, Any]) -> None:
    world = legacy(lambda asked: [OCTETS, chunk(b"abc"), 400.0])
    sending = Sending(world, *args)
    world.runner.run_until(lambda: False, 2.0)
    assert not sending.task.done
    sending.job.cancel()
    sending.finish()
    assert (sending.task.error, world.runner.now) == (None, 2.0)
    assert not world.pool._busy
    world.close()


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://files.example/a b?c=d é#top", Origin("https", "files.example", 443), "/a%20b?c=d%20%C3%A9"),
        ("HTTP://Files.Example:81", Origin("http", "files.example", 81), "/"),
    ],
)
def test_where_a_url_leads(url: str, origin: Origin, target: str) -> None:
    assert place_of(of_url(url)) == (origin, target)


@pytest.mark.parametrize(
    "url", ["http://user:secret@files.example/", "http://files.example:port/", "http:///x"]
)
def test_a_url_that_leads_nowhere(url: str) -> None:
    with pytest.raises(ArgumentError, match=r"the URL of x\.png cannot be used") as caught:
        place_of(of_url(url))
    assert "secret" not in str(caught.value)


class Foreign(BaseException):
    """An exception of the caller's world."""


@pytest.mark.parametrize("throws", [False, True])
def test_sending_is_given_up_at_any_moment(throws: bool) -> None:
    answers = lambda asked: [*octets(b"abc", b"def")[:2], 1.0, *octets(b"def")[1:]]  # noqa: E731
    for steps in range(1, 100):
        world = legacy(answers)
        sending = Sending(world, of_url(), of_url("http://files.example/b.png"))
        task = sending.task
        world.runner.run_until(lambda task=task, steps=steps: task.done or task.steps >= steps, 60.0)  # type: ignore[misc]
        if task.done:
            assert steps > 15
            assert sending.data()[1].startswith("data:image/png;base64,")
            return
        world.runner.cancel(task, Foreign() if throws else None)
        world.runner.settle()
        assert sending.task.done
        assert not world.pool._busy
        world.close()
    raise AssertionError("the flow asks for ever more effects")


# What comes back.


def fetching(value: Any, **options: Any) -> tuple[World, Job, Any]:
    """A job whose image is ``value``, downloaded as far as that goes."""
    world = legacy(**options)
    _, found = world.state.app.resolve("/f").unbind_outputs([None, value], fetch=True)
    job = a_job().job
    task = world.spawn(download_files(world.state, job, file_outputs_in(found), stop=Signal()))
    assert world.runner.run_until(lambda: task.done, world.runner.now + 10)
    assert all(file.closed for file in world.runner.open_files)
    world.close()
    return world, job, task.error


def place(content: bytes, name: str = "image.png", directory: str = "/downloads") -> str:
    return f"{directory}/{sha256(content).hexdigest()}/{name}"


def test_an_image_is_decoded_into_a_file() -> None:
    world, job, error = fetching(
        ["data:image/png;base64,YWJj", "data:image/png;base64,", "data:image/png;base64,YWJj"]
    )
    assert error is None
    assert world.runner.files == {place(b"abc"): b"abc", place(b""): b""}
    assert sorted(job.local_paths.values()) == sorted(world.runner.files)
    assert not world.server.asked


def test_the_directory_that_the_caller_named_and_what_is_told_on_the_way() -> None:
    seen: list[tuple[Any, Transfer]] = []
    told = lambda file, transfer: seen.append((file, transfer))  # noqa: E731
    world, _, error = fetching("data:;base64,YWJj", download_directory="/home/me", on_transfer=told)
    assert error is None
    assert world.runner.files == {place(b"abc", "image", "/home/me"): b"abc"}
    assert [(each.direction, each.name, each.transferred, each.size, each.is_done) for _, each in seen] == [
        ("download", "image", 0, 3, False),
        ("download", "image", 3, 3, True),
    ]
    assert {type(file) for file, _ in seen} == {FileOutput}


@pytest.mark.parametrize("content", ["YWJ", "Y*Jj", "YWJj\n", "YWé=", "=YWJj"])
def test_what_is_no_base64(content: str) -> None:
    world, job, error = fetching(f"data:image/png;base64,{content}")
    assert isinstance(error, RemoteProtocolError)
    assert "image.png was sent as base64, and is none" in str(error)
    assert not world.runner.files
    assert not job.local_paths


def test_an_image_that_is_larger_than_what_may_be_downloaded() -> None:
    world, _, error = fetching("data:;base64,YWJj", limits=Limits(download_bytes=2))
    assert isinstance(error, LimitExceeded)
    assert error.name == "download_bytes"
    assert not world.runner.files


# What the app says about itself.


def connecting(info: Iterable[Any]) -> World:
    answers = {"/config": [http(200, json.dumps(CONFIG).encode())], "/info": info}
    return World(ScriptedServer(lambda asked: answers[asked.path]))


def test_the_info_is_of_values_as_they_are_sent() -> None:
    world = connecting([http(200, b'{"named_endpoints": {"/f": {"parameters": []}}}')])
    app = world.run(connect(world.state))
    assert [asked.target for asked in world.server.asked] == ["/config", "/info?serialize=False"]
    assert app.resolve("/f").is_legacy
    assert app.info.named["/f"].parameters == ()
    world.close()


def test_the_oldest_servers_have_no_info() -> None:
    world = connecting([http(404, b'{"detail": "Not Found"}')])
    app = world.run(connect(world.state))
    assert not app.info.named
    assert [parameter.component for parameter in app.resolve("/f").parameters] == ["file", "image"]
    world.close()


def test_an_info_that_cannot_be_had() -> None:
    world = connecting([http(500, b"Internal Server Error", content_type="text/plain")])
    with pytest.raises(GradioError):
        world.run(connect(world.state))
    world.close()
