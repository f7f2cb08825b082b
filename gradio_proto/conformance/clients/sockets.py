"""Scripted servers on real sockets of this machine, all in one thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from gradio_proto.testing import CloseConnection, SendData

from .server import ScriptedServer

HIGH_WATER: Final = 2**20
"""Bytes that wait for one connection before its server is told to say no more for now."""

_CHUNK: Final = 2**16


@dataclass(eq=False)
class _Peer:
    """One connection."""

    server: ScriptedServer
    sock: socket.socket
    pieces: list[bytes] = field(default_factory=lambda: list[bytes]())
    """What is still to be sent. Each piece is a send of its own: how bytes are cut is part of a script."""
    unsent: int = 0
    is_closing: bool = False
    wants: int = selectors.EVENT_READ


class Listeners:
    """Serves scripted servers until :meth:`close`, each at an origin of its own.

    The origin is known before the server is: what a server says may hold it, or that of another one.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._selector = selectors.DefaultSelector()
        self._peers: set[_Peer] = set()
        self._listeners: dict[str, socket.socket] = {}
        self._servers: list[ScriptedServer] = []
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._is_ending = False
        self.error: BaseException | None = None
        """What has ended its thread: a bug of ours."""
        self._thread = threading.Thread(target=self._run, name="scripted server", daemon=True)

    def listen(self) -> str:
        """Take a free port, and return its origin."""
        listener = socket.create_server((self._host, 0), backlog=128)
        listener.setblocking(False)
        origin = f"http://{self._host}:{listener.getsockname()[1]}"
        self._listeners[origin] = listener
        return origin

    def serve(self, origin: str, server: ScriptedServer) -> None:
        """Have a server answer at an origin; before :meth:`start`."""
        self._servers.append(server)
        self._selector.register(self._listeners[origin], selectors.EVENT_READ, server)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Close every connection, and end the thread."""
        self._is_ending = True
        with contextlib.suppress(OSError):  # its thread has ended by itself
            self._waker.send(b"\0")
        self._thread.join(10)
        self._waker.close()

    def __enter__(self) -> Listeners:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Its thread.

    def _run(self) -> None:
        try:
            while not self._is_ending:
                self._turn()
        except BaseException as error:
            self.error = error
        finally:
            for peer in [*self._peers]:
                self._forget(peer)
            for listener in self._listeners.values():
                listener.close()
            self._selector.close()
            self._woken.close()

    def _turn(self) -> None:
        dues = [due for server in self._servers if (due := server.next_deadline()) is not None]
        timeout = max(min(dues) - time.monotonic(), 0.0) if dues else None
        received: list[tuple[_Peer, bytes]] = []
        for key, events in self._selector.select(timeout):
            if key.fileobj is self._woken:
                return  # there is one reason only to wake this thread
            if isinstance(key.data, ScriptedServer):
                self._accept(key.fileobj, key.data)
            elif events & selectors.EVENT_WRITE:
                self._flush(key.data)
            if isinstance(key.data, _Peer) and events & selectors.EVENT_READ:
                received.append((key.data, self._receive(key.data.sock)))
        # Who has gone was gone before the others said what they say now.
        for peer, data in sorted(received, key=lambda item: bool(item[1])):
            if peer not in self._peers:
                continue
            if data:
                peer.server.receive_data(peer, data, time.monotonic())
            else:
                peer.server.connection_lost(peer)
                self._forget(peer)
        for server in self._servers:
            due = server.next_deadline()
            if due is not None and due <= time.monotonic():
                server.handle_timer(time.monotonic())
            self._act(server)

    def _accept(self, listener: Any, server: ScriptedServer) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # it gave up meanwhile
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = _Peer(server, sock)
        self._peers.add(peer)
        self._selector.register(sock, selectors.EVENT_READ, peer)
        server.connection_made(peer)

    def _receive(self, sock: socket.socket) -> bytes:
        try:
            return sock.recv(_CHUNK)
        except OSError:
            return b""

    def _act(self, server: ScriptedServer) -> None:
        # What is sent may make room for more to be said.
        while touched := self._take(server):
            for peer in touched:
                self._flush(peer)

    def _take(self, server: ScriptedServer) -> dict[_Peer, None]:
        """Take what a server wants done; the connections that have something to send, or are to be closed."""
        touched: dict[_Peer, None] = {}
        while (action := server.next_action()) is not None:
            peer: Any = action.conn_id
            if peer not in self._peers:
                continue
            if isinstance(action, SendData):
                peer.pieces.append(action.data)
                peer.unsent += len(action.data)
                touched[peer] = None
            elif isinstance(action, CloseConnection):
                peer.is_closing = True
                touched[peer] = None
            else:
                # A linger of 0 seconds makes a reset of the close.
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                touched.pop(peer, None)
                self._forget(peer)
        return touched

    def _flush(self, peer: _Peer) -> None:
        sent = 0
        try:
            while sent < len(peer.pieces):
                piece = peer.pieces[sent]
                count = peer.sock.send(piece)
                peer.unsent -= count
                if count < len(piece):
                    peer.pieces[sent] = piece[count:]
                    break
                sent += 1
        except BlockingIOError:
            pass
        except OSError:
            peer.server.connection_lost(peer)
            self._forget(peer)
            return
        del peer.pieces[:sent]
        if peer.is_closing and not peer.pieces:
            self._forget(peer)
            return
        peer.server.connection_blocked(peer, peer.unsent > HIGH_WATER, time.monotonic())
        wants = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.pieces else 0)
        if wants != peer.wants:
            peer.wants = wants
            self._selector.modify(peer.sock, wants, peer)

    def _forget(self, peer: _Peer) -> None:
        self._peers.discard(peer)
        self._selector.unregister(peer.sock)
        if peer.is_closing:
            # Otherwise what it has sent, and nobody has read, makes a reset of the close.
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_WR)
                while peer.sock.recv(_CHUNK):
                    pass
        peer.sock.close()
