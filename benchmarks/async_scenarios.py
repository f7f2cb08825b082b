"""What is measured of the clients whose calls are awaited, as :mod:`benchmarks.scenarios` does of the others.

    python -m benchmarks.async_scenarios CONTENDER SCENARIO URL SIZE

``floor`` runs on asyncio; ``asyncio`` and ``trio`` are ours on the loop that the contender is called by.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from benchmarks.meter import (
    Figures,
    Meter,
    echo_of,
    leave,
    most_sockets,
    peak_rss,
    resident,
    stats,
    threads,
    wakeups,
)

Connect = Callable[[str], Any]
Calls = Iterable[Callable[[], Awaitable[Any]]]


class AsyncioLoop:
    """What the scenarios need of their loop."""

    sleep = staticmethod(asyncio.sleep)

    def run(self, scenario: Callable[..., Any], *arguments: Any) -> Figures:
        figures: Figures = asyncio.run(scenario(*arguments))
        return figures

    async def together(self, calls: Calls) -> None:
        """All of them at the same time, a task for each."""
        await asyncio.gather(*(call() for call in calls))


class TrioLoop:
    def __init__(self) -> None:
        import trio

        self._trio = trio
        self.sleep = trio.sleep

    def run(self, scenario: Callable[..., Any], *arguments: Any) -> Figures:
        figures: Figures = self._trio.run(scenario, *arguments)
        return figures

    async def together(self, calls: Calls) -> None:
        async with self._trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)


Loop = AsyncioLoop | TrioLoop


async def concurrent(loop: Loop, connect: Connect, url: str, size: int) -> Figures:
    """`size` small calls at once on one client."""
    name = echo_of(url)
    right = 0

    async with connect(url) as client:

        async def call(text: str) -> None:
            nonlocal right
            value = await client.predict(text, api_name=name)
            right += value == text

        await call("warm")
        right = 0
        stats(url)  # what was open until now does not count
        with Meter() as meter:
            await loop.together(_attempt(call, f"call {index}") for index in range(size))
        figures = {"cpu": meter.cpu, "wall": meter.wall, "threads": threads(), "sockets": most_sockets(url)}
    return {"failed": size - right, **figures}


async def barrier(loop: Loop, connect: Connect, url: str, size: int) -> Figures:
    """`size` jobs at once, none of which ends before the server has them all; each gets another number."""
    numbers: set[int] = set()

    async with connect(url) as client:

        async def call(count: int) -> None:
            numbers.add(await client.predict(count, api_name="/barrier"))

        await call(1)
        numbers.clear()
        before = resident()
        with Meter() as meter:
            await loop.together(_attempt(call, size) for _ in range(size))
    # The user's own tasks are in it, for there is no call without one.
    memory = (peak_rss() - before) / size
    return {"failed": size - len(numbers), "memory": memory, "cpu": meter.cpu, "wall": meter.wall}


def _attempt(call: Callable[[Any], Awaitable[None]], argument: Any) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        try:
            await call(argument)
        except Exception as error:
            print(f"{error!r}", file=sys.stderr)  # it is missing from what came right

    return attempt


async def messages(loop: Loop, connect: Connect, url: str, size: int) -> Figures:
    """A job with `size` values, each looked at and dropped."""
    count = 0
    async with connect(url) as client:
        await client.predict("warm", api_name="/echo")
        with Meter() as meter:
            async for value in await client.submit(size, api_name="/messages"):
                assert value is not None
                count += 1
    assert count >= size
    return {"cpu": meter.cpu, "wall": meter.wall}


async def latency(loop: Loop, connect: Connect, url: str, size: int) -> Figures:
    """How long after the server has sent a value its user sees it: `size` of them, each the time of its sending."""
    async with connect(url) as client:
        await client.predict("warm", api_name="/echo")
        values = await client.submit(size, api_name="/ticks")
        late = [time.monotonic() - sent async for sent in values]
    return {"latency": statistics.median(late), "p99": statistics.quantiles(late, n=100)[-1]}


async def waiting(loop: Loop, connect: Connect, url: str, size: int) -> Figures:
    """`size` jobs at once, each with a task that waits, and for which nothing comes: what does it cost to wait?"""
    before = stats(url)["joins"]
    ended = 0
    async with connect(url) as client:

        async def wait() -> None:
            nonlocal ended
            job = await client.submit(1, api_name="/wait")
            try:
                await job.result()
            finally:
                ended += 1

        async def look() -> None:
            await loop.sleep(2)
            joined = stats(url)["joins"] - before
            woken = wakeups()
            with Meter() as meter:
                await loop.sleep(3)
            leave(
                {
                    "failed": ended + size - joined,
                    "threads": threads(),
                    "load": meter.cpu / meter.wall,
                    "wakeups": wakeups() - woken - 1,  # the last one is ours
                }
            )

        await loop.together([*[wait] * size, look])
    raise AssertionError("look() has not ended the process")


def connect_with(contender: str) -> Connect:
    if contender == "floor":
        from benchmarks.async_floor import Client

        return Client
    from gradio_proto import AsyncClient

    return AsyncClient


def main() -> None:
    _, contender, scenario, url, size = sys.argv
    loop = TrioLoop() if contender == "trio" else AsyncioLoop()
    leave(loop.run(globals()[scenario], loop, connect_with(contender), url, int(size)))


if __name__ == "__main__":
    main()
