"""The blocking client and who may call what: headers of a call, tokens for the app's own use, an app that is
deployed anew."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from faulty import FaultyServer, Peer, Seen, within
from proxying import ReverseProxy

from gradio_proto import Client
from gradio_proto.errors import ArgumentError, ClientClosed, GradioError, HTTPStatusError
from gradio_proto.testing import Component, EmbeddedServer, TestApp


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


def joins(server: FaultyServer) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in server.seen("queue/join")]


# Headers of a call.


def test_a_calls_headers_go_with_its_requests_and_change_nothing() -> None:
    mine, of_call = {"X-Who": "client", "X-Gradio-User": "me"}, {"x-who": "call"}
    with FaultyServer() as server, Client(server.url, headers=mine) as client:
        client.predict("x", headers=of_call)
        client.predict("x")
        client.endpoint("/predict", headers={"x-gradio-user": "you"}).submit("x").result(5)
        seen = [
            (request.path.rpartition("/")[2], request.headers["x-who"], request.headers["x-gradio-user"])
            for request in server.requests[2:]
        ]
    assert seen == [
        ("join", "call", "me"),
        ("data", "call", "me"),
        ("join", "client", "me"),
        ("data", "client", "me"),
        ("join", "client", "you"),
        ("data", "client", "you"),
    ]
    assert (mine, of_call) == ({"X-Who": "client", "X-Gradio-User": "me"}, {"x-who": "call"})


# What an event of a browser's would carry.


def test_event_data_and_trigger_id() -> None:
    data = {"index": [0, 1], "value": "a"}
    with FaultyServer() as server, Client(server.url) as client:
        endpoint = client.endpoint("/predict", event_data=data, trigger_id=7)
        endpoint.predict("x")
        endpoint.submit("x").result(5)
        client.endpoint("/predict", event_data="text").predict("x")
        client.predict("x")
        sent = [(body["event_data"], body["trigger_id"]) for body in joins(server)]
    assert sent == [(data, 7), (data, 7), ("text", None), (None, None)]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"event_data": {1, 2}}, ArgumentError, "event_data cannot be sent as JSON"),
        ({"event_data": object()}, ArgumentError, "event_data"),
        ({"trigger_id": "7"}, TypeError, "trigger_id must be an int"),
        ({"trigger_id": True}, TypeError, "trigger_id"),
        ({"trigger_id": 1.5}, TypeError, "trigger_id"),
        ({"trigger_id": -1}, ValueError, "trigger_id"),
        ({"headers": {"a": 1}}, TypeError, "headers"),
        ({"headers": {"Cookie": "a=b"}}, ArgumentError, "Cookie"),
    ],
)
def test_options_of_a_call_that_are_wrong(
    options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with FaultyServer() as server, Client(server.url) as client:
        with pytest.raises(error, match=match):
            client.endpoint("/predict", **options)
        assert not joins(server)


# Tokens for the app's own use.


class Asking(FaultyServer):
    """Its endpoint asks for the caller's token, as ``need`` says."""

    def __init__(self, need: str | None, **handlers: Any) -> None:
        def info(peer: Peer, _: Seen) -> None:
            described: dict[str, Any] = self._app.info()
            described["named_endpoints"]["/predict"]["oauth_token"] = need
            peer.json(described)

        super().__init__({"info": info, **handlers})


@pytest.mark.parametrize(
    ("need", "sent"), [("required", True), ("optional", True), ("new word", True), (None, False), ("", False)]
)
def test_an_oauth_token_goes_to_the_endpoints_that_ask_for_one(need: str | None, sent: bool) -> None:
    with Asking(need) as server, Client(server.url, oauth_token="hf_sesame") as client:
        client.predict("x")
        client.submit("x").result(5)
        assert [body.get("oauth_token") for body in joins(server)] == ["hf_sesame" if sent else None] * 2
        assert all("oauth_token" in body for body in joins(server)) == sent
        for request in server.requests:
            assert "sesame" not in f"{request.target}{request.headers}"
            assert "sesame" not in str(request.body) or request.path.endswith("/queue/join")


