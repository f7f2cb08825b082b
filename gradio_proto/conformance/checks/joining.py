"""How a job gets into the queue, and what the queue owes to it. :mod:`.conversations` has what is of ``ws`` and ``sse``
alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import object_of

from ..judging import judge_job, judge_schema, judge_session
from ..model import Skipped, Unreachable, Violation
from ..registry import case
from ..session import Job, wait_together
from ..tester import Tester
from .calls import STEP, plain_calls, stand_in_line, started_at, wait_for_all, waiters

NO_DATA: Final[list[Any]] = [None, {}, "x", 1, True, "missing", "no JSON"]
FULL: Final = "Queue is full"
STOPPED: Final = "Queue is stopped"
STOPPING: Final = 5.0
"""Seconds within which an app that was told to stop takes no more jobs."""
PROMPT: Final = 3.0
"""Seconds within which a server that is not blocked says what it has to say ten times a second."""


@case("queue/join/event-id", endpoints=("echo",), severity="critical")
def every_join_gets_an_event_id_of_its_own(tester: Tester) -> None:
    """Join a few jobs in two sessions: each is answered with 200 and another ``event_id``."""
    endpoint = tester.endpoint("echo")
    seen: set[str] = set()
    for session in (tester.session(), tester.session()):
        jobs = [session.submit(endpoint, f"{number}") for number in range(3)]
        for job in jobs:
            tester.check(job.event_id not in seen, f"two jobs have the event_id {job.event_id!r}")
            seen.add(job.event_id)
        session.wait()


@case("queue/join/unknown-fn", endpoints=("any",))
def a_function_that_is_not_there(tester: Tester) -> None:
    """Join a function number that the config does not list."""
    session = tester.session()
    number = max(tester.app.endpoints) + 1_000
    body: dict[str, Any] = {"data": [], "fn_index": number, "session_hash": session.hash}
    if tester.protocol == "sse":
        query = [("fn_index", str(number)), ("session_hash", session.hash)]
        tester.check_refused(tester.get("queue/join", query))
    else:
        tester.check_refused(tester.post("queue/join", body))


@case("queue/join/malformed", endpoints=("any",), examples=12)
def a_body_that_is_none(tester: Tester) -> None:
    """Post joins that are no JSON, or whose ``data`` is missing or no list: each is answered 422."""
    endpoint = tester.allowed()[0]
    body = tester.session().join_body(endpoint, [])
    wrong_data: Any = tester.draw(st.sampled_from(NO_DATA), "data")
    headers = (("content-type", "application/json"),)
    if wrong_data == "no JSON":
        reply = tester.post("queue/join", body=b'{"data": [', headers=headers)
    else:
        body["data"] = wrong_data
        if wrong_data == "missing":
            del body["data"]
        reply = tester.post("queue/join", body)
    tester.check_status(reply, 422)


@case("queue/join/late-stream", endpoints=("count",), severity="critical")
def a_stream_that_is_opened_late(tester: Tester) -> None:
    """Open the stream of a session half a second after its join, when the job has ended: all its messages are there."""
    session = tester.session()
    job = session.submit(tester.endpoint("count"), 3, listen=False)
    tester.wire.pause(0.5)
    session.wait(job)
    judge_session(session)
    kinds = [heard.msg for heard in job.heard]
    wanted = ["process_starts", *["process_generating"] * 3, "process_completed"]
    said = [kind for kind in kinds if kind in wanted]
    tester.check(
        said == wanted, f"a stream that was opened late had {kinds} of {job}, and not all of {wanted}"
    )
    tester.check(len(session.streams) == 1, f"{len(session.streams)} streams were needed to hear of {job}")


@case("queue/join/second-job", endpoints=("slow_gen", "echo"))
def a_join_while_another_job_is_under_way(tester: Tester) -> None:
    """Join a second job while a generator runs in the session: both are heard of on the same stream."""
    session = tester.session()
    first = session.submit(tester.endpoint("slow_gen"), 5, 0.1)
    session.wait_until(lambda: bool(first.all("process_generating")) or first.is_over, f"a value of {first}")
    second = session.submit(tester.endpoint("echo"), "second")
    session.wait()
    judge_session(session)
    tester.check(second.values == ["second"], f"{second} ended with {second.values}")
    if not first.completed or first.completed.at < second.joined_at:
        raise Skipped("the first job ended before the second was joined")
    tester.check(
        all(heard.channel is session.streams[0] for heard in second.heard),
        f"{second} was not heard of on the stream that was open when it was joined",
    )


# The body


@case("queue/join/body/event-data", endpoints=("seldata",))
def what_an_event_carries(tester: Tester) -> None:
    """Send ``event_data`` to a function that gives it back."""
    session = tester.session()
    event = {"index": [1, 2], "value": "a"}
    job = session.submit(tester.endpoint("seldata"), event_data=event)
    session.wait(job)
    tester.check(
        job.values == [event], f"a function was to get the event data {event}, and gave {job.output}"
    )


@case("queue/join/body/unqueued", endpoints=("noqueue",))
def a_function_that_is_not_queued(tester: Tester) -> None:
    """Join functions that the app has taken out of the queue: they run like any other."""
    job = tester.run("noqueue", "x")
    judge_session(job.session)
    tester.check(job.values == ["x"], f"{job} was to give 'x', and gave {job.values}")
    if tester.find("noqueue_gen") is not None:
        generator = tester.run("noqueue_gen", 3)
        judge_session(generator.session)
        values = [values[0] for values in generator.yielded()]
        tester.check(values == [0, 1, 2], f"{generator} was to yield 0, 1 and 2, and yielded {values}")


@case("queue/join/body/request", endpoints=("req",))
def what_a_function_sees_of_its_request(tester: Tester) -> None:
    """Join with a header and a parameter in the query, and have a function tell which it sees."""
    session = tester.session()
    session.query = (("conformance", "in the query"),)
    tester.wire.headers["x-conformance"] = "in a header"
    try:
        job = session.submit(tester.endpoint("req"))
        session.wait(job)
    finally:
        del tester.wire.headers["x-conformance"]
    seen: Any = job.values[0]
    tester.check(isinstance(seen, dict), f"{job} was to tell of its request, and gave {job.values}")
    header = object_of(seen.get("headers")).get("x-conformance")
    parameter = object_of(seen.get("qp")).get("conformance")
    tester.check(
        header == "in a header", f"the function saw {header!r} for a header of the request that joined"
    )
    tester.check(
        parameter == "in the query", f"the function saw {parameter!r} for a parameter of that request"
    )


@case("queue/join/body/surplus", endpoints=("echo",))
def more_data_than_inputs(tester: Tester) -> None:
    """Join with more values than there are inputs: what is too much is left out."""
    session = tester.session()
    job = session.submit(tester.endpoint("echo"), "x", "surplus", 1)
    session.wait(job)
    judge_job(job)
    tester.check(job.values == ["x"], f"{job} was to give 'x' for ['x', 'surplus', 1], and gave {job.output}")


# Refusals


@case("queue/join/full", endpoints=("slow",), variant="short-queue", is_destructive=True, seconds=1)
def a_queue_that_is_full(tester: Tester) -> None:
    """Join a third job where one runs and one may wait: 503, and the two others run to their end."""
    endpoint = tester.endpoint("slow")
    session, refused = tester.session(), tester.session()
    first = session.submit(endpoint, 0.5)
    session.wait_until(lambda: first.has_started, f"process_starts of {first}")
    session.submit(endpoint, 0)
    reply = refused.join(endpoint, [0])
    tester.check_status(reply, 503)
    _check_detail(reply.json(), FULL)
    session.wait()
    judge_session(session)
    job = tester.run("slow", 0)  # there is room again
    tester.check(job.success, f"{job} was joined when the queue was empty again, and came to {job.output}")


@case("queue/join/full/message", endpoints=("slow",), variant="short-queue", is_destructive=True, seconds=1)
def a_queue_that_is_full_in_a_conversation(tester: Tester) -> None:
    """Join a third job where one runs and one may wait: ``queue_full``, and the two others run to their end."""
    endpoint = tester.endpoint("slow")
    sessions = [tester.session() for _ in range(3)]
    first = sessions[0].submit(endpoint, 0.8)
    wait_together(sessions[:1], lambda: first.has_started, f"process_starts of {first}")
    second = sessions[1].submit(endpoint, 0)
    wait_together(sessions[:2], lambda: bool(second.all("estimation")), f"estimation of {second}")
    third = sessions[2].submit(endpoint, 0)
    wait_together(sessions, lambda: third.is_over, "queue_full")
    kinds = [heard.msg for heard in third.heard if heard.msg != "send_hash"]
    tester.check(kinds == ["queue_full"], f"a job that the queue has no room for was told {kinds}")
    channel = third.channel
    assert channel is not None
    ended = tester.wire.wait(lambda: not channel.is_open, tester.patience)
    tester.check(ended, "the connection of a job that was refused stays open behind queue_full")
    wait_together(sessions, lambda: first.is_over and second.is_over, "end of the others")
    judge_schema(third.heard, tester.version)
    for job in (first, second):
        judge_job(job)
        tester.check(
            job.success, f"{job} was in the queue when another was refused, and came to {job.output}"
        )


@case("queue/join/stopped", endpoints=("echo",), is_destructive=True, seconds=1)
def a_queue_that_was_stopped(tester: Tester) -> None:
    """Join a job when the app has stopped, as far as it still answers."""
    session = tester.session()
    tester.stop_server()
    until = tester.wire.now() + STOPPING
    while True:
        try:
            reply = session.join(tester.endpoint("echo"), ["x"])
        except (Unreachable, Violation):
            raise Skipped("a server that was stopped does not answer any more") from None
        if reply.status != 200 or tester.wire.now() > until:
            break
        tester.wire.pause(0.2)
    tester.check_status(reply, 503)
    _check_detail(reply.json(), STOPPED)


@case("queue/join/no-fn", endpoints=("any",), severity="minor")
def a_join_without_a_function(tester: Tester) -> None:
    """Post a join that does not say which function."""
    body = tester.session().join_body(tester.allowed()[0], [])
    del body["fn_index"]
    tester.check_status(tester.post("queue/join", body), 400)


@case("queue/join/no-session", endpoints=("any",), severity="minor")
def a_join_without_a_session(tester: Tester) -> None:
    """Post a join that does not say in which session."""
    body = tester.session().join_body(tester.allowed()[0], [])
    del body["session_hash"]
    tester.check_status(tester.post("queue/join", body), 400)


@case("queue/join/validator", endpoints=("validate",))
def what_a_validator_refuses(tester: Tester) -> None:
    """Join with inputs that the function's validator does not accept, and with some that it does."""
    endpoint = tester.endpoint("validate")
    for data, wrong in (([-1, "x"], [0]), ([1, ""], [1]), ([-1, ""], [0, 1])):
        reply = tester.session().join(endpoint, data)
        tester.check_status(reply, 422)
        tester.check_schema("replies/invalid_inputs", reply.json())
        verdicts: list[Any] = reply.json()["detail"]
        found = [number for number, verdict in enumerate(verdicts) if not verdict["is_valid"]]
        tester.check(found == wrong, f"of {data} the inputs {wrong} are wrong, and the server says {found}")
    job = tester.run("validate", 1, "x")
    tester.check(job.success, f"the validator accepts 1 and 'x', and {job} came to {job.output}")


