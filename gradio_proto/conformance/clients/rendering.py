"""Steps as the bytes of one generation."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any, Final

from gradio_proto.testing import TestApp

from .steps import (
    ABSENT,
    CLOSE_STREAM,
    NAMELESS,
    Again,
    Answer,
    Close,
    End,
    Frame,
    Head,
    Hear,
    Jobs,
    Message,
    Reset,
    Script,
    Silence,
    Step,
    Talk,
    Until,
    message,
)

VERSIONS: Final[Mapping[str, str]] = {
    "ws": "3.50.2",
    "sse": "4.0.2",
    "sse_v1": "4.13.0",
    "sse_v2": "4.19.1",
    "sse_v2.1": "4.21.0",
    "sse_v3": "6.31.0",
}
"""The version of Gradio that each generation is said as: one that a real server has been recorded of."""

GENERATIONS: Final = tuple(VERSIONS)

SHARED: Final = frozenset({"sse_v1", "sse_v2", "sse_v2.1", "sse_v3"})
"""Generations in which one stream carries all jobs of a session."""

API_NAME: Final = "/say"
"""The endpoint that every scenario calls."""

SEND_HASH: Final = message("send_hash")
SEND_DATA: Final = message("send_data")
ENDS: Final = (End, Close, Reset, Silence, Answer)


def event_id(job: int) -> str:
    """The event id of the n-th job that joins, of the length that real ones have."""
    return f"{job:032x}"


def fields_of(step: Message, generation: str) -> dict[str, Any]:
    """The fields of a message, as a server of that generation sends them."""
    fields = dict(step.fields)
    if "event_id" in fields or generation == "ws":
        return fields
    name = fields.get("msg")
    if generation == "sse":
        return {**fields, "event_id": event_id(step.job)} if name == "send_data" else fields
    if name in NAMELESS:
        return {**fields, "event_id": None} if generation in ("sse_v2.1", "sse_v3") else fields
    return {**fields, "event_id": event_id(step.job)}


def text_of(step: Message, generation: str) -> bytes:
    """A message as JSON."""
    return json.dumps(fields_of(step, generation)).encode()


def event_of(step: Message, generation: str) -> bytes:
    """A message as an event of a stream."""
    return b"data: " + text_of(step, generation) + b"\n\n"


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame_of(frame: Frame) -> bytes:
    """The bytes of a WebSocket frame (RFC 6455, section 5.2)."""
    size = len(frame.payload) if frame.length is None else frame.length
    first = (frame.final << 7) | (frame.reserved << 4) | frame.opcode
    mask = 0x80 if frame.masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    # A mask of zeros leaves the payload as it is.
    return head + (bytes(4) if frame.masked else b"") + frame.payload


def head_of(head: Head) -> bytes:
    """The head of an event stream."""
    lines = [f"HTTP/1.1 {head.status} Whatever", *(f"{name}: {value}" for name, value in head.headers)]
    if head.framing == "chunked":
        lines.append("transfer-encoding: chunked")
    else:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode()


def answer_of(answer: Answer) -> bytes:
    """A whole response."""
    length = len(answer.body) if answer.length is None else answer.length
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    if answer.content_type is not None:
        lines.append(f"content-type: {answer.content_type}")
    names = {name.lower() for name, _ in answer.headers}
    if not names & {"transfer-encoding", "content-length"} and answer.status not in (204, 304):
        lines.append(f"content-length: {length}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return answer.before + "\r\n".join([*lines, "", ""]).encode() + answer.body


def as_json(value: Any, **options: Any) -> Answer:
    """A response with that value."""
    return Answer(body=json.dumps(value).encode(), **options)


def ends(talk: Talk) -> bool:
    """Whether a talk makes an end itself, or has none."""
    return any(isinstance(step, ENDS) or (isinstance(step, Again) and step.times is None) for step in talk)


def talk_of_job(jobs: Jobs, number: int, generation: str) -> Talk:
    """What is said on the n-th stream or WebSocket, counted from 0, opening and ending included."""
    talk = jobs.talks[min(number, len(jobs.talks) - 1)]
    if talk and isinstance(talk[0], Answer):
        return talk
    opening: tuple[Step, ...] = ()
    if jobs.opening and generation == "ws":
        opening = (SEND_HASH, Hear(1), SEND_DATA, Hear(2))
    elif jobs.opening:
        head, talk = (talk[0], talk[1:]) if talk and isinstance(talk[0], Head) else (Head(), talk)
        asking = (Message(SEND_DATA.fields, number + 1), Until("queue/data", number + 1))
        opening = (head, *asking) if generation == "sse" else (head,)
    if ends(talk) or not jobs.ending:
        return (*opening, *talk)
    closing: tuple[Step, ...] = (CLOSE_STREAM, End()) if generation == "sse_v3" else (End(),)
    return (*opening, *talk, *closing)


def app_of(script: Script, generation: str) -> TestApp:
    """The app that a script is said for."""
    app = TestApp(version=VERSIONS[generation])
    app.endpoint(API_NAME, inputs=[*script.inputs], outputs=[*script.outputs])(_said_by_the_script)
    return app


def _said_by_the_script(*_: Any) -> Any:
    raise NotImplementedError  # a scripted server runs no function


def changed(entries: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Entries with some of them replaced or left out."""
    return {name: value for name, value in {**entries, **changes}.items() if value != ABSENT}


def config_of(script: Script, generation: str, url: str) -> dict[str, Any]:
    """The config that a script tells."""
    config = app_of(script, generation).config(url)
    config["dependencies"] = [changed(entry, script.dependency) for entry in config["dependencies"]]
    return changed(config, script.config)


def info_of(script: Script, generation: str) -> dict[str, Any]:
    """The API information that a script tells."""
    info = app_of(script, generation).info(all_endpoints=True)
    named = {name: changed(entry, script.info) for name, entry in info["named_endpoints"].items()}
    return {**info, "named_endpoints": named}


def filled(data: bytes, places: Mapping[str, str]) -> bytes:
    """Bytes with what :data:`~.steps.HERE` and its like stand for."""
    for name, value in places.items():
        data = data.replace(name.encode(), os.fsencode(value))
    return data
