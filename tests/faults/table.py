"""What came out of the faults, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .model import CLIENTS, ClientName, Fault, Result


class Table:
    """Lines of one width, which can be printed while the next faults are still to happen.

    Args:
        faults: What it will tell of.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._width = max([len(fault.id) for fault in faults] + [5])

    def heading(self) -> str:
        """The line above all others."""
        return f"{'fault':{self._width}}  {'  '.join(f'{client:8}' for client in CLIENTS)}  what came out"

    def lines(self, results: Mapping[ClientName, Result]) -> list[str]:
        """A line for a fault, and one for each problem.

        Args:
            results: How it went, on each client that it happened to.
        """
        (fault, *_) = (result.fault for result in results.values())
        cells = [_cell(results.get(client)) for client in CLIENTS]
        outcomes = dict.fromkeys(str(result.outcome) for result in results.values())
        shown = [
            f"{fault.id:{self._width}}  {'  '.join(f'{cell:8}' for cell in cells)}  {' | '.join(outcomes)}"
        ]
        for client, result in results.items():
            shown += [f"    {client}: {problem}" for problem in result.problems]
        return shown


def _cell(result: Result | None) -> str:
    if result is None:
        return "-"
    return "FAIL" if result.problems else f"{result.outcome.seconds:.2f} s"
