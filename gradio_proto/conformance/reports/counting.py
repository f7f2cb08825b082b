"""Verdicts counted, and what reports call and how they mark them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

from ..model import Report, Result, Verdict

WORST_FIRST: Final = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.WARN,
    Verdict.INFO,
    Verdict.SKIP,
    Verdict.PASS,
)
"""The order in which verdicts are listed."""

SIGNS: Final[Mapping[Verdict, str]] = {
    Verdict.FAIL: "✗",
    Verdict.ERROR: "?",
    Verdict.WARN: "!",
    Verdict.INFO: "i",
    Verdict.SKIP: "–",
    Verdict.PASS: "✓",
}
"""A sign for each verdict, since not everybody tells red from green."""

MEANINGS: Final[Mapping[Verdict, str]] = {
    Verdict.FAIL: "a MUST is broken",
    Verdict.ERROR: "the tester failed, so nothing is known",
    Verdict.WARN: "a SHOULD is broken, or a MUST that held when it was tried again",
    Verdict.INFO: "a MAY is not made use of",
    Verdict.SKIP: "not tried",
    Verdict.PASS: "holds",
}

_RANK: Final = {verdict: rank for rank, verdict in enumerate(WORST_FIRST)}

Counts = Mapping[Verdict, int]


def count(results: Iterable[Result]) -> Counts:
    """How often there is each verdict, the worst first; also those of which there is none."""
    counts = dict.fromkeys(WORST_FIRST, 0)
    for result in results:
        counts[result.verdict] += 1
    return counts


def area_of(case_id: str) -> str:
    """The first part of an id."""
    return case_id.partition("/")[0]


def by_area(results: Iterable[Result]) -> Mapping[str, list[Result]]:
    """The results of each area, areas in the order in which they come."""
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(area_of(result.case_id), []).append(result)
    return areas


def worst_first(results: Iterable[Result]) -> list[Result]:
    """The results, those of the worst verdict first, otherwise as they come."""
    return sorted(results, key=lambda result: _RANK[result.verdict])


def case_ids(reports: Iterable[Report]) -> list[str]:
    """Each case of any of the reports once: areas in the order in which they first come, and cases likewise."""
    areas: dict[str, dict[str, None]] = {}
    for report in reports:
        for result in report.results:
            areas.setdefault(area_of(result.case_id), {})[result.case_id] = None
    return [id for ids in areas.values() for id in ids]


def name_of(report: Report) -> str:
    """The server in a few words: ``Gradio 4.44.1``, or its address where no version is known."""
    return f"Gradio {report.version}" if report.version else report.url


def known_as(report: Report, result: Result) -> str | None:
    """The reason for which a baseline knows a failure, None if it does not; see
    :func:`gradio_proto.conformance.baseline.marked`."""
    known = report.extra.get("known")
    if result.verdict is not Verdict.FAIL or not isinstance(known, Mapping):
        return None
    reason = cast("Mapping[object, object]", known).get(result.case_id)
    return None if reason is None else str(reason)
