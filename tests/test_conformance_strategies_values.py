"""The strategies for values: JSON, changes of it, the diffs between them, and what fits a schema."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gradio_proto.api_info import python_type_of
from gradio_proto.conformance.strategies import (
    DiffForm,
    FileToSend,
    diffs,
    schema_values,
    schemas,
    value_changes,
    value_sequences,
    values,
)
from gradio_proto.conformance.strategies.diffs import FORMS, edits
from gradio_proto.conformance.strategies.schema_values import numbers
from gradio_proto.diff import OutputState
from gradio_proto.files import replace_in
from gradio_proto.limits import Limits
from gradio_proto.testing.diffing import diff

MANY = settings(max_examples=5_000, database=None, derandomize=True, phases=[Phase.generate])
"""To see that something is drawn at all."""


FIRST = settings(max_examples=1, database=None, phases=[Phase.generate])
"""To see what is drawn first, which is the simplest."""
SIMPLEST = settings(FIRST, max_examples=20, phases=[Phase.generate, Phase.shrink])
"""The same where what would be simplest is not always drawn first: in a row of values of which no two are equal."""


def leaves(value: Any) -> list[Any]:
    """Every value within a value, and every key."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.items() for leaf in leaves([*item])]
    return [value]


# Values.


@given(values())
def test_values_survive_a_round_trip(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    assert json.loads(text.encode()) == value


@given(values(hostile=True))
def test_hostile_values_can_be_written(value: Any) -> None:
    assert json.dumps(value)


@pytest.mark.parametrize(
    "holds",
    [
        lambda leaf: isinstance(leaf, float) and math.isnan(leaf),
        lambda leaf: isinstance(leaf, int) and leaf > 2**64,
        lambda leaf: isinstance(leaf, str) and "\ud800" in leaf,
    ],
    ids=["NaN", "huge", "surrogate"],
)
def test_what_makes_values_hostile(holds: Any) -> None:
    find(values(hostile=True), lambda value: any(map(holds, leaves(value))), settings=MANY)


def test_the_simplest_values() -> None:
    assert find(values(), lambda value: True) is None
    assert find(values(), lambda value: isinstance(value, dict) and len(value) > 0) == {"": None}


VALUES: list[Any] = [
    "abc",
    [1, 2, 3],
    {"a": 1, "b": [2]},
    [{"role": "user", "content": "hi"}],
    None,
    1,
    [],
    {},
    "",
]


@pytest.mark.parametrize("before", VALUES, ids=json.dumps)
def test_a_change_leaves_the_value_before_alone(before: Any) -> None:
    text = json.dumps(before)

    @settings(max_examples=30, deadline=None)
    @given(value_changes(before))
    def change(after: Any) -> None:
        for container in (item for item in [after] if isinstance(item, list)):
            container.append("mine")
        assert json.dumps(before) == text

    change()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("abc", "abc0"),
        ("abc", "ab"),
        ("abc", None),
        ([1, 2, 3], [1, 2, 3, None]),
        ([1, 2, 3], [1]),
        ([[1, 2], 3], [[1], 3]),
        ({"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1}, {"a": 1, "": None}),
        ({"a": [1]}, {"a": []}),
        ([], [None]),
        ({}, {"": None}),
    ],
    ids=json.dumps,
)
def test_changes_are_near(before: Any, after: Any) -> None:
    find(value_changes(before), lambda value: value == after, settings=MANY)


def test_a_key_may_move_to_the_end() -> None:
    moved = find(
        value_changes({"a": 1, "b": 2}),
        lambda value: isinstance(value, dict) and [*value] == ["b", "a"],
        settings=MANY,
    )
    assert moved == {"a": 1, "b": 2}


@given(value_sequences(min_size=2, max_size=3))
def test_sequences(sequence: list[Any]) -> None:
    assert 2 <= len(sequence) <= 3
    assert json.dumps(sequence)


# Diffs.


def applied(before: Any, changes: list[Any]) -> Any:
    outputs = OutputState(Limits())
    outputs.replace([before])
    assert outputs.apply([changes])
    return outputs.snapshot()[0]


@settings(max_examples=200, deadline=None)
@given(st.data(), value_sequences(min_size=2), st.sampled_from((*FORMS, None)))
def test_the_clients_outputs_after_any_diff(
    data: st.DataObject, yielded: list[Any], form: DiffForm | None
) -> None:
    outputs = OutputState(Limits())
    outputs.replace([yielded[0]])
    for before, after in pairwise(yielded):
        assert outputs.apply([data.draw(diffs(before, after, form=form))])
        # A change that == cannot see is none, and may have been made before.
        assert outputs.snapshot() == [after]


# Lists that shrink, and what servers of each kind were seen to send, or their sources say.
SHRUNK: dict[str, tuple[Any, Any, dict[DiffForm, list[Any]]]] = {
    "flat": (
        [1, 2, 3, 4],
        [1],
        {"original": [[1], [2], [3]], "shifted": [[1], [1], [1]], "nested": [[1], [1], [1]]},
    ),
    "nested": (
        [[1, 2, 3], [1, 2, 3]],
        [[1], [1]],
        {
            "original": [[0, 1], [0, 2], [1, 1], [1, 2]],
            "shifted": [[0, 1], [0, 1], [1, 1], [1, 1]],
            "nested": [[0, 1], [0, 0], [1, -1], [1, -2]],
        },
    ),
    "within a dict": (
        {"a": [1, 2], "b": [1, 2]},
        {"a": [1], "b": [1]},
        {
            "original": [["a", 1], ["b", 1]],
            "shifted": [["a", 1], ["b", 1]],
            "nested": [["a", 1], ["b", 1]],
        },
    ),
    "around": (
        [[1, 2], 5, 6],
        [[1]],
        {
            "original": [[0, 1], [1], [2]],
            "shifted": [[0, 1], [1], [1]],
            "nested": [[0, 1], [0], [0]],
        },
    ),
    "a key": (
        [{"a": 1}, 2, 3],
        [{}, 2],
        {"original": [[0, "a"], [2]], "shifted": [[0, "a"], [2]], "nested": [[0, "a"], [2]]},
    ),
}


@pytest.mark.parametrize("form", ["original", "shifted", "nested"])
@pytest.mark.parametrize("name", SHRUNK)
def test_the_indices_of_deletes(name: str, form: DiffForm) -> None:
    before, after, paths = SHRUNK[name]
    made = edits(before, after, form)
    assert made == [["delete", path, None] for path in paths[form]]
    assert applied(before, made) == after


def test_a_whole_value() -> None:
    assert edits([1], [1, 2], "whole") == [["replace", [], [1, 2]]]
    assert edits([1], [1], "whole") == []


def test_edits_share_nothing_with_the_value() -> None:
    after = [{"a": [1]}]
    for form in FORMS:
        edits([], after, form)[0][2].clear()
        assert after == [{"a": [1]}]


@given(value_sequences(min_size=2, max_size=2))
def test_the_forms_differ_in_deletes_only(yielded: list[Any]) -> None:
    original, shifted, nested = (edits(*yielded, form) for form in FORMS[:3])
    assert shifted == diff(*yielded)
    for action, paths in (
        (a, (x, y, z)) for (a, x, _), (_, y, _), (_, z, _) in zip(original, shifted, nested, strict=True)
    ):
        if action != "delete" or not isinstance(paths[0][-1], int):
            assert paths[0] == paths[1] == paths[2]
        else:
            assert paths[0][:-1] == paths[1][:-1] == paths[2][:-1]
            assert paths[0][-1] >= paths[1][-1] >= paths[2][-1]


# Schemas, and values of them.


def sent(value: Any) -> Any:
    """A value with the files in it as they are sent."""
    return replace_in(value, lambda part: part.as_json("/tmp/x") if isinstance(part, FileToSend) else part)


def fits(schema: Any, value: Any) -> bool:
    # Formats are annotations unless a validator is told otherwise.
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


@given(schemas(oddities=False))
def test_schemas_are_schemas(schema: dict[str, Any]) -> None:
    assert jsonschema_rs.meta.is_valid(schema)
    assert isinstance(python_type_of(schema), str)


@settings(max_examples=300, deadline=None)
@given(st.data(), schemas(oddities=False))
def test_values_fit_their_schema(data: st.DataObject, schema: dict[str, Any]) -> None:
    value = sent(data.draw(schema_values(schema)))
    assert json.dumps(value, allow_nan=False).encode()
    assert fits(schema, value)


@settings(deadline=None)
@given(st.data(), schemas())
def test_values_of_schemas_with_oddities(data: st.DataObject, schema: dict[str, Any]) -> None:
    assert json.dumps(sent(data.draw(schema_values(schema, hostile=True))))


@pytest.mark.parametrize(
    "part",
    [
        "$defs",
        "$ref",
        "prefixItems",
        "anyOf",
        "allOf",
        "const",
        "enum",
        "FileData",
        "any valid json",
        "format",
    ],
)
def test_schemas_have_what_servers_send(part: str) -> None:
    find(schemas(), lambda schema: part in json.dumps(schema), settings=MANY)


def test_schemas_without_files() -> None:
    @settings(max_examples=50)
    @given(schemas(files=False))
    def no_file(schema: dict[str, Any]) -> None:
        assert "FileData" not in json.dumps(schema)

    no_file()


INTEGER = {"type": "integer"}
NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}}}

