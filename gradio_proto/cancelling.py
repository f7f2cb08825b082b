"""Whether a job may be cancelled, and whether the server may be told, without harming another job.

The route ``/cancel`` exists since Gradio 4.30, and is blunt: whatever ``event_id`` says, it ends every running
job of that function in that session, and a running sibling dies without a message. A queued job is only taken
out of the queue by 6.x; 4.44 and 5.x still run it later, and on 4.x its late completion makes the server drop
the session's stream, with whatever new job is on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .job import Job, JobState
from .session import Session

CANCEL_ROUTE_SINCE: Final = (4, 30, 0)
STALE_COMPLETION_IS_HARMLESS_SINCE: Final = (5, 0, 0)


@dataclass(frozen=True, slots=True)
class CancelReport:
    """What a call of ``cancel()`` did."""

    cancelled: bool
    """The job has ended as cancelled, because of this call."""
    server_told: bool
    """The server was asked to stop it too."""
    reason: str
    """Why, in a sentence."""


def refusal_to_settle(job: Job, *, force: bool) -> str | None:
    """Why a job may not be cancelled, or None where it may.

    A plain function that runs cannot be stopped, as the official guide says: its result still comes.
    """
    if job.is_settled:
        return "the job has ended already"
    if job.state is JobState.RUNNING and not job.is_generator and not force:
        return "the function runs already, and only a generator can be stopped; force=True gives it up"
    return None


def refusal_to_tell(
    session: Session, job: Job, was: JobState, version_info: tuple[int, int, int], *, has_state: bool
) -> str | None:
    """Why the server must not be told that ``job``, which was in state ``was``, is cancelled; None where it may."""
    if version_info < CANCEL_ROUTE_SINCE:
        return "this server has no /cancel (Gradio 4.30 and later have it)"
    siblings = [other for other in (*session.jobs.values(), *session.joining) if other is not job]
    if any(other.fn_index == job.fn_index for other in siblings):
        return "the server would end another job of the same function too"
    if was is not JobState.RUNNING and version_info < STALE_COMPLETION_IS_HARMLESS_SINCE:
        if siblings:
            return "this server would break off the session's other jobs"
        if has_state:
            return "this server could not go on with the session, which holds State"
    return None


def needs_new_session(was: JobState, version_info: tuple[int, int, int]) -> bool:
    """True where a server that was told of a cancelled job will break the session's next stream."""
    return was is not JobState.RUNNING and version_info < STALE_COMPLETION_IS_HARMLESS_SINCE
