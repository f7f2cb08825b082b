"""The calls of one mode over one client on one server, and what came of each.

What a call's error says of how far it had come is held against what the proxy has carried and the app has run.
"""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from servers.running import reference_server
from ways import Asyncio, Sockets, Trio, Way, nothing_left

from gradio_proto import Client, Timeouts, handle_file
from gradio_proto.conformance.reference import Options, ReferenceServer
from gradio_proto.errors import GradioError, TransportError

from .fates import HARMLESS, Fates, Mode
from .proxy import ChaosProxy


class Blocking(Sockets):
    """The blocking client, whose callers are threads."""

    name = "blocking"
    longest = 40.0

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - it has a thread of its own


CLIENTS: Final[dict[str, type[Way]]] = {"blocking": Blocking, "trio": Trio, "asyncio": Asyncio}

DEADLINES: Final = Timeouts(connect=3, read=3, write=3, idle=3)
"""Where calls are to fail; in a harmless mode the default ones hold."""

STORMS: Final = (3, 30, 60)
"""How many calls a storm has, one of these; after each the weather is fair for one call more."""

APPS: Final = ("/plain", "/state")
"""Where the server has the app; each has half of the calls, with a client of its own."""

SPREAD: Final = 0.4
"""Seconds within which the calls of a storm begin."""


@dataclass
class Row:
    """What came of the calls of a cell."""

    version: str
    mode: str
    client: str
    calls: int = 0
    right: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    """By phase and type."""
    fair_calls: int = 0
    """Calls in fair weather, between the storms, all of which must be right."""
    wrong: list[str] = field(default_factory=list)
    """What must not be."""
    happened: dict[str, int] = field(default_factory=dict)
    """What the proxy has done."""
    longest: float = 0.0
    """Seconds that a call has taken at most."""
    seconds: float = 0.0


@dataclass
class Called:
    """A call that was made, and what it came to."""

    name: str
    error: Exception | None = None
    ended: float = 0.0
    """On the monotonic clock."""
    seconds: float = 0.0


Kind = Callable[[Any, str], Awaitable[None]]
"""Makes a call of its name with a client, and checks what it gives."""


class Wrong(AssertionError):
    """A call gave something else than it was to give."""


async def answered(client: Any, name: str, seconds: float = 0.05) -> None:
    """A plain function."""
    job = await client.submit(name, seconds, api_name="/answer")
    _check(await job.result(), f"{name} is answered")


async def stepped(client: Any, name: str) -> None:
    """A generator, whose values are read as they come."""
    expected = [" ".join([name, *map(str, range(count))]) for count in range(1, 7)]
    got: list[Any] = []
    job = await client.submit(name, len(expected), api_name="/steps")
    try:
        async for value in job:
            got.append(value)
    finally:
        # As one that fails has it, what came must be what was said.
        _check(got, expected[: len(got)])
    _check(got, expected)


async def shouted(client: Any, name: str) -> None:
    """A file there, and another one back."""
    text = f"{name} " * 30
    job = await client.submit(name, handle_file(text.encode(), name="said.txt"), api_name="/shout")
    shouted = Path(await job.result())
    _check(shouted.read_text(encoding="utf-8"), text.upper())  # noqa: ASYNC240 - it is short


KINDS: Final[Sequence[Kind]] = (answered, answered, stepped, stepped, shouted)


def _check(value: Any, expected: Any) -> None:
    if value != expected:
        raise Wrong(f"{value!r:.200} came instead of {expected!r:.200}")


@contextlib.contextmanager
def served(version: str) -> Iterator[str]:
    """The app on that Gradio; its address, below which the two apps are."""
    python = reference_server(version).python  # says what to do if it is not installed
    with ReferenceServer(python, version=version, app=Path(__file__).parent / "app.py") as server:
        running = server.start(Options(mount=APPS[0]))
        running.wait()
        yield running.url.removesuffix(APPS[0])


def ran_of(url: str) -> Counter[str]:
    """How often each call has run, asked without a proxy between."""
    with Client(url) as client:
        return Counter(client.predict(api_name="/ran"))


