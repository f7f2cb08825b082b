"""Async jobs, in trio and in asyncio: awaited, iterated over, cancelled, watched."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import json
import logging
import os
import threading
import time
import urllib.request
import weakref
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from faulty import FaultyServer, Peer, Seen, within
from loops import Loop, loop, nothing_left, on_each_loop
from world import World

from gradio_proto import AsyncClient, Client
from gradio_proto.client import AsyncJob
from gradio_proto.client.job import JobCancelled
from gradio_proto.errors import AppError, ClientClosed, ConnectionLost, LimitExceeded
from gradio_proto.errors import JobCancelled as CoreJobCancelled
from gradio_proto.events import Cancelled, Completed, Failed, JobEvent, Log, Output, Progress, Queued, Started
from gradio_proto.files import META
from gradio_proto.limits import Limits
from gradio_proto.status import Status
from gradio_proto.testing import TestApp
from gradio_proto.testing.files import File

__all__ = ["loop", "nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@pytest.fixture
def world(nothing_left: None) -> Iterator[World]:
    with World() as made:
        yield made


def with_client(test: Callable[..., Any]) -> Callable[..., None]:
    """Run an async test in each loop, with a client of its world."""

    async def run(loop: Loop, world: World, client: None) -> None:
        async with AsyncClient(world.server.url) as made:
            await test(loop, world, made)

    return on_each_loop(functools.wraps(test)(run))


@pytest.fixture
def client() -> None:
    """The decorator makes it, in the loop."""


async def is_running(job: AsyncJob) -> bool:
    return (await job.status()).code is Status.PROCESSING


# A future, of sorts.


@with_client
async def test_a_result(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("x", api_name="/echo")
    assert isinstance(job, AsyncJob)
    assert job.event_id is not None
    assert await job.result(5) == "x"
    assert await job.exception() is None
    assert (await job.done(), await job.running(), await job.cancelled()) == (True, False, False)
    assert job.session_hash == client.session_hash
    assert repr(job) == f"<AsyncJob /echo FINISHED event_id={job.event_id}>"


@with_client
async def test_a_failure(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("no", api_name="/fail")
    with pytest.raises(AppError, match="no") as caught:
        await job.result(5)
    assert await job.exception(5) is caught.value
    assert caught.value.event_id == job.event_id
    assert (await job.done(), await job.cancelled()) == (True, False)


@with_client
async def test_a_result_that_takes_too_long(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("x", api_name="/wait")
    assert (await job.done(), await job.running()) == (False, True)
    began = time.monotonic()
    for wait in (job.result, job.exception):
        for error in (TimeoutError, concurrent.futures.TimeoutError):
            with pytest.raises(error, match=r"within 0\.05 s"):
                await wait(0.05)
    async with loop.group() as group:  # and while somebody else turns
        turning = group.start(job.result)
        await loop.sleep(0.01)
        with pytest.raises(TimeoutError):
            await job.result(0.05)
        with pytest.raises(TimeoutError):
            await job.result(0)
        assert time.monotonic() - began < 1
        world.go.set()
        assert await turning.result() == "x"
    assert await job.result() == "x"


@with_client
async def test_polling_moves_a_job_along(loop: Loop, world: World, client: AsyncClient) -> None:
    """A program of which nothing ever waits gets its result, and its other tasks get their turn."""
    world.go.set()
    turns: list[None] = []

    async def count() -> None:
        while True:
            turns.append(None)
            await loop.sleep(0)

    async with loop.group() as group:
        counting = group.start(count)
        job = await client.submit("x", api_name="/wait")
        polled = 0
        while True:
            polled += 1
            try:
                assert await job.result(0) == "x"
            except TimeoutError:
                continue
            break
        assert len(turns) >= polled
        job = await client.submit("x", api_name="/wait")
        while not await job.done():
            pass
        job = await client.submit("x", api_name="/wait")
        while (await job.status()).code is not Status.FINISHED:
            pass
        job = await client.submit("x", api_name="/wait")
        while not await job.outputs():
            pass
        counting.cancel()


@with_client
async def test_submit_returns_when_the_server_has_accepted(
    loop: Loop, world: World, client: AsyncClient
) -> None:
    jobs = [await client.submit(str(number), api_name="/single") for number in range(5)]
    assert all(job.event_id for job in jobs)
    world.go.set()
    assert [await job.result() for job in jobs] == [*"01234"]


@on_each_loop
async def test_a_join_that_is_refused(loop: Loop) -> None:
    """submit() returns a job that has ended."""

    def refuse(peer: Peer, _: Seen) -> None:
        peer.json({"detail": "Queue is full."}, "503 Service Unavailable")

    with FaultyServer({"queue/join": refuse}) as server:
        async with AsyncClient(server.url) as client:
            job = await client.submit("x")
            assert job.event_id is None
            assert await job.done()
            assert (await job.status()).success is False
            assert "Queue is full" in str(await job.exception())


# Callbacks.


@with_client
async def test_callbacks(loop: Loop, world: World, client: AsyncClient) -> None:
    called: list[tuple[str, Any]] = []
    job = await client.submit("x", api_name="/wait")

    def failing(job: AsyncJob) -> None:
        raise ZeroDivisionError

    def leaving(job: AsyncJob) -> None:
        raise SystemExit

    def calling(job: AsyncJob) -> None:
        called.append(("called", job.event_id))
        called.append(("thread", threading.current_thread()))

    logged: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = logged.append  # type: ignore[assignment, method-assign]
    logger = logging.getLogger("gradio_proto")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        for callback in (failing, leaving, calling):
            await job.add_done_callback(callback)
        world.go.set()
        assert await job.result() == "x"
        await loop.eventually(lambda: len(called) == 2)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    assert called == [("called", job.event_id), ("thread", threading.current_thread())]
    assert [record.exc_info[0] for record in logged if record.exc_info] == [ZeroDivisionError, SystemExit]
    await job.add_done_callback(lambda job: called.append(("at once", threading.current_thread())))
    assert called[-1] == ("at once", threading.current_thread())
    assert await client.predict("z", api_name="/echo") == "z"


@with_client
async def test_result_callbacks(loop: Loop, world: World, client: AsyncClient) -> None:
    called: list[Any] = []

    def both(*values: str) -> None:
        called.append(values)

    def second(_: str, b: str) -> None:
        called.append(b)

    callbacks: list[Callable[..., None]] = [both, second]
    await (await client.submit("x", api_name="/pair", result_callbacks=callbacks)).result(5)
    await loop.eventually(lambda: len(called) == 2)
    assert called == [("x", "xx"), "xx"]
    job = await client.submit("x", api_name="/echo", result_callbacks=called.append)
    assert await job.result() == "x"
    failed = await client.submit("x", api_name="/fail", result_callbacks=called.append)
    await failed.exception(5)
    after: list[AsyncJob] = []
    await failed.add_done_callback(after.append)
    assert after == [failed]
    await client.predict("y", api_name="/echo")
    assert called[2:] == ["x"]


@with_client
async def test_a_callback_begins_what_comes_next(loop: Loop, world: World, client: AsyncClient) -> None:
    """It is called where tasks can be started, not in the middle of anything."""
    results: list[Any] = []
    async with loop.group() as group:

        async def follow(job: AsyncJob) -> None:
            results.append(await client.predict(await job.result(), api_name="/pair"))
            done.set()

        done = threading.Event()
        job = await client.submit("x", api_name="/wait")
        await job.add_done_callback(lambda ended: group.start(follow, ended) and None)
        world.go.set()
        await job.result()
        await loop.eventually(done.is_set)
    assert results == [("x", "xx")]


@with_client
async def test_callbacks_are_called_though_the_client_is_closed(
    loop: Loop, world: World, client: AsyncClient
) -> None:
    called: list[Any] = []
    job = await client.submit("x", api_name="/wait")
    await job.add_done_callback(called.append)
    await client.close()
    assert called == [job]
    assert isinstance(await job.exception(), ClientClosed)


# Outputs and events.


@with_client
async def test_outputs_as_they_come(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/paced")
    outputs = aiter(job)
    assert await anext(outputs) == "a"
    assert await job.outputs() == ["a"]
    assert not await job.done()
    world.go.set()
    assert await anext(outputs) == "ab"
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(outputs)
    assert [output async for output in job] == ["a", "ab"] == await job.outputs()
    assert await job.result() == "ab"


@with_client
async def test_the_next_output(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(3, api_name="/count")
    assert [await anext(job), await anext(job), await anext(job)] == [0, 1, 2]
    with pytest.raises(StopAsyncIteration):
        await anext(job)
    assert [output async for output in job] == [0, 1, 2]


@with_client
async def test_outputs_of_a_plain_function(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("x", api_name="/wait")
    assert await job.outputs() == []
    world.go.set()
    assert [output async for output in job] == ["x"]
    assert await job.outputs() == ["x"]


@with_client
async def test_outputs_are_ones_own(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/nested")
    async for value in job:
        value["items"].clear()
    assert await job.outputs() == [{"items": [0]}, {"items": [0, 1]}, {"items": [0, 1, 2]}]


@with_client
async def test_iterating_over_a_failed_job_raises(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(2, api_name="/late_failure")
    for _ in range(2):
        outputs = aiter(job)
        assert [await anext(outputs), await anext(outputs)] == [0, 1]
        with pytest.raises(AppError, match="too far"):
            await anext(outputs)
        with pytest.raises(StopAsyncIteration):
            await anext(outputs)
    assert await job.outputs() == [0, 1]


@with_client
async def test_leaving_a_loop_early(loop: Loop, world: World, client: AsyncClient) -> None:
    """A break leaves nothing behind, and ends nothing: whoever comes again reads on."""
    job = await client.submit(api_name="/paced")
    async for output in job:
        assert output == "a"
        break
    async for event in job.events():
        assert isinstance(event, Queued)
        break
    world.go.set()
    assert await job.result() == "ab"
    assert [output async for output in job] == ["a", "ab"]


@with_client
async def test_many_readers_of_one_job(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(100, api_name="/count")

    async def read() -> list[Any]:
        return [output async for output in job]

    async def share() -> list[Any]:
        return [output async for output in shared]

    async with loop.group() as group:
        readers = [group.start(read) for _ in range(5)]
        assert [await reader.result() for reader in readers] == [[*range(100)]] * 5
        shared = aiter(await client.submit(100, api_name="/count"))
        sharers = [group.start(share) for _ in range(3)]
        assert sorted([n for sharer in sharers for n in await sharer.result()]) == [*range(100)]


@with_client
async def test_events(loop: Loop, world: World, client: AsyncClient) -> None:
    events = [event async for event in (await client.submit(api_name="/report")).events()]
    assert [type(event) for event in events] == [Queued, Started, Log, Progress, Output, Completed]
    log, progress = events[2], events[3]
    assert isinstance(log, Log)
    assert (log.text, log.level) == ("hello", "info")
    assert isinstance(progress, Progress)
    assert (progress.units[0].index, progress.units[0].length, progress.units[0].desc) == (1, 2, "half")
    events = [event async for event in (await client.submit(2, api_name="/late_failure")).events()]
    assert [type(event) for event in events[-3:]] == [Output, Output, Failed]


@with_client
async def test_status(loop: Loop, world: World, client: AsyncClient) -> None:
    running = await client.submit("x", api_name="/single")
    await loop.eventually(lambda: is_running(running))
    waiting = [await client.submit("x", api_name="/single") for _ in range(2)]

    async def ranks() -> bool:
        return [(await job.status()).rank for job in waiting] == [0, 1]

    await loop.eventually(ranks)
    status = await waiting[1].status()
    assert (status.code, status.queue_size, status.success) == (Status.IN_QUEUE, 2, None)
    assert status.time is not None
    world.go.set()
    for job in (running, *waiting):
        await job.result(5)
        status = await job.status()
        assert (status.code, status.rank, status.success, status.eta) == (Status.FINISHED, 0, True, None)


@on_each_loop
async def test_a_job_that_nobody_reads_is_bounded(loop: Loop, world: World) -> None:
    async with AsyncClient(world.server.url, limits=Limits(job_unread_bytes=20_000)) as client:
        job = await client.submit(1000, api_name="/count")
        with pytest.raises(LimitExceeded, match="job_unread_bytes"):
            await job.result(10)
        assert await client.predict("x", api_name="/echo") == "x"


@on_each_loop
async def test_an_event_is_not_lost_with_the_wait_for_its_files(loop: Loop, tmp_path: Path) -> None:
    go = threading.Event()
    app = TestApp(version="4.13.0")  # whose outputs are no diffs

    @app.endpoint("/predict", outputs=["file"])
    def predict(x: str) -> Iterator[File]:
        yield File("0.txt", b"0")

    def outputs(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        for number in range(3):
            data = [{"path": f"/tmp/gradio/{number}.txt", "orig_name": f"{number}.txt", "meta": META}]
            peer.message("process_generating", event_id="e1", success=True, output={"data": data})
        peer.wait_for_end()

    def file(peer: Peer, seen: Seen) -> None:
        go.wait(10)
        peer.reply(seen.path.encode())

    with FaultyServer({"queue/data": outputs, "file": file}, app=app) as server:
        async with AsyncClient(server.url, download_files=tmp_path) as client:
            job = await client.submit("x")
            names = aiter(job)
            for _ in range(3):
                assert await loop.cut_off(0.1, names.__anext__)
            go.set()
            assert [os.path.basename(await anext(names)) for _ in range(3)] == ["0.txt", "1.txt", "2.txt"]


# Cancelling.


@with_client
async def test_cancelling_a_queued_job(loop: Loop, world: World, client: AsyncClient) -> None:
    running = await client.submit("first", api_name="/single")
    await loop.eventually(lambda: is_running(running))
    queued = await client.submit("second", api_name="/single")
    assert await queued.cancel()
    assert queued.cancel_report is not None
    assert not queued.cancel_report.server_told  # it would end the running one as well
    assert (await queued.cancelled(), await queued.done(), await queued.running()) == (True, True, False)
    for error in (JobCancelled, concurrent.futures.CancelledError, CoreJobCancelled):
        with pytest.raises(error):
            await queued.result()
    assert isinstance(await queued.exception(), JobCancelled)
    assert [output async for output in queued] == []
    assert [event async for event in queued.events()][-1] == Cancelled(by_server=False)
    assert (await queued.status()).code is Status.CANCELLED
    world.go.set()
    assert await running.result(5) == "first"


@with_client
async def test_a_cancelled_job_is_no_cancelled_task(loop: Loop, world: World, client: AsyncClient) -> None:
    """The error of the one is an ordinary exception; the other's must go through every handler of those."""
    job = await client.submit(api_name="/paced")
    assert await anext(job) == "a"
    assert await job.cancel()
    error = await job.exception()
    assert isinstance(error, Exception)
    assert not isinstance(error, loop.cancelled)
    assert not isinstance(error, asyncio.CancelledError)
    async with loop.group() as group:
        waiting = group.start(job.result)
        assert isinstance(await waiting.error(), JobCancelled)
        assert not waiting.was_cancelled


