"""No secret is shown anywhere: in errors, representations, logs, traces, warnings, pickles, reports, by any command.

Every secret is a canary (see canaries.py), so whatever is shown is searched for all of them at once, base64 included.
That they are really there is seen where they belong: the server gets them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import click
import pytest
import trio
from canaries import (
    CALL_HEADERS,
    OAUTH_TOKEN,
    PASSWORD,
    PROXY_PASSWORD,
    SESSION_COOKIE,
    SIGN,
    TOKEN,
    USER_INFO,
    canary,
    held_by_error,
    leaks,
    reachable,
    secrets,
    shown_by_error,
)
from faulty import SHORT, FaultyServer, Handler, Peer, Seen, within
from file_server import STORED, FileServer, file_data
from hub_server import HubServer, stand_in
from ways import Asyncio, AsyncioOverHTTPCore, OverHTTPCore, Sockets, Trio, TrioOverHTTPCore, Way

from gradio_proto import AsyncClient, Client, GradioError, Job, Status, Timeouts, handle_file
from gradio_proto.cli.command import root, run
from gradio_proto.client import loose_files
from gradio_proto.recording import Recorder
from gradio_proto.testing import Context, EmbeddedServer, Error, File, TestApp
from gradio_proto.testing.memory import MemoryTransport

SHORTEST = Timeouts(connect=0.2, read=0.2, write=0.2, idle=0.2)
"""For a server that says nothing at all."""


class SecretServer(FileServer):
    """Wants a login, a token, files and a heartbeat, and sets a cookie, so that every secret has its place."""

    def __init__(self, handlers: dict[str, Handler] | None = None) -> None:
        super().__init__(file_data(), handlers, cookie=SESSION_COOKIE)


@pytest.fixture(autouse=True)
def shown_nowhere(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing hangs, and neither the log at its lowest level nor what is printed tells a secret."""
    with within(60), caplog.at_level(logging.DEBUG):
        yield
    printed = capfd.readouterr()
    assert not leaks(caplog.text)
    assert not leaks(printed.out + printed.err)


def a_file() -> Any:
    return handle_file(b"mine", name="a.txt")


def use(client: Client) -> None:
    """Whatever a client can do."""
    client.predict(a_file(), headers=CALL_HEADERS)
    job = client.submit(a_file(), headers=CALL_HEADERS)
    job.result(5)
    client.view_api()
    client.submit(a_file(), headers=CALL_HEADERS).cancel()
    client.reset_session()
    client.refresh()
    client.predict(a_file())


def failure_of(server: FaultyServer, timeouts: Timeouts = SHORT, **options: Any) -> GradioError | None:
    """Use a client with all secrets; the error that ends that, if one does."""
    with warnings.catch_warnings(record=True) as warned:
        try:
            with Client(
                f"{server.url}/?__sign={SIGN}",
                **secrets(),
                verbose=True,
                timeouts=timeouts,
                max_retries=0,
                **options,
            ) as client:
                use(client)
        except GradioError as error:
            return error
        finally:
            assert not leaks("".join(str(warning.message) for warning in warned))
    return None


def assert_tells_nothing(error: BaseException) -> None:
    held = held_by_error(error) if isinstance(error, GradioError) else ()
    for shown in (*shown_by_error(error), *held):
        assert not leaks(shown)
    cause = error.__cause__ if error.__suppress_context__ else error.__cause__ or error.__context__
    if cause is not None:
        assert_tells_nothing(cause)


# The search itself.


def test_the_search_finds_every_form() -> None:
    for text in (
        TOKEN,
        repr({"a": TOKEN}),
        quote(PASSWORD, safe=""),
        repr(PASSWORD.encode()),
        TOKEN.upper(),
        *(base64.b64encode(f"{'a' * length}:{PASSWORD}".encode()).decode() for length in range(1, 7)),
        *(base64.urlsafe_b64encode(f"{'a' * length}{TOKEN}".encode()).decode() for length in range(6)),
        TOKEN.encode().hex(),
    ):
        assert leaks(f"before {text} after"), text
    assert not leaks(f"{'x' * 1000} canaries sing")


def test_the_secrets_are_really_sent() -> None:
    """What all tests below rely on: with nobody in the way, every secret goes out."""
    with SecretServer() as server:
        assert failure_of(server) is None
        sent = "".join(f"{request.target} {request.headers} {request.body!r}" for request in server.requests)
        for number in (1, 2, 3, 4, 5, 6, 7, 10, 12):
            assert canary(number) in sent, number
        assert canary(9) not in sent  # a query of the app's address is nobody's business


