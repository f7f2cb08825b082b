"""The command ``gradio-proto``: what it loads, how it ends, and that it keeps secrets to itself."""

from __future__ import annotations

import builtins
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import gradio_proto
from gradio_proto.cli import command, credentials, main
from gradio_proto.cli.command import EXTRAS, root
from gradio_proto.cli.conformance import conformance
from gradio_proto.cli.invocation import Invocation
from gradio_proto.cli.terminal import WIDE, console, safe, show, table

MAIN = Path(gradio_proto.__file__).parent / "__main__.py"

CPU_SECONDS = 0.150
"""What ``gradio-proto --help`` may cost."""


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def run_program(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-c", textwrap.dedent(program), **environment)


# What it costs and loads.


def test_help_costs_little(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    spent = []
    for _ in range(5):  # the first one compiles
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "gradio_proto", "--help"], check=True, capture_output=True, env=environment
        )
        after = os.times()
        spent.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(spent) <= CPU_SECONDS


@pytest.mark.parametrize("arguments", [["--help"], ["conformance", "--help"], ["--version"]])
def test_help_loads_no_more_than_click(arguments: list[str]) -> None:
    done = run_program(
        f"""
        import json, sys
        from gradio_proto.cli import main
        assert main({arguments}) == 0
        print(json.dumps(sorted(sys.modules)))
        """
    )
    assert done.stderr == ""
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "click" in loaded
    assert not {name for name in loaded if name.startswith(("rich", "hypothesis", "jsonschema", "h11"))}
    assert {name for name in loaded if name.startswith("gradio_proto.")} <= {
        "gradio_proto.cli",
        "gradio_proto.cli.command",
        "gradio_proto.cli.conformance",
        "gradio_proto.cli.failing",
        "gradio_proto.cli.invocation",
        "gradio_proto.cli.lazy",
    }


