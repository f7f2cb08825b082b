"""The queue of a Gradio server: who waits, what runs, and which message goes to which session.

How it works
------------
A *job* is a join: one session asked for one run of one endpoint. It waits in the line of its endpoint until
a run there ends, then it runs, alone or with others (``batch``), and messages about it go to the *mailbox*
of its session, where they wait for whoever reads the session's event stream. What surprises people:

- A mailbox exists from the session's first join to the moment its reader goes away, and everything about
  that session's jobs dies with it. There is no resuming.
- Two readers of one mailbox take turns; each message goes to one of them.
- The stream ends after the message that completes the last job the session is known to have. A session
  remembers a job until its completion has been read, not until it happened.
- ``/cancel`` ends whatever runs for the function in the session, silently, and then completes the job that
  was named. While that job waits, a sibling that runs dies unnoticed, the named job takes its place, and
  goes on after its completion (unless ``faithful_defects`` is off). Before Gradio 6 a job that is cancelled
  while it waits runs in its turn all the same, and its second completion breaks a stream of 4.44.
- A job whose input comes in chunks has room for one that it has not begun. Another one that comes meanwhile, or
  before the job itself has begun, takes its place without a word.
- What a ``gr.render`` makes is there for its session only, and until it runs there again.

Before Gradio 4.9 it was otherwise: see :mod:`~gradio_proto.testing.asking`.

Nothing here knows HTTP, JSON, time or threads. Messages come out as dicts in the wire's own form and order.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gradio_proto.errors import LocalProtocolError

from .app import Call, Endpoint, Rendering, TestApp, free_name
from .components import Component
from .diffing import diff, diff_whole
from .files import FileStore
from .jsonvalues import is_dict, is_list, is_sequence
from .media import Media, MediaStore
from .values import Aside, Context, Error, Exhausted, Log, Outcome, Raised, Returned, Yielded

Message = dict[str, Any]

SESSIONS = 2000
"""Sessions remembered. A real server keeps this many mailboxes, and the State of 10,000 sessions."""


CHUNK_SECONDS = 30.0
"""How long a function without a time limit waits for the next chunk of its input."""

STATE_SECONDS = 3600.0
"""How long State is kept, from when it was last set, for a session whose heartbeat has ended."""


class QueueFull(Exception):
    """The join is refused; the text says why, in the server's words."""


class Invalid(Exception):
    """The join is refused by the endpoint's validator, which has this to say of each input."""

    def __init__(self, verdicts: list[Message]) -> None:
        super().__init__("invalid")
        self.verdicts = verdicts


@dataclass(frozen=True)
class RunJob:
    """Run one step of a call, ``call.step(report, pause)``, and hand its outcome to ``job_stepped``.

    The next step of the same call comes as another of these.
    """

    event_id: str
    """Of which job."""
    call: Call = field(repr=False)
    """The call."""


@dataclass(frozen=True)
class StopJob:
    """A call will not be stepped again: ``call.close()``, and nothing to report. No step of it is running."""

    event_id: str
    """Of which job."""
    call: Call = field(repr=False)
    """The call."""


@dataclass(eq=False)
class Job:
    """One join (or one direct call)."""

    event_id: str
    endpoint: Endpoint
    session_hash: str | None
    data: Sequence[Any]
    context: Context
    root: str = ""
    """The address that the client used: the URLs of its files begin so."""
    simple: bool = False
    """Streamed values are sent whole."""
    is_closed: bool = False
    """No more chunks of its input come."""
    alive: bool = True
    """False once the session's reader has gone: nothing is sent for it any more."""
    mailbox: Mailbox | None = None
    """Its own; None where it is the session's."""
    is_asked: bool = False
    """Its inputs are to be asked for."""
    offered: str | None = None
    """What its socket has brought as its inputs."""
    error: Exception | None = None
    """What is wrong with it: it fails with this."""


@dataclass(eq=False)
class Run:
    """One run of an endpoint's function, for one job, or for several of a batch."""

    jobs: list[Job]
    call: Call
    began: float
    stepped: float
    """When the current step was handed out."""
    reply: Callable[[bool, Mapping[str, Any]], None] | None = None
    """Where the first outcome of a direct call goes; None for a run from the queue."""
    last: list[Any] | None = None
    """What a generator gave last, whole."""
    output: Message | None = None
    """How that was sent."""
    media: list[Media] = field(default_factory=list[Media])
    """What it has given piece by piece."""
    ended: bool = False
    """Settled, while a step is still running: its outcome is of no interest."""
    first: float | None = None
    """Seconds that the first chunk of an input took."""
    waits_since: float = 0.0
    """When the last one was processed, and it began to wait for the next."""
    used: float = 0.0
    """Seconds of its time limit that are over, those of waiting for chunks included."""
    has_news: bool = False
    """Another chunk is there, or the end."""
    is_reset: bool = False
    """The function is to be called anew for the next value."""

    @property
    def endpoint(self) -> Endpoint:
        """The function that runs; the jobs of a batch share it."""
        return self.jobs[0].endpoint


