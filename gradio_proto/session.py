"""One session: its jobs, and the one event stream that carries the messages of all of them.

From ``sse_v1`` on a server keeps a queue of messages for each session, from the first join on, and lets one
stream at a time read it. This machine eats messages and the news of that stream; it opens and reads nothing.

What a client must know about such a stream, and this machine does:

* The server ends the stream when the last job it knows of has completed, after a ``close_stream`` on ``sse_v3``.
  A join that crosses that end is healthy: its messages wait for a new stream. So a clean end leaves alone
  the jobs that the ended stream said nothing about; a second silent end takes them for lost.
* That end is mostly read on behalf of the next job, and is not always clean: some servers leave out the final
  chunk, one that stops says so there. Whatever happens to a stream that has told all it had to counts as a
  clean end.
* A stream that breaks off earlier cannot be resumed: the server has dropped the session's messages by then. Every job
  it knew of is lost, and a join that was on its way at that moment may be.
* ``unexpected_error`` is for every job of the session, and some servers repeat it for ever: the stream must be
  closed on the first.
* One such error is for nobody: up to Gradio 5.45 the server stumbles over a job that completes twice (which
  ``/cancel`` makes possible), says the KeyError that it got, and ends the stream. It has lost nothing: the next
  stream goes on with the next message.
* Messages may come before the reply to the join that they belong to, and after the end of their job.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum
from typing import Final

from . import jsontext
from .effects import Signal
from .errors import (
    ConnectionLost,
    GradioError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
)
from .job import Job
from .limits import Limits
from .messages import (
    CloseStream,
    Heartbeat,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    ProcessStreaming,
    UnexpectedError,
)
from .rendered import Rendered


class StreamState(Enum):
    """Where the session's event stream is."""

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is Python code

    CLOSED = "CLOSED"
    OPENING = "OPENING"
    OPEN = "OPEN"
    ENDING = "ENDING"
    """The server has said ``close_stream``; only the end of the body is owed."""
    BROKEN = "BROKEN"
    """The server has said ``unexpected_error``; the stream is to be closed by this side."""


class StreamInput(Enum):
    """What can happen to it."""

    __hash__ = object.__hash__

    REQUESTED = "REQUESTED"
    OPENED = "OPENED"
    CLOSE_STREAM = "CLOSE_STREAM"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    ENDED = "ENDED"


STREAM_TRANSITIONS: Final[dict[StreamState, dict[StreamInput, StreamState]]] = {
    StreamState.CLOSED: {StreamInput.REQUESTED: StreamState.OPENING},
    StreamState.OPENING: {StreamInput.OPENED: StreamState.OPEN, StreamInput.ENDED: StreamState.CLOSED},
    StreamState.OPEN: {
        StreamInput.CLOSE_STREAM: StreamState.ENDING,
        StreamInput.UNEXPECTED_ERROR: StreamState.BROKEN,
        StreamInput.ENDED: StreamState.CLOSED,
    },
    StreamState.ENDING: {
        StreamInput.CLOSE_STREAM: StreamState.ENDING,
        StreamInput.UNEXPECTED_ERROR: StreamState.BROKEN,
        StreamInput.ENDED: StreamState.CLOSED,
    },
    StreamState.BROKEN: {
        StreamInput.CLOSE_STREAM: StreamState.BROKEN,
        StreamInput.UNEXPECTED_ERROR: StreamState.BROKEN,
        StreamInput.ENDED: StreamState.CLOSED,
    },
}
"""The state that follows, for each state and input; a pair that is not here is a LocalProtocolError."""

LONGEST_EVENT_ID: Final = 256
"""Characters of an event id, which is remembered beyond its job. Gradio's have 32."""

OF_THE_SESSION: Final = (Heartbeat, CloseStream, UnexpectedError)
"""The messages that are for no job in particular."""

READ_BEFORE: Final = (
    "the server has nothing to say of this job: its events are read by somebody else, or were"
)
"""Of a job that was taken over, and that the stream is silent about."""

REMEMBERED_EVENTS: Final = 1024
"""Ended events whose late messages are recognised, so that they are not kept as some join's early ones."""


