"""Handing a job over: one client brings it to its server, and another one, in another process mostly, follows it.

From ``sse_v1`` on a server keeps the messages of a session from its first join on, for whoever opens the session's
stream. So a client may join and go, before it has opened that, and whoever knows the names of the session and of the
event can follow the job from its first message on, long after it has ended too. What there is to know:

* The stream has one reader. What was read is gone, and a reader that hangs up takes the job with it, as ever.
* A second reader finds an open stream that says nothing but heartbeats (:meth:`Session.take_over` tells).
* Below ``sse_v1`` a job lives as long as the connection on which it was joined: there is nothing to hand over.
* The session is the job's alone, so cancelling the job harms no other.

:func:`hand_over` is the first client's flow. The second takes the job over in its session, and carries it as any other
(:func:`~gradio_proto.flows.calls.carry`). :func:`stop` is that of a third, which cancels it.
"""

from __future__ import annotations

from typing import Final

from ..cancelling import LEAVES_THE_QUEUE_SINCE, CancelReport, Means, request_to_stop
from ..effects import Flow, Now, Open, ReadBody, ReadHead, Sleep, TimedOut
from ..errors import GradioError
from ..job import Job, internal_error
from .calls import TELL_SECONDS, ask_to_stop, join_queue, upload
from .requests import make_request, note_head
from .simple import CLOSING_STOPS_SINCE
from .state import ClientState, LiveSession
from .streams import AN_EVENT_STREAM, refusal, stream_target

FOLLOWER_SECONDS: Final = 0.2
"""What whoever follows a job has, to hear from the server that it was cancelled. Servers look four times in that."""

QUIET_SECONDS: Final = 0.2
"""Silence after which a server has said all that it had to. It looks for news every 50 ms."""


def hand_over(state: ClientState, live: LiveSession, job: Job) -> Flow[str]:
    """Bring a job to its server and leave it there; return the event id that the server gives to it.

    Here the job ends as cancelled, of which nobody is told: this client is done with it.

    Args:
        state: The client's.
        live: A session of the job's own, on a protocol that can do this.
        job: The job.

    Raises:
        GradioError: Why the server has not taken it.
    """
    try:
        if job.uploads is not None:
            yield from upload(state, job, job.uploads)
        if not job.is_settled:
            yield from join_queue(state, live, job)
    except Exception as error:
        job.fail(internal_error(error))
        raise
    finally:
        is_taken = job.is_with_server and not job.is_settled
        job.cancel()
    if not is_taken:
        job.result()  # raises why
    assert job.event_id is not None  # the server has taken it
    return job.event_id


def stop(state: ClientState, live: LiveSession, job: Job) -> Flow[CancelReport]:
    """Have the server give up a job that was handed over, whoever follows it; how far it has come is not known here.

    A request stops a function that runs. Servers from 6.14 on take a job that waits out of the queue for it too; with
    older ones the end of the session's stream does that, so it is opened, and closed.

    Args:
        state: The client's.
        live: The session in which the job is, which has no other.
        job: The job, taken over. Here it ends first, so that nobody waits for it.
    """
    job.cancel()
    config = state.app.config
    telling = request_to_stop(config, live.session.hash, job, set())
    refused: str | None = telling.reason
    if telling.means is Means.REQUEST:
        refused = yield from ask_to_stop(state, live, job, telling)
        if refused is None and config.version_info >= LEAVES_THE_QUEUE_SINCE:
            return CancelReport(True, True, telling.reason)
        _, now = yield Now()
        yield Sleep(now + FOLLOWER_SECONDS)
    unopened = yield from _close_stream(state, live)
    if unopened is not None:
        return CancelReport(refused is None, refused is None, refused or unopened)
    done = "" if refused is not None else f"{telling.reason}, and "
    done += "its session's stream was closed, by which a job that waits leaves the queue"
    is_certain = config.version_info >= CLOSING_STOPS_SINCE
    if not is_certain:
        done += ", though not always on a server of that age; whoever follows it may hear nothing of that"
    is_told = is_certain or refused is None
    return CancelReport(is_told, is_told, done)


def _close_stream(state: ClientState, live: LiveSession) -> Flow[str | None]:
    """Open the session's stream, and close it so that the server notices; return why it could not be opened.

    It notices while it waits for something to say. What it has to say is read first, therefore; and where it ends the
    stream with that, as it does after the last word on a job, there is nothing to close, and it is opened again.
    """
    openings = 0
    has_ended = True
    unopened: str | None = None
    while True:
        _, now = yield Now()
        if unopened is not None or not has_ended or openings == 2:
            return unopened
        openings += 1
        try:
            has_ended = yield from _read_until_quiet(state, live, now + TELL_SECONDS / 2)
        except GradioError as error:
            state.redact(error)
            unopened = f"the job's event stream could not be opened, to be closed: {error}"


def _read_until_quiet(state: ClientState, live: LiveSession, until: float) -> Flow[bool]:
    """Open the stream, read it until it says no more, and close it; return whether it had ended by itself."""
    _, now = yield Now()
    request = make_request(state, "GET", stream_target(state, live), now)
    exchange, now = yield Open(request, until)
    try:
        head, now = yield ReadHead(exchange, until)
        note_head(state, request.target, head, now)
        if head.status != 200:
            raise (yield from refusal(state, exchange, head, f"/{live.route}", AN_EVENT_STREAM))
        while True:
            piece, now = yield ReadBody(exchange, min(now + QUIET_SECONDS, until))
            if not piece:
                return True
    except TimedOut:
        return False
    finally:
        exchange.close()