def test_an_endpoint_that_needs_a_token_says_so_before_anything_is_sent() -> None:
    with Asking("required") as server, Client(server.url) as client:
        for call in (client.predict, client.submit):
            with pytest.raises(
                ArgumentError, match=r"/predict acts on your behalf .* oauth_token="
            ) as caught:
                call("x")
            assert not caught.value.retryable
        assert not joins(server)
    with Asking("optional") as server, Client(server.url) as client:
        client.predict("x")
        assert "oauth_token" not in joins(server)[0]


def test_somebody_who_is_logged_in_needs_no_token() -> None:
    with Asking("required") as server, Client(server.url, cookies={"session": "x"}) as client:
        client.predict("x")
        assert "oauth_token" not in joins(server)[0]


def test_an_oauth_token_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    def crash(peer: Peer, _: Seen) -> None:
        peer.json({"detail": "no"}, "500 No")

    with caplog.at_level(logging.DEBUG), Asking("required", **{"queue/join": crash}) as server:
        with Client(server.url, oauth_token="hf_sesame") as client:
            job = client.submit("x")
            error = job.exception(5)
            assert "oauth_token" in joins(server)[0]
            shown = [client, job, error, client.endpoint("/predict"), client.config, client._engine.state]
            assert "sesame" not in "".join(f"{value!r}{value}" for value in shown)
            assert "sesame" not in str(client.view_api(print_info=False, return_format="str"))
            pickled = pickle.dumps(client)
            assert b"sesame" not in pickled
        with pickle.loads(pickled) as again, pytest.raises(ArgumentError, match="oauth_token="):  # noqa: S301
            again.predict("x")
    assert "sesame" not in caplog.text


@pytest.mark.parametrize("url", ["http://app.example", "http://192.0.2.1:7860"])
def test_an_oauth_token_never_goes_over_http(url: str) -> None:
    with pytest.raises(ArgumentError, match="https only") as caught:
        Client(url, oauth_token="hf_sesame")
    assert "sesame" not in str(caught.value)
    with pytest.raises(TypeError, match="oauth_token must be a str"):
        Client("http://127.0.0.1:1", oauth_token=5)  # type: ignore[arg-type]


# An app that is deployed anew.


def first_app() -> TestApp:
    app = TestApp(app_id=1, version="6.31.0")

    @app.endpoint("/a")
    def a(x: str) -> str:
        return f"a1 {x}"

    @app.endpoint("/b")
    def b(x: str) -> str:
        return f"b1 {x}"

    return app


def second_app(app_id: int = 2) -> TestApp:
    """``/a`` is gone, ``/b`` has got another number, and ``/c`` is new."""
    app = TestApp(app_id=app_id, version="6.31.0")
    words = Component("state", value=[])

    @app.endpoint("/c")
    def c(x: str, y: str) -> str:
        return f"c2 {x}{y}"

    @app.endpoint("/d", inputs=["text", words], outputs=["json", words])
    def d(word: str, known: list[str]) -> tuple[list[str], list[str]]:
        return [*known, word], [*known, word]

    @app.endpoint("/b")
    def b(x: str) -> str:
        return f"b2 {x}"

    return app


def test_refresh_follows_the_endpoints_of_an_app_that_was_deployed_anew() -> None:
    with EmbeddedServer(first_app()) as old, Client(old.url) as client:
        port = int(old.url.rpartition(":")[2])
        a, b, by_number = client.endpoint("/a"), client.endpoint("/b"), client.endpoint(fn_index=1)
        assert (a.predict("x"), b.predict("x"), by_number.predict("x")) == ("a1 x", "b1 x", "b1 x")
        assert client.app_id == 1
        session = client.session_hash
        old.close()
        with EmbeddedServer(second_app(), port=port):
            client.refresh()
            assert client.app_id == client.config["app_id"] == 2
            assert client.session_hash != session
            assert (b.predict("x"), by_number.submit("x").result(5)) == ("b2 x", "b2 x")
            assert client.predict("x", "y", api_name="/c") == "c2 xy"
            for _ in range(2):
                with pytest.raises(ArgumentError, match="no endpoint '/a'"):
                    a.predict("x")
            with pytest.raises(ArgumentError, match="no endpoint '/a'"):
                a.submit("x")
            assert client.predict("x", api_name="/d") == ["x"]
            session = client.session_hash
            client.refresh()  # nothing has changed: State stays
            assert client.session_hash == session
            assert client.predict("y", api_name="/d") == ["x", "y"]


