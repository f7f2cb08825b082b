"""The target ``messages``: what happens to a session, in any order: joins, replies, messages, cancels, ends.

The steps are those of the vectors of jobs (``spec/vectors/README.md``), and a few more. A step that this client would
not take now, such as a join of a job that has ended, is passed over: so is one that is no step. What a server says is
taken as :func:`~gradio_proto.flows.streams.read_stream` takes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from recorded_values import ODD_VALUES

from gradio_proto.config import object_of, parse_component, parse_version
from gradio_proto.conformance.strategies.messages import messages as healthy_messages
from gradio_proto.errors import (
    ClientClosed,
    ConnectionLost,
    GradioError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gradio_proto.events import Failed
from gradio_proto.files import as_file_outputs
from gradio_proto.job import Job, JobState
from gradio_proto.journal import Budget, Cursor, Journal
from gradio_proto.legacy_files import legacy_file_outputs
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.session import LONGEST_EVENT_ID, REMEMBERED_EVENTS, Session, StreamState
from gradio_proto.simple_api import as_queue_message
from gradio_proto.sse import ServerSentEvent

from .mutations import changed_json
from .promises import Broken, Input, Target, documented, held
from .seeds import vectors

LIMITS: Final = Limits(
    sse_message_bytes=20_000,
    json_depth=64,
    orphan_messages=4,
    orphan_bytes=2_000,
    rendered_bytes=2_000,
    job_unread_bytes=4_000,
    client_unread_bytes=6_000,
    diff_edits=100,
)
_KEPT: Final = 2
"""How often a message that is kept is held: its text, and the strings in what was made of it."""

_OF_RENDERS: Final = 2
"""How often a render is: the strings in it, and what was made of those."""

_OF_OUTPUTS: Final = 4
"""How often outputs are: a growing text has two forms, and what each of them lacks."""

_OF_A_JOB: Final = 8
"""Messages of which parts may be held for each job beside its journal: its progress, log, and value or error."""

_OF_ITSELF: Final = 2_000
"""Characters that a store has of itself: names, words of tables, and our own of an error."""

_MOST_TIMES: Final = 64
"""How often a step of a drawn input is repeated."""


@dataclass
class _Watched:
    """A job, and how often it has ended."""

    job: Job
    cursor: Cursor
    settled: int = 0
    answered: int = 0
    events: int = 0
    outcome: Any = field(default=None)


class _Conversation:
    """A session, and what happens to it."""

    def __init__(self, given: Input) -> None:
        self.session = Session("s1", LIMITS)
        self.budget = Budget(LIMITS.client_unread_bytes)
        self.version = parse_version(given["version"])
        self.longest = 0
        self.jobs = {
            letter: self._job(call if isinstance(call, dict) else {})
            for letter, call in given["jobs"].items()
        }

    def _job(self, call: dict[str, Any]) -> _Watched:
        fetches = call.get("fetches_files") is True
        component = parse_component(object_of(call.get("component")), 1)
        find = legacy_file_outputs if self.version < (4, 0, 0) else as_file_outputs

        def convert(data: list[Any]) -> Any:
            return [find(value, component) for value in data] if fetches else list(data)

        journal = Journal(LIMITS, self.budget, diffs=self.version >= (4, 17, 0), convert=convert)
        job = Job(
            fn_index=0,
            label="/f",
            payload=b"{}",
            convert=convert,
            journal=journal,
            version_info=self.version,
            fetches_files=fetches,
        )
        watched = _Watched(job, Cursor(journal))

        def settled() -> None:
            watched.settled += 1

        def answered() -> None:
            watched.answered += 1

        job.on_settled.append(settled)
        job.on_answered.append(answered)
        return watched

    def run(self, steps: Any) -> None:
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict):
                times = step.get("times", 1)
                for _ in range(times if type(times) is int else 1):
                    self._take(step)
            with _uncounted():
                self._check_stores()
        self._finish()

    def _check_stores(self) -> None:
        """Whatever was said: nothing that fills up holds more than its limit allows."""
        session = self.session
        early, spoilt, ended = session._early, session._spoilt, session._ended
        _check_size("the early messages", held(early), _KEPT * LIMITS.orphan_bytes, 0)
        _check_size("the early messages by number", len(early), LIMITS.orphan_messages, 0)
        for what, events in (("the spoilt events", spoilt), ("the ended events", ended)):
            _check_size(f"{what} by number", len(events), REMEMBERED_EVENTS, 0)
            _check_size(what, held(events), len(events) * (LONGEST_EVENT_ID + _OF_ITSELF))
        most = max(LIMITS.rendered_bytes, self.longest)
        _check_size("what was rendered", held(session.rendered), _OF_RENDERS * most)
        # The message that is too much is counted, and then nothing more.
        over = LIMITS.client_unread_bytes + len(self.jobs) * self.longest
        _check_size("the journals by their own count", self.budget.used, over, 0)
        jobs = [watched.job for watched in self.jobs.values()]
        for watched in self.jobs.values():
            self._check_stores_of(watched)
        stores = [early, spoilt, ended, session.rendered, self.budget, *jobs]
        _check_size("the rest of the session", held([session, *stores]) - held(stores), 0)

    def _check_stores_of(self, watched: _Watched) -> None:
        journal = watched.cursor._journal
        kept, base = held(journal), held(journal.base)
        outputs = _OF_OUTPUTS * LIMITS.sse_message_bytes
        _check_size("a journal", kept - base, _KEPT * (LIMITS.job_unread_bytes + self.longest))
        _check_size("the outputs of a journal", base, outputs)
        _check_size("the outputs of a cursor", held([watched.cursor, journal]) - kept, outputs)
        _check_size("a job", held([watched.job, journal]) - kept, _OF_A_JOB * self.longest)

    def _take(self, step: dict[str, Any]) -> None:
        do = step.get("do")
        act = getattr(self, f"do_{do}", None) if isinstance(do, str) else None
        if act is not None:
            letter = step.get("job")
            watched = self.jobs.get(letter) if isinstance(letter, str) else None
            if do in _OF_THE_STREAM:
                act(step)
            elif watched is not None:
                act(watched, step)
            self._check()

    def _check(self) -> None:
        for letter, watched in self.jobs.items():
            job = watched.job
            if watched.settled != (job.state is JobState.SETTLED) or (job.outcome is None) == bool(
                watched.settled
            ):
                raise Broken(f"the job {letter} has ended {watched.settled} times, and is {job.state.name}")
            if watched.answered > 1 or watched.answered < watched.settled:
                raise Broken(f"the job {letter} was answered {watched.answered} times")
            if watched.outcome is not None and watched.outcome is not job.outcome:
                raise Broken(f"the job {letter} has ended in {watched.outcome}, and then in {job.outcome}")
            if watched.outcome is None and isinstance(job.outcome, Failed):
                documented(job.outcome.error)
            watched.outcome = job.outcome

    def _finish(self) -> None:
        """Whatever was said: when every join has failed, and two streams have ended, no job is open."""
        for job in tuple(self.session.joining):
            self.session.join_failed(job, ConnectionLost("the answer never came"))
        for _ in range(3):
            self.do_ended({"clean": True})
            if self.session.wants_stream:
                self.do_open({})
                self.do_opened({})
        if self.session.jobs:
            raise Broken(f"jobs that nobody will hear of any more: {[*self.session.jobs]}")
        for watched in self.jobs.values():
            if watched.job.state is JobState.NEW:
                watched.job.fail(ClientClosed("the client was closed"))
                watched.outcome = watched.job.outcome
            elif watched.job.state is JobState.FETCHING:
                watched.job.fetched()
            self.do_read(watched, {})
        self._check()
        if not all(watched.settled for watched in self.jobs.values()):
            raise Broken("a job has no end")

    # What this side does.

    def do_join(self, watched: _Watched, _step: dict[str, Any]) -> None:
        if watched.job.state in (JobState.NEW, JobState.JOINING):
            self.session.join_sent(watched.job)

    def do_cancel(self, watched: _Watched, step: dict[str, Any]) -> None:
        """As :func:`~gradio_proto.flows.calls.abandon` does."""
        job, session = watched.job, self.session
        was, is_heard = job.state, session.hears(job)
        job.cancel()
        if was is JobState.QUEUED:
            session.disown(job, is_heard=is_heard)
        elif step.get("abandons_join") is True and job in session.joining:
            session.join_abandoned(job)

    def do_take_over(self, watched: _Watched, step: dict[str, Any]) -> None:
        event_id = step.get("event_id")
        if (
            watched.job.state is JobState.NEW
            and self._is_event_id(event_id)
            and len(event_id) <= LONGEST_EVENT_ID
            and event_id not in self.session.jobs
        ):
            self.session.take_over(watched.job, event_id)

    def do_read(self, watched: _Watched, _step: dict[str, Any]) -> None:
        try:
            while watched.cursor.next_event() is not None:
                watched.events += 1
        except GradioError as error:
            documented(error)

    def do_fetched(self, watched: _Watched, _step: dict[str, Any]) -> None:
        if watched.job.state is JobState.FETCHING:
            watched.job.local_paths.update((file, f"/local/{file.name}") for file in watched.job.files)
            watched.job.fetched()

    def do_fetch_failed(self, watched: _Watched, _step: dict[str, Any]) -> None:
        watched.job.fail(ConnectionLost("the file could not be fetched"))

    do_upload_failed = do_fetch_failed

    def do_open(self, _step: dict[str, Any]) -> None:
        if self.session.stream is StreamState.CLOSED and self.session.wants_stream:
            self.session.stream_requested()

    def do_close(self, _step: dict[str, Any]) -> None:
        self.do_ended({"clean": True})

    # What the server does.

    @staticmethod
    def _is_event_id(event_id: Any) -> bool:
        return isinstance(event_id, str) and event_id != ""

    def do_accepted(self, watched: _Watched, step: dict[str, Any]) -> None:
        if watched.job in self.session.joining:
            if self._is_event_id(step.get("event_id")):
                self.session.join_accepted(watched.job, step["event_id"])
            else:
                self.session.join_failed(watched.job, RemoteProtocolError("no event_id"))

    def do_refused(self, watched: _Watched, _step: dict[str, Any]) -> None:
        if watched.job in self.session.joining:
            self.session.join_failed(watched.job, RemoteProtocolError("refused"))

    do_join_lost = do_refused

    def do_opened(self, _step: dict[str, Any]) -> None:
        if self.session.stream is StreamState.OPENING:
            self.session.stream_opened()

    def do_ended(self, step: dict[str, Any]) -> None:
        if self.session.stream is not StreamState.CLOSED:
            clean = step.get("clean") is True
            self.session.stream_ended(
                None if clean else ConnectionLost("the stream broke off", phase="stream_lost")
            )

    def do_message(self, step: dict[str, Any]) -> None:
        """One message: ``message``, ``text``, or ``event`` and ``data`` of the simple API's stream."""
        session = self.session
        if session.stream not in (StreamState.OPEN, StreamState.ENDING):
            return
        if "event" in step:
            event = ServerSentEvent(str(step.get("data")), str(step["event"]))
            text = as_queue_message(event, str(step.get("event_id")))
        else:
            text = str(step["text"]) if "text" in step else json.dumps(step.get("message"))
        if len(text) > LIMITS.sse_message_bytes:
            return
        self.longest = max(self.longest, len(text))
        try:
            message = parse_message(text, LIMITS)
        except RemoteProtocolError as error:
            documented(error)
            if error.event_id is not None:
                session.receive_malformed(error.event_id, error)
            else:
                session.stream_ended(error)
            return
        session.receive(message, text)
        if session.stream is StreamState.BROKEN:
            session.stream_ended()


