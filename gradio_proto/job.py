"""One call of one endpoint, from the join to its one terminal event.

The states and what moves a job between them are the table :data:`TRANSITIONS`:

* ``NEW``: made, nothing sent. ``JOINING``: the join is on its way and not answered. ``QUEUED``: the server has
  accepted it. ``RUNNING``: the function has started, or has given its first value (a cached function gives
  values without ever saying that it starts). ``FETCHING``: the function has returned, and the files that it handed
  out are on their way. ``SETTLED``: over.
* The files that a call sends are uploaded while it is ``NEW``: the server knows of them, and of no job.
* A job settles once. Whatever a server says afterwards is ignored, since servers do go on talking about jobs
  that they have declared finished (seen on 4.44 to 6.x after ``/cancel``).
* A message for a job whose join is not answered cannot be: the session keeps those back (see session.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from .app_errors import app_error
from .errors import GradioError, JobCancelled, LimitExceeded, LocalProtocolError
from .events import Cancelled, Completed, Failed, Terminal
from .files import FileOutput, Uploads, file_outputs_in, with_local_files
from .http import Headers
from .journal import VALUES, Convert, Journal
from .messages import (
    Estimation,
    Log,
    Message,
    ProcessCompleted,
    ProcessStarts,
    Progress,
    ProgressUnit,
)
from .status import Status, StatusUpdate

if TYPE_CHECKING:
    from .input_stream import InputStream


class JobState(Enum):
    """Where a job is."""

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is Python code, run for each message

    NEW = "NEW"
    JOINING = "JOINING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    FETCHING = "FETCHING"
    SETTLED = "SETTLED"


class JobInput(Enum):
    """What can happen to a job."""

    __hash__ = object.__hash__

    JOIN_SENT = "JOIN_SENT"
    JOIN_ACCEPTED = "JOIN_ACCEPTED"
    RANKED = "RANKED"
    STARTED = "STARTED"
    REPORTED = "REPORTED"
    YIELDED = "YIELDED"
    RETURNED_FILES = "RETURNED_FILES"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_ENDINGS: Final = {
    JobInput.FAILED: JobState.SETTLED,
    JobInput.CANCELLED: JobState.SETTLED,
}

TRANSITIONS: Final[dict[JobState, dict[JobInput, JobState]]] = {
    JobState.NEW: {JobInput.JOIN_SENT: JobState.JOINING, **_ENDINGS},
    JobState.JOINING: {
        JobInput.JOIN_SENT: JobState.JOINING,  # sent again, where max_retries allows it
        JobInput.JOIN_ACCEPTED: JobState.QUEUED,
        **_ENDINGS,
    },
    JobState.QUEUED: {
        JobInput.RANKED: JobState.QUEUED,
        JobInput.STARTED: JobState.RUNNING,
        JobInput.REPORTED: JobState.QUEUED,
        JobInput.YIELDED: JobState.RUNNING,
        JobInput.RETURNED_FILES: JobState.FETCHING,
        JobInput.COMPLETED: JobState.SETTLED,
        **_ENDINGS,
    },
    JobState.RUNNING: {
        JobInput.RANKED: JobState.RUNNING,
        JobInput.STARTED: JobState.RUNNING,
        JobInput.REPORTED: JobState.RUNNING,
        JobInput.YIELDED: JobState.RUNNING,
        JobInput.RETURNED_FILES: JobState.FETCHING,
        JobInput.COMPLETED: JobState.SETTLED,
        **_ENDINGS,
    },
    JobState.FETCHING: {JobInput.COMPLETED: JobState.SETTLED, **_ENDINGS},
    JobState.SETTLED: dict.fromkeys(JobInput, JobState.SETTLED),
}
"""The state that follows, for each state and input; a pair that is not here is a LocalProtocolError."""


def internal_error(error: Exception) -> GradioError:
    """What a job ends with when our own code, or what the caller gave us, raised: not to pass for a cancellation."""
    internal = GradioError(f"an internal error ended the job: {error!r}")
    internal.__cause__ = error
    return internal


class Job:
    """The protocol's side of a job. It eats messages, never bytes, and knows no stream.

    ``on_news`` is called whenever something has happened, ``on_answered`` once when the server has nothing more to
    say about the job, ``on_settled`` once when the job has settled. They take no arguments, must not raise, and
    must do no more than wake somebody.

    Args:
        fn_index: The function's number.
        label: The endpoint, as errors name it.
        payload: The JSON of the call's inputs, but for files that are still to be uploaded.
        convert: Makes the caller's value of a list of outputs.
        journal: Where its messages are kept; None where nobody will ask for them.
        version_info: The server's version of Gradio, on which depends how diffs are read.
        headers: Sent with each request that is this job's alone.
        is_generator: Whether the function may give several values.
        deadline: When the whole job has to be over, on the runner's clock; None for never.
        uploads: The files that are uploaded before the join.
        fetches_files: Whether files in its result are fetched before it settles.
        input_stream: What it sends in chunks, if it does.
        is_orphan: Whether nobody waits for it from the beginning.
    """

    def __init__(
        self,
        *,
        fn_index: int,
        label: str,
        payload: bytes,
        convert: Convert,
        journal: Journal | None,
        version_info: tuple[int, int, int],
        headers: Headers = (),
        is_generator: bool = False,
        deadline: float | None = None,
        uploads: Uploads | None = None,
        fetches_files: bool = False,
        input_stream: InputStream | None = None,
        is_orphan: bool = False,
    ) -> None:
        self.fn_index: Final = fn_index
        self.label: Final = label
        self.payload = payload
        """The body of its join; dropped once the server has accepted it."""
        self.uploads = uploads
        """Files that must be uploaded before the payload is complete."""
        self.files: tuple[FileOutput, ...] = ()
        """What has to be fetched, while the job is FETCHING."""
        self.local_paths: dict[FileOutput, str] = {}
        """Where files that it has handed out are on this machine."""
        self.fetching: dict[FileOutput, list[Callable[[], None]]] = {}
        """Files on their way, each with what wakes those who wait for it too."""
        self.input_stream: Final = input_stream
        """How far its input has come, if that comes in chunks."""
        self.ended_with_output = False
        """Its last value is an output of its own, and does not repeat one."""
        self.is_orphan: Final = is_orphan
        """Nobody waits for it: it is what goes on at the server of a job that has ended here."""
        self.orphan: Job | None = None
        """What it has left behind at its server, if that goes on."""
        self.headers: Final = headers
        """Sent with every request that is this job's alone."""
        self.is_generator: Final = is_generator
        self.journal: Final = journal
        """Where its messages are kept; None for a caller who wants the result and nothing else."""
        self.deadline: Final = deadline
        """When the whole job must be over (``Timeouts.total``)."""
        self.state = JobState.NEW
        self.event_id: str | None = None
        self.session_hash: str | None = None
        self.outcome: Terminal | None = None
        """The terminal event, once there is one."""
        self.code = Status.STARTING
        self.rank: int | None = None
        self.queue_size: int | None = None
        self.eta: float | None = None
        self.progress_data: tuple[ProgressUnit, ...] | None = None
        self.log: tuple[str, str] | None = None
        self.on_news: list[Callable[[], None]] = []
        self.on_answered: list[Callable[[], None]] = []
        self.on_settled: list[Callable[[], None]] = []
        self.fetches_files: Final = fetches_files
        """Whether the files in its outputs are to be fetched."""
        self.redact: Callable[[GradioError, Headers], None] | None = None
        """What takes credentials out of its error, those in its headers too."""
        self._value: Any = None
        self._convert = convert
        self._version_info = version_info

    @property
    def is_settled(self) -> bool:
        """True once the job has its terminal event."""
        return self.state is JobState.SETTLED

    @property
    def is_with_server(self) -> bool:
        """True once the server has the job, or it is over."""
        # A job that goes around the queue is accepted and answered in one.
        return self.state not in (JobState.NEW, JobState.JOINING) or self.code is Status.PROCESSING

    @property
    def is_answered(self) -> bool:
        """True once the server has nothing more to say about the job."""
        return self.state in (JobState.FETCHING, JobState.SETTLED)

    def _move(self, happened: JobInput) -> None:
        try:
            self.state = TRANSITIONS[self.state][happened]
        except KeyError:
            raise LocalProtocolError(f"a job that is {self.state.name} cannot take {happened.name}") from None

    def _tell(self) -> None:
        for wake in tuple(self.on_news):
            wake()

    # What this side does.

    def uploaded(self, payload: bytes) -> None:
        """The files of the call are on the server, and ``payload`` names them."""
        self.payload = payload
        self.uploads = None

    def join_sent(self, session_hash: str) -> None:
        """The join is on its way, in the session that ``session_hash`` names."""
        self._move(JobInput.JOIN_SENT)
        if not self.is_settled:
            self.session_hash = session_hash
            self.code = Status.JOINING_QUEUE

    def sent_around_queue(self) -> None:
        """The request is sent to which the result is the reply: for all that anybody will hear, the function runs."""
        if not self.is_settled:
            self.code = Status.PROCESSING
            self._tell()

    def join_accepted(self, event_id: str) -> None:
        """The server has taken the job and calls it ``event_id``; ``""`` on a connection that is the job's alone."""
        self._move(JobInput.JOIN_ACCEPTED)
        self.event_id = event_id or None
        self.payload = b""
        if not self.is_settled:
            self.code = Status.IN_QUEUE
            self._tell()

    def leave_orphan(self) -> Job:
        """Make the orphan of a job that the server has accepted, and that has ended here before it ran there."""
        assert self.session_hash is not None
        assert self.event_id is not None
        self.orphan = Job(
            fn_index=self.fn_index,
            label=self.label,
            payload=b"",
            convert=lambda _: None,
            journal=None,
            version_info=self._version_info,
            headers=self.headers,
            is_orphan=True,
        )
        self.orphan.join_sent(self.session_hash)
        self.orphan.join_accepted(self.event_id)
        return self.orphan

    def fail(self, error: GradioError) -> None:
        """End the job in an error, unless it has ended already."""
        if not self.is_settled:
            # Before our own words are added, of which a header's value may be one.
            if self.redact is not None:
                self.redact(error, self.headers)
            error.with_context(
                endpoint=self.label,
                event_id=self.event_id,
                session_hash=self.session_hash,
                server_version=".".join(map(str, self._version_info)),
                last_status=self.code.value,
            )
            self._move(JobInput.FAILED)
            self._settle(Failed(error))

    def cancel(self, *, by_server: bool = False) -> None:
        """End the job as cancelled, unless it has ended already. Nobody is told. It was this client's doing, or
        the server's (``by_server``).
        """
        if not self.is_settled:
            self._move(JobInput.CANCELLED)
            self.code = Status.CANCELLED
            self._settle(Cancelled(by_server=by_server))

    def _settle(self, outcome: Terminal) -> None:
        if not isinstance(outcome, Cancelled):
            self.code = Status.FINISHED
        self.outcome = outcome
        self.payload = b""
        self.uploads = None
        self.redact = None  # a job that is kept does not keep its client's credentials
        self._value = None
        self._tell()
        # Let go of them: they refer back to this job, and a result should live no longer than its last user.
        hooks = [*self.on_answered, *self.on_settled]
        self.on_answered, self.on_settled = [], []
        for wake in hooks:
            wake()

    def result(self) -> Any:
        """The value of a settled job.

        Raises:
            GradioError: Why it has none.
        """
        if isinstance(self.outcome, Completed):
            return self.outcome.value
        if isinstance(self.outcome, Failed):
            raise self.outcome.error
        if isinstance(self.outcome, Cancelled):
            raise self.cancelled_error(JobCancelled)
        raise LocalProtocolError("the job has not ended yet")

    def cancelled_error(self, cls: type[JobCancelled]) -> JobCancelled:
        """The error that a cancelled job's ``result()`` raises, as ``cls``."""
        return cls("the job was cancelled").with_context(
            endpoint=self.label, event_id=self.event_id, session_hash=self.session_hash
        )

    def status_update(self, time: datetime) -> StatusUpdate:
        """How the job stands; ``time`` is now."""
        over = self.is_settled
        return StatusUpdate(
            code=self.code,
            rank=0 if over else self.rank,
            queue_size=None if over else self.queue_size,
            success=isinstance(self.outcome, Completed) if over else None,
            time=time,
            eta=None if over else self.eta,
            progress_data=None if over or self.progress_data is None else list(self.progress_data),
            log=self.log,
            time_limit=None if self.input_stream is None else self.input_stream.time_limit,
        )

    # What the server says.

    def receive(self, message: Message, text: str) -> None:
        """Take a message that is for this job; ``text`` is its wire form."""
        if self.is_answered:
            return
        if isinstance(message, ProcessCompleted):
            self._complete(message)
            return
        self._move(self._note(message))
        if self.input_stream is not None:
            self.input_stream.receive(message)
        if self.journal is not None:
            try:
                self.journal.append(text, message)
            except LimitExceeded as error:
                self.fail(error)
                return
        self._tell()

    def _note(self, message: Message) -> JobInput:
        """Bring the status up to date, and say what a message means for the state."""
        if isinstance(message, VALUES):
            self.code = Status.ITERATING
            return JobInput.YIELDED
        if isinstance(message, Progress):
            self.code = Status.PROGRESS
            self.progress_data = message.progress_data
        elif isinstance(message, Log):
            self.code = Status.LOG
            self.log = (message.log, message.level)
        elif isinstance(message, ProcessStarts):
            self.code = Status.PROCESSING
            self.rank = 0
            self.eta = message.eta
            return JobInput.STARTED
        elif isinstance(message, Estimation):
            self.rank, self.queue_size, self.eta = message.rank, message.queue_size, message.rank_eta
            if self.state is JobState.QUEUED:
                self.code = Status.IN_QUEUE
            return JobInput.RANKED
        return JobInput.REPORTED

    def _complete(self, message: ProcessCompleted) -> None:
        if not message.success:
            self.fail(app_error(message, self._version_info))
        elif message.data is None:  # which is_cancellation says, too
            self.cancel(by_server=True)
        else:
            try:
                value = self._convert(message.data)
            except Exception as error:  # this job's, whoever reads the stream for it
                self.fail(error if isinstance(error, GradioError) else internal_error(error))
                return
            self.ended_with_output = self.input_stream is not None and not message.is_generating
            self.files = tuple(file_outputs_in(value)) if self.fetches_files else ()
            if not self.files:
                self._move(JobInput.COMPLETED)
                self._settle(Completed(value))
                return
            self._move(JobInput.RETURNED_FILES)
            self._value = value
            hooks, self.on_answered = self.on_answered, []
            for wake in hooks:
                wake()

    def fetched(self) -> None:
        """The files of a job that is FETCHING are here: it settles with their local paths, unless it has ended."""
        if not self.is_settled:
            self._move(JobInput.COMPLETED)
            self._settle(Completed(with_local_files(self._value, self.local_paths)))
