"""The commands. What they run on a recorder or a replay is told its address, and decides how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gradio_proto.cli import credentials
from gradio_proto.cli.calls.arguments import Arguments, read_arguments
from gradio_proto.cli.calls.calling import fitting
from gradio_proto.cli.calls.naming import EndpointPair, read_endpoint
from gradio_proto.cli.failing import NotDone, as_ending, told
from gradio_proto.cli.terminal import safe

if TYPE_CHECKING:
    from gradio_proto.recording.files import Format

URL_VARIABLE: Final = "GRADIO_PROTO_URL"
"""The environment variable that tells a command where the app is."""

_with_command: Final = click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
_with_port: Final = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Listen on this port; otherwise on any that is free.",
)


@click.command()
@click.argument("url")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--format",
    type=click.Choice(["ndjson", "har"]),
    help="What to write: our own format, or HAR. By default what the name of the file says.",
)
@_with_port
@click.option(
    "--token",
    is_flag=True,
    help=f"Send the app a bearer token. It is asked for, or taken from {credentials.TOKEN}.",
)
@click.option("--keep-secrets", is_flag=True, help="Write tokens, cookies and passwords too.")
@_with_command
def record(
    url: str,
    output: Path,
    format: Format | None,
    port: int,
    token: bool,
    keep_secrets: bool,
    command: tuple[str, ...],
) -> int:
    """Record what clients and the app at URL say to each other.

    Whatever talks to the address that is printed talks to the app, and is recorded, until you press Ctrl-C. With a
    COMMAND, until that ends: it finds the address in GRADIO_PROTO_URL, and wherever {url} stands in its arguments.

    \b
        gradio-proto record http://127.0.0.1:7860 -o session.ndjson
        gradio-proto record http://127.0.0.1:7860 -o s.har -- gradio-proto predict {url} /greet
    """
    from gradio_proto.recording import Recorder

    made: Format = format or ("har" if output.suffix == ".har" else "ndjson")
    secret = credentials.token() if token else None
    with told(), _files():
        recorder = Recorder(url, output, port=port, format=made, token=secret, keep_secrets=keep_secrets)
    with recorder:
        status = _run(recorder.url, command, f"recording {safe(url)}")
    if recorder.failure is not None:
        raise NotDone(f"{output} could not be written to the end: {recorder.failure}")
    click.echo(f"{output}: {recorder.exchanges} exchanges", err=True)
    return status


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_with_port
@click.option(
    "--speed",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="How fast: 2 takes half the recorded time, 0 none at all.",
)
@_with_command
def replay(file: Path, port: int, speed: float, command: tuple[str, ...]) -> int:
    """Answer as the app did that is recorded in FILE, until you press Ctrl-C.

    FILE is what `record` has written, or a HAR that a browser has exported. With a COMMAND it ends when that does,
    as for `record`. A request that was never recorded is answered 501, and told on stderr.

    \b
        gradio-proto replay session.ndjson
    """
    from gradio_proto import recording

    with contextlib.ExitStack() as serving:
        with told(), _files():
            found = recording.read(file)
            url = serving.enter_context(
                recording.replay(
                    found, speed=speed, port=port, tell=lambda text: click.echo(safe(text), err=True)
                )
            )
        return _run(url, command, f"replaying {file}")


@click.command()
@click.argument("source", metavar="FILE|URL")
@click.argument("endpoint", required=False, callback=read_endpoint)
@click.argument("arguments", nargs=-1, metavar="[JSON | NAME=VALUE...]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("timeline.html"),
    show_default=True,
    help="The page to write.",
)
def trace(source: str, endpoint: EndpointPair | None, arguments: tuple[str, ...], output: Path) -> int:
    """Draw a recording as a timeline: one HTML page that needs nothing else.

    FILE is what `record` has written, or a HAR. Of an app at a URL, ENDPOINT is called, with arguments as predict takes
    them, and that is drawn.

    \b
        gradio-proto trace session.ndjson
        gradio-proto trace http://127.0.0.1:7860 /greet name=Ada
    """
    from gradio_proto.recording import read

    from .page import write

    status = 0
    with told(), _files():
        if source.startswith(("http://", "https://")):
            if endpoint is None:
                raise click.UsageError("of an app, say which ENDPOINT to call")
            found, status = _called(source, endpoint, read_arguments(arguments))
        elif endpoint is not None:
            raise click.UsageError("a recording has all its calls in it: leave ENDPOINT away")
        else:
            found = read(source)
        write(found, output)
    click.echo(str(output))
    return status


def _called(url: str, endpoint: EndpointPair, given: Arguments) -> tuple[Any, int]:
    """What was recorded while an endpoint was called, and how the command is to end."""
    import tempfile

    from gradio_proto.client.client import Client
    from gradio_proto.errors import GradioError
    from gradio_proto.recording import Recorder, read

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.ndjson"
        status = 0
        with Recorder(url, file) as recorder:
            try:
                with Client(recorder.url, download_files=False) as client, fitting():
                    client.endpoint(*endpoint).predict(*given.args, **given.kwargs)
            except GradioError as error:
                # What went wrong is worth a look too.
                ending = as_ending(error)
                ending.show()
                status = ending.exit_code
        return read(file), status


class _files:
    """Ends the command where a file, or a port, cannot be had."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            raise NotDone(str(error)) from error


def _run(url: str, command: Sequence[str], doing: str) -> int:
    """Run a command, or wait until the user has had enough.

    Returns:
        The status of the command, as a shell would have it.
    """
    if not command:
        click.echo(url)
        click.echo(f"{doing}; press Ctrl-C to end", err=True)
        try:
            _wait()
        except KeyboardInterrupt:
            pass
        return 0
    words = [word.replace("{url}", url) for word in command]
    try:
        with subprocess.Popen(words, env={**os.environ, URL_VARIABLE: url}) as process:
            status = _status_of(process)
    except OSError as error:
        raise NotDone(f"{words[0]}: {error.strerror}") from error
    return 128 - status if status < 0 else status


def _status_of(process: subprocess.Popen[bytes]) -> int:
    # Ctrl-C goes to both; what it means is for the command to say.
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def _wait() -> None:
    """Wait for Ctrl-C, or for what a service manager sends."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    try:
        while not ended.wait(3600):
            pass
    finally:
        signal.signal(signal.SIGTERM, before)
