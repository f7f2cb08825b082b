"""A call: its join, its messages until the one that ends it, and its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..cancelling import CancelReport, Means, Telling, how_to_tell, refusal_to_settle
from ..carriers import CONVERSATIONS, Carrier
from ..config import object_of
from ..effects import Flow, Now, Signal, Wait
from ..errors import (
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    Phase,
    RemoteProtocolError,
    TooManyRequestsError,
)
from ..files import Uploads
from ..http import Headers
from ..job import Job, JobState, internal_error
from ..messages import ProcessCompleted
from ..replies import json_reply
from .connect import was_restarted
from .requests import LONGEST_RETRY_AFTER, back_off, post_json
from .simple import close_unread, closing_report, read_out
from .state import ClientState, LiveSession, Slots
from .streams import PASSED_ON, end_if_unused, end_stream, read_stream

UNKNOWN_FUNCTION: Final = frozenset({404, 500})
"""What Gradio answers to a join of a function that it does not have, and what whoever stands before it does."""

TELL_SECONDS: Final = 2.0
"""How long telling the server of a cancelled job may take: whoever has given a job up does not wait for more."""


def call(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job to its end, and then see off what it may have left behind at its server.

    Args:
        state: The client.
        live: The session that the job was added to.
        job: What is carried.
    """
    try:
        yield from carry(state, live, job)
        if job.orphan is not None:
            yield from see_off(state, live.now_of(job), job.orphan)
    finally:
        if job.orphan is not None:
            job.orphan.cancel()


