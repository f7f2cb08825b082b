"""The recordings of :mod:`recorded`, record by record, put together: each request with its answer."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from recorded import body, is_clipped, records, restored


@dataclass
class Frame:
    """A WebSocket message, a ping, or the end of the connection."""

    time: float
    by_server: bool
    kind: Literal["text", "ping", "close", "eof"]
    text: str = ""
    code: int = 0
    """Of a close."""


@dataclass
class Exchange:
    """A recorded request and its answer."""

    number: int
    time: float
    method: str
    target: str
    headers: dict[str, str]
    body: str
    note: str = ""
    """What the recorder said it was about to do."""
    status: int = 0
    """0 where nothing was answered."""
    head: list[str] = field(default_factory=list[str])
    """The head of the answer, line by line."""
    answered: float = 0.0
    content: str = ""
    pieces: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """The events of a stream, one for each HTTP chunk."""
    end: Literal["open", "clean", "broken", "left"] = "open"
    """How a stream ended: its last chunk, the connection without it, or by the recorded client's leaving."""
    ended: float = 0.0
    frames: list[Frame] = field(default_factory=list[Frame])

    @property
    def is_upgrade(self) -> bool:
        return "upgrade" in self.headers

    @property
    def route(self) -> str:
        """The path without what stands before the app's routes: ``"/queue/join"``."""
        return route_of(self.target)

    @property
    def base(self) -> str:
        """Where the app is mounted."""
        found = re.match(r"/gradio(?=/|$)|/sub/path(?=/)", self.target)
        return found[0] if found else ""

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def json_content(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def event_id(self) -> str | None:
        """What the server called the job that was joined."""
        found = re.match(r'\{"event_id": ?"(\w+)"', self.content)
        return found[1] if found else None

    def __str__(self) -> str:
        if self.is_upgrade:
            said = " ".join(frame.text for frame in self.frames if not frame.by_server)
            return f"{self.method} {self.target} websocket {said}"
        return f"{self.method} {self.target} {self.body}".rstrip()


def route_of(target: str) -> str:
    path = target.partition("?")[0]
    return re.sub(r"^/gradio(?=/)|^/sub/path(?=/)", "", path).replace("/gradio_api/", "/", 1)


def exchanges(version: str, operation: str) -> list[Exchange]:
    """What was asked and answered, in the order of the requests."""
    found: dict[int, Exchange] = {}
    note = ""
    for record in records(version, operation):
        time, exchange = record["t"], found.get(record.get("conn", -1))
        match record:
            case {"dir": "send", "channel": "http", "conn": number}:
                lines = record["raw"].split("\r\n") if "raw" in record else [record["line"]]
                method, _, rest = lines[0].partition(" ")
                pairs = record.get("headers") or [line.split(": ", 1) for line in lines[1:] if line]
                headers = {name.lower(): value for name, value in pairs}
                target = rest.removesuffix(" HTTP/1.1")
                found[number] = Exchange(
                    number, time, method, target, headers, record.get("body") or "", note
                )
                note = ""
            case {"dir": "recv", "channel": "http"} if exchange is not None:
                lines = record["raw"].split("\r\n") if "raw" in record else [record["line"]]
                lines += [f"{name}: {value}" for name, value in record.get("headers", ())]
                exchange.head, exchange.answered = lines, time
                exchange.status = int(lines[0].split(" ")[1])
                exchange.content = record.get("body") or ""
            case {"channel": "sse", "raw": raw} if exchange is not None:
                exchange.pieces.append((time, restored(raw)))
            case {"dir": "eof", "channel": "sse", "how": how} if exchange is not None:
                exchange.end = "clean" if how.startswith("terminated") else "broken"
                exchange.ended = time
            case {"channel": "ws", "text": text, "dir": way} if exchange is not None:
                exchange.frames.append(Frame(time, way == "recv", "text", restored(text)))
            case {"channel": "ws", "close": {"code": code}, "dir": way} if exchange is not None:
                exchange.frames.append(Frame(time, way == "recv", "close", code=code))
            case {"channel": "ws", "ping": _} if exchange is not None:
                exchange.frames.append(Frame(time, True, "ping"))
            case {"channel": "ws", "dir": "eof"} if exchange is not None:
                exchange.frames.append(Frame(time, True, "eof"))
            case {"channel": "ws", "reject": _} | {"channel": "ws", "reject_body": _}:
                pass  # the head says so
            case {"dir": "note", "channel": "sse"} if exchange is not None:
                exchange.end, exchange.ended = "left", time
            case {"dir": "note", "text": text}:
                note = text
                if "client dropped" in text:
                    last = [each for each in found.values() if each.frames or each.pieces][-1]
                    last.end, last.ended = "left", time
            case _:
                raise AssertionError(f"what is {record}?")
    return list(found.values())


def app_body(version: str, exchange: Exchange | None, kind: Literal["config", "info"]) -> bytes:
    """A config or an info as it was recorded. In the recordings of conversations long ones are cut short; the whole
    one of the same server stands beside them."""
    if exchange is not None and not is_clipped(exchange.content):
        return exchange.content.encode()
    name = "config" if kind == "config" else "gradio_api_info" if version[0] in "56" else "info"
    return json.dumps(body(version, name)).encode()


@functools.cache
def first_body(version: str, kind: Literal["config", "info"], *, is_apart: bool = False) -> bytes:
    """What a recorded server said of itself when it had just started; ``is_apart`` is the second app."""
    asked = exchanges(version, "extra_setup" if is_apart else "_setup")
    return app_body(version, next((each for each in asked if each.route == f"/{kind}"), None), kind)


@functools.cache
def dependencies(config: bytes) -> dict[int, dict[str, Any]]:
    """The functions of an app, by number."""
    found = enumerate(json.loads(config)["dependencies"])
    return {each.get("id", position): each for position, each in found}


def parts(content: str) -> list[tuple[str, str]]:
    """The file names and contents in a multipart body that was recorded as text."""
    boundary = content.split("\r\n", 1)[0]
    found: list[tuple[str, str]] = []
    for part in content.split(boundary)[1:-1]:
        head, _, data = part.removeprefix("\r\n").removesuffix("\r\n").partition("\r\n\r\n")
        name = re.search('filename="([^"]*)"', head)
        found.append((name[1] if name else "", data))
    return found