@with_client
async def test_cancelling_a_generator(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/paced")
    assert await anext(job) == "a"
    assert await job.cancel()
    assert job.cancel_report is not None
    assert job.cancel_report.server_told
    world.go.set()
    await loop.eventually(world.closed.is_set)
    assert not await job.cancel()
    assert await client.predict("x", api_name="/echo") == "x"


@with_client
async def test_cancelling_a_function_that_runs(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("x", api_name="/wait")
    other = await client.submit("y", api_name="/wait")
    for each in (job, other):
        await loop.eventually(lambda each=each: is_running(each))
    assert not await job.cancel()
    assert not await job.done()
    assert await other.cancel(force=True)
    assert await other.cancelled()
    world.go.set()
    assert await job.result(5) == "x"


@on_each_loop
async def test_cancelling_before_the_join_is_answered(loop: Loop) -> None:
    """The task that submits is cancelled; what the server has accepted then is stopped, by whoever waits next."""
    answer = threading.Event()

    def join(peer: Peer, _: Seen) -> None:
        answer.wait(5)
        peer.json({"event_id": "e1"})

    def cancel(peer: Peer, _: Seen) -> None:
        peer.json({"success": True})

    with FaultyServer({"queue/join": join, "cancel": cancel}) as server:
        async with AsyncClient(server.url) as client, loop.group() as group:
            for begin in (client.submit, client.predict):
                answer.clear()
                calling = group.start(begin, "x")
                await loop.eventually(lambda: server.seen("queue/join"))
                calling.cancel()
                await calling.ended()
                assert calling.was_cancelled
                answer.set()
                running = group.start(client.run)
                await loop.eventually(lambda: server.seen("cancel"))
                assert b"e1" in server.seen("cancel")[0].body
                running.cancel()
                server.requests.clear()


@with_client
async def test_cancelling_a_job_that_is_over(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit("x", api_name="/echo")
    await job.result(5)
    assert not await job.cancel()
    await client.close()
    assert not await job.cancel()
    assert job.cancel_report is not None
    assert "ended already" in job.cancel_report.reason
    assert await job.result() == "x"
    assert await job.outputs() == ["x"]
    assert (await job.status()).success


@with_client
async def test_cancelling_while_others_wait(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/paced")

    async def last_event() -> JobEvent:
        return [event async for event in job.events()][-1]

    async def outputs() -> list[Any]:
        return [output async for output in job]

    async with loop.group() as group:
        errors = [group.start(job.exception) for _ in range(3)]
        ends = [group.start(last_event) for _ in range(3)]
        reads = [group.start(outputs) for _ in range(3)]
        assert await anext(job) == "a"
        assert await job.cancel()
        assert {type(await error.result()) for error in errors} == {JobCancelled}
        assert [await end.result() for end in ends] == [Cancelled(by_server=False)] * 3
        assert [await read.result() for read in reads] == [["a"]] * 3
    assert await client.predict("x", api_name="/echo") == "x"


@with_client
async def test_cancelled_by_the_server(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/paced")
    assert await anext(job) == "a"
    (fn_index,) = (
        dependency["id"]
        for dependency in client.config["dependencies"]
        if dependency["api_name"].strip("/") == "paced"
    )
    body = {"event_id": job.event_id, "session_hash": job.session_hash, "fn_index": fn_index}
    request = urllib.request.Request(
        f"{world.server.url}/gradio_api/cancel",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: ASYNC210 - the server has a thread of its own
    with pytest.raises(JobCancelled):
        await job.result(5)
    assert [event async for event in job.events()][-1] == Cancelled(by_server=True)
    with pytest.raises(JobCancelled):
        async for _ in job:
            pass
    assert not await job.cancel()


@with_client
async def test_closing_while_it_is_cancelled(loop: Loop, world: World, client: AsyncClient) -> None:
    job = await client.submit(api_name="/paced")
    assert await anext(job) == "a"
    async with loop.group() as group:
        cancelling = group.start(job.cancel)
        await loop.sleep(0)
        await client.close()
        await cancelling.result()
    assert await job.done()


# The end of a block.


@with_client
async def test_a_job_ends_with_its_block(loop: Loop, world: World, client: AsyncClient) -> None:
    async with await client.submit(api_name="/paced") as job:
        assert await anext(job) == "a"
    assert await job.cancelled()
    assert await client.predict("x", api_name="/echo") == "x"
    world.go.set()
    await loop.eventually(world.closed.is_set)
    async with await client.submit("x", api_name="/echo") as job:
        assert await job.result() == "x"
    assert not await job.cancelled()


@with_client
async def test_a_job_ends_with_its_cancelled_block(loop: Loop, world: World, client: AsyncClient) -> None:
    """Its task can await nothing any more; whoever waits for the client next tells the server."""
    jobs: list[AsyncJob] = []

    async def block() -> None:
        async with await client.submit(api_name="/paced") as job:
            jobs.append(job)
            async for _ in job:
                pass

    sibling = await client.submit("y", api_name="/wait")
    assert await loop.cut_off(0.2, block)
    assert await jobs[0].cancelled()
    world.go.set()
    assert await sibling.result() == "y"
    await loop.eventually(world.closed.is_set)


@with_client
async def test_iterators_have_nothing_to_be_closed(loop: Loop, world: World, client: AsyncClient) -> None:
    """They are no async generators, whose end may come late, on a loop that is not theirs."""
    job = await client.submit(3, api_name="/count")
    for iterator in (aiter(job), job.events()):
        assert not hasattr(iterator, "aclose")
        with pytest.raises(AttributeError):
            async with aclosing(iterator):  # type: ignore[type-var]
                pytest.fail("it was entered")
    assert await job.result() == 2


@pytest.mark.parametrize("keep", [lambda job: job, aiter, AsyncJob.events], ids=["job", "outputs", "events"])
@on_each_loop
async def test_what_is_kept_of_a_job_keeps_its_client_open(
    loop: Loop, world: World, keep: Callable[[AsyncJob], AsyncIterable[Any]]
) -> None:
    world.go.set()
    client = await AsyncClient(world.server.url)
    reference = weakref.ref(client)
    kept = keep(await client.submit("x", api_name="/wait"))
    del client
    gc.collect()
    assert [item async for item in kept]
    same = reference()
    assert same is not None
    await same.close()


# Others.


@with_client
async def test_a_lost_server_ends_every_job(loop: Loop, world: World, client: AsyncClient) -> None:
    jobs = [await client.submit(str(number), api_name="/wait") for number in range(10)]
    closing = threading.Thread(target=world.server.close, daemon=True)
    closing.start()
    for job in jobs:
        error = await job.exception(5)
        assert isinstance(error, ConnectionLost)
        assert error.phase in ("stream_lost", "accepted")
    world.go.set()
    closing.join(5)


@pytest.mark.parametrize("version", ["4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"])
@on_each_loop
async def test_generations_of_the_protocol(loop: Loop, version: str) -> None:
    with World(version) as world:
        async with AsyncClient(world.server.url) as client:
            assert client.app_version == version
            jobs = [await client.submit(api_name="/nested") for _ in range(3)]
            for job in jobs:
                assert [value async for value in job] == [
                    {"items": [0]},
                    {"items": [0, 1]},
                    {"items": [0, 1, 2]},
                ]
            with pytest.raises(AppError, match=r"^too far"):
                async for _ in await client.submit(2, api_name="/late_failure"):
                    pass
            world.go.set()
            jobs = [await client.submit(str(n), api_name="/single") for n in range(5)]
            assert [await job.result(5) for job in jobs] == [*"01234"]


@with_client
async def test_the_blocking_twin_sees_the_same(loop: Loop, world: World, client: AsyncClient) -> None:
    world.go.set()
    for call in ((2, "/late_failure"), ("x", "/fail"), (3, "/count"), ("x", "/pair"), ("x", "/single")):
        job = await client.submit(call[0], api_name=call[1])
        ours = [event async for event in job.events()]
        with Client(world.server.url) as blocking:
            theirs = [*blocking.submit(call[0], api_name=call[1]).events()]
        assert [type(event) for event in ours] == [type(event) for event in theirs]
        values = [[event.value for event in events if isinstance(event, Output)] for events in (ours, theirs)]
        assert values[0] == values[1]
