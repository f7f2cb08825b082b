"""How commands reach an app: the options that they share, and the client that is made of them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import click

from .. import credentials
from ..failing import told
from ..invocation import invocation
from ..terminal import safe

if TYPE_CHECKING:
    from gradio_proto.client import Client
    from gradio_proto.spaces import SpaceStatus
    from gradio_proto.timeouts import Timeouts


class CallCommand(click.Command):
    """A command that calls an app. It is not taken for the one of hf-gradio, whose ``--token`` has a value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but what follows ``--token`` and looks like one is not repeated in an error."""
        for word, following in pairwise(args):
            if word == "--token" and following.startswith("hf_"):
                raise click.UsageError(
                    f"--token has no value, which everybody could read on a command line: set {credentials.TOKEN} or "
                    f"{credentials.HUB_TOKEN}",
                    ctx,
                )
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class Connection:
    """How an app is reached, as the options of a command say it."""

    token: bool
    auth: str | None
    headers: tuple[str, ...]
    timeout: float | None
    proxy: str | None
    insecure: bool
    verbose: bool
    quiet: bool

    @property
    def shows_progress(self) -> bool:
        """Whether somebody looks at stderr, and wants to see how it stands. A log would tear the bars."""
        return not self.quiet and not self.verbose and sys.stderr.isatty()

    @contextmanager
    def open(self, src: str, **options: Any) -> Generator[Client]:
        """A client of the app. An error of the library that comes out of the ``with`` block ends the command.

        Args:
            src: The app.
            options: What else :class:`~gradio_proto.Client` is given.

        Raises:
            click.UsageError: A credential is missing.
            click.ClickException: The app cannot be reached, or see :func:`~gradio_proto.cli.failing.told`.
        """
        from gradio_proto.client import Client

        given: dict[str, Any] = {
            "token": credentials.token() if self.token else None,
            "auth": None if self.auth is None else (self.auth, credentials.password(self.auth)),
            "headers": {made.name: made.value for made in map(credentials.header, self.headers)},
            "proxy": None if self.proxy is None else credentials.proxy(self.proxy),
            "ssl_verify": not self.insecure,
            "timeouts": self._timeouts(),
            "on_status": self._tell_of_space,
        }
        with self._logged(), told(), Client(src, **given, **options) as client:
            yield client

    def _timeouts(self) -> Timeouts:
        """The client's, none of which is longer than the whole may take."""
        from gradio_proto.timeouts import Timeouts

        usual = Timeouts()
        most = self.timeout
        if most is None:
            return usual
        kinds = ("connect", "read", "write", "idle", "space")
        shorter = {kind: min(most, getattr(usual, kind) or most) for kind in kinds}
        return Timeouts(total=most, **shorter)

    def _tell_of_space(self, status: SpaceStatus) -> None:
        """Say why nothing happens yet, where a Space has to be waited for."""
        if not self.quiet and (status.is_coming or status.is_asleep):
            click.echo(safe(f"{status.id}: {status.stage.lower().replace('_', ' ')}"), err=True)

    @contextmanager
    def _logged(self) -> Generator[None]:
        """Have what the client does written to stderr, where that is wanted."""
        if not self.verbose:
            yield
            return
        import logging

        logger = logging.getLogger("gradio_proto")
        hide = invocation().hide

        class Hiding(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                return hide(super().format(record))

        handler = logging.StreamHandler()
        handler.setFormatter(Hiding("%(levelname)s %(message)s"))
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.setLevel(level)
            logger.removeHandler(handler)


_OPTIONS: Final = (
    click.option(
        "--token",
        is_flag=True,
        help=f"Send a Hugging Face token: {credentials.TOKEN}, {credentials.HUB_TOKEN}, or asked for.",
    ),
    credentials.AUTH_OPTION,
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Sent with every request; a $VARIABLE in the value is taken from the environment (repeatable).",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long it may take.",
    ),
    click.option(
        "--proxy", metavar="URL", help="A proxy; a $VARIABLE in the URL is taken from the environment."
    ),
    click.option("--insecure", is_flag=True, help="Accept any certificate."),
    click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is sent and received."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors."),
)


def with_connection(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a connection. It gets them as ``connection``."""

    @functools.wraps(command)
    def called(**given: Any) -> Any:
        names = Connection.__dataclass_fields__
        connection = Connection(**{name: given.pop(name) for name in names})
        return command(connection=connection, **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
