"""A sans-IO implementation of the Gradio client protocol, and a client on top of it.

Importing this package loads nothing that does I/O. The names below are loaded when they are first used (PEP
562), so that ``from gradio_proto import Client`` works and ``import gradio_proto`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cancelling import CancelReport as CancelReport
    from .client import AsyncClient as AsyncClient
    from .client import AsyncJob as AsyncJob
    from .client import Client as Client
    from .client import Job as Job
    from .client import MapProgress as MapProgress
    from .client import file as file
    from .client import handle_file as handle_file
    from .client import show as show
    from .errors import AppError as AppError
    from .errors import ArgumentError as ArgumentError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import ClientClosed as ClientClosed
    from .errors import ConnectError as ConnectError
    from .errors import ConnectionLost as ConnectionLost
    from .errors import DeadlineExceeded as DeadlineExceeded
    from .errors import FileError as FileError
    from .errors import GradioError as GradioError
    from .errors import HTTPStatusError as HTTPStatusError
    from .errors import JobCancelled as JobCancelled
    from .errors import LimitExceeded as LimitExceeded
    from .errors import LocalProtocolError as LocalProtocolError
    from .errors import QueueError as QueueError
    from .errors import QuotaExceeded as QuotaExceeded
    from .errors import RemoteProtocolError as RemoteProtocolError
    from .errors import ServerStopped as ServerStopped
    from .errors import SessionLost as SessionLost
    from .errors import SpaceError as SpaceError
    from .errors import SpaceNotFound as SpaceNotFound
    from .errors import TooManyRequestsError as TooManyRequestsError
    from .errors import TransportError as TransportError
    from .errors import UnsupportedProtocol as UnsupportedProtocol
    from .errors import ValidationError as ValidationError
    from .files import FileData as FileData
    from .files import FileInput as FileInput
    from .limits import Limits as Limits
    from .spaces import SpaceStatus as SpaceStatus
    from .status import ProgressUnit as ProgressUnit
    from .status import Status as Status
    from .status import StatusUpdate as StatusUpdate
    from .timeouts import Timeouts as Timeouts
    from .transfers import Transfer as Transfer

_HOMES = {
    "cancelling": ("CancelReport",),
    "client": ("AsyncClient", "AsyncJob", "Client", "Job", "MapProgress", "file", "handle_file", "show"),
    "errors": (
        "AppError",
        "ArgumentError",
        "AuthenticationError",
        "ClientClosed",
        "ConnectError",
        "ConnectionLost",
        "DeadlineExceeded",
        "FileError",
        "GradioError",
        "HTTPStatusError",
        "JobCancelled",
        "LimitExceeded",
        "LocalProtocolError",
        "QueueError",
        "QuotaExceeded",
        "RemoteProtocolError",
        "ServerStopped",
        "SessionLost",
        "SpaceError",
        "SpaceNotFound",
        "TooManyRequestsError",
        "TransportError",
        "UnsupportedProtocol",
        "ValidationError",
    ),
    "files": ("FileData", "FileInput"),
    "limits": ("Limits",),
    "spaces": ("SpaceStatus",),
    "status": ("ProgressUnit", "Status", "StatusUpdate"),
    "timeouts": ("Timeouts",),
    "transfers": ("Transfer",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