ODD: dict[str, tuple[Any, Any]] = {
    "nothing said": ({}, None),
    "no schema": (None, None),
    "no value": (False, None),
    "any value": (True, None),
    "any type": ({"type": {}}, None),
    "a type of Python's": ({"type": "any"}, None),
    "no choices": ({"enum": []}, None),
    "a reference to nowhere": ({"$ref": "#/$defs/none"}, None),
    "a reference as draft 7 has it": ({"$ref": "#/definitions/x", "definitions": {"x": INTEGER}}, 0),
    "a reference to itself": ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, None),
    "an object that needs itself": (
        {
            "$ref": "#/$defs/x",
            "$defs": {"x": {"type": "object", "properties": {"y": {"$ref": "#/$defs/x"}}, "required": ["y"]}},
        },
        None,
    ),
    "an object of which nothing is said": ({"type": "object", "required": ["a", 1]}, {"a": None}),
    "properties without a type": ({"properties": {"a": INTEGER}, "required": ["a"]}, {"a": 0}),
    "a property that cannot be": ({"type": "object", "properties": {"a": False}}, {}),
    "a tuple of draft 7": ({"type": "array", "items": [INTEGER, {"type": "boolean"}]}, [0, False]),
    "a tuple with more": (
        {"type": "array", "prefixItems": [INTEGER], "items": {"type": "boolean"}, "minItems": 2},
        [0, False],
    ),
    "a tuple and nothing more": ({"type": "array", "prefixItems": [INTEGER], "items": False}, [0]),
    "a tuple that cannot be": ({"type": "array", "prefixItems": [False]}, []),
    "a tuple that has to be, and cannot": ({"type": "array", "prefixItems": [False], "minItems": 1}, None),
    "items that cannot be": ({"type": "array", "items": False}, []),
    "items that have to be, and cannot": ({"type": "array", "items": False, "minItems": 1}, None),
    "unique items": ({"type": "array", "items": INTEGER, "uniqueItems": True, "minItems": 2}, [0, 1]),
    "unions of nothing": ({"anyOf": [False]}, None),
    "one of": ({"oneOf": [INTEGER, {"type": "boolean"}]}, 0),
    "types": ({"type": ["integer", "boolean"]}, 0),
    "all of": (
        {
            "allOf": [{"$ref": "#/$defs/x"}, {"properties": {"b": INTEGER}, "required": ["b"]}],
            "$defs": {"x": {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]}},
        },
        {"a": 0, "b": 0},
    ),
    "all of all of": ({"allOf": [{"allOf": [INTEGER]}, {"allOf": [{"minimum": 5}]}]}, 5),
    "all of itself": ({"$ref": "#/$defs/x", "$defs": {"x": {"allOf": [{"$ref": "#/$defs/x"}]}}}, None),
    "a pattern": ({"type": "string", "pattern": "^a{3}$"}, "aaa"),
    "JavaScript's pattern": ({"type": "string", "pattern": "(?<year>a)"}, ""),
    "a length": ({"type": "string", "minLength": 20, "maxLength": 21}, "0" * 20),
    "bounds": ({"type": "integer", "minimum": 500, "maximum": 501}, 500),
    "bounds excluded": ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3}, 2),
    "bounds of nothing": ({"type": "integer", "minimum": 2, "maximum": 1}, None),
    "bounds of no number": ({"type": "number", "exclusiveMinimum": 1, "maximum": 1}, None),
    "bounds that are no numbers": ({"type": "number", "minimum": "1", "maximum": True}, 0),
    "one bound, far away": ({"type": "integer", "minimum": 10**6}, 10**6),
    "another": ({"type": "integer", "maximum": -(10**6)}, -(10**6)),
    "multiples": ({"type": "number", "multipleOf": 0.5, "minimum": 0.2}, 0.5),
    "a number": ({"type": "number"}, 0),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_schemas(name: str) -> None:
    schema, simplest = ODD[name]
    assert find(schema_values(schema), lambda value: True, settings=SIMPLEST) == simplest


