"""The root of all commands, and how each of them ends."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import click

from . import FAILED, INTERRUPTED, NOT_RUN
from .failing import JobFailed
from .invocation import Invocation
from .lazy import LazyGroup, Subcommand

GONE: Final = 141
"""The exit status of a command whose output nobody reads to its end: 128 and the number of SIGPIPE."""

ASKS: Final = "_GRADIO_PROTO_COMPLETE"
"""The variable by which a shell asks how a command goes on: click looks for this one in a program of this name."""

EXTRAS: Final = {
    "click": "cli",
    "rich": "cli",
    "hypothesis": "conformance",
    "jsonschema_rs": "conformance",
}
"""The extras that bring the modules of others which commands load."""


_CALLS: Final = "gradio_proto.cli.calls"

_SUBCOMMANDS: Final = {
    name: Subcommand(home, about, section)
    for section, entries in {
        "Calling an app": {
            "info": (f"{_CALLS}.describing:info", "Say what an app has to call."),
            "predict": (f"{_CALLS}.predicting:predict", "Call an endpoint, and print its result."),
            "stream": (f"{_CALLS}.streaming:stream", "Call an endpoint, and print its outputs as they come."),
            "upload": (f"{_CALLS}.transferring:upload", "Send files to an app's server."),
            "download": (f"{_CALLS}.transferring:download", "Fetch a file from an app's server."),
        },
        "Jobs that outlive a command": {
            "submit": (f"{_CALLS}.jobs:submit", "Begin a job, and print what names it."),
            "events": (f"{_CALLS}.jobs:events", "Print what happens to a job, as it happens."),
            "cancel": (f"{_CALLS}.jobs:cancel", "Have the server give up a job."),
        },
        "Making and watching": {
            "serve": (f"{_CALLS}.serving:serve", "Serve a small app of plain functions."),
            "codegen": ("gradio_proto.cli.codegen:codegen", "Write a typed Python module for an app."),
            "record": ("gradio_proto.cli.recording:record", "Record what a client and a server say."),
            "replay": ("gradio_proto.cli.recording:replay", "Answer as a recorded server did."),
            "trace": ("gradio_proto.cli.recording:trace", "Draw a recording as a timeline."),
        },
        "Testing": {
            "conformance": (
                "gradio_proto.cli.conformance:conformance",
                "Find what a Gradio server, or a client, does wrong.",
            ),
        },
        "The shell": {
            "completion": (f"{_CALLS}.completing:completion", "Print what completes commands in your shell."),
        },
    }.items()
    for name, (home, about) in entries.items()
}


class _Gone(Exception):
    """Whoever read the output has gone, as `head` does."""


class _Unwritable(Exception):
    """The output cannot be written. The message says why."""


@contextmanager
def _printing() -> Generator[None]:
    """Tell apart why nothing can be printed. Of a broken pipe click itself would make status 1."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise _Gone from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _Unwritable(error.strerror) from None


class _Root(LazyGroup):
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _printing():  # the help, for one
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _printing():
            return super().invoke(ctx)


@click.group(
    "gradio-proto",
    cls=_Root,
    subcommands=_SUBCOMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="gradio_proto", prog_name="gradio-proto")
def root() -> None:
    """Speak the Gradio protocol from a shell.

    SRC is the URL of an app, or the name of a Hugging Face Space. A first try, in two terminals:

    \b
        gradio-proto serve demo
        gradio-proto predict http://127.0.0.1:7860 /greet name=Ada

    The exit status is 0 if all is well, 1 if the app raised or the job failed, 2 if it could not be done, and 130 if
    you interrupt it.
    """


def run(arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments name, and return its exit status.

    Status 1 is an answer: the app raised, a server breaks the protocol. So no other end may have it, not even a defect
    of our own.
    """
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    known = Invocation()
    if ASKS in os.environ:
        import_module(".calls.completing", __package__)  # which knows bash better than click does
    try:
        status = root.main(
            None if arguments is None else list(arguments),
            prog_name="gradio-proto",
            standalone_mode=False,
            obj=known,
        )
    except click.ClickException as error:
        _say(known, error)
        return FAILED if isinstance(error, JobFailed) else NOT_RUN
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except _Gone:
        _drop_output()
        return GONE
    except _Unwritable as error:
        _drop_output()
        click.echo(f"Error: the output cannot be written: {error}", err=True)
        return NOT_RUN
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


def _open_what_is_closed() -> None:
    """Have all three streams. Where a shell has closed one, as ``>&-`` does, Python has None."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _drop_output() -> None:
    # What is still buffered must not be tried again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
