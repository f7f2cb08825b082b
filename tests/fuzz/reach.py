"""What of the core the corpora reach, by themselves: the branches that they take, module by module."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from coverage import Coverage

from . import corpus
from .promises import Target, check

PAGE: Final = Path(__file__).parents[2] / "docs" / "fuzzing.md"
"""Where the table stands, in the one block of ``text``."""


def measured(targets: Iterable[Target]) -> dict[str, tuple[int, int]]:
    """For each module that some of the targets are for: how many of its branches their corpora take, and how many it
    has. What importing a module takes counts for nobody.
    """
    targets = list(targets)
    paths = {str(path) for target in targets for path in corpus.modules_of(target)}
    coverage = Coverage(data_file=None, branch=True, config_file=False, include=sorted(paths), messages=False)
    coverage.exclude(r"if TYPE_CHECKING:|@overload|\.\.\.$")
    for target in targets:
        inputs = corpus.read(target)
        coverage.start()
        try:
            for given in inputs:
                check(target, given, thorough=False)
        finally:
            coverage.stop()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        coverage.json_report(outfile=str(path))
        files = json.loads(path.read_text("utf-8"))["files"]
    found: dict[str, tuple[int, int]] = {}
    for name, said in files.items():
        module = Path(name).resolve().relative_to(corpus.PACKAGE.resolve()).with_suffix("")
        summary = said["summary"]
        found[".".join(module.parts)] = summary["covered_branches"], summary["num_branches"]
    return dict(sorted(found.items()))


def table(found: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """The lines of a table of them."""
    yield f"{'module':<20} {'branches':>8} {'taken':>6}"
    for name, (taken, branches) in found.items():
        yield f"{name:<20} {branches:>8} {taken / branches if branches else 1:>6.0%}"
    taken, branches = (sum(numbers) for numbers in zip(*found.values(), strict=True))
    yield f"{'together':<20} {branches:>8} {taken / branches:>6.0%}"


def written() -> list[str]:
    """The lines of the table as the page has it."""
    return PAGE.read_text("utf-8").partition("```text\n")[2].partition("\n```")[0].splitlines()


def write(lines: Iterable[str]) -> None:
    """Put the table into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition("```text\n")
    _, _, after = rest.partition("\n```")
    PAGE.write_text(f"{before}```text\n" + "\n".join(lines) + f"\n```{after}", "utf-8")
