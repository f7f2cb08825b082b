"""A server that says what a recorded one said, byte for byte and at its times.

A request is answered with what was answered to the recorded one of the same meaning. What a client must not choose has
to be as it was recorded for that. What it chooses by itself, the names of its sessions above all, is put into the
recording's words first. Where the two differ in anything else is noted.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from recorded import is_clipped
from recorded_exchanges import Exchange, app_body, dependencies, exchanges, first_body, parts, route_of
from scripted import CLOSE, END, STREAM, Asked, ScriptedServer, chunk, http
from wsproto.connection import Connection as WebSocket
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import generate_accept_token

from gradio_proto.testing import CloseConnection as HangUp
from gradio_proto.testing import SendData

OURS: Final = re.compile("ours[0-9]{3}x0*session[0-9]+")
"""What a client in a test calls a session."""


@dataclass
class Made:
    """A request of our client."""

    asked: Asked
    exchange: Exchange | None
    """The recorded one that it amounts to."""

    def __str__(self) -> str:
        return (
            f"{self.asked.method} {self.asked.target} {self.asked.body.decode('utf-8', 'replace')}".rstrip()
        )


def _decoded(data: bytes | str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


class RecordedServer(ScriptedServer):
    """Answers each request with what was answered to the recorded one of the same meaning."""

    def __init__(self, version: str, operation: str) -> None:
        super().__init__(self._answer)
        self.version = version
        self.exchanges = exchanges(version, operation)
        # A second app was recorded by most of these, and not what its /info says.
        is_apart = re.match("extra_(?!call_special|encoding)", operation) is not None
        self.config = first_body(version, "config", is_apart=is_apart)
        self.info = b'{"named_endpoints": {}}' if is_apart else first_body(version, "info")
        self.meant: set[int] = set()
        """What the program has done so far, by number: only that can be matched."""
        self.made: dict[int, Made] = {}
        """Recorded requests that our client has made, too."""
        self.requests: list[Made] = []
        """All of ours."""
        self.differences: list[str] = []
        """Where ours says other things than the recorded one."""
        self.sessions: dict[str, str] = {}
        """Our names of sessions, and the recorded ones."""
        self.sockets: list[RecordedSocket] = []
        self._sockets: dict[int, RecordedSocket] = {}

    # Which recorded request it is.

    def _answer(self, asked: Asked) -> Iterable[Any]:
        fitting = [each for each in self.exchanges if self._is_meant(each, asked)]
        # Of the streams of a session it is the one that tells of what was joined.
        joined = {each.event_id for each in self.exchanges if each.number in self.made and each.event_id}
        fitting.sort(
            key=lambda each: (
                self._translated(asked.target) != each.target,
                not any(id in piece for id in joined for _, piece in each.pieces),
            )
        )
        exchange = fitting[0] if fitting else None
        made = Made(asked, exchange)
        self.requests.append(made)
        if exchange is None:
            return self._unrecorded(asked)
        self.made[exchange.number] = made
        self._compare(made, exchange)
        if not exchange.status:
            return []  # it was never answered
        if exchange.is_upgrade:
            return self._upgrade(asked, exchange)
        return self._recorded(asked, exchange)

    def _is_meant(self, exchange: Exchange, asked: Asked) -> bool:
        """Whether it may be that one that our client makes now."""
        return exchange.number not in self.made and self._is_like(exchange, asked)

    def _is_like(self, exchange: Exchange, asked: Asked) -> bool:
        """Whether they mean the same."""
        if exchange.method != asked.method:
            return False
        if "range" in exchange.headers or "x-forwarded-host" in exchange.headers:
            return False
        if any((name in exchange.headers) != (name in asked.headers) for name in ("upgrade", "cookie")):
            return False
        route, path = exchange.route, exchange.target.partition("?")[0]
        if route in ("/config", "/info", "/"):
            return path == asked.path
        if route == "/upload":
            return path == asked.path and _contents(exchange.body) == _contents(_text(asked))
        if route == "/login":
            return path == asked.path and parse_qsl(exchange.body) == parse_qsl(_text(asked))
        begins = (asked.method == "POST" and route != "/queue/data") or route == "/queue/join"
        if begins and exchange.number not in self.meant:
            return False
        if asked.method == "GET":
            return self._is_same_target(exchange, asked)
        return self._is_same_post(exchange, asked)

    def _is_same_target(self, exchange: Exchange, asked: Asked) -> bool:
        ours = self._translated(asked.target).replace("/call/v2/", "/call/")
        if ours == exchange.target.replace("/call/v2/", "/call/"):
            return True
        # The first that is heard of a session: only its name is another.
        session = re.compile(r"(?<=session_hash=)\w+|(?<=/heartbeat/)\w+")
        our, their = session.search(ours), session.search(exchange.target)
        if our is None or their is None or not self._is_new(our[0], their[0]):
            return False
        is_first = exchange.route != "/queue/data" and exchange.number in self.meant
        return is_first and session.sub("", ours) == session.sub("", exchange.target)

    def _is_same_post(self, exchange: Exchange, asked: Asked) -> bool:
        theirs, ours = _decoded(exchange.body), _decoded(self._translated(asked.body.decode()))
        if not isinstance(theirs, dict) or not isinstance(ours, dict):
            return False
        if re.match("/(run|api)/", exchange.route) and asked.path.endswith("/run/predict"):
            theirs.setdefault("fn_index", self.number_of(exchange.route.split("/")[2]))
        elif asked.path != exchange.target:
            return False
        if any((name in ours) != (name in theirs) for name in ("data", "event_id")):
            return False
        for name in {*ours} & {*theirs} - {"event_data", "trigger_id", "oauth_token"}:
            same = json.dumps(ours[name]) == json.dumps(theirs[name])  # NaN is not equal to itself
            if not same and not (name == "session_hash" and self._is_new(ours[name], theirs[name])):
                return False
        return True

    def number_of(self, name: str) -> int | None:
        """The number of an endpoint."""
        named = (number for number, each in dependencies(self.config).items() if each["api_name"] == name)
        return next(named, None)

    def _is_new(self, ours: str, theirs: str) -> bool:
        # On 3.x a job has a session of its own where the recorded client had one for all.
        is_shared = self.version < "4"
        return ours not in self.sessions and (is_shared or theirs not in self.sessions.values())

    def _translated(self, text: str) -> str:
        for ours, theirs in self.sessions.items():
            text = text.replace(ours, theirs)
        return text

    # How ours differs from it.

    def _compare(self, made: Made, exchange: Exchange) -> None:
        asked = made.asked
        text = _text(asked)
        ours, theirs = _decoded(text), exchange.json
        if isinstance(ours, dict) and isinstance(theirs, dict) and "session_hash" in theirs:
            self.sessions.setdefault(str(ours.get("session_hash")), str(theirs["session_hash"]))
            ours = _decoded(self._translated(text))
        for pattern in (r"session_hash=(\w+)", r"/heartbeat/(\w+)"):
            our, their = re.search(pattern, asked.target), re.search(pattern, exchange.target)
            if our is not None and their is not None:
                self.sessions.setdefault(our[1], their[1])
        self._differ(exchange, "target", self._translated(asked.target), exchange.target)
        if not exchange.is_upgrade:
            for name in ("content-type", "x-custom", "authorization", "x-gradio-user"):
                values = (each.headers.get(name) for each in (asked, exchange))
                self._differ(exchange, name, *map(_without_boundary, values))
            if exchange.headers.get("accept") == "text/event-stream":
                self._differ(exchange, "accept", asked.headers.get("accept"), exchange.headers["accept"])
        if exchange.route == "/login":
            ours, theirs = parse_qsl(text), parse_qsl(exchange.body)
        if exchange.body.startswith("--"):
            ours, theirs = _multipart(text), _multipart(exchange.body)
        self._differ(exchange, "body", ours, theirs if theirs is not None else exchange.body)

    def _differ(self, exchange: Exchange, what: str, ours: Any, theirs: Any) -> None:
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for name in sorted({*ours, *theirs}):
                self._differ(exchange, f"{what}.{name}", ours.get(name, ...), theirs.get(name, ...))
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            for our, their in zip(ours, theirs, strict=True):
                self._differ(exchange, f"{what}[]", our, their)
        elif ours != theirs and repr(ours) != repr(theirs):
            if isinstance(ours, str) and OURS.fullmatch(ours):
                ours = "a name of ours"
            shown = [json.dumps(value) if value is not ... else "nothing" for value in (ours, theirs)]
            route = re.sub(r"/[0-9a-f]{32}", "/E", exchange.route)
            self.differences.append(f"{exchange.method} {route} {what}: {shown[0]} for {shown[1]}")

    # What is answered.

    def _recorded(self, asked: Asked, exchange: Exchange) -> Iterator[Any]:
        content = exchange.content.encode()
        if exchange.status == 200 and exchange.route in ("/config", "/info"):
            content = app_body(self.version, exchange, "config" if exchange.route == "/config" else "info")
        if is_clipped(exchange.content) and exchange.route not in ("/config", "/info"):
            content = b"<!doctype html>"
        if any(line.lower() == "transfer-encoding: chunked" for line in exchange.head):
            content = chunk(content) + END
        head = [
            f"content-length: {len(content)}" if line.lower().startswith("content-length:") else line
            for line in exchange.head
        ]
        at = asked.time
        is_stream = exchange.content == "<stream>"
        opening = "\r\n".join([*head, "", ""]).encode()
        steps: list[tuple[float, Any]] = [(exchange.answered, opening if is_stream else opening + content)]
        if is_stream:
            steps += [(time, chunk(piece.encode())) for time, piece in exchange.pieces]
            if exchange.end == "clean":
                steps.append((exchange.ended, END))
            elif exchange.end == "broken":
                steps.append((exchange.ended, CLOSE))
        elif any(line.lower() == "connection: close" for line in head):
            steps.append((exchange.answered, CLOSE))
        for time, step in steps:
            if time > at:
                yield time - at
                at = time
            yield step

    def _unrecorded(self, asked: Asked) -> list[Any]:
        route = route_of(asked.path)
        if route in ("/upload", "/login") or route.startswith("/file="):
            again = [
                each for each in self.exchanges if each.number in self.made and self._is_like(each, asked)
            ]
            if again:
                return list(self._recorded(asked, again[0]))
        if route.startswith("/heartbeat/"):
            return [STREAM, chunk(b"data: ALIVE\n\n")]
        if asked.method == "GET" and ("/queue/data" in route or route.startswith("/call/")):
            return [STREAM]
        if route in ("/config", "/info"):
            return [http(200, self.config if route == "/config" else self.info)]
        return [http(404, b'{"detail": "Not recorded"}')]

    # WebSockets.

    def _upgrade(self, asked: Asked, exchange: Exchange) -> list[Any]:
        if exchange.status != 101:
            return list(self._recorded(asked, exchange))
        accept = generate_accept_token(asked.headers["sec-websocket-key"].encode()).decode()
        head = [
            f"Sec-WebSocket-Accept: {accept}" if line.lower().startswith("sec-websocket-accept") else line
            for line in exchange.head
        ]
        socket = self._sockets[asked.conn] = RecordedSocket(self, asked.conn, exchange)
        self.sockets.append(socket)
        return ["\r\n".join([*head, "", ""]).encode(), lambda: socket.go_on(asked.time)]

    def receive_data(self, conn: int, data: bytes, now: float) -> None:
        if conn in self._sockets:
            self._sockets[conn].receive(data, now)
        else:
            super().receive_data(conn, data, now)

    def heard(self, exchange: Exchange, ours: str, theirs: str) -> None:
        """Our client has said on a WebSocket what was said there."""
        said, recorded = json.loads(ours), json.loads(theirs)
        self.sessions.setdefault(said.get("session_hash"), recorded.get("session_hash"))
        self._differ(exchange, "frame", json.loads(self._translated(ours)), recorded)

    def at(self, time: float, conn: int, *steps: Any) -> None:
        """Do something then."""
        self._waiting.append((time, conn, deque(steps)))

    def act(self, *actions: Any) -> None:
        self._actions.extend(actions)


def _without_boundary(value: str | None) -> Any:
    return ... if value is None else value.partition("; boundary")[0]


def _text(asked: Asked) -> str:
    return asked.body.decode("utf-8", "replace")


def _contents(text: str) -> list[str]:
    return [content for _, content in parts(text)]


def _multipart(text: str) -> list[dict[str, str]]:
    return [{"name": name, "content": content} for name, content in parts(text)]


class RecordedSocket:
    """The server's end of a WebSocket that says what was said, each thing after what was said to it before."""

    def __init__(self, server: RecordedServer, conn: int, exchange: Exchange) -> None:
        self.server, self.conn, self.exchange = server, conn, exchange
        self.frames = deque(exchange.frames)
        self.protocol = WebSocket(ConnectionType.SERVER)
        self.closed = False
        self.pinged = 0
        """Pings that were not answered yet."""

    def go_on(self, now: float) -> None:
        while self.frames and self.frames[0].by_server and not self.closed:
            frame = self.frames[0]
            if frame.time > now:
                self.server.at(frame.time, self.conn, partial(self.go_on, frame.time))
                return
            self.frames.popleft()
            if frame.kind == "text":
                self._send(TextMessage(data=frame.text))
            elif frame.kind == "ping":
                self.pinged += 1
                self._send(Ping(b"ping"))
            elif frame.kind == "close":
                self._send(CloseConnection(code=frame.code))  # its answer ends the connection
            else:
                self._hang_up()

    def _send(self, event: Any) -> None:
        self.server.act(SendData(self.conn, self.protocol.send(event)))

    def _hang_up(self) -> None:
        self.closed = True
        self.server.act(HangUp(self.conn))

    def receive(self, data: bytes, now: float) -> None:
        if self.closed:
            return
        self.protocol.receive_data(data)
        for event in self.protocol.events():
            if isinstance(event, TextMessage):
                theirs = self.frames.popleft() if self.frames and not self.frames[0].by_server else None
                assert theirs is not None, f"nobody asked for {event.data}"
                self.server.heard(self.exchange, event.data, theirs.text)
                self.go_on(now)
            elif isinstance(event, CloseConnection):
                if self.protocol.state is not ConnectionState.CLOSED:
                    self._send(event.response())
                self._hang_up()
            else:
                assert isinstance(event, Pong), f"{event} is no answer"
                self.pinged -= 1
