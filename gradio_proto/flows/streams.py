"""Reading the event stream of a session: opened when a job wants it, read by whoever waits, ended once."""

from __future__ import annotations

from typing import Final

from ..carriers import Carrier
from ..effects import Flow, Now, Open, ReadBody, ReadHead, Signal, Sleep, TimedOut
from ..errors import ConnectError, ConnectionLost, DeadlineExceeded, GradioError, RemoteProtocolError
from ..exchange import Exchange
from ..http import Headers, Response, ResponseHead
from ..messages import parse_message
from ..replies import page_error, reply_error, retry_after
from ..sentinels import END, NEED_DATA
from ..session import Session, StreamState
from ..simple_api import as_queue_message
from ..sse import CONTENT_TYPE, MESSAGE, SSEDecoder
from ..timeouts import deadline, earlier
from .requests import LONGEST_RETRY_AFTER, back_off, make_request, note_head
from .state import ClientState, LiveSession

BURST: Final = 128
"""Messages handled at a stretch before others have their turn: whoever reads a job's outputs as they come, and
the other flows. Fewer than a journal keeps parsed."""

ENDING_SECONDS: Final = 5.0
"""How long the end of the body may take after ``close_stream`` has announced it, where the stream has spoken of a job
that has not ended: what comes after such an announcement may still be that job's."""

PROMPT_END_SECONDS: Final = 0.1
"""How long it may take where all that is owed is that end. It comes within 2 ms; and a stream that is left before it
costs a connection, and nothing else."""

AN_EVENT_STREAM: Final = "an event stream"
"""What is wanted where one is asked for, in the words of a refusal."""

STATE_IS_LOST: Final = (
    "; new calls get a session of their own, without what the app has kept or rendered in this one"
)
"""Of a stream that may go on without us in a session that held something."""

PUT_OFF: Final = frozenset({429, 503})
"""Statuses after which the stream is asked for again. Not behind those of PASSED_ON, nor where no answer came at all:
the server may have opened it, and then it has dropped the jobs, or goes on telling somebody else of them. A second
stream would carry heartbeats for ever."""

PASSED_ON: Final = frozenset({502, 504})
"""What a gateway answers that has passed a request on, and does not know what came of it."""


def read_stream(state: ClientState, live: LiveSession, wake: Signal, until: float | None) -> Flow[None]:
    """Read a session's stream, opening it first where it is not open, and give its messages to the session.

    Returns when ``wake`` is set, when ``until`` has passed, or when no job of the session wants a stream.
    May be abandoned at any yield: whoever reads next goes on where this reader stopped. Whatever ends the
    stream is told to the session, which ends its jobs; nothing is raised here.
    """
    session = live.session
    streams_lost = session.streams_lost
    may_go_on = False
    while session.wants_stream and not wake.is_set:
        _, now = yield Now()
        if until is not None and now >= until:
            return
        try:
            if session.stream is StreamState.CLOSED:
                now = yield from _request(state, live, wake, until, now)
            if session.stream is StreamState.OPENING:
                now = yield from _open(state, live, _exchange(live), wake, until, now)
            if live.decoder is None:
                if live.stream is None:
                    continue  # the server has put it off, or this reader's time is up
                return  # woken, or out of time: whoever reads next waits on
            yield from _read(state, live, _exchange(live), wake, until, now)
            if session.stream is not StreamState.CLOSED:
                return
        except GradioError as error:
            may_go_on = _may_go_on(live, error)
            if may_go_on and state.is_worth_keeping(live):
                error.args = (f"{error.args[0]}{STATE_IS_LOST}", *error.args[1:])
            end_stream(live, error)
        if session.streams_lost != streams_lost:
            _leave_lost_session(state, live, may_go_on=may_go_on)


def _may_go_on(live: LiveSession, error: GradioError) -> bool:
    """Whether the server may go on with a stream that is lost here: it has fallen silent, and nobody knows that it was
    closed, or its request was sent, and the server has not answered it."""
    if isinstance(error, DeadlineExceeded):
        return error.kind != "connect"
    sent = live.stream
    return sent is not None and (sent.head is None or sent.head.status in PASSED_ON)


