"""Finding a transport by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, TypeAlias, cast

from ..errors import ArgumentError
from ..transport import BlockingTransport, TransportOptions

BlockingFactory: TypeAlias = Callable[[TransportOptions], BlockingTransport]

DEFAULT: Final = "sockets"

BUILT_IN: Final = {"sockets": "gradio_transports.sockets:SocketTransport"}
"""Looked at first: asking the installed distributions for entry points takes tens of milliseconds."""

ENTRY_POINTS: Final = "gradio_proto.transports"
"""The entry-point group by which a distribution adds a transport of its own."""


def blocking_factory(transport: str | BlockingFactory | None) -> BlockingFactory:
    """What makes the transport that ``transport`` names; a factory is taken as it is.

    Raises:
        ArgumentError: No transport has that name.
    """
    if transport is not None and not isinstance(transport, str):
        return transport
    name = transport or DEFAULT
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return cast(BlockingFactory, getattr(import_module(module), attribute))
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in found:
        known = ", ".join(sorted({*BUILT_IN, *found}))
        raise ArgumentError(f"there is no transport called {name!r}; there are: {known}")
    return cast(BlockingFactory, found[name].load())