def _check_size(what: str, size: int, most: int, more: int = _OF_ITSELF) -> None:
    if size > most + more:
        raise Broken(f"{what}: {size} are held, more than {most + more}")


@contextmanager
def _uncounted() -> Iterator[None]:
    """What is done in the block are no steps of the core."""
    before = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(before)


_OF_THE_STREAM: Final = ("open", "opened", "message", "ended", "close")
_VERSIONS: Final = ("3.50.2", "4.13.0", "4.21.0", "4.44.1", "6.31.0")

_EVENT_IDS: Final = ("e1", "e2", "e3", "", "e" * 257, None, 1)
_LETTERS: Final = ("a", "b", "c")


def _seeds() -> Iterator[Input]:
    for vector in vectors("jobs"):
        steps = vector["steps"]
        if vector["protocol"] not in ("ws", "sse") and len(json.dumps(steps)) < 6_000:
            yield {"version": vector["version"], "jobs": vector["jobs"], "steps": steps}
    # Early messages that are more than both of their limits, one after the other.
    for length in (10, 900):
        early = {"msg": "log", "event_id": "e2", "log": "x" * length, "level": "info"}
        flood = [{"do": "join", "job": "b"}, {"do": "message", "message": early, "times": 8}]
        yield {"version": "6.31.0", "jobs": {"a": {}, "b": {}}, "steps": _begun("a", "e1", *flood)}
    for vector in vectors("messages"):
        heard = {"do": "message", "text": vector["text"]}
        yield {"version": "6.31.0", "jobs": {"a": {}}, "steps": _begun("a", "e1", heard)}
    for vector in vectors("files"):
        if "value" in vector and len(json.dumps(vector["value"])) < 2_000:
            output = {"data": [vector["value"]]}
            said = {"msg": "process_completed", "event_id": "e1", "success": True, "output": output}
            call = {"fetches_files": True, "component": vector["component"]}
            steps = _begun("a", "e1", {"do": "message", "message": said}, {"do": "fetched", "job": "a"})
            yield {"version": vector["version"], "jobs": {"a": call}, "steps": steps}


