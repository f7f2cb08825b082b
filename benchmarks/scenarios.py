"""What is measured. Each scenario runs in a process of its own, and prints its figures as JSON.

    python -m benchmarks.scenarios CONTENDER SCENARIO URL SIZE

The contenders here share the calls of ``gradio_client.Client``, so each scenario is written once. This
module runs in the official client's environment too: it imports the standard library, and a contender by name.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.imports import MODULES
from benchmarks.meter import Figures, Meter, echo_of, leave, most_sockets, peak_rss, stats, threads

Connect = Callable[..., Any]


def contender(name: str) -> Connect:
    """What opens a client, by the contender's name."""
    client: Connect = importlib.import_module(MODULES[name]).Client
    return functools.partial(client, verbose=False) if name == "official" else client


def connect(connect: Connect, url: str, size: int) -> Figures:
    """Connect `size` times; the first time, which may import things, does not count."""
    connect(url).close()
    with Meter() as meter:
        for _ in range(size):
            connect(url).close()
    return {"cpu": meter.cpu / size, "wall": meter.wall / size}


def predict(connect: Connect, url: str, size: int) -> Figures:
    """One small call after the other; the wall time is the median."""
    name = echo_of(url)
    client = connect(url)
    for _ in range(3):
        assert client.predict("hello", api_name=name) == "hello"
    walls: list[float] = []
    with Meter() as meter:
        for index in range(size):
            began = time.perf_counter()
            assert client.predict(f"hello {index}", api_name=name) == f"hello {index}"
            walls.append(time.perf_counter() - began)
    client.close()
    return {"cpu": meter.cpu / size, "wall": statistics.median(walls)}


def big(connect: Connect, url: str, size: int) -> Figures:
    """A text of `size` megabytes, in one message."""
    client = connect(url)
    client.predict("warm", api_name="/echo")
    with Meter() as meter:
        value = client.predict(size, api_name="/big")
    assert len(value) == size * 1_000_000
    client.close()
    return {"cpu": meter.cpu, "wall": meter.wall}


def messages(connect: Connect, url: str, size: int) -> Figures:
    """A job with `size` values, each looked at and dropped."""
    client = connect(url)
    client.predict("warm", api_name="/echo")
    count = 0
    with Meter() as meter:
        for value in client.submit(size, api_name="/messages"):
            assert value is not None
            count += 1
    assert count >= size
    client.close()
    return {"cpu": meter.cpu, "wall": meter.wall}


def text(connect: Connect, url: str, size: int) -> Figures:
    """A text that grows by one of `size` tokens at a time, each state of it looked at and dropped."""
    client = connect(url)
    client.predict("warm", api_name="/echo")
    length = 0
    with Meter() as meter:
        for value in client.submit(size, api_name="/text"):
            length = len(value)
            del value  # a text that nobody else holds can grow in place; one that is held has to be copied
    assert length == size * 20
    client.close()
    return {"cpu": meter.cpu, "wall": meter.wall, "peak_rss": peak_rss()}


def waiting(connect: Connect, url: str, size: int) -> Figures:
    """`size` jobs at once, for which nothing comes: what does it cost to wait?"""
    before = stats(url)["joins"]
    client = connect(url)
    jobs = [client.submit(1, api_name="/wait") for _ in range(size)]
    # Until the server has them all, or no more come: a client may send only as many at a time.
    joined, quiet_since = 0, time.monotonic()
    while joined < size and time.monotonic() < quiet_since + 2:
        time.sleep(0.05)
        if (now_joined := stats(url)["joins"] - before) > joined:
            joined, quiet_since = now_joined, time.monotonic()
    time.sleep(1)
    with Meter() as meter:
        time.sleep(3)
    failed = sum(1 for job in jobs if job.done())
    return {"load": meter.cpu / meter.wall, "threads": threads(), "failed": failed, "joined": joined}


