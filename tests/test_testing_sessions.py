"""What an embedded server does for one session alone: input that comes in chunks, and what ``gr.render`` makes.

The healthy conversations are those recorded (see test_testing_conversations.py); here is what stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from test_testing_options import call, join, kinds, listen, messages, post, run
from testing_simulation import Answer, World

from gradio_proto.conformance.target import embedded
from gradio_proto.testing import Component, Context, Rendering, TestApp, queueing

# Input in chunks


def chunked(version: str = "6.31.0", *, time_limit: float | None = 10, **options: Any) -> World:
    """``shout`` takes the seconds that it takes and a word; ``quiet`` no chunks."""
    world = World()
    app = TestApp(version=version)

    @app.endpoint(connection="stream", time_limit=time_limit, **options)
    def shout(word: str, seconds: float = 0) -> str:
        if word == "fail":
            raise ValueError("too loud")
        world.sleep(seconds)
        return word.upper()

    app.endpoint("quiet")(lambda: None)
    world.use(app)
    return world


def chunk(world: World, number: int, *data: Any) -> Answer:
    return post(world, f"stream/{number:032x}", {"data": data, "fn_index": 0, "session_hash": "s"})


def close(world: World, number: int) -> Answer:
    return post(world, f"stream/{number:032x}/close", {})


def said(answer: Answer) -> list[Any]:
    """The values of a stream, each with whether more may come."""
    return [
        (message["output"]["data"][0], message["output"]["is_generating"])
        for message in messages(answer)
        if message["msg"] in ("process_streaming", "process_completed")
    ]


def test_a_chunk_that_comes_too_soon_takes_the_place_of_the_one_before() -> None:
    world = chunked()
    join(world, 0, "a", 1)
    chunk(world, 1, "first", 1)  # the function has begun
    for word in "bcd":
        assert chunk(world, 1, word, 1).body == b'{"msg":"success"}'
    stream = listen(world)
    world.run(5)
    assert said(stream) == [("A", True), ("D", True)]


def test_the_first_chunk_is_lost_too_while_the_job_waits() -> None:
    world = chunked()
    join(world, 0, "x", 3, session="other")
    join(world, 0, "a", 0)
    chunk(world, 2, "b", 0)
    close(world, 1)
    stream = listen(world)
    world.run(5)
    assert said(stream) == [("B", True)]


def test_a_chunk_that_is_there_at_the_end_is_not_processed() -> None:
    world = chunked()
    join(world, 0, "a", 1)
    chunk(world, 1, "b", 1)
    close(world, 1)
    stream = listen(world)
    world.run(5)
    assert said(stream) == [("A", False)]
    assert stream.ended


def test_an_input_that_has_ended_before_its_job_began() -> None:
    world = chunked()
    join(world, 0, "x", 3, session="other")
    join(world, 0, "a", 0)
    close(world, 2)
    close(world, 1)
    stream = listen(world)
    world.run(5)
    assert said(stream) == [("A", False)]


def test_an_older_server_processes_the_last_chunk_again() -> None:
    world = chunked("5.49.1")
    join(world, 0, "a", 0)
    stream = listen(world)
    world.run(1)
    close(world, 1)
    world.run(2)
    assert said(stream) == [("A", True), ("A", False)]


def test_an_older_server_without_a_limit_goes_on_after_the_end() -> None:
    world = chunked("5.49.1", time_limit=None)
    join(world, 0, "a", 0)
    stream = listen(world)
    world.run(1)
    close(world, 1)
    world.run(30)
    assert said(stream) == [("A", True), ("A", True)]
    world.run(32)
    assert said(stream) == [("A", True), ("A", True), ("A", True)]
    assert stream.ended


def test_a_failure_ends_it() -> None:
    world = chunked()
    join(world, 0, "a", 0)
    stream = listen(world)
    world.run(1)
    chunk(world, 1, "fail", 0)
    world.run(2)
    assert kinds(stream) == [
        "estimation",
        "process_starts",
        "process_streaming",
        "process_completed",
        "close_stream",
    ]
    failed = messages(stream)[3]
    assert (failed["success"], failed["output"]["error"], failed["title"]) == (False, "too loud", None)


def test_chunks_for_nobody() -> None:
    world = chunked()
    assert (chunk(world, 9, "a").status, close(world, 9).status) == (404, 404)
    assert post(world, f"stream/{9:032x}", {"data": 1}).status == 422
    join(world, 1)
    assert chunk(world, 1, "a").status == 404
    join(world, 0, "a", 0)
    world.run(1)
    close(world, 2)
    world.run(2)
    assert (chunk(world, 2, "b", 0).status, close(world, 2).status) == (404, 404)


def test_chunks_for_nobody_on_an_older_server() -> None:
    world = chunked("5.49.1")
    assert (chunk(world, 9, "a").status, close(world, 9).status) == (500, 500)
    join(world, 0, "a", 0)
    world.run(1)
    close(world, 1)
    world.run(2)
    assert (chunk(world, 1, "b", 0).status, close(world, 1).status) == (200, 200)
    assert TestApp(version="4.44.1").generation.has_input_streams is False
    before = World(TestApp(version="4.44.1"))
    assert post(before, "stream/x", {}).status == 405


def test_an_older_server_does_not_remember_every_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "SESSIONS", 2)
    world = chunked("5.49.1", concurrency_limit=None)
    for _ in range(3):
        join(world, 0, "a", 0)
    assert [chunk(world, number, "b", 0).status for number in (1, 2, 3)] == [500, 200, 200]


@pytest.mark.parametrize("at", [1, 2.5])
def test_a_reader_who_leaves(at: float) -> None:
    """Nobody hears the function any more: it is called at most once more."""
    world = chunked(time_limit=4)
    join(world, 0, "a", 2)
    listen(world)
    world.run(at)
    world.disconnect(2)
    world.run(3)
    join(world, 0, "b", 0, session="other")
    stream = listen(world, "other")
    world.run(3.5)
    assert kinds(stream)[-1] == ("process_streaming" if at < 2 else "estimation")
    world.run(20)
    assert said(stream) == [("B", True), ("B", True)]


@pytest.mark.parametrize("faithful", [True, False])
def test_a_cancelled_job_that_waits_for_a_chunk_is_over(faithful: bool) -> None:
    world = chunked()
    world.use(world.app, faithful_defects=faithful)
    join(world, 0, "a", 0)
    stream = listen(world)
    world.run(1)
    post(world, "cancel", {"event_id": f"{1:032x}", "session_hash": "s", "fn_index": 0})
    world.run(2)
    assert messages(stream)[3]["output"] == {}
    assert chunk(world, 1, "b", 0).status == 404
    join(world, 0, "c", 0)
    stream = listen(world)
    world.run(3)
    assert said(stream) == [("C", True)]


def test_a_direct_call_is_one_chunk() -> None:
    world = chunked()
    assert run(world, "shout", "a", 0)["data"] == ["A"]


def test_its_description() -> None:
    config = chunked().app.config("http://x")
    shown = config["dependencies"][0]
    assert (shown["connection"], shown["time_limit"], shown["stream_every"]) == ("stream", 10, 0.5)
    assert (shown["targets"][0][1], shown["trigger_mode"]) == ("stream", "multiple")


def _words() -> Iterator[str]:
    yield ""


def test_what_cannot_take_chunks() -> None:
    app = TestApp()
    with pytest.raises(ValueError, match="is a generator, and so it cannot take its input in chunks"):
        app.endpoint(connection="stream")(_words)
    with pytest.raises(ValueError, match="takes batches, and so it cannot"):
        app.endpoint("f", connection="stream", batch=True)(lambda: None)
    with pytest.raises(ValueError, match=r"Gradio 4\.44\.1 takes no input in chunks"):
        TestApp(version="4.44.1").endpoint("f", connection="stream")(lambda: None)


# Rendering


def rendering(version: str = "6.31.0") -> World:
    """``apply`` renders ``slow``, which takes the seconds that it is given, and ``who``."""
    world = World()
    app = TestApp(version=version)
    shared = Component("number", "Shared")
    memory = Component("state", value=0)

    @app.render()
    def render(n: float, *, rendering: Rendering, context: Context) -> None:
        if n < 0:
            raise ValueError("less than nothing")

        @rendering.endpoint(inputs=[shared, memory], outputs=[shared, memory])
        def slow(seconds: float, calls: int) -> tuple[float, int]:
            world.sleep(seconds)
            return calls, calls + 1

        @rendering.endpoint()
        def who() -> str:
            return f"{n} of {context.session_hash}"

        if n > 1:

            @rendering.endpoint(outputs=[Component("audio", streaming=True)])
            def sound() -> Iterator[bytes]:
                yield b"RIFF"

    world.use(app)
    return world


def render(world: World, n: float, session: str = "s") -> dict[str, Any]:
    """Have it rendered; returns the numbers of what there is, by name."""
    join(world, 0, n, session=session)
    stream = listen(world, session)
    world.run(world.now + 1)
    output = next(
        message["output"] for message in reversed(messages(stream)) if message["msg"] == "process_completed"
    )
    return {entry["api_name"]: entry["id"] for entry in output["render_config"]["dependencies"]}


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_what_was_rendered_is_there_for_its_session(version: str) -> None:
    world = rendering(version)
    assert render(world, 1) == {"slow": 1, "who": 2}
    assert render(world, 1, "other") == {"slow": 1, "who": 2}
    for session in ("s", "other"):
        assert run(world, "who", session_hash=session)["data"] == [f"1 of {session}"]
    assert run(world, "predict", fn_index=2, session_hash="s")["data"] == ["1 of s"]
    assert call(world, "call/who", {"data": [], "session_hash": "s"})[0] == 200
    bodies: list[dict[str, Any]] = [
        {"data": []},
        {"data": [], "session_hash": "third"},
        {"data": [], "fn_index": 2},
    ]
    for body in bodies:
        assert post(world, "run/who", body).status == 500


def test_what_is_rendered_again_is_something_else() -> None:
    world = rendering()
    assert [render(world, 1) for _ in range(3)] == [
        {"slow": 1, "who": 2},
        {"slow_1": 3, "who_1": 4},
        {"slow": 5, "who": 6},
    ]
    assert join(world, 1, 0, None).status == 500
    assert run(world, "slow", 0, None, session_hash="s")["data"] == [0, None]
    world = rendering("4.44.1")
    assert [render(world, 1) for _ in range(2)] == [{"slow": 1, "who": 2}, {"slow": 3, "who": 4}]


def test_a_job_of_what_is_rendered_away_runs_on() -> None:
    world = rendering()
    render(world, 1)
    join(world, 1, 3, None)
    join(world, 0, 1)
    stream = listen(world)
    world.run(10)
    completed = [message["output"] for message in messages(stream) if message["msg"] == "process_completed"]
    assert [entry["id"] for entry in completed[0]["render_config"]["dependencies"]] == [3, 4]
    assert completed[1]["data"] == [0, None]
    assert run(world, "slow_1", 0, None, session_hash="s")["data"] == [1, None]  # State is the session's


def test_media_of_what_was_rendered() -> None:
    world = rendering()
    names = render(world, 2)
    join(world, names["sound"])
    stream = listen(world)
    world.run(5)
    (path,) = {message["output"]["data"][0]["path"] for message in messages(stream)[2:3]}
    assert path.startswith("s/")
    number = world.app.config("http://x")["components"][-1]["id"]
    assert int(path.split("/")[2]) > number


def test_without_a_session_nothing_is_rendered() -> None:
    world = rendering()
    assert run(world, "apply", 1)["render_config"] is None
    assert run(world, "apply", 1, session_hash="s")["render_config"]["render_id"] == 0


def test_a_render_that_fails() -> None:
    world = rendering()
    names = render(world, 1)
    assert call(world, "run/apply", {"data": [-1], "session_hash": "s"})[1]["error"] == "less than nothing"
    assert run(world, "who", session_hash="s")["data"] == ["1 of s"]
    assert names == {"slow": 1, "who": 2}


def test_a_session_that_is_forgotten_takes_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    world = rendering()
    render(world, 1)
    run(world, "who", session_hash="s")
    monkeypatch.setattr(queueing, "SESSIONS", 1)
    render(world, 1, "other")
    assert post(world, "run/who", {"data": [], "session_hash": "s"}).status == 500
    assert run(world, "who", session_hash="other")["data"] == ["1 of other"]


def test_the_description_of_a_render() -> None:
    world = rendering()
    config = world.app.config("http://x")
    shown = config["dependencies"][0]
    assert (shown["api_name"], shown["render_id"], shown["targets"]) == ("apply", 0, [[0, "load"]])
    assert shown["api_visibility"] == "undocumented"
    assert "/apply" not in world.app.info()["named_endpoints"]
    assert "/apply" in world.app.info(all_endpoints=True)["named_endpoints"]
    container = next(entry for entry in config["components"] if entry["id"] == shown["outputs"][0])
    assert (container["type"], container["skip_api"]) == ("column", True)
    with pytest.raises(ValueError, match=r"Gradio 4\.21\.0 has no gr\.render"):
        TestApp(version="4.21.0").render()


def test_the_end_of_a_heartbeat_ends_chunked_inputs() -> None:
    """Of that session only; what is being processed is ended as soon as that is done."""
    with embedded("6.31.0") as target:
        tester = target.open()
        sessions = [tester.session() for _ in range(3)]
        gather = tester.endpoint("gather")
        jobs = [
            session.submit(gather, *tester.data_for(gather, "a", seconds))
            for session, seconds in zip(sessions, (0, 2, 0), strict=True)
        ]
        for session, job in zip(sessions[::2], jobs[::2], strict=True):
            session.wait_until(lambda job=job: bool(job.all("process_streaming")), "a value")
        beats = [
            tester.wire.open_events(tester.wire.target(f"heartbeat/{session.hash}"))
            for session in sessions[:2]
        ]
        for beat in beats:
            beat.close()
        before = tester.wire.now()
        sessions[0].wait(jobs[0])
        sessions[1].wait(jobs[1])
        assert tester.wire.now() - before < 5
        assert [job.values[0] for job in jobs[:2]] == ["a", "a"]
        tester.wire.pause(5)
        assert not jobs[2].is_over
        tester.wire.close()