@given(
    schema_values(
        {
            "type": "object",
            "properties": {"a": INTEGER, "b": INTEGER},
            "required": ["a"],
            "additionalProperties": {"type": "boolean"},
            "minProperties": 3,
            "maxProperties": 4,
        }
    )
)
def test_more_properties(value: dict[str, Any]) -> None:
    assert type(value["a"]) is int
    assert type(value.get("b", 0)) is int
    assert 3 <= len(value) <= 4
    assert all(type(value[name]) is bool for name in value.keys() - {"a", "b"})


def test_recursion_goes_on_for_a_while() -> None:
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}
    assert find(schema_values(schema), lambda value: bool(value.get("next"))) == {"next": {"next": None}}


@given(schema_values({"type": "array", "items": {"type": "number"}, "maxItems": 3}, hostile=True))
def test_numbers_keep_to_their_bounds_even_if_hostile(value: list[float]) -> None:
    assert len(value) <= 3
    assert all(abs(number) <= 2**71 for number in value)


@given(schema_values({"type": "string", "maxLength": 3}, hostile=True))
def test_lengths_hold_even_if_hostile(text: str) -> None:
    assert len(text) <= 3


@given(schema_values({"type": "string"}, max_size=30, hostile=True))
def test_texts_may_be_hostile(text: str) -> None:
    assert json.dumps(text)


def test_steps_that_are_no_binary_fractions() -> None:
    drawn = numbers(0, 0.3, step=0.1, start=0)
    assert drawn is not None
    assert find(drawn, lambda value: value > 0.25) == 0.3


@pytest.mark.parametrize("hostile", [False, True])
def test_numbers_are_small_unless_they_are_hostile(hostile: bool) -> None:
    drawn = numbers(hostile=hostile)
    assert drawn is not None
    if hostile:
        find(drawn, lambda value: value > 2**65, settings=MANY)
    else:
        given(drawn)(lambda value: _assert_small(value))()


def _assert_small(value: float) -> None:
    assert abs(value) <= 100
