"""What ``submit()`` returns: a job as its user holds it."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .. import errors
from ..cancelling import CancelReport, refusal_to_settle
from ..errors import ClientClosed
from ..events import Cancelled, Completed, Failed, JobEvent, Output
from ..flows.calls import cancel
from ..flows.state import LiveSession
from ..job import Job as ProtocolJob
from ..status import StatusUpdate
from ..transport import BlockingTransport
from .job_base import JobBase
from .options import checked_callback
from .reading import EventReader

if TYPE_CHECKING:
    from .engine import Engine


class JobCancelled(errors.JobCancelled, concurrent.futures.CancelledError):
    """What ``result()`` of a cancelled job raises: a GradioError, and what users of futures expect."""


if sys.version_info >= (3, 11):
    JobTimeout = TimeoutError
else:

    class JobTimeout(concurrent.futures.TimeoutError, TimeoutError):
        """A wait for a job was over before the job: both kinds of TimeoutError that Python 3.10 has."""


class Job(JobBase[BlockingTransport], concurrent.futures.Future[Any]):
    """A call under way. It is a :class:`concurrent.futures.Future`, and more: iterate over it for its outputs as
    they come, or over :meth:`events` for everything that happens to it.

    Made by :meth:`Client.submit`; its errors are raised by :meth:`result` and by iterating.

    Example:
        ::

            job = client.submit(3, api_name="/count")
            for value in job:
                print(value)  # prints 0; prints 1; prints 2
    """

    def __init__(
        self, client: object, engine: Engine[BlockingTransport], live: LiveSession, job: ProtocolJob
    ) -> None:
        self._begin_future()
        super().__init__(client, engine, live, job)
        self._iterator: Iterator[Any] | None = None

    # What a future does.

    def _begin_future(self) -> None:
        concurrent.futures.Future.__init__(self)  # pyright: ignore[reportUnknownMemberType]
        self.set_running_or_notify_cancel()

    def _settled(self) -> None:
        if self._engine.is_forking:
            # Whoever held the future's lock or waited for it is the parent's thread, and is not here to let go:
            # the future begins anew.
            self._begin_future()
        outcome = self._job.outcome
        if isinstance(outcome, Completed):
            self.set_result(outcome.value)
        elif isinstance(outcome, Failed):
            self.set_exception(outcome.error)
        else:
            self.set_exception(self._job.cancelled_error(JobCancelled))
        super()._settled()

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

        Example:
            ::

                job = client.submit("Ada", api_name="/greet")
                print(job.result(timeout=10))  # prints Hello, Ada!
        """
        # Asked first, since concurrent.futures.wait() asks for exceptions while it holds locks of its own.
        if not self.done():
            self._wait(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end, and return what :meth:`result` would raise, or None.

        Args:
            timeout: Seconds to wait; None for as long as it takes.

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
        """Have ``fn(job)`` called when the job has ended: on a thread of the client's (an AsyncClient's: where flows
        run), or at once if it has ended already. It may call the client; what it raises is logged."""
        self._add_done_callback(checked_callback("fn", fn))

    def cancel(self, force: bool = False) -> bool:
        """Cancel the job, as far as that is possible.

        A queued job and a generator end at once, and the server is told where that harms no other job of this
        client: now, or when the job starts there, if that server takes none out of its queue. A plain function that
        runs already cannot be stopped: then this returns False and the result still comes, unless ``force`` gives
        it up. See :attr:`cancel_report` for what was done.

        Returns:
            Whether the job has ended as cancelled.

        Example:
            ::

                job = client.submit(1000, api_name="/count")
                print(next(job), job.cancel())  # prints 0 True
                print(job.cancel_report.reason)  # prints the server was asked to stop the job
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

    # Input that comes in chunks.

    def send_chunk(self, /, *args: Any, **kwargs: Any) -> None:
        """Send one more chunk to an endpoint that takes its input in chunks (Gradio 5 and later); the call itself has
        sent the first. Each chunk is given as the arguments of a call are, files included.

        Waits until the function has processed the chunk before, and the server has this one: a server drops a chunk
        on which it has not begun when the next one comes. It gives one output for each.

        Args:
            args: The chunk's arguments by position.
            kwargs: Those by name.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: The endpoint takes no chunks, or an argument cannot be sent.
            LocalProtocolError: The job takes no more: it has ended, or :meth:`close_stream` was called, or the server's
                time limit is over.
            GradioError: The server was not reached, or did not take it.
        """
        from ..flows.stream_input import send_chunk  # few programs do that

        transport = self._engine.transport
        with transport.lock:
            chunk = self._engine.chunk(self._live, self._job, args, kwargs)
        transport.run(send_chunk(self._engine.state, self._live, self._job, chunk))

    def close_stream(self) -> None:
        """End the input of a job that takes it in chunks, when the function has processed all of them: the job then
        completes, with its last output. Does nothing if it has ended already.

        Raises:
            ArgumentError: The endpoint takes no chunks.
            GradioError: The server was not reached, or said no.
        """
        from ..flows.stream_input import close_stream

        self._engine.transport.run(close_stream(self._engine.state, self._live, self._job))

    # What a job does beyond.

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the job up, if it has not ended: ``with client.submit(...) as job`` leaves nothing behind."""
        if not self.done():
            self.cancel(force=True)

    def status(self) -> StatusUpdate:
        """How the job stands now; asks nobody, and does not wait."""
        with self._engine.transport.lock:
            return self._job.status_update(self._engine.transport.wall_clock())

    def outputs(self) -> list[Any]:
        """The outputs so far, oldest first: what a generator has yielded, or the one result of a plain function.

        Does not wait, except for files in outputs that were not fetched yet. They are rebuilt at each call, so the
        list and what is in it are the caller's own.
        """
        events = _Events(self, self._engine, self._job, waits=False)
        return [event.value for event in events if isinstance(event, Output)]

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the outputs as they come.

        The iteration ends with the job, and raises its error if it failed or was cancelled by the server.
        """
        return _Outputs(self, self.events())

    def __next__(self) -> Any:
        """The next output, waited for: ``next(job)`` takes up where the last one stopped."""
        if self._iterator is None:
            self._iterator = iter(self)
        return next(self._iterator)

    def events(self) -> Iterator[JobEvent]:
        """Iterate over everything that happens to the job, as it happens: see :mod:`gradio_proto.events`.

        The last event is Completed, Failed or Cancelled; nothing is raised for a job that failed.

        Example:
            ::

                from gradio_proto.events import Output

                for event in client.submit(2, api_name="/count").events():
                    if isinstance(event, Output):
                        print(event.value)  # prints 0; prints 1
        """
        return _Events(self, self._engine, self._job)


class _Events(Iterator[JobEvent]):
    """A job's events, waited for unless ``waits`` is False; with the files in outputs, unless ``fetches`` is."""

    def __init__(
        self,
        owner: Job,
        engine: Engine[BlockingTransport],
        job: ProtocolJob,
        *,
        waits: bool = True,
        fetches: bool = True,
    ) -> None:
        self._owner = owner  # which keeps its client open
        self._engine = engine
        self._reader = EventReader(job)
        self._waits = waits
        self._fetches = fetches

    def __next__(self) -> JobEvent:
        reader, transport = self._reader, self._engine.transport
        while True:
            with transport.lock:
                event = reader.next_event()
            if event is not None:
                files = reader.files_to_fetch(event)
                if files and self._fetches:
                    from ..flows.download import fetch_outputs

                    try:
                        transport.run(fetch_outputs(self._engine.state, reader.job, files))
                    except Exception:
                        raise
                    except BaseException:  # Ctrl-C: whoever reads may come back for this event
                        reader.put_back(event)
                        raise
                return reader.with_files(event)
            if reader.is_over or not self._waits:
                raise StopIteration
            transport.wait_until(reader.has_news, reader.job.on_news)


class _Outputs(Iterator[Any]):
    def __init__(self, job: Job, events: Iterator[JobEvent]) -> None:
        self._job = job
        self._events = events

    def __next__(self) -> Any:
        while True:
            event = next(self._events)
            if isinstance(event, Output):
                return event.value
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Cancelled) and event.by_server:
                self._job.result(0)
