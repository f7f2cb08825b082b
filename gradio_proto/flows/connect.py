"""Connecting: log in where asked to, read what the app is, and check that we speak its protocol."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .. import jsontext
from ..api_info import ApiInfo, parse_api_info
from ..config import AppConfig, check_protocol, extract_config_from_html, object_of, parse_config
from ..cookies import CookieJar
from ..effects import Flow, Now
from ..endpoints import App
from ..errors import AuthenticationError, ConnectionLost, GradioError, RemoteProtocolError
from ..http import Response
from ..replies import is_page, json_reply, login_error, page_error, reply_error
from ..timeouts import earlier
from ..urls import AppURL, encode_query, target
from .requests import (
    REDIRECTS,
    RedirectedElsewhere,
    fetch,
    fetch_idempotent,
    redirect_target,
)
from .state import ClientState, redacted
from .streams import end_if_unused

ASK_SECONDS: Final = 2.0
"""How long a question may take that only makes an error clearer."""


def connect(state: ClientState) -> Flow[App]:
    """Make ``state`` ready for calls.

    Raises:
        GradioError: The app cannot be reached, wants a login, or speaks something else.
    """
    return (yield from redacted(state, _connect(state)))


def _connect(state: ClientState) -> Flow[App]:
    yield from _upgrade_before_secrets(state)
    if state.auth is not None:
        yield from log_in(state, *state.auth)
    config = yield from _read_config(state)
    if config.auth_required:
        raise login_error("/config", config.auth_message)
    check_protocol(config)
    state.load(App(config, (yield from _read_info(state, config))))
    return state.app


def _read_info(state: ClientState, config: AppConfig) -> Flow[ApiInfo | None]:
    """``/info``; None where the oldest servers of Gradio 3 have none."""
    is_legacy = config.protocol == "ws"
    # With all_endpoints (4.44 and later; ignored before) the info names what is callable and not listed, too. Without
    # serialize=False, 3.x describes what the official client of that time made of the values, which had JSON read from
    # local files; with it, the values as they are sent.
    query = ("serialize", "False") if is_legacy else ("all_endpoints", "True")
    info_target = target(state.url.base_path, config.api_prefix, "info", (query,))
    response = yield from fetch_idempotent(state, info_target)
    if is_legacy and response.status == 404:
        return None
    return parse_api_info(json_reply(response, state.limits, "/info"))


def refresh(state: ClientState) -> Flow[None]:
    """Connect again, to an app that may have been deployed anew. When it was, new jobs join a new session.

    Raises:
        GradioError: As :func:`connect`; then everything stays as it was.
    """
    before = state.app.config.app_id
    yield from connect(state)
    if state.app.config.app_id != before and state.live is not None:
        live = state.live
        state.retire(live)
        end_if_unused(live)


def was_restarted(state: ClientState, until: float | None) -> Flow[bool]:
    """Whether the server says by its ``/app_id`` that it is not the one that was connected to. No answer is a no."""
    _, now = yield Now()
    until = earlier(now + ASK_SECONDS, until)
    # Twice: a server that has answered 500 closes the connection, maybe just when it is used again.
    for _ in range(2):
        try:
            response = yield from fetch(state, "GET", state.target("app_id"), until=until)
            app_id = object_of(json_reply(response, state.limits, "/app_id")).get("app_id")
            return app_id is not None and app_id != state.app.config.app_id
        except ConnectionLost:
            pass
        except GradioError:
            break
    return False


def log_in(state: ClientState, user: str, password: str) -> Flow[None]:
    """Exchange a password for cookies. ``/login`` stands beside ``/config``: it never has the api_prefix.

    Raises:
        AuthenticationError: The app does not accept them.
    """
    body = encode_query([("username", user), ("password", password)]).encode("ascii")
    response = yield from fetch(
        state,
        "POST",
        target(state.url.base_path, "", "login"),
        body=body,
        headers=(("content-type", "application/x-www-form-urlencoded"),),
    )
    # 400 is Gradio's word for a wrong password, 422 for an empty one; 401 is a gateway's. An app without a login
    # answers with a redirect to its page: then there is nothing to log in to.
    if response.status in (400, 401, 403, 422):
        raise AuthenticationError(f"the app does not accept the user name {user!r} with this password")
    if response.status in REDIRECTS:
        try:
            # Only to ask whether it leads elsewhere.
            redirect_target(state.url.origin, "/login", response.head)
        except RedirectedElsewhere as redirect:
            # Behind a proxy, the address of the page may be one that the app alone knows.
            to_page = not redirect.target.partition("?")[0].rstrip("/").endswith("/login")
            if not (response.status == 302 and to_page):
                raise
    if response.status >= 400:
        raise reply_error(response, state.limits, "/login")


def _upgrade_before_secrets(state: ClientState) -> Flow[None]:
    """Find out whether a plain-http URL is redirected to https on its host, before anything secret goes out."""
    origin = state.url.origin
    if not _has_secret(state) or origin.tls or origin.is_loopback:
        return
    anonymous = replace(state, headers=(), cookies=CookieJar(origin, state.limits))
    try:
        # Whatever it answers else is told by the request that counts. But without an answer nothing secret goes out.
        yield from fetch_idempotent(anonymous, target(state.url.base_path, "", "config"))
    except RedirectedElsewhere as redirect:
        _move(state, redirect)


def _has_secret(state: ClientState) -> bool:
    return bool(state.headers) or state.auth is not None or len(state.cookies) > 0


def _move(state: ClientState, redirect: RedirectedElsewhere) -> None:
    """Go on at the https form of the URL; anywhere else is the caller's decision."""
    old, new = state.url.origin, redirect.origin
    if old.tls or not new.tls or new.host != old.host:
        raise redirect
    base_path = redirect.target.partition("?")[0].removesuffix("/").removesuffix("/config")
    state.url = AppURL(new, base_path)
    state.cookies = state.cookies.moved_to(new)


def _read_config(state: ClientState) -> Flow[AppConfig]:
    """``/config``, or else what the app's page embeds (what Gradio before 3.0 and some gateways leave)."""
    has_secret = _has_secret(state)  # before the answer may have set cookies
    response: Response | None = None
    try:
        response = yield from fetch_idempotent(state, target(state.url.base_path, "", "config"))
    except RedirectedElsewhere as redirect:
        if has_secret:
            raise  # it has gone out in clear already, to a server that first led nowhere else
        _move(state, redirect)
        state.cookies = CookieJar(redirect.origin, state.limits)  # what was set in clear is not believed
    if response is None:
        response = yield from fetch_idempotent(state, target(state.url.base_path, "", "config"))
    if response.status == 200 and not is_page(response.head):
        return parse_config(json_reply(response, state.limits, "/config"))
    refusal = reply_error(response, state.limits, "/config") if response.status not in (200, 404) else None
    # Up to Gradio 4.44, only the page says what the app tells those who are to log in.
    if refusal is not None and (not isinstance(refusal, AuthenticationError) or refusal.auth_message):
        raise refusal
    page = yield from fetch_idempotent(state, target(state.url.base_path, "", ""))
    text = extract_config_from_html(page.text()) if page.status == 200 else None
    if text is None:
        if refusal is not None:
            raise refusal
        if is_page(response.head):
            raise page_error(response.head, response.text(), "/config", "JSON")
        raise RemoteProtocolError(
            f"there is no Gradio app at {state.url}: /config answered {response.status}"
        )
    return parse_config(jsontext.loads(text, state.limits, "the config in the app's page"))
