"""The cases as a page shows them: each with what came out of it on every server, and the address of its details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from ..model import Report, Result, Verdict
from .catalogue import Cases, Facts, facts_of
from .counting import WORST_FIRST, case_ids
from .markup import Html, element, together

LEVELS: Final = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
SEVERITIES: Final = ("critical", "major", "minor")

NOTABLE: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.INFO})
"""The verdicts whose results have an exchange to show."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case, and what came out of it on each server."""

    facts: Facts
    results: Sequence[Result | None]

    @property
    def id(self) -> str:
        """Of the case, and of its part of the page."""
        return self.facts.id

    @property
    def verdicts(self) -> list[Verdict]:
        """Each that there is once, the worst first."""
        found = {result.verdict for result in self.results if result is not None}
        return [verdict for verdict in WORST_FIRST if verdict in found]

    def tags(self) -> Html:
        """Its level and severity."""
        words = [word for word in (self.facts.level, self.facts.severity) if word]
        return together(
            element("span", word, class_=f"tag {word.lower().replace(' ', '-')}") for word in words
        )

    def data(self) -> dict[str, str]:
        """What the filters look at."""
        return {
            "data_id": self.id,
            "data_verdicts": " ".join(verdict.value for verdict in self.verdicts),
            "data_level": self.facts.level,
            "data_severity": self.facts.severity,
        }

    def anchor(self, position: int) -> str:
        """The id of the part of the page that tells of a server, by its position: that of the case itself, where there
        is no part of its own."""
        result = self.results[position]
        if len(self.results) == 1 or result is None or result.verdict not in NOTABLE:
            return self.id
        return f"{self.id}~{position + 1}"


def rows_of(reports: Sequence[Report], cases: Cases) -> list[Row]:
    """The cases of any of the reports, by area."""
    found = [{result.case_id: result for result in report.results} for report in reports]
    return [Row(facts_of(id, cases), [results.get(id) for results in found]) for id in case_ids(reports)]


def link_to(anchor: str) -> str:
    """A link to a part of the page."""
    return "#" + quote(anchor.encode("utf-8", "replace"), safe="/~")
