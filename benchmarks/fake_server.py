"""A Gradio server that costs next to nothing: its answers are bytes made beforehand.

    python -m benchmarks.fake_server [--tls CERTIFICATE_AND_KEY.pem]

It prints its port, and serves until its standard input ends. It speaks ``sse_v3`` as 6.31.0 does over
uvicorn: one HTTP chunk for each message, a stream that ends with ``close_stream`` and the last chunk when no
job of its session is left, and connections that are kept alive. Its endpoints:

``/echo``      gives its text back
``/big``       gives a text of as many megabytes as asked for, in one message
``/messages``  gives as many numbers as asked for, one message each
``/text``      gives a text that grows by a token of 20 letters in each of as many messages as asked for
``/ticks``     gives as many times as asked for, each the CLOCK_MONOTONIC of its sending, 2 ms apart
``/barrier``   ends when as many jobs as asked for have come in its session, and gives each one its number
``/wait``      never ends
``/upload``    takes a file, which nobody keeps
``/download``  gives a file of as many megabytes (MiB) as asked for

``GET /bench/stats`` tells how many connections were made and how many jobs were joined since it started, and the
most connections that were open at once since it was last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import ssl
import threading
import time
from typing import Any
from urllib.parse import parse_qs

ENDPOINTS = ("echo", "big", "messages", "text", "ticks", "barrier", "wait", "upload", "download")
INPUTS = {"echo": 1, "upload": 4}
OUTPUTS = {"download": 4}
PIECE = b"\x5a" * (1 << 20)
TICK = 0.002
"""Seconds between the messages of ``/ticks``."""
TOKEN = "a token, 20 letters "
EVENT_ID = "0" * 32
"""Stands in the messages made beforehand where the job's own id will be."""


def config(root: str) -> dict[str, Any]:
    """A /config with the keys that a real one has, for one text and one number and a button per endpoint.

    `root` is the URL of the app."""
    components = [
        _component(1, "textbox", "T in"),
        _component(2, "number", "N in"),
        _component(3, "json", "out"),
        _component(4, "file", "F"),
    ]
    dependencies: list[dict[str, Any]] = []
    for index, name in enumerate(ENDPOINTS):
        components.append(_component(10 + index, "button", name))
        dependencies.append(
            {
                "id": index,
                "targets": [[10 + index, "click"]],
                "inputs": [INPUTS.get(name, 2)],
                "outputs": [OUTPUTS.get(name, 3)],
                "backend_fn": True,
                "js": None,
                "queue": True,
                "api_name": name,
                "api_visibility": "public",
                "batch": False,
                "max_batch_size": 4,
                "cancels": [],
                "types": {"generator": name in ("messages", "text", "ticks"), "cancel": False},
                "collects_event_data": False,
                "trigger_after": None,
                "trigger_only_on_success": False,
                "trigger_mode": "once",
                "show_progress": "full",
                "rendered_in": None,
                "connection": "sse",
                "time_limit": None,
                "stream_every": 0.5,
            }
        )
    return {
        "version": "6.31.0",
        "api_prefix": "/gradio_api",
        "mode": "blocks",
        "app_id": 2613545230767107010,
        "components": components,
        "dependencies": dependencies,
        "connect_heartbeat": False,
        "enable_queue": True,
        "show_error": True,
        "max_file_size": None,
        "protocol": "sse_v3",
        "space_id": None,
        "username": None,
        "title": "bench",
        "layout": {"id": 0, "children": [{"id": component["id"]} for component in components]},
        "pages": [["", "Home", True]],
        "page": {
            "": {"layout": {"id": 0}, "components": [1, 2, 3], "dependencies": [*range(len(ENDPOINTS))]}
        },
        "mcp_server": False,
        "root": root,
    }


def _component(id: int, type: str, label: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "number" if type == "number" else "string"}
    if type == "file":
        schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    return {
        "id": id,
        "type": type,
        "props": {"label": label, "show_label": True, "visible": True, "elem_classes": [], "name": type},
        "skip_api": type == "button",
        "component_class_id": f"{id:064x}",
        "key": None,
        "api_info": schema,
        "example_inputs": None,
    }


