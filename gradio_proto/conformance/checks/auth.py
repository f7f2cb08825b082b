"""An app that wants a login: what it keeps to itself, and how one logs in and out."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import object_of
from gradio_proto.urls import encode_query

from ..model import Violation
from ..registry import case
from ..strategies import texts
from ..target import LOGIN
from ..tester import Tester
from ..wire import Reply

OAUTH_TOKEN: Final = "hf_of_nobody"
WRONG_LOGINS: Final = [
    ("user", "wrong"),
    ("user", "pass%20word"),
    ("user", "password"),
    ("user", "PASS WORD"),
    ("USER", "pass word"),
    ("nobody", "pass word"),
    ("user' OR ''='", "pass word"),
]


@contextmanager
def cookie(tester: Tester, value: str | None) -> Generator[None]:
    """Send another cookie than that of the login within the block; None for none at all."""
    kept = tester.wire.headers.pop("cookie", None)
    if value is not None:
        tester.wire.headers["cookie"] = value
    try:
        yield
    finally:
        tester.wire.headers.pop("cookie", None)
        if kept is not None:
            tester.wire.headers["cookie"] = kept


@contextmanager
def as_nobody(tester: Tester) -> Generator[None]:
    """Send no cookie within the block."""
    with cookie(tester, None):
        yield


def _pairs(tester: Tester) -> list[str]:
    """The cookies of the tester's login, ``name=value``."""
    pairs = tester.wire.headers.get("cookie", "").split("; ")
    if pairs == [""]:
        raise Violation("the login has set no cookie")
    return pairs


def _forged(tester: Tester) -> str:
    """Cookies of the right names with the token of nobody."""
    return "; ".join(f"{pair.partition('=')[0]}={'A' * 22}" for pair in _pairs(tester))


def _protected(tester: Tester) -> Iterable[Reply]:
    """Ask for everything that a login protects on every generation; the file is one that the user has uploaded."""
    endpoint = tester.endpoint("echo")
    uploaded = tester.upload_one("mine.txt", b"mine")
    body = {"data": ["x"], "fn_index": endpoint.fn_index}

    def ask() -> Iterable[Reply]:
        yield tester.get("config", prefixed=False)
        yield tester.get("info")
        yield tester.post("run/echo", body)
        yield tester.post("api/echo", body)
        yield tester.upload(("a.txt", b"a"))
        yield tester.download(uploaded)
        if tester.version >= (3, 50):
            call: dict[str, Any] = {
                "component_id": 1,
                "fn_name": "x",
                "data": [],
                "session_hash": tester.new_name(),
            }
            yield tester.post("component_server", call)

    return ask()


def _check_401(tester: Tester, reply: Reply) -> None:
    tester.check_status(reply, 401)
    value = reply.json()
    if "detail" not in object_of(value):
        raise Violation(f"{reply.asked} was answered 401 without a detail: {reply.text()[:200]!r}")
    tester.check_schema("replies/not_authenticated", value)


# What is protected


@case("auth/protected/status", variant="login", endpoints=("echo",), severity="critical")
def nothing_without_a_cookie(tester: Tester) -> None:
    """Ask for all that a login protects, without a cookie: it is answered 401 with a detail."""
    asking = _protected(tester)
    with as_nobody(tester):
        for reply in asking:
            _check_401(tester, reply)


@case("auth/protected/status/forged", variant="login", endpoints=("echo",), severity="critical")
def nothing_with_a_forged_cookie(tester: Tester) -> None:
    """Ask for all that a login protects, with cookies of the right names and a token of nobody's: it is answered
    401."""
    asking = _protected(tester)
    with cookie(tester, _forged(tester)):
        for reply in asking:
            _check_401(tester, reply)


@case("auth/protected/queue", variant="login", endpoints=("echo",), severity="critical")
def no_queue_without_a_cookie(tester: Tester) -> None:
    """Join the queue and ask for its data without a valid cookie: both are answered 401."""
    endpoint = tester.endpoint("echo")
    session = tester.session()
    body = session.join_body(endpoint, ["x"])
    query = [("fn_index", str(endpoint.fn_index)), ("session_hash", session.hash)]
    for value in (None, _forged(tester)):
        with cookie(tester, value):
            if tester.protocol == "sse":
                _check_401(tester, tester.get("queue/join", query))
                _check_401(tester, tester.post("queue/data", {**body, "event_id": session.hash}))
            else:
                _check_401(tester, tester.post("queue/join", body))
                _check_401(tester, tester.get("queue/data", query[1:]))


@case("auth/protected/simple-api", variant="login", endpoints=("echo",), severity="critical")
def no_simple_api_without_a_cookie(tester: Tester) -> None:
    """Post to the simple API and ask for a stream of it without a valid cookie: both are answered 401."""
    for value in (None, _forged(tester)):
        with cookie(tester, value):
            _check_401(tester, tester.post("call/echo", {"data": ["x"]}))
            _check_401(tester, tester.get(f"call/echo/{tester.new_name()}"))


