"""What can happen to the stream that carries the messages of jobs."""

from __future__ import annotations

import gzip
from typing import Any, Literal

from gradio_proto.conformance.clients.rendering import chunk, event_id, event_of, frame_of, head_of, text_of
from gradio_proto.conformance.clients.steps import (
    CLOSE_STREAM,
    ELSEWHERE,
    HEARTBEAT,
    Again,
    Answer,
    Bare,
    Close,
    End,
    Frame,
    Head,
    Jobs,
    Message,
    Pause,
    Pieces,
    Reset,
    Script,
    Silence,
    Step,
    Talk,
    Text,
    Until,
    begun,
    completed,
    estimation,
    generating,
    message,
)
from gradio_proto.errors import (
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    HTTPStatusError,
    JobCancelled,
    LimitExceeded,
    RemoteProtocolError,
    TooManyRequestsError,
)
from gradio_proto.limits import KIB, Limits
from gradio_proto.timeouts import Timeouts

from .model import Expected, Fault, Gives, Served, raises
from .said import ALL, ONE_STREAM, STREAMS, exactly, name_of, opened, says, well, whole
from .servers import scripted
from .uses import asked_for, attempts, only_predicts, predicts, two_outcomes, unharmed

JOINS_SLOWLY = tuple(
    ((Pause(0.05),) if job == 2 else ()) + (Answer(body=b'{"event_id": "%s"}' % event_id(job).encode()),)
    for job in (1, 2, 3)
)
"""The second join is answered late."""

LOST = "ConnectionLost stream_lost"

RESET = (Pause(0.0005), Reset())
"""A reset, when what was said before has gone out: a server does not send what it has not sent by then."""

Framing = Literal["chunked", "close"]


def done(job: int) -> Message:
    """The shortest completion."""
    return Message({"msg": "process_completed", "output": {"data": ["well"]}, "success": True}, job)


def bytes_of(job: int, generation: str, framing: Framing) -> tuple[bytes, int]:
    """Everything that is said to a job, and how much of it there must be for the job to have its result."""
    if generation == "ws":
        result = frame_of(Frame(1, text_of(done(job), generation)))
        return result + frame_of(Frame(8, b"\x03\xe8")), len(result)
    event = event_of(done(job), generation)
    close = event_of(CLOSE_STREAM, generation) if generation == "sse_v3" else b""
    head = b"" if generation == "sse" else head_of(Head(framing=framing))
    if framing == "close":
        return head + event + close, len(head) + len(event)
    before = head + b"%x\r\n" % len(event)
    return head + chunk(event) + (chunk(close) if close else b"") + b"0\r\n\r\n", len(before) + len(event)


def cut_at_every_byte(
    id: str, happens: str, *end: Step, generation: str, framing: Framing = "chunked"
) -> Fault:
    """A call for each byte of what is said to it: the connection ends in front of that byte."""
    said, needed = bytes_of(1, generation, framing)
    # A reset takes back what has come and was not read: behind the result it is a matter of moments.
    calls = needed if end == RESET else len(said)
    head = len(head_of(Head(framing="close")))
    talks: list[Talk] = []
    for k in range(calls):
        cut = Bare(bytes_of(k + 1, generation, framing)[0][:k])
        if generation in ("ws", "sse"):
            talks.append(opened(cut, *end, generation=generation, number=k))
        else:
            # The end of the connection is a clean end of this body: without a word about the job it is asked for again.
            is_asked_twice = framing == "close" and head <= k < needed
            talks += [(cut, *end)] * (2 if is_asked_twice else 1)
    return Fault(
        id=f"streams/{id}/{name_of(generation)}",
        happens=happens,
        phase="stream",
        served=exactly(*talks, generation=generation, next_job=calls + 1),
        use=attempts(calls),
        expect=Gives([(LOST, needed), *([("well", calls - needed)] if calls > needed else [])]),
    )


