"""The details of a page: for each case its requirement, and what came out of it on each server."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Report, Result, Verdict
from .counting import SIGNS, known_as, name_of
from .details import curl_line
from .markup import Html, element, path, prose, together
from .rows import NOTABLE, Row
from .timeline import exchange_table, timeline


def article(row: Row, reports: Sequence[Report], specification: str) -> Html:
    """All that is known of a case; see :func:`gradio_proto.conformance.reports.html.write` for the arguments."""
    facts = row.facts
    signs = [
        element("span", SIGNS[verdict], class_=f"sign {verdict.value}", title=verdict.value)
        for verdict in row.verdicts
    ]
    parts: list[str] = []
    if facts.sentence:
        place = f"spec/{facts.link}"
        where = element("code", place)
        if specification:
            where = element("a", where, href=specification + facts.link)
        parts.append(element("blockquote", element("p", prose(facts.sentence)), element("p", where)))
    if facts.about:
        parts.append(element("p", element("b", "Tried: "), prose(facts.about)))
    parts += [
        _outcome(row, result, position, reports[position])
        for position, result in enumerate(row.results)
        if result is not None and result.verdict in NOTABLE
    ]
    parts.append(_others(row, reports))
    head = element("summary", element("h3", *signs, " ", path(row.id)), " ", row.tags())
    return element(
        "article", element("details", head, *parts, open=True), id=row.id, tabindex="-1", **row.data()
    )


def _outcome(row: Row, result: Result, position: int, report: Report) -> Html:
    verdict = result.verdict.value
    known = known_as(report, result)
    look, word = (verdict, verdict) if known is None else (f"{verdict} known", f"{verdict}, known")
    sign = element("span", SIGNS[result.verdict], class_=f"sign {look}", aria_hidden="true")
    tried = f"tried {result.examples} times, " if result.examples > 1 else ""
    parts: list[str] = [
        element("h4", sign, f" {word} ", element("small", name_of(report))),
        element("p", result.reason, class_="reason"),
    ]
    if known is not None:
        parts.append(element("p", element("b", "Known: "), known))
    parts.append(element("p", f"{tried}{result.seconds:.2f} s, seed {report.seed}", class_="meta"))
    parts += [
        _command(name, command)
        for name, command in (("Replay", result.replay), ("Last request", curl_line(report, result)))
        if command
    ]
    if len(result.transcript):
        entries = len(result.transcript)
        parts.append(timeline(result.transcript))
        summary = element(
            "summary", f"The exchange in full, {entries} {'entry' if entries == 1 else 'entries'}"
        )
        parts.append(element("details", summary, exchange_table(result.transcript), class_="full", open=True))
    # A page with one server has no other part of the same name to tell it from.
    anchor = row.anchor(position)
    return element(
        "section",
        *parts,
        class_=f"outcome {verdict}",
        tabindex="-1",
        id=False if anchor == row.id else anchor,
    )


def _command(name: str, command: str) -> Html:
    return element(
        "div",
        element("span", name),
        element("code", command, tabindex="0"),
        element("button", "Copy", type="button", class_="copy", aria_label=f"Copy: {name.lower()}"),
        class_="command",
    )


def _others(row: Row, reports: Sequence[Report]) -> Html:
    """On which servers it holds, and on which it was not tried, and why."""
    holds: list[str] = []
    skipped: dict[str, list[str]] = {}
    for result, report in zip(row.results, reports, strict=True):
        if result is None:
            skipped.setdefault("not selected", []).append(name_of(report))
        elif result.verdict is Verdict.PASS:
            holds.append(name_of(report))
        elif result.verdict is Verdict.SKIP:
            skipped.setdefault(result.reason, []).append(name_of(report))
    lines: list[Html] = []
    if holds:
        sign = element("span", SIGNS[Verdict.PASS], class_="sign pass", aria_hidden="true")
        lines.append(element("p", sign, f" Holds on {', '.join(holds)}."))
    for reason, names in skipped.items():
        sign = element("span", SIGNS[Verdict.SKIP], class_="sign skip", aria_hidden="true")
        lines.append(element("p", sign, f" Not tried on {', '.join(names)}: {reason}"))
    return together(lines)
