"""What runs on the server, as the reference app tells it: its function ``tick`` leaves a trace of every step.

It is what shows whether a job that nobody hears of any more still runs. It makes a step every 20 ms.
"""

from __future__ import annotations

from typing import Final

from ..model import Violation
from ..session import Job, Session
from ..tester import Tester

LONG: Final = 300
"""Steps of a tick that is to be ended before its time: 6 seconds."""
MOMENT: Final = 1.0
"""Seconds within which a server has to notice what a client did."""
WHILE: Final = 0.6
"""Seconds in which something that runs makes some steps."""


def steps(tester: Tester, name: str) -> int:
    """How far the run of that name has come."""
    found = tester.run("ticked", name).values[0]
    if not isinstance(found, int | float):
        raise Violation(f"the function that tells how many steps a run has made gave {found!r}")
    return int(found)


def begin(session: Session, role: str, name: str, count: int = LONG) -> Job:
    """Begin a tick, and wait for its first values."""
    job = session.submit(session.tester.endpoint(role), name, count)
    session.wait_until(lambda: len(job.all("process_generating")) >= 2, f"values of {job}")
    return job


def must_have_stopped(tester: Tester, name: str, why: str) -> None:
    """See that the run of that name makes no steps any more.

    Raises:
        Violation: It makes some.
    """
    tester.wire.pause(MOMENT)
    before = steps(tester, name)
    tester.wire.pause(WHILE)
    after = steps(tester, name)
    if after > before:
        raise Violation(
            f"{why}, and its generator still runs: it was at step {before}, and is at {after} now"
        )
