"""What must never happen, whatever a server says: credentials elsewhere, control characters in a terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import SHORT, FaultyServer, Handler, Peer, Seen, within
from file_server import STORED, FileServer, file_data, letting_in

from gradio_proto import Client, handle_file
from gradio_proto.errors import AppError, ArgumentError, AuthenticationError, GradioError, RemoteProtocolError
from gradio_proto.testing import EmbeddedServer, Error, TestApp

SECRETS: dict[str, Any] = {
    "token": "hf_sesame1",
    "headers": {"x-key": "sesame2"},
    "cookies": {"session": "sesame3"},
    "auth": ("sesame4", "sesame5"),
    "oauth_token": "hf_sesame7",
}

OF_A_CALL = {"x-call": "sesame8"}
"""Headers of a single call, which are as secret."""


@pytest.fixture(autouse=True)
def bounded(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing hangs, nothing is printed, and no log or error tells a secret."""
    with within(15), caplog.at_level(logging.DEBUG):
        yield
    assert capfd.readouterr() == ("", "")
    assert "sesame" not in caplog.text


@pytest.fixture
def elsewhere() -> Iterator[FaultyServer]:
    """Another origin, which must never hear a word."""
    with FaultyServer() as server:
        yield server
        assert server.requests == []
        assert server.connections == 0


log_in = letting_in("sesame6")


def use(client: Client, value: Any = "x") -> None:
    """Whatever a client can do."""
    client.predict(value, headers=OF_A_CALL)
    client.submit(value, headers=OF_A_CALL).result(5)
    client.view_api(print_info=False)
    client.submit(value, headers=OF_A_CALL).cancel()
    client.reset_session()
    client.refresh()
    client.predict(value)


def outcome(server: FaultyServer, value: Any = "x", **options: Any) -> GradioError | None:
    """Use a client with secrets, and return the error that ends that, if one does."""
    try:
        with Client(server.url, **SECRETS, timeouts=SHORT, max_retries=0, **options) as client:
            use(client, value)
    except GradioError as error:
        return error
    return None


@pytest.mark.parametrize("url", ["http://app.example", "http://192.0.2.1:7860", "http://localhost.example"])
def test_a_token_never_goes_over_http(url: str) -> None:
    for option in ("token", "hf_token"):
        options: dict[str, Any] = {option: "hf_sesame"}
        with pytest.raises(ArgumentError, match="https only") as caught:
            Client(url, **options)
        assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_token_may_go_to_this_machine(name: str) -> None:
    with FaultyServer() as server, Client(f"http://{name}:{server.port}", token="hf_sesame") as client:
        client.predict("x")
        assert {request.headers["x-hf-authorization"] for request in server.requests} == {"Bearer hf_sesame"}


def test_no_token_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "GRADIO_TOKEN"):
        monkeypatch.setenv(name, "hf_sesame")
    with FaultyServer() as server, Client(server.url) as client:
        client.predict("x")
        assert "sesame" not in str(server.requests)


@pytest.mark.parametrize("key", ["root", "api_prefix", "space_id", "root_path"])
@pytest.mark.parametrize(
    "form", ["http://{}", "//{}", "http://{}/gradio_api", "\\\\{}", "@{}", "/..//{}", "?{}#"]
)
def test_a_config_that_points_elsewhere(key: str, form: str, elsewhere: FaultyServer) -> None:
    value = form.format(elsewhere.url.removeprefix("http://"))
    with FaultyServer({"login": log_in}, config={key: value}) as server:
        assert "sesame" not in str(outcome(server))
        for request in server.requests:
            assert request.target.startswith("/")


@pytest.mark.parametrize("route", ["config", "info", "login", "queue/join", "queue/data", "cancel"])
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_redirects_elsewhere(route: str, status: str, elsewhere: FaultyServer) -> None:
    def redirect(peer: Peer, request: Seen) -> None:
        peer.reply(b"", f"{status} Over there", location=f"{elsewhere.url}{request.target}")

    with FaultyServer({"login": log_in, route: redirect}) as server:
        error = outcome(server)
        assert "sesame" not in f"{error} {error!r}"
        assert server.seen(route) or route == "cancel"


