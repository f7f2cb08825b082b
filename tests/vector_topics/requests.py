"""Vectors of requests: what a client knows of an app, a call, and what it must send."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

import recorded as exchanges

from . import apps
from .vector import PROTOCOL_OF, Names, Vector

TOPIC = "requests"
DESCRIPTION = (
    "What a client sends for a call. 'app' names one of 'apps', the config and info that the server answers; 'url' is "
    "what the user gave, and 'act' what the user does. 'sent' is everything that the client sends for it, in order: "
    "requests, and the text frames of a WebSocket. README.md says how to compare them, and what the server answers."
)

JSON: Final = {"content-type": "application/json"}
STREAM: Final = {"accept": "text/event-stream"}
UPGRADE: Final = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}

Sent = dict[str, Any]


def prefix_of(version: str) -> str:
    """What stands before the routes."""
    return "/gradio_api" if int(version[0]) >= 5 else ""


def post(target: str, body: Any) -> Sent:
    return {"method": "POST", "target": target, "headers": JSON, "body": body}


def queued(version: str, fn_index: int, data: list[Any], *, base: str = "", **beside: Any) -> list[Sent]:
    """A call by the queue."""
    body = {"data": data, "fn_index": fn_index, "session_hash": "s1", **beside}
    protocol = PROTOCOL_OF[version]
    if protocol == "ws":
        return [
            {"method": "GET", "target": f"{base}/queue/join", "headers": UPGRADE},
            {"text": {"fn_index": fn_index, "session_hash": "s1"}},
            {"text": body},
        ]
    if protocol == "sse":
        query = f"fn_index={fn_index}&session_hash=s1"
        return [
            {"method": "GET", "target": f"{base}/queue/join?{query}", "headers": STREAM},
            post(f"{base}/queue/data", {**body, "event_id": "e1"}),
        ]
    prefix = base + prefix_of(version)
    return [
        post(f"{prefix}/queue/join", body),
        {"method": "GET", "target": f"{prefix}/queue/data?session_hash=s1", "headers": STREAM},
    ]


def directly(version: str, fn_index: int, data: list[Any]) -> list[Sent]:
    """A call around the queue."""
    return [
        post(f"{prefix_of(version)}/run/predict", {"data": data, "fn_index": fn_index, "session_hash": "s1"})
    ]


def recorded_sends(version: str, operation: str) -> list[Sent]:
    """What the recorder sent for the first call of an operation, which the server took."""
    names = Names()
    found: list[Sent] = []
    for record in exchanges.records(version, operation):
        if record["dir"] != "send":
            continue
        if record["channel"] == "ws":
            asked = json.loads(record["text"])
            names.session(asked["session_hash"])
            found.append({"text": _bare(json.loads(names.text(record["text"])))})
        elif "raw" in record:
            found.append({"method": "GET", "target": record["raw"].split(" ")[1]})
        else:
            method, target, _ = record["line"].split(" ")
            sent: Sent = {"method": method}
            if record["body"]:
                asked = json.loads(record["body"])
                names.session(asked["session_hash"])
                sent["body"] = _bare(json.loads(names.text(record["body"])))
            if "session_hash=" in target:
                names.session(target.rpartition("session_hash=")[2])
            found.append({**sent, "target": names.text(target)})
    return found


def _bare(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def check(version: str, operation: str, sent: list[Sent]) -> None:
    """Make sure that what is expected is what was recorded."""
    bare = [{key: _bare(value) if isinstance(value, dict) else value for key, value in one.items() if key != "headers"}
            for one in sent]  # fmt: skip
    was = recorded_sends(version, operation)[: len(bare)]
    assert bare == was, (version, operation, bare, was)


class Collected:
    """Collects vectors."""

    def __init__(self) -> None:
        self.found: list[Vector] = []

    def add(
        self,
        id: str,
        version: str,
        description: str,
        given: dict[str, Any],
        sent: Sequence[Sent],
        *,
        source: str = "written",
    ) -> None:
        """One more."""
        given = {"app": version, "url": "http://app", "act": "call", **given}
        protocol = PROTOCOL_OF[version]
        self.found.append(
            Vector(f"requests/{version}/{id}", description, source, given, {"sent": [*sent]}, (protocol,))
        )


TEXT: Final = "h\u00e9\U0001f600"

SELECTED: Final = {"index": [1, 2], "value": "cell"}


def number_of(version: str, name: str) -> int:
    """The fn_index of an endpoint."""
    for position, entry in enumerate(apps.config(version)["dependencies"]):
        if entry["api_name"] == name:
            return int(entry.get("id", position))
    raise LookupError(name)


def of_calls(version: str, add: Any) -> None:
    """Calls by the queue."""
    sent = queued(version, 0, [TEXT])
    check(version, "echo", sent)
    add(
        "echo",
        version,
        "A call.",
        {"api_name": "/echo", "args": [TEXT]},
        sent,
        source=f"recorded {version}/echo",
    )
    sent = queued(version, 1, [2, "add", 5])
    check(version, "calc", sent)
    add("calc", version, "Arguments stand in the order of the inputs.", {"api_name": "/calc", "args": [2, "add", 5]},
        sent, source=f"recorded {version}/calc")  # fmt: skip
    sent = queued(version, 16, ["a b", None])
    check(version, "state", sent)
    add("state", version, "State is the server's: null holds its place.", {"api_name": "/state", "args": ["a b"]},
        sent, source=f"recorded {version}/state")  # fmt: skip
    selected = number_of(version, "seldata")
    sent = queued(version, selected, [], event_data=SELECTED)
    check(version, "event_data", sent)
    add(
        "event_data",
        version,
        "A call with what a browser's event would carry.",
        {"api_name": "/seldata", "args": [], "event_data": SELECTED},
        sent,
        source=f"recorded {version}/event_data",
    )
    add(
        "by-number",
        version,
        "An endpoint by its number.",
        {"fn_index": 0, "args": ["x"]},
        queued(version, 0, ["x"]),
    )
    add("base-path", version, "An app below a path: only the URL that was given counts.",
        {"url": "http://app/sub/path/", "api_name": "/echo", "args": ["x"]},
        queued(version, 0, ["x"], base="/sub/path"))  # fmt: skip
    if version in ("4.44.1", "5.49.1", "6.31.0"):
        add("calc/defaults", version, "The server fills in nothing: the client sends the defaults that /info tells.",
            {"api_name": "/calc", "args": []}, queued(version, 1, [3, "add", 5]))  # fmt: skip
        add(
            "calc/keywords",
            version,
            "Arguments by name.",
            {"api_name": "/calc", "args": [], "kwargs": {"op": "sub", "b": 7}},
            queued(version, 1, [3, "sub", 7]),
        )
        add("calc/mixed", version, "By position and by name.",
            {"api_name": "/calc", "args": [1], "kwargs": {"b": 2}}, queued(version, 1, [1, "add", 2]))  # fmt: skip
        add("heartbeat", version, "An app with State asks for a heartbeat connection for each session.",
            {"act": "heartbeat", "api_name": "/echo", "args": ["x"]},
            [{"method": "GET", "target": f"{prefix_of(version)}/heartbeat/s1"}])  # fmt: skip


def of_ways(version: str, add: Any) -> None:
    """Calls around the queue."""
    add("run", version, "A call around the queue, which every server takes that does not forbid it.",
        {"api_name": "/echo", "args": ["x"], "via": "run"}, directly(version, 0, ["x"]))  # fmt: skip
    plain = number_of(version, "noqueue")
    if PROTOCOL_OF[version] == "ws":
        add("noqueue", version, "A function without a queue: on 3.x there is no other way.",
            {"api_name": "/noqueue", "args": ["x"]}, directly(version, plain, ["x"]))  # fmt: skip
        add(
            "unnamed",
            version,
            "A function without a name.",
            {"fn_index": 30, "args": ["x"]},
            queued(version, 30, ["x"]),
        )
    else:
        add("noqueue", version, "A function without a queue: from 4.0 on the queue takes it all the same.",
            {"api_name": "/noqueue", "args": ["x"]}, queued(version, plain, ["x"]))  # fmt: skip
    prefix = prefix_of(version)
    if version in ("4.21.0", "4.44.1", "5.49.1", "6.31.0"):
        add("call", version, "The simple API: no session_hash, which up to 5.49 would break it.",
            {"api_name": "/echo", "args": ["x"], "via": "call"},
            [post(f"{prefix}/call/echo", {"data": ["x"]}),
             {"method": "GET", "target": f"{prefix}/call/echo/e1", "headers": STREAM}])  # fmt: skip
        add("call/state", version, "It wants the place of State, too.",
            {"api_name": "/state", "args": ["a b"], "via": "call"},
            [post(f"{prefix}/call/state", {"data": ["a b", None]}),
             {"method": "GET", "target": f"{prefix}/call/state/e1", "headers": STREAM}])  # fmt: skip
    if version == "6.31.0":
        add("call/v2", version, "The same by names.",
            {"api_name": "/calc", "args": [], "kwargs": {"b": 7}, "via": "call/v2"},
            [post(f"{prefix}/call/v2/calc", {"a": 3, "op": "add", "b": 7}),
             {"method": "GET", "target": f"{prefix}/call/v2/calc/e1", "headers": STREAM}])  # fmt: skip
        number = number_of(version, "oauth")
        add("oauth_token", version, "The user's token, for an endpoint that asks for one.",
            {"url": "http://localhost", "api_name": "/oauth", "args": ["x"], "oauth_token": "hf_secret"},
            queued(version, number, ["x"], oauth_token="hf_secret"))  # fmt: skip
        add("oauth_token/not-asked-for", version, "And for no other.",
            {"url": "http://localhost", "api_name": "/echo", "args": ["x"], "oauth_token": "hf_secret"},
            queued(version, 0, ["x"]))  # fmt: skip


def of_cancelling(version: str, add: Any) -> None:
    """A running generator that is given up."""
    number = number_of(version, "slow_gen")
    given = {"act": "cancel", "api_name": "/slow_gen", "args": [8]}
    sent = queued(version, number, [8])
    if version in ("4.44.1", "5.49.1", "6.31.0"):
        cancel = post(
            f"{prefix_of(version)}/cancel", {"event_id": "e1", "fn_index": number, "session_hash": "s1"}
        )
        description = "From 4.31 on there is a route."
    elif PROTOCOL_OF[version] != "sse":
        cancel = post("/run/predict", {"data": [], "fn_index": 20, "session_hash": "s1"})
        description = "Before, the app's own event that cancels the function is triggered, if there is one."
    else:
        cancel = post("/reset", {"event_id": "e1"})
        description = "4.0 to 4.8 can end a generator by its event id."
    add("cancel", version, description, given, [*sent, cancel])


def uploaded(version: str, *files: tuple[str, str, str]) -> Sent:
    """The request that uploads files: each with the name that is sent, its content, and the field's name."""
    return {
        "method": "POST",
        "target": f"{prefix_of(version)}/upload",
        "headers": {"content-type": "multipart/form-data"},
        "parts": [{"name": field, "filename": name, "body": text} for name, text, field in files],
    }


