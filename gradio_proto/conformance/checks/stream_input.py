"""Input in chunks: a job that takes more of it while it runs (5.0 and later)."""

from __future__ import annotations

from functools import partial
from typing import Any

from gradio_proto.config import is_list, object_of

from ..model import Violation
from ..registry import case
from ..session import Job, Session
from ..tester import Tester
from ..wire import Reply


def begin(session: Session, role: str, word: str) -> Job:
    """Begin a job that takes chunks, and wait for the value of the first."""
    endpoint = session.tester.endpoint(role)
    job = session.submit(endpoint, *session.tester.data_for(endpoint, word, 0))
    session.wait_until(lambda: bool(job.all("process_streaming")), f"process_streaming of {job}")
    return job


def send(job: Job, word: str, *, event_id: str | None = None) -> Reply:
    """Send a chunk."""
    tester = job.session.tester
    body = job.session.join_body(job.endpoint, tester.data_for(job.endpoint, word, 0))
    return tester.post(f"stream/{event_id or job.event_id}", body)


def finish(job: Job, *, event_id: str | None = None) -> Reply:
    """End the input."""
    return job.session.tester.post(f"stream/{event_id or job.event_id}/close", {})


def texts(job: Job) -> list[Any]:
    """The first value of each ``process_streaming``."""
    found: list[Any] = []
    for heard in job.all("process_streaming"):
        data = object_of(heard.json.get("output")).get("data")
        if not is_list(data) or not data:
            raise Violation(f"a process_streaming has no data: {heard.text[:200]}")
        found.append(data[0])
    return found


def _has_texts(job: Job, count: int) -> bool:
    return len(texts(job)) >= count


@case("input/chunk/accepted", endpoints=("gather",))
def a_chunk_is_accepted(tester: Tester) -> None:
    """Send a chunk to a job that runs: 200 and ``{"msg": "success"}``."""
    job = begin(tester.session(), "gather", "a")
    reply = send(job, "b")
    tester.check_status(reply, 200)
    tester.check(reply.json() == {"msg": "success"}, f"a chunk was answered {reply.text()[:200]!r}")
    finish(job)


@case("input/chunk/answered", endpoints=("gather",), severity="critical")
def every_chunk_has_its_value(tester: Tester) -> None:
    """Send chunks one after the other: each is answered by one whole value, in order."""
    session = tester.session()
    job = begin(session, "gather", "a")
    for count, word in enumerate("bcd", 2):
        tester.check_status(send(job, word), 200)
        session.wait_until(partial(_has_texts, job, count), f"value of chunk {count}")
    tester.check(texts(job) == ["a", "a b", "a b c", "a b c d"], f"the chunks a, b, c, d gave {texts(job)}")
    finish(job)


@case("input/chunk/refused/unknown", endpoints=("gather",))
def a_chunk_for_a_job_that_never_was(tester: Tester) -> None:
    """Send a chunk, and the end of the input, for an event that was never given: 404."""
    session = tester.session()
    nobody = session.adopt(tester.endpoint("gather"), [], "0" * 32)
    nobody.is_abandoned = True
    tester.check_status(send(nobody, "a"), 404)
    tester.check_status(finish(nobody), 404)


@case("input/chunk/refused/ended", endpoints=("gather_briefly",), seconds=2)
def a_chunk_for_a_job_that_has_ended(tester: Tester) -> None:
    """Send a chunk, and the end of the input, for a job whose time is over: 404."""
    session = tester.session()
    job = begin(session, "gather_briefly", "a")
    session.wait(job)
    tester.wire.pause(0.5)  # a server under load sends the last message a moment before it forgets the job
    tester.check_status(send(job, "b"), 404)
    tester.check_status(finish(job), 404)


@case("input/end/completes", endpoints=("gather",))
def the_end_of_the_input_completes_the_job(tester: Tester) -> None:
    """End the input after two chunks: the job is completed with its last value, and soon."""
    session = tester.session()
    job = begin(session, "gather", "a")
    send(job, "b")
    session.wait_until(lambda: len(texts(job)) >= 2, "value of the second chunk")
    tester.check_status(finish(job), 200)
    session.wait(job, patience=tester.patience / 2)
    tester.check(
        job.values[0] == "a b",
        f"the last value of a job was 'a b', and it was completed with {job.values[0]!r}",
    )


@case("input/end/silence", endpoints=("gather_briefly",), seconds=2)
def silence_completes_a_job(tester: Tester) -> None:
    """Send no chunk for the time limit of a job: it is completed."""
    session = tester.session()
    session.wait(begin(session, "gather_briefly", "a"))


@case("input/time-limit", endpoints=("gather_briefly",), seconds=3)
def a_job_ends_at_its_time_limit(tester: Tester) -> None:
    """Send chunk after chunk to a job with a time limit of a second: it is completed all the same."""
    session = tester.session()
    job = begin(session, "gather_briefly", "a")
    deadline = tester.wire.now() + 6
    while not job.is_over and tester.wire.now() < deadline:
        send(job, "b")
        tester.wire.wait(lambda: job.is_over, 0.2)
    tester.check(job.is_over, "a job with a time limit of 1 s still took chunks after 6 s")
