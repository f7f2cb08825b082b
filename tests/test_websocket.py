"""The WebSocket of 3.x: its handshake, its frames, and what is no frame."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import generate_accept_token

from gradio_proto.conformance.strategies.chunkings import chunkings
from gradio_proto.errors import ConnectionLost, GradioError, LimitExceeded, RemoteProtocolError
from gradio_proto.http import ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.sentinels import NEED_DATA
from gradio_proto.websocket import (
    Closed,
    Text,
    WebSocketConnection,
    check_upgrade,
    upgrade_headers,
    websocket_key,
)

KEY = websocket_key("a random text")
ACCEPT = generate_accept_token(KEY.encode()).decode()


def a_server() -> Connection:
    return Connection(ConnectionType.SERVER)


def sent(*events: Event, server: Connection | None = None) -> bytes:
    server = server or a_server()
    return b"".join(server.send(event) for event in events)


def events_of(connection: WebSocketConnection) -> list[Any]:
    seen: list[Any] = []
    while (event := connection.next_event()) is not NEED_DATA:
        seen.append(event)
        if isinstance(event, Closed):
            break
    return seen


def heard(data: bytes) -> list[Event]:
    """What a server hears of what a client has sent."""
    server = a_server()
    server.receive_data(data)
    return list(server.events())


# The handshake.


@given(st.text(max_size=40))
def test_a_key_has_sixteen_bytes(token: str) -> None:
    assert len(base64.b64decode(websocket_key(token))) == 16


def test_the_headers_of_a_handshake() -> None:
    headers = dict(upgrade_headers(KEY))
    assert headers["sec-websocket-key"] == KEY
    assert (headers["upgrade"], headers["connection"]) == ("websocket", "Upgrade")
    assert headers["sec-websocket-version"] == "13"


def head(**fields: str) -> ResponseHead:
    headers = {"upgrade": "WebSocket", "sec-websocket-accept": ACCEPT}
    headers.update({name.replace("_", "-"): value for name, value in fields.items()})
    return ResponseHead(101, "Switching Protocols", tuple(headers.items()))


def test_an_answer_that_fits() -> None:
    check_upgrade(head(), KEY)


@pytest.mark.parametrize(
    "fields",
    [
        {"upgrade": "h2c"},
        {"upgrade": ""},
        {"sec_websocket_accept": generate_accept_token(b"another").decode()},
        {"sec_websocket_accept": ""},
        {"sec_websocket_extensions": "permessage-deflate"},
        {"sec_websocket_protocol": "chat"},
    ],
)
def test_an_answer_that_does_not(fields: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError):
        check_upgrade(head(**fields), KEY)


# Messages.


@given(st.data(), st.lists(st.text(max_size=30), max_size=5))
def test_whole_texts_however_they_are_cut(data: st.DataObject, texts: list[str]) -> None:
    server = a_server()
    stream = b""
    for text in texts:
        cut = data.draw(st.integers(0, len(text)))
        if cut:
            stream += server.send(TextMessage(data=text[:cut], message_finished=False))
        stream += server.send(TextMessage(data=text[cut:]))
    connection = WebSocketConnection(Limits())
    seen: list[Any] = []
    for piece in data.draw(chunkings(stream)):
        connection.receive_data(piece)
        seen += events_of(connection)
    assert seen == [Text(text) for text in texts]
    assert connection.data_to_send() == b""


def test_what_is_sent() -> None:
    connection = WebSocketConnection(Limits())
    said = heard(connection.send_text('{"é": 1}') + connection.ping())
    assert said == [TextMessage(data='{"é": 1}'), Ping()]


def test_a_ping_is_answered_and_a_pong_is_not() -> None:
    connection = WebSocketConnection(Limits())
    connection.receive_data(sent(Ping(payload=b"abcd"), Pong(), TextMessage(data="x")))
    assert connection.next_event() == Text("x")
    assert heard(connection.data_to_send()) == [Pong(payload=b"abcd")]
    assert connection.data_to_send() == b""


def test_a_close_is_answered_once_and_nothing_comes_behind_it() -> None:
    server = a_server()
    connection = WebSocketConnection(Limits())
    connection.receive_data(
        sent(TextMessage(data="x"), CloseConnection(code=1012, reason="bye"), server=server)
    )
    assert events_of(connection) == [Text("x"), Closed(1012, "bye")]
    server.receive_data(connection.data_to_send())
    assert [type(event) for event in server.events()] == [CloseConnection]
    connection.receive_data(b"whatever")
    connection.receive_data(b"")
    assert connection.next_event() == Closed(1012, "bye")
    assert connection.data_to_send() == b""


def test_a_close_without_a_code() -> None:
    connection = WebSocketConnection(Limits())
    connection.receive_data(b"\x88\x00")
    assert connection.next_event() == Closed(1005, "")


def test_an_end_without_a_close() -> None:
    connection = WebSocketConnection(Limits())
    connection.receive_data(sent(TextMessage(data="x")))
    connection.receive_data(b"")
    with pytest.raises(ConnectionLost):
        events_of(connection)


# What is too much, or no WebSocket.


def test_a_message_that_is_too_long_is_let_go() -> None:
    connection = WebSocketConnection(Limits(sse_message_bytes=1_000_000))
    tracemalloc.start()
    try:
        connection.receive_data(sent(*[TextMessage(data="x" * 10_000, message_finished=False)] * 120))
        with pytest.raises(LimitExceeded):
            connection.next_event()
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", ["x" * 101, "é" * 51])
def test_a_message_that_is_too_long(text: str) -> None:
    connection = WebSocketConnection(Limits(sse_message_bytes=100))
    connection.receive_data(sent(TextMessage(data=text[:-1], message_finished=False)))
    assert connection.next_event() is NEED_DATA
    connection.receive_data(sent(TextMessage(data=text)))
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
    whole = WebSocketConnection(Limits(sse_message_bytes=100))
    whole.receive_data(sent(TextMessage(data=text)))
    with pytest.raises(LimitExceeded, match="sse_message_bytes"):
        whole.next_event()


def test_a_limit_is_for_each_message() -> None:
    connection = WebSocketConnection(Limits(sse_message_bytes=100))
    connection.receive_data(sent(*[TextMessage(data="x" * 60)] * 3))
    assert events_of(connection) == [Text("x" * 60)] * 3


def test_empty_fragments_take_no_memory() -> None:
    server = a_server()
    connection = WebSocketConnection(Limits())
    for _ in range(1000):
        connection.receive_data(server.send(TextMessage(data="", message_finished=False)))
        assert connection.next_event() is NEED_DATA
    connection.receive_data(server.send(TextMessage(data="x")))
    assert connection.next_event() == Text("x")


def test_a_binary_message() -> None:
    connection = WebSocketConnection(Limits())
    connection.receive_data(sent(BytesMessage(data=b"abc")))
    with pytest.raises(RemoteProtocolError, match="binary"):
        connection.next_event()


@pytest.mark.parametrize(
    "data", [sent(BytesMessage(data=b"abc")), b"\x83\x00", sent(TextMessage(data="x" * 101))]
)
def test_what_has_failed_says_the_same_again(data: bytes) -> None:
    connection = WebSocketConnection(Limits(sse_message_bytes=100))
    connection.receive_data(data)
    with pytest.raises(RemoteProtocolError) as first:
        connection.next_event()
    for more in (sent(TextMessage(data="x")), b""):
        connection.receive_data(more)
        with pytest.raises(RemoteProtocolError) as again:
            connection.next_event()
        assert str(again.value) == str(first.value)


@pytest.mark.parametrize(
    "data",
    [
        b"\x83\x00",  # an opcode of nobody's
        b"\xc1\x00",  # a bit of an extension
        b"\x80\x00",  # a continuation of nothing
        b"\x81\x01\xff",  # no UTF-8
        b"\x09\x00",  # a ping in fragments
        b"\x89\x7e\x00\x7e",  # a ping that is too long
        b"\x88\x01\x00",  # half a close code
        b"\x88\x02\x03\xed",  # 1005, which nobody may send
        b"\x81\x81aaaaa",  # masked, which only clients do
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_is_no_frame(data: bytes) -> None:
    connection = WebSocketConnection(Limits())
    connection.receive_data(data)
    with pytest.raises(RemoteProtocolError):
        connection.next_event()


def pieces(data: bytes) -> Iterable[bytes]:
    return [data[i : i + 7] for i in range(0, len(data), 7)]


@given(
    st.one_of(
        st.binary(max_size=60), st.builds(lambda a, b: b"\x81\x05hello" + a + b, *[st.binary(max_size=9)] * 2)
    )
)
def test_any_bytes_give_events_or_typed_errors(data: bytes) -> None:
    connection = WebSocketConnection(Limits())
    try:
        for piece in [*pieces(data), b""]:
            connection.receive_data(piece)
            events_of(connection)
            connection.data_to_send()
    except GradioError:
        pass
