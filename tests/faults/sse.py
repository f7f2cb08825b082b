"""How an event stream can be written: the cases of the Web Platform Tests' ``eventsource/format-*``, and worse.

Each case happens twice. As it stands there, its data are no message of Gradio's, and the error that comes of it
quotes them: so the text that an event has by the standard is seen through everything (``sse/wpt/...``). With messages
in the place of its data it is what a proxy might make of a server's stream, and its values come out
(``sse/format/...``). A call is made for each way to cut it: in one piece, byte for byte, and in two at every byte that
is not a message's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from gradio_proto.conformance.clients.rendering import event_id, event_of
from gradio_proto.conformance.clients.steps import (
    CLOSE_STREAM,
    Again,
    Answer,
    End,
    Frame,
    Head,
    Jobs,
    Pause,
    Script,
    Step,
    Talk,
    Text,
    begun,
    completed,
)
from gradio_proto.errors import HTTPStatusError, LimitExceeded, RemoteProtocolError
from gradio_proto.limits import KIB, MIB, Limits

from .model import Expected, Fault, Gives, Served, raises
from .said import exactly, name_of, opened, says
from .servers import scripted
from .uses import iterations, only_predicts, predicts, quotations

BOM = b"\xef\xbb\xbf"
LONG = b"x" * 2048
APART = Pause(0.0005)
"""Long enough for what was sent to be read by itself, on a machine that is not busy."""

Half: TypeAlias = tuple[str, int]
Part: TypeAlias = bytes | str | Half
"""Bytes as they are; or a message with that value; or one of the two halves of such a message."""


@dataclass(frozen=True)
class Case:
    """A stream of the Web Platform Tests."""

    name: str
    happens: str
    stream: bytes
    """As it is there, the line end included that the server of those tests adds."""
    heard: str
    """The data of the first event that an app's page is shown."""
    carried: tuple[Part, ...] = ()
    """The same with messages; nothing where it would be the same as another case."""
    values: tuple[str, ...] = ("1",)
    """The values that come out then."""
    kind: str = "text/event-stream"
    ends: bool = False
    """The stream ends with it, and the result never comes."""


