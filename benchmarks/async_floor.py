"""The least that a client written in Python can do for many calls at once: asyncio's transports, and JSON.

The twin of :mod:`benchmarks.floor` for the scenarios whose calls are awaited. All jobs of the client share one
session and so one stream; the joins share a few connections, each of which has one request under way at a time.
It does what a client must so that no job is lost (a message may come before the answer to its join, and a stream
may end while a join is under way), and nothing more: no errors, no timeouts, no limits, no cancelling.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

JOINS = 12
"""Connections for joins: with more of them asyncio wakes less often, until with about so many nothing more is won."""


class Job:
    """A call: its end, and, for one that is iterated over, the values on the way there."""

    __slots__ = ("body", "ended", "value", "values", "wake")

    def __init__(self, body: bytes, ended: asyncio.Future[Any], values: deque[Any] | None) -> None:
        self.body = body
        self.ended = ended
        self.values = values
        self.value: Any = None
        self.wake: asyncio.Future[None] | None = None

    def received(self, message: dict[str, Any]) -> bool:
        """Take in a message; whether it is the last one."""
        msg: str = message["msg"]
        if msg == "process_completed":
            self.value = message["output"]["data"][0]
            self.ended.set_result(self.value)
        elif msg == "process_generating":
            new = message["output"]["data"][0]
            if self.value is None:
                self.value = new
            else:
                for action, path, addition in new:
                    assert not path  # the diffs of these benchmarks are of the whole value
                    self.value = self.value + addition if action == "append" else addition
        else:
            return False
        if self.values is not None:
            self.values.append(self.value)
            if self.wake is not None and not self.wake.done():
                self.wake.set_result(None)
        return msg == "process_completed"


class Client:
    """The calls of ``AsyncClient`` that the benchmarks make."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 80
        self._host = parts.netloc
        self._session_hash = f"{random.getrandbits(48):012x}"
        self._waiting: deque[Job] = deque()  # for a connection to join on
        self._idle: list[JoinConnection] = []
        self._connecting = 0
        self._connections: set[Connection] = set()
        self._jobs: dict[str, Job] = {}  # by event id, of those that were joined and have not ended
        self._early: dict[
            str, list[dict[str, Any]]
        ] = {}  # messages that came before the answer to their join
        self._streaming = False
        self._stream: StreamConnection | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Client:
        self._loop = asyncio.get_running_loop()
        self.config = await self._get_json("/config")
        prefix = self.config["api_prefix"]
        self.info = await self._get_json(f"{prefix}/info")
        self._indexes = {
            f"/{dependency['api_name']}": dependency["id"] for dependency in self.config["dependencies"]
        }
        self._join_head = (
            f"POST {prefix}/queue/join HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
            "content-length: "
        ).encode()
        target = f"{prefix}/queue/data?session_hash={self._session_hash}"
        self.stream_request = f"GET {target} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode()
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.transport.abort()

    async def predict(self, *data: Any, api_name: str) -> Any:
        return await self._begin(data, api_name, None).ended

    async def submit(self, *data: Any, api_name: str) -> AsyncIterator[Any]:
        return self._values_of(self._begin(data, api_name, deque()))

    def _begin(self, data: tuple[Any, ...], api_name: str, values: deque[Any] | None) -> Job:
        call = {"data": data, "fn_index": self._indexes[api_name], "session_hash": self._session_hash}
        job = Job(json.dumps(call).encode(), self._loop.create_future(), values)
        if self._idle:
            self._idle.pop().join(job)
        else:
            self._waiting.append(job)
            if self._connecting < JOINS:
                self._connecting += 1
                self._connect(JoinConnection(self))
        return job

    async def _values_of(self, job: Job) -> AsyncIterator[Any]:
        assert job.values is not None
        while True:
            while job.values:
                yield job.values.popleft()
            if job.ended.done():
                return
            job.wake = self._loop.create_future()
            await job.wake

    async def _get_json(self, target: str) -> Any:
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(f"GET {target} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(content_length(head))
        writer.close()
        return json.loads(body)

    def _connect(self, connection: Connection) -> None:
        self._connections.add(connection)
        task = asyncio.ensure_future(self._open(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, connection: Connection) -> None:
        await self._loop.create_connection(lambda: connection, *self._address)

    # What the connections tell.

    def next_join(self, connection: JoinConnection) -> None:
        if self._waiting:
            connection.join(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def joined(self, event_id: str, job: Job) -> None:
        for message in self._early.pop(event_id, ()):
            if job.received(message):
                return
        self._jobs[event_id] = job
        self._open_stream()

    def received(self, message: dict[str, Any]) -> None:
        event_id = message.get("event_id")
        if event_id is None:  # close_stream, or a heartbeat
            return
        job = self._jobs.get(event_id)
        if job is None:
            self._early.setdefault(event_id, []).append(message)
        elif job.received(message):
            del self._jobs[event_id]

    def stream_ended(self) -> None:
        self._streaming = False
        if self._jobs:  # joined while the stream was ending
            self._open_stream()

    def lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection is self._stream:
            self._stream = None
        elif connection in self._idle:
            self._idle.remove(connection)
            self._connecting -= 1

    def _open_stream(self) -> None:
        if self._streaming:
            return
        self._streaming = True
        if self._stream is not None:
            self._stream.transport.write(self.stream_request)
        else:
            self._stream = StreamConnection(self)
            self._connect(self._stream)

    def join_request(self, job: Job) -> bytes:
        return b"%b%d\r\n\r\n%b" % (self._join_head, len(job.body), job.body)


class Connection(asyncio.Protocol):
    """One connection, on which one request is under way at a time."""

    transport: asyncio.Transport

    def __init__(self, client: Client) -> None:
        self.client = client
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.lost(self)


class JoinConnection(Connection):
    """Sends joins, and reads the answers."""

    job: Job

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.client.next_join(self)

    def join(self, job: Job) -> None:
        self.job = job
        self.transport.write(self.client.join_request(job))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or len(self.buffer) < end + 4 + content_length(self.buffer[: end + 4]):
            return
        event_id = json.loads(self.buffer[end + 4 :])["event_id"]
        self.buffer = b""
        job = self.job
        self.client.next_join(self)  # first, so that the server has something to do meanwhile
        self.client.joined(event_id, job)


class StreamConnection(Connection):
    """Reads the event stream, and the next one on the same connection."""

    reading_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(self.client.stream_request)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        at = 0
        if self.reading_head:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            assert b" 200 " in buffer[:20], buffer
            self.reading_head = False
            at = end + 4
        received = self.client.received
        while (line_end := buffer.find(b"\r\n", at)) >= 0:
            size = int(buffer[at:line_end], 16)
            start, end = line_end + 2, line_end + 2 + size
            if len(buffer) < end + 2:
                break
            if size == 0:
                self.reading_head = True
                self.buffer = b""
                self.client.stream_ended()
                return
            # A chunk is a message, on every server that Gradio runs on, or a few of them.
            for event in buffer[start : end - 2].split(b"\n\n"):
                received(json.loads(event[6:]))
            at = end + 2
        self.buffer = buffer[at:]


def content_length(head: bytes) -> int:
    assert b" 200 " in head[:20], head
    start = head.lower().index(b"content-length:") + 15
    return int(head[start:].split(b"\r\n", 1)[0])
