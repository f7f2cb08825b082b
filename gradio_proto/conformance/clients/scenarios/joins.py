"""Joins: refusals, odd answers, and none at all. From ``sse_v1`` on a join is a POST that is answered at once."""

from __future__ import annotations

import json
from typing import Any, Final

from ..model import Call, Failure, Scenario
from ..rendering import chunk
from ..steps import Answer, Close, Pause, Pieces, Reset, Silence, Step
from .build import (
    ERROR,
    LATEST,
    SHARED,
    WELL,
    WELL_OR_ERROR,
    detail,
    page,
    plain,
    redirect,
    scenario,
)

TYPED: Final = ("security/bounds/typed",)
EVENT: Final = f"{1:032x}"
TRACEBACK: Final = 'Traceback (most recent call last):\n  File "routes.py", line 1, in join\nKeyError: 99\n'
PYDANTIC: Final = [
    {"type": "list_type", "loc": ["body", "data"], "msg": "Input should be a valid list", "input": 1}
]
OLD_PYDANTIC: Final = [{"loc": ["body", "data"], "msg": "field required", "type": "value_error.missing"}]
VALIDATE: Final = [
    {
        "__type__": "validate",
        "is_valid": False,
        "message": "a must be positive",
        "parameter_name": "a",
    },
    {"__type__": "validate", "is_valid": True, "message": "never shown", "parameter_name": "b"},
]


def accepted(fields: object) -> Answer:
    """An answer to a join."""
    return Answer(body=json.dumps(fields).encode())


def join(
    id: str, summary: str, *answer: Step, requirements: tuple[str, ...] = TYPED, **options: Any
) -> Scenario:
    """A scenario in which every join is answered so, and which ends in an error if nothing else is said."""
    options = {"generations": SHARED, "expected": ERROR, "joins": 1, **options}
    return scenario(
        id, summary, WELL, replies={"queue/join": (answer,)}, requirements=requirements, **options
    )


