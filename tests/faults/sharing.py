"""Faults shared among processes: most of them wait more than they work, so several may happen at once.

A process has one fault at a time happen, and to one client after the other.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from .groups import BY_ID
from .lab import run
from .model import ClientName, Fault
from .table import Table


class Told(NamedTuple):
    """What a process tells of one fault."""

    lines: list[str]
    runs: int
    failures: int


def happening(
    faults: list[Fault], clients: Collection[ClientName], table: Table, processes: int
) -> Iterator[Told]:
    """Have faults happen, and tell of them in their order.

    Args:
        faults: Which.
        clients: To which clients, where they can happen to them.
        table: What writes the lines.
        processes: How many processes there are.
    """
    # Not forked: a fault counts the threads and descriptors that it finds.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        # A fault is made of functions, so only its name is sent there, and only text comes back.
        yield from pool.map(functools.partial(_happens, clients, table), [fault.id for fault in faults])


def _happens(clients: Collection[ClientName], table: Table, id: str) -> Told:
    fault = BY_ID[id]
    results = {client: run(fault, client) for client in clients if client in fault.clients}
    failures = sum(bool(result.problems) for result in results.values())
    return Told(table.lines(results), len(results), failures)
