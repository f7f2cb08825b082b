"""A server of a :class:`TestApp` in threads of this process, on a socket.

    with serve(app) as url:
        ...

One thread does all input and output, woken by a socket pair; the app's functions run in worker threads, as
many at a time as their concurrency limits allow, and no more than :data:`MAX_WORKERS`.
"""

from __future__ import annotations

import queue
import secrets
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Protocol, TypeVar

from .app import TestApp
from .protocol import Action, SendData, ServerProtocol
from .queueing import RunJob, StopJob
from .values import Aside, Raised

MAX_WORKERS = 40
"""Functions that run at the same time, at most: the default of a real server (``max_threads``)."""

_CHUNK = 2**16


class _Peer:
    """One connection: its socket, and what is still to be sent."""

    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number = number
        self.sock = sock
        self.unsent = bytearray()
        self.closing = False
        self.wants = selectors.EVENT_READ


_Server = TypeVar("_Server", bound="SocketServer")


class Served(Protocol):
    """A server without input and output, such as :class:`~gradio_proto.testing.protocol.ServerProtocol`."""

    def connection_made(self, conn_id: int) -> None:
        """A client has connected."""

    def receive_data(self, conn_id: int, data: bytes, now: float) -> None:
        """Bytes have come in; ``b""`` is the end of them."""

    def connection_lost(self, conn_id: int) -> None:
        """A connection broke."""

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due."""

    def handle_timer(self, now: float) -> None:
        """Time has passed."""

    def next_action(self) -> Action | None:
        """The next thing to do, or None."""


class SocketServer:
    """Serve on a socket until :meth:`close`, or for the length of a ``with`` block.

    Args:
        protocol: What answers. It is touched by the input-output thread alone.
        host: The address to listen on.
        port: The port; 0 takes any that is free.
        tls: A server-side context, for https.

    Raises:
        OSError: The address cannot be listened on.
    """

    def __init__(
        self, protocol: Served, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self._served = protocol
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self._listener.setblocking(False)
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._peers: dict[Hashable, _Peer] = {}
        self._numbers = 0
        # What other threads want done on the input-output thread, where alone the protocol is touched.
        self._inbox: deque[Callable[[], None]] = deque()
        self._ending = threading.Event()
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://{shown}:{self._listener.getsockname()[1]}"
        """The address of the app, without a slash behind it."""
        self._thread = threading.Thread(target=self._run, name="gradio_proto server", daemon=True)
        self._thread.start()

    def __enter__(self: _Server) -> _Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and end the thread. A second call does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._wake()
        self._thread.join()
        self._waker.close()

    # Other threads

    def _post(self, do: Callable[[], None]) -> None:
        self._inbox.append(do)
        self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:
            pass  # full: it will wake anyway; or closed: there is nobody to wake

    # The input-output thread

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._turn()
        finally:
            for peer in [*self._peers.values()]:
                self._forget(peer)
            self._selector.close()
            self._listener.close()
            self._woken.close()

    def _turn(self) -> None:
        deadline = self._served.next_deadline()
        timeout = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        ready = self._selector.select(timeout)
        # Before what has come in: whoever asked for something may send a request that is to find it done. And
        # after the drain: a byte that was sent for what is put in from here on must stay.
        if any(key.fileobj is self._woken for key, _ in ready):
            self._drain()
        while self._inbox:
            self._inbox.popleft()()
        for key, events in ready:
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is not self._woken:
                self._attempt(key.data, partial(self._ready, events=events))
        if deadline is not None and deadline <= time.monotonic():
            self._served.handle_timer(time.monotonic())
        self._act()

    def _drain(self) -> None:
        try:
            while len(self._woken.recv(_CHUNK)) == _CHUNK:
                pass
        except BlockingIOError:
            pass

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return  # none left, or one that gave up meanwhile
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._numbers += 1
            peer = _Peer(self._numbers, sock)
            self._peers[peer.number] = peer
            self._selector.register(sock, selectors.EVENT_READ, peer)
            self._served.connection_made(peer.number)

    def _attempt(self, peer: _Peer, do: Callable[[_Peer], None]) -> None:
        """Do something with a socket; where it would block, or is broken, see to what follows."""
        wants = selectors.EVENT_READ
        try:
            do(peer)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except ssl.SSLWantWriteError:
            wants |= selectors.EVENT_WRITE
        except OSError:
            self._served.connection_lost(peer.number)
            self._forget(peer)
            return
        if peer.closing and not peer.unsent:
            self._forget(peer)
            return
        if peer.unsent:
            wants |= selectors.EVENT_WRITE
        if wants != peer.wants:
            peer.wants = wants
            self._selector.modify(peer.sock, wants, peer)

    def _ready(self, peer: _Peer, *, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(peer)
        if events & selectors.EVENT_READ and not peer.closing:
            while True:
                # On TLS this makes the handshake too.
                data = peer.sock.recv(_CHUNK)
                self._served.receive_data(peer.number, data, time.monotonic())
                # TLS may hold more than it was asked for, which no selector sees.
                if not data or self._tls is None:
                    return

    def _flush(self, peer: _Peer) -> None:
        while peer.unsent:
            sent = peer.sock.send(peer.unsent)
            del peer.unsent[:sent]

    def _act(self) -> None:
        """Take what the protocol wants done, and send what there is for each peer in one go."""
        while True:
            dirty: dict[_Peer, None] = {}
            while (action := self._served.next_action()) is not None:
                if isinstance(action, RunJob | StopJob):
                    self._work_on(action)
                else:
                    peer = self._peers.get(action.conn_id)
                    if peer is not None:
                        dirty[peer] = None
                        if isinstance(action, SendData):
                            peer.unsent += action.data
                        else:
                            peer.closing = True
            if not dirty:
                return
            # A peer that turns out to be gone may leave something to do for the others.
            for peer in dirty:
                self._attempt(peer, self._flush)

    def _work_on(self, action: RunJob | StopJob) -> None:
        """Do what is no input or output. Only apps want that."""
        raise NotImplementedError

    def _forget(self, peer: _Peer) -> None:
        self._peers.pop(peer.number, None)
        self._selector.unregister(peer.sock)
        if isinstance(peer.sock, ssl.SSLSocket):
            try:
                peer.sock.unwrap()  # says goodbye; the answer is not waited for
            except (OSError, ValueError):
                pass
        peer.sock.close()


class EmbeddedServer(SocketServer):
    """Serve an app until :meth:`close`, or for the length of a ``with`` block.

    Args:
        app: The app. Endpoints added later are not served.
        host: The address to listen on.
        port: The port; 0 takes any that is free.
        tls: A server-side context, for https.
        heartbeat: Seconds between heartbeats on an open stream.
        faithful_defects: See :class:`~gradio_proto.testing.protocol.ServerProtocol`.
        defects: See there.

    Raises:
        ValueError: As there.
        OSError: The address cannot be listened on.
    """

    def __init__(
        self,
        app: TestApp,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        heartbeat: float = 15.0,
        faithful_defects: bool = True,
        defects: Sequence[str] = (),
    ) -> None:
        self._protocol = ServerProtocol(
            app,
            scheme="http" if tls is None else "https",
            new_id=lambda: secrets.token_hex(16),
            heartbeat=heartbeat,
            faithful_defects=faithful_defects,
            defects=defects,
        )
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._running = 0
        self._workers: list[threading.Thread] = []
        super().__init__(self._protocol, host, port, tls=tls)

    def stop_queue(self) -> None:
        """Stop the queue while the server goes on answering, as ``demo.close()`` does."""
        self._post(lambda: self._protocol.stop(time.monotonic()))

    def refuse(
        self,
        times: int = 1,
        *,
        status: int = 429,
        retry_after: str | None = None,
        path: str = "/queue/join",
    ) -> None:
        """Answer the next requests to a path with an error: see :meth:`ServerProtocol.refuse`."""
        self._post(lambda: self._protocol.refuse(times, status=status, retry_after=retry_after, path=path))

    def close(self, *, timeout: float = 1.0) -> None:
        """Close every connection and end every thread. A second call does nothing.

        Args:
            timeout: Seconds to wait for functions that are running. Python cannot end a thread from outside:
                one that takes longer goes on by itself, and its result goes nowhere.
        """
        super().close()
        workers, self._workers = self._workers, []
        for _ in workers:
            self._work.put(None)
        until = time.monotonic() + timeout
        for worker in workers:
            worker.join(max(until - time.monotonic(), 0.0))

    # Other threads

    def _worker(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _step(self, job: RunJob) -> None:
        if self._ending.is_set():
            job.call.close()
            return

        def report(aside: Aside) -> None:
            self._post(lambda: self._protocol.job_reported(job.event_id, aside, time.monotonic()))

        try:
            # Who sleeps as the server closes has slept enough.
            outcome = job.call.step(report, self._ending.wait)
        except BaseException as error:  # SystemExit and the like must not take a worker with them
            outcome = Raised(error)
        if self._ending.is_set():
            job.call.close()
            return

        def done() -> None:
            self._running -= 1
            self._protocol.job_stepped(job.event_id, outcome, time.monotonic())

        self._post(done)

    # The input-output thread

    def _work_on(self, action: RunJob | StopJob) -> None:
        if isinstance(action, RunJob):
            self._start(partial(self._step, action))
        else:
            self._work.put(action.call.close)

    def _start(self, work: Callable[[], None]) -> None:
        self._running += 1
        if self._running > len(self._workers) and len(self._workers) < MAX_WORKERS:
            worker = threading.Thread(target=self._worker, name="gradio_proto worker", daemon=True)
            self._workers.append(worker)
            worker.start()
        self._work.put(work)


@contextmanager
def serve(
    app: TestApp,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    faithful_defects: bool = True,
    defects: Sequence[str] = (),
) -> Generator[str]:
    """Serve an app for the length of a ``with`` block, which gets its address.

    The arguments are those of :class:`EmbeddedServer`.

    Example:
        ::

            from gradio_proto.testing import TestApp, serve

            with serve(TestApp()) as url:
                print(url.startswith("http://127.0.0.1:"))  # prints True
    """
    with EmbeddedServer(app, host, port, faithful_defects=faithful_defects, defects=defects) as server:
        yield server.url
