"""Reading a session's stream: opened when a job wants it, ended once, and every race around its end, by name."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import (
    CLOSE,
    CLOSE_STREAM,
    END,
    HEARTBEAT,
    STREAM,
    Begun,
    GradioScript,
    World,
    accepted,
    an_app,
    chunk,
    completed,
    event,
    generating,
    http,
    scripted_world,
    stateful_app,
    until,
)

from gradio_proto.effects import Connect, Sleep
from gradio_proto.errors import (
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    QueueError,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
)
from gradio_proto.flows.streams import BURST, ENDING_SECONDS, PROMPT_END_SECONDS, end_stream
from gradio_proto.limits import Limits
from gradio_proto.session import StreamState
from gradio_proto.testing import TestApp
from gradio_proto.testing.memory import MemoryStream, MemoryTask
from gradio_proto.timeouts import Timeouts


def failure(world: World, begun: Begun) -> GradioError:
    world.finish(begun)
    with pytest.raises(GradioError) as caught:
        begun.job.result()
    assert not caught.value.retryable  # the server had accepted it
    return caught.value


def streaming(*streams: Any, version: str = "6.31.0", joins: Any = (), **options: Any) -> World:
    """A world in which successive requests for the stream are answered so."""
    return scripted_world(GradioScript(an_app(version), streams=streams, joins=joins), **options)


def opened(world: World) -> int:
    return len(world.server.paths("/queue/data"))


def stream_times(world: World) -> list[float]:
    return [asked.time for asked in world.server.asked if asked.path.endswith("/queue/data")]


def test_a_job_alone() -> None:
    world = streaming([STREAM, event(msg="estimation", event_id="e1", rank=0, queue_size=1, rank_eta=None),
                       completed("e1", "v"), CLOSE_STREAM, END])  # fmt: skip
    assert world.result(world.begin("/echo", "x")) == "v"
    (asked,) = [asked for asked in world.server.asked if asked.path.endswith("/queue/data")]
    assert asked.target == "/gradio_api/queue/data?session_hash=session1"
    assert asked.headers["accept"] == "text/event-stream"
    world.close()


def test_three_jobs_share_one_stream() -> None:
    world = streaming()
    jobs = [world.begin("/echo", name) for name in "abc"]
    world.runner.settle()
    for name, value in (("e2", "b"), ("e3", "c"), ("e1", "a")):
        world.say(completed(name, value))
        world.turn(50)
    world.finish(*jobs)
    assert [begun.job.result() for begun in jobs] == ["a", "b", "c"]
    assert opened(world) == 1
    world.close()


def test_the_stream_is_opened_with_the_headers_of_the_call_that_has_some_and_was_accepted_first() -> None:
    world = streaming(headers=(("x-who", "client"), ("x-other", "client")))
    alone = world.begin("/echo", "a")
    world.runner.settle()
    jobs = [world.begin("/echo", "b"), world.begin("/echo", "c", headers=(("x-who", "1"), ("accept", "x")))]
    jobs.append(world.begin("/echo", "d", headers=(("x-who", "2"),)))
    world.runner.settle()
    script = world.server.handler
    script.streams.append([STREAM, *[completed(f"e{number}", "v") for number in (2, 3, 4)], END])
    world.say(completed("e1", "v"), CLOSE_STREAM, END)
    world.finish(alone, *jobs)
    script.streams.append([STREAM, completed("e5", "v"), CLOSE_STREAM, END])
    assert world.result(world.begin("/echo", "e")) == "v"
    streams = [asked.headers for asked in world.server.asked if asked.path.endswith("/queue/data")]
    assert [headers["x-who"] for headers in streams] == ["client", "1", "client"]
    assert {headers["x-other"] for headers in streams} == {"client"}
    assert {headers["accept"] for headers in streams} == {"text/event-stream"}
    world.close()


# Ends that cross joins.


def crossing(world: World, *end: bytes) -> None:
    """A first job's stream ends while a second job is joining; then its messages come on a new stream."""
    script = world.server.handler
    first = world.begin("/echo", "1")
    world.runner.settle()
    script.joins.append([1.0, accepted("e2")])
    second = world.begin("/echo", "2")
    third = world.begin("/echo", "3")  # joins at once, and the server ends the stream before it knows
    script.joins.append([accepted("e3")])
    world.runner.settle()
    world.say(completed("e1", "first"), *end)
    script.streams.append([STREAM, completed("e3", "third"), completed("e2", "second"), *end])
    world.finish(first, second, third)
    assert [begun.job.result() for begun in (first, second, third)] == ["first", "second", "third"]
    assert opened(world) == 2
    world.close()


