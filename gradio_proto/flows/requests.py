"""One request and its whole answer: headers, cookies, redirects, retries, bounds."""

from __future__ import annotations

from typing import Final

from ..effects import Flow, Now, Open, ReadBody, ReadHead, Signal, Sleep, TimedOut, Wait
from ..errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    LimitExceeded,
    RemoteProtocolError,
)
from ..exchange import Exchange
from ..http import Headers, Request, Response, ResponseHead
from ..replies import RETRYABLE_STATUS, retry_after
from ..timeouts import deadline, earlier
from ..urls import Origin, resolve
from .state import ClientState

USER_AGENT: Final = "gradio_proto"

BACKOFF: Final = 0.5
"""Seconds before the first retry; doubled for each further one, and spread by half."""

LONGEST_RETRY_AFTER: Final = 60.0
"""Seconds of a Retry-After that are waited out. A caller who must wait longer should know, and decide."""

LONGEST_REPLY: Final = 4
"""How many times ``Timeouts.read`` the body of a reply may take, however it progresses."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def make_request(
    state: ClientState,
    method: str,
    target: str,
    now: float,
    *,
    body: bytes = b"",
    headers: Headers = (),
    is_streamed: bool = False,
) -> Request:
    """A request to the app, with the client's headers and those of this call, which win."""
    merged = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
    merged.update(state.headers)
    merged.update(headers)
    cookie = state.cookies.header(target, now) if state.cookies else None
    if cookie is not None:
        merged["cookie"] = cookie
    return Request(method, state.url.origin, target, tuple(merged.items()), body, is_streamed)


def open_exchange(
    state: ClientState,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: Headers = (),
    until: float | None = None,
) -> Flow[tuple[Exchange, ResponseHead, float]]:
    """Send a request, follow redirects of a GET, and read the head of the answer; the last value is the time.

    Raises:
        GradioError: There was no answer. A status that says no is one, and no error here.
    """
    for _ in range(state.limits.redirects + 1):
        _, now = yield Now()
        request = make_request(state, method, target, now, body=body, headers=headers)
        exchange, now = yield Open(request, earlier(deadline(now, state.timeouts.write), until))
        try:
            head, now = yield from read_head(state, exchange, now, until)
            redirected = method == "GET" and head.status in REDIRECTS
            if redirected:
                target = redirect_target(state.url.origin, target, head)
        except BaseException:
            exchange.close()
            raise
        if not redirected:
            return exchange, head, now
        exchange.close()
    raise LimitExceeded("redirects", state.limits.redirects)


def read_head(
    state: ClientState, exchange: Exchange, now: float, until: float | None
) -> Flow[tuple[ResponseHead, float]]:
    """Read the head of the answer; the other value is the time.

    Raises:
        GradioError: There was none, or it announces what cannot be read.
    """
    head, now = yield from await_head(state, exchange, earlier(deadline(now, state.timeouts.read), until))
    assert head is not None  # nobody wakes this
    return head, now


def await_head(
    state: ClientState, exchange: Exchange, until: float | None, wake: Signal | None = None
) -> Flow[tuple[ResponseHead | None, float]]:
    """As :func:`read_head`, with a deadline of the caller's own; None when ``wake`` was set first."""
    head: ResponseHead | None
    try:
        head, now = yield ReadHead(exchange, until, wake)
    except TimedOut as error:
        raise DeadlineExceeded("the server did not answer in time", kind="read") from error
    if head is not None:
        note_head(state, exchange.request.target, head, now)
    return head, now


def note_head(state: ClientState, target: str, head: ResponseHead, now: float) -> None:
    """Keep a response's cookies, and refuse a body that cannot be read as it is.

    Raises:
        RemoteProtocolError: The body is compressed, though every request asks for ``identity``.
    """
    cookies = head.get_all("set-cookie")
    if cookies:
        state.cookies.store(cookies, target, now, head.get("date") or None)
    note_encoding(head)


def note_encoding(head: ResponseHead) -> None:
    """Refuse a body that cannot be read as it is.

    Raises:
        RemoteProtocolError: As :func:`note_head`.
    """
    encoding = head.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise RemoteProtocolError(
            "the answer is compressed, though only identity was accepted", data=encoding
        )


