"""What is read off a process and off the fake server, for the figures.

It runs in the official client's environment too, so it imports the standard library only.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import NoReturn

Figures = dict[str, float]


class Meter:
    """CPU (all threads, user and system) and wall time of a block, in seconds."""

    def __enter__(self) -> Meter:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cpu = time.process_time() - self._cpu
        self.wall = time.perf_counter() - self._wall


def stats(url: str) -> dict[str, int]:
    """What the fake server has counted. A real one counts nothing, which is an empty dict."""
    try:
        with urllib.request.urlopen(f"{url}/bench/stats") as reply:
            counted: dict[str, int] = json.load(reply)
    except urllib.error.HTTPError:
        return {}
    return counted


def most_sockets(url: str) -> int:
    """How many connections the server had at once, at most, since it was last asked; this one does not count."""
    return max(0, stats(url).get("most_connections", 0) - 1)


def echo_of(url: str) -> str:
    """The endpoint that gives its text back at once: what a real server calls so waits for its turn."""
    with urllib.request.urlopen(f"{url}/config") as reply:
        names = [dependency["api_name"] for dependency in json.load(reply)["dependencies"]]
    return "/fast" if "fast" in names else "/echo"


def threads() -> int:
    """Those of the operating system, where they can be counted: not every one is Python's."""
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc") else threading.active_count()


def wakeups() -> int:
    """How often this process went to sleep so far, and so was woken."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def resident() -> float:
    """Megabytes of memory that are in use now; where that cannot be told, those that ever were."""
    return _from_status("VmRSS:") or peak_rss()


def peak_rss() -> float:
    """Megabytes. VmHWM, since ru_maxrss starts with what the process that started this one had."""
    if peak := _from_status("VmHWM:"):
        return peak
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _from_status(name: str) -> float:
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(name):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def leave(figures: Figures) -> NoReturn:
    """Print the figures and end at once.

    A client whose jobs never end may take its time to close, and that is not measured.
    """
    print(json.dumps(figures), flush=True)
    os._exit(0)
