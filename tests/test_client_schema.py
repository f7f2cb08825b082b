"""``client.schema()`` and ``client.call_tool()``, blocking and async."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from loops import Loop, loop, on_each_loop

from gradio_proto import AppError, ArgumentError, AsyncClient, Client, handle_file
from gradio_proto.testing import Component, Error, File, TestApp, serve

__all__ = ["loop"]

VERSIONS = ("3.50.2", "4.13.0", "5.49.1", "6.31.0")


def make_app(version: str) -> TestApp:
    app = TestApp(version=version)

    @app.endpoint(
        "/calculate",
        inputs=[
            "number",
            Component("radio", choices=["add", "sub"], value="add"),
            Component("number", value=5),
        ],
        outputs=["number", "textbox"],
    )
    def calculate(num1: float, operation: str, num2: float) -> tuple[float, str]:
        return (num1 + num2 if operation == "add" else num1 - num2), operation

    @app.endpoint("/size of.file")
    def size(file: File) -> int:
        return len(file.data)

    @app.endpoint("/anything", inputs=["json"], outputs=["json"])
    def anything(value: Any) -> Any:
        return value

    if version.startswith(("5", "6")):  # servers before know no such thing

        @app.endpoint("/hidden", api_visibility="undocumented")
        def hidden() -> str:
            raise AssertionError("a model has guessed it")

    @app.endpoint("/fail")
    def fail(text: str) -> str:
        raise Error(text)

    return app


@pytest.fixture(scope="module", params=VERSIONS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(make_app(request.param)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_schemas_are_true_of_calls(client: Client) -> None:
    schema = client.schema()
    assert list(schema) == ["/calculate", "/size of.file", "/anything", "/fail"]
    given = dict(zip(schema["/calculate"]["input"]["properties"], [4, "sub", 5], strict=True))
    jsonschema_rs.validate(schema["/calculate"]["input"], given)
    returned = client.predict(**given, api_name="/calculate")
    jsonschema_rs.validate(schema["/calculate"]["output"], list(returned))


def test_a_tool_is_called_by_the_name_in_its_definition(client: Client) -> None:
    names = [tool["name"] for tool in client.schema("mcp")]
    assert names == ["calculate", "size_of_file", "anything", "fail"]
    assert [tool["function"]["name"] for tool in client.schema("openai")] == names
    assert [tool["name"] for tool in client.schema("anthropic")] == names
    properties = client.schema("mcp")[0]["inputSchema"]["properties"]
    given = dict(zip(properties, [4, "sub", 5], strict=True))
    assert client.call_tool("calculate", given) == (-1, "sub")
    assert client.call_tool("anything", '{"value": {"a": [1]}}') == {"a": [1]}
    file = next(iter(client.schema("mcp")[1]["inputSchema"]["properties"]))
    files = {"notes": handle_file(b"abc", "notes.txt")}
    assert client.call_tool("size_of_file", {file: "notes"}, files=files) == 3


def test_what_goes_wrong(client: Client) -> None:
    for name in ("multiply", "/calculate", "hidden"):
        with pytest.raises(
            ArgumentError, match=f"no tool '{name}'; the app's tools: 'calculate', 'size_of_file'"
        ):
            client.call_tool(name, {})
    with pytest.raises(TypeError, match="name must be a str"):
        client.call_tool(3, {})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has no argument 'x'"):
        client.call_tool("calculate", {"x": 1})
    with pytest.raises(ArgumentError, match="the arguments of a tool"):
        client.call_tool("calculate", "4 + 5")
    with pytest.raises(TypeError, match="each of files must be a FileInput"):
        client.call_tool("size_of_file", {"file": "x"}, files={"x": b"x"})  # type: ignore[dict-item]
    with pytest.raises(AppError, match="no luck"):
        client.call_tool("fail", {"text": "no luck"})
    with pytest.raises(ValueError, match="'openai', 'anthropic', 'mcp'"):
        client.schema("xml")  # type: ignore[call-overload]


def test_no_tool_call_opens_a_file_of_this_machine(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for name in (
        str(secret),
        f"file://{secret}",
        {"path": str(secret), "meta": {"_type": "gradio.FileData"}},
    ):
        with pytest.raises(ArgumentError, match="https URL"):
            client.call_tool("size_of_file", {"file": name})
    # Elsewhere it is data, which comes back as it went.
    assert client.call_tool("anything", {"value": str(secret)}) == str(secret)


def test_the_server_is_the_one_to_fetch_a_url(client: Client) -> None:
    found = "https://no-such-host.invalid/x.txt"
    if client.app_version.startswith("3"):
        with pytest.raises(ArgumentError, match="this machine does not fetch"):
            client.call_tool("size_of_file", {"file": found})
    else:
        with pytest.raises(AppError):
            client.call_tool("size_of_file", {"file": found})


@on_each_loop
async def test_the_async_twin(loop: Loop) -> None:
    with serve(make_app("6.31.0")) as url:
        async with AsyncClient(url) as client:
            assert (await client.schema("mcp"))[0]["name"] == "calculate"
            assert "/calculate" in await client.schema()
            assert await client.call_tool("calculate", {"num1": 4, "num2": None}) == (9, "add")
            with pytest.raises(TypeError, match="needs 'num1'"):
                await client.call_tool("calculate", {})