def test_close_stream_crosses_a_new_join() -> None:
    crossing(streaming(), CLOSE_STREAM, END)


@pytest.mark.parametrize("version", ["4.13.0", "4.21.0"])
def test_the_end_of_the_body_crosses_a_new_join(version: str) -> None:
    crossing(streaming(version=version), END)


def test_close_stream_whose_end_never_comes_does_not_hold_up_the_next_job() -> None:
    script = GradioScript(
        an_app(),
        streams=[[STREAM, completed("e1", "v"), CLOSE_STREAM], [0.5, STREAM, completed("e2", "w")]],
    )
    world = scripted_world(script)
    assert world.result(world.begin("/echo", "x")) == "v"
    left = script.stream_conn
    begun = world.begin("/echo", "x")
    until(world, lambda: opened(world) == 2)
    assert world.runner.now == PROMPT_END_SECONDS
    assert left not in world.server.lost  # it is not closed while the server may be at it
    assert world.result(begun) == "w"
    world.runner.settle()
    assert left in world.server.lost
    assert world.runner.now == PROMPT_END_SECONDS + 0.5
    world.close()


@pytest.mark.parametrize("answer", [[http(500)], [CLOSE]])
def test_what_was_left_is_closed_though_the_next_stream_is_refused(answer: list[Any]) -> None:
    script = GradioScript(stateful_app(), streams=[[STREAM, CLOSE_STREAM], answer])
    world = scripted_world(script)
    begun = world.begin("/echo", "x")
    until(world, lambda: script.stream_conn >= 0)
    left = script.stream_conn
    assert isinstance(failure(world, begun), GradioError)
    world.runner.settle()
    assert left in world.server.lost
    assert begun.live.left is None
    world.close()


def test_a_stream_that_has_spoken_of_a_job_is_left_five_seconds_after_close_stream() -> None:
    world = streaming([STREAM, event(msg="process_starts", event_id="e1", eta=None), CLOSE_STREAM, 600.0])
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, ConnectionLost)
    assert world.runner.now == ENDING_SECONDS
    world.close()


def test_close_stream_and_then_a_broken_connection() -> None:
    world = streaming([STREAM, CLOSE_STREAM, CLOSE], [STREAM, completed("e1", "v")])
    assert world.result(world.begin("/echo", "x")) == "v"
    world.close()


def test_the_deadline_of_a_job_does_not_cut_the_five_seconds_of_its_siblings() -> None:
    started = event(msg="process_starts", event_id="e2", eta=None)
    world = streaming([STREAM, started, CLOSE_STREAM, 4.0, completed("e2", "v"), 600.0])
    hurried = world.begin("/echo", "x", deadline=2.0)
    patient = world.begin("/double", "x")
    world.finish(hurried, patient)
    assert isinstance(hurried.job.outcome.error, DeadlineExceeded)  # type: ignore[union-attr]
    assert patient.job.result() == "v"
    assert world.runner.now == 4.0
    world.close()


def test_a_second_silent_end_loses_the_job() -> None:
    world = streaming([STREAM, END], [STREAM, END])
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, ConnectionLost)
    assert error.phase == "stream_lost"
    assert opened(world) == 2
    world.close()


def test_an_end_after_the_jobs_own_messages_loses_it_at_once() -> None:
    world = streaming([STREAM, event(msg="process_starts", event_id="e1", eta=None), END])
    assert isinstance(failure(world, world.begin("/echo", "x")), ConnectionLost)
    assert opened(world) == 1
    world.close()


# Streams that break.


def test_a_stream_that_breaks_loses_its_jobs_and_not_the_next() -> None:
    world = streaming([STREAM, generating("e1", [0]), CLOSE], [STREAM, completed("e3", "ok")])
    one, two = world.begin("/count", 3), world.begin("/echo", "x")
    for begun in (one, two):
        assert isinstance(failure(world, begun), ConnectionLost)
    assert one.outputs == [[0]]
    assert world.result(world.begin("/echo", "x")) == "ok"
    assert opened(world) == 2
    world.close()


