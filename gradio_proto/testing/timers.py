"""Deadlines that all lie the same time ahead when they are set, and so stand in the order in which they were set."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")


class Timers(Generic[K]):
    """Who waits, and until when.

    Args:
        seconds: How long each waits.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: OrderedDict[K, float] = OrderedDict()

    def start(self, key: K, now: float) -> None:
        """Let this one wait, from the beginning if it does already."""
        self._due[key] = now + self._seconds
        self._due.move_to_end(key)

    def stop(self, key: K) -> None:
        """Let it wait no more. Nothing happens if it does not."""
        self._due.pop(key, None)

    def hasten(self, key: K) -> None:
        """Let it have waited long enough, if it waits. (Whoever knows the time will see to it.)"""
        if key in self._due:
            self._due[key] = float("-inf")
            self._due.move_to_end(key, last=False)

    def next(self) -> float | None:
        """When the first of them is due."""
        return next(iter(self._due.values()), None)

    def take_due(self, now: float) -> list[K]:
        """Who has waited long enough. They wait no more."""
        due: list[K] = []
        while (first := self.next()) is not None and first <= now:
            due.append(self._due.popitem(last=False)[0])
        return due
