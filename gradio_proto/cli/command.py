"""The root of all commands, and how each of them ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from . import NOT_RUN
from .invocation import Invocation
from .lazy import LazyGroup, Subcommand

INTERRUPTED: Final = 130
"""The exit status of a command that the user has interrupted: 128 and the number of SIGINT, as shells have it."""

GONE: Final = 141
"""The exit status of a command whose output nobody reads to its end: 128 and the number of SIGPIPE."""

EXTRAS: Final = {
    "click": "cli",
    "rich": "cli",
    "hypothesis": "conformance",
    "jsonschema_rs": "conformance",
}
"""The extras that bring the modules of others which commands load."""


class _Gone(Exception):
    """Whoever read the output has gone, as `head` does."""


class _Root(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        # click itself would end the process, with status 1.
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _Gone from None
        return result


@click.group(
    "gradio-proto",
    cls=_Root,
    subcommands={
        "conformance": Subcommand(
            "gradio_proto.cli.conformance:conformance",
            "Find what a Gradio server, or a client, does wrong.",
        ),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="gradio_proto", prog_name="gradio-proto")
def root() -> None:
    """Speak the Gradio protocol from a shell."""


def run(arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments name, and return its exit status.

    Status 1 says that something breaks the protocol, so no other end may have it, not even a defect of our own.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    known = Invocation()
    try:
        status = root.main(
            None if arguments is None else list(arguments),
            prog_name="gradio-proto",
            standalone_mode=False,
            obj=known,
        )
    except click.ClickException as error:
        _say(known, error)
        return NOT_RUN
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except _Gone:
        _drop_output()
        return GONE
    except Exception as error:
        extra = EXTRAS.get(error.name or "") if isinstance(error, ModuleNotFoundError) else None
        if extra is not None:
            click.echo(
                f"this takes an extra that is not installed: pip install 'gradio_proto[{extra}]'", err=True
            )
        else:
            # Python itself would end with status 1.
            import traceback

            click.echo(known.hide(traceback.format_exc()), err=True, nl=False)
        return NOT_RUN
    return status if isinstance(status, int) else 0


def _say(known: Invocation, error: click.ClickException) -> None:
    shown = io.StringIO()
    error.show(shown)
    click.echo(known.hide(shown.getvalue()), err=True, nl=False)


def _drop_output() -> None:
    # What is still buffered must not be tried again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
