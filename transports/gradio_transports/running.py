"""Finding out which loop runs."""

from __future__ import annotations

import asyncio
import sys


def running_loop() -> str | None:
    """``"trio"`` or ``"asyncio"``, whichever runs the code that asks; None where none does."""
    trio = sys.modules.get("trio")  # whoever runs it has imported it
    if trio is not None and trio.lowlevel.in_trio_task():
        return "trio"
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    return "asyncio"
