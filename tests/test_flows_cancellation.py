"""Every flow, given up at every effect that it asks for: nobody else may notice, and nothing may be left behind."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from scripted import Begun, World, an_app, make_state, real_world, stateful_app

from gradio_proto.files import FileInput
from gradio_proto.flows.calls import call, cancel
from gradio_proto.flows.connect import connect
from gradio_proto.flows.heartbeat import heartbeat
from gradio_proto.flows.upload import PIECE
from gradio_proto.job import JobState
from gradio_proto.testing import ServerProtocol, TestApp
from gradio_proto.testing.files import File
from gradio_proto.testing.memory import MemoryTask

MOST = 200
"""More effects than any of these flows asks for."""


class Foreign(BaseException):
    """An exception of the caller's world."""


def give_up(world: World, task: MemoryTask[Any], steps: int, throws: bool) -> bool:
    """End a flow at its effect number ``steps``; False if it never gets there."""
    world.runner.run_until(lambda: task.done or task.steps >= steps, world.runner.now + 60)
    if task.done or task.steps < steps:
        return False
    world.runner.cancel(task, Foreign() if throws else None)
    assert task.done
    assert isinstance(task.error, Foreign) if throws else task.error is None
    return True


def at_every_effect(conversation: Callable[[int], bool], at_least: int) -> None:
    """Hold a conversation again and again, each time given up one effect later."""
    for steps in range(1, MOST):
        if not conversation(steps):
            assert steps > at_least
            return
    raise AssertionError("the flow asks for ever more effects")


def goes_on(world: World, *siblings: tuple[Begun, Any]) -> None:
    """The siblings get their values, the session takes new jobs, and nothing is left behind."""
    for begun, value in siblings:
        assert world.result(begun) == value
        assert begun.news_after_end == 0
    assert world.result(world.begin("/echo", "next")) == "next"
    for begun in world.jobs:
        assert begun.endings == 1
        assert not begun.live.session.joining
        assert not begun.live.session.jobs
    world.close()


@pytest.mark.parametrize("throws", [False, True])
def test_connecting(throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = World(ServerProtocol(an_app()), make_state())
        task = world.spawn(connect(world.state))
        if not give_up(world, task, steps, throws):
            return False
        world.connect()
        goes_on(world)
        return True

    at_every_effect(conversation, 8)


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("name", ["/count", "/double"])
@pytest.mark.parametrize("place", ["first", "last", "alone", "behind"])
@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "6.31.0"])
def test_calling(version: str, place: str, name: str, throws: bool) -> None:
    app = an_app(version, default_concurrency_limit=None)
    argument, value = (4, [0, 1, 2, 3]) if name == "/count" else ("x", "xx")

    def conversation(steps: int) -> bool:
        world = real_world(app, slots=2 if place == "behind" else None)
        begun = None
        siblings = []
        if place == "first":
            begun = world.begin(name, argument)
        if place != "alone":
            siblings = [(world.begin("/count", 5), [0, 1, 2, 3, 4]), (world.begin(name, argument), value)]
        begun = begun or world.begin(name, argument)
        assert begun.task is not None
        if not give_up(world, begun.task, steps, throws):
            return False
        goes_on(world, *siblings)
        return True

    at_every_effect(conversation, 5)


def stoppable_app(version: str) -> TestApp:
    """An app with an event that cancels ``/count``, which servers before ``/cancel`` need."""
    app = an_app(version)

    @app.endpoint("/stop", cancels=["/count"])
    def stop() -> None:
        pass

    return app


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "5.49.1", "6.31.0"])
def test_cancelling(version: str, throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = real_world(stoppable_app(version))
        sibling = world.begin("/double", "x")
        begun = world.begin("/count", 500)
        world.runner.run_until(lambda: begun.job.state is JobState.RUNNING)
        task = world.spawn(cancel(world.state, begun.live, begun.job))
        if not give_up(world, task, steps, throws):
            return False
        world.finish(begun)
        goes_on(world, (sibling, "xx"))
        return True

    at_every_effect(conversation, 2)


@pytest.mark.parametrize("throws", [False, True])
def test_hanging_up(throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = real_world(an_app("4.13.0"))
        begun = world.begin("/count", 500)
        world.runner.run_until(lambda: begun.job.state is JobState.RUNNING)
        task = world.spawn(cancel(world.state, begun.live, begun.job))
        if not give_up(world, task, steps, throws):
            return False
        world.finish(begun)
        goes_on(world)
        return True

    at_every_effect(conversation, 1)


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("version", ["4.13.0", "4.44.1"])
def test_seeing_an_orphan_off(version: str, throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = real_world(stoppable_app(version))
        busy, begun = world.begin("/count", 3), world.begin("/count", 500)
        sibling = world.begin("/double", "x")
        world.runner.run_until(lambda: begun.live.session.hears(begun.job) and busy.job.rank == 0)
        assert begun.task is not None
        before = begun.task.steps
        begun.job.cancel()
        begun.live.session.disown(begun.job)
        if not give_up(world, begun.task, before + steps, throws):
            return False
        goes_on(world, (sibling, "xx"), (busy, [0, 1, 2]))
        return True

    at_every_effect(conversation, 2)


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "5.49.1", "6.31.0"])
def test_calling_when_the_job_was_cancelled_while_it_joined(version: str, throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = real_world(an_app(version))
        sibling = world.begin("/double", "x")
        begun = world.begin("/count", 3)
        world.runner.run_until(lambda: begun.job.state is JobState.JOINING)
        world.run(cancel(world.state, begun.live, begun.job))
        assert begun.task is not None
        if not give_up(world, begun.task, begun.task.steps + steps, throws):
            return False
        goes_on(world, (sibling, "xx"))
        return True

    at_every_effect(conversation, 1)


@pytest.mark.parametrize("throws", [False, True])
def test_the_heartbeat(throws: bool) -> None:
    def conversation(steps: int) -> bool:
        world = real_world(stateful_app())
        task = world.spawn(heartbeat(world.state, world.state.session()))
        sibling = world.begin("/count", 3)
        if steps > 12 or not give_up(world, task, steps, throws):
            return False
        goes_on(world, (sibling, [0, 1, 2]))
        return True

    at_every_effect(conversation, 6)


def test_a_call_that_never_took_its_first_step_has_done_nothing() -> None:
    world = real_world()
    begun = world.make("/echo", "x")
    task = world.spawn(call(world.state, begun.live, begun.job))
    world.runner.cancel(task)
    # A generator that was not begun cannot clean up: whoever made the job ends it, as a client does in close().
    assert begun.job.state is JobState.NEW
    assert begun.endings == 0
    begun.job.cancel()
    goes_on(world)


def moving() -> TestApp:
    """``/move`` takes a file and gives one."""
    app = an_app()

    @app.endpoint("/move", inputs=["file"], outputs=["file"])
    def move(file: File) -> File:
        return File("y.bin", file.data)

    return app


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_moving_files(known: bool, throws: bool) -> None:
    data = b"x" * (2 * PIECE)
    app = moving()

    def conversation(steps: int) -> bool:
        world = real_world(app)
        sibling = world.begin("/count", 5)
        stream = BytesIO(data)
        file = FileInput(data, "bytes", "x.bin") if known else FileInput(stream, "stream", "x.bin")
        begun = world.begin("/move", file, fetch=True)
        assert begun.task is not None
        if not give_up(world, begun.task, steps, throws):
            return False
        assert all(file.closed for file in world.runner.open_files)
        assert not stream.closed  # it is its owner's
        goes_on(world, (sibling, [0, 1, 2, 3, 4]))
        return True

    at_every_effect(conversation, 25)
