from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_values import VERSIONS, config_text, every_field_spoiled, spoiled

from gradio_proto.config import (
    SUPPORTED_PROTOCOLS,
    UNKNOWN_COMPONENT,
    AppConfig,
    check_protocol,
    extract_config_from_html,
    parse_config,
    parse_render_config,
    parse_version,
)
from gradio_proto.errors import RemoteProtocolError, UnsupportedProtocol


def recorded(version: str) -> AppConfig:
    return parse_config(json.loads(config_text(version)))


def config_of(**fields: Any) -> AppConfig:
    return parse_config(
        {"version": "6.31.0", "protocol": "sse_v3", "components": [], "dependencies": [], **fields}
    )


class TestRecorded:
    @pytest.mark.parametrize(
        ("version", "protocol", "prefix", "heartbeat"),
        [
            ("3.50.2", "ws", "", False),
            ("4.13.0", "sse_v1", "", False),
            ("4.44.1", "sse_v3", "", True),
            ("5.49.1", "sse_v3", "/gradio_api", True),
            ("6.31.0", "sse_v3", "/gradio_api", True),
        ],
    )
    def test_app(self, version: str, protocol: str, prefix: str, heartbeat: bool) -> None:
        config = recorded(version)
        assert config.version == version
        assert config.version_info == tuple(int(part) for part in version.split("."))
        assert (config.protocol, config.api_prefix, config.connect_heartbeat) == (protocol, prefix, heartbeat)
        assert isinstance(config.app_id, int)
        assert (config.enable_queue, config.show_error, config.auth_required) == (True, True, False)
        assert (config.space_id, config.username) == (None, None)
        assert (config.auth_message, config.max_file_size) == (None, None)
        assert config.raw["version"] == version

    @pytest.mark.parametrize("version", VERSIONS)
    def test_dependencies(self, version: str) -> None:
        config = recorded(version)
        by_name = {dependency.api_name: dependency for dependency in config.dependencies}
        assert [dependency.fn_index for dependency in config.dependencies] == list(
            range(len(config.dependencies))
        )
        assert by_name["count"].is_generator
        assert not by_name["calc"].is_generator
        assert by_name["batch"].batch
        assert by_name["noqueue"].queue is False
        assert by_name["calc"].queue is (None if version in ("3.50.2", "4.13.0") else True)
        assert by_name["seldata"].collects_event_data
        assert any(dependency.cancels for dependency in config.dependencies)
        assert all(
            dependency.backend_fn for dependency in config.dependencies if dependency.api_name == "calc"
        )
        calc = by_name["calc"]
        assert [config.components[id].label for id in calc.inputs] == ["N in", "Op", "N2"]
        assert [config.components[id].type for id in calc.outputs] == ["number", "textbox"]
        states = [component for component in config.components.values() if component.is_state]
        assert states
        assert all(component.skip_api for component in states)
        assert not config.components[calc.inputs[0]].skip_api

    def test_visibility(self) -> None:
        names = {
            version: {
                dependency.api_name: dependency.visibility for dependency in recorded(version).dependencies
            }
            for version in VERSIONS
        }
        assert {version: names[version]["calc"] for version in VERSIONS} == dict.fromkeys(VERSIONS, "public")
        assert names["3.50.2"][False] == names["4.13.0"][False] == names["5.49.1"][False] == "private"
        assert names["4.13.0"]["undoc"] == names["4.44.1"]["undoc"] == "undocumented"
        assert names["6.31.0"]["undoc"] == "undocumented"
        assert names["6.31.0"]["private"] == "private"

    def test_features_of_newer_servers(self) -> None:
        config = recorded("6.31.0")
        by_name = {dependency.api_name: dependency for dependency in config.dependencies}
        frames = by_name["frames"]
        assert (frames.connection, frames.time_limit, frames.stream_every) == ("stream", 3, 0.5)
        assert by_name["calc"].connection == "sse"
        assert by_name["calc"].rendered_in is None
        component = config.components[by_name["calc"].inputs[0]]
        assert component.api_info == {"type": "number"}
        assert component.props["label"] == component.label == "N in"

    @pytest.mark.parametrize("version", VERSIONS)
    def test_is_a_value(self, version: str) -> None:
        config = recorded(version)
        assert pickle.loads(pickle.dumps(config)) == config == recorded(version)  # noqa: S301
        assert len(repr(config)) < 1000
        for value in (config, config.dependencies[0], next(iter(config.components.values()))):
            assert len(repr(value)) < 1000
            with pytest.raises(AttributeError):
                setattr(value, "raw", {})  # noqa: B010


