"""The proxy's side of SOCKS5, SOCKS4 and SOCKS4A, written from the RFCs: on bytes, and on real sockets."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Generator
from typing import TypeVar

from thread_server import ThreadServer

T = TypeVar("T")

Dialogue = Generator[bytes, bytes, T]
"""Yields what the proxy says, and is sent what it hears."""


class SocksSession:
    """One client's conversation with a proxy, up to its tunnel.

    Args:
        login: The user name and the password that the proxy wants; None where it asks for none. With SOCKS4, of
            which the version is told by the client's first byte, the name is the user's id.
        code: What it answers to the request: 0 for a tunnel, in SOCKS4's numbers too.
        bound: The address in its answer, which RFC 1928 allows to be of any kind.
    """

    def __init__(
        self, login: tuple[str, str] | None = None, *, code: int = 0, bound: bytes = b"\1\0\0\0\0\0\0"
    ) -> None:
        self.login = login
        self.code = code
        self.bound = bound
        self.target: tuple[str, int] | None = None
        """Where the client wants to go."""
        self.by_name = False
        """The client has left it to the proxy to look the host up."""
        self.credentials: tuple[str, str] | None = None
        """What the client said it was."""
        self.version = 0
        self.is_open = False
        """There is a tunnel now."""
        self.is_over = False
        """There will be none."""
        self._heard = b""
        self._dialogue = self._talk()
        next(self._dialogue)

    def receive_data(self, data: bytes) -> bytes:
        """Take what the client sent, and give what the proxy says to it."""
        try:
            return self._dialogue.send(data)
        except StopIteration as stop:
            assert not self._heard  # nobody speaks before the tunnel is there
            self.is_over = not self.is_open
            answer: bytes = stop.value
            return answer

    def _talk(self) -> Dialogue[bytes]:
        said = yield from self._hear(b"", 1)
        self.version = said[0]
        return (yield from self._socks5() if self.version == 5 else self._socks4())

    def _hear(self, answer: bytes, size: int) -> Dialogue[bytes]:
        """Say ``answer``, and wait for ``size`` bytes."""
        while len(self._heard) < size:
            self._heard += yield answer
            answer = b""
        said, self._heard = self._heard[:size], self._heard[size:]
        return said

    def _socks5(self) -> Dialogue[bytes]:
        count = yield from self._hear(b"", 1)
        methods = yield from self._hear(b"", count[0])
        wanted = 0 if self.login is None else 2
        if wanted not in methods:
            return b"\x05\xff"
        answer = bytes([5, wanted])
        if self.login is not None:
            version = yield from self._hear(answer, 1)
            assert version == b"\1"
            user = yield from self._string()
            password = yield from self._string()
            self.credentials = (user, password)
            if self.credentials != self.login:
                return b"\x01\x01"
            answer = b"\x01\x00"
        said = yield from self._hear(answer, 4)
        assert said[:3] == b"\5\1\0"
        kind = said[3]
        if kind == 3:
            self.by_name = True
            host = yield from self._string()
        else:
            packed = yield from self._hear(b"", {1: 4, 4: 16}[kind])
            host = str(ipaddress.ip_address(packed))
        port = yield from self._hear(b"", 2)
        self.target = (host, int.from_bytes(port, "big"))
        self.is_open = self.code == 0
        return bytes([5, self.code, 0]) + self.bound

    def _string(self) -> Dialogue[str]:
        size = yield from self._hear(b"", 1)
        said = yield from self._hear(b"", size[0])
        return said.decode()

    def _socks4(self) -> Dialogue[bytes]:
        said = yield from self._hear(b"", 7)
        assert said[0] == 1
        host, port = said[3:], int.from_bytes(said[1:3], "big")
        user = yield from self._line()
        self.credentials = (user, "")
        self.by_name = host[:3] == b"\0\0\0" and host[3] != 0
        name = (yield from self._line()) if self.by_name else str(ipaddress.ip_address(host))
        self.target = (name, port)
        code = self.code or (0x5A if self.login is None or self.login[0] == user else 0x5D)
        self.is_open = code == 0x5A
        return bytes([0, code]) + bytes(6)

    def _line(self) -> Dialogue[str]:
        line = b""
        while (letter := (yield from self._hear(b"", 1))) != b"\0":
            line += letter
        return line.decode()


class SocksProxy(ThreadServer):
    """A proxy on a real socket. Every name that it is asked for, it takes for this machine's."""

    def __init__(self, login: tuple[str, str] | None = None, *, code: int = 0) -> None:
        self.sessions: list[SocksSession] = []
        self._login = login
        self._code = code
        super().__init__()

    def serve(self, sock: socket.socket, number: int) -> None:
        """Make a connection's tunnel, and pass on what comes through it."""
        session = SocksSession(self._login, code=self._code)
        self.sessions.append(session)
        with contextlib.suppress(OSError):
            while not session.is_open and not session.is_over and (data := sock.recv(1)):
                sock.sendall(session.receive_data(data))
            if session.is_open and session.target is not None:
                there = socket.create_connection(("127.0.0.1", session.target[1]))
                self._sockets.append(there)
                self._start(_copy, there, sock)
                _copy(sock, there)
        if not session.is_open:
            sock.close()


def _copy(here: socket.socket, there: socket.socket) -> None:
    """Pass on whatever comes, to its end."""
    with contextlib.suppress(OSError):
        while data := here.recv(65536):
            there.sendall(data)
    with contextlib.suppress(OSError):
        there.shutdown(socket.SHUT_WR)