@case("queue/join/wrong-method", endpoints=("any",), severity="minor")
def other_methods_than_post(tester: Tester) -> None:
    """Ask for ``queue/join`` by GET, PUT and DELETE."""
    for method in ("GET", "PUT", "DELETE"):
        tester.check_status(tester.wire.request(method, tester.wire.target("queue/join")), 405)


def _check_detail(answer: Any, begin: str) -> None:
    detail = object_of(answer).get("detail")
    if not isinstance(detail, str) or not detail.startswith(begin):
        raise Violation(f"the detail of a 503 is to begin with {begin!r}, and is {answer!r}")


# The queue at large


@case("queue/isolation/failed", endpoints=("echo",), severity="critical")
def the_queue_after_jobs_that_fail(tester: Tester) -> None:
    """Run jobs that fail in every way, with too few inputs too, and another one of the same function after each."""
    for role in ("fail", "crash", "gen_fail", "gen_crash"):
        endpoint = tester.find(role)
        if endpoint is not None:
            for _ in range(2):
                session = tester.session()
                session.wait(session.submit(endpoint, "x" if not role.startswith("gen") else 1))
    # The second of these runs one job at a time: the place of one that has failed has to be free again.
    for role, argument in (("echo", "x"), ("slow", 0)):
        endpoint = tester.find(role)
        if endpoint is not None:
            session = tester.session()
            session.wait(session.submit(endpoint))  # without the input that it needs
            session.wait(session.submit(endpoint, argument))
    _check_served(tester, "after jobs that have failed")


