"""Inputs in chunks on real servers: none is lost, and the function sees each once."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from faulty import within
from media import png

from gradio_proto import Client, handle_file
from gradio_proto.client.job import Job
from gradio_proto.errors import AppError, LocalProtocolError

pytestmark = pytest.mark.real("5.49.1", "6.31.0")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_every_chunk_is_processed_once(client: Client) -> None:
    job = client.submit("a", 0.05, api_name="/gather")
    for word in "bcdef":
        job.send_chunk(word, 0.05)
    job.close_stream()
    assert job.result(10) == "a b c d e f"
    assert job.outputs() == ["a", "a b", "a b c", "a b c d", "a b c d e", "a b c d e f"]
    assert client.predict("g", 0, api_name="/gather") == "a b c d e f g"  # State has seen no chunk twice


def test_outputs_as_they_come(client: Client) -> None:
    job = client.submit("a", 0, api_name="/gather")
    said = []
    for number, output in enumerate(job):
        said.append(output)
        job.send_chunk(f"{number}", 0) if number < 20 else job.close_stream()
    assert [len(output.split()) for output in said] == list(range(1, 22))


def test_what_a_server_does_with_chunks_that_come_too_soon(client: Client, url: str) -> None:
    """Why the next chunk waits for the value of the one before."""
    job = client.submit("a", 0, api_name="/gather")
    next(job)
    for word in "bcdef":
        assert post_chunk(client, url, job, word, 0.5) == 200
    until = time.monotonic() + 20
    while "f" not in job.outputs()[-1]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job.outputs()[-1] in ("a b f", "a f")
    job.cancel()


def post_chunk(client: Client, url: str, job: Job, *data: Any) -> int:
    (fn_index,) = [entry["id"] for entry in client.config["dependencies"] if entry["api_name"] == "gather"]
    body = {"data": [*data, None], "fn_index": fn_index, "session_hash": job.session_hash}
    request = urllib.request.Request(
        f"{url}/gradio_api/stream/{job.event_id}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_server_and_a_job_that_has_ended(client: Client, url: str, server_version: str) -> None:
    """Gradio 6 says so; before, a chunk goes nowhere."""
    job = client.submit("fail", 0, api_name="/gather")
    assert job.exception(10) is not None
    until = time.monotonic() + 10
    expected = 404 if server_version >= "6" else 200
    while post_chunk(client, url, job, "b", 0) != expected:  # it forgets the job a moment later
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_time_limit(client: Client) -> None:
    job = client.submit("0", 0, api_name="/gather_briefly")
    sent = 1

    def send_until_the_end() -> None:
        nonlocal sent
        while True:
            job.send_chunk(f"{sent}", 0.1)
            sent += 1

    with pytest.raises(LocalProtocolError, match=r"the server's time limit of [0-9.]+ s is over"):
        send_until_the_end()
    limit = job.status().time_limit
    assert limit is not None
    assert 0 < limit < 1
    value = job.result(10).split()
    # The last one may have crossed the end, and be lost.
    assert value in ([f"{number}" for number in range(sent)], [f"{number}" for number in range(sent - 1)])
    assert [len(output.split()) for output in job.outputs()] == list(range(1, len(value) + 1))
    job.close_stream()


def test_a_failure(client: Client) -> None:
    job = client.submit("a", 0, api_name="/gather")
    job.send_chunk("fail", 0)
    with pytest.raises(LocalProtocolError, match="the job has failed: gather failed") as caught:
        job.send_chunk("b", 0)
    assert isinstance(caught.value.__cause__, AppError)
    with pytest.raises(AppError):
        job.result(10)
    assert client.predict("x", api_name="/echo") == "x"


def test_a_cancelled_job(client: Client) -> None:
    job = client.submit("a", 0, api_name="/gather")
    job.send_chunk("b", 0)
    assert job.cancel()
    assert job.cancel_report is not None
    assert job.cancel_report.server_told
    with pytest.raises(LocalProtocolError, match="the job was cancelled"):
        job.send_chunk("c", 0)
    assert client.predict("x", api_name="/echo") == "x"
    assert client.predict("d", 0, api_name="/gather").split()[-1] == "d"


def test_two_inputs_at_once_in_one_session(client: Client) -> None:
    """Neither may be ended by what would end both. Up to 6.30 the server runs the function once more at the end."""
    jobs = [client.submit(word, 0, api_name="/gather_briefly") for word in "ab"]
    for job in jobs:
        next(job)
    jobs[0].close_stream()
    jobs[1].send_chunk("c", 0)
    jobs[1].close_stream()
    words = [job.result(10).split() for job in jobs]
    assert words[0][0] == "a" or words[0][:2] in (["b", "a"], ["a", "b"])
    assert words[1][-1] == "c"


def image(size: int) -> bytes:
    return png(size, size, (0, 0, 0))


def test_images(client: Client) -> None:
    job = client.submit(handle_file(image(1), "1.png"), "t1", api_name="/frames")
    for size in (2, 3):
        job.send_chunk(handle_file(image(size), f"{size}.png"), f"t{size}")
    job.close_stream()
    assert job.result(10) == "t3 (3, 3)"
    assert job.outputs() == ["t1 (1, 1)", "t2 (2, 2)", "t3 (3, 3)"]


def test_a_prediction_is_one_chunk(client: Client) -> None:
    began = time.monotonic()
    assert client.predict("a", 0, api_name="/gather") == "a"
    assert client.predict(handle_file(image(2), "2.png"), "t", api_name="/frames") == "t (2, 2)"
    assert time.monotonic() - began < 10
