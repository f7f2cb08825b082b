"""Uploads: what goes over the wire before a join, and everything that may go wrong on the way."""

from __future__ import annotations

import email
import email.message
import email.policy
import io
import json
from typing import Any

import pytest
from scripted import (
    CLOSE,
    STREAM,
    Asked,
    Begun,
    GradioScript,
    World,
    completed,
    file_app,
    http,
    real_world,
    scripted_world,
)

from gradio_proto.effects import OpenFile, ReadFile, Send
from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    GradioError,
    HTTPStatusError,
    RemoteProtocolError,
)
from gradio_proto.files import META, FileInput, FileOutput
from gradio_proto.flows.calls import call, cancel
from gradio_proto.flows.upload import FILES_PER_REQUEST, PIECE
from gradio_proto.job import JobState
from gradio_proto.limits import Limits
from gradio_proto.multipart import MultipartEncoder
from gradio_proto.testing import TestApp
from gradio_proto.testing.memory import MemoryTask
from gradio_proto.timeouts import Timeouts
from gradio_proto.transfers import Transfer

VERSIONS = ["4.13.0", "4.44.1", "5.49.1", "6.31.0"]


def of_bytes(data: bytes, name: str = "x.bin") -> FileInput:
    return FileInput(data, "bytes", name)


def of_path(world: World, data: bytes, name: str = "x.bin") -> FileInput:
    path = f"/home/{name}"
    world.runner.files[path] = data
    return FileInput(path, "path", name)


class Unseekable(io.BytesIO):
    """A stream of unknown length."""

    def seekable(self) -> bool:
        return False


def of_stream(data: bytes, name: str = "x.bin", cls: type[io.BytesIO] = Unseekable) -> FileInput:
    return FileInput(cls(data), "stream", name)


class UploadScript(GradioScript):
    """A server that takes any upload as ``/up/<n>``, and answers the call with what its join said."""

    def __init__(self, app: TestApp | None = None, **options: Any) -> None:
        super().__init__(app or file_app(), streams=[[STREAM, completed("e1", "done")]], **options)
        self.uploaded = 0
        self.others = {"/upload": self.take, **self.others}

    def take(self, asked: Asked) -> list[Any]:
        paths = [f"/up/{self.uploaded + number}" for number in range(len(parts_of(asked)))]
        self.uploaded += len(paths)
        return [http(200, json.dumps(paths).encode())]


def parts_of(asked: Asked) -> list[tuple[str | None, bytes]]:
    """The files in an upload, as the standard library's parser of mail understands them."""
    head = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/form-data"
    assert not message.defects
    found: list[tuple[str | None, bytes]] = []
    for part in message.get_payload():
        assert isinstance(part, email.message.Message)
        assert part.get_param("name", header="content-disposition") == "files"
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        found.append((part.get_filename(), data))
    return found


def uploads(world: World) -> list[Asked]:
    return [asked for asked in world.server.asked if asked.path.endswith("/upload")]


def joined(world: World) -> list[Any]:
    return [
        json.loads(asked.body)["data"] for asked in world.server.asked if asked.path.endswith("/queue/join")
    ]


def uploading(*answer: Any, early: bool = False, **options: Any) -> World:
    """A world in which an upload is answered so."""
    answers = {} if early or not answer else {"/upload": answer}
    script = UploadScript(others=answers, config=options.pop("config", {}))
    script.others = {**script.others, **answers}
    return scripted_world(script, early={"/upload": answer} if early else {}, **options)


def failure(world: World, begun: Begun) -> GradioError:
    world.finish(begun)
    with pytest.raises(GradioError) as caught:
        begun.job.result()
    assert not joined(world)
    return caught.value


def hung_up(world: World) -> int:
    """How many connections were closed by this side."""
    world.runner.settle()
    return len(world.server.lost)


def watched(world: World) -> list[tuple[FileInput | FileOutput, Transfer]]:
    seen: list[tuple[FileInput | FileOutput, Transfer]] = []
    world.state.on_transfer = lambda file, transfer: seen.append((file, transfer))
    return seen


