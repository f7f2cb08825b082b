"""The reactor: runs many flows over sockets, turned by one thread at a time.

Theory of operation. A flow that cannot go on is *parked* on what it waits for: a socket, a signal, a time.
*Turning* the reactor means: let the flows that are ready take their steps, then wait for the first thing that
makes another one ready. Any thread may turn it, and never two at once; the right to turn is the *baton*.

* A thread that waits for something (``predict()``, ``job.result()``) takes the baton if it is free and turns
  until what it waits for has happened, moving everybody's flows along as it does. If another thread holds the
  baton, it sleeps until its own thing has happened, or until the baton is handed to it.
* ``submit()`` promises progress with nobody waiting. For that there is one daemon thread, started when it is
  first needed, which turns whenever no caller does. It gives way to a caller at once, and takes the baton back
  only after :data:`GRACE` seconds of nobody wanting it: a caller who iterates over a job's outputs comes back
  within microseconds, and two thread switches for each output would cost more than the output.

One lock guards all of it, and whatever the flows share. It is held while flows take steps, which is never
long, and released while the turning thread waits in ``select``; a socket pair wakes it from there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, TypeVar

from gradio_proto.effects import Answer, ByteEffect
from gradio_proto.errors import ClientClosed, LocalProtocolError
from gradio_proto.scheduler import STRETCH, Perform, Task

from .interrupts import HeldInterrupt
from .selecting import LONGEST_SELECT, SelectorScheduler

T = TypeVar("T")

GRACE: Final = 0.005
"""Seconds for which the daemon leaves a free baton to the callers: far longer than a caller takes between two
outputs, far shorter than a person notices."""

GRACE_OF_SUBMIT: Final = 0.001
"""The same after the first ``submit()``: what it waits for is the same thread's ``result()``."""

BREATH: Final = 0.0002
"""Seconds for which a turning thread that has not had to wait for :data:`STRETCH` leaves the lock to others: a lock is
not fair, and whoever gives it back and takes it again at once gets it before a thread that sleeps until it is free."""

LINGER: Final = 10.0
"""Seconds after which a daemon thread without work ends; the next work starts another."""


INTERRUPTS: Final = "a signal's handler or a finalizer cannot wait for the client that it interrupts"


class _Waiter:
    """A thread that waits for something: it turns the reactor, or sleeps until it is woken, and no other with it.

    What it sleeps on is a lock of its own, so that a signal's handler, which must not take the reactor's, can wake it.
    """

    __slots__ = ("_bell", "_is_notified")

    def __init__(self) -> None:
        self._bell: threading.Lock | None = None
        self._is_notified = False

    def sleep(self, lock: Any, timeout: float | None) -> None:
        """Let go of ``lock`` until :meth:`notify` or the timeout; at once, if it was notified since the last sleep."""
        bell = threading.Lock()
        bell.acquire()
        self._bell = bell
        lock.release()
        try:
            # Asked with the bell in its place: a signal's handler may have come just before.
            if not self._is_notified:
                bell.acquire(timeout=-1 if timeout is None else min(timeout, LONGEST_SELECT))
        finally:
            lock.acquire()
            self._bell = None
            self._is_notified = False

    def notify(self) -> None:
        self._is_notified = True
        if self._bell is not None:
            try:
                self._bell.release()
            except RuntimeError:
                pass  # it has been woken already

    def forget(self) -> None:
        """There is nobody to notify: this is a forked child, and the thread its parent's."""
        self._bell = None


