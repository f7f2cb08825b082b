"""Recorded exchanges as the steps of a session: what the client did and what the server did, in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import recorded

from .vector import PROTOCOL_OF, Names

Step = dict[str, Any]


class Unusable(Exception):
    """A recorded session in which a client did what no client does."""


class Recording:
    """One recorded session: its steps, and its jobs by their letters."""

    def __init__(self) -> None:
        self.names = Names()
        self.steps: list[Step] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.is_usable = True

    def join(self, body: dict[str, Any]) -> str:
        """One more job; its letter."""
        letter = "abcdefgh"[len(self.jobs)]
        self.jobs[letter] = {"fn_index": body.get("fn_index"), "data": self.shortened(body.get("data"))}
        return letter

    def shortened(self, value: Any) -> Any:
        """A value with short names in it."""
        return json.loads(self.names.text(json.dumps(value)))

    def do(self, what: str, **details: Any) -> None:
        """One more step."""
        self.steps.append({"do": what, **details})

    def message(self, text: str, **details: Any) -> None:
        """A message of the server's."""
        self.do("message", **details, message=json.loads(self.names.text(text)))


def recordings(version: str, operation: str) -> list[Recording]:
    """The sessions of one recorded operation, in the order in which they began."""
    protocol = PROTOCOL_OF[version]
    records = recorded.records(version, operation)
    if any("chars, clipped>" in str(record.get("raw", record.get("text", ""))) for record in records):
        return []
    read = {"ws": _sockets, "sse": _own_streams}.get(protocol, _shared_streams)
    return [recording for recording in read(records) if recording.is_usable and recording.jobs]


