"""The page that a run makes: ``docs/matrix.md``. It holds neither times nor dates: equal runs make equal pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .cells import Outcome
from .operation import Operation
from .traps import ELSEWHERE, TRAPS

WAY_NAMES = {
    "sockets": "the blocking `Client`",
    "trio": "`AsyncClient` on trio",
    "asyncio": "`AsyncClient` on asyncio",
}


def table(operations: Sequence[Operation], versions: Sequence[str], outcomes: Iterable[Outcome]) -> str:
    """The page for a run without failures."""
    found = {(outcome.operation, outcome.version, outcome.way): outcome.result for outcome in outcomes}
    reasons: list[str] = []
    rows: list[str] = []
    for operation in operations:
        cells: list[str] = []
        for version in versions:
            results = {found[operation.name, version, way] for way in WAY_NAMES}
            (result,) = results  # a server has it or not, whoever asks
            if result == "n/a":
                lack = operation.lack(_number(version))
                assert lack is not None
                if lack.why not in reasons:
                    reasons.append(lack.why)
                result = f"n/a [{reasons.index(lack.why) + 1}]"
            cells.append(result)
        rows.append(f"| {operation.name} | {' | '.join(cells)} |")
    counts = {result: sum(1 for each in found.values() if each == result) for result in ("ok", "n/a")}
    lines = [
        "# What works where",
        "",
        "Every operation of a client, on real servers of every generation, over every transport. This page is made",
        "by `make test-matrix`, which fails if it is not what the run makes; nobody writes it by hand.",
        "",
        f"Servers: Gradio {', '.join(versions)}. Transports: {', '.join(WAY_NAMES.values())};",
        f"they agree in every cell. {len(operations)} operations, {len(versions)} servers, {len(WAY_NAMES)} "
        f"transports: {len(found)} cells, of which {counts['ok']} are ok and {counts['n/a']} are n/a.",
        "",
        '"ok": the operation does what it says below. "n/a": that server has it not, for the reason given by the',
        "number; what was tested there is that the client says so, or does what the reason tells.",
        "",
        f"| | {' | '.join(versions)} |",
        f"|---|{'---|' * len(versions)}",
        *rows,
        "",
        "## Why not",
        "",
        *(f"{number}. {reason[:1].upper()}{reason[1:]}." for number, reason in enumerate(reasons, start=1)),
        "",
        "## What is tested",
        "",
        *(f"- **{operation.name}**: {operation.says}" for operation in operations),
        "",
        "## Traps",
        "",
        "What a client may stumble over, and the operations that would. The others are held by tests without a server.",
        "",
        "| | covered by |",
        "|---|---|",
        *(f"| {text} | {_covering(number, operations)} |" for number, text in TRAPS.items()),
        "",
    ]
    return "\n".join(lines)


def _covering(trap: int, operations: Iterable[Operation]) -> str:
    names = [operation.name for operation in operations if trap in operation.traps]
    if trap in ELSEWHERE:
        names.append(ELSEWHERE[trap])
    return "; ".join(names)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
