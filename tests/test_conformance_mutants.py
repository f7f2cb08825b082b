"""A sample of the embedded server's defects is found; ``make test-mutants`` tries all of them, in all versions."""

from __future__ import annotations

import random
import re

import mutants
import pytest

from gradio_proto.conformance.spec import requirements
from gradio_proto.testing.defects import DEFECTS

SAMPLE = random.Random(6).sample(sorted(DEFECTS), 40)

FOUND_BY = {
    name: re.findall(r"`([^`]+)`", cell)
    for name, cell in re.findall(
        r"^\| `([^`]+)` \| [^|]+ \| ([^|]*) \|", mutants.PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
}
"""What ``docs/mutants.md`` says of each."""

LOST = {"run/closed-ignored"}
"""What no case finds: the reference app is not run without direct calls."""


def test_there_are_many_defects() -> None:
    assert len(DEFECTS) >= 60
    assert {defect.breaks for defect in DEFECTS.values()} <= {*requirements()}


@pytest.mark.parametrize("name", [name for name in SAMPLE if name not in LOST])
def test_a_defect_is_found(name: str) -> None:
    defect = DEFECTS[name]
    version = defect.versions[-1]
    # The cases of the requirement that it breaks, and where they do not find it, those that have been measured to.
    found = mutants.failing(version, [name], mutants.cases_of(defect.breaks) or FOUND_BY[name])
    found = found or mutants.failing(version, [name], FOUND_BY[name])
    assert found
    assert not mutants.failing(version, (), found)


def test_the_page_is_about_these_defects() -> None:
    """What it says of each is measured by ``make test-mutants``, which takes a while."""
    page = mutants.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `([^`]+)`", page, re.MULTILINE) == list(DEFECTS)
    counts = re.search(r"(\d+) of (\d+) defects are found wherever they are shown; (\d+) of (\d+)", page)
    assert counts is not None
    found, all_of_them, in_versions, all_versions = map(int, counts.groups())
    assert all_of_them == len(DEFECTS)
    assert all_versions == sum(len(defect.versions) for defect in DEFECTS.values())
    assert in_versions >= mutants.BAR * all_versions
    assert found >= mutants.BAR * all_of_them
