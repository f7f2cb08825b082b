"""What can be wrong with a message, with which job it names, with their order and their number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradio_proto.conformance.clients.rendering import event_id
from gradio_proto.conformance.clients.steps import (
    HEARTBEAT,
    Again,
    Answer,
    Close,
    End,
    Frame,
    Message,
    Pause,
    Step,
    Talk,
    Text,
    Until,
    begun,
    completed,
    estimation,
    failed,
    generating,
    message,
    starts,
)
from gradio_proto.errors import (
    AppError,
    ConnectionLost,
    JobCancelled,
    LimitExceeded,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
)
from gradio_proto.limits import KIB, MIB, Limits

from .answers import text_of
from .hoards import joins_meanwhile, while_joining
from .model import Expected, Fault, Gives, Served, either, raises
from .said import ONE_STREAM, STREAMS, exactly, name_of, opened, says, says_beside, well, whole
from .uses import predicts, shown, two_outcomes, unharmed, unread_unharmed

OUTPUT = {"data": ["one"], "is_generating": True}


@dataclass(frozen=True)
class Field:
    """A field of a kind of message, and a value of a type that it does not have."""

    name: str
    """With a dot, where it is an entry of an object in the message."""
    wrong: Any
    wanted: str
    """What the error says that it should be."""
    is_required: bool = False


NUMBER = "a number or null"
TEXT = "str or null"
OUTPUTS = (
    Field("output", [1], "an object", is_required=True),
    Field("output.data", "one", "a list or null"),
    Field("output.render_config", [], "an object or null"),
    Field("success", "yes", "bool", is_required=True),
)

KINDS: Mapping[str, tuple[Mapping[str, Any], tuple[Field, ...]]] = {
    "estimation": (
        {"rank": 0, "queue_size": 1, "rank_eta": None},
        (
            Field("rank", "first", "int or null"),
            Field("queue_size", 1.5, "int", is_required=True),
            Field("rank_eta", True, NUMBER),
        ),
    ),
    "process_starts": ({"eta": None}, (Field("eta", "soon", NUMBER),)),
    "progress": (
        {"progress_data": [{"index": 0, "length": 1, "unit": "steps", "progress": None, "desc": None}]},
        (
            Field("progress_data", None, "a list of objects", is_required=True),
            Field("progress_data", [7], "a list of objects"),
            Field("progress_data.index", "0", NUMBER),
            Field("progress_data.length", [], NUMBER),
            Field("progress_data.unit", 1, TEXT),
            Field("progress_data.progress", False, NUMBER),
            Field("progress_data.desc", {}, TEXT),
        ),
    ),
    "log": (
        {"log": "note", "level": "info", "duration": 10, "visible": True, "title": None},
        (
            Field("log", None, "str", is_required=True),
            Field("level", 3, "str", is_required=True),
            Field("duration", "10", NUMBER),
            Field("visible", 1, "bool"),
            Field("title", [], TEXT),
        ),
    ),
    "process_generating": (
        {"output": OUTPUT, "success": True, "time_limit": None},
        (*OUTPUTS, Field("time_limit", "3", NUMBER)),
    ),
    "process_streaming": (
        {"output": OUTPUT, "success": True, "time_limit": None},
        (*OUTPUTS, Field("time_limit", [], NUMBER)),
    ),
    "process_completed": (
        {"output": OUTPUT, "success": True},
        (
            *OUTPUTS,
            Field("title", 7, TEXT),
            Field("used_cache", True, TEXT),
            Field("cache_duration", "1", NUMBER),
            Field("avg_time", {}, NUMBER),
        ),
    ),
    "unexpected_error": (
        {"message": "gone", "session_not_found": False},
        (Field("message", None, "str", is_required=True), Field("session_not_found", "no", "bool")),
    ),
}
"""Every kind of message that has fields, as a server sends it, and what its fields cannot be."""

BARE = ("send_hash", "send_data", "queue_full", "heartbeat", "close_stream")
"""Kinds of messages that have none but their event id."""


def with_field(fields: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A message with another value in one place."""
    name, _, entry = name.partition(".")
    if not entry:
        return {**fields, name: value}
    inner = fields[name]
    changed = [{**inner[0], entry: value}] if isinstance(inner, list) else {**inner, entry: value}
    return {**fields, name: changed}


