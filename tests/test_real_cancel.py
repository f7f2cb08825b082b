"""Cancelling on real servers: what stops, what goes on, and who must not notice."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from crowd import Planned, crowd
from faulty import within
from servers.running import number
from ticking import LONG, Ticking, eventually

from gradio_proto import Client
from gradio_proto.client.job import Job
from gradio_proto.errors import JobCancelled
from gradio_proto.events import Cancelled, Output
from gradio_proto.flows import calls
from gradio_proto.flows.state import ClientState
from gradio_proto.status import Status


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


@pytest.fixture
def other(url: str) -> Iterator[Client]:
    """Another client: another session."""
    with Client(url) as made:
        yield made


@pytest.fixture
def stateless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test app keeps State; here nobody minds if it is lost."""
    monkeypatch.setattr(ClientState, "has_state", False)


def is_running(job: Job) -> bool:
    return job.status().code in (Status.PROCESSING, Status.ITERATING)


def is_queued(job: Job) -> bool:
    return job.status().code is Status.IN_QUEUE and job.status().rank is not None


class Runs(Ticking):
    """Runs that a client of these tests begins."""

    def submit(self, name: str, steps: int = LONG, *, on: Client, alone: bool = False) -> Job:
        return on.submit(self.name + name, steps, api_name="/tick_alone" if alone else "/tick")


@pytest.fixture
def runs(url: str) -> Iterator[Runs]:
    with Client(url) as client:
        yield Runs(client)


def reason(job: Job) -> str:
    assert job.cancel_report is not None
    return job.cancel_report.reason


def was_told(job: Job) -> bool:
    assert job.cancel_report is not None
    return job.cancel_report.server_told


def works(client: Client) -> None:
    assert client.predict("x", api_name="/echo") == "x"
    assert list(client.submit(3, api_name="/count")) == [0, 1, 2]


def keep_busy(client: Client, runs: Runs) -> list[Job]:
    """Take both of the places in which ``/tick`` runs."""
    jobs = [runs.submit(f"busy {place}", on=client) for place in range(2)]
    for job in jobs:
        eventually(partial(is_running, job))
    return jobs


# One job.


def test_a_generator_stops(client: Client, runs: Runs, server_version: str) -> None:
    job = runs.submit("a", on=client)
    assert next(iter(job)) == 0
    began = time.monotonic()
    assert job.cancel()
    assert time.monotonic() - began < 2
    assert was_told(job), reason(job)
    assert ("event" in reason(job)) is (server_version == "4.13.0")
    with pytest.raises(JobCancelled):
        job.result(0)
    outputs = [event.value for event in job.events() if isinstance(event, Output)]
    assert outputs == [*range(len(outputs))]
    assert list(job) == outputs
    assert list(job.events())[-1] == Cancelled(by_server=False)
    runs.stops("a")
    assert not job.cancel()
    works(client)


def test_state_survives(client: Client, runs: Runs) -> None:
    assert client.predict("a b", api_name="/state") == 2
    job = runs.submit("a", on=client)
    assert next(iter(job)) == 0
    assert job.cancel()
    assert was_told(job)
    assert client.predict("c", api_name="/state") == 3
    runs.stops("a")


@pytest.mark.real("4.13.0")
def test_a_generator_that_no_event_cancels(client: Client, runs: Runs) -> None:
    job = runs.submit("a", 40, on=client, alone=True)
    assert next(iter(job)) == 0
    assert job.cancel()
    assert not was_told(job)
    assert "no event that cancels" in reason(job)
    works(client)
    eventually(lambda: runs.steps("a") == 40)
    works(client)


@pytest.mark.real("4.13.0")
@pytest.mark.usefixtures("stateless")
def test_a_generator_that_no_event_cancels_stops_with_its_session(client: Client, runs: Runs) -> None:
    job = runs.submit("a", on=client, alone=True)
    assert next(iter(job)) == 0
    assert job.cancel()
    assert was_told(job)
    assert "stream was closed" in reason(job)
    assert client.session_hash != job.session_hash
    works(client)
    runs.stops("a")


def test_a_queued_job(client: Client, other: Client, runs: Runs, server_version: str) -> None:
    """Where the server cannot take it out of its queue, it is stopped as soon as it starts."""
    busy = keep_busy(other, runs)
    job = runs.submit("a", on=client)
    eventually(lambda: is_queued(job))
    assert job.cancel()
    assert was_told(job) is (number(server_version) >= (6, 14)), reason(job)
    assert was_told(job) or "takes no job out of its queue" in reason(job)
    works(client)
    for each in busy:
        assert each.cancel()
    assert runs.submit("b", 3, on=other).result(10) == 2
    runs.stops("a")
    assert (runs.steps("a") == 0) is was_told(job)
    works(client)


