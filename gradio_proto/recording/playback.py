"""A server that answers as was recorded, sans IO: bytes of many connections in, things to do out.

It has the methods of :class:`~gradio_proto.testing.protocol.ServerProtocol` that a runner calls, so whatever runs
that one runs this one. :mod:`.script` says what the recording amounts to; here is what is done with it:

- A request is answered as the first one in the recording that was alike (:mod:`.likeness`) and has not been played
  yet. One of the same session goes before others. When all were played, a GET is answered like the last of them, and
  anything else from the beginning again, with new event ids.
- What the recorded server said of a session, an event or its own address is said of the live ones.
- A job's messages begin when it is joined, and come on whichever stream its session opens, at the recorded
  distances. When a session has no job left, and everything on the recorded stream was said, the stream ends as the
  recorded one did.
- A WebSocket (Gradio 3) is a :class:`~.conversation.Conversation`.
- What was never recorded is answered 501.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import h11

from gradio_proto.http import Headers
from gradio_proto.testing.protocol import CloseConnection, SendData
from gradio_proto.testing.sockets import accept_headers

from .conversation import Conversation
from .headers import decoded, encoded
from .likeness import Likeness, likeness
from .model import Exchange, How, Recording, Response
from .names import LEAST_NAME, Names, renamed
from .redacting import Redactor, is_login
from .script import Cue, cues_of, is_queue_stream, is_text, script_of
from .track import Track

MAX_HEAD: Final = 256 * 2**10
"""Bytes of a request's head."""

MAX_BODY: Final = 256 * 2**20
"""Bytes of a request's body; a longer one ends the connection."""

_OF_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_NO_BODY: Final = (204, 304)

ConnId = Hashable


@dataclass(eq=False)
class _Session:
    """A live session."""

    recorded: str | None = None
    """The recorded one that it is like."""
    names: Names = field(default_factory=Names)
    tracks: dict[str, Track] = field(default_factory=dict[str, Track])
    """Of its jobs, by live event id."""
    done: set[str] = field(default_factory=set[str])
    """The recorded ids of jobs that have ended since the last stream did."""
    tail: Track | None = None
    """What is still to be said before the stream ends."""
    how: How = "client left"
    """How it is to end then."""


@dataclass(eq=False)
class _Answer:
    """A response that is being sent. The first cue of its track is its head."""

    response: Response
    how: How
    """How it is to end."""
    track: Track
    names: Names
    is_head_sent: bool = False

    def said(self, cue: Cue) -> bytes:
        """What is sent for a cue: names stand in texts only."""
        return renamed(cue.data, self.names) if is_text(self.response.content_type) else cue.data

    def head(self, method: bytes) -> h11.Response:
        """Its head. What speaks of the framing is ours: the body may have become longer."""
        headers = [(name, renamed(value, self.names)) for name, value in _kept(self.response)]
        length = self.response.get("content-length")
        if length and self.response.status not in _NO_BODY:
            if method == b"HEAD":
                headers.append((b"content-length", length.encode("latin-1")))
            elif self.how == "complete":
                size = sum(len(self.said(cue)) for cue in self.track.cues)
                headers.append((b"content-length", str(size).encode("ascii")))
        return h11.Response(status_code=self.response.status, headers=headers)


@dataclass(eq=False)
class _Line:
    """A connection."""

    conn_id: ConnId
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER, MAX_HEAD))
    method: bytes = b""
    """Of the request that is read or answered."""
    target: str = ""
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)
    answer: _Answer | None = None
    session: _Session | None = None
    """Whose stream it carries."""
    conversation: Conversation | None = None
    """The WebSocket that it has become."""

    @property
    def is_busy(self) -> bool:
        return self.answer is not None or self.session is not None or self.conversation is not None


