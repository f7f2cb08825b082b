"""The corpora: one file of JSON lines for each target, an input a line, in ``tests/fuzz/corpus``.

A corpus holds what was found (an input that broke a promise once), and the shortest inputs that together reach all that
any input has reached: :func:`distilled` chooses them, by the branches of the core that each of them takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from coverage import Coverage

import gradio_proto

from .promises import Input, Target, check, rendered

FOLDER: Final = Path(__file__).parent / "corpus"

PACKAGE: Final = Path(gradio_proto.__file__).parent

Branch = tuple[str, tuple[int, int]]
"""A module of the core, and two lines in it that were run one after the other."""


def path_of(target: Target) -> Path:
    """Where its corpus is."""
    return FOLDER / f"{target.name}.jsonl"


def read(target: Target) -> list[Input]:
    """The inputs of its corpus."""
    path = path_of(target)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def write(target: Target, inputs: Iterable[Input]) -> None:
    """Make them its corpus: in the order of their text, so that a version of the file can be compared with another."""
    lines = sorted({rendered(given) for given in inputs}, key=lambda line: (len(line), line))
    FOLDER.mkdir(exist_ok=True)
    path_of(target).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def pool(target: Target) -> list[Input]:
    """What inputs are made of: the seeds and the corpus."""
    known = {rendered(given): given for given in (*target.seeds(), *read(target))}
    return [known[text] for text in sorted(known)]


def modules_of(target: Target) -> list[Path]:
    """The files of the modules that it is for."""
    return [PACKAGE / f"{name.replace('.', '/')}.py" for name in target.modules]


def branches(target: Target, inputs: Iterable[Input], *, everywhere: bool = False) -> Iterator[set[Branch]]:
    """What each input reaches: of the modules that the target is for, or of the whole core."""
    include = [str(PACKAGE / "*")] if everywhere else [str(path) for path in modules_of(target)]
    measured = Coverage(data_file=None, branch=True, config_file=False, include=include, messages=False)
    for number, given in enumerate(inputs):
        measured.start()
        try:
            measured.switch_context(str(number))
            check(target, given, thorough=False)
        finally:
            measured.stop()
        data = measured.get_data()
        data.set_query_context(str(number))
        yield {(path, arc) for path in data.measured_files() for arc in data.arcs(path) or ()}


def distilled(target: Target, inputs: Iterable[Input], kept: Iterable[Input] = ()) -> list[Input]:
    """The inputs that together reach what all of them do: the shortest first, and then each that adds something.

    Args:
        target: What they are for.
        inputs: All that there are.
        kept: Those which stay, whatever they reach.
    """
    chosen = {rendered(given): given for given in kept}
    ordered = [*chosen.values(), *sorted(inputs, key=lambda given: len(rendered(given)))]
    reached: set[Branch] = set()
    for given, found in zip(ordered, branches(target, ordered), strict=True):
        if not found <= reached:
            chosen[rendered(given)] = given
            reached |= found
    return list(chosen.values())
