"""A stand-in for the Hub's API, as far as it is about Spaces.

Written from the routes that the Hub documents (its OpenAPI description, and what `huggingface_hub` sends to them), and
asked by `huggingface_hub` itself: set ``HF_ENDPOINT`` to :attr:`HubServer.url`, or call :func:`stand_in`.

Who may see what follows the Hub: to a stranger a private Space looks like a missing one (401), to a user without
access too (404), and a token that nobody has is refused for everything.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

JSON = Mapping[str, Any]


@dataclass
class Space:
    """A Space of the stand-in; whatever a test wants to change, it may."""

    id: str
    host: str
    """The address that its app is at."""
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])
    """What it goes through: each look at it sees the next one, and the last one stays."""
    sleeps: Callable[[], bool] = lambda: False
    """While this says so, the stage stays what it is."""
    private: bool = False
    readers: Sequence[str] = ()
    """Users beside its owner who see it although it is private, or gated."""
    gated: bool = False
    disabled: bool = False
    sdk: str = "gradio"
    subdomain: str | None = None
    hardware: str | None = "cpu-basic"
    requested_hardware: str | None = None
    sleep_time: int | None = 172800
    error_message: str | None = None
    duplicated_from: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    def runtime(self) -> dict[str, Any]:
        """What ``GET /api/spaces/{id}/runtime`` answers, and a part of the Space's info."""
        stage = self.stages[0]
        if len(self.stages) > 1 and not self.sleeps():
            self.stages.pop(0)
        runtime: dict[str, Any] = {
            "stage": stage,
            "hardware": {"current": self.hardware, "requested": self.requested_hardware or self.hardware},
            "storage": None,
            "gcTimeout": self.sleep_time,
            "replicas": {"current": 1, "requested": 1},
            "devMode": False,
            "domains": [{"domain": urlsplit(self.host).netloc, "stage": "READY"}],
        }
        if self.error_message is not None:
            runtime["errorMessage"] = self.error_message
        return runtime

    def info(self) -> dict[str, Any]:
        """What ``GET /api/spaces/{id}`` answers."""
        card: dict[str, Any] = {"sdk": self.sdk, "title": self.id}
        if self.duplicated_from is not None:
            card["duplicated_from"] = self.duplicated_from
        return {
            "_id": "0123456789abcdef01234567",
            "id": self.id,
            "author": self.owner,
            "sha": "0" * 40,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "private": self.private,
            "gated": "auto" if self.gated else False,
            "disabled": self.disabled,
            "host": self.host,
            "subdomain": self.subdomain or re.sub(r"[^a-z0-9-]", "-", self.id.lower()),
            "tags": [self.sdk],
            "likes": 0,
            "sdk": self.sdk,
            "runtime": self.runtime(),
            "cardData": card,
            "siblings": [{"rfilename": "README.md"}, {"rfilename": "app.py"}],
            "models": [],
            "datasets": [],
        }


@dataclass(frozen=True)
class HubRequest:
    """A request that the stand-in was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any

    @property
    def token(self) -> str | None:
        """The token that it carries."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None


class Refusal(Exception):
    """An answer that says no, with the Hub's own headers."""

    def __init__(self, status: int, code: str | None, message: str, **headers: str) -> None:
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.headers["X-Error-Message"] = message
        if code is not None:
            self.headers["X-Error-Code"] = code


@dataclass
class Failure:
    """What goes wrong for a while: the next ``times`` requests whose path matches are refused."""

    pattern: str
    refusal: Refusal
    times: int


