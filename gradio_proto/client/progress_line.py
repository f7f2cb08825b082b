"""The progress of ``map(progress=True)``: a line on stderr."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from ..text import printable
from .mapping import MapProgress

REDRAW: Final = 0.1
"""Seconds between two pictures on a terminal: more, nobody can see."""

REPORT: Final = 10.0
"""Seconds between two lines elsewhere: in a log, each stays."""

BAR: Final = 20
LABEL: Final = 20
"""Characters."""


class ProgressLine:
    """Draws how far a ``map()`` has come: on a terminal one line again and again, elsewhere a new line now and then."""

    def __init__(self, label: str) -> None:
        self._label = printable(label, LABEL)
        self._drawn: MapProgress | None = None
        self._width = 0

    def __call__(self, progress: MapProgress) -> None:
        """Draw it, unless the last picture is new enough."""
        pause = REDRAW if self._is_terminal() else REPORT
        if progress.seconds - (self._drawn.seconds if self._drawn is not None else 0.0) >= pause:
            self._draw(progress)

    def end(self, progress: MapProgress) -> None:
        """Draw the last picture, and leave it there."""
        if progress != self._drawn:
            self._draw(progress)
        if self._is_terminal():
            self._write("\n")

    def _is_terminal(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    def _draw(self, progress: MapProgress) -> None:
        self._drawn = progress
        text = f"{self._label} {described(progress)}"
        if self._is_terminal():
            shown = "\r" + text.ljust(self._width)
            self._width = len(text)
        else:
            shown = f"{text}\n"
        self._write(shown)

    def _write(self, text: str) -> None:
        # A terminal that has gone away, or a program without one, is no reason to lose results.
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(text)
                sys.stderr.flush()


def described(progress: MapProgress) -> str:
    """How far it has come, in less than 60 characters for up to a billion inputs."""
    seen = progress.done + progress.skipped
    if progress.total:
        full = BAR * seen // progress.total
        text = f"[{'#' * full}{'-' * (BAR - full)}] {seen:,}/{progress.total:,}"
    else:
        text = f"{seen:,}"
    if progress.failed:
        text += f", {progress.failed:,} failed"
    if progress.done:
        text += f", {progress.per_second:.{0 if progress.per_second >= 10 else 1}f}/s"
    left = progress.seconds_left
    return f"{text}, {_clock(left)} left" if left else f"{text}, {_clock(progress.seconds)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
