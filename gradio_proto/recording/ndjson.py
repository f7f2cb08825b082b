"""Our own format: one JSON object a line, for each thing that happens, written as it happens.

So a recorder that is killed loses nothing but what has not happened yet, and a last line that was cut short is left
out by whoever reads. The first line says what the file is. docs/howto/recording.md describes each field, and
docs/howto/recording.schema.json is the same for programs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import Any, Final, cast

from gradio_proto.errors import RemoteProtocolError
from gradio_proto.http import Headers
from gradio_proto.jsontext import loads
from gradio_proto.limits import Limits

from .model import (
    FRAME_KINDS,
    HOWS,
    Answered,
    Began,
    Collector,
    Ended,
    Frame,
    Happening,
    Passed,
    Received,
    Recording,
    RecordingError,
    Sent,
    happenings,
)

VERSION: Final = 1
"""Of the format. It rises when an older reader would misread a file; a new field does not make it rise."""


def first_line(recording: Recording) -> str:
    """What stands at the beginning."""
    return _line(
        {
            "kind": "recording",
            "version": VERSION,
            "started": written_time(recording.started),
            "address": recording.address,
            "upstream": recording.upstream,
        }
    )


def line(happening: Happening) -> str:
    """One line, with its line feed."""
    about: dict[str, Any] = {"at": happening.at, "exchange": happening.exchange}
    match happening:
        case Began(method=method, target=target, headers=headers):
            value = {
                "kind": "request",
                **about,
                "method": method,
                "target": target,
                "headers": [*map(list, headers)],
            }
        case Sent(data=data):
            value = {"kind": "request-body", **about, **_written(data)}
        case Answered(status=status, reason=reason, headers=headers):
            value = {
                "kind": "response",
                **about,
                "status": status,
                "reason": reason,
                "headers": [*map(list, headers)],
            }
        case Received(data=data):
            value = {"kind": "response-body", **about, **_written(data)}
        case Passed(frame=frame):
            value = {
                "kind": "frame",
                **about,
                "by": "client" if frame.by_client else "server",
                "frame": frame.kind,
                **({"code": frame.code} if frame.code else {}),
                **_written(frame.data),
            }
        case _:
            value = {"kind": "end", **about, "how": happening.how}
    return _line(value)


def lines(recording: Recording) -> Iterator[str]:
    """A whole recording, in the order of time."""
    yield first_line(recording)
    for happening in sorted(happenings(recording), key=lambda happening: happening.at):
        yield line(happening)


def read(source: Iterable[str]) -> Recording:
    """Read a recording, line by line.

    Raises:
        RecordingError: It is none, or of a newer format.
    """
    numbered = enumerate(source, 1)
    head = _object(next((text for _, text in numbered), ""), 1)
    if head.get("kind") != "recording":
        raise RecordingError("this is no recording: its first line does not say so")
    if head.get("version") != VERSION:
        raise RecordingError(
            f"this recording has format {head.get('version')!r}, and this version reads {VERSION}"
        )
    collector = Collector()
    for number, text in numbered:
        if not text.endswith("\n"):
            break  # the recorder was killed in the middle of it
        try:
            collector.add(_happening(_object(text, number)))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, RecordingError):
                raise RecordingError(f"line {number}: {error}") from error
            raise RecordingError(f"line {number} lacks a field, or has it wrong: {error!r}") from error
    try:
        started = read_time(head["started"])
        return Recording(started, str(head["address"]), str(head["upstream"]), collector.exchanges())
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"line 1 lacks a field, or has it wrong: {error!r}") from error


def written_time(time: datetime) -> str:
    """A moment in ISO 8601, as HAR wants it too."""
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """The same, back. Python 3.10 knows neither ``Z`` nor fewer digits than three."""
    main, dot, rest = text.replace("Z", "+00:00").partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        main = f"{main}.{digits[:6]:0<6}{rest[len(digits) :]}"
    read = datetime.fromisoformat(main)
    return read.replace(tzinfo=read.tzinfo or timezone.utc).astimezone(timezone.utc)


def _happening(value: dict[str, Any]) -> Happening:
    kind, at, exchange = value["kind"], round(float(value["at"]), 6), int(value["exchange"])
    match kind:
        case "request":
            headers = _headers(value["headers"])
            return Began(at, exchange, str(value["method"]), str(value["target"]), headers)
        case "request-body":
            return Sent(at, exchange, _data(value))
        case "response":
            headers = _headers(value["headers"])
            return Answered(at, exchange, int(value["status"]), str(value["reason"]), headers)
        case "response-body":
            return Received(at, exchange, _data(value))
        case "frame":
            frame = _one_of(value["frame"], FRAME_KINDS)
            by_client = _one_of(value["by"], ("client", "server")) == "client"
            return Passed(exchange, Frame(at, by_client, frame, _data(value), int(value.get("code", 0))))
        case "end":
            return Ended(at, exchange, _one_of(value["how"], HOWS))
        case _:
            raise RecordingError(f"nothing is known of the kind {kind!r}")


def _one_of(value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise RecordingError(f"{value!r} is none of {', '.join(known)}")
    return value


def _headers(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _written(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _data(value: dict[str, Any]) -> bytes:
    if "base64" in value:
        return base64.b64decode(value["base64"], validate=True)
    return str(value["text"]).encode("utf-8")


_encode: Final[Callable[[Any], str]] = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _line(value: dict[str, Any]) -> str:
    # ASCII only, so that no character is a line break for some reader, and any encoding reads it.
    return _encode(value) + "\n"


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        value = loads(text, Limits(), f"line {number}")
    except RemoteProtocolError as error:
        raise RecordingError(str(error)) from error
    if not isinstance(value, dict):
        raise RecordingError(f"line {number} is no object")
    return cast("dict[str, Any]", value)
