"""What servers and clients say, as a table: each kind of message, request, reply and value, and its fields.

``make_schemas.py`` makes JSON Schemas of it, ``make_documents.py`` what refers to those. A field says which of the
recorded versions was the first to have it, and which the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A version that was recorded, and the versions that it stands for."""

    recorded: str
    protocol: str
    first: str
    """The first version that it stands for: that of the protocol, where the protocol's span is known."""
    before: str | None
    """The first version that it does not stand for; None: none is known yet."""
    api_prefix: str = ""


SERVERS = (
    Server("3.36.1", "ws", "3.36.1", "3.37.0"),
    Server("3.50.2", "ws", "3.50.0", "4.0.0"),
    Server("4.0.2", "sse", "4.0.0", "4.9.0"),
    Server("4.13.0", "sse_v1", "4.9.0", "4.17.0"),
    Server("4.19.1", "sse_v2", "4.17.0", "4.21.0"),
    Server("4.21.0", "sse_v2.1", "4.21.0", "4.22.0"),
    Server("4.44.1", "sse_v3", "4.22.0", "5.0.0"),
    Server("5.49.1", "sse_v3", "5.0.0", "6.0.0", "/gradio_api"),
    Server("6.31.0", "sse_v3", "6.0.0", None, "/gradio_api"),
)
VERSIONS = tuple(server.recorded for server in SERVERS)

(_WS, _WS_LAST, _SSE, _V1, _V2, _V21, _V3, _G5, _G6) = VERSIONS


def number(version: str) -> tuple[int, ...]:
    """The version as something that can be compared."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Field:
    """A field of an object. Of several with one name, each is for versions of its own."""

    name: str
    schema: Schema
    about: str = ""
    since: str = VERSIONS[0]
    until: str = VERSIONS[-1]
    optional: bool = False

    def is_in(self, version: str) -> bool:
        return number(self.since) <= number(version) <= number(self.until)


Direction = Literal["server", "client", "both"]

Carrier = Literal["queue", "call", "upload_progress", "heartbeat", "http", "value"]
"""Where a kind is found: on the streams of that name, as an HTTP body, or within other kinds."""


@dataclass(frozen=True)
class Kind:
    """A kind of message, request, reply or value."""

    about: str
    sender: Direction
    carrier: Carrier
    fields: tuple[Field, ...] = ()
    schema: Schema | Callable[[str], Schema] | None = None
    """The schema of what is no object; or of what its fields alone do not tell."""
    since: str = VERSIONS[0]
    until: str = VERSIONS[-1]
    first: str | None = None
    """The first version that has it, where that is known and no recorded one."""
    encoding: str = "json"
    """``json``; ``text``, for which the schema is that of a string; or ``form``, for which it is that of an object
    of the form's fields."""

    def is_in(self, version: str) -> bool:
        return number(self.since) <= number(version) <= number(self.until)


# What fields are made of.

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
LIST: Schema = {"type": "array"}
NULL: Schema = {"type": "null"}
ANY: Schema = {}
INTEGERS: Schema = {"type": "array", "items": INTEGER}
STRINGS: Schema = {"type": "array", "items": STRING}


def const(value: Any) -> Schema:
    return {"const": value}


def one_of(*values: Any) -> Schema:
    return {"enum": [*values]}


def types(*names: str) -> Schema:
    return {"type": [*names]}


def or_null(schema: Schema) -> Schema:
    if set(schema) == {"type"} and isinstance(schema["type"], str):
        return types(schema["type"], "null")
    return {"anyOf": [schema, NULL]}


def list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas]}


def ref(kind: str) -> Schema:
    """The schema of another kind, of the same version."""
    return {"$ref": kind}


def newer(version: str, than: str) -> bool:
    """Whether a version is that one or a later one."""
    return number(version) >= number(than)


# Fields that several kinds have.


def msg(kind: str) -> Field:
    return Field("msg", const(kind), "What kind of message this is.")


JOB = Field("event_id", STRING, "The job, as the reply to its join has named it.", since=_V1)
NO_JOB = Field("event_id", NULL, "The message is about the stream, and so about every job on it.", since=_V3)
SUCCESS = Field("success", const(True), "No failure was seen to be told by this kind of message.")
DATA = Field("data", LIST, "The inputs, one entry for each, with null in the place of each State.")
FN_INDEX = Field(
    "fn_index", INTEGER, "Which function: the dependency's id, or its position where it has none."
)
SESSION = Field("session_hash", STRING, "The session, as the client has named it.")
EVENT_DATA = Field(
    "event_data", ANY, "What a browser's event carries, for gr.SelectData and the like.", optional=True
)
TOKEN = Field(
    "oauth_token",
    types("string", "null"),
    "A Hugging Face token, for an endpoint that says that it takes one.",
    since=_G6,
    optional=True,
)
PROGRESS_DATA = Field(
    "progress_data", list_of(ref("values/progress_unit")), "The progress bars, outermost first."
)


