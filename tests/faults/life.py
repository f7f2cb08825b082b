"""What can happen to a client, and to the process that it is in."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import errno
import gc
import logging
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import partial
from typing import Any, Literal

from at_effects import at_effect
from canaries import leaks
from faulty import FaultyServer, Peer, Seen
from ways import Async, Asyncio, Trio, run_now

from gradio_proto import AsyncClient, handle_file
from gradio_proto.errors import ClientClosed, FileError, GradioError, JobCancelled, LocalProtocolError
from gradio_proto.testing import TestApp, serve
from gradio_proto.testing.files import File

from . import programs
from .answers import silent, streams
from .bench import Bench
from .model import CLIENTS, ClientName, Expected, Fault, Gives, Use, raises
from .processes import leaves
from .servers import faulty
from .uses import works

# Servers.

never = streams(ends=False, then=silent)
"""A stream that says nothing."""


def unread(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """The body of the request is not read, until the client has gone."""
    poll = select.poll()
    poll.register(peer.sock, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    poll.poll(30_000)


mute = faulty({"queue/data": never}, times=None)


def the_app() -> TestApp:
    """An app that is well."""
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/predict")
    def predict(x: str) -> str:
        return "ok"

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    @app.endpoint("/ticks")
    def ticks(n: int) -> Iterator[int]:
        for number in range(n):
            time.sleep(0.01)
            yield number

    @app.endpoint("/move", inputs=["file"], outputs=["file"])
    def move(file: File) -> File:
        return File("y.bin", file.data)

    return app


@contextlib.contextmanager
def well(_: Bench) -> Generator[str]:
    """Nothing is wrong with it."""
    with serve(the_app()) as url:
        yield url


OPTIONS: dict[str, Any] = {"api_name": "/predict"}

OK = Gives()


def fault(
    id: str,
    happens: str,
    use: Use,
    *,
    served: Callable[[Bench], Any] = well,
    expect: Expected = OK,
    clients: tuple[ClientName, ...] = CLIENTS,
    seconds: float = 60.0,
    **options: Any,
) -> Fault:
    """One of this group."""
    return Fault(
        id=f"life/{id}",
        happens=happens,
        phase="life",
        served=served,
        use=use,
        expect=expect,
        clients=clients,
        seconds=seconds,
        options={**OPTIONS, **options},
    )


# A caller is cancelled: by a scope, as a task, by Ctrl-C.

Act = Callable[[Any], Coroutine[Any, Any, Any]]


async def predict(client: Any) -> None:
    assert await client.predict("x") == "ok"


async def iterate(client: Any) -> None:
    job = await client.submit(3, api_name="/count")
    assert [output async for output in job] == [0, 1, 2]


async def move(client: Any) -> None:
    path = await client.predict(handle_file(b"x" * 100_000, name="x.bin"), api_name="/move")
    assert programs.size_of(path) == 100_000


async def cancel(client: Any) -> None:
    assert await (await client.submit(1000, api_name="/ticks")).cancel()


def cancelled(act: Act, stride: int = 1) -> Use:
    """A user who is cancelled at one effect after the other, beside a job of his that must not notice."""

    async def use(bench: Bench) -> Any:
        number = 1
        async with bench.client() as client:
            while True:
                sibling = await client.submit(3, api_name="/count")
                arm = partial(at_effect, bench.way, client._engine.transport, number)
                struck = await bench.way.until_cancelled(partial(act, client), arm)
                assert await sibling.result(timeout=5) == 2
                await works(client)
                if not struck:
                    break
                number += stride
        assert number > 2
        return "ok"

    return use


async def cancelled_while_connecting(bench: Bench) -> Any:
    """A user who is cancelled at one effect after the other, until he has a client."""
    number = 1
    made: list[Any] = []

    def transport(options: Any) -> Any:
        made.append(bench.way.transport(options))
        stack.enter_context(at_effect(bench.way, made[-1], number, strike))
        return made[-1]

    @contextlib.contextmanager
    def arm(cancel: Callable[[], object]) -> Generator[None]:
        nonlocal strike
        strike = cancel
        yield

    async def connect() -> None:
        async with bench.client(transport=transport) as client:
            opened.append(client)

    strike: Callable[[], object] = int
    while True:
        opened: list[Any] = []
        with contextlib.ExitStack() as stack:
            struck = await bench.way.until_cancelled(connect, arm)
        bench.way.assert_at_rest(made[-1])
        if not struck:
            break
        number += 1
    assert number > 8
    return "ok"


async def cancelled_beforehand(bench: Bench) -> Any:
    """Whoever is cancelled already sends nothing."""
    async with bench.client() as client:
        joins = len(bench.server.seen("queue/join"))

        @contextlib.contextmanager
        def at_once(cancel: Callable[[], object]) -> Generator[None]:
            cancel()
            yield

        assert await bench.way.until_cancelled(partial(client.predict, "x"), at_once)
        assert len(bench.server.seen("queue/join")) == joins
        await works(client)
    return "ok"


async def a_sibling_fails(bench: Bench) -> Any:
    """A group of callers is cancelled since one of them fails."""

    async def fail() -> None:
        await bench.way.sleep(0.05)
        raise ZeroDivisionError

    async with bench.client() as client:
        waiting = [partial(client.predict, 10**6, api_name="/ticks")] * 5
        try:
            await _in_a_group(bench, [*waiting, fail])
        except ZeroDivisionError:
            await works(client)
            return "ok"
    raise AssertionError


async def _in_a_group(bench: Bench, functions: list[Callable[[], Coroutine[Any, Any, Any]]]) -> None:
    if isinstance(bench.way, Trio):
        try:
            await bench.way.together(*functions)
        except BaseException as error:
            [inner] = error.exceptions  # type: ignore[attr-defined]
            raise inner from None
        return
    tasks = [asyncio.ensure_future(function()) for function in functions]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Ends.


def closed_during(act: Act) -> Use:
    """A user who closes the client at one effect after the other of another caller's."""

    async def use(bench: Bench) -> Any:
        number = 1
        while await _closed_at(bench, act, number):
            number += 3
        assert number > 4
        return "ok"

    return use