def _leave_lost_session(state: ClientState, live: LiveSession, *, may_go_on: bool) -> None:
    """Let new jobs join another session, after this one's stream was lost with jobs on it.

    The server drops what belongs to a session some moments after its stream has gone, and with it a job that joins
    meanwhile, without a word. Only what lives in the session, State and what was rendered, is worth that risk.

    And where the server may go on reading it to nobody (``may_go_on``), it shares the session's messages out among all
    who read. Of a new job there some would be missed: its end, so that it waits for ever, or differences, so that its
    values are wrong without an error. Nothing is worth that.
    """
    if may_go_on or not state.is_worth_keeping(live):
        state.retire(live)
        live.is_lost = True


def end_stream(live: LiveSession, error: GradioError | None = None) -> None:
    """Close a session's stream, for good or because of an error, and tell the session."""
    if live.stream is not None:
        live.stream.close()
        live.stream = None
    _close_left_stream(live)
    live.decoder = None
    if error is not None:
        error.retryable = False  # the jobs were accepted, and may have run
    if isinstance(error, ConnectionLost | DeadlineExceeded):
        error.phase = "stream_lost"
    if live.session.stream is not StreamState.CLOSED:
        live.session.stream_ended(error)


def _leave_stream(live: LiveSession) -> None:
    """Let the next stream be opened, though the body of this one has not ended.

    It is not closed before the server has answered the request for that one. To a server that is still at it, the end
    of its connection would be the end of the jobs of the session, those too that have joined since.
    """
    left, live.stream = live.stream, None
    end_stream(live)
    live.left = left


def _close_left_stream(live: LiveSession) -> None:
    if live.left is not None:
        live.left.close()
        live.left = None


def end_if_unused(live: LiveSession) -> None:
    """Close the stream of a retired session that has no jobs left; nobody would read it to its end.

    A reader that has not left yet does this when it does.
    """
    is_read = live.session.wants_stream or live.session.baton.is_held
    if live.retired.is_set and not is_read and not live.open_jobs:
        end_stream(live)


def _exchange(live: LiveSession) -> Exchange:
    assert live.stream is not None  # every state but CLOSED has one
    return live.stream


def _request(
    state: ClientState, live: LiveSession, wake: Signal, until: float | None, now: float
) -> Flow[float]:
    """Send the request for the stream. A connection that could not be made is tried again: nothing was sent.

    A reader who is woken, or whose own time is up, leaves the stream as it was: the next one opens it.
    """
    retries = state.get_retries
    target = stream_target(state, live)
    headers = (*_headers_of_jobs(live), ("accept", CONTENT_TYPE))
    live.session.stream_requested()
    try:
        attempt = 0
        while True:
            request = make_request(state, "GET", target, now, headers=headers)
            late: DeadlineExceeded | None = None
            try:
                live.stream, now = yield Open(request, earlier(deadline(now, state.timeouts.write), until))
                return now
            except DeadlineExceeded as error:
                late = error
            except ConnectError as error:
                if attempt >= retries or not error.retryable:
                    message = f"the event stream could not be opened: {error}"
                    raise ConnectionLost(message, phase="stream_lost") from error
            if late is None:
                now = yield from back_off(state, attempt, until=until, wake=wake)
            else:
                _, now = yield Now()
            if wake.is_set or (until is not None and now >= until):
                live.session.stream_ended()
                return now
            if late is not None:
                raise late
            attempt += 1
    except GradioError:
        raise
    except BaseException:
        live.session.stream_ended()  # this reader was given up: the next one opens the stream
        raise


def stream_target(state: ClientState, live: LiveSession) -> str:
    """Where the event stream of a session is to be had."""
    if live.carrier is Carrier.SIMPLE_API:
        return state.target(f"{live.route}/{live.session.hash}")
    return state.target(live.route, (("session_hash", live.session.hash),))


