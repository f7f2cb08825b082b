"""The log, and the hook of a client."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import child, code_of
from test_docs import load

from gradio_proto import AppError, AsyncClient, Client, ConnectionLost
from gradio_proto.client.logs import LEVELS, VARIABLE, log_as_asked
from gradio_proto.testing import Error, TestApp, serve
from gradio_proto.testing.memory import MemoryTransport
from gradio_proto.tracing import JobEnded, JobStarted, TraceRecord
from gradio_proto.transport import TransportOptions

ROOT = Path(__file__).parent.parent

app = TestApp()


@app.endpoint("/greet")
def greet(name: str) -> str:
    if not name:
        raise Error("Nobody\x1b[31m\nis nobody.")
    return f"Hello, {name}!"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The logger, as it was before afterwards."""
    logger = logging.getLogger("gradio_proto")
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def calls(**options: Any) -> None:
    with Client("http://app", transport=MemoryTransport.to(app), **options) as client:
        client.predict("a private name", api_name="/greet")
        with pytest.raises(AppError):
            client.predict("", api_name="/greet")


def test_jobs_are_logged_as_info(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gradio_proto"):
        calls()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "connected to http://app/: Gradio 6.31.0, sse_v3"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "job 1 started",
        "job 1 completed",
        "job 2 started",
        "job 2 failed",
    ]
    assert lines[-1].startswith(
        r"job 2 failed: AppError: Nobody\x1b[31m\nis nobody. (endpoint /greet, event "
    )


def test_exchanges_and_messages_are_logged_as_debug(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "gradio_proto"):
        calls()
    lines = [record.getMessage() for record in caplog.records]
    assert "exchange 1: GET http://app/config" in lines
    assert "exchange 1: 200 application/json" in lines
    assert any(line.startswith("exchange 1 ended after ") for line in lines)
    assert any(line.startswith("message ProcessCompleted for ") for line in lines)
    assert not any("a private name" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_nothing_is_made_where_nobody_looks(caplog: pytest.LogCaptureFixture) -> None:
    with Client("http://app", transport=MemoryTransport.to(app)) as client:
        assert client._engine.state.tracer is None
    assert caplog.records == []


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_a_hook_that_raises_harms_no_job(level: int, caplog: pytest.LogCaptureFixture) -> None:
    def hook(_: TraceRecord) -> None:
        raise ValueError("no")

    with caplog.at_level(level, "gradio_proto"):
        calls(on_trace=hook)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert errors
    assert all("raised" in record.getMessage() for record in errors)


def test_a_hook_is_a_plain_function() -> None:
    async def hook(_: TraceRecord) -> None: ...

    for wrong in (hook, 3):
        with pytest.raises(TypeError, match="on_trace must be"):
            Client("http://app", transport=MemoryTransport.to(app), on_trace=wrong)  # type: ignore[arg-type]


def test_an_async_client_tells_the_same() -> None:
    async def main(url: str) -> list[TraceRecord]:
        seen: list[TraceRecord] = []
        async with AsyncClient(url, on_trace=seen.append) as client:
            await client.predict("Ada", api_name="/greet")
            job = await client.submit("Bob", api_name="/greet")
            await job.result()
        return seen

    with serve(app) as url:
        seen = asyncio.run(main(url))
    assert [type(record) for record in seen if isinstance(record, JobStarted | JobEnded)] == [
        JobStarted,
        JobEnded,
    ] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_tell_what_its_parent_has_begun() -> None:
    seen: list[tuple[int, TraceRecord]] = []
    goes_on = threading.Event()
    slow = TestApp()

    @slow.endpoint("/wait")
    def wait() -> None:
        goes_on.wait(10)

    def in_the_child() -> None:
        with pytest.raises(ConnectionLost):
            job.result()
        assert [record for pid, record in seen if pid == os.getpid()] == []

    with (
        serve(slow) as url,
        Client(url, on_trace=lambda record: seen.append((os.getpid(), record))) as client,
    ):
        job = client.submit(api_name="/wait")
        try:
            assert code_of(child(in_the_child)) == 0
        finally:
            goes_on.set()
        job.result()
    assert [record.outcome for _, record in seen if isinstance(record, JobEnded)] == ["completed"]


def test_a_wrong_variable_leaves_nothing_open(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "loud")
    made: list[TransportOptions] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="GRADIO_PROTO_LOG is one of"):
            Client("http://app", transport=made.append)  # type: ignore[arg-type]
    assert made == []


@pytest.mark.parametrize("name", LEVELS)
def test_the_variable_sets_the_level(
    name: str, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f" {name.upper()} ")
    assert log_as_asked() == (name in ("debug", "info"))
    assert logger.level == LEVELS[name]


def test_an_unknown_level_is_told(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "loud")
    with pytest.warns(
        UserWarning, match="GRADIO_PROTO_LOG is one of debug, info, warning, error, not 'loud'"
    ):
        assert log_as_asked() is False


def test_the_log_goes_to_stderr() -> None:
    program = (
        "from gradio_proto import Client\n"
        "from gradio_proto.testing import TestApp\n"
        "from gradio_proto.testing.memory import MemoryTransport\n"
        "app = TestApp()\n"
        "app.endpoint('/f')(lambda: None)\n"
        "for _ in range(2):\n"
        "    Client('http://app', transport=MemoryTransport.to(app)).close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"GRADIO_PROTO_LOG": "info", "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2  # one handler, however many clients
    assert all("INFO gradio_proto: connected to http://app/: Gradio " in line for line in lines)


def test_spans_for_opentelemetry() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import StatusCode

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    example = load(ROOT / "docs" / "howto" / "opentelemetry_spans.py")
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("request"):
        calls(on_trace=example.Spans(tracer))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    jobs = [span for span in exporter.get_finished_spans() if span.name == "gradio /greet"]
    assert [span.status.status_code for span in jobs] == [StatusCode.UNSET, StatusCode.ERROR]
    request = spans["request"].context
    assert request is not None
    for span in jobs:
        assert span.parent is not None
        assert span.parent.span_id == request.span_id
        assert span.attributes is not None
        assert span.attributes["gradio.endpoint"] == "/greet"
        assert "a private name" not in span.to_json()
    config = spans["GET /config"]
    assert config.attributes is not None
    assert config.attributes["http.response.status_code"] == 200
    assert config.attributes["server.address"] == "app"
    assert {event.name for span in jobs for event in span.events} >= {"ProcessStarts", "ProcessCompleted"}
