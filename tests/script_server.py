"""A server without I/O (a ScriptedServer, a ServerProtocol), served on real sockets by one thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from socks_server import SocksSession

from gradio_proto.testing import CloseConnection, RunJob, SendData

TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""What a proxy says that has made a tunnel; with ``tls``, the TLS begins behind it."""


class ScriptServer:
    """Serves until it is closed. Everything happens on its thread; functions take their steps there, too.

    Args:
        server: What is said.
        tls: A server-side context, for https.
        tunnelled: TLS begins in the tunnel that a CONNECT has asked for.
        split: How bytes are cut before they are sent.
        pace: Seconds between two steps of functions.
    """

    def __init__(
        self,
        server: Any,
        *,
        tls: ssl.SSLContext | None = None,
        tunnelled: bool = False,
        split: Callable[[bytes], Iterable[bytes]] = lambda data: (data,),
        pace: float = 0.0,
    ) -> None:
        self.server = server
        self._tls, self._tunnelled, self._split, self._pace = tls, tunnelled, split, pace
        self._calls: deque[Callable[[], None]] = deque()
        self._steps: deque[RunJob] = deque()
        self._step_at = 0.0
        self._socks: dict[Hashable, socket.socket] = {}
        self._connections = 0
        self._is_ending = False
        self.error: BaseException | None = None
        """What has ended its thread."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._wake_in, self._wake_out = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="script server", daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptServer:
        return self

    def __exit__(self, *_: object) -> None:
        def end() -> None:
            self._is_ending = True

        self.call(end)
        self._thread.join(5)
        assert not self._thread.is_alive()
        self._wake_out.close()
        if self.error is not None:
            raise self.error

    def call(self, function: Callable[[], None]) -> None:
        """Have something done on the server's thread."""
        self._calls.append(function)
        self._wake_out.send(b"\0")

    def wait_for_calls(self) -> None:
        """Wait until what was asked for by :meth:`call` has been done."""
        done = threading.Event()
        self.call(done.set)
        assert done.wait(5)

    def _run(self) -> None:
        try:
            while not self._is_ending:
                self._turn()
        except BaseException as error:
            self.error = error
        finally:
            for sock in self._socks.values():
                sock.close()
            self._selector.close()
            self._listener.close()
            self._wake_in.close()

    def _turn(self) -> None:
        now = time.monotonic()
        due = self.server.next_deadline()
        dues = [time for time in (due, self._step_at if self._steps else None) if time is not None]
        keys = [key for key, _ in self._selector.select(max(0.0, min(dues) - now) if dues else None)]
        received: list[tuple[int, bytes]] = []
        for key in keys:
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake_in:
                for _ in self._wake_in.recv(4096):
                    self._calls.popleft()()
            else:
                received.append((key.data, self._receive(key.data)))
        # Who has gone was gone before the others said what they say now.
        for number, data in sorted(received, key=lambda item: bool(item[1])):
            if data:
                self.server.receive_data(number, data, time.monotonic())
            else:
                self._close(number)
                self.server.connection_lost(number)
        now = time.monotonic()
        if due is not None and due <= now:
            self.server.handle_timer(now)
        self._act()
        if self._steps and self._step_at <= now:
            self._step(self._steps.popleft())
            self._step_at = time.monotonic() + self._pace
            self._act()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(5)
        number = self._connections
        self._connections += 1
        if self._tls is not None and not self._tunnelled:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True)
            except OSError:
                sock.close()  # the client has given up, or does not trust this server
                return
        self._socks[number] = sock
        self._selector.register(sock, selectors.EVENT_READ, number)
        self.server.connection_made(number)

    def _receive(self, number: int) -> bytes:
        sock = self._socks[number]
        try:
            data = sock.recv(1 << 20)
            while isinstance(sock, ssl.SSLSocket) and sock.pending():
                data += sock.recv(1 << 20)
        except OSError:
            return b""
        return data

    def _act(self) -> None:
        while (action := self.server.next_action()) is not None:
            if isinstance(action, SendData):
                if action.conn_id in self._socks:
                    self._send(action.conn_id, action.data)
            elif isinstance(action, CloseConnection):
                self._close(action.conn_id)
            elif isinstance(action, RunJob):
                self._steps.append(action)
            else:
                action.call.close()

    def _send(self, number: Hashable, data: bytes) -> None:
        sock = self._socks[number]
        try:
            for piece in self._split(data):
                sock.sendall(piece)
            if self._tls is not None and self._tunnelled and data == TUNNEL:
                self._selector.unregister(sock)
                self._socks[number] = sock = self._tls.wrap_socket(sock, server_side=True)
                self._selector.register(sock, selectors.EVENT_READ, number)
        except OSError:
            pass  # it has gone: the next read tells

    def _step(self, job: RunJob) -> None:
        def report(aside: Any) -> None:
            self.server.job_reported(job.event_id, aside, time.monotonic())

        self.server.job_stepped(job.event_id, job.call.step(report), time.monotonic())

    def _close(self, number: Hashable) -> None:
        sock = self._socks.pop(number, None)
        if sock is not None:
            self._selector.unregister(sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class BehindSocks:
    """A server behind a SOCKS proxy, both without I/O."""

    def __init__(self, server: Any, login: tuple[str, str] | None = None) -> None:
        self.server = server
        self.handler = server.handler
        self.asked = server.asked
        self.sessions: dict[Hashable, SocksSession] = {}
        self._login = login
        self._actions: deque[SendData] = deque()
        self.say, self.next_deadline = server.say, server.next_deadline
        self.handle_timer, self.connection_lost = server.handle_timer, server.connection_lost

    def connection_made(self, conn: Hashable) -> None:
        self.sessions[conn] = SocksSession(self._login)
        self.server.connection_made(conn)

    def receive_data(self, conn: Hashable, data: bytes, now: float) -> None:
        session = self.sessions[conn]
        if session.is_open:
            self.server.receive_data(conn, data, now)
        else:
            self._actions.append(SendData(conn, session.receive_data(data)))

    def next_action(self) -> Any:
        return self._actions.popleft() if self._actions else self.server.next_action()


def bytewise(data: bytes) -> Iterator[bytes]:
    """Every byte by itself."""
    return (data[i : i + 1] for i in range(len(data)))
