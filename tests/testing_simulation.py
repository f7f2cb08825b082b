"""The sans-IO server in a world of its own: connections in memory, and a clock that jumps.

An app's function calls ``world.sleep(seconds)``, which takes no time; what it gives, and what it reports, comes
out that much later on the clock of the simulation. The same script gives the same bytes, always.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection as SocketClosed
from wsproto.events import Event, Ping, Pong, TextMessage

from gradio_proto.testing import (
    Aside,
    CloseConnection,
    Raised,
    RunJob,
    SendData,
    ServerProtocol,
    StopJob,
    TestApp,
)


@dataclass
class Answer:
    """What came back on one connection, as an HTTP client sees it."""

    client: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))
    status: int | None = None
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """The headers as they came, of which several may have one name."""
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list[bytes])
    ended: bool = False
    """The body came to its end."""
    closed: bool = False
    """The server closed the connection."""
    socket: Connection | None = None
    """What it has become, if it is a WebSocket now."""
    frames: list[Any] = field(default_factory=list[Any])
    """What has come through that: messages, ``("ping", bytes)``, ``("pong", bytes)`` and ``("close", code)``."""

    def feed(self, data: bytes) -> None:
        if self.socket is not None:
            self.socket.receive_data(data)
            self._take_frames(self.socket)
            return
        self.client.receive_data(data)
        while (event := self.client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                self.status = event.status_code
                self.reason = bytes(event.reason).decode()
                self.fields = [(name.decode(), value.decode()) for name, value in event.headers]
                self.headers = dict(self.fields)
            elif isinstance(event, h11.InformationalResponse):
                self.status = event.status_code
                self.reason = bytes(event.reason).decode()
                self.headers = {name.decode(): value.decode() for name, value in event.headers}
                self.socket = Connection(ConnectionType.CLIENT, trailing_data=self.client.trailing_data[0])
                self._take_frames(self.socket)
                return
            elif isinstance(event, h11.Data):
                self.body += event.data
                self.pieces.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.ended = True

    def _take_frames(self, socket: Connection) -> None:
        for event in socket.events():
            match event:
                case TextMessage():
                    self.frames.append(event.data)
                case Ping():
                    self.frames.append(("ping", bytes(event.payload)))
                case Pong():
                    self.frames.append(("pong", bytes(event.payload)))
                case SocketClosed():
                    self.frames.append(("close", int(event.code)))
                case other:
                    raise AssertionError(other)


class World:
    """A server, its clients and the time."""

    def __init__(self, app: TestApp | None = None, *, latency: float = 0.0, **options: Any) -> None:
        self.now = 0.0
        self._latency = latency
        self.answers: dict[int, Answer] = {}
        self.stopped: list[str] = []
        self.steps: list[str] = []
        self._offset = 0.0
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        if app is not None:
            self.use(app, **options)

    def use(self, app: TestApp, **options: Any) -> None:
        """Serve this app, whose functions may know this world."""
        self.app = app
        self.server = ServerProtocol(app, **options)

    def sleep(self, seconds: float) -> None:
        """For the app's functions: take this long."""
        self._offset += seconds

    def connect(self) -> int:
        number = next(self._numbers)
        self.server.connection_made(number)
        self.answers[number] = Answer()
        return number

    def send(self, conn: int, data: bytes) -> Answer:
        """Send raw bytes."""
        self.server.receive_data(conn, data, self.now)
        self._act()
        return self.answers[conn]

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        conn: int | None = None,
        headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
    ) -> Answer:
        """Send one request, on a connection of its own if none is named."""
        if conn is None:
            conn = self.connect()
        answer = self.answers[conn]
        if answer.client.our_state is h11.DONE:
            answer = self.answers[conn] = Answer(answer.client)
            answer.client.start_next_cycle()
        fields = [("host", "localhost:7860"), *headers]
        if method == "POST":
            fields.append(("content-length", str(len(body))))
        data = answer.client.send(h11.Request(method=method, target=target, headers=fields)) or b""
        if body:
            data += answer.client.send(h11.Data(body)) or b""
        data += answer.client.send(h11.EndOfMessage()) or b""
        return self.send(conn, data)

    def upgrade(
        self, target: str = "/queue/join", *, headers: tuple[tuple[str, str], ...] = ()
    ) -> tuple[int, Answer]:
        """Ask for a WebSocket. Returns the connection, and what has come back on it."""
        conn = self.connect()
        wants = (
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        )
        return conn, self.request("GET", target, conn=conn, headers=(*wants, *headers))

    def say(self, conn: int, event: Event | str | dict[str, Any]) -> Answer:
        """Send through a WebSocket: an event, or a message of that text or JSON."""
        if not isinstance(event, Event):
            event = TextMessage(data=event if isinstance(event, str) else json.dumps(event))
        socket = self.answers[conn].socket
        assert socket is not None
        return self.send(conn, socket.send(event))

    def pong(self, conn: int) -> Answer:
        """Answer the last ping."""
        pings = [frame[1] for frame in self.answers[conn].frames if frame[0] == "ping"]
        return self.say(conn, Pong(payload=pings[-1]))

    def stop(self) -> None:
        """Stop the server's queue."""
        self.server.stop(self.now)
        self._act()

    def disconnect(self, conn: int) -> None:
        self.server.connection_lost(conn)
        self._act()

    def run(self, until: float | None = None) -> None:
        """Let time pass: to ``until``, or as long as functions run."""
        while True:
            due = self._events[0][0] if self._events else None
            timer = self.server.next_deadline()
            if until is None and due is None:
                return
            if timer is not None and (due is None or timer < due):
                due = timer
            if due is None or (until is not None and due > until):
                break
            self.now = max(self.now, due)
            if timer is not None and timer <= self.now:
                self.server.handle_timer(self.now)
            else:
                heapq.heappop(self._events)[2]()
            self._act()
        assert until is not None
        self.now = max(self.now, until)

    def at(self, delay: float, do: Callable[[], None]) -> None:
        """Do something that much later."""
        heapq.heappush(self._events, (self.now + delay, next(self._order), do))

    def _act(self) -> None:
        while (action := self.server.next_action()) is not None:
            if isinstance(action, SendData):
                assert isinstance(action.conn_id, int)
                self.answers[action.conn_id].feed(action.data)
            elif isinstance(action, CloseConnection):
                assert isinstance(action.conn_id, int)
                self.answers[action.conn_id].closed = True
            elif isinstance(action, RunJob):
                self._step(action)
            else:
                assert isinstance(action, StopJob)
                self.stopped.append(action.event_id)
                action.call.close()

    def _step(self, job: RunJob) -> None:
        # The latency is that of a first step: starting a thread, loading what a function needs.
        self._offset = 0.0 if job.event_id in self.steps else self._latency
        self.steps.append(job.event_id)

        def report(aside: Aside) -> None:
            self.at(self._offset, lambda: self.server.job_reported(job.event_id, aside, self.now))

        outcome = job.call.step(report, self.sleep)
        if isinstance(outcome, Raised) and isinstance(outcome.error, AssertionError):
            raise outcome.error
        self.at(self._offset, lambda: self.server.job_stepped(job.event_id, outcome, self.now))
