"""What came out, as data, as text for a terminal and as a table for a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gradio_proto.text import printable

from .model import ClientReport, Outcome, Result, Scenario, Verdict

SHOWN: Final = 120
"""Characters that are shown of one outcome or one problem."""

PASSING: Final = (Verdict.PASS, Verdict.SKIP)

_CHANGING: Final = (
    (re.compile(r"(127\.0\.0\.1|localhost)(:|', port=)\d+"), "app"),
    (re.compile(r"[^\s\"']*gradio-conformance-\w+"), "/tmp"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "0x0"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"grown by \d+ MB"), "grown by too many MB"),
)
"""What differs from run to run, and what stands in its place in a report."""


def steady(text: str) -> str:
    """A text without what differs from run to run: ports, temporary paths, addresses in memory."""
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def shown(text: str) -> str:
    """A text in one short line that is safe to print."""
    return printable(steady(text), SHOWN)


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return {"kind": outcome.kind, "type": outcome.error_type, "text": shown(str(outcome))}


def result_data(result: Result) -> dict[str, Any]:
    """A result as JSON."""
    return {
        "id": result.case.id,
        "scenario": result.case.scenario.id,
        "generation": result.case.generation,
        "summary": result.case.scenario.summary,
        "requirements": [*result.case.scenario.requirements],
        "expected": expected_text(result.case.scenario),
        "verdict": result.verdict.value,
        "outcomes": list(map(outcome_data, result.outcomes)),
        "problems": [
            {"requirement": problem.requirement, "text": shown(problem.text), "grave": problem.is_grave}
            for problem in result.problems
        ],
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "requests": [shown(line) for line in result.asked],
    }


def report_data(report: ClientReport) -> dict[str, Any]:
    """A whole report as JSON."""
    return {
        "command": [*report.command],
        "counts": report.counts,
        "seconds": round(report.seconds, 1),
        "requirements": sorted(report.requirements),
        "results": list(map(result_data, report.results)),
    }


def expected_text(scenario: Scenario) -> str:
    """What must come out, in one line."""
    texts = list(dict.fromkeys(map(str, scenario.expected)))
    return shown("; ".join(map(str, scenario.expected)) if len(texts) > 1 else texts[0])


def result_text(result: Result) -> str:
    """A result as a person reads it: one line, and for what is wrong some more."""
    lines = [f"{result.verdict.value:5} {result.case.id}"]
    if result.verdict in PASSING:
        return lines[0]
    lines.append(f"      {result.case.scenario.summary}")
    lines.append(f"      must come out: {expected_text(result.case.scenario)}")
    lines.append(f"      came out:      {shown(result.came_out)}")
    for problem in result.problems:
        where = "" if problem.requirement is None else f"{problem.requirement}: "
        lines.append(f"      {where}{shown(problem.text)}")
    lines += [f"      > {shown(line)}" for line in result.asked]
    return "\n".join(lines)


def summary_text(report: ClientReport) -> str:
    """The last line of a report."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    return f"{len(report.results)} cases: {counts or 'none'}, in {report.seconds:.1f} s"


def report_text(report: ClientReport) -> str:
    """A report as a person reads it: what is wrong, and how much was right."""
    wrong = [result for result in report.results if result.verdict not in PASSING]
    return "\n\n".join([*map(result_text, wrong), summary_text(report)])


def table(scenarios: Sequence[Scenario], results: Iterable[Mapping[str, Any]]) -> str:
    """A table in Markdown: each scenario, what must come out, and what did.

    Args:
        scenarios: The rows.
        results: Results as :func:`result_data` gives them. Generations with the same outcome are put together.
    """
    of: dict[str, list[Mapping[str, Any]]] = {scenario.id: [] for scenario in scenarios}
    for result in results:
        of[result["scenario"]].append(result)
    rows = ["| scenario | what the server does | what must come out | what came out |", "|---|---|---|---|"]
    rows += [
        f"| `{scenario.id}` | {_cell(scenario.summary)} | {_cell(expected_text(scenario))} "
        f"| {_came_out(of[scenario.id])} |"
        for scenario in scenarios
    ]
    return "\n".join(rows)


def _came_out(results: Sequence[Mapping[str, Any]]) -> str:
    together: dict[str, list[str]] = {}
    for result in results:
        together.setdefault(_line(result), []).append(result["generation"])
    parts = [
        line if len(together) == 1 else f"{line} ({', '.join(generations)})"
        for line, generations in together.items()
    ]
    return "<br>".join(parts)


def _line(result: Mapping[str, Any]) -> str:
    texts = list(dict.fromkeys(outcome["text"] for outcome in result["outcomes"]))
    said = "; ".join(texts)
    # What the wrong outcome is stands there already; how a server was asked does not.
    others = [problem["text"] for problem in result["problems"] if " was to come out" not in problem["text"]]
    text = "; ".join([said, *others] if said else others) or str(result["reason"])
    return f"**{result['verdict']}**: {_cell(text)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
