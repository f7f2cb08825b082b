"""What small servers of the tests have in common that give each connection a thread, and leave none behind."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

S = TypeVar("S", bound="ThreadServer")


class ThreadServer:
    """Accepts connections until its block is left; then every one that is open, and every thread, ends."""

    def __init__(self) -> None:
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an SSLSocket's own ends its TLS as well
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def serve(self, sock: socket.socket, number: int) -> None:
        """Serve a connection, the number of which is counted from 1. An OSError ends it."""
        raise NotImplementedError

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name=type(self).__name__, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                self.connections += 1
                self._start(self._serve, sock, self.connections)

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            self.serve(sock, number)
