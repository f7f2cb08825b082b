"""How long streams and sockets live, what ends them, and what their end does to jobs."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Skipped, Violation
from ..registry import case
from ..session import Job, Session
from ..tester import Tester
from ..wire import Channel, EventStream, Socket
from . import traces

JOINS_IN_A_ROW = 8
"""How often a job is joined in the moment in which the stream of the last one ends."""


def wait_for_end(tester: Tester, channel: Channel | None, why: str) -> None:
    """Wait until the server has ended a connection.

    Raises:
        Violation: It does not, in time.
    """
    assert channel is not None
    patience = tester.patience / 3
    if not tester.wire.wait(lambda: not channel.is_open, patience):
        raise Violation(f"{why}, and its stream is still open {patience:.0f} s later")


def ended_stream(tester: Tester, session: Session, *jobs: Job) -> EventStream:
    """The stream that these jobs were heard of on, when it has ended after the last of them."""
    session.wait(*jobs)
    stream = session.streams[-1]
    wait_for_end(tester, stream, "every job of the session is completed")
    return stream


@case("stream/job/end", endpoints=("echo",))
def the_end_of_a_job_ends_its_connection(tester: Tester) -> None:
    """Run a job, and wait for the end of its connection."""
    job = tester.run("echo", "x")
    wait_for_end(tester, job.channel, f"{job} is completed")


@case("stream/job/close-code", endpoints=("echo",), severity="minor")
def a_socket_is_closed_with_1000(tester: Tester) -> None:
    """Run a job, and look at the close code of its socket."""
    job = tester.run("echo", "x")
    wait_for_end(tester, job.channel, f"{job} is completed")
    assert isinstance(job.channel, Socket)
    tester.check(
        job.channel.code == 1000, f"the socket of {job} was closed with {job.channel.code}, not 1000"
    )


@case("stream/job/hang-up/running", endpoints=("tick_alone", "ticked"), seconds=2)
def a_connection_that_is_closed_stops_its_generator(tester: Tester) -> None:
    """Close the connection of a generator, and see that it makes no steps any more."""
    session = tester.session()
    name = tester.new_name()
    job = traces.begin(session, "tick_alone", name)
    session.hang_up(job)
    traces.must_have_stopped(tester, name, "the connection of the job was closed")


@case("stream/job/hang-up/waiting", endpoints=("slow",), seconds=2)
def a_connection_that_is_closed_takes_its_job_out_of_the_queue(tester: Tester) -> None:
    """Close the connection of a job that waits: the one behind it starts at once when its turn has come."""
    if tester.protocol == "ws":
        raise Skipped("the queue of 3.x has ten workers here, so that nothing waits")
    slow = tester.endpoint("slow")
    first, second, third = tester.session(), tester.session(), tester.session()
    running = first.submit(slow, 1)
    first.wait_until(lambda: running.has_started, "process_starts")
    waiting = second.submit(slow, 0)
    second.wait_until(lambda: bool(waiting.heard), "estimation")
    last = third.submit(slow, 0)
    third.wait_until(lambda: bool(last.heard), "estimation")
    second.hang_up(waiting)
    first.wait(running)
    began = tester.wire.now()
    third.wait(last)
    seconds = tester.wire.now() - began
    tester.check(
        seconds < 3,
        f"a job that its client has left kept the worker for {seconds:.1f} s, while others waited",
    )


@case("stream/session/shared", endpoints=("nap", "count"), severity="critical")
def one_stream_carries_all_jobs(tester: Tester) -> None:
    """Join jobs of two functions in one session: both are heard of on its one stream."""
    session = tester.session()
    jobs = [
        session.submit(tester.endpoint("nap"), 0.3, listen=False),
        session.submit(tester.endpoint("count"), 3),
    ]
    session.wait()
    for job in jobs:
        tester.check(job.success, f"{job} did not succeed")
    tester.check(len(session.streams) == 1, f"{len(session.streams)} streams had to be opened for two jobs")


@case("stream/session/long-lived", endpoints=("nap",), seconds=1)
def a_stream_is_open_as_long_as_a_job_is(tester: Tester) -> None:
    """Wait for a job that takes a second, while shorter ones of its session end."""
    session = tester.session()
    long = session.submit(tester.endpoint("nap"), 1)
    for _ in range(2):
        session.wait(session.submit(tester.endpoint("nap"), 0.1))
    session.wait(long)
    tester.check(
        len(session.streams) == 1,
        f"the stream ended {len(session.streams) - 1} times while {long} was under way",
    )


@case("stream/end/after-last", endpoints=("echo",))
def a_stream_ends_after_its_last_job(tester: Tester) -> None:
    """Run a job, and wait for the end of the session's stream."""
    session = tester.session()
    ended_stream(tester, session, session.submit(tester.endpoint("echo"), "x"))


@case("stream/end/after-last/hung-up", endpoints=("nap", "echo"), seconds=2)
def a_stream_ends_though_an_earlier_reader_has_gone(tester: Tester) -> None:
    """Close a stream while a function runs, and join again in that session when it has ended: that stream ends too."""
    session = tester.session()
    nap = session.submit(tester.endpoint("nap"), 0.5)
    session.wait_until(lambda: nap.has_started, "process_starts")
    session.hang_up()
    tester.wire.pause(1.5)
    ended_stream(tester, session, session.submit(tester.endpoint("echo"), "x"))


@case("stream/end/announced", endpoints=("echo", "count"))
def the_end_of_a_stream_is_announced(tester: Tester) -> None:
    """Run two jobs, and look for ``close_stream`` before the end of their stream."""
    session = tester.session()
    jobs = [
        session.submit(tester.endpoint("count"), 2, listen=False),
        session.submit(tester.endpoint("echo"), "x"),
    ]
    ended_stream(tester, session, *jobs)
    last = session.heard[-1]
    tester.check(last.msg == "close_stream", f"a stream ended after {last.msg}, without close_stream")