CASES = (
    Case(
        "bom",
        "A byte order mark stands at the beginning, and one before the second event, where it spoils the field.",
        BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n\n",
        "1",
        (BOM + b"data:", "1", b"\n\n" + BOM + b"data:", "2", b"\n\ndata:", "3", b"\n\n\n"),
        ("1", "3"),
    ),
    Case(
        "bom-2",
        "Two byte order marks stand at the beginning: the second spoils the field.",
        BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n\n",
        "2",
        (BOM + BOM + b"data:", "1", b"\n\ndata:", "2", b"\n\ndata:", "3", b"\n\n\n"),
        ("2", "3"),
    ),
    Case(
        "comments",
        "Comments stand between the lines of an event, long ones, empty ones, and one with a NUL.",
        b"data:1\r:\0\n:\r\ndata:2\n:" + LONG + b"\rdata:3\n:data:fail\r:" + LONG + b"\ndata:4\n\n",
        "1\n2\n3\n4",
        (
            b":\0\n:\r\ndata:",
            ("1", 0),
            b"\n:" + LONG + b"\rdata:",
            ("1", 1),
            b"\n:data:fail\r:" + LONG + b"\ndata:\n\n",
        ),
    ),
    Case(
        "data-before-final-empty-line",
        "The stream ends behind an event's last line, and the blank line is missing: it is none.",
        b"retry:1000\ndata:test1\n\nid:test\ndata:test2\n",
        "test1",
        (b"retry:1000\ndata:", "1", b"\n\nid:test\ndata:", "2", b"\n"),
        ("1",),
        ends=True,
    ),
    Case(
        "field-data",
        "An event has empty data, and one has two empty lines of them.",
        b"data:\n\ndata\ndata\n\ndata:test\n\n\n",
        "",
    ),
    Case(
        "field-event",
        "An event has a type of its own, and the next one has none: the first is not for the app's page.",
        b"event:test\ndata:x\n\ndata:y\n\n\n",
        "y",
        (b"event:test\ndata:", "no", b"\n\ndata:", "1", b"\n\n\n"),
    ),
    Case(
        "field-event-empty",
        "The type of an event is empty, which is none.",
        b"event: \ndata:data\n\n\n",
        "data",
        (b"event: \ndata:", "1", b"\n\n\n"),
    ),
    Case(
        "field-id",
        "An event has an id beyond ASCII.",
        "id: …\nretry: 200\ndata: hello\n\n\n".encode(),
        "hello",
        ("id: …\nretry: 200\ndata: ".encode(), "1", b"\n\n\n"),
    ),
    Case(
        "field-id-2",
        "The id of an event holds for the next ones.",
        "id: …\ndata: hello\n\ndata: again\n\n".encode(),
        "hello",
        ("id: …\ndata: ".encode(), "1", b"\n\ndata: ", "2", b"\n\n"),
        ("1", "2"),
    ),
    Case(
        "field-id-3",
        "The id of the stream changes, and is reset.",
        b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid:\ndata: 3\n\ndata: 4\n\n",
        "1",
        (
            b"id: 1\ndata: ",
            "1",
            b"\n\nid: 2\ndata: ",
            "2",
            b"\n\nid:\ndata: ",
            "3",
            b"\n\nid\ndata: ",
            "4",
            b"\n\n",
        ),
        ("1", "2", "3", "4"),
    ),
    Case(
        "field-id-null",
        "The id of an event has a NUL.",
        b"id: \0\0\nretry: 200\ndata: hello\n\n\n",
        "hello",
        (b"id: \0\0\nretry: 200\ndata: ", "1", b"\n\n\n"),
    ),
    Case(
        "field-parsing",
        "Fields are written almost as data: in capitals, with a NUL, a space before them, a sign within them.",
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\n"
        b"da-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        "\0\n 2\n1\n3\n\n4",
        (
            b"data:",
            ("1", 0),
            b"\rData:1\ndata\0:2\ndata:\r\0data:4\nda-ta:3\rdata_5\ndata:",
            ("1", 1),
            b"\rdata:\r\n data:32\n\n",
        ),
    ),
    Case(
        "field-retry",
        "The stream asks for a time before a reconnection.",
        b"retry:3000\ndata:x\n\n\n",
        "x",
        (b"retry:3000\ndata:", "1", b"\n\n\n"),
    ),
    Case(
        "field-retry-bogus",
        "The time before a reconnection is no number.",
        b"retry:2000\nretry:1000x\ndata:x\n\n\n",
        "x",
        (b"retry:2000\nretry:1000x\ndata:", "1", b"\n\n\n"),
    ),
    Case(
        "field-retry-empty",
        "The time before a reconnection is empty.",
        b"retry\ndata:test\n\n\n",
        "test",
        (b"retry\ndata:", "1", b"\n\n\n"),
    ),
    Case(
        "field-unknown",
        "Fields that nobody knows stand in an event, and one that begins with a space.",
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n\n",
        "test\n\ntest",
        (
            b"data:",
            ("1", 0),
            b"\n data\ndata\nfoobar:xxx\njustsometext\n:comment\ndata:",
            ("1", 1),
            b"\n\n\n",
        ),
    ),
    Case(
        "leading-space",
        "A tab stands behind the colon, which is data, and a space, which is not.",
        b"data:\ttest\rdata: \ndata:test\n\n\n",
        "\ttest\n\ntest",
        (b"data:\t", ("1", 0), b"\rdata: \ndata:", ("1", 1), b"\n\n\n"),
    ),
    Case(
        "newlines",
        "Each line of an event ends in another way.",
        b"data:test\r\ndata\ndata:test\r\n\r\n",
        "test\n\ntest",
        (b"data:", ("1", 0), b"\r\ndata\ndata:", ("1", 1), b"\r\n\r\ndata:", "2", b"\r\r"),
        ("1", "2"),
    ),
    Case("null-character", "The data are a NUL.", b"data:\0\n\n\n\n", "\0"),
    Case(
        "utf-8",
        "The type of the stream names a charset, which counts for nothing: it is UTF-8.",
        "data:ok…\n\n\n".encode(),
        "ok…",
        (b"data:", "ok…", b"\n\n\n"),
        ("ok…",),
        kind="text/event-stream;charset=windows-1252",
    ),
    Case(
        "mime-trailing-semicolon",
        "A semicolon stands behind the type of the stream.",
        b"data:data\n\n\n",
        "data",
        (b"data:", "1", b"\n\n\n"),
        kind="text/event-stream;",
    ),
    Case(
        "mime-valid-bogus",
        "A parameter that is none stands behind the type of the stream.",
        b"data:data\n\n\n",
        "data",
        (b"data:", "1", b"\n\n\n"),
        kind="text/event-stream;x bogus",
    ),
    Case(
        "event-data",
        "Events without data, or with fields that are none, stand between others.",
        b"data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
        "msg\nmsg",
        (b":\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata:", "1", b"\n\n:\n\ndata:", "2", b"\n\n"),
        ("1", "2"),
    ),
)