async def _closed_at(bench: Bench, act: Act, number: int) -> bool:
    """Close when a caller has come to the effect of that number; whether he has come so far."""
    client = await bench.open()
    came, is_over = threading.Event(), threading.Event()

    async def call() -> None:
        try:
            await act(client)
        except ClientClosed:
            pass
        finally:
            is_over.set()

    async def close() -> None:
        while not came.is_set() and not is_over.is_set():
            await bench.way.sleep(0.0005)
        began = time.monotonic()
        await client.close()
        assert time.monotonic() - began < 1

    with at_effect(bench.way, client._engine.transport, number, came.set):
        await bench.way.together(call, close)
    return came.is_set()


async def closed_with_open_jobs(bench: Bench) -> Any:
    client = await bench.open()
    job = await client.submit("x")
    await client.close()
    await client.close()
    assert await job.done()
    assert not await job.cancel()
    return await job.result()


async def used_after_its_end(bench: Bench) -> Any:
    client = await bench.open()
    await works(client)
    await client.close()
    for call in partial(client.submit, "x"), client.refresh, partial(client.view_api, print_info=False):
        with contextlib.suppress(ClientClosed):
            await call()
    return await client.predict("x")


async def closed_by_a_callback(bench: Bench) -> Any:
    client = await bench.open()
    job = await client.submit("x", api_name="/predict")
    waiting = await client.submit(10**6, api_name="/ticks")
    await job.add_done_callback(lambda _: client.blocking.close())
    return await waiting.result()


async def closed_by_a_signal(bench: Bench) -> Any:
    """A signal's handler closes the client at one effect after the other of a call, in the middle of a flow's step."""
    clients: list[Any] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: clients[-1].blocking.close())
    number, missed = 1, 0
    try:
        # Only what happens while the main thread waits can be struck, and now and then the client's own thread has done
        # it all before that: so an effect is past the last one when it could not be struck three times.
        while missed < 3:
            clients.append(await bench.open())
            if await _is_struck_at(bench, clients[-1], number):
                number, missed = number + 1, 0
            else:
                missed += 1
            await clients[-1].close()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert number > 4
    return "ok"


async def _is_struck_at(bench: Bench, client: Any, number: int) -> bool:
    """Whether the signal has ended the calls."""
    strike = partial(signal.raise_signal, signal.SIGUSR1)
    try:
        with at_effect(bench.way, client._engine.transport, number, strike):
            job = await client.submit("x")
            assert await job.result() == await client.predict("x") == "ok"
    except ClientClosed:
        assert client._engine.transport._reactor.closed
        return True
    return False


