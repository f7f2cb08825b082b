"""The scheduler by itself: no sockets and no threads, and a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.effects import ByteFlow, Now, Receive, Send, Signal, Sleep, TimedOut, Wait
from gradio_proto.errors import ClientClosed, ConnectError
from gradio_proto.scheduler import EFFECTS_AT_A_STRETCH, STRETCH, Parking, Scheduler, Task


class Stream(Parking):
    """A connection, and the place where a task waits for it."""

    def __init__(self) -> None:
        self.closed = False
        self.left: list[Task[Any]] = []

    def leave(self, task: Task[Any]) -> None:
        self.left.append(task)

    def close(self) -> None:
        self.closed = True


class Loop:
    """A runner: Receive parks a task until :meth:`Scheduler.resume`; Send does what ``send`` says, and takes
    ``send_seconds``."""

    def __init__(self) -> None:
        self.now = 100.0
        self.send: Callable[[], Any] = lambda: None
        self.send_seconds = 0.0
        self.scheduler = Scheduler({Receive: self._receive, Send: self._send}, lambda: self.now)

    def _receive(self, task: Task[Any], effect: Receive) -> bool:
        assert isinstance(effect.stream, Stream)
        self.scheduler.park(task, effect.deadline, effect.wake, on=effect.stream)
        return False

    def _send(self, task: Task[Any], effect: Send) -> bool:
        task.value = self.send()
        self.now += self.send_seconds
        return True

    def spawn(self, flow: ByteFlow[Any]) -> Task[Any]:
        task = self.scheduler.spawn(flow)
        self.settle()
        return task

    def settle(self) -> None:
        """Let everything happen that can without time passing."""
        while self.scheduler.ready:
            self.scheduler.step_all()

    def pass_time(self, until: float) -> None:
        """Let the deadlines pass up to a time, each when it comes."""
        while (due := self.scheduler.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.scheduler.expire(self.now)
            self.settle()
        self.now = until


@pytest.fixture
def loop() -> Loop:
    return Loop()


def receive(stream: Stream, deadline: float | None = None, wake: Signal | None = None) -> ByteFlow[Any]:
    value, _ = yield Receive(stream, deadline, wake)
    return value


def wait(signal: Signal, deadline: float | None = None) -> ByteFlow[Any]:
    return (yield Wait(signal, deadline))


def sleep(until: float) -> ByteFlow[Any]:
    return (yield Sleep(until))


# Flows.


def test_a_flow_takes_no_step_before_its_turn(loop: Loop) -> None:
    began: list[int] = []

    def flow() -> ByteFlow[int]:
        began.append(1)
        yield Now()
        return 7

    task = loop.scheduler.spawn(flow())
    assert not began
    assert not task.is_done()
    loop.scheduler.step_all()
    assert task.is_done()
    assert task.outcome() == 7
    assert not loop.scheduler.tasks


def test_the_time_is_in_every_answer(loop: Loop) -> None:
    def flow() -> ByteFlow[list[Any]]:
        answers: list[Any] = [(yield Now())]
        loop.now += 1
        answers.append((yield Send(Stream(), b"", None)))
        answers.append((yield Wait(Signal(), 103.0)))
        return answers

    loop.send = lambda: "sent"
    task = loop.spawn(flow())
    loop.pass_time(110)
    assert task.outcome() == [(None, 100.0), ("sent", 101.0), (False, 103.0)]


def test_what_a_flow_raises_is_its_outcome(loop: Loop) -> None:
    def flow() -> ByteFlow[None]:
        yield Now()
        raise ZeroDivisionError

    task = loop.spawn(flow())
    assert task.is_done()
    with pytest.raises(ZeroDivisionError):
        task.outcome()


def test_watchers_hear_of_the_end_once(loop: Loop) -> None:
    heard: list[bool] = []
    task = loop.scheduler.spawn(sleep(101))
    task.watchers.append(lambda: heard.append(task.done))
    loop.settle()
    assert not heard
    loop.pass_time(102)
    assert heard == [True]
    loop.scheduler.end(task)
    assert heard == [True]


def test_a_failing_effect_is_raised_in_its_flow(loop: Loop) -> None:
    def fail() -> None:
        raise OSError("no")

    def flow() -> ByteFlow[str]:
        try:
            yield Send(Stream(), b"", None)
        except OSError as error:
            value, _ = yield Now()
            return f"{error} {value}"
        raise AssertionError

    loop.send = fail
    assert loop.spawn(flow()).outcome() == "no None"


@pytest.mark.parametrize("where", ["flow", "effect"])
def test_an_exception_of_the_callers_world_ends_its_flow_and_comes_out(loop: Loop, where: str) -> None:
    closed: list[bool] = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    def flow() -> ByteFlow[None]:
        try:
            yield Now()
            if where == "flow":
                interrupt()
            yield Send(Stream(), b"", None)
        finally:
            closed.append(True)

    loop.send = interrupt
    other = loop.scheduler.spawn(sleep(0))
    task = loop.scheduler.spawn(flow())
    with pytest.raises(KeyboardInterrupt):
        loop.settle()
    assert closed == [True]
    assert task.is_done()
    with pytest.raises(KeyboardInterrupt):
        task.outcome()
    loop.settle()
    assert other.is_done()
    assert not loop.scheduler.tasks


# Turns.


def test_a_flow_that_never_waits_lets_others_have_their_turn(loop: Loop) -> None:
    steps: list[str] = []

    def busy() -> ByteFlow[None]:
        for _ in range(2 * EFFECTS_AT_A_STRETCH):
            steps.append("busy")
            yield Now()

    def other() -> ByteFlow[None]:
        steps.append("other")
        yield Now()

    loop.scheduler.spawn(busy())
    loop.spawn(other())
    assert steps.index("other") == EFFECTS_AT_A_STRETCH
    assert len(steps) == 2 * EFFECTS_AT_A_STRETCH + 1


def test_so_does_one_whose_effects_take_long(loop: Loop) -> None:
    steps: list[str] = []

    def busy() -> ByteFlow[None]:
        for _ in range(4):
            steps.append("busy")
            yield Send(Stream(), b"", None)

    def other() -> ByteFlow[None]:
        steps.append("other")
        yield Now()

    loop.send_seconds = STRETCH * 0.6
    loop.scheduler.spawn(busy())
    loop.spawn(other())
    assert steps == ["busy", "busy", "other", "busy", "busy"]


def test_who_becomes_ready_in_a_round_waits_for_the_next(loop: Loop) -> None:
    log: list[int] = []

    def flow() -> ByteFlow[None]:
        for number in range(3):
            log.append(number)
            yield Sleep(0)

    loop.scheduler.spawn(flow())
    loop.scheduler.step_all()
    assert log == [0]
    loop.scheduler.step_all()
    assert log == [0, 1]


# Waiting.


def test_a_signal_that_is_set_is_not_waited_for(loop: Loop) -> None:
    signal = Signal()
    signal.set()
    assert loop.spawn(wait(signal)).outcome() == (True, 100.0)
    assert signal.notify is None


def test_a_signal_wakes_its_waiter_and_the_runner(loop: Loop) -> None:
    woken: list[int] = []
    loop.scheduler.wake = lambda: woken.append(1)  # type: ignore[method-assign]
    signal = Signal()
    task = loop.spawn(wait(signal, 105.0))
    del woken[:]
    signal.set()
    assert woken == [1]
    assert signal.notify is None
    loop.settle()
    assert task.outcome() == (True, 100.0)
    loop.pass_time(110)  # its timer goes off for nobody


def test_a_parking_answers(loop: Loop) -> None:
    stream = Stream()
    task = loop.spawn(receive(stream, 105.0))
    assert task.parked_on is stream
    loop.scheduler.resume(task, b"x")
    assert stream.left == [task]
    loop.settle()
    assert task.outcome() == b"x"


def test_a_parking_is_left_when_the_signal_or_the_deadline_comes_first(loop: Loop) -> None:
    stream, wake = Stream(), Signal()
    woken = loop.spawn(receive(stream, 105.0, wake))
    wake.set()
    loop.settle()
    assert woken.outcome() is None
    late = loop.spawn(receive(stream, 105.0, Signal()))
    loop.pass_time(106)
    with pytest.raises(TimedOut):
        late.outcome()
    assert stream.left == [woken, late]


# Time.


def test_a_sleep_that_is_over_lets_others_have_their_turn(loop: Loop) -> None:
    assert loop.spawn(sleep(99.0)).outcome() == (None, 100.0)
    assert loop.scheduler.next_deadline() is None


def test_deadlines_that_move(loop: Loop) -> None:
    """One timer serves a task. It goes off early after the deadline has moved later, and is set again; when it has
    moved earlier, another one is set."""

    def flow() -> ByteFlow[list[float]]:
        found = []
        for deadline in (102.0, 110.0, 112.0, 113.0, 113.5):
            signal = Signal()
            if deadline == 102.0:
                signal.set()
            _, now = yield Wait(signal, deadline)
            found.append(now)
        return found

    task = loop.spawn(flow())
    loop.pass_time(120)
    assert task.outcome() == [100.0, 110.0, 112.0, 113.0, 113.5]


def test_a_timer_that_goes_off_early_is_set_again(loop: Loop) -> None:
    stream = Stream()

    def flow() -> ByteFlow[Any]:
        yield Receive(stream, 102.0)
        return (yield Receive(stream, 108.0))

    task = loop.spawn(flow())
    loop.scheduler.resume(task, b"x")
    loop.settle()
    assert loop.scheduler.next_deadline() == 102.0
    loop.scheduler.expire(103.0)
    assert not task.is_done()
    assert loop.scheduler.next_deadline() == 108.0
    loop.pass_time(108)
    with pytest.raises(TimedOut):
        task.outcome()


def test_an_earlier_deadline_needs_an_earlier_timer(loop: Loop) -> None:
    stream = Stream()

    def flow() -> ByteFlow[Any]:
        yield Receive(stream, 108.0)
        return (yield Receive(stream, 102.0))

    task = loop.spawn(flow())
    loop.scheduler.resume(task, b"x")
    loop.settle()
    assert loop.scheduler.next_deadline() == 102.0
    loop.pass_time(102)
    with pytest.raises(TimedOut):
        task.outcome()
    assert loop.scheduler.next_deadline() is None  # the other timer was for a task that is done


def test_a_task_that_waits_without_a_deadline_has_no_use_for_its_old_timer(loop: Loop) -> None:
    stream = Stream()

    def flow() -> ByteFlow[Any]:
        yield Receive(stream, 102.0)
        return (yield Receive(stream, None))

    task = loop.spawn(flow())
    loop.scheduler.resume(task, b"x")
    loop.pass_time(103)
    loop.settle()
    loop.pass_time(200)
    assert not task.is_done()
    assert loop.scheduler.next_deadline() is None


def test_a_timer_of_a_task_that_has_ended(loop: Loop) -> None:
    """Alone it does not count; in front of others it may go off."""
    ended = loop.spawn(sleep(101.0))
    loop.spawn(sleep(101.0))
    loop.scheduler.end(ended)
    loop.scheduler.expire(101.0)
    loop.settle()
    assert not loop.scheduler.tasks


def test_calls_at_a_time(loop: Loop) -> None:
    called: list[str] = []
    loop.scheduler.call_at(103.0, lambda: called.append("second"))
    loop.scheduler.call_at(102.0, lambda: called.append("first"))
    loop.scheduler.call_at(103.0, lambda: called.append("third"))
    assert loop.scheduler.next_deadline() == 102.0
    loop.pass_time(102.5)
    assert called == ["first"]
    loop.pass_time(103.0)
    assert called == ["first", "second", "third"]


@given(st.lists(st.floats(100, 200), min_size=1, max_size=20))
def test_sleepers_wake_in_order_and_never_early(untils: list[float]) -> None:
    loop = Loop()
    woken: list[tuple[float, float]] = []

    def sleeper(until: float) -> ByteFlow[None]:
        _, now = yield Sleep(until)
        woken.append((until, now))

    for until in untils:
        loop.scheduler.spawn(sleeper(until))
    loop.settle()
    loop.pass_time(200)
    assert [until for until, _ in woken] == sorted(untils)
    assert all(now == until for until, now in woken)
    assert loop.scheduler.next_deadline() is None


# Ends.


def test_ending_a_task_wherever_it_is(loop: Loop) -> None:
    stream, signal = Stream(), Signal()
    tasks = [
        loop.spawn(receive(stream, 105.0)),
        loop.spawn(wait(signal, 105.0)),
        loop.spawn(sleep(105.0)),
        loop.scheduler.spawn(sleep(105.0)),  # which has not begun
    ]
    for task in tasks:
        loop.scheduler.end(task)
        with pytest.raises(ClientClosed):
            task.outcome()
    assert stream.left == tasks[:1]
    assert signal.notify is None
    assert not loop.scheduler.ready
    assert not loop.scheduler.tasks
    assert loop.scheduler.next_deadline() is None


@pytest.mark.parametrize("answer", [b"bytes", "stream", None, 7, OSError("no")])
def test_an_answer_that_was_not_taken_yet(loop: Loop, answer: Any) -> None:
    """Bytes are everybody's, and go to the flow all the same, and so does what a Send is answered; a connection is
    nobody's, and is closed."""
    stream, made = Stream(), Stream()
    taken: list[Any] = []

    def flow() -> ByteFlow[None]:
        value, _ = yield Receive(stream, None)
        taken.append(value)
        yield Receive(stream, None)

    task = loop.spawn(flow())
    if isinstance(answer, OSError):
        loop.scheduler.resume(task, error=answer)
    else:
        loop.scheduler.resume(task, made if answer == "stream" else answer)
    loop.scheduler.end(task)
    assert taken == ([answer] if answer in (b"bytes", None) else [])
    assert made.closed == (answer == "stream")
    assert not loop.scheduler.ready


