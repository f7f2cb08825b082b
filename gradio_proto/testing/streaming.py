"""How the event streams of a server begin, stay alive and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .generations import Generation


class StreamRules:
    """What is the same for all event streams of one server.

    Args:
        generation: Which server.
        heartbeat: Seconds between two signs of life.
    """

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        self.status = 200
        self.headers = [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("transfer-encoding", "chunked"),
        ]
        self.interval = heartbeat
        self.beats_once = generation.beats_once
        """There is one heartbeat, and no other."""
        self.heartbeat: dict[str, Any] | None = {"msg": "heartbeat", "event_id": None}
        """What tells a stream of messages that the server is there; None for nothing."""
        self.first_sign = b"data: ALIVE\n\n"
        """What a stream of signs of life begins with."""
        self.sign = b"data: ALIVE\n\n"
        """What each of them is."""
        self.farewell: Sequence[dict[str, Any]] = (
            ({"msg": "close_stream", "event_id": None},) if generation.closes_streams else ()
        )
        """What is said before a session's stream ends well."""
        self.ends_bodies = True
        """A stream that ends well ends as HTTP has it; else its connection is closed."""
