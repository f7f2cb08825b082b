"""Calls that cases make in common: every plain endpoint once, and a line in which jobs wait for one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gradio_proto.api_info import ParameterInfo
from gradio_proto.endpoints import Endpoint

from ..model import Skipped
from ..session import Job, Session, wait_together
from ..tester import Tester
from ..wire import EventStream

PLAIN: Final[Sequence[tuple[str, tuple[Any, ...]]]] = (
    ("echo", ("x",)),
    ("calc", (1, "add", 2)),
    ("count", (3,)),
    ("stream", ("a b c",)),
    ("chat", ("hi", [])),
    ("jsonstream", (3,)),
    ("progress", (1,)),
    ("log", ("x",)),
    ("fail", ("x",)),
    ("fail_titled", ("x",)),
    ("crash", ("x",)),
    ("gen_fail", (2,)),
    ("gen_crash", (2,)),
    ("growing_file", ("x",)),
    ("state", ("a b",)),
    ("slow", (0,)),
    ("shrink", (3,)),
    ("slow_gen", (2, 0)),
    ("noqueue", ("x",)),
    ("noqueue_gen", (2,)),
    ("json", ({"a": [1, None]},)),
    ("none", ("x",)),
    ("special", ("nan",)),
    ("special", ("unicode",)),
    ("special", ("lone",)),
    ("special", ("deep",)),
    ("update", ("x",)),
    ("req", ()),
    ("awkward", ("a", "b", 1)),
    ("validate", (1, "x")),
    ("audio_stream", (2,)),
)
"""Each plain endpoint of the reference app, with inputs. (A batch is left out: one stops the queue of Gradio 4.0.)"""
FAILING: Final = frozenset({"fail", "fail_titled", "crash", "gen_fail", "gen_crash"})

LINE: Final = 4
"""Jobs in a line, where a function runs one at a time."""
WORKERS: Final = 10
"""Jobs that Gradio 3 runs at once, of all functions together."""
STEP: Final = 0.15
"""Seconds between the starts of two jobs in a line: more than it takes to tell one from the other."""


@dataclass(frozen=True, slots=True)
class Call:
    """An endpoint, with what it is called with."""

    role: str
    endpoint: Endpoint
    arguments: Sequence[Any]


def plain_calls(tester: Tester, roles: Iterable[str] = ()) -> list[Call]:
    """The calls that may be made here: the plain ones, and of the endpoints that a user has named without a role each
    with the example inputs that its app gives.

    Args:
        tester: The tester.
        roles: Of the plain ones, these only.
    """
    wanted = frozenset(roles)
    known = {role for role, _ in PLAIN}
    calls: list[Call] = []
    for role, arguments in PLAIN:
        endpoint = tester.find(role)
        if endpoint is not None and (not wanted or role in wanted):
            calls.append(Call(role, endpoint, arguments))
    for role in () if wanted else tester.target.roles:
        endpoint = tester.find(role)
        if role not in known and endpoint is not None:
            calls.append(Call(role, endpoint, [_example(parameter) for parameter in endpoint.parameters]))
    return calls


def make(tester: Tester, calls: Sequence[Call]) -> list[Job]:
    """Make these calls at once, each in a session of its own, and wait for the end of all.

    Raises:
        Violation: One does not end.
    """
    jobs: list[Job] = []
    for call in calls:
        session = tester.session()
        jobs.append(session.submit(call.endpoint, *tester.data_for(call.endpoint, *call.arguments)))
    wait_for_all(jobs)
    return jobs


def wait_for_all(jobs: Sequence[Job], patience: float | None = None) -> None:
    """Wait for the end of jobs of any sessions.

    Raises:
        Violation: One of them does not end, in time.
    """
    sessions = list(dict.fromkeys(job.session for job in jobs))
    if sessions:
        wait_together(sessions, lambda: all(job.is_over for job in jobs), "end of all jobs", patience)


def stand_in_line(tester: Tester) -> list[Job]:
    """Begin so many jobs of ``slow`` that the last of them have to wait for one another, and wait for the end of all.

    A function with a limit runs one job at a time. Gradio 3 has none, but a number of workers: there these are kept
    busy for different times, so that those who wait start one after the other, too.

    Returns:
        The jobs in the order in which they have joined; those that were seen to wait are :func:`waiters`.
    """
    endpoint = tester.endpoint("slow")
    has_workers = tester.protocol == "ws"
    count = WORKERS + LINE - 1 if has_workers else LINE
    sessions: list[Session] = []
    jobs: list[Job] = []
    for number in range(count):
        # On these generations a session must not have one function twice.
        if tester.asks_for_data or number < 2:
            sessions.append(tester.session())
        session = sessions[number % len(sessions)] if not tester.asks_for_data else sessions[-1]
        seconds = 0.6 + STEP * number if has_workers and number < WORKERS else STEP
        job = session.submit(endpoint, seconds)
        jobs.append(job)
        if tester.asks_for_data:
            wait_together(sessions, partial(_is_in_line, job), f"estimation of {job}")
    wait_for_all(jobs)
    return jobs


def waiters(jobs: Sequence[Job]) -> list[Job]:
    """Those of a line that have waited for another one to start.

    Raises:
        Skipped: None has: the server runs all of them at once.
    """
    found = [job for job in jobs if started_at(job) - job.joined_at > STEP / 2]
    if not found:
        raise Skipped("the server runs all these jobs at once, so that nobody waits")
    return found


def started_at(job: Job) -> float:
    """When its ``process_starts`` came, on the wire's clock."""
    starts = job.all("process_starts")
    return starts[0].at if starts else float("inf")


def _is_in_line(job: Job) -> bool:
    return bool(job.all("estimation")) or job.has_started


def _example(parameter: ParameterInfo) -> Any:
    return parameter.default if parameter.has_default else parameter.example_input


def name_of(endpoint: Endpoint) -> str:
    """An endpoint's name as it stands in a path: without its slash."""
    return (endpoint.api_name or "").strip("/")


def heartbeat(tester: Tester, session: Session) -> EventStream:
    """Open a session's heartbeat, and wait for its first sign of life."""
    stream = tester.wire.open_events(tester.wire.target(f"heartbeat/{session.hash}"))
    tester.check(stream.status == 200, f"a heartbeat was answered {stream.status}")
    if not tester.wire.wait(lambda: stream.size > 0, tester.patience / 2):
        tester.check(False, "nothing came on a heartbeat at first, though something has to at once")
    return stream
