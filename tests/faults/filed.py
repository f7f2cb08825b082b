"""An app that takes a file and gives one, what a user does with it, and what must be true of the user's disk."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import Any

import canaries
from file_server import FileServer, file_data

from gradio_proto.errors import GradioError

from .answers import BEGUN, CLOSE_STREAM, Answer, completed, streams
from .bench import Bench
from .model import Served
from .servers import misbehave
from .uses import NextCallFailed

CONTENT = b"data"
"""What the app's file holds."""

NAME = "a.txt"
"""What it is called."""

WELL = (NAME, CONTENT)
"""What a call gives, as :func:`read` reads it."""

DOWNLOADS = "downloads"
"""The client's directory for downloads, in that of the bench."""


def filed(
    answers: Mapping[str, Answer] | Callable[[Bench], Mapping[str, Answer]] | None = None,
    *,
    times: int | None = 1,
    early: Collection[str] = (),
    **config: Any,
) -> Served:
    """A server whose endpoint takes a file and gives one; something else is answered to the first requests.

    Args:
        answers: By route, what is answered; or what makes them out of the bench.
        times: To how many requests of each route; None for all.
        early: Routes that are answered before the body has come.
        config: Entries of the config to be replaced.
    """

    @contextlib.contextmanager
    def serve(bench: Bench) -> Generator[str]:
        given = answers(bench) if callable(answers) else answers or {}
        bench.server = FileServer(file_data(), cookie=canaries.SESSION_COOKIE, early=early, **config)
        misbehave(bench.server, given, times)
        with bench.server:
            yield bench.server.url

    return serve


def gives_file(**fields: Any) -> Mapping[str, Answer]:
    """A job whose result is a file with such entries."""
    return gives_value(file_data(**fields))


def gives_value(value: Any) -> Mapping[str, Answer]:
    """A job with this result."""
    return {"queue/data": streams(BEGUN, completed(value), CLOSE_STREAM)}


async def opened(bench: Bench) -> Any:
    """A client whose downloads have a directory of their own."""
    return await bench.open(download_files=str(bench.directory / DOWNLOADS))


async def calls(bench: Bench, value: Any = "hello") -> Any:
    """One call; whatever comes out, the next one must work, and nothing may lie where it should not."""
    client = await opened(bench)
    try:
        try:
            return read(bench, await client.predict(value))
        finally:
            await works(bench, client)
    finally:
        await client.close()
        look_around(bench)


async def only_calls(bench: Bench) -> Any:
    """One call, of a server that is never well again."""
    client = await opened(bench)
    try:
        return read(bench, await client.predict("hello"))
    finally:
        await client.close()
        look_around(bench)


async def works(bench: Bench, client: Any) -> None:
    """The next call must give the app's file."""
    try:
        value = read(bench, await client.predict("next"))
    except GradioError as error:
        raise NextCallFailed(f"the next call failed: {error!r}") from error
    if value != WELL:
        raise NextCallFailed(f"the next call gave {value!r}")


def read(bench: Bench, value: Any) -> Any:
    """An output with the name and the content of each downloaded file in the place of its path."""
    if isinstance(value, list):
        return [read(bench, part) for part in value]
    path = Path(value) if isinstance(value, str) else None
    if path is None or not path.is_relative_to(bench.directory / DOWNLOADS):
        return value
    return path.name, path.read_bytes()


def look_around(bench: Bench) -> None:
    """Whatever lies among the downloads is a whole file of this user's alone, in a folder that is named by a hash."""
    downloads = bench.directory / DOWNLOADS
    for folder in downloads.iterdir() if downloads.is_dir() else ():
        assert re.fullmatch("[0-9a-f]{64}", folder.name), f"{folder.name} lies among the downloads"
        assert _mode(folder) == 0o700, f"others may look into {folder.name}"
        for file in folder.iterdir():
            assert stat.S_ISREG(file.lstat().st_mode), f"{file.name} is no regular file"
            assert _mode(file) == 0o600, f"others may read {file.name}"


def _mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)