def verdict(called: Called, proxy: ChaosProxy, ran: Counter[str]) -> str | None:
    """What is wrong with what a call came to; None if nothing is."""
    name, error, seen = called.name, called.error, proxy.seen
    times, joins = ran[name], seen.joins[name]
    is_answered = seen.answers.get(name, math.inf) < called.ended
    if times > 1 or joins > 1:
        return f"it ran {times} times, and was joined {joins} times"
    if error is None:
        return None if times == 1 else "it has a value, and never ran"
    if not isinstance(error, TransportError) or proxy.fates.mode in HARMLESS:
        return f"it ended in {error!r}"
    if error.retryable and times:
        return f"{error!r} may be repeated, and it ran"
    phase = phase_of(error)
    if phase == "not_sent" and (times or name in seen.left):
        return f"{error!r} was not sent, and left this machine, and ran {times} times"
    if phase == "sent_unknown" and is_answered and name not in seen.resets:
        return f"{error!r} was never answered, and was"
    if phase in ("accepted", "stream_lost") and not is_answered:
        return f"{error!r} was accepted, and never answered"
    return None if phase else f"{error!r} has no phase"


def phase_of(error: TransportError) -> str:
    """How far the call had come, as its error says; an empty string where it does not."""
    phase: object = getattr(error, "phase", "")
    return phase if phase in ("not_sent", "sent_unknown", "accepted", "stream_lost") else ""


@dataclass
class Cell:
    """One mode, one client, one server."""

    version: str
    mode: Mode
    client: str
    url: str
    """Of the server."""
    seed: int = 1
    calls: int = 334
    apps: Sequence[str] = APPS
    deadlines: Timeouts = DEADLINES

    def run(self) -> Row:
        """Make the calls, with one client, and hold them against what is known."""
        row = Row(self.version, self.mode, self.client)
        began = time.monotonic()
        made: list[Called] = []
        port = urlsplit(self.url).port
        assert port is not None
        proxy: ChaosProxy | None = None
        way = CLIENTS[self.client]()
        try:
            with (
                nothing_left(60 + 2 * self.calls),
                tempfile.TemporaryDirectory() as directory,
                ChaosProxy(port, Fates(self.seed, self.mode)) as proxy,
            ):
                for number, app in enumerate(self.apps, 1):
                    end = self.calls * number // len(self.apps)
                    way.run(partial(self._converse, way, proxy, app, directory, made, row, end))
                proxy.fair()
                time.sleep(0.3)  # what was held goes its way, and runs if it is to
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            row.wrong.append("".join(traceback.format_exception(error))[-1500:])
        if proxy is not None:
            row.happened = proxy.happened
            ran = ran_of(f"{self.url}{self.apps[0]}")
            for called in made:
                self._count(row, called, verdict(called, proxy, ran))
        row.longest = max((called.seconds for called in made), default=0.0)
        row.seconds = time.monotonic() - began
        return row

    async def _converse(
        self, way: Way, proxy: ChaosProxy, app: str, directory: str, made: list[Called], row: Row, end: int
    ) -> None:
        chance = random.Random(f"{self.seed} {self.client} {app}")
        deadlines = Timeouts() if self.mode in HARMLESS else self.deadlines
        client = await way.open(proxy.url + app, timeouts=deadlines, download_files=directory)
        try:
            while row.calls < end:
                proxy.foul()
                plans = []
                for _ in range(min(chance.choice(STORMS), end - row.calls)):
                    row.calls += 1
                    called = Called(self._name(row.calls))
                    made.append(called)
                    plans.append(
                        partial(_call, way, client, called, chance.choice(KINDS), chance.uniform(0, SPREAD))
                    )
                await way.together(*plans)
                proxy.fair()
                row.fair_calls += 1
                fair = Called(f"{self._name(row.calls)} in fair weather")
                await _call(way, client, fair, chance.choice(KINDS), 0)
                if fair.error is not None:
                    row.wrong.append(f"{fair.name}: {fair.error!r}")
        finally:
            began = time.monotonic()
            await client.close()
            if time.monotonic() - began > 1:
                row.wrong.append("to close the client took longer than a second")

    def _name(self, number: int) -> str:
        return f"call {self.seed} {self.mode} {self.client} {number}"

    def _count(self, row: Row, called: Called, problem: str | None) -> None:
        if problem is not None:
            row.wrong.append(f"{called.name}: {problem}")
        elif called.error is None:
            row.right += 1
        else:
            assert isinstance(called.error, TransportError)  # the verdict has looked
            kind = f"{phase_of(called.error)} {type(called.error).__name__}"
            row.errors[kind] = row.errors.get(kind, 0) + 1


async def _call(way: Way, client: Any, called: Called, kind: Kind, pause: float) -> None:
    await way.sleep(pause)
    began = time.monotonic()
    try:
        await kind(client, called.name)
    except (GradioError, Wrong) as error:
        called.error = error
    called.ended = time.monotonic()
    called.seconds = called.ended - began
