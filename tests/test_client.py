"""The blocking client: what it takes, what it refuses at once, how it lives and dies."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from faulty import SHORT, FaultyServer, Peer, Seen, Watched, interrupt, within

import gradio_proto
from gradio_proto import Client, Timeouts
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    ClientClosed,
    ConnectError,
    DeadlineExceeded,
    GradioError,
    UnsupportedProtocol,
)
from gradio_proto.limits import Limits
from gradio_proto.testing import Component, Context, EmbeddedServer, Error, TestApp, serve


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None, title="tests")
    words = Component("state", value=[])

    app.endpoint("/echo")(echo)

    @app.endpoint("/add")
    def add(a: int, b: int = 2, c: int = 3) -> tuple[int, str]:
        return a + b + c, f"{a}+{b}+{c}"

    @app.endpoint("/awkward")
    def awkward(headers: str, api_name: str = "n", fn_index: int = 7) -> str:
        return f"{headers}|{api_name}|{fn_index}"

    @app.endpoint("/request")
    def request(*, context: Context) -> Any:
        return {"headers": dict(context.request_headers), "session": context.session_hash}

    @app.endpoint("/remember", inputs=["text", words], outputs=["json", words])
    def remember(word: str, known: list[str]) -> tuple[list[str], list[str]]:
        known = [*known, word]
        return known, known

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(f"bad: {x}", duration=None, visible=False, title="Oh no")

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    @app.endpoint("/slow")
    def slow(seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    with serve(app) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def echo(x: str) -> str:
    return x


def daemons() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gradio_proto"]


# What it takes.


def test_the_order_of_the_official_clients_parameters(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Client(url, None, 2, True, None, None) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert capsys.readouterr().out == f"Loaded as API: {url}/\n"


def test_the_other_names_of_parameters(url: str) -> None:
    with Client(space=url, hf_token="hf_x") as client:
        assert client.src == f"{url}/"
        headers = client.predict(api_name="/request")["headers"]
    assert headers["x-hf-authorization"] == "Bearer hf_x"
    # As with the official client, a header wins over the token.
    with Client(url, "hf_x", headers={"X-HF-Authorization": "Bearer hf_y"}) as client:
        headers = client.predict(api_name="/request")["headers"]
    assert headers["x-hf-authorization"] == "Bearer hf_y"
    with pytest.raises(TypeError, match="two names of one option"):
        Client(url, space="http://other.example")
    with pytest.raises(TypeError, match="two names of one option"):
        Client(url, "a", hf_token="b")
    with pytest.raises(TypeError, match="src is missing"):
        Client()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"src": 5}, TypeError, "src must be a str"),
        ({"src": "ftp://x"}, ArgumentError, "http"),
        ({"src": ""}, ArgumentError, "URL"),
        ({"token": 5}, TypeError, "token must be a str"),
        ({"auth": "user"}, TypeError, r"auth=\('user', 'password'\)"),
        ({"auth": ("user",)}, TypeError, "auth"),
        ({"auth": ("user", 5)}, TypeError, "auth"),
        ({"httpx_kwargs": {"timeout": 5}}, TypeError, "timeouts="),
        ({"download_files": 5}, TypeError, "download_files is a directory"),
        ({"download_files": ""}, TypeError, "download_files is a directory"),
        ({"download_files": b"/tmp"}, TypeError, "download_files is a directory"),
        ({"on_transfer": 5}, TypeError, "on_transfer must be callable, not int"),
        ({"max_workers": "40"}, TypeError, "max_workers"),
        ({"max_workers": 0}, ValueError, "max_workers"),
        ({"max_retries": -1}, ValueError, "max_retries"),
        ({"max_retries": True}, TypeError, "max_retries"),
        ({"timeouts": 5}, TypeError, "timeouts"),
        ({"limits": {"cookies": 5}}, TypeError, "limits"),
        ({"headers": [("a", "b")]}, TypeError, "headers"),
        ({"headers": {"a": 5}}, TypeError, "headers"),
        ({"headers": {"Host": "x"}}, ArgumentError, "Host"),
        ({"cookies": "a=b"}, TypeError, "cookies"),
        ({"cookies": {"a": 5}}, TypeError, "cookies"),
        ({"proxy": "ftp://x", "src": "http://a.example"}, ArgumentError, "proxy"),
        ({"proxy": 5, "src": "http://a.example"}, TypeError, "proxy"),
        ({"transport": "pigeons"}, ArgumentError, "no transport called 'pigeons'; there are: .*sockets"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], match: str) -> None:
    """Each is refused before anything is sent, and nothing is left open."""
    with FaultyServer() as server:
        given: dict[str, Any] = {"src": server.url, **options}
        with pytest.raises(error, match=match):
            Client(**given)
        gc.collect()
        assert server.connections == 0


def test_headers_and_cookies(url: str) -> None:
    mine = {"X-One": "client", "X-Two": "client"}
    with Client(url, headers=mine, cookies={"a": "b"}) as client:
        mine["X-One"] = "changed"
        headers = client.predict(api_name="/request", headers={"x-two": "call"})["headers"]
        assert (headers["x-one"], headers["x-two"], headers["cookie"]) == ("client", "call", "a=b")
        assert client.predict(api_name="/request")["headers"]["x-two"] == "client"


def test_what_it_knows(client: Client, url: str) -> None:
    assert client.src == f"{url}/"
    assert repr(client) == f"<Client of {url}/>"
    assert (client.protocol, client.app_version) == ("sse_v3", "6.31.0")
    assert client.config["title"] == "tests"
    assert client.predict(api_name="/request")["session"] == client.session_hash


def test_the_lazy_names_of_the_package() -> None:
    assert gradio_proto.Client is Client
    with pytest.raises(AttributeError):
        _ = cast(Any, gradio_proto).no_such_name


# Calling.


def test_arguments(client: Client) -> None:
    assert client.predict(1, api_name="/add") == (6, "1+2+3")
    assert client.predict(1, c=5, api_name="/add") == (8, "1+2+5")
    assert client.predict(a=1, b=1, c=1, api_name="add") == (3, "1+1+1")
    assert client.predict(1, fn_index=1) == (6, "1+2+3")
    assert client.submit(1, 1, c=0, api_name="/add").result(5) == (2, "1+1+0")


def test_an_endpoint_by_itself(client: Client) -> None:
    endpoint = client.endpoint("/awkward")
    assert endpoint.predict(headers="h") == "h|n|7"
    assert endpoint(headers="h", api_name="a", fn_index=3) == "h|a|3"
    assert endpoint.submit("h", fn_index=1).result(5) == "h|n|1"
    assert repr(endpoint) == f"<Endpoint /awkward of {client.src}>"


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "match"),
    [
        ((), {"api_name": "/echo"}, TypeError, "missing 1 required positional argument: 'x'"),
        ((1, 2), {"api_name": "/echo"}, TypeError, "takes 1 positional argument but 2 were given"),
        ((1,), {"api_name": "/echo", "y": 2}, TypeError, "unexpected keyword argument 'y'"),
        ((1,), {"api_name": "/add", "a": 2}, TypeError, "multiple values for argument 'a'"),
        ((1,), {"api_name": "/ecco"}, ArgumentError, r"did you mean '/echo'\?\). Its endpoints: /echo, /add"),
        ((1,), {}, ArgumentError, "several endpoints: .* /echo, /add"),
        ((1,), {"fn_index": 99}, ArgumentError, "no endpoint with fn_index 99"),
        ((1,), {"api_name": 5}, TypeError, "api_name"),
        ((1,), {"fn_index": "5"}, TypeError, "fn_index"),
        (({1, 2},), {"api_name": "/echo"}, ValueError, "set"),
        ((object(),), {"api_name": "/echo"}, ValueError, "object"),
        ((1,), {"api_name": "/echo", "headers": {"a": 1}}, TypeError, "headers"),
        ((1,), {"api_name": "/echo", "headers": {"a": "b\r\nc: d"}}, ArgumentError, "line break"),
    ],
)
def test_wrong_calls(
    url: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Exception], match: str
) -> None:
    """submit() raises what is wrong with a call at once, like predict()."""
    watched = Watched()
    with Client(url, transport=watched) as client:
        for call in (client.predict, client.submit):
            with pytest.raises(error, match=match):
                call(*args, **kwargs)
        assert watched.connections == 1
        assert daemons() == []
        assert client.predict("x", api_name="/echo") == "x"


def test_a_default_endpoint(url: str) -> None:
    with Client(url, api_name="/echo") as client:
        assert client.predict("x") == "x"
        assert client.predict(1, api_name="/add") == (6, "1+2+3")


def test_an_app_error(client: Client) -> None:
    with pytest.raises(AppError) as caught:
        client.predict("x", api_name="/fail")
    error = caught.value
    assert (error.message, error.title, error.duration, error.visible) == ("bad: x", "Oh no", None, False)
    assert (error.endpoint, error.hidden, error.server_version) == ("/fail", False, "6.31.0")
    assert error.event_id
    assert client.predict("x", api_name="/echo") == "x"


def test_a_generators_result_is_its_last_value(client: Client) -> None:
    assert client.predict(5, api_name="/count") == 4


def test_state_and_a_new_session(client: Client) -> None:
    first = client.session_hash
    assert client.predict("a", api_name="/remember") == ["a"]
    assert client.predict("b", api_name="/remember") == ["a", "b"]
    client.reset_session()
    assert client.session_hash != first
    assert client.predict("c", api_name="/remember") == ["c"]
    client.reset_session()
    client.reset_session()


def test_open_jobs_survive_a_new_session(client: Client) -> None:
    job = client.submit(0.2, api_name="/slow")
    client.reset_session()
    assert client.predict("x", api_name="/echo") == "x"
    assert job.result(5) == "slept"
    assert job.session_hash != client.session_hash


def test_a_session_that_is_given_up_keeps_no_connection(client: Client) -> None:
    pool = client._engine.transport.pool  # type: ignore[attr-defined]
    for _ in range(5):
        assert client.predict("x", api_name="/echo") == "x"
        client.reset_session()
    assert len(pool._busy) <= client.config["connect_heartbeat"]  # which ends when the client is used next


def test_view_api(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.view_api() is None
    printed = capsys.readouterr().out
    assert 'predict(a, b, c, api_name="/add")' in printed
    text = client.view_api(print_info=False, return_format="str")
    assert isinstance(text, str)
    assert text == printed.rstrip("\n") or text == printed[:-1]
    described = client.view_api(print_info=False, return_format="dict")
    assert isinstance(described, dict)
    assert list(described["named_endpoints"])[:2] == ["/echo", "/add"]
    assert capsys.readouterr().out == ""


def test_max_workers() -> None:
    running: list[int] = []
    most: list[int] = []
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/busy")
    def busy(x: str) -> str:
        running.append(1)
        most.append(len(running))
        time.sleep(0.03)
        running.pop()
        return x

    with serve(app) as url, Client(url, max_workers=2) as client:
        jobs = [client.submit(str(number)) for number in range(8)]
        assert [job.result(5) for job in jobs] == [str(number) for number in range(8)]
    assert max(most) <= 2


def test_an_unsupported_protocol() -> None:
    with (
        FaultyServer(config={"protocol": "carrier_pigeon"}) as server,
        pytest.raises(UnsupportedProtocol, match="carrier_pigeon"),
    ):
        Client(server.url)
    gc.collect()


# Its life.


def test_a_closed_client(url: str) -> None:
    client = Client(url)
    client.close()
    client.close()
    for use in (lambda: client.predict("x", api_name="/echo"), lambda: client.submit("x", api_name="/echo")):
        with pytest.raises(ClientClosed, match="make a new one"):
            use()
    with pytest.raises(ClientClosed):
        _ = client.session_hash
    client.reset_session()
    assert client.src == f"{url}/"


def test_a_leaked_client_warns(url: str) -> None:
    def leak() -> None:
        Client(url)
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed <Client of"):
        leak()


def test_predict_starts_no_thread(url: str) -> None:
    before = {*threading.enumerate()}
    with Client(url) as client:
        for _ in range(3):
            client.predict("x", api_name="/echo")
        started = {*threading.enumerate()} - before
        assert [thread.name for thread in started if "worker" not in thread.name] == []


def test_a_pickle_carries_no_credentials(url: str) -> None:
    secrets = {
        "token": "hf_secret1",
        "headers": {"authorization": "secret2"},
        "cookies": {"session": "secret3"},
        "proxy": "http://me:secret4@127.0.0.1:1",
    }
    with Client(url, **cast(Any, secrets), timeouts=Timeouts(read=7), api_name="/echo") as client:
        pickled = pickle.dumps(client)
        session = client.session_hash
    for number in range(1, 5):
        assert f"secret{number}".encode() not in pickled
    with pickle.loads(pickled) as again:  # noqa: S301
        assert again.session_hash != session
        assert again.predict("x") == "x"
        assert again.predict(1, api_name="/add") == (6, "1+2+3")
        headers = again.predict(api_name="/request")["headers"]
        assert {"x-hf-authorization", "authorization", "cookie"} & set(headers) == set()


def test_a_pickle_connects_lazily(url: str) -> None:
    app = TestApp()
    app.endpoint("/echo")(echo)
    with serve(app) as gone, Client(gone) as client:
        pickled = pickle.dumps(client)
    again = pickle.loads(pickled)  # noqa: S301 (nobody is there to answer)
    with pytest.raises(ConnectError):
        again.predict("x")
    again.close()
    with Client(url) as client, copy.copy(client) as twin:
        assert twin.predict("x", api_name="/echo") == "x"
        assert twin.session_hash != client.session_hash


def test_a_client_with_a_transport_of_ones_own_cannot_be_pickled(url: str) -> None:
    with Client(url, transport=Watched()) as client, pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)


def test_limits_hold(url: str) -> None:
    with pytest.raises(GradioError, match="json_body_bytes"):
        Client(url, limits=Limits(json_body_bytes=100))
    gc.collect()


# Threads.


def test_twenty_threads_share_a_client(client: Client) -> None:
    def calls(thread: int) -> list[Any]:
        return [client.predict(f"{thread}/{number}", api_name="/echo") for number in range(10)]

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(calls, range(20)))
    assert results == [[f"{thread}/{number}" for number in range(10)] for thread in range(20)]


def test_threads_that_submit_and_wait(client: Client) -> None:
    def calls(thread: int) -> list[Any]:
        jobs = [client.submit(f"{thread}/{number}", api_name="/echo") for number in range(5)]
        return [job.result(10) for job in jobs]

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(calls, range(20)))
    assert results == [[f"{thread}/{number}" for number in range(5)] for thread in range(20)]


def test_closing_ends_a_predict_of_another_thread() -> None:
    with FaultyServer({"queue/data": _never}) as server:
        client = Client(server.url)
        errors: list[BaseException] = []

        def call() -> None:
            try:
                client.predict("x")
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=call, daemon=True) for _ in range(5)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        began = time.monotonic()
        client.close()
        for thread in threads:
            thread.join(5)
        assert time.monotonic() - began < 1
        assert [type(error) for error in errors] == [ClientClosed] * 5


def _never(peer: Peer, _: Seen) -> None:
    peer.begin_stream()
    peer.wait_for_end()


def test_closing_while_connecting_elsewhere(url: str) -> None:
    """close() beside calls at every moment: each call gives its value or ClientClosed."""
    for pause in (0.0, 0.001, 0.002, 0.004, 0.008):
        client = Client(url)
        outcomes: list[Any] = []

        def call(client: Client = client, outcomes: list[Any] = outcomes) -> None:
            try:
                while True:
                    assert client.predict("x", api_name="/echo") == "x"
            except BaseException as error:
                outcomes.append(error)

        threads = [threading.Thread(target=call, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(pause)
        client.close()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()
        assert [type(outcome) for outcome in outcomes] == [ClientClosed] * 3, outcomes


# Ctrl-C.


@pytest.fixture
def interrupting() -> Iterator[int]:
    """The number of a signal that means what Ctrl-C means."""

    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, handle)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupt_leaves_the_client_usable(url: str, interrupting: int) -> None:
    with Client(url) as client:
        began = time.monotonic()
        interrupt(lambda: client.predict(2, api_name="/slow"), 0.1, interrupting)
        assert time.monotonic() - began < 1
        assert client.predict("x", api_name="/echo") == "x"
        job = client.submit("y", api_name="/echo")
        slow = [client.submit(0.5, api_name="/slow") for _ in range(5)]
        began = time.monotonic()
        interrupt(slow[0].result, 0.1, interrupting)
        assert time.monotonic() - began < 1
        assert job.result(5) == "y"
        assert [each.result(5) for each in slow] == ["slept"] * 5


def test_interrupts_one_after_the_other(url: str, interrupting: int) -> None:
    """No lock is left held, no slot taken and no connection lost, however often a wait is interrupted."""
    with Client(url, max_workers=3) as client:
        for _ in range(10):
            interrupt(lambda: client.predict(0.1, api_name="/slow"), 0.05, interrupting)
            assert client.predict("x", api_name="/echo") == "x"


# Processes.


def python(program: str, url: str, *, timeout: float = 15) -> tuple[str, float]:
    """Run a program in a process of its own, which must be silent on stderr; return its output, and how long its
    end took, counted from its last line."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines, said = "", time.monotonic()
    try:
        for line in process.stdout:
            lines += line
            said = time.monotonic()
            if line.startswith("end"):
                break
        process.wait(timeout)
        took = time.monotonic() - said
        assert process.stderr.read() == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.stdout.close()
        process.stderr.close()
    return lines, took


