"""The queue: who waits for whom, and how to leave."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from gradio_proto.errors import AppError, ClientClosed, DeadlineExceeded, JobCancelled, QueueError
from gradio_proto.events import Cancelled, Output, Queued
from gradio_proto.timeouts import Timeouts

from .operation import Lack, operation
from .scene import LOGIN, Scene, events, first, is_queued, is_running, told, values, works

LEAVES = (6, 14)
"""Since then a job that waits is taken out of the queue by /cancel."""


@operation("a place in the queue", "3.3", place="strict", traps=(27,))
async def place(scene: Scene) -> None:
    """It becomes better until the job runs."""
    async with scene.client(auth=LOGIN) as client:
        jobs = []
        for seconds in (2, 0.05, 0.05):
            jobs.append(await client.submit(seconds, api_name="/slow"))
        firsts: list[int] = []
        for job in jobs:
            queued = [event for event in await events(job) if isinstance(event, Queued)]
            ranks = [event.rank for event in queued if event.rank is not None]
            assert ranks == sorted(ranks, reverse=True)
            assert ranks[-1] == 0
            firsts.append(ranks[0])
        assert max(firsts) >= 1
        for job in jobs:
            assert (await job.result(20)).startswith("slept ")


async def keep_busy(scene: Scene, client: Any) -> list[Any]:
    """Take all places in which ``/tick`` runs: on 3.x the only one of the server, and two of its own later."""
    jobs = [
        await scene.ticks(client, f"busy {place}", api_name="/tick")
        for place in range(1 if scene.version < (4,) else 2)
    ]
    for job in jobs:
        await scene.eventually(partial(is_running, job))
    return jobs


@operation("a full queue", "4.2", place="strict", traps=(25,))
async def full(scene: Scene) -> None:
    """A QueueError, which may be tried again."""
    async with scene.client(auth=LOGIN) as client, scene.client(auth=LOGIN) as other:
        busy = await keep_busy(scene, other)
        waiting = []
        for number in range(3):
            waiting.append(await scene.ticks(client, f"{number}", 2, "/tick"))
            await scene.eventually(partial(is_queued, waiting[-1]))
        with pytest.raises(QueueError) as caught:
            await client.predict("too many", 2, api_name="/tick")
        assert caught.value.retryable
        assert caught.value.endpoint == "/tick"
        for job in busy:
            assert await job.cancel()
        assert [await job.result(30) for job in waiting] == [1, 1, 1]
        assert await client.predict("x", api_name="/echo") == "x"


@operation("functions outside the queue", "10")
async def no_queue(scene: Scene) -> None:
    """With ``queue=False`` they are called like any other."""
    async with scene.client() as client:
        assert await client.predict("x", api_name="/noqueue") == "x"
        job = await client.submit("y", api_name="/noqueue")
        assert await values(job) == ["y"]
        if scene.version >= (4,):  # a generator needs the queue before
            assert await values(await client.submit(3, api_name="/noqueue_gen")) == [0, 1, 2]


async def dead_queue(scene: Scene) -> None:
    async with scene.client(timeouts=Timeouts(total=1.5)) as client:
        with pytest.raises(DeadlineExceeded):
            await client.predict("x", api_name="/batch")


async def queue_all_the_same(scene: Scene) -> None:
    async with scene.client() as client:
        assert client.config["enable_queue"]
        await works(client)


@operation(
    "an app without a queue",
    "10",
    Lack("Every app has one since Gradio 4", queue_all_the_same, since=(4,), place="plain"),
    place="queueless",
    traps=(30,),
)
async def queueless(scene: Scene) -> None:
    """Its functions are called all the same, State included."""
    async with scene.client() as client:
        assert await client.predict("x", api_name="/echo") == "x"
        assert (await client.predict(5, "sub", 2, api_name="/calc"))[0] == 3
        assert await client.predict("a b", api_name="/state") == 2
        assert await client.predict("c", api_name="/state") == 3
        with pytest.raises(AppError, match="bad thing: x"):
            await client.predict("x", api_name="/fail")


DEAD_QUEUE = Lack(
    "On 4.0.2 such a job kills the queue of the server, for all jobs; a deadline of the client's ends it",
    dead_queue,
    since=(4, 0),
    before=(4, 1),
)


@operation("a function that takes batches", "3.2", DEAD_QUEUE, place="mounted")
async def batch(scene: Scene) -> None:
    """One value goes in and one comes out, as if there were no batches."""
    async with scene.client() as client:
        assert [await client.predict(word, api_name="/batch") for word in "xyz"] == ["X", "Y", "Z"]


async def mixed_up(scene: Scene) -> None:
    async with scene.client() as client:
        jobs = [await client.submit(word, api_name="/batch") for word in "xyz"]
        assert {await job.result(20) for job in jobs} <= {"X", "Y", "Z"}
        assert await client.predict("x", api_name="/batch") == "X"


@operation(
    "several calls in one batch",
    "3.2",
    DEAD_QUEUE,
    Lack(
        "From 4.9 to 4.20 the server gives all calls of a batch the value of the last one, and nobody can tell",
        mixed_up,
        since=(4, 9),
        before=(4, 21),
    ),
    place="mounted",
)
async def batches(scene: Scene) -> None:
    """Calls that the server puts together have each their own value."""
    async with scene.client() as client:
        jobs = [await client.submit(word, api_name="/batch") for word in "xyz"]
        assert [await job.result(20) for job in jobs] == ["X", "Y", "Z"]


@operation("cancelling a generator", "7", traps=(6, 26))
async def running_generator(scene: Scene) -> None:
    """It ends at once here, and at its next value there."""
    async with scene.client() as client:
        job = await scene.ticks(client, "a")
        assert await first(job) == 0
        assert await job.cancel()
        assert told(job), job.cancel_report
        with pytest.raises(JobCancelled):
            await job.result()
        seen = await events(job)
        outputs = [event.value for event in seen if isinstance(event, Output)]
        assert outputs == [*range(len(outputs))]
        assert seen[-1] == Cancelled(by_server=False)
        await scene.stops(client, "a")
        assert not await job.cancel()
        await works(client)


async def nothing_cancels(scene: Scene) -> None:
    async with scene.client() as client:
        job = await scene.ticks(client, "a", 40, "/ticks_alone")
        assert await first(job) == 0
        assert await job.cancel()
        assert not told(job)
        assert "no event that cancels" in job.cancel_report.reason
        await works(client)

        async def has_ended() -> bool:
            return await scene.steps(client, "a") == 40

        await scene.eventually(has_ended)


@operation(
    "cancelling a generator that no event of the app cancels",
    "7",
    Lack(
        "From 4.9 to 4.29 a server is told by nothing but such an event, unless the whole session goes; the job "
        "ends here, and runs on there",
        nothing_cancels,
        since=(4, 9),
        before=(4, 30),
    ),
    traps=(4,),
)
async def without_an_event(scene: Scene) -> None:
    """By /cancel (4.30 and later), or by the end of the job's own connection (before 4.9)."""
    async with scene.client() as client:
        job = await scene.ticks(client, "a", api_name="/ticks_alone")
        assert await first(job) == 0
        assert await job.cancel()
        assert told(job), job.cancel_report
        await scene.stops(client, "a")
        await works(client)


