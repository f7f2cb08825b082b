"""The WebSockets of a Gradio 3.x server: each carries one job, from its name to its last message.

    server  {"msg": "send_hash"}
    client  {"session_hash": ..., "fn_index": ...}      within five seconds
    server  {"msg": "estimation", ...}, again and again, and {"msg": "send_data"}
    client  {"data": [...], "fn_index": ..., ...}       which the queue takes when it is the job's turn
    server  {"msg": "process_starts"} and so on, then Close 1000

Whatever goes wrong before the job is in the line, the connection just ends, without a close frame. As uvicorn has it,
there is a ping every 20 seconds, and who does not answer it by the next is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import generate_accept_token

from .answers import Request
from .asking import AskingQueue
from .queueing import Job, Mailbox, Message
from .timers import Timers

HASH_SECONDS: Final = 5.0
"""How long the server waits for what the client wants to join."""

PING_SECONDS: Final = 20.0
"""Seconds between two pings."""

CLOSE_SECONDS: Final = 10.0
"""How long it waits for the client to close, after it has itself."""

MAX_MESSAGE: Final = 64 * 2**20
"""Bytes of a message, at most, as of other bodies here; more closes the socket. Real servers take a gigabyte."""


def is_upgrade(request: Request) -> bool:
    """Whether a request wants to go on as a WebSocket."""
    return request.headers.get("upgrade", "").lower() == "websocket"


def accept_headers(key: str) -> list[tuple[str, str]]:
    """What the answer to such a request says; ``key`` is its ``Sec-WebSocket-Key``."""
    return [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-accept", generate_accept_token(key.encode("latin-1")).decode("ascii")),
    ]


@dataclass(eq=False)
class Socket:
    """One of them."""

    conn_id: Hashable
    request: Request
    """How it began."""
    frames: Connection = field(default_factory=lambda: Connection(ConnectionType.SERVER))
    text: list[str] = field(default_factory=list[str])
    """The pieces of a message that has not come in whole."""
    size: int = 0
    """Their letters."""
    job: Job | None = None
    """What it has joined."""
    is_pinged: bool = False
    """The last ping is not answered yet."""


class Sockets:
    """The WebSockets of one server.

    Args:
        queue: The queue that they join.
        join: Puts a job into it, after the request and the first message of a socket. At an exception the connection
            ends.
        encode: A message as text.
        send: Sends bytes on a connection.
        close: Closes a connection.
    """

    def __init__(
        self,
        queue: AskingQueue,
        join: Callable[[Request, str, float], Job],
        encode: Callable[[Message], str],
        send: Callable[[Hashable, bytes], None],
        close: Callable[[Hashable], None],
    ) -> None:
        self._queue = queue
        self._join = join
        self._encode = encode
        self._send_bytes = send
        self._close = close
        self._sockets: dict[Hashable, Socket] = {}
        self._hashes: Timers[Socket] = Timers(HASH_SECONDS)
        self._pings: Timers[Socket] = Timers(PING_SECONDS)
        self._closing: Timers[Socket] = Timers(CLOSE_SECONDS)
        self._timers = (self._hashes, self._pings, self._closing)

    def open(self, conn_id: Hashable, request: Request, now: float) -> None:
        """A handshake is done."""
        socket = self._sockets[conn_id] = Socket(conn_id, request)
        self._hashes.start(socket, now)
        self._pings.start(socket, now)
        self.deliver(socket, {"msg": "send_hash"}, now)

    def receive(self, conn_id: Hashable, data: bytes, now: float) -> None:
        """Bytes have come in for one of them."""
        socket = self._sockets[conn_id]
        socket.frames.receive_data(data)
        for event in socket.frames.events():
            if conn_id in self._sockets:
                self._handle(socket, event, now)

    def drop(self, conn_id: Hashable) -> None:
        """A connection is gone. Nothing happens if it was none of them."""
        socket = self._sockets.pop(conn_id, None)
        if socket is not None:
            for timers in self._timers:
                timers.stop(socket)
            if socket.job is not None:
                assert socket.job.mailbox is not None
                socket.job.mailbox.readers.clear()
                self._queue.leave(socket.job)

    def stop(self) -> None:
        """The server is stopped: every one is told to come again later."""
        for conn_id, socket in [*self._sockets.items()]:
            if socket.frames.state is ConnectionState.OPEN:
                self._send(socket, CloseConnection(code=CloseReason.SERVICE_RESTART))
            self._close(conn_id)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due."""
        deadlines = [timers.next() for timers in self._timers]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for socket in (*self._hashes.take_due(now), *self._closing.take_due(now)):
            self._close(socket.conn_id)
        for socket in self._pings.take_due(now):
            if socket.is_pinged:
                self._fail(socket, CloseReason.INTERNAL_ERROR, "keepalive ping timeout")
            else:
                socket.is_pinged = True
                self._send(socket, Ping(payload=b"ping"))
                self._pings.start(socket, now)

    def deliver(self, socket: Socket, message: Message | None, now: float) -> None:
        """Send a message; or, if there are no more of them, close, and wait for the client to do the same."""
        if message is not None:
            self._send(socket, TextMessage(data=self._encode(message)))
        else:
            self._send(socket, CloseConnection(code=CloseReason.NORMAL_CLOSURE))
            self._pings.stop(socket)
            self._closing.start(socket, now)

    def _handle(self, socket: Socket, event: Event, now: float) -> None:
        if isinstance(event, CloseConnection):
            if socket.frames.state is ConnectionState.REMOTE_CLOSING:
                self._send(socket, event.response())
            elif socket.frames.state is ConnectionState.OPEN:  # what has come in is no WebSocket's
                self._send(socket, event)
            self._close(socket.conn_id)
        elif isinstance(event, Ping):
            if socket.frames.state is ConnectionState.OPEN:
                self._send(socket, event.response())
        elif isinstance(event, Pong):
            socket.is_pinged = False
        else:
            assert isinstance(event, TextMessage | BytesMessage)
            # Nobody looks for bytes, and so they are as good as nothing.
            piece = event.data if isinstance(event.data, str) else ""
            socket.size += len(event.data)
            socket.text.append(piece)
            if socket.size > MAX_MESSAGE:
                self._fail(socket, CloseReason.MESSAGE_TOO_BIG, "")
            elif event.message_finished:
                text = "".join(socket.text)
                socket.text, socket.size = [], 0
                self._take(socket, text, now)

    def _take(self, socket: Socket, text: str, now: float) -> None:
        """A whole message has come in."""
        if socket.job is not None:
            self._queue.offer(socket.job, text, now)
            return
        self._hashes.stop(socket)
        try:
            socket.job = self._join(socket.request, text, now)
        except Exception:
            self._close(socket.conn_id)
            return
        mailbox = socket.job.mailbox
        assert isinstance(mailbox, Mailbox)
        mailbox.readers.append(socket)
        self._queue.fresh[mailbox] = None

    def _fail(self, socket: Socket, code: int, reason: str) -> None:
        if socket.frames.state is ConnectionState.OPEN:
            self._send(socket, CloseConnection(code=code, reason=reason))
        self._close(socket.conn_id)

    def _send(self, socket: Socket, event: Event) -> None:
        self._send_bytes(socket.conn_id, socket.frames.send(event))
