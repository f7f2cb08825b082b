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
