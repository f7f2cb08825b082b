"""The queue of Gradio 3.x and 4.0, which asks for a job's inputs when its turn has come.

There is one line for all functions. Whoever joins names a function and a session, and holds back the inputs. When a
worker is free the first in the line that may run is asked for them (``send_data``), and the worker waits: a minute on
3.x, five seconds on 4.0. What is said about a job goes to who joined, and to nobody else: each job has a mailbox of its
own, which is shut behind its last message.

What has ``every`` waits in no line. It is called again and again, until nobody listens any more.

On 3.x as many jobs run at once as there are workers (``default_concurrency_limit``), of whatever functions; on 4.0 each
function has its limit. A job is known by its session and its function, so ``/reset`` on 3.x starts a generator that
runs anew. (That two jobs of one session share a generator there is not shown.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .app import Endpoint, TestApp
from .bodies import JOIN, Unprocessable, parse
from .files import FileStore
from .queueing import Job, Line, Mailbox, Message, Queue, Run, StopJob, completed
from .timers import Timers
from .values import Context

DATA_SECONDS: Final = {"ws": 60.0, "sse": 5.0}
"""How long a worker waits for a job's inputs."""

_THREADS: Final = 40
"""What 4.0 divides by as if they were its workers."""

_LAST = ("process_completed", "queue_full")


@dataclass(eq=False)
class Gathering:
    """A worker that asks for the inputs of one job, or of those of a batch one after the other."""

    endpoint: Endpoint
    """What they have joined for."""
    jobs: deque[Job]
    """Who has not answered yet. The first of them has been asked."""
    ready: list[Job] = field(default_factory=list[Job])
    """Who has."""