class HubServer:
    """The stand-in: serves until its block is left."""

    def __init__(self) -> None:
        self.spaces: dict[str, Space] = {}
        self.renamed: dict[str, str] = {}
        """Old names and the new ones."""
        self.users: dict[str, str] = {}
        """Tokens, and whose they are."""
        self.requests: list[HubRequest] = []
        self.failures: list[Failure] = []
        self.host_of_duplicates: str | None = None
        """Where the app of a duplicate is; None for where that of the original is."""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="HubServer")

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, space_id: str, host: str, *stages: str, **options: Any) -> Space:
        """Have a Space, whose app is at ``host`` and which goes through ``stages`` (by default it runs)."""
        if stages:
            options["stages"] = list(stages)
        self.spaces[space_id] = Space(space_id, host.rstrip("/"), **options)
        return self.spaces[space_id]

    def fail(
        self, pattern: str, status: int, message: str = "Internal Error", *, times: int = 1, **headers: str
    ) -> None:
        """Refuse the next requests whose path matches; a header's name is written with underscores."""
        self.failures.append(Failure(pattern, Refusal(status, None, message, **headers), times))

    def paths(self) -> list[str]:
        """What was asked for, each as ``"GET /api/spaces/user/space"``."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def answer(self, request: HubRequest) -> tuple[int, Any, dict[str, str]]:
        """The status, the body and more headers of the answer to a request."""
        with self._lock:
            self.requests.append(request)
            try:
                for failure in self.failures:
                    if failure.times and re.search(failure.pattern, request.path):
                        failure.times -= 1
                        raise failure.refusal
                return self._answer(request)
            except Refusal as refusal:
                return refusal.status, {"error": refusal.message}, refusal.headers

    def _answer(self, request: HubRequest) -> tuple[int, Any, dict[str, str]]:
        user = None
        if "authorization" in request.headers:
            user = self.users.get(request.token or "")
            if user is None:
                raise Refusal(401, None, "Invalid credentials in Authorization header")
        if request.path == "/api/whoami-v2":
            if user is None:
                raise Refusal(401, None, "Invalid username or password.")
            return 200, {"type": "user", "id": user, "name": user, "fullname": user, "orgs": []}, {}
        found = re.fullmatch(r"/api/spaces/([^/]+/[^/]+?)(?:/([a-z]+))?", request.path)
        if found is None:
            raise Refusal(404, None, "Not Found")
        name, part = found.groups()
        if name in self.renamed:
            rest = f"/{part}" if part else ""
            return 307, {}, {"Location": f"/api/spaces/{self.renamed[name]}{rest}"}
        space = self._visible(name, user)
        if request.method == "GET" and part is None:
            return 200, space.info(), {}
        if request.method == "GET" and part == "runtime":
            return 200, space.runtime(), {}
        if request.method == "POST" and part == "duplicate":
            return self._duplicate(space, user, request.body)
        if user != space.owner:
            raise Refusal(403, None, "You don't have the required permissions to perform this action")
        return self._change(space, request.method, part, request.body)

    def _visible(self, name: str, user: str | None) -> Space:
        space = self.spaces.get(name)
        reads = space is not None and (user == space.owner or user in space.readers)
        if space is None or (space.private and not reads):
            if user is None:
                raise Refusal(401, "RepoNotFound", "Invalid username or password.")
            raise Refusal(404, "RepoNotFound", "Repository not found")
        if space.gated and not reads:
            status = 401 if user is None else 403
            raise Refusal(status, "GatedRepo", f"Access to space {name} is restricted.")
        if space.disabled:
            raise Refusal(403, None, "Access to this resource is disabled.")
        return space

    def _duplicate(
        self, original: Space, user: str | None, body: JSON | None
    ) -> tuple[int, Any, dict[str, str]]:
        target = str((body or {}).get("repository", ""))
        if user is None or target.partition("/")[0] != user:
            raise Refusal(403, None, f"You don't have the rights to create a space under {target}")
        assert body is not None
        url = f"{self.url}/spaces/{target}"
        if target in self.spaces:
            return 409, {"error": "You already created this space repo", "url": url}, {}
        self.spaces[target] = Space(
            target,
            self.host_of_duplicates or original.host,
            ["BUILDING", "RUNNING"],
            private=body.get("visibility", "public") == "private" or body.get("private") is True,
            sdk=original.sdk,
            hardware=body.get("hardware", "cpu-basic"),
            duplicated_from=original.id,
            secrets={secret["key"]: secret["value"] for secret in body.get("secrets", ())},
        )
        return 200, {"url": url}, {}

    def _change(
        self, space: Space, method: str, part: str | None, body: JSON | None
    ) -> tuple[int, Any, dict[str, str]]:
        given = body or {}
        if (method, part) == ("POST", "hardware"):
            space.hardware = given["flavor"]
            space.sleep_time = given.get("sleepTimeSeconds", space.sleep_time)
        elif (method, part) == ("POST", "sleeptime"):
            space.sleep_time = given["seconds"]
        elif (method, part) in (("POST", "restart"), ("POST", "pause")):
            space.stages = ["PAUSED"] if part == "pause" else ["BUILDING", "RUNNING"]
        elif method == "POST" and part in ("secrets", "variables"):
            kept = space.secrets if part == "secrets" else space.variables
            kept[given["key"]] = given["value"]
            return 200, {}, {}
        else:
            raise Refusal(404, None, "Not Found")
        return 200, space.runtime(), {}


def stand_in(
    monkeypatch: pytest.MonkeyPatch, hub: HubServer, home: Path, saved_token: str | None = None
) -> None:
    """Have `huggingface_hub` ask this stand-in and nobody else, with the login that is said to be saved.

    Args:
        monkeypatch: Undoes it.
        hub: The stand-in.
        home: An empty directory, where `huggingface_hub` finds what it has saved: the token.
        saved_token: The token of the saved login; None for no login.
    """
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    # It reads its variables when it is imported, which other tests may have done before.
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    token_path = home / "token"
    if saved_token is not None:
        token_path.write_text(saved_token)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(token_path))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(home / "stored_tokens"))


def _handler(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(length)
            request = HubRequest(
                self.command,
                unquote(urlsplit(self.path).path),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(data) if data else None,
            )
            status, body, headers = hub.answer(request)
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