def stream(id: str, happens: str, served: Served, expect: Expected, **options: Any) -> Fault:
    """A fault of one call's stream, behind which the next call works."""
    return Fault(
        id=f"streams/{id}",
        happens=happens,
        phase="stream",
        served=served,
        expect=expect,
        **{"use": predicts, **options},
    )


def answered(id: str, happens: str, answer: Answer, expect: Expected, **options: Any) -> Fault:
    """The request for the stream gets this answer, and the next one a stream."""
    return stream(id, happens, exactly((answer,)), expect, **options)


def framed(id: str, happens: str, *steps: Step, expect: Expected, **options: Any) -> Fault:
    """The bytes of a body whose framing is odd."""
    return stream(id, happens, exactly(opened(*steps)), expect, **options)


def lost(text: str = "") -> Expected:
    """The stream is lost, with whatever ran on it."""
    return raises(ConnectionLost, text, phase="stream_lost", retryable=False)


def silent(kind: str = "idle") -> Expected:
    """A deadline is over while the stream is open."""
    return raises(DeadlineExceeded, kind=kind, phase="stream_lost", retryable=False)


def overdue() -> Expected:
    """The time of the whole call is over, and the server may go on with it."""
    return raises(DeadlineExceeded, kind="total", phase="accepted", retryable=False)


def refused(status: int, text: str = "/queue/data answered") -> Expected:
    """The answer to the request for the stream was not one."""
    return raises(HTTPStatusError, text, status=status, retryable=False)


def broken_http(text: str = "the server's answer is not HTTP/1.1") -> Expected:
    """What came is no HTTP."""
    return raises(RemoteProtocolError, text, retryable=False)


PAGE = b"<!doctype html><html><body><h1>Service</h1></body></html>"
TOTAL = {"timeouts": Timeouts(connect=5, read=5, write=5, idle=5, total=0.3)}
"""A deadline for a whole call, where nothing else would end it."""
SOON = {"timeouts": Timeouts(connect=5, read=5, write=5, idle=0.3)}
"""A short one for silence."""
SMALL = {"limits": Limits(header_bytes=8 * KIB, sse_message_bytes=64 * KIB)}

FLOOD = 256
"""How often some 64 KiB are said: more than a client's memory may grow by, however small its limits."""

DONE = event_of(done(1), "sse_v3")
RESULT = chunk(DONE)
LAST = b"0\r\n\r\n"
STEPS: dict[str, tuple[Step, ...]] = {
    "head": (),
    "estimation": begun(1)[:1],
    "start": begun(1),
    "output": (*begun(1), generating("one")),
    "half-a-message": (*begun(1), Text(DONE[:40])),
    "half-a-chunk": (*begun(1), Bare(RESULT[:40])),
}
"""Where a healthy stream may stop."""

BREAKS: tuple[tuple[str, tuple[Step, ...]], ...] = (("closed", (Close(),)), ("reset", RESET))

AT_EVERY_BYTE = (
    *(
        cut_at_every_byte(
            "reset-at-every-byte",
            "The connection is reset, call for call a byte later.",
            *RESET,
            generation=generation,
        )
        for generation in ("ws", "sse", "sse_v3")
    ),
    *(
        cut_at_every_byte(
            "closed-at-every-byte",
            "The connection is closed, call for call a byte later.",
            Close(),
            generation=generation,
        )
        for generation in ("ws", "sse", "sse_v3")
    ),
    cut_at_every_byte(
        "until-close-at-every-byte",
        "A body that ends with its connection is cut off, call for call a byte later.",
        Close(),
        generation="sse_v3",
        framing="close",
    ),
)

