"""The network in memory: what a flow asks for happens, in the chosen order, and time passes when nothing else can."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import CLOSE, GradioScript, ScriptedServer, World, an_app, http, make_state, real_world

from gradio_proto import Client
from gradio_proto.effects import (
    Connect,
    IsQuiet,
    Now,
    Receive,
    RunInThread,
    Send,
    Signal,
    Sleep,
    StartTLS,
    TimedOut,
    Wait,
)
from gradio_proto.errors import ClientClosed, ConnectError, ConnectionLost, GradioError
from gradio_proto.flows.requests import fetch
from gradio_proto.limits import Limits
from gradio_proto.testing import Context, ServerProtocol, TestApp
from gradio_proto.testing.memory import Deadlock, MemoryRunner, MemoryTransport
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import Origin

REQUEST = b"GET / HTTP/1.1\r\nhost: app\r\n\r\n"


def runner(*steps: Any, **options: Any) -> Any:
    """A runner whose server answers every request so."""
    return MemoryRunner(ScriptedServer(lambda asked: steps), **options)  # type: ignore[arg-type]


def connected() -> Generator[Any, Any, Any]:
    stream, _ = yield Connect("app", 80, None)
    return stream


def asking(deadline: float | None = None, wake: Signal | None = None) -> Generator[Any, Any, Any]:
    stream = yield from connected()
    yield Send(stream, REQUEST, None)
    data, now = yield Receive(stream, deadline, wake)
    return data, now


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2", "4.0.2"])
def test_the_earliest_servers(version: str) -> None:
    app = TestApp(version=version)

    @app.endpoint()
    def double(x: str) -> str:
        return x * 2

    @app.endpoint()
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    memory = MemoryRunner(ServerProtocol(app), split=lambda data: [data[:3], data[3:]])
    with Client("http://app", transport=MemoryTransport.to(memory)) as client:
        jobs = [client.submit(letter, api_name="/double", isolate=True) for letter in "ab"]
        assert [job.result() for job in jobs] == ["aa", "bb"]
        job = client.submit(5, api_name="/count")
        assert next(iter(job)) == 0
        for stream in memory.streams:
            stream.break_off()
        with pytest.raises(ConnectionLost):
            job.result()


# Effects.


def test_bytes_go_there_and_back() -> None:
    memory = runner(b"hello")
    assert memory.run(asking()) == (b"hello", 0.0)
    assert [type(effect) for effect in memory.effects] == [Connect, Send, Receive]
    assert memory.streams[0].number == 0
    assert memory.tasks == []


def test_bytes_are_split_and_stay_in_order() -> None:
    def flow() -> Generator[Any, Any, Any]:
        stream = yield from connected()
        yield Send(stream, REQUEST, None)
        pieces = []
        while data := (yield Receive(stream, None))[0]:
            pieces.append(data)
        return pieces

    memory = runner(b"abc", b"de", CLOSE, split=lambda data: [b"", data[:1], data[1:]])
    assert memory.run(flow()) == [b"a", b"bc", b"d", b"e"]


def test_tls_is_the_same_stream() -> None:
    def flow() -> Generator[Any, Any, Any]:
        stream = yield from connected()
        secure, _ = yield StartTLS(stream, "app", None)
        return secure is stream

    assert runner().run(flow())


def test_refused_connections() -> None:
    memory = runner()
    memory.refuses = True
    with pytest.raises(ConnectError, match="app:80"):
        memory.run(connected())
    assert memory.streams == []


def test_waits_end_with_their_deadline_or_their_signal() -> None:
    def flow(signal: Signal, deadline: float | None) -> Generator[Any, Any, Any]:
        return (yield Wait(signal, deadline))

    memory, signal = runner(), Signal()
    assert memory.run(flow(signal, 3.0)) == (False, 3.0)
    task = memory.spawn(flow(signal, None))
    memory.settle()
    assert not task.is_done()
    signal.set()
    assert memory.run_until(task.is_done)
    assert task.result == (True, 3.0)
    assert memory.run(flow(signal, None)) == (True, 3.0)  # set already


def test_sleep_and_now() -> None:
    def flow() -> Generator[Any, Any, Any]:
        yield Sleep(2.5)
        return (yield Now())

    assert runner().run(flow()) == (None, 2.5)


def test_what_would_be_run_in_a_thread_is_run_at_once() -> None:
    def flow(work: Callable[[], Any]) -> Generator[Any, Any, Any]:
        try:
            return (yield RunInThread(work, 1.0))
        except GradioError as error:
            return error

    def fail() -> None:
        raise error

    error = GradioError("no")
    assert runner().run(flow(lambda: "value")) == ("value", 0.0)
    assert runner().run(flow(fail)) is error


@pytest.mark.parametrize("when", ["before", "while"])
def test_receiving_is_woken(when: str) -> None:
    memory, signal = runner(), Signal()
    if when == "before":
        signal.set()
    task = memory.spawn(asking(wake=signal))
    memory.settle()
    assert task.done is (when == "before")
    signal.set()
    memory.run_until(task.is_done)
    assert task.result == (None, 0.0)


def test_receiving_times_out() -> None:
    memory = runner(10.0, b"late")
    with pytest.raises(TimedOut):
        memory.run(asking(deadline=4.0))
    assert memory.now == 4.0


def test_a_server_that_takes_its_time() -> None:
    memory = runner(5.0, lambda: None, 5.0, b"late")
    assert memory.run(asking()) == (b"late", 10.0)


def test_a_broken_connection_fails_in_every_use() -> None:
    def flow(stream: Any, doing: Any) -> Generator[Any, Any, Any]:
        return (yield doing(stream))[0]

    for doing in (lambda s: Send(s, b"x", None), lambda s: Receive(s, None)):
        memory = runner()
        stream = memory.run(connected())
        assert memory.run(flow(stream, IsQuiet))
        waiting = memory.spawn(flow(stream, lambda s: Receive(s, None)))
        memory.settle()
        stream.break_off()
        memory.run_until(waiting.is_done)
        assert isinstance(waiting.error, ConnectionLost)
        assert not memory.run(flow(stream, IsQuiet))
        with pytest.raises(ConnectionLost):
            memory.run(flow(stream, doing))


def test_bytes_for_a_broken_connection_are_lost() -> None:
    memory = runner(b"x")
    task = memory.spawn(asking())
    memory.run_until(lambda: bool(memory.streams and memory.streams[0].under_way))
    memory.streams[0].break_off()
    memory.run_until(task.is_done)
    memory.settle()
    assert isinstance(task.error, ConnectionLost)
    assert not memory.streams[0].inbox


def test_the_server_learns_of_a_close_and_a_second_one_does_nothing() -> None:
    memory = runner()
    stream = memory.run(connected())
    stream.close()
    stream.close()
    assert memory.server.lost == []
    memory.settle()
    assert memory.server.lost == [0]


def test_sending_to_a_server_that_has_closed_fails() -> None:
    def flow() -> Generator[Any, Any, Any]:
        stream = yield from connected()
        yield Send(stream, REQUEST, None)
        assert (yield Receive(stream, None))[0] == b""
        assert not (yield IsQuiet(stream))[0]
        yield Send(stream, REQUEST, None)

    with pytest.raises(ConnectionLost):
        runner(CLOSE).run(flow())


# Cancelling.


@given(st.integers(0, 3), st.booleans())
def test_whoever_is_cancelled_has_not_done_what_it_was_about_to_do(steps: int, throws: bool) -> None:
    memory = runner(b"hello")
    task = memory.spawn(asking())
    while task.steps < steps:
        memory._may_happen.pop(0)()
    memory.cancel(task, KeyError("mine") if throws else None)
    memory.cancel(task)
    memory.settle()
    assert task.done
    assert task.steps == steps
    # Steps: connect, send, receive; each takes effect only as the flow goes on.
    assert len(memory.streams) == (1 if steps >= 2 else 0)
    assert len(memory.server.asked) == (1 if steps >= 3 else 0)
    if throws:
        assert isinstance(task.error, KeyError)


def test_received_bytes_outlive_a_receiver_who_was_cancelled() -> None:
    def receive(stream: Any) -> Generator[Any, Any, Any]:
        return (yield Receive(stream, None))[0]

    def send(stream: Any) -> Generator[Any, Any, Any]:
        yield Send(stream, REQUEST, None)

    memory = runner(b"hello")
    stream = memory.run(connected())
    task = memory.spawn(receive(stream))
    memory.settle()
    memory.run(send(stream))
    memory.run_until(lambda: bool(stream.inbox))
    memory.cancel(task)
    assert memory.run(receive(stream)) == b"hello"


def test_a_flow_that_swallows_its_cancellation_is_closed() -> None:
    def stubborn() -> Generator[Any, Any, Any]:
        try:
            yield Sleep(5.0)
        except KeyError:
            yield Sleep(6.0)

    memory = runner()
    task = memory.spawn(stubborn())
    memory.settle()
    memory.cancel(task, KeyError("mine"))
    assert task.done
    assert task.error is None


def test_what_a_run_is_interrupted_by_ends_its_flow() -> None:
    def interrupt(_: int) -> int:
        raise KeyboardInterrupt

    memory = runner(choose=interrupt)
    with pytest.raises(KeyboardInterrupt):
        memory.run(connected())
    assert memory.tasks == []


# Turning.


def test_a_deadlock_is_said_to_be_one() -> None:
    def flow() -> Generator[Any, Any, Any]:
        yield Wait(Signal(), None)

    with pytest.raises(Deadlock, match="waiting"):
        runner().run(flow())


def test_waiting_ends_at_the_callers_deadline() -> None:
    memory = runner()
    assert not memory.run_until(lambda: False, 7.0)
    assert memory.now == 7.0


def test_choices_decide_what_happens_first() -> None:
    def flow(name: str, log: list[str]) -> Generator[Any, Any, Any]:
        yield Now()
        log.append(name)

    orders = set()
    for choice in (0, 1):
        log: list[str] = []
        memory = runner(choose=lambda most, choice=choice: min(choice, most - 1))
        memory.spawn(flow("a", log))
        memory.spawn(flow("b", log))
        memory.settle()
        orders.add("".join(log))
    assert orders == {"ab", "ba"}


@given(st.lists(st.integers(0, 5), max_size=80), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_the_same_choices_give_the_same_run(choices: list[int], size: int) -> None:
    def run() -> Any:
        left = iter(choices)
        world = real_world()
        world.runner._choose = lambda most: next(left, 0) % most
        world.runner._split = lambda data: [data[at : at + size] for at in range(0, len(data), size)]
        jobs = [world.begin("/count", 3), world.begin("/echo", "x")]
        world.finish(*jobs)
        assert [begun.job.result() for begun in jobs] == [[0, 1, 2], "x"]
        assert jobs[0].outputs == [[0], [0, 1], [0, 1, 2]]
        world.close()
        return [type(effect) for effect in world.runner.effects], world.runner.now

    assert run() == run()


def test_what_a_function_reports_while_it_runs() -> None:
    app = TestApp()

    @app.endpoint("/tell")
    def tell(text: str, *, context: Context) -> str:
        context.info("on it")
        return text

    world = real_world(app)
    begun = world.begin("/tell", "x")
    assert world.result(begun) == "x"
    assert begun.job.log == ("on it", "info")
    world.close()


def sleepy_app() -> TestApp:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/sleep")
    def sleep(seconds: float, *, context: Context) -> str:
        context.info("before")
        context.sleep(seconds)
        context.info("between")
        context.sleep(seconds)
        context.info("after")
        return f"slept {seconds:g}"

    @app.endpoint("/slow_count")
    def slow_count(n: int, *, context: Context) -> Iterator[int]:
        for i in range(n):
            yield i
            context.sleep(10)

    return app


def test_a_function_that_sleeps_takes_virtual_time() -> None:
    world = real_world(sleepy_app())
    begun = world.begin("/sleep", 50)
    logs: list[tuple[float, Any]] = []
    for until in (0, 49, 51, 99):
        world.runner.run_until(lambda: False, until)
        logs.append((world.runner.now, begun.job.log))
        assert not begun.job.is_settled
    assert logs == [
        (0, ("before", "info")),
        (49, ("before", "info")),
        (51, ("between", "info")),
        (99, ("between", "info")),
    ]
    assert world.result(begun) == "slept 50"
    assert begun.job.log == ("after", "info")
    assert world.runner.now == 100
    world.close()


def test_functions_sleep_side_by_side() -> None:
    with client(MemoryRunner(ServerProtocol(sleepy_app()))) as mine:
        runner = mine._engine.transport.runner  # type: ignore[attr-defined]
        long, short, counting = (
            mine.submit(30, api_name="/sleep"),
            mine.submit(1, api_name="/sleep"),
            mine.submit(3, api_name="/slow_count"),
        )
        assert short.result() == "slept 1"
        assert runner.now == 2
        assert [next(counting) for _ in range(3)] == [0, 1, 2]
        assert runner.now == 20
        assert not long.done()
        assert counting.result() == 2
        assert runner.now == 30
        assert long.result() == "slept 30"
        assert runner.now == 60


def test_what_sleeping_functions_tell_stays_in_order() -> None:
    """Whichever of two things that happen at one time is chosen first."""
    for choose in (lambda most: 0, lambda most: most - 1):  # type: ignore[misc]
        world = real_world(sleepy_app())
        world.runner._choose = choose
        begun = [world.begin("/sleep", 0.5) for _ in range(2)]
        world.finish(*begun)
        assert [each.job.log for each in begun] == [("after", "info")] * 2
        assert [each.job.result() for each in begun] == ["slept 0.5"] * 2
        world.close()


# The transport.


def client(target: Any, **options: Any) -> Client:
    return Client("http://app", transport=MemoryTransport.to(target), **options)


@pytest.mark.parametrize("kind", ["app", "server", "runner"])
def test_a_client_over_an_app_a_server_or_a_runner(kind: str) -> None:
    app: Any = an_app()
    if kind != "app":
        app = ServerProtocol(app)
    if kind == "runner":
        app = MemoryRunner(app)
    with client(app) as mine:
        assert mine.predict("x", api_name="/echo") == "x"
        job = mine.submit(3, api_name="/count")
        assert job.result() == [0, 1, 2]
        assert mine.session_hash == "session1"
        assert mine._engine.transport.wall_clock().year == 2000


def test_callbacks_are_called_when_the_waiting_is_over() -> None:
    called: list[Any] = []
    with client(an_app()) as mine:
        job = mine.submit("x", api_name="/echo", result_callbacks=[called.append])
        assert called == []
        job.result()
        assert called == ["x"]


def test_waiting_for_a_job_ends_in_virtual_time() -> None:
    script = GradioScript(an_app(), joins=[[100.0, http(200, b'{"event_id": "e1"}')]])
    memory = MemoryRunner(ScriptedServer(script))  # type: ignore[arg-type]
    with client(memory) as mine:
        job = mine.submit("x", api_name="/echo")
        with pytest.raises(TimeoutError):
            job.result(timeout=5)
        assert memory.now == 5.0


def test_a_closed_transport_runs_nothing_and_leaves_nothing() -> None:
    memory = MemoryRunner(ServerProtocol(an_app()))
    mine, other = client(memory), client(memory)
    job, others = mine.submit(5, api_name="/count"), other.submit(3, api_name="/count")
    mine.close()
    mine.close()
    with pytest.raises(ClientClosed):
        job.result()
    assert others.result() == [0, 1, 2]  # which is not of that client
    other.close()
    assert memory.tasks == []
    assert all(stream.closed for stream in memory.streams)


def test_flows_that_come_after_the_end() -> None:
    options = TransportOptions(origin=Origin("http", "app", 80), limits=Limits(), timeouts=Timeouts())
    transport = MemoryTransport.to(an_app())(options)
    state = make_state()
    assert transport.run(fetch(state, "GET", "/config")).status == 200
    transport.spawn(fetch(state, "GET", "/config"), promised=True)  # type: ignore[arg-type]
    assert transport.monotonic() == 0.0
    assert (transport.token(), transport.token(), transport.jitter()) == ("session1", "session2", 0.5)
    transport.on_fork(lambda: None)
    with transport.lock:
        transport.close()
    with pytest.raises(ClientClosed):
        transport.run(fetch(state, "GET", "/config"))
    assert isinstance(World(transport.runner.server).runner, MemoryRunner)
