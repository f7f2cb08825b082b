"""How a job stands, in the words that users of the official client know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .messages import ProgressUnit

__all__ = ["ProgressUnit", "Status", "StatusUpdate"]


class Status(Enum):
    """What a job is doing; members compare in the order in which a job passes through them."""

    STARTING = "STARTING"
    JOINING_QUEUE = "JOINING_QUEUE"
    QUEUE_FULL = "QUEUE_FULL"
    IN_QUEUE = "IN_QUEUE"
    SENDING_DATA = "SENDING_DATA"
    PROCESSING = "PROCESSING"
    PROGRESS = "PROGRESS"
    ITERATING = "ITERATING"
    LOG = "LOG"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Status):
            return NotImplemented
        return _ORDER[self] < _ORDER[other]


_ORDER = {status: position for position, status in enumerate(Status)}


@dataclass
class StatusUpdate:
    """A job's state at one moment."""

    code: Status
    """What the job is doing."""
    rank: int | None
    """Place in the queue, 0 for the next to run; None where it is not known."""
    queue_size: int | None
    """Jobs in the queue."""
    eta: float | None
    """Seconds until the job is expected to be done; None where the server cannot tell."""
    success: bool | None
    """Whether it succeeded; None while it runs."""
    time: datetime | None
    """When this was asked."""
    progress_data: list[ProgressUnit] | None
    """What ``gr.Progress()`` last reported, outermost bar first."""
    log: tuple[str, str] | None = None
    """The last ``gr.Info`` or ``gr.Warning``: its text and its level."""
    time_limit: float | None = None
    """Seconds, from the first output on, after which the server ends an input that comes in chunks
    (:meth:`Job.send_chunk`), and with it the job; None before that output, and where there is no such limit."""