class TestOddities:
    def test_unusable_as_a_whole(self) -> None:
        cases: list[tuple[Any, str]] = [
            (None, "config is not an object: None"),
            ([1, 2], "config is not an object: a list of 2"),
            ("<html>", "config is not an object: <html>"),
            (5, "config is not an object: a number"),
            (1.5, "config is not an object: 1.5"),
            (True, "config is not an object: True"),
            ({}, "config.dependencies is not a list: an empty object"),
            ({"detail": "Not Found"}, "config.dependencies is not a list: an object with the keys 'detail'"),
            ({"dependencies": {}}, "config.dependencies is not a list: an empty object"),
            ({"dependencies": None}, "config.dependencies is not a list: None"),
            ({"auth_required": True, "dependencies": 5}, "config.dependencies is not a list: a number"),
            ({"dependencies": [], "components": 5}, "config.components is not a list: a number"),
            ({"dependencies": [], "protocol": ["x"]}, "config.protocol is not a string: a list of 1"),
            ({"dependencies": [], "api_prefix": "http://evil"}, "config.api_prefix is not a plain path"),
        ]
        for value, words in cases:
            with pytest.raises(RemoteProtocolError) as caught:
                parse_config(value)
            assert words in str(caught.value)

    def test_gradio_2(self) -> None:
        with pytest.raises(UnsupportedProtocol, match="Gradio 2"):
            parse_config({"version": "2.9.4", "allow_flagging": "never", "input_components": []})

    def test_what_gradio_2_said_may_be_said_by_a_newer_one(self) -> None:
        assert config_of(allow_flagging="never").version == "6.31.0"

    def test_what_is_unusable_is_quoted_in_short(self) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            parse_config({"k" * 50: 1, **dict.fromkeys("abcdefgh")})
        assert caught.value.data == f"an object with the keys '{'k' * 40}', " + ", ".join(
            map(repr, "abcdefg")
        )

    def test_what_an_app_may_say_of_itself(self) -> None:
        config = config_of(
            space_id="user/space",
            username="ann",
            auth_message="hello",
            max_file_size=1000,
            connect_heartbeat=True,
            show_error=True,
            api_prefix="/api",
        )
        assert (config.space_id, config.username, config.auth_message) == ("user/space", "ann", "hello")
        assert (config.max_file_size, config.connect_heartbeat, config.show_error) == (1000, True, True)
        assert (config.api_prefix, config.auth_required) == ("/api", False)

    def test_what_it_says_in_another_type_counts_as_not_said(self) -> None:
        config = config_of(
            space_id=1,
            username=True,
            max_file_size=True,
            connect_heartbeat=1,
            show_error="true",
            auth_required="yes",
            api_prefix=None,
            root=7,
            app_id=1.5,
        )
        assert (config.space_id, config.username, config.max_file_size) == (None, None, None)
        assert (config.connect_heartbeat, config.show_error, config.auth_required) == (False, False, False)
        assert (config.api_prefix, config.root, config.app_id) == ("", "", None)

    @pytest.mark.parametrize(
        ("fields", "is_queued"),
        [
            ({}, False),
            ({"protocol": None, "enable_queue": True}, True),
            ({"protocol": "ws", "enable_queue": True}, True),
            ({"protocol": "ws", "enable_queue": 1}, False),
            ({"protocol": "sse"}, True),
            ({"protocol": "sse_v3", "enable_queue": False}, True),
        ],
    )
    def test_only_up_to_3x_can_an_app_be_without_a_queue(
        self, fields: dict[str, Any], is_queued: bool
    ) -> None:
        assert parse_config({"dependencies": [], **fields}).enable_queue is is_queued

    def test_what_the_library_does_not_read_makes_no_difference(self) -> None:
        one, other = (
            config_of(
                new=new, components=[{"id": 1, "new": new}], dependencies=[{"api_name": "f", "new": new}]
            )
            for new in (1, 2)
        )
        assert one == other
        assert one.raw != other.raw
        assert config_of(version="6.31.0") != config_of(version="6.30.0")

    def test_a_repr_shows_what_identifies_it_and_not_all_that_was_sent(self) -> None:
        long = {"long": "x" * 100}
        config = config_of(
            more=long,
            components=[{"id": 1, "type": "textbox", "props": {"label": "Name", **long}, "api_info": long}],
            dependencies=[{"api_name": "greet", **long}],
        )
        for value in (config, config.components[1], config.dependencies[0]):
            assert "x" * 100 not in repr(value)
        assert "Name" in repr(config.components[1])
        assert "greet" in repr(config.dependencies[0])
        assert "greet" not in repr(config)
        assert "Name" not in repr(config)

    def test_where_the_app_says_that_it_is(self) -> None:
        assert parse_config({"dependencies": [], "root": "http://app/sub"}).root == "http://app/sub"

    def test_least_config(self) -> None:
        config = parse_config({"dependencies": []})
        assert (config.version, config.version_info, config.protocol) == ("", (0, 0, 0), "ws")
        assert (config.api_prefix, config.root, config.enable_queue) == ("", "", False)
        assert (config.components, config.dependencies) == ({}, ())

    def test_page_of_a_login(self) -> None:
        empty: tuple[dict[str, Any], ...] = ({}, {"components": [], "dependencies": []})
        for fields in empty:
            config = parse_config(
                {"auth_required": True, "auth_message": "please log in", "space_id": None, **fields}
            )
            assert (config.auth_required, config.auth_message) == (True, "please log in")
            assert config.dependencies == ()

    def test_version_with_white_space(self) -> None:
        assert config_of(version="3.36.1\n").version == "3.36.1"
        assert config_of(version=6).version == ""

    def test_ids_as_strings(self) -> None:
        config = config_of(
            components=[{"id": "3", "type": "Textbox"}, {"id": "x", "type": "Textbox"}, None],
            dependencies=[
                {"id": "7", "inputs": ["3", 4, None, "x", True]},
                {"id": "1" * 18, "inputs": ["-2", "1" * 19, "1x"], "outputs": ["3", 1.0]},
            ],
        )
        assert [(component.id, component.type) for component in config.components.values()] == [
            (3, "textbox")
        ]
        dependency = config.dependencies[0]
        assert dependency.fn_index == 7
        assert dependency.inputs == (3, 4, UNKNOWN_COMPONENT, UNKNOWN_COMPONENT, UNKNOWN_COMPONENT)
        assert config.dependencies[1].fn_index == int("1" * 18)
        assert config.dependencies[1].inputs == (-2, UNKNOWN_COMPONENT, UNKNOWN_COMPONENT)
        assert config.dependencies[1].outputs == (3, UNKNOWN_COMPONENT)

    def test_what_is_no_id_is_no_component(self) -> None:
        config = config_of(components=[{"id": id} for id in range(3)], dependencies=[{"inputs": [None]}])
        assert config.dependencies[0].inputs[0] not in config.components

    def test_position_counts_entries_that_are_none(self) -> None:
        config = config_of(dependencies=[{}, None, {"api_name": "x", "cancels": [0, "x", "1"]}])
        assert [dependency.fn_index for dependency in config.dependencies] == [0, 2]
        assert config.dependencies[1].cancels == (0, 1)

    def test_types_of_components_without_skip_api(self) -> None:
        config = config_of(
            components=[
                {"id": 1, "type": "state"},
                {"id": 2, "type": "row", "skip_api": None},
                {"id": 3, "type": "row", "skip_api": False},
                {"id": 4, "type": 5, "props": [], "api_info": "x"},
                {"id": 5, "props": {"label": 7}, "api_info": {"info": "i", "type": "string"}},
                {
                    "id": 6,
                    "type": "TextBox",
                    "api_info": {"info": {"type": "string"}, "serialized_info": True},
                },
            ]
        )
        found = {id: (component.skip_api, component.is_state) for id, component in config.components.items()}
        assert found == {
            1: (True, True),
            2: (True, False),
            3: (False, False),
            **dict.fromkeys((4, 5, 6), (False, False)),
        }
        told = [config.components[id] for id in (4, 5, 6)]
        assert [component.type for component in told] == ["", "", "textbox"]
        assert [component.label for component in told] == [None, None, None]
        # 3.x has the schema beside what is for its own client.
        assert [component.api_info for component in told] == [
            "x",
            {"info": "i", "type": "string"},
            {"type": "string"},
        ]

    @pytest.mark.parametrize(
        "type_",
        [
            *("row", "column", "tabs", "tab", "tabitem", "box", "form", "accordion", "group", "sidebar"),
            *("state", "interpretation", "dataset"),
        ],
    )
    def test_what_has_no_value_on_3x(self, type_: str) -> None:
        config = config_of(components=[{"id": 1, "type": type_}, {"id": 2, "type": f"{type_}s"}])
        assert config.components[1].skip_api
        assert not config.components[2].skip_api or type_ == "tab"

    @pytest.mark.parametrize(
        ("fields", "visibility"),
        [
            ({}, "public"),
            ({"api_name": False}, "private"),
            ({"show_api": False}, "undocumented"),
            ({"api_name": False, "show_api": False}, "private"),
            ({"api_visibility": "private", "show_api": True}, "private"),
            ({"api_visibility": "secret"}, "undocumented"),
            ({"api_visibility": None}, "public"),
        ],
    )
    def test_visibility(self, fields: dict[str, Any], visibility: str) -> None:
        assert config_of(dependencies=[fields]).dependencies[0].visibility == visibility

    def test_continuous_functions_of_3x_are_generators(self) -> None:
        config = config_of(dependencies=[{"types": {"continuous": True, "generator": False}}, {"types": []}])
        assert [dependency.is_generator for dependency in config.dependencies] == [True, False]

    def test_flags_that_are_no_booleans_are_not_set(self) -> None:
        config = config_of(
            dependencies=[
                {
                    "types": {"generator": 1, "continuous": "yes"},
                    "batch": 1,
                    "queue": "x",
                    "backend_fn": None,
                    "connection": "other",
                    "collects_event_data": 1,
                    "api_name": 5,
                    "rendered_in": "x",
                },
                {"queue": False, "backend_fn": True, "rendered_in": 7, "show_api": True},
            ]
        )
        one, other = config.dependencies
        assert (one.is_generator, one.batch, one.queue, one.backend_fn) == (False, False, None, True)
        assert (one.connection, one.collects_event_data, one.api_name) == ("sse", False, None)
        assert (one.rendered_in, one.visibility) == (None, "public")
        assert (other.queue, other.backend_fn, other.rendered_in) == (False, True, 7)

    def test_numbers_that_no_deadline_can_be_made_of(self) -> None:
        config = config_of(
            dependencies=[
                {"time_limit": float("nan"), "stream_every": "x"},
                {"time_limit": True, "stream_every": 1},
                {"time_limit": float("inf"), "stream_every": 0.5},
            ]
        )
        assert [(d.time_limit, d.stream_every) for d in config.dependencies] == [
            (None, None),
            (None, 1),
            (None, 0.5),
        ]

    @pytest.mark.parametrize("app_id", [12, "abc", 16538474280455143519])
    def test_app_id(self, app_id: Any) -> None:
        assert config_of(app_id=app_id).app_id == app_id

    def test_javascript_only_events(self) -> None:
        config = config_of(dependencies=[{"backend_fn": False}, {"backend_fn": True}, {}])
        assert [dependency.backend_fn for dependency in config.dependencies] == [False, True, True]