@pytest.mark.parametrize(
    "name", ["info", "predict", "stream", "submit", "events", "cancel", "upload", "download", "serve"]
)
def test_help_of_a_call_loads_no_client(name: str) -> None:
    done = run_program(
        f"""
        import json, sys
        from gradio_proto.cli import main
        assert main(["{name}", "--help"]) == 0
        print(json.dumps(sorted(sys.modules)))
        """
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not {name for name in loaded if name.startswith(("rich", "hypothesis", "h11", "ssl", "logging"))}
    assert {
        name
        for name in loaded
        if name.startswith("gradio_proto.") and not name.startswith("gradio_proto.cli")
    } <= {"gradio_proto.redaction", "gradio_proto.text"}


def test_the_help_says_what_there_is_under_headings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for heading, name in (
        ("Calling an app", "predict"),
        ("Jobs that outlive a command", "events"),
        ("Making and watching", "serve"),
        ("Testing", "conformance"),
        ("The shell", "completion"),
    ):
        assert re.search(rf"^{heading}:\n(  .*\n)*  {name} ", shown, re.MULTILINE)


@pytest.mark.parametrize("group", [root, conformance], ids=lambda group: group.name)
def test_every_command_of_the_table_is_there(group: Any) -> None:
    context = click.Context(group)
    for name in group.list_commands(context):
        loaded = group.get_command(context, name)
        assert loaded.name == name
        assert loaded.help
    assert group.get_command(context, "nothing") is None


def test_python_m(capsys: pytest.CaptureFixture[str]) -> None:
    done = python("-m", "gradio_proto", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == done.stdout
    assert "conformance  Find what a Gradio server, or a client, does wrong." in done.stdout


def test_the_status_is_the_one_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gradio-proto", "--nothing"])
    spec = importlib.util.find_spec("gradio_proto.__main__")
    program = compile(MAIN.read_text("utf-8"), str(MAIN), "exec")
    with pytest.raises(SystemExit) as ended:
        exec(program, {"__name__": "__main__", "__spec__": spec})
    assert ended.value.code == 2
    exec(program, {"__name__": "imported", "__spec__": spec})  # and does nothing


BLOCKING = """
    import sys

    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name in {blocked}:
                raise ModuleNotFoundError("No module named " + repr(name), name=name)

    sys.meta_path.insert(0, Blocked())
    from gradio_proto.cli import main
    sys.exit(main({arguments}))
"""


def without(modules: set[str], arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return run_program(BLOCKING.format(blocked=sorted(modules), arguments=arguments))


def test_without_click() -> None:
    done = without({"click"}, ["--help"])
    assert done.returncode == 2
    assert (
        done.stderr == "gradio-proto takes an extra that is not installed: pip install 'gradio_proto[cli]'\n"
    )


@pytest.mark.parametrize("module", ["click", "string"])
def test_what_is_missing_at_the_root(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot(name: str, *rest: Any) -> Any:
        if name == "command":
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real(name, *rest)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", cannot)
    if module == "click":
        assert main(["--help"]) == 2
        assert "pip install 'gradio_proto[cli]'" in capsys.readouterr().err
    else:
        with pytest.raises(ModuleNotFoundError):
            main(["--help"])


def test_without_rich() -> None:
    done = without({"rich"}, ["conformance", "list"])
    assert done.returncode == 2
    assert done.stderr == "this takes an extra that is not installed: pip install 'gradio_proto[cli]'\n"


def test_what_else_is_missing_is_no_matter_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    done = without({"gradio_proto.cli.command"}, ["--help"])
    assert done.returncode == 1
    assert "No module named 'gradio_proto.cli.command'" in done.stderr


# How it ends.


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """Runs a function as a command of its own, and gives the exit status."""

    def call(function: Callable[[], Any]) -> int:
        made = click.Command("try", callback=function)
        monkeypatch.setattr(root, "get_command", lambda ctx, name: made)
        return main(["try"])

    return call


def raiser(error: BaseException) -> Callable[[], Any]:
    def function() -> None:
        raise error

    return function


Called = Callable[[Callable[[], Any]], int]


@pytest.mark.parametrize(("value", "status"), [(None, 0), (0, 0), (1, 1), (2, 2), ("text", 0)])
def test_a_command_returns_its_status(value: Any, status: int, called: Called) -> None:
    assert called(lambda: value) == status


def test_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "lsit"]) == 2
    assert "No such command 'lsit'" in capsys.readouterr().err
    assert main(["--nothing"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_an_error_of_click(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(raiser(click.ClickException("the file is a folder"))) == 2
    assert capsys.readouterr().err == "Error: the file is a folder\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt(error: BaseException, called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(raiser(error)) == 130
    assert "interrupted\n" in capsys.readouterr().err


def test_a_defect_of_our_own_is_no_violation(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    def function() -> None:
        command_secrets().add("hunter22")
        raise ValueError("the password is hunter22")

    assert called(function) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.endswith("ValueError: the password is [redacted]\n")


def command_secrets() -> Any:
    from gradio_proto.cli.invocation import invocation

    return invocation().secrets


def test_secrets_in_messages(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    def function() -> None:
        command_secrets().add("hunter22")
        raise click.UsageError("what is hunter22?")

    assert called(function) == 2
    assert capsys.readouterr().err.endswith("Error: what is [redacted]?\n")


@pytest.mark.parametrize("module", EXTRAS)
def test_the_extra_that_is_missing_is_named(
    module: str, called: Called, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(raiser(ModuleNotFoundError(f"No module named {module!r}", name=module))) == 2
    assert capsys.readouterr().err == (
        f"this takes an extra that is not installed: pip install 'gradio_proto[{EXTRAS[module]}]'\n"
    )


def test_another_module_that_is_missing(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(raiser(ModuleNotFoundError("No module named 'x'", name="x"))) == 2
    assert capsys.readouterr().err.endswith("ModuleNotFoundError: No module named 'x'\n")


def test_output_that_nobody_reads() -> None:
    done = run_program(
        """
        import os, sys
        import click
        from gradio_proto.cli import main
        from gradio_proto.cli.command import root

        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        root.get_command = lambda ctx, name: click.Command("try", callback=lambda: click.echo("x" * 100))
        sys.exit(main(["try"]))
        """
    )
    assert (done.returncode, done.stderr) == (141, "")
    assert command.GONE == 141


def test_output_that_nobody_reads_any_more(
    tmp_path: Path, called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "out", "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert called(raiser(BrokenPipeError())) == 141
        out.write("what nobody reads")
    assert (tmp_path / "out").read_text("utf-8") == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"]])
def test_help_that_nobody_reads(arguments: list[str]) -> None:
    done = run_program(
        f"""
        import os, sys
        from gradio_proto.cli import main

        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        sys.exit(main({arguments}))
        """
    )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_disk_that_is_full() -> None:
    done = run_program(
        """
        import os, sys
        from gradio_proto.cli import main

        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        sys.exit(main(["--help"]))
        """
    )
    assert done.returncode == 2
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"


def test_another_error_of_the_system_is_told_as_it_is(
    called: Called, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(raiser(PermissionError(13, "Permission denied", "x"))) == 2
    assert capsys.readouterr().err.endswith("PermissionError: [Errno 13] Permission denied: 'x'\n")


def test_streams_that_a_shell_has_closed() -> None:
    done = run_program(
        """
        import sys
        from gradio_proto.cli import main

        sys.stdin = sys.stdout = None
        assert main(["completion", "bash"]) == 0
        assert main(["events"]) == 2
        sys.stderr = None
        sys.exit(main(["events"]))
        """
    )
    assert done.returncode == 2
    assert "no job" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str, *rest: Any) -> Any:
        if name == "command":
            raise KeyboardInterrupt
        return real(name, *rest)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert main(["--help"]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


# Secrets.


@pytest.fixture
def known() -> Any:
    known = Invocation()
    with click.Context(root, obj=known):
        yield known


@pytest.mark.parametrize(
    ("variable", "ask"),
    [(credentials.PASSWORD, lambda: credentials.password("ada")), (credentials.TOKEN, credentials.token)],
)
class TestSecrets:
    def test_out_of_the_environment(
        self, variable: str, ask: Callable[[], str], known: Invocation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, "hunter22")
        assert ask() == "hunter22"
        assert known.hide("it is hunter22") == "it is [redacted]"

    def test_from_a_prompt(
        self, variable: str, ask: Callable[[], str], known: Invocation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, "")
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        asked = []

        def prompt(question: str, **how: Any) -> str:
            asked.append((question, how))
            return "hunter22"

        monkeypatch.setattr(click, "prompt", prompt)
        assert ask() == "hunter22"
        assert asked[0][1] == {"hide_input": True, "err": True}
        assert known.hide("it is hunter22") == "it is [redacted]"

    def test_without_a_terminal(
        self, variable: str, ask: Callable[[], str], known: Invocation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
        with pytest.raises(click.UsageError, match=f"set {variable}: there is no terminal to ask on"):
            ask()


def test_headers(known: Invocation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "abc123")
    for text, value, shown in (
        ("X-Key:  $KEY ", "abc123", "X-Key: $KEY"),
        ("X-Key: Bearer ${KEY}", "Bearer abc123", "X-Key: Bearer ${KEY}"),
        ("X-Key: Bearer ${KEY}4", "Bearer abc1234", "X-Key: [redacted]"),
        ("X-Key: 5 $$", "5 $", "X-Key: [redacted]"),
    ):
        header = credentials.header(text)
        assert (header.name, header.value, header.shown) == ("x-key", value, shown)
        assert value not in repr(header)
    assert known.hide("Bearer abc1234 abc1234") == "[redacted] [redacted]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X-Key", "written 'Name: value'"),
        (": secret", "written 'Name: value'"),
        ("X Key: secret", "written 'Name: value'"),
        ("X-Key: ", "written 'Name: value'"),
        ("X-Key: $NO_SUCH_KEY", "wants the variable NO_SUCH_KEY, which is not set"),
        ("X-Key: secret$", "a '\\$' that begins no variable"),
        ("X-Key: se\ncret", "holds what no header may hold"),
    ],
)
def test_what_is_no_header(text: str, message: str, known: Invocation) -> None:
    with pytest.raises(click.UsageError, match=message) as caught:
        credentials.header(text)
    assert "secret" not in caught.value.message


def test_nothing_is_hidden_where_there_are_no_secrets() -> None:
    assert Invocation().hide("text") == "text"


def test_a_password_behind_the_name(known: Invocation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(credentials.PASSWORD, "hunter22")
    with pytest.raises(click.UsageError, match="--auth has no password") as refused:
        credentials.password("ada:biscuit")
    assert "biscuit" not in str(refused.value)


# What is shown.


def test_a_table_in_a_pipe_is_not_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = table("case", "needs")
    shown.add_row("a" * 90, "[bold]b")
    out = console()
    assert out.width == WIDE
    out.print(shown)
    assert capsys.readouterr().out.splitlines()[1].rstrip() == "a" * 90 + "  [bold]b"


def test_names_on_a_narrow_screen_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    shown = table("endpoint", "name")
    shown.add_row("/greet", "punctuation_at_the_end")
    show(shown)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert "".join(line.removeprefix("/greet").strip() for line in lines) == "punctuation_at_the_end"


def test_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console(error=True).print("[x]")
    assert capsys.readouterr() == ("", "[x]\n")


def test_streams_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["--help"]) == 0
    assert out.getvalue().startswith("Usage: gradio-proto")


def test_the_width_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert console().width == 100


def test_what_a_terminal_would_obey() -> None:
    assert safe("\x1b[2Jred\u202e") == "\\x1b[2Jred\\u202e"
