"""Holding Ctrl-C back while the main thread moves other threads' flows along.

Python raises KeyboardInterrupt between any two bytecodes of the main thread. While that thread turns the
reactor, these are mostly bytecodes of somebody else's flow, or of the parser of a stream that all jobs share.
So for that time the signal only leaves a note, and the reactor raises it where nothing is half done. A program
that has a SIGINT handler of its own keeps it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


class HeldInterrupt:
    """Between :meth:`hold` and :meth:`release`, Ctrl-C calls ``wake`` instead of raising."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.came = False
        self._wake = wake
        self._holds = False

    def hold(self) -> None:
        """Hold Ctrl-C back, if this is the thread that gets it and its handler is Python's own."""
        if self._holds or threading.get_ident() != threading.main_thread().ident:
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._holds = True
            signal.signal(signal.SIGINT, self._note)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        self._wake()

    def check(self) -> None:
        """Raise the KeyboardInterrupt that came meanwhile."""
        if self.came:
            self.came = False
            raise KeyboardInterrupt

    def release(self) -> None:
        """Let Ctrl-C raise again; one that came meanwhile raises here."""
        if self._holds:
            self._holds = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.check()

    def forget(self) -> None:
        """In a forked child: let Ctrl-C raise again. One that came before was the parent's."""
        self.came = False
        self.release()
