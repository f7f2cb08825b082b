"""What servers can set as cookies."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