def fault(id: str, happens: str, served: Served, expect: Expected, **options: Any) -> Fault:
    """A fault of the messages of one call, or of two."""
    given = {"use": predicts, **options}
    return Fault(id=f"messages/{id}", happens=happens, phase="stream", served=served, expect=expect, **given)


def of_job(
    id: str,
    happens: str,
    *steps: Step,
    expect: Expected,
    generations: tuple[str, ...] = ("sse_v3",),
    **options: Any,
) -> Iterator[Fault]:
    """Steps behind the start of a job, in each generation; a sibling is there where jobs share a stream."""
    for generation in generations:
        is_shared = generation in ONE_STREAM
        served = (says_beside if is_shared else says)(
            *(() if is_shared else begun(1)), *steps, generation=generation
        )
        name = f"{id}/{name_of(generation)}" if len(generations) > 1 else id
        given = {"use": unharmed if is_shared else predicts, **options}
        yield fault(name, happens, served, expect, **given)


def wrong(text: str) -> Expected:
    """The message is refused, and its job ends with that."""
    return raises(RemoteProtocolError, text, retryable=False)


def malformed(kind: str, field: Field, number: int) -> Iterator[Fault]:
    """A field that is not there, or of another type: its job alone ends."""
    fields = {"msg": kind, **KINDS[kind][0]}
    where = f"of a '{kind}' message"
    shown_name = "progress_data" if field.name == "progress_data" else field.name
    in_error = shown_name if shown_name.startswith("output.") else shown_name.split(".")[-1]
    names_a_job = {} if kind != "unexpected_error" else {"event_id": event_id(1)}
    generations = ("sse_v3",)
    if kind == "process_completed":
        generations = ("ws", "sse", "sse_v1", "sse_v3") if field.is_required else ("ws", "sse_v3")
    name = field.name.replace("_", "-").replace(".", "-") + (f"-{number}" if number else "")
    slug = kind.replace("_", "-")
    yield from of_job(
        f"wrong-type/{slug}/{name}",
        f"The field {field.name} of a message {kind} is of another type.",
        Message({**with_field(fields, field.name, field.wrong), **names_a_job}),
        expect=wrong(f"the field '{in_error}' is of type "),
        generations=generations,
    )
    if field.is_required:
        without = {name: value for name, value in fields.items() if name != field.name}
        yield from of_job(
            f"missing/{slug}/{name}",
            f"The field {field.name} of a message {kind} is not there.",
            Message({**without, **names_a_job}),
            expect=wrong(f"the field '{in_error}' is missing {where}"),
            generations=generations,
        )


def all_malformed() -> Iterator[Fault]:
    """Every field of every kind of message."""
    for kind, (_, fields) in KINDS.items():
        seen: list[str] = []
        for field in fields:
            yield from malformed(kind, field, seen.count(field.name))
            seen.append(field.name)
    for kind in (*KINDS, *BARE):
        fields_of_kind = KINDS[kind][0] if kind in KINDS else {}
        slug = kind.replace("_", "-")
        # Whose it is cannot be known: whoever is on that stream has lost a message.
        yield fault(
            f"wrong-type/{slug}/event-id",
            f"The event id of a message {kind} is a number.",
            says(*begun(1), Message({"msg": kind, **fields_of_kind, "event_id": 7})),
            wrong(f"the field 'event_id' is of type int, not str or null of a '{kind}' message"),
        )
    for kind, (fields, known) in KINDS.items():
        required = {field.name for field in known if field.is_required}
        optional = {field.name for field in known} - required
        if kind in ("process_completed", "unexpected_error"):
            continue
        least = {name: value for name, value in fields.items() if name not in optional}
        yield from of_job(
            f"missing/{kind.replace('_', '-')}/all-that-may-be",
            f"A message {kind} has nothing but what must be there.",
            Message({"msg": kind, **least}),
            completed("well"),
            expect=Gives("well"),
        )


