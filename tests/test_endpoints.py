from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_values import VERSIONS, config_text, info_text, spoiled

from gradio_proto.api_info import parse_api_info
from gradio_proto.config import parse_config
from gradio_proto.endpoints import App, Endpoint, copy_json, snake_case
from gradio_proto.errors import ArgumentError, RemoteProtocolError
from gradio_proto.files import file_output


def recorded(version: str, *, info: bool = True) -> App:
    config = parse_config(json.loads(config_text(version)))
    return App(config, parse_api_info(json.loads(info_text(version))) if info else None)


def parameter(name: str | None = None, **fields: Any) -> dict[str, Any]:
    named = {} if name is None else {"parameter_name": name, "parameter_has_default": False}
    return {"label": "", "type": {"type": "string"}, "component": "Textbox", **named, **fields}


def app_of(*dependencies: dict[str, Any], components: Any = (), **info: Any) -> App:
    config: dict[str, Any] = {"version": "6.31.0", "protocol": "sse_v3"}
    config |= {"components": list(components), "dependencies": list(dependencies)}
    endpoints: dict[str, Any] = {f"/{name}": {"parameters": parameters} for name, parameters in info.items()}
    return App(parse_config(config), parse_api_info({"named_endpoints": endpoints}))


def components_of(*types: str) -> list[dict[str, Any]]:
    return [
        {"id": id, "type": type, "skip_api": type in ("state", "button")} for id, type in enumerate(types)
    ]


def endpoint_of(*parameters: dict[str, Any], inputs: tuple[str, ...] | None = None) -> Endpoint:
    """An endpoint ``/f`` with these parameters, whose inputs are components of these types."""
    types = tuple("textbox" for _ in parameters) if inputs is None else inputs
    dependency = {"api_name": "f", "inputs": list(range(len(types)))}
    app = app_of(dependency, components=components_of(*types), f=list(parameters))
    return app.resolve("/f")


class TestSuccessor:
    def test_it_has_the_name_whatever_its_number(self) -> None:
        old, new = app_of({"api_name": "a"}, {"api_name": "b"}), app_of({"api_name": "b"}, {"api_name": "a"})
        assert new.successor(old.endpoints[0], old) is new.endpoints[1]
        assert new.successor(old.endpoints[1], old) is new.endpoints[0]

    def test_it_has_the_number_where_no_name_is_its_own(self) -> None:
        shared = {"api_name": "unnamed", "show_api": False}
        old, new = app_of(shared, shared, {}), app_of({"api_name": "a"}, shared, {})
        assert new.successor(old.endpoints[1], old) is new.endpoints[1]
        assert new.successor(old.endpoints[2], old) is new.endpoints[2]

    def test_it_is_gone(self) -> None:
        old, new = app_of({"api_name": "a"}, {"api_name": "b"}, {}), app_of({"api_name": "b"})
        for fn_index, what in ((0, "no endpoint '/a'"), (2, "fn_index 2")):
            with pytest.raises(ArgumentError, match=what):
                new.successor(old.endpoints[fn_index], old)

    def test_it_was_closed(self) -> None:
        old, new = app_of({"api_name": "a"}), app_of({"api_name": "a", "api_visibility": "private"})
        with pytest.raises(ArgumentError, match="private"):
            new.successor(old.endpoints[0], old)

    def test_what_render_made_is_not_in_another_session(self) -> None:
        rendered = {"api_name": "b", "id": 1, "rendered_in": 0}
        old = app_of({"api_name": "a", "id": 0}, rendered)
        with pytest.raises(ArgumentError, match=r"^/b was made by gr\.render in another session"):
            app_of({"api_name": "a", "id": 0}).successor(old.endpoints[1], old)
        new = app_of({"api_name": "a", "id": 0}, {**rendered, "id": 2})
        assert new.successor(old.endpoints[1], old) is new.endpoints[2]
        assert new.has(old.endpoints[1])
        nameless = app_of({"id": 5, "rendered_in": 0}).endpoints[5]
        assert not new.has(nameless)
        assert app_of({"id": 5}).has(nameless)


