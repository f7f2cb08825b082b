"""Defects that are planted in the client, to see that the model finds them.

Each takes one promise away, in the place where it is kept. They are plausible: most are a line that is left out, or a
condition that is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from gradio_proto import cancelling
from gradio_proto.effects import Signal, Sleep
from gradio_proto.errors import ConnectionLost, GradioError
from gradio_proto.exchange import ConnectionPool
from gradio_proto.flows import calls, streams
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
        told_as: What the failure says.
        versions: Servers with which it shows.
    """

    what: str
    promise: int
    where: tuple[Any, str]
    made: Callable[[Any], Any]
    told_as: str
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


def _resends_a_join(_: Any) -> Any:
    def may_repeat(state: Any, job: Job, error: GradioError, attempt: int) -> bool:
        return attempt < 1 and not job.is_settled and (error.retryable or isinstance(error, ConnectionLost))

    return may_repeat


def _tells_twice(original: Any) -> Any:
    def settle(self: Job, outcome: Any) -> None:
        hooks = [*self.on_settled]
        original(self, outcome)
        for hook in hooks[1:]:  # the first is how the client counts open jobs
            hook()

    return settle


def _cancels_siblings(original: Any) -> Any:
    return lambda config, session_hash, job, siblings: original(config, session_hash, job, set())


def _hangs_up_on_siblings(original: Any) -> Any:
    def how_to_tell(config: Any, session: Any, job: Job, was: Any, *, can_hang_up: bool) -> Any:
        telling = original(config, session, job, was, can_hang_up=can_hang_up)
        return replace(telling, means=cancelling.Means.HANG_UP)

    return how_to_tell


def _loses_early_messages(_: Any) -> Any:
    return lambda self, job, event_id: self._drop_early_if_nobody_joins()


def _never_gives_up(_: Any) -> Any:
    return lambda now, seconds: None


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
    Defect("the baton is not handed on", 5, (Baton, "release"), _drops_the_baton, "never ends"),
    Defect("everybody may read the stream", 5, (Baton, "take"), _two_readers, "nothing had failed"),
    Defect("an orphan is forgotten", 9, (calls, "see_off"), _forgets_the_orphan, "runs on at the server"),
    Defect("a join is sent again", 8, (calls, "_may_repeat"), _resends_a_join, "were sent 2 times"),
    Defect("those who wait are told twice", 1, (Job, "_settle"), _tells_twice, "has ended 2 times"),
    Defect(
        "siblings are forgotten when a server is told",
        3,
        (cancelling, "request_to_stop"),
        _cancels_siblings,
        "nobody has cancelled",
        ("5.49.1", "6.31.0"),
    ),
    Defect(
        "one job is cancelled by closing the stream of all",
        3,
        (calls, "how_to_tell"),
        _hangs_up_on_siblings,
        "nobody has cancelled",
    ),
    Defect(
        "messages before the join's reply are lost",
        1,
        (Session, "_deliver_early"),
        _loses_early_messages,
        "",
    ),
    Defect("silence is no death", 12, (streams, "deadline"), _never_gives_up, "has waited for"),
    Defect(
        "a join that crosses the end of a stream is lost",
        3,
        (Session, "stream_ended"),
        _ends_crossing_joins,
        "nothing had failed",
    ),
    Defect(
        "a lost reply passes for a request that was not sent",
        2,
        (Session, "join_failed"),
        _lies_about_the_phase,
        "and has run",
    ),
    Defect("a place among the jobs in flight is lost", 10, (Slots, "release"), _loses_a_slot, ""),
    Defect(
        "who waits for a place looks every 50 ms",
        4,
        (calls, "_wait_for_turn"),
        _polls,
        "for a moment",
    ),
    Defect(
        "close() leaves connections open",
        11,
        (ConnectionPool, "close"),
        _leaves_connections_open,
        "a connection is open",
    ),
)
"""What is planted."""
