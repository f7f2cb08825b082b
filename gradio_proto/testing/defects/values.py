"""Defects in the values of jobs: whole, and as edits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ..app import Endpoint
from ..jsonvalues import is_list, plain
from ..queueing import Job, Message, Queue, Run
from ..values import Exhausted, Returned, Yielded
from .table import SSE_V1, SSE_V2, V5, defect


def _is(message: Message, kind: str) -> bool:
    return bool(message["msg"] == kind)


def _with_data(message: Message, data: Sequence[Any]) -> Message:
    return {**message, "output": {**message["output"], "data": [*data]}}


# Streamed values


@defect("generating/dropped", "message/process-generating/each")
class GeneratingDropped(Queue):
    """Every third value of a generator is not sent."""

    @cached_property
    def _values_given(self) -> dict[str, int]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating"):
            number = self._values_given[job.event_id] = self._values_given.get(job.event_id, 0) + 1
            if number % 3 == 0:
                return
        super()._send(job, message)


@defect("generating/repeated-dropped", "message/process-generating/each")
class GeneratingRepeatedDropped(Queue):
    """A value that is like the one before is not sent."""

    @cached_property
    def _values_before(self) -> dict[str, list[Any]]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating"):
            data = message["output"]["data"]
            before = self._values_before.get(job.event_id)
            self._values_before[job.event_id] = data
            as_edits = self._generation.sends_edits and not job.simple
            if before is not None and (not any(data) if as_edits else data == before):
                return
        super()._send(job, message)


@defect("completed/first-value", "value/streamed/last")
class CompletedFirstValue(Queue):
    """The completion of a generator holds what it gave first."""

    @cached_property
    def _first_values(self) -> dict[str, list[Any]]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating"):
            self._first_values.setdefault(job.event_id, message["output"]["data"])
        elif job.event_id in self._first_values and "data" in message.get("output", ()):
            message = _with_data(message, self._first_values[job.event_id])
        super()._send(job, message)


@defect("completed/edits", "message/process-completed/whole", since=SSE_V2)
class CompletedEdits(Queue):
    """The completion of a generator holds edits to the value before, that is, none."""

    def _complete(self, run: Run, outputs: Sequence[Mapping[str, Any]], now: float) -> None:
        if run.endpoint.is_generator and run.last is not None:
            edits: list[list[Any]] = [[] for _ in run.endpoint.outputs]
            outputs = [{**output, "data": edits} for output in outputs]
        super()._complete(run, outputs, now)


@defect("completed/empty-fails", "value/streamed/empty")
class CompletedEmptyFails(Queue):
    """A generator that gives nothing has failed."""

    def _take(self, run: Run, outcome: Yielded | Returned | Exhausted, now: float) -> None:
        if isinstance(outcome, Exhausted) and run.last is None:
            raise ValueError("a generator gave nothing")
        super()._take(run, outcome, now)


@defect("value/streamed-as-edits", "value/streamed/whole", until=SSE_V1)
class ValueStreamedAsEdits(Queue):
    """Later values of a generator are sent as edits by a server whose protocol has none."""

    @cached_property
    def _values_whole(self) -> dict[str, list[Any]]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating"):
            data = message["output"]["data"]
            before = self._values_whole.get(job.event_id)
            self._values_whole[job.event_id] = data
            if before is not None:
                message = _with_data(message, self._edits(job.endpoint, before, data))
        super()._send(job, message)


# Edits


@defect("diff/first-as-edits", "value/streamed/first", since=SSE_V2)
class DiffFirstAsEdits(Queue):
    """The first value of a generator is sent as edits, too."""

    @cached_property
    def _begun(self) -> set[str]:
        return set()

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_generating") and job.event_id not in self._begun and not job.simple:
            self._begun.add(job.event_id)
            message = _with_data(message, [[["replace", [], value]] for value in message["output"]["data"]])
        super()._send(job, message)


@defect("diff/stale-base", "value/streamed/differences", since=SSE_V2)
class DiffStaleBase(Queue):
    """From the third value on, edits are made to the value before the one that was sent last."""

    _base: list[Any] | None = None

    @cached_property
    def _bases(self) -> dict[str, list[Any] | None]:
        return {}

    def _take(self, run: Run, outcome: Yielded | Returned | Exhausted, now: float) -> None:
        event_id = run.jobs[0].event_id
        self._base = self._bases.get(event_id)
        self._bases[event_id] = run.last
        super()._take(run, outcome, now)

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return super()._edits(endpoint, old if self._base is None else self._base, new)


@defect("diff/wrong-delete-index", "value/diff/replays", since=SSE_V2)
class DiffWrongDeleteIndex(Queue):
    """A list is shortened at its front, where clients take every deletion for one at its end."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        cut = [
            before[max(len(before) - len(after), 0) :] if is_list(before) and is_list(after) else before
            for before, after in zip(old, new, strict=True)
        ]
        deleted = [
            [["delete", [0], None]] * (len(before) - len(rest)) if is_list(before) and is_list(rest) else []
            for before, rest in zip(old, cut, strict=True)
        ]
        edits = super()._edits(endpoint, cut, new)
        return [[*first, *rest] for first, rest in zip(deleted, edits, strict=True)]