class TestListed:
    def test_each_name_once_in_the_order_of_the_app(self) -> None:
        app = app_of(
            {"api_name": "b"},
            {"api_name": "hidden", "show_api": False},
            {"api_name": "a"},
            {"api_name": "b"},
            {"api_name": "js", "backend_fn": False},
            {},
            {"api_name": False},
        )
        assert [endpoint.fn_index for endpoint in app.listed] == [0, 2]

    def test_twenty_are_named(self) -> None:
        for count, rest in ((20, "/n19"), (21, "/n19 and 1 more"), (22, "/n19 and 2 more")):
            with pytest.raises(ArgumentError) as caught:
                app_of(*({"api_name": f"n{number}"} for number in range(count))).resolve()
            assert str(caught.value).endswith(f", {rest}")
            with pytest.raises(ArgumentError) as caught:
                app_of(*({} for _ in range(count))).resolve()
            assert str(caught.value).endswith(", 18, 19)")

    def test_what_cannot_be_called_is_not_offered(self) -> None:
        app = app_of({"show_api": False}, {"api_visibility": "private"}, {"backend_fn": False}, {})
        with pytest.raises(ArgumentError, match=r"others can be called by fn_index= \(0, 3\)$"):
            app.resolve()

    def test_a_long_name_is_no_suggestion(self) -> None:
        for length, is_suggested in ((79, True), (80, False)):  # with its slash
            with pytest.raises(ArgumentError) as caught:
                app_of({"api_name": "a" * length}).resolve("/" + "a" * 77)
            assert ("did you mean" in str(caught.value)) is is_suggested


