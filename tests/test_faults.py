"""Every fault of the laboratory, on one of the clients that it can happen to; and the laboratory itself.

On which, differs from one version of Python to the next: on three of them each fault happens to all clients.
``make faults`` does so on one.
"""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest
from faults.groups import FAULTS
from faults.lab import run
from faults.life import NOT_ON_THIS_PYTHON
from faults.model import ClientName, Fault
from faults.page import PAGE, page

CHOSEN = [fault for fault in FAULTS if fault.id not in NOT_ON_THIS_PYTHON]

# Three versions of Python run the suite before a change lands.
TURN = {(3, 10): 0, (3, 13): 1}.get(sys.version_info[:2], 2)

CASES = [
    pytest.param(fault, client, id=f"{fault.id}-{client}")
    for number, fault in enumerate(CHOSEN)
    for client in (fault.clients[(number + TURN) % len(fault.clients)],)
]


def test_faults_are_many_and_told_apart() -> None:
    counts = Counter(fault.id for fault in FAULTS)
    assert set(counts.values()) == {1}
    for fault in FAULTS:
        assert re.fullmatch(r"[a-z]+(/[a-z0-9-]+)+", fault.id)
        assert fault.happens.endswith(".")
        assert fault.clients


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `PYTHONPATH=tests python -m faults --write`"


@pytest.mark.parametrize(("fault", "client"), CASES)
def test_a_fault(fault: Fault, client: ClientName) -> None:
    assert run(fault, client).problems == ()