def _begun(letter: str, event_id: str, *more: Any) -> list[Any]:
    return [
        {"do": "join", "job": letter},
        {"do": "accepted", "job": letter, "event_id": event_id},
        {"do": "open"},
        {"do": "opened"},
        *more,
    ]


_FILE: Final = {"path": "/tmp/x", "meta": {"_type": "gradio.FileData"}, "orig_name": "../\0"}
_QUOTA: Final = "You have exceeded your GPU quota (60s requested vs. 0s left). Try again in 0:01:23"
_OUTPUTS: Final = st.sampled_from(
    (
        *(
            {"data": [_FILE]},
            {"data": [{"video": _FILE}]},
            {"data": [{**_FILE, "url": "http://other.example/f?a=b"}]},
        ),
        *(
            {"data": [{"name": "/tmp/x", "is_file": True}]},
            {"data": ["data:image/png;base64,aGk="]},
            {"data": [["x"]]},
        ),
        *(
            {"error": _QUOTA, "title": "ZeroGPU quota exceeded"},
            {"error": "None"},
            {"error": "'x'", "duration": 1},
        ),
        *(
            {"data": ["x"], "is_generating": True},
            {"data": [[["append", [], "y"]]]},
            {"data": [[["add", [0], 1]]]},
        ),
        *(
            {"error": "no"},
            {"error": None},
            {},
            {"data": None},
            {"data": []},
            {"data": {}},
            {"data": ["y" * 900]},
        ),
        *(
            {"error": "no", "title": 1, "duration": "x", "visible": None},
            {"data": [{"path": "/tmp/x", "url": "u"}]},
        ),
        {
            "data": [1],
            "render_config": {"render_id": 1, "components": [{"id": 1}], "dependencies": [{"id": 5}]},
        },
        {"data": [1], "render_config": {"render_id": 2, "dependencies": [{"id": 5, "api_name": "n" * 500}]}},
    )
)


