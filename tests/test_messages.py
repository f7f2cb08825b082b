"""Messages: what every generation sends, what none may send, and the errors of apps."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import operations, sockets, streams, versions

from gradio_proto.conformance.strategies.chunkings import chunkings, fixed
from gradio_proto.errors import LimitExceeded, RemoteProtocolError
from gradio_proto.limits import Limits
from gradio_proto.messages import (
    CloseStream,
    Estimation,
    Heartbeat,
    Log,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    ProcessStarts,
    ProcessStreaming,
    Progress,
    ProgressUnit,
    QueueFull,
    SendData,
    SendHash,
    UnexpectedError,
    UnknownMessage,
    message_from_json,
    parse_message,
)
from gradio_proto.sse import ServerSentEvent, SSEDecoder

LIMITS = Limits()
KINDS: tuple[type[Any], ...] = typing.get_args(Message)

FULL_OUTPUT: dict[str, Any] = {
    "data": ["x"],
    "is_generating": False,
    "duration": 0.1,
    "average_duration": 0.1,
    "render_config": None,
    "changed_state_ids": [],
    "used_cache": None,
}

# A wire message of each kind and generation, and what it is.
CASES: list[tuple[dict[str, Any], Message]] = [
    ({"msg": "send_hash"}, SendHash()),
    ({"msg": "send_data"}, SendData()),
    ({"msg": "send_data", "event_id": "e"}, SendData("e")),
    ({"msg": "queue_full"}, QueueFull()),
    (
        {
            "msg": "estimation",
            "rank": 0,
            "queue_size": 1,
            "avg_event_process_time": 0.0,
            "avg_event_concurrent_process_time": None,
            "rank_eta": None,
            "queue_eta": 1.0,
        },
        Estimation(None, 0, 1, None),
    ),
    (
        {"msg": "estimation", "event_id": "e", "rank": 2, "queue_size": 3, "rank_eta": 1.5},
        Estimation("e", 2, 3, 1.5),
    ),
    ({"msg": "estimation", "event_id": "e", "queue_size": 10**30}, Estimation("e", None, 10**30, None)),
    ({"msg": "process_starts"}, ProcessStarts(None, None)),
    ({"msg": "process_starts", "event_id": "e", "eta": 3}, ProcessStarts("e", 3)),
    (
        {
            "msg": "progress",
            "event_id": "e",
            "progress_data": [
                {"index": 1.5, "length": 2, "unit": "steps", "progress": None, "desc": "d"},
                {"index": None, "length": None, "unit": None, "progress": 0.5, "desc": None},
                {},
            ],
        },
        Progress("e", (ProgressUnit(1.5, 2, "steps", None, "d"), ProgressUnit(progress=0.5), ProgressUnit())),
    ),
    ({"msg": "progress", "progress_data": []}, Progress(None, ())),
    ({"msg": "log", "log": "text", "level": "info"}, Log(None, "text", "info", 10.0, True, None)),
    (
        {
            "msg": "log",
            "event_id": "e",
            "log": "",
            "level": "success",
            "duration": None,
            "visible": False,
            "title": "T",
        },
        Log("e", "", "success", None, False, "T"),
    ),
    (
        {"msg": "process_generating", "output": {"data": ["x"], "is_generating": True}, "success": True},
        ProcessGenerating(None, {"data": ["x"], "is_generating": True}, True, None),
    ),
    (
        {
            "msg": "process_generating",
            "event_id": "e",
            "output": FULL_OUTPUT,
            "success": True,
            "time_limit": 3,
        },
        ProcessGenerating("e", FULL_OUTPUT, True, 3),
    ),
    (
        {
            "msg": "process_streaming",
            "event_id": "e",
            "output": FULL_OUTPUT,
            "success": True,
            "time_limit": 2.5,
        },
        ProcessStreaming("e", FULL_OUTPUT, True, 2.5),
    ),
    (
        {"msg": "process_completed", "output": FULL_OUTPUT, "success": True},
        ProcessCompleted(None, FULL_OUTPUT, True),
    ),
    (
        {
            "msg": "process_completed",
            "event_id": "e",
            "output": {"error": None},
            "success": False,
            "title": "Error",
            "used_cache": "full",
            "cache_duration": 10.0,
            "avg_time": 1,
        },
        ProcessCompleted("e", {"error": None}, False, "Error", "full", 10.0, 1),
    ),
    ({"msg": "heartbeat"}, Heartbeat()),
    ({"msg": "heartbeat", "event_id": None}, Heartbeat()),
    ({"msg": "unexpected_error", "success": False, "message": "m"}, UnexpectedError(None, "m", False)),
    (
        {
            "msg": "unexpected_error",
            "event_id": None,
            "message": "m",
            "session_not_found": True,
            "success": False,
        },
        UnexpectedError(None, "m", True),
    ),
    ({"msg": "close_stream", "event_id": None}, CloseStream()),
    (
        {"msg": "new", "event_id": "e", "x": 1},
        UnknownMessage("e", "new", {"msg": "new", "event_id": "e", "x": 1}),
    ),
]


@pytest.mark.parametrize(("wire", "message"), CASES, ids=str)
def test_every_message_of_every_generation(wire: dict[str, Any], message: Message) -> None:
    text = json.dumps(wire)
    assert parse_message(text, LIMITS) == message
    assert message_from_json(json.loads(text), text) == message
    if not isinstance(message, UnknownMessage):
        assert parse_message(json.dumps({**wire, "later": {"x": [1]}}), LIMITS) == message


def test_the_cases_are_complete() -> None:
    assert {type(message) for _, message in CASES} == set(KINDS)


@pytest.mark.parametrize("kind", [*KINDS, ProgressUnit], ids=lambda kind: kind.__name__)
def test_messages_are_frozen_and_small(kind: type[Any]) -> None:
    names = tuple(field.name for field in fields(kind))
    assert kind is ProgressUnit or names[0] == "event_id"
    message: Any = object.__new__(kind)
    with pytest.raises((FrozenInstanceError, TypeError)):
        message.event_id = "other"
    assert not hasattr(message, "__dict__")
    assert message.__slots__ == names


@pytest.mark.parametrize(
    "kind", [ProcessGenerating, ProcessStreaming, ProcessCompleted], ids=lambda kind: kind.__name__
)
@pytest.mark.parametrize(
    ("output", "data", "is_generating"),
    [
        ({"data": [1], "is_generating": True}, [1], True),
        ({"data": [None], "is_generating": None}, [None], False),  # batch functions
        ({"data": [], "is_generating": False}, [], False),
        ({"data": None}, None, False),
        ({}, None, False),
    ],
)
def test_outputs(
    kind: type[Any], output: dict[str, Any], data: list[Any] | None, is_generating: bool
) -> None:
    message = kind("e", output, True)
    assert message.data == data
    assert message.is_generating is is_generating
    if isinstance(message, ProcessCompleted):
        assert message.is_cancellation is (data is None)
        assert not ProcessCompleted("e", output, False).is_cancellation


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ({"msg": "log", "event_id": None, "log": "x", "level": "info"}, Log(None, "x", "info")),
        ({"msg": "progress", "event_id": None, "progress_data": [{}]}, Progress(None, (ProgressUnit(),))),
        ({"msg": "process_generating", "output": {}, "success": True}, ProcessGenerating(None, {})),
        ({"msg": "process_streaming", "output": {}, "success": True}, ProcessStreaming(None, {})),
        ({"msg": "process_completed", "output": {}, "success": True}, ProcessCompleted(None, {}, True)),
        ({"msg": "unexpected_error", "message": "m"}, UnexpectedError(None, "m")),
    ],
    ids=str,
)
def test_what_is_left_out_of_a_message_is_as_if_its_server_had(
    wire: dict[str, Any], message: Message
) -> None:
    assert repr(parse_message(json.dumps(wire), LIMITS)) == repr(message)


# What no server may send

WRONG: list[tuple[str, str]] = [
    ('{"msg": "estimation", "event_id": "e", "rank": 0}', "'queue_size' is missing"),
    (
        '{"msg": "estimation", "event_id": "e", "queue_size": null}',
        "'queue_size' is of type NoneType, not int",
    ),
    ('{"msg": "estimation", "event_id": "e", "queue_size": true}', "'queue_size' is of type bool, not int"),
    ('{"msg": "estimation", "event_id": "e", "queue_size": 1.0}', "'queue_size' is of type float, not int"),
    (
        '{"msg": "estimation", "event_id": "e", "queue_size": 1, "rank": false}',
        "'rank' is of type bool, not int or null",
    ),
    (
        '{"msg": "estimation", "event_id": "e", "queue_size": 1, "rank": "0"}',
        "'rank' is of type str, not int or null",
    ),
    (
        '{"msg": "estimation", "event_id": "e", "queue_size": 1, "rank_eta": "soon"}',
        "'rank_eta' is of type str, not a number or null",
    ),
    (
        '{"msg": "process_starts", "event_id": "e", "eta": true}',
        "'eta' is of type bool, not a number or null",
    ),
    ('{"msg": "progress", "event_id": "e"}', "'progress_data' is missing"),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": {}}',
        "'progress_data' is of type dict, not a list of objects",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [1]}',
        "'progress_data' is of type int, not a list of objects",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [{"index": "1"}]}',
        "'index' is of type str, not a number or null",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [{"desc": 1}]}',
        "'desc' is of type int, not str or null",
    ),
    ('{"msg": "log", "event_id": "e", "level": "info"}', "'log' is missing"),
    ('{"msg": "log", "event_id": "e", "log": "x"}', "'level' is missing"),
    ('{"msg": "log", "event_id": "e", "log": null, "level": "info"}', "'log' is of type NoneType, not str"),
    (
        '{"msg": "log", "event_id": "e", "log": "x", "level": "info", "duration": "1"}',
        "'duration' is of type str, not a number or null",
    ),
    (
        '{"msg": "log", "event_id": "e", "log": "x", "level": "info", "title": 1}',
        "'title' is of type int, not str or null",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [{"length": []}]}',
        "'length' is of type list, not a number or null",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [{"progress": "1"}]}',
        "'progress' is of type str, not a number or null",
    ),
    (
        '{"msg": "progress", "event_id": "e", "progress_data": [{"unit": 1}]}',
        "'unit' is of type int, not str or null",
    ),
    (
        '{"msg": "process_generating", "event_id": "e", "output": {}, "success": true, "time_limit": "1"}',
        "'time_limit' is of type str, not a number or null",
    ),
    (
        '{"msg": "process_completed", "event_id": "e", "output": {}, "success": true, "used_cache": 1}',
        "'used_cache' is of type int, not str or null",
    ),
    (
        '{"msg": "process_completed", "event_id": "e", "output": {}, "success": true, "avg_time": "1"}',
        "'avg_time' is of type str, not a number or null",
    ),
    (
        '{"msg": "unexpected_error", "event_id": "e", "message": "m", "session_not_found": null}',
        "'session_not_found' is of type NoneType, not bool",
    ),
    (
        '{"msg": "log", "event_id": "e", "log": "x", "level": "info", "visible": null}',
        "'visible' is of type NoneType, not bool",
    ),
    ('{"msg": "process_generating", "event_id": "e", "success": true}', "'output' is missing"),
    (
        '{"msg": "process_generating", "event_id": "e", "output": [], "success": true}',
        "'output' is of type list, not an object",
    ),
    ('{"msg": "process_generating", "event_id": "e", "output": {}}', "'success' is missing"),
    (
        '{"msg": "process_streaming", "event_id": "e", "output": {}, "success": 1}',
        "'success' is of type int, not bool",
    ),
    (
        '{"msg": "process_completed", "event_id": "e", "output": {"data": {}}, "success": true}',
        "'output.data' is of type dict, not a list or null",
    ),
    (
        '{"msg": "process_completed", "event_id": "e", "output": {}, "success": true, "title": 1}',
        "'title' is of type int, not str or null",
    ),
    (
        '{"msg": "process_generating", "event_id": "e", "output": {"render_config": 1}, "success": true}',
        "'output.render_config' is of type int, not an object or null",
    ),
    ('{"msg": "unexpected_error", "event_id": "e"}', "'message' is missing"),
    ('{"msg": "unexpected_error", "event_id": "e", "message": 1}', "'message' is of type int, not str"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_a_wrong_field_is_named_with_its_message_and_job(text: str, complaint: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(text, LIMITS)
    kind = json.loads(text)["msg"]
    assert complaint in caught.value.args[0]
    assert f"of a {kind!r} message" in caught.value.args[0]
    assert caught.value.data == text[:200]
    assert caught.value.event_id == "e"


@pytest.mark.parametrize(
    ("event_id", "found"), [("1", "int"), ("true", "bool"), ("[]", "list"), ("{}", "dict")]
)
@pytest.mark.parametrize("kind", ["process_completed", "heartbeat", "new"])
def test_an_event_id_is_a_string(kind: str, event_id: str, found: str) -> None:
    text = f'{{"msg": "{kind}", "event_id": {event_id}, "output": {{}}, "success": true}}'
    with pytest.raises(
        RemoteProtocolError, match=f"'event_id' is of type {found}, not str or null"
    ) as caught:
        parse_message(text, LIMITS)
    assert caught.value.event_id is None


@pytest.mark.parametrize("text", ["1", "null", '"msg"', "[]", '["msg"]', "{}", '{"msg": []}', '{"msg": {}}'])
def test_what_is_no_message_at_all(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match='not an object with a string "msg"') as caught:
        parse_message(text, LIMITS)
    assert caught.value.data == text


@pytest.mark.parametrize("text", ['{"msg": null}', '{"msg": 1}', '{"msg": true, "event_id": "e"}'])
def test_a_kind_that_is_no_string(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="'msg' is of type"):
        parse_message(text, LIMITS)


@pytest.mark.parametrize(
    "text", ["", "ALIVE", '{"msg": "heartbeat"', '{"msg": "heartbeat"} x', '{"x": ' + "9" * 5000 + "}"]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a message is not valid JSON"):
        parse_message(text, LIMITS)


def test_depth_is_bounded() -> None:
    deep = '{"msg": "x", "y": ' + "[" * 600 + "]" * 600 + "}"
    with pytest.raises(LimitExceeded, match="json_depth"):
        parse_message(deep, LIMITS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def conforms(value: Any, hint: Any) -> bool:
    """Whether a field's value is of the type that its annotation promises; true is no int."""
    kinds = {typing.get_origin(kind) or kind for kind in (typing.get_args(hint) or (hint,))}
    if typing.get_origin(hint) in (tuple, Mapping):
        kinds = {typing.get_origin(hint)}
    if float in kinds:
        kinds.add(int)
    return type(value) in kinds or (isinstance(value, dict) and Mapping in kinds)


