"""A thread for users' callbacks, which may take as long as they like."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

LINGER: Final = 10.0
"""Seconds after which the thread ends that has nothing to call; the next callback starts another."""


class CallbackThread:
    """Calls what it is given, one after the other, on a daemon thread that is there while it is needed.

    A thread of its own: a callback that sleeps, or waits for another job, must not hold up the flows.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: deque[Callable[[], None]] = deque()
        self._runs = False
        self._closed = False

    def close(self) -> None:
        """End the thread once it has called what it was given before."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def call(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` soon. It must not raise."""
        with self._condition:
            if not self._runs:
                threading.Thread(target=self._serve, name="gradio_proto callbacks", daemon=True).start()
                self._runs = True
            self._pending.append(callback)
            self._condition.notify()

    def _serve(self) -> None:
        try:
            while (callback := self._next()) is not None:
                callback()
        except BaseException:
            with self._condition:
                self._runs = False  # whatever a callback raised after all, the next one has a thread again
            raise

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            if not self._pending and not self._closed:
                self._condition.wait(LINGER)
            if self._pending:
                return self._pending.popleft()
            self._runs = False
            return None
