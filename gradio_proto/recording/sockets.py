"""Recording and replaying on sockets, with threads and a clock.

A recorder has one thread for each client's connection, which waits for that client and for the app at once. It
reads no more from one of them while the other has not taken what there is, so however fast one is, memory is
bounded.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Final

from gradio_proto.errors import ArgumentError
from gradio_proto.testing.embedded import SocketServer
from gradio_proto.urls import AppURL, Origin, parse_app_url

from .files import Format, RecordingFile, read
from .model import Recording
from .redacting import Redactor
from .relay import Relay, Route

CONNECT_SECONDS: Final = 30.0
"""For a connection to the app, and for TLS on it."""

IDLE_SECONDS: Final = 75.0
"""How long a client's connection is kept on which nothing is under way."""

HIGH_WATER: Final = 2**18
"""Bytes that wait for one side, above which nothing is read from the other."""

_CHUNK: Final = 2**16


class Recorder:
    """Record what clients and an app say to each other: a reverse proxy on this machine.

    Args:
        url: The app.
        path: The file to write.
        port: Where to listen; 0 takes any port that is free.
        format: Of the file.
        token: Sent to the app with each request that has no ``Authorization`` of its own, unless a page of another
            site has made it. It is never written.
        keep_secrets: Write credentials too.

    Raises:
        ArgumentError: ``url`` is no URL, or a token is to go unencrypted to another machine.
        OSError: The port or the file cannot be had.
    """

    def __init__(
        self,
        url: str,
        path: str | Path,
        *,
        port: int = 0,
        format: Format = "ndjson",
        token: str | None = None,
        keep_secrets: bool = False,
    ) -> None:
        app: AppURL = parse_app_url(url)
        if token is not None and not app.origin.tls and not app.origin.is_loopback:
            raise ArgumentError("a token goes to another machine by https only")
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        address = Origin("http", "127.0.0.1", self._listener.getsockname()[1])
        headers = () if token is None else (("authorization", f"Bearer {token}"),)
        self._route = Route(app.origin, address, headers)
        self._began = time.monotonic()
        recording = Recording(datetime.now(timezone.utc), str(address), str(app))
        try:
            redactor = None if keep_secrets else Redactor([token] if token else [])
            self._file = RecordingFile(Path(path), recording, format, redactor)
        except OSError:
            self._listener.close()
            raise
        self.url = f"{address}{app.base_path}"
        """What clients are given in the place of the app's own."""
        self._count = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._tls: ssl.SSLContext | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="gradio_proto recorder", daemon=True)
        self._thread.start()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def exchanges(self) -> int:
        """How many have begun so far."""
        return self._count

    @property
    def failure(self) -> OSError | None:
        """Why not everything was recorded; None if it was. A full disk ends the recording, not what is recorded."""
        return self._file.failure

    def close(self) -> None:
        """Close every connection, and finish the file. A second call does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        # Closing alone would not wake the thread that waits for it.
        _shut(self._listener)
        try:
            socket.create_connection(self._listener.getsockname()[:2], timeout=1).close()
        except OSError:
            pass
        self._listener.close()
        self._thread.join()
        self._file.close()
        with self._lock:
            for sock in self._open:
                _shut(sock)

    def _now(self) -> float:
        return round(time.monotonic() - self._began, 6)

    def _number(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(sock,), name="gradio_proto recorder", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it may have left already, which its first read will tell
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        relay = Relay(self._route, self._number, self._file.add)
        with self._lock:
            self._open.add(client)
        try:
            _Pump(client, relay, self._connect, self._now, self._ending.is_set).run()
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()

    def _connect(self) -> socket.socket:
        origin = self._route.upstream
        sock = socket.create_connection((origin.host, origin.port), timeout=CONNECT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not origin.tls:
            return sock
        try:
            with self._lock:
                if self._tls is None:
                    self._tls = ssl.create_default_context()
            return self._tls.wrap_socket(sock, server_hostname=origin.host)
        except BaseException:
            sock.close()
            raise


class _Pump:
    """Moves the bytes of one client's connection."""

    def __init__(
        self,
        client: socket.socket,
        relay: Relay,
        connect: Callable[[], socket.socket],
        now: Callable[[], float],
        is_ending: Callable[[], bool],
    ) -> None:
        self._client = client
        self._relay = relay
        self._connect = connect
        self._now = now
        self._is_ending = is_ending
        self._upstream: socket.socket | None = None
        self._exchange: int | None = None
        """For which the connection to the app is."""
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Move them until it is over."""
        self._client.setblocking(False)
        try:
            while not self._relay.is_done and not self._is_ending():
                self._turn()
            self._say_the_rest()
        finally:
            self._drop_upstream()
            self._selector.close()

    def _turn(self) -> None:
        relay = self._relay
        if self._exchange is not None and relay.exchange != self._exchange:
            self._drop_upstream()
        if relay.wants_upstream and self._upstream is None:
            self._reach_upstream()
        self._flush()
        if relay.is_done or relay.exchange != self._exchange:
            return
        self._watch(self._client, len(relay.to_upstream) + relay.unread, len(relay.to_client))
        if self._upstream is not None:
            self._watch(self._upstream, len(relay.to_client), len(relay.to_upstream))
        ready = self._selector.select(None if relay.wants_upstream else IDLE_SECONDS)
        if not ready:
            relay.is_done = not relay.wants_upstream
        for key, events in ready:
            if events & selectors.EVENT_READ:
                if key.fileobj is self._client:
                    self._receive_from_client()
                elif self._upstream is not None and relay.exchange == self._exchange:
                    self._receive_from_upstream(self._upstream)

    def _watch(self, sock: socket.socket, waits_for_other: int, waits_for_it: int) -> None:
        reads = selectors.EVENT_READ if waits_for_other < HIGH_WATER else 0
        wants = reads | (selectors.EVENT_WRITE if waits_for_it else 0)
        is_watched = sock in self._selector.get_map()
        if is_watched and wants:
            self._selector.modify(sock, wants)
        elif wants:
            self._selector.register(sock, wants)
        elif is_watched:  # it has nothing to take, and nobody would take what it has
            self._selector.unregister(sock)

    def _reach_upstream(self) -> None:
        try:
            self._upstream = self._connect()
        except OSError as error:
            self._relay.upstream_unreachable(str(error), self._now())
            return
        self._upstream.setblocking(False)
        self._exchange = self._relay.exchange

    def _drop_upstream(self) -> None:
        self._exchange = None
        if self._upstream is not None:
            if self._upstream in self._selector.get_map():
                self._selector.unregister(self._upstream)
            self._upstream.close()
            self._upstream = None

    def _receive_from_client(self) -> None:
        data = _received(self._client)
        if data is not None:
            self._relay.receive_from_client(data, self._now())

    def _receive_from_upstream(self, upstream: socket.socket) -> None:
        while True:
            data = _received(upstream)
            if data is not None:
                self._relay.receive_from_upstream(data, self._now())
            # TLS may hold more than was asked for, which no selector sees.
            if not data or not isinstance(upstream, ssl.SSLSocket) or not upstream.pending():
                return

    def _flush(self) -> None:
        relay = self._relay
        if not _sent(self._client, relay.to_client):
            relay.receive_from_client(b"", self._now())
        # An app may answer, and close, before it has read a request to its end: its answer is read all the same.
        if self._upstream is not None and not _sent(self._upstream, relay.to_upstream):
            relay.to_upstream.clear()

    def _say_the_rest(self) -> None:
        """Send what the client is still to get, and wait until it has: closing at once might take it away again."""
        self._client.settimeout(5.0)
        try:
            if self._relay.to_client:
                self._client.sendall(self._relay.to_client)
            self._client.shutdown(socket.SHUT_WR)
            self._client.settimeout(1.0)
            while self._client.recv(_CHUNK):
                pass
        except OSError:
            pass


def _received(sock: socket.socket) -> bytes | None:
    """What has come; empty if the connection ended or broke, None if nothing has come after all."""
    try:
        return sock.recv(_CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except OSError:
        return b""


def _sent(sock: socket.socket, data: bytearray) -> bool:
    """Send as much as can be sent now, and take it away. False if the connection broke."""
    try:
        while data:
            del data[: sock.send(data)]
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    except OSError:
        return False
    return True


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already


@contextmanager
def replay(
    recording: Recording | str | Path,
    *,
    speed: float = 0.0,
    port: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> Generator[str]:
    """Answer as was recorded for the length of a ``with`` block, which gets the address of the app.

    Args:
        recording: What to answer: a recording, or the file of one.
        speed: How fast: 1.0 as it was, 2.0 in half of the time, 0 at once.
        port: Where to listen; 0 takes any port that is free.
        tell: Is told of each request that was never recorded; it is answered 501.

    Raises:
        RecordingError: The file is no recording.
        OSError: The file cannot be read, or the port cannot be had.

    Example:
        with replay("session.ndjson") as url:
            assert Client(url).predict("Ada", api_name="/greet") == "Hello, Ada!"
    """
    from .playback import Playback

    found = recording if isinstance(recording, Recording) else read(recording)
    with SocketServer(Playback(found, speed=speed, tell=tell), port=port) as server:
        yield server.url + _base_path(found)


def _base_path(recording: Recording) -> str:
    return parse_app_url(recording.upstream).base_path if recording.upstream else ""
