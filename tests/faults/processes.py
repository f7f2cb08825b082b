"""A program in a process of its own: how it ends when it is told to, or when it has come to its end.

A program is a function of :mod:`faults.programs`. It is given a bench, with the options and the addresses of this
one, and says :func:`ready` when it is where it is to be struck: by a signal, or by its own end. The process must be
gone in time after that, leave with the right code, and have complained of nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

from .bench import Bench
from .model import Use

READY = b"ready\n"

ATTEMPTS = 3
"""How often a process may be gone too late. On a machine that is shared, one that waits for nothing but a processor is
late at times; one that waits for something else is late each time."""

_KNOWS_NO_DIRECTORY = (3, 13) <= sys.version_info < (3, 13, 3)
"""Python itself fails wherever an attribute is missing, in a directory that has been removed, unless it is told not to
look for modules there: https://github.com/python/cpython/issues/130932."""

FLAGS = ("-W", "error", *(["-P"] if _KNOWS_NO_DIRECTORY else []))


def ready() -> None:
    """Tell the parent that the moment has come."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def leaves(
    program: Callable[[Bench], None],
    *,
    struck_by: signal.Signals | None = None,
    stopped_for: float = 0.0,
    code: int = 0,
    within: float = 2.0,
    complains: str = "",
    flags: tuple[str, ...] = FLAGS,
) -> Use:
    """A user who runs a program, and what he may expect of it; ``"ok"`` comes out.

    Args:
        program: A function of :mod:`faults.programs`.
        struck_by: The signal that it is sent when it is ready.
        stopped_for: Seconds that it stands still then.
        code: What it leaves with; that of a signal is negative.
        within: Seconds from ready to gone.
        complains: What stands in its standard error, which is otherwise to be empty.
        flags: Python's.
    """

    async def use(bench: Bench) -> Any:
        for number in range(ATTEMPTS):
            took = await happens(bench, str(number))
            if took < within + stopped_for:
                return "ok"
        raise AssertionError(f"the process was gone after {took:.1f} s, and was late {ATTEMPTS} times")

    async def happens(bench: Bench, name: str) -> float:
        """Seconds from ready to gone, in a new directory of that name."""
        directory = bench.directory / name
        os.mkdir(directory)
        with _begun(program, bench, directory, flags) as (process, said, complaints):
            line = said.readline()
            began = time.monotonic()
            assert line == READY, (line, complaints.read().decode("utf-8", "replace")[-500:])
            if struck_by is not None:
                process.send_signal(struck_by)
            if stopped_for:
                process.send_signal(signal.SIGSTOP)
                await bench.way.sleep(stopped_for)
                process.send_signal(signal.SIGCONT)
            rest = said.read()
            process.wait()
            took = time.monotonic() - began
            text = complaints.read().decode("utf-8", "replace")
            assert (rest, process.returncode) == (b"", code), (rest, process.returncode, text[-500:])
            assert complains in text if complains else not text, text[-500:]
            return took

    return use


@contextlib.contextmanager
def _begun(
    program: Callable[[Bench], None], bench: Bench, directory: Path, flags: tuple[str, ...]
) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    order = {
        "program": program.__name__,
        "way": type(bench.way).__name__,
        "url": bench.url,
        "elsewhere": bench.elsewhere,
        "directory": str(directory),
        "options": pickle.dumps(dict(bench.options)).hex(),
    }
    paths = [path for path in sys.path if path]
    command = [sys.executable, *flags, "-c", _CHILD, json.dumps(paths), json.dumps(order)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, process.stdout, process.stderr
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


_CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from faults.processes import happen
happen(json.loads(sys.argv[2]))
"""


def happen(order: dict[str, Any]) -> None:
    """The child's part."""
    import ways

    from . import programs

    # A test's process may ignore it, as what is begun in the background does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = pickle.loads(bytes.fromhex(order["options"]))  # noqa: S301 - from a parent of our own
    way = getattr(ways, order["way"])()
    bench = Bench(way, Path(order["directory"]), order["elsewhere"], options, order["url"])
    getattr(programs, order["program"])(bench)
