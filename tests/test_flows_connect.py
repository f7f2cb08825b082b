"""Connecting: the config, or what the page embeds; logins; redirects to https; protocols that are not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import Asked, GradioScript, ScriptedServer, World, an_app, http, make_state, scripted_world

from gradio_proto.errors import (
    AuthenticationError,
    ConnectError,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
    UnsupportedProtocol,
)
from gradio_proto.flows.connect import connect
from gradio_proto.flows.requests import RedirectedElsewhere
from gradio_proto.limits import Limits
from gradio_proto.urls import AppURL, Origin


def failure(world: World) -> GradioError:
    with pytest.raises(GradioError) as caught:
        world.run(connect(world.state))
    world.close()
    return caught.value


def test_a_healthy_app() -> None:
    world = World(ScriptedServer(GradioScript(an_app())))
    app = world.run(connect(world.state))
    assert app is world.state.app
    assert app.config.protocol == "sse_v3"
    assert [asked.target for asked in world.server.asked] == [
        "/config",
        "/gradio_api/info?all_endpoints=True",
    ]
    assert world.pool.connections_made == 1
    world.close()


def test_cookies_of_the_config_are_sent_later() -> None:
    body = json.dumps(an_app().config("http://app")).encode()
    script = GradioScript(an_app(), others={"/config": [http(200, body, "set-cookie: sticky=1; Path=/")]})
    world = World(ScriptedServer(script))
    world.run(connect(world.state))
    assert world.server.asked[1].headers["cookie"] == "sticky=1"
    world.close()


def page(config: Any) -> list[bytes]:
    text = f"<html><script>window.gradio_config = {json.dumps(config)};</script></html>"
    return [http(200, text.encode(), content_type="text/html; charset=utf-8")]


@pytest.mark.parametrize(
    "answer",
    [http(404, b'{"detail":"Not Found"}'), http(200, b"<html>", content_type="text/html")],
)
def test_the_page_stands_in_for_the_config(answer: bytes) -> None:
    app = an_app()
    script = GradioScript(app)
    script.others = {"/config": [answer], "/info": [http(200, json.dumps(app.info()).encode())]}
    script.others["/"] = page(app.config("http://app"))
    world = World(ScriptedServer(script))
    assert world.run(connect(world.state)).config.version == "6.31.0"
    assert [asked.path for asked in world.server.asked] == ["/config", "/", "/gradio_api/info"]
    world.close()


def config_world(*answers: bytes, page_answer: bytes | None = None, **options: Any) -> World:
    left = iter(answers)

    def handler(asked: Asked) -> Any:
        if asked.path.endswith("/config"):
            return [next(left)]
        return [page_answer or http(404)]

    return World(ScriptedServer(handler), make_state(**options))


def test_no_app_at_all() -> None:
    error = failure(config_world(http(404)))
    assert "no Gradio app at http://app" in str(error)


def test_a_page_that_is_no_apps() -> None:
    html = http(200, b"\n  Welcome to the intranet\n", content_type="text/html")
    error = failure(config_world(html, page_answer=html))
    assert isinstance(error, HTTPStatusError)
    assert "Welcome to the intranet" in str(error)


def test_a_page_whose_config_is_no_json() -> None:
    html = http(200, b"<script>window.gradio_config = {oops};</script>", content_type="text/html")
    assert isinstance(failure(config_world(html, page_answer=html)), RemoteProtocolError)


def test_a_config_that_says_no() -> None:
    assert isinstance(
        failure(config_world(http(401, b'{"detail":"Not authenticated"}'))), AuthenticationError
    )
    assert isinstance(failure(config_world(http(500, b"oops", content_type="text/plain"))), HTTPStatusError)


def test_a_config_over_the_limit() -> None:
    error = failure(config_world(http(200, b"[" + b" " * 200 + b"]"), limits=Limits(json_body_bytes=100)))
    assert isinstance(error, LimitExceeded)


def test_nobody_there() -> None:
    world = config_world()
    world.runner.refuses = True
    assert isinstance(failure(world), ConnectError)
    assert world.runner.now == 1.5


# Logins.


def test_a_login_page() -> None:
    config = {"auth_required": True, "auth_message": "please", "root": "http://app"}
    error = failure(config_world(http(404), page_answer=page(config)[0]))
    assert isinstance(error, AuthenticationError)
    assert "auth=('user', 'password')" in str(error)


def login_world(answer: bytes) -> World:
    script = GradioScript(an_app(), others={"/login": [answer]})
    return World(ScriptedServer(script), make_state(auth=("me@x", "pass word&")))


def test_a_login_is_made_before_anything_else() -> None:
    world = login_world(
        http(200, b'{"success":true}', "set-cookie: access-token-unsecure=T; HttpOnly; Path=/")
    )
    world.run(connect(world.state))
    login, config, info = world.server.asked
    assert (login.method, login.target, login.body) == (
        "POST",
        "/login",
        b"username=me%40x&password=pass%20word%26",
    )
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "cookie" not in login.headers
    assert config.headers["cookie"] == info.headers["cookie"] == "access-token-unsecure=T"
    world.close()


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_password(status: int) -> None:
    error = failure(login_world(http(status, b'{"detail":"Incorrect credentials."}')))
    assert isinstance(error, AuthenticationError)
    assert "me@x" in str(error)
    assert "pass word" not in str(error)


def test_a_login_that_fails_otherwise() -> None:
    assert isinstance(failure(login_world(http(500))), HTTPStatusError)


def test_an_app_without_a_login_answers_with_a_redirect() -> None:
    world = login_world(http(302, b"", "location: /"))
    assert world.run(connect(world.state)).config.version == "6.31.0"
    world.close()


# Protocols.


@pytest.mark.parametrize("protocol", ["ws", "sse", "sse_v4", None])
def test_protocols_that_are_not_ours(protocol: str | None) -> None:
    world = World(ScriptedServer(GradioScript(an_app(), config={"protocol": protocol})))
    error = failure(world)
    assert isinstance(error, UnsupportedProtocol)
    assert "sse_v1, sse_v2, sse_v2.1, sse_v3" in str(error)
    assert repr(protocol or "ws") in str(error)
    assert world.server.paths() == ["/config"]


@pytest.mark.parametrize("version", ["4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"])
def test_every_generation_that_is(version: str) -> None:
    world = scripted_world(GradioScript(an_app(version)))
    assert world.state.app.config.version == version
    world.close()


# Redirects to https.


class Upgrade:
    """Answers the first request with a redirect, and then as an app would."""

    def __init__(self, location: str, *headers: str) -> None:
        self.location, self.headers = location, headers
        self.script = GradioScript(an_app())
        self.asked = 0

    def __call__(self, asked: Asked) -> Any:
        self.asked += 1
        if self.asked == 1:
            return [http(301, b"", f"location: {self.location}", *self.headers)]
        return self.script(asked)


def test_http_to_https_is_followed_at_connect() -> None:
    server = ScriptedServer(Upgrade("https://app/sub/config", "set-cookie: planted=1; Path=/"))
    world = World(server)
    world.run(connect(world.state))
    assert world.state.url == AppURL(Origin("https", "app", 443), "/sub")
    assert [asked.target for asked in server.asked] == [
        "/config",
        "/sub/config",
        "/sub/gradio_api/info?all_endpoints=True",
    ]
    assert "cookie" not in server.asked[1].headers  # what was set in clear is not believed
    world.close()


@pytest.mark.parametrize("secret", [{"headers": [("x-key", "1")]}, {"auth": ("a", "b")}, {"cookies": "c"}])
def test_but_not_when_something_secret_has_gone_out_in_clear(secret: dict[str, Any]) -> None:
    options = {name: value for name, value in secret.items() if name != "cookies"}
    upgrade = Upgrade("https://app/config")
    upgrade.asked = -1 if "auth" in secret else 0
    state = make_state(**options)
    if "cookies" in secret:
        state.cookies.set("c", "1")
    upgrade.script.others = {"/login": [http(200)]}
    upgrade.asked = 0
    server = ScriptedServer(upgrade if "auth" not in secret else _after_login(upgrade))
    world = World(server, state)
    assert isinstance(failure(world), RedirectedElsewhere)
    assert server.paths("/config") == ["/config"]


def _after_login(upgrade: Upgrade) -> Any:
    return lambda asked: [http(200)] if asked.path == "/login" else upgrade(asked)


@pytest.mark.parametrize("location", ["https://other/config", "http://app:8080/config"])
def test_nor_to_another_host_or_without_tls(location: str) -> None:
    world = World(ScriptedServer(Upgrade(location)))
    error = failure(world)
    assert isinstance(error, RedirectedElsewhere)
    assert "connect to it instead" in str(error)
    assert len(world.server.asked) == 1


def test_nor_from_one_tls_port_to_another() -> None:
    state = make_state(url=AppURL(Origin("https", "app", 8443), ""))
    world = World(ScriptedServer(Upgrade("https://app/config")), state)
    assert isinstance(failure(world), RedirectedElsewhere)
