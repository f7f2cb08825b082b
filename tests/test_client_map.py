"""``map()``: an endpoint over many inputs, of the blocking client and of the async one."""

from __future__ import annotations

import asyncio
import gc
import io
import multiprocessing
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
import trio
from faulty import within
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto import AsyncClient, Client, MapProgress
from gradio_proto.client import AsyncMapIterator, MapIterator
from gradio_proto.client.mapping import (
    CONCURRENCY,
    WINDOW,
    MapOptions,
    Outcome,
    Window,
    arguments_of,
)
from gradio_proto.client.progress_line import ProgressLine, described
from gradio_proto.errors import AppError, ArgumentError, ClientClosed, GradioError
from gradio_proto.testing import Context, Error, TestApp, serve
from gradio_proto.testing.memory import MemoryTransport


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(30):
        yield


class Hall:
    """How many are in it, and how many were at the most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inside = self.most = self.seen = 0
        self.gate = threading.Event()

    def __enter__(self) -> None:
        with self._lock:
            self.seen += 1
            self.inside += 1
            self.most = max(self.inside, self.most)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.inside -= 1


def app_with(hall: Hall) -> TestApp:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/double")
    def double(n: float, plus: float = 0) -> float:
        with hall:
            if n < 0:
                raise Error(f"{n} is negative")
            return 2 * n + plus

    @app.endpoint("/late")
    def late(n: float) -> float:
        """The first input takes the longest."""
        with hall:
            if n == 0:
                hall.gate.wait(10)
            else:
                time.sleep(0.002)
            return n

    @app.endpoint("/stuck")
    def stuck(n: float) -> Iterator[float]:
        with hall:
            while not hall.gate.wait(0.005):
                yield n

    @app.endpoint("/kind", inputs=["json"])
    def kind(x: Any) -> str:
        return type(x).__name__

    @app.endpoint("/session")
    def session(n: float, *, context: Context) -> str:
        return f"{context.session_hash}"

    return app


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.gate.set()  # nobody waits in there any more


@pytest.fixture
def url(hall: Hall) -> Iterator[str]:
    with serve(app_with(hall)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, api_name="/double") as made:
        yield made


def eventually(true: Callable[[], object]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


class Counting:
    """Inputs without end, that know how many were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[int]:
        while True:
            self.read += 1
            yield self.read - 1


# The window.


@settings(deadline=None)
@given(st.integers(0), st.integers(0, 60), st.integers(1, 5), st.booleans(), st.none() | st.integers(1, 3))
def test_every_result_is_given_once_and_never_are_there_too_many(
    seed: int, inputs: int, concurrency: int, ordered: bool, max_workers: int | None
) -> None:
    chance = random.Random(seed)
    window = Window(MapOptions(concurrency, ordered), max_workers, inputs)
    at_once = min(concurrency, max_workers or concurrency)
    begun: list[int] = []
    ended: list[int] = []
    given: list[int] = []
    while not window.is_over:
        while window.wants_input():
            index = window.number()
            if index == inputs:
                window.end_inputs()
            else:
                window.begin(index)
                begun.append(index)
        on_their_way = [index for index in begun if index not in ended]
        assert len(on_their_way) == window.on_their_way <= at_once
        assert len(begun) - len(given) <= at_once * WINDOW
        assert on_their_way or window.has_news()  # or nobody would ever wake who waits
        for index in chance.sample(on_their_way, chance.randint(0, len(on_their_way))):
            window.settle(index, Outcome(-index))
            ended.append(index)
        while chance.random() < 0.8 and (taken := window.take()) is not None:
            assert taken[1].value == -taken[0]
            assert window.index == taken[0]
            given.append(taken[0])
    assert given == (list(range(inputs)) if ordered else ended)
    assert sorted(given) == list(range(inputs))
    assert window.take() is None


def test_a_window_that_is_closed_forgets() -> None:
    window = Window(MapOptions(), None, None)
    woken: list[str] = []
    window.begin(window.number(), "first")
    window.begin(window.number(), "second")
    window.settle(0, Outcome(1))
    window.hooks.append(lambda: woken.append("closed"))
    assert window.close() == ["second"]
    assert (woken, window.is_over, window.wants_input(), window.take()) == (["closed"], True, False, None)
    window.settle(1, Outcome(2))
    assert window.take() is None


