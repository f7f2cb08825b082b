"""A stateful machine: sessions that join, hear, cancel, leave, upload and download in any order.

:class:`ServerMachine` is a Hypothesis ``RuleBasedStateMachine``. Its rules do what a well-behaved client may do, over
the reference app, and it knows what has to come of each: the values that a job yields, the words that a session's State
has counted, the bytes of a file. What a client must not do, since releases of Gradio are known to harm other jobs then
(to cancel a job beside another one of its function, say), it leaves to cases of their own: it would find those again
and again, and nothing else.

:func:`explore` runs it against a server; a project's own tests may do the same with a subclass that has more rules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, cast

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .judging import judge_session
from .model import Violation
from .searching import Enough, Search, quiet_settings
from .session import Job, Session
from .strategies import file_contents, file_names
from .tester import Tester

LONG_TICK: Final = 120
"""Steps of a job that is there to be cancelled: 2.4 seconds."""
MOST_SESSIONS: Final = 3
"""At once."""
MOST_JOBS: Final = 4
"""Under way at once; a server of few workers runs them one after the other."""
PIECE: Final = 0.03
"""Seconds for which the machine listens: a value or two of a generator."""
WORDS: Final = st.lists(st.sampled_from(["a", "bee", "sea"]), max_size=4).map(" ".join)


@dataclass(eq=False)
class Begun:
    """A job, and what has to come of it."""

    job: Job
    role: str
    yields: list[Any]
    """The first output of each value; for a job that yields nothing, of its end."""
    error: str = ""
    """What a job says that has to fail."""
    was_cancelled: bool = False


@dataclass(eq=False)
class Known:
    """A session, and what the server has to know about it."""

    session: Session
    words: int = 0
    begun: list[Begun] = field(default_factory=list[Begun])


class ServerMachine(RuleBasedStateMachine):
    """Sessions and jobs in any order; see the module."""

    tester: ClassVar[Tester]
    """Set by :func:`explore`."""
    search: ClassVar[Search]
    """The same."""

    def __init__(self) -> None:
        super().__init__()
        self.search.go_on()
        self.tester.wire.begin()
        self.known: list[Known] = []
        self.files: list[tuple[str, str, bytes]] = []

    @initialize()
    def first_session(self) -> None:
        """There is one session at least."""
        self.new_session()

    # Sessions

    @precondition(lambda self: len(cast("ServerMachine", self).known) < MOST_SESSIONS)
    @rule()
    def new_session(self) -> None:
        """Begin another session."""
        self.known.append(Known(self.tester.session()))

    @rule(number=st.integers(0, MOST_SESSIONS - 1))
    def hang_up(self, number: int) -> None:
        """Leave a session with all its jobs, as a page does that is closed; another one takes its place."""
        known = self._session(number)
        self._judge(known)
        known.session.hang_up()
        self.known.remove(known)
        self.known.append(Known(self.tester.session()))

    @rule(number=st.integers(0, MOST_SESSIONS - 1))
    def wait(self, number: int) -> None:
        """Wait until all jobs of a session are over, and judge them."""
        self._settle(self._session(number))

    @rule(pieces=st.integers(1, 4))
    def listen(self, pieces: int) -> None:
        """Hear for a moment what the server has to say."""
        for known in self.known:
            waiting = [begun.job for begun in known.begun if not begun.job.is_over]
            if waiting:
                self._hear(known.session, waiting, pieces * PIECE)

    # Jobs

    @rule(number=st.integers(0, MOST_SESSIONS - 1), text=st.text(max_size=8))
    def echo(self, number: int, text: str) -> None:
        """A function that gives back its input."""
        self._begin(number, "echo", [text], [text])

    @rule(number=st.integers(0, MOST_SESSIONS - 1), count=st.integers(0, 6))
    def count(self, number: int, count: int) -> None:
        """A generator."""
        self._begin(number, "count", [count], list(range(count)) or [None])

    @rule(number=st.integers(0, MOST_SESSIONS - 1), words=WORDS)
    def stream(self, number: int, words: str) -> None:
        """A generator of a text that grows."""
        parts = words.split()
        self._begin(
            number,
            "stream",
            [words],
            [" ".join(parts[: end + 1]) + " " for end in range(len(parts))] or [None],
        )

    @rule(number=st.integers(0, MOST_SESSIONS - 1), count=st.integers(0, 4))
    def shrink(self, number: int, count: int) -> None:
        """A generator of a list that loses and gains elements."""
        letters = ["a", "b", "c", "d"][:count]
        self._begin(number, "shrink", [count], [letters, letters[:1], letters, letters[:2], []])

    @rule(number=st.integers(0, MOST_SESSIONS - 1), what=st.sampled_from(["x", "y z"]))
    def fail(self, number: int, what: str) -> None:
        """A function that fails."""
        self._begin(number, "fail", [what], [], error=f"bad thing: {what}")

    @rule(number=st.integers(0, MOST_SESSIONS - 1), words=WORDS)
    def state(self, number: int, words: str) -> None:
        """A function with State; one at a time, since nothing says which of two comes first."""
        known = self._session(number)
        before = [begun for begun in known.begun if begun.role == "state" and not begun.job.is_over]
        known.session.wait(*[begun.job for begun in before]) if before else None
        known.words += len(words.split())
        self._begin(number, "state", [words], [known.words])

    @precondition(lambda self: cast("ServerMachine", self).can_cancel)
    @rule(number=st.integers(0, MOST_SESSIONS - 1))
    def begin_and_cancel(self, number: int) -> None:
        """Cancel a generator that runs, and that has no sibling in its session."""
        begun = self._begin(number, "ticks", [self.tester.new_name(), LONG_TICK], list(range(LONG_TICK)))
        job = begun.job
        job.session.wait_until(lambda: job.has_started or job.is_over, f"process_starts of {job}")
        begun.was_cancelled = True
        self.tester.check_status(job.session.cancel(job), 200)
        job.session.wait(job)

    @property
    def can_cancel(self) -> bool:
        """Whether the server cancels by a request, and the app has something that lasts."""
        return self.tester.version >= (4, 30) and self.tester.find("ticks") is not None

    # Requests that harm nobody

    @rule(kind=st.sampled_from(["unknown function", "no data", "no JSON"]))
    def mistake(self, kind: str) -> None:
        """A request that is wrong."""
        body: dict[str, Any] = {"data": [], "fn_index": 10**6, "session_hash": self.tester.new_name()}
        if kind == "no data":
            del body["data"]
        if kind == "no JSON":
            headers = (("content-type", "application/json"),)
            reply = self.tester.post("run/predict", body=b"{", headers=headers)
        else:
            reply = self.tester.post("run/predict", body)
        self.tester.check_refused(reply)

    @rule(name=file_names(hostile=False), content=file_contents())
    def upload(self, name: str, content: bytes) -> None:
        """Upload a file."""
        self.files.append((self.tester.upload_one(name, content), name, content))

    @precondition(lambda self: bool(cast("ServerMachine", self).files))
    @rule(number=st.integers(0, 9))
    def download(self, number: int) -> None:
        """Download one of the files that were uploaded: the bytes are the same."""
        path, name, content = self.files[number % len(self.files)]
        reply = self.tester.download(path)
        if reply.status != 200 or reply.body != content:
            raise Violation(
                f"[file/upload/bytes] {name!r} was uploaded with {len(content)} bytes, and is {reply.status} "
                f"{reply.body[:100]!r} at {path}"
            )

    # What has to be so

    def teardown(self) -> None:
        """Judge everything, leave nothing open, and keep what failed with the least to read."""
        error = sys.exc_info()[1]
        try:
            if error is None:
                for known in self.known:
                    self._settle(known)
        except Violation as violation:
            error = violation
            raise
        finally:
            if isinstance(error, Violation):
                self.search.keep(str(error), self.tester.wire.transcript)
            self.tester.wire.leave_all()

    def _session(self, number: int) -> Known:
        return self.known[number % len(self.known)]

    def _begin(
        self, number: int, role: str, arguments: list[Any], yields: list[Any], *, error: str = ""
    ) -> Begun:
        """Begin a job, if there is place for one and a client may."""
        known = self._session(number)
        under_way = [begun for known in self.known for begun in known.begun if not begun.job.is_over]
        # On 3.x two runs of one function in one session share their generator.
        has_twin = any(begun.job.session is known.session and begun.role == role for begun in under_way)
        if len(under_way) >= MOST_JOBS or (has_twin and self.tester.asks_for_data):
            self._settle(known)
        endpoint = self.tester.endpoint(role)
        job = known.session.submit(endpoint, *self.tester.data_for(endpoint, *arguments))
        begun = Begun(job, role, yields, error)
        known.begun.append(begun)
        return begun

    def _hear(self, session: Session, jobs: list[Job], seconds: float) -> None:
        deadline = self.tester.wire.now() + seconds

        def done() -> bool:
            return self.tester.wire.now() >= deadline or all(job.is_over for job in jobs)

        # The answers that the server of an old generation wants have to be given meanwhile.
        while not done():
            self.tester.wire.pause(PIECE)
            session.tend()

    def _settle(self, known: Known) -> None:
        if known.begun:
            known.session.wait(*[begun.job for begun in known.begun])
        self._judge(known)

    def _judge(self, known: Known) -> None:
        judge_session(known.session)
        for begun in known.begun:
            if begun.job.completed is not None:
                self._judge_outcome(begun)

    def _judge_outcome(self, begun: Begun) -> None:
        job, output = begun.job, begun.job.output
        if begun.was_cancelled and output == {} and job.success:
            return
        if begun.error:
            wrong = job.success or begun.error not in str(output.get("error"))
            if wrong:
                raise Violation(f"[error/function/shown] {job} had to fail with {begun.error!r}: {output}")
            return
        final = begun.yields[-1]
        if not job.success or job.values[0] != final:
            raise Violation(f"[value/streamed/last] {job} had to end with {final!r}, and ended with {output}")
        seen = [values[0] for values in job.yielded()]
        if seen and seen != begun.yields:
            raise Violation(
                f"[message/process-generating/each] {job} yielded {begun.yields}, and sent {seen}"
            )


def explore(
    tester: Tester,
    machine: type[ServerMachine] = ServerMachine,
    *,
    examples: int = 12,
    steps: int = 15,
) -> None:
    """Run a machine against a server, and look for the smallest example that fails.

    Args:
        tester: The server; its ``seed`` decides what is tried, its ``effort`` how much.
        machine: The machine.
        examples: How many sequences are tried.
        steps: How many rules each has at the most.

    Raises:
        Violation: The server does something wrong; the tester's transcript is that of the smallest example.
    """
    search = Search()
    bound = cast(
        "type[ServerMachine]", type(machine.__name__, (machine,), {"tester": tester, "search": search})
    )
    seeded = cast("Callable[[type[ServerMachine]], type[ServerMachine]]", seed(tester.seed))(bound)
    quiet = quiet_settings(examples * tester.effort, stateful_step_count=steps)
    try:
        run_state_machine_as_test(seeded, settings=quiet)
    except (Exception, Enough):  # of several failures Hypothesis raises a group
        if search.best is None:
            raise
        reason, tester.wire.transcript = search.best
        raise Violation(reason) from None