def _outcome(version: str) -> Schema:
    outputs = [ref("values/output")]
    if newer(version, _V3):
        outputs.append(ref("values/cancelled"))
    return {
        "if": {"properties": {"success": const(False)}},
        "then": {"properties": {"output": ref("values/failure")}},
        "else": {"properties": {"output": either(*outputs) if len(outputs) > 1 else outputs[0]}},
    }


def _call_error(version: str) -> Schema:
    if newer(version, _G6):
        return either(ref("values/failure"), STRING)
    return types("null", "string")


def _file_in(version: str) -> Schema:
    """What a client sends for a file."""
    if not newer(version, _SSE):
        uploaded = {"name": STRING, "data": NULL, "is_file": const(True), "orig_name": STRING}
        inline = {"name": STRING, "data": {"type": "string", "pattern": "^data:"}}
        return either(
            {"type": "object", "properties": uploaded, "required": ["name", "data", "is_file"]},
            {"type": "object", "properties": inline, "required": ["name", "data"]},
            {"type": "string", "pattern": "^data:", "description": "An image."},
        )
    uploaded = {
        "path": {
            "type": "string",
            "description": "A path that /upload has given, or a URL that the server fetches.",
        },
        "url": types("string", "null"),
        "size": types("integer", "null"),
        "orig_name": types("string", "null"),
        "mime_type": types("string", "null"),
        "is_stream": BOOLEAN,
        "meta": {"type": "object", "properties": {"_type": const("gradio.FileData")}, "required": ["_type"]},
    }
    if not newer(version, _G5):
        return {"type": "object", "properties": uploaded, "required": ["path"]}
    inline = {**uploaded, "path": NULL, "url": {"type": "string", "pattern": "^data:"}}
    return either(
        {"type": "object", "properties": uploaded, "required": ["path", "meta"]},
        {
            "type": "object",
            "properties": inline,
            "required": ["path", "url", "meta"],
            "description": "An image.",
        },
    )


_PATH: Schema = {"type": "array", "items": types("integer", "string")}

EDIT: Schema = {
    "type": "array",
    "minItems": 3,
    "maxItems": 3,
    "prefixItems": [one_of("replace", "append", "add", "delete"), _PATH, ANY],
    "allOf": [
        {"if": {"prefixItems": [const("append")]}, "then": {"prefixItems": [ANY, _PATH, STRING]}},
        {
            "if": {"prefixItems": [const("delete")]},
            "then": {"prefixItems": [ANY, {**_PATH, "minItems": 1}, NULL]},
        },
        {
            "if": {"prefixItems": [const("add")]},
            "then": {"prefixItems": [ANY, {**_PATH, "minItems": 1}, ANY]},
        },
    ],
}

