"""Without ``faithful_defects`` a server of any version does none of what ``spec/defects.md`` records, as far as
such a server shows it at all. (The cases that the other tests of the server have in both ways are not repeated.)"""

from __future__ import annotations

import json
from typing import Any

import defect_scenes as scenes
import pytest
from defect_scenes import Scene

from gradio_proto.testing import TestApp
from gradio_proto.testing.generations import PROTOCOLS

SOCKETS = [version for version in PROTOCOLS if version < "4"]
ASKING = [*SOCKETS, "4.0.2"]
SHARED = [version for version in PROTOCOLS if version not in ASKING]
CANCELLED: dict[str, Any] = {}
"""The output of a job that was cancelled."""


def messages(scene: Scene, session: str = "s") -> list[Any]:
    """What a session's stream has carried."""
    pieces = scene.listening[session].pieces
    return [json.loads(piece.removeprefix(b"data: ")) for piece in pieces]


def told(started: scenes.Started) -> list[Any]:
    """What was said about a job that has a connection of its own; a close is its code."""
    if started.joined.socket is None:
        return [json.loads(piece.removeprefix(b"data: ")) for piece in started.joined.pieces]
    return [frame[1] if isinstance(frame, tuple) else json.loads(frame) for frame in started.joined.frames]


def last(scene: Scene, name: str, *data: Any) -> Any:
    """How a job has ended."""
    started = scene.start(name, *data)
    scene.settle()
    said = told(started) if scene.generation.asks_for_data else messages(scene)
    return next(one for one in reversed(said) if isinstance(one, dict) and one["msg"] == "process_completed")


@pytest.mark.parametrize("version", PROTOCOLS)
def test_what_is_not_there(version: str) -> None:
    scene = Scene(version)
    answer = scene.call("/run/nope")
    assert answer.status == 404
    assert "detail" in json.loads(answer.body)
    assert Scene(version, faithful=True).call("/run/nope").status == 500
    assert scene.call("/run/predict", fn_index=99).status == 404
    if not scene.generation.has_sockets:
        assert scene.start(99).joined.status == 404
    if scene.generation.has_call:
        assert scene.call("/call/nope").status == 404


def test_other_mistakes_of_clients() -> None:
    scene = Scene("4.0.2")
    assert scene.post("/queue/data", {"data": [], "event_id": "nope"}).status == 404
    assert scene.get("/queue/join?fn_index=0&session_hash=s&data=1").status == 422
    assert scene.get("/queue/join?fn_index=0&session_hash=s&data=[").status == 422
    assert [answer[0] for answer in scenes.component(scene)] == [200, 404, 422]
    scene = Scene("6.31.0")
    assert [scene.post("/call/v2/count", body).status for body in ({}, {"n": 1, "o": 2})] == [422, 422]
    assert scene.call("/run/secret").status == 404
    scene = Scene("3.50.2", queue=False)
    assert scene.world.upgrade()[1].status == 403
    assert Scene("3.50.2", faithful=True, queue=False).world.upgrade()[1].status is None


@pytest.mark.parametrize("version", PROTOCOLS)
def test_a_function_of_a_component_that_fails(version: str) -> None:
    """That is no mistake of a client."""
    scene = Scene(version)
    if scene.generation.has_component_calls:
        number = next(number for one, number in scene.app.components.items() if one.server_fns)
        body = {"session_hash": "s", "component_id": number, "fn_name": "shout", "data": 1}
        answer = scene.post("/component_server", body)
        assert (answer.status, answer.body) == (500, b"Internal Server Error")


@pytest.mark.parametrize("version", PROTOCOLS)
def test_all_routes_want_a_login(version: str) -> None:
    options = {"auth": ("u", "p")}
    statuses = [answer[0] for answer in scenes.guarded(Scene(version, **options))]
    assert set(statuses) <= {401, 403, 404, 405}
    real = [answer[0] for answer in scenes.guarded(Scene(version, faithful=True, **options))]
    assert {*real} & {200, 422}
    scene = Scene("6.31.0", **options)
    assert scene.get("/stream/a/b/1/playlist.m3u8").status == 401
    assert scene.post("/stream/a", {"data": []}).status == 401
    assert scene.post("/stream/a/close", {}).status == 401
    assert scene.get("/app_id").status == 200


@pytest.mark.parametrize("version", SOCKETS)
def test_data_that_are_none(version: str) -> None:
    for faithful in (True, False):
        scene = Scene(version, faithful=faithful)
        conn, answer = scene.world.upgrade()
        scene.world.say(conn, {"fn_index": scene.id("echo"), "session_hash": "s"})
        scene.world.say(conn, {"data": "no list"})
        scene.settle()
        job = scenes.Started(conn, answer, 0, "s", ())
        if faithful:
            assert told(job)[-1] == {"msg": "send_data"}
            continue
        *_, completed, close = told(job)
        assert (completed["msg"], completed["success"], close) == ("process_completed", False, 1000)
        assert "list" in completed["output"]["error"]
        assert last(scene, "echo", "x")["success"]


@pytest.mark.parametrize("version", SOCKETS)
def test_data_that_are_late(version: str) -> None:
    frames = scenes.late_data(Scene(version))[-1]
    assert "Time out" in frames[-2]
    assert frames[-1] == ("close", 1000)
    frames = scenes.late_data(Scene(version, faithful=True))[-1]
    assert "Time out" in str(frames)
    assert ("close", 1000) not in frames


