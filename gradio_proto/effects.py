"""What a flow asks of whoever runs it.

A *flow* is a generator that decides what to do and never does it: it yields an effect, and the runner (a
reactor over sockets, a trio task, a script in a test) carries it out and sends the answer back in. There are
two rungs to stand on:

* *byte effects* (:class:`Connect`, :class:`StartTLS`, :class:`Send`, :class:`Receive`, :class:`IsQuiet`), for a
  runner that moves bytes;
* *exchange effects* (:class:`Open`, :class:`SendBody`, :class:`ReadHead`, :class:`ReadBody`), for a runner that has
  an HTTP client of its own. :func:`gradio_proto.exchange.lower` turns them into byte effects.

:class:`Wait`, :class:`Sleep`, :class:`Now`, :class:`RunInThread` and the effects on files (:class:`OpenFile`,
:class:`ReadFile`, :class:`CreateFile`, :class:`WriteFile`, :class:`KeepFile`) are common to both.

The rules between a flow and its runner:

* The answer to an effect is a tuple ``(value, now)``: ``now`` is the runner's monotonic clock in seconds,
  and every ``deadline`` is a time on that clock, or None.
* Past its deadline, an effect raises :class:`TimedOut` in the flow; :class:`Wait` and :class:`Sleep` answer, and
  :class:`Open`, which has several things to wait for, raises DeadlineExceeded and says which.
* A failure of the network is raised as ConnectError (:class:`Connect`, :class:`StartTLS`) or ConnectionLost; one of
  the file system as FileError.
* Whatever else the runner raises (Cancelled, KeyboardInterrupt) passes through the flow unchanged: flows clean
  up in ``finally`` without yielding, which is why closing a connection is a plain call and no effect.
* After a :class:`ReadHead` that has answered a 101, which a request must ask for, the connection speaks another
  protocol: :class:`SendBody` and :class:`ReadBody` carry its bytes as they are. Not every runner can do that (a
  browser's fetch).
* Receiving may be abandoned at any time without losing a byte, and the exchange read on. A :class:`Send` that did
  not finish leaves the connection unusable; one that did is answered before the flow is abandoned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from .exchange import Exchange
    from .files import FileInput
    from .http import Request

T = TypeVar("T")


class TimedOut(Exception):
    """An effect's deadline passed. Flows turn it into DeadlineExceeded, since they know which kind it was."""


class ByteStream(Protocol):
    """A connection, as the runner that made it hands it to flows."""

    def close(self) -> None:
        """Close at once, without waiting and without raising; a second time does nothing."""
        ...


class Signal:
    """A wake-up between flows: setting it wakes whoever waits for it, or the next who does.

    The runner of a waiting flow installs ``notify``; nobody else touches it.
    """

    __slots__ = ("is_set", "notify")

    def __init__(self) -> None:
        self.is_set = False
        self.notify: Callable[[], None] | None = None

    def set(self) -> None:
        """Wake the waiter. Setting twice before it has looked wakes it once."""
        if not self.is_set:
            self.is_set = True
            if self.notify is not None:
                self.notify()

    def clear(self) -> None:
        """Forget the wake-up; whoever waits does so before looking at what has changed."""
        self.is_set = False


@dataclass(slots=True, eq=False)
class Connect:
    """Make a TCP connection. Answer: a :class:`ByteStream`."""

    host: str
    """The name or address."""
    port: int
    """The port."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class StartTLS:
    """Start TLS on a connection, as the runner's own context says. Answer: the :class:`ByteStream` to use now."""

    stream: ByteStream
    """The connection, on which nothing was read yet."""
    server_hostname: str
    """Whom the certificate has to name."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class Send:
    """Send all of ``data``. Answer: None."""

    stream: ByteStream
    """The connection."""
    data: bytes = field(repr=False)
    """What is sent."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class Receive:
    """Wait for bytes. Answer: some bytes, ``b""`` for end of file, or None when ``wake`` was set first."""

    stream: ByteStream
    """The connection."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""
    wake: Signal | None = None
    """What else ends the wait."""


@dataclass(slots=True, eq=False)
class IsQuiet:
    """Ask, without waiting, whether an idle connection is still open with nothing to read. Answer: a bool."""

    stream: ByteStream
    """The connection."""


@dataclass(slots=True, eq=False)
class Wait:
    """Wait for a signal. Answer: True when it is set, False at the deadline."""

    signal: Signal
    """What is waited for."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class Sleep:
    """Wait until ``deadline``; one that has passed lets other flows have their turn. Answer: not to be used."""

    deadline: float
    """Until when, on the runner's clock."""


