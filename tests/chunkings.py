"""Ways to split bytes, for parsers whose answer must not depend on how the bytes arrive."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st


def split_at(data: bytes, points: list[int]) -> list[bytes]:
    """Split ``data`` before each of the sorted ``points``; no piece is empty."""
    bounds = [0, *points, len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if start < end]


def fixed(data: bytes, size: int) -> list[bytes]:
    """Split ``data`` into pieces of ``size`` bytes; 1 is byte by byte."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@st.composite
def chunkings(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Pieces that make up ``data``: whole, byte by byte, of one size, or cut anywhere."""
    points = st.lists(st.integers(0, len(data)), max_size=8).map(sorted)
    return draw(
        st.sampled_from([[data] if data else [], fixed(data, 1)])
        | st.integers(1, 16).map(lambda size: fixed(data, size))
        | points.map(lambda at: split_at(data, at))
    )
