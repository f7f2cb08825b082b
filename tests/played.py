"""What real servers were recorded to say, as a :class:`Recording`; and requests made by hand of a :class:`Playback`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import h11
from recorded_exchanges import Exchange as Recorded
from recorded_exchanges import exchanges

from gradio_proto.recording.model import End, Exchange, Frame, Piece, Recording, Response
from gradio_proto.recording.playback import Playback
from gradio_proto.testing.protocol import SendData

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc)
ADDRESS = "http://127.0.0.1:41234"


def recording_of(*made: Exchange) -> Recording:
    return Recording(STARTED, ADDRESS, "http://app.example/sub", made)


def real_recording(version: str, operation: str) -> Recording:
    """One that a real server was the other side of."""
    return recording_of(*map(_converted, exchanges(version, operation)))


def _converted(found: Recorded) -> Exchange:
    headers = tuple(found.headers.items())
    response, end = None, None
    if found.status:
        pairs = [line.split(": ", 1) for line in found.head[1:] if ": " in line]
        answered = tuple((name.lower(), value) for name, value in pairs)
        texts = found.pieces or (
            [(found.answered, found.content)] if found.content not in ("", "<stream>") else []
        )
        if found.is_upgrade:
            texts = []
        pieces = tuple(Piece(time, text.encode("utf-8", "surrogatepass")) for time, text in texts)
        reason = found.head[0].split(" ", 2)[2]
        response = Response(found.answered, found.status, reason, answered, pieces)
        hows: dict[str, Any] = {"clean": "complete", "broken": "server left", "left": "client left"}
        if found.content != "<stream>" and not found.frames:
            end = End(found.answered, "complete")
        elif found.end != "open":
            end = End(found.ended, hows[found.end])
        elif found.frames and found.frames[-1].kind in ("close", "eof"):
            end = End(
                found.frames[-1].time, "complete" if found.frames[-1].kind == "close" else "server left"
            )
    frames = tuple(
        Frame(
            frame.time,
            not frame.by_server,
            frame.kind,
            frame.text.encode("utf-8", "surrogatepass"),
            frame.code,
        )
        for frame in found.frames
        if frame.kind != "eof"
    )
    body = found.body.encode("utf-8", "surrogatepass")
    target = quote(found.target, safe="".join(map(chr, range(0x21, 0x7F))))
    return Exchange(found.time, found.method, target, headers, body, response, frames, end)


class ByHand:
    """Somebody who asks a playback, without a socket. Time is what the test says."""

    def __init__(self, recording: Recording, *, speed: float = 0.0) -> None:
        self.told: list[str] = []
        self.playback = Playback(recording, speed=speed, tell=self.told.append)
        self.now = 0.0
        self.closed: set[int] = set()
        self._received: dict[int, bytearray] = {}
        self._count = 0

    def open(self) -> int:
        self._count += 1
        self._received[self._count] = bytearray()
        self.playback.connection_made(self._count)
        return self._count

    def send(self, line: int, data: bytes) -> None:
        self.playback.receive_data(line, data, self.now)
        self.take()

    def take(self) -> None:
        while (action := self.playback.next_action()) is not None:
            assert isinstance(action.conn_id, int)
            if isinstance(action, SendData):
                self._received[action.conn_id] += action.data
            else:
                self.closed.add(action.conn_id)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.playback.handle_timer(self.now)
        self.take()

    def received(self, line: int) -> bytes:
        """What has come on a connection since the last look."""
        data = bytes(self._received[line])
        self._received[line].clear()
        return data

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
        line: int = 0,
    ) -> int:
        """Send a request, on a connection of its own unless one is given."""
        line = line or self.open()
        kept = [pair for pair in headers if pair[0] not in ("content-length", "host", "transfer-encoding")]
        sent = [("host", "here:7860"), *kept]
        if body:
            sent.append(("content-length", str(len(body))))
        client = h11.Connection(h11.CLIENT)
        data = client.send(h11.Request(method=method, target=target, headers=sent)) or b""
        self.send(line, data + body)
        return line


def answer(method: str, data: bytes, *, is_whole: bool = True) -> tuple[int, dict[str, str], bytes]:
    """What some bytes are as an answer: its status, headers and body."""
    client = h11.Connection(h11.CLIENT, 2**24)
    client.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    status, headers, body = 0, {}, b""
    while True:
        event = client.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, headers, body
        else:
            assert not is_whole
            assert event is h11.NEED_DATA
            return status, headers, body
