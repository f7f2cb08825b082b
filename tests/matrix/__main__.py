"""Run the matrix, or a part of it.

    PYTHONPATH=tests python -m matrix                    everything, and write docs/matrix.md
    ... --version 4.0.2 --operation cancel --way trio    what has these words in its name

Each version has a process of its own, a few at a time: most of what the servers and the clients do is to wait.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from servers import install

from .cells import SECONDS, Outcome, run_version
from .everything import OPERATIONS
from .operation import Operation
from .scene import WAYS
from .table import table

PAGE = install.ROOT / "docs" / "matrix.md"

AT_ONCE = 3
"""Versions."""

WHOLE_PROCESS = "the process"
"""Stands for an operation where the process of a version has failed: its server did not start, or something was not
closed."""

TESTS = Path(__file__).parent.parent


def chosen(words: Sequence[str] | None) -> list[Operation]:
    """The operations with one of the words in their names."""
    return [
        operation
        for operation in OPERATIONS
        if words is None or any(word.lower() in operation.name.lower() for word in words)
    ]


def work(version: str, operations: Sequence[Operation], ways: Sequence[str]) -> None:
    """Be the process of one version: print an outcome a line."""
    lock = threading.Lock()
    # What was not closed fails the run: nobody else will hear of it.
    warnings.simplefilter("error")
    faulthandler.dump_traceback_later(SECONDS - 10)
    left: list[str] = []
    sys.unraisablehook = lambda what: left.append(f"{what.exc_value!r} in {what.object!r}")
    threading.excepthook = lambda what: left.append(f"{what.exc_value!r} in {what.thread!r}")

    def report(outcome: Outcome) -> None:
        with lock:
            print(json.dumps(asdict(outcome)), flush=True)

    run_version(version, operations, ways, report)
    faulthandler.cancel_dump_traceback_later()
    if left:
        print("\n".join(left), file=sys.stderr)
    sys.stderr.flush()
    os._exit(1 if left else 0)


def outcomes_of(version: str, words: Sequence[str] | None, ways: Sequence[str]) -> Iterator[Outcome]:
    """Run the process of one version."""
    command = [sys.executable, "-m", "matrix", "--work", "--version", version]
    for word in words or ():
        command += ["--operation", word]
    for way in ways:
        command += ["--way", way]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            yield Outcome(**json.loads(line))
    if process.returncode:
        yield Outcome(
            WHOLE_PROCESS, version, "", "failed", 0.0, f"the process ended with {process.returncode}"
        )


def run(
    versions: Sequence[str], words: Sequence[str] | None = None, ways: Sequence[str] | None = None
) -> list[Outcome]:
    """Run cells, and print those that fail."""
    names = ways or [way.name for way in WAYS]
    found: list[Outcome] = []

    def of(version: str) -> None:
        began = time.monotonic()
        of_this = []
        for outcome in outcomes_of(version, words, names):
            of_this.append(outcome)
            if outcome.result == "failed":
                print(f"FAILED {outcome.operation}: {version}, {outcome.way}\n{outcome.error}", flush=True)
        found.extend(of_this)
        print(f"{version}: {len(of_this)} cells in {time.monotonic() - began:.0f} s", flush=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(of, version) for version in versions]:
            future.result()
    return found


def once_more(found: Sequence[Outcome]) -> list[Outcome]:
    """Run what failed again, and nothing beside it: on a machine that others share a cell may miss a deadline."""
    made = {(outcome.version, outcome.operation, outcome.way): outcome for outcome in found}
    failed = [outcome for outcome in found if outcome.result == "failed"]
    for version in dict.fromkeys(outcome.version for outcome in failed):
        names = [*dict.fromkeys(outcome.operation for outcome in failed if outcome.version == version)]
        print(f"Once more: {version}, {', '.join(names)}")
        made.pop((version, WHOLE_PROCESS, ""), None)
        for outcome in run([version], None if WHOLE_PROCESS in names else names):
            made[outcome.version, outcome.operation, outcome.way] = outcome
    return [*made.values()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every operation on every server over every transport.")
    parser.add_argument("--version", action="append", choices=install.MATRIX_VERSIONS)
    parser.add_argument("--operation", action="append", metavar="WORD", help="those with this in their names")
    parser.add_argument("--way", action="append", choices=[way.name for way in WAYS])
    parser.add_argument("--again", action="store_true", help="run what failed once more, alone")
    parser.add_argument("--slowest", action="store_true", help="say what took longest")
    parser.add_argument("--work", action="store_true", help="be the process of one version")
    options: Any = parser.parse_args()
    if options.work:
        work(options.version[0], chosen(options.operation), options.way)
    versions = options.version or install.MATRIX_VERSIONS
    found = run(versions, options.operation, options.way)
    expected = len(versions) * len(chosen(options.operation)) * len(options.way or WAYS)
    if options.again:
        found = once_more(found)
    bad = [outcome for outcome in found if outcome.result == "failed"]
    print(f"{len(found)} of {expected} cells, {len(bad)} failed")
    if options.slowest:
        for outcome in sorted(found, key=lambda outcome: -outcome.seconds)[:25]:
            print(f"{outcome.seconds:6.1f} s  {outcome.version:7} {outcome.way:8} {outcome.operation}")
    if bad or len(found) != expected:
        return 1
    if not (options.version or options.operation or options.way):
        made = table(OPERATIONS, versions, found)
        before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        PAGE.write_text(made, encoding="utf-8")
        if made != before:
            print(f"{PAGE} was not what this run makes. It is now: look at it, and check it in.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