def message_of(value: str, job: int) -> bytes:
    """A message with a whole value, in every generation."""
    fields = {
        "msg": "process_streaming",
        "success": True,
        "output": {"data": [value]},
        "event_id": event_id(job),
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def rendered(part: Part, job: int) -> bytes:
    """A part as bytes."""
    if isinstance(part, bytes):
        return part
    if isinstance(part, str):
        return message_of(part, job)
    value, half = part
    first, comma, second = message_of(value, job).partition(b", ")
    return second if half else first + comma


def ways_to_cut(parts: tuple[Part, ...]) -> Iterator[int | None]:
    """Where to cut: not at all (None), everywhere (0), and before each byte that is not within a message or padding."""
    yield None
    yield 0
    data = b"".join(rendered(part, 1) for part in parts)
    at = 0
    for part in parts:
        size = len(rendered(part, 1)) if isinstance(part, bytes) else 1
        yield from (k for k in range(at, at + size) if k and data[k - 1 : k + 1] != b"xx")
        at += len(rendered(part, 1))


def cut(data: bytes, at: int | None) -> tuple[Step, ...]:
    """Bytes of a body, sent in pieces."""
    if at is None:
        return (Text(data),)
    if at == 0:
        # Of a long comment not every byte is worth its time.
        size = max(1, len(data) // 400)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
    else:
        pieces = [data[:at], data[at:]]
    return tuple(step for piece in pieces for step in (Text(piece), APART))


def talks_of(case: Case, parts: tuple[Part, ...]) -> list[Talk]:
    """A stream for each way to cut the case."""
    head = Head(headers=(("content-type", case.kind),))
    talks: list[Talk] = []
    for number, at in enumerate(ways_to_cut(parts)):
        data = b"".join(rendered(part, number + 1) for part in parts)
        end = (End(),) if case.ends else (completed("end", job=number + 1), CLOSE_STREAM, End())
        talks.append((head, *cut(data, at), *end))
    return talks


def verbatim(case: Case) -> Fault:
    """The case as it stands."""
    talks = talks_of(case, (case.stream,))
    return Fault(
        id=f"sse/wpt/{case.name}",
        happens=case.happens,
        phase="stream",
        served=exactly(*talks),
        use=quotations(len(talks)),
        expect=Gives([(case.heard, len(talks))]),
    )


def carried(case: Case) -> Fault:
    """The case with messages."""
    talks = talks_of(case, case.carried)
    end = ["ConnectionLost stream_lost"] if case.ends else []
    return Fault(
        id=f"sse/format/{case.name}",
        happens=case.happens,
        phase="stream",
        served=exactly(*talks),
        use=iterations(len(talks)),
        expect=Gives([([*case.values, *end], len(talks))]),
    )


def written(id: str, happens: str, served: Served, expect: Expected, **options: Any) -> Fault:
    """A fault of one call's stream."""
    given = {"use": predicts, **options}
    return Fault(id=f"sse/{id}", happens=happens, phase="stream", served=served, expect=expect, **given)


def beside(*steps: Step) -> Talk:
    """Something odd between the messages of a job that goes well."""
    return (*begun(1), *steps, completed("well"))


DONE = event_of(completed("well"), "sse_v3")
SMALL = {"limits": Limits(sse_message_bytes=64 * KIB)}
LINES = (b"data:" + b"x" * 250 + b"\n") * 256
MEASURED = {"limits": Limits(sse_message_bytes=MIB)}
PIECES = 68 * MIB // (64 * KIB)
"""As much as no message may have by default either, for :mod:`faults.memory`."""

ODDITIES: tuple[tuple[str, str, tuple[Step, ...]], ...] = (
    (
        "events-of-a-proxy",
        "A proxy puts in events of a type of its own, whose data are no message.",
        (Text(b"event: ping\ndata: {}\n\nevent: error\ndata: gone\n\n"),),
    ),
    ("named-message", "An event names the type that all have.", (Text(b"event: message\n"),)),
    ("blank-lines", "Many blank lines stand between two events.", (Text(b"\n" * 10_000),)),
    (
        "event-without-data",
        "An event has a type and no data, and is none.",
        (Text(b"event: x\n\nevent: message\nid: 7\n\n"),),
    ),
    (
        "endless-retry",
        "The time before a reconnection has five thousand digits.",
        (Text(b"retry: " + b"9" * 5000 + b"\n\n"),),
    ),
    ("comment-no-utf-8", "A comment is no UTF-8.", (Text(b":\xff\xfe\xed\xa0\x80\n\n"),)),
    (
        "comment-of-a-megabyte",
        "A comment is a megabyte long, as padding against buffers.",
        (Text(b":" + b" " * MIB + b"\n\n"),),
    ),
    ("colons", "Lines are nothing but colons.", (Text(b":\n::\n:::\n\n"),)),
    ("carriage-returns", "Lines end with CR alone.", (Text(b": a\r\r: b\r"), APART, Text(b"\n\r\n"))),
)

WORSE = (
    written(
        "wpt/mime-bogus",
        "The type of the stream is none.",
        exactly((Answer(200, b"data:data\n\n", content_type="x bogus"),)),
        raises(HTTPStatusError, "where an event stream was expected", status=200),
    ),
    *(
        written(
            f"{name}/{name_of(generation)}",
            happens,
            says(*beside(*steps), generation=generation),
            Gives("well"),
        )
        for name, happens, steps in ODDITIES
        for generation in ("sse", "sse_v1", "sse_v3")
    ),
    written(
        "line-separators",
        "U+2028, U+2029, U+0085, VT and FF stand in a message as they are: they end no line.",
        says(
            *begun(1),
            Text(
                b"data: "
                + json.dumps(
                    {**completed("a\u2028b\u2029c\x85d").fields, "event_id": event_id(1)}, ensure_ascii=False
                ).encode()
                + b"\n\n"
            ),
        ),
        Gives("a\u2028b\u2029c\x85d"),
    ),
    written(
        "no-utf-8",
        "A text in a message is no UTF-8: what is none is told as U+FFFD.",
        says(*begun(1), Text(DONE.replace(b"well", b"\xffa\xe2\x82b"))),
        Gives("\ufffda\ufffdb"),
    ),
    written(
        "surrogates-raw",
        "A text in a message has the bytes of half a character.",
        says(*begun(1), Text(DONE.replace(b"well", b"\xed\xa0\x80"))),
        Gives("\ufffd" * 3),
    ),
    written(
        "nul-in-message",
        "A message has a NUL in a text, which JSON does not allow.",
        says(*begun(1), Text(DONE.replace(b"well", b"\0"))),
        raises(RemoteProtocolError, "a message is not valid JSON", retryable=False),
    ),
    written(
        "line-end-in-message",
        "A message has a line end in a text.",
        says(*begun(1), Text(DONE.replace(b"well", b"we\ndata:ll"))),
        raises(RemoteProtocolError, "a message is not valid JSON", retryable=False),
    ),
    written(
        "empty-data",
        "An event has empty data.",
        says(*begun(1), Text(b"data:\n\n")),
        raises(RemoteProtocolError, "a message is not valid JSON", retryable=False),
    ),
    written(
        "long-message",
        "A message is longer than the limit.",
        says(*begun(1), completed("x" * 64 * KIB)),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        options=SMALL,
    ),
    written(
        "long-message/sse",
        "A message is longer than the limit.",
        says(*begun(1), completed("x" * 64 * KIB), generation="sse"),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        options=SMALL,
    ),
    written(
        "long-message/ws",
        "A message is longer than the limit.",
        says(*begun(1), completed("x" * 64 * KIB), generation="ws"),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        options=SMALL,
    ),
    written(
        "endless-line",
        "A line has no end.",
        scripted(
            Script(
                Jobs(
                    (opened(*begun(1), Text(b"data: "), Again((Text(b"x" * 64 * KIB),), PIECES)),),
                    False,
                    False,
                )
            )
        ),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        use=only_predicts,
        options=MEASURED,
        limit="sse_message_bytes",
    ),
    written(
        "endless-lines",
        "An event has lines of data without end.",
        scripted(
            Script(
                Jobs(
                    (opened(*begun(1), Again((Text(LINES),), PIECES)),),
                    False,
                    False,
                )
            )
        ),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        use=only_predicts,
        options=MEASURED,
        limit="sse_message_bytes",
    ),
    written(
        "endless-comments",
        "Comments come to 16 MiB, and cost no memory.",
        says(*beside(Again((Text(b":" + b"x" * 64 * KIB + b"\n"),), 256))),
        Gives("well"),
        options=MEASURED,
        limit="sse_message_bytes",
    ),
    written(
        "endless-message/ws",
        "A message comes in frames without end.",
        scripted(
            Script(
                Jobs(
                    (
                        opened(
                            *begun(1),
                            Frame(1, b"x", final=False),
                            Again((Frame(0, b"x" * 64 * KIB, final=False),), PIECES),
                            generation="ws",
                        ),
                    ),
                    False,
                    False,
                )
            ),
            "ws",
        ),
        raises(LimitExceeded, name="sse_message_bytes", retryable=False),
        use=only_predicts,
        options=MEASURED,
        limit="sse_message_bytes",
    ),
)

FAULTS = (*map(verbatim, CASES), *(carried(case) for case in CASES if case.carried), *WORSE)
