"""What can be wrong with a certificate, or happen while TLS begins."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
