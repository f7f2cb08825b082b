"""``stream``: a call, and its outputs as they come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import click

from ..terminal import json_line, safe_text
from .calling import display_of, end_as, opened, with_call, with_downloads
from .connecting import CallCommand, Connection, with_connection
from .naming import EndpointPair, by_label

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(cls=CallCommand)
@with_call
@click.option(
    "--text", is_flag=True, help="Print the first output as plain text, which grows where it stands."
)
@with_downloads
@with_connection
def stream(
    connection: Connection,
    src: str,
    endpoint: EndpointPair,
    arguments: tuple[str, ...],
    text: bool,
    directory: str | None,
    no_download: bool,
) -> None:
    """Call an endpoint, and print its outputs as they are yielded: one line of JSON for each.

    The arguments are those of predict.

    \b
        gradio-proto stream http://127.0.0.1:7860 /count n=3
        gradio-proto stream http://127.0.0.1:7860 /write topic=rain --text

    Ctrl-C cancels the job.
    """
    from gradio_proto.events import Output

    display = display_of(connection)
    growing = GrowingText()
    with (
        display,
        opened(
            connection, src, endpoint, arguments, display, directory=directory, no_download=no_download
        ) as call,
        call.submit() as job,
    ):
        try:
            for event in job.events():
                display.happened(event)
                if isinstance(event, Output):
                    if sys.stdout.isatty():
                        display.stop()  # bars would stand in the midst of it
                    if text:
                        click.echo(growing.more(event.value), nl=False)
                    else:
                        click.echo(json_line(by_label(call.labels, event.value)))
                end_as(event)
        finally:
            if growing.is_open:
                click.echo()


class GrowingText:
    """A text that comes in values, each of which mostly begins with the one before."""

    def __init__(self) -> None:
        self.is_open = False
        """Something stands on the line."""
        self._shown = ""

    def more(self, value: Any) -> str:
        """What is to be printed behind what there is, so that the value stands there.

        Where a value does not go on from the one before, it begins a line of its own. What is no text is JSON.
        """
        first: Any = value
        if isinstance(value, tuple) and value:
            first = cast("Sequence[Any]", value)[0]
        text = first if isinstance(first, str) else json_line(first)
        begins_anew = not text.startswith(self._shown)
        new = text if begins_anew else text[len(self._shown) :]
        more = ("\n" if begins_anew and self.is_open else "") + safe_text(new)
        self._shown = text
        if more:
            self.is_open = not more.endswith("\n")
        return more
