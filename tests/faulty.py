"""A small server of one app that can be made to misbehave at any point, on real sockets; a bound on time; an interrupt.

It knows nothing of the protocol but the happy path of one job after the other; each route's handler can be
replaced by a function that does with the connection what a test wants to see survived.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import pytest
from gradio_transports.sockets import SocketTransport

from gradio_proto.testing import TestApp
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions

SHORT = Timeouts(connect=0.6, read=1.0, write=0.6, idle=0.6)
"""Deadlines for tests that wait for one."""


def child(run: Callable[[], object]) -> int:
    """Fork; in the child, run and leave. Whatever goes wrong there is its exit code."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 10)
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    return pid


def code_of(pid: int) -> int:
    """The exit code of a child, when it has left."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextlib.contextmanager
def within(seconds: float) -> Generator[None]:
    """Fail, instead of hanging, when the block takes longer: a signal gets through to whatever waits.

    It comes again each second: what waits may be left for another wait, and a loop's callback swallows what it raises.
    """

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"this took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def interrupt(call: Callable[[], object], after: float, number: int = signal.SIGINT) -> None:
    """Call, and send this process a signal some seconds later, which must come out of the call as KeyboardInterrupt."""
    timer = threading.Timer(after, os.kill, (os.getpid(), number))

    def begin() -> None:
        timer.start()  # on a busy machine its time is up before the call begins
        call()

    with pytest.raises(KeyboardInterrupt):
        begin()
    timer.join()


class Watched:
    """A factory of sockets transports that remembers what it made, to be counted afterwards."""

    def __init__(self) -> None:
        self.made: list[SocketTransport] = []

    def __call__(self, options: TransportOptions) -> SocketTransport:
        self.made.append(SocketTransport(options))
        return self.made[-1]

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return sum(transport.pool.connections_made for transport in self.made)


@dataclass(frozen=True)
class Seen:
    """A request, as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    number: int
    """Of its connection, counted from 1."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Peer:
    """One connection, from the server's side."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.early: Collection[str] = ()
        """Routes whose bodies are their handler's to read."""
        self._unread = b""

    def read_request(self) -> Seen | None:
        """The next request, or None when the client has closed."""
        while b"\r\n\r\n" not in self._unread:
            if not self._more():
                return None
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        request = Seen(method, target, headers, b"", self.number)
        if _route(request) in self.early:
            return request
        body = self.read_body(request)
        return None if body is None else replace(request, body=body)

    def read_body(self, request: Seen) -> bytes | None:
        """The body of a request, without its framing; None when the client has closed in the middle."""
        if request.headers.get("transfer-encoding") != "chunked":
            return self._take(int(request.headers.get("content-length", "0")))
        body = b""
        while True:
            while b"\r\n" not in self._unread:
                if not self._more():
                    return None
            size, _, self._unread = self._unread.partition(b"\r\n")
            piece = self._take(int(size, 16) + 2)
            if piece is None or piece == b"\r\n":
                return None if piece is None else body
            body += piece[:-2]

    def _take(self, size: int) -> bytes | None:
        pieces, left = [], size
        while left > len(self._unread):
            pieces.append(self._unread)
            left -= len(self._unread)
            self._unread = b""
            if not self._more():
                return None
        pieces.append(self._unread[:left])
        self._unread = self._unread[left:]
        return b"".join(pieces)

    def _more(self) -> bool:
        data = self.sock.recv(65536)
        self._unread += data
        return bool(data)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def reply(
        self, body: bytes = b"", status: str = "200 OK", kind: str = "application/json", **headers: str
    ) -> None:
        """Send a whole response."""
        lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def json(self, value: Any, status: str = "200 OK", **headers: str) -> None:
        """Send a JSON response."""
        self.reply(json.dumps(value).encode(), status, **headers)

    def begin_stream(self) -> None:
        """Send the head of an event stream."""
        self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        """Send one chunk; an empty one ends the stream."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def message(self, msg: str, **fields: Any) -> None:
        """Send one message on the stream."""
        self.chunk(b"data: " + json.dumps({"msg": msg, **fields}).encode() + b"\n\n")

    def complete(self, event_id: str, *data: Any) -> None:
        """Send a job's result."""
        self.message("process_completed", event_id=event_id, success=True, output={"data": [*data]})

    def wait_for_end(self) -> None:
        """Wait until the client closes."""
        while self.sock.recv(65536):
            pass

    def close(self) -> None:
        """Close, as a server does that has said what it wanted to."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Close in the way that the client's next read fails."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Peer, Seen], None]

ROUTES = (
    "config",
    "info",
    "login",
    "heartbeat",
    "queue/join",
    "queue/data",
    "cancel",
    "upload",
    "file",
    "stream",
)


class FaultyServer:
    """Serve an app with one endpoint, ``/predict``, which takes a string and gives ``"ok"``.

    Args:
        handlers: What to do instead, by route (see :data:`ROUTES`). A handler that raises OSError, since the
            client has gone, ends its connection and nothing else.
        host: The address to listen on.
        tls: A server-side context, for https.
        config: Entries of the config to be replaced.
        early: Routes whose handlers are called before the body has come; they read it themselves, or do not.
        app: What to serve instead.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        config: Mapping[str, Any] | None = None,
        early: Collection[str] = (),
        app: TestApp | None = None,
    ) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.jobs = 0
        self.handlers: dict[str, Handler] = {
            "config": self._config,
            "info": self._info,
            "queue/join": self._join,
            "queue/data": self._data,
            **(handlers or {}),
        }
        self._tls = tls
        self._changed = config or {}
        self._early = early
        self._app = app or TestApp()
        if app is None:
            self._app.endpoint("/predict")(_predict)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self._threads: list[threading.Thread] = []
        self._peers: list[Peer] = []
        self.port: int = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'http' if tls is None else 'https'}://{shown}:{self.port}"
        self._start(self._accept)

    def __enter__(self) -> FaultyServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, and wait for the threads."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            peer.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def seen(self, route: str) -> list[Seen]:
        """The requests that were made for a route."""
        return [request for request in self.requests if _route(request) == route]

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="faulty server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, sock, self.connections)

    def _serve(self, sock: socket.socket, number: int) -> None:
        peer = Peer(sock, number)
        peer.early = self._early
        self._peers.append(peer)
        try:
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(sock, server_side=True)
            while peer.sock.fileno() >= 0 and (request := peer.read_request()) is not None:
                self.requests.append(request)
                handler = self.handlers.get(_route(request))
                if handler is None:
                    peer.json({"detail": "Not Found"}, "404 Not Found")
                else:
                    handler(peer, request)
        except (OSError, ValueError):
            pass  # the client has gone, or the test has closed the socket
        finally:
            peer.close()

    # The happy path.

    def _config(self, peer: Peer, _: Seen) -> None:
        peer.json({**self._app.config(self.url), **self._changed})

    def _info(self, peer: Peer, _: Seen) -> None:
        peer.json(self._app.info())

    def _join(self, peer: Peer, _: Seen) -> None:
        self.jobs += 1
        peer.json({"event_id": f"e{self.jobs}"})

    def _data(self, peer: Peer, _: Seen) -> None:
        event_id = f"e{self.jobs}"
        peer.begin_stream()
        peer.message("estimation", event_id=event_id, rank=0, queue_size=1, rank_eta=None)
        peer.message("process_starts", event_id=event_id, eta=None)
        peer.complete(event_id, "ok")
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")


def _predict(x: str) -> str:
    return x


def _route(request: Seen) -> str:
    path = request.path.removeprefix("/gradio_api").strip("/")
    return next(
        (route for route in ROUTES if path == route or path.startswith((f"{route}/", f"{route}="))), path
    )