SCENARIOS: Final = (
    join(
        "join/queue-full",
        "The join is answered 503, since the queue is full.",
        detail(503, "Queue is full. Max size is 1 and size is 1."),
        requirements=("queue/join/which-503",),
        expected=(Failure("full"),),
        joins=4,
    ),
    join(
        "join/queue-stopped",
        "The join is answered 503, since the queue has been stopped.",
        detail(503, "Queue is stopped."),
        requirements=("queue/join/which-503",),
        expected=(Failure("stopped"),),
    ),
    join(
        "join/unavailable",
        "The join is answered 503, by a page.",
        page(503),
        requirements=("error/http/no-json",),
        joins=4,
    ),
    join(
        "join/too-many",
        "The join is answered 429, with a Retry-After of an hour.",
        detail(429, "Too many requests", ("retry-after", "3600")),
        requirements=("error/http/gateways",),
        joins=4,
    ),
    join(
        "join/bad-gateway",
        "The join is answered 502, by a page: the function may have run.",
        page(502),
        requirements=("error/http/gateways", "queue/join/no-retry"),
    ),
    join(
        "join/gateway-timeout",
        "The join is answered 504, by a page: the function may have run.",
        page(504),
        requirements=("error/http/gateways", "queue/join/no-retry"),
    ),
    join(
        "join/unauthorized",
        "The join is answered 401, with a string for a detail.",
        detail(401, "Not authenticated"),
        requirements=("auth/protected/detail",),
    ),
    join(
        "join/unauthorized-object",
        "The join is answered 401, with an object for a detail.",
        detail(401, {"error": "Not authenticated", "auth_message": "please log in"}),
        requirements=("auth/protected/detail",),
    ),
    join(
        "join/server-error",
        "The join is answered 500, in plain text.",
        plain(500, "Internal Server Error"),
        requirements=("error/http/no-json",),
    ),
    join(
        "join/traceback",
        "The join is answered 500, by a traceback.",
        plain(500, TRACEBACK),
        requirements=("error/http/no-json",),
    ),
    join(
        "join/control-characters",
        "The join is answered 500, by a text with escapes for a terminal.",
        plain(500, "\x1b[2J\x1b]0;owned\x07\r\nfine\u202eenif"),
        requirements=("error/http/no-json", "security/print"),
    ),
    join("join/not-found", "The join is answered 404.", detail(404, "Not Found")),
    join(
        "join/no-detail",
        "The join is answered 400, with no detail but an error.",
        Answer(400, b'{"error": "no such thing"}'),
        requirements=("error/http/detail",),
    ),
    join(
        "join/detail-odd",
        "The join is answered 400, with a number for a detail.",
        detail(400, 7),
        requirements=("error/http/detail",),
    ),
    join(
        "join/invalid",
        "The join is answered 422, as pydantic does it.",
        detail(422, PYDANTIC),
        requirements=("error/http/detail", "error/validation/forms"),
        expected=(Failure("valid list"),),
    ),
    join(
        "join/invalid-old",
        "The join is answered 422, as pydantic 1 does it.",
        detail(422, OLD_PYDANTIC),
        requirements=("error/http/detail",),
        expected=(Failure("field required"),),
    ),
    join(
        "join/validator",
        "The join is answered 422 by the app's own validators.",
        detail(422, VALIDATE),
        requirements=("error/validation/forms",),
        generations=LATEST,
        expected=(Failure("a must be positive"),),
    ),
    join(
        "join/invalid-text",
        "The join is answered 422, with a string for a detail.",
        detail(422, "no"),
        requirements=("error/http/detail",),
    ),
    join("join/status-odd", "The join is answered by a status that nobody knows.", Answer(799, b"{}")),
    join("join/no-event-id", "The answer to the join has no event id.", accepted({"id": EVENT})),
    join(
        "join/event-id-null", "The answer to the join has an event id of null.", accepted({"event_id": None})
    ),
    join(
        "join/event-id-number",
        "The answer to the join has a number for an event id.",
        accepted({"event_id": 1}),
    ),
    join("join/list", "The answer to the join is a list.", accepted([EVENT])),
    join("join/null", "The answer to the join is null.", accepted(None)),
    join("join/page", "The answer to the join is a page.", page(200), requirements=("error/http/no-json",)),
    join(
        "join/no-json",
        "The answer to the join is no JSON.",
        Answer(body=b'{"event_id": '),
    ),
    join("join/empty", "The answer to the join is empty.", Answer(body=b"")),
    join("join/no-content", "The join is answered 204.", Answer(204, b"", (), None)),
    join(
        "join/deep",
        "The answer to the join is nested a hundred thousand deep.",
        Answer(body=b"[" * 100_000 + b"]" * 100_000),
        requirements=("security/bounds/everything",),
    ),
    join(
        "join/short",
        "The answer to the join has less bytes than it has promised.",
        Answer(body=b'{"event_id": "', length=500),
        requirements=("queue/join/no-retry",),
    ),
    join(
        "join/lost",
        "The connection is closed without an answer to the join.",
        Close(),
        requirements=("queue/join/no-retry",),
    ),
    join(
        "join/reset",
        "The connection is reset without an answer to the join.",
        Reset(),
        requirements=("queue/join/no-retry",),
    ),
    join(
        "join/silence",
        "The join is never answered.",
        Silence(),
        requirements=("security/bounds/time", "queue/join/no-retry"),
        timeout=0.6,
    ),
    join(
        "join/redirect",
        "The join is redirected on the same origin.",
        redirect(307, "/gradio_api/moved"),
        requirements=("generations/routes/redirects",),
        forbidden=(("moved", "generations/routes/redirects"),),
    ),
    join(
        "join/redirect-elsewhere",
        "The join is redirected to another origin.",
        redirect(307, "@ELSEWHERE@/gradio_api/queue/join"),
        requirements=("generations/routes/redirects", "security/origin/redirects"),
        credentials=True,
    ),
    join(
        "join/redirect-get",
        "The join is redirected by 303, to another origin.",
        redirect(303, "@ELSEWHERE@/gradio_api/queue/join"),
        requirements=("generations/routes/redirects", "security/origin/redirects"),
        credentials=True,
    ),
    join(
        "join/gzip",
        "The answer to the join says that it is compressed, and is not.",
        Answer(body=accepted({"event_id": EVENT}).body, headers=(("content-encoding", "gzip"),)),
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "join/late",
        "The answer to the join comes after half a second.",
        WELL,
        replies={"queue/join": ((Pause(0.5), accepted({"event_id": EVENT})),)},
        requirements=("queue/join/post",),
        generations=SHARED,
    ),
    scenario(
        "join/bytewise",
        "The answer to the join comes a byte at a time.",
        WELL,
        replies={"queue/join": ((Pieces(1, "connection"), accepted({"event_id": EVENT})),)},
        requirements=("message/framing/chunks",),
        generations=SHARED,
    ),
    scenario(
        "join/extra-keys",
        "The answer to the join has keys that nobody knows.",
        WELL,
        replies={"queue/join": ((accepted({"event_id": EVENT, "mood": {"good": True}}),),)},
        requirements=("generations/json/unknown-keys",),
        generations=SHARED,
    ),
    scenario(
        "join/chunked",
        "The answer to the join has no length, but chunks.",
        WELL,
        replies={
            "queue/join": (
                (
                    Answer(
                        body=chunk(accepted({"event_id": EVENT}).body) + b"0\r\n\r\n",
                        headers=(("transfer-encoding", "chunked"),),
                    ),
                ),
            )
        },
        requirements=("message/framing/chunks",),
        generations=LATEST,
    ),
    scenario(
        "join/informational",
        "Informational responses come ahead of the answer to the join.",
        WELL,
        replies={
            "queue/join": (
                (
                    Answer(
                        body=accepted({"event_id": EVENT}).body,
                        before=b"HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"
                        b"HTTP/1.1 102 Processing\r\n\r\n",
                    ),
                ),
            )
        },
        requirements=TYPED,
    ),
    scenario(
        "join/no-reason",
        "The answer to the join has no reason behind its status.",
        WELL,
        replies={"queue/join": ((Answer(body=accepted({"event_id": EVENT}).body, reason=""),),)},
        requirements=TYPED,
    ),
    scenario(
        "join/close-each",
        "The server closes the connection behind each answer, and says so.",
        WELL,
        replies={
            "queue/join": (
                (Answer(body=accepted({"event_id": EVENT}).body, headers=(("connection", "close"),)),),
            )
        },
        requirements=("queue/join/no-retry",),
        generations=SHARED,
    ),
    scenario(
        "join/path-as-text",
        "The user's text is the path of a file of this machine: it is sent as it is, and the file is not.",
        WELL,
        calls=(Call(("@CANARY@",)),),
        forbidden=(("upload", "security/files/explicit"),),
        requirements=("security/files/explicit",),
    ),
)
