"""How an event stream can be written: the cases of the Web Platform Tests' ``eventsource/format-*``, and worse."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = ()
