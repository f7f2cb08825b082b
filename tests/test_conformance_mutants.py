"""A sample of the embedded server's defects is found; ``make test-mutants`` tries all of them, in all versions."""

from __future__ import annotations

import random
import re

import mutants
import pytest

from gradio_proto.conformance.spec import requirements
from gradio_proto.testing.defects import DEFECTS

SAMPLE = random.Random(6).sample(sorted(DEFECTS), 40)

LOST = {"run/closed-ignored"}
"""Those that no case finds, in any version, with the reason in the page's last section."""


def test_there_are_many_defects() -> None:
    assert len(DEFECTS) >= 60
    assert {defect.breaks for defect in DEFECTS.values()} <= {*requirements()}


@pytest.mark.parametrize("name", [name for name in SAMPLE if name not in LOST])
def test_a_defect_is_found(name: str) -> None:
    defect = DEFECTS[name]
    assert mutants.find(defect, defect.versions[-1]).found_by


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
