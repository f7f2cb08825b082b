"""What belongs to one session, and stays there: State, messages, signs of life."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from ..registry import case
from ..session import Session
from ..tester import Tester
from . import traces
from .calls import heartbeat, name_of

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
INTERVAL: Final = 15.0
"""Seconds between two signs of life."""
SLACK: Final = 2.5
"""Seconds by which a busy server may be late."""


@case("session/hash/any", endpoints=("echo",), examples=10)
def any_letters_and_digits_name_a_session(tester: Tester) -> None:
    """Run a job in a session whose hash is any string of letters and digits."""
    short, long = st.text(ALPHABET, min_size=1, max_size=12), st.text(ALPHABET, min_size=36, max_size=100)
    name = tester.draw(short | long, "session_hash")
    session = tester.session(name)
    job = session.submit(tester.endpoint("echo"), "x")
    session.wait(job)
    tester.check(job.values == ["x"], f"in the session {name!r} {job} gave {job.values}")


def count_words(session: Session, text: str) -> object:
    """How many words the session's State has after these."""
    endpoint = session.tester.endpoint("state")
    job = session.submit(endpoint, *session.tester.data_for(endpoint, text))
    session.wait(job)
    return job.values[0]


@case("session/state/kept", endpoints=("state",), severity="critical")
def state_is_kept(tester: Tester) -> None:
    """Call a function with State three times in a session: it begins with its first value and goes on from there."""
    session = tester.session()
    counts = [count_words(session, text) for text in ("one two", "three", "four five six")]
    tester.check(counts == [2, 3, 6], f"State of 2, then 3, then 6 words was counted as {counts}")


@case("session/isolation/state", endpoints=("state",), severity="critical")
def nobody_sees_the_state_of_others(tester: Tester) -> None:
    """Call a function with State in two sessions by turns: each counts its own words."""
    first, second = tester.session(), tester.session()
    counts = [
        count_words(first, "a b"),
        count_words(second, "c"),
        count_words(first, "d"),
        count_words(second, "e"),
    ]
    tester.check(counts == [2, 1, 3, 2], f"two sessions of 2, 1, 3, 2 words were counted as {counts}")


@case("session/isolation/messages", endpoints=("count", "stream"), severity="critical")
def nobody_hears_the_messages_of_others(tester: Tester) -> None:
    """Run jobs in two sessions at once: each hears of its own, and gets its own values."""
    first, second = tester.session(), tester.session()
    jobs = [
        first.submit(tester.endpoint("count"), 8),
        second.submit(tester.endpoint("stream"), "a b c d e f"),
    ]
    first.wait()
    second.wait()
    for session, job, value in zip((first, second), jobs, (7, "a b c d e f "), strict=True):
        tester.check(
            not session.strays, f"a session heard of a job that is not its own: {session.strays[:1]}"
        )
        tester.check(job.values == [value], f"{job} gave {job.values} while another session ran one")


@case("session/isolation/abandoned", endpoints=("ticks_alone", "nap"), seconds=1)
def a_session_hears_nothing_of_one_that_was_left(tester: Tester) -> None:
    """Leave a session while its job runs, and run one in another session: that one hears of its own job only."""
    left = tester.session()
    traces.begin(left, "ticks_alone", tester.new_name(), 30)
    left.hang_up()
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), 0.5)
    session.wait(job)
    tester.check(not session.strays, f"a session heard of a job of another one: {session.strays[:1]}")


@case("session/state/no-session", endpoints=("state",), severity="critical")
def a_direct_call_without_a_session_has_no_state(tester: Tester) -> None:
    """Call a function with State directly, twice, without a session: each begins with the first value."""
    session = tester.session()
    count_words(session, "a b c")
    endpoint = tester.endpoint("state")
    for _ in range(2):
        reply = tester.post(f"run/{name_of(endpoint)}", {"data": tester.data_for(endpoint, "x")})
        tester.check_status(reply, 200)
        data = reply.json().get("data")
        tester.check(data and data[0] == 1, f"a direct call without a session counted {data}, not 1 word")
    again = count_words(session, "d")
    tester.check(
        again == 4, f"direct calls without a session changed another one's State: {again} words, not 4"
    )


@case("session/heartbeat/interval", seconds=17)
def a_heartbeat_beats(tester: Tester) -> None:
    """Open a heartbeat: something comes at once, and again within 15 seconds."""
    stream = heartbeat(tester, tester.session())
    if tester.has_heard_heartbeats:
        return  # the case that waits for those of event streams has waited for these, too
    size = stream.size
    if not tester.wire.wait(lambda: stream.size > size or not stream.is_open, INTERVAL + SLACK):
        tester.check(False, f"nothing came on a heartbeat for {INTERVAL + SLACK:g} s")
    tester.check(stream.is_open, "a heartbeat ended by itself")


@case("session/heartbeat/end/input", endpoints=("gather",), seconds=1)
def the_end_of_a_heartbeat_ends_chunked_inputs(tester: Tester) -> None:
    """Close the heartbeat of a session while a job of it takes chunks: the job is completed."""
    session = tester.session()
    beat = heartbeat(tester, session)
    endpoint = tester.endpoint("gather")
    job = session.submit(endpoint, *tester.data_for(endpoint, "a", 0))
    session.wait_until(lambda: bool(job.all("process_streaming")), "process_streaming")
    beat.close()
    session.wait(job, patience=tester.patience / 2)


@case("session/heartbeat/others", endpoints=("state", "count"), severity="critical")
def others_do_not_notice_the_end_of_a_heartbeat(tester: Tester) -> None:
    """Close the heartbeat of a session while another one has State and a job: both stay."""
    leaving, staying = tester.session(), tester.session()
    first, second = heartbeat(tester, leaving), heartbeat(tester, staying)
    count_words(leaving, "a b")
    count_words(staying, "c d e")
    job = staying.submit(tester.endpoint("count"), 20)
    first.close()
    staying.wait(job)
    tester.check(job.values == [19], f"{job} ended with {job.values} when another session's heartbeat ended")
    again = count_words(staying, "f")
    tester.check(
        again == 4, f"State of 3 words was counted as {again} after one more, and another heartbeat's end"
    )
    tester.check(second.is_open, "a heartbeat ended when that of another session was closed")
