"""Clients of Spaces, against a stand-in of the Hub: what they wait for, what they tell, and where tokens go."""

from __future__ import annotations

import contextlib
import logging
import pickle
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from hub_server import HubServer, stand_in
from proxying import ReverseProxy
from ways import WAYS, Asyncio, AwaitedClient, Memory, Sockets, Trio, Way

from gradio_proto import (
    AppError,
    ArgumentError,
    AsyncClient,
    AuthenticationError,
    Client,
    ClientClosed,
    ConnectError,
    DeadlineExceeded,
    GradioError,
    LocalProtocolError,
    QuotaExceeded,
    RemoteProtocolError,
    SpaceError,
    SpaceNotFound,
    SpaceStatus,
    Timeouts,
    TooManyRequestsError,
)
from gradio_proto.flows import spaces as space_flows
from gradio_proto.testing import Context, Error, ServerProtocol, TestApp, serve
from gradio_proto.testing.memory import MemoryRunner

THREE = (Sockets, Asyncio, Trio)
"""The blocking client, and the async one in both loops."""


@dataclass
class Scene:
    """The Hub, and an app behind a proxy that keeps what it was asked."""

    hub: HubServer
    app: ReverseProxy
    home: Path

    @property
    def url(self) -> str:
        return self.app.url

    def app_tokens(self) -> set[str | None]:
        """The tokens that the app was sent, in any header."""
        return {request.headers.get("x-hf-authorization") for request in self.app.passed} | {
            request.headers["authorization"]
            for request in self.app.passed
            if "authorization" in request.headers
        }

    def hub_tokens(self) -> set[str | None]:
        """The tokens that the Hub was sent."""
        return {request.token for request in self.hub.requests}


def an_app() -> TestApp:
    app = TestApp()

    @app.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    @app.endpoint("/who")
    def who(*, context: Context) -> str | None:
        return context.request_headers.get("x-ip-token")

    @app.endpoint("/generate")
    def generate(title: str, text: str) -> str:
        raise Error(text, title=title)

    return app


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scene]:
    monkeypatch.setattr(space_flows, "FIRST_PAUSE", 0.01)
    with (
        within(20),
        HubServer() as hub,
        serve(an_app()) as url,
        ReverseProxy(url) as proxy,
    ):
        hub.users.update(hf_ann="ann", hf_bob="bob", hf_saved="ann")
        stand_in(monkeypatch, hub, tmp_path)
        yield Scene(hub, proxy, tmp_path)


def login(scene: Scene, token: str = "hf_saved") -> None:
    """Have a login saved."""
    (scene.home / "token").write_text(token)


def opened(way: type[Way], src: str, **options: Any) -> str | None:
    """Open a client and call its app; the name of its Space."""
    made = way()

    async def talk() -> Any:
        client = await made.open(src, transport=made.transport, **options)
        try:
            assert await client.predict("x", api_name="/echo") == "x"
            return client.blocking.space_id if isinstance(client, AwaitedClient) else client.space_id
        finally:
            await client.close()

    name: str | None = made.run(talk)
    return name


def stages(seen: list[SpaceStatus]) -> list[str]:
    return [status.stage for status in seen]


