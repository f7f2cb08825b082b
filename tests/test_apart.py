"""Work that may block for any time, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from faulty import within
from gradio_transports.apart import Apart
from gradio_transports.reactor import Reactor

from gradio_proto.effects import Now, Signal, Sleep, TimedOut
from gradio_proto.scheduler import Task


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(10):
        yield


@dataclass
class Work:
    """An effect that is carried out apart."""

    work: Callable[[], Any]
    deadline: float | None = None
    wake: Signal | None = None


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    def perform(task: Task[Any], effect: Work) -> bool:
        Apart(made, task, effect.work, effect.deadline, effect.wake)
        return False

    made = Reactor({Work: perform})
    yield made
    made.close()
    for thread in apart():
        thread.join(5)


def apart() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gradio_proto-apart"]


def doing(
    work: Callable[[], Any], seconds: float | None = None, wake: Signal | None = None
) -> Generator[Any, Any, Any]:
    _, now = yield Now()
    return (yield Work(work, None if seconds is None else now + seconds, wake))


def test_the_answer_is_what_the_work_returns(reactor: Reactor) -> None:
    threads: list[threading.Thread] = []

    def work() -> str:
        threads.append(threading.current_thread())
        return "value"

    value, now = reactor.run(doing(work))
    assert value == "value"
    assert abs(now - time.monotonic()) < 5
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


def test_what_the_work_raises_is_raised_in_the_flow(reactor: Reactor) -> None:
    error = ValueError("no")

    def work() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as caught:
        reactor.run(doing(work))
    assert caught.value is error


def test_what_would_end_the_process_ends_the_work(reactor: Reactor) -> None:
    def work() -> None:
        raise SystemExit(3)

    with pytest.raises(RuntimeError, match=r"SystemExit\(3\) was raised in a thread"):
        reactor.run(doing(work))


@pytest.mark.parametrize("how", ["deadline", "wake"])
def test_nobody_waits_for_work_that_blocks(reactor: Reactor, how: str) -> None:
    """What comes too late is nobody's, and not the answer to what was asked next."""
    release, wake, done = threading.Event(), Signal(), threading.Event()

    def work() -> str:
        release.wait(5)
        done.set()
        return "late"

    def flow() -> Generator[Any, Any, Any]:
        try:
            first, _ = yield from doing(work, 0.02 if how == "deadline" else None, wake)
        except TimedOut:
            first = "timed out"
        second, _ = yield from doing(lambda: (release.set(), done.wait(5), time.sleep(0.02), "next")[-1])
        return first, second

    def waker() -> Generator[Any, Any, None]:
        _, now = yield Now()
        yield Sleep(now + 0.02)
        wake.set()

    if how == "wake":
        with reactor.lock:
            reactor.spawn(waker(), promised=True)
    assert reactor.run(flow()) == ("timed out" if how == "deadline" else None, "next")


def test_other_flows_go_on(reactor: Reactor) -> None:
    release = threading.Event()
    with reactor.lock:
        task = reactor.spawn(doing(lambda: release.wait(5)), promised=True)
    assert reactor.run(doing(lambda: "mine"))[0] == "mine"
    assert not task.done
    release.set()
    assert reactor.wait_until(task.is_done, task.watchers, 5)
    assert task.result[0] is True


def test_a_reactor_that_is_closed_does_not_wait(reactor: Reactor) -> None:
    release, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(5)

    with reactor.lock:
        task = reactor.spawn(doing(work), promised=True)
    assert begun.wait(5)
    began = time.monotonic()
    reactor.close()
    assert time.monotonic() - began < 1
    assert task.done
    release.set()


def test_a_thread_that_cannot_be_started(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        reactor.run(doing(lambda: None))
