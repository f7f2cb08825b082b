"""The independent witness: HTTP, event streams and WebSockets over plain sockets, with the standard library alone.

It knows nothing of this library, so that what it shows cannot be a mistake of ours. Whatever goes over the wire is
printed: ``>`` for what is sent, ``<`` for what comes back; of headers only those that matter here, and of long lines
the beginning.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

WIDTH = 400
"""Characters of a line that are shown."""


class Untried(Exception):
    """The app, or its version, has not what the finding is about."""


class Silence(Exception):
    """Nothing has come in the time that was given."""


def show(direction: str, text: str) -> None:
    """Print what goes in a direction, on one line and in one piece: several threads may ask at once."""
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    shown = text if len(text) <= WIDTH else f"{text[:WIDTH]}... ({len(text)} characters)"
    print(f"{direction} {shown}\n", end="", flush=True)


class Connection:
    """A socket with one request on it; what has come is kept when the time is over."""

    def __init__(self, address: tuple[str, int], head: str, body: bytes = b"", seconds: float = 60.0) -> None:
        self.socket = socket.create_connection(address, timeout=seconds)
        self.buffer = b""
        try:
            self.socket.sendall(head.encode("ascii") + body)
            until = time.monotonic() + seconds
            while b"\r\n\r\n" not in self.buffer:
                if not self.fill(until):
                    raise ConnectionError("closed without an answer")
        except BaseException:
            self.close()
            raise
        text, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status_line, *lines = text.decode("latin-1").split("\r\n")
        self.status = int(self.status_line.split()[1])
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        self.is_chunked = self.headers.get("transfer-encoding") == "chunked"

    def fill(self, until: float) -> bool:
        """Take in more; False at the end. Raises Silence if there is no more by then."""
        self.socket.settimeout(max(0.01, until - time.monotonic()))
        try:
            more = self.socket.recv(65536)
        except TimeoutError:
            raise Silence from None
        except ConnectionResetError:
            more = b""
        self.buffer += more
        return bool(more)

    def take(self, size: int, until: float) -> bytes:
        while len(self.buffer) < size:
            if not self.fill(until):
                raise ConnectionError("closed too early")
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def piece(self, until: float) -> bytes:
        """The next piece of the body, as the server has cut it; empty at the end."""
        if not self.is_chunked:
            if not self.buffer:
                self.fill(until)
            return self.take(len(self.buffer), until)
        while b"\r\n" not in self.buffer:
            if not self.fill(until):
                raise ConnectionError("closed in the middle of its body")
        line = self.buffer.split(b"\r\n", 1)[0]
        whole = len(line) + 2 + int(line, 16) + 2
        return self.take(whole, until)[len(line) + 2 : -2]

    def close(self) -> None:
        self.socket.close()


class Answer:
    """The answer to a request, read to its end."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.status = connection.status
        self.body = b""
        wanted = connection.headers.get("content-length")
        try:
            while wanted is None or len(self.body) < int(wanted):
                piece = connection.piece(until)
                if not piece:
                    break
                self.body += piece
        finally:
            connection.close()
        self.text = self.body.decode("utf-8", "replace")
        show("<", f"{connection.status_line} {self.text}")

    def json(self) -> Any:
        return json.loads(self.text)


class Messages:
    """The messages of a job or of a session."""

    answer: Callable[[dict[str, Any]], None] | None = None
    """What is to be done where the server asks for something."""
    is_over = False
    """Whether the server has ended them."""

    def receive(self, until: float) -> str | None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def next(self, seconds: float) -> Any:
        """The next message; None at the end. Raises Silence if there is none in that time."""
        text = self.receive(time.monotonic() + seconds)
        self.is_over = text is None
        message = None if text is None else json.loads(text)
        if self.answer is not None and isinstance(message, dict):
            self.answer(message)
        return message

    def read(self, seconds: float, last: str | None = "process_completed") -> Iterator[dict[str, Any]]:
        """The messages up to the last of that kind (None: all), the end of the stream or that of the time."""
        until = time.monotonic() + seconds
        try:
            while (message := self.next(until - time.monotonic())) is not None:
                yield message
                if message.get("msg") == last:
                    return
        except Silence:
            print("< (nothing more)")


class EventStream(Messages):
    """The event stream that is the answer to a GET."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.event = ""
        """The ``event`` of the last one, where it has one."""
        self._text = b""
        show("<", connection.status_line)

    def receive(self, until: float) -> str | None:
        while b"\n\n" not in self._text:
            try:
                piece = self.connection.piece(until)
            except ConnectionError as error:
                show("<", f"({error})")
                return None
            if not piece:
                print("< (end of the stream)")
                return None
            self._text += piece
        event, self._text = self._text.split(b"\n\n", 1)
        text = event.decode()
        show("<", text)
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        self.event = fields.get("event", "")
        return fields["data"]

    def close(self) -> None:
        print("> (the stream is closed)")
        self.connection.close()


class WebSocket(Messages):
    """A WebSocket whose messages are text in one frame each."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        show("<", connection.status_line)
        if connection.status != 101:
            raise Untried("no WebSocket is accepted")

    def send(self, value: object, opcode: int = 1) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        show(">", data.decode("latin-1"))
        size = struct.pack(">B", 0x80 | len(data)) if len(data) < 126 else struct.pack(">BH", 0xFE, len(data))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.connection.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def receive(self, until: float) -> str | None:
        while True:
            try:
                opcode, size = struct.unpack(">BB", self.connection.take(2, until))
                if size >= 126:
                    (size,) = struct.unpack(
                        *(
                            (">H", self.connection.take(2, until))
                            if size == 126
                            else (">Q", self.connection.take(8, until))
                        )
                    )
                data = self.connection.take(size, until)
            except ConnectionError as error:
                show("<", f"({error})")
                return None
            if opcode & 15 == 9:
                self.send(data, opcode=10)
            elif opcode & 15 == 8:
                show("<", f"(close {int.from_bytes(data[:2], 'big')})")
                return None
            else:
                show("<", data.decode())
                return data.decode()

    def close(self) -> None:
        print("> (the socket is closed)")
        self.connection.close()