@dataclass(eq=False)
class Line:
    """Who waits for one endpoint, and how many runs of it go on."""

    endpoint: Endpoint
    waiting: deque[Job] = field(default_factory=deque[Job])
    runs: list[Run] = field(default_factory=list[Run])
    whole: _Average = field(default_factory=lambda: _Average())
    """Seconds that its whole runs took, waiting excluded: what estimates are made of."""
    steps: _Average = field(default_factory=lambda: _Average())
    """Seconds that each step took: what outputs call ``average_duration``."""

    @property
    def is_busy(self) -> bool:
        """Whether anybody waits or runs."""
        return bool(self.waiting or self.runs)

    @property
    def is_open(self) -> bool:
        """Whether one more run may start now."""
        limit = self.endpoint.concurrency_limit
        return limit is None or len(self.runs) < limit


@dataclass(eq=False)
class Mailbox:
    """Messages for one session, and the readers that wait for them, each as it wants to be called back."""

    session_hash: str
    messages: deque[Message | None] = field(default_factory=deque["Message | None"])
    """None is the end of a mailbox that one job has for itself."""
    readers: deque[Any] = field(default_factory=deque[Any])
    is_open: bool = True
    """Messages may still come."""
    job: Job | None = None
    """Whose it is, if it is that of one job."""


@dataclass(eq=False)
class Session:
    """What the server knows of one session."""

    mailbox: Mailbox | None = None
    owed: set[str] = field(default_factory=set[str])
    """The event ids whose completion has not been read yet."""
    state: dict[Component, Any] = field(default_factory=dict[Component, Any])
    state_set: float = 0.0
    """When one was set last."""
    is_closed: bool = False
    """Its heartbeat has ended, which a server takes for the end of the page."""
    rendered: dict[int, list[Endpoint]] = field(default_factory=dict[int, list[Endpoint]])
    """What the newest run of each ``gr.render`` has made."""
    next_fn: int = 0
    """The id of the next function to be made."""
    components: dict[Component, int] = field(default_factory=dict[Component, int])
    """The ids of the components that there are beside the app's."""
    next_component: int = 0

    @property
    def endpoints(self) -> list[Endpoint]:
        """What was rendered."""
        return [endpoint for endpoints in self.rendered.values() for endpoint in endpoints]


class _Average:
    """A running mean."""

    def __init__(self) -> None:
        self.total = 0.0
        self.count = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


