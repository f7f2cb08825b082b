"""Everything at once, in any order."""

from __future__ import annotations

from ..machine import explore
from ..registry import case
from ..tester import Tester

ROLES = ("echo", "count", "stream", "shrink", "fail", "state")


@case("queue/isolation/any-order", endpoints=ROLES, severity="critical", seconds=8)
def anything_in_any_order(tester: Tester) -> None:
    """Join, hear, cancel, leave, upload and download in several sessions, in random order, and judge all of it."""
    explore(tester)
