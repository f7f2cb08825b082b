"""Functions that say something before their end: generators, progress, logs, and chunks of input."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_proto.errors import ArgumentError, GradioError
from gradio_proto.events import Log, Progress, Started

from .operation import Lack, operation
from .scene import Scene, events, first, values, works


@operation("a generator", "3.4")
async def generator(scene: Scene) -> None:
    """Its values one by one, as they come; its last is the result."""
    async with scene.client() as client:
        job = await client.submit(4, 0.5, api_name="/slow_gen")
        assert await first(job) == 0
        assert not await job.done()
        assert await values(job) == [0, 1, 2, 3]
        assert await job.outputs() == [0, 1, 2, 3]
        assert await job.result() == 3
        assert await client.predict(3, api_name="/count") == 2


@operation("a generator without values", "3.4")
async def empty(scene: Scene) -> None:
    """It completes with None."""
    async with scene.client() as client:
        assert await client.predict(0, api_name="/count") is None


@operation("a generator of 40 values", "3.4")
async def many_values(scene: Scene) -> None:
    """None is lost, and none comes twice."""
    async with scene.client() as client:
        assert await values(await client.submit(40, api_name="/count")) == [*range(40)]


@operation("text that grows", "3.4")
async def text(scene: Scene) -> None:
    """Whole values (up to 4.16) or differences (since), the outputs are the same."""
    async with scene.client() as client:
        outputs = await values(await client.submit("a b c", api_name="/stream"))
        assert outputs == ["a ", "a b ", "a b c "]


@operation("JSON that grows", "3.4")
async def json_stream(scene: Scene) -> None:
    """Lists and objects with additions, changes and deletions."""
    items = [{"i": i, "s": "x" * i} for i in range(3)]
    expected: list[Any] = [{"items": items[: i + 1], "done": False, "n": i} for i in range(3)]
    async with scene.client() as client:
        job = await client.submit(3, api_name="/jsonstream")
        assert await values(job) == [*expected, {"items": items[1:], "done": True}]
        assert await job.result() == {"items": items[1:], "done": True}


@operation("lists that shrink", "3.4")
async def shrinking(scene: Scene) -> None:
    """Servers count the deleted elements of a list in two ways."""
    async with scene.client() as client:
        outputs = await values(await client.submit(4, api_name="/shrink"))
        letters = ["a", "b", "c", "d"]
        assert outputs == [letters, ["a"], letters, ["a", "b"], []]


@operation("a chat", "3.4")
async def chat(scene: Scene) -> None:
    """Its answer letter by letter, and its history given back to it."""
    pairs = scene.version < (5,)

    def texts(output: Any) -> list[str]:
        if pairs:
            return list(output[-1])
        contents = [message["content"] for message in output]
        return [content if isinstance(content, str) else content[0]["text"] for content in contents]

    answer = "Hello there"
    async with scene.client() as client:
        job = await client.submit("hi", None, api_name="/chat")
        outputs = await values(job)
        assert [texts(output) for output in outputs] == [
            ["hi", answer[: length + 1]] for length in range(len(answer))
        ]
        again = await client.predict("more", await job.result(), api_name="/chat")
        assert len(again) == (2 if pairs else 4)


@operation("progress", "3.3")
async def progress(scene: Scene) -> None:
    """The newest state of the progress bars, now and then."""
    async with scene.client() as client:
        job = await client.submit(3, api_name="/progress")
        seen = await events(job)
        units = [event.units[0] for event in seen if isinstance(event, Progress)]
        assert len(units) >= 3
        assert {unit.desc for unit in units} <= {"begin", "step 0", "step 1", "step 2", "tq"}
        assert sum(isinstance(event, Started) for event in seen) == 1
        assert await job.result() == "done"


@operation("logs", "3.3")
async def logs(scene: Scene) -> None:
    """What ``gr.Info`` and ``gr.Warning`` say, and ``gr.Success`` where there is one (5.0 and later)."""
    async with scene.client() as client:
        job = await client.submit("x", api_name="/log")
        seen = [event for event in await events(job) if isinstance(event, Log)]
        expected = [("info x", "info"), ("warn x", "warning")]
        if scene.version >= (5,):
            expected.append(("ok x", "success"))
            assert (seen[1].title, seen[1].duration, seen[1].visible) == ("My title", 3, False)
        assert [(log.text, log.level) for log in seen] == expected
        assert await job.result() == "logged"


async def no_every(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.submit(api_name="/every")


@operation(
    "events that come again (every=)",
    "3.1",
    Lack("Since Gradio 4 a timer in the browser makes them", no_every, since=(4,)),
)
async def every(scene: Scene) -> None:
    """One job without an end, which is cancelled."""
    async with scene.client() as client:
        job = await client.submit(api_name="/every")
        seen = []
        async for value in job:
            seen.append(value)
            if len(seen) == 2:
                break
        assert seen[0] < seen[1]
        assert await job.cancel()
        await works(client)


async def no_chunks(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.submit("a", 0, api_name="/gather")
        job = await client.submit("x", api_name="/echo")
        with pytest.raises(GradioError, match="whole input"):
            await job.send_chunk("y")
        assert await job.result(20) == "x"


@operation("input in chunks", "11", Lack("Jobs take input in chunks since Gradio 5", no_chunks, before=(5,)))
async def chunks(scene: Scene) -> None:
    """The function sees each chunk once, and gives a value for each."""
    async with scene.client() as client:
        job = await client.submit("a", 0, api_name="/gather")
        for word in "bcd":
            await job.send_chunk(word, 0)
        await job.close_stream()
        assert await job.result(20) == "a b c d"
        assert await job.outputs() == ["a", "a b", "a b c", "a b c d"]


@operation("a long silence", "3.5", traps=(7, 21))
async def silence(scene: Scene) -> None:
    """Of 21 s in a job: heartbeats or pings come in it, or nothing at all on 4.0, and the result still comes."""
    async with scene.client() as client:
        job = await client.submit(21, api_name="/nap")
        assert await job.result(60) in ("slept 21", "slept 21.0")
        await works(client)


@operation("generators side by side", "3.4")
async def side_by_side(scene: Scene) -> None:
    """Of several jobs, each is read by itself, whatever the others are at."""
    async with scene.client() as client:
        jobs = [await client.submit(5, api_name=name) for name in ("/count", "/jsonstream")]
        assert await first(jobs[1]) == {"items": [{"i": 0, "s": ""}], "done": False, "n": 0}
        assert await values(jobs[0]) == [0, 1, 2, 3, 4]
        assert len(await values(jobs[1])) == 6