@dataclass(slots=True, eq=False)
class Now:
    """Ask for the time. Answer: None (the time is in every answer)."""


@dataclass(slots=True, eq=False)
class Open:
    """Send a request. Answer: the :class:`~gradio_proto.exchange.Exchange` on which its response will come."""

    request: Request
    """What is sent."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class SendBody:
    """Send the next piece of the body of a request that is streamed; ``b""`` ends it. Answer: None.

    When it raises ConnectionLost, the server may have answered early: the head can still be read.
    """

    exchange: Exchange
    """Whose request."""
    data: bytes = field(repr=False)
    """The piece."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""


@dataclass(slots=True, eq=False)
class ReadHead:
    """Wait for the head of the response. Answer: a :class:`~gradio_proto.http.ResponseHead`, or None when ``wake``
    was set first."""

    exchange: Exchange
    """Whose response."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""
    wake: Signal | None = None
    """What else ends the wait."""


@dataclass(slots=True, eq=False)
class ReadBody:
    """Wait for a piece of the body. Answer: bytes, ``b""`` at its end, or None when ``wake`` was set first."""

    exchange: Exchange
    """Whose response."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""
    wake: Signal | None = None
    """What else ends the wait."""


class LocalFile(Protocol):
    """A file on this machine, as the runner that opened it hands it to flows."""

    def close(self) -> None:
        """Close it at once, without raising; what was created and not kept is removed. Twice does nothing."""
        ...


@dataclass(slots=True, eq=False)
class OpenFile:
    """Open a file that the caller gave, for reading. Answer: a :class:`LocalFile`."""

    file: FileInput
    """Which one."""


@dataclass(slots=True, eq=False)
class ReadFile:
    """Read on. Answer: at most ``size`` bytes, and at least one; ``b""`` at the end of the file; None when ``wake`` was
    set first. A file on disk is read at once; a stream of the caller's may have to be waited for."""

    file: LocalFile
    """Which one."""
    size: int
    """The most bytes."""
    deadline: float | None
    """When to give up, on the runner's clock; None for never."""
    wake: Signal | None = None
    """What else ends the wait."""


@dataclass(slots=True, eq=False)
class CreateFile:
    """Create a file of no name yet in ``directory`` (None: where the runner keeps downloads). Answer: a
    :class:`LocalFile`."""

    directory: str | None
    """Where; it is made if it is not there."""


@dataclass(slots=True, eq=False)
class WriteFile:
    """Write all of ``data`` to a file that was created. Answer: None."""

    file: LocalFile
    """Which one."""
    data: bytes = field(repr=False)
    """What is written."""


@dataclass(slots=True, eq=False)
class KeepFile:
    """Give a file that was created its place, at once and whole: ``<its directory>/<folder>/<name>``. Answer: that
    path, absolute.

    ``folder`` and ``name`` are each one component of a path, made safe by the flow.
    """

    file: LocalFile
    """Which one."""
    folder: str
    """The directory below its own."""
    name: str
    """What it is called there."""


@dataclass(slots=True, eq=False)
class RunInThread:
    """Call what may block (a library that asks the Hub), on a thread of its own. Answer: what it returns; what it
    raises, a GradioError, is raised in the flow.

    Past the deadline, and when the flow is abandoned, nobody waits for it any longer; it goes on to its own end.
    """

    work: Callable[[], Any] = field(repr=False)
    """What is called."""
    deadline: float | None
    """When nobody waits any longer, on the runner's clock; None for never."""


FileEffect: TypeAlias = OpenFile | ReadFile | CreateFile | WriteFile | KeepFile
"""Effects on the files of this machine."""
CommonEffect: TypeAlias = Wait | Sleep | Now | RunInThread | FileEffect
"""Effects on both rungs."""
ByteEffect: TypeAlias = Connect | StartTLS | Send | Receive | IsQuiet | CommonEffect
"""Effects on the rung of bytes."""
ExchangeEffect: TypeAlias = Open | SendBody | ReadHead | ReadBody | CommonEffect
"""Effects on the rung of exchanges."""
Effect: TypeAlias = ByteEffect | ExchangeEffect
"""Every effect."""

Answer: TypeAlias = tuple[Any, float]
"""What a runner answers: a value, and the time on its clock."""

Flow: TypeAlias = Generator[ExchangeEffect, Answer, T]
"""A flow on the rung of exchanges: what the protocol's own flows are."""

ByteFlow: TypeAlias = Generator[ByteEffect, Answer, T]
"""A flow on the rung of bytes."""
