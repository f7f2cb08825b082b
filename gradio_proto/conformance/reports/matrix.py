"""The matrix of a page: servers by cases, grouped by area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..model import Report, Result, Verdict
from .counting import MEANINGS, SIGNS, WORST_FIRST, known_as, name_of
from .markup import Html, element, path
from .rows import Row, link_to

FITTING: Final = 9
"""Servers that a wide screen has room for. The heads of such a table stay in sight; what scrolls sideways in a box of
its own cannot have that."""


def matrix(rows: Sequence[Row], reports: Sequence[Report]) -> Html:
    """The table. Where there is one server only, it says the reasons too."""
    alone = len(reports) == 1
    heads = [element("th", "case", scope="col")]
    heads += [element("th", *_head(report, reports), scope="col", title=report.url) for report in reports]
    if alone:
        heads.append(element("th", "reason", scope="col", class_="why"))
    areas: dict[str, list[Row]] = {}
    for row in rows:
        areas.setdefault(row.facts.area, []).append(row)
    bodies = [
        element("tbody", _area(area, of_area, reports), *(_case(row, reports) for row in of_area))
        for area, of_area in areas.items()
    ]
    table = element(
        "table",
        element("caption", "What came out of each case", class_="unseen"),
        element("thead", element("tr", *heads)),
        *bodies,
        class_="matrix alone" if alone else "matrix",
    )
    fits = "scroll fits" if len(reports) <= FITTING else "scroll"
    return element("div", table, class_=fits, tabindex="0", role="region", aria_labelledby="matrix")


def _head(report: Report, reports: Sequence[Report]) -> list[Html]:
    """What a column is called: the version, and the address too where several run the same version."""
    head = [element("span", report.version or report.url)]
    if report.version and sum(other.version == report.version for other in reports) > 1:
        head.append(element("small", report.url.partition("://")[2]))
    return head


def _area(area: str, rows: Sequence[Row], reports: Sequence[Report]) -> Html:
    cells: list[Html] = []
    for position in range(len(reports)):
        failing = sum(
            (result := row.results[position]) is not None and result.verdict is Verdict.FAIL for row in rows
        )
        cells.append(element("td", f"{failing} {SIGNS[Verdict.FAIL]}" if failing else ""))
    if len(reports) == 1:
        cells.append(element("td", class_="why"))
    head = element("th", area, element("small", f" {len(rows)}"), scope="rowgroup")
    return element("tr", head, *cells, class_="area")


def _case(row: Row, reports: Sequence[Report]) -> Html:
    name = element("a", path(row.id), href=link_to(row.id))
    cells = [_cell(row, result, position, reports) for position, result in enumerate(row.results)]
    if len(reports) == 1:
        result = row.results[0]
        cells.append(element("td", "" if result is None else result.reason, class_="why"))
    return element("tr", element("th", name, " ", row.tags(), scope="row"), *cells, **row.data())


def _cell(row: Row, result: Result | None, position: int, reports: Sequence[Report]) -> Html:
    if result is None:
        return element("td", element("span", "not run", class_="unseen"), class_="cell")
    verdict = result.verdict.value
    known = known_as(reports[position], result)
    words = ": ".join(
        word for word in (verdict if known is None else f"{verdict}, known", known or result.reason) if word
    )
    link = element(
        "a",
        SIGNS[result.verdict],
        href=link_to(row.anchor(position)),
        class_=f"sign {verdict}" if known is None else f"sign {verdict} known",
        aria_label=f"{words} ({name_of(reports[position])})",
        title=words,
    )
    return element("td", link, class_="cell")


def legend() -> Html:
    """What the signs mean."""
    parts = [
        element(
            "li",
            element("span", SIGNS[verdict], class_=f"sign {verdict.value}", aria_hidden="true"),
            element("b", f" {verdict.value} "),
            MEANINGS[verdict],
        )
        for verdict in WORST_FIRST
    ]
    return element("ul", *parts, class_="legend")
