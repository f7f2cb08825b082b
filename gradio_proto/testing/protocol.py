"""The server's side of the Gradio protocol, sans IO: bytes of many connections in, things to do out.

    server = ServerProtocol(app)
    server.connection_made(1)
    server.receive_data(1, b"GET /config HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", now=0.0)
    while (action := server.next_action()) is not None:
        match action:
            case SendData(conn_id, data): ...
            case CloseConnection(conn_id): ...
            case RunJob(event_id, call): ...  # server.job_stepped(event_id, call.step(report, pause), now)
            case StopJob(_, call): call.close()

Whoever runs it owns sockets, threads and the clock. It tells what came in (``connection_made``,
``receive_data``, ``connection_lost``), what the app's functions did (``job_stepped``, ``job_reported``) and
that time has passed (``handle_timer``, due at ``next_deadline``); after each of these it takes the actions.
The same calls give the same actions: there is no clock, no thread and no randomness in here.

What is shown is Gradio on uvicorn, in the version that the app names, with the routes that a client needs, some
of its defects included (see :mod:`~gradio_proto.testing.queueing`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from urllib.parse import parse_qsl, unquote

import h11

from gradio_proto.errors import LocalProtocolError

from .answers import OpenHeartbeat, OpenJob, OpenMedia, OpenSocket, OpenStream, Reply, Request, text_reply
from .app import TestApp
from .asking import AskingQueue
from .files import FileStore
from .generations import Generation
from .media import Media
from .parts import Parts
from .queueing import Mailbox, Message, Queue, RunJob, StopJob
from .routes import Routes
from .sockets import Socket, Sockets, accept_headers
from .streaming import StreamRules
from .uploads import Upload
from .values import Aside, Outcome

ConnId = Hashable
"""Whatever the runner calls a connection by."""

HEARTBEAT = 15.0
"""Seconds between the heartbeats of an open stream."""

MAX_HEAD = 64 * 2**10
"""Bytes of one request's line and headers, as uvicorn has it; more is answered 400."""

MAX_BODY = 64 * 2**20
"""Bytes of one request's body; more is answered 413. Real servers take any number, and we of an upload."""

MAX_UNREAD = 64 * 2**10
"""Bytes that a client may send ahead of the response it waits for; more closes the connection."""


_LARGE = 64 * 2**10
"""Bytes that are handed out as they are, and not copied to go with what stands before them."""


@dataclass(frozen=True)
class SendData:
    """Send these bytes."""

    conn_id: ConnId
    """On which connection."""
    data: bytes
    """The bytes."""


@dataclass(frozen=True)
class CloseConnection:
    """Close the connection, after what was to be sent. No ``connection_lost`` is expected for it."""

    conn_id: ConnId
    """Which one."""


Action = SendData | CloseConnection | RunJob | StopJob
"""What the runner is to do."""


@dataclass(eq=False)
class _Connection:
    conn_id: ConnId
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER, MAX_HEAD))
    request: Request | None = None
    body: bytearray = field(default_factory=bytearray)
    upload: Upload | None = None
    """What takes the body instead."""
    answering: bool = False
    """A request has come in whole, and its response has not gone out whole."""
    unread: int = 0
    open: bool = True
    stream: _Stream | None = None
    is_socket: bool = False
    """It goes on as a WebSocket."""


@dataclass(eq=False)
class _Stream:
    """An event stream: of a session's messages, of a job's, or of signs of life only."""

    conn: _Connection
    source: OpenStream | OpenJob | OpenHeartbeat
    mailbox: Mailbox | None
    touched: float
    """When it last had a message."""


