"""JSON of a peer: the standard library's answers, and nothing but our errors."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto import jsontext
from gradio_proto.errors import LimitExceeded, RemoteProtocolError
from gradio_proto.jsontext import bytes_in_memory, dumps, loads
from gradio_proto.limits import Limits

LIMITS = Limits()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
spaces = st.text(" \t\r\n", max_size=3)


@given(json_values, spaces, spaces, st.booleans())
def test_loads_is_the_inverse_of_every_way_to_dump(
    value: Any, before: str, after: str, ascii_only: bool
) -> None:
    assert loads(before + json.dumps(value, ensure_ascii=ascii_only) + after, LIMITS) == value


@given(json_values)
def test_dumps_is_compact_utf8(value: Any) -> None:
    data = dumps(value)
    assert json.loads(data) == value
    assert len(data) <= len(json.dumps(value))


@given(st.text(max_size=20) | st.text('[]{}",:\\ 1truefalsn-.eE+u', max_size=30))
def test_any_text_gives_what_json_gives_or_our_error(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(RemoteProtocolError, match="answer is not valid JSON") as caught:
            loads(text, LIMITS, "answer")
        assert caught.value.data == text[:200]
    else:
        result = loads(text, LIMITS)
        assert repr(result) == repr(expected)  # repr: NaN is not equal to itself


@pytest.mark.parametrize("text", ["", " ", "{", "<html>", "[1] x", "\ufeff1", '"\n"', "9" * 5000, "[" * 400])
def test_no_json(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="/config is not valid JSON") as caught:
        loads(text, LIMITS, "/config")
    assert not isinstance(caught.value, LimitExceeded)
    assert caught.value.data == text[:200]
    with pytest.raises(RemoteProtocolError, match=r"^JSON is not valid JSON"):
        loads(text, LIMITS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan),
        ("-Infinity", -math.inf),
        ("1e999", math.inf),
        ('"\\ud800"', "\ud800"),
        ("16538474280455143519", 16538474280455143519),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('"\u2028\u2029\u0085"', "\u2028\u2029\u0085"),
    ],
)
def test_what_servers_and_python_agree_to_accept(text: str, value: Any) -> None:
    assert repr(loads(text, LIMITS)) == repr(value)


# Depth

SHALLOW = Limits(json_depth=3)


@pytest.mark.parametrize(
    "text",
    [
        "[[[]]]",
        '{"a":{"b":{}}}',
        '[[["deep [[[[[[ and \\" [[[ \\\\"]]]',
        '["[","[","[","[","[","[","{"]',
        '[["\\\\\\"[[[[[[[["]]',
        "[[],[],[],[],[[]],[[],[]]]",
        '{"[[[[":1,"{{{{":2}',
    ],
)
def test_values_within_the_depth(text: str) -> None:
    assert loads(text, SHALLOW) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "[[[[",
        "[[[[]]]]",
        '{"a":[{"b":[1]}]}',
        '[[["x\\\\",[1]]]]',
        '[[],[[["]"],[[]]]]]',
        "[" * 10**6,
        '{"a":' * 10**5,
    ],
)
def test_values_beyond_the_depth(text: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        loads(text, SHALLOW)
    assert (caught.value.name, caught.value.limit) == ("json_depth", 3)


def test_the_parsers_own_recursion_is_mapped() -> None:
    with pytest.raises(RemoteProtocolError, match="not valid JSON"):
        loads("[" * 200_000 + "]" * 200_000, Limits(json_depth=10**6))


@given(st.integers(0, 6), st.text('[]{}"\\', max_size=8))
def test_the_depth_is_that_of_the_value(depth: int, text: str) -> None:
    value: Any = [text, {text: text}]
    for _ in range(depth):
        value = [text, value]
    serialised = json.dumps(value)
    if depth + 2 <= SHALLOW.json_depth:
        assert loads(serialised, SHALLOW) == value
    else:
        with pytest.raises(LimitExceeded):
            loads(serialised, SHALLOW)


@pytest.mark.parametrize("unit", ["[", '"[', '\\"[', "\\\\[", "[]", '{"":'])
def test_time_is_linear(unit: str) -> None:
    def seconds(length: int) -> float:
        text = '"' + unit * (length // len(unit))
        start = time.process_time()
        with pytest.raises(RemoteProtocolError):
            loads(text, LIMITS)
        return time.process_time() - start

    assert min(seconds(400_000) for _ in range(3)) < 9 * min(seconds(100_000) for _ in range(3)) + 0.02


# Dumping


def test_lone_surrogates_are_escaped() -> None:
    assert dumps("é\ud800") == b'"\\u00e9\\ud800"'
    assert dumps({"é": "😀"}) == '{"é":"😀"}'.encode()


def test_what_json_does_not_know_is_written_as_its_encoder_says() -> None:
    assert dumps([1j, "é"], encode=str) == '["1j","é"]'.encode()
    assert dumps({"a": 1j, "b": "\ud800"}, encode=str) == b'{"a":"1j","b":"\\ud800"}'
    assert dumps([1j], encode=lambda value: [value.real, "\ud800"]) == b'[[0.0,"\\ud800"]]'


def test_what_cannot_be_dumped() -> None:
    with pytest.raises(TypeError):
        dumps({"a": {1, 2}})
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="Circular"):
        dumps(loop)


# Values

FEW = Limits(json_values=12)


@pytest.mark.parametrize(
    "text",
    [
        "[1,2,3,4,5,6,7,8,9,10,11,12]",
        '"' + ",[{:" * 9 + '"',
        '{"a":{"b":0}}',
        '["\\",,[,[,[,{{{"]',
        "[[],[],[],[]]",
    ],
)
def test_a_text_with_as_many_values_as_may_be(text: str) -> None:
    assert loads(text, FEW) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "[1,2,3,4,5,6,7,8,9,10,11,12,13]",
        '{"a":{"b":{"c":0}},"d":0}',
        "[[],[],[],[],[],[],[]]",
        '["\\\\",{},{},{}]',
        "[" + '"' + "\\" * 2**16 + '",{},{},{}]',
        "[" + '"' + "x" * (2**16 - 4) + '\\\\",{},{},{}]',
    ],
)
def test_a_text_with_too_many_values(text: str) -> None:
    json.loads(text)
    with pytest.raises(LimitExceeded) as caught:
        loads(text, FEW)
    assert (caught.value.name, caught.value.limit) == ("json_values", 12)


@given(st.text('[]{},:"\\x', max_size=40), st.integers(1, 9))
def test_what_is_outside_of_strings_does_not_depend_on_windows(text: str, window: int) -> None:
    def outside(size: int) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jsontext, "_WINDOW", size)
            return "".join(jsontext._outside_of_strings(text))

    assert outside(2 * window) == outside(64 * 1024)


@pytest.mark.parametrize(
    "text",
    [
        f'"{"x" * 10_000}"',
        f"[{'[],' * 1000}0]",
        f"[{'{},' * 1000}0]",
        f"[{'0.125,' * 1000}0]",
        f'"{"x" * 10_000}\U0001f600"',
        f'"{",:{" * 10_000}"',
        json.dumps([{"a": 1, "b": [str(number)]} for number in range(1000)]),
        json.dumps({str(number): {} for number in range(1000)}),
    ],
    ids=["text", "lists", "objects", "numbers", "wide", "marks", "records", "members"],
)
def test_what_a_value_takes_in_memory_is_about_what_is_counted(text: str) -> None:
    tracemalloc.start()
    try:
        value = loads(text, Limits())
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value
    assert taken / 2 < bytes_in_memory(text) < 4 * taken
