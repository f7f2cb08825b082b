"""What a client has asked of a scripted server: the entries of its log."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from gradio_proto.config import is_object

ROUTES: Final = (
    "config",
    "info",
    "login",
    "heartbeat",
    "queue/join",
    "queue/data",
    "queue/status",
    "app_id",
    "cancel",
    "reset",
    "upload",
    "file",
    "stream",
    "run",
    "api",
)
"""What is told apart in a script; any other path is its own route."""


@dataclass(eq=False)
class Asked:
    """A request as it came in, or a message on a WebSocket."""

    number: int
    time: float
    conn: Hashable
    method: str
    """``"WS"`` for a message on a WebSocket."""
    target: str
    route: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = b""
    is_open: bool = False
    """It is the request for a stream that has not ended."""
    beside: int | None = None
    """The number of a stream of the same session that was open when this one was asked for."""
    joined_before: bool = False
    """A join of the same session had come in before."""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its query."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def header(self, name: str) -> str:
        """All values of a header, joined; empty if there is none."""
        return ", ".join(value for known, value in self.headers if known == name)


def body_of(asked: Asked) -> dict[str, Any]:
    """The JSON object in its body; an empty one if there is none."""
    try:
        value = json.loads(asked.body)
    except ValueError:
        return {}
    return value if is_object(value) else {}


def session_of(asked: Asked) -> str:
    """The session that it names in its body; empty if it names none."""
    session = body_of(asked).get("session_hash")
    return session if isinstance(session, str) else ""


def route_of(target: str, prefix: object = None) -> str:
    """The route of a request, without the prefix, and without what comes behind its name.

    Args:
        target: The target of the request, as it was sent.
        prefix: The ``api_prefix`` of the config, where it is not the usual one.
    """
    path = target.partition("?")[0]
    for known in ("/gradio_api", prefix):
        if isinstance(known, str) and known.startswith("/") and path.startswith(f"{known}/"):
            path = path.removeprefix(known)
            break
    path = path.strip("/")
    return next(
        (route for route in ROUTES if path == route or path.startswith((f"{route}/", f"{route}="))), path
    )


def line_of(asked: Asked) -> str:
    """A request in one line."""
    body = f" {asked.body[:200].decode('utf-8', 'replace')}" if asked.body else ""
    return f"{asked.method} {asked.route if asked.method == 'WS' else asked.target}{body}"
