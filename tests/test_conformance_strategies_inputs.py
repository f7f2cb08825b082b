"""The strategies for apps, and for the inputs of their endpoints: of recorded apps, of drawn ones, of odd ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from recorded import body, versions

from gradio_proto.api_info import parse_api_info
from gradio_proto.config import parse_config, parse_render_config, parse_version
from gradio_proto.conformance.schemas import violations
from gradio_proto.conformance.strategies import VERSIONS, DrawnApp, FileToSend, apps, inputs
from gradio_proto.conformance.strategies.apps import _function, _renders_nothing, render_config
from gradio_proto.endpoints import App, Endpoint
from gradio_proto.files import replace_in
from gradio_proto.testing import Rendering
from gradio_proto.testing.generations import PROTOCOLS, Generation

MANY = settings(max_examples=5_000, database=None, derandomize=True, phases=[Phase.generate])
"""To see that something is drawn at all."""

FEW = settings(max_examples=8, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def sent(value: Any) -> Any:
    """Inputs with the files in them as they are sent."""
    return replace_in(value, lambda part: part.as_json("/tmp/x") if isinstance(part, FileToSend) else part)


def fits(schema: Any, value: Any) -> bool:
    try:
        return jsonschema_rs.Draft202012Validator(schema).is_valid(value)
    except ValueError:
        assert '"type": {}' in json.dumps(schema)  # which no validator reads
        return True


def check(endpoint: Endpoint, data: list[Any]) -> None:
    """That inputs are what the endpoint's own description says."""
    assert len(data) == max(len(endpoint.inputs), len(endpoint.parameters))
    assert json.dumps(sent(data), allow_nan=False).encode()
    shown = []
    for value, component in zip(data, endpoint.inputs, strict=False):
        if component is not None and (component.skip_api or component.is_state):
            assert value is None
        else:
            shown.append(value)
    for value, parameter in zip(shown, endpoint.parameters, strict=True):
        if parameter.has_default and value == parameter.default:
            continue
        assert endpoint.is_legacy or fits(parameter.type, sent(value))


# Recorded apps.


def recorded_app(version: str) -> App:
    info = body(version, "info" if version < "5" else "gradio_api_info")
    return App(parse_config(body(version, "config")), parse_api_info(info))


def of_each_kind(version: str) -> list[Endpoint]:
    """The recorded endpoints, each that takes the same as another but once."""
    kinds: dict[str, Endpoint] = {}
    for endpoint in recorded_app(version).endpoints.values():
        taken = [
            [parameter.type, parameter.component, parameter.default] for parameter in endpoint.parameters
        ]
        kinds.setdefault(json.dumps([taken, endpoint.has_state]), endpoint)
    return [*kinds.values()]


@pytest.mark.parametrize("version", versions())
def test_the_inputs_of_recorded_endpoints(version: str) -> None:
    @FEW
    @given(st.tuples(*[inputs(endpoint) for endpoint in of_each_kind(version)]))
    def valid(drawn: tuple[list[Any], ...]) -> None:
        for endpoint, data in zip(of_each_kind(version), drawn, strict=True):
            check(endpoint, data)

    valid()


@pytest.mark.parametrize("version", ["3.50.2", "6.31.0"])
def test_hostile_inputs(version: str) -> None:
    @FEW
    @given(st.tuples(*[inputs(endpoint, hostile=True) for endpoint in of_each_kind(version)]))
    def written(drawn: tuple[list[Any], ...]) -> None:
        assert json.dumps(sent(list(drawn)))

    written()


def named(version: str, name: str) -> Endpoint:
    return recorded_app(version).resolve(name)