class ServerProtocol:
    """A Gradio server without input and output, serving one :class:`TestApp`.

    Args:
        app: The app. Endpoints added later are not served.
        scheme: What its address starts with, for the config's ``root``: ``"http"`` or ``"https"``.
        new_id: Makes event ids; numbered ones of the real length if not given.
        heartbeat: Seconds between heartbeats on an open stream.
        faithful_defects: Show what Gradio does wrong too: ``/cancel`` ends siblings of the same function,
            a session whose reader left while a job ran never sees ``close_stream`` again, direct calls
            of Gradio 5 spoil JSON, and on Gradio 4.0 nothing runs any more after a batch, and a stream has one
            heartbeat only. Without it, a server of any version does none of what ``spec/defects.md`` records.
        defects: Names of :data:`~gradio_proto.testing.defects.DEFECTS`, to be shown by a server that is otherwise
            without defects: those of real servers are left out then.

    Raises:
        ValueError: ``heartbeat`` is not above 0, there is no defect of a name, or it cannot be shown by a server
            of that version.
    """

    def __init__(
        self,
        app: TestApp,
        *,
        scheme: str = "http",
        new_id: Callable[[], str] | None = None,
        heartbeat: float = HEARTBEAT,
        faithful_defects: bool = True,
        defects: Sequence[str] = (),
    ) -> None:
        if not heartbeat > 0:
            raise ValueError(f"heartbeat={heartbeat!r}: give the seconds between two, more than 0")
        numbers = count(1)
        if defects or not faithful_defects:
            app = app.healthy()
        parts = _parts_with(defects, app.generation) if defects else Parts()
        self._generation = app.generation
        self._rules = parts.of(StreamRules)(app.generation, heartbeat)
        self._poll = app.generation.looks_every
        new_id = new_id or (lambda: f"{next(numbers):032x}")
        files = parts.of(FileStore)(app.generation, str(app.app_id), app.web)
        self._sockets: Sockets | None = None
        if app.generation.asks_for_data:
            asking = parts.of(AskingQueue)(app, files, new_id)
            self._queue: Queue = asking
            self._routes = parts.of(Routes)(app, asking, files, scheme, new_id, asking=asking, parts=parts)
            if app.generation.has_sockets:
                join, encode = self._routes.join_socket, self._routes.encode_socket
                self._sockets = parts.of(Sockets)(asking, join, encode, self._put, self._close_named)
        else:
            self._queue = parts.of(Queue)(app, files, new_id)
            self._routes = parts.of(Routes)(app, self._queue, files, scheme, new_id, parts=parts)
        self._actions: deque[Action] = deque()
        self._connections: dict[ConnId, _Connection] = {}
        # Each stream's next heartbeat. All have the same interval, so this is in the order of time.
        self._beats: dict[_Stream, float] = {}
        # Streams that lost their mailbox, or whose queue was stopped: when each finds out.
        self._stranded: dict[_Stream, float] = {}
        self._media: dict[_Connection, Media] = {}
        # Connections whose response went out late, and that may have sent another request by then.
        self._resumed: list[_Connection] = []

    # What the runner tells

    def connection_made(self, conn_id: ConnId) -> None:
        """A client has connected, by a connection that is called ``conn_id`` from now on.

        Raises:
            LocalProtocolError: There is a connection of that name already.
        """
        if conn_id in self._connections:
            raise LocalProtocolError(f"there is a connection {conn_id!r} already: take another name")
        self._connections[conn_id] = _Connection(conn_id)

    def receive_data(self, conn_id: ConnId, data: bytes, now: float) -> None:
        """Bytes have come in; ``b""`` is the end of them, which a server takes for a disconnect.

        Nothing happens if it has been closed already (a ``CloseConnection`` may have crossed the data).

        Args:
            conn_id: On which connection.
            data: The bytes.
            now: The time, in seconds, on a monotonic clock.
        """
        conn = self._connections.get(conn_id)
        if conn is None:
            return
        if conn.answering and not conn.is_socket:
            conn.unread += len(data)
        if not data or conn.unread > MAX_UNREAD:
            self._close(conn)
        elif conn.is_socket:
            assert self._sockets is not None
            self._sockets.receive(conn_id, data, now)
        else:
            conn.http.receive_data(data)
            self._read(conn, now)
        self._settle(now)

    def connection_lost(self, conn_id: ConnId) -> None:
        """The connection ``conn_id`` broke. Nothing happens if it has been closed already."""
        conn = self._connections.get(conn_id)
        if conn is not None:
            self._drop(conn)
            self._strand()

    def job_stepped(self, event_id: str, outcome: Outcome, now: float) -> None:
        """The step that a :class:`RunJob` asked for has been made.

        Args:
            event_id: Of which job.
            outcome: What has come of it.
            now: The time, in seconds, on a monotonic clock.

        Raises:
            LocalProtocolError: No such step was asked for.
        """
        self._queue.stepped(event_id, outcome, now)
        self._settle(now)

    def job_reported(self, event_id: str, aside: Aside, now: float) -> None:
        """A function has said something while it runs. Nothing happens if its job is over.

        Args:
            event_id: Of which job.
            aside: What it has said.
            now: The time, in seconds, on a monotonic clock.
        """
        self._queue.reported(event_id, aside)
        self._settle(now)

    def stop(self, now: float) -> None:
        """Stop the queue, as ``demo.close()`` does: joins are refused, what runs ends without a word.

        Open streams stay open, and tell again and again that the server has stopped: since Gradio 6 every ten
        seconds, before 20 times a second. On Gradio 4.0 what runs ends as if nothing was; on 3.x the WebSockets are
        closed, with 1012.

        Args:
            now: The time, in seconds, on a monotonic clock.
        """
        if self._sockets is not None:
            self._sockets.stop()
        self._queue.stop(now)
        for stream in self._beats:
            if stream.mailbox is not None and stream.mailbox.job is None:
                self._stranded[stream] = stream.touched + self._poll
        self._settle(now)

    def refuse(
        self,
        times: int = 1,
        *,
        status: int = 429,
        retry_after: str | None = None,
        path: str = "/queue/join",
    ) -> None:
        """Answer the next requests to a path with an error, as a gateway in front of a server may.

        Args:
            times: How many of them.
            status: The status.
            retry_after: The ``Retry-After`` header: seconds, or a date; None for no such header.
            path: The path, behind the prefix of the server's version.
        """
        headers = [] if retry_after is None else [("retry-after", retry_after)]
        reply = text_reply(status, _REASONS.get(status, ""), headers)
        self._routes.refuse(path, [reply] * times)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due, on the clock of ``now``; None if nothing waits for time."""
        deadlines = [
            next(iter(self._beats.values()), None),
            self._queue.next_deadline(),
            None if self._sockets is None else self._sockets.next_deadline(),
            *self._stranded.values(),
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed: it is ``now``, in seconds, on a monotonic clock. Calling it early or late does no
        harm.
        """
        while self._beats:
            stream, due = next(iter(self._beats.items()))
            if due > now:
                break
            del self._beats[stream]
            if not self._rules.beats_once:
                self._beats[stream] = now + self._rules.interval
            if isinstance(stream.source, OpenHeartbeat):
                self._send(stream.conn, h11.Data(self._rules.sign))
            elif stream.mailbox is not None and stream.mailbox.is_open and self._rules.heartbeat is not None:
                # Into the mailbox, as the server does it: of two readers either may get it.
                self._queue.post(stream.mailbox, self._rules.heartbeat)
        for stream, due in [*self._stranded.items()]:
            if due <= now:
                self._find_out(stream, now)
        self._queue.handle_timer(now)
        if self._sockets is not None:
            self._sockets.handle_timer(now)
        self._settle(now)

    # What the runner is told

    def next_action(self) -> Action | None:
        """The next thing to do, or None."""
        return self._actions.popleft() if self._actions else None

    # Connections

    def _read(self, conn: _Connection, now: float) -> None:
        while conn.open and not conn.answering:
            try:
                event = conn.http.next_event()
            except h11.RemoteProtocolError:
                self._respond(conn, _INVALID)
                return
            if isinstance(event, h11.Request):
                self._begin(conn, event)
            elif isinstance(event, h11.Data):
                self._take(conn, event.data)
            elif not isinstance(event, h11.EndOfMessage):
                return
            elif conn.request is None:  # answered before its end
                conn.http.start_next_cycle()
            else:
                conn.answering = True
                conn.unread = 0
                self._dispatch(conn, conn.request, now)

    def _begin(self, conn: _Connection, event: h11.Request) -> None:
        path, _, query = event.target.decode("ascii").partition("?")
        headers: dict[str, str] = {}
        for name, value in event.headers:  # of several by one name the first is what a function is shown
            headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
        conn.request = Request(
            event.method.decode("ascii"),
            unquote(path),
            dict(parse_qsl(query, keep_blank_values=True)),
            headers,
        )
        conn.body = bytearray()
        conn.upload = None
        begun = self._routes.begin(conn.request)
        if isinstance(begun, Reply):
            self._respond(conn, begun)
            return
        conn.upload = begun
        if conn.http.they_are_waiting_for_100_continue:
            self._send(conn, h11.InformationalResponse(status_code=100, headers=[]))

    def _take(self, conn: _Connection, data: bytes | bytearray) -> None:
        """Take a piece of a body; what comes in behind an answer is of no interest."""
        if conn.request is None:
            return
        if conn.upload is not None:
            refusal = conn.upload.feed(data)
            if refusal is not None:
                self._respond(conn, refusal)
            return
        conn.body += data
        if len(conn.body) > MAX_BODY:
            self._respond(conn, _TOO_LARGE)

    def _send(self, conn: _Connection, *events: h11.Event) -> None:
        pieces = [conn.http.send(event) or b"" for event in events]
        if sum(map(len, pieces)) < _LARGE:
            pieces = [b"".join(pieces)]
        self._actions.extend(SendData(conn.conn_id, data) for data in pieces if data)

    def _respond(self, conn: _Connection, reply: Reply) -> None:
        head = [*reply.headers, ("content-length", str(len(reply.body)))]
        if reply.content_type is not None:
            head.append(("content-type", reply.content_type))
        reason = _REASONS.get(reply.status, "")
        response = h11.Response(status_code=reply.status, reason=reason, headers=head)
        body = b"" if conn.request is not None and conn.request.method == "HEAD" else reply.body
        self._send(conn, response, h11.Data(body), h11.EndOfMessage())
        self._answered(conn)

    def _answered(self, conn: _Connection) -> None:
        conn.answering = False
        conn.request = conn.upload = None
        if conn.http.our_state is h11.DONE and conn.http.their_state is h11.DONE:
            conn.http.start_next_cycle()
        elif conn.http.our_state is not h11.DONE or conn.http.their_state is not h11.SEND_BODY:
            self._close(conn)

    def _close(self, conn: _Connection) -> None:
        self._drop(conn)
        self._actions.append(CloseConnection(conn.conn_id))

    def _put(self, conn_id: ConnId, data: bytes) -> None:
        self._actions.append(SendData(conn_id, data))

    def _close_named(self, conn_id: ConnId) -> None:
        self._close(self._connections[conn_id])

    def _drop(self, conn: _Connection) -> None:
        conn.open = False
        del self._connections[conn.conn_id]
        if self._sockets is not None:
            self._sockets.drop(conn.conn_id)
        self._media.pop(conn, None)
        stream = conn.stream
        if stream is not None:
            self._leave(stream)
            if isinstance(stream.source, OpenHeartbeat):
                self._queue.close_session(stream.source.session_hash)
            elif stream.mailbox is not None and stream.mailbox.is_open:
                self._queue.left(stream.mailbox)

    def _leave(self, stream: _Stream) -> None:
        """Forget a stream."""
        stream.conn.stream = None
        self._beats.pop(stream, None)
        self._stranded.pop(stream, None)
        if stream.mailbox is not None and stream in stream.mailbox.readers:
            stream.mailbox.readers.remove(stream)

    # Routes

    def _dispatch(self, conn: _Connection, request: Request, now: float) -> None:
        request = replace(request, body=bytes(conn.body), upload=conn.upload)

        def later(reply: Reply) -> None:
            if conn.open:
                self._respond(conn, reply)
                self._resumed.append(conn)

        answer = self._routes.answer(request, later, now)
        if isinstance(answer, Reply):
            self._respond(conn, answer)
        elif isinstance(answer, OpenStream):
            self._send(conn, self._stream_head())
            stream = _Stream(conn, answer, None, now)
            self._open(stream, now)
            self._look_up(stream)
            if self._queue.stopped and conn.open:
                self._stranded[stream] = now + self._poll
        elif isinstance(answer, OpenJob):
            self._send(conn, self._stream_head())
            stream = _Stream(conn, answer, None, now)
            self._open(stream, now)
            self._attach(stream, answer.mailbox)
        elif isinstance(answer, OpenSocket):
            self._upgrade(conn, request, now)
        elif isinstance(answer, OpenHeartbeat):
            self._send(conn, self._stream_head(), h11.Data(self._rules.first_sign))
            self._open(_Stream(conn, answer, None, now), now)
        elif isinstance(answer, OpenMedia):
            self._send(conn, _MEDIA_HEAD)
            self._media[conn] = answer.media

    def _upgrade(self, conn: _Connection, request: Request, now: float) -> None:
        assert self._sockets is not None
        reason = "Switching Protocols"
        headers = accept_headers(request.headers.get("sec-websocket-key", ""))
        self._send(conn, h11.InformationalResponse(status_code=101, reason=reason, headers=headers))
        conn.is_socket = True
        self._sockets.open(conn.conn_id, request, now)
        self._sockets.receive(conn.conn_id, conn.http.trailing_data[0], now)

    # Streams

    def _open(self, stream: _Stream, now: float) -> None:
        stream.conn.stream = stream
        self._beats[stream] = now + self._rules.interval

    def _stream_head(self) -> h11.Response:
        reason = _REASONS.get(self._rules.status, "")
        return h11.Response(status_code=self._rules.status, reason=reason, headers=self._rules.headers)

    def _look_up(self, stream: _Stream) -> None:
        """Attach a stream to its session's mailbox; without one, it ends."""
        assert isinstance(stream.source, OpenStream)
        mailbox = self._queue.mailbox(stream.source.session_hash)
        if mailbox is None:
            # Then no end of the body: the server's stream dies of the exception that it reports.
            self._send_message(stream, _unexpected_error(self._generation.not_found, session_not_found=True))
            self._close(stream.conn)
        else:
            self._attach(stream, mailbox)

    def _attach(self, stream: _Stream, mailbox: Mailbox) -> None:
        stream.mailbox = mailbox
        mailbox.readers.append(stream)
        self._queue.fresh[mailbox] = None

    def _find_out(self, stream: _Stream, now: float) -> None:
        """A stream without messages looks around."""
        if self._queue.stopped:
            self._tell_stopped(stream, now)
        else:
            del self._stranded[stream]
            self._look_up(stream)

    def _tell_stopped(self, stream: _Stream, now: float) -> None:
        self._send_message(stream, _STOPPED)
        if self._generation.repeats_stop:
            self._stranded[stream] = now + self._poll
        else:
            self._end_stream(stream)

    def _send_message(self, stream: _Stream, message: Message) -> None:
        assert not isinstance(stream.source, OpenHeartbeat)
        data = stream.source.encode(message)
        if data is not None:
            self._send(stream.conn, h11.Data(data))

    def _settle(self, now: float) -> None:
        """Do what follows from what has just happened: deliver messages, read on, hand out the work."""
        self._play_media()
        while self._queue.fresh or self._resumed:
            while self._queue.fresh:
                mailbox = next(iter(self._queue.fresh))
                del self._queue.fresh[mailbox]
                while mailbox.messages and mailbox.readers:
                    self._deliver(mailbox, now)
            while self._resumed:
                self._read(self._resumed.pop(), now)
            self._play_media()
        self._strand()
        self._actions.extend(self._queue.actions)
        self._queue.actions.clear()

    def _play_media(self) -> None:
        """Hand out what there is of media. Each piece goes to one reader, and so does their end."""
        for conn, media in [*self._media.items()]:
            for piece in media.pieces[media.handed_out :]:
                self._send(conn, h11.Data(piece))
            media.handed_out = len(media.pieces)
            if media.ended and not media.is_over:
                media.is_over = True
                del self._media[conn]
                self._send(conn, h11.EndOfMessage())
                self._answered(conn)
                self._resumed.append(conn)

    def _strand(self) -> None:
        """Note the readers whose mailbox is gone. They find out only when they look again."""
        while self._queue.closed:
            for stream in self._queue.closed.pop().readers:
                self._stranded[stream] = stream.touched + self._poll

    def _deliver(self, mailbox: Mailbox, now: float) -> None:
        """Give the next message to the reader whose turn it is."""
        message = mailbox.messages.popleft()
        reader: _Stream | Socket = mailbox.readers.popleft()
        if isinstance(reader, Socket):
            assert self._sockets is not None
            self._sockets.deliver(reader, message, now)
            mailbox.readers.append(reader)
            return
        stream = reader
        stream.touched = now
        if message is None:
            self._end_stream(stream)
            return
        if mailbox.job is not None:
            self._send_message(stream, message)
        elif self._queue.stopped:
            # Whatever there was to say: the server looks at the flag after it has taken the message.
            self._tell_stopped(stream, now)
            if not self._generation.repeats_stop:
                return
        else:
            self._send_message(stream, message)
            fate = self._queue.delivered(mailbox, message)
            if fate == "end":
                for message in self._rules.farewell:
                    self._send_message(stream, message)
                self._end_stream(stream)
                return
            if fate == "crash":
                text = repr(message["event_id"])
                self._send_message(stream, _unexpected_error(text, session_not_found=False))
                self._leave(stream)
                self._close(stream.conn)
                return
        mailbox.readers.append(stream)

    def _end_stream(self, stream: _Stream) -> None:
        self._leave(stream)
        if not self._rules.ends_bodies:
            self._close(stream.conn)
            return
        self._send(stream.conn, h11.EndOfMessage())
        self._answered(stream.conn)
        self._resumed.append(stream.conn)


_MEDIA_HEAD = h11.Response(status_code=200, reason="OK", headers=[("transfer-encoding", "chunked")])

# As uvicorn says them on any Python: the standard library's phrases have changed over time.
_REASONS = {
    200: "OK",
    206: "Partial Content",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

_INVALID = Reply(400, b"Invalid HTTP request received.", "text/plain; charset=utf-8")

_TOO_LARGE = Reply(413, b"Request body too large.", "text/plain; charset=utf-8")


def _parts_with(defects: Sequence[str], generation: Generation) -> Parts:
    # They stand on everything else in here, and are loaded for those who ask for them.
    from .defects import parts_with

    return parts_with(defects, generation)


def _unexpected_error(message: str, *, session_not_found: bool) -> Message:
    return {
        "msg": "unexpected_error",
        "event_id": None,
        "message": message,
        "session_not_found": session_not_found,
        "success": False,
    }


_STOPPED = _unexpected_error("Server stopped unexpectedly.", session_not_found=False)
