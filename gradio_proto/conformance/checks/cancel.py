"""Ending a job early, and nothing but that job."""

from __future__ import annotations

from typing import Any

from ..model import Skipped, Violation
from ..registry import case
from ..session import Job, Session
from ..tester import Tester
from ..wire import Socket
from . import traces
from .streams import wait_for_end

KEYS = ("event_id", "session_hash", "fn_index")


def cancelling_number(tester: Tester, role: str) -> int:
    """The number of an event that cancels the endpoint of that role, and nothing else if there is one like that.

    Raises:
        Skipped: There is none.
    """
    wanted = tester.endpoint(role).fn_index
    found = [entry for entry in tester.config.dependencies if wanted in entry.cancels]
    if not found:
        raise Skipped(f"no event of the app cancels {role}")
    return min(found, key=lambda entry: len(entry.cancels)).fn_index


def call_event(tester: Tester, number: int, session: Session) -> None:
    """Call an event that cancels, as a browser does when its button is pressed."""
    body: dict[str, Any] = {"data": [], "fn_index": number, "session_hash": session.hash}
    tester.check_status(tester.post("run/predict", body), 200)


@case("cancel/event/ends", endpoints=("tick", "ticked"), seconds=2)
def an_event_ends_the_function_in_its_session(tester: Tester) -> None:
    """Call an event that cancels a generator: it makes no steps any more, and the same of another session goes on."""
    number = cancelling_number(tester, "tick")
    session, other = tester.session(), tester.session()
    name = tester.new_name()
    job = traces.begin(session, "tick", name)
    spared = traces.begin(other, "tick", tester.new_name(), 100)
    call_event(tester, number, session)
    job.is_abandoned = True  # nothing more need be said of it
    other.wait(spared)
    tester.check(
        spared.values == [99], f"a job of another session ended with {spared.values} when one was cancelled"
    )
    traces.must_have_stopped(tester, name, "an event has cancelled the job")


@case("cancel/event/socket", endpoints=("tick",))
def an_event_closes_the_socket(tester: Tester) -> None:
    """Call an event that cancels: the job's socket is closed with 1000, without ``process_completed``."""
    number = cancelling_number(tester, "tick")
    session = tester.session()
    job = traces.begin(session, "tick", tester.new_name())
    call_event(tester, number, session)
    wait_for_end(tester, job.channel, "an event has cancelled the job")
    assert isinstance(job.channel, Socket)
    tester.check(
        job.channel.code == 1000, f"the socket of a cancelled job was closed with {job.channel.code}"
    )
    tester.check(job.completed is None, "a job that an event has cancelled was told to be completed")


@case("stream/end/after-last/event", endpoints=("tick",), seconds=1)
def a_stream_ends_after_an_event_has_cancelled_its_last_job(tester: Tester) -> None:
    """Call an event that cancels the only job of a session: its stream ends."""
    if not (4, 9) <= tester.version < (4, 30):
        raise Skipped("from 4.30 on jobs are cancelled by POST /cancel")
    _cancel_by_event(tester)


@case("stream/job/end/event", endpoints=("tick",), seconds=1)
def a_connection_ends_after_an_event_has_cancelled_its_job(tester: Tester) -> None:
    """Call an event that cancels a job: its connection ends."""
    _cancel_by_event(tester)


def _cancel_by_event(tester: Tester) -> None:
    number = cancelling_number(tester, "tick")
    session = tester.session()
    job = traces.begin(session, "tick", tester.new_name())
    channel = job.channel or session.streams[-1]
    call_event(tester, number, session)
    wait_for_end(tester, channel, "an event has cancelled the job")


@case("cancel/route/malformed", endpoints=("any",))
def a_request_without_one_of_the_keys(tester: Tester) -> None:
    """Post to ``/cancel`` without one of its three keys: 422."""
    whole: dict[str, Any] = {"event_id": "0" * 32, "session_hash": tester.new_name(), "fn_index": 0}
    for key in KEYS:
        body = {name: value for name, value in whole.items() if name != key}
        tester.check_status(tester.post("cancel", body), 422)