MESSAGES: Mapping[str, Kind] = {
    "send_hash": Kind(
        "The server asks whose job this is. The client answers with requests/ws_hash within 5 seconds.",
        "server",
        "queue",
        (msg("send_hash"),),
        until=_WS_LAST,
    ),
    "send_data": Kind(
        "A worker is free. The client answers with requests/ws_data within 60 seconds (ws), or by POST of "
        "requests/queue_data within 5 (sse).",
        "server",
        "queue",
        (msg("send_data"), Field("event_id", STRING, "What requests/queue_data must name.", since=_SSE)),
        until=_SSE,
    ),
    "queue_full": Kind(
        "The job was refused, and the stream ends. Later versions answer the join with 503.",
        "server",
        "queue",
        (msg("queue_full"),),
        until=_SSE,
    ),
    "estimation": Kind(
        "Where the job stands in the queue; sent again whenever that changes.",
        "server",
        "queue",
        (
            msg("estimation"),
            JOB,
            Field("rank", types("integer", "null"), "Jobs before this one; null in none that was seen."),
            Field("queue_size", INTEGER, "Jobs in the queue."),
            Field("avg_event_process_time", NUMBER, "Seconds.", until=_SSE),
            Field("avg_event_concurrent_process_time", types("number", "null"), "Seconds.", until=_SSE),
            Field("rank_eta", types("number", "null"), "Seconds; null while the function has never run."),
            Field("queue_eta", NUMBER, "Seconds for the whole queue.", until=_SSE),
        ),
    ),
    "process_starts": Kind(
        "A worker has begun. A result from the server's cache comes without it.",
        "server",
        "queue",
        (
            msg("process_starts"),
            JOB,
            Field(
                "eta", types("number", "null"), "Seconds; null while the function has never run.", since=_V1
            ),
        ),
    ),
    "progress": Kind(
        "The app reports progress. The server samples: steps may be missing.",
        "server",
        "queue",
        (msg("progress"), JOB, PROGRESS_DATA),
    ),
    "log": Kind(
        "The app called gr.Info, gr.Warning or gr.Success.",
        "server",
        "queue",
        (
            msg("log"),
            JOB,
            Field("log", STRING, "The text, raw: it may hold HTML."),
            Field("level", one_of("info", "warning"), until=_V3),
            Field("level", one_of("info", "warning", "success"), since=_G5, until=_G5),
            Field("level", one_of("info", "warning", "success", "error"), since=_G6),
            Field(
                "duration",
                types("number", "null"),
                "Seconds that a browser shows it; null: until it is closed.",
                since=_V3,
            ),
            Field("visible", BOOLEAN, "Whether a browser shows it.", since=_V3),
            Field("title", STRING, "Its heading.", since=_G5),
        ),
    ),
    "process_generating": Kind(
        "A generator has yielded. The first output.data of a job is whole; from sse_v2 on, each entry of the later "
        "ones is a list of edits: values/diff.",
        "server",
        "queue",
        (
            msg("process_generating"),
            JOB,
            Field("output", ref("values/output")),
            SUCCESS,
            Field(
                "time_limit", types("number", "null"), "Seconds; null but for streaming inputs.", since=_G5
            ),
        ),
    ),
    "process_streaming": Kind(
        "An app with a streaming input has processed a chunk. The values are always whole.",
        "server",
        "queue",
        (
            msg("process_streaming"),
            JOB,
            Field("output", ref("values/output")),
            SUCCESS,
            Field(
                "time_limit",
                types("number", "null"),
                "Seconds that the input may go on, from the first of these.",
            ),
        ),
        since=_G5,
        first="5.0.0",
    ),
    "process_completed": Kind(
        "The job has ended: with its outputs, with an error, or cancelled. The values are always whole.",
        "server",
        "queue",
        (
            msg("process_completed"),
            JOB,
            Field(
                "output", OBJECT, "values/output, or values/failure if success is false, or values/cancelled."
            ),
            Field("success", BOOLEAN, "False if the function raised."),
            Field("title", types("string", "null"), "The heading of the error.", since=_G5),
            Field("used_cache", one_of("full", "partial", None), since=_G6),
            Field(
                "cache_duration",
                types("number", "null"),
                "Seconds that the cached run took; means nothing unless success is true.",
                since=_G6,
            ),
            Field(
                "avg_time", types("number", "null"), "Seconds that the function takes on average.", since=_G6
            ),
        ),
        schema=_outcome,
    ),
    "heartbeat": Kind(
        "The server is alive: every 15 seconds, whatever else it sends; on 4.0 once.",
        "server",
        "queue",
        (msg("heartbeat"), NO_JOB),
        since=_SSE,
    ),
    "unexpected_error": Kind(
        "The server failed, lost the session or is stopping: every job of the session ends.",
        "server",
        "queue",
        (
            msg("unexpected_error"),
            NO_JOB,
            Field("success", const(False)),
            Field("message", STRING, "What the server says about it."),
            Field("session_not_found", BOOLEAN, "Whether the server does not know the session.", since=_G5),
        ),
        since=_V1,
    ),
    "close_stream": Kind(
        "No job of the session is pending, and the stream ends.",
        "server",
        "queue",
        (msg("close_stream"), NO_JOB),
        since=_V3,
    ),
    "call_generating": Kind(
        "The event `generating` of the simple API: the outputs, always whole.",
        "server",
        "call",
        schema=LIST,
        since=_V21,
        first="4.20.0",
    ),
    "call_complete": Kind(
        "The event `complete` of the simple API: the outputs; null after a cancellation.",
        "server",
        "call",
        schema=lambda version: types("array", "null") if newer(version, _V3) else LIST,
        since=_V21,
        first="4.20.0",
    ),
    "call_error": Kind(
        "The event `error` of the simple API: null, or what went wrong, or the text of an unexpected_error.",
        "server",
        "call",
        schema=_call_error,
        since=_V21,
        first="4.20.0",
    ),
    "call_heartbeat": Kind(
        "The event `heartbeat` of the simple API.", "server", "call", schema=NULL, since=_V21, first="4.20.0"
    ),
    "upload_update": Kind(
        "Bytes of a file have arrived.",
        "server",
        "upload_progress",
        (
            msg("update"),
            Field("orig_name", STRING, "The file's name."),
            Field("chunk_size", INTEGER, "Bytes of this piece, not in all."),
        ),
        since=_V1,
        first="4.7.0",
    ),
    "upload_done": Kind(
        "The upload is complete, and the stream ends.",
        "server",
        "upload_progress",
        (msg("done"),),
        since=_V1,
        first="4.7.0",
    ),
    "upload_heartbeat": Kind(
        "The server is alive: every 15 seconds.",
        "server",
        "upload_progress",
        (msg("heartbeat"),),
        since=_V1,
        first="4.7.0",
    ),
    "alive": Kind(
        "The data of each event of /heartbeat: a word, and not JSON.",
        "server",
        "heartbeat",
        schema=const("ALIVE"),
        since=_V3,
        first="4.25.0",
        encoding="text",
    ),
}

