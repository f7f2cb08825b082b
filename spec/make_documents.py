"""Make ``spec/asyncapi.json`` (AsyncAPI 3.0, the streams) and ``spec/openapi.json`` (OpenAPI 3.1, the HTTP routes).

    python spec/make_documents.py            write the files
    python spec/make_documents.py --check    fail if they are not what this makes

What is said is in ``spec/schemas/``, to which both refer; the routes are the table :data:`ROUTES` below. Nothing
but the standard library is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from make_schemas import pointer, text
from schema_table import KINDS, SERVERS, VERSIONS, Schema

FOLDER = Path(__file__).parent

INFO = {
    "version": VERSIONS[-1],
    "description": (
        "What Gradio servers and their clients say to each other, from Gradio 3 to 6, as it was recorded from real "
        "servers and read in their sources. An independent description: it is not Gradio's."
    ),
    "license": {"name": "MIT"},
}

APP = {
    "default": "127.0.0.1:7860",
    "description": "Where the app is: host and port, and below what it is mounted.",
}
PREFIX = {
    "default": "/gradio_api",
    "enum": ["", "/gradio_api"],
    "description": "Empty below 5.0; else what the config has as api_prefix.",
}


# The streams.


@dataclass(frozen=True)
class Stream:
    """A channel of the AsyncAPI document."""

    name: str
    versions: tuple[str, ...]
    address: str
    about: str
    receives: tuple[str, ...]
    sends: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    parameters: Mapping[str, str] | None = None
    secure: bool = True

    @property
    def is_socket(self) -> bool:
        return bool(self.sends)


_JOINS: Mapping[str, str] = {
    "ws": (
        "One WebSocket for each job. The server asks: send_hash is answered by ws_hash, and send_data by ws_data. It "
        "closes with 1000 after process_completed and queue_full, with 1012 when it stops."
    ),
    "sse": (
        "One event stream for each job: the GET is the join. send_data is answered by POST /queue/data. The stream "
        "ends after process_completed and queue_full."
    ),
    "sse_v1": (
        "One event stream for each session, for all jobs that POST /queue/join has put into it. It ends after the "
        "process_completed that leaves none pending. The values of generators are always whole."
    ),
    "sse_v2": "As sse_v1; the values of a generator after its first are edits (values/diff).",
    "sse_v2.1": "As sse_v2.",
    "sse_v3": "As sse_v2; close_stream says that the stream ends.",
}


def _queue_streams() -> Iterable[Stream]:
    """One for each protocol, or part of one, in which every message is the same."""
    runs: list[list[str]] = []
    before: Any = None
    for server in SERVERS:
        said = _of("queue", "server", server.recorded)
        here = (server.protocol, [pointer(name, server.recorded) for name in said])
        if here == before:
            runs[-1].append(server.recorded)
        else:
            runs.append([server.recorded])
        before = here
    for run in runs:
        server = SERVERS[VERSIONS.index(run[0])]
        joins = server.protocol in ("ws", "sse")
        yield Stream(
            f"queue.{server.protocol}.{_span(run)}",
            tuple(run),
            "/queue/join" if joins else "/queue/data",
            _JOINS[server.protocol],
            _of("queue", "server", run[0]),
            _of("queue", "client", run[0]),
            {"ws": (), "sse": ("fn_index", "session_hash")}.get(server.protocol, ("session_hash",)),
        )


def _of(carrier: str, sender: str, version: str) -> tuple[str, ...]:
    kinds = KINDS.items()
    return tuple(
        name
        for name, kind in kinds
        if (kind.carrier, kind.sender) == (carrier, sender) and kind.is_in(version)
    )


def _span(versions: Iterable[str]) -> str:
    first, *_, last = [*versions] * 2
    return first if first == last else f"{first}-{last}"


def _other_streams() -> Iterable[Stream]:
    names = {"api_name": "The endpoint's name, without its slash.", "event_id": "What the POST has answered."}
    plain = (
        ("call", "/call/{api_name}/{event_id}", "The simple API: one stream for each job.", (), names, True),
        (
            "upload_progress",
            "/upload_progress",
            "How an upload goes on. Open it when the upload has begun.",
            ("upload_id",),
            None,
            False,
        ),
        (
            "heartbeat",
            "/heartbeat/{session_hash}",
            "Tells the server that the client of a session lives: its end ends the session.",
            (),
            {"session_hash": "The session."},
            False,
        ),
    )
    for carrier, address, about, query, parameters, secure in plain:
        runs: list[list[str]] = []
        before: Any = None
        for version in VERSIONS:
            said = _of(carrier, "server", version)
            here = [pointer(name, version) for name in said]
            if here and here == before:
                runs[-1].append(version)
            elif here:
                runs.append([version])
            before = here
        for run in runs:
            said = _of(carrier, "server", run[0])
            yield Stream(
                f"{carrier}.{_span(run)}", tuple(run), address, about, said, (), query, parameters, secure
            )


def _message_name(kind: str, version: str) -> str:
    return f"{kind.split('/')[1]}.{pointer(kind, version).rsplit('/', 1)[1]}"


def _message(kind: str, version: str) -> Schema:
    about = KINDS[kind]
    name = kind.split("/")[1]
    message: Schema = {
        "name": name,
        "summary": about.about,
        "contentType": "text/plain" if about.encoding == "text" else "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./schemas/{pointer(kind, version)}"},
        },
    }
    if about.carrier == "call":
        event = name.removeprefix("call_")
        message["headers"] = {
            "type": "object",
            "required": ["event"],
            "properties": {
                "event": {"const": event, "description": "The event's type, as the stream has it."}
            },
        }
    return message


def _channel(stream: Stream) -> Schema:
    first, last = stream.versions[0], stream.versions[-1]
    server = SERVERS[VERSIONS.index(first)]
    kinds = (*stream.receives, *stream.sends)
    names = [_message_name(kind, first) for kind in kinds]
    channel: Schema = {
        "address": stream.address,
        "title": stream.name,
        "description": stream.about,
        "servers": [{"$ref": f"#/servers/{'websocket' if stream.is_socket else 'events'}"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "x-gradio-recorded": [*stream.versions],
        "x-gradio-protocol": server.protocol if stream.name.startswith("queue.") else None,
        "x-gradio-since": _since(stream.receives[0], first),
        "x-gradio-before": SERVERS[VERSIONS.index(last)].before,
    }
    if stream.parameters is not None:
        channel["parameters"] = {name: {"description": about} for name, about in stream.parameters.items()}
    if stream.is_socket:
        channel["bindings"] = {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}
    return channel


def _since(kind: str, version: str) -> str:
    """The first version that is known to be as the recorded one."""
    entry = KINDS[kind]
    return entry.first if entry.first and entry.since == version else SERVERS[VERSIONS.index(version)].first


def _operations(stream: Stream) -> dict[str, Schema]:
    first = stream.versions[0]
    operations: dict[str, Schema] = {}
    for action, kinds in (("receive", stream.receives), ("send", stream.sends)):
        if not kinds:
            continue
        operation: Schema = {
            "action": action,
            "channel": {"$ref": f"#/channels/{stream.name}"},
            "messages": [
                {"$ref": f"#/channels/{stream.name}/messages/{_message_name(kind, first)}"} for kind in kinds
            ],
        }
        if not stream.is_socket:
            operation["bindings"] = {"http": _get(stream.query)}
        if stream.secure:
            operation["security"] = [{"$ref": "#/components/securitySchemes/login"}]
        operations[f"{action}.{stream.name}"] = operation
    return operations


def _get(query: tuple[str, ...]) -> Schema:
    properties: Schema = {name: {"type": "integer" if name == "fn_index" else "string"} for name in query}
    binding: Schema = {"method": "GET", "bindingVersion": "0.3.0"}
    if query:
        binding["query"] = {"type": "object", "required": [*query], "properties": properties}
    return binding


def asyncapi() -> Schema:
    streams = [*_queue_streams(), *_other_streams()]
    messages: Schema = {}
    operations: Schema = {}
    for stream in streams:
        for kind in (*stream.receives, *stream.sends):
            version = stream.versions[0]
            messages[_message_name(kind, version)] = _message(kind, version)
        operations |= _operations(stream)
    place = {"host": "{app}", "pathname": "{api_prefix}", "variables": {"app": APP, "api_prefix": PREFIX}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "The streams of Gradio", **INFO},
        "defaultContentType": "application/json",
        "servers": {
            "websocket": {
                "host": "{app}",
                "protocol": "ws",
                "description": "Gradio 3.",
                "variables": {"app": APP},
            },
            "events": {**place, "protocol": "http", "description": "Server-sent events: Gradio 4 and later."},
        },
        "channels": {stream.name: _channel(stream) for stream in streams},
        "operations": operations,
        "components": {"messages": messages, "securitySchemes": {"login": _LOGIN_ASYNC}},
    }


_LOGIN = (
    "The cookie access-token-<cookie_id>, or access-token-unsecure-<cookie_id>, of POST /login; on 3.36 without the "
    "-<cookie_id>. Only apps that have a login ask for it."
)
_LOGIN_ASYNC = {"type": "httpApiKey", "in": "cookie", "name": "access-token", "description": _LOGIN}


# The routes.


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: str
    about: str
    schemas: tuple[str, ...] = ()
    """The kinds that its JSON is one of."""
    other: str | None = None
    """A content type that it has else, or besides."""
    since: str = VERSIONS[0]
    until: str | None = None
    """The last recorded version that answers so."""


@dataclass(frozen=True)
class Route:
    """An operation of the OpenAPI document."""

    method: str
    path: str
    about: str
    answers: tuple[Answer, ...]
    request: str | None = None
    form: bool = False
    query: Mapping[str, bool] | None = None
    """The query's fields, and whether each must be there."""
    prefixed: bool = True
    login: bool = True
    since: str = VERSIONS[0]
    """The first version that is known to have it."""
    until: str | None = None
    """The last version that is known to have it; None: the newest has."""
    name: str = ""


