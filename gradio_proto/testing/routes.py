"""The routes of a Gradio server: a request in, what it is answered with out.

Which bytes that makes, and when, is :mod:`~gradio_proto.testing.protocol`'s business; what happens to a
job, :mod:`~gradio_proto.testing.queueing`'s. Here is what stands between: paths, parameters, error answers,
and the two forms in which messages are streamed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .access import Access
from .answers import (
    Answer,
    Crash,
    Handler,
    HTTPError,
    Later,
    Methods,
    Missing,
    OpenHeartbeat,
    OpenJob,
    OpenSocket,
    OpenStream,
    Reply,
    Request,
    dumps,
    json_reply,
    text_reply,
)
from .app import Endpoint, TestApp
from .asking import AskingQueue
from .bodies import JOIN, Field, Unprocessable, in_older_words, missing_query, parse, parse_query
from .files import FileStore
from .jsonvalues import is_list, plain
from .media import MediaRoutes
from .parts import Parts
from .queueing import Invalid, Job, Message, Queue, QueueFull
from .sockets import is_upgrade
from .uploads import FileRoutes, Upload
from .values import Context

_COMPONENT = {
    "session_hash": Field("str", required=True),
    "component_id": Field("int", required=True),
    "fn_name": Field("str", required=True),
    "data": Field("any", required=True),
}
_CANCEL = {
    "session_hash": Field("str", required=True),
    "fn_index": Field("int", required=True),
    "event_id": Field("str", required=True),
}
_RESET = {"event_id": Field("str", required=True)}
_RESET_ITERATOR = {"session_hash": Field("str", required=True), "fn_index": Field("int", required=True)}
_JOIN_QUERY = {"fn_index": Field("int", required=True), "session_hash": Field("str", required=True)}

_UNGUARDED = ("/cancel", "/reset", "/reset/", "/heartbeat/")
"""What real servers forget to ask a login for."""


class Routes:
    """What one server answers.

    Args:
        app: What it serves.
        queue: The app's queue.
        files: The server's files.
        scheme: What its address starts with: ``"http"`` or ``"https"``.
        new_id: Makes names.
        asking: The same queue, if it is of the kind that asks for data.
        parts: What this is made of.
    """

    def __init__(
        self,
        app: TestApp,
        queue: Queue,
        files: FileStore,
        scheme: str,
        new_id: Callable[[], str],
        *,
        asking: AskingQueue | None = None,
        parts: Parts,
    ) -> None:
        self._app = app
        self._queue = queue
        self._asking = asking
        self._scheme = scheme
        self._generation = generation = app.generation
        prefix = generation.prefix
        media = MediaRoutes(queue.media, generation)
        self._files = parts.of(FileRoutes)(app, files, new_id, parts)
        self._refusals: dict[str, deque[Reply]] = {}
        self._access = parts.of(Access)(app, self._root, new_id)
        self._whole: dict[str, Methods] = {
            **self._files.whole,
            **self._access.open,
            **self._access.protected,
            "/": {"GET": self._get_page},
            "/config": {"GET": self._get_config},
            "/config/": {"GET": self._get_config},
            f"{prefix}/info": {"GET": self._get_info},
            f"{prefix}/info/": {"GET": self._get_info},
            f"{prefix}/app_id": {"GET": self._get_app_id},
            f"{prefix}/app_id/": {"GET": self._get_app_id},
            f"{prefix}/queue/status": {"GET": self._get_status},
            **self._joining(),
            f"{prefix}/reset": {"POST": self._post_reset},
            f"{prefix}/reset/": {"POST": self._post_reset},
        }
        # Paths that end in a name, the longer before those that they start with.
        self._starting: dict[str, Methods] = {
            **self._files.starting,
            **media.starting,
            f"{prefix}/run/": {"POST": self._post_run},
            f"{prefix}/api/": {"POST": self._post_run},
        }
        if generation.has_component_calls:
            for path in (f"{prefix}/component_server", f"{prefix}/component_server/"):
                self._whole[path] = {"POST": self._post_component}
        if not generation.has_media:
            del self._starting[media.start]
        if generation.can_cancel:
            self._whole[f"{prefix}/cancel"] = {"POST": self._post_cancel}
            self._starting[f"{prefix}/heartbeat/"] = {"GET": self._get_heartbeat}
        if generation.has_input_streams:
            start = f"{prefix}/stream/"
            self._starting[start] = {**self._starting[start], "POST": self._post_chunk}
        if generation.has_call_v2:
            self._starting[f"{prefix}/call/v2/"] = {"POST": self._post_call_v2, "GET": self._get_call}
        if generation.has_call:
            self._starting[f"{prefix}/call/"] = {"POST": self._post_call, "GET": self._get_call}
        self._open = frozenset(
            (
                "/",
                *self._access.open,
                *(f"{prefix}{path}" for path in ("/app_id", "/app_id/")),
                *((f"{prefix}{path}" for path in _UNGUARDED) if generation.leaves_routes_open else ()),
                *(media.starting if media.is_open and generation.leaves_routes_open else ()),
            )
        )

    def _joining(self) -> dict[str, Methods]:
        """How to join the queue. On 3.x that is a WebSocket's business."""
        prefix = self._generation.prefix
        join, data = f"{prefix}/queue/join", f"{prefix}/queue/data"
        if self._generation.has_sockets:
            return {}
        if self._generation.asks_for_data:
            return {join: {"GET": self._get_join}, data: {"POST": self._post_data}}
        return {join: {"POST": self._post_join}, data: {"GET": self._get_data}}

    def refuse(self, path: str, replies: Sequence[Reply]) -> None:
        """Answer the next requests to a path, behind the prefix, with these."""
        self._refusals.setdefault(f"{self._generation.prefix}{path}", deque()).extend(replies)

    def _refusal(self, request: Request) -> Reply | None:
        refusals = self._refusals.get(request.path)
        return refusals.popleft() if refusals else None

    def begin(self, request: Request) -> Upload | Reply | None:
        """A request begins; its body is still to come. What takes the body, if it is not to be kept whole, or
        the reply that does not wait for it."""
        if (request.method, request.path) != ("POST", self._files.upload_path):
            return None
        try:
            self._access.check(request)
        except HTTPError as error:
            return _error_reply(error)
        return self._refusal(request) or self._files.begin(request)

    def answer(self, request: Request, later: Later, now: float) -> Answer:
        """Do what a request asks for. ``later`` is called at most once, and only if the answer is None."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            try:
                return self._handler(request)(request, later, now)
            except Unprocessable as error:
                old = self._generation.speaks_pydantic_1
                return json_reply(422, {"detail": in_older_words(error.detail) if old else error.detail})
            except HTTPError as error:
                return _error_reply(error)
            except Missing as error:
                return json_reply(500, {"error": str(error)})
        except (
            Crash,
            RecursionError,
        ) as error:  # the latter for a body nested so deep that it cannot be quoted
            too_deep = Crash(400, "The body is nested too deep.")
            return self._stumble(error if isinstance(error, Crash) else too_deep)

    def _stumble(self, crash: Crash) -> Reply:
        if crash.status != 500 and not self._generation.stumbles:
            return json_reply(crash.status, {"detail": crash.detail})
        shown = "Traceback (most recent call last):\n" if self._generation.shows_tracebacks else ""
        return text_reply(500, shown or "Internal Server Error")

    def _handler(self, request: Request) -> Handler:
        path = request.path
        if self._generation.has_sockets and is_upgrade(request):
            return self._get_socket
        if path in self._whole:
            route, methods = path, self._whole[path]
        else:
            starts = (start for start in self._starting if path.startswith(start))
            route = next(starts, "")
            if not route:
                raise HTTPError(404, "Not Found")
            methods = self._starting[route]
        handler = methods.get(request.method)
        if handler is None:
            raise HTTPError(405, "Method Not Allowed", [("allow", ", ".join(methods))])
        if route not in self._open:
            self._access.check(request)
        return handler

    # What the app is

    def _root(self, request: Request) -> str:
        """The address that the client used, as far as the request shows it."""
        host = request.headers.get("x-forwarded-host", request.headers.get("host", "localhost"))
        scheme = request.headers.get("x-forwarded-proto", self._scheme)
        return f"{scheme.split(',')[0].strip()}://{host.split(',')[0].strip()}"

    def _get_page(self, request: Request, later: Later, now: float) -> Answer:
        # In a script "</" would end it, whatever it stands in.
        config = json.dumps(self._access.config(request)).replace("<", "\\u003c")
        info = json.dumps(self._app.info()).replace("<", "\\u003c")
        page = (
            "<!doctype html><html><head>"
            f"<script>window.gradio_config = {config};</script>"
            f"<script>window.gradio_api_info = {info};</script>"
            "</head><body></body></html>"
        )
        return Reply(200, page.encode(), "text/html; charset=utf-8")

    def _get_config(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, self._access.config(request))

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        everything = request.query.get("all_endpoints", "").lower() in ("true", "1")
        serialize = request.query.get("serialize", "").lower() not in ("false", "0")
        return json_reply(200, self._app.info(all_endpoints=everything, serialize=serialize))

    def _get_app_id(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, {"app_id": self._app.app_id})

    def _get_status(self, request: Request, later: Later, now: float) -> Answer:
        if not self._app.has_queue:
            raise Crash
        return json_reply(200, self._generation.trim("status", self._queue.status()))

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        """The fields of a request's body. Before Gradio 5 one of which nothing was said is JSON, too."""
        content_type = request.content_type or ("" if self._generation.needs_content_type else "json")
        return parse(request.body, content_type, fields)

    def _endpoint(self, body: Mapping[str, Any], name: str) -> Endpoint:
        """The endpoint that a body names by index, or else its path by name."""
        index: int | None = body["fn_index"]
        if index is not None:
            endpoint = self._queue.endpoint(body["session_hash"], fn_index=index)
            if endpoint is None:
                raise Crash
            return endpoint
        endpoint = self._queue.endpoint(body["session_hash"], name=name)
        private = endpoint is not None and endpoint.visibility == "private"
        if endpoint is None or (private and not self._generation.names_private):
            if self._generation.names_missing_endpoints:
                raise Missing(f"This app has no endpoint /api/{name}/.")
            raise Crash
        return endpoint

    # The queue

    def _post_join(self, request: Request, later: Later, now: float) -> Answer:
        body = self._parse(request, JOIN)
        if self._queue.stopped:
            raise HTTPError(503, "Queue is stopped.")
        if body["fn_index"] is None:
            raise HTTPError(400, "No function index provided.")
        if body["session_hash"] is None:
            raise HTTPError(400, self._generation.no_session)
        return self._join(request, self._endpoint(body, ""), body, now, simple=False)

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        context = self._context(request, endpoint, body)
        try:
            event_id = self._queue.join(
                endpoint,
                body["data"],
                body["session_hash"],
                context,
                now,
                root=self._root(request),
                simple=simple,
            )
        except QueueFull as error:
            raise HTTPError(503, str(error)) from None
        except Invalid as error:
            raise HTTPError(422, error.verdicts) from None
        except Exception as error:  # of the validator
            raise HTTPError(400, str(error)) from None
        return json_reply(200, {"event_id": event_id})

    def _get_data(self, request: Request, later: Later, now: float) -> Answer:
        session_hash = request.query.get("session_hash")
        if session_hash is None:
            raise missing_query("session_hash")
        return OpenStream(session_hash, self._encode)

    def _worded(self, message: Message) -> Message:
        """A message as this version has it."""
        return self._generation.message(message)

    def _encode(self, message: Message) -> bytes:
        """A message as ``/queue/data`` streams it."""
        data = self._worded(message)
        return b"data: %b\n\n" % (dumps(data) if self._generation.compact_json else json.dumps(data).encode())

    def _post_chunk(self, request: Request, later: Later, now: float) -> Answer:
        """One more chunk of an input, or (``/close``) its end."""
        event_id, _, end = self._name(request, 2).partition("/")
        if end == "close":
            known = self._queue.end_input(event_id, now)
        else:
            known = self._queue.add_chunk(event_id, self._parse(request, JOIN)["data"], now)
        if known:
            return json_reply(200, {"msg": "success"})
        if self._generation.forgets_events:
            return Reply(404, b"", None)
        raise Crash

    def _post_cancel(self, request: Request, later: Later, now: float) -> Answer:
        body = self._parse(request, _CANCEL)
        self._queue.cancel(body["event_id"], body["session_hash"], body["fn_index"], now)
        return json_reply(200, {"success": True})

    def _post_reset(self, request: Request, later: Later, now: float) -> Answer:
        if self._asking is not None and self._generation.has_sockets:
            body = self._parse(request, _RESET_ITERATOR)
            known = self._asking.reset_iterator(body["session_hash"], body["fn_index"])
            return json_reply(200, {"success": known})
        body = self._parse(request, _RESET)
        return json_reply(
            200, {"success": not self._generation.resets or self._queue.reset(body["event_id"])}
        )

    def _get_heartbeat(self, request: Request, later: Later, now: float) -> Answer:
        return OpenHeartbeat(self._name(request, 2))

    def _context(self, request: Request, endpoint: Endpoint, body: Mapping[str, Any]) -> Context:
        wants_token = endpoint.oauth_token is not None and self._generation.takes_oauth_token
        return Context(
            f"/{endpoint.name}",
            body["session_hash"],
            request.headers,
            request.query,
            body.get("event_data"),
            self._access.user(request),
            body.get("oauth_token") if wants_token else None,
        )

    # The queue of Gradio 4.0

    def _get_join(self, request: Request, later: Later, now: float) -> Answer:
        query = parse_query(request.query, _JOIN_QUERY)
        assert self._asking is not None
        endpoint = self._endpoint(query, "")
        data: Any = None
        if "data" in request.query:
            data = _loaded(request.query["data"])
            if not is_list(data):
                raise Crash(422, "The data are a list.")
        job = self._asking.enter(
            endpoint,
            query["session_hash"],
            self._context(request, endpoint, query),
            now,
            root=self._root(request),
            data=data,
        )
        assert job.mailbox is not None
        return OpenJob(job.mailbox, self._encode)

    def _post_data(self, request: Request, later: Later, now: float) -> Answer:
        body = self._parse(request, JOIN)
        assert self._asking is not None
        if not self._asking.attach(body.get("event_id"), body, now):
            raise Crash
        return json_reply(200, None)

    # That of Gradio 3

    def _get_socket(self, request: Request, later: Later, now: float) -> Answer:
        try:
            self._access.check(request)
            if request.path != "/queue/join":
                raise HTTPError(404, "Not Found")
        except HTTPError:
            return Reply(403, b"", "text/plain; charset=utf-8", [("connection", "close")])
        # Without a queue the server stumbles before it has answered, and never does.
        if self._app.has_queue:
            return OpenSocket()
        return None if self._generation.stumbles else Reply(403, b"", "text/plain; charset=utf-8")

    def join_socket(self, request: Request, text: str, now: float) -> Job:
        """Put the job that the first message of a WebSocket names into the line.

        Raises:
            Exception: It names none.
        """
        body: dict[str, Any] = _loaded(text)
        index, session_hash = body["fn_index"], body["session_hash"]
        assert self._asking is not None
        named = {"fn_index": int(index) if isinstance(index, int) else -1, "session_hash": session_hash}
        endpoint = self._endpoint(named, "")
        context = self._context(request, endpoint, named)
        known = session_hash if isinstance(session_hash, str) else None
        return self._asking.enter(endpoint, known, context, now, root=self._root(request))

    def encode_socket(self, message: Message) -> str:
        """A message as it goes through a WebSocket."""
        data = self._worded(message)
        return json.dumps(data, separators=(",", ":"), ensure_ascii=self._generation.ascii_sockets)

    # What components offer by themselves

    def _post_component(self, request: Request, later: Later, now: float) -> Answer:
        try:
            body = self._parse(request, _COMPONENT)
        except Unprocessable:
            if self._generation.checks_component_calls:
                raise
            raise HTTPError(400, "Invalid JSON body.") from None
        component = self._app.component(body["component_id"])
        if component is None:
            raise Crash
        function = component.server_fns.get(body["fn_name"])
        if function is None and self._generation.crashes_on_component_calls:
            raise Crash
        if function is None:
            raise HTTPError(404, "Function not found.")
        try:
            return json_reply(200, plain(function(body["data"])))
        except Exception:
            raise Crash(500) from None

    # Direct calls, and the simple API

    def _name(self, request: Request, before: int) -> str:
        """What a path ends in, behind the prefix and so many parts."""
        parts = request.path.removeprefix(self._generation.prefix).split("/")
        return "/".join(parts[before:]).rstrip("/")

    def _check_direct(self, endpoint: Endpoint) -> None:
        if endpoint.queue and self._app.has_queue and not self._app.api_open:
            raise HTTPError(*self._generation.refuses_direct_calls)

    def _post_run(self, request: Request, later: Later, now: float) -> Answer:
        body = self._parse(request, JOIN)
        endpoint = self._endpoint(body, self._name(request, 2))
        self._check_direct(endpoint)

        def reply(success: bool, output: Mapping[str, Any]) -> None:
            generation = self._generation
            later(
                json_reply(200, generation.trim("output", output))
                if success
                else json_reply(500, generation.failure(output))
            )

        context = self._context(request, endpoint, body)
        root = self._root(request)
        self._queue.call(endpoint, body["data"], body["session_hash"], context, reply, now, root=root)
        return None

    def _post_call(self, request: Request, later: Later, now: float) -> Answer:
        name = self._name(request, 2)
        if "/" in name:
            raise HTTPError(405, "Method Not Allowed", [("allow", "GET")])
        body = self._parse(request, JOIN)
        endpoint = self._endpoint({**body, "fn_index": None}, name)
        if self._generation.call_fills_states:
            body["data"] = _with_states(endpoint, body["data"])
        return self._join(request, endpoint, body, now, simple=True)

    def _post_call_v2(self, request: Request, later: Later, now: float) -> Answer:
        """The arguments by keyword: the body is an object of them."""
        given = self._parse(request, {})
        endpoint = self._endpoint({"fn_index": None, "session_hash": None}, self._name(request, 3))
        if endpoint.visibility != "public":
            raise Crash
        names = [endpoint.parameter_name(index) for index in range(len(endpoint.inputs))]
        # Who does not take it does not hear of it, unless it is an argument by that name.
        token = given.pop("oauth_token", None) if "oauth_token" not in names else None
        data: list[Any] = []
        for index, component in enumerate(endpoint.inputs):
            if component.is_state:
                continue
            has_default, default = endpoint.default(index)
            name = names[index]
            if name not in given and not has_default:
                raise Crash(422, f"The argument {name} is missing.")
            data.append(given.pop(name, default))
        if given:
            raise Crash(422, "There are arguments that it does not take.")
        body = {"data": _with_states(endpoint, data), "session_hash": None, "oauth_token": token}
        return self._join(request, endpoint, body, now, simple=True)

    def _get_call(self, request: Request, later: Later, now: float) -> Answer:
        # The name before the event id is not looked at.
        event_id = request.path.rpartition("/")[2]
        known = self._generation.call_knows_sessions
        return OpenStream(self._queue.session_of(event_id) if known else event_id, self._encode_call)

    def _encode_call(self, message: Message) -> bytes | None:
        """A message as ``/call/{name}/{event_id}`` streams it: outputs and errors only."""
        data: Any = None
        match message["msg"]:
            case "process_generating" | "process_completed" as kind:
                if message["success"]:
                    event = "complete" if kind == "process_completed" else "generating"
                    data = message["output"].get("data")
                else:
                    event = "error"
                    data = message["output"] if self._generation.call_tells_errors else None
            case "heartbeat":
                event = "heartbeat"
            case "unexpected_error":
                event, data = "error", message["message"]
            case _:
                return None
        return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def _error_reply(error: HTTPError) -> Reply:
    return json_reply(error.status, {"detail": error.detail}, error.headers)


def _loaded(text: str) -> Any:
    """What JSON says.

    Raises:
        Crash: It is none.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise Crash(422, "JSON decode error") from None


def _with_states(endpoint: Endpoint, data: Sequence[Any]) -> list[Any]:
    """The simple API takes values for what a client can see, and may leave out the place of State."""
    rest = [*data]
    if len(rest) >= len(endpoint.inputs):
        return rest
    filled: list[Any] = []
    for component in endpoint.inputs:
        if component.is_state:
            filled.append(None)
        elif rest:
            filled.append(rest.pop(0))
    return filled
