"""Who may call what, on real servers: logins, paths, proxies and mounts, tokens, and servers that stop."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from proxying import ReverseProxy
from servers.running import STRICT, Servers, number

from gradio_proto import Client, handle_file
from gradio_proto.conformance.reference import RunningApp
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    GradioError,
    HTTPStatusError,
    QueueError,
    ServerStopped,
    ValidationError,
)
from gradio_proto.events import Queued
from gradio_proto.status import Status

LOGIN = ("user", "pass word")
PATH = STRICT["root_path"]

MOUNTED: dict[str, Any] = {"auth": ":".join(LOGIN), "mount": "/mounted/here"}
"""An app that is part of another one."""

VARIANTS = {"mounted_url": MOUNTED}


@pytest.fixture(autouse=True)
def bounded(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    if "stoppable" in request.fixturenames:
        request.getfixturevalue("stoppable")  # starting one takes longer than a test may
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with within(30):
        yield


@pytest.fixture
def mounted_url(real_server: Servers, server_version: str) -> str:
    return real_server(server_version, **MOUNTED)


def eventually(true: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)


def use(client: Client, user: str | None = None) -> None:
    """Everything that a client does, once."""
    assert client.predict("x", api_name="/echo") == "x"
    assert list(client.submit(3, api_name="/count")) == [0, 1, 2]
    assert client.predict("a b", api_name="/state") == 2
    assert client.predict("c", api_name="/state") == 3
    request = client.predict(api_name="/req", headers={"x-mine": "yes"})
    assert (request["username"], request["headers"]["x-mine"]) == (user, "yes")
    path = client.predict(handle_file(b"some text", name="a é.txt"), api_name="/file")
    assert Path(path).read_bytes() == b"SOME TEXT"
    job = client.submit(100, 0.05, api_name="/slow_gen")
    assert next(job) == 0
    assert job.cancel()
    with pytest.raises(AppError, match=r"^bad thing: x"):
        client.predict("x", api_name="/fail")
    assert client.predict("x", api_name="/echo") == "x"


# Logins.


def test_a_login_below_the_path_of_a_proxy(strict_url: str, server_version: str) -> None:
    """Every call works, and every request has the cookie."""
    with ReverseProxy(strict_url, prefix=PATH) as proxy:
        with Client(proxy.url, auth=LOGIN) as client:
            use(client, "user")
            if number(server_version) >= (4, 44):
                eventually(lambda: any("/heartbeat/" in request.path for request in proxy.passed))
        assert not proxy.refused
        assert proxy.passed[0].path == "/login"
        paths = "".join(request.path for request in proxy.passed)
        assert all(route in paths for route in ("/upload", "/file=", "/queue/join", "/queue/data"))
        for request in proxy.passed[1:]:
            cookies = request.headers["cookie"].split("; ")
            # The server sets a second one, which is for https only.
            assert [cookie.startswith("access-token-unsecure-") for cookie in cookies] == [True], request


def test_a_login_without_a_proxy(strict_url: str) -> None:
    with Client(strict_url, auth=LOGIN) as client:
        use(client, "user")


def test_a_missing_login_tells_what_the_app_says(strict_url: str) -> None:
    with pytest.raises(AuthenticationError, match=r"\(the app says: please log in\)") as caught:
        Client(strict_url)
    assert "auth=('user', 'password')" in str(caught.value)
    assert caught.value.auth_message == "please log in"


@pytest.mark.parametrize("auth", [("user", "wrong sesame"), ("nobody", LOGIN[1]), ("", "")])
def test_a_wrong_password(strict_url: str, auth: tuple[str, str]) -> None:
    with pytest.raises(AuthenticationError, match="does not accept") as caught:
        Client(strict_url, auth=auth)
    assert "sesame" not in str(caught.value)


@pytest.mark.real("4.44.1", "5.49.1", "6.31.0")
def test_a_login_that_the_server_has_forgotten_is_made_again(strict_url: str) -> None:
    with Client(strict_url, auth=LOGIN) as client:
        assert client.predict("x", api_name="/echo") == "x"
        cookie = client._engine.state.cookies.header("/", 0.0)
        assert cookie is not None
        request = urllib.request.Request(f"{strict_url}/logout", headers={"Cookie": cookie})
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except (
            urllib.error.HTTPError
        ) as error:  # where it leads to is not there: nobody asked through the proxy
            error.close()
        with pytest.raises(AuthenticationError, match=r"client\.refresh\(\) logs in again") as caught:
            client.predict("x", api_name="/echo")
        assert caught.value.endpoint == "/echo"
        client.refresh()
        assert client.predict("x", api_name="/echo") == "x"


# Paths.


def test_a_proxy_of_which_the_app_knows_nothing(url: str) -> None:
    with ReverseProxy(url, prefix="/elsewhere") as proxy:
        with Client(proxy.url) as client:
            use(client)
        with Client(proxy.url, auth=LOGIN) as client:  # it has no login, and answers with its own address
            assert client.predict("x", api_name="/echo") == "x"
        assert not proxy.refused


@pytest.mark.real("4.13.0", "6.31.0")
def test_an_app_that_is_mounted(mounted_url: str, server_version: str) -> None:
    # Mounting knows no logins yet on 4.13.
    user = "user" if number(server_version) >= (4, 44) else None
    with Client(mounted_url, auth=LOGIN) as client:
        use(client, user)
    with ReverseProxy(mounted_url.removesuffix("/mounted/here"), prefix="/front") as proxy:
        with Client(f"{proxy.url}/mounted/here/", auth=LOGIN) as client:
            use(client, user)
        assert not proxy.refused
        assert all(request.path.startswith("/mounted/here/") for request in proxy.passed)


# What goes with a call.


def test_event_data(url: str) -> None:
    with Client(url) as client:
        event = {"index": [1, 2], "value": "a"}
        assert client.endpoint("/seldata", event_data=event).predict() == event
        job = client.endpoint("/seldata", event_data={"index": 0, "value": None}, trigger_id=0).submit()
        assert job.result(10) == {"index": 0, "value": None}


@pytest.mark.real("6.31.0")
def test_tokens_for_the_apps_own_use(url: str) -> None:
    with Client(url) as client:
        assert client.predict("x", api_name="/granted") == "x:None"
        with pytest.raises(ArgumentError, match="oauth_token="):
            client.predict("x", api_name="/granted_only")
    with Client(url, oauth_token="hf_sesame") as client:
        assert client.predict("x", api_name="/granted") == "x:hf_sesame"
        assert client.submit("x", api_name="/granted_only").result(10) == "x:hf_sesame"
        text = client.view_api(print_info=False, return_format="str")
        assert isinstance(text, str)
        assert "takes your Hugging Face token (required)" in text
        assert "sesame" not in str(client.predict(api_name="/req"))


@pytest.mark.real("6.31.0")
def test_a_login_with_hugging_face_that_is_missing(url: str) -> None:
    """A cookie might have been one; the app knows."""
    with Client(url, cookies={"session": "x"}) as client, pytest.raises(AppError, match="logged in"):
        client.predict("x", api_name="/granted_only")


# Errors.


def known(error: GradioError | None, endpoint: str, version: str, *, event: bool) -> None:
    """An error says where it happened, as far as anybody knows."""
    assert error is not None
    text = str(error)
    assert (error.endpoint, error.server_version) == (endpoint, version)
    assert f"endpoint {endpoint}" in text
    assert f"Gradio {version}" in text
    assert error.last_status is not None
    assert f"last status {error.last_status}" in text
    assert (error.event_id is not None) == event
    assert (f"event {error.event_id}" in text) == event


def test_errors_that_the_app_hides(strict_url: str, server_version: str) -> None:
    with Client(strict_url, auth=LOGIN) as client:
        for name, argument in (("/crash", "x"), ("/gen_crash", 2)):
            with pytest.raises(AppError, match=r"show_error=True") as caught:
                client.predict(argument, api_name=name)
            assert caught.value.hidden
            assert not caught.value.retryable
            assert "crashed" not in str(caught.value)
            known(caught.value, name, server_version, event=True)
        for name, argument, said in (("/fail", "it's", "bad thing: it's"), ("/gen_fail", 2, "gen failed")):
            with pytest.raises(AppError) as caught:
                client.predict(argument, api_name=name)
            assert not caught.value.hidden
            assert caught.value.message == said  # without the quotes of servers up to 4.44
            known(caught.value, name, server_version, event=True)


def test_a_queue_that_is_full(strict_url: str, server_version: str) -> None:
    with Client(strict_url, auth=LOGIN) as client:
        running = client.submit(1, api_name="/slow")
        eventually(lambda: running.status().code is Status.PROCESSING)
        waiting = client.submit(0.1, api_name="/slow")
        eventually(lambda: any(isinstance(event, Queued) for event in waiting.events()))
        with pytest.raises(QueueError, match="Queue is full") as caught:
            client.predict(0.1, api_name="/slow")
        assert caught.value.retryable
        known(caught.value, "/slow", server_version, event=False)
        assert waiting.result(15) == "slept 0.1"


@pytest.mark.real("5.49.1", "6.31.0")
def test_input_that_a_validator_refuses(url: str, server_version: str) -> None:
    with Client(url) as client:
        with pytest.raises(ValidationError, match=r"a: a must be positive; b: b must not be empty") as caught:
            client.predict(-1, "", api_name="/validate")
        assert not caught.value.retryable
        assert [entry["is_valid"] for entry in caught.value.detail] == [False, False]
        known(caught.value, "/validate", server_version, event=False)


def refused(client: Client, old: bytes, new: bytes) -> GradioError:
    """The error of a call of ``/echo`` whose join is changed on its way."""
    engine, endpoint = client._engine, client.endpoint("/echo")
    with engine.transport.lock:
        job, live = engine.begin(endpoint._endpoint, endpoint._options, ("x",), {}, keep_messages=False)
        assert old in job.payload
        job.payload = job.payload.replace(old, new)
    engine.transport.run(engine.call(live, job))
    with pytest.raises(GradioError) as caught:
        job.result()
    return caught.value


def test_input_that_the_server_refuses(url: str, server_version: str) -> None:
    """The other shape of a 422: a join that is no join."""
    with Client(url) as client:
        error = refused(client, b'["x"]', b'"no list"')
        assert isinstance(error, ValidationError)
        assert "data: " in str(error)
        assert error.detail[0]["loc"][-1] == "data"
        assert not error.retryable
        known(error, "/echo", server_version, event=False)
        assert client.predict("x", api_name="/echo") == "x"


def test_a_function_that_the_app_does_not_have(url: str) -> None:
    with Client(url) as client:
        error = refused(client, b'"fn_index":0', b'"fn_index":9999')
        assert isinstance(error, HTTPStatusError)
        assert (error.status, error.retryable) == (500, False)
        assert "refresh" not in str(error)  # it is the app that was connected to
        client.refresh()
        assert client.predict("x", api_name="/echo") == "x"


def test_a_stream_that_breaks_off_on_its_way(url: str, server_version: str) -> None:
    """The server drops the job then, and some say nothing of it to whoever asks for the stream again."""
    with ReverseProxy(url) as proxy, Client(proxy.url) as client:
        prefix = "/gradio_api" if number(server_version) >= (5,) else ""
        proxy.hiccups.add(f"{prefix}/queue/data")
        error = client.submit(2, api_name="/slow").exception(15)
        assert isinstance(error, HTTPStatusError)
        assert (error.status, error.retryable) == (502, False)
        known(error, "/slow", server_version, event=True)
        client.reset_session()  # the app has State: without this, the next job joins what the server may still drop
        assert client.predict("x", api_name="/echo") == "x"


@pytest.fixture
def stoppable(real_server: Servers, server_version: str) -> Iterator[RunningApp]:
    """A server of the test's own."""
    with real_server.own(server_version) as running:
        yield running


