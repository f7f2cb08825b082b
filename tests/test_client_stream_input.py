"""Jobs that take their input in chunks, as a user of the client has them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from faulty import within
from scripted import chunk_app

from gradio_proto import Client, handle_file
from gradio_proto.errors import AppError, ArgumentError, ClientClosed, LocalProtocolError
from gradio_proto.events import Completed, Output
from gradio_proto.testing import EmbeddedServer, TestApp
from gradio_proto.testing.memory import MemoryTransport


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@pytest.fixture(params=["5.49.1", "6.31.0"])
def app(request: pytest.FixtureRequest) -> TestApp:
    return chunk_app(request.param, time_limit=3)


@pytest.fixture
def client(app: TestApp) -> Iterator[Client]:
    with Client("http://app", transport=MemoryTransport.to(app)) as made:
        yield made


def test_chunks(client: Client) -> None:
    job = client.submit("a", api_name="/gather")
    for word in "bc":
        job.send_chunk(word)
    job.send_chunk(word="d")
    assert next(job) == "a"
    job.close_stream()
    job.close_stream()
    assert job.result() == "a b c d"
    assert job.outputs() == ["a", "a b", "a b c", "a b c d"]


def test_a_prediction_is_one_chunk(client: Client) -> None:
    assert client.predict("a", api_name="/gather") == "a"
    assert client.endpoint("/gather", isolate=True)("b") == "b"


def test_outputs_as_they_come(client: Client) -> None:
    job = client.submit("a", api_name="/gather")
    said = []
    for number, output in enumerate(job):
        said.append(output)
        job.send_chunk(f"{number}") if number < 3 else job.close_stream()
    assert said == ["a", "a 0", "a 0 1", "a 0 1 2"]


def test_the_time_limit_is_told(client: Client) -> None:
    job = client.submit("a", api_name="/gather")
    assert job.status().time_limit is None
    next(job)
    assert job.status().time_limit == 3
    assert client.submit("x", api_name="/echo").status().time_limit is None
    runner = client._engine.transport.runner  # type: ignore[attr-defined]
    runner.run_until(lambda: False, runner.now + 2)
    job.send_chunk("b")
    runner.run_until(lambda: False, runner.now + 2)
    # The chunk in which the time ran out has its output, too.
    job = client.submit("c", api_name="/gather")
    runner.run_until(lambda: False, runner.now + 2.9)
    job.send_chunk("d")
    runner.run_until(lambda: False, runner.now + 0.2)
    job.send_chunk("e")
    assert job.result() == "a b c d e"
    assert job.outputs() == ["a b c", "a b c d", "a b c d e"]
    events = list(job.events())
    assert events[-1] == Completed("a b c d e")
    assert events[-2] == Output("a b c d e")
    with pytest.raises(LocalProtocolError, match="the server's time limit of 3 s is over"):
        job.send_chunk("f")


def test_mistakes_are_told_at_once(client: Client) -> None:
    job = client.submit("a", api_name="/gather")
    for wrong in (lambda: job.send_chunk(), lambda: job.send_chunk("b", "c"), lambda: job.send_chunk(x="b")):
        with pytest.raises(TypeError, match=r"/gather\(\)"):
            wrong()
    with pytest.raises(ArgumentError, match="cannot be sent as JSON"):
        job.send_chunk({1, 2})
    job.send_chunk("b")
    job.close_stream()
    assert job.result() == "a b"
    other = client.submit("x", api_name="/echo")
    for no in (lambda: other.send_chunk("x"), other.close_stream):
        with pytest.raises(ArgumentError, match="/echo takes its whole input with the call"):
            no()
    for via in ("call", "call/v2"):
        with pytest.raises(ArgumentError, match=f"/{via} carries no input in chunks, which /gather takes"):
            client.endpoint("/gather", via=via).predict("a")  # type: ignore[arg-type]


def test_files_in_chunks(client: Client) -> None:
    job = client.submit(handle_file(b"1", "a.bin"), api_name="/size")
    job.send_chunk(handle_file(b"12", "b.bin"))
    with pytest.raises(ArgumentError, match="nowhere"):
        job.send_chunk(handle_file("/nowhere/c.bin"))
    job.send_chunk(None if job.done() else handle_file(b"123", "c.bin"))
    job.close_stream()
    assert job.outputs() == [1, 2, 3]


def test_a_job_that_has_ended(client: Client) -> None:
    job = client.submit("fail", api_name="/gather")
    with pytest.raises(LocalProtocolError, match="the job has failed: no more") as caught:
        job.send_chunk("a")
    assert isinstance(caught.value.__cause__, AppError)
    job.close_stream()
    job = client.submit("a", api_name="/gather")
    next(job)
    assert job.cancel()
    with pytest.raises(LocalProtocolError, match="the job was cancelled"):
        job.send_chunk("b")


def test_a_client_that_was_closed(app: TestApp) -> None:
    with Client("http://app", transport=MemoryTransport.to(app)) as client:
        job = client.submit("a", api_name="/gather")
        next(job)
    with pytest.raises(ClientClosed):
        job.send_chunk("b")


@pytest.mark.parametrize("version", ["5.49.1", "6.31.0"])
def test_chunks_from_many_threads(version: str) -> None:
    with EmbeddedServer(chunk_app(version)) as server, Client(server.url) as client:
        job = client.submit("start", api_name="/gather")
        threads = [
            threading.Thread(target=lambda n=n: [job.send_chunk(f"{n}.{i}") for i in range(10)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        seen = [next(job) for _ in range(41)]
        for thread in threads:
            thread.join()
        job.close_stream()
        words = job.result(5).split()
    assert sorted(words) == sorted(["start", *(f"{n}.{i}" for n in range(4) for i in range(10))])
    assert [output.split() for output in seen] == [words[: number + 1] for number in range(41)]
    for n in range(4):
        assert [word for word in words if word.startswith(f"{n}.")] == [f"{n}.{i}" for i in range(10)]
