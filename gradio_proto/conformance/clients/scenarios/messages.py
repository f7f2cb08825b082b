"""Messages: unknown ones, odd ones, too many of them, and in another order."""

from __future__ import annotations

from typing import Any, Final

from ..model import Call, Failure, Value
from ..steps import (
    CLOSE_STREAM,
    HEARTBEAT,
    Again,
    Answer,
    Frame,
    Message,
    Pause,
    Text,
    Until,
    begun,
    completed,
    estimation,
    generating,
    message,
    starts,
)
from .build import ALL, DIFFS, EITHER, ERROR, LATEST, SHARED, STREAMS, WELL, WELL_OR_ERROR, scenario

TYPED: Final = ("security/bounds/typed",)
DEEP: Final = 100_000
TWO: Final = (Call(("one",)), Call(("two",)))


def raw_message(text: str) -> tuple[Text, Frame]:
    """A text in the place of a message: as an event, and as a frame."""
    return Text(f"data: {text}\n\n".encode()), Frame(1, text.encode())


def odd(id: str, summary: str, message_text: str, **options: Any) -> Any:
    """A scenario for streams, and its twin for WebSockets, in which a text comes in the place of a message."""
    event, frame = raw_message(message_text)
    options.setdefault("requirements", TYPED)
    options.setdefault("expected", WELL_OR_ERROR)
    generations = options.pop("generations", STREAMS)
    return (
        scenario(id, summary, (*begun(), event, completed("well")), generations=generations, **options),
        scenario(f"{id}-ws", summary, (*begun(), frame, completed("well")), generations=("ws",), **options),
    )


