"""Cues, and when each of them is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .script import Cue


class Track:
    """Some cues, one after the other.

    Recorded times become live ones by *anchors*: the request with which it began, and each later one that something
    waited for. What was recorded some time after an anchor comes that time after it, so the live client may be
    slower than the recorded one, or faster.

    Args:
        cues: What is to be said.
        recorded_at: When the request had come that it answers.
        live_at: When that has come now.
        needs: Requests that something waits for, and when they had come.
    """

    def __init__(
        self,
        cues: Sequence[Cue],
        recorded_at: float,
        live_at: float,
        needs: Mapping[int, float] | None = None,
    ) -> None:
        self.cues = cues
        self.position = 0
        self._first = (recorded_at, live_at)
        self._later: list[tuple[float, float]] = []
        self._needs = dict(needs or {})

    @property
    def next(self) -> Cue | None:
        """The next cue; None after the last one."""
        return self.cues[self.position] if self.position < len(self.cues) else None

    def due(self, pace: float) -> float | None:
        """When the next cue is due, at so many seconds for each recorded one; None if there is none, or it waits."""
        cue = self.next
        if cue is None or any(at < cue.at for at in self._needs.values()):
            return None
        anchors = [self._first, *(anchor for anchor in self._later if anchor[0] <= cue.at)]
        return max(live_at + max(cue.at - recorded_at, 0.0) * pace for recorded_at, live_at in anchors)

    def meet(self, number: int, now: float) -> None:
        """A request has come."""
        recorded_at = self._needs.pop(number, None)
        if recorded_at is not None:
            self._later.append((recorded_at, now))
