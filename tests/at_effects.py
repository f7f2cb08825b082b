"""A moment in the life of a flow: when it asks for its first effect, its second, and so on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ways import Way


@contextlib.contextmanager
def at_effect(way: Way, transport: Any, number: int, strike: Callable[[], object]) -> Iterator[None]:
    """Call ``strike()`` when a flow asks for the effect of that number."""
    left = number

    def happens(_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            strike()

    with way.every_effect(transport, happens):
        yield
