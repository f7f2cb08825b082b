"""What can happen to an upload."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
