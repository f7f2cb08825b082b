"""What docs/tutorial.md shows of a terminal is what a terminal shows; its Python is tested with that of all pages."""

from __future__ import annotations

import contextlib
import doctest
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from docs_apps import THE_APP
from test_docs import ROOT, blocks, run

from gradio_proto import Client
from gradio_proto.cli import main

PAGE = ROOT / "docs" / "tutorial.md"


def sessions() -> dict[str, str]:
    """What is printed, by the command that prints it; the page has one of each."""
    shown = [code.removeprefix("$ ").partition("\n") for _, fence, code in blocks(PAGE) if fence == "console"]
    return {command: output for command, _, output in shown}


def check(expected: str, printed: str) -> None:
    """``...`` stands for anything. Spaces at the ends of lines are not looked at, nor is what indents a whole text."""

    def steady(text: str) -> str:
        return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"

    assert doctest.OutputChecker().check_output(steady(expected), steady(printed), doctest.ELLIPSIS), printed


@contextlib.contextmanager
def serving(command: str) -> Generator[str]:
    """Run a command that serves an app, on a free port, until the block is left; gives the line that it prints."""
    words = shlex.split(command)
    assert words.pop(0) == "gradio-proto"
    process = subprocess.Popen(
        [sys.executable, "-m", "gradio_proto", *words, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_every_command_is_known() -> None:
    commands = ["make demo", ". .venv/bin/activate", "gradio-proto serve demo"]
    assert [command for command in sessions() if not command.startswith("gradio-proto predict ")] == commands


def test_the_demonstration() -> None:
    check(sessions()["make demo"], run("demo.py").stdout)
    assert re.search(
        r"^demo: .*\n\t@\$\(BIN\)/python docs/demo\.py", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_an_app_to_call_and_the_first_call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving("gradio-proto serve demo") as line:
        (url,) = re.findall(r"http://[\d.:]+", line)
        check(sessions()["gradio-proto serve demo"], line.replace(url, THE_APP))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        commands = [command for command in sessions() if command.startswith("gradio-proto predict ")]
        assert commands
        for command in commands:
            assert main(shlex.split(command.replace(THE_APP, url))[1:]) == 0
            check(sessions()[command], capsys.readouterr().out)

        # The app of the examples is the one that this command serves.
        with Client(url) as client:
            api = client.view_api(print_info=False, return_format="str")
        assert isinstance(api, str)
        (shown,) = re.findall(r"(?:^ {4}.*\n)+", without_fences(PAGE), re.MULTILINE)
        check(f"...{shown.strip()}...", api)


def without_fences(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