def test_files_and_tokens_go_where_they_belong(tmp_path: Path) -> None:
    """What the tests below rely on: with nobody in the way, every secret goes out, to its place."""
    with FileServer(file_data(), cookie="sesame6") as server:
        assert outcome(server, handle_file(b"mine", name="a.txt"), download_files=tmp_path) is None
        for route in ("login", "config", "info", "upload", "queue/join", "queue/data", "file"):
            assert server.seen(route), route
        for request in server.seen("queue/join"):
            assert b"hf_sesame7" in request.body
        calls = [*server.seen("upload"), *server.seen("queue/join"), *server.seen("file")]
        assert sum(request.headers.get("x-call") == "sesame8" for request in calls) >= 6
        for request in server.requests:
            assert request.headers["x-key"] == "sesame2"
            assert b"sesame7" not in request.body or request.path.endswith("/queue/join")


@pytest.mark.parametrize(
    "route", ["config", "info", "upload", "queue/join", "queue/data", "heartbeat", "file"]
)
@pytest.mark.parametrize("status", ["302", "307"])
def test_redirects_elsewhere_of_a_call_with_files(
    route: str, status: str, elsewhere: FaultyServer, tmp_path: Path
) -> None:
    def redirect(peer: Peer, request: Seen) -> None:
        peer.reply(b"", f"{status} Over there", location=f"{elsewhere.url}{request.target}")

    with FileServer(file_data(), {route: redirect}, cookie="sesame6") as server:
        error = outcome(server, handle_file(b"mine", name="a.txt"), download_files=tmp_path)
        # Nobody waits for a heartbeat; everything else is needed.
        assert (error is None) == (route == "heartbeat")
        assert "sesame" not in f"{error} {error!r}"
        assert server.seen(route) or route == "heartbeat"


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://{}/gradio_api/file=/there/a.txt"},
        {"path": "http://{}/a.txt"},
        {"path": "//{}/a.txt"},
        {"path": "@{}/a.txt"},
        {"path": "\\\\{}\\a.txt"},
        {"path": "/..//{}/a.txt", "url": "//{}/a.txt"},
        {"path": None, "url": "http://{}/a.txt"},
        {"path": "", "url": "http://{}/a.txt"},
        {"path": "http://{}/playlist.m3u8", "url": "http://{}/playlist.m3u8?__sign=x", "is_stream": True},
        {"path": "?x#http://{}", "orig_name": "http://{}"},
    ],
)
def test_files_that_point_elsewhere(fields: dict[str, Any], elsewhere: FaultyServer, tmp_path: Path) -> None:
    place = elsewhere.url.removeprefix("http://")
    changed = {key: value.format(place) if isinstance(value, str) else value for key, value in fields.items()}
    with FileServer(file_data(**changed), cookie="sesame6", root=elsewhere.url) as server:
        error = outcome(server, handle_file(f"{elsewhere.url}/x.txt"), download_files=tmp_path)
        assert "sesame" not in f"{error} {error!r}"
        for request in server.requests:
            assert request.target.startswith("/")
            assert request.headers["host"] == f"127.0.0.1:{server.port}"
        if "path" not in fields:
            assert error is None  # the url does not count where there is a path
            assert server.seen("file")[0].path == f"/gradio_api/file={STORED}"
        assert not server.seen("upload")  # a URL is for the server to fetch


def test_a_redirect_to_https_is_not_followed_with_secrets() -> None:
    def upgrade(peer: Peer, request: Seen) -> None:
        peer.reply(b"", "301 Moved", location=f"https://127.0.0.1:{server.port}{request.target}")

    with FaultyServer({"config": upgrade}) as server:
        for name, value in SECRETS.items():
            options: dict[str, Any] = {name: value}
            with pytest.raises(GradioError):
                Client(server.url, **options, timeouts=SHORT, max_retries=0)


def test_redirects_on_the_same_origin_are_followed_three_times() -> None:
    def again(times: int) -> Handler:
        def redirect(peer: Peer, request: Seen) -> None:
            done = request.target.count("again")
            if done < times:
                peer.reply(b"", "302 Found", location=f"/config?{'again' * (done + 1)}")
            else:
                config(peer, request)

        return redirect

    for times, works in ((3, True), (4, False)):
        server = FaultyServer()
        config = server.handlers["config"]
        server.handlers["config"] = again(times)
        with server:
            if works:
                Client(server.url).close()
            else:
                with pytest.raises(RemoteProtocolError, match="redirects"):
                    Client(server.url)


def test_a_post_is_never_redirected() -> None:
    def redirect(peer: Peer, _: Seen) -> None:
        peer.reply(b"", "307 Again", location="/gradio_api/queue/join?again")

    with FaultyServer({"queue/join": redirect}) as server, Client(server.url) as client:
        with pytest.raises(RemoteProtocolError, match="307"):
            client.predict("x")
        assert len(server.seen("queue/join")) == 1


