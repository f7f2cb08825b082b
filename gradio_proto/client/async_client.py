"""The async client: the twin of the blocking one, for trio and asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Container, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ..errors import ClientClosed
from ..flows.connect import refresh
from ..flows.state import checked_headers
from ..simple_api import Via
from ..transport import AsyncTransport
from .async_job import AsyncJob
from .base import BoundBase, ClientBase
from .client import BoundEndpoint, Client
from .job_base import when_completed
from .options import CallOptions, checked_callbacks
from .transports import async_factory
from .twins import twin_of

if TYPE_CHECKING:
    from ..files import FileInput
    from ..typed.tools import ToolFormat
    from .api import Api
    from .async_api import AsyncApiEndpoint
    from .async_maps import AsyncMapIterator
    from .mapping import MapProgress

C = TypeVar("C", bound="AsyncClient")


class AsyncClient(ClientBase[AsyncTransport]):
    """A client of one Gradio app, for the tasks of a trio or asyncio program: the twin of :class:`Client`, of which it
    has the options and, awaited, the methods.

    ``async with AsyncClient(...) as client`` connects, and closes at the end; ``client = await AsyncClient(...)``
    connects, and leaves the closing to you. It belongs to the loop that it was opened in, and finds out by itself
    which kind that is.

    There is no background task. Whoever awaits something of the client moves everything of it along;
    while nobody does, nothing happens, and :meth:`run` is for programs in which something should all the same.

    Raises:
        TypeError: An option is of a wrong type, or not taken here.
        ArgumentError: An option cannot be used; one that needs the transport is told when the client is opened.
        GradioError: When it is opened: the app cannot be reached, wants a login, or speaks a protocol that this
            library does not.

    Example:
        ::

            import trio

            from gradio_proto import AsyncClient

            async def main() -> None:
                async with AsyncClient("http://127.0.0.1:7860") as client:
                    print(await client.predict("Ada", api_name="/greet"))  # prints Hello, Ada!

            trio.run(main)
    """

    # Its life.

    async def _connect(self: C) -> C:
        finding = self._find(async_factory(self._options["transport"]))
        place = None
        if finding is not None:
            transport, flow = finding
            try:
                place = await transport.run(flow)
            finally:
                transport.close()
        if self._started is not None:  # it may have been another task, while the Hub was asked
            raise ClientClosed("an AsyncClient is opened once: make a new one")
        if place is not None:
            self._found(place)
        engine = self._start(async_factory(self._options["transport"]))
        if self._app is not None:  # it comes from a pickle
            engine.state.loaded = self._app
        else:
            try:
                await engine.transport.run(self._connecting())
            except BaseException:
                engine.transport.close()
                self._started = self._place = None  # nothing came of it, and it may be tried again
                raise
        self._opened()
        return self

    def __await__(self: C) -> Generator[Any, Any, C]:
        return self._connect().__await__()

    async def __aenter__(self: C) -> C:
        return await self._connect() if self._closed else self  # ``async with await AsyncClient(...)``

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @twin_of(Client.close)
    async def close(self) -> None:
        self._close()
        if self._started is not None:
            await self._started.transport.turn()

    async def run(self) -> None:
        """Keep everything going, until the client is closed or this task is cancelled.

        For programs that submit jobs and then await nothing of the client for a while.
        """
        state = self._engine.state
        await self._engine.transport.wait_until(lambda: state.closed, [])

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._unpickle(pickled)

    # What it knows.

    @twin_of(Client.view_api)
    async def view_api(
        self,
        all_endpoints: bool | None = None,
        print_info: bool = True,
        return_format: Literal["dict", "str"] | None = None,
    ) -> dict[str, Any] | str | None:
        shown = self._show_api(all_endpoints, print_info, return_format)
        await self._engine.transport.turn()
        return shown

    @property
    def api(self) -> Api[AsyncTransport, AsyncApiEndpoint]:
        """The app's endpoints as attributes, with signatures and docstrings: ``client.api.calculate(4, "add", 5)``."""
        from .api import Api  # few programs use it, and every one pays for imports
        from .async_api import AsyncApiEndpoint

        return Api(self, self._engine, AsyncApiEndpoint)

    @overload
    async def schema(self, format: None = None) -> dict[str, dict[str, Any]]: ...

    @overload
    async def schema(self, format: ToolFormat) -> list[dict[str, Any]]: ...

    @twin_of(Client.schema)
    async def schema(self, format: ToolFormat | None = None) -> dict[str, Any] | list[dict[str, Any]]:
        schema = self._schema(format)
        await self._engine.transport.turn()
        return schema

    # Calling.

    @twin_of(Client.call_tool)
    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        files: Mapping[str, FileInput] | None = None,
    ) -> Any:
        found, args = self._tool_call(name, arguments, files)
        return await AsyncBoundEndpoint(self, self._engine, found, CallOptions()).predict(*args)

    @twin_of(Client.predict)
    async def predict(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        **kwargs: Any,
    ) -> Any:
        return await self.endpoint(api_name, fn_index, headers, isolate=isolate).predict(*args, **kwargs)

    async def submit(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        result_callbacks: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncJob:
        """Begin a call, and return its job when the server has accepted it, or it has ended before that.

        Args:
            args: As for :meth:`predict`.
            api_name: As for :meth:`predict`.
            fn_index: As for :meth:`predict`.
            headers: As for :meth:`predict`.
            isolate: As for :meth:`predict`.
            result_callbacks: Called with the result (several values as several arguments) once it is there, in order,
                where flows run; not called for a job that fails.
            kwargs: As for :meth:`predict`.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such endpoint, or an argument cannot be sent.
        """
        callbacks = checked_callbacks("result_callbacks", result_callbacks)
        job = await self.endpoint(api_name, fn_index, headers, isolate=isolate).submit(*args, **kwargs)
        for callback in callbacks:
            when_completed(job, callback)
        return job

    @twin_of(Client.map)
    def map(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        concurrency: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        skip: Container[int] = (),
        progress: bool | Callable[[MapProgress], Any] | None = False,
        executor: Any = None,
    ) -> AsyncMapIterator:
        return self.endpoint(api_name, fn_index, headers, isolate=isolate).map(
            inputs,
            concurrency=concurrency,
            ordered=ordered,
            return_exceptions=return_exceptions,
            skip=skip,
            progress=progress,
            executor=executor,
        )

    @twin_of(Client.endpoint)
    def endpoint(
        self,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        event_data: Any = None,
        trigger_id: int | None = None,
        via: Via = "queue",
        isolate: bool = False,
    ) -> AsyncBoundEndpoint:
        options = CallOptions(checked_headers(headers), event_data, trigger_id, via, isolate)
        return AsyncBoundEndpoint(self, self._engine, self._resolve(api_name, fn_index), options)

    @twin_of(Client.component_server)
    async def component_server(self, component_id: int, fn_name: str, data: Any = None) -> Any:
        from ..flows.component_server import call_component  # few programs do that

        return await self._engine.transport.run(
            call_component(self._engine.state, self.session_hash, component_id, fn_name, data)
        )

    @twin_of(Client.reset_session)
    async def reset_session(self) -> None:
        self._engine.retire_session()
        await self._engine.transport.turn()

    @twin_of(Client.refresh)
    async def refresh(self) -> None:
        await self._engine.transport.run(refresh(self._engine.state))


class AsyncBoundEndpoint(BoundBase[AsyncTransport]):
    """An endpoint of a client. Made by :meth:`AsyncClient.endpoint`; calling it is :meth:`predict`."""

    @twin_of(BoundEndpoint.predict)
    async def predict(self, /, *args: Any, **kwargs: Any) -> Any:
        engine = self._engine
        job, live = self._begin(args, kwargs, keep_messages=False)
        try:
            engine.transport.spawn(engine.call(live, job), promised=True)
            await engine.transport.wait_until(lambda: job.is_settled, job.on_settled)
        finally:
            engine.give_up((live, job))  # does nothing, unless this task was cancelled
        return job.result()

    __call__ = predict

    @twin_of(BoundEndpoint.submit)
    async def submit(self, /, *args: Any, **kwargs: Any) -> AsyncJob:
        engine = self._engine
        job, live = self._begin(args, kwargs, keep_messages=True)
        facade = AsyncJob(self._client, engine, live, job)
        try:
            engine.transport.spawn(engine.call(live, job), promised=True)
            await engine.transport.wait_until(lambda: job.is_with_server, job.on_news)
        except BaseException:
            engine.give_up((live, job))
            raise
        return facade

    @twin_of(BoundEndpoint.map)
    def map(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        skip: Container[int] = (),
        progress: bool | Callable[[MapProgress], Any] | None = False,
        executor: Any = None,
    ) -> AsyncMapIterator:
        from .async_maps import AsyncMapIterator  # few programs map, and every one pays for imports
        from .mapping import MapOptions

        options = MapOptions(concurrency, ordered, return_exceptions, skip)
        return AsyncMapIterator(self._source(None), inputs, options, progress, executor)
