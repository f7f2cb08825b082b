"""JSON Schema of endpoints: valid whatever the server says, and true of what calls take."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from typed_apps import FILE, VERSIONS, app_of, endpoint_of, hostile_apps, parameter, real_app, value

from gradio_proto.endpoints import App
from gradio_proto.text import printable
from gradio_proto.typed.schemas import (
    DIALECT,
    FILE_RETURNED,
    FILE_TO_GIVE,
    app_schema,
    input_schema,
    json_schema,
    output_schema,
)
from gradio_proto.typed.types import read_schema

TEXT = {"type": "string"}
RECORD = {
    "properties": {"a": {"type": "string", "description": " An a.\n"}, "f": {**FILE, "description": "no"}},
    "required": ["a"],
}


@pytest.mark.parametrize("is_input", [False, True])
@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (True, {}),
        ({"type": "null"}, {"type": "null"}),
        ({"type": "boolean"}, {"type": "boolean"}),
        ({"type": "number", "minimum": "x"}, {"type": "number"}),
        ({"type": "integer"}, {"type": "integer"}),
        (TEXT, TEXT),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"enum": [1]}, {"type": "integer", "enum": [1]}),
        ({"enum": [1, "1"]}, {"enum": [1, "1"]}),
        ({"items": TEXT}, {"type": "array", "items": TEXT}),
        (
            {"prefixItems": [TEXT, {}]},
            {"type": "array", "prefixItems": [TEXT, {}], "items": False, "minItems": 2},
        ),
        ({"type": "object"}, {"type": "object", "additionalProperties": {}}),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
    ],
)
def test_types(schema: Any, written: Any, is_input: bool) -> None:
    assert json_schema(read_schema(schema), is_input=is_input) == written


def test_records_and_files() -> None:
    record = read_schema(RECORD)
    described = {"type": "string", "description": "An a."}
    assert json_schema(record, is_input=True) == {
        "type": "object",
        "properties": {"a": described, "f": {"type": "string", "description": FILE_TO_GIVE}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert json_schema(record, is_input=False) == {
        "type": "object",
        "properties": {"a": described, "f": {"type": "string", "description": FILE_RETURNED}},
        "required": ["a"],
    }


def test_inputs() -> None:
    endpoint = endpoint_of(
        parameter("a", TEXT, label="A", python_type={"type": "str", "description": "a name"}),
        parameter("b", {"type": "number"}, default=3, label=""),
        parameter("b.c", FILE, label="F", default={"path": "/x"}),
        parameter("处", TEXT, default=None, label=""),
    )
    assert input_schema(endpoint) == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "A. a name"},
            "b": {"type": "number", "description": "X", "default": 3},
            "b_c": {"type": "string", "description": f"F. {FILE_TO_GIVE}"},
            "arg_3": {"anyOf": [TEXT, {"type": "null"}], "description": "X", "default": None},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


def test_outputs() -> None:
    several = output_schema(endpoint_of(returns=[value("A", TEXT), value("", {"type": "number"})]))
    assert several["prefixItems"] == [{"title": "A", **TEXT}, {"title": "X", "type": "number"}]
    valid = jsonschema_rs.validator_for(several).is_valid
    assert valid(["a", 1])
    assert not valid(["a"])
    assert not valid(["a", 1, 2])
    assert not valid(["a", "b"])
    assert output_schema(endpoint_of(returns=[value("A", TEXT)])) == {"title": "A", **TEXT}
    nothing = output_schema(endpoint_of())
    assert jsonschema_rs.is_valid(nothing, [])
    assert not jsonschema_rs.is_valid(nothing, [1])
    assert output_schema(app_of({"/f": None}).resolve("/f")) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_real_servers(version: str) -> None:
    app = real_app(version)
    described = app_schema(app)
    assert list(described) == [endpoint.api_name for endpoint in app.listed]
    for endpoint in described.values():
        assert endpoint["input"]["$schema"] == endpoint["output"]["$schema"] == DIALECT
        jsonschema_rs.meta.validate(endpoint["input"])
        jsonschema_rs.meta.validate(endpoint["output"])
    calc = described["/calc"]
    first, op, second = calc["input"]["properties"]
    valid = jsonschema_rs.validator_for(calc["input"]).is_valid
    assert valid({first: 4, op: "add", second: 5})
    assert not valid({first: "4", op: "add", second: 5})
    assert not valid({first: 4, op: "add", second: 5, "more": 1})
    assert jsonschema_rs.is_valid(calc["output"], [9, "add"])


@settings(deadline=None)
@given(hostile_apps)
def test_whatever_an_app_says_its_schemas_are_valid(app: App) -> None:
    for endpoint in app_schema(app).values():
        jsonschema_rs.meta.validate(endpoint["input"])
        jsonschema_rs.meta.validate(endpoint["output"])
        assert len(endpoint["description"]) <= 1024
        assert printable(endpoint["description"], 1024) == endpoint["description"]


def test_what_is_handed_out_is_not_what_was_read() -> None:
    app = real_app("6.31.0")
    app_schema(app)["/calc"]["input"]["properties"].clear()
    json_schema(read_schema(TEXT), is_input=True)["type"] = "x"
    assert app_schema(app)["/calc"]["input"]["properties"]
    assert json_schema(read_schema(TEXT), is_input=True) == TEXT
