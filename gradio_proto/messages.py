"""The messages of a job, one frozen class for each that a server of any generation may send.

:data:`Message` is closed: ``match`` over it is exhaustive, and what a newer server may add is an
:class:`UnknownMessage`. Fields have the names of the wire. Generations leave fields out (the WebSocket of 3.x
knows no event ids; ``time_limit`` came with 5.0), so a field that some generation lacks has a default. A
field that all of them send is required; its absence, and a wrong type of any field, is a
:class:`~gradio_proto.errors.RemoteProtocolError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, cast

from .errors import RemoteProtocolError
from .frozen import Frozen
from .jsontext import loads
from .limits import Limits


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SendHash(Frozen):
    """``ws`` only: the server asks whose job this is. Answer with session_hash and fn_index within 5 s."""

    event_id: str | None = None
    """Always None: ``ws`` has no event ids."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SendData(Frozen):
    """``ws`` and ``sse``: a worker is free and wants the inputs, within 60 s (``ws``) or 5 s (``sse``)."""

    event_id: str | None = None
    """``sse``: what the POST with the data must name."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class QueueFull(Frozen):
    """``ws`` and ``sse``: the job was refused. Later generations answer the join with 503 instead."""

    event_id: str | None = None
    """Always None: the job never had one."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Estimation(Frozen):
    """Where the job stands in the queue; sent again whenever that changes."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    rank: int | None
    """Jobs before this one; 0 for the next to run."""
    queue_size: int
    """Jobs in the queue."""
    rank_eta: float | None
    """Seconds until the job is expected to finish; None while the function has never run."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProcessStarts(Frozen):
    """A worker has begun. A result from the server's cache comes without it (6.x)."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    eta: float | None
    """Seconds that the function is expected to take; None while it has never run, and below ``sse_v1``."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProgressUnit(Frozen):
    """One progress bar; ``index`` of ``length``, or ``progress``, never both."""

    index: int | float | None = None
    """Steps done."""
    length: int | float | None = None
    """Steps in all, where known."""
    unit: str | None = None
    """What is counted, such as ``"steps"``."""
    progress: float | None = None
    """The fraction done, 0 to 1."""
    desc: str | None = None
    """What the app says it is doing."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Progress(Frozen):
    """The app reports progress. The server samples: steps may be missing."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    progress_data: tuple[ProgressUnit, ...]
    """The progress bars, outermost first."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Log(Frozen):
    """The app called ``gr.Info``, ``gr.Warning`` or ``gr.Success``."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    log: str
    """The text, raw (it may hold HTML)."""
    level: str
    """``"info"``, ``"warning"``, ``"success"`` (5.x) or ``"error"`` (6.x)."""
    duration: float | None = 10.0
    """Seconds that a browser shows it; None for until it is closed."""
    visible: bool = True
    """Whether a browser shows it at all."""
    title: str | None = None
    """Its heading (5.49 and later)."""


class _WithOutput:
    __slots__ = ()

    output: Mapping[str, Any]
    """The wire's object: ``data`` has the outputs, and there may be more."""

    @property
    def data(self) -> list[Any] | None:
        """The outputs, one entry for each; None if there are none (after an error or a cancellation)."""
        data: list[Any] | None = self.output.get("data")
        return data

    @property
    def render_config(self) -> Mapping[str, Any] | None:
        """What a ``gr.render`` function has made (4.44 and later); None for every other function."""
        render_config: Mapping[str, Any] | None = self.output.get("render_config")
        return render_config

    @property
    def is_generating(self) -> bool:
        """Whether the server says that more may come. A generator's last message says so too below ``sse_v2``,
        and that of a streaming input that was closed; null (batch functions) is no."""
        return self.output.get("is_generating") is True


@dataclass(frozen=True, slots=True)
class ProcessGenerating(_WithOutput):
    """A generator has yielded. The first value of a job is whole; from ``sse_v2`` on the later ones are diffs
    (:class:`~gradio_proto.diff.OutputState` applies them)."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    output: Mapping[str, Any]
    """The wire's object: ``data``, ``is_generating``, ``duration`` (seconds), and what newer servers add."""
    success: bool = True
    """True in all that servers have been seen to send."""
    time_limit: float | None = None
    """Seconds that a streaming input may run."""


@dataclass(frozen=True, slots=True)
class ProcessStreaming(_WithOutput):
    """An app with a streaming input (5.0 and later) has processed a chunk. Its values are always whole."""

    event_id: str | None
    """The job."""
    output: Mapping[str, Any]
    """The wire's object, as in :class:`ProcessGenerating`."""
    success: bool = True
    """True in all that servers have been seen to send."""
    time_limit: float | None = None
    """Seconds that the input may go on, counted from the first of these."""