@operation("cancelling a job that waits", "7", place="strict", traps=(6, 26))
async def waiting(scene: Scene) -> None:
    """It ends at once here; it leaves the queue there, or does not run when its turn comes (4.0), or is stopped when it
    starts (4.9 to 6.13)."""
    async with scene.client(auth=LOGIN) as client, scene.client(auth=LOGIN) as other:
        busy = await keep_busy(scene, other)
        job = await scene.ticks(client, "a", api_name="/tick")
        await scene.eventually(partial(is_queued, job))
        assert await job.cancel()
        leaves = scene.version < (4,) or scene.version >= LEAVES
        assert told(job) is leaves, job.cancel_report
        with pytest.raises(JobCancelled):
            await job.result()
        for each in busy:
            assert await each.cancel()
        last = await scene.ticks(other, "b", 3, "/tick")
        assert await last.result(20) == 2
        steps = await scene.stops(client, "a")
        if leaves or scene.version < (4, 9):
            assert steps == 0
        await works(client)


@operation("cancelling a function that runs", "7")
async def plain(scene: Scene) -> None:
    """It cannot be stopped: False, and its result still comes. ``force=True`` gives it up."""
    async with scene.client() as client:
        job = await client.submit(0.6, api_name="/nap")
        await scene.eventually(partial(is_running, job))
        assert not await job.cancel()
        assert "force=True" in job.cancel_report.reason
        assert await job.result(20) == "slept 0.6"
        assert not await job.cancel(force=True)
        job = await client.submit(3, api_name="/nap")
        await scene.eventually(partial(is_running, job))
        assert await job.cancel(force=True)
        with pytest.raises(JobCancelled):
            await job.result(0)
        await works(client)


