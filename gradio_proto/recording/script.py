"""A recording, looked at as what a server is to do: which answer belongs to which request, and what belongs to
which job.

The messages of a queue's jobs come on streams that several jobs share, and which stream a client opens when is up
to it. So what was said on the streams of ``/queue/data`` is taken apart, job by job, and what belongs to no job (a
heartbeat) goes with the message that follows it. What follows the last message of a stream, ``close_stream``
perhaps and its end, is the stream's *tail*.

Some messages were said because a client asked for them: the outcome of a job, once its data had come (Gradio 4.0),
or it had been cancelled. They have to wait until a client does so again: :attr:`Script.needs` has the requests that
name a job.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gradio_proto.limits import Limits
from gradio_proto.sentinels import END, NEED_DATA
from gradio_proto.sse import ServerSentEvent, SSEDecoder

from .likeness import Likeness, likeness
from .model import Exchange, Piece, Recording
from .objects import json_object
from .redacting import Redactor

EVENT_STREAM: Final = "text/event-stream"

_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


@dataclass(frozen=True, slots=True)
class Cue:
    """Something that a server sends at some time: an event of a stream, or a piece of another body."""

    at: float
    data: bytes
    event_id: str | None = None
    """The job that it belongs to."""
    msg: str | None = None
    """What the message is."""


@dataclass(frozen=True, slots=True)
class JobScript:
    """What was said of one job on the streams of its session."""

    joined_at: float
    """When its join had come."""
    cues: tuple[Cue, ...]
    stream: int
    """The exchange in which it ended."""


@dataclass(slots=True)
class Script:
    """See above. Exchanges are named by their position."""

    exchanges: Sequence[Exchange]
    likenesses: list[Likeness] = field(default_factory=list[Likeness])
    alike: dict[tuple[str, ...], list[int]] = field(default_factory=lambda: defaultdict(list))
    """The exchanges whose requests are alike."""
    infos: list[int] = field(default_factory=list[int])
    """What the app said that it has to call. Clients ask for it in ways of their own, which differ in the query."""
    given: dict[int, str] = field(default_factory=dict[int, str])
    """The event that an exchange has made."""
    askers: dict[str, int] = field(default_factory=dict[str, int])
    """On Gradio 4.0, the stream that asks for the data of an event."""
    jobs: dict[str, JobScript] = field(default_factory=dict[str, JobScript])
    tails: dict[int, tuple[Cue, ...]] = field(default_factory=dict[int, tuple[Cue, ...]])
    """What follows the last message of a job on a stream of ``/queue/data``; only streams that have some are here."""
    on_stream: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The jobs that ended on such a stream."""
    needs: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def script_of(recording: Recording) -> Script:
    """Look at a recording."""
    script = Script(recording.exchanges)
    redactor = Redactor()
    for number, exchange in enumerate(recording.exchanges):
        if exchange.response is None:
            continue
        if exchange.method == "POST" and (event_id := _made_event(exchange)) is not None:
            script.given[number] = event_id
        elif exchange.response.content_type == EVENT_STREAM:
            for cue in cues_of(exchange):
                if cue.msg == "send_data" and cue.event_id is not None:
                    script.askers[cue.event_id] = number
    known = {*script.given.values(), *script.askers}
    for number, exchange in enumerate(recording.exchanges):
        found = likeness(exchange.method, exchange.target, exchange.headers, exchange.body, known, redactor)
        script.likenesses.append(found)
        script.alike[found.key].append(number)
        if exchange.method == "GET" and exchange.path.endswith("/info"):
            script.infos.append(number)
        if exchange.method != "GET":
            for event_id in found.events:
                script.needs[event_id].append(number)
    _take_apart(script)
    return script


def is_queue_stream(exchange: Exchange) -> bool:
    """Whether it is a stream of a session's messages (Gradio 4.9 and later)."""
    return (
        exchange.method == "GET"
        and exchange.path.endswith("/queue/data")
        and exchange.response is not None
        and exchange.response.status == 200
        and exchange.response.content_type == EVENT_STREAM
    )


def cues_of(exchange: Exchange) -> list[Cue]:
    """What a server has sent as the body of an answer.

    A stream is cut into its events, each at the time at which it was whole, so that what is put in the place of a
    session or an event is never cut in two. For the same reason other texts are one cue, and only what is no text
    is sent in the pieces in which it came.
    """
    response = exchange.response
    assert response is not None
    if response.content_type == EVENT_STREAM:
        return [_cue(at, block) for at, block in _blocks(response.pieces)]
    if is_text(response.content_type):
        return [Cue(response.pieces[-1].at, response.body)] if response.pieces else []
    return [Cue(piece.at, piece.data) for piece in response.pieces]


def is_text(content_type: str) -> bool:
    """Whether addresses and names of sessions may stand in a body of that type."""
    return content_type in ("application/json", "text/html", "text/plain", EVENT_STREAM)


def _take_apart(script: Script) -> None:
    joins = {event_id: number for number, event_id in script.given.items()}
    cues: dict[str, list[Cue]] = defaultdict(list)
    stream_of: dict[str, int] = {}
    for number, exchange in enumerate(script.exchanges):
        if not is_queue_stream(exchange):
            continue
        waiting: list[Cue] = []
        for cue in cues_of(exchange):
            waiting.append(cue)
            if cue.event_id is not None:
                cues[cue.event_id] += [replace(each, event_id=cue.event_id) for each in waiting]
                stream_of[cue.event_id] = number
                waiting = []
        script.tails[number] = tuple(waiting)
    for event_id, found in cues.items():
        if event_id in joins:
            joined_at = script.exchanges[joins[event_id]].at
            script.jobs[event_id] = JobScript(joined_at, tuple(found), stream_of[event_id])
            script.on_stream[stream_of[event_id]].add(event_id)


def _made_event(exchange: Exchange) -> str | None:
    assert exchange.response is not None
    value = json_object(exchange.response.body)
    event_id = value.get("event_id")
    return event_id if isinstance(event_id, str) and event_id else None


def _blocks(pieces: Sequence[Piece]) -> Iterator[tuple[float, bytes]]:
    buffer, at = b"", 0.0
    for piece in pieces:
        buffer, at = buffer + piece.data, piece.at
        while (end := _BLANK_LINE.search(buffer)) is not None:
            yield at, buffer[: end.end()]
            buffer = buffer[end.end() :]
    if buffer:
        yield at, buffer


def _cue(at: float, block: bytes) -> Cue:
    event = decoded(block)
    value = {} if event is None else json_object(event.data)
    event_id, msg = value.get("event_id"), value.get("msg")
    return Cue(
        at, block, event_id if isinstance(event_id, str) else None, msg if isinstance(msg, str) else None
    )


def decoded(block: bytes) -> ServerSentEvent | None:
    """The event that some lines of a stream are; None for a comment, or one that was cut short."""
    decoder = SSEDecoder(Limits())
    decoder.receive_data(block)
    event = decoder.next_event()
    return None if event is NEED_DATA or event is END else event
