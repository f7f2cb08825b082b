"""What a job must tell, read from a recording by hand: nothing of the library takes part in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from recorded_exchanges import Exchange

if TYPE_CHECKING:
    from replaying import Call

Told: TypeAlias = tuple[Any, ...]
"""An event: its kind, and what it holds."""

_STATUS: Final = {
    "Queued": ("IN_QUEUE", None),
    "Started": ("PROCESSING", None),
    "Progress": ("PROGRESS", None),
    "Log": ("LOG", None),
    "Output": ("ITERATING", None),
    "Completed": ("FINISHED", True),
    "Failed": ("FINISHED", False),
    "Cancelled": ("CANCELLED", False),
}


def expected(call: Call) -> list[Told]:
    """What the recording says of a call: its events, and how it stands after the last of them."""
    events = _events(call)
    # Around the queue, a function runs at once.
    before = ("IN_QUEUE" if call.exchange.event_id else "PROCESSING"), None
    status = _STATUS[events[-1][0]] if events else before
    return [*events, ("Status", *status)]


def _events(call: Call) -> list[Told]:
    """What the recording says of a call, event by event, in our names."""
    told: list[Told] = []
    values: list[Any] = []
    last: list[Any] = []
    if call.exchange.status not in (0, 101, 200):
        return [("Failed", *refused(call.exchange, call.replay.version))]
    said = _messages(call) if call.exchange.status else ()
    for time, message in said:
        if call.given_up is not None and time > call.given_up:
            break
        if call.ended is not None and time > call.ended:
            told.append(("Completed", values[-1]))
            break
        match message:
            case {"msg": "estimation"}:
                told.append(("Queued", message["rank"], message["queue_size"], message["rank_eta"]))
            case {"msg": "process_starts"}:
                told.append(("Started", message.get("eta")))
            case {"msg": "progress", "progress_data": units}:
                told.append(("Progress", units))
            case {"msg": "log", "log": text, "level": level}:
                shown = message.get("duration", 10.0), message.get("visible", True)
                told.append(("Log", text, level, message.get("title"), *shown))
            case {
                "msg": "process_generating" | "process_streaming",
                "success": True,
                "output": {"data": data},
            }:
                is_whole = (
                    call.is_simple or not call.replay.sends_diffs or message["msg"] == "process_streaming"
                )
                if is_whole or not last:
                    last = data
                else:
                    last = [_edited(old, edits) for old, edits in zip(last, data, strict=True)]
                values.append(call.value(last))
                told.append(("Output", values[-1]))
            case {"msg": "process_completed", "success": True, "output": {"data": data}}:
                value = call.value(data)
                is_last_chunk = call.takes_chunks and message["output"]["is_generating"] is False
                told += [("Output", value)] * (not values or is_last_chunk)
                told.append(("Completed", value))
                break
            case {"msg": "process_completed", "success": True}:
                told.append(("Cancelled", "by server"))
                break
            case {"msg": "process_completed", "output": output}:
                told.append(("Failed", "AppError", _text(output.get("error"), call.replay.version)))
                break
            case {"msg": "unexpected_error", "message": text} if re.fullmatch("'[0-9a-f]{32}'", text):
                pass  # over a cancelled job the stream breaks off; the others are there when it is opened again
            case {"msg": "unexpected_error", "message": text}:
                kind = "SessionLost" if message.get("session_not_found") else "RemoteProtocolError"
                told.append(("Failed", "ServerStopped" if text.startswith("Server stopped") else kind))
                break
            case {"msg": "queue_full"}:
                told.append(("Failed", "QueueError"))
                break
            case {"msg": "the end", "code": code}:
                told.append(_ENDS.get(code, ("Failed", "ConnectionLost")))
                break
            case _:
                assert message["msg"] in ("heartbeat", "close_stream", "send_hash", "send_data"), message
    if call.given_up is not None and not (told and told[-1][0] in _TERMINAL):
        told.append(("Failed", "ClientClosed") if call.left else ("Cancelled", "by us"))
    return told


_TERMINAL: Final = ("Completed", "Failed", "Cancelled")

_ENDS: Final = {1000: ("Cancelled", "by server"), 1012: ("Failed", "ServerStopped")}
"""What the end of a job's own connection means, by its code, if it comes before the job's."""


def _messages(call: Call) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """What was said of a job, in order."""
    exchange = call.exchange
    if exchange.route.startswith("/run") or exchange.route.startswith("/api"):
        output = json.loads(exchange.content)
        yield exchange.answered, {"msg": "process_completed", "success": True, "output": output}
        return
    if exchange.is_upgrade:
        for frame in exchange.frames:
            if frame.by_server and frame.kind == "text":
                yield frame.time, json.loads(frame.text)
            elif frame.by_server and frame.kind != "ping":
                yield frame.time, {"msg": "the end", "code": frame.code}
        return
    if exchange.method == "GET":
        event_id, streams = None, [exchange]
    else:
        event_id = exchange.json_content["event_id"]
        streams = [
            each for each in call.replay.server.exchanges if each.method == "GET" and event_id in each.target
        ]
        session = f"session_hash={call.session}"
        streams = streams or [each for each in call.replay.server.exchanges if each.target.endswith(session)]
    pieces = sorted((piece for stream in streams for piece in stream.pieces), key=lambda piece: piece[0])
    for time, piece in pieces:
        event, _, data = piece.removesuffix("\n\n").rpartition("data: ")
        if event:
            yield time, _simple_message(event.removeprefix("event: ").strip(), json.loads(data))
            continue
        message = json.loads(data)
        if message.get("event_id") in (None, event_id) or exchange.method == "GET":
            yield time, message
    if exchange.method == "GET" and exchange.end in ("clean", "broken"):
        yield exchange.ended, {"msg": "the end", "code": 0}


def _simple_message(event: str, data: Any) -> Mapping[str, Any]:
    """An event of the simple API, in the words of the queue's."""
    if event == "error" and isinstance(data, str):
        return {"msg": "unexpected_error", "message": data}
    if event == "error":
        return {"msg": "process_completed", "success": False, "output": data or {}}
    kind = {"generating": "process_generating", "complete": "process_completed"}.get(event, event)
    return {"msg": kind, "success": True, "output": {"data": data}}