@pytest.mark.parametrize(
    ("version", "name", "is_such"),
    [
        ("3.36.1", "/calc", lambda data: data[1] == "sub"),
        ("3.50.2", "/calc", lambda data: data[1] == "sub"),
        ("6.31.0", "/calc", lambda data: data[1] == "sub"),
        ("3.50.2", "/image", lambda data: data[0].form == "inline" and data[0].content[:4] == b"\x89PNG"),
        ("3.50.2", "/file", lambda data: data[0].form == "legacy"),
        ("3.50.2", "/files", lambda data: len(data[0]) == 2),
        ("3.50.2", "/chat", lambda data: data[1] and data[1][0][1] is None),
        ("6.31.0", "/image", lambda data: data[0].name.endswith(".png") and data[0].needs_upload),
        ("6.31.0", "/files", lambda data: len(data[0]) == 2),
        ("6.31.0", "/json", lambda data: isinstance(data[0], dict)),
    ],
)
def test_inputs_are_what_components_take(version: str, name: str, is_such: Callable[[Any], bool]) -> None:
    find(inputs(named(version, name)), lambda data: bool(is_such(data)), settings=MANY)


# Components that know more than their schemas.


def an_endpoint(
    type: str, schema: Any = None, *, version: str = "6.31.0", default: Any = None, **props: Any
) -> Endpoint:
    """An endpoint with one input."""
    config = {
        "version": version,
        **({"protocol": PROTOCOLS[version]} if version > "4" else {}),
        "components": [{"id": 1, "type": type, "props": props, "skip_api": False, "api_info": schema}],
        "dependencies": [{"id": 0, "api_name": "f", "inputs": [1], "outputs": []}],
    }
    parameter: dict[str, Any] = {"type": schema, "component": type.capitalize(), "parameter_name": "x"}
    if default is not None:
        parameter |= {"parameter_has_default": True, "parameter_default": default}
    info = {"named_endpoints": {"/f": {"parameters": [parameter], "returns": []}}}
    return App(parse_config(config), parse_api_info(info)).endpoints[0]


STRING = {"type": "string"}
NUMBER = {"type": "number"}

