"""The async client is the twin of the blocking one, and says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def twin_of(original: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the docstring of the blocking one that it is the twin of, so that the two cannot drift apart."""

    def document(method: F) -> F:
        # Without its example, which is that of a program that waits. (From Python 3.13 on nothing is indented here.)
        method.__doc__ = re.split(r"\n\s*Example:\n", original.__doc__)[0] if original.__doc__ else None
        return method

    return document
