"""The server's side of the protocol: apps of plain functions, to test and demonstrate clients against.

A :class:`TestApp` describes an app. :class:`EmbeddedServer` (or :func:`serve`) puts it on a socket;
:class:`ServerProtocol` is the same server without input and output, for whoever brings their own.

Importing this package does no input or output, and loads nothing that could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .app import Call, Endpoint, Rendering, TestApp
from .components import Component
from .files import File
from .protocol import Action, CloseConnection, SendData, ServerProtocol
from .queueing import RunJob, StopJob
from .values import (
    Aside,
    Context,
    Error,
    Exhausted,
    Log,
    Outcome,
    Pause,
    Progress,
    Raised,
    Report,
    Returned,
    Yielded,
    skip,
    update,
    validate,
)

if TYPE_CHECKING:
    from .embedded import EmbeddedServer, serve

__all__ = [
    "Action",
    "Aside",
    "Call",
    "CloseConnection",
    "Component",
    "Context",
    "EmbeddedServer",
    "Endpoint",
    "Error",
    "Exhausted",
    "File",
    "Log",
    "Outcome",
    "Pause",
    "Progress",
    "Raised",
    "Rendering",
    "Report",
    "Returned",
    "RunJob",
    "SendData",
    "ServerProtocol",
    "StopJob",
    "TestApp",
    "Yielded",
    "serve",
    "skip",
    "update",
    "validate",
]


def __getattr__(name: str) -> Any:
    # Sockets and threads are loaded for those who ask for them (PEP 562).
    if name in ("EmbeddedServer", "serve"):
        from . import embedded

        return getattr(embedded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
