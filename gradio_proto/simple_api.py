"""The simple API, another way to call: a POST to ``/call/{api_name}``, and a GET for the event stream of that job.

It is what Gradio tells users of ``curl``. A job of it is in the queue like any other, in a session that the server
names as the event, and that nobody shares: so State starts afresh at every call. Nothing but values is heard of it
(no place in the queue, no progress, no log), always whole, never as differences.

Up to 5.x an ``error`` says null, whatever the app raised. The GET looks for a session of the event's name, so a
``session_hash`` in the POST makes it fail there: none is sent.

For the rest of the library such a job is one in a session of its own (:class:`~gradio_proto.session.Session`), and its
events are put into the words of the queue's messages, here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal, get_args

from .config import AppConfig
from .endpoints import Endpoint
from .errors import ArgumentError
from .payload import arguments_as_json
from .sse import ServerSentEvent

Via = Literal["queue", "call", "call/v2", "run"]
"""How a call reaches its function: by the queue; by the simple API with a list or an object of arguments; or around
the queue, by one request whose reply is the result."""

RUN: Final = "run/predict"
"""Where every function of every server is called around the queue: the ``fn_index`` in the body says which."""

SIMPLE_API_SINCE: Final = (4, 20, 0)
SECOND_SIMPLE_API_SINCE: Final = (6, 13, 0)


def check_via(via: object) -> None:
    """Make sure of a caller's ``via``.

    Raises:
        ArgumentError: It is none of them.
    """
    ways = get_args(Via)
    if via not in ways:
        raise ArgumentError(f"via is one of {', '.join(map(repr, ways))}, not {via!r}")


def simple_route(config: AppConfig, endpoint: Endpoint, via: Literal["call", "call/v2"]) -> str:
    """The route of an endpoint in the simple API: ``"call/predict"``.

    Raises:
        ArgumentError: The endpoint cannot be called so.
    """
    since = SIMPLE_API_SINCE if via == "call" else SECOND_SIMPLE_API_SINCE
    if config.version_info < since:
        raise ArgumentError(
            f"the server has no /{via} (Gradio {'.'.join(map(str, since[:2]))} and later have it, and it runs "
            f"{config.version or 'an unknown version'}): leave via= away"
        )
    if endpoint.api_name is None:
        raise ArgumentError(f"{endpoint.label} has no name, by which /{via} would know it: leave via= away")
    if via == "call/v2" and endpoint.visibility != "public":
        raise ArgumentError(
            f"{endpoint.label} is undocumented, and /call/v2 knows only what /info lists: use via='call'"
        )
    return via + endpoint.api_name


def call_payload(
    arguments: list[Any] | dict[str, Any],
    *,
    oauth_token: str | None = None,
    encode: Callable[[Any], Any] | None = None,
) -> bytes:
    """The body of ``POST /call/{api_name}`` for a list of arguments, and of ``/call/v2/{api_name}`` for an object.

    ``oauth_token`` and ``encode`` are as for :func:`~gradio_proto.payload.join_payload`.

    Raises:
        ArgumentError: An argument is no JSON.
    """
    body: dict[str, Any] = {"data": arguments} if isinstance(arguments, list) else dict(arguments)
    if oauth_token is not None:
        body["oauth_token"] = oauth_token
    return arguments_as_json(body, encode)


def as_queue_message(event: ServerSentEvent, event_id: str) -> str:
    """The text of the queue's message that an event of the job ``event_id`` amounts to.

    The event's JSON goes into it as it came. Whether it is JSON turns out where the message is parsed.
    """
    id, data = json.dumps(event_id), event.data
    if event.event == "generating":
        output = f'{{"data":{data},"is_generating":true}}'
        return f'{{"msg":"process_generating","event_id":{id},"output":{output},"success":true}}'
    if event.event == "complete":
        return f'{{"msg":"process_completed","event_id":{id},"output":{{"data":{data}}},"success":true}}'
    if event.event == "error":
        if data.startswith('"'):  # the server failed, not the function
            return f'{{"msg":"unexpected_error","event_id":null,"message":{data}}}'
        output = "{}" if data == "null" else data
        return f'{{"msg":"process_completed","event_id":{id},"output":{output},"success":false}}'
    if event.event == "heartbeat":
        return '{"msg":"heartbeat","event_id":null}'
    # Not the bare name: a newer server may use one that means a message of the queue, with other fields.
    return json.dumps({"msg": f"event: {event.event}", "event_id": event_id, "data": data})
