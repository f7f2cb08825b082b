"""Looking for the smallest example that fails: what a case that draws and a stateful machine have in common.

Hypothesis looks for the smallest example. The exchange with the least to read is kept here beside that, since a server
need not do the same thing twice; and the time is bounded, since each example costs exchanges with a server.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

from .transcript import Transcript

if TYPE_CHECKING:
    from hypothesis import settings

SHRINK_SECONDS: Final = 10.0
"""How long a smaller example is looked for."""


class Enough(BaseException):
    """Ends a search; it passes through Hypothesis, since it is no Exception."""


class Search:
    """A search under way.

    Attributes:
        best: What the server did wrong, and what was said, of the failure with the least to read; None as long as
            there is none.
    """

    def __init__(self) -> None:
        self.best: tuple[str, Transcript] | None = None
        self._until: float | None = None

    def go_on(self) -> None:
        """Ask whether another example is to be tried.

        Raises:
            Enough: It is not.
        """
        if self._until is not None and time.monotonic() > self._until:
            raise Enough

    def keep(self, reason: str, transcript: Transcript) -> None:
        """Keep the reason and the transcript of a failure, unless there is more to read than in the one before.

        Of two that are as long, the later is the simpler.
        """
        if self._until is None:
            self._until = time.monotonic() + SHRINK_SECONDS
        if self.best is None or transcript.size() <= self.best[1].size():
            self.best = (reason, transcript)


def quiet_settings(examples: float, **more: Any) -> settings:
    """Settings of Hypothesis for a search: nothing is printed, stored, or held against a slow server.

    Args:
        examples: How many are tried; one at least.
        more: Further settings.
    """
    from hypothesis import HealthCheck, Phase, settings

    return settings(
        max_examples=max(1, round(examples)),
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=cast("list[HealthCheck]", [*HealthCheck]),
        print_blob=False,
        **more,
    )
