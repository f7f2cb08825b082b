"""``codegen``: a typed Python module for an app."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import FAILED
from .calls.connecting import CallCommand, Connection, with_connection
from .calls.naming import app_of
from .failing import NotDone
from .replacing import is_replaceable

if TYPE_CHECKING:
    from gradio_proto.typed.codegen import Style


@click.command(cls=CallCommand)
@click.argument("src")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the module goes; without it, to stdout.",
)
@click.option(
    "--class-name", metavar="NAME", help="The name of its class; by default made of the app's title."
)
@click.option("--sync", "style", flag_value="sync", help="Write only the class for blocking calls.")
@click.option("--async", "style", flag_value="async", help="Write only the class for trio and asyncio.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; the exit status is 1 if the app no longer fits the module in FILE.",
)
@with_connection
def codegen(
    connection: Connection,
    src: str,
    output: Path | None,
    class_name: str | None,
    style: Style | None,
    check: bool,
) -> int:
    """Write a Python module with a typed method for each endpoint of an app.

    \b
        gradio-proto codegen http://127.0.0.1:7860 -o calculator.py
        gradio-proto codegen http://127.0.0.1:7860 -o calculator.py --check
    """
    if check and output is None:
        raise click.UsageError("--check needs the module: -o FILE")
    known = _digest_of_module(output) if check and output is not None else None
    with connection.open(src, heartbeat=False) as client:
        app, url = app_of(client), client.src
    from gradio_proto.typed.codegen import digest_of, generate

    if check:
        return _checked(known, digest_of(app), output)
    try:
        module = generate(
            app,
            url,
            name=class_name,
            style=style or "both",
            command=_command(url, output, class_name, style),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if output is None:
        click.echo(module, nl=False)
    else:
        _write(output, module)
        if not connection.quiet:
            click.echo(f"{output} has {len(app.listed)} endpoints", err=True)
    return 0


def _digest_of_module(path: Path) -> str:
    from gradio_proto.typed.codegen import digest_in

    try:
        digest = digest_in(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotDone(f"{path} cannot be read: {error}") from error
    if digest is None:
        raise NotDone(f"{path} is no module that this command has written")
    return digest


def _checked(known: str | None, found: str, path: Path | None) -> int:
    if known == found:
        click.echo(f"{path} fits the app")
        return 0
    click.echo(f"{path} does not fit the app any more: write it anew", err=True)
    return FAILED


def _command(url: str, output: Path | None, class_name: str | None, style: Style | None) -> str:
    """What writes the same module again. Options of the connection are not in it: they may hold secrets."""
    parts = ["gradio-proto", "codegen", url, "-o", "FILE" if output is None else output.name]
    if class_name is not None:
        parts += ["--class-name", class_name]
    if style is not None:
        parts.append(f"--{style}")
    return shlex.join(parts)


def _write(path: Path, module: str) -> None:
    """Write the module so that a program that imports it never meets half of it."""
    partial = path.with_name(f".{path.name}.partial") if is_replaceable(path) else path
    try:
        partial.write_text(module, "utf-8", newline="\n")
        if partial != path:
            partial.replace(path)
    except OSError as error:
        if partial != path:
            partial.unlink(missing_ok=True)
        raise NotDone(f"{path} cannot be written: {error}") from error