def test_bytes_for_a_flow_that_then_fails(loop: Loop) -> None:
    def flow() -> ByteFlow[None]:
        yield Receive(Stream(), None)
        raise ZeroDivisionError

    task = loop.spawn(flow())
    loop.scheduler.resume(task, b"x")
    loop.scheduler.end(task)
    with pytest.raises(ClientClosed):
        task.outcome()


def test_ending_all(loop: Loop) -> None:
    tasks = [loop.spawn(sleep(105.0)), loop.scheduler.spawn(sleep(0))]
    loop.scheduler.call_at(103.0, lambda: None)
    loop.scheduler.end_all()
    assert all(task.is_done() for task in tasks)
    assert loop.scheduler.closed
    assert loop.scheduler.next_deadline() is None
    assert not loop.scheduler.ready


def test_ending_a_flow_that_somebody_else_is_ending(loop: Loop) -> None:
    """The garbage collector may end a flow, and what that lets go of closes the client."""

    def flow() -> ByteFlow[None]:
        try:
            yield from sleep(10)
        finally:
            loop.scheduler.end_all()

    task = loop.spawn(flow())
    task.flow.close()
    assert not loop.scheduler.tasks
    with pytest.raises(ClientClosed):
        task.outcome()


def test_nothing_is_begun_after_the_end(loop: Loop) -> None:
    loop.scheduler.end_all()
    flow = sleep(105.0)
    with pytest.raises(ClientClosed, match="make a new one"):
        loop.scheduler.spawn(flow)
    with pytest.raises(StopIteration):
        next(flow)


