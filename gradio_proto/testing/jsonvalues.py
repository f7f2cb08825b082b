"""JSON values: what they are, and how others become them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def is_dict(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether it becomes a JSON array."""
    return isinstance(value, (list, tuple))


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


MAX_DEPTH = 254
"""Nesting of a value that is sent: what the serialiser of real servers (orjson) allows."""


def refuse(value: Any) -> Any:
    """Say that JSON cannot hold a value.

    Raises:
        TypeError: Always.
    """
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


def plain(value: Any, depth: int = 0, other: Callable[[Any], Any] = refuse) -> Any:
    """Copy a value into what JSON holds: tuples become lists, NaN and the infinities None.

    Args:
        value: Anything.
        depth: How deep in another value it is.
        other: What to make of a value that JSON cannot hold; without it that is an error.

    Raises:
        TypeError: JSON cannot hold it: another type, a key that is no string, a lone surrogate, or it is nested
            deeper than :data:`MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise TypeError("Recursion limit reached")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TypeError("str is not valid UTF-8: surrogates not allowed") from None
        return value
    if is_sequence(value):
        return [plain(item, depth + 1, other) for item in value]
    if _is_mapping(value):
        copied: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"Dict key must be str, not {type(key).__name__}")
            copied[plain(key)] = plain(item, depth + 1, other)
        return copied
    return other(value)
