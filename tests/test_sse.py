"""The decoder of event streams: the standard's rules, and linear time and bounded memory for any input."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import operations, streams, versions

from gradio_proto.conformance.strategies.chunkings import chunkings, fixed
from gradio_proto.errors import LimitExceeded, LocalProtocolError
from gradio_proto.limits import Limits
from gradio_proto.sentinels import END, NEED_DATA
from gradio_proto.sse import ServerSentEvent, SSEDecoder

LIMITS = Limits()


def decode(pieces: Iterable[bytes], limits: Limits = LIMITS) -> list[ServerSentEvent]:
    """Every event of a stream, pulled as its bytes arrive."""
    decoder = SSEDecoder(limits)
    events: list[ServerSentEvent] = []
    for piece in (*pieces, b""):
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            events.append(event)
        assert event is (END if piece == b"" else NEED_DATA)
    assert decoder.next_event() is END
    return events


def decode_with(decoder: SSEDecoder, pieces: list[bytes]) -> list[ServerSentEvent]:
    """The events in ``pieces``, of a stream that goes on."""
    events: list[ServerSentEvent] = []
    for piece in pieces:
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            events.append(event)
    return events


def event(data: str, event: str = "message", id: str = "", retry: int | None = None) -> ServerSentEvent:
    return ServerSentEvent(data, event, id, retry)


# The cases of Web Platform Tests' eventsource/format-*, and a few of our own, as stream and events.
CASES: dict[str, tuple[bytes, list[ServerSentEvent]]] = {
    "empty": (b"", []),
    "gradio": (b'data: {"msg": "heartbeat"}\n\n', [event('{"msg": "heartbeat"}')]),
    "bom": (b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n", [event("1"), event("3")]),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n", [event("2")]),
    "bom and blank line": (b"\xef\xbb\xbf\ndata:1\n\n", [event("1")]),
    "comments": (
        b"data:1\r:\x00\n:\r\ndata:2\n:"
        + b"x" * 2048
        + b"\rdata:3\n:data:fail\r:"
        + b"x" * 9
        + b"\ndata:4\n\n",
        [event("1\n2\n3\n4")],
    ),
    "data before final empty line": (
        b"retry:1000\ndata:test1\n\nid:test\ndata:test2",
        [event("test1", retry=1000)],
    ),
    "unfinished block": (b"data:1\n\ndata:2\n", [event("1")]),
    "empty data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", [event(""), event("\n"), event("test")]),
    "no data": (b"event: a\n\nid: 7\n\ndata: x\n\n", [event("x", id="7")]),
    "event": (b"event:test\ndata:x\n\ndata:x\n\n", [event("x", "test"), event("x")]),
    "event empty": (b"event: \ndata:data\n\n", [event("data")]),
    "event twice": (b"event:a\nevent:b\ndata:x\n\n", [event("x", "b")]),
    "event after data": (b"data:x\nevent:a\n\n", [event("x", "a")]),
    "id": (
        b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
        [event("a", id="1"), event("b", id="1"), event("c")],
    ),
    "id with null": (b"id:1\x002\ndata:x\n\n", [event("x")]),
    "leading space": (b"data:\ttest\rdata: \ndata:test\n\n", [event("\ttest\n\ntest")]),
    "two leading spaces": (b"data:  x \n\n", [event(" x ")]),
    "newlines": (b"data:test\r\ndata\ndata:test\r\n\r", [event("test\n\ntest")]),
    "CR only": (b"data:a\r\rdata:b\r\r", [event("a"), event("b")]),
    "CRLF CR LF": (b"data:a\r\n\rdata:b\r\n\ndata:c\n\r\n", [event("a"), event("b"), event("c")]),
    "null": (b"data:\x00\n\n\n", [event("\x00")]),
    "parsing": (
        b"data:\x00\ndata:  2\rData:1\ndata\x00:2\ndata:1\r\x00data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n"
        b" data:32\ndata:4\n\n",
        [event("\x00\n 2\n1\n3\n\n4")],
    ),
    "retry": (b"retry:03000\ndata:x\n\ndata:y\n\n", [event("x", retry=3000), event("y", retry=3000)]),
    "retry bogus": (b"retry:3000\nretry:1000x\nretry: -1\nretry:\ndata:x\n\n", [event("x", retry=3000)]),
    "retry not ASCII": ("retry:٣٠\ndata:x\n\n".encode(), [event("x")]),
    "retry endless": (b"retry:" + b"9" * 5000 + b"\ndata:x\n\n", [event("x")]),
    "unknown fields": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacomment\n\n",
        [event("test\n")],
    ),
    "no line break but LF and CR": (
        "data:a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode(),
        [event("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg")],
    ),
    "utf-8": (b"data:ok\xe2\x80\xa6\n\n", [event("ok…")]),
    "no utf-8": (b"data:\xff\xe2\x80\ndata:\xc3\nevent:\xff\nid:\xfe\n\n", [event("��\n�", "�", "�")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_standards_rules_whatever_the_chunking(name: str) -> None:
    data, events = CASES[name]
    for size in (len(data) or 1, 1, 2, 3, 5, 7):
        assert decode(fixed(data, size)) == events
    for point in range(1, min(len(data), 200)):
        assert decode([data[:point], data[point:]]) == events


def reference(data: bytes) -> list[ServerSentEvent]:
    """The standard's algorithm in its own order: decode everything, split it, then interpret the lines."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unfinished = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events: list[ServerSentEvent] = []
    buffer, kind, last_id, retry = "", "", "", None
    for line in lines:
        if line == "":
            if buffer:
                events.append(ServerSentEvent(buffer[:-1], kind or "message", last_id, retry))
            buffer = kind = ""
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                buffer += value + "\n"
            elif name == "event":
                kind = value
            elif name == "id" and "\0" not in value:
                last_id = value
            elif name == "retry" and value and all(digit in "0123456789" for digit in value):
                retry = int(value)
    return events


