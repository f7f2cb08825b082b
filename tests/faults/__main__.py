"""Run faults and print a table: ``PYTHONPATH=tests python -m faults [PATTERN ...] [--client NAME]``."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys

from .groups import FAULTS
from .life import NOT_ON_THIS_PYTHON
from .model import CLIENTS, ClientName, Fault
from .sharing import happening
from .table import Table


def main() -> int:
    """Leave with 0 if every fault passes on every client."""
    parser = argparse.ArgumentParser("faults", description="The fault laboratory.")
    parser.add_argument("patterns", nargs="*", help="which faults, such as 'join/*'; all if there is none")
    parser.add_argument("--client", choices=CLIENTS, action="append", help="on which clients")
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count() or 1,
        help="how many happen at once (default: one a processor)",
    )
    parser.add_argument("--write", action="store_true", help="run nothing, and write docs/faults.md anew")
    options = parser.parse_args()
    if options.write:
        from .page import PAGE, page  # few runs write it

        PAGE.write_text(page(), "utf-8")
        return 0
    clients: tuple[ClientName, ...] = tuple(options.client or CLIENTS)
    chosen = [
        fault
        for fault in FAULTS
        if any(fnmatch.fnmatch(fault.id, pattern) for pattern in options.patterns or ["*"])
        and set(fault.clients) & set(clients)
        and fault.id not in NOT_ON_THIS_PYTHON
    ]
    return _run(chosen, clients, options.processes)


def _run(chosen: list[Fault], clients: tuple[ClientName, ...], processes: int) -> int:
    table = Table(chosen)
    print(table.heading(), flush=True)
    runs = failures = 0
    for told in happening(chosen, clients, table, processes):
        print("\n".join(told.lines), flush=True)
        runs += told.runs
        failures += told.failures
    print(f"{len(chosen)} faults, {runs} runs, {failures} failures")
    return 1 if failures or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
