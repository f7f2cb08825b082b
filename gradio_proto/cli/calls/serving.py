"""``serve``: an app of plain functions, on a socket, until Ctrl-C."""

from __future__ import annotations

import errno
import os
import sys
import threading
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..failing import NotDone

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from gradio_proto.testing import TestApp

DEMO: Final = "demo"
APP: Final = "app"
"""What the app is called in a module, where nobody says otherwise."""


def complete_app(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Python files, directories that may hold some, and the demonstration."""
    from click.shell_completion import CompletionItem

    directory, _, beginning = incomplete.rpartition("/")
    try:
        entries = sorted(Path(f"{directory}/" if directory else ".").iterdir())
    except OSError:
        entries = []
    found = [DEMO] if DEMO.startswith(incomplete) else []
    for entry in entries:
        if entry.name.startswith(beginning) and not entry.name.startswith("."):
            name = f"{directory}/{entry.name}" if "/" in incomplete else entry.name
            found += [f"{name}/"] if entry.is_dir() else [name] if entry.suffix == ".py" else []
    return [CompletionItem(name) for name in found]


@click.command()
@click.argument("app", metavar="APP", shell_complete=complete_app)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=7860,
    show_default=True,
    help="The port; 0 takes any that is free.",
)
@click.option(
    "--gradio-version",
    "--version",
    "version",
    metavar="VERSION",
    help="The version of Gradio to be, for the demonstration.",
)
@click.option("--healthy", is_flag=True, help="Leave out the defects that a server of that version has.")
def serve(app: str, host: str, port: int, version: str | None, healthy: bool) -> None:
    """Serve a small app of plain functions (a gradio_proto.testing.TestApp), until Ctrl-C.

    APP is demo, a demonstration; or a Python file, FILE.py or FILE.py:NAME; or a module, MODULE:NAME. The app is called
    "app" there unless you say otherwise.

    \b
        gradio-proto serve demo
        gradio-proto serve my_app.py --port 8000

    The exit status is 0.
    """
    from gradio_proto.testing import EmbeddedServer

    served = _demonstration(version) if app == DEMO else _loaded(app, version)
    try:
        server = EmbeddedServer(served, host, port, faithful_defects=not healthy)
    except OSError as error:
        why, *_ = str(error.strerror or error).split(" (while")  # Python adds the address to it
        hint = "; --port 0 takes any port that is free" if error.errno == errno.EADDRINUSE else ""
        raise NotDone(f"cannot listen on {host}:{port}: {why}{hint}") from None
    with server:
        click.echo(f"Gradio {served.generation.version} at {server.url}, until Ctrl-C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def _demonstration(version: str | None) -> TestApp:
    from gradio_proto.testing.generations import LATEST, PROTOCOLS

    from .demonstration import make_app

    if version is not None and version not in PROTOCOLS:
        raise click.UsageError(f"--gradio-version is one of {', '.join(PROTOCOLS)}")
    return make_app(version or LATEST)


def _loaded(text: str, version: str | None) -> TestApp:
    """The app of a file or module."""
    from gradio_proto.testing import TestApp

    if version is not None:
        raise click.UsageError("an app says itself which version it is: TestApp(version=...)")
    home, name = _split(text)
    if home.endswith(".py"):
        module = _module_of(Path(home))
    else:
        if os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        try:
            module = import_module(home)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{home}.".startswith(f"{error.name}."):
                raise
            raise NotDone(f"there is no module {home}; a file is written {home}.py") from None
    found = getattr(module, name, None)
    if not isinstance(found, TestApp):
        what = "there is none" if found is None else f"it is a {type(found).__name__}"
        raise NotDone(f"{home} should have a gradio_proto.testing.TestApp called {name!r}: {what}")
    return found


def _split(text: str) -> tuple[str, str]:
    home, colon, name = text.rpartition(":")
    # The colon of C:\app.py is none of ours.
    return (home, name or APP) if colon and not name.endswith(".py") else (text, APP)


def _module_of(path: Path) -> Any:
    """Run a Python file as a module that finds what lies beside it."""
    if not path.is_file():
        raise NotDone(f"there is no file {path}")
    sys.path.insert(0, str(path.parent.resolve()))
    name = f"served_{path.stem}"  # its own name may be that of a module which something else wants
    spec = spec_from_file_location(name, path)
    assert spec is not None  # a file that ends in .py has one
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
