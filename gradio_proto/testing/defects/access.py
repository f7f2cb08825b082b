"""Defects in logins, and in what they protect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..access import Access
from ..answers import Answer, HTTPError, Later, Reply, Request, json_reply, redirect, text_reply
from ..app import Endpoint
from ..routes import Routes
from ..values import Context
from .table import OLDEST, SSE, SSE_V21, V4, V6, WS_LAST, defect


def _open(name: str, path: str, breaks: str, *, since: str = OLDEST, until: str = V6) -> None:
    """Make the defect that paths with this in them need no login."""

    class Open(Access):
        def check(self, request: Request) -> None:
            """Let a request pass."""
            if path not in request.path:
                super().check(request)

    Open.__doc__ = f"An app that wants a login wants none for {path}."
    defect(name, breaks, since=since, until=until)(Open)


_open("auth/info-open", "/info", "auth/protected/status")
_open("auth/run-open", "/run/", "auth/protected/status")
_open("auth/upload-open", "/upload", "auth/protected/status")
_open("auth/file-open", "/file=", "auth/protected/status")
_open("auth/component-server-open", "/component_server", "auth/protected/status", since=WS_LAST)
_open("auth/websocket-open", "/queue/join", "auth/protected/websocket", until=WS_LAST)
_open("auth/join-open", "/queue/join", "auth/protected/queue", since=SSE)
_open("auth/data-open", "/queue/data", "auth/protected/queue", since=SSE)
_open("auth/call-open", "/call/", "auth/protected/simple-api", since=SSE_V21)
_open("auth/cancel-open", "/cancel", "security/server/sessions", since=V4)
_open("auth/reset-open", "/reset", "security/server/sessions")
_open("auth/heartbeat-open", "/heartbeat/", "security/server/sessions", since=V4)


@defect("auth/config-open", "auth/protected/status")
class ConfigOpen(Access):
    """The config of an app that wants a login is told to anybody."""

    def check(self, request: Request) -> None:
        """Let a request pass."""
        if not request.path.startswith("/config"):
            super().check(request)

    def config(self, request: Request) -> dict[str, Any]:
        """What the page of the app is told."""
        return self._app.config(self._root(request), self.user(request))


@defect("auth/wrong-status", "auth/protected/status")
class RefusedWith403(Access):
    """Who has not logged in is answered 403."""

    def check(self, request: Request) -> None:
        """Let a request pass."""
        try:
            super().check(request)
        except HTTPError as error:
            raise HTTPError(403, error.detail) from None


@defect("auth/not-json", "auth/protected/status")
class RefusedWithText(Routes):
    """Who has not logged in is answered with plain text."""

    def answer(self, request: Request, later: Later, now: float) -> Answer:
        """Do what a request asks for."""
        answer = super().answer(request, later, now)
        is_refused = isinstance(answer, Reply) and answer.status == 401
        return text_reply(401, "Unauthorized") if is_refused else answer


@defect("auth/redirects", "auth/protected/status")
class RefusedWithRedirect(Routes):
    """Who has not logged in is sent to the page for that."""

    def answer(self, request: Request, later: Later, now: float) -> Answer:
        """Do what a request asks for."""
        answer = super().answer(request, later, now)
        return redirect("/login") if isinstance(answer, Reply) and answer.status == 401 else answer


@defect("auth/wrong-password-accepted", "auth/login/refused")
class WrongPasswordAccepted(Access):
    """Who knows a name needs no password."""

    def _post_login(self, request: Request, later: Later, now: float) -> Answer:
        if (
            request.content_type.startswith("application/x-www-form-urlencoded")
            and self._app.auth is not None
        ):
            form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
            form["password"] = self._app.auth.get(form.get("username", ""), "")
            request = replace(request, body=urlencode(form).encode())
        return super()._post_login(request, later, now)


@defect("auth/refused-with-200", "auth/login/refused")
class LoginRefusedWith200(Access):
    """A login that fails is answered 200."""

    def _post_login(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_login(request, later, now)
        except HTTPError:
            return json_reply(200, {"success": False})


@defect("auth/one-cookie-set", "auth/login/accepted")
class OneCookieSet(Access):
    """A login sets the secure cookie only."""

    def _post_login(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_login(request, later, now)
        return replace(answer, headers=answer.headers[:1]) if isinstance(answer, Reply) else answer


@defect("auth/cookie-readable", "auth/cookie/http-only")
class CookieReadable(Access):
    """Scripts can read the cookies."""

    def _post_login(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_login(request, later, now)
        assert isinstance(answer, Reply)
        return replace(
            answer, headers=[(name, value.replace("HttpOnly; ", "")) for name, value in answer.headers]
        )


@defect("auth/one-cookie-taken", "auth/cookie/either")
class OneCookieTaken(Access):
    """The secure cookie alone is good for a login, and the other one is not."""

    def user(self, request: Request) -> str | None:
        """Who sends a request, if it carries a login."""
        unsecure = f"{self._cookies[1]}="
        cookies = request.headers.get("cookie", "").split(";")
        kept = ";".join(cookie for cookie in cookies if not cookie.strip().startswith(unsecure))
        return super().user(replace(request, headers={**request.headers, "cookie": kept}))


@defect("auth/logout-keeps-others", "auth/logout/all", since=SSE_V21)
class LogoutKeepsOthers(Access):
    """A logout ends the login that it is sent with, and no other of that user."""

    def _get_logout(self, request: Request, later: Later, now: float) -> Answer:
        cookies = request.headers.get("cookie", "")
        others = {token: user for token, user in self._users.items() if token not in cookies}
        answer = super()._get_logout(request, later, now)
        self._users = others
        return answer


@defect("auth/user-name-lost", "auth/login/user-name")
class UserNameLost(Routes):
    """Functions are not told who has logged in."""

    def _context(self, request: Request, endpoint: Endpoint, body: Mapping[str, Any]) -> Context:
        return replace(super()._context(request, endpoint, body), username=None)
