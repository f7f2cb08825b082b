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
import heapq
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, TypeVar

from gradio_proto.effects import Answer, ByteEffect, Now, Signal, Sleep, TimedOut, Wait
from gradio_proto.errors import ClientClosed, LocalProtocolError

from .interrupts import HeldInterrupt

T = TypeVar("T")

GRACE: Final = 0.005
"""Seconds for which the daemon leaves a free baton to the callers: far longer than a caller takes between two
outputs, far shorter than a person notices."""

GRACE_OF_SUBMIT: Final = 0.001
"""The same after the first ``submit()``: what it waits for is the same thread's ``result()``."""

LONGEST_SELECT: Final = 24 * 3600.0
"""Seconds of one wait for the sockets; epoll refuses more than 24.8 days, and waking once a day costs nothing."""

STRETCH: Final = 0.005
BREATH: Final = 0.0002
"""Seconds after which a turning thread that never had to wait leaves the lock to others, and for how long: a lock is
not fair, and whoever gives it back and takes it again at once gets it before a thread that sleeps until it is free.
After as long a flow that never had to wait lets other flows have their turn."""

EFFECTS_AT_A_STRETCH: Final = 64
"""Effects that a flow may have carried out at once before others have their turn: more than any healthy exchange
asks for, and a peer that sends faster than we read gets no further."""

LINGER: Final = 10.0
"""Seconds after which a daemon thread without work ends; the next work starts another."""

Perform = Callable[["Task[Any]", Any], bool]
"""Carries out an effect at once (True: the answer is in ``task.value``) or parks the task (False)."""


class Task(Generic[T]):
    """A flow under way."""

    __slots__ = (
        "armed_for",
        "deadline",
        "done",
        "error",
        "flow",
        "parked_on",
        "promised",
        "result",
        "signal",
        "value",
        "watchers",
    )

    def __init__(self, flow: Generator[ByteEffect, Answer, T], *, promised: bool) -> None:
        self.flow = flow
        self.promised = promised
        self.value: Any = None
        """The answer to its last effect; None before its first step, as generators want it."""
        self.error: BaseException | None = None
        """What its last effect raised; after its end, what the flow raised."""
        self.result: T | None = None
        self.done = False
        self.watchers: list[Callable[[], None]] = []
        """Called when it is done."""
        self.signal: Signal | None = None
        self.parked_on: Parking | None = None
        self.deadline: float | None = None
        self.armed_for: float | None = None
        """When its timer goes off, if it has one."""

    def is_done(self) -> bool:
        """Whether the flow has ended."""
        return self.done


class Parking:
    """Something a task can be parked on besides a signal and a time; it is told when the task goes on."""

    __slots__ = ()

    def leave(self, task: Task[Any]) -> None:
        """The task no longer waits here."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of it, for it will not be waited for again."""
        raise NotImplementedError


class _Waiter:
    """A thread that waits for something: it turns the reactor, or sleeps until it is woken, and no other with it.

    What it sleeps on is a lock of its own, so that a signal's handler, which must not take the reactor's, can wake it.
    """

    __slots__ = ("_bell",)

    def __init__(self) -> None:
        self._bell: threading.Lock | None = None

    def sleep(self, lock: threading.Lock, timeout: float | None) -> None:
        """Let go of ``lock`` until :meth:`notify` or the timeout."""
        bell = threading.Lock()
        bell.acquire()
        self._bell = bell
        lock.release()
        try:
            bell.acquire(timeout=-1 if timeout is None else min(timeout, LONGEST_SELECT))
        finally:
            lock.acquire()
            self._bell = None

    def notify(self) -> None:
        if self._bell is not None:
            try:
                self._bell.release()
            except RuntimeError:
                pass  # it has been woken already

    def forget(self) -> None:
        """There is nobody to notify: this is a forked child, and the thread its parent's."""
        self._bell = None


