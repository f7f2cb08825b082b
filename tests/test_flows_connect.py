"""Connecting: the config, or what the page embeds; logins; redirects to https; protocols that are not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import (
    CLOSE,
    CLOSE_STREAM,
    END,
    Asked,
    GradioScript,
    ScriptedServer,
    World,
    an_app,
    completed,
    http,
    make_state,
    scripted_world,
    stateful_app,
)

from gradio_proto.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
    UnsupportedProtocol,
)
from gradio_proto.flows.connect import ASK_SECONDS, connect, refresh, was_restarted
from gradio_proto.flows.requests import RedirectedElsewhere
from gradio_proto.limits import Limits
from gradio_proto.testing import TestApp
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


SUB = AppURL(Origin("http", "app", 80), "/sub")


def test_an_app_under_a_path_is_asked_under_it() -> None:
    script = GradioScript(an_app(), others={"/login": [http(200, b'{"success":true}')]})
    world = World(ScriptedServer(script), make_state(url=SUB, auth=("u", "p"), headers=(("x-key", "s"),)))
    world.run(connect(world.state))
    assert [(asked.path, "x-key" in asked.headers) for asked in world.server.asked] == [
        ("/sub/config", False),  # whether it leads to https is found out before anything secret is sent
        ("/sub/login", True),
        ("/sub/config", True),
        ("/sub/gradio_api/info", True),
    ]
    world.close()
    app = an_app()
    others: dict[str, Any] = {"/config": [http(404)], "/sub/": page(app.config("http://app"))}
    world = World(ScriptedServer(GradioScript(app, others=others)), make_state(url=SUB))
    world.run(connect(world.state))
    assert world.server.paths() == ["/sub/config", "/sub/", "/sub/gradio_api/info"]
    world.close()


@pytest.mark.parametrize("protocol", [None, "ws", "sse", "sse_v3"])
def test_only_the_oldest_servers_may_be_without_an_info(protocol: str | None) -> None:
    script = GradioScript(an_app(), config={"protocol": protocol}, others={"/info": [http(404)]})
    world = World(ScriptedServer(script))
    if protocol in (None, "ws"):
        app = world.run(connect(world.state))
        assert not app.info.named
        assert app.resolve("/echo").parameters
        assert world.server.asked[-1].target == "/gradio_api/info?serialize=False"
        world.close()
    else:
        assert "/info answered 404" in str(failure(world))


def test_no_app_at_all() -> None:
    error = failure(config_world(http(404)))
    assert "no Gradio app at http://app" in str(error)
    assert "/config answered 404" in str(error)


def test_errors_name_what_was_asked_for() -> None:
    for answer, page_answer, words in (
        (http(200, b"oops"), None, "/config is not valid JSON"),
        (http(500, b"oops", content_type="text/plain"), None, "/config answered 500"),
        (
            http(404),
            http(200, b"<script>window.gradio_config = {]};", content_type="text/html"),
            "the config in the app's page is not valid JSON",
        ),
    ):
        assert words in str(failure(config_world(answer, page_answer=page_answer)))
    assert "/login answered 500" in str(failure(login_world(http(500))))
    script = GradioScript(an_app(), others={"/info": [http(200, b"oops")]})
    assert "/info is not valid JSON" in str(failure(World(ScriptedServer(script))))


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
    assert "/config" in str(error)


def test_what_a_login_page_says_is_told() -> None:
    config = {"auth_required": True, "auth_message": "members only", "root": "http://app"}
    detail = {"detail": {"error": "Not authenticated", "auth_message": "members only"}}
    refusals = [
        (http(401, b'{"detail":"Not authenticated"}'), page(config)[0]),  # up to 4.44.1
        (http(401, json.dumps(detail).encode()), http(404)),  # 5 and 6
        (http(404), page(config)[0]),
    ]
    for refusal, page_answer in refusals:
        error = failure(config_world(refusal, page_answer=page_answer))
        assert isinstance(error, AuthenticationError)
        assert error.auth_message == "members only"
        assert "auth=('user', 'password') (the app says: members only)" in str(error)


@pytest.mark.parametrize(
    "page_answer",
    [
        page({"auth_required": True, "auth_message": None})[0],
        http(200, b"<html>", content_type="text/html"),
        http(404),
        http(500),
    ],
)
def test_a_login_page_that_says_nothing(page_answer: bytes) -> None:
    error = failure(config_world(http(401, b'{"detail":"Not authenticated"}'), page_answer=page_answer))
    assert isinstance(error, AuthenticationError)
    assert error.auth_message is None
    assert str(error).endswith("this app wants a login; give auth=('user', 'password')")


HERE = AppURL(Origin("http", "localhost", 80), "")
"""Where nobody listens in."""


def login_world(answer: bytes, url: AppURL | None = None) -> World:
    script = GradioScript(an_app(), others={"/login": [answer]})
    return World(ScriptedServer(script), make_state(auth=("me@x", "pass word&"), url=url))


def test_a_login_is_made_before_anything_else() -> None:
    world = login_world(
        http(200, b'{"success":true}', "set-cookie: access-token-unsecure=T; HttpOnly; Path=/"), HERE
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


@pytest.mark.parametrize("status", [400, 401, 403, 422])
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


@pytest.mark.parametrize("location", ["http://10.0.0.7:7860", "http://10.0.0.7:7860/sub/path"])
def test_behind_a_proxy_that_page_may_be_at_an_address_that_the_app_alone_knows(location: str) -> None:
    world = login_world(http(302, b"", f"location: {location}"), HERE)
    assert world.run(connect(world.state)).config.version == "6.31.0"
    assert world.server.paths() == ["/login", "/config", "/gradio_api/info"]
    world.close()


@pytest.mark.parametrize("location", ["https://app/login", "https://evil/login/?x"])
def test_but_a_login_is_not_to_be_made_there(location: str) -> None:
    assert isinstance(failure(login_world(http(302, b"", f"location: {location}"))), RedirectedElsewhere)


@pytest.mark.parametrize("location", ["https://app/login", "https://evil/login", "http://app:81/"])
def test_a_login_that_leads_to_another_origin(location: str) -> None:
    world = login_world(http(307, b"", f"location: {location}"))
    assert isinstance(failure(world), RedirectedElsewhere)
    assert world.server.paths() == ["/config", "/login"]


# Connecting again.


def redeployed(world: World, app: TestApp) -> None:
    """From now on, another app is there."""
    world.server.handler.app = app


def test_an_app_that_was_deployed_anew() -> None:
    script = GradioScript(an_app("4.44.1", app_id=1), others={"/login": [http(200)]})
    world = scripted_world(script, url=HERE, auth=("me", "password"))
    live = world.state.session()
    assert world.state.target("queue/join") == "/queue/join"
    redeployed(world, stateful_app("6.31.0"))
    world.run(refresh(world.state))
    assert world.server.paths()[3:] == ["/login", "/config", "/gradio_api/info"]
    assert world.state.app.config.version == "6.31.0"
    assert world.state.target("queue/join") == "/gradio_api/queue/join"
    assert world.state.app.resolve("/remember")
    assert live.retired.is_set
    assert world.state.session() is not live
    world.close()


def test_an_app_that_is_the_same_keeps_its_session() -> None:
    world = scripted_world(GradioScript(an_app()))
    live = world.state.session()
    before = world.state.app
    world.run(refresh(world.state))
    assert world.state.app is not before
    assert world.state.session() is live
    assert not live.retired.is_set
    world.close()


def test_an_app_that_was_never_called_has_no_session_to_give_up() -> None:
    world = scripted_world(GradioScript(an_app(app_id=1)))
    redeployed(world, an_app(app_id=2))
    world.run(refresh(world.state))
    assert world.state.app.config.app_id == 2
    assert world.state.live is None
    world.close()


@pytest.mark.parametrize("route", ["/config", "/info"])
def test_an_app_that_cannot_be_read_again_leaves_everything_as_it_was(route: str) -> None:
    world = scripted_world(GradioScript(an_app()))
    before, live = world.state.app, world.state.session()
    world.server.handler.others = {route: [http(500)]}
    with pytest.raises(HTTPStatusError, match=route):
        world.run(refresh(world.state))
    assert world.state.app is before
    assert world.state.session() is live
    world.close()


@pytest.mark.parametrize(
    ("answer", "restarted"),
    [
        (http(200, b'{"app_id": 8}'), True),
        (http(200, b'{"app_id": "seven"}'), True),
        (http(200, b'{"app_id": 7}'), False),
        (http(200, b'{"app_id": null}'), False),
        (http(404), False),
        (CLOSE, False),
        (600.0, False),
    ],
)
def test_an_app_is_asked_whether_it_is_still_the_same(answer: Any, restarted: bool) -> None:
    world = scripted_world(GradioScript(an_app(app_id=7), others={"/app_id": [answer]}))
    assert world.run(was_restarted(world.state, None)) == restarted
    assert world.runner.now == (ASK_SECONDS if answer == 600.0 else 0)
    assert len(world.server.paths("/app_id")) == (2 if answer is CLOSE else 1)
    world.close()


def test_a_caller_with_less_time_asks_for_as_long_as_there_is() -> None:
    world = scripted_world(GradioScript(an_app(app_id=7), others={"/app_id": [600.0]}))
    assert not world.run(was_restarted(world.state, 1.5))
    assert world.runner.now == 1.5
    world.close()


def test_jobs_that_are_open_when_the_app_is_read_again_go_on() -> None:
    app = an_app(app_id=1)
    world = scripted_world(GradioScript(app))
    begun = world.begin("/echo", "x")
    world.runner.settle()
    redeployed(world, an_app(app_id=2))
    world.run(refresh(world.state))
    world.say(completed("e1", "v"), CLOSE_STREAM, END)
    assert world.result(begun) == "v"
    world.close()


# Protocols.


@pytest.mark.parametrize("protocol", ["sse_v4", "websocket"])
def test_protocols_that_are_not_ours(protocol: str) -> None:
    world = World(ScriptedServer(GradioScript(an_app(), config={"protocol": protocol})))
    error = failure(world)
    assert isinstance(error, UnsupportedProtocol)
    assert "ws, sse, sse_v1, sse_v2, sse_v2.1, sse_v3" in str(error)
    assert repr(protocol) in str(error)
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
    world.state.cookies.set("session", "1")
    assert world.state.cookies.header("/sub/config", 0.0) == "session=1"
    world.close()


SECRETS: list[dict[str, Any]] = [
    {"headers": [("x-key", "s3cret")]},
    {"auth": ("me", "s3cret")},
    {"cookies": "s3cret"},
    {"headers": [("authorization", "Bearer s3cret")], "auth": ("me", "s3cret"), "cookies": "s3cret"},
]


def secretive(secret: dict[str, Any], **options: Any) -> Any:
    options.update({name: value for name, value in secret.items() if name != "cookies"})
    state = make_state(**options)
    if "cookies" in secret:
        state.cookies.set("c", secret["cookies"])
    return state


class Ports:
    """A plain and a TLS port of one host; keeps every byte that each received."""

    def __init__(self, plain: Any, secure: Any) -> None:
        self.handlers = {80: plain, 443: secure}
        self.received = {80: b"", 443: b""}
        self.ports: list[int] = []
        self.server = ScriptedServer(lambda asked: self.handlers[self.ports[asked.conn]](asked))

    def world(self, state: Any) -> World:
        world = World(self.server, state)
        connect_in_memory, receive = world.runner._connect, self.server.receive_data

        def made(effect: Any) -> Any:
            self.ports.append(effect.port)
            return connect_in_memory(effect)

        def received(conn: int, data: bytes, now: float) -> None:
            self.received[self.ports[conn]] += data
            receive(conn, data, now)

        world.runner._connect = made  # type: ignore[method-assign]
        self.server.receive_data = received  # type: ignore[method-assign]
        return world


def redirecting(*before: list[Any]) -> Any:
    left = iter(before)
    return lambda asked: next(left, [http(301, b"", "location: https://app/config", "set-cookie: p=1")])


@pytest.mark.parametrize("before", [[], [[CLOSE]], [[http(503)]], [[CLOSE], [http(502)]]])
@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_secret_goes_out_in_clear_before_an_upgrade(secret: dict[str, Any], before: Any) -> None:
    script = GradioScript(an_app(), others={"/login": [http(200, b"{}", "set-cookie: token=T")]})
    ports = Ports(redirecting(*before), script)
    world = ports.world(secretive(secret))
    world.run(connect(world.state))
    assert world.state.url == AppURL(Origin("https", "app", 443), "")
    assert b"GET /config" in ports.received[80]
    for word in (b"s3cret", b"me", b"ookie", b"x-key", b"uthorization", b"POST"):
        assert word not in ports.received[80].replace(b"HTTP/1.1", b"")
    assert b"s3cret" in ports.received[443]
    assert b"p=1" not in ports.received[443]  # what was set in clear is not believed
    assert (b"c=s3cret" in ports.received[443]) is ("cookies" in secret)
    assert (b"token=T" in ports.received[443]) is ("auth" in secret)
    world.close()


@pytest.mark.parametrize("secret", SECRETS)
def test_an_app_without_tls_gets_them_when_it_has_not_led_elsewhere(secret: dict[str, Any]) -> None:
    script = GradioScript(an_app(), others={"/login": [http(200)]})
    world = World(ScriptedServer(script), secretive(secret))
    assert world.run(connect(world.state)).config.version == "6.31.0"
    first, *others = world.server.asked
    assert set(first.headers) == {"host", "user-agent", "accept-encoding"}
    assert any("s3cret" in str(asked) for asked in others)
    world.close()


@pytest.mark.parametrize("location", ["https://other/config", "http://app:8080/config"])
@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_secret_goes_anywhere_when_an_app_leads_elsewhere(
    secret: dict[str, Any], location: str
) -> None:
    world = World(ScriptedServer(Upgrade(location)), secretive(secret))
    assert isinstance(failure(world), RedirectedElsewhere)
    (asked,) = world.server.asked
    assert "s3cret" not in str(asked)


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_secret_goes_to_a_server_that_does_not_answer_the_first_question(
    secret: dict[str, Any],
) -> None:
    world = World(ScriptedServer(lambda asked: [CLOSE]), secretive(secret))
    assert isinstance(failure(world), ConnectionLost)
    assert "s3cret" not in str(world.server.asked)


def test_an_upgrade_of_an_app_that_has_got_secrets_over_loopback_is_refused() -> None:
    state = secretive(SECRETS[0], url=HERE)
    world = World(ScriptedServer(Upgrade("https://localhost/config")), state)
    assert isinstance(failure(world), RedirectedElsewhere)
    assert world.server.paths() == ["/config"]


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