class Session:
    """The jobs of one ``session_hash``, and the state of their stream, within limits."""

    def __init__(self, session_hash: str, limits: Limits) -> None:
        self.hash = session_hash
        """Its name, by which the server knows it; the simple API's sessions have none until the server gives one."""
        self.stream = StreamState.CLOSED
        self.jobs: dict[str, Job] = {}
        """Accepted and not settled, by event id; orphans among them."""
        self.joining: dict[Job, int] = {}
        """Joins on their way, each with the number of streams that had been lost when it left."""
        self.dropped = 0
        """Messages that were nobody's."""
        self.baton = Baton()
        self.rendered = Rendered(limits)
        self._limits = limits
        self._streams = 0
        self.streams_lost = 0
        """How many streams were lost with jobs on them."""
        self._is_spent = False
        """The last job of the stream has ended, and it has said nothing since: all that it owes is its end."""
        self._last_ended = ("", False)
        """The event that has ended last, and whether the stream was spent before."""
        self._heard_on: dict[Job, int] = {}
        self._silent_ends: dict[Job, int] = {}
        self._ended: OrderedDict[str, bool] = OrderedDict()
        """The events that have ended, each with whether it has broken off a stream by a second completion."""
        self._stumbled = False
        """The stream was broken off by such a one, and the next goes on where it stopped."""
        self._early: deque[tuple[str, Message, str]] = deque()
        self._early_bytes = 0
        self._spoilt: OrderedDict[str, GradioError] = OrderedDict()
        self._taken_over: set[Job] = set()

    # Joins.

    def join_sent(self, job: Job) -> None:
        """The join of a job is about to be sent."""
        job.join_sent(self.hash)
        self.joining[job] = self.streams_lost

    def join_accepted(self, job: Job, event_id: str) -> None:
        """The server has answered a join, and given the job its ``event_id``. A job that has ended meanwhile is
        not taken up again, but has an orphan.

        Raises:
            LocalProtocolError: No such join was sent.
        """
        streams_lost = self.joining.pop(job, None)
        if streams_lost is None:
            raise LocalProtocolError("the session knows of no join of this job: call join_sent() first")
        if event_id in self.jobs or len(event_id) > LONGEST_EVENT_ID:
            what = (
                "gave two jobs the same event_id"
                if event_id in self.jobs
                else "gave a job an endless event_id"
            )
            job.fail(RemoteProtocolError(f"the server {what}", data=event_id))
            self._drop_early_if_nobody_joins()
            return
        job.join_accepted(event_id)
        if job.is_settled:
            job = self.disown(job)
        else:
            self._enter(job, event_id)
        self._deliver_early(job, event_id)
        if streams_lost != self.streams_lost:
            job.fail(
                ConnectionLost("the session's stream was lost while the job was joining", phase="accepted")
            )

    def take_over(self, job: Job, event_id: str) -> None:
        """Listen to a job, of this ``event_id``, that another client has joined in a session of this name, and
        whose stream it left alone.

        What the join brought forth is the first thing that the stream says. So where a heartbeat comes before it,
        somebody else has read it, and of this job nothing will be heard any more.
        """
        job.join_sent(self.hash)
        job.join_accepted(event_id)
        self._taken_over.add(job)
        job.on_answered.append(lambda: self._taken_over.discard(job))
        self._enter(job, event_id)

    def _enter(self, job: Job, event_id: str) -> None:
        self.jobs[event_id] = job
        self._silent_ends[job] = 0
        job.on_answered.append(lambda: self._forget(job, event_id))

    def disown(self, job: Job, *, is_heard: bool = False) -> Job:
        """Listen to what the server says of a job that has ended here, and goes on there: its orphan hears it.

        ``is_heard`` says that the stream that is open has spoken of the job, and so of its orphan.
        """
        orphan = job.leave_orphan()
        assert orphan.event_id is not None
        self._enter(orphan, orphan.event_id)
        ended, was_spent = self._last_ended
        if orphan.event_id == ended:  # at the server it has not: the stream owes what it owed before
            self._is_spent = was_spent
        if is_heard:
            self._heard_on[orphan] = self._streams
            self._is_spent = False
        return orphan

    def join_failed(self, job: Job, error: GradioError) -> None:
        """The join of a job was refused, or its answer never came: the job ends with the error."""
        self.joining.pop(job, None)
        job.fail(error)
        self._drop_early_if_nobody_joins()

    def join_moved(self, job: Job) -> None:
        """The job is to join another session, and will send no more joins to this one."""
        self.joining.pop(job, None)
        self._drop_early_if_nobody_joins()

    def join_abandoned(self, job: Job) -> None:
        """Whoever waited for the answer to a join has gone: the job may run on the server, unknown to us."""
        self.joining.pop(job, None)
        job.cancel()
        self._drop_early_if_nobody_joins()

    def _deliver_early(self, job: Job, event_id: str) -> None:
        early = [entry for entry in self._early if entry[0] == event_id]
        if early:
            self._early = deque(entry for entry in self._early if entry[0] != event_id)
            self._early_bytes -= sum(len(text) for _, _, text in early)
            for _, message, text in early:
                self.hear(job, message, text)
        error = self._spoilt.pop(event_id, None)
        if error is not None:
            job.fail(error)  # does nothing if what was kept told how it ended
        self._drop_early_if_nobody_joins()

    def hear(self, job: Job, message: Message, text: str) -> None:
        """Take a message that is for one of the jobs.

        Args:
            job: Which of them.
            message: What the server said.
            text: Its JSON, of which the journal keeps what it needs.
        """
        if not job.is_settled:
            self._heard_on[job] = self._streams
            self._is_spent = False
            job.receive(message, text)

    def _drop_early_if_nobody_joins(self) -> None:
        if not self.joining:
            self.dropped += len(self._early)
            self._early.clear()
            self._early_bytes = 0
            self._spoilt.clear()

    def _forget(self, job: Job, event_id: str) -> None:
        del self.jobs[event_id]
        self._heard_on.pop(job, None)
        self._silent_ends.pop(job, None)
        self._last_ended = (event_id, self._is_spent)
        self._is_spent = not self.jobs
        self._remember(event_id)

    def _remember(self, event_id: str) -> None:
        self._ended[event_id] = False
        if len(self._ended) > REMEMBERED_EVENTS:
            self._ended.popitem(last=False)

    # The stream.

    @property
    def wants_stream(self) -> bool:
        """True while some accepted job has not ended. Opening a stream for anything else hangs or breaks."""
        return bool(self.jobs)

    def hears(self, job: Job) -> bool:
        """Whether the stream that is open has spoken of a job that has not ended: closing it would end the job."""
        return self.stream is StreamState.OPEN and self._heard_on.get(job) == self._streams

    @property
    def is_heard(self) -> bool:
        """Whether the newest stream has spoken of some job that has not ended."""
        return any(heard == self._streams for heard in self._heard_on.values())

    def _move(self, happened: StreamInput) -> None:
        try:
            self.stream = STREAM_TRANSITIONS[self.stream][happened]
        except KeyError:
            raise LocalProtocolError(
                f"a stream that is {self.stream.name} cannot take {happened.name}"
            ) from None

    def stream_requested(self) -> None:
        """The request for a stream is about to be sent."""
        self._move(StreamInput.REQUESTED)
        self._streams += 1
        self._is_spent = False

    def stream_opened(self) -> None:
        """The stream's response has begun."""
        self._move(StreamInput.OPENED)

    def stream_ended(self, error: GradioError | None = None) -> None:
        """The stream has ended: cleanly, by the server, or with the error that broke it."""
        was = self.stream
        self._move(StreamInput.ENDED)
        stumbled, self._stumbled = self._stumbled, False
        if stumbled:
            return
        if error is not None and was is not StreamState.ENDING and not self._is_spent:
            self._lose_jobs(error)
        elif was is not StreamState.OPENING:
            for job in tuple(self.jobs.values()):
                self._silent_ends[job] += 1
                if self._heard_on.get(job) == self._streams or self._silent_ends[job] > 1:
                    job.fail(
                        ConnectionLost("the server ended the stream before the job", phase="stream_lost")
                    )

    def _lose_jobs(self, error: GradioError) -> None:
        self.streams_lost += 1
        self._fail_jobs(error)

    def _fail_jobs(self, error: GradioError) -> None:
        for job in tuple(self.jobs.values()):
            # Each job gets an error of its own, since each adds what it was doing to the message.
            job.fail(copy_of(error))

    def receive(self, message: Message, text: str) -> None:
        """Take one message of the stream; ``text`` is its wire form."""
        if isinstance(message, ProcessCompleted) and message.render_config is not None:
            # Whatever became of the job that did it: the server has the new functions now, and not the old ones.
            self.rendered.take(message.render_config, jsontext.bytes_in_memory(text))
        if isinstance(message, OF_THE_SESSION):
            self._receive_for_session(message)
        elif (event_id := message.event_id) is None:
            self._receive_for_all(message, text)
        elif (job := self.jobs.get(event_id)) is not None:
            self.hear(job, message, text)
        else:
            self._receive_unknown(event_id, message, text)

    def _receive_for_session(self, message: Heartbeat | CloseStream | UnexpectedError) -> None:
        if isinstance(message, CloseStream):
            self._move(StreamInput.CLOSE_STREAM)
        elif isinstance(message, UnexpectedError):
            self._move(StreamInput.UNEXPECTED_ERROR)
            self._stumbled = self._has_stumbled(message)
            if not self._is_spent and not self._stumbled:
                self._lose_jobs(session_error(message))
        else:
            for job in [job for job in self._taken_over if job not in self._heard_on]:
                job.fail(SessionLost(READ_BEFORE, phase="stream_lost"))

    def _has_stumbled(self, message: UnexpectedError) -> bool:
        event_id = message.message[1:-1]
        if message.message != f"'{event_id}'" or self._ended.get(event_id, True):
            return False
        self._ended[event_id] = True  # each job is an excuse once, so that a server cannot keep us reopening
        return True

    def receive_malformed(self, event_id: str, error: GradioError) -> None:
        """Take the error of a message that could not be parsed, and that names its job by its ``event_id``: it
        ends that one alone.
        """
        job = self.jobs.get(event_id)
        if job is not None:
            job.fail(error)
        elif event_id in self._ended or not self.joining:
            self.dropped += 1
        else:
            self._spoil(event_id, error)

    def _receive_for_all(self, message: Message, text: str) -> None:
        values = isinstance(message, ProcessGenerating | ProcessStreaming | ProcessCompleted)
        if values and len(self.jobs) + len(self.joining) > 1:
            self._fail_jobs(RemoteProtocolError("a value without the event_id of its job", data=text))
        for job in tuple(self.jobs.values()):
            self.hear(job, message, text)

    def _receive_unknown(self, event_id: str, message: Message, text: str) -> None:
        if event_id in self._ended or not self.joining:
            self.dropped += 1
            return
        self._early.append((event_id, message, text))
        self._early_bytes += len(text)
        limits = self._limits
        while len(self._early) > limits.orphan_messages:
            self._drop_oldest(LimitExceeded("orphan_messages", limits.orphan_messages))
        while self._early_bytes > limits.orphan_bytes:
            self._drop_oldest(LimitExceeded("orphan_bytes", limits.orphan_bytes))

    def _drop_oldest(self, error: LimitExceeded) -> None:
        event_id, _, text = self._early.popleft()
        self._early_bytes -= len(text)
        self._spoil(event_id, error)

    def _spoil(self, event_id: str, error: GradioError) -> None:
        """A message before its join's reply was lost. It may have been the last one: nobody must wait for it."""
        self.dropped += 1
        if len(event_id) <= LONGEST_EVENT_ID:
            # Frames hold the whole message, and so does the error of a parser.
            error.__traceback__ = error.__cause__ = error.__context__ = None
            self._spoilt.setdefault(event_id, error)
            if len(self._spoilt) > REMEMBERED_EVENTS:
                self._spoilt.popitem(last=False)