REQUESTS: Mapping[str, Kind] = {
    "ws_hash": Kind(
        "The answer to send_hash, on the WebSocket.", "client", "queue", (FN_INDEX, SESSION), until=_WS_LAST
    ),
    "ws_data": Kind(
        "The answer to send_data, on the WebSocket. Its fn_index wins over that of ws_hash.",
        "client",
        "queue",
        (DATA, EVENT_DATA, FN_INDEX, SESSION),
        until=_WS_LAST,
    ),
    "queue_data": Kind(
        "POST /queue/data: the answer to send_data of sse.",
        "client",
        "http",
        (
            DATA,
            EVENT_DATA,
            FN_INDEX,
            SESSION,
            Field("event_id", STRING, "What send_data has named."),
        ),
        since=_SSE,
        until=_SSE,
    ),
    "queue_join": Kind(
        "POST /queue/join: a job.",
        "client",
        "http",
        (
            DATA,
            EVENT_DATA,
            FN_INDEX,
            SESSION,
            Field(
                "trigger_id", types("integer", "null"), "The component whose event this is.", optional=True
            ),
            TOKEN,
        ),
        since=_V1,
    ),
    "call": Kind(
        "POST /call/{api_name}: a job by the simple API.",
        "client",
        "http",
        (
            DATA,
            Field(
                "session_hash",
                types("string", "null"),
                "Leave it out below 6: the result is then never found.",
                optional=True,
            ),
            TOKEN,
        ),
        since=_V21,
        first="4.20.0",
    ),
    "call_v2": Kind(
        "POST /call/v2/{api_name}: the inputs by the names of the parameters.",
        "client",
        "http",
        (TOKEN,),
        since=_G6,
        first="6.13.0",
    ),
    "run": Kind(
        "POST /run/{api_name} and /api/{api_name}: a run without the queue.",
        "client",
        "http",
        (
            DATA,
            EVENT_DATA,
            Field(
                "fn_index",
                types("integer", "null"),
                "Which function; any api_name will do then.",
                optional=True,
            ),
            Field(
                "session_hash",
                types("string", "null"),
                "The session; none: State has its defaults.",
                optional=True,
            ),
            Field(
                "event_id", types("string", "null"), "Steps a generator on, on 4.x and 5.x.", optional=True
            ),
            Field("batched", types("boolean", "null"), "data holds lists, of a batch.", optional=True),
            TOKEN,
        ),
    ),
    "cancel": Kind(
        "POST /cancel: ends every running job of that function in that session.",
        "client",
        "http",
        (Field("event_id", STRING, "The job."), SESSION, FN_INDEX),
        since=_V3,
        first="4.30.0",
    ),
    "reset": Kind(
        "POST /reset: ends a generator, without a word; from 4.30 on it does nothing.",
        "client",
        "http",
        (
            Field("session_hash", STRING, until=_WS_LAST),
            Field("fn_index", INTEGER, until=_WS_LAST),
            Field("event_id", STRING, since=_SSE),
        ),
    ),
    "stream_chunk": Kind(
        "POST /stream/{event_id}: a chunk of a streaming input.",
        "client",
        "http",
        (DATA, FN_INDEX, SESSION),
        since=_G5,
        first="5.0.0",
    ),
    "stream_close": Kind(
        "POST /stream/{event_id}/close: the end of a streaming input. An empty object.",
        "client",
        "http",
        schema=OBJECT,
        since=_G5,
        first="5.0.0",
    ),
    "component_server": Kind(
        "POST /component_server: a function of a component, such as the listing of gr.FileExplorer.",
        "client",
        "http",
        (
            Field("component_id", INTEGER),
            Field("fn_name", STRING, "One of the component's props.server_fns."),
            SESSION,
            Field("data", ANY, "The function's argument."),
        ),
        since=_WS_LAST,
    ),
    "login": Kind(
        "POST /login: a form, URL-encoded or multipart.",
        "client",
        "http",
        (Field("username", STRING), Field("password", STRING)),
        encoding="form",
    ),
}