def must_be_cancelled(tester: Tester, job: Job) -> None:
    """A job has to be completed by ``{}``, with success.

    Raises:
        Violation: It is not.
    """
    heard = job.completed
    if heard is None or heard.json.get("output") != {} or heard.json.get("success") is not True:
        raise Violation(f"{job} was cancelled, and ended with {heard.text[:200] if heard else 'nothing'}")


@case("cancel/route/completes/running", endpoints=("ticks", "ticked"), severity="critical", seconds=2)
def a_running_job_is_completed_when_it_is_cancelled(tester: Tester) -> None:
    """Cancel a generator that runs: it is completed with ``{}``, the stream ends, and it makes no steps any more."""
    session = tester.session()
    name = tester.new_name()
    job = traces.begin(session, "ticks", name)
    tester.check_status(session.cancel(job), 200)
    session.wait(job, patience=tester.patience / 2)
    must_be_cancelled(tester, job)
    wait_for_end(tester, session.streams[-1], "the only job of the session was cancelled")
    traces.must_have_stopped(tester, name, "the job was cancelled")


@case("cancel/route/completes/waiting", endpoints=("tick_alone",), severity="critical", seconds=2)
def a_waiting_job_is_completed_when_it_is_cancelled(tester: Tester) -> None:
    """Cancel a job that waits: it is completed with ``{}`` at once."""
    busy, session, _, waiting = _two_run_and_one_waits(tester)
    tester.check_status(session.cancel(waiting), 200)
    session.wait(waiting, patience=tester.patience / 2)
    must_be_cancelled(tester, waiting)
    busy.wait()


@case("cancel/route/waiting", endpoints=("tick_alone", "ticked"), seconds=3)
def a_waiting_job_that_is_cancelled_does_not_run(tester: Tester) -> None:
    """Cancel a job that waits, and see that it does not run in its turn."""
    busy, session, name, waiting = _two_run_and_one_waits(tester)
    tester.check_status(session.cancel(waiting), 200)
    session.wait(waiting, patience=tester.patience / 2)
    busy.wait()
    tester.wire.pause(traces.WHILE)
    count = traces.steps(tester, name)
    tester.check(count == 0, f"a job that was cancelled while it waited ran {count} steps in its turn")


def _two_run_and_one_waits(tester: Tester) -> tuple[Session, Session, str, Job]:
    """A session with two jobs that run for a second or more, and another one with a job that waits for them."""
    busy = tester.session()
    for _ in range(2):
        traces.begin(busy, "tick_alone", tester.new_name(), 75)
    session = tester.session()
    name = tester.new_name()
    waiting = session.submit(tester.endpoint("tick_alone"), name, 5)
    session.wait_until(lambda: bool(waiting.heard), "estimation")
    return busy, session, name, waiting


@case("cancel/route/only-that-job/same-function", endpoints=("ticks",), severity="critical", seconds=2)
def a_sibling_of_the_same_function_goes_on(tester: Tester) -> None:
    """Cancel one of two running jobs of one function in one session: the other one ends with its own value."""
    session = tester.session()
    victim = traces.begin(session, "ticks", tester.new_name(), 60)
    sibling = traces.begin(session, "ticks", tester.new_name(), 60)
    _cancel_and_expect(tester, session, victim, sibling)


@case(
    "cancel/route/only-that-job/other-function", endpoints=("ticks", "count"), severity="critical", seconds=2
)
def a_job_of_another_function_goes_on(tester: Tester) -> None:
    """Cancel a job while one of another function runs in the same session: that one ends with its own value."""
    session = tester.session()
    victim = traces.begin(session, "ticks", tester.new_name(), 60)
    sibling = session.submit(tester.endpoint("count"), 60)
    session.wait_until(lambda: bool(sibling.all("process_generating")), f"values of {sibling}")
    _cancel_and_expect(tester, session, victim, sibling)


def _cancel_and_expect(tester: Tester, session: Session, victim: Job, sibling: Job) -> None:
    tester.check_status(session.cancel(victim), 200)
    try:
        session.wait(sibling, patience=tester.patience / 2)
    except Violation as violation:
        raise Violation(f"{victim} was cancelled, and {sibling} never ended: {violation}") from None
    tester.check(
        sibling.output.get("data") == [59],
        f"{victim} was cancelled, and {sibling} ended with {sibling.output}",
    )