def carry_to(over: Signal, state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job to its end, and say so to whoever waits: a caller who may leave first. What it leaves behind at its
    server is for :func:`see_out`."""
    try:
        yield from carry(state, live, job)
    finally:
        over.set()


def wait_for(over: Signal) -> Flow[None]:
    """Wait until it is set."""
    if not over.is_set:
        yield Wait(over, None)


def see_out(over: Signal, state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Wait for the end of what :func:`carry_to` does, and then see off what the job has left behind at its server."""
    yield from wait_for(over)
    if job.orphan is not None:
        yield from see_off(state, live.now_of(job), job.orphan)


def carry(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job from its join to its end. Whatever happens, the job is settled afterwards.

    It may leave an orphan (``job.orphan``), for which no deadline of the caller's holds: :func:`see_off` is its flow.
    """
    turn = Signal()
    held = False

    def give_slot_back() -> None:
        nonlocal held
        state.slots.release(turn, held=held)
        held = False

    try:
        job.on_settled.append(turn.set)
        held = yield from take(state.slots, turn, job)
        # Whatever this flow still has to wait for afterwards, the job is not in flight any more.
        job.on_settled.append(give_slot_back)
        if not job.is_settled and job.uploads is not None:
            yield from upload(state, job, job.uploads)
        if not job.is_settled and not job.is_with_server:  # else it was taken over from another client
            yield from _send(state, live, job)
            live = live.now_of(job)
        if job.input_stream is not None and job.input_stream.is_whole:
            from .stream_input import end_whole_input  # few programs stream, and every one pays for imports

            yield from end_whole_input(state, live, job)
        if not job.is_answered:
            yield from follow(state, live, job, lambda: job.is_answered)
        if live.carrier is Carrier.SIMPLE_API:
            yield from read_out(live, job)
        if not job.is_settled:
            yield from fetch(state, job)
    except Exception as error:
        job.fail(internal_error(error))
        raise
    finally:
        job.cancel()  # does nothing, unless whoever ran this flow has given it up
        give_slot_back()
        at: LiveSession | None = live
        while at is not None:
            end_if_unused(at)
            at = at.next


def _send(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Bring a job to the server; to its answer at once, unless there is an event stream to follow for that."""
    if live.carrier in CONVERSATIONS:
        from .conversation import converse

        yield from converse(state, live, job)
    elif live.carrier is Carrier.REPLY:
        from .direct import run_directly

        yield from run_directly(state, live, job)
    else:
        yield from join_queue(state, live, job)


def upload(state: ClientState, job: Job, uploads: Uploads) -> Flow[None]:
    """Send the files of a call, and have its payload name them. What goes wrong ends the job."""
    from .upload import upload_files  # many programs send no files, and every one pays for imports

    attempt = 0
    stop = Signal()
    job.on_settled.append(stop.set)
    can_be_read_again = all(file.kind != "stream" for file in uploads.files)
    while True:
        try:
            yield from upload_files(state, job, uploads, stop)
            if not job.is_settled:
                job.uploaded(uploads.payload())
        except GradioError as raised:
            error = raised
        else:
            return
        if isinstance(error, ConnectionLost | DeadlineExceeded):
            error.phase, error.retryable = "not_sent", True  # of the call, nothing was
        if not can_be_read_again or not _may_repeat(state, job, error, attempt):
            break
        now = yield from back_off(state, attempt, _asked(error), until=job.deadline, wake=stop)
        if job.deadline is not None and now >= job.deadline:
            error = total_exceeded("not_sent")
            break
        attempt += 1
    job.fail((yield from or_total(job, error, "not_sent")))


def fetch(state: ClientState, job: Job) -> Flow[None]:
    """Download what a job that is FETCHING has returned, and settle it."""
    from .download import download_files

    stop = Signal()
    job.on_settled.append(stop.set)
    try:
        yield from download_files(state, job, job.files, until=job.deadline, stop=stop)
    except GradioError as raised:
        error = raised
    else:
        if not job.is_settled:
            job.fetched()
        return
    job.fail((yield from or_total(job, error, "accepted")))


def or_total(job: Job, error: GradioError, phase: Phase) -> Flow[GradioError]:
    """``error``, or the one of ``Timeouts.total`` where it was that which passed."""
    if isinstance(error, DeadlineExceeded) and job.deadline is not None:
        _, now = yield Now()
        if now >= job.deadline:
            return total_exceeded(phase)
    return error


def take(slots: Slots, turn: Signal, job: Job) -> Flow[bool]:
    """Wait for a slot, as long as the job is not over. The caller releases it."""
    while not job.is_settled:
        if slots.take(turn):
            return True
        yield from _wait_for_turn(turn, job)
    return False


def _take_turn_to_join(slots: Slots, live: LiveSession, turn: Signal, job: Job) -> Flow[bool]:
    """As :func:`take`, but not while a cancellation is on its way that would end this job too."""
    while not job.is_settled:
        if any(job.fn_index in functions for functions in live.home.cancelling):
            slots.release(turn, held=False)  # nobody waits behind this one meanwhile
            live.home.held_back.append(turn)
        elif slots.take(turn):
            return True
        yield from _wait_for_turn(turn, job)
    return False


def _wait_for_turn(turn: Signal, job: Job) -> Flow[None]:
    in_time, _ = yield Wait(turn, job.deadline)
    turn.clear()
    if not in_time:
        job.fail(total_exceeded("not_sent"))


def join(
    state: ClientState, live: LiveSession, job: Job, ask: Callable[[], Flow[str | None]], slots: Slots
) -> Flow[None]:
    """Send a job's join and take the answer to the session. A join that failed has settled the job.

    Args:
        ask: Sends it, and returns the event id that the server gives to the job; None if the job has ended meanwhile.
        slots: How many may do so at once.
    """
    session = live.session
    settled = False
    attempt = 0
    turn = Signal()
    try:
        job.on_settled.append(turn.set)
        while not settled and not job.is_settled:
            if not (yield from _take_turn_to_join(slots, live, turn, job)):
                break
            before, live = live, state.session_to_join(live, job)
            if live is not before:
                slots.release(turn, held=True)
                session = live.session
                continue  # there may be a cancellation on its way in this one
            try:
                session.join_sent(job)
                event_id = yield from ask()
            except GradioError as raised:
                error = raised
            else:
                if event_id is not None:
                    settled = True
                    session.join_accepted(job, event_id)
                break
            finally:
                slots.release(turn, held=True)
            if isinstance(error, HTTPStatusError) and error.status in PASSED_ON:
                error.retryable = False
            again = _may_repeat(state, job, error, attempt)
            if again:
                turn.clear()
                yield from back_off(state, attempt, _asked(error), until=job.deadline, wake=turn)
                attempt += 1
            _, now = yield Now()
            if (
                job.deadline is not None
                and now >= job.deadline
                and (again or isinstance(error, DeadlineExceeded))
            ):
                again = False
                error = total_exceeded(error.phase if isinstance(error, DeadlineExceeded) else "not_sent")
            if not again:
                yield from _explain(state, job, error)
                settled = True
                session.join_failed(job, error)
    except Exception as defect:
        settled = True
        session.join_failed(job, internal_error(defect))
        raise
    finally:
        slots.release(turn, held=False)  # leaves the queue, if the job ended or was given up in it
        if not settled:
            session.join_abandoned(job)


def join_queue(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """:func:`join` for a job whose messages come on an event stream that is opened for itself."""
    yield from join(state, live, job, lambda: _post_join(state, live, job), state.joins)


def _post_join(state: ClientState, live: LiveSession, job: Job) -> Flow[str]:
    simple = live.carrier is Carrier.SIMPLE_API
    route = live.route if simple else "queue/join"
    response = yield from post_json(
        state, state.target(route), job.payload, headers=headers_of_join(state, job), until=job.deadline
    )
    event_id = _accepted(json_reply(response, state.limits, f"/{route}"), route)
    if simple:
        live.session.hash = job.session_hash = event_id  # the server calls the session so
    return event_id


def headers_of_join(state: ClientState, job: Job) -> Headers:
    """What goes with the request that brings a job to its server."""
    return (("x-gradio-user", "api"), *state.headers, *job.headers)


def _may_repeat(state: ClientState, job: Job, error: GradioError, attempt: int) -> bool:
    """Whether a request of a job's is sent again after ``error``: only where the caller has allowed it."""
    left = attempt < (state.max_retries or 0) and not job.is_settled
    return left and error.retryable and _asked(error) <= LONGEST_RETRY_AFTER


def _asked(error: GradioError) -> float:
    """The seconds of patience that a server asks for."""
    return (error.retry_after if isinstance(error, TooManyRequestsError) else None) or 0.0


def _explain(state: ClientState, job: Job, error: GradioError) -> Flow[None]:
    """Add to the error of a join that ``refresh()`` helps, where it does."""
    hint = ""
    if isinstance(error, AuthenticationError) and state.auth is not None:
        hint = "; the login holds no longer: client.refresh() logs in again"
    unknown = isinstance(error, HTTPStatusError) and error.status in UNKNOWN_FUNCTION
    if unknown and (yield from was_restarted(state, job.deadline)):
        hint = "; the app was started anew since then: call client.refresh()"
    error.args = (f"{error.args[0]}{hint}", *error.args[1:])


def _accepted(reply: object, route: str) -> str:
    event_id = object_of(reply).get("event_id")
    if not isinstance(event_id, str) or not event_id:
        raise RemoteProtocolError(f"the reply to /{route} holds no event_id", data=repr(reply))
    return event_id


def follow(
    state: ClientState, live: LiveSession, job: Job, done: Callable[[], bool], *, every_event: bool = False
) -> Flow[None]:
    """Wait until ``done()``, reading the session's stream whenever nobody else does.

    ``done`` is asked when the job is answered, and with ``every_event`` whenever anything has happened to it;
    it must be true of an answered job.
    """
    wake = Signal()
    hooks = job.on_news if every_event else job.on_answered
    hooks.append(wake.set)
    baton = live.session.baton
    overdue: JobState | None = None
    is_heard = False
    try:
        while not done():
            wake.clear()
            if baton.take(wake):
                yield from read_stream(state, live, wake, job.deadline)
            else:
                yield Wait(wake, job.deadline)
            if job.deadline is not None and not job.is_answered:
                _, now = yield Now()
                if now >= job.deadline:
                    overdue, is_heard = job.state, live.session.hears(job)
                    job.fail(total_exceeded("accepted"))
    finally:
        hooks.remove(wake.set)
        baton.release(wake)
    if overdue is not None:
        yield from _tell(state, live, job, overdue, is_heard=is_heard)
        _leave_overdue_session(state, live)


def _leave_overdue_session(state: ClientState, live: LiveSession) -> None:
    """Let new jobs join another session, after the last job of this one has run out of its time.

    Whether its stream is of any use, nobody knows: it may be within a message that has no end. Only what lives in the
    session is worth another try. Whoever has carried the job closes the stream.
    """
    if not live.open_jobs and not state.is_worth_keeping(live):
        state.retire(live)


def see_off(state: ClientState, live: LiveSession, orphan: Job) -> Flow[None]:
    """Have the server give an orphan up: now if it can, or else when the orphan starts, if that harms nobody then.

    Afterwards nobody listens to it any more.
    """
    try:
        yield from _see_off(state, live, orphan)
    finally:
        orphan.cancel()
        end_if_unused(live)


def _see_off(state: ClientState, live: LiveSession, orphan: Job) -> Flow[None]:
    was = orphan.state
    if was is JobState.SETTLED:
        return
    report = yield from _tell(state, live, orphan, was, is_heard=live.session.hears(orphan))
    if report.server_told or was is not JobState.QUEUED or live.carrier is Carrier.SIMPLE_API:
        return
    has_started = lambda: orphan.state is not JobState.QUEUED  # noqa: E731
    yield from follow(state, live, orphan, has_started, every_event=True)
    was = orphan.state
    if was is JobState.RUNNING:
        yield from _tell(state, live, orphan, was, is_heard=live.session.hears(orphan))


def total_exceeded(phase: Phase) -> DeadlineExceeded:
    """The error of a job that has used up the time its caller gave it."""
    return DeadlineExceeded("the job took longer than Timeouts.total allows", kind="total", phase=phase)


def cancel(state: ClientState, live: LiveSession, job: Job, *, force: bool = False) -> Flow[CancelReport]:
    """Cancel a job where that is possible, and tell the server where that harms no other job.

    Args:
        state: The client.
        live: The session of the job.
        job: Which one.
        force: Whether a plain function that runs is given up as well.
    """
    refusal = refusal_to_settle(job, force=force)
    if refusal is not None:
        return CancelReport(False, False, refusal)
    if live.carrier is Carrier.REPLY and job.state is JobState.JOINING:
        from .direct import give_up

        return give_up(job, force=force)
    live = live.now_of(job)
    was, is_heard = job.state, live.session.hears(job)
    job.cancel()
    if was in (JobState.NEW, JobState.JOINING):
        return CancelReport(
            True, False, "the server had not accepted the job yet; if it does, it is told then"
        )
    if was is JobState.FETCHING:
        return CancelReport(True, False, "the function had returned already; its files are not fetched")
    return (yield from _tell(state, live, job, was, is_heard=is_heard))


def complete(state: ClientState, live: LiveSession, job: Job, message: ProcessCompleted) -> Flow[bool]:
    """End a running job as ``message`` says, and have the server stop it. False where that would harm another job:
    nothing is done then."""
    config = state.app_in(live).config
    telling = how_to_tell(config, live.session, job, JobState.RUNNING, can_hang_up=False)
    if telling.means is not Means.REQUEST:
        return False
    job.receive(message, "")
    yield from ask_to_stop(state, live, job, telling)
    return True


def abandon(state: ClientState, live: LiveSession, job: Job) -> Flow[None] | None:
    """Cancel a job whose caller has gone, at once; what is returned tells the server, where it is to be told."""
    live = live.now_of(job)
    was, is_heard = job.state, live.session.hears(job)
    job.cancel()
    if was is JobState.QUEUED and live.carrier is Carrier.SHARED_STREAM:
        # At once, before whoever carries the job finds that it has ended: it is he who sees the orphan off.
        live.session.disown(job, is_heard=is_heard)
        return None
    if was not in (JobState.QUEUED, JobState.RUNNING):
        return None  # the server does not know of it, or is done; and a join on its way leaves an orphan
    return _tell_only(state, live, job, was, is_heard)


def _tell_only(state: ClientState, live: LiveSession, job: Job, was: JobState, is_heard: bool) -> Flow[None]:
    # What runs makes room when it is stopped. Of those that were given up with it, what waits leaves the queue first:
    # in the moment between the queue and the function, no server stops anything. No request takes longer than
    # TELL_SECONDS.
    turn = Signal()
    while live.home.cancelling:
        live.home.held_back.append(turn)
        yield Wait(turn, None)
        turn.clear()
    yield from _tell(state, live, job, was, is_heard=is_heard)


def _tell(
    state: ClientState, live: LiveSession, job: Job, was: JobState, *, is_heard: bool
) -> Flow[CancelReport]:
    """Tell the server that a settled job is of no more use, where that harms no other.

    ``is_heard`` says that the session's stream has spoken of the job.
    """
    if live.carrier in CONVERSATIONS:
        from .conversation import leave

        return (yield from leave(state, live, job, was))
    if live.carrier is Carrier.SIMPLE_API:
        refusal = yield from (
            close_unread(state, live, job.headers, TELL_SECONDS) if job.is_orphan else hang_up(state, live)
        )
        return closing_report(state.app.config, refusal)
    # A job that is NEW has its session already.
    is_awaited = any(other.state is JobState.NEW for other in live.open_jobs)
    telling = how_to_tell(
        state.app_in(live).config,
        live.session,
        job,
        was,
        can_hang_up=is_heard and not is_awaited and (live.retired.is_set or not state.is_worth_keeping(live)),
    )
    if telling.means is Means.NOTHING:
        if was is JobState.QUEUED and job.is_settled:
            live.session.disown(job, is_heard=is_heard)  # whoever carries the job sees the orphan off
        return CancelReport(True, False, telling.reason)
    refusal = yield from (
        hang_up(state, live) if telling.means is Means.HANG_UP else ask_to_stop(state, live, job, telling)
    )
    return CancelReport(True, refusal is None, refusal or telling.reason)


def ask_to_stop(state: ClientState, live: LiveSession, job: Job, telling: Telling) -> Flow[str | None]:
    """Send the request that stops a job, as often as it takes; return why that failed."""
    live = live.home
    live.cancelling.append(telling.ends)
    try:
        _, now = yield Now()
        reply: object = None
        for _ in range(telling.times):
            response = yield from post_json(
                state,
                state.target(telling.route),
                telling.payload,
                headers=job.headers,
                until=now + TELL_SECONDS,
            )
            reply = json_reply(response, state.limits, f"/{telling.route}")
    except GradioError as error:
        state.redact(error, job.headers)  # a report is shown as errors are
        return f"the server did not take the cancellation: {error}"
    finally:
        live.cancelling.remove(telling.ends)
        held_back, live.held_back = live.held_back, []
        for turn in held_back:
            turn.set()
    # What /reset says of a generator that has not yielded yet.
    return "the server found nothing to stop" if object_of(reply).get("success") is False else None


def hang_up(state: ClientState, live: LiveSession) -> Flow[str | None]:
    """Close the stream of a session that nobody needs any more; return why that could not be."""
    state.retire(live)
    for orphan in tuple(live.session.jobs.values()):
        orphan.cancel()  # who listens to it may be reading the stream
    wake = Signal()
    _, now = yield Now()
    try:
        while not live.session.baton.take(wake):  # whoever reads the stream owns it, and leaves it now
            in_time, _ = yield Wait(wake, now + TELL_SECONDS)
            wake.clear()
            if not in_time:
                return "the session's stream was still being read, so that it could not be closed"
        end_stream(live)
    finally:
        live.session.baton.release(wake)
    return None