SCENARIOS: Final = (
    scenario(
        "message/heartbeats",
        "Heartbeats come before, between and behind the messages of a job.",
        (HEARTBEAT, estimation(), HEARTBEAT, starts(), HEARTBEAT, HEARTBEAT, completed("well"), HEARTBEAT),
        requirements=("message/heartbeat/nothing", "message/no-event-id"),
        generations=STREAMS,
    ),
    scenario(
        "message/heartbeat-flood",
        "Five thousand heartbeats come before the result.",
        (*begun(), Again((HEARTBEAT,), 5_000), completed("well")),
        requirements=("message/heartbeat/nothing",),
        generations=("sse", "sse_v3"),
    ),
    scenario(
        "message/heartbeat-id-absent",
        "Heartbeats and close_stream have no event_id at all.",
        (
            Message({"msg": "heartbeat"}),
            *begun(),
            Text(b'data: {"msg": "heartbeat"}\n\n'),
            completed("well"),
            Text(b'data: {"msg": "close_stream"}\n\n'),
        ),
        requirements=("message/no-event-id",),
        generations=("sse_v2.1", "sse_v3"),
    ),
    scenario(
        "message/heartbeat-id-null",
        "Heartbeats have an event_id of null in a generation that sends none.",
        (Message({"msg": "heartbeat", "event_id": None}), *WELL),
        requirements=("message/no-event-id",),
        generations=("sse_v1", "sse_v2"),
    ),
    scenario(
        "message/unknown",
        "Messages come that no server has sent so far, with and without an event id.",
        (
            Message({"msg": "weather", "event_id": None, "sky": "blue"}),
            *begun(),
            message("weather", sky="blue"),
            completed("well"),
        ),
        requirements=("message/unknown",),
        generations=ALL,
    ),
    scenario(
        "message/extra-keys",
        "Every message has keys that nobody knows.",
        (
            message("estimation", rank=0, queue_size=1, rank_eta=None, queue_eta=1.0, mood={"a": [1]}),
            message("process_starts", eta=None, mood="good"),
            completed("well", mood="good", title=None),
        ),
        requirements=("generations/json/unknown-keys",),
        generations=ALL,
    ),
    scenario(
        "message/missing-optional",
        "The messages have nothing but what must be there.",
        (
            message("estimation", rank=0, queue_size=1),
            message("process_starts"),
            message("process_completed", output={"data": ["well"]}, success=True),
        ),
        requirements=("message/estimation/unknown",),
        generations=ALL,
    ),
    scenario(
        "message/no-estimation",
        "A job starts without an estimation.",
        (starts(), completed("well")),
        requirements=("message/order/no-start",),
        generations=ALL,
    ),
    scenario(
        "message/no-start",
        "The completion is the first word about a job, as from a cache.",
        (completed("well"),),
        requirements=("message/order/no-start",),
        generations=ALL,
    ),
    scenario(
        "message/estimation-late",
        "Estimations come when the job runs already, and their ranks rise.",
        (starts(), estimation(rank=3), estimation(rank=7), completed("well")),
        requirements=("message/order/estimation-late",),
        generations=ALL,
    ),
    scenario(
        "message/starts-twice",
        "A job starts twice.",
        (*begun(), starts(), completed("well")),
        requirements=TYPED,
        generations=ALL,
    ),
    scenario(
        "message/unknown-event",
        "Messages come for a job that nobody has joined.",
        (
            starts(77),
            completed("of nobody", job=77),
            *begun(),
            message("process_completed", 78, output=None, success=False),
            completed("well"),
        ),
        requirements=("message/nobody",),
        generations=SHARED,
    ),
    scenario(
        "message/after-completion",
        "Messages about a job come when it has ended, another completion among them.",
        (*begun(), completed("well"), starts(), generating("late"), completed("late"), HEARTBEAT),
        requirements=("message/order/after-end", "message/nobody"),
        generations=SHARED,
    ),
    scenario(
        "message/failure-after-completion",
        "A failure of a job comes when it has returned.",
        (*WELL, message("process_completed", output={"error": "too late"}, success=False)),
        requirements=("message/order/after-end",),
        generations=ALL,
    ),
    scenario(
        "message/progress",
        "Progress comes with fractions, nulls and several bars.",
        (
            *begun(),
            message(
                "progress",
                progress_data=[
                    {"index": 0.5, "length": 2.5, "unit": "steps", "progress": None, "desc": None},
                    {"index": None, "length": None, "unit": None, "progress": 0.25, "desc": "inner"},
                ],
            ),
            message("progress", progress_data=[]),
            completed("well"),
        ),
        requirements=("message/progress/fractions",),
        generations=ALL,
    ),
    scenario(
        "message/progress-odd",
        "Progress comes as null.",
        (*begun(), message("progress", progress_data=None), completed("well")),
        requirements=TYPED,
        generations=ALL,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "message/log",
        "Log messages come with levels and titles that nobody knows, and with a duration of null.",
        (
            *begun(),
            message("log", log="one", level="info"),
            message("log", log="two", level="shout", duration=None, visible=False, title="Very"),
            completed("well"),
        ),
        requirements=("message/log/levels",),
        generations=ALL,
    ),
    scenario(
        "message/generating-at-end",
        "The completion says that it is generating.",
        (
            *begun(),
            generating("well"),
            message("process_completed", output={"data": ["well"], "is_generating": True}, success=True),
        ),
        requirements=("message/output/generating-at-end",),
        generations=ALL,
    ),
    scenario(
        "message/generating-null",
        "The completion says null of whether it is generating, as for a batch.",
        (
            *begun(),
            message("process_completed", output={"data": ["well"], "is_generating": None}, success=True),
        ),
        requirements=TYPED,
        generations=ALL,
    ),
    scenario(
        "message/cancelled",
        "The server cancels the job: the completion has an empty output, and success.",
        (*begun(), message("process_completed", output={}, success=True)),
        requirements=("message/process-completed/cancelled",),
        expected=ERROR,
    ),
    scenario(
        "message/no-output",
        "The completion has no output.",
        (*begun(), message("process_completed", success=True)),
        requirements=TYPED,
        generations=ALL,
        expected=EITHER,
    ),
    scenario(
        "message/data-no-list",
        "The data of the completion are a string, which is no list of outputs.",
        (*begun(), message("process_completed", output={"data": "well"}, success=True)),
        requirements=TYPED,
        generations=ALL,
        expected=EITHER,
    ),
    scenario(
        "message/too-few-outputs",
        "The completion has no value for the one output.",
        (*begun(), completed()),
        requirements=TYPED,
        generations=ALL,
        expected=EITHER,
    ),
    scenario(
        "message/success-odd",
        'The completion says "yes" for success.',
        (*begun(), message("process_completed", output={"data": ["well"]}, success="yes")),
        requirements=TYPED,
        generations=ALL,
        expected=EITHER,
    ),
    scenario(
        "message/event-id-number",
        "A message names a job by a number, and another by a list.",
        (
            *begun(),
            Message({"msg": "process_completed", "event_id": 1, "output": {"data": ["no"]}, "success": True}),
            Message({"msg": "log", "event_id": [], "log": "", "level": "info"}),
            completed("well"),
        ),
        requirements=TYPED,
        generations=SHARED,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "message/malformed-sibling",
        "Of two jobs one has a completion of the wrong form: the other one goes on.",
        (
            Until("queue/join", 2),
            *begun(1),
            *begun(2),
            message("process_completed", 1, output=17, success=True),
            Pause(0.05),
            completed("second", job=2),
        ),
        requirements=("message/malformed",),
        generations=SHARED,
        calls=TWO,
        expected=(Failure(), Value("second")),
    ),
    scenario(
        "message/before-reply",
        "The messages of the second job come before the answer to its join.",
        (
            *begun(1),
            Until("queue/join", 2),
            *begun(2),
            completed("second", job=2),
            Pause(0.05),
            completed("first", job=1),
        ),
        replies={
            "queue/join": (
                (Answer(body=b'{"event_id": "%032x"}' % 1),),
                (Pause(0.15), Answer(body=b'{"event_id": "%032x"}' % 2)),
            )
        },
        requirements=("queue/join/early-messages",),
        generations=SHARED,
        calls=TWO,
        expected=(Value("first"), Value("second")),
    ),
    scenario(
        "message/big-integer",
        "The result is an integer of 64 bits.",
        (*begun(), completed(16538474280455143519)),
        requirements=("generations/json/big-numbers",),
        outputs=("number",),
        generations=ALL,
        expected=(Value(16538474280455143519),),
    ),
    scenario(
        "message/any-json",
        "The result is JSON of every kind.",
        (*begun(), completed({"a": [None, True, 1.5, "", {}], "": []})),
        requirements=("value/any-json",),
        outputs=("json",),
        generations=ALL,
        expected=(Value({"a": [None, True, 1.5, "", {}], "": []}),),
    ),
    scenario(
        "message/null",
        "The result is null.",
        (*begun(), completed(None)),
        requirements=("value/any-json",),
        generations=ALL,
        expected=(Value(None),),
    ),
    scenario(
        "message/large",
        "The result is a text of 2.4 MB, cut into pieces of 1000 bytes.",
        (*begun(), completed("x" * 2_400_000)),
        requirements=("message/framing/large",),
        generations=ALL,
        expected=(Value("x" * 2_400_000),),
    ),
    scenario(
        "message/endless",
        "A message of 160 MB begins, and does not end.",
        (*begun(), Text(b"data: "), Again((Text(b"x" * 2**20),), 160), Pause(1)),
        requirements=("message/framing/bounded", "security/bounds/everything"),
        expected=ERROR,
    ),
    scenario(
        "message/endless-ws",
        "A message of 160 MB begins, and does not end.",
        (*begun(), Frame(1, b"x", final=False), Again((Frame(0, b"x" * 2**20, final=False),), 160), Pause(1)),
        requirements=("message/framing/bounded", "security/bounds/everything"),
        generations=("ws",),
        expected=ERROR,
    ),
    scenario(
        "message/unknown-flood",
        "Five thousand messages for jobs that nobody has joined come before the result.",
        (
            *begun(),
            Again((message("process_generating", 99, output={"data": ["x" * 100]}, success=True),), 5_000),
            completed("well"),
        ),
        requirements=("message/nobody", "security/bounds/everything"),
        generations=("sse_v1", "sse_v3"),
    ),
    *odd("message/no-json", "A message is no JSON.", '{"msg": "log", '),
    *odd("message/no-object", "A message is a list.", '["process_completed"]'),
    *odd("message/no-name", "A message has no name.", '{"event_id": null}'),
    *odd("message/name-number", "The name of a message is a number.", '{"msg": 7, "event_id": null}'),
    *odd("message/empty", "A message is an empty text.", ""),
    *odd(
        "message/deep",
        "A message is nested a hundred thousand deep.",
        "[" * DEEP + "]" * DEEP,
        generations=("sse", "sse_v3"),
    ),
    *odd(
        "message/deep-value",
        "A result is nested a hundred thousand deep.",
        f'{{"msg": "process_completed", "event_id": "{1:032x}", "success": true, "output": {{"data": ['
        + "[" * DEEP
        + "]" * DEEP
        + "]}}",
        generations=("sse", "sse_v3"),
        expected=EITHER,
    ),
    *odd(
        "message/nan",
        "A result holds NaN and Infinity, which are no JSON.",
        f'{{"msg": "process_completed", "event_id": "{1:032x}", "success": true, '
        '"output": {"data": [[NaN, Infinity, -Infinity, 1e999]]}}',
        expected=EITHER,
    ),
    *odd(
        "message/surrogates",
        "A result holds halves of characters.",
        f'{{"msg": "process_completed", "event_id": "{1:032x}", "success": true, '
        '"output": {"data": ["\\ud800 \\udfff"]}}',
        expected=EITHER,
    ),
    *odd(
        "message/huge-integer",
        "A result is an integer of ten thousand digits.",
        f'{{"msg": "process_completed", "event_id": "{1:032x}", "success": true, '
        f'"output": {{"data": [{"9" * 10_000}]}}}}',
        expected=EITHER,
    ),
    scenario(
        "message/close-stream-of-job",
        "close_stream names the job that is open.",
        (*begun(), completed("well"), Message({**CLOSE_STREAM.fields, "event_id": f"{1:032x}"})),
        requirements=TYPED,
        generations=LATEST,
    ),
    scenario(
        "message/streaming",
        "A value comes as process_streaming, whole and not as a difference.",
        (
            *begun(),
            message("process_streaming", output={"data": ["so far"]}, success=True, time_limit=3.0),
            completed("well"),
        ),
        requirements=("value/streamed/direct",),
        generations=DIFFS[-1:],
    ),
)
