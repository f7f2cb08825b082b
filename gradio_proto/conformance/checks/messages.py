"""What a server says about jobs: the form of its messages, and their order."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st

from ..judging import (
    HEARTBEAT,
    HEARTBEAT_GRACE,
    judge_close,
    judge_forms,
    judge_heartbeats,
    judge_ids,
    judge_one_end,
    judge_order,
    judge_progress,
    judge_ranks,
    judge_schema,
    judge_session,
    judge_starts,
    judge_strangers,
    judge_values,
)
from ..model import Skipped, Violation
from ..registry import case
from ..session import Job, Session
from ..tester import Tester
from ..wire import Channel, EventStream
from .calls import (
    FAILING,
    STEP,
    Call,
    heartbeat,
    make,
    plain_calls,
    stand_in_line,
    started_at,
    wait_for_all,
    waiters,
)

TALKATIVE: Final = ("count", "log", "progress", "echo", "gen_fail", "fail")
"""Of the plain calls those that have every kind of message in them."""
HELD: Final = 0.4
"""Seconds for which a session is kept open, to hear what may come behind the end of a job."""
STREAM_TYPE: Final = "text/event-stream"


def some_calls(tester: Tester) -> list[Call]:
    """The talkative calls that may be made here; others where none may."""
    return plain_calls(tester, TALKATIVE) or plain_calls(tester)


def mixed(tester: Tester) -> Session:
    """A session that has made all these calls at once, where they share a stream; one call, where each has its own.

    Raises:
        Violation: One of them does not end.
    """
    session = tester.session()
    for call in some_calls(tester)[: 1 if tester.asks_for_data else None]:
        session.submit(call.endpoint, *tester.data_for(call.endpoint, *call.arguments))
    session.wait()
    return session


# Framing


@case("message/framing/event", endpoints=("any",))
def messages_are_events(tester: Tester) -> None:
    """Look at the streams of some jobs: their status and type, and that each event is a message and nothing else."""
    session = mixed(tester)
    streams = [heard.channel for heard in session.heard]
    for stream in dict.fromkeys(streams):
        assert isinstance(stream, EventStream)
        tester.check(stream.status == 200, f"{stream.asked} was answered {stream.status}, and not 200")
        kind = stream.head.content_type
        tester.check(
            kind == STREAM_TYPE, f"{stream.asked} was answered as {kind!r}, and not as {STREAM_TYPE}"
        )
        for _, event in stream.events:
            tester.check(
                event.event == "message",
                f"an event with a message has the name {event.event!r}: {event.data}",
            )


@case("message/framing/plain", endpoints=("any",))
def a_stream_is_not_compressed(tester: Tester) -> None:
    """Open a stream and accept no encoding but identity: it has none."""
    session = mixed(tester)
    for stream in dict.fromkeys(heard.channel for heard in session.heard):
        encoding = stream.head.get("content-encoding", "identity")
        tester.check(encoding == "identity", f"{stream.asked} was answered in the encoding {encoding!r}")


# What all messages have in common


@case("message/msg", endpoints=("any",))
def messages_say_what_they_are(tester: Tester) -> None:
    """Hear of some jobs: each message is an object with a string ``msg``."""
    for call in some_calls(tester):
        session = tester.session()
        job = session.submit(call.endpoint, *tester.data_for(call.endpoint, *call.arguments))
        session.wait(job)
        judge_forms(session)


@case("message/fields", endpoints=("any",))
def messages_have_their_fields(tester: Tester) -> None:
    """Call every plain endpoint: each message is valid under the schema of its kind in that version."""
    for job in make(tester, plain_calls(tester)):
        judge_schema(job.session.heard, tester.version)


@case("message/event-id", endpoints=("any",), severity="critical")
def messages_name_their_job(tester: Tester) -> None:
    """Run several jobs at once in one session: each message about a job says about which one."""
    session = mixed(tester)
    judge_ids(session)
    for job in session.jobs:
        tester.check(job.completed, f"no process_completed names {job}")


@case("message/event-id/right-job", endpoints=("count", "stream"), severity="critical")
def messages_name_the_right_job(tester: Tester) -> None:
    """Run two generators at once in one session: the values that come under the name of each are its own."""
    session = tester.session()
    known: dict[Job, list[list[Any]]] = {
        session.submit(tester.endpoint("count"), 5): [[number] for number in range(5)],
        session.submit(tester.endpoint("stream"), "a b c"): [["a "], ["a b "], ["a b c "]],
    }
    session.wait()
    for job, wanted in known.items():
        try:
            found: object = judge_values(job)
        except Violation as violation:
            found = str(violation)
        tester.check(found == wanted, f"the values of {job} are {wanted}, and under its name came {found}")


@case("message/isolation", endpoints=("log", "stream"), examples=3, severity="critical")
def sessions_do_not_hear_of_each_other(tester: Tester) -> None:
    """Have two sessions run the same functions at once, each on words of its own: neither hears the other's."""
    # Of letters that no number in hexadecimal has, and so no name that the server gives.
    drawn = st.text("ghjklmnpqr", min_size=6, max_size=10)
    words = tester.draw(st.tuples(drawn, drawn).filter(_are_apart), "words")
    sessions = [tester.session() for _ in words]
    for session, word in zip(sessions, words, strict=True):
        session.submit(tester.endpoint("log"), word)
        session.submit(tester.endpoint("stream"), f"{word} {word} {word}")
    jobs = [job for session in sessions for job in session.jobs]
    wait_for_all(jobs)
    for session, foreign in zip(sessions, reversed(words), strict=True):
        judge_strangers(session)
        for heard in session.heard:
            tester.check(
                foreign not in heard.text,
                f"the session {session.hash} heard what another one's function has said: {heard.text[:300]}",
            )
    for session, word in zip(sessions, words, strict=True):
        for heard in session.jobs[0].all("log"):
            tester.check(word in heard.text, f"a log of {session.jobs[0]} is not its own: {heard.text[:300]}")
        tester.check(
            session.jobs[1].values == [f"{word} " * 3],
            f"{session.jobs[1]} was given {word!r}, and came to {session.jobs[1].output}",
        )