@given(st.sampled_from([wire for wire, _ in CASES]), st.data())
@settings(max_examples=500)
def test_any_field_of_any_value_is_a_message_or_a_remote_error(
    wire: dict[str, Any], data: st.DataObject
) -> None:
    wire = dict(wire)
    names = [name for name in (*wire, "title", "event_id", "output", "data") if name != "msg"]
    for name in data.draw(st.lists(st.sampled_from(names), max_size=3)):
        if data.draw(st.booleans()):
            wire.pop(name, None)
        else:
            wire[name] = data.draw(json_values)
    text = json.dumps(wire)
    try:
        message = parse_message(text, LIMITS)
    except RemoteProtocolError as error:
        event_id = wire.get("event_id")
        assert error.event_id == (event_id if isinstance(event_id, str) else None)  # noqa: PT017
        return
    assert isinstance(message, KINDS)
    assert message.event_id == wire.get("event_id")
    hints = typing.get_type_hints(type(message))
    for field in fields(message):
        assert conforms(getattr(message, field.name), hints[field.name])


@given(st.text(max_size=50) | json_values.map(json.dumps))
def test_any_text_is_a_message_or_a_remote_error(text: str) -> None:
    try:
        message = parse_message(text, LIMITS)
    except RemoteProtocolError:
        return
    assert isinstance(message, KINDS)


