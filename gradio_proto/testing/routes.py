"""The routes of a Gradio server: a request in, what it is answered with out.

Which bytes that makes, and when, is :mod:`~gradio_proto.testing.protocol`'s business; what happens to a
job, :mod:`~gradio_proto.testing.queueing`'s. Here is what stands between: paths, parameters, error answers,
and the two forms in which messages are streamed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .app import Endpoint, TestApp
from .bodies import Field, Unprocessable, missing_query, parse
from .queueing import Message, Queue, QueueFull
from .values import Context


@dataclass(frozen=True)
class Request:
    """One request, whole."""

    method: str
    path: str
    """Without the query, percent-decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer of known length."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class OpenStream:
    """Stream the messages of a session, each as ``encode`` makes it, leaving out those it makes None of."""

    session_hash: str
    encode: Callable[[Message], bytes | None]


@dataclass(frozen=True)
class OpenHeartbeat:
    """Stream signs of life."""


Later = Callable[[Reply], None]
"""Where a reply goes that takes until a function has run."""

Answer = Reply | OpenStream | OpenHeartbeat | None
"""What a request is answered with; None: with a reply that comes later."""

_Handler = Callable[[Request, Later, float], Answer]

_JOIN = {"data": Field("list", required=True), "session_hash": Field("str"), "fn_index": Field("int")}
_CANCEL = {
    "session_hash": Field("str", required=True),
    "fn_index": Field("int", required=True),
    "event_id": Field("str", required=True),
}
_RESET = {"event_id": Field("str", required=True)}


