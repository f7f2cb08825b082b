"""What a recording shows of the course of things: a row for each exchange, and one for each job.

The messages are read by the library's own parsers, so what is shown is what a client has understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import parse_qs

from gradio_proto.errors import GradioError
from gradio_proto.limits import Limits
from gradio_proto.messages import (
    Estimation,
    Heartbeat,
    Log,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    ProcessStarts,
    ProcessStreaming,
    Progress,
    QueueFull,
    SendData,
    SendHash,
    UnexpectedError,
    parse_message,
)
from gradio_proto.simple_api import as_queue_message

from .model import Collector, Exchange, Recording, happenings
from .objects import json_object
from .redacting import Redactor
from .script import EVENT_STREAM, Cue, Script, cues_of, decoded, script_of

Kind: TypeAlias = Literal[
    "queued",
    "asked",
    "started",
    "output",
    "progress",
    "log",
    "completed",
    "failed",
    "cancelled",
    "alive",
    "sent",
    "other",
]
"""What a message means for a job: that it waits, that its data are asked for, that it runs, that it has said
something, how it ended; ``alive`` is a heartbeat, ``sent`` what a client has said on a WebSocket."""

ENDS: Final[tuple[Kind, ...]] = ("completed", "failed", "cancelled")

_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Tick:
    """A message."""

    at: float
    kind: Kind
    text: str
    """The message as it came."""


@dataclass(frozen=True, slots=True)
class Row:
    """An exchange."""

    number: int
    """From 1."""
    exchange: Exchange
    start: float
    head_at: float | None
    """When the head of the answer came."""
    end: float
    """When it ended, or when the last of it came."""
    ticks: tuple[Tick, ...]
    """The messages of a stream or WebSocket."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, put together from what was said of it."""

    number: int
    """Of the exchange that began it."""
    label: str
    """The name of its endpoint, or ``fn_index 3``."""
    event_id: str | None
    start: float
    started_at: float | None
    """When a worker began with it."""
    end: float
    """When it ended, or when something was last heard of it."""
    outcome: Kind | None
    """How it ended; None if that was not recorded."""
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a recording shows."""

    recording: Recording
    """Without secrets, whatever it held."""
    rows: tuple[Row, ...]
    jobs: tuple[JobRow, ...]
    seconds: float
    """When the last thing happened; never 0, so that it divides."""


def redacted(recording: Recording) -> Recording:
    """A recording without secrets: those of browsers have them, and those that were told to keep them."""
    redactor, collector = Redactor(), Collector()
    for happening in happenings(recording):
        for written in redactor.take(happening):
            collector.add(written)
    for written in redactor.rest():
        collector.add(written)
    return Recording(recording.started, recording.address, recording.upstream, collector.exchanges())


def timeline_of(recording: Recording) -> Timeline:
    """What a recording shows."""
    recording = redacted(recording)
    rows = tuple(_row(number, exchange) for number, exchange in enumerate(recording.exchanges, 1))
    jobs = sorted(_jobs(recording), key=lambda job: job.start)
    seconds = max([row.end for row in rows] + [job.end for job in jobs], default=0.0)
    return Timeline(recording, rows, tuple(jobs), seconds or 1e-6)


# Rows of exchanges.


def _row(number: int, exchange: Exchange) -> Row:
    response = exchange.response
    heard = [frame.at for frame in exchange.frames]
    ticks: tuple[Tick, ...] = ()
    if response is not None:
        heard += [response.at, *(piece.at for piece in response.pieces)]
        if exchange.is_websocket:
            ticks = tuple(_frame_ticks(exchange))
        elif response.content_type == EVENT_STREAM:
            ticks = tuple(_event_ticks(exchange))
    end = exchange.end.at if exchange.end is not None else max(heard, default=exchange.at)
    return Row(number, exchange, exchange.at, None if response is None else response.at, end, ticks)


def _frame_ticks(exchange: Exchange) -> Iterator[Tick]:
    for frame in exchange.frames:
        text = frame.data.decode("utf-8", "backslashreplace")
        if frame.kind != "text":
            yield Tick(
                frame.at,
                "alive" if frame.kind in ("ping", "pong") else "other",
                f"{frame.kind} {text}".rstrip(),
            )
        elif frame.by_client:
            yield Tick(frame.at, "sent", text)
        else:
            yield Tick(frame.at, _kind_of_text(text), text)


def _event_ticks(exchange: Exchange) -> Iterator[Tick]:
    for cue in cues_of(exchange):
        text = _text(exchange, cue)
        if text is not None:
            yield Tick(cue.at, _kind_of_text(text), text)


def _text(exchange: Exchange, cue: Cue) -> str | None:
    """The queue's message that an event is; of the simple API's, the one that it amounts to."""
    event = decoded(cue.data)
    if event is None:
        return None
    if "/call/" in exchange.path:
        return as_queue_message(event, exchange.path.rpartition("/")[2])
    return event.data


def _parsed(text: str) -> Message | None:
    try:
        return parse_message(text, _LIMITS)
    except GradioError:
        return None


def _kind_of_text(text: str) -> Kind:
    message = _parsed(text)
    if message is None:
        return "alive" if text == "ALIVE" else "other"
    return _kind(message)


def _kind(message: Message) -> Kind:
    match message:
        case Estimation():
            return "queued"
        case SendHash() | SendData():
            return "asked"
        case ProcessStarts():
            return "started"
        case ProcessGenerating() | ProcessStreaming():
            return "output"
        case Progress():
            return "progress"
        case Log():
            return "log"
        case ProcessCompleted():
            if not message.success:
                return "failed"
            return "cancelled" if message.is_cancellation else "completed"
        case QueueFull() | UnexpectedError():
            return "failed"
        case Heartbeat():
            return "alive"
        case _:  # the end of a stream, or what a newer server may say
            return "other"


# Rows of jobs.


def _jobs(recording: Recording) -> Iterator[JobRow]:
    script = script_of(recording)
    labels = _labels(recording)
    for number, event_id in script.given.items():
        exchange = recording.exchanges[number]
        job = script.jobs.get(event_id)
        ticks = (
            _ticks_of_call(recording, script, event_id) if job is None else _ticks_of_job(job.cues, event_id)
        )
        yield _job(number, exchange, _label(exchange, labels), event_id, ticks)
    for event_id, number in script.askers.items():
        exchange = recording.exchanges[number]
        yield _job(number, exchange, _label(exchange, labels), event_id, _event_ticks(exchange))
    for number, exchange in enumerate(recording.exchanges):
        if exchange.is_websocket:
            yield _job(number, exchange, _label(exchange, labels), None, _frame_ticks(exchange))


def _ticks_of_job(cues: Sequence[Cue], event_id: str) -> Iterator[Tick]:
    for cue in cues:
        event = decoded(cue.data)
        message = None if event is None else _parsed(event.data)
        if event is None or message is None:
            continue
        # What goes with a job's message, a heartbeat or the like, is not about it; the end of all jobs is.
        if message.event_id == event_id or isinstance(message, UnexpectedError):
            yield Tick(cue.at, _kind(message), event.data)


def _ticks_of_call(recording: Recording, script: Script, event_id: str) -> Iterator[Tick]:
    for number, exchange in enumerate(recording.exchanges):
        if (
            exchange.method == "GET"
            and event_id in script.likenesses[number].events
            and exchange.response is not None
        ):
            yield from _event_ticks(exchange)


def _job(number: int, exchange: Exchange, label: str, event_id: str | None, found: Iterator[Tick]) -> JobRow:
    ticks = tuple(tick for tick in found if tick.kind != "alive")
    started_at = next((tick.at for tick in ticks if tick.kind == "started"), None)
    ended = next((tick for tick in ticks if tick.kind in ENDS), None)
    end = ended.at if ended is not None else max([exchange.at, *(tick.at for tick in ticks)])
    return JobRow(
        number + 1,
        label,
        event_id,
        exchange.at,
        started_at,
        end,
        None if ended is None else ended.kind,
        ticks,
    )


def _labels(recording: Recording) -> dict[int, str]:
    """The names of endpoints, as the app's config has them."""
    for exchange in recording.exchanges:
        if exchange.path.rstrip("/").endswith("/config") and exchange.response is not None:
            return _names(json_object(exchange.response.body).get("dependencies"))
    return {}


def _names(dependencies: Any) -> dict[int, str]:
    names: dict[int, str] = {}
    if isinstance(dependencies, list):
        found = cast("Sequence[Any]", dependencies)
        for position, each in enumerate(found):
            if isinstance(each, dict):
                dependency = cast("dict[str, Any]", each)
                number, name = dependency.get("id", position), dependency.get("api_name")
                if isinstance(number, int) and isinstance(name, str):
                    names[number] = f"/{name}"
    return names


def _label(exchange: Exchange, labels: dict[int, str]) -> str:
    path = exchange.path
    if "/call/" in path:
        return "/" + path.partition("/call/")[2].removeprefix("v2/")
    said = exchange.body
    if exchange.is_websocket:
        said = next(
            (frame.data for frame in exchange.frames if frame.by_client and frame.kind == "text"), b""
        )
    fn_index: Any = json_object(said).get("fn_index")
    if fn_index is None:
        asked = parse_qs(exchange.target.partition("?")[2]).get("fn_index", [""])[0]
        fn_index = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    if fn_index is None:
        return path
    return (
        labels.get(fn_index, f"fn_index {fn_index}") if isinstance(fn_index, int) else f"fn_index {fn_index}"
    )
