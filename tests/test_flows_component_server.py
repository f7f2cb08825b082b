"""The functions that components have on the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import CLOSE, GradioScript, World, an_app, http, scripted_world

from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectionLost,
    GradioError,
    HTTPStatusError,
    RemoteProtocolError,
    ValidationError,
)
from gradio_proto.flows.component_server import call_component

LS = {"server_fns": ["ls", "stat"]}
COMPONENTS: list[dict[str, Any]] = [
    {"id": 7, "type": "fileexplorer", "props": LS},
    {"id": 8, "type": "textbox", "props": {}},
    {"id": 9, "type": "odd", "props": {"server_fns": "ls"}},
]


def a_world(*answer: Any, components: list[dict[str, Any]] = COMPONENTS, **options: Any) -> World:
    script = GradioScript(an_app(), others={"/component_server": answer}, config={"components": components})
    return scripted_world(script, **options)


def call(world: World, component_id: Any = 7, fn_name: Any = "ls", data: Any = None) -> Any:
    return world.run(call_component(world.state, "session1", component_id, fn_name, data))


@pytest.mark.parametrize("value", [[{"name": "app.py", "type": "file", "valid": True}], None, "x", {}])
def test_what_is_sent_and_returned(value: Any) -> None:
    world = a_world(http(200, json.dumps(value).encode()), headers=(("x-client", "1"),))
    assert call(world, data=["a", {"b": None}]) == value
    asked = world.server.asked[-1]
    assert (asked.method, asked.target) == ("POST", "/gradio_api/component_server")
    assert (asked.headers["content-type"], asked.headers["x-client"]) == ("application/json", "1")
    assert json.loads(asked.body) == {
        "component_id": 7,
        "data": ["a", {"b": None}],
        "fn_name": "ls",
        "session_hash": "session1",
    }
    world.close()


@pytest.mark.parametrize(
    ("answer", "cls", "text"),
    [
        (http(404, b'{"detail":"Function not found."}'), HTTPStatusError, "Function not found."),
        (
            http(500, b"Internal Server Error", content_type="text/plain"),
            HTTPStatusError,
            "/component_server answered 500",
        ),
        (http(400, b'{"detail":"Invalid JSON body."}'), HTTPStatusError, "Invalid JSON body."),
        (http(401, b'{"detail":"Not authenticated"}'), AuthenticationError, "login"),
        (http(422, b'{"detail":[{"loc":["body"],"msg":"bad"}]}'), ValidationError, "bad"),
        (http(200, b"oops"), RemoteProtocolError, "/component_server is not valid JSON"),
        (b"", ConnectionLost, ""),
    ],
)
def test_the_server_says_no(answer: bytes, cls: type[GradioError], text: str) -> None:
    world = a_world(answer, CLOSE)
    with pytest.raises(cls) as caught:
        call(world)
    assert type(caught.value) is cls
    assert text in str(caught.value)
    assert len(world.server.paths("/component_server")) == 1
    world.close()


MANY = [{"id": id, "type": "x", "props": {"server_fns": [f"f{id}"]}} for id in range(30)]


@pytest.mark.parametrize(
    ("components", "component_id", "fn_name", "text"),
    [
        (COMPONENTS, 6, "ls", "no component 6. Components with server functions: 7 (fileexplorer)"),
        (COMPONENTS, 7, "_ls", "7 (fileexplorer) has no server function '_ls': it has ls, stat."),
        (COMPONENTS, 8, "ls", "8 (textbox) has no server function 'ls': it has none."),
        (COMPONENTS, 9, "ls", "9 (odd) has no server function 'ls': it has none."),
        (COMPONENTS[1:], 7, "ls", "Components with server functions: none"),
        (MANY, 99, "ls", "19 (x) and 10 more"),
        (
            [{"id": 1, "type": "x", "props": {"server_fns": ["f" * 80, "g" * 81]}}],
            1,
            "ls",
            f"it has {'f' * 80}, {'g' * 79}….",
        ),
        ([{"id": 1, "type": "\x1b[31m", "props": {}}], 1, "\x1b[31m", "has no server function"),
    ],
)
def test_what_is_not_there_is_not_asked_for(
    components: list[dict[str, Any]], component_id: int, fn_name: str, text: str
) -> None:
    world = a_world(components=components)
    with pytest.raises(ArgumentError) as caught:
        call(world, component_id, fn_name)
    assert text in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert not world.server.paths("/component_server")
    world.close()


@pytest.mark.parametrize(
    ("count", "end"), [(2, ": 0 (x), 1 (x)"), (20, ", 19 (x)"), (21, ", 19 (x) and 1 more")]
)
def test_twenty_components_are_named(count: int, end: str) -> None:
    world = a_world(components=MANY[:count])
    with pytest.raises(ArgumentError) as caught:
        call(world, 99)
    assert str(caught.value).endswith(end)
    world.close()


def test_wrong_types() -> None:
    world = a_world()
    for component_id in ("7", None, True, 7.0):
        with pytest.raises(TypeError, match="component_id is a number"):
            call(world, component_id)
    with pytest.raises(TypeError, match="fn_name is a string"):
        call(world, fn_name=["ls"])
    with pytest.raises(ArgumentError, match="cannot be sent as JSON"):
        call(world, data=object())
    assert not world.server.paths("/component_server")
    world.close()
