"""Finding a transport by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, TypeAlias, cast

from ..errors import ArgumentError, LocalProtocolError
from ..transport import AsyncTransport, BlockingTransport, TransportOptions

BlockingFactory: TypeAlias = Callable[[TransportOptions], BlockingTransport]
"""What makes a transport for the blocking client."""
AsyncFactory: TypeAlias = Callable[[TransportOptions], AsyncTransport]
"""What makes one for the async client."""

BLOCKING: Final = {
    "httpcore": "gradio_transports.httpcore:HTTPCoreTransport",
    "sockets": "gradio_transports.sockets:SocketTransport",
}
ASYNC: Final = {
    "asyncio": "gradio_transports.asyncio:AsyncioTransport",
    "httpcore": "gradio_transports.httpcore:async_transport",
    "trio": "gradio_transports.trio:TrioTransport",
}
"""Looked at first: asking the installed distributions for entry points takes tens of milliseconds."""

ENTRY_POINTS: Final = "gradio_proto.transports"
"""The entry-point group by which a distribution adds a transport of its own, for either client."""


def blocking_factory(transport: str | BlockingFactory | None) -> BlockingFactory:
    """What makes the transport that ``transport`` names; a factory is taken as it is.

    Raises:
        ArgumentError: No transport for the blocking client has that name.
    """
    if transport is not None and not isinstance(transport, str):
        return transport
    return cast(BlockingFactory, _find(transport or "sockets", BLOCKING, ASYNC, "AsyncClient"))


def async_factory(transport: str | AsyncFactory | None) -> AsyncFactory:
    """The same for the async client; None stands for the loop that runs.

    Raises:
        ArgumentError: No transport for the async client has that name.
        LocalProtocolError: None was named, and no loop runs.
    """
    if transport is not None and not isinstance(transport, str):
        return transport
    return cast(AsyncFactory, _find(transport or _running_loop(), ASYNC, BLOCKING, "Client"))


def _running_loop() -> str:
    name: str | None = import_module("gradio_transports.running").running_loop()
    if name is None:
        raise LocalProtocolError(
            "an AsyncClient is opened in a loop, and neither trio nor asyncio runs here: use Client, or transport="
        )
    return name


def _find(name: str, built_in: dict[str, str], others: dict[str, str], other_client: str) -> Any:
    if name in built_in:
        module, _, attribute = built_in[name].partition(":")
        return getattr(import_module(module), attribute)
    wrong_kind = ArgumentError(
        f"the transport {name!r} is for {other_client}; here there are: {', '.join(sorted(built_in))}"
    )
    if name in others:
        raise wrong_kind
    from importlib.metadata import entry_points
    from inspect import iscoroutinefunction

    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in found:
        known = ", ".join(sorted({*built_in, *found}))
        raise ArgumentError(f"there is no transport called {name!r}; there are: {known}")
    transport = found[name].load()
    run = getattr(transport, "run", None)  # a class shows its kind; any other factory is taken at its word
    if run is not None and iscoroutinefunction(run) == (other_client == "AsyncClient"):
        raise wrong_kind
    return transport
