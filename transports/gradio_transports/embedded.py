"""The blocking client inside somebody else's loop: Qt, Twisted, a game's, one's own.

``Client.submit()`` returns at once; its job goes on while the loop turns the transport, and callbacks are called by
those turns, on the loop's thread. A subclass connects it with its loop::

    class MyTransport(EmbeddedTransport):
        def __init__(self, options):
            super().__init__(options)
            my_loop.watch(self.fileno(), self.take_turn)  # when there is something to read

        def take_turn(self):
            timeout = self.turn()
            if timeout is not None:
                my_loop.call_later(timeout, self.take_turn)  # replacing the one before

    client = Client(url, transport=MyTransport)

What waits (the constructor, ``predict()``, ``result()``) still waits, and keeps the loop waiting: a program in a loop
uses ``submit()`` and ``add_done_callback()``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gradio_proto.effects import Flow
from gradio_proto.errors import ClientClosed, LocalProtocolError
from gradio_proto.exchange import lower
from gradio_proto.transport import TransportOptions

from .loop_reactor import LoopReactor
from .nonblocking import NonblockingTransport

T = TypeVar("T")


class EmbeddedTransport(NonblockingTransport[LoopReactor]):
    """Runs a client's flows over sockets, when it is turned. It belongs to the thread that made it.

    Args:
        options: What the client tells every transport.
    """

    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options, LoopReactor)
        self._thread = threading.get_ident()

    # What the loop asks for.

    def fileno(self) -> int:
        """The descriptor that is readable when a turn is due."""
        return self._reactor.fileno()

    def turn(self) -> float | None:
        """Let everything happen that can, without waiting.

        Returns:
            The seconds until the next turn is due, 0.0 if it is at once; None if only what there is to read can make
            it due.

        Raises:
            LocalProtocolError: This is another thread than the client's.
        """
        self._check_thread()
        return self._reactor.turn()

    # What the client asks for.

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise LocalProtocolError(
                "an embedded client belongs to one thread: have its loop make the call, by its own means "
                "(call_soon_threadsafe, callFromThread, a queued signal)"
            )

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow, which may be promised to go on (see :meth:`Scheduler.spawn`); it goes on with the turns."""
        self._check_thread()
        super().spawn(flow, promised=promised)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end, waiting for it."""
        self._check_thread()
        task = self._reactor.spawn(lower(flow, self.pool))
        try:
            self.wait_until(task.is_done, task.watchers)
        except BaseException:
            self._reactor.end(task)
            raise
        return task.outcome()

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait until ``done()``, turning the reactor for all. See :meth:`BlockingTransport.wait_until`.

        Raises:
            ClientClosed: The client was closed.
        """
        self._check_thread()
        reactor = self._reactor
        until = None if timeout is None else time.monotonic() + timeout
        while not done():
            if reactor.closed:
                raise ClientClosed("the client was closed")
            pause = reactor.turn()
            if done():
                break
            now = time.monotonic()
            if until is not None and now >= until:
                return False
            if pause != 0.0 and not reactor.closed:
                reactor.poll(reactor.timeout(now, until))
        return True

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when this turn is over, or the next."""
        self._reactor.defer(callback)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections to the parent; the thread that forked is the only one."""
        self._thread = threading.get_ident()
        super().after_fork()

    def close(self) -> None:
        """Close every connection and end every flow."""
        if not self._reactor.closed:
            self._reactor.close()
            self.pool.close()
            self._reactor.dispose()