def refused(exchange: Exchange, version: str) -> Told:
    """What becomes of a join that was answered so."""
    detail = exchange.json_content
    if exchange.status == 500 and isinstance(detail, dict) and "error" in detail:
        return "AppError", _text(detail["error"], version)
    if exchange.status == 503:
        return ("QueueError",)
    if detail == {"detail": "Not authorized to skip the queue"}:
        return ("HTTPStatusError",)  # 401, and no login helps
    if exchange.route == "/login":
        return ("AuthenticationError",)
    if exchange.route == "/config" and exchange.status == 404:
        return ("RemoteProtocolError",)  # there is no app
    kinds = {401: "AuthenticationError", 403: "AuthenticationError", 422: "ValidationError"}
    return (kinds.get(exchange.status, "HTTPStatusError"),)


def _text(error: Any, version: str) -> Any:
    """The text of an error; None where the app keeps it to itself."""
    if error is None or (error == "None" and version < "4.4"):
        return None
    if version < "5" and isinstance(error, str) and error[:1] in ("'", '"'):
        return error[1:-1]
    return error


def _edited(old: Any, edits: list[list[Any]]) -> Any:
    """A value after a diff. What is deleted from a list is its tail."""
    value = json.loads(json.dumps(old))
    for action, path, new in edits:
        if not path:
            value = value + new if action == "append" else new
            continue
        *parents, last = path
        place = value
        for key in parents:
            place = place[key]
        if action == "delete" and isinstance(place, list):
            place.pop()
        elif action == "delete":
            del place[last]
        elif action == "append":
            place[last] += new
        elif action == "add" and isinstance(place, list):
            place.insert(last, new)
        else:
            place[last] = new
    return value
