"""Jobs: futures that can be iterated over, cancelled, watched, and waited for in their hundreds."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faulty import FaultyServer, Peer, Seen, within
from world import World

from gradio_proto import Client
from gradio_proto.client import Job
from gradio_proto.client.job import JobCancelled
from gradio_proto.errors import AppError, ClientClosed, ConnectionLost, LimitExceeded
from gradio_proto.errors import JobCancelled as CoreJobCancelled
from gradio_proto.events import Cancelled, Completed, Failed, Log, Output, Progress, Queued, Started
from gradio_proto.limits import Limits
from gradio_proto.status import Status


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with Client(world.server.url) as made:
        yield made


def eventually(true: Callable[[], Any], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def daemons() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gradio_proto"]


# A future.


def test_a_result(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    assert isinstance(job, Job)
    assert isinstance(job, concurrent.futures.Future)
    assert job.result(5) == "x"
    assert job.exception() is None
    assert (job.done(), job.running(), job.cancelled()) == (True, False, False)
    assert job.event_id is not None
    assert job.session_hash == client.session_hash
    assert repr(job) == f"<Job /echo FINISHED event_id={job.event_id}>"


def test_a_failure(client: Client) -> None:
    job = client.submit("no", api_name="/fail")
    with pytest.raises(AppError, match="no") as caught:
        job.result(5)
    assert job.exception(5) is caught.value
    assert caught.value.event_id == job.event_id
    assert (job.done(), job.cancelled()) == (True, False)


def test_a_result_that_takes_too_long(client: Client, world: World) -> None:
    job = client.submit("x", api_name="/wait")
    assert (job.done(), job.running()) == (False, True)
    began = time.monotonic()
    for wait in (job.result, job.exception):
        with pytest.raises(concurrent.futures.TimeoutError, match=r"within 0\.05 s"):
            wait(0.05)
    with pytest.raises(concurrent.futures.TimeoutError):
        job.result(0)
    assert time.monotonic() - began < 1
    world.go.set()
    assert job.result() == "x"


def test_waiting_for_several(client: Client, world: World) -> None:
    slow = [client.submit(str(number), api_name="/wait") for number in range(3)]
    quick = [client.submit(str(number), api_name="/echo") for number in range(3)]
    done, pending = concurrent.futures.wait([*slow, *quick], timeout=0.5)
    assert (done, pending) == ({*quick}, {*slow})
    done, _ = concurrent.futures.wait([*slow, *quick], return_when=concurrent.futures.FIRST_COMPLETED)
    assert done >= {quick[0]}
    world.go.set()
    assert {job.result() for job in concurrent.futures.as_completed(slow, timeout=5)} == {"0", "1", "2"}


def test_asyncio(client: Client, world: World) -> None:
    async def main() -> None:
        results = await asyncio.gather(
            *[asyncio.wrap_future(client.submit(str(number), api_name="/echo")) for number in range(5)]
        )
        assert results == ["0", "1", "2", "3", "4"]
        with pytest.raises(AppError):
            await asyncio.wrap_future(client.submit("x", api_name="/fail"))
        generator = client.submit(api_name="/paced")
        wrapped = asyncio.wrap_future(generator)
        await asyncio.to_thread(next, iter(generator))
        assert generator.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        left = asyncio.wrap_future(client.submit("x", api_name="/wait"))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(client.close)
        with pytest.raises(ClientClosed):
            await asyncio.wait_for(left, 5)

    asyncio.run(main())


def test_callbacks(client: Client, world: World, caplog: pytest.LogCaptureFixture) -> None:
    called: list[tuple[str, Any]] = []
    job = client.submit("x", api_name="/wait")

    def failing(job: Job) -> None:
        raise ZeroDivisionError

    def leaving(job: Job) -> None:
        raise SystemExit

    def calling(job: Job) -> None:
        called.append((threading.current_thread().name, client.predict(job.result(), api_name="/pair")))
        called.append(("submitted", client.submit("y", api_name="/echo").result(5)))

    job.add_done_callback(failing)
    job.add_done_callback(leaving)
    job.add_done_callback(calling)
    with caplog.at_level(logging.ERROR, "gradio_proto"):
        world.go.set()
        eventually(lambda: len(called) == 2)
    assert called == [("gradio_proto callbacks", ("x", "xx")), ("submitted", "y")]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ZeroDivisionError,
        SystemExit,
    ]
    assert client.submit("z", api_name="/echo").result(5) == "z"
    job.add_done_callback(lambda job: called.append(("at once", threading.current_thread())))
    assert called[-1] == ("at once", threading.current_thread())


def test_result_callbacks(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    called: list[Any] = []

    def both(*values: str) -> None:
        called.append(values)

    def second(_: str, b: str) -> None:
        called.append(b)

    callbacks: list[Callable[..., None]] = [both, second]
    client.submit("x", api_name="/pair", result_callbacks=callbacks).result(5)
    eventually(lambda: len(called) == 2)
    assert called == [("x", "xx"), "xx"]
    client.submit("x", api_name="/echo", result_callbacks=called.append)
    eventually(lambda: called[-1] == "x")
    failed = client.submit("x", api_name="/fail", result_callbacks=called.append)
    failed.exception(5)
    after = threading.Event()
    failed.add_done_callback(lambda _: after.set())
    assert after.wait(5)
    client.submit("end", api_name="/echo", result_callbacks=called.append)
    eventually(lambda: called[-1] == "end")
    assert len(called) == 4
    assert caplog.records == []


def test_callbacks_are_called_though_the_client_is_closed(world: World) -> None:
    called: list[Any] = []
    with Client(world.server.url) as client:
        jobs = [client.submit(str(number), api_name="/echo") for number in range(20)]
        for job in jobs:
            job.add_done_callback(lambda job: called.append(job.result()))
        concurrent.futures.wait(jobs)
        left = client.submit("x", api_name="/wait")
        left.add_done_callback(lambda job: called.append(type(job.exception())))
    assert len(called) == 21  # closing waits for them
    assert called[-1] is ClientClosed
    assert daemons() == []


def test_a_callback_for_which_there_is_no_thread(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(client._engine.transport, "defer", no_thread)
    job = client.submit("x", api_name="/echo")
    job.add_done_callback(print)
    assert job.result(5) == "x"
    assert "cannot be called" in caplog.text


def test_closing_from_a_callback(world: World) -> None:
    client = Client(world.server.url)
    closed = threading.Event()

    def close(_: Job) -> None:
        client.close()
        closed.set()

    others = [client.submit("x", api_name="/wait") for _ in range(3)]
    client.submit("x", api_name="/echo").add_done_callback(close)
    assert closed.wait(5)
    for other in others:
        assert isinstance(other.exception(5), ClientClosed)
    eventually(lambda: daemons() == [])


# Outputs and events.


def test_outputs_as_they_come(client: Client, world: World) -> None:
    job = client.submit(api_name="/paced")
    outputs = iter(job)
    assert next(outputs) == "a"
    assert job.outputs() == ["a"]
    assert not job.done()
    world.go.set()
    assert next(outputs) == "ab"
    with pytest.raises(StopIteration):
        next(outputs)
    with pytest.raises(StopIteration):
        next(outputs)
    assert list(job) == ["a", "ab"] == job.outputs()
    assert job.result() == "ab"


def test_a_value_is_handed_out_without_delay(client: Client) -> None:
    began = time.monotonic()
    assert list(client.submit(200, api_name="/count")) == [*range(200)]
    assert time.monotonic() - began < 2


def test_outputs_of_a_plain_function(client: Client, world: World) -> None:
    job = client.submit("x", api_name="/wait")
    assert job.outputs() == []
    world.go.set()
    assert list(job) == ["x"]
    assert job.outputs() == ["x"]


def test_an_empty_generator(client: Client) -> None:
    job = client.submit(0, api_name="/count")
    assert job.result(5) is None
    assert list(job) == [None]  # what the server sends at its end


def test_outputs_are_ones_own(client: Client) -> None:
    job = client.submit(api_name="/nested")
    for value in job:
        value["items"].clear()
    assert job.outputs() == [{"items": [0]}, {"items": [0, 1]}, {"items": [0, 1, 2]}]


def test_iterating_over_a_failed_job_raises(client: Client) -> None:
    job = client.submit(2, api_name="/late_failure")
    for _ in range(2):
        outputs = iter(job)
        assert [next(outputs), next(outputs)] == [0, 1]
        with pytest.raises(AppError, match="too far"):
            next(outputs)
    assert job.outputs() == [0, 1]
    with pytest.raises(AppError):
        list(client.submit("x", api_name="/fail"))


def test_many_readers_of_one_job(client: Client) -> None:
    job = client.submit(100, api_name="/count")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        results = list(pool.map(list[Any], [job] * 5))
    assert results == [[*range(100)]] * 5


def test_events(client: Client) -> None:
    events = list(client.submit(api_name="/report").events())
    assert [type(event) for event in events] == [Queued, Started, Log, Progress, Output, Completed]
    log, progress = events[2], events[3]
    assert isinstance(log, Log)
    assert (log.text, log.level) == ("hello", "info")
    assert isinstance(progress, Progress)
    assert (progress.units[0].index, progress.units[0].length, progress.units[0].desc) == (1, 2, "half")
    events = list(client.submit(2, api_name="/late_failure").events())
    assert [type(event) for event in events[-3:]] == [Output, Output, Failed]


def test_status(client: Client, world: World) -> None:
    running = client.submit("x", api_name="/single")
    eventually(lambda: running.status().code is Status.PROCESSING)
    waiting = [client.submit("x", api_name="/single") for _ in range(2)]
    eventually(lambda: [job.status().rank for job in waiting] == [0, 1])
    status = waiting[1].status()
    assert (status.code, status.queue_size, status.success) == (Status.IN_QUEUE, 2, None)
    assert status.time is not None
    world.go.set()
    for job in (running, *waiting):
        job.result(5)
        status = job.status()
        assert (status.code, status.rank, status.success, status.eta) == (Status.FINISHED, 0, True, None)
    failed = client.submit("x", api_name="/fail")
    failed.exception(5)
    assert failed.status().success is False
    reported = client.submit(api_name="/report")
    reported.result(5)
    assert reported.status().log == ("hello", "info")


def test_a_job_that_nobody_reads_is_bounded(world: World) -> None:
    limits = Limits(job_unread_bytes=20_000)
    with Client(world.server.url, limits=limits) as client:
        job = client.submit(1000, api_name="/count")
        with pytest.raises(LimitExceeded, match="job_unread_bytes"):
            job.result(10)
        assert client.predict("x", api_name="/echo") == "x"


# Cancelling.


def test_cancelling_a_queued_job(client: Client, world: World) -> None:
    running = client.submit("first", api_name="/single")
    eventually(lambda: running.status().code is Status.PROCESSING)
    queued = client.submit("second", api_name="/single")
    eventually(lambda: queued.status().code is Status.IN_QUEUE)
    assert queued.cancel()
    assert queued.cancel_report is not None
    assert not queued.cancel_report.server_told  # it would end the running one as well
    assert (queued.cancelled(), queued.done(), queued.running()) == (True, True, False)
    for error in (JobCancelled, concurrent.futures.CancelledError, CoreJobCancelled):
        with pytest.raises(error):
            queued.result()
    assert list(queued) == []
    assert list(queued.events())[-1] == Cancelled(by_server=False)
    assert queued.status().code is Status.CANCELLED
    world.go.set()
    assert running.result(5) == "first"


def test_cancelling_a_generator(client: Client, world: World) -> None:
    job = client.submit(api_name="/paced")
    assert next(iter(job)) == "a"
    assert job.cancel()
    assert job.cancel_report is not None
    assert job.cancel_report.server_told
    world.go.set()
    assert world.closed.wait(5)
    assert not job.cancel()
    assert client.predict("x", api_name="/echo") == "x"


def test_cancelling_a_function_that_runs(client: Client, world: World) -> None:
    job, other = client.submit("x", api_name="/wait"), client.submit("y", api_name="/wait")
    for _ in range(2):
        world.started.acquire(timeout=5)
    eventually(lambda: other.status().code is Status.PROCESSING and job.status().code is Status.PROCESSING)
    assert not job.cancel()
    assert not job.done()
    assert other.cancel(force=True)
    assert other.cancelled()
    world.go.set()
    assert job.result(5) == "x"


def test_cancelling_before_the_join_is_answered() -> None:
    answer = threading.Event()

    def join(peer: Peer, _: Seen) -> None:
        answer.wait(5)
        peer.json({"event_id": "e1"})

    def cancel(peer: Peer, _: Seen) -> None:
        peer.json({"success": True})

    with FaultyServer({"queue/join": join, "cancel": cancel}) as server, Client(server.url) as client:
        job = client.submit("x")
        eventually(lambda: server.seen("queue/join"))
        assert job.cancel()
        assert job.cancel_report is not None
        assert not job.cancel_report.server_told
        answer.set()
        eventually(lambda: server.seen("cancel"))
        assert b"e1" in server.seen("cancel")[0].body


def test_cancelling_a_job_that_is_over(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    job.result(5)
    assert not job.cancel()
    client.close()
    assert not job.cancel()
    assert job.cancel_report is not None
    assert "ended already" in job.cancel_report.reason
    assert job.result() == "x"
    assert job.outputs() == ["x"]
    assert job.status().success


def test_cancelling_while_others_wait(client: Client, world: World) -> None:
    job = client.submit(api_name="/paced")
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        errors = [pool.submit(job.exception, 10) for _ in range(3)]
        ends = [pool.submit(lambda: [*job.events()][-1]) for _ in range(3)]
        outputs = [pool.submit(lambda: [*job]) for _ in range(3)]
        eventually(lambda: job.status().code is Status.ITERATING)
        assert job.cancel()
        assert {type(error.result()) for error in errors} == {JobCancelled}
        assert [end.result() for end in ends] == [Cancelled(by_server=False)] * 3
        assert [output.result() for output in outputs] == [["a"]] * 3
    assert client.predict("x", api_name="/echo") == "x"


def test_cancelling_from_a_callback(client: Client, world: World) -> None:
    job = client.submit(api_name="/paced")
    assert next(iter(job)) == "a"
    seen: list[tuple[bool, bool]] = []
    client.submit("x", api_name="/echo").add_done_callback(
        lambda ended: seen.append((job.cancel(), ended.cancel()))
    )
    eventually(lambda: seen)
    assert seen == [(True, False)]
    assert job.cancelled()
    world.go.set()
    assert world.closed.wait(5)


def test_cancelled_by_the_server(client: Client, world: World) -> None:
    """As when the app's own page cancels what runs in this session."""
    job = client.submit(api_name="/paced")
    assert next(iter(job)) == "a"
    (fn_index,) = (
        dependency["id"]
        for dependency in client.config["dependencies"]
        if dependency["api_name"].strip("/") == "paced"
    )
    body = {"event_id": job.event_id, "session_hash": job.session_hash, "fn_index": fn_index}
    request = urllib.request.Request(
        f"{world.server.url}/gradio_api/cancel",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()
    with pytest.raises(JobCancelled):
        job.result(5)
    assert list(job.events())[-1] == Cancelled(by_server=True)
    with pytest.raises(JobCancelled):
        list(job)
    assert not job.cancel()
    assert client.predict("x", api_name="/echo") == "x"


def test_a_cancelled_job_is_stopped_when_it_starts_on_a_server_that_keeps_it_in_its_queue() -> None:
    with World("4.44.1") as world, Client(world.server.url) as client, Client(world.server.url) as other:
        busy = other.submit("busy", api_name="/single")
        eventually(lambda: busy.status().code is Status.PROCESSING)
        queued = client.submit("queued", api_name="/single")
        sibling = client.submit("sibling", api_name="/wait")
        eventually(lambda: queued.status().rank is not None)
        assert queued.cancel()
        assert queued.cancel_report is not None
        assert not queued.cancel_report.server_told
        assert "stopped when it starts" in queued.cancel_report.reason
        world.go.set()
        assert (busy.result(5), sibling.result(5)) == ("busy", "sibling")
        assert client.predict("x", api_name="/single") == "x"


def test_cancelling_from_many_threads(client: Client, world: World) -> None:
    jobs = [client.submit(api_name="/paced") for _ in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert all(pool.map(Job.cancel, jobs))
    assert client.predict("x", api_name="/echo") == "x"


# Many.


def test_a_hundred_jobs_that_wait(world: World) -> None:
    before = {*threading.enumerate()}
    with Client(world.server.url) as client:
        jobs = [client.submit(str(number), api_name="/single") for number in range(100)]
        eventually(lambda: all(job.event_id for job in jobs))
        time.sleep(0.1)
        ours = [thread for thread in {*threading.enumerate()} - before if "worker" not in thread.name]
        assert len(ours) <= 1  # and the one that submitted
        used = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - used < 0.05
        world.go.set()
        assert [job.result(10) for job in jobs] == [str(number) for number in range(100)]
    assert daemons() == []


def test_closing_with_two_hundred_open_jobs(world: World) -> None:
    client = Client(world.server.url)
    jobs = [client.submit(str(number), api_name="/single") for number in range(200)]
    errors: list[BaseException | None] = []

    def wait(job: Job) -> None:
        errors.append(job.exception())

    threads = [threading.Thread(target=wait, args=(job,), daemon=True) for job in jobs[:20]]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 1
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert [type(error) for error in errors] == [ClientClosed] * 20
    assert {type(job.exception(0)) for job in jobs} == {ClientClosed}
    assert str(jobs[0].exception(0)).startswith("the client was closed (endpoint /single, event ")
    assert daemons() == []


def test_a_lost_server_ends_every_job(world: World) -> None:
    with Client(world.server.url) as client:
        jobs = [client.submit(str(number), api_name="/wait") for number in range(10)]
        eventually(lambda: all(job.event_id for job in jobs))
        world.go.clear()
        threading.Thread(target=world.server.close, daemon=True).start()
        for job in jobs:
            error = job.exception(5)
            assert isinstance(error, ConnectionLost)
            assert error.phase in ("stream_lost", "accepted")
        world.go.set()


@pytest.mark.parametrize("version", ["4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"])
def test_generations_of_the_protocol(version: str) -> None:
    with World(version) as world, Client(world.server.url) as client:
        assert client.app_version == version
        jobs = [client.submit(api_name="/nested") for _ in range(3)]
        for job in jobs:
            assert list(job) == [{"items": [0]}, {"items": [0, 1]}, {"items": [0, 1, 2]}]
        with pytest.raises(AppError, match=r"^too far"):
            list(client.submit(2, api_name="/late_failure"))
        assert client.predict("x", api_name="/echo") == "x"
        world.go.set()
        assert [client.submit(str(n), api_name="/single").result(5) for n in range(5)] == [*"01234"]
