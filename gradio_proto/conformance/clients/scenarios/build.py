"""What scenarios are written with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..model import Call, Either, Expected, Failure, Scenario, Sent, Value
from ..steps import Answer, Jobs, Script, Talk, Text, begun, completed

ALL: Final = ("ws", "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
STREAMS: Final = ALL[1:]
"""Generations that have event streams."""
SHARED: Final = ALL[2:]
"""Generations in which a session has one stream."""
DIFFS: Final = ALL[3:]
"""Generations that send differences."""
EDGES: Final = ("sse", "sse_v1", "sse_v3")
"""Generations that between them have every form of a stream."""
LATEST: Final = ("sse_v3",)

WELL: Final[Talk] = (*begun(), completed("well"))
"""What a healthy server says about a job."""

HTML: Final = b"<!doctype html><html><body><h1>Service</h1></body></html>"
"""A page of something that stands between."""

ERROR: Final = (Failure(),)
EITHER: Final = (Either(),)
WELL_OR_ERROR: Final = (Either("well", is_any=False),)


def scenario(
    id: str,
    summary: str,
    talk: Talk = WELL,
    *,
    requirements: tuple[str, ...] = (),
    generations: tuple[str, ...] = LATEST,
    expected: tuple[Expected, ...] = (Value(),),
    talks: tuple[Talk, ...] | None = None,
    opening: bool = True,
    ending: bool = True,
    replies: Mapping[str, tuple[Talk, ...]] | None = None,
    config: Mapping[str, Any] | None = None,
    dependency: Mapping[str, Any] | None = None,
    info: Mapping[str, Any] | None = None,
    inputs: tuple[str, ...] = ("textbox",),
    outputs: tuple[str, ...] = ("textbox",),
    calls: tuple[Call, ...] = (Call(),),
    stream: bool = False,
    timeout: float | None = None,
    credentials: bool = False,
    sent: tuple[Sent, ...] = (),
    joins: int | None = None,
    forbidden: tuple[tuple[str, str], ...] = (),
) -> Scenario:
    """A scenario in which all that is not given goes well.

    Args:
        id: Its id.
        summary: One sentence: what the server does.
        talk: What is said on every stream of jobs.
        talks: What is said on one after the other, in place of that.
        opening: See :class:`~..steps.Jobs`, as for ``ending``.
    """
    script = Script(
        Jobs(talks or (talk,), opening, ending),
        replies or {},
        config or {},
        dependency or {},
        info or {},
        inputs,
        outputs,
    )
    return Scenario(
        id,
        summary,
        script,
        requirements,
        generations,
        expected,
        calls,
        stream,
        timeout,
        credentials,
        sent,
        joins,
        forbidden,
    )


def text(data: str | bytes) -> Text:
    """Bytes of a body."""
    return Text(data.encode() if isinstance(data, str) else data)


def page(status: int = 200) -> Answer:
    """A page of HTML."""
    return Answer(status, HTML, content_type="text/html; charset=utf-8")


def plain(status: int, said: str) -> Answer:
    """An answer in plain text."""
    return Answer(status, said.encode(), content_type="text/plain; charset=utf-8")


def detail(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    """An error as FastAPI tells it."""
    return Answer(status, json.dumps({"detail": value}).encode(), headers)


def redirect(status: int, to: str) -> Answer:
    """A redirect."""
    return Answer(status, b"", (("location", to),), None)
