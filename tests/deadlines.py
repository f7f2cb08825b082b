"""A plugin of pytest: deadlines strike in the phases of a test, where what is raised fails it, and nowhere else.

Many fixtures bound their tests by :func:`faulty.within`, whose alarm comes again each second. Between the phases, where
pytest may take more than a second to report a failure, what it raises would end the whole run.
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from typing import TypeVar

import pytest

T = TypeVar("T")

_alarm = (0.0, 0.0)
"""Seconds until the alarm that is held back, and between those after it."""


def _with_alarms(item: pytest.Item) -> Generator[None, T, T]:
    global _alarm
    try:
        signal.setitimer(signal.ITIMER_REAL, *_alarm)
        return (yield)
    finally:
        _alarm = signal.setitimer(signal.ITIMER_REAL, 0)


pytest_runtest_setup = pytest_runtest_call = pytest_runtest_teardown = pytest.hookimpl(
    wrapper=True, tryfirst=True
)(_with_alarms)