# What nobody holds any more.


def _warned(warned: list[warnings.WarningMessage]) -> list[str]:
    gc.collect()
    return [str(each.message) for each in warned if each.category is ResourceWarning]


async def forgotten(bench: Bench) -> Any:
    """Whoever forgets a client is told so, once, and its connections are closed."""
    made: list[Any] = []

    def transport(options: Any) -> Any:
        made.append(bench.way.transport(options))
        return made[-1]

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        client = await bench.open(transport=transport)
        await works(client)
        assert _warned(warned) == []
        del client
        [said] = _warned(warned)
        assert said.startswith(("unclosed <Client of ", "unclosed <AsyncClient of "))
    bench.way.assert_at_rest(made[0])
    return "ok"


async def forgotten_with_open_jobs(bench: Bench) -> Any:
    """A job that is kept keeps its client open; then whoever forgets both is told so, once."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        client = await bench.open()
        job = await client.submit(3, api_name="/count")
        del client
        assert _warned(warned) == []
        assert await job.result(timeout=5) == 2
        del job
        [_] = _warned(warned)
    return "ok"


async def forgotten_in_a_cycle(bench: Bench) -> Any:
    """The garbage collector finds them."""

    class Node:
        def __init__(self, **held: Any) -> None:
            self.held = held
            self.other = self

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        client = await bench.open()
        node = Node(client=client, job=await client.submit(5, api_name="/ticks"))
        del client, node
        # A blocking client goes on with what was submitted.
        for _ in range(200):
            if said := _warned(warned):
                break
            await bench.way.sleep(0.01)
        # The collector finalizes a cycle in an order of its own: on Python 3.10 it comes to sockets before it comes to
        # the client that closes them, and they say so too.
        if sys.version_info < (3, 11):
            said = [text for text in said if not text.startswith("unclosed <socket.socket ")]
        assert len(said) == 1
    return "ok"


async def closed_by_a_finalizer(bench: Bench) -> Any:
    """``__del__`` of something that owns a client closes it, in whichever thread the collector strikes."""
    ended: list[bool] = []

    class Owner:
        def __init__(self, client: Any) -> None:
            self.client = client
            self.itself = self

        def __del__(self) -> None:
            self.client.close()
            ended.append(True)

    for number in range(5):
        client = await bench.open()
        job = await client.submit(10**6, api_name="/ticks")
        owner = Owner(client.blocking)
        await client.predict(number)
        del client, job, owner
        gc.collect()
    assert len(ended) == 5
    return "ok"


async def forgotten_jobs(bench: Bench) -> Any:
    """Jobs whose outputs still come, and iterators left in the middle, hold nobody up and leave nothing."""
    async with bench.client() as client:
        for _ in range(20):
            await client.submit(50, api_name="/count")
            async for _ in await client.submit(50, api_name="/ticks"):
                break
            gc.collect()
        await works(client)
    return "ok"


async def collected_all_the_time(bench: Bench) -> Any:
    """The garbage collector strikes at every allocation that it can strike at."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        async with bench.client() as client:
            await works(client)
            assert await (await client.submit(3, api_name="/count")).result() == 2
            await works(client)
    finally:
        gc.set_threshold(*before)
    return "ok"


async def switched_all_the_time(bench: Bench) -> Any:
    """Threads are switched between any two bytecodes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        async with bench.client() as client:

            async def call() -> None:
                for _ in range(5):
                    await predict(client)
                    await iterate(client)

            await bench.way.together(*[call] * 6)
    finally:
        sys.setswitchinterval(before)
    return "ok"


# Callbacks.


class Heard(logging.Handler):
    """What a program that has set up logging finds in its log, and not on its terminal."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException | None] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.exc_info[1] if record.exc_info else None)

    def __enter__(self) -> list[BaseException | None]:
        logging.getLogger("gradio_proto").addHandler(self)
        return self.errors

    def __exit__(self, *_: object) -> None:
        logging.getLogger("gradio_proto").removeHandler(self)


