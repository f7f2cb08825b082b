"""What a job has said, kept until somebody reads it.

Theory of operation. The stream of a session must never wait for a slow reader of one job, and a job that
streams ten thousand values must not cost ten thousand values of memory. So a job keeps its messages as the
texts that came over the wire, where a token appended is a diff of a few bytes, and a :class:`Cursor` rebuilds
the values one at a time, when they are asked for. Any number of cursors may read one journal.

A journal is bounded. When it is full, messages that some cursor has read already are given up first (their
diffs are folded into the value that new cursors start from); when everything in it is unread, the job ends,
and no other job notices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from .diff import OutputState, are_diffs
from .errors import LimitExceeded
from .events import JobEvent, Log, Output, Progress, Queued, Started, Unknown
from .limits import Limits
from .messages import (
    Estimation,
    Message,
    ProcessGenerating,
    ProcessStarts,
    ProcessStreaming,
    UnknownMessage,
    parse_message,
)
from .messages import Log as LogMessage
from .messages import Progress as ProgressMessage

Convert: TypeAlias = Callable[[list[Any]], Any]
"""Makes of an output's ``data`` list what the user is handed."""


VALUES: Final = (ProcessGenerating, ProcessStreaming)
"""The messages that hold outputs of a job which goes on."""

FIRST_IS_WHOLE_SINCE: Final = (6, 27, 0)
"""Older servers may begin with a diff: they know a generator by its ``id()``, under which one of the same session that
was cancelled, failed or lost its stream has left its last value (``Blocks.pending_diff_streams``)."""

PARSED_MESSAGES: Final = 256
"""How many of the newest messages are kept parsed as well: a reader who keeps up asks for them right away, and a
read of the socket brings about that many."""

PARSED_CHARACTERS: Final = 4096
"""Longer messages are not: parsing is the smaller part of what they cost."""


class Budget:
    """What all journals of one client may hold together: a limit, in characters."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        # A journal may be collected on any thread, at any moment, and appending is all that is safe then.
        self._given_back: deque[int] = deque()

    @property
    def used(self) -> int:
        """Characters that journals hold."""
        while self._given_back:
            self._used -= self._given_back.popleft()
        return self._used

    def take(self, characters: int) -> None:
        """A journal has grown by so many characters, or shrunk."""
        self._used += characters

    def give_back(self, characters: int) -> None:
        """A journal of so many characters is no more. May be called at any time, without any lock."""
        self._given_back.append(characters)


class Journal:
    """The messages of one job between its join and its end.

    Args:
        limits: How much of it may be unread.
        budget: What it shares with the journals of other jobs.
        diffs: Whether outputs come as diffs to the one before.
        first_is_whole: Whether the first of them cannot be one; see ``FIRST_IS_WHOLE_SINCE``.
        convert: Makes the caller's value of a list of outputs.
    """

    def __init__(
        self, limits: Limits, budget: Budget, *, diffs: bool, convert: Convert, first_is_whole: bool = True
    ) -> None:
        self.limits = limits
        self.diffs = diffs
        self.first_is_whole = first_is_whole
        self.convert = convert
        self.base = OutputState(limits)
        """The outputs as they were before the first message that is still kept."""
        self.first = 0
        """The number of the first message that is still kept."""
        self.read = 0
        """How many messages the furthest cursor has read."""
        self.size = 0
        """Characters kept."""
        self.outputs = 0
        """How many outputs came, kept or not."""
        self._budget = budget
        self._texts: deque[str] = deque()
        self._parsed: deque[Message | None] = deque(maxlen=PARSED_MESSAGES)

    @property
    def end(self) -> int:
        """The number that the next message will have."""
        return self.first + len(self._texts)

    def append(self, text: str, message: Message) -> None:
        """Keep a message; ``text`` is its wire form.

        Raises:
            LimitExceeded: There is more unread than a limit allows.
        """
        self._texts.append(text)
        self._parsed.append(message if len(text) <= PARSED_CHARACTERS else None)
        self._grow(len(text))
        if isinstance(message, VALUES):
            self.outputs += 1
        if self.size > self.limits.job_unread_bytes or self._budget.used > self._budget.limit:
            self._give_up_read()
            if self.size > self.limits.job_unread_bytes:
                raise LimitExceeded("job_unread_bytes", self.limits.job_unread_bytes)
            if self._budget.used > self._budget.limit:
                raise LimitExceeded("client_unread_bytes", self._budget.limit)

    def message(self, number: int) -> Message:
        """Message ``number``, which must be kept still."""
        back = number - self.end
        message = self._parsed[back] if back >= -len(self._parsed) else None
        return (
            message if message is not None else parse_message(self._texts[number - self.first], self.limits)
        )

    def advance(self, outputs: OutputState, message: Message) -> bool:
        """Bring ``outputs`` up to date with a message. True if it was an output that could be rebuilt whole.

        From ``sse_v2`` on, a generator's first message holds full values and the later ones hold diffs;
        an endpoint that streams its input in (``process_streaming``) always sends full values.
        """
        if not isinstance(message, VALUES):
            return False
        data = message.data
        if data is None:
            return False
        if self.diffs and isinstance(message, ProcessGenerating):
            if outputs.is_empty and not self.first_is_whole and are_diffs(data):
                outputs.begin_unknown(len(data))
            if not outputs.is_empty:
                return outputs.apply(data)
        outputs.replace(data)
        return True

    def _give_up_read(self) -> None:
        while self.first < self.read and (
            self.size > self.limits.job_unread_bytes // 2 or self._budget.used > self._budget.limit
        ):
            self.advance(self.base, self.message(self.first))
            self._grow(-len(self._texts.popleft()))
            self.first += 1

    def _grow(self, characters: int) -> None:
        self.size += characters
        self._budget.take(characters)

    def __del__(self) -> None:
        self._budget.give_back(self.size)


class Cursor:
    """Reads a journal from its start, or from where it starts by now."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._outputs = OutputState(journal.limits)
        self._next = -1
        self.is_whole = True
        """False while an output could not be rebuilt, and shows an older value; the job's final value, which is
        always sent whole, mends it."""
        self.outputs = 0
        """Outputs handed out by this cursor."""

    @property
    def is_at_end(self) -> bool:
        """Whether everything that the journal holds has been read."""
        return max(self._next, self._journal.first) == self._journal.end

    def next_event(self) -> JobEvent | None:
        """The next event, or None where there is none yet."""
        journal = self._journal
        while True:
            if self._next < journal.first:
                self._next = journal.first
                if not journal.base.is_empty:
                    self._outputs.become(journal.base)
                    self.is_whole = not self._outputs.broken
            if self._next == journal.end:
                return None
            message = journal.message(self._next)
            self._next += 1
            journal.read = max(journal.read, self._next)
            event = self._event(message)
            if event is not None:
                return event

    def _event(self, message: Message) -> JobEvent | None:
        if isinstance(message, VALUES):
            self.is_whole = self._journal.advance(self._outputs, message)
            if message.data is None or self._outputs.has_unknown:
                return None
            values = self._outputs.snapshot()
            if not self.is_whole and len(self._outputs.broken) == len(values):
                return None  # nothing new is known
            self.outputs += 1
            return Output(self._journal.convert(values))
        if isinstance(message, ProgressMessage):
            return Progress(message.progress_data)
        if isinstance(message, LogMessage):
            return Log(message.log, message.level, message.title, message.duration, message.visible)
        if isinstance(message, Estimation):
            return Queued(message.rank, message.queue_size, message.rank_eta)
        if isinstance(message, ProcessStarts):
            return Started(message.eta)
        return Unknown(message) if isinstance(message, UnknownMessage) else None
