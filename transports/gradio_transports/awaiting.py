"""The transport of a loop with ``await``: trio, asyncio. *Whoever waits, turns.*

Theory of operation. Many of the loop's tasks may wait for a client at once. One of them turns its reactor, for all;
the others sleep until what they wait for has happened. When the one that turns has what it waits for, or is
cancelled, the next one takes over. So there is no background task, no nursery and no thread, nothing happens while
nobody waits, and to cancel a task ends what that task wanted and nothing else.

A turn never waits and is never cancelled in the middle. All waiting is in one ``await``, for the reactor's descriptor
and the next deadline, and that holds nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from gradio_proto.effects import Flow
from gradio_proto.errors import ClientClosed, LocalProtocolError
from gradio_proto.exchange import lower
from gradio_proto.transport import TransportOptions

from .loop_reactor import LoopReactor
from .nonblocking import NonblockingTransport

T = TypeVar("T")


class Bell(ABC):
    """What one task of the loop sleeps on."""

    @abstractmethod
    def ring(self) -> None:
        """Wake the task, or let its next sleep end at once."""

    @abstractmethod
    async def sleep(self, seconds: float | None) -> None:
        """Sleep until it is rung, or so many seconds."""


class AwaitingTransport(NonblockingTransport[LoopReactor], ABC):
    """Runs a client's flows over sockets, for the tasks of one loop.

    Args:
        options: What the client tells every transport.
        clock: The loop's own, in seconds.
    """

    def __init__(self, options: TransportOptions, clock: Callable[[], float]) -> None:
        super().__init__(options, lambda perform: LoopReactor(perform, clock))
        self._reactor.notify = self._interrupt
        self._turner: Bell | None = None
        self._sleepers: dict[Bell, None] = {}

    # What a loop has to say.

    @abstractmethod
    def _is_here(self) -> bool:
        """Whether the code that runs is a task of this transport's loop."""

    @abstractmethod
    def _new_bell(self) -> Bell:
        """Something to sleep on."""

    @abstractmethod
    async def _wait(self, seconds: float | None) -> None:
        """Wait for the reactor's descriptor, :meth:`_interrupt`, or so many seconds."""

    @abstractmethod
    def _interrupt(self) -> None:
        """End the wait."""

    @abstractmethod
    async def _enter(self) -> None:
        """What an operation of this loop begins with: it raises if it is cancelled already."""

    @abstractmethod
    async def _leave(self) -> None:
        """What one ends with that never had to wait."""

    @abstractmethod
    async def _give_way(self) -> None:
        """Let the loop's other tasks have their turn."""

    # What the client asks for.

    def _check_loop(self) -> None:
        if not self._is_here():
            raise LocalProtocolError(
                "an AsyncClient belongs to the loop that it was opened in: make one for each loop"
            )

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow, which may be promised to go on (see :meth:`Scheduler.spawn`)."""
        self._check_loop()
        super().spawn(flow, promised=promised)

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; it ends with the task that waits for it."""
        self._check_loop()
        task = self._reactor.spawn(lower(flow, self.pool))
        try:
            await self.wait_until(task.is_done, task.watchers)
        except BaseException:
            self._reactor.end(task)
            raise
        return task.outcome()

    async def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait until ``done()``, turning the reactor for all if nobody else does; False at the timeout. See
        :meth:`BlockingTransport.wait_until`.

        Raises:
            ClientClosed: The client was closed.
        """
        self._check_loop()
        await self._enter()
        until = None if timeout is None else self._reactor.clock() + timeout
        bell = self._new_bell()
        hooks.append(bell.ring)
        has_waited = False
        is_done = True
        try:
            while not done():
                if self._reactor.closed:
                    raise ClientClosed("the client was closed")
                if self._turner is None:
                    has_waited |= await self._turn_until(done, until, bell)
                else:
                    has_waited = True
                    self._sleepers[bell] = None
                    try:
                        await bell.sleep(None if until is None else until - self._reactor.clock())
                    finally:
                        del self._sleepers[bell]
                # Asked last, so that a timeout of 0 takes what has come, and whoever polls moves things along.
                if until is not None and self._reactor.clock() >= until:
                    is_done = done()
                    break
        finally:
            hooks.remove(bell.ring)
            if self._turner is None:
                self._hand_on()  # it may have been handed to this task, which leaves
        if not has_waited:
            await (self._leave() if is_done else self._give_way())
        return is_done

    async def _turn_until(self, done: Callable[[], bool], until: float | None, turner: Bell) -> bool:
        """Turn until ``done()``, or ``until``; whether that took a wait."""
        reactor = self._reactor
        has_waited = False
        self._turner = turner
        try:
            while True:
                timeout = reactor.turn()
                if done() or reactor.closed:
                    return has_waited
                if until is not None:
                    left = until - reactor.clock()
                    if left <= 0:
                        return has_waited
                    timeout = left if timeout is None else min(left, timeout)
                has_waited = True
                await (self._give_way() if timeout == 0.0 else self._wait(timeout))
        finally:
            self._turner = None
            if reactor.closed:
                self._dispose()

    def _hand_on(self) -> None:
        if self._sleepers:
            next(iter(self._sleepers)).ring()

    async def turn(self) -> None:
        """Let the loop's other tasks go on, and then everything happen here that can without waiting."""
        if self._reactor.closed and not self._is_here():
            return  # closed from elsewhere, when its own loop was over
        self._check_loop()
        await self._give_way()
        if self._turner is None and not self._reactor.closed:
            self._reactor.turn()

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when this turn is over, or the next."""
        self._reactor.defer(callback)

    def when_free(self, action: Callable[[], None]) -> None:
        """Do the action now, or when this turn is over.

        Raises:
            LocalProtocolError: This is another loop, or another thread, and somebody waits in this client's own.
        """
        if self._turner is not None:
            self._check_loop()
        super().when_free(action)

    def close(self) -> None:
        """Close every connection and end every flow. Whoever waits is woken."""
        if self._reactor.closed:
            return
        self._reactor.close()
        self.pool.close()
        for bell in tuple(self._sleepers):
            bell.ring()
        if self._turner is None:
            self._dispose()
        else:
            self._interrupt()

    def _dispose(self) -> None:
        """Let go of the selector; nobody waits for it."""
        self._reactor.dispose()
