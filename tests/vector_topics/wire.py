"""The messages in the recorded exchanges, whichever way they came."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import recorded


@functools.cache
def messages(version: str) -> list[tuple[str, str]]:
    """Every message of every queue that servers of a version were seen to send: its operation, and its text."""
    return [
        (operation, text)
        for operation in recorded.operations(version)
        for text in _texts(version, operation)
        if "chars, clipped>" not in text  # by the recorder, in the middle of a WebSocket's largest message
    ]


def _texts(version: str, operation: str) -> Iterator[str]:
    for record in recorded.records(version, operation):
        if record["channel"] == "ws" and record["dir"] == "recv" and "text" in record:
            yield record["text"]
    for stream in recorded.streams(version, operation):
        if "/queue/" in stream.target:
            for line in stream.data.decode("utf-8").split("\n"):
                if line.startswith("data: "):
                    yield line.removeprefix("data: ")


def shape(message: dict[str, Any]) -> str:
    """What tells one form of a message from another: its kind, its fields, and those of its output."""
    output = message.get("output", {})
    return json.dumps([message["msg"], sorted(message), sorted(output), message.get("success")])
