"""What frozen dataclasses inherit."""

from __future__ import annotations

from dataclasses import dataclass

from gradio_proto.frozen import Frozen


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Point(Frozen):
    x: int
    y: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Other(Frozen):
    x: int
    y: int = 0


def test_it_compares_hashes_and_shows_as_a_dataclass_does() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(2, 1)
    assert Point(1) != Other(1)
    assert Point(1) != 1
    assert {Point(1), Point(1), Other(1)} == {Point(1), Other(1)}
    assert repr(Point(1)) == "Point(x=1, y=0)"


def test_values_that_differ_have_hashes_that_differ() -> None:
    points = {Point(x, y) for x in range(10) for y in range(10)}
    assert len({hash(point) for point in points}) > 90
    assert hash(Point(1)) == hash(Point(1, 0)) != hash(Other(1))