# Recorded streams


def messages_of(pieces: list[bytes]) -> list[Message]:
    decoder = SSEDecoder(LIMITS)
    messages: list[Message] = []
    for piece in pieces:
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            messages.append(parse_message(event.data, LIMITS))
    return messages


QUEUE_STREAMS = {
    version: [
        stream
        for operation in operations(version)
        for stream in streams(version, operation)
        if "/queue/data?" in stream.target or "/queue/join?" in stream.target
    ]
    for version in versions()
}
"""The streams of messages. The others that servers have speak in other ways: ``/heartbeat`` says ``ALIVE``,
``/call`` has types of events, and ``/upload_progress`` has messages of its own (``update``, ``done``)."""


@pytest.mark.parametrize("version", [version for version in versions() if version < "4"])
def test_recorded_messages_of_sockets_are_all_known(version: str) -> None:
    seen: set[type[Any]] = set()
    for operation in operations(version):
        for texts in sockets(version, operation):
            assert isinstance(parse_message(texts[0], LIMITS), SendHash)
            seen.update(type(parse_message(text, LIMITS)) for text in texts)
    assert seen == {
        SendHash, Estimation, SendData, QueueFull, ProcessStarts, Progress, Log, ProcessGenerating, ProcessCompleted,
    }  # fmt: skip


