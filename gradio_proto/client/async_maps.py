"""``AsyncClient.map()``: the twin of ``Client.map()``."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from itertools import count
from typing import Any, Final

from ..errors import LocalProtocolError
from ..transport import AsyncTransport
from .mapping import MapOptions, MapProgress
from .maps import MapBase, MapIterator, Source
from .twins import twin_of

INPUTS_AT_A_STRETCH: Final = 256
"""Inputs after which the loop's other tasks have their turn: of those that are skipped, there may be a million."""


class AsyncMapIterator(MapBase[AsyncTransport], AsyncIterator[Any]):
    """The results of :meth:`AsyncClient.map`: the twin of :class:`MapIterator`. Calls are begun, and make
    progress, while somebody awaits something of the client. A task that is cancelled while it waits for a
    result loses none; while it waits for an input, an async generator of inputs ends with it, as those do. It
    is for one task at a time. Made by that method.
    """

    _is_read = False

    def __init__(
        self,
        source: Source[AsyncTransport],
        inputs: Iterable[Any] | AsyncIterable[Any],
        options: MapOptions,
        progress: bool | Callable[[MapProgress], Any] | None,
        executor: Any,
    ) -> None:
        super().__init__(source, inputs, options, progress, executor)
        self._inputs = aiter(inputs) if isinstance(inputs, AsyncIterable) else iter(inputs)

    async def __aenter__(self) -> AsyncMapIterator:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @twin_of(MapIterator.close)
    async def close(self) -> None:
        # At once, for this may be the end of a task that is cancelled and can await nothing any more.
        self._close()
        await self._engine.transport.turn()

    async def __anext__(self) -> Any:
        return (await self._next())[1]

    @twin_of(MapIterator.indexed)
    def indexed(self) -> AsyncIterator[tuple[int, Any]]:
        return _Indexed(self._next)

    async def _next(self) -> tuple[int, Any]:
        if self._is_read:
            raise LocalProtocolError(
                "another task waits for the results of this map(): it is for one at a time"
            )
        self._is_read = True
        try:
            return await self._next_result()
        finally:
            self._is_read = False

    async def _next_result(self) -> tuple[int, Any]:
        window, transport = self._open_window, self._engine.transport
        try:
            while True:
                await self._read_inputs()
                await transport.wait_until(window.has_news, window.hooks)
                taken = self._take()
                if taken is not None:
                    return taken
                if window.is_over:
                    raise StopAsyncIteration
        except Exception:
            self._close()
            raise

    async def _read_inputs(self) -> None:
        for number in count(1):
            if not self._wants_input():
                return
            if number % INPUTS_AT_A_STRETCH == 0:
                await self._engine.transport.turn()
            try:
                if isinstance(self._inputs, AsyncIterator):
                    given = await anext(self._inputs)
                else:
                    given = next(self._inputs)
            except (StopIteration, StopAsyncIteration):
                self._end_inputs()
            except Exception as error:
                self._end_inputs(error)
            except BaseException:
                generator: Any = self._inputs
                if getattr(generator, "ag_frame", generator) is None:
                    self._end_inputs(
                        LocalProtocolError(
                            "the inputs are an async generator, which ended when the wait for its next was cancelled"
                        )
                    )
                raise
            else:
                self._begin(given)

    def _later(self, action: Callable[[], None]) -> None:
        self._engine.transport.call_from_thread(action)


# No generator: one that a cancellation has struck is over, and whoever reads on would take that for the end.
class _Indexed(AsyncIterator[tuple[int, Any]]):
    def __init__(self, read: Callable[[], Awaitable[tuple[int, Any]]]) -> None:
        self._read = read

    async def __anext__(self) -> tuple[int, Any]:
        return await self._read()