# Order


@case("message/order", endpoints=("any",))
def messages_come_in_their_order(tester: Tester) -> None:
    """Call every plain endpoint: the messages of each job come in their order."""
    for job in make(tester, plain_calls(tester)):
        judge_order(job)


@case("message/order/one-end", endpoints=("any",), severity="critical")
def a_job_ends_once(tester: Tester) -> None:
    """Run jobs that succeed and jobs that fail, and listen on for a while: each has one ``process_completed``."""
    jobs = make(tester, some_calls(tester))
    for job in jobs:
        assert job.heard
        channel = job.heard[-1].channel
        # The end of the stream says that nothing else can come; not every server ends it at once.
        tester.wire.wait(partial(_has_ended, channel), HELD)
        judge_one_end(job)
        tester.check(job.completed, f"{job} has no process_completed")


@case("message/order/one-end/shared", endpoints=("echo", "fail", "slow_gen"), severity="critical")
def a_job_ends_once_while_others_run(tester: Tester) -> None:
    """Run jobs in a session that another job of it keeps open: each has one ``process_completed``."""
    session = tester.session()
    held = session.submit(tester.endpoint("slow_gen"), 4, HELD / 4)
    for role in ("echo", "fail"):
        session.submit(tester.endpoint(role), "x")
    session.wait()
    judge_session(session)
    tester.check(held.completed, f"{held} has no process_completed")


# The messages


@case("message/estimation/first", endpoints=("any",), severity="minor")
def a_job_is_told_its_place_first(tester: Tester) -> None:
    """Run some jobs: the first message about each is an ``estimation``, unless the server answers from its cache."""
    for job in make(tester, some_calls(tester)):
        kinds = [heard.msg for heard in job.heard]
        cached = job.completed is not None and job.completed.json.get("used_cache") is not None
        tester.check(
            cached or kinds[0] == "estimation", f"{job} began with {kinds[0]}, and not with estimation"
        )


