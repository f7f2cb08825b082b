"""What the commands that call an endpoint share: their arguments and options, and the call."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from ..failing import JobFailed, as_ending
from .arguments import Arguments, read_arguments
from .connecting import Connection
from .display import Display
from .naming import EndpointPair, complete_endpoint, labels_of_outputs, read_endpoint

if TYPE_CHECKING:
    from gradio_proto.client import Client, Job
    from gradio_proto.events import JobEvent

NO_FILES: Final = "False"
"""What hf-gradio's ``--download-files`` takes for: fetch nothing."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, connected and ready."""

    client: Client
    endpoint: EndpointPair
    arguments: Arguments
    labels: list[str]
    """The names of the endpoint's outputs."""

    def submit(self) -> Job:
        """Begin it.

        Raises:
            click.UsageError: The arguments do not fit.
        """
        with fitting():
            return self.client.endpoint(*self.endpoint).submit(*self.arguments.args, **self.arguments.kwargs)


@contextmanager
def fitting() -> Generator[None]:
    """End the command where arguments do not fit the endpoint's parameters."""
    try:
        yield
    except TypeError as error:
        raise click.UsageError(str(error)) from None


def with_call(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments ``SRC ENDPOINT [ARGUMENTS]...``."""
    for argument in (
        click.argument("arguments", nargs=-1, metavar="[JSON | NAME=VALUE...]"),
        click.argument("endpoint", callback=read_endpoint, shell_complete=complete_endpoint),
        click.argument("src"),
    ):
        command = argument(command)
    return command


def with_downloads(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where files in outputs go."""
    for option in (
        click.option(
            "--no-download", is_flag=True, help="Fetch no files; print what the app says of them instead."
        ),
        click.option(
            "--output-dir",
            "--download-files",
            "directory",
            metavar="DIR",
            help="Where files in outputs go.  [default: a directory of its own]",
        ),
    ):
        command = option(command)
    return command


def downloads_to(directory: str | None, no_download: bool) -> str | bool:
    """The client's ``download_files``, of what the options of :func:`with_downloads` say."""
    return False if no_download or directory == NO_FILES else directory or True


@contextmanager
def opened(
    connection: Connection,
    src: str,
    endpoint: EndpointPair,
    arguments: tuple[str, ...],
    display: Display,
    *,
    directory: str | None = None,
    no_download: bool = False,
) -> Generator[Call]:
    """A call of the client that the options ask for, which is closed afterwards.

    Raises:
        click.ClickException: It cannot be made, or what is done with it fails.
    """
    given = read_arguments(arguments)
    downloads = downloads_to(directory, no_download)
    with connection.open(src, download_files=downloads, on_transfer=display.transferred) as client:
        yield Call(client, endpoint, given, labels_of_outputs(client, endpoint))


def display_of(connection: Connection) -> Display:
    """How the call stands, shown where somebody looks and wants it."""
    return Display(has_bars=connection.shows_progress, tells=not connection.quiet)


def end_as(event: JobEvent) -> None:
    """End the command in failure where this was the end of a job that failed.

    Raises:
        click.ClickException: It was.
    """
    from gradio_proto.events import Cancelled, Failed

    if isinstance(event, Failed):
        raise as_ending(event.error) from event.error
    if isinstance(event, Cancelled):
        raise JobFailed("the job was cancelled")