fields = st.sampled_from(
    [b"data", b"data:", b"data: x", b"event: e", b"id: 1", b"id:\x00", b"retry: 5", b":", b" "]
)
ends = st.sampled_from([b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n"])
oddities = st.sampled_from([b"\xef\xbb\xbf", "é\u2028".encode(), b"\xff", b"\xe2\x80", b"\x00"]) | st.binary(
    max_size=4
)
anything = st.lists(fields | ends | oddities, max_size=30).map(b"".join)


@given(anything.flatmap(chunkings))
@settings(max_examples=400)
def test_anything_decodes_as_the_standard_says(pieces: list[bytes]) -> None:
    assert decode(pieces) == reference(b"".join(pieces))


@given(anything, st.data())
@settings(max_examples=200)
def test_events_do_not_depend_on_when_they_are_pulled(stream: bytes, data: st.DataObject) -> None:
    decoder = SSEDecoder(LIMITS)
    events: list[ServerSentEvent] = []
    for piece in data.draw(chunkings(stream)):
        decoder.receive_data(bytearray(piece))
        for _ in range(data.draw(st.integers(0, 3))):
            if isinstance(event := decoder.next_event(), ServerSentEvent):
                events.append(event)
    decoder.receive_data(b"")
    while (event := decoder.next_event()) is not END:
        assert isinstance(event, ServerSentEvent)
        events.append(event)
    assert events == reference(stream)


@pytest.mark.parametrize("version", versions())
def test_recorded_streams(version: str) -> None:
    for operation in operations(version):
        for stream in streams(version, operation):
            events = decode([stream.data] if stream.data else [])
            assert events == reference(stream.data)
            assert events == decode(stream.pieces)
            if len(stream.data) < 1000 or operation in ("chat", "heartbeat", "log"):
                assert events == decode(fixed(stream.data, 1))
                assert events == decode(fixed(stream.data, 7))


def test_a_buffer_that_the_caller_uses_again_is_not_ours() -> None:
    decoder = SSEDecoder(LIMITS)
    buffer = bytearray(b"data: x\n\ndata: y\n\n")
    decoder.receive_data(buffer)
    buffer[:] = b"z" * len(buffer)
    assert [decoder.next_event(), decoder.next_event()] == [event("x"), event("y")]


def test_what_an_event_is_unless_it_says_so() -> None:
    assert ServerSentEvent("x") == event("x")


def test_after_the_end() -> None:
    decoder = SSEDecoder(LIMITS)
    decoder.receive_data(b"data: x\n\nda")
    decoder.receive_data(b"")
    decoder.receive_data(b"")
    with pytest.raises(LocalProtocolError, match="new SSEDecoder"):
        decoder.receive_data(b"ta")
    assert decoder.next_event() == event("x")
    assert decoder.next_event() is END


def test_a_long_wait_is_not_searched_again() -> None:
    start = b"data: " + b"x" * 16_000_000

    def work(pieces: int) -> None:
        assert decode_with(SSEDecoder(LIMITS), [start, *[b"x"] * pieces, b"\n\n"])

    assert seconds(lambda: work(1000)) < 5 * seconds(lambda: work(10)) + 0.05


def test_a_backlog_is_not_copied_again() -> None:
    def work(pieces: int) -> None:
        decoder = SSEDecoder(LIMITS)
        decoder.receive_data(b"data: x\n\n" * 1_000_000)
        for _ in range(pieces):
            decoder.receive_data(b"data: y\n\n")
            assert decoder.next_event() == event("x")

    assert seconds(lambda: work(1000)) < 5 * seconds(lambda: work(10)) + 0.05


def test_sentinels_have_their_names() -> None:
    assert (repr(NEED_DATA), repr(END)) == ("NEED_DATA", "END")


# Bounds

LIMITED = Limits(sse_message_bytes=20)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.data())
def test_the_limit_is_of_a_message_and_does_not_depend_on_the_chunking(
    sizes: list[int], data: st.DataObject
) -> None:
    lines = [b"data:" + b"x" * size + b"\n" for size in sizes]
    stream = b"data:ok\n\n" + b"".join(lines) + b"\n"  # what came before counts no more
    collected = 0
    fits = True
    for line in lines:
        fits = fits and collected + len(line) - 1 <= LIMITED.sse_message_bytes
        collected += len(line) - len(b"data:")
    pieces = data.draw(chunkings(stream))
    if fits:
        assert [event.data for event in decode(pieces, LIMITED)] == [
            "ok",
            "\n".join("x" * size for size in sizes),
        ]
        return
    decoder = SSEDecoder(LIMITED)
    with pytest.raises(LimitExceeded) as caught:
        decode_with(decoder, pieces)
    assert (caught.value.name, caught.value.limit) == ("sse_message_bytes", 20)


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"", b"x"), (b":", b"x"), (b"data:", b"x"), (b"event: ", b"x"), (b"", b"data: \n"), (b"", b"data\n")],
)
def test_an_endless_message_ends_in_an_error_that_stays(start: bytes, more: bytes) -> None:
    decoder = SSEDecoder(LIMITED)
    decoder.receive_data(start + more)
    with pytest.raises(LimitExceeded, match="sse_message_bytes"):  # noqa: PT012
        for _ in range(100):
            assert decoder.next_event() is NEED_DATA
            decoder.receive_data(more)
    decoder.receive_data(b"\n\ndata: x\n\n")
    decoder.receive_data(b"")
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            decoder.next_event()


