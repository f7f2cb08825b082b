"""What the classes of a module that ``gradio-proto codegen`` writes are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from .client import Client
from .job import Job

if TYPE_CHECKING:
    from collections.abc import Generator

    from .async_client import AsyncClient
    from .async_job import AsyncJob

G = TypeVar("G", bound="GeneratedClient")
A = TypeVar("A", bound="AsyncGeneratedClient")


class _Default:
    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final[Any] = _Default()
"""Stands for an argument that is left out, where the app's own default cannot be written in source code."""

Arguments = Mapping[str, Any] | Sequence[Any]
"""The arguments of a call, by name or by position."""


def _split(arguments: Arguments) -> tuple[Sequence[Any], dict[str, Any]]:
    if isinstance(arguments, Mapping):
        return (), {name: value for name, value in arguments.items() if value is not DEFAULT}
    return arguments, {}


class GeneratedClient:
    """A client of one app with a method for each endpoint.

    Args:
        src: The app's URL, by default the one that the module was made from; or a client, which stays open when
            this one is closed.
        options: What :class:`gradio_proto.Client` takes.

    Raises:
        TypeError: There are options beside a client.
        GradioError: As :class:`gradio_proto.Client`.
    """

    default_src: ClassVar[str]
    """The URL that the module was made from."""

    def __init__(self, src: str | Client | None = None, **options: Any) -> None:
        self._owns_client = not isinstance(src, Client)
        if isinstance(src, Client):
            if options:
                raise TypeError("a client has its options already: give them to it")
            self.client = src
        else:
            self.client = Client(self.default_src if src is None else src, **options)

    def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owns_client:
            self.client.close()

    def __enter__(self: G) -> G:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client!r}>"

    def _predict(self, api_name: str, arguments: Arguments) -> Any:
        args, kwargs = _split(arguments)
        return self.client.endpoint(api_name).predict(*args, **kwargs)

    def _submit(self, api_name: str, arguments: Arguments) -> Job:
        args, kwargs = _split(arguments)
        return self.client.endpoint(api_name).submit(*args, **kwargs)


class AsyncGeneratedClient:
    """The twin of :class:`GeneratedClient` for trio and asyncio: open it with ``async with``, or await it.

    Args:
        src: As for :class:`GeneratedClient`; the client is an :class:`gradio_proto.AsyncClient`, opened already.
        options: What :class:`gradio_proto.AsyncClient` takes.

    Raises:
        TypeError: There are options beside a client.
    """

    default_src: ClassVar[str]
    """The URL that the module was made from."""

    def __init__(self, src: str | AsyncClient | None = None, **options: Any) -> None:
        from .async_client import AsyncClient

        self._owns_client = not isinstance(src, AsyncClient)
        if isinstance(src, AsyncClient):
            if options:
                raise TypeError("a client has its options already: give them to it")
            self.client = src
        else:
            self.client = AsyncClient(self.default_src if src is None else src, **options)

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owns_client:
            await self.client.close()

    async def _open(self: A) -> A:
        if self._owns_client:
            await self.client
        return self

    def __await__(self: A) -> Generator[Any, Any, A]:
        return self._open().__await__()

    async def __aenter__(self: A) -> A:
        return await self._open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client!r}>"

    async def _predict(self, api_name: str, arguments: Arguments) -> Any:
        args, kwargs = _split(arguments)
        return await self.client.endpoint(api_name).predict(*args, **kwargs)

    async def _submit(self, api_name: str, arguments: Arguments) -> AsyncJob:
        args, kwargs = _split(arguments)
        return await self.client.endpoint(api_name).submit(*args, **kwargs)
