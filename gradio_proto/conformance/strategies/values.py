"""JSON values as functions return them, and as generators yield them: each near the one before."""

from __future__ import annotations

import functools
import math
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...config import is_list, is_object
from ...endpoints import copy_json
from .texts import texts

_EXACT: Final = 2**53
"""Integers up to here are the same in every JSON parser, those that read all numbers as doubles among them."""


def scalars(*, hostile: bool = False, max_size: int = 8) -> SearchStrategy[Any]:
    """JSON values without others in them."""
    plain = (
        st.none()
        | st.booleans()
        | st.integers(-_EXACT, _EXACT)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts(max_size=max_size, hostile=hostile)
    )
    if not hostile:
        return plain
    return plain | st.sampled_from((math.nan, math.inf, -math.inf, 10**400, -(2**63), 5e-324, -0.0))


def values(*, hostile: bool = False, max_size: int = 8) -> SearchStrategy[Any]:
    """Any JSON value: null, booleans, numbers, texts, and lists and objects of them.

    >>> from hypothesis import given
    >>> import json
    >>> @given(values())
    ... def test_my_serializer(value: Any) -> None:
    ...     assert json.loads(json.dumps(value)) == value
    >>> test_my_serializer()

    Args:
        hostile: Also what JSON has not (NaN and the infinities), lone surrogates, and numbers that do not fit
            anywhere. ``json.dumps`` writes all of it.
        max_size: Characters of a text, and leaves of the whole.
    """
    return _values(hostile, max_size)


# As with texts: it is cheap to draw from, and not to make.
@functools.cache
def _values(hostile: bool, max_size: int) -> SearchStrategy[Any]:
    return st.recursive(
        scalars(hostile=hostile, max_size=max_size),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys(hostile), inner, max_size=4),
        max_leaves=max(max_size, 1),
    )


def _keys(hostile: bool) -> SearchStrategy[str]:
    return texts(max_size=4, hostile=hostile)


def value_changes(value: Any) -> SearchStrategy[Any]:
    """Values that a generator may yield after ``value``: the same, a little more, a little less, or something else.

    >>> from hypothesis import given
    >>> from gradio_proto.testing.diffing import diff
    >>> @given(value_changes(["a"]))
    ... def test_my_diff(after: Any) -> None:
    ...     assert bool(diff(["a"], after)) == (after != ["a"])
    >>> test_my_diff()
    """
    return _changes(value)


@st.composite
def _changes(draw: st.DrawFn, value: Any) -> Any:
    """A change makes one step down at most at each level, so its cost is the depth of the value."""
    ways = ["same", "else"]
    if isinstance(value, str):
        ways += ["grow", "cut"]
    elif is_list(value):
        ways += ["grow", *(["cut", "within"] if value else [])]
    elif is_object(value):
        ways += ["grow", *(["cut", "within", "again"] if value else [])]
    match draw(st.sampled_from(ways)):
        case "same":
            return copy_json(value)
        case "else":
            return draw(values())
        case "grow":
            return _grown(draw, value)
        case "cut":
            return _cut(draw, value)
        case "again":
            # A key that is deleted and added comes last.
            changed = copy_json(value)
            key = draw(st.sampled_from([*changed]))
            changed[key] = changed.pop(key)
            return changed
        case _:
            changed = copy_json(value)
            keys: list[Any] = [*changed] if is_object(changed) else [*range(len(changed))]
            key = draw(st.sampled_from(keys))
            changed[key] = draw(_changes(changed[key]))
            return changed


def _grown(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, str):
        return value + draw(texts(min_size=1))
    if is_list(value):
        return [*copy_json(value), *draw(st.lists(values(max_size=4), min_size=1, max_size=3))]
    return {
        **copy_json(value),
        **draw(st.dictionaries(_keys(False), values(max_size=4), min_size=1, max_size=3)),
    }


def _cut(draw: st.DrawFn, value: Any) -> Any:
    """Lists lose what is at their end, and texts too; of a dict any keys may go."""
    if is_object(value):
        gone = draw(st.sets(st.sampled_from([*value]), min_size=1, max_size=3))
        return {key: copy_json(item) for key, item in value.items() if key not in gone}
    return copy_json(value)[: draw(st.integers(0, max(len(value) - 1, 0)))]


def value_sequences(*, min_size: int = 1, max_size: int = 5) -> SearchStrategy[list[Any]]:
    """What a generator yields for one output: a value, and changes of it, one after the other.

    >>> from hypothesis import given
    >>> @given(value_sequences(min_size=2))
    ... def test_my_generator(values: list[Any]) -> None:
    ...     assert 2 <= len(values) <= 5
    >>> test_my_generator()

    Args:
        min_size: The fewest values.
        max_size: The most values.
    """
    return _sequences(min_size, max_size)


@st.composite
def _sequences(draw: st.DrawFn, min_size: int, max_size: int) -> list[Any]:
    count = draw(st.integers(min_size, max_size))
    sequence: list[Any] = []
    for number in range(count):
        sequence.append(draw(_changes(sequence[-1]) if number else values()))
    return sequence
