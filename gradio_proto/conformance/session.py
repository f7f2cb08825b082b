"""Sessions and jobs as a tester sees them: every message is kept, and nothing is forgiven.

A :class:`Session` joins jobs and hears about them in the way of the server's generation, so that a case is the same for
all: over one event stream that its jobs share (``sse_v1`` and later), or over a connection for each job, on which the
server asks and the session answers (``ws`` and ``sse``).

It is not the library's own session machine: that one forgives what a client can live with. Bytes, events, messages and
diffs are read by the library's core.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from gradio_proto import jsontext
from gradio_proto.config import is_list, object_of
from gradio_proto.diff import OutputState
from gradio_proto.endpoints import Endpoint
from gradio_proto.errors import GradioError
from gradio_proto.messages import (
    Estimation,
    Log,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    ProcessStarts,
    ProcessStreaming,
    Progress,
    QueueFull,
    UnexpectedError,
    message_from_json,
)
from gradio_proto.sse import ServerSentEvent

from .model import Violation
from .wire import LIMITS, Channel, EventStream, Reply, Socket

if TYPE_CHECKING:
    from .tester import Tester

ABOUT_A_JOB: Final = (
    Estimation,
    ProcessStarts,
    Progress,
    Log,
    ProcessGenerating,
    ProcessStreaming,
    ProcessCompleted,
)
"""The messages that tell of one job."""
MOST_STREAMS: Final = 20
"""How often a stream is opened again without that a job ends; a tester must not knock without end."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, as it came."""

    at: float
    """On the wire's clock, in seconds."""
    message: Message
    """What the library's core makes of it."""
    json: dict[str, Any]
    """What stood there."""
    text: str
    """The JSON."""
    channel: Channel = field(repr=False)
    """On which connection it came."""

    @property
    def msg(self) -> str:
        """Its kind."""
        return cast(str, self.json["msg"])

    @property
    def data(self) -> list[Any]:
        """The ``data`` of its output.

        Raises:
            Violation: There is none.
        """
        data = object_of(self.json.get("output")).get("data")
        if not is_list(data):
            raise Violation(f"a {self.msg} has no list of data: {self.text[:300]}")
        return data


