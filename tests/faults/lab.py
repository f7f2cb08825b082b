"""Have a fault happen, and see what comes out and what is left behind.

Whatever is checked in every fault is checked here, so that no fault can forget it. Everything that a fault could write
to, leave open or complain by is watched around it: the descriptors 1 and 2 lead to a file, and so do sys.stdout and
sys.stderr, which whoever runs this may have replaced; what is logged from WARNING on and warnings are collected, as are
exceptions that nobody can catch, and threads and descriptors are counted when the servers have gone, too.

A fault that runs into a limit happens to a client in a process of its own, so that nothing but the client's memory is
counted; see :mod:`faults.apart`.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

from canaries import leaks
from faulty import FaultyServer
from ways import Asyncio, Sockets, Trio, Way, nothing_left

from .bench import Bench
from .model import ClientName, Fault, Outcome, Result

WAYS: dict[ClientName, type[Way]] = {"blocking": Sockets, "trio": Trio, "asyncio": Asyncio}

GRACE = 20.0
"""Seconds beyond those of a fault after which it is ended by force."""


def run(fault: Fault, client: ClientName) -> Result:
    """Have a fault happen to one of the clients."""
    complaints: list[str] = []
    outcome = Outcome()
    try:
        with (
            tempfile.TemporaryDirectory() as name,
            contextlib.ExitStack() as stack,
            _complaining(complaints),
            nothing_left(fault.seconds + GRACE),
        ):
            outcome = _happens(fault, client, Path(name).resolve(), stack)
            stack.close()
    except AssertionError as error:
        complaints.append(str(error) or repr(error))
    except (
        Exception
    ) as error:  # of a server here, or of the client's process: the other faults are still to happen
        complaints.append(f"the laboratory failed: {error!r}")
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
        bench.look_through(error)
        # An error holds its frames, and they hold the client, which is to be seen to go without a complaint.
        _forget_frames(error)
    seconds = time.monotonic() - began
    problems += [f"an error tells a secret: {leak}" for leak in bench.leaked]
    return Outcome(value, failure, tuple(problems), seconds)


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
    """Collect whatever is printed, logged, warned of, or raised where nobody catches it, in the block."""

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        complaints.append(f"a thread ended with {arguments.exc_value!r}")

    def unraisable(arguments: Any) -> None:
        complaints.append(f"a finalizer ended with {arguments.exc_value!r}")

    hooks = threading.excepthook, sys.unraisablehook
    with (
        tempfile.TemporaryFile() as printed,
        warnings.catch_warnings(record=True) as warned,
        _descriptors_into(printed.fileno()),
        _log_into(complaints),
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


class _Complains(logging.Handler):
    """Takes what is logged for a complaint: of asyncio, that a task was destroyed or that nobody has seen its error.

    A program that has a handler of its own on a logger, and not on the root, has asked for what is logged there, and
    looks at that itself: a callback that raises is told of so, and nowhere else.
    """

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger(record.name).handlers:
            return
        error = record.exc_info[1] if record.exc_info else None
        shown = "" if error is None else f" ({error!r})"
        self._complaints.append(f"{record.name} logged: {record.getMessage()[:500]}{shown}")


@contextlib.contextmanager
def _log_into(complaints: list[str]) -> Generator[None]:
    """What is logged in the block becomes a complaint, whatever handlers there are beside."""
    handler = _Complains(complaints)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextlib.contextmanager
def _descriptors_into(target: int) -> Generator[None]:
    """What is printed in the block goes there, whoever prints it.

    pytest has writers of its own in the place of sys.stdout and sys.stderr, which lead past the descriptors.
    """
    writers = sys.stdout, sys.stderr
    for writer in writers:
        writer.flush()
    kept = [os.dup(1), os.dup(2)]
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    try:
        yield
    finally:
        for writer in (sys.stdout, sys.stderr):
            writer.flush()
        sys.stdout, sys.stderr = writers
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


def _writer(descriptor: int) -> io.TextIOWrapper:
    """A writer on a descriptor, which it leaves open."""
    raw = open(descriptor, "wb", buffering=0, closefd=False)  # noqa: SIM115 - it is nobody's to close
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
