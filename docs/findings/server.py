"""A Gradio server as the scripts beside this one talk to it: functions by name, and jobs in every generation."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

from plain import Answer, Connection, EventStream, Messages, Silence, Untried, WebSocket, show


class Server:
    """The reference app at a URL.

    Args:
        url: Its address.
        patience: How many seconds of silence show that nothing will come.
    """

    def __init__(self, url: str, patience: float = 5.0) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(url)
        self.address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.base = parts.path.rstrip("/")
        self.patience = patience
        self.prefix = ""
        self.config: dict[str, Any] = {}
        found = self.get("/config")
        if found.status == 200:
            self.config = found.json()
            self.prefix = self.config.get("api_prefix") or ""

    @property
    def version(self) -> tuple[int, ...]:
        """Gradio's; empty if the app wants a login."""
        return tuple(
            int(part) for part in self.config.get("version", "").strip().split(".") if part.isdecimal()
        )

    @property
    def protocol(self) -> str:
        """The generation; ``"ws"`` where the config has none."""
        protocol: str = self.config.get("protocol", "ws")
        return protocol

    def want(self, *protocols: str) -> None:
        """Raise Untried unless it speaks one of these."""
        if self.protocol not in protocols:
            raise Untried(f"it is about {', '.join(protocols)}, and this server speaks {self.protocol}")

    def want_version(self, *first: int) -> None:
        """Raise Untried if it is older."""
        if self.version < first:
            raise Untried(f"it is about Gradio {'.'.join(map(str, first))} and later")

    # Requests

    def open(
        self, method: str, path: str, body: bytes = b"", *fields: str, seconds: float = 60.0
    ) -> Connection:
        """Send a request; wait for the head of its answer."""
        if path != "/config":
            path = self.prefix + path
        lines = [f"{method} {self.base}{path} HTTP/1.1", "Host: {}:{}".format(*self.address), *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        show(">", " ".join([lines[0].removesuffix(" HTTP/1.1"), *fields[:1], body.decode("latin-1")]))
        return Connection(self.address, "\r\n".join([*lines, "", ""]), body, seconds)

    def get(self, path: str, seconds: float = 60.0) -> Answer:
        """GET a route."""
        return Answer(self.open("GET", path, b"", "Connection: close", seconds=seconds), seconds)

    def post(self, path: str, body: object, seconds: float = 60.0) -> Answer:
        """POST a JSON text."""
        content = "Content-Type: application/json"
        sent = json.dumps(body).encode()
        return Answer(self.open("POST", path, sent, content, "Connection: close", seconds=seconds), seconds)

    def send_file(self, name: str, content: bytes) -> Answer:
        """Upload a file."""
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        kind = "Content-Type: multipart/form-data; boundary=b"
        body = head.encode() + content + b"\r\n--b--\r\n"
        return Answer(self.open("POST", "/upload", body, kind, "Connection: close"), 60)

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file; its path on the server."""
        path: str = self.send_file(name, content).json()[0]
        return path

    # Functions

    def number(self, name: str) -> int:
        """The number of the function with that API name."""
        for position, dependency in enumerate(self.config["dependencies"]):
            if dependency.get("api_name") == name:
                return int(dependency.get("id", position))
        raise Untried(f"the app has no function {name}")

    def cancelling(self, name: str) -> int:
        """The number of the event that cancels this function, and nothing else."""
        wanted = [self.number(name)]
        for position, dependency in enumerate(self.config["dependencies"]):
            if dependency.get("cancels") == wanted:
                return int(dependency.get("id", position))
        raise Untried(f"the app has no event that cancels {name}")

    def body(self, name: str, data: object, session: str) -> dict[str, Any]:
        """What a join sends."""
        return {"data": data, "fn_index": self.number(name), "session_hash": session}

    # Jobs

    def session(self) -> str:
        """The name of a new session."""
        return secrets.token_hex(5)

    def join(self, name: str, data: object, session: str) -> str:
        """Join the queue (sse_v1 and later); the event id."""
        self.want("sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
        event_id: str = self.post("/queue/join", self.body(name, data, session)).json()["event_id"]
        return event_id

    def stream(self, path: str) -> EventStream:
        """GET an event stream."""
        return EventStream(self.open("GET", path, b"", "Accept: text/event-stream"))

    def listen(self, session: str) -> EventStream:
        """The stream of a session (sse_v1 and later)."""
        return self.stream(f"/queue/data?session_hash={session}")

    def start(self, name: str, data: object, session: str | None = None) -> Messages:
        """A job of any generation, and its messages."""
        session = session or self.session()
        body = self.body(name, data, session)
        if self.protocol == "ws":
            return self._start_socket(body)
        if self.protocol != "sse":
            self.join(name, data, session)
            return self.listen(session)
        query = urlencode({"fn_index": body["fn_index"], "session_hash": session})
        stream = self.stream(f"/queue/join?{query}")

        def answer(message: dict[str, Any]) -> None:
            if message["msg"] == "send_data":
                self.post("/queue/data", body | {"event_id": message["event_id"]})

        stream.answer = answer
        return stream

    def websocket(self) -> WebSocket:
        """A socket for one job (ws)."""
        self.want("ws")
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        return WebSocket(self.open("GET", "/queue/join", b"", *upgrade, f"Sec-WebSocket-Key: {key}"))

    def _start_socket(self, body: dict[str, Any]) -> WebSocket:
        socket = self.websocket()

        def answer(message: dict[str, Any]) -> None:
            if message["msg"] == "send_hash":
                socket.send({name: body[name] for name in ("fn_index", "session_hash")})
            elif message["msg"] == "send_data":
                socket.send(body)

        socket.answer = answer
        return socket

    def run(self, name: str, *data: Any, session: str | None = None, seconds: float = 60.0) -> dict[str, Any]:
        """The ``process_completed`` of a job of any generation.

        Raises:
            Untried: There is none: the server is sick, or too slow to say anything about.
        """
        messages = self.start(name, list(data), session)
        found = list(messages.read(seconds))
        messages.close()
        if not found or found[-1].get("msg") != "process_completed":
            raise Untried(f"a job of {name} was not completed within {seconds:g} s")
        return found[-1]

    def ticks(self, name: str) -> int:
        """How far the run of `tick` with that name has come."""
        return int(self.post("/run/ticked", {"data": [name]}).json()["data"][0])

    def still_ticks(self, name: str) -> tuple[int, int]:
        """How far it has come, and how far half a second later."""
        before = self.ticks(name)
        time.sleep(0.5)
        return before, self.ticks(name)


Finding = Callable[[Server], "tuple[bool, str]"]
"""Tries a server; tells whether it has been shown, and what was seen."""


def main(finding: Finding) -> NoReturn:
    """Try the server whose URL the command line gives: exit 1 if it is shown, 0 if not, 2 if it cannot be tried."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} URL")
    try:
        is_shown, seen = finding(Server(sys.argv[1]))
    except Silence:
        print("cannot be tried: the server does not answer")
        sys.exit(2)
    except (Untried, OSError) as problem:
        print(f"cannot be tried: {problem}")
        sys.exit(2)
    print("SHOWN:" if is_shown else "not shown:", seen)
    sys.exit(int(is_shown))
