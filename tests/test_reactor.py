"""The reactor by itself: flows that wait for signals and times, threads that wait for flows, and its daemon."""

from __future__ import annotations

import errno
import gc
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest
from faulty import within
from gradio_transports import callbacks as callbacks_module
from gradio_transports import reactor as reactor_module
from gradio_transports.callbacks import CallbackThread
from gradio_transports.reactor import Reactor, _Waiter

from gradio_proto.effects import ByteFlow, ByteStream, Now, Receive, Signal, Sleep, TimedOut, Wait
from gradio_proto.errors import ClientClosed, ConnectError, LocalProtocolError
from gradio_proto.scheduler import Parking, Task


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(10):
        yield


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor({})
    yield made
    made.close()


def daemons() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gradio_proto"]


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def sleeper(seconds: float, log: list[Any] | None = None, name: Any = None) -> ByteFlow[Any]:
    _, now = yield Now()
    yield Sleep(now + seconds)
    if log is not None:
        log.append(name)
    return name


def waiter(signal: Signal, seconds: float | None = None) -> ByteFlow[bool]:
    _, now = yield Now()
    was_set, _ = yield Wait(signal, None if seconds is None else now + seconds)
    return bool(was_set)


def test_a_flow_runs_on_the_callers_thread(reactor: Reactor) -> None:
    def flow() -> ByteFlow[threading.Thread]:
        yield Now()
        return threading.current_thread()

    assert reactor.run(flow()) is threading.current_thread()
    assert daemons() == []


def test_what_a_flow_raises_comes_out(reactor: Reactor) -> None:
    def flow() -> ByteFlow[None]:
        yield Now()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reactor.run(flow())


def test_what_an_effect_raises_goes_into_the_flow() -> None:
    def perform(_task: Task[Any], _effect: Any) -> bool:
        raise OSError("no")

    class Stream(ByteStream):
        def close(self) -> None: ...

    def flow() -> ByteFlow[str]:
        try:
            yield Receive(Stream(), None)
        except OSError as error:
            return str(error)
        raise AssertionError

    reactor = Reactor({Receive: perform})
    assert reactor.run(flow()) == "no"
    reactor.close()


def test_a_signal_that_is_set_is_not_waited_for(reactor: Reactor) -> None:
    signal = Signal()
    signal.set()
    assert reactor.run(waiter(signal))


def test_a_wait_ends_at_its_deadline(reactor: Reactor) -> None:
    began = time.monotonic()
    assert not reactor.run(waiter(Signal(), 0.05))
    assert 0.05 <= time.monotonic() - began < 1


def test_flows_sleep_side_by_side_and_wake_in_order(reactor: Reactor) -> None:
    log: list[int] = []
    with reactor.lock:
        for number in (3, 1, 2):
            reactor.spawn(sleeper(number / 50, log, number), promised=False)
    began = time.monotonic()
    assert reactor.run(sleeper(0.08, log, 4)) == 4
    assert log == [1, 2, 3, 4]
    assert time.monotonic() - began < 1


def test_a_flow_wakes_another(reactor: Reactor) -> None:
    signal = Signal()

    def setter() -> ByteFlow[None]:
        _, now = yield Now()
        yield Sleep(now + 0.02)
        signal.set()

    with reactor.lock:
        reactor.spawn(setter(), promised=False)
    assert reactor.run(waiter(signal, 5))


def test_deadlines_that_move_later_and_earlier(reactor: Reactor) -> None:
    """One timer serves a task: it goes off early after a deadline has moved later, and a new one is set when it has
    moved earlier."""

    def flow() -> ByteFlow[list[float]]:
        _, began = yield Now()
        yield Wait(set_soon, began + 0.03)
        took: list[float] = []
        for seconds in (0.1, 0.02, 5.0, 0.02):
            _, before = yield Now()
            signal = Signal()
            if seconds == 5.0:
                signal.set()
            _, now = yield Wait(signal, before + seconds)
            took.append(now - before)
        return took

    set_soon = Signal()
    set_soon.set()
    took = reactor.run(flow())
    assert [0.1 <= took[0] < 1, 0.02 <= took[1] < 1, took[2] < 1, 0.02 <= took[3] < 1] == [True] * 4


