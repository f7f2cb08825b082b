"""Which servers are tested: the arguments and options that ``run``, ``replay`` and ``fuzz`` share.

A :class:`Server` also knows the words that ask for it on a command line, without a secret among them: they are part of
the command that replays a failure.
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from .. import credentials
from ..invocation import invocation

if TYPE_CHECKING:
    from gradio_proto.conformance.target import Target


SHOWN: Final = 10
"""How many names are offered for one that there is not."""


class NotRun(click.ClickException):
    """A server could not be tested, so nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was asked for."""

    name: str
    """What it is called before it has said who it is."""
    words: tuple[str, ...]
    """The arguments and options that ask for it."""
    start: Callable[[], AbstractContextManager[Target]]

    @contextmanager
    def open(self) -> Generator[Target]:
        """Get at it.

        Raises:
            NotRun: That cannot be done.
        """
        from gradio_proto.conformance.model import Unreachable
        from gradio_proto.conformance.reference import LaunchError

        try:
            with self.start() as target:
                target.secrets = invocation().secrets
                yield target
        except (Unreachable, LaunchError) as error:
            raise NotRun(f"{self.name}: {error}") from error

    def command(self, words: Sequence[str], options: Sequence[str]) -> str:
        """The command line that does something with it.

        Args:
            words: The subcommand and what stands before the server.
            options: What stands behind it.
        """
        return invocation().hide(shlex.join(["gradio-proto", "conformance", *words, *self.words, *options]))


_OPTIONS: Final = (
    click.option(
        "--app",
        type=click.Choice(["reference", "embedded"]),
        help="Instead of a URL: the reference app, run by --python, or this library's own server, in memory.",
    ),
    click.option(
        "--python", "pythons", multiple=True, metavar="PATH", help="A Python that has Gradio (repeatable)."
    ),
    click.option(
        "--gradio-version",
        "versions",
        multiple=True,
        metavar="VERSION",
        help="Which Gradio the embedded server is to be like (repeatable). By default the latest that it knows.",
    ),
    click.option(
        "--defect",
        "defects",
        multiple=True,
        metavar="NAME",
        help="Something that the embedded server does wrong, to see it found (repeatable).",
    ),
    click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="[ROLE=]/NAME",
        help="An endpoint that may be called; with a ROLE, one that does what the reference app's endpoint of that"
        " name does (repeatable).",
    ),
    credentials.AUTH_OPTION,
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Sent with every request, shown in no output; a $VARIABLE in the value is taken from the environment"
        " (repeatable).",
    ),
    click.option(
        "--token",
        is_flag=True,
        help=f"Send a bearer token. It is asked for, or taken from {credentials.TOKEN}.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="At most N requests a second. By default 5, and any number on this machine.",
    ),
)

Command = Callable[..., int]


def roles() -> Mapping[str, int]:
    """The roles that endpoints can play, and how many cases need each."""
    from collections import Counter

    from gradio_proto.conformance.registry import all_cases

    needed = Counter(role for case in all_cases().values() for role in case.needs.endpoints)
    return {role: number for role, number in sorted(needed.items()) if role != "any"}


def with_servers(*, many: bool) -> Callable[[Command], Command]:
    """Give a command the arguments and options that name servers; it is called with ``servers``, a list.

    Args:
        many: Whether there may be more than one.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def wrapped(**given: Any) -> int:
            asked = Asked(**{name: given.pop(name) for name in Asked.__slots__})
            servers = asked.servers()
            if not many and len(servers) != 1:
                raise click.UsageError("give one server")
            return function(servers=servers, **given)

        decorated: Command = wrapped
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return click.argument("urls", nargs=-1, metavar="[URL]..." if many else "[URL]")(decorated)

    return decorate


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user has given."""

    urls: tuple[str, ...]
    app: str | None
    pythons: tuple[str, ...]
    versions: tuple[str, ...]
    defects: tuple[str, ...]
    endpoints: tuple[str, ...]
    auth: str | None
    headers: tuple[str, ...]
    token: bool
    rate: float | None

    def servers(self) -> list[Server]:
        """The servers.

        Raises:
            click.UsageError: What was given does not go together, or is not understood.
        """
        if bool(self.urls) == (self.app is not None):
            raise click.UsageError(
                f"give the URL of a server, or --app{', and not both' if self.urls else ''}"
            )
        self._check("--python", self.pythons, "reference")
        self._check("--gradio-version", self.versions, "embedded")
        self._check("--defect", self.defects, "embedded")
        for option in ("endpoints", "auth", "headers", "token", "rate"):
            if getattr(self, option) and self.app is not None:
                raise click.UsageError(f"--{option.removesuffix('s')} goes with a URL")
        if self.app == "reference":
            return self._reference()
        return self._live() if self.app is None else self._embedded()

    def _check(self, option: str, given: tuple[str, ...], app: str) -> None:
        if given and self.app != app:
            raise click.UsageError(f"{option} goes with --app {app}")

    def _reference(self) -> list[Server]:
        from gradio_proto.conformance.target import reference

        if not self.pythons:
            raise click.UsageError("--app reference wants a Python that has Gradio: --python PATH")
        return [
            Server(
                f"the reference app on {python}",
                ("--app", "reference", "--python", python),
                functools.partial(reference, python),
            )
            for python in self.pythons
        ]

    def _embedded(self) -> list[Server]:
        from gradio_proto.conformance.target import embedded
        from gradio_proto.testing.defects import DEFECTS
        from gradio_proto.testing.generations import LATEST, PROTOCOLS

        versions = self.versions or (LATEST,)
        self._know("--gradio-version", versions, PROTOCOLS)
        self._know("--defect", self.defects, DEFECTS)
        for defect in self.defects:
            for version in versions:
                if version not in DEFECTS[defect].versions:
                    can = ", ".join(DEFECTS[defect].versions)
                    raise click.UsageError(f"--defect {defect} is for --gradio-version {can}")
        wrong = [word for defect in self.defects for word in ("--defect", defect)]
        return [
            Server(
                f"the embedded server as Gradio {version}",
                ("--app", "embedded", "--gradio-version", version, *wrong),
                functools.partial(embedded, version, self.defects),
            )
            for version in versions
        ]

    @staticmethod
    def _know(option: str, given: tuple[str, ...], known: Mapping[str, Any]) -> None:
        from difflib import get_close_matches

        for name in given:
            if name not in known:
                near = get_close_matches(name, known, 5)
                if near and len(known) > SHOWN:
                    hint = f"did you mean {', '.join(near)}?"
                else:
                    more = ", and more" if len(known) > SHOWN else ""
                    hint = f"there are: {', '.join(list(known)[:SHOWN])}{more}"
                raise click.UsageError(f"{option} {name!r} is not known; {hint}")

    def _live(self) -> list[Server]:
        from gradio_proto.conformance.target import live
        from gradio_proto.errors import ArgumentError
        from gradio_proto.urls import parse_app_url

        try:
            # A query may hold a token, so only what was read of a URL is shown.
            urls = [str(parse_app_url(url)) for url in self.urls]
        except ArgumentError as error:
            # It names an argument of the library, which has another name here.
            raise click.UsageError(str(error).replace("auth=('user', 'password')", "--auth USER")) from None
        for endpoint in self.endpoints:
            role, equals, name = endpoint.partition("=")
            if equals and not name:
                raise click.UsageError(f"--endpoint {endpoint!r} names no endpoint")
            if equals:
                self._know("--endpoint with the role", (role,), roles())
        given = [credentials.header(header) for header in self.headers]
        headers = {header.name: header.value for header in given}
        auth = None if self.auth is None else (self.auth, credentials.password(self.auth))
        token = credentials.token() if self.token else None
        words = [word for endpoint in self.endpoints for word in ("--endpoint", endpoint)]
        words += [] if self.auth is None else ["--auth", self.auth]
        words += [word for header in given for word in ("--header", header.shown)]
        words += ["--token"] if self.token else []
        words += [] if self.rate is None else ["--rate", f"{self.rate:g}"]

        def start(url: str) -> AbstractContextManager[Target]:
            return live(
                url, endpoints=self.endpoints, auth=auth, headers=headers, token=token, rate=self.rate
            )

        return [Server(url, (url, *words), functools.partial(start, url)) for url in urls]
