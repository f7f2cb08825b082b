"""Jobs on connections of their own: the WebSocket of 3.x, and the event stream of 4.0 to 4.8, said by a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from scripted import (
    CLOSE,
    END,
    HEARTBEAT,
    STREAM,
    Asked,
    Begun,
    GradioScript,
    World,
    chunk,
    failure,
    http,
    scripted_world,
    stateful_app,
    until,
)
from scripted import event as sse
from talking import ESTIMATION, HEAR, NORMAL, SEND_DATA, SEND_HASH, STARTS, Talks, returned, served, yielded
from wsproto.events import CloseConnection, Pong

from gradio_proto.carriers import Carrier, carrier_of
from gradio_proto.effects import Receive, Send, Sleep
from gradio_proto.errors import (
    AppError,
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    JobCancelled,
    LimitExceeded,
    QueueError,
    RemoteProtocolError,
    ServerStopped,
)
from gradio_proto.events import Cancelled, Completed
from gradio_proto.flows.calls import abandon, call, cancel
from gradio_proto.flows.state import CONVERSATIONS_AT_ONCE, Slots
from gradio_proto.flows.streams import BURST
from gradio_proto.job import JobState
from gradio_proto.limits import Limits
from gradio_proto.timeouts import Timeouts

WS = {"protocol": None, "version": "3.50.2", "enable_queue": True}
SSE = {"protocol": "sse", "version": "4.0.2"}


def world_of(
    *talks: Any,
    config: dict[str, Any] | None = None,
    others: dict[str, Any] | None = None,
    cancels: Sequence[str] = (),
    **options: Any,
) -> World:
    """A 3.x server that says these talks; a world of ``sse`` if ``config`` says so."""
    app = stateful_app("4.13.0")
    config = {**(config or WS)}
    if cancels:
        made = app.config("http://app")
        indices = [i for i, dep in enumerate(made["dependencies"]) if dep["api_name"] in cancels]
        event = {**made["dependencies"][0], "api_name": "stop", "cancels": indices}
        config["dependencies"] = [*made["dependencies"], event]
    said = Talks(*talks)
    script = GradioScript(app, config=config, others={"/queue/join": said, **(others or {})})
    world = scripted_world(script, **options)
    world.talks = said  # type: ignore[attr-defined]
    return world


def make(world: World, name: str, *args: Any, shared: bool = False, **options: Any) -> Begun:
    state = world.state
    carrier = carrier_of(state.app.config, state.app.resolve(name).dependency)
    of = state.session() if shared else None
    begun = world.make(name, *args, live=state.session_of_its_own(carrier, "queue/join", of=of), **options)
    assert begun.job.journal is not None
    begun.job.journal.diffs = False
    return begun


def begin(world: World, name: str = "/echo", *args: Any, **options: Any) -> Begun:
    begun = make(world, name, *(args or ("x",)), **options)
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    return begun


def heard(world: World) -> list[list[dict[str, Any]]]:
    return world.talks.heard  # type: ignore[attr-defined,no-any-return]


def is_over(world: World) -> bool:
    """Whether no connection is busy, and everything that was taken has been given back."""
    assert not world.pool._busy
    assert world.state.conversations._free == CONVERSATIONS_AT_ONCE
    world.close()
    return True


# The way of 3.x.


def test_a_job_on_a_websocket() -> None:
    world = world_of(served(returned("X")))
    begun = begin(world, "/echo", "é")
    assert world.result(begun) == "X"
    (upgrade,) = [asked for asked in world.server.asked if asked.path == "/queue/join"]
    assert upgrade.headers["x-gradio-user"] == "api"
    assert upgrade.headers["sec-websocket-version"] == "13"
    session_hash = begun.live.session.hash
    assert heard(world) == [
        [
            {"fn_index": 0, "session_hash": session_hash},
            {
                "data": ["é"],
                "event_data": None,
                "fn_index": 0,
                "session_hash": session_hash,
                "trigger_id": None,
            },
        ]
    ]
    assert begun.job.event_id is None
    assert begun.job.session_hash == session_hash
    assert [event.code for event in world.talks.events] == [1000]  # type: ignore[attr-defined]
    assert is_over(world)


def test_the_callers_headers_go_with_the_handshake() -> None:
    world = world_of(served(returned("X")), headers=(("x-mine", "1"), ("x-gradio-user", "me")))
    world.result(begin(world, headers=(("x-mine", "2"),)))
    upgrade = world.server.asked[-1]
    assert (upgrade.headers["x-mine"], upgrade.headers["x-gradio-user"]) == ("2", "me")


def test_a_cookie_goes_with_the_handshake_until_it_expires() -> None:
    for seconds, sent in ((59, "a=1"), (61, None)):
        world = world_of(served(returned("X")))
        world.state.cookies.store(["a=1; Max-Age=60"], "/", 0.0)
        world.runner.now = seconds
        assert world.result(begin(world)) == "X"
        assert world.server.asked[-1].headers.get("cookie") == sent
        assert is_over(world)


def test_a_generator_sends_whole_values() -> None:
    world = world_of(served(yielded([1]), yielded([1, 2]), returned([1, 2], is_generating=True)))
    begun = begin(world, "/count", 2)
    assert world.result(begun) == [1, 2]
    assert begun.outputs == [[1], [1, 2]]


def test_an_event_that_skips_the_queue() -> None:
    """``every=``: no estimation."""
    world = world_of([SEND_HASH, HEAR, SEND_DATA, HEAR, STARTS, yielded("a"), yielded("b")])
    begun = begin(world)
    until(world, lambda: begun.outputs == ["a", "b"])
    begun.told_off = True
    assert world.run(cancel(world.state, begun.live, begun.job, force=True)).cancelled
    world.finish(begun)
    assert is_over(world)


def test_inputs_are_given_once() -> None:
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, SEND_DATA, 1.0, returned("X"), NORMAL])
    assert world.result(begin(world)) == "X"
    assert len(heard(world)[0]) == 2


def test_an_error_of_the_app() -> None:
    failed = {"msg": "process_completed", "output": {"error": "'bad'"}, "success": False}
    world = world_of(served(failed))
    error = failure(world, begin(world))
    assert isinstance(error, AppError)
    assert error.message == "bad"
    assert is_over(world)


def test_pings_are_answered_while_a_job_waits() -> None:
    ping = b"\x89\x04abcd"
    world = world_of(
        [SEND_HASH, HEAR, ESTIMATION, 20.0, ping, 20.0, ping, 20.0, SEND_DATA, HEAR, returned("X")]
    )
    assert world.result(begin(world)) == "X"
    assert world.talks.events[:2] == [Pong(payload=b"abcd")] * 2  # type: ignore[attr-defined]


def test_a_silent_server_is_pinged_and_lives() -> None:
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS, 3600.0, returned("X"), NORMAL])
    begun = begin(world)
    world.finish(begun, within=4000)
    assert begun.job.result() == "X"


def test_a_dead_server_is_given_up() -> None:
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS], timeouts=Timeouts(idle=50))
    begun = begin(world)
    until(world, lambda: begun.job.state is JobState.RUNNING)
    world.server.upgraded.clear()  # it answers nothing any more
    world.server._buffers.clear()
    error = failure(world, begun)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.retryable) == ("idle", "stream_lost", False)
    assert "the server was silent for 50 s, and did not answer a ping" in str(error)
    assert 50 <= world.runner.now < 51
    assert is_over(world)


def test_without_an_idle_timeout_silence_is_no_death() -> None:
    world = world_of(
        [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, 9999.0, returned("X")], timeouts=Timeouts(idle=None)
    )
    begun = begin(world)
    world.finish(begun, within=10_001)
    assert begun.job.result() == "X"


@pytest.mark.parametrize(("patience", "write", "read"), [(None, 7.0, 9.0), (3.0, 3.0, 3.0)])
def test_no_wait_for_the_network_has_no_end(patience: float | None, write: float, read: float) -> None:
    """What is sent has as long as a write may take, and the answer to the handshake as long as a read."""
    for config in (WS, SSE):
        talk = served(returned("X"))
        if config is WS:
            world = world_of(talk, timeouts=Timeouts(connect=5.0, write=7.0, read=9.0, idle=None))
        else:
            world, _ = sse_world(
                [ESTIMATED, ASKED],
                [BEGUN, sse(**returned("X")), END],
                timeouts=Timeouts(connect=5.0, write=7.0, read=9.0, idle=None),
            )
        connected = len(world.runner.effects)
        begun = begin(world, deadline=patience)
        assert world.result(begun) == "X"
        assert world.runner.now < 0.1
        effects = world.runner.effects[connected:]
        sent = {effect.deadline for effect in effects if isinstance(effect, Send)}
        received = [effect.deadline for effect in effects if isinstance(effect, Receive)]
        assert sent == {write}
        assert received[0] == read
        assert is_over(world)


# How a job is refused, or lost.


@pytest.mark.parametrize(
    ("talk", "cls", "phase"),
    [
        ([SEND_HASH, HEAR, {"msg": "queue_full"}, NORMAL], QueueError, None),
        ([SEND_HASH, HEAR, CLOSE], ConnectionLost, "not_sent"),
        ([CLOSE], ConnectionLost, "not_sent"),
        ([SEND_HASH, HEAR, NORMAL], ConnectionLost, "not_sent"),
        ([SEND_HASH, HEAR, CloseConnection(code=1012)], ServerStopped, "not_sent"),
        ([SEND_HASH, HEAR, CloseConnection(code=1008, reason="no\x1b")], ConnectionLost, "not_sent"),
        ([SEND_HASH, HEAR, ESTIMATION, CLOSE], ConnectionLost, "not_sent"),
        ([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, CLOSE], ConnectionLost, "stream_lost"),
        ([SEND_HASH, HEAR, ESTIMATION, CloseConnection(code=1012)], ServerStopped, "not_sent"),
        ([SEND_HASH, HEAR, ESTIMATION, CloseConnection(code=1012), CLOSE], ServerStopped, "not_sent"),
        (
            [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, CloseConnection(code=1011)],
            ConnectionLost,
            "stream_lost",
        ),
        ([SEND_HASH, HEAR, b"\x83\x00"], RemoteProtocolError, None),
        ([SEND_HASH, HEAR, ESTIMATION, b"\x83\x00"], RemoteProtocolError, None),
        ([{"msg": 1}], RemoteProtocolError, None),
        ([SEND_HASH, HEAR, ESTIMATION, {"no": "message"}], RemoteProtocolError, None),
        ([SEND_HASH, HEAR, ESTIMATION, {**STARTS, "event_id": "another"}], RemoteProtocolError, None),
        ([SEND_HASH, HEAR, ESTIMATION, {"msg": "unexpected_error", "message": "oh"}], ConnectionLost, None),
        ([SEND_HASH, HEAR, ESTIMATION, {"msg": "close_stream"}, CLOSE], ConnectionLost, "not_sent"),
    ],
)
def test_a_job_that_is_not_done(talk: list[Any], cls: type[GradioError], phase: str | None) -> None:
    world = world_of(talk)
    error = failure(world, begin(world))
    assert type(error) is cls
    assert "\x1b" not in str(error)
    if phase is not None:
        assert error.phase == phase
        assert error.retryable is (phase == "not_sent")
    assert is_over(world)


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        ([SEND_HASH, HEAR, {"msg": "queue_full"}, NORMAL], "the app's queue is full"),
        ([SEND_HASH, HEAR, NORMAL], "closed the connection, and has not taken the job"),
        ([SEND_HASH, HEAR, CloseConnection(code=1012)], "the server is stopping"),
        ([SEND_HASH, HEAR, ESTIMATION, {**STARTS, "event_id": "another"}], "a message for another job"),
    ],
)
def test_an_error_says_what_happened(talk: list[Any], words: str) -> None:
    world = world_of(talk)
    assert words in str(failure(world, begin(world)))
    assert is_over(world)


def test_a_message_for_another_job_is_quoted() -> None:
    world = world_of([SEND_HASH, HEAR, ESTIMATION, {**STARTS, "event_id": "another"}])
    error = failure(world, begin(world))
    assert isinstance(error, RemoteProtocolError)
    assert json.loads(error.data)["event_id"] == "another"


def test_a_close_of_the_servers_is_told_with_its_code_and_reason() -> None:
    for frame, words in (
        (CloseConnection(code=1008, reason="no\x1b"), "with 1008 no\\x1b"),
        (CloseConnection(code=1011), "with 1011"),
    ):
        world = world_of([SEND_HASH, HEAR, frame])
        assert f"the server closed the WebSocket {words} (" in str(failure(world, begin(world)))


def test_a_job_that_somebody_else_has_cancelled() -> None:
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS, yielded("a"), NORMAL])
    begun = begin(world)
    assert isinstance(failure(world, begun), JobCancelled)
    assert begun.job.outcome.by_server  # type: ignore[union-attr]


def refused(*head: Any) -> dict[str, Any]:
    return {"/queue/join": lambda asked: [*head]}


@pytest.mark.parametrize(
    ("answer", "cls", "words"),
    [
        (http(403, b"", content_type=None), AuthenticationError, "login"),
        (http(401, b'{"detail": "Not authenticated"}'), AuthenticationError, "login"),
        (http(500, b"Internal Server Error", content_type="text/plain"), HTTPStatusError, "answered 500"),
        (http(200, b"{}"), HTTPStatusError, "answered 200"),
        (
            http(200, b"<html>", content_type="text/html"),
            HTTPStatusError,
            "text/html where a WebSocket was expected: <html>",
        ),
    ],
)
def test_a_handshake_that_is_refused(answer: bytes, cls: type[GradioError], words: str) -> None:
    world = world_of(others=refused(answer))
    error = failure(world, begin(world))
    assert type(error) is cls
    assert "/queue/join" in str(error)
    assert words in str(error)
    assert is_over(world)


def test_a_handshake_that_is_not_answered() -> None:
    world = world_of(others={"/queue/join": []})
    error = failure(world, begin(world))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, error.retryable) == ("read", "not_sent", True)
    assert is_over(world)


def test_a_handshake_for_something_else() -> None:
    head = b"HTTP/1.1 101 Whatever\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n"
    world = world_of(others=refused(head))
    assert isinstance(failure(world, begin(world)), RemoteProtocolError)


def test_a_call_is_repeated_where_the_caller_says_so() -> None:
    world = world_of([SEND_HASH, HEAR, CLOSE], served(returned("X")), max_retries=2)
    assert world.result(begin(world)) == "X"
    assert len(heard(world)) == 2


def test_a_message_that_is_too_long() -> None:
    world = world_of(served(returned("x" * 300)), limits=Limits(sse_message_bytes=200))
    assert isinstance(failure(world, begin(world)), LimitExceeded)


def test_what_came_before_the_end_counts() -> None:
    """A ping and the result in one piece, from a server that is gone when the ping is to be answered."""
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, b"\x89\x00", returned("X"), CLOSE])
    assert world.result(begin(world)) == "X"


def test_what_comes_after_the_result_is_no_matter() -> None:
    log = {"msg": "log", "log": "late", "level": "info"}
    world = world_of(served(returned("X"), log, b"\x89\x00"))
    begun = begin(world)
    assert world.result(begun) == "X"
    assert world.runner.now < 0.01
    assert isinstance(world.talks.events[-1], CloseConnection)  # type: ignore[attr-defined]


def test_a_server_that_never_closes_is_left() -> None:
    endless = [returned("X"), *[step for _ in range(50) for step in (0.01, b"\x89\x00")]]
    world = world_of([SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, *endless])
    assert world.result(begin(world)) == "X"
    assert world.runner.now < 0.1
    assert is_over(world)


def test_a_burst_lets_others_have_their_turn() -> None:
    world = world_of(served(*[yielded(i) for i in range(300)], returned("X")), served(returned("Y")))
    first, second = begin(world), begin(world)
    assert (world.result(first), world.result(second)) == ("X", "Y")
    assert len(first.outputs) == 300
    # Once in a while: to give way after each message would slow down whoever has nobody beside it.
    assert len([effect for effect in world.runner.effects if isinstance(effect, Sleep)]) == 300 // BURST


# Sessions.


def test_a_function_with_state_runs_once_at_a_time_in_a_session() -> None:
    world = world_of(*[served(returned("X", None)) for _ in range(3)], served(returned("Y")))
    first, second = (begin(world, "/remember", "x", shared=True) for _ in range(2))
    other = begin(world, "/echo", "y", shared=True)
    until(world, lambda: len(heard(world)) >= 2)
    assert len(heard(world)) == 2  # the second waits
    world.finish(first, second, other)
    hashes = {said[0]["session_hash"] for said in heard(world)}
    assert hashes == {world.state.session().session.hash}
    assert all(slots._free == 1 for slots in world.state.session().turns.values())
    assert is_over(world)


def test_a_job_that_is_cancelled_while_it_waits_for_its_turn() -> None:
    world = world_of(
        [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS, 30.0, returned("X", None), NORMAL]
    )
    first, second = (begin(world, "/remember", "x", shared=True) for _ in range(2))
    until(world, lambda: first.job.state is JobState.RUNNING)
    second.told_off = True
    assert world.run(cancel(world.state, second.live, second.job)).cancelled
    world.finish(second)
    assert world.result(first) == "X"
    assert len(heard(world)) == 1
    assert is_over(world)


def test_so_many_connections_and_no_more() -> None:
    world = world_of(*[served(1.0, returned("X")) for _ in range(3)])
    world.state.conversations = Slots(2)
    jobs = [begin(world) for _ in range(3)]
    until(world, lambda: len(heard(world)) == 2)
    assert world.runner.now < 1
    world.finish(*jobs)
    assert world.runner.now >= 2


# Cancelling.


@pytest.mark.parametrize(
    "talk",
    [
        served(yielded("a"), returned("X")),
        [SEND_HASH, HEAR, ESTIMATION, b"\x89\x00", SEND_DATA, HEAR, returned("X"), NORMAL],
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_job_that_is_cancelled_at_any_moment_ends_once(talk: list[Any], whole: bool) -> None:
    for steps in range(1, 60):
        pieces = (lambda data: (data,)) if whole else bytewise
        world = world_of([*talk], cancels=["count"], others={"/run/predict": [http(200)]})
        world.runner._split = pieces
        begun = begin(world, "/count", 3)
        begun.told_off = True
        world.turn(steps)
        begun.job.cancel()
        world.finish(begun, within=10)
        assert is_over(world)


def bytewise(data: bytes) -> Iterable[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def test_a_job_that_is_cancelled_in_its_handshake_is_over_at_once() -> None:
    world = world_of(others={"/queue/join": []})
    begun = begin(world)
    until(world, lambda: "/queue/join" in world.server.paths())
    begun.told_off = True
    assert world.run(cancel(world.state, begun.live, begun.job)).cancelled
    world.finish(begun, within=1)
    assert is_over(world)


def running(world: World, name: str = "/count", **options: Any) -> Begun:
    begun = begin(world, name, 3, **options)
    until(world, lambda: begun.job.state is JobState.RUNNING)
    begun.told_off = True
    return begun


RUNNING: list[Any] = [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS]


def test_closing_the_connection_cancels() -> None:
    world = world_of(RUNNING)
    begun = running(world)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    assert report.reason.startswith("the job's connection was closed: a job that waits leaves the queue")
    assert "stops at its next value, and a function that runs" in report.reason
    assert report.reason.endswith("goes on to its end")
    world.finish(begun)
    assert isinstance(failure(world, begun), JobCancelled)
    assert is_over(world)


@pytest.mark.parametrize("answer", [http(200, b'{"data": []}'), http(500, b"no")])
def test_the_apps_own_event_makes_room(answer: bytes) -> None:
    world = world_of(RUNNING, cancels=["count"], others={"/run/predict": [answer]})
    begun = running(world)
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    (asked,) = [asked for asked in world.server.asked if asked.path == "/run/predict"]
    assert json.loads(asked.body) == {"data": [], "fn_index": 4, "session_hash": begun.live.session.hash}
    assert ("own event" in report.reason) is answer.startswith(b"HTTP/1.1 200")


def test_the_apps_own_event_is_not_used_where_it_would_end_another() -> None:
    world = world_of(RUNNING, RUNNING, cancels=["count", "echo"], others={"/run/predict": [http(200)]})
    first = running(world, shared=True)
    running(world, "/echo", shared=True)
    report = world.run(cancel(world.state, first.live, first.job))
    assert "connection was closed" in report.reason
    assert not world.server.paths("/run/predict")


def test_a_job_that_waits_or_joins() -> None:
    for talk, state in ((RUNNING[:3], JobState.QUEUED), (RUNNING[:1], JobState.JOINING)):
        world = world_of(talk, cancels=["count"])
        begun = begin(world, "/count", 3)
        until(world, lambda: begun.job.state is state)  # noqa: B023
        world.runner.settle()
        begun.told_off = True
        report = world.run(cancel(world.state, begun.live, begun.job))
        assert report.cancelled
        assert report.server_told is (state is JobState.QUEUED)
        world.finish(begun)
        assert not world.server.paths("/run/predict")
        assert is_over(world)


def test_a_plain_function_that_runs_is_not_given_up_without_force() -> None:
    world = world_of(RUNNING)
    begun = running(world, "/echo")
    assert not world.run(cancel(world.state, begun.live, begun.job)).cancelled
    assert world.run(cancel(world.state, begun.live, begun.job, force=True)).cancelled
    world.finish(begun)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.QUEUED])
def test_a_caller_who_goes(state: JobState) -> None:
    talk = RUNNING if state is JobState.RUNNING else RUNNING[:3]
    world = world_of(talk, cancels=["count"], others={"/run/predict": [http(200)]})
    begun = begin(world, "/count", 3)
    until(world, lambda: begun.job.state is state)
    begun.told_off = True
    telling = abandon(world.state, begun.live, begun.job)
    if telling is not None:
        world.run(telling)
    world.finish(begun)
    assert len(world.server.paths("/run/predict")) == (state is JobState.RUNNING)
    assert is_over(world)


def test_a_flow_that_is_given_up_closes_its_connection() -> None:
    for effects in range(1, 40):
        world = world_of(served(yielded("a"), returned("X")))
        begun = begin(world)
        begun.told_off = True
        world.turn(effects)
        assert begun.task is not None
        world.runner.cancel(begun.task)
        assert isinstance(begun.job.outcome, Cancelled | Completed)  # and did not lose its connection
        assert is_over(world)


def test_a_defect_of_ours_does_not_pass_for_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gradio_proto.flows.conversation._Conversation._take", stumbles)
    world = world_of(served(yielded("a"), returned("X")))
    begun = begin(world)
    assert begun.task is not None
    world.runner.run_until(begun.task.is_done, 60)
    assert isinstance(begun.task.error, ZeroDivisionError)
    with pytest.raises(GradioError, match="internal error"):
        begun.job.result()


@pytest.mark.parametrize("talk", [RUNNING, RUNNING[:3], RUNNING[:1], []])
def test_a_job_whose_time_is_up(talk: list[Any]) -> None:
    world = world_of(talk, cancels=["count"], others={"/run/predict": [http(200)]})
    begun = begin(world, "/count", 3, deadline=world.runner.now + 10)
    begun.told_off = True
    error = failure(world, begun)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase) == ("total", "accepted" if len(talk) > 2 else "not_sent")
    assert world.runner.now == pytest.approx(10)
    assert len(world.server.paths("/run/predict")) == (talk is RUNNING)
    assert is_over(world)


# The way of 4.0 to 4.8.


class Asking:
    """An ``sse`` server: what it says on its stream, and on what it is given."""

    def __init__(self, before: Iterable[Any], after: Iterable[Any], reply: bytes | None = None) -> None:
        self.before, self.after = before, after
        self.reply = http(200, b"null") if reply is None else reply
        self.world: World | None = None
        self.conn = -1
        self.given: list[dict[str, Any]] = []

    def join(self, asked: Asked) -> Iterable[Any]:
        self.conn = asked.conn
        return [STREAM, *self.before]

    def data(self, asked: Asked) -> Iterable[Any]:
        self.given.append(json.loads(asked.body))
        assert self.world is not None
        return [self.reply, lambda: self.world.server.say(self.conn, *self.after)]  # type: ignore[union-attr]


ESTIMATED = sse(**ESTIMATION)
ASKED = sse(msg="send_data", event_id="e1")
BEGUN = sse(msg="process_starts")


def sse_world(
    before: Iterable[Any], after: Iterable[Any] = (), *, reply: bytes | None = None, **options: Any
) -> tuple[World, Asking]:
    asking = Asking(before, after, reply)
    others = {"/queue/join": asking.join, "/queue/data": asking.data, **options.pop("others", {})}
    world = world_of(config=SSE, others=others, **options)
    asking.world = world
    return world, asking


def test_an_event_of_another_type_is_no_message() -> None:
    ping = chunk(b"event: ping\ndata: alive\n\n")
    world, _ = sse_world([ping, ESTIMATED, ASKED], [ping, BEGUN, ping, sse(**returned("X")), END])
    assert world.result(begin(world, "/echo", "x", shared=True)) == "X"
    assert is_over(world)


def test_a_job_on_an_event_stream() -> None:
    world, asking = sse_world([ESTIMATED, ASKED], [BEGUN, sse(**returned("X")), END])
    begun = begin(world, "/echo", "é", shared=True, headers=(("x-mine", "1"),))
    assert world.result(begun) == "X"
    assert [asked.headers["x-mine"] for asked in world.server.asked[-2:]] == ["1", "1"]
    session_hash = world.state.session().session.hash
    (join,) = [asked for asked in world.server.asked if asked.path == "/queue/join"]
    assert join.target == f"/queue/join?fn_index=0&session_hash={session_hash}"
    assert join.headers["accept"] == "text/event-stream"
    assert asking.given == [
        {
            "data": ["é"],
            "event_data": None,
            "fn_index": 0,
            "session_hash": session_hash,
            "trigger_id": None,
            "event_id": "e1",
        }
    ]
    assert begun.job.event_id == "e1"
    assert world.pool._idle  # the stream came to its end, and its connection can be used again
    assert is_over(world)


def test_silence_is_no_death_where_there_is_no_heartbeat() -> None:
    world, _ = sse_world(
        [HEARTBEAT, ESTIMATED, HEARTBEAT, 7200.0, ASKED], [BEGUN, 7200.0, sse(**returned("X")), END]
    )
    begun = begin(world)
    world.finish(begun, within=20_000)
    assert begun.job.result() == "X"


@pytest.mark.parametrize(
    ("before", "after", "reply", "cls", "phase"),
    [
        ([sse(msg="queue_full"), END], [], None, QueueError, None),
        ([END], [], None, ConnectionLost, "not_sent"),
        ([ESTIMATED, END], [], None, ConnectionLost, "not_sent"),
        ([ESTIMATED, ASKED], [END], None, ConnectionLost, "stream_lost"),
        ([ESTIMATED, ASKED], [BEGUN, CLOSE], None, ConnectionLost, "stream_lost"),
        ([ESTIMATED, ASKED], [], http(500, b"no", content_type="text/plain"), HTTPStatusError, None),
        ([ESTIMATED, sse(msg="send_data")], [], None, RemoteProtocolError, None),
        ([sse(msg="send_hash")], [], None, RemoteProtocolError, None),
        ([ESTIMATED, chunk(b"data: oops\n\n")], [], None, RemoteProtocolError, None),
        ([], [], None, DeadlineExceeded, "not_sent"),
    ],
)
def test_a_job_that_is_not_done_on_an_event_stream(
    before: list[Any], after: list[Any], reply: bytes | None, cls: type[GradioError], phase: str | None
) -> None:
    world, _ = sse_world(before, after, reply=reply)
    error = failure(world, begin(world))
    assert type(error) is cls
    if phase is not None:
        assert (error.phase, error.retryable) == (phase, phase == "not_sent")
    assert is_over(world)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ([sse(msg="send_hash")], "what only a WebSocket can answer"),
        ([ESTIMATED, sse(msg="send_data")], "the inputs of a job that it does not name"),
        ([ESTIMATED, END], "the server ended the stream before the job"),
        ([], "the server did not take the job in time"),
    ],
)
def test_an_error_says_what_happened_on_an_event_stream(before: list[Any], words: str) -> None:
    world, _ = sse_world(before)
    assert words in str(failure(world, begin(world)))
    assert is_over(world)


def test_inputs_that_are_asked_for_twice_on_an_event_stream_are_given_once() -> None:
    world, asking = sse_world([ESTIMATED, ASKED], [ASKED, BEGUN, sse(**returned("X")), END])
    assert world.result(begin(world)) == "X"
    assert len(asking.given) == 1


def test_a_page_in_the_place_of_an_event_stream() -> None:
    world, _ = sse_world([], others=refused(http(200, b"<h1>Sign in</h1>", content_type="text/html")))
    error = failure(world, begin(world))
    assert isinstance(error, HTTPStatusError)
    assert "text/html where an event stream was expected: <h1>Sign in</h1>" in str(error)
    assert "/queue/join" in str(error)
    assert is_over(world)


def test_a_job_whose_time_is_up_while_it_gives_its_inputs() -> None:
    world, _ = sse_world([ESTIMATED, ASKED], others={"/queue/data": []})
    begun = begin(world, deadline=world.runner.now + 3)
    begun.told_off = True
    error = failure(world, begun)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("total", 3)


def test_a_job_that_is_cancelled_at_any_moment_on_an_event_stream() -> None:
    for steps in range(1, 60):
        world, _ = sse_world(
            [ESTIMATED, ASKED],
            [BEGUN, sse(**yielded("o")), sse(**returned("X")), END],
            others={"/reset": [http(200, b'{"success": true}')]},
        )
        begun = begin(world, "/count", 3)
        begun.told_off = True
        world.turn(steps)
        begun.job.cancel()
        world.finish(begun, within=10)
        assert is_over(world)


def test_a_generator_that_was_not_reset() -> None:
    world, _ = sse_world([ESTIMATED, ASKED], [BEGUN], others={"/reset": [http(200, b'{"success": false}')]})
    begun = running(world, "/count")
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert report.reason.startswith("the job's connection was closed, which this server does not notice")
    assert "what runs goes on to its end, and what waits holds up a worker" in report.reason
    assert report.reason.endswith("and does not run")


def test_a_connection_that_cannot_be_closed() -> None:
    """Its flow is busy giving the inputs to a server that does not answer."""
    world, _ = sse_world([ESTIMATED, ASKED], others={"/queue/data": []})
    begun = begin(world)
    until(world, lambda: "/queue/data" in world.server.paths())
    begun.told_off = True
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    assert "still being read" in report.reason


def test_an_unknown_function() -> None:
    world, _ = sse_world(
        [], others={"/queue/join": [http(500, b"Internal Server Error", content_type="text/plain")]}
    )
    assert isinstance(failure(world, begin(world)), HTTPStatusError)


@pytest.mark.parametrize(("name", "is_reset"), [("/count", True), ("/echo", False)])
def test_a_generator_is_reset(name: str, is_reset: bool) -> None:
    world, _ = sse_world([ESTIMATED, ASKED], [BEGUN], others={"/reset": [http(200, b'{"success": true}')]})
    begun = running(world, name)
    report = world.run(cancel(world.state, begun.live, begun.job, force=True))
    assert (report.cancelled, report.server_told) == (True, is_reset)
    resets = [json.loads(asked.body) for asked in world.server.asked if asked.path == "/reset"]
    assert resets == ([{"event_id": "e1"}] if is_reset else [])
    world.finish(begun)
    assert is_over(world)


def test_a_job_that_waits_on_an_event_stream_is_left_to_its_server() -> None:
    world, _ = sse_world([ESTIMATED])
    begun = begin(world)
    until(world, lambda: begun.job.state is JobState.QUEUED)
    begun.told_off = True
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, False)
    world.finish(begun)
    assert is_over(world)


def test_what_carries_a_call() -> None:
    for config, expected in (
        (WS, Carrier.WEBSOCKET),
        ({**WS, "enable_queue": False}, Carrier.REPLY),
        (SSE, Carrier.EVENT_STREAM),
        ({"protocol": "sse_v1"}, Carrier.SHARED_STREAM),
    ):
        app = world_of(config=config).state.app
        dependency = app.resolve("/echo").dependency
        assert carrier_of(app.config, replace(dependency, queue=None)) is expected
        if expected in (Carrier.WEBSOCKET, Carrier.REPLY):  # each function may say for itself
            assert carrier_of(app.config, replace(dependency, queue=True)) is Carrier.WEBSOCKET
            assert carrier_of(app.config, replace(dependency, queue=False)) is Carrier.REPLY
