"""How a call stands, for somebody who looks at a terminal: where its job is in the queue, how far that and its files
have come. All of it is on stderr, and gone when the call is over."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import click

from ..terminal import console, safe

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from gradio_proto.events import JobEvent
    from gradio_proto.messages import ProgressUnit
    from gradio_proto.transfers import Transfer

_LONGEST: Final = 40
"""Characters of a name or a description in a line that has a bar in it too."""

_HUGE: Final = 1e15
"""No app counts so far. Beyond, and with what is no number, there is nothing to draw."""


class Display:
    """Shows it for the length of a ``with`` block. Nothing is drawn before there is something to show: bars would wipe
    off what stands on the terminal until then, such as the question for a password.

    Args:
        has_bars: Whether there is a terminal, and somebody who wants to see bars on it.
        tells: Whether what an app tells its users (``gr.Info``, ``gr.Warning``) is printed too.
    """

    def __init__(self, *, has_bars: bool, tells: bool = True) -> None:
        self._has_bars = has_bars
        self._tells = tells
        self._bars: Progress | None = None
        self._changing = Lock()
        self._job: TaskID | None = None
        self._transfers: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Display:
        if self._has_bars:
            from rich.progress import BarColumn, Progress, TextColumn

            terminal = console(error=True)
            if terminal.is_interactive:  # a dumb one cannot take back what it shows
                self._bars = Progress(
                    TextColumn("{task.description}", markup=False),
                    BarColumn(),
                    TextColumn("{task.fields[amount]}", markup=False),
                    console=terminal,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bars away. A second time does nothing."""
        with self._changing:
            bars, self._bars = self._bars, None
            if bars is not None:
                bars.stop()

    def happened(self, event: JobEvent) -> None:
        """Show what has happened to the job."""
        from gradio_proto.events import Log, Progress, Queued, Started

        if isinstance(event, Queued) and event.rank is not None:
            size = "" if event.queue_size is None else f" of {event.queue_size}"
            self._show_job(f"waiting, {event.rank + 1}{size} in the queue", None, None)
        elif isinstance(event, Started):
            self._show_job("running", None, None)
        elif isinstance(event, Progress) and event.units:
            self._show_units(event.units[-1])
        elif isinstance(event, Log) and self._tells:
            # Servers fill in the level where the app has given no title.
            title = f"{event.title}: " if event.title and event.title.lower() != event.level else ""
            self._say(safe(f"{event.level}: {title}{event.text}"))

    def transferred(self, transfer: Transfer) -> None:
        """Show how far a file has come. Called on a thread of the client's."""
        bars = self._bars
        if bars is None:
            return
        key = transfer.direction, transfer.name
        if key not in self._transfers:
            self._transfers[key] = bars.add_task("", amount="")
        bars.update(
            self._transfers[key],
            description=f"{transfer.direction}ing {safe(transfer.name)[:_LONGEST]}",
            total=transfer.transferred if transfer.is_done else transfer.size,
            completed=transfer.transferred,
            amount=_bytes(transfer.transferred),
        )
        self._draw(bars)

    def _show_units(self, unit: ProgressUnit) -> None:
        what = safe(unit.desc)[:_LONGEST] if unit.desc else "running"
        if unit.progress is not None:
            share = _number(unit.progress)
            self._show_job(what, share, 1.0, f"{share:.0%}")
        elif unit.index is not None:
            index, length = _number(unit.index), _number(unit.length)
            of = f"/{length:g}" if length else ""
            amount = f"{index:g}{of} {safe(unit.unit or '')[:_LONGEST]}".rstrip()
            self._show_job(what, index, length or None, amount)

    def _show_job(self, what: str, done: float | None, total: float | None, amount: str = "") -> None:
        bars = self._bars
        if bars is None:
            return
        if self._job is None:
            self._job = bars.add_task("", amount="")
        bars.update(self._job, description=what, total=total, completed=done or 0, amount=amount)
        self._draw(bars)

    def _draw(self, bars: Progress) -> None:
        """Begin to draw. A second time does nothing."""
        with self._changing:
            if self._bars is bars:  # nobody has taken them away meanwhile
                bars.start()

    def _say(self, text: str) -> None:
        if self._bars is not None:
            self._bars.console.print(text)
        else:
            click.echo(text, err=True)


def _number(told: float | None) -> float:
    """A number from a server, small enough to calculate with."""
    return float(told) if told is not None and abs(told) < _HUGE else 0.0


def _bytes(count: int) -> str:
    amount: Any = count
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
