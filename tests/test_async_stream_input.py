"""Streamed inputs and gr.render on the async client: the flows are those of the blocking one, tested there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faulty import within
from loops import Loop, loop, on_each_loop
from scripted import chunk_app, render_app

from gradio_proto import AsyncClient, handle_file
from gradio_proto.errors import ArgumentError, LocalProtocolError
from gradio_proto.testing import serve

__all__ = ["loop"]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@on_each_loop
async def test_chunks(loop: Loop) -> None:
    with serve(chunk_app()) as url:
        async with AsyncClient(url) as client:
            job = await client.submit("a", api_name="/gather")
            said = []
            async for output in job:
                said.append(output)
                await (job.send_chunk(word=f"{len(said)}") if len(said) < 3 else job.close_stream())
            assert said == ["a", "a 1", "a 1 2"]
            assert await job.result() == "a 1 2"
            assert (await job.status()).time_limit == pytest.approx(60, abs=1)
            assert await client.predict("alone", api_name="/gather", isolate=True) == "alone"


@on_each_loop
async def test_files_and_mistakes(loop: Loop) -> None:
    with serve(chunk_app()) as url:
        async with AsyncClient(url) as client:
            job = await client.submit(handle_file(b"123", "a.txt"), api_name="/size")
            await job.send_chunk(handle_file(b"12345", "b.txt"))
            with pytest.raises(TypeError, match="takes 1 positional argument"):
                await job.send_chunk("too", "many")
            await job.close_stream()
            assert await job.outputs() == [3, 5]
            with pytest.raises(LocalProtocolError):
                await job.send_chunk(handle_file(b"1", "c.txt"))
            plain = await client.submit("x", api_name="/echo")
            with pytest.raises(ArgumentError, match="/echo"):
                await plain.send_chunk("y")


@on_each_loop
async def test_chunks_of_several_tasks(loop: Loop) -> None:
    with serve(chunk_app()) as url:
        async with AsyncClient(url) as client, await client.submit("start", api_name="/gather") as job:
            async with loop.group() as group:
                for number in range(10):
                    group.start(job.send_chunk, f"{number}")
            await job.close_stream()
            words = (await job.result()).split()
    assert sorted(words) == sorted(["start", *map(str, range(10))])


@on_each_loop
async def test_what_was_rendered(loop: Loop) -> None:
    with serve(render_app()) as url:
        async with AsyncClient(url) as client:
            with pytest.raises(ArgumentError, match="the app has no endpoint '/box_1'"):
                client.endpoint("/box_1")
            await client.predict(2, api_name="/apply")
            assert await client.predict("x", api_name="/box_1") == "1x0"
            assert await client.endpoint("/box_1")("x") == "1x1"
            await client.reset_session()
            with pytest.raises(ArgumentError):
                await client.predict("x", api_name="/box_1")