def test_many_comments_and_fields_of_no_use_are_no_long_message() -> None:
    assert decode([b": ping\n", b"event: a\n", b"x: y\n"] * 1000 + [b"data: x\n\n"], LIMITED) == [
        event("x", "a")
    ]


@pytest.mark.parametrize(("ending", "events"), [(b"\n\n", 1), (b"\n", 0)], ids=["whole", "cut"])
def test_a_large_event_leaves_with_its_reader(ending: bytes, events: int) -> None:
    decoder = SSEDecoder(LIMITS)
    tracemalloc.start()
    try:
        assert len(decode_with(decoder, fixed(b"data: " + b"x" * 4_000_000 + ending, 65536))) == events
        decoder.receive_data(b"")
        assert decoder.next_event() is END
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()


def test_a_line_that_was_read_is_not_held_twice() -> None:
    decoder = SSEDecoder(LIMITS)
    tracemalloc.start()
    try:
        assert decode_with(decoder, fixed(b"data: " + b"x" * 4_000_000 + b"\nda", 65536)) == []
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        (b"x", 1),  # one line, byte by byte
        (b"data:x\n", 3),
        (b"\r", 1000),
        (b"data\r\n", 1000),
        (b"data:x\n\n", 10_000),  # many events in hand
        (b": comment without an end ", 700),
    ],
)
def test_time_is_linear(unit: bytes, size: int) -> None:
    def work(length: int) -> float:
        pieces = fixed(b"data: " + unit * (length // len(unit)), size)
        return seconds(lambda: decode(pieces))

    # Four times the input takes four times as long; quadratic would be sixteen.
    assert work(100_000) < 9 * work(25_000) + 0.02
