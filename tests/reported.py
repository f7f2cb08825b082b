"""Made-up runs against three servers, as the reports' tests show them: every verdict, long waits, hostile texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gradio_proto.conformance.model import Case, Needs, Report, Requirement, Result, Severity, Verdict
from gradio_proto.conformance.model import Level as RequirementLevel
from gradio_proto.conformance.transcript import Entry, Transcript

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "<!-- --><style>*{display:none}</style>",
    "\x1b[31mred\x1b[0m\x07\r\nforged line",
    "\u202eright to left\u2069",
    "[bold red]markup[/] [link=http://evil.example]x[/link]",
    "| cell | `code` ``` fence ``` <b>@somebody</b> ![x](http://evil.example/x.png)",
    "\ud800 lone, \x00 nul, \ufffe none",
    "${title} $style {task} %s &amp; ]]>",
)
"""What a server may say to harm who reads it."""


def case(
    id: str,
    level: RequirementLevel = "MUST",
    severity: Severity = "major",
    text: str = "",
    seconds: float = 0.0,
) -> Case:
    """A case that nobody runs."""
    sentence = text or f"A server {level} do what `{id}` says."
    requirement = Requirement(
        id,
        level,
        sentence,
        ("sse_v3",),
        (),
        "all",
        f"{id.partition('/')[0]}.md#what-{level.split()[0].lower()}",
    )
    return Case(id, requirement, Needs(), severity, 1, seconds, lambda _: None, f"It asks for {id}.")


def cases_of(*cases: Case) -> Mapping[str, Case]:
    """Cases by id."""
    return {case.id: case for case in cases}


CASES = cases_of(
    case(
        "queue/join/event-id",
        severity="critical",
        text="The reply to a join MUST hold an `event_id` of its own.",
    ),
    case(
        "queue/join/unknown-fn",
        text="A join for a function that is not there MUST be refused with a 4xx status.",
    ),
    case("queue/rank/never-rises", "SHOULD", "minor", "A rank SHOULD NOT rise while a job waits."),
    case("queue/full", "MUST", "major", "A full queue MUST be told at once."),
    case(
        "stream/heartbeat",
        "MUST",
        "major",
        "A stream on which nothing happens MUST send a heartbeat every 15 s.",
        16.0,
    ),
    case("stream/close/last", "MUST NOT", "critical", "A stream MUST NOT be closed while a job is open."),
    case("session/apart", "MUST", "critical", "Sessions MUST NOT see each other's events or State."),
    case("file/traversal", "MUST", "critical", "Paths outside the allowed directories MUST be refused."),
    case("file/range", "MAY", "minor", "A server MAY answer a range request with a part."),
    case("error/shape", "SHOULD", "major", "An error SHOULD be a JSON object with a `detail`."),
)
"""What is known of the cases; of one there are results only."""

UNKNOWN_ID = 'gone/"><b>x</b>'
"""Of a case that this version does not have."""


def transcript(*entries: tuple[float, int, str, str] | tuple[float, int, str, str, str]) -> Transcript:
    """A transcript of short entries."""
    made: list[Entry] = []
    for at, connection, kind, text, *body in entries:
        headers: Iterable[tuple[str, str]] = ()
        if kind == "request" and body:
            headers = (("content-type", "application/json"), ("authorization", "[redacted]"))
        made.append(Entry(at, connection, kind, text, "".join(body), tuple(headers)))  # type: ignore[arg-type]
    return Transcript(made)


HEARTBEAT = transcript(
    (0.0, 1, "request", "POST /gradio_api/queue/join", '{"data":[1],"fn_index":0,"session_hash":"a000001"}'),
    (0.0041, 1, "reply", "200 OK application/json", '{"event_id":"5f6c2b"}'),
    (0.0052, 2, "request", "GET /gradio_api/queue/data?session_hash=a000001"),
    (0.0093, 2, "open", "200 OK text/event-stream"),
    (0.0121, 2, "event", '{"msg":"estimation","event_id":"5f6c2b","rank":0,"queue_size":1}'),
    (0.0144, 2, "event", '{"msg":"process_starts","event_id":"5f6c2b"}'),
    (30.0291, 2, "closed", "the server closed the connection"),
    (30.0292, 0, "note", "violation: no heartbeat came within 15 s, and the stream ended with the job open"),
)
"""Eight entries on two connections, with a wait of 30 s."""

REFUSED = transcript(
    (
        0.0,
        1,
        "request",
        "POST /gradio_api/queue/join",
        '{"data":["it\'s"],"fn_index":999,"session_hash":"a000002"}',
    ),
    (
        0.0063,
        1,
        "reply",
        "500 Internal Server Error text/plain",
        "Traceback (most recent call last):\n  File ...",
    ),
    (0.0064, 0, "note", "violation: the answer is 500, not 4xx"),
)

HOSTILE_EXCHANGE = Transcript(
    [
        Entry(0.0, 1, "request", "GET /file=" + HOSTILE[0], "", (("x-hostile", HOSTILE[1]),)),
        *(Entry(0.1 + 0.7 * n, 1, "event", text, text + "\n" + text) for n, text in enumerate(HOSTILE)),
    ]
)


def result(
    id: str, verdict: Verdict, reason: str = "", said: Transcript | None = None, examples: int = 1
) -> Result:
    """A result."""
    replay = f"gradio-proto conformance replay {id} http://127.0.0.1:7860 --seed 7"
    return Result(
        id, verdict, reason, said or Transcript(), 0.25, examples, "" if verdict is Verdict.SKIP else replay
    )


def report(version: str, *results: Result, known: Mapping[str, str] | None = None) -> Report:
    """A report."""
    return Report(
        url="http://127.0.0.1:7860",
        title="gradio_proto reference app",
        version=version,
        protocol="sse_v3",
        seed=7,
        profile="default",
        started="2026-01-02T03:04:05+00:00",
        seconds=42.5,
        results=list(results),
        command="gradio-proto conformance run http://127.0.0.1:7860",
        extra={"known": dict(known)} if known else {},
    )


NEWEST = report(
    "6.31.0",
    result("queue/join/event-id", Verdict.PASS, examples=20),
    result("queue/join/unknown-fn", Verdict.FAIL, "the answer is 500, not 4xx", REFUSED),
    result("queue/rank/never-rises", Verdict.WARN, "the rank rose from 1 to 2", REFUSED, 30),
    result("queue/full", Verdict.SKIP, "disturbs others on the same server: --destructive allows it"),
    result("stream/heartbeat", Verdict.FAIL, "no heartbeat came within 15 s", HEARTBEAT),
    result("stream/close/last", Verdict.PASS),
    result("session/apart", Verdict.PASS),
    result("file/traversal", Verdict.FAIL, HOSTILE[1], HOSTILE_EXCHANGE),
    result("file/range", Verdict.INFO, "the whole file came", REFUSED),
    result("error/shape", Verdict.ERROR, "ZeroDivisionError: division by zero", REFUSED),
    result(UNKNOWN_ID, Verdict.PASS),
    known={"stream/heartbeat": "the app is behind a proxy that eats them"},
)
"""A run with every verdict, and a failure that a baseline knows."""

OLDER = report(
    "4.44.1",
    result("queue/join/event-id", Verdict.PASS),
    result("queue/join/unknown-fn", Verdict.PASS),
    result("queue/rank/never-rises", Verdict.PASS),
    result("queue/full", Verdict.FAIL, "nothing came for 10 s", HEARTBEAT),
    result("stream/heartbeat", Verdict.PASS),
    result("session/apart", Verdict.FAIL, "the State of another session came back", REFUSED),
    result("file/traversal", Verdict.PASS),
    result("file/range", Verdict.PASS),
    result("error/shape", Verdict.WARN, "the body is no object"),
)

OLDEST = report(
    "3.50.2",
    result("queue/join/event-id", Verdict.SKIP, "holds for sse+, and this is 3.50.2"),
    result("queue/join/unknown-fn", Verdict.FAIL, "the connection was closed with no answer", REFUSED),
    result("queue/rank/never-rises", Verdict.PASS),
    result("session/apart", Verdict.PASS),
    result("error/shape", Verdict.PASS),
)

ALL = [NEWEST, OLDER, OLDEST]