def test_what_a_render_has_made() -> None:
    made = parse_render_config(
        {
            "render_id": 3,
            "components": [{"id": 7, "type": "Textbox"}, None],
            "dependencies": [
                {"id": 9, "api_name": "f", "rendered_in": 1},
                {"api_name": "g"},
                None,
                {"id": "x"},
            ],
        }
    )
    assert made.render_id == 3
    assert [(id, component.type) for id, component in made.components.items()] == [(7, "textbox")]
    assert [(made.fn_index, made.api_name, made.rendered_in) for made in made.dependencies] == [(9, "f", 1)]
    nothing = parse_render_config({})
    assert (nothing.render_id, nothing.components, nothing.dependencies) == (None, {}, ())
    assert "textbox" not in repr(made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.31.0", (6, 31, 0)),
        ("6.31.0.dev1", (6, 31, 0)),
        ("4.0.0b5", (4, 0, 0)),
        (" v5.1\n", (5, 1, 0)),
        ("7", (7, 0, 0)),
        ("", (0, 0, 0)),
        ("dev", (0, 0, 0)),
        ("1" * 5000, (111111, 0, 0)),
    ],
)
def test_versions(text: str, expected: tuple[int, int, int]) -> None:
    assert parse_version(text) == expected


class TestCheckProtocol:
    @pytest.mark.parametrize("protocol", SUPPORTED_PROTOCOLS)
    def test_supported(self, protocol: str) -> None:
        check_protocol(config_of(protocol=protocol))

    @pytest.mark.parametrize(
        ("protocol", "version", "words"),
        [
            (
                "sse_v4",
                "7.0.0",
                "'sse_v4' (Gradio 7.0.0); this library speaks ws, sse, sse_v1, sse_v2, sse_v2.1, sse_v3",
            ),
            ("sse_v9", None, "'sse_v9' (Gradio unknown)"),
        ],
    )
    def test_unsupported(self, protocol: str | None, version: str | None, words: str) -> None:
        with pytest.raises(UnsupportedProtocol) as caught:
            check_protocol(config_of(protocol=protocol, version=version))
        assert words in str(caught.value)