def with_callback(callback: Callable[[Any, Any], object], logged: type[Exception] | None = None) -> Use:
    """A user who has something called with the client and the job, and calls on; what it raises is logged, once."""

    async def use(bench: Bench) -> Any:
        called = threading.Event()
        with Heard() as heard:
            value = await called_back(bench, called)
        assert [type(error) for error in heard] == ([] if logged is None else [logged])
        return value

    async def called_back(bench: Bench, called: threading.Event) -> Any:
        async with bench.client() as client:

            def call(job: Any) -> None:
                try:
                    callback(client, job)
                finally:
                    called.set()

            job = await client.submit("x")
            await job.add_done_callback(call)
            assert await job.result(timeout=5) == "ok"
            while not called.is_set():
                await works(client)
            await works(client)
            assert await (await client.submit("x")).result(timeout=5) == "ok"
            return await job.result()

    return use


def fail(_: Any, __: Any) -> None:
    raise ZeroDivisionError


def call_on(client: Any, job: Any) -> None:
    assert client.blocking.predict("x") == "ok"
    assert client.blocking.submit("x").result(5) == "ok"
    assert job.result() == "ok"


def drag(_: Any, __: Any) -> None:
    time.sleep(0.2)


async def an_iteration_fails(bench: Bench) -> Any:
    """The user's own code fails in the middle of an iteration, again and again."""
    async with bench.client() as client:
        for _ in range(10):
            job = await client.submit(50, api_name="/ticks")
            with contextlib.suppress(ZeroDivisionError):
                async for _ in job:
                    raise ZeroDivisionError
            assert await job.cancel()
        await works(client)
    return "ok"


async def a_wait_is_over_again_and_again(bench: Bench) -> Any:
    async with bench.client() as client:
        job = await client.submit(20, api_name="/ticks")
        for _ in range(100):
            try:
                return await job.result(timeout=0.01)
            except TimeoutError:
                continue
    raise AssertionError


async def a_job_is_cancelled(bench: Bench) -> Any:
    async with bench.client() as client:
        job = await client.submit(10**6, api_name="/ticks")
        await anext(job) if hasattr(job, "__anext__") else next(job.blocking)
        assert await job.cancel()
        try:
            return await job.result()
        finally:
            await works(client)


# Other threads, other loops.


def _in_a_thread(function: Callable[[], Any]) -> Any:
    """What a function returns or raises on a thread."""
    got: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            got.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(15)
    assert not thread.is_alive()
    if errors:
        raise errors.pop()
    return got[0]


async def used_by_another_thread(bench: Bench) -> Any:
    async with bench.client() as client:
        await works(client)
        try:
            return _in_a_thread(lambda: run_now(client.predict("x")))
        finally:
            await works(client)


def used_in_another_loop(kind: Literal["same", "other"]) -> Use:
    """A user who has a loop in another thread, and the client of this one in it."""

    async def use(bench: Bench) -> Any:
        same = type(bench.way)
        way = same() if kind == "same" else (Trio() if same is Asyncio else Asyncio())
        async with bench.client() as client:
            await works(client)
            try:
                return _in_a_thread(lambda: way.run(partial(client.predict, "x")))
            finally:
                await works(client)

    return use


async def outlives_its_loop(bench: Bench) -> Any:
    """``asyncio.run()`` twice, with one client."""
    way = type(bench.way)()
    clients: list[Any] = []

    async def first() -> None:
        clients.append(await bench.open())
        await works(clients[0])

    async def second() -> Any:
        return await clients[0].predict("x")

    async def third() -> None:
        await clients[0].close()

    try:
        _in_a_thread(lambda: way.run(first))
        return _in_a_thread(lambda: way.run(second))
    finally:
        _in_a_thread(lambda: way.run(third))


async def a_loop_within(bench: Bench) -> Any:
    """A loop in a thread, within a loop, each with a client of its own, one after the other and at once."""
    way = type(bench.way)()

    async def inner() -> Any:
        async with bench.client() as client:
            await works(client)
            return await client.predict("x")

    async with bench.client() as client:
        job = await client.submit(10, api_name="/ticks")
        assert [_in_a_thread(lambda: way.run(inner)) for _ in range(3)] == ["ok"] * 3
        assert await job.result() == 9
        return await client.predict("x")


async def no_loop(bench: Bench) -> Any:
    """A coroutine of a client is run by nothing that it knows."""
    return _in_a_thread(lambda: run_now(_open_one(bench)))


