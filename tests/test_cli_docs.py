"""What docs/howto/conformance.md and command-line.md show is what the commands print."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_apps import THE_APP
from test_docs import blocks

from gradio_proto.cli import main
from gradio_proto.cli.calls.demonstration import make_app
from gradio_proto.testing import TestApp, serve

pytest_plugins = ["pytester"]

HOWTO = Path(__file__).parent.parent / "docs" / "howto"
PAGE = HOWTO / "conformance.md"
OTHER = HOWTO / "conformance-clients.md"

app = TestApp()


@app.endpoint("/greet")
def greet(name: str) -> str:
    return f"Hello, {name}!"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(app) as address:
        yield address


def indented(page: Path) -> Iterator[str]:
    """The indented blocks of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for block in re.findall(r"(?:^(?: {4}.*|)\n)+", text, re.MULTILINE):
        if block.strip():
            yield re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip("\n")


def sessions() -> dict[str, str]:
    """What is printed, by the command that prints it."""
    shown = [block[2:].partition("\n") for block in indented(PAGE) if block.startswith("$ ")]
    return {command: output for command, _, output in shown}


def check(expected: str, printed: str) -> None:
    """``...`` stands for anything. How long it takes, and how many functions there are, is not looked at."""

    def steady(text: str) -> str:
        text = re.sub(r"\d+\.\d s$", "0.0 s", text, flags=re.MULTILINE)
        text = re.sub(r'"fn_index":\d+', '"fn_index":0', text)
        return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"

    checker = doctest.OutputChecker()
    assert checker.check_output(steady(expected), steady(printed), doctest.ELLIPSIS), printed


COMMANDS = [command for command in sessions() if command.startswith("gradio-proto ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_shown_is_what_is_printed(
    command: str, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    status = main(shlex.split(command.replace(THE_APP, url))[1:])
    printed = capsys.readouterr().out.replace(url, THE_APP)
    check(sessions()[command], printed)
    assert status == (1 if "FAIL" in printed else 0)


@pytest.mark.parametrize("page", [PAGE, OTHER], ids=lambda page: page.name)
def test_every_other_command_is_understood(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        line
        for block in indented(page)
        for line in block.replace("\\\n", "").splitlines()
        if line.startswith("gradio-proto ")
    ]
    assert len(lines) >= 2
    for line in lines:
        words = shlex.split(line)
        assert main([*words[1:3], "--help"]) == 0
        shown = capsys.readouterr().out
        for option in {word for word in words if word.startswith("-")}:
            assert re.search(rf"(?<!\S){option}\b", shown), line


def test_the_tests_of_the_page(pytester: pytest.Pytester) -> None:
    conftest, tests = [code for _, fence, code in blocks(PAGE) if fence == "python"]
    pytester.makeconftest(conftest)
    pytester.makepyfile(test_server=tests)
    result = pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}
    check(sessions()["pytest -v"], result.stdout.str())


def test_there_is_something_to_test() -> None:
    assert len(COMMANDS) >= 5


# docs/howto/command-line.md, in bash: with pipes, files and exit statuses, against the demonstration.

CALLS = HOWTO / "command-line.md"
SERVED = re.compile(r"\$ (gradio-proto serve .*)\n(.*)")


def console_blocks(page: Path) -> list[str]:
    return re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def demonstration() -> Iterator[str]:
    with serve(make_app("6.31.0")) as address:
        yield address


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds the command."""
    program = tmp_path / "bin" / "gradio-proto"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom gradio_proto.cli import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("block", [block for block in console_blocks(CALLS) if not SERVED.match(block)])
def test_a_shell_prints_what_the_page_shows(
    block: str, demonstration: str, shell: dict[str, str], tmp_path: Path
) -> None:
    block = block.replace(THE_APP, demonstration)
    script = "".join(
        f"echo {shlex.quote(line)}\n{line[2:]}\n" for line in block.splitlines() if line.startswith("$ ")
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f"exec 2>&1\n{script}"],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    check(block, done.stdout)


def test_what_is_served_says_so(shell: dict[str, str]) -> None:
    (served,) = [found for block in console_blocks(CALLS) if (found := SERVED.match(block))]
    command, line = served.groups()
    process = subprocess.Popen(
        [*shlex.split(command), "--port", "0"],
        env=shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert re.sub(r":\d+,", ":7860,", printed) == f"{line}\n"


def test_the_page_of_the_command_line_shows_every_call() -> None:
    text = CALLS.read_text("utf-8")
    for name in (
        "info",
        "predict",
        "stream",
        "upload",
        "download",
        "submit",
        "events",
        "cancel",
        "completion",
    ):
        assert f"$ gradio-proto {name} " in text or f"| gradio-proto {name} " in text