@pytest.mark.parametrize(
    ("given", "args", "kwargs"),
    [
        ("text", ("text",), {}),
        (None, (None,), {}),
        ([1, 2], ([1, 2],), {}),
        ((1, 2), (1, 2), {}),
        ((), (), {}),
        ({"a": 1}, (), {"a": 1}),
        (({"a": 1},), ({"a": 1},), {}),
        (((1, 2),), ((1, 2),), {}),
    ],
)
def test_what_an_input_means(given: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert arguments_of(given) == (args, kwargs)


def test_progress_says_what_is_known() -> None:
    assert MapProgress(0, 0, 0, 10, 0.0).seconds_left is None
    assert MapProgress(5, 0, 0, None, 2.0).seconds_left is None
    progress = MapProgress(20, 1, 10, 50, 4.0)
    assert (progress.per_second, progress.seconds_left) == (5.0, 4.0)
    window = Window(MapOptions(return_exceptions=True), None, 1)
    for index in (window.number(), window.number()):
        window.begin(index)
        window.settle(index, Outcome(None, ValueError()))
    assert window.progress(1.0) == MapProgress(2, 2, 0, None, 1.0)  # there were more than was said


# Results.


def test_results_come_in_the_order_of_their_inputs(client: Client, hall: Hall) -> None:
    assert list(client.map(range(100))) == [2 * n for n in range(100)]
    assert list(client.map([])) == []
    results = client.map(range(5), api_name="/late", concurrency=2)
    threading.Timer(0.1, hall.gate.set).start()
    assert list(results) == [0, 1, 2, 3, 4]
    assert hall.most > 1


def test_results_come_as_they_come(client: Client, hall: Hall) -> None:
    given = []
    for index, value in client.map(range(100), api_name="/late", ordered=False).indexed():
        assert value == index
        given.append(index)
        if len(given) == 99:
            hall.gate.set()
    assert given[-1] == 0
    assert sorted(given) == list(range(100))


def test_each_result_has_its_index(client: Client) -> None:
    results = client.map([5, 6, 7], skip={1})
    assert results.index is None
    assert list(results.indexed()) == [(0, 10), (2, 14)]
    assert results.index == 2
    assert repr(results) == "<MapIterator of /double, last index 2>"
    with pytest.raises(StopIteration):
        next(results)


def test_an_input_is_all_arguments_of_a_call(client: Client) -> None:
    assert list(client.map([1, (2, 1), {"n": 3, "plus": 5}, (4,)])) == [2, 5, 11, 8]
    assert list(client.map([[1, 2], ({"a": 1},), ((1, 2),), "x"], api_name="/kind")) == [
        "list",
        "dict",
        "list",
        "str",
    ]


def test_an_endpoint_keeps_its_options(client: Client) -> None:
    endpoint = client.endpoint("/session", isolate=True)
    sessions = list(endpoint.map(range(5)))
    assert len({*sessions, client.session_hash}) == 6
    assert len(set(client.map(range(5), api_name="/session"))) == 1
    assert len(set(client.map(range(5), api_name="/session", isolate=True))) == 5


# Errors.


def collect(results: MapIterator, given: list[Any]) -> None:
    for value in results:
        given.append(value)


def test_an_error_ends_the_iteration_in_its_turn(client: Client, hall: Hall) -> None:
    inputs = Counting()
    results = client.map((5 - n for n in inputs), concurrency=4)
    given = []
    with pytest.raises(AppError, match="-1"):
        collect(results, given)
    assert given == [10, 8, 6, 4, 2, 0]
    assert results.index == 6
    assert inputs.read <= 6 + 1 + 4 * WINDOW
    assert list(results) == []
    eventually(lambda: not client._engine.state.open_jobs)
    with pytest.raises(AppError):
        list(client.map([1, -1, 2], ordered=False))


def test_errors_as_values(client: Client) -> None:
    results = list(client.map([1, -1, 2, object(), (1, 2, 3), {1: 2}, {"m": 1}], return_exceptions=True))
    assert [results[0], results[2]] == [2, 4]
    errors = [results[1], *results[3:]]
    assert [type(error) for error in errors] == [AppError, ArgumentError, TypeError, TypeError, TypeError]
    assert str(errors[1]).startswith("input 3: an argument cannot be sent")
    assert str(errors[2]).startswith("input 4: /double() takes")
    assert "give (argument,)" in str(errors[2])
    assert str(errors[3]).startswith("input 5: a mapping is")
    with pytest.raises(ArgumentError, match="input 1: "):
        list(client.map([1, object()]))
    assert (
        list(client.map([1, 2], return_exceptions=True, api_name="/stuck", concurrency=1, skip=range(2)))
        == []
    )


def test_what_reading_the_inputs_raises_comes_last(client: Client) -> None:
    def inputs() -> Iterator[int]:
        yield from range(50)
        raise OSError("the disk is gone")

    given = []
    with pytest.raises(OSError, match="the disk is gone"):
        collect(client.map(inputs(), return_exceptions=True), given)
    assert given == [2 * n for n in range(50)]


def test_a_closed_client_is_no_value(client: Client) -> None:
    results = client.map(Counting(), return_exceptions=True)
    next(results)
    client.close()
    with pytest.raises(ClientClosed):
        list(results)
    with pytest.raises(ClientClosed):
        next(client.map([1], return_exceptions=True))


def test_a_call_that_cannot_be_carried_leaves_no_job(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def spawn(flow: Any, *, promised: bool) -> None:
        flow.close()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(client._engine.transport, "spawn", spawn)
    with pytest.raises(RuntimeError, match="thread"):
        next(client.map([1], return_exceptions=True))
    assert not client._engine.state.open_jobs


def test_mistakes_are_told_at_once(client: Client) -> None:
    for wrong, told in [
        ({"inputs": "abc"}, "use predict"),
        ({"inputs": 5}, "not iterable"),
        ({"inputs": [], "skip": 5}, r"skip=range\(1000\)"),
        ({"inputs": [], "concurrency": "4"}, "concurrency must be an int"),
        ({"inputs": [], "progress": 5}, "progress must be callable"),
        ({"inputs": [], "executor": 5}, "executor needs a submit"),
    ]:
        with pytest.raises(TypeError, match=told):
            client.map(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        client.map([], concurrency=0)
    with pytest.raises(ArgumentError, match="/nothing"):
        client.map([], api_name="/nothing")


# Bounds.


def test_inputs_are_read_when_they_are_needed(client: Client) -> None:
    inputs = Counting()
    results = client.map(inputs)
    time.sleep(0.02)
    assert inputs.read == 0
    for taken in range(1, 200):
        assert next(results) == 2 * (taken - 1)
        assert inputs.read <= taken + CONCURRENCY * WINDOW
    results.close()


def test_who_is_slow_finds_the_server_at_work(client: Client, hall: Hall) -> None:
    results = client.map(Counting(), concurrency=4)
    next(results)
    for taken in range(1, 20):
        eventually(lambda: hall.inside == 0)
        seen = hall.seen
        assert next(results) == 2 * taken
        eventually(lambda before=seen: hall.seen > before)  # another call takes the place of each
    results.close()


def test_an_input_may_depend_on_the_result_before(client: Client) -> None:
    given = [1.0]

    def inputs() -> Iterator[float]:
        while given[-1] < 1000:
            yield given[-1]

    for value in client.map(inputs(), concurrency=1):
        given.append(value)
    assert given == [2**n for n in range(11)]


@pytest.mark.parametrize(("concurrency", "max_workers", "most"), [(3, None, 3), (None, 2, 2), (1, 5, 1)])
def test_calls_on_their_way_are_bounded(
    url: str, hall: Hall, concurrency: int | None, max_workers: int | None, most: int
) -> None:
    with Client(url, max_workers=max_workers) as client:
        results = client.map(range(1, 30), api_name="/late", concurrency=concurrency)
        assert list(results) == list(range(1, 30))
    assert hall.most <= most


def test_what_was_done_before_is_skipped(client: Client, hall: Hall) -> None:
    done = {3: "x", 7: "y"}
    inputs = [-1 if n in done else n for n in range(10)]
    done |= dict(client.map(inputs, skip=done, ordered=False).indexed())
    assert {index: done[index] for index in sorted(done)} == {
        n: {3: "x", 7: "y"}.get(n, 2 * n) for n in range(10)
    }
    assert hall.seen == 8
    assert list(client.map(iter(range(100)), skip=range(98)).indexed()) == [(98, 196), (99, 198)]
    assert hall.seen == 10


# The end before the end.


def leave(results: MapIterator) -> None:
    for _ in results:
        break


def test_who_leaves_early_leaves_no_job_behind(client: Client, hall: Hall) -> None:
    for value in client.map(Counting(), ordered=False):
        if value >= 20:
            break
    eventually(lambda: not client._engine.state.open_jobs)
    with client.map(Counting(), api_name="/stuck") as results:
        results._read_inputs()
        assert len(client._engine.state.open_jobs) == CONCURRENCY
        eventually(lambda: hall.inside == CONCURRENCY)
    assert not client._engine.state.open_jobs
    eventually(lambda: hall.inside == 0)  # the server has stopped them, too
    results.close()
    with pytest.raises(StopIteration):
        next(results)
    assert client.predict(1) == 2


def test_one_that_the_collector_finds_waits_for_the_lock(client: Client) -> None:
    results = client.map(Counting(), api_name="/stuck")
    results._read_inputs()
    knot: list[Any] = [results]
    knot.append(knot)
    state = client._engine.state
    with client._engine.transport.lock:
        del results, knot
        gc.collect()
        assert state.open_jobs
    eventually(lambda: not state.open_jobs)


def test_one_that_was_never_iterated_has_done_nothing(client: Client) -> None:
    inputs = Counting()
    client.map(inputs, progress=True)
    gc.collect()
    assert inputs.read == 0


def test_ctrl_c_loses_no_result(client: Client) -> None:
    def inputs() -> Iterator[int]:
        yield 1
        yield 2

    pressed = []

    def progress(_: MapProgress) -> None:
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    results = client.map(inputs(), progress=progress)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert list(results) == [2, 4]


def test_it_has_no_thread_of_its_own(client: Client) -> None:
    before = {*threading.enumerate()}
    list(client.map(range(50)))
    started = {thread.name for thread in {*threading.enumerate()} - before}
    assert {name for name in started if "worker" not in name} <= {"gradio_proto"}


# Progress.


def test_progress_is_told(client: Client) -> None:
    told: list[MapProgress] = []
    results = client.map([1, -1, 2, 3], skip={3}, return_exceptions=True, progress=told.append)
    assert told == []
    list(results)
    assert [progress.done for progress in told] == sorted({progress.done for progress in told})
    last = told[-1]
    assert (last.done, last.failed, last.skipped, last.total) == (3, 1, 1, 4)
    assert 0 < last.seconds < 30
    list(client.map(iter("12"), progress=told.append, api_name="/kind"))
    assert told[-1].total == 2  # an iterator that knows how much it has
    list(client.map((n for n in "12"), progress=told.append, api_name="/kind"))
    assert told[-1].total is None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_on_a_terminal(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    list(client.map(range(30), progress=True))
    shown = stderr.getvalue()
    assert shown.startswith("\r/double [")
    assert shown.endswith("\n")
    assert shown.count("\n") == 1
    assert "[####################] 30/30, " in shown.rsplit("\r", 1)[1]
    stderr.truncate(0)
    leave(client.map(Counting(), progress=True))
    gc.collect()
    assert stderr.getvalue().count("\n") == 1


def test_the_line_elsewhere(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    list(client.map(range(30), progress=True))
    assert stderr.getvalue().count("\n") == 1
    assert "\r" not in stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", None)
    assert list(client.map(range(3), progress=True)) == [0, 2, 4]
    stderr.close()
    monkeypatch.setattr(sys, "stderr", stderr)
    with pytest.raises(ValueError, match="closed file"):
        stderr.isatty()
    line = ProgressLine("\x1b[31mred")
    monkeypatch.setattr(sys, "stderr", again := io.StringIO())
    for seconds in (1.0, 9.9, 10.5, 12.0, 20.6):
        line(MapProgress(int(seconds), 0, 0, None, seconds))
    line.end(MapProgress(21, 0, 0, None, 21.0))
    assert again.getvalue() == (
        "\\x1b[31mred 10, 1.0/s, 0:10\n\\x1b[31mred 20, 1.0/s, 0:21\n\\x1b[31mred 21, 1.0/s, 0:21\n"
    )


def test_a_line_grows_and_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stderr := Terminal())
    line = ProgressLine("/f")
    line(MapProgress(100, 10, 0, None, 1.0))
    line(MapProgress(101, 10, 0, None, 1.05))  # too soon
    line(MapProgress(102, 0, 0, None, 2.0))
    line.end(MapProgress(102, 0, 0, None, 2.0))
    assert stderr.getvalue() == "\r/f 100, 10 failed, 100/s, 0:01\r/f 102, 51/s, 0:02            \n"


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (MapProgress(0, 0, 0, 10, 0.0), "[--------------------] 0/10, 0:00"),
        (
            MapProgress(2500, 3, 2500, 50_000, 100.0),
            "[##------------------] 5,000/50,000, 3 failed, 25/s, 30:00 left",
        ),
        (MapProgress(10, 0, 0, 100_000, 10.0), "[--------------------] 10/100,000, 1.0/s, 27:46:30 left"),
        (MapProgress(0, 0, 0, 0, 1.0), "0, 0:01"),
    ],
)
def test_what_the_line_says(progress: MapProgress, text: str) -> None:
    assert described(progress) == text


# The same for tasks of a loop.

Run = Callable[[Callable[[], Awaitable[None]]], None]


def run_asyncio(main: Callable[[], Any]) -> None:
    asyncio.run(main())


@pytest.fixture(params=[run_asyncio, trio.run], ids=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


async def a_moment() -> None:
    if asyncio._get_running_loop() is not None:
        await asyncio.sleep(0.001)
    else:
        await trio.sleep(0.001)


async def slowly(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await a_moment()
        yield number


def test_the_async_twin(run: Run, url: str, hall: Hall) -> None:
    async def main() -> None:
        async with AsyncClient(url, api_name="/double") as client:
            assert [value async for value in client.map(range(50))] == [2 * n for n in range(50)]
            pairs = [pair async for pair in client.map(slowly(20), skip={3}, concurrency=3).indexed()]
            assert pairs == [(n, 2 * n) for n in range(20) if n != 3]
            given = []
            async for index, value in client.map(range(30), api_name="/late", ordered=False).indexed():
                assert index == value
                given.append(index)
                if len(given) == 29:
                    hall.gate.set()
            assert given[-1] == 0
            results = client.map([1, -1, (1, 2, 3)], return_exceptions=True)
            kinds = [type(value) async for value in results]
            assert kinds == [int, AppError, TypeError]
            with pytest.raises(AppError):
                [value async for value in client.endpoint("/double").map([1, -1])]
            with pytest.raises(TypeError, match="not iterable"):
                client.map(5)  # type: ignore[arg-type]

    run(main)


def test_what_async_inputs_raise_comes_last(run: Run, url: str) -> None:
    async def failing() -> AsyncIterator[int]:
        async for number in slowly(5):
            yield number
        raise OSError("gone")

    async def collect_all(results: AsyncMapIterator, given: list[Any]) -> None:
        async for value in results:
            given.append(value)

    async def main() -> None:
        async with AsyncClient(url, api_name="/double") as client:
            given: list[Any] = []
            with pytest.raises(OSError, match="gone"):
                await collect_all(client.map(failing(), progress=lambda _: None), given)
            assert given == [0, 2, 4, 6, 8]

    run(main)


def test_a_task_that_leaves_early_leaves_no_job_behind(run: Run, url: str, hall: Hall) -> None:
    async def main() -> None:
        async with AsyncClient(url, api_name="/double") as client:
            state = client._engine.state
            async for value in client.map(Counting()):
                if value > 20:
                    break
            gc.collect()
            assert await client.predict(1) == 2  # whoever awaits something lets the rest be given up
            assert not state.open_jobs
            async with client.map(Counting(), api_name="/stuck") as results:
                await results._read_inputs()
                assert len(state.open_jobs) == CONCURRENCY
            assert not state.open_jobs
            await results.close()
            assert [value async for value in results] == []

    run(main)


def test_a_cancelled_task_loses_no_result(url: str, hall: Hall) -> None:
    async def main() -> None:
        async with AsyncClient(url) as client:
            results = client.map(range(3), api_name="/late")
            with trio.move_on_after(0.05) as scope:
                await results.__anext__()
            assert scope.cancelled_caught
            hall.gate.set()
            assert [value async for value in results] == [0, 1, 2]

    trio.run(main)


# In memory, where nothing happens by itself.


class AtOnce(ThreadPoolExecutor):
    """One that has no threads: it runs what it is given before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_in_memory(hall: Hall) -> None:
    with Client("http://app", transport=MemoryTransport.to(app_with(hall)), api_name="/double") as client:
        assert list(client.map(range(200), ordered=False)) == [2 * n for n in range(200)]
        with pytest.raises(GradioError):
            list(client.map([1, -1]))
        for value in client.map(Counting()):
            if value == 20:
                break
        assert client.predict(1) == 2
        assert not client._engine.state.open_jobs
        assert list(client.map([1, 2], executor=AtOnce(1))) == [2, 4]
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, spawning) as pool, pytest.raises(TypeError, match="transport is no name"):
            client.map([1], executor=pool)