@case("queue/isolation/abandoned", endpoints=("slow", "echo"), is_destructive=True, severity="critical")
def the_queue_after_jobs_that_were_left(tester: Tester) -> None:
    """Leave a job that runs and one that waits for it: the next of that function is served."""
    endpoint = tester.endpoint("slow")
    sessions = [tester.session(), tester.session()]
    first = sessions[0].submit(endpoint, 0.3)
    wait_together(sessions[:1], lambda: first.has_started, f"process_starts of {first}")
    second = sessions[1].submit(endpoint, 0.3)
    wait_together(sessions, lambda: bool(second.heard), f"a message of {second}")
    for session in sessions:
        session.hang_up()
    job = tester.run("slow", 0, patience=2 * tester.patience)
    tester.check(job.success, f"{job} was joined after others were left, and came to {job.output}")
    _check_served(tester, "after jobs that were left")


@case("queue/isolation/batch", endpoints=("batch", "echo"), severity="critical")
def the_queue_after_a_batch(tester: Tester) -> None:
    """Run a function that takes batches twice, and another one after it."""
    for word in ("a", "b"):
        session = tester.session()
        session.wait(session.submit(tester.endpoint("batch"), word))
    _check_served(tester, "after a batch")


@case(
    "queue/isolation/own-url",
    endpoints=("file", "slow_gen"),
    is_destructive=True,
    severity="critical",
    seconds=1,
)
def the_server_while_it_fetches_from_itself(tester: Tester) -> None:
    """Send a URL of the server itself in the place of a file: others are served all the same."""
    if tester.protocol == "ws":
        raise Skipped("a file is no URL in this generation")
    other, session = tester.session(), tester.session()
    counting = other.submit(tester.endpoint("slow_gen"), 100, 0.1)
    other.wait_until(lambda: bool(counting.all("process_generating")), f"a value of {counting}")
    url = f"{str(tester.wire.url).rstrip('/')}/config"
    value = {"path": url, "meta": {"_type": "gradio.FileData"}}
    try:
        job = session.submit(tester.endpoint("file"), value)
        wait_together([other, session], lambda: job.is_over or counting.is_over, "end of either job")
    except Violation as violation:
        tester.note(f"the job with the URL: {violation}")  # to refuse it is right, too
    times = [heard.at for heard in counting.heard] + [tester.wire.now()]
    gap = max(after - before for before, after in pairwise(times))
    tester.check(
        gap < PROMPT,
        f"{counting} sends a value every 0.1 s, and was silent for {gap:.1f} s while the server dealt with {url} "
        "as a file",
    )