def test_an_interpreter_ends_quickly_with_open_jobs(url: str) -> None:
    program = """
import sys
from gradio_proto import Client
client = Client(sys.argv[1])
jobs = [client.submit(30, api_name="/slow") for _ in range(20)]
iterators = [iter(client.submit(10**6, api_name="/count")) for _ in range(3)]
for iterator in iterators:
    next(iterator)
print("end", flush=True)
"""
    output, took = python(program.replace("-W", ""), url)
    assert output == "end\n"
    assert took < 1


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, of any fork beside a thread
from gradio_proto import Client
from gradio_proto.errors import ConnectionLost
client = Client(sys.argv[1], api_name="/echo")
called = []
job = client.submit(0.6, api_name="/slow")
job.add_done_callback(lambda job: called.append(os.getpid()))
waiting = threading.Thread(target=lambda: job.exception())
waiting.start()
client.predict("before")
queued = [client.submit("q") for _ in range(3)]
pid = os.fork()
if pid == 0:
    error = job.exception(5)
    assert isinstance(error, ConnectionLost), repr(error)
    assert client.predict("child") == "child"
    assert client.submit("child").result(5) == "child"
    done = threading.Event()
    client.submit("child").add_done_callback(lambda job: done.set())
    assert done.wait(5)
    assert called == []
    client.close()
    os._exit(7)