def test_credentials_reach_the_origin_and_every_route_of_it() -> None:
    with FaultyServer({"login": log_in}) as server, Client(server.url, **SECRETS) as client:
        client.predict("x")
    for request in server.requests:
        assert request.headers["x-hf-authorization"] == "Bearer hf_sesame1"
        assert request.headers["x-key"] == "sesame2"
        assert "session=sesame3" in request.headers["cookie"]
        if request.path != "/login":
            assert "access-token-unsecure-x=sesame6" in request.headers["cookie"]
            assert "sesame5" not in str(request)


def test_nothing_shows_a_secret() -> None:
    with FaultyServer({"login": log_in}) as server, Client(server.url, **SECRETS) as client:
        job = client.submit("x")
        job.result(5)
        for value in (client, job, client.endpoint("/predict"), job.status(), client.config):
            assert "sesame" not in repr(value)


def test_a_wrong_password_is_not_told() -> None:
    def refuse(peer: Peer, _: Seen) -> None:
        peer.json({"detail": "Incorrect credentials."}, "400 Bad Request")

    with FaultyServer({"login": refuse}) as server, pytest.raises(AuthenticationError) as caught:
        Client(server.url, auth=("user", "sesame"))
    assert "sesame" not in str(caught.value) + repr(caught.value)


EVIL = "\x1b[2J\x1b]0;title\x07 \r\nfake log line \x00\x9b31m \u202eright to left \u2028 \ud800"


def test_errors_of_an_app_are_printable() -> None:
    app = TestApp()

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(EVIL.removesuffix("\ud800"), title="\x1b[31mtitle")

    with EmbeddedServer(app) as server, Client(server.url) as client, pytest.raises(AppError) as caught:
        client.predict("x")
    assert caught.value.message == EVIL.removesuffix("\ud800")  # the raw text is there for who wants it
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("route", ["config", "info", "queue/join", "queue/data"])
@pytest.mark.parametrize("kind", ["text/html", "application/json", "\x9b31m"])
@pytest.mark.parametrize("status", ["200 OK", "500 \x9b2J", "401 Who", "422 What", "503 Later"])
def test_errors_of_a_server_are_printable(route: str, kind: str, status: str) -> None:
    body = EVIL.encode("utf-8", "surrogatepass") * 50

    def say(peer: Peer, _: Seen) -> None:
        lines = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        peer.send(lines.encode("latin-1") + body)

    with FaultyServer({route: say}) as server, pytest.raises(GradioError) as caught:
        _predict(server)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 800


def _predict(server: FaultyServer) -> None:
    with Client(server.url, timeouts=SHORT, max_retries=0) as client:
        client.predict("x")


def test_messages_of_a_stream_are_printable() -> None:
    def stream(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.message("unexpected_error", event_id=None, success=False, message=EVIL)
        peer.chunk(b"")

    with FaultyServer({"queue/data": stream}) as server, pytest.raises(GradioError) as caught:
        _predict(server)
    assert str(caught.value).isprintable()


def test_an_event_id_is_printable() -> None:
    def join(peer: Peer, _: Seen) -> None:
        peer.json({"event_id": EVIL})

    with FaultyServer({"queue/join": join}) as server, Client(server.url, timeouts=SHORT) as client:
        job = client.submit("x")
        error = job.exception(5)
        assert isinstance(error, GradioError)
        assert str(error).isprintable()
        assert error.event_id == EVIL


def test_a_compressed_answer_is_refused() -> None:
    def bomb(peer: Peer, _: Seen) -> None:
        peer.reply(b"\x1f\x8b" + b"\0" * 100, content_encoding="gzip")

    with FaultyServer({"config": bomb}) as server, pytest.raises(RemoteProtocolError, match="compressed"):
        Client(server.url)
    assert server.seen("config")[0].headers["accept-encoding"] == "identity"


def test_the_callers_data_is_not_changed() -> None:
    headers, cookies = {"X-Key": "a"}, {"b": "c"}
    value = {"a": [1, {"b": 2}]}
    app = TestApp()

    @app.endpoint("/echo")
    def echo(x: Any) -> Any:
        return x

    with EmbeddedServer(app) as server, Client(server.url, headers=headers, cookies=cookies) as client:
        returned = client.predict(value, headers=headers)
        assert returned == value
        returned["a"].clear()
    assert (headers, cookies, value) == ({"X-Key": "a"}, {"b": "c"}, {"a": [1, {"b": 2}]})
