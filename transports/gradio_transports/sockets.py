"""The blocking transport: plain sockets and TLS, turned by a reactor, for as many threads as like to wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from gradio_proto.effects import Flow
from gradio_proto.exchange import lower
from gradio_proto.transport import TransportOptions

from .callbacks import CallbackThread
from .nonblocking import NonblockingTransport
from .reactor import Reactor

T = TypeVar("T")

LONGEST_STEP: Final = 1.0
"""Seconds that a fork waits for the flows' lock; it is held for milliseconds."""


class SocketTransport(NonblockingTransport[Reactor]):
    """Runs a client's flows over sockets, for threads.

    Args:
        options: What the client tells every transport.
    """

    _is_held = False
    """Its lock is held by a fork."""

    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options, Reactor)
        self._callbacks = CallbackThread()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end on the caller's thread."""
        return self._reactor.run(lower(flow, self.pool))

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait on the caller's thread until ``done()``; see :meth:`BlockingTransport.wait_until`."""
        return self._reactor.wait_until(done, hooks, timeout)

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on a thread that is there for callbacks; the lock is held."""
        self._callbacks.call(callback)

    def close(self) -> None:
        """Close every connection and end every flow."""
        self._reactor.close()
        with self._reactor.lock:
            self.pool.close()
        self._callbacks.close()

    # A fork waits until no flow takes a step: a child cannot end a flow that was in the middle of one, since the thread
    # that ran it is the parent's.

    def before_fork(self) -> None:
        """Take the lock."""
        if self._reactor.hold(LONGEST_STEP):
            self._is_held = True

    def after_fork_in_parent(self) -> None:
        """Give the lock back."""
        if self._is_held:
            self._is_held = False
            self._reactor.let_go()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections and threads to the parent."""
        self.after_fork_in_parent()  # the lock of one that is closed stays in use
        self._callbacks = CallbackThread()
        super().after_fork()