@pytest.mark.parametrize("version", [version for version in versions() if version >= "4"])
def test_recorded_messages_are_all_known(version: str) -> None:
    seen: set[type[Any]] = set()
    for stream in QUEUE_STREAMS[version]:
        messages = messages_of(stream.pieces)
        # One HTTP chunk is one event on these servers: nothing is lost.
        assert len(messages) == len(stream.pieces)
        seen.update(map(type, messages))
        if len(stream.data) < 1000:
            assert messages == messages_of([stream.data]) == messages_of(fixed(stream.data, 1))
    common = {
        Estimation,
        ProcessStarts,
        Progress,
        Log,
        ProcessGenerating,
        ProcessCompleted,
        Heartbeat,
    }
    common |= {SendData, QueueFull} if version == "4.0.2" else {UnexpectedError}
    v3 = {CloseStream} if version >= "4.22" else set[type[Any]]()
    streaming_input = {ProcessStreaming} if version >= "5" else set[type[Any]]()
    assert seen == common | v3 | streaming_input


@pytest.mark.parametrize("version", [version for version in versions() if version >= "4"])
@given(st.data())
@settings(max_examples=25)
def test_recorded_messages_however_they_are_split(version: str, data: st.DataObject) -> None:
    stream = data.draw(
        st.sampled_from([stream for stream in QUEUE_STREAMS[version] if len(stream.data) < 4000])
    )
    assert messages_of(data.draw(chunkings(stream.data))) == messages_of(stream.pieces)


@pytest.mark.parametrize("version", versions())
def test_recorded_cancellations(version: str) -> None:
    """Only servers with ``POST /cancel`` (4.31 and later) say that a job was cancelled."""
    cancelled = [
        message.output
        for stream in streams(version, "cancel_running")
        for message in messages_of(stream.pieces)
        if isinstance(message, ProcessCompleted) and message.is_cancellation
    ]
    assert cancelled == ([{}] * len(cancelled) if version > "4.31" else [])
    assert bool(cancelled) is (version > "4.31")
