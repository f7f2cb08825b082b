"""What gr.render has made, and what becomes of the app around it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import (
    STREAM,
    GradioScript,
    an_app,
    completed,
    event,
    http,
    message,
    real_world,
    render_app,
    scripted_world,
)

from gradio_proto.config import parse_config, parse_render_config
from gradio_proto.endpoints import App
from gradio_proto.errors import ArgumentError, ConnectionLost, HTTPStatusError, RemoteProtocolError
from gradio_proto.flows.calls import call, cancel
from gradio_proto.flows.component_server import call_component
from gradio_proto.job import JobState
from gradio_proto.jsontext import loads
from gradio_proto.limits import Limits
from gradio_proto.rendered import Rendered
from gradio_proto.testing import Component, Rendering
from gradio_proto.view_api import api_as_dict, api_as_text

VERSIONS = ["4.44.1", "5.49.1", "6.31.0"]

THE_CONFIG = parse_config(an_app().config("http://app"))


def dependency(fn_index: Any, api_name: Any = "f", **fields: Any) -> dict[str, Any]:
    return {"id": fn_index, "api_name": api_name, "inputs": [], "outputs": [], "rendered_in": 0, **fields}


def rendered(*renders: dict[str, Any], size: int = 10, limits: Limits | None = None) -> Rendered:
    made = Rendered(limits or Limits())
    for render in renders:
        made.take(render, size)
    return made


def names(made: Rendered) -> list[str | None]:
    app = App(THE_CONFIG)
    return [endpoint.api_name for endpoint in made.added_to(app).endpoints.values() if endpoint.is_rendered]


# What is read.


def test_a_render_config() -> None:
    render = parse_render_config(
        {
            "render_id": 3,
            "components": [{"id": 7, "type": "textbox"}, {"type": "lost"}, None],
            "dependencies": [dependency(9, inputs=[7]), dependency(None), None],
        }
    )
    assert render.render_id == 3
    assert list(render.components) == [7]
    assert [entry.fn_index for entry in render.dependencies] == [9]


@pytest.mark.parametrize("value", [{}, {"render_id": "x", "components": 1, "dependencies": {}}])
def test_a_render_config_of_nothing(value: dict[str, Any]) -> None:
    render = parse_render_config(value)
    assert (render.render_id, render.components, render.dependencies) == (None, {}, ())


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(st.sampled_from(["id", "components", "dependencies", "render_id", "api_name",
                                                       "inputs", "props"]), inner, max_size=5)))  # fmt: skip
def test_any_render_config_is_taken(value: Any) -> None:
    made = rendered(
        {"dependencies": value, "components": value}, {"dependencies": [value], "components": [value]}
    )
    made.added_to(App(THE_CONFIG))


@pytest.mark.parametrize("wrong", ["x", 1, [], True])
def test_what_is_no_render_config_ends_the_job(wrong: Any) -> None:
    world = scripted_world(
        GradioScript(
            an_app(),
            streams=[[STREAM, event(msg="process_completed", event_id="e1", success=True,
                                    output={"data": ["x"], "render_config": wrong})]],
        )
    )  # fmt: skip
    with pytest.raises(RemoteProtocolError, match=r"output\.render_config"):
        world.result(world.begin("/echo", "x"))
    world.close()


def test_nothing_was_rendered() -> None:
    app = App(THE_CONFIG)
    made = rendered()
    assert not made
    assert made.added_to(app) is app


def test_a_later_render_replaces_the_one_of_its_number() -> None:
    made = rendered(
        {"render_id": 0, "dependencies": [dependency(10, "a"), dependency(11, "b")]},
        {"render_id": 1, "dependencies": [dependency(12, "c")]},
        {"render_id": 0, "dependencies": [dependency(13, "b")]},
    )
    assert made
    assert names(made) == ["/c", "/b"]


def test_the_app_is_put_together_once() -> None:
    first, second = (App(THE_CONFIG) for _ in range(2))
    made = rendered({"render_id": 0, "dependencies": [dependency(10)]})
    merged = made.added_to(first)
    assert made.added_to(first) is merged
    assert made.added_to(second) is not merged
    made.take({"render_id": 0}, 1)
    assert made.added_to(second) is not merged
    assert 10 not in made.added_to(second).endpoints


def test_the_oldest_render_is_forgotten_past_the_limit() -> None:
    limits = Limits(rendered_bytes=25)
    made = rendered(limits=limits)
    for number in (0, 1, 0, 2):
        made.take({"render_id": number, "dependencies": [dependency(number, f"f{number}")]}, 10)
    assert names(made) == ["/f0", "/f2"]
    made.take({"render_id": 2, "dependencies": [dependency(7, "newest")]}, 100)
    assert names(made) == ["/newest"]
    made.take({"render_id": 3, "dependencies": []}, 1)
    assert names(made) == []


def test_an_endpoint_keeps_its_name_though_the_server_gives_it_another() -> None:
    def render(*api_names: Any) -> dict[str, Any]:
        return {
            "render_id": 0,
            "dependencies": [dependency(number, name) for number, name in enumerate(api_names, 20)],
        }

    made = rendered(render("add", "del", "del_1"))
    for seen, expected in [
        (("add_1", "del", "del_1"), ["/add", "/del", "/del_1"]),
        (("add", "del_2", "del_3"), ["/add", "/del_2", "/del_3"]),  # which is which cannot be told
        (("add_1", "new_1", None, False), ["/add", "/new_1", None, None]),
        (("add", "add_1"), ["/add", "/add_1"]),
        (("add_x", "new"), ["/add_x", "/new"]),
    ]:
        made.take(render(*seen), 1)
        assert names(made) == expected


# In a session.


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_rendered_can_be_called_in_that_session(version: str) -> None:
    world = real_world(render_app(version))
    assert world.result(world.begin("/apply", 2)) == ()
    assert world.result(world.begin("/box_1", "x")) == "1x0"
    assert world.result(world.begin("/box_1", "x")) == "1x1"
    assert world.result(world.begin("/apply", 3)) == ()
    assert world.result(world.begin("/box_1", "x")) == "1x0"
    assert world.result(world.begin("/box_2", "x")) == "2x0"
    assert world.result(world.begin("/apply_1", ["of_render", "other"])) == ()
    assert world.result(world.begin("/of_render", "x")) == "of_render"
    assert world.result(world.begin("/box_0", "x")) == "0x0"
    world.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_rendered_anew_has_another_number_and_the_name_that_it_had(version: str) -> None:
    world = real_world(render_app(version))
    numbers = set()
    for _ in range(3):
        world.result(world.begin("/apply", 1))
        numbers.add(world.state.app_in(world.state.live).resolve("/box_0").fn_index)
    assert len(numbers) == 3
    world.close()


def test_another_session_has_it_not() -> None:
    world = real_world(render_app())
    world.result(world.begin("/apply", 1))
    endpoint = world.state.resolve("/box_0", None, None)
    live = world.state.live
    assert live is not None
    with pytest.raises(ArgumentError, match="no endpoint '/nonsense'"):
        world.state.resolve("/nonsense", None, None)
    world.state.retire(live)
    for name, fn_index in (("/box_0", None), (None, endpoint.fn_index)):
        with pytest.raises(ArgumentError, match=r"^/box_0 was made by gr.render in another session"):
            world.state.resolve(name, fn_index, None)
    with pytest.raises(ArgumentError, match="no endpoint '/nonsense'"):
        world.state.resolve("/nonsense", None, None)
    with pytest.raises(ArgumentError, match="several endpoints"):
        world.state.resolve(None, None, None)
    assert world.state.resolve("/echo", None, None).api_name == "/echo"
    assert world.state.app_in(world.state.live) is world.state.app
    # What the server would say:
    begun = world.make("/echo", "x", live=world.state.session())
    begun.job.payload = begun.job.payload.replace(b'"fn_index":0', b'"fn_index":%d' % endpoint.fn_index)
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    with pytest.raises(HTTPStatusError):
        world.result(begun)
    world.close()


def test_what_takes_the_place_of_a_rendered_endpoint() -> None:
    world = real_world(render_app())
    world.result(world.begin("/apply", 2))
    before = world.state.app_in(world.state.live)
    held, unnamed = before.resolve("/box_1"), before.resolve(fn_index=before.resolve("/box_0").fn_index)
    world.result(world.begin("/apply", 3))
    after = world.state.app_in(world.state.live)
    assert after.successor(held, before) is after.resolve("/box_1")
    assert after.successor(unnamed, before) is after.resolve("/box_0")
    world.result(world.begin("/apply", 1))
    with pytest.raises(ArgumentError, match="call what renders it first"):
        world.state.app_in(world.state.live).successor(held, after)
    nameless = App(rendered({"dependencies": [dependency(70, None)]}).added_to(world.state.app).config)
    assert nameless.successor(nameless.endpoints[70], nameless) is nameless.endpoints[70]
    with pytest.raises(ArgumentError, match=r"^fn_index 70 was made by gr.render"):
        after.successor(nameless.endpoints[70], nameless)
    world.close()


def test_a_render_counts_though_its_job_was_given_up() -> None:
    output = {
        "data": [None],
        "render_config": {"render_id": 0, "dependencies": [dependency(50, "late")], "components": []},
    }
    done = event(msg="process_completed", event_id="e1", output=output, success=True)
    world = scripted_world(
        GradioScript(render_app(), streams=[[STREAM, event(msg="process_starts", event_id="e1", eta=None)]])
    )
    begun, other = world.begin("/apply", 1), world.begin("/echo", "x")
    world.runner.settle()
    world.run(cancel(world.state, begun.live, begun.job, force=True))
    world.say(done, completed("e2", "x"))
    assert world.result(other) == "x"
    assert world.state.resolve("/late", None, None).fn_index == 50
    world.close()


def test_a_session_with_something_rendered_is_not_left_when_its_stream_is_lost() -> None:
    for name, is_left in (("/echo", True), ("/apply", False)):
        world = real_world(render_app())
        world.result(world.begin(name, "1" if name == "/echo" else 1))
        begun = world.begin("/count", 30)
        world.turn(40)
        assert begun.job.state is JobState.RUNNING
        for stream in world.runner.streams:
            stream.break_off()
        with pytest.raises(ConnectionLost):
            world.result(begun)
        assert begun.live.retired.is_set is is_left
        world.close()


def test_functions_of_rendered_components() -> None:
    app = an_app()

    @app.render()
    def explorer(n: int, *, rendering: Rendering) -> None:
        rendering.endpoint("/look", inputs=[Component("json", "Explorer")], outputs=[])(lambda value: None)

    script = GradioScript(app)
    world = scripted_world(script)
    live = world.state.session()
    component = {"id": 99, "type": "fileexplorer", "props": {"server_fns": ["ls"]}}
    text = json.dumps({"components": [component]})
    live.session.rendered.take(loads(text, Limits()), len(text))
    script.others = {"/component_server": [http(200, b'["a"]')]}
    assert world.run(call_component(world.state, live.session.hash, 99, "ls", [])) == ["a"]
    with pytest.raises(ArgumentError):
        world.run(call_component(world.state, live.session.hash, 98, "ls", []))
    world.close()


# As an app's.


@pytest.mark.parametrize("version", VERSIONS)
def test_what_view_api_says_of_it(version: str) -> None:
    world = real_world(render_app(version))
    world.result(world.begin("/apply", 1))
    app = world.state.app_in(world.state.live)
    assert ' - predict(box_0, api_name="/box_0") -> box_0\n' in api_as_text(app)
    assert "     - [Textbox] box_0: str (required)" in api_as_text(app)
    assert api_as_dict(app)["named_endpoints"]["/box_0"] == {
        "parameters": [
            {
                "label": "Box 0",
                "type": {"type": "string"},
                "python_type": {"type": "str", "description": ""},
                "component": "Textbox",
                "parameter_has_default": False,
                "parameter_default": None,
                "example_input": "Hello!!",
            }
        ],
        "returns": [
            {
                "label": "Box 0",
                "type": {"type": "string"},
                "python_type": {"type": "str", "description": ""},
                "component": "Textbox",
            }
        ],
    }
    assert "/box_0" not in world.state.app.info.named
    world.close()


def test_a_rendered_endpoint_of_components_that_nobody_knows() -> None:
    made = rendered(
        {"dependencies": [dependency(70, "f", inputs=[1000], outputs=[1000], api_visibility="undocumented")]}
    )
    app = made.added_to(App(THE_CONFIG))
    assert "/f" not in app.info.named
    assert app.resolve("/f").bind(("x",), {}) == ["x"]
    assert app.resolve("/f").unbind_outputs(["y"]) == "y"


def test_what_a_component_shows_is_the_default_of_its_parameter() -> None:
    entry = {
        "id": 80,
        "type": "number",
        "props": {"label": "N in", "value": 3},
        "api_info": {"type": "number"},
    }
    render = {"components": [entry], "dependencies": [dependency(70, "f", inputs=[80])]}
    endpoint = rendered(render).added_to(App(THE_CONFIG)).resolve("/f")
    assert (endpoint.bind((), {}), endpoint.bind((4,), {})) == ([3], [4])
    assert endpoint.parameters[0].python_type == "float"


def test_a_message_tells_what_was_rendered() -> None:
    received, _ = message(
        msg="process_completed", event_id="e", success=True, output={"render_config": {"a": 1}}
    )
    assert received.render_config == {"a": 1}
    received, _ = message(msg="process_completed", event_id="e", success=True, output={"data": []})
    assert received.render_config is None