@case("cancel/route/only-that-job/other-session", endpoints=("ticks",), severity="critical", seconds=2)
def the_same_function_of_another_session_goes_on(tester: Tester) -> None:
    """Cancel a job while another session runs the same function: that one ends with its own value."""
    session, other = tester.session(), tester.session()
    victim = traces.begin(session, "ticks", tester.new_name(), 60)
    spared = traces.begin(other, "ticks", tester.new_name(), 60)
    tester.check_status(session.cancel(victim), 200)
    other.wait(spared)
    tester.check(
        spared.output.get("data") == [59],
        f"a job was cancelled, and {spared} of another session ended with {spared.output}",
    )


@case("cancel/route/idempotent/ended", endpoints=("echo",))
def a_job_that_has_ended_can_be_cancelled(tester: Tester) -> None:
    """Cancel a job that has ended: 200, and nothing changes for the next one of the session."""
    session = tester.session()
    job = session.submit(tester.endpoint("echo"), "x")
    session.wait(job)
    tester.check_status(session.cancel(job), 200)
    after = session.submit(tester.endpoint("echo"), "y")
    session.wait(after)
    tester.check(after.values == ["y"], f"after a late cancellation {after} gave {after.values}")


@case("cancel/route/idempotent/twice", endpoints=("ticks", "nap"), seconds=2)
def a_job_can_be_cancelled_twice(tester: Tester) -> None:
    """Cancel a job twice while another one of its session runs: that one ends as if nothing was."""
    session = tester.session()
    victim = traces.begin(session, "ticks", tester.new_name(), 60)
    other = session.submit(tester.endpoint("nap"), 1)
    tester.check_status(session.cancel(victim), 200)
    session.wait(victim)
    tester.check_status(session.cancel(victim), 200)
    session.wait(other)
    tester.check(other.success, f"{other} did not succeed after another one was cancelled twice")
    ends = len(victim.all("process_completed"))
    tester.check(ends == 1, f"{victim} was cancelled twice and completed {ends} times")


@case("cancel/route/idempotent/waiting", endpoints=("tick_alone", "nap"), seconds=3)
def what_waits_is_completed_once(tester: Tester) -> None:
    """Cancel a job that waits while another one of its session runs: it is completed once, and the stream holds."""
    busy, session, _, waiting = _two_run_and_one_waits(tester)
    other = session.submit(tester.endpoint("nap"), 2.5)
    tester.check_status(session.cancel(waiting), 200)
    session.wait(other)
    busy.wait()
    ends = len(waiting.all("process_completed"))
    tester.check(ends == 1, f"{waiting} was cancelled while it waited, and completed {ends} times")


@case("cancel/route/frees-place", endpoints=("tick_alone",), seconds=2)
def a_cancelled_job_makes_place(tester: Tester) -> None:
    """Cancel one of two running jobs where two may run at once: the third one starts."""
    busy = tester.session()
    first = traces.begin(busy, "tick_alone", tester.new_name(), 150)
    second = tester.session()
    traces.begin(second, "tick_alone", tester.new_name(), 150)
    third = tester.session()
    waiting = third.submit(tester.endpoint("tick_alone"), tester.new_name(), 2)
    third.wait_until(lambda: bool(waiting.heard), "estimation")
    began = tester.wire.now()
    tester.check_status(busy.cancel(first), 200)
    third.wait(waiting)
    seconds = tester.wire.now() - began
    tester.check(
        seconds < 2, f"a job was cancelled, and the next one ended {seconds:.1f} s later, not at once"
    )
    second.hang_up()


@case("cancel/reset/no-op", endpoints=("count",), severity="minor")
def a_reset_does_nothing(tester: Tester) -> None:
    """Reset a job that runs: ``{"success": true}``, and it goes on to its end."""
    session = tester.session()
    job = session.submit(tester.endpoint("count"), 10)
    session.wait_until(lambda: bool(job.all("process_generating")), f"values of {job}")
    reply = tester.post("reset", {"event_id": job.event_id})
    tester.check_status(reply, 200)
    tester.check(reply.json() == {"success": True}, f"a reset was answered {reply.text()[:200]!r}")
    session.wait(job)
    tester.check(job.values == [9], f"{job} was reset, and ended with {job.values}")
