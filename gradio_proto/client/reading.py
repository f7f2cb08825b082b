"""Reading what happens to a job. Whoever reads waits by himself, on his own kind of transport."""

from __future__ import annotations

from ..events import Completed, JobEvent, Output
from ..files import FileOutput, file_outputs_in, with_local_files
from ..job import Job
from ..journal import Cursor


def newest_output(job: Job) -> Output | None:
    """A job's newest output, if it has one, with the files that are here already; the transport's lock is held.

    Whoever only looks has read nothing: what a reader has not seen yet is kept for it, as before.
    """
    if isinstance(job.outcome, Completed):
        return Output(job.outcome.value)
    if job.journal is None:
        return None
    read = job.journal.read
    cursor = Cursor(job.journal)
    newest: Output | None = None
    while (event := cursor.next_event()) is not None:
        if isinstance(event, Output):
            newest = event
    job.journal.read = read
    return newest and Output(with_local_files(newest.value, job.local_paths))


class EventReader:
    """A job's events from the first one that is still kept; the transport's lock is held."""

    def __init__(self, job: Job) -> None:
        assert job.journal is not None
        self.job = job
        self.is_over = False
        """The terminal event has been read."""
        self._cursor = Cursor(job.journal)
        self._gave_value = False
        self._put_back: JobEvent | None = None

    def has_news(self) -> bool:
        """Whether there is an event to read."""
        return self.job.is_settled or not self._cursor.is_at_end or self._put_back is not None

    def next_event(self) -> JobEvent | None:
        """The next event; None if there is none now, or never will be."""
        if self._put_back is not None:
            put_back, self._put_back = self._put_back, None
            return put_back
        event = self._cursor.next_event()
        outcome = self.job.outcome
        if event is not None or outcome is None or self.is_over:
            return event
        if isinstance(outcome, Completed) and not self._gave_value:
            # A plain function's only value, or the one that mends a stream of which a part could not be rebuilt, or
            # the value of the chunk in which a streamed input ran out of time.
            self._gave_value = True
            if self._cursor.outputs == 0 or not self._cursor.is_whole or self.job.ended_with_output:
                return Output(outcome.value)
        self.is_over = True
        return outcome

    def put_back(self, event: JobEvent) -> None:
        """Have the event come again: whoever was to get it was interrupted while its files were fetched."""
        self._put_back = event

    def files_to_fetch(self, event: JobEvent) -> list[FileOutput]:
        """The files of an output, if one of them is not on this machine yet."""
        if not isinstance(event, Output) or not self.job.fetches_files:
            return []
        files = file_outputs_in(event.value)
        here = self.job.local_paths
        # Media that is still growing stays FileData until the end.
        return files if any(not file.is_stream and file not in here for file in files) else []

    def with_files(self, event: JobEvent) -> JobEvent:
        """The event, with the paths of what was fetched in it."""
        if not isinstance(event, Output) or not self.job.fetches_files:
            return event
        return Output(with_local_files(event.value, self.job.local_paths))