class Queue:
    """The state machine. What a verb leaves to be done stands in ``actions``, ``fresh`` and ``closed``."""

    def __init__(self, app: TestApp, files: FileStore, new_id: Callable[[], str]) -> None:
        self.actions: deque[RunJob | StopJob] = deque()
        self.fresh: dict[Mailbox, None] = {}
        """The mailboxes that have got messages since somebody last looked."""
        self.closed: list[Mailbox] = []
        """The mailboxes that were closed while somebody may have been reading them."""
        self.stopped = False
        self._app = app
        self._files = files
        self._generation = app.generation
        self.media = MediaStore(app.generation)
        self._new_id = new_id
        self._sessions: dict[str, Session] = {}
        """The sessions, the one longest unused first."""
        self._lines = {endpoint: Line(endpoint) for endpoint in app.endpoints}
        self._runs: dict[str, Run] = {}
        self._waiting: dict[Run, float] = {}
        """The runs that wait for a chunk of their input, and until when."""
        self._inputs_of: dict[str, Job] = {}
        """The jobs that get chunks, or once did."""

    # Sessions

    def mailbox(self, session_hash: str) -> Mailbox | None:
        """The mailbox of a session, if it has one."""
        session = self._sessions.get(session_hash)
        return None if session is None else session.mailbox

    def session_of(self, event_id: str) -> str:
        """The session that still has something to hear of a job; its own id where there is none."""
        return next((name for name, session in self._sessions.items() if event_id in session.owed), event_id)

    def _session(self, session_hash: str) -> Session:
        session = self._sessions.pop(session_hash, None)
        if session is None:
            session = Session(next_fn=len(self._app.endpoints), next_component=len(self._app.components) + 1)
        self._sessions[session_hash] = session
        if len(self._sessions) > SESSIONS:
            oldest = next(iter(self._sessions))
            self.abandon(oldest)
            for endpoint in self._sessions.pop(oldest).endpoints:
                self._lines.pop(endpoint, None)
        return session

    def endpoint(
        self, session_hash: str | None, *, fn_index: int | None = None, name: str = ""
    ) -> Endpoint | None:
        """The endpoint of that number, or else of that name, that there is for a session."""
        if fn_index is not None and 0 <= fn_index < len(self._app.endpoints):
            return self._app.endpoints[fn_index]
        session = self._sessions.get(session_hash or "")
        rendered = [] if session is None else session.endpoints
        for endpoint in (*self._app.endpoints, *rendered):
            if (endpoint.name == name) if fn_index is None else (endpoint.id == fn_index):
                return endpoint
        return None

    def delivered(self, mailbox: Mailbox, message: Message) -> Literal["more", "end", "crash"]:
        """A message has been read. Returns what becomes of its stream."""
        if message["msg"] != "process_completed":
            return "more"
        owed = self._sessions[mailbox.session_hash].owed
        if message["event_id"] not in owed and self._generation.dies_of_stale_jobs:
            return "crash"
        owed.discard(message["event_id"])
        return "more" if owed else "end"

    def abandon(self, session_hash: str) -> None:
        """The reader of a session's stream went away: drop the mailbox, and what waits or runs for it."""
        session = self._sessions[session_hash]
        if session.mailbox is not None:
            session.mailbox.is_open = False
            self.closed.append(session.mailbox)
            self.fresh.pop(session.mailbox, None)
            session.mailbox = None
        for line in self._lines.values():
            for job in [job for run in line.runs for job in run.jobs if job.session_hash == session_hash]:
                job.alive = False
                if not self._generation.remembers_left_jobs:
                    session.owed.discard(job.event_id)
            for job in [job for job in line.waiting if job.session_hash == session_hash]:
                line.waiting.remove(job)
                session.owed.discard(job.event_id)

    def left(self, mailbox: Mailbox) -> None:
        """The reader of a mailbox went away."""
        self.abandon(mailbox.session_hash)

    def close_session(self, session_hash: str) -> None:
        """The heartbeat of a session ended: its chunked inputs end, and its State is kept for a while only."""
        session = self._sessions.get(session_hash)
        if session is not None:
            session.is_closed = True
        self.media.forget(session_hash)
        if self._generation.ends_input_streams:
            for event_id, job in self._inputs_of.items():
                if job.session_hash == session_hash:
                    job.is_closed = True
                    run = self._runs.get(event_id)
                    if run in self._waiting:
                        self._waiting[run] = 0.0  # as if its time was over

    def post(self, mailbox: Mailbox, message: Message | None) -> None:
        """Put a message into a mailbox."""
        mailbox.messages.append(message)
        self.fresh[mailbox] = None

    def _send(self, job: Job, message: Message) -> None:
        mailbox = self.mailbox(job.session_hash or "")
        if job.alive and mailbox is not None:
            self.post(mailbox, message)

    # The line

    def join(
        self,
        endpoint: Endpoint,
        data: Sequence[Any],
        session_hash: str | None,
        context: Context,
        now: float,
        *,
        root: str = "",
        simple: bool = False,
    ) -> str:
        """Put a job into the line. Returns its event id, which is its session too if it has none.

        Args:
            root: The address that the client used.
            simple: Send whole values for what it streams, no edits.

        Raises:
            QueueFull: As many jobs wait already as may.
            Invalid: The endpoint's validator does not accept the inputs.
            Exception: Whatever the validator raised.
        """
        size, limit = self.size, self._app.max_queue_size
        if limit is not None and size >= limit:
            raise QueueFull(f"Queue is full. Max size is {limit} and size is {size}.")
        if endpoint.validator is not None and self._generation.has_validators:
            self._validate(endpoint.validator, Job("", endpoint, session_hash, data, context, root), now)
        event_id = self._new_id()
        session_hash = session_hash or event_id
        context.session_hash = session_hash if self._generation.tells_session else None
        job = Job(event_id, endpoint, session_hash, data, context, root, simple)
        session = self._session(session_hash)
        session.mailbox = session.mailbox or Mailbox(session_hash)
        session.owed.add(job.event_id)
        if endpoint.is_stream:
            self._inputs_of[event_id] = job
            if len(self._inputs_of) > SESSIONS:
                del self._inputs_of[next(iter(self._inputs_of))]
        line = self._lines.setdefault(endpoint, Line(endpoint))
        line.waiting.append(job)
        self._estimate(endpoint, now, first=len(line.waiting) - 1)
        self._advance(endpoint, now)
        return job.event_id

    @property
    def size(self) -> int:
        """How many jobs wait."""
        return sum(len(line.waiting) for line in self._lines.values())

    def status(self) -> Message:
        """What ``/queue/status`` says."""
        return {
            "msg": "estimation",
            "event_id": None,
            "rank": None,
            "queue_size": self.size,
            "rank_eta": None,
        }

    def _advance(self, endpoint: Endpoint, now: float) -> None:
        """Start as many runs of an endpoint as may be."""
        line = self._lines[endpoint]
        while line.waiting and line.is_open and not self.stopped:
            jobs = [line.waiting.popleft()]
            while endpoint.batch and line.waiting and len(jobs) < endpoint.max_batch_size:
                jobs.append(line.waiting.popleft())
            run = self._start(jobs, now)
            line.runs.append(run)
            self._estimate(endpoint, now)
            for job in jobs:
                self._send(
                    job,
                    {
                        "msg": "process_starts",
                        "event_id": job.event_id,
                        "eta": line.whole.mean,
                    },
                )
            self._step(run, now)

    def _estimate(self, endpoint: Endpoint, now: float, first: int = 0) -> None:
        """Tell those who wait, from the one at ``first`` on, how long it will be.

        A job is done after: the first run that goes on has ended; those before it in the line have run, as
        many at a time as may; it has run itself. Before the first run ended nothing is known.
        """
        line = self._lines[endpoint]
        mean = line.whole.mean
        free = 0.0
        if not line.is_open and mean is not None:
            free = max(min(run.began for run in line.runs) + mean - now, 0.0)
        for rank, job in enumerate(line.waiting):
            if rank >= first:
                limit = endpoint.concurrency_limit
                before = 0.0 if mean is None or limit is None else rank * mean / limit
                self._send(
                    job,
                    {
                        "msg": "estimation",
                        "event_id": job.event_id,
                        "rank": rank,
                        "queue_size": len(line.waiting),
                        "rank_eta": None if mean is None else mean + before + free,
                    },
                )

    # Running

    def call(
        self,
        endpoint: Endpoint,
        data: Sequence[Any],
        session_hash: str | None,
        context: Context,
        reply: Callable[[bool, Mapping[str, Any]], None],
        now: float,
        *,
        root: str = "",
    ) -> None:
        """Run an endpoint past the queue. ``reply(success, output)`` gets the first outcome."""
        self._lines.setdefault(endpoint, Line(endpoint))
        run = self._start([Job(self._new_id(), endpoint, session_hash, data, context, root)], now)
        run.reply = reply
        self._step(run, now)

    def _start(self, jobs: list[Job], now: float) -> Run:
        run = Run(jobs, self._call(jobs, now), now, now)
        self._runs[jobs[0].event_id] = run
        return run

    def _call(self, jobs: list[Job], now: float) -> Call:
        endpoint = jobs[0].endpoint
        try:
            if jobs[0].error is not None:
                raise jobs[0].error
            if endpoint.is_generator and not self._app.has_queue:
                raise ValueError("Need to enable queue to use generators.")
            if endpoint.cancels:
                self._cancel_runs(jobs[0].session_hash, endpoint.cancels, now)
            if endpoint.oauth_token == "required" and jobs[0].context.oauth_token is None:
                raise Error("This action requires a logged in user. Please sign in and retry.")
            return Call(endpoint, self._inputs(jobs, now), jobs[0].context)
        except Exception as error:
            # As an outcome like any other it needs no path of its own through the queue.
            return Call(endpoint, (), jobs[0].context, error=error)

    def _step(self, run: Run, now: float) -> None:
        run.stepped = now
        self.actions.append(RunJob(run.jobs[0].event_id, run.call))

    def stepped(self, event_id: str, outcome: Outcome, now: float) -> None:
        """A step that was asked for has been made.

        Raises:
            LocalProtocolError: No step of that event was asked for.
        """
        run = self._runs.get(event_id)
        if run is None:
            raise LocalProtocolError(f"no step of {event_id!r} was asked for: report each RunJob once")
        if run.ended:
            self._forget(run)
        elif isinstance(outcome, Raised):
            self._fail(run, outcome.error, now)
        else:
            try:
                self._take(run, outcome, now)
            except Exception as error:  # a value that JSON cannot hold, or of the wrong shape
                self._fail(run, error, now)

    def reported(self, event_id: str, aside: Aside) -> None:
        """A function said something beside its outputs; of no interest once its run is over."""
        run = self._runs.get(event_id)
        if run is None or run.ended or run.reply is not None:
            return
        for job in run.jobs:
            if isinstance(aside, Log):
                message: Message = {
                    "msg": "log",
                    "event_id": job.event_id,
                    "log": aside.log,
                    "level": aside.level,
                    "duration": aside.duration,
                    "visible": aside.visible,
                    "title": aside.title,
                }
            else:
                unit: Message = {
                    "index": aside.index,
                    "length": aside.length,
                    "unit": aside.unit,
                    "progress": aside.progress,
                    "desc": aside.desc,
                }
                message = {"msg": "progress", "event_id": job.event_id, "progress_data": [unit]}
            self._send(job, message)

    def _take(self, run: Run, outcome: Yielded | Returned | Exhausted, now: float) -> None:
        endpoint = run.endpoint
        if isinstance(outcome, Exhausted) and run.output is not None and not self._generation.sends_edits:
            # Where all values are whole, the end has nothing to add: the last one is said again.
            self._complete(run, [run.output], now)
        elif isinstance(outcome, Exhausted):
            # The stream of edits ends with the whole value again, so that a client can make sure.
            values = run.last if run.last is not None else [None] * len(endpoint.outputs)
            self._complete(run, [self._output(run, values, False, now)], now)
        elif isinstance(outcome, Returned) and isinstance(outcome.value, Rendering):
            output = self._output(run, self._values(run.jobs[0], None, now), False, now)
            output["render_config"] = self._render(run.jobs[0], outcome.value)
            self._complete(run, [output], now)
        elif isinstance(outcome, Returned) and endpoint.is_stream and run.reply is None:
            self._take_processed(run, self._values(run.jobs[0], outcome.value, now), now)
        elif isinstance(outcome, Returned):
            rows = self._rows(run, outcome.value, now)
            generating = None if endpoint.batch else False
            self._complete(run, [self._output(run, row, generating, now) for row in rows], now)
        else:
            values = self._values(run.jobs[0], outcome.value, now)
            sent = values
            if run.last is not None and not run.jobs[0].simple and self._generation.sends_edits:
                sent = self._edits(endpoint, run.last, values)
            run.last = values
            output = run.output = self._output(run, sent, True, now)
            if run.reply is not None:
                run.reply(True, self._spoiled(endpoint, output))
                self._finish(run, now)
                return
            for job in run.jobs:
                self._send(
                    job,
                    {
                        "msg": "process_generating",
                        "event_id": job.event_id,
                        "output": output,
                        "success": True,
                        "time_limit": None,
                    },
                )
            if any(job.alive for job in run.jobs):
                self._step(run, now)
            else:
                self._finish(run, now)

    # Input in chunks

    def _take_processed(self, run: Run, values: list[Any], now: float) -> None:
        """A chunk was processed: tell, and wait for the next one, unless the input is at its end."""
        limit = run.endpoint.time_limit
        run.used += now - (run.stepped if run.first is None else run.waits_since)
        if run.first is None:
            run.first = now - run.stepped
        closed = run.jobs[0].is_closed and (limit is not None or self._generation.ends_input_streams)
        is_over = closed or (limit is not None and run.used >= limit)
        run.last = values
        run.output = self._output(run, values, not is_over, now)
        if is_over:
            self._complete(run, [run.output], now)
            return
        job = run.jobs[0]
        self._send(
            job,
            {
                "msg": "process_streaming",
                "event_id": job.event_id,
                "output": run.output,
                "success": True,
                "time_limit": None if limit is None else limit - run.first,
            },
        )
        run.waits_since = now
        if not job.alive:
            self._finish(run, now)
        elif run.has_news:
            self._take_news(run, now)
        else:
            self._waiting[run] = now + (limit or CHUNK_SECONDS) - run.first

    def add_chunk(self, event_id: str, data: Sequence[Any], now: float) -> bool:
        """What ``POST /stream/{event_id}`` does. False if there is no such job."""
        job = self._inputs_of.get(event_id)
        if job is None:
            return False
        job.data = data
        self._notify(event_id, now)
        return True

    def end_input(self, event_id: str, now: float) -> bool:
        """What ``POST /stream/{event_id}/close`` does. False if there is no such job."""
        job = self._inputs_of.get(event_id)
        if job is None:
            return False
        job.is_closed = True
        self._notify(event_id, now)
        return True

    def _notify(self, event_id: str, now: float) -> None:
        run = self._runs.get(event_id)
        if run is not None:
            run.has_news = True
            if run in self._waiting:
                del self._waiting[run]
                self._take_news(run, now)

    def _take_news(self, run: Run, now: float) -> None:
        run.has_news = False
        if run.jobs[0].is_closed and self._generation.ends_input_streams:
            assert run.output is not None
            self._complete(run, [run.output], now)
        else:
            run.call = self._call(run.jobs, now)
            self._step(run, now)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due; None if nothing waits for time."""
        return min(self._waiting.values(), default=None)

    def handle_timer(self, now: float) -> None:
        """End the inputs of which no chunk has come in time."""
        for run in [run for run, until in self._waiting.items() if until <= now]:
            del self._waiting[run]
            assert run.output is not None
            self._send(run.jobs[0], completed(run.jobs[0].event_id, run.output))
            self._finish(run, now)

    # Rendering

    def _render(self, job: Job, rendering: Rendering) -> Message | None:
        """Give what was rendered to the session, in place of what was rendered before."""
        render_id = job.endpoint.render_id
        assert render_id is not None
        if job.session_hash is None:
            return None
        session = self._session(job.session_hash)
        before = session.rendered.pop(render_id, [])
        others = [*self._app.endpoints, *session.endpoints]
        taken = {
            endpoint.name for endpoint in (*others, *(before if self._generation.renames_rendered else ()))
        }
        for component in rendering.components:
            if component not in self._app.components and component not in session.components:
                session.components[component] = session.next_component
                session.next_component += 1
        made: list[Endpoint] = []
        for endpoint in rendering.endpoints:
            made.append(replace(endpoint, id=session.next_fn, name=free_name(endpoint.name, taken)))
            taken.add(made[-1].name)
            session.next_fn += 1
        for endpoint in before:
            if not self._lines.get(endpoint, Line(endpoint)).is_busy:
                self._lines.pop(endpoint, None)
        session.rendered[render_id] = made
        return self._app.render_config(render_id, made, {**self._app.components, **session.components})

    def _complete(self, run: Run, outputs: Sequence[Mapping[str, Any]], now: float) -> None:
        if run.reply is not None:
            run.reply(True, self._spoiled(run.endpoint, outputs[0]))
            self._finish(run, now)
            return
        for job, output in zip(run.jobs, outputs, strict=True):
            self._send(
                job,
                completed(
                    job.event_id,
                    output,
                    cache_duration=output["duration"],
                    avg_time=output["average_duration"],
                ),
            )
        self._note(run, now - run.began if run.first is None else run.first)
        self._finish(run, now)

    def _note(self, run: Run, seconds: float) -> None:
        """A run has come to its end in that time."""
        self._lines[run.endpoint].whole.add(seconds)

    def _fail(self, run: Run, error: BaseException, now: float) -> None:
        output = self._error(error)
        if run.reply is not None:
            run.reply(False, output)
            self._finish(run, now)
            return
        first = run.last is None or not self._generation.confuses_late_errors
        duration = output.get("duration")
        for job in run.jobs:
            # After a first value the server builds this message on another path, which forgets the title
            # and takes the error's display time for a cache's.
            self._send(
                job,
                completed(
                    job.event_id,
                    output,
                    success=False,
                    title=output.get("title", "Error") if first else None,
                    cache_duration=None if first or duration is None else float(duration),
                ),
            )
        self._finish(run, now)

    def _finish(self, run: Run, now: float) -> None:
        """A run is over, and no step of it in flight."""
        self._end(run, now)
        self._forget(run)

    def _end(self, run: Run, now: float) -> None:
        """A run is over, though its step may be in flight still: the next in the line may start."""
        run.ended = True
        for media in run.media:
            media.ended = True
        line = self._lines[run.endpoint]
        if run in line.runs:
            line.runs.remove(run)
            self._advance(run.endpoint, now)
        if self._waiting.pop(run, None) is not None:  # then no step is running
            self._forget(run)

    def _forget(self, run: Run) -> None:
        """No step of this run goes on any more."""
        event_id = run.jobs[0].event_id
        del self._runs[event_id]
        if self._generation.forgets_events:
            for job in run.jobs:
                self._inputs_of.pop(job.event_id, None)
        if run.endpoint.is_generator:
            self.actions.append(StopJob(event_id, run.call))

    # Cancelling

    def cancel(self, event_id: str, session_hash: str, fn_index: int, now: float) -> None:
        """What ``POST /cancel`` does. Nothing happens where nothing fits."""
        if not self._generation.cancels_siblings:
            self._cancel_job(event_id, session_hash, now)
            return
        for line in [*self._lines.values()]:
            if line.endpoint.id != fn_index:
                continue
            for run in [*line.runs]:
                # The server knows running tasks by their first job's session and by function, not by event.
                if run.jobs[0].session_hash == session_hash:
                    self._end(run, now)
        for line in self._lines.values():
            if self._generation.cancels_queued:
                for job in [job for job in line.waiting if job.event_id == event_id]:
                    line.waiting.remove(job)
        session = self._sessions.get(session_hash)
        if session is not None and session.mailbox is not None and event_id in session.owed:
            self.post(session.mailbox, completed(event_id, {}))

    def _cancel_job(self, event_id: str, session_hash: str, now: float) -> None:
        """Cancel that job and no other, as a server without defects does it."""
        for line in self._lines.values():
            for job in [*line.waiting]:
                if (job.event_id, job.session_hash) == (event_id, session_hash):
                    line.waiting.remove(job)
                    self._send(job, completed(event_id, {}))
            for run in [*line.runs]:
                for job in run.jobs:
                    if (job.event_id, job.session_hash) == (event_id, session_hash):
                        self._send(job, completed(event_id, {}))
                        self._leave(run, job, now)

    def reset(self, event_id: str) -> bool:
        """What ``POST /reset`` did before Gradio 4.31: a generator is not asked for more, and nobody is told.

        Returns:
            Whether there is such a generator.
        """
        run = self._runs.get(event_id)
        if run is None or run.last is None:
            return False
        self._tell_cancelled(run.jobs[0])
        run.jobs[0].alive = False
        return True

    def _cancel_runs(self, session_hash: str | None, names: Sequence[str], now: float) -> None:
        """What a call of a cancelling endpoint does: what runs of the others dies without a word.

        Raises:
            IndexError: Servers of this version leave that to ``/cancel``.
        """
        if not self._generation.cancels_by_endpoint:
            raise IndexError("function has no backend method.")
        for endpoint in [endpoint for endpoint in self._app.endpoints if endpoint.name in names]:
            for run in [*self._lines[endpoint].runs]:
                if run.jobs[0].session_hash == session_hash:
                    self._end(run, now)
                    for job in run.jobs:
                        self._tell_cancelled(job)

    def _tell_cancelled(self, job: Job) -> None:
        """A job was ended otherwise than by ``/cancel``: real servers keep that to themselves."""
        if not self._generation.cancels_silently:
            self._send(job, completed(job.event_id, {}))

    def _leave(self, run: Run, job: Job, now: float) -> None:
        """Take one job out of a run; without any the run is over."""
        job.alive = False
        if not any(job.alive for job in run.jobs):
            self._end(run, now)

    def stop(self, now: float) -> None:
        """What ``demo.close()`` does: nothing starts any more, and what runs dies without a word."""
        self.stopped = True
        for line in self._lines.values():
            for run in [*line.runs]:
                self._end(run, now)

    # Values

    def _validate(self, validator: Callable[..., Any], job: Job, now: float) -> None:
        given = validator(*self._row(job, now))
        verdicts: list[Message] = []
        for index, verdict in enumerate(given if is_sequence(given) else [given]):
            if is_dict(verdict) and verdict.get("__type__") == "validate":
                verdicts.append({**verdict, "parameter_name": job.endpoint.parameter_name(index)})
            else:
                verdicts.append({"is_valid": True, "message": ""})
        if not all(verdict["is_valid"] for verdict in verdicts):
            raise Invalid(verdicts)

    def _inputs(self, jobs: Sequence[Job], now: float) -> Sequence[Any]:
        if not jobs[0].endpoint.batch:
            return self._row(jobs[0], now)
        rows = [self._row(job, now) for job in jobs]
        return [list(column) for column in zip(*rows, strict=True)]

    def _row(self, job: Job, now: float) -> list[Any]:
        wanted = job.endpoint.inputs
        if len(job.data) < len(wanted):
            raise ValueError(
                f"An event handler ({job.endpoint.fn_name}) didn't receive enough input values "
                f"(needed: {len(wanted)}, got: {len(job.data)})."
            )
        state = self._state(job, now)
        # What is too much is cut off without a word, as on a real server.
        return [
            state.setdefault(component, copy.deepcopy(component.value))
            if component.is_state
            else component.preprocess(value, self._files)
            for component, value in zip(wanted, job.data, strict=False)
        ]

    def _rows(self, run: Run, value: Any, now: float) -> list[list[Any]]:
        """The outputs for each job of a run."""
        if not run.endpoint.batch:
            return [self._values(run.jobs[0], value, now)]
        columns: Sequence[Sequence[Any]] = value
        if any(len(column) != len(run.jobs) for column in columns):
            raise ValueError(f"Batch function returned outputs of the wrong size (needed: {len(run.jobs)}).")
        return [
            self._values(job, row if len(run.endpoint.outputs) != 1 else row[0], now)
            for job, row in zip(run.jobs, zip(*columns, strict=True), strict=True)
        ]

    def _values(self, job: Job, value: Any, now: float) -> list[Any]:
        """What the function gave, as a list of one value for each output, State kept back."""
        outputs = job.endpoint.outputs
        if len(outputs) == 1:
            values: Sequence[Any] = [value]
        elif not outputs:
            values = []
        else:
            values = value if is_sequence(value) else [value]
            if len(values) < len(outputs):
                raise ValueError(
                    f"A  function ({job.endpoint.fn_name}) didn't return enough outputs "
                    f"(needed: {len(outputs)}, returned: {len(values)})."
                )
        sent: list[Any] = []
        state = self._state(job, now)
        for component, item in zip(outputs, values, strict=False):
            if component.is_state:
                state[component] = item
                sent.append(None)
            elif component.streaming and item is not None:
                sent.append(self._stream(job, component, item))
            else:
                chat_parts = self._generation.chat_parts
                sent.append(component.postprocess(item, self._files, job.root, chat_parts=chat_parts))
        return sent

    def _stream(self, job: Job, component: Component, piece: Any) -> dict[str, Any]:
        session = self._sessions.get(job.session_hash or "")
        ids = (
            self._app.components
            if component in self._app.components or session is None
            else session.components
        )
        where = f"{job.session_hash or job.event_id}/{job.event_id}/{ids[component]}"
        media, data = self.media.add(where, component, piece, job.root)
        self._runs[job.event_id].media.append(media)
        return data

    def _state(self, job: Job, now: float) -> dict[Component, Any]:
        if job.session_hash is None:
            return {}
        session = self._session(job.session_hash)
        if session.is_closed and now - session.state_set > STATE_SECONDS:
            session.state.clear()
        session.state_set = now
        return session.state

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        shifted, whole = self._generation.shifts_deletes, self._generation.json_is_whole
        return [
            diff_whole(before, after)
            if whole and component.is_opaque
            else diff(before, after, shifted=shifted)
            for component, before, after in zip(endpoint.outputs, old, new, strict=True)
        ]

    def _output(self, run: Run, values: Sequence[Any], generating: bool | None, now: float) -> Message:
        duration = now - run.stepped
        average = self._lines[run.endpoint].steps
        average.add(duration)
        return {
            "data": [*values],
            "is_generating": generating,
            "duration": duration,
            "average_duration": average.mean,
            "render_config": None,
            "changed_state_ids": [],
            "used_cache": None,
        }

    def _spoiled(self, endpoint: Endpoint, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a direct call makes of an output."""
        if not self._generation.quotes_json:
            return output
        data = [
            f"root={value!r}" if component.is_opaque and (is_list(value) or is_dict(value)) else value
            for component, value in zip(endpoint.outputs, output["data"], strict=True)
        ]
        return {**output, "data": data}

    def _error(self, error: BaseException) -> Message:
        if isinstance(error, Error):
            return {
                "error": error.message,
                "duration": error.duration,
                "visible": error.visible,
                "title": error.title,
            }
        return {"error": str(error), "visible": True} if self._app.show_error else {"error": None}


def completed(
    event_id: str,
    output: Mapping[str, Any],
    *,
    success: bool = True,
    title: str | None = None,
    cache_duration: float | None = None,
    avg_time: float | None = None,
) -> Message:
    """A ``process_completed`` message."""
    return {
        "msg": "process_completed",
        "event_id": event_id,
        "output": output,
        "success": success,
        "title": title,
        "used_cache": None,
        "cache_duration": cache_duration,
        "avg_time": avg_time,
    }
