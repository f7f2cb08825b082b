"""What servers and clients have said in recorded exchanges, each thing with the kind that ``spec/schemas`` has for it.

:func:`said` reads records as ``recorded.py`` describes them. What it cannot name raises :class:`Unnamed`: nothing
that is JSON goes unseen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from recorded import is_clipped, restored


class Unnamed(Exception):
    """Something was said for which there is no kind."""


@dataclass(frozen=True)
class Said:
    """One thing that was said."""

    kind: str
    value: Any
    refused: bool = False
    """The server answered that it does not take this."""


Json = dict[str, Any]

_FOLDERS = ("/gradio/", "/sub/path/")
"""Below these the recorded apps were mounted."""

_REQUESTS = (
    (r"POST /queue/data", "queue_data"),
    (r"POST /queue/join", "queue_join"),
    (r"POST /call/v2/[^/]+", "call_v2"),
    (r"POST /call/[^/]+", "call"),
    (r"POST /(run|api)/[^/]+", "run"),
    (r"POST /cancel", "cancel"),
    (r"POST /reset", "reset"),
    (r"POST /stream/[^/]+", "stream_chunk"),
    (r"POST /stream/[^/]+/close", "stream_close"),
    (r"POST /component_server", "component_server"),
    (r"POST /login", "login"),
)

_REPLIES = (
    (r"POST /queue/data", "data_taken"),
    (r"POST /(queue/join|call/.*)", "joined"),
    (r"POST /(run|api)/.*", "run"),
    (r"POST /(cancel|reset|login)", "success"),
    (r"POST /stream/.*", "chunk_taken"),
    (r"POST /component_server", "component_server"),
    (r"POST /upload", "upload"),
    (r"GET /app_id", "app_id"),
    (r"GET /queue/status", "queue_status"),
    (r"GET /config", "config"),
    (r"GET /info", "info"),
    (r"GET /user", "user"),
    (r"GET /token", "token"),
    (r"GET /startup-events", "startup_events"),
)
"""What 200 answers."""

_STREAMS = (
    (r"/queue/(join|data)", "queue"),
    (r"/call/.*", "call"),
    (r"/upload_progress", "upload_progress"),
    (r"/heartbeat/.*", "heartbeat"),
)

_NO_KIND = re.compile(r"GET /(openapi\.json|file=.*|file/.*|stream/.*|logout|gradio)?")
"""What has no kind when it answers 200: FastAPI's own schema, files, pages."""


def said(records: Iterable[Json]) -> Iterator[Said]:
    """All that was said in these exchanges and is JSON, or has a schema all the same."""
    requests: dict[int, Json] = {}
    streams: dict[int, Json] = {}
    for record in records:
        match record:
            case {"channel": "http", "dir": "send", "conn": conn, "line": _}:
                requests[conn] = record
            case {"channel": "http", "dir": "recv", "conn": conn, "body": "<stream>"}:
                streams[conn] = {**record, "body": ""}
            case {"channel": "http", "dir": "recv", "conn": conn, "line": _}:
                yield from _exchange(requests[conn], record)
            case {"channel": "sse", "dir": "recv", "conn": conn, "raw": raw} if conn in streams:
                streams[conn]["body"] += restored(raw)
            case {"channel": "ws", "dir": sender, "text": text}:
                yield from _frame(sender, restored(text))
            case _:
                pass
    for conn, reply in streams.items():
        if _header(reply, "content-type") == "text/event-stream":
            yield from _stream(route_of(requests[conn]["line"]).split(" ")[1], reply["body"])
        else:
            yield from _exchange(requests[conn], reply)


def files_sent(records: Iterable[Json]) -> Iterator[Said]:
    """The inputs of jobs that take a file or a list of files, and whether the server took them for that."""
    bodies: dict[int, str] = {}
    jobs: dict[str | int, str] = {}
    """The bodies with the inputs, by event_id, or by connection where there is none."""
    events: dict[int, str] = {}
    for record in records:
        match record:
            case {"channel": "http", "dir": "send", "conn": conn, "body": str(body)} if '"data"' in body:
                bodies[conn] = jobs[json.loads(body).get("event_id", conn)] = body
            case {"channel": "http", "dir": "recv", "conn": conn, "body": str(body)} if '"event_id"' in body:
                jobs[json.loads(body)["event_id"]] = bodies[conn]
            case {"channel": "ws", "dir": "send", "conn": conn, "text": body} if '"data"' in body:
                jobs[conn] = body
            case {"channel": "ws", "dir": "recv", "conn": conn, "text": text}:
                yield from _files(jobs.get(conn), json.loads(text))
            case {"channel": "sse", "dir": "recv", "conn": conn, "raw": raw}:
                message = json.loads(raw.removeprefix("data: "))
                events[conn] = message.get("event_id") or events.get(conn, "")
                yield from _files(jobs.get(events[conn]), message)
            case _:
                pass


def _files(body: str | None, message: Json) -> Iterator[Said]:
    if body is None or message["msg"] != "process_completed":
        return
    refused = bool(re.search("FileData|ImageData", message["output"].get("error") or ""))
    if not message["success"] and not refused:
        return  # right in its shape, and wrong otherwise: a path that is forbidden, a host that does not answer
    (given,) = json.loads(body)["data"]
    for value in given if isinstance(given, list) else [given]:
        if value is not None:
            yield Said("values/file_in", value, refused)


