"""What ``await client.submit()`` returns: a job as a task of trio or asyncio holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from ..cancelling import CancelReport, refusal_to_settle
from ..errors import ClientClosed
from ..events import Cancelled, Completed, Failed, JobEvent, Output
from ..flows.calls import cancel
from ..flows.state import LiveSession
from ..job import Job as ProtocolJob
from ..status import StatusUpdate
from ..transport import AsyncTransport
from .job import Job, JobCancelled, JobTimeout
from .job_base import JobBase
from .options import checked_callback
from .reading import EventReader
from .twins import twin_of

if TYPE_CHECKING:
    from .engine import Engine


class AsyncJob(JobBase[AsyncTransport]):
    """A call under way: the twin of :class:`Job`, each method of which is awaited here.

    Made by :meth:`AsyncClient.submit`. It makes progress while somebody awaits something of its client, whatever that
    is; :meth:`AsyncClient.run` is for programs in which nobody does. (:meth:`events` is what one iterates over.) Its
    life is that of its client, or its own ``async with``, which gives it up at the end, without a
    :attr:`cancel_report`.

    Example:
        ::

            import trio

            from gradio_proto import AsyncClient

            async def main() -> None:
                async with AsyncClient("http://127.0.0.1:7860") as client:
                    job = await client.submit(3, api_name="/count")
                    async for value in job:
                        print(value)  # prints 0; prints 1; prints 2

            trio.run(main)
    """

    def __init__(
        self, client: object, engine: Engine[AsyncTransport], live: LiveSession, job: ProtocolJob
    ) -> None:
        super().__init__(client, engine, live, job)
        self._transport = engine.transport
        self._iterator: AsyncIterator[Any] | None = None

    def _is_done(self) -> bool:
        return self._job.is_settled

    async def _wait(self, timeout: float | None) -> None:
        if not await self._transport.wait_until(self._is_done, self._job.on_settled, timeout):
            raise JobTimeout(f"{self!r} has not ended within {timeout:g} s")

    def _outcome(self) -> Any:
        if isinstance(self._job.outcome, Cancelled):
            raise self._job.cancelled_error(JobCancelled)
        return self._job.result()

    @twin_of(Job.result)
    async def result(self, timeout: float | None = None) -> Any:
        await self._wait(timeout)
        return self._outcome()

    @twin_of(Job.exception)
    async def exception(self, timeout: float | None = None) -> BaseException | None:
        await self._wait(timeout)
        outcome = self._job.outcome
        if isinstance(outcome, Failed):
            return outcome.error
        return None if isinstance(outcome, Completed) else self._job.cancelled_error(JobCancelled)

    async def done(self) -> bool:
        """Whether the job has ended, as far as is known when what has come was read. Does not wait."""
        await self._transport.turn()
        return self._job.is_settled

    async def running(self) -> bool:
        """Whether the job has not ended. Does not wait."""
        return not await self.done()

    @twin_of(Job.cancelled)
    async def cancelled(self) -> bool:
        await self._transport.turn()
        return isinstance(self._job.outcome, Cancelled)

    @twin_of(Job.add_done_callback)
    async def add_done_callback(self, fn: Callable[[AsyncJob], Any]) -> None:
        checked_callback("fn", fn)
        await self._transport.turn()
        self._add_done_callback(fn)

    @twin_of(Job.cancel)
    async def cancel(self, force: bool = False) -> bool:
        await self._transport.turn()  # the job may have ended, or begun to run, since somebody looked
        refusal = refusal_to_settle(self._job, force=force)
        if refusal is not None:  # nothing is to be done, which a closed client can do as well
            self.cancel_report = CancelReport(False, False, refusal)
            return False
        flow = cancel(self._engine.state, self._live, self._job, force=force)
        try:
            self.cancel_report = await self._transport.run(flow)
        except ClientClosed:
            self.cancel_report = CancelReport(False, False, "the client was closed meanwhile")
        return self.cancel_report.cancelled

    @twin_of(Job.send_chunk)
    async def send_chunk(self, /, *args: Any, **kwargs: Any) -> None:
        from ..flows.stream_input import send_chunk  # few programs do that

        chunk = self._engine.chunk(self._live, self._job, args, kwargs)
        await self._transport.run(send_chunk(self._engine.state, self._live, self._job, chunk))

    @twin_of(Job.close_stream)
    async def close_stream(self) -> None:
        from ..flows.stream_input import close_stream

        await self._transport.run(close_stream(self._engine.state, self._live, self._job))

    async def __aenter__(self) -> AsyncJob:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Settled here and now, for this may be the end of a task that is cancelled and can await nothing any more.
        self._engine.give_up((self._live, self._job))
        await self._transport.turn()

    @twin_of(Job.status)
    async def status(self) -> StatusUpdate:
        await self._transport.turn()
        return self._job.status_update(self._transport.wall_clock())

    @twin_of(Job.outputs)
    async def outputs(self) -> list[Any]:
        await self._transport.turn()
        events = _Events(self, self._engine, self._job, waits=False)
        return [event.value async for event in events if isinstance(event, Output)]

    @twin_of(Job.__iter__)
    def __aiter__(self) -> AsyncIterator[Any]:
        return _Outputs(self, self.events())

    async def __anext__(self) -> Any:
        """The next output, waited for: ``await anext(job)`` takes up where the last one stopped."""
        if self._iterator is None:
            self._iterator = self.__aiter__()
        return await self._iterator.__anext__()

    @twin_of(Job.events)
    def events(self) -> AsyncIterator[JobEvent]:
        return _Events(self, self._engine, self._job)


class _Events(AsyncIterator[JobEvent]):
    """A job's events, waited for unless ``waits`` is False."""

    def __init__(
        self, owner: AsyncJob, engine: Engine[AsyncTransport], job: ProtocolJob, *, waits: bool = True
    ) -> None:
        self._owner = owner  # which keeps its client open
        self._engine = engine
        self._reader = EventReader(job)
        self._waits = waits

    async def __anext__(self) -> JobEvent:
        reader, transport = self._reader, self._engine.transport
        while not reader.is_over:
            if self._waits:
                await transport.wait_until(reader.has_news, reader.job.on_news)
            event = reader.next_event()
            if event is not None:
                files = reader.files_to_fetch(event)
                if files:
                    from ..flows.download import fetch_outputs

                    try:
                        await transport.run(fetch_outputs(self._engine.state, reader.job, files))
                    except Exception:
                        raise
                    except BaseException:  # whoever reads was cancelled, and may come back for this event
                        reader.put_back(event)
                        raise
                return reader.with_files(event)
            if not self._waits:
                break
        raise StopAsyncIteration


class _Outputs(AsyncIterator[Any]):
    def __init__(self, job: AsyncJob, events: AsyncIterator[JobEvent]) -> None:
        self._job = job
        self._events = events

    async def __anext__(self) -> Any:
        while True:
            event = await self._events.__anext__()
            if isinstance(event, Output):
                return event.value
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Cancelled) and event.by_server:
                await self._job.result(0)
