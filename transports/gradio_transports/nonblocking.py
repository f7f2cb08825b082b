"""The byte effects on non-blocking sockets, TLS and files, for any scheduler with a selector.

Every effect is tried at once, and waits only if it has to.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import selectors
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from gradio_proto.effects import (
    Connect,
    CreateFile,
    Flow,
    IsQuiet,
    KeepFile,
    OpenFile,
    ReadFile,
    Receive,
    RunInThread,
    Send,
    Signal,
    StartTLS,
    TimedOut,
    WriteFile,
)
from gradio_proto.errors import ConnectError, ConnectionLost
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.scheduler import Parking, Perform, Task
from gradio_proto.transport import TransportOptions

from .apart import Apart
from .environment import proxy_from_environment
from .localfiles import Downloads, ReadableFile, WritableFile, file_size
from .selecting import SelectorScheduler

T = TypeVar("T")
S = TypeVar("S", bound=SelectorScheduler)

SMALLEST_READ: Final = 64 * 1024
LARGEST_READ: Final = 1024 * 1024
"""Bytes asked for in one read: doubled while reads come back full, since a large message is read in fewer calls
then, and small otherwise, since every call allocates that much."""

LATE_BYTES: Final = 256 * 1024
LEAST_OF_A_READ: Final = 4096
"""How much is read for a deadline that has passed, and what a read counts for at least. This process may have stood
still, and what came meanwhile was in time; but bytes that keep coming do not keep a deadline from passing."""

NEXT_ADDRESS: Final = 0.25
"""Seconds for one address of a host before the next one is tried beside it (RFC 8305, 5)."""

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE
DONE: Final = 0

Proceed: TypeAlias = Callable[[], int]
"""Does what can be done of an effect. Returns what to wait for (READ, WRITE), or DONE with ``task.value`` set."""


def no_tls(peer: str, error: Exception) -> ConnectError:
    """The error of a connection to ``peer`` on which TLS did not begin."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the certificate of {peer} is not trusted: {error.verify_message}"
        return ConnectError(message, retryable=False)
    # What OpenSSL calls the version is the beginning of an answer in clear: the commonest of mistakes.
    is_clear = isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"
    hint = "; it may be a server of plain http://" if is_clear else ""
    return ConnectError(f"no TLS with {peer}: {error}{hint}")


def broken(peer: str, error: Exception) -> ConnectionLost:
    """The error of a connection to ``peer`` on which ``error`` was raised."""
    if isinstance(error, ssl.SSLEOFError):
        return ConnectionLost(f"the connection to {peer} was closed, and not as TLS is: it may have been cut")
    # TLS 1.3 has it that a server may say so when the handshake is over for the client, and this one reads.
    is_wanted = isinstance(error, ssl.SSLError) and error.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    hint = "; the server wants a certificate of yours: give an ssl_context= that has one" if is_wanted else ""
    return ConnectionLost(f"the connection to {peer} broke: {error}{hint}")


def last_word(sock: socket.socket, error: OSError) -> OSError:
    """Why a server takes no more, where it has said that, or else ``error``, which it has ended the connection with."""
    if isinstance(sock, ssl.SSLSocket):
        try:
            sock.recv(1)
        except ssl.SSLError as said:
            if "ALERT" in (said.reason or ""):
                return said
        except OSError:
            pass
    return error


class SocketStream(Parking):
    """A connection of this transport: a ByteStream, and the place where a task waits for it."""

    __slots__ = (
        "__weakref__",
        "_interest",
        "_proceed",
        "_reactor",
        "_task",
        "has_asked",
        "late_bytes",
        "passed_deadline",
        "peer",
        "read_size",
        "sock",
    )

    def __init__(self, reactor: SelectorScheduler, sock: socket.socket, peer: str) -> None:
        self.sock = sock
        self.peer = peer
        self.read_size = SMALLEST_READ
        self.has_asked = False
        """Something was sent, and nothing has been received since."""
        self.passed_deadline: float | None = None
        """The deadline of the last receive that was asked for after it."""
        self.late_bytes = 0
        """How much has been received since that passed."""
        self._reactor = reactor
        self._interest = 0
        self._task: Task[Any] | None = None
        self._proceed: Proceed | None = None

    def wait(
        self, task: Task[Any], mask: int, deadline: float | None, proceed: Proceed, wake: Signal | None = None
    ) -> None:
        """Park ``task`` until the socket is ready for ``mask``, and then until ``proceed()`` wants no more."""
        self._task, self._proceed = task, proceed
        self._reactor.park(task, deadline, wake, on=self)
        self.watch(mask)

    def watch(self, mask: int) -> None:
        """Have the selector look for what ``mask`` says."""
        # A registration stays when nobody waits (it mostly comes back within microseconds), until it fires.
        if mask == self._interest:
            return
        selector = self._reactor.selector
        if self._interest == 0:
            selector.register(self.sock, mask, self._on_ready)
        elif mask == 0:
            selector.unregister(self.sock)
        else:
            selector.modify(self.sock, mask, self._on_ready)
        self._interest = mask

    def _on_ready(self, _: int) -> None:
        task = self._task
        if task is None or self._proceed is None:
            self.watch(0)
            return
        try:
            wanted = self._proceed()
        except Exception as error:
            self._reactor.resume(task, error=error)
        else:
            if wanted:
                self.watch(wanted)
            else:
                self._reactor.resume(task, task.value)

    def leave(self, task: Task[Any]) -> None:
        self._task = self._proceed = None

    def close(self) -> None:
        """Close the socket; a task that still waits for it goes on with ConnectionLost."""
        if self.sock.fileno() < 0:
            return
        try:
            self.watch(0)
        except (KeyError, ValueError, OSError):
            pass  # a forked child, or a closed reactor: its selector does not know this socket
        self.sock.close()
        if self._task is not None:
            self._reactor.resume(self._task, error=ConnectionLost("the connection was closed by this client"))


