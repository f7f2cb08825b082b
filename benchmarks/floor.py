"""The least that a client written in Python can do for a call: a socket, and the JSON of every message.

It stands for the cost below which no client gets. It does for its user what a client must (it reads the
config and the API description, finds the endpoint by name, follows the diffs of a growing text), and nothing
more: no errors, no timeouts, no limits, one job at a time. One connection serves the join and then the stream.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

PIECE = 256 * 1024


def handle_file(path: str) -> str:
    """There is nothing to tell a path from text by, so the only endpoint for files is known by its name."""
    return path


class Client:
    """The calls of ``gradio_client.Client`` that the benchmarks make."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port or 443))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            self._socket = ssl.create_default_context().wrap_socket(
                self._socket, server_hostname=parts.hostname
            )
        self._buffer = bytearray()
        self.session_hash = f"{random.getrandbits(48):012x}"
        self.config = self._get_json("/config")
        self._prefix = self.config["api_prefix"]
        self.info = self._get_json(f"{self._prefix}/info")
        self._indexes = {
            f"/{dependency['api_name']}": dependency["id"] for dependency in self.config["dependencies"]
        }

    def close(self) -> None:
        self._socket.close()

    def predict(self, *data: Any, api_name: str) -> Any:
        if api_name == "/upload":
            data = ({"path": self._upload(data[0]), "meta": {"_type": "gradio.FileData"}},)
        value = list(self.submit(*data, api_name=api_name))[-1]
        return self._download(value["path"]) if api_name == "/download" else value

    def _upload(self, path: str) -> str:
        head = (
            b'--b\r\ncontent-disposition: form-data; name="files"; filename="large.bin"\r\n'
            b"content-type: application/octet-stream\r\n\r\n"
        )
        tail = b"\r\n--b--\r\n"
        length = len(head) + os.path.getsize(path) + len(tail)
        self._socket.sendall(
            b"POST %b/upload HTTP/1.1\r\nhost: %b\r\ncontent-type: multipart/form-data; boundary=b\r\n"
            b"content-length: %d\r\n\r\n%b" % (self._prefix.encode(), self._host.encode(), length, head)
        )
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(PIECE):
                self._socket.sendall(piece)
        self._socket.sendall(tail)
        paths: list[str] = json.loads(self._read_body(self._read_head()))
        return paths[0]

    def _download(self, path: str) -> str:
        self._send_get(f"{self._prefix}/file={path}")
        head = self._read_head()
        left = int(head[head.lower().index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        folder = os.environ["GRADIO_TEMP_DIR"]
        part = os.path.join(folder, "part")
        content = hashlib.sha256(self._buffer)  # by which the folder of a download is called
        with open(part, "wb", buffering=0) as file:
            left -= len(self._buffer)
            file.write(self._buffer)
            self._buffer.clear()
            while left:
                data = self._socket.recv(PIECE)
                if not data:
                    raise ConnectionError("the server closed the connection")
                left -= len(data)
                content.update(data)
                file.write(data)
        os.mkdir(os.path.join(folder, content.hexdigest()))
        target = os.path.join(folder, content.hexdigest(), "large.bin")
        os.rename(part, target)
        return target

    def submit(self, *data: Any, api_name: str) -> Iterator[Any]:
        """The values of one job, the last one as the last message has it."""
        call = {"data": data, "fn_index": self._indexes[api_name], "session_hash": self.session_hash}
        body = json.dumps(call).encode()
        self._socket.sendall(
            b"POST %b/queue/join HTTP/1.1\r\nhost: %b\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (self._prefix.encode(), self._host.encode(), len(body), body)
        )
        event_id = json.loads(self._read_body(self._read_head()))["event_id"]
        value: Any = None
        for message in self._stream():
            if message["event_id"] != event_id:
                continue
            if message["msg"] == "process_generating":
                new = message["output"]["data"][0]
                if value is None:
                    value = new
                else:
                    for action, path, addition in new:
                        assert not path  # the diffs of these benchmarks are of the whole value
                        # Added in place, without a copy, if whoever got the last value has dropped it.
                        if action == "append":
                            value += addition
                        else:
                            value = addition
                yield value
            elif message["msg"] == "process_completed":
                yield message["output"]["data"][0]

    def _stream(self) -> Iterator[dict[str, Any]]:
        self._send_get(f"{self._prefix}/queue/data?session_hash={self.session_hash}")
        self._read_head()
        pending = bytearray()  # the start of a message that is not complete yet
        while piece := self._read_chunk():
            pending = pending + piece if pending else piece
            if not pending.endswith(b"\n\n"):
                continue
            if pending.find(b"\n\n") == len(pending) - 2:
                del pending[:6]
                yield json.loads(pending)
            else:
                for event in pending.split(b"\n\n")[:-1]:
                    yield json.loads(event[6:])
            pending = bytearray()

    def _send_get(self, target: str) -> None:
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode())

    def _get_json(self, target: str) -> Any:
        self._send_get(target)
        return json.loads(self._read_body(self._read_head()))

    def _read_until(self, end: bytes) -> bytearray:
        while (index := self._buffer.find(end)) < 0:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._buffer += data
        found = self._buffer[:index]
        # Python moves the start of a bytearray; the rest is not copied.
        del self._buffer[: index + len(end)]
        return found

    def _read_head(self) -> bytearray:
        head = self._read_until(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise ConnectionError(head.decode("latin-1"))
        return head

    def _read_body(self, head: bytearray) -> bytearray:
        start = head.lower().index(b"content-length:") + 15
        return self._read_exactly(int(head[start:].split(b"\r\n", 1)[0]))

    def _read_chunk(self) -> bytearray:
        data = self._read_exactly(int(self._read_until(b"\r\n"), 16) + 2)
        del data[-2:]
        return data

    def _read_exactly(self, size: int) -> bytearray:
        have = len(self._buffer)
        if have >= size:
            data = self._buffer[:size]
            del self._buffer[:size]
            return data
        data = bytearray(size)
        data[:have] = self._buffer
        self._buffer.clear()
        with memoryview(data) as view:
            while have < size:
                received = self._socket.recv_into(view[have:])
                if not received:
                    raise ConnectionError("the server closed the connection")
                have += received
        return data