class TestResolve:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_by_name(self, version: str) -> None:
        app = recorded(version)
        assert app.resolve("/calc") is app.resolve("calc") is app.endpoints[1]
        assert app.resolve("/calc").label == "/calc"

    @pytest.mark.parametrize("version", VERSIONS)
    def test_by_index(self, version: str) -> None:
        app = recorded(version)
        assert app.resolve(fn_index=1).api_name == "/calc"
        assert app.resolve(fn_index=0).fn_index == 0

    def test_the_name_wins(self) -> None:
        assert recorded("6.31.0").resolve("/calc", 0).fn_index == 1

    def test_default(self) -> None:
        app = recorded("6.31.0")
        assert app.resolve(default="/calc").fn_index == 1
        assert app.resolve(default=2).api_name == "/count"
        assert app.resolve("/echo", default="/calc").fn_index == 0
        assert app.resolve(fn_index=0, default="/calc").fn_index == 0

    def test_unnamed_endpoints_of_3x(self) -> None:
        endpoint = recorded("3.50.2").resolve(fn_index=20)
        assert (endpoint.api_name, endpoint.label) == (None, "fn_index 20")
        assert endpoint.info is not None

    def test_unknown_names(self) -> None:
        with pytest.raises(ArgumentError) as caught:
            recorded("6.31.0").resolve("/clac")
        assert str(caught.value).startswith(
            "the app has no endpoint '/clac' (did you mean '/calc'?). Its endpoints: /echo, "
        )
        assert str(caught.value).endswith(" more")
        with pytest.raises(ArgumentError, match=r"no endpoint 'cout' \(did you mean '/count'\?\)"):
            recorded("6.31.0").resolve("cout")
        with pytest.raises(ArgumentError, match=r"no endpoint '/zzzzzz'\. Its endpoints: /a$"):
            app_of({"api_name": "a"}).resolve("/zzzzzz")

    def test_unknown_index(self) -> None:
        with pytest.raises(ArgumentError, match=r"no endpoint with fn_index 99\. Its endpoints: /a, /b$"):
            app_of({"api_name": "a"}, {"api_name": "b"}).resolve(fn_index=99)

    def test_arguments_of_other_types(self) -> None:
        app = recorded("6.31.0")
        wrong: Any
        for wrong in (0, False, b"/calc"):
            with pytest.raises(TypeError, match="api_name is a string"):
                app.resolve(wrong)
        for wrong in ("0", True, 1.0):
            with pytest.raises(TypeError, match="fn_index is a number"):
                app.resolve(fn_index=wrong)

    def test_private_endpoints(self) -> None:
        app = recorded("6.31.0")
        for name, index in (("/private", None), (None, 38), (None, 32)):
            with pytest.raises(ArgumentError, match="is private"):
                app.resolve(name, index)
        with pytest.raises(ArgumentError, match="fn_index 31 is private"):
            recorded("3.50.2").resolve(fn_index=31)

    def test_a_private_endpoint_does_not_hide_a_public_one_of_its_name(self) -> None:
        private, public = {"api_name": "a", "api_visibility": "private"}, {"api_name": "a"}
        assert app_of(private, public).resolve("/a").fn_index == 1
        assert app_of(public, private).resolve("/a").fn_index == 0
        assert app_of(public, public).resolve("/a").fn_index == 0

    def test_undocumented_endpoints(self) -> None:
        app = recorded("6.31.0")
        endpoint = app.resolve("/undoc")
        assert endpoint is app.resolve(fn_index=39)
        assert (endpoint.visibility, endpoint.info) == ("undocumented", None)

    def test_the_only_public_endpoint_needs_no_name(self) -> None:
        others = (
            {"api_name": "b", "show_api": False},
            {"api_name": False},
            {"api_name": "js", "backend_fn": False},
        )
        assert app_of({"api_name": "a"}, *others).resolve().api_name == "/a"

    def test_what_has_no_function_is_not_called(self) -> None:
        app = app_of({"api_name": "a"}, {"api_name": "js", "backend_fn": False})
        for asked in ({"api_name": "/js"}, {"fn_index": 1}):
            with pytest.raises(
                ArgumentError, match=r"^/js has no function on the server\. Its endpoints: /a$"
            ):
                app.resolve(**asked)
        with pytest.raises(ArgumentError, match=r"no public endpoints$"):
            app_of({"api_name": "js", "backend_fn": False}).resolve()

    def test_several_endpoints_need_a_name(self) -> None:
        with pytest.raises(
            ArgumentError, match=r"several endpoints: say which one by api_name=\. Its endpoints: /a, /b$"
        ):
            app_of({"api_name": "a"}, {"api_name": "b"}).resolve()

    def test_no_endpoints(self) -> None:
        with pytest.raises(ArgumentError, match=r"has no public endpoints$"):
            app_of().resolve()
        with pytest.raises(
            ArgumentError, match=r"no public endpoints; others can be called by fn_index= \(0, 2\)$"
        ):
            app_of({"api_name": None}, {"api_name": False}, {"show_api": False}).resolve()
        with pytest.raises(ArgumentError, match=r"no endpoint '/x'\. It has no public endpoints"):
            app_of().resolve("/x")

    def test_names_of_a_hostile_server_are_made_safe(self) -> None:
        app = app_of(
            {"api_name": "a\x1b[2J\n" + "x" * 10_000}, {"api_name": "b", "api_visibility": "private"}
        )
        for name in ("/x", "/b", "/a\x1b[2J"):
            with pytest.raises(ArgumentError) as caught:
                app.resolve(name)
            raw = caught.value.args[0]
            assert raw.isprintable()
            assert len(raw) < 500


