"""Defects in the messages about jobs: which there are, in which order, and what stands in them beside values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..answers import Answer, Reply, Request, json_reply
from ..app import Endpoint
from ..queueing import Job, Message, Queue
from ..routes import Routes
from ..sockets import Socket, Sockets
from .table import SSE_V1, V4, also, defect


def _is(message: Message | None, kind: str) -> bool:
    return message is not None and message["msg"] == kind


def _estimation(message: Message) -> Message:
    """One more estimation about the job of a message."""
    return {
        "msg": "estimation",
        "event_id": message["event_id"],
        "rank": 0,
        "queue_size": 1,
        "avg_event_process_time": 0.0,
        "avg_event_concurrent_process_time": None,
        "rank_eta": None,
        "queue_eta": 1.0,
    }


# The end


@defect("terminal/lost", "message/order/one-end")
class TerminalLost(Queue):
    """The completion of a generator's job is never sent."""

    def _send(self, job: Job, message: Message) -> None:
        if not (_is(message, "process_completed") and job.endpoint.is_generator):
            super()._send(job, message)


@defect("terminal/twice", "message/order/one-end")
class TerminalTwice(Routes):
    """The completion of a job is sent twice."""

    def _encode(self, message: Message) -> bytes:
        return super()._encode(message) * (2 if _is(message, "process_completed") else 1)


@also("terminal/twice")
class TerminalTwiceOnSockets(Sockets):
    """The same on 3.x."""

    def deliver(self, socket: Socket, message: Message | None, now: float) -> None:
        """Send a message."""
        super().deliver(socket, message, now)
        if _is(message, "process_completed"):
            super().deliver(socket, message, now)


# Event ids


@defect("event-id/missing", "message/event-id", since=SSE_V1)
class EventIdMissing(Routes):
    """``process_starts`` has no ``event_id``."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if _is(message, "process_starts"):
            del worded["event_id"]
        return worded


@defect("event-id/of-sibling", "message/event-id", since=SSE_V1)
class EventIdOfSibling(Queue):
    """A streamed value goes out under the id of another open job of the session."""

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating"):
            others = self._sessions[job.session_hash or ""].owed - {job.event_id}
            message = {**message, "event_id": min(others, default=job.event_id)}
        super()._send(job, message)


@defect("event-id/duplicate", "queue/join/event-id", since=SSE_V1)
class EventIdDuplicate(Routes):
    """Of two joins of a session, one after the other, the second is given the event id of the first."""

    @cached_property
    def _last_ids(self) -> dict[str, str]:
        return {}

    @cached_property
    def _shown_ids(self) -> dict[str, str]:
        return {}

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        answer = super()._join(request, endpoint, body, now, simple=simple)
        if simple:
            return answer
        assert isinstance(answer, Reply)
        event_id = json.loads(answer.body)["event_id"]
        before = self._last_ids.pop(body["session_hash"], None)
        if before is None:
            self._last_ids[body["session_hash"]] = event_id
            return answer
        self._shown_ids[event_id] = before
        return json_reply(200, {"event_id": before})

    def _worded(self, message: Message) -> Message:
        shown = self._shown_ids.get(message.get("event_id") or "")
        return super()._worded(message if shown is None else {**message, "event_id": shown})


@defect("event-id/number", "queue/join/event-id", since=SSE_V1)
class EventIdNumber(Routes):
    """A join is answered with a number for an event id."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        answer = super()._join(request, endpoint, body, now, simple=simple)
        assert isinstance(answer, Reply)
        return json_reply(200, {"event_id": int(json.loads(answer.body)["event_id"], 16) % 2**53})


# Waiting


@defect("rank/rises", "message/estimation/rank")
class RankRises(Queue):
    """Each new estimation of a job that waits puts it one place further back."""

    @cached_property
    def _ranks_told(self) -> dict[str, int]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "estimation"):
            before = self._ranks_told.get(job.event_id)
            rank = message["rank"] if before is None else before + 1
            self._ranks_told[job.event_id] = rank
            message = {**message, "rank": rank}
        super()._send(job, message)


@defect("rank/negative", "message/estimation/rank")
class RankNegative(Queue):
    """Ranks are counted from -1."""

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "estimation"):
            message = {**message, "rank": message["rank"] - 1}
        super()._send(job, message)


@defect("estimation/missing", "message/estimation/first", since=SSE_V1)
class EstimationMissing(Queue):
    """Nothing is sent about a job when it joins."""

    @cached_property
    def _known_jobs(self) -> set[str]:
        return set()

    def _send(self, job: Job, message: Message) -> None:
        if not _is(message, "estimation") or job.event_id in self._known_jobs:
            super()._send(job, message)
        self._known_jobs.add(job.event_id)


@defect("estimation/never-again", "message/estimation/again")
class EstimationNeverAgain(Queue):
    """Who waits is not told when others have started."""

    @cached_property
    def _estimated(self) -> set[str]:
        return set()

    def _send(self, job: Job, message: Message) -> None:
        if not _is(message, "estimation") or job.event_id not in self._estimated:
            super()._send(job, message)
        self._estimated.add(job.event_id)


# Order