# Errors.


def html(peer: Peer, _: Seen) -> None:
    peer.reply(b"<html><body>Sign in</body></html>", kind="text/html", set_cookie=f"s={SESSION_COOKIE}")


def status(code: str) -> Handler:
    def refuse(peer: Peer, _: Seen) -> None:
        peer.json({"detail": "no"}, code, set_cookie=f"affinity={SESSION_COOKIE}", retry_after="0")

    return refuse


def no_json(peer: Peer, _: Seen) -> None:
    peer.reply(b"{", set_cookie=f"s={SESSION_COOKIE}")


def wrong_json(peer: Peer, _: Seen) -> None:
    peer.json(["what", "is", "this"], set_cookie=f"s={SESSION_COOKIE}")


def cut_off(peer: Peer, _: Seen) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    peer.close()


def reset(peer: Peer, _: Seen) -> None:
    peer.reset()


def no_http(peer: Peer, _: Seen) -> None:
    peer.send(b"SSH-2.0 here\r\n\r\n")
    peer.close()


def elsewhere(peer: Peer, request: Seen) -> None:
    peer.reply(
        b"", "302 Found", location=f"http://192.0.2.1{request.target}", set_cookie=f"s={SESSION_COOKIE}"
    )


def compressed(peer: Peer, _: Seen) -> None:
    peer.reply(b"x", content_encoding="gzip", set_cookie=f"s={SESSION_COOKIE}")


def silent(peer: Peer, _: Seen) -> None:
    peer.wait_for_end()


FAULTS: dict[str, Handler] = {
    "html": html,
    "400": status("400 Bad Request"),
    "401": status("401 Unauthorized"),
    "403": status("403 Forbidden"),
    "404": status("404 Not Found"),
    "413": status("413 Content Too Large"),
    "422": status("422 Unprocessable Content"),
    "429": status("429 Too Many Requests"),
    "500": status("500 Internal Server Error"),
    "503": status("503 Service Unavailable"),
    "no JSON": no_json,
    "wrong JSON": wrong_json,
    "cut off": cut_off,
    "reset": reset,
    "no HTTP": no_http,
    "elsewhere": elsewhere,
    "compressed": compressed,
    "silent": silent,
}

ROUTES = ("config", "info", "login", "upload", "queue/join", "queue/data", "cancel", "file", "heartbeat")


@pytest.mark.parametrize("route", ROUTES)
def test_no_error_tells_a_secret(route: str) -> None:
    failed = 0
    for name, fault in FAULTS.items():
        with SecretServer({route: fault}) as server:
            error = failure_of(server, SHORTEST if name == "silent" else SHORT)
            assert server.seen(route) or route == "cancel"
        if error is not None:
            assert_tells_nothing(error)
            failed += 1
    assert failed >= len(FAULTS) - 4 or route in ("cancel", "heartbeat")


def echo_page(peer: Peer, request: Seen) -> None:
    """What a proxy's page for developers shows: the whole request."""
    page = f"<pre>{request.target} {dict(request.headers)} {request.body.decode()}</pre>"
    peer.reply(page.encode(), "500 Internal Server Error", kind="text/html")


def echo_detail(peer: Peer, request: Seen) -> None:
    said = [f"{name}: {value}" for name, value in request.headers.items()]
    peer.json({"detail": f"not allowed: {' '.join(reversed(said))} {request.body.decode()}"}, "403 Forbidden")


def echo_validation(peer: Peer, request: Seen) -> None:
    """FastAPI's own reply repeats the input that it refuses."""
    refused = {"loc": ["body"], "msg": request.headers["x-hf-authorization"], "input": request.body.decode()}
    peer.json({"detail": [refused, dict(request.headers)]}, "422 Unprocessable Content")


def echo_message(peer: Peer, request: Seen) -> None:
    peer.begin_stream()
    failed = {"error": f"bad key {request.headers}", "title": TOKEN, "more": [dict(request.headers)]}
    peer.message("process_completed", event_id="e1", success=False, output=failed)
    peer.chunk(b"")


def echo_nonsense(peer: Peer, request: Seen) -> None:
    peer.begin_stream()
    peer.chunk(f"data: {request.headers['cookie']} {request.headers}\n\n".encode())
    peer.chunk(b"")


def echo_no_http(peer: Peer, request: Seen) -> None:
    peer.send(f"{request.headers['x-hf-authorization']}\r\n\r\n".encode())
    peer.close()


def echo_form(peer: Peer, request: Seen) -> None:
    peer.reply(request.body[-150:] + b" was refused", "400 Bad Request", kind="text/plain")


