"""The async client against real servers; and two hundred jobs, of which a third is cancelled, on every loop."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from crowd import Planned, crowd
from faulty import within
from loops import Loop, Running, loop, nothing_left, on_each_loop
from proxying import ReverseProxy
from servers.running import number

from gradio_proto import AsyncClient, Client, handle_file
from gradio_proto.client import AsyncJob, Job
from gradio_proto.errors import AppError, AuthenticationError, JobCancelled
from gradio_proto.events import Cancelled, Completed, Log, Progress, Queued, Started
from gradio_proto.status import Status

__all__ = ["loop", "nothing_left"]

LOGIN = ("user", "pass word")


@pytest.fixture(autouse=True)
def bounded(nothing_left: None) -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest) -> None:
    if "loop" in request.fixturenames:
        request.getfixturevalue("loop").is_strict = False


# What there is.


@pytest.mark.real("4.13.0", "6.31.0")
@on_each_loop
async def test_values_and_errors(loop: Loop, url: str, server_version: str) -> None:
    async with AsyncClient(url) as client:
        assert client.app_version == server_version
        assert 'api_name="/echo"' in str(await client.view_api(print_info=False, return_format="str"))
        for text in ("", "é€😀", "\u2028\u2029\x85\0\r\n\x1f", "x" * 300_000):
            assert await client.predict(text, api_name="/echo") == text
        assert await client.predict(1, "add", 2, api_name="/calc") == (3, "1 add 2 = 3")
        assert await client.predict("x", api_name="/noqueue") == "x"
        with pytest.raises(AppError, match="bad thing: x"):
            await client.predict("x", api_name="/fail")
        with pytest.raises(TypeError, match="unexpected keyword"):
            await client.submit(1, nonsense=2, api_name="/calc")
        job = await client.submit(2, api_name="/gen_fail")
        assert isinstance(await job.exception(), AppError)
        assert await job.outputs() == [0, 1]
        await client.refresh()
        assert await client.predict("still", api_name="/echo") == "still"


@pytest.mark.real("4.13.0", "6.31.0")
@on_each_loop
async def test_generators_and_events(loop: Loop, url: str, server_version: str) -> None:
    async with AsyncClient(url) as client:
        job = await client.submit("a b c", api_name="/stream")
        assert [output async for output in job] == ["a ", "a b ", "a b c "]
        assert await job.result() == "a b c "
        assert (await job.status()).code is Status.FINISHED
        job = await client.submit(3, api_name="/jsonstream")
        assert [len(output["items"]) async for output in job] == [1, 2, 3, 2]
        events = [event async for event in (await client.submit(2, api_name="/progress")).events()]
        assert {Queued, Started, Progress, Completed} <= {type(event) for event in events}
        events = [event async for event in (await client.submit("x", api_name="/log")).events()]
        assert [event.text for event in events if isinstance(event, Log)][:2] == ["info x", "warn x"]


@pytest.mark.real("4.13.0", "6.31.0")
@on_each_loop
async def test_state_and_sessions(loop: Loop, url: str) -> None:
    """Also while nobody waits: the heartbeat that an app with State asks for is the server's to miss."""
    async with AsyncClient(url) as client:
        assert await client.predict("a b", api_name="/state") == 2
        assert await client.predict("c", api_name="/state", isolate=True) == 1
        await loop.sleep(0.5)
        assert await client.predict("c", api_name="/state") == 3
        open_job = await client.submit(10, api_name="/count")
        await client.reset_session()
        assert await client.predict("d", api_name="/state") == 1
        assert await open_job.result() == 9
        assert open_job.session_hash != client.session_hash


@on_each_loop
async def test_jobs_of_two_sessions(loop: Loop, url: str) -> None:
    """Those of the isolated calls have streams of their own, and one's end touches no other."""
    with ReverseProxy(url) as proxy:
        async with AsyncClient(proxy.url) as client, loop.group() as group:

            async def outputs(job: AsyncJob) -> list[Any]:
                return [output async for output in job]

            shared = [await client.submit(40, api_name="/count") for _ in range(5)]
            isolated = [await client.submit(40, api_name="/count", isolate=True) for _ in range(5)]
            assert len({job.session_hash for job in shared}) == 1
            assert len({job.session_hash for job in isolated}) == 5
            reading = [group.start(outputs, job) for job in (*shared, *isolated[1:])]
            await loop.sleep(0.2)
            assert await isolated[0].cancel()
            assert isolated[0].cancel_report is not None
            assert isolated[0].cancel_report.server_told
            assert [await each.result() for each in reading] == [[*range(40)]] * 9
        streams = [each for each in proxy.passed if each.path.endswith("/queue/data")]
        assert len({each.target for each in streams}) == 6


