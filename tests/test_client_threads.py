"""The client beside other threads, signals and forks: who is interrupted, and who must not notice."""

from __future__ import annotations

import concurrent.futures
import gc
import logging
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from faulty import FaultyServer, Peer, Seen, child, code_of, interrupt, within

from gradio_proto import Client
from gradio_proto.client import Job
from gradio_proto.errors import AppError, ClientClosed, ConnectionLost, LocalProtocolError
from gradio_proto.testing import Error, TestApp, serve

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(25):
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: Any) -> Any:
        return x

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(x)

    @app.endpoint("/slow")
    def slow(seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    with serve(app) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, api_name="/echo") as made:
        yield made


def eventually(true: Callable[[], object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def never(peer: Peer, _: Seen) -> None:
    peer.begin_stream()
    peer.wait_for_end()


# Futures.


def test_waiting_for_the_first_exception_while_jobs_settle(client: Client) -> None:
    """wait() asks for exceptions while it holds the futures' locks, and the daemon settles them under its own."""
    for _ in range(10):
        jobs = [client.submit(number) for number in range(20)]
        jobs.append(client.submit("no", api_name="/fail"))
        concurrent.futures.wait(jobs, timeout=5, return_when=concurrent.futures.FIRST_EXCEPTION)
        done, pending = concurrent.futures.wait(jobs, timeout=5)
        assert not pending
        assert [type(job.exception()) for job in jobs[-1:]] == [AppError]
        assert sum(job.exception() is None for job in done) == 20


def test_the_next_output(client: Client) -> None:
    job = client.submit(3, api_name="/count")
    assert [next(job), next(job), next(job)] == [0, 1, 2]
    with pytest.raises(StopIteration):
        next(job)
    assert list(job) == [0, 1, 2]
    failed = client.submit("no", api_name="/fail")
    with pytest.raises(AppError):
        next(failed)


def test_analytics_can_be_switched_off(url: str) -> None:
    with Client(url, analytics_enabled=False) as client:
        assert client.predict("x", api_name="/echo") == "x"


class Value(list[Any]):
    """A list that can be weakly referred to."""


def test_results_are_freed(client: Client) -> None:
    """By counting references: whoever calls for megabytes does not wait for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        argument = Value(["x"])
        assert client.predict(argument) == ["x"]
        job = client.submit(argument)
        assert job.result(5) == ["x"]
        assert list(job) == [["x"]]
        seen = [weakref.ref(argument), weakref.ref(job), weakref.ref(job._job), weakref.ref(job._job.journal)]
        del argument, job
        client.predict("another")  # the thread that turned last lets go of the flow it turned
        eventually(lambda: [each() for each in seen] == [None] * 4)
    finally:
        gc.enable()


# Callbacks.


def test_a_slow_callback_holds_nobody_up(client: Client) -> None:
    go = threading.Event()
    called = threading.Event()

    def slow(_: Job) -> None:
        called.set()
        go.wait(10)

    client.submit("x").add_done_callback(slow)
    assert called.wait(5)
    began = time.monotonic()
    assert [client.submit(number).result(5) for number in range(5)] == [*range(5)]
    assert client.predict("x") == "x"
    assert time.monotonic() - began < 2
    go.set()


def test_a_callback_that_raises_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    def failing(_: Job) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, "gradio_proto"):
        job = client.submit("x")
        job.add_done_callback(failing)
        job.result(5)
        eventually(lambda: len(caplog.records) == 1)
        job.add_done_callback(failing)  # at once, on this thread
        assert len(caplog.records) == 2
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError] * 2
    assert client.submit("y").result(5) == "y"


# Threads that cannot be started.


def test_a_thread_that_cannot_be_started(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            client.submit("x")
    assert client.predict("x") == "x"
    assert client.submit("x").result(5) == "x"
    assert not client._engine.state.open_jobs


def test_a_callback_thread_that_cannot_be_started(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The job has its result all the same, and so have the others; the callback is logged as lost."""
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if "callbacks" in self.name:
            raise RuntimeError("can't start new thread")
        real(self)

    called: list[Any] = []
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "gradio_proto"):
        patch.setattr(threading.Thread, "start", start)
        jobs = [client.submit(number, result_callbacks=called.append) for number in range(3)]
        assert [job.result(5) for job in jobs] == [0, 1, 2]
    client.submit("x", result_callbacks=called.append)
    eventually(lambda: "x" in called)


@pytest.mark.usefixtures("default_sigint")
def test_ctrl_c_where_no_thread_can_be_started(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller hears of Ctrl-C, and not of the thread."""
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name == "gradio_proto":
            raise RuntimeError("can't start new thread")
        real(self)

    client.predict("x")
    eventually(lambda: "gradio_proto" not in {thread.name for thread in threading.enumerate()}, 15)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "gradio_proto"):
        patch.setattr(threading.Thread, "start", start)
        interrupt(lambda: client.predict(5, api_name="/slow"), 0.2)
    assert [record.getMessage() for record in caplog.records] == [
        "a call was left, and its server is not told of that: can't start new thread"
    ]
    assert client.predict("x") == "x"
    assert not client._engine.state.open_jobs


def test_an_interrupt_just_before_the_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call was not sent yet, and is not sent by the next one."""
    transport = client._engine.transport

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transport, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.predict(5, api_name="/slow")
    assert not client._engine.state.open_jobs
    began = time.monotonic()
    assert client.predict("x") == "x"
    assert time.monotonic() - began < 4


# Closing.


def test_cancelling_while_the_client_is_closed(url: str) -> None:
    for pause in (0.0, 0.0005, 0.001, 0.003):
        client = Client(url, api_name="/echo")
        jobs = [client.submit(10**6, api_name="/count") for _ in range(8)]
        for job in jobs[:2]:
            next(job)
        closing = threading.Timer(pause, client.close)
        closing.start()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(Job.cancel, jobs))
        closing.join()
        for job, cancelled in zip(jobs, answers, strict=True):
            assert job.cancel_report is not None
            assert job.cancel_report.reason
            assert cancelled == job.cancel_report.cancelled
            assert job.done()


CALLS: list[Callable[[Client], Any]] = [
    lambda client: client.predict("x"),
    lambda client: client.submit("x").result(),
]


def test_closing_from_a_signals_handler() -> None:
    with FaultyServer({"queue/data": never}) as server:
        called: list[float] = []

        def close(_number: int, _frame: FrameType | None) -> None:
            called.append(time.monotonic())
            client.close()

        before = signal.signal(signal.SIGUSR1, close)
        try:
            for call in CALLS:
                client = Client(server.url)
                threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                with pytest.raises(ClientClosed):
                    call(client)
                assert time.monotonic() - called[-1] < 1
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert len(called) == 2


def test_waiting_in_a_signals_handler_is_a_mistake() -> None:
    with FaultyServer({"queue/data": never}) as server, Client(server.url) as client:
        raised: list[BaseException] = []

        def call(_number: int, _frame: FrameType | None) -> None:
            try:
                client.predict("y")
            except BaseException as error:
                raised.append(error)
            client.close()

        before = signal.signal(signal.SIGUSR1, call)
        try:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(ClientClosed):
                client.predict("x")
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert [type(error) for error in raised] == [LocalProtocolError]


# Ctrl-C.


@pytest.fixture
def default_sigint() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_sigint")
def test_ctrl_c_beside_the_jobs_of_other_threads(client: Client) -> None:
    stop = threading.Event()
    results: list[Any] = []
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                value = f"{thread}/{number}"
                results.append(client.submit(value).result(10) == value)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(20):
            kept = client.submit(0.1, api_name="/slow")
            began = time.monotonic()
            interrupt(lambda: client.predict(2, api_name="/slow"), 0.03 + number / 1000)
            assert time.monotonic() - began < 1
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            assert kept.result(5) == "slept"
    finally:
        stop.set()
    for thread in threads:
        thread.join(5)
    assert errors == []
    assert all(results)
    assert len(results) > 20
    assert client.predict("x") == "x"


@pytest.mark.usefixtures("default_sigint")
def test_ctrl_c_in_a_call_stops_its_generator() -> None:
    yielded: list[int] = []
    app = TestApp()

    @app.endpoint("/ticks")
    def ticks() -> Iterator[int]:
        for tick in range(1000):
            yielded.append(tick)
            if tick == 5:
                os.kill(os.getpid(), signal.SIGINT)
            yield tick
            time.sleep(0.01)

    with serve(app) as address, Client(address) as client:
        with pytest.raises(KeyboardInterrupt):
            client.predict(api_name="/ticks")
        before = -1
        while before != len(yielded):
            before = len(yielded)
            time.sleep(0.2)
        assert before < 900


def test_a_programs_own_handler_stays(client: Client) -> None:
    called: list[int] = []

    def own(number: int, _frame: FrameType | None) -> None:
        called.append(number)

    before = signal.signal(signal.SIGINT, own)
    try:
        jobs = [client.submit(0.2, api_name="/slow") for _ in range(3)]
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        assert client.predict(0.3, api_name="/slow") == "slept"
        assert [job.result(5) for job in jobs] == ["slept"] * 3
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert called == [signal.SIGINT]


# Forks.


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_while_other_threads_run_jobs(client: Client) -> None:
    stop = threading.Event()
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            while not stop.is_set():
                job = client.submit(thread)
                assert job.result(10) == thread
                assert client.predict(thread) == thread
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    codes: list[int] = []
    try:
        for number in range(20):
            kept = client.submit(number)

            def run(kept: Job = kept) -> None:
                error = kept.exception(5)
                assert error is None or isinstance(error, ConnectionLost)
                assert client.predict("child") == "child"

            pid = child(run)
            codes.append(code_of(pid))
            assert kept.result(5) == number
    finally:
        stop.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert codes == [0] * 20
    assert errors == []
    assert client.predict("parent") == "parent"


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_a_thread_looks_at_a_future(client: Client) -> None:
    """The lock of a future that somebody holds is held for ever in the child, unless it gets another."""
    job = client.submit(0.5, api_name="/slow")
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with job._condition:
            held.set()
            go.wait(10)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert held.wait(5)

    def run() -> None:
        assert isinstance(job.exception(5), ConnectionLost)
        assert client.predict("child") == "child"

    pid = child(run)
    go.set()
    assert code_of(pid) == 0
    thread.join(5)
    assert job.result(5) == "slept"


@needs_fork
@pytest.mark.usefixtures("default_sigint")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_ctrl_c_in_a_child_that_another_thread_forked(client: Client) -> None:
    """The main thread held Ctrl-C back then, and is not there any more to raise it."""
    codes: list[int] = []

    def run() -> None:
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert client.predict("child") == "child"

    def fork() -> None:
        pid = child(run)
        codes.append(code_of(pid))

    jobs = [client.submit(0.5, api_name="/slow") for _ in range(3)]
    forking = threading.Timer(0.2, fork)
    forking.start()
    assert client.predict(0.6, api_name="/slow") == "slept"
    forking.join()
    assert codes == [0]
    assert [job.result(5) for job in jobs] == ["slept"] * 3


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_job_of_a_client_that_was_closed_can_be_asked_in_a_child(url: str) -> None:
    with Client(url) as client:
        job = client.submit(3, api_name="/count")
        assert job.result(5) == 2

    def run() -> None:
        assert job.status().code.value == "FINISHED"
        assert job.outputs() == [0, 1, 2]
        client.close()

    pid = child(run)
    assert code_of(pid) == 0
    assert job.outputs() == [0, 1, 2]