# Names and stages.


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_space_that_is_being_built_is_waited_for(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING", "BUILDING", "APP_STARTING", "RUNNING")
    seen: list[SpaceStatus] = []
    assert opened(way, "ann/app", on_status=seen.append) == "ann/app"
    assert stages(seen) == ["BUILDING", "APP_STARTING", "RUNNING"]
    assert seen[0] == SpaceStatus("ann/app", "BUILDING", "cpu-basic")
    asked = scene.hub.paths()
    assert asked == ["GET /api/spaces/ann/app"] + ["GET /api/spaces/ann/app/runtime"] * 3
    assert scene.app.passed[0].path == "/config"  # not asked before it ran


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_one_that_runs_costs_one_question(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url)
    assert opened(way, "https://huggingface.co/spaces/ann/app") == "ann/app"
    assert scene.hub.paths() == ["GET /api/spaces/ann/app"]


@pytest.mark.parametrize("stage", ["RUNNING_BUILDING", "RUNNING_APP_STARTING", "SOMETHING_NEW"])
def test_an_old_version_serves_while_a_new_one_is_made(scene: Scene, stage: str) -> None:
    scene.hub.add("ann/app", scene.url, stage)
    with Client(space="ann/app", timeouts=Timeouts(space=0)) as client:
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_a_sleeping_space_is_woken_by_a_request_to_its_host(scene: Scene, way: type[Way]) -> None:
    scene.hub.add(
        "ann/app", scene.url, "SLEEPING", "APP_STARTING", "RUNNING", sleeps=lambda: not scene.app.passed
    )
    seen: list[SpaceStatus] = []
    assert opened(way, "ann/app", on_status=seen.append) == "ann/app"
    assert stages(seen) == ["SLEEPING", "APP_STARTING", "RUNNING"]
    assert [request.path for request in scene.app.passed][:2] == ["/", "/config"]
    assert all(request.method == "GET" for request in scene.hub.requests)  # no restart, which is its owner's


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("PAUSED", "is paused.*duplicate"),
        ("BUILD_ERROR", "could not be built"),
        ("RUNTIME_ERROR", "has crashed"),
        ("CONFIG_ERROR", "configuration"),
        ("NO_APP_FILE", "no app"),
        ("DELETING", "being deleted"),
    ],
)
def test_one_that_will_not_run_is_told(scene: Scene, stage: str, says: str) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING", stage, error_message="exit code 1\x1b[31m")
    with pytest.raises(SpaceError, match=says) as caught:
        Client("ann/app")
    error = caught.value
    assert (error.space_id, error.stage, error.hub_message) == ("ann/app", stage, "exit code 1\x1b[31m")
    assert "exit code 1" in str(error)
    assert "\x1b" not in str(error)
    assert isinstance(error, ValueError)  # as with the official client
    assert not error.retryable
    assert not scene.app.passed


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
@pytest.mark.parametrize("seconds", [0, 0.3])
def test_no_longer_than_the_deadline(scene: Scene, way: type[Way], seconds: float) -> None:
    scene.hub.add("ann/app", scene.url, "SLEEPING")
    with pytest.raises(DeadlineExceeded, match="SLEEPING") as caught:
        opened(way, "ann/app", timeouts=Timeouts(space=seconds))
    assert (caught.value.kind, caught.value.phase, caught.value.retryable) == ("space", "not_sent", True)
    assert len(scene.app.passed) == (seconds > 0)  # without a wait it is not woken either


def test_half_an_hour_is_enough_by_default(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In virtual time: who waits so long has asked less than 250 times."""
    monkeypatch.setattr(space_flows, "FIRST_PAUSE", 0.5)
    scene.hub.add("ann/app", "http://127.0.0.1:7860", "BUILDING")
    way = Memory()
    way.runner = MemoryRunner(ServerProtocol(an_app()))
    with pytest.raises(DeadlineExceeded, match=r"Timeouts\.space = 1800 "):
        Client("ann/app", transport=way.transport)
    assert way.runner.now == 1800
    assert 200 < len(scene.hub.requests) < 250


@pytest.mark.parametrize("way", [Asyncio, Trio], ids=lambda way: way.name)
@pytest.mark.parametrize("when", ["asking", "sleeping"])
def test_a_cancelled_task_leaves_at_once(scene: Scene, way: type[Way], when: str) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING")
    made = way()
    cancelling: list[Any] = []
    held = threading.Event()

    @contextlib.contextmanager
    def arm(cancel: Any) -> Iterator[None]:
        cancelling.append(cancel)
        yield

    if when == "asking":
        # The Hub does not answer before the test is over.
        answer = scene.hub.answer

        def slow(request: Any) -> Any:
            held.wait(10)
            return answer(request)

        scene.hub.answer = slow  # type: ignore[method-assign]

    async def talk() -> None:
        async def soon() -> None:
            while not cancelling:
                await made.sleep(0.01)
            await made.sleep(0.1)
            cancelling[0]()

        async def cancelled() -> None:
            began = time.monotonic()
            assert await made.until_cancelled(partial(made.open, "ann/app", transport=made.transport), arm)
            assert time.monotonic() - began < 2

        await made.together(cancelled, soon)

    try:
        made.run(talk)
    finally:
        held.set()
    assert not scene.app.passed


@pytest.mark.parametrize("way", [Asyncio, Trio], ids=lambda way: way.name)
def test_other_tasks_go_on_while_the_hub_is_asked(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url)
    made = way()
    asked, goes_on = threading.Event(), threading.Event()
    answer = scene.hub.answer

    def waiting(request: Any) -> Any:
        asked.set()
        assert goes_on.wait(5)  # for another task of the same loop
        return answer(request)

    scene.hub.answer = waiting  # type: ignore[method-assign]

    async def talk() -> None:
        async def other() -> None:
            while not asked.is_set():
                await made.sleep(0.01)
            goes_on.set()

        async def opening() -> None:
            client = await made.open("ann/app", transport=made.transport)
            await client.close()

        await made.together(opening, other)

    made.run(talk)


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_what_on_status_raises_ends_the_waiting(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING")

    class Enough(Exception):
        pass

    def refuse(status: SpaceStatus) -> None:
        raise Enough(status.stage)

    with pytest.raises(Enough, match="BUILDING"):
        opened(way, "ann/app", on_status=refuse)


def test_an_async_client_that_could_not_be_opened_asks_again(scene: Scene) -> None:
    space = scene.hub.add("ann/app", scene.url, "PAUSED")
    way = Trio()

    async def talk() -> None:
        client = AsyncClient("ann/app", transport=way.transport)
        with pytest.raises(SpaceError, match="paused"):
            await client
        space.stages = ["RUNNING"]
        async with client:
            assert await client.predict("x", api_name="/echo") == "x"

    way.run(talk)


@pytest.mark.parametrize("way", [Asyncio, Trio], ids=lambda way: way.name)
def test_an_async_client_is_opened_once(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url)
    made = way()

    async def talk() -> None:
        client = AsyncClient("ann/app", transport=made.transport)
        refused: list[ClientClosed] = []

        async def opening() -> None:
            try:
                await client
            except ClientClosed as error:
                refused.append(error)

        await made.together(opening, opening)
        assert len(refused) == 1
        assert await client.predict("x", api_name="/echo") == "x"
        await client.close()
        with pytest.raises(ClientClosed, match="opened once"):
            await client
        assert len(scene.hub.requests) == 2

    made.run(talk)


def test_what_is_printed_and_logged(
    scene: Scene, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING", "RUNNING")
    caplog.set_level(logging.INFO, "gradio_proto")
    with Client("ann/app", verbose=True):
        assert capsys.readouterr().out == (
            f"The Space is BUILDING. Please wait...\nLoaded as API: {scene.url}/\n"
        )
    assert "the Space ann/app is BUILDING" in caplog.text
    scene.hub.add("ann/app", scene.url, "BUILDING", "RUNNING")
    with Client("ann/app"):
        assert capsys.readouterr().out == ""


# What the Hub refuses.


def test_missing_and_private_are_told_apart_as_far_as_the_hub_does(scene: Scene) -> None:
    scene.hub.add("ann/private", scene.url, private=True)
    with pytest.raises(SpaceNotFound, match="or it is private: then give token="):
        Client("ann/private")
    with pytest.raises(SpaceNotFound, match="or it is private: this token may not see it"):
        Client("ann/private", token="hf_bob")
    with pytest.raises(SpaceNotFound, match="no Space ann/missing") as caught:
        Client("ann/missing", token="hf_ann")
    assert (caught.value.space_id, caught.value.hub_message) == ("ann/missing", "Repository not found")
    assert not scene.app.passed


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"gated": True}, AuthenticationError, "gated: ask for access on http://127"),
        ({"disabled": True}, SpaceError, "has disabled"),
        ({"sdk": "static"}, SpaceError, "static page"),
    ],
)
def test_other_refusals(scene: Scene, options: dict[str, Any], kind: type[Exception], says: str) -> None:
    scene.hub.add("ann/app", scene.url, **options)
    with pytest.raises(kind, match=says):
        Client("ann/app")


def test_a_token_that_nobody_has(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    with pytest.raises(AuthenticationError, match="does not accept this token"):
        Client("ann/app", token="hf_old")
    login(scene, "hf_old")
    with pytest.raises(AuthenticationError, match=r"does not accept the saved login.*token=False"):
        Client("ann/app")
    with Client("ann/app", token=False):
        pass


def test_a_bad_moment_of_the_hub_is_waited_out(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url, "BUILDING", "RUNNING")
    scene.hub.fail("ann/app$", 503)
    scene.hub.fail("/runtime$", 429, Retry_After="0")
    scene.hub.fail("/runtime$", 500)
    with Client("ann/app"):
        assert len(scene.hub.requests) == 5
    scene.hub.fail("ann/app$", 429, Retry_After="3600")
    with pytest.raises(TooManyRequestsError) as caught:
        Client("ann/app")
    assert caught.value.retry_after == 3600


def test_retries_are_the_clients(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    scene.hub.fail("ann/app$", 503)
    with pytest.raises(GradioError, match="503"):
        Client("ann/app", max_retries=0)


# Where tokens go.


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
@pytest.mark.parametrize(
    ("private", "token", "saved", "to_hub", "to_app"),
    [
        (False, None, None, None, None),
        (False, None, "hf_saved", "hf_saved", None),  # a stranger's app does not get it
        (True, None, "hf_saved", "hf_saved", "hf_saved"),
        (False, True, "hf_saved", "hf_saved", "hf_saved"),
        (False, False, "hf_saved", None, None),
        (False, "hf_bob", "hf_saved", "hf_bob", "hf_bob"),
        (True, "hf_ann", "hf_saved", "hf_ann", "hf_ann"),
    ],
)
def test_where_a_token_goes(
    scene: Scene,
    way: type[Way],
    private: bool,
    token: str | bool | None,
    saved: str | None,
    to_hub: str | None,
    to_app: str | None,
) -> None:
    scene.hub.add("ann/app", scene.url, "SLEEPING", "RUNNING", private=private)
    if saved is not None:
        login(scene, saved)
    opened(way, "ann/app", hf_token=token)
    assert scene.hub_tokens() == {to_hub}
    assert scene.app_tokens() == {None if to_app is None else f"Bearer {to_app}"}


@pytest.mark.parametrize("token", ["hf_ann\n", "hf_änn", ""])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(scene: Scene, token: str) -> None:
    """It was read from a file, with the line break at its end."""
    scene.hub.add("ann/app", scene.url)
    for src in ("ann/app", scene.url):
        with pytest.raises(ArgumentError, match="line break") as caught:
            Client(src, token=token)
        assert "hf_" not in "".join(traceback.format_exception(caught.value))
    assert not scene.hub.requests
    assert not scene.app.passed


def test_a_url_gets_no_saved_login(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    login(scene)
    monkeypatch.setenv("HF_TOKEN", "hf_saved")
    for token in (None, False):
        with Client(scene.url, token=token) as client:
            client.predict("x", api_name="/echo")
            assert client.space_id is None
    with pytest.raises(ArgumentError, match="saved login"):
        Client(scene.url, token=True)
    assert scene.app_tokens() == {None}
    assert not scene.hub.requests


def test_a_host_that_is_not_the_spaces_gets_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub of somebody's own may name any host by https; by http, this machine alone."""
    login(scene)
    scene.hub.add("ann/app", "http://example.org", private=True)
    with pytest.raises(RemoteProtocolError, match="strange host"):
        Client("ann/app")
    for host in (f"{scene.url}/path", "not a host", "ftp://127.0.0.1"):
        scene.hub.add("ann/app", host)
        with pytest.raises(RemoteProtocolError, match="host"):
            Client("ann/app", token="hf_ann")
    assert not scene.app.passed


def test_a_redirect_of_the_app_carries_nothing_away(scene: Scene) -> None:
    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{scene.url}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Redirects)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        scene.hub.add(
            "ann/app", f"http://localhost:{server.server_port}", "SLEEPING", "RUNNING", private=True
        )
        with pytest.raises(RemoteProtocolError, match="another origin"):
            Client("ann/app", token="hf_ann")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not scene.app.passed


def test_a_renamed_space_is_known_by_its_new_name(scene: Scene) -> None:
    scene.hub.add("ann/new", scene.url)
    scene.hub.renamed["ann/old"] = "ann/new"
    with Client("ann/old") as client:
        assert client.space_id == "ann/new"


def test_no_secret_is_shown(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url, private=True)
    with Client("ann/app", token="hf_ann") as client:
        shown = [repr(client), repr(client._place), repr(client._search), repr(vars(client)["_options"])]
    copy = AsyncClient.duplicate("ann/app", token="hf_bob", secrets={"KEY": "hf_secret"})
    shown += [repr(copy), str(copy._options["src"]), repr(copy._options["src"])]
    assert not any("hf_" in text for text in shown), shown
    assert "ann/app" in repr(copy)


# The environment.


def test_offline_is_said_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(LocalProtocolError, match=r"HF_HUB_OFFLINE is set.*URL"):
        Client("ann/app")
    with Client(scene.url) as client:  # which is nobody's business
        assert client.predict("x", api_name="/echo") == "x"
    assert not scene.hub.requests


def test_a_hub_that_is_not_there(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConnectError, match=r"the Hub at http://127\.0\.0\.1:9 cannot be reached"):
        Client("ann/app", max_retries=1)


# Pickles and workers.


def test_a_pickle_keeps_the_name_and_asks_nobody(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    with Client("ann/app", token=False) as client:
        pickled = pickle.dumps(client)
    scene.hub.requests.clear()
    with pickle.loads(pickled) as copy:  # noqa: S301
        assert copy.space_id == "ann/app"
        assert copy.predict("x", api_name="/echo") == "x"
    assert not scene.hub.requests


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_a_pickle_of_a_private_space_has_the_login_of_where_it_is_opened(
    scene: Scene, way: type[Way]
) -> None:
    scene.hub.add("ann/app", scene.url, private=True)
    login(scene)
    made = way()

    async def pickled() -> bytes:
        client = await made.open("ann/app")
        await client.close()
        return pickle.dumps(client.blocking if isinstance(client, AwaitedClient) else client)

    data = made.run(pickled)
    assert b"hf_saved" not in data
    scene.hub.users["hf_there"] = "ann"
    login(scene, "hf_there")
    scene.app.passed.clear()

    async def talk() -> None:
        copy = pickle.loads(data)  # noqa: S301
        opened = AwaitedClient(copy) if isinstance(copy, Client) else await copy
        assert await opened.predict("x", api_name="/echo") == "x"
        await opened.close()

    made.run(talk)
    assert scene.app_tokens() == {"Bearer hf_there"}


def test_a_pickle_that_shares_credentials_keeps_the_token(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url, private=True)
    with Client("ann/app", token="hf_ann", share_credentials=True) as client:
        pickled = pickle.dumps(client)
    scene.app.passed.clear()
    scene.hub.requests.clear()
    with pickle.loads(pickled) as copy:  # noqa: S301
        assert copy.predict("x", api_name="/echo") == "x"
    assert scene.app_tokens() == {"Bearer hf_ann"}
    assert not scene.hub.requests


def test_workers_find_the_space_by_its_name(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    with Client("ann/app", token=False) as client, ThreadPoolExecutor(2) as executor:
        recipe = client._engine.recipe()
        assert list(client.map(list("abc"), api_name="/echo", executor=executor)) == ["a", "b", "c"]
    assert (recipe.options["src"], recipe.options["token"]) == ("ann/app", False)
    with Client(**recipe.options, **recipe.secrets) as worker:
        assert worker.space_id == "ann/app"


# What is particular to apps on Spaces.


def test_an_ip_token_is_for_one_call(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    with Client("ann/app") as client:
        given = {"x-ip-token": "ann's"}
        assert client.predict(api_name="/who", headers=given) == "ann's"
        assert client.predict(api_name="/who") is None
        assert client.predict(api_name="/who", headers={"X-IP-Token": "bob's"}) == "bob's"
        jobs = [client.submit(api_name="/who", headers={"x-ip-token": str(n)}) for n in range(5)]
        assert [job.result() for job in jobs] == list("01234")
        assert given == {"x-ip-token": "ann's"}


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_a_quota_that_is_used_up(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url)
    made = way()
    text = (
        "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). Try again in 1 day, 2:03:04. "
        "Subscribe to Hugging Face PRO - https://huggingface.co/subscribe/pro"
    )

    async def talk() -> None:
        client = await made.open("ann/app", transport=made.transport)
        with pytest.raises(QuotaExceeded) as caught:
            await client.predict("ZeroGPU quota exceeded", text, api_name="/generate")
        error = caught.value
        assert (error.retry_after, error.try_again_in) == (93784.0, "1 day, 2:03:04")
        assert error.retryable
        assert error.message == text
        assert error.endpoint == "/generate"
        with pytest.raises(AppError) as other:
            await client.predict("Error", "out of memory", api_name="/generate")
        assert type(other.value) is AppError
        await client.close()

    made.run(talk)


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_the_cookies_of_replicas_stay(scene: Scene, way: type[Way]) -> None:
    """Each replica knows its own sessions and no others, so a client has to come to the same one each time."""
    with ExitStack() as stack:
        urls = [stack.enter_context(serve(an_app())) for _ in range(2)]
        replicas = stack.enter_context(ReverseProxy(*urls))
        scene.hub.add("ann/app", replicas.url, "SLEEPING", "RUNNING")
        for _ in range(2):
            replicas.passed.clear()
            assert opened(way, "ann/app") == "ann/app"
            assert len({request.backend for request in replicas.passed}) == 1
            assert len(replicas.passed) > 3


# Copies.


def duplicated(way: type[Way], *args: Any, **options: Any) -> str:
    """The Space of the client that ``duplicate()`` gives."""
    made = way()

    async def talk() -> str:
        if way is Sockets:
            client: Any = AwaitedClient(Client.duplicate(*args, **options))
            name = client.blocking.space_id
        else:
            client = await AsyncClient.duplicate(*args, **options)
            name = client.space_id
        assert await client.predict("x", api_name="/echo") == "x"
        await client.close()
        return str(name)

    name: str = made.run(talk)
    return name


@pytest.mark.parametrize("way", THREE, ids=lambda way: way.name)
def test_a_copy_is_made_and_then_attached_to(scene: Scene, way: type[Way]) -> None:
    scene.hub.add("ann/app", scene.url)
    secrets = {"KEY": "value"}
    seen: list[SpaceStatus] = []
    name = duplicated(way, "ann/app", None, "hf_bob", True, None, secrets, on_status=seen.append)
    assert name == "bob/app"
    copy = scene.hub.spaces["bob/app"]
    assert (copy.private, copy.secrets, copy.hardware, copy.sleep_time) == (
        True,
        secrets,
        "cpu-basic",
        172800,
    )
    assert stages(seen)[-1] == "RUNNING"
    assert [request.method for request in scene.hub.requests].count("POST") == 1
    scene.hub.requests.clear()
    with pytest.warns(UserWarning, match="bob/app was there already, and its secrets stay"):
        assert duplicated(way, "ann/app", token="hf_bob", secrets={"KEY": "other"}) == "bob/app"
    assert duplicated(way, "ann/app", token="hf_bob") == "bob/app"
    assert copy.secrets == secrets
    assert {request.method for request in scene.hub.requests} == {"GET"}
    assert scene.app_tokens() == {"Bearer hf_bob"}


def test_hardware_and_sleep(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url, hardware="t4-small")
    login(scene, "hf_bob")
    with Client.duplicate("ann/app", "bob/mine", private=False):
        copy = scene.hub.spaces["bob/mine"]
        assert (copy.private, copy.hardware, copy.sleep_time) == (False, "t4-small", 300)
    with Client.duplicate("ann/app", "mine", hardware="a10g-small", sleep_timeout=20):
        assert (copy.hardware, copy.sleep_time) == ("a10g-small", 1200)
    with Client.duplicate("ann/app", "mine", hardware="cpu-basic"):
        assert (copy.hardware, copy.sleep_time) == ("cpu-basic", 1200)
    scene.hub.spaces["ann/app"].hardware = None  # it sleeps
    with Client.duplicate("ann/app", "mine"):
        assert copy.hardware == "cpu-basic"


def test_no_copy_of_something_else(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    scene.hub.add("bob/app", scene.url, duplicated_from="eve/app")
    with pytest.raises(SpaceError, match="bob/app is no duplicate of ann/app, but of eve/app"):
        Client.duplicate("ann/app", token="hf_bob")
    with pytest.raises(SpaceNotFound, match="ann/missing"):
        Client.duplicate("ann/missing", token="hf_bob")
    assert {request.method for request in scene.hub.requests} == {"GET"}
    # One's own is as good as a copy of it; and a card may say nothing.
    with Client.duplicate("bob/app", token="hf_bob") as client:
        assert client.space_id == "bob/app"
    scene.hub.spaces["bob/app"].duplicated_from = None
    with Client.duplicate("ann/app", token="hf_bob") as client:
        assert client.space_id == "bob/app"


def test_a_copy_takes_a_login_that_may_write(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    with pytest.raises(AuthenticationError, match="takes a Hugging Face login"):
        Client.duplicate("ann/app")
    with pytest.raises(AuthenticationError, match=r"does not allow that.*rights"):
        Client.duplicate("ann/app", "eve/app", token="hf_bob")


def test_the_files_of_a_new_copy_come_a_little_after_it(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    make = scene.hub._duplicate

    def slow(*args: Any) -> Any:
        answer = make(*args)
        scene.hub.spaces["bob/app"].stages.insert(0, "NO_APP_FILE")
        return answer

    scene.hub._duplicate = slow  # type: ignore[method-assign]
    seen: list[SpaceStatus] = []
    with Client.duplicate("ann/app", token="hf_bob", on_status=seen.append):
        assert "RUNNING" in stages(seen)


def test_what_duplicate_prints(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.hub.add("ann/app", scene.url)
    for said in ("Created a new", "Using your existing"):
        with Client.duplicate("ann/app", hf_token="hf_bob", verbose=True, max_workers=2) as client:
            assert client._engine.max_workers == 2
        assert f"{said} Space: bob/app\n" in capsys.readouterr().out


def test_mistakes_are_told_before_anything_is_copied(scene: Scene) -> None:
    scene.hub.add("ann/app", scene.url)
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ArgumentError, "from_id is the name", {"from_id": scene.url}),
        (TypeError, "from_id must be a str", {"from_id": 3}),
        (TypeError, "to_id must be a str", {"to_id": 3}),
        (TypeError, "hardware must be a str", {"hardware": 3}),
        (TypeError, "KEY.* must be a str", {"secrets": {"KEY": 3}}),
        (ValueError, "sleep_timeout must be at least 1", {"sleep_timeout": 0}),
        (TypeError, "sleep_timeout", {"sleep_timeout": None}),
        (TypeError, "headers", {"headers": 3}),
        (TypeError, "cookies", {"cookies": 3}),
        (TypeError, "token must be", {"token": 3}),
        (TypeError, "on_status must be callable", {"on_status": 3}),
        (TypeError, "timeouts must be", {"timeouts": 3}),
        (ArgumentError, "no transport", {"transport": "pigeon"}),
    ]
    for kind, says, options in wrong:
        with pytest.raises(kind, match=says):
            Client.duplicate(**{"from_id": "ann/app", "token": "hf_bob", **options})
    assert not scene.hub.requests
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError, match="src must be a str"):
            Client(3)  # type: ignore[arg-type]
