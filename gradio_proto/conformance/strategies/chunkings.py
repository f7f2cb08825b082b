"""Ways to cut bytes into pieces, for parsers whose answer must not depend on how the bytes arrive."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_MOST_POINTS = 8


def split_at(data: bytes, points: Iterable[int]) -> list[bytes]:
    """Split ``data`` before each of the sorted ``points``; no piece is empty."""
    bounds = [0, *points, len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if start < end]


def fixed(data: bytes, size: int) -> list[bytes]:
    """Split ``data`` into pieces of ``size`` bytes; 1 is byte by byte."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def delicate_points(data: bytes) -> list[int]:
    """Where a cut goes through something: a CRLF, an empty line, or a character of UTF-8."""
    return [
        point
        for point in range(1, len(data))
        if data[point] & 0xC0 == 0x80 or (data[point - 1] in b"\r\n" and data[point] in b"\r\n")
    ]


def chunkings(data: bytes) -> SearchStrategy[list[bytes]]:
    """Pieces that make up ``data``: whole, byte by byte, of one size, or cut anywhere, mostly where it hurts.

    No piece is empty, so there is none of empty data.

    >>> from hypothesis import given
    >>> @given(chunkings(b"data: x"))
    ... def test_my_parser(pieces: list[bytes]) -> None:
    ...     assert all(pieces)
    ...     assert b"".join(pieces) == b"data: x"
    >>> test_my_parser()
    """
    anywhere = st.integers(0, len(data))
    delicate = delicate_points(data)
    points = st.lists(st.sampled_from(delicate) | anywhere if delicate else anywhere, max_size=_MOST_POINTS)
    return (
        st.sampled_from(([data] if data else [], fixed(data, 1))).map(list)
        | st.integers(1, 16).map(lambda size: fixed(data, size))
        | points.map(lambda at: split_at(data, sorted(at)))
    )
