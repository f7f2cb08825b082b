"""Proxies: one as sites put before their apps, which takes a prefix off the path and leaves bodies alone; and one as
companies put before the world, which makes tunnels."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Passed:
    """A request that came through."""

    method: str
    target: str
    headers: Mapping[str, str]
    backend: str

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class ReverseProxy:
    """Serve what is at ``backends`` below ``prefix``.

    Like nginx by default, it names the backend as the ``Host``, so an app takes that for its own address. With
    several backends it remembers by a cookie whom it has sent where, as load balancers with sticky sessions do;
    whoever does not send the cookie back gets another backend each time.
    """

    def __init__(self, *backends: str, prefix: str = "") -> None:
        self.passed: list[Passed] = []
        self.refused: list[str] = []
        """The targets that were not below the prefix."""
        self.hiccups: set[str] = set()
        """Paths of which the next request reaches the backend, whose answer is lost: the client gets a 502."""
        self._backends = backends
        self._turns = itertools.count()
        self._prefix = prefix
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{prefix}"
        self._start(self._accept)

    def __enter__(self) -> ReverseProxy:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener, *self._sockets)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="reverse proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One request for each connection: then the end of the answer is the end of the connection."""
        with contextlib.suppress(OSError):
            head, body = _read_head(client)
            if head:
                self._pass_on(client, head, body)
        _close(client)

    def _pass_on(self, client: socket.socket, head: Sequence[str], body: bytes) -> None:
        method, target, version = head[0].split(" ")
        if not target.startswith(f"{self._prefix}/"):
            self.refused.append(target)
            client.sendall(b"HTTP/1.1 404 Not Here\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        backend = self._backend(headers.get("cookie", ""))
        passed = Passed(method, target.removeprefix(self._prefix), headers, backend)
        self.passed.append(passed)
        address = urlsplit(backend)
        server = socket.create_connection((address.hostname, address.port))
        self._sockets.append(server)
        is_upgrade = "upgrade" in headers
        sent = {**headers, "host": address.netloc, "connection": "Upgrade" if is_upgrade else "close"}
        lines = [f"{method} {target.removeprefix(self._prefix)} {version}"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        server.sendall(_encoded(lines) + body)
        self._start(_copy, client, server)
        status, rest = _read_head(server)
        if passed.path in self.hiccups:
            self.hiccups.remove(passed.path)
            client.sendall(b"HTTP/1.1 502 Hiccup\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        elif status:
            # A response without it (an old uvicorn's) would be taken for one that others may follow.
            answer = [line for line in status if not line.lower().startswith("connection:")]
            is_switched = is_upgrade and " 101 " in answer[0]
            answer.append("connection: Upgrade" if is_switched else "connection: close")
            if len(self._backends) > 1:
                answer.append(f"set-cookie: backend={self._backends.index(backend)}; Path=/; HttpOnly")
            client.sendall(_encoded(answer) + rest)
            _copy(server, client)
        _close(server)

    def _backend(self, cookies: str) -> str:
        for number, backend in enumerate(self._backends):
            if f"backend={number}" in cookies:
                return backend
        return self._backends[next(self._turns) % len(self._backends)]


class ConnectProxy:
    """A proxy that makes tunnels, or answers whatever it is told to."""

    def __init__(
        self,
        *,
        answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self.heads: list[str] = []
        self.answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> ConnectProxy:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                threading.Thread(target=self._tunnel, args=(sock,), daemon=True).start()

    def _tunnel(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._sockets.append(sock)
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(1)
            self.heads.append(head.decode())
            sock.sendall(self.answer)
            if b" 200 " not in self.answer:
                sock.close()
                return
            _, _, port = head.split(b" ")[1].rpartition(b":")
            there = socket.create_connection(("127.0.0.1", int(port)))
            self._sockets.append(there)
            back = threading.Thread(target=_copy, args=(there, sock), daemon=True)
            back.start()
            _copy(sock, there)
            back.join(5)


def _encoded(lines: Sequence[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _read_head(sock: socket.socket) -> tuple[list[str], bytes]:
    """The lines of a head, and what has come of the body; nothing where the connection ends."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return [], b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), body


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on whatever comes, to its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    # A backend must hear of a client that has gone; a client may be done with sending, and still listen.
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _close(*sockets: socket.socket) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
