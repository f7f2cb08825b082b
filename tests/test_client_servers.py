"""The client and servers that flood, stall and leave things out: whoever waits comes back, in time."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator

import pytest
from faulty import FaultyServer, Handler, Peer, Seen, Watched, within

from gradio_proto import Client, Timeouts
from gradio_proto.errors import ClientClosed, DeadlineExceeded, GradioError
from gradio_proto.flows.state import JOINS_AT_ONCE
from gradio_proto.testing import TestApp, serve


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@contextlib.contextmanager
def at_most(seconds: float) -> Generator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def eventually(true: Callable[[], object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


# Floods.


def flood(text: bytes) -> Handler:
    def data(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        while True:
            peer.chunk(text)

    return data


def message(msg: str, **fields: object) -> bytes:
    return b"data: " + json.dumps({"msg": msg, **fields}).encode() + b"\n\n"


def early_hints(peer: Peer, _: Seen) -> None:
    while True:
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" * 200)


FLOODS: dict[str, Handler] = {
    "comments": flood(b": nothing\n\n" * 2000),
    "heartbeats": flood(message("heartbeat") * 500),
    "unknown jobs": flood(message("process_generating", event_id="who", success=True, output={}) * 500),
    "early hints": early_hints,
    "its own progress": flood(message("progress", event_id="e1", progress_data=[]) * 200),
    "its own outputs": flood(
        message("process_generating", event_id="e1", success=True, output={"data": ["x"]}) * 200
    ),
}


@pytest.fixture(params=FLOODS)
def flooding(request: pytest.FixtureRequest) -> Iterator[FaultyServer]:
    with FaultyServer({"queue/data": FLOODS[request.param]}) as server:
        yield server


def test_a_flood_does_not_hold_up_a_deadline(flooding: FaultyServer) -> None:
    # Some of the floods are more than a limit allows; that may come first.
    with Client(flooding.url, timeouts=Timeouts(total=1)) as client, at_most(4), pytest.raises(GradioError):
        client.predict("x")


def test_a_flood_does_not_hold_up_other_threads(flooding: FaultyServer) -> None:
    with Client(flooding.url) as client:
        job = client.submit("x")
        with at_most(3), contextlib.suppress(GradioError), pytest.raises(concurrent.futures.TimeoutError):
            job.result(timeout=0.5)
        asked: list[float] = []

        def ask() -> None:
            for _ in range(5):
                began = time.monotonic()
                job.status()
                asked.append(time.monotonic() - began)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(5)
        assert len(asked) == 5
        assert max(asked) < 1
        with at_most(2):
            client.close()
        assert isinstance(job.exception(0), GradioError)


def test_a_flood_ends_when_the_client_is_closed_from_another_thread() -> None:
    with FaultyServer({"queue/data": FLOODS["heartbeats"]}) as server:
        client = Client(server.url)
        threading.Timer(0.3, client.close).start()
        with at_most(3), pytest.raises(ClientClosed):
            client.predict("x")


# What a server leaves out.


@pytest.mark.parametrize("closes", [True, False])
def test_a_server_that_leaves_out_the_final_chunk(closes: bool) -> None:
    def data(peer: Peer, _: Seen) -> None:
        event_id = f"e{server.jobs}"
        peer.begin_stream()
        peer.message("process_starts", event_id=event_id, eta=None)
        peer.complete(event_id, "ok")
        peer.message("close_stream", event_id=None)
        if closes:
            peer.close()
        else:
            peer.wait_for_end()

    with FaultyServer({"queue/data": data}) as server, Client(server.url) as client, at_most(5):
        assert [client.predict("x") for _ in range(10)] == ["ok"] * 10


@pytest.mark.parametrize("ends", [False, True])
def test_a_server_that_has_a_word_after_the_last(ends: bool) -> None:
    def data(peer: Peer, _: Seen) -> None:
        event_id = f"e{server.jobs}"
        peer.begin_stream()
        peer.complete(event_id, "ok")
        peer.message("unexpected_error", event_id=None, message="too late", success=False)
        if ends:
            peer.chunk(b"")
        else:
            peer.wait_for_end()

    with FaultyServer({"queue/data": data}) as server, Client(server.url) as client, at_most(5):
        assert [client.predict("x") for _ in range(10)] == ["ok"] * 10


# Deadlines.


def silent(peer: Peer, _: Seen) -> None:
    peer.wait_for_end()


def open_and_silent(peer: Peer, _: Seen) -> None:
    peer.begin_stream()
    peer.message("process_starts", event_id="e1", eta=None)
    peer.wait_for_end()


@pytest.mark.parametrize(
    "handlers",
    [
        {"queue/data": open_and_silent, "cancel": silent},
        {"queue/data": silent},
        {"queue/data": silent, "cancel": silent},
        {"queue/join": silent},
    ],
    ids=["no answer to cancel", "no head of the stream", "neither", "no answer to the join"],
)
def test_total_bounds_a_call_whatever_is_not_answered(handlers: dict[str, Handler]) -> None:
    with FaultyServer(handlers) as server, Client(server.url, timeouts=Timeouts(total=0.5)) as client:
        with at_most(3), pytest.raises(DeadlineExceeded) as caught:
            client.predict("x")
        assert caught.value.kind == "total"
        assert not caught.value.retryable
        with at_most(3):
            assert isinstance(client.submit("x").exception(5), DeadlineExceeded)


def test_total_bounds_a_call_that_the_server_does_not_take_out_of_its_queue() -> None:
    go = threading.Event()
    app = TestApp(version="4.44.1")

    @app.endpoint("/wait")
    def wait(x: str) -> str:
        go.wait(10)
        return x

    with (
        serve(app) as url,
        Client(url) as busy,
        Client(url, timeouts=Timeouts(total=1.0)) as client,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        first = busy.submit("a")
        eventually(lambda: first.status().code.value == "PROCESSING")
        predicting = pool.submit(client.predict, "b")
        time.sleep(0.5)
        session = client.submit("c")._live.session  # for its sake the server cannot be told
        assert isinstance(predicting.exception(3), DeadlineExceeded)
        assert any(job.is_orphan for job in session.jobs.values())
        go.set()
        assert first.result(5) == "a"
        eventually(lambda: not session.jobs)  # the orphan is listened to, with nobody waiting


def test_a_stream_whose_head_comes_late() -> None:
    def data(peer: Peer, _: Seen) -> None:
        event_id = f"e{server.jobs}"
        time.sleep(0.3)
        peer.begin_stream()
        peer.complete(event_id, "ok")
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    with FaultyServer({"queue/data": data}) as server:
        with (
            Client(server.url, timeouts=Timeouts(total=0.1)) as hasty,
            at_most(3),
            pytest.raises(DeadlineExceeded),
        ):
            hasty.predict("x")
        with Client(server.url) as patient:
            assert patient.predict("x") == "ok"


def test_very_long_deadlines() -> None:
    """Longer than an epoll can wait, and than a lock can."""
    with FaultyServer() as server:
        timeouts = Timeouts(connect=1e9, read=1e9, write=1e9, idle=None, total=1e9)
        with Client(server.url, timeouts=timeouts) as client:
            assert client.predict("x") == "ok"
            assert client.submit("x").result(timeout=1e9) == "ok"
            assert client.submit("x").exception(timeout=1e300) is None


def test_a_very_long_wait_beside_another_thread() -> None:
    """It is not this thread that turns the reactor, but one that waits as well."""
    go = threading.Event()
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/wait")
    def wait(x: str) -> str:
        go.wait(10)
        return x

    with serve(app) as url, Client(url) as client, concurrent.futures.ThreadPoolExecutor(3) as pool:
        jobs = [client.submit(str(number)) for number in range(3)]
        waits = [pool.submit(job.result, 1e300) for job in jobs]
        time.sleep(0.1)
        go.set()
        assert [waited.result(5) for waited in waits] == ["0", "1", "2"]


# Connections.


def test_a_burst_of_submits_makes_few_connections() -> None:
    """At one time. One for each join under way, the stream's, and one that idles since connecting."""
    lock = threading.Lock()
    joined = threading.Event()
    most = [0]

    def join(peer: Peer, _: Seen) -> None:
        pool = watched.made[0].pool
        with lock:
            server.jobs += 1
            event_id = server.jobs
            most.append(len(pool._busy) + len(pool._idle))
        peer.json({"event_id": f"e{event_id}"})
        if event_id == 400:
            joined.set()

    def data(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        assert joined.wait(15)
        for number in range(1, 401):
            peer.complete(f"e{number}", "ok")
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")

    watched = Watched()
    with (
        FaultyServer({"queue/join": join, "queue/data": data}) as server,
        Client(server.url, transport=watched) as client,
    ):
        jobs = [client.submit("x") for _ in range(400)]
        assert {job.result(15) for job in jobs} == {"ok"}
        assert server.connections < 200
    assert 2 < max(most) <= JOINS_AT_ONCE + 2


def test_steady_submits_make_progress() -> None:
    """Whoever submits all the time must not put off the daemon all the time."""
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: int) -> int:
        return x

    with serve(app) as url, Client(url) as client:
        jobs = []
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            jobs.append(client.submit(len(jobs)))
            time.sleep(0.003)
        assert sum(job.done() for job in jobs) > len(jobs) / 2
        eventually(lambda: all(job.done() for job in jobs))
