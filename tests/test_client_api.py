"""``client.api``: endpoints as attributes, blocking and async."""

from __future__ import annotations

import copy
import inspect
import pydoc
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from loops import Loop, loop, on_each_loop

from gradio_proto import AppError, ArgumentError, AsyncClient, Client, handle_file
from gradio_proto.client import AsyncBoundEndpoint, BoundEndpoint, api
from gradio_proto.client.api import ApiEndpoint
from gradio_proto.endpoints import App, Endpoint
from gradio_proto.testing import Component, Context, Error, File, Rendering, TestApp, serve
from gradio_proto.typed.names import python_names

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
        outputs=["number"],
    )
    def calculate(num1: float, operation: str, num2: float) -> float:
        return num1 + num2 if operation == "add" else num1 - num2

    @app.endpoint("/some-name", inputs=["textbox", "state"], outputs=["textbox", "state"])
    def some_name(word: str, words: list[str] | None) -> tuple[str, list[str]]:
        words = [*(words or ()), word]
        return " ".join(words), words

    @app.endpoint("/class")
    def fails(name: str) -> str:
        raise Error(f"no {name}")

    @app.endpoint("/with_options")
    def with_options(headers: str, *, context: Context) -> str:
        return headers + (context.request_headers.get("x-a") or "")

    @app.endpoint("/_repr_mimebundle_")
    def trap(include: Any = None) -> str:
        raise AssertionError("a notebook has called it")

    @app.endpoint("/size")
    def size(file: File) -> int:
        return len(file.data)

    return app