class RedirectedElsewhere(RemoteProtocolError):
    """A redirect leads to another origin, where nothing of this client's may go.

    Attributes:
        origin: Where it leads.
        target: The path and query there.
    """

    def __init__(self, origin: Origin, target: str) -> None:
        super().__init__(
            f"the server redirects to another origin, {origin}; if you trust it, connect to it instead"
        )
        self.origin = origin
        self.target = target


def redirect_target(origin: Origin, target: str, head: ResponseHead) -> str:
    """Where a redirect leads, on the same origin.

    Raises:
        RedirectedElsewhere: It leads to another one.
        RemoteProtocolError: It leads nowhere.
    """
    location = head.get("location")
    if not location:
        raise RemoteProtocolError(f"a redirect ({head.status}) without a location")
    to, target = resolve(origin, target, location)
    if to != origin:
        raise RedirectedElsewhere(to, target)
    return target


def fetch(
    state: ClientState,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: Headers = (),
    until: float | None = None,
) -> Flow[Response]:
    """Send a request and read the whole answer, whatever its status, in no more than :data:`LONGEST_REPLY` times
    ``Timeouts.read``: a drip of bytes must not prolong it for ever.

    Raises:
        GradioError: There was no complete answer within its deadlines and limits.
    """
    exchange, head, now = yield from open_exchange(
        state, method, target, body=body, headers=headers, until=until
    )
    try:
        return (yield from read_reply(state, exchange, head, now, until))
    finally:
        exchange.close()


def read_reply(
    state: ClientState, exchange: Exchange, head: ResponseHead, now: float, until: float | None
) -> Flow[Response]:
    """Read a whole answer after its head.

    Raises:
        GradioError: It was not complete within its deadlines and limits.
    """
    if state.timeouts.read is not None:
        until = earlier(until, now + LONGEST_REPLY * state.timeouts.read)
    pieces: list[bytes] = []
    left = state.limits.json_body_bytes
    while True:
        try:
            piece, now = yield ReadBody(exchange, earlier(deadline(now, state.timeouts.read), until))
        except TimedOut as error:
            raise DeadlineExceeded("the server stopped in the middle of its answer", kind="read") from error
        if not piece:
            return Response(head, b"".join(pieces))
        left -= len(piece)
        if left < 0:
            raise LimitExceeded("json_body_bytes", state.limits.json_body_bytes)
        pieces.append(piece)


def fetch_idempotent(state: ClientState, target: str, *, until: float | None = None) -> Flow[Response]:
    """GET, and again when the network fails or the server says that it is a bad moment."""
    retries = state.get_retries
    attempt = 0
    while True:
        last = attempt >= retries
        pause: float | None = None
        try:
            response = yield from fetch(state, "GET", target, until=until)
            if last or response.status not in RETRYABLE_STATUS:
                return response
            pause = retry_after(response.head)
            if pause is not None and pause > LONGEST_RETRY_AFTER:
                return response
        except (ConnectError, ConnectionLost) as error:
            # A connection that was lost is made again; a certificate that is not trusted stays what it is.
            if last or (isinstance(error, ConnectError) and not error.retryable):
                raise
        yield from back_off(state, attempt, pause)
        attempt += 1


def back_off(
    state: ClientState,
    attempt: int,
    at_least: float | None = None,
    *,
    until: float | None = None,
    wake: Signal | None = None,
) -> Flow[float]:
    """Wait before a retry: exponentially longer, spread at random, as long as the server asks, to ``until`` at most,
    and no longer than until ``wake`` is set.

    Returns:
        The time.
    """
    seconds = BACKOFF * 2**attempt * (0.5 + state.entropy.jitter())
    _, now = yield Now()
    due = now + max(seconds, at_least or 0.0)
    if until is not None:
        due = min(due, until)
    _, now = yield (Sleep(due) if wake is None else Wait(wake, due))
    return now


def post_json(
    state: ClientState, target: str, body: bytes, *, headers: Headers = (), until: float | None = None
) -> Flow[Response]:
    """POST a JSON body. Never repeated by itself: a POST may have been carried out though its answer was lost."""
    merged = (*headers, ("content-type", "application/json"))
    return (yield from fetch(state, "POST", target, body=body, headers=merged, until=until))
