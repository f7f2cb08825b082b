"""The loops that an async client runs in, in the words of tests that run in each of them.

A test is an async function that takes the fixture ``loop``::

    @on_each_loop
    async def test_naps(loop: Loop) -> None:
        await loop.sleep(0.01)

When it is over, nothing of it may be left in its loop: no task, and no error that nobody heard of.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

import pytest
import trio

T = TypeVar("T")


class Running(ABC, Generic[T]):
    """A task that was begun. Its error comes out of :meth:`result` only, and is nobody else's affair."""

    was_cancelled = False
    """It has ended since :meth:`cancel` was called, and by nothing else."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._error: Exception | None = None

    async def _run(self, function: Callable[..., Awaitable[T]], *args: Any) -> None:
        try:
            self._value = await function(*args)
        except Exception as error:
            self._error = error

    @abstractmethod
    def cancel(self) -> None:
        """Cancel it."""

    @abstractmethod
    async def ended(self) -> None:
        """Wait for its end."""

    async def result(self) -> T:
        """Wait for its end; what it returned or raised."""
        await self.ended()
        assert not self.was_cancelled
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    async def error(self) -> Exception | None:
        """Wait for its end; what it raised."""
        await self.ended()
        return self._error


class Group(ABC):
    """Tasks that end with the block in which they were begun: waited for, or cancelled if that raises."""

    @abstractmethod
    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Running[T]:
        """Begin a task."""


class Loop(ABC):
    """One of the loops."""

    name: str
    cancelled: type[BaseException]
    """What a task gets that is cancelled."""
    is_strict = True
    """Whether it looks for mistakes that a program makes with it, where it can; that takes it several times as long."""

    @abstractmethod
    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a main task to its end, in a loop of its own."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Sleep."""

    @abstractmethod
    def group(self) -> contextlib.AbstractAsyncContextManager[Group]:
        """A place for tasks."""

    @abstractmethod
    async def cut_off(self, seconds: float, function: Callable[..., Awaitable[Any]], *args: Any) -> bool:
        """Call a function, and cancel that after so many seconds; whether it came to that."""

    @abstractmethod
    def other_tasks(self) -> int:
        """How many tasks there are beside the main one."""

    async def eventually(self, true: Callable[[], Any], seconds: float = 5.0) -> None:
        """Wait until something is true; it may have to be awaited."""
        until = time.monotonic() + seconds
        while True:
            answer = true()
            if inspect.isawaitable(answer):
                answer = await answer
            if answer:
                return
            assert time.monotonic() < until, "it never came true"
            await self.sleep(0.005)


class _AsyncioRunning(Running[T]):
    def __init__(self, function: Callable[..., Awaitable[T]], *args: Any) -> None:
        super().__init__()
        self._task = asyncio.create_task(self._run(function, *args))

    def cancel(self) -> None:
        self._task.cancel()

    async def ended(self) -> None:
        await asyncio.wait([self._task])
        self.was_cancelled = self._task.cancelled()


class _AsyncioGroup(Group):
    def __init__(self) -> None:
        self.tasks: list[_AsyncioRunning[Any]] = []

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Running[T]:
        running = _AsyncioRunning(function, *args)
        self.tasks.append(running)
        return running


class AsyncioLoop(Loop):
    """A new loop of asyncio's for each run; to be strict, it is in debug mode."""

    name = "asyncio"
    cancelled = asyncio.CancelledError

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        complaints: list[dict[str, Any]] = []

        async def run() -> T:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            result = await main()
            gc.collect()  # a task whose error nobody has asked for complains when it is freed
            await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left
            return result

        result = asyncio.run(run(), debug=self.is_strict)
        assert complaints == []
        return result

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @contextlib.asynccontextmanager
    async def group(self) -> AsyncGenerator[Group]:
        group = _AsyncioGroup()
        try:
            yield group
        except BaseException:
            for task in group.tasks:
                task.cancel()
            raise
        finally:
            for task in group.tasks:
                await task.ended()

    async def cut_off(self, seconds: float, function: Callable[..., Awaitable[Any]], *args: Any) -> bool:
        try:
            await asyncio.wait_for(function(*args), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    def other_tasks(self) -> int:
        return len(asyncio.all_tasks()) - 1


class _TrioRunning(Running[T]):
    def __init__(self) -> None:
        super().__init__()
        self._scope = trio.CancelScope()
        self._ended = trio.Event()

    async def run(self, function: Callable[..., Awaitable[T]], *args: Any) -> None:
        with self._scope:
            await self._run(function, *args)
        self.was_cancelled = self._scope.cancelled_caught
        self._ended.set()

    def cancel(self) -> None:
        self._scope.cancel()

    async def ended(self) -> None:
        await self._ended.wait()


class _TrioGroup(Group):
    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Running[T]:
        running = _TrioRunning[T]()
        self._nursery.start_soon(running.run, function, *args)
        return running


class TrioLoop(Loop):
    """A run of trio's."""

    name = "trio"
    cancelled = trio.Cancelled

    def __init__(self, clock: trio.abc.Clock | None = None) -> None:
        self._clock = clock

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            result = await main()
            assert self.other_tasks() == 0
            return result

        return trio.run(run, clock=self._clock)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @contextlib.asynccontextmanager
    async def group(self) -> AsyncGenerator[Group]:
        async with trio.open_nursery() as nursery:
            yield _TrioGroup(nursery)

    async def cut_off(self, seconds: float, function: Callable[..., Awaitable[Any]], *args: Any) -> bool:
        with trio.move_on_after(seconds) as scope:
            await function(*args)
        return scope.cancelled_caught

    def other_tasks(self) -> int:
        return trio.lowlevel.current_statistics().tasks_living - 3  # two are trio's own


@pytest.fixture(params=[AsyncioLoop, TrioLoop], ids=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> Loop:
    """Each of the loops."""
    made: Loop = request.param()
    return made


def _open_files() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread or a file descriptor behind; a server's own are up to the server."""
    gc.collect()
    threads, files = {*threading.enumerate()}, _open_files()
    yield
    until = time.monotonic() + 5
    while True:
        gc.collect()
        left = [thread for thread in {*threading.enumerate()} - threads if "worker" not in thread.name]
        if not left and _open_files() <= files:
            return
        assert time.monotonic() < until, (left, _open_files() - files)
        time.sleep(0.01)


def on_each_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in the loop that its fixture gives it."""

    @functools.wraps(test)
    def run(loop: Loop, **fixtures: Any) -> None:
        loop.run(functools.partial(test, loop=loop, **fixtures))

    return run
