"""A part of the matrix (see :mod:`matrix`): every operation over one transport, on one server of each kind of
conversation. ``make test-matrix`` runs all of it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from matrix.__main__ import PAGE, outcomes_of
from matrix.cells import Outcome
from matrix.everything import OPERATIONS
from matrix.scene import WAYS
from matrix.table import table
from matrix.traps import ELSEWHERE, TRAPS
from servers import install
from servers.running import Servers, number

VERSIONS = ("3.50.2", "4.0.2", "6.31.0")
"""A WebSocket for each job, an event stream for each job, and one for all."""

QUICK = [operation.name for operation in OPERATIONS if operation.name != "a long silence"]


@pytest.fixture(scope="module")
def outcomes(real_server: Servers) -> dict[str, Future[list[Outcome]]]:
    with ThreadPoolExecutor() as pool:
        return {
            version: pool.submit(lambda version=version: [*outcomes_of(version, QUICK, ["sockets"])])
            for version in VERSIONS
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_operation(outcomes: dict[str, Future[list[Outcome]]], version: str) -> None:
    found = outcomes[version].result()
    late = [outcome.operation for outcome in found if outcome.result == "failed"]
    if late:  # each has deadlines, and other servers are busy beside it: once more, alone
        again = [each for each in outcomes_of(version, late, ["sockets"]) if each.operation in late]
        found = [each for each in found if each.operation not in late] + again
    failed = [f"{outcome.operation}:\n{outcome.error}" for outcome in found if outcome.result == "failed"]
    assert not failed, "\n".join(failed)
    assert sorted(outcome.operation for outcome in found) == sorted(QUICK)


def test_the_page_is_what_a_run_makes() -> None:
    """A run without a failure makes one page only, whatever it has seen."""
    expected = [
        Outcome(operation.name, version, way.name, "n/a" if operation.lack(number(version)) else "ok", 0.0)
        for operation in OPERATIONS
        for version in install.MATRIX_VERSIONS
        for way in WAYS
    ]
    made = table(OPERATIONS, install.MATRIX_VERSIONS, expected)
    assert PAGE.read_text(encoding="utf-8") == made, (
        "run 'make test-matrix', and check in the page that it makes"
    )


def test_every_trap_is_covered() -> None:
    covered = {trap for operation in OPERATIONS for trap in operation.traps}
    assert covered | ELSEWHERE.keys() == TRAPS.keys()


def test_operations_are_told_apart_and_explained() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    for operation in OPERATIONS:
        assert operation.says.endswith("."), operation.name
        assert all(not lack.why.endswith(".") for lack in operation.lacks), operation.name
