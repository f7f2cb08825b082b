"""What ``submit()`` returns: a job as its user holds it."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import errors
from ..cancelling import CancelReport, refusal_to_settle
from ..errors import ClientClosed
from ..events import Cancelled, Completed, Failed, JobEvent, Output
from ..files import file_outputs_in, with_local_files
from ..flows.calls import cancel
from ..flows.state import LiveSession
from ..job import Job as ProtocolJob
from ..journal import Cursor, Journal
from ..status import StatusUpdate
from .engine import call_safely

if TYPE_CHECKING:
    from .engine import Engine


class JobCancelled(errors.JobCancelled, concurrent.futures.CancelledError):
    """What ``result()`` of a cancelled job raises: a GradioError, and what users of futures expect."""


if sys.version_info >= (3, 11):
    JobTimeout = TimeoutError
else:

    class JobTimeout(concurrent.futures.TimeoutError, TimeoutError):
        """A wait for a job was over before the job: both kinds of TimeoutError that Python 3.10 has."""


class Job(concurrent.futures.Future[Any]):
    """A call under way. It is a :class:`concurrent.futures.Future`, and more: iterate over it for its outputs as
    they come, or over :meth:`events` for everything that happens to it.

    Made by :meth:`Client.submit`; its errors are raised by :meth:`result` and by iterating.
    """

    def __init__(self, client: object, engine: Engine, live: LiveSession, job: ProtocolJob) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()
        self.cancel_report: CancelReport | None = None
        """What the last call of :meth:`cancel` did, and whether the server was told."""
        assert job.journal is not None
        self._client = client  # a job keeps its client open
        self._engine = engine
        self._live = live
        self._job = job
        self._journal = job.journal
        self._iterator: Iterator[Any] | None = None
        self._callbacks: list[Callable[[Job], Any]] | None = []
        job.on_settled.append(self._settled)

    def __repr__(self) -> str:
        return f"<Job {self._job.label} {self._job.code.value} event_id={self._job.event_id}>"

    @property
    def event_id(self) -> str | None:
        """The server's name for the job; None until it has accepted it."""
        return self._job.event_id

    @property
    def session_hash(self) -> str:
        """The session in which it runs."""
        return self._live.session.hash

    # What a future does.

    def _settled(self) -> None:
        # The lock is held here, so nothing of the user's may run: callbacks go to the transport's own thread.
        if self._engine.is_forking:
            # Whoever held the future's lock or waited for it is the parent's thread, and is not here to let go:
            # the future begins anew.
            super().__init__()
            self.set_running_or_notify_cancel()
        outcome = self._job.outcome
        if isinstance(outcome, Completed):
            self.set_result(outcome.value)
        elif isinstance(outcome, Failed):
            self.set_exception(outcome.error)
        else:
            self.set_exception(self._job.cancelled_error(JobCancelled))
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            self._engine.defer_callback(partial(callback, self), self)

    def _wait(self, timeout: float | None) -> None:
        if not self._engine.transport.wait_until(self.done, self._job.on_settled, timeout):
            raise JobTimeout(f"{self!r} has not ended within {timeout:g} s")

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result: the endpoint's value, or the tuple of its values; a generator's last one.

        Args:
            timeout: Seconds to wait; None for as long as it takes. The job goes on when they are over.

        Raises:
            TimeoutError: The job has not ended in time.
            GradioError: Why there is no result (AppError, ConnectionLost, JobCancelled, ...).
        """
        # Asked first, since concurrent.futures.wait() asks for exceptions while it holds locks of its own.
        if not self.done():
            self._wait(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end, and return what :meth:`result` would raise, or None.

        Raises:
            TimeoutError: The job has not ended in time.
        """
        if not self.done():
            self._wait(timeout)
        return super().exception(0)

    def cancelled(self) -> bool:
        """Whether the job ended by being cancelled."""
        return isinstance(self._job.outcome, Cancelled)

    def add_done_callback(self, fn: Callable[[Job], Any]) -> None:
        """Have ``fn(job)`` called when the job has ended: on a thread of the client's, or at once if it has ended
        already. It may call the client; what it raises is logged."""
        with self._engine.transport.lock:
            if self._callbacks is not None:
                self._callbacks.append(fn)
                return
        call_safely(partial(fn, self), self)

    def cancel(self, force: bool = False) -> bool:
        """Cancel the job, as far as that is possible.

        A queued job and a generator end at once, and the server is told where that harms no other job of this
        client: now, or when the job starts there, if that server takes none out of its queue. A plain function that
        runs already cannot be stopped: then this returns False and the result still comes, unless ``force`` gives
        it up. See :attr:`cancel_report` for what was done.

        Returns:
            Whether the job has ended as cancelled.
        """
        with self._engine.transport.lock:
            refusal = refusal_to_settle(self._job, force=force)
        if refusal is not None:  # nothing is to be done, which a closed client can do as well
            self.cancel_report = CancelReport(False, False, refusal)
            return False
        flow = cancel(self._engine.state, self._live, self._job, force=force)
        try:
            self.cancel_report = self._engine.transport.run(flow)
        except ClientClosed:
            self.cancel_report = CancelReport(False, False, "the client was closed meanwhile")
        return self.cancel_report.cancelled

    # What a job does beyond.

    def status(self) -> StatusUpdate:
        """How the job stands now; asks nobody, and does not wait."""
        with self._engine.transport.lock:
            job = self._job
            over = job.is_settled
            return StatusUpdate(
                code=job.code,
                rank=0 if over else job.rank,
                queue_size=None if over else job.queue_size,
                success=isinstance(job.outcome, Completed) if over else None,
                time=self._engine.transport.wall_clock(),
                eta=None if over else job.eta,
                progress_data=None if over or job.progress_data is None else list(job.progress_data),
                log=job.log,
            )

    def outputs(self) -> list[Any]:
        """The outputs so far, oldest first: what a generator has yielded, or the one result of a plain function.

        Does not wait, except for files in outputs that were not fetched yet. They are rebuilt at each call, so the
        list and what is in it are the caller's own.
        """
        reader = _Reader(self._engine, self._job, self._journal, waits=False)
        return [event.value for event in reader if isinstance(event, Output)]

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the outputs as they come.

        The iteration ends with the job, and raises its error if it failed or was cancelled by the server.
        """
        return _Outputs(self, _Reader(self._engine, self._job, self._journal))

    def __next__(self) -> Any:
        """The next output, waited for: ``next(job)`` takes up where the last one stopped."""
        if self._iterator is None:
            self._iterator = iter(self)
        return next(self._iterator)

    def events(self) -> Iterator[JobEvent]:
        """Iterate over everything that happens to the job, as it happens: see :mod:`gradio_proto.events`.

        The last event is Completed, Failed or Cancelled; nothing is raised for a job that failed.
        """
        return _Reader(self._engine, self._job, self._journal)


class _Reader(Iterator[JobEvent]):
    """A job's events from the first one that is still kept."""

    def __init__(self, engine: Engine, job: ProtocolJob, journal: Journal, *, waits: bool = True) -> None:
        self._engine = engine
        self._transport = engine.transport
        self._job = job
        self._cursor = Cursor(journal)
        self._waits = waits
        self._is_over = False
        self._gave_value = False

    def __next__(self) -> JobEvent:
        while True:
            with self._transport.lock:
                event = self._next()
            if event is not None:
                return self._with_files(event) if isinstance(event, Output) else event
            if self._is_over or not self._waits:
                raise StopIteration
            self._transport.wait_until(self._has_news, self._job.on_news)

    def _with_files(self, event: Output) -> Output:
        """An output with its files on this machine. Media that is still growing stays FileData until the end."""
        job = self._job
        files = file_outputs_in(event.value) if job.fetches_files else []
        if not files:
            return event
        if any(not file.is_stream and file not in job.local_paths for file in files):
            from ..flows.download import fetch_outputs

            self._transport.run(fetch_outputs(self._engine.state, job, files))
        return Output(with_local_files(event.value, job.local_paths))

    def _has_news(self) -> bool:
        return self._job.is_settled or not self._cursor.is_at_end

    def _next(self) -> JobEvent | None:
        event = self._cursor.next_event()
        outcome = self._job.outcome
        if event is not None or outcome is None or self._is_over:
            return event
        if isinstance(outcome, Completed) and not self._gave_value:
            # A plain function's only value, or the one that mends a stream of which a part could not be rebuilt.
            self._gave_value = True
            if self._cursor.outputs == 0 or not self._cursor.is_whole:
                return Output(outcome.value)
        self._is_over = True
        return outcome


class _Outputs(Iterator[Any]):
    def __init__(self, job: Job, reader: _Reader) -> None:
        self._job = job
        self._reader = reader

    def __next__(self) -> Any:
        while True:
            event = next(self._reader)
            if isinstance(event, Output):
                return event.value
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Cancelled) and event.by_server:
                self._job.result(0)
