"""The bodies of joins and cancellations."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.errors import ArgumentError
from gradio_proto.payload import (
    cancel_payload,
    cancelling_event_payload,
    chunk_payload,
    component_server_payload,
    hash_message,
    in_session,
    join_payload,
    reset_payload,
    with_event_id,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(data=st.lists(JSON, max_size=4), event_data=JSON, trigger_id=st.none() | st.integers())
def test_a_join_carries_its_arguments_unchanged(
    data: list[object], event_data: object, trigger_id: int | None
) -> None:
    body = join_payload(fn_index=3, data=data, session_hash="s", event_data=event_data, trigger_id=trigger_id)
    assert json.loads(body) == {
        "data": data,
        "event_data": event_data,
        "fn_index": 3,
        "session_hash": "s",
        "trigger_id": trigger_id,
    }


def test_a_join_without_an_event_sends_nulls() -> None:
    assert join_payload(fn_index=0, data=["é", "\ud800"], session_hash="s") == (
        b'{"data":["\\u00e9","\\ud800"],"event_data":null,"fn_index":0,"session_hash":"s","trigger_id":null}'
    )


def test_a_join_carries_a_token_only_where_there_is_one() -> None:
    body = join_payload(fn_index=0, data=[], session_hash="s", oauth_token="hf_x")
    assert json.loads(body)["oauth_token"] == "hf_x"
    assert b"oauth_token" not in join_payload(fn_index=0, data=[], session_hash="s")


def test_a_join_is_compact_utf_8() -> None:
    assert '"data":["é",{"a":1}]'.encode() in join_payload(fn_index=0, data=["é", {"a": 1}], session_hash="s")


def circular() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def deep() -> list[object]:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", {(1, 2): 3}, circular(), deep()],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_is_no_json_is_the_callers_mistake(value: object) -> None:
    with pytest.raises(ArgumentError, match="cannot be sent as JSON") as caught:
        join_payload(fn_index=0, data=[value], session_hash="s")
    assert isinstance(caught.value, ValueError)


def test_what_is_no_json_may_be_encoded() -> None:
    assert json.loads(join_payload(fn_index=0, data=[1j], session_hash="s", encode=str))["data"] == ["1j"]
    assert json.loads(chunk_payload(fn_index=0, data=[1j], session_hash="s", encode=str))["data"] == ["1j"]


def test_an_event_that_cancels_is_called_without_data() -> None:
    payload = cancelling_event_payload(fn_index=3, session_hash="s")
    assert json.loads(payload) == {"data": [], "fn_index": 3, "session_hash": "s"}


def test_a_chunk_of_a_streamed_input() -> None:
    payload = chunk_payload(fn_index=3, data=["x", None], session_hash="s")
    assert json.loads(payload) == {"data": ["x", None], "fn_index": 3, "session_hash": "s"}


def test_a_call_of_a_components_own_function() -> None:
    payload = component_server_payload(component_id=7, fn_name="ls", data=["/"], session_hash="s")
    assert json.loads(payload) == {
        "component_id": 7,
        "data": ["/"],
        "fn_name": "ls",
        "session_hash": "s",
    }


def test_a_cancellation_names_all_three() -> None:
    assert json.loads(cancel_payload(fn_index=2, session_hash="s", event_id="e")) == {
        "event_id": "e",
        "fn_index": 2,
        "session_hash": "s",
    }


@given(data=st.lists(JSON, max_size=3), event_id=st.text(max_size=8))
def test_inputs_that_name_their_event(data: list[object], event_id: str) -> None:
    body = join_payload(fn_index=3, data=data, session_hash="s")
    assert json.loads(with_event_id(body, event_id)) == {**json.loads(body), "event_id": event_id}


NAMED = st.dictionaries(st.sampled_from(["session_hash", '"session_hash":"s"']), st.sampled_from(["s", "t"]))


@given(data=st.lists(JSON | NAMED, max_size=3), event_data=NAMED, token=st.none() | st.text(max_size=8))
def test_the_same_inputs_in_another_session(
    data: list[object], event_data: object, token: str | None
) -> None:
    # A call's own values may say the same; they stay as they are.
    def body(session_hash: str) -> bytes:
        return join_payload(
            fn_index=3, data=data, session_hash=session_hash, event_data=event_data, oauth_token=token
        )

    assert in_session(body("s"), "s", "t") == body("t")


@given(session_hash=st.text(max_size=8))
def test_what_send_hash_is_answered(session_hash: str) -> None:
    text = hash_message(fn_index=2, session_hash=session_hash)
    assert json.loads(text) == {"fn_index": 2, "session_hash": session_hash}


def test_a_reset() -> None:
    assert json.loads(reset_payload(event_id="e")) == {"event_id": "e"}
