"""The documentation is true: its examples run, its generated pages are current, its links lead somewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from docs_apps import addresses_of, printed_by, with_addresses

from gradio_proto import Client, GradioError, Timeouts, errors
from gradio_proto.config import SUPPORTED_PROTOCOLS
from gradio_proto.testing import Context, Error, File, Rendering, TestApp, serve

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
SCRIPTS = ("demo.py", "howto/own_runner.py")

app = TestApp(default_concurrency_limit=None)


@app.endpoint("/greet")
def greet(name: str) -> str:
    return f"Hello, {name}!"


@app.endpoint("/count")
def count(n: int) -> Iterator[int]:
    for number in range(n):
        yield number
        time.sleep(0.001)


@app.endpoint("/train")
def train(*, context: Context) -> str:
    context.progress((1, 2), desc="halfway")
    return "trained"


@app.endpoint("/sleep")
def sleep(seconds: float) -> None:
    time.sleep(min(seconds, 0.3))  # the example gives up before


@app.endpoint("/divide")
def divide(a: float, b: float) -> float:
    if b == 0:
        raise Error("Nobody can divide by zero.")
    return a / b


@app.endpoint(
    "/collect",
    inputs=["textbox", "state"],
    outputs=["textbox", "state"],
    connection="stream",
    time_limit=60,
)
def collect(word: str, words: list[str] | None) -> tuple[str, list[str]]:
    words = [*(words or ()), word]
    return " ".join(words), words


@app.render(inputs=["json"])
def buttons(names: list[str], *, rendering: Rendering) -> None:
    for name in names:
        tell = rendering.endpoint(f"/tell_{name.lower()}", inputs=["textbox"], outputs=["textbox"])
        tell(lambda word, name=name: f"{word}, {name}!")


@app.endpoint("/capitals")
def capitals(letter: File) -> File:
    return File(letter.name, letter.data.upper())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(app) as address:
        yield address


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[tuple[int, str, str]]:
    """The fenced blocks of a page: the number of the line before, what follows the fence, and the text."""
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield page.read_text("utf-8")[: match.start(2)].count("\n"), match[1], match[2]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Examples.


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_do_what_they_say(
    page: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The blocks of a page are one program.
    namespace: dict[str, Any] = {"__name__": "example"}
    monkeypatch.chdir(tmp_path)  # what an example writes
    with patch.dict(os.environ), addresses_of(name_of(page), url) as addresses:
        for before, fence, code in blocks(page):
            if fence == "python":
                example = with_addresses(code, addresses)
                program = compile("\n" * before + example, str(page), "exec")
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(program, namespace)
                assert printed.getvalue().splitlines() == printed_by(example)


def test_nearly_every_example_runs() -> None:
    fences = [fence for page in PAGES for _, fence, _ in blocks(page)]
    assert set(fences) <= {"python", "python no-run", "console", "text", "mermaid", "{eval-rst}", "{toctree}"}
    assert fences.count("python") >= 15
    assert fences.count("python no-run") <= 2


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(DOCS / script)],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


def test_the_demo_shows_what_it_should() -> None:
    done = run("demo.py")
    assert done.stderr == ""
    assert done.returncode == 0
    assert "\033" not in done.stdout
    for shown in (
        "speaks sse_v3",
        'api_name="/greet"',
        "Hello, Ada.",
        "There is much\n",
        "number 2 of 2 in the queue",
        "1/5 epochs",
        "AppError: Nobody can divide by zero.",
        "['one', 'two']",
        "the server was asked to stop the job",
        "down  [####################]",
        "200 jobs in",
        "as it should be",
    ):
        assert shown in done.stdout


@pytest.mark.parametrize("no_color", [False, True])
def test_the_demo_has_colours_on_a_terminal_that_wants_them(
    no_color: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    demo = load(DOCS / "demo.py")
    demo.heading(demo.a_stream)
    for text in ("one", "one two"):
        demo.show_growing(text)
    demo.end_growing()
    shown = capsys.readouterr().out
    assert shown.endswith("    one two\n")
    assert ("\033" in shown) is not no_color


def test_the_demo_fails_if_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = load(DOCS / "demo.py")

    def wrong(client: Client) -> None:
        """Say what is not so."""
        demo.check(False, "the sky is green")

    monkeypatch.setattr(demo, "connecting", wrong)
    assert demo.main() == 1
    assert "Not as it should be: the sky is green" in capsys.readouterr().err


def test_the_runner_of_ones_own_runs() -> None:
    done = run("howto/own_runner.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == ["Hello, Ada!", "Hello, Grace!"]


# Pages.


def test_generated_pages_are_current() -> None:
    for script in ("make_limits.py", "make_state_diagrams.py"):
        maker = load(DOCS / script)
        assert maker.PAGE.read_text("utf-8") == maker.page(), f"run docs/{script} again"


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for said, link in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", text):
        assert "://" not in link
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in [slug(line.lstrip("# ")) for line in target.read_text("utf-8").splitlines()]
        if target.parent == ROOT / "tests" and said.startswith(("test_", "Test")):
            found = re.search(rf"^(def|class) {said}\b", target.read_text("utf-8"), re.MULTILINE)
            assert found, f"{link} has no {said}"


def test_every_page_can_be_reached() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve()
              for page in PAGES
              for link in re.findall(r"\]\(([^)]+\.md[^)]*)\)", page.read_text("utf-8"))}  # fmt: skip
    assert {page for page in PAGES if page not in (ROOT / "README.md", DOCS / "index.md")} <= linked


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 200


def test_the_readme_tells_the_facts() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert ", ".join(f"`{protocol}`" for protocol in SUPPORTED_PROTOCOLS) in readme
    for field in fields(Timeouts):
        default = getattr(Timeouts(), field.name)
        assert f"| `{field.name}` | {'none' if default is None else f'{default:g}'} |" in readme


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    told: dict[str, tuple[int, str | None]] = {}
    for line in (DOCS / "errors.md").read_text("utf-8").splitlines():
        found = re.match(r"    ( *)([A-Z]\w+)(?: \((\w+)\))?(?:  |$)", line)
        if found:
            told[found[2]] = (len(found[1]) // 2, found[3])
    assert told == tree_of_errors(GradioError, 0)


def tree_of_errors(cls: type[Exception], depth: int) -> dict[str, tuple[int, str | None]]:
    builtin = next((base.__name__ for base in cls.__bases__ if base.__module__ == "builtins"), None)
    tree = {cls.__name__: (depth, builtin if depth else None)}
    for below in cls.__subclasses__():
        if below.__module__ == errors.__name__:
            tree |= tree_of_errors(below, depth + 1)
    return tree
