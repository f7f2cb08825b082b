"""What a client tells of its doings, to whoever asks: each exchange, each message and each job, as it happens.

The records are plain data, with numbers by which the beginning and the end of one thing are told to belong together.
They hold no header, no body and no query of a URL, since those may hold credentials; what a message brings is there,
in :attr:`MessageReceived.message`, and is left out where a record is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from .events import Cancelled, Completed, Failed, Terminal
from .exchange import Exchange
from .http import Request, ResponseHead
from .job import Job
from .messages import Message


@dataclass(frozen=True, slots=True)
class ExchangeStarted:
    """A request is about to be sent."""

    at: float
    """When, in seconds on the client's monotonic clock; so in every record."""
    exchange: int
    """Its number, from 1, in the order of this client's requests."""
    method: str
    """``GET`` or ``POST``."""
    url: str
    """Where it goes, without the query."""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The head of a response is there."""

    at: float
    """When."""
    exchange: int
    """The number of its exchange."""
    status: int
    """The HTTP status."""
    content_type: str
    """The media type of the body, in lower case, or ``""``."""


@dataclass(frozen=True, slots=True)
class ExchangeEnded:
    """A response was read to its end, or given up, or there was none. Each exchange ends once."""

    at: float
    """When that was noticed."""
    exchange: int
    """Its number."""
    received: int
    """Bytes of the body that were read."""
    error: Exception | None
    """What has last gone wrong on it; None where nothing has."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The server has said something on an event stream or a WebSocket, or in the reply to a direct call."""

    at: float
    """When it was read."""
    session_hash: str
    """The session on whose behalf it came; ``""`` for the simple API, whose sessions have no name."""
    event_id: str | None
    """The event that it is about; None where it names none."""
    kind: str
    """What it is: ``ProcessGenerating``, the name of a class in :mod:`gradio_proto.messages`."""
    size: int
    """Characters of its JSON."""
    message: Message = field(repr=False)
    """The message."""


@dataclass(frozen=True, slots=True)
class JobStarted:
    """A call was made."""

    at: float
    """When."""
    job: int
    """Its number, from 1, in the order of this client's calls."""
    endpoint: str
    """The endpoint's name, or what it is called where it has none."""
    fn_index: int
    """The number of its function."""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job has its result, or will have none. Each job ends once."""

    at: float
    """When."""
    job: int
    """Its number."""
    endpoint: str
    """As for :class:`JobStarted`."""
    event_id: str | None
    """How the server calls the job; None where it has not said."""
    session_hash: str | None
    """The session in which it ran; None where it was in none."""
    outcome: Literal["completed", "failed", "cancelled"]
    """How it ended."""
    error: Exception | None
    """Why it failed; None where it did not."""


TraceRecord: TypeAlias = (
    ExchangeStarted | ResponseStarted | ExchangeEnded | MessageReceived | JobStarted | JobEnded
)
"""Everything that a client tells."""

_OUTCOMES: Final[dict[type[Terminal], Literal["completed", "failed", "cancelled"]]] = {
    Completed: "completed",
    Failed: "failed",
    Cancelled: "cancelled",
}


@dataclass(slots=True, eq=False)
class _Open:
    """What is known of an exchange that has not ended."""

    number: int
    received: int = 0
    error: Exception | None = None


class Tracer:
    """Makes the records of one client.

    Args:
        tell: Takes each record where it is made. It must not raise.
        clock: The client's monotonic clock, in seconds.
    """

    def __init__(self, tell: Callable[[TraceRecord], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._exchanges = 0
        self._jobs = 0
        self._parents_exchanges = 0
        self._parents_jobs = 0
        self._open: dict[Exchange, _Open] = {}

    def forget(self) -> None:
        """This is a forked child: how the exchanges and jobs of its parent end is the parent's to tell."""
        self._parents_exchanges, self._parents_jobs = self._exchanges, self._jobs
        self._open.clear()

    # Exchanges. Their end is found by looking, since closing one is a plain call that nobody hears of.

    def opening(self, request: Request) -> int:
        """A request is about to be sent; the number of its exchange."""
        self._exchanges += 1
        url = f"{request.origin}{request.target.partition('?')[0]}"
        self._tell(ExchangeStarted(self._clock(), self._exchanges, request.method, url))
        return self._exchanges

    def not_opened(self, number: int, error: Exception | None) -> None:
        """It was not sent, or not whole; ``error`` is None where its caller has gone."""
        if number > self._parents_exchanges:
            self._tell(ExchangeEnded(self._clock(), number, 0, error))

    def opened(self, number: int, exchange: Exchange) -> None:
        """It was sent."""
        self._open[exchange] = _Open(number)

    def head(self, exchange: Exchange, head: ResponseHead) -> None:
        """The head of its response is there."""
        known = self._open.get(exchange)
        if known is not None:
            self._tell(ResponseStarted(self._clock(), known.number, head.status, head.content_type))

    def body(self, exchange: Exchange, size: int) -> None:
        """So many more bytes of its response are there."""
        known = self._open.get(exchange)
        if known is not None:
            known.received += size

    def failed(self, exchange: Exchange, error: Exception) -> None:
        """Something went wrong on it."""
        known = self._open.get(exchange)
        if known is not None:
            known.error = error

    def look(self) -> None:
        """Tell which exchanges have ended since."""
        for exchange in [exchange for exchange in self._open if exchange.is_finished]:
            known = self._open.pop(exchange)
            self._tell(ExchangeEnded(self._clock(), known.number, known.received, known.error))

    # Messages and jobs.

    def message(self, session_hash: str, event_id: str | None, message: Message, size: int) -> None:
        """A message came."""
        kind = type(message).__name__
        self._tell(MessageReceived(self._clock(), session_hash, event_id, kind, size, message))

    def job(self, job: Job) -> None:
        """A call was made; its end is told when it comes."""
        self._jobs += 1
        number = self._jobs

        def ended() -> None:
            if number <= self._parents_jobs:
                return
            outcome = job.outcome
            assert outcome is not None  # it has settled
            error = outcome.error if isinstance(outcome, Failed) else None
            self._tell(
                JobEnded(
                    self._clock(),
                    number,
                    job.label,
                    job.event_id,
                    job.session_hash,
                    _OUTCOMES[type(outcome)],
                    error,
                )
            )

        job.on_settled.append(ended)
        self._tell(JobStarted(self._clock(), number, job.label, job.fn_index))
