"""One mutant tried: a process of its own, in which the tests meet the mutant's text in place of the module's.

The process is forked from one that has loaded pytest, other packages that the tests use, and nothing of the project,
and so starts in a moment. It has a bound on its time and its memory, since a mistake may well be a loop without an
end; it is ended with all that it has started.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

import h11  # noqa: F401 - loaded once for all
import hypothesis
import hypothesis.strategies
import pytest
import trustme  # noqa: F401 - likewise: no other package takes as long
import wsproto  # noqa: F401

MEMORY: Final = 3 << 30
"""Bytes of addresses that a mutant may take."""

OPTIONS: Final = (
    "-x",
    "--tb=line",
    "--no-real-servers",
    "-p",
    "no:cacheprovider",
    "-k",
    "not linear and not costs",
)
"""The first failure is enough. Tests of how time grows are left out: mutants run side by side, and disturb them."""

hypothesis.settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=30,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile(
    "mutants"
)  # the same mutant has the same end in each run, on a busy machine too

NOT_A_MODULE: Final = 99
"""What a process leaves with if the mutant cannot be imported."""

NOT_RUN: Final = 98
"""What it leaves with if the tests could not be run."""

FAILED: Final = {1, 2}
"""What pytest leaves with if a test failed, or a module of tests could not even be imported."""


class Outcome(Enum):
    """What came of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    """It would run without an end, or takes memory without one: as good as killed."""
    SURVIVED = "survived"
    NOT_A_MODULE = "no module"
    """It cannot be imported: it is not counted."""


class _InPlaceOf(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and says that its text is another."""

    def __init__(self, module: str, path: Path, text: str) -> None:
        self._module = module
        self._path = path
        self._text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._text, str(self._path), "exec"), module.__dict__)


class Copy:
    """The copy of the project in which mutants are tried."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._output = root / "output"
        self._output.mkdir(exist_ok=True)

    def run(self, module: str, text: str, tests: Sequence[str], seconds: float) -> Outcome:
        """Run tests with a text in place of a module's.

        Args:
            module: The module's full name.
            text: What is imported in its place.
            tests: The names of files of tests, in the order in which they run.
            seconds: The processor time after which it is ended; it may take ten times as long by the clock.

        Raises:
            RuntimeError: The tests were not run at all.
        """
        if not tests:
            return Outcome.SURVIVED
        output = self._output / f"{os.getpid()}.txt"
        child = os.fork()
        if child == 0:
            self._be_the_mutant(module, text, tests, seconds, output)
        status = _wait_for(child, seconds * 10)
        if status is None or os.WIFSIGNALED(status):
            return Outcome.TIMED_OUT
        code = os.WEXITSTATUS(status)
        if code == 0:
            return Outcome.SURVIVED
        if code == NOT_A_MODULE:
            return Outcome.NOT_A_MODULE
        if code in FAILED:
            return Outcome.KILLED
        raise RuntimeError(f"pytest left with {code}: {output.read_text('utf-8', 'replace')[-4000:]}")

    def said(self) -> str:
        """What the tests that this process ran last have printed."""
        return (self._output / f"{os.getpid()}.txt").read_text("utf-8", "replace")

    def _be_the_mutant(
        self, module: str, text: str, tests: Sequence[str], seconds: float, output: Path
    ) -> NoReturn:
        try:
            os.setsid()
            # What is compiled stays in the copy for the mutants that follow, wherever else none of it may stay.
            sys.dont_write_bytecode = False
            said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            # A plugin that is loaded by itself wants to be loaded before all else, and two of them are loaded here.
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            os.chdir(self._root)
            places = [self._root, self._root / "transports", self._root / "tests"]
            sys.path[:0] = [str(place) for place in places]
            path = self._root / f"{module.replace('.', '/')}.py"
            sys.meta_path.insert(0, _InPlaceOf(module, path, text))
            try:
                importlib.import_module(module)
            except BaseException:
                os._exit(NOT_A_MODULE)
            code = pytest.main([*OPTIONS, *(f"tests/{name}" for name in tests)])
            sys.stdout.flush()
            os._exit(int(code))
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(NOT_RUN)


def _wait_for(child: int, seconds: float) -> int | None:
    """What a process left with, or None if it had to be ended."""
    end = time.monotonic() + seconds
    pause = 0.01
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            _end_group(child)
            return status
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)
    _end_group(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has left nothing behind


def settle() -> None:
    """Put what is loaded out of the collector's sight, so that processes share it as long as they can."""
    gc.collect()
    gc.freeze()
