"""Vectors of messages: the text of one, and what it says."""

from __future__ import annotations

import json
from typing import Any, Final

from .vector import PROTOCOL_OF, PROTOCOLS, QUEUE, Names, Vector
from .wire import messages, shape

TOPIC = "messages"
DESCRIPTION = (
    "The text of one message: the data of an event, or a text frame of a WebSocket. 'message' is its kind and its "
    "fields, with the defaults of those that its generation does not send; 'error' says that it is no message, and "
    "'event_id' then names the only job that must end of it (null: every job of that connection). A kind "
    "that the client does not know is no error, and fields that it does not know are passed over."
)

REQUIRED: Final = object()

FIELDS: Final[dict[str, dict[str, Any]]] = {
    "send_hash": {},
    "send_data": {"event_id": None},
    "queue_full": {},
    "estimation": {"event_id": None, "rank": None, "queue_size": REQUIRED, "rank_eta": None},
    "process_starts": {"event_id": None, "eta": None},
    "progress": {"event_id": None, "progress_data": REQUIRED},
    "log": {
        "event_id": None,
        "log": REQUIRED,
        "level": REQUIRED,
        "duration": 10.0,
        "visible": True,
        "title": None,
    },
    "process_generating": {"event_id": None, "output": REQUIRED, "success": REQUIRED, "time_limit": None},
    "process_streaming": {"event_id": None, "output": REQUIRED, "success": REQUIRED, "time_limit": None},
    "process_completed": {
        "event_id": None,
        "output": REQUIRED,
        "success": REQUIRED,
        "title": None,
        "used_cache": None,
        "cache_duration": None,
        "avg_time": None,
    },
    "heartbeat": {},
    "unexpected_error": {"message": REQUIRED, "session_not_found": False},
    "close_stream": {},
}
"""What a client reads of each kind, and what stands for a field that is not there."""

UNIT: Final = {"index": None, "length": None, "unit": None, "progress": None, "desc": None}
"""The same of an entry of progress_data."""

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "ws": (
        *("send_hash", "send_data", "queue_full", "estimation", "process_starts", "progress", "log"),
        *("process_generating", "process_completed"),
    ),
    "sse": (
        *("send_data", "queue_full", "estimation", "process_starts", "progress", "log", "process_generating"),
        *("process_completed", "heartbeat"),
    ),
    **dict.fromkeys(
        ("sse_v1", "sse_v2", "sse_v2.1"),
        (
            *("estimation", "process_starts", "progress", "log", "process_generating", "process_completed"),
            *("heartbeat", "unexpected_error"),
        ),
    ),
    "sse_v3": (
        *("estimation", "process_starts", "progress", "log", "process_generating", "process_streaming"),
        *("process_completed", "heartbeat", "unexpected_error", "close_stream"),
    ),
}
"""Every kind of message that a generation's servers send."""

FULL: Final[dict[str, dict[str, Any]]] = {
    "estimation": {"rank": 1, "queue_size": 2, "rank_eta": 1.5},
    "process_starts": {"eta": 1.5},
    "progress": {
        "progress_data": [{"index": 1, "length": 4, "unit": "steps", "progress": None, "desc": "go"}]
    },
    "log": {"log": "hi", "level": "info", "duration": 10.0, "visible": True, "title": "Info"},
    "process_generating": {"output": {"data": ["x"]}, "success": True, "time_limit": None},
    "process_streaming": {"output": {"data": ["x"]}, "success": True, "time_limit": 2.5},
    "process_completed": {
        "output": {"data": ["x"]},
        "success": True,
        "title": None,
        "used_cache": "full",
        "cache_duration": 0.5,
        "avg_time": 0.25,
    },
    "unexpected_error": {"message": "404: Session not found.", "session_not_found": True},
}
"""A message of each kind that has fields, with a value in each."""

WRONG: Final[dict[tuple[str, str], tuple[Any, ...]]] = {
    ("estimation", "rank"): ("1", True, [1]),
    ("estimation", "queue_size"): (None, "2", True),
    ("estimation", "rank_eta"): ("1.5", False),
    ("process_starts", "eta"): ("1.5", {}),
    ("progress", "progress_data"): (
        None,
        {},
        "x",
        [1],
        [None],
        [{"index": "1"}],
        [{"desc": 1}],
        [{"unit": 1}],
    ),
    ("log", "log"): (None, 1),
    ("log", "level"): (None, 1),
    ("log", "duration"): ("10", True),
    ("log", "visible"): (None, 1),
    ("log", "title"): (1,),
    ("process_generating", "output"): (None, [], "x", {"data": "x"}, {"data": {}}),
    ("process_generating", "success"): (None, 1, "true"),
    ("process_generating", "time_limit"): ("1",),
    ("process_streaming", "output"): (None, {"data": 1}),
    ("process_streaming", "success"): (None, 0),
    ("process_streaming", "time_limit"): (True,),
    ("process_completed", "output"): (None, ["x"], {"data": "x"}, {"render_config": []}),
    ("process_completed", "success"): (None, "false"),
    ("process_completed", "title"): (1,),
    ("process_completed", "used_cache"): (True,),
    ("process_completed", "cache_duration"): ("1",),
    ("process_completed", "avg_time"): ("1",),
    ("unexpected_error", "message"): (None, 404),
    ("unexpected_error", "session_not_found"): (None, "yes"),
}
"""Values of wrong types."""


