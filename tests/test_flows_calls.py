"""A call from its join to its end: slots, retries, deadlines, and what cancelling it does to the others."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest
from scripted import (
    CLOSE,
    STREAM,
    Begun,
    GradioScript,
    World,
    accepted,
    an_app,
    chunk,
    chunk_app,
    completed,
    event,
    failure,
    generating,
    http,
    message,
    real_world,
    scripted_world,
    stateful_app,
    until,
)

from gradio_proto.cancelling import CancelReport
from gradio_proto.effects import Signal
from gradio_proto.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.events import Cancelled, Completed, Failed
from gradio_proto.files import file_output
from gradio_proto.flows.calls import TELL_SECONDS, abandon, call, cancel, carry_to, follow, see_out
from gradio_proto.flows.state import JOINS_AT_ONCE, Slots
from gradio_proto.flows.streams import end_if_unused
from gradio_proto.job import JobState
from gradio_proto.testing import TestApp
from gradio_proto.timeouts import Timeouts

VERSIONS = ["4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"]


def joining(*answers: Any, streams: Any = (), version: str = "6.31.0", **options: Any) -> World:
    """A world in which successive joins are answered so."""
    return scripted_world(GradioScript(an_app(version), joins=answers, streams=streams), **options)


def join_times(world: World) -> list[float]:
    return [asked.time for asked in world.server.asked if asked.path.endswith("/queue/join")]


def told(world: World) -> list[Any]:
    """What the server was told of cancelled jobs."""
    return [json.loads(asked.body) for asked in world.server.asked if asked.path.endswith("/cancel")]


# Healthy calls.


@pytest.mark.parametrize("version", VERSIONS)
def test_calls_of_every_generation(version: str) -> None:
    world = real_world(an_app(version))
    jobs = [world.begin("/echo", "a"), world.begin("/double", "b"), world.begin("/count", 3)]
    world.finish(*jobs)
    assert [begun.job.result() for begun in jobs] == ["a", "bb", [0, 1, 2]]
    assert jobs[2].outputs == [[0], [0, 1], [0, 1, 2]]
    assert world.result(world.begin("/echo", "again")) == "again"
    world.close()


@pytest.mark.parametrize("version", ["4.44.1", "6.31.0"])
def test_state_lives_in_the_session(version: str) -> None:
    world = real_world(stateful_app(version))
    assert world.result(world.begin("/remember", "a")) is None
    assert world.result(world.begin("/remember", "b")) == "a"
    world.state.live = None
    assert world.result(world.begin("/remember", "c")) is None
    world.close()


def test_what_a_join_says() -> None:
    world = joining(streams=[[STREAM, completed("e1", "v")]])
    world.result(world.begin("/echo", "x", headers=(("x-call", "1"),)))
    (asked,) = [asked for asked in world.server.asked if asked.path.endswith("/queue/join")]
    assert asked.target == "/gradio_api/queue/join"
    assert asked.headers["x-gradio-user"] == "api"
    assert asked.headers["x-call"] == "1"
    assert json.loads(asked.body) == {
        "data": ["x"],
        "event_data": None,
        "fn_index": 0,
        "session_hash": "session1",
        "trigger_id": None,
    }
    world.close()


# Joins that fail.


@pytest.mark.parametrize(
    ("answer", "cls", "retryable"),
    [
        (http(401, b'{"detail":"Not authenticated"}'), AuthenticationError, False),
        (http(422, b'{"detail":[{"loc":["data"],"msg":"bad"}]}'), ValidationError, False),
        (http(429), TooManyRequestsError, True),
        (http(500, b"Internal Server Error", content_type="text/plain"), HTTPStatusError, False),
        (http(502), HTTPStatusError, False),
        (http(503), HTTPStatusError, True),
        (http(504), HTTPStatusError, False),
        (http(503, b'{"detail":"Queue is full. Max size is 1 and size is 1."}'), QueueError, True),
        (http(503, b'{"detail":"Queue is stopped."}'), QueueError, False),
        (http(307, b"", "location: /login"), HTTPStatusError, False),
        (http(200, b"<html>", content_type="text/html"), HTTPStatusError, False),
        (http(200, b"[]"), RemoteProtocolError, False),
        (http(200, b"{}"), RemoteProtocolError, False),
        (http(200, b'{"event_id": ""}'), RemoteProtocolError, False),
        (http(200, b'{"event_id": 1}'), RemoteProtocolError, False),
        (http(200, b"oops"), RemoteProtocolError, False),
        (CLOSE, ConnectionLost, False),
    ],
)
def test_a_join_that_is_not_accepted(answer: Any, cls: type[GradioError], retryable: bool) -> None:
    world = joining([answer])
    error = failure(world, world.begin("/echo", "x"))
    assert type(error) is cls
    assert error.retryable is retryable
    assert (error.endpoint, error.session_hash, error.last_status) == ("/echo", "session1", "JOINING_QUEUE")
    assert len(join_times(world)) == 1
    world.close()


def test_nobody_there() -> None:
    world = joining()
    for stream in world.runner.streams:
        stream.break_off()
    world.runner.refuses = True
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, ConnectError)
    assert error.retryable
    world.close()


def test_a_join_is_sent_again_only_as_often_as_the_caller_says() -> None:
    world = joining([http(503)], [http(429, b"", "retry-after: 7")], streams=[[STREAM, completed("e3", "v")]],
                    max_retries=2)  # fmt: skip
    assert world.result(world.begin("/echo", "x")) == "v"
    assert join_times(world) == [0, 0.5, 7.5]
    world.close()


def test_the_last_refusal_is_the_error() -> None:
    world = joining([http(503)], [http(429)], max_retries=1)
    assert isinstance(failure(world, world.begin("/echo", "x")), TooManyRequestsError)
    world.close()


@pytest.mark.parametrize("answer", [CLOSE, http(502), http(504)])
def test_a_join_that_may_have_been_accepted_is_never_sent_again(answer: Any) -> None:
    world = joining([answer], max_retries=5)
    failure(world, world.begin("/echo", "x"))
    assert len(join_times(world)) == 1
    world.close()


def test_a_retry_after_that_is_too_long_is_the_callers_business() -> None:
    world = joining([http(429, b"", "retry-after: 61")], max_retries=5)
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, TooManyRequestsError)
    assert (error.retry_after, world.runner.now) == (61, 0)
    world.close()


def test_a_job_that_is_cancelled_between_two_joins_is_not_sent_again() -> None:
    world = joining([http(503)], max_retries=5)
    begun = world.begin("/echo", "x")
    world.runner.settle()
    begun.job.cancel()
    world.finish(begun)
    assert len(join_times(world)) == 1
    assert not begun.live.session.joining
    world.close()


# Deadlines of whole jobs.


@pytest.mark.parametrize(
    ("answer", "options", "phase", "retryable"),
    [
        ([60.0], {}, "sent_unknown", False),
        ([http(429, b"", "retry-after: 50")], {"max_retries": 1}, "not_sent", True),
    ],
)
def test_the_deadline_passes_while_the_job_joins(
    answer: Any, options: Any, phase: str, retryable: bool
) -> None:
    world = joining(answer, **options)
    error = failure(world, world.begin("/echo", "x", deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.retryable, world.runner.now) == ("total", phase, retryable, 5.0)
    assert len(join_times(world)) == 1
    world.close()


def test_a_refusal_in_time_is_no_matter_of_deadlines() -> None:
    world = joining([4.0, http(422)])
    assert isinstance(failure(world, world.begin("/echo", "x", deadline=5.0)), ValidationError)
    world.close()


def test_the_deadline_passes_while_the_job_is_queued_and_the_server_is_told() -> None:
    world = joining(streams=[[STREAM, 600.0]])
    error = failure(world, world.begin("/echo", "x", deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.last_status, world.runner.now) == (
        "total",
        "accepted",
        "IN_QUEUE",
        5.0,
    )
    assert told(world) == [{"event_id": "e1", "fn_index": 0, "session_hash": "session1"}] * 2
    world.close()


def test_the_deadline_of_one_who_does_not_read() -> None:
    world = joining(streams=[[STREAM, 8.0, completed("e1", "v")]])
    reader, waiter = world.begin("/echo", "x"), world.begin("/double", "x", deadline=5.0)
    assert isinstance(failure(world, waiter), DeadlineExceeded)
    assert world.runner.now == 5.0
    assert world.result(reader) == "v"
    world.close()


def test_whoever_tells_the_server_does_not_hold_the_stream() -> None:
    world = joining(streams=[[STREAM, 6.0, completed("e2", "v")]])
    world.server.handler.others = {"/cancel": [20.0, http(200)]}
    hurried, patient = world.begin("/echo", "x", deadline=5.0), world.begin("/double", "x")
    assert world.result(patient) == "v"
    assert world.runner.now == 6.0
    failure(world, hurried)
    world.close()


def test_the_deadline_passes_while_the_job_waits_for_a_slot() -> None:
    world = joining(streams=[[STREAM, 9.0, completed("e1", "v")]], slots=1)
    first, second = world.begin("/echo", "x"), world.begin("/echo", "y", deadline=5.0)
    error = failure(world, second)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.retryable) == ("total", "not_sent", True)
    assert world.runner.now == 5.0
    assert world.result(first) == "v"
    assert len(join_times(world)) == 1
    world.close()


DRIPS = [chunk(b"data: "), *[0.5, chunk(b"x")] * 100]
"""A message that has no end."""
RUNS = event(msg="process_starts", event_id="e1", eta=None)
WAITS = event(msg="estimation", event_id="e1", rank=0, queue_size=1, rank_eta=None)


@pytest.mark.parametrize("said", [[RUNS, *DRIPS], [WAITS, *DRIPS], DRIPS])
@pytest.mark.parametrize("version", ["4.21.0", "4.44.1", "5.49.1", "6.31.0"])
def test_a_stream_on_which_time_ran_out_is_left_by_the_next_job(version: str, said: list[Any]) -> None:
    world = joining(streams=[[STREAM, *said], [STREAM, completed("e2", "v")]], version=version)
    one = world.begin("/echo", "x", deadline=5.0)
    until(world, lambda: one.job.is_settled)
    world.runner.settle()
    first = world.server.handler.stream_conn
    # A server that has neither said a word of the job nor can take it out of its queue is listened to until it starts.
    assert (first in world.server.lost) is (said is not DRIPS or version == "6.31.0")
    two = world.begin("/echo", "x")
    until(world, lambda: two.job.is_settled)
    assert (two.job.result(), world.runner.now) == ("v", 5.0)
    assert two.live is not one.live
    world.close()


@pytest.mark.parametrize("waits", [False, True])
def test_but_not_while_somebody_waits_or_by_an_app_with_state(waits: bool) -> None:
    script = GradioScript(an_app() if waits else stateful_app(), streams=[[STREAM, RUNS, 600.0]])
    world = scripted_world(script)
    one = world.begin("/echo", "x", deadline=5.0)
    two = world.begin("/double", "x") if waits else None
    until(world, lambda: one.job.is_settled)
    world.runner.settle()
    assert script.stream_conn not in world.server.lost
    assert world.state.live is one.live
    assert two is None or not two.job.is_settled
    world.close()


def test_no_deadline_no_hurry() -> None:
    world = joining(streams=[[STREAM, 40.0, completed("e1", "v")]])
    assert world.result(world.begin("/echo", "x", deadline=50.0)) == "v"
    world.close()


# Slots.


def test_so_many_jobs_in_flight_and_the_others_in_their_order() -> None:
    app = an_app(default_concurrency_limit=None)
    world = real_world(app, slots=2)
    jobs = [world.begin("/count", number) for number in range(1, 7)]
    most = 0
    while not all(begun.job.is_settled for begun in jobs):
        world.turn(1)
        flying = [begun for begun in jobs if begun.job.state not in (JobState.NEW, JobState.SETTLED)]
        most = max(most, len(flying))
        begun_in_order = [begun.job.state is not JobState.NEW for begun in jobs]
        assert begun_in_order == sorted(begun_in_order, reverse=True)
    assert most == 2
    world.finish(*jobs)
    world.close()


def test_a_job_that_is_cancelled_while_it_waits_for_a_slot() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e1", "v"), completed("e2", "w")]], slots=1)
    jobs = [world.begin("/echo", name) for name in "abc"]
    world.runner.settle()
    report = world.run(cancel(world.state, jobs[1].live, jobs[1].job))
    assert report.cancelled
    assert not report.server_told
    world.finish(*jobs)
    assert [type(begun.job.outcome) for begun in jobs] == [Completed, Cancelled, Completed]
    assert len(join_times(world)) == 2
    world.close()


def test_a_flow_that_was_given_up_gives_its_slot_back() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e2", "v")]], slots=1)
    one, two = world.begin("/echo", "x"), world.begin("/echo", "y")
    world.runner.settle()
    assert one.task is not None
    world.runner.cancel(one.task, KeyboardInterrupt())
    assert isinstance(one.task.error, KeyboardInterrupt)
    assert one.job.outcome == Cancelled(by_server=False)
    assert world.result(two) == "v"
    world.close()


# Cancelling.


def running(world: World, begun: Begun) -> Begun:
    world.runner.run_until(lambda: begun.job.state is JobState.RUNNING)
    return begun


def test_a_running_generator_is_cancelled_on_both_sides() -> None:
    world = real_world()
    begun = running(world, world.begin("/count", 1000))
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert report == CancelReport(True, True, "the server was asked to stop the job")
    world.finish(begun)
    assert begun.job.outcome == Cancelled(by_server=False)
    assert world.result(world.begin("/count", 2)) == [0, 1]
    world.close()


def test_a_running_function_is_not_unless_forced() -> None:
    world = joining(streams=[[STREAM, generating("e1", "v"), 600.0]])
    begun = running(world, world.begin("/echo", "x"))
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (False, False)
    assert "force=True" in report.reason
    assert begun.endings == 0
    report = world.run(cancel(world.state, begun.live, begun.job, force=True))
    assert (report.cancelled, report.server_told) == (True, True)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert "ended already" in report.reason
    world.finish(begun)
    world.close()


def test_a_sibling_of_the_same_function_would_die_too() -> None:
    world = real_world(an_app(default_concurrency_limit=None))
    one, two = world.begin("/count", 30), world.begin("/count", 30)
    running(world, one), running(world, two)
    report = world.run(cancel(world.state, one.live, one.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "same function" in report.reason
    assert world.result(two) == [*range(30)]
    assert two.outputs[-1] == [*range(30)]
    world.finish(one)
    world.close()


@pytest.mark.parametrize("answer", [[http(500)], [CLOSE], [http(200, b"oops")]])
def test_a_server_that_does_not_take_the_cancellation(answer: Any) -> None:
    world = joining(streams=[[STREAM, 600.0]])
    world.server.handler.others = {"/cancel": answer}
    begun = world.begin("/echo", "x")
    world.runner.settle()
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "did not take" in report.reason
    world.close()


def starts(event_id: str) -> bytes:
    return event(msg="process_starts", event_id=event_id, eta=None)


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_cancelled_while_it_joins_and_accepted_then(version: str) -> None:
    world = joining([1.0, accepted("e1")], streams=[[STREAM, 2.0, starts("e1")]], version=version)
    begun = world.begin("/echo", "x")
    world.runner.settle()
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert report == CancelReport(
        True, False, "the server had not accepted the job yet; if it does, it is told then"
    )
    world.finish(begun)
    # Until 6.14, to tell of a job that waits is of no use: it would run all the same.
    assert world.runner.now == (1.0 if version == "6.31.0" else 3.0)
    assert begun.job.outcome == Cancelled(by_server=False)
    # What waits is told twice: the first may end what runs, and so let it take that place.
    assert [body["event_id"] for body in told(world)] == ["e1"] * (2 if version == "6.31.0" else 1)
    assert world.state.live is begun.live
    next_one = world.begin("/double", "y")
    world.runner.settle()
    world.say(completed("e2", "v"))
    assert world.result(next_one) == "v"
    world.close()


def test_cancelled_while_it_joins_and_over_by_the_time_of_the_answer() -> None:
    world = joining(
        [accepted("e1")],
        [2.0, accepted("e2")],
        streams=[[STREAM, 1.0, starts("e2"), completed("e2", "w"), 4.0, completed("e1", "v")]],
    )
    sibling, begun = world.begin("/double", "a"), world.begin("/echo", "b")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job))
    world.finish(begun)
    assert world.runner.now == 2.0
    assert world.result(sibling) == "v"
    assert told(world) == []
    world.close()


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_cancelled_while_it_joins_next_to_a_sibling_of_the_same_function(version: str) -> None:
    world = joining(
        [accepted("e1")],
        [1.0, accepted("e2")],
        streams=[[STREAM, 3.0, completed("e1", "v")]],
        version=version,
    )
    sibling, begun = world.begin("/echo", "a"), world.begin("/echo", "b")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job))
    world.finish(begun)
    assert told(world) == []
    assert world.result(sibling) == "v"
    world.close()


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_a_queued_job_is_cancelled_next_to_another_function(version: str) -> None:
    is_told = version == "6.31.0"
    later = [] if is_told else [1.0, starts("e2"), 1.0]
    world = joining(streams=[[STREAM, 3.0, *later, completed("e1", "v")]], version=version)
    sibling, begun = world.begin("/double", "a"), world.begin("/echo", "b")
    world.runner.settle()
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, is_told)
    assert len(told(world)) == (2 if is_told else 0)
    assert world.state.live is begun.live
    assert world.result(sibling) == "v"
    world.finish(begun)
    assert [body["event_id"] for body in told(world)] == ["e2"] * (2 if is_told else 1)
    assert world.server.asked[-1].time == (0.0 if is_told else 4.0)
    world.close()


def test_an_orphan_that_starts_next_to_a_sibling_is_left_alone() -> None:
    world = joining(streams=[[STREAM, 1.0, starts("e1"), 1.0, starts("e2"), 1.0, completed("e1", "v")]],
                    version="4.44.1")  # fmt: skip
    sibling, begun = world.begin("/echo", "a"), world.begin("/echo", "b")
    world.runner.settle()
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert "same function" in report.reason
    world.finish(begun)
    assert world.runner.now == 2.0
    assert world.result(sibling) == "v"
    assert told(world) == []
    world.close()


def test_an_orphan_holds_no_slot() -> None:
    world = joining(streams=[[STREAM, 5.0, completed("e1", "v"), completed("e3", "w"), starts("e2")]],
                    version="4.44.1", slots=2)  # fmt: skip
    sibling, begun = world.begin("/double", "a"), world.begin("/echo", "b")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job))
    waiting = world.begin("/double", "c")
    world.runner.settle()
    assert waiting.job.state is JobState.QUEUED
    assert [world.result(sibling), world.result(waiting)] == ["v", "w"]
    world.finish(begun)
    world.close()


def test_the_deadline_passes_in_a_queue_that_the_server_does_not_take_it_out_of() -> None:
    world = joining(streams=[[STREAM, 8.0, starts("e2"), 1.0, completed("e1", "v")]], version="4.44.1")
    sibling, begun = world.begin("/double", "a"), world.begin("/echo", "b", deadline=5.0)
    world.runner.run_until(lambda: begun.job.is_settled)
    assert (world.runner.now, told(world)) == (5.0, [])
    assert isinstance(failure(world, begun), DeadlineExceeded)
    assert world.runner.now == 8.0
    assert [body["event_id"] for body in told(world)] == ["e2"]
    assert world.result(sibling) == "v"
    world.close()


def test_a_job_that_completes_twice_on_444() -> None:
    """It breaks off the stream; the next one goes on with what the sibling is owed."""
    stumbles = [event(msg="process_completed", event_id="e2", output={}, success=True), completed("e2", "w"),
                event(msg="unexpected_error", event_id=None, message="'e2'", success=False), CLOSE]  # fmt: skip
    world = joining(
        streams=[
            [STREAM, starts("e1"), starts("e2"), generating("e1", [0]), 1.0, *stumbles],
            [STREAM, 1.0, generating("e1", []), completed("e1", [0])],
        ],
        version="4.44.1",
    )
    sibling, begun = world.begin("/count", 1), running(world, world.begin("/echo", "b"))
    assert world.run(cancel(world.state, begun.live, begun.job, force=True)).server_told
    assert world.result(sibling) == [0]
    assert sibling.outputs == [[0], [0]]
    assert len(world.server.paths("/queue/data")) == 2
    world.finish(begun)
    world.close()


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_a_queued_job_is_cancelled_on_a_real_server(version: str) -> None:
    world = real_world(an_app(version))
    first = running(world, world.begin("/count", 40))
    second = world.begin("/echo", "x")
    world.runner.run_until(lambda: second.job.event_id is not None)
    world.run(cancel(world.state, second.live, second.job, force=True))
    assert world.result(first) == [*range(40)]
    assert world.result(world.begin("/double", "y")) == "yy"
    world.finish(second)
    world.close()


def old_app(version: str = "4.13.0") -> TestApp:
    """An app in which one event cancels /count alone, and another /count and /double; nothing cancels /echo."""
    app = an_app(version, default_concurrency_limit=None)

    @app.endpoint("/stop_both", cancels=["/count", "/double"])
    @app.endpoint("/stop", cancels=["/count"])
    def stop() -> None:
        pass

    return app


# Hanging up.


def queued(world: World, begun: Begun) -> Begun:
    """A job of which the stream has said that it waits."""
    world.runner.run_until(lambda: begun.live.session.hears(begun.job))
    assert begun.job.state is JobState.QUEUED
    return begun


ESTIMATION = event(msg="estimation", event_id="e1", rank=0, queue_size=1, rank_eta=None)


@pytest.mark.parametrize("is_retired", [False, True])
def test_a_job_alone_in_the_queue_is_ended_with_its_session(is_retired: bool) -> None:
    world = joining(streams=[[STREAM, ESTIMATION, 600.0], [STREAM, completed("e2", "v")]], version="4.44.1")
    begun = queued(world, world.begin("/echo", "x"))
    stream = world.server.handler.stream_conn
    if is_retired:
        world.state.retire(begun.live)
        newer = world.state.session()
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    assert "stream was closed" in report.reason
    world.finish(begun)
    world.runner.settle()
    assert stream in world.server.lost
    assert told(world) == []
    assert begun.live.retired.is_set
    assert not is_retired or world.state.live is newer
    assert world.result(world.begin("/echo", "y")) == "v"
    assert json.loads(world.server.asked[-2].body)["session_hash"] == "session2"
    world.close()


@pytest.mark.parametrize("leaves", [True, False])
def test_a_stream_is_closed_when_its_reader_has_left(leaves: bool) -> None:
    world = joining(streams=[[STREAM, ESTIMATION, 600.0]], version="4.44.1")
    begun = queued(world, world.begin("/echo", "x"))
    baton, holder = begun.live.session.baton, Signal()
    task = world.spawn(cancel(world.state, begun.live, begun.job))
    baton._holder = holder  # one who does not leave at once, unlike the readers that this library has
    world.runner.run_until(task.is_done, world.runner.now + 1.0)
    assert not task.done
    if leaves:
        baton.release(holder)
    world.runner.run_until(task.is_done)
    assert task.result.server_told is leaves
    assert leaves or "still being read" in task.result.reason
    assert world.runner.now == (1.0 if leaves else TELL_SECONDS)
    baton._holder = None
    world.close()


def test_orphans_end_with_their_session() -> None:
    world = joining(streams=[[STREAM, ESTIMATION, 600.0], [STREAM, completed("e3", "v")]], version="4.44.1")
    begun = queued(world, world.begin("/echo", "x"))
    orphan = world.begin("/echo", "y")
    world.runner.settle()
    assert not world.run(cancel(world.state, orphan.live, orphan.job)).server_told
    assert "stream was closed" in world.run(cancel(world.state, begun.live, begun.job)).reason
    world.finish(begun, orphan)
    assert world.runner.now == 0.0
    assert world.result(world.begin("/echo", "z")) == "v"
    world.close()


def test_a_stream_is_closed_that_is_read_for_an_orphan() -> None:
    estimated = event(msg="estimation", event_id="e2", rank=1, queue_size=2, rank_eta=None)
    world = joining(streams=[[STREAM, ESTIMATION, 1.0, estimated, 600.0]], version="4.44.1")
    orphan, begun = (queued(world, world.begin("/echo", text)) for text in "xy")
    assert not world.run(cancel(world.state, orphan.live, orphan.job)).server_told
    world.runner.settle()
    assert world.run(cancel(world.state, begun.live, begun.job)).server_told
    world.finish(begun, orphan)
    assert world.runner.now == 1.0
    assert not world.pool._busy
    world.close()


# Sessions that no job will join any more.


def test_the_stream_of_a_session_without_jobs_is_closed_when_it_is_retired() -> None:
    world = joining(streams=[[STREAM, completed("e1", "v")], [STREAM, completed("e2", "w")]])
    begun = world.begin("/echo", "x")
    assert world.result(begun) == "v"
    end_if_unused(begun.live)
    assert begun.live.stream is not None  # the next job reads on there
    world.state.retire(begun.live)
    end_if_unused(begun.live)
    assert begun.live.stream is None
    assert not world.pool._busy
    assert world.result(world.begin("/echo", "y")) == "w"
    world.close()


def test_the_stream_of_a_retired_session_is_closed_after_its_last_job() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e1", "v"), 1.0, completed("e2", "w")]], slots=2)
    jobs = [world.begin("/echo", text) for text in "xyz"]
    world.runner.settle()
    world.state.retire(jobs[0].live)
    end_if_unused(jobs[0].live)
    assert world.result(jobs[0]) == "v"
    jobs[1].job.cancel()
    end_if_unused(jobs[0].live)  # its reader has yet to leave, and the third job to join
    assert jobs[0].live.stream is not None
    world.runner.settle()
    world.say(completed("e3", "u"))
    assert world.result(jobs[2]) == "u"
    assert jobs[0].live.stream is None
    assert not world.pool._busy
    assert len(world.server.paths("/queue/data")) == 1
    world.close()


def test_a_retired_session_is_read_to_the_end_of_its_orphans() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e2", "v"), 1.0, starts("e1"), 600.0]], version="4.44.1")
    orphan, begun = world.begin("/echo", "x"), world.begin("/double", "y")
    world.runner.settle()
    world.run(cancel(world.state, orphan.live, orphan.job))
    world.state.retire(begun.live)
    assert world.result(begun) == "v"
    assert begun.live.stream is not None
    world.finish(orphan)
    assert (world.runner.now, len(told(world))) == (2.0, 1)
    assert begun.live.stream is None
    assert not world.pool._busy
    world.close()


@pytest.mark.parametrize("app", [stateful_app("4.44.1"), old_app()])
def test_a_session_is_not_given_up_that_is_still_of_use(app: TestApp) -> None:
    """It holds State, or a job waits for its slot to join it."""
    streams = [[STREAM, ESTIMATION, 5.0, starts("e1"), completed("e1", "v"), completed("e2", "w")]]
    has_state = len(app.endpoints) == 4
    world = scripted_world(GradioScript(app, streams=streams), slots=None if has_state else 1)
    begun = world.begin("/echo", "x")
    waiting = None if has_state else world.begin("/double", "y")
    queued(world, begun)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert not begun.live.retired.is_set
    assert waiting is None or world.result(waiting) == "w"
    world.finish(begun)
    world.close()


def test_a_job_whose_files_are_on_their_way() -> None:
    world = joining()
    begun = world.make("/echo", "x")
    job, session = begun.job, begun.live.session
    job._convert = lambda data: file_output({"path": "/f", "meta": {"_type": "gradio.FileData"}})
    job.fetches_files = True  # type: ignore[misc]
    session.join_sent(job)
    session.join_accepted(job, "e1")
    session.receive(*message(msg="process_completed", event_id="e1", output={"data": [0]}, success=True))
    assert job.state is JobState.FETCHING
    report = world.run(cancel(world.state, begun.live, job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "returned already" in report.reason
    assert told(world) == []
    assert job.outcome == Cancelled(by_server=False)


# Servers before /cancel.


@pytest.mark.parametrize("version", ["4.13.0", "4.19.1", "4.21.0"])
def test_a_generator_is_stopped_by_the_apps_own_event(version: str) -> None:
    world = real_world(old_app(version))
    begun, sibling = running(world, world.begin("/count", 1000)), world.begin("/double", "x")
    world.runner.run_until(lambda: sibling.job.event_id is not None)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    assert "the app's own event" in report.reason
    world.finish(begun)
    assert world.result(sibling) == "xx"
    assert world.state.live is begun.live
    assert world.result(world.begin("/count", 2)) == [0, 1]  # the stream goes on
    assert len({job.live for job in world.jobs}) == 1
    world.close()


def test_the_functions_that_an_event_cancels_do_not_overtake_it() -> None:
    script = GradioScript(
        old_app(),
        streams=[[STREAM, generating("e1", [0]), 4.0, completed("e2", "b"), completed("e3", "a")]],
        others={"/run/predict": [1.5, http(200, b"{}")]},
    )
    script.config = {
        "dependencies": [
            {**dependency, "cancels": [0, 2] if dependency["cancels"] else []}
            for dependency in old_app().config("")["dependencies"]
        ]
    }
    world = scripted_world(script)
    first = running(world, world.begin("/count", 5))
    world.spawn(cancel(world.state, first.live, first.job))
    world.runner.settle()
    same, other = world.begin("/echo", "x"), world.begin("/double", "y")
    assert [world.result(same), world.result(other)] == ["a", "b"]
    assert join_times(world) == [0.0, 0.0, 1.5]
    asked = [json.loads(asked.body) for asked in world.server.asked if asked.path.endswith("/run/predict")]
    assert [(body["data"], body["session_hash"]) for body in asked] == [([], "session1")]
    assert not first.live.cancelling
    world.finish(first)
    world.close()


def test_an_event_that_fails() -> None:
    script = GradioScript(
        old_app(),
        streams=[[STREAM, generating("e1", [0]), 4.0]],
        others={"/run/predict": [http(500, b'{"error": "no"}')]},
    )
    world = scripted_world(script)
    begun = running(world, world.begin("/count", 5))
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "did not take the cancellation" in report.reason
    world.close()


def test_a_function_that_nothing_cancels_is_ended_with_its_session() -> None:
    world = joining([1.0, accepted("e1")], streams=[[STREAM, 2.0, starts("e1")], [STREAM, completed("e2", "v")]],
                    version="4.13.0")  # fmt: skip
    begun = world.begin("/echo", "x")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job))
    world.finish(begun)
    assert world.runner.now == 3.0
    assert begun.live.retired.is_set
    world.runner.settle()
    assert world.server.handler.stream_conn in world.server.lost
    assert world.result(world.begin("/echo", "y")) == "v"
    world.close()


# Giving up several at once.


def given_up(world: World, *jobs: Begun) -> None:
    """What whoever lets go of them does."""
    tellings = [abandon(world.state, begun.live, begun.job) for begun in jobs]
    for telling in tellings:
        if telling is not None:
            world.spawn(telling)


@pytest.mark.parametrize("version", ["4.44.1", "6.31.0"])
def test_what_waits_and_is_given_up_with_what_runs_does_not_run_instead(version: str) -> None:
    leaves_the_queue = version == "6.31.0"
    later = [] if leaves_the_queue else [3.0, starts("e2")]
    script = GradioScript(stateful_app(version), streams=[[STREAM, starts("e1"), *later, 600.0]])
    world = scripted_world(script)
    script.others = {"/cancel": [0.5, http(200, b"{}")]}
    waits, runs = world.begin("/echo", "b"), world.begin("/echo", "a")
    first, second = (runs, waits) if runs.job.event_id == "e1" else (waits, runs)
    running(world, first)
    world.runner.run_until(lambda: second.job.event_id is not None)
    given_up(world, second, first)
    assert first.job.is_settled
    assert second.job.is_settled
    world.finish(first, second)
    world.runner.run_until(lambda: len(told(world)) == (3 if leaves_the_queue else 2))
    times = [(json.loads(asked.body)["event_id"], asked.time) for asked in world.server.asked
             if asked.path.endswith("/cancel")]  # fmt: skip
    assert times == (
        [("e2", 0.0), ("e2", 0.5), ("e1", 1.0)] if leaves_the_queue else [("e1", 0.0), ("e2", 3.0)]
    )
    world.close()


def test_what_the_server_does_not_know_of_leaves_nothing_to_tell() -> None:
    world = joining([1.0, accepted("e1")])
    begun = world.begin("/echo", "x")
    assert abandon(world.state, begun.live, begun.job) is None
    world.finish(begun)
    assert told(world) == []
    world.close()


# Cancellations and joins.


def test_a_job_of_the_same_function_does_not_overtake_the_cancellation() -> None:
    world = joining(streams=[[STREAM, 6.0, completed("e2", "b"), completed("e3", "a")]])
    world.server.handler.others = {"/cancel": [0.75, http(200, b"{}")]}  # of which there are two
    first = world.begin("/echo", "x")
    world.runner.settle()
    world.spawn(cancel(world.state, first.live, first.job))
    world.runner.settle()
    hurried, given_up = world.begin("/echo", "h", deadline=1.0), world.begin("/echo", "g")
    same, other = world.begin("/echo", "s"), world.begin("/double", "o")
    world.runner.settle()
    assert [begun.job.state for begun in (hurried, same, other)] == [
        JobState.NEW,
        JobState.NEW,
        JobState.QUEUED,
    ]
    given_up.job.cancel()
    assert isinstance(failure(world, hurried), DeadlineExceeded)
    assert world.runner.now == 1.0
    assert world.result(same) == "a"
    assert world.result(other) == "b"
    assert join_times(world) == [0.0, 0.0, 1.5]
    assert not same.live.cancelling
    world.finish(first, given_up)
    world.close()


def test_two_cancellations_of_one_function_are_both_waited_for() -> None:
    world = joining(
        streams=[[STREAM, ESTIMATION, 0.5, starts("e2"), 0.5, starts("e1"), 6.0, completed("e3", "v")]],
        version="4.44.1",
    )
    pauses = iter([1.0, 1.5])
    world.server.handler.others = {"/cancel": lambda _: [next(pauses), http(200, b"{}")]}
    orphan, begun = queued(world, world.begin("/echo", "x")), running(world, world.begin("/echo", "y"))
    world.run(cancel(world.state, orphan.live, orphan.job))
    world.spawn(cancel(world.state, begun.live, begun.job, force=True))
    world.runner.run_until(lambda: len(told(world)) == 2)
    same = world.begin("/echo", "z")
    assert world.result(same) == "v"
    assert join_times(world) == [0.0, 0.0, 2.5]
    assert not same.live.cancelling
    world.finish(orphan, begun)
    world.close()


def test_a_cancellation_that_is_given_up_at_once_holds_no_join_back() -> None:
    world = joining(streams=[[STREAM, starts("e1"), 5.0, completed("e2", "v")]])
    begun = running(world, world.begin("/echo", "x"))
    flow = cancel(world.state, begun.live, begun.job, force=True)
    next(flow)
    flow.close()
    assert world.result(world.begin("/echo", "y")) == "v"
    assert join_times(world) == [0.0, 0.0]
    world.close()


def test_a_join_that_waits_for_its_turn_does_not_overtake_a_cancellation_either() -> None:
    world = joining(
        *[[1.0, accepted(f"e{number + 1}")] for number in range(JOINS_AT_ONCE + 1)],
        streams=[
            [STREAM, 5.0, *[completed(f"e{number + 1}", "v") for number in range(1, JOINS_AT_ONCE + 1)]]
        ],
    )
    world.server.handler.others = {"/cancel": [0.75, http(200, b"{}")]}
    first = world.begin("/echo", "x")
    world.runner.run_until(lambda: first.job.state is JobState.QUEUED)
    others = [world.begin("/double", "x") for _ in range(JOINS_AT_ONCE)]
    world.runner.settle()
    same, after = world.begin("/echo", "y"), world.begin("/double", "z")
    world.runner.settle()
    assert (same.job.state, after.job.state) == (JobState.NEW, JobState.NEW)
    world.spawn(cancel(world.state, first.live, first.job))
    world.runner.settle()
    world.runner.run_until(lambda: False, world.runner.now + 1.2)
    assert (same.job.state, after.job.state) == (JobState.NEW, JobState.QUEUED)  # nor does it hold up others
    world.runner.run_until(lambda: same.job.state is JobState.JOINING)
    assert world.runner.now == 2.5
    world.finish(*others)
    world.close()


@pytest.mark.parametrize("pause", [60.0, 1.9])  # for the first of two, or for the second as well
def test_a_cancellation_that_is_answered_too_late_takes_two_seconds_and_no_more(pause: float) -> None:
    world = joining(streams=[[STREAM, 6.0, completed("e2", "v")]])
    world.server.handler.others = {"/cancel": [pause, http(200, b"{}")]}
    begun = world.begin("/echo", "x")
    world.runner.settle()
    telling = world.spawn(cancel(world.state, begun.live, begun.job))
    world.runner.settle()
    same = world.begin("/echo", "y")
    world.runner.run_until(telling.is_done)
    assert world.runner.now == TELL_SECONDS == 2.0
    assert (telling.result.cancelled, telling.result.server_told) == (True, False)
    assert "did not take" in telling.result.reason
    assert world.result(same) == "v"
    assert join_times(world) == [0.0, TELL_SECONDS]
    world.close()


def test_a_calls_own_headers_win_on_every_request_that_is_its_own() -> None:
    world = joining(streams=[[STREAM, 600.0]], headers=(("x-call", "client"), ("x-gradio-user", "client")))
    begun = world.begin("/echo", "x", headers=(("x-call", "1"),))
    world.begin("/double", "y", headers=(("x-gradio-user", "call"),))
    world.runner.settle()
    assert world.run(cancel(world.state, begun.live, begun.job)).server_told
    said = [
        (asked.path.rpartition("/")[2], asked.headers["x-call"], asked.headers["x-gradio-user"])
        for asked in world.server.asked
        if "x-call" in asked.headers  # the first question is asked without, since this is plain http
    ]
    assert said == [
        ("config", "client", "client"),
        ("info", "client", "client"),
        ("join", "1", "client"),
        ("join", "client", "call"),
        ("data", "1", "client"),
        *[("cancel", "1", "client")] * 2,
    ]
    world.close()


# Joins that an app refuses since it is another one by now.


def restarted(answer: bytes, app_id: Any, **options: Any) -> GradioError:
    """The error of a join that is answered so, by a server that calls itself ``app_id``."""
    body = app_id if isinstance(app_id, bytes) else http(200, json.dumps({"app_id": app_id}).encode())
    script = GradioScript(an_app(app_id=7), joins=[[answer]], others={"/app_id": [body]})
    world = scripted_world(script, **options)
    begun = world.begin("/echo", "x", deadline=60.0)
    world.finish(begun)
    asked = [asked for asked in world.server.asked if asked.path == "/gradio_api/app_id"]
    assert [each.method for each in asked] == ["GET"]
    world.close()
    assert isinstance(begun.job.outcome, Failed)
    return begun.job.outcome.error


REFUSALS = [
    http(500, b"Internal Server Error", content_type="text/plain"),
    http(404, b'{"detail":"Not Found"}'),
]


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize("app_id", [8, "eight"])
def test_an_app_that_was_started_anew_is_told_of(answer: bytes, app_id: Any) -> None:
    error = restarted(answer, app_id)
    assert "client.refresh()" in str(error)
    assert str(error).startswith("/queue/join")
    assert not error.retryable
    assert error.endpoint == "/echo"


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize(
    "app_id", [7, None, http(404), http(200, b"[]"), http(200, b"oops"), http(401), CLOSE, 5.0]
)
def test_an_app_that_was_not_is_not(answer: bytes, app_id: Any) -> None:
    if app_id is CLOSE or app_id == 5.0:
        script = GradioScript(an_app(app_id=7), joins=[[answer]], others={"/app_id": [app_id]})
        world = scripted_world(script)
        begun = world.begin("/echo", "x", deadline=60.0)
        world.finish(begun)
        assert world.runner.now < 5  # nobody waits for what only makes an error clearer
        assert isinstance(begun.job.outcome, Failed)
        error = begun.job.outcome.error
        world.close()
    else:
        error = restarted(answer, app_id)
    assert "refresh" not in str(error)


def test_a_server_that_closes_the_connection_after_its_refusal_is_asked_again() -> None:
    script = GradioScript(an_app(app_id=8), joins=[REFUSALS[:1]], config={"app_id": 7})
    world = scripted_world(script)
    script.others["/app_id"] = [lambda: script.others.update({"/app_id": [app_id]}), CLOSE]
    app_id = http(200, b'{"app_id": 8}')
    assert "refresh" in str(failure(world, world.begin("/echo", "x")))
    assert len(world.server.paths("/app_id")) == 2
    world.close()


def test_other_refusals_are_no_reason_to_ask() -> None:
    for status in (401, 422, 429, 502, 503):
        world = joining([http(status)])
        world.finish(world.begin("/echo", "x"))
        assert not world.server.paths("/app_id")
        world.close()


def test_a_login_that_holds_no_longer_can_be_made_again() -> None:
    answers = [http(401, b'{"detail":"Not authenticated"}')], [http(401, b'{"detail":"Not authenticated"}')]
    world = joining(*answers)
    assert "refresh" not in str(failure(world, world.begin("/echo", "x")))
    world.state.auth = ("me", "password")
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, AuthenticationError)
    assert (
        str(error).partition(" (")[0].endswith("; the login holds no longer: client.refresh() logs in again")
    )
    world.close()


def test_nobody_asks_beyond_the_deadline_of_the_job() -> None:
    script = GradioScript(an_app(), joins=[[0.5, REFUSALS[0]]], others={"/app_id": [60.0]})
    world = scripted_world(script)
    begun = world.begin("/echo", "x", deadline=1.0)
    world.finish(begun)
    assert world.runner.now == 1.0
    assert isinstance(begun.job.outcome, Failed)
    assert isinstance(begun.job.outcome.error, HTTPStatusError)
    world.close()


def test_a_job_that_is_cancelled_while_the_app_is_asked_stays_cancelled() -> None:
    script = GradioScript(an_app(), joins=[REFUSALS[:1]], others={"/app_id": [60.0]})
    world = scripted_world(script)
    begun = world.begin("/echo", "x")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job))
    world.finish(begun)
    assert isinstance(begun.job.outcome, Cancelled)
    assert not begun.live.session.joining
    world.close()


# Joins on their way.


def test_a_hundred_calls_at_once_take_few_connections() -> None:
    world = real_world(an_app(default_concurrency_limit=None))
    jobs = [world.begin("/echo", str(number)) for number in range(100)]
    world.finish(*jobs)
    assert [begun.job.result() for begun in jobs] == [str(number) for number in range(100)]
    assert world.pool.connections_made <= JOINS_AT_ONCE + 2
    world.close()


@pytest.mark.parametrize("given_up", ["settled", "abandoned", "overdue"])
def test_a_job_that_ends_while_its_join_waits_for_its_turn_does_not_hold_up_the_others(given_up: str) -> None:
    world = joining(*[[2.0, accepted(f"e{number + 1}")] for number in range(JOINS_AT_ONCE + 2)],
                    streams=[[STREAM, *[completed(f"e{number + 1}", "v") for number in range(40)]]])  # fmt: skip
    first = [world.begin("/echo", "x") for _ in range(JOINS_AT_ONCE)]
    gone = world.begin("/echo", "x", deadline=1.0 if given_up == "overdue" else None)
    last = [world.begin("/echo", "x") for _ in range(2)]
    world.runner.settle()
    assert len(join_times(world)) == JOINS_AT_ONCE
    assert gone.task is not None
    if given_up == "settled":
        gone.job.cancel()
    elif given_up == "abandoned":
        world.runner.cancel(gone.task)
    world.finish(*first, gone, *last)
    assert [begun.job.result() for begun in [*first, *last]] == ["v"] * (JOINS_AT_ONCE + 2)
    assert isinstance(gone.job.outcome, Failed if given_up == "overdue" else Cancelled)
    assert join_times(world) == [0.0] * JOINS_AT_ONCE + [2.0] * 2
    world.close()


def test_a_job_that_is_cancelled_before_it_is_joined_again_ends_its_flow_at_once() -> None:
    world = joining([http(429, b"", "retry-after: 50")], max_retries=5)
    begun = world.begin("/echo", "x")
    world.runner.settle()
    begun.job.cancel()
    world.finish(begun)
    assert (world.runner.now, len(join_times(world))) == (0.0, 1)
    world.close()


# Defects.


def test_a_defect_in_the_conversion_of_a_value_ends_that_job_alone() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e1", "v"), completed("e2", "w")]])
    begun, sibling = world.begin("/echo", "x"), world.begin("/double", "y")

    def convert(_: Any) -> Any:
        raise ZeroDivisionError("oops")

    begun.job._convert = convert
    with pytest.raises(GradioError, match="an internal error ended the job") as caught:
        world.result(begun)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert world.result(sibling) == "w"
    world.close()


def test_a_defect_of_the_flow_ends_the_job_in_an_error_and_is_raised() -> None:
    world = joining()
    begun = world.make("/echo", "x")
    begun.job.payload = None  # type: ignore[assignment]
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    world.runner.run_until(begun.task.is_done)
    assert isinstance(begun.task.error, TypeError)
    assert begun.endings == 1
    with pytest.raises(GradioError, match="an internal error ended the job") as caught:
        begun.job.result()
    assert caught.value.__cause__ is begun.task.error
    world.close()


def test_a_settled_job_and_its_result_are_freed_without_the_garbage_collector() -> None:
    class Value:
        pass

    world = joining(streams=[[STREAM, generating("e1", "v"), completed("e1", "w")]])
    begun = world.begin("/echo", "x")
    begun.job._convert = lambda _: Value()
    world.finish(begun)
    assert begun.job.on_settled == []
    job, value = weakref.ref(begun.job), weakref.ref(begun.job.result())
    assert isinstance(value(), Value)
    gc.collect()
    gc.disable()
    try:
        world.jobs.clear()
        begun.job.on_news.clear()  # what this test watches it with
        del begun
        assert job() is None
        assert value() is None
    finally:
        gc.enable()
    world.close()


# Following.


def test_whoever_follows_every_event_is_woken_by_each() -> None:
    world = joining(
        streams=[[STREAM, 1.0, generating("e1", [0]), 1.0, generating("e1", []), 1.0, completed("e1", [0])]]
    )
    begun = world.begin("/count", 1)
    world.runner.run_until(lambda: begun.job.state is JobState.QUEUED)
    seen: list[float] = []
    assert begun.job.journal is not None
    journal = begun.job.journal
    for number in (1, 2):
        world.run(
            follow(
                world.state,
                begun.live,
                begun.job,
                lambda number=number: begun.job.is_settled or journal.end >= number,  # type: ignore[misc]
                every_event=True,
            )
        )
        seen.append(world.runner.now)
    assert seen == [1.0, 2.0]
    assert world.result(begun) == [0]
    assert len(begun.job.on_news) == 1
    world.close()


def test_the_baton_goes_to_whoever_waits() -> None:
    world = joining(streams=[[STREAM, 1.0, completed("e1", "a"), 1.0, completed("e2", "b")]])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x", deadline=50.0)
    assert world.result(one) == "a"
    assert world.runner.now == 1.0
    assert world.result(two) == "b"
    assert isinstance(one.live.retired, Signal)
    world.close()


def test_a_slow_reply_is_no_reason_to_wait_longer_than_read() -> None:
    world = joining([60.0], timeouts=Timeouts(read=3.0))
    error = failure(world, world.begin("/echo", "x", deadline=50.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase) == ("read", "sent_unknown")
    world.close()


# Jobs that have not joined when their session is lost.


def sessions_joined(world: World) -> list[str]:
    return [
        json.loads(asked.body)["session_hash"]
        for asked in world.server.asked
        if asked.path.endswith("/queue/join")
    ]


LOST = [STREAM, 1.0, CLOSE]


def test_a_job_that_waits_for_a_slot_joins_another_session_than_the_one_that_was_lost() -> None:
    world = joining(streams=[LOST, [STREAM, completed("e2", "v"), completed("e3", "w")]], slots=1)
    one, two, three = world.begin("/echo", "a"), world.begin("/echo", "b"), world.begin("/echo", "c")
    assert isinstance(failure(world, one), ConnectionLost)
    world.finish(two, three)
    assert (two.job.result(), three.job.result()) == ("v", "w")
    assert sessions_joined(world) == ["session1", "session2", "session2"]
    assert two.job.session_hash == "session2"
    assert world.begin("/echo", "d").live is two.live.now_of(two.job)
    assert one.live.retired.is_set
    assert not one.live.open_jobs
    world.close()


def test_a_job_that_waits_for_its_turn_to_join_does_so_too() -> None:
    waiting = [[accepted("e0")], *[[2.0, accepted(f"e{number}")] for number in range(1, JOINS_AT_ONCE + 1)]]
    world = joining(*waiting, streams=[LOST])
    first = world.begin("/echo", "x")
    world.runner.settle()
    begun = [world.begin("/echo", "x") for _ in range(JOINS_AT_ONCE + 1)]
    world.server.handler.joins.append([accepted("late")])
    world.server.handler.streams.append([STREAM, completed("late", "v")])
    world.finish(first, *begun)
    assert [type(each.job.outcome) for each in begun] == [Failed] * JOINS_AT_ONCE + [Completed]
    assert sessions_joined(world) == ["session1"] * (JOINS_AT_ONCE + 1) + ["session2"]
    assert not first.live.session.joining
    world.close()


def test_a_join_that_is_sent_again_is_sent_to_another_session() -> None:
    answers = [[accepted("e1")], [0.5, http(503, b"", "retry-after: 2")], [accepted("e2")]]
    world = joining(*answers, streams=[LOST, [STREAM, completed("e2", "v")]], max_retries=1)
    one, two = world.begin("/echo", "a"), world.begin("/echo", "b")
    world.finish(one, two)
    assert isinstance(one.job.outcome, Failed)
    assert two.job.result() == "v"
    assert sessions_joined(world) == ["session1", "session1", "session2"]
    assert not one.live.session.joining
    world.close()


def moved(*said: Any, version: str = "6.31.0", leaves: bool = False) -> tuple[World, Begun]:
    """A job that the server has accepted, in another session than the one that it was added to; its caller may leave
    before what it leaves behind."""
    world = joining(streams=[LOST, [STREAM, *said]], version=version, slots=1)
    one, two = world.begin("/echo", "a"), world.make("/count", 2)
    over = Signal()
    flow = carry_to(over, world.state, two.live, two.job) if leaves else call(world.state, two.live, two.job)
    two.task = world.spawn(flow)
    if leaves:
        world.spawn(see_out(over, world.state, two.live, two.job))
    until(world, lambda: two.job.event_id is not None)
    world.runner.settle()
    assert one.job.is_settled
    return world, two


def test_a_job_that_has_moved_is_cancelled_where_it_is() -> None:
    world, begun = moved(generating("e2", [0]))
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    assert [body["session_hash"] for body in told(world)] == ["session2"]
    world.finish(begun)
    world.close()


@pytest.mark.parametrize("leaves", [False, True])
def test_the_orphan_of_a_job_that_has_moved_is_seen_off_where_it_is(leaves: bool) -> None:
    world, begun = moved(version="5.49.1", leaves=leaves)
    assert abandon(world.state, begun.live, begun.job) is None
    world.runner.settle()
    world.say(event(msg="process_starts", event_id="e2", eta=None))
    world.finish(begun)
    world.runner.settle()
    assert not world.runner.tasks
    assert [body["session_hash"] for body in told(world)] == ["session2"]
    world.close()


def test_a_job_that_moves_and_ends_before_it_joins_leaves_nothing_behind() -> None:
    world = joining(streams=[LOST, [STREAM, completed("e2", "v")]], slots=1)
    world.state.joins = Slots(1)
    one, two = world.begin("/echo", "a"), world.begin("/echo", "b")
    world.runner.settle()
    hurdle = Signal()
    assert world.state.joins.take(hurdle)
    assert isinstance(failure(world, one), ConnectionLost)
    world.runner.settle()
    two.job.cancel()
    world.finish(two)
    assert not world.state.open_jobs
    assert sessions_joined(world) == ["session1"]
    world.state.joins.release(hurdle, held=True)
    world.close()


@pytest.mark.parametrize("name", ["rendered", "chunks", "heartbeat"])
def test_a_job_that_means_what_lives_in_its_session_stays_there(name: str) -> None:
    app = chunk_app() if name == "chunks" else stateful_app() if name == "heartbeat" else an_app()
    world = scripted_world(GradioScript(app, streams=[[STREAM, 600.0]]), slots=1)
    if name == "heartbeat":
        assert world.state.app.config.connect_heartbeat
    one = world.begin("/echo", "a")
    world.runner.settle()
    if name == "rendered":
        one.live.session.rendered.take({"layout": {}, "components": [], "dependencies": []}, 1)
    two = world.begin(*(("/gather", "word") if name == "chunks" else ("/echo", "b")))
    failure(world, one)  # its stream has fallen silent
    until(world, lambda: two.job.event_id is not None)
    assert sessions_joined(world) == ["session1", "session1"]
    assert two.live.now_of(two.job) is two.live
    world.close()
