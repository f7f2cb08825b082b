"""What came through the proxy of each call's join: which of them reached the server, and which answers the client."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import h11

JOIN: Final = b"/queue/join"


@dataclass
class Seen:
    """Of all connections, by the names of the calls."""

    joins: Counter[str] = field(default_factory=Counter)
    """Whole joins that the server was given."""
    answers: dict[str, float] = field(default_factory=dict)
    """When the client was given the whole of an answer that accepts the job."""
    left: set[str] = field(default_factory=set)
    """The calls whose joins have begun to leave the client, as far as their names."""
    resets: set[str] = field(default_factory=set)
    """The calls whose connection was reset after the answer, which may so be lost unread."""

    def as_json(self) -> dict[str, Any]:
        """What travels to another process."""
        return {
            "joins": self.joins,
            "answers": self.answers,
            "left": sorted(self.left),
            "resets": sorted(self.resets),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Seen:
        """What came from there."""
        return cls(Counter(value["joins"]), value["answers"], set(value["left"]), set(value["resets"]))


class Witness:
    """Reads along on one connection, and notes what was given to whom.

    Two halves of a conversation are kept, one that hears what the server hears, and one that hears what the client
    does; what one hears, the other says.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._server = h11.Connection(h11.SERVER)
        self._client = h11.Connection(h11.CLIENT)
        self._request: Any = None
        self._response: Any = None
        self._body = bytearray()
        self._answer = bytearray()
        self._tail = b""
        self._name: str | None = None
        """The call whose join the server was given last on this connection."""

    def leaves(self, data: bytes) -> None:
        """The client has sent this; it may get nowhere."""
        self._tail = self._tail[-200:] + data
        *_, names = self._tail.rpartition(b'"data"')
        if b'["call ' in names and names.count(b'"') >= 2:
            self._seen.left.add(names.split(b'"')[1].decode())

    def up(self, data: bytes) -> None:
        """The server was given this."""
        self._server.receive_data(data)
        while (event := self._server.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
                self._client.send(event)
            elif isinstance(event, h11.Data):
                self._body += event.data
                self._client.send(event)
            elif isinstance(event, h11.EndOfMessage):
                self._client.send(event)
                self._name = self._joined()
            else:
                return

    def _joined(self) -> str | None:
        if JOIN not in self._request.target:
            return None
        name = json.loads(bytes(self._body))["data"][0]
        self._seen.joins[name] += 1
        return str(name)

    def down(self, data: bytes) -> None:
        """The client was given this."""
        self._client.receive_data(data)
        while (event := self._client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                self._response = event
                self._answer.clear()
                self._server.send(event)
            elif isinstance(event, h11.Data):
                if self._name is not None:
                    self._answer += event.data
                self._server.send(event)
            elif isinstance(event, h11.EndOfMessage):
                self._server.send(event)
                if self._name is not None and b"event_id" in self._answer:
                    self._seen.answers[self._name] = time.monotonic()
                if self._client.our_state is not h11.DONE or self._client.their_state is not h11.DONE:
                    return
                self._client.start_next_cycle()
                self._server.start_next_cycle()
            else:
                return

    @property
    def is_between(self) -> bool:
        """Whether an exchange is over, and the next has not begun."""
        return self._client.our_state is h11.IDLE and self._server.their_state is h11.IDLE

    def reset(self) -> None:
        """The connection was reset."""
        if self._name is not None:
            self._seen.resets.add(self._name)
