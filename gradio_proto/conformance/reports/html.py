"""One page that needs nothing else: no request, no font and no script from anywhere.

Its policy forbids them (``default-src 'none'``), so not even a mistake in the escaping could load something. What a
server says is put in by :mod:`gradio_proto.conformance.reports.markup`, which escapes all of it, and never into the
script. The script only hides, opens and copies; without it everything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import IO

from ..model import Report, Verdict
from .articles import article
from .catalogue import Cases
from .counting import SIGNS, WORST_FIRST, count, known_as, name_of
from .markup import Html, element, together
from .matrix import legend, matrix
from .rows import LEVELS, SEVERITIES, Row, rows_of


def write(reports: Sequence[Report], file: IO[str], cases: Cases, *, specification: str = "") -> None:
    """Write the reports as one page.

    Args:
        reports: Each of a run against one server.
        file: Where to.
        cases: What is known of the cases.
        specification: The address of the directory of the specification's documents, with a slash at its end;
            requirements are linked there. Without it their place is only named.
    """
    file.write(page(reports, cases, specification))


def page(reports: Sequence[Report], cases: Cases, specification: str = "") -> str:
    """The page."""
    rows = rows_of(reports, cases)
    body = together(
        (
            element(
                "header",
                element("h1", "Gradio protocol conformance"),
                element("p", _lead(rows, reports), class_="lead"),
                element("div", *map(_server, reports), class_="servers"),
            ),
            element(
                "main",
                _filters(rows),
                element(
                    "section",
                    element("h2", "Cases" if len(reports) == 1 else "Cases by servers", id="matrix"),
                    matrix(rows, reports),
                    legend(),
                ),
                element(
                    "section",
                    element("h2", "Details", id="details"),
                    *(article(row, reports, specification) for row in sorted(rows, key=_worst_first)),
                ),
            ),
        )
    )
    resources = files(__package__ or "").joinpath("page")
    template = Template(resources.joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=element("title", f"Conformance of {', '.join(map(name_of, reports))}"),
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        script=resources.joinpath("page.js").read_text(encoding="utf-8"),
        body=body,
    )


def _worst_first(row: Row) -> tuple[int, int]:
    severity = row.facts.severity
    return (
        WORST_FIRST.index(row.verdicts[0]),
        SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES),
    )


def _lead(rows: Sequence[Row], reports: Sequence[Report]) -> str:
    failing = sum(Verdict.FAIL in row.verdicts for row in rows)
    where = name_of(reports[0]) if len(reports) == 1 else f"at least one of {len(reports)} servers"
    if failing:
        return f"{failing} of {len(rows)} cases fail on {where}."
    return f"None of {len(rows)} cases fails on {where}."


def _server(report: Report) -> Html:
    counts = count(report.results)
    known = sum(known_as(report, result) is not None for result in report.results)
    bar = element(
        "div",
        *(
            element("i", class_=verdict.value, style=f"flex-grow:{number}")
            for verdict, number in counts.items()
            if number
        ),
        class_="bar",
        aria_hidden="true",
    )
    numbers = element(
        "ul",
        *(
            element(
                "li",
                element("span", SIGNS[verdict], class_=f"sign {verdict.value}", aria_hidden="true"),
                f" {number} {verdict.value}",
            )
            for verdict, number in counts.items()
            if number
        ),
        class_="counts",
    )
    facts: Mapping[str, str] = {
        "protocol": report.protocol,
        "seed": str(report.seed),
        "profile": report.profile,
        "started": report.started,
        "took": f"{report.seconds:.1f} s",
        "known failures": str(known) if known else "",
        "command": report.command,
    }
    run = [
        element("div", element("dt", name), element("dd", value)) for name, value in facts.items() if value
    ]
    return element(
        "section",
        element("h2", name_of(report)),
        element("p", report.title, class_="title") if report.title else "",
        element("p", element("code", report.url)),
        bar,
        numbers,
        element("details", element("summary", "About this run"), element("dl", *run), open=True),
        class_="server",
    )


def _filters(rows: Sequence[Row]) -> Html:
    chips = [
        element(
            "label",
            element("input", type="checkbox", name="verdict", value=verdict.value),
            element("span", SIGNS[verdict], class_=f"sign {verdict.value}", aria_hidden="true"),
            f" {verdict.value} ",
            element("b", str(sum(verdict in row.verdicts for row in rows))),
            class_="chip",
        )
        for verdict in WORST_FIRST
        if any(verdict in row.verdicts for row in rows)
    ]
    levels = [level for level in LEVELS if any(row.facts.level == level for row in rows)]
    severities = [severity for severity in SEVERITIES if any(row.facts.severity == severity for row in rows)]
    return element(
        "form",
        element("fieldset", element("legend", "Verdict", class_="unseen"), *chips),
        _select("level", levels),
        _select("severity", severities),
        element(
            "label",
            element("span", "Search", class_="unseen"),
            element("input", type="search", name="text", placeholder="Search (press /)", autocomplete="off"),
        ),
        element("button", "Show all", type="reset"),
        element("output", f"{len(rows)} cases", aria_live="polite"),
        class_="filters",
        role="search",
    )


def _select(name: str, values: Sequence[str]) -> Html:
    options = [element("option", f"any {name}", value="")]
    options += [element("option", value, value=value) for value in values]
    return element(
        "label", element("span", name.capitalize(), class_="unseen"), element("select", *options, name=name)
    )