async def _open_one(bench: Bench) -> None:
    await AsyncClient(bench.url)


# Copies.


def _plain(bench: Bench) -> dict[str, Any]:
    """The options of a client without a transport of its own: one that can be pickled."""
    return {**bench.options, "download_files": str(bench.directory)}


async def pickled(bench: Bench) -> Any:
    """A pickle of an open client with open jobs carries its options, and neither its secrets nor its jobs."""
    from .bench import SECRETS

    client = await bench.way.open(bench.url, **{**_plain(bench), **SECRETS})
    try:
        await client.submit(10**6, api_name="/ticks")
        whole = _whole(client)
        data = pickle.dumps(whole)
        assert not leaks(data)
        again = pickle.loads(data)  # noqa: S301 - our own
        await works(client)
        return await _one_call(bench, again)
    finally:
        await client.close()


async def copied(bench: Bench, how: Callable[[Any], Any]) -> Any:
    """A copy is another client of the same app."""
    client = await bench.way.open(bench.url, **_plain(bench))
    try:
        job = await client.submit(10, api_name="/ticks")
        value = await _one_call(bench, how(_whole(client)))
        assert await job.result() == 9
        await works(client)
        return value
    finally:
        await client.close()


def _whole(client: Any) -> Any:
    return getattr(client, "blocking", client)


async def _one_call(bench: Bench, client: Any) -> Any:
    if isinstance(bench.way, Async):
        async with client:
            return await client.predict("x")
    with client:
        return client.predict("x")


async def job_pickled(bench: Bench) -> Any:
    """A job is a conversation that goes on here, and nowhere else."""
    async with bench.client() as client:
        job = await client.submit("x")
        try:
            return pickle.dumps(_whole(job))
        finally:
            assert await job.result() == "ok"


async def pickled_with_a_transport(bench: Bench) -> Any:
    async with bench.client() as client:
        try:
            return pickle.dumps(_whole(client))
        finally:
            await works(client)


# A process that lacks something.


async def deep_in_the_stack(bench: Bench) -> Any:
    """A caller who has all but used up the stack: at every depth it is an error or a value, and the next call works."""
    came: set[str] = set()
    async with bench.client() as client:
        await works(client)
        for left in range(20, 160, 5):  # with less, trio's own parts have no room either
            with _frames_left(left):
                try:
                    came.add(str(await client.predict("x")))
                except (RecursionError, GradioError) as error:
                    came.add(type(error).__name__)
            await works(client)
    assert "ok" in came
    assert len(came) > 1
    return "ok"


@contextlib.contextmanager
def _frames_left(left: int) -> Generator[None]:
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    before, trace = sys.getrecursionlimit(), sys.gettrace()
    sys.settrace(None)  # what measures coverage would need some of them, and fail
    sys.setrecursionlimit(depth + left)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        sys.settrace(trace)


def no_write(code: int) -> Use:
    """A user whose disk refuses what is written to a download; nothing of it stays, and the next one is well."""

    async def use(bench: Bench) -> Any:
        real = os.write

        def write(file: int, data: Any) -> int:
            if len(data) > 50_000:
                raise OSError(code, os.strerror(code))
            return real(file, data)

        async with bench.client() as client:
            os.write = write
            try:
                return await client.predict(handle_file(bytes(1_000_000), name="x.bin"), api_name="/move")
            finally:
                os.write = real
                assert [*bench.directory.iterdir()] == []
                await move(client)

    return use


def no_open(code: int) -> Use:
    """A user in whose directory no file can be created, and then one can."""

    async def use(bench: Bench) -> Any:
        real = os.open

        def open_(path: Any, flags: int, *more: Any, **options: Any) -> int:
            if str(path).endswith(".part"):
                raise OSError(code, os.strerror(code), path)
            return real(path, flags, *more, **options)

        async with bench.client() as client:
            os.open = open_
            try:
                return await client.predict(handle_file(b"x", name="x.bin"), api_name="/move")
            finally:
                os.open = real
                assert [*bench.directory.iterdir()] == []
                await move(client)

    return use


async def the_directory_vanishes(bench: Bench) -> Any:
    """Somebody tidies up between two downloads."""
    async with bench.client(download_files=str(bench.directory / "kept")) as client:
        for _ in range(3):
            path = await client.predict(handle_file(b"x", name="x.bin"), api_name="/move")
            os.unlink(path)
            os.rmdir(os.path.dirname(path))
            (bench.directory / "kept").rmdir()
    return "ok"


