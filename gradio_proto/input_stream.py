"""The input of a job that comes in chunks, while the job runs (Gradio 5.0 and later).

The join carries the first chunk; every other one is a request of its own. A server has room for one chunk that it
has not begun to process, and a chunk that comes before takes its place without a word; what comes while the job still
waits in the queue even takes the first one's. It answers each chunk that it has processed with one value. So the next
chunk is sent when there are as many values as there were chunks, and the input is ended then, too: the server does
not look at a chunk any more that it has not begun when it hears of the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .effects import Signal
from .endpoints import Endpoint
from .errors import ArgumentError
from .messages import Message, ProcessStreaming

if TYPE_CHECKING:
    from .job import Job


class InputStream:
    """What was sent of one job's input, and what the server has processed of it.

    Args:
        endpoint: What takes the chunks.
        is_whole: Whether nothing follows the first chunk.
    """

    def __init__(self, endpoint: Endpoint, *, is_whole: bool) -> None:
        self.endpoint: Final = endpoint
        """What each chunk is a call of."""
        self.is_whole: Final = is_whole
        """Nothing follows the first chunk."""
        self.is_closed = False
        """Its end was sent."""
        self.time_limit: float | None = None
        """Seconds from the first value on that the server leaves to it, where it has said so."""
        self.last: ProcessStreaming | None = None
        """The newest value."""
        self._processed = 0
        self._due = 1
        self._senders: dict[Signal, None] = {}

    @property
    def is_processed(self) -> bool:
        """Whether the server has answered every chunk that was sent."""
        return self._processed >= self._due

    def take_turn(self, sender: Signal) -> bool:
        """Whether ``sender`` may send now; else it is set when it may. First come, first served."""
        self._senders[sender] = None
        return next(iter(self._senders)) is sender

    def end_turn(self, sender: Signal) -> None:
        """``sender`` has sent, or has given up; the next one is woken."""
        self._senders.pop(sender, None)
        if self._senders:
            next(iter(self._senders)).set()

    def chunk_sent(self) -> None:
        """Another chunk is on its way. Its value may be there before the answer to its request."""
        self._due = self._processed + 1

    def chunk_lost(self) -> None:
        """Nobody knows whether that chunk has come through: its value is not waited for."""
        self._due = self._processed

    def receive(self, message: Message) -> None:
        """Take a message of the job's."""
        if isinstance(message, ProcessStreaming):
            self._processed += 1
            self.time_limit = message.time_limit
            self.last = message


def input_stream_of(job: Job) -> InputStream:
    """The input of a job that takes more than its call has brought.

    Raises:
        ArgumentError: It takes no more.
    """
    if job.input_stream is None:
        raise ArgumentError(
            f"{job.label} takes its whole input with the call; only an endpoint of a streaming component "
            '(connection="stream" in the config) takes more'
        )
    return job.input_stream
