"""How far a file has come on its way to or from an app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .frozen import Frozen


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Transfer(Frozen):
    """One file on its way: what ``Client(on_transfer=...)`` is called with, at its begin, now and then, and at its
    end."""

    direction: Literal["upload", "download"]
    """Which way."""
    name: str
    """What the file is called."""
    transferred: int
    """Bytes so far."""
    size: int | None
    """Bytes in all; None where nobody has said."""
    is_done: bool
    """Whether all of it is there."""