def test_a_parking_hears_that_its_task_goes_on_and_timing_out_is_raised() -> None:
    left: list[Task[Any]] = []
    made: list[Reactor] = []

    class Place(Parking):
        def leave(self, task: Task[Any]) -> None:
            left.append(task)

    def perform(task: Task[Any], effect: Receive) -> bool:
        made[0].park(task, effect.deadline, effect.wake, on=Place())
        return False

    class Stream(ByteStream):
        def close(self) -> None: ...

    def flow(wake: Signal | None = None) -> ByteFlow[Any]:
        _, now = yield Now()
        try:
            data, _ = yield Receive(Stream(), now + 0.05, wake)
        except TimedOut:
            return "timed out"
        return data

    def set_later(wake: Signal) -> ByteFlow[None]:
        _, now = yield Now()
        yield Sleep(now + 0.01)
        wake.set()

    made.append(reactor := Reactor({Receive: perform}))
    assert reactor.run(flow()) == "timed out"
    assert len(left) == 1
    wake = Signal()
    with reactor.lock:
        reactor.spawn(set_later(wake), promised=False)
    assert reactor.run(flow(wake)) is None
    assert len(left) == 2
    assert wake.notify is None
    with reactor.lock:
        reactor.spawn(flow(), promised=False)
    reactor.run(sleeper(0.01))
    reactor.close()  # ends the task where it is parked
    assert len(left) == 3


