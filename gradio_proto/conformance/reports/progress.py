"""How a run goes, while it goes: a live line on a terminal, a line for each failure elsewhere.

It is an observer of :func:`gradio_proto.conformance.runner.run`.

The time that is left is what the cases say that they wait, and for each case as much besides as those so far took on
the average; before anything has ended nothing is known of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as LiveProgress
from rich.text import Text

from ..model import Case, Result, Verdict
from ..transcript import Entry
from .counting import SIGNS
from .details import one_line
from .text import STYLES


class Progress:
    """Shows how a run goes; a context manager, in which the run happens.

    Args:
        console: Where to. On one that is no terminal only failures are shown.
        cases: Those that will be tried.
        clock: Gives the time in seconds; only differences count.
    """

    def __init__(
        self, console: Console, cases: Sequence[Case], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._left = {case.id: case.seconds for case in cases}
        self._clock = clock
        self._began = 0.0
        self._extra = 0.0
        """Seconds that the cases so far took beyond what they say that they wait."""
        self._done = 0
        self._live: LiveProgress | None = None
        self._task = TaskID(0)
        self.failures = 0
        self.warnings = 0

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live = LiveProgress(
                SpinnerColumn(),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[counts]}", markup=False),
                TextColumn("{task.fields[left]}", markup=False),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._live.add_task("", total=len(self._left), counts="", left="")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def began(self, case: Case) -> None:
        """A case begins."""
        self._began = self._clock()
        if self._live is not None:
            self._live.update(self._task, description=case.id)

    def ended(self, result: Result) -> None:
        """It has ended."""
        waited = self._left.pop(result.case_id, 0.0)
        if result.verdict is not Verdict.SKIP:  # which takes no time, and says nothing of the others
            self._extra += max(0.0, self._clock() - self._began - waited)
            self._done += 1
        self.failures += result.verdict in (Verdict.FAIL, Verdict.ERROR)
        self.warnings += result.verdict is Verdict.WARN
        if result.verdict in (Verdict.FAIL, Verdict.ERROR):
            self._tell(result)
        if self._live is not None:
            counts = f"{self.failures} failed, {self.warnings} warned"
            self._live.update(self._task, advance=1, counts=counts, left=f"{_minutes(self.left())} left")

    def said(self, entry: Entry) -> None:
        """Something was said; there is no room for it here."""

    def left(self) -> float:
        """Seconds until all is done, as far as one can tell."""
        each = self._extra / self._done if self._done else 0.0
        return sum(self._left.values()) + each * len(self._left)

    def _tell(self, result: Result) -> None:
        line = f"{SIGNS[result.verdict]} {one_line(result.case_id)}: {one_line(result.reason)}"
        self._console.print(Text(line, STYLES[result.verdict]), soft_wrap=True)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