def meant(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says to a client."""
    fields = {
        name: message.get(name, default) if default is not REQUIRED else message[name]
        for name, default in FIELDS[message["msg"]].items()
    }
    if "progress_data" in fields:
        fields["progress_data"] = [{**UNIT, **unit} for unit in fields["progress_data"]]
        fields["progress_data"] = [{name: unit[name] for name in UNIT} for unit in fields["progress_data"]]
    return {"msg": message["msg"], **fields}


def recorded() -> list[Vector]:
    """One message of each form that each version was seen to send."""
    found: list[Vector] = []
    for version, protocol in PROTOCOL_OF.items():
        shapes: dict[str, tuple[str, str]] = {}
        for operation, text in messages(version):
            form = shape(json.loads(text))
            if form not in shapes or len(text) < len(shapes[form][1]):
                shapes[form] = (operation, text)
        count: dict[str, int] = {}
        for operation, text in sorted(shapes.values(), key=lambda each: json.loads(each[1])["msg"]):
            if len(text) > 4000:
                continue  # a render_config: its place is not here
            text = Names().text(text)
            message = json.loads(text)
            kind = message["msg"]
            count[kind] = count.get(kind, 0) + 1
            found.append(
                Vector(
                    f"messages/recorded/{version}/{kind}/{count[kind]}",
                    f"A {kind} of Gradio {version}.",
                    f"recorded {version}/{operation}",
                    {"text": text},
                    {"message": meant(message)},
                    (protocol,),
                )
            )
    return found


def well_formed() -> list[Vector]:
    """What need not have been sent by any server yet."""
    cases: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "unknown-field": (
            "A field that the client does not know.",
            {"msg": "process_starts", "event_id": "e1", "eta": None, "new": [1]},
            {"msg": "process_starts", "event_id": "e1", "eta": None},
        ),
        "numbers": (
            "Whole numbers where fractions may stand.",
            {"msg": "estimation", "event_id": "e1", "rank": 0, "queue_size": 1, "rank_eta": 2},
            {"msg": "estimation", "event_id": "e1", "rank": 0, "queue_size": 1, "rank_eta": 2},
        ),
        "sticky-log": (
            "A log message without an end.",
            {"msg": "log", "event_id": "e1", "log": "x", "level": "error", "duration": None},
            {**meant({"msg": "log", "event_id": "e1", "log": "x", "level": "error"}), "duration": None},
        ),
        "no-progress": (
            "No bars.",
            {"msg": "progress", "event_id": "e1", "progress_data": []},
            {"msg": "progress", "event_id": "e1", "progress_data": []},
        ),
        "bare-bar": (
            "A bar of which nothing is known.",
            {"msg": "progress", "event_id": "e1", "progress_data": [{}]},
            {"msg": "progress", "event_id": "e1", "progress_data": [UNIT]},
        ),
    }
    found = [
        Vector(f"messages/{id}", text, "written", {"text": json.dumps(message)}, {"message": says}, QUEUE)
        for id, (text, message, says) in cases.items()
    ]
    for kind in ("new_kind", ""):
        message = {"msg": kind, "event_id": "e1", "x": [1]}
        found.append(
            Vector(
                f"messages/unknown-kind/{kind or 'empty'}",
                "A kind that the client does not know: for its job it is news without a meaning.",
                "written",
                {"text": json.dumps(message)},
                {"message": {"msg": kind, "event_id": "e1", "unknown": True}},
            )
        )
    return found


def malformed() -> list[Vector]:
    """What is no message, and whose error it is."""
    found: list[Vector] = []

    def add(id: str, description: str, text: str, event_id: str | None, source: str = "written") -> None:
        found.append(
            Vector(
                f"messages/malformed/{id}",
                description,
                source,
                {"text": text},
                {"error": True, "event_id": event_id},
            )
        )

    add("no-json", "A text that is no JSON.", "ALIVE", None)
    add("empty", "No text.", "", None)
    add("cut", "Half a message.", '{"msg": "heartb', None)
    values: dict[str, Any] = {
        "null": None,
        "list": [],
        "string": "heartbeat",
        "number": 1,
        "no-msg": {"event_id": "e1"},
    }
    for name, value in values.items():
        add(name, "JSON that is no object with a kind.", json.dumps(value), None)
    values = {"null": None, "number": 1, "list": [], "object": {}}
    for name, value in values.items():
        add(f"msg/{name}", "A kind that is no string.", json.dumps({"msg": value}), None)
    values = {"number": 1, "list": ["e1"], "boolean": True}
    for name, value in values.items():
        text = json.dumps({"msg": "process_starts", "event_id": value, "eta": None})
        add(
            f"event_id/{name}", "An event_id that is no string: nobody knows whose message it is.", text, None
        )
    for kind, fields in FULL.items():
        message = {"msg": kind, "event_id": "e1", **fields}
        for name, default in FIELDS[kind].items():
            if default is REQUIRED:
                less = {key: value for key, value in message.items() if key != name}
                add(f"{kind}/{name}/missing", f"A {kind} without {name}.", json.dumps(less), "e1", "property")
            for number, wrong in enumerate(WRONG.get((kind, name), ())):
                add(
                    f"{kind}/{name}/{number + 1}",
                    f"A {kind} with {name} of a wrong type.",
                    json.dumps({**message, name: wrong}),
                    "e1",
                    "property",
                )
    return found


def vectors() -> list[Vector]:
    """All of them."""
    every = [Vector(**{**vars(vector), "generations": PROTOCOLS}) for vector in malformed()]
    return well_formed() + every + recorded()
