"""HAR 1.2, the format in which browsers export what they have seen of the network.

What HAR has no word for stands in fields with an underscore, as the format allows: ``_webSocketMessages`` is
Chrome's, the others are ours, and a file without them is read all the same.

    log._address, log._upstream     of the recording
    entry._at, entry._headAt        when the request and the response's head came
    entry._pieces                   [[seconds, bytes], ...]: when each piece of the body came, and how long it is
    entry._end                      {"at": seconds, "how": ...}, or null
    postData._encoding              "base64" where the body is no text; HAR has that for responses only
    message._at, message._code      of a WebSocket frame; Chrome has its ``time`` only
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from gradio_proto.http import Headers

from .model import HOWS, End, Exchange, Frame, FrameKind, Piece, Recording, RecordingError, Response
from .ndjson import read_time, written_time

_OPCODES: Final[dict[FrameKind, int]] = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
_KINDS: Final[dict[int, FrameKind]] = {code: kind for kind, code in _OPCODES.items()}

_OF_CONNECTION: Final = (
    "connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"
)  # fmt: skip
"""Headers that say how an exchange was carried: a replay has its own."""


def to_har(recording: Recording, *, version: str) -> dict[str, Any]:
    """A recording as the JSON value of a HAR.

    Args:
        recording: The recording.
        version: Of the program that writes it.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "gradio_proto", "version": version},
            "_started": written_time(recording.started),
            "_address": recording.address,
            "_upstream": recording.upstream,
            "entries": [_entry(recording, exchange) for exchange in recording.exchanges],
        }
    }


def from_har(value: Any) -> Recording:
    """Read a HAR: ours, or one that a browser has exported.

    Of a browser's, only the exchanges with one origin are taken: the one with most of the requests that Gradio has.

    Raises:
        RecordingError: It is none.
    """
    try:
        log = value["log"]
        entries: Sequence[Any] = log["entries"]
        address = str(log.get("_address") or "") or _busiest_origin(entries)
        if "_started" in log:
            started = read_time(log["_started"])
        else:
            moments = [read_time(entry["startedDateTime"]) for entry in entries]
            started = min(moments, default=datetime.fromtimestamp(0, timezone.utc))
        exchanges = [
            _exchange(entry, address, started)
            for entry in entries
            if "_at" in entry or _origin(entry["request"]["url"]) == address
        ]
        if "_address" not in log:
            exchanges.sort(key=lambda exchange: exchange.at)
        return Recording(started, address, str(log.get("_upstream", "")), tuple(exchanges))
    except RecordingError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RecordingError(f"this is no HAR: {error!r}") from error


# Writing.


def _entry(recording: Recording, exchange: Exchange) -> dict[str, Any]:
    response, end = exchange.response, exchange.end
    began = recording.started + timedelta(seconds=exchange.at)
    head_at = exchange.at if response is None else response.at
    last = max([head_at, *(piece.at for piece in response.pieces)] if response else [head_at])
    entry: dict[str, Any] = {
        "startedDateTime": written_time(began),
        "time": _milliseconds(exchange.at, last),
        "request": {
            "method": exchange.method,
            "url": recording.address + exchange.target,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _written_headers(exchange.headers),
            "queryString": [
                {"name": name, "value": text}
                for name, text in parse_qsl(exchange.target.partition("?")[2], keep_blank_values=True)
            ],
            "headersSize": -1,
            "bodySize": len(exchange.body),
        },
        "response": _written_response(response),
        "cache": {},
        "timings": {
            "send": 0,
            "wait": _milliseconds(exchange.at, head_at),
            "receive": _milliseconds(head_at, last),
        },
        "_at": exchange.at,
        "_end": end and {"at": end.at, "how": end.how},
    }
    if exchange.body:
        content_type = next((text for name, text in exchange.headers if name == "content-type"), "")
        entry["request"]["postData"] = {"mimeType": content_type, **_text(exchange.body, "_encoding")}
    if response is not None:
        entry["_headAt"] = response.at
        entry["_pieces"] = [[piece.at, len(piece.data)] for piece in response.pieces]
    if exchange.frames:
        entry["_resourceType"] = "websocket"
        entry["_webSocketMessages"] = [_message(recording.started, frame) for frame in exchange.frames]
    return entry


def _written_response(response: Response | None) -> dict[str, Any]:
    # A request without an answer has status 0, as browsers write it.
    status, reason, headers, body = (
        (0, "", (), b"")
        if response is None
        else (response.status, response.reason, response.headers, response.body)
    )
    return {
        "status": status,
        "statusText": reason,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _written_headers(headers),
        "content": {
            "size": len(body),
            "mimeType": "" if response is None else response.get("content-type"),
            **_text(body, "encoding"),
        },
        "redirectURL": "" if response is None else response.get("location"),
        "headersSize": -1,
        "bodySize": len(body),
    }