class NonblockingTransport(Generic[S]):
    """What our own transports have in common: everything but how they wait.

    One TLS context serves every connection; where none is given, it is made when the first one needs it.

    Args:
        options: What the client says.
        scheduler: What makes the scheduler, given what carries out the effects.
    """

    def __init__(
        self, options: TransportOptions, scheduler: Callable[[Mapping[type[Any], Perform]], S]
    ) -> None:
        self._options = options
        self._ssl_context: ssl.SSLContext | None = options.ssl_context
        self._downloads = Downloads()
        self._reactor: S = scheduler(
            {
                Connect: self._connect,
                StartTLS: self._start_tls,
                Send: self._send,
                Receive: self._receive,
                IsQuiet: self._is_quiet,
                OpenFile: self._open_file,
                ReadFile: self._read_file,
                CreateFile: self._create_file,
                WriteFile: self._write_file,
                KeepFile: self._keep_file,
                RunInThread: self._run_in_thread,
            }
        )
        try:
            self.pool = self._new_pool()
        except BaseException:
            self._reactor.dispose()
            raise
        self._fork_callbacks: list[Callable[[], None]] = []
        _TRANSPORTS.add(self)

    def _new_pool(self) -> ConnectionPool:
        options = self._options
        proxy = options.proxy
        if proxy is None and options.trust_env and not options.origin.is_loopback:
            proxy = proxy_from_environment(options.origin)
        return ConnectionPool(options.limits, options.timeouts, proxy=proxy)

    # What the client asks for.

    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """The scheduler's lock."""
        return self._reactor.lock

    def when_free(self, action: Callable[[], None]) -> None:
        """Do an action that takes the lock, now or as soon as that can be done."""
        self._reactor.when_free(action)

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow, which may be promised to go on (see :meth:`Scheduler.spawn`); the lock is held."""
        self._reactor.spawn(lower(flow, self.pool), promised=promised)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called where flows take their steps."""
        self._reactor.call_from_thread(callback)

    def file_size(self, path: str) -> int:
        """The bytes of the file at a path, which is the caller's."""
        return file_size(path)

    def wall_clock(self) -> datetime:
        """The local date and time, as the official client gives it."""
        return datetime.now()

    def monotonic(self) -> float:
        """The scheduler's clock."""
        return self._reactor.clock()

    def token(self) -> str:
        """96 random bits."""
        return secrets.token_hex(12)

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        return random.random()

    def on_fork(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in a forked child."""
        self._fork_callbacks.append(callback)

    def before_fork(self) -> None:
        """This process is about to be forked."""

    def after_fork_in_parent(self) -> None:
        """It has been, and this is the parent."""

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections to the parent."""
        if self._reactor.closed:
            return
        self._reactor.after_fork(self._settle_after_fork)
        self.pool.close()
        self.pool = self._new_pool()

    def _settle_after_fork(self) -> None:
        for callback in self._fork_callbacks:
            callback()

    # Effects.

    def _receive(self, task: Task[Any], effect: Receive) -> bool:
        stream = effect.stream
        assert isinstance(stream, SocketStream)

        def receive() -> int:
            try:
                data = stream.sock.recv(stream.read_size)
            except (BlockingIOError, ssl.SSLWantReadError):
                return READ
            except ssl.SSLWantWriteError:
                return WRITE
            except OSError as error:
                raise broken(stream.peer, error) from error
            stream.late_bytes += max(len(data), LEAST_OF_A_READ)
            if len(data) == stream.read_size:
                stream.read_size = min(stream.read_size * 2, LARGEST_READ)
            elif stream.read_size > SMALLEST_READ and len(data) * 4 < stream.read_size:
                stream.read_size = SMALLEST_READ
            task.value = data
            return DONE

        if effect.wake is not None and effect.wake.is_set:
            task.value = None
            return True
        if effect.deadline is not None and self._reactor.clock() >= effect.deadline:
            if stream.passed_deadline != effect.deadline:
                stream.passed_deadline, stream.late_bytes = effect.deadline, 0
            elif stream.late_bytes >= LATE_BYTES:
                raise TimedOut
        if stream.has_asked:
            # The answer to what was sent a moment ago cannot be here: trying would cost two system calls.
            stream.has_asked = False
            stream.wait(task, READ, effect.deadline, receive, effect.wake)
            return False
        return self._try(task, stream, effect.deadline, receive, effect.wake)

    def _send(self, task: Task[Any], effect: Send) -> bool:
        stream = effect.stream
        assert isinstance(stream, SocketStream)
        rest = memoryview(effect.data)

        # TLS may hold bytes that no selector sees: there, receiving is always tried first.
        stream.has_asked = not isinstance(stream.sock, ssl.SSLSocket)

        def send() -> int:
            nonlocal rest
            while rest:
                try:
                    rest = rest[stream.sock.send(rest) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    return WRITE
                except ssl.SSLWantReadError:
                    return READ
                except OSError as error:
                    why = last_word(stream.sock, error)
                    raise broken(stream.peer, why) from why
            task.value = None
            return DONE

        return self._try(task, stream, effect.deadline, send)

    def _try(
        self,
        task: Task[Any],
        stream: SocketStream,
        deadline: float | None,
        proceed: Proceed,
        wake: Signal | None = None,
    ) -> bool:
        wanted = proceed()
        if wanted:
            stream.wait(task, wanted, deadline, proceed, wake)
            return False
        return True

    def _is_quiet(self, task: Task[Any], effect: IsQuiet) -> bool:
        stream = effect.stream
        assert isinstance(stream, SocketStream)
        sock = stream.sock
        try:
            # A TLS socket cannot be peeked into; what is read from it here would have been stray bytes anyway.
            sock.recv(1) if isinstance(sock, ssl.SSLSocket) else sock.recv(1, socket.MSG_PEEK)
            task.value = False
        except (BlockingIOError, ssl.SSLWantReadError):
            task.value = True
        except OSError:
            task.value = False
        return True

    def _run_in_thread(self, task: Task[Any], effect: RunInThread) -> bool:
        Apart(self._reactor, task, effect.work, effect.deadline, None)
        return False

    # Files are read and written in pieces that the page cache takes at once; only a stream of the caller's own may
    # block for longer, and so gets a thread.

    def _open_file(self, task: Task[Any], effect: OpenFile) -> bool:
        task.value = ReadableFile(effect.file)
        return True

    def _read_file(self, task: Task[Any], effect: ReadFile) -> bool:
        file = effect.file
        assert isinstance(file, ReadableFile)
        if file.may_block:
            if effect.wake is None or not effect.wake.is_set:
                Apart(self._reactor, task, partial(file.read, effect.size), effect.deadline, effect.wake)
                return False
            task.value = None
            return True
        task.value = file.read(effect.size)
        return True

    def _create_file(self, task: Task[Any], effect: CreateFile) -> bool:
        task.value = self._downloads.create(effect.directory)
        return True

    def _write_file(self, task: Task[Any], effect: WriteFile) -> bool:
        assert isinstance(effect.file, WritableFile)
        effect.file.write(effect.data)
        task.value = None
        return True

    def _keep_file(self, task: Task[Any], effect: KeepFile) -> bool:
        assert isinstance(effect.file, WritableFile)
        task.value = effect.file.keep(effect.folder, effect.name)
        return True

    def _start_tls(self, task: Task[Any], effect: StartTLS) -> bool:
        plain = effect.stream
        assert isinstance(plain, SocketStream)
        if isinstance(plain.sock, ssl.SSLSocket):
            message = "an https:// proxy cannot carry TLS here: use an http:// proxy, which sees as little"
            raise ConnectError(message, retryable=False)
        plain.watch(0)
        try:
            # An end that TLS has not told may be anybody's on the way, and cut what ends with its connection
            # (RFC 9112, section 9.8). Python's default takes it for an end.
            sock = self._context().wrap_socket(
                plain.sock,
                server_hostname=effect.server_hostname,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        except (OSError, ValueError) as error:
            raise no_tls(plain.peer, error) from error
        # The stream stays the same one, so that whoever gives up during the handshake can close it.
        stream = plain
        stream.sock = sock

        def handshake() -> int:
            try:
                sock.do_handshake()
            except ssl.SSLWantReadError:
                return READ
            except ssl.SSLWantWriteError:
                return WRITE
            except OSError as error:
                raise no_tls(plain.peer, error) from error
            task.value = stream
            return DONE

        return self._try(task, stream, effect.deadline, handshake)

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            context = ssl.create_default_context()
            if not self._options.ssl_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._ssl_context = context
        return self._ssl_context

    def _connect(self, task: Task[Any], effect: Connect) -> bool:
        Connecting(self._reactor, task, effect).begin()
        return False


_Address = tuple[int, int, int, str, Any]


class Connecting(Parking):
    """One connection being made: the host's addresses are tried in order, a new one every quarter second, and the
    first that answers wins (a plain form of RFC 8305, "Happy Eyeballs")."""

    __slots__ = ("_addresses", "_attempts", "_effect", "_errors", "_reactor", "_task")

    def __init__(self, reactor: SelectorScheduler, task: Task[Any], effect: Connect) -> None:
        self._reactor, self._task, self._effect = reactor, task, effect
        self._addresses: list[_Address] = []
        self._attempts: list[socket.socket] = []
        self._errors: list[str] = []

    def begin(self) -> None:
        """Park the task, and look the host up: at once if that takes no network, else on a thread of its own,
        because the resolver knows no deadline."""
        host, port = self._effect.host, self._effect.port
        self._reactor.park(self._task, self._effect.deadline, on=self)
        try:
            self._looked_up(
                socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            )
            return
        except (OSError, UnicodeError):
            pass
        if host == "localhost":
            self._look_up()
        else:
            try:
                threading.Thread(
                    target=self._look_up_apart, name="gradio_proto-resolver", daemon=True
                ).start()
            except RuntimeError as error:
                self._fail(f"it could not be looked up: {error}")

    def _look_up(self) -> None:
        try:
            found = socket.getaddrinfo(self._effect.host, self._effect.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._fail(f"{self._effect.host} was not found: {error}")
        else:
            self._looked_up(found)

    def _look_up_apart(self) -> None:
        try:
            found: Sequence[_Address] = socket.getaddrinfo(
                self._effect.host, self._effect.port, type=socket.SOCK_STREAM
            )
            problem = ""
        except (OSError, UnicodeError) as error:
            found, problem = [], f"{self._effect.host} was not found: {error}"

        def tell() -> None:
            if self._task.parked_on is self:
                self._looked_up(found) if found else self._fail(problem)

        self._reactor.call_from_thread(tell)

    def _looked_up(self, found: Sequence[_Address]) -> None:
        self._addresses = list(reversed(found))
        self._try_next()

    def _try_next(self) -> None:
        """Start an attempt on the next address that can be tried at all."""
        if self._task.parked_on is not self:
            return  # another address has answered meanwhile
        while self._addresses:
            family, kind, protocol, _, address = self._addresses.pop()
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                self._errors.append(str(error))
                continue
            self._attempts.append(sock)  # from now on leave() closes it, whatever happens here
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(address)
            except BlockingIOError:
                pass
            except OSError as error:
                self._errors.append(str(error))
                self._attempts.remove(sock)
                sock.close()
                continue
            self._reactor.selector.register(sock, WRITE, partial(self._answered, sock))
            if self._addresses:
                self._reactor.call_at(self._reactor.clock() + NEXT_ADDRESS, self._try_next)
            return
        if not self._attempts:
            self._fail("; ".join(self._errors))

    def _answered(self, sock: socket.socket, _: int) -> None:
        if sock not in self._attempts:
            return  # given up a moment ago, by what happened on another socket or by close()
        self._reactor.selector.unregister(sock)
        self._attempts.remove(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            sock.close()
            self._errors.append(os.strerror(code))
            self._try_next()
        else:
            peer = f"{self._effect.host}:{self._effect.port}"
            self._reactor.resume(self._task, SocketStream(self._reactor, sock, peer))

    def _fail(self, why: str) -> None:
        message = f"no connection to {self._effect.host}:{self._effect.port}: {why or 'it has no address'}"
        self._reactor.resume(self._task, error=ConnectError(message))

    def leave(self, task: Task[Any]) -> None:
        self._addresses.clear()
        for sock in self._attempts:
            try:
                self._reactor.selector.unregister(sock)
            except KeyError:
                pass  # a forked child, whose selector does not know it
            sock.close()
        self._attempts.clear()


_TRANSPORTS: weakref.WeakSet[NonblockingTransport[Any]] = weakref.WeakSet()

_FORKING: list[NonblockingTransport[Any]] = []
"""Those that know of a fork, and are kept while it is under way: what it holds of theirs is in use without them."""


def _before_fork() -> None:
    for transport in tuple(_TRANSPORTS):
        transport.before_fork()
        _FORKING.append(transport)


def _after_fork_in_parent() -> None:
    while _FORKING:
        _FORKING.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    _FORKING.clear()
    for transport in tuple(_TRANSPORTS):
        transport.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
