"""``info``: what an app has to call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..terminal import json_text, safe, show, table
from .connecting import CallCommand, Connection, with_connection
from .naming import EndpointPair, app_of, complete_endpoint, read_endpoint

if TYPE_CHECKING:
    from gradio_proto.endpoints import Endpoint


@click.command(cls=CallCommand)
@click.argument("src")
@click.argument("endpoint", required=False, callback=read_endpoint, shell_complete=complete_endpoint)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "table"]),
    default="json",
    show_default=True,
    help="JSON as hf-gradio prints it, or a table for people.",
)
@with_connection
def info(connection: Connection, src: str, endpoint: EndpointPair | None, form: str) -> None:
    """Say what an app has to call: its endpoints, or the one that is named, with parameters and results.

    \b
        gradio-proto info http://127.0.0.1:7860
        gradio-proto info http://127.0.0.1:7860 /greet --format table
    """
    with connection.open(src) as client:
        app = app_of(client)
        found = list(app.listed) if endpoint is None else [app.resolve(*endpoint)]
        if form == "table":
            _show_table(found)
        else:
            click.echo(json_text({_name(each): _condensed(each) for each in found}))


def _name(endpoint: Endpoint) -> str:
    return endpoint.api_name or str(endpoint.fn_index)


def _condensed(endpoint: Endpoint) -> dict[str, Any]:
    from .schemas import simplified

    returns = endpoint.info.returns if endpoint.info is not None else ()
    return {
        "parameters": [
            {
                "name": name,
                "required": not parameter.has_default,
                "default": parameter.default,
                "type": simplified(parameter.type, is_input=True),
            }
            for name, parameter in zip(_parameter_names(endpoint), endpoint.parameters, strict=True)
        ],
        "returns": [
            {"name": returned.label, "type": simplified(returned.type, is_input=False)}
            for returned in returns
        ],
        "description": endpoint.info.description if endpoint.info is not None else "",
    }


def _parameter_names(endpoint: Endpoint) -> list[str | None]:
    """What each parameter is called in a call; None for one that can only be given by its position."""
    return [
        parameter.name or keyword
        for parameter, keyword in zip(endpoint.parameters, endpoint.keywords, strict=True)
    ]


def _show_table(found: list[Endpoint]) -> None:
    shown = table("endpoint", "", "name", "type", "default")
    for endpoint in found:
        label = safe(_name(endpoint))
        for name, parameter in zip(_parameter_names(endpoint), endpoint.parameters, strict=True):
            default = safe(json_text(parameter.default)) if parameter.has_default else "(required)"
            shown.add_row(label, "takes", safe(name or parameter.label), safe(parameter.python_type), default)
            label = ""
        for returned in endpoint.info.returns if endpoint.info is not None else ():
            shown.add_row(label, "gives", safe(returned.label), safe(returned.python_type), "")
            label = ""
        if label:
            shown.add_row(label, "", "", "", "")
    show(shown)