ECHOES = (echo_page, echo_detail, echo_validation, echo_message, echo_nonsense, echo_no_http, echo_form)


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_says_a_secret_again_is_not_quoted_with_it(echo: Handler) -> None:
    failed = 0
    for route in ROUTES:
        with SecretServer({route: echo}) as server:
            error = failure_of(server)
            assert server.seen(route) or route == "cancel"
        if error is not None:
            assert_tells_nothing(error)
            failed += 1
    assert failed >= 5


@pytest.mark.parametrize("route", ["upload", "file"])
def test_a_file_without_a_call_fails_without_a_secret(route: str) -> None:
    def act(client: Client) -> None:
        if route == "upload":
            loose_files.upload(client, [a_file()])
        else:
            loose_files.download(client, loose_files.file_of(client, STORED))

    with (
        SecretServer({route: echo_page}) as server,
        Client(server.url, **secrets()) as client,
        pytest.raises(GradioError) as failed,
    ):
        act(client)
    assert "[redacted]" in str(failed.value)
    assert_tells_nothing(failed.value)


def test_what_came_of_a_cancellation_is_said_without_a_secret() -> None:
    def wait(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.message("estimation", event_id="e1", rank=3, queue_size=4, rank_eta=None)
        peer.wait_for_end()

    handlers: dict[str, Handler] = {"queue/data": wait, "cancel": echo_page}
    with SecretServer(handlers) as server, Client(server.url, **secrets()) as client:
        job = client.submit(a_file(), headers=CALL_HEADERS)
        while job.status().rank != 3:
            threading.Event().wait(0.005)
        assert job.cancel()
        report = job.cancel_report
    assert report is not None
    assert "[redacted]" in report.reason
    assert not leaks(repr(report))


@pytest.mark.parametrize("route", ROUTES)
def test_a_secret_of_the_servers_is_not_shown_either(route: str) -> None:
    """The address of a redirect may be signed. The error's ``headers`` have it, for programs; its text has not."""

    def redirect(peer: Peer, request: Seen) -> None:
        peer.reply(b"", "302 Found", location=f"http://ada:{USER_INFO}@192.0.2.1/?__sign={SIGN}")

    with SecretServer({route: redirect}) as server:
        error = failure_of(server)
    assert error is not None or route in ("cancel", "heartbeat")
    for shown in shown_by_error(error) if error is not None else ():
        assert not leaks(shown)


@pytest.mark.parametrize("transport", ["sockets", "httpcore"])
def test_no_error_of_a_proxy_tells_its_password(transport: str) -> None:
    def refuse(peer: Peer, request: Seen) -> None:
        seen.append(request)
        peer.reply(b"no", "407 Proxy Authentication Required", proxy_authenticate="Basic")

    seen: list[Seen] = []
    with FaultyServer({"app.example:443": refuse, "app.example:80": refuse}) as proxy:
        for url in ("https://app.example", "http://app.example"):
            with pytest.raises(GradioError) as caught:
                Client(
                    url,
                    proxy=f"http://ada:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}",
                    headers={"x-key": canary(5)},
                    timeouts=SHORT,
                    max_retries=0,
                    transport=transport,
                )
            assert_tells_nothing(caught.value)
        assert any(leaks(request.headers.get("proxy-authorization", "")) for request in proxy.requests)


@pytest.mark.parametrize("named_by", ["option", "environment"])
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
@pytest.mark.parametrize("way", [Sockets, Asyncio, Trio, OverHTTPCore, AsyncioOverHTTPCore, TrioOverHTTPCore])
def test_no_error_of_any_proxy_tells_its_password_on_any_transport(
    way: type[Way], scheme: str, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(peer: Peer, request: Seen) -> None:
        peer.reply(str(request.headers).encode(), "407 Proxy Authentication Required")

    options: dict[str, Any] = {"timeouts": SHORTEST, "max_retries": 0, "transport": way().transport}
    with FaultyServer({"app.example:443": refuse}) as proxy:
        # One that answers (which speaks no SOCKS), and one that is not there.
        for port in (proxy.port, 1):
            url = f"{scheme}://{PROXY_PASSWORD if scheme == 'socks4' else f'ada:{PROXY_PASSWORD}'}@127.0.0.1:{port}"
            if named_by == "option":
                options["proxy"] = url
            else:
                monkeypatch.setenv("HTTPS_PROXY", url)
            with pytest.raises(GradioError) as caught:
                way().run(partial(way().open, "https://app.example", **options))
            assert_tells_nothing(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"http://ada:{USER_INFO}@127.0.0.1:1/",
        f"http://127.0.0.1:99999/?__sign={SIGN}",
        f"http://127.0.0.1:1/?__sign={SIGN}#{SIGN}",
        f"http://127.0.0.1:99999/#{SIGN}",
        f"ada:{USER_INFO}@127.0.0.1",
        f"http://ada:{USER_INFO} @127.0.0.1",
        f"http://[::1?__sign={SIGN}",
    ],
    # A test's name is kept by pytest, where those find it that look at every object.
    ids=("user", "port", "query", "fragment", "no scheme", "blank", "bracket"),
)
def test_no_url_of_an_app_tells_a_secret(url: str) -> None:
    with pytest.raises(GradioError) as caught:
        Client(url, timeouts=SHORT, max_retries=0)
    assert_tells_nothing(caught.value)
    assert "AsyncClient" in kinds_that_tell_nothing(AsyncClient(url, **secrets()))


@pytest.mark.parametrize(
    "options",
    [
        {"token": [TOKEN]},
        {"token": f"{TOKEN}\r\n"},
        {"token": f"{TOKEN}ä"},
        {"oauth_token": {"token": OAUTH_TOKEN}},
        {"token": TOKEN, "hf_token": f"{TOKEN}2"},
        {"auth": PASSWORD},
        {"auth": ("ada", PASSWORD, "x")},
        {"headers": {"x-key": f"{canary(5)}\n"}},
        {"headers": {"x-key": [canary(5)]}},
        {"headers": [canary(5)]},
        {"headers": {"authorization": f"Bearer {canary(5)}\x00"}},
        {"cookies": [canary(4)]},
        {"cookies": {"sid": f"{canary(4)};\n"}},
        {"cookies": {"sid": 1, canary(4): [canary(4)]}},
        {"proxy": f"ftp://ada:{PROXY_PASSWORD}@127.0.0.1"},
        {"proxy": f"http://ada:{PROXY_PASSWORD}@127.0.0.1:port"},
        {"proxy": f"http://ada:{PROXY_PASSWORD}@"},
        {"proxy": f"socks5://ada:{PROXY_PASSWORD * 40}@127.0.0.1:1"},
        {"httpx_kwargs": {"headers": {"authorization": TOKEN}}},
    ],
    ids=lambda options: "-".join(options),
)
def test_no_refused_option_tells_its_secret(options: dict[str, Any]) -> None:
    with SecretServer() as server:
        url = server.url if "proxy" not in options else "http://app.example"
        with (
            pytest.raises((GradioError, TypeError, ValueError)) as caught,
            Client(url, timeouts=SHORT, **options) as client,
        ):
            client.predict(a_file())
        assert_tells_nothing(caught.value)


def test_no_refused_header_of_a_call_tells_its_secret() -> None:
    with (
        SecretServer() as server,
        Client(server.url, auth=("ada", PASSWORD), oauth_token=OAUTH_TOKEN) as client,
    ):
        for headers in ({"x-ip-token": f"{canary(7)}\n"}, {"x-ip-token": 7, "x": [canary(7)]}, [canary(7)]):
            with pytest.raises((GradioError, TypeError, ValueError)) as caught:
                client.predict(a_file(), headers=headers)  # type: ignore[arg-type]
            assert_tells_nothing(caught.value)


def test_a_token_for_http_is_not_told() -> None:
    given: list[dict[str, Any]] = [{"token": TOKEN}, {"oauth_token": OAUTH_TOKEN}]
    for options in given:
        with pytest.raises(GradioError) as caught:
            Client("http://app.example", **options)
        assert_tells_nothing(caught.value)


# Representations.

BUSY_APP_OPTIONS: dict[str, Any] = {"auth": ("ada", PASSWORD), "default_concurrency_limit": None}


class Busy:
    """A server on which things are under way: calls that run, that stream and that wait, each with its own headers."""

    def __init__(self) -> None:
        self.go = threading.Event()
        app = TestApp(**BUSY_APP_OPTIONS)

        @app.endpoint("/wait", oauth_token="required")
        def wait(x: str) -> str:
            self.go.wait(20)
            return x

        @app.endpoint("/copy")
        def copy(x: File) -> File:
            return x

        self.server = EmbeddedServer(app)
        self.url = self.server.url

    def __enter__(self) -> Busy:
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.server.close()


HOLDERS = {"CallOptions", "ClientState", "CookieJar", "Job", "Recipe", "Request", "RequestCache"}
"""Objects of ours that have secrets in them, so that the walk is seen to come to where they are."""


def kinds_that_tell_nothing(*roots: object) -> set[str]:
    """Look at the representation of every object that is reachable; the names of their classes."""
    kinds: set[str] = set()
    for thing in reachable(*roots):
        shown = [repr(thing), str(thing)]
        if hasattr(type(thing), "_repr_html_"):  # what a notebook shows
            shown.append(str(thing._repr_html_()))  # type: ignore[attr-defined]
        assert not leaks("\n".join(shown)), type(thing)
        kinds.add(type(thing).__name__)
    return kinds


@pytest.mark.parametrize("transport", ["sockets", "httpcore"])
def test_no_object_of_a_client_tells_a_secret(transport: str) -> None:
    records: list[Any] = []
    with (
        Busy() as busy,
        Client(
            busy.url, **secrets(), transport=transport, on_trace=records.append, share_credentials=True
        ) as client,
    ):
        client.predict(a_file(), api_name="/copy", headers=CALL_HEADERS)
        jobs = [
            client.submit("x", api_name="/wait", headers=CALL_HEADERS, isolate=apart)
            for apart in (False, True)
        ]
        for job in jobs:
            wait_for_the_server(job)
        endpoint = client.endpoint("/wait", headers=CALL_HEADERS)
        mapped = client.map(["x"], api_name="/wait", headers=CALL_HEADERS)
        things = (client, jobs, endpoint, records, mapped, client.api, client.schema())
        assert kinds_that_tell_nothing(*things) >= HOLDERS
        busy.go.set()
        assert [job.result(10) for job in jobs] == ["x", "x"]
        kinds_that_tell_nothing(*things)
    kinds_that_tell_nothing(*things)


def wait_for_the_server(job: Job) -> None:
    """Until the server says that the job is under way."""
    with within(10):
        while job.status().code is not Status.PROCESSING:
            pass


def test_no_object_of_an_async_client_tells_a_secret() -> None:
    async def on_any_loop(pause: Any) -> None:
        records: list[Any] = []
        async with AsyncClient(busy.url, **secrets(), on_trace=records.append) as client:
            await client.predict(a_file(), api_name="/copy", headers=CALL_HEADERS)
            job = await client.submit("x", api_name="/wait", headers=CALL_HEADERS)
            while (await job.status()).code is not Status.PROCESSING:
                await pause(0.001)
            endpoint = client.endpoint("/wait", headers=CALL_HEADERS)
            assert kinds_that_tell_nothing(client, job, endpoint, records) >= HOLDERS
            busy.go.set()
            assert await job.result() == "x"

    with Busy() as busy:
        asyncio.run(on_any_loop(asyncio.sleep))
    with Busy() as busy:
        trio.run(on_any_loop, trio.sleep)


def test_no_client_that_is_not_open_tells_a_secret() -> None:
    client = AsyncClient(
        f"http://127.0.0.1:1/?__sign={SIGN}", **secrets(f"http://ada:{PROXY_PASSWORD}@127.0.0.1:1")
    )
    assert "AsyncClient" in kinds_that_tell_nothing(client)


def test_no_group_of_errors_tells_a_secret() -> None:
    async def fail(server: FaultyServer) -> None:
        async def call(client: AsyncClient) -> None:
            await client.predict(a_file(), headers=CALL_HEADERS)

        async with (
            AsyncClient(server.url, **secrets(), timeouts=SHORT, max_retries=0) as client,
            trio.open_nursery(strict_exception_groups=True) as nursery,
        ):
            for _ in range(3):
                nursery.start_soon(call, client)

    with SecretServer({"queue/join": html}) as server:
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - Python 3.10 knows groups of trio's alone
            trio.run(fail, server)
        errors: Sequence[BaseException] = caught.value.exceptions  # type: ignore[attr-defined]
        for shown in (*shown_by_error(caught.value), repr(errors)):
            assert not leaks(shown)
        for error in errors:
            assert_tells_nothing(error)


# Spaces.

HUB_FAILURES: dict[str, Callable[[HubServer], object]] = {
    "missing": lambda hub: hub.spaces.clear(),
    "private": lambda hub: setattr(hub.spaces["user/space"], "private", True),
    "gated": lambda hub: setattr(hub.spaces["user/space"], "gated", True),
    "paused": lambda hub: setattr(hub.spaces["user/space"], "stages", ["PAUSED"]),
    "broken": lambda hub: setattr(hub.spaces["user/space"], "stages", ["BUILD_ERROR"]),
    "unknown token": lambda hub: hub.users.clear(),
    "401": lambda hub: hub.fail(".", 401, f"Invalid token {TOKEN}", times=9),
    "429": lambda hub: hub.fail(".", 429, "Too many", times=9, Retry_After="100"),
    "500": lambda hub: hub.fail(".", 500, f"went wrong for {TOKEN}", times=9),
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with SecretServer() as server, HubServer() as hub:
        stand_in(monkeypatch, hub, tmp_path, saved_token=TOKEN)
        hub.users[TOKEN] = "ada"
        hub.add("user/space", server.url)
        yield hub


@pytest.mark.parametrize("failure", HUB_FAILURES)
def test_no_error_of_the_hub_tells_a_secret(failure: str, hub: HubServer) -> None:
    HUB_FAILURES[failure](hub)
    heard: list[object] = []
    options: dict[str, Any] = {
        "timeouts": replace(SHORT, space=0.2),
        "on_status": heard.append,
        "max_retries": 0,
    }
    for explicit in (secrets(), {**secrets(), "token": None}):
        with pytest.raises(GradioError) as caught:
            Client("user/space", **explicit, **options)
        assert_tells_nothing(caught.value)
        assert isinstance(caught.value.__cause__, GradioError | None)  # tblib pickles causes, as with Dask
    try:
        Client.duplicate("user/space", token=TOKEN, secrets={"KEY": canary(5)}, **options).close()
    except GradioError as error:
        assert_tells_nothing(error)
    assert not leaks(repr(heard))
    assert {request.token for request in hub.requests} >= {TOKEN}


def test_no_object_of_a_client_of_a_space_tells_a_secret(hub: HubServer) -> None:
    heard: list[object] = []
    with Client("user/space", **secrets(), on_status=heard.append, verbose=True) as client:
        client.predict(a_file(), headers=CALL_HEADERS)
        assert kinds_that_tell_nothing(client, heard) >= {"ClientState", "CookieJar", "Recipe"}
        assert not leaks(pickle.dumps(client))
    with Client.duplicate(
        "user/space", secrets={"KEY": canary(5)}, verbose=True, auth=("ada", PASSWORD)
    ) as client:
        assert "Recipe" in kinds_that_tell_nothing(client)
        assert not leaks(pickle.dumps(client))
    assert hub.spaces["ada/space"].secrets == {"KEY": canary(5)}


# What is stored, travels, or is told as things happen.


def test_no_pickle_holds_a_secret_that_is_not_shared() -> None:
    with SecretServer() as server, Client(f"{server.url}/?__sign={SIGN}", **secrets()) as client:
        client.predict(a_file())
        assert not leaks(pickle.dumps(client))
        assert not leaks(pickle.dumps(client, protocol=0))
    with SecretServer() as server, Client(server.url, **secrets(), share_credentials=True) as client:
        assert leaks(pickle.dumps(client)), "what is shared is there"


@pytest.mark.parametrize("way", [Sockets, Asyncio, Trio])
def test_no_pickle_of_any_client_holds_a_secret_that_is_not_shared(way: type[Way]) -> None:
    """A proxy's password and the cookies that a server has set are secrets like those that were given."""

    async def store(share: bool) -> bytes:
        proxy = f"http://ada:{PROXY_PASSWORD}@127.0.0.1:1"  # none is used for this machine
        client = await way().open(server.url, **secrets(proxy), share_credentials=share)
        try:
            await client.predict(a_file(), headers=CALL_HEADERS)
            return pickle.dumps(getattr(client, "blocking", client))
        finally:
            await client.close()

    with SecretServer() as server:
        assert not leaks(way().run(partial(store, False)))
        shared = way().run(partial(store, True))
        for number in (1, 2, 3, 4, 5, 8, 10):
            assert canary(number).encode() in shared, number
        for number in (6, 7, 12):  # those of a call are the call's alone
            assert canary(number).encode() not in shared, number


@pytest.mark.parametrize("fault", [None, "500", "reset", "html", "wrong JSON"])
def test_no_trace_tells_a_secret(fault: str | None) -> None:
    records: list[Any] = []
    with SecretServer({"queue/data": FAULTS[fault]} if fault else None) as server:
        error = failure_of(server, on_trace=records.append)
    assert (error is None) is (fault is None)
    assert {type(record).__name__ for record in records} >= {"ExchangeStarted", "JobStarted", "JobEnded"}
    for record in records:
        for field in fields(record):
            assert not leaks(repr(getattr(record, field.name)))
        assert not leaks(f"{record} {record!r}")
        if getattr(record, "error", None) is not None:
            assert_tells_nothing(record.error)


def test_the_log_that_the_environment_asks_for_tells_no_secret() -> None:
    program = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from canaries import CALL_HEADERS, secrets
        from gradio_proto import Client, handle_file

        client = Client(sys.argv[1], **secrets(), verbose=True)
        for _ in range(2):
            try:
                client.predict(handle_file(b"mine", name="a.txt"), headers=CALL_HEADERS)
            except Exception as error:
                print(repr(error))
        del client  # which leaves it open, and Python says so
    """
    for handlers in ({}, {"queue/data": no_json}):
        with SecretServer(handlers) as server:
            done = subprocess.run(
                [sys.executable, "-X", "dev", "-c", textwrap.dedent(program), server.url],
                env={**os.environ, "GRADIO_PROTO_LOG": "debug"},
                capture_output=True,
                timeout=60,
                check=True,
            )
        assert b"DEBUG gradio_proto: exchange 1: POST" in done.stderr
        assert b"ResourceWarning: unclosed <Client of http://127.0.0.1:" in done.stderr
        assert not leaks(done.stdout + done.stderr)


# Commands.

ENVIRONMENT = {
    "GRADIO_PROTO_TOKEN": TOKEN,
    "HF_TOKEN": TOKEN,
    "GRADIO_PROTO_PASSWORD": PASSWORD,
    "KEY": canary(5),
    "PROXY_PASSWORD": PROXY_PASSWORD,
}
"""What commands find in the environment."""

CREDENTIALS = ("--auth", "ada", "--token", "--header", "x-key: Key $KEY", "--header", f"x-other: {canary(4)}")

JOB_LINE = json.dumps(
    {
        "src": "URL",
        "endpoint": "/predict",
        "fn_index": 0,
        "event_id": "e1",
        "session_hash": "s",
        "protocol": "sse_v3",
    }
)
"""What ``submit`` prints of a job, with URL where the app's address is."""

CALLS: dict[str, list[list[str]]] = {
    "info": [["{url}"], ["{url}", "/predict", "--format", "table"]],
    "predict": [["{url}", "/predict", "x=@{file}", "--output-dir", "{directory}"]],
    "submit": [["{url}", "/predict", "x=@{file}"], ["{url}", "/predict", "x=@{file}", "--events"]],
    "events": [[JOB_LINE], ["no job"]],
    "cancel": [[JOB_LINE]],
    "stream": [["{url}", "/predict", "x=@{file}"], ["{url}", "/predict", "x=@{file}", "--text"]],
    "upload": [["{url}", "{file}"]],
    "download": [["{url}", STORED, "-o", "{directory}/a.txt"]],
    "codegen": [["{url}"], ["{url}", "-o", "{directory}/module.py"]],
}
"""The commands that take credentials for an app, each with its arguments."""

OTHERS = {
    "record": "test_no_recording_holds_a_secret",
    "trace": "test_no_recording_holds_a_secret",
    "replay": "test_no_recording_holds_a_secret",
    "conformance": "test_no_report_of_the_tester_holds_a_secret",
    "serve": "",  # these take no credentials
    "completion": "",
}
"""The other ones, and where they are tried."""


def filled_in(words: list[str], places: dict[str, Any]) -> list[str]:
    return [
        JOB_LINE.replace("URL", places["url"]) if word == JOB_LINE else word.format(**places)
        for word in words
    ]


def test_every_command_is_tried() -> None:
    assert {*CALLS, *OTHERS} == {*root.list_commands(click.Context(root))}
    for test in OTHERS.values():
        assert not test or test in globals()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "downloads"))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", CALLS)
