"""Apps of plain functions: what their signatures say, and what their functions give."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Optional

import pytest

import gradio_proto.testing
from gradio_proto.testing import (
    Aside,
    Call,
    Component,
    Context,
    Error,
    Exhausted,
    Log,
    Progress,
    Raised,
    Returned,
    TestApp,
    Yielded,
    skip,
    update,
)
from gradio_proto.testing.files import FileStore
from gradio_proto.testing.generations import Generation
from gradio_proto.testing.jsonvalues import plain

if TYPE_CHECKING:
    from decimal import Decimal


def types(app: TestApp) -> tuple[list[str], list[str]]:
    endpoint = app.endpoints[-1]
    return [c.type for c in endpoint.inputs], [c.type for c in endpoint.outputs]


# Signatures


def test_components_come_from_annotations() -> None:
    app = TestApp()

    @app.endpoint()
    def everything(
        a: str,
        b: int,
        c: float,
        d: bool,
        e: list[int],
        f: dict[str, int],
        g: Any,
        h: str | None,
        i: int | str,
    ) -> tuple[str, int, list[int]]:
        return "", 0, []

    assert types(app) == (
        ["textbox", "number", "number", "checkbox", "json", "json", "json", "textbox", "json"],
        ["textbox", "number", "json"],
    )
    assert app.endpoints[0].name == "everything"


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Iterator[int], ["number"]),
        (Generator[str, None, None], ["textbox"]),
        (Iterator[tuple[str, float]], ["textbox", "number"]),
        (None, []),
        (tuple[int, ...], ["json"]),
        (Optional[str], ["textbox"]),  # noqa: UP045
        (Any, ["json"]),
    ],
)
def test_outputs_come_from_the_return_annotation(annotation: Any, expected: list[str]) -> None:
    app = TestApp()

    def function() -> Any:
        yield None

    function.__annotations__["return"] = annotation
    app.endpoint()(function)
    assert types(app) == ([], expected)


def test_annotations_that_cannot_be_evaluated() -> None:
    app = TestApp()

    @app.endpoint()
    def unknown(x: Decimal) -> str:
        return str(x)

    assert types(app) == (["json"], ["json"])


def test_named_components() -> None:
    app = TestApp()
    shared = Component("number", "N")

    @app.endpoint("/a", inputs=["text", shared], outputs=[shared])
    def a(x: Any, y: Any) -> Any:
        return x

    endpoint = app.endpoints[0]
    assert types(app) == (["textbox", "number"], ["number"])
    assert endpoint.inputs[1] is endpoint.outputs[0] is shared
    assert [app.component_id(c) for c in endpoint.inputs] == [1, 2]
    assert app.find("a") is endpoint
    assert endpoint.fn_name == "a"
    assert [c.is_opaque for c in (shared, Component("json"))] == [False, True]
    assert app.find("b") is None


def test_state_by_name_is_one_state() -> None:
    app = TestApp()
    app.endpoint("a", inputs=["text", "state"], outputs=["state"])(lambda x, s: s)
    app.endpoint("b", inputs=["state"], outputs=["state"])(lambda s: s)
    first, second = app.endpoints
    assert first.inputs[1] is first.outputs[0]
    assert second.inputs[0] is second.outputs[0] is not first.outputs[0]


def test_names_that_are_taken() -> None:
    app = TestApp()
    for _ in range(3):
        app.endpoint("/echo")(lambda x: x)
    assert [endpoint.name for endpoint in app.endpoints] == ["echo", "echo_1", "echo_2"]


def test_functions_that_take_any_number() -> None:
    app = TestApp()

    @app.endpoint(inputs=["text", "text", "text"])
    def many(first: str, *rest: str) -> str:
        return first

    endpoint = app.endpoints[0]
    assert [endpoint.parameter_name(i) for i in range(3)] == ["first", "param_1", "param_2"]
    assert endpoint.default(2) == (False, None)


def test_objects_that_can_be_called() -> None:
    class Shout:
        def __call__(self, x: str) -> str:
            return x.upper()

    app = TestApp()
    app.endpoint()(Shout())
    assert app.endpoints[0].name == "Shout"


@pytest.mark.parametrize("inputs", [[], ["text", "text", "text"]])
def test_the_wrong_number_of_inputs(inputs: list[str]) -> None:
    with pytest.raises(TypeError, match=f"two takes 2 inputs, but {len(inputs)} are named"):

        @TestApp().endpoint(inputs=inputs)
        def two(a: str, b: str = "") -> str:
            return a


def test_a_generator_cannot_take_batches() -> None:
    with pytest.raises(ValueError, match="two is a generator"):

        @TestApp().endpoint(batch=True)
        def two(a: str) -> Iterator[str]:
            yield a


def test_unknown_component() -> None:
    with pytest.raises(ValueError, match="no component type 'teapot'; there are textbox,"):
        TestApp().endpoint(inputs=["teapot"])(lambda x: x)


# The descriptions


def test_config() -> None:
    app = TestApp(title="T", show_error=False, app_id=7)
    count = Component("state", value=0)

    @app.endpoint("/go", inputs=[Component("radio", choices=["a", "b"]), "files", count], queue=False)
    def go(choice: str, files: list[str], state: int) -> str:
        return choice

    config = app.config("http://host")
    assert (config["title"], config["show_error"], config["app_id"]) == ("T", False, 7)
    assert config["root"] == "http://host"
    assert config["connect_heartbeat"] is True
    radio, files, state, output, button = config["components"]
    assert radio["props"]["choices"] == [["a", "a"], ["b", "b"]]
    assert radio["props"]["label"] == "choice"
    assert (files["type"], files["props"]["file_count"]) == ("file", "multiple")
    assert state["skip_api"] is True
    assert "value" not in state["props"]
    assert output["props"]["label"] == "output"
    assert (button["type"], button["props"]["value"], button["skip_api"]) == ("button", "/go", True)
    (dependency,) = config["dependencies"]
    assert (dependency["inputs"], dependency["outputs"], dependency["queue"]) == ([1, 2, 3], [4], False)
    assert dependency["targets"] == [[5, "click"]]
    assert config["layout"]["children"] == [{"id": i} for i in range(1, 6)]


def test_config_without_state() -> None:
    app = TestApp()
    app.endpoint()(lambda x: x)
    assert app.config("")["connect_heartbeat"] is False


def test_info() -> None:
    app = TestApp()

    @app.endpoint("/go", inputs=["text", Component("number", "N", value=3), "text", "state"])
    def go(a: str, b: int, c: str = "x", d: Any = None) -> tuple[str, int]:
        """Goes."""
        return a, b

    app.endpoint("shy", api_visibility="undocumented")(lambda: None)
    app.endpoint("hidden", api_visibility="private")(lambda: None)
    info = app.info()
    assert list(info["named_endpoints"]) == ["/go"]
    assert list(app.info(all_endpoints=True)["named_endpoints"]) == ["/go", "/shy"]
    endpoint = info["named_endpoints"]["/go"]
    assert endpoint["description"] == "Goes."
    assert endpoint["parameters"][1] == {
        "label": "N",
        "parameter_name": "b",
        "parameter_has_default": True,
        "parameter_default": 3,
        "type": {"type": "number"},
        "python_type": {"type": "float", "description": ""},
        "component": "Number",
        "example_input": 3,
    }
    described = [
        (p["parameter_name"], p["parameter_has_default"], p["parameter_default"])
        for p in endpoint["parameters"]
    ]
    assert described == [("a", False, None), ("b", True, 3), ("c", True, "x")]
    assert [r["label"] for r in endpoint["returns"]] == ["output 0", "output 1"]


@pytest.mark.parametrize("kind", ["radio", "dropdown"])
def test_info_of_choices(kind: str) -> None:
    component = Component(kind, choices=["a", "b"])
    described = component.info("Op")
    assert described["type"] == {"enum": ["a", "b"], "title": kind.capitalize(), "type": "string"}
    assert described["python_type"]["type"] == "Literal['a', 'b']"
    assert component.example == "a"


def test_info_of_several_choices() -> None:
    component = Component("checkboxgroup", choices=["a", "b"])
    described = component.info("Some")
    items = {"enum": ["a", "b"], "type": "string"}
    assert described["type"] == {"items": items, "title": "Checkbox Group", "type": "array"}
    assert described["python_type"]["type"] == "list[Literal['a', 'b']]"
    assert component.example == ["a"]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("3.50.2", [False, "shown", False, None]),
        ("4.0.2", [False, "shown", False, False]),
        ("4.13.0", [False, "shown", False, "cancel"]),
        ("5.49.1", [False, "shown", False, "unnamed"]),
        ("6.31.0", ["hidden", "shown", "button", "unnamed"]),
    ],
)
def test_names_of_what_is_private(version: str, names: list[Any]) -> None:
    app = TestApp(version=version)
    app.endpoint("hidden", api_visibility="private")(lambda: None)
    app.endpoint("shown")(lambda: None)
    app.endpoint("button", api_visibility="private", cancels=["shown"])(lambda: None)
    assert [dependency["api_name"] for dependency in app.config("")["dependencies"]] == names


def test_versions() -> None:
    with pytest.raises(
        ValueError, match=r"no recorded version '3\.50'; there are 3\.36\.1, 3\.50\.2, 4\.0\.2,"
    ):
        TestApp(version="3.50")
    app = TestApp(version="4.13.0")
    app.endpoint()(lambda x: x)
    config = app.config("")
    assert (config["version"], config["protocol"], config["show_api"]) == ("4.13.0", "sse_v1", True)
    assert not {"api_prefix", "connect_heartbeat"} & config.keys()
    assert not {"id", "api_visibility"} & config["dependencies"][0].keys()


# Values

FILES = FileStore(Generation(), "", {})


def test_choices_are_checked() -> None:
    component = Component("radio", choices=["a"])
    assert component.preprocess("a", FILES) == "a"
    assert component.preprocess(None, FILES) is None
    with pytest.raises(Error, match=r"Value: 'z' .* is not in the list of choices: \['a'\]"):
        component.preprocess("z", FILES)
    several = Component("checkboxgroup", choices=["a", "b"])
    assert several.preprocess(["b", "a"], FILES) == ["b", "a"]
    assert several.preprocess([], FILES) == []
    assert several.preprocess(None, FILES) is None
    with pytest.raises(Error, match=r"Value: 'z' .* is not in the list of choices: \['a', 'b'\]"):
        several.preprocess(["a", "z"], FILES)


def test_chat_messages_take_the_form_of_gradio_6() -> None:
    parts = [{"text": "b", "type": "text"}]
    given = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": parts, "metadata": {"t": 1}},
        "odd",
    ]
    assert Component("chatbot").postprocess(given, FILES, "") == [
        {"role": "user", "metadata": None, "content": [{"text": "a", "type": "text"}], "options": None},
        {"role": "user", "metadata": {"t": 1}, "content": parts, "options": None},
        "odd",
    ]
    assert Component("chatbot").postprocess(update(visible=False), FILES, "") == {
        "visible": False,
        "__type__": "update",
    }
    assert Component("chatbot").postprocess([{"text": 1}], FILES, "") == [{"text": 1}]
    assert Component("chatbot").postprocess(given, FILES, "", chat_parts=False) == given


def test_plain() -> None:
    given = {"a": (1, 2.5, math.nan, math.inf), "b": [None, True, "é"]}
    assert plain(given) == {"a": [1, 2.5, None, None], "b": [None, True, "é"]}
    deep = json.loads("[" * 255 + "]" * 255)
    assert plain(deep) == deep
    inner = given["b"]
    assert plain(given)["b"] is not inner


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1: 2}, "Dict key must be str, not int"),
        ({"a": {1, 2}}, "not JSON serializable: set"),
        (["\ud800"], "surrogates not allowed"),
        ({"\ud800": 1}, "surrogates not allowed"),
        (json.loads("[" * 256 + "]" * 256), "Recursion limit"),
        (json.loads('{"a":' * 300 + "1" + "}" * 300), "Recursion limit"),
    ],
)
def test_what_json_cannot_hold(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        plain(value)


def test_updates() -> None:
    assert update(value=1) == {"value": 1, "__type__": "update"}
    assert skip() == {"__type__": "update"}


# Calls


def call(function: Any, *inputs: Any, **options: Any) -> Call:
    app = TestApp()
    app.endpoint(**options)(function)
    return Call(app.endpoints[0], inputs, Context("/it"))


def ignore(aside: Aside) -> None:
    raise AssertionError(aside)


def test_a_function_takes_one_step() -> None:
    assert call(lambda x: x + 1, 1).step(ignore) == Returned(2)


def test_a_generator_takes_a_step_for_each_value() -> None:
    def two() -> Iterator[int]:
        yield 1
        yield 2

    made = call(two)
    assert [made.step(ignore) for _ in range(3)] == [Yielded(1), Yielded(2), Exhausted()]
    made.close()


def test_failures() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    made = call(fails)
    assert made.step(ignore) == Yielded(1)
    outcome = made.step(ignore)
    assert isinstance(outcome, Raised)
    assert str(outcome.error) == "no"

    def stops() -> None:
        raise StopIteration

    assert isinstance(call(stops).step(ignore), Raised)


def test_inputs_that_are_wrong() -> None:
    error = ValueError("no")
    app = TestApp()
    app.endpoint()(lambda: 1)
    assert Call(app.endpoints[0], (), Context("/it"), error=error).step(ignore) == Raised(error)


def test_closing_runs_the_finally_clauses() -> None:
    closed: list[str] = []

    def careful() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append("yes")
            raise ValueError("nobody hears this")

    made = call(careful)
    made.close()  # not begun: nothing to do
    made.step(ignore)
    made.close()
    assert closed == ["yes"]


def test_asides() -> None:
    def talks(*, context: Context) -> Iterator[str]:
        context.progress(0.5)
        context.progress((1, 2), "second")
        context.progress(index=3, length=None, unit="files")
        yield context.endpoint
        context.info("i", duration=None)
        context.warning("w", visible=False, title="T")
        context.success("s", duration=3)
        yield ""

    said: list[Aside] = []
    made = call(talks)
    assert made.step(said.append) == Yielded("/it")
    assert said == [
        Progress(progress=0.5),
        Progress(1, 2, desc="second"),
        Progress(3, unit="files"),
    ]
    later: list[Aside] = []
    made.step(later.append)
    assert later == [
        Log("i", "info", None, True, "Info"),
        Log("w", "warning", 10.0, False, "T"),
        Log("s", "success", 3.0, True, "Success"),
    ]
    assert len(said) == 3


def test_a_context_outside_of_a_step() -> None:
    Context("/it").info("nobody hears this")
    Context("/it").sleep(3600)


def test_sleeping_is_left_to_the_runner() -> None:
    def sleeps(*, context: Context) -> Iterator[int]:
        context.sleep(1.5)
        yield 1
        context.sleep(0)
        yield 2
        context.sleep(-1)

    slept: list[float] = []
    made = call(sleeps)
    assert made.step(ignore, slept.append) == Yielded(1)
    assert made.step(ignore) == Yielded(2)
    assert slept == [1.5], "the second step has no time"
    failed = made.step(ignore, slept.append)
    assert isinstance(failed, Raised)
    assert str(failed.error) == "sleep length must be non-negative"


def test_lazy_names() -> None:
    assert gradio_proto.testing.EmbeddedServer.__name__ == "EmbeddedServer"
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = gradio_proto.testing.Nonsense