def _message(started: datetime, frame: Frame) -> dict[str, Any]:
    # Chrome has the data of every opcode but 1 in base64.
    data = (
        frame.data.decode("utf-8") if frame.kind == "text" else base64.b64encode(frame.data).decode("ascii")
    )
    return {
        "type": "send" if frame.by_client else "receive",
        "time": round(started.timestamp() + frame.at, 6),
        "opcode": _OPCODES[frame.kind],
        "data": data,
        "_at": frame.at,
        **({"_code": frame.code} if frame.code else {}),
    }


def _written_headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _text(data: bytes, encoding: str) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(data).decode("ascii"), encoding: "base64"}


def _milliseconds(start: float, end: float) -> float:
    return round(max(end - start, 0.0) * 1000, 3)


# Reading.


def _origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"


def _busiest_origin(entries: Sequence[Any]) -> str:
    origins = Counter(
        _origin(entry["request"]["url"])
        for entry in entries
        if urlsplit(str(entry["request"]["url"])).path.endswith(
            ("/queue/join", "/queue/data", "/config", "/info")
        )
    ) or Counter(_origin(entry["request"]["url"]) for entry in entries)
    if not origins:
        raise RecordingError("this HAR has no entries")
    return origins.most_common(1)[0][0]


def _exchange(entry: Any, address: str, started: datetime) -> Exchange:
    request, answer = entry["request"], entry["response"]
    at = entry.get("_at")
    if at is None:
        at = (read_time(entry["startedDateTime"]) - started).total_seconds()
    at = round(float(at), 6)
    url = str(request["url"])
    if "_at" in entry:
        target = url.removeprefix(address)
    else:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    posted: dict[str, Any] = request.get("postData") or {}
    headers = _read_headers(request["headers"], is_ours="_at" in entry)
    messages = entry.get("_webSocketMessages", ())
    # Chrome has its own errors among them, with the opcode -1.
    frames = tuple(_frame(message, started) for message in messages if message["opcode"] in _KINDS)
    if not answer["status"]:
        response, end = None, End(at, "server left")
    else:
        response = _response(entry, answer, at)
        last = max([response.at, *(piece.at for piece in response.pieces), *(frame.at for frame in frames)])
        end = End(last, "complete")
    if "_end" in entry:
        said = entry["_end"]
        end = said and End(round(float(said["at"]), 6), _how(said["how"]))
    return Exchange(
        at, str(request["method"]), target, headers, _bytes(posted, "_encoding"), response, frames, end
    )


def _response(entry: Any, answer: Any, at: float) -> Response:
    timings: dict[str, Any] = entry.get("timings") or {}
    waited = [float(timings.get(name) or 0) for name in ("blocked", "dns", "connect", "send", "wait")]
    before = sum(each for each in waited if each > 0)  # -1 stands for what does not apply
    head_at = round(float(entry.get("_headAt", at + before / 1000)), 6)
    body = _bytes(answer["content"], "encoding")
    pieces: list[Piece] = []
    if "_pieces" in entry:
        start = 0
        for when, size in entry["_pieces"]:
            pieces.append(Piece(round(float(when), 6), body[start : start + size]))
            start += size
    elif body:
        pieces.append(Piece(round(head_at + max(float(timings.get("receive") or 0), 0) / 1000, 6), body))
    headers, reason = (
        _read_headers(answer["headers"], is_ours="_at" in entry),
        str(answer.get("statusText", "")),
    )
    return Response(head_at, int(answer["status"]), reason, headers, tuple(pieces))


def _frame(message: Any, started: datetime) -> Frame:
    kind: FrameKind = _KINDS[message["opcode"]]
    at = message.get("_at")
    if at is None:
        at = float(message["time"]) - started.timestamp()
    data = message["data"].encode("utf-8") if kind == "text" else base64.b64decode(message["data"])
    return Frame(round(float(at), 6), message["type"] == "send", kind, data, int(message.get("_code", 0)))


def _read_headers(headers: Any, *, is_ours: bool) -> Headers:
    pairs = tuple((str(each["name"]), str(each["value"])) for each in headers)
    if is_ours:
        return pairs
    # Browsers show HTTP/2's pseudo-headers too, the names as they came, several headers of a name as one of several
    # lines, and a body without the encoding in which it came.
    found = [
        (name.lower(), line)
        for name, value in pairs
        for line in value.split("\n")
        if not name.startswith(":")
    ]
    return tuple(pair for pair in found if pair[0] not in _OF_CONNECTION)


def _bytes(value: Any, encoding: str) -> bytes:
    text = cast(str, value.get("text") or "")
    return base64.b64decode(text) if value.get(encoding) == "base64" else text.encode("utf-8", "replace")


def _how(text: Any) -> Any:
    if text not in HOWS:
        raise RecordingError(f"{text!r} is no way in which an exchange ends")
    return text
