"""What the simple API says, in the words of the queue: routes, payloads, events."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import streams
from scripted import an_app

from gradio_proto.api_info import parse_api_info
from gradio_proto.app_errors import HIDDEN_MESSAGE, LOST_MESSAGE, app_error
from gradio_proto.config import parse_config
from gradio_proto.endpoints import App
from gradio_proto.errors import ArgumentError, LimitExceeded, RemoteProtocolError
from gradio_proto.limits import Limits
from gradio_proto.messages import (
    Heartbeat,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    UnexpectedError,
    UnknownMessage,
    parse_message,
)
from gradio_proto.sentinels import END
from gradio_proto.simple_api import as_queue_message, call_payload, check_via, simple_route
from gradio_proto.sse import ServerSentEvent, SSEDecoder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


def message(event: str, data: str, event_id: str = "e1") -> Message:
    return parse_message(as_queue_message(ServerSentEvent(data, event), event_id), Limits())


def app_of(version: str) -> App:
    served = an_app()

    @served.endpoint("/hidden", api_visibility="undocumented")
    def hidden(text: str) -> str:
        return text

    config = {**served.config("http://app"), "version": version}
    return App(parse_config(config), parse_api_info(served.info(all_endpoints=True)))


# Events.


@given(values=st.lists(JSON), event_id=st.text(max_size=5))
def test_values(values: list[Any], event_id: str) -> None:
    text = json.dumps(values)
    assert message("generating", text, event_id) == ProcessGenerating(
        event_id, {"data": values, "is_generating": True}
    )
    assert message("complete", text, event_id) == ProcessCompleted(event_id, {"data": values}, True)


def test_a_completion_without_values_is_a_cancellation() -> None:
    completed = message("complete", "null")
    assert isinstance(completed, ProcessCompleted)
    assert completed.is_cancellation


def test_an_error_that_says_something() -> None:
    said = {"error": "bad thing: x", "duration": 3, "visible": False, "title": "Oh"}
    failed = message("error", json.dumps(said))
    assert failed == ProcessCompleted("e1", said, False)
    assert isinstance(failed, ProcessCompleted)
    error = app_error(failed, (6, 31, 0))
    assert (error.message, error.duration, error.visible, error.title, error.hidden) == (
        *said.values(),
        False,
    )


@pytest.mark.parametrize(
    ("data", "text"), [("null", LOST_MESSAGE), ("{}", LOST_MESSAGE), ('{"error": null}', HIDDEN_MESSAGE)]
)
def test_an_error_that_says_nothing(data: str, text: str) -> None:
    failed = message("error", data)
    assert isinstance(failed, ProcessCompleted)
    error = app_error(failed, (5, 49, 1))
    assert (error.message, error.hidden, dict(error.extra)) == (text, True, {})


@pytest.mark.parametrize("text", ["404: Session not found.", 'a "quoted" é', ""])
def test_an_error_of_the_server(text: str) -> None:
    assert message("error", json.dumps(text)) == UnexpectedError(None, text)


def test_a_heartbeat() -> None:
    assert message("heartbeat", "null") == Heartbeat(None)


@pytest.mark.parametrize("name", ["progress", "message", "process_completed", 'x"}'])
def test_events_that_nobody_knows(name: str) -> None:
    unknown = message(name, "{...")
    assert isinstance(unknown, UnknownMessage)
    assert (unknown.event_id, unknown.msg, unknown.fields["data"]) == ("e1", f"event: {name}", "{...")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("generating", ""),
        ("generating", "[1"),
        ("generating", '{"a": 1}'),
        ("complete", "oops"),
        ("complete", '"x"'),
        ("error", "[1]"),
        ("error", "7"),
        ("error", '"open'),
        ("error", ""),
    ],
)
def test_what_is_no_answer(event: str, data: str) -> None:
    with pytest.raises(RemoteProtocolError):
        message(event, data)


def test_too_deep() -> None:
    with pytest.raises(LimitExceeded):
        message("complete", "[" * 5000 + "]" * 5000)


@given(event=st.sampled_from(["generating", "complete", "error", "heartbeat", "x"]), data=st.text())
def test_whatever_a_server_says_is_a_message_or_its_mistake(event: str, data: str) -> None:
    try:
        message(event, data)
    except RemoteProtocolError:
        pass


@pytest.mark.parametrize("version", ["4.21.0", "4.44.1", "5.49.1", "6.31.0"])
def test_recorded_events(version: str) -> None:
    kinds: set[type[Message]] = set()
    for stream in streams(version, "call"):
        decoder = SSEDecoder(Limits())
        decoder.receive_data(stream.data)
        decoder.receive_data(b"")
        while (event := decoder.next_event()) is not END:
            assert isinstance(event, ServerSentEvent)
            kinds.add(type(message(event.event, event.data)))
    assert (
        {ProcessGenerating, ProcessCompleted}
        <= kinds
        <= {ProcessGenerating, ProcessCompleted, UnexpectedError}
    )


# Payloads.


def test_payloads() -> None:
    assert json.loads(call_payload([1, None])) == {"data": [1, None]}
    named = {"data": 1, "x": [2]}
    assert json.loads(call_payload(named)) == named
    assert json.loads(call_payload(["x"], oauth_token="t")) == {"data": ["x"], "oauth_token": "t"}
    assert json.loads(call_payload(named, oauth_token="t")) == {**named, "oauth_token": "t"}
    assert named == {"data": 1, "x": [2]}


def test_what_cannot_be_sent() -> None:
    with pytest.raises(ArgumentError, match="cannot be sent as JSON"):
        call_payload([object()])
    assert json.loads(call_payload({"x": b"file"}, encode=lambda value: value.decode())) == {"x": "file"}


# Routes.


def test_the_ways() -> None:
    for via in ("queue", "call", "call/v2"):
        check_via(via)
    for odd in ("", "call/", "v2", None, 2, ["call"]):
        with pytest.raises(ArgumentError, match="'queue', 'call', 'call/v2'"):
            check_via(odd)


def test_routes() -> None:
    app = app_of("6.31.0")
    assert simple_route(app.config, app.resolve("/echo"), "call") == "call/echo"
    assert simple_route(app.config, app.resolve("/echo"), "call/v2") == "call/v2/echo"
    assert simple_route(app.config, app.resolve("/hidden"), "call") == "call/hidden"
    with pytest.raises(ArgumentError, match="via='call'"):
        simple_route(app.config, app.resolve("/hidden"), "call/v2")


@pytest.mark.parametrize(
    ("version", "works"),
    [
        ("4.13.0", ()),
        ("4.19.1", ()),
        ("4.21.0", ("call",)),
        ("5.49.1", ("call",)),
        ("6.12.0", ("call",)),
        ("6.13.0", ("call", "call/v2")),
    ],
)
def test_servers_that_have_them(version: str, works: tuple[str, ...]) -> None:
    app = app_of(version)
    for via in ("call", "call/v2"):
        if via in works:
            simple_route(app.config, app.resolve("/echo"), via)  # type: ignore[arg-type]
        else:
            with pytest.raises(ArgumentError, match=f"/{via} .*{version}.*leave via= away"):
                simple_route(app.config, app.resolve("/echo"), via)  # type: ignore[arg-type]


def test_a_function_without_a_name() -> None:
    app = app_of("6.31.0")
    nameless = dataclasses.replace(app.resolve("/echo"), api_name=None)
    with pytest.raises(ArgumentError, match=r"fn_index \d has no name"):
        simple_route(app.config, nameless, "call")


# Named arguments.


def test_arguments_by_name() -> None:
    served = an_app()

    @served.endpoint("/calc", inputs=["number", "state", "textbox"])
    def calc(a: float, kept: Any, unit: str = "kg") -> str:
        return f"{a}{unit}"

    app = App(parse_config(served.config("http://app")), parse_api_info(served.info(all_endpoints=True)))
    calc_ = app.resolve("/calc")
    assert calc_.bind([1], {}) == [1, None, "kg"]
    assert calc_.bind_named([1], {}) == {"a": 1, "unit": "kg"}
    assert calc_.bind_named([], {"unit": "g", "a": 2}) == {"a": 2, "unit": "g"}
    with pytest.raises(TypeError, match="unexpected keyword"):
        calc_.bind_named([1], {"kept": 1})
    with pytest.raises(TypeError, match="missing"):
        calc_.bind_named([], {})


def test_arguments_that_have_no_names() -> None:
    app = App(parse_config(an_app().config("http://app")))
    with pytest.raises(ArgumentError, match="/echo cannot be called by name"):
        app.resolve("/echo").bind_named(["x"], {})
