"""The vectors and the schemas of the specification say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import vector_runner
from test_spec_schemas import pointer, validator

SCHEMA_OF_TARGET = {
    "/queue/join": "queue_join",
    "/queue/data": "queue_data",
    "/run/predict": "run",
    "/call/v2/calc": "call_v2",
    "/call/echo": "call",
    "/call/state": "call",
    "/cancel": "cancel",
    "/reset": "reset",
    "/stream/e1": "stream_chunk",
    "/component_server": "component_server",
    "/login": "login",
}


def bodies(sent: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What of the requests has a schema, with the schema's kind."""
    for one in sent:
        if "text" in one:
            yield ("ws_data" if "data" in one["text"] else "ws_hash"), one["text"]
        elif "body" in one or "form" in one:
            (kind,) = {kind for end, kind in SCHEMA_OF_TARGET.items() if one["target"].endswith(end)}
            yield kind, one["body"] if "body" in one else one["form"]


def test_requests_are_what_schemas_take() -> None:
    seen = set()
    for vector in vector_runner.read("requests")["vectors"]:
        for kind, value in bodies(vector["expect"]["sent"]):
            errors = list(validator(pointer(f"requests/{kind}", vector["input"]["app"])).iter_errors(value))
            assert not errors, (vector["id"], errors[0].message)
            seen.add(kind)
    assert seen == {"ws_hash", "ws_data", *SCHEMA_OF_TARGET.values()}


def test_recorded_messages_are_what_schemas_take() -> None:
    for vector in vector_runner.read("messages")["vectors"]:
        source, _, place = vector["source"].partition(" ")
        if source == "recorded":
            message = json.loads(vector["input"]["text"])
            schema = validator(pointer(f"messages/{message['msg']}", place.partition("/")[0]))
            assert schema.is_valid(message), vector["id"]


def test_malformed_messages_are_what_schemas_refuse() -> None:
    refused = 0
    for vector in vector_runner.read("messages")["vectors"]:
        if vector["id"].startswith("messages/malformed/") and vector["expect"]["event_id"] is not None:
            message = json.loads(vector["input"]["text"])
            schema = validator(pointer(f"messages/{message['msg']}", "6.31.0"))
            assert not schema.is_valid(message), vector["id"]
            refused += 1
    assert refused > 50
