"""Whether figures that were taken one after the other grow.

Theory of operation. What is there at rest goes up and down by a little: caches fill, an idle connection is there or is
not, an allocator asks for memory in pieces. A leak goes up for ever, with every call or with every client. So the
first looks, while caches fill, do not count, and then a straight line is laid through the rest (least squares); how far
it climbs from its first look to its last is the growth, which one odd look changes by little. What is counted one by
one, and is to be the same whenever all is at rest, may not be more at the end than it has been before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .looks import Look

WARM_UP = 0.25
"""The part of the looks that does not count."""

COUNTED = ("threads", "files")
"""What may not be more in the last half of the looks than in the first."""

TOLERATED = {"descriptors": (4, 0), "blocks": (600, 0.02), "objects": (300, 0.01), "memory": (2**20, 15)}
"""By how much the others may climb: so much in any case, and so much with each call. The first is what a look may be
off by: connections that idle, caches, what an allocator asks for at once. The second is far less than one object for
each call: a long life finds a leak of two objects in a hundred calls, or of two for each client."""


@dataclass(frozen=True)
class Growth:
    """How one figure went."""

    name: str
    first: int
    """At the first look that counts."""
    last: int
    climbed: float
    tolerated: float

    @property
    def is_too_much(self) -> bool:
        """It is a leak."""
        return self.climbed > self.tolerated


def growths(looks: Sequence[Look], calls: int) -> list[Growth]:
    """How each figure went.

    Args:
        looks: What was seen, the same number of calls after each other; eight at the least.
        calls: How many there were in all.
    """
    assert len(looks) >= 8
    counting = looks[int(len(looks) * WARM_UP) :]
    calls = round(calls * (len(counting) - 1) / len(looks))
    found: list[Growth] = []
    for name in looks[0]:
        values = [look[name] for look in counting]
        if name in COUNTED:
            half = len(values) // 2
            climbed: float = max(values[half:]) - max(values[:half])
            tolerated = 0.0
        else:
            climbed = _slope(values) * (len(values) - 1)
            flat, each = TOLERATED[name]
            tolerated = flat + each * calls
        found.append(Growth(name, values[0], values[-1], climbed, tolerated))
    return found


def _slope(values: Sequence[float]) -> float:
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    above = sum((index - middle) * (value - mean) for index, value in enumerate(values))
    return above / sum((index - middle) ** 2 for index in range(len(values)))
