"""The reactor of a foreign loop: flows over sockets, on one thread that somebody else's loop turns.

Theory of operation. The loop waits for one file descriptor, the selector's own (an epoll or kqueue descriptor is
readable while any socket in it is ready), and for one time. When either comes it calls :meth:`LoopReactor.turn`,
which never waits: it lets everything happen that can, and says when it wants to be called again. So any loop
carries it that can watch a descriptor and has a timer, and nothing goes on behind the loop's back.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from gradio_proto.errors import ArgumentError
from gradio_proto.scheduler import STRETCH, Perform

from .selecting import SelectorScheduler


class LoopReactor(SelectorScheduler):
    """Lets flows take their steps when its loop says so.

    Args:
        perform: What carries out the effects, by their types.
        clock: The loop's own clock, in seconds, if it has one.

    Raises:
        ArgumentError: This platform (Windows) has no selector that a loop could wait for.
    """

    def __init__(
        self, perform: Mapping[type[Any], Perform], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.notify: Callable[[], None] = self.ring
        """Tells the loop, from its own thread, that a turn is due. By default the descriptor becomes readable."""
        super().__init__(perform, clock)
        if not hasattr(self.selector, "fileno"):
            self.dispose()
            raise ArgumentError(
                "this platform has no epoll and no kqueue, which a loop needs to wait for many sockets at once: "
                "use the blocking Client, on a thread"
            )

    def forget(self) -> None:
        """Begin anew, with no tasks."""
        super().forget()
        self.is_turning = False
        self._from_threads: deque[Callable[[], None]] = deque()
        self._deferred: deque[Callable[[], None]] = deque()
        self._is_notified = False
        self._turned_at = self.clock()

    def fileno(self) -> int:
        """The descriptor that is readable when a turn is due."""
        number: int = self.selector.fileno()
        return number

    def wake(self) -> None:
        """A task has become ready: a turn is due, unless this is one."""
        if not self.is_turning and not self._is_notified:
            self._is_notified = True
            self.notify()

    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Nothing to guard: there is one thread, and no step of a flow waits."""
        return contextlib.nullcontext()

    def when_free(self, action: Callable[[], None]) -> None:
        """Do the action now, or when this turn is over."""
        if self.is_turning:
            self.defer(action)
        else:
            action()

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` at the end of this turn or the next, when no flow is in the middle of a step."""
        self._deferred.append(callback)
        self.wake()

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called in the next turn. Any thread may ask for that."""
        self._from_threads.append(callback)
        self.ring()

    def _drain(self, mask: int) -> None:
        super()._drain(mask)
        while self._from_threads:
            self._from_threads.popleft()()

    def poll(self, timeout: float | None = 0) -> None:
        """Take what the sockets have, waiting no longer than ``timeout`` seconds for that, and let deadlines pass."""
        asked = self.clock()
        self.take(self.selector.select(timeout), asked)

    def turn(self) -> float | None:
        """Let everything happen that can, for a few milliseconds at the most.

        Returns:
            The seconds until the next turn is due, 0.0 if it is at once; None if only what there is to read can make
            it due.
        """
        self._is_notified = False
        self.is_turning = True
        try:
            self.poll()  # even while tasks are ready: some loops spawn another one before each turn
            begun = self.clock()
            if begun - self._turned_at > STRETCH:
                # A deadline that a flow counts from the time of its answer is to lie ahead.
                for task in self.ready:
                    if task.value is not None:
                        task.value = (task.value[0], begun)
            ends = time.monotonic() + STRETCH  # some loops' clocks stand still while they run a callback
            while self.ready:
                self.step_all()
                if time.monotonic() > ends:
                    self.poll()
                    break
        finally:
            self.is_turning = False
            self._turned_at = self.clock()
        while self._deferred:
            self._deferred.popleft()()
        return 0.0 if self.ready else self.timeout(self.clock())

    def close(self) -> None:
        """End every flow, and call what was deferred."""
        self.end_all()
        while self._deferred:
            self._deferred.popleft()()
