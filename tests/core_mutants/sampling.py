"""Which mutants are tried, and what the tried ones say of all."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

FEWEST: Final = 8
"""Mutants of each module that are tried, if it has as many."""

Z: Final = 1.96
"""Standard errors on each side of an interval that holds the true value in 95 of 100 samples."""

_T = TypeVar("_T")


def sample(population: Mapping[str, Sequence[_T]], size: int, seed: int) -> dict[str, list[_T]]:
    """Choose from each module by its share of all, and :data:`FEWEST` where that is less."""
    total = sum(map(len, population.values()))
    chosen: dict[str, list[_T]] = {}
    for name, members in population.items():
        share = max(FEWEST, round(size * len(members) / total))
        chance = random.Random(f"{seed} {name}")
        places = sorted(chance.sample(range(len(members)), min(share, len(members))))
        chosen[name] = [members[place] for place in places]
    return chosen


@dataclass(frozen=True)
class Stratum:
    """What was found of one module."""

    all: int
    """Its mutants."""
    tried: int
    """Those that were tried and are counted."""
    caught: int
    """Those that a test failed for, or that ran without an end."""


def score(strata: Sequence[Stratum]) -> tuple[float, float]:
    """The share of all mutants that are caught, and how far it may be off, 19 times in 20.

    The estimate for a stratified sample: each module's share weighs by how many mutants it has.
    """
    counted = [stratum for stratum in strata if stratum.tried]
    total = sum(stratum.all for stratum in counted)
    share = variance = 0.0
    for stratum in counted:
        weight = stratum.all / total
        rate = stratum.caught / stratum.tried
        share += weight * rate
        if stratum.tried > 1:
            left = 1 - stratum.tried / stratum.all
            variance += weight**2 * left * rate * (1 - rate) / (stratum.tried - 1)
    return share, Z * math.sqrt(variance)
