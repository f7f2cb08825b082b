"""A call: its join, its messages until the one that ends it, and its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..cancelling import CancelReport, needs_new_session, refusal_to_settle, refusal_to_tell
from ..config import object_of
from ..effects import Flow, Now, Signal, Wait
from ..errors import (
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    Phase,
    RemoteProtocolError,
    TooManyRequestsError,
)
from ..job import Job, JobState, internal_error
from ..payload import cancel_payload
from ..replies import json_reply
from .requests import LONGEST_RETRY_AFTER, back_off, post_json
from .state import ClientState, LiveSession, Slots
from .streams import read_stream

MAY_HAVE_JOINED: Final = frozenset({502, 504})
"""What a gateway answers that has passed a request on, and does not know what came of it."""


TELL_SECONDS: Final = 2.0
"""How long telling the server of a cancelled job may take: whoever has given a job up does not wait for more."""


def call(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job from its join to its end. Whatever happens, the job is settled afterwards."""
    turn = Signal()
    held = False
    try:
        job.on_settled.append(turn.set)
        held = yield from _take(state.slots, turn, job)
        while not job.is_settled and job.fn_index in live.cancelling:
            live.cancelling[job.fn_index].append(turn)
            yield from _wait_for_turn(turn, job)
        if not job.is_settled:
            yield from join(state, live, job)
        if not job.is_settled:
            yield from follow(state, live, job, lambda: job.is_settled)
    except Exception as error:
        job.fail(internal_error(error))
        raise
    finally:
        job.cancel()  # does nothing, unless whoever ran this flow has given it up
        state.slots.release(turn, held=held)


def _take(slots: Slots, turn: Signal, job: Job) -> Flow[bool]:
    """Wait for a slot, as long as the job is not over. The caller releases it."""
    while not job.is_settled:
        if slots.take(turn):
            return True
        yield from _wait_for_turn(turn, job)
    return False


def _wait_for_turn(turn: Signal, job: Job) -> Flow[None]:
    in_time, _ = yield Wait(turn, job.deadline)
    turn.clear()
    if not in_time:
        job.fail(_total_exceeded("not_sent"))


def join(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Send a job's join and take the answer to the session. A join that failed has settled the job."""
    session = live.session
    settled = False
    attempt = 0
    turn = Signal()
    try:
        job.on_settled.append(turn.set)
        while not settled and not job.is_settled:
            if not (yield from _take(state.joins, turn, job)):
                break
            try:
                session.join_sent(job)
                response = yield from post_json(
                    state,
                    state.target("queue/join"),
                    job.payload,
                    headers=(("x-gradio-user", "api"), *job.headers),
                    until=job.deadline,
                )
                event_id = _accepted(state, json_reply(response, state.limits, "/queue/join"))
            except GradioError as raised:
                error = raised
            else:
                settled = True
                session.join_accepted(job, event_id)
                break
            finally:
                state.joins.release(turn, held=True)
            if isinstance(error, HTTPStatusError) and error.status in MAY_HAVE_JOINED:
                error.retryable = False
            asked = error.retry_after if isinstance(error, TooManyRequestsError) else None
            again = error.retryable and attempt < (state.max_retries or 0) and not job.is_settled
            again = again and (asked or 0.0) <= LONGEST_RETRY_AFTER
            if again:
                turn.clear()
                yield from back_off(state, attempt, asked, until=job.deadline, wake=turn)
                attempt += 1
            _, now = yield Now()
            if (
                job.deadline is not None
                and now >= job.deadline
                and (again or isinstance(error, DeadlineExceeded))
            ):
                again = False
                error = _total_exceeded(error.phase if isinstance(error, DeadlineExceeded) else "not_sent")
            if not again:
                settled = True
                session.join_failed(job, error)
    except Exception as defect:
        settled = True
        session.join_failed(job, internal_error(defect))
        raise
    finally:
        state.joins.release(turn, held=False)  # leaves the queue, if the job ended or was given up in it
        if not settled:
            session.join_abandoned(job)
    if job.event_id is not None and job.was_cancelled_while_joining:
        yield from _tell(state, live, job, JobState.QUEUED)


def _accepted(state: ClientState, reply: object) -> str:
    event_id = object_of(reply).get("event_id")
    if not isinstance(event_id, str) or not event_id:
        raise RemoteProtocolError("the reply to /queue/join holds no event_id", data=repr(reply))
    return event_id


def follow(
    state: ClientState, live: LiveSession, job: Job, done: Callable[[], bool], *, every_event: bool = False
) -> Flow[None]:
    """Wait until ``done()``, reading the session's stream whenever nobody else does.

    ``done`` is asked when the job has settled, and with ``every_event`` whenever anything has happened to it;
    it must be true of a settled job.
    """
    wake = Signal()
    hooks = job.on_news if every_event else job.on_settled
    hooks.append(wake.set)
    baton = live.session.baton
    overdue: JobState | None = None
    try:
        while not done():
            wake.clear()
            if baton.take(wake):
                yield from read_stream(state, live, wake, job.deadline)
            else:
                yield Wait(wake, job.deadline)
            if job.deadline is not None and not job.is_settled:
                _, now = yield Now()
                if now >= job.deadline:
                    overdue = job.state
                    job.fail(_total_exceeded("accepted"))
    finally:
        hooks.remove(wake.set)
        baton.release(wake)
    if overdue is not None:
        yield from _tell(state, live, job, overdue)


def _total_exceeded(phase: Phase) -> DeadlineExceeded:
    return DeadlineExceeded("the job took longer than Timeouts.total allows", kind="total", phase=phase)


def cancel(state: ClientState, live: LiveSession, job: Job, *, force: bool = False) -> Flow[CancelReport]:
    """Cancel a job where that is possible, and tell the server where that harms no other job."""
    refusal = refusal_to_settle(job, force=force)
    if refusal is not None:
        return CancelReport(False, False, refusal)
    was = job.state
    job.cancel()
    if was in (JobState.NEW, JobState.JOINING):
        return CancelReport(
            True, False, "the server had not accepted the job yet; if it does, it is told then"
        )
    refusal = yield from _tell(state, live, job, was)
    if refusal is not None:
        return CancelReport(True, False, refusal)
    return CancelReport(True, True, "the server was asked to stop the job")


def _tell(state: ClientState, live: LiveSession, job: Job, was: JobState) -> Flow[str | None]:
    """Tell the server that a settled job is of no more use; return why not, if it was not told."""
    version_info = state.app.config.version_info
    refusal = refusal_to_tell(live.session, job, was, version_info, has_state=state.has_state)
    if refusal is not None or job.event_id is None:
        return refusal or "the server has not named the job"
    if needs_new_session(was, version_info):
        if any(other.state is JobState.NEW for other in state.open_jobs):
            return "this server would break off the jobs that are about to join"  # they have their session already
        state.retire(live)
    body = cancel_payload(fn_index=job.fn_index, session_hash=live.session.hash, event_id=job.event_id)
    live.cancelling.setdefault(job.fn_index, [])
    _, now = yield Now()
    try:
        response = yield from post_json(
            state, state.target("cancel"), body, headers=job.headers, until=now + TELL_SECONDS
        )
        json_reply(response, state.limits, "/cancel")
    except GradioError as error:
        return f"the server did not take the cancellation: {error}"
    finally:
        for waiting in live.cancelling.pop(job.fn_index, ()):
            waiting.set()
    return None