@pytest.mark.real("4.13.0", "5.49.1")
def test_an_app_that_stops(stoppable: RunningApp, server_version: str) -> None:
    with Client(stoppable.url, max_retries=0) as client, Client(stoppable.url, max_retries=0) as other:
        assert other.predict("x", api_name="/echo") == "x"
        jobs = [client.submit(400, 0.05, api_name="/slow_gen"), client.submit(20, api_name="/slow")]
        assert next(jobs[0]) == 0
        eventually(lambda: jobs[1].status().code is Status.PROCESSING)
        stoppable.close_app()
        for job, endpoint in zip(jobs, ("/slow_gen", "/slow"), strict=True):
            error = job.exception(15)
            assert isinstance(error, ServerStopped)
            assert (error.phase, error.retryable) == ("stream_lost", False)
            known(error, endpoint, server_version, event=True)
        assert jobs[0].outputs()[0] == 0
        # While its HTTP server goes on, it says that the queue is stopped; what is under way at its end is lost.
        last: GradioError | None = None
        while not isinstance(last, ConnectError):
            with pytest.raises((QueueError, ConnectionLost, ConnectError)) as caught:
                other.predict("x", api_name="/echo")
            last = caught.value
            assert last.retryable == isinstance(last, ConnectError)
            assert not isinstance(last, QueueError) or "Queue is stopped" in str(last)
            known(last, "/echo", server_version, event=False)
            time.sleep(0.05)


