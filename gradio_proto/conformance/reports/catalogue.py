"""What is known of a case beside what came out of it, as reports show it.

A report may have been written by another version of the tester, so a result can be of a case that is not there any
more: nothing is known of that one, and it is shown all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..model import Case
from .counting import area_of

Cases: TypeAlias = "Mapping[str, Case]"
"""Cases by their ids."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A case in words; those that are not known are empty."""

    id: str
    area: str
    """The first part of the id."""
    level: str = ""
    severity: str = ""
    sentence: str = ""
    """The requirement."""
    link: str = ""
    """Where it stands, below ``spec/``."""
    about: str = ""
    """What is tried."""


def facts_of(case_id: str, cases: Cases) -> Facts:
    """What is known of the case with that id."""
    area = area_of(case_id)
    case = cases.get(case_id)
    if case is None:
        return Facts(case_id, area)
    requirement = case.requirement
    return Facts(
        case_id, area, requirement.level, case.severity, requirement.text, requirement.link, case.about
    )


def default_cases() -> Cases:
    """The cases of this version of the tester."""
    from ..registry import all_cases  # imports every check, which who only reads a report does not need

    return all_cases()
