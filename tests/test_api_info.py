from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_values import ODD_VALUES, VERSIONS, every_field_spoiled, info_text, spoiled

from gradio_proto.api_info import (
    ApiInfo,
    ParameterInfo,
    ReturnInfo,
    parse_api_info,
    parse_endpoint_info,
    python_type_of,
)
from gradio_proto.errors import RemoteProtocolError


def recorded(version: str) -> ApiInfo:
    return parse_api_info(json.loads(info_text(version)))


class TestRecorded:
    @pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
    def test_names_and_defaults(self, version: str) -> None:
        info = recorded(version).named["/calc"]
        assert [(p.name, p.has_default, p.default) for p in info.parameters] == [
            ("a", True, 3),
            ("op", True, "add"),
            ("b", True, 5),
        ]
        assert info.visibility == "public"
        assert info.oauth_token is None
        assert info.description == ""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_types(self, version: str) -> None:
        info = recorded(version).named["/calc"]
        number, choice = ("int | float", "str") if version == "3.50.2" else ("float", "Literal['add', 'sub']")
        assert [p.python_type for p in info.parameters] == [number, choice, number]
        assert [p.component for p in info.parameters] == ["Number", "Radio", "Number"]
        assert [p.label for p in info.parameters] == ["N in", "Op", "N2"]
        assert [(r.label, r.python_type, r.component) for r in info.returns] == [
            ("N out", number, "Number"),
            ("T out", "str", "Textbox"),
        ]
        assert info.parameters[1].example_input == "add"
        assert info.parameters[0].type == {"type": "number"}
        assert info.raw["parameters"][0] == info.parameters[0].raw
        assert info.raw["returns"][0] == info.returns[0].raw

    @pytest.mark.parametrize("version", VERSIONS)
    def test_what_came_beside_it_makes_no_difference(self, version: str) -> None:
        info = recorded(version).named["/calc"]
        assert replace(info, raw={}) == info
        assert replace(info.parameters[0], raw={}) == info.parameters[0]
        assert replace(info.returns[0], raw={}) == info.returns[0]
        assert "raw" not in repr(info)

    def test_servers_before_4_44_send_no_names(self) -> None:
        for version in ("3.50.2", "4.13.0"):
            parameters = recorded(version).named["/calc"].parameters
            assert {(p.name, p.has_default, p.default) for p in parameters} == {(None, False, None)}

    def test_unnamed_endpoints_of_3x(self) -> None:
        info = recorded("3.50.2")
        assert list(info.unnamed) == [20, 30]
        assert recorded("6.31.0").unnamed == {}

    def test_what_newer_servers_add(self) -> None:
        named = recorded("6.31.0").named
        assert named["/oauth"].oauth_token == "optional"
        assert named["/file"].parameters[0].description.startswith("The FileData class")

    @pytest.mark.parametrize("version", VERSIONS)
    def test_is_a_value(self, version: str) -> None:
        info = recorded(version)
        assert pickle.loads(pickle.dumps(info)) == info == recorded(version)  # noqa: S301

    def test_own_types_are_the_servers(self) -> None:
        for name, endpoint in recorded("6.31.0").named.items():
            entries: list[ParameterInfo | ReturnInfo] = [*endpoint.parameters, *endpoint.returns]
            for entry in entries:
                assert python_type_of(entry.type) == entry.python_type, name


