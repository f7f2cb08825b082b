"""``record``, ``replay`` and ``trace``: what a client and an app have said to each other."""

from __future__ import annotations

from .commands import record, replay, trace

__all__ = ["record", "replay", "trace"]
