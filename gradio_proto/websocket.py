"""The WebSocket of Gradio 3.x, sans-IO: wsproto's frames, with bounds and errors in our terms.

The handshake is an HTTP request like any other (:func:`upgrade_headers`, :func:`check_upgrade`), so proxies, cookies
and a caller's headers work for it as they do everywhere. What follows on the connection goes through a
:class:`WebSocketConnection`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final, TypeAlias

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import generate_accept_token

from .errors import ConnectionLost, GradioError, LimitExceeded, RemoteProtocolError
from .http import Headers, ResponseHead
from .limits import Limits
from .sentinels import NEED_DATA, Sentinel

NORMAL_CLOSURE: Final = 1000
SERVICE_RESTART: Final = 1012
"""What a 3.x server says that is being stopped."""

_NONCE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text message."""

    data: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer has closed, and says why."""

    code: int
    """A close code (RFC 6455, 7.4.1)."""
    reason: str


WebSocketEvent: TypeAlias = Text | Closed | Sentinel


def websocket_key(token: str) -> str:
    """The ``Sec-WebSocket-Key`` made of a random text."""
    return base64.b64encode(token.encode("utf-8")[:_NONCE_BYTES].ljust(_NONCE_BYTES, b"\0")).decode("ascii")


def upgrade_headers(key: str) -> Headers:
    """The headers that make a GET a WebSocket handshake (RFC 6455, 4.1); ``key`` is new for each."""
    return (
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", key),
    )


def check_upgrade(head: ResponseHead, key: str) -> None:
    """Make sure that the answer to a handshake, a 101, is for a WebSocket, and for this one.

    Raises:
        RemoteProtocolError: It is not.
    """
    accepted = generate_accept_token(key.encode("ascii")).decode("ascii")
    if head.get("upgrade").lower() != "websocket" or head.get("sec-websocket-accept") != accepted:
        raise RemoteProtocolError("the server switched to something that is not this WebSocket")
    if head.get("sec-websocket-extensions") or head.get("sec-websocket-protocol"):
        raise RemoteProtocolError("the server chose a WebSocket extension or subprotocol that nobody offered")


class WebSocketConnection:
    """The client's side of one WebSocket after its handshake.

    ``receive_data()`` takes what came (``b""`` for end of file); ``next_event()`` gives :class:`Text`,
    :class:`Closed`, or ``NEED_DATA``; ``data_to_send()`` gives what is owed to the peer for what came: the answers to
    its pings and to its close.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._frames = Connection(ConnectionType.CLIENT)
        self._owed = b""
        self._pieces: list[str] = []
        self._size = 0
        self._closed: Closed | None = None
        self._failure: GradioError | None = None

    def send_text(self, text: str) -> bytes:
        """The bytes of a text message."""
        return self._frames.send(TextMessage(data=text))

    def ping(self) -> bytes:
        """The bytes of a ping, which any peer that is alive answers."""
        return self._frames.send(Ping())

    def data_to_send(self) -> bytes:
        """What the peer is owed; the second time, only what has become owed since."""
        owed, self._owed = self._owed, b""
        return owed

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the network; ``b""`` says that the peer has closed the connection. What comes behind the
        peer's close is of no interest."""
        is_read = self._closed is None and self._failure is None
        if is_read and self._frames.state is ConnectionState.OPEN:
            self._frames.receive_data(data or None)

    def next_event(self) -> WebSocketEvent:
        """The next event, or ``NEED_DATA``. After a :class:`Closed` there are no others.

        Raises:
            RemoteProtocolError: What came is no WebSocket frame, or a binary message, of which this protocol has none.
            LimitExceeded: A message is longer than ``limits.sse_message_bytes``.
            ConnectionLost: The peer has closed the connection without a word.

        Each of them is raised again by every later call.
        """
        if self._closed is not None:
            return self._closed
        if self._failure is not None:
            raise self._failure
        try:
            return self._next_event()
        except GradioError as error:
            self._failure = error
            self._pieces.clear()
            raise

    def _next_event(self) -> WebSocketEvent:
        for event in self._frames.events():
            if isinstance(event, TextMessage):
                self._take(event.data)
                if event.message_finished:
                    text = "".join(self._pieces)
                    self._pieces.clear()
                    self._size = 0
                    return Text(text)
            elif isinstance(event, Ping):
                self._owed += self._frames.send(event.response())
            elif isinstance(event, BytesMessage):
                raise RemoteProtocolError("a binary message on the WebSocket", data=bytes(event.data))
            elif isinstance(event, CloseConnection):
                return self._close(event)
        return NEED_DATA

    def _take(self, piece: str) -> None:
        if piece:  # an endless row of empty fragments takes no memory so
            self._pieces.append(piece)
            self._size += len(piece) if piece.isascii() else len(piece.encode("utf-8"))
            if self._size > self._limits.sse_message_bytes:
                raise LimitExceeded("sse_message_bytes", self._limits.sse_message_bytes)

    def _close(self, event: CloseConnection) -> Closed:
        reason = event.reason or ""
        if self._frames.state is ConnectionState.OPEN:
            # wsproto's way to say that it could not read a frame, and how it would close because of that.
            raise RemoteProtocolError(f"what the server sent is no WebSocket frame ({reason})")
        if self._frames.state is ConnectionState.CLOSED:
            raise ConnectionLost("the server closed the connection")
        self._owed += self._frames.send(event.response())
        self._closed = Closed(int(event.code), reason)
        return self._closed
