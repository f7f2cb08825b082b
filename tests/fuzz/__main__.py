"""Fuzz the core: ``PYTHONPATH=tests python -m fuzz [TARGET ...] [--seconds N | --cpu-minutes N]``.

Leaves with 0 if no promise was broken. What a run has found to reach something new is added to the corpus at its end.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import corpus, findings, reach
from .driving import drawing
from .promises import Input, Target, check, check_growth, rendered
from .table import TARGETS

ROOT = Path(__file__).parents[2]

LONGEST_LINE = 5_000
"""Characters of an input that is added to a corpus."""


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser("fuzz", description="Fuzzers of the core.")
    parser.add_argument("targets", nargs="*", help=f"which of {', '.join(TARGETS)}; all if there is none")
    parser.add_argument("--all", action="store_true", help="all targets, which is the default")
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--seconds", type=float, help="CPU time for each target")
    time.add_argument("--cpu-minutes", type=float, help="the same in minutes (default: 1)")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzz", help="where atheris keeps its bytes"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a finding again")
    parser.add_argument(
        "--corpus", action="store_true", help="run the corpora again, thoroughly, and nothing else"
    )
    parser.add_argument("--coverage", action="store_true", help="print what of the core the corpora reach")
    parser.add_argument("--write", action="store_true", help="and put that into docs/fuzzing.md")
    parser.add_argument(
        "--distil", action="store_true", help="add to the corpora what earlier runs have reached"
    )
    return parser


def main() -> int:
    """Run what the command line asks for."""
    options = parser().parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser().error(f"there is no target {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}")
    targets = [TARGETS[name] for name in (options.targets or TARGETS)]
    if options.replay is not None:
        name, given = findings.read(options.replay)
        check(TARGETS[name], given)
        check_growth(TARGETS[name], given)
        print("no promise is broken any more")
        return 0
    if options.coverage:
        lines = [*reach.table(reach.measured(targets))]
        print("\n".join(lines))
        if options.write:
            reach.write(lines)
        return 0
    if options.corpus:
        for target in targets:
            for given in corpus.read(target):
                check(target, given)
            print(f"{target.name}: {len(corpus.read(target))} inputs")
        return 0
    if options.distil:
        for target in targets:
            _distil(target, options.folder)
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: uv pip install --group fuzz, on Python 3.11 to 3.13")
        return 2
    seconds = options.seconds or 60 * (options.cpu_minutes or 1)
    failures = [target.name for target in targets if not _fuzz(target, seconds, options.folder)]
    for line in _spent(options.folder):
        print(line)
    print(f"promises were broken in {', '.join(failures)}" if failures else "no promise was broken")
    return 1 if failures else 0


def _fuzz(target: Target, seconds: float, folder: Path) -> bool:
    forms = ("drawn",) if target.raw is None else ("drawn", "raw")
    ends: list[int] = []
    for form in forms:
        each = str(seconds / len(forms))
        command = [sys.executable, "-m", "fuzz.driving", target.name, each, form, str(folder)]
        ends.append(subprocess.run(command, check=False).returncode)
        if ends[-1] not in (0, 1):
            print(
                f"{target.name}: the fuzzer ended with {ends[-1]}; its last bytes are in {folder / target.name}"
            )
    _distil(target, folder)
    return not any(ends)


def _distil(target: Target, folder: Path) -> None:
    before = corpus.read(target)
    inputs = [given for given in _kept(target, folder) if len(rendered(given)) <= LONGEST_LINE]
    after = corpus.distilled(target, [*target.seeds(), *before, *_holding(target, inputs)], before)
    corpus.write(target, after)
    print(
        f"{target.name}: {len(inputs)} inputs kept by the fuzzer; the corpus had {len(before)}, and has {len(after)}"
    )


def _kept(target: Target, folder: Path) -> Iterator[Input]:
    """What libFuzzer has kept, as inputs."""
    drawn: list[Input] = []
    draw = drawing(target, corpus.pool(target), drawn.append)
    for path in sorted((folder / target.name / "drawn").glob("*")):
        draw(path.read_bytes())
    yield from drawn
    for path in sorted((folder / target.name / "raw").glob("*")):
        if target.raw is not None:
            yield target.raw(path.read_bytes())


def _holding(target: Target, inputs: list[Input]) -> Iterator[Input]:
    """Those that break no promise: the others are findings, and are added by hand when they are mended."""
    for given in inputs:
        try:
            check(target, given, thorough=False)
        except Exception as error:
            print(f"{target.name}: left out, since it breaks a promise: {str(error)[:200]}")
        else:
            yield given


def _spent(folder: Path) -> Iterator[str]:
    """The CPU time that each target has had in this folder, over all runs."""
    path = folder / "runs.jsonl"
    runs = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    for name in TARGETS:
        mine = [run for run in runs if run["target"] == name]
        if mine:
            minutes = sum(run["cpu_seconds"] for run in mine) / 60
            yield f"{name}: {minutes:.1f} CPU-minutes so far, {sum(run['runs'] for run in mine):,} inputs"


if __name__ == "__main__":
    sys.exit(main())
