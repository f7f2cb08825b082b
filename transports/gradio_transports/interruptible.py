"""The network as httpcore's pool sees it here: every wait of a thread can be ended by another one.

httpcore's own backend blocks until a timeout. This one blocks for as long as it takes, and
:meth:`Interruptible.end_waiting` ends that, by shutting the connection down. Deadlines are the scheduler's.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, Protocol

import httpcore

from gradio_proto.errors import ConnectError

from .nonblocking import NEXT_ADDRESS, no_tls

_Option = Any  # the arguments of setsockopt()


class User(Protocol):
    """On whose behalf a thread uses connections, one after the other."""

    is_connecting: bool
    """The thread asks the resolver, or waits for an address to answer, and is not interrupted at once."""

    def check_wanted(self) -> None:
        """Raise what is to end the thread, if it is to end."""
        ...

    def begins_to_use(self, stream: Interruptible) -> None:
        """The thread may wait for this connection from now on. Raises what is to end the thread."""
        ...

    def has_read(self, data: bytes) -> None:
        """Something was read; ``b""`` is the end of the connection."""
        ...

    def could_not_write(self, error: OSError) -> None:
        """The other side takes no more."""
        ...


class ALPN(ssl.SSLContext):
    """What httpcore gets for a TLS context, on which it says what protocols it speaks.

    The real one may be the caller's, who may use it elsewhere, for connections that speak something else.
    """

    protocols: Iterable[str] = ()

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Keep it in mind."""
        self.protocols = tuple(alpn_protocols)


class Backend(httpcore.NetworkBackend):
    """Makes connections.

    Args:
        context: Gives the TLS context of every connection, and whether that is our own.
        proxy: The host and port to connect to, in place of the server's.
        has_connected: Called for each connection made, which it makes lead to the server, where there is a proxy.
            Any thread may call this and ``context``.
    """

    def __init__(
        self,
        context: Callable[[], tuple[ssl.SSLContext, bool]],
        proxy: tuple[str, int] | None,
        has_connected: Callable[[User, Interruptible], None],
    ) -> None:
        self.context = context
        self.streams: set[Interruptible] = set()
        """The connections that are open."""
        self.making_tls = threading.Lock()
        """Held while the TLS context says what protocols the next connection speaks."""
        self._proxy = proxy
        self._has_connected = has_connected
        self._current = threading.local()

    @contextlib.contextmanager
    def used_by(self, user: User) -> Generator[None]:
        """Let what this thread does be done on a user's behalf."""
        self._current.user = user
        try:
            yield
        finally:
            del self._current.user

    @property
    def user(self) -> User:
        """On whose behalf this thread works."""
        user: User = self._current.user
        return user

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        host, port = self._proxy or (host, port)
        user = self.user
        user.is_connecting = True
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            user.is_connecting = False
            raise ConnectError(f"no connection to {host}:{port}: {host} was not found: {error}") from error
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *(socket_options or ())]
        addresses = [(family, address) for family, _, _, _, address in found]
        try:
            return self._connect(f"{host}:{port}", addresses, options, local_address)
        finally:
            user.is_connecting = False

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[_Option] | None = None
    ) -> httpcore.NetworkStream:
        """Connect to a server on this machine."""
        return self._connect(path, [(socket.AF_UNIX, path)], socket_options or (), None)

    def _connect(
        self,
        peer: str,
        addresses: Sequence[tuple[int, Any]],
        options: Iterable[_Option],
        local_address: str | None,
    ) -> Interruptible:
        with Attempts(options, local_address) as attempts:
            for address in addresses:
                self.user.check_wanted()
                attempts.begin(*address)
                if attempts.wait():
                    break
            while not attempts.winner and attempts.sockets:
                self.user.check_wanted()
                attempts.wait()
        if attempts.winner is None:
            raise ConnectError(f"no connection to {peer}: {'; '.join(attempts.errors)}")
        stream = Interruptible(self, attempts.winner, peer)
        try:
            self._has_connected(self.user, stream)
        except BaseException:
            stream.close()
            raise
        return stream