def test_a_stream_that_breaks_while_a_join_is_in_flight() -> None:
    world = streaming([STREAM, 1.0, CLOSE], joins=[[accepted("e1")], [2.0, accepted("e2")]])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    assert isinstance(failure(world, one), ConnectionLost)
    error = failure(world, two)
    assert isinstance(error, ConnectionLost)
    assert "while the job was joining" in str(error)
    assert world.runner.now == 2.0
    world.close()


@pytest.mark.parametrize(
    ("message", "fields", "cls"),
    [
        ("Server stopped unexpectedly.", {}, ServerStopped),
        ("404: Session not found.", {}, SessionLost),
        ("404: Not Found", {"session_not_found": True}, SessionLost),
        ("'0123456789abcdef'", {}, ConnectionLost),
    ],
)
def test_unexpected_error(message: str, fields: dict[str, Any], cls: type[ConnectionLost]) -> None:
    said = event(msg="unexpected_error", event_id=None, message=message, success=False, **fields)
    world = streaming([STREAM, *[said] * 20, 600.0], [STREAM, completed("e3", "ok")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    for begun in (one, two):
        assert type(failure(world, begun)) is cls
    world.runner.settle()
    assert world.server.handler.stream_conn in world.server.lost  # closed on the first, not drained
    assert world.result(world.begin("/echo", "x")) == "ok"
    world.close()


def test_a_job_that_is_silent_for_45_seconds() -> None:
    world = streaming([STREAM, 600.0])
    error = failure(world, world.begin("/echo", "x"))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now) == ("idle", "stream_lost", 45.0)
    world.close()


def test_heartbeats_keep_a_silent_job_alive() -> None:
    world = streaming([STREAM, *[15.0, HEARTBEAT] * 20, completed("e1", "v")])
    begun = world.begin("/echo", "x")
    world.finish(begun, within=400.0)
    assert (begun.job.result(), world.runner.now) == ("v", 300.0)
    world.close()


def test_silence_counts_only_while_somebody_reads() -> None:
    world = streaming([STREAM, completed("e1", "a"), 100.0, completed("e2", "b")])
    assert world.result(world.begin("/echo", "x")) == "a"
    world.runner.run_until(lambda: False, 99.0)
    assert world.result(world.begin("/echo", "x")) == "b"
    assert opened(world) == 1
    world.close()


def test_without_an_idle_deadline_silence_may_last() -> None:
    world = streaming([STREAM, 1000.0, completed("e1", "v")], timeouts=Timeouts(idle=None))
    begun = world.begin("/echo", "x")
    world.finish(begun, within=2000.0)
    assert begun.job.result() == "v"
    world.close()


# Malformed messages.


BAD = event(msg="process_completed", event_id="e1", output="not an object", success=True)


def test_a_malformed_message_ends_the_job_that_it_names_and_no_other() -> None:
    world = streaming([STREAM, BAD, BAD, completed("e2", "fine")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    error = failure(world, one)
    assert isinstance(error, RemoteProtocolError)
    assert "'output'" in str(error)
    world.finish(two)
    assert two.job.result() == "fine"
    world.close()


def test_a_malformed_early_message_ends_its_job_when_that_is_accepted() -> None:
    world = streaming(
        [STREAM, event(msg="log", event_id="e2", log=1, level="info"), completed("e1", "fine")],
        joins=[[accepted("e1")], [5.0, accepted("e2")]],
    )
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    assert isinstance(failure(world, two), RemoteProtocolError)
    assert one.job.result() == "fine"
    assert world.runner.now == 5.0
    world.close()


@pytest.mark.parametrize("said", [b"data: oops\n\n", b'data: {"msg": "log", "log": 1, "level": "info"}\n\n'])
def test_a_malformed_message_that_names_nobody_ends_them_all(said: bytes) -> None:
    world = streaming([STREAM, chunk(said), completed("e1", "never")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    for begun in (one, two):
        assert isinstance(failure(world, begun), RemoteProtocolError)
    assert one.live.session.stream is StreamState.CLOSED
    world.close()


def test_a_value_without_event_id() -> None:
    world = streaming([STREAM, completed(None, "mine")])
    assert world.result(world.begin("/echo", "x")) == "mine"
    world.close()


def test_a_value_without_event_id_and_two_jobs() -> None:
    world = streaming([STREAM, 1.0, completed(None, "whose")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    for begun in (one, two):
        assert "event_id" in str(failure(world, begun))
    world.close()


def test_a_value_without_event_id_and_a_job_that_joins() -> None:
    world = streaming(
        [STREAM, 1.0, completed(None, "whose"), 5.0, completed("e2", "mine")],
        joins=[[accepted("e1")], [3.0, accepted("e2")]],
    )
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    assert "event_id" in str(failure(world, one))
    assert world.result(two) == "mine"
    world.close()


def test_an_event_of_another_type_is_no_message() -> None:
    world = streaming([STREAM, chunk(b"event: ping\ndata: alive\n\n"), completed("e1", "v")])
    assert world.result(world.begin("/echo", "x")) == "v"
    world.close()


# Early messages.


def test_early_messages_before_the_join_reply() -> None:
    world = streaming(
        [STREAM, 1.0, generating("e2", [0]), completed("e2", [0, 1]), completed("e1", "a")],
        joins=[[accepted("e1")], [3.0, accepted("e2")]],
    )
    one, two = world.begin("/echo", "x"), world.begin("/count", 2)
    world.finish(one, two)
    assert (one.job.result(), two.job.result(), two.outputs) == ("a", [0, 1], [[0]])
    world.close()


def test_too_many_early_messages_end_their_job() -> None:
    said = [generating("e2", [number]) for number in range(5)]
    world = streaming(
        [STREAM, 1.0, completed("e2", "lost"), *said, completed("e1", "a")],
        joins=[[accepted("e1")], [3.0, accepted("e2")]],
        limits=Limits(orphan_messages=3),
    )
    one, two = world.begin("/echo", "x"), world.begin("/count", 2)
    assert isinstance(failure(world, two), LimitExceeded)
    assert one.job.result() == "a"
    world.close()


# Opening it.


@pytest.mark.parametrize(
    ("answer", "cls"),
    [
        ([http(500, b"Internal Server Error", content_type="text/plain")], HTTPStatusError),
        ([http(503, b"", "retry-after: 61")], HTTPStatusError),
        ([http(404, b'{"detail":"Not Found"}')], HTTPStatusError),
        ([http(502)], HTTPStatusError),
        ([http(504)], HTTPStatusError),
        ([http(200, b"<html>Log in</html>", content_type="text/html")], HTTPStatusError),
        ([http(200, b"{}", "content-encoding: gzip")], RemoteProtocolError),
        ([b"HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\n", 600.0], HTTPStatusError),
        ([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], RemoteProtocolError),
        ([CLOSE], ConnectionLost),
        ([b"HTTP/1.1 200", CLOSE], ConnectionLost),
        ([600.0], DeadlineExceeded),
    ],
)
def test_something_else_where_the_stream_should_be(answer: list[Any], cls: type[GradioError]) -> None:
    world = streaming(answer, [STREAM, completed("e2", "ok")])
    assert isinstance(failure(world, world.begin("/echo", "x")), cls)
    assert world.result(world.begin("/echo", "x")) == "ok"
    world.close()


@pytest.mark.parametrize("answer", [[CLOSE], [b"HTTP/1.1 200", CLOSE], [http(502)], [http(504)]])
@pytest.mark.parametrize("app", [an_app(), stateful_app()], ids=["plain", "state"])
def test_a_stream_that_may_have_been_opened_is_not_asked_for_again(app: TestApp, answer: list[Any]) -> None:
    """Its messages would be shared out between the two, and a call that misses its end would wait for ever."""
    world = scripted_world(GradioScript(app, streams=[answer, [STREAM, completed("e2", "v")]]))
    begun = world.begin("/echo", "x")
    error = failure(world, begun)
    assert ("new calls get a session of their own" in str(error)) is world.state.has_state
    assert getattr(error, "phase", None) == (None if isinstance(error, HTTPStatusError) else "stream_lost")
    assert opened(world) == 1
    after = world.begin("/echo", "y")
    assert world.result(after) == "v"
    assert after.live is not begun.live
    world.close()


def test_state_is_kept_where_the_server_has_answered_something_else() -> None:
    world = scripted_world(GradioScript(stateful_app(), streams=[[http(500), CLOSE]]))
    begun = world.begin("/echo", "x")
    assert "session of their own" not in str(failure(world, begun))
    assert world.state.live is begun.live
    world.close()


FULL = http(503, b'{"detail":"Queue is full. Max size is 1 and size is 1."}')


@pytest.mark.parametrize("answer", [FULL, http(503), http(429)])
def test_a_stream_that_is_put_off_is_asked_for_again(answer: bytes) -> None:
    world = streaming([answer], [answer], [STREAM, completed("e1", "v"), completed("e2", "w")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "y")
    world.finish(one, two)
    assert (one.job.result(), two.job.result()) == ("v", "w")
    assert stream_times(world) == [0, 0.5, 1.5]
    assert one.live.refusals == 0
    world.close()


@pytest.mark.parametrize(("max_retries", "times"), [(None, [0, 0.5, 1.5]), (1, [0, 0.5]), (0, [0])])
def test_but_not_for_ever_either(max_retries: int | None, times: list[float]) -> None:
    app = stateful_app()  # whose session, and its count of refusals, outlives the loss
    script = GradioScript(app, streams=[[FULL]] * len(times) * 2 + [[STREAM, completed("e3", "ok")]])
    world = scripted_world(script, max_retries=max_retries)
    for _ in range(2):
        begun = world.begin("/echo", "x")
        started = world.runner.now
        assert type(failure(world, begun)) is QueueError
        assert [time - started for time in stream_times(world)[-len(times) :]] == times
    assert world.result(world.begin("/echo", "x")) == "ok"
    world.close()


def test_a_stream_is_put_off_as_long_as_the_server_says() -> None:
    world = streaming([http(503, b"", "retry-after: 7")], [STREAM, completed("e1", "v")])
    assert world.result(world.begin("/echo", "x")) == "v"
    assert stream_times(world) == [0, 7]
    world.close()


@pytest.mark.parametrize("how", ["cancelled", "overdue"])
def test_who_leaves_while_the_stream_is_put_off_leaves_it_to_the_others(how: str) -> None:
    world = streaming([http(503, b"", "retry-after: 20")], [STREAM, completed("e2", "v")])
    one = world.begin("/echo", "x", deadline=3.0 if how == "overdue" else None)
    two = world.begin("/double", "y")
    world.runner.settle()
    if how == "cancelled":
        one.job.cancel()
    world.finish(one)
    assert world.runner.now == (0.0 if how == "cancelled" else 3.0)
    assert world.result(two) == "v"
    world.close()


def hanging(world: World) -> list[float | None]:
    """Let new connections hang from now on; the deadlines that they had."""
    runner, deadlines = world.runner, []  # type: ignore[var-annotated]
    perform = runner._perform

    def hang(task: MemoryTask[Any], effect: Any) -> None:
        if isinstance(effect, Connect):
            deadlines.append(effect.deadline)
            task.stream = MemoryStream(runner, -1)  # for which it times out
            runner._park(task, effect.deadline)
        else:
            perform(task, effect)

    runner._perform = hang  # type: ignore[method-assign]
    return deadlines


def hanging_up(*begun_with: float | None, **options: Any) -> tuple[World, list[Begun], list[float | None]]:
    """Jobs with these deadlines, accepted, whose stream cannot be asked for."""
    world = streaming([STREAM, completed("e1", "v"), completed("e2", "w")], **options)
    jobs = [world.begin("/echo", "x", deadline=deadline) for deadline in begun_with]
    world.runner.run_until(lambda: all(begun.job.event_id is not None for begun in jobs))
    for stream in world.runner.streams:
        stream.break_off()
    return world, jobs, hanging(world)


def test_the_deadline_of_a_job_passes_while_its_stream_is_asked_for() -> None:
    world, (hurried, patient), deadlines = hanging_up(2.0, None)
    world.runner.run_until(lambda: world.runner.now >= 2.0, 2.0)
    del world.runner._perform
    world.finish(hurried)
    assert hurried.job.outcome.error.kind == "total"  # type: ignore[union-attr]
    assert deadlines == [2.0]
    assert world.result(patient) == "w"
    assert opened(world) == 1
    world.close()


def test_a_connection_that_takes_too_long_is_an_error_of_the_stream() -> None:
    world, (one, two), deadlines = hanging_up(100.0, 100.0, timeouts=Timeouts(connect=4.0))
    for begun in (one, two):
        error = failure(world, begun)
        assert isinstance(error, DeadlineExceeded)
        assert (error.kind, error.phase, world.runner.now) == ("connect", "stream_lost", 4.0)
    assert deadlines[0] == 4.0
    world.close()


@pytest.mark.parametrize("head", [STREAM, http(503)])
def test_the_deadline_of_a_job_passes_while_the_head_is_awaited(head: bytes) -> None:
    world = streaming([5.0, head, completed("e2", "w")], [STREAM, completed("e2", "w")])
    hurried, patient = world.begin("/echo", "x", deadline=2.0), world.begin("/double", "y")
    error = failure(world, hurried)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("total", 2.0)
    assert world.result(patient) == "w"
    assert opened(world) == (1 if head is STREAM else 2)
    world.close()


def test_a_job_that_is_cancelled_while_the_head_is_awaited_wakes_its_reader() -> None:
    world = streaming([5.0, STREAM, completed("e2", "w")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "y")
    world.runner.settle()
    one.job.cancel()
    world.finish(one)
    assert world.runner.now == 0.0
    assert world.result(two) == "w"
    assert opened(world) == 1
    world.close()


def test_a_job_that_is_cancelled_while_nobody_answers_ends_its_flow_at_once() -> None:
    world = streaming([STREAM, completed("e2", "w")])
    one = after_the_join(world)
    world.runner.settle()
    one.job.cancel()
    world.finish(one)
    assert world.runner.now == 0.0
    assert one.live.session.stream is StreamState.CLOSED
    world.runner.refuses = False
    assert world.result(world.begin("/echo", "y")) == "w"
    world.close()


# Streams that have told all they had to.

STOPPED = event(msg="unexpected_error", event_id=None, message="Server stopped unexpectedly.")


@pytest.mark.parametrize("end", [[CLOSE], [STOPPED], [STOPPED, CLOSE], [chunk(b"data: oops\n\n")], [END]])
def test_whatever_ends_a_spent_stream_spares_the_jobs_that_came_later(end: list[Any]) -> None:
    world = streaming([STREAM, completed("e1", "a"), 5.0, *end], [STREAM, completed("e2", "b")])
    assert world.result(world.begin("/echo", "x")) == "a"
    assert world.result(world.begin("/echo", "y")) == "b"
    assert (opened(world), world.runner.now) == (2, 5.0)
    assert world.state.live is not None
    assert world.state.live.session.streams_lost == 0
    world.close()


@pytest.mark.parametrize(("end", "cls"), [(CLOSE, ConnectionLost), (STOPPED, ServerStopped)])
def test_a_stream_that_speaks_of_a_newer_job_is_spent_no_more(end: Any, cls: type[GradioError]) -> None:
    world = streaming([STREAM, completed("e1", "a"), 1.0, generating("e2", [0]), end])
    assert world.result(world.begin("/echo", "x")) == "a"
    one, two = world.begin("/count", 1), world.begin("/echo", "y")
    for begun in (one, two):
        assert type(failure(world, begun)) is cls
    assert opened(world) == 1
    world.close()


def test_a_second_stream_that_says_nothing_loses_them() -> None:
    world = streaming([STREAM, completed("e1", "a"), 1.0, STOPPED], [STREAM, STOPPED])
    assert world.result(world.begin("/echo", "x")) == "a"
    assert type(failure(world, world.begin("/echo", "y"))) is ServerStopped
    assert opened(world) == 2
    world.close()


# Sessions whose stream was lost.


@pytest.mark.parametrize("has_state", [False, True])
def test_a_session_whose_stream_was_lost_is_left_unless_it_holds_state(has_state: bool) -> None:
    app = stateful_app() if has_state else an_app()
    script = GradioScript(app, streams=[[STREAM, CLOSE], [STREAM, completed("e2", "v")]])
    world = scripted_world(script)
    lost = world.begin("/echo", "x")
    assert isinstance(failure(world, lost), ConnectionLost)
    assert lost.live.retired.is_set is not has_state
    begun = world.begin("/echo", "y")
    assert (begun.live is lost.live) is has_state
    assert world.result(begun) == "v"
    world.close()


@pytest.mark.parametrize("silence", [[600.0], [STREAM, 600.0]])
def test_a_session_whose_stream_fell_silent_is_left_whatever_it_holds(silence: list[Any]) -> None:
    script = GradioScript(stateful_app(), streams=[silence, [STREAM, completed("e2", "v")]])
    world = scripted_world(script)
    lost = world.begin("/echo", "x")
    error = failure(world, lost)
    assert isinstance(error, DeadlineExceeded)
    assert "without what the app has kept" in str(error)
    begun = world.begin("/echo", "y")
    assert begun.live.session.hash != lost.live.session.hash
    assert world.result(begun) == "v"
    world.close()


def test_a_login_page_instead_of_a_stream_is_quoted() -> None:
    world = streaming([http(200, b"<html>Log in</html>", content_type="text/html")])
    assert "Log in" in str(failure(world, world.begin("/echo", "x")))


@pytest.mark.parametrize("status", [404, 500])
def test_a_page_that_refuses_a_stream_is_told_from_an_event_stream(status: int) -> None:
    world = streaming([http(status, b"<html>No</html>", content_type="text/html")])
    error = failure(world, world.begin("/echo", "x"))
    assert f"/queue/data answered {status} with text/html where an event stream was expected" in str(error)
    world.close()


def after_the_join(world: World, again: float | None = None) -> Begun:
    """A call whose stream finds nobody there, for a while."""
    begun = world.begin("/echo", "x")
    world.runner.run_until(lambda: begun.job.event_id is not None)
    for stream in world.runner.streams:
        stream.break_off()
    world.runner.refuses = True
    if again is not None:
        world.runner.run_until(lambda: False, again)
        world.runner.refuses = False
    return begun


def test_the_stream_is_opened_again_when_nobody_answered() -> None:
    world = streaming([STREAM, completed("e1", "v")])
    begun = after_the_join(world, 0.4)
    assert world.result(begun) == "v"
    assert world.runner.now == 0.5
    world.close()


def test_but_not_for_ever() -> None:
    world = streaming()
    error = failure(world, after_the_join(world))
    assert isinstance(error, ConnectionLost)
    assert "could not be opened" in str(error)
    assert (error.phase, world.runner.now) == ("stream_lost", 1.5)
    world.close()


def test_and_only_as_often_as_the_caller_says() -> None:
    world = streaming(max_retries=0)
    failure(world, after_the_join(world))
    assert world.runner.now == 0.0
    world.close()


def test_a_long_burst_lets_others_have_their_turn() -> None:
    said = [generating("e1", [number]) for number in range(2 * BURST + 1)]
    world = streaming([STREAM, b"".join(said), completed("e1", "end")], version="4.13.0")
    begun = world.begin("/count", 1)
    assert world.result(begun) == "end"
    assert len(begun.outputs) == 2 * BURST + 1
    assert sum(isinstance(effect, Sleep) for effect in world.runner.effects) == 2
    world.close()


def test_so_does_a_long_burst_of_what_is_for_nobody() -> None:
    malformed = event(msg="process_completed", event_id="e9", output="not an object", success=True)
    said = [HEARTBEAT, malformed, completed("e9", "late")] * BURST
    world = streaming([STREAM, b"".join(said), completed("e1", "v")])
    assert world.result(world.begin("/echo", "x")) == "v"
    assert sum(isinstance(effect, Sleep) for effect in world.runner.effects) == 3
    world.close()


def test_ending_a_stream_that_is_not_there() -> None:
    world = streaming()
    live = world.state.session()
    end_stream(live)
    assert live.session.stream is StreamState.CLOSED


# Readers who go.


def test_a_reader_whose_job_ends_hands_the_stream_on() -> None:
    world = streaming([STREAM, 10.0, completed("e2", "v")])
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    world.runner.settle()
    one.job.cancel()
    world.finish(one)
    assert world.runner.now == 0.0
    assert world.result(two) == "v"
    assert opened(world) == 1
    world.close()


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\n", 5.0, b"something"],
        [5.0, http(500, b"something")],
    ],
)
def test_a_reader_who_goes_while_the_stream_opens_hands_it_on(answer: list[Any]) -> None:
    world = streaming(answer)
    one, two = world.begin("/echo", "x"), world.begin("/double", "x")
    world.runner.settle()
    assert one.task is not None
    world.runner.cancel(one.task)
    error = failure(world, two)
    assert isinstance(error, HTTPStatusError)
    assert "something" in str(error)
    assert (opened(world), world.runner.now) == (1, 5.0)
    world.close()


def test_a_reader_who_goes_before_the_stream_is_requested() -> None:
    world = streaming([STREAM, completed("e2", "v")])
    one = after_the_join(world)
    world.runner.settle()  # it waits for its next attempt
    assert one.live.session.stream is StreamState.OPENING
    assert one.task is not None
    world.runner.cancel(one.task)
    assert one.live.session.stream is StreamState.CLOSED
    world.runner.refuses = False
    assert world.result(world.begin("/echo", "x")) == "v"
    world.close()