@pytest.mark.parametrize("version", PROTOCOLS)
def test_errors_after_a_value(version: str) -> None:
    scene = Scene(version, show_error=False)
    hidden, shown = (last(scene, "late", kind) for kind in ("hidden", "shown"))
    assert hidden["output"]["error"] is None
    assert shown["output"]["error"] == "for you"
    for completed in (hidden, shown):
        assert completed["success"] is False
        assert completed.get("title", "Error") == "Error"
        assert completed.get("cache_duration") is None


def test_batches_and_heartbeats_of_4_0() -> None:
    scene = Scene("4.0.2")
    assert last(scene, "double", 2)["output"]["data"] == [4]
    assert last(scene, "echo", "x")["output"]["data"] == ["x"]
    beating = scenes.heartbeats(Scene("4.0.2"))
    assert str(beating).count("heartbeat") == 3


@pytest.mark.parametrize("version", [version for version in SHARED if version < "4.4"])
def test_an_event_that_cancels_tells_so(version: str) -> None:
    scene = Scene(version)
    scenes.cancel_event(scene)
    assert messages(scene)[-1]["output"] == CANCELLED
    assert scene.listening["s"].ended
    assert messages(scene, "t")[-1]["output"]["data"] == [4]


@pytest.mark.parametrize("version", ASKING)
def test_an_event_that_cancels_ends_connections(version: str) -> None:
    scene = Scene(version, default_concurrency_limit=None)
    running = scene.start("count", 5, 1)
    scene.settle(1.5)
    asked = scene.world.upgrade() if scene.generation.has_sockets else None
    if asked is not None:
        scene.world.say(asked[0], {"fn_index": scene.id("count"), "session_hash": "s"})
    scene.post("/run/predict", {"data": [], "fn_index": scene.id("stop") + 1, "session_hash": "s"})
    scene.settle()
    if asked is not None:
        assert told(running)[-1] == 1000
        assert told(running)[-2]["msg"] == "process_generating"
        assert asked[1].frames[-1] == ("close", 1000)
    else:
        assert told(running)[-1]["output"] == CANCELLED
        assert running.joined.ended


@pytest.mark.parametrize("version", [version for version in PROTOCOLS if "4" <= version < "4.4"])
def test_a_reset_tells_so(version: str) -> None:
    scene = Scene(version)
    job = scene.start("count", 5, 1)
    scene.settle(1.5)
    event_id = "0" * 31 + "1" if scene.generation.asks_for_data else job.event_id
    assert json.loads(scene.post("/reset", {"event_id": event_id}).body) == {"success": True}
    scene.settle()
    said = told(job) if scene.generation.asks_for_data else messages(scene)
    assert said[-1]["output"] == CANCELLED
    assert (job.joined if scene.generation.asks_for_data else scene.listening["s"]).ended


@pytest.mark.parametrize("version", [version for version in PROTOCOLS if version >= "4.4"])
def test_a_cancelled_job_is_completed_once(version: str) -> None:
    """Also where nobody has read of it in between, and while it waits, and with another session's name."""
    scene = Scene(version)
    jobs = [scene.start("slow", seconds, listens=False) for seconds in (5, 1)]
    for _ in range(2):
        for job in jobs:
            for session in ("t", "s"):
                body = {"session_hash": session, "fn_index": job.index, "event_id": job.event_id}
                assert scene.post("/cancel", body).status == 200
    scene.listen()
    scene.settle()
    completed = [one for one in messages(scene) if one["msg"] == "process_completed"]
    assert [one["output"] for one in completed] == [CANCELLED] * 2
    assert {one["event_id"] for one in completed} == {job.event_id for job in jobs}
    assert scene.listening["s"].ended


@pytest.mark.parametrize("version", SHARED)
def test_a_stop_is_told_once(version: str) -> None:
    for heartbeat in (15.0, 0.01):  # a stream that looks by itself, and one that has something to send before
        scene = Scene(version, heartbeat=heartbeat)
        scene.start("slow", 20)
        scene.world.stop()
        scene.world.run(12)
        stopped = [one for one in messages(scene) if one["msg"] == "unexpected_error"]
        assert [one["message"] for one in stopped] == ["Server stopped unexpectedly."]
        assert scene.listening["s"].ended


@pytest.mark.parametrize("version", [version for version in PROTOCOLS if version >= "4.2"])
def test_the_simple_api(version: str) -> None:
    _, fails, _, _, remembered = scenes.calls(Scene(version))
    assert b"for me" in fails[1][2][-1]
    assert [call[1][2][-1] for call in remembered] == [
        b'event: complete\ndata: [["a"], null]\n\n',
        b'event: complete\ndata: [["a", "b"], null]\n\n',
    ]


@pytest.mark.parametrize("version", [version for version in PROTOCOLS if version >= "5"])
def test_chunks(version: str) -> None:
    answers, _, steps = scenes.chunks(Scene(version))
    assert [answer[0] for answer in answers] == [200, 200, 200, 404, 404]
    assert steps == 3  # and not once more at the end


@pytest.mark.parametrize("version", [version for version in SHARED if version > "4.13.0"])
def test_deletes_count_those_before_them(version: str) -> None:
    scene = Scene(version)
    scenes.lists(scene)
    edits = [one["output"]["data"][0] for one in messages(scene) if one["msg"] == "process_generating"]
    assert [edit[:2] for edit in edits[1] if edit[0] == "delete"] == [["delete", [2]]] * 2


def test_the_app_is_left_as_it_is() -> None:
    app = TestApp(version="5.49.1")
    healthy = app.healthy()
    assert (app.generation.shows_tracebacks, healthy.generation.shows_tracebacks) == (True, False)
    assert healthy.endpoints is app.endpoints
