"""A vector, the file of a topic, and names for what a recording has at random."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 118
"""Characters of a line in a file, where what is on it can be broken at all."""

PROTOCOLS: Final = ("ws", "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")

QUEUE: Final = PROTOCOLS[2:]
"""The generations with one event stream for each session."""

PROTOCOL_OF: Final = {
    "3.36.1": "ws",
    "3.50.2": "ws",
    "4.0.2": "sse",
    "4.13.0": "sse_v1",
    "4.19.1": "sse_v2",
    "4.21.0": "sse_v2.1",
    "4.44.1": "sse_v3",
    "5.49.1": "sse_v3",
    "6.31.0": "sse_v3",
}
"""The recorded versions, and what they speak."""


@dataclass(frozen=True)
class Vector:
    """One vector: what goes in, and what must come out."""

    id: str
    """Stable, unique in its file, and like a path."""
    description: str
    source: str
    """``recorded <version>/<operation>``, ``property`` (the smallest case of a property test) or ``written``."""
    input: dict[str, Any]
    expect: dict[str, Any]
    generations: Sequence[str] = PROTOCOLS

    def as_json(self) -> dict[str, Any]:
        """The vector as its file has it."""
        return {
            "id": self.id,
            "description": self.description,
            "source": self.source,
            "generations": list(self.generations),
            "input": self.input,
            "expect": self.expect,
        }


def file_text(
    topic: str, description: str, vectors: Iterable[Vector], shared: dict[str, Any] | None = None
) -> str:
    """The file of a topic; ``shared`` is what its vectors refer to by name."""
    found = [vector.as_json() for vector in vectors]
    ids = [vector["id"] for vector in found]
    assert len(set(ids)) == len(ids), sorted(id for id in ids if ids.count(id) > 1)
    content = {"format": 1, "topic": topic, "description": description, **(shared or {}), "vectors": found}
    return _laid_out(content, 0) + "\n"


def _laid_out(value: Any, indent: int) -> str:
    text = json.dumps(value)
    if not value or not isinstance(value, dict | list) or "do" in value:
        return text  # a step is a line, however long
    if indent and len(text) + indent <= WIDTH:
        return text
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        lines = [
            f"{inner}{json.dumps(key)}: {_laid_out(item, indent + 1).lstrip()}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    return (
        "[\n" + ",\n".join(inner + _laid_out(item, indent + 1) for item in value) + "\n" + " " * indent + "]"
    )


def as_piece(data: bytes) -> Any:
    """Bytes in a vector: a string where they are UTF-8, else ``{"base64": ...}``."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


_RANDOM: Final = re.compile(r"\b[0-9a-f]{32}\b")
_FOLDER: Final = re.compile(r"/srv/proto/srv/[a-z0-9-]+/([0-9a-f]{8})[0-9a-f]{32,56}\b")
_NOISE: Final = re.compile(
    r'("(?:duration|average_duration|rank_eta|queue_eta|eta|avg_time|avg_event_process_time|time_limit'
    r'|avg_event_concurrent_process_time)": ?[0-9]+\.[0-9]{2})[0-9]+'
)


class Names:
    """Gives the event ids and session hashes of one recording short names, in the order of their appearance."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def session(self, session_hash: str) -> str:
        """The short name of a session."""
        return self._known.setdefault(session_hash, f"s{self._count('s') + 1}")

    def event(self, event_id: str) -> str:
        """The short name of an event."""
        return self._known.setdefault(event_id, f"e{self._count('e') + 1}")

    def _count(self, letter: str) -> int:
        return sum(name[0] == letter for name in self._known.values())

    def text(self, text: str) -> str:
        """A text of the wire with short names in it, and without the noise of clocks."""
        text = _FOLDER.sub(r"/tmp/gradio/\1", text)
        text = _NOISE.sub(r"\1", _RANDOM.sub(lambda match: self.event(match.group()), text))
        for long, short in self._known.items():
            text = text.replace(long, short)
        return text
