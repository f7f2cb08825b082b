"""Vectors of the event stream: bytes in, events out."""

from __future__ import annotations

from typing import Any

from recorded import streams

from .vector import PROTOCOLS, Names, Vector, as_piece

TOPIC = "sse"
DESCRIPTION = (
    "Bytes of an event stream, and its events by the WHATWG HTML standard. 'pieces' are the bytes as they arrive; "
    "the events must be the same however the bytes are cut. The stream ends after the last piece."
)


def event(data: str, event: str = "message", id: str = "", retry: int | None = None) -> dict[str, Any]:
    return {"data": data, "event": event, "id": id, "retry": retry}


WRITTEN: dict[str, tuple[str, list[bytes], list[dict[str, Any]]]] = {
    "empty": ("A stream without a byte.", [], []),
    "gradio": ("What Gradio writes.", [b'data: {"msg": "heartbeat"}\n\n'], [event('{"msg": "heartbeat"}')]),
    "two-at-once": ("Two events in one piece.", [b"data: 1\n\ndata: 2\n\n"], [event("1"), event("2")]),
    "cut/anywhere": (
        "Cuts in a field's name, in a character, and between the two ends of an event.",
        [b"da", b"ta: \xe2", b"\x82", b"\xac\n", b"\ndata: 2\n\n"],
        [event("\u20ac"), event("2")],
    ),
    "cut/crlf": (
        "A cut between CR and LF makes no empty line.",
        [b"data: 1\r", b"\ndata: 2\r", b"\n\r", b"\n"],
        [event("1\n2")],
    ),
    "bom": ("One byte order mark at the start is dropped.", [b"\xef\xbb\xbfdata: 1\n\n"], [event("1")]),
    "bom/cut": ("The same, cut.", [b"\xef", b"\xbb", b"\xbfdata: 1\n\n"], [event("1")]),
    "bom/later": (
        "A later one is part of its line, whose field nobody knows.",
        [b"data: 1\n\n\xef\xbb\xbfdata: 2\n\ndata: 3\n\n"],
        [event("1"), event("3")],
    ),
    "lines/lf": ("Lines end in LF.", [b"data: a\n\ndata: b\n\n"], [event("a"), event("b")]),
    "lines/cr": ("Lines end in CR.", [b"data: a\r\rdata: b\r\r"], [event("a"), event("b")]),
    "lines/crlf": ("Lines end in CR LF.", [b"data: a\r\n\r\ndata: b\r\n\r\n"], [event("a"), event("b")]),
    "lines/mixed": (
        "They may all stand in one stream.",
        [b"data: a\r\n\rdata: b\r\n\ndata: c\n\r\n"],
        [event("a"), event("b"), event("c")],
    ),
    "lines/cr-at-once": (
        "An event that ends in two CR is whole without the byte after them.",
        [b"data: a\r\r"],
        [event("a")],
    ),
    "lines/no-other": (
        "No other character ends a line: Gradio 4.44 and later send U+2028, U+2029 and U+0085 raw.",
        ["data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode()],
        [event("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg")],
    ),
    "comment": ("Lines that begin with a colon.", [b": ping\n\n:\ndata: 1\n: x\n\n"], [event("1")]),
    "data/lines": (
        "Several data lines are one value.",
        [b"data: a\ndata: b\ndata\ndata: c\n\n"],
        [event("a\nb\n\nc")],
    ),
    "data/no-space": ("The space after the colon may be missing.", [b"data:a\n\n"], [event("a")]),
    "data/two-spaces": ("One space is dropped, and no more.", [b"data:  a \n\n"], [event(" a ")]),
    "data/tab": ("A tab is no space.", [b"data:\ta\n\n"], [event("\ta")]),
    "data/empty": ("An event whose data is empty.", [b"data\n\ndata:\n\n"], [event(""), event("")]),
    "data/none": ("Without data there is no event.", [b"event: a\n\ndata: x\n\n"], [event("x")]),
    "data/colon": ("What follows the first colon is the value.", [b"data: a: b\n\n"], [event("a: b")]),
    "data/case": (
        "Names of fields are case sensitive, and not trimmed.",
        [b"Data: a\n data: b\ndata : c\n\n"],
        [],
    ),
    "event": (
        "The type is of one event.",
        [b"event: complete\ndata: x\n\ndata: y\n\n"],
        [event("x", "complete"), event("y")],
    ),
    "event/after": ("It may stand after the data.", [b"data: x\nevent: a\n\n"], [event("x", "a")]),
    "event/twice": ("The last one counts.", [b"event: a\nevent: b\ndata: x\n\n"], [event("x", "b")]),
    "event/empty": ("An empty one is none.", [b"event: \ndata: x\n\n"], [event("x")]),
    "id": (
        "An id holds until there is another.",
        [b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"],
        [event("a", id="1"), event("b", id="1"), event("c")],
    ),
    "id/null": ("One with U+0000 is passed over.", [b"id: 1\x002\ndata: x\n\n"], [event("x")]),
    "retry": (
        "Milliseconds, in ASCII digits; they hold until there are others.",
        [b"retry: 03000\ndata: x\n\nretry: 1s\nretry: -1\nretry:\ndata: y\n\n"],
        [event("x", retry=3000), event("y", retry=3000)],
    ),
    "retry/not-ascii": ("Other digits are none.", ["retry: ٣٠\ndata: x\n\n".encode()], [event("x")]),
    "unknown": ("Unknown fields are passed over.", [b"foo: bar\njusttext\ndata: x\n\n"], [event("x")]),
    "eof/in-line": ("The end in the middle of a line.", [b"data: 1\n\ndata: 2"], [event("1")]),
    "eof/in-event": ("The end before the empty line.", [b"data: 1\n\ndata: 2\n"], [event("1")]),
    "utf-8/broken": (
        "Bytes that are no UTF-8 become U+FFFD, as in a browser.",
        [b"data: \xff\xe2\x80\ndata: \xc3\n\n"],
        [event("\ufffd\ufffd\n\ufffd")],
    ),
}


def recorded() -> list[Vector]:
    """Streams that real servers sent, cut where they cut them."""
    found: list[Vector] = []
    for version, operation, protocol in (
        ("4.0.2", "echo", "sse"),
        ("4.13.0", "count", "sse_v1"),
        ("4.44.1", "stream", "sse_v3"),
        ("6.31.0", "echo", "sse_v3"),
        ("6.31.0", "heartbeat", "sse_v3"),
    ):
        names = Names()
        stream = streams(version, operation)[0]
        pieces = [names.text(piece.decode("utf-8")) for piece in stream.pieces]
        # Gradio writes one event in one chunk, as one data line: so what it meant is plain.
        events = [event(piece.removeprefix("data: ").removesuffix("\n\n")) for piece in pieces]
        assert all(piece == f"data: {one['data']}\n\n" for piece, one in zip(pieces, events, strict=True))
        found.append(
            Vector(
                f"sse/recorded/{version}/{operation}",
                f"What Gradio {version} sends.",
                f"recorded {version}/{operation}",
                {"pieces": pieces},
                {"events": events},
                (protocol,),
            )
        )
    names = Names()
    stream = next(s for s in streams("6.31.0", "call") if b"event: generating" in s.data)
    pieces = [names.text(piece.decode("utf-8")) for piece in stream.pieces]
    events = []
    for piece in pieces:
        kind, _, data = piece.removesuffix("\n\n").partition("\n")
        events.append(event(data.removeprefix("data: "), kind.removeprefix("event: ")))
    found.append(
        Vector(
            "sse/recorded/6.31.0/call",
            "What the simple API of Gradio 6.31.0 sends: events with types.",
            "recorded 6.31.0/call",
            {"pieces": pieces},
            {"events": events},
            ("sse_v3",),
        )
    )
    return found


def vectors() -> list[Vector]:
    """All of them."""
    written = [
        Vector(
            f"sse/{id}",
            text,
            "written",
            {"pieces": [as_piece(piece) for piece in pieces]},
            {"events": events},
        )
        for id, (text, pieces, events) in WRITTEN.items()
    ]
    streamed = tuple(name for name in PROTOCOLS if name != "ws")
    return [Vector(**{**vars(vector), "generations": streamed}) for vector in written] + recorded()