def _check_served(tester: Tester, when: str) -> None:
    job = tester.run("echo", "still there")
    tester.check(job.values == ["still there"], f"{job}, {when}, came to {job.output}")


@case("queue/order", endpoints=("slow",), seconds=1)
def who_comes_first_is_served_first(tester: Tester) -> None:
    """Have some jobs of one function wait for one another: they start in the order in which they have joined."""
    jobs = waiters(stand_in_line(tester))
    for number, later in enumerate(jobs):
        for earlier in jobs[:number]:
            if started_at(later) < started_at(earlier) - STEP / 2:
                raise Violation(
                    f"{later} has joined {later.joined_at - earlier.joined_at:.2f} s after {earlier}, and was "
                    f"started {started_at(earlier) - started_at(later):.2f} s before it"
                )


@case("queue/served", endpoints=("any",), severity="critical")
def many_jobs_at_once(tester: Tester) -> None:
    """Join a dozen jobs in several sessions: each ends."""
    call = plain_calls(tester)[0]
    data = tester.data_for(call.endpoint, *call.arguments)
    jobs: list[Job] = []
    sessions = [tester.session() for _ in range(12 if tester.asks_for_data else 3)]
    for number in range(12):
        jobs.append(sessions[number % len(sessions)].submit(call.endpoint, *data))
    wait_for_all(jobs, 2 * tester.patience)
    for session in sessions:
        judge_session(session)
