"""The command: see :mod:`core_mutants`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeAlias

from core_mutants.holding import core, own_tests, wider_tests
from core_mutants.making import Mutant, mutants_of
from core_mutants.page import Row, page
from core_mutants.sampling import sample, score
from core_mutants.trying import Copy, Outcome, settle

PROJECT: Final = Path(__file__).parents[2]
PAGE: Final = PROJECT / "docs" / "mutation.md"
SURVIVORS: Final = PROJECT / "build" / "core-mutants" / "survivors.diff"
EQUIVALENT: Final = Path(__file__).parent / "equivalent.json"
COPIED: Final = (
    "gradio_proto",
    "transports",
    "tests",
    "spec",
    "docs",
    "benchmarks",
    "pyproject.toml",
    "Makefile",
    "README.md",
)
BAR: Final = 0.8
PROCESSES: Final = 2
FORK: Final = multiprocessing.get_context("fork")
SECONDS: Final = 20.0
"""Of the processor, that the tests of one module may take. They take a quarter of that."""

Key: TypeAlias = tuple[str, str, str]
"""A module, the lines that a mutant changes, and what they become."""


@dataclass(frozen=True)
class Tried:
    """A mutant and what came of it."""

    module: str
    """As the core names it, like ``flows.calls``."""
    mutant: Mutant
    outcome: Outcome
    by_own: bool
    """Whether the module's own tests have seen it."""

    @property
    def key(self) -> Key:
        """By which a mistake that is none is known."""
        return (self.module, *self.mutant.changed())


class Module:
    """A module of the core, with the tests that hold it."""

    def __init__(self, name: str, copy: Path) -> None:
        self._name = name
        self._own = own_tests(name, copy / "tests")
        self._wider = wider_tests(name, copy / "tests")
        self.path = copy / "gradio_proto" / f"{name.replace('.', '/')}.py"
        self.full_name = f"gradio_proto.{name}"
        self._wider_pass = False

    def try_mutant(self, copy: Copy, mutant: Mutant) -> tuple[Outcome, bool]:
        """Let the tests see it, its own first, and tell what came of it and whether its own have seen it."""
        text = mutant.text()
        outcome = copy.run(self.full_name, text, self._own, SECONDS)
        if outcome is not Outcome.SURVIVED:
            return outcome, True
        outcome = copy.run(self.full_name, text, self._wider, SECONDS)
        if outcome is not Outcome.SURVIVED and not self._wider_pass:
            self._check(copy, self._wider)
            self._wider_pass = True
        return outcome, False

    def check(self, copy: Copy) -> None:
        """See that its own tests pass without a mistake.

        Raises:
            RuntimeError: They do not.
        """
        self._check(copy, self._own)

    def _check(self, copy: Copy, tests: Sequence[str]) -> None:
        outcome = copy.run(self.full_name, self.path.read_text("utf-8"), tests, SECONDS)
        if outcome is not Outcome.SURVIVED:
            raise RuntimeError(f"{self._name}: {outcome.value} without a mistake: {copy.said()[-3000:]}")


def _copied(target: Path) -> None:
    hidden = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=hidden)
        else:
            shutil.copy(source, target / name)


def equivalents() -> dict[Key, str]:
    """Mistakes that are none, by module and what is changed into what, and why."""
    entries = json.loads(EQUIVALENT.read_text("utf-8"))
    return {(entry["module"], entry["before"], entry["after"]): entry["why"] for entry in entries}


