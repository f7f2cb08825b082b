"""The same conversation over every transport: who holds it, and what is compared afterwards.

A conversation is a coroutine function that is given a :class:`Talk`. Its clients have the methods of an AsyncClient; a
blocking client is given them by :class:`AwaitedClient`, whose methods have waited by the time that they are awaited.
A :class:`Way` is a transport together with what runs such a coroutine.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import signal
import ssl
import threading
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import trio
from faulty import within
from gradio_transports.asyncio import AsyncioTransport
from gradio_transports.embedded import EmbeddedTransport
from gradio_transports.loop_reactor import LoopReactor
from gradio_transports.sockets import SocketTransport
from gradio_transports.trio import TrioTransport
from script_server import ScriptServer

from gradio_proto import AsyncClient, Client
from gradio_proto.client import BoundEndpoint, Job
from gradio_proto.errors import AppError, GradioError, HTTPStatusError
from gradio_proto.events import Failed
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport
from gradio_proto.transport import TransportOptions

HERE = "127.0.0.1:7860"
"""The address of the app, as it is shown."""

Action = Callable[[], Coroutine[Any, Any, Any]]
"""What a caller does."""

Arm = Callable[[Callable[[], object]], contextlib.AbstractContextManager[Any]]
"""Has what it is given called at the moment in question, in its block."""


class Interrupted(BaseException):
    """What ends the wait of a caller on a transport that has neither tasks nor Ctrl-C of its own."""


def run_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("it has waited for a loop")


class AwaitedJob:
    """A blocking Job with the methods of an AsyncJob."""

    def __init__(self, job: Job) -> None:
        self._job = job._job
        self.blocking = job

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.blocking, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call if callable(method) else method

    async def events(self) -> AsyncIterator[Any]:
        for event in self.blocking.events():
            yield event

    async def __aiter__(self) -> AsyncIterator[Any]:
        for output in self.blocking:
            yield output


class AwaitedClient:
    """A blocking Client with the methods of an AsyncClient."""

    def __init__(self, client: Client | BoundEndpoint) -> None:
        self._engine = client._engine
        self.blocking = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.blocking, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call if callable(method) else method

    def endpoint(self, *args: Any, **kwargs: Any) -> AwaitedClient:
        """An endpoint, which can do what is called of a client."""
        return AwaitedClient(self.blocking.endpoint(*args, **kwargs))

    async def submit(self, *args: Any, **kwargs: Any) -> AwaitedJob:
        job = self.blocking.submit(*args, **kwargs)
        # An AsyncClient's submit() waits so long, and who waits decides on what is sent when.
        self._engine.transport.wait_until(lambda: job._job.is_with_server, job._job.on_news)
        return AwaitedJob(job)


class Way:
    """A transport, and what runs a conversation over it."""

    name: ClassVar[str]
    has_tasks: ClassVar[bool] = True
    """Several callers can wait at once."""
    has_own_pool: ClassVar[bool] = False
    """An HTTP library decides which connection carries a request, and how proxies are spoken to."""

    def __repr__(self) -> str:
        return self.name

    def transport(self, options: TransportOptions) -> Any:
        """A new transport."""
        raise NotImplementedError

    def run(self, conversation: Action) -> Any:
        """Run a coroutine function."""
        return run_now(conversation())

    async def open(self, url: str, **options: Any) -> Any:
        """Connect."""
        return AwaitedClient(Client(url, **options))

    async def together(self, *functions: Action) -> None:
        """Run several coroutine functions at once."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Wait, for nothing of the client's."""
        raise NotImplementedError

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        """Run ``action()``, which ends early when what ``arm`` was given is called; whether it did."""
        raise NotImplementedError

    def every_effect(
        self, transport: Any, happens: Callable[[Any], None]
    ) -> contextlib.AbstractContextManager[None]:
        """Call ``happens(effect)`` whenever a flow asks for one."""
        return self._every_effect(transport, happens)

    @contextlib.contextmanager
    def _every_effect(self, transport: Any, happens: Callable[[Any], None]) -> Iterator[None]:
        table = transport._reactor._perform
        before = dict(table)

        def counted(perform: Any) -> Any:
            def count(task: Any, effect: Any) -> Any:
                happens(effect)
                return perform(task, effect)

            return count

        table.update({kind: counted(perform) for kind, perform in before.items()})
        try:
            yield
        finally:
            table.update(before)

    def assert_at_rest(self, transport: Any) -> None:
        """Nothing of a closed transport is left."""
        assert not transport.pool._busy
        assert not transport.pool._idle
        assert not transport._reactor.tasks
        assert not transport._reactor.ready
        assert transport._reactor.selector.get_map() is None  # closed