TAKEN: dict[str, tuple[Endpoint, Callable[[Any], bool]]] = {
    "a slider": (
        an_endpoint("slider", NUMBER, minimum=2, maximum=3, step=0.25),
        lambda value: value in (2, 2.25, 2.5, 2.75, 3),
    ),
    "a slider without a step": (
        an_endpoint("slider", NUMBER, minimum=2, maximum=3),
        lambda value: 2 <= value <= 3,
    ),
    "a slider without bounds": (an_endpoint("slider", NUMBER, maximum=True), lambda value: abs(value) <= 100),
    "a whole number": (an_endpoint("number", NUMBER, precision=0), lambda value: type(value) is int),
    "a whole number (schema)": (an_endpoint("number", {"type": "integer"}), lambda value: type(value) is int),
    "a number in bounds": (
        an_endpoint("number", NUMBER, minimum=500, maximum=501),
        lambda value: 500 <= value <= 501,
    ),
    "a number of nothing": (
        an_endpoint("number", {"type": "boolean"}, minimum=2, maximum=1),
        lambda value: type(value) is bool,
    ),
    "a short text": (an_endpoint("textbox", STRING, max_length=2), lambda value: len(value) <= 2),
    "a text": (an_endpoint("textbox", STRING), lambda value: len(value) <= 8),
    "choices with labels": (
        an_endpoint("radio", STRING, choices=[["A", 1], ["B", 2]]),
        lambda value: value in (1, 2),
    ),
    "no choices": (an_endpoint("radio", STRING, choices=[]), lambda value: value is None),
    "no list of choices": (
        an_endpoint("dropdown", {"enum": ["x"]}, choices=None),
        lambda value: value == "x",
    ),
    "several choices": (
        an_endpoint("dropdown", STRING, choices=["a", "b", "c"], multiselect=True, max_choices=2),
        lambda value: len({*value} & {*"abc"}) == len(value) <= 2,
    ),
    "boxes": (an_endpoint("checkboxgroup", STRING, choices=["a", "b"]), lambda value: {*value} <= {"a", "b"}),
    "no boxes": (an_endpoint("checkboxgroup", STRING, choices=[]), lambda value: value == []),
    "a color": (an_endpoint("colorpicker", STRING), lambda value: bool(re.fullmatch("#[0-9a-f]{6}", value))),
    "a date": (
        an_endpoint("datetime", STRING, include_time=False),
        lambda value: value.startswith("2024-02-"),
    ),
    "a time": (an_endpoint("datetime", STRING), lambda value: value.startswith("2024-02-29 12:34:")),
    "a path": (an_endpoint("fileexplorer", STRING), lambda value: value == []),
    "a table": (
        an_endpoint("dataframe", {}),
        lambda value: (
            all(len(row) == len(value["headers"]) for row in value["data"]) and value["metadata"] is None
        ),
    ),
    "a table with a header": (
        an_endpoint("dataframe", {}, headers=["a", "b"]),
        lambda value: value["headers"] == ["a", "b"] and len(value["data"][0]) == 2,
    ),
    "a table of 3.x": (
        an_endpoint("dataframe", {}, version="3.50.2"),
        lambda value: [*value] == ["headers", "data"],
    ),
    "a drawing of 3.x": (
        an_endpoint("image", STRING, version="3.50.2", tool="sketch"),
        lambda value: value is None,
    ),
    "a gallery of 3.x": (an_endpoint("gallery", {}, version="3.50.2"), lambda value: value is None),
    "something unknown": (an_endpoint("custom", {"const": 5}), lambda value: value == 5),
    "nothing known": (an_endpoint("", {"const": 5}), lambda value: value == 5),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_known_of_components(name: str) -> None:
    endpoint, is_taken = TAKEN[name]

    @settings(max_examples=30, deadline=None, database=None)
    @given(inputs(endpoint))
    def taken(data: list[Any]) -> None:
        assert len(data) == 1
        assert is_taken(data[0])

    taken()


FILE_DATA = {"type": "object", "properties": {name: {} for name in ("path", "url", "size", "orig_name")}}


@pytest.mark.parametrize(
    ("type", "file_types", "suffix", "head"),
    [
        ("file", [".csv"], ".csv", b""),
        ("file", ["image"], ".png", b"\x89PNG"),
        ("file", ["audio", ".x"], ".wav", b"RIFF"),
        ("file", ["text"], ".text", b""),
        ("audio", None, ".wav", b"RIFF"),
        ("file", [], "", b""),
    ],
)
def test_files_of_the_types_that_are_taken(type: str, file_types: Any, suffix: str, head: bytes) -> None:
    @settings(max_examples=20, deadline=None, database=None)
    @given(inputs(an_endpoint(type, FILE_DATA, file_types=file_types), hostile=True))
    def taken(data: list[Any]) -> None:
        (file,) = data
        assert isinstance(file, FileToSend)
        assert file.name.endswith(suffix)
        assert file.content.startswith(head)

    taken()


def test_defaults_are_sent_now_and_then() -> None:
    default = ["the default"]
    endpoint = an_endpoint("json", {"type": {}}, default=default)
    (value,) = find(inputs(endpoint), lambda data: data == [default], settings=MANY)
    value.append("mine")
    assert endpoint.parameters[0].default == ["the default"]
    find(inputs(endpoint), lambda data: data != [default], settings=MANY)


def test_an_input_that_the_config_does_not_hold() -> None:
    config = {
        "version": "6.31.0",
        "protocol": "sse_v3",
        "components": [],
        "dependencies": [{"id": 0, "api_name": "f", "inputs": []}],
    }
    parameters = [{"type": {"const": 1}, "component": "Custom"}, {"type": {"const": 2}}]
    info = {"named_endpoints": {"/f": {"parameters": parameters}}}
    endpoint = App(parse_config(config), parse_api_info(info)).endpoints[0]
    assert find(inputs(endpoint), lambda data: True) == [1, 2]


# Drawn apps.


@pytest.mark.parametrize("version", VERSIONS)
def test_drawn_apps(version: str) -> None:
    number = parse_version(version)

    @FEW
    @given(st.data(), apps(version))
    def valid(data: st.DataObject, drawn: DrawnApp) -> None:
        assert drawn.version == version
        assert violations("replies/config", drawn.config, number) == []
        assert violations("replies/info", drawn.info, number) == []
        assert json.dumps([drawn.config, drawn.info], allow_nan=False).encode()
        app = drawn.app
        assert app.config.version_info == number
        assert len(app.endpoints) == len(drawn.config["dependencies"])
        described: Mapping[str, Any] = app.info.named
        for name in described:
            assert app.resolve(name).info is described[name]
        for fn_index in app.info.unnamed:
            assert app.endpoints[fn_index].api_name is None
        for endpoint in app.endpoints.values():
            check(endpoint, data.draw(inputs(endpoint)))

    valid()


@pytest.mark.parametrize(
    ("version", "is_such"),
    [
        ("6.31.0", lambda app: any(e.visibility == "private" for e in app.endpoints.values())),
        ("6.31.0", lambda app: any(e.is_stream for e in app.endpoints.values())),
        ("6.31.0", lambda app: any(e.oauth_token == "required" for e in app.endpoints.values())),
        (
            "6.31.0",
            lambda app: any("FileData" in json.dumps(dict(e.raw)) for e in app.info.named.values()),
        ),
        ("5.49.1", lambda app: any(e.dependency.raw["render_id"] == 0 for e in app.endpoints.values())),
        ("4.44.1", lambda app: any(not e.dependency.backend_fn for e in app.endpoints.values())),
        ("4.44.1", lambda app: any(e.dependency.cancels for e in app.endpoints.values())),
        ("4.44.1", lambda app: app.config.connect_heartbeat),
        ("4.21.0", lambda app: any(e.is_generator and e.has_state for e in app.endpoints.values())),
        ("4.0.2", lambda app: any(e.dependency.batch for e in app.endpoints.values())),
        ("3.50.2", lambda app: len(app.info.unnamed) > 1),
        ("3.36.1", lambda app: any(e.dependency.queue is False for e in app.endpoints.values())),
    ],
)
def test_drawn_apps_have_what_apps_have(version: str, is_such: Callable[[App], bool]) -> None:
    find(apps(version), lambda drawn: bool(is_such(drawn.app)), settings=MANY)


def test_apps_of_any_version() -> None:
    assert find(apps(), lambda drawn: drawn.version == "4.0.2", settings=MANY).version == "4.0.2"
    with pytest.raises(ValueError, match="no recorded version"):
        apps("1.0")


def test_how_a_drawn_app_is_shown() -> None:
    drawn = find(apps("4.44.1"), lambda drawn: len(drawn.config["dependencies"]) == 1, settings=MANY)
    assert repr(drawn) == f"DrawnApp('4.44.1', endpoints=[{drawn.config['dependencies'][0]['api_name']!r}])"


def test_the_functions_of_drawn_apps() -> None:
    """They are there to be described, and give back what they are given."""
    assert _function(["a"], is_generator=False, doc="")(1) == (1,)
    assert [*_function(["a"], is_generator=True, doc="")(1)] == [(1,)]
    rendering = Rendering(Generation("6.31.0"), 1)
    _renders_nothing(rendering=rendering)
    assert rendering.endpoints == []


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_what_a_render_tells(version: str) -> None:
    told = render_config(version, ["box", "go"])
    assert violations("values/render_config", told, parse_version(version)) == []
    parsed = parse_render_config(told)
    assert [dependency.api_name for dependency in parsed.dependencies] == ["box", "go"]
    assert all(id in parsed.components for dependency in parsed.dependencies for id in dependency.inputs)