@st.composite
def _messages(draw: st.DrawFn) -> Any:
    """A message for one of the jobs, or for all."""
    event_id = draw(st.sampled_from(("e1", "e1", "e2", "e2", "e3", *_EVENT_IDS)))
    kind = draw(st.sampled_from(("value", "value", "value", "session", "healthy", "odd")))
    if kind == "healthy":
        wire = draw(healthy_messages(draw(st.sampled_from(("4.13.0", "4.44.1", "6.31.0")))))
        return {**wire.value, "event_id": event_id}
    if kind == "odd":
        return (
            draw(st.sampled_from(ODD_VALUES)) if draw(st.booleans()) else {"msg": draw(st.text(max_size=5))}
        )
    if kind == "session":
        return draw(
            st.sampled_from(
                (
                    *(
                        {"msg": "heartbeat"},
                        {"msg": "close_stream"},
                        {"msg": "unexpected_error", "message": "x"},
                    ),
                    *({"msg": "unexpected_error", "message": "'e1'"}, {"msg": "unexpected_error"}),
                    {"msg": "unexpected_error", "message": "404", "session_not_found": True},
                )
            )
        )
    msg = draw(
        st.sampled_from(("process_generating", "process_completed", "process_streaming", "process_starts"))
    )
    success = draw(st.sampled_from((True, True, False, None)))
    return {"msg": msg, "event_id": event_id, "output": draw(_OUTPUTS), "success": success}