def of_files(version: str, add: Any) -> None:
    """Files among the arguments."""
    is_old = PROTOCOL_OF[version] == "ws"

    def data_of(path: str, name: str) -> dict[str, Any]:
        if is_old:
            return {"name": path, "data": None, "is_file": True, "orig_name": name}
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def given(*files: tuple[str, str]) -> list[dict[str, Any]]:
        return [{"$file": {"name": name, "text": text}} for name, text in files]

    add(
        "file",
        version,
        "A file is uploaded first, and named by the path that the server gives it.",
        {"api_name": "/file", "args": given(("a.txt", "hello"))},
        [
            uploaded(version, ("a.txt", "hello", "files")),
            *queued(version, 13, [data_of("/tmp/gradio/1/a.txt", "a.txt")]),
        ],
    )
    add(
        "files",
        version,
        "Several files in one request; the reply has their paths in the same order.",
        {"api_name": "/files", "args": [given(("a.txt", "1"), ("b.txt", "2"))]},
        [
            uploaded(version, ("a.txt", "1", "files"), ("b.txt", "2", "files")),
            *queued(
                version,
                14,
                [[data_of("/tmp/gradio/1/a.txt", "a.txt"), data_of("/tmp/gradio/2/b.txt", "b.txt")]],
            ),
        ],
    )
    if is_old:
        url = "data:image/png;base64," + base64.b64encode(b"png").decode("ascii")
        add("image", version, "An image of 3.x stands in the data itself.",
            {"api_name": "/image", "args": given(("p.png", "png"))}, queued(version, 15, [url]))  # fmt: skip
    else:
        add(
            "image",
            version,
            "An image is a file like another.",
            {"api_name": "/image", "args": given(("p.png", "png"))},
            [
                uploaded(version, ("p.png", "png", "files")),
                *queued(version, 15, [data_of("/tmp/gradio/1/p.png", "p.png")]),
            ],
        )


