"""What can happen to the stream of a session."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
