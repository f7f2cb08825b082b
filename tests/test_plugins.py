"""What the suite adds to pytest: deadlines end a test and not the run, and a run that was cut short stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


SLOW_TO_REPORT = """
import time
import pytest
from faulty import within

pytest_plugins = ["deadlines"]

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    if call.excinfo:
        time.sleep(2.3)

@pytest.fixture(autouse=True)
def bounded():
    with within(1):
        yield
"""

HANGS = """
import time

def test_that_hangs():
    time.sleep(60)

def test_that_passes():
    pass
"""


def test_a_deadline_strikes_in_the_test_and_not_in_pytest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SLOW_TO_REPORT)
    pytester.makepyfile(HANGS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: this took longer than 1 s"])


CUT_SHORT = """
import pytest

def test_that_fails():
    assert False

def test_that_ends_the_run():
    pytest.exit("enough")
"""


RETRY = ("--last-failed", "--last-failed-no-failures", "none")


def test_what_failed_in_a_run_that_was_cut_short_is_not_tried_alone(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["whole_runs"]')
    path = pytester.makepyfile(CUT_SHORT)
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.INTERRUPTED
    again = pytester.runpytest_subprocess(*RETRY)
    assert again.ret == pytest.ExitCode.USAGE_ERROR
    again.stderr.fnmatch_lines(["*the last run was cut short*"])
    pytester.runpytest_subprocess(f"{path}::test_that_fails").assert_outcomes(failed=1)
    pytester.runpytest_subprocess(*RETRY).assert_outcomes(failed=1)
