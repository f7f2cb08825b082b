"""What a fault is given to happen on: a way to open clients, a directory, and another origin that listens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import canaries
from ways import Way

from gradio_proto.errors import GradioError
from gradio_proto.timeouts import Timeouts

QUICK = Timeouts(connect=0.8, read=0.8, write=0.8, idle=0.8)
"""Deadlines for faults that are silent."""

SECRETS: dict[str, Any] = {
    "token": canaries.TOKEN,
    "headers": {"x-key": canaries.HEADER},
    "cookies": {"sid": canaries.COOKIE},
}
"""What every client here is trusted with: credentials for its app, and for nobody else."""


@dataclass(eq=False)
class Bench:
    """Where a fault happens."""

    way: Way
    """The client: its transport, and the loop that it runs in."""
    directory: Path
    """A directory of its own, empty."""
    elsewhere: str
    """The URL of another origin, which answers everything as an app does, and whose requests are looked through for
    secrets."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options of each client."""
    url: str = ""
    """The app's."""
    server: Any = None
    """What serves it; None where it is in another process."""
    leaked: dict[str, None] = field(default_factory=dict[str, None])
    """Where a secret stands in an error that came out, or that the user has swallowed."""

    def look_through(self, error: BaseException) -> None:
        """Look for secrets in an error. What is found is kept, and not the error, which holds its client."""
        for text in (*canaries.shown_by_error(error), *canaries.held_by_error(error)):
            self.leaked.update(dict.fromkeys(canaries.leaks(text)))

    async def open(self, **options: Any) -> Any:
        """A client with the methods of an AsyncClient, whichever it is."""
        given = {
            "transport": self.way.transport,
            "download_files": str(self.directory),
            **SECRETS,
            **self.options,
            **options,
        }
        return await self.way.open(self.url, **given)

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncGenerator[Any]:
        """A client for the length of a block. Errors of the client are looked through, whoever catches them."""
        try:
            client = await self.open(**options)
            try:
                yield client
            finally:
                await client.close()
        except GradioError as error:
            self.look_through(error)
            raise
