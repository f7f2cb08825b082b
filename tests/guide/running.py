"""Run an example as it stands in the documentation, with only its import line changed, as if somebody typed it in."""

from __future__ import annotations

import ast
import builtins
import io
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from guide.spaces import LONG_ENOUGH, Held

PAGES: Final = Path(__file__).parent / "pages"

IMPORT: Final = re.compile(r"^( *)from gradio_client(?:\.\w+)? import ", re.MULTILINE)


@dataclass(frozen=True)
class World:
    """What there is around an example."""

    urls: Mapping[str, str]
    """Where each app is, by the name of its Space, or by what it is called here."""
    held: Held
    """The work that goes on until it is let go."""


@dataclass
class Run:
    """What has come of an example."""

    world: World
    namespace: dict[str, Any]
    values: list[Any] = field(default_factory=list[Any])
    """Of the statements that are expressions, as an interpreter shows them."""
    output: io.BytesIO = field(default_factory=io.BytesIO)

    @property
    def printed(self) -> str:
        """What it has printed."""
        return self.output.getvalue().decode()

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]


Check = Callable[[Run], None]


def nothing(_: object) -> Mapping[str, Any]:
    """What most examples want from those around them."""
    return {}


@dataclass(frozen=True)
class Example:
    """What an example needs and what must come of it, beyond the output that stands in the documentation itself."""

    check: Check | None = None
    """Looks at what has come of it."""
    differs: str = ""
    """Why the output in the documentation is not what comes, with any client."""
    raises: type[Exception] | None = None
    """What it fails with, then."""
    before: str = ""
    """What it takes for granted: the imports of the examples before it."""
    names: Callable[[World], Mapping[str, Any]] = nothing
    """The names that the reader is to put in."""
    filled: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the reader is to write in place of a remark."""
    libraries: Callable[[Run], Mapping[str, Any]] = nothing
    """What stands for other modules that it imports."""
    waits: Mapping[str, Check] = field(default_factory=dict[str, Check])
    """By how a statement begins: what somebody who types it in waits for first."""
    api_of: str = ""
    """It is no code, but what ``view_api`` prints of this app."""
    left_out: str = ""
    """Why it is not run."""


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The fence and the text of each example of a page."""
    text = (PAGES / f"{page}.txt").read_text("utf-8")
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


def steps(code: str) -> Iterator[tuple[str, str]]:
    """The code up to each output that is shown, and that output, which goes on while lines are indented or close it."""
    program: list[str] = []
    shown: list[str] = []
    for line in code.splitlines():
        if line.startswith(">>") or (shown and line.startswith((" ", "}"))):
            shown.append(line.removeprefix(">>").removeprefix(" "))
        elif shown and line.strip():
            yield "\n".join(program), "\n".join(shown)
            program, shown = [line], []
        else:
            program.append(line)
    yield "\n".join(program), "\n".join(shown)


def with_our_import(code: str) -> str:
    """The one change that a reader makes."""
    return IMPORT.sub(r"\1from gradio_proto import ", code)


@contextmanager
def prepared(example: Example, world: World) -> Generator[Run]:
    """What an example takes for granted, and a terminal of its own."""
    outcome = Run(world, {"__name__": "example", **example.names(world)}, output=_KeptOpen())
    libraries = example.libraries(outcome)

    def importing(name: str, *args: Any) -> Any:
        return libraries[name] if name in libraries else builtins.__import__(name, *args)

    outcome.namespace["__builtins__"] = {**vars(builtins), "__import__": importing}
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout = io.TextIOWrapper(outcome.output, "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(_KeptOpen(), "utf-8")  # an example may wrap it, and so close what it wraps
    try:
        _run_statements(with_our_import(example.before), outcome, {})
        yield outcome
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def run(code: str, example: Example, outcome: Run) -> Iterator[str]:
    """Run it, and say after each step what the documentation shows there."""
    if example.api_of:
        url = outcome.world.urls[example.api_of]
        code = f"from gradio_client import Client\nclient = Client({url!r}, verbose=False)"
    for remark, written in example.filled.items():
        assert remark in code
        code = code.replace(remark, written)
    for beginning in example.waits:
        assert any(line.startswith(beginning) for line in code.splitlines())
    for program, shown in steps(code):
        _run_statements(with_our_import(program), outcome, example.waits)
        yield shown


def _run_statements(program: str, outcome: Run, waits: Mapping[str, Check]) -> None:
    for statement in ast.parse(program).body:
        source = ast.unparse(statement)
        for beginning, wait in waits.items():
            if source.startswith(beginning):
                wait(outcome)
        if isinstance(statement, ast.Expr):
            expression = compile(ast.Expression(statement.value), "<example>", "eval")
            outcome.values.append(eval(expression, outcome.namespace))  # noqa: S307 - what this is for
        else:
            exec(compile(ast.Module([statement], []), "<example>", "exec"), outcome.namespace)


class _KeptOpen(io.BytesIO):
    """An output that can be read after whatever wraps it is gone."""

    def close(self) -> None:
        pass


def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + LONG_ENOUGH
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
