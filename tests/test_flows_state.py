"""What the flows of one client share: slots, headers, sessions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import a_job, make_state, real_world

from gradio_proto.effects import Flow, Now, Signal
from gradio_proto.errors import AppError, ArgumentError, ClientClosed, GradioError
from gradio_proto.flows.state import REMEMBERED_TARGETS, LiveSession, Slots, checked_headers, redacted
from gradio_proto.session import Session


def test_without_a_bound_there_is_always_a_slot() -> None:
    slots, waiter = Slots(None), Signal()
    assert slots.take(waiter)
    slots.release(waiter, held=True)


def test_slots_are_first_come_first_served() -> None:
    slots = Slots(1)
    one, two, three, late = (Signal() for _ in range(4))
    assert slots.take(one)
    assert not slots.take(two)
    assert not slots.take(three)
    slots.release(one, held=True)
    assert two.is_set
    assert not slots.take(late)  # though one is free: two has been waiting for it
    assert slots.take(two)
    slots.release(three, held=False)
    slots.release(two, held=True)
    assert late.is_set
    assert not three.is_set


def test_two_slots_given_back_at_once_wake_two() -> None:
    slots = Slots(2)
    one, two, three, four = (Signal() for _ in range(4))
    assert slots.take(one)
    assert slots.take(two)
    assert not slots.take(three)
    assert not slots.take(four)
    slots.release(one, held=True)
    slots.release(two, held=True)
    assert slots.take(three)
    assert four.is_set
    assert slots.take(four)


def test_a_waiter_who_was_woken_and_leaves_wakes_the_next() -> None:
    slots = Slots(1)
    one, two, three = (Signal() for _ in range(3))
    slots.take(one)
    slots.take(two)
    slots.take(three)
    slots.release(one, held=True)
    slots.release(two, held=False)
    assert three.is_set
    assert slots.take(three)


@given(st.integers(1, 3), st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_never_more_than_so_many_and_nobody_is_forgotten(most: int, doings: list[tuple[int, bool]]) -> None:
    slots = Slots(most)
    signals = [Signal() for _ in range(6)]
    holding, waiting = set(), set()
    for who, leaves in doings:
        if leaves and who in holding | waiting:
            slots.release(signals[who], held=who in holding)
            holding.discard(who)
            waiting.discard(who)
            signals[who].clear()
        elif not leaves and who not in holding:
            signals[who].clear()
            if slots.take(signals[who]):
                holding.add(who)
                waiting.discard(who)
            else:
                waiting.add(who)
        assert len(holding) <= most
        if waiting and len(holding) < most:
            assert any(signals[number].is_set for number in waiting)


def test_a_session_is_made_once_and_not_by_a_closed_client() -> None:
    state = make_state()
    live = state.session()
    assert state.session() is live
    assert live.session.hash == "session1"
    state.live = None
    assert state.session().session.hash == "session2"
    state.closed = True
    with pytest.raises(ClientClosed):
        state.session()


def test_a_session_that_is_left_is_kept_alive_for_the_jobs_that_it_has() -> None:
    state = make_state()
    live = state.session()
    jobs = [a_job().job, a_job().job]
    for job in jobs:
        state.add_job(job, live)
    state.retire(live)
    assert state.live is None
    jobs[0].cancel()
    assert not live.retired.is_set
    jobs[1].cancel()
    assert live.retired.is_set
    assert not state.open_jobs


def test_targets_have_the_prefix_or_not() -> None:
    state = real_world().state
    assert (
        state.target("queue/data", (("session_hash", "a b"),)) == "/gradio_api/queue/data?session_hash=a%20b"
    )
    for number in range(REMEMBERED_TARGETS + 1):
        assert state.target(f"heartbeat/{number}") == f"/gradio_api/heartbeat/{number}"
    for _ in range(2):
        assert state.target("config", prefixed=False) == "/config"


def test_headers_of_the_callers() -> None:
    assert [*checked_headers(None)] == []
    assert [*checked_headers({"X-Thing": "1"})] == [("x-thing", "1")]
    with pytest.raises(ArgumentError, match="Host"):
        checked_headers({"Host": "x"})
    with pytest.raises(TypeError, match="int"):
        checked_headers({"x": 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="1"):
        checked_headers({1: "x"})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="mapping"):
        checked_headers([("x", "1")])  # type: ignore[arg-type]
    for wrong in (
        {"": "x"},
        {"x": "a\r\nb"},
        {"a\n": "x"},
        {"x": "\0"},
        {"x": "hf_1 "},
        {"x": "\N{SNOWMAN}"},
    ):
        with pytest.raises(ArgumentError, match="cannot be sent") as caught:
            checked_headers(wrong)
        assert "hf_1" not in str(caught.value)


def test_credentials_that_were_said_again_are_taken_out_of_errors() -> None:
    state = make_state(
        headers=(("x-key", "key 0123456789"), ("x-short", "short"), ("user-agent", "harmless agent")),
        auth=("ada-the-first", "pass"),
        oauth_token="hf_oauth",
    )
    state.cookies.set("session", "cookie-value")
    state.cookies.set("theme", "dark")
    error = AppError(
        "0123456789 short harmless agent ada-the-first pass hf_oauth cookie-value dark of-a-call"
    )
    state.redact(error, (("x-call", "of-a-call"),))
    hidden = "[redacted]"
    assert (
        error.args[0]
        == f"{hidden} short harmless agent ada-the-first {hidden} {hidden} {hidden} dark {hidden}"
    )
    bare = AppError("hf_oauth")
    make_state().redact(bare)
    assert bare.args == ("hf_oauth",)


def test_a_job_of_a_client_ends_in_an_error_without_its_credentials() -> None:
    state = make_state(headers=(("x-key", "0123456789"),))
    begun = a_job(headers=(("x-call", "abcdefghij"),))
    state.add_job(begun.job, LiveSession(Session("s", state.limits)))
    begun.job.fail(AppError("0123456789 abcdefghij"))
    with pytest.raises(AppError, match=r"^\[redacted\] \[redacted\]"):
        begun.job.result()


def test_what_fails_beside_jobs_does_so_without_credentials() -> None:
    def fail() -> Flow[None]:
        yield Now()
        raise GradioError("0123456789")

    flow = redacted(make_state(headers=(("x-key", "0123456789"),)), fail())
    next(flow)
    with pytest.raises(GradioError, match="redacted"):
        flow.send((None, 0.0))
