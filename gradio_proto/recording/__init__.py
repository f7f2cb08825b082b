"""Recording what a client and an app say to each other, and answering like that app without it.

    with Recorder("http://127.0.0.1:7860", "session.ndjson") as recorder:
        Client(recorder.url).predict("Ada", api_name="/greet")

    with replay("session.ndjson") as url:
        Client(url).predict("Ada", api_name="/greet")

A :class:`Recording` is what is in such a file, exchange by exchange. Importing this package does no input or
output, and loads nothing that could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import End, Exchange, Frame, Piece, Recording, RecordingError, Response

if TYPE_CHECKING:
    from .files import read, write
    from .sockets import Recorder, replay

__all__ = [
    "End",
    "Exchange",
    "Frame",
    "Piece",
    "Recorder",
    "Recording",
    "RecordingError",
    "Response",
    "read",
    "replay",
    "write",
]


def __getattr__(name: str) -> Any:
    # Sockets, threads and files are loaded for those who ask for them (PEP 562).
    if name in ("read", "write"):
        from . import files

        return getattr(files, name)
    if name in ("Recorder", "replay"):
        from . import sockets

        return getattr(sockets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
