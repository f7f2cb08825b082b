"""Who may use a test app. What real servers said to the same requests is in ``test_testing_conversations``."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from testing_simulation import Answer, World

from gradio_proto.testing import Context, TestApp
from gradio_proto.testing.generations import PROTOCOLS

FORM = (("content-type", "application/x-www-form-urlencoded"),)
MULTIPART = (("content-type", "multipart/form-data; boundary=b"),)


def guarded(**options: Any) -> World:
    app = TestApp(**{"auth": {"u": "p", "v": "q w"}, "auth_message": "Who are you?", **options})

    @app.endpoint()
    def who(*, context: Context) -> str:
        return str(context.username)

    return World(app)


def login(world: World, body: bytes = b"username=u&password=p", **options: Any) -> Answer:
    return world.request("POST", "/login", body, headers=FORM, **options)


def cookies(answer: Answer) -> tuple[tuple[str, str], ...]:
    """The cookie header for what was set last: over http the other one, which is Secure, is not sent."""
    return (("cookie", answer.headers["set-cookie"].partition(";")[0]),)


def who(world: World, headers: tuple[tuple[str, str], ...]) -> str:
    prefix = world.app.generation.prefix
    headers = (*headers, ("content-type", "application/json"))
    answer = world.request("POST", f"{prefix}/run/who", b'{"data":[]}', headers=headers)
    world.run()
    return json.loads(answer.body)["data"][0] if answer.status == 200 else str(answer.status)


@pytest.mark.parametrize("version", PROTOCOLS)
def test_a_login(version: str) -> None:
    world = guarded(version=version)
    answer = login(world)
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    identity = "" if version == "3.36.1" else r"-[\w-]{43}"
    assert re.fullmatch(
        rf"access-token-unsecure{identity}=[0-9a-f]{{32}}; HttpOnly; Path=/; SameSite=lax",
        answer.headers["set-cookie"],
    )
    assert who(world, cookies(answer)) == "u"
    prefix = world.app.generation.prefix
    config = world.request("GET", "/config", headers=cookies(answer))
    assert json.loads(config.body).get("username", "none") == ("none" if version < "4.44" else "u")
    assert world.request("GET", f"{prefix}/user", headers=cookies(answer)).body == b'"u"'
    assert world.request("GET", f"{prefix}/login_check", headers=cookies(answer)).status == 200


def test_both_cookies() -> None:
    world = guarded()
    conn = world.connect()
    sent: list[bytes] = []
    world.answers[conn].feed = sent.append  # type: ignore[method-assign]
    login(world, conn=conn)
    secure, unsecure = re.findall(rb"set-cookie: (.*)\r\n", b"".join(sent))
    assert secure.endswith(b"; HttpOnly; Path=/; SameSite=none; Secure")
    assert secure.partition(b"=")[0] == unsecure.partition(b"=")[0].replace(b"-unsecure", b"")
    pair = secure.partition(b";")[0].decode()
    assert who(world, (("cookie", f"a=b; {pair}"),)) == "u"
    token = pair.partition("=")[2]
    answer = world.request("GET", "/gradio_api/token", headers=(("cookie", pair),))
    assert json.loads(answer.body) == {"token": token, "user": "u"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"username=+v+&password=q%20w", 200),
        (b"username=u&password=+p", 400),
        (b"username=w&password=p", 400),
        (b"username=&password=", 400),
        (b"username=u", 422),
        (b"", 422),
    ],
)
def test_credentials(body: bytes, status: int) -> None:
    answer = login(guarded(), body)
    assert answer.status == status
    if status == 400:
        assert answer.body == b'{"detail":"Incorrect credentials."}'
    if status == 422:
        assert [item["msg"] for item in json.loads(answer.body)["detail"]][-1] == "Field required"


def test_a_login_in_parts() -> None:
    world = guarded()
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = part % (b"username", b"u") + part % (b"password", b"p")
    assert world.request("POST", "/login/", body + b"--b--", headers=MULTIPART).status == 200
    assert world.request("POST", "/login", body, headers=MULTIPART).status == 400
    other = (("content-type", "application/json"),)
    assert world.request("POST", "/login", b'{"username":"u","password":"p"}', headers=other).status == 422


@pytest.mark.parametrize("version", PROTOCOLS)
def test_without_a_login(version: str) -> None:
    world = guarded(version=version)
    prefix = world.app.generation.prefix
    detail: Any = "Not authenticated"
    if version >= "5":
        detail = {"error": detail, "auth_message": "Who are you?"}
    closed = [("GET", "/config")]
    closed += [("GET", f"{prefix}/{path}") for path in ("info", "file=/x", "queue/status", "login_check")]
    closed += [("POST", f"{prefix}/{path}") for path in ("run/who", "api/who", "upload")]
    match world.app.generation.protocol:
        case "ws":
            _, answer = world.upgrade()
            assert (answer.status, answer.reason, answer.body, answer.closed) == (403, "Forbidden", b"", True)
        case "sse":
            closed += [("GET", "/queue/join?fn_index=0&session_hash=s"), ("POST", "/queue/data")]
        case _:
            closed += [("GET", f"{prefix}/queue/data?session_hash=s"), ("POST", f"{prefix}/queue/join")]
    if version > "3.36.1":
        closed += [("POST", f"{prefix}/component_server")]
    if world.app.generation.has_call:
        closed += [("POST", f"{prefix}/call/who"), ("GET", f"{prefix}/call/who/1")]
    for method, target in closed:
        for headers in ((), (("cookie", "access-token-x=y"),)):
            answer = world.request(method, target, headers=headers)
            assert (answer.status, json.loads(answer.body)) == (401, {"detail": detail}), target
    open_ = [("GET", "/")]
    open_ += [("GET", f"{prefix}/{path}") for path in ("user", "token", "app_id", "startup-events")]
    for method, target in open_:
        assert world.request(method, target, headers=()).status == 200, target
    assert world.request("GET", f"{prefix}/user", headers=()).body == b"null"
    assert json.loads(world.request("GET", f"{prefix}/token", headers=()).body) == {
        "token": None,
        "user": None,
    }
    body = b'{"event_id":"a","session_hash":"b","fn_index":0}'
    assert world.request("POST", f"{prefix}/reset", body).status == 200
    if world.app.generation.can_cancel:
        assert world.request("POST", f"{prefix}/cancel", body).status == 200
        assert world.request("GET", f"{prefix}/heartbeat/s", headers=()).status == 200


@pytest.mark.parametrize("version", ["4.44.1", "6.31.0"])
def test_the_page_says_that_a_login_is_needed(version: str) -> None:
    world = guarded(version=version)
    page = world.request("GET", "/", headers=()).body.decode()
    config = json.loads(page.partition("window.gradio_config = ")[2].partition(";</script>")[0])
    assert config["auth_required"] is True
    assert config["auth_message"] == "Who are you?"
    assert config["root"] == "http://localhost:7860"
    assert ("dependencies" in config) == (version > "5")


@pytest.mark.parametrize(
    ("version", "where", "forgotten"),
    [("4.21.0", "/", False), ("4.44.1", "/", True), ("6.31.0", "http://localhost:7860", True)],
)
def test_a_logout_is_for_all_of_the_users_logins(version: str, where: str, forgotten: bool) -> None:
    world = guarded(version=version)
    first, second, other = login(world), login(world), login(world, b"username=v&password=q+w")
    answer = world.request("GET", "/logout", headers=cookies(first))
    assert (answer.status, answer.headers["location"], answer.body) == (302, where, b"")
    assert "content-type" not in answer.headers
    assert ("Max-Age=0" in answer.headers.get("set-cookie", "")) == forgotten
    assert [who(world, cookies(login)) for login in (first, second, other)] == ["401", "401", "v"]


def test_a_logout_that_is_not_there() -> None:
    assert guarded(version="4.19.1").request("GET", "/logout", headers=()).status == 404


def test_an_app_for_everybody() -> None:
    world = guarded(auth=None)
    answer = login(world, b"username=u&password=p")
    assert (answer.status, answer.headers["location"]) == (302, "http://localhost:7860")
    assert who(world, ()) == "None"
    assert world.request("GET", "/gradio_api/login_check", headers=()).status == 200


def test_one_user() -> None:
    world = guarded(auth=("a", "b"))
    assert login(world, b"username=a&password=b").status == 200


def test_another_app_has_other_cookies() -> None:
    one, other = guarded(), guarded(app_id=2)
    assert who(other, cookies(login(one))) == "401"
    assert who(other, cookies(login(other))) == "u"