@pytest.mark.usefixtures("stateless")
def test_a_queued_job_alone_in_its_session(
    client: Client, other: Client, runs: Runs, server_version: str
) -> None:
    busy = keep_busy(other, runs)
    job = runs.submit("a", 5, on=client)
    eventually(lambda: is_queued(job))
    assert job.cancel()
    assert was_told(job), reason(job)
    assert ("stream was closed" in reason(job)) is (number(server_version) < (6, 14))
    works(client)
    for each in busy:
        each.cancel()
    assert runs.submit("b", 3, on=client).result(10) == 2  # behind which it would have run
    assert runs.steps("a") == 0


def test_a_function_that_runs(client: Client) -> None:
    job = client.submit(0.5, api_name="/slow")
    eventually(lambda: is_running(job))
    assert not job.cancel()
    assert "force=True" in reason(job)
    assert job.result(10) == "slept 0.5"
    assert not job.cancel(force=True)
    assert not job.cancelled()
    assert "ended already" in reason(job)


def test_a_function_that_runs_is_given_up(client: Client) -> None:
    """It cannot be interrupted, but the one place of ``/slow`` is free again long before it ends."""
    job = client.submit(4, api_name="/slow")
    eventually(lambda: is_running(job))
    began = time.monotonic()
    assert job.cancel(force=True)
    assert was_told(job), reason(job)
    assert client.predict(0.1, api_name="/slow") == "slept 0.1"
    assert time.monotonic() - began < 3
    works(client)


def test_before_the_join_is_answered(client: Client, runs: Runs) -> None:
    """Whatever the server makes of it, nothing that is cancelled so runs for long."""
    for place in range(8):
        job = runs.submit(f"{place}", on=client)
        assert job.cancel()
        assert job.cancelled()
        works(client)
    for place in range(8):
        runs.stops(f"{place}")
    assert runs.submit("last", 3, on=client).result(20) == 2


@pytest.mark.real("6.31.0", "5.49.1", "4.44.1")  # before, nobody is told
def test_by_the_server(client: Client, url: str) -> None:
    job = client.submit(LONG, 0.02, api_name="/slow_gen")
    assert next(iter(job)) == 0
    by_hand(client, url, job)
    with pytest.raises(JobCancelled):
        job.result(10)
    assert list(job.events())[-1] == Cancelled(by_server=True)
    with pytest.raises(JobCancelled):
        list(job)
    assert not job.cancel()
    works(client)


