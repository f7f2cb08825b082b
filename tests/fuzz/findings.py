"""Inputs that broke a promise: a file for each, which says what happened, and how to see it again."""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
import tracemalloc
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final

import gradio_proto

from . import promises
from .promises import Broken

if TYPE_CHECKING:
    from .promises import Input, Target

_CORE: Final = str(Path(gradio_proto.__file__).parent)

Spent = defaultdict[str, float]
"""How much of something each function has taken."""


def place_of(error: BaseException) -> str:
    """Where an error was raised: what tells one defect from another.

    A promise that was not kept is found out elsewhere, and all too often in one place. So that one defect does not hide
    all others of its kind, the place has the words of what is said of it too, up to what differs from input to input;
    and where too much was done, the function that did most of it.
    """
    cause = error.__cause__ or (error.__context__ if isinstance(error, Broken) else None)
    of = f" of {place_of(cause)}" if cause is not None and cause.__traceback__ is not None else ""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
    if isinstance(error, Broken):
        place += f" ({re.split(r'[^a-z ,_]', str(error), maxsplit=1, flags=re.IGNORECASE)[0].strip()})"
        place += _most_of_it(error)
    return place + of


def _most_of_it(error: Broken) -> str:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    measure = _MEASURES.get(frames[-1].f_code)
    if measure is None:
        return ""
    known = frames[-1].f_locals
    spent = measure(lambda: promises._run(known["target"], known.get("smaller", known["given"])))
    return f" by {max(spent, key=spent.__getitem__)}" if spent else ""


def _steps(run: Callable[[], None]) -> Spent:
    spent: Spent = defaultdict(float)

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename.startswith(_CORE):
            spent[_name(frame)] += event == "line"
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return spent


def _metered(run: Callable[[], None], read: Callable[[], float]) -> Spent:
    """What a meter has risen by while each function of the core ran, and what is not of the core for it."""
    spent: Spent = defaultdict(float)
    last = read()

    def note(frame: FrameType | None, event: str, _argument: Any) -> None:
        nonlocal last
        ran = frame.f_back if event == "call" and frame is not None else frame
        while ran is not None and not ran.f_code.co_filename.startswith(_CORE):
            ran = ran.f_back
        now = read()
        if ran is not None:
            spent[_name(ran)] += now - last
        last = read()

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return spent


def _seconds(run: Callable[[], None]) -> Spent:
    return _metered(run, time.thread_time)


def _peak(run: Callable[[], None]) -> Spent:
    tracemalloc.start()
    try:
        return _metered(run, lambda: tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _name(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"


_MEASURES: Final[dict[CodeType, Callable[[Callable[[], None]], Spent]]] = {
    promises._in_few_steps.__code__: _steps,
    promises._soon_enough.__code__: _seconds,
    promises.check_growth.__code__: _seconds,
    promises._in_little_memory.__code__: _peak,
}
"""Who finds out that an input took too much, and how to see what took it."""


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
