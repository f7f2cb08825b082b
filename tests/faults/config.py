"""What can be wrong with an app's config, or happen while a client connects."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
