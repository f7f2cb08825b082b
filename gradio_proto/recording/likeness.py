"""Whether two requests ask for the same.

A session's hash and an upload's id are chosen anew by each client, an event's id by each server, the boundary of a
form by whoever sends it, and a secret is not in the recording at all. So two requests are alike if they are the same
apart from those, from the order in which JSON and a query name things, from keys that are null, which some clients
leave out, and from what only browsers say: which button was pressed, and parameters of the page (``__theme``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from gradio_proto.errors import RemoteProtocolError
from gradio_proto.http import Headers
from gradio_proto.jsontext import loads
from gradio_proto.limits import Limits

from .redacting import SECRET_PARAMETERS, Redactor, is_login

_SESSION: Final = "<session>"
_EVENT: Final = "<event>"
_OF_BROWSERS: Final = ("trigger_id",)
"""What a browser says of the click that made it call: the same call without a browser has none."""

_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a request asks for."""

    key: tuple[str, ...]
    """The same for requests that are alike."""
    session: str | None
    """The session that it names."""
    events: tuple[str, ...]
    """The events that it names."""


def likeness(
    method: str, target: str, headers: Headers, body: bytes, known_events: Collection[str], redactor: Redactor
) -> Likeness:
    """What a request asks for.

    Args:
        method: Its method.
        target: Path and query.
        headers: Of them only the type of the body counts.
        body: Its body.
        known_events: The ids of events that the server has given so far.
        redactor: Hides what recordings do not hold. It learns from the headers.
    """
    redactor.learn(headers, is_request=True)
    found = _Found(known_events)
    path, _, query = target.partition("?")
    asked = [
        "&".join([name, found.parameter(name, value)])
        for name, value in sorted(parse_qsl(query, keep_blank_values=True))
        if name not in SECRET_PARAMETERS and not name.startswith("__")
    ]
    content_type = next((value for name, value in headers if name == "content-type"), "")
    shown = found.body(content_type, redactor.body(body, is_login=is_login(method, target)))
    return Likeness((method, found.path(path), *asked, shown), found.session, tuple(found.events))


def frame_likeness(data: bytes) -> tuple[str, str | None]:
    """What a client's WebSocket message says apart from its session, and the session."""
    found = _Found(())
    return found.body("application/json", data), found.session


class _Found:
    """What was found while the parts of a request were made alike."""

    def __init__(self, known_events: Collection[str]) -> None:
        self._known = known_events
        self.session: str | None = None
        self.events: list[str] = []

    def path(self, path: str) -> str:
        segments = unquote(path).split("/")
        if len(segments) >= 2 and segments[-2] == "heartbeat":
            self.session, segments[-1] = segments[-1], _SESSION
        return "/".join([self._event(part) if part in self._known else part for part in segments])

    def parameter(self, name: str, value: str) -> str:
        if name == "session_hash":
            self.session = value
            return _SESSION
        if name == "upload_id":
            return "<upload>"
        return self._event(value) if name == "event_id" else value

    def body(self, content_type: str, body: bytes) -> str:
        text = body.decode("utf-8", "backslashreplace")
        boundary = _BOUNDARY.search(content_type)
        if boundary is not None:
            return text.replace(boundary[1], "<boundary>")
        # A server takes JSON by what it is, up to Gradio 4 whatever its type says.
        if text.startswith("{"):
            try:
                value = loads(text, Limits())
            except RemoteProtocolError:
                return text
            kept = [key for key in sorted(value) if value[key] is not None and key not in _OF_BROWSERS]
            fields = {key: self._field(key, value[key]) for key in kept}
            return json.dumps(fields, sort_keys=True)
        return text

    def _field(self, key: str, value: Any) -> Any:
        if key == "session_hash" and isinstance(value, str):
            self.session = value
            return _SESSION
        if key == "event_id" and isinstance(value, str):
            return self._event(value)
        return None if key == "oauth_token" else value

    def _event(self, event_id: str) -> str:
        self.events.append(event_id)
        return _EVENT
