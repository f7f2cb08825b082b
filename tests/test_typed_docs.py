"""What docs/howto/typed-calls.md shows of a shell is what the commands print."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from docs_apps import THE_APP, typed
from test_docs import blocks

from gradio_proto.cli import main
from gradio_proto.testing import serve

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "typed-calls.md"


def test_commands_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = [code for _, fence, code in blocks(PAGE) if fence == "console"]
    assert len(shown) == 2
    with serve(typed) as url:
        for session in shown:
            command, _, output = session.removeprefix("$ ").partition("\n")
            assert main(shlex.split(command.replace(THE_APP, url))[1:]) == 0
            printed = capsys.readouterr()
            assert printed.out + printed.err == output
