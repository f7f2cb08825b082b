"""The scripted server, sans IO: bytes of many connections in, bytes to send out, and a log of what was asked.

It has the verbs of :class:`gradio_proto.testing.ServerProtocol`, so whatever runs that one runs this one too: the
sockets of :mod:`.sockets`, or the memory and the virtual time of :mod:`gradio_proto.testing.memory`.

Theory of operation. Each connection has a queue of steps, the answer to its current request. :meth:`_go_on` takes
steps from it until one has to wait: for time, for a request, for a message of the client, or for the network to take
what was said. A request that comes meanwhile stays in the connection's buffer until the queue is empty. Whatever is
asked, on any connection, is entered in one log, which :mod:`.watch` reads afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import h11
from wsproto.connection import Connection as WebSocket
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import CloseConnection as WebSocketClosed
from wsproto.events import Ping, Pong, TextMessage
from wsproto.utilities import generate_accept_token

from gradio_proto.testing import CloseConnection, SendData

from .asked import Asked, route_of, session_of
from .rendering import (
    answer_of,
    as_json,
    chunk,
    config_of,
    event_id,
    event_of,
    filled,
    frame_of,
    head_of,
    info_of,
    talk_of_job,
    text_of,
)
from .steps import (
    HERE,
    Again,
    Answer,
    Bare,
    Close,
    Frame,
    Head,
    Hear,
    Message,
    Pause,
    Pieces,
    Reset,
    Script,
    Silence,
    Step,
    Talk,
    Text,
    Until,
)

MAX_HEAD: Final = 256 * 2**10
"""Bytes of a request's head; no client has a reason for more."""

BATCH: Final = 2**20
"""Bytes that are said in one go, before the other connections have their turn."""

CONTENT: Final = b"what the file holds\n"
"""What every file holds, where a script says nothing else."""

UPLOADED: Final = "/tmp/gradio/0000000000000000000000000000000000000000/uploaded.txt"
"""Where every upload lands, where a script says nothing else."""


@dataclass(frozen=True)
class ResetConnection:
    """Reset the connection."""

    conn_id: Hashable


Action = SendData | CloseConnection | ResetConnection
"""What the runner is to do."""


WHOLE: Final = Pieces(None)


@dataclass(eq=False)
class _Line:
    """One connection."""

    conn: Hashable
    unread: bytes = b""
    http: h11.Connection | None = None
    head: h11.Request | None = None
    body: bytes = b""
    socket: WebSocket | None = None
    heard: int = 0
    """Text messages on its WebSocket."""
    steps: deque[Step] = field(default_factory=lambda: deque[Step]())
    waits: Until | Hear | Silence | None = None
    due: float | None = None
    chunked: bool = False
    pieces: Pieces = WHOLE
    asked: Asked | None = None
    """The request that its steps answer."""
    is_blocked: bool = False
    is_closing: bool = False
    pieces_of_text: list[str] = field(default_factory=lambda: list[str]())

    @property
    def is_busy(self) -> bool:
        """It has something to say, or waits for something."""
        return bool(self.steps) or self.waits is not None or self.due is not None


