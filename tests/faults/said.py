"""What a scripted server says here: something odd to one job, a right value to its sibling, and then all is well.

A *talk* is what is said on one stream or WebSocket, see :mod:`gradio_proto.conformance.clients.steps`. Jobs are counted
in the order in which they join, streams in the order in which they are opened. Both counts agree in ``ws`` and ``sse``,
where each job has a connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradio_proto.conformance.clients.rendering import GENERATIONS, SHARED, talk_of_job
from gradio_proto.conformance.clients.steps import Jobs, Script, Talk, Until, begun, completed

from .model import Served
from .servers import scripted

ALL = GENERATIONS
STREAMS = GENERATIONS[1:]
"""Generations that have event streams."""
ONE_STREAM = tuple(generation for generation in GENERATIONS if generation in SHARED)
"""Generations in which one stream carries all jobs of a session."""


def name_of(generation: str) -> str:
    """A generation in the id of a fault: ``"sse-v2-1"``."""
    return generation.replace("_", "-").replace(".", "-")


def well(job: int, value: Any = "well") -> Talk:
    """What a healthy server says of a job."""
    return (*begun(job), completed(value, job=job))


def opened(*talk: Any, generation: str = "sse_v3", number: int = 0) -> Talk:
    """A talk behind the healthy opening of the stream with that number, counted from 0, and with no end added."""
    return talk_of_job(Jobs((talk,), ending=False), number, generation)


def whole(*talk: Any, generation: str = "sse_v3", number: int = 0) -> Talk:
    """A talk with the healthy opening and ending of that stream."""
    return talk_of_job(Jobs((talk,)), number, generation)


def exactly(
    *talks: Talk,
    generation: str = "sse_v3",
    next_job: int | None = None,
    replies: Mapping[str, tuple[Talk, ...]] | None = None,
) -> Served:
    """A server that says these talks, with nothing added to them, and is well from then on.

    Args:
        talks: One for each stream.
        generation: Which generation of the protocol it speaks.
        next_job: Which job is then told to be well; the one behind those that have a talk, if it is not given.
        replies: See :class:`~gradio_proto.conformance.clients.steps.Script`.
    """
    job = len(talks) + 1 if next_job is None else next_job
    healthy = whole(*well(job), generation=generation, number=len(talks))
    return scripted(Script(Jobs((*talks, healthy), opening=False, ending=False), replies or {}), generation)


def says(*talk: Any, generation: str = "sse_v3", **options: Any) -> Served:
    """A server that says this talk to the first job, on a stream that begins and ends well."""
    return exactly(whole(*talk, generation=generation), generation=generation, **options)


def says_beside(*talk: Any, generation: str = "sse_v3", sibling: Talk | None = None) -> Served:
    """The same on a stream that two jobs share: the other one, the second, gets its right value behind it."""
    other = sibling if sibling is not None else (completed("sibling", job=2),)
    both = (Until("queue/join", 2), *begun(1), *begun(2), *talk, *other)
    return exactly(whole(*both, generation=generation), generation=generation, next_job=3)
