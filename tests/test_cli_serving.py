"""``serve`` and ``completion``: an app to call, and how a shell completes the calls."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

from gradio_proto import Client, handle_file
from gradio_proto.cli import main
from gradio_proto.cli.calls import naming, serving
from gradio_proto.cli.calls.completing import Bash
from gradio_proto.cli.calls.demonstration import make_app
from gradio_proto.cli.command import ASKS, root
from gradio_proto.testing import TestApp, serve

APP = """\
from gradio_proto.testing import TestApp

from beside import SUFFIX

app = TestApp()
other = TestApp(version="4.44.1")
nothing = 3


@app.endpoint("/shout")
def shout(text: str) -> str:
    return text.upper() + SUFFIX


@other.endpoint("/whisper")
def whisper(text: str) -> str:
    return text.lower()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with apps in it, in which commands run."""
    (tmp_path / "small.py").write_text(APP)
    (tmp_path / "beside.py").write_text("SUFFIX = '!'\n")
    (tmp_path / "needs.py").write_text("import no_such_thing\n")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def serving_command(*words: str) -> Generator[str]:
    """The address at which a command serves, which Ctrl-C ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "gradio_proto", "serve", *words, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield line.rpartition(", until")[0].rpartition(" ")[2]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (0, "stopped")


@pytest.mark.parametrize("app", ["small.py", "small.py:app", "small", "small:app", "./small.py"])
def test_an_app_of_ones_own(app: str, home: Path) -> None:
    with serving_command(app) as url, Client(url) as client:
        assert client.predict("x", api_name="/shout") == "X!"


def test_an_app_of_another_name(home: Path) -> None:
    with serving_command("small.py:other", "--healthy") as url, Client(url) as client:
        assert client.app_version == "4.44.1"
        assert client.predict("X", api_name="/whisper") == "x"


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2", "4.44.1", "6.31.0"])
def test_the_demonstration(version: str) -> None:
    with serve(make_app(version)) as url, Client(url) as client:
        assert client.predict("Ada", "!", api_name="/greet") == "Hello, Ada!"
        assert list(client.submit(3, api_name="/count")) == [1, 2, 3]
        assert list(client.submit("rain", api_name="/write"))[-1].startswith(
            "There is much to say about rain"
        )
        assert client.predict(2, api_name="/train") == "trained for 2 epochs"
        path = client.predict(handle_file(b"quiet", name="a.txt"), api_name="/shout")
        assert Path(path).read_text() == "QUIET"
        assert client.predict(1, 2, api_name="/divide") == 0.5
        with pytest.raises(ValueError, match="divide by zero"):
            client.predict(1, 0, api_name="/divide")


def test_the_demonstration_is_served() -> None:
    with serving_command("demo", "--gradio-version", "4.44.1") as url, Client(url) as client:
        assert client.app_version == "4.44.1"
        assert client.predict("Ada", api_name="/greet") == "Hello, Ada!"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.py"], "there is no file nowhere.py"),
        (["nowhere"], "there is no module nowhere; a file is written nowhere.py"),
        (["nowhere.at.all:app"], "there is no module nowhere.at.all"),
        (["small.py:absent"], "a gradio_proto.testing.TestApp called 'absent': there is none"),
        (["small.py:nothing"], "it is a int"),
        (["small.py", "--gradio-version", "3.50.2"], "an app says itself which version it is"),
        (["demo", "--gradio-version", "9"], "--gradio-version is one of 3.36.1"),
        (["demo", "--port", "70000"], "70000"),
    ],
)
def test_what_cannot_be_served(
    words: list[str], message: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["serve", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_module_that_an_app_lacks_is_told_as_python_does(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("needs", "needs.py"):
        assert main(["serve", name]) == 2
        assert "No module named 'no_such_thing'" in capsys.readouterr().err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "demo", "--port", str(port)]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
    assert shown.endswith("; --port 0 takes any port that is free\n")
    assert shown.count(str(port)) == 1
    assert main(["serve", "demo", "--host", "192.0.2.1"]) == 2  # no address of this machine
    assert "--port 0" not in capsys.readouterr().err


# Completion.


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp()
    for name in ("/greet", "/grow", "/odd;name"):
        app.endpoint(name)(lambda text="": text)
    with serve(app) as address:
        yield address


def completed(line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash is told, asked as the script asks."""
    monkeypatch.setenv(ASKS, "bash_complete")
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line.encode())))
    with pytest.raises(SystemExit):
        main([])
    return [answer.partition(",")[2] for answer in capsys.readouterr().out.split()]


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("gradio-proto pre", ["predict"]),
        ("gradio-proto re", ["record", "replay"]),
        ("gradio-proto --v", ["--version"]),
        ("gradio-proto predict {url} /gr", ["/greet", "/grow"]),
        ("gradio-proto predict {url} ", ["/greet", "/grow"]),  # the third would be read by the shell
        ("gradio-proto info {url} /gre", ["/greet"]),
        ("gradio-proto predict http://127.0.0.1:1 /gr", []),
        ("gradio-proto predict http://example.org /gr", []),
        ("gradio-proto predict ftp: /gr", []),
        ("gradio-proto predict {url} /greet --no", ["--no-download"]),
        ("gradio-proto completion ", ["bash", "zsh", "fish"]),
        ("gradio-proto serve ", ["demo", "beside.py", "folder/", "needs.py", "small.py"]),
        ("gradio-proto serve s", ["small.py"]),
        ("gradio-proto serve ./s", ["./small.py"]),
        ("gradio-proto serve nowhere/", []),
        ("gradio-proto serve 'é", []),
        ("gradio-proto info --format ", ["json", "table"]),
    ],
)
def test_completion(
    line: str,
    answers: list[str],
    url: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert completed(line.replace("{url}", url), capsys, monkeypatch) == answers


def test_completing_commands_loads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(type(root), "get_command", load)
    context = click.Context(root, info_name="gradio-proto")
    assert [item.value for item in root.shell_complete(context, "conf")] == ["conformance"]


def test_an_app_elsewhere_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio_proto.client

    def connect(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(gradio_proto.client, "Client", connect)
    context = click.Context(click.Command("x"))
    context.params["src"] = "https://example.org"
    assert naming.complete_endpoint(context, click.Argument(["y"]), "/") == []
    context.params["src"] = None
    assert naming.complete_endpoint(context, click.Argument(["y"]), "/") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"{ASKS}={shell}_complete" in script
    assert "gradio-proto" in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash(url: str, home: Path) -> None:
    """The script, in bash: with the line as readline has it there."""
    program = home / "bin" / "gradio-proto"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom gradio_proto.cli import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    line = f"gradio-proto predict {url} /gr"
    script = f"""
        eval "$(gradio-proto completion bash)"
        complete -p gradio-proto
        COMP_LINE='{line}' COMP_POINT={len(line)}
        _gradio_proto_completion gradio-proto
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
    )
    assert done.stdout.splitlines() == [
        "complete -o nosort -F _gradio_proto_completion gradio-proto",
        "/greet",
        "/grow",
    ]
    assert done.stderr == ""


def test_the_kinds_of_answers() -> None:
    made = Bash(root, {}, "gradio-proto", ASKS)
    item = click.shell_completion.CompletionItem("x", type="file")
    assert made.format_completion(item) == "file,x"


def test_apps_by_name() -> None:
    assert serving._split("a.b:c") == ("a.b", "c")
    assert serving._split("a.b:") == ("a.b", "app")
    assert serving._split("C:/x.py") == ("C:/x.py", "app")