def texts(id: str, happens: str, text: str, expect: Expected, **options: Any) -> Iterator[Fault]:
    """A text in the place of a message: in an event, and in a frame."""
    steps: Talk
    for generation in ("ws", "sse_v3"):
        said = text.replace(
            '"event_id": "@ID@", ', "" if generation == "ws" else f'"event_id": "{event_id(1)}", '
        )
        steps = (Frame(1, said.encode()),) if generation == "ws" else (Text(f"data: {said}\n\n".encode()),)
        yield fault(
            f"{id}/{name_of(generation)}",
            happens,
            says(*begun(1), *steps, completed("well"), generation=generation),
            expect,
            **options,
        )


def result(data: str, more: str = "") -> str:
    """The text of a completion."""
    return f'{{"msg": "process_completed", "event_id": "@ID@", "success": true, "output": {{"data": [{data}]}}{more}}}'


NO_JSON = "a message is not valid JSON"
NO_MESSAGE = 'a message is not an object with a string "msg"'

NO_MESSAGES = (
    *texts("no-json", "A message is cut off.", '{"msg": "log", ', wrong(NO_JSON)),
    *texts("empty", "A message is an empty text.", "", wrong(NO_JSON)),
    *texts("word", "A message is a word.", "ALIVE", wrong(NO_JSON)),
    *texts("null", "A message is null.", "null", wrong(NO_MESSAGE)),
    *texts("list", "A message is a list.", '["process_completed"]', wrong(NO_MESSAGE)),
    *texts("text", "A message is a JSON text.", '"process_completed"', wrong(NO_MESSAGE)),
    *texts("no-name", "A message has no name.", '{"event_id": null}', wrong(NO_MESSAGE)),
    *texts(
        "two", "Two objects stand in one message.", '{"msg": "heartbeat"}{"msg": "heartbeat"}', wrong(NO_JSON)
    ),
    *texts("name-list", "The name of a message is a list.", '{"msg": ["log"]}', wrong(NO_MESSAGE)),
    *texts(
        "name-number",
        "The name of a message is a number.",
        '{"msg": 7}',
        wrong("the field 'msg' is of type int"),
    ),
    *texts(
        "name-null",
        "The name of a message is null.",
        '{"msg": null}',
        wrong("the field 'msg' is of type NoneType"),
    ),
    *texts(
        "byte-order-mark",
        "A message begins with a byte order mark.",
        '\ufeff{"msg": "heartbeat"}',
        wrong(NO_JSON),
    ),
    *texts("single-quotes", "A message is written as Python would.", "{'msg': 'heartbeat'}", wrong(NO_JSON)),
    *texts(
        "white-space", "White space stands around a message.", ' \t{"msg": "heartbeat"}\t ', Gives("well")
    ),
    *texts(
        "name-in-capitals",
        "The name of a message is written in capitals, and is another one.",
        result('"no"').replace("process_completed", "PROCESS_COMPLETED"),
        Gives("well"),
    ),
    *texts(
        "name-empty", "The name of a message is empty, and nobody knows it.", '{"msg": ""}', Gives("well")
    ),
    *texts(
        "name-hostile",
        "The name of a message is full of control characters.",
        json.dumps({"msg": "\x1b[2J\r\nGET / HTTP/1.1\u202e", "event_id": None}),
        Gives("well"),
    ),
)