class AskingQueue(Queue):
    """The same verbs as the queue of later servers, but that jobs come in by :meth:`enter` and :meth:`offer`."""

    def __init__(self, app: TestApp, files: FileStore, new_id: Callable[[], str]) -> None:
        super().__init__(app, files, new_id)
        self._waits: list[Job] = []
        self._gatherings: list[Gathering] = []
        self._until: Timers[Gathering] = Timers(DATA_SECONDS[app.generation.protocol])
        self._is_dead = False
        self._queue_eta = 1.0

    @property
    def size(self) -> int:
        """How many jobs wait."""
        return len(self._waits)

    # Joining

    def enter(
        self,
        endpoint: Endpoint,
        session_hash: str | None,
        context: Context,
        now: float,
        *,
        root: str,
        data: Sequence[Any] | None = None,
    ) -> Job:
        """Put a job into the line, or, if that is full, tell it so.

        Args:
            context: What the function is told of the request.
            root: The address that the client used.
            data: The inputs, of who gives them without being asked.
        """
        context.session_hash = None
        self._lines.setdefault(endpoint, Line(endpoint))
        job = Job(self._new_id(), endpoint, session_hash, data or (), context, root)
        job.mailbox = Mailbox(session_hash or "", job=job)
        job.is_asked = data is None
        if endpoint.every is not None:
            for run in [*self._lines[endpoint].runs]:
                if run.jobs[0].session_hash == session_hash:
                    self._end(run, now)
            self._gather(deque([job]), now)
            return job
        limit = self._app.max_queue_size
        if limit is not None and self.size >= limit:
            self._send(job, {"msg": "queue_full"})
            return job
        self._waits.append(job)
        self._send(job, self._estimation(self.size - 1))
        self._advance(endpoint, now)
        return job

    def offer(self, job: Job, text: str, now: float) -> None:
        """The client has sent the inputs through the job's socket, asked or not.

        What they cannot be read from leaves the job hanging.
        """
        if job.offered is None:
            job.offered = text
            for gathering in [one for one in self._gatherings if one.jobs[0] is job]:
                self._take_offer(gathering, now)

    def attach(self, event_id: Any, body: Mapping[str, Any], now: float) -> bool:
        """The client has posted the inputs. False if nobody has asked for them."""
        for gathering in self._gatherings:
            job = gathering.jobs[0]
            if job.event_id == event_id:
                self._take_body(job, body)
                gathering.jobs.popleft()
                self._make_ready(gathering, job, now)
                return True
        return False

    def left(self, mailbox: Mailbox) -> None:
        """The reader of a job's messages went away."""
        assert mailbox.job is not None
        self.leave(mailbox.job)

    def leave(self, job: Job) -> None:
        """Who has joined is gone: out of the line; and what runs is told nothing more, and a generator no further."""
        job.alive = False
        self._shut(job)
        if job in self._waits:
            self._waits.remove(job)
        for gathering in self._gatherings:
            if gathering.jobs[0] is job:
                self._until.hasten(gathering)

    def _send(self, job: Job, message: Message) -> None:
        if job.alive and job.mailbox is not None and job.mailbox.is_open:
            self.post(job.mailbox, message)
            if message["msg"] in _LAST:
                self._shut(job)

    def _shut(self, job: Job) -> None:
        """Nothing more is said about a job."""
        if job.mailbox is not None and job.mailbox.is_open:
            job.mailbox.is_open = False
            self.post(job.mailbox, None)

    # The line

    def _advance(self, endpoint: Endpoint, now: float) -> None:
        while not (self.stopped or self._is_dead):
            # Where workers are for all functions, either the first can run or nobody.
            first = self._waits[:1] if self._generation.has_sockets else self._waits
            job = next((job for job in first if self._has_room(job.endpoint)), None)
            if job is None:
                return
            self._waits.remove(job)
            jobs = deque([job])
            if job.endpoint.batch:
                if self._generation.batches_kill_queue and job.endpoint.max_batch_size > 1:
                    # It takes the job out of the line twice, and dies of it.
                    self._is_dead = True
                    return
                for other in [other for other in self._waits if other.endpoint is job.endpoint]:
                    if len(jobs) < job.endpoint.max_batch_size:
                        self._waits.remove(other)
                        jobs.append(other)
            for rank, waiting in enumerate(self._waits):
                self._send(waiting, self._estimation(rank))
            self._gather(jobs, now)

    def _gather(self, jobs: deque[Job], now: float) -> None:
        gathering = Gathering(jobs[0].endpoint, jobs)
        self._gatherings.append(gathering)
        self._ask(gathering, now)

    def _has_room(self, endpoint: Endpoint) -> bool:
        if self._generation.has_sockets:
            limit = self._app.default_concurrency_limit
            asked = sum(gathering.endpoint.every is None for gathering in self._gatherings)
            lines = [line for line in self._lines.values() if line.endpoint.every is None]
            busy = asked + sum(len(line.runs) for line in lines)
        else:
            limit = endpoint.concurrency_limit
            busy = sum(one.endpoint is endpoint for one in self._gatherings) + len(self._lines[endpoint].runs)
        return limit is None or busy < limit

    def _averages(self) -> tuple[float, float | None]:
        """How long a run takes, and how long it is from one to the next; the latter is not known at first."""
        total = sum(line.whole.total for line in self._lines.values())
        count = sum(line.whole.count for line in self._lines.values())
        if not count:
            return 0.0, None
        limit = self._app.default_concurrency_limit if self._generation.has_sockets else _THREADS
        return total / count, total / count / min(limit or count, count)

    def status(self) -> Message:
        """What ``/queue/status`` says."""
        average, concurrent = self._averages()
        return {
            "msg": "estimation",
            "event_id": None,
            "rank": None,
            "queue_size": self.size,
            "avg_event_process_time": average,
            "avg_event_concurrent_process_time": concurrent,
            "rank_eta": None,
            "queue_eta": self._queue_eta,
        }

    def _estimation(self, rank: int) -> Message:
        status = self.status()
        average, concurrent = self._averages()
        if concurrent is not None:
            is_busy = self._generation.has_sockets and not self._has_room(self._waits[rank].endpoint)
            status["rank_eta"] = average + concurrent * (rank + is_busy)
        return {**status, "rank": rank}

    def _note(self, run: Run, seconds: float) -> None:
        super()._note(run, seconds)
        _, concurrent = self._averages()
        assert concurrent is not None
        self._queue_eta = concurrent * self.size

    # Asking

    def _ask(self, gathering: Gathering, now: float) -> None:
        """Ask the next one; with no more left, run."""
        if not gathering.jobs:
            self._gatherings.remove(gathering)
            if gathering.ready:
                run = self._start(gathering.ready, now)
                self._lines.setdefault(run.endpoint, Line(run.endpoint)).runs.append(run)
                self._step(run, now)
            else:
                self._advance(gathering.endpoint, now)
            return
        job = gathering.jobs[0]
        if not job.alive:  # it left while another of its batch was asked
            gathering.jobs.popleft()
            self._ask(gathering, now)
        elif not job.is_asked:
            gathering.jobs.popleft()
            self._make_ready(gathering, job, now)
        else:
            self._send(job, {"msg": "send_data", "event_id": job.event_id})
            self._until.start(gathering, now)
            if job.offered is not None:
                self._take_offer(gathering, now)

    def _take_offer(self, gathering: Gathering, now: float) -> None:
        job = gathering.jobs[0]
        assert job.offered is not None
        try:
            body = parse(job.offered.encode("utf-8", "replace"), "application/json", JOIN)
        except Unprocessable:
            if self._generation.ignores_bad_data:
                # The worker stumbles, and says nothing; all jobs of the batch hang.
                self._drop(gathering, now)
                return
            self._until.stop(gathering)
            gathering.jobs.popleft()
            wrong = self._error(ValueError("The inputs of a job are an object with a list `data`."))
            self._send(job, completed(job.event_id, wrong, success=False))
            self._ask(gathering, now)
            return
        self._take_body(job, body)
        gathering.jobs.popleft()
        self._make_ready(gathering, job, now)

    def _take_body(self, job: Job, body: Mapping[str, Any]) -> None:
        """The inputs, and with them once more what is to run: this is what counts."""
        job.data = body["data"]
        job.context.event_data = body.get("event_data")
        index: int | None = body["fn_index"]
        if index is None:
            job.error = ValueError(
                "This app has no endpoint /api/predict/."
                if self._generation.names_missing_endpoints
                else "Could not infer fn_index for api_name predict."
            )
            return
        endpoint = self.endpoint(None, fn_index=index)
        if endpoint is None:
            job.error = IndexError("list index out of range")
        else:
            job.endpoint = endpoint
            job.context.endpoint = f"/{endpoint.name}"

    def _make_ready(self, gathering: Gathering, job: Job, now: float) -> None:
        self._until.stop(gathering)
        self._send(job, {"msg": "process_starts", "event_id": job.event_id, "eta": None})
        gathering.ready.append(job)
        self._ask(gathering, now)

    def _drop(self, gathering: Gathering, now: float) -> None:
        """A worker gives up, and takes the next job."""
        self._until.stop(gathering)
        self._gatherings.remove(gathering)
        self._advance(gathering.endpoint, now)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due; None if nothing waits for time."""
        deadlines = (self._until.next(), *self._waiting.values())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Give up on the inputs that have not come, and call again what is due."""
        for run in [run for run, until in self._waiting.items() if until <= now]:
            del self._waiting[run]
            if run.jobs[0].alive:
                super()._step(run, now)
            else:
                self._finish(run, now)
        for gathering in self._until.take_due(now):
            job = gathering.jobs.popleft()
            if self._generation.has_sockets:
                # The message is the last, but nobody closes the socket.
                if job.alive and job.mailbox is not None:
                    late = {"error": "Time out uploading data to server"}
                    self.post(job.mailbox, completed(job.event_id, late, success=False))
                    if not self._generation.keeps_late_sockets:
                        self._shut(job)
            else:
                self._shut(job)
            self._ask(gathering, now)

    # The end

    def abandon(self, session_hash: str) -> None:
        """A session is forgotten. Its jobs do not need it."""

    def _end(self, run: Run, now: float) -> None:
        if self._generation.has_sockets:
            for job in run.jobs:
                self._shut(job)
        super()._end(run, now)

    def _cancel_runs(self, session_hash: str | None, names: Sequence[str], now: float) -> None:
        super()._cancel_runs(session_hash, names, now)
        for gathering in [*self._gatherings]:
            if gathering.jobs[0].session_hash == session_hash and gathering.endpoint.name in names:
                self._drop(gathering, now)
                self._tell_cancelled(gathering.jobs[0])

    def _tell_cancelled(self, job: Job) -> None:
        # A socket is closed, and no more is said.
        if not self._generation.has_sockets:
            super()._tell_cancelled(job)
        elif not self._generation.cancels_silently:
            self._shut(job)

    def reset(self, event_id: str) -> bool:
        """What ``POST /reset`` does on 4.0: a generator is not asked for more, and its stream ends without a word.

        Returns:
            Whether there is such a generator.
        """
        is_known = super().reset(event_id)
        if is_known:
            self._shut(self._runs[event_id].jobs[0])
        return is_known

    def reset_iterator(self, session_hash: str, fn_index: int) -> bool:
        """What ``POST /reset`` does on 3.x: a generator that runs begins anew, without a word.

        Returns:
            Whether anything of that session has run.
        """
        for line in self._lines.values():
            for run in line.runs:
                if run.endpoint.id == fn_index and run.jobs[0].session_hash == session_hash:
                    run.is_reset = run.endpoint.is_generator
        return session_hash in self._sessions

    def _step(self, run: Run, now: float) -> None:
        if run.is_reset:
            run.is_reset = False
            self.actions.append(StopJob(run.jobs[0].event_id, run.call))
            run.call = self._call(run.jobs, now)
        if run.endpoint.every is not None and run.last is not None:
            self._waiting[run] = now + run.endpoint.every
        else:
            super()._step(run, now)

    def stop(self, now: float) -> None:
        """Nothing starts any more; what runs goes on to its end."""
        self.stopped = True
