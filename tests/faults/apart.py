"""A client in a process of its own, whose memory is measured: its peak while a fault happens, above what it was before.

The parent serves, the child is the client. The peak is the kernel's (``VmHWM`` of ``/proc/self/status``), which can be
set back to what is used now by writing 5 to ``/proc/self/clear_refs``; where there is no such file, nothing is
measured.
"""

from __future__ import annotations

import gc
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from gradio_proto.limits import Limits

from .bench import Bench
from .model import ClientName, Fault, Outcome

TIMES = 8
"""How often the limit that a fault runs into, the process may grow by."""

FLOOR = 4 * 2**20
"""Bytes that any client may grow by: code and caches that are loaded on the way."""


def run(fault: Fault, client: ClientName, bench: Bench) -> Outcome:
    """Have the fault happen to a client in another process, and measure that."""
    order = {
        "fault": fault.id,
        "client": client,
        "url": bench.url,
        "elsewhere": bench.elsewhere,
        "directory": str(bench.directory),
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
    allowed = max(FLOOR, TIMES * bound(fault))
    if outcome.grown is not None and outcome.grown > allowed:
        problem = (
            f"its process grew by {outcome.grown / 2**20:.1f} MiB, and not by {allowed / 2**20:.1f} at most"
        )
        return Outcome(
            outcome.value, outcome.error, (*outcome.problems, problem), outcome.seconds, outcome.grown
        )
    return outcome


def bound(fault: Fault) -> int:
    """The limit that the fault runs into, in bytes."""
    limits = fault.options.get("limits", Limits())
    assert fault.limit is not None
    value = getattr(limits, fault.limit)
    assert isinstance(value, int)
    return value


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
    bench = Bench(
        lab.WAYS[order["client"]](), Path(order["directory"]), order["elsewhere"], fault.options, order["url"]
    )
    gc.collect()
    before = _memory("VmRSS")
    _set_back()
    outcome = lab.outcome_of(fault, bench)
    peak = _memory("VmHWM")
    grown = None if before is None or peak is None else peak - before
    sys.stdout.buffer.write(
        pickle.dumps(Outcome(outcome.value, outcome.error, outcome.problems, outcome.seconds, grown))
    )


def _set_back() -> None:
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def _memory(name: str) -> int | None:
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
