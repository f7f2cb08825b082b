"""Pyodide: the async client in a browser, over the browser's own ``fetch``.

A browser has no sockets, and an HTTP client of its own. So this transport carries out the effects on exchanges, and
leaves out what the core would do with bytes: ``AsyncClient(url, transport=FetchTransport)``. The browser's loop
always runs, and each flow gets a task of it. The browser keeps cookies and checks who may call the app (CORS).

``fetch`` carries no WebSocket, by which the queue of Gradio 3 is spoken to.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from js import AbortController, Object, fetch
from pyodide.ffi import JsException, to_js

from gradio_proto import ArgumentError, ConnectionLost, GradioError, LocalProtocolError
from gradio_proto.effects import (
    ExchangeEffect,
    Flow,
    Now,
    Open,
    ReadBody,
    ReadHead,
    RunInThread,
    Signal,
    Sleep,
    TimedOut,
    Wait,
)
from gradio_proto.http import Request, ResponseHead
from gradio_proto.transport import TransportOptions

T = TypeVar("T")


class FetchExchange:
    """One request, and its response as far as it has been read."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.head: ResponseHead | None = None
        self.is_finished = False
        self._abort = AbortController.new()
        self._reader: Any = None
        self._pending: asyncio.Future[Any] | None = self._begin(self._fetch())

    def _begin(self, work: Awaitable[T]) -> asyncio.Future[T]:
        future = asyncio.ensure_future(work)
        future.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )  # nobody may want it any more
        return future

    async def _fetch(self) -> ResponseHead:
        request = self.request
        options = {
            "method": request.method,
            "headers": dict(request.headers),
            "redirect": "manual",  # where one may lead is decided by the core
            "signal": self._abort.signal,
        }
        if request.body:
            options["body"] = to_js(request.body)
        response = await fetch(
            f"{request.origin}{request.target}", to_js(options, dict_converter=Object.fromEntries)
        )
        if response.type == "opaqueredirect":
            raise ConnectionLost("the app redirects, and a browser does not say where to: use that address")
        self._reader = response.body.getReader()
        # What fetch hands on is decompressed.
        headers = ((name, value) for name, value in response.headers if name != "content-encoding")
        return ResponseHead(response.status, response.statusText, tuple(headers))

    async def _read(self) -> bytes:
        piece = await self._reader.read()
        return b"" if piece.done else piece.value.to_bytes()

    async def read_head(self, deadline: float | None, wake: Signal | None) -> ResponseHead | None:
        self.head = await self._pending_or(deadline, wake)
        return self.head

    async def read_body(self, deadline: float | None, wake: Signal | None) -> bytes | None:
        # A read that was given up goes on, and the next one takes what it brings: no byte is lost.
        self._pending = self._pending or self._begin(self._read())
        piece: bytes | None = await self._pending_or(deadline, wake)
        self.is_finished = piece == b""
        return piece

    async def _pending_or(self, deadline: float | None, wake: Signal | None) -> Any:
        assert self._pending is not None
        with woken_by(wake) as woken:
            await asyncio.wait({self._pending, woken}, timeout=left(deadline), return_when="FIRST_COMPLETED")
            if woken.done():
                return None
            if not self._pending.done():
                raise TimedOut
        done, self._pending = self._pending, None
        try:
            return done.result()
        except JsException as error:
            raise ConnectionLost(f"no answer from {self.request.origin}: {error}") from error

    def close(self) -> None:
        if not self.is_finished:
            self.is_finished = True
            self._abort.abort()


class FetchTransport:
    """What :class:`gradio_proto.transport.AsyncTransport` says."""

    def __init__(self, options: TransportOptions) -> None:
        self.lock = contextlib.nullcontext()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, flow: Flow[T]) -> T:
        answer: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    effect = flow.send(answer) if error is None else flow.throw(error)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                answer = error = None
                try:
                    answer = (await perform(effect), time.monotonic())
                except (GradioError, TimedOut) as raised:
                    error = raised
        finally:
            flow.close()  # a cancelled task: the flow cleans up, and asks for nothing more

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        task = asyncio.ensure_future(self.run(flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        until = None if timeout is None else time.monotonic() + timeout
        news = Signal()
        hooks.append(news.set)
        try:
            while not done():
                news.clear()
                if not await wait(news, until):
                    return done()
            return True
        finally:
            hooks.remove(news.set)

    async def turn(self) -> None:
        await asyncio.sleep(0)

    def defer(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        callback()  # there are no threads

    def when_free(self, action: Callable[[], None]) -> None:
        action()

    def file_size(self, path: str) -> int:
        raise ArgumentError("this transport sends no files")

    def wall_clock(self) -> datetime:
        return datetime.now()

    def monotonic(self) -> float:
        return time.monotonic()

    def token(self) -> str:
        return secrets.token_hex(12)

    def jitter(self) -> float:
        return random.random()

    def on_fork(self, callback: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


async def perform(effect: ExchangeEffect) -> Any:
    """Carry out one effect, and return its answer."""
    match effect:
        case Open(request):
            if any(name.lower() == "upgrade" for name, _ in request.headers):
                raise LocalProtocolError(
                    "fetch carries no WebSocket, which this app's queue speaks (Gradio 3)"
                )
            return FetchExchange(request)
        case ReadHead(exchange, deadline, wake):
            return await exchange.read_head(deadline, wake)
        case ReadBody(exchange, deadline, wake):
            return await exchange.read_body(deadline, wake)
        case Wait(signal, deadline):
            return await wait(signal, deadline)
        case Sleep(deadline):
            await asyncio.sleep(left(deadline))
        case Now():
            pass
        case RunInThread():
            raise ArgumentError(
                "there are no threads here, and so no names of Spaces: give the URL of the app"
            )
        case _:
            raise ArgumentError("this transport sends no files, and fetches none")
    return None


async def wait(signal: Signal, deadline: float | None) -> bool:
    """Wait for a signal; False at the deadline."""
    with woken_by(signal) as woken:
        await asyncio.wait({woken}, timeout=left(deadline))
    return signal.is_set


@contextlib.contextmanager
def woken_by(signal: Signal | None) -> Iterator[asyncio.Future[None]]:
    """A future that is done when the signal is set."""
    woken = asyncio.get_running_loop().create_future()

    def notify() -> None:
        if not woken.done():
            woken.set_result(None)

    if signal is not None:
        signal.notify = notify
        if signal.is_set:
            notify()
    try:
        yield woken
    finally:
        if signal is not None:
            signal.notify = None


def left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 0.0)