@defect("diff/unknown-action", "value/diff/actions", since=SSE_V2)
class DiffUnknownAction(Queue):
    """What is appended to a string is said to be concatenated."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return [
            [["concat" if action == "append" else action, path, value] for action, path, value in edits]
            for edits in super()._edits(endpoint, old, new)
        ]


@defect("diff/append-twice", "value/diff/replays", since=SSE_V2)
class DiffAppendTwice(Queue):
    """What is appended to a string stands twice in the edit."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return [
            [[action, path, value * 2 if action == "append" else value] for action, path, value in edits]
            for edits in super()._edits(endpoint, old, new)
        ]


@defect("diff/index-as-string", "value/diff/actions", since=SSE_V2)
class DiffIndexAsString(Queue):
    """Paths hold the indices of lists as strings."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return [
            [[action, [str(part) for part in path], value] for action, path, value in edits]
            for edits in super()._edits(endpoint, old, new)
        ]


@defect("diff/edit-lost", "value/diff/replays", since=SSE_V2)
class DiffEditLost(Queue):
    """Of several edits to one value the last is left out."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return [edits[:-1] if len(edits) > 1 else edits for edits in super()._edits(endpoint, old, new)]


@defect("diff/unchanged-replaced", "value/diff/replays", since=SSE_V2)
class DiffUnchangedNull(Queue):
    """An output that has not changed is replaced by null."""

    def _edits(self, endpoint: Endpoint, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        return [edits or [["replace", [], None]] for edits in super()._edits(endpoint, old, new)]


# Outputs


@defect("value/reordered", "value/positions")
class ValueReordered(Queue):
    """The outputs of a function stand in reverse order."""

    def _values(self, job: Job, value: Any, now: float) -> list[Any]:
        return super()._values(job, value, now)[::-1]


@defect("value/missing", "value/positions")
class ValueMissing(Queue):
    """An output that is null is left out."""

    def _values(self, job: Job, value: Any, now: float) -> list[Any]:
        return [item for item in super()._values(job, value, now) if item is not None]


@defect("value/state-shown", "value/state")
class ValueStateShown(Queue):
    """The value of a State is sent to the client."""

    def _values(self, job: Job, value: Any, now: float) -> list[Any]:
        sent = super()._values(job, value, now)
        state = self._state(job, now)
        return [
            plain(state.get(component), other=repr) if component.is_state else item
            for component, item in zip(job.endpoint.outputs, sent, strict=True)
        ]


@defect("value/nan", "generations/json/no-nan-out")
class ValueNaN(Queue):
    """A NaN is sent as such, which is no JSON."""

    def _values(self, job: Job, value: Any, now: float) -> list[Any]:
        is_nan = isinstance(value, float) and math.isnan(value)
        return [value] if is_nan else super()._values(job, value, now)


@defect("value/batch-last", "value/batch")
class ValueBatchLast(Queue):
    """All jobs of a batch get the values of the last of them."""

    def _rows(self, run: Run, value: Any, now: float) -> list[list[Any]]:
        rows = super()._rows(run, value, now)
        return [rows[-1]] * len(rows)


# Errors


@defect("error/success-true", "message/process-completed/failure")
class ErrorSuccessTrue(Queue):
    """The completion of a job that has failed says that it has not."""

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_completed") and "error" in message["output"]:
            message = {**message, "success": True}
        super()._send(job, message)


@defect("error/no-error-key", "error/function/shape")
class ErrorNoErrorKey(Queue):
    """What went wrong stands under ``message``, and not under ``error``."""

    def _send(self, job: Job, message: Message) -> None:
        if "error" in message.get("output", ()):
            message = {**message, "output": {"message": message["output"]["error"]}}
        super()._send(job, message)


@defect("stream-input/edits", "message/process-streaming/whole", since=V5)
class StreamInputEdits(Queue):
    """What a function gives for later chunks of its input is sent as edits."""

    @cached_property
    def _processed(self) -> dict[str, list[Any]]:
        return {}

    def _send(self, job: Job, message: Message) -> None:
        if _is(message, "process_streaming"):
            data = message["output"]["data"]
            before = self._processed.get(job.event_id)
            self._processed[job.event_id] = data
            if before is not None:
                message = _with_data(message, self._edits(job.endpoint, before, data))
        super()._send(job, message)