class Reactor(SelectorScheduler):
    """Turns flows of byte effects, for threads. Effects on connections are carried out by the functions in ``perform``.

    Whoever calls a method of the scheduler's holds :attr:`lock`.
    """

    def __init__(self, perform: Mapping[type[Any], Perform]) -> None:
        super().__init__(perform)
        self._interrupt = HeldInterrupt()

    # A signal's handler, or a finalizer that the garbage collector calls, may strike a thread while that holds the
    # lock, and would wait for ever. So it is an RLock, which knows who has it; to take it twice is refused. And
    # ``with`` itself takes it and gives it back: between that and any line of Python, Ctrl-C could strike, and it would
    # be held for ever.
    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Guards the reactor, and whatever the flows share.

        Raises:
            LocalProtocolError: This thread holds it already.
        """
        if self._is_mine:
            raise LocalProtocolError(INTERRUPTS)
        lock: contextlib.AbstractContextManager[object] = self._lock
        return lock

    @property
    def _is_mine(self) -> bool:
        mine: bool = self._lock._is_owned()  # what threading.Condition asks
        return mine

    def hold(self, timeout: float) -> bool:
        """Take the lock for longer than a block; whether that was possible within so many seconds."""
        held: bool = self._lock.acquire(timeout=timeout)
        return held

    def let_go(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def forget(self) -> None:
        """Begin anew, with no tasks and no threads."""
        super().forget()
        self._lock: Any = threading.RLock()
        self._asides: deque[Callable[[], None]] = deque()
        """What a handler that struck the turning thread wants to be done, as soon as the lock is free."""
        self._promised = 0
        self._turner: object | None = None
        self._turning_thread: int | None = None
        self._selecting = False
        self._waiters: deque[_Waiter] = deque()
        self._daemon: threading.Thread | None = None
        self._daemon_idles = False
        self._daemon_condition = threading.Condition(self._lock)
        self._daemon_may_turn_at = 0.0

    # Flows.

    def spawn(self, flow: Generator[Any, Answer, T], *, promised: bool = False) -> Task[T]:
        """Begin a flow; the lock is held. It takes its first step when the reactor is turned next."""
        if promised and not self.closed:
            try:
                self._need_daemon()
            except RuntimeError:  # no thread can be started
                flow.close()
                raise
        task = super().spawn(flow, promised=promised)
        if promised:
            if self._promised == 0:
                # Whoever submits often waits right away. Later ones must not put this off.
                self._daemon_may_turn_at = max(self._daemon_may_turn_at, time.monotonic() + GRACE_OF_SUBMIT)
            self._promised += 1
        return task

    def _finish(self, task: Task[Any]) -> None:
        if task.promised:
            self._promised -= 1
        super()._finish(task)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called with the lock held: at once, on this thread."""
        with self.lock:
            callback()
            self.wake()

    def run(self, flow: Generator[ByteEffect, Answer, T]) -> T:
        """Run a flow to its end on this thread."""
        with self.lock:
            task = self.spawn(flow, promised=False)
        try:
            self.wait_until(task.is_done, task.watchers)
        except BaseException:
            with self.lock:
                self.end(task)
            raise
        return task.outcome()

    # Turning.

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait until ``done()``, turning the reactor if nobody else does; False at the timeout.

        Raises:
            LocalProtocolError: This thread turns the reactor already, and was called away from that by a signal's
                handler or a finalizer.
        """
        if self._turning_thread == threading.get_ident():
            raise LocalProtocolError(INTERRUPTS)
        waiter = _Waiter()

        def wake() -> None:
            waiter.notify()
            self.ring()

        held = self._interrupt.hold(wake)
        try:
            with self.lock:
                return self._wait(done, hooks, timeout, waiter, interruptible=held)
        finally:
            if held:
                self._interrupt.release()

    def _wait(
        self,
        done: Callable[[], bool],
        hooks: list[Callable[[], None]],
        timeout: float | None,
        waiter: _Waiter,
        *,
        interruptible: bool,
    ) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        hooks.append(waiter.notify)
        try:
            while not done():
                if interruptible:
                    self._interrupt.check()
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if self.closed:
                    raise ClientClosed("the client was closed")
                if self._turner is None:
                    self._turn_until(done, deadline, waiter, interruptible=interruptible)
                else:
                    self._waiters.append(waiter)
                    try:
                        if self._turner is self._daemon:
                            self.wake()
                        waiter.sleep(self._lock, left)
                    finally:
                        self._waiters.remove(waiter)
            return True
        finally:
            hooks.remove(waiter.notify)
            if self._turner is None:
                self._hand_on()  # it may have been handed to this thread, which leaves

    def _turn_until(
        self, done: Callable[[], bool], deadline: float | None, turner: object, *, interruptible: bool = False
    ) -> None:
        self._turner, self._turning_thread = turner, threading.get_ident()
        breathed = time.monotonic()
        try:
            while True:
                self.step_all()
                if done() or self.closed:
                    break
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    break
                # Even while flows are ready: no flood of one connection may keep others from being read, deadlines
                # from passing, and other threads from the lock.
                self._select(0.0 if self.ready else self.timeout(now, deadline))
                selected = time.monotonic()
                if selected - now > BREATH:
                    breathed = selected
                elif selected - breathed > STRETCH:
                    self._call_unlocked(_breathe)
                    breathed = time.monotonic()
                self._do_asides()
                if interruptible:
                    self._interrupt.check()
        finally:
            self._turner = self._turning_thread = None
            self._daemon_may_turn_at = time.monotonic() + GRACE
            self._do_asides()  # what came in the last step
            if self.closed:
                self.dispose()
            else:
                self._hand_on()

    def _do_asides(self) -> None:
        while self._asides:
            self._call_unlocked(self._asides.popleft())

    def _call_unlocked(self, aside: Callable[[], None]) -> None:
        self._lock.release()
        try:
            aside()
        finally:
            self._lock.acquire()

    def when_free(self, action: Callable[[], None]) -> None:
        """Do something that takes the lock: at once, or, in a handler that has interrupted this thread's turning, or
        while this thread holds the lock, as soon as it can be done."""
        if self._turning_thread == threading.get_ident():
            self._asides.append(action)
            self.ring()
        elif self._is_mine:
            # Whoever waits for it is to be another thread.
            threading.Thread(target=action, name="gradio_proto aside", daemon=True).start()
        else:
            action()

    def _hand_on(self) -> None:
        if self._waiters:
            self._waiters[0].notify()
        elif self._daemon_idles and self._promised:
            self._daemon_condition.notify()

    def _select(self, timeout: float | None) -> None:
        self._selecting = True
        self._lock.release()
        try:
            asked = self.clock()
            events = self.selector.select(timeout)
            if not events and timeout != 0:
                # A process that was stopped, or that a signal struck when its time was over, is told of nothing though
                # there may be much to read.
                asked = self.clock()
                events = self.selector.select(0)
        finally:
            self._lock.acquire()
            self._selecting = False
        self.take(events, asked)

    def wake(self) -> None:
        """Make the turning thread look again, if it waits; the lock is held."""
        if self._selecting:
            self._selecting = False  # once is enough
            self.ring()

    # The daemon.

    def _need_daemon(self) -> None:
        if self._daemon is None:
            daemon = threading.Thread(target=self._serve, name="gradio_proto", daemon=True)
            daemon.start()
            self._daemon = daemon
        elif self._daemon_idles:
            self._daemon_condition.notify()

    def _serve(self) -> None:
        with self.lock:
            try:
                while not self.closed:
                    if self._asides:
                        self._do_asides()
                    elif self._turner is not None or self._waiters or not self._promised:
                        self._daemon_idles = True
                        notified = self._daemon_condition.wait(LINGER)
                        self._daemon_idles = False
                        if not notified and not self._promised:
                            return
                    elif (grace := self._daemon_may_turn_at - time.monotonic()) > 0:
                        self._daemon_condition.wait(grace)
                    else:
                        self._turn_until(self._daemon_must_stop, None, self._daemon)
            finally:
                self._daemon = None

    def _daemon_must_stop(self) -> bool:
        return bool(self._waiters or self.closed or not self._promised)

    # The end.

    def close(self) -> None:
        """End every flow. Whoever waits is woken; the daemon ends."""
        with self.lock:
            if self.closed:
                return
            self.end_all()
            for waiter in self._waiters:
                waiter.notify()
            self.wake()
            self._daemon_condition.notify_all()
            daemon = self._daemon
        if daemon is not None and daemon is not threading.current_thread():
            daemon.join(1.0)
        with self.lock:
            if self._turner is None:
                self.dispose()

    def after_fork(self, settle: Callable[[], None]) -> None:
        """In a forked child: begin anew, call ``settle()`` with the lock held, and end every flow. The parent's
        threads, and so whoever waited, are not here."""
        self._interrupt.forget()
        for waiter in self._waiters:
            waiter.forget()
        promised = self._promised

        def settle_locked() -> None:
            with self.lock:
                self._promised = promised
                settle()

        super().after_fork(settle_locked)


def _breathe() -> None:
    time.sleep(BREATH)
