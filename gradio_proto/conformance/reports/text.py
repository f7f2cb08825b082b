"""What a terminal shows after a run: each failure, and a table of what came out.

Everything is made of :class:`rich.text.Text`, never of strings with markup in them, so a server cannot colour what it
says, or make links of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..baseline import BaselineOutcome, marked
from ..model import Report, Result, Verdict
from .catalogue import Cases, facts_of
from .counting import SIGNS, WORST_FIRST, Counts, by_area, count, known_as, name_of, worst_first
from .details import details, one_line

STYLES: Final = {
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.WARN: "yellow",
    Verdict.INFO: "cyan",
    Verdict.SKIP: "bright_black",
    Verdict.PASS: "green",
}

TOLD: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.WARN})
"""The verdicts whose results are shown one by one."""


def print_report(
    report: Report, console: Console, cases: Cases, outcome: BaselineOutcome | None = None
) -> None:
    """Show all of it: failures first, the table last, where it is on the screen when the run is over.

    Args:
        report: Of a run.
        console: Where to; rich leaves out colours where there is no terminal, or NO_COLOR is set.
        cases: What is known of the cases.
        outcome: What the baseline made of it. Failures that it knows are only counted.
    """
    if outcome is not None:
        report = marked(report, outcome)
    # The worst comes last, just above the table.
    for result in reversed(worst_first(report.results)):
        if result.verdict in TOLD and known_as(report, result) is None:
            print_result(report, result, console, cases)
    console.print(summary(report))
    console.print(headline(report))
    if outcome is not None:
        for line in baseline_lines(outcome):
            console.print(line, soft_wrap=True)


def print_result(report: Report, result: Result, console: Console, cases: Cases) -> None:
    """Show one result, with its transcript. Lines are not broken, so that commands can be copied."""
    head, *rest = details(report, result, facts_of(result.case_id, cases))
    console.print(Text(head, STYLES[result.verdict]), soft_wrap=True)
    for line in rest:
        console.print(Text(line), soft_wrap=True)
    console.print()


def summary(report: Report) -> Table:
    """Verdicts by area, with totals."""
    table = Table(show_footer=True, show_edge=False, pad_edge=False)
    total = count(report.results)
    table.add_column("area", "all")
    for verdict in WORST_FIRST:
        head = Text(f"{SIGNS[verdict]} {verdict.value}", STYLES[verdict])
        table.add_column(head, str(total[verdict]), justify="right")
    for area, results in by_area(report.results).items():
        table.add_row(Text(one_line(area)), *_numbers(count(results)))
    return table


def _numbers(counts: Counts) -> Iterator[Text]:
    for verdict, number in counts.items():
        yield Text(str(number), STYLES[verdict]) if number else Text("")


def headline(report: Report) -> Text:
    """What came out, in a line."""
    counts = count(report.results)
    found = [verdict for verdict in WORST_FIRST if counts[verdict]]
    # That something was skipped says nothing about a server on which the rest holds.
    worst = Verdict.PASS if found == [Verdict.SKIP, Verdict.PASS] else (found or [Verdict.PASS])[0]
    numbers = ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items() if number)
    server = " ".join(part for part in (name_of(report), report.protocol) if part)
    return Text(
        f"{one_line(server)}: {numbers or 'nothing was tried'}; seed {report.seed}, {report.seconds:.1f} s",
        STYLES[worst],
    )


def baseline_lines(outcome: BaselineOutcome) -> Iterable[Text]:
    """What the baseline says: new and known failures, and entries that are stale."""
    yield Text(
        f"Baseline: {len(outcome.new)} new, {len(outcome.known)} known, {len(outcome.stale)} stale",
        STYLES[Verdict.PASS if outcome.is_clean else Verdict.FAIL],
    )
    for result in outcome.new:
        yield Text(f"  new    {one_line(result.case_id)}: {one_line(result.reason)}")
    for result, entry in outcome.known:
        yield Text(f"  known  {one_line(result.case_id)}: {one_line(entry.reason)}", "bright_black")
    for entry, why in outcome.stale:
        yield Text(f"  stale  {one_line(entry.case)}: {why}; take it out of the baseline")