assert job.result(5) == "slept"
assert [each.result(5) for each in queued] == ["q"] * 3
assert client.predict("parent") == "parent"
assert client.submit("parent").result(5) == "parent"
waiting.join()
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
client.close()
assert called == [os.getpid()]
print("end", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_in_the_middle(url: str) -> None:
    output, _ = python(FORK, url)
    assert output == "end\n"


def test_ctrl_c_while_fifty_jobs_wait(url: str) -> None:
    program = """
import signal, sys
from gradio_proto import Client
signal.signal(signal.SIGINT, signal.default_int_handler)
client = Client(sys.argv[1])
jobs = [client.submit(30, api_name="/slow") for _ in range(50)]
signal.setitimer(signal.ITIMER_REAL, 0.3)
signal.signal(signal.SIGALRM, lambda *_: (print("end", flush=True), signal.raise_signal(signal.SIGINT)))
try:
    for job in jobs:
        job.result()
except KeyboardInterrupt:
    client.close()
"""
    output, took = python(program, url)
    assert output == "end\n"
    assert took < 1


def test_deadlines_are_the_clients_own() -> None:
    with (
        FaultyServer({"queue/data": _never}) as server,
        Client(server.url, timeouts=SHORT) as short,
        Client(server.url) as patient,
    ):
        job = patient.submit("x")
        with pytest.raises(DeadlineExceeded):
            short.predict("x")
        assert not job.done()


def test_a_server_that_comes_back() -> None:
    app = TestApp()
    app.endpoint("/echo")(echo)
    server = EmbeddedServer(app)
    port = int(server.url.rpartition(":")[2])
    with Client(server.url) as client:
        assert client.predict("x") == "x"
        server.close()
        with pytest.raises(GradioError):
            client.predict("x")
        with EmbeddedServer(app, port=port):
            assert client.predict("x") == "x"
            assert client.submit("x").result(5) == "x"
