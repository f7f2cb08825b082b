"""What happens to one job, as its user sees it: a closed union, so that ``match`` over it is exhaustive.

A job's events are some of :class:`Queued`, :class:`Started`, :class:`Progress`, :class:`Log` and
:class:`Output`, in any order that the server likes, and then exactly one of :class:`Completed`,
:class:`Failed` and :class:`Cancelled`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from .errors import GradioError
from .frozen import Frozen
from .messages import ProgressUnit, UnknownMessage


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Queued(Frozen):
    """The job waits for a worker."""

    rank: int | None
    """Place in the queue, 0 for the next to run."""
    queue_size: int | None
    """Jobs in the queue."""
    eta: float | None
    """Seconds until the job is expected to be done; None until the server has timed the function once."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Started(Frozen):
    """The function runs."""

    eta: float | None
    """Seconds until the job is expected to be done."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Progress(Frozen):
    """``gr.Progress()`` reported; the server leaves steps out when they come fast."""

    units: tuple[ProgressUnit, ...]
    """One for each bar, outermost first."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Log(Frozen):
    """``gr.Info``, ``gr.Warning`` or ``gr.Success``."""

    text: str
    """What it says, raw; it may hold HTML."""
    level: str
    """``"info"``, ``"warning"``, ``"success"``, or what a newer server adds."""
    title: str | None = None
    """Its heading, from Gradio 5 on."""
    duration: float | None = None
    """Seconds that a browser would show it."""
    visible: bool = True
    """Whether a browser would show it at all."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Output(Frozen):
    """A value: one that a generator yielded, or the only one of a plain function."""

    value: Any
    """The endpoint's value, or the tuple of its values; yours to change."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unknown(Frozen):
    """A message that this version of the library does not know, from a newer server."""

    message: UnknownMessage
    """The message as it came."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Completed(Frozen):
    """The function returned. Nothing follows."""

    value: Any
    """What it returned; the last value, for a generator."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Failed(Frozen):
    """The job ended in an error: the app's, the server's or the network's. Nothing follows."""

    error: GradioError
    """What ``result()`` raises."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cancelled(Frozen):
    """The job was cancelled. Nothing follows."""

    by_server: bool
    """True where the server ended it, False where this client did."""


Terminal: TypeAlias = Completed | Failed | Cancelled
"""How a job ends."""
JobEvent: TypeAlias = Queued | Started | Progress | Log | Output | Unknown | Terminal
"""Everything that can happen to a job."""
