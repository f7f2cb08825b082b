"""Defects that only servers of 3.x and 4.0 can have, which carry each job by itself and ask for its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wsproto.events import CloseConnection, Event

from ..answers import Answer, Crash, Later, Reply, Request, json_reply
from ..app import Endpoint
from ..asking import AskingQueue
from ..queueing import Job, Mailbox, Message
from ..routes import Routes
from ..sockets import Socket, Sockets
from ..values import Context
from .table import SSE, WS_LAST, defect

# Both


@defect("job/hang-up-ignored", "stream/job/hang-up", until=SSE)
class JobHangUpIgnored(AskingQueue):
    """A job goes on when its connection is gone."""

    def leave(self, job: Job) -> None:
        """Who has joined is gone."""


@defect("queue-full/silent", "queue/join/full/message", until=SSE)
class QueueFullSilent(AskingQueue):
    """Who comes to a full queue is told nothing, and waits for ever."""

    def _send(self, job: Job, message: Message) -> None:
        if message["msg"] != "queue_full":
            super()._send(job, message)


# 3.x


@defect("ws/no-hash-asked", "message/send-hash/first", until=WS_LAST)
class NoHashAsked(Sockets):
    """A socket is not asked what it wants to join."""

    def deliver(self, socket: Socket, message: Message | None, now: float) -> None:
        """Send a message."""
        if message is None or message["msg"] != "send_hash":
            super().deliver(socket, message, now)


@defect("ws/send-data-missing", "queue/served", until=WS_LAST)
class SendDataMissing(AskingQueue):
    """A job whose turn has come is not asked for its data."""

    def _send(self, job: Job, message: Message) -> None:
        if message["msg"] != "send_data":
            super()._send(job, message)


@defect("ws/asks-twice", "message/order", until=WS_LAST)
class AsksTwice(AskingQueue):
    """A job is asked for its data twice."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, message)
        if message["msg"] == "send_data":
            super()._send(job, message)


@defect("ws/close-code", "stream/job/close-code", until=WS_LAST)
class CloseCode(Sockets):
    """The socket of a job that has ended is closed with 1011."""

    def _send(self, socket: Socket, event: Event) -> None:
        is_normal = isinstance(event, CloseConnection) and event.code == 1000
        super()._send(socket, CloseConnection(code=1011) if is_normal else event)


@defect("ws/not-closed", "stream/job/end", until=WS_LAST)
class NotClosed(Sockets):
    """The socket of a job that has ended stays open."""

    def deliver(self, socket: Socket, message: Message | None, now: float) -> None:
        """Send a message."""
        if message is not None:
            super().deliver(socket, message, now)


@defect("ws/late-data-silent", "queue/join/ws/late-data", until=WS_LAST)
class LateDataSilent(AskingQueue):
    """A socket that sends its data too late is closed without a word."""

    def post(self, mailbox: Mailbox, message: Message | None) -> None:
        """Put a message into a mailbox."""
        if message is None or "Time out" not in str(message.get("output")):
            super().post(mailbox, message)


@defect("ws/continuous-estimated", "queue/join/ws/continuous", until=WS_LAST)
class ContinuousEstimated(AskingQueue):
    """A function that is called again and again gets an ``estimation``, as if it waited."""

    def enter(
        self,
        endpoint: Endpoint,
        session_hash: str | None,
        context: Context,
        now: float,
        *,
        root: str,
        data: Sequence[Any] | None = None,
    ) -> Job:
        """Put a job into the line."""
        job = super().enter(endpoint, session_hash, context, now, root=root, data=data)
        if endpoint.every is not None:
            self._send(job, {**self.status(), "rank": 0})
        return job


@defect("ws/unknown-fn-accepted", "queue/join/unknown-fn/websocket", until=WS_LAST)
class UnknownFnAccepted(Routes):
    """A socket that names a function that there is not joins the first one."""

    def join_socket(self, request: Request, text: str, now: float) -> Job:
        """Put the job that the first message of a WebSocket names into the line."""
        try:
            return super().join_socket(request, text, now)
        except Crash:
            return super().join_socket(request, '{"fn_index":0,"session_hash":"s"}', now)


# 4.0


@defect("sse0/event-id-missing", "message/send-data/event-id", since=SSE, until=SSE)
class EventIdMissing(Routes):
    """``send_data`` has no ``event_id``."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if message["msg"] == "send_data":
            del worded["event_id"]
        return worded


@defect("sse0/data-wrong-status", "queue/join/sse/data-accepted", since=SSE, until=SSE)
class DataWrongStatus(Routes):
    """Data that were asked for are answered 202."""

    def _post_data(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_data(request, later, now)
        assert isinstance(answer, Reply)
        return replace(answer, status=202)


@defect("sse0/unknown-event-accepted", "queue/join/sse/unknown-event", since=SSE, until=SSE)
class UnknownEventAccepted(Routes):
    """Data for an event that there is not are answered 200."""

    def _post_data(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_data(request, later, now)
        except Crash:
            return json_reply(200, None)


@defect("sse0/late-data-hangs", "queue/join/sse/late-data", since=SSE, until=SSE)
class LateDataHangs(AskingQueue):
    """The stream of a job whose data do not come stays open."""

    _is_late = False

    def handle_timer(self, now: float) -> None:
        """Give up on the inputs that have not come."""
        self._is_late = True
        super().handle_timer(now)
        self._is_late = False

    def _shut(self, job: Job) -> None:
        if not self._is_late:
            super()._shut(job)


@defect("sse0/not-ended", "stream/job/end", since=SSE, until=SSE)
class StreamNotEnded(AskingQueue):
    """The stream of a job that has ended stays open."""

    def _shut(self, job: Job) -> None:
        if not job.alive:
            super()._shut(job)
