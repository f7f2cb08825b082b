"""Let clients live, and print what has grown: ``PYTHONPATH=tests python -m soak [--client NAME] [--short]``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from ways import Asyncio, Sockets, Trio

from .growth import Growth, growths
from .living import LEAKS, LONG, SHORT, Life
from .serving import served

WAYS = {"blocking": Sockets, "trio": Trio, "asyncio": Asyncio}


def main() -> int:
    """Leave with 0 if nothing grows on any client."""
    parser = argparse.ArgumentParser("soak", description="A client that lives long and must not grow.")
    parser.add_argument(
        "--client", choices=[*WAYS], action="append", help="which ones; all if it is not given"
    )
    parser.add_argument("--short", action="store_true", help="a life of a thousand calls")
    parser.add_argument("--leak", choices=[*LEAKS], default="", help="a leak that is to be found")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    clients = options.client or [*WAYS]
    if options.here:
        return _live(clients[0], options.short, options.leak)
    codes: list[int] = []
    for client in clients:
        # Each in a process of its own, and with a directory for its temporary files that nobody else has.
        with tempfile.TemporaryDirectory() as directory:
            more = [
                *(["--short"] if options.short else []),
                *(["--leak", options.leak] if options.leak else []),
            ]
            child = subprocess.run(
                [sys.executable, "-W", "error", "-m", "soak", "--here", "--client", client, *more],
                env={**os.environ, "TMPDIR": directory},
                check=False,
            )
            codes.append(child.returncode)
    return 1 if any(codes) else 0  # a child that a signal has ended has a negative code


def _live(client: str, short: bool, leak: str) -> int:
    plan = SHORT if short else LONG
    began, used = time.monotonic(), time.process_time()
    with served() as server:
        life = Life(WAYS[client](), server, plan, LEAKS[leak])
        life.live()
    print(
        f"{client}: {life.calls} calls, {life.clients} clients, {life.restarts} restarts of the server, "
        f"{time.monotonic() - began:.0f} s, {time.process_time() - used:.0f} s of CPU"
    )
    found = growths(life.looks, life.calls)
    for growth in found:
        print(_line(growth))
    if path := os.environ.get("SOAK_LOOKS"):
        with open(path, "w") as file:
            json.dump([dict(each) for each in life.looks], file)
    return 1 if any(growth.is_too_much for growth in found) else 0


def _line(growth: Growth) -> str:
    judged = "GROWS" if growth.is_too_much else "ok"
    return (
        f"  {growth.name:12} {growth.first:12,} -> {growth.last:12,}   "
        f"climbed {growth.climbed:12,.0f} of {growth.tolerated:12,.0f}   {judged}"
    )


if __name__ == "__main__":
    sys.exit(main())