def _object(text: str | None) -> dict[str, Any]:
    """A JSON object; an empty one for what is none, which a client did not mean to send."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _shared_streams(records: list[dict[str, Any]]) -> Iterator[Recording]:
    """sse_v1 and later: joins, and the stream of their session."""
    sessions: dict[str, Recording] = {}
    joins: dict[int, tuple[Recording, str]] = {}
    streams: dict[int, Recording] = {}
    texts: dict[int, str] = {}
    for record in records:
        connection = int(record.get("conn", -1))
        match record:
            case {"dir": "send", "channel": "http", "line": line, "body": body} if "/queue/join" in line:
                asked = _object(body)
                recording = sessions.setdefault(str(asked.get("session_hash")), Recording())
                recording.names.session(str(asked.get("session_hash")))
                recording.is_usable &= isinstance(asked.get("data"), list) and len(recording.jobs) < 8
                if recording.is_usable:
                    joins[connection] = (recording, recording.join(asked))
                    recording.do("join", job=joins[connection][1])
            case {"dir": "recv", "channel": "http", "line": line, "body": body} if connection in joins:
                recording, letter = joins[connection]
                if " 200 " in line:
                    recording.do(
                        "accepted", job=letter, event_id=recording.names.text(json.loads(body)["event_id"])
                    )
                else:
                    content_type = dict(map(tuple, record["headers"])).get("content-type", "")
                    headers = {"content-type": content_type}
                    recording.do(
                        "refused", job=letter, status=int(line.split(" ")[1]), headers=headers, body=body
                    )
            case {"dir": "send", "channel": "http", "line": line} if "/queue/data?session_hash=" in line:
                session = re.split("[= ]", line)[2]
                recording = streams[connection] = sessions.setdefault(session, Recording())
                texts[connection] = ""
                recording.do("open")
            case {"dir": "recv", "channel": "http", "line": line} if connection in streams:
                streams[connection].is_usable &= " 200 " in line
                streams[connection].do("opened")
            case {"dir": "recv", "channel": "sse", "raw": raw} if connection in streams:
                *events, texts[connection] = (texts[connection] + raw).split("\n\n")
                for event in events:
                    streams[connection].message(event.removeprefix("data: "))
            case {"dir": "eof", "channel": "sse", "how": how} if connection in streams:
                streams[connection].do("ended", clean=how.startswith("terminated"))
                del streams[connection]
            case {"dir": "note", "channel": "sse", "text": text} if (
                connection in streams and "closes" in text
            ):
                del streams[connection]  # the recorder's patience was at its end
            case _:
                pass
    for recording in sessions.values():
        recording.is_usable &= _opens_when_it_may(recording.steps)
        yield recording


def _opens_when_it_may(steps: list[Step]) -> bool:
    """Whether a stream is opened only for a job, and while there is none."""
    accepted: set[str] = set()
    is_open = False
    for step in steps:
        match step:
            case {"do": "accepted", "event_id": event_id}:
                accepted.add(event_id)
            case {"do": "open"}:
                if is_open or not accepted:
                    return False
                is_open = True
            case {"do": "ended" | "close"}:
                is_open = False
            case {"do": "message", "message": {"msg": "process_completed", "event_id": event_id}}:
                accepted.discard(event_id)
            case _:
                pass
    return True


def _own_streams(records: list[dict[str, Any]]) -> Iterator[Recording]:
    """sse: a stream for each job, and a request with its inputs."""
    streams: dict[int, Recording] = {}
    answers: dict[int, Recording] = {}
    texts: dict[int, str] = {}
    for record in records:
        connection = int(record.get("conn", -1))
        match record:
            case {"dir": "send", "channel": "http", "line": line} if line.startswith("GET /queue/join?"):
                query = parse_qs(line.split(" ")[1].partition("?")[2])
                recording = streams[connection] = Recording()
                recording.is_usable = query.keys() == {"fn_index", "session_hash"}
                if recording.is_usable:
                    recording.names.session(query["session_hash"][0])
                    recording.join(
                        {"fn_index": int(query["fn_index"][0])} if query["fn_index"][0].isdigit() else {}
                    )
                    recording.do("connect", job="a")
                texts[connection] = ""
            case {"dir": "recv", "channel": "http", "line": line} if connection in streams:
                recording = streams[connection]
                if " 200 " in line:
                    recording.do("connected", job="a")
                else:
                    recording.is_usable = False
            case {"dir": "send", "channel": "http", "line": line, "body": body} if line.startswith(
                "POST /queue/data"
            ):
                asked = _object(body)
                for recording in streams.values():
                    short = recording.names.text(str(asked.get("event_id")))
                    if any(short == step.get("message", {}).get("event_id") for step in recording.steps):
                        recording.is_usable &= isinstance(asked.get("data"), list)
                        recording.jobs["a"]["data"] = recording.shortened(asked.get("data"))
                        recording.do("sends", job="a", json=json.loads(recording.names.text(body)))
                        answers[connection] = recording
            case {"dir": "recv", "channel": "http", "line": line} if connection in answers:
                answers[connection].is_usable &= " 200 " in line
            case {"dir": "recv", "channel": "sse", "raw": raw} if connection in streams:
                *events, texts[connection] = (texts[connection] + raw).split("\n\n")
                for event in events:
                    streams[connection].message(event.removeprefix("data: "), job="a")
            case {"dir": "eof", "channel": "sse", "how": how} if connection in streams:
                streams[connection].do("ended", job="a", clean=how.startswith("terminated"))
            case _:
                pass
    yield from streams.values()


def _sockets(records: list[dict[str, Any]]) -> Iterator[Recording]:
    """ws: a WebSocket for each job."""
    sockets: dict[int, Recording] = {}
    for record in records:
        connection = int(record.get("conn", -1))
        match record:
            case {"dir": "send", "channel": "http", "raw": raw} if raw.startswith("GET /queue/join"):
                recording = sockets[connection] = Recording()
            case {"dir": "recv", "channel": "http", "raw": raw} if connection in sockets:
                sockets[connection].is_usable = " 101 " in raw
            case {"dir": "recv", "channel": "ws", "text": text} if connection in sockets:
                recording = sockets[connection]
                if not recording.jobs:
                    recording.join({})
                    recording.do("connect", job="a")
                    recording.do("connected", job="a")
                recording.message(text, job="a")
            case {"dir": "send", "channel": "ws", "text": text} if connection in sockets:
                recording = sockets[connection]
                asked = _object(text)
                recording.is_usable &= asked.keys() >= {"fn_index", "session_hash"} and bool(recording.jobs)
                if recording.is_usable:
                    recording.names.session(asked["session_hash"])
                    job = recording.jobs["a"]
                    recording.is_usable = job["fn_index"] in (None, asked["fn_index"])
                    job.update(
                        fn_index=asked["fn_index"], data=recording.shortened(asked.get("data", job["data"]))
                    )
                    recording.do("sends", job="a", json=json.loads(recording.names.text(text)))
            case {"dir": "recv", "channel": "ws", "close": {"code": code}} if connection in sockets:
                sockets[connection].do("closed", job="a", code=code)
            case {"dir": "send", "channel": "ws", "close": _} if connection in sockets:
                sockets[connection].do("cancel", job="a")
            case {"dir": "eof"} if connection in sockets:
                sockets[connection].do("ended", job="a", clean=True)
            case _:
                pass
    yield from sockets.values()
