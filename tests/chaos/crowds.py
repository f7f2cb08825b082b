"""Very many calls of one client that overlap, on a network whose every piece is held for up to 300 ms: none is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from ways import Way

from .cells import CLIENTS, Row
from .fates import Fates
from .proxy import ChaosProxy

LONGEST: Final = 1.0
"""Seconds that a call takes at most, by itself."""


async def call_all(way: Way, url: str, names: Sequence[str]) -> Counter[str]:
    """Make a call of each name at once, with one client, and count what came of them."""
    chance = random.Random(names[0])
    outcomes: Counter[str] = Counter()
    client = await way.open(url)

    def note(name: str, value: Any) -> None:
        outcomes["right" if value == f"{name} is answered" else f"{value!r:.100}"] += 1

    async def call(name: str, seconds: float) -> None:
        try:
            note(name, await client.predict(name, seconds, api_name="/answer"))
        except Exception as error:
            note(name, error)

    plans = [(name, chance.uniform(0, LONGEST)) for name in names]
    try:
        if way.name == "blocking":  # it needs no thread for each
            jobs = [(plan[0], client.blocking.submit(*plan, api_name="/answer")) for plan in plans]
            for name, job in jobs:
                note(name, job.exception() or job.result())
        else:
            await way.together(*(partial(call, *plan) for plan in plans))
    finally:
        await client.close()
    return outcomes


def crowd(version: str, url: str, client: str, calls: int, seed: int = 1) -> Row:
    """Such a crowd on one server, whose address this is."""
    row = Row(version, "jitter", client, calls=calls)
    began = time.monotonic()
    parts = urlsplit(url)
    assert parts.port is not None
    names = [f"call {seed} crowd {client} {number}" for number in range(calls)]
    with ChaosProxy(parts.port, Fates(seed, "jitter")) as proxy:
        proxy.foul()
        way = CLIENTS[client]()
        outcomes = way.run(partial(call_all, way, proxy.url + parts.path, names))
    row.happened = proxy.happened
    twice = [name for name, times in proxy.seen.joins.items() if times > 1]
    row.right = outcomes.pop("right", 0)
    row.wrong = [f"{times} x {outcome}" for outcome, times in outcomes.items()]
    row.wrong += [f"{name} was joined more than once" for name in twice]
    row.seconds = time.monotonic() - began
    return row


def crowds(version: str, url: str, calls: int, seed: int = 1) -> list[Row]:
    """One crowd of each client, side by side: most of what they do is to wait."""
    rows: list[Row] = []
    threads = [
        threading.Thread(target=lambda name=name: rows.append(crowd(version, url, name, calls, seed)))
        for name in CLIENTS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rows