def test_two_threads_wait_and_one_turns(reactor: Reactor) -> None:
    """The thread that turns leaves first; the other one takes over and gets its own."""
    results: list[Any] = []

    def wait(seconds: float) -> None:
        results.append(reactor.run(sleeper(seconds, None, seconds)))

    threads = [
        threading.Thread(target=wait, args=(seconds,), daemon=True) for seconds in (0.05, 0.1, 0.15, 0.02)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert results == [0.02, 0.05, 0.1, 0.15]


def test_a_thread_that_gives_up_hands_the_baton_on(reactor: Reactor) -> None:
    signal = Signal()
    outcomes: list[Any] = []

    def hopeless() -> None:
        outcomes.append(reactor.wait_until(lambda: False, [], timeout=0.05))

    first = threading.Thread(target=hopeless, daemon=True)
    first.start()
    time.sleep(0.01)
    second = threading.Thread(target=lambda: outcomes.append(reactor.run(waiter(signal, 0.15))), daemon=True)
    second.start()
    first.join(5)
    second.join(5)
    assert outcomes == [False, False]


def test_waiting_for_what_is_so_already_takes_no_turn(reactor: Reactor) -> None:
    assert reactor.wait_until(lambda: True, [], timeout=0)
    assert not reactor.wait_until(lambda: False, [], timeout=0)


def test_a_promised_flow_needs_nobody(reactor: Reactor) -> None:
    log: list[str] = []
    with reactor.lock:
        reactor.spawn(sleeper(0.02, log, "done"), promised=True)
    assert len(daemons()) == 1
    eventually(lambda: log == ["done"])


def test_the_daemon_gives_way_to_a_caller_and_takes_over_again(reactor: Reactor) -> None:
    log: list[str] = []
    with reactor.lock:
        reactor.spawn(sleeper(0.2, log, "promised"), promised=True)
    time.sleep(0.03)  # the daemon turns by now

    def where() -> ByteFlow[threading.Thread]:
        _, now = yield Now()
        yield Sleep(now + 0.01)
        return threading.current_thread()

    assert reactor.run(where()) is threading.current_thread()
    eventually(lambda: log == ["promised"])
    assert len(daemons()) == 1


def test_callbacks_have_a_thread_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all of them, in order, that ends when there is nothing to call, and outlives one that raises."""
    monkeypatch.setattr(callbacks_module, "LINGER", 0.05)
    called: list[tuple[int, str]] = []

    def note(number: int) -> None:
        called.append((number, threading.current_thread().name))

    before = {*threading.enumerate()}
    thread = CallbackThread()
    for _ in range(2):
        called.clear()
        thread.call(partial(time.sleep, 0.02))
        for number in range(3):
            thread.call(partial(note, number))
        eventually(lambda: len(called) == 3)
        assert called == [(number, "gradio_proto callbacks") for number in range(3)]
        eventually(lambda: {*threading.enumerate()} <= before)


def test_a_daemon_without_work_ends_and_another_one_starts(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor_module, "LINGER", 0.05)
    log: list[int] = []
    for number in range(2):
        with reactor.lock:
            reactor.spawn(sleeper(0.01, log, number), promised=True)
        assert len(daemons()) == 1
        eventually(lambda: len(log) == 1)
        log.clear()
        eventually(lambda: daemons() == [])


def test_a_daemon_ends_too_when_a_caller_did_all_the_work(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor_module, "LINGER", 0.05)
    with reactor.lock:
        task = reactor.spawn(sleeper(0.03), promised=True)
    reactor.wait_until(task.is_done, task.watchers)
    eventually(lambda: daemons() == [])


def test_closing_wakes_whoever_waits() -> None:
    reactor = Reactor({})
    errors: list[BaseException] = []

    def wait(run: Callable[[], Any]) -> None:
        try:
            run()
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=wait, args=(lambda: reactor.wait_until(lambda: False, []),), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    reactor.close()
    reactor.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert time.monotonic() - began < 1
    assert [type(error) for error in errors] == [ClientClosed] * 3


def test_closing_ends_every_flow_wherever_it_is() -> None:
    ended: list[str] = []

    def flow(name: str, effects: Generator[Any, Any, Any]) -> ByteFlow[Any]:
        try:
            return (yield from effects)
        finally:
            ended.append(name)

    reactor = Reactor({})
    signal = Signal()
    with reactor.lock:
        reactor.spawn(flow("asleep", sleeper(10)), promised=False)
        reactor.spawn(flow("waiting", waiter(signal)), promised=True)
    reactor.run(sleeper(0.02))
    reactor.close()
    assert sorted(ended) == ["asleep", "waiting"]
    assert signal.notify is None
    assert daemons() == []
    with reactor.lock, pytest.raises(ClientClosed, match="make a new one"):
        reactor.spawn(sleeper(0), promised=False)


def test_closing_at_the_moment_a_flow_ends() -> None:
    """Another thread closes while the daemon is between the end of its last flow and its sleep."""
    reactor = Reactor({})
    closed = threading.Event()

    def close() -> None:
        reactor.close()
        closed.set()

    with reactor.lock:
        task = reactor.spawn(sleeper(0.01), promised=True)
        task.watchers.append(lambda: threading.Thread(target=close, daemon=True).start())
    assert closed.wait(5)
    eventually(lambda: daemons() == [])
    gc.collect()  # whatever it left open would warn here


def test_a_flow_that_was_interrupted_leaves_the_reactor_whole(reactor: Reactor) -> None:
    """Ctrl-C reaches whoever turns; the flow it was in has ended, and others go on."""

    def interrupted() -> ByteFlow[None]:
        yield Now()
        raise KeyboardInterrupt

    log: list[str] = []
    with reactor.lock:
        reactor.spawn(interrupted(), promised=False)
        reactor.spawn(sleeper(0.01, log, "other"), promised=False)
    with pytest.raises(KeyboardInterrupt):
        reactor.run(sleeper(5))
    reactor.run(sleeper(0.02))
    assert log == ["other"]


@pytest.mark.parametrize("how", ["goes on", "returns", "raises"])
def test_what_was_received_is_taken_by_a_flow_that_is_given_up(how: str) -> None:
    """Ctrl-C may come after a socket was read, and before the flow that reads it takes its next step."""
    received: list[Any] = []

    def park(task: Task[Any], _: Receive) -> bool:
        reactor.park(task, None, on=Parked())
        return False

    class Parked(Parking):
        def leave(self, task: Task[Any]) -> None: ...

    class Stream(ByteStream):
        def close(self) -> None: ...

    def reading() -> ByteFlow[None]:
        while not received or how == "goes on":
            data, _ = yield Receive(Stream(), None)
            received.append(data)
            if how == "raises":
                raise ZeroDivisionError

    reactor = Reactor({Receive: park})
    with reactor.lock:
        task = reactor.spawn(reading(), promised=False)
    reactor.wait_until(lambda: task.parked_on is not None, [])
    with reactor.lock:
        reactor.resume(task, b"for all")
        reactor.end(task)
    assert received == [b"for all"]
    assert isinstance(task.error, ClientClosed)
    reactor.close()


def test_an_effect_that_was_interrupted_ends_its_flow() -> None:
    ended: list[str] = []

    class Stream(ByteStream):
        def close(self) -> None: ...

    def perform(_task: Task[Any], _effect: Any) -> bool:
        raise KeyboardInterrupt

    def flow() -> ByteFlow[None]:
        try:
            yield Receive(Stream(), None)
        finally:
            ended.append("ended")

    reactor = Reactor({Receive: perform})
    with reactor.lock:
        task = reactor.spawn(flow(), promised=False)
    with pytest.raises(KeyboardInterrupt):
        reactor.run(sleeper(5))
    assert task.done
    assert ended == ["ended"]
    assert reactor.run(sleeper(0.01, None, 7)) == 7
    reactor.close()


def test_many_flows_at_once_cost_nothing_while_they_wait(reactor: Reactor) -> None:
    with reactor.lock:
        for _ in range(200):
            reactor.spawn(sleeper(30), promised=True)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05
    assert len(daemons()) == 1


def test_who_was_notified_before_he_sleeps_does_not_sleep() -> None:
    """A signal's handler may come between his last look and his sleep."""
    waiter = _Waiter()
    lock = threading.Lock()
    with lock, within(5):
        waiter.notify()
        waiter.sleep(lock, None)
        begun = time.monotonic()
        waiter.sleep(lock, 0.05)
        assert time.monotonic() - begun > 0.04


# Whoever strikes a thread while it holds the lock.


def test_nobody_waits_for_a_lock_that_his_own_thread_holds(reactor: Reactor) -> None:
    with reactor.lock, pytest.raises(LocalProtocolError, match="that it interrupts"), reactor.lock:
        pass
    with reactor.lock:
        done: list[str] = []
        reactor.when_free(lambda: reactor.call_from_thread(lambda: done.append("then")))
        assert done == []
    eventually(lambda: done == ["then"])


def test_ctrl_c_never_leaves_the_lock_held(reactor: Reactor) -> None:
    """Between taking it and the block, or after the block and before it is given back."""
    main = threading.get_ident()
    ends = time.monotonic() + 1.0
    interrupts = 0

    def take_and_give() -> None:
        while time.monotonic() < ends:
            with reactor.lock:
                pass

    def strike(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is take_and_give.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    def press() -> None:
        while time.monotonic() < ends:
            time.sleep(0.0005)
            signal.pthread_kill(main, signal.SIGINT)

    presses = threading.Thread(target=press)
    before = signal.signal(signal.SIGINT, strike)
    presses.start()
    try:
        while presses.is_alive():
            try:
                take_and_give()
            except KeyboardInterrupt:
                interrupts += 1
        presses.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupts > 20
    done: list[str] = []
    other = threading.Thread(
        target=lambda: reactor.call_from_thread(lambda: done.append("by another thread"))
    )
    other.start()
    other.join()
    assert done == ["by another thread"]


def test_closing_in_a_flows_last_step() -> None:
    """As a finalizer does, of what that step lets go of; nobody turns afterwards."""
    reactor = Reactor({})

    def last() -> ByteFlow[None]:
        yield Sleep(time.monotonic() + 0.01)
        reactor.when_free(reactor.close)

    with reactor.lock:
        reactor.spawn(last(), promised=True)
    eventually(lambda: reactor.closed)
    eventually(lambda: not daemons())
    assert reactor.selector.get_map() is None
    other = Reactor({})

    def own() -> ByteFlow[str]:
        yield Now()
        other.when_free(other.close)
        return "done"

    assert other.run(own()) == "done"
    assert other.closed


@pytest.mark.parametrize(
    "lacks", [(selectors, "DefaultSelector"), (socket, "socketpair")], ids=["selector", "sockets"]
)
def test_a_process_without_descriptors(lacks: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(*lacks, refuse)
        with pytest.raises(ConnectError, match="this process cannot connect to anything"):
            Reactor({})
