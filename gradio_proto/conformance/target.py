"""Servers to be tested, and what may be done to them.

:func:`live` is any URL, with care: only what the user names is called, a few requests a second unless it is on this
machine. :func:`reference` starts the reference app under a Python that has Gradio; :func:`embedded` is this library's
own server, in memory and with virtual time.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from gradio_proto.client.transports import BlockingFactory, blocking_factory
from gradio_proto.redaction import Secrets
from gradio_proto.urls import AppURL, parse_app_url

from .model import Skipped, Variant
from .tester import Tester
from .transcript import Entry
from .wire import Wire

RATE: Final = 5.0
"""Requests a second to a server that is not on this machine, unless the user says something else."""
PATIENCE_HERE: Final = 8.0
"""Seconds that an answer, or a job that does nothing long, may take on this machine."""
PATIENCE_ELSEWHERE: Final = 60.0
TITLE: Final = "gradio_proto reference app"
"""By this the reference app is known, where it was started by hand on this machine."""
LOGIN: Final = ("user", "pass word")
"""Of the reference app, in the variant with a login."""


@dataclass(eq=False)
class Target:
    """A server to be tested.

    Attributes:
        url: Its address.
        factory: What makes a transport to it.
        roles: The api_names of the endpoints that play a role; of the reference app each endpoint plays its own.
        is_reference: It runs the reference app, all of whose endpoints may be called. (What disturbs others may be done
            only where the tester can start the server anew, and so nobody else has it.)
        auth: User name and password.
    """

    url: AppURL
    factory: BlockingFactory
    roles: Mapping[str, str] = field(default_factory=dict[str, str])
    is_reference: bool = False
    auth: tuple[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent with every request, such as those of a gateway."""
    rate: float | None = None
    """The most requests a second; None for no bound."""
    patience: float = PATIENCE_HERE
    """Seconds after which the server is said not to answer."""
    variants: Callable[[Variant], Target | None] | None = None
    """Gives the server that runs the app in another way; None where there is none."""
    restart: Callable[[], None] | None = None
    """Starts the server anew, at the same address."""
    stop: Callable[[], None] | None = None
    """Has the app end of its own will, as ``demo.close()`` does."""
    secrets: Secrets = field(default_factory=Secrets, repr=False)
    """What is never shown in a report."""
    words: str = ""
    """What names it on the command line, where its address does not."""
    prefix: str = ""
    """What the names of this tester's sessions begin with."""
    listener: Callable[[Entry], None] | None = None
    """Is told of everything that is said."""
    _numbers: count[int] = field(default_factory=lambda: count(1), repr=False)

    def new_name(self) -> str:
        """A session hash that nobody has."""
        return f"{self.prefix}{next(self._numbers):06d}"

    def open(self, *, seed: int = 0, effort: float = 1.0) -> Tester:
        """A tester that has read what the app is.

        Args:
            seed: What everything random is drawn from.
            effort: How many examples to try, as a multiple of what each case says.

        Raises:
            Unreachable: There is no such server.
        """
        wire = Wire(
            self.url,
            self.factory,
            secrets=self.secrets,
            rate=self.rate,
            patience=self.patience,
            listener=self.listener,
        )
        wire.headers.update(self.headers)
        tester = Tester(self, wire, seed=seed, effort=effort)
        try:
            tester.connect()
        except BaseException:
            wire.close()
            raise
        # Whose app calls itself so elsewhere has not asked for all of its endpoints to be called.
        is_named_so = tester.config_json.get("title") == TITLE
        self.is_reference = self.is_reference or (is_named_so and self.url.origin.is_loopback)
        return tester

    def variant(self, name: Variant) -> Target:
        """The server that runs the app in that way.

        Args:
            name: Which way.

        Raises:
            Skipped: There is none.
        """
        if name == "plain":
            return self
        found = None if self.variants is None else self.variants(name)
        if found is None:
            raise Skipped(f"there is no server with the app in the variant {name!r}")
        found.listener = self.listener
        return found


def _names() -> str:
    # Another run of the same seed must not find the State of this one.
    return "gp" + secrets.token_hex(4)


def _parts(name: str, value: str) -> list[str]:
    """The texts in a header's value that must not be shown: an app may tell a token without its scheme, and a cookie
    without its name."""
    if name == "authorization":
        return [value, value.partition(" ")[2]]
    if name == "cookie":
        return [value, *(pair.partition("=")[2] for pair in value.split("; "))]
    return [value]


@contextmanager
def live(
    url: str,
    *,
    endpoints: Sequence[str] = (),
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    token: str | None = None,
    rate: float | None = None,
) -> Generator[Target]:
    """A server somewhere.

    Args:
        url: Its address.
        endpoints: The endpoints that may be called: ``/name``, or ``role=/name`` where it does what the endpoint
            ``role`` of the reference app does.
        auth: User name and password.
        headers: Sent with everything; their values are never shown.
        token: Sent as a bearer token; never shown.
        rate: The most requests a second; None for :data:`RATE`, or for any number on this machine.

    Raises:
        ArgumentError: The address, or the name of an endpoint, is none.
    """
    address = parse_app_url(url)
    is_here = address.origin.is_loopback
    hidden = Secrets([*([token] if token else [])])
    for name, value in (headers or {}).items():
        for part in _parts(name.lower(), value):
            hidden.add(part)
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if token:
        sent["authorization"] = f"Bearer {token}"
    roles: dict[str, str] = {}
    for number, entry in enumerate(endpoints):
        role, equals, name = entry.partition("=")
        roles[role if equals else f"any{number}"] = name if equals else entry
    yield Target(
        address,
        blocking_factory("sockets"),
        roles=roles,
        auth=auth,
        headers=sent,
        rate=rate if rate is not None or is_here else RATE,
        patience=PATIENCE_HERE if is_here else PATIENCE_ELSEWHERE,
        secrets=hidden,
        prefix=_names(),
    )


@contextmanager
def reference(python: str) -> Generator[Target]:
    """The reference app, run by a Python that has Gradio.

    Args:
        python: The path of an interpreter, or its name on PATH.

    Raises:
        LaunchError: There is no such interpreter, it has no Gradio, or the app does not start.
    """
    from .reference.launching import ReferenceServer

    with ReferenceServer(python) as server:
        found: dict[Variant, Target] = {}

        def variant(name: Variant) -> Target | None:
            if name not in server.variants:
                return None
            if name not in found:
                found[name] = Target(
                    parse_app_url(server.variant(name)),
                    blocking_factory("sockets"),
                    is_reference=True,
                    words=shlex.join(["--app", "reference", "--python", python]),
                    prefix=_names(),
                    auth=LOGIN if name == "login" else None,
                    variants=variant,
                    restart=lambda: server.restart(name),
                    stop=lambda: server.running(name).close_app(),
                )
            return found[name]

        server.begin(*server.variants)
        plain = variant("plain")
        assert plain is not None
        yield plain


@contextmanager
def embedded(
    version: str, defects: Sequence[str] = (), *, faithful_defects: bool = False
) -> Generator[Target]:
    """This library's own server, in memory and with virtual time.

    Args:
        version: The version of Gradio that it shows.
        defects: What it does wrong, of :mod:`gradio_proto.testing.defects`.
        faithful_defects: It does wrong what that version of Gradio is known to do wrong.
    """
    from .in_memory import EmbeddedServers

    found = EmbeddedServers(version, defects, faithful_defects=faithful_defects).variant("plain")
    assert found is not None
    yield found
