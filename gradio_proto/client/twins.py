"""The async client is the twin of the blocking one, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def twin_of(original: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the docstring of the blocking one that it is the twin of, so that the two cannot drift apart."""

    def document(method: F) -> F:
        method.__doc__ = original.__doc__
        return method

    return document