BREAKING = (
    *(
        stream(
            f"{name}-while-running/{name_of(generation)}",
            "The connection breaks while the job runs.",
            exactly(opened(*begun(1), *steps, generation=generation), generation=generation),
            lost(),
        )
        for name, steps in BREAKS
        for generation in ALL
    ),
    *(
        stream(
            f"ended-while-running/{name_of(generation)}",
            "The body ends as it should, and the job has not.",
            exactly(opened(*begun(1), End(), generation=generation), generation=generation),
            lost("the server ended the stream before the job"),
        )
        for generation in STREAMS
    ),
    stream(
        "ended-while-running/ws",
        "The WebSocket is closed with 1000, and the job has not ended.",
        exactly(opened(*begun(1), End(), generation="ws"), generation="ws"),
        raises(JobCancelled, exactly=False, retryable=False),
    ),
    *(
        stream(
            f"lost-beside/{name_of(generation)}",
            "The connection breaks when one of two jobs has ended: that one keeps its result.",
            exactly(
                opened(
                    Until("queue/join", 2),
                    *begun(1),
                    *begun(2),
                    completed("sibling", job=2),
                    Pause(0.02),
                    Close(),
                    generation=generation,
                ),
                generation=generation,
                next_job=3,
            ),
            lost(),
            use=unharmed,
        )
        for generation in ONE_STREAM
    ),
    stream(
        "reset-behind-result",
        "The connection is reset when the result has been read.",
        exactly(opened(*begun(1), completed("well"), Pause(0.1), Reset())),
        Gives("well"),
    ),
    stream(
        "closed-behind-result",
        "The connection is closed behind the result: neither close_stream nor the last chunk come.",
        exactly(opened(*begun(1), completed("well"), Close())),
        Gives("well"),
    ),
    stream(
        "open-behind-result",
        "The stream stays open behind the result, with a heartbeat now and then.",
        exactly(opened(*well(1), Again((HEARTBEAT,), 2, 0.01), *well(2), Silence())),
        Gives("well"),
    ),
    stream(
        "close-stream-without-result",
        "close_stream comes while the job runs, and the body ends.",
        exactly(opened(*begun(1), CLOSE_STREAM, End())),
        lost("the server ended the stream before the job"),
    ),
    stream(
        "close-stream-twice",
        "close_stream comes twice.",
        exactly(opened(*well(1), CLOSE_STREAM, CLOSE_STREAM, End())),
        Gives("well"),
    ),
    stream(
        "close-stream-before-result",
        "close_stream comes before the result, which is behind it on the same stream.",
        exactly(opened(*begun(1), CLOSE_STREAM, completed("well"), End())),
        Gives("well"),
    ),
    stream(
        "close-stream-and-open",
        "close_stream comes behind the result, and the body does not end.",
        exactly(opened(*well(1), CLOSE_STREAM, Silence())),
        Gives("well"),
        use=only_predicts,  # the next call waits for that end, for 5 s
    ),
    stream(
        "close-stream-of-old-generation",
        "close_stream comes in a generation that has none.",
        exactly(opened(*well(1), CLOSE_STREAM, End(), generation="sse_v1"), generation="sse_v1"),
        Gives("well"),
    ),
)

CROSSING = (
    stream(
        "crossing-join",
        "close_stream crosses a join: the next stream tells of the second job.",
        exactly(
            opened(*begun(1), Until("queue/join", 2), completed("well"), CLOSE_STREAM, End()),
            opened(*begun(2), completed("sibling", job=2), CLOSE_STREAM, End()),
            next_job=3,
        ),
        Gives("well"),
        use=unharmed,
    ),
    stream(
        "crossing-join/reply-late",
        "close_stream comes before the answer to the second join, and its stream afterwards.",
        exactly(
            opened(*begun(1), Until("queue/join", 2), completed("well"), CLOSE_STREAM, End()),
            opened(*begun(2), completed("sibling", job=2), CLOSE_STREAM, End()),
            next_job=3,
            replies={"queue/join": JOINS_SLOWLY},
        ),
        Gives("well"),
        use=unharmed,
    ),
    stream(
        "crossing-join/messages-first",
        "All that is said of the second job, and close_stream, come before the answer to its join.",
        exactly(
            opened(
                *begun(1),
                Until("queue/join", 2),
                *begun(2),
                completed("sibling", job=2),
                completed("well"),
                CLOSE_STREAM,
                End(),
            ),
            next_job=3,
            replies={"queue/join": JOINS_SLOWLY},
        ),
        Gives("well"),
        use=unharmed,
    ),
    stream(
        "crossing-join/lost",
        "The stream is lost while the second job joins: its answer comes, and nobody knows whether it is kept.",
        exactly(
            opened(*begun(1), Until("queue/join", 2), Close()),
            next_job=3,
            replies={"queue/join": JOINS_SLOWLY},
        ),
        Gives(["ConnectionLost stream_lost", "ConnectionLost accepted"]),
        use=two_outcomes,
    ),
)

