"""The blocking client against real servers: every operation, on every version that the suite runs."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from faulty import within
from servers.running import number

from gradio_proto import Client
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    AuthenticationError,
    GradioError,
    QueueError,
    ValidationError,
)
from gradio_proto.events import Log, Progress, Queued, Started
from gradio_proto.status import Status


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(30):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_what_it_is(client: Client, server_version: str) -> None:
    assert client.app_version == server_version
    assert client.protocol == ("sse_v1" if server_version == "4.13.0" else "sse_v3")
    text = client.view_api(print_info=False, return_format="str")
    assert isinstance(text, str)
    assert "-> t_out" in text
    assert 'api_name="/echo"' in text
    assert 'api_name="/private"' not in text
    described = client.view_api(print_info=False, return_format="dict")
    assert isinstance(described, dict)
    assert {"/echo", "/calc", "/chat"} <= set(described["named_endpoints"])


def test_values(client: Client) -> None:
    for text in ("", "x", "é€😀", "quotes \"'", "\u2028\u2029\x85\0\r\n\x1f", "<b>", "x" * 300_000):
        assert client.predict(text, api_name="/echo") == text
    value: Any = {"a": [1, 2.5, None, True, {"b": [0]}], "é": "\u2028", "big": 2**53}
    assert client.predict(value, api_name="/json") == value
    assert client.predict("x", api_name="/none") is None
    assert client.predict("x", api_name="/noqueue") == "x"
    assert client.predict("x", api_name="/batch") == "X"
    assert client.predict("x", api_name="/fast") == "x"
    assert client.predict("x", api_name="/echo_1") == "x"


def test_special_values(client: Client) -> None:
    assert client.predict("nan", api_name="/special") == {"a": None, "b": None, "c": None}
    assert client.predict("unicode", api_name="/special") == {"s": "é€😀\u2028\u2029\u0085\0\r\n\x1f"}
    assert client.predict("big", api_name="/special") == {"s": "é€😀" * 200_000}
    assert client.predict("deep", api_name="/special") == {"a": [[[[{"b": [1, None, True, "x", {}]}]]]]}
    try:
        assert client.predict("lone", api_name="/special") == {"s": "\ud800"}
    except AppError:
        pass  # the server cannot write it
    for odd in (math.nan, math.inf, "\ud800"):
        try:
            assert client.predict({"x": odd}, api_name="/json") in ({"x": None}, {"x": odd})
        except (GradioError, ValueError):
            pass  # refused here, or there
    assert client.predict("still", api_name="/echo") == "still"


def test_arguments(client: Client, server_version: str) -> None:
    assert client.predict(1, "add", 2, api_name="/calc") == (3, "1 add 2 = 3")
    named = number(server_version) >= (4, 44)
    names = ("a", "op", "b") if named else ("n_in", "op", "n2")
    arguments: dict[str, Any] = dict(zip(names, (5, "sub", 2), strict=True))
    assert client.predict(**arguments, api_name="/calc") == (3, "5 sub 2 = 3")
    assert client.predict(5, **dict(list(arguments.items())[1:]), api_name="/calc")[0] == 3
    if named:
        assert client.predict(api_name="/calc") == (8, "3 add 5 = 8")
        assert client.predict(b=1, api_name="/calc") == (4, "3 add 1 = 4")
        # The server renames parameters that are called as the official client's own.
        assert client.endpoint("/awkward").predict(headers="h", param_1="n", param_2=2) == "h|n|2"
        with pytest.raises(TypeError, match="missing"):
            client.predict(api_name="/echo")
    else:
        with pytest.raises(TypeError, match="missing"):
            client.predict(api_name="/calc")
        assert client.predict("h", "n", 2, api_name="/awkward") == "h|n|2"
    for call in (client.predict, client.submit):
        with pytest.raises(TypeError, match=r"takes .* positional argument"):
            call(1, 2, 3, 4, api_name="/calc")
        with pytest.raises(TypeError, match="unexpected keyword"):
            call(1, nonsense=2, api_name="/calc")
        with pytest.raises(ArgumentError, match="/calc"):
            call(1, api_name="/calk")
        with pytest.raises(ArgumentError, match="private"):
            call("x", fn_index=_fn_index(client, "private"))


def _fn_index(client: Client, trigger: str) -> int:
    """The number of the function that a button calls."""
    buttons = {
        component["id"] for component in client.config["components"]
        if component["type"] == "button" and component["props"].get("value") == trigger
    }  # fmt: skip
    for position, dependency in enumerate(client.config["dependencies"]):
        if any(target[0] in buttons for target in dependency["targets"]):
            return int(dependency.get("id", position))
    raise AssertionError(trigger)


def test_an_undocumented_endpoint(client: Client) -> None:
    assert client.predict("x", fn_index=_fn_index(client, "undoc")) == "x"
    assert client.predict("x", fn_index=_fn_index(client, "echo")) == "x"


def test_generators(client: Client) -> None:
    job = client.submit(4, api_name="/count")
    arrived = [(value, time.monotonic()) for value in job]
    assert [value for value, _ in arrived] == [0, 1, 2, 3]
    assert arrived[-1][1] - arrived[0][1] > 0.02, "they came all at once"
    assert job.outputs() == [0, 1, 2, 3]
    assert job.result() == 3
    assert client.predict(4, api_name="/count") == 3
    assert list(client.submit("a b c", api_name="/stream")) == ["a ", "a b ", "a b c "]
    assert list(client.submit(0, api_name="/count")) == [None]
    assert client.predict(2, api_name="/noqueue_gen") == 1


def test_chat(client: Client, server_version: str) -> None:
    job = client.submit("hi", None, api_name="/chat")
    outputs = list(job)
    assert len(outputs) == len("Hello there")

    def texts(output: Any) -> list[str]:
        if number(server_version) < (5,):
            return list(output[-1])
        contents = [message["content"] for message in output]
        return [content if isinstance(content, str) else content[0]["text"] for content in contents]

    assert [texts(output) for output in outputs] == [
        ["hi", "Hello there"[: length + 1]] for length in range(len("Hello there"))
    ]
    assert outputs[-1] == job.result()
    again = client.predict("more", job.result(), api_name="/chat")
    assert len(again) == (2 if number(server_version) < (5,) else 4)


def test_json_stream(client: Client) -> None:
    items = [{"i": i, "s": "x" * i} for i in range(3)]
    expected = [{"items": items[: i + 1], "done": False, "n": i} for i in range(3)]
    job = client.submit(3, api_name="/jsonstream")
    assert list(job) == [*expected, {"items": items[1:], "done": True}]
    assert job.result() == {"items": items[1:], "done": True}


def test_progress(client: Client) -> None:
    job = client.submit(3, api_name="/progress")
    events = list(job.events())
    units = [event.units[0] for event in events if isinstance(event, Progress)]
    assert len(units) >= 3
    assert {unit.desc for unit in units} & {"begin", "step 0", "step 1", "step 2", "tq"}
    assert job.result() == "done"
    assert sum(isinstance(event, Started) for event in events) == 1
    assert job.status().success


def test_logs(client: Client, server_version: str) -> None:
    job = client.submit("x", api_name="/log")
    logs = [event for event in job.events() if isinstance(event, Log)]
    expected = [("info x", "info"), ("warn x", "warning")]
    if number(server_version) >= (5,):
        expected.append(("ok x", "success"))
        assert (logs[1].title, logs[1].duration, logs[1].visible) == ("My title", 3, False)
    assert [(log.text, log.level) for log in logs] == expected
    assert job.result() == "logged"


def test_errors(client: Client, server_version: str) -> None:
    with pytest.raises(AppError) as caught:
        client.predict("x", api_name="/fail")
    error = caught.value
    assert error.message == "bad thing: x"
    assert (error.endpoint, error.server_version) == ("/fail", server_version)
    assert str(error).startswith("bad thing: x (endpoint /fail, event ")
    with pytest.raises(AppError) as caught:
        client.predict("x", api_name="/fail_titled")
    assert caught.value.message == "titled: x"
    if number(server_version) >= (5,):
        error = caught.value
        assert (error.title, error.duration, error.visible) == ("Oh no", None, False)
    with pytest.raises(AppError, match=r"^crashed: x") as caught:
        client.predict("x", api_name="/crash")
    assert not caught.value.hidden
    for name, text in (("/gen_fail", "gen failed"), ("/gen_crash", "gen crashed")):
        job = client.submit(2, api_name=name)
        outputs = iter(job)
        assert [next(outputs), next(outputs)] == [0, 1]
        with pytest.raises(AppError) as caught:
            next(outputs)
        assert caught.value.message == text
        assert job.outputs() == [0, 1]
        assert job.exception() is caught.value
    assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.real("6.31.0", "4.13.0")
def test_hidden_errors(strict_url: str) -> None:
    with Client(strict_url, auth=("user", "pass word")) as client:
        for name, argument in (("/crash", "x"), ("/gen_crash", 2)):
            with pytest.raises(AppError) as caught:
                client.predict(argument, api_name=name)
            assert caught.value.hidden
            assert "crashed" not in str(caught.value)
        with pytest.raises(AppError, match=r"^bad thing: x"):
            client.predict("x", api_name="/fail")


def test_state(client: Client) -> None:
    assert client.predict("a b", api_name="/state") == 2
    assert client.predict("c d e", api_name="/state") == 5
    assert client.submit("f", api_name="/state").result(10) == 6
    client.reset_session()
    assert client.predict("a", api_name="/state") == 1
    with Client(client.src) as other:
        assert other.predict("z", api_name="/state") == 1
    assert client.predict("b", api_name="/state") == 2


def test_updates_and_requests(client: Client, server_version: str) -> None:
    update = client.predict("x", api_name="/update")
    assert (update["__type__"], update["value"]) == ("update", "x")
    request = client.predict(api_name="/req", headers={"X-Mine": "yes"})
    assert request["headers"]["x-mine"] == "yes"
    assert request["headers"]["x-gradio-user"] == "api"
    assert request["session_hash"] in (client.session_hash, None)


def test_the_queue(client: Client) -> None:
    jobs = [client.submit(0.3, api_name="/slow") for _ in range(3)]
    firsts: list[int] = []
    for job in jobs:  # their joins travel side by side, so any of them may be the last in the queue
        queued = [event for event in job.events() if isinstance(event, Queued)]
        ranks = [event.rank for event in queued if event.rank is not None]
        assert ranks == sorted(ranks, reverse=True)
        assert ranks[-1] == 0
        firsts.append(ranks[0])
    assert max(firsts) >= 1
    assert [job.result(10) for job in jobs] == ["slept 0.3"] * 3
    assert jobs[0].status().code is Status.FINISHED


@pytest.mark.real("6.31.0", "4.13.0")
def test_a_full_queue(strict_url: str) -> None:
    with Client(strict_url, auth=("user", "pass word")) as client:
        jobs = [client.submit(0.4, api_name="/slow") for _ in range(6)]
        errors = [job.exception(15) for job in jobs]
        full = [error for error in errors if error is not None]
        assert 1 <= len(full) < 6
        for error in full:
            assert isinstance(error, QueueError)
            assert error.retryable
            assert "Queue is full" in str(error)
            assert error.endpoint == "/slow"
        assert client.predict("x", api_name="/echo") == "x"


def test_many_jobs_of_one_session(client: Client) -> None:
    """Forty at once, of every kind, each with the value that is its own."""
    choose = random.Random(7)
    expected: list[tuple[Any, Any]] = []
    for index in range(40):
        kind = choose.choice(["echo", "calc", "count", "stream", "json", "fail", "jsonstream"])
        if kind == "echo":
            expected.append((client.submit(f"é{index}", api_name="/echo"), f"é{index}"))
        elif kind == "calc":
            job = client.submit(index, "mul", 2, api_name="/calc")
            expected.append((job, (index * 2, f"{index} mul 2 = {index * 2}")))
        elif kind == "count":
            expected.append((client.submit(5, api_name="/count"), 4))
        elif kind == "stream":
            expected.append((client.submit(f"a {index} b", api_name="/stream"), f"a {index} b "))
        elif kind == "json":
            expected.append((client.submit([index, {"a": index}], api_name="/json"), [index, {"a": index}]))
        elif kind == "fail":
            expected.append((client.submit(str(index), api_name="/fail"), f"bad thing: {index}"))
        else:
            final = {"items": [{"i": 1, "s": "x"}], "done": True}
            expected.append((client.submit(2, api_name="/jsonstream"), final))
    for job, value in expected:
        error = job.exception(20)
        if isinstance(error, AppError):
            assert error.message == value
        else:
            assert error is None
            assert job.result() == value


def test_joins_that_cross_the_end_of_the_stream(client: Client) -> None:
    """Each new job comes while the stream of the one before is being closed."""
    for index in range(12):
        assert client.predict(str(index), api_name="/fast") == str(index)
    for index in range(12):
        job = client.submit(str(index), api_name="/fast")
        assert list(job) == [str(index)]


def test_cancelling_a_generator(client: Client) -> None:
    job = client.submit(50, 0.1, api_name="/slow_gen")
    assert next(iter(job)) == 0
    began = time.monotonic()
    assert job.cancel()
    assert time.monotonic() - began < 2
    assert job.cancelled()
    assert job.cancel_report is not None
    assert job.cancel_report.server_told
    assert client.predict("x", api_name="/echo") == "x"
    assert client.predict(3, api_name="/count") == 2


def test_cancelling_in_the_queue(client: Client) -> None:
    running = client.submit(0.5, api_name="/slow")
    until = time.monotonic() + 5
    while running.status().code is not Status.PROCESSING and time.monotonic() < until:
        time.sleep(0.01)
    queued = client.submit(0.1, api_name="/slow")
    while queued.status().code is not Status.IN_QUEUE and time.monotonic() < until:
        time.sleep(0.01)
    assert queued.cancel()
    assert not running.cancel()  # a plain function that runs
    assert running.result(10) == "slept 0.5"
    assert client.predict("x", api_name="/echo") == "x"


def test_a_job_that_is_cancelled_alone_in_the_queue(url: str) -> None:
    """Another client keeps the function busy; the server may be told, and the session goes on whatever it answers."""
    with Client(url) as other, Client(url) as client:
        busy = other.submit(0.6, api_name="/slow")
        until = time.monotonic() + 5
        while busy.status().code is not Status.PROCESSING and time.monotonic() < until:
            time.sleep(0.01)
        queued = client.submit(0.1, api_name="/slow")
        while queued.status().code is not Status.IN_QUEUE and time.monotonic() < until:
            time.sleep(0.01)
        assert queued.cancel()
        assert client.predict("x", api_name="/echo") == "x"
        assert busy.result(10) == "slept 0.6"
        time.sleep(0.2)  # what was cancelled may run now, and tell about it
        assert client.predict("y", api_name="/echo") == "y"
        assert client.submit(3, api_name="/count").result(10) == 2


@pytest.mark.real("6.31.0", "4.44.1")
def test_forcing_a_plain_function(client: Client) -> None:
    job = client.submit(1, api_name="/slow")
    until = time.monotonic() + 5
    while job.status().code is not Status.PROCESSING and time.monotonic() < until:
        time.sleep(0.01)
    assert job.cancel(force=True)
    assert job.cancelled()
    assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.real("6.31.0", "5.49.1")
def test_validators(client: Client) -> None:
    assert client.predict(1, "x", api_name="/validate") == "1x"
    with pytest.raises(ValidationError, match="a must be positive"):
        client.predict(-1, "x", api_name="/validate")
    assert client.predict(2, "x", api_name="/validate") == "2x"


@pytest.mark.real("6.31.0", "4.13.0")
def test_a_login(strict_url: str) -> None:
    for auth in (None, ("user", "wrong"), ("nobody", "pass word")):
        with pytest.raises(AuthenticationError, match=r"login|does not accept") as caught:
            Client(strict_url, auth=auth)
        assert "wrong" not in str(caught.value)
    with Client(strict_url, auth=("user", "pass word")) as client:
        assert client.predict("x", api_name="/echo") == "x"
        assert client.predict(api_name="/req")["username"] == "user"
        assert client.submit(3, api_name="/count").result(10) == 2


@pytest.mark.real("6.31.0")
def test_an_app_without_a_login_takes_any(url: str) -> None:
    with Client(url, auth=("user", "password")) as client:
        assert client.predict("x", api_name="/echo") == "x"
