"""What can happen to a client, and to the process that it is in."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