class Baton:
    """The right to read a session's stream: held by one waiter at a time, and handed on.

    Whoever waits for a job tries to take it. One gets it and reads, for all of them; the others wait for
    their own signal, which is set when their job has news, or when the baton is theirs to try again.
    """

    def __init__(self) -> None:
        self._holder: Signal | None = None
        self._waiting: dict[Signal, None] = {}

    def take(self, waiter: Signal) -> bool:
        """Take the baton, if nobody holds it; else queue for it. The waiter is a signal, which is set when its
        turn has come.
        """
        if self._holder is None or self._holder is waiter:
            self._holder = waiter
            self._waiting.pop(waiter, None)
            return True
        self._waiting[waiter] = None
        return False

    @property
    def is_held(self) -> bool:
        """Whether somebody reads."""
        return self._holder is not None

    def release(self, waiter: Signal) -> None:
        """Give the baton back, or leave the queue for it, as this waiter; the first who queues is woken."""
        self._waiting.pop(waiter, None)
        if self._holder is waiter:
            self._holder = None
        if self._holder is None and self._waiting:
            next(iter(self._waiting)).set()


def session_error(message: UnexpectedError) -> GradioError:
    """The error of an ``unexpected_error``: the session is gone, the server is going, or it has a defect."""
    if message.message == "Server stopped unexpectedly.":
        return ServerStopped("the server is stopping", phase="stream_lost")
    if message.session_not_found or message.message.startswith("404"):
        return SessionLost("the server no longer knows this session", phase="stream_lost")
    return ConnectionLost(f"the server broke off the session: {message.message}", phase="stream_lost")


def copy_of(error: GradioError) -> GradioError:
    """An error like ``error``, with its cause, whose context is its own."""
    make, arguments = error.__reduce__()[:2]
    twin: GradioError = make(*arguments)
    twin.__dict__ = dict(twin.__dict__)
    twin.__cause__ = error.__cause__ or error
    return twin