@st.composite
def _steps(draw: st.DrawFn) -> dict[str, Any]:
    do = draw(
        st.sampled_from(
            (
                *(
                    *["message"] * 6,
                    "join",
                    "join",
                    "accepted",
                    "accepted",
                    "open",
                    "opened",
                    "ended",
                    "cancel",
                ),
                *("read", "fetched", "fetch_failed", "refused", "take_over", "close"),
            )
        )
    )
    step: dict[str, Any] = {"do": do}
    if do not in _OF_THE_STREAM:
        step["job"] = draw(st.sampled_from(_LETTERS))
    if do in ("accepted", "take_over"):
        step["event_id"] = draw(st.sampled_from(("e1", "e2", "e3", *_EVENT_IDS)))
    elif do == "ended":
        step["clean"] = draw(st.booleans())
    elif do == "cancel":
        step["abandons_join"] = draw(st.booleans())
    elif do == "message":
        form = draw(st.integers(0, 9))
        if form == 0:
            step["text"] = draw(
                st.text(max_size=20) | st.integers(1, 100).map("[".__mul__) | st.just('{"msg":1e999}')
            )
        elif form == 1:
            step["event"] = draw(st.sampled_from(("generating", "complete", "error", "heartbeat", "message")))
            step["data"] = draw(
                st.sampled_from(('["x"]', "null", '"x"', "{}", "[", '{"error":"x"}', '],"msg":1'))
            )
            step["event_id"] = "e1"
        else:
            step["message"] = draw(_messages())
        if draw(st.integers(0, 7)) == 0:
            step["times"] = draw(st.integers(2, _MOST_TIMES))
    return step


@st.composite
def _drawn(draw: st.DrawFn) -> Input:
    jobs = {letter: {"fetches_files": draw(st.booleans())} for letter in _LETTERS}
    begun = [*_begun("a", "e1"), {"do": "join", "job": "b"}] if draw(st.booleans()) else []
    steps = draw(st.lists(_steps(), max_size=25))
    return {"version": draw(st.sampled_from(_VERSIONS)), "jobs": jobs, "steps": [*begun, *steps]}


def _inputs(seeds: list[Input]) -> SearchStrategy[Input]:
    if not seeds:
        return _drawn()
    changed = st.sampled_from(seeds).flatmap(
        lambda given: changed_json(given["steps"]).map(lambda steps: {**given, "steps": steps})
    )
    return _drawn() | changed


def _run(given: Input) -> None:
    try:
        _Conversation(given).run(given["steps"])
    except LocalProtocolError as error:
        raise Broken(f"a session refuses what its client does: {error}") from error


def _larger(given: Input, times: int) -> Input:
    """Each message so many times over."""
    steps = given["steps"] if isinstance(given["steps"], list) else []
    return {
        **given,
        "steps": [
            {**step, "times": times} if isinstance(step, dict) and step.get("do") == "message" else step
            for step in steps
        ],
    }


TARGET: Final = Target(
    name="messages",
    about="what happens to a session and its jobs, in any order",
    modules=(
        "messages",
        "session",
        "job",
        "journal",
        "app_errors",
        "jsontext",
        "rendered",
        "simple_api",
        "files",
        "legacy_files",
    ),
    seeds=_seeds,
    inputs=_inputs,
    run=_run,
    allowance=lambda given: (
        LIMITS.orphan_bytes + LIMITS.rendered_bytes + LIMITS.client_unread_bytes + LIMITS.sse_message_bytes
    ),
    larger=_larger,
)
