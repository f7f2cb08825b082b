"""Runs many flows at once, for a runner of any kind: it decides which one goes on, and its runner waits.

Theory of operation. A flow that cannot go on is *parked* on what it waits for: a signal, a time, or a
:class:`Parking` of the runner's, such as a socket. Whatever makes it ready again calls :meth:`Scheduler.resume`.
A runner is a loop around three steps: let what is ready take its steps (:meth:`Scheduler.step_all`), wait for its
sockets until :meth:`Scheduler.next_deadline`, and let the deadlines pass that have come (:meth:`Scheduler.expire`).

How an effect is carried out is the runner's, by a table of functions. Each either has the answer at once, or parks
the task; so a flow goes on without a detour while what it asks for is there.
"""

from __future__ import annotations

import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast

from .effects import Answer, Now, Signal, Sleep, TimedOut, Wait
from .errors import ClientClosed

if TYPE_CHECKING:
    from types import GeneratorType

T = TypeVar("T")

STRETCH: Final = 0.005
"""Seconds after which a flow that never had to wait lets other flows have their turn."""

EFFECTS_AT_A_STRETCH: Final = 64
"""Effects that a flow may have carried out at once before others have their turn: more than any healthy exchange
asks for, and a peer that sends faster than we read gets no further."""


class Task(Generic[T]):
    """A flow under way. Made by :meth:`Scheduler.spawn`."""

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

    def __init__(self, flow: Generator[Any, Answer, T], *, promised: bool) -> None:
        self.flow = flow
        self.promised = promised
        """It is to make progress with nobody waiting."""
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

    def outcome(self) -> T:
        """What the flow has returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


Perform: TypeAlias = Callable[["Task[Any]", Any], bool]
"""Carries out an effect at once (True: the answer is in ``task.value``) or parks the task (False)."""


class Parking:
    """Something a task can be parked on besides a signal and a time; it is told when the task goes on."""

    __slots__ = ()

    def leave(self, task: Task[Any]) -> None:
        """The task no longer waits here."""
        raise NotImplementedError


class Scheduler:
    """Runs flows. Nothing in it waits, and nobody may be in it twice at the same instant.

    Args:
        perform: What carries out the runner's effects, by their types; Wait, Sleep and Now are carried out here.
        clock: The runner's monotonic clock, in seconds.
    """

    def __init__(self, perform: Mapping[type[Any], Perform], clock: Callable[[], float]) -> None:
        self.clock: Final = clock
        self._perform: Final[dict[type[Any], Perform]] = {
            Wait: self._perform_wait,
            Sleep: self._perform_sleep,
            Now: self._perform_now,
            **perform,
        }
        self.closed = False
        self.forget()

    def forget(self) -> None:
        """Begin anew, with no tasks; those that there are, are not ended."""
        self.ready: deque[Task[Any]] = deque()
        """The tasks that can take a step."""
        self.tasks: set[Task[Any]] = set()
        """The tasks that have not ended."""
        self._timers: list[tuple[float, int, Task[Any] | None, Callable[[], None] | None]] = []
        self._timer_count = 0

    def wake(self) -> None:
        """Called when a task may have become ready while the runner waits."""

    # Flows.

    def spawn(self, flow: Generator[Any, Answer, T], *, promised: bool = False) -> Task[T]:
        """Begin a flow. It takes its first step when the runner lets it.

        Args:
            flow: What is to be done.
            promised: Whether it is to go on with nobody waiting for it.

        Raises:
            ClientClosed: Everything has been ended already; the flow is closed.
        """
        if self.closed:
            flow.close()
            raise ClientClosed("the client is closed; make a new one")
        task = Task(flow, promised=promised)
        self.tasks.add(task)
        self.ready.append(task)
        self.wake()
        return task

    def resume(self, task: Task[Any], value: Any = None, error: BaseException | None = None) -> None:
        """Give a parked task the answer to its effect, or an exception.

        Args:
            task: Which one.
            value: The answer.
            error: The exception, in place of an answer.
        """
        self._unpark(task)
        task.value = (value, self.clock())
        task.error = error
        self.ready.append(task)

    def _unpark(self, task: Task[Any]) -> None:
        if task.parked_on is not None:
            task.parked_on.leave(task)
            task.parked_on = None
        if task.signal is not None:
            task.signal.notify = None
            task.signal = None
        task.deadline = None

    def park(
        self, task: Task[Any], deadline: float | None, signal: Signal | None = None, on: Parking | None = None
    ) -> None:
        """Let a task wait for its deadline, a signal, and whatever will call :meth:`resume`.

        Args:
            task: Which one.
            deadline: When :meth:`expire` resumes it; None for never.
            signal: What resumes it when it is set.
            on: What else may resume it, and is told when something did.
        """
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

    def end(self, task: Task[Any]) -> None:
        """End a task before its time: its flow is closed."""
        if not task.done:
            self._unpark(task)
            if task in self.ready:
                self.ready.remove(task)
                self._dispose_of_answer(task)
            # The garbage collector may end the flows of a client that nobody holds before it ends the client, which
            # then is closed by what one of them lets go of.
            if not cast("GeneratorType[Any, Any, Any]", task.flow).gi_running:
                task.flow.close()
            if task.error is None:
                task.error = ClientClosed("the client was closed")
            self._finish(task)

    def end_all(self) -> None:
        """End every task, and begin no more."""
        self.closed = True
        for task in tuple(self.tasks):
            self.end(task)
        self.ready.clear()
        self._timers.clear()

    def _dispose_of_answer(self, task: Task[Any]) -> None:
        """Do not let an answer go with the flow that has not taken it yet.

        What was sent has been sent, and bytes that were received may be for all who share that connection: so the flow
        still takes such an answer, to keep the connection and go on where others do. A connection or a file is known to
        nobody else, and closed.
        """
        answer: Answer | None = task.value
        if answer is None or task.error is not None:
            return
        close: Callable[[], None] | None = getattr(answer[0], "close", None)
        if answer[0] is None or isinstance(answer[0], bytes):
            with contextlib.suppress(Exception):
                task.flow.send(answer)
        elif close is not None:
            close()

    def _finish(self, task: Task[Any]) -> None:
        task.done = True
        task.value = None  # its timer may keep the task for a while, and a large piece of a body with it
        self.tasks.discard(task)
        for watcher in tuple(task.watchers):
            watcher()

    # Steps.

    def step_all(self) -> None:
        """Let each task that is ready now go on until it is parked, ends, or has had its turn."""
        for _ in range(len(self.ready)):
            self._step(self.ready.popleft())

    def _step(self, task: Task[Any]) -> None:
        send: Callable[[Any], Any] = task.flow.send  # a generator's first answer is None
        throw = task.flow.throw
        value, error = task.value, task.error
        task.error = None
        ends = self.clock() + STRETCH  # one effect may bring a megabyte, and a server many of them
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
                self._unpark(task)  # it may have come as far as that
                error = raised
                value = None
            except BaseException as raised:
                task.error = raised
                self.end(task)
                raise
            else:
                now = self.clock()
                value = (task.value, now)
                if now > ends:
                    break
        task.value, task.error = value, error
        self.ready.append(task)

    def _perform_wait(self, task: Task[Any], effect: Wait) -> bool:
        if effect.signal.is_set:
            task.value = True
            return True
        self.park(task, effect.deadline, effect.signal)
        return False

    def _perform_sleep(self, task: Task[Any], effect: Sleep) -> bool:
        if effect.deadline <= self.clock():
            self.resume(task)  # it only wants to let others have their turn
        else:
            self.park(task, effect.deadline)
        return False

    def _perform_now(self, task: Task[Any], effect: Now) -> bool:
        task.value = None
        return True

    # Time.

    def _arm(self, task: Task[Any], when: float) -> None:
        task.armed_for = when
        self._push_timer(when, task, None)

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Have :meth:`expire` call the ``callback`` when that time has come (``when``, on the runner's clock)."""
        self._push_timer(when, None, callback)

    def _push_timer(self, when: float, task: Task[Any] | None, callback: Callable[[], None] | None) -> None:
        self._timer_count += 1  # decides between timers of the same time, which a heap would compare further
        heapq.heappush(self._timers, (when, self._timer_count, task, callback))

    def next_deadline(self) -> float | None:
        """When :meth:`expire` is due; None for never."""
        while self._timers and (task := self._timers[0][2]) is not None and task.done:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def expire(self, now: float) -> None:
        """Let the deadlines pass that have come by now."""
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
