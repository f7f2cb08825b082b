"""All that a server says on the stream of one session: several jobs at once, each in its right order.

What holds for every job of a stream that is drawn here:

* its ranks never rise while it waits; nothing but ranks comes before ``process_starts``, and nothing comes after its
  one terminal message;
* the first value of a generator is whole, and from ``sse_v2`` on each later one is a diff of the one before, in the
  form of the version; a streamed input gets whole values only;
* the last message repeats the last value of a generator (a whole one), unless it failed or was cancelled.

And for the stream: messages of several jobs are mixed in any way; heartbeats may stand anywhere; on ``sse_v3`` there
is one ``close_stream``, behind everything else. All jobs have joined before the first of them ends, so there is one
stream for all of them. On ``ws`` and ``sse`` each job has a connection of its own, and they are mixed as in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...testing.generations import Generation
from .diffs import DiffForm, edits
from .messages import WireMessage, event_ids, message_fields, outputs, wire_message
from .values import value_changes

Outcome: TypeAlias = Literal["completed", "failed", "cancelled", "refused"]
"""How a job ended. One that is refused (``queue_full``) has never begun; later versions refuse the join instead."""


@dataclass(frozen=True, slots=True)
class StreamedJob:
    """What a job of a stream comes to."""

    event_id: str
    """Its name. On ``ws``, where jobs have none, and in most messages of ``sse`` it only tells connections apart."""
    values: tuple[list[Any], ...]
    """What it yielded, whole: the outputs after each of its messages but the last."""
    outcome: Outcome
    """How it ended."""
    result: list[Any] | None
    """The outputs of its last message; None unless it is completed."""
    error: str | None
    """The text of its failure, as the server tells it; None where it hides it, or there is none."""


@dataclass(frozen=True, slots=True)
class MessageStream:
    """The messages of one session, in the order in which they arrive."""

    version: str
    """The version of Gradio that says them."""
    messages: tuple[tuple[str | None, WireMessage], ...]
    """Each with the job that it is for, or None if it is about the stream."""
    jobs: tuple[StreamedJob, ...]
    """What comes out of it, in no particular order."""


def message_streams(version: str, *, jobs: int | None = None) -> SearchStrategy[MessageStream]:
    """Whole legal streams of one session, with what each of their jobs comes to.

    >>> from hypothesis import given
    >>> @given(message_streams("6.31.0", jobs=2))
    ... def test_my_client(stream: MessageStream) -> None:
    ...     assert [message.msg for _, message in stream.messages].count("process_completed") == 2
    >>> test_my_client()

    Args:
        version: One of :data:`VERSIONS`.
        jobs: How many jobs; 1 to 4 if it is None.

    Raises:
        ValueError: There is no such version here, or a stream would have no job.
    """
    if jobs is not None and jobs < 1:
        raise ValueError("a stream is for one job at least")
    return _streams(Generation(version), jobs)


@st.composite
def _streams(draw: st.DrawFn, generation: Generation, count: int | None) -> MessageStream:
    if count is None:
        count = draw(st.integers(1, 4))
    names = draw(st.lists(event_ids(), min_size=count, max_size=count, unique=True))
    scripts = [_Script(draw, generation, name) for name in names]
    jobs = tuple([script.write() for script in scripts])
    # Whose turn it is, for each message: the simplest order is one job after the other.
    turns = draw(
        st.permutations([name for script in scripts for name in [script.name] * len(script.messages)])
    )
    left = {script.name: iter(script.messages) for script in scripts}
    mixed: list[tuple[str | None, WireMessage]] = [(name, next(left[name])) for name in turns]
    if not generation.asks_for_data:
        beat = wire_message(generation, {"msg": "heartbeat", "event_id": None})
        for place in sorted(draw(st.lists(st.integers(0, len(mixed)), max_size=2)), reverse=True):
            mixed.insert(place, (None, beat))
    if generation.closes_streams:
        mixed.append((None, wire_message(generation, {"msg": "close_stream", "event_id": None})))
    return MessageStream(generation.version, tuple(mixed), jobs)


_DIFF_FORMS: Final[Mapping[bool, DiffForm]] = {False: "original", True: "nested"}
"""How deletes are numbered, by whether the generation shifts them."""


class _Script:
    """Writes the messages of one job."""

    def __init__(self, draw: st.DrawFn, generation: Generation, name: str) -> None:
        self.name = name
        self.messages: list[WireMessage] = []
        self._draw = draw
        self._generation = generation
        self._fields = message_fields(generation.version)

    def write(self) -> StreamedJob:
        """Let the job run from its join to its end."""
        generation = self._generation
        kinds = ["plain", "generator"]
        if generation.has_input_streams:
            kinds.append("stream")
        if generation.has_call_v2:
            kinds.append("cached")
        kind = self._draw(st.sampled_from(kinds))
        ends: list[Outcome] = ["completed", "failed"]
        if generation.can_cancel:
            ends.append("cancelled")
        if generation.asks_for_data:
            ends.append("refused")
        end = self._draw(st.sampled_from(ends))
        if generation.has_sockets:
            self._say("send_hash")
        if end == "refused":
            self._say("queue_full")
            return StreamedJob(self.name, (), end, None, None)
        # What comes out of the server's cache has not waited, and a job may be cancelled while it does.
        waits = kind != "cached"
        if waits:
            self._wait()
        if end == "cancelled" and self._draw(st.booleans()):
            return self._end(end, kind, [])
        if waits:
            if generation.asks_for_data:
                self._say("send_data")
            self._say("process_starts")
        return self._end(end, kind, self._run(kind))

    def _wait(self) -> None:
        ranks = self._draw(st.lists(st.integers(0, 9), max_size=3))
        beats_at = self._draw(st.integers(0, 9)) if self._generation.beats_once else None
        for number, rank in enumerate(sorted(ranks, reverse=True)):
            fields = self._draw(self._fields.estimation)
            behind = fields["queue_size"] - fields["rank"]
            fields |= {"rank": rank, "queue_size": rank + behind}
            self._say_drawn("estimation", st.just(fields))
            if number == beats_at:
                self._say("heartbeat")

    def _run(self, kind: str) -> list[list[Any]]:
        """Say what the function gives before its end, and what it tells beside that."""
        if kind == "plain":
            self._chat()
            return []
        count = self._draw(st.integers(0, 4))
        width = self._draw(st.integers(1, 2))
        opaque = [self._draw(st.booleans()) for _ in range(width)]
        said: list[list[Any]] = []
        for _ in range(count):
            self._chat()
            if not said:
                values = self._draw(st.lists(outputs(), min_size=width, max_size=width))
            else:
                values = [self._draw(value_changes(value)) for value in said[-1]]
            if kind == "stream":
                self._say_drawn("process_streaming", self._fields.streaming(values))
            elif said and self._generation.sends_edits:
                self._say_drawn(
                    "process_generating", self._fields.generating(self._diffs(said[-1], values, opaque))
                )
            else:
                self._say_drawn("process_generating", self._fields.generating(values))
            said.append(values)
        return said

    def _diffs(self, before: list[Any], after: list[Any], opaque: list[bool]) -> list[Any]:
        form = _DIFF_FORMS[self._generation.shifts_deletes]
        return [
            edits(old, new, "whole" if is_opaque else form)
            for old, new, is_opaque in zip(before, after, opaque, strict=True)
        ]

    def _chat(self) -> None:
        for kind in self._draw(st.lists(st.sampled_from(("log", "progress")), max_size=2)):
            self._say(kind)

    def _end(self, end: Outcome, kind: str, said: list[list[Any]]) -> StreamedJob:
        result: list[Any] | None = None
        fields: SearchStrategy[dict[str, Any]]
        if end == "completed":
            if said:
                result = said[-1]
            elif kind == "plain":
                result = self._draw(st.lists(outputs(), max_size=2))
            else:
                result = [None]  # what a generator gives that yields nothing
            fields = self._fields.completed(result, is_generating=self._is_generating(kind, said))
        elif end == "failed":
            fields = self._fields.failed(first=not said)
        else:
            fields = self._fields.cancelled
        self._say_drawn("process_completed", fields)
        error = self.messages[-1].value["output"].get("error") if end == "failed" else None
        return StreamedJob(self.name, tuple(said), end, result, error)

    def _is_generating(self, kind: str, said: list[list[Any]]) -> bool | None:
        """What the last message says of whether more may come: the truth from ``sse_v2`` on, but for streamed inputs
        that were closed; nothing for a batch."""
        if kind == "plain":
            return self._draw(st.sampled_from((False, None)))
        if kind == "stream":
            return self._draw(st.booleans())
        return bool(said) and not self._generation.sends_edits

    def _say(self, kind: str) -> None:
        self._say_drawn(kind, self._fields.of(kind, self.name))

    def _say_drawn(self, kind: str, fields: SearchStrategy[dict[str, Any]]) -> None:
        drawn = {"msg": kind, "event_id": self.name, **self._draw(fields)}
        self.messages.append(wire_message(self._generation, drawn))
