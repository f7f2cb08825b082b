"""What the servers that run vectors have in common: they stand where a MemoryRunner expects a ServerProtocol."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import wsproto
from scripted import chunk, dechunked, http
from wsproto.events import AcceptConnection, TextMessage
from wsproto.events import CloseConnection as CloseSocket

from gradio_proto.testing import CloseConnection, SendData

EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Listener:
    """Takes requests and text frames apart; what is said to them is the business of subclasses."""

    def __init__(self) -> None:
        self._actions: deque[Any] = deque()
        self._buffers: dict[int, bytes] = {}
        self._sockets: dict[int, wsproto.WSConnection] = {}
        self._upgrades: dict[int, bytes] = {}

    # What a MemoryRunner asks of a server.

    def connection_made(self, conn: int) -> None:
        self._buffers[conn] = b""

    def connection_lost(self, conn: int) -> None:
        pass

    def next_deadline(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None:
        pass

    def next_action(self) -> Any:
        return self._actions.popleft() if self._actions else None

    def receive_data(self, conn: int, data: bytes, now: float) -> None:
        if conn in self._sockets:
            self._sockets[conn].receive_data(data)
            for event in self._sockets[conn].events():
                if isinstance(event, TextMessage):
                    self.frame(conn, json.loads(event.data))
            return
        self._buffers[conn] += data
        head, separator, rest = self._buffers[conn].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if headers.get("transfer-encoding") == "chunked":
            whole = dechunked(rest)
        else:
            size = int(headers.get("content-length", "0"))
            whole = None if len(rest) < size else (rest[:size], rest[size:])
        if not separator or whole is None:
            return
        body, self._buffers[conn] = whole
        self._upgrades[conn] = head + separator
        method, target, _ = lines[0].split(" ")
        self.request(conn, method, target, headers, body)

    # What subclasses do.

    def request(self, conn: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        """A request has come."""
        raise NotImplementedError

    def frame(self, conn: int, message: Any) -> None:
        """A text frame has come."""
        raise NotImplementedError

    # What they say.

    def reply(self, conn: int, value: Any, *headers: str) -> None:
        """Answer a request with JSON."""
        self.say(conn, http(200, json.dumps(value).encode(), *headers))

    def say(self, conn: int, data: bytes) -> None:
        """Send bytes."""
        self._actions.append(SendData(conn, data))

    def hang_up(self, conn: int) -> None:
        """Close a connection."""
        self._actions.append(CloseConnection(conn))

    def begin(self, conn: int, *, is_socket: bool) -> None:
        """Answer with an event stream, or accept a WebSocket."""
        if not is_socket:
            self.say(conn, EVENT_STREAM)
            return
        socket = self._sockets[conn] = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        socket.receive_data(self._upgrades[conn])
        (request,) = socket.events()
        assert isinstance(request, wsproto.events.Request)
        self.say(conn, socket.send(AcceptConnection()))

    def tell(self, conn: int, text: str) -> None:
        """Send a message."""
        if conn in self._sockets:
            self.say(conn, self._sockets[conn].send(TextMessage(text)))
        else:
            self.say(conn, chunk(f"data: {text}\n\n".encode()))

    def end(self, conn: int, code: int = 1000) -> None:
        """End what was begun, as a server does that has said everything."""
        if conn in self._sockets:
            self.say(conn, self._sockets[conn].send(CloseSocket(code)))
        else:
            self.say(conn, b"0\r\n\r\n")