class TestOddities:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "the API info is not an object: None"),
            ([], "the API info is not an object: a list of 0"),
            ({}, "names no endpoints: an empty object"),
            ({"detail": "Not Found"}, "names no endpoints: an object with the keys 'detail'"),
            ({"named_endpoints": []}, "info.named_endpoints is not an object: a list of 0"),
            ({"named_endpoints": {}, "unnamed_endpoints": "x"}, "info.unnamed_endpoints is not an object: x"),
        ],
    )
    def test_unusable_as_a_whole(self, value: Any, words: str) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            parse_api_info(value)
        assert words in str(caught.value)

    def test_endpoints_that_cannot_be_read_are_left_out(self) -> None:
        info = parse_api_info(
            {
                "named_endpoints": {"/a": None, "/b": {}, "/c": {"parameters": 1}, "/d": {"parameters": []}},
                "unnamed_endpoints": {
                    "x": {"parameters": []},
                    "²": {"parameters": []},
                    "9" * 30: {"parameters": []},
                    "9" * 19: {"parameters": []},
                },
            }
        )
        assert list(info.named) == ["/d"]
        assert info.named["/d"].returns == ()
        assert info.unnamed == {}

    def test_numbers_of_unnamed_endpoints(self) -> None:
        info = parse_api_info({"unnamed_endpoints": {"0": {"parameters": []}, "1" * 18: {"parameters": []}}})
        assert [*info.unnamed] == [0, int("1" * 18)]

    def test_a_repr_shows_what_identifies_it_and_not_all_that_was_sent(self) -> None:
        value = {"label": "Name", "type": {"x": "long"}, "example_input": "long", "more": "long"}
        info = parse_endpoint_info({"parameters": [value], "returns": [value], "more": "long"})
        assert info is not None
        for shown in (info, info.parameters[0], info.returns[0]):
            assert "Name" in repr(shown)
            assert "long" not in repr(shown)

    def test_private_endpoints_are_left_out(self) -> None:
        info = parse_api_info(
            {
                "named_endpoints": {
                    "/private": {"parameters": [], "api_visibility": "private"},
                    "/undocumented": {"parameters": [], "show_api": False},
                },
                "unnamed_endpoints": None,
            }
        )
        assert {name: endpoint.visibility for name, endpoint in info.named.items()} == {
            "/undocumented": "undocumented"
        }

    def test_parameters_keep_their_places(self) -> None:
        info = parse_endpoint_info(
            {
                "parameters": [None, {"label": None, "type": {"type": "string"}, "python_type": "x"}],
                "returns": [5],
            }
        )
        assert info is not None
        assert [(p.label, p.name, p.has_default, p.python_type) for p in info.parameters] == [
            ("", None, False, "Any"),
            ("", None, False, "str"),
        ]
        assert [(r.label, r.python_type) for r in info.returns] == [("", "Any")]


FILE = {
    "properties": {"path": {"type": "string"}, "meta": {"$ref": "#/$defs/Meta"}},
    "type": "object",
}
META = {"properties": {"_type": {"const": "gradio.FileData", "type": "string"}}, "type": "object"}


KEYWORDS = (
    *("type", "items", "prefixItems", "properties", "anyOf", "allOf", "enum", "const", "$ref", "$defs", "A"),
    *("path", "meta", "_type", "default", "description", "additionalProperties"),
)


