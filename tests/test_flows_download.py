"""Downloads: the files that a job has returned, fetched before it settles or as its outputs are read."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pytest
from scripted import (
    CLOSE,
    CLOSE_STREAM,
    END,
    STREAM,
    Asked,
    Begun,
    GradioScript,
    World,
    a_job,
    completed,
    file_app,
    http,
    real_world,
    scripted_world,
)
from scripted import (
    failure as failure_of,
)

from gradio_proto.effects import KeepFile, Signal, WriteFile
from gradio_proto.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
    TooManyRequestsError,
)
from gradio_proto.files import META, FileInput, FileOutput, as_file_outputs, file_output, file_outputs_in
from gradio_proto.flows.calls import cancel
from gradio_proto.flows.download import download_file, download_files, fetch_outputs
from gradio_proto.flows.requests import RedirectedElsewhere
from gradio_proto.job import Job, JobState
from gradio_proto.limits import Limits
from gradio_proto.testing.files import File
from gradio_proto.timeouts import Timeouts
from gradio_proto.transfers import Transfer

HELLO = b"hello"
MIB = 1024 * 1024


def data_of(path: str = "/tmp/gradio/ab/x.txt", **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": dict(META), **more}


def place_of(content: bytes, name: str = "x.txt", directory: str = "/downloads") -> str:
    return f"{directory}/{sha256(content).hexdigest()}/{name}"


def octets(body: bytes, *headers: str, status: int = 200) -> bytes:
    return http(status, body, *headers, content_type="application/octet-stream")


class DownloadScript(GradioScript):
    """A server whose one call returns ``value``, and which answers its downloads one after the other."""

    def __init__(self, value: Any, *answers: Iterable[Any]) -> None:
        super().__init__(
            file_app(),
            streams=[[STREAM, completed("e1", value), CLOSE_STREAM, END], [STREAM, completed("e2", "next")]],
        )
        self.answers = [list(answer) for answer in answers]

    def __call__(self, asked: Asked) -> Iterable[Any]:
        if (
            "/file%3D" in asked.path
            or "/file=" in asked.path
            or "/stream/" in asked.path
            or asked.path == "/moved"
        ):
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return super().__call__(asked)


def returning(value: Any, *answers: Iterable[Any], **options: Any) -> World:
    return scripted_world(DownloadScript(value, *answers), **options)


def fetching(*answers: Iterable[Any], **options: Any) -> World:
    """A world whose call returns one file, and in which successive downloads are answered so."""
    return returning(data_of(), *answers, **options)


def call(world: World, **options: Any) -> Begun:
    return world.begin("/back", [], fetch=True, **options)


def fetched(world: World) -> list[Asked]:
    return [
        asked
        for asked in world.server.asked
        if (asked.method == "GET" and "e=" in asked.target)
        or "/stream/" in asked.target
        or asked.target == "/moved"
    ]


def failure(world: World, begun: Begun) -> GradioError:
    """Why a job failed, of which nothing may be left on the disk."""
    error: GradioError = failure_of(world, begun)
    assert not world.runner.files
    assert all(file.closed for file in world.runner.open_files)
    assert not world.pool._busy - {begun.live.stream.connection if begun.live.stream else None}
    return error


# Files that arrive.


def test_a_file_of_no_job() -> None:
    world = fetching([octets(HELLO)])
    file = file_output(data_of())
    assert file is not None
    assert world.run(download_file(world.state, file)) == place_of(HELLO)
    assert world.runner.files == {place_of(HELLO): HELLO}
    world.close()


@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "5.49.1", "6.31.0"])
def test_a_file_of_every_generation(version: str) -> None:
    app = file_app(version)

    @app.endpoint("/make", inputs=["textbox"], outputs=["file", "textbox", "gallery"])
    def make(text: str) -> Any:
        file = File("a ?#%é.txt", text.encode())
        picture = File("b.png", b"\0" * 100_000)
        return file, text, [{"image": picture, "caption": "b"}, {"image": file, "caption": None}]

    world = real_world(app)
    path, text, gallery = world.result(world.begin("/make", "é", fetch=True))
    assert text == "é"
    assert world.runner.files[path] == "é".encode()
    assert path.startswith(f"/downloads/{sha256('é'.encode()).hexdigest()}/")
    assert world.runner.files[gallery[0]["image"]] == b"\0" * 100_000
    assert gallery[1]["image"] == path
    assert len(world.runner.files) == 2
    world.close()


def test_what_a_download_asks_for() -> None:
    world = fetching([octets(HELLO)], headers=(("x-client", "1"), ("x-both", "client")))
    world.state.cookies.set("session", "secret")
    begun = call(world, headers=(("x-both", "call"),))
    assert world.result(begun) == place_of(HELLO)
    (asked,) = fetched(world)
    assert asked.target == "/gradio_api/file=/tmp/gradio/ab/x.txt"
    assert (asked.headers["x-client"], asked.headers["x-both"]) == ("1", "call")
    assert (asked.headers["cookie"], asked.headers["accept-encoding"]) == ("session=secret", "identity")
    assert world.runner.files == {place_of(HELLO): HELLO}
    world.close()


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ([octets(b"")], b""),
        ([octets(b"x" * MIB)], b"x" * MIB),
        ([octets(HELLO)[:-2], 1.0, HELLO[-2:]], HELLO),
        (
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
            HELLO,
        ),
        ([b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", CLOSE], HELLO),
    ],
)
def test_bodies_of_every_framing(answer: list[Any], content: bytes) -> None:
    world = fetching(answer)
    assert world.result(call(world)) == place_of(content)
    assert world.runner.files == {place_of(content): content}
    world.close()


def test_a_large_file_is_written_piece_by_piece() -> None:
    pieces = [b"%d" % number * 1000 for number in range(50)]
    world = fetching([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % sum(map(len, pieces)),
                      *[step for piece in pieces for step in (piece, 0.001)]])  # fmt: skip
    assert world.result(call(world)) == place_of(b"".join(pieces))
    written = [effect for effect in world.runner.effects if isinstance(effect, WriteFile)]
    assert len(written) == len(pieces)
    world.close()


def test_the_directory_that_the_caller_named() -> None:
    world = fetching([octets(HELLO)], download_directory="/home/me")
    assert world.result(call(world)) == place_of(HELLO, directory="/home/me")
    world.close()


@pytest.mark.parametrize(
    ("path", "target", "name"),
    [
        ("../../x", "/gradio_api/file=../%2E%2E/x", "x"),
        ("/etc/passwd", "/gradio_api/file=/etc/passwd", "passwd"),
        ("a\\..\\b", "/gradio_api/file=a%5C..%5Cb", "b"),
        ("/a/b\0c\r\n.txt", "/gradio_api/file=/a/b%00c%0D%0A.txt", "b_c__.txt"),
        ("/a/CON.txt", "/gradio_api/file=/a/CON.txt", "_CON.txt"),
        ("/a/..", "/gradio_api/file=/a/%2E%2E", "file"),
        ("/a/" + "x" * 300 + ".txt", "/gradio_api/file=/a/" + "x" * 300 + ".txt", "x" * 146 + ".txt"),
        ("http://evil.example/x?y", "/gradio_api/file=http%3A//evil.example/x%3Fy", "x_y"),
        ("/a/\u202egpj.exe", "/gradio_api/file=/a/%E2%80%AEgpj.exe", "_gpj.exe"),
    ],
)
def test_whatever_name_the_server_gives(path: str, target: str, name: str) -> None:
    world = returning(data_of(path), [octets(HELLO)])
    assert world.result(call(world)) == place_of(HELLO, name)
    (asked,) = fetched(world)
    assert asked.target == target
    assert asked.headers["host"] == "app"
    (kept,) = [effect for effect in world.runner.effects if isinstance(effect, KeepFile)]
    assert (kept.folder, kept.name) == (sha256(HELLO).hexdigest(), name)
    world.close()


def test_a_stream_is_fetched_whole_with_its_signature() -> None:
    playlist = data_of(
        "s/1/playlist.m3u8", is_stream=True, orig_name="a.mp3", url="http://elsewhere/x?__sign=a/b"
    )
    world = returning(playlist, [octets(HELLO)])
    assert world.result(call(world)) == place_of(HELLO, "a.mp3")
    (asked,) = fetched(world)
    assert asked.target == "/gradio_api/stream/s/1/playlist-file?__sign=a%2Fb"
    world.close()


def test_a_file_that_is_returned_twice_is_fetched_once() -> None:
    world = returning([data_of(), data_of(orig_name="other.txt"), data_of("/b.txt")], [octets(HELLO)])
    assert world.result(call(world)) == [place_of(HELLO), place_of(HELLO), place_of(HELLO, "b.txt")]
    assert len(fetched(world)) == 2
    world.close()


def test_nobody_fetches_what_the_caller_does_not_want() -> None:
    world = fetching([octets(HELLO)])
    assert world.result(world.begin("/back", [])) == data_of()
    assert not fetched(world)
    world.close()


@pytest.mark.parametrize("told", ["", "5"])
def test_progress(told: str) -> None:
    framing = b"content-length: 5" if told else b"transfer-encoding: chunked"
    pieces = [b"hel", 1.0, b"lo"] if told else [b"3\r\nhel\r\n", 1.0, b"2\r\nlo\r\n0\r\n\r\n"]
    world = fetching([b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n", 1.0, *pieces])
    seen: list[tuple[FileInput | FileOutput, Transfer]] = []
    world.state.on_transfer = lambda file, transfer: seen.append((file, transfer))
    world.result(call(world))
    size = 5 if told else None
    assert [transfer for _, transfer in seen] == [
        Transfer("download", "x.txt", 0, size, False),
        Transfer("download", "x.txt", 3, size, False),
        Transfer("download", "x.txt", 5, size, False),
        Transfer("download", "x.txt", 5, 5, True),
    ]
    assert len({file for file, _ in seen}) == 1
    world.close()


# Bad moments.


@pytest.mark.parametrize(
    "first",
    [
        [CLOSE],
        [octets(HELLO)[:-1], CLOSE],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n", CLOSE],
        [http(503)],
        [http(429)],
        [http(502, b"<html>", content_type="text/html")],
        [http(504)],
    ],
)
def test_a_download_is_tried_again_from_its_beginning(first: list[Any]) -> None:
    world = fetching(first, first, [octets(HELLO)])
    assert world.result(call(world)) == place_of(HELLO)
    assert [asked.time for asked in fetched(world)] == [0.0, 0.5, 1.5]
    assert world.runner.files == {place_of(HELLO): HELLO}
    world.close()


@pytest.mark.parametrize(("path", "times"), [("s/1/5", 1), ("s/1/playlist.m3u8", 3)])
def test_a_stream_whose_pieces_are_given_once_is_not_tried_again(path: str, times: int) -> None:
    world = returning(data_of(path, is_stream=True), [octets(HELLO)[:-1], CLOSE])
    error = failure(world, call(world))
    assert isinstance(error, ConnectionLost)
    assert len(fetched(world)) == times
    world.close()


def test_retry_after_is_waited_out() -> None:
    world = fetching([http(503, b"{}", "retry-after: 7")], [octets(HELLO)])
    world.result(call(world))
    assert [asked.time for asked in fetched(world)] == [0.0, 7.0]
    world.close()


def test_a_retry_after_that_is_too_long_is_the_callers_business() -> None:
    world = fetching([http(429, b"{}", "retry-after: 61")])
    error = failure(world, call(world))
    assert isinstance(error, TooManyRequestsError)
    assert (error.retry_after, len(fetched(world))) == (61, 1)
    assert not error.retryable  # the function has run
    world.close()


def test_the_longest_retry_after_that_is_waited_out() -> None:
    world = fetching([http(503, b"{}", "retry-after: 60")], [octets(HELLO)])
    world.result(call(world))
    assert [asked.time for asked in fetched(world)] == [0.0, 60.0]
    world.close()


@pytest.mark.parametrize("retries", [0, 1, None])
@pytest.mark.parametrize(
    ("answer", "cls"),
    [
        ([CLOSE], ConnectionLost),
        ([octets(HELLO)[:-1], CLOSE], ConnectionLost),
        ([http(503)], HTTPStatusError),
    ],
)
def test_a_download_is_given_up_in_the_end(answer: list[Any], cls: type, retries: int | None) -> None:
    world = fetching(answer, max_retries=retries)
    error = failure(world, call(world))
    assert type(error) is cls
    assert not error.retryable  # though another moment may be a better one: the function has run
    assert len(fetched(world)) == (3 if retries is None else retries + 1)
    world.close()


@pytest.mark.parametrize("retryable", [True, False])
def test_a_server_that_is_gone(retryable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fetching([CLOSE])

    def refuse(*_: Any) -> None:
        tried.append(world.runner.now)
        raise ConnectError("refused", retryable=retryable)

    tried: list[float] = []
    begun = call(world)
    world.runner.run_until(lambda: bool(fetched(world)))
    monkeypatch.setattr(world.runner, "_connect", refuse)
    error = failure(world, begun)
    assert type(error) is ConnectionLost
    # The call was carried out: what could not be connected to was the file's.
    assert (error.phase, error.retryable) == ("accepted", False)
    assert "refused" in str(error)
    assert type(error.__cause__) is ConnectError
    assert len(tried) == (2 if retryable else 1)
    world.close()


# What is no file.


@pytest.mark.parametrize(
    ("answer", "cls", "match"),
    [
        (
            http(403, b'{"detail":"File not allowed: /tmp/x."}'),
            HTTPStatusError,
            "the download of x.txt answered 403",
        ),
        (http(404), HTTPStatusError, "404"),
        (http(401, b'{"detail":"Not authenticated"}'), AuthenticationError, "login"),
        (http(500, b"oops", content_type="text/plain"), HTTPStatusError, "500"),
        (octets(HELLO, status=206), HTTPStatusError, "206"),
        (octets(b"", status=204), HTTPStatusError, "204"),
        (octets(HELLO, "content-encoding: gzip"), RemoteProtocolError, "compressed"),
        (b"SSH-2.0-x\r\n\r\n", RemoteProtocolError, "not HTTP"),
        (
            http(302, b"", "location: http://evil.example/x"),
            RedirectedElsewhere,
            "another origin, http://evil.example",
        ),
        (http(302, b"", "location: https://app/x"), RedirectedElsewhere, "another origin"),
        (http(302, b""), RemoteProtocolError, "without a location"),
    ],
)
def test_answers_that_are_no_file(answer: bytes, cls: type, match: str) -> None:
    world = fetching([answer])
    error = failure(world, call(world))
    assert type(error) is cls
    assert match in str(error)
    assert len(fetched(world)) == 1
    assert not world.runner.open_files
    world.close()


def test_a_redirect_on_the_same_origin_is_followed() -> None:
    world = fetching([http(302, b"", "location: /moved")], [octets(HELLO)])
    assert world.result(call(world)) == place_of(HELLO)
    assert fetched(world)[-1].target == "/moved"
    world.close()


def test_a_loop_of_redirects_ends() -> None:
    world = fetching([http(302, b"", "location: /moved")])
    assert isinstance(failure(world, call(world)), LimitExceeded)
    assert len(fetched(world)) == 4
    world.close()


@pytest.mark.parametrize(
    ("answer", "opened"),
    [
        ([octets(b"x" * 11)], 0),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999999999\r\n\r\n", 600.0], 0),
        (
            [
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nxxxxxx\r\n",
                0.1,
                b"6\r\nxxxxxx\r\n",
                600.0,
            ],
            1,
        ),
        ([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11, 600.0], 1),
    ],
)
def test_a_file_over_the_limit(answer: list[Any], opened: int) -> None:
    world = fetching(answer, limits=Limits(download_bytes=10))
    error = failure(world, call(world))
    assert isinstance(error, LimitExceeded)
    assert (error.name, error.limit) == ("download_bytes", 10)
    assert (len(world.runner.open_files), len(fetched(world))) == (opened, 1)
    world.close()


def test_a_file_as_large_as_the_limit() -> None:
    world = fetching([octets(b"x" * 10)], limits=Limits(download_bytes=10))
    assert world.result(call(world)) == place_of(b"x" * 10)
    world.close()


def test_a_refusal_without_end() -> None:
    world = fetching([http(500, b"x" * 5000)])
    world.state.limits = Limits(json_body_bytes=4000)
    assert isinstance(failure(world, call(world)), LimitExceeded)
    world.close()


@pytest.mark.parametrize("effect", ["_create_file", "_keep_file"])
def test_a_disk_that_fails(effect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fetching([octets(HELLO)])

    def full(*_: Any) -> None:
        raise FileError("no space left", path="/downloads")

    monkeypatch.setattr(world.runner, effect, full)
    error = failure(world, call(world))
    assert isinstance(error, FileError)
    assert len(fetched(world)) == 1  # trying again would not help
    world.close()


# Files that have come within the output.


def within(content: str) -> FileOutput:
    return FileOutput("", (), "x.txt", False, {}, content=content)


def test_a_file_within_the_output_is_not_fetched() -> None:
    world = fetching([octets(HELLO)], download_directory="/home/me")
    seen: list[Transfer] = []
    world.state.on_transfer = lambda file, transfer: seen.append(transfer)
    job = a_job().job
    world.run(download_files(world.state, job, [within("aGVsbG8=")], stop=Signal()))
    assert list(job.local_paths.values()) == [place_of(HELLO, directory="/home/me")]
    assert world.runner.files == {place_of(HELLO, directory="/home/me"): HELLO}
    assert seen == [Transfer("download", "x.txt", 0, 5, False), Transfer("download", "x.txt", 5, 5, True)]
    assert all(file.closed for file in world.runner.open_files)
    assert not fetched(world)
    world.close()


@pytest.mark.parametrize(("limit", "fits"), [(5, True), (4, False)])
def test_the_limit_holds_for_it_too(limit: int, fits: bool) -> None:
    world = fetching([octets(HELLO)], limits=Limits(download_bytes=limit))
    download = download_files(world.state, a_job().job, [within("aGVsbG8=")], stop=Signal())
    if fits:
        world.run(download)
    else:
        with pytest.raises(LimitExceeded) as caught:
            world.run(download)
        assert (caught.value.name, caught.value.limit) == ("download_bytes", 4)
    assert bool(world.runner.files) is fits
    world.close()


@pytest.mark.parametrize("content", ["aGVsbG8", "aGVs\nbG8=", "a*b=", "é==="])
def test_what_is_no_base64_is_quoted(content: str) -> None:
    world = fetching([octets(HELLO)])
    with pytest.raises(RemoteProtocolError, match=r"^x\.txt was sent as base64, and is none") as caught:
        world.run(download_files(world.state, a_job().job, [within(content)], stop=Signal()))
    assert caught.value.data == content
    assert not caught.value.retryable
    assert not world.runner.open_files
    world.close()


# Deadlines and cancellation.


def test_a_file_that_stops_in_the_middle() -> None:
    world = fetching([octets(HELLO)[:-1], 600.0], timeouts=Timeouts(read=7.0))
    error = failure(world, call(world))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now, len(fetched(world))) == ("read", 7.0, 1)
    assert "the server stopped in the middle of a file" in str(error)
    assert (error.phase, error.retryable) == ("accepted", False)
    world.close()


def test_a_file_that_drips_is_no_failure() -> None:
    world = fetching([octets(HELLO)[:-5], *[step for byte in HELLO for step in (6.0, bytes([byte]))]],
                     timeouts=Timeouts(read=7.0))  # fmt: skip
    assert world.result(call(world)) == place_of(HELLO)
    assert world.runner.now == 30.0
    world.close()


@pytest.mark.parametrize(
    "answer",
    [
        [600.0],
        [octets(HELLO)[:-1], 600.0],
        [http(503, b"{}", "retry-after: 50")],
        [http(503, b"{}", "retry-after: 5")],
        [http(500, b"{}")[:-1], 600.0],
    ],
)
def test_the_deadline_of_the_job_passes(answer: list[Any]) -> None:
    world = fetching(answer)
    error = failure(world, call(world, deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now) == ("total", "accepted", 5.0)
    assert not [path for path in world.server.paths() if path.endswith("/cancel")]  # it has ended there
    world.close()


def begun_to_fetch(world: World) -> Begun:
    begun = call(world)
    world.runner.run_until(lambda: bool(world.runner.open_files))
    world.runner.settle()
    assert begun.job.state is JobState.FETCHING
    assert begun.job.is_answered
    assert begun.endings == 0
    return begun


def test_a_job_that_is_cancelled_before_its_download_is_answered_holds_no_slot() -> None:
    world = fetching([20.0, octets(HELLO)], slots=1)
    begun = call(world)
    world.runner.run_until(lambda: bool(fetched(world)))
    world.run(cancel(world.state, begun.live, begun.job))
    assert world.result(world.begin("/back", [])) == "next"
    assert world.runner.now == 0.0
    world.finish(begun)
    assert not world.runner.files
    world.close()


def test_a_job_that_is_cancelled_while_it_fetches() -> None:
    world = fetching([octets(HELLO)[:-1], 600.0], slots=1)
    begun = begun_to_fetch(world)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "returned already" in report.reason
    world.finish(begun)
    assert world.runner.now == 0
    assert not world.runner.files
    assert world.runner.open_files[0].closed
    assert world.result(world.begin("/back", [])) == "next"  # its slot is free, and the session goes on
    world.close()


def test_a_job_that_is_cancelled_between_two_files() -> None:
    world = returning([data_of(), data_of("/b.txt"), data_of("/c.txt")], [octets(HELLO)])
    begun = call(world)
    world.runner.run_until(lambda: len(world.runner.files) == 1)
    begun.job.cancel()
    world.finish(begun)
    assert len(fetched(world)) == 2
    assert all(content == HELLO for content in world.runner.files.values())
    world.close()


def test_a_job_that_is_cancelled_before_a_retry() -> None:
    world = fetching([http(503)])
    begun = call(world)
    world.runner.run_until(lambda: bool(fetched(world)))
    world.runner.settle()
    begun.job.cancel()
    world.finish(begun)
    assert (world.runner.now, len(fetched(world))) == (0, 1)
    world.close()


def test_the_session_goes_on_while_a_job_fetches() -> None:
    world = fetching([octets(HELLO)[:-1], 60.0, HELLO[-1:]], timeouts=Timeouts(read=100.0))
    begun = begun_to_fetch(world)
    assert not begun.live.session.jobs
    assert world.result(world.begin("/back", [])) == "next"
    assert world.runner.now == 0
    assert world.result(begun) == place_of(HELLO)
    world.close()


# Outputs of a job that goes on.


def outputs_of(*values: Any, **options: Any) -> tuple[list[FileOutput], Job]:
    """The files in values, and a job that has handed them out."""
    return file_outputs_in(as_file_outputs(list(values))), a_job(**options).job


def test_files_are_fetched_as_outputs_are_read_and_once() -> None:
    world = fetching([octets(HELLO)])
    files, job = outputs_of(data_of(), data_of("s/1", is_stream=True), headers=(("x-call", "1"),))
    for _ in range(2):
        world.run(fetch_outputs(world.state, job, files))
    assert job.local_paths == {files[0]: place_of(HELLO)}  # the stream may still be growing
    (asked,) = fetched(world)
    assert asked.headers["x-call"] == "1"
    world.close()


def test_what_was_fetched_before_a_failure_is_not_fetched_again() -> None:
    world = fetching([octets(HELLO)], [http(404)], [octets(b"b")])
    files, job = outputs_of(data_of(), data_of("/b.txt"))
    with pytest.raises(HTTPStatusError):
        world.run(fetch_outputs(world.state, job, files))
    assert job.local_paths == {files[0]: place_of(HELLO)}
    world.run(fetch_outputs(world.state, job, files))
    assert [asked.target[-5:] for asked in fetched(world)] == ["x.txt", "b.txt", "b.txt"]
    world.close()


def test_nothing_is_fetched_once_stopped() -> None:
    world = fetching([octets(HELLO)])
    files, job = outputs_of(data_of())
    stop = Signal()
    stop.set()
    world.run(download_files(world.state, job, files, stop=stop))
    assert not job.local_paths
    assert not fetched(world)
    world.close()


SLOW_HELLO = [octets(HELLO)[:-1], 5.0, HELLO[-1:]]


def two_readers(
    world: World, job: Job, files: list[FileOutput], stop: Signal, until: float | None = None
) -> list[Any]:
    """Two flows that want the same files, the second begun when a file is on its way to the first."""
    first = world.spawn(download_files(world.state, job, files, stop=Signal()))
    world.runner.run_until(lambda: bool(world.runner.open_files))
    second = world.spawn(download_files(world.state, job, files, until=until, stop=stop))
    world.runner.settle()
    return [first, second]


def test_a_file_that_is_on_its_way_is_waited_for() -> None:
    world = fetching(SLOW_HELLO)
    files, job = outputs_of(data_of())
    tasks = two_readers(world, job, files, Signal())
    world.runner.run_until(lambda: all(task.done for task in tasks))
    assert [task.error for task in tasks] == [None, None]
    assert (len(fetched(world)), job.local_paths, job.fetching) == (1, {files[0]: place_of(HELLO)}, {})
    world.close()


@pytest.mark.parametrize("how", ["fails", "is given up"])
def test_if_the_first_reader_has_no_luck_the_second_tries(how: str) -> None:
    world = fetching([octets(HELLO)[:-1], 5.0, CLOSE], [octets(HELLO)], max_retries=0)
    files, job = outputs_of(data_of())
    first, second = two_readers(world, job, files, Signal())
    if how == "is given up":
        world.runner.cancel(first)
    world.runner.run_until(lambda: first.done and second.done)
    assert isinstance(first.error, ConnectionLost) is (how == "fails")
    assert second.error is None
    assert job.local_paths == {files[0]: place_of(HELLO)}
    world.close()


def test_a_job_that_settles_waits_for_nobodys_download() -> None:
    world = fetching(SLOW_HELLO)
    files, job = outputs_of(data_of())
    stop = Signal()
    job.on_settled.append(stop.set)
    first, second = two_readers(world, job, files, stop)
    job.cancel()
    world.runner.settle()
    assert (first.done, second.done, second.error) == (False, True, None)
    world.runner.run_until(lambda: first.done)  # its reader wants it all the same
    assert job.local_paths == {files[0]: place_of(HELLO)}
    world.close()


def test_a_job_waits_for_anothers_download_until_its_deadline() -> None:
    world = fetching(SLOW_HELLO)
    files, job = outputs_of(data_of())
    first, second = two_readers(world, job, files, Signal(), until=3.0)
    world.runner.run_until(lambda: second.done)
    assert isinstance(second.error, DeadlineExceeded)
    assert (second.error.kind, second.error.phase, world.runner.now) == ("total", "accepted", 3.0)
    assert "x.txt could not be fetched in time" in str(second.error)
    world.runner.run_until(lambda: first.done)
    world.close()