def progress(seen: list[tuple[FileInput | FileOutput, Transfer]]) -> list[tuple[str, int, int | None, bool]]:
    assert all(transfer.direction == "upload" for _, transfer in seen)
    return [(transfer.name, transfer.transferred, transfer.size, transfer.is_done) for _, transfer in seen]


# Files that arrive.


@pytest.mark.parametrize("kind", ["bytes", "path", "stream", "unseekable"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_app_gets_a_file(version: str, kind: str) -> None:
    world = real_world(file_app(version))
    data = bytes(range(256)) * 5000
    file = {
        "bytes": lambda: of_bytes(data),
        "path": lambda: of_path(world, data),
        "stream": lambda: of_stream(data, cls=io.BytesIO),
        "unseekable": lambda: of_stream(data),
    }[kind]()
    assert world.result(world.begin("/size", file)) == ["x.bin", len(data)]
    world.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_app_gets_several_files_and_gives_them_back(version: str) -> None:
    world = real_world(file_app(version))
    files = [of_bytes(b"a", "a.txt"), of_stream(b"b" * 300_000, "b é.txt"), of_bytes(b"", "c.txt")]
    begun = world.begin("/back", files, fetch=True)
    paths = world.result(begun)
    assert [world.runner.files[path] for path in paths] == [b"a", b"b" * 300_000, b""]
    world.close()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("known", [True, False])
def test_the_bytes_of_an_upload(known: bool, size: int) -> None:
    world = uploading()
    data = (b"\r\n--session2--\r\n\0\xff" * (size // 16 + 1))[:size]
    file = of_bytes(data) if known else of_stream(data)
    assert world.result(world.begin("/size", file, headers=(("x-call", "1"),))) == "done"
    (asked,) = uploads(world)
    assert (asked.method, asked.target) == ("POST", "/gradio_api/upload")
    assert asked.headers["x-call"] == "1"
    assert (asked.headers.get("transfer-encoding") == "chunked") is not known
    assert (asked.headers.get("content-length") == str(len(asked.body))) is known
    multipart = MultipartEncoder(asked.headers["content-type"].partition("boundary=")[2])
    assert asked.body == multipart.part_head("x.bin") + data + multipart.closing()
    assert joined(world) == [[{"path": "/up/0", "orig_name": "x.bin", "meta": dict(META)}]]
    world.close()


def test_another_parser_understands_it() -> None:
    world = uploading()
    files = [of_bytes(b"a\r\nb", "a.txt"), of_bytes(b"\0\xff" * 70_000, 'b "c".bin'), of_bytes(b"", "é")]
    world.result(world.begin("/back", files))
    (asked,) = uploads(world)
    (first, second, third) = parts_of(asked)
    assert (first, second) == (("a.txt", b"a\r\nb"), ("b _c_.bin", b"\0\xff" * 70_000))
    assert third[1] == b""
    world.close()


def test_pieces_are_of_one_size_and_nothing_is_put_together() -> None:
    world = uploading()
    world.result(world.begin("/size", of_bytes(b"x" * (2 * PIECE))))
    sizes = [len(effect.data) for effect in world.runner.effects if isinstance(effect, Send)]
    assert sum(size >= PIECE for size in sizes) == 2
    assert max(sizes) < PIECE + 300
    world.close()


def test_the_clients_headers_and_cookies_go_along() -> None:
    world = uploading(headers=(("x-client", "1"), ("x-both", "client")))
    world.state.cookies.set("session", "secret")
    world.result(world.begin("/size", of_bytes(b""), headers=(("x-both", "call"),)))
    (asked,) = uploads(world)
    assert (asked.headers["x-client"], asked.headers["x-both"]) == ("1", "call")
    assert asked.headers["cookie"] == "session=secret"
    world.close()


def test_every_upload_has_a_boundary_of_its_own() -> None:
    world = uploading()
    world.server.handler.streams.append([STREAM, completed("e2", "done")])
    for _ in range(2):
        world.result(world.begin("/size", of_bytes(b"")))
    first, second = uploads(world)
    assert first.headers["content-type"] != second.headers["content-type"]
    world.close()


def test_many_files_go_in_several_requests() -> None:
    world = uploading()
    files = [of_bytes(b"%d" % number, f"{number}") for number in range(2 * FILES_PER_REQUEST + 1)]
    world.result(world.begin("/back", files))
    sent = [parts_of(asked) for asked in uploads(world)]
    assert [len(parts) for parts in sent] == [FILES_PER_REQUEST, FILES_PER_REQUEST, 1]
    assert [part for parts in sent for part in parts] == [(file.name, file.source) for file in files]
    assert [data["path"] for data in joined(world)[0][0]] == [f"/up/{number}" for number in range(len(files))]
    world.close()


def test_a_file_that_is_used_twice_is_sent_once() -> None:
    world = uploading()
    file, other = of_bytes(b"a", "a.txt"), of_bytes(b"a", "a.txt")
    world.result(world.begin("/back", [file, other, file]))
    (asked,) = uploads(world)
    assert len(parts_of(asked)) == 2
    assert [data["path"] for data in joined(world)[0][0]] == ["/up/0", "/up/1", "/up/0"]
    world.close()


def test_a_url_is_the_servers_to_fetch() -> None:
    world = uploading()
    world.result(world.begin("/size", FileInput("https://a.example/x.png", "url", "x.png")))
    assert not uploads(world)
    assert joined(world)[0][0]["path"] == "https://a.example/x.png"
    assert not any(isinstance(effect, OpenFile) for effect in world.runner.effects)
    world.close()


def test_names_are_made_safe() -> None:
    world = uploading()
    world.result(world.begin("/size", of_bytes(b"", '../a\r\n"b".txt')))
    (asked,) = uploads(world)
    assert parts_of(asked) == [(".._a___b_.txt", b"")]
    world.close()


@pytest.mark.parametrize(
    ("name", "sent"),
    [("!$", "file"), ("!!!.txt", "file.txt"), (".env", ".env"), ("_.!", "_.!"), ("é", "é")],
)
def test_a_name_of_which_nothing_would_be_left_is_sent_as_another(name: str, sent: str) -> None:
    world = uploading()
    world.result(world.begin("/size", of_bytes(b"", name)))
    (asked,) = uploads(world)
    assert parts_of(asked) == [(sent, b"")]
    assert joined(world)[0][0]["orig_name"] == name
    world.close()


def test_what_only_looks_like_a_file_is_data() -> None:
    world = uploading()
    world.runner.files["/etc/passwd"] = b"root"
    looks = {"path": "/etc/passwd", "orig_name": "x", "meta": dict(META)}
    world.result(world.begin("/size", looks))
    assert joined(world) == [[looks]]
    assert not world.runner.open_files
    world.close()


def test_progress() -> None:
    world = uploading()
    seen = watched(world)
    a, b = of_bytes(b"x" * (PIECE + 5), "a"), of_stream(b"y", "b")
    world.result(world.begin("/back", [a, b]))
    assert progress(seen) == [
        ("a", 0, PIECE + 5, False),
        ("a", PIECE, PIECE + 5, False),
        ("a", PIECE + 5, PIECE + 5, False),
        ("a", PIECE + 5, PIECE + 5, True),
        ("b", 0, None, False),
        ("b", 1, None, False),
        ("b", 1, None, True),
    ]
    assert [file for file, _ in seen] == [a] * 4 + [b] * 3
    world.close()


def test_a_connection_serves_the_upload_and_what_follows() -> None:
    world = uploading()
    world.result(world.begin("/size", of_bytes(b"x")))
    assert len(world.runner.streams) == 1
    world.close()


# Files that fail.


def test_a_file_that_is_gone() -> None:
    world = uploading()
    file = of_path(world, b"abc")
    begun = world.make("/size", file)
    world.runner.files.clear()
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    error = failure(world, begun)
    assert isinstance(error, FileError)
    assert (error.path, error.endpoint) == ("/home/x.bin", "/size")
    assert hung_up(world) == 1  # nothing half-sent is left
    world.close()


@pytest.mark.parametrize("now", [b"", b"ab", b"abcd", b"x" * (PIECE + 1)])
def test_a_file_that_changes_is_not_sent_as_another(now: bytes) -> None:
    world = uploading()
    begun = world.make("/size", of_path(world, b"abc"))
    world.runner.files["/home/x.bin"] = now
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    error = failure(world, begun)
    assert isinstance(error, FileError)
    assert "x.bin changed while it was sent: it had 3 bytes" in str(error)
    assert error.path == "/home/x.bin"
    assert not uploads(world)
    world.close()


def test_a_stream_that_was_read_already() -> None:
    world = uploading()
    stream = io.BytesIO(b"abc")
    file = FileInput(stream, "stream", "x")
    stream.read()
    error = failure(world, world.begin("/size", file))
    assert isinstance(error, FileError)
    assert error.path is None
    world.close()


class Raising(Unseekable):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise ZeroDivisionError("the caller's own")
        return super().read(2)


class Text(Unseekable):
    def read(self, size: int | None = -1, /) -> Any:
        return "text"


@pytest.mark.parametrize(
    ("cls", "match"),
    [
        (Raising, "x.bin cannot be read: the caller's own"),
        (Text, "x.bin is no binary stream: reading it gives str"),
    ],
)
def test_a_stream_that_cannot_be_read(cls: type[io.BytesIO], match: str) -> None:
    world = uploading()
    error = failure(world, world.begin("/size", of_stream(b"abcdef", cls=cls)))
    assert isinstance(error, FileError)
    assert match in str(error)
    assert not uploads(world)
    assert hung_up(world) == 1
    world.close()


def test_a_stream_that_turns_out_too_long() -> None:
    world = uploading(config={"max_file_size": 2 * PIECE - 1})
    error = failure(world, world.begin("/size", of_stream(b"x" * (3 * PIECE))))
    assert isinstance(error, ArgumentError)
    assert f"this app takes files of {2 * PIECE - 1} bytes at most" in str(error)
    sent = sum(len(effect.data) for effect in world.runner.effects if isinstance(effect, Send))
    assert sent < 2 * PIECE
    world.close()


# Servers that refuse.


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("answer", "cls", "match"),
    [
        (http(413, b"Too large", content_type="text/plain"), HTTPStatusError, "/upload answered 413"),
        (http(401, b'{"detail":"Not authenticated"}'), AuthenticationError, "login"),
        (http(503), HTTPStatusError, "503"),
        (http(500, b"Internal Server Error", content_type="text/plain"), HTTPStatusError, "500"),
        (http(502, b"<html>Bad gateway</html>", content_type="text/html"), HTTPStatusError, "502"),
        (http(200, b"<html>", content_type="text/html"), HTTPStatusError, "JSON was expected"),
        (http(307, b"", "location: /login"), HTTPStatusError, "307"),
    ],
)
def test_a_server_that_refuses_and_closes(
    answer: bytes, cls: type[GradioError], match: str, early: bool
) -> None:
    world = uploading(answer, CLOSE, early=early)
    error = failure(world, world.begin("/size", of_bytes(b"x" * (4 * PIECE))))
    assert type(error) is cls
    assert match in str(error)
    assert len(uploads(world)) == 1
    assert len(world.pool._idle) == (not early)
    world.close()


def test_a_refusal_that_comes_in_pieces() -> None:
    answer = http(413, b"x" * 100)
    world = uploading(answer[:20], answer[20:-50], answer[-50:], CLOSE, early=True)
    error = failure(world, world.begin("/size", of_bytes(b"x" * (4 * PIECE))))
    assert isinstance(error, HTTPStatusError)
    assert error.status == 413
    world.close()


def test_a_server_that_refuses_and_listens_on() -> None:
    world = uploading(http(413), early=True)
    error = failure(world, world.begin("/size", of_bytes(b"x" * (2 * PIECE))))
    assert isinstance(error, HTTPStatusError)
    assert error.status == 413
    world.close()


@pytest.mark.parametrize("early", [False, True])
def test_a_server_that_closes_without_a_word(early: bool) -> None:
    world = uploading(CLOSE, early=early)
    error = failure(world, world.begin("/size", of_bytes(b"x" * (4 * PIECE))))
    assert type(error) is ConnectionLost
    assert len(uploads(world)) == 1  # a POST is never repeated by itself
    world.close()


@pytest.mark.parametrize(
    "body", [b"{}", b'"/up/0"', b"[]", b'["/a","/b"]', b"[1]", b"[null]", b"[[]]", b"oops", b""]
)
def test_replies_of_a_wrong_shape(body: bytes) -> None:
    world = uploading(http(200, body))
    error = failure(world, world.begin("/size", of_bytes(b"x")))
    assert type(error) is RemoteProtocolError
    world.close()


def test_a_reply_without_end() -> None:
    world = uploading(http(200, b" " * 5000), limits=Limits(json_body_bytes=100_000))
    world.state.limits = Limits(json_body_bytes=4000)
    error = failure(world, world.begin("/size", of_bytes(b"x")))
    assert "json_body_bytes" in str(error)
    world.close()


def test_a_second_request_that_fails_ends_the_call() -> None:
    world = uploading()
    script = world.server.handler
    script.others["/upload"] = lambda asked: [http(503)] if script.uploaded else script.take(asked)
    files = [of_bytes(b"", f"{number}") for number in range(FILES_PER_REQUEST + 1)]
    assert isinstance(failure(world, world.begin("/back", files)), HTTPStatusError)
    assert len(uploads(world)) == 2
    world.close()


# Deadlines and cancellation.


def test_a_server_that_does_not_answer() -> None:
    world = uploading(600.0, timeouts=Timeouts(read=7.0))
    error = failure(world, world.begin("/size", of_bytes(b"x")))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("read", 7.0)
    world.close()


def test_the_deadline_of_the_job_passes() -> None:
    world = uploading(600.0)
    error = failure(world, world.begin("/size", of_bytes(b"x"), deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now) == ("total", "not_sent", 5.0)
    assert not world.pool._idle
    world.close()


def test_a_deadline_that_comes_sooner_than_the_jobs_is_told_as_what_it_is() -> None:
    world = uploading(600.0, timeouts=Timeouts(read=7.0))
    error = failure(world, world.begin("/size", of_bytes(b"x"), deadline=50.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("read", 7.0)
    world.close()


def blocks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading a file wait for ever: for its deadline, or to be woken."""
    runner = world.runner
    perform = runner._perform

    def waits(task: MemoryTask[Any], effect: Any) -> None:
        if isinstance(effect, ReadFile):
            if effect.wake is not None and effect.wake.is_set:
                runner.resume(task, lambda: None)
                return
            task.stream = runner.streams[-1]  # what waits for one times out
            runner._park(task, effect.deadline, effect.wake)
        else:
            perform(task, effect)

    monkeypatch.setattr(runner, "_perform", waits)


def test_a_stream_that_blocks_has_the_jobs_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    world = uploading()
    blocks(world, monkeypatch)
    begun = world.begin("/size", of_stream(b"x"), deadline=5.0)
    error = failure(world, begun)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("total", 5.0)
    assert hung_up(world) == 1
    world.close()


def test_a_job_that_is_cancelled_while_a_stream_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = uploading(slots=1)
    blocks(world, monkeypatch)
    begun = world.begin("/size", of_stream(b"x"))
    world.runner.settle()
    assert begun.job.state is JobState.NEW
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    world.finish(begun)
    assert hung_up(world) == 1
    assert all(file.closed for file in world.runner.open_files)
    assert world.result(world.begin("/size", {"path": "a"})) == "done"  # its slot is free
    world.close()


def test_a_job_that_was_cancelled_is_not_sent_on() -> None:
    world = uploading()
    begun = world.begin("/back", [of_bytes(b"x" * PIECE, f"{number}") for number in range(5)])
    world.runner.run_until(lambda: len(world.runner.open_files) == 3)
    begun.job.cancel()
    world.finish(begun)
    assert len(world.runner.open_files) == 3
    assert not uploads(world)
    assert not joined(world)
    world.close()


def test_a_job_that_was_cancelled_between_two_requests_sends_no_more() -> None:
    world = uploading()
    script = world.server.handler
    files = [of_bytes(b"", f"{number}") for number in range(FILES_PER_REQUEST + 1)]
    begun = world.make("/back", files)
    script.others["/upload"] = lambda asked: [begun.job.cancel, *script.take(asked)]
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    world.finish(begun)
    assert len(uploads(world)) == 1
    assert not joined(world)
    world.close()


def test_other_jobs_go_on_while_a_stream_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = uploading()
    blocks(world, monkeypatch)
    stuck = world.begin("/size", of_stream(b"x"))
    assert world.result(world.begin("/size", {"path": "a"})) == "done"
    stuck.job.cancel()
    world.finish(stuck)
    world.close()


# Retries, where the caller has allowed them.


def answering(*answers: Any, **options: Any) -> World:
    """A world in which successive uploads are answered so, and the last ones are taken."""
    world = uploading(**options)
    script, left = world.server.handler, list(answers)
    script.others["/upload"] = lambda asked: left.pop(0) if left else script.take(asked)
    return world


@pytest.mark.parametrize("first", [[http(503)], [http(429)], [CLOSE], [100.0]])
@pytest.mark.parametrize("kind", ["bytes", "path"])
def test_an_upload_is_sent_again_as_often_as_the_caller_says(kind: str, first: list[Any]) -> None:
    world = answering(first, first, max_retries=2)
    file = of_bytes(b"abc") if kind == "bytes" else of_path(world, b"abc")
    assert world.result(world.begin("/size", file)) == "done"
    assert [parts_of(asked) for asked in uploads(world)] == [[("x.bin", b"abc")]] * 3
    world.close()


def test_an_upload_is_not_sent_again_for_ever() -> None:
    world = uploading(http(503), max_retries=2)
    assert isinstance(failure(world, world.begin("/size", of_bytes(b"x"))), HTTPStatusError)
    assert [asked.time for asked in uploads(world)] == [0, 0.5, 1.5]
    world.close()


def test_a_stream_was_read_and_cannot_be_sent_again() -> None:
    world = answering([http(503)], max_retries=2)
    error = failure(world, world.begin("/back", [of_bytes(b"x"), of_stream(b"x", cls=io.BytesIO)]))
    assert isinstance(error, HTTPStatusError)
    assert len(uploads(world)) == 1
    world.close()


def test_a_refusal_that_will_not_change_is_not_tried_again() -> None:
    world = answering([http(413)], max_retries=2)
    assert isinstance(failure(world, world.begin("/size", of_bytes(b"x"))), HTTPStatusError)
    assert len(uploads(world)) == 1
    world.close()


def test_the_deadline_of_the_job_passes_before_a_retry() -> None:
    world = uploading(http(429, b"{}", "retry-after: 50"), max_retries=5)
    error = failure(world, world.begin("/size", of_bytes(b"x"), deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now, len(uploads(world))) == ("total", "not_sent", 5.0, 1)
    world.close()


def test_a_job_that_is_cancelled_before_a_retry() -> None:
    world = uploading(http(503), max_retries=5)
    begun = world.begin("/size", of_bytes(b"x"))
    world.runner.run_until(lambda: bool(uploads(world)))
    world.runner.settle()
    begun.job.cancel()
    world.finish(begun)
    assert (world.runner.now, len(uploads(world))) == (0, 1)
    world.close()
