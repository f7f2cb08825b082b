"""A job on a connection of its own, where the server asks and the client answers: Gradio 3.x, and 4.0 to 4.8.

Theory of operation. Below ``sse_v1`` a join opens a connection on which that one job is spoken of: a WebSocket (3.x),
or an event stream (4.0 to 4.8). The server takes the job into its queue, tells how that goes, and asks for the inputs
when a worker is free (``send_data``); from there on come the messages that every generation has, and the end of the
connection.

* The worker waits for the inputs: 60 seconds on 3.x, 5 on 4.0 to 4.8. So somebody must be there to give them, even if
  nobody waits for the job's result yet.
* Nothing runs before they are given. A connection that is lost until then has cost nothing: the call may be repeated.
* To close a WebSocket is a clean way to cancel its job, and hurts no other. What waits leaves the queue, a generator
  stops at its next value. A function that runs goes on to its end; an app's own event that cancels it makes room for
  the next one at least. On 4.0 to 4.8 a server does not notice, but has ``/reset`` for a generator.
* 3.x knows a job by its session and function. Two of one function in a session share what the function yields, what it
  reports, and their end. So a job has a session of its own, unless its function has State, which lives in a session:
  then they run one after the other.
* Silence is no sign of death on 4.0 to 4.8, which have no heartbeat to speak of. A WebSocket is pinged after a while.
"""

from __future__ import annotations

from typing import Final

from ..cancelling import CancelReport, Means, request_to_reset, request_to_stop
from ..carriers import Carrier
from ..effects import Flow, Now, Open, ReadBody, SendBody, Signal, Sleep, TimedOut
from ..errors import (
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    QueueError,
    RemoteProtocolError,
    ServerStopped,
)
from ..exchange import Exchange
from ..http import Headers, ResponseHead
from ..job import Job, JobState, internal_error
from ..messages import Heartbeat, Message, QueueFull, SendData, SendHash, parse_message
from ..payload import hash_message, with_event_id
from ..replies import json_reply, login_error
from ..sentinels import END, NEED_DATA
from ..session import OF_THE_SESSION
from ..sse import CONTENT_TYPE, MESSAGE, SSEDecoder
from ..text import printable
from ..timeouts import deadline, earlier
from ..websocket import (
    NORMAL_CLOSURE,
    SERVICE_RESTART,
    Closed,
    Text,
    WebSocketConnection,
    check_upgrade,
    upgrade_headers,
    websocket_key,
)
from .calls import ask_to_stop, hang_up, headers_of_join, join, or_total, take, total_exceeded
from .requests import await_head, make_request, post_json
from .simple import LAST_PIECES, LINGER_SECONDS, read_out
from .state import ClientState, LiveSession, Slots
from .streams import AN_EVENT_STREAM, BURST, end_stream, refusal

SWITCHING_PROTOCOLS: Final = 101

CLOSED: Final = (
    "the job's connection was closed: a job that waits leaves the queue then, a generator stops at its next value, and "
    "a function that runs goes on to its end"
)
UNNOTICED: Final = (
    "the job's connection was closed, which this server does not notice (Gradio 4.9 and later do): what runs goes on "
    "to its end, and what waits holds up a worker for 5 s when its turn comes, and does not run"
)

NOT_LOGGED_IN: Final = 403
"""What a handshake is answered without a login; it has no body that would say so."""


