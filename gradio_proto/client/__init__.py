"""The high-level clients. The async one is loaded when it is first asked for: few programs use both."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .client import BoundEndpoint, Client
from .files import file, handle_file
from .job import Job, JobCancelled

if TYPE_CHECKING:
    from .async_client import AsyncBoundEndpoint, AsyncClient
    from .async_job import AsyncJob
    from .async_maps import AsyncMapIterator
    from .mapping import MapProgress
    from .maps import MapIterator
    from .notebook import show

__all__ = [
    "AsyncBoundEndpoint",
    "AsyncClient",
    "AsyncJob",
    "AsyncMapIterator",
    "BoundEndpoint",
    "Client",
    "Job",
    "JobCancelled",
    "MapIterator",
    "MapProgress",
    "file",
    "handle_file",
    "show",
]

_LAZY = {
    "AsyncBoundEndpoint": "async_client",
    "AsyncClient": "async_client",
    "AsyncJob": "async_job",
    "AsyncMapIterator": "async_maps",
    "MapIterator": "maps",
    "MapProgress": "mapping",
    "show": "notebook",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