class TestHTML:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_recorded_config_in_a_page(self, version: str) -> None:
        text = config_text(version).strip()
        page = (
            "<html><script>if (window.gradio_config?.x) {}</script>\n"
            f"<script>window.gradio_config = {text};"
            '</script><script>window.gradio_api_info = {"a":{}};</script></html>'
        )
        assert extract_config_from_html(page) == text

    @pytest.mark.parametrize(
        ("page", "expected"),
        [
            ("", None),
            ("<html>{}</html>", None),
            ("window.gradio_config = ", None),
            ("window.gradio_config = null;", None),
            ("window.gradio_config = {", None),
            ('window.gradio_config = {"a": "}', None),
            ("window.gradio_config={};", "{}"),
            ("window.gradio_config" + " " * 20 + "=" + "\n" * 20 + "{};", "{}"),
            (r'window.gradio_config = {"a": "</script>}\"{\\"};</script>', r'{"a": "</script>}\"{\\"}'),
        ],
    )
    def test_pages(self, page: str, expected: str | None) -> None:
        assert extract_config_from_html(page) == expected

    @pytest.mark.parametrize(
        "page", ["window.gradio_config = {" * 50_000, 'window.gradio_config = {"' + '\\"' * 500_000]
    )
    def test_takes_linear_time(self, page: str) -> None:
        assert extract_config_from_html(page) is None

    @given(st.text(st.sampled_from('{}"\\ax;'), max_size=20))
    def test_text_of_any_object(self, text: str) -> None:
        value = json.dumps({"a": text, text: {"b": [text]}})
        assert extract_config_from_html(f"window.gradio_config = {value};</script>{text}") == value


