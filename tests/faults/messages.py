"""What can be wrong with messages."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
