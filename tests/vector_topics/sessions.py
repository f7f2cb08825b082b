"""Vectors of jobs that no recording has: races, losses, and what a server should not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .exchanges import Step
from .jobs import DESCRIPTION as DESCRIPTION
from .jobs import failure
from .vector import QUEUE, Vector

TOPIC: Final = "jobs"

COMPLETED: Final = {"kind": "completed", "value": ["v"]}
LOST: Final = {"kind": "failed", "error": "connection_lost"}
PROTOCOL: Final = {"kind": "failed", "error": "protocol"}
BY_CLIENT: Final = {"kind": "cancelled", "by": "client"}
BY_SERVER: Final = {"kind": "cancelled", "by": "server"}
DIFFING: Final = ("sse_v2", "sse_v2.1", "sse_v3")

# Steps.

OPEN: Final[list[Step]] = [{"do": "open"}, {"do": "opened"}]
ENDED: Final[Step] = {"do": "ended", "clean": True}
BROKEN_OFF: Final[Step] = {"do": "ended", "clean": False}
CLOSE: Final[Step] = {"do": "close"}


def join(job: str = "a") -> Step:
    return {"do": "join", "job": job}


def accepted(job: str = "a", event_id: str | None = None) -> Step:
    return {"do": "accepted", "job": job, "event_id": event_id or f"e-{job}"}


def joined(*jobs: str) -> list[Step]:
    return [step for job in jobs or ("a",) for step in (join(job), accepted(job))]


def message(msg: str, job: str | None = "a", **fields: Any) -> Step:
    event_id = None if job is None else f"e-{job}"
    return {"do": "message", "message": {"msg": msg, "event_id": event_id, **fields}}


def ranked(job: str | None = "a", rank: int = 0) -> Step:
    return message("estimation", job, rank=rank, queue_size=rank + 1, rank_eta=None)


def starts(job: str | None = "a") -> Step:
    return message("process_starts", job, eta=None)


def yields(value: Any, job: str | None = "a") -> Step:
    return message("process_generating", job, output={"data": [value], "is_generating": True}, success=True)


def completes(job: str | None = "a", value: Any = "v") -> Step:
    return message("process_completed", job, output={"data": [value], "is_generating": False}, success=True)


def fails(job: str | None = "a", error: str | None = "no", **output: Any) -> Step:
    return message("process_completed", job, output={"error": error, **output}, success=False)


def is_over(job: str = "a") -> Step:
    return message("process_completed", job, output={}, success=True)


def unexpected(text: str, **fields: Any) -> Step:
    return message("unexpected_error", None, success=False, message=text, **fields)


def cancel(job: str = "a") -> Step:
    return {"do": "cancel", "job": job}


def closing() -> Step:
    return message("close_stream", None)


FILE: Final = {"path": "/tmp/gradio/1/a.txt", "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}

APP: Final = {
    "kind": "failed",
    "error": "app",
    "message": "no",
    "title": "Error",
    "duration": 10,
    "visible": True,
}


class Written:
    """Collects vectors."""

    def __init__(self) -> None:
        self.found: list[Vector] = []

    def add(
        self,
        id: str,
        description: str,
        steps: Sequence[Step | Sequence[Step]],
        outcomes: dict[str, dict[str, Any]],
        *,
        outputs: dict[str, list[Any]] | None = None,
        files: bool = False,
        version: str = "6.31.0",
        protocol: str = "sse_v3",
        generations: Sequence[str] = QUEUE,
        source: str = "written",
    ) -> None:
        """One more; ``steps`` may be nested once."""
        flat = [step for part in steps for step in ([part] if isinstance(part, dict) else part)]
        job: dict[str, Any] = {"fn_index": 0, "data": ["x"]}
        if files:
            job["fetches_files"] = True
        self.found.append(
            Vector(
                f"jobs/{id}",
                description,
                source,
                {
                    "version": version,
                    "protocol": protocol,
                    "jobs": dict.fromkeys(outcomes, job),
                    "steps": flat,
                },
                {
                    "jobs": {
                        letter: {"outputs": (outputs or {}).get(letter, []), "outcome": outcome}
                        for letter, outcome in outcomes.items()
                    }
                },
                generations,
            )
        )


def of_one_job(add: Any) -> None:
    """How one job may go."""
    add("queue", "All that may be said before a function starts, and after.",
        [joined(), OPEN, ranked(rank=1), ranked(), message("progress", progress_data=[]),
         starts(), ranked(), starts(), message("log", log="x", level="info"), completes(), closing(), ENDED],
        {"a": COMPLETED})  # fmt: skip
    add("log-first", "A log message of a job that waits: it is told, and the job waits on.",
        [joined(), OPEN, message("log", log="x", level="info"), ranked(), starts(), completes(), closing(), ENDED],
        {"a": COMPLETED})  # fmt: skip
    add(
        "unknown-kind",
        "A kind of message that the client does not know changes nothing.",
        [joined(), OPEN, message("new", x=1), starts(), message("newer"), completes(), ENDED],
        {"a": COMPLETED},
    )
    add("cached/plain", "A result from the server's cache: it comes with no word of a start (6.x).",
        [joined(), OPEN, completes(), closing(), ENDED], {"a": COMPLETED}, generations=("sse_v3",))  # fmt: skip
    add("cached/generator", "The same for a generator: its first value says that it runs.",
        [joined(), OPEN, yields("u"), completes(), closing(), ENDED], {"a": COMPLETED}, outputs={"a": [["u"]]},
        generations=("sse_v3",))  # fmt: skip
    add("generator/diffs", "Values as diffs, and the last one whole.",
        [joined(), OPEN, starts(), yields("a "), yields([["append", [], "b "]]), yields([]),
         yields([["replace", [], "c"]]), completes(value="c"), closing(), ENDED],
        {"a": {"kind": "completed", "value": ["c"]}}, outputs={"a": [["a "], ["a b "], ["a b "], ["c"]]},
        generations=DIFFING)  # fmt: skip
    add("generator/whole", "sse_v1 sends every value whole, and repeats the last one as still generating.",
        [joined(), OPEN, starts(), yields("a "), yields("a b "),
         message("process_completed", output={"data": ["a b "], "is_generating": True}, success=True), ENDED],
        {"a": {"kind": "completed", "value": ["a b "]}}, outputs={"a": [["a "], ["a b "]]},
        version="4.13.0", protocol="sse_v1", generations=("sse_v1",))  # fmt: skip
    add("generator/broken-diff", "A diff that does not fit costs that value, and not the job: its last value is whole.",
        [joined(), OPEN, starts(), yields("a "), yields([["append", [0], "b"]]), yields([["append", [], "c"]]),
         completes(value="a b c"), closing(), ENDED],
        {"a": {"kind": "completed", "value": ["a b c"]}}, outputs={"a": [["a "]]}, generations=DIFFING)  # fmt: skip
    add(
        "generator/streaming",
        "An endpoint that takes chunks sends every value whole, on every version that has one.",
        [
            joined(),
            OPEN,
            starts(),
            *[
                message("process_streaming", output={"data": [value]}, success=True, time_limit=1.5)
                for value in "ab"
            ],
            completes(value="b"),
            closing(),
            ENDED,
        ],
        {"a": {"kind": "completed", "value": ["b"]}},
        outputs={"a": [["a"], ["b"]]},
        generations=("sse_v3",),
    )
    add(
        "generator/fails",
        "A generator that fails has given what it has given.",
        [joined(), OPEN, starts(), yields("a"), fails(), closing(), ENDED],
        {"a": APP},
        outputs={"a": [["a"]]},
    )
    add("generator/one-without-start", "A failure of a job that has not said that it started.",
        [joined(), OPEN, fails(), closing(), ENDED], {"a": APP})  # fmt: skip
    add("completed/null", "One output that is null is an output.",
        [joined(), OPEN, starts(), completes(value=None), closing(), ENDED],
        {"a": {"kind": "completed", "value": [None]}})  # fmt: skip
    add("cancelled/queued", "Success without outputs is a cancellation; here of a job that waits (4.31 and later).",
        [joined(), OPEN, ranked(), is_over(), closing(), ENDED], {"a": BY_SERVER}, generations=("sse_v3",))  # fmt: skip
    add("cancelled/running", "And of one that runs.",
        [joined(), OPEN, starts(), yields("a"), is_over(), closing(), ENDED], {"a": BY_SERVER},
        outputs={"a": [["a"]]}, generations=("sse_v3",))  # fmt: skip
    for where, steps in {
        "new": [],
        "joining": [join()],
        "queued": joined(),
        "running": [*joined(), *OPEN, starts()],
    }.items():
        add(f"given-up/{where}", "The client gives the job up: that is its end, whatever is said later.",
            [steps, cancel(), cancel()], {"a": BY_CLIENT})  # fmt: skip
    add(
        "given-up/then-accepted",
        "A join is answered after the job was given up: its messages are nobody's.",
        [join(), cancel(), accepted(), OPEN, starts(), yields("a"), completes(), closing(), ENDED],
        {"a": BY_CLIENT},
    )
    add(
        "given-up/then-refused",
        "Or refused: nothing changes.",
        [join(), cancel(), {"do": "refused", "job": "a", "status": 500, "headers": {}, "body": ""}],
        {"a": BY_CLIENT},
    )
    add("given-up/then-joined", "Or its join was about to be sent.", [cancel(), join()], {"a": BY_CLIENT})  # fmt: skip
    add("late", "What a server says of a job that has ended changes nothing.",
        [joined("a", "b"), OPEN, starts(), completes(), ranked(), starts(), message("log", log="x", level="info"),
         yields("late"), completes(value="late"), fails(), is_over(), starts("b"), completes("b"), closing(), ENDED],
        {"a": COMPLETED, "b": COMPLETED})  # fmt: skip
    add("join/again", "A join that was lost is sent again, where the caller has allowed it.",
        [join(), join(), accepted(), OPEN, completes(), closing(), ENDED], {"a": COMPLETED})  # fmt: skip
    add(
        "join/lost",
        "Nobody knows whether the server has the job.",
        [join(), {"do": "join_lost", "job": "a"}],
        {"a": LOST},
    )
    add("join/refused", "The server has not taken it.",
        [join(), {"do": "refused", "job": "a", "status": 503, "headers": {"content-type": "application/json"},
                  "body": '{"detail":"Queue is full. Max size is 1 and size is 1."}'}],
        {"a": {"kind": "failed", "error": "queue_full"}})  # fmt: skip
    add(
        "join/same-event",
        "The server gives two jobs one name: the second is the mistake.",
        [joined("a"), join("b"), accepted("b", "e-a"), OPEN, completes(), ENDED],
        {"a": COMPLETED, "b": PROTOCOL},
    )
    add("upload/failed", "A file of the call could not be uploaded: there is no join.",
        [{"do": "upload_failed", "job": "a"}], {"a": LOST})  # fmt: skip


def of_files(add: Any) -> None:
    """Jobs whose files are fetched before they end."""
    hand_out = message("process_completed", output={"data": [FILE]}, success=True)
    begun = [*joined(), *OPEN, starts()]
    local = {"kind": "completed", "value": ["/local/a.txt"]}
    add("files/fetched", "The job ends when the files are here.",
        [begun, hand_out, closing(), ENDED, {"do": "fetched", "job": "a"}], {"a": local}, files=True)  # fmt: skip
    add(
        "files/fetched-without-start",
        "The same without a word of a start.",
        [joined(), OPEN, hand_out, closing(), ENDED, {"do": "fetched", "job": "a"}],
        {"a": local},
        files=True,
    )
    add("files/failed", "A file that is not to be had fails the job.",
        [begun, hand_out, closing(), ENDED, {"do": "fetch_failed", "job": "a"}], {"a": LOST}, files=True)  # fmt: skip
    add(
        "files/given-up",
        "The client may give the job up while the files are on their way.",
        [begun, hand_out, cancel(), {"do": "fetched", "job": "a"}, closing(), ENDED],
        {"a": BY_CLIENT},
        files=True,
    )
    add("files/late", "Files of a job that has ended are not fetched.",
        [begun, cancel(), hand_out, closing(), ENDED], {"a": BY_CLIENT}, files=True)  # fmt: skip
    add("files/stream-lost", "The stream may break meanwhile: the server has nothing more to say.",
        [begun, hand_out, BROKEN_OFF, {"do": "fetched", "job": "a"}], {"a": local}, files=True)  # fmt: skip


def of_streams(add: Any) -> None:
    """The one stream of several jobs."""
    add(
        "stream/close-crosses-join",
        "A join is accepted while the stream that is ending says so: the next stream has it.",
        [
            joined("a"),
            OPEN,
            completes("a"),
            joined("b"),
            closing(),
            ENDED,
            OPEN,
            starts("b"),
            completes("b"),
            closing(),
            ENDED,
        ],
        {"a": COMPLETED, "b": COMPLETED},
        generations=("sse_v3",),
    )
    add("stream/end-crosses-join", "The same where nothing announces the end (below sse_v3).",
        [joined("a"), OPEN, completes("a"), joined("b"), ENDED, OPEN, starts("b"), completes("b"), ENDED],
        {"a": COMPLETED, "b": COMPLETED}, version="4.13.0", protocol="sse_v1")  # fmt: skip
    add("stream/says-nothing-twice", "A job of which two streams say nothing is lost.",
        [joined(), OPEN, ENDED, OPEN, ENDED], {"a": LOST}, source="property")  # fmt: skip
    add(
        "stream/ends-before-job",
        "A stream that has spoken of a job, and ends before it.",
        [joined("a", "b"), OPEN, starts("a"), starts("b"), completes("b"), ENDED],
        {"a": LOST, "b": COMPLETED},
    )
    add(
        "stream/breaks-off",
        "A stream that breaks off takes all its jobs with it: it cannot be resumed.",
        [joined("a", "b", "c"), OPEN, starts("a"), completes("c"), BROKEN_OFF],
        {"a": LOST, "b": LOST, "c": COMPLETED},
    )
    add("stream/breaks-off-after-all", "Whatever happens after the last job's end is an end.",
        [joined(), OPEN, starts(), completes(), BROKEN_OFF], {"a": COMPLETED})  # fmt: skip
    add("stream/breaks-off-after-close", "The same after close_stream, with a join that crosses it.",
        [joined("a"), OPEN, completes("a"), closing(), joined("b"), BROKEN_OFF, OPEN, completes("b"), closing(), ENDED],
        {"a": COMPLETED, "b": COMPLETED}, generations=("sse_v3",))  # fmt: skip
    add(
        "stream/breaks-off-under-join",
        "A join that is on its way when a stream with jobs breaks off may be lost with it.",
        [joined("a"), OPEN, starts("a"), join("b"), BROKEN_OFF, accepted("b")],
        {"a": LOST, "b": LOST},
    )
    add("stream/not-opened", "A request for the stream that comes to nothing is made again.",
        [joined(), {"do": "open"}, ENDED, OPEN, completes(), closing(), ENDED], {"a": COMPLETED})  # fmt: skip
    add("stream/many", "Jobs end in any order, and each once.",
        [joined("a", "b", "c"), OPEN, starts("b"), starts("a"), yields(1, "b"), completes("c", "c"), fails("a"),
         yields([["replace", [], 2]], "b"), completes("b", 2), closing(), ENDED],
        {"a": APP, "b": {"kind": "completed", "value": [2]}, "c": {"kind": "completed", "value": ["c"]}},
        outputs={"b": [[1], [2]]}, generations=DIFFING)  # fmt: skip
    add("stream/heartbeat", "Heartbeats are for nobody.",
        [joined(), OPEN, message("heartbeat", None), starts(), message("heartbeat", None), completes(),
         message("heartbeat", None), closing(), ENDED], {"a": COMPLETED})  # fmt: skip
    add("early/some", "Messages before the answer to their join are kept for it.",
        [joined("a"), OPEN, starts("a"), join("b"), ranked("b"), starts("b"), accepted("b"), completes("b"),
         completes("a"), closing(), ENDED], {"a": COMPLETED, "b": COMPLETED})  # fmt: skip
    add("early/all", "A job may have ended before its join is answered.",
        [joined("a"), OPEN, starts("a"), join("b"), starts("b"), yields("u", "b"), completes("b"), accepted("b"),
         completes("a"), closing(), ENDED], {"a": COMPLETED, "b": COMPLETED}, outputs={"b": [["u"]]})  # fmt: skip
    add("early/nobody's", "Messages for an event that nobody has joined are nobody's.",
        [joined("a"), OPEN, completes("z"), starts("a"), completes("a"), joined("z"), starts("z"), completes("z", "w"),
         closing(), ENDED], {"a": COMPLETED, "z": {"kind": "completed", "value": ["w"]}})  # fmt: skip
    add(
        "stale/next-stream",
        "What a server owes of a job that was cancelled comes at the head of the next stream (5.49, 6.x).",
        [
            joined("a"),
            OPEN,
            ranked("a"),
            is_over("a"),
            closing(),
            ENDED,
            joined("b"),
            OPEN,
            starts("a"),
            completes("a"),
            starts("b"),
            completes("b"),
            closing(),
            ENDED,
        ],
        {"a": BY_SERVER, "b": COMPLETED},
        generations=("sse_v3",),
    )
    add("stale/stumble", "Up to 5.45 the server stumbles over such a second completion, says the KeyError that it got, "
        "and ends the stream. It has lost nothing: the next stream goes on.",
        [joined("a"), OPEN, ranked("a"), is_over("a"), closing(), ENDED, joined("b"), OPEN, starts("a"), completes("a"),
         unexpected("'e-a'"), CLOSE, OPEN, starts("b"), completes("b"), closing(), ENDED],
        {"a": BY_SERVER, "b": COMPLETED}, version="4.44.1", generations=("sse_v3",))  # fmt: skip
    add("stale/stumble-once", "Each event is an excuse once: a server that says it again has lost the session.",
        [joined("a"), OPEN, is_over("a"), closing(), ENDED, joined("b"), OPEN, unexpected("'e-a'"), CLOSE, OPEN,
         unexpected("'e-a'"), CLOSE],
        {"a": BY_SERVER, "b": LOST}, version="4.44.1", generations=("sse_v3",), source="property")  # fmt: skip
    add(
        "close_stream/twice",
        "Said twice.",
        [joined(), OPEN, completes(), closing(), closing(), ENDED],
        {"a": COMPLETED},
        generations=("sse_v3",),
    )


def of_sessions(add: Any) -> None:
    """unexpected_error, and messages that name no job."""
    stopped = {"kind": "failed", "error": "server_stopped"}
    gone = {"kind": "failed", "error": "session_lost"}
    for id, text, fields, outcome in (
        ("stopped", "Server stopped unexpectedly.", {}, stopped),
        ("session-not-found", "404: Session not found.", {"session_not_found": True}, gone),
        ("session-not-found/by-text", "404: Not Found", {}, gone),
        ("something", "KeyError: 'x'", {}, LOST),
    ):
        add(f"unexpected_error/{id}", "Every open job of the session ends; those that have ended keep their end.",
            [joined("a", "b", "c"), OPEN, starts("a"), completes("c"), unexpected(text, **fields), CLOSE],
            {"a": outcome, "b": outcome, "c": COMPLETED})  # fmt: skip
    add("unexpected_error/repeated", "Some servers repeat it for ever: the client closes the stream on the first.",
        [joined(), OPEN, unexpected("Server stopped unexpectedly."), unexpected("Server stopped unexpectedly."),
         closing(), CLOSE], {"a": stopped})  # fmt: skip
    add("unexpected_error/after-all", "After the last job's end it is an end like another.",
        [joined(), OPEN, completes(), unexpected("404: Session not found."), CLOSE, joined("b"), OPEN, completes("b"),
         closing(), ENDED], {"a": COMPLETED, "b": COMPLETED})  # fmt: skip
    add("unexpected_error/after-close", "Also after close_stream.",
        [joined(), OPEN, completes(), closing(), unexpected("404: Session not found."), CLOSE], {"a": COMPLETED},
        generations=("sse_v3",))  # fmt: skip
    add(
        "no-event-id/for-all",
        "News without the name of a job is for every open job.",
        [joined("a", "b"), OPEN, starts(None), completes("a"), completes("b"), ENDED],
        {"a": COMPLETED, "b": COMPLETED},
    )
    add(
        "no-event-id/only-job",
        "A value without the name of a job is the only job's.",
        [joined(), OPEN, starts(None), yields("u", None), completes(None), ENDED],
        {"a": COMPLETED},
        outputs={"a": [["u"]]},
    )
    add(
        "no-event-id/value-of-two",
        "Of two jobs nobody knows whose it is: both fail.",
        [joined("a", "b"), OPEN, completes(None), CLOSE],
        {"a": PROTOCOL, "b": PROTOCOL},
        source="property",
    )
    add("malformed/one-job", "A message that is none and names its job ends that job alone.",
        [joined("a", "b"), OPEN, message("process_completed", "a", output=[], success=True), completes("b"), closing(),
         ENDED], {"a": PROTOCOL, "b": COMPLETED})  # fmt: skip
    add("malformed/joining", "Also one whose join is not answered.",
        [joined("b"), OPEN, starts("b"), join("a"), message("process_starts", "a", eta="soon"), accepted("a"),
         completes("b"), closing(), ENDED], {"a": PROTOCOL, "b": COMPLETED})  # fmt: skip


FAILURES: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "quoted": ("4.44.1", {"error": "'bad thing: x'", "duration": 10, "visible": True}, {}),
    "quoted/escapes": ("4.21.0", {"error": "'a\\n\\'b\\' \\\\ \\x00 \\u2028'"}, {}),
    "quoted/double": ("3.50.2", {"error": '"it\'s"'}, {}),
    "quoted/5": ("5.49.1", {"error": "'it'"}, {}),
    "quoted/one-side": ("4.44.1", {"error": "'it"}, {}),
    "plain": ("4.13.0", {"error": "crashed: x"}, {}),
    "empty": ("6.31.0", {"error": ""}, {}),
    "hidden": ("6.31.0", {"error": None}, {}),
    "hidden/None": ("4.21.0", {"error": "None"}, {}),
    "None-that-is-text": ("4.44.1", {"error": "None"}, {}),
    "sticky": ("6.31.0", {"error": "x", "duration": None, "visible": False, "title": "Oh no"}, {}),
    "title/of-message": ("6.31.0", {"error": "x"}, {"title": "Oh"}),
    "title/null": ("6.31.0", {"error": "x", "title": None}, {"title": None}),
    "cache-duration": ("6.31.0", {"error": "x", "duration": 10.0}, {"cache_duration": 10.0}),
}
"""Versions, outputs and what stands beside them."""


def of_failures(add: Any) -> None:
    """What a failed function says, and what was meant."""
    protocols = {"3.50.2": "ws", "4.13.0": "sse_v1", "4.21.0": "sse_v2.1"}
    for id, (version, output, beside) in FAILURES.items():
        protocol = protocols.get(version, "sse_v3")
        said = {"msg": "process_completed", "output": output, "success": False, **beside}
        outcome = failure(said, tuple(map(int, version.split("."))))
        if protocol == "ws":
            steps = [
                *taken("ws"),
                {"do": "message", "job": "a", "message": said},
                {"do": "closed", "job": "a", "code": 1000},
            ]
        else:
            steps = [
                *joined(),
                *OPEN,
                message("process_completed", output=output, success=False, **beside),
                ENDED,
            ]
        add(f"failure/{id}", f"What Gradio {version} sends, and what the app's author said.", steps, {"a": outcome},
            version=version, protocol=protocol, generations=(protocol,))  # fmt: skip


# Jobs on connections of their own.

_DATA: Final = {"data": ["x"], "fn_index": 0, "session_hash": "s1"}


def said(msg: str, **fields: Any) -> Step:
    return {"do": "message", "job": "a", "message": {"msg": msg, **fields}}


def taken(protocol: str, *, until_data: bool = False) -> list[Step]:
    """A conversation up to where the server has the inputs, or asks for them."""
    rank = {"rank": 0, "queue_size": 1, "rank_eta": None}
    if protocol == "ws":
        asked: list[Step] = [
            {"do": "connect", "job": "a"},
            {"do": "connected", "job": "a"},
            said("send_hash"),
            {"do": "sends", "job": "a", "json": {"fn_index": 0, "session_hash": "s1"}},
            said("estimation", **rank),
            said("send_data"),
        ]
        data: dict[str, Any] = _DATA
    else:
        asked = [
            {"do": "connect", "job": "a"},
            {"do": "connected", "job": "a"},
            said("estimation", **rank),
            said("send_data", event_id="e1"),
        ]
        data = {**_DATA, "event_id": "e1"}
    return asked if until_data else [*asked, {"do": "sends", "job": "a", "json": data}]


def of_conversations(add: Any) -> None:
    """3.x, and 4.0 to 4.8."""
    full = {"kind": "failed", "error": "queue_full"}
    over = said("process_completed", output={"data": ["v"]}, success=True)
    for protocol, version in (("ws", "3.50.2"), ("sse", "4.0.2")):
        of = {"version": version, "protocol": protocol, "generations": (protocol,)}
        closed: Step = (
            {"do": "closed", "job": "a", "code": 1000}
            if protocol == "ws"
            else {"do": "ended", "job": "a", "clean": True}
        )
        cut: Step = {"do": "ended", "job": "a", "clean": False}
        connect: list[Step] = [{"do": "connect", "job": "a"}]
        begun = taken(protocol)
        add(f"{protocol}/plain", "A job on a connection of its own.", [begun, said("process_starts"), over, closed],
            {"a": COMPLETED}, **of)  # fmt: skip
        add(f"{protocol}/data-once", "A server that asks twice has the inputs.",
            [begun, said("send_data", **({} if protocol == "ws" else {"event_id": "e1"})), over, closed],
            {"a": COMPLETED}, **of)  # fmt: skip
        add(
            f"{protocol}/generator",
            "Every value is whole; the last one is repeated.",
            [
                begun,
                said("process_starts"),
                *[said("process_generating", output={"data": [n]}, success=True) for n in (1, 2)],
                said("process_completed", output={"data": [2], "is_generating": True}, success=True),
                closed,
            ],
            {"a": {"kind": "completed", "value": [2]}},
            outputs={"a": [[1], [2]]},
            **of,
        )
        add(
            f"{protocol}/after-the-end",
            "What follows the completion is nothing.",
            [begun, over, said("process_completed", output={"data": ["w"]}, success=True), closed],
            {"a": COMPLETED},
            **of,
        )
        add(
            f"{protocol}/fails",
            "The function fails.",
            [begun, said("process_completed", output={"error": "'no'"}, success=False), closed],
            {"a": APP},
            **of,
        )
        add(f"{protocol}/queue_full", "The queue takes no more.",
            [begun[: 4 if protocol == "ws" else 2], said("queue_full"), closed], {"a": full}, **of)  # fmt: skip
        add(f"{protocol}/given-up/connecting", "The client gives the job up while the connection is made.",
            [connect, cancel()], {"a": BY_CLIENT}, **of)  # fmt: skip
        add(f"{protocol}/given-up/queued", "Or while it waits: closing its connection takes it out of the queue.",
            [begun[: 5 if protocol == "ws" else 3], cancel()], {"a": BY_CLIENT}, **of)  # fmt: skip
        add(f"{protocol}/given-up/running", "Or while it runs.",
            [begun, said("process_starts"), said("process_generating", output={"data": [1]}, success=True), cancel()],
            {"a": BY_CLIENT}, outputs={"a": [[1]]}, **of)  # fmt: skip
        add(
            f"{protocol}/lost/connecting",
            "The connection ends before anything was said.",
            [connect, cut],
            {"a": LOST},
            **of,
        )
        add(
            f"{protocol}/lost/queued",
            "It ends while the job waits.",
            [begun[: 5 if protocol == "ws" else 3], cut],
            {"a": LOST},
            **of,
        )
        add(
            f"{protocol}/lost/running",
            "It ends while the job runs.",
            [begun, said("process_starts"), cut],
            {"a": LOST},
            **of,
        )
        add(f"{protocol}/malformed", "A message that is none ends the job.",
            [begun, said("process_completed", output={"data": "v"}, success=True)], {"a": PROTOCOL}, **of)  # fmt: skip
        add(f"{protocol}/not-a-message", "So does a text that is none.",
            [begun, {"do": "message", "job": "a", "text": "hello"}], {"a": PROTOCOL}, **of)  # fmt: skip
        add(f"{protocol}/unknown-kind", "A kind that the client does not know changes nothing.",
            [begun, said("new"), over, closed], {"a": COMPLETED}, **of)  # fmt: skip
        for status, kind in ((401, "authentication"), (500, "http_status"), (503, "http_status")):
            add(
                f"{protocol}/refused/{status}",
                "The connection is refused.",
                [
                    connect,
                    {
                        "do": "refused",
                        "job": "a",
                        "status": status,
                        "headers": {"content-type": "text/plain"},
                        "body": "no",
                    },
                ],
                {"a": {"kind": "failed", "error": kind}},
                **of,
            )
    of = {"version": "3.50.2", "protocol": "ws", "generations": ("ws",)}
    begun = taken("ws")
    add("ws/refused/403", "Without a login the handshake is refused with 403 and no word.",
        [{"do": "connect", "job": "a"}, {"do": "refused", "job": "a", "status": 403, "headers": {}, "body": ""}],
        {"a": {"kind": "failed", "error": "authentication"}}, **of)  # fmt: skip
    add("ws/unknown-function", "An unknown function: the connection just ends after the answer to send_hash.",
        [begun[:4], {"do": "ended", "job": "a", "clean": True}], {"a": LOST}, **of)  # fmt: skip
    add(
        "ws/closed/1000",
        "A close without a completion says that the job was cancelled.",
        [begun, said("process_starts"), {"do": "closed", "job": "a", "code": 1000}],
        {"a": BY_SERVER},
        **of,
    )
    add("ws/closed/1012", "A close that says that the server stops.",
        [begun, said("process_starts"), {"do": "closed", "job": "a", "code": 1012}],
        {"a": {"kind": "failed", "error": "server_stopped"}}, **of)  # fmt: skip
    add("ws/closed/1011", "A close that says that it failed.",
        [begun, said("process_starts"), {"do": "closed", "job": "a", "code": 1011}], {"a": LOST}, **of)  # fmt: skip
    add("ws/every", "What is repeated by every= never stands in a queue.",
        [begun[:4], begun[5:], said("process_starts"),
         *[said("process_generating", output={"data": [n]}, success=True) for n in (1, 2)], cancel()],
        {"a": BY_CLIENT}, outputs={"a": [[1], [2]]}, **of)  # fmt: skip
    of = {"version": "4.0.2", "protocol": "sse", "generations": ("sse",)}
    begun = taken("sse")
    add("sse/ends-silently", "The server ends the stream without a word, as where the inputs came too late.",
        [begun, {"do": "ended", "job": "a", "clean": True}], {"a": LOST}, **of)  # fmt: skip
    add("sse/heartbeat", "A heartbeat is for nobody, wherever it comes.",
        [begun[:2], said("heartbeat"), begun[2:], said("heartbeat"), over, {"do": "ended", "job": "a", "clean": True}],
        {"a": COMPLETED}, **of)  # fmt: skip
    add("sse/unnamed-job", "A server that asks for inputs must say for which job.",
        [begun[:3], said("send_data")], {"a": PROTOCOL}, **of)  # fmt: skip
    add("sse/other-job", "A message for another job.",
        [begun, said("process_starts", event_id="e2")], {"a": PROTOCOL}, **of)  # fmt: skip


def vectors() -> list[Vector]:
    """All of them."""
    written = Written()
    for topic in (of_one_job, of_files, of_streams, of_sessions, of_failures, of_conversations):
        topic(written.add)
    return written.found
