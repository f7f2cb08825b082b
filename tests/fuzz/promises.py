"""What is promised for every input, whatever it says: see :func:`check`.

How work is counted. A line of Python run is a step, and ``sys.settrace`` counts them exactly: an input of a given size
may take so many, and no more. Work inside one call of C (copying, searching) is no step, so a larger form of the input
is timed as well, by the CPU time of this thread, which no other load on the machine changes much: four times the input
may take nine times as long, and quadratic work takes sixteen.

How memory is counted. What a machine holds between two pieces are all the bytes and characters that can be reached
from it: counted by walking its objects, without naming its attributes. What it took meanwhile is the peak of
``tracemalloc``.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from hypothesis.strategies import SearchStrategy

from gradio_proto.errors import GradioError, LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

Input = dict[str, Any]
"""A JSON object."""

STEPS: Final = 20_000
"""Lines of Python that any input may take."""

STEPS_A_BYTE: Final = 400
"""And so many more for each byte of it, which may come in a piece of its own."""

SECONDS: Final = 0.5
"""CPU time that any input may take."""

SECONDS_A_BYTE: Final = 1e-4
"""And so much more for each byte of it: ten times what the slowest target takes."""

PEAK: Final = 2**20
"""Bytes of memory that any input may take."""

PEAK_A_BYTE: Final = 64
"""And so many more for each byte of it, and of the limits that it runs under: an empty list in JSON has two characters,
and 56 bytes in Python."""

TIMES: Final = (16, 64)
"""How often an input is repeated in its larger forms, of which the second may take nine times as long as the first."""

NOISE: Final = 0.05
"""Seconds that a larger form may take however long the smaller one took."""


_NOT_HELD: Final = (type, ModuleType, FunctionType, MethodType, FrameType, TracebackType)
"""Code, and who is running it: an error refers to all that was on the stack."""


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass(frozen=True)
class Target:
    """One part of the core, and how it is fuzzed."""

    name: str
    about: str
    """What is fed, in a few words."""
    modules: tuple[str, ...]
    """The modules of ``gradio_proto`` that it is for."""
    seeds: Callable[[], Iterable[Input]]
    """What healthy servers have said, and what was found before."""
    inputs: Callable[[list[Input]], SearchStrategy[Input]]
    """Inputs, made of seeds or of nothing."""
    run: Callable[[Input], None]
    """Feed it one input, and check what is promised for that part alone. It lets out the errors which it documents for
    the whole of an input, and nothing else."""
    allowance: Callable[[Input], int]
    """Bytes that an input lets the core hold: its limits."""
    larger: Callable[[Input, int], Input]
    """An input that is so many times as long."""
    raw: Callable[[bytes], Input] | None = None
    """The input that some bytes are, where a target is fed with bytes."""


def rendered(given: Input) -> str:
    """An input as the one line that stands for it in a corpus."""
    return json.dumps(given, separators=(",", ":"), sort_keys=True)


def check(target: Target, given: Input, *, thorough: bool = True) -> None:
    """Run one input, and see that nothing comes of it but what may.

    Args:
        target: What is fed.
        given: The input.
        thorough: Count steps and memory as well, which takes ten times as long.

    Raises:
        Broken: A promise was not kept. (So does any other error that is none of ours.)
    """
    size = len(rendered(given))
    _soon_enough(target, given, size)
    if thorough:
        _in_few_steps(target, given, size)
        _in_little_memory(target, given, size)


def check_growth(target: Target, given: Input) -> None:
    """See that an input which goes on for longer takes as much longer, and no more."""
    smaller, larger = (target.larger(given, times) for times in TIMES)
    before = seconds(target, smaller)
    if seconds(target, larger) > 9 * before + NOISE and seconds(target, larger) > 9 * before + NOISE:
        raise Broken(
            f"{TIMES[1] // TIMES[0]} times the input took more than 9 times as long as {before:.3f} s"
        )


def seconds(target: Target, given: Input) -> float:
    """CPU seconds that an input takes."""
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        _run(target, given)
        best = min(best, time.thread_time() - start)
        if best > 1:  # no noise is as large as that
            break
    return best


def _run(target: Target, given: Input) -> None:
    try:
        target.run(given)
    except GradioError as error:
        documented(error)


def documented(error: BaseException) -> tuple[str, str]:
    """What an error says, if it is one that a server can bring about.

    Raises:
        Broken: It is another one, or says it in a way that no terminal should see.
    """
    if not isinstance(error, GradioError) or isinstance(error, LocalProtocolError):
        raise Broken(f"a server's words raised {error!r}") from error
    text = str(error)
    check_shown(text)
    if text.startswith("an internal error"):
        raise Broken(f"a server's words broke our own code: {text}") from error
    return type(error).__name__, text


_NOT_SHOWN: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff]"
)
"""Control characters, line ends, what turns the direction of a text, and what no encoding takes."""


def check_shown(text: str) -> None:
    """See that a text is one line that any terminal may be sent.

    Raises:
        Broken: It is not.
    """
    if _NOT_SHOWN.search(text):
        raise Broken(f"this is not to be sent to a terminal: {text!r:.300}")


def _soon_enough(target: Target, given: Input, size: int) -> None:
    allowed = SECONDS + SECONDS_A_BYTE * size
    start = time.thread_time()
    _run(target, given)
    if (
        time.thread_time() - start > allowed and seconds(target, given) > allowed
    ):  # whatever else the machine does
        raise Broken(f"an input of {size} bytes took more than {allowed:.2f} s of CPU time")


def _in_few_steps(target: Target, given: Input, size: int) -> None:
    allowed = STEPS + STEPS_A_BYTE * size
    with counted_steps() as steps:
        _run(target, given)
    if steps["line"] > allowed:
        raise Broken(f"an input of {size} bytes took {steps['line']} steps, more than {allowed}")


@contextmanager
def counted_steps() -> Iterator[Counter[str]]:
    """Count the lines of Python that run meanwhile, in this thread, as ``"line"``."""
    count: Counter[str] = Counter()

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        count[event] += 1
        return trace

    before = sys.gettrace()  # whoever measures coverage goes on with it afterwards
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def _in_little_memory(target: Target, given: Input, size: int) -> None:
    allowed = PEAK + PEAK_A_BYTE * (size + target.allowance(given))
    gc.collect(0)
    tracemalloc.start()
    try:
        _run(target, given)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak > allowed:
        raise Broken(f"an input of {size} bytes took {peak} bytes of memory, more than {allowed}")


def held(machine: Any) -> int:
    """How many bytes and characters can be reached from a machine."""
    seen: set[int] = set()
    unseen: list[Any] = [machine]
    total = 0
    while unseen:
        thing = unseen.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, bytes | bytearray | str):
            total += len(thing)
        elif type(thing) is dict:  # the collector of garbage does not look at keys that are texts
            unseen += [*thing, *thing.values()]
        elif not isinstance(thing, _NOT_HELD):
            unseen += _referents(thing)
    return total


def _referents(thing: Any) -> list[Any]:
    """What an object refers to. The names of its attributes are the class's, though some Pythons keep them in a
    dictionary of its own, and others do so at times.
    """
    found: list[Any] = []
    for each in gc.get_referents(thing):
        if type(each) is dict and each is getattr(thing, "__dict__", None):
            found += each.values()
        else:
            found.append(each)
    return found
