"""Whether a job may be cancelled, and how its server can be told without harming another job.

A cancelled job is settled here first; the server comes second, because none has a clean way to hear of it:

* ``/cancel`` (4.30 and later) ends every running job of that function in that session, whatever ``event_id``
  says, and a sibling dies without a message. It stops no function that takes batches. A job that still waits
  leaves the queue from 6.14 on; before, it runs in its turn all the same. But what runs is ended first, and the job
  that waits may take that place before it is looked for in the queue, and run on; so it is cancelled twice. A job may
  complete twice by all this, which up to 5.45 breaks off the session's stream, but loses nothing (see session.py).
* Before, an app may have an event that cancels others (``cancels=``, a stop button), private mostly. A direct call
  of it ends every running job of those functions in that session, also with ``api_open=False``. The server says
  nothing then: no completion comes, late or ever, and since it waits for one the stream never ends. It carries
  the next jobs all the same, and State survives. A job that waits is not touched, and runs in its turn.
* To close a session's stream works everywhere and ends all jobs of the session: those that wait leave the queue, a
  generator stops at its next value, a function that runs is no longer listened to. The session can take no job
  for a while, so a new one is needed, and State would be lost.

A function that runs in a thread cannot be interrupted by any of them, but makes room for the next by the first two.

So a job that waits at a server is left to it as an *orphan*, where that cannot take it out of its queue: it is
listened to without being wanted, and ended in one of these ways when it starts, if that harms nobody by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from .config import AppConfig
from .job import Job, JobState
from .payload import cancel_payload, cancelling_event_payload, reset_payload
from .session import Session

CANCEL_ROUTE_SINCE: Final = (4, 30, 0)
LEAVES_THE_QUEUE_SINCE: Final = (6, 14, 0)


@dataclass(frozen=True, slots=True)
class CancelReport:
    """What a call of ``cancel()`` did."""

    cancelled: bool
    """The job has ended as cancelled, because of this call."""
    server_told: bool
    """The server was made to stop it too, or to take it out of its queue."""
    reason: str
    """Why, in a sentence."""


class Means(Enum):
    """By what a server is told of a cancelled job."""

    NOTHING = "NOTHING"
    REQUEST = "REQUEST"
    HANG_UP = "HANG_UP"
    """The session's stream is closed."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a server is told of a cancelled job."""

    means: Means
    reason: str
    """What the report says, if it works."""
    route: str = ""
    """Where the request goes to."""
    payload: bytes = b""
    """Its body."""
    ends: frozenset[int] = frozenset()
    """The functions of which it ends whatever runs in the session."""
    times: int = 1
    """How often it is sent."""


def refusal_to_settle(job: Job, *, force: bool) -> str | None:
    """Why a job may not be cancelled, or None where it may.

    A plain function that runs cannot be stopped, as the official guide says: its result still comes.
    """
    if job.is_settled:
        return "the job has ended already"
    if job.state is JobState.RUNNING and not job.is_generator and not force:
        return "the function runs already, and only a generator can be stopped; force=True gives it up"
    return None


def how_to_tell(
    config: AppConfig, session: Session, job: Job, was: JobState, *, can_hang_up: bool
) -> Telling:
    """How the server can be told that ``job``, which was QUEUED or RUNNING as ``was`` says, is of no more use.

    ``can_hang_up`` says that the server reads the end of the session's stream as the end of this job, and that
    nobody needs the session any more but the jobs that it has.
    """
    siblings = {
        other.fn_index
        for other in (*session.jobs.values(), *session.joining)
        if other is not job and not other.is_orphan
    }
    request = request_to_stop(config, session.hash, job, siblings)
    is_batch = any(
        dependency.batch and dependency.fn_index == job.fn_index for dependency in config.dependencies
    )
    if was is JobState.RUNNING:
        stops = not is_batch
        otherwise = "the server runs the job together with others, as a batch, and does not stop it"
    else:
        stops = config.version_info >= LEAVES_THE_QUEUE_SINCE
        otherwise = "this server takes no job out of its queue (Gradio 6.14 and later do); it is stopped when it starts"
    if request.means is Means.REQUEST and stops:
        return request if was is JobState.RUNNING else replace(request, times=2)
    if can_hang_up and not siblings:
        return Telling(Means.HANG_UP, "the session's stream was closed, and with it the server drops the job")
    if request.means is Means.REQUEST:
        return Telling(Means.NOTHING, otherwise)
    return request


def request_to_reset(event_id: str) -> Telling:
    """The request that ends a generator of 4.0 to 4.8, and nothing else."""
    return Telling(
        Means.REQUEST, "the server was asked to end the generator", "reset", reset_payload(event_id=event_id)
    )


def request_to_stop(config: AppConfig, session_hash: str, job: Job, siblings: set[int]) -> Telling:
    """The request that ends the job if it runs, and no job of ``siblings``, the functions of the other open ones."""
    if config.version_info >= CANCEL_ROUTE_SINCE:
        if job.fn_index in siblings:
            return Telling(Means.NOTHING, "the server would end another job of the same function too")
        assert job.event_id is not None  # the server has accepted it
        return Telling(
            Means.REQUEST,
            "the server was asked to stop the job",
            "cancel",
            cancel_payload(fn_index=job.fn_index, session_hash=session_hash, event_id=job.event_id),
            frozenset({job.fn_index}),
        )
    events = [event for event in config.dependencies if event.backend_fn and job.fn_index in event.cancels]
    harmless = [event for event in events if siblings.isdisjoint(event.cancels)]
    if not events:
        return Telling(
            Means.NOTHING,
            "this app has no event that cancels the function, and this server no /cancel (Gradio 4.30 and later do)",
        )
    if not harmless:
        return Telling(Means.NOTHING, "the app's event that cancels the function would end another job too")
    event = min(harmless, key=lambda event: len(set(event.cancels)))
    return Telling(
        Means.REQUEST,
        "the app's own event that cancels the function was triggered",
        "run/predict",
        cancelling_event_payload(fn_index=event.fn_index, session_hash=session_hash),
        frozenset(event.cancels),
    )