@case("message/estimation/rank", endpoints=("slow",), seconds=1)
def ranks_do_not_rise(tester: Tester) -> None:
    """Have some jobs wait for one another: the rank of each only sinks, and nobody has the rank of another."""
    jobs = stand_in_line(tester)
    for job in jobs:
        judge_ranks(job)
    for job in waiters(jobs):
        ranks = [heard.json.get("rank") for heard in job.all("estimation")]
        tester.check(all(rank is None or rank >= 0 for rank in ranks), f"{job} has the ranks {ranks}")


@case("message/estimation/again", endpoints=("slow",), severity="minor", seconds=1)
def who_waits_is_told_again(tester: Tester) -> None:
    """Have some jobs wait for one another: the last of them is told again when others have started before it."""
    jobs = stand_in_line(tester)
    last = max(waiters(jobs), key=started_at)
    told = last.all("estimation")
    tester.check(told, f"{last} waited, and was not told its place")
    before = [job for job in jobs if told[0].at < started_at(job) < started_at(last) - STEP / 2]
    if not before:
        raise Skipped("no other job has started while the last one waited")
    tester.check(
        len(told) > 1, f"{last} was told its place once, and {len(before)} others have started after that"
    )


@case("message/process-starts/once", endpoints=("any",))
def a_job_starts_once(tester: Tester) -> None:
    """Call every plain endpoint: each job has one ``process_starts``, before its function says anything."""
    for job in make(tester, plain_calls(tester)):
        judge_starts(job)


@case("message/progress/either", endpoints=("progress",), severity="minor")
def a_progress_bar_counts_or_tells_a_fraction(tester: Tester) -> None:
    """Run a function that reports progress in both ways: each bar tells one of them."""
    job = tester.run("progress", 2)
    tester.check(
        job.all("progress"), f"{job} reports progress for half a second, and there was no message of it"
    )
    judge_progress(job)


@case("message/process-generating/each", endpoints=("count",), examples=5, severity="critical")
def every_value_is_sent(tester: Tester) -> None:
    """Run a generator for some values: there is a message for each."""
    count = tester.draw(st.integers(1, 8), "count")
    job = tester.run("count", count)
    found = len(job.all("process_generating"))
    tester.check(found == count, f"{job} has yielded {count} values, and {found} came")


@case("message/process-generating/each/same", endpoints=("shrink",))
def every_value_is_sent_if_it_is_the_same(tester: Tester) -> None:
    """Run a generator that yields the same value four times and then another one: there is a message for each."""
    job = tester.run("shrink", 1)
    found = len(job.all("process_generating"))
    tester.check(found == 5, f"{job} has yielded five values, four of them alike, and {found} came")


@case("message/process-streaming/whole", endpoints=("gather",), severity="critical")
def values_for_chunks_are_whole(tester: Tester) -> None:
    """Send the input of a job in three chunks: the value for each of them is whole."""
    endpoint = tester.endpoint("gather")
    session = tester.session()
    job = session.submit(endpoint, *tester.data_for(endpoint, "a", 0))
    expected: list[str] = []
    for number, word in enumerate(("a", "b", "c")):
        if number:
            body = {
                **session.join_body(endpoint, tester.data_for(endpoint, word, 0)),
                "event_id": job.event_id,
            }
            tester.check_status(tester.post(f"stream/{job.event_id}", body), 200)
        expected.append(word)
        session.wait_until(partial(_has_streamed, job, number + 1), f"value for {word!r}")
        tester.check(not job.is_over, f"{job} has ended before its input: {job.output}")
        values = job.all("process_streaming")[-1].data
        wanted = " ".join(expected)
        tester.check(
            values[:1] == [wanted],
            f"{job} was to give {wanted!r} for its chunks, and gave {json.dumps(values)}",
        )
    tester.post(f"stream/{job.event_id}/close", {})


