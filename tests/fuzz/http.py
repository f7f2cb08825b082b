"""The target ``http``: the bytes of an HTTP/1.1 response, to the connection and to what reads the reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import h11
from hypothesis import strategies as st
from recorded_exchanges import exchanges

from gradio_proto.cookies import CookieJar
from gradio_proto.errors import GradioError
from gradio_proto.flows.requests import note_encoding, redirect_target
from gradio_proto.http import HTTPConnection, Request, Response, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.replies import json_reply
from gradio_proto.urls import parse_app_url
from gradio_proto.websocket import check_upgrade, upgrade_headers, websocket_key

from .bytewise import Failure, check_fed, fed_inputs, input_of, repeated
from .mutations import MOST_BYTES
from .promises import Broken, Input, Target, documented
from .seeds import vectors

LIMIT: Final = 512
_KEPT: Final = 4096
"""Bytes kept of the request, and of the first ones of the response, which errors quote."""
_APP: Final = parse_app_url("http://app.example")
_KEY: Final = websocket_key("a token")
_KINDS: Final = ("GET", "POST", "upgrade", "CONNECT")

_LINES: Final = (
    *(
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 ",
        "HTTP/1.1 101 x",
        "HTTP/1.1 204 ",
        "HTTP/1.1 304 ",
        "HTTP/1.1 302 x",
    ),
    *("HTTP/1.1 429 ", "HTTP/1.1 503 ", "HTTP/1.1 401 ", "HTTP/1.1 422 ", "HTTP/2 200", "HTTP/1.1 999999 "),
    *("Content-Length: 2", "Content-Length: 0", "Content-Length: " + "9" * 20, "Content-Length: -1"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Connection: close", "Connection: Upgrade"),
    *(
        "Upgrade: websocket",
        "Content-Type: text/html",
        "Content-Type: application/json",
        "Content-Encoding: gzip",
    ),
    *(
        "Set-Cookie: a=b; Path=/; Max-Age=1",
        "Set-Cookie: a=b; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
        "Set-Cookie: =",
    ),
    *(
        "Date: Wed, 21 Oct 2015 07:28:00 GMT",
        "Location: /a",
        "Location: //other.example/",
        "Location: http://[::1",
    ),
    *("Retry-After: 7", "x: y", " folded", "x: " + "y" * LIMIT, "2", "0", "f" * 20, "2;x=y", "{}", ""),
)
_WORDS: Final = (
    *(line.encode() + b"\r\n" for line in _LINES),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"\n", b"2\r\n{}\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n"),
    *(b"{}", b"\0", b"\xff", b":", b"<html>", b'{"detail":"Queue is full"}'),
)
_COOKIES: Final = (
    *(
        "access-token=x; Path=/; HttpOnly",
        "a=b; Max-Age=0",
        "a=b; Max-Age=-9999999999999999999",
        "a=b; Path=/conf",
    ),
    *(
        "a=b; Expires=Wednesday, 21-Oct-15 07:28:01 GMT",
        "a=b; Expires=Wed Oct 21 07:28:01 2015",
        "a=b; Expires=x",
    ),
    *(
        "a=b; Path=other; Secure; Domain=other.example",
        "a=b\r\nSet-Cookie: c=d",
        "a",
        "=",
        ";",
        "a=b; Max-Age=1",
    ),
)
_LOCATIONS: Final = (
    *(
        "/config/",
        "config",
        "?a=b",
        "../x/./y",
        "http://app.example:80/x#y",
        "https://app.example/x",
        "//app.example/x",
    ),
    *(
        "http://user:secret@app.example/",
        "javascript:alert(1)",
        "http://[::1]:80/",
        "http://app.example:99999/",
    ),
    *(
        "/\\other.example",
        "/a b/\xe9%2f%zz",
        "http://a..b/",
        "http://1.2.3.4.5/",
        "http:///x",
        "",
        "http://%31/",
    ),
)


def _seeds() -> Iterator[Input]:
    for version in ("3.50.2", "4.44.1", "6.31.0"):
        for exchange in exchanges(version, "errors_join")[:6]:
            if exchange.status and exchange.content != "<stream>" and len(exchange.content) < MOST_BYTES:
                head = "\r\n".join(
                    line for line in exchange.head if not line.lower().startswith("content-length")
                )
                body = exchange.content.encode("utf-8", "surrogatepass")
                data = f"{head}\r\ncontent-length: {len(body)}\r\n\r\n".encode("latin-1", "replace") + body
                kind = "upgrade" if exchange.is_upgrade else exchange.method
                yield input_of(data, kind=kind, limit=MOST_BYTES)
    for vector in vectors("errors"):
        headers = "".join(f"{name}: {value}\r\n" for name, value in vector["headers"].items())
        body = vector["body"].encode("utf-8", "surrogatepass")[:MOST_BYTES]
        head = f"HTTP/1.1 {vector['status']} x\r\n{headers}content-length: {len(body)}\r\n\r\n"
        yield input_of(head.encode("latin-1", "replace") + body, kind="GET", limit=MOST_BYTES)
    for cookie in _COOKIES:
        head = f"HTTP/1.1 204 x\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT\r\nSet-Cookie: {cookie}\r\n\r\n"
        yield input_of(head.encode(), kind="GET", limit=LIMIT)
    for location in _LOCATIONS:
        yield input_of(
            f"HTTP/1.1 307 x\r\nLocation: {location}\r\n\r\n".encode("latin-1"), kind="GET", limit=LIMIT
        )
    chunked = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    yield input_of(chunked + b"9\r\ndata: {}\n\r\n2\r\n\n\n\r\n0\r\n\r\n", kind="GET", limit=LIMIT)
    for kind, code in (("upgrade", 101), ("CONNECT", 200), ("CONNECT", 407)):
        yield input_of(
            b"HTTP/1.1 %d x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nmore" % code,
            kind=kind,
            limit=LIMIT,
        )


def _request(kind: str) -> Request:
    if kind == "CONNECT":
        return Request(kind, _APP.origin, "app.example:80")
    if kind == "upgrade":
        return Request("GET", _APP.origin, "/queue/join", upgrade_headers(_KEY))
    return Request(kind, _APP.origin, "/config", body=b"{}" if kind == "POST" else b"")


def _tell(told: list[Any], event: Any) -> bool:
    """What comes after a response is not read by anybody: the connection is closed, or waits for the next request."""
    if type(event) is h11.Data:
        if told and isinstance(told[-1], bytes):  # of a body, what has come is told as one
            told[-1] += bytes(event.data)
        else:
            told.append(bytes(event.data))
        return True
    if type(event) is h11.EndOfMessage:
        told.append("end")
        return False
    told.append((event.status, event.reason, event.headers))
    return True


def _run(given: Input) -> None:
    limits = Limits(header_bytes=given["limit"], json_depth=32, cookie_bytes=128, cookies=4)

    def make() -> HTTPConnection:
        http = HTTPConnection(limits)
        http.send_request(_request(given["kind"]))
        return http

    # A head that comes in one piece may be longer: h11 bounds what it keeps, which is one that is unfinished.
    told = check_fed(given, make, _tell, given["limit"] + _KEPT, counts_around=True)
    if told and isinstance(told[0], tuple) and not isinstance(told[0], Failure):
        status, reason, headers = told[0]
        bodies = [part for part in told if isinstance(part, bytes)]
        _read(ResponseHead(status, reason, headers), b"".join(bodies), limits)


def _read(head: ResponseHead, body: bytes, limits: Limits) -> None:
    """All that a client reads out of a response."""
    jar = CookieJar(_APP.origin, limits)
    jar.store(head.get_all("set-cookie"), "/config", 0.0, head.get("date") or None)
    cookies = jar.header("/config", 0.5) or ""
    if len(jar) > limits.cookies or not cookies.isascii() or not cookies.replace("\t", "").isprintable():
        raise Broken(f"cookies that should not be kept: {cookies!r}")
    for read in (
        lambda: check_upgrade(head, _KEY),
        lambda: note_encoding(head),
        lambda: _check_target(redirect_target(_APP.origin, "/config", head)),
        lambda: json_reply(Response(head, body), limits, "/config"),
    ):
        try:
            read()
        except GradioError as error:
            documented(error)


def _check_target(target: str) -> None:
    if not (target.startswith("/") and target.isascii() and target.isprintable()) or " " in target:
        raise Broken(f"no target of a request: {target!r}")


TARGET: Final = Target(
    name="http",
    about="the bytes of an HTTP/1.1 response",
    modules=("http", "replies", "cookies", "urls"),
    seeds=_seeds,
    inputs=lambda seeds: fed_inputs(
        seeds,
        _WORDS,
        st.fixed_dictionaries(
            {"kind": st.sampled_from(_KINDS), "limit": st.sampled_from((64, LIMIT, MOST_BYTES))}
        ),
    ),
    run=_run,
    allowance=lambda given: given["limit"],
    larger=repeated,
    raw=lambda data: input_of(
        data[1:],
        cuts=sorted({byte * 3 for byte in data[-3:]}),
        kind=_KINDS[data[0] % 4 if data else 0],
        limit=LIMIT,
    ),
)