async def no_thread(bench: Bench) -> Any:
    """No thread can be started: a job that would need one is refused, and what needs none works."""
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name.startswith("gradio_proto") and "worker" not in self.name:
            raise RuntimeError("can't start new thread")
        real(self)

    async with bench.client() as client:
        threading.Thread.start = start  # type: ignore[method-assign]
        try:
            await works(client)
            return await client.submit("x")
        finally:
            threading.Thread.start = real  # type: ignore[method-assign]
            await works(client)
            assert await (await client.submit("x")).result() == "ok"


# Clocks.


async def the_clock_is_set(bench: Bench) -> Any:
    """The time of day jumps by years, to and fro."""
    real = time.time
    offset = 0.0

    async with bench.client() as client:
        time.time = lambda: real() + offset
        try:
            for offset in 1e9, -1e9, 1e9, 0.0:  # noqa: B007 - read by the clock
                job = await client.submit(5, api_name="/ticks")
                await works(client)
                assert await job.result(timeout=5) == 4
        finally:
            time.time = real
    return "ok"


async def connections_died_in_sleep(bench: Bench) -> Any:
    """The machine has slept: the server has given up every connection meanwhile, and this clock has not noticed."""
    async with bench.client() as client:
        await works(client)
        for peer in bench.server._peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RD)  # its thread finds the end, and closes
        await bench.way.sleep(0.02)
        await works(client)
    return "ok"


BLOCKING: tuple[ClientName, ...] = ("blocking",)
ASYNC: tuple[ClientName, ...] = ("trio", "asyncio")

ELSEWHERE = raises(LocalProtocolError, "belongs to the loop")

NOT_ON_THIS_PYTHON = {"life/deep-in-the-stack"} if sys.version_info >= (3, 12) else set[str]()
"""From Python 3.12 on what C calls takes no frame. So there is hardly a depth at which the frames run out in a flow:
they run out before that in the loop itself, or they do not."""

