"""Defects that are planted in the client, to see that the model finds them.

Each takes one promise away, in the place where it is kept. They are plausible: most are a line that is left out, or a
condition that is forgotten. Whoever changes the machine looks for seeds anew: without the defect, too, they must be of
stories in which all promises hold.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from gradio_proto import Timeouts, cancelling
from gradio_proto.cancelling import Means, Telling
from gradio_proto.effects import Signal, Sleep
from gradio_proto.errors import ConnectionLost, GradioError
from gradio_proto.exchange import ConnectionPool
from gradio_proto.flows import calls
from gradio_proto.flows.state import LiveSession, Slots
from gradio_proto.flows.streams import end_stream
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


def _sends_joins_again(original: Any) -> Any:
    def may_repeat(state: Any, job: Job, error: GradioError, attempt: int) -> bool:
        is_lost = isinstance(error, ConnectionLost) and attempt == 0 and not job.is_settled
        return is_lost or original(state, job, error, attempt)

    return may_repeat


def _stops_siblings(original: Any) -> Any:
    def request_to_stop(config: Any, session_hash: str, job: Job, siblings: set[int]) -> Telling:
        telling: Telling = original(config, session_hash, job, set())
        return telling

    return request_to_stop


def _hangs_up_on_siblings(_: Any) -> Any:
    def how_to_tell(*_: Any, **__: Any) -> Telling:
        return Telling(Means.HANG_UP, "the session's stream was closed")

    return how_to_tell


def _closes_the_stream_of_others(_: Any) -> Any:
    def end_if_unused(live: LiveSession) -> None:
        if not live.session.baton.is_held:
            end_stream(live)

    return end_if_unused


def _loses_early_messages(_: Any) -> Any:
    def receive_unknown(self: Session, event_id: str, message: Any, text: str) -> None:
        self.dropped += 1

    return receive_unknown


def _bears_any_silence(_: Any) -> Any:
    return property(lambda self: None, lambda self, seconds: None)


DEFECTS: Final = (
    Defect(
        "the baton is not handed on",
        5,
        (Baton, "release"),
        _drops_the_baton,
        "nobody reads, and nobody is told to",
        2,
    ),
    Defect("everybody may read the stream", 5, (Baton, "take"), _two_readers, "nothing had failed", 2),
    Defect("an orphan is forgotten", 9, (calls, "see_off"), _forgets_the_orphan, "runs on at the server", 6),
    Defect("those who wait are told twice", 1, (Job, "_settle"), _tells_twice, "has ended 2 times", 2),
    Defect(
        "a join that crosses the end of a stream is lost",
        3,
        (Session, "stream_ended"),
        _ends_crossing_joins,
        "nothing had failed",
        2,
    ),
    Defect(
        "a lost reply passes for a request that was not sent",
        2,
        (Session, "join_failed"),
        _lies_about_the_phase,
        "may be repeated, says",
        2,
    ),
    Defect(
        "a place among the jobs in flight is lost",
        10,
        (Slots, "release"),
        _loses_a_slot,
        "the next call ends with None",
        2,
    ),
    Defect(
        "who waits for a place looks every 50 ms",
        4,
        (calls, "_wait_for_turn"),
        _polls,
        "for a moment",
        2,
    ),
    Defect(
        "close() leaves connections open",
        11,
        (ConnectionPool, "close"),
        _leaves_connections_open,
        "a connection is open",
        2,
    ),
    Defect(
        "a join is sent again when its reply is lost",
        8,
        (calls, "_may_repeat"),
        _sends_joins_again,
        "were sent 2 times|the function ran twice",
        2,
    ),
    Defect(
        "what stops a job at its server stops its siblings, which are told nothing",
        3,
        (cancelling, "request_to_stop"),
        _stops_siblings,
        "never ends",
        2,
    ),
    Defect(
        "to cancel a job is to close the stream of all",
        3,
        (calls, "how_to_tell"),
        _hangs_up_on_siblings,
        "nobody has cancelled|nothing had failed",
        2,
    ),
    Defect(
        "whose job is over closes the stream, though others wait for it",
        3,
        (calls, "end_if_unused"),
        _closes_the_stream_of_others,
        "nothing had failed",
        2,
    ),
    Defect(
        "what comes before the reply to its join is lost",
        1,
        (Session, "_receive_unknown"),
        _loses_early_messages,
        "never ends|nothing had failed| gave ",
        5,
    ),
    Defect("silence never ends", 12, (Timeouts, "idle"), _bears_any_silence, "has waited for", 4),
)
"""What is planted."""
