"""The heartbeat: held open for as long as its session, tried again for as long as the server is away."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import (
    CLOSE,
    END,
    STREAM,
    Asked,
    GradioScript,
    World,
    chunk,
    http,
    real_world,
    scripted_world,
    stateful_app,
)

from gradio_proto.effects import Signal
from gradio_proto.flows.heartbeat import heartbeat

ALIVE = chunk(b"data: ALIVE\n\n")


class Beats(GradioScript):
    """Answers successive heartbeats so, and then holds the last one open."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(stateful_app())
        self.answers = iter(answers)

    def __call__(self, asked: Asked) -> Any:
        if "/heartbeat/" in asked.path:
            return next(self.answers, [STREAM, *[ALIVE, 15.0] * 100])
        return super().__call__(asked)


def times(world: World) -> list[float]:
    return [asked.time for asked in world.server.asked if "/heartbeat/" in asked.path]


def begin(world: World) -> Any:
    live = world.state.session()
    return live, world.spawn(heartbeat(world.state, live))


def test_it_is_held_open_and_ends_with_the_session() -> None:
    world = real_world(stateful_app())
    live, task = begin(world)
    assert not world.runner.run_until(task.is_done, 200.0)
    assert world.pool.connections_made == 1
    live.retired.set()
    assert world.runner.run_until(task.is_done, 201.0)
    world.runner.settle()
    assert world.runner.now == 200.0
    assert isinstance(live.retired, Signal)
    world.close()


def test_a_session_that_has_gone_before_it_began() -> None:
    world = scripted_world(Beats())
    live = world.state.session()
    live.retired.set()
    world.run(heartbeat(world.state, live))
    assert times(world) == []


def test_it_is_tried_again_when_it_is_lost() -> None:
    world = scripted_world(Beats([STREAM, ALIVE, CLOSE], [STREAM, END], [CLOSE], [http(503)]))
    _, task = begin(world)
    world.runner.run_until(task.is_done, 100.0)
    assert times(world) == [0, 0.5, 1.5, 3.5, 7.5]
    world.close()


def test_a_page_is_no_sign_of_life() -> None:
    pages = [[http(200, b"<html>", content_type="text/html")]] * 8
    world = scripted_world(Beats(*pages))
    _, task = begin(world)
    world.runner.run_until(task.is_done, 200.0)
    assert times(world) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 95.5]
    world.close()


def test_a_sign_of_life_makes_pauses_short_again() -> None:
    world = scripted_world(Beats([CLOSE], [CLOSE], [STREAM, ALIVE, CLOSE], [CLOSE]))
    _, task = begin(world)
    world.runner.run_until(task.is_done, 10.0)
    assert times(world) == [0, 0.5, 1.5, 2.0, 3.0]
    world.close()


def test_silence_is_a_loss() -> None:
    world = scripted_world(Beats([STREAM, ALIVE, 600.0]))
    _, task = begin(world)
    world.runner.run_until(task.is_done, 60.0)
    assert times(world) == [0, 45.5]
    world.close()


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_without_that_route_is_left_alone(status: int) -> None:
    world = scripted_world(Beats([http(status)]))
    _, task = begin(world)
    assert world.runner.run_until(task.is_done, 60.0)
    assert times(world) == [0]
    world.close()


@pytest.mark.parametrize("answer", [CLOSE, STREAM])
def test_a_session_that_ends_while_the_server_is_away(answer: Any) -> None:
    world = scripted_world(Beats([5.0, answer]))
    live, task = begin(world)
    world.runner.run_until(task.is_done, 1.0)
    live.retired.set()
    assert world.runner.run_until(task.is_done, 60.0)
    assert (times(world), world.runner.now) == ([0], 5.0)
    world.close()


def test_its_loss_ends_no_job() -> None:
    world = real_world(stateful_app())
    _, task = begin(world)
    world.runner.settle()
    begun = world.begin("/count", 5)
    world.turn(20)
    beat = world.runner.streams[0]
    beat.break_off()
    world.server.connection_lost(beat.number)
    assert world.result(begun) == [0, 1, 2, 3, 4]
    assert not task.done
    world.close()
