"""Who may use the app: logins, the cookies that prove them, and what is said to everybody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from .answers import Answer, HTTPError, Later, Methods, Reply, Request, json_reply, redirect
from .app import TestApp
from .bodies import require_fields
from .multipart import MultipartError, MultipartParser, boundary_of

_GONE: Final = '""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=lax'


class Access:
    """The logins of one server, and the routes around them.

    Args:
        app: The app, which knows its users.
        root: Tells the address that a client used.
        new_id: Makes tokens.
    """

    def __init__(self, app: TestApp, root: Callable[[Request], str], new_id: Callable[[], str]) -> None:
        self._app = app
        self._root = root
        self._new_id = new_id
        self._generation = app.generation
        self._users: dict[str, str] = {}  # by token
        # Several apps on one host (cookies know no ports) are told apart by it.
        digest = hashlib.sha256(str(app.app_id).encode()).digest()
        identity = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        self._cookies = ("access-token", "access-token-unsecure")
        if self._generation.tells_cookies_apart:
            self._cookies = (f"access-token-{identity}", f"access-token-unsecure-{identity}")
        prefix = self._generation.prefix
        self.open: Mapping[str, Methods] = {
            "/login": {"POST": self._post_login},
            "/login/": {"POST": self._post_login},
            f"{prefix}/user": {"GET": self._get_user},
            f"{prefix}/user/": {"GET": self._get_user},
            f"{prefix}/token": {"GET": self._get_token},
            f"{prefix}/startup-events": {"GET": self._get_startup_events},
            **({"/logout": {"GET": self._get_logout}} if self._generation.has_logout else {}),
        }
        """Who answers these paths, without a login."""
        self.protected: Mapping[str, Methods] = {
            f"{prefix}/login_check": {"GET": self._get_login_check},
            f"{prefix}/login_check/": {"GET": self._get_login_check},
        }
        """Who answers these, with one."""

    def user(self, request: Request) -> str | None:
        """Who sends a request, if it carries a login."""
        cookies = _cookies(request)
        tokens = (cookies.get(name, "") for name in self._cookies)
        return next((self._users[token] for token in tokens if token in self._users), None)

    def check(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            HTTPError: It needs a login, and has none.
        """
        if self._app.auth is not None and self.user(request) is None:
            detail: Any = "Not authenticated"
            if self._generation.explains_login:
                detail = {"error": detail, "auth_message": self._app.auth_message}
            raise HTTPError(401, detail)

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        username = self.user(request)
        if self._app.auth is None or username is not None:
            return self._app.config(self._root(request), username)
        config: dict[str, Any] = {
            "auth_required": True,
            "auth_message": self._app.auth_message,
            "space_id": None,
            "root": self._root(request) if self._generation.names_root else "",
            "page": {"": {"layout": {}}},
            "pages": [""],
            "components": [],
            "dependencies": [],
            "current_page": "",
        }
        return self._generation.trim("login page", config)

    def _post_login(self, request: Request, later: Later, now: float) -> Answer:
        form = _form(request)
        require_fields(form, "username", "password")
        if self._app.auth is None:
            return self._to_start(request)
        username = form["username"]
        if self._generation.strips_usernames:
            username = username.strip()
        if username not in self._app.auth or self._app.auth[username] != form["password"]:
            raise HTTPError(400, "Incorrect credentials.")
        token = self._new_id()
        self._users[token] = username
        secure, unsecure = (f"{name}={token}; HttpOnly; Path=/; SameSite=" for name in self._cookies)
        cookies = [("set-cookie", f"{secure}none; Secure"), ("set-cookie", f"{unsecure}lax")]
        return json_reply(200, {"success": True}, cookies)

    def _get_logout(self, request: Request, later: Later, now: float) -> Answer:
        username = self.user(request)
        self._users = {token: user for token, user in self._users.items() if user != username}
        forget = self._cookies if self._generation.forgets_cookies else ()
        return self._to_start(request, *(("set-cookie", f"{name}={_GONE}") for name in forget))

    def _to_start(self, request: Request, *headers: tuple[str, str]) -> Reply:
        where = self._root(request) if self._generation.explains_login else "/"
        return redirect(where, headers)

    def _get_user(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, self.user(request))

    def _get_login_check(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, None)

    def _get_token(self, request: Request, later: Later, now: float) -> Answer:
        token = _cookies(request).get(self._cookies[0])
        return json_reply(200, {"token": token, "user": None if token is None else self._users.get(token)})

    def _get_startup_events(self, request: Request, later: Later, now: float) -> Answer:
        return json_reply(200, False)


def _cookies(request: Request) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _form(request: Request) -> dict[str, str]:
    """The fields of a form, in either of the two forms that forms have."""
    if request.content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        boundary = boundary_of(request.content_type)
        if boundary is None:
            return {}
        parser = MultipartParser(boundary)
        parser.feed(request.body)
        parser.finish()
    except MultipartError as error:
        raise HTTPError(400, str(error)) from None
    return {part.name: part.data.decode("utf-8", "replace") for part in parser.parts}