def info() -> dict[str, Any]:
    """The /info that goes with :func:`config`."""

    def endpoint(name: str) -> dict[str, Any]:
        type, component, python = (
            ("string", "Textbox", "str") if name == "echo" else ("number", "Number", "float")
        )
        parameter = {
            "label": "x",
            "parameter_name": "x",
            "parameter_has_default": False,
            "parameter_default": None,
            "type": {"type": type},
            "python_type": {"type": python, "description": ""},
            "component": component,
            "example_input": None,
        }
        value = {
            "label": "out",
            "type": {},
            "python_type": {"type": "Any", "description": "any valid json"},
            "component": "Json",
        }
        return {"parameters": [parameter], "returns": [value], "description": "", "api_visibility": "public"}

    return {"named_endpoints": {f"/{name}": endpoint(name) for name in ENDPOINTS}, "unnamed_endpoints": {}}


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def message(msg: str, *, event_id: str | None = EVENT_ID, **fields: Any) -> bytes:
    """One message as one HTTP chunk of an event stream."""
    event = b"data: " + dumps({"msg": msg, "event_id": event_id, **fields}) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


def output(value: Any, *, generating: bool) -> dict[str, Any]:
    return {
        "data": [value],
        "is_generating": generating,
        "duration": 0.0005962848663330078,
        "average_duration": 0.0005962848663330078,
        "render_config": None,
        "changed_state_ids": [],
        "used_cache": None,
    }


def generating(value: Any) -> bytes:
    return message("process_generating", output=output(value, generating=True), success=True, time_limit=None)


def completed(value: Any) -> bytes:
    return message(
        "process_completed",
        output=output(value, generating=False),
        success=True,
        title=None,
        used_cache=None,
        cache_duration=0.0005962848663330078,
        avg_time=0.0005962848663330078,
    )


def file_data(path: str) -> dict[str, Any]:
    return {"path": path, "url": None, "orig_name": "large.bin", "meta": {"_type": "gradio.FileData"}}


def named(event_id: str, messages: bytes) -> bytes:
    """The messages made beforehand, with the id of their job."""
    return messages.replace(EVENT_ID.encode(), event_id.encode())


START = message("estimation", rank=0, queue_size=1, rank_eta=None) + message("process_starts", eta=None)
CLOSE_STREAM = message("close_stream", event_id=None)


@functools.lru_cache(maxsize=8)
def canned(name: str, size: int) -> bytes:
    """Everything that a job of this endpoint gets, but for its event id."""
    if name == "big":
        return START + completed("x" * (size * 1_000_000))
    if name == "messages":
        numbers = [generating([["replace", [], number]]) for number in range(1, size)]
        return START + generating(0) + b"".join(numbers) + completed(size - 1)
    if name == "text":
        grown = generating([["append", [], TOKEN]]) * (size - 1)
        return START + generating(TOKEN) + grown + completed(TOKEN * size)
    return START


class Session:
    """One session hash: messages that nobody has fetched, jobs that never end, the open stream."""

    def __init__(self) -> None:
        self.unread: list[bytes] = []
        self.waiting = 0
        self.barrier: list[str] = []
        """The event ids of those who wait for more to come."""
        self.stream: asyncio.Transport | None = None

    def arrive(self, event_id: str, needed: int) -> None:
        """One more job has come to the barrier; the last one opens it for all."""
        self.unread.append(named(event_id, START))
        self.barrier.append(event_id)
        self.waiting += 1
        if len(self.barrier) == needed:
            self.waiting -= needed
            self.unread += [named(waiting, completed(index)) for index, waiting in enumerate(self.barrier)]
            self.barrier.clear()

    def tick(self, event_id: str, index: int, count: int) -> None:
        """Send the time, and again until it was sent so often."""
        if index == 0:
            self.waiting += 1
            self.unread.append(named(event_id, START))
        now = time.monotonic()
        if index < count - 1:
            asyncio.get_running_loop().call_later(TICK, self.tick, event_id, index + 1, count)
            sent = generating(now if index == 0 else [["replace", [], now]])
        else:
            self.waiting -= 1
            sent = completed(now)
        self.unread.append(named(event_id, sent))
        self.deliver()

    def deliver(self) -> None:
        if self.stream is None or not (self.unread or self.waiting):
            return
        self.stream.writelines(self.unread)
        self.unread.clear()
        if not self.waiting:
            self.stream.write(CLOSE_STREAM + b"0\r\n\r\n")
            self.stream = None


