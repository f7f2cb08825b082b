"""What is made of ``/info`` is true of real servers: signatures, generated modules, schemas, tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from faulty import within
from media import png

from gradio_proto import AppError, ArgumentError, Client, handle_file
from gradio_proto.typed.codegen import generate

pytestmark = pytest.mark.real(
    "3.36.1", "3.50.2", "4.0.2", "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"
)


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_calls_by_attributes(client: Client) -> None:
    assert client.api.calc(4, "add", 5)[0] == 9
    assert client.api.echo("x") == client.predict("x", api_name="/echo")
    assert client.api.calc.submit(4, "sub", 5).result(timeout=30)[0] == -1


def test_results_are_what_their_schemas_say(client: Client) -> None:
    schema = client.schema()
    text = handle_file(b"abc", "a.txt")
    calls: dict[str, tuple[Any, ...]] = {
        "/echo": ("x",),
        "/calc": (4, "add", 5),
        "/count": (2,),
        "/stream": ("abc",),
        "/chat": ("hello", []),
        "/jsonstream": (2,),
        "/json": ({"a": [1, None]},),
        "/file": (text,),
        "/files": ([text, text],),
        "/image": (handle_file(png(2, 2, (255, 0, 0)), "a.png"),),
        "/state": ("x",),
    }
    for name, args in calls.items():
        value = json.loads(json.dumps(client.predict(*args, api_name=name)))
        jsonschema_rs.validate(schema[name]["output"], value)


def test_a_generated_module(client: Client) -> None:
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(
        compile(generate(client._engine.state.app, client.src, name="Tools"), "generated", "exec"), namespace
    )
    tools = namespace["Tools"](client)
    assert tools.calc(4, "add", 5).n_out == 9
    assert tools.echo("x") == client.predict("x", api_name="/echo")
    assert tools.submit_count(2).result(timeout=30) == client.predict(2, api_name="/count")
    assert len(tools.chat("hello", [])) >= 1
    assert len(tools.files([handle_file(b"abc", "a.txt")])) == 1


def test_tools(client: Client) -> None:
    calc, file = [
        list(tool["inputSchema"]["properties"])
        for tool in client.schema("mcp")
        if tool["name"] in ("calc", "file")
    ]
    assert client.call_tool("calc", dict(zip(calc, [4, "add", 5], strict=True)))[0] == 9
    files = {"notes": handle_file(b"abc", "a.txt")}
    assert str(client.call_tool("file", {file[0]: "notes"}, files=files)).endswith(".txt")
    with pytest.raises(ArgumentError, match="https URL"):
        client.call_tool("file", {file[0]: "/etc/passwd"})
    # The server is asked to fetch what it cannot; an app of Gradio 3.x would have this machine do so.
    wrong = ArgumentError if client.app_version.startswith("3") else AppError
    with pytest.raises(wrong):
        client.call_tool("file", {file[0]: "https://127.0.0.1:9/a.txt"})
