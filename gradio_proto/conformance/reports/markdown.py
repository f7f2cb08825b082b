"""Markdown for a pull request: what came out in a table, servers by cases where there are several, and each failure.

GitHub's Markdown lets HTML, links, mentions and images through, so nothing that a server says may be read as Markdown.
It stands in code only: in a block, between fences that are longer than any in it, or in a span, which in a table needs
its bars escaped besides.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import IO, Final

from ..model import Report, Result, Verdict
from .catalogue import Cases, Facts, facts_of
from .counting import (
    MEANINGS,
    SIGNS,
    WORST_FIRST,
    by_area,
    case_ids,
    count,
    known_as,
    name_of,
    worst_first,
)
from .details import details, one_line

TOLD: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.WARN})
"""The verdicts whose results are shown one by one."""

_MARKS: Final = {
    Verdict.FAIL: "❌",
    Verdict.ERROR: "❓",
    Verdict.WARN: "⚠️",
    Verdict.INFO: "ℹ️",
    Verdict.SKIP: "➖",
    Verdict.PASS: "✅",
}


def write(reports: Sequence[Report], file: IO[str], cases: Cases) -> None:
    """Write the reports as one document."""
    for line in _lines(reports, cases):
        file.write(line + "\n")


def _lines(reports: Sequence[Report], cases: Cases) -> Iterator[str]:
    yield "## Gradio protocol conformance"
    yield ""
    yield from _servers(reports)
    if len(reports) > 1:
        yield from _matrix(reports)
    else:
        yield from _areas(reports[0])
    for report in reports:
        told = [result for result in worst_first(report.results) if result.verdict in TOLD]
        if told:
            yield f"### What {code(name_of(report))} does"
            yield ""
        for result in told:
            yield from _told(report, result, facts_of(result.case_id, cases))
    yield "| sign | verdict | meaning |"
    yield "|---|---|---|"
    for verdict in WORST_FIRST:
        yield f"| {_MARKS[verdict]} | {verdict.value} | {MEANINGS[verdict]} |"


def _servers(reports: Sequence[Report]) -> Iterator[str]:
    heads = " | ".join(f"{_MARKS[verdict]} {verdict.value}" for verdict in WORST_FIRST)
    yield f"| server | protocol | address | seed | {heads} |"
    yield f"|{'---|' * (4 + len(WORST_FIRST))}"
    for report in reports:
        numbers = " | ".join(map(str, count(report.results).values()))
        names = " | ".join(code_in_table(text) for text in (name_of(report), report.protocol, report.url))
        yield f"| {names} | {report.seed} | {numbers} |"
    yield ""


def _areas(report: Report) -> Iterator[str]:
    yield f"| area | {' | '.join(_MARKS[verdict] for verdict in WORST_FIRST)} |"
    yield f"|{'---|' * (1 + len(WORST_FIRST))}"
    for area, results in by_area(report.results).items():
        yield f"| {code_in_table(area)} | {' | '.join(str(number or '') for number in count(results).values())} |"
    yield ""


def _matrix(reports: Sequence[Report]) -> Iterator[str]:
    """The cases in which not every server passes; of the others there is nothing to compare."""
    verdicts = [{result.case_id: result.verdict for result in report.results} for report in reports]
    passed = 0
    rows: list[str] = []
    for id in case_ids(reports):
        of_case = [found.get(id) for found in verdicts]
        if all(verdict is Verdict.PASS for verdict in of_case):
            passed += 1
        else:
            cells = " | ".join("" if verdict is None else _MARKS[verdict] for verdict in of_case)
            rows.append(f"| {code_in_table(id)} | {cells} |")
    if rows:
        yield f"| case | {' | '.join(code_in_table(name_of(report)) for report in reports)} |"
        yield f"|{'---|' * (1 + len(reports))}"
        yield from rows
        yield ""
    yield f"{passed} cases hold on every server."
    yield ""


def _told(report: Report, result: Result, facts: Facts) -> Iterator[str]:
    known = known_as(report, result)
    # Within the tags of a summary Markdown is not read, HTML is.
    strength = " ".join(word for word in (facts.level, facts.severity) if word)
    head = f"{SIGNS[result.verdict]} <code>{html.escape(one_line(result.case_id))}</code> {strength}"
    yield f"<details><summary>{head}{'' if known is None else ' (known)'}</summary>"
    yield ""
    if known:
        yield f"Known: {code(known)}"
        yield ""
    yield from _block(list(details(report, result, facts)))
    yield ""
    yield "</details>"
    yield ""


def _block(lines: Sequence[str]) -> Iterator[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence + "text"
    yield from lines
    yield fence


def code(text: str) -> str:
    """A text as a span of code."""
    text = one_line(text) or " "
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    # One space at each end is taken off again; without it a text that begins with a backtick would lengthen the fence.
    return f"{ticks} {text} {ticks}" if text.strip(" ") else f"{ticks}{text}{ticks}"


def code_in_table(text: str) -> str:
    """A text as a span of code in a table, where a bar ends a cell even in code, unless it is escaped."""
    return code(text).replace("|", "\\|")
