"""What all tests share: the real servers (see :mod:`servers.running`)."""

from __future__ import annotations

from servers.running import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    real_server,
    started,
    strict_url,
    url,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "real_server",
    "started",
    "strict_url",
    "url",
]
