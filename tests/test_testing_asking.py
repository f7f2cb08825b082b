"""The queue of a test app that is of Gradio 4.0, over its streams. That of 3.x is the same, over WebSockets: see
``test_testing_sockets``. What real servers said is in ``test_testing_conversations``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from testing_simulation import Answer, World

from gradio_proto.testing import Component, TestApp


def make(*, faithful_defects: bool = True, **options: Any) -> World:
    world = World()
    app = TestApp(**{"version": "4.0.2", **options})

    @app.endpoint()
    def echo(x: str) -> str:
        world.sleep(1)
        return x

    @app.endpoint()
    def count(n: int) -> Iterator[int]:
        for i in range(n):
            world.sleep(1)
            yield i

    app.endpoint("stop", inputs=[], outputs=[], queue=False, cancels=["/echo", "/count"])(lambda: None)

    @app.endpoint(inputs=["text"], outputs=["text"], batch=True, max_batch_size=2)
    def double(xs: list[str]) -> list[list[str]]:
        return [[x * 2 for x in xs]]

    total = Component("state", value=0)

    @app.endpoint(inputs=[total], outputs=["number", total])
    def tally(n: int) -> tuple[int, int]:
        return n + 1, n + 1

    world.use(app, faithful_defects=faithful_defects)
    return world


def join(world: World, fn_index: Any = 0, session: str = "s", data: Any = None) -> Answer:
    given = "" if data is None else f"&data={quote(json.dumps(data))}"
    return world.request("GET", f"/queue/join?fn_index={fn_index}&session_hash={session}{given}", headers=())


def told(answer: Answer) -> list[Any]:
    return [json.loads(piece.decode().removeprefix("data: ")) for piece in answer.pieces]


def kinds(answer: Answer) -> list[str]:
    return [message["msg"] for message in told(answer)]


def give(world: World, answer: Answer, *data: Any, fn_index: Any = 0, session: str = "s") -> Answer:
    """Answer the last ``send_data``."""
    event_id = [message["event_id"] for message in told(answer) if message["msg"] == "send_data"][-1]
    body = {"data": data, "fn_index": fn_index, "session_hash": session, "event_id": event_id}
    return world.request("POST", "/queue/data", json.dumps(body).encode())


def test_a_job() -> None:
    world = make()
    answer = join(world)
    assert kinds(answer) == ["estimation", "send_data"]
    assert give(world, answer, "x").body == b"null"
    assert give(world, answer, "x").status == 500  # nobody asks any more
    world.run()
    assert kinds(answer) == ["estimation", "send_data", "process_starts", "process_completed"]
    assert told(answer)[-1]["output"]["data"] == ["x"]
    assert answer.ended


def test_data_that_came_with_the_join() -> None:
    world = make()
    answer = join(world, data=["x"])
    assert kinds(answer) == ["estimation", "process_starts"]
    world.run()
    assert told(answer)[-1]["output"]["data"] == ["x"]
    for wrong in ("{", '"x"'):
        target = f"/queue/join?fn_index=0&session_hash=s&data={quote(wrong)}"
        assert world.request("GET", target, headers=()).status == 500


def test_data_that_comes_too_late() -> None:
    world = make()
    answer, other = join(world), join(world, 0, "t")
    world.run(5.0)
    assert kinds(answer) == ["estimation", "send_data"]
    assert answer.ended
    assert kinds(other)[-1] == "send_data"
    assert give(world, answer, "x").status == 500


def test_each_function_has_its_own_limit() -> None:
    world = make()
    answers = [join(world), join(world, 0, "t"), join(world, 1, "u")]
    assert [kinds(answer)[-1] for answer in answers] == ["send_data", "estimation", "send_data"]
    assert told(answers[1])[0]["rank"] == 0
    give(world, answers[0], "x")
    world.run(1.0)
    estimation = told(join(world, 0, "v"))[0]
    assert estimation["rank_eta"] == estimation["avg_event_process_time"] == 1.0


def test_a_session_has_its_state() -> None:
    world = make()
    for expected in (1.0, 2.0):
        answer = join(world, 5)
        give(world, answer, None, fn_index=5)
        world.run()
        assert told(answer)[-1]["output"]["data"] == [expected, None]


def test_whoever_leaves_is_not_served() -> None:
    world = make()
    asked = world.connect()
    world.request("GET", "/queue/join?fn_index=0&session_hash=s", headers=(), conn=asked)
    waiting = world.connect()
    world.request("GET", "/queue/join?fn_index=0&session_hash=t", headers=(), conn=waiting)
    following = join(world, 0, "u")
    world.disconnect(waiting)
    world.disconnect(asked)
    world.run(0.0)
    assert kinds(following)[-1] == "send_data"


def test_a_reset_job_ends_without_a_word() -> None:
    world = make()
    answer = join(world, 1)
    event_id = told(answer)[-1]["event_id"]
    give(world, answer, 5, fn_index=1)
    body = json.dumps({"event_id": event_id}).encode()
    assert world.request("POST", "/reset", body).body == b'{"success":false}'
    world.run(1.5)
    assert world.request("POST", "/reset", body).body == b'{"success":true}'
    assert kinds(answer)[-1] == "process_generating"
    assert answer.ended
    world.run(9.0)
    assert world.stopped == [event_id]


def test_a_cancelled_job_says_nothing_and_goes_on() -> None:
    world = make()
    answer, following = join(world, 1), join(world, 1, "t")
    give(world, answer, 5, fn_index=1)
    world.run(1.5)
    body = {"data": [], "fn_index": 3, "session_hash": "s"}
    cancelled = world.request("POST", "/run/predict", json.dumps(body).encode())
    world.run(9.0)
    assert cancelled.status == 200
    assert kinds(answer)[-1] == "process_generating"
    assert not answer.ended
    assert kinds(following)[-1] == "send_data"


@pytest.mark.parametrize(("faithful", "beats"), [(True, 1), (False, 4)])
def test_a_stream_has_one_heartbeat(faithful: bool, beats: int) -> None:
    world = make(faithful_defects=faithful)
    answer = join(world, 1)
    give(world, answer, 70, fn_index=1)
    world.run(61.0)
    assert kinds(answer).count("heartbeat") == beats
    world.run(80.0)
    assert answer.ended


def test_a_batch_stops_everything() -> None:
    world = make()
    assert kinds(join(world, 4)) == ["estimation"]
    assert kinds(join(world, 0, "t")) == ["estimation"]
    world.run(60.0)


def test_a_batch_that_works() -> None:
    world = make(faithful_defects=False)
    answer = join(world, 4)
    give(world, answer, "a", fn_index=4)
    world.run()
    assert told(answer)[-1]["output"]["data"] == ["aa"]


def test_a_server_that_stops_ends_what_runs() -> None:
    world = make()
    answer, waiting = join(world), join(world, 0, "t")
    give(world, answer, "x")
    world.stop()
    world.run(9.0)
    assert kinds(answer)[-1] == "process_completed"
    assert answer.ended
    assert kinds(waiting) == ["estimation"]
    assert kinds(join(world, 0, "u")) == ["estimation"]


def test_many_sessions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_proto.testing.queueing.SESSIONS", 1)
    world = make()
    first = join(world, 1)
    give(world, first, 3, fn_index=1)
    for session in "tu":
        answer = join(world, 5, session)
        give(world, answer, None, fn_index=5, session=session)
        world.run(world.now)
    world.run(9.0)
    assert kinds(first)[-1] == "process_completed"


def test_components_of_3_36_stream_nothing() -> None:
    with pytest.raises(ValueError, match=r"3\.50\.2 and later do"):
        TestApp(version="3.36.1").endpoint(outputs=[Component("audio", streaming=True)])(lambda: b"")
