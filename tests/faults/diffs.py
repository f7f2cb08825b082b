"""What can be wrong with the differences of streamed values."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