class TestEndpoint:
    def test_facts(self) -> None:
        app = recorded("6.31.0")
        assert app.resolve("/count").is_generator
        assert not app.resolve("/calc").is_generator
        assert app.resolve("/frames").is_stream
        assert not app.resolve("/calc").is_stream
        assert app.resolve("/state").has_state
        assert not app.resolve("/calc").has_state
        assert app.resolve("/oauth").oauth_token == "optional"
        assert app.resolve("/undoc").oauth_token is None
        assert app.resolve("/calc").dependency.outputs

    def test_can_be_pickled(self) -> None:
        endpoint = recorded("6.31.0").resolve("/calc")
        assert pickle.loads(pickle.dumps(endpoint)) == endpoint  # noqa: S301
        assert repr(endpoint) == "Endpoint(api_name='/calc', fn_index=1)"

    def test_without_api_info(self) -> None:
        app = recorded("6.31.0", info=False)
        endpoint = app.resolve("/calc")
        assert [p.label for p in endpoint.parameters] == ["N in", "Op", "N2"]
        assert endpoint.bind([1], {"op": "add", "n2": 2}) == [1, "add", 2]
        assert app.resolve("/state").bind(["x"], {}) == ["x", None]

    def test_state_on_either_side(self) -> None:
        states = components_of("textbox", "state")
        for inputs, outputs, has_state in (
            [[0], [0], False],
            [[0, 1], [0], True],
            [[0], [1], True],
            [[9], [None], False],
        ):
            app = app_of({"api_name": "f", "inputs": inputs, "outputs": outputs}, components=states)
            assert app.resolve("/f").has_state is has_state

    def test_only_what_render_made_is_rendered(self) -> None:
        app = app_of({"api_name": "a", "id": 0}, {"api_name": "b", "id": 1, "rendered_in": 0})
        assert [app.endpoints[number].is_rendered for number in (0, 1)] == [False, True]

    def test_whether_values_may_hold_files(self) -> None:
        def returns_files(*schemas: Any, skip: bool = False) -> bool:
            components = [
                {"id": id, "type": "x", "api_info": schema, "skip_api": skip}
                for id, schema in enumerate(schemas)
            ]
            outputs = [*range(len(schemas))] or [7]
            return (
                app_of({"api_name": "f", "outputs": outputs}, components=components).resolve().returns_files
            )

        for kind in ("string", "number", "integer", "boolean"):
            assert not returns_files({"type": kind})
        for schema in ({"type": "object"}, {"type": "array"}, {"$ref": "x"}, "string", None):
            assert returns_files(schema)
            assert returns_files({"type": "string"}, schema)
            assert not returns_files(schema, skip=True)
        assert returns_files()  # the config does not hold its component

    def test_the_component_of_each_parameter_and_result(self) -> None:
        components = components_of("state", "textbox", "number")
        dependency = {"api_name": "f", "inputs": [0, 2, 9, 1], "outputs": [1, 0, 9, 2]}
        app = app_of(dependency, components=components, f=[parameter("a"), parameter("b"), parameter("c")])
        endpoint = app.resolve()
        state, textbox, number = (app.config.components[id] for id in range(3))
        assert endpoint.parameter_components == (number, None, textbox)
        assert endpoint.result_components == (textbox, None, number)
        assert endpoint.inputs == (state, number, None, textbox)

    def test_what_is_made_up_where_the_info_does_not_list_it(self) -> None:
        components = [
            {
                "id": 0,
                "type": "Number",
                "props": {"label": "N in", "value": 7},
                "api_info": {"type": "number"},
            },
            {"id": 1, "type": "textbox"},
        ]
        known, nameless, unknown = app_of(
            {"api_name": "f", "inputs": [0, 1, 9]}, components=components
        ).resolve().parameters  # fmt: skip
        assert (known.label, known.name, known.type) == ("N in", None, {"type": "number"})
        assert (known.component, known.python_type, known.description) == ("number", "Any", "")
        assert (known.has_default, known.default, known.example_input, known.raw) == (False, None, None, {})
        assert (nameless.label, nameless.component, nameless.type) == ("", "textbox", None)
        assert (unknown.label, unknown.component, unknown.type) == ("", "", None)