@dataclass(eq=False, slots=True)
class Job:
    """A job that the tester has begun."""

    session: Session = field(repr=False)
    """Where it runs."""
    endpoint: Endpoint
    """The function."""
    data: Sequence[Any]
    """Its inputs."""
    event_id: str = ""
    """What the server calls it; empty where the generation has no such names."""
    heard: list[Heard] = field(default_factory=list[Heard])
    """Every message about it, in order."""
    channel: Channel | None = None
    """Its own connection, in the generations that have one for each job."""
    joined_at: float = 0.0
    """When the join was sent, on the wire's clock."""
    is_abandoned: bool = False
    """The tester has hung up, so that nothing more can be heard of it."""
    more: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """Further keys of the body that carries its data."""
    questions: list[Heard] = field(default_factory=list[Heard], repr=False)
    """What the server has asked and the session not answered yet."""

    def all(self, msg: str) -> list[Heard]:
        """The messages of one kind, by its name on the wire (``msg``)."""
        return [heard for heard in self.heard if heard.msg == msg]

    @property
    def completed(self) -> Heard | None:
        """Its (first) terminal message."""
        return next((heard for heard in self.heard if heard.msg == "process_completed"), None)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected."""
        refused = any(isinstance(heard.message, QueueFull) for heard in self.heard)
        return self.completed is not None or refused or self.is_abandoned

    @property
    def has_started(self) -> bool:
        """Whether a worker runs it."""
        return any(heard.msg not in ("estimation", "send_hash", "send_data") for heard in self.heard)

    @property
    def success(self) -> bool:
        """Whether it has completed well."""
        heard = self.completed
        return heard is not None and heard.json.get("success") is True

    @property
    def output(self) -> dict[str, Any]:
        """The ``output`` of its completion; empty where there is none."""
        heard = self.completed
        return {} if heard is None else object_of(heard.json.get("output"))

    @property
    def values(self) -> list[Any]:
        """The ``data`` of its completion, a value for each output at least.

        Raises:
            Violation: There is none, or too little.
        """
        data = self.output.get("data")
        if not is_list(data):
            raise Violation(f"{self} has not completed with data, but with {json.dumps(self.output)[:200]}")
        return self._enough(data)

    def _enough(self, data: list[Any]) -> list[Any]:
        wanted = len(self.endpoint.outputs)
        if len(data) < wanted:
            raise Violation(
                f"{self} has {wanted} outputs, and sent {len(data)} values: {json.dumps(data)[:200]}"
            )
        return data

    def yielded(self) -> list[list[Any]]:
        """The values of each ``process_generating``, rebuilt from the differences where the generation sends those.

        Raises:
            Violation: Differences cannot be applied to the value before, or there are less values than outputs.
        """
        state = OutputState(LIMITS)
        found: list[list[Any]] = []
        for heard in self.all("process_generating"):
            data = object_of(heard.json.get("output")).get("data")
            if not is_list(data):
                continue
            if not found or not self.session.tester.has_diffs:
                state.replace(data)
            else:
                state.apply(data)
                if state.broken:
                    raise Violation(f"the differences of {self} cannot be applied: {heard.text[:300]}")
            found.append(self._enough(state.snapshot()))
        return found

    def __str__(self) -> str:
        return f"the job of {self.endpoint.label}" + (f" ({self.event_id})" if self.event_id else "")


class Session:
    """A session on the server, with jobs that are begun, heard about and cancelled.

    Args:
        tester: Whose it is.
        name: Its session hash; a new one if not given.
    """

    def __init__(self, tester: Tester, name: str | None = None) -> None:
        self.tester = tester
        self.wire = tester.wire
        self.hash = name or tester.new_name()
        self.jobs: list[Job] = []
        self.heard: list[Heard] = []
        """Every message of the session, in order."""
        self.strays: list[Heard] = []
        """Messages about jobs that the session does not know, when they came."""
        self.wrong: list[str] = []
        """What cannot be read, or tells of an error of the whole session."""
        self.streams: list[EventStream] = []
        """Every event stream that the session's jobs share, in the order in which they were opened."""
        self._reopened = 0
        """How often the stream was opened again since a job was completed."""
        self.query: tuple[tuple[str, str], ...] = ()
        """Further parameters in the query of each request that joins."""

    # Beginning

    def join_body(self, endpoint: Endpoint, data: Sequence[Any], **more: Any) -> dict[str, Any]:
        """What is posted to join the queue.

        Args:
            endpoint: The function.
            data: Its inputs.
            more: Further fields.
        """
        return {
            "data": list(data),
            "fn_index": endpoint.fn_index,
            "session_hash": self.hash,
            "event_data": None,
            "trigger_id": None,
            **more,
        }

    def join(self, endpoint: Endpoint, data: Sequence[Any], **more: Any) -> Reply:
        """Post a join, whatever comes of it (``sse_v1`` and later).

        Args:
            endpoint: The function.
            data: Its inputs.
            more: Further fields of the body.
        """
        return self.tester.post("queue/join", self.join_body(endpoint, data, **more), query=self.query)

    def submit(self, endpoint: Endpoint, *data: Any, listen: bool = True, **more: Any) -> Job:
        """Begin a job, and listen to what is said about it.

        Args:
            endpoint: The function.
            data: Its inputs, State among them (as None).
            listen: False to leave the shared stream to be opened later (``sse_v1`` and later).
            more: Further keys of the body.

        Raises:
            Violation: The server does not accept it.
        """
        job = Job(self, endpoint, data, joined_at=self.wire.now())
        self.jobs.append(job)
        if self.tester.asks_for_data:
            self._begin_conversation(job, more)
            return job
        reply = self.join(endpoint, data, **more)
        answer = reply.json() if reply.status == 200 else None
        event_id = cast("dict[str, Any]", answer).get("event_id") if isinstance(answer, dict) else None
        if not isinstance(event_id, str) or not event_id:
            raise Violation(f"a join of {endpoint.label} was answered {reply.status} {reply.text()[:200]!r}")
        self._named(job, event_id)
        if listen:
            self.listen()
        return job

    def adopt(self, endpoint: Endpoint, data: Sequence[Any], event_id: str) -> Job:
        """A job that was joined by hand.

        Args:
            endpoint: The function.
            data: Its inputs.
            event_id: What the server has answered.
        """
        job = Job(self, endpoint, data, joined_at=self.wire.now())
        self.jobs.append(job)
        self._named(job, event_id)
        return job

    def _named(self, job: Job, event_id: str) -> None:
        job.event_id = event_id
        for heard in [heard for heard in self.strays if heard.json.get("event_id") == event_id]:
            self.strays.remove(heard)
            job.heard.append(heard)

    # Listening

    @property
    def stream(self) -> EventStream | None:
        """The shared stream that is open."""
        return self.streams[-1] if self.streams and self.streams[-1].is_open else None

    def listen(self) -> EventStream:
        """Open the shared stream, unless it is open."""
        if self.stream is not None:
            return self.stream
        path = self.wire.target("queue/data", [("session_hash", self.hash)])
        opened: list[EventStream] = []

        def take(event: ServerSentEvent, now: float) -> None:
            self._take(event.data, now, opened[0], None)

        stream = self.wire.open_events(path, take)
        opened.append(stream)
        self.streams.append(stream)
        return stream

    def wait(self, *jobs: Job, patience: float | None = None) -> None:
        """Wait until these jobs (all that are under way, if none is named) are over.

        Args:
            jobs: Which ones.
            patience: Seconds to wait; None for as long as the target allows.

        Raises:
            Violation: One of them is not, in time; or the stream broke.
        """
        wanted = jobs or tuple(self.jobs)
        self.wait_until(lambda: all(job.is_over for job in wanted), "process_completed", patience)

    def wait_until(self, done: Callable[[], bool], what: str, patience: float | None = None) -> None:
        """Wait until something is so, answering what the server asks and opening the stream again where it has ended.

        Args:
            done: Whether it is so.
            what: What is waited for, in words.
            patience: Seconds to wait; None for as long as the target allows.

        Raises:
            Violation: It is not so in time; ``what`` says what was waited for.
        """
        wait_together((self,), done, what, patience)

    def has_news(self) -> bool:
        """Whether there is something to be done, or to be told, before it is waited on."""
        return bool(self.wrong) or self._is_untended()

    def _is_untended(self) -> bool:
        if self.tester.asks_for_data:
            return any(
                job.questions or (job.channel is not None and not job.channel.is_open)
                for job in self.jobs
                if not job.is_over
            )
        return self.stream is None and any(not job.is_over for job in self.jobs)

    def tend(self) -> None:
        """Do what the protocol asks of a client that waits.

        Raises:
            Violation: Nothing can come of it: the stream has broken, or a job's connection ended.
        """
        if self.wrong:
            raise Violation(self.wrong[0])
        open_jobs = [job for job in self.jobs if not job.is_over]
        if self.tester.asks_for_data:
            for job in open_jobs:
                self._converse(job)
        elif open_jobs and self.stream is None:
            last = self.streams[-1] if self.streams else None
            if last is not None and last.end == "broken":
                raise Violation(f"the stream of {len(open_jobs)} jobs broke off: {last.why}")
            unlucky = self.streams[-3:]
            is_silent = len(unlucky) == 3 and not any(stream.events for stream in unlucky)
            if is_silent or self._reopened >= MOST_STREAMS:
                raise Violation("the stream ends again and again, though jobs are under way")
            if last is not None:
                self._reopened += 1
            self.listen()

    def _take(self, text: str, now: float, channel: Channel, job: Job | None) -> None:
        """Keep a message, for its job if it names one."""
        try:
            value = jsontext.loads(text, LIMITS, "a message")
            message = message_from_json(value, text)
        except GradioError as error:
            self.wrong.append(f"a message cannot be read: {error}: {text[:200]!r}")
            return
        heard = Heard(now, message, value, text, channel)
        self.heard.append(heard)
        if isinstance(message, ProcessCompleted):
            self._reopened = 0
        if isinstance(message, UnexpectedError):
            self.wrong.append(f"unexpected_error: {message.message}")
        if job is None:
            event_id = value.get("event_id")
            job = next((job for job in self.jobs if job.event_id and job.event_id == event_id), None)
            if job is None:
                if isinstance(message, ABOUT_A_JOB):
                    self.strays.append(heard)
                return
        job.heard.append(heard)
        if heard.msg in ("send_hash", "send_data"):
            job.questions.append(heard)

    # Conversations

    def _begin_conversation(self, job: Job, more: dict[str, Any]) -> None:
        def take_text(text: str, now: float) -> None:
            self._take(text, now, cast(Channel, job.channel), job)

        def take_event(event: ServerSentEvent, now: float) -> None:
            take_text(event.data, now)

        job.more = more
        if self.tester.protocol == "ws":
            socket = self.wire.open_socket(self.wire.target("queue/join", self.query), take_text)
            if isinstance(socket, Reply):
                raise Violation(f"the WebSocket of {job.endpoint.label} was refused with {socket.status}")
            job.channel = socket
        else:
            query = [("fn_index", str(job.endpoint.fn_index)), ("session_hash", self.hash), *self.query]
            job.channel = self.wire.open_events(self.wire.target("queue/join", query), take_event)
            if job.channel.status != 200:
                raise Violation(f"a join of {job.endpoint.label} was answered {job.channel.status}")

    def _converse(self, job: Job) -> None:
        """Answer what the server has asked; see to it that it does not leave a job without an end."""
        while job.questions:
            asked = job.questions.pop(0)
            if asked.msg == "send_hash":
                assert isinstance(job.channel, Socket)
                job.channel.send(json.dumps({"fn_index": job.endpoint.fn_index, "session_hash": self.hash}))
            else:
                self._send_data(job, asked)
        if job.channel is not None and not job.channel.is_open and not job.is_over:
            raise Violation(
                f"the connection of {job} ended without process_completed ({job.channel.why or 'EOF'})"
            )

    def _send_data(self, job: Job, asked: Heard) -> None:
        body = self.join_body(job.endpoint, job.data, **job.more)
        del body["trigger_id"]
        if isinstance(job.channel, Socket):
            job.channel.send(json.dumps(body, ensure_ascii=False))
            return
        job.event_id = str(asked.json.get("event_id", ""))
        reply = self.tester.post("queue/data", {**body, "event_id": job.event_id})
        if reply.status != 200:
            raise Violation(f"the data of {job} were answered {reply.status} {reply.text()[:200]!r}")

    # Ending

    def cancel(self, job: Job) -> Reply:
        """Ask the server to cancel a job (4.30 and later)."""
        body = {"fn_index": job.endpoint.fn_index, "session_hash": self.hash, "event_id": job.event_id}
        return self.tester.post("cancel", body)

    def hang_up(self, *jobs: Job) -> None:
        """Close the connection of these jobs; where they share one, it is closed for all."""
        if not self.tester.asks_for_data:
            if self.stream is not None:
                self.stream.close()
            for job in self.jobs:
                job.is_abandoned = not job.is_over or job.is_abandoned
            return
        for job in jobs or self.jobs:
            if job.channel is not None:
                job.channel.close()
            if not job.is_over:
                job.is_abandoned = True


def wait_together(
    sessions: Sequence[Session], done: Callable[[], bool], what: str, patience: float | None = None
) -> None:
    """Wait until something is so, as :meth:`Session.wait_until` does, while several sessions have jobs under way.

    Raises:
        Violation: It is not so in time; ``what`` says what was waited for.
    """
    wire, tester = sessions[0].wire, sessions[0].tester
    patience = tester.patience if patience is None else patience
    deadline = wire.now() + patience

    def count() -> int:
        return sum(len(session.heard) for session in sessions)

    def has_news(before: int) -> bool:
        return count() != before or any(session.has_news() for session in sessions) or done()

    while not done():
        for session in sessions:
            session.tend()
        left = deadline - wire.now()
        if left <= 0:
            jobs = [job for session in sessions for job in session.jobs]
            waiting = ", ".join(str(job) for job in jobs if not job.is_over) or "nothing"
            raise Violation(f"no {what} within {patience:g} s; under way: {waiting}")
        wire.wait(partial(has_news, count()), left)