def test_no_command_tells_a_secret(
    command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").write_bytes(b"mine")
    ended: set[int] = set()
    for handlers in (
        {},
        {"config": html},
        {"login": FAULTS["401"]},
        {"queue/join": FAULTS["500"]},
        {"upload": reset},
    ):
        for number, arguments in enumerate(CALLS[command]):
            directory = tmp_path / f"{len(ended)}-{number}"
            directory.mkdir(exist_ok=True)
            with SecretServer(handlers) as server:
                url = f"{server.url}/?__sign={SIGN}"
                places = {"url": url, "file": tmp_path / "letter.txt", "directory": directory}
                words = filled_in(arguments, places)
                ended.add(run([command, *words, *CREDENTIALS, "-v", "--timeout", "5"]))
                if not handlers:
                    assert any(leaks(str(request.headers)) for request in server.requests) or words == [
                        "no job"
                    ]
            shown = capfd.readouterr()
            assert not leaks(shown.out + shown.err)
            for path in directory.rglob("*"):
                assert not path.is_file() or not leaks(path.read_bytes())
    assert ended & {1, 2}, "something went wrong somewhere"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", CALLS)
def test_no_refused_command_line_tells_a_secret(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    for url in (
        f"http://ada:{USER_INFO}@127.0.0.1:1",
        f"http://127.0.0.1:99999/?__sign={SIGN}",
        "http://app.example",
    ):
        for more in (
            [],
            ["--proxy", "http://ada:$PROXY_PASSWORD@127.0.0.1:1"],
            ["--proxy", f"ftp://ada:{PROXY_PASSWORD}@127.0.0.1:1"],
            ["--header", f"x-other: {canary(4)}\n"],
            ["--header", f"{canary(4)}"],
        ):
            places = {"url": url, "file": __file__, "directory": "/nowhere"}
            words = filled_in(CALLS[command][0], places)
            assert run([command, *words, *CREDENTIALS, *more, "-v", "--timeout", "2"]) == 2
            shown = capfd.readouterr()
            assert not leaks(shown.out + shown.err)


# Recordings, and reports of the tester.


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("format", ["ndjson", "har"])
def test_no_recording_holds_a_secret(
    format: Literal["ndjson", "har"], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / f"session.{format}", tmp_path / "timeline.html"
    with SecretServer() as server, Recorder(server.url, file, format=format, token=TOKEN) as recorder:
        with Client(recorder.url, **secrets()) as client:
            client.predict(a_file(), headers=CALL_HEADERS)
            client.submit(a_file(), headers=CALL_HEADERS).result(5)
        sent = "".join(f"{request.headers} {request.body!r}" for request in server.requests)
        for number in (1, 2, 3, 4, 5, 6, 7, 10, 12):
            assert canary(number) in sent, number
    assert file.stat().st_size > 5000
    assert not leaks(file.read_bytes())
    assert run(["trace", str(file), "-o", str(page)]) == 0
    assert not leaks(page.read_bytes())
    program = [
        sys.executable,
        "-c",
        "import sys; from urllib.request import urlopen; urlopen(sys.argv[1] + '/config')",
    ]
    assert run(["replay", str(file), "--speed", "0", "--", *program, "{url}"]) == 0
    with SecretServer() as server:
        url = f"{server.url}/?__sign={SIGN}"
        again = tmp_path / f"again.{format}"
        assert run(["record", url, "-o", str(again), "--token", "--", *program, "{url}"]) == 0
        assert any(leaks(str(request.headers)) for request in server.requests)
    assert not leaks(again.read_bytes())
    shown = capfd.readouterr()
    assert not leaks(shown.out + shown.err)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "command",
    [
        ["run", "--trace", "--select", "queue/join", "--select", "discovery/info", "--select", "auth"],
        ["run", "--strict", "--select", "queue/join", "--select", "discovery/info"],
        ["fuzz", "--max-time", "20"],
        ["replay", "queue/join/unknown-fn"],
    ],
    ids=lambda command: command[0],
)
def test_no_report_of_the_tester_holds_a_secret(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = TestApp(auth=("ada", PASSWORD), title=f"The app of {TOKEN}")
    heard: list[str] = []

    @app.endpoint("/echo")
    def echo(x: str, *, context: Context) -> str:
        heard.append(str(context.request_headers))
        return f"{x} {context.request_headers}"

    name, *options = command
    reports = {
        kind: tmp_path / f"report.{kind}" for kind in ("junit", "ndjson", "html", "md") if name == "run"
    }
    for kind, path in reports.items():
        options += ["-r", f"{kind}={path}"]
    with EmbeddedServer(app, defects=["join/unknown-fn-accepted", "info/wrong-types"]) as server:
        url = f"{server.url}/?__sign={SIGN}"
        assert run(["conformance", name, *options, url, "--endpoint", "echo=/echo", *CREDENTIALS]) == 1
    assert leaks("".join(heard)) or name == "replay"  # whose case never calls the function
    shown = capfd.readouterr()
    assert len(shown.out) > 100
    assert not leaks(shown.out + shown.err)
    for path in reports.values():
        assert path.stat().st_size > 100
        assert not leaks(path.read_bytes())


def test_what_we_say_ourselves_stays_as_it_is() -> None:
    """A header may have the value of an endpoint, and no word of ours is a secret for that."""
    app = TestApp()

    @app.endpoint("/calculate")
    def calculate() -> None:
        raise Error("calculate is broken")

    with (
        Client("http://app", transport=MemoryTransport.to(app), headers={"x-team": "calculate"}) as client,
        pytest.raises(GradioError) as caught,
    ):
        client.predict(api_name="/calculate")
    assert caught.value.endpoint == "/calculate"
    assert str(caught.value).startswith("[redacted] is broken (endpoint /calculate")
