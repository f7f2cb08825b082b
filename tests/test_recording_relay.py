"""What a relay passes on, and what it tells of it, without a socket."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from gradio_proto.recording import relay as module
from gradio_proto.recording.model import Answered, Began, Ended, Frame, Happening, Passed, Received, Sent
from gradio_proto.recording.relay import Relay, Route
from gradio_proto.urls import Origin

HERE = Origin("http", "127.0.0.1", 4000)
LOCAL = Origin("http", "localhost", 7860)
REMOTE = Origin("https", "app.example", 443)

GET = b"GET /config?a=1 HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello"


class Between:
    """A relay, and what it has told."""

    def __init__(self, upstream: Origin = LOCAL, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.told: list[Happening] = []
        numbers = count(1)
        self.relay = Relay(Route(upstream, HERE, headers), lambda: next(numbers), self.told.append)

    def client(self, data: bytes, now: float = 1.0) -> bytes:
        """What goes to the app when this comes from the client."""
        self.relay.receive_from_client(data, now)
        sent = bytes(self.relay.to_upstream)
        self.relay.to_upstream.clear()
        return sent

    def app(self, data: bytes, now: float = 2.0) -> bytes:
        """What goes to the client when this comes from the app."""
        self.relay.receive_from_upstream(data, now)
        sent = bytes(self.relay.to_client)
        self.relay.to_client.clear()
        return sent


def test_an_exchange_and_the_next_one() -> None:
    between = Between()
    assert not between.relay.wants_upstream
    sent = between.client(GET + GET)
    assert between.relay.wants_upstream
    assert between.relay.exchange == 1
    assert sent.lower().splitlines() == [
        b"get /config?a=1 http/1.1",
        b"host: 127.0.0.1:4000",
        b"accept-encoding: identity",
        b"connection: close",
        b"",
    ]
    assert between.app(HELLO) == HELLO.replace(b"Content-Length", b"content-length").replace(
        b"Server", b"server"
    )
    headers = (("host", "127.0.0.1:4000"), ("accept-encoding", "gzip"), ("connection", "keep-alive"))
    assert between.told == [
        Began(1.0, 1, "GET", "/config?a=1", headers),
        Answered(2.0, 1, 200, "OK", (("content-length", "5"), ("server", "x"))),
        Received(2.0, 1, b"hello"),
        Ended(2.0, 1, "complete"),
        Began(2.0, 2, "GET", "/config?a=1", headers),
    ]
    assert not between.relay.is_done
    between.client(b"")
    assert between.relay.is_done
    assert between.told[-1] == Ended(1.0, 2, "client left")
    assert between.app(HELLO) == b""
    assert between.client(GET) == b""


def test_a_client_that_asks_for_nothing_more() -> None:
    between = Between()
    between.client(b"")
    assert between.relay.is_done
    assert between.told == []
    asking = Between()
    asking.client(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    asking.app(HELLO)
    assert asking.relay.is_done


def test_a_body_passes_piece_by_piece_in_both_directions() -> None:
    between = Between()
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"transfer-encoding: chunked" in between.client(head).lower()
    assert bytes(between.relay.to_client).startswith(b"HTTP/1.1 100")
    between.relay.to_client.clear()
    assert between.client(b"3\r\nabc\r\n") == b"3\r\nabc\r\n"
    assert between.client(b"0\r\n\r\n") == b"0\r\n\r\n"
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"transfer-encoding: chunked" in between.app(b"HTTP/1.1 103 Early\r\n\r\n" + stream).lower()
    assert between.app(b"5\r\ndata:\r\n", 3.0) == b"5\r\ndata:\r\n"
    assert between.app(b"0\r\n\r\n", 4.0) == b"0\r\n\r\n"
    assert [each for each in between.told if isinstance(each, Sent | Received | Ended)] == [
        Sent(1.0, 1, b"abc"),
        Received(3.0, 1, b"data:"),
        Ended(4.0, 1, "complete"),
    ]


def test_of_two_framings_the_one_that_counts_is_passed_on() -> None:
    both = b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    between = Between()
    assert b"content-length" not in between.client(b"POST / HTTP/1.1\r\nHost: x\r\n" + both).lower()
    assert b"content-length" not in between.app(b"HTTP/1.1 200 OK\r\n" + both).lower()
    assert between.told[-1] == Ended(2.0, 1, "complete")


def test_an_answer_before_the_request_is_whole() -> None:
    between = Between()
    between.client(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert between.app(HELLO).endswith(b"hello")
    assert between.relay.is_done
    assert between.told[-1] == Ended(2.0, 1, "complete")


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"what is this\r\n\r\n"]
)
def test_an_app_that_leaves_in_the_middle(data: bytes) -> None:
    between = Between()
    between.client(GET)
    if data:
        between.app(data)
    between.app(b"")
    assert between.relay.is_done
    assert between.told[-1] == Ended(2.0, 1, "server left")


def test_an_app_that_is_not_there() -> None:
    between = Between()
    between.client(GET)
    between.relay.upstream_unreachable("no route", 2.0)
    assert b"502 Bad Gateway" in between.relay.to_client
    assert b"cannot reach http://localhost:7860: no route" in between.relay.to_client
    assert between.told[-1] == Ended(2.0, 1, "unreachable")
    assert between.relay.is_done


def test_what_is_no_request_is_refused() -> None:
    between = Between()
    between.client(b"what is this\r\n\r\n")
    assert bytes(between.relay.to_client).startswith(b"HTTP/1.1 400")
    assert between.relay.is_done
    middle = Between()
    middle.client(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    middle.client(b"no chunk\r\n")
    assert middle.relay.is_done
    assert bytes(middle.relay.to_client).startswith(b"HTTP/1.1 400")
    assert middle.told[-1] == Ended(1.0, 1, "client left")
    answered = Between()
    answered.client(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    answered.app(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    answered.client(b"no chunk\r\n")
    assert bytes(answered.relay.to_client) == b""
    assert answered.relay.is_done


def test_headers_need_not_be_ascii() -> None:
    between = Between()
    sent = between.client(b"GET / HTTP/1.1\r\nHost: x\r\nX-Name: \xe9\r\n\r\n")
    assert b"x-name: \xe9\r\n" in sent
    answered = between.app(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Name: \xc3\xa9\r\n\r\n")
    assert b"x-name: \xc3\xa9\r\n" in answered


def test_what_a_client_sends_ahead_is_counted() -> None:
    between = Between()
    between.client(GET)
    assert between.relay.unread == 0
    between.client(GET * 2)
    assert between.relay.unread == 2 * len(GET)
    between.app(HELLO)
    assert between.relay.unread == len(GET)


def test_a_remote_app_is_asked_by_its_own_name_and_told_of_ours() -> None:
    between = Between(REMOTE, (("authorization", "Bearer t"),))
    sent = between.client(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nOrigin: http://127.0.0.1:4000\r\n\r\n"
    ).lower()
    for line in (
        b"host: app.example",
        b"x-forwarded-host: 127.0.0.1:4000",
        b"x-forwarded-proto: http",
        b"origin: https://app.example",
        b"authorization: bearer t",
    ):
        assert b"\r\n" + line + b"\r\n" in sent
    said = between.told[0]
    assert isinstance(said, Began)
    assert "authorization" not in dict(said.headers)


@pytest.mark.parametrize(
    ("host", "origin", "is_given"),
    [
        ("127.0.0.1:4000", None, True),
        ("localhost:4000", "http://localhost:4000", True),
        ("127.0.0.1:4000", "http://elsewhere.example", False),
        ("127.0.0.1:4000", "null", False),
        ("elsewhere.example:4000", "http://elsewhere.example:4000", False),
    ],
)
def test_no_page_of_another_site_uses_the_token(host: str, origin: str | None, is_given: bool) -> None:
    between = Between(REMOTE, (("authorization", "Bearer t"),))
    said = "" if origin is None else f"Origin: {origin}\r\n"
    sent = between.client(f"POST /x HTTP/1.1\r\nHost: {host}\r\n{said}Content-Length: 0\r\n\r\n".encode())
    assert (b"Bearer t" in sent) is is_given


def test_what_a_client_says_of_itself_is_left_as_it_is() -> None:
    between = Between(REMOTE, (("authorization", "Bearer t"),))
    head = (
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: mine\r\nOrigin: http://other\r\n"
        b"X-Forwarded-Host: outside\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    sent = between.client(head).lower()
    assert b"authorization: mine" in sent
    assert b"bearer" not in sent
    assert b"origin: http://other" in sent
    assert sent.count(b"x-forwarded-") == 2


def test_redirects_and_cookies_are_for_the_recorder() -> None:
    between = Between(REMOTE)
    between.client(GET)
    answer = (
        b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: https://app.example/login?x=1\r\n"
        b"Set-Cookie: a=b; Domain=.app.example; Secure; HttpOnly; SameSite=None; Path=/\r\nConnection: close\r\n\r\n"
    )
    sent = between.app(answer)
    assert b"location: http://127.0.0.1:4000/login?x=1\r\n" in sent
    assert b"set-cookie: a=b; HttpOnly; Path=/\r\n" in sent
    assert b"onnection: close" not in sent


# WebSockets.

UPGRADE = (
    b"GET /queue/join HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: x\r\n\r\n"
)


def frames(between: Between) -> list[Frame]:
    return [each.frame for each in between.told if isinstance(each, Passed)]


def test_a_websocket_passes_as_it_is_and_is_read_along() -> None:
    between, client, app = Between(), Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    assert b"extensions" not in between.client(UPGRADE).lower()
    hello = app.send(TextMessage(data="send_hash"))
    assert between.app(SWITCH + hello).endswith(hello)
    said = client.send(TextMessage(data="é", message_finished=False)) + client.send(TextMessage(data="x"))
    assert between.client(said, 3.0) == said
    more = app.send(Ping(payload=b"p")) + app.send(BytesMessage(data=b"\0"))
    assert between.app(more, 4.0) == more
    between.app(app.send(CloseConnection(code=1000, reason="done")), 5.0)
    between.client(b"\x88\x80\0\0\0\0", 6.0)  # without a code, which wsproto does not send
    assert between.app(b"late", 6.5) == b"late"
    between.client(b"", 7.0)
    assert frames(between) == [
        Frame(2.0, False, "text", b"send_hash"),
        Frame(3.0, True, "text", "éx".encode()),
        Frame(4.0, False, "ping", b"p"),
        Frame(4.0, False, "binary", b"\0"),
        Frame(5.0, False, "close", b"done", 1000),
        Frame(6.0, True, "close"),
    ]
    assert between.told[-1] == Ended(7.0, 1, "complete")


def test_a_client_may_speak_before_the_switch() -> None:
    between, client = Between(), Connection(ConnectionType.CLIENT)
    between.client(UPGRADE)
    early = client.send(TextMessage(data="early"))
    between.client(early)
    between.app(SWITCH)
    assert bytes(between.relay.to_upstream) == early
    assert frames(between) == [Frame(2.0, True, "text", b"early")]


@pytest.mark.parametrize("by_client", [True, False])
def test_a_websocket_that_just_ends(by_client: bool) -> None:
    between = Between()
    between.client(UPGRADE)
    between.app(SWITCH)
    (between.client if by_client else between.app)(b"")
    assert isinstance(between.told[-1], Ended)
    assert between.told[-1].how == ("client left" if by_client else "server left")
    assert between.relay.is_done


def test_an_app_may_close_the_connection_after_its_close() -> None:
    between, app = Between(), Connection(ConnectionType.SERVER)
    between.client(UPGRADE)
    between.app(SWITCH + app.send(CloseConnection(code=1000)))
    between.app(b"")
    assert between.told[-1] == Ended(2.0, 1, "complete")


def test_a_message_that_is_too_long_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGE", 3)
    between, app = Between(), Connection(ConnectionType.SERVER)
    between.client(UPGRADE)
    between.app(SWITCH)
    between.app(app.send(TextMessage(data="long")))
    assert between.told[-1] == Ended(2.0, 1, "server left")
    assert between.relay.is_done


def test_an_upgrade_may_be_refused() -> None:
    between = Between()
    between.client(UPGRADE)
    assert between.app(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").startswith(b"HTTP/1.1 403")
    assert between.told[-1] == Ended(2.0, 1, "complete")


@given(st.data())
def test_how_the_bytes_are_cut_makes_no_difference(data: st.DataObject) -> None:
    between = Between()
    post = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    sent, received = b"", b""
    for piece in data.draw(cut(post)):
        sent += between.client(piece)
    for piece in data.draw(cut(answer)):
        received += between.app(piece)
    assert sent.endswith(b"\r\n\r\nbody")
    assert received.endswith(b"0\r\n\r\n")
    assert b"".join(each.data for each in between.told if isinstance(each, Sent)) == b"body"
    assert b"".join(each.data for each in between.told if isinstance(each, Received)) == b"abcde"
    assert between.told[-1] == Ended(2.0, 1, "complete")


def cut(data: bytes) -> st.SearchStrategy[list[bytes]]:
    places = st.lists(st.integers(1, len(data) - 1), max_size=6).map(lambda found: sorted({*found}))
    return places.map(lambda at: [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)])
