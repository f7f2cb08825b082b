"""What an operation is given: a server, a transport, and the words in which both clients are spoken to."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ways import Asyncio, AwaitedClient, AwaitedJob, Sockets, Trio, Way

from gradio_proto.status import Status

LOGIN = ("user", "pass word")
"""Of a server that asks for one."""

STEPS = 2000
"""Of ``/ticks``, 20 ms each: more than any operation waits for."""


class PatientSockets(Sockets):
    """The blocking client's transport, in a thread of which nobody minds that it sleeps."""

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - there is no loop


WAYS: tuple[type[Way], ...] = (PatientSockets, Trio, Asyncio)


class AwaitedEndpoint:
    """An endpoint of a blocking client with the methods of an async one's."""

    def __init__(self, client: AwaitedClient, endpoint: Any) -> None:
        self._client = client
        self._endpoint = endpoint

    async def predict(self, *args: Any, **kwargs: Any) -> Any:
        return self._endpoint.predict(*args, **kwargs)

    async def submit(self, *args: Any, **kwargs: Any) -> AwaitedJob:
        return AwaitedJob(self._endpoint.submit(*args, **kwargs))


def endpoint(client: Any, *args: Any, **options: Any) -> Any:
    """An endpoint of either client, whose methods are awaited."""
    if isinstance(client, AwaitedClient):
        return AwaitedEndpoint(client, client.blocking.endpoint(*args, **options))
    return client.endpoint(*args, **options)


async def values(job: Any) -> list[Any]:
    """All outputs of a job as they come."""
    return [value async for value in job]


async def first(job: Any) -> Any:
    """Its first output."""
    async for value in job:
        return value
    raise AssertionError("the job has no output")


async def events(job: Any) -> list[Any]:
    """All that happens to a job."""
    return [event async for event in job.events()]


async def is_running(job: Any) -> bool:
    return (await job.status()).code in (Status.PROCESSING, Status.ITERATING)


async def is_queued(job: Any) -> bool:
    status = await job.status()
    return status.code is Status.IN_QUEUE and status.rank is not None


async def works(client: Any) -> None:
    """A client is none the worse."""
    assert await client.predict("still", api_name="/echo") == "still"
    assert await values(await client.submit(2, api_name="/count")) == [0, 1]


def told(job: Any) -> bool:
    """Whether the server was told of a cancelled job."""
    return bool(job.cancel_report.server_told)


@dataclass
class Scene:
    """One cell: see the module."""

    server: str
    """The version of Gradio."""
    url: str
    way: Way
    directory: Path
    """A directory of its own."""
    strike: Callable[[str], None]
    """Have something happen to the server when the cells of all transports are here: ``"close"``, ``"kill"`` or
    ``"restart"``. For operations that run together."""
    name: str = field(default_factory=lambda: f"{random.random()}")
    """Nobody else's."""

    @property
    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.server.split("."))

    def open(self, url: str | None = None, **options: Any) -> Awaitable[Any]:
        """A client, to be closed by the caller."""
        return self.way.open(url or self.url, **{"download_files": str(self.directory), **options})

    @contextlib.asynccontextmanager
    async def client(self, url: str | None = None, **options: Any) -> AsyncIterator[Any]:
        """A client for the length of a block."""
        client = await self.open(url, **options)
        try:
            yield client
        finally:
            await client.close()

    async def eventually(self, true: Callable[[], Awaitable[Any]], seconds: float = 30.0) -> None:
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not await true():
            assert time.monotonic() < until, "it never came true"
            await self.way.sleep(0.02)

    async def ticks(self, client: Any, name: str, steps: int = STEPS, api_name: str = "/ticks") -> Any:
        """Submit a run of ``/ticks``, which leaves traces on its server."""
        return await client.submit(f"{self.name} {name}", steps, api_name=api_name)

    async def steps(self, client: Any, name: str) -> int:
        """How far such a run has come."""
        return int(await client.predict(f"{self.name} {name}", api_name="/ticked"))

    async def stops(self, client: Any, name: str) -> int:
        """Such a run goes on no more, or never began; how far it has come."""
        now = await self.settles(client, name)
        assert now < STEPS, "it ran on to its end"
        return now

    async def settles(self, client: Any, name: str) -> int:
        """Wait until such a run has stopped or ended; how far it has come."""
        before = -1
        while (now := await self.steps(client, name)) != before:
            before = now
            await self.way.sleep(0.3)
        return now
