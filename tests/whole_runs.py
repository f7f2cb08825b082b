"""A plugin of pytest, for ``--last-failed --last-failed-no-failures none``, which is to find out whether what failed
passes alone: of a run that was cut short, nobody knows all that would have failed.
"""

from __future__ import annotations

import pytest

HAS_ENDED = "whole_runs/has_ended"
"""In pytest's cache: whether the last run came to its end."""


def pytest_sessionstart(session: pytest.Session) -> None:
    cache = _cache(session)
    if cache is not None:
        retries = session.config.getoption("--last-failed-no-failures") == "none"
        if retries and not cache.get(HAS_ENDED, True):
            raise pytest.UsageError("the last run was cut short: run the whole suite")
        cache.set(HAS_ENDED, False)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    cache = _cache(session)
    if cache is not None:
        ends = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        cache.set(HAS_ENDED, exitstatus in ends)


def _cache(session: pytest.Session) -> pytest.Cache | None:
    return getattr(session.config, "cache", None)  # the plugin that brings it can be left out
