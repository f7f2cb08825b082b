"""Have a fault happen, and see what comes out and what is left behind.

Whatever is checked in every fault is checked here, so that no fault can forget it. Everything that a fault could write
to, leave open or complain by is watched around it: the descriptors 1 and 2 lead to a file, warnings are collected, as
are exceptions that nobody can catch, and threads and descriptors are counted when the servers have gone, too.

A fault that runs into a limit happens to a client in a process of its own, so that nothing but the client's memory is
counted; see :mod:`faults.apart`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

from canaries import held_by_error, leaks, shown_by_error
from faulty import FaultyServer
from ways import Asyncio, Sockets, Trio, Way, nothing_left

from .bench import Bench
from .model import ClientName, Fault, Outcome, Result

WAYS: dict[ClientName, type[Way]] = {"blocking": Sockets, "trio": Trio, "asyncio": Asyncio}

GRACE = 20.0
"""Seconds beyond those of a fault after which it is ended by force."""


def run(fault: Fault, client: ClientName) -> Result:
    """Have a fault happen to one of the clients."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        complaints: list[str] = []
        outcome = Outcome()
        try:
            with _complaining(complaints), nothing_left(fault.seconds + GRACE):
                outcome = _happens(fault, client, Path(name).resolve(), stack)
                stack.close()
        except AssertionError as error:
            complaints.append(str(error) or repr(error))
    problem = fault.expect.problem(outcome)
    if outcome.seconds > fault.seconds:
        complaints.append(f"it took {outcome.seconds:.1f} s")
    problems = (*([problem] if problem else []), *outcome.problems, *complaints)
    return Result(fault, client, outcome, problems)


def _happens(fault: Fault, client: ClientName, directory: Path, stack: contextlib.ExitStack) -> Outcome:
    other = stack.enter_context(FaultyServer())
    bench = Bench(WAYS[client](), directory, other.url, fault.options)
    bench.url = stack.enter_context(fault.served(bench))
    if fault.limit is None:
        outcome = outcome_of(fault, bench)
    else:
        from . import apart

        outcome = apart.run(fault, client, bench)
    heard = [f"{seen.method} {seen.target} {dict(seen.headers)} {seen.body!r}" for seen in other.requests]
    told = [f"another origin was told a secret: {leak}" for line in heard for leak in leaks(line)]
    return Outcome(outcome.value, outcome.error, (*outcome.problems, *told), outcome.seconds, outcome.grown)


def outcome_of(fault: Fault, bench: Bench) -> Outcome:
    """What comes out of a fault, in this process."""
    value: Any = None
    failure: BaseException | None = None
    problems: list[str] = []
    began = time.monotonic()
    try:
        value = bench.way.run(lambda: _used(fault, bench))
    except AssertionError as error:
        problems.append(str(error) or repr(error))
    except BaseException as error:
        failure = error
        shown = [*shown_by_error(error), *held_by_error(error)]
        problems += {f"its error tells a secret: {leak}" for text in shown for leak in leaks(text)}
        # An error holds its frames, and they hold the client, which is to be seen to go without a complaint.
        _forget_frames(error)
    return Outcome(value, failure, tuple(problems), time.monotonic() - began)


async def _used(fault: Fault, bench: Bench) -> Any:
    return await fault.use(bench)


def _forget_frames(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        for inner in getattr(error, "exceptions", ()):
            _forget_frames(inner)
        _forget_frames(error.__cause__)
        error = error.__context__


@contextlib.contextmanager
def _complaining(complaints: list[str]) -> Generator[None]:
    """Collect whatever is printed, warned of, or raised where nobody catches it, in the block."""

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        complaints.append(f"a thread ended with {arguments.exc_value!r}")

    def unraisable(arguments: Any) -> None:
        complaints.append(f"a finalizer ended with {arguments.exc_value!r}")

    hooks = threading.excepthook, sys.unraisablehook
    with (
        tempfile.TemporaryFile() as printed,
        warnings.catch_warnings(record=True) as warned,
        _descriptors_into(printed.fileno()),
    ):
        warnings.simplefilter("always")
        threading.excepthook, sys.unraisablehook = in_thread, unraisable
        try:
            yield
            gc.collect()
        finally:
            threading.excepthook, sys.unraisablehook = hooks
            complaints += [f"{warning.category.__name__}: {warning.message}" for warning in warned]
            printed.seek(0)
            text = printed.read().decode("utf-8", "replace")
            if text:
                complaints.append(f"it printed {text[:500]!r}")


@contextlib.contextmanager
def _descriptors_into(target: int) -> Generator[None]:
    """What is printed in the block goes there, whoever prints it."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    os.dup2(target, 1)
    os.dup2(target, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
