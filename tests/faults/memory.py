"""What a client's memory does in the faults that run into a limit: ``PYTHONPATH=tests python -m faults.memory``.

Each of them happens to each client in a process of its own (:mod:`faults.apart`), with limits set small enough for the
test suite; with ``--default-limits`` to a client whose limits nobody has set, which is what most programs have. Those
figures are in docs/memory.md, which ``--write`` makes.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from .apart import bound, with_default_limits
from .groups import FAULTS
from .lab import run
from .model import CLIENTS, ClientName, Fault, Result

MIB = 2**20
PAGE: Final = Path(__file__).parents[2] / "docs" / "memory.md"

INTRODUCTION: Final = """\
# Memory

What a server can make a client hold. Each of the [faults](faults.md) that run into a [limit](limits.md) happened to
each client, in a process of its own that had made a call before, with the limits that a client has by default. The
figures are MiB by which the process was larger at its peak, as the kernel counts it, and that as a multiple of the
limit. Eight times the limit, or 2 MiB where that is more, is what the tests allow: a message is held as it came, as
text, and as the objects that it makes, and objects are larger than their text. Where a figure is far below the limit,
what comes is dropped as it comes, as heartbeats are, or goes to the disk, as a download does.

Made by `python -m faults.memory --default-limits --write` in `tests/`"""


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
    parser.add_argument(
        "--write", action="store_true", help="write docs/memory.md, if none has taken too much"
    )
    options = parser.parse_args()
    if options.write and not options.default_limits:
        parser.error("the page is about the default limits: say --default-limits")
    chosen = [
        with_default_limits(fault) if options.default_limits else fault
        for fault in FAULTS
        if fault.limit is not None and any(fnmatch.fnmatch(fault.id, each) for each in options.patterns)
    ]
    width = max([len(fault.id) for fault in chosen] + [5])
    names = "  ".join(f"{client:>16}" for client in options.client or CLIENTS)
    print(f"{'fault':{width}}  {'limit':20} {'MiB':>6}  {names}")
    failed = False
    rows: list[str] = []
    for fault in chosen:
        results = {
            client: run(fault, client) for client in options.client or CLIENTS if client in fault.clients
        }
        print(_line(fault, results, width), flush=True)
        rows.append(_row(fault, results))
        for client, result in results.items():
            for problem in _problems(result, options.default_limits):
                failed = True
                print(f"    {client}: {problem}")
    if options.write and not failed:
        PAGE.write_text("\n".join([f"{INTRODUCTION} on {date.today()}.", "", *HEADING, *rows, ""]), "utf-8")
    return 1 if failed else 0


def _line(fault: Fault, results: Mapping[ClientName, Result], width: int) -> str:
    shown = "  ".join(f"{_cell(result, fault):>16}" for result in results.values())
    return f"{fault.id:{width}}  {fault.limit:20} {bound(fault) / MIB:6.1f}  {shown}"


HEADING: Final = (
    f"| fault | limit | MiB | {' | '.join(CLIENTS)} |",
    f"|---|---|---:|{'---:|' * len(CLIENTS)}",
)


def _row(fault: Fault, results: Mapping[ClientName, Result]) -> str:
    cells = [_cell(results[client], fault) if client in results else "-" for client in CLIENTS]
    return f"| `{fault.id}` | `{fault.limit}` | {bound(fault) / MIB:.1f} | {' | '.join(cells)} |"


def _cell(result: Result, fault: Fault) -> str:
    grown = result.outcome.grown
    return "-" if grown is None else f"{grown / MIB:.1f} ({grown / bound(fault):.1f}x)"


def _problems(result: Result, default_limits: bool) -> tuple[str, ...]:
    # What comes out with other limits may be something else: there may not be as much as they let through.
    if not default_limits:
        return result.problems
    unmeasured = ("nothing was measured",) if result.outcome.grown is None else ()
    return (*unmeasured, *[problem for problem in result.problems if "grew" in problem])


if __name__ == "__main__":
    sys.exit(main())