def inside(things: Iterable[Said], protocol: str) -> Iterator[Said]:
    """The values that have a kind of their own inside what was said."""
    streaming: set[str] = set()
    for thing in things:
        yield from _parts(thing.kind, thing.value)
        if thing.kind == "messages/process_generating":
            data = thing.value["output"]["data"]
            job = thing.value.get("event_id", "")
            if job in streaming and protocol not in ("ws", "sse", "sse_v1"):
                yield from (Said("values/diff", item) for item in data)
                yield from (Said("values/edit", edit) for item in data for edit in item)
            streaming.add(job)
        if thing.kind.startswith(("messages/process_", "messages/call_", "replies/run")):
            yield from _outputs(thing.value)


def route_of(line: str) -> str:
    """The method and the path of a request line, wherever the app was mounted."""
    method, target = line.removesuffix(" HTTP/1.1").split(" ", 1)
    path = target.split("?")[0]
    for folder in _FOLDERS:
        path = "/" + path.removeprefix(folder) if path.startswith(folder) else path
    return f"{method} {path.removeprefix('/gradio_api').rstrip('/') or '/'}"


def _named(route: str, names: Iterable[tuple[str, str]]) -> str | None:
    return next((name for pattern, name in names if re.fullmatch(pattern, route)), None)


def _header(record: Json, name: str) -> str:
    return next((value for field, value in record["headers"] if field.lower() == name), "").split(";")[0]


def _exchange(request: Json, reply: Json) -> Iterator[Said]:
    route = route_of(request["line"])
    status = int(reply["line"].split(" ")[1])
    yield from _request(route, request, reply, status)
    text = reply["body"]
    if route == "GET /" and status == 200 and text:
        embedded = re.search(r"window\.gradio_config = (.*?);</script>", text)
        if embedded is not None and '"auth_required"' in embedded[1]:
            yield Said("replies/login_page", json.loads(embedded[1]))
    if not text or _header(reply, "content-type") != "application/json":
        return  # without a text, the recorder has left it out
    if is_clipped(text) or (status == 200 and _NO_KIND.fullmatch(route)):
        return
    yield Said(f"replies/{_reply(route, status, text)}", json.loads(text))


def _request(route: str, request: Json, reply: Json, status: int) -> Iterator[Said]:
    kind = _named(route, _REQUESTS)
    body = request["body"]
    form = _header(request, "content-type")
    if kind is None or not body or is_clipped(body):
        return
    if kind == "login" and form == "application/x-www-form-urlencoded" and status == 200:
        yield Said("requests/login", dict(parse_qsl(body)))
    if form != "application/json":
        return
    refused = status == 422 and '"body"' in (reply["body"] or "")
    if status == 400 and kind == "queue_join":
        refused = True  # no session, or no function
    if status == 200 or (refused and kind != "login"):
        try:
            value = json.loads(body)
        except ValueError:
            return  # not JSON, which the server has found out too
        yield Said(f"requests/{kind}", value, refused)


def _reply(route: str, status: int, text: str) -> str:
    if status == 200:
        kind = _named(route, _REPLIES)
    elif status == 401:
        kind = "not_authenticated"
    elif status == 422:
        kind = "invalid_inputs" if '"__type__"' in text else "unprocessable"
    elif status == 500:
        kind = "run_failed" if _named(route, _REQUESTS) == "run" else None
    else:
        kind = "detail"
    if kind is None:
        raise Unnamed(f"{status} of {route}: {text[:200]}")
    return kind


def _stream(path: str, text: str) -> Iterator[Said]:
    carrier = _named(path, _STREAMS)
    for block in text.split("\n\n"):
        if not block:
            continue
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        if carrier == "heartbeat":
            yield Said("messages/alive", data)
        elif carrier == "call":
            yield Said(f"messages/call_{fields['event']}", json.loads(data))
        elif carrier == "upload_progress":
            yield Said(f"messages/upload_{json.loads(data)['msg']}", json.loads(data))
        elif carrier == "queue":
            yield Said(f"messages/{json.loads(data)['msg']}", json.loads(data))
        else:
            raise Unnamed(f"on {path}: {block[:200]}")


def _frame(sender: Literal["send", "recv"], text: str) -> Iterator[Said]:
    try:
        value = json.loads(text)
    except ValueError:
        if sender == "recv":
            raise Unnamed(f"on the WebSocket: {text[:200]}") from None
        return  # a client's mistake, made to see what the server does
    if sender == "recv":
        yield Said(f"messages/{value['msg']}", value)
    elif "session_hash" in value:
        yield Said("requests/ws_data" if "data" in value else "requests/ws_hash", value)


def _parts(kind: str, value: Any) -> Iterator[Said]:
    if kind == "messages/progress":
        yield from (Said("values/progress_unit", unit) for unit in value["progress_data"])
    elif kind == "messages/process_completed":
        output = value["output"]
        yield Said(
            f"values/{'failure' if not value['success'] else 'output' if output else 'cancelled'}", output
        )
        if output.get("render_config"):
            yield Said("values/render_config", output["render_config"])
            yield from _parts("replies/config", output["render_config"])
    elif kind == "replies/config":
        yield from (Said("values/component", component) for component in value["components"])
        yield from (Said("values/dependency", dependency) for dependency in value["dependencies"])
    elif kind == "replies/info":
        for endpoint in (*value["named_endpoints"].values(), *value["unnamed_endpoints"].values()):
            yield Said("values/endpoint", endpoint)
            for name in ("parameters", "returns"):
                yield from (Said(f"values/{name[:-1]}", item) for item in endpoint[name])
                yield from (Said("values/python_type", item["python_type"]) for item in endpoint[name])


def _outputs(value: Any) -> Iterator[Said]:
    if isinstance(value, dict):
        if value.get("__type__") == "update":
            yield Said("values/update", value)
        if value.get("is_file") is True or {"path", "orig_name"} <= value.keys():
            yield Said("values/file_out", value)
        elif value.get("is_stream") is True:
            yield Said("values/stream_out", value)
        value = [*value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _outputs(item)
