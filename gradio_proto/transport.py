"""What a client asks of a transport: to run flows, and to be the one place with threads, clocks and files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from .effects import Flow
from .exchange import Proxy
from .limits import Limits
from .socks import SOCKSProxy
from .timeouts import Timeouts
from .urls import Origin

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransportOptions:
    """What a client tells the transport that is made for it."""

    origin: Origin
    """Where the client's requests go."""
    limits: Limits
    """What a server may make the client hold."""
    timeouts: Timeouts
    """How long each kind of wait may take."""
    ssl_verify: bool = True
    """Whether certificates are checked, where ``ssl_context`` is None."""
    ssl_context: ssl.SSLContext | None = None
    """The caller's own TLS context."""
    proxy: Proxy | SOCKSProxy | None = None
    """The proxy that the caller named."""
    trust_env: bool = True
    """Whether the environment may name a proxy; never used for a loopback origin."""


class Transport(Protocol):
    """What both clients ask for. All flows of a transport take turns; no two run at the same instant.

    A transport is made by its client, from the ``transport=`` name, for that one client.
    """

    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Held while a flow takes a step. Whoever touches what flows share holds it; it is not reentrant."""
        ...

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow, with :attr:`lock` held. If ``promised``, it makes progress with nobody waiting, where the
        transport can do that: one for threads does."""
        ...

    def defer(self, callback: Callable[[], None]) -> None:
        """Call a user's callback soon, where no flow is in the middle of a step, and without the lock."""
        ...

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called with :attr:`lock` held, where flows take their steps; then let whoever waits look
        again. Any thread may ask for that."""
        ...

    def when_free(self, action: Callable[[], None]) -> None:
        """Do an action that takes the lock: at once, or, in a signal's handler or a finalizer that has
        interrupted whoever runs flows, as soon as it can be done.
        """
        ...

    def file_size(self, path: str) -> int:
        """The bytes of the file at a path, which the caller wants to send.

        Raises:
            ArgumentError: It is not there, or no regular file.
        """
        ...

    def wall_clock(self) -> datetime:
        """The date and time now."""
        ...

    def monotonic(self) -> float:
        """The clock of deadlines, in seconds."""
        ...

    def token(self) -> str:
        """A new unguessable name."""
        ...

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        ...

    def on_fork(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in a forked child, with :attr:`lock` held, before every flow is ended there."""
        ...

    def close(self) -> None:
        """Close every connection and end every flow, without waiting for anybody. A second time does nothing."""
        ...


class BlockingTransport(Transport, Protocol):
    """What :class:`gradio_proto.Client` asks for beyond: to wait, on the caller's thread."""

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end, together with whatever else is under way."""
        ...

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait until ``done()``; False when ``timeout`` seconds are over first.

        ``done`` is asked with :attr:`lock` held, whenever one of ``hooks``' callables has been called.

        Args:
            done: Whether it is over.
            hooks: A list to which a callable is added for as long as this waits; it is called when ``done`` may
                have changed.
            timeout: Seconds; None for as long as it takes.
        """
        ...


class AsyncTransport(Transport, Protocol):
    """What :class:`gradio_proto.AsyncClient` asks for beyond: to wait, in a task of the loop that it was made in.

    To cancel a task that waits ends the wait, and no flow but the one that it had run.
    """

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end, together with whatever else is under way."""
        ...

    async def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """As :meth:`BlockingTransport.wait_until`."""
        ...

    async def turn(self) -> None:
        """Let the loop's other tasks go on, and then everything happen here that can without waiting."""
        ...
