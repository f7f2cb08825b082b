"""The life of a transport: who may use it and from where, how it ends, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from faulty import FaultyServer, Peer, Seen
from gradio_transports.embedded import EmbeddedTransport
from ways import WAYS, Async, Asyncio, Embedded, Talk, Trio, Way, nothing_left, run_now

from gradio_proto import AsyncClient, Client
from gradio_proto.errors import ClientClosed, LocalProtocolError
from gradio_proto.testing import TestApp, serve

HAVING_TASKS = [way for way in WAYS if way.has_tasks]
ASYNC = [way for way in WAYS if issubclass(way, Async)]

all_ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
ways_with_tasks = pytest.mark.parametrize("way", HAVING_TASKS, ids=lambda way: way.name)
async_ways = pytest.mark.parametrize("way", ASYNC, ids=lambda way: way.name)


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with nothing_left(30):
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: Any) -> Any:
        return x

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        for number in range(n):
            yield number
            time.sleep(0.002)

    with serve(app) as address:
        yield address


def hold(way: type[Way], url: str, conversation: Callable[[Talk], Coroutine[Any, Any, Any]]) -> Talk:
    """Hold a conversation with a server that is there already."""
    talk = Talk(way(), url, None, None, {"api_name": "/echo"})
    talk.way.run(partial(conversation, talk))
    return talk


def never(peer: Peer, _: Seen) -> None:
    peer.begin_stream()
    peer.wait_for_end()


# Several at once.


@ways_with_tasks
def test_callers_at_once(way: type[Way], url: str) -> None:
    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:

            async def call(name: int) -> None:
                for number in range(5):
                    assert await client.predict(10 * name + number) == 10 * name + number

            async def count() -> None:
                job = await client.submit(10, api_name="/count")
                assert [output async for output in job] == [*range(10)]

            await talk.way.together(*[partial(call, name) for name in range(4)], count, count)

    hold(way, url, conversation).assert_at_rest()


@all_ways
def test_jobs_at_once(way: type[Way], url: str) -> None:
    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:
            jobs = [await client.submit(number) for number in range(20)]
            counting = await client.submit(10, api_name="/count")
            assert [await job.result() for job in reversed(jobs)] == [*reversed(range(20))]
            assert [output async for output in counting] == [*range(10)]

    hold(way, url, conversation).assert_at_rest()


@ways_with_tasks
def test_who_turns_may_leave_first(way: type[Way], url: str) -> None:
    """The one that turned for all hands over to the next."""

    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:
            jobs = [await client.submit(length, api_name="/count") for length in (2, 8, 16)]

            async def wait(job: Any, last: int) -> None:
                assert await job.result(timeout=10) == last

            await talk.way.together(
                *[partial(wait, job, last) for job, last in zip(jobs, (1, 7, 15), strict=True)]
            )

    hold(way, url, conversation)


# The end.


@ways_with_tasks
def test_closing_wakes_whoever_waits(way: type[Way]) -> None:
    async def conversation(talk: Talk) -> None:
        client = await talk.open()
        job = await client.submit("x")
        woken: list[str] = []

        async def predict() -> None:
            with pytest.raises(ClientClosed):
                await client.predict("y")
            woken.append("predict")

        async def result() -> None:
            with pytest.raises(ClientClosed):
                await job.result()
            woken.append("result")

        async def iterate() -> None:
            with pytest.raises(ClientClosed):
                [output async for output in job]
            woken.append("iterate")

        async def events() -> None:
            assert [type(event).__name__ async for event in job.events()] == ["Failed"]
            woken.append("events")

        async def close() -> None:
            await talk.until(client, lambda: len(server.seen("queue/join")) >= 2)
            began = time.monotonic()
            await client.close()
            await client.close()
            assert time.monotonic() - began < 1

        await talk.way.together(close, predict, result, iterate, events)
        assert sorted(woken) == ["events", "iterate", "predict", "result"]
        with pytest.raises(ClientClosed):
            await client.predict("x")
        with pytest.raises(ClientClosed):
            await job.result()
        assert not await job.cancel()

    with FaultyServer({"queue/data": never}) as server:
        talk = Talk(way(), server.url, server, None, {"api_name": "/predict"})
        talk.way.run(partial(conversation, talk))
        talk.assert_at_rest()


def test_a_callback_that_closes_while_somebody_waits(url: str) -> None:
    """Where there is one thread, only its own callbacks can."""
    client = Client(url, transport=EmbeddedTransport, api_name="/echo")
    endless = client.submit(10**6, api_name="/count")
    client.submit("x").add_done_callback(lambda _: client.close())
    with pytest.raises(ClientClosed):
        endless.result(10)
    client.close()
    Embedded().assert_at_rest(client._engine.transport)


@all_ways
def test_a_client_that_nobody_closed(way: type[Way], url: str) -> None:
    """Its owner is warned, and all is closed."""

    def let_go(clients: list[Any]) -> None:
        clients.clear()
        gc.collect()

    async def conversation(talk: Talk) -> None:
        clients = [await talk.open()]
        assert await clients[0].predict("x") == "x"
        with pytest.warns(ResourceWarning, match=r"unclosed <(Async)?Client of http://"):
            let_go(clients)
        talk.assert_at_rest()

    hold(way, url, conversation)


@async_ways
def test_a_client_that_outlives_its_loop(way: type[Way], url: str) -> None:
    kept: list[Any] = []

    async def conversation(talk: Talk) -> None:
        kept.append(await talk.open())
        kept.append(await kept[0].submit(10**6, api_name="/count"))
        await anext(kept[1])

    talk = hold(way, url, conversation)
    client, job = kept

    async def elsewhere() -> None:
        for call in (
            partial(client.predict, "x"),
            partial(client.submit, "x"),
            job.result,
            job.status,
            job.cancel,
            client.run,
            partial(client.view_api, print_info=False),
            client.refresh,
        ):
            with pytest.raises(LocalProtocolError, match="belongs to the loop"):
                await call()

    for other in (Asyncio(), Trio()):
        other.run(elsewhere)
    with pytest.raises(LocalProtocolError, match="belongs to the loop"):
        run_now(elsewhere_alone(client))

    async def close() -> None:
        await client.close()
        await client.close()

    Asyncio().run(close)
    talk.assert_at_rest()


async def elsewhere_alone(client: Any) -> None:
    await client.predict("x")


def test_an_embedded_client_belongs_to_one_thread(url: str) -> None:
    with Client(url, transport=EmbeddedTransport, api_name="/echo") as client:
        job = client.submit("x")
        transport: Any = client._engine.transport
        errors: list[BaseException] = []

        def elsewhere() -> None:
            for call in (
                partial(client.predict, "y"),
                partial(client.submit, "y"),
                job.result,
                transport.turn,
            ):
                try:
                    call()
                except BaseException as error:
                    errors.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert [type(error) for error in errors] == [LocalProtocolError] * 4
        assert all("one thread" in str(error) for error in errors)
        assert job.result() == "x"
        assert client.predict("z") == "z"
        assert not client._engine.state.open_jobs


def test_an_embedded_clients_callback_may_wait(url: str) -> None:
    """Its turn is over when it is called, so it can: waiting turns on."""
    with Client(url, transport=EmbeddedTransport, api_name="/echo") as client:
        seen: list[Any] = []
        client.submit("x").add_done_callback(lambda job: seen.append((job.result(), client.predict("y"))))
        while not seen:
            assert client.predict("z") == "z"
        assert seen == [("x", "y")]


# Opening.


def test_a_client_that_is_not_open(url: str) -> None:
    async def main() -> None:
        client = AsyncClient(url)
        with pytest.raises(LocalProtocolError, match="not open yet"):
            await client.predict("x")
        await client.close()
        async with client:
            pass
        with pytest.raises(ClientClosed, match="opened once"):
            async with client:
                pass

    asyncio.run(main())


@pytest.mark.parametrize("way", [Asyncio, Trio])
def test_the_loop_is_found(way: type[Way], url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url, api_name="/echo") as client:
            assert await client.predict("x") == "x"
            assert way.name in type(client._engine.transport).__name__.lower()

    way().run(main)


def test_no_loop(url: str) -> None:
    with pytest.raises(LocalProtocolError, match="neither trio nor asyncio runs here"):
        run_now(open_one(url))


async def open_one(url: str) -> None:
    await AsyncClient(url)


# What users of a loop expect.


def test_asyncio_timeouts(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url, api_name="/echo") as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.predict(10**6, api_name="/count"), 0.1)
            assert await client.predict("x") == "x"
            job = await client.submit(10**6, api_name="/count")
            with pytest.raises(TimeoutError):
                await job.result(timeout=0.02)
            assert not await job.done()

    asyncio.run(main())


def test_trio_timeouts(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url, api_name="/echo") as client:
            with trio.move_on_after(0.1) as scope:
                await client.predict(10**6, api_name="/count")
            assert scope.cancelled_caught
            assert await client.predict("x") == "x"
            job = await client.submit(10**6, api_name="/count")
            with pytest.raises(TimeoutError):
                await job.result(timeout=0.02)
            assert not await job.done()
            with trio.move_on_after(0.02) as scope:
                await client.run()
            assert scope.cancelled_caught

    trio.run(main)


@async_ways
def test_every_method_is_a_checkpoint(way: type[Way], url: str) -> None:
    """A loop's other tasks have their turn, and a task that was cancelled is told so, however much there is to do."""

    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:
            job = await client.submit("x")
            assert await job.result() == "x"
            calls = [
                job.result,
                job.status,
                job.done,
                job.outputs,
                partial(client.view_api, print_info=False),
            ]
            for call in calls:
                others = 0

                async def other() -> None:
                    nonlocal others
                    others += 1

                async def this(call: Any = call) -> None:
                    for _ in range(50):
                        await call()

                await talk.way.together(this, other)
                assert others == 1
                if isinstance(talk.way, Trio):
                    with trio.testing.assert_checkpoints():
                        await call()

    hold(way, url, conversation)


@async_ways
def test_ctrl_c(way: type[Way], url: str) -> None:
    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:
            job = await client.submit(10**6, api_name="/count")
            await anext(job)
            threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()
            await client.predict(10**6, api_name="/count")

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        hold(way, url, conversation)
    assert time.monotonic() - began < 5


@async_ways
def test_run_keeps_everything_going(way: type[Way], url: str) -> None:
    async def conversation(talk: Talk) -> None:
        client = await talk.open()
        done: list[Any] = []

        async def submit() -> None:
            job = await client.submit("x")
            await job.add_done_callback(done.append)
            while not done:
                await talk.way.sleep(0.005)
            await client.close()

        await talk.way.together(client.run, submit)
        assert len(done) == 1

    hold(way, url, conversation)
