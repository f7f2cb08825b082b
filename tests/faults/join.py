"""What can happen to the request that joins the queue."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from faulty import FaultyServer, Peer, Seen

from gradio_proto.conformance.clients.rendering import (
    GENERATIONS,
    SEND_DATA,
    SEND_HASH,
    SHARED,
    as_json,
    event_id,
)
from gradio_proto.conformance.clients.steps import Answer as Said
from gradio_proto.conformance.clients.steps import (
    Close,
    Head,
    Hear,
    Jobs,
    Pause,
    Reset,
    Script,
    Silence,
    Step,
    Talk,
    Until,
    begun,
    completed,
    message,
)
from gradio_proto.errors import (
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    HTTPStatusError,
    LimitExceeded,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.limits import KIB, MIB, Limits
from gradio_proto.timeouts import Timeouts

from .answers import Answer, closes, joins, resets, responds, says, silent, stays
from .bench import QUICK, Bench
from .model import Expected, Fault, Gives, Use, raises
from .servers import faulty, scripted
from .uses import attempts, only_predicts, predicts, works

ACCEPTED: Final = b'{"event_id": "@ID@"}'
"""The reply of a server that is well."""
PAGE: Final = b"<!doctype html><html><body><h1>Service</h1></body></html>"
LOST: Final = raises(ConnectionLost, phase="sent_unknown", retryable=False)
"""The join may have arrived, so nobody may send it again without being asked to."""
CUT_SHORT: Final = raises(
    ConnectionLost, "in the middle of its response", phase="sent_unknown", retryable=False
)
"""The same, and it has begun to answer."""
SILENT: Final = raises(DeadlineExceeded, phase="sent_unknown", kind="read", retryable=False)
NOT_HTTP: Final = raises(RemoteProtocolError, "not HTTP/1.1", retryable=False)
WELL: Final = (*begun(), completed("well"))


def _fault(
    name: str,
    happens: str,
    answer: Answer,
    expect: Expected,
    *,
    use: Use = predicts,
    times: int | None = 1,
    early: bool = False,
    **more: Any,
) -> Fault:
    """A fault of a server whose joins are answered so, the first one at least."""
    routes = ("queue/join",) if early else ()
    served = faulty({"queue/join": answer}, times=times, early=routes)
    return Fault(
        id=f"join/{name}", happens=happens, phase="join", served=served, use=use, expect=expect, **more
    )


def _head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A response's head with these header lines."""
    return b"\r\n".join([status, *lines, b"", b""])


def _reply(*lines: bytes, body: bytes = ACCEPTED, status: bytes = b"HTTP/1.1 200 OK") -> Answer:
    """A reply with these header lines beside its length, which is right; the connection stays.

    A body that names the job is one by which it is accepted.
    """

    def answer(peer: Peer, request: Seen, server: FaultyServer) -> None:
        said = body.replace(b"@ID@", f"e{server.jobs}".encode())
        peer.send(_head(b"content-length: %d" % len(said), *lines, status=status) + said)

    return joins(answer) if b"@ID@" in body else answer


def _accepts(*pieces: bytes) -> Answer:
    """The bytes of a reply by which the job is accepted; the connection stays."""
    return joins(says(*pieces, then=stays))


def _odd(value: Any) -> Answer:
    """A reply that is JSON."""
    return responds("200 OK", json.dumps(value).encode())


def _echoes(peer: Peer, request: Seen, _: FaultyServer) -> None:
    """A server for developers, that shows what it was sent."""
    peer.json({"detail": f"{dict(request.headers)} {request.body!r}"}, "500 Internal Server Error")


