"""What can happen when an answer is a redirect."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
