"""The blocking transport: plain sockets and TLS, turned by a reactor, for as many threads as like to wait."""

from __future__ import annotations

import os
import weakref
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
    """Runs a client's flows over sockets, for threads."""

    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options, Reactor)
        self._callbacks = CallbackThread()
        self.lock = self._reactor.lock
        """The reactor's lock."""
        _TRANSPORTS.add(self)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end on the caller's thread."""
        return self._reactor.run(lower(flow, self.pool))

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait on the caller's thread until ``done()``."""
        return self._reactor.wait_until(done, hooks, timeout)

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on a thread that is there for callbacks; the lock is held."""
        self._callbacks.call(callback)

    def when_free(self, action: Callable[[], None]) -> None:
        """Do something that takes the lock, now or as soon as this thread can."""
        self._reactor.when_free(action)

    def close(self) -> None:
        """Close every connection and end every flow."""
        self._reactor.close()
        with self._reactor.lock:
            self.pool.close()
        self._callbacks.close()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections and threads to the parent."""
        self._callbacks = CallbackThread()
        try:
            super().after_fork()
        finally:
            self.lock = self._reactor.lock


_TRANSPORTS: weakref.WeakSet[SocketTransport] = weakref.WeakSet()


# A fork waits until no flow takes a step: a child cannot end a flow that was in the middle of one, since the
# thread that ran it is the parent's.
_held_for_fork: list[SocketTransport] = []


def _before_fork() -> None:
    for transport in tuple(_TRANSPORTS):
        if transport.lock.acquire(timeout=LONGEST_STEP):
            _held_for_fork.append(transport)


def _after_fork_in_parent() -> None:
    while _held_for_fork:
        _held_for_fork.pop().lock.release()


if hasattr(os, "register_at_fork"):
    # In a child, each gets a new lock.
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_held_for_fork.clear
    )
