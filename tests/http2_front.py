"""A server that speaks HTTP/2 and no HTTP/1.1, in front of one that does: what it is asked, it asks that one."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
from h2.exceptions import H2Error
from thread_server import ThreadServer

Answer = Callable[[h2.connection.H2Connection, int], None]
"""What to do with a stream, in place of asking the other server."""


class HTTP2Front(ThreadServer):
    """Serve over TLS what is at ``backend``. Its connections carry one request after the other.

    ``answers`` has what is done with the next requests of a path instead, once each.
    """

    def __init__(self, backend: str, tls: ssl.SSLContext) -> None:
        self.requests: list[tuple[int, str, str]] = []
        """The number of the connection, the method, and the path."""
        self.answers: dict[str, list[Answer]] = {}
        self._backend = urlsplit(backend)
        tls.set_alpn_protocols(["h2"])
        self._tls = tls
        super().__init__()
        self.url = f"https://{self.address}"

    def serve(self, sock: socket.socket, number: int) -> None:
        """Answer the requests of a connection."""
        with (
            contextlib.suppress(H2Error, http.client.HTTPException),
            self._tls.wrap_socket(sock, server_side=True) as sock,
        ):
            self._sockets.append(sock)
            config = h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
            connection = h2.connection.H2Connection(config)
            connection.initiate_connection()
            heads: dict[int, dict[str, str]] = {}
            bodies: dict[int, bytes] = {}
            while True:
                sock.sendall(connection.data_to_send())
                data = sock.recv(65536)
                if not data:
                    return
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        heads[event.stream_id] = {
                            name.decode(): value.decode() for name, value in event.headers or ()
                        }
                        bodies[event.stream_id] = b""
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data or b""
                        connection.acknowledge_received_data(
                            event.flow_controlled_length or 0, event.stream_id
                        )
                    elif isinstance(event, h2.events.StreamEnded):
                        head, body = heads.pop(event.stream_id), bodies.pop(event.stream_id)
                        self._answer(sock, connection, number, event.stream_id, head, body)

    def _answer(
        self,
        sock: socket.socket,
        connection: h2.connection.H2Connection,
        number: int,
        stream: int,
        head: dict[str, str],
        body: bytes,
    ) -> None:
        path = head[":path"].partition("?")[0]
        self.requests.append((number, head[":method"], path))
        if self.answers.get(path):
            self.answers[path].pop(0)(connection, stream)
            sock.sendall(connection.data_to_send())
            return
        sent = {name: value for name, value in head.items() if not name.startswith(":")}
        backend = http.client.HTTPConnection(self._backend.hostname or "", self._backend.port)
        with contextlib.closing(backend):
            backend.request(head[":method"], head[":path"], body, sent)
            self._sockets.append(backend.sock)
            response = backend.getresponse()
            kept = [
                (name.lower(), value)
                for name, value in response.getheaders()
                if name.lower() not in ("transfer-encoding", "connection", "date", "server")
            ]
            connection.send_headers(stream, [(":status", str(response.status)), *kept])
            while data := response.read1(16384):
                connection.send_data(stream, data)
                sock.sendall(connection.data_to_send())
        connection.end_stream(stream)
