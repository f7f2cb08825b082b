"""Inputs that broke a promise: a file for each, which says what happened, and how to see it again."""

from __future__ import annotations

import json
import traceback
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .promises import Input, Target


def place_of(error: BaseException) -> str:
    """Where an error was raised: what tells one defect from another."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    cause = error.__cause__
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}" + (
        f" of {place_of(cause)}" if cause is not None and cause.__traceback__ is not None else ""
    )


def write(folder: Path, target: Target, given: Input, error: BaseException) -> Path:
    """Write down an input that broke a promise, and print what replays it."""
    place = place_of(error)
    path = folder / "findings" / f"{target.name}-{zlib.crc32(place.encode()):08x}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = "".join(traceback.format_exception_only(error)).strip()
    found = {"target": target.name, "place": place, "error": said, "input": given}
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(
        f"FOUND {target.name}: {said[:500]}\n  {place}\n  replay: make fuzz ARGS='--replay {path}'",
        flush=True,
    )
    return path


def read(path: Path) -> tuple[str, Input]:
    """The name of a finding's target, and its input."""
    found = json.loads(path.read_text("utf-8"))
    return found["target"], found["input"]