class _HTTPError(Exception):
    """A request is answered with an error status and a ``detail``, as the server's framework does."""

    def __init__(self, status: int, detail: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class _Crash(Exception):
    """A request that a real server answers with a bare 500."""


class Routes:
    """What one server answers.

    Args:
        app: What it serves.
        queue: The app's queue.
        scheme: What its address starts with: ``"http"`` or ``"https"``.
    """

    def __init__(self, app: TestApp, queue: Queue, scheme: str) -> None:
        self._app = app
        self._queue = queue
        self._scheme = scheme
        self._generation = generation = app.generation
        prefix = generation.prefix
        self._whole: dict[str, Mapping[str, _Handler]] = {
            "/": {"GET": self._get_page},
            "/config": {"GET": self._get_config},
            "/config/": {"GET": self._get_config},
            f"{prefix}/info": {"GET": self._get_info},
            f"{prefix}/info/": {"GET": self._get_info},
            f"{prefix}/app_id": {"GET": self._get_app_id},
            f"{prefix}/app_id/": {"GET": self._get_app_id},
            f"{prefix}/queue/status": {"GET": self._get_status},
            f"{prefix}/queue/join": {"POST": self._post_join},
            f"{prefix}/queue/data": {"GET": self._get_data},
            f"{prefix}/reset": {"POST": self._post_reset},
            f"{prefix}/reset/": {"POST": self._post_reset},
        }
        # Paths that end in a name, the longer before those that they start with.
        self._starting: dict[str, Mapping[str, _Handler]] = {
            f"{prefix}/run/": {"POST": self._post_run},
            f"{prefix}/api/": {"POST": self._post_run},
        }
        if generation.can_cancel:
            self._whole[f"{prefix}/cancel"] = {"POST": self._post_cancel}
            self._starting[f"{prefix}/heartbeat/"] = {"GET": self._get_heartbeat}
        if generation.has_call_v2:
            self._starting[f"{prefix}/call/v2/"] = {"POST": self._post_call_v2, "GET": self._get_call}
        if generation.has_call:
            self._starting[f"{prefix}/call/"] = {"POST": self._post_call, "GET": self._get_call}

    def answer(self, request: Request, later: Later, now: float) -> Answer:
        """Do what a request asks for. ``later`` is called at most once, and only if the answer is None."""
        try:
            try:
                return self._handler(request)(request, later, now)
            except Unprocessable as error:
                return _json(422, {"detail": error.detail})
            except _HTTPError as error:
                return _json(error.status, {"detail": error.detail}, error.headers)
        except (_Crash, RecursionError):  # the latter for a body nested so deep that it cannot be quoted
            return Reply(500, b"Internal Server Error", "text/plain; charset=utf-8")

    def _handler(self, request: Request) -> _Handler:
        path = request.path
        methods = self._whole.get(path) or next(
            (methods for start, methods in self._starting.items() if path.startswith(start)), None
        )
        if methods is None:
            raise _HTTPError(404, "Not Found")
        handler = methods.get(request.method)
        if handler is None:
            raise _HTTPError(405, "Method Not Allowed", [("allow", ", ".join(methods))])
        return handler

    # What the app is

    def _root(self, request: Request) -> str:
        """The address that the client used, as far as the request shows it."""
        host = request.headers.get("x-forwarded-host", request.headers.get("host", "localhost"))
        scheme = request.headers.get("x-forwarded-proto", self._scheme)
        return f"{scheme.split(',')[0].strip()}://{host.split(',')[0].strip()}"

    def _get_page(self, request: Request, later: Later, now: float) -> Answer:
        # In a script "</" would end it, whatever it stands in.
        config = json.dumps(self._app.config(self._root(request))).replace("<", "\\u003c")
        info = json.dumps(self._app.info()).replace("<", "\\u003c")
        page = (
            "<!doctype html><html><head>"
            f"<script>window.gradio_config = {config};</script>"
            f"<script>window.gradio_api_info = {info};</script>"
            "</head><body></body></html>"
        )
        return Reply(200, page.encode(), "text/html; charset=utf-8")

    def _get_config(self, request: Request, later: Later, now: float) -> Answer:
        return _json(200, self._app.config(self._root(request)))

    def _get_info(self, request: Request, later: Later, now: float) -> Answer:
        everything = request.query.get("all_endpoints", "").lower() in ("true", "1")
        return _json(200, self._app.info(all_endpoints=everything))

    def _get_app_id(self, request: Request, later: Later, now: float) -> Answer:
        return _json(200, {"app_id": self._app.app_id})

    def _get_status(self, request: Request, later: Later, now: float) -> Answer:
        status = {
            "msg": "estimation",
            "event_id": None,
            "rank": None,
            "queue_size": self._queue.size,
            "rank_eta": None,
        }
        return _json(200, self._generation.trim("status", status))

    def _endpoint(self, body: Mapping[str, Any], name: str) -> Endpoint:
        """The endpoint that a body names by index, or else its path by name."""
        index: int | None = body["fn_index"]
        if index is not None:
            if not 0 <= index < len(self._app.endpoints):
                raise _Crash
            return self._app.endpoints[index]
        endpoint = self._app.find(name)
        if endpoint is None:
            raise _Crash
        return endpoint

    # The queue

    def _post_join(self, request: Request, later: Later, now: float) -> Answer:
        body = parse(request.body, request.headers.get("content-type", ""), _JOIN)
        if self._queue.stopped:
            raise _HTTPError(503, "Queue is stopped.")
        if body["fn_index"] is None:
            raise _HTTPError(400, "No function index provided.")
        if body["session_hash"] is None:
            raise _HTTPError(400, self._generation.no_session)
        return self._join(request, self._endpoint(body, ""), body, now, simple=False)

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        context = _context(request, endpoint, body)
        try:
            event_id = self._queue.join(
                endpoint, body["data"], body["session_hash"], context, now, simple=simple
            )
        except QueueFull as error:
            raise _HTTPError(503, str(error)) from None
        return _json(200, {"event_id": event_id})

    def _get_data(self, request: Request, later: Later, now: float) -> Answer:
        session_hash = request.query.get("session_hash")
        if session_hash is None:
            raise missing_query("session_hash")
        return OpenStream(session_hash, self._encode)

    def _encode(self, message: Message) -> bytes:
        """A message as ``/queue/data`` streams it."""
        data = self._generation.message(message)
        return b"data: %b\n\n" % (
            _dumps(data) if self._generation.compact_json else json.dumps(data).encode()
        )

    def _post_cancel(self, request: Request, later: Later, now: float) -> Answer:
        body = parse(request.body, request.headers.get("content-type", ""), _CANCEL)
        self._queue.cancel(body["event_id"], body["session_hash"], body["fn_index"], now)
        return _json(200, {"success": True})

    def _post_reset(self, request: Request, later: Later, now: float) -> Answer:
        parse(request.body, request.headers.get("content-type", ""), _RESET)
        return _json(200, {"success": True})  # that is all it does since Gradio 4.31

    def _get_heartbeat(self, request: Request, later: Later, now: float) -> Answer:
        return OpenHeartbeat()

    # Direct calls, and the simple API

    def _name(self, request: Request, before: int) -> str:
        """What a path ends in, behind the prefix and so many parts."""
        parts = request.path.removeprefix(self._generation.prefix).split("/")
        return "/".join(parts[before:]).rstrip("/")

    def _post_run(self, request: Request, later: Later, now: float) -> Answer:
        body = parse(request.body, request.headers.get("content-type", ""), _JOIN)
        endpoint = self._endpoint(body, self._name(request, 2))
        if endpoint.queue and not self._app.api_open:
            raise _HTTPError(
                404,
                "This API endpoint does not accept direct HTTP POST requests. "
                "Please join the queue to use this API.",
            )

        def reply(success: bool, output: Mapping[str, Any]) -> None:
            generation = self._generation
            later(
                _json(200, generation.trim("output", output))
                if success
                else _json(500, generation.failure(output))
            )

        context = _context(request, endpoint, body)
        self._queue.call(endpoint, body["data"], body["session_hash"], context, reply, now)
        return None

    def _post_call(self, request: Request, later: Later, now: float) -> Answer:
        body = parse(request.body, request.headers.get("content-type", ""), _JOIN)
        endpoint = self._endpoint({"fn_index": None}, self._name(request, 2))
        body["data"] = _with_states(endpoint, body["data"])
        return self._join(request, endpoint, body, now, simple=True)

    def _post_call_v2(self, request: Request, later: Later, now: float) -> Answer:
        """The arguments by keyword: the body is an object of them."""
        given = parse(request.body, request.headers.get("content-type", ""), {})
        endpoint = self._endpoint({"fn_index": None}, self._name(request, 3))
        if endpoint.visibility != "public":
            raise _Crash
        data: list[Any] = []
        for index, component in enumerate(endpoint.inputs):
            if component.is_state:
                continue
            has_default, default = endpoint.default(index)
            name = endpoint.parameter_name(index)
            if name not in given and not has_default:
                raise _Crash
            data.append(given.pop(name, default))
        if given:
            raise _Crash
        body = {"data": _with_states(endpoint, data), "session_hash": None}
        return self._join(request, endpoint, body, now, simple=True)

    def _get_call(self, request: Request, later: Later, now: float) -> Answer:
        # The name before the event id is not looked at.
        return OpenStream(self._queue.session_of(request.path.rpartition("/")[2]), self._encode_call)

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


def _context(request: Request, endpoint: Endpoint, body: Mapping[str, Any]) -> Context:
    return Context(
        f"/{endpoint.name}", body["session_hash"], request.headers, request.query, body.get("event_data")
    )


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


def _json(status: int, value: Any, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    return Reply(status, _dumps(value), headers=headers)


def _dumps(value: Any) -> bytes:
    """Compact UTF-8. Lone surrogates can come in an error text, and have no form in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
