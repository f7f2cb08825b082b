"""A transport for AsyncClient over the network in memory: its tasks are coroutines that the runner steps.

To cancel a task is to throw into its coroutine where it waits, as trio and asyncio do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any, TypeVar

from gradio_proto.effects import Flow, Now, Signal, Wait
from gradio_proto.errors import ClientClosed
from gradio_proto.exchange import lower
from gradio_proto.testing.memory import MemoryTransport

T = TypeVar("T")


class Gone(BaseException):
    """What is thrown into a task that is cancelled."""


class AsyncMemoryTransport(MemoryTransport):
    """What AsyncClient asks for, over a MemoryRunner."""

    async def run(self, flow: Flow[T]) -> T:  # type: ignore[override]
        """Run a flow to its end; it ends with the task that waits for it."""
        if self._closed:
            flow.close()
            raise ClientClosed("the client is closed; make a new one")
        return await _perform(lower(flow, self.pool))

    async def wait_until(  # type: ignore[override]
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Wait until ``done()``; False at the timeout."""
        until = None if timeout is None else self.runner.now + timeout
        signal = Signal()
        hooks.append(signal.set)
        try:
            while not done():
                if self._closed:
                    raise ClientClosed("the client was closed")
                signal.clear()
                in_time, _ = await _perform(_one(Wait(signal, until)))
                if not in_time:
                    return done()
        finally:
            if signal.set in hooks:
                hooks.remove(signal.set)
        return True

    async def turn(self) -> None:
        """Let others go on."""
        await _perform(_one(Now()))


def task(awaited: Awaitable[T]) -> Generator[Any, Any, T]:
    """What the runner steps for a coroutine."""
    return (yield from awaited.__await__())


@coroutine
def _perform(flow: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    return (yield from flow)


def _one(effect: Any) -> Generator[Any, Any, Any]:
    return (yield effect)