def by_hand(client: Client, url: str, job: Job) -> None:
    """Cancel a job as another program would that knows its session."""
    (fn_index,) = (
        dependency.get("id", position)
        for position, dependency in enumerate(client.config["dependencies"])
        if dependency["api_name"] == job._job.label[1:]
    )
    body = {"event_id": job.event_id, "session_hash": job.session_hash, "fn_index": fn_index}
    request = urllib.request.Request(
        f"{url}{client.config.get('api_prefix', '')}/cancel",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert json.load(response) == {"success": True}


# Its siblings.


def test_beside_the_same_function(client: Client, runs: Runs) -> None:
    job, sibling = runs.submit("a", on=client), runs.submit("b", 50, on=client)
    eventually(lambda: is_running(job) and is_running(sibling))
    assert job.cancel()
    assert not was_told(job)
    assert list(sibling) == [*range(50)]
    assert runs.steps("a") > 20
    last = runs.submit("c", on=client)
    assert next(iter(last)) == 0
    assert last.cancel()
    assert was_told(last)
    runs.stops("a")  # which the server ends with it
    works(client)


@pytest.mark.real("6.31.0")  # before, what waits runs in its turn all the same
def test_all_of_one_function_and_what_waits_comes_last(
    client: Client, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To take it out of the queue ends those that run, and it must not take their place."""
    # A server on a busy machine may need more than two seconds to answer.
    monkeypatch.setattr(calls, "TELL_SECONDS", 20.0)
    for turn in range(4):
        busy = [runs.submit(f"{turn} {place}", on=client) for place in "ab"]
        for job in busy:
            eventually(partial(is_running, job))
        waits = runs.submit(f"{turn} c", on=client)
        eventually(partial(is_queued, waits))
        for job in (*busy, waits):
            assert job.cancel()
        assert [was_told(job) for job in (*busy, waits)] == [False, False, True], reason(waits)
        for place in "abc":
            runs.stops(f"{turn} {place}")
    works(client)


def test_beside_another_function(client: Client, runs: Runs) -> None:
    sibling, queued = client.submit(0.6, api_name="/slow"), client.submit(0.1, api_name="/slow")
    counting = client.submit(40, api_name="/count")
    job = runs.submit("a", on=client)
    eventually(lambda: is_running(sibling) or is_running(queued))
    assert next(iter(job)) == 0
    assert job.cancel()
    assert was_told(job), reason(job)
    runs.stops("a")
    assert (sibling.result(10), queued.result(10)) == ("slept 0.6", "slept 0.1")
    assert list(counting) == [*range(40)]
    works(client)


@pytest.mark.real("4.13.0")
def test_an_event_that_would_cancel_another_job_too(client: Client) -> None:
    sibling = client.submit(0.5, api_name="/slow")
    job = client.submit(20, 0.02, api_name="/slow_gen")
    assert next(iter(job)) == 0
    assert job.cancel()
    assert not was_told(job)
    assert "would end another job" in reason(job)
    assert sibling.result(10) == "slept 0.5"
    works(client)


@pytest.mark.real("4.44.1", "5.49.1", "6.31.0")
def test_a_job_that_completes_twice(client: Client, other: Client, runs: Runs, url: str) -> None:
    """4.44 breaks off the stream on the second completion; the siblings on it miss nothing."""
    busy = keep_busy(other, runs)
    job, sibling = runs.submit("a", 5, on=client), client.submit(80, api_name="/count")
    eventually(lambda: is_queued(job))
    by_hand(client, url, job)
    assert isinstance(job.exception(10), JobCancelled)
    for each in busy:
        each.cancel()
    assert list(sibling) == [*range(80)]
    works(client)


# Who waits.


def test_while_others_wait(client: Client, runs: Runs) -> None:
    job = runs.submit("a", on=client)
    assert next(iter(job)) == 0
    with ThreadPoolExecutor(6) as pool:
        errors = [pool.submit(job.exception, 20) for _ in range(3)]
        ends = [pool.submit(lambda: [*job.events()][-1]) for _ in range(3)]
        time.sleep(0.1)
        assert job.cancel()
        for error in errors:
            assert isinstance(error.result(), JobCancelled)
        for end in ends:
            assert end.result() == Cancelled(by_server=False)
    runs.stops("a")


def test_from_a_callback(client: Client, runs: Runs) -> None:
    job = runs.submit("a", on=client)
    assert next(iter(job)) == 0
    seen: list[tuple[bool, bool]] = []
    done = threading.Event()

    def callback(ended: Job) -> None:
        seen.append((job.cancel(), ended.cancel()))
        done.set()

    client.submit("x", api_name="/echo").add_done_callback(callback)
    assert done.wait(10)
    assert seen == [(True, False)]
    assert was_told(job)
    runs.stops("a")


# Many.


def play(plans: list[Planned[Client]], runs: Runs) -> None:
    """Submit and cancel in the order and at the times of the plan; the first ``/tick`` runs before it is cancelled."""
    first_tick = min((plan for plan in plans if plan.api_name == "/tick"), key=lambda plan: plan.at)
    moments: list[tuple[float, int, bool]] = []
    for index, plan in enumerate(plans):
        moments.append((plan.at, index, False))
        if plan.cancelled_after is not None:
            moments.append((plan.at + plan.cancelled_after, index, True))
    began = time.monotonic()
    for moment, index, is_cancel in sorted(moments):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        plan = plans[index]
        if is_cancel:
            assert plan.job is not None
            if plan is first_tick:  # on a busy machine all others may wait for so long
                eventually(lambda job=plan.job: is_running(job) or job.done())
            plan.job.cancel(force=index % 2 == 0)
            if plan.api_name == "/tick" and plan.job.cancelled() and was_told(plan.job):
                plan.steps_when_told = runs.steps_of(plan.arguments[0])
        else:
            plan.job = plan.client.submit(*plan.arguments, api_name=plan.api_name)


@pytest.mark.parametrize("sessions", [1, 12])
def test_a_crowd(sessions: int, url: str, runs: Runs) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(url)) for _ in range(sessions)]
        plans = crowd(clients, runs.name)
        play(plans, runs)
        cancelled = 0
        for plan in plans:
            job = plan.job
            assert job is not None
            error = job.exception(20)
            if error is None:
                assert job.result() == plan.value
                assert list(job) == plan.outputs
            else:
                assert isinstance(error, JobCancelled), error
                assert plan.cancelled_after is not None
                assert list(job.events())[-1] == Cancelled(by_server=False)
                assert list(job) == plan.outputs[: len(list(job))]
                cancelled += 1
        assert cancelled >= 5
        for plan in plans:
            if plan.steps_when_told is not None:
                # Its thread may have been in the middle of one more.
                assert runs.steps_of(plan.arguments[0]) <= plan.steps_when_told + 1
        if sessions > 1:  # in one session there is nearly always a sibling
            stopped_early = [
                plan
                for plan in plans
                if plan.steps_when_told is not None and plan.steps_when_told + 1 < plan.arguments[1]
            ]
            assert stopped_early
        for client in clients[:3]:
            works(client)
        with Client(url) as fresh:
            works(fresh)
            assert fresh.predict(0.01, api_name="/slow") == "slept 0.01"