VALUES = (
    *texts(
        "nan",
        "A result has NaN and the infinities, as Python writes them.",
        result("[NaN, Infinity, -Infinity]"),
        Gives("[nan, inf, -inf]"),
        use=shown,
    ),
    *texts(
        "overflow",
        "A result has numbers that no float holds.",
        result("[1e999, -1e999, 1e-999]"),
        Gives("[inf, -inf, 0.0]"),
        use=shown,
    ),
    *texts(
        "big-integer",
        "A result is an integer of a thousand digits.",
        result("9" * 1000),
        Gives(int("9" * 1000)),
    ),
    *texts(
        "endless-integer",
        "A result is an integer of ten thousand digits.",
        result("9" * 10_000),
        wrong(NO_JSON),
    ),
    *texts(
        "surrogates",
        "A result has halves of characters.",
        result('"\\ud800 \\udfff"'),
        Gives("\ud800 \udfff"),
    ),
    *texts("nul", "A result has a NUL.", result('"a\\u0000b"'), Gives("a\0b")),
    *texts(
        "control-characters",
        "A result has a raw tab in a text, which JSON does not allow.",
        result('"a\tb"'),
        wrong(NO_JSON),
    ),
    *texts("long-text", "A result is a text of a megabyte.", result('"' + "x" * MIB + '"'), Gives("x" * MIB)),
    *texts(
        "duplicate-keys",
        "A message has each key twice: the last counts.",
        result('"no"', ', "success": false, "success": true, "output": {"data": ["yes"]}'),
        Gives("yes"),
    ),
    *texts(
        "duplicate-names",
        "A message has two names: the last counts.",
        result('"no"', ', "msg": "heartbeat"'),
        Gives("well"),
    ),
    *texts(
        "deep",
        "A message is nested a hundred thousand deep.",
        "[" * 100_000 + "]" * 100_000,
        raises(LimitExceeded, name="json_depth", retryable=False),
    ),
    *texts(
        "deep-value",
        "A result is nested a hundred thousand deep.",
        result("[" * 100_000 + "]" * 100_000),
        raises(LimitExceeded, name="json_depth", retryable=False),
    ),
    *texts(
        "deep-objects",
        "A result has objects in objects without end.",
        result('{"a":' * 1000 + "1" + "}" * 1000),
        raises(LimitExceeded, name="json_depth", retryable=False),
    ),
    *texts(
        "deep-open",
        "Brackets are opened a hundred thousand times, and not closed.",
        "[" * 100_000,
        raises(LimitExceeded, name="json_depth", retryable=False),
    ),
    *texts(
        "brackets-in-text",
        "A text has a hundred thousand brackets, which nest nothing.",
        result('"' + "[" * 100_000 + '"'),
        Gives("[" * 100_000),
    ),
)

ENDS: tuple[tuple[str, str, Step, Expected], ...] = (
    (
        "data-null",
        "A completion has null in the place of its outputs, which is a cancellation.",
        message("process_completed", output={"data": None}, success=True),
        raises(JobCancelled, exactly=False, retryable=False),
    ),
    (
        "output-empty",
        "A completion has an empty output, which is a cancellation.",
        message("process_completed", output={}, success=True),
        raises(JobCancelled, exactly=False, retryable=False),
    ),
    (
        "output-null",
        "A completion has null in the place of its output.",
        message("process_completed", output=None, success=True),
        wrong("the field 'output' is of type NoneType"),
    ),
    (
        "too-few-outputs",
        "A completion has no value for the one output.",
        completed(),
        wrong("sent 0 outputs"),
    ),
    (
        "too-many-outputs",
        "A completion has two values for the one output.",
        completed("one", "two"),
        Gives("one"),
    ),
    (
        "failed",
        "A job fails.",
        failed({"error": "bad thing"}),
        raises(AppError, "bad thing", hidden=False, retryable=False),
    ),
    (
        "failed-null",
        "A job fails, and its error is null.",
        failed({"error": None}),
        raises(AppError, hidden=True),
    ),
    ("failed-empty", "A job fails, and nothing is said about it.", failed({}), raises(AppError, hidden=True)),
    (
        "failed-number",
        "A job fails, and its error is a number.",
        failed({"error": 7}),
        raises(AppError, "7", hidden=False),
    ),
    (
        "failed-odd",
        "A job fails, and what goes with the error is of other types.",
        failed({"error": "bad thing", "title": 7, "duration": "long", "visible": "no"}),
        raises(AppError, "bad thing", title="Error", duration=10.0, visible=True),
    ),
    (
        "failed-with-data",
        "A job fails, and has outputs all the same.",
        failed({"data": ["no"], "error": "bad thing"}),
        raises(AppError, "bad thing"),
    ),
    (
        "failed-hostile",
        "A job fails with an error that would clear a terminal.",
        failed({"error": "\x1b[2J\x07bad\r\n\u202ething"}),
        raises(AppError, "thing", message="\x1b[2J\x07bad\r\n\u202ething"),
    ),
)

