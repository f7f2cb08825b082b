"""What came out of the faults, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable

from .model import CLIENTS, Result


def lines(results: Iterable[Result]) -> list[str]:
    """The table as text: a line for each fault, and one for each problem."""
    by_fault: dict[str, dict[str, Result]] = {}
    for result in results:
        by_fault.setdefault(result.fault.id, {})[result.client] = result
    width = max([len(id) for id in by_fault] + [5])
    shown = [f"{'fault':{width}}  {'  '.join(f'{client:8}' for client in CLIENTS)}  what came out"]
    for id, of_clients in by_fault.items():
        cells = [_cell(of_clients.get(client)) for client in CLIENTS]
        outcomes = dict.fromkeys(str(result.outcome) for result in of_clients.values())
        shown.append(f"{id:{width}}  {'  '.join(f'{cell:8}' for cell in cells)}  {' | '.join(outcomes)}")
        for client, result in of_clients.items():
            shown += [f"    {client}: {problem}" for problem in result.problems]
    return shown


def _cell(result: Result | None) -> str:
    if result is None:
        return "-"
    return "FAIL" if result.problems else f"{result.outcome.seconds:.2f} s"