ENDINGS = (
    *(
        stream(
            f"empty-then-told/{name_of(generation)}",
            "The first stream ends without a word, and the second tells it all.",
            exactly(
                opened(End(), generation=generation),
                whole(*well(1), generation=generation),
                generation=generation,
                next_job=2,
            ),
            Gives("well"),
        )
        for generation in ONE_STREAM
    ),
    *(
        stream(
            f"empty-for-ever/{name_of(generation)}",
            "Every stream of the job ends without a word.",
            exactly(
                *(opened(End(), generation=generation),) * 2,
                generation=generation,
                next_job=2,
            ),
            lost("the server ended the stream before the job"),
        )
        for generation in ONE_STREAM
    ),
    stream(
        "reopened-for-ever",
        "Every stream ends without a word, whatever the job: none is asked for more than twice.",
        scripted(Script(Jobs((opened(End()),), opening=False, ending=False))),
        Gives(([("ConnectionLost stream_lost", 10)], 20)),
        use=asked_for(10, "queue/data"),
    ),
    stream(
        "of-another-session",
        "The stream tells of the jobs of somebody else, and ends; so does the next one.",
        exactly(*(opened(*well(77), CLOSE_STREAM, End()),) * 2, next_job=2),
        lost("the server ended the stream before the job"),
    ),
    stream(
        "of-another-session-too",
        "The stream tells of the jobs of somebody else before it tells of ours.",
        says(*well(77), message("process_generating", 78, output=None), *well(1)),
        Gives("well"),
    ),
    stream(
        "of-another-session-for-ever",
        "The stream tells of the jobs of somebody else, and of nothing else.",
        exactly(opened(Again(well(77), every=0.02))),
        overdue(),
        options=TOTAL,
        use=only_predicts,
    ),
    stream(
        "second-reader",
        "Somebody else reads the same session: of the job's messages only the first and the last come.",
        says(estimation(1), completed("well")),
        Gives("well"),
    ),
    stream(
        "second-reader-took-result",
        "Somebody else reads the same session, and gets the result: here only heartbeats come.",
        exactly(opened(*begun(1), Again((HEARTBEAT,), every=0.02))),
        overdue(),
        options=TOTAL,
        use=only_predicts,
    ),
)

WAITING = (
    *(
        stream(
            f"silence/{name}",
            "Nothing more comes, and the connection stays.",
            exactly(opened(*steps, Silence())),
            silent(),
            options=SOON,
        )
        for name, steps in STEPS.items()
    ),
    stream(
        "silence/ws",
        "Nothing more comes on a WebSocket, not even the answer to a ping.",
        exactly(opened(*begun(1), Silence(), generation="ws"), generation="ws"),
        silent(),
        options=SOON,
    ),
    stream(
        "silence/sse",
        "Nothing more comes where no server has a sign of life: the deadline of the whole call counts.",
        exactly(opened(*begun(1), Silence(), generation="sse"), generation="sse"),
        overdue(),
        options=TOTAL,
    ),
    stream(
        "silence/no-head",
        "The request for the stream is never answered.",
        exactly((Silence(),)),
        silent("read"),
        options={"timeouts": Timeouts(connect=5, read=0.3, write=5, idle=5)},
    ),
    stream(
        "opened-late",
        "The head of the stream comes after a while, with everything else.",
        exactly((Pause(0.1), *whole(*well(1)))),
        Gives("well"),
    ),
    *(
        stream(
            f"heartbeats-only/{name_of(generation)}",
            "Nothing but heartbeats comes: the server lives, and the deadline of the whole call counts.",
            exactly(
                opened(*begun(1), Again((HEARTBEAT,), every=0.02), generation=generation),
                generation=generation,
            ),
            overdue(),
            options=TOTAL,
            use=only_predicts,
        )
        for generation in ("sse", "sse_v1", "sse_v3")
    ),
    stream(
        "drip",
        "A message comes a byte at a time, and has no end.",
        exactly(opened(*begun(1), Text(b"data: "), Again((Text(b"x"),), every=0.01))),
        overdue(),
        options=TOTAL,
        use=only_predicts,
    ),
    stream(
        "drip/head",
        "The head comes a byte at a time, and has no end.",
        exactly((Bare(b"HTTP/1.1 200 OK\r\nx-head: "), Again((Bare(b"x"),), every=0.01))),
        silent("read"),
        options={"timeouts": Timeouts(connect=5, read=0.3, write=5, idle=5)},
    ),
    stream(
        "drip/ws",
        "A frame comes a byte at a time, and has no end.",
        exactly(
            opened(*begun(1), Frame(1, b"", length=2**16), Again((Bare(b"x"),), every=0.01), generation="ws"),
            generation="ws",
        ),
        overdue(),
        options=TOTAL,
    ),
)

