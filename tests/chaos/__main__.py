"""Make calls through a bad network, and print what came of them.

    PYTHONPATH=tests python -m chaos                    everything
    ... --write                                         ... and make docs/chaos.md
    ... --version 6.31.0 --mode cut --client trio --calls 100 --seed 7
    ... --crowd 10000                                   so many calls at once (0: none)

Each client has a process and a server of its own for each version, as have the crowds: most of what they do is to wait.
It ends with status 1 if anything is wrong: see :mod:`chaos.table` for what must not be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from servers import install
from ways import nothing_left

from gradio_proto.testing import serve

from .cells import APPS, CLIENTS, Cell, Row, served
from .crowds import crowds
from .embedded import CountingApp
from .fates import MODES
from .table import page, text

VERSIONS: Final = ("6.31.0", "5.49.1", "4.44.1")
PAGE: Final = install.ROOT / "docs" / "chaos.md"
AT_ONCE: Final = 4
"""Processes. With more of them on a small machine somebody misses a deadline."""
EMBEDDED: Final = "embedded"
CROWDED: Final = {EMBEDDED: 1.0, "6.31.0": 0.1}
"""The servers that crowds come to, and what share of each. A real one takes some 15 jobs a second, of all clients."""


def work(options: Any) -> None:
    """Be the process of one version and client, or of the crowds of one: print a row a line."""
    # What was not closed, and what a thread has died of, is printed; and that fails the run.
    warnings.simplefilter("error")
    version = options.version[0]
    lock = threading.Lock()

    def report(row: Row) -> None:
        with lock:
            print(json.dumps(asdict(row)), flush=True)

    if options.crowded:
        calls = int(options.crowd * CROWDED[version])
        serving, app = (serve(CountingApp().app), "") if version == EMBEDDED else (served(version), APPS[0])
        with serving as url, nothing_left(60 + calls):
            rows = crowds(version, url + app, calls, options.seed)
        for row in rows:
            report(row)
        return
    with served(version) as url:
        for mode in options.mode or MODES:
            for client, calls in shares(options).items():
                report(Cell(version, mode, client, url, options.seed, calls).run())


def shares(options: Any) -> dict[str, int]:
    """How many of the calls of a mode are whose: of a thousand 334, 333 and 333."""
    clients = options.client or [*CLIENTS]
    return {
        client: (options.calls + len(clients) - 1 - number) // len(clients)
        for number, client in enumerate(clients)
    }


def run(arguments: Sequence[str], version: str) -> tuple[list[Row], str]:
    """Run such a process; what it has found, and what it has printed that it was not to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos", "--work", "--version", version, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    rows: list[Row] = []
    said: list[str] = []
    listener = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    listener.start()
    with process:
        for line in process.stdout:
            try:
                row = Row(**json.loads(line))
            except ValueError:
                said.append(line)
                continue
            rows.append(row)
            print(f"{version} {row.mode} {row.client}: {row.right} of {row.calls} right", flush=True)
            for problem in row.wrong:
                print(f"WRONG {version} {row.mode} {row.client}: {problem}", flush=True)
        listener.join()
    if process.returncode:
        said.append(f"the process of {version} ended with {process.returncode}\n")
    return rows, "".join(said)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make calls through a bad network.")
    parser.add_argument("--version", action="append", choices=[*VERSIONS, EMBEDDED])
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--client", action="append", choices=CLIENTS)
    parser.add_argument("--calls", type=int, default=1000, help="of each mode, over all clients (1000)")
    parser.add_argument(
        "--crowd",
        type=int,
        default=10_000,
        help="calls at once, of each client (10000; on a real server a tenth)",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="make docs/chaos.md")
    parser.add_argument("--work", action="store_true", help="be the process of one version")
    parser.add_argument("--crowded", action="store_true", help="be the process of the crowds of one version")
    options: Any = parser.parse_args()
    if options.work:
        work(options)
        return 0
    given = ["--seed", str(options.seed), "--crowd", str(options.crowd)]
    for mode in options.mode or ():
        given += ["--mode", mode]
    versions = options.version or [*VERSIONS, EMBEDDED]
    stormy = [version for version in versions if version != EMBEDDED]
    crowded = [version for version in CROWDED if version in versions] if options.crowd else []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        storms = [
            pool.submit(run, [*given, "--client", client, "--calls", str(share)], version)
            for version in stormy
            for client, share in shares(options).items()
        ]
        masses = [pool.submit(run, [*given, "--crowded"], version) for version in crowded]
    rows = [row for each in storms for row in each.result()[0]]
    rows.sort(
        key=lambda row: (VERSIONS.index(row.version), [*MODES].index(row.mode))
    )  # and by client, as they are
    crowd_rows = [row for each in masses for row in each.result()[0]]
    said = "".join(each.result()[1] for each in [*storms, *masses])
    print(text(rows, crowd_rows))
    if said:
        print(f"It has printed what it was not to:\n{said}")
    if options.write:
        PAGE.write_text(page(rows, crowd_rows, options.seed), encoding="utf-8")
    return 1 if said or any(row.wrong for row in [*rows, *crowd_rows]) else 0


if __name__ == "__main__":
    sys.exit(main())
