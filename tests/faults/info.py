"""What can be wrong with an app's API information."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