class TestRendered:
    COMPONENTS = (
        {
            "id": 0,
            "type": "textbox",
            "props": {"label": "Box", "value": "hello"},
            "api_info": {"type": "string"},
            "example_inputs": "Hello!!",
        },
        {"id": 1, "type": "number", "props": {}, "api_info": {"type": "number"}},
        {"id": 2, "type": "state"},
        {"id": 3, "type": "button", "skip_api": True},
    )

    def app(self, **fields: Any) -> App:
        made = {"api_name": "f", "id": 5, "rendered_in": 4, "inputs": [2, 0, 3, 1, 9], "outputs": [3, 1, 9]}
        config = {
            "components": [*self.COMPONENTS],
            "dependencies": [{"api_name": "a", "id": 0}, made | fields],
        }
        info = {"named_endpoints": {"/a": {"parameters": []}}, "unnamed_endpoints": {"7": {"parameters": []}}}
        return App(parse_config(config), parse_api_info(info))

    def test_its_info_is_made_of_its_components(self) -> None:
        info = self.app().resolve("/f").info
        assert info is not None
        box, number, unknown = info.parameters
        assert (box.label, box.name, box.type, box.python_type) == ("Box", None, {"type": "string"}, "str")
        assert (box.component, box.description) == ("Textbox", "")
        assert (box.has_default, box.default, box.example_input) == (True, "hello", "Hello!!")
        assert (number.label, number.python_type, number.component) == ("", "float", "Number")
        assert (number.has_default, number.default, number.example_input) == (False, None, None)
        assert (unknown.label, unknown.type, unknown.component) == ("", None, "")
        assert (unknown.has_default, unknown.default, unknown.example_input) == (False, None, None)
        assert [(made.component, made.python_type) for made in info.returns] == [
            ("Number", "float"),
            ("", "Any"),
        ]
        assert info.visibility == "public"

    def test_it_is_listed_beside_the_others(self) -> None:
        app = self.app()
        assert {*app.info.named} == {"/a", "/f"}
        assert app.info.named["/f"] is app.resolve("/f").info
        assert {*app.info.unnamed} == {7}

    @pytest.mark.parametrize("hidden", [{"api_visibility": "undocumented"}, {"show_api": False}])
    def test_what_its_author_hides_is_not_listed(self, hidden: dict[str, Any]) -> None:
        app = self.app(**hidden)
        assert {*app.info.named} == {"/a"}
        info = app.resolve("/f").info
        assert info is not None
        assert info.visibility == "undocumented"


def test_long_names_are_cut_in_every_error() -> None:
    long = "a" * 100
    parameters = [
        parameter(long, python_type={"type": long}),
        parameter("b", parameter_has_default=True, parameter_default=long),
        parameter(label=long),
    ]
    private = {"api_name": long, "api_visibility": "private"}
    app = app_of(
        {"api_name": long, "inputs": [0, 1, 2]},
        components=components_of(*["textbox"] * 3),
        **{long: parameters},
    )
    js, rendered = {"api_name": long, "backend_fn": False}, {"api_name": long, "id": 5, "rendered_in": 1}
    endpoint = app.resolve()
    mistakes: list[Callable[[], object]] = [
        lambda: endpoint.bind([], {}),
        lambda: endpoint.bind([], {"x" + long: 1}),
        lambda: endpoint.bind([1, 2, 3], {long: 1}),
        lambda: endpoint.bind_named([1, 2, 3], {}),
        lambda: app.resolve("b" + long),
        lambda: app_of(private).resolve("/" + long),
        lambda: app_of(js).resolve("/" + long),
        lambda: app.resolve(fn_index=99),
        lambda: app_of().successor(app_of(rendered).endpoints[5], app_of(rendered)),
    ]
    for mistake in mistakes:
        with pytest.raises((TypeError, ArgumentError)) as caught:
            mistake()
        assert "a" * 70 in str(caught.value)
        assert "a" * 80 not in str(caught.value)


class TestKeywords:
    def test_every_name_can_be_written_in_python(self) -> None:
        names = ("class", "my param", "my_param", "??", "x")
        endpoint = endpoint_of(*map(parameter, names), parameter(label="N in"), parameter())
        assert endpoint.keywords == ("class_", "my_param_2", "my_param", "arg", "x", "n_in", None)

    def test_names_made_alike_are_told_apart(self) -> None:
        endpoint = endpoint_of(*map(parameter, ("a b", "a-b", "a.b")))
        assert endpoint.keywords == ("a_b", "a_b_2", "a_b_3")
        assert endpoint.bind([], {"a_b_3": 3, "a_b": 1, "a_b_2": 2}) == [1, 2, 3]

    def test_both_forms_of_a_name_are_taken(self) -> None:
        endpoint = endpoint_of(
            *map(parameter, ("class", "my param", "my_param", "??")), parameter(label="N in")
        )
        for first, second, fourth in (("class", "my param", "??"), ("class_", "my_param_2", "arg")):
            named = {second: 2, first: 1, "my_param": 3, fourth: 4, "n_in": 5}
            assert endpoint.bind([], named) == [1, 2, 3, 4, 5]
        with pytest.raises(TypeError, match="multiple values for argument 'class_'"):
            endpoint.bind([], {"class": 1, "class_": 1})