FIELDS = (
    *("version", "components", "dependencies", "protocol", "api_prefix", "root", "space_id", "app_id"),
    *("enable_queue", "connect_heartbeat", "show_error", "max_file_size", "username"),
    *("components/*", "components/*/id", "components/*/type", "components/*/props", "components/*/skip_api"),
    *("components/*/props/label", "components/*/api_info"),
    *("dependencies/*", "dependencies/*/id", "dependencies/*/inputs", "dependencies/*/outputs"),
    *(
        "dependencies/*/inputs/*",
        "dependencies/*/outputs/*",
        "dependencies/*/cancels/*",
        "dependencies/*/queue",
    ),
    *(
        "dependencies/*/api_name",
        "dependencies/*/batch",
        "dependencies/*/types",
        "dependencies/*/types/generator",
    ),
    *("dependencies/*/backend_fn", "dependencies/*/connection", "dependencies/*/api_visibility"),
    *("dependencies/*/rendered_in", "dependencies/*/time_limit", "dependencies/*/stream_every"),
)


def test_every_field_spoiled() -> None:
    whole = {"components", "dependencies", "protocol", "api_prefix"}
    for case, value in every_field_spoiled(config_text("6.31.0"), FIELDS):
        try:
            parse_config(value)
        except RemoteProtocolError:
            assert case.partition(" ")[0] in whole, case


@settings(max_examples=150, deadline=None)
@given(spoiled(config_text))
def test_spoiled_configs_are_read_or_refused(value: Any) -> None:
    try:
        config = parse_config(value)
    except RemoteProtocolError:
        return
    assert isinstance(config.version, str)
    assert all(isinstance(dependency.fn_index, int) for dependency in config.dependencies)
    assert all(id == component.id for id, component in config.components.items())
