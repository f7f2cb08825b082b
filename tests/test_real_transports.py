"""Every transport against real servers: a job is told the same on each of them, and a cancelled one leaves the others
alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ways import WAYS, Talk, Way, nothing_left

from gradio_proto import handle_file


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with nothing_left(30):
        yield


CALLS = [("/echo", "é"), ("/count", 3), ("/log", "x"), ("/fail", "no")]


async def talk_of_everything(talk: Talk) -> None:
    async with talk.client() as client:
        for name, argument in CALLS:
            job = await client.submit(argument, api_name=name)
            await talk.follow(job)
        path = await client.predict(handle_file(b"x" * 300_000, name="x.txt"), api_name="/file")
        assert talk.content(path) == b"X" * 300_000
        doomed = await client.submit(50, 0.1, api_name="/slow_gen")
        await anext(aiter(doomed))
        sibling = await client.submit("y")
        assert await doomed.cancel()
        assert await sibling.result() == "y"
        assert await client.predict("z") == "z"


EXPECTED: dict[str, list[str]] = {}


@pytest.mark.real("6.31.0", "4.44.1")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_conversation(way: type[Way], url: str, server_version: str, tmp_path: Path) -> None:
    talk = Talk(way(), url, None, None, {"api_name": "/echo", "download_files": str(tmp_path)})
    talk.way.run(partial(talk_of_everything, talk))
    talk.assert_at_rest()
    # Names and times differ from run to run, and how long a job is queued is a matter of luck.
    notes = [re.sub(r"eta=[^,)]*|event \w+|^\w+ ", "", note) for note in talk.notes if "Queued(" not in note]
    assert len(notes) > 10
    assert notes == EXPECTED.setdefault(server_version, notes)
