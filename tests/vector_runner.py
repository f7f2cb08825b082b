"""Runs the vectors of spec/vectors on the library's own core: one function for each topic, which asserts."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest
from scripted import ScriptedServer, World, http, make_state
from vector_jobs import Account, run_jobs
from vector_requests import run_direct, run_requests

from gradio_proto.config import AppConfig, check_protocol, extract_config_from_html, parse_config
from gradio_proto.conformance.strategies.chunkings import fixed
from gradio_proto.diff import OutputState
from gradio_proto.endpoints import App
from gradio_proto.errors import (
    AuthenticationError,
    GradioError,
    HTTPStatusError,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    UnsupportedProtocol,
    ValidationError,
)
from gradio_proto.filenames import safe_file_name
from gradio_proto.files import file_outputs_in
from gradio_proto.flows.connect import log_in
from gradio_proto.http import Response, ResponseHead
from gradio_proto.jsontext import loads
from gradio_proto.limits import Limits
from gradio_proto.messages import Message, UnknownMessage, parse_message
from gradio_proto.replies import reply_error
from gradio_proto.sse import ServerSentEvent, SSEDecoder
from gradio_proto.urls import parse_app_url, target

FOLDER: Final = Path(__file__).parents[1] / "spec" / "vectors"

LIMITS: Final = Limits()

Vector = dict[str, Any]


@functools.cache
def read(topic: str) -> dict[str, Any]:
    """The file of a topic."""
    content: dict[str, Any] = json.loads((FOLDER / f"{topic}.json").read_text("utf-8"))
    return content


# sse.json


def run_sse(vector: Vector) -> None:
    pieces = [_bytes(piece) for piece in vector["input"]["pieces"]]
    whole = b"".join(pieces)
    for cut in (pieces, [whole], fixed(whole, 1), fixed(whole, 7)):
        events = [
            {"data": event.data, "event": event.event, "id": event.id, "retry": event.retry}
            for event in _events(cut)
        ]
        assert events == vector["expect"]["events"]


def _bytes(piece: Any) -> bytes:
    return piece.encode("utf-8") if isinstance(piece, str) else base64.b64decode(piece["base64"])


def _events(pieces: Iterable[bytes]) -> list[ServerSentEvent]:
    decoder = SSEDecoder(LIMITS)
    events: list[ServerSentEvent] = []
    for piece in [*filter(None, pieces), b""]:
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            events.append(event)
    return events


# messages.json


def run_messages(vector: Vector) -> None:
    text, expect = vector["input"]["text"], vector["expect"]
    if "error" in expect:
        with pytest.raises(RemoteProtocolError) as caught:
            parse_message(text, LIMITS)
        assert caught.value.event_id == expect["event_id"]
    else:
        assert says(parse_message(text, LIMITS), expect["message"]) == expect["message"]


def kind_of(message: Message) -> str:
    """The ``msg`` of a parsed message."""
    if isinstance(message, UnknownMessage):
        return message.msg
    name = type(message).__name__
    return "".join("_" * (index > 0 and char.isupper()) + char.lower() for index, char in enumerate(name))


def says(message: Message, expected: dict[str, Any]) -> dict[str, Any]:
    """Those fields of a parsed message that a vector has."""
    found: dict[str, Any] = {"msg": kind_of(message)}
    if isinstance(message, UnknownMessage):
        found["unknown"] = True
    for name in expected.keys() - found.keys():
        value = getattr(message, name)
        if name == "progress_data":
            value = [{field: getattr(unit, field) for field in type(unit).__slots__} for unit in value]
        found[name] = value
    return found


# diffs.json


def run_diffs(vector: Vector) -> None:
    outputs = OutputState(LIMITS)
    outputs.replace([vector["input"]["value"]])
    seen = []
    for edits in vector["input"]["diffs"]:
        is_whole = outputs.apply([edits])
        seen.append({"value": outputs.snapshot()[0], "broken": not is_whole})
    assert seen == vector["expect"]["outputs"]


# config.json


def run_config(vector: Vector) -> None:
    expect = vector["expect"]
    if "error" in expect:
        error = UnsupportedProtocol if expect["error"] == "unsupported_protocol" else RemoteProtocolError
        with pytest.raises(RemoteProtocolError) as caught:
            check_protocol(_config(vector["input"]))
        assert type(caught.value) is error
        return
    config = _config(vector["input"])
    for name, value in expect.get("app", {}).items():
        found: Any = list(config.version_info) if name == "version" else getattr(config, name)
        assert found == value, name
    functions = expect.get("functions", [])
    if functions:
        assert len(functions) == len(config.dependencies)
    for dependency, function in zip(config.dependencies, functions, strict=bool(functions)):
        for name, value in function.items():
            found = getattr(dependency, name)
            assert (list(found) if name == "cancels" else found) == value, (function, name)


def _config(given: dict[str, Any]) -> AppConfig:
    if "config" in given:
        return parse_config(given["config"])
    text = extract_config_from_html(given["html"])
    if text is None:
        raise RemoteProtocolError("the page embeds no config")  # as connect() says, of what it asked for
    return parse_config(loads(text, LIMITS))


# errors.json

ERRORS: Final[dict[str, type[GradioError]]] = {
    "authentication": AuthenticationError,
    "validation": ValidationError,
    "queue_full": QueueError,
    "queue_stopped": QueueError,
    "too_many_requests": TooManyRequestsError,
    "http_status": HTTPStatusError,
}


def run_errors(vector: Vector) -> None:
    given, expect = vector["input"], vector["expect"]
    head = ResponseHead(given["status"], "", tuple(given["headers"].items()))
    if given["request"] == "POST /login":
        error = _login_error(given)
    else:
        error = reply_error(Response(head, given["body"].encode("utf-8")), LIMITS, given["request"])
    assert type(error) is ERRORS[expect["kind"]]
    assert error.retryable is expect["retryable"]
    if "retry_after" in expect:
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after == expect["retry_after"]
    for text in expect.get("says", []):
        assert text in str(error)
    for text in expect.get("says_not", []):
        assert text not in str(error)


def _login_error(given: dict[str, Any]) -> GradioError:
    reply = http(
        given["status"], given["body"].encode("utf-8"), content_type=given["headers"]["content-type"]
    )
    world = World(ScriptedServer(lambda _: [reply]), make_state())
    with pytest.raises(GradioError) as caught:
        world.run(log_in(world.state, "user", "password"))
    return caught.value


# files.json


def run_files(vector: Vector) -> None:
    given, expect = vector["input"], vector["expect"]
    if "safe" in expect:
        assert safe_file_name(given["name"]) == expect["safe"]
        return
    version = given["version"]
    config = parse_config(
        {
            "version": version,
            "protocol": None if version.startswith("3") else "sse_v3",
            "api_prefix": "/gradio_api" if version[0] in "56" else "",
            "components": [{"id": 1, "props": {}, **given["component"]}],
            "dependencies": [{"api_name": "f", "inputs": [], "outputs": [1]}],
        }
    )
    value = App(config).resolve("/f").unbind_outputs([given["value"]], fetch=True)
    base_path = parse_app_url(given["url"]).base_path
    files = []
    for file in file_outputs_in(value):
        if file.content is not None:
            files.append({"base64": file.content, "name": file.name})
        else:
            place = target(base_path, config.api_prefix, file.route, file.query)
            assert place.isascii()
            assert " " not in place
            files.append({"target": unquote(place), "name": file.name})
    assert files == [
        {key: unquote(text) if key == "target" else text for key, text in file.items()}
        for file in expect["files"]
    ]


ACCOUNT: Final = Account()
"""Of the jobs' vectors that have been run."""

RUN: Final[dict[str, Callable[[Vector], None]]] = {
    "sse": run_sse,
    "messages": run_messages,
    "diffs": run_diffs,
    "config": run_config,
    "errors": run_errors,
    "jobs": lambda vector: run_jobs(vector, ACCOUNT),
    "direct": run_direct,
    "files": run_files,
    "requests": lambda vector: run_requests(vector, read("requests")["apps"]),
}


@functools.cache
def failures(name: str) -> tuple[str, ...]:
    """Run every vector of a file, once; what failed."""
    content = read(name)
    found: list[str] = []
    for vector in content["vectors"]:
        try:
            RUN[content["topic"]](vector)
        except (Exception, pytest.fail.Exception) as error:
            found.append(f"{vector['id']}: {error!r}"[:600])
    return tuple(found)