def _floods(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """One informational response after the other."""
    while True:
        peer.send(_head(status=b"HTTP/1.1 103 Early Hints") * 500)


def _drips_head(peer: Peer, _: Seen, __: FaultyServer) -> None:
    for byte in _head(b"content-length: 17", b"x-slow: " + b"z" * 2000):
        peer.send(bytes([byte]))
        time.sleep(0.05)


def _drips_body(peer: Peer, _: Seen, __: FaultyServer) -> None:
    peer.send(_head(b"content-length: 2000"))
    while True:
        peer.send(b" ")
        time.sleep(0.05)


def _refuses_early(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """As a gateway does that bounds what it lets through: the answer comes, and then the connection is closed."""
    peer.json({"detail": "Too large"}, "413 Content Too Large", connection="close")


def _reads_late(peer: Peer, request: Seen, server: FaultyServer) -> None:
    server.jobs += 1
    peer.json({"event_id": f"e{server.jobs}"})
    peer.read_body(request)


async def _sends_much(bench: Bench) -> Any:
    """A call whose join is larger than what a network holds; the next one must work."""
    async with bench.client() as client:
        try:
            return await client.predict("x" * (8 * MIB))
        finally:
            await works(client)


CUT: Final = _head(b"content-type: application/json", b"content-length: 17")


def _cut(peer: Peer, _: Seen, server: FaultyServer) -> None:
    """The n-th join is answered by n bytes of a head."""
    server.jobs += 1
    peer.send(CUT[: server.jobs - 1])
    peer.close()


def _accepts_and_closes(peer: Peer, request: Seen, server: FaultyServer) -> None:
    """As a server does whose keep-alive is over: it has not said that it would close."""
    _reply()(peer, request, server)
    peer.close()


def _reads_nothing(peer: Peer, _: Seen, __: FaultyServer) -> None:
    time.sleep(1.0)
    peer.wait_for_end()


async def _predicts_twice(bench: Bench) -> Any:
    """Two calls, with another one after them."""
    async with bench.client() as client:
        try:
            return [await client.predict("one"), await client.predict("two")]
        finally:
            await works(client)


def _status(
    status: str,
    expect: Expected,
    *,
    kind: str = "text/plain",
    body: bytes = b"no",
    name: str = "",
    happens: str = "",
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """A join that is refused by its status."""
    code = status.partition(" ")[0]
    return _fault(
        name or f"status-{code}",
        happens or f"The join is answered {code}, in plain text.",
        responds(status, body, kind=kind, headers=headers),
        expect,
    )


def _refused(status: int, **attributes: Any) -> Expected:
    return raises(HTTPStatusError, f"/queue/join answered {status}", status=status, **attributes)


def _asks_to_wait(name: str, value: str, seconds: float | None, **headers: str) -> Fault:
    return _fault(
        f"retry-after/{name}",
        f"The join is answered 429, with a Retry-After of {value[:40]!r}.",
        responds("429 Too Many Requests", b"{}", headers={"retry_after": value, **headers}),
        raises(TooManyRequestsError, retry_after=seconds, retryable=True),
    )


RETRY_AFTER: Final = (
    _asks_to_wait("seconds", "7", 7.0),
    _asks_to_wait("zero", "0", 0.0),
    _asks_to_wait("white-space", "  12\t", 12.0),
    _asks_to_wait("fraction", "1.5", None),
    _asks_to_wait("negative", "-5", None),
    _asks_to_wait("word", "soon", None),
    _asks_to_wait("empty", "", None),
    _asks_to_wait("huge", "9" * 400, None),
    _asks_to_wait("date", "Sun, 22 Nov 2026 10:00:30 GMT", 30.0, date="Sun, 22 Nov 2026 10:00:00 GMT"),
    _asks_to_wait("date-past", "Sun, 22 Nov 2026 09:00:00 GMT", 0.0, date="Sun, 22 Nov 2026 10:00:00 GMT"),
    _asks_to_wait("date-alone", "Sun, 22 Nov 2026 10:00:30 GMT", None),
    _asks_to_wait("date-far", "Sun, 22 Nov 9999 10:00:30 GMT", None, date="Sun, 22 Nov 2026 10:00:00 GMT"),
)

STATUSES: Final = (
    _status("400 Bad Request", _refused(400, retryable=False)),
    _status(
        "401 Unauthorized",
        raises(AuthenticationError, "wants a login"),
        kind="application/json",
        body=b'{"detail": "Not authenticated"}',
        happens="The join is answered 401: the login has ended.",
    ),
    _status("403 Forbidden", _refused(403, retryable=False)),
    _status("404 Not Found", _refused(404, retryable=False)),
    _status("405 Method Not Allowed", _refused(405, retryable=False)),
    _status("408 Request Timeout", _refused(408, retryable=False)),
    _status("413 Content Too Large", _refused(413, retryable=False)),
    _status(
        "422 Unprocessable Content",
        raises(ValidationError, "body.data: field required"),
        kind="application/json",
        body=b'{"detail": [{"loc": ["body", "data"], "msg": "field required"}]}',
        happens="The join is answered 422, with pydantic's list.",
    ),
    _status(
        "422 Unprocessable Content",
        raises(ValidationError, "the input was refused"),
        name="status-422-odd",
        kind="application/json",
        body=b'{"detail": [7, null, {"loc": 3, "msg": {}}, "x"]}',
        happens="The join is answered 422, with a list of nonsense.",
    ),
    _status("500 Internal Server Error", _refused(500, retryable=False)),
    _status("502 Bad Gateway", _refused(502, retryable=False)),
    _status("503 Service Unavailable", _refused(503, retryable=True)),
    _status(
        "503 Service Unavailable",
        _refused(503, retryable=True),
        name="status-503-retry-after",
        headers={"retry_after": "7"},
        happens="The join is answered 503, with a Retry-After.",
    ),
    _status(
        "503 Service Unavailable",
        raises(QueueError, "Queue is full", retryable=True),
        name="queue-full",
        kind="application/json",
        body=b'{"detail": "Queue is full. Max size is 1 and size is 1."}',
        happens="The join is answered 503: the queue is full.",
    ),
    _status(
        "503 Service Unavailable",
        raises(QueueError, "Queue is stopped", retryable=False),
        name="queue-stopped",
        kind="application/json",
        body=b'{"detail": "Queue is stopped."}',
        happens="The join is answered 503: the queue was stopped.",
    ),
    _status("504 Gateway Timeout", _refused(504, retryable=False)),
    _status("999 Whatever", _refused(999, retryable=False)),
    _fault(
        "status-204",
        "The join is answered 204, with no body.",
        says(_head(status=b"HTTP/1.1 204 No Content"), then=stays),
        raises(RemoteProtocolError, "the reply to /queue/join is not valid JSON"),
    ),
    _fault(
        "status-206",
        "The join is accepted with a status of 206.",
        _reply(status=b"HTTP/1.1 206 Partial Content"),
        Gives(),
    ),
    _fault(
        "status-304",
        "The join is answered 304, with no body.",
        says(_head(status=b"HTTP/1.1 304 Not Modified"), then=stays),
        _refused(304),
    ),
    _fault(
        "status-99", "The join is answered with a status of 99.", _reply(status=b"HTTP/1.1 99 Odd"), NOT_HTTP
    ),
    _fault(
        "status-000",
        "The join is answered with a status of 000.",
        _reply(status=b"HTTP/1.1 000 Odd"),
        NOT_HTTP,
    ),
    _fault(
        "status-1000",
        "The join is answered with a status of 1000.",
        _reply(status=b"HTTP/1.1 1000 Odd"),
        NOT_HTTP,
    ),
    _fault(
        "status-101",
        "The join is answered 101: the protocol is switched, which nobody has asked for.",
        says(
            _head(b"upgrade: websocket", b"connection: upgrade", status=b"HTTP/1.1 101 Switching"), then=stays
        ),
        NOT_HTTP,
    ),
    _status(
        "500 Internal \x1b[2J\x07Error",
        raises(HTTPStatusError),
        name="terminal",
        happens="The reason of a refused join would clear a terminal.",
    ),
    _fault(
        "echo",
        "The join is answered 500, with the headers and the body that were sent, credentials included.",
        _echoes,
        _refused(500),
    ),
)

HEADS: Final = (
    _fault(
        "no-reason", "The status line of the reply has no reason.", _reply(status=b"HTTP/1.1 200"), Gives()
    ),
    _fault(
        "old-http",
        "The reply is HTTP/1.0, and ends with the connection.",
        joins(says(b"HTTP/1.0 200 OK\r\n\r\n" + ACCEPTED)),
        Gives(),
    ),
    _fault(
        "no-length",
        "The reply tells its end by closing the connection.",
        joins(says(_head(b"content-type: application/json") + ACCEPTED)),
        Gives(),
    ),
    _fault(
        "no-head",
        "The reply is HTTP/0.9: a body without a head.",
        says(ACCEPTED + b"\r\n\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "http2",
        "The reply is HTTP/2: a SETTINGS frame.",
        says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x80" * 3),
        NOT_HTTP,
    ),
    _fault(
        "http2-preface",
        "The reply begins as a client's does in HTTP/2.",
        says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "version-odd",
        "The reply says that it is HTTP/3.7, and is HTTP/1.1.",
        _reply(status=b"HTTP/3.7 200 OK"),
        Gives(),
    ),
    _fault(
        "garbage", "The reply is bytes that mean nothing.", says(bytes(range(256)) + b"\r\n\r\n"), NOT_HTTP
    ),
    _fault(
        "request",
        "The reply is a request.",
        says(b"GET / HTTP/1.1\r\nhost: app\r\n\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "folded",
        "A header of the reply is folded over two lines, as was allowed until 2014.",
        _reply(b"x-folded: one", b"  two"),
        Gives(),
    ),
    _fault(
        "folded-first",
        "The first header of the reply is a folded one's second line.",
        says(_head(b"  two", b"content-length: 2") + b"{}"),
        NOT_HTTP,
    ),
    _fault("nul", "A header of the reply holds a NUL.", _reply(b"x-nul: a\0b"), NOT_HTTP),
    _fault("no-colon", "A header of the reply has no colon.", _reply(b"nothing"), NOT_HTTP),
    _fault("no-name", "A header of the reply has no name.", _reply(b": value"), NOT_HTTP),
    _fault("space-in-name", "A space stands before the colon of a header.", _reply(b"x-odd : 1"), NOT_HTTP),
    _fault(
        "bare-lf",
        "The lines of the reply's head end with LF alone.",
        _accepts(b"HTTP/1.1 200 OK\ncontent-length: 18\n\n", ACCEPTED),
        Gives(),
    ),
    _fault(
        "latin",
        "A header of the reply holds bytes that are no ASCII.",
        _reply(b"x-odd: \xe4\xff"),
        Gives(),
    ),
    _fault(
        "many-headers",
        "The reply has 2,000 headers.",
        _reply(*[b"x-%d: 1" % number for number in range(2000)]),
        Gives(),
    ),
    _fault(
        "large-head",
        "A header of the reply is longer than the limit.",
        says(b"HTTP/1.1 200 OK\r\nx-large: " + b"x" * (65 * KIB), then=silent),
        raises(LimitExceeded, name="header_bytes", limit=64 * KIB),
    ),
    _fault(
        "endless-head",
        "The reply's head goes on and on.",
        says(b"HTTP/1.1 200 OK\r\nx-large: " + b"x" * (64 * MIB)),
        raises(LimitExceeded, name="header_bytes"),
        use=only_predicts,
        times=None,
        limit="header_bytes",
    ),
    _fault(
        "endless-status",
        "The reply's status line goes on and on.",
        says(b"HTTP/1.1 200 " + b"x" * (200 * KIB), then=silent),
        raises(LimitExceeded, name="header_bytes"),
    ),
    _fault(
        "head-cut",
        "The connection is closed within the reply's head, once at each of its bytes.",
        _cut,
        Gives([("ConnectionLost sent_unknown", len(CUT) + 1)]),
        use=attempts(len(CUT) + 1),
        times=len(CUT) + 1,
    ),
    _fault(
        "head-drips",
        "The reply's head comes a byte at a time, without end.",
        _drips_head,
        SILENT,
        options={"timeouts": Timeouts(read=0.3)},
    ),
    _fault(
        "head-stops",
        "The reply stops in the middle of its head.",
        says(b"HTTP/1.1 200 OK\r\ncontent-le", then=silent),
        SILENT,
        options={"timeouts": Timeouts(read=0.3)},
    ),
)

INFORMED: Final = (
    _fault(
        "continue",
        "The reply comes after a 100 that nobody has asked for.",
        _accepts(_head(status=b"HTTP/1.1 100 Continue"), _head(b"content-length: 18"), ACCEPTED),
        Gives(),
    ),
    _fault(
        "hints",
        "The reply comes after a thousand informational responses.",
        _accepts(
            _head(b"link: </x>; rel=preload", status=b"HTTP/1.1 103 Early Hints") * 1000,
            _head(b"content-length: 18"),
            ACCEPTED,
        ),
        Gives(),
    ),
    _fault(
        "hints-endless",
        "Informational responses come without end, and no reply.",
        _floods,
        SILENT,
        options={"timeouts": Timeouts(read=0.3)},
    ),
    _fault(
        "two-replies",
        "Two replies come at once; the second one is nobody's.",
        joins(says((_head(b"content-length: 18") + ACCEPTED) * 2, then=silent)),
        Gives(),
    ),
    _fault(
        "stray-bytes",
        "Bytes follow the reply that belong to nothing.",
        joins(says(_head(b"content-length: 18") + ACCEPTED + b"\0\xff", then=silent)),
        Gives(),
    ),
)

FRAMINGS: Final = (
    _fault(
        "length-long",
        "The reply is shorter than its Content-Length says, and the connection is closed.",
        says(_head(b"content-length: 500") + ACCEPTED),
        CUT_SHORT,
    ),
    _fault(
        "length-long-silent",
        "The reply is shorter than its Content-Length says, and the connection stays.",
        says(_head(b"content-length: 500") + ACCEPTED, then=silent),
        SILENT,
        options={"timeouts": Timeouts(read=0.3)},
    ),
    _fault(
        "length-short",
        "The reply is longer than its Content-Length says, which cuts its JSON.",
        says(_head(b"content-length: 9") + ACCEPTED, then=silent),
        raises(RemoteProtocolError, "the reply to /queue/join is not valid JSON"),
    ),
    _fault(
        "length-zero",
        "The reply's Content-Length is 0, though a body comes.",
        says(_head(b"content-length: 0") + ACCEPTED, then=silent),
        raises(RemoteProtocolError, "the reply to /queue/join is not valid JSON"),
    ),
    _fault(
        "length-negative", "The reply's Content-Length is -1.", says(_head(b"content-length: -1")), NOT_HTTP
    ),
    _fault(
        "length-word", "The reply's Content-Length is a word.", says(_head(b"content-length: many")), NOT_HTTP
    ),
    _fault("length-empty", "The reply's Content-Length is empty.", says(_head(b"content-length:")), NOT_HTTP),
    _fault(
        "length-plus", "The reply's Content-Length has a sign.", says(_head(b"content-length: +18")), NOT_HTTP
    ),
    _fault(
        "length-huge",
        "The reply's Content-Length has a thousand digits.",
        says(_head(b"content-length: " + b"9" * 1000)),
        NOT_HTTP,
    ),
    _fault(
        "length-doubled",
        "The reply has its Content-Length twice.",
        _accepts(_head(b"content-length: 18", b"content-length: 18") + ACCEPTED),
        Gives(),
    ),
    _fault(
        "lengths-differ",
        "The reply has two Content-Lengths that differ.",
        says(_head(b"content-length: 18", b"content-length: 17") + ACCEPTED),
        NOT_HTTP,
    ),
    _fault(
        "length-and-chunks",
        "The reply has a Content-Length, and is chunked all the same.",
        _accepts(
            _head(b"content-length: 3", b"transfer-encoding: chunked"), b"12\r\n", ACCEPTED, b"\r\n0\r\n\r\n"
        ),
        Gives(),
    ),
    _fault(
        "chunk-cut",
        "The connection is closed within a chunk.",
        says(_head(b"transfer-encoding: chunked") + b"12\r\n" + ACCEPTED[:5]),
        CUT_SHORT,
    ),
    _fault(
        "chunks-cut",
        "The connection is closed before the last chunk, though the JSON is whole.",
        says(_head(b"transfer-encoding: chunked") + b"12\r\n" + ACCEPTED + b"\r\n"),
        CUT_SHORT,
    ),
    _fault(
        "chunk-size-word",
        "The size of a chunk is no number.",
        says(_head(b"transfer-encoding: chunked") + b"zz\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "chunk-size-negative",
        "The size of a chunk is negative.",
        says(_head(b"transfer-encoding: chunked") + b"-1\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "chunk-size-huge",
        "The size of a chunk has a thousand digits.",
        says(_head(b"transfer-encoding: chunked") + b"f" * 1000 + b"\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "chunk-long",
        "A chunk is longer than its size says.",
        says(_head(b"transfer-encoding: chunked") + b"3\r\n" + ACCEPTED + b"\r\n0\r\n\r\n"),
        NOT_HTTP,
    ),
    _fault(
        "chunk-extension",
        "A chunk has an extension, and the last one trailers.",
        _accepts(
            _head(b"transfer-encoding: chunked"), b'12;a="b"\r\n', ACCEPTED, b"\r\n0\r\nx-end: 1\r\n\r\n"
        ),
        Gives(),
    ),
    _fault(
        "chunk-extension-endless",
        "The extension of a chunk goes on and on.",
        says(_head(b"transfer-encoding: chunked") + b"12;" + b"x" * (256 * KIB), then=silent),
        raises(LimitExceeded, name="header_bytes"),
    ),
    _fault(
        "trailers-endless",
        "The trailers of the reply go on and on.",
        says(_head(b"transfer-encoding: chunked") + b"0\r\n" + b"x-end: 1\r\n" * (30 * KIB), then=silent),
        raises(LimitExceeded, name="header_bytes"),
    ),
    _fault(
        "coding-unknown",
        "The reply has a Transfer-Encoding that nobody knows.",
        says(_head(b"transfer-encoding: xchunked") + ACCEPTED),
        NOT_HTTP,
    ),
    _fault(
        "coding-gzip",
        "The reply's Transfer-Encoding is gzip before chunked.",
        says(_head(b"transfer-encoding: gzip, chunked") + ACCEPTED),
        NOT_HTTP,
    ),
    _fault(
        "coding-twice",
        "The reply is chunked twice.",
        says(_head(b"transfer-encoding: chunked", b"transfer-encoding: chunked") + ACCEPTED),
        NOT_HTTP,
    ),
    _fault(
        "gzip",
        "The reply is compressed, though only identity was accepted.",
        responds("200 OK", b"\x1f\x8b", headers={"content_encoding": "gzip"}),
        raises(RemoteProtocolError, "the answer is compressed", data="gzip"),
    ),
    _fault(
        "compressed-oddly",
        "The reply is compressed in a way that nobody knows.",
        responds("200 OK", b"??", headers={"content_encoding": "br, zstd, x-odd"}),
        raises(RemoteProtocolError, "the answer is compressed"),
    ),
)

BODIES: Final = (
    _fault(
        "page",
        "The join is answered by a page.",
        responds("200 OK", PAGE, kind="text/html; charset=utf-8"),
        raises(HTTPStatusError, "text/html where JSON was expected", status=200, retryable=False),
    ),
    _fault(
        "page-503",
        "The join is answered 503, by a page.",
        responds("503 Service Unavailable", PAGE, kind="text/html"),
        raises(HTTPStatusError, "text/html", status=503, retryable=True),
    ),
    _fault(
        "body-drips",
        "The reply's body comes a byte at a time, without end.",
        _drips_body,
        SILENT,
        options={"timeouts": Timeouts(read=0.2)},
    ),
    _fault("empty", "The reply is empty.", responds(), raises(RemoteProtocolError, "is not valid JSON")),
    _fault(
        "json-cut",
        "The reply is half of a JSON text.",
        responds(body=b'{"event_id": "e'),
        raises(RemoteProtocolError, "is not valid JSON"),
    ),
    _fault(
        "json-doubled",
        "The reply is two JSON texts.",
        responds(body=b"{}{}"),
        raises(RemoteProtocolError, "is not valid JSON"),
    ),
    _fault(
        "json-deep",
        "The reply is nested a hundred thousand deep.",
        responds(body=b"[" * 100_000 + b"]" * 100_000),
        raises(LimitExceeded, name="json_depth"),
    ),
    _fault(
        "json-number",
        "The reply holds a number of a hundred thousand digits.",
        responds(body=b'{"event_id": ' + b"9" * 100_000 + b"}"),
        raises(RemoteProtocolError, "is not valid JSON"),
    ),
    _fault(
        "no-type",
        "The reply has no Content-Type.",
        _reply(),
        Gives(),
    ),
    _fault(
        "bytes",
        "The reply is no UTF-8.",
        responds(body=b'{"event_id": \xff\xfe}'),
        raises(RemoteProtocolError, "is not valid JSON"),
    ),
    *[
        _fault(
            f"reply-{name}",
            f"The reply is {what}.",
            _odd(value),
            raises(RemoteProtocolError, "the reply to /queue/join holds no event_id", retryable=False),
        )
        for name, what, value in (
            ("list", "a list", ["e1"]),
            ("null", "null", None),
            ("string", "a string", "e1"),
            ("number", "a number", 1),
            ("true", "true", True),
            ("object-empty", "an empty object", {}),
            ("id-null", "an object whose event_id is null", {"event_id": None}),
            ("id-number", "an object whose event_id is a number", {"event_id": 1}),
            ("id-list", "an object whose event_id is a list", {"event_id": ["e1"]}),
            ("id-object", "an object whose event_id is an object", {"event_id": {"id": "e1"}}),
            ("id-empty", "an object whose event_id is empty", {"event_id": ""}),
        )
    ],
    _fault(
        "endless",
        "The reply to the join goes on and on.",
        responds("200 OK", b'{"event_id": "' + b"x" * (64 * MIB)),
        raises(LimitExceeded, name="json_body_bytes"),
        times=None,
        use=only_predicts,
        options={"limits": Limits(json_body_bytes=MIB)},
        limit="json_body_bytes",
    ),
)

CONNECTIONS: Final = (
    _fault("reset", "The connection is reset when the join has been read.", resets, LOST),
    _fault("close", "The connection is closed when the join has been read, with no answer.", closes, LOST),
    _fault("silence", "The join is never answered.", silent, SILENT, options={"timeouts": QUICK}),
    _fault(
        "refused-early",
        "A large join is answered 413 before it has come, and the connection is closed.",
        _refuses_early,
        _refused(413),
        use=_sends_much,
        early=True,
    ),
    _fault(
        "accepted-early",
        "A large join is accepted before it has come.",
        _reads_late,
        Gives(),
        use=_sends_much,
        early=True,
    ),
    _fault(
        "unread",
        "A large join is not read.",
        _reads_nothing,
        raises(DeadlineExceeded, kind="write", phase="sent_unknown"),
        use=_sends_much,
        early=True,
        options={"timeouts": Timeouts(write=0.3)},
    ),
    _fault(
        "idle-closed",
        "The server closes its connections between two calls, without having said so.",
        _accepts_and_closes,
        Gives(["ok", "ok"]),
        use=_predicts_twice,
        times=None,
    ),
)


def _accepted(job: int) -> Talk:
    return (as_json({"event_id": event_id(job)}),)


WS_OPENING: Final[Talk] = (SEND_HASH, Hear(1), SEND_DATA, Hear(2))
SSE_OPENING: Final[Talk] = (Head(), message("send_data", 2), Until("queue/data", 1))
"""How a healthy server begins with the second job, when the first has not given its inputs."""


def _in_generation(
    generation: str, name: str, happens: str, step: Step, expect: Expected, options: Mapping[str, Any]
) -> Fault:
    """A first join that is answered so. Below ``sse_v1`` a join is the request for the job's own connection."""
    if generation in SHARED:
        script = Script(Jobs((WELL,)), {"queue/join": ((step,), _accepted(1))})
        use = predicts
    elif isinstance(step, Said):
        opening = SSE_OPENING if generation == "sse" else WS_OPENING
        script = Script(Jobs(((step,), (*opening, *WELL)), opening=False))
        use = predicts
    else:
        script = Script(Jobs((WELL,)), {"queue/join": ((step,),)})
        use = only_predicts
    return Fault(
        id=f"join/{name}-{generation.replace('.', '-').replace('_', '-')}",
        happens=f"{happens}, on a server of the generation {generation}.",
        phase="join",
        served=scripted(script, generation),
        use=use,
        expect=expect,
        options=options,
    )


UNTAKEN: Final = raises(ConnectionLost, phase="not_sent", retryable=True)
"""Below ``sse_v1`` nothing runs before the server has asked for the inputs."""

GENERATIONS_DIFFER: Final = tuple(
    _in_generation(generation, name, happens, step, later if generation in SHARED else first, options)
    for name, happens, step, first, later, options in (
        ("reset", "The connection is reset when the join has been read", Reset(), UNTAKEN, LOST, {}),
        ("close", "The connection is closed when the join has been read", Close(), UNTAKEN, LOST, {}),
        (
            "silence",
            "The join is never answered",
            Silence(),
            raises(DeadlineExceeded, phase="not_sent", kind="read", retryable=True),
            SILENT,
            {"timeouts": Timeouts(read=0.3)},
        ),
        (
            "page",
            "The join is answered by a page",
            Said(200, PAGE, content_type="text/html"),
            raises(HTTPStatusError, "text/html", status=200, retryable=False),
            raises(HTTPStatusError, "text/html", status=200, retryable=False),
            {},
        ),
        (
            "too-many",
            "The join is answered 429, with a Retry-After",
            Said(429, b"slow down", (("retry-after", "7"),)),
            raises(TooManyRequestsError, retry_after=7.0, retryable=True),
            raises(TooManyRequestsError, retry_after=7.0, retryable=True),
            {},
        ),
        (
            "bad-gateway",
            "The join is answered 502",
            Said(502, b"bad gateway", content_type="text/plain"),
            _refused(502, retryable=False),
            _refused(502, retryable=False),
            {},
        ),
    )
    for generation in GENERATIONS
)


async def _joins_two(bench: Bench) -> Any:
    """Two jobs in one session, and one after them."""
    async with bench.client() as client:
        first = await client.submit("one")
        second = await client.submit("two")
        try:
            return [await first.result(), await second.result()]
        finally:
            await works(client)


EARLY: Final = tuple(
    Fault(
        id=f"join/events-first-{generation.replace('.', '-').replace('_', '-')}",
        happens=f"A job's whole story comes before the reply to its join, on a server of the generation {generation}.",
        phase="join",
        served=scripted(
            Script(
                Jobs(
                    (
                        (
                            *begun(1),
                            Until("queue/join", 2),
                            *begun(2),
                            completed("early", job=2),
                            completed("first", job=1),
                        ),
                        (*begun(3), completed("well", job=3)),
                    )
                ),
                {"queue/join": (_accepted(1), (Pause(0.15), *_accepted(2)), _accepted(3))},
            ),
            generation,
        ),
        use=_joins_two,
        expect=Gives(["first", "early"]),
    )
    for generation in GENERATIONS
    if generation in SHARED
)

FAULTS = (
    *CONNECTIONS,
    *GENERATIONS_DIFFER,
    *EARLY,
    *RETRY_AFTER,
    *STATUSES,
    *HEADS,
    *INFORMED,
    *FRAMINGS,
    *BODIES,
)