class ScriptedServer:
    """A server that says what a script tells it to.

    Args:
        script: What it says.
        generation: Which generation of the protocol it speaks.
        places: What :data:`~.steps.HERE` and its like stand for.
    """

    def __init__(self, script: Script, generation: str, places: Mapping[str, str] | None = None) -> None:
        self.script = script
        self.generation = generation
        self.places: dict[str, str] = dict(places or {})
        self.log: list[Asked] = []
        """Everything that was asked, in the order in which it came."""
        self.problems: list[tuple[str, str]] = []
        """What a client has done that can be seen only while it is talked to: a requirement, and what was wrong."""
        self._lines: dict[Hashable, _Line] = {}
        self._actions: deque[Action] = deque()
        self._counts: dict[str, int] = {}
        self._joined: set[str] = set()

    # What the runner tells.

    def connection_made(self, conn: Hashable) -> None:
        """A client has connected."""
        self._lines[conn] = _Line(conn)

    def connection_lost(self, conn: Hashable) -> None:
        """A client has gone."""
        line = self._lines.pop(conn, None)
        if line is not None:
            self._over(line)

    def receive_data(self, conn: Hashable, data: bytes, now: float) -> None:
        """Bytes have come in; empty ones are the client's end."""
        line = self._lines.get(conn)
        if line is None or line.is_closing:
            return
        if not data:
            self._close(line, now)
        elif line.socket is not None:
            self._read_socket(line, data, now)
        else:
            line.unread += data
            self._read_requests(line, now)

    def connection_blocked(self, conn: Hashable, is_blocked: bool, now: float) -> None:
        """The network takes no more for now, or takes more again. Who never tells this is thought to take all."""
        line = self._lines.get(conn)
        if line is not None and line.is_blocked != is_blocked:
            line.is_blocked = is_blocked
            self._go_on(line, now)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for line in [*self._lines.values()]:
            if line.due is not None and line.due <= now and not line.is_blocked:
                line.due = None
                if isinstance(line.waits, Until):
                    if line.waits.requirement is not None:
                        what = f"it has not asked for {line.waits.route} in {line.waits.limit:g} s"
                        self.problems.append((line.waits.requirement, what))
                    line.waits = None
                self._go_on(line, now)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due."""
        dues = [line.due for line in self._lines.values() if line.due is not None and not line.is_blocked]
        return min(dues, default=None)

    def next_action(self) -> Action | None:
        """What the runner is to do next."""
        return self._actions.popleft() if self._actions else None

    # Reading.

    def _read_requests(self, line: _Line, now: float) -> None:
        while line.unread and not line.is_busy and not line.is_closing and line.socket is None:
            if line.http is None:
                line.http, line.head, line.body = h11.Connection(h11.SERVER, MAX_HEAD), None, b""
            line.http.receive_data(line.unread)
            line.unread = b""
            try:
                if not self._read_one(line, now):
                    return
            except h11.RemoteProtocolError as error:
                self.problems.append(("security/origin/encode", f"its request is no HTTP: {error}"))
                self._say(line, answer_of(Answer(400)))
                self._close(line, now)

    def _read_one(self, line: _Line, now: float) -> bool:
        """Read on in one request; whether it was the whole of it."""
        assert line.http is not None
        while not isinstance(event := line.http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                if line.http.they_are_waiting_for_100_continue:
                    self._say(line, b"HTTP/1.1 100 Continue\r\n\r\n")
                return False
            if isinstance(event, h11.Request):
                line.head = event
            else:
                assert isinstance(event, h11.Data)
                line.body += bytes(event.data)
        head, line.unread = line.head, line.http.trailing_data[0]
        assert head is not None
        line.http = None
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        self._asked(line, head.method.decode(), head.target.decode("latin-1"), headers, line.body, now)
        return True

    def _asked(
        self,
        line: _Line,
        method: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        now: float,
    ) -> None:
        asked = Asked(
            len(self.log),
            now,
            line.conn,
            method,
            target,
            route_of(target, self.script.config.get("api_prefix")),
            headers,
            body,
        )
        self.log.append(asked)
        line.asked = asked
        if asked.route == "queue/join" and method == "POST":
            self._joined.add(session_of(asked))
        line.steps = deque(self._answer(asked))
        line.chunked, line.pieces = False, WHOLE
        self._go_on(line, now)
        self._count(asked.route, now)

    def _read_socket(self, line: _Line, data: bytes, now: float) -> None:
        assert line.socket is not None
        line.socket.receive_data(data)
        for event in line.socket.events():
            if isinstance(event, TextMessage):
                line.pieces_of_text.append(event.data)
                if event.message_finished:
                    self._heard(line, "message", "".join(line.pieces_of_text).encode(), now)
                    line.pieces_of_text.clear()
            elif isinstance(event, Pong):
                self._heard(line, "pong", bytes(event.payload), now)
            elif isinstance(event, Ping):
                # Whoever has fallen silent does not answer that either.
                if not isinstance(line.waits, Silence):
                    self._say(line, frame_of(Frame(10, bytes(event.payload))))
            elif isinstance(event, WebSocketClosed):
                self._closed(line, event, now)

    def _closed(self, line: _Line, event: WebSocketClosed, now: float) -> None:
        # wsproto tells a frame that is none as a close, too, but as one that has not come from the other side.
        if line.socket is not None and line.socket.state is ConnectionState.OPEN:
            self.problems.append(("queue/join/ws/text", f"its frame is no WebSocket's: {event.reason}"))
        else:
            self._heard(line, "close", b"", now)
        if not line.is_closing:
            self._close(line, now)

    def _heard(self, line: _Line, route: str, body: bytes, now: float) -> None:
        target = "" if line.asked is None else line.asked.target
        self.log.append(Asked(len(self.log), now, line.conn, "WS", target, route, (), body))
        if route == "message":
            line.heard += 1
            if isinstance(line.waits, Hear) and line.heard >= line.waits.count:
                line.waits = None
                self._go_on(line, now)
        self._count(route, now)

    def _count(self, route: str, now: float) -> None:
        self._counts[route] = self._counts.get(route, 0) + 1
        for line in [*self._lines.values()]:
            waits = line.waits
            if isinstance(waits, Until) and waits.route == route and self._counts[route] >= waits.count:
                line.waits = line.due = None
                self._go_on(line, now)

    # What is answered.

    def _answer(self, asked: Asked) -> Talk:
        route = asked.route
        given = self.script.replies.get(route)
        if given is not None:
            return given[min(self._counts.get(route, 0), len(given) - 1)]
        if route == "queue/join":
            return self._joins(asked)
        if route == "queue/data":
            return self._streams(asked)
        if route == "config":
            return (as_json(config_of(self.script, self.generation, self.places.get(HERE, ""))),)
        if route == "info":
            return (as_json(info_of(self.script, self.generation)),)
        if route in ("cancel", "reset"):
            return (Answer(body=b'{"success": true}'),)
        if route == "heartbeat":
            return (Head(), Text(b"data: ALIVE\n\n"), Silence())
        if route == "app_id":
            return (as_json({"app_id": 16538474280455143519}),)
        if route == "upload":
            return (as_json([UPLOADED]),)
        if route == "file":
            return (Answer(body=CONTENT, content_type="text/plain"),)
        return (Answer(404, b'{"detail": "Not Found"}'),)

    def _joins(self, asked: Asked) -> Talk:
        number = self._counts.get("queue/join", 0)
        if self.generation == "ws":
            talk = talk_of_job(self.script.jobs, number, "ws")
            key = asked.header("sec-websocket-key")
            if not key:
                return (Answer(400, b""),)
            if talk and isinstance(talk[0], Answer):
                return talk
            line = self._lines[asked.conn]
            line.socket = WebSocket(ConnectionType.SERVER)
            asked.is_open = True
            return (Bare(switched(key)), *talk)
        if self.generation == "sse":
            asked.is_open = asked.method == "GET"
            is_right = asked.method == "GET"
            return talk_of_job(self.script.jobs, number, "sse") if is_right else (Answer(405),)
        if asked.method != "POST":
            return (Answer(405),)
        return (as_json({"event_id": event_id(number + 1)}),)

    def _streams(self, asked: Asked) -> Talk:
        if self.generation in ("ws", "sse"):
            is_right = self.generation == "sse" and asked.method == "POST"
            return (Answer(body=b"null"),) if is_right else (Answer(405),)
        if asked.method != "GET":
            return (Answer(405),)
        session = asked.query.get("session_hash", "")
        others = (other for other in self.log if other.is_open and other.query.get("session_hash") == session)
        asked.beside = next((other.number for other in others), None)
        asked.joined_before = session in self._joined
        asked.is_open = True
        return talk_of_job(self.script.jobs, self._counts.get("queue/data", 0), self.generation)

    # Saying it.

    def _go_on(self, line: _Line, now: float) -> None:
        said = 0
        while line.steps and line.waits is None and line.due is None and not line.is_closing:
            if line.is_blocked:
                return
            if said >= BATCH:
                line.due = now  # the others have their turn
                return
            said += self._take(line, line.steps.popleft(), now)
        if not line.is_busy and line.socket is None and not line.is_closing:
            if line.asked is not None:
                self._over(line)
            self._read_requests(line, now)

    def _take(self, line: _Line, step: Step, now: float) -> int:
        """Do one step; how many bytes were said."""
        said = b""
        if isinstance(step, Head):
            said = head_of(step)
            line.chunked = step.framing == "chunked"
        elif isinstance(step, Message):
            if line.socket is not None:
                said = self._of_socket(line, text_of(step, self.generation))
            else:
                said = self._of_body(line, event_of(step, self.generation))
        elif isinstance(step, Text):
            said = self._of_body(line, step.data)
        elif isinstance(step, Bare):
            said = step.data
        elif isinstance(step, Frame):
            said = frame_of(step)
        elif isinstance(step, Answer):
            # Filled in first: the length that is told is that of what is sent.
            said = answer_of(replace(step, body=filled(step.body, self.places)))
            if step.length is not None or ("connection", "close") in step.headers:
                self._say(line, filled(said, self.places))
                self._close(line, now)
                return 0
        elif isinstance(step, Pause):
            line.due = now + step.seconds
        elif isinstance(step, Until):
            if self._counts.get(step.route, 0) < step.count:
                line.waits, line.due = step, now + step.limit
        elif isinstance(step, Hear):
            if line.heard < step.count:
                line.waits = step
        elif isinstance(step, Pieces):
            line.pieces = step
        elif isinstance(step, Again):
            self._again(line, step)
        elif isinstance(step, Silence):
            line.waits = step
        elif isinstance(step, Reset):
            self._actions.append(ResetConnection(line.conn))
            line.is_closing = True
            self._over(line)
        elif isinstance(step, Close):
            self._close(line, now)
        else:
            self._end(line, now)
        if said:
            self._say(line, filled(said, self.places))
        return len(said)

    def _of_body(self, line: _Line, data: bytes) -> bytes:
        data = filled(data, self.places)
        size = line.pieces.size if line.pieces.of == "body" else None
        pieces = list(cut(data, size))
        return b"".join(map(chunk, pieces)) if line.chunked else b"".join(pieces)

    def _of_socket(self, line: _Line, data: bytes) -> bytes:
        data = filled(data, self.places)
        size = line.pieces.size if line.pieces.of == "body" else None
        pieces = list(cut(data, size))
        last = len(pieces) - 1
        frames = (Frame(0 if i else 1, piece, final=i == last) for i, piece in enumerate(pieces))
        return b"".join(map(frame_of, frames))

    def _again(self, line: _Line, step: Again) -> None:
        if step.times is None or step.times > 1:
            times = None if step.times is None else step.times - 1
            line.steps.appendleft(Again(step.steps, times, step.every))
            if step.every:
                line.steps.appendleft(Pause(step.every))
        line.steps.extendleft(reversed(step.steps))

    def _end(self, line: _Line, now: float) -> None:
        if line.socket is not None:
            self._say(line, frame_of(Frame(8, b"\x03\xe8")))
            line.waits = Silence()  # the client answers the close
        elif line.chunked:
            self._say(line, b"0\r\n\r\n")
        else:
            self._close(line, now)

    def _say(self, line: _Line, data: bytes) -> None:
        size = line.pieces.size if line.pieces.of == "connection" else None
        for piece in cut(data, size):
            self._actions.append(SendData(line.conn, piece))

    def _close(self, line: _Line, now: float) -> None:
        self._actions.append(CloseConnection(line.conn))
        line.is_closing = True
        line.steps.clear()
        line.waits = line.due = None
        self._over(line)

    def _over(self, line: _Line) -> None:
        """What a connection said has ended."""
        if line.asked is not None:
            line.asked.is_open = False
            line.asked = None


def cut(data: bytes, size: int | None) -> Iterator[bytes]:
    """Bytes in pieces of that size, or whole."""
    if size is None:
        yield data
        return
    for start in range(0, len(data), size):
        yield data[start : start + size]


def switched(key: str) -> bytes:
    """The answer to a healthy WebSocket handshake."""
    accept = generate_accept_token(key.encode()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"]
    return "\r\n".join([*lines, f"sec-websocket-accept: {accept}", "", ""]).encode()