@pytest.mark.real("4.13.0", "6.31.0")
@on_each_loop
async def test_files(loop: Loop, url: str, tmp_path: Path) -> None:
    async with AsyncClient(url, download_files=tmp_path) as client:
        path = await client.predict(handle_file(b"some text\0\xff", name="two words.txt"), api_name="/file")
        assert content(path) == ("out two words.txt", b"SOME TEXT\0\xff")
        given = [handle_file(b"one" * 100_000, name="a.txt"), handle_file(b"", name="b.txt")]
        job = await client.submit(given, api_name="/files")
        assert [content(path) for path in await job.result()] == [
            ("out a.txt", b"ONE" * 100_000),
            ("out b.txt", b""),
        ]


def content(path: str) -> tuple[str, bytes]:
    return Path(path).name, Path(path).read_bytes()


@pytest.mark.real("5.49.1", "6.31.0")
@on_each_loop
async def test_a_login(loop: Loop, strict_url: str) -> None:
    with pytest.raises(AuthenticationError):
        await AsyncClient(strict_url, auth=("user", "wrong"))
    async with AsyncClient(strict_url, auth=LOGIN) as client:
        assert (await client.predict(api_name="/req"))["username"] == "user"
        with pytest.raises(AppError) as caught:
            await client.predict("x", api_name="/crash")
        assert caught.value.hidden


@on_each_loop
async def test_cancelling(loop: Loop, url: str, server_version: str) -> None:
    name = f"{random.random()}"
    async with AsyncClient(url) as client:

        async def stops(run: str) -> bool:
            before = await client.predict(run, api_name="/ticked")
            await loop.sleep(0.25)
            return bool(before == await client.predict(run, api_name="/ticked"))

        job = await client.submit(f"{name}a", 400, api_name="/tick")
        assert await anext(job) == 0
        assert await job.cancel()
        assert job.cancel_report is not None
        assert job.cancel_report.server_told
        assert [event async for event in job.events()][-1] == Cancelled(by_server=False)
        await loop.eventually(partial(stops, f"{name}a"))

        async def leave_in_the_middle() -> None:
            async with await client.submit(f"{name}b", 400, api_name="/tick") as job:
                async for output in job:
                    assert output < 300

        assert await loop.cut_off(0.5, leave_in_the_middle)
        await loop.eventually(partial(stops, f"{name}b"))

        assert await loop.cut_off(0.3, partial(client.predict, f"{name}c", 400, api_name="/tick"))
        await loop.eventually(partial(stops, f"{name}c"))

        job = await client.submit(0.5, api_name="/slow")

        async def is_running() -> bool:
            return (await job.status()).code is Status.PROCESSING

        await loop.eventually(is_running)
        assert not await job.cancel()
        assert await job.result() == "slept 0.5"
        await works(client)


async def works(client: AsyncClient) -> None:
    assert await client.predict("x", api_name="/echo") == "x"
    assert [output async for output in await client.submit(3, api_name="/count")] == [0, 1, 2]


# Two hundred jobs.


CROWDED = pytest.mark.real("4.44.1", "5.49.1", "6.31.0")
JOBS = 200


def check(plan: Planned[Any], outputs: list[Any], error: BaseException | None) -> bool:
    """Whether a job that has ended was cancelled; it has done what was to be expected in either case."""
    if error is None:
        assert outputs == plan.outputs
        return False
    assert isinstance(error, JobCancelled), error
    assert plan.cancelled_after is not None
    assert outputs == plan.outputs[: len(outputs)]
    return True


