"""Recorded exchanges of real Gradio servers, one archive for each version, made by ``transcripts/pack.py``.

An operation is a list of records in the order of time. A record is a dict with ``t`` (seconds), ``dir`` (send,
recv, note, eof) and ``channel`` (http, sse, ws). On http it has ``conn`` (the connection's number), ``line``
(the request or status line), ``headers`` and ``body``; on sse ``conn`` and ``raw``, the text of one HTTP chunk;
on ws ``text``, and for how that began ``raw`` on http, the whole head.

The recorder clipped the one event above 32,000 characters, in the operation ``special``: a string of one
pattern, repeated. :func:`streams` restores it.
"""

from __future__ import annotations

import functools
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "transcripts"


@dataclass
class RecordedStream:
    """An event stream that a server answered a GET with."""

    target: str
    """The request's target, such as ``/gradio_api/queue/data?session_hash=S``."""
    pieces: list[bytes] = field(default_factory=list[bytes])
    """The body, one entry for each HTTP chunk."""
    ended: bool = False
    """Whether the body came to its proper end."""

    @property
    def data(self) -> bytes:
        """The body."""
        return b"".join(self.pieces)


_CLIPPED = re.compile(r"\.\.\.<([0-9]+) chars, clipped>\.\.\.")


def is_clipped(text: str) -> bool:
    """Whether the recorder has cut it short."""
    return _CLIPPED.search(text) is not None


def restored(raw: str) -> str:
    """The text of an event, with what the recorder has cut out of it."""
    clip = _CLIPPED.search(raw)
    if clip is None:
        return raw
    head, tail = raw[: clip.start()], raw[clip.end() :]
    pattern = head[-len("\\u00e9\\u20ac\\ud83d\\ude00") :] if "\\u00e9" in head else head[-len("é€😀") :]
    missing = int(clip.group(1)) - len(head) - len(tail)
    return head + (pattern * (missing // len(pattern) + 1))[:missing] + tail


@functools.cache
def _archive(version: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(_FOLDER / f"{version}.zip")


def versions() -> list[str]:
    """The recorded versions, oldest first."""
    names = [path.stem for path in _FOLDER.glob("*.zip")]
    return sorted(names, key=lambda name: [int(number) for number in name.split(".")])


def operations(version: str) -> list[str]:
    """The names of what was done on a server of that version."""
    return [name.removesuffix(".jsonl") for name in _archive(version).namelist() if name.endswith(".jsonl")]


def records(version: str, operation: str) -> list[dict[str, Any]]:
    """The records of one operation."""
    lines = _archive(version).read(f"{operation}.jsonl").decode("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def body(version: str, name: str) -> Any:
    """A whole saved JSON body: ``"config"``, ``"info"`` (below 5.0), ``"gradio_api_info"`` (from 5.0 on)."""
    return json.loads(_archive(version).read(f"_{name}.json"))


def streams(version: str, operation: str) -> list[RecordedStream]:
    """The event streams of one operation, in the order in which they were opened."""
    targets: dict[int, str] = {}
    opened: dict[int, RecordedStream] = {}
    for record in records(version, operation):
        match record:
            case {"dir": "send", "channel": "http", "conn": connection, "line": line}:
                targets[connection] = line.split(" ")[1]
            case {"dir": "recv", "channel": "http", "conn": connection, "line": line, "body": "<stream>"}:
                if line.split(" ")[1] == "200":
                    opened[connection] = RecordedStream(targets[connection])
            case {"dir": "recv", "channel": "sse", "conn": connection, "raw": raw} if connection in opened:
                opened[connection].pieces.append(restored(raw).encode("utf-8"))
            case {"dir": "eof", "channel": "sse", "conn": connection, "how": how} if connection in opened:
                opened[connection].ended = how.startswith("terminated")
            case _:
                pass
    return list(opened.values())


def sockets(version: str, operation: str) -> list[list[str]]:
    """The messages that came in on each WebSocket of one operation, in the order in which they were opened."""
    texts: dict[int, list[str]] = {}
    for record in records(version, operation):
        match record:
            case {"dir": "recv", "channel": "ws", "conn": connection, "text": text}:
                texts.setdefault(connection, []).append(restored(text))
            case _:
                pass
    return list(texts.values())


def sse_streams(version: str, operation: str) -> list[bytes]:
    """The raw text of each event stream of one operation."""
    return [stream.data for stream in streams(version, operation)]