def test_a_join_that_a_redeployed_app_does_not_know_says_what_to_do() -> None:
    with EmbeddedServer(second_app()) as old, Client(old.url) as client:
        port = int(old.url.rpartition(":")[2])
        old.close()
        with EmbeddedServer(first_app(), port=port):
            with pytest.raises(HTTPStatusError, match=r"started anew since then: call client\.refresh\(\)"):
                client.predict("x", api_name="/b")  # number 2, of which the new app has none
            client.refresh()
            assert client.predict("x", api_name="/b") == "b1 x"


def test_many_threads_call_while_the_app_is_read_again() -> None:
    errors: list[BaseException] = []

    def call(client: Client) -> None:
        try:
            b = client.endpoint("/b")
            for _ in range(10):
                assert b.predict("x") == "b2 x"
        except BaseException as error:
            errors.append(error)

    with EmbeddedServer(second_app()) as server, Client(server.url) as client:
        threads = [threading.Thread(target=call, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            client.refresh()
        for thread in threads:
            thread.join(10)
    assert not errors


def test_a_closed_client_and_one_whose_app_has_gone_cannot_be_refreshed() -> None:
    with EmbeddedServer(first_app()) as server:
        client = Client(server.url, max_retries=0)
        server.close()
        with pytest.raises(GradioError):
            client.refresh()
        assert client.app_id == 1
        client.close()
        with pytest.raises(ClientClosed):
            client.refresh()


def test_an_app_without_an_app_id() -> None:
    with FaultyServer(config={"app_id": None}) as server, Client(server.url) as client:
        assert client.app_id is None
        session = client.session_hash
        client.refresh()
        assert client.session_hash == session


# What stands before an app.


def counting_app() -> TestApp:
    app = TestApp()

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    return app


def test_the_cookie_of_a_load_balancer_keeps_a_client_at_its_backend() -> None:
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(EmbeddedServer(counting_app())).url for _ in range(3)]
        proxy = stack.enter_context(ReverseProxy(*urls))
        for _ in range(3):
            first = len(proxy.passed)
            with Client(proxy.url) as client:
                assert list(client.submit(3, api_name="/count")) == [0, 1, 2]
                client.refresh()
                assert client.predict(3, api_name="/count") == 2
            mine = proxy.passed[first:]
            assert len({request.backend for request in mine}) == 1
            assert all("backend=" in request.headers["cookie"] for request in mine[1:])
        assert len({request.backend for request in proxy.passed}) == 3


@pytest.mark.parametrize("prefix", ["/sub", "/sub/path", "/gradio_api", "/caf%C3%A9"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_request_is_made_below_the_path_that_was_typed(prefix: str, slash: str) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(counting_app()))
        proxy = stack.enter_context(ReverseProxy(server.url, prefix=prefix))
        client = stack.enter_context(Client(proxy.url + slash))
        assert client.config["root"] == server.url  # the app knows nothing of the proxy
        assert list(client.submit(3, api_name="/count")) == [0, 1, 2]
        job = client.submit(10**6, api_name="/count")
        next(job)
        assert job.cancel()
        assert not proxy.refused
        assert {request.path for request in proxy.passed} == {
            "/config",
            "/gradio_api/info",
            "/gradio_api/queue/join",
            "/gradio_api/queue/data",
            "/gradio_api/cancel",
        }
