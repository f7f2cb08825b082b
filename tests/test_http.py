"""HTTP/1.1 over h11: the same events however the bytes arrive, bounds, and typed errors for whatever a peer sends."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto.conformance.strategies.chunkings import chunkings, fixed
from gradio_proto.errors import (
    ConnectionLost,
    GradioError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
)
from gradio_proto.http import (
    Data,
    EndOfMessage,
    HTTPConnection,
    Request,
    RequestCache,
    Response,
    ResponseHead,
)
from gradio_proto.limits import Limits
from gradio_proto.sentinels import NEED_DATA
from gradio_proto.urls import Origin

ORIGIN = Origin("http", "app", 7860)
LIMITS = Limits()
GET = Request("GET", ORIGIN, "/config")

WITH_LENGTH = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[1, 2, 3]"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"8\r\ndata: 1\n\r\n9;note=x\r\n\ndata: 2\n\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
ANNOUNCED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + WITH_LENGTH
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nwhatever comes"

RESPONSES = {
    "length": (WITH_LENGTH, 200, b"[1, 2, 3]"),
    "chunked": (CHUNKED, 200, b"data: 1\n\ndata: 2\n"),
    "empty": (EMPTY, 204, b""),
    "announced": (ANNOUNCED, 200, b"[1, 2, 3]"),
}


def asked(request: Request = GET, limits: Limits = LIMITS) -> HTTPConnection:
    """A connection on which ``request`` has been sent."""
    connection = HTTPConnection(limits)
    connection.send_request(request)
    return connection


def read(connection: HTTPConnection, pieces: list[bytes]) -> tuple[list[ResponseHead], bytes, bool]:
    """Feed ``pieces`` and read as much as there is: the heads, the body, and whether it ended."""
    heads: list[ResponseHead] = []
    body = b""
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not NEED_DATA:
            if isinstance(event, ResponseHead):
                heads.append(event)
            elif type(event) is Data:
                body += event.data
            else:
                assert type(event) is EndOfMessage
                return heads, body, True
    return heads, body, False


# Requests.


def test_a_request_is_one_run_of_bytes() -> None:
    sent = HTTPConnection(LIMITS).send_request(
        Request("POST", ORIGIN, "/queue/join?a=1", (("x-test", "yes"),), b'{"data":[]}')
    )
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.lower().split(b"\r\n") == [
        b"post /queue/join?a=1 http/1.1",
        b"host: app:7860",
        b"x-test: yes",
        b"content-length: 11",
    ]
    assert body == b'{"data":[]}'


@pytest.mark.parametrize(("method", "has_length"), [("GET", False), ("HEAD", False), ("POST", True)])
def test_only_a_method_with_a_body_states_the_length_of_an_empty_one(method: str, has_length: bool) -> None:
    sent = HTTPConnection(LIMITS).send_request(Request(method, ORIGIN, "/"))
    assert (b"content-length: 0" in sent.lower()) is has_length


def test_the_default_port_is_left_out_of_the_host_header() -> None:
    sent = HTTPConnection(LIMITS).send_request(Request("GET", Origin("https", "::1", 443), "/"))
    assert b"host: [::1]\r\n" in sent.lower()


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", ORIGIN, "/", (("x-name", "a\r\nx-injected: b"),)),
        Request("GET", ORIGIN, "/", (("x-name", "a\nb"),)),
        Request("GET", ORIGIN, "/", (("x-name", "a\0b"),)),
        Request("GET", ORIGIN, "/", (("x-name: a\r\nx-injected", "b"),)),
        Request("GET", ORIGIN, "/", (("", "b"),)),
        Request("GET", ORIGIN, "/", (("x-name", "\N{SNOWMAN}"),)),
        Request("GET", ORIGIN, "/ HTTP/1.1\r\nx-injected: b\r\n\r\n"),
        Request("GET", ORIGIN, "/a b"),
        Request("GET / HTTP/1.1\r\nx-injected: b\r\n\r\nGET", ORIGIN, "/"),
    ],
)
def test_what_would_inject_into_a_request_is_refused(request_: Request) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent"):
        HTTPConnection(LIMITS).send_request(request_)


@pytest.mark.parametrize("value", ["hf_secret\n", " hf_secret", "hf_secret\N{SNOWMAN}"])
def test_a_value_that_cannot_be_sent_is_not_told(value: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent") as caught:
        HTTPConnection(LIMITS).send_request(Request("GET", ORIGIN, "/", (("x-name", value),)))
    assert "hf_secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(name=st.text(max_size=8), value=st.text(max_size=8), target=st.text(max_size=8))
@settings(max_examples=200)
def test_a_request_holds_one_head_whatever_is_in_it(name: str, value: str, target: str) -> None:
    try:
        sent = HTTPConnection(LIMITS).send_request(
            Request("GET", ORIGIN, "/" + target, (("x-" + name, value),))
        )
    except LocalProtocolError:
        return
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    request = server.next_event()
    assert type(request) is h11.Request
    assert request.target == ("/" + target).encode()
    assert sorted(bytes(key) for key, _ in request.headers) == sorted([b"host", f"x-{name}".lower().encode()])
    assert type(server.next_event()) is h11.EndOfMessage
    assert server.trailing_data == (b"", False)


# Bodies that are sent in pieces.


def streamed(framing: tuple[str, str]) -> Request:
    return Request("POST", ORIGIN, "/upload", (framing,), is_streamed=True)


@pytest.mark.parametrize(
    ("framing", "wire"),
    [
        (("content-length", "5"), b"hello"),
        (("transfer-encoding", "chunked"), b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    ],
)
def test_a_streamed_body_is_framed_as_its_head_says(framing: tuple[str, str], wire: bytes) -> None:
    connection = HTTPConnection(LIMITS)
    head = connection.send_request(streamed(framing))
    assert head.lower().split(b"\r\n") == [
        b"post /upload http/1.1",
        b"host: app:7860",
        ": ".join(framing).encode(),
        b"",
        b"",
    ]
    assert b"".join(connection.send_body(piece) for piece in (b"he", b"llo", b"")) == wire
    heads, body, ended = read(connection, [WITH_LENGTH])
    assert (heads[0].status, body, ended, connection.is_reusable) == (200, b"[1, 2, 3]", True, True)


@pytest.mark.parametrize("pieces", [[b"hel"], [b"hel", b"lo!"], [b"hello", b"!"], []])
def test_a_streamed_body_of_another_length_than_stated(pieces: list[bytes]) -> None:
    connection = asked(streamed(("content-length", "5")))

    def send() -> None:
        for piece in [*pieces, b""]:
            connection.send_body(piece)

    with pytest.raises(LocalProtocolError, match="this piece of a body cannot be sent"):
        send()


def test_nothing_is_sent_behind_a_streamed_body() -> None:
    connection = HTTPConnection(LIMITS)
    connection.send_request(streamed(("transfer-encoding", "chunked")))
    connection.send_body(b"")
    with pytest.raises(LocalProtocolError):
        connection.send_body(b"more")


def test_an_answer_can_be_read_though_the_body_did_not_go_out() -> None:
    connection = HTTPConnection(LIMITS)
    connection.send_request(streamed(("content-length", "5")))
    connection.send_body(b"he")
    connection.send_failed()
    heads, body, ended = read(connection, [WITH_LENGTH])
    assert (heads[0].status, body, ended, connection.is_reusable) == (200, b"[1, 2, 3]", True, False)


def test_a_streamed_request_is_not_taken_for_one_without_a_body() -> None:
    requests = RequestCache()
    headers = (("x-test", "yes"),)
    whole = requests.event(Request("POST", ORIGIN, "/upload", headers))
    part = requests.event(Request("POST", ORIGIN, "/upload", headers, is_streamed=True))
    assert (b"content-length", b"0") in list(whole.headers)
    assert (b"content-length", b"0") not in list(part.headers)


def test_a_connection_takes_one_request_at_a_time() -> None:
    connection = asked()
    with pytest.raises(LocalProtocolError):
        connection.send_request(GET)


def test_what_a_request_and_a_response_carry_does_not_show() -> None:
    request = Request("POST", ORIGIN, "/login", (("authorization", "Bearer hunter2"),), b"password=hunter2")
    head = ResponseHead(200, "OK", (("set-cookie", "access-token=hunter2"),))
    assert "/login" in repr(request)
    assert "200 'OK'" in repr(head)
    assert "hunter2" not in repr((request, head, Response(head, b"hunter2")))


def test_a_get_is_idempotent_and_a_post_is_not() -> None:
    assert [Request(method, ORIGIN, "/").idempotent for method in ("GET", "HEAD", "POST")] == [
        True,
        True,
        False,
    ]


def test_requests_are_remembered_by_everything_that_is_in_their_heads() -> None:
    cache = RequestCache()
    variants = [
        GET,
        Request("HEAD", ORIGIN, "/config"),
        Request("GET", Origin("http", "other", 7860), "/config"),
        Request("GET", ORIGIN, "/info"),
        Request("GET", ORIGIN, "/config", (("x-a", "1"),)),
        Request("POST", ORIGIN, "/config", body=b"a"),
        Request("POST", ORIGIN, "/config", body=b"ab"),
    ]
    for _ in range(2):
        for request in variants:
            sent = HTTPConnection(LIMITS, cache).send_request(request)
            assert sent == HTTPConnection(LIMITS).send_request(request)
    # Bodies of one length share a head, and keep their own bytes.
    assert (
        HTTPConnection(LIMITS, cache)
        .send_request(Request("POST", ORIGIN, "/config", body=b"z"))
        .endswith(b"\r\n\r\nz")
    )


def test_the_memory_for_requests_is_bounded() -> None:
    cache = RequestCache()
    requests = [Request("GET", ORIGIN, f"/{n}") for n in range(RequestCache.MOST + 1)]
    events = [cache.event(request) for request in requests[:-1]]
    assert all(cache.event(request) is event for request, event in zip(requests[:-1], events, strict=True))
    newest = cache.event(requests[-1])
    assert cache.event(requests[-1]) is newest
    assert cache.event(requests[0]) is not events[0]


# Responses.


@pytest.mark.parametrize("case", RESPONSES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_response_is_the_same_however_it_arrives(case: str, size: int) -> None:
    data, status, body = RESPONSES[case]
    connection = asked()
    heads, got, ended = read(connection, fixed(data, size))
    assert [head.status for head in heads] == [status]
    assert got == body
    assert ended
    assert connection.is_reusable
    assert not connection.is_switched
    connection.start_next_cycle()
    assert connection.send_request(GET).startswith(b"GET /config ")
    assert read(connection, [WITH_LENGTH]) == (
        [ResponseHead(200, "OK", (("content-type", "application/json"), ("content-length", "9")))],
        b"[1, 2, 3]",
        True,
    )


@given(st.data())
def test_a_response_is_the_same_for_every_split(data: st.DataObject) -> None:
    raw, status, body = RESPONSES[data.draw(st.sampled_from(sorted(RESPONSES)))]
    heads, got, ended = read(asked(), data.draw(chunkings(raw)))
    assert ([head.status for head in heads], got, ended) == ([status], body, True)


def test_what_has_arrived_of_a_body_is_one_event() -> None:
    connection = asked()
    connection.receive_data(CHUNKED)
    assert isinstance(connection.next_event(), ResponseHead)
    event = connection.next_event()
    assert type(event) is Data
    assert event.data == b"data: 1\n\ndata: 2\n"
    assert type(connection.next_event()) is EndOfMessage


def test_whole_data_come_before_the_error_behind_them() -> None:
    connection = asked()
    connection.receive_data(CHUNKED[:-5] + b"zz\r\n")
    assert isinstance(connection.next_event(), ResponseHead)
    event = connection.next_event()
    assert type(event) is Data
    assert event.data == b"data: 1\n\ndata: 2\n"
    with pytest.raises(RemoteProtocolError, match=r"not HTTP/1\.1") as caught:
        connection.next_event()
    assert "200 OK" not in str(caught.value)  # the head was right


def test_headers_are_looked_up_in_lower_case() -> None:
    connection = asked()
    connection.receive_data(b"HTTP/1.1 200 \xe9t\xe9\r\nSet-Cookie: a=1\r\nX-A: 1\r\nset-cookie: b=2\r\n\r\n")
    head = connection.next_event()
    assert isinstance(head, ResponseHead)
    assert head.reason == "été"
    assert head.get("x-a") == "1"
    assert head.get("x-b") == ""
    assert head.get("x-b", "?") == "?"
    assert list(head.get_all("set-cookie")) == ["a=1", "b=2"]
    assert head.content_type == ""


def test_the_content_type_is_without_parameters() -> None:
    head = ResponseHead(200, "OK", (("content-type", " Text/HTML ; charset=utf-8"),))
    assert head.content_type == "text/html"


def test_a_response_is_text_even_where_its_bytes_are_broken() -> None:
    response = Response(ResponseHead(418, "", ()), "é".encode() + b"\xff")
    assert response.status == 418
    assert response.text() == "é\N{REPLACEMENT CHARACTER}"


def test_a_head_answer_has_no_body() -> None:
    connection = asked(Request("HEAD", ORIGIN, "/"))
    assert read(connection, [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"])[2]
    assert connection.is_reusable


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_body_without_a_length_ends_with_the_connection(version: bytes) -> None:
    connection = asked()
    heads, body, ended = read(connection, [UNTIL_CLOSE.replace(b"1.0", version), b""])
    assert (len(heads), body, ended) == (1, b"whatever comes", True)
    assert not connection.is_reusable


@pytest.mark.parametrize("closing", [b"connection: close\r\n", b""])
def test_a_connection_that_the_server_closes_is_not_used_again(closing: bytes) -> None:
    connection = asked()
    version = b"HTTP/1.1" if closing else b"HTTP/1.0"
    read(connection, [version + b" 200 OK\r\n" + closing + b"content-length: 0\r\n\r\n"])
    assert not connection.is_reusable


def test_bytes_behind_a_response_spoil_the_connection() -> None:
    connection = asked()
    assert read(connection, [WITH_LENGTH + b"HTTP/1.1 200 OK"])[2]
    assert not connection.is_reusable
    with pytest.raises(RemoteProtocolError, match="after the end of its response"):
        connection.next_event()


def test_asking_on_after_the_end_says_that_the_server_closed() -> None:
    connection = asked()
    read(connection, [WITH_LENGTH])
    connection.receive_data(b"")
    with pytest.raises(ConnectionLost, match="without answering"):
        connection.next_event()


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (b"", "without answering"),
        (b"HTTP/1.1", "in the middle of its response"),
        (WITH_LENGTH[:-1], "in the middle of its response"),
    ],
)
def test_an_answer_that_is_not_there_is_told_from_one_that_is_cut_off(said: bytes, where: str) -> None:
    connection = asked()
    read(connection, [said] if said else [])
    connection.receive_data(b"")
    with pytest.raises(ConnectionLost, match=where):
        connection.next_event()


def test_bytes_after_the_end_of_file_are_the_peers_mistake() -> None:
    connection = asked()
    connection.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match="after the end of the connection"):
        connection.receive_data(b"HTTP")


def test_a_tunnel_switches_the_protocol() -> None:
    connection = asked(Request("CONNECT", ORIGIN, "app:443"))
    connection.receive_data(b"HTTP/1.1 200 Connection established\r\n\r\n")
    head = connection.next_event()
    assert isinstance(head, ResponseHead)
    assert head.status == 200
    assert connection.is_switched
    assert not connection.is_reusable


# What goes wrong.


@pytest.mark.parametrize("case", RESPONSES)
@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_a_response_that_breaks_off_anywhere_is_a_lost_connection(case: str, byte_by_byte: bool) -> None:
    data = RESPONSES[case][0]
    for end in range(len(data)):
        pieces = fixed(data[:end], 1) if byte_by_byte else [data[:end]]
        with pytest.raises(ConnectionLost) as caught:
            read(asked(), [*filter(None, pieces), b""])
        assert caught.value.phase == "sent_unknown"
        assert not caught.value.retryable


@pytest.mark.parametrize("size", [1, 50, 100_000])
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 2000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-many: a\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 " + b"O" * 2000 + b"K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-endless: " + b"a" * 2000,
        b"HTTP/1.1 103 Hint\r\nx-long: " + b"a" * 2000 + b"\r\n\r\n" + WITH_LENGTH,
    ],
)
def test_a_head_over_the_limit_is_refused_by_name(data: bytes, size: int) -> None:
    connection = asked(limits=Limits(header_bytes=1000))
    with pytest.raises(LimitExceeded) as caught:
        read(connection, fixed(data, size))
    assert (caught.value.name, caught.value.limit) == ("header_bytes", 1000)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 2000 + b"\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nno size\r\n",
        b"no head\r\n\r\n",
    ],
)
def test_what_has_failed_says_the_same_again(data: bytes) -> None:
    connection = asked(limits=Limits(header_bytes=1000))
    with pytest.raises(RemoteProtocolError) as first:
        read(connection, [data])
    for more in (b"{}", b""):
        connection.receive_data(more)
        with pytest.raises(RemoteProtocolError) as again:
            connection.next_event()
        assert str(again.value) == str(first.value)


def test_a_long_body_is_no_long_head() -> None:
    body = b"x" * 100_000
    for head in (b"content-length: 100000\r\n\r\n", b"connection: close\r\n\r\n"):
        connection = asked(limits=Limits(header_bytes=1000))
        assert read(connection, [b"HTTP/1.1 200 OK\r\n" + head + body])[1] == body


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200\r\n\r\n",
        b"<html>no head at all</html>\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n",
    ],
)
def test_what_is_no_http_is_the_peers_mistake(data: bytes) -> None:
    connection = asked()
    with pytest.raises(RemoteProtocolError):
        read(connection, [data, b"\r\n\r\n"])
    assert not connection.is_reusable


def test_an_error_quotes_what_was_wrong() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(asked(), [b"SSH-2.0-OpenSSH_9.6\x1b[2J\r\n\r\n"])
    assert caught.value.data.startswith("SSH-2.0")
    assert "\x1b" not in str(caught.value)


def test_an_error_quotes_the_response_that_it_is_about() -> None:
    connection = asked()
    read(connection, [WITH_LENGTH])
    connection.start_next_cycle()
    connection.send_request(GET)
    with pytest.raises(RemoteProtocolError) as caught:
        read(connection, fixed(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 3))
    assert caught.value.data == "SSH-2.0-OpenSSH_9.6\r\n\r\n"


def survives(pieces: list[bytes]) -> None:
    """Whatever is received gives events, or an error that says whose fault it is."""
    connection = asked(limits=Limits(header_bytes=200))
    try:
        read(connection, pieces)
    except GradioError as error:
        assert isinstance(error, RemoteProtocolError | ConnectionLost)  # noqa: PT017
        assert not connection.is_reusable
        with pytest.raises((RemoteProtocolError, ConnectionLost)):
            connection.next_event()  # an error is final


@given(st.lists(st.binary(max_size=64), max_size=6))
@settings(max_examples=300)
def test_garbage_gives_events_or_typed_errors(pieces: list[bytes]) -> None:
    survives([piece for piece in pieces if piece] + [b""])


@given(st.data())
@settings(max_examples=500)
def test_mutated_responses_give_events_or_typed_errors(data: st.DataObject) -> None:
    raw = bytearray(RESPONSES[data.draw(st.sampled_from(sorted(RESPONSES)))][0])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 4))] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"\r\n", b"0\r\n\r\n", b"content-length: 3\r\n", b"\0"])
        )
    survives([*data.draw(chunkings(bytes(raw))), b""])


# Another protocol on the same connection.

UPGRADE = Request("GET", ORIGIN, "/queue/join", (("connection", "Upgrade"), ("upgrade", "websocket")))
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize("split", [0, 1, len(SWITCHED) + 3])
def test_after_a_101_bytes_are_bytes(split: int) -> None:
    connection = HTTPConnection(Limits())
    assert b"upgrade: websocket" in connection.send_request(UPGRADE).lower()
    data = SWITCHED + b"\x81\x01a\r\n"
    connection.receive_data(data[: split or len(data)])
    head = connection.next_event()
    if head is NEED_DATA:
        connection.receive_data(data[split:])
        head = connection.next_event()
    elif split:
        connection.receive_data(data[split:])
    assert isinstance(head, ResponseHead)
    assert (head.status, connection.is_switched, connection.is_reusable) == (101, True, False)
    assert connection.next_event() == h11.Data(data=b"\x81\x01a\r\n")
    assert connection.next_event() is NEED_DATA
    assert connection.send_body(b"raw") == b"raw"
    connection.receive_data(b"x")
    connection.receive_data(b"y")
    connection.receive_data(b"")
    assert connection.next_event() == h11.Data(data=b"xy")
    for _ in range(2):  # the end stays the end
        assert isinstance(connection.next_event(), h11.EndOfMessage)


def test_a_101_at_the_end_of_a_connection() -> None:
    connection = HTTPConnection(Limits())
    connection.send_request(UPGRADE)
    connection.receive_data(SWITCHED)
    connection.receive_data(b"")
    assert isinstance(connection.next_event(), ResponseHead)
    assert isinstance(connection.next_event(), h11.EndOfMessage)


def test_a_101_that_nobody_asked_for() -> None:
    connection = HTTPConnection(Limits())
    connection.send_request(GET)
    connection.receive_data(SWITCHED)
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
