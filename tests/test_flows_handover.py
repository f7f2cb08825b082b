"""Jobs that one client brings to its server, and others follow and cancel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from gradio_proto import ArgumentError, Client, Timeouts, handle_file
from gradio_proto.cancelling import CancelReport
from gradio_proto.client.handover import JobHandle, can_hand_over, hand_over, stop, take_over
from gradio_proto.effects import Now, Sleep
from gradio_proto.errors import (
    AppError,
    ClientClosed,
    ConnectError,
    GradioError,
    HTTPStatusError,
    QueueError,
    SessionLost,
)
from gradio_proto.events import Cancelled, Completed, Failed, Output, Queued, Started
from gradio_proto.flows import handover
from gradio_proto.flows.state import Entropy
from gradio_proto.testing import Context, Error, File, ServerProtocol, TestApp
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

KEEPING = ("4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0")


def an_app(version: str = "6.31.0") -> TestApp:
    app = TestApp(version=version)

    @app.endpoint("/count")
    def count(n: int, *, context: Context) -> Iterator[int]:
        for number in range(n):
            yield number
            context.sleep(1)

    @app.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    @app.endpoint("/fail")
    def fail() -> str:
        raise Error("no way")

    @app.endpoint("/loud")
    def loud(file: File) -> File:
        return File(f"loud-{file.name}", file.data.upper())

    return app


class Scene:
    """A server, and any number of clients of it."""

    def __init__(self, app: TestApp | None = None) -> None:
        self.server = ServerProtocol(app or an_app())
        self.memory = MemoryRunner(self.server)
        self.numbers = itertools.count()

    def client(self, **options: Any) -> Client:
        made = Client("http://app", transport=MemoryTransport.to(self.memory), **options)
        # In memory every client would give the same names.
        made._engine.state.entropy = Entropy(lambda: f"token{next(self.numbers)}", lambda: 0.5)
        return made

    def hand_over(self, name: str, *args: Any) -> JobHandle:
        with self.client() as client:
            return hand_over(client, name, None, args, {})

    def pass_time(self, seconds: float) -> None:
        def wait() -> Any:
            _, now = yield Now()
            yield Sleep(now + seconds)

        self.memory.run(wait())


def kinds(events: list[Any]) -> list[type]:
    return [type(event) for event in events]


@pytest.mark.parametrize("version", KEEPING)
@pytest.mark.parametrize("seconds", [0, 1.5, 60])
def test_whenever_it_is_taken_over_all_of_it_is_heard(version: str, seconds: float) -> None:
    scene = Scene(an_app(version))
    handle = scene.hand_over("/count", 3)
    scene.pass_time(seconds)
    with scene.client() as other:
        job = take_over(other, handle)
        events = list(job.events())
    assert kinds(events) == [Queued, Started, Output, Output, Output, Completed]
    assert [event.value for event in events if isinstance(event, Output)] == [0, 1, 2]
    assert (job.event_id, job.session_hash) == (handle.event_id, handle.session_hash)


def test_files_go_both_ways() -> None:
    scene = Scene()
    with scene.client() as client:
        handle = hand_over(client, "/loud", None, [handle_file(b"hello", name="a.txt")], {})
    with scene.client() as other:
        path = take_over(other, handle).result()
    assert scene.memory.files[path] == b"HELLO"


def test_a_job_that_fails() -> None:
    scene = Scene()
    handle = scene.hand_over("/fail")
    with scene.client() as other, pytest.raises(AppError, match="no way"):
        take_over(other, handle).result()


def test_nothing_is_said_to_the_server_when_it_is_left_there() -> None:
    scene = Scene()
    handle = scene.hand_over("/count", 2)
    scene.pass_time(5)
    assert scene.hand_over("/count", 2) != handle
    with scene.client() as other:
        assert take_over(other, handle).result() == 1


def test_what_was_read_is_gone() -> None:
    scene = Scene()
    handle = scene.hand_over("/echo", "x")
    with scene.client() as first, scene.client() as second:
        assert take_over(first, handle).result() == "x"
        job = take_over(second, handle)
        with pytest.raises(SessionLost, match="nothing to say of this job"):
            job.result()
    assert 14 < scene.memory.now < 17  # at the first heartbeat


def test_a_job_that_waits_long_is_not_taken_for_one_that_was_read() -> None:
    scene = Scene()
    busy = scene.hand_over("/count", 40)
    handle = scene.hand_over("/count", 2)
    with scene.client() as other:
        events = list(take_over(other, handle).events())
    assert isinstance(events[0], Queued)
    assert isinstance(events[-1], Completed)
    assert scene.memory.now > 40
    assert busy.session_hash != handle.session_hash


def test_a_session_that_the_server_does_not_know() -> None:
    scene = Scene()
    with scene.client() as client, pytest.raises(SessionLost):
        take_over(client, JobHandle("e", "nothing", 1)).result()


def test_whoever_has_taken_it_over_may_cancel_it() -> None:
    scene = Scene()
    handle = scene.hand_over("/count", 50)
    with scene.client() as other:
        job = take_over(other, handle)
        assert next(iter(job)) == 0
        assert job.cancel()
        assert job.cancel_report is not None
        assert job.cancel_report.server_told
    with scene.client() as client:
        assert client.predict("x", api_name="/echo") == "x"


def test_a_client_that_closes_gives_it_up() -> None:
    scene = Scene()
    handle = scene.hand_over("/count", 50)
    with scene.client() as other:
        job = take_over(other, handle)
        assert next(iter(job)) == 0
    with pytest.raises(ClientClosed):
        job.result()


# What the server does not take.


def test_a_join_that_is_refused() -> None:
    scene = Scene()
    scene.server.refuse(status=503)
    with scene.client() as client, pytest.raises(GradioError) as caught:
        hand_over(client, "/echo", None, ["x"], {})
    assert isinstance(caught.value, QueueError | HTTPStatusError)


def test_an_upload_that_is_refused() -> None:
    scene = Scene()
    scene.server.refuse(status=500, path="/upload")
    with scene.client() as client, pytest.raises(HTTPStatusError):
        hand_over(client, "/loud", None, [handle_file(b"x", name="a")], {})


def test_a_defect_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(handover, "join_queue", broken)
    with Scene().client() as client, pytest.raises(ZeroDivisionError):
        hand_over(client, "/echo", None, ["x"], {})


def test_arguments_that_do_not_fit() -> None:
    with Scene().client() as client:
        with pytest.raises(TypeError, match="missing"):
            hand_over(client, "/echo", None, [], {})
        with pytest.raises(ArgumentError, match="no endpoint"):
            can_hand_over(client, "/nothing", None)


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2"])
def test_where_a_job_lives_with_its_connection(version: str) -> None:
    with Scene(an_app(version)).client() as client:
        assert not can_hand_over(client, "/echo", None)
        with pytest.raises(ArgumentError, match="no longer than the connection"):
            hand_over(client, "/echo", None, ["x"], {})


def test_input_in_chunks_has_to_be_sent_by_somebody() -> None:
    app = TestApp()

    @app.endpoint("/gather", connection="stream")
    def gather(x: str) -> str:
        return x

    with Scene(app).client() as client:
        assert not can_hand_over(client, "/gather", None)


# Cancelling it from elsewhere.


def follows(scene: Scene, handle: JobHandle) -> tuple[Client, Any]:
    """Another client, and the job that it follows, of which it has had an output."""
    client = scene.client()
    job = take_over(client, handle)
    assert next(iter(job)) == 0
    return client, job


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_whoever_follows_it_hears_that_it_was_cancelled(version: str) -> None:
    scene = Scene(an_app(version))
    handle = scene.hand_over("/count", 50)
    client, job = follows(scene, handle)
    with client, scene.client() as third:
        report = stop(third, handle)
        assert (report.cancelled, report.server_told) == (True, True)
        assert ("closed" in report.reason) is (version != "6.31.0")
        last = list(job.events())[-1]
    assert isinstance(last, Cancelled)
    assert last.by_server


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_a_job_that_waits_never_runs(version: str) -> None:
    ran = []
    app = an_app(version)

    @app.endpoint("/slow")
    def slow(x: str, *, context: Context) -> str:
        ran.append(x)
        context.sleep(5)
        return x

    scene = Scene(app)
    first, second = scene.hand_over("/slow", "first"), scene.hand_over("/slow", "second")
    scene.pass_time(1)
    with scene.client() as third:
        assert stop(third, second).server_told
    scene.pass_time(20)
    assert ran == ["first"]
    with scene.client() as other:
        assert take_over(other, first).result() == "first"


def test_an_old_server_without_an_event_that_cancels() -> None:
    scene = Scene(an_app("4.21.0"))
    handle = scene.hand_over("/count", 50)
    with scene.client() as third:
        report = stop(third, handle)
    assert not report.server_told
    assert report.reason.startswith("its session's stream was closed")
    assert "not always" in report.reason


def test_a_server_that_does_not_take_the_request() -> None:
    scene = Scene()
    handle = scene.hand_over("/count", 50)
    scene.server.refuse(status=500, path="/cancel")
    with scene.client() as third:
        report = stop(third, handle)
    assert (report.cancelled, report.server_told) == (True, True)
    assert report.reason.startswith("its session's stream was closed")


def test_a_server_that_wants_a_login_by_now() -> None:
    scene = Scene(an_app("5.49.1"))
    handle = scene.hand_over("/count", 50)
    with scene.client() as third:
        scene.server.refuse(3, status=401, path="/queue/data")
        report = stop(third, handle)
    assert report.server_told  # by the request
    assert "could not be opened, to be closed" in report.reason


def test_a_server_that_never_has_said_all(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(an_app("4.21.0"))
    monkeypatch.setattr(handover, "QUIET_SECONDS", 2.0)  # more than the function takes for each value
    handle = scene.hand_over("/count", 50)
    with scene.client() as third:
        began = scene.memory.now
        stop(third, handle)
        assert scene.memory.now - began < 3


def test_a_server_that_is_gone() -> None:
    scene = Scene()
    handle = scene.hand_over("/count", 50)
    with scene.client(timeouts=Timeouts(connect=1)) as third:
        for stream in scene.memory.streams:
            stream.break_off()
        scene.memory.refuses = True
        report = stop(third, handle)
    assert report == CancelReport(False, False, report.reason)
    assert report.reason.startswith("the server did not take the cancellation")


def test_a_function_that_the_app_has_not() -> None:
    scene = Scene()
    with scene.client() as client:
        for use in (take_over, stop):
            with pytest.raises(ArgumentError, match="fn_index 99"):
                use(client, JobHandle("e", "s", 99))


def test_no_connection_for_the_first_client() -> None:
    scene = Scene()
    with scene.client() as client:
        for stream in scene.memory.streams:
            stream.break_off()
        scene.memory.refuses = True
        with pytest.raises(ConnectError):
            hand_over(client, "/echo", None, ["x"], {})


def test_an_outcome_that_is_a_failure_comes_as_an_event() -> None:
    scene = Scene()
    handle = scene.hand_over("/fail")
    with scene.client() as other:
        last = list(take_over(other, handle).events())[-1]
    assert isinstance(last, Failed)