REPLIES: Mapping[str, Kind] = {
    "joined": Kind(
        "200 of POST /queue/join, /call/{api_name} and /call/v2/{api_name}.",
        "server",
        "http",
        (Field("event_id", STRING, "The job's name on the streams."),),
        since=_V1,
    ),
    "data_taken": Kind("200 of POST /queue/data.", "server", "http", schema=NULL, since=_SSE, until=_SSE),
    "run": Kind(
        "200 of POST /run/{api_name} and /api/{api_name}.", "server", "http", schema=ref("values/output")
    ),
    "run_failed": Kind(
        "500 of POST /run/{api_name} and /api/{api_name}, where it is JSON.",
        "server",
        "http",
        schema=ref("values/failure"),
    ),
    "success": Kind(
        "200 of POST /login, /reset and /cancel. Of the latter two it proves nothing.",
        "server",
        "http",
        (Field("success", BOOLEAN),),
    ),
    "chunk_taken": Kind(
        "200 of POST /stream/{event_id} and /stream/{event_id}/close.",
        "server",
        "http",
        (msg("success"),),
        since=_G5,
        first="5.0.0",
    ),
    "upload": Kind(
        "200 of POST /upload: the files' paths on the server, in their order.",
        "server",
        "http",
        schema=STRINGS,
    ),
    "app_id": Kind(
        "200 of GET /app_id.",
        "server",
        "http",
        (Field("app_id", INTEGER, "Up to 64 bits, unsigned: more than a double holds."),),
    ),
    "queue_status": Kind(
        "200 of GET /queue/status: an estimation of no job.",
        "server",
        "http",
        (
            Field("msg", const("estimation"), until=_WS_LAST),
            Field("msg", const("estimation"), since=_V21),
            Field("event_id", NULL, since=_V21),
            Field("rank", types("integer", "null")),
            Field("queue_size", INTEGER, "Jobs in the queue."),
            Field("avg_event_process_time", NUMBER, "Seconds.", until=_SSE),
            Field("avg_event_concurrent_process_time", types("number", "null"), "Seconds.", until=_SSE),
            Field("rank_eta", types("number", "null")),
            Field("queue_eta", NUMBER, "Seconds for the whole queue.", until=_SSE),
        ),
    ),
    "config": Kind(
        "200 of GET /config, and what an app's page embeds: all that an app says about itself.",
        "server",
        "http",
        (
            Field("version", STRING, "Gradio's. It may end in a newline (3.36)."),
            Field("mode", STRING),
            Field("app_id", INTEGER, "Up to 64 bits, unsigned: more than a double holds.", since=_WS_LAST),
            Field("dev_mode", BOOLEAN),
            Field("analytics_enabled", BOOLEAN),
            Field("components", list_of(ref("values/component"))),
            Field("dependencies", list_of(ref("values/dependency"))),
            Field("layout", OBJECT),
            Field("css", types("string", "null")),
            Field("js", types("string", "null"), since=_SSE, until=_V3),
            Field("js", types("string", "boolean", "null"), since=_G5),
            Field("head", types("string", "null"), since=_SSE),
            Field("title", STRING, until=_V3),
            Field("title", types("string", "object"), since=_G5),
            Field("space_id", types("string", "null"), "The name of the Space that it runs on."),
            Field("enable_queue", BOOLEAN, "False, on 3.x: call by /run."),
            Field("show_error", BOOLEAN, "Whether the texts of exceptions other than gr.Error are told."),
            Field("show_api", BOOLEAN, until=_G5),
            Field("is_colab", BOOLEAN),
            Field("stylesheets", STRINGS),
            Field("theme", types("string", "null")),
            Field("root", STRING, "Where the server thinks it is: a hint, and no more."),
            Field("protocol", const("sse"), since=_SSE, until=_SSE),
            Field("protocol", const("sse_v1"), since=_V1, until=_V1),
            Field("protocol", const("sse_v2"), since=_V2, until=_V2),
            Field("protocol", const("sse_v2.1"), since=_V21, until=_V21),
            Field("protocol", const("sse_v3"), since=_V3),
            Field("body_css", OBJECT, since=_V2),
            Field("fill_height", BOOLEAN, since=_V2),
            Field("fill_width", BOOLEAN, since=_V3),
            Field("connect_heartbeat", BOOLEAN, "Whether the app wants /heartbeat.", since=_V3),
            Field("max_file_size", types("integer", "null"), "Bytes that an upload may have.", since=_V3),
            Field("theme_hash", STRING, since=_V3),
            Field("username", types("string", "null"), "Who is logged in.", since=_V3),
            Field("api_prefix", STRING, "What stands before most routes.", since=_G5),
            Field("vibe_mode", BOOLEAN, since=_G5),
            Field("pwa", BOOLEAN, since=_G5),
            Field("pages", LIST, since=_G5),
            Field("page", OBJECT, since=_G5),
            Field("mcp_server", BOOLEAN, since=_G5),
            Field("i18n_translations", types("object", "null"), since=_G5),
            Field("footer_links", LIST, since=_G6),
            Field("run_history", BOOLEAN, since=_G6),
        ),
    ),
    "login_page": Kind(
        "What an app's page embeds in place of the config until the user has logged in.",
        "server",
        "http",
        (
            Field("auth_required", const(True)),
            Field("auth_message", types("string", "null"), "What the app says to whoever logs in."),
            Field("space_id", types("string", "null")),
            Field("root", STRING),
            Field("page", OBJECT, since=_G5),
            Field("pages", LIST, since=_G5),
            Field("components", LIST, since=_G5),
            Field("dependencies", LIST, since=_G5),
            Field("current_page", STRING, since=_G5),
        ),
    ),
    "info": Kind(
        "200 of GET /info: the endpoints and their types.",
        "server",
        "http",
        (
            Field("named_endpoints", map_of(ref("values/endpoint")), "By name, such as /predict."),
            Field("unnamed_endpoints", map_of(ref("values/endpoint")), "By fn_index, as a string."),
        ),
    ),
    "component_server": Kind(
        "200 of POST /component_server: what the function returned.",
        "server",
        "http",
        schema=ANY,
        since=_WS_LAST,
    ),
    "startup_events": Kind("200 of GET /startup-events.", "server", "http", schema=BOOLEAN),
    "token": Kind(
        "200 of GET /token.",
        "server",
        "http",
        (Field("token", types("string", "null")), Field("user", types("string", "null"))),
    ),
    "user": Kind("200 of GET /user: who is logged in.", "server", "http", schema=types("string", "null")),
    "detail": Kind(
        "Most errors that are JSON: 400, 404, 405, 503 of any route, 403 of downloads, and 401 of /run (3.36).",
        "server",
        "http",
        (Field("detail", STRING, "What the server says."),),
    ),
    "not_authenticated": Kind(
        "401 of any route: log in first.",
        "server",
        "http",
        (
            Field("detail", STRING, until=_V3),
            Field(
                "detail",
                {
                    "type": "object",
                    "properties": {"error": STRING, "auth_message": types("string", "null")},
                    "required": ["error", "auth_message"],
                },
                since=_G5,
            ),
        ),
    ),
    "unprocessable": Kind(
        "422 of any route: what the server expected of the request.",
        "server",
        "http",
        schema=lambda version: {
            "type": "object",
            "properties": {
                "detail": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "loc": {"type": "array", "items": types("string", "integer")},
                            "msg": STRING,
                            "type": STRING,
                            **({"input": ANY} if newer(version, _WS_LAST) else {}),
                            "ctx": OBJECT,
                        },
                        "required": ["loc", "msg", "type", *(["input"] if newer(version, _WS_LAST) else [])],
                    },
                }
            },
            "required": ["detail"],
        },
    ),
    "invalid_inputs": Kind(
        "422 of POST /queue/join and /call/{api_name}: the function's validator has refused the inputs. The inputs "
        "that it takes are in the list too.",
        "server",
        "http",
        (
            Field(
                "detail",
                list_of(
                    {
                        "type": "object",
                        "properties": {
                            "__type__": const("validate"),
                            "is_valid": BOOLEAN,
                            "message": STRING,
                            "parameter_name": STRING,
                        },
                        "required": ["__type__", "is_valid", "message", "parameter_name"],
                    }
                ),
            ),
        ),
        since=_G5,
        first="5.43.0",
    ),
}

