"""What users of async clients do before they have read the documentation."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from faulty import within
from loops import Loop, loop, nothing_left, on_each_loop
from scripted import an_app

from gradio_proto import ArgumentError, AsyncClient, Client, ConnectError, LocalProtocolError
from gradio_proto.testing import TestApp, serve

__all__ = ["loop", "nothing_left"]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(30):
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(an_app()) as address:
        yield address


@on_each_loop
async def test_a_client_that_is_open_may_be_entered(loop: Loop, url: str) -> None:
    async with await AsyncClient(url) as client:
        assert await client.predict("x", api_name="/echo") == "x"
    with pytest.raises(LocalProtocolError):
        async with client:
            pass


@on_each_loop
async def test_opening_may_be_tried_again(loop: Loop) -> None:
    with serve(an_app()) as gone:
        pass
    client = AsyncClient(gone)
    for _ in range(2):
        with pytest.raises(ConnectError):
            await client


@on_each_loop
async def test_a_job_that_has_ended_unseen_is_not_cancelled(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        job = await client.submit("x", api_name="/echo")
        await job.status()  # the stream is asked for
        await loop.sleep(1)  # nobody turns the client meanwhile; a busy machine's server takes its time
        assert not await job.cancel()
        assert await job.result() == "x"


@on_each_loop
async def test_callbacks_are_plain_functions(loop: Loop) -> None:
    called: list[str] = []
    app = TestApp()

    @app.endpoint("/note")
    def note(text: str) -> str:
        called.append(text)
        return text

    async def wanted(value: Any) -> None: ...

    mistakes: list[Any] = [3, [3], "x", wanted, [print, wanted]]
    with serve(app) as url, Client(url) as blocking:
        async with AsyncClient(url) as client:
            for mistake in mistakes:
                with pytest.raises(TypeError, match=r"^result_callbacks must be"):
                    await client.submit("async", api_name="/note", result_callbacks=mistake)
                with pytest.raises(TypeError, match=r"^result_callbacks must be"):
                    blocking.submit("blocking", api_name="/note", result_callbacks=mistake)
            job = await client.submit("x", api_name="/note")
            with pytest.raises(TypeError, match=r"^fn must be a plain function"):
                await job.add_done_callback(wanted)
            assert await job.result() == "x"
    assert called == ["x"]


@on_each_loop
async def test_inputs_that_end_with_a_cancelled_wait_are_no_silent_end(loop: Loop, url: str) -> None:
    async def inputs() -> AsyncGenerator[str]:
        for number in range(5):
            yield f"x{number}"
            await loop.sleep(0.3 if number == 2 else 0)

    async with AsyncClient(url) as client:
        results = client.map(inputs(), api_name="/echo")
        seen: list[str] = []

        async def read_on() -> None:
            async for result in results:
                seen.append(result)

        assert await loop.cut_off(0.15, read_on)
        with pytest.raises(LocalProtocolError, match="the inputs are an async generator, which ended"):
            await read_on()
        assert seen == ["x0", "x1", "x2"]


@on_each_loop
async def test_results_are_for_one_task_at_a_time(loop: Loop, url: str) -> None:
    async def inputs() -> AsyncGenerator[str]:
        for number in range(20):
            await loop.sleep(0.001)
            yield f"x{number}"

    async with AsyncClient(url) as client:
        results = client.map(inputs(), api_name="/echo")
        seen: list[str] = []
        refused: list[Exception] = []

        async def read() -> None:
            with contextlib.suppress(StopAsyncIteration):
                try:
                    while True:
                        seen.append(await anext(results))
                except LocalProtocolError as error:
                    refused.append(error)

        async with loop.group() as group:
            group.start(read)
            group.start(read)
    assert seen == [f"x{number}" for number in range(20)]
    assert len(refused) == 1


@on_each_loop
async def test_a_million_inputs_are_skipped_beside_others(loop: Loop, url: str) -> None:
    ticks = 0
    over = False

    async def tick() -> None:
        nonlocal ticks
        while not over:
            ticks += 1
            await loop.sleep(0)

    async with AsyncClient(url) as client, loop.group() as group:
        group.start(tick)
        inputs = (f"x{number}" for number in range(50_001))
        results = client.map(inputs, api_name="/echo", skip=range(50_000))
        assert [result async for result in results] == ["x50000"]
        over = True
    assert ticks > 50


def test_a_bad_proxy_in_the_environment_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    monkeypatch.setenv("ALL_PROXY", "junk://proxy")
    with pytest.raises(ArgumentError, match=r"^the environment names a proxy that cannot be used: "):
        Client("http://app.example")


def test_an_option_of_a_wrong_type(url: str) -> None:
    isolate: Any = "no"
    with Client(url) as client, pytest.raises(TypeError, match="isolate must be a bool, not str"):
        client.endpoint("/echo", isolate=isolate)