class Memory(Way):
    """No transport: what all of them are to do."""

    name = "memory"
    has_tasks = False

    def __init__(self) -> None:
        self.runner: MemoryRunner | None = None

    def transport(self, options: TransportOptions) -> Any:
        assert self.runner is not None
        return MemoryTransport(options, self.runner)

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        runner = self.runner
        assert runner is not None
        strike = False

        def cancel() -> None:
            nonlocal strike
            strike = True

        def choose(_: int) -> int:
            if strike:
                raise Interrupted
            return 0

        runner._choose = choose
        try:
            with arm(cancel):
                await action()
        except Interrupted:
            return True
        finally:
            runner._choose = lambda _: 0
        return False

    @contextlib.contextmanager
    def _every_effect(self, transport: Any, happens: Callable[[Any], None]) -> Iterator[None]:
        runner = transport.runner
        perform = runner._perform

        def counted(task: Any, effect: Any) -> None:
            happens(effect)
            perform(task, effect)

        runner._perform = counted
        try:
            yield
        finally:
            del runner._perform

    def assert_at_rest(self, transport: Any) -> None:
        assert not transport.pool._busy
        assert not transport.pool._idle
        assert not transport.runner.tasks
        assert all(stream.closed for stream in transport.runner.streams)
        assert all(file.closed for file in transport.runner.open_files)


class Sockets(Way):
    """The blocking client's own; interrupted by Ctrl-C."""

    name = "sockets"
    longest: ClassVar[float] = 10.0
    """Seconds that some of several callers may take longer than the first."""

    def transport(self, options: TransportOptions) -> Any:
        return SocketTransport(options)

    async def together(self, *functions: Action) -> None:
        errors: list[BaseException] = []

        def run(function: Action) -> None:
            try:
                run_now(function())
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(each,), daemon=True) for each in functions[1:]]
        for thread in threads:
            thread.start()
        try:
            await functions[0]()
        finally:
            for thread in threads:
                thread.join(self.longest)
                assert not thread.is_alive()
        for error in errors:
            raise error

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - in a thread of its own

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        main = threading.main_thread().ident
        assert main is not None
        try:
            with arm(lambda: signal.pthread_kill(main, signal.SIGINT)):
                await action()
        except KeyboardInterrupt:
            return True
        return False

    def every_effect(
        self, transport: Any, happens: Callable[[Any], None]
    ) -> contextlib.AbstractContextManager[None]:
        interrupt = transport._reactor._interrupt

        def while_held(effect: Any) -> None:
            # While the main thread waits, whoever turns, it holds Ctrl-C back: elsewhere that strikes between any two
            # bytecodes.
            if interrupt._wake is not None:
                happens(effect)

        return super().every_effect(transport, while_held)


class Embedded(Way):
    """The blocking client in a foreign loop; here there is none, so its waits turn it."""

    name = "embedded"
    has_tasks = False

    def transport(self, options: TransportOptions) -> Any:
        return EmbeddedTransport(options)

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        strike = False

        def cancel() -> None:
            nonlocal strike
            strike = True

        poll = LoopReactor.poll

        def polling(reactor: Any, timeout: float | None = 0) -> None:
            nonlocal strike
            if strike:
                strike = False
                raise Interrupted
            poll(reactor, timeout)

        LoopReactor.poll = polling  # type: ignore[method-assign, assignment]
        try:
            with arm(cancel):
                await action()
        except Interrupted:
            return True
        finally:
            LoopReactor.poll = poll  # type: ignore[method-assign]
        return False


class Async(Way):
    """An AsyncClient's."""

    async def open(self, url: str, **options: Any) -> Any:
        return await AsyncClient(url, **options)


class Asyncio(Async):
    name = "asyncio"

    def transport(self, options: TransportOptions) -> Any:
        return AsyncioTransport(options)

    def run(self, conversation: Action) -> Any:
        async def main() -> Any:
            try:
                result = await conversation()
            except BaseException:
                if left := tasks_left():
                    # And no AssertionError, which would come out in the place of the error.
                    warnings.warn(f"tasks were left: {left}", ResourceWarning, stacklevel=2)
                raise
            left = tasks_left()
            assert not left, f"tasks were left: {left}"
            return result

        def tasks_left() -> list[str]:
            return [repr(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()}]

        return asyncio.run(main())

    async def together(self, *functions: Action) -> None:
        await asyncio.gather(*[function() for function in functions])

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        task = asyncio.ensure_future(action())
        try:
            with arm(task.cancel):
                await task
        except asyncio.CancelledError:
            return True
        return False


