"""The transport of asyncio programs, by asyncio alone."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from gradio_proto.errors import LocalProtocolError
from gradio_proto.transport import TransportOptions

from .awaiting import AwaitingTransport, Bell


class AsyncioTransport(AwaitingTransport):
    """Runs a client's flows over sockets, for the tasks of the event loop that runs when it is made.

    Args:
        options: What the client tells every transport.

    Raises:
        LocalProtocolError: None runs.
    """

    def __init__(self, options: TransportOptions) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise LocalProtocolError("asyncio does not run here: leave transport= away") from error
        super().__init__(options, self._loop.time)
        self._turn_is_due: asyncio.Future[None] | None = None
        self._is_watched = False
        self._timer: asyncio.TimerHandle | None = None
        # The loop knows of this transport for as long as it is watched and timed, which is no reason to keep a client
        # that nobody holds.
        self._if_readable = _weakly(self._readable)
        self._if_timed_out = _weakly(self._timed_out)

    def _is_here(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:  # none runs on this thread
            return False

    def _new_bell(self) -> Bell:
        return _FutureBell(self._loop)

    async def _enter(self) -> None:
        pass  # a cancelled task is told so where it waits

    async def _leave(self) -> None:
        pass

    async def _give_way(self) -> None:
        await asyncio.sleep(0)

    async def _wait(self, seconds: float | None) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._loop.add_reader(self._reactor.fileno(), self._if_readable)
        if seconds is not None:
            self._set_timer(self._loop.time() + seconds)
        self._turn_is_due = self._loop.create_future()
        try:
            await self._turn_is_due
        finally:
            self._turn_is_due = None

    def _set_timer(self, when: float) -> None:
        # Deadlines mostly move later, and a timer that goes off early costs less than a new one for each wait.
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._if_timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        self._interrupt()

    def _readable(self) -> None:
        if self._turner is None:
            self._unwatch()  # nobody waits, and the loop would call again and again
        self._interrupt()

    def _interrupt(self) -> None:
        if self._turn_is_due is not None and not self._turn_is_due.done():
            self._turn_is_due.set_result(None)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._reactor.fileno())

    def _dispose(self) -> None:
        self._unwatch()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super()._dispose()


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Calls a method if what it belongs to is still there."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        found = reference()
        if found is not None:
            found()

    return call


class _FutureBell(Bell):
    __slots__ = ("_future", "_is_rung", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_rung = False
        self._future: asyncio.Future[None] | None = None

    def ring(self) -> None:
        self._is_rung = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def sleep(self, seconds: float | None) -> None:
        if not self._is_rung:
            self._future = self._loop.create_future()
            timer = None if seconds is None else self._loop.call_later(seconds, self.ring)
            try:
                await self._future
            finally:
                self._future = None
                if timer is not None:
                    timer.cancel()
        self._is_rung = False
