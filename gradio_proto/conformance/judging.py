"""What is right for every job and every session, whatever the server runs.

A judgement looks at what was heard and needs nothing else, so that it holds for a case with one job as for a stateful
machine with many. It may be made at any moment: what is still under way is judged by what has come of it so far. Each
raises :class:`Violation`, with the requirement's id in brackets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NoReturn

from gradio_proto.config import is_list, is_object, list_of, object_of
from gradio_proto.diff import OutputState
from gradio_proto.errors import LimitExceeded

from . import schemas
from .model import Violation
from .session import ABOUT_A_JOB, Heard, Job, Session
from .wire import LIMITS, EventStream

STAGES: Final[Mapping[str, int]] = {
    "send_hash": 0,
    "estimation": 1,
    "send_data": 1,
    "queue_full": 1,
    "process_starts": 2,
    "progress": 3,
    "log": 3,
    "process_generating": 3,
    "process_streaming": 3,
    "process_completed": 4,
}
"""Where in the life of a job each message has its place; those of one place may come in any order."""
ASKED_ONCE: Final = ("send_hash", "send_data")
SAID_BY_THE_FUNCTION: Final = ("progress", "log", "process_generating", "process_streaming")
ACTIONS: Final = ("replace", "append", "add", "delete")
HEARTBEAT: Final = 15.0
"""Seconds between two heartbeats."""
HEARTBEAT_GRACE: Final = 3.0
"""Seconds by which one may be late, on a busy machine or a slow network."""


def judge_job(job: Job) -> None:
    """Make every judgement that there is on one job.

    Raises:
        Violation: One of them fails.
    """
    judge_schema(job.heard, job.session.tester.version)
    _judge_course(job)


def _judge_course(job: Job) -> None:
    """All but the fields of its messages."""
    judge_one_end(job)
    judge_order(job)
    judge_starts(job)
    judge_ranks(job)
    judge_progress(job)
    judge_positions(job)
    judge_values(job)


def judge_session(session: Session) -> None:
    """Make every judgement that there is on a session, and on each of its jobs.

    Raises:
        Violation: One of them fails.
    """
    judge_forms(session)
    judge_ids(session)
    judge_strangers(session)
    judge_schema(session.heard, session.tester.version)
    for job in session.jobs:
        _judge_course(job)
    for stream in session.streams:
        judge_close(session, stream)


# What was heard, message by message


def judge_forms(session: Session) -> None:
    """Every message can be read, and none tells that the session has failed.

    Raises:
        Violation: [message/msg], [message/fields], [stream/session/long-lived] There is another.
    """
    for what in session.wrong:
        if what.startswith("unexpected_error"):
            _broken("stream/session/long-lived", what)
        is_kind_known = "the field" in what and "the field 'msg'" not in what
        _broken("message/fields" if is_kind_known else "message/msg", what)


def judge_schema(messages: Sequence[Heard], version: tuple[int, int, int]) -> None:
    """Every message has the fields of its kind, in the types that they have in that version.

    Raises:
        Violation: [message/fields] One has not.
    """
    for heard in messages:
        wrong = schemas.violations(f"messages/{heard.msg}", heard.json, version)
        if wrong:
            _broken("message/fields", f"{heard.msg} is not valid: {wrong[0]}, in {heard.text[:300]}")


def judge_ids(session: Session) -> None:
    """Every message about a job names one, where messages of several jobs share a stream.

    Raises:
        Violation: [message/event-id] One does not.
    """
    if session.tester.asks_for_data:
        return
    for heard in session.heard:
        event_id = heard.json.get("event_id")
        if isinstance(heard.message, ABOUT_A_JOB) and (not isinstance(event_id, str) or not event_id):
            _broken("message/event-id", f"{heard.msg} does not say which job it is about: {heard.text[:300]}")


def judge_strangers(session: Session) -> None:
    """A session hears about its own jobs only. (To be asked when the answers to all its joins have come.)

    Raises:
        Violation: [message/isolation] There is a message about another job.
    """
    for heard in session.strays:
        if heard.json.get("event_id"):
            _broken(
                "message/isolation",
                f"the session {session.hash} heard of a job that it has not joined: {heard.text[:300]}",
            )


# One job


def judge_one_end(job: Job) -> None:
    """A job has one ``process_completed`` at the most; that it has one is found out by waiting for it.

    Raises:
        Violation: [message/order/one-end] It has several.
    """
    ends = job.all("process_completed")
    if len(ends) > 1:
        _broken("message/order/one-end", f"{job} was completed {len(ends)} times: {ends[1].text[:300]}")


def judge_order(job: Job) -> None:
    """The messages of a job come in their order.

    Raises:
        Violation: [message/order] Two do not.
    """
    for kind in ASKED_ONCE:
        if len(job.all(kind)) > 1:
            _broken("message/order", f"{kind} of {job} came {len(job.all(kind))} times")
    last: Heard | None = None
    for heard in job.heard:
        stage = STAGES.get(heard.msg)
        if stage is None:
            continue
        if last is not None and stage < STAGES[last.msg]:
            kinds = [heard.msg for heard in job.heard]
            _broken("message/order", f"{heard.msg} of {job} came behind {last.msg}: {_shortened(kinds)}")
        last = heard


def judge_starts(job: Job) -> None:
    """A job starts once, and before its function says anything. (What the server has in its cache starts nothing.)

    Raises:
        Violation: [message/process-starts/once] It does not.
    """
    starts = len(job.all("process_starts"))
    if starts > 1:
        _broken("message/process-starts/once", f"{job} was started {starts} times")
    kinds = [heard.msg for heard in job.heard]
    first = kinds.index("process_starts") if starts else len(kinds)
    said = [kind for kind in kinds[:first] if kind in SAID_BY_THE_FUNCTION]
    if said and not _is_cached(job):
        _broken("message/process-starts/once", f"{job} was not started when it sent {_shortened(said)}")
    if job.success and "data" in job.output and not starts and not _is_cached(job):
        _broken("message/process-starts/once", f"{job} was never started, and has completed with values")


def judge_ranks(job: Job) -> None:
    """The rank of a job does not rise while it waits.

    Raises:
        Violation: [message/estimation/rank] It does.
    """
    ranks = [heard.json.get("rank") for heard in job.all("estimation")]
    numbers = [rank for rank in ranks if isinstance(rank, int)]
    for before, after in pairwise(numbers):
        if after > before:
            _broken("message/estimation/rank", f"the rank of {job} rose from {before} to {after}: {numbers}")


def judge_progress(job: Job) -> None:
    """A progress bar counts steps or tells a fraction, and not both.

    Raises:
        Violation: [message/progress/either] One tells both or neither, or a fraction that is none.
    """
    for heard in job.all("progress"):
        for bar in list_of(heard.json.get("progress_data")):
            unit = object_of(bar)
            index, fraction = unit.get("index"), unit.get("progress")
            if (index is None) == (fraction is None):
                both = "neither a step nor a fraction" if index is None else "both a step and a fraction"
                _broken("message/progress/either", f"a progress bar of {job} has {both}: {json.dumps(unit)}")
            if isinstance(fraction, int | float) and not 0 <= fraction <= 1:
                _broken(
                    "message/progress/either", f"a progress bar of {job} is at {fraction}, and not in 0 to 1"
                )


def judge_positions(job: Job) -> None:
    """Wherever there are values, there is one for each output.

    Raises:
        Violation: [value/positions] There are more, or less.
    """
    wanted = len(job.endpoint.outputs)
    for heard in job.heard:
        data = _data_of(heard)
        if data is not None and len(data) != wanted:
            _broken(
                "value/positions",
                f"{job} has {wanted} outputs, and sent {len(data)} values: {heard.text[:300]}",
            )


def judge_values(job: Job) -> list[list[Any]]:
    """The values of a generator follow from one another, up to the one with which it ends.

    Returns:
        What each ``process_generating`` has come to, whole.

    Raises:
        Violation: [value/streamed/differences], [value/diff/actions], [value/diff/replays], [value/streamed/last] They
            do not. [value/positions] There are more or less of them than outputs.
    """
    judge_positions(job)
    yielded = _replayed(job)
    if not yielded or not job.success or "data" not in job.output:
        return yielded
    for number, (last, end) in enumerate(zip(yielded[-1], job.values, strict=False)):
        # The bytes of a stream of media follow by another way; its place in a value says nothing of them.
        if last != end and not _is_media(last) and not _is_media(end):
            _broken(
                "value/streamed/last",
                f"output {number} of {job} was streamed as one value, and ended as "
                f"another: {_difference(last, end)}",
            )
    return yielded


def _replayed(job: Job) -> list[list[Any]]:
    has_diffs = job.session.tester.has_diffs
    state = OutputState(LIMITS)
    found: list[list[Any]] = []
    for heard in job.all("process_generating"):
        data = _data_of(heard)
        if data is None:
            continue
        if not found or not has_diffs:
            state.replace(data)
        else:
            for edits in data:
                _judge_edits(job, edits)
            try:
                state.apply(data)
            except LimitExceeded as error:
                _broken("value/diff/replays", f"a difference of {job} is too large: {error}")
            if state.broken:
                _broken(
                    "value/diff/replays",
                    f"a difference of {job} does not fit {_short(found[-1])}: {heard.text[:300]}",
                )
        found.append(state.snapshot())
    return found


def _judge_edits(job: Job, edits: object) -> None:
    if not is_list(edits) or not all(is_list(edit) and len(edit) == 3 for edit in edits):
        _broken(
            "value/streamed/differences",
            f"{job} sent something else than a list of edits for an output: {_short(edits)}",
        )
    for action, path, _ in edits:
        if action not in ACTIONS:
            _broken("value/diff/actions", f"{job} sent an edit of an unknown kind: {_short(action)}")
        if not is_list(path) or not all(type(step) in (int, str) for step in path):
            _broken("value/diff/actions", f"{job} sent an edit whose path is none: {_short(path)}")


# Streams


def judge_close(session: Session, stream: EventStream) -> None:
    """``close_stream`` is the last message of a stream, and no job of it is open then.

    Only jobs count that were spoken of on that stream before: another one may have joined while it was ending.

    Raises:
        Violation: [message/close-stream/last] It is not, or one is.
    """
    heard = [heard for heard in session.heard if heard.channel is stream]
    kinds = [each.msg for each in heard]
    if "close_stream" not in kinds:
        return
    place = kinds.index("close_stream")
    if place + 1 < len(heard):
        _broken(
            "message/close-stream/last",
            f"{kinds[place + 1]} came behind close_stream: {heard[place + 1].text[:300]}",
        )
    before = session.heard[: session.heard.index(heard[place])]
    for job in session.jobs:
        said = [each for each in before if each in job.heard]
        is_open = not any(each.msg == "process_completed" for each in said)
        if is_open and any(each.channel is stream for each in said):
            _broken("message/close-stream/last", f"close_stream came while {job} was under way")


def judge_heartbeats(stream: EventStream, until: float) -> None:
    """A stream has a heartbeat every 15 seconds, up to a moment at which it was open.

    Args:
        stream: The stream.
        until: On the wire's clock.

    Raises:
        Violation: [message/heartbeat/interval] There is a longer time without one.
    """
    beats = [at for at, event in stream.events if _is_heartbeat(event.data)]
    last = stream.opened_at
    for at in [*beats, until]:
        if at - last > HEARTBEAT + HEARTBEAT_GRACE:
            _broken(
                "message/heartbeat/interval",
                f"there were {at - last:.1f} s without a heartbeat on a stream, "
                f"and not at most {HEARTBEAT:g} (heartbeats: {len(beats)} in {until - stream.opened_at:.1f} s)",
            )
        last = at


def _is_heartbeat(text: str) -> bool:
    try:
        value: object = json.loads(text)
    except ValueError:
        return False
    return object_of(value).get("msg") == "heartbeat"


# Words


def _broken(id: str, what: str) -> NoReturn:
    raise Violation(f"[{id}] {what}")


def _data_of(heard: Heard) -> list[Any] | None:
    data = object_of(heard.json.get("output")).get("data")
    return data if is_list(data) else None


def _difference(first: Any, second: Any, where: str = "") -> str:
    """Where two values begin to differ."""
    if is_object(first) and is_object(second):
        for key in first:
            if key in second and first[key] != second[key]:
                return _difference(first[key], second[key], f"{where}/{key}")
    at = f" (at {where})" if where else ""
    return f"{_short(first)} and {_short(second)}{at}"


def _is_cached(job: Job) -> bool:
    return job.completed is not None and job.completed.json.get("used_cache") is not None


def _is_media(value: object) -> bool:
    return bool(object_of(value).get("is_stream"))


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _shortened(kinds: Sequence[str]) -> str:
    """The kinds of messages, with those that repeat one another told once."""
    runs: list[list[Any]] = []
    for kind in kinds:
        if runs and runs[-1][0] == kind:
            runs[-1][1] += 1
        else:
            runs.append([kind, 1])
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in runs)
