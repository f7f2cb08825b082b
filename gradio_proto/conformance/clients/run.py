"""Running scenarios on a client."""

from __future__ import annotations

import json
import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from gradio_proto.config import is_object

from ..spec import directory
from .asked import Asked, body_of, line_of, session_of
from .command import (
    Answered,
    Caller,
    CommandFailed,
    CommandMissing,
    CommandTimedOut,
    OneShot,
    Persistent,
    split,
)
from .model import (
    SECRET,
    SECRET_HEADER,
    Call,
    Case,
    ClientReport,
    Order,
    Outcome,
    Problem,
    Result,
    Scenario,
    Verdict,
    cases_of,
)
from .rendering import SHARED
from .server import ScriptedServer
from .sockets import Listeners
from .steps import CANARY, ELSEWHERE, ESCAPE, GIVEN, HERE, Jobs, Script, begun, completed
from .watch import Watched, broken_in, of_route

TIMEOUT: Final = 10.0
"""Seconds that a client has for one scenario, beyond those that the scenario itself takes."""

MEMORY: Final = 384 * 2**20
"""Bytes by which a client's process may grow in one scenario. The largest value sent in one that goes well has 2.4
MB; a client that bounds a message to 64 MB, and holds it as bytes and as text, stays well below."""


@dataclass(frozen=True)
class Binding:
    """A requirement, as far as it matters here."""

    level: str
    """``"MUST"``, ``"SHOULD NOT"`` and so on."""
    generations: frozenset[str]


@cache
def requirements() -> dict[str, Binding]:
    """Every requirement that binds clients, by id."""
    document = json.loads((directory() / "requirements.json").read_text("utf-8"))
    return {
        entry["id"]: Binding(entry["level"], frozenset(entry["generations"]))
        for entry in document["requirements"]
        if entry["binds"] == "client"
    }


def is_grave(requirement: str) -> bool:
    """Whether a requirement is a MUST or a MUST NOT."""
    return requirements()[requirement].level.startswith("MUST")


def holds(requirement: str, generation: str) -> bool:
    """Whether a requirement is one for that generation."""
    return generation in requirements()[requirement].generations


@dataclass(frozen=True)
class _Places:
    """The files that a case may name."""

    scratch: Path
    """Where the client may write."""
    canary: Path
    escape: Path
    given: Path
    content: bytes

    @classmethod
    def under(cls, directory: Path) -> _Places:
        scratch, watched = directory / "scratch", directory / "watched"
        scratch.mkdir()
        watched.mkdir()
        content = f"canary {secrets.token_hex(16)}".encode()
        canary = watched / "canary.txt"
        canary.write_bytes(content)
        given = directory / "given.txt"
        given.write_bytes(b"what the user gives")
        return cls(scratch, canary, watched / "escaped.txt", given, content)


def run_case(case: Case, caller: Caller, *, timeout: float = TIMEOUT, memory: int = MEMORY) -> Result:
    """Run one scenario in one generation.

    Args:
        case: What to run.
        caller: What has the client make its calls.
        timeout: Seconds that it has, beyond those that the scenario itself takes.
        memory: Bytes by which the client's process may grow.
    """
    scenario = case.scenario
    directory = Path(tempfile.mkdtemp(prefix="gradio-conformance-"))
    began = time.monotonic()
    try:
        places = _Places.under(directory)
        with Listeners() as listeners:
            here, elsewhere = listeners.listen(), listeners.listen()
            said = {
                HERE: here,
                ELSEWHERE: elsewhere,
                CANARY: str(places.canary),
                ESCAPE: str(places.escape),
                GIVEN: str(places.given),
            }
            server = ScriptedServer(scenario.script, case.generation, said)
            # A healthy app, so that whoever is sent there feels at home.
            other = ScriptedServer(
                Script(Jobs(((*begun(), completed("from elsewhere")),))), case.generation, {HERE: elsewhere}
            )
            listeners.serve(here, server)
            listeners.serve(elsewhere, other)
            listeners.start()
            order = order_of(scenario, here, said)
            outcomes: tuple[Outcome, ...] = ()
            problems: list[Problem] = []
            try:
                total = timeout + (scenario.timeout or 0.0)
                answered = caller.call(order, timeout=total, scratch=str(places.scratch))
            except CommandMissing as error:
                return Result(case, Verdict.ERROR, reason=str(error))
            except CommandFailed as error:
                is_late = isinstance(error, CommandTimedOut)
                problems += _too_large(error.grown if isinstance(error, CommandTimedOut) else None, memory)
                problems.append(
                    Problem(str(error), "security/bounds/time" if is_late else "security/bounds/typed")
                )
            else:
                outcomes = answered.outcomes
                problems += _judged(case, answered, places, memory, server.log)
        if listeners.error is not None:
            return Result(case, Verdict.ERROR, reason=f"the scripted server has failed: {listeners.error!r}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return _result(
        case,
        outcomes,
        problems,
        Watched(scenario, case.generation, server.log, other.log, places.content),
        server.problems,
        time.monotonic() - began,
    )


def _result(
    case: Case,
    outcomes: tuple[Outcome, ...],
    problems: list[Problem],
    watched: Watched,
    seen: Iterable[tuple[str, str]],
    seconds: float,
) -> Result:
    asked = tuple(map(line_of, watched.log))
    sessions = {session_of(join) for join in of_route(watched, "queue/join", "POST")}
    if len(case.scenario.calls) > 1 and case.generation in SHARED and len(sessions) > 1:
        reason = "this client gives each call a session of its own, and this is about calls that share one"
        return Result(case, Verdict.SKIP, outcomes, (), seconds, reason, asked)
    problems = [
        *problems,
        *(
            Problem(text, requirement, is_grave(requirement))
            for requirement, text in dict.fromkeys((*seen, *broken_in(watched)))
            if holds(requirement, watched.generation)
        ),
    ]
    if any(problem.is_grave for problem in problems):
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.WARN if problems else Verdict.PASS
    return Result(case, verdict, outcomes, tuple(problems), seconds, None, asked)