ENDINGS = tuple(
    each
    for name, happens, step, expect in ENDS
    for each in of_job(f"end/{name}", happens, step, expect=expect, generations=("ws", "sse", "sse_v3"))
)

LATE = (starts(), estimation(rank=3), generating("late"), completed("late"), failed({"error": "late"}))
STOPPED = message("unexpected_error", success=False, message="Server stopped unexpectedly.")

ORDERS: tuple[tuple[str, str, tuple[Step, ...]], ...] = (
    ("no-start", "The completion is the first word about a job.", (completed("well"),)),
    ("starts-twice", "A job starts twice.", (*begun(), starts(), completed("well"))),
    (
        "estimation-late",
        "Estimations come when a job runs, and the ranks rise.",
        (starts(), estimation(rank=3), estimation(rank=7), completed("well")),
    ),
    (
        "output-before-start",
        "A value comes before the job starts.",
        (generating("one"), starts(), completed("well")),
    ),
    (
        "completed-twice",
        "A job is completed twice, with another result.",
        (*begun(), completed("well"), completed("late")),
    ),
    (
        "failed-after-completion",
        "A job fails when it has been completed.",
        (*begun(), completed("well"), failed({"error": "late"})),
    ),
    (
        "after-completion",
        "All kinds of messages come when a job has been completed.",
        (*begun(), completed("well"), *LATE),
    ),
    (
        "unknown",
        "A message comes that no server has sent so far.",
        (*begun(), message("weather", sky="blue"), completed("well")),
    ),
    (
        "more-fields",
        "Messages have fields that nobody knows.",
        (message("process_starts", eta=None, mood={"a": [1]}), completed("well", mood="good")),
    ),
    (
        "heartbeats",
        "Heartbeats come before, between and behind the messages.",
        (HEARTBEAT, estimation(), HEARTBEAT, starts(), completed("well"), HEARTBEAT),
    ),
)

ORDER = (
    *(
        fault(
            f"order/{name}/{name_of(generation)}",
            happens,
            says(*steps, generation=generation),
            Gives("well"),
        )
        for name, happens, steps in ORDERS
        for generation in ("ws", "sse", "sse_v3")
        if not (name == "heartbeats" and generation == "ws")
    ),
    *(
        fault(
            f"order/{name}-beside/{name_of(generation)}",
            happens,
            exactly(
                whole(
                    Until("queue/join", 2),
                    *begun(2),
                    *steps,
                    completed("sibling", job=2),
                    generation=generation,
                ),
                generation=generation,
                next_job=3,
            ),
            Gives("well"),
            use=unharmed,
        )
        for name, happens, steps in ORDERS
        for generation in ("sse_v3",)
    ),
)