class Trio(Async):
    name = "trio"

    def transport(self, options: TransportOptions) -> Any:
        return TrioTransport(options)

    def run(self, conversation: Action) -> Any:
        return trio.run(conversation)

    async def together(self, *functions: Action) -> None:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def until_cancelled(self, action: Action, arm: Arm) -> bool:
        with trio.CancelScope() as scope, arm(scope.cancel):
            await action()
        return scope.cancelled_caught


class OverHTTPCore(Sockets):
    name = "httpcore"
    has_own_pool = True

    def transport(self, options: TransportOptions) -> Any:
        from gradio_transports.httpcore import HTTPCoreTransport  # most processes do without it

        return HTTPCoreTransport(options)


class AsyncioOverHTTPCore(Asyncio):
    name = "httpcore-asyncio"
    has_own_pool = True

    def transport(self, options: TransportOptions) -> Any:
        from gradio_transports.httpcore import async_transport

        return async_transport(options)


class TrioOverHTTPCore(Trio):
    name = "httpcore-trio"
    has_own_pool = True

    def transport(self, options: TransportOptions) -> Any:
        from gradio_transports.httpcore import async_transport

        return async_transport(options)


WAYS: tuple[type[Way], ...] = (
    Sockets,
    Embedded,
    Asyncio,
    Trio,
    OverHTTPCore,
    AsyncioOverHTTPCore,
    TrioOverHTTPCore,
)
"""Every transport with sockets."""