def ok(kind: str, about: str = "Done.") -> Answer:
    return Answer("200", about, (f"replies/{kind}",))


def detail(status: str, about: str, since: str = VERSIONS[0], until: str | None = None) -> Answer:
    return Answer(status, about, ("replies/detail",), since=since, until=until)


STREAM = Answer("200", "The stream, which asyncapi.json describes.", other="text/event-stream")
UNAUTHORIZED = Answer("401", "Log in first.", ("replies/not_authenticated",))
UNPROCESSABLE = Answer("422", "The request is not in its form.", ("replies/unprocessable",))
REFUSED = Answer(
    "422",
    "The request is not in its form; or, since 5.43, the function's validator has refused the inputs.",
    ("replies/unprocessable", "replies/invalid_inputs"),
)
CRASHED = Answer(
    "500",
    "No such function, among others. The text says nothing, or is a traceback (5.49).",
    other="text/plain",
)
FULL = detail("503", "The queue is full, or was stopped: the text says which.")

_RUN = (
    ok("run"),
    Answer(
        "401",
        "Log in first; or, on 3.36, the app wants its queue to be used.",
        ("replies/not_authenticated", "replies/detail"),
    ),
    detail("404", "The app wants its queue to be used.", "3.50.2"),
    UNPROCESSABLE,
    Answer("500", "The function failed; or, as text, there is none.", ("replies/run_failed",), "text/plain"),
)