class Server:
    """What all connections share."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.connections = 0
        """Made until now; of them so many are open, and so many were at once, at most."""
        self.open = 0
        self.most = 0
        self.joins = 0
        self.documents: dict[str, bytes] = {}

    def describe(self, root: str) -> None:
        """Make the documents of the app at the URL `root`."""
        self.documents = {
            "/config": response(dumps(config(root))),
            "/gradio_api/info": response(dumps(info())),
        }

    def join(self, body: bytes) -> bytes:
        call: dict[str, Any] = json.loads(body)
        self.joins += 1
        event_id = f"{self.joins:032x}"
        session = self.sessions.setdefault(call["session_hash"], Session())
        name, value = ENDPOINTS[int(call["fn_index"])], call["data"][0]
        if name == "ticks":
            session.tick(event_id, 0, int(value))
        elif name == "barrier":
            session.arrive(event_id, int(value))
        else:
            session.unread.append(named(event_id, self.messages_of(name, value)))
            session.waiting += name == "wait"
        session.deliver()
        return response(dumps({"event_id": event_id}))

    def messages_of(self, name: str, value: Any) -> bytes:
        if name == "echo":
            return START + completed(value)
        if name == "upload":
            return START + completed(value["path"])
        if name == "download":
            return START + completed(file_data(f"/tmp/gradio/{int(value)}/large.bin"))
        return canned(name, int(value))

    def stats(self) -> dict[str, int]:
        most, self.most = self.most, self.open
        return {"connections": self.connections, "joins": self.joins, "most_connections": most}


def response(body: bytes, status: bytes = b"200 OK") -> bytes:
    return (
        b"HTTP/1.1 %b\r\ndate: Sat, 21 Nov 2026 19:37:39 GMT\r\nserver: uvicorn\r\ncontent-length: %d\r\n"
        b"content-type: application/json\r\n\r\n%b" % (status, len(body), body)
    )


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 19:37:39 GMT\r\nserver: uvicorn\r\n"
    b"content-type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


FILE_HEAD = (
    b"HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 19:37:39 GMT\r\nserver: uvicorn\r\n"
    b"content-type: application/octet-stream\r\ncontent-length: %d\r\n\r\n"
)


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered in the order in which they come."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = bytearray()
        self.uploading = 0
        self.sending = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=0)
        self.server.connections += 1
        self.server.open += 1
        self.server.most = max(self.server.most, self.server.open)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open -= 1
        for session in self.server.sessions.values():
            if session.stream is self.transport:
                session.stream = None

    def resume_writing(self) -> None:
        self.send_file()

    def send_file(self) -> None:
        """Send on, until what is not taken yet is more than the transport likes."""
        while self.sending:
            self.sending -= 1
            self.transport.write(PIECE)
            if self.transport.get_write_buffer_size():
                return  # resume_writing() goes on

    def upload_received(self, size: int) -> None:
        """So much of an upload came in; nobody keeps it."""
        self.uploading -= size
        if not self.uploading:
            self.transport.write(response(b'["/tmp/gradio/0/large.bin"]'))

    def data_received(self, data: bytes) -> None:
        if self.uploading:
            self.upload_received(len(data))
            return
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end])
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if b"/gradio_api/upload" in head[:40]:
                self.uploading = length
                arrived = len(self.buffer) - end - 4
                self.buffer.clear()
                self.upload_received(arrived)
                return
            if len(self.buffer) < end + 4 + length:
                return
            body = bytes(self.buffer[end + 4 : end + 4 + length])
            del self.buffer[: end + 4 + length]
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            self.answer(method, target, body)

    def answer(self, method: str, target: str, body: bytes) -> None:
        path, _, query = target.partition("?")
        if path == "/gradio_api/queue/join" and method == "POST":
            self.transport.write(self.server.join(body))
        elif path == "/gradio_api/queue/data":
            session = self.server.sessions.setdefault(parse_qs(query)["session_hash"][0], Session())
            session.stream = self.transport
            self.transport.write(STREAM_HEAD)
            session.deliver()
        elif path.rstrip("/") in self.server.documents:
            self.transport.write(self.server.documents[path.rstrip("/")])
        elif path == "/bench/stats":
            self.transport.write(response(dumps(self.server.stats())))
        elif path.startswith("/gradio_api/file="):
            self.sending = int(path.rpartition("/gradio/")[2].partition("/")[0])
            self.transport.write(FILE_HEAD % (self.sending << 20))
            self.send_file()
        elif path == "/gradio_api/cancel":
            self.transport.write(response(b'{"success":true}'))
        else:
            self.transport.write(response(b'{"detail":"Not Found"}', b"404 Not Found"))


async def serve(tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    shared = Server()
    # By its address: a socket that asyncio has not made itself is left with Nagle's algorithm, and so 40 ms late.
    listening = await loop.create_server(lambda: Connection(shared), "127.0.0.1", 0, ssl=tls, backlog=2048)
    port = listening.sockets[0].getsockname()[1]
    shared.describe(f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}")
    print(port, flush=True)
    threading.Thread(target=exit_with_owner, daemon=True).start()
    await listening.serve_forever()


def exit_with_owner() -> None:
    """End when standard input does, at once: nobody is left to be served."""
    while os.read(0, 1):
        pass
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", metavar="FILE", help="serve https with the certificate and key in this file")
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls)
    asyncio.run(serve(tls))


if __name__ == "__main__":
    main()
