"""What the jobs of the blocking client and of the async one have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..cancelling import CancelReport
from ..events import Completed
from ..flows.state import LiveSession
from ..job import Job as ProtocolJob
from ..transport import Transport
from .engine import call_safely

if TYPE_CHECKING:
    from .engine import Engine

X = TypeVar("X", bound=Transport)


class JobBase(Generic[X]):
    """A call under way: what it holds, and what it says without asking anybody."""

    def __init__(self, client: object, engine: Engine[X], live: LiveSession, job: ProtocolJob) -> None:
        self.cancel_report: CancelReport | None = None
        """What the last call of :meth:`cancel` did, and whether the server was told."""
        self._client = client  # a job keeps its client open
        self._engine = engine
        self._live = live
        self._job = job
        self._callbacks: list[Callable[[Any], Any]] | None = []
        """Called when it has ended; None from then on."""
        job.on_settled.append(self._settled)

    def __repr__(self) -> str:
        job = self._job
        return f"<{type(self).__name__} {job.label} {job.code.value} event_id={job.event_id}>"

    def _repr_html_(self) -> str:
        from .notebook import job_html  # only notebooks ask for it
        from .reading import newest_output

        with self._engine.transport.lock:
            newest = newest_output(self._job)
        return job_html(self._job, newest)

    @property
    def event_id(self) -> str | None:
        """The server's name for the job; None until it has accepted it, and on Gradio 3.x, which has none."""
        return self._job.event_id

    @property
    def session_hash(self) -> str:
        """The session in which it runs."""
        return self._live.now_of(self._job).session.hash

    def _settled(self) -> None:
        # The lock is held here, so nothing of the user's may run.
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            self._engine.defer_callback(partial(callback, self), self)

    def _add_done_callback(self, fn: Callable[[Any], Any]) -> None:
        with self._engine.transport.lock:
            if self._callbacks is not None:
                self._callbacks.append(fn)
                return
        call_safely(partial(fn, self), self)


def when_completed(job: JobBase[Any], callback: Callable[..., Any]) -> None:
    """Have a ``result_callbacks`` callback called once the job is done, unless it failed."""

    def run(job: JobBase[Any]) -> None:
        outcome = job._job.outcome  # pyright: ignore[reportPrivateUsage]
        if isinstance(outcome, Completed):
            value = outcome.value
            callback(*value) if isinstance(value, tuple) else callback(value)

    job._add_done_callback(run)  # pyright: ignore[reportPrivateUsage]
