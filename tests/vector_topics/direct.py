"""Vectors of calls around the queue: what ``/run`` answers, what ``/call`` streams, and what that means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import recorded as exchanges

from .errors import JSON, kind_of
from .jobs import failure, of_session
from .vector import PROTOCOL_OF, Names, Vector

TOPIC = "direct"
DESCRIPTION = (
    "A call around the queue, and what became of it. 'via' is 'run': 'reply' is the answer to POST /run; or 'call': "
    "'stream' is the event stream of the simple API, after its POST was answered with the event e1, and 'ended' says "
    "whether it came to its proper end. 'outputs' and 'outcome' are those of jobs.json."
)

_RUNS: Final = re.compile(
    r"POST (?:/gradio_api)?/run/(echo|noqueue|fail|fail_titled|crash|calc|none|update|state) HTTP"
)

_CALLS: Final = ("call", "variant_hide")


def outcome_of_reply(version: str, status: int, body: str) -> dict[str, Any]:
    """What a recorded reply of /run means."""
    value = json.loads(body) if body.startswith("{") else {}
    if status == 200:
        return {"kind": "completed", "value": value["data"]}
    if status == 500 and "error" in value:
        said = {"output": value}
        return failure(said, tuple(int(number) for number in version.split(".")))
    return {"kind": "failed", "error": kind_of(status, body)["kind"]}


def outcome_of_event(version: str, event: str, data: Any) -> dict[str, Any]:
    """What the last event of a recorded stream means."""
    if event == "complete":
        return {"kind": "completed", "value": data}
    if isinstance(data, str):
        return of_session({"message": data})
    return failure({"output": data or {}}, tuple(int(number) for number in version.split(".")))


def recorded() -> Iterator[Vector]:
    """What servers were seen to answer."""
    for version, protocol in PROTOCOL_OF.items():
        given = {"version": version, "protocol": protocol}
        seen: set[str] = set()
        for operation in ("direct", "variant_hide", "variant_closed"):
            for line, status, content_type, body in _replies(version, operation):
                name = f"{operation}/{line}".replace("direct/", "")
                if name in seen or status in (401, 422):
                    continue
                seen.add(name)
                body = Names().text(body)
                reply = {"status": status, "headers": {"content-type": content_type}, "body": body}
                yield Vector(
                    f"direct/recorded/{version}/run/{name}",
                    f"What /run of Gradio {version} answered.",
                    f"recorded {version}/{operation}",
                    {**given, "via": "run", "reply": reply},
                    {"outputs": [], "outcome": outcome_of_reply(version, status, body)},
                    (protocol,),
                )
        for operation in _CALLS:
            for stream in exchanges.streams(version, operation):
                name = stream.target.removeprefix("/gradio_api").rpartition("/")[0].removeprefix("/call/")
                if "/call/" not in stream.target or not stream.data or name.startswith("v2/"):
                    continue
                text = stream.data.decode("utf-8")
                name = f"{operation}/{name}".replace("call/", "") + ("" if stream.ended else "/broken")
                events = [re.findall("(?:event|data): (.*)", block) for block in text.split("\n\n")[:-1]]
                *before, (event, data) = events
                if name in seen or event not in ("complete", "error"):
                    continue
                seen.add(name)
                yield Vector(
                    f"direct/recorded/{version}/call/{name}",
                    f"What /call of Gradio {version} sent.",
                    f"recorded {version}/{operation}",
                    {**given, "via": "call", "stream": text, "ended": stream.ended},
                    {
                        "outputs": [json.loads(value) for _, value in before],
                        "outcome": outcome_of_event(version, event, json.loads(data)),
                    },
                    (protocol,),
                )


def _replies(version: str, operation: str) -> Iterator[tuple[str, int, str, str]]:
    """The name, the status, the type and the body of each reply of /run."""
    asked: dict[int, str] = {}
    for record in exchanges.records(version, operation):
        if record["channel"] != "http" or "line" not in record:
            continue
        run = _RUNS.match(record["line"])
        if record["dir"] == "send":
            asked[record["conn"]] = run[1] if run and "nodata" not in record["body"] else ""
        elif asked.get(record["conn"]):
            headers = {name.lower(): value for name, value in record["headers"]}
            status = int(record["line"].split(" ")[1])
            yield asked[record["conn"]], status, headers.get("content-type", ""), record["body"]


def written() -> Iterator[Vector]:
    """What servers may answer too."""
    lost = {"kind": "failed", "error": "connection_lost"}
    protocol = {"kind": "failed", "error": "protocol"}
    runs: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "no-data": ("A reply without outputs.", {"status": 200, "headers": JSON, "body": "{}"}, protocol),
        "not-json": ("A reply that is no JSON.", {"status": 200, "headers": JSON, "body": "hello"}, protocol),
        "page": (
            "A login page, or whatever a gateway shows.",
            {"status": 200, "headers": {"content-type": "text/html"}, "body": "<html></html>"},
            {"kind": "failed", "error": "http_status"},
        ),
        "traceback": (
            "A server that fails, and not the function.",
            {"status": 500, "headers": {"content-type": "text/plain"}, "body": "Internal Server Error"},
            {"kind": "failed", "error": "http_status"},
        ),
    }
    for id, (text, reply, outcome) in runs.items():
        for version in ("3.50.2", "6.31.0"):
            protocol_of = {"version": version, "protocol": PROTOCOL_OF[version]}
            given: dict[str, Any] = {**protocol_of, "via": "run", "reply": reply}
            yield Vector(
                f"direct/run/{id}/{version}",
                text,
                "written",
                given,
                {"outputs": [], "outcome": outcome},
                (PROTOCOL_OF[version],),
            )
    done = 'event: complete\ndata: ["v"]\n\n'
    streams: dict[str, tuple[str, str, bool, list[Any], dict[str, Any]]] = {
        "heartbeat": (
            "Heartbeats are for nobody.",
            "event: heartbeat\ndata: null\n\n" + done,
            True,
            [],
            {"kind": "completed", "value": ["v"]},
        ),
        "unknown-event": (
            "An event that the client does not know.",
            "event: new\ndata: 1\n\n" + done,
            True,
            [],
            {"kind": "completed", "value": ["v"]},
        ),
        "whole-values": (
            "Values are whole on every version; there are no diffs here.",
            'event: generating\ndata: [[["append", [], "x"]]]\n\nevent: generating\ndata: ["b"]\n\n' + done,
            True,
            [[[["append", [], "x"]]], ["b"]],
            {"kind": "completed", "value": ["v"]},
        ),
        "ends-before": (
            "A stream that ends before the result.",
            'event: generating\ndata: ["a"]\n\n',
            True,
            [["a"]],
            lost,
        ),
        "breaks-off": ("One that breaks off.", 'event: generating\ndata: ["a"]\n\n', False, [["a"]], lost),
        "not-json": ("A value that is no JSON.", "event: complete\ndata: v\n\n", True, [], protocol),
        "after-the-end": (
            "What follows the result is nothing.",
            done + 'event: complete\ndata: ["w"]\n\n',
            True,
            [],
            {"kind": "completed", "value": ["v"]},
        ),
    }
    for id, (text, stream, ended, outputs, outcome) in streams.items():
        given = {"version": "6.31.0", "protocol": "sse_v3", "via": "call"}
        given |= {"stream": stream, "ended": ended}
        yield Vector(
            f"direct/call/{id}", text, "written", given, {"outputs": outputs, "outcome": outcome}, ("sse_v3",)
        )


def vectors() -> list[Vector]:
    """All of them."""
    return [*written(), *recorded()]