@pytest.mark.real("6.31.0")
def test_a_server_that_is_killed_and_comes_again(
    stoppable: RunningApp, real_server: Servers, server_version: str
) -> None:
    with Client(stoppable.url, max_retries=0) as client:
        jobs = [client.submit(400, 0.05, api_name="/slow_gen")]
        jobs += [client.submit(20, api_name="/slow") for _ in range(2)]
        assert next(jobs[0]) == 0
        eventually(lambda: all(job.event_id is not None for job in jobs))
        stoppable.kill()
        for job in jobs:
            error = job.exception(10)
            assert isinstance(error, ConnectionLost)
            assert (error.phase, error.retryable) == ("stream_lost", False)
            known(error, "/slow_gen" if job is jobs[0] else "/slow", server_version, event=True)
        with pytest.raises(ConnectError) as caught:
            client.predict("x", api_name="/echo")
        assert caught.value.retryable
        known(caught.value, "/echo", server_version, event=False)
        port = int(stoppable.url.rpartition(":")[2])
        with within(120), real_server.own(server_version, port=port):
            assert client.predict("x", api_name="/echo") == "x"
            before = client.app_id
            assert "client.refresh()" in str(refused(client, b'"fn_index":0', b'"fn_index":9999'))
            client.refresh()
            assert client.app_id != before
            use(client)