def of_others(version: str, add: Any) -> None:
    """What is no call."""
    prefix = prefix_of(version)
    # 3.x would tell of values as its own client converts them.
    info = f"{prefix}/info?{'serialize=False' if PROTOCOL_OF[version] == 'ws' else 'all_endpoints=True'}"
    add("connect", version, "Discovery; /config never has the prefix.", {"act": "connect"},
        [{"method": "GET", "target": "/config"}, {"method": "GET", "target": info}])  # fmt: skip
    add("login", version, "A login, which has no prefix either; its cookies go with every request from then on.",
        {"url": "http://localhost", "act": "login", "username": "u", "password": "p&w d"},
        [{"method": "POST", "target": "/login", "headers": {"content-type": "application/x-www-form-urlencoded"},
          "form": {"username": "u", "password": "p&w d"}},
         {"method": "GET", "target": "/config", "headers": {"cookie": "access-token-unsecure-x=t"}},
         {"method": "GET", "target": info, "headers": {"cookie": "access-token-unsecure-x=t"}}])  # fmt: skip
    if version != "3.36.1":
        add("component_server", version, "A function of a component's own.",
            {"act": "component_server", "component_id": 50, "fn_name": "ls", "data": []},
            [post(f"{prefix}/component_server",
                  {"component_id": 50, "data": [], "fn_name": "ls", "session_hash": "s1"})])  # fmt: skip
    if version in ("5.49.1", "6.31.0"):
        number = number_of(version, "frames")
        chunks = [["c0", "t0"], ["c1", "t1"]]
        add("stream", version, "An input in chunks: the first is the join's, each other a request of its own.",
            {"act": "stream", "api_name": "/frames", "chunks": chunks},
            [*queued(version, number, chunks[0]),
             post(f"{prefix}/stream/e1", {"data": chunks[1], "fn_index": number, "session_hash": "s1"})])  # fmt: skip


def shared() -> dict[str, Any]:
    """What the vectors refer to by name."""
    return {"apps": apps.apps()}


def vectors() -> list[Vector]:
    """All of them."""
    collected = Collected()
    for version in PROTOCOL_OF:
        for topic in (of_calls, of_ways, of_cancelling, of_files, of_others):
            topic(version, collected.add)
    return collected.found
