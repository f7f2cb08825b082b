"""Tools of language models, and the calls that models ask for. Strict schemas are held to what OpenAI documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_apps import FILE, VERSIONS, app_of, hostile_apps, parameter, real_app, schemas, texts, value

from gradio_proto.endpoints import App
from gradio_proto.errors import ArgumentError
from gradio_proto.files import FileInput
from gradio_proto.limits import Limits
from gradio_proto.typed.tools import tool, tool_arguments, tools_of

TEXT = {"type": "string"}
PHOTO = FileInput(b"x", "bytes", "photo.png")
URL = "https://example.org/a%20b/cat.png?x=1"


def app_with(*parameters: Any, **config: Any) -> App:
    return app_of({"/f": {"parameters": list(parameters), "returns": [value("y", TEXT)]}}, **config)


def arguments(app: App, given: Any, files: Mapping[str, FileInput] | None = None) -> list[Any]:
    return tool_arguments(app, app.resolve("/f"), given, files or {}, Limits())


def read(schema: Any, given: Any) -> Any:
    """What becomes of an argument."""
    return arguments(app_with(parameter("x", schema)), {"x": given}, {"photo": PHOTO})[0]


def described(value: Any) -> Any:
    """A value with the sources of its files."""
    if isinstance(value, FileInput):
        return (value.kind, value.name, value.source)
    if isinstance(value, list):
        return [described(item) for item in value]
    return {key: described(item) for key, item in value.items()} if isinstance(value, dict) else value


# Definitions.


@pytest.mark.parametrize("version", VERSIONS)
def test_definitions_for_real_servers(version: str) -> None:
    app = real_app(version)
    openai, anthropic, mcp = (tools_of(app, form) for form in ("openai", "anthropic", "mcp"))  # type: ignore[arg-type]
    assert [tool["function"]["name"] for tool in openai] == [tool["name"] for tool in anthropic]
    assert [tool["name"] for tool in mcp] == [endpoint.label[1:] for endpoint in app.listed]
    assert {frozenset(tool) for tool in openai} == {frozenset({"type", "function"})}
    assert {frozenset(tool["function"]) for tool in openai} == {
        frozenset({"name", "description", "parameters", "strict"})
    }
    assert {frozenset(tool) for tool in anthropic} == {frozenset({"name", "description", "input_schema"})}
    assert {frozenset(tool) for tool in mcp} == {frozenset({"name", "title", "description", "inputSchema"})}
    strict = {tool["function"]["name"] for tool in openai if tool["function"]["strict"]}
    assert "calc" in strict
    assert "file" in strict
    assert "json" not in strict


def test_there_are_three_formats() -> None:
    with pytest.raises(ValueError, match="'openai', 'anthropic', 'mcp'"):
        tools_of(app_of({}), "xml")  # type: ignore[arg-type]


def is_strict(schema: dict[str, Any]) -> Iterator[bool]:
    """The rules for a strict schema that OpenAI documents."""
    assert set(schema) <= {
        *("type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description")
    }
    yield bool(schema.keys() & {"type", "anyOf"})
    if schema.get("type") == "object":
        yield schema["additionalProperties"] is False
        yield schema["required"] == list(schema["properties"])
        for each in schema["properties"].values():
            yield from is_strict(each)
    if schema.get("type") == "array":
        yield from is_strict(schema["items"])
    for each in schema.get("anyOf", ()):
        yield from is_strict(each)


@settings(deadline=None)
@given(hostile_apps)
def test_definitions_are_what_the_makers_of_models_take(app: App) -> None:
    tools = tools_of(app, "openai")
    names = [tool["function"]["name"] for tool in tools]
    assert len(set(names)) == len(names) == len(app.listed)
    for definition in tools:
        function = definition["function"]
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", function["name"])
        assert len(function["description"]) <= 1024
        assert all(
            re.fullmatch("[a-zA-Z0-9_.-]{1,64}", name) for name in function["parameters"]["properties"]
        )
        jsonschema_rs.meta.validate(function["parameters"])
        if function["strict"]:
            assert all(is_strict(function["parameters"]))
    for definition in (*tools_of(app, "anthropic"), *tools_of(app, "mcp")):
        assert definition["name"] in names


def strict(*parameters: Any) -> Any:
    function = tools_of(app_with(*parameters), "openai")[0]["function"]
    return function["parameters"] if function["strict"] else None


def test_in_a_strict_schema_null_stands_for_a_default() -> None:
    properties = strict(
        parameter("a", TEXT, default="x", label="A"),
        parameter("b", TEXT, default=None),
        parameter("c", {"items": {"enum": [1]}}),
    )["properties"]
    null = {"type": "null"}
    assert properties["a"] == {"anyOf": [TEXT, null], "description": 'A (null: the default, "x")'}
    assert properties["b"] == {"anyOf": [TEXT, null], "description": "b (null: the default, null)"}
    assert properties["c"]["items"] == {"type": "integer", "enum": [1]}


RECORD = {"properties": {"a": TEXT, "b": {"type": "integer"}}, "required": ["a", "b"]}


@pytest.mark.parametrize(
    ("schema", "is_strict"),
    [
        (RECORD, True),
        ({"type": ["string", "null"]}, True),
        ({"items": FILE}, True),
        ({}, False),
        ({"items": {}}, False),
        ({"anyOf": [{"type": "object"}, TEXT]}, False),
        ({"prefixItems": [TEXT]}, False),
        ({"enum": list(range(251))}, False),
        ({**RECORD, "required": ["a"]}, False),
        ({"properties": {"a": {}}, "required": ["a"]}, False),
        ({"properties": {str(i): TEXT for i in range(100)}, "required": [str(i) for i in range(100)]}, False),
        ({"items": {"items": {"items": TEXT}}}, True),
        ({"items": {"items": {"items": FILE}}}, True),
        ({"items": {"items": {"items": {"items": TEXT}}}}, False),
        ({"enum": ["a", 1]}, False),
    ],
)
def test_what_a_strict_schema_can_say(schema: Any, is_strict: bool) -> None:
    assert (strict(parameter("x", schema)) is not None) is is_strict


def choice(count: int, length: int = 3) -> dict[str, Any]:
    return {"enum": [f"{number:0{length}}" for number in range(count)]}


def test_a_strict_schema_has_five_hundred_choices_at_most() -> None:
    many = {"type": "array", "items": {"anyOf": [choice(250), {"type": "null"}]}}
    assert strict(parameter("a", choice(250)), parameter("b", many)) is not None
    assert strict(parameter("a", choice(250)), parameter("b", many), parameter("c", choice(1))) is None


def test_the_names_in_a_strict_schema_have_fifteen_thousand_characters_at_most() -> None:
    item = {"type": "object", "properties": {"key": choice(100, 149)}, "required": ["key"]}
    assert strict(parameter("a" * 64, item), parameter("b" * 33, TEXT)) is not None
    assert strict(parameter("a" * 64, item), parameter("b" * 34, TEXT)) is None


def test_a_strict_schema_has_a_hundred_properties_at_most() -> None:
    assert strict(*[parameter(f"p{i}", TEXT) for i in range(100)]) is not None
    assert strict(*[parameter(f"p{i}", TEXT) for i in range(101)]) is None


# The way back.


def test_tools_have_the_names_of_their_definitions() -> None:
    app = app_of({"/a b": None, "/c": None})
    assert tool(app, "a_b").api_name == "/a b"
    with pytest.raises(ArgumentError, match="there is no tool '/c'; the app's tools: 'a_b', 'c'"):
        tool(app, "/c")


def test_arguments_come_by_name_and_go_by_position() -> None:
    app = app_with(
        parameter("class", TEXT),
        parameter("b", {"type": "number"}, default=3),
        parameter("c", TEXT, default=None),
        parameter(None, {"type": "array"}, default=[1], label="L"),
    )
    assert arguments(app, {"class": "x"}) == ["x", 3, None, [1]]
    assert arguments(app, {"class": "x", "b": None, "c": None, "l": [2]}) == ["x", 3, None, [2]]
    assert arguments(app, '{"class": "x", "b": 4}') == ["x", 4, None, [1]]
    arguments(app, {"class": "x"})[3].append(2)
    assert arguments(app, {"class": "x"})[3] == [1]


def test_the_names_are_those_of_the_schema() -> None:
    app = app_with(parameter("class", TEXT), parameter(None, TEXT, label="L"))
    tool = tools_of(app, "mcp")[0]
    assert arguments(app, dict.fromkeys(tool["inputSchema"]["properties"], "x")) == ["x", "x"]


@pytest.mark.parametrize("nothing", ["", "{}", {}])
def test_a_tool_without_parameters_takes_nothing(nothing: Any) -> None:
    assert arguments(app_with(), nothing) == []


@pytest.mark.parametrize("given", ["[1]", "x", "null", "[" * 500 + "]" * 500, [1], 3])
def test_arguments_that_are_no_object(given: Any) -> None:
    with pytest.raises(ArgumentError, match="the arguments of a tool"):
        arguments(app_with(), given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "/f needs 'a', 'b': it takes 'a', 'b'"),
        ({"a": 1}, "/f needs 'b': it takes 'a', 'b'"),
        ({"a": 1, "b": 1, "\x1b": 1}, r"/f has no argument '\\x1b': it takes 'a', 'b'"),
    ],
)
def test_arguments_that_do_not_fit(given: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        arguments(app_with(parameter("a", TEXT), parameter("b", TEXT)), given)
    assert str(caught.value) == words.replace("\\\\", "\\\\")


def test_too_many_arguments() -> None:
    with pytest.raises(TypeError, match="has no argument 'x': it takes none"):
        arguments(app_with(), {"x": 1})


# Files.

MESSAGE = {"properties": {"text": TEXT, "files": {"items": FILE}}, "required": ["text"]}
THE_PHOTO = ("bytes", "photo.png", b"x")
THE_CAT = ("url", "cat.png", URL)


@pytest.mark.parametrize(
    ("schema", "given", "found"),
    [
        (FILE, "photo", THE_PHOTO),
        (FILE, PHOTO, THE_PHOTO),
        (FILE, URL, THE_CAT),
        (FILE, "HTTPS://example.org/", ("url", "file", "HTTPS://example.org/")),
        (FILE, None, None),
        ({"items": FILE}, ["photo", URL], [THE_PHOTO, THE_CAT]),
        ({"items": FILE}, "photo", "photo"),
        ({"prefixItems": [TEXT, FILE]}, ["photo", "photo"], ["photo", THE_PHOTO]),
        ({"prefixItems": [TEXT, FILE]}, ["photo"], ["photo"]),
        ({"type": "object", "additionalProperties": FILE}, {"a": "photo"}, {"a": THE_PHOTO}),
        (MESSAGE, {"text": "photo", "files": ["photo"]}, {"text": "photo", "files": [THE_PHOTO]}),
        (MESSAGE, {"text": "photo", "other": "photo"}, {"text": "photo", "other": "photo"}),
        (MESSAGE, "photo", "photo"),
        ({"anyOf": [FILE, {"type": "null"}]}, "photo", THE_PHOTO),
        ({"anyOf": [FILE, TEXT]}, "photo", "photo"),
        ({"anyOf": [FILE, TEXT]}, PHOTO, THE_PHOTO),
        ({"anyOf": [{"items": FILE}, TEXT]}, ["photo"], [THE_PHOTO]),
        ({"anyOf": [{"items": FILE}, TEXT]}, {"a": "photo"}, {"a": "photo"}),
        ({"anyOf": [{"items": FILE}, TEXT]}, PHOTO, THE_PHOTO),
        (
            {"anyOf": [{"type": "object", "additionalProperties": FILE}, TEXT]},
            {"a": "photo"},
            {"a": THE_PHOTO},
        ),
        ({"anyOf": [RECORD, MESSAGE]}, {"text": "", "files": [URL]}, {"text": "", "files": [THE_CAT]}),
        ({"anyOf": [RECORD, MESSAGE]}, {"files": [URL]}, {"files": [URL]}),
        (TEXT, "photo", "photo"),
        ({}, {"path": "photo"}, {"path": "photo"}),
    ],
)
def test_files_are_put_where_the_schema_has_one(schema: Any, given: Any, found: Any) -> None:
    assert described(read(schema, given)) == found


@pytest.mark.parametrize(
    "given",
    [
        *(
            "/etc/passwd",
            "photo.png",
            "file:///etc/passwd",
            "http://example.org/x",
            "https:/x",
            "",
            "C:\\x",
            "~/.netrc",
        ),
        *("https://example.org/a b", "https://example.org/\n", "data:text/plain,x", "\x1b[31m"),
        *({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, ["https://example.org/x"], 3, True),
    ],
)
@pytest.mark.parametrize("schema", [FILE, {"anyOf": [FILE, {"type": "null"}]}])
def test_nothing_else_is_a_file(schema: Any, given: Any) -> None:
    with pytest.raises(ArgumentError, match="https URL") as caught:
        read(schema, given)
    assert str(caught.value).isprintable()


def test_this_machine_fetches_nothing_for_a_model() -> None:
    # An app of Gradio 3.x fetches no URLs: its clients do, from where they are.
    app = app_with(parameter("x", FILE), protocol="ws")
    assert arguments(app, {"x": "photo"}, {"photo": PHOTO}) == [PHOTO]
    with pytest.raises(ArgumentError, match="this machine does not fetch"):
        arguments(app, {"x": URL})


def sources(value: Any) -> Iterator[FileInput]:
    if isinstance(value, FileInput):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from sources(item)
    elif isinstance(value, dict):
        yield from sources(list(value.values()))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts, st.just(URL), st.just("photo")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(texts, st.just("path")), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(schemas, json_values)
def test_no_argument_of_a_model_opens_a_file(schema: Any, given: Any) -> None:
    try:
        found = read(schema, given)
    except ArgumentError:
        return
    for file in sources(found):
        assert file is PHOTO or (file.kind == "url" and str(file.source).lower().startswith("https://"))
