"""The simple API of real servers (``via="call"`` and ``via="call/v2"``), and the functions of their components."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from servers.running import number

from gradio_proto import Client, handle_file
from gradio_proto.app_errors import LOST_MESSAGE
from gradio_proto.errors import AppError, ArgumentError, JobCancelled, ValidationError
from gradio_proto.events import Completed, Output

LONG = 400
"""Steps of ``/tick``, of 20 ms each: longer than any of these tests."""

having_it = pytest.mark.real("4.44.1", "5.49.1", "6.31.0")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str, tmp_path: Path) -> Iterator[Client]:
    with Client(url, download_files=tmp_path) as made:
        yield made


def ways(version: str) -> list[Any]:
    return ["call", "call/v2"] if number(version) >= (6, 13) else ["call"]


# Calls.


@having_it
def test_values(client: Client, server_version: str) -> None:
    for via in ways(server_version):

        def call(name: str, *args: Any, via: Any = via, **kwargs: Any) -> Any:
            return client.endpoint(name, via=via).predict(*args, **kwargs)

        for text in ("", "x", "é€😀", "quotes \"'", "\u2028\u2029\x85\0\r\n\x1f", "x" * 300_000):
            assert call("/echo", text) == text
        value: Any = {"a": [1, 2.5, None, True, {"b": [0]}], "é": "\u2028", "big": 2**53}
        assert call("/json", value) == value
        assert call("/calc", 1, "add", 2) == (3, "1 add 2 = 3")
        assert call("/calc", b=1) == (4, "3 add 1 = 4")
        assert call("/none", "x") is None
        assert call("/noqueue", "x") == "x"
        assert call("/batch", "x") == "X"
        assert call("/progress", 1) == "done"
        assert call("/log", "x") == "logged"
        assert call("/update", "x")["value"] == "x"
        assert call("/req")["headers"]["accept-encoding"] == "identity"


@having_it
def test_generators(client: Client, server_version: str) -> None:
    items = [{"i": i, "s": "x" * i} for i in range(10)]  # long enough for a server that looks every 50 ms
    states = [{"items": items[: i + 1], "done": False, "n": i} for i in range(10)]
    last = {"items": items[1:], "done": True}
    for via in ways(server_version):
        job = client.endpoint("/jsonstream", via=via).submit(10)
        arrived = [(value, time.monotonic()) for value in job]
        assert [value for value, _ in arrived] == [*states, last]
        assert arrived[-1][1] - arrived[0][1] > 0.02, "they came all at once"
        assert job.result() == last
        events = list(job.events())
        assert [type(event) for event in events] == [Output] * 11 + [Completed]
        assert job.event_id
        assert job.session_hash == job.event_id
        assert list(client.endpoint("/count", via=via).submit(0)) == [None]
        assert list(client.endpoint("/stream", via=via).submit("a b")) == ["a ", "a b "]


@having_it
def test_state_starts_afresh(client: Client, server_version: str) -> None:
    assert client.predict("a b", api_name="/state") == 2
    for via in ways(server_version):
        assert client.endpoint("/state", via=via).predict("a b c") == 3
        assert client.endpoint("/state", via=via).predict("a b c") == 3
    assert client.predict("c", api_name="/state") == 3


@having_it
def test_files(client: Client, server_version: str) -> None:
    for via in ways(server_version):
        path = client.endpoint("/file", via=via).predict(handle_file(b"some text", name="a.txt"))
        assert Path(path).read_text() == "SOME TEXT"
        job = client.endpoint("/files", via=via).submit(
            [handle_file(b"x", name=f"{i}.txt") for i in range(3)]
        )
        assert [Path(path).read_text() for path in job.result()] == ["X"] * 3


@having_it
def test_errors(client: Client, server_version: str) -> None:
    tells = number(server_version) >= (6,)
    for via in ways(server_version):
        for name, text in (("/fail", "bad thing: x"), ("/crash", "crashed: x")):
            with pytest.raises(AppError) as caught:
                client.endpoint(name, via=via).predict("x")
            assert (caught.value.message, caught.value.hidden) == (text if tells else LOST_MESSAGE, not tells)
            assert caught.value.endpoint == name
        job = client.endpoint("/gen_fail", via=via).submit(2)
        values = []
        with pytest.raises(AppError):
            values += job
        assert values == [0, 1]
        if number(server_version) >= (5, 43):
            with pytest.raises(ValidationError, match="a must be positive"):
                client.endpoint("/validate", via=via).predict(-1, "x")
        assert client.endpoint("/echo", via=via).predict("still") == "still"


@having_it
def test_what_is_listed_and_what_is_not(client: Client, server_version: str) -> None:
    hidden = client.endpoint("/undoc", via="call")
    assert hidden.predict("x") == "x"
    with pytest.raises(ArgumentError, match=r"private|no endpoint"):
        client.endpoint("/private", via="call")
    with pytest.raises(
        ArgumentError, match="via='call'" if number(server_version) >= (6, 13) else "leave via= away"
    ):
        client.endpoint("/undoc", via="call/v2").predict("x")
    with pytest.raises(TypeError, match="unexpected keyword"):
        client.endpoint("/echo", via="call").predict(nonsense=1)


@pytest.mark.real("4.13.0", "4.44.1", "5.49.1")
def test_servers_that_have_it_not(client: Client, server_version: str) -> None:
    lacking: list[Any] = ["call", "call/v2"] if server_version == "4.13.0" else ["call/v2"]
    for via in lacking:
        for call in (client.endpoint("/echo", via=via).predict, client.endpoint("/echo", via=via).submit):
            with pytest.raises(ArgumentError, match=f"no /{via} .*runs {server_version}"):
                call("x")
    assert client.predict("x", api_name="/echo") == "x"


@having_it
def test_many_at_once_by_both_ways(client: Client) -> None:
    echo, queued = client.endpoint("/echo", via="call"), client.endpoint("/echo")
    jobs = [(echo if i % 2 else queued).submit(str(i)) for i in range(40)]
    counts = [client.endpoint("/count", via="call").submit(5) for _ in range(10)]
    assert [job.result() for job in jobs] == [str(i) for i in range(40)]
    assert [list(job) for job in counts] == [[0, 1, 2, 3, 4]] * 10


# Cancelling.


def ticked(client: Client, name: str) -> int:
    return int(client.predict(name, api_name="/ticked"))


def wait_until_it_stands(client: Client, name: str) -> int:
    """How far a run of ``/tick`` has come that goes on no more."""
    before = -1
    while before != (before := ticked(client, name)):
        time.sleep(0.3)
    return before


@having_it
def test_a_generator_stops_and_its_sibling_does_not(client: Client, server_version: str) -> None:
    for via in ways(server_version):
        tick = client.endpoint("/tick", via=via)
        name = f"stops {via}"
        job, sibling = tick.submit(name, LONG), tick.submit(f"goes on {via}", 60)
        assert [next(job) for _ in range(3)] == [0, 1, 2]
        assert job.cancel()
        assert job.cancel_report is not None
        assert job.cancel_report.server_told
        with pytest.raises(JobCancelled):
            job.result()
        assert wait_until_it_stands(client, name) < LONG / 2
        assert sibling.result() == 59


@having_it
def test_a_job_that_waits_leaves_the_queue(client: Client) -> None:
    tick = client.endpoint("/tick", via="call")
    running = [tick.submit(f"runs {i}", LONG) for i in range(2)]  # as many as may
    for job in running:
        next(job)
    waiting = tick.submit("waits", LONG)
    while waiting.event_id is None:
        time.sleep(0.01)
    assert waiting.cancel()
    for job in running:
        assert job.cancel()
    assert tick.predict("next", 2) == 1
    assert ticked(client, "waits") == 0


@having_it
def test_jobs_that_are_cancelled_at_once(client: Client) -> None:
    tick = client.endpoint("/tick", via="call")
    for i in range(4):
        job = tick.submit(f"at once {i}", LONG)
        time.sleep(0.004 * i)
        assert job.cancel()
    for i in range(4):
        assert wait_until_it_stands(client, f"at once {i}") < LONG / 2
    assert tick.predict("after them", 2) == 1


@having_it
def test_a_function_that_runs_goes_on_unheard(client: Client) -> None:
    job = client.endpoint("/slow", via="call").submit(0.5)
    time.sleep(0.2)
    assert job.cancel()
    assert client.endpoint("/echo", via="call").predict("x") == "x"


@having_it
def test_closing_the_client_ends_its_jobs(url: str, client: Client) -> None:
    with Client(url) as other:
        job = other.endpoint("/tick", via="call").submit("closed", LONG)
        next(job)
    assert job.done()
    assert wait_until_it_stands(client, "closed") < LONG / 2


# Components.


@pytest.mark.real("4.13.0", "4.44.1", "5.49.1", "6.31.0")
def test_the_functions_of_components(client: Client, server_version: str) -> None:
    explorers = [
        component["id"] for component in client.config["components"] if component["type"] == "fileexplorer"
    ]
    assert explorers
    for explorer in explorers:
        listed = client.component_server(explorer, "ls", [])
        assert isinstance(listed, list)
        assert listed
        with pytest.raises(ArgumentError, match=r"no server function '_ls': it has ls"):
            client.component_server(explorer, "_ls", [])
    buttons = [component["id"] for component in client.config["components"] if component["type"] == "button"]
    with pytest.raises(
        ArgumentError, match=r"\(button\) has no server function 'ls': it has none.*fileexplorer"
    ):
        client.component_server(buttons[0], "ls", [])
    with pytest.raises(ArgumentError, match="no component 999999"):
        client.component_server(999999, "ls")
