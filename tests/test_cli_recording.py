"""``record``, ``replay`` and ``trace``, and that docs/howto/recording.md shows what they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_apps import THE_APP
from faulty import within
from test_docs import blocks

from gradio_proto.cli import main
from gradio_proto.recording import read
from gradio_proto.testing import TestApp, serve

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "recording.md"

ASK = (
    "import os,urllib.request as u;print(u.urlopen(os.environ['GRADIO_PROTO_URL']+'/{path}').status,'{url}')"
)

app = TestApp()


@app.endpoint("/greet")
def greet(name: str) -> str:
    if not name:
        raise ValueError("nobody to greet")
    return f"Hello, {name}!"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(app) as address:
        yield address


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with within(60):
        yield


def console() -> Iterator[tuple[str, str]]:
    """The commands of the page, and what it says that they print."""
    for _, fence, text in blocks(PAGE):
        if fence == "console":
            command, _, output = text.removeprefix("$ ").partition("\n")
            yield command, output


def test_the_page_shows_what_is_printed(url: str) -> None:
    # The commands of the page come one after the other: some read what others have written.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    found = [*console()]
    assert len(found) == 5
    for command, output in found:
        words = shlex.split(command.replace(THE_APP, url))
        if "-o session.har" in command:  # it goes on until Ctrl-C
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", output)
            continue
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=50, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout + done.stderr == output


def test_every_option_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    page = PAGE.read_text("utf-8")
    for command in ("record", "replay", "trace"):
        assert main([command, "--help"]) == 0
        for option in set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {
            "--help",
            "--output",
            "--port",
        }:
            assert option in page, option


def python(path: str = "config") -> list[str]:
    return [sys.executable, "-c", ASK.replace("{path}", path)]


@pytest.mark.parametrize("name", ["a.ndjson", "a.har"])
def test_a_command_is_recorded_and_ends_it(name: str, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["record", url, "-o", name, "--", *python()]) == 0
    out, err = capfd.readouterr()
    assert re.fullmatch(r"200 http://127\.0\.0\.1:\d+\n", out)
    assert err == f"{name}: 1 exchanges\n"
    assert Path(name).read_text().startswith('{"kind"' if name == "a.ndjson" else "{\n")
    assert main(["replay", name, "--speed", "0", "--", *python()]) == 0
    assert capfd.readouterr().out.startswith("200 ")


def test_the_exit_status_is_that_of_the_command(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    def ends(*code: str) -> int:
        return main(["record", url, "-o", "a", "--format", "ndjson", "--", *code])

    assert ends(sys.executable, "-c", "raise SystemExit(7)") == 7
    assert ends(sys.executable, "-c", "import os; os.kill(os.getpid(), 15)") == 128 + 15
    assert ends("./no-such-command") == 2
    assert "./no-such-command: No such file" in capfd.readouterr().err


def test_what_was_never_recorded_is_told(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["record", url, "-o", "a", "--", *python()]) == 0
    assert main(["replay", "a", "--", *python("info%1b")]) == 1
    assert "this request was never recorded: GET /info%1b\n" in capfd.readouterr().err


def test_the_token_comes_from_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRADIO_PROTO_TOKEN", "hf_a_token_of_mine")
    assert main(["record", url, "-o", "a", "--token", "--", *python()]) == 0
    assert main(["record", "http://app.example", "-o", "b", "--token"]) == 2
    assert "by https only" in capfd.readouterr().err
    assert "hf_a_token" not in Path("a").read_text()


def test_what_cannot_be_done_is_said(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text").write_text("hello")
    Path("empty").mkdir()
    for words, why in (
        (["record", "not a url", "-o", "a"], "spaces"),
        (["record", url], "Missing option '-o'"),
        (["record", url, "-o", "none/a"], "No such file"),
        (["replay", "none"], "does not exist"),
        (["replay", "text"], "no recording"),
        (["trace", "text"], "no recording"),
        (["trace", "none"], "No such file"),
        (["trace", "text", "/greet"], "leave ENDPOINT away"),
        (["trace", url], "which ENDPOINT"),
        (["trace", url, "/greet", "{"], "no JSON"),
        (["trace", url, "/greet", "3"], "'3' is no argument"),
        (["trace", url, "/greet", "nmae=Ada"], "did you mean 'name'"),
    ):
        assert main(words) == 2, words
        assert why in capsys.readouterr().err, words


def test_a_call_is_drawn_however_it_ends(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", url, "/greet", '["Ada"]']) == 0
    assert "Hello, Ada!" in Path("timeline.html").read_text("utf-8")
    assert main(["trace", url, "greet", "name=", "-o", "b.html"]) == 1
    out, err = capsys.readouterr()
    assert out == "timeline.html\nb.html\n"
    assert err.startswith("Error: ")
    assert "failed" in Path("b.html").read_text("utf-8")
    for words in ([url, "/nothing"], ["http://127.0.0.1:9", "/greet"]):  # no job has begun
        assert main(["trace", *words, "-o", "c.html"]) == 2
        assert capsys.readouterr().err.startswith("Error: ")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_without_a_command_it_goes_on_until_it_is_ended(ending: signal.Signals, url: str) -> None:
    run = [sys.executable, "-m", "gradio_proto", "record", url, "-o", "a.har"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip()
        assert "press Ctrl-C" in process.stderr.readline()
        assert main(["predict", address, "/greet", "name=Ada"]) == 0
        process.send_signal(ending)
        assert process.wait(20) == 0
        assert re.fullmatch(r"a\.har: \d exchanges\n", process.stderr.read())
    assert json.loads(Path("a.har").read_text("utf-8"))["log"]["version"] == "1.2"
    assert any(each.path.endswith("/queue/join") for each in read("a.har").exchanges)


def test_ctrl_c_is_for_the_command(url: str) -> None:
    code = "import signal,sys;signal.signal(2,lambda *a:sys.exit(5));print('ready',flush=True);signal.pause()"
    run = [sys.executable, "-m", "gradio_proto", "record", url, "-o", "a", "--", sys.executable, "-c", code]
    with subprocess.Popen(
        run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 5
