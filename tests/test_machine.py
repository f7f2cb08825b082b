"""The promises of jobs and sessions under any interleaving, as a Hypothesis machine.

It drives Session and Job directly, with whatever a server may say. That the promises hold with the flows over a
network, and a server of each generation, is for the model (:mod:`model`).
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from scripted import Begun, a_job, message

from gradio_proto.errors import ConnectionLost, GradioError, LimitExceeded, RemoteProtocolError
from gradio_proto.events import Completed, Failed
from gradio_proto.job import JobState
from gradio_proto.limits import Limits
from gradio_proto.session import Session, StreamState

NUMBERS = st.integers(0, 7)


class SessionMachine(RuleBasedStateMachine):
    """A session, and everything that may happen to its jobs, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session("s", Limits(orphan_messages=6, orphan_bytes=900))
        self.jobs: list[Begun] = []
        self.names: dict[Begun, str] = {}
        """What the server calls a job, from the moment at which it takes it."""
        self.said: dict[str, list[Any]] = {}
        """The values said of each event, in order; on an open stream, as everything that is said."""
        self.results: dict[str, list[Any]] = {}
        """The results said of each."""
        self.over: set[str] = set()
        """The events of which the server has said some end."""
        self.owed: set[Begun] = set()
        """The jobs whose result was said before any other end, while they were joining or open."""
        self.accepted: set[Begun] = set()
        self.count = 0

    def pick(self, number: int, *states: JobState) -> Begun | None:
        fitting = [begun for begun in self.jobs if begun.job.state in states]
        return fitting[number % len(fitting)] if fitting else None

    def is_open(self) -> bool:
        return self.session.stream in (StreamState.OPEN, StreamState.ENDING, StreamState.BROKEN)

    @rule()
    def joins(self) -> None:
        begun = a_job()
        self.session.join_sent(begun.job)
        self.jobs.append(begun)
        self.names[begun] = f"e{len(self.jobs)}"

    @rule(number=NUMBERS, how=st.sampled_from(["ok", "ok", "ok", "error", "lost", "same id"]))
    def join_ends(self, number: int, how: str) -> None:
        joining = [begun for begun in self.jobs if begun.job in self.session.joining]
        if not joining:
            return
        begun = joining[number % len(joining)]
        if how == "ok":
            self.session.join_accepted(begun.job, self.names[begun])
            self.accepted.add(begun)
        elif how == "error":
            self.session.join_failed(begun.job, GradioError("refused"))
        elif how == "lost":
            self.session.join_abandoned(begun.job)
        elif self.session.jobs:
            taken = next(iter(self.session.jobs))
            self.session.join_accepted(begun.job, taken)
            assert begun.job.is_settled
        assert begun.job not in self.session.joining or how == "same id"

    @rule(number=NUMBERS, by_server=st.booleans())
    def is_cancelled(self, number: int, by_server: bool) -> None:
        begun = self.pick(number, JobState.JOINING, JobState.QUEUED, JobState.RUNNING)
        if begun is not None:
            begun.job.cancel(by_server=by_server)
            begun.told_off = True

    @rule(error=st.booleans())
    def stream_moves_on(self, error: bool) -> None:
        session = self.session
        if session.stream is StreamState.CLOSED:
            session.stream_requested()
        elif session.stream is StreamState.OPENING and not error:
            session.stream_opened()
        elif session.stream is StreamState.BROKEN or not error:
            session.stream_ended()
        else:
            session.stream_ended(ConnectionLost("broken"))
            self.lost()

    def lost(self) -> None:
        """What the server says of the jobs that it knows now means nothing any more."""
        for begun in self.jobs:
            begun.told_off = True

    @precondition(is_open)
    @rule(number=NUMBERS, what=st.sampled_from(["starts", "value", "value", "done", "done", "failed", "gone", "bad"]),
          named=st.sampled_from([True, True, True, True, True, False]))  # fmt: skip
    def says(self, number: int, what: str, named: bool) -> None:
        name = f"e{number + 1}" if named else None
        self.count += 1
        if what == "bad":
            if name is not None:
                self.session.receive_malformed(name, RemoteProtocolError("malformed"))
                self.over.add(name)
            return
        fields: dict[str, Any] = {"event_id": name}
        if what == "starts":
            fields |= {"msg": "process_starts", "eta": None}
        elif what == "value":
            fields |= {"msg": "process_generating", "output": {"data": [self.count]}, "success": True}
        elif what == "failed":
            fields |= {"msg": "process_completed", "output": {"error": "x"}, "success": False}
        else:
            output = {"data": [self.count]} if what == "done" else {}
            fields |= {"msg": "process_completed", "output": output, "success": True}
        whose = len(self.session.jobs) + len(self.session.joining)
        if name is None and what in ("value", "done", "failed", "gone") and whose > 1:
            self.lost()
        for event_id in [name] if name is not None else [*self.session.jobs]:
            if what == "value":
                self.said.setdefault(event_id, []).append(self.count)
            elif what in ("done", "failed", "gone"):
                if what == "done":
                    self.results.setdefault(event_id, []).append(self.count)
                    if event_id not in self.over:
                        self.owed |= {b for b in self.jobs if self.names[b] == event_id and not b.endings}
                self.over.add(event_id)
        self.session.receive(*message(**fields))

    @precondition(is_open)
    @rule(text=st.sampled_from(["Server stopped unexpectedly.", "404: Not Found", "'e1'"]))
    def says_unexpected_error(self, text: str) -> None:
        session = self.session
        had, lost = set(session.jobs.values()), session.streams_lost
        heard = {job for job, stream in session._heard_on.items() if stream == session._streams}
        stumbles = text == "'e1'" and session._ended.get("e1") is False
        session.receive(*message(msg="unexpected_error", event_id=None, message=text))
        assert session.stream is StreamState.BROKEN
        if stumbles:
            # The second completion of a job that has ended: the others go on, on the next stream.
            assert session.streams_lost == lost
            assert set(session.jobs.values()) == had
        elif session.streams_lost == lost:
            # It had told all it had to: it ends for nobody whom it knew of, and is opened again for the others.
            assert not heard
            assert set(session.jobs.values()) == had
        else:
            assert not session.jobs
            self.lost()

    @precondition(is_open)
    @rule(what=st.sampled_from(["heartbeat", "close_stream", "something_new"]), named=st.booleans())
    def says_something_else(self, what: str, named: bool) -> None:
        self.session.receive(*message(msg=what, event_id="e1" if named else None))

    @invariant()
    def every_job_ends_at_most_once(self) -> None:
        for begun in self.jobs:
            assert begun.endings == begun.job.is_settled
            assert begun.news_after_end == 0
            outcome = begun.job.outcome
            assert (outcome is not None) == begun.job.is_settled

    @invariant()
    def a_value_is_the_one_that_was_said(self) -> None:
        for begun in self.jobs:
            name, outcome = self.names[begun], begun.job.outcome
            if isinstance(outcome, Completed):
                assert outcome.value in self.results[name]
            said = self.said.get(name, [])
            heard = begun.outputs
            assert len(set(heard)) == len(heard)  # none twice
            assert set(heard) <= set(said)
            assert heard == sorted(heard)

    @invariant()
    def nothing_is_kept_for_nobody(self) -> None:
        session = self.session
        assert all(not job.is_settled for job in session.jobs.values())
        assert set(session._heard_on) | set(session._silent_ends) <= set(session.jobs.values())
        assert session._early_bytes == sum(len(text) for _, _, text in session._early)
        assert len(session._early) <= 6
        assert session._early_bytes <= 900
        if not session.joining:
            assert not session._early
            assert not session._spoilt

    def teardown(self) -> None:
        """Two ends of streams, and joins that come to nothing: then nobody may be waiting."""
        session = self.session
        for job in tuple(session.joining):
            session.join_failed(job, GradioError("refused"))
        for _ in range(3):
            if session.stream is StreamState.CLOSED:
                session.stream_requested()
            if session.stream is StreamState.OPENING:
                session.stream_opened()
            session.stream_ended()
        for begun in self.jobs:
            assert begun.endings == 1
            if begun in self.owed and begun in self.accepted and not begun.told_off:
                # Said in time, and heard: unless it was one of too many that came before the join's reply.
                outcome = begun.job.outcome
                assert isinstance(outcome, Completed) or (
                    isinstance(outcome, Failed) and isinstance(outcome.error, LimitExceeded)
                )
        assert not session.wants_stream
        self.nothing_is_kept_for_nobody()


SessionMachine.TestCase.settings = settings(
    max_examples=400, stateful_step_count=40, deadline=None, print_blob=True
)
TestSession = SessionMachine.TestCase
