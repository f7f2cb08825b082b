"""A client in a process of its own, whose memory is measured: its peak while a fault happens, above what it was before.

The parent serves, the child is the client. Before anything happens the child opens a client to another, healthy
server, makes a call and closes it: what is loaded and made once for all clients is there then, and what is counted is
what this fault costs. The peak is the kernel's (``VmHWM`` of ``/proc/self/status``), so nothing between two looks is
missed; it is set back to what is used now by writing 5 to ``/proc/self/clear_refs``. Memory that was freed and not yet
returned to the system would hide as much growth, so it is returned first. Where there is no such file, nothing is
measured.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradio_proto.limits import Limits

from .bench import Bench
from .model import ClientName, Fault, Outcome

TIMES = 8
"""How often the limit that a fault runs into, the process may grow by."""

FLOOR = 2 * 2**20
"""Bytes that any client may grow by, however small the limit: a connection's buffers, a thread's stack, and what an
allocator asks for at once."""

IN_BYTES: dict[str, Callable[[Limits], int]] = {
    "orphan_messages": lambda limits: limits.orphan_bytes,
    "cookies": lambda limits: limits.cookies * limits.cookie_bytes,
}
"""What the limits that count something else than bytes let a server make a client hold."""


def run(fault: Fault, client: ClientName, bench: Bench) -> Outcome:
    """Have the fault happen to a client in another process, and measure that."""
    order = {
        "fault": fault.id,
        "client": client,
        "url": bench.url,
        "elsewhere": bench.elsewhere,
        "directory": str(bench.directory),
        # A long form has the faults happen to a client with other options than the fault names.
        "has_limits": "limits" in fault.options,
    }
    # The child is asked to import what this module is part of, wherever that was found.
    paths = [path for path in sys.path if path]
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CHILD, json.dumps(paths), json.dumps(order)],
        capture_output=True,
        timeout=fault.seconds + 30,
        check=False,
    )
    if child.returncode or child.stderr:
        text = child.stderr.decode("utf-8", "replace")
        return Outcome(problems=(f"the client's process left with {child.returncode}: {text[-500:]}",))
    outcome = pickle.loads(child.stdout)  # noqa: S301 - from a child of our own
    assert isinstance(outcome, Outcome)
    problem = too_much(fault, outcome)
    return replace(outcome, problems=(*outcome.problems, problem)) if problem else outcome


def too_much(fault: Fault, outcome: Outcome) -> str | None:
    """What is wrong with the memory that a fault took; None if nothing is."""
    allowed = max(FLOOR, TIMES * bound(fault))
    if outcome.grown is None or outcome.grown <= allowed:
        return None
    return f"its process grew by {outcome.grown / 2**20:.1f} MiB, and not by {allowed / 2**20:.1f} at most"


def bound(fault: Fault) -> int:
    """The limit that the fault runs into, in bytes."""
    limits = fault.options.get("limits", Limits())
    assert fault.limit is not None
    in_bytes = IN_BYTES.get(fault.limit)
    value = getattr(limits, fault.limit) if in_bytes is None else in_bytes(limits)
    assert isinstance(value, int)
    return value


def with_default_limits(fault: Fault) -> Fault:
    """The same, happening to a client whose limits nobody has set. It takes longer to run into those."""
    options = {name: each for name, each in fault.options.items() if name != "limits"}
    return replace(fault, options=options, seconds=10 * fault.seconds)


_CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from faults.apart import happen
happen(json.loads(sys.argv[2]))
"""


def happen(order: dict[str, Any]) -> None:
    """The child's part: the outcome goes to standard output."""
    from . import lab
    from .groups import BY_ID

    fault = BY_ID[order["fault"]]
    if not order["has_limits"]:
        fault = with_default_limits(fault)
    way = lab.WAYS[order["client"]]()
    bench = Bench(way, Path(order["directory"]), order["elsewhere"], fault.options, order["url"])
    way.run(lambda: _warm_up(bench))
    measured = Measured()
    outcome = lab.outcome_of(fault, bench)
    sys.stdout.buffer.write(pickle.dumps(replace(outcome, grown=measured.grown())))


async def _warm_up(bench: Bench) -> None:
    # Nothing secret goes to the other origin.
    client = await bench.way.open(bench.elsewhere, transport=bench.way.transport)
    try:
        await client.predict("hello")
        await (await client.submit("hello")).result()
    finally:
        await client.close()


class Measured:
    """The memory of this process, from now on."""

    def __init__(self) -> None:
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # where the C library is another
            ctypes.CDLL(None).malloc_trim(0)
        self._before = _memory("VmRSS")
        path = Path("/proc/self/clear_refs")
        if path.exists():
            path.write_text("5")

    def grown(self) -> int | None:
        """Bytes by which it has been larger at its peak; None where that is not told."""
        peak = _memory("VmHWM")
        return None if self._before is None or peak is None else peak - self._before


def _memory(name: str) -> int | None:
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