@case("stream/end/clean", endpoints=("echo",))
def a_stream_ends_by_the_rules_of_http(tester: Tester) -> None:
    """Run a job, and see that the body of its stream has its last chunk."""
    session = tester.session()
    job = session.submit(tester.endpoint("echo"), "x")
    session.wait(job)
    channel = job.channel or session.streams[-1]
    wait_for_end(tester, channel, f"{job} is completed")
    tester.check(channel.end == "clean", f"the stream of a job that is completed broke off: {channel.why}")


@case("stream/end/no-loss", endpoints=("echo",), severity="critical")
def a_join_that_crosses_the_end_of_a_stream_is_not_lost(tester: Tester) -> None:
    """Join again and again at the moment in which the last job of the session is completed; each job ends."""
    session = tester.session()
    for number in range(JOINS_IN_A_ROW):
        job = session.submit(tester.endpoint("echo"), f"{number}")
        session.wait(job)
        tester.check(job.values == [f"{number}"], f"{job} gave {job.values}")


@case("stream/break/hang-up/running", endpoints=("ticks_alone", "ticked"), seconds=2)
def a_stream_that_is_closed_stops_generators(tester: Tester) -> None:
    """Close the stream of a session, and see that its generator makes no steps any more."""
    session = tester.session()
    name = tester.new_name()
    traces.begin(session, "ticks_alone", name)
    session.hang_up()
    traces.must_have_stopped(tester, name, "the stream of its session was closed")


@case("stream/break/hang-up/waiting", endpoints=("tick_alone", "ticked"), seconds=3)
def a_stream_that_is_closed_takes_jobs_out_of_the_queue(tester: Tester) -> None:
    """Close the stream of a session whose job waits: the job never runs."""
    tick = tester.endpoint("tick_alone")
    others = tester.session()
    # Two of them run at once, so a third one waits.
    busy = [traces.begin(others, "tick_alone", tester.new_name(), 75) for _ in range(2)]
    session = tester.session()
    name = tester.new_name()
    waiting = session.submit(tick, name, 5)
    session.wait_until(lambda: bool(waiting.heard), "estimation")
    session.hang_up()
    others.wait(*busy)
    tester.wire.pause(traces.WHILE)
    count = traces.steps(tester, name)
    tester.check(
        count == 0, f"a job that waited ran {count} steps, though the stream of its session was closed"
    )


@case("stream/break/others", endpoints=("count",), severity="critical")
def others_do_not_notice_that_a_stream_was_closed(tester: Tester) -> None:
    """Close the stream of a session while another one runs the same function: that one gets all its values."""
    count = tester.endpoint("count")
    leaving, staying = tester.session(), tester.session()
    jobs = [leaving.submit(count, 40), staying.submit(count, 40)]
    for session, job in zip((leaving, staying), jobs, strict=True):
        session.wait_until(_has_value(job), f"values of {job}")
    leaving.hang_up()
    staying.wait(jobs[1])
    tester.check(
        jobs[1].values == [39], f"{jobs[1]} ended with {jobs[1].values} after another session was left"
    )
    seen = len(jobs[1].all("process_generating"))
    tester.check(seen == 40, f"{jobs[1]} had {seen} of 40 values after another session was left")


@case("stream/break/others/waiting", endpoints=("tick_alone",), severity="critical", seconds=2)
def what_waits_for_others_runs_though_a_stream_was_closed(tester: Tester) -> None:
    """Close the stream of a session while a job of another one waits: that one runs in its turn."""
    busy, leaving, staying = tester.session(), tester.session(), tester.session()
    for _ in range(2):
        traces.begin(busy, "tick_alone", tester.new_name(), 50)
    gone = leaving.submit(tester.endpoint("tick_alone"), tester.new_name(), 2)
    waiting = staying.submit(tester.endpoint("tick_alone"), tester.new_name(), 2)
    leaving.wait_until(lambda: bool(gone.heard), "estimation")
    staying.wait_until(lambda: bool(waiting.heard), "estimation")
    leaving.hang_up()
    staying.wait(waiting)
    tester.check(
        waiting.values == [1], f"{waiting} ended with {waiting.values} after another session was left"
    )
    busy.wait()


@case("stream/error/unknown-session")
def a_session_that_is_not_known(tester: Tester) -> None:
    """Open the stream of a session in which nothing was joined: it says ``unexpected_error``, and ends."""
    session = tester.session()
    stream = session.listen()
    tester.wire.wait(lambda: not stream.is_open, tester.patience)
    kinds = [heard.msg for heard in session.heard]
    tester.check("unexpected_error" in kinds, f"the stream of an unknown session said {kinds}")
    tester.check(not stream.is_open, "the stream of an unknown session stays open")


@case("stream/error/stopping", endpoints=("nap",), is_destructive=True, seconds=12)
def a_server_that_stops_says_so_once(tester: Tester) -> None:
    """Stop the app while a job is under way: one ``unexpected_error``, and the end of the stream."""
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), 60)
    session.wait_until(lambda: job.has_started, "process_starts")
    tester.stop_server()
    # A server of Gradio 6 looks every ten seconds.
    tester.wire.wait(lambda: not session.streams[-1].is_open or len(session.wrong) > 1, 14)
    said = [heard for heard in session.heard if heard.msg == "unexpected_error"]
    tester.check(said, "a server that stops said nothing about it to a job that is under way")
    tester.check(len(said) == 1, f"a server that stops said so {len(said)} times")
    tester.check(not session.streams[-1].is_open, "a server that stops left the stream open")


def _has_value(job: Job) -> Callable[[], bool]:
    return lambda: bool(job.all("process_generating"))