IDS = (
    *(
        fault(
            f"id/unknown/{name_of(generation)}",
            "Messages come for a job that nobody has joined.",
            says(
                starts(77),
                completed("no", job=77),
                *begun(1),
                failed({"error": "no"}, job=78),
                completed("well"),
                generation=generation,
            ),
            Gives("well"),
        )
        for generation in ONE_STREAM
    ),
    *(
        fault(
            f"id/another/{name_of(generation)}",
            "A message on the connection of one job names another.",
            says(
                *begun(1),
                Message({**completed("no").fields, "event_id": event_id(77)}),
                generation=generation,
            ),
            wrong("a message for another job on the connection of this one"),
        )
        for generation in ("ws", "sse")
    ),
    *(
        fault(
            f"id/none/{name_of(generation)}",
            "The messages of the one job that is open name none.",
            says(*(Message({**step.fields, "event_id": None}) for step in well(1)), generation=generation),
            Gives("well"),
        )
        for generation in STREAMS
    ),
    fault(
        "id/none-of-two",
        "A result names no job, and two are open: it is nobody's, and both have lost one.",
        exactly(
            whole(
                Until("queue/join", 2),
                *begun(1),
                *begun(2),
                Message({**completed("no").fields, "event_id": None}),
                End(),
            ),
            next_job=3,
        ),
        # The second may not have the answer to its join yet, and end with the stream.
        either(
            Gives(["RemoteProtocolError", "RemoteProtocolError"]),
            Gives(["RemoteProtocolError", "ConnectionLost stream_lost"]),
        ),
        use=two_outcomes,
    ),
    fault(
        "id/in-capitals",
        "A result names a job in capitals, which is another.",
        says(
            *begun(1),
            Message({**completed("no").fields, "event_id": event_id(0xABC).upper()}),
            completed("well"),
        ),
        Gives("well"),
    ),
    fault(
        "id/empty",
        "A result names a job with an empty id, which is nobody's.",
        says(*begun(1), Message({**completed("no").fields, "event_id": ""}), completed("well")),
        Gives("well"),
    ),
    fault(
        "id/endless",
        "A message names a job with an id of a megabyte.",
        says(*begun(1), Message({**completed("no").fields, "event_id": "x" * MIB}), completed("well")),
        Gives("well"),
    ),
    fault(
        "id/same-twice",
        "Two joins are answered with the same id: the second is refused, and the first goes on.",
        exactly(
            whole(Until("queue/join", 2), Pause(0.05), *well(1)),
            next_job=3,
            replies={
                "queue/join": tuple(
                    (Answer(body=b'{"event_id": "%s"}' % event_id(job).encode()),) for job in (1, 1, 3)
                )
            },
        ),
        Gives(["well", "RemoteProtocolError"]),
        use=two_outcomes,
    ),
    *(
        fault(
            f"id/sibling-malformed/{name_of(generation)}",
            "The completion of one of two jobs has no output: the other one goes on.",
            says_beside(message("process_completed", output=17, success=True), generation=generation),
            wrong("the field 'output' is of type int"),
            use=unharmed,
        )
        for generation in ONE_STREAM
    ),
)

ERRORS: tuple[tuple[str, str, Step, Expected], ...] = (
    (
        "stopped",
        "The server says that it stops.",
        STOPPED,
        raises(ServerStopped, phase="stream_lost", retryable=False),
    ),
    (
        "not-found",
        "The server says that it does not know the session.",
        message("unexpected_error", success=False, message="404: Session not found.", session_not_found=True),
        raises(SessionLost, phase="stream_lost", retryable=False),
    ),
    (
        "not-found-by-text",
        "The server says so in words alone.",
        message("unexpected_error", success=False, message="404: Session not found."),
        raises(SessionLost, phase="stream_lost", retryable=False),
    ),
    (
        "other",
        "The server says something else.",
        message("unexpected_error", success=False, message="'NoneType'\x1b[2J"),
        raises(
            ConnectionLost,
            "the server broke off the session: 'NoneType'",
            phase="stream_lost",
            retryable=False,
        ),
    ),
    (
        "no-text",
        "The server says that something is wrong, and not what.",
        message("unexpected_error"),
        wrong("the field 'message' is missing"),
    ),
)