FAULTS = (
    # Cancellation.
    fault("cancelled-calling", "The caller is cancelled at each effect of a call.", cancelled(predict)),
    fault(
        "cancelled-iterating", "The caller is cancelled at each effect of a generator.", cancelled(iterate)
    ),
    fault(
        "cancelled-moving-files",
        "The caller is cancelled while a file goes up and comes down.",
        cancelled(move, 3),
    ),
    fault("cancelled-cancelling", "The caller is cancelled while he cancels a job.", cancelled(cancel)),
    fault(
        "cancelled-connecting",
        "The caller is cancelled at each effect of connecting.",
        cancelled_while_connecting,
    ),
    fault(
        "cancelled-beforehand",
        "The caller is cancelled before he calls.",
        cancelled_beforehand,
        served=faulty(),
        clients=ASYNC,
    ),
    fault("a-sibling-fails", "A task fails in a group whose others wait.", a_sibling_fails, clients=ASYNC),
    fault(
        "a-job-is-cancelled",
        "A generator is cancelled in the middle.",
        a_job_is_cancelled,
        expect=raises(JobCancelled, exactly=False),
    ),
    # Close.
    fault("closed-while-calling", "Somebody closes at each effect of a call.", closed_during(predict)),
    fault("closed-while-iterating", "Somebody closes at each effect of a generator.", closed_during(iterate)),
    fault("closed-while-moving-files", "Somebody closes while files move.", closed_during(move)),
    fault(
        "closed-with-an-open-job",
        "The client is closed twice, with an open job.",
        closed_with_open_jobs,
        served=mute,
        expect=raises(ClientClosed),
    ),
    fault("used-after-its-end", "A closed client is used.", used_after_its_end, expect=raises(ClientClosed)),
    fault(
        "closed-by-a-callback",
        "A callback closes the client that others wait for.",
        closed_by_a_callback,
        clients=BLOCKING,
        expect=raises(ClientClosed),
    ),
    fault(
        "closed-by-a-signal",
        "A signal's handler closes at each effect of a call.",
        closed_by_a_signal,
        clients=BLOCKING,
    ),
    fault(
        "a-thousand-jobs-closed",
        "The client is closed with 1,000 open jobs on a silent server.",
        leaves(programs.closes_a_thousand_jobs),
        served=mute,
    ),
    # Garbage.
    fault("forgotten", "Nobody closes the client.", forgotten),
    fault(
        "forgotten-with-a-job", "Nobody closes the client of a job that is kept.", forgotten_with_open_jobs
    ),
    fault(
        "forgotten-in-a-cycle", "Nobody closes a client in a cycle, with an open job.", forgotten_in_a_cycle
    ),
    fault("forgotten-jobs", "Nobody keeps jobs whose outputs still come.", forgotten_jobs),
    fault(
        "closed-by-a-finalizer",
        "A finalizer closes a client with an open job.",
        closed_by_a_finalizer,
        clients=BLOCKING,
    ),
    fault("collected-all-the-time", "The garbage collector never rests.", collected_all_the_time),
    fault(
        "switched-all-the-time",
        "Six callers are switched between any two bytecodes.",
        switched_all_the_time,
    ),
    # Callbacks and other code of the user's.
    fault("a-callback-fails", "A callback raises.", with_callback(fail, ZeroDivisionError)),
    fault("a-callback-calls", "A callback calls the client.", with_callback(call_on), clients=BLOCKING),
    fault("a-callback-drags", "A callback takes its time.", with_callback(drag)),
    fault("an-iteration-fails", "The body of a loop over outputs raises.", an_iteration_fails),
    fault(
        "a-wait-times-out",
        "A wait is given up many times, and taken up again.",
        a_wait_is_over_again_and_again,
        expect=Gives(19),
    ),
    # Threads and loops.
    fault(
        "another-thread",
        "Another thread uses the client, without a loop.",
        used_by_another_thread,
        clients=ASYNC,
        expect=ELSEWHERE,
    ),
    fault(
        "another-thread-calls", "Another thread uses the client.", used_by_another_thread, clients=BLOCKING
    ),
    fault(
        "another-loop",
        "Another loop of the same kind uses the client.",
        used_in_another_loop("same"),
        clients=ASYNC,
        expect=ELSEWHERE,
    ),
    fault(
        "another-kind-of-loop",
        "A loop of another kind uses the client.",
        used_in_another_loop("other"),
        clients=ASYNC,
        expect=ELSEWHERE,
    ),
    fault(
        "run-twice", "The loop ends, and another begins.", outlives_its_loop, clients=ASYNC, expect=ELSEWHERE
    ),
    fault("run-within", "A loop runs in a thread, within a loop.", a_loop_within),
    fault(
        "no-loop",
        "There is no loop.",
        no_loop,
        clients=ASYNC,
        expect=raises(LocalProtocolError, "neither trio nor asyncio"),
    ),
    # Copies.
    fault("pickled", "An open client with secrets and jobs is pickled.", pickled),
    fault("copied", "An open client is copied.", partial(copied, how=copy.copy)),
    fault("copied-deeply", "An open client is copied deeply.", partial(copied, how=copy.deepcopy)),
    fault("job-pickled", "A job is pickled.", job_pickled, expect=raises(TypeError, "cannot", exactly=True)),
    fault(
        "pickled-with-a-transport",
        "A client with a transport of the user's own is pickled.",
        pickled_with_a_transport,
        expect=raises(TypeError, "cannot be pickled"),
    ),
    # A process that lacks something.
    # To close a socket takes frames, too: where they run out just then, a blocking client leaves it to the collector.
    fault("deep-in-the-stack", "The stack has a few frames left.", deep_in_the_stack, clients=ASYNC),
    fault(
        "disk-full",
        "The disk is full in the middle of a download.",
        no_write(errno.ENOSPC),
        expect=raises(FileError, os.strerror(errno.ENOSPC)),
    ),
    fault(
        "disk-broken",
        "The disk fails in the middle of a download.",
        no_write(errno.EIO),
        expect=raises(FileError, os.strerror(errno.EIO)),
    ),
    fault(
        "disk-forbidden",
        "No file may be created where a download goes.",
        no_open(errno.EACCES),
        expect=raises(FileError, os.strerror(errno.EACCES)),
    ),
    fault(
        "disk-read-only",
        "The disk is mounted for reading only.",
        no_open(errno.EROFS),
        expect=raises(FileError, os.strerror(errno.EROFS)),
    ),
    fault("disk-quota", "No file may grow.", leaves(programs.has_a_disk_quota)),
    fault("disk-tidied", "The directory of downloads is removed between them.", the_directory_vanishes),
    fault("no-working-directory", "The working directory has gone.", leaves(programs.has_no_directory)),
    fault(
        "no-descriptors-connecting",
        "No descriptor is left when the client connects.",
        leaves(programs.has_no_descriptors_to_connect),
    ),
    fault(
        "no-descriptors-calling",
        "No descriptor is left when a call needs a stream.",
        leaves(programs.has_no_descriptors_to_call),
    ),
    fault(
        "no-descriptors-downloading",
        "No descriptor is left for a download.",
        leaves(programs.has_no_descriptors_to_download),
    ),
    fault(
        "no-standard-streams",
        "Standard input, output and error are closed.",
        leaves(programs.has_no_standard_streams),
    ),
    fault(
        "no-threads",
        "No thread can be started for a job.",
        no_thread,
        clients=BLOCKING,
        expect=raises(RuntimeError, "can't start new thread"),
    ),
    # Clocks.
    fault("clock-set", "The time of day jumps by years.", the_clock_is_set),
    fault(
        "slept",
        "The machine wakes up, and the server has given up every connection.",
        connections_died_in_sleep,
        served=faulty(),
    ),
    fault(
        "stopped",
        "The process stands still for longer than its deadlines, in the middle of a stream.",
        leaves(programs.is_stopped, stopped_for=programs.STANDS_STILL),
    ),
    # Ends of the process.
    fault(
        "end-with-open-jobs",
        "The program ends with open jobs.",
        leaves(programs.ends_with_open_jobs),
        served=mute,
    ),
    fault(
        "exit-with-open-jobs",
        "The program exits within its blocks, with open jobs.",
        leaves(programs.exits_with_open_jobs),
        served=mute,
    ),
    fault(
        "end-with-a-thousand-jobs",
        "The program ends with 1,000 open jobs.",
        leaves(programs.ends_with_a_thousand_jobs),
        served=mute,
    ),
    fault(
        "end-with-a-daemon",
        "The program ends while a daemon thread waits.",
        leaves(programs.ends_with_a_daemon),
        served=mute,
    ),
    fault("called-at-exit", "A function of atexit calls.", leaves(programs.calls_at_exit)),
    fault(
        "closed-at-exit",
        "A function of atexit closes.",
        leaves(programs.closes_at_exit),
        served=mute,
        clients=BLOCKING,
    ),
    # Signals.
    *[
        fault(
            f"ctrl-c-{id}",
            f"Ctrl-C strikes {happens}.",
            leaves(program, struck_by=signal.SIGINT, within=1.0),
            served=served,
        )
        for id, happens, program, served in (
            (
                "connecting",
                "while nothing answers",
                programs.is_interrupted_while_it_connects,
                faulty({"config": silent}, times=None),
            ),
            ("calling", "in a call", programs.is_interrupted_while_it_calls, mute),
            ("waiting", "while a job is waited for", programs.is_interrupted_while_it_waits, mute),
            ("iterating", "while outputs are waited for", programs.is_interrupted_while_it_iterates, mute),
            (
                "uploading",
                "while the server does not read",
                programs.is_interrupted_while_it_uploads,
                faulty({"upload": unread}, times=None, early=("upload",)),
            ),
            (
                "a-thousand-jobs",
                "while the first of 1,000 open jobs is waited for",
                programs.is_interrupted_with_a_thousand_jobs,
                mute,
            ),
        )
    ],
    fault(
        "sigterm",
        "SIGTERM strikes, which nobody handles.",
        leaves(programs.waits, struck_by=signal.SIGTERM, code=-signal.SIGTERM, within=1.0),
        served=mute,
    ),
    fault(
        "sigterm-handled",
        "SIGTERM strikes, and ends the wait.",
        leaves(programs.ends_its_wait_when_told, struck_by=signal.SIGTERM, within=1.0),
        served=mute,
    ),
    fault("signals", "A signal strikes every millisecond.", leaves(programs.is_disturbed_by_signals)),
    # Forks.
    fault("fork", "The process forks, and both go on.", leaves(programs.forks), clients=BLOCKING),
    fault(
        "fork-of-a-stranger", "The process forks, and the child leaves.", leaves(programs.forks_a_stranger)
    ),
)
