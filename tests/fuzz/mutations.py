"""Changes to what a healthy server says: bytes, and JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from recorded_values import ODD_VALUES

MOST_BYTES: Final = 2048
"""Of one seed: what a fuzzer repeats thousands of times a second is short."""


@st.composite
def changed_bytes(draw: st.DrawFn, data: bytes, words: Sequence[bytes]) -> bytes:
    """``data`` with up to four changes: a part left out, said twice, or moved; a byte or a word put in or over."""
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 64)))
        change = draw(st.integers(0, 4))
        if change == 0:
            data = data[:start] + data[end:]
        elif change == 1:
            data = data[:end] + data[start:]
        elif change == 2:
            data = data[:start] + draw(st.sampled_from(words)) + data[start:]
        elif change == 3:
            data = data[:start] + draw(st.binary(min_size=1, max_size=2)) + data[start + 1 :]
        else:
            moved, rest = data[start:end], data[:start] + data[end:]
            to = draw(st.integers(0, len(rest)))
            data = rest[:to] + moved + rest[to:]
    return data


_NUMBERS: Final = (-1, 0, 1, 2**31, 2**53 + 1, -(2**63), 10**300, -0.0, 1e308, float("nan"), float("-inf"))
_TEXTS: Final = (
    "",
    "\n",
    "\0",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "é" * 40,
    "a" * 5000,
    "{}",
    "'\"\\",
    "__class__",
)

ODD: Final = (*ODD_VALUES, *_NUMBERS, *_TEXTS, {"": {}}, [[], {}], {"__type__": "update"}, {"data": None})
"""Values that a field should not have."""


DEEPEST: Final = 600
"""Levels that a value may have: more than the parser lets through, and few enough for what compares values."""


def odd_values() -> SearchStrategy[Any]:
    """One of them, or any small JSON value."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    nested = st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    )
    return st.sampled_from(ODD).map(deepcopy) | nested


def _copy(value: Any) -> Any:
    try:
        return deepcopy(value)
    except RecursionError:  # it was nested more than once
        reject()


@st.composite
def changed_json(draw: st.DrawFn, value: Any, *, most: int = 4) -> Any:
    """A copy of a JSON value with up to ``most`` changes: a part left out, replaced, nested, said twice, or exchanged
    for another part."""
    whole: list[Any] = [_copy(value)]
    for _ in range(draw(st.integers(1, most))):
        container, key = draw(_places(whole))
        change = draw(st.integers(0, 5))
        if change <= 1:
            container[key] = draw(odd_values())
        elif change == 2 and container is not whole:
            del container[key]
        elif change == 3:
            for _ in range(draw(st.sampled_from((1, 2, 30, 400)))):
                container[key] = [container[key]]
        elif change == 4:
            part = _copy(container[key])
            if isinstance(container, list) and container is not whole:
                container.insert(key, part)
            else:
                container[key] = [part, part]
        else:
            other, there = draw(_places(whole))
            container[key] = _copy(other[there])
    if _depth(whole) > DEEPEST:
        reject()
    return whole[0]


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [item for each in containers for item in (each.values() if isinstance(each, dict) else each)]
    return depth


@st.composite
def _places(draw: st.DrawFn, whole: list[Any]) -> tuple[Any, Any]:
    """A container in a value, and a key in it."""
    container: Any = whole
    key: Any = 0
    while isinstance(container[key], dict | list) and container[key] and draw(st.integers(0, 5)):
        container = container[key]
        keys = list(container) if isinstance(container, dict) else range(len(container))
        key = draw(st.sampled_from(keys))
    return container, key