_NO_JOB = (
    Answer("404", "The job has ended.", since="6.31.0"),
    Answer("500", "The job never was.", other="text/plain", until="5.49.1"),
)

_FILE = (
    Answer("200", "All of it.", other="application/octet-stream"),
    Answer("206", "The range that was asked for.", other="application/octet-stream"),
    Answer("302", "It is elsewhere: the path is a URL."),
    UNAUTHORIZED,
    detail("403", "Not that file; since 5.49, or there is none."),
    detail("404", "There is none."),
)

ROUTES = (
    Route(
        "GET", "/", "The app's page, in which its config stands as `window.gradio_config = {...};`. Before the login "
        "that is replies/login_page.",
        (Answer("200", "The page.", other="text/html"),), prefixed=False, login=False, name="page",
    ),
    Route("GET", "/config", "All that the app says about itself.", (ok("config"), UNAUTHORIZED), prefixed=False),
    Route(
        "POST", "/login", "Log in. The cookies that it sets are what counts.",
        (
            ok("success"),
            Answer("302", "The app has no login."),
            detail("400", "Wrong name, or wrong password."),
            UNPROCESSABLE,
        ),
        request="requests/login", form=True, prefixed=False, login=False,
    ),
    Route(
        "GET", "/logout", "End all logins of this user.", (Answer("302", "To the app's page."),),
        prefixed=False, since="4.20.0",
    ),
    Route(
        "GET", "/info", "The endpoints and their types.", (ok("info"), UNAUTHORIZED),
        query={"all_endpoints": False, "serialize": False},
    ),
    Route("GET", "/app_id", "The number of this run of the app.", (ok("app_id"),), login=False),
    Route("GET", "/user", "Who is logged in.", (ok("user"),), login=False),
    Route("GET", "/token", "The token of a login, if any.", (ok("token"),), login=False),
    Route(
        "GET", "/login_check", "Whether a login is needed.",
        (Answer("200", "None is, or there is one."), UNAUTHORIZED),
    ),
    Route("GET", "/startup-events", "Start the queue of a mounted app.", (ok("startup_events"),), login=False),
    Route("GET", "/queue/status", "How long the queue is.", (ok("queue_status"), UNAUTHORIZED)),
    Route(
        "GET", "/queue/join", "Join the queue: on 3.x by an upgrade to a WebSocket.",
        (
            Answer("101", "The WebSocket, which asyncapi.json describes.", until="3.50.2"),
            Answer("200", STREAM.about, other="text/event-stream", since="4.0.0", until="4.8.0"),
            Answer("401", "Log in first.", ("replies/not_authenticated",), since="4.0.0", until="4.8.0"),
            Answer("403", "Log in first.", until="3.50.2"),
            Answer("422", UNPROCESSABLE.about, ("replies/unprocessable",), since="4.0.0", until="4.8.0"),
            Answer("500", CRASHED.about, other="text/plain", since="4.0.0", until="4.8.0"),
        ),
        query={"fn_index": False, "session_hash": False, "data": False}, until="4.8.0", name="queue_join_stream",
    ),
    Route(
        "POST", "/queue/data", "The inputs of a job, when send_data has asked for them.",
        (ok("data_taken"), UNAUTHORIZED, UNPROCESSABLE, CRASHED),
        request="requests/queue_data", since="4.0.0", until="4.8.0", name="queue_data_send",
    ),
    Route(
        "POST", "/queue/join", "Join the queue.",
        (ok("joined"), detail("400", "There is no session, or no function."), UNAUTHORIZED, REFUSED, CRASHED, FULL),
        request="requests/queue_join", since="4.9.0",
    ),
    Route(
        "GET", "/queue/data", "The stream of a session. Open it after the first join, and only once.",
        (STREAM, UNAUTHORIZED, UNPROCESSABLE), query={"session_hash": True}, since="4.9.0",
    ),
    Route(
        "POST", "/call/{api_name}", "A job by the simple API.",
        (ok("joined"), UNAUTHORIZED, REFUSED, CRASHED, FULL), request="requests/call", since="4.20.0",
    ),
    Route(
        "GET", "/call/{api_name}/{event_id}", "The stream of such a job.", (STREAM, UNAUTHORIZED),
        since="4.20.0", name="call_stream",
    ),
    Route(
        "POST", "/call/v2/{api_name}", "A job by the simple API, with its inputs by name.",
        (ok("joined"), UNAUTHORIZED, REFUSED, CRASHED, FULL), request="requests/call_v2", since="6.13.0",
    ),
    Route(
        "GET", "/call/v2/{api_name}/{event_id}", "The stream of such a job.", (STREAM, UNAUTHORIZED),
        since="6.13.0", name="call_v2_stream",
    ),
    Route("POST", "/run/{api_name}", "Run a function without the queue.", _RUN, request="requests/run"),
    Route("POST", "/api/{api_name}", "Another name of /run/{api_name}.", _RUN, request="requests/run", name="api"),
    Route(
        "POST", "/cancel", "End every running job of that function in that session.",
        (ok("success", "Whether there was such a job, or not."), UNPROCESSABLE),
        request="requests/cancel", login=False, since="4.30.0",
    ),
    Route(
        "POST", "/reset", "End a generator; since 4.30 it does nothing.",
        (ok("success"), UNPROCESSABLE), request="requests/reset", login=False,
    ),
    Route(
        "POST", "/stream/{event_id}", "A chunk of a streaming input.",
        (
            ok("chunk_taken"),
            UNPROCESSABLE,
            *_NO_JOB,
        ),
        request="requests/stream_chunk", login=False, since="5.0.0",
    ),
    Route(
        "POST", "/stream/{event_id}/close", "The end of a streaming input.",
        (ok("chunk_taken"), *_NO_JOB),
        request="requests/stream_close", login=False, since="5.0.0",
    ),
    Route(
        "POST", "/component_server", "A function of a component.",
        (
            ok("component_server", "What it returned."),
            detail("400", "The request is not in its form.", "4.44.1"),
            UNAUTHORIZED,
            detail("404", "There is no such function.", "4.13.0"),
            Answer("422", UNPROCESSABLE.about, ("replies/unprocessable",), until="4.21.0"),
            Answer("500", "There is no such function.", other="text/plain", until="4.0.2"),
        ),
        request="requests/component_server", since="3.50.2",
    ),
    Route(
        "GET", "/heartbeat/{session_hash}", "Tells the server that the client of a session lives.", (STREAM,),
        login=False, since="4.25.0",
    ),
    Route(
        "POST", "/upload", "Files, each as a part named `files`.",
        (
            ok("upload", "Their paths."),
            detail("400", "It is no form, or a name is bad.", "4.0.2"),
            UNAUTHORIZED,
            Answer("413", "A file is larger than max_file_size.", other="text/plain", since="4.44.1"),
            Answer("422", UNPROCESSABLE.about, ("replies/unprocessable",), until="3.50.2"),
        ),
        query={"upload_id": False},
    ),
    Route(
        "GET", "/upload_progress", "How an upload goes on.",
        (STREAM, Answer("404", "There is no such upload.", other="text/plain", since="5.49.1")),
        query={"upload_id": True}, login=False, since="4.7.0",
    ),
    Route("GET", "/file={path}", "A file: its path, percent-encoded, with or without its slashes.", _FILE),
    Route("HEAD", "/file={path}", "Whether there is such a file, and how long it is.", _FILE),
    Route(
        "GET", "/stream/{session}/{run}/{component}", "Streamed media, as long as they are made. From 5.0 on there is "
        "a playlist instead, playlist.m3u8 below this.",
        (Answer("200", "The media.", other="application/octet-stream"), UNAUTHORIZED),
        since="3.50.2", until="4.44.1", name="stream_media",
    ),
)  # fmt: skip