@case("message/process-completed/whole", endpoints=("count", "stream"), severity="critical")
def completions_are_whole(tester: Tester) -> None:
    """Run functions and generators whose last value is known: it stands in ``process_completed``."""
    known: dict[str, tuple[tuple[Any, ...], list[Any]]] = {
        "count": ((3,), [2]),
        "stream": (("a b c",), ["a b c "]),
        "echo": (("x",), ["x"]),
        "shrink": ((3,), [[]]),
        "jsonstream": ((2,), [{"items": [{"i": 1, "s": "x"}], "done": True}]),
    }
    for role, (arguments, wanted) in known.items():
        if tester.find(role) is not None:
            job = tester.run(role, *arguments)
            tester.check(job.values == wanted, f"{job} was to end with {wanted}, and ended with {job.values}")


@case("message/process-completed/failure", endpoints=("fail",), severity="critical")
def failures_are_told(tester: Tester) -> None:
    """Run functions that fail: ``success`` is false, and ``output`` holds an error; others succeed."""
    for call in plain_calls(tester, FAILING):
        job = tester.run(call.role, *call.arguments)
        heard = job.completed
        assert heard is not None
        tester.check(
            heard.json.get("success") is False,
            f"the function of {job} has failed, and it was told {heard.text}",
        )
        tester.check(
            "error" in job.output, f"the function of {job} has failed, and there is no error in {heard.text}"
        )
        tester.check_schema("values/failure", job.output)
    for call in plain_calls(tester, ("echo", "count")):
        job = tester.run(call.role, *call.arguments)
        tester.check(job.success, f"the function of {job} has not failed, and it was told {job.output}")


@case("message/heartbeat/interval", endpoints=("nap",), seconds=2 * (HEARTBEAT + HEARTBEAT_GRACE))
def a_silent_stream_has_heartbeats(tester: Tester) -> None:
    """Run a function that says nothing for half a minute: there is a heartbeat every 15 seconds."""
    until = 2 * (HEARTBEAT + HEARTBEAT_GRACE)
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), until)
    session.wait_until(lambda: job.has_started, f"process_starts of {job}")
    stream = job.heard[-1].channel
    assert isinstance(stream, EventStream)
    beating = _begin_heartbeat(tester)
    size = 0 if beating is None else beating.size

    def is_done() -> bool:
        return not stream.is_open or sum(heard.msg == "heartbeat" for heard in session.heard) >= 2

    tester.wire.wait(is_done, until)
    judge_heartbeats(stream, tester.wire.now() if stream.is_open else stream.ended_at)
    tester.has_heard_heartbeats = beating is not None and beating.is_open and beating.size > size
    session.hang_up(job)


def _begin_heartbeat(tester: Tester) -> EventStream | None:
    """The heartbeat of another session, to be heard meanwhile; what is wrong with it is another case's concern."""
    if tester.version < (4, 25):
        return None
    try:
        return heartbeat(tester, tester.session())
    except Violation:
        return None


def _are_apart(words: tuple[str, str]) -> bool:
    return words[0] not in words[1] and words[1] not in words[0]


def _has_ended(channel: Channel) -> bool:
    return not channel.is_open


def _has_streamed(job: Job, count: int) -> bool:
    return len(job.all("process_streaming")) >= count or job.is_over


@case("message/close-stream/last", endpoints=("any",), severity="critical")
def a_stream_is_closed_when_nothing_is_open(tester: Tester) -> None:
    """Run several jobs of different lengths in one session: ``close_stream`` comes behind the end of the last."""
    session = mixed(tester)
    stream = session.streams[-1]
    tester.wire.wait(lambda: not stream.is_open, tester.patience)
    for each in session.streams:
        judge_close(session, each)
    kinds = [heard.msg for heard in session.heard if heard.channel is stream]
    if kinds[-1] != "close_stream":
        raise Violation(
            f"the last message of a stream that has carried all jobs was {kinds[-1]}, and not close_stream"
        )