def test_forgetting_ends_nothing(loop: Loop) -> None:
    """What a forked child does: its parent's tasks are the parent's."""
    task = loop.spawn(sleep(105.0))
    loop.scheduler.forget()
    assert not task.is_done()
    assert loop.scheduler.next_deadline() is None
    assert loop.spawn(sleep(0)).is_done()


def test_a_task_that_is_done_keeps_no_answer(loop: Loop) -> None:
    """Its timer may keep it for a while, and would keep a large piece of a body with it."""
    stream = Stream()
    task = loop.spawn(receive(stream, 105.0))
    loop.scheduler.resume(task, bytes(1000))
    loop.settle()
    assert task.value is None


@pytest.mark.parametrize("answer", [None, b"for all"])
def test_what_was_carried_out_is_known_to_the_flow_before_it_is_ended(answer: object) -> None:
    """It may stand in the queue with its answer: for a while each task lets the others go on."""
    told: list[object] = []

    def perform(task: Task[Any], _: Any) -> bool:
        task.value = answer
        return True

    def sending() -> ByteFlow[None]:
        for _ in range(EFFECTS_AT_A_STRETCH + 1):
            value, _ = yield Send(Stream(), b"x", None)
            told.append(value)

    scheduler = Scheduler({Send: perform}, lambda: 0.0)
    task = scheduler.spawn(sending())
    scheduler.step_all()
    assert len(told) == EFFECTS_AT_A_STRETCH - 1
    scheduler.end(task)
    assert told == [answer] * EFFECTS_AT_A_STRETCH


def test_an_effect_that_fails_after_it_was_parked_is_not_parked() -> None:
    signal = Signal()

    class Parked(Parking):
        def leave(self, task: Task[Any]) -> None:
            left.append(task)

    def perform(task: Task[Any], _: Any) -> bool:
        scheduler.park(task, 1.0, signal, on=Parked())
        raise ConnectError("no thread")

    def flow() -> ByteFlow[str]:
        try:
            yield Send(Stream(), b"x", None)
        except ConnectError:
            return "told"
        raise AssertionError

    left: list[Task[Any]] = []
    scheduler = Scheduler({Send: perform}, lambda: 0.0)
    task = scheduler.spawn(flow())
    scheduler.step_all()
    assert task.outcome() == "told"
    assert left == [task]
    signal.set()
    scheduler.expire(2.0)
    assert not scheduler.ready