def _content(answer: Answer) -> Schema:
    content: Schema = {}
    if answer.schemas:
        kinds = [{"$ref": f"./schemas/{kind}.json"} for kind in answer.schemas]
        content["application/json"] = {"schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}
    if answer.other is not None:
        content[answer.other] = {"schema": {"type": "string"}} if answer.other.startswith("text/") else {}
    return content


def _response(answer: Answer) -> Schema:
    response: Schema = {"description": answer.about}
    if content := _content(answer):
        response["content"] = content
    if answer.since != VERSIONS[0]:
        response["x-gradio-since"] = answer.since
    if answer.until is not None:
        response["x-gradio-until"] = answer.until
    return response


def _parameters(route: Route) -> list[Schema]:
    names = [part.split("}")[0] for part in route.path.split("{")[1:]]
    inside = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    behind = [
        {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}
        for name, required in (route.query or {}).items()
    ]
    return [*inside, *behind]


def _body(route: Route) -> Schema | None:
    if route.path == "/upload":
        files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
        form = {"type": "object", "required": ["files"], "properties": {"files": files}}
        return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    if route.request is None:
        return None
    schema = {"schema": {"$ref": f"./schemas/{route.request}.json"}}
    forms = (
        ("application/x-www-form-urlencoded", "multipart/form-data") if route.form else ("application/json",)
    )
    return {"required": True, "content": dict.fromkeys(forms, schema)}


def _operation(route: Route) -> Schema:
    name = route.name or "_".join(part for part in route.path.split("/") if part and "{" not in part)
    operation: Schema = {"operationId": f"{route.method.lower()}_{name or 'file'}", "summary": route.about}
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if body := _body(route):
        operation["requestBody"] = body
    operation["responses"] = {answer.status: _response(answer) for answer in route.answers}
    if route.login:
        operation["security"] = [{}, {"login": []}]
    operation["x-gradio-since"] = route.since
    if route.until is not None:
        operation["x-gradio-until"] = route.until
    return operation


def openapi() -> Schema:
    paths: dict[str, Schema] = {}
    for route in ROUTES:
        item = paths.setdefault(route.path, {})
        if not route.prefixed:
            item["servers"] = [{"url": "http://{app}", "variables": {"app": APP}}]
        item[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The HTTP routes of Gradio", **INFO},
        "servers": [{"url": "http://{app}{api_prefix}", "variables": {"app": APP, "api_prefix": PREFIX}}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "login": {"type": "apiKey", "in": "cookie", "name": "access-token", "description": _LOGIN}
            }
        },
    }


def files() -> dict[str, str]:
    """The text of each document by its name."""
    return {"asyncapi.json": text(asyncapi()), "openapi.json": text(openapi())}


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        stale = [name for name, made in files().items() if (FOLDER / name).read_text("utf-8") != made]
        sys.exit(f"run python spec/make_documents.py: {', '.join(stale)}" if stale else 0)
    for name, made in files().items():
        (FOLDER / name).write_text(made, encoding="utf-8")
