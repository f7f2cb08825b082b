"""``predict``: a call, and its result."""

from __future__ import annotations

import click

from ..terminal import json_text
from .calling import display_of, end_as, opened, with_call, with_downloads
from .connecting import CallCommand, Connection, with_connection
from .naming import EndpointPair, by_label


@click.command(cls=CallCommand)
@with_call
@with_downloads
@with_connection
def predict(
    connection: Connection,
    src: str,
    endpoint: EndpointPair,
    arguments: tuple[str, ...],
    directory: str | None,
    no_download: bool,
) -> None:
    """Call an endpoint, and print its result as JSON: an object of its outputs by name; of a generator, the last.

    The arguments are one JSON object (or a list, by position; - reads it from stdin), or NAME=VALUE: the value is
    JSON, or else a text. NAME=@PATH sends a file, NAME=@- what is on stdin, and NAME=@@TEXT is a text with one @.

    \b
        gradio-proto predict http://127.0.0.1:7860 /greet '{"name": "Ada"}'
        gradio-proto predict http://127.0.0.1:7860 /greet name=Ada

    Ctrl-C cancels the call.
    """
    from gradio_proto.client.watching import watch
    from gradio_proto.events import Completed

    display = display_of(connection)
    with (
        display,
        opened(
            connection, src, endpoint, arguments, display, directory=directory, no_download=no_download
        ) as call,
        call.submit() as job,
    ):
        for event in watch(job):
            display.happened(event)
            end_as(event)
            if isinstance(event, Completed):
                display.stop()
                click.echo(json_text(by_label(call.labels, event.value)))
