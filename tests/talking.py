"""The server's side of a WebSocket, said by a test step by step, for a :class:`~scripted.ScriptedServer`."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from typing import Any

from scripted import Asked, Then, Upgrade
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import generate_accept_token

HEAR = object()
"""Go on when the client has said something."""

SEND_HASH = {"msg": "send_hash"}
SEND_DATA = {"msg": "send_data"}
ESTIMATION = {"msg": "estimation", "rank": 0, "queue_size": 1, "rank_eta": None, "queue_eta": 1.0}
STARTS = {"msg": "process_starts"}
NORMAL = CloseConnection(code=1000)


def returned(*data: Any, **more: Any) -> dict[str, Any]:
    """The message of a job that has returned."""
    return {"msg": "process_completed", "output": {"data": [*data], **more}, "success": True}


def yielded(*data: Any) -> dict[str, Any]:
    """The message of a value that was yielded."""
    return {"msg": "process_generating", "output": {"data": [*data], "is_generating": True}, "success": True}


def served(*said: Any) -> list[Any]:
    """All that a server says about a job that goes well."""
    return [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS, *said, NORMAL]


def switched(asked: Asked, *fields: str) -> bytes:
    """The answer to a handshake."""
    accept = generate_accept_token(asked.headers["sec-websocket-key"].encode()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"]
    return "\r\n".join([*lines, f"sec-websocket-accept: {accept}", *fields, "", ""]).encode()


class Talks:
    """The answer to every handshake: one talk after the other.

    A step is a message to send (a dict), an event or bytes to send, :data:`HEAR`, seconds to wait, or
    :data:`scripted.CLOSE`. Behind the last one a talk goes on without a word.
    """

    def __init__(self, *talks: Iterable[Any]) -> None:
        self.talks = deque(talks)
        self.heard: list[list[dict[str, Any]]] = []
        """What the client has said, by connection."""
        self.events: list[Event] = []
        """What else came: pongs and closes."""

    def __call__(self, asked: Asked) -> Iterable[Any]:
        frames = Connection(ConnectionType.SERVER)
        steps = deque(self.talks.popleft())
        heard: list[dict[str, Any]] = []
        pieces: list[str] = []
        self.heard.append(heard)

        def go_on() -> Iterable[Any]:
            while steps:
                step = steps.popleft()
                if step is HEAR:
                    return
                if isinstance(
                    step, float
                ):  # what comes behind it must not be said, in wsproto's eyes, before
                    yield step
                    yield Then(go_on)
                    return
                yield _as_bytes(frames, step)

        def receive(data: bytes) -> Iterable[Any]:
            frames.receive_data(data or None)
            for event in frames.events():
                if isinstance(event, TextMessage):
                    pieces.append(event.data)
                    if event.message_finished:
                        heard.append(json.loads("".join(pieces)))
                        pieces.clear()
                        yield from go_on()
                elif isinstance(event, Ping):
                    if frames.state is ConnectionState.OPEN:
                        yield frames.send(event.response())
                else:
                    self.events.append(event)

        return [switched(asked), Upgrade(receive), *go_on()]


def _as_bytes(frames: Connection, step: Any) -> Any:
    if isinstance(step, dict):
        return frames.send(TextMessage(data=json.dumps(step)))
    return frames.send(step) if isinstance(step, Event) else step