@CROWDED
@on_each_loop
async def test_two_hundred_jobs_of_one_client(loop: Loop, url: str) -> None:
    """Some are cancelled as jobs; of others, the task that waits for them is cancelled, at whatever step that is."""
    with ReverseProxy(url) as proxy:
        async with AsyncClient(proxy.url) as client, loop.group() as group:
            plans = crowd([client], "", jobs=JOBS, ticks=False)
            began = time.monotonic()

            async def wait_for(moment: float) -> None:
                await loop.sleep(max(0.0, began + moment - time.monotonic()))

            async def predict(plan: Planned[AsyncClient]) -> None:
                await wait_for(plan.at)
                assert await client.predict(*plan.arguments, api_name=plan.api_name) == plan.value

            async def submit(plan: Planned[AsyncClient]) -> bool:
                await wait_for(plan.at)
                plan.job = await client.submit(*plan.arguments, api_name=plan.api_name)
                outputs = [output async for output in plan.job]
                return check(plan, outputs, await plan.job.exception())

            async def live(plan: Planned[AsyncClient]) -> bool:
                await wait_for(plan.at)
                async with await client.submit(*plan.arguments, api_name=plan.api_name) as job:
                    outputs = [output async for output in job]
                    return check(plan, outputs, await job.exception())

            async def cancel(index: int, plan: Planned[AsyncClient], running: Running[Any]) -> None:
                assert plan.cancelled_after is not None
                await wait_for(plan.at + plan.cancelled_after)
                if index % 2 or plan.job is None:
                    running.cancel()
                else:
                    await plan.job.cancel(force=index % 4 == 0)

            running = [
                group.start((predict, submit, live)[choice % 3], plan)
                for choice, plan in enumerate(plans, start=len(loop.name))
            ]
            for index, plan in enumerate(plans):
                if plan.cancelled_after is not None:
                    group.start(cancel, index, plan, running[index])
            cancelled = 0
            for plan, each in zip(plans, running, strict=True):
                await each.ended()
                if each.was_cancelled:
                    assert plan.cancelled_after is not None
                    cancelled += 1
                else:
                    cancelled += bool(await each.result())
            assert cancelled > JOBS / 10
            await works(client)
        # One stream, then: where a server stumbles over a job that completes twice, or says that it is through while
        # another join is on its way, the next.
        streams = [passed for passed in proxy.passed if passed.path.endswith("/queue/data")]
        assert len({passed.target for passed in streams}) == 1
        assert len(streams) < JOBS / 4
    async with AsyncClient(url) as fresh:
        assert await fresh.predict(0.01, api_name="/slow") == "slept 0.01"


@CROWDED
def test_two_hundred_jobs_of_threads(url: str, nothing_left: None) -> None:
    with Client(url) as client:
        plans = crowd([client], "", jobs=JOBS, ticks=False)
        began = time.monotonic()

        def play(plan: Planned[Client]) -> bool:
            time.sleep(max(0.0, began + plan.at - time.monotonic()))
            job: Job = client.submit(*plan.arguments, api_name=plan.api_name)
            if plan.cancelled_after is not None:
                timer = threading.Timer(plan.cancelled_after, job.cancel, [random.random() < 0.5])
                timer.start()
            outputs = list(job)
            error = job.exception(30)
            if plan.cancelled_after is not None:
                timer.join()
            return check(plan, outputs, error)

        with ThreadPoolExecutor(JOBS) as pool:
            assert sum(pool.map(play, plans)) > JOBS / 10
        assert client.predict("x", api_name="/echo") == "x"
        assert client.predict(0.01, api_name="/slow") == "slept 0.01"


# Beside the heartbeat.


@pytest.mark.real("6.31.0")
@on_each_loop
async def test_the_heartbeat_is_held_open(loop: Loop, url: str, server_version: str) -> None:
    assert number(server_version) >= (4, 44)
    with ReverseProxy(url) as proxy:
        async with AsyncClient(proxy.url) as client, loop.group() as group:
            assert client.config["connect_heartbeat"]
            running = group.start(client.run)
            assert await client.predict("a", api_name="/state") == 1
            await loop.eventually(lambda: heartbeats(proxy) == [client.session_hash])
            await loop.sleep(0.3)
            assert await client.predict("b", api_name="/state") == 2
            assert len(heartbeats(proxy)) == 1
            running.cancel()
        async with AsyncClient(proxy.url, heartbeat=False) as client:
            await works(client)
        assert len(heartbeats(proxy)) == 1


def heartbeats(proxy: ReverseProxy) -> list[str]:
    return [passed.path.rpartition("/")[2] for passed in proxy.passed if "/heartbeat/" in passed.path]
