"""Inputs that come in chunks: one chunk at a time, whatever the server makes of them, and an end that is clean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from scripted import (
    CLOSE,
    STREAM,
    Asked,
    Begun,
    GradioScript,
    World,
    chunk_app,
    completed,
    event,
    http,
    real_world,
    scripted_world,
)

from gradio_proto.effects import Signal
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    ConnectionLost,
    FileError,
    HTTPStatusError,
    LocalProtocolError,
)
from gradio_proto.events import Cancelled, Completed
from gradio_proto.files import FileInput
from gradio_proto.flows.calls import abandon, cancel, join_queue
from gradio_proto.flows.stream_input import close_stream, send_chunk
from gradio_proto.job import JobState
from gradio_proto.testing.memory import MemoryTask

VERSIONS = ["5.49.1", "6.31.0"]

TAKEN = [http(200, b'{"msg": "success"}')]


def streaming(event_id: str, value: Any, time_limit: float | None = 60) -> bytes:
    """The message of a chunk that was processed."""
    output = {"data": [value, None], "is_generating": True}
    return event(
        msg="process_streaming", event_id=event_id, output=output, success=True, time_limit=time_limit
    )


def send(world: World, begun: Begun, *args: Any) -> MemoryTask[None]:
    return world.spawn(send_chunk(world.state, begun.live, begun.job, world.chunk(begun, *args)))


def close(world: World, begun: Begun) -> MemoryTask[None]:
    return world.spawn(close_stream(world.state, begun.live, begun.job))


def done(world: World, *tasks: MemoryTask[Any], within: float = 100.0) -> None:
    assert world.runner.run_until(lambda: all(task.done for task in tasks), world.runner.now + within), (
        "it hangs"
    )
    for task in tasks:
        if task.error is not None:
            raise task.error


def posted(world: World) -> list[Any]:
    """What was sent beside the join: the word of each chunk, and None for the end."""
    asked = [asked for asked in world.server.asked if "/stream/" in asked.path]
    return [None if asked.path.endswith("/close") else json.loads(asked.body)["data"][0] for asked in asked]


def scripted(*streams: Sequence[Any], version: str = "6.31.0", **others: Any) -> World:
    script = GradioScript(
        chunk_app(version), streams=streams, others={"/stream/e1": TAKEN, "/close": TAKEN, **others}
    )
    return scripted_world(script)


# Healthy inputs.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("time_limit", [None, 60.0])
def test_no_chunk_is_lost_and_none_comes_twice(version: str, time_limit: float | None) -> None:
    world = real_world(chunk_app(version, time_limit=time_limit))
    begun = world.begin("/gather", "a")
    tasks = [send(world, begun, word) for word in "bcd"]
    done(world, *tasks, close(world, begun))
    assert world.result(begun) == "a b c d"
    assert begun.outputs == ["a", "a b", "a b c", "a b c d"]
    assert not begun.job.ended_with_output
    assert world.runner.now < 10
    assert world.state.live is begun.live
    assert world.result(world.begin("/echo", "x")) == "x"
    world.close()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("time_limit", [None, 60.0])
def test_an_input_that_is_whole(version: str, time_limit: float | None) -> None:
    world = real_world(chunk_app(version, time_limit=time_limit))
    assert world.result(world.begin("/gather", "a", whole=True)) == "a"
    assert world.result(world.begin("/gather", "b", whole=True)) == "a b"
    assert world.runner.now < 10
    world.close()


def test_what_a_chunk_says() -> None:
    world = scripted([STREAM, streaming("e1", "a")])
    begun = world.begin("/gather", "a", headers=(("x-call", "1"),))
    done(world, send(world, begun, "b"))
    (asked,) = [asked for asked in world.server.asked if asked.path.endswith("/stream/e1")]
    assert (asked.method, asked.target) == ("POST", "/gradio_api/stream/e1")
    assert asked.headers["x-call"] == "1"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {"data": ["b", None], "fn_index": 0, "session_hash": "session1"}
    world.close()


def test_a_chunk_waits_for_the_value_of_the_one_before() -> None:
    world = scripted([STREAM])
    begun = world.begin("/gather", "a")
    tasks = [send(world, begun, "b"), send(world, begun, "c"), close(world, begun)]
    seen = []
    for word in ("", "a", "b", "c"):
        if word:
            world.say(streaming("e1", word))
        world.runner.settle()
        seen.append(posted(world))
    assert seen == [[], ["b"], ["b", "c"], ["b", "c", None]]
    world.say(completed("e1", "c", None))
    done(world, *tasks)
    assert world.result(begun) == "c"
    world.close()


def test_a_value_that_comes_before_the_answer_to_its_chunk() -> None:
    def take(asked: Asked) -> Any:
        return [lambda: world.say(streaming("e1", "b")), 1.0, *TAKEN]

    world = scripted([STREAM, streaming("e1", "a")], **{"/stream/e1": take})
    begun = world.begin("/gather", "a")
    done(world, send(world, begun, "b"), send(world, begun, "c"))
    assert posted(world) == ["b", "c"]
    world.close()


def test_files_go_up_with_their_chunk() -> None:
    world = real_world(chunk_app())
    begun = world.begin("/size", FileInput(b"12", "bytes", "a.bin"))
    done(world, *[send(world, begun, FileInput(b"1" * size, "bytes", "b.bin")) for size in (4, 5)])
    done(world, close(world, begun))
    assert world.result(begun) == 5
    assert begun.outputs == [2, 4, 5]
    assert len(begun.job.on_settled) == 0
    world.close()


def test_a_file_that_cannot_be_read_is_the_chunks_mistake_and_not_the_jobs() -> None:
    world = real_world(chunk_app())
    begun = world.begin("/size", FileInput(b"12", "bytes", "a.bin"))
    chunk = world.chunk(begun, FileInput(b"1", "bytes", "b.bin"))
    (file,) = chunk.paths
    del chunk.paths[file]
    gone = FileInput("/home/gone", "path", "gone")
    chunk.paths[gone], chunk.sizes[gone] = "", 4
    with pytest.raises(FileError):
        world.run(send_chunk(world.state, begun.live, begun.job, chunk))
    done(world, send(world, begun, FileInput(b"123", "bytes", "c.bin")), close(world, begun))
    assert world.result(begun) == 3
    world.close()


def test_a_job_that_ends_while_a_file_goes_up() -> None:
    def take(asked: Asked) -> Any:
        world.say(completed("e1", 9))
        return [1.0, http(200, b'["/up/1"]')]

    world = scripted([STREAM, streaming("e1", 2)], **{"/upload": take})
    begun = world.begin("/size", None)
    world.runner.settle()
    with pytest.raises(LocalProtocolError, match="time limit of 60 s is over"):
        done(world, send(world, begun, FileInput(b"1", "bytes", "b.bin")))
    assert world.result(begun) == 9
    assert begun.job.ended_with_output
    assert posted(world) == []
    world.close()


# Ends.


def test_the_time_limit() -> None:
    world = real_world(chunk_app(time_limit=2))
    begun = world.begin("/gather", "a")
    done(world, send(world, begun, "b"))
    assert begun.job.input_stream is not None
    assert begun.job.input_stream.time_limit == 2
    world.runner.run_until(lambda: False, 1.5)
    done(world, send(world, begun, "c"))
    world.runner.run_until(lambda: False, 4.0)
    with pytest.raises(
        LocalProtocolError, match=r"the server's time limit of 2 s is over \(endpoint /gather"
    ):
        done(world, send(world, begun, "d"))
    done(world, close(world, begun))
    assert world.result(begun) == "a b c"
    world.close()


def test_a_server_that_waits_no_longer() -> None:
    world = real_world(chunk_app(time_limit=None))
    begun = world.begin("/gather", "a")
    assert world.result(begun) == "a"
    assert world.runner.now == pytest.approx(30)
    with pytest.raises(LocalProtocolError, match="no more input: the server has ended the job"):
        done(world, send(world, begun, "b"))
    world.close()


def test_a_server_that_knows_the_job_no_more() -> None:
    world = scripted([STREAM, streaming("e1", "a", 3)], **{"/stream/e1": [http(404, b"", content_type=None)]})
    begun = world.begin("/gather", "a")
    with pytest.raises(LocalProtocolError, match="time limit of 3 s"):
        done(world, send(world, begun, "b"))
    world.close()


def test_a_function_that_fails() -> None:
    world = real_world(chunk_app())
    begun = world.begin("/gather", "a")
    done(world, send(world, begun, "fail"))
    with pytest.raises(LocalProtocolError, match="the job has failed: no more") as caught:
        done(world, send(world, begun, "b"))
    assert isinstance(caught.value.__cause__, AppError)
    done(world, close(world, begun))
    with pytest.raises(AppError):
        world.result(begun)
    world.close()


def test_a_job_that_was_cancelled() -> None:
    world = real_world(chunk_app())
    begun = world.begin("/gather", "a")
    done(world, send(world, begun, "b"))
    waiting = [send(world, begun, "c"), send(world, begun, "d")]
    report = world.run(cancel(world.state, begun.live, begun.job))
    assert (report.cancelled, report.server_told) == (True, True)
    for task in (*waiting, send(world, begun, "e")):
        with pytest.raises(LocalProtocolError, match="the job was cancelled"):
            done(world, task)
    done(world, close(world, begun))
    world.finish(begun)
    assert begun.job.outcome == Cancelled(by_server=False)
    assert world.result(world.begin("/gather", "x", whole=True)).endswith(" x")
    world.close()


def test_an_end_is_an_end() -> None:
    world = real_world(chunk_app())
    begun = world.begin("/gather", "a")
    tasks = [close(world, begun), send(world, begun, "b"), close(world, begun)]
    with pytest.raises(LocalProtocolError, match=r"close_stream\(\) has ended it"):
        done(world, *tasks)
    done(world, tasks[2])
    assert world.result(begun) == "a"
    world.close()


def test_a_join_that_fails() -> None:
    world = scripted_world(GradioScript(chunk_app(), joins=[[2.0, CLOSE]]))
    begun = world.begin("/gather", "a")
    tasks = [send(world, begun, "b"), close(world, begun)]
    with pytest.raises(LocalProtocolError, match="the job has failed: "):
        done(world, *tasks)
    done(world, tasks[1])
    with pytest.raises(ConnectionLost):
        world.result(begun)
    assert posted(world) == []
    world.close()


def test_no_chunks_for_a_function_that_takes_none() -> None:
    world = real_world(chunk_app())
    begun = world.make("/echo", "x")
    for flow in (
        close_stream(world.state, begun.live, begun.job),
        send_chunk(world.state, begun.live, begun.job, world.chunk(world.make("/gather", "a"), "b")),
    ):
        with pytest.raises(ArgumentError, match="/echo takes its whole input with the call"):
            world.run(flow)
    world.close()


# Ends on servers that make more of them than they should.


def test_an_older_server_is_asked_to_stop_the_job() -> None:
    world = scripted([STREAM, streaming("e1", "a")], version="5.49.1")
    begun = world.begin("/gather", "a")
    done(world, close(world, begun), close(world, begun))
    assert posted(world) == []
    (asked,) = [asked for asked in world.server.asked if asked.path.endswith("/cancel")]
    assert json.loads(asked.body)["event_id"] == "e1"
    assert world.result(begun) == "a"
    assert begun.job.outcome == Completed("a")
    world.close()


@pytest.mark.parametrize("time_limit", [None, 60.0])
def test_an_older_server_is_told_of_the_end_if_stopping_the_job_would_end_another(
    time_limit: float | None,
) -> None:
    world = real_world(chunk_app("5.49.1", time_limit=time_limit))
    first, second = world.begin("/gather", "a"), world.begin("/gather", "b")
    done(world, close(world, first))
    # It runs the function once more on the last chunk; and one without a time limit waits for another.
    assert world.result(first) == "a a"
    assert first.job.ended_with_output is (time_limit is not None)
    assert (world.runner.now > 20) is (time_limit is None)
    done(world, close(world, second))
    assert world.result(second) == "a a b"
    world.close()


# Failures.


def test_a_refused_chunk_is_told_and_the_job_goes_on() -> None:
    answers = iter([[http(500, b"oh")], [CLOSE], TAKEN])
    world = scripted([STREAM, streaming("e1", "a")], **{"/stream/e1": lambda asked: next(answers)})
    begun = world.begin("/gather", "a")
    with pytest.raises(HTTPStatusError):
        done(world, send(world, begun, "b"))
    with pytest.raises(ConnectionLost):
        done(world, send(world, begun, "c"))
    done(world, send(world, begun, "d"))
    assert not begun.job.is_settled
    world.close()


def test_a_refused_end_is_told_and_may_be_told_again() -> None:
    answers = iter([[http(500, b"oh")], [http(404, b"", content_type=None)]])
    world = scripted([STREAM, streaming("e1", "a")], **{"/close": lambda asked: next(answers)})
    begun = world.begin("/gather", "a")
    with pytest.raises(HTTPStatusError):
        done(world, close(world, begun))
    done(world, close(world, begun))
    done(world, close(world, begun))
    assert posted(world) == [None, None]
    world.close()


def test_a_call_whose_input_cannot_be_ended_fails() -> None:
    world = scripted([STREAM, streaming("e1", "a")], **{"/close": [http(500, b"oh")]})
    with pytest.raises(HTTPStatusError):
        world.result(world.begin("/gather", "a", whole=True))
    world.close()


def test_a_call_whose_time_is_up_before_its_input_is_processed() -> None:
    world = scripted([STREAM])
    with pytest.raises(TimeoutError):
        world.result(world.begin("/gather", "a", whole=True, deadline=5.0))
    assert posted(world) == []
    world.close()


@pytest.mark.parametrize("at", range(12))
def test_whoever_gives_a_chunk_up_leaves_the_turn_to_the_next(at: int) -> None:
    world = real_world(chunk_app())
    begun = world.begin("/gather", "a")
    given_up = send(world, begun, "b")
    after = [send(world, begun, "c"), close(world, begun)]
    world.runner.run_until(lambda: given_up.steps >= at or given_up.done, world.runner.now)
    world.runner.cancel(given_up)
    done(world, *after)
    assert world.result(begun) in ("a c", "a b c")
    assert begun.job.on_news != []
    world.close()


def test_the_session_reads_on_for_a_job_that_only_sends() -> None:
    """No flow of the job itself is there to read: whoever waits, reads."""
    world = real_world(chunk_app())
    begun = world.make("/gather", "a")
    world.run(join_queue(world.state, begun.live, begun.job))
    done(world, send(world, begun, "b"), close(world, begun))
    assert begun.job.state is JobState.RUNNING
    assert abandon(world.state, begun.live, begun.job) is not None
    assert not begun.live.session.baton.is_held
    world.close()


def test_turns_are_taken_in_order() -> None:
    world = real_world(chunk_app())
    stream = world.make("/gather", "a").job.input_stream
    assert stream is not None
    first, second, third = Signal(), Signal(), Signal()
    assert [stream.take_turn(sender) for sender in (first, second, third, first)] == [
        True,
        False,
        False,
        True,
    ]
    stream.end_turn(second)
    stream.end_turn(first)
    assert (second.is_set, third.is_set) == (False, True)
    assert stream.take_turn(third)
    stream.end_turn(third)
    stream.end_turn(third)
    world.close()