@pytest.fixture(scope="module", params=VERSIONS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(make_app(request.param)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_endpoints_are_called_by_their_names(client: Client) -> None:
    assert client.api.calculate(4, "sub", 5) == -1
    assert client.api.calculate.predict(4, "sub", 5) == -1
    assert client.api.calculate.submit(4, "add", 5).result(timeout=10) == 9
    assert list(client.api.calculate.map([(1, "add", 2), (3, "add", 4)])) == [3, 7]
    assert client.api.size(handle_file(b"abc", "a.txt")) == 3
    assert client.api.some_name("a") == "a"
    assert client.api.some_name("b") == "a b"
    assert client.api["/some-name"]("c") == "a b c"
    assert isinstance(client.api.calculate, BoundEndpoint)
    with pytest.raises(AppError, match="no luck"):
        client.api.class_("luck")


def test_what_is_there(client: Client) -> None:
    names = ["calculate", "some_name", "class_", "with_options_", "repr_mimebundle", "size"]
    assert list(client.api) == names
    assert len(client.api) == 6
    assert {*names, "with_options"} <= {*dir(client.api)}
    assert repr(client.api) == f"<Api of {client.src}: {', '.join(names)}>"
    assert not hasattr(client.api, "_repr_mimebundle_")
    assert not hasattr(client.api, "no_such")
    with pytest.raises(AttributeError, match=r"has no endpoint 'calculat': list\(client\.api\)") as caught:
        _ = client.api.calculat
    assert caught.value.name == "calculat"
    assert list(copy.copy(client.api)) == names


def test_names_as_they_are_and_numbers(client: Client) -> None:
    for key in ("/class", "class", 2):
        assert client.api[key].__name__ == "class_"
    with pytest.raises(KeyError, match="no endpoint 'x'"):
        _ = client.api["x"]
    with pytest.raises(KeyError, match="fn_index 99"):
        _ = client.api[99]


def test_options_for_calls(client: Client) -> None:
    api = client.api.with_options({"x-a": "!"})
    assert api.with_options_(headers="b") == "b!"
    assert client.api.with_options_("b") == "b"
    alone = client.api.with_options(isolate=True)
    assert alone.some_name("a") == alone.some_name("a") == "a"
    with pytest.raises(TypeError, match="isolate"):
        client.api.with_options(isolate="x")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="via"):
        client.api.with_options(via="x")  # type: ignore[arg-type]


def test_signatures_and_docstrings(client: Client) -> None:
    calculate = client.api.calculate
    signature = inspect.signature(calculate)
    if client.app_version.startswith(("3", "4.1")):
        shown = "(num1: float, operation: {}, num2: float) -> float"
    else:
        shown = "(num1: float, operation: {} = 'add', num2: float = 5) -> float"
    choices = "str" if client.app_version.startswith("3") else "Literal['add', 'sub']"
    assert str(signature) == shown.format(choices)
    bound = signature.bind(4, "sub", num2=5)
    assert calculate(*bound.args, **bound.kwargs) == -1
    assert calculate.__name__ == "calculate"
    text = pydoc.render_doc(calculate, renderer=pydoc.plaintext)
    assert f"calculate{signature}" in text
    assert "num1: Number 'num1'." in text
    assert "State" not in pydoc.render_doc(client.api.some_name, renderer=pydoc.plaintext)
    assert list(inspect.signature(client.api.some_name).parameters) == ["word"]


def test_an_endpoint_that_is_not_listed_is_there_by_its_number() -> None:
    app = TestApp()

    @app.endpoint("/hidden", api_visibility="undocumented")
    def hidden(a: str) -> str:
        return a

    with serve(app) as url, Client(url) as client:
        assert list(client.api) == []
        assert repr(client.api) == f"<Api of {client.src}: >"
        endpoint = client.api[0]
        assert endpoint("x") == "x"
        assert endpoint.__name__ == "fn_0"


def test_names_are_made_once_for_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def names(app: App, reserved: Collection[str] = ()) -> dict[str, Endpoint]:
        made.append(app)
        return python_names(app, reserved)

    monkeypatch.setattr(api, "python_names", names)
    with serve(make_app("6.31.0")) as url, Client(url) as client:
        assert [client.api.some_name("x") for _ in range(3)] == ["x", "x x", "x x x"]
        assert len(made) == 1
        client.refresh()
        assert "some_name" in client.api
        assert len(made) == 2


def test_a_docstring_does_not_hold_all_of_a_long_default() -> None:
    app = TestApp()

    @app.endpoint("/draw", inputs=[Component("textbox", value="x" * 100_000)])
    def draw(image: str) -> str:
        return image

    with serve(app) as url, Client(url) as client:
        assert len(client.api.draw.__doc__ or "") < 5_000
        assert inspect.signature(client.api.draw).parameters["image"].default == "x" * 100_000


def test_a_repr_names_twenty_endpoints_at_most() -> None:
    app = TestApp()
    for number in range(23):
        app.endpoint(f"/f{number}")(lambda: "x")
    with serve(app) as url, Client(url) as client:
        assert repr(client.api).endswith("f18, f19 and 3 more>")


def test_it_follows_what_is_rendered() -> None:
    app = TestApp()

    @app.render(inputs=["json"])
    def buttons(names: list[str], *, rendering: Rendering) -> None:
        for name in names:
            greet = rendering.endpoint(f"/greet_{name}", inputs=["textbox"], outputs=["textbox"])
            greet(lambda word, name=name: f"{word}, {name}!")

    with serve(app) as url, Client(url) as client:
        api = client.api
        assert list(api) == []
        client.predict(["ada"], fn_index=0)
        assert list(api) == ["greet_ada"]
        assert api.greet_ada("Hello") == "Hello, ada!"


def test_it_follows_a_refresh() -> None:
    app = TestApp()

    @app.endpoint("/first")
    def first(a: str) -> str:
        return a

    with serve(app) as url, Client(url) as client:
        api, held = client.api, client.api.first

        @app.endpoint("/later")
        def later(a: str = "x") -> str:
            return a

        assert list(api) == ["first"]
        client.refresh()
        assert list(api) == ["first", "later"]
        assert str(inspect.signature(api.later)) == "(a: str = 'x') -> str"
        assert api.later() == "x"
        assert held("y") == "y"


@on_each_loop
async def test_the_async_twin(loop: Loop) -> None:
    with serve(make_app("6.31.0")) as url:
        async with AsyncClient(url) as client:
            calculate = client.api.calculate
            assert isinstance(calculate, AsyncBoundEndpoint)
            assert await calculate(4, "sub", num2=5) == -1
            job = await calculate.submit(4)
            assert await job.result() == 9
            assert [value async for value in calculate.map([{"num1": 1}, {"num1": 2}])] == [6, 7]
            assert await client.api["/class"].submit("x") is not None
            assert str(inspect.signature(calculate)).endswith("num2: float = 5) -> float")
            assert await client.api.with_options(isolate=True).some_name("a") == "a"
            assert "calculate" in dir(client.api)


def test_what_is_not_used_is_not_imported() -> None:
    program = """
        import sys, gradio_proto.client.async_client
        names = ("gradio_proto.typed", "gradio_proto.client.api", "gradio_proto.client.notebook")
        print([name for name in sys.modules if name.startswith(names)])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"


def test_the_class_is_one_that_people_can_name() -> None:
    assert issubclass(ApiEndpoint, BoundEndpoint)
    assert ApiEndpoint.__doc__