VALUES: Mapping[str, Kind] = {
    "output": Kind(
        "What a function gave: once, or at a step.",
        "server",
        "value",
        (
            Field("data", LIST, "One entry for each output, with null in the place of each State."),
            Field("is_generating", types("boolean", "null"), "Whether more may come; null for batches."),
            Field("duration", NUMBER, "Seconds."),
            Field("average_duration", NUMBER, "Seconds."),
            Field("render_config", or_null(ref("values/render_config")), "What gr.render made.", since=_V3),
            Field("changed_state_ids", INTEGERS, "The State components that have changed.", since=_V3),
            Field("used_cache", one_of("full", "partial", None), since=_G6),
        ),
    ),
    "cancelled": Kind(
        "What stands in place of the output of a job that was cancelled: nothing.",
        "server",
        "value",
        schema={"type": "object", "maxProperties": 0},
        since=_V3,
        first="4.30.0",
    ),
    "failure": Kind(
        "What stands in place of the output of a function that failed.",
        "server",
        "value",
        (
            Field(
                "error",
                types("string", "null"),
                "The text; null: the app hides it. In repr's quotes below 5.",
            ),
            Field(
                "duration",
                types("number", "null"),
                "Seconds that a browser shows it; null: until it is closed. Of gr.Error only.",
                since=_V3,
                optional=True,
            ),
            Field("visible", BOOLEAN, "Whether a browser shows it.", since=_V3, optional=True),
            Field("title", STRING, "Its heading. Of gr.Error only.", since=_G5, optional=True),
        ),
    ),
    "progress_unit": Kind(
        "A progress bar: progress, or index of length.",
        "server",
        "value",
        (
            Field("index", types("integer", "null"), "Steps done.", until=_V3),
            Field("index", types("number", "null"), "Steps done.", since=_G5),
            Field("length", types("integer", "null"), "Steps in all.", until=_V3),
            Field("length", types("number", "null"), "Steps in all.", since=_G5),
            Field("unit", types("string", "null"), "What is counted."),
            Field("progress", types("number", "null"), "The fraction done, 0 to 1."),
            Field("desc", types("string", "null"), "What the app says it is doing."),
        ),
    ),
    "edit": Kind(
        "One edit of a streamed value: what to do, where, and with what. Applied in order.",
        "server",
        "value",
        schema=EDIT,
        since=_V2,
    ),
    "diff": Kind(
        "What stands in place of an output in each process_generating of a job but the first: edits of the value "
        "before; none of them, and it is as it was.",
        "server",
        "value",
        schema=list_of(ref("values/edit")),
        since=_V2,
    ),
    "file_out": Kind(
        "A file in an output.",
        "server",
        "value",
        (
            Field("name", STRING, "Its path on the server.", until=_WS_LAST),
            Field("data", NULL, until=_WS_LAST),
            Field("is_file", const(True), until=_WS_LAST),
            Field("path", STRING, "Its path on the server.", since=_SSE),
            Field("url", NULL, since=_SSE, until=_V1),
            Field("url", STRING, "A hint: it may be no valid URL below 6.", since=_V2),
            Field("orig_name", STRING, until=_WS_LAST),
            Field("orig_name", types("string", "null"), since=_SSE),
            Field("size", types("integer", "null"), "Bytes."),
            Field("mime_type", types("string", "null"), since=_SSE),
            Field("is_stream", BOOLEAN, since=_V2),
            Field(
                "meta",
                {"type": "object", "properties": {"_type": const("gradio.FileData")}, "required": ["_type"]},
                "What marks a file.",
                since=_V21,
            ),
        ),
    ),
    "stream_out": Kind(
        "Streamed media in an output; from 4.44 on it is values/file_out.",
        "server",
        "value",
        (
            Field("path", STRING, "<session>/<run>/<component>, below /stream/."),
            Field("is_stream", const(True)),
        ),
        since=_SSE,
        until=_V21,
    ),
    "file_in": Kind("A file in an input.", "client", "value", schema=_file_in),
    "update": Kind(
        "An output that changes a component's properties. Its value, if there is one, is in `value`; the other "
        "fields are the properties.",
        "server",
        "value",
        (Field("__type__", const("update")), Field("value", ANY, optional=True)),
    ),
    "render_config": Kind(
        "What gr.render has made. It replaces what the same render_id has made before.",
        "server",
        "value",
        (
            Field("layout", OBJECT),
            Field("components", list_of(ref("values/component"))),
            Field("dependencies", list_of(ref("values/dependency"))),
            Field("render_id", INTEGER),
            Field("page", OBJECT, since=_G5),
        ),
        since=_V3,
        first="4.36.0",
    ),
    "component": Kind(
        "A component of an app.",
        "server",
        "value",
        (
            Field("id", INTEGER),
            Field("type", STRING, "Such as textbox."),
            Field("props", OBJECT, "Its properties: other ones for each type."),
            Field("serializer", STRING, until=_WS_LAST, optional=True),
            Field("api_info", OBJECT, "The JSON Schema of its values.", optional=True),
            Field("example_inputs", OBJECT, until=_WS_LAST, optional=True),
            Field("example_inputs", ANY, since=_SSE, optional=True),
            Field("skip_api", BOOLEAN, "Whether it has no place in the API.", since=_SSE),
            Field("component_class_id", STRING, since=_SSE),
            Field("key", types("string", "integer", "null"), since=_V3),
            Field("renderable", types("integer", "null"), since=_V3, optional=True),
            Field("rendered_in", types("integer", "null"), since=_G5, optional=True),
            Field("api_info_as_input", OBJECT, since=_G5, optional=True),
            Field("api_info_as_output", OBJECT, since=_G5, optional=True),
        ),
    ),
    "dependency": Kind(
        "A function of an app, and what runs it.",
        "server",
        "value",
        (
            Field(
                "id", INTEGER, "What requests name as fn_index; before, its position in the list.", since=_V3
            ),
            Field("targets", INTEGERS, "The components.", until=_WS),
            Field("trigger", STRING, "Their event.", until=_WS),
            Field(
                "targets",
                list_of(
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "prefixItems": [types("integer", "null"), STRING],
                    }
                ),
                "Components, and their events.",
                since=_WS_LAST,
            ),
            Field("inputs", INTEGERS, "Components."),
            Field("outputs", INTEGERS, "Components."),
            Field("backend_fn", BOOLEAN, "False: it runs in the browser only."),
            Field("js", types("string", "boolean", "null")),
            Field("queue", types("boolean", "null"), "null: as enable_queue says.", until=_V21),
            Field("queue", BOOLEAN, since=_V3),
            Field(
                "api_name", either(STRING, const(False), NULL), "null, on 3.x: it has none.", until=_WS_LAST
            ),
            Field("api_name", either(STRING, const(False)), since=_SSE, until=_G5),
            Field("api_name", either(STRING, const(False)), "Private endpoints have one too.", since=_G6),
            Field("scroll_to_output", BOOLEAN),
            Field("show_progress", STRING),
            Field("every", types("number", "null"), "Seconds after which it runs again.", until=_V21),
            Field("batch", BOOLEAN, "Whether it takes lists of inputs."),
            Field("max_batch_size", INTEGER),
            Field("cancels", INTEGERS, "The functions that it cancels, by fn_index."),
            Field(
                "types",
                {
                    "type": "object",
                    "properties": {"generator": BOOLEAN, "continuous": BOOLEAN, "cancel": BOOLEAN},
                    "required": ["generator"],
                },
            ),
            Field("collects_event_data", BOOLEAN),
            Field("trigger_after", types("integer", "null")),
            Field("trigger_only_on_success", BOOLEAN),
            Field("trigger_only_on_failure", BOOLEAN, since=_G5),
            Field("trigger_mode", types("string", "null"), since=_SSE),
            Field("show_api", BOOLEAN, since=_V1, until=_G5),
            Field("api_visibility", one_of("public", "undocumented", "private"), since=_G6),
            Field("zerogpu", BOOLEAN, since=_V3, until=_V3),
            Field("rendered_in", types("integer", "null"), since=_V3),
            Field("api_description", either(STRING, const(False), NULL), since=_G5),
            Field("show_progress_on", or_null(INTEGERS), since=_G5),
            Field("render_id", types("integer", "null"), since=_G5),
            Field("connection", one_of("sse", "stream"), "stream: it takes its input in chunks.", since=_G5),
            Field("time_limit", types("number", "null"), "Seconds.", since=_G5),
            Field("stream_every", NUMBER, "Seconds between two chunks.", since=_G5),
            Field("like_user_message", BOOLEAN, since=_G5, until=_G5),
            Field("event_specific_args", types("array", "null"), since=_G5),
            Field("component_prop_inputs", LIST, since=_G6),
            Field("js_implementation", types("string", "null"), since=_G5),
        ),
    ),
    "endpoint": Kind(
        "An endpoint of the API information. State is in neither list.",
        "server",
        "value",
        (
            Field("parameters", list_of(ref("values/parameter"))),
            Field("returns", list_of(ref("values/return"))),
            Field("show_api", BOOLEAN, since=_V3, until=_G5),
            Field("api_visibility", one_of("public", "undocumented", "private"), since=_G6),
            Field("description", STRING, since=_G5),
            Field("code_snippets", OBJECT, "Not with all_endpoints=True.", since=_G6, optional=True),
            Field("oauth_token", one_of("required", "optional"), since=_G6, optional=True),
        ),
    ),
    "parameter": Kind(
        "An input of an endpoint.",
        "server",
        "value",
        (
            Field("label", STRING),
            Field("parameter_name", STRING, since=_V3),
            Field("parameter_has_default", BOOLEAN, since=_V3),
            Field("parameter_default", ANY, "The server does not fill it in: the client must.", since=_V3),
            Field("type", OBJECT, "A JSON Schema."),
            Field("python_type", ref("values/python_type")),
            Field("component", STRING, "Such as Textbox."),
            Field("example_input", ANY),
            Field("serializer", STRING, until=_WS_LAST),
        ),
    ),
    "return": Kind(
        "An output of an endpoint.",
        "server",
        "value",
        (
            Field("label", STRING),
            Field("type", OBJECT, "A JSON Schema."),
            Field("python_type", ref("values/python_type")),
            Field("component", STRING, "Such as Textbox."),
            Field("serializer", STRING, until=_WS_LAST),
        ),
    ),
    "python_type": Kind(
        "How a Python programmer would write the type.",
        "server",
        "value",
        (
            Field("type", STRING),
            Field("description", STRING, until=_V3),
            Field("description", types("string", "null"), since=_G5),
        ),
    ),
}

KINDS: Mapping[str, Kind] = {
    f"{folder}/{name}": kind
    for folder, kinds in (
        ("messages", MESSAGES),
        ("requests", REQUESTS),
        ("replies", REPLIES),
        ("values", VALUES),
    )
    for name, kind in kinds.items()
}