class TestBindNamed:
    def test_the_server_names_them(self) -> None:
        endpoint = endpoint_of(
            parameter("class"),
            parameter("b", parameter_has_default=True, parameter_default=[2]),
            inputs=("state",),
        )
        assert endpoint.bind_named([1], {}) == {"class": 1, "b": [2]}
        assert endpoint.bind_named([], {"class_": 1, "b": 3}) == {"class": 1, "b": 3}
        with pytest.raises(TypeError, match="missing 1 required"):
            endpoint.bind_named([], {"b": 1})

    def test_what_has_no_name_cannot_be_called_by_it(self) -> None:
        for label, shown in (("N in", "n_in"), ("", "argument 1")):
            with pytest.raises(ArgumentError, match=f"^/f cannot be called by name: .* gives {shown} none$"):
                endpoint_of(parameter("a"), parameter(label=label)).bind_named([1, 2], {})


class TestBind:
    @pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
    def test_named_parameters(self, version: str) -> None:
        endpoint = recorded(version).resolve("/calc")
        assert endpoint.bind([], {}) == [3, "add", 5]
        assert endpoint.bind([1], {}) == [1, "add", 5]
        assert endpoint.bind([1, "sub", 2], {}) == [1, "sub", 2]
        assert endpoint.bind([], {"b": 1, "a": 2}) == [2, "add", 1]
        assert endpoint.bind([None], {"op": None}) == [None, None, 5]

    @pytest.mark.parametrize("version", ["3.50.2", "4.13.0"])
    def test_labels_where_there_are_no_names(self, version: str) -> None:
        endpoint = recorded(version).resolve("/calc")
        assert endpoint.bind([1, "add", 2], {}) == [1, "add", 2]
        assert endpoint.bind([1], {"n2": 2, "op": "add"}) == [1, "add", 2]
        with pytest.raises(
            TypeError,
            match=r"^/calc\(\) missing 2 required positional arguments: 'op' and 'n2'; its parameters: ",
        ):
            endpoint.bind([1], {})

    @pytest.mark.parametrize("version", VERSIONS)
    def test_state_is_a_placeholder(self, version: str) -> None:
        assert recorded(version).resolve("/state").bind(["x"], {}) == ["x", None]

    @pytest.mark.parametrize("version", VERSIONS)
    def test_every_recorded_endpoint(self, version: str) -> None:
        for endpoint in recorded(version).endpoints.values():
            data = endpoint.bind([parameter.example_input for parameter in endpoint.parameters], {})
            assert len(data) == len(endpoint.inputs)
            states = [c is not None and c.is_state for c in endpoint.inputs]
            assert all(value is None for value, is_state in zip(data, states, strict=True) if is_state)

    def test_hidden_inputs_keep_their_places(self) -> None:
        a, b = parameter("a"), parameter("b")
        assert endpoint_of(a, inputs=("state", "textbox", "state")).bind([1], {}) == [None, 1, None]
        assert endpoint_of(a, b, inputs=("button", "textbox", "state", "textbox")).bind([1, 2], {}) == [
            None,
            1,
            None,
            2,
        ]
        # A server that lists the button as a parameter after all.
        assert endpoint_of(a, b, inputs=("button", "textbox", "state")).bind([1, 2], {}) == [1, 2, None]

    def test_what_config_and_info_disagree_on_is_sent_as_the_info_says(self) -> None:
        a, b = parameter("a"), parameter("b")
        assert endpoint_of(a, b, inputs=("textbox",)).bind([1, 2], {}) == [1, 2]
        assert endpoint_of(a, inputs=("textbox", "textbox", "state")).bind([1], {}) == [1, None, None]

    def test_components_that_the_config_does_not_hold_take_a_value(self) -> None:
        app = app_of({"api_name": "f", "inputs": [5, None], "outputs": [6, "x"]})
        endpoint = app.resolve("/f")
        assert endpoint.bind([1, 2], {}) == [1, 2]
        assert endpoint.unbind_outputs([3, 4]) == (3, 4)
        with pytest.raises(
            TypeError,
            match="missing 1 required positional argument: 'argument 1'; its parameters: argument 0: Any, ",
        ):
            endpoint.bind([1], {})

    def test_defaults_are_copies(self) -> None:
        default = {"a": [1, {"b": 2}]}
        endpoint = endpoint_of(parameter("x", parameter_has_default=True, parameter_default=default))
        first = endpoint.bind([], {})
        assert first == [default]
        first[0]["a"][1]["b"] = "changed"
        first[0]["a"].append("more")
        assert endpoint.bind([], {}) == [{"a": [1, {"b": 2}]}]

    def test_arguments_are_passed_on_as_they_are(self) -> None:
        value = {"a": [1]}
        args, kwargs = [value], {"b": value}
        data = endpoint_of(parameter("a"), parameter("b")).bind(args, kwargs)
        assert data[0] is value
        assert data[1] is value
        assert (args, kwargs) == ([value], {"b": value})

    def test_names_that_python_cannot_say(self) -> None:
        endpoint = endpoint_of(parameter("api_name"), parameter("Message 1"), parameter("self"))
        assert endpoint.bind([], {"self": 3, "Message 1": 2, "api_name": 1}) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("args", "kwargs", "words"),
        [
            (
                [1, 2, 3],
                {},
                "/f() takes from 1 to 2 positional arguments but 3 were given; "
                "its parameters: a: str, b: str = 'x'",
            ),
            ([], {}, "/f() missing 1 required positional argument: 'a'; its"),
            ([1], {"a": 2}, "/f() got multiple values for argument 'a'; its"),
            ([1], {"bb": 2}, "/f() got an unexpected keyword argument 'bb' (did you mean 'b'?); its"),
            ([1], {"zzz": 2}, "/f() got an unexpected keyword argument 'zzz'; its"),
        ],
    )
    def test_mistakes(self, args: list[Any], kwargs: dict[str, Any], words: str) -> None:
        endpoint = endpoint_of(
            parameter("a"), parameter("b", parameter_has_default=True, parameter_default="x")
        )
        with pytest.raises(TypeError) as caught:
            endpoint.bind(args, kwargs)
        assert str(caught.value).startswith(words)

    def test_mistakes_with_other_numbers(self) -> None:
        for count, args, words in [
            (0, [1], "/f() takes 0 positional arguments but 1 was given; it has no parameters"),
            (1, [1, 2], "/f() takes 1 positional argument but 2 were given; its parameters: p0: str"),
            (3, [], "/f() missing 3 required positional arguments: 'p0', 'p1', and 'p2'; its"),
            (30, [], "and 10 more; its"),
        ]:
            with pytest.raises(TypeError) as caught:
                endpoint_of(*(parameter(f"p{number}") for number in range(count))).bind(args, {})
            assert words in str(caught.value)
            assert str(caught.value).endswith(" and 10 more") is (count == 30)

    def test_labels_alike_name_nothing(self) -> None:
        endpoint = endpoint_of(
            parameter(label="In Put"), parameter(label="in put!"), parameter(label="Other"), parameter()
        )
        with pytest.raises(TypeError, match="unexpected keyword argument 'in_put'"):
            endpoint.bind([1, 2, 3, 4], {"in_put": 2})
        with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'argument 3'"):
            endpoint.bind([1, 2], {"other": 3})
        with pytest.raises(TypeError, match="unexpected keyword argument ''"):
            endpoint.bind([1, 2, 3], {"": 4})

    def test_a_name_wins_over_a_label(self) -> None:
        for order in (1, -1):
            parameters = [parameter("x", label="y"), parameter(label="X")][::order]
            endpoint = endpoint_of(*parameters)
            named = [p.name for p in endpoint.parameters].index("x")
            # The other one is reached by its place only: "x" is not its name, though its label says so.
            if named == 1:
                assert endpoint.bind(["first"], {"x": "second"}) == ["first", "second"]
            else:
                with pytest.raises(TypeError, match="multiple values for argument 'x'"):
                    endpoint.bind(["first"], {"x": "second"})

    def test_mistakes_are_safe_to_print(self) -> None:
        hostile = "\x1b[2J\n" + "x" * 10_000
        endpoint = endpoint_of(
            *(parameter(f"{hostile}{number}", python_type={"type": hostile}) for number in range(100)),
        )
        for kwargs in ({}, {hostile: 1}):
            with pytest.raises(TypeError) as caught:
                endpoint.bind([], kwargs)
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 6000

    @given(st.integers(0, 5), st.integers(0, 5), st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
    def test_is_what_python_does(self, count: int, given: int, named: set[int], defaults: set[int]) -> None:
        endpoint = endpoint_of(
            *(
                parameter(f"p{n}", parameter_has_default=n in defaults, parameter_default=f"default {n}")
                for n in range(count)
            )
        )
        args, kwargs = [f"arg {n}" for n in range(given)], {f"p{n}": f"kwarg {n}" for n in named}
        expected: list[Any] | None = None
        if given <= count and all(given <= n < count for n in named):
            values = [*args, *(kwargs.get(f"p{n}", f"default {n}") for n in range(given, count))]
            if all(n in named or n in defaults for n in range(given, count)):
                expected = values
        if expected is None:
            with pytest.raises(TypeError):
                endpoint.bind(args, kwargs)
        else:
            assert endpoint.bind(args, kwargs) == expected


class TestUnbindOutputs:
    def endpoint(self, *types: str) -> Endpoint:
        dependency = {"api_name": "f", "outputs": list(range(len(types)))}
        return app_of(dependency, components=components_of(*types)).resolve("/f")

    @pytest.mark.parametrize(
        ("types", "data", "expected"),
        [
            (("textbox",), ["x"], "x"),
            (("textbox",), [None], None),
            (("textbox",), [["x"]], ["x"]),
            (("textbox", "number"), ["x", 1], ("x", 1)),
            ((), [], ()),
            (("state",), [None], ()),
            (("state", "textbox"), [None, "x"], "x"),
            (("textbox", "state", "button", "number"), ["x", None, None, 1], ("x", 1)),
            # What the app does not declare is dropped, as the official client does.
            (("textbox",), ["x", "y"], "x"),
            ((), ["x"], ()),
            (("textbox", "state"), ["x"], "x"),
        ],
    )
    def test_values(self, types: tuple[str, ...], data: list[Any], expected: Any) -> None:
        assert self.endpoint(*types).unbind_outputs(data) == expected

    def test_too_few(self) -> None:
        with pytest.raises(RemoteProtocolError, match="/f sent 1 outputs, though the app declares 2"):
            self.endpoint("textbox", "number").unbind_outputs(["x"])

    def test_files_stay_as_they_came_unless_they_are_wanted(self) -> None:
        file = {"path": "/tmp/x.txt", "meta": {"_type": "gradio.FileData"}}
        assert self.endpoint("file").unbind_outputs([file]) == file
        assert self.endpoint("file").unbind_outputs([file], fetch=True) == file_output(file)

    def test_update_dicts_are_values(self) -> None:
        update = {"__type__": "update", "value": 1}
        assert self.endpoint("number").unbind_outputs([update]) is update


def test_snake_case() -> None:
    assert snake_case("N in") == "n_in"
    assert snake_case("Größe (cm)!") == "größe_cm"
    assert snake_case("a_b") == "a_b"
    assert snake_case("\x1b[2J") == "2j"


def test_copy_json_as_deep_as_limits_allow() -> None:
    value: Any = 1
    for _ in range(250):
        value = {"a": [value]}
    assert copy_json(value) == value
    assert copy_json(value) is not value


@settings(max_examples=100, deadline=None)
@given(spoiled(config_text), spoiled(info_text))
def test_spoiled_apps_work_or_are_refused(config: Any, info: Any) -> None:
    try:
        app = App(parse_config(config), parse_api_info(info))
    except RemoteProtocolError:
        return
    for endpoint in app.endpoints.values():
        try:
            assert app.resolve(fn_index=endpoint.fn_index) is endpoint
        except ArgumentError:
            assert endpoint.visibility == "private" or not endpoint.dependency.backend_fn
        values = list(range(len(endpoint.parameters)))
        data = endpoint.bind(values, {})
        assert [value for value in data if value is not None] == values
        for parameter in endpoint.parameters:
            with pytest.raises(TypeError):
                endpoint.bind(values, {parameter.name or snake_case(parameter.label): 0})
        endpoint.unbind_outputs([None] * len(endpoint.outputs))
    with pytest.raises(ArgumentError):
        app.resolve("/nothing")
