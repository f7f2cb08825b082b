"""``gradio-proto codegen``: writing a module, and finding out whether it still fits."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradio_proto.cli import main
from gradio_proto.testing import EmbeddedServer, TestApp, serve


def make_app() -> TestApp:
    app = TestApp()

    @app.endpoint("/greet")
    def greet(name: str = "Ada") -> str:
        return f"Hello, {name}!"

    return app


@pytest.fixture
def url() -> Iterator[str]:
    with serve(make_app()) as address:
        yield address


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["codegen", *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def classes(module: str) -> list[str]:
    return [node.name for node in ast.parse(module).body if isinstance(node, ast.ClassDef)]


def test_a_module_that_works(run: Run, url: str, tmp_path: Path) -> None:
    path = tmp_path / "greeter.py"
    assert run(url, "-o", path, "--class-name", "Greeter") == (0, "", f"{path} has 1 endpoints\n")
    assert [each.name for each in tmp_path.iterdir()] == ["greeter.py"]
    spec = importlib.util.spec_from_file_location("greeter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.Greeter() as greeter:
        assert greeter.greet() == "Hello, Ada!"
    assert f"    gradio-proto codegen {url}/ -o greeter.py --class-name Greeter\n" in path.read_text("utf-8")


def test_to_stdout(run: Run, url: str) -> None:
    status, module, said = run(url)
    assert (status, said) == (0, "")
    assert classes(module) == ["App", "AsyncApp"]
    assert f"gradio-proto codegen {url}/ -o FILE\n" in module
    assert run(url) == (0, module, "")


def test_one_class_only(run: Run, url: str) -> None:
    assert classes(run(url, "--sync")[1]) == ["App"]
    module = run(url, "--async", "--class-name", "Greeter")[1]
    assert classes(module) == ["AsyncGreeter"]
    assert " -o FILE --class-name Greeter --async\n" in module


def test_a_module_fits_until_the_app_changes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "greeter.py"
    app = make_app()
    with EmbeddedServer(app) as server:
        assert run(server.url, "-o", path, "--quiet") == (0, "", "")
        before = path.read_bytes()
        assert run(server.url, "-o", path, "--check") == (0, f"{path} fits the app\n", "")
        app.endpoint("/more")(lambda: "x")
        assert run(server.url, "-o", path, "--check") == (
            1,
            "",
            f"{path} does not fit the app any more: write it anew\n",
        )
        assert path.read_bytes() == before
        run(server.url, "-o", path)
        assert run(server.url, "-o", path, "--check")[0] == 0


def test_a_module_fits_wherever_the_app_is_served(run: Run, url: str, tmp_path: Path) -> None:
    path = tmp_path / "greeter.py"
    run(url, "-o", path)
    with serve(make_app()) as other:
        assert run(other, "-o", path, "--check")[0] == 0


def test_what_cannot_be_checked(run: Run, url: str, tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    status, _, said = run(url, "--check")
    assert (status, "--check needs the module: -o FILE" in said) == (2, True)
    status, _, said = run(url, "--check", "-o", path)
    assert (status, "cannot be read" in said) == (2, True)
    path.write_bytes(b"\xff")
    assert run(url, "--check", "-o", path)[0] == 2
    path.write_text("x = 1\n")
    status, _, said = run(url, "--check", "-o", path)
    assert (status, "no module that this command has written" in said) == (2, True)


def test_what_cannot_be_written(run: Run, url: str, tmp_path: Path) -> None:
    status, _, said = run(url, "--class-name", "no name")
    assert (status, "a class is called like 'Calculator'" in said) == (2, True)
    status, _, said = run(url, "-o", tmp_path / "none" / "x.py")
    assert (status, "cannot be written" in said) == (2, True)
    (tmp_path / "folder.py").mkdir()
    assert run(url, "-o", tmp_path / "folder.py")[0] == 2
    assert os.listdir(tmp_path) == ["folder.py"]


def test_what_is_no_plain_file_is_written_into(run: Run, url: str, tmp_path: Path) -> None:
    link, target = tmp_path / "link.py", tmp_path / "target.py"
    link.symlink_to(target)
    target.write_text("old")
    assert run(url, "-o", link)[0] == 0
    assert link.is_symlink()
    assert target.read_text().startswith('"""Calls of a Gradio app')
    assert sorted(os.listdir(tmp_path)) == ["link.py", "target.py"]


def test_an_app_that_is_not_there(run: Run, tmp_path: Path) -> None:
    status, out, said = run("http://127.0.0.1:9", "-o", tmp_path / "x.py")
    assert (status, out) == (2, "")
    assert said.startswith("Error: ")
    assert not any(tmp_path.iterdir())


def test_no_credential_gets_into_a_module(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_PROTO_PASSWORD", "biscuit")
    monkeypatch.setenv("KEY", "hidden")
    app = TestApp(auth=("ada", "biscuit"))
    app.endpoint("/f")(lambda: "x")
    with serve(app) as url:
        status, module, _ = run(url, "--auth", "ada", "--header", "x-key: $KEY")
    assert status == 0
    assert "def f(self) -> " in module
    assert "biscuit" not in module
    assert "hidden" not in module
    assert "ada" not in module
