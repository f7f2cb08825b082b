"""Run faults and print a table: ``PYTHONPATH=tests python -m faults [PATTERN ...] [--client NAME]``."""

from __future__ import annotations

import argparse
import fnmatch
import sys

from .groups import FAULTS
from .lab import run
from .model import CLIENTS, Result
from .table import lines


def main() -> int:
    """Leave with 0 if every fault passes on every client."""
    parser = argparse.ArgumentParser("faults", description="The fault laboratory.")
    parser.add_argument("patterns", nargs="*", help="which faults, such as 'join/*'; all if there is none")
    parser.add_argument("--client", choices=CLIENTS, action="append", help="on which clients")
    parser.add_argument("--write", action="store_true", help="run nothing, and write docs/faults.md anew")
    options = parser.parse_args()
    if options.write:
        from .page import PAGE, page  # few runs write it

        PAGE.write_text(page(), "utf-8")
        return 0
    results: list[Result] = []
    for fault in FAULTS:
        if options.patterns and not any(fnmatch.fnmatch(fault.id, pattern) for pattern in options.patterns):
            continue
        results += [run(fault, client) for client in fault.clients if client in (options.client or CLIENTS)]
    print("\n".join(lines(results)))
    failures = sum(bool(result.problems) for result in results)
    print(f"{len({result.fault.id for result in results})} faults, {len(results)} runs, {failures} failures")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