@dataclass(eq=False)
class Talk:
    """What a conversation is given."""

    way: Way
    url: str
    server: Any
    """The scripted server, without I/O."""
    served: ScriptServer | None
    """What serves it; None in memory."""
    options: dict[str, Any]
    """What each client is given."""
    notes: list[str] = field(default_factory=list)
    """What is compared."""
    transports: list[Any] = field(default_factory=list)
    """Each that was made."""
    on_transport: Callable[[Any], None] | None = None
    """Called with each, before it is used."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def _transport(self, options: TransportOptions) -> Any:
        transport = self.way.transport(options)
        transport.token = lambda: f"token{next(self.numbers)}"
        transport.jitter = lambda: 0.0
        self.transports.append(transport)
        if self.on_transport is not None:
            self.on_transport(transport)
        return transport

    async def open(self, **options: Any) -> Any:
        """A client, which the conversation closes."""
        return await self.way.open(
            self.url, **{"transport": self._transport, "api_name": "/echo", **self.options, **options}
        )

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Any]:
        """A client for the length of a block."""
        client = await self.open(**options)
        try:
            yield client
        finally:
            await client.close()

    def note(self, *what: Any) -> None:
        """Note something that is to be the same on all transports."""
        self.notes.append(self.shown(" ".join(str(each) for each in what)))

    def shown(self, text: str) -> str:
        """A text without what differs from run to run."""
        return text if self.served is None else text.replace(self.served.address, HERE)

    async def attempt(self, awaitable: Awaitable[Any]) -> None:
        """Note what something returns or raises."""
        try:
            self.note(repr(await awaitable))
        except GradioError as error:
            self.note(shown_error(error))

    async def follow(self, job: Any) -> None:
        """Note every event of a job."""
        async for event in job.events():
            shown = shown_error(event.error) if isinstance(event, Failed) else repr(event)
            self.note(job._job.event_id, shown)

    async def pause(self, client: Any, seconds: float) -> None:
        """Let things happen for a while."""
        waiting = client._engine.transport.wait_until(lambda: False, [], seconds)
        assert not (waiting if isinstance(waiting, bool) else await waiting)

    async def until(self, client: Any, condition: Callable[[], bool]) -> None:
        """Let things happen until it holds."""
        while not condition():
            await self.pause(client, 0.01)

    async def until_listening(self, client: Any, *jobs: Any) -> None:
        """Let things happen until they have joined and the server has a stream, which is asked for beside the joins."""
        await self.until(
            client,
            lambda: self.server.handler.stream_conn >= 0 and all(job._job.event_id for job in jobs),
        )

    def say(self, *steps: Any, conn: int | None = None) -> None:
        """Let the server say something on its newest stream."""
        assert conn is not None or self.server.handler.stream_conn >= 0, "nobody has asked for a stream"

        def say() -> None:
            self.server.say(self.server.handler.stream_conn if conn is None else conn, *steps)

        if self.served is not None:
            self.served.call(say)
        else:
            assert isinstance(self.way, Memory)
            assert self.way.runner is not None
            say()
            self.way.runner._take_actions()

    def content(self, path: str) -> bytes:
        """What was downloaded."""
        if isinstance(self.way, Memory):
            assert self.way.runner is not None
            return self.way.runner.files[path]
        return Path(path).read_bytes()

    def exchanges(self) -> list[list[Any]]:
        """What was asked for on each connection, in the order of their first requests."""
        found: dict[int, list[Any]] = {}
        for asked in self.server.asked:
            headers = {name: self.shown(value) for name, value in asked.headers.items()}
            body = self.shown(asked.body.decode("latin-1"))
            found.setdefault(asked.conn, []).append((asked.method, self.shown(asked.target), headers, body))
        return [*found.values()]

    def assert_at_rest(self) -> None:
        """Nothing of the closed clients is left."""
        for transport in self.transports:
            self.way.assert_at_rest(transport)


def shown_error(error: BaseException) -> str:
    """An error with what a program can go by. What an operating system says about it differs."""
    attributes = {
        name: getattr(error, name)
        for name in ("phase", "kind", "retryable", "retry_after", "status")
        if hasattr(error, name)
    }
    text = str(error) if isinstance(error, AppError | HTTPStatusError) else ""
    return f"{type(error).__name__} {text} {attributes}"


@dataclass(frozen=True)
class Held:
    """A conversation, held."""

    exchanges: list[list[Any]]
    notes: list[str]


def hold(
    way: Way,
    conversation: Callable[[Talk], Coroutine[Any, Any, Any]],
    server: Any,
    *,
    scheme: str = "http",
    host: str | None = None,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    split: Any = None,
    pace: float = 0.0,
    **options: Any,
) -> Held:
    """Hold a conversation with a server.

    Args:
        way: Over what.
        conversation: What is said.
        server: What answers, without I/O.
        scheme: Of the app's URL.
        host: The app's, if it is behind a proxy.
        proxy: That proxy, as a URL with ``{}`` for its address, which is the server's.
        tls: The server's context.
        split: How what the server says is cut.
        pace: Seconds between two steps of functions.
        options: The client's.
    """
    with contextlib.ExitStack() as stack:
        served = None
        address = HERE
        if isinstance(way, Memory):
            way.runner = MemoryRunner(server, **({} if split is None else {"split": split}))
        else:
            more = {} if split is None else {"split": split}
            served = stack.enter_context(
                ScriptServer(server, tls=tls, tunnelled=proxy is not None, pace=pace, **more)
            )
            address = served.address
        if proxy is not None:
            options["proxy"] = proxy.format(address)
        talk = Talk(way, f"{scheme}://{host or address}", server, served, options)
        way.run(partial(conversation, talk))
        talk.assert_at_rest()
        if served is not None:
            served.wait_for_calls()
        return Held(talk.exchanges() if hasattr(server, "asked") else [], talk.notes)


@contextlib.contextmanager
def nothing_left(seconds: float) -> Iterator[None]:
    """The block takes no longer, and leaves neither a thread nor a descriptor nor anything that was to be closed."""
    threads = set(threading.enumerate())
    files = _open_files()
    with within(seconds):
        yield
    gc.collect()  # what warns that it was not closed fails the test

    def left() -> list[threading.Thread]:
        # The workers of a server in this process are the server's.
        found = set(threading.enumerate()) - threads
        return [thread for thread in found if thread.name != "gradio_proto worker"]

    until = time.monotonic() + 3  # an end that the other side hears of, and threads that end, take their time
    while (left() or len(_open_files()) > len(files)) and time.monotonic() < until:
        time.sleep(0.01)
    assert left() == [], f"threads were left: {left()}"
    more = _open_files()
    new = {number: to for number, to in more.items() if files.get(number) != to}
    assert len(more) <= len(files), f"descriptors were left: {new}"


def _open_files() -> dict[str, str]:
    """The descriptors that are open, and what they lead to."""
    place = "/proc/self/fd"
    numbers = os.listdir(place) if os.path.isdir(place) else []
    found = dict.fromkeys(numbers, "gone")  # as the listing's own has
    for number in numbers:
        with contextlib.suppress(OSError):
            found[number] = os.readlink(f"{place}/{number}")
    return found