@defect("order/starts-after-output", "message/order")
class StartsAfterOutput(Queue):
    """``process_starts`` of a generator comes behind the first thing that it gives or says."""

    @cached_property
    def _held_starts(self) -> dict[str, Message]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_starts") and job.endpoint.is_generator:
            self._held_starts[job.event_id] = message
            return
        super()._send(job, message)
        held = self._held_starts.pop(job.event_id, None)
        if held is not None:
            super()._send(job, held)


@defect("order/starts-twice", "message/process-starts/once")
class StartsTwice(Queue):
    """``process_starts`` is sent twice."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, message)
        if _is(message, "process_starts"):
            super()._send(job, message)


@defect("order/starts-missing", "message/process-starts/once")
class StartsMissing(Queue):
    """``process_starts`` is not sent for a plain function."""

    def _send(self, job: Job, message: Message) -> None:
        if not _is(message, "process_starts") or job.endpoint.is_generator:
            super()._send(job, message)


@defect("order/estimation-after-completed", "message/order")
class EstimationAfterCompleted(Routes):
    """Behind the completion of a job there is one more estimation about it."""

    def _encode(self, message: Message) -> bytes:
        more = super()._encode(_estimation(message)) if _is(message, "process_completed") else b""
        return super()._encode(message) + more


@also("order/estimation-after-completed")
class EstimationAfterCompletedOnSockets(Sockets):
    """The same on 3.x."""

    def deliver(self, socket: Socket, message: Message | None, now: float) -> None:
        """Send a message."""
        super().deliver(socket, message, now)
        if message is not None and _is(message, "process_completed"):
            super().deliver(socket, _estimation(message), now)


@defect("log/before-starts", "message/process-starts/once")
class LogBeforeStarts(Queue):
    """What a function says before its first value is sent before ``process_starts``."""

    @cached_property
    def _late_starts(self) -> dict[str, Message]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_starts"):
            self._late_starts[job.event_id] = message
            return
        held = self._late_starts.pop(job.event_id, None)
        speaks = message["msg"] in ("log", "progress")
        if held is not None and not speaks:
            super()._send(job, held)
        super()._send(job, message)
        if held is not None and speaks:
            super()._send(job, held)


# Form


@defect("message/unknown-type", "message/process-generating/each")
class MessageUnknownType(Routes):
    """Streamed values come in messages of a kind that nobody knows."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        return {**worded, "msg": "process_generated"} if _is(message, "process_generating") else worded


@defect("message/missing-field", "message/fields")
class MessageMissingField(Routes):
    """``estimation`` has no ``queue_size``."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if _is(message, "estimation"):
            del worded["queue_size"]
        return worded


@defect("message/no-msg", "message/msg")
class MessageNoMsg(Routes):
    """``process_starts`` has no ``msg``."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if _is(message, "process_starts"):
            del worded["msg"]
        return worded


@defect("message/wrong-type", "message/fields")
class MessageWrongType(Routes):
    """``success`` is a string."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        return {**worded, "success": str(worded["success"])} if "success" in worded else worded


@defect("message/not-json", "message/msg")
class MessageNotJSON(Routes):
    """``process_starts`` is written as Python shows it."""

    def _encode(self, message: Message) -> bytes:
        if _is(message, "process_starts"):
            return f"data: {self._worded(message)}\n\n".encode()
        return super()._encode(message)

    def encode_socket(self, message: Message) -> str:
        """The same through a WebSocket."""
        if _is(message, "process_starts"):
            return str(self._worded(message))
        return super().encode_socket(message)


@defect("progress/both", "message/progress/either")
class ProgressBoth(Routes):
    """A progress bar has a fraction beside its steps."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if _is(message, "progress"):
            bars = [{**bar, "index": bar["index"] or 0, "progress": bar["progress"] or 0.0}
                    for bar in worded["progress_data"]]  # fmt: skip
            worded["progress_data"] = bars
        return worded


@defect("progress/neither", "message/progress/either")
class ProgressNeither(Routes):
    """A progress bar has neither steps nor a fraction."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        if _is(message, "progress"):
            worded["progress_data"] = [
                {**bar, "index": None, "progress": None} for bar in worded["progress_data"]
            ]
        return worded


@defect("log/other-session", "message/isolation", since=SSE_V1)
class LogOtherSession(Queue):
    """What a function says is sent to all sessions."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, message)
        for name, session in self._sessions.items():
            if _is(message, "log") and name != job.session_hash and session.mailbox is not None:
                self.post(session.mailbox, message)


@defect("events/other-session", "message/isolation", since=SSE_V1)
class EventsOtherSession(Queue):
    """Streamed values are sent to one more session, if there is another one."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, message)
        if _is(message, "process_generating"):
            others = [one for name, one in self._sessions.items() if name != job.session_hash]
            for mailbox in [one.mailbox for one in others if one.mailbox is not None][:1]:
                self.post(mailbox, message)


# The end of a stream


@defect("close-stream/with-jobs-open", "message/close-stream/last", since=V4)
class CloseStreamWithJobsOpen(Queue):
    """``close_stream`` is sent at each completion, also while other jobs of the session are open."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, message)
        session = self._sessions[job.session_hash or ""]
        if _is(message, "process_completed") and len(session.owed) > 1 and session.mailbox is not None:
            self.post(session.mailbox, {"msg": "close_stream", "event_id": None})
