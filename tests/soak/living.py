"""The life of a client that soaks: rounds of everything that users do, and a look after each."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ways import Way

from gradio_proto import handle_file
from gradio_proto.errors import AppError, ConnectionLost, JobCancelled

from .looks import Look, look
from .serving import Server

AT_ONCE = 40
"""Jobs that are open together."""


@dataclass(frozen=True)
class Plan:
    """How long a life is."""

    rounds: int
    calls: int
    """In each round, about."""
    clients: int
    """Opened and closed in each round."""
    restart_every: int
    """Rounds from one restart of the server to the next."""


LONG = Plan(rounds=100, calls=1000, clients=10, restart_every=5)
SHORT = Plan(rounds=12, calls=100, clients=4, restart_every=3)

Leak = Callable[[Any], object]
"""What a test does with each job, to see that a leak is found."""

held: list[Any] = []


def keep_jobs(job: Any) -> None:
    """The leak that it is to find: every job is kept."""
    held.append(job)


def keep_sockets(_: Any) -> None:
    """The leak that it is to find: a socket stays open, of every tenth job."""
    if len(held) % 10 == 0:
        held.append(socket.socket())
    held.append(None)


def nothing(_: Any) -> None:
    """Nothing leaks."""


LEAKS: dict[str, Leak] = {"": nothing, "jobs": keep_jobs, "sockets": keep_sockets}


class Life:
    """One client, and what happens to it.

    Args:
        way: Which client.
        server: What it talks to.
        plan: How long it lives.
        leak: What else is done with each job.
    """

    def __init__(self, way: Way, server: Server, plan: Plan, leak: Leak = nothing) -> None:
        self.calls = 0
        self.clients = 0
        self.restarts = 0
        self.looks: list[Look] = []
        self._way, self._server, self._plan, self._leak = way, server, plan, leak
        self._downloads = Path(tempfile.gettempdir(), "downloads")

    def live(self) -> None:
        """From the first call to the last look."""
        self._way.run(self._lives)

    def _open(self) -> Any:
        return self._way.open(
            self._server.url,
            transport=self._way.transport,
            api_name="/echo",
            download_files=str(self._downloads),
        )

    async def _lives(self) -> None:
        client = await self._open()
        self.clients += 1
        try:
            for number in range(1, self._plan.rounds + 1):
                await self._round(client)
                if number % self._plan.restart_every == 0:
                    await self._restart(client)
                self.looks.append(look())
        finally:
            await client.close()

    async def _round(self, client: Any) -> None:
        parts = self._plan.calls // 100
        for _ in range(parts):
            # A hundred calls: twenty one after the other, five of them generators, forty at once, forty more of several
            # callers.
            for number in range(13):
                assert await client.predict(f"x{number}") == f"x{number}"
            for number in range(1, 6):
                job = await self._submit(client, number, api_name="/count")
                assert len([output async for output in job]) == number
            with contextlib.suppress(AppError):
                await client.predict("no", api_name="/fail")
            await self._cancels(client)
            jobs = [await self._submit(client, f"x{number}") for number in range(AT_ONCE)]
            for number, job in enumerate(jobs):
                assert await job.result() == f"x{number}"
            await self._way.together(*[partial(self._calls, client)] * 4)
            self.calls += 20 + 2 * AT_ONCE
        await self._moves_a_file(client)
        for _ in range(self._plan.clients):
            other = await self._open()
            self.clients += 1
            assert await other.predict("x") == "x"
            await other.close()
        await self._forgets(client)
        self.calls += self._plan.clients + 2

    async def _submit(self, client: Any, *args: Any, **options: Any) -> Any:
        job = await client.submit(*args, **options)
        self._leak(job)
        return job

    async def _calls(self, client: Any) -> None:
        for number in range(AT_ONCE // 4):
            assert await client.predict(f"x{number}") == f"x{number}"

    async def _cancels(self, client: Any) -> None:
        job = await self._submit(client, 1000, api_name="/ticks")
        assert await job.cancel()
        with contextlib.suppress(JobCancelled):
            await job.result()

    async def _forgets(self, client: Any) -> None:
        """A job that nobody waits for has ended when the next one has."""
        await self._submit(client, 3, api_name="/count")
        assert await (await self._submit(client, "x")).result() == "x"

    async def _moves_a_file(self, client: Any) -> None:
        await client.predict(handle_file(b"x" * 10_000, name="x.bin"), api_name="/move")
        shutil.rmtree(self._downloads)

    async def _restart(self, client: Any) -> None:
        """The server goes in the middle of a stream, and comes back."""
        job = await self._submit(client, 10_000, api_name="/ticks")
        await job.status()
        self._server.restart()
        self.restarts += 1
        try:
            await job.result()
        except ConnectionLost:
            pass
        else:
            raise AssertionError("the job outlived its server")
        assert await client.predict("x") == "x"