def jitter(connect: Connect, url: str, size: int) -> Figures:
    """`size` overlapping calls through a slow network, on a healthy server: does any get lost?"""
    client = connect(url)
    pauses = random.Random(1)
    jobs: list[Any] = []
    with Meter() as meter:
        for index in range(size):
            jobs.append(client.submit(f"call {index}", api_name="/echo"))
            time.sleep(pauses.uniform(0, 0.1))
        lost = count_lost(jobs, patience=30)
    return {"lost": lost, "wall": meter.wall}


def concurrent(connect: Connect, url: str, size: int) -> Figures:
    """`size` small calls at once on one client."""
    name = echo_of(url)
    client = connect(url)
    client.predict("warm", api_name=name)
    stats(url)  # what was open until now does not count
    with Meter() as meter:
        jobs = [client.submit(f"call {index}", api_name=name) for index in range(size)]
        lost = count_lost(jobs, patience=120)
    figures = {"failed": lost, "cpu": meter.cpu, "wall": meter.wall, "threads": threads()}
    return {**figures, "sockets": most_sockets(url)}


def count_lost(jobs: Iterable[Any], patience: float) -> int:
    """How many of the calls "call 0", "call 1"... did not give back what they were given, in so many seconds."""
    deadline = time.monotonic() + patience
    count = 0
    for index, job in enumerate(jobs):
        try:
            count += job.result(timeout=max(0.0, deadline - time.monotonic())) != f"call {index}"
        except BaseException:  # the official client's CancelledError is one
            count += 1
    return count


def latency(connect: Connect, url: str, size: int) -> Figures:
    """How long after the server has sent a value its user sees it: `size` of them, each the time of its sending."""
    client = connect(url)
    client.predict("warm", api_name="/echo")
    late = [time.monotonic() - sent for sent in client.submit(size, api_name="/ticks")]
    client.close()
    return {"latency": statistics.median(late), "p99": statistics.quantiles(late, n=100)[-1]}


def tls(connect: Connect, url: str, size: int) -> Figures:
    """Small calls over TLS: how many new connections, and so handshakes, does each take?"""
    client = connect(url)
    for _ in range(3):  # the connections that it keeps are made by now
        client.predict("warm", api_name="/echo")
    before = stats(url)["connections"]
    with Meter() as meter:
        for _ in range(size):
            client.predict("hello", api_name="/echo")
    # The last question takes a connection of its own.
    handshakes = stats(url)["connections"] - before - 1
    client.close()
    return {"handshakes": handshakes / size, "cpu": meter.cpu / size, "wall": meter.wall / size}


def upload(connect: Connect, url: str, size: int) -> Figures:
    """A file of `size` megabytes (MiB) to the server."""
    handle_file = importlib.import_module(MODULES[sys.argv[1]]).handle_file
    client = connect(url)
    client.predict("warm", api_name="/echo")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "large.bin")
        with open(path, "wb") as file:
            file.truncate(size << 20)  # a hole, so that no disk is measured
        with Meter() as meter:
            client.predict(handle_file(path), api_name="/upload")
    client.close()
    return {"cpu": meter.cpu, "wall": meter.wall, "peak_rss": peak_rss()}


def download(connect: Connect, url: str, size: int) -> Figures:
    """A file of `size` megabytes (MiB) from the server, onto the disk."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["GRADIO_TEMP_DIR"] = directory
        client = connect(url, download_files=directory) if sys.argv[1] == "official" else connect(url)
        client.predict("warm", api_name="/echo")
        with Meter() as meter:
            path = client.predict(size, api_name="/download")
        assert os.path.getsize(path) == size << 20
        client.close()
    return {"cpu": meter.cpu, "wall": meter.wall, "peak_rss": peak_rss()}


def main() -> None:
    _, name, scenario, url, size = sys.argv
    run: Callable[[Connect, str, int], Figures] = globals()[scenario]
    leave(run(contender(name), url, int(size)))


if __name__ == "__main__":
    main()
