"""What can happen to a download."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