class Reactor:
    """Turns flows of byte effects. Effects on connections are carried out by the functions in ``perform``."""

    def __init__(self, perform: dict[type[Any], Perform]) -> None:
        self._perform: dict[type[Any], Perform] = {
            Wait: self._perform_wait,
            Sleep: self._perform_sleep,
            Now: self._perform_now,
            **perform,
        }
        self._begin()

    def _begin(self) -> None:
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.closed = False
        self._ready: deque[Task[Any]] = deque()
        self._tasks: set[Task[Any]] = set()
        self._promised = 0
        self._timers: list[tuple[float, int, Task[Any] | None, Callable[[], None] | None]] = []
        self._timer_count = 0
        self._turner: object | None = None
        self._turning_thread: int | None = None
        self._selecting = False
        self._waiters: deque[_Waiter] = deque()
        self._asides: deque[Callable[[], None]] = deque()
        self._interrupt = HeldInterrupt()
        self._daemon: threading.Thread | None = None
        self._daemon_idles = False
        self._daemon_condition = threading.Condition(self.lock)
        self._daemon_may_turn_at = 0.0
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.selector.register(self._wake_in, selectors.EVENT_READ, None)

    # Flows.

    def spawn(self, flow: Generator[ByteEffect, Answer, T], *, promised: bool) -> Task[T]:
        """Begin a flow; the lock is held. It takes its first step when the reactor is turned next."""
        if self.closed:
            flow.close()
            raise ClientClosed("the client is closed; make a new one")
        if promised:
            try:
                self._need_daemon()
            except RuntimeError:  # no thread can be started
                flow.close()
                raise
        task = Task(flow, promised=promised)
        self._tasks.add(task)
        self._ready.append(task)
        if promised:
            if self._promised == 0:
                # Whoever submits often waits right away. Later ones must not put this off.
                self._daemon_may_turn_at = max(self._daemon_may_turn_at, time.monotonic() + GRACE_OF_SUBMIT)
            self._promised += 1
        self.wake()
        return task

    def run(self, flow: Generator[ByteEffect, Answer, T]) -> T:
        """Run a flow to its end on this thread."""
        with self.lock:
            task = self.spawn(flow, promised=False)
        try:
            self.wait_until(task.is_done, task.watchers)
        except BaseException:
            with self.lock:
                self._end(task)
            raise
        if task.error is not None:
            raise task.error
        return task.result  # type: ignore[return-value]

    def resume(self, task: Task[Any], value: Any = None, error: BaseException | None = None) -> None:
        """Give a parked task the answer to its effect, or an exception; the lock is held."""
        if task.parked_on is not None:
            task.parked_on.leave(task)
            task.parked_on = None
        if task.signal is not None:
            task.signal.notify = None
            task.signal = None
        task.deadline = None
        task.value = (value, time.monotonic())
        task.error = error
        self._ready.append(task)

    def park(
        self, task: Task[Any], deadline: float | None, signal: Signal | None = None, on: Parking | None = None
    ) -> None:
        """Let a task wait for its deadline, a signal, and whatever will call :meth:`resume`."""
        task.parked_on = on
        task.deadline = deadline
        if signal is not None:
            task.signal = signal

            def notify() -> None:
                # What the effect waits for was not there: Wait answers True for its signal, Receive None.
                self.resume(task, True if on is None else None)
                self.wake()

            signal.notify = notify
        # One timer for each task is enough: deadlines mostly move later, and a timer that goes off early
        # is set again.
        if deadline is not None and (task.armed_for is None or deadline < task.armed_for):
            self._arm(task, deadline)

    def _arm(self, task: Task[Any], when: float) -> None:
        task.armed_for = when
        self._push_timer(when, task, None)

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Call a function at a time; the lock is held, then too."""
        self._push_timer(when, None, callback)

    def _push_timer(self, when: float, task: Task[Any] | None, callback: Callable[[], None] | None) -> None:
        self._timer_count += 1  # decides between timers of the same time, which a heap would compare further
        heapq.heappush(self._timers, (when, self._timer_count, task, callback))

    def _step(self, task: Task[Any]) -> None:
        """Let a task go on until it is parked or ends."""
        send: Callable[[Any], ByteEffect] = task.flow.send  # a generator's first answer is None
        throw = task.flow.throw
        value, error = task.value, task.error
        task.error = None
        ends = time.monotonic() + STRETCH  # one effect may bring a megabyte, and a server many of them
        for _ in range(EFFECTS_AT_A_STRETCH):
            try:
                effect = send(value) if error is None else throw(error)
            except StopIteration as stop:
                task.result = stop.value
                self._finish(task)
                return
            except Exception as raised:
                task.error = raised
                self._finish(task)
                return
            except BaseException as raised:  # Ctrl-C while this thread moved somebody's flow along
                task.error = raised
                self._finish(task)
                raise
            error = None
            try:
                if not self._perform[type(effect)](task, effect):
                    return
            except Exception as raised:
                error = raised
                value = None
            except BaseException as raised:
                task.error = raised
                self._end(task)
                raise
            else:
                now = time.monotonic()
                value = (task.value, now)
                if now > ends:
                    break
        task.value, task.error = value, error
        self._ready.append(task)

    def _finish(self, task: Task[Any]) -> None:
        task.done = True
        task.value = None  # its timer may keep the task for a while, and a large piece of a body with it
        self._tasks.discard(task)
        if task.promised:
            self._promised -= 1
        for watcher in tuple(task.watchers):
            watcher()

    def _end(self, task: Task[Any]) -> None:
        """End a task before its time."""
        if not task.done:
            if task.parked_on is not None:
                task.parked_on.leave(task)
                task.parked_on = None
            if task.signal is not None:
                task.signal.notify = None
            if task in self._ready:
                self._ready.remove(task)
                self._dispose_of_answer(task)
            task.flow.close()
            if task.error is None:
                task.error = ClientClosed("the client was closed")
            self._finish(task)

    def _dispose_of_answer(self, task: Task[Any]) -> None:
        """Do not let an answer go with the flow that has not taken it yet.

        Bytes that were received may be for all who share that connection, so the flow still takes them, to keep them
        where the next reader goes on. A connection or a file is known to nobody else, and closed.
        """
        answer: Answer | None = task.value
        if answer is None or task.error is not None:
            return
        close: Callable[[], None] | None = getattr(answer[0], "close", None)
        if isinstance(answer[0], bytes):
            with contextlib.suppress(Exception):
                task.flow.send(answer)
        elif close is not None:
            close()

    def _perform_wait(self, task: Task[Any], effect: Wait) -> bool:
        if effect.signal.is_set:
            task.value = True
            return True
        self.park(task, effect.deadline, effect.signal)
        return False

    def _perform_sleep(self, task: Task[Any], effect: Sleep) -> bool:
        if effect.deadline <= time.monotonic():
            self.resume(task)  # it only wants to let others have their turn
        else:
            self.park(task, effect.deadline)
        return False

    def _perform_now(self, task: Task[Any], effect: Now) -> bool:
        task.value = None
        return True

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
            raise LocalProtocolError(
                "a signal's handler or a finalizer cannot wait for the client that it interrupts"
            )
        waiter = _Waiter()

        def wake() -> None:
            waiter.notify()
            self._wake_always()

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
                        waiter.sleep(self.lock, left)
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
                for _ in range(len(self._ready)):
                    self._step(self._ready.popleft())
                if done() or self.closed:
                    break
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    break
                # Even while flows are ready: no flood of one connection may keep others from being read, deadlines
                # from passing, and other threads from the lock.
                self._select(0.0 if self._ready else self._next_timeout(now, deadline))
                selected = time.monotonic()
                if selected - now > BREATH:
                    breathed = selected
                elif selected - breathed > STRETCH:
                    self._call_unlocked(_breathe)
                    breathed = selected = time.monotonic()
                self._expire(selected)
                while self._asides:
                    self._call_unlocked(self._asides.popleft())
                if interruptible:
                    self._interrupt.check()
        finally:
            self._turner = self._turning_thread = None
            self._daemon_may_turn_at = time.monotonic() + GRACE
            if self.closed:
                self._dispose()
            else:
                self._hand_on()

    def _call_unlocked(self, aside: Callable[[], None]) -> None:
        self.lock.release()
        try:
            aside()
        finally:
            self.lock.acquire()

    def when_free(self, action: Callable[[], None]) -> None:
        """Do something that takes the lock: at once, or, in a handler that has interrupted this thread's turning,
        as soon as it can be done."""
        if self._turning_thread == threading.get_ident():
            self._asides.append(action)
            self._wake_always()
        else:
            action()

    def _hand_on(self) -> None:
        if self._waiters:
            self._waiters[0].notify()
        elif self._daemon_idles and self._promised:
            self._daemon_condition.notify()

    def _next_timeout(self, now: float, deadline: float | None) -> float | None:
        while self._timers and (task := self._timers[0][2]) is not None and task.done:
            heapq.heappop(self._timers)
        first = self._timers[0][0] if self._timers else None
        if deadline is not None and (first is None or deadline < first):
            first = deadline
        return None if first is None else min(max(0.0, first - now), LONGEST_SELECT)

    def _select(self, timeout: float | None) -> None:
        self._selecting = True
        self.lock.release()
        try:
            events = self.selector.select(timeout)
        finally:
            self.lock.acquire()
            self._selecting = False
        for key, mask in events:
            if key.data is None:
                self._drain_wakes()
            else:
                key.data(mask)

    def _expire(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, task, callback = heapq.heappop(self._timers)
            if callback is not None:
                callback()
            if task is None:
                continue
            task.armed_for = None
            if task.done or task.deadline is None:
                continue
            if task.deadline > now:
                self._arm(task, task.deadline)
            elif task.parked_on is None:  # Wait and Sleep answer at their deadline
                self.resume(task, False)
            else:
                self.resume(task, error=TimedOut())

    def wake(self) -> None:
        """Make the turning thread look again, if it waits; the lock is held."""
        if self._selecting:
            self._selecting = False  # once is enough
            self._wake_always()

    def _wake_always(self) -> None:
        try:
            self._wake_out.send(b"\0")
        except OSError:
            pass  # it is full of wake-ups, or closed: then nobody sleeps

    def _drain_wakes(self) -> None:
        try:
            while len(self._wake_in.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass

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
                    if self._turner is not None or self._waiters or not self._promised:
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
            self.closed = True
            for task in tuple(self._tasks):
                self._end(task)
            self._ready.clear()
            self._timers.clear()
            for waiter in self._waiters:
                waiter.notify()
            self.wake()
            self._daemon_condition.notify_all()
            daemon = self._daemon
        if daemon is not None and daemon is not threading.current_thread():
            daemon.join(1.0)
        with self.lock:
            if self._turner is None:
                self._dispose()

    def _dispose(self) -> None:
        self.selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def after_fork(self, settle: Callable[[], None]) -> None:
        """In a forked child: begin anew, call ``settle()`` with the lock held, and end every flow. The parent's
        sockets and its selector stay the parent's; its threads, and so whoever waited, are not here."""
        self._interrupt.forget()
        if self.closed:
            return
        tasks = tuple(self._tasks)
        for waiter in self._waiters:
            waiter.forget()
        self._dispose()
        self._begin()
        with self.lock:
            self._promised = sum(task.promised for task in tasks)
            settle()
            for task in tasks:
                self._end(task)
            self._ready.clear()


def _breathe() -> None:
    time.sleep(BREATH)
