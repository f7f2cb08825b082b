"""A flow that tells of its exchanges."""

from __future__ import annotations

from typing import Any, TypeVar

from ..effects import Effect, Flow, Open, ReadBody, ReadHead, SendBody, TimedOut
from ..tracing import Tracer

T = TypeVar("T")


def traced(flow: Flow[T], tracer: Tracer) -> Flow[T]:
    """The same flow. Each effect passes through, and so does its answer; the tracer is told of what both mean.

    It stands around a whole flow, on the side of the runner, so that no flow knows of it, and one that nobody traces
    pays nothing.
    """
    answer: Any = None
    error: BaseException | None = None
    opening: int | None = None
    try:
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            error = None
            if isinstance(effect, Open):
                opening = tracer.opening(effect.request)
            try:
                answer = yield effect
            except Exception as raised:
                error = raised
                if opening is not None:
                    tracer.not_opened(opening, raised)
                elif isinstance(effect, ReadHead | ReadBody | SendBody) and not isinstance(raised, TimedOut):
                    tracer.failed(effect.exchange, raised)
            else:
                _note(tracer, effect, answer, opening)
            opening = None
            tracer.look()
    finally:
        flow.close()
        if opening is not None:  # whoever ran it was cancelled meanwhile
            tracer.not_opened(opening, None)
        tracer.look()


def _note(tracer: Tracer, effect: Effect, answer: Any, opening: int | None) -> None:
    value, _ = answer
    if opening is not None:
        tracer.opened(opening, value)
    elif isinstance(effect, ReadHead) and value is not None:
        tracer.head(effect.exchange, value)
    elif isinstance(effect, ReadBody) and value:
        tracer.body(effect.exchange, len(value))
