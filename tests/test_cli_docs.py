"""What docs/howto/conformance.md shows is what the commands print."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_docs import THE_APP, blocks

from gradio_proto.cli import main
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
