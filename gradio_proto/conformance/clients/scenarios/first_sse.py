"""What only ``sse`` has, the streams of Gradio 4.0 to 4.8: a stream for each job, which asks for the data."""

from __future__ import annotations

from typing import Final

from ..model import Call, Either, Failure, Value
from ..rendering import SEND_DATA
from ..steps import Close, End, Head, Message, Pause, Silence, Until, begun, completed, estimation, message
from .build import ERROR, WELL, WELL_OR_ERROR, detail, page, plain, scenario

TYPED: Final = ("security/bounds/typed",)
SSE: Final = ("sse",)
GIVEN: Final = Until("queue/data", 1)

SCENARIOS: Final = (
    scenario(
        "sse/silent-end",
        "The body ends while the job runs, with nothing said about it.",
        (*begun(), End()),
        requirements=("queue/join/sse/silent-end",),
        generations=SSE,
        expected=ERROR,
    ),
    scenario(
        "sse/silent-end-after-data",
        "The body ends when the data have come.",
        (End(),),
        requirements=("queue/join/sse/silent-end",),
        generations=SSE,
        expected=ERROR,
    ),
    scenario(
        "sse/silent-end-at-once",
        "The body is empty.",
        (Head(), End()),
        opening=False,
        requirements=("queue/join/sse/silent-end",),
        generations=SSE,
        expected=ERROR,
    ),
    scenario(
        "sse/break",
        "The connection is closed while the job runs.",
        (*begun(), Close()),
        requirements=("queue/join/sse/silent-end", "queue/join/retry-before-data"),
        generations=SSE,
        expected=ERROR,
    ),
    scenario(
        "sse/late-send-data",
        "The data are asked for after half a second of estimations.",
        (Head(), estimation(rank=1), Pause(0.25), estimation(), Pause(0.25), SEND_DATA, GIVEN, *WELL),
        opening=False,
        requirements=("queue/join/sse/read-on", "queue/join/sse/data"),
        generations=SSE,
    ),
    scenario(
        "sse/send-data-twice",
        "The data are asked for twice, by the same id.",
        (*begun(), SEND_DATA, Pause(0.1), completed("well")),
        requirements=TYPED,
        generations=SSE,
        joins=2,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "sse/no-send-data",
        "The result comes, and the data were never asked for.",
        (Head(), *WELL),
        opening=False,
        requirements=TYPED,
        generations=SSE,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "sse/send-data-no-id",
        "The data are asked for without an event id.",
        (Head(), Message({"msg": "send_data", "event_id": None}), Pause(0.1), *WELL),
        opening=False,
        requirements=TYPED,
        generations=SSE,
        joins=0,
        expected=(Either(),),
    ),
    scenario(
        "sse/queue-full",
        "The queue is full.",
        (Head(), message("queue_full"), End()),
        opening=False,
        requirements=("message/queue-full/end",),
        generations=SSE,
        joins=0,
        expected=(Failure("full"),),
    ),
    scenario(
        "sse/other-ids",
        "The messages name another job, by ids that this generation does not have.",
        (
            Message({**begun()[1].fields, "event_id": "f" * 32}),
            Message({**completed("well").fields, "event_id": "e" * 32}),
        ),
        requirements=("message/one-stream-one-job",),
        generations=SSE,
        expected=WELL_OR_ERROR,
    ),
    *(
        scenario(
            f"sse/data-refused-{status}",
            f"The data are answered {status}, and the stream ends with nothing said.",
            (Pause(0.1), End()),
            replies={"queue/data": ((answer,),)},
            requirements=("error/http/no-json",),
            generations=SSE,
            expected=ERROR,
        )
        for status, answer in (
            (422, detail(422, [{"loc": ["body", "data"], "msg": "no list", "type": "list"}])),
            (500, plain(500, "Internal Server Error")),
            (502, page(502)),
        )
    ),
    scenario(
        "sse/data-never-answered",
        "The data are never answered, but the result comes on the stream.",
        replies={"queue/data": ((Silence(),),)},
        requirements=("queue/join/sse/data",),
        generations=SSE,
        timeout=2.0,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "sse/join-unknown",
        "The join is answered 500, in plain text.",
        (plain(500, "Internal Server Error"),),
        requirements=("error/http/no-json",),
        generations=SSE,
        joins=0,
        expected=ERROR,
    ),
    scenario(
        "sse/join-invalid",
        "The join is answered 422.",
        (detail(422, [{"loc": ["query", "fn_index"], "msg": "field required", "type": "missing"}]),),
        requirements=("error/http/detail",),
        generations=SSE,
        joins=0,
        expected=ERROR,
    ),
    scenario(
        "sse/two-jobs",
        "Two jobs have a stream each, and both go well.",
        requirements=("queue/join/sse/get", "queue/join/sse/data"),
        generations=SSE,
        calls=(Call(("one",)), Call(("two",))),
        expected=(Value(), Value()),
    ),
)