@dataclass(frozen=True, slots=True)
class ProcessCompleted(_WithOutput):
    """The job has ended: with its outputs, with an error, or cancelled. Its values are always whole."""

    event_id: str | None
    """The job; None on ``ws`` and ``sse``."""
    output: Mapping[str, Any]
    """The wire's object: ``data`` and the like, or ``error`` and what goes with it, or nothing at all."""
    success: bool
    """False if the function raised."""
    title: str | None = None
    """The heading of the error (5.49 and later)."""
    used_cache: str | None = None
    """``"full"`` or ``"partial"`` where the server answered from its cache (6.x)."""
    cache_duration: float | None = None
    """Seconds that the cached run had taken (6.x). Means nothing unless ``success``."""
    avg_time: float | None = None
    """Seconds that the function takes on average (6.x)."""

    @property
    def is_cancellation(self) -> bool:
        """Whether the job ended because someone cancelled it: success, and no outputs (4.31 and later)."""
        return self.success and self.data is None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Heartbeat(Frozen):
    """The server is alive: every 15 s, whatever else it sends. Never on ``ws``, once only on 4.0."""

    event_id: str | None = None
    """Always None: it is about the stream."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UnexpectedError(Frozen):
    """The server failed, lost the session or is stopping: every job of the session ends."""

    event_id: str | None
    """None in all that servers have been seen to send."""
    message: str
    """What the server says about it, raw."""
    session_not_found: bool = False
    """True if the server does not know the session (5.49 and later; before, only ``message`` tells)."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CloseStream(Frozen):
    """``sse_v3``: no job of the session is pending, and the stream ends."""

    event_id: str | None = None
    """Always None: it is about the stream."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UnknownMessage(Frozen):
    """A message that this version of the library does not know."""

    event_id: str | None
    """The job, where the message names one."""
    msg: str
    """Its kind."""
    fields: Mapping[str, Any]
    """Everything in it."""


Message: TypeAlias = (
    SendHash
    | SendData
    | QueueFull
    | Estimation
    | ProcessStarts
    | Progress
    | Log
    | ProcessGenerating
    | ProcessStreaming
    | ProcessCompleted
    | Heartbeat
    | UnexpectedError
    | CloseStream
    | UnknownMessage
)
"""Every message there is."""


def parse_message(text: str, limits: Limits) -> Message:
    """Parse the JSON text of one message: the data of an event, or a WebSocket text frame.

    Args:
        text: The JSON.
        limits: How deeply it may be nested.

    Raises:
        RemoteProtocolError: It is no message. ``event_id`` is set where the text names a job: only that one
            need end then.
        LimitExceeded: It is nested deeper than ``limits.json_depth``.

    Example:
        ::

            from gradio_proto.limits import Limits
            from gradio_proto.messages import parse_message

            message = parse_message('{"msg": "estimation", "event_id": "e1", "rank": 0, "queue_size": 1}', Limits())
            print(type(message).__name__, message.rank)  # prints Estimation 0
    """
    return message_from_json(loads(text, limits, "a message"), text)


def message_from_json(value: Any, text: str) -> Message:
    """Make a message of a decoded JSON value; ``text``, where it came from, is for errors to quote.

    Raises:
        RemoteProtocolError: As :func:`parse_message`.
    """
    try:
        kind = value["msg"]
        build = _BUILDERS.get(kind, _unknown)
    except (TypeError, KeyError):  # no object, no "msg", or one that cannot be the key of a dict
        raise RemoteProtocolError('a message is not an object with a string "msg"', data=text) from None
    try:
        return build(value)
    except _WrongField as error:
        failure = RemoteProtocolError(f"{error} of a {kind!r} message", data=text)
        event_id = value.get("event_id")
        if isinstance(event_id, str):
            failure.event_id = event_id
        raise failure from None


class _WrongField(Exception):
    pass


_ABSENT: Final = object()


def _wrong(name: str, value: Any, wanted: str) -> NoReturn:
    found = "missing" if value is _ABSENT else f"of type {type(value).__name__}, not {wanted}"
    raise _WrongField(f"the field {name!r} is {found}")


# One function for each kind of field. JSON's true and false are no numbers, though Python's are.


def _event_id(value: dict[str, Any]) -> str | None:
    event_id = value.get("event_id")
    if event_id is not None and not isinstance(event_id, str):
        _wrong("event_id", event_id, "str or null")
    return event_id


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name, _ABSENT)
    if not isinstance(text, str):
        _wrong(name, text, "str")
    return text


def _optional_text(value: dict[str, Any], name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        _wrong(name, text, "str or null")
    return text


def _optional_integer(value: dict[str, Any], name: str) -> int | None:
    number = value.get(name)
    if number is not None and type(number) is not int:
        _wrong(name, number, "int or null")
    return number


def _integer(value: dict[str, Any], name: str) -> int:
    number = value.get(name, _ABSENT)
    if not isinstance(number, int) or isinstance(number, bool):
        _wrong(name, number, "int")
    return number


def _optional_number(value: dict[str, Any], name: str, default: float | None = None) -> float | None:
    number = value.get(name, default)
    if number is not None and (not isinstance(number, int | float) or isinstance(number, bool)):
        _wrong(name, number, "a number or null")
    return number


def _boolean(value: dict[str, Any], name: str, default: Any = _ABSENT) -> bool:
    flag = value.get(name, default)
    if not isinstance(flag, bool):
        _wrong(name, flag, "bool")
    return flag


def _output(value: dict[str, Any]) -> dict[str, Any]:
    output: dict[str, Any] | None = value.get("output", _ABSENT)
    if not isinstance(output, dict):
        _wrong("output", output, "an object")
    data = output.get("data")
    if data is not None and not isinstance(data, list):
        _wrong("output.data", data, "a list or null")
    render_config = output.get("render_config")
    if render_config is not None and not isinstance(render_config, dict):
        _wrong("output.render_config", render_config, "an object or null")
    return output


# One function for each message.


def _estimation(value: dict[str, Any]) -> Estimation:
    return Estimation(
        _event_id(value),
        _optional_integer(value, "rank"),
        _integer(value, "queue_size"),
        _optional_number(value, "rank_eta"),
    )


def _process_starts(value: dict[str, Any]) -> ProcessStarts:
    return ProcessStarts(_event_id(value), _optional_number(value, "eta"))


def _progress_unit(unit: Any) -> ProgressUnit:
    if not isinstance(unit, dict):
        _wrong("progress_data", unit, "a list of objects")
    unit = cast("dict[str, Any]", unit)
    return ProgressUnit(
        _optional_number(unit, "index"),
        _optional_number(unit, "length"),
        _optional_text(unit, "unit"),
        _optional_number(unit, "progress"),
        _optional_text(unit, "desc"),
    )


def _progress(value: dict[str, Any]) -> Progress:
    units: list[Any] | None = value.get("progress_data", _ABSENT)
    if not isinstance(units, list):
        _wrong("progress_data", units, "a list of objects")
    return Progress(_event_id(value), tuple([_progress_unit(unit) for unit in units]))


def _log(value: dict[str, Any]) -> Log:
    return Log(
        _event_id(value),
        _text(value, "log"),
        _text(value, "level"),
        _optional_number(value, "duration", 10.0),
        _boolean(value, "visible", True),
        _optional_text(value, "title"),
    )


def _process_generating(value: dict[str, Any]) -> ProcessGenerating:
    return ProcessGenerating(
        _event_id(value), _output(value), _boolean(value, "success"), _optional_number(value, "time_limit")
    )


def _process_streaming(value: dict[str, Any]) -> ProcessStreaming:
    return ProcessStreaming(
        _event_id(value), _output(value), _boolean(value, "success"), _optional_number(value, "time_limit")
    )


def _process_completed(value: dict[str, Any]) -> ProcessCompleted:
    return ProcessCompleted(
        _event_id(value),
        _output(value),
        _boolean(value, "success"),
        _optional_text(value, "title"),
        _optional_text(value, "used_cache"),
        _optional_number(value, "cache_duration"),
        _optional_number(value, "avg_time"),
    )


def _unexpected_error(value: dict[str, Any]) -> UnexpectedError:
    return UnexpectedError(
        _event_id(value), _text(value, "message"), _boolean(value, "session_not_found", False)
    )


def _unknown(value: dict[str, Any]) -> UnknownMessage:
    return UnknownMessage(_event_id(value), _text(value, "msg"), value)


_BUILDERS: Final[dict[str, Callable[[dict[str, Any]], Message]]] = {
    "send_hash": lambda value: SendHash(_event_id(value)),
    "send_data": lambda value: SendData(_event_id(value)),
    "queue_full": lambda value: QueueFull(_event_id(value)),
    "estimation": _estimation,
    "process_starts": _process_starts,
    "progress": _progress,
    "log": _log,
    "process_generating": _process_generating,
    "process_streaming": _process_streaming,
    "process_completed": _process_completed,
    "heartbeat": lambda value: Heartbeat(_event_id(value)),
    "unexpected_error": _unexpected_error,
    "close_stream": lambda value: CloseStream(_event_id(value)),
}
