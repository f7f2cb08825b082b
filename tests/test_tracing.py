"""What a client tells of its exchanges, messages and jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gradio_proto import AppError, Client, ConnectionLost, JobCancelled
from gradio_proto.effects import Now, Open, ReadBody, ReadHead, SendBody, TimedOut, Wait
from gradio_proto.exchange import ConnectionPool, Exchange, PooledConnection
from gradio_proto.flows.traced import traced
from gradio_proto.http import Request, ResponseHead
from gradio_proto.job import Job
from gradio_proto.limits import Limits
from gradio_proto.messages import Heartbeat
from gradio_proto.testing import Error, TestApp
from gradio_proto.testing.memory import MemoryTransport
from gradio_proto.timeouts import Timeouts
from gradio_proto.tracing import (
    ExchangeEnded,
    ExchangeStarted,
    JobEnded,
    JobStarted,
    MessageReceived,
    ResponseStarted,
    Tracer,
    TraceRecord,
)
from gradio_proto.urls import Origin

VERSIONS = ("3.50.2", "4.0.2", "4.44.1", "6.31.0")

app = TestApp()


@app.endpoint("/greet")
def greet(name: str) -> str:
    if not name:
        raise Error("Nobody is nobody.")
    return f"Hello, {name}!"


@app.endpoint("/count")
def count(n: int) -> Iterator[int]:
    yield from range(n)


def all_of(seen: list[TraceRecord], kind: type[Any]) -> list[Any]:
    return [record for record in seen if isinstance(record, kind)]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_exchange_job_and_message_is_told(version: str) -> None:
    app.version = version
    seen: list[TraceRecord] = []
    with Client("http://app", transport=MemoryTransport.to(app), on_trace=seen.append) as client:
        session_hash = client.session_hash
        assert client.predict("Ada", api_name="/greet") == "Hello, Ada!"
        with pytest.raises(AppError):
            client.predict("", api_name="/greet")
        assert list(client.submit(2, api_name="/count")) == [0, 1]
    started, ended = all_of(seen, ExchangeStarted), all_of(seen, ExchangeEnded)
    assert [record.exchange for record in started] == list(range(1, len(started) + 1))
    assert sorted(record.exchange for record in ended) == [record.exchange for record in started]
    assert (started[0].method, started[0].url) == ("GET", "http://app/config")
    assert all("?" not in record.url for record in started)
    heads = {record.exchange: record for record in all_of(seen, ResponseStarted)}
    assert (heads[1].status, heads[1].content_type) == (200, "application/json")
    assert next(record for record in ended if record.exchange == 1).received > 100
    jobs = {record.job: record for record in all_of(seen, JobEnded)}
    assert [(record.job, record.endpoint, record.fn_index) for record in all_of(seen, JobStarted)] == [
        (1, "/greet", 0),
        (2, "/greet", 0),
        (3, "/count", 1),
    ]
    assert [jobs[number].outcome for number in (1, 2, 3)] == ["completed", "failed", "completed"]
    assert isinstance(jobs[2].error, AppError)
    assert jobs[1].error is None
    assert all(record.endpoint in ("/greet", "/count") for record in jobs.values())
    kinds = Counter(record.kind for record in all_of(seen, MessageReceived))
    assert kinds["ProcessCompleted"] == 3
    assert kinds["ProcessGenerating"] >= 2
    for record in all_of(seen, MessageReceived):
        assert record.size > 10
        assert record.kind == type(record.message).__name__
    if version in ("4.44.1", "6.31.0"):
        assert {record.session_hash for record in all_of(seen, MessageReceived)} == {session_hash}
        assert {jobs[number].session_hash for number in jobs} == {session_hash}
        assert {record.event_id for record in all_of(seen, MessageReceived)} >= {
            jobs[number].event_id for number in jobs
        }
    times = [record.at for record in seen]
    assert times == sorted(times)


def test_a_direct_call_and_the_simple_api() -> None:
    app.version = "6.31.0"
    seen: list[TraceRecord] = []
    with Client("http://app", transport=MemoryTransport.to(app), on_trace=seen.append) as client:
        client.endpoint("/greet", via="run").predict("Ada")
        client.endpoint("/greet", via="call").predict("Ada")
    run, called = [record for record in all_of(seen, MessageReceived) if record.kind == "ProcessCompleted"]
    assert (run.event_id, called.session_hash) == (None, called.event_id)
    assert [record.outcome for record in all_of(seen, JobEnded)] == ["completed", "completed"]


def test_a_cancelled_job() -> None:
    app.version = "6.31.0"
    seen: list[TraceRecord] = []
    with Client("http://app", transport=MemoryTransport.to(app), on_trace=seen.append) as client:
        job = client.submit(1_000, api_name="/count")
        next(iter(job))
        job.cancel()
        with pytest.raises(JobCancelled):
            job.result()
    assert [record.outcome for record in all_of(seen, JobEnded)] == ["cancelled"]
    assert len(all_of(seen, ExchangeStarted)) == len(all_of(seen, ExchangeEnded))


def test_a_record_is_printed_without_what_a_message_brings() -> None:
    seen: list[TraceRecord] = []
    with Client("http://app", transport=MemoryTransport.to(app), on_trace=seen.append) as client:
        client.predict("secret words", api_name="/greet")
    assert "secret words" not in repr(seen)
    assert any("secret words" in repr(record.message) for record in all_of(seen, MessageReceived))


# The flow around a flow.

REQUEST = Request("GET", Origin("http", "app", 80), "/config?session_hash=x")
HEAD = ResponseHead(200, "OK", (("content-type", "application/json"),))


def an_exchange() -> Exchange:
    pool = ConnectionPool(Limits(), Timeouts())

    class Stream:
        def close(self) -> None:
            pass

    return Exchange(REQUEST, PooledConnection(pool, REQUEST.origin, Stream()))


def a_job() -> Job:
    return Job(fn_index=0, label="/greet", payload=b"", convert=tuple, journal=None, version_info=(6, 31, 0))


@pytest.fixture
def seen() -> list[TraceRecord]:
    return []


@pytest.fixture
def tracer(seen: list[TraceRecord]) -> Tracer:
    return Tracer(seen.append, lambda: 7.0)


def test_effects_and_answers_pass_through(tracer: Tracer, seen: list[TraceRecord]) -> None:
    exchange = an_exchange()

    def flow() -> Any:
        assert (yield Now()) == (None, 1.0)
        opened, _ = yield Open(REQUEST, None)
        assert opened is exchange
        assert (yield ReadHead(exchange, None)) == (None, 2.0)  # woken
        head, _ = yield ReadHead(exchange, None)
        assert head is HEAD
        assert (yield ReadBody(exchange, None)) == (None, 3.0)
        assert (yield ReadBody(exchange, None)) == (b"abc", 4.0)
        yield SendBody(exchange, b"", None)
        exchange.close()
        return "done"

    follow = traced(flow(), tracer)
    assert isinstance(next(follow), Now)
    assert isinstance(follow.send((None, 1.0)), Open)
    for answer in ((exchange, 1.0), (None, 2.0), (HEAD, 2.0), (None, 3.0), (b"abc", 4.0)):
        follow.send(answer)
    with pytest.raises(StopIteration) as stop:
        follow.send((None, 5.0))
    assert stop.value.value == "done"
    assert seen == [
        ExchangeStarted(7.0, 1, "GET", "http://app/config"),
        ResponseStarted(7.0, 1, 200, "application/json"),
        ExchangeEnded(7.0, 1, 3, None),
    ]


def test_errors_pass_through_and_are_told(tracer: Tracer, seen: list[TraceRecord]) -> None:
    exchange = an_exchange()
    lost = ConnectionLost("gone", phase="stream_lost")

    def flow() -> Any:
        with pytest.raises(ConnectionLost):
            yield Open(REQUEST, None)
        yield Open(REQUEST, None)
        for error in (TimedOut, ConnectionLost):  # a deadline is the flow's affair
            with pytest.raises(error):
                yield ReadBody(exchange, None)
        with pytest.raises(TimedOut):
            yield Wait(None, None)  # type: ignore[arg-type]
        exchange.close()

    follow = traced(flow(), tracer)
    next(follow)
    follow.throw(lost)
    follow.send((exchange, 1.0))
    follow.throw(TimedOut())
    follow.throw(lost)
    with pytest.raises(StopIteration):
        follow.throw(TimedOut())
    assert seen[1:] == [
        ExchangeEnded(7.0, 1, 0, lost),
        ExchangeStarted(7.0, 2, "GET", "http://app/config"),
        ExchangeEnded(7.0, 2, 0, lost),
    ]


def test_a_caller_who_goes_ends_the_flow(tracer: Tracer, seen: list[TraceRecord]) -> None:
    ends: list[BaseException] = []

    def flow() -> Any:
        try:
            yield Open(REQUEST, None)
        except BaseException as error:
            ends.append(error)
            raise

    follow = traced(flow(), tracer)
    next(follow)
    with pytest.raises(KeyboardInterrupt):
        follow.throw(KeyboardInterrupt())
    assert isinstance(ends[0], GeneratorExit)  # as with a flow that nobody traces: see exchange.lower
    assert seen[1:] == [ExchangeEnded(7.0, 1, 0, None)]


@pytest.mark.parametrize(
    "told",
    [
        lambda tracer, exchange: tracer.head(exchange, HEAD),
        lambda tracer, exchange: tracer.body(exchange, 3),
        lambda tracer, exchange: tracer.failed(exchange, ValueError()),
    ],
)
def test_nothing_is_told_of_an_exchange_that_was_never_opened(
    told: Callable[[Tracer, Exchange], None], tracer: Tracer, seen: list[TraceRecord]
) -> None:
    told(tracer, an_exchange())
    tracer.look()
    assert seen == []


def test_a_forked_child_tells_nothing_of_what_its_parent_has_begun(
    tracer: Tracer, seen: list[TraceRecord]
) -> None:
    def flow(exchange: Exchange) -> Any:
        yield Open(REQUEST, None)
        yield Open(REQUEST, None)
        exchange.close()

    opened, job = an_exchange(), a_job()
    of_the_parent = [traced(flow(opened), tracer) for _ in range(2)]
    for follow in of_the_parent:
        next(follow)
    of_the_parent[0].send((opened, 1.0))
    tracer.job(job)
    seen.clear()
    tracer.forget()
    job.fail(ConnectionLost("this is a forked process", phase="stream_lost"))
    opened.close()
    for follow in of_the_parent:
        follow.close()
    assert seen == []
    own = traced(flow(an_exchange()), tracer)
    next(own)
    own.close()
    tracer.job(own_job := a_job())
    own_job.cancel()
    assert seen == [
        ExchangeStarted(7.0, 4, "GET", "http://app/config"),
        ExchangeEnded(7.0, 4, 0, None),
        JobStarted(7.0, 2, "/greet", 0),
        JobEnded(7.0, 2, "/greet", None, None, "cancelled", None),
    ]


def test_a_message_for_everybody(tracer: Tracer, seen: list[TraceRecord]) -> None:
    tracer.message("s", None, Heartbeat(), 20)
    assert seen == [MessageReceived(7.0, "s", None, "Heartbeat", 20, Heartbeat())]