UNEXPECTED = (
    *(
        fault(
            f"unexpected/{name}/{name_of(generation)}",
            happens,
            exactly(opened(*begun(1), step, Close(), generation=generation), generation=generation),
            expect,
        )
        for name, happens, step, expect in ERRORS
        for generation in ("sse_v1", "sse_v3")
    ),
    fault(
        "unexpected/for-ever",
        "unexpected_error comes again and again: the client hangs up on the first.",
        exactly(opened(*begun(1), Again((STOPPED,), every=0.01))),
        raises(ServerStopped, phase="stream_lost", retryable=False),
    ),
    fault(
        "unexpected/two-jobs",
        "unexpected_error comes while two jobs run: each gets an error of its own.",
        exactly(opened(Until("queue/join", 2), *begun(1), *begun(2), STOPPED, Close()), next_job=3),
        # The second may not have the answer to its join yet.
        either(
            Gives(["ServerStopped stream_lost", "ServerStopped stream_lost"]),
            Gives(["ServerStopped stream_lost", "ConnectionLost accepted"]),
        ),
        use=two_outcomes,
    ),
    fault(
        "unexpected/behind-result",
        "unexpected_error comes when the job has its result.",
        exactly(opened(*well(1), STOPPED, Close())),
        Gives("well"),
    ),
    fault(
        "unexpected/stumble",
        "unexpected_error quotes the id of a job that has ended: the next stream goes on with the other.",
        exactly(
            opened(
                Until("queue/join", 2),
                *well(1),
                message("unexpected_error", success=False, message=f"'{event_id(1)}'"),
                Close(),
            ),
            whole(*begun(2), completed("sibling", job=2)),
            next_job=3,
        ),
        Gives("well"),
        use=unharmed,
    ),
)

SOME = {
    "limits": Limits(
        job_unread_bytes=64 * KIB, orphan_messages=64, orphan_bytes=64 * KIB, sse_message_bytes=64 * KIB
    )
}
NOTE = message("log", log="x" * 100, level="info")

FLOODS = (
    *(
        fault(
            f"flood/{name}/{name_of(generation)}",
            f"Ten thousand {name} come before the result.",
            says(*begun(1), Again((step,), 10_000), completed("well"), generation=generation),
            Gives("well"),
            options=SOME,
        )
        for name, step, generations in (
            ("heartbeats", HEARTBEAT, ("sse", "sse_v3")),
            ("unknown-messages", message("weather"), ("ws", "sse_v3")),
        )
        for generation in generations
    ),
    fault(
        "flood/messages-of-nobody",
        "Messages of nobody's job come while one joins that has had its first already: that one is lost, and the job.",
        while_joining(
            lambda _: text_of("process_starts", event_id="nobody's", eta=None) * 100,
            100,
            first=text_of("process_starts", event_id="e2", eta=None),
        ),
        raises(LimitExceeded, name="orphan_messages", limit=64, retryable=False),
        options=SOME,
        use=joins_meanwhile,
    ),
    fault(
        "flood/long-messages-of-nobody",
        "The same with few messages that are long.",
        while_joining(
            lambda _: text_of("process_starts", event_id="nobody's", eta=None, text="x" * 8 * KIB),
            10,
            first=text_of("process_starts", event_id="e2", eta=None),
        ),
        raises(LimitExceeded, name="orphan_bytes", limit=64 * KIB, retryable=False),
        options=SOME,
        use=joins_meanwhile,
    ),
    fault(
        "flood/malformed-messages-of-nobody",
        "Malformed messages of ten thousand jobs come while one joins, and the last of them is that one's.",
        while_joining(
            lambda number: text_of("process_starts", event_id=f"n{number}", eta="soon"),
            10_000,
            last=text_of("process_starts", event_id="e2", eta="soon"),
        ),
        wrong("the field 'eta' is of type str"),
        options=SOME,
        use=joins_meanwhile,
    ),
    *of_job(
        "flood/unread",
        "Messages of a job come that nobody reads, more than may be kept: that job ends.",
        Again((NOTE,), 1000),
        expect=raises(LimitExceeded, name="job_unread_bytes", retryable=False),
        options=SOME,
        use=unread_unharmed,
    ),
)

FAULTS = (*all_malformed(), *NO_MESSAGES, *VALUES, *ENDINGS, *ORDER, *IDS, *UNEXPECTED, *FLOODS)