class Playback:
    """See above.

    Args:
        recording: What to answer.
        speed: How fast: 2.0 takes half the recorded time, 0 none at all.
        tell: Is told of each request that was never recorded.
    """

    def __init__(
        self, recording: Recording, *, speed: float = 1.0, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self._script = script_of(recording)
        self._address = recording.address.encode()
        self._pace = 1 / speed if speed else 0.0
        self._tell = tell
        self._redactor = Redactor()
        self._lines: dict[ConnId, _Line] = {}
        self._actions: deque[SendData | CloseConnection] = deque()
        self._played = [0] * len(recording.exchanges)
        self._sessions: dict[str, _Session] = {}
        self._bound: set[str] = set()
        """Recorded sessions that live ones are like."""
        self._recorded_events: dict[str, str] = {}
        """By the live ids."""
        self._asking: dict[str, _Answer] = {}
        """The streams that ask for data (Gradio 4.0), by live event id."""
        self._numbers = count(1)

    # What the runner tells.

    def connection_made(self, conn_id: ConnId) -> None:
        """A client has connected."""
        self._lines[conn_id] = _Line(conn_id)

    def receive_data(self, conn_id: ConnId, data: bytes, now: float) -> None:
        """Bytes have come in; ``b""`` is the end of them."""
        line = self._lines.get(conn_id)
        if line is None:
            return
        if not data:
            self._close(line)
        elif line.conversation is not None:
            line.conversation.receive(data, now)
            self._converse(line, line.conversation)
        else:
            line.http.receive_data(data)
            self._read(line, now)
        self.handle_timer(now)

    def connection_lost(self, conn_id: ConnId) -> None:
        """A connection broke. Nothing happens if it has been closed already."""
        self._lines.pop(conn_id, None)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timer` is due; None if nothing waits for time."""
        found = [self._due(line) for line in self._lines.values()]
        return min((due for due in found if due is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Say whatever is due."""
        for line in [*self._lines.values()]:
            while line.conn_id in self._lines and (due := self._due(line)) is not None and due <= now:
                self._advance(line, now)

    def next_action(self) -> SendData | CloseConnection | None:
        """The next thing to do, or None."""
        return self._actions.popleft() if self._actions else None

    # Requests.

    def _read(self, line: _Line, now: float) -> None:
        while line.conn_id in self._lines and not line.is_busy:
            try:
                event = line.http.next_event()
            except h11.RemoteProtocolError:
                self._close(line)
                return
            if isinstance(event, h11.Request):
                line.method, line.target = event.method, event.target.decode("latin-1")
                line.headers = decoded(event.headers)
                line.body.clear()
                if line.http.they_are_waiting_for_100_continue:
                    self._send(line, h11.InformationalResponse(status_code=100, headers=[]))
            elif isinstance(event, h11.Data):
                line.body += event.data
                if len(line.body) > MAX_BODY:
                    self._close(line)
            elif isinstance(event, h11.EndOfMessage):
                self._take(line, now)
            else:
                return

    def _take(self, line: _Line, now: float) -> None:
        """A request has come in whole."""
        method, body = line.method.decode("ascii"), bytes(line.body)
        wanted = likeness(method, line.target, line.headers, body, self._recorded_events, self._redactor)
        headers = dict(line.headers)
        names: Names = {self._address: f"http://{headers.get('host', '')}".encode()}
        key = headers.get("sec-websocket-key")
        found = self._ordered(wanted, is_upgrade=key is not None)
        if not found:
            target = self._redactor.target(line.target)
            kept = self._redactor.body(body, is_login=is_login(method, line.target))
            shown = kept[:200].decode("utf-8", "replace")
            self._refuse(line, f"this request was never recorded: {method} {target} {shown}".rstrip())
            return
        number = found[0]
        exchange = self._script.exchanges[number]
        if exchange.is_websocket and key is not None:
            choice = [each for each in found if self._script.exchanges[each].is_websocket]
            self._switch_protocols(line, key)
            line.conversation = Conversation(
                self._script.exchanges, choice, self._played, names, self._pace, now, self._tell
            )
            if early := line.http.trailing_data[0]:
                line.conversation.receive(early, now)
                self._converse(line, line.conversation)
            return
        self._played[number] += 1
        session = self._bind(wanted.session, self._script.likenesses[number].session)
        if session is not None:
            names.update(session.names)
        self._meet(wanted, number, now)
        for live in wanted.events:
            if (recorded := self._recorded_events.get(live)) is not None:
                names[recorded.encode()] = live.encode()
        # A stream on which no job was heard of, that of an unknown session perhaps, is an answer like any other.
        if (
            session is not None
            and is_queue_stream(exchange)
            and (session.tracks or self._script.on_stream[number])
        ):
            self._open_stream(line, session, exchange, names)
            return
        if number in self._script.given:
            self._begin_job(session, self._script.given[number], names, now)
        self._answer(line, exchange, names, now)

    def _ordered(self, wanted: Likeness, *, is_upgrade: bool) -> list[int]:
        """The exchanges by which a request may be answered, best first."""
        live = self._sessions.get(wanted.session or "")
        bound = None if live is None else live.recorded
        events = {self._recorded_events.get(each) for each in wanted.events}

        def badness(number: int) -> tuple[bool, int, bool, int]:
            recorded = self._script.likenesses[number]
            is_of_other_event = bool(events) and not events & {*recorded.events}
            session = recorded.session
            is_of_other_session = session in self._bound if bound is None else session != bound
            played = self._played[number]
            if wanted.key[0] == "GET" and played:
                # Once all were played, what was said last still holds.
                return is_of_other_event, 1, is_of_other_session, -number
            return is_of_other_event, played, is_of_other_session, number

        numbers: Sequence[int] = self._script.alike.get(wanted.key, ())
        if not numbers and wanted.key[0] == "GET" and wanted.key[1].endswith("/info"):
            numbers = self._script.infos
        found = (
            number
            for number in numbers
            if self._script.exchanges[number].response is not None
            and (is_upgrade or not self._script.exchanges[number].is_websocket)
        )
        return sorted(found, key=badness)

    def _bind(self, live: str | None, recorded: str | None) -> _Session | None:
        """The live session, which from now on is like the recorded one if it was like none."""
        if live is None:
            return None
        session = self._sessions.setdefault(live, _Session())
        if session.recorded is None and recorded is not None:
            session.recorded = recorded
            self._bound.add(recorded)
            if len(recorded) >= LEAST_NAME:
                session.names[recorded.encode()] = live.encode()
        return session

    # Jobs.

    def _begin_job(self, session: _Session | None, recorded: str, names: Names, now: float) -> None:
        live = self._new_event(recorded)
        names[recorded.encode()] = live.encode()
        job = self._script.jobs.get(recorded)
        if session is not None and job is not None:
            session.names[recorded.encode()] = live.encode()
            session.tracks[live] = Track(job.cues, job.joined_at, now, self._needs(recorded))
            session.tail = None  # a server that has a job again does not close

    def _new_event(self, recorded: str) -> str:
        """What a recorded event is called here: the same, unless something is called so already."""
        live = recorded
        while live in self._recorded_events:
            live = f"{next(self._numbers):0{len(recorded)}x}"
        self._recorded_events[live] = recorded
        return live

    def _needs(self, recorded: str) -> dict[int, float]:
        return {number: self._script.exchanges[number].at for number in self._script.needs.get(recorded, ())}

    def _meet(self, wanted: Likeness, number: int, now: float) -> None:
        """A request names events: what has waited for it need not any more."""
        for live in wanted.events:
            for session in self._sessions.values():
                if live in session.tracks:
                    session.tracks[live].meet(number, now)
            asking = self._asking.get(live)
            if asking is not None:
                for recorded in self._script.likenesses[number].events:
                    if recorded != self._recorded_events[live] and recorded in self._script.askers:
                        self._switch(asking, live, recorded, now)
                asking.track.meet(number, now)

    def _switch(self, answer: _Answer, live: str, recorded: str, now: float) -> None:
        """The data that have come are those of another recorded job of the same function: go on with that one."""
        number = self._script.askers[recorded]
        exchange = self._script.exchanges[number]
        self._played[number] += 1
        cues = [_HEAD, *cues_of(exchange)]
        position = 1 + next(index for index, cue in enumerate(cues) if cue.event_id == recorded)
        answer.how = _how(exchange)
        answer.names[recorded.encode()] = live.encode()
        answer.track = Track(cues, cues[position - 1].at, now, self._needs(recorded))
        answer.track.position = position
        self._recorded_events[live] = recorded

    # Answers.

    def _answer(self, line: _Line, exchange: Exchange, names: Names, now: float) -> None:
        response = exchange.response
        assert response is not None
        cues = [Cue(response.at, b""), *cues_of(exchange)]
        asked = [cue.event_id for cue in cues if cue.msg == "send_data" and cue.event_id is not None]
        needs = {number: at for recorded in asked for number, at in self._needs(recorded).items()}
        line.answer = _Answer(response, _how(exchange), Track(cues, exchange.at, now, needs), names)
        for recorded in asked:
            live = self._new_event(recorded)
            names[recorded.encode()] = live.encode()
            self._asking[live] = line.answer

    def _due(self, line: _Line) -> float | None:
        if line.answer is not None:
            return line.answer.track.due(self._pace)
        if line.conversation is not None:
            return line.conversation.due()
        session = line.session
        if session is None:
            return None
        if session.tail is not None:
            return 0.0 if session.tail.next is None else session.tail.due(self._pace)
        found = [track.due(self._pace) for track in session.tracks.values()]
        return min((due for due in found if due is not None), default=None)

    def _advance(self, line: _Line, now: float) -> None:
        """Say the next thing on a connection, which is due."""
        if line.answer is not None:
            self._advance_answer(line, line.answer, now)
        elif line.conversation is not None:
            line.conversation.advance()
            self._converse(line, line.conversation)
        else:
            assert line.session is not None
            self._advance_session(line, line.session, now)

    def _advance_answer(self, line: _Line, answer: _Answer, now: float) -> None:
        cue = answer.track.next
        assert cue is not None
        answer.track.position += 1
        if not answer.is_head_sent:
            answer.is_head_sent = True
            self._send(line, answer.head(line.method))
        elif line.method != b"HEAD":
            self._send(line, h11.Data(data=answer.said(cue)))
        if answer.track.next is None and answer.how != "client left":
            line.answer = None
            self._finish(line, answer.how, now)

    def _finish(self, line: _Line, how: How, now: float) -> None:
        """What is to be sent was sent: end as the recorded exchange did."""
        if how == "complete":
            self._send(line, h11.EndOfMessage())
            self._begin_again(line)
            self._read(line, now)  # it may have sent the next request already
        else:
            self._close(line)

    def _begin_again(self, line: _Line) -> None:
        """An answer is complete: the connection is free, unless either side wants it closed."""
        if line.http.our_state is h11.DONE and line.http.their_state is h11.DONE:
            line.http.start_next_cycle()
        else:
            self._close(line)

    def _refuse(self, line: _Line, text: str) -> None:
        self._tell(text)
        body = f"{text}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        self._send(line, h11.Response(status_code=501, reason=b"Not Recorded", headers=headers))
        self._send(line, h11.Data(data=b"" if line.method == b"HEAD" else body))
        self._send(line, h11.EndOfMessage())
        self._begin_again(line)

    # Streams of sessions.

    def _open_stream(self, line: _Line, session: _Session, exchange: Exchange, names: Names) -> None:
        session.names.update(names)
        line.session = session
        assert exchange.response is not None
        head = h11.Response(status_code=exchange.response.status, headers=_kept(exchange.response))
        self._send(line, head)

    def _advance_session(self, line: _Line, session: _Session, now: float) -> None:
        tail = session.tail
        if tail is None:
            self._advance_job(line, session, now)
        elif (cue := tail.next) is not None:
            tail.position += 1
            self._send(line, h11.Data(data=renamed(cue.data, session.names)))
        elif session.how == "client left":
            session.tail = None  # nobody has ended it: it stays open
        else:
            session.tail = line.session = None
            self._finish(line, session.how, now)

    def _advance_job(self, line: _Line, session: _Session, now: float) -> None:
        """Say the message that is due first; of several, the one that was recorded first."""
        _, at, live = min(
            (due, track.cues[track.position].at, live)
            for live, track in session.tracks.items()
            if (due := track.due(self._pace)) is not None
        )
        track = session.tracks[live]
        data = track.cues[track.position].data
        track.position += 1
        self._send(line, h11.Data(data=renamed(data, session.names)))
        if track.next is None:
            del session.tracks[live]
            self._job_ended(session, self._recorded_events[live], at, now)

    def _job_ended(self, session: _Session, recorded: str, at: float, now: float) -> None:
        session.done.add(recorded)
        stream = self._script.jobs[recorded].stream
        if not session.tracks and self._script.on_stream[stream] <= session.done:
            session.done.clear()
            session.how = _how(self._script.exchanges[stream])
            session.tail = Track(self._script.tails[stream], at, now)

    # WebSockets.

    def _switch_protocols(self, line: _Line, key: str) -> None:
        reason, headers = b"Switching Protocols", accept_headers(key)
        self._send(line, h11.InformationalResponse(status_code=101, reason=reason, headers=headers))

    def _converse(self, line: _Line, conversation: Conversation) -> None:
        """Do what a conversation wants done."""
        if conversation.to_send:
            self._actions.append(SendData(line.conn_id, conversation.to_send))
            conversation.to_send = b""
        if conversation.is_over:
            self._close(line)

    # Connections.

    def _send(self, line: _Line, event: h11.Event) -> None:
        data = line.http.send(event)
        if data:
            self._actions.append(SendData(line.conn_id, data))

    def _close(self, line: _Line) -> None:
        self._actions.append(CloseConnection(line.conn_id))
        del self._lines[line.conn_id]


_HEAD: Final = Cue(0.0, b"")
"""Stands where the head of an answer does, that was sent before."""


def _how(exchange: Exchange) -> How:
    """How an answer ends: one of which no end was recorded stays open, as one that the client left."""
    return "client left" if exchange.end is None else exchange.end.how


def _kept(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers of a recorded response that are said again."""
    return encoded(pair for pair in response.headers if pair[0] not in _OF_FRAMING)
