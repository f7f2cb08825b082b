"""What ``map()`` keeps in mind: which inputs are on their way, which results wait, and what comes next. No I/O.

Theory of operation. A *window* slides over the inputs. An input enters it when its call begins, and leaves it when
its result is given out. Inputs are read by whoever asks for results, one for each result, and more only while there
is no result to give: so a slow reader never finds more read than the window holds, and inputs that come slowly hold
up no result that was there before. (Whoever awaits an input awaits no result meanwhile: one task cannot do both.)
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeGuard

from ..errors import ClientClosed
from ..events import Completed, Failed
from ..job import Job
from .job import JobCancelled
from .options import count

CONCURRENCY: Final = 16
"""Calls on their way by default. A queue is the app's, and all its users share it: these keep a server busy that runs
several at once or in batches, and leave room for others."""

WINDOW: Final = 8
"""The most inputs begun and not given out, for each call on its way. In order, results wait for a slower one before
them: were the window no larger, a server of 16 with calls of random length would stand idle six tenths of the
time; with this, it works all the time."""


class Outcome(NamedTuple):
    """What became of an input."""

    value: Any
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class MapProgress:
    """How far a ``map()`` has come."""

    done: int
    """Results so far, errors among them, whether given out already or not."""
    failed: int
    """Errors among them."""
    skipped: int
    """Inputs that were skipped so far."""
    total: int | None
    """Inputs altogether, skipped ones too; None if they cannot be counted beforehand."""
    seconds: float
    """Since the first result was asked for."""

    @property
    def per_second(self) -> float:
        """Results in a second, so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes if it goes on like this; None if nobody knows."""
        rate = self.per_second
        if self.total is None or rate == 0:
            return None
        return (self.total - self.skipped - self.done) / rate


@dataclass(frozen=True, slots=True)
class MapOptions:
    """What ``map()`` is given beside its inputs.

    Raises:
        TypeError: An option is of a wrong type.
        ValueError: ``concurrency`` is less than 1.
    """

    concurrency: int | None = None
    ordered: bool = True
    return_exceptions: bool = False
    skip: Container[int] = ()

    def __post_init__(self) -> None:
        count("concurrency", self.concurrency, least=1)
        if not hasattr(self.skip, "__contains__"):
            raise TypeError(
                f"skip holds the indexes to leave out, and is no {type(self.skip).__name__}: "
                "skip=range(1000) for the first thousand, or a set, or a dict whose keys are indexes"
            )


class Window:
    """The inputs of one ``map()`` whose calls have begun and whose results are not given out.

    With each call is kept what it takes to cancel it. Whatever touches a window holds the transport's lock.
    """

    def __init__(self, options: MapOptions, max_workers: int | None, total: int | None) -> None:
        self.hooks: Final[list[Callable[[], None]]] = []
        """Called when there are news."""
        self.index: int | None = None
        """The index of what was given out last."""
        at_once = options.concurrency or CONCURRENCY
        self._at_once = at_once if max_workers is None else min(at_once, max_workers)
        self._options = options
        self._begun: dict[int, Any] = {}
        """What has not been given out, in the order of the inputs; with each what cancels it."""
        self._settled: dict[int, Outcome] = {}
        """The part of it that is over, in the order in which it ended."""
        self._next_index = 0
        self._inputs_are_over = False
        self._input_error: Exception | None = None
        self._has_news = False
        self._has_begun = False
        """An input has been begun since a result was given out."""
        self._will_raise = False
        """A result is an error that ends the iteration when its turn comes."""
        self._total = total
        self._done = self._failed = self._skipped = 0

    # Inputs.

    def wants_input(self) -> bool:
        """Whether to read another input now."""
        if self._inputs_are_over or self._will_raise:
            return False
        if self._has_begun and self._next() is not None:
            return False
        return self.on_their_way < self._at_once and len(self._begun) < self._at_once * WINDOW

    def number(self) -> int:
        """The index of the input that was just read."""
        self._next_index += 1
        return self._next_index - 1

    def skip(self) -> None:
        """The input that was just numbered is left out."""
        self._skipped += 1

    def begin(self, index: int, handle: Any = None) -> None:
        """A call has begun; ``handle`` is what cancels it."""
        self._begun[index] = handle
        self._has_begun = True

    def end_inputs(self, error: Exception | None = None) -> None:
        """There are no more inputs; ``error`` is what reading the next one has raised."""
        self._inputs_are_over = True
        self._input_error = error

    # Results.

    def settle(self, index: int, outcome: Outcome) -> None:
        """A call is over. Does nothing for one that was given up."""
        if index not in self._begun:
            return
        self._begun[index] = None
        self._settled[index] = outcome
        self._done += 1
        if outcome.error is not None:
            self._failed += 1
            self._will_raise = self._will_raise or self._raises(outcome.error)
        self._has_news = True
        for wake in tuple(self.hooks):
            wake()

    def settle_job(self, index: int, job: Job) -> None:
        """The job of a call has settled."""
        outcome = job.outcome
        if isinstance(outcome, Completed):
            self.settle(index, Outcome(outcome.value))
        elif isinstance(outcome, Failed):
            self.settle(index, Outcome(None, outcome.error))
        else:
            self.settle(index, Outcome(None, job.cancelled_error(JobCancelled)))

    def _raises(self, error: BaseException) -> bool:
        # A closed client answers every call so: as values, these would have no end.
        return not self._options.return_exceptions or isinstance(error, ClientClosed)

    def _next(self) -> int | None:
        """The index of the result to give out now, if there is one."""
        first = next(iter(self._begun if self._options.ordered else self._settled), None)
        return first if first in self._settled else None

    def has_news(self) -> bool:
        """Whether to look again: :meth:`take` has not seen everything, or there is nothing more to come."""
        return self._has_news or self._next() is not None or self.is_over

    @property
    def is_over(self) -> bool:
        """Whether every result has been given out."""
        return self._inputs_are_over and not self._begun

    def take(self) -> tuple[int, Outcome] | None:
        """Give out a result, if there is one to give out now."""
        self._has_news = False
        index = self._next()
        if index is None:
            return None
        self._has_begun = False
        self.index = index
        del self._begun[index]
        return index, self._settled.pop(index)

    def value(self, outcome: Outcome) -> Any:
        """What the user gets of an outcome; raises it, if it is an error that is raised."""
        if outcome.error is None:
            return outcome.value
        if self._raises(outcome.error):
            raise outcome.error
        return outcome.error

    def finish(self) -> None:
        """All is given out: raises what reading the inputs has raised, once."""
        error, self._input_error = self._input_error, None
        if error is not None:
            raise error

    # The end.

    @property
    def on_their_way(self) -> int:
        """How many calls have begun and are not over."""
        return len(self._begun) - len(self._settled)

    def close(self) -> list[Any]:
        """Give out nothing more, and read nothing more. Returns what cancels the calls that are on their way."""
        handles = [handle for index, handle in self._begun.items() if index not in self._settled]
        self._begun.clear()
        self._settled.clear()
        self.end_inputs()
        for wake in tuple(self.hooks):
            wake()
        return handles

    def progress(self, seconds: float) -> MapProgress:
        """How far it has come, after so many seconds."""
        total = self._total
        if total is not None and total < self._done + self._skipped:
            total = None  # it was a guess of the iterable's, and wrong
        return MapProgress(self._done, self._failed, self._skipped, total, seconds)


def arguments_of(given: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call by the rule of ``map()``: a tuple is those by position, a mapping those by name, and
    anything else is the only one.

    Raises:
        TypeError: A mapping names an argument by something that is no str.
    """
    if _is_tuple(given):
        return given, {}
    if not _is_mapping(given):
        return (given,), {}
    named = dict(given)
    if not all(isinstance(name, str) for name in named):
        raise TypeError("a mapping is the arguments of a call by name, and its keys are names")
    return (), named


def told(error: Exception, index: int, given: object) -> Exception:
    """An error of a call that could not begin, which says which input it was."""
    hint = ""
    if type(error) is TypeError and isinstance(given, tuple | Mapping):
        kind = "a tuple" if isinstance(given, tuple) else "a mapping"
        hint = f"; {kind} is all arguments of a call: for one that is itself {kind}, give (argument,)"
    error.args = (f"input {index}: {error.args[0] if error.args else ''}{hint}", *error.args[1:])
    return error


def _is_tuple(given: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(given, tuple)


def _is_mapping(given: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(given, Mapping)
