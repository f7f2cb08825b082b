"""What all tests share: the real servers (see :mod:`servers.running`), two plugins of pytest, and a garbage collector
with little to look at.

Many tests collect garbage, to see that nothing complains when it goes. What stays is no concern of theirs, and much:
the tests themselves, recorded exchanges, schemas.
"""

from __future__ import annotations

import gc
import signal

import hypothesis  # noqa: F401 - its plugins look for who refers to their objects, so they come before anything is frozen
import pytest
from certificates import authority, tls, trusting
from servers.running import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    real_server,
    started,
    strict_url,
    url,
)

pytest_plugins = ["deadlines", "whole_runs"]

__all__ = [
    "authority",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_plugins",
    "pytest_runtest_teardown",
    "real_server",
    "started",
    "strict_url",
    "tls",
    "trusting",
    "url",
]


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore Ctrl-C, and so whatever is started by that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave_alone_what_stays() -> None:
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    _leave_alone_what_stays()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """At the end of each module."""
    if nextitem is None or nextitem.path != item.path:
        _leave_alone_what_stays()