class Bench:
    """All that is to be tried, and where."""

    def __init__(self, root: Path, globs: Sequence[str], size: int, seed: int) -> None:
        self._copy = Copy(root)
        self._modules = {
            name: Module(name, root)
            for name in core(root / "gradio_proto")
            if any(fnmatchcase(name, glob) for glob in globs)
        }
        found = {
            name: list(mutants_of(module.full_name, module.path)) for name, module in self._modules.items()
        }
        self.population = {name: len(mutants) for name, mutants in found.items() if mutants}
        chosen = sample({name: found[name] for name in self.population}, size, seed)
        self._work = [(name, mutant) for name, mutants in chosen.items() for mutant in mutants]
        random.Random(seed).shuffle(self._work)
        self._end = 0.0

    def try_all(self, minutes: float, processes: int) -> Iterator[Tried]:
        """Try the chosen mutants, several at a time, in no order, and begin none when the time is up.

        Raises:
            RuntimeError: Tests fail without any mistake.
        """
        settle()
        self._end = time.monotonic() + minutes * 60
        unproved: set[str] = set()
        proved: set[str] = set()
        # Each worker is forked with all that was loaded here, and has one thread: what it forks is safe to run.
        with ProcessPoolExecutor(processes, FORK, _work_at, (self,)) as pool:
            for (name, mutant), found in zip(self._work, pool.map(_try, range(len(self._work))), strict=True):
                if found:
                    yield Tried(name, mutant, *found)
                    (unproved if found[1] else proved).add(name)
            # Tests that have passed with a mistake pass without one. The others may have failed for another reason.
            for _ in pool.map(_check, sorted(unproved - proved)):
                pass

    @property
    def size(self) -> int:
        """How many were chosen."""
        return len(self._work)

    def check(self, name: str) -> None:
        """See that a module's own tests pass."""
        self._modules[name].check(self._copy)

    def try_one(self, place: int) -> tuple[Outcome, bool] | None:
        """Try a mutant by its place in the work, unless the time is up."""
        if time.monotonic() > self._end:
            return None
        name, mutant = self._work[place]
        return self._modules[name].try_mutant(self._copy, mutant)


_bench: Bench | None = None
"""In a worker: what it was forked with."""


def _work_at(bench: Bench) -> None:
    global _bench
    _bench = bench


def _check(name: str) -> None:
    assert _bench is not None
    _bench.check(name)


def _try(place: int) -> tuple[Outcome, bool] | None:
    assert _bench is not None
    return _bench.try_one(place)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="core_mutants", description="Try a sample of the core's mutants.")
    parser.add_argument("--sample", type=int, default=800, help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what chooses them (default: %(default)s)")
    parser.add_argument("--modules", nargs="*", default=["*"], help="globs of names, like 'flows.*'")
    parser.add_argument("--minutes", type=float, default=600, help="when none is begun any more")
    parser.add_argument(
        "--processes", type=int, default=PROCESSES, help="side by side (default: %(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="make docs/mutation.md")
    options = parser.parse_args(arguments)
    equivalent = equivalents()
    SURVIVORS.parent.mkdir(parents=True, exist_ok=True)
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory(prefix="core-mutants-") as directory, SURVIVORS.open("w") as survivors:
        root = Path(directory)
        _copied(root)
        bench = Bench(root, options.modules, options.sample, options.seed)
        for one in bench.try_all(options.minutes, options.processes):
            tried.append(one)
            print(f"{len(tried)} {one.outcome.value}", file=sys.stderr, flush=True)
            if one.outcome is Outcome.SURVIVED and (why := equivalent.get(one.key)):
                survivors.write(f"# equivalent: {why}\n")
            if one.outcome is Outcome.SURVIVED:
                survivors.write(f"{one.mutant.difference()}\n\n")
                survivors.flush()
    rows = [_row(name, size, tried, equivalent) for name, size in bench.population.items()]
    text = page(rows, options.seed, bench.size, equivalent)
    print(text)
    if options.write:
        PAGE.write_text(text, "utf-8")
    return 0 if score([row.stratum for row in rows])[0] >= BAR else 1


def _row(name: str, size: int, tried: Sequence[Tried], equivalent: Mapping[Key, str]) -> Row:
    own = [one for one in tried if one.module == name]
    outcomes = Counter(one.outcome for one in own)
    return Row(
        module=name,
        all=size,
        by_own=sum(one.outcome is Outcome.KILLED and one.by_own for one in own),
        by_others=sum(one.outcome is Outcome.KILLED and not one.by_own for one in own),
        timed_out=outcomes[Outcome.TIMED_OUT],
        survived=outcomes[Outcome.SURVIVED],
        equivalent=sum(one.outcome is Outcome.SURVIVED and one.key in equivalent for one in own),
        no_module=outcomes[Outcome.NOT_A_MODULE],
    )


if __name__ == "__main__":
    sys.exit(main())
