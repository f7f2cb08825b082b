"""A thread for users' callbacks, which may take as long as they like."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

LINGER: Final = 10.0
"""Seconds after which the thread ends that has nothing to call; the next callback starts another."""


LONGEST_JOIN: Final = 0.5
"""Seconds that closing waits for callbacks; one that takes longer goes on by itself."""


class CallbackThread:
    """Calls what it is given, one after the other, on a daemon thread that is there while it is needed.

    A thread of its own: a callback that sleeps, or waits for another job, must not hold up the flows.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def close(self) -> None:
        """End the thread once it has called what it was given before, and wait for that a little: who closes a
        client at the end of a program wants its last callbacks to be called."""
        with self._condition:
            self._closed = True
            self._condition.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(LONGEST_JOIN)

    def call(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` soon. It must not raise."""
        with self._condition:
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="gradio_proto callbacks", daemon=True)
                thread.start()
                self._thread = thread
            self._pending.append(callback)
            self._condition.notify()

    def _serve(self) -> None:
        try:
            while (callback := self._next()) is not None:
                callback()
        except BaseException:
            with self._condition:
                self._thread = None  # whatever a callback raised after all, the next one has a thread again
            raise

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            if not self._pending and not self._closed:
                self._condition.wait(LINGER)
            if self._pending:
                return self._pending.popleft()
            self._thread = None
            return None
