"""Generated modules at work, against servers of several versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from loops import Loop, loop, on_each_loop

from gradio_proto import AppError, AsyncClient, Client, handle_file
from gradio_proto.client.generated import DEFAULT
from gradio_proto.testing import Component, Error, File, TestApp, serve
from gradio_proto.typed.codegen import generate

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
        outputs=[Component("number", label="Sum"), Component("textbox", label="Count")],
    )
    def calculate(num1: float, operation: str, num2: float) -> tuple[float, str]:
        return (num1 + num2 if operation == "add" else num1 - num2), operation

    @app.endpoint("/size")
    def size(file: File) -> int:
        return len(file.data)

    @app.endpoint("/total", inputs=[Component("json", value=[1, 2])], outputs=["number"])
    def total(numbers: list[float]) -> float:
        return sum(numbers)

    @app.endpoint("/join", inputs=[Component("textbox", label="Word")] * 2, outputs=["textbox"])
    def join(*words: str) -> str:
        return " ".join(words)

    @app.endpoint("/nothing", inputs=[], outputs=[])
    def nothing() -> None: ...

    @app.endpoint("/fail")
    def fail(self_: str) -> str:
        raise Error(self_)

    return app


def load(client: Client | AsyncClient) -> dict[str, Any]:
    module = generate(client._engine.state.app, client.src, name="Tools")
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(module, "generated", "exec"), namespace)
    return namespace


@pytest.fixture(scope="module", params=VERSIONS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(make_app(request.param)) as address:
        yield address


def test_the_methods(url: str) -> None:
    with Client(url) as client:
        module = load(client)
        tools = module["Tools"](client)
        result = tools.calculate(4, "sub", 5)
        assert result == (-1, "sub")
        assert (result.sum, result.count_) == (-1, "sub")
        assert isinstance(result, module["CalculateResult"])
        assert tools.submit_calculate(4, "add", 5).result(timeout=10) == (9, "add")
        assert tools.size(handle_file(b"abc", "a.txt")) == 3
        assert tools.total([3, 4]) == 7
        assert tools.join("a", "b") == "a b"  # up to Gradio 4.21 these have no names to be given by
        assert tools.nothing() is None
        with pytest.raises(AppError, match="no luck"):
            tools.fail("no luck")
        tools.close()
        assert tools.calculate(1, "add", 2).sum == 3  # the client is its owner's
        assert repr(tools) == f"<Tools of {client!r}>"


def test_a_default_that_no_source_can_say(url: str) -> None:
    with Client(url) as client:
        tools = load(client)["Tools"](client)
        if client.app_version.startswith(("3", "4.1")):
            with pytest.raises(TypeError):
                tools.total()
        else:
            assert tools.total() == 3
            assert tools.submit_total().result(timeout=10) == 3
    assert repr(DEFAULT) == "DEFAULT"


def test_it_connects_by_itself(url: str) -> None:
    with Client(url) as client:
        module = load(client)
    with module["Tools"]() as tools:
        assert tools.client.src == f"{url}/"
        assert tools.calculate(1, "add", 2).sum == 3
    assert tools.client._closed
    with module["Tools"](url, api_name="/size", max_workers=1) as tools:
        assert tools.calculate(1, "add", 2).sum == 3
    with Client(url) as client, pytest.raises(TypeError, match="its options already"):
        module["Tools"](client, max_workers=1)


@on_each_loop
async def test_the_async_twin(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        module = load(client)
        made = module["AsyncTools"]
        async with made(client) as tools:
            assert (await tools.calculate(4, "sub", 5)).sum == -1
            job = await tools.submit_calculate(4, "sub", 5)
            assert await job.result() == (-1, "sub")
            assert await tools.nothing() is None
            assert repr(tools) == f"<AsyncTools of {client!r}>"
        assert (await tools.calculate(4, "sub", 5)).sum == -1
        with pytest.raises(TypeError, match="its options already"):
            made(client, max_workers=1)
    async with made() as tools:
        assert await tools.size(handle_file(b"abc", "a.txt")) == 3
    assert tools.client._closed
    tools = await made(url)
    assert await tools.total([1]) == 1
    await tools.close()