ANSWERS = (
    answered("status/no-content", "The stream is answered 204.", Answer(204, b"", (), None), refused(204)),
    answered(
        "status/not-found",
        "The stream is answered 404.",
        Answer(404, b'{"detail": "Not Found"}'),
        refused(404, "Not Found"),
    ),
    answered(
        "status/not-allowed",
        "The stream is answered 405.",
        Answer(405, b'{"detail": "Method Not Allowed"}'),
        refused(405, "Method Not Allowed"),
    ),
    answered(
        "status/forbidden",
        "The stream is answered 403, in plain text.",
        Answer(403, b"no", content_type="text/plain"),
        refused(403, "no"),
    ),
    answered(
        "status/unauthorized",
        "The stream is answered 401.",
        Answer(401, b'{"detail": "Not authenticated"}'),
        raises(AuthenticationError, "this app wants a login", retryable=False),
    ),
    answered(
        "status/server-error",
        "The stream is answered 500, in plain text.",
        Answer(500, b"Internal Server Error", content_type="text/plain"),
        refused(500, "Internal Server Error"),
    ),
    answered(
        "status/bad-gateway",
        "The stream is answered 502, by a page.",
        Answer(502, PAGE, content_type="text/html"),
        refused(502, "text/html"),
    ),
    answered(
        "status/gateway-timeout",
        "The stream is answered 504, by a page: the server may have opened it.",
        Answer(504, PAGE, content_type="text/html"),
        refused(504, "text/html"),
    ),
    answered(
        "status/partial-content",
        "The stream is answered 206.",
        Answer(206, DONE, content_type="text/event-stream"),
        refused(206),
    ),
    *(
        stream(
            f"status/{name}-once",
            f"The stream is answered {status} once, and then opened.",
            exactly((Answer(status, b"{}"),), whole(*well(1)), next_job=2),
            Gives("well"),
        )
        for name, status in (("unavailable", 503), ("too-many-requests", 429))
    ),
    stream(
        "status/unavailable-for-ever",
        "Every request for a stream is answered 503: it is not asked for again, and again.",
        exactly((Answer(503, b"{}"),)),
        refused(503),
        options={"max_retries": 0},
    ),
    stream(
        "status/too-many-requests-too-long",
        "The stream is answered 429, and is to be asked for in a year.",
        exactly((Answer(429, b"{}", (("retry-after", "31536000"),)),)),
        raises(TooManyRequestsError, retry_after=31536000.0, retryable=False),
    ),
    answered(
        "type/page",
        "A page of HTML with status 200 comes in place of the stream.",
        Answer(200, PAGE, content_type="text/html"),
        refused(200, "text/html where an event stream was expected"),
    ),
    answered(
        "type/json",
        "A JSON object comes in place of the stream.",
        Answer(200, b"{}"),
        refused(200, "application/json where an event stream was expected"),
    ),
    answered(
        "type/plain",
        "The stream says that it is plain text.",
        Answer(200, DONE, content_type="text/plain"),
        refused(200, "text/plain"),
    ),
    answered(
        "type/none",
        "The stream does not say what it is.",
        Answer(200, DONE, content_type=None),
        refused(200, "a document of no stated type"),
    ),
    stream(
        "type/another-case",
        "The type of the stream is written in another case, and has a charset.",
        exactly(
            (
                Head(headers=(("CONTENT-TYPE", "Text/Event-Stream;charset=UTF-8"),)),
                *well(1),
                CLOSE_STREAM,
                End(),
            )
        ),
        Gives("well"),
    ),
    stream(
        "gzip",
        "The stream is compressed, which nobody has asked for.",
        exactly(
            (
                Head(headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip"))),
                Text(gzip.compress(DONE)),
                End(),
            )
        ),
        raises(RemoteProtocolError, "gzip", retryable=False),
    ),
    *(
        answered(
            f"redirect/{name}",
            "The stream is redirected.",
            Answer(status, b"", (("location", to),), None),
            refused(status),
        )
        for name, status, to in (
            ("here", 307, "/gradio_api/queue/elsewhere"),
            ("elsewhere", 302, f"{ELSEWHERE}/gradio_api/queue/data"),
            ("itself", 308, "/gradio_api/queue/data"),
        )
    ),
    stream(
        "head/none",
        "The connection, which has carried other requests, is closed without an answer to this one.",
        exactly((Close(),)),
        lost("without answering"),
    ),
    stream(
        "head/no-http",
        "The answer is another protocol's.",
        exactly((Bare(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Close())),
        broken_http(),
    ),
    stream(
        "head/endless",
        "The head of the stream has no end.",
        exactly((Bare(b"HTTP/1.1 200 OK\r\n"), Again((Bare(b"x-more: and more\r\n" * 4000),), FLOOD))),
        raises(LimitExceeded, name="header_bytes", retryable=False),
        options=SMALL,
        limit="header_bytes",
    ),
    stream(
        "head/early-hints",
        "Two informational responses come before the head.",
        exactly(
            (
                Bare(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
                *whole(*well(1)),
            )
        ),
        Gives("well"),
    ),
    stream(
        "head/switching",
        "The server switches to a protocol that nobody has asked for.",
        exactly(
            (
                Bare(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
                Close(),
            )
        ),
        broken_http(),
    ),
)

FRAMING = (
    framed(
        "chunks/truncated",
        "A chunk is shorter than it says, and the connection is closed.",
        *begun(1),
        Bare(b"1000\r\n" + DONE),
        Close(),
        expect=Gives("well"),
    ),
    framed(
        "chunks/truncated-message",
        "A chunk ends with the connection in the middle of a message.",
        *begun(1),
        Bare(b"1000\r\n" + DONE[:-1]),
        Close(),
        expect=lost(),
    ),
    framed(
        "chunks/too-long",
        "A chunk is longer than it says.",
        *begun(1),
        Bare(b"10\r\n" + DONE + b"\r\n"),
        Close(),
        expect=broken_http(),
    ),
    framed(
        "chunks/no-number",
        "The size of a chunk is no number.",
        *begun(1),
        Bare(b"zz\r\n" + DONE + b"\r\n"),
        Close(),
        expect=broken_http(),
    ),
    framed(
        "chunks/negative",
        "The size of a chunk is negative.",
        *begun(1),
        Bare(b"-1\r\n" + DONE + b"\r\n"),
        Close(),
        expect=broken_http(),
    ),
    framed(
        "chunks/astronomical",
        "The size of a chunk has forty digits.",
        *begun(1),
        Bare(b"f" * 40 + b"\r\n" + DONE),
        Close(),
        expect=broken_http(),
    ),
    framed(
        "chunks/no-line-end",
        "No line end stands behind a chunk.",
        *begun(1),
        Bare(RESULT[:-2] + RESULT),
        Close(),
        expect=Gives("well"),
    ),
    framed(
        "chunks/extensions",
        "Chunks have extensions.",
        *begun(1),
        Bare(RESULT.replace(b"\r\n", b';name="value"\r\n', 1) + LAST),
        expect=Gives("well"),
    ),
    framed(
        "chunks/endless-extension",
        "The extension of a chunk has no end.",
        *begun(1),
        Bare(b"5;"),
        Again((Bare(b"x" * 64 * KIB),), FLOOD),
        Close(),
        expect=raises(LimitExceeded, name="header_bytes"),
        options=SMALL,
        limit="header_bytes",
    ),
    framed(
        "chunks/trailers",
        "Trailers stand behind the last chunk.",
        *begun(1),
        Bare(RESULT + b"0\r\nx-trailer: yes\r\n\r\n"),
        expect=Gives("well"),
    ),
    framed(
        "chunks/endless-trailers",
        "The trailers have no end.",
        *begun(1),
        Bare(b"0\r\n"),
        Again((Bare(b"x-trailer: and more\r\n" * 3000),), FLOOD),
        Close(),
        expect=raises(LimitExceeded, name="header_bytes"),
        options=SMALL,
        limit="header_bytes",
    ),
    framed(
        "chunks/behind-the-end",
        "Bytes stand behind the last chunk.",
        *begun(1),
        Bare(RESULT + LAST + RESULT),
        Close(),
        expect=Gives("well"),
    ),
    framed(
        "chunks/every-byte",
        "Every byte is a chunk of its own, and is sent by itself.",
        Pieces(1),
        *well(1),
        End(),
        expect=Gives("well"),
    ),
    *(
        stream(
            f"length/{name}",
            happens,
            exactly(
                *(
                    (
                        Bare(
                            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
                            + length
                            + b"\r\n"
                            + DONE[:said]
                        ),
                        Close(),
                    ),
                )
                * times,
                next_job=2,
            ),
            expect,
        )
        for name, happens, length, said, times, expect in (
            (
                "right",
                "The stream has a length, and keeps to it.",
                b"content-length: %d\r\n" % len(DONE),
                None,
                1,
                Gives("well"),
            ),
            (
                "too-long",
                "The stream is shorter than its length.",
                b"content-length: %d\r\n" % (len(DONE) + 9),
                None,
                1,
                Gives("well"),
            ),
            (
                "cut",
                "The stream is cut off before its length.",
                b"content-length: %d\r\n" % len(DONE),
                -1,
                1,
                lost(),
            ),
            (
                "too-short",
                "The stream is longer than its length, which ends in front of the blank line.",
                b"content-length: %d\r\n" % (len(DONE) - 1),
                None,
                2,
                lost(),
            ),
            (
                "zero",
                "The stream has a length of nothing.",
                b"content-length: 0\r\n",
                0,
                2,
                lost("the server ended the stream before the job"),
            ),
            (
                "two",
                "The stream has two lengths.",
                b"content-length: 5\r\ncontent-length: 6\r\n",
                None,
                1,
                broken_http(),
            ),
            (
                "no-number",
                "The length of the stream is no number.",
                b"content-length: many\r\n",
                None,
                1,
                broken_http(),
            ),
            (
                "negative",
                "The length of the stream is negative.",
                b"content-length: -1\r\n",
                None,
                1,
                broken_http(),
            ),
            ("none", "The stream has no length, and ends with the connection.", b"", None, 1, Gives("well")),
            (
                "and-chunks",
                "The stream has chunks and a length.",
                b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                0,
                1,
                lost(),
            ),
            (
                "unknown-coding",
                "The stream has a transfer coding that nobody knows.",
                b"transfer-encoding: rot13\r\n",
                None,
                1,
                broken_http(),
            ),
        )
    ),
)

FAULTS = (*AT_EVERY_BYTE, *BREAKING, *CROSSING, *ENDINGS, *WAITING, *ANSWERS, *FRAMING)