@operation("siblings of a cancelled job", "7", traps=(3, 4))
async def siblings(scene: Scene) -> None:
    """Those of other functions and of the same one go on, on whatever stream; the server is told where that is safe."""
    async with scene.client() as client:
        other, same = await client.submit(40, api_name="/count"), await scene.ticks(client, "b", 40)
        job = await scene.ticks(client, "a", 200)
        await scene.eventually(partial(is_running, job))
        assert await job.cancel()
        assert await values(other) == [*range(40)]
        assert await values(same) == [*range(40)]
        await works(client)


@operation("State after a cancellation", "7", traps=(3,))
async def state_survives(scene: Scene) -> None:
    """The session is still there."""
    async with scene.client() as client:
        assert await client.predict("a b", api_name="/state") == 2
        job = await scene.ticks(client, "a")
        assert await first(job) == 0
        assert await job.cancel()
        assert await client.predict("c", api_name="/state") == 3


async def too_late(scene: Scene) -> None:
    async with scene.client() as client:
        for place in range(3):
            job = await scene.ticks(client, f"{place}", 100)
            assert await job.cancel()
            assert await job.cancelled()
        await works(client)


@operation(
    "cancelling before the server has answered",
    "7",
    Lack(
        "From 4.0 to 4.8 a job that has its inputs and has not begun cannot be stopped; it ends here, and runs there",
        too_late,
        since=(4,),
        before=(4, 9),
    ),
    traps=(26,),
)
async def at_once(scene: Scene) -> None:
    """Whatever the server makes of it, it does not run for long."""
    async with scene.client() as client:
        for place in range(3):
            job = await scene.ticks(client, f"{place}")
            assert await job.cancel()
            assert await job.cancelled()
        for place in range(3):
            await scene.stops(client, f"{place}")
        await works(client)


@operation("cancelling in one session of two", "7")
async def other_session(scene: Scene) -> None:
    """The same function in another session goes on."""
    async with scene.client() as client, scene.client() as other:
        job, sibling = await scene.ticks(client, "a"), await scene.ticks(other, "b", 30)
        assert await first(job) == 0
        assert await job.cancel()
        assert await values(sibling) == [*range(30)]


async def close(scene: Scene, name: str = "a") -> None:
    """Close a client with open jobs, one of them a run of that name, which has 100 steps."""
    client = await scene.open()
    jobs = [await scene.ticks(client, name, 100), await client.submit(3, api_name="/nap")]
    assert await first(jobs[0]) == 0
    await client.close()
    for job in jobs:
        assert isinstance(await job.exception(0), ClientClosed)
    with pytest.raises(ClientClosed):
        await client.predict("x", api_name="/echo")


async def hardly_noticed(scene: Scene) -> None:
    """Of three runs one goes on to its end: that server notices one time in 15, or in 60."""
    for name in "abc":
        await close(scene, name)
        async with scene.client() as client:
            if await scene.settles(client, name) == 100:
                await works(client)
                return
    pytest.fail("the server noticed three times")


@operation(
    "closing a client with open jobs",
    "7",
    Lack(
        "From 4.0 to 4.8 a server hardly ever notices; the jobs end here, and most run on there",
        hardly_noticed,
        since=(4,),
        before=(4, 9),
    ),
    Lack(
        "4.21.0 mostly loses the end of a stream closed in the middle; the jobs end here, and most run on there",
        hardly_noticed,
        since=(4, 21),
        before=(4, 22),
    ),
)
async def closing(scene: Scene) -> None:
    """Its jobs end at once, and stop on the server."""
    await close(scene)
    async with scene.client() as client:
        assert await scene.stops(client, "a") < 100
        await works(client)