def converse(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job on a connection of its own. Afterwards the job is answered, and the connection closed."""
    turn = Signal()
    is_alone = live.carrier is not Carrier.WEBSOCKET or live.of is None
    turns = Slots(None) if is_alone else live.home.turns.setdefault(job.fn_index, Slots(1))
    has_turn = has_place = False
    make = _OnWebSocket if live.carrier is Carrier.WEBSOCKET else _OnEventStream
    conversation = make(state, live, job)
    try:
        job.on_settled.append(turn.set)
        has_turn = yield from take(turns, turn, job)
        has_place = yield from take(state.conversations, turn, job)
        live.session.baton.take(conversation.stop)
        if not job.is_settled:
            yield from join(state, live, job, conversation.begin, state.joins)
        if conversation.is_begun:
            yield from conversation.go_on()
        yield from conversation.give_up()
    except BaseException as error:
        # Before the connection is closed, the end of which would pass for the server's doing.
        if isinstance(error, Exception):
            job.fail(internal_error(error))
        job.cancel()
        raise
    finally:
        end_stream(live)
        live.session.baton.release(conversation.stop)
        state.conversations.release(turn, held=has_place)
        turns.release(turn, held=has_turn)


def leave(state: ClientState, live: LiveSession, job: Job, was: JobState) -> Flow[CancelReport]:
    """Have the server stop a job that has ended here: its connection is closed, and what runs is asked to make room."""
    # The request first: until it is answered no other job of the function joins, and its answer comes when the server
    # is done with this one.
    stopped = yield from _stop(state, live, job, was)
    refusal = yield from hang_up(state, live)
    if stopped is not None:
        return CancelReport(True, True, stopped)
    is_noticed = refusal is None and live.carrier is Carrier.WEBSOCKET
    return CancelReport(True, is_noticed, CLOSED if is_noticed else refusal or UNNOTICED)


def _stop(state: ClientState, live: LiveSession, job: Job, was: JobState) -> Flow[str | None]:
    """Ask the server to stop a job that runs; return what it was asked for, if it has agreed."""
    if was is JobState.RUNNING:
        siblings = {
            other.fn_index for other in live.home.open_jobs if other is not job and other.session_hash
        }
        if live.carrier is Carrier.EVENT_STREAM and job.is_generator and job.event_id is not None:
            telling = request_to_reset(job.event_id)
        else:
            telling = request_to_stop(state.app.config, live.session.hash, job, siblings)
        if telling.means is Means.REQUEST and (yield from ask_to_stop(state, live, job, telling)) is None:
            return telling.reason
    return None


class _Conversation:
    """What is said about one job, and asked and answered for it. Subclasses know the connection."""

    def __init__(self, state: ClientState, live: LiveSession, job: Job) -> None:
        self.state = state
        self.live = live
        self.job = job
        self.stop = Signal()
        """Set when the job is answered, here or by whoever has cancelled it."""
        job.on_answered.append(self.stop.set)
        self.is_begun = False
        """The server has taken the job."""
        self._overdue: JobState | None = None
        """Where the job was when ``Timeouts.total`` had passed."""
        self._payload = job.payload  # the job forgets it when it is accepted
        self._has_inputs = False
        """The server may have the inputs."""
        self._held: tuple[Message, str] | None = None
        """The message by which the server has taken the job."""

    # What a connection has to know.

    def _open(self) -> Flow[bool]:
        """Make the connection; False if the job has ended meanwhile."""
        raise NotImplementedError

    def _whose(self) -> bytes:
        """What tells the server whose job it is, where it asks for that."""
        raise RemoteProtocolError("the server asks on an event stream what only a WebSocket can answer")

    def _next_text(self) -> Flow[str | None]:
        """The next message; None if the job has ended here, or the connection in the way that says no more."""
        raise NotImplementedError

    def _give_inputs(self, payload: bytes, message: SendData) -> Flow[None]:
        """Give the inputs that ``message`` asks for."""
        raise NotImplementedError

    def _part(self) -> Flow[None]:
        """Leave a connection on which everything has been said."""
        raise NotImplementedError

    # What they have in common.

    def begin(self) -> Flow[str | None]:
        """Open the connection, and come to where the server has taken the job; None if the job has ended before.

        Raises:
            GradioError: The server has not taken it.
        """
        self.live.session.stream_requested()
        try:
            if not (yield from self._open()):
                return None
            self.live.session.stream_opened()
            self._held = yield from self._until_taken()
            self.is_begun = self._held is not None and not self.job.is_settled
        except (ConnectionLost, DeadlineExceeded) as error:
            error.phase, error.retryable = "not_sent", True
            raise
        finally:
            if not self.is_begun:
                end_stream(self.live)
        return "" if self.is_begun else None

    def _until_taken(self) -> Flow[tuple[Message, str] | None]:
        while True:
            text = yield from self._next_text()
            if text is None:
                if self.stop.is_set:
                    return None
                raise ConnectionLost("the server closed the connection, and has not taken the job")
            message = parse_message(text, self.state.limits)
            if isinstance(message, SendHash):
                yield from self._send(self._whose())
            elif isinstance(message, QueueFull):
                raise QueueError("the app's queue is full")
            elif not isinstance(message, Heartbeat):
                return message, text

    def go_on(self) -> Flow[None]:
        """Follow a job that the server has taken to its end."""
        assert self._held is not None
        (message, text), self._held = self._held, None
        try:
            yield from self._follow(message, text)
        except GradioError as raised:
            error = raised
        else:
            return
        if isinstance(error, ConnectionLost | DeadlineExceeded):
            error.retryable = not self._has_inputs
            error.phase = "stream_lost" if self._has_inputs else "not_sent"
        error = yield from or_total(self.job, error, "accepted")
        if isinstance(error, DeadlineExceeded) and error.kind == "total":
            self._overdue = self.job.state
        self.job.fail(error)

    def _follow(self, message: Message, text: str) -> Flow[None]:
        handled = 0
        yield from self._take(message, text)
        while not self.job.is_answered:
            handled += 1
            if handled % BURST == 0:
                _, now = yield Now()
                yield Sleep(now)
            said = yield from self._next_text()
            if said is None:
                self.job.cancel(by_server=True)  # that is how it says so, if the job has not ended here
                return
            yield from self._take(parse_message(said, self.state.limits), said)
        yield from self._part()

    def give_up(self) -> Flow[None]:
        """Have the server stop a job whose time is up."""
        if self._overdue is not None:
            yield from _stop(self.state, self.live, self.job, self._overdue)

    def _take(self, message: Message, text: str) -> Flow[None]:
        session = self.live.session
        self.state.heard(self.live, message, text, self.job)
        if isinstance(message, SendData):
            if not self._has_inputs:
                self._has_inputs = True
                payload, self._payload = self._payload, b""
                yield from self._give_inputs(payload, message)
        elif isinstance(message, OF_THE_SESSION):
            session.receive(message, text)
        elif message.event_id not in (None, self.job.event_id):
            raise RemoteProtocolError("a message for another job on the connection of this one", data=text)
        else:
            session.hear(self.job, message, text)

    @property
    def _exchange(self) -> Exchange:
        assert self.live.stream is not None  # until the conversation ends
        return self.live.stream

    def _connect(self, target: str, headers: Headers, status: int, wanted: str) -> Flow[ResponseHead | None]:
        """Send the request that opens the connection, and read the answer; None if the job has ended meanwhile."""
        state, job = self.state, self.job
        _, now = yield Now()
        headers = (*headers_of_join(state, job), *headers)
        request = make_request(state, "GET", target, now, headers=headers)
        self.live.stream, now = yield Open(
            request, earlier(deadline(now, state.timeouts.write), job.deadline)
        )
        until = earlier(deadline(now, state.timeouts.read), job.deadline)
        head, _ = yield from await_head(state, self._exchange, until, self.stop)
        if head is not None and head.status != status:
            raise (yield from refusal(state, self._exchange, head, "/queue/join", wanted))
        return head

    def _receive(self, patience: float | None) -> Flow[bytes | None]:
        """The next bytes; None if the job has ended, its time being up for one.

        Raises:
            TimedOut: Nothing has come for ``patience`` seconds.
        """
        _, now = yield Now()
        until = self.job.deadline
        silent_at = earlier(deadline(now, patience), until)
        try:
            data: bytes | None
            data, _ = yield ReadBody(self._exchange, silent_at, self.stop)
        except TimedOut:
            if silent_at != until:
                raise
            self._overdue = self.job.state
            self.job.fail(total_exceeded("accepted" if self.is_begun else "not_sent"))
            return None
        return data

    def _send(self, data: bytes) -> Flow[None]:
        _, now = yield Now()
        yield SendBody(
            self._exchange, data, earlier(deadline(now, self.state.timeouts.write), self.job.deadline)
        )


class _OnWebSocket(_Conversation):
    """The way of 3.x."""

    _socket: WebSocketConnection

    def _open(self) -> Flow[bool]:
        key = websocket_key(self.state.entropy.token())
        self._socket = WebSocketConnection(self.state.limits)
        target = self.state.target("queue/join")
        try:
            head = yield from self._connect(target, upgrade_headers(key), SWITCHING_PROTOCOLS, "a WebSocket")
        except HTTPStatusError as error:
            if error.status == NOT_LOGGED_IN:
                raise login_error("/queue/join", None) from error
            raise
        if head is not None:
            check_upgrade(head, key)
        return head is not None

    def _next_text(self) -> Flow[str | None]:
        while True:
            event = self._socket.next_event()
            if isinstance(event, Closed):
                yield from self._send_what_is_owed()
                _check_normal(event)
                return None
            if isinstance(event, Text):
                return event.data
            yield from self._send_what_is_owed()
            data = yield from self._listen()
            if data is None:
                return None
            self._socket.receive_data(data)

    def _listen(self) -> Flow[bytes | None]:
        """The next bytes, for which a server that is silent is asked by a ping before it is given up."""
        idle = self.state.timeouts.idle
        patience = None if idle is None else idle / 2
        for is_asked in (False, True):
            try:
                return (yield from self._receive(patience))
            except TimedOut:
                pass
            if not is_asked:
                yield from self._send(self._socket.ping())
        raise DeadlineExceeded(
            f"the server was silent for {idle:g} s, and did not answer a ping",
            kind="idle",
            phase="stream_lost",
        )

    def _whose(self) -> bytes:
        return self._socket.send_text(
            hash_message(fn_index=self.job.fn_index, session_hash=self.live.session.hash)
        )

    def _give_inputs(self, payload: bytes, message: SendData) -> Flow[None]:
        yield from self._send(self._socket.send_text(payload.decode("utf-8")))

    def _send_what_is_owed(self) -> Flow[None]:
        owed = self._socket.data_to_send()
        if owed:
            try:
                yield from self._send(owed)
            except GradioError:
                pass  # the server may be gone by then, and what it has said counts all the same

    def _part(self) -> Flow[None]:
        # The server has said its last word and waits for the answer to its close, with the worker.
        _, now = yield Now()
        try:
            for _ in range(LAST_PIECES):
                while (event := self._socket.next_event()) is not NEED_DATA and not isinstance(event, Closed):
                    pass
                if isinstance(event, Closed):
                    break
                data, _ = yield ReadBody(self._exchange, now + LINGER_SECONDS)
                self._socket.receive_data(data)
        except (GradioError, TimedOut):
            return  # all that mattered has come
        yield from self._send_what_is_owed()


def _check_normal(event: Closed) -> None:
    """Make sure that a close of the server's is no error."""
    if event.code == SERVICE_RESTART:
        raise ServerStopped("the server is stopping")
    if event.code != NORMAL_CLOSURE:
        raise ConnectionLost(
            f"the server closed the WebSocket with {event.code} {printable(event.reason)}".rstrip()
        )


class _OnEventStream(_Conversation):
    """The way of 4.0 to 4.8."""

    def __init__(self, state: ClientState, live: LiveSession, job: Job) -> None:
        super().__init__(state, live, job)
        self._decoder = SSEDecoder(state.limits)

    def _open(self) -> Flow[bool]:
        query = (("fn_index", str(self.job.fn_index)), ("session_hash", self.live.session.hash))
        target = self.state.target("queue/join", query)
        head = yield from self._connect(target, (("accept", CONTENT_TYPE),), 200, AN_EVENT_STREAM)
        if head is not None and head.content_type != CONTENT_TYPE:
            # A page that is read as a stream says nothing, and its end would look like a lost connection.
            raise (yield from refusal(self.state, self._exchange, head, "/queue/join", AN_EVENT_STREAM))
        return head is not None

    def _next_text(self) -> Flow[str | None]:
        while True:
            event = self._decoder.next_event()
            if event is END:
                raise ConnectionLost("the server ended the stream before the job")
            if event is not NEED_DATA:
                if event.event == MESSAGE:
                    return event.data
                continue
            # That it has taken the job is said at once; how long that will wait and run, nobody knows.
            try:
                data = yield from self._receive(None if self.is_begun else self.state.timeouts.read)
            except TimedOut:
                raise DeadlineExceeded("the server did not take the job in time", kind="read") from None
            if data is None:
                return None
            self._decoder.receive_data(data)

    def _give_inputs(self, payload: bytes, message: SendData) -> Flow[None]:
        state, job = self.state, self.job
        if message.event_id is None:
            raise RemoteProtocolError("the server asks for the inputs of a job that it does not name")
        job.event_id = message.event_id
        response = yield from post_json(
            state,
            state.target("queue/data"),
            with_event_id(payload, message.event_id),
            headers=job.headers,
            until=job.deadline,
        )
        json_reply(response, state.limits, "/queue/data")

    def _part(self) -> Flow[None]:
        yield from read_out(self.live, self.job)
