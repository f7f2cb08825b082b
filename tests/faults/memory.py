"""What a client's memory does in the faults that run into a limit: ``PYTHONPATH=tests python -m faults.memory``.

Each of them happens to each client in a process of its own (:mod:`faults.apart`), with limits set small enough for the
test suite; with ``--default-limits`` to a client whose limits nobody has set, which is what most programs have.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys

from .apart import bound, with_default_limits
from .groups import FAULTS
from .lab import run
from .model import CLIENTS, Fault, Result

MIB = 2**20


def main() -> int:
    """Leave with 0 if no client has taken more than it may."""
    parser = argparse.ArgumentParser(
        "faults.memory", description="Memory in the faults that run into a limit."
    )
    parser.add_argument(
        "patterns", nargs="*", default=["*"], help="which faults, such as 'sse/*'; all if none"
    )
    parser.add_argument("--client", choices=CLIENTS, action="append", help="on which clients")
    parser.add_argument(
        "--default-limits", action="store_true", help="with the limits that a client has by default"
    )
    options = parser.parse_args()
    chosen = [
        with_default_limits(fault) if options.default_limits else fault
        for fault in FAULTS
        if fault.limit is not None and any(fnmatch.fnmatch(fault.id, each) for each in options.patterns)
    ]
    width = max([len(fault.id) for fault in chosen] + [5])
    names = "  ".join(f"{client:>16}" for client in options.client or CLIENTS)
    print(f"{'fault':{width}}  {'limit':20} {'MiB':>6}  {names}")
    failed = False
    for fault in chosen:
        results = [run(fault, client) for client in options.client or CLIENTS if client in fault.clients]
        print(_line(fault, results, width), flush=True)
        for result in results:
            for problem in _problems(result, options.default_limits):
                failed = True
                print(f"    {result.client}: {problem}")
    return 1 if failed else 0


def _line(fault: Fault, results: list[Result], width: int) -> str:
    limit = bound(fault)
    cells = [
        "-"
        if result.outcome.grown is None
        else f"{result.outcome.grown / MIB:.1f} ({result.outcome.grown / limit:.1f}x)"
        for result in results
    ]
    shown = "  ".join(f"{cell:>16}" for cell in cells)
    return f"{fault.id:{width}}  {fault.limit:20} {limit / MIB:6.1f}  {shown}"


def _problems(result: Result, default_limits: bool) -> tuple[str, ...]:
    # What comes out with other limits may be something else: there may not be as much as they let through.
    if not default_limits:
        return result.problems
    return tuple(problem for problem in result.problems if "grew" in problem or "left with" in problem)


if __name__ == "__main__":
    sys.exit(main())