@case("auth/protected/websocket", variant="login", severity="critical")
def no_websocket_without_a_cookie(tester: Tester) -> None:
    """Open the WebSocket of the queue without a cookie, and with those of the right names and a token of nobody's: it
    is refused with 403."""
    for called, value in (("without a cookie", None), ("with a forged cookie", _forged(tester))):
        with cookie(tester, value):
            answer = tester.wire.open_socket(tester.wire.target("queue/join"))
            tester.check(
                isinstance(answer, Reply) and answer.status == 403,
                f"the WebSocket of the queue was answered {answer.status} {called}, and not 403",
            )


# Logging in


@case("auth/login/accepted", variant="login", severity="critical")
def the_right_password(tester: Tester) -> None:
    """Log in: it is answered 200, success and two cookies, with which the config can be read."""
    with as_nobody(tester):
        reply = tester.log_in(*LOGIN)
        tester.check_status(reply, 200)
        tester.check_schema("replies/success", reply.json())
        tester.check(
            reply.json() == {"success": True}, f"a login was answered {reply.text()[:200]!r} and no success"
        )
        count = len(reply.head.get_all("set-cookie"))
        tester.check(count == 2, f"a login has set {count} cookies and not two")
        tester.check_status(tester.get("config", prefixed=False), 200)


@case("auth/login/refused", variant="login", severity="critical", examples=12)
def a_wrong_password(tester: Tester) -> None:
    """Log in with wrong credentials: it is answered 400, and no cookie is set."""
    drawn = st.tuples(
        st.sampled_from(["user", "nobody"]), texts(min_size=1).filter(lambda text: text != LOGIN[1])
    )
    user, password = tester.draw(st.sampled_from(WRONG_LOGINS) | drawn, "login")
    with as_nobody(tester):
        # Not by log_in, which would hide the words that were drawn from every transcript to come.
        form = encode_query([("username", user), ("password", password)]).encode("ascii")
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        reply = tester.post("login", body=form, prefixed=False, headers=headers)
        tester.check_status(reply, 400)
        tester.check(
            not reply.head.get_all("set-cookie"),
            "a login with wrong credentials has set a cookie all the same",
        )


@case("auth/login/user-name", variant="login", endpoints=("req",), severity="critical")
def functions_run_in_the_name_of_the_user(tester: Tester) -> None:
    """Call a function that tells in whose name it runs: in that of who has logged in."""
    name: object = object_of(tester.run("req").values[0]).get("username")
    tester.check(name == LOGIN[0], f"a job of the user {LOGIN[0]!r} ran in the name of {name!r}")


# Cookies


@case("auth/cookie/either", variant="login")
def either_cookie_is_enough(tester: Tester) -> None:
    """Read the config with each of the two cookies alone."""
    for number, pair in enumerate(_pairs(tester), 1):
        with cookie(tester, pair):
            status = tester.get("config", prefixed=False).status
            tester.check(
                status == 200, f"with cookie {number} of the login alone the config is answered {status}"
            )


@case("auth/cookie/http-only", variant="login", severity="critical")
def no_script_reads_the_cookies(tester: Tester) -> None:
    """Log in: each cookie is marked HttpOnly."""
    with as_nobody(tester):
        reply = tester.log_in(*LOGIN)
    for text in reply.head.get_all("set-cookie"):
        parsed: SimpleCookie = SimpleCookie()
        try:
            parsed.load(text)
        except CookieError:
            raise Violation("a login has set a cookie that cannot be read") from None
        for name, morsel in parsed.items():
            tester.check(morsel["httponly"], f"the cookie {name} of a login is not HttpOnly")


@case("auth/logout/all", variant="login", severity="critical")
def a_logout_ends_all_logins(tester: Tester) -> None:
    """Log in twice and log out of one: neither cookie is accepted any more."""
    logins: list[str] = []
    try:
        for _ in range(2):
            with as_nobody(tester):
                tester.log_in(*LOGIN)
                logins.append(tester.wire.headers.get("cookie", ""))
        with cookie(tester, logins[0]):
            reply = tester.get("logout", prefixed=False)
            tester.check(reply.status < 400, f"/logout was answered {reply.status}")
        for called, value in zip(("that logged out", "before"), logins, strict=True):
            with cookie(tester, value):
                status = tester.get("config", prefixed=False).status
                tester.check(
                    status == 401, f"after /logout the config is answered {status} with the login {called}"
                )
    finally:
        tester.wire.headers.pop("cookie", None)
        tester.log_in(*LOGIN)  # for the cases that follow


# Tokens


@case("auth/oauth-token/ignored", endpoints=("req",), severity="critical")
def no_token_for_who_has_not_asked(tester: Tester) -> None:
    """Send a token to a function that has not asked for one, and tells all that it sees: it sees none."""
    endpoint = tester.endpoint("req")
    session = tester.session()
    job = session.submit(endpoint, oauth_token=OAUTH_TOKEN)
    session.wait(job)
    tester.check(object_of(job.values[0]), f"{job} was to tell what it sees, and gave {job.values}")
    tester.check(
        OAUTH_TOKEN not in json.dumps(job.values),
        f"{job} was given the oauth_token that its function has not asked for",
    )
