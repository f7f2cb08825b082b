"""Holding Ctrl-C back while the main thread waits for a client.

Python raises KeyboardInterrupt between any two bytecodes of the main thread. While that thread turns the
reactor, these are mostly bytecodes of somebody else's flow, or of the parser of a stream that all jobs share;
while it sleeps, those that take the lock back. So for the time of a wait the signal only leaves a note and wakes
the waiter, who raises it where nothing is half done. A program that has a SIGINT handler of its own keeps it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


class HeldInterrupt:
    """Between :meth:`hold` and :meth:`release`, Ctrl-C wakes the waiter instead of raising."""

    def __init__(self) -> None:
        self._came = False
        self._wake: Callable[[], None] | None = None

    def hold(self, wake: Callable[[], None]) -> bool:
        """Hold Ctrl-C back, if this is the thread that gets it and its handler is Python's own; whether it is held.

        ``wake`` is called by the signal's handler, between any two bytecodes of this thread.
        """
        if threading.get_ident() != threading.main_thread().ident:
            return False
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return False
        self._wake = wake
        signal.signal(signal.SIGINT, self._note)
        return True

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self._came = True
        if self._wake is not None:
            self._wake()

    def check(self) -> None:
        """Raise the KeyboardInterrupt that came. For the thread that holds it."""
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    def release(self) -> None:
        """Let Ctrl-C raise again; one that came meanwhile raises here."""
        self._wake = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.check()

    def forget(self) -> None:
        """In a forked child: let Ctrl-C raise again. One that came before was the parent's."""
        if self._wake is not None:
            self._came = False
            self.release()
