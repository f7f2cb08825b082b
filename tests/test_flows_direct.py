"""Jobs that go around the queue: one request to ``/run``, whose reply is the result."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from scripted import (
    CLOSE,
    Begun,
    GradioScript,
    World,
    failure,
    http,
    scripted_world,
    stateful_app,
    until,
)

from gradio_proto.carriers import Carrier
from gradio_proto.effects import Receive, Send
from gradio_proto.errors import (
    AppError,
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    JobCancelled,
    QueueError,
    RemoteProtocolError,
)
from gradio_proto.flows.calls import abandon, call, cancel
from gradio_proto.simple_api import RUN
from gradio_proto.status import Status
from gradio_proto.timeouts import Timeouts


def said(status: int, value: Any, *headers: str) -> bytes:
    return http(status, json.dumps(value).encode(), *headers)


def world_of(*answers: Iterable[Any], version: str = "3.50.2", **options: Any) -> World:
    replies = iter(answers)
    config = {"protocol": None, "version": version, "enable_queue": False}
    script = GradioScript(stateful_app("4.13.0"), config=config, others={f"/{RUN}": lambda _: next(replies)})
    return scripted_world(script, **options)


def begin(world: World, name: str = "/echo", *args: Any, shared: bool = False, **options: Any) -> Begun:
    of = world.state.session() if shared else None
    live = world.state.session_of_its_own(Carrier.REPLY, RUN, of=of)
    begun = world.make(name, *(args or ("x",)), live=live, **options)
    begun.task = world.spawn(call(world.state, live, begun.job))
    return begun


def is_over(world: World) -> bool:
    assert not world.pool._busy
    world.close()
    return True


def test_a_reply_is_the_result() -> None:
    world = world_of([said(200, {"data": ["X"], "is_generating": False, "duration": 0.1})])
    begun = begin(world, "/echo", "é", headers=(("x-mine", "1"),))
    assert world.result(begun) == "X"
    asked = world.server.asked[-1]
    assert (asked.method, asked.path, asked.headers["x-mine"]) == ("POST", "/run/predict", "1")
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body)["fn_index"] == 0
    assert json.loads(asked.body)["data"] == ["é"]
    assert begun.job.event_id is None
    assert is_over(world)


def test_state_lives_in_the_session_of_the_others() -> None:
    world = world_of(*[[said(200, {"data": ["X", None]})]] * 2)
    jobs = [begin(world, "/remember", "x", shared=True) for _ in range(2)]
    world.finish(*jobs)
    hashes = {json.loads(asked.body)["session_hash"] for asked in world.server.asked[-2:]}
    assert hashes == {world.state.session().session.hash}


def test_a_function_may_take_longer_than_a_reply_may() -> None:
    world = world_of([7200.0, said(200, {"data": ["X"]})])
    begun = begin(world)
    world.finish(begun, within=8000)
    assert begun.job.result() == "X"


@pytest.mark.parametrize(("patience", "write", "read"), [(None, 7.0, None), (3.0, 3.0, 3.0)])
def test_only_the_function_may_take_any_time(
    patience: float | None, write: float, read: float | None
) -> None:
    world = world_of([said(200, {"data": ["X"]})], timeouts=Timeouts(connect=5.0, write=7.0, read=9.0))
    connected = len(world.runner.effects)
    assert world.result(begin(world, deadline=patience)) == "X"
    effects = world.runner.effects[connected:]
    assert {effect.deadline for effect in effects if isinstance(effect, Send)} == {write}
    assert next(effect.deadline for effect in effects if isinstance(effect, Receive)) == read
    assert is_over(world)


@pytest.mark.parametrize(
    ("answer", "cls"),
    [
        (said(500, {"error": "'bad'"}), AppError),
        (said(500, {"error": None}), AppError),
        (said(500, {"detail": "no"}), HTTPStatusError),
        (said(500, ["no"]), HTTPStatusError),
        (http(500, b"Traceback: no", content_type="text/plain"), HTTPStatusError),
        (http(500, b"<html>", content_type="text/html"), HTTPStatusError),
        (said(401, {"detail": "Not authenticated"}), AuthenticationError),
        (said(401, {"detail": "Not authorized to skip the queue"}), HTTPStatusError),
        (
            said(404, {"detail": "This API endpoint does not accept direct HTTP POST requests."}),
            HTTPStatusError,
        ),
        (said(503, {"detail": "Queue is full."}), QueueError),
        (said(200, {"nothing": 1}), RemoteProtocolError),
        (said(200, []), RemoteProtocolError),
        (said(200, {"data": 1}), RemoteProtocolError),
        (http(200, b"oops"), RemoteProtocolError),
        (http(200, b"<html>", content_type="text/html"), HTTPStatusError),
        (said(200, {"data": ["x"]}, "content-encoding: br"), RemoteProtocolError),
        (CLOSE, ConnectionLost),
    ],
)
def test_what_is_no_result(answer: Any, cls: type[GradioError]) -> None:
    world = world_of([answer])
    assert type(failure(world, begin(world))) is cls
    assert is_over(world)


def test_an_error_says_what_the_app_said() -> None:
    world = world_of([said(500, {"error": "'bad thing'"})])
    assert failure(world, begin(world)).message == "bad thing"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(200, {"nothing": 1}), "the reply to /run/predict holds no data: {'nothing': 1}"),
        (http(200, b"oops"), "/run/predict is not valid JSON"),
        (said(404, {"detail": "no"}), "/run/predict answered 404"),
    ],
)
def test_an_error_names_the_route(answer: bytes, words: str) -> None:
    world = world_of([answer])
    assert words in str(failure(world, begin(world)))


def test_a_refusal_is_repeated_where_the_caller_says_so() -> None:
    busy = said(503, {"detail": "Queue is full."})
    world = world_of([busy], [said(200, {"data": ["X"]})], max_retries=1)
    assert world.result(begin(world)) == "X"


def test_a_caller_without_patience() -> None:
    world = world_of([])
    begun = begin(world, deadline=world.runner.now + 5)
    begun.told_off = True
    error = failure(world, begun)
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("total", 5)
    assert is_over(world)


def test_a_function_that_runs_is_given_up_only_by_force() -> None:
    world = world_of([])
    begun = begin(world)
    until(world, lambda: begun.job.code is Status.PROCESSING)
    begun.told_off = True
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (False, False)
    assert "force=True" in report.reason
    assert not begun.job.is_settled
    report = world.run(cancel(world.state, begun.live, begun.job, force=True))
    assert (report.cancelled, report.server_told) == (True, False)
    assert report.reason.startswith("nothing stops a function that was called around the queue")
    assert isinstance(failure(world, begun), JobCancelled)
    assert is_over(world)


def test_a_caller_who_goes() -> None:
    world = world_of([])
    begun = begin(world)
    until(world, lambda: begun.job.code is Status.PROCESSING)
    begun.told_off = True
    assert abandon(world.state, begun.live, begun.job) is None
    world.finish(begun)
    assert is_over(world)


def test_a_flow_that_is_given_up_closes_its_connection() -> None:
    for effects in range(1, 12):
        world = world_of([said(200, {"data": ["X"]})])
        begun = begin(world)
        begun.told_off = True
        world.turn(effects)
        assert begun.task is not None
        world.runner.cancel(begun.task)
        assert begun.job.is_settled
        assert is_over(world)


def test_a_job_that_is_cancelled_at_any_moment_ends_once() -> None:
    for steps in range(1, 20):
        world = world_of([said(200, {"data": ["X"]})])
        world.runner._split = lambda data: [data[at : at + 9] for at in range(0, len(data), 9)]
        begun = begin(world)
        begun.told_off = True
        world.turn(steps)
        begun.job.cancel()
        world.finish(begun, within=10)
        assert is_over(world)
