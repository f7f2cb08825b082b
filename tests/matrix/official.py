"""The official client beside ours: the same calls, and the same results."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import threading
from typing import Any

from servers import install

from .operation import operation
from .scene import Scene, values

CALLS: tuple[tuple[str, list[Any], bool], ...] = (
    ("/echo", ["é\u2028\"'\n<b>"], False),
    ("/fast", [""], False),
    ("/calc", [5, "sub", 2], False),
    ("/count", [3], True),
    ("/count", [3], False),
    ("/stream", ["a b c"], True),
    ("/jsonstream", [3], True),
    ("/chat", ["hi", []], True),
    ("/progress", [1], False),
    ("/state", ["a b"], False),
    ("/json", [{"a": [1, None, {"b": "é", "2": True}]}], False),
    ("/none", ["x"], False),
    ("/noqueue", ["x"], False),
    ("/special", ["nan"], False),
    ("/special", ["unicode"], False),
    ("/special", ["deep"], False),
    ("/update", ["x"], False),
    ("/fail", ["x"], False),
    ("/crash", ["x"], False),
    ("/gen_fail", [2], False),
)
"""Each with its arguments, and whether every value of the generator is asked for. Not among them is what the official
client does wrong: releases for 3.x know no logs, and later ones take wrong elements out of the lists of Gradio 4."""


def client_for(version: str) -> str:
    """The environment with an official client that works with a server: the newest; for 3.x the last of that time,
    since the one of 3.36 itself takes no app that has a private endpoint."""
    return "3.50.2" if version.startswith("3.") else install.OFFICIAL_CLIENT


once = threading.Lock()


def results(version: str, url: str, directory: str) -> list[Any]:
    """What the official client has returned."""
    with once:
        return _results(version, url, directory)


@functools.cache
def _results(version: str, url: str, directory: str) -> list[Any]:
    calls = [{"api_name": name, "args": args, "outputs": outputs} for name, args, outputs in CALLS]
    done = subprocess.run(
        [
            install.python_of(client_for(version)),
            install.HERE / "official.py",
            url,
            directory,
        ],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[Any] = json.loads(done.stdout)
    return found


@operation("the results of the official client", "14", traps=(6, 13))
async def official(scene: Scene) -> None:
    """The same calls give the same values, with the official client that works with that server."""
    theirs = results(scene.server, scene.url, str(scene.directory.parent))
    async with scene.client() as client:
        for (name, args, outputs), expected in zip(CALLS, theirs, strict=True):
            job = await client.submit(*args, api_name=name)
            error = await job.exception(60)
            if error is not None:
                assert isinstance(expected, dict), (name, args, expected, error)
                assert "$error" in expected, (name, args, expected, error)
            else:
                result = await values(job) if outputs else await job.result()
                assert json.loads(json.dumps(result)) == expected, (name, args)