class Attempts:
    """One connection being made: the host's addresses are tried in order, a new one every quarter second, and the
    first that answers wins (a plain form of RFC 8305, "Happy Eyeballs")."""

    def __init__(self, options: Iterable[_Option], local_address: str | None) -> None:
        self.winner: socket.socket | None = None
        self.errors: list[str] = []
        self.sockets: set[socket.socket] = set()
        self._options = options
        self._local_address = local_address
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Attempts:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for sock in self.sockets:
            sock.close()

    def begin(self, family: int, address: Any) -> None:
        """Try an address."""
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in self._options:
                sock.setsockopt(*option)
            if self._local_address is not None:
                sock.bind((self._local_address, 0))
            sock.setblocking(False)
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            sock.close()
            self.errors.append(str(error))
            return
        self.sockets.add(sock)
        self._selector.register(sock, selectors.EVENT_WRITE)

    def wait(self) -> bool:
        """Wait a little for one to answer; whether it did."""
        for key, _ in self._selector.select(NEXT_ADDRESS if self.sockets else 0):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            self._selector.unregister(sock)
            self.sockets.discard(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code or self.winner is not None:
                sock.close()
                self.errors.append(os.strerror(code))
            else:
                sock.setblocking(True)
                self.winner = sock
        return self.winner is not None


class Interruptible(httpcore.NetworkStream):
    """A connection, used by one thread at a time."""

    def __init__(self, backend: Backend, sock: socket.socket, peer: str) -> None:
        self.peer = peer
        self._backend = backend
        self._sock = sock
        self._is_handed_over = False
        self._has_ended = False
        """The other side has ended it: of TLS, whose end is no end of the socket, nothing else tells that later."""
        self._lock = threading.Lock()
        """Held while another thread may look at the socket, so that it is this one, and no other by the same number."""
        backend.streams.add(self)

    def hand_over(self) -> socket.socket:
        """Give the connection away, TLS included. For httpcore it is at its end."""
        self._is_handed_over = True
        self._backend.streams.discard(self)
        return self._sock

    def end_waiting(self, how: int = socket.SHUT_RDWR) -> None:
        """Have the thread that waits for this connection go on, and never wait for it again. Any thread may call it.

        ``SHUT_WR`` ends waiting until the other side takes something, and lets what it says be read.
        """
        with self._lock, contextlib.suppress(OSError):
            # Not the SSLSocket's own method, after which nothing can be read or written, as TLS.
            socket.socket.shutdown(self._sock, how)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for some bytes."""
        if self._is_handed_over:
            return b""
        user = self._backend.user
        user.begins_to_use(self)
        try:
            data = self._sock.recv(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(error) from error
        self._has_ended = not data
        user.has_read(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        user = self._backend.user
        user.begins_to_use(self)
        try:
            self._sock.sendall(buffer)
        except OSError as error:
            user.could_not_write(error)
            raise httpcore.WriteError(error) from error

    def close(self) -> None:
        """Close it, unless it was handed over; no thread waits for it."""
        if not self._is_handed_over:
            with self._lock:
                self._sock.close()
            self._backend.streams.discard(self)

    def forget(self) -> None:
        """In a forked child: leave the connection to the parent."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Start TLS. The stream stays the same one."""
        try:
            if isinstance(self._sock, ssl.SSLSocket):
                raise ConnectError(
                    "an https:// proxy cannot carry TLS here: use an http:// proxy, which sees as little",
                    retryable=False,
                )
            context, is_own = self._backend.context()
            # Connections that may not speak HTTP/2 are made beside those that may, from one context.
            with self._backend.making_tls, self._lock:
                if is_own and isinstance(ssl_context, ALPN):
                    context.set_alpn_protocols(ssl_context.protocols)
                self._sock = sock = context.wrap_socket(
                    self._sock,
                    server_hostname=server_hostname,
                    do_handshake_on_connect=False,
                    suppress_ragged_eofs=False,
                )
            self._backend.user.begins_to_use(self)
            sock.do_handshake()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | ValueError):
                raise no_tls(self.peer, error) from error
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks about a connection: its TLS, and whether an idle one is readable."""
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        return self._is_readable() if info == "is_readable" else None

    def _is_readable(self) -> bool:
        number = self._sock.fileno()
        if number < 0 or self._has_ended:
            return True
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(number, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([number], [], [], 0)[0])


def extensions_of(response: httpcore.Response) -> Mapping[str, Any]:
    """What httpcore says about a response beside what is in it."""
    return response.extensions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class OneAtATime(httpcore.ConnectionInterface):
    """A connection of httpcore's that carries one exchange at a time, with HTTP/2 too.

    To give up one exchange of several on a connection would end the others, and httpcore's HTTP/2 is not made for
    several threads at once.
    """

    def __init__(self, connection: httpcore.ConnectionInterface) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._stream: httpcore.NetworkStream | None = None
        self._is_broken = False

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request, and wait for the head of its response."""
        if not self._lock.acquire(blocking=False):
            raise httpcore.ConnectionNotAvailable
        try:
            if self._stream is not None and not self._connection.is_idle():
                raise httpcore.ConnectionNotAvailable
            response = self._connection.handle_request(request)
            self._stream = extensions_of(response)["network_stream"]
            return response
        except httpcore.ConnectionNotAvailable:
            raise
        except BaseException:
            self._is_broken = True  # with HTTP/2, httpcore would go on with it
            raise
        finally:
            self._lock.release()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        """Whether it leads there."""
        return self._connection.can_handle_request(origin)

    def is_available(self) -> bool:
        """Whether it can carry a request now."""
        return self._connection.is_idle() and self._connection.is_available()

    def has_expired(self) -> bool:
        """Whether it is idle, and not to be trusted any more. What is to be read on an idle one is its end, mostly."""
        if self._is_broken or self._connection.has_expired():
            return True
        if self._stream is None or not self._connection.is_idle():
            return False
        return bool(self._stream.get_extra_info("is_readable"))

    def is_idle(self) -> bool:
        """Whether it carries nothing."""
        return self._connection.is_idle()

    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._connection.is_closed()

    def info(self) -> str:
        """What it is, for people."""
        return self._connection.info()

    def close(self) -> None:
        """Close it."""
        self._connection.close()
