"""A scheduler of flows over non-blocking sockets: what all our own transports have in common."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from gradio_proto.errors import ConnectError
from gradio_proto.scheduler import Perform, Scheduler

LONGEST_SELECT: Final = 24 * 3600.0
"""Seconds of one wait for the sockets; epoll refuses more than 24.8 days, and waking once a day costs nothing."""


class SelectorScheduler(Scheduler):
    """A scheduler whose tasks wait for sockets at a selector, out of which a socket pair wakes it.

    What is registered has a callable as its data, which gets the mask of what its socket is ready for.

    Raises:
        ConnectError: The process has no descriptors left for it.
    """

    def __init__(
        self, perform: Mapping[type[Any], Perform], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(perform, clock)

    def forget(self) -> None:
        """Begin anew, with no tasks and no sockets."""
        super().forget()
        self.closed = False
        self.selector, self._wake_in, self._wake_out = _what_it_takes()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.selector.register(self._wake_in, selectors.EVENT_READ, self._drain)

    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Held while flows take their steps, and by whoever else touches what they share."""
        raise NotImplementedError

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called where flows take their steps; for threads that do not run any."""
        raise NotImplementedError

    def when_free(self, action: Callable[[], None]) -> None:
        """Do something that takes the lock: at once, or, in a handler that has interrupted this thread's turning,
        as soon as it can be done."""
        raise NotImplementedError

    def ring(self) -> None:
        """End the wait for the sockets, or the next one. Any thread may, and a signal's handler."""
        try:
            self._wake_out.send(b"\0")
        except OSError:
            pass  # it is full of wake-ups, or closed: then nobody sleeps

    def _drain(self, mask: int) -> None:
        try:
            while len(self._wake_in.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def take(self, events: list[tuple[Any, int]], asked: float) -> None:
        """Let happen what the sockets are ready for, then let deadlines pass.

        Deadlines are about silence, and what came while this process stood still was in time: so only those pass that
        had come before the sockets were asked, and these are asked again if others have come since. What another thread
        is about to bring (httpcore's, of files, of names) cannot be asked for.

        Args:
            events: What the selector has said.
            asked: When it began to look, on the scheduler's clock.
        """
        now = self.clock()
        due = self.next_deadline()
        if due is not None and asked < due <= now:
            events, asked = self.selector.select(0), now
        for key, mask in events:
            key.data(mask)
        self.expire(asked)

    def timeout(self, now: float, until: float | None = None) -> float | None:
        """How many seconds may be waited from ``now`` on, and never past ``until``; None for as long as it takes."""
        first = self.next_deadline()
        if until is not None and (first is None or until < first):
            first = until
        return None if first is None else min(max(0.0, first - now), LONGEST_SELECT)

    def dispose(self) -> None:
        """Close the selector, and what wakes it; every task has ended."""
        self.selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def after_fork(self, settle: Callable[[], None]) -> None:
        """In a forked child: begin anew, call ``settle()``, and end every flow. The parent's sockets and its selector
        stay the parent's."""
        tasks = tuple(self.tasks)
        self.dispose()
        self.forget()
        settle()
        for task in tasks:
            self.end(task)
        self.ready.clear()


def _what_it_takes() -> tuple[Any, socket.socket, socket.socket]:
    selector: Any = None  # of which a foreign loop wants the descriptor, that not every one has
    try:
        selector = selectors.DefaultSelector()
        return (selector, *socket.socketpair())
    except OSError as error:
        if selector is not None:
            selector.close()
        raise ConnectError(f"this process cannot connect to anything: {error}") from error
