"""``upload`` and ``download``: files by themselves."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import click

from ..failing import NotDone, told
from ..replacing import is_replaceable
from ..terminal import json_line, safe
from .arguments import STDIN, parse_json
from .calling import display_of
from .connecting import CallCommand, Connection, with_connection

if TYPE_CHECKING:
    from gradio_proto.files import FileInput


@click.command(cls=CallCommand)
@click.argument("src")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@with_connection
def upload(connection: Connection, src: str, files: tuple[str, ...]) -> None:
    """Send files to an app's server, and print what stands for each in a call: one line of JSON. - is what is on stdin.

    \b
        gradio-proto upload http://127.0.0.1:7860 letter.txt
    """
    from gradio_proto.client.loose_files import upload

    with told():
        given = [_given(name) for name in files]
    display = display_of(connection)
    with display, connection.open(src, on_transfer=display.transferred) as client:
        sent = upload(client, given)
        display.stop()
        for described in sent:
            click.echo(json_line(described))


def _given(name: str) -> FileInput:
    from gradio_proto.client import handle_file
    from gradio_proto.files import is_url

    if name == STDIN:
        return handle_file(sys.stdin.buffer.read(), name="stdin")
    if is_url(name):
        raise click.UsageError(f"{name} is no file of this machine; give its URL to predict, as NAME=@URL")
    return handle_file(name)


@click.command(cls=CallCommand)
@click.argument("src")
@click.argument("file", metavar="FILE")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Where it goes; - prints it.  [default: its own name, in this directory]",
)
@with_connection
def download(connection: Connection, src: str, file: str, output: str | None) -> None:
    """Fetch a file from an app's server, and print where it is now.

    FILE is its path there, its URL there, or the JSON that stands for it in an output. A file that is there is replaced
    only where -o names it, and a hidden one is made only there.

    \b
        gradio-proto download http://127.0.0.1:7860 /tmp/gradio/3f2a/letter.txt
    """
    from gradio_proto.client.loose_files import download, file_of

    meant: Any = parse_json(file, "FILE") if file.lstrip().startswith("{") else file
    display = display_of(connection)
    with _own_directory(output) as own, display:
        with connection.open(src, download_files=own, on_transfer=display.transferred) as client:
            wanted = file_of(client, meant)
            path = download(client, wanted)
        display.stop()
        if output == STDIN:
            with open(path, "rb") as content:
                shutil.copyfileobj(content, sys.stdout.buffer)
        else:
            click.echo(safe(_put(path, output, wanted.name)))


def _own_directory(output: str | None) -> tempfile.TemporaryDirectory[str]:
    """A directory that nobody else looks into, on the file system where the file is to be moved to."""
    if output is not None and (output == STDIN or not is_replaceable(output)):
        return tempfile.TemporaryDirectory(prefix="gradio-proto-")
    directory = os.path.dirname(output or "") or os.curdir
    try:
        return tempfile.TemporaryDirectory(prefix=".gradio-proto-", dir=directory)
    except OSError as error:
        raise NotDone(f"cannot write to {safe(directory)}: {error.strerror}") from None


def _put(path: str, output: str | None, name: str) -> str:
    """Move a file to where it is wanted, all at once where that can be; return that place."""
    try:
        if output is not None:
            if is_replaceable(output):
                os.replace(path, output)
            else:
                with open(path, "rb") as content, open(output, "wb") as place:
                    shutil.copyfileobj(content, place)
            return output
        if name.startswith("."):
            # A server chooses the name, and a program may take its settings, or commands, from such a file.
            raise NotDone(f"{safe(name)} would be hidden: -o {safe(name)} fetches it all the same")
        os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600))  # so that nothing is replaced
        os.replace(path, name)
    except FileExistsError:
        raise NotDone(f"{safe(name)} is there already: -o {safe(name)} replaces it") from None
    except OSError as error:
        raise NotDone(f"cannot write {safe(output or name)}: {error.strerror}") from None
    return name
