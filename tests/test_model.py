"""The model of the client's promises (:mod:`model`): they hold, and where one is broken it is found."""

from __future__ import annotations

import os

import pytest
from model.defects import DEFECTS, Defect
from model.running import run

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "200"))
"""Stories, over all generations."""

ENOUGH = 25
"""Stories in which a planted defect is found, with the seed that is noted with it. Most take so many with any other."""


def test_the_promises_hold() -> None:
    run(EXAMPLES)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.what)
def test_a_planted_defect_is_found(defect: Defect) -> None:
    with defect.planted(), pytest.raises(AssertionError, match=defect.told_as):
        run(ENOUGH, defect.versions, seed=defect.seed, shrinks=False)