def _headers_of_jobs(live: LiveSession) -> Headers:
    """The headers that were given for a call, of the job that was accepted first of those that have any.

    One stream carries every job, so it can have the headers of one of them only: what lets that call in at a
    gateway lets its stream in, too.
    """
    return next((job.headers for job in live.session.jobs.values() if job.headers), ())


def _open(
    state: ClientState, live: LiveSession, exchange: Exchange, wake: Signal, until: float | None, now: float
) -> Flow[float]:
    head = exchange.head
    if head is None:  # else whoever read it was given up
        late_at = deadline(now, state.timeouts.read)
        first = earlier(late_at, until)
        try:
            head, now = yield ReadHead(exchange, first, wake)
        except TimedOut:
            if first == until:
                return now
            raise DeadlineExceeded("the server did not answer in time", kind="read") from None
        if head is None:
            return now
    note_head(state, exchange.request.target, head, now)
    retries = state.get_retries
    pause = retry_after(head)
    may_retry = live.refusals < retries and (pause or 0.0) <= LONGEST_RETRY_AFTER
    if head.status in PUT_OFF and may_retry:
        live.refusals += 1
        end_stream(live)
        return (yield from back_off(state, live.refusals - 1, pause, until=until, wake=wake))
    live.refusals = 0
    if head.status != 200 or head.content_type != CONTENT_TYPE:
        raise (yield from refusal(state, exchange, head, f"/{live.route}", AN_EVENT_STREAM))
    _close_left_stream(live)
    live.decoder = SSEDecoder(state.limits)
    live.session.stream_opened()
    return now


def refusal(
    state: ClientState, exchange: Exchange, head: ResponseHead, what: str, wanted: str
) -> Flow[GradioError]:
    """The error for an answer that is not what was ``wanted`` by the request ``what``."""
    _, now = yield Now()
    try:
        piece, _ = yield ReadBody(exchange, deadline(now, state.timeouts.read))
    except TimedOut:
        piece = None
    body = bytes(piece or b"")
    if head.status >= 300:
        return reply_error(Response(head, body), state.limits, what, wanted)
    return page_error(head, body.decode("utf-8", "replace"), what, wanted)


def _patience(session: Session) -> float:
    """How long the end of a stream may take that has been announced."""
    return ENDING_SECONDS if session.is_heard else PROMPT_END_SECONDS


def _read(
    state: ClientState, live: LiveSession, exchange: Exchange, wake: Signal, until: float | None, now: float
) -> Flow[None]:
    session, decoder = live.session, live.decoder
    assert decoder is not None
    handled = 0
    while not wake.is_set and session.wants_stream:
        if handled == BURST:
            _, now = yield Sleep(now)
            handled = 0
        event = decoder.next_event()
        handled += 1
        if event is NEED_DATA:
            ending = session.stream is StreamState.ENDING
            silent_at = deadline(now, _patience(session) if ending else state.timeouts.idle)
            first = earlier(silent_at, until)
            try:
                data, arrived = yield ReadBody(exchange, first, wake)
            except TimedOut:
                if first == until:
                    return
                if ending:
                    _leave_stream(live)
                    return
                raise DeadlineExceeded(
                    f"the stream was silent for {state.timeouts.idle:g} s", kind="idle", phase="stream_lost"
                ) from None
            if data is None:
                return
            now = max(now, arrived)
            decoder.receive_data(data)
        elif event is END:
            if live.carrier is Carrier.SIMPLE_API:  # nothing more would be heard of its job on another one
                raise ConnectionLost("the server ended the stream before the job", phase="stream_lost")
            end_stream(live)
            return
        elif event.event != MESSAGE and live.carrier is not Carrier.SIMPLE_API:
            continue
        else:
            simple = live.carrier is Carrier.SIMPLE_API
            text = as_queue_message(event, session.hash) if simple else event.data
            try:
                message = parse_message(text, state.limits)
            except RemoteProtocolError as error:
                # Framing still holds: an error that names its job is that job's alone.
                if error.event_id is None:
                    raise
                session.receive_malformed(error.event_id, error)
                continue
            state.heard(live, message, text)
            session.receive(message, text)
            if session.stream is StreamState.BROKEN:
                end_stream(live)
                return