def binding(case: Case) -> list[str]:
    """The requirements that a case checks, those that hold for its generation."""
    return [each for each in case.scenario.requirements if holds(each, case.generation)]


def calls_in_order(calls: Sequence[Call], log: Sequence[Asked]) -> list[int]:
    """The numbers of calls in the order in which they have joined: a client may start them in any.

    A scenario numbers jobs in the order of their joins, and what must come out of them likewise.
    """
    left = list(range(len(calls)))
    joined: list[int] = []
    for asked in log:
        data = body_of(asked).get("data") if asked.route == "queue/join" else None
        found = next((number for number in left if [*calls[number].data] == data), None)
        if found is not None:
            left.remove(found)
            joined.append(found)
    return joined + left


def _judged(
    case: Case, answered: Answered, places: _Places, memory: int, log: Sequence[Asked]
) -> list[Problem]:
    """What is wrong with an answer, and with what the client has done to this machine."""
    scenario, bind = case.scenario, binding(case)
    # What no requirement of that generation says is worth a warning: a server of it has not been seen to do so.
    requirement, grave = next(iter(bind), None), any(map(is_grave, bind))
    expected = scenario.expected * (len(answered.outcomes) if len(scenario.expected) == 1 else 1)
    problems = [
        Problem(text, requirement, grave)
        for wanted, number in zip(expected, calls_in_order(scenario.calls, log), strict=True)
        if (text := wanted.problem(answered.outcomes[number])) is not None
    ]
    if places.content.decode() in json.dumps([outcome.value for outcome in answered.outcomes]):
        problems.append(Problem("it has read a file that the server named", "security/files/explicit"))
    if sorted(places.canary.parent.iterdir()) != [places.canary]:
        problems.append(Problem("it has made a file where the server wanted one", "security/files/names"))
    if places.canary.read_bytes() != places.content:
        problems.append(Problem("it has written to a file that the server named", "security/files/place"))
    return problems + _too_large(answered.grown, memory)


def _too_large(grown: int | None, memory: int) -> list[Problem]:
    if grown is None or grown <= memory:
        return []
    text = f"its process has grown by {grown >> 20} MB, and {memory >> 20} MB are the limit"
    return [Problem(text, "security/bounds/everything")]


def order_of(scenario: Scenario, url: str, places: dict[str, str]) -> Order:
    """What the command is asked to do."""
    return Order(
        url,
        tuple(
            Call(tuple(_filled_in(value, places) for value in call.data), call.api_name)
            for call in scenario.calls
        ),
        scenario.stream,
        scenario.timeout,
        SECRET if scenario.credentials else None,
        (SECRET_HEADER,) if scenario.credentials else (),
    )


def _filled_in(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, str):
        for place, stands_for in places.items():
            value = value.replace(place, stands_for)
        return value
    if is_object(value):
        return {key: _filled_in(item, places) for key, item in value.items()}
    return value


def selected(cases: Sequence[Case], select: Sequence[str] = (), skip: Sequence[str] = ()) -> list[Case]:
    """The cases whose id (``"framing/comments@sse_v3"``, or without the generation) is of one of these globs."""

    def fits(case: Case, globs: Sequence[str]) -> bool:
        return any(fnmatchcase(name, glob) for glob in globs for name in (case.id, case.scenario.id))

    return [case for case in cases if (not select or fits(case, select)) and not fits(case, skip)]


def run_client(
    command: str | Sequence[str],
    *,
    select: Sequence[str] = (),
    skip: Sequence[str] = (),
    timeout: float = TIMEOUT,
    jobs: int = 1,
    persistent: bool = False,
    memory: int = MEMORY,
    scenarios: Sequence[Scenario] | None = None,
    on_result: Callable[[Result], None] | None = None,
) -> ClientReport:
    """Run scenarios on the client that a command stands for.

    Args:
        command: The command, as a line or as its words; see :mod:`gradio_proto.conformance.clients`.
        select: Globs of the cases to run; without any, all are.
        skip: Globs of those to leave out.
        timeout: Seconds that the client has for one case, beyond those that the case itself takes.
        jobs: Cases that run at the same time.
        persistent: The command reads orders from its standard input, one a line, until that ends.
        memory: Bytes by which the client's process may grow in one case, where the system tells that.
        scenarios: Other scenarios than the package's own.
        on_result: Called with each result as it comes, on whichever thread it came.

    Raises:
        CommandMissing: The command is empty, or its first word is no program.
    """
    from .scenarios import SCENARIOS

    began = time.monotonic()
    words = split(command)
    if "{" not in words[0] and shutil.which(words[0]) is None:
        raise CommandMissing(f"the command cannot be run: {words[0]!r} is no program")
    cases = selected(cases_of(SCENARIOS if scenarios is None else scenarios), select, skip)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(cases)):
        waiting.put(number)
    results: dict[int, Result] = {}

    def work() -> None:
        caller: Caller = Persistent(words) if persistent else OneShot(words)
        try:
            while True:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    result = run_case(cases[number], caller, timeout=timeout, memory=memory)
                except Exception as error:
                    result = Result(cases[number], Verdict.ERROR, reason=f"the tester has failed: {error!r}")
                results[number] = result
                if on_result is not None:
                    on_result(result)
        finally:
            caller.close()

    workers = [threading.Thread(target=work, name="conformance client") for _ in range(min(jobs, len(cases)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ordered = tuple(results[number] for number in range(len(cases)))
    return ClientReport(words, ordered, time.monotonic() - began)
