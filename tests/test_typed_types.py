"""The types of values, read from the schemas of real servers and from those of nobody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from typed_apps import FILE, VERSIONS, endpoint_of, parameter, real_app, schemas

from gradio_proto.typed import types
from gradio_proto.typed.types import (
    ANY,
    NONE,
    DictOf,
    Field,
    File,
    ListOf,
    Literals,
    Record,
    Scalar,
    TupleOf,
    Type,
    Union,
    holds_file,
    parameter_type,
    read_schema,
    type_of,
    union,
)

STR, INT, FLOAT, BOOL = Scalar("str"), Scalar("int"), Scalar("float"), Scalar("bool")


def field(name: str, type: Type, is_required: bool = False) -> Field:
    return Field(name, type, is_required, "")


@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "string"}, STR),
        ({"type": "integer"}, INT),
        ({"type": "number"}, FLOAT),
        ({"type": "boolean"}, BOOL),
        ({"type": "null"}, NONE),
        ({"type": "anything"}, ANY),
        ({"type": {}, "description": "any valid json"}, ANY),
        (True, ANY),
        (None, ANY),
        ([], ANY),
        ({}, ANY),
        ({"type": ["string", "null"]}, Union((STR, NONE))),
        ({"type": ["string", {}]}, ANY),
        ({"type": []}, ANY),
        ({"const": "a"}, Literals(("a",))),
        ({"const": True}, BOOL),
        ({"const": None}, NONE),
        ({"const": {}}, ANY),
        ({"enum": ["a", "b", "a"], "type": "string"}, Literals(("a", "b"))),
        ({"enum": [1, "1"], "type": "string"}, Literals((1, "1"))),
        ({"enum": ["a", 1.5, None]}, Union((Literals(("a",)), FLOAT, NONE))),
        ({"enum": [], "type": "string"}, STR),
        ({"enum": list(range(501))}, INT),
        ({"enum": [*map(str, range(500)), 1]}, Union((STR, INT))),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "string"}]}, Union((STR, NONE))),
        ({"oneOf": [{"type": "string"}]}, STR),
        ({"anyOf": []}, ANY),
        ({"anyOf": [{"type": "string"}, {}]}, ANY),
        ({"allOf": [{"type": "string"}]}, STR),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, ANY),
        ({"type": "array"}, ListOf(ANY)),
        ({"type": "array", "items": {"type": "string"}}, ListOf(STR)),
        ({"items": {"type": "string"}}, ListOf(STR)),
        ({"prefixItems": [{"type": "string"}]}, TupleOf((STR,))),
        ({"type": "array", "prefixItems": [{"type": "string"}, {}]}, TupleOf((STR, ANY))),
        ({"type": "array", "prefixItems": []}, ListOf(ANY)),
        ({"type": "object"}, DictOf(ANY)),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, DictOf(INT)),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": True}, DictOf(ANY)),
        (
            {"properties": {"a": {"type": "string"}, "b": True}, "required": ["a", 1], "title": "T"},
            Record("T", (field("a", STR, True), field("b", ANY))),
        ),
        ({"properties": {"a": {}}, "required": "a", "title": 3}, Record("", (field("a", ANY),))),
        (FILE, File()),
        ({"properties": {"path": {}, "orig_name": {}, "mime_type": {}}}, File()),
        ({"properties": {"path": {}, "x": {}}}, Record("", (field("path", ANY), field("x", ANY)))),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, STR),
        ({"$ref": "#/$defs/B", "$defs": {"A": {"type": "string"}}}, ANY),
        ({"$ref": 7}, ANY),
        (
            {"$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}, "items": {"$ref": "#/$defs/A"}},
            ListOf(ListOf(ANY)),
        ),
    ],
)
def test_schemas(schema: Any, type: Type) -> None:
    assert read_schema(schema) == type


def test_what_a_schema_calls_things_is_kept() -> None:
    record = read_schema(
        {"title": "Point", "properties": {"x": {"type": "integer", "description": "Across."}}}
    )
    assert isinstance(record, Record)
    assert (record.name, record.fields[0].description) == ("Point", "Across.")


def test_large_schemas_are_read_in_part() -> None:
    doubling: dict[str, Any] = {
        f"A{i}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/A{i + 1}"} for k in "ab"}}
        for i in range(40)
    }
    assert isinstance(read_schema({"$ref": "#/$defs/A0", "$defs": doubling}), Record)
    assert read_schema({"anyOf": [{"type": "string"}] * 1000}) == ANY
    assert read_schema({"type": "array", "prefixItems": [{}] * 1000}) == ListOf(ANY)
    assert read_schema({"properties": {str(i): {} for i in range(1000)}}) == DictOf(ANY)
    deep: Any = {"type": "string"}
    for _ in range(50):
        deep = {"type": "array", "items": deep}
    found = read_schema(deep)
    levels = 0
    while isinstance(found, ListOf):
        found = found.item
        levels += 1
    assert (found, levels) == (ANY, types._DEPTH + 1)


@settings(deadline=None)
@given(schemas)
def test_every_schema_has_a_type(schema: Any) -> None:
    assert isinstance(read_schema(schema), Type)
    assert isinstance(holds_file(read_schema(schema)), bool)


def test_unions_are_flat_and_have_no_member_twice() -> None:
    assert union([STR, Union((INT, STR)), NONE]) == Union((STR, INT, NONE))
    assert union([STR, STR]) == STR
    assert union([]) == ANY


@pytest.mark.parametrize(
    "type",
    [
        File(),
        ListOf(File()),
        TupleOf((STR, File())),
        DictOf(File()),
        Record("", (field("a", File()),)),
        Union((File(), NONE)),
    ],
)
def test_what_holds_files(type: Type) -> None:
    assert holds_file(type)


@pytest.mark.parametrize("type", [STR, Literals(("a",)), ListOf(STR), Union((STR, NONE))])
def test_what_holds_none(type: Type) -> None:
    assert not holds_file(type)


def test_a_default_of_none_may_be_given() -> None:
    optional, required = endpoint_of(
        parameter("a", {"type": "string"}, default=None), parameter("b", {"type": "string"})
    ).parameters
    assert parameter_type(optional) == Union((STR, NONE))
    assert parameter_type(required) == STR


@pytest.mark.parametrize("version", VERSIONS)
def test_files_of_real_servers(version: str) -> None:
    app = real_app(version)
    for name, type in (("/file", File()), ("/files", ListOf(File())), ("/image", File())):
        endpoint = app.resolve(name)
        assert endpoint.info is not None
        assert type_of(endpoint.parameters[0]) == type
        assert type_of(endpoint.info.returns[0]) == type


def test_files_of_gradio_3_in_a_gallery() -> None:
    (gallery,) = endpoint_of(
        {**parameter("g", {"type": "array"}), "serializer": "GallerySerializable"}
    ).parameters
    assert type_of(gallery) == ListOf(Union((File(), TupleOf((File(), Union((STR, NONE)))))))


def test_real_chat_messages() -> None:
    messages = type_of(real_app("6.31.0").resolve("/chat").parameters[1])
    assert isinstance(messages, ListOf)
    assert isinstance(messages.item, Record)
    assert {each.name for each in messages.item.fields} == {"role", "metadata", "content", "options"}
    assert holds_file(messages)
    pairs = type_of(real_app("4.13.0").resolve("/chat").parameters[1])
    assert isinstance(pairs, ListOf)
    assert isinstance(pairs.item, TupleOf)
    assert holds_file(pairs)
