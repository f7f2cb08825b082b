"""Following a job for the sake of what is said about it, and not of its outputs."""

from __future__ import annotations

from collections.abc import Iterator

from ..events import JobEvent
from .job import Job, _Events  # pyright: ignore[reportPrivateUsage]


def watch(job: Job) -> Iterator[JobEvent]:
    """Everything that happens to a job, as :meth:`Job.events` gives it, but that no file of an output on the way is
    fetched for it: such a file stays a FileData. Those of the job's result are fetched."""
    return _Events(job, job._engine, job._job, fetches=False)  # pyright: ignore[reportPrivateUsage]