class TestPythonType:
    @pytest.mark.parametrize(
        ("schema", "text"),
        [
            ({}, "Any"),
            ({"type": "string"}, "str"),
            ({"type": "integer"}, "int"),
            ({"type": "number"}, "float"),
            ({"type": "boolean"}, "bool"),
            ({"type": "null"}, "None"),
            ({"type": "string", "enum": ["add", "sub"]}, "Literal['add', 'sub']"),
            ({"enum": [1, None]}, "Literal['1', 'None']"),
            ({"const": "x", "type": "string"}, "Literal[x]"),
            ({"type": "array", "items": {"type": "string"}}, "list[str]"),
            ({"type": "array"}, "list[Any]"),
            ({"type": "array", "items": {}}, "list[Any]"),
            ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]}, "tuple[str, None]"),
            ({"type": "array", "items": {"prefixItems": [{"type": "string"}]}}, "tuple[str]"),
            ({"type": "object", "properties": {"x": {"type": "integer"}}}, "dict(x: int)"),
            (
                {
                    "type": "object",
                    "properties": {"x": {"type": "integer", "description": "how many"}, "$defs": {}},
                },
                "dict(x: int (how many))",
            ),
            ({"type": "object"}, "dict()"),
            ({"type": "object", "additionalProperties": True}, "dict(str, Any)"),
            ({"type": "object", "additionalProperties": {"type": "string"}}, "dict(str, str)"),
            ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "str | None"),
            ({"oneOf": [{"type": "string"}]}, "str"),
            ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "All[str, int]"),
            ({"description": "any valid json"}, "str | float | bool | list | dict"),
            ({"description": "anything"}, "Any"),
            ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, "str"),
            (
                {"type": "array", "items": {"$ref": "#/$defs/F"}, "$defs": {"F": FILE, "Meta": META}},
                "list[filepath]",
            ),
            (
                {
                    "type": "object",
                    "properties": {
                        "path": {},
                        "meta": {"default": {"_type": "gradio.FileData"}, "type": "object"},
                    },
                },
                "filepath",
            ),
            ({"type": "object", "properties": {"path": {"type": "string"}}}, "dict(path: str)"),
            (
                {"type": "object", "properties": {"path": {"type": "string"}, "meta": {"type": "object"}}},
                "dict(path: str, meta: dict())",
            ),
        ],
    )
    def test_words_of_the_official_client(self, schema: Any, text: str) -> None:
        assert python_type_of(schema) == text

    def test_file_data_written_out_is_a_filepath(self) -> None:
        def maybe(kind: str) -> dict[str, Any]:
            return {"anyOf": [{"type": kind}, {"type": "null"}]}

        properties: dict[str, Any] = {
            "path": {"type": "string"},
            "url": maybe("string"),
            "size": maybe("integer"),
        }
        properties |= {
            "orig_name": maybe("string"),
            "mime_type": maybe("string"),
            "is_stream": {"type": "boolean"},
        }
        properties |= {"meta": {"type": "object", "allOf": [], "properties": {"_type": {"enum": []}}}}
        assert python_type_of({"type": "object", "properties": properties}).startswith("dict(path: str, url")
        # A definition of the mark by reference, which only writing it out resolves.
        properties["meta"]["properties"]["_type"] = {"$ref": "#/$defs/Mark"}
        mark = {"const": "gradio.FileData"}
        assert (
            python_type_of({"type": "object", "properties": properties, "$defs": {"Mark": mark}})
            == "filepath"
        )

    @pytest.mark.parametrize(
        ("schema", "text"),
        [
            (None, "Any"),
            (True, "Any"),
            (False, "Any"),
            ("string", "Any"),
            ([{"type": "string"}], "Any"),
            ({"type": "array", "items": True}, "list[Any]"),
            ({"type": "array", "items": [{"type": "string"}]}, "list[Any]"),
            ({"type": "array", "prefixItems": True}, "tuple[Any]"),
            ({"type": "array", "prefixItems": []}, "tuple[Any]"),
            ({"type": "object", "properties": {"x": True}}, "dict(x: Any)"),
            ({"type": "object", "properties": [1]}, "dict()"),
            ({"type": "object", "additionalProperties": False}, "dict()"),
            ({"type": ["string", "null"]}, "str | None"),
            ({"type": ["string", 5, "array"], "items": {"type": "integer"}}, "str | Any | list[int]"),
            ({"type": []}, "Any"),
            ({"type": "unheard-of"}, "Any"),
            ({"type": None}, "Any"),
            ({"enum": 5, "type": "string"}, "str"),
            ({"enum": [[1, 2], {"a": 1}]}, "Literal['a list of 2', 'an object with the keys 'a'']"),
            ({"anyOf": True}, "Any"),
            ({"anyOf": [True, {"type": "string"}]}, "Any | str"),
            ({"$ref": 5}, "Any"),
            ({"$ref": "#/$defs/none"}, "Any"),
            ({"$ref": "#/$defs/A", "$defs": [1]}, "Any"),
            (
                {"type": "object", "properties": {"path": {}, "meta": {"$ref": "#/$defs/none"}}},
                "dict(path: Any, meta: Any)",
            ),
            ({"type": "object", "properties": {"path": {}, "meta": True}}, "dict(path: Any, meta: Any)"),
        ],
    )
    def test_schemas_that_the_official_client_fails_on(self, schema: Any, text: str) -> None:
        assert python_type_of(schema) == text

    def test_recursive_schemas_end(self) -> None:
        tree = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
        text = python_type_of({"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}})
        assert text.startswith("list[list[list[")
        assert "Any" in text
        assert python_type_of({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}) == "Any"

    def test_output_is_bounded(self) -> None:
        defs: dict[str, Any] = {
            f"D{n}": {"anyOf": [{"$ref": f"#/$defs/D{n + 1}"}, {"$ref": f"#/$defs/D{n + 1}"}]}
            for n in range(30)
        }
        many = [{"type": "string"}] * 100_000
        for schema in (
            {"$ref": "#/$defs/D0", "$defs": defs},
            {"anyOf": many},
            {"enum": list(range(100_000))},
            {"type": "object", "properties": {str(n): {"type": "string"} for n in range(100_000)}},
            {"type": ["string"] * 100_000},
            {"enum": [""] * 100_000},
            {"type": "array", "items": {"type": "array", "items": {"type": ["array"] * 1000}}},
            {"const": "x" * 1_000_000},
            {"type": "array", "items": {"anyOf": [{"enum": list(range(1000))}] * 1000}},
        ):
            assert len(python_type_of(schema)) < 5000

    def test_a_word_of_two_hundred_characters_is_shown_whole(self) -> None:
        for schema, text in (
            ({"const": "x" * 200}, f"Literal[{'x' * 200}]"),
            ({"const": "x" * 201}, f"Literal[{'x' * 199}…]"),
            ({"enum": ["y" * 201, "z"]}, f"Literal['{'y' * 199}…', 'z']"),
            ({"enum": [{"a": 1}, [1, 2]]}, "Literal['an object with the keys 'a'', 'a list of 2']"),
        ):
            assert python_type_of(schema) == text

    def test_a_type_that_is_no_word_is_anything(self) -> None:
        assert python_type_of({"type": [["string"], {}, "integer"]}) == "Any | Any | int"

    @pytest.mark.parametrize(
        ("serializer", "schema", "text"),
        [
            ("ImgSerializable", {"type": "string"}, "filepath"),
            ("VideoSerializable", {"type": "string"}, "filepath"),
            ("FileSerializable", {"type": "string"}, "filepath"),
            ("FileSerializable", {"type": "array"}, "list[filepath]"),
            ("GallerySerializable", {"type": "array"}, "list[filepath | tuple[filepath, str | None]]"),
            ("StringSerializable", {"type": "string"}, "str"),
            (["ImgSerializable"], {"type": "string"}, "str"),
        ],
    )
    def test_files_of_3x(self, serializer: Any, schema: Any, text: str) -> None:
        info = parse_endpoint_info({"parameters": [{"serializer": serializer, "type": schema}]})
        assert info is not None
        assert info.parameters[0].python_type == text

    def test_a_reference_of_two_hundred_characters_is_followed(self) -> None:
        for length, text in ((200, "str"), (201, "Any")):
            reference = "#/$defs/" + "x" * (length - len("#/$defs/"))
            schema = {"$ref": reference, "$defs": {reference.rpartition("/")[2]: {"type": "string"}}}
            assert python_type_of(schema) == text

    @pytest.mark.parametrize(
        "deeper",
        [
            lambda schema: {"type": "array", "items": schema},
            lambda schema: {"type": ["array"], "items": schema},
            lambda schema: {"type": "array", "prefixItems": [schema]},
            lambda schema: {"type": "object", "properties": {"a": schema}},
            lambda schema: {"type": "object", "additionalProperties": schema},
            lambda schema: {"anyOf": [schema]},
            lambda schema: {"oneOf": [schema]},
            lambda schema: {"allOf": [schema]},
        ],
    )
    def test_twenty_levels_are_shown_of_whatever_kind(self, deeper: Callable[[Any], Any]) -> None:
        schema: Any = {"type": "integer"}
        for level in range(25):
            assert ("int" in python_type_of(schema)) is (level <= 20)
            schema = deeper(schema)

    def test_twenty_references_are_followed(self) -> None:
        for count in (20, 21):
            definitions: dict[str, Any] = {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(1, count)}
            definitions[str(count)] = {"type": "integer"}
            schema = {"$ref": "#/$defs/1", "$defs": definitions}
            assert python_type_of(schema) == ("int" if count == 20 else "Any")

    def test_depth_is_bounded(self) -> None:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(500):
            schema = {"type": "array", "items": schema}
        assert python_type_of(schema) == "list[" * 21 + "Any" + "]" * 21

    @given(
        st.recursive(
            st.sampled_from([*ODD_VALUES, "string", "array", "object", "#/$defs/A"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(KEYWORDS),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=20,
        )
    )
    def test_reads_anything(self, schema: Any) -> None:
        assert len(python_type_of(schema)) < 10_000


FIELDS = (
    *("named_endpoints", "unnamed_endpoints", "named_endpoints/*", "named_endpoints/*/parameters"),
    *("named_endpoints/*/returns", "named_endpoints/*/description", "named_endpoints/*/api_visibility"),
    *("named_endpoints/*/parameters/*", "named_endpoints/*/parameters/*/label"),
    *(
        "named_endpoints/*/parameters/*/parameter_name",
        "named_endpoints/*/parameters/*/parameter_has_default",
    ),
    *("named_endpoints/*/parameters/*/parameter_default", "named_endpoints/*/parameters/*/type"),
    *("named_endpoints/*/parameters/*/python_type", "named_endpoints/*/parameters/*/python_type/type"),
    *("named_endpoints/*/parameters/*/component", "named_endpoints/*/parameters/*/example_input"),
    *("named_endpoints/*/returns/*", "named_endpoints/*/returns/*/label", "named_endpoints/*/returns/*/type"),
    *("named_endpoints/*/returns/*/python_type", "named_endpoints/*/returns/*/python_type/description"),
)


def test_every_field_spoiled() -> None:
    for case, value in every_field_spoiled(info_text("6.31.0"), FIELDS):
        try:
            parse_api_info(value)
        except RemoteProtocolError:
            assert case.partition(" ")[0] in ("named_endpoints", "unnamed_endpoints"), case


@settings(max_examples=150, deadline=None)
@given(spoiled(info_text))
def test_spoiled_infos_are_read_or_refused(value: Any) -> None:
    try:
        info = parse_api_info(value)
    except RemoteProtocolError:
        return
    for endpoint in (*info.named.values(), *info.unnamed.values()):
        assert all(isinstance(parameter.python_type, str) for parameter in endpoint.parameters)
