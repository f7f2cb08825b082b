"""Defects that are planted in the client, to see that the model finds them.

Each takes one promise away, in the place where it is kept. They are plausible: most are a line that is left out, or a
condition that is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from gradio_proto.effects import Signal, Sleep
from gradio_proto.errors import ConnectionLost, GradioError
from gradio_proto.exchange import ConnectionPool
from gradio_proto.flows import calls
from gradio_proto.flows.state import Slots
from gradio_proto.job import Job
from gradio_proto.session import Baton, Session

SHARED: Final = ("4.13.0", "4.21.0", "4.44.1", "6.31.0")
"""Servers on which jobs share a stream."""


@dataclass(frozen=True)
class Defect:
    """A defect of the client.

    Attributes:
        what: What is wrong, in a few words.
        promise: The number of the promise that it breaks, in the table of :mod:`model`.
        where: What is replaced: an object, and the name of its attribute.
        made: Makes what stands there instead, of what stood there.
        told_as: What the failure says, as a pattern.
        seed: Of stories that soon show it.
        versions: Servers with which it shows.
    """

    what: str
    promise: int
    where: tuple[Any, str]
    made: Callable[[Any], Any]
    told_as: str
    seed: int
    versions: tuple[str, ...] = SHARED

    @contextmanager
    def planted(self) -> Generator[None]:
        """The client has it."""
        owner, name = self.where
        with patch.object(owner, name, self.made(getattr(owner, name))):
            yield


def _drops_the_baton(_: Any) -> Any:
    def release(self: Baton, waiter: Signal) -> None:
        self._waiting.pop(waiter, None)
        if self._holder is waiter:
            self._holder = None

    return release


def _two_readers(_: Any) -> Any:
    def take(self: Baton, waiter: Signal) -> bool:
        return True

    return take


def _forgets_the_orphan(_: Any) -> Any:
    def see_off(state: Any, live: Any, orphan: Job) -> Generator[Any, Any, None]:
        orphan.cancel()
        yield from ()

    return see_off


def _tells_twice(original: Any) -> Any:
    def settle(self: Job, outcome: Any) -> None:
        hooks = [*self.on_settled]
        original(self, outcome)
        for hook in hooks[1:]:  # the first is how the client counts open jobs
            hook()

    return settle


def _ends_crossing_joins(original: Any) -> Any:
    def stream_ended(self: Session, error: Any = None) -> None:
        for job in self.jobs.values():
            self._silent_ends[job] = 1
        original(self, error)

    return stream_ended


def _lies_about_the_phase(original: Any) -> Any:
    def join_failed(self: Session, job: Job, error: GradioError) -> None:
        if isinstance(error, ConnectionLost):
            error.phase, error.retryable = "not_sent", True
        original(self, job, error)

    return join_failed


def _loses_a_slot(_: Any) -> Any:
    def release(self: Slots, waiter: Signal, *, held: bool) -> None:
        self._waiting.pop(waiter, None)

    return release


def _polls(original: Any) -> Any:
    def wait_for_turn(turn: Signal, job: Job) -> Generator[Any, Any, None]:
        _, now = yield Sleep(0.0)
        yield Sleep(now + 0.05)
        turn.clear()

    return wait_for_turn


def _leaves_connections_open(_: Any) -> Any:
    def close(self: ConnectionPool) -> None:
        self._closed = True

    return close


DEFECTS: Final = (
    Defect(
        "the baton is not handed on",
        5,
        (Baton, "release"),
        _drops_the_baton,
        "never ends|ends with None|nothing can happen",
        11,
    ),
    Defect("everybody may read the stream", 5, (Baton, "take"), _two_readers, "nothing had failed", 1),
    Defect("an orphan is forgotten", 9, (calls, "see_off"), _forgets_the_orphan, "runs on at the server", 12),
    Defect("those who wait are told twice", 1, (Job, "_settle"), _tells_twice, "has ended 2 times", 1),
    Defect(
        "a join that crosses the end of a stream is lost",
        3,
        (Session, "stream_ended"),
        _ends_crossing_joins,
        "nothing had failed",
        1,
    ),
    Defect(
        "a lost reply passes for a request that was not sent",
        2,
        (Session, "join_failed"),
        _lies_about_the_phase,
        "may be repeated, says",
        7,
    ),
    Defect(
        "a place among the jobs in flight is lost",
        10,
        (Slots, "release"),
        _loses_a_slot,
        "the next call ends with None",
        1,
    ),
    Defect(
        "who waits for a place looks every 50 ms",
        4,
        (calls, "_wait_for_turn"),
        _polls,
        "for a moment",
        1,
    ),
    Defect(
        "close() leaves connections open",
        11,
        (ConnectionPool, "close"),
        _leaves_connections_open,
        "a connection is open",
        1,
    ),
)
"""What is planted."""
