"""Defects in event streams: how they begin, live, carry messages and end."""

from __future__ import annotations

import gzip
import json
from functools import cached_property
from typing import Literal

from ..generations import Generation
from ..queueing import Job, Mailbox, Message, Queue
from ..routes import Routes
from ..streaming import StreamRules
from .table import SSE, SSE_V1, V4, also, defect

# Framing


@defect("sse/wrong-content-type", "message/framing/event", since=SSE)
class WrongContentType(StreamRules):
    """Event streams are called plain text."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.headers = [("content-type", "text/plain; charset=utf-8"), *self.headers[1:]]


@defect("sse/wrong-status", "message/framing/event", since=SSE)
class WrongStreamStatus(StreamRules):
    """Event streams have the status 202."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.status = 202


@defect("sse/compressed", "message/framing/plain", since=SSE)
class Compressed(StreamRules):
    """Event streams are compressed, though nobody has asked for that."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.headers = [*self.headers, ("content-encoding", "gzip")]
        self.first_sign, self.sign = (
            gzip.compress(self.first_sign, mtime=0),
            gzip.compress(self.sign, mtime=0),
        )


@also("sse/compressed")
class CompressedEvents(Routes):
    """Their messages."""

    def _encode(self, message: Message) -> bytes:
        return gzip.compress(super()._encode(message), mtime=0)

    def _encode_call(self, message: Message) -> bytes | None:
        data = super()._encode_call(message)
        return None if data is None else gzip.compress(data, mtime=0)


@defect("sse/raw-newline", "message/framing/event", since=SSE)
class RawNewline(Routes):
    """Messages are indented, over lines that are not marked as data."""

    def _encode(self, message: Message) -> bytes:
        return f"data: {json.dumps(self._worded(message), indent=1)}\n\n".encode()


@defect("sse/blank-line-missing", "message/framing/event", since=SSE)
class BlankLineMissing(Routes):
    """``process_starts`` runs into the event behind it, for want of a blank line."""

    def _encode(self, message: Message) -> bytes:
        data = super()._encode(message)
        return data[:-1] if message["msg"] == "process_starts" else data


@defect("sse/latin-1", "message/framing/event", since=V4)
class Latin1(Routes):
    """Messages are not UTF-8, but an older encoding."""

    def _encode(self, message: Message) -> bytes:
        return super()._encode(message).decode().encode("latin-1", "replace")


# Life


@defect("heartbeat/missing", "message/heartbeat/interval", since=SSE)
class HeartbeatMissing(StreamRules):
    """Streams of messages have no heartbeats."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.heartbeat = None


@defect("heartbeat/late", "message/heartbeat/interval", since=SSE)
class HeartbeatLate(StreamRules):
    """Heartbeats come half as often as they should."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat * 2)


@defect("heartbeat/once", "message/heartbeat/interval", since=SSE)
class HeartbeatOnce(StreamRules):
    """A stream has one heartbeat, and no other."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.beats_once = True


@defect("heartbeat-route/missing", "session/heartbeat/interval", since=V4)
class HeartbeatRouteMissing(StreamRules):
    """A session's heartbeat says something at once, and nothing later."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.sign = b""


@defect("heartbeat-route/late-start", "session/heartbeat/interval", since=V4)
class HeartbeatRouteLateStart(StreamRules):
    """A session's heartbeat says nothing at once."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.first_sign = b""


@defect("heartbeat-route/ends-others", "session/heartbeat/others", since=V4)
class HeartbeatRouteEndsOthers(Queue):
    """When one session's heartbeat ends, the State of all of them is gone."""

    def close_session(self, session_hash: str) -> None:
        """The heartbeat of a session ended."""
        super().close_session(session_hash)
        for session in self._sessions.values():
            session.state.clear()


# Ends


@defect("stream/closed-early", "stream/session/long-lived", since=SSE_V1)
class StreamClosedEarly(Queue):
    """A stream ends after the first completion, though other jobs of the session are open."""

    def delivered(self, mailbox: Mailbox, message: Message) -> Literal["more", "end", "crash"]:
        """A message has been read."""
        fate = super().delivered(mailbox, message)
        return "end" if message["msg"] == "process_completed" else fate


@defect("stream/close-missing", "stream/end/after-last", since=SSE_V1)
class StreamCloseMissing(Queue):
    """A stream does not end when the last job of its session has."""

    def delivered(self, mailbox: Mailbox, message: Message) -> Literal["more", "end", "crash"]:
        """A message has been read."""
        super().delivered(mailbox, message)
        return "more"


@defect("close-stream/missing", "stream/end/announced", since=V4)
class CloseStreamMissing(StreamRules):
    """A stream ends well without ``close_stream``."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.farewell = ()


@defect("close-stream/not-last", "message/close-stream/last", since=V4)
class CloseStreamNotLast(StreamRules):
    """Behind ``close_stream`` there is a heartbeat."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.farewell = (*self.farewell, {"msg": "heartbeat", "event_id": None})


@defect("stream/body-cut", "stream/end/clean", since=SSE)
class StreamBodyCut(StreamRules):
    """A stream that ends well lacks the last chunk: its connection is just closed."""

    def __init__(self, generation: Generation, heartbeat: float) -> None:
        super().__init__(generation, heartbeat)
        self.ends_bodies = False


# Messages and readers


@defect("stream/late-reader-misses", "queue/join/late-stream", since=SSE_V1)
class LateReaderMisses(Queue):
    """What is said before anybody listens is lost, but for completions."""

    def post(self, mailbox: Mailbox, message: Message | None) -> None:
        """Put a message into a mailbox."""
        if mailbox.readers or (message is not None and message["msg"] == "process_completed"):
            super().post(mailbox, message)


@defect("stream/second-job-silent", "stream/session/shared", since=SSE_V1)
class SecondJobSilent(Queue):
    """Of a job that runs while an older one of its session is open, the stream carries the completion only."""

    @cached_property
    def _audible(self) -> dict[str, str]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        session_hash = job.session_hash or ""
        if self._audible.get(session_hash) not in self._sessions[session_hash].owed:
            self._audible[session_hash] = job.event_id
        if self._audible[session_hash] == job.event_id or message["msg"] == "process_completed":
            super()._send(job, message)


@defect("stream/unknown-session-hangs", "stream/error/unknown-session", since=SSE_V1)
class UnknownSessionHangs(Queue):
    """The stream of a session that there is not stays open, and says nothing."""

    def mailbox(self, session_hash: str) -> Mailbox | None:
        """The mailbox of a session."""
        session = self._session(session_hash)
        session.mailbox = session.mailbox or Mailbox(session_hash)
        return session.mailbox


@defect("stream/hang-up-ignored", "stream/break/hang-up", since=SSE_V1)
class HangUpIgnored(Queue):
    """A session's jobs go on when the reader of its stream has gone."""

    def left(self, mailbox: Mailbox) -> None:
        """The reader of a mailbox went away."""


@defect("stream/hang-up-ends-others", "stream/break/others", since=SSE_V1)
class HangUpEndsOthers(Queue):
    """When the reader of one session's stream goes, what waits for other sessions is dropped too."""

    def left(self, mailbox: Mailbox) -> None:
        """The reader of a mailbox went away."""
        super().left(mailbox)
        for line in self._lines.values():
            line.waiting.clear()
