"""The endpoint that a command means, and the names of what it returns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from gradio_proto.client import Client
    from gradio_proto.endpoints import App

_MOST_SECONDS: Final = 1.0
"""How long each wait of a completion may take."""

_HARMLESS: Final = re.compile(r"/[\w./-]*")
"""The names that may be put into a command line, where a shell reads them."""

EndpointPair: TypeAlias = tuple[str | None, int | None]
"""The name of an endpoint, or its ``fn_index``."""


def read_endpoint(ctx: click.Context, param: click.Parameter, value: str | None) -> EndpointPair | None:
    """Read an endpoint as it is written on a command line: ``/predict``, ``predict``, or a ``fn_index`` as digits.

    Some endpoints of Gradio 3.x have no name."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return None, int(value)
    return value if value.startswith("/") else f"/{value}", None


def complete_endpoint(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The public endpoints of an app on this machine. No other is asked: nobody wants a request for a Tab."""
    from click.shell_completion import CompletionItem

    src = ctx.params.get("src")
    found = _local_endpoints(src) if isinstance(src, str) else []
    return [
        CompletionItem(name) for name in found if name.startswith(incomplete) and _HARMLESS.fullmatch(name)
    ]


def _local_endpoints(src: str) -> list[str]:
    from gradio_proto.client import Client
    from gradio_proto.errors import GradioError
    from gradio_proto.timeouts import Timeouts
    from gradio_proto.urls import parse_app_url

    quick = Timeouts(connect=_MOST_SECONDS, read=_MOST_SECONDS)
    try:
        if not parse_app_url(src).origin.is_loopback:
            return []
        with Client(src, timeouts=quick, max_retries=0) as client:
            return [endpoint.api_name for endpoint in app_of(client).listed if endpoint.api_name]
    except GradioError:
        return []


def app_of(client: Client) -> App:
    """The app, as the client has read it."""
    return client._engine.state.app  # pyright: ignore[reportPrivateUsage]


def labels_of_outputs(client: Client, name: EndpointPair) -> list[str]:
    """The names of what an endpoint returns, as its app has them; none for an endpoint that it does not describe."""
    endpoint = app_of(client).resolve(*name)
    return [returned.label for returned in endpoint.info.returns] if endpoint.info is not None else []


def by_label(labels: list[str], value: Any) -> dict[str, Any]:
    """What a call has returned, by the names of its outputs.

    Where two have the same name, the second gets a number: hf-gradio, whose shape this is, keeps the last alone.

    Args:
        labels: The names, as far as they are known.
        value: One value, or the tuple of several.
    """
    values = cast("Sequence[Any]", value) if isinstance(value, tuple) else (value,)
    named: dict[str, Any] = {}
    for position, part in enumerate(values):
        label = labels[position] if position < len(labels) else "output"
        name, number = label, 1
        while name in named:
            number += 1
            name = f"{label} {number}"
        named[name] = part
    return named
