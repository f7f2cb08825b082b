"""Defects in what a server does with jobs: joins, the queue, functions, State, chunked inputs and renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..answers import Answer, Crash, HTTPError, Later, Reply, Request, json_reply, text_reply
from ..app import Call, Endpoint, Rendering
from ..bodies import JOIN, Field, Unprocessable
from ..components import Component
from ..jsonvalues import is_dict
from ..queueing import Invalid, Job, Message, Queue, Run, completed
from ..routes import Routes
from ..values import Error
from .table import SSE, SSE_V1, V4, V5, V6, defect

_LONG = 1_000_000.0
"""Seconds that nobody waits for: eleven days. (Selectors take no infinity.)"""

_TRACEBACK = 'Traceback (most recent call last):\n  File "routes.py", line 1, in join\nKeyError: 0\n'


# Joins


@defect("join/unknown-fn-accepted", "queue/join/unknown-fn", since=SSE)
class UnknownFnAccepted(Queue):
    """A number that no function has is taken for that of the first one."""

    def endpoint(
        self, session_hash: str | None, *, fn_index: int | None = None, name: str = ""
    ) -> Endpoint | None:
        """The endpoint of that number, or else of that name."""
        found = super().endpoint(session_hash, fn_index=fn_index, name=name)
        return self._app.endpoints[0] if found is None and fn_index is not None else found


@defect("join/wrong-status", "queue/join/event-id", since=SSE_V1)
class JoinWrongStatus(Routes):
    """A join is answered 202."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        answer = super()._join(request, endpoint, body, now, simple=simple)
        assert isinstance(answer, Reply)
        return replace(answer, status=202)


@defect("join/no-fn-accepted", "queue/join/no-fn", since=SSE_V1)
class NoFnAccepted(Routes):
    """A join that names no function is one of the first."""

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        body = super()._parse(request, fields)
        if request.path.endswith("/queue/join") and body["fn_index"] is None:
            body["fn_index"] = 0
        return body


@defect("join/no-session-accepted", "queue/join/no-session", since=SSE_V1)
class NoSessionAccepted(Routes):
    """A join without a session is accepted, in one that nobody can name."""

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        body = super()._parse(request, fields)
        if request.path.endswith("/queue/join") and body["session_hash"] is None:
            body["session_hash"] = "anonymous"
        return body


@defect("join/no-data-accepted", "queue/join/malformed", since=SSE_V1)
class NoDataAccepted(Routes):
    """A join without data is one with an empty list of them."""

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        return super()._parse(request, {**fields, "data": Field("any")} if fields is JOIN else fields)

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        return super()._join(request, endpoint, {**body, "data": body["data"] or []}, now, simple=simple)


@defect("join/malformed-500", "queue/join/malformed", since=SSE_V1)
class Malformed500(Routes):
    """A malformed body makes the server stumble."""

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        try:
            return super()._parse(request, fields)
        except Unprocessable:
            raise Crash(500) from None


@defect("join/wrong-method-status", "queue/join/wrong-method", since=SSE_V1)
class WrongMethodStatus(Routes):
    """A wrong method for ``queue/join`` is answered as a path that there is not."""

    def answer(self, request: Request, later: Later, now: float) -> Answer:
        """Do what a request asks for."""
        answer = super().answer(request, later, now)
        if isinstance(answer, Reply) and answer.status == 405:
            return json_reply(404, {"detail": "Not Found"})
        return answer


@defect("join/extra-keys-refused", "generations/json/extra-keys", since=SSE)
class ExtraKeysRefused(Routes):
    """A body with a key that the server does not know is refused."""

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        body = super()._parse(request, fields)
        known = (*JOIN, "event_data", "event_id", "trigger_id", "simple_format", "oauth_token", "batched")
        extra = [name for name in body if name not in known]
        if fields is JOIN and extra:
            wrong = {
                "type": "extra_forbidden",
                "loc": ["body", extra[0]],
                "msg": "Extra inputs are not permitted",
            }
            raise Unprocessable([{**wrong, "input": body[extra[0]]}])
        return body


@defect("join/unqueued-refused", "queue/join/body/unqueued", since=SSE_V1)
class UnqueuedRefused(Routes):
    """A join of a function that was taken out of the queue is refused."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        if not endpoint.queue and not endpoint.cancels:
            raise HTTPError(400, "This function has no queue.")
        return super()._join(request, endpoint, body, now, simple=simple)


@defect("session/long-hash-refused", "session/hash/any", since=SSE_V1)
class LongHashRefused(Routes):
    """A session hash of more than 16 letters is refused."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        if len(body["session_hash"] or "") > 16:
            raise HTTPError(400, "Session hash not valid.")
        return super()._join(request, endpoint, body, now, simple=simple)


@defect("join/surplus-refused", "queue/join/body/surplus")
class SurplusRefused(Queue):
    """A job with more data than the function has inputs fails."""

    def _row(self, job: Job, now: float) -> list[Any]:
        if len(job.data) > len(job.endpoint.inputs):
            raise ValueError("too many input values")
        return super()._row(job, now)


@defect("join/too-few-accepted", "error/function/too-few")
class TooFewAccepted(Queue):
    """Data that are missing are null."""

    def _row(self, job: Job, now: float) -> list[Any]:
        missing = len(job.endpoint.inputs) - len(job.data)
        job.data = [*job.data, *([None] * missing)]
        return super()._row(job, now)


@defect("join/event-data-lost", "queue/join/body/event-data")
class EventDataLost(Queue):
    """``event_data`` do not get to the function."""

    def _call(self, jobs: list[Job], now: float) -> Call:
        jobs[0].context.event_data = None
        return super()._call(jobs, now)


@defect("join/headers-lost", "queue/join/body/request")
class HeadersLost(Queue):
    """A function does not see the headers of the request that has joined."""

    def _call(self, jobs: list[Job], now: float) -> Call:
        jobs[0].context.request_headers = {}
        return super()._call(jobs, now)


@defect("queue-full/wrong-status", "queue/join/full", since=SSE_V1)
class QueueFullWrongStatus(Routes):
    """A join of a full queue is answered 429."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        try:
            return super()._join(request, endpoint, body, now, simple=simple)
        except HTTPError as error:
            raise HTTPError(429 if error.status == 503 else error.status, error.detail) from None


@defect("queue-full/unexplained", "queue/join/full", since=SSE_V1)
class QueueFullUnexplained(Routes):
    """A join of a full queue is refused without a reason."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        try:
            return super()._join(request, endpoint, body, now, simple=simple)
        except HTTPError as error:
            detail = "Service Unavailable" if error.status == 503 else error.detail
            raise HTTPError(error.status, detail) from None


@defect("validator/skipped", "queue/join/validator", since=V5)
class ValidatorSkipped(Queue):
    """Validators are not asked."""

    def _validate(self, validator: Callable[..., Any], job: Job, now: float) -> None:
        pass


@defect("validator/wrong-status", "queue/join/validator", since=V5)
class ValidatorWrongStatus(Routes):
    """What a validator refuses is answered 400."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        try:
            return super()._join(request, endpoint, body, now, simple=simple)
        except HTTPError as error:
            raise HTTPError(400 if error.status == 422 else error.status, error.detail) from None


@defect("validator/incomplete", "error/validation/complete", since=V5)
class ValidatorIncomplete(Queue):
    """The verdicts leave out the inputs that are right."""

    def _validate(self, validator: Callable[..., Any], job: Job, now: float) -> None:
        try:
            super()._validate(validator, job, now)
        except Invalid as error:
            raise Invalid([verdict for verdict in error.verdicts if not verdict["is_valid"]]) from None


# The queue


@defect("queue/last-first", "queue/order", since=SSE_V1)
class QueueLastFirst(Queue):
    """Who has joined last is the next to run."""

    def _advance(self, endpoint: Endpoint, now: float) -> None:
        line = self._lines[endpoint]
        if line.is_open:
            line.waiting.rotate(1)
        super()._advance(endpoint, now)


@defect("queue/place-lost-by-error", "queue/isolation")
class PlaceLostByError(Queue):
    """A function that fails keeps its place, and no other run of it starts there."""

    def _fail(self, run: Run, error: BaseException, now: float) -> None:
        if run.reply is None:
            self._lines[run.endpoint].runs.append(replace(run))
        super()._fail(run, error, now)


@defect("queue/error-ends-siblings", "error/function/session-lives", since=SSE_V1)
class ErrorEndsSiblings(Queue):
    """When a job fails, so do the others of its session that run."""

    def _fail(self, run: Run, error: BaseException, now: float) -> None:
        super()._fail(run, error, now)
        session_hash = run.jobs[0].session_hash
        for line in [*self._lines.values()]:
            for other in [other for other in line.runs if other.jobs[0].session_hash == session_hash]:
                for job in other.jobs:
                    self._send(job, completed(job.event_id, self._error(error), success=False, title="Error"))
                self._end(other, now)


# Errors


@defect("error/traceback-body", "error/http/no-traceback")
class TracebackBody(Routes):
    """A request for a function that there is not is answered with the server's traceback."""

    def _stumble(self, crash: Crash) -> Reply:
        return text_reply(500, _TRACEBACK)


@defect("error/unknown-fn-500", "error/http/client-mistakes")
class UnknownFn500(Routes):
    """A request for a function that there is not is answered like a failure of the server."""

    def _stumble(self, crash: Crash) -> Reply:
        return text_reply(500, "Internal Server Error")


@defect("error/traceback-text", "error/http/no-traceback")
class TracebackText(Queue):
    """The text of an exception comes with a traceback."""

    def _error(self, error: BaseException) -> Message:
        output = super()._error(error)
        return output if output["error"] is None else {**output, "error": f"{_TRACEBACK}{output['error']}"}


@defect("error/crash-shown", "error/function/hidden")
class CrashShown(Queue):
    """The text of any exception is told, though ``show_error`` is off."""

    def _error(self, error: BaseException) -> Message:
        output = super()._error(error)
        return {"error": str(error), "visible": True} if output["error"] is None else output


@defect("error/message-hidden", "error/function/shown")
class MessageHidden(Queue):
    """Where ``show_error`` is off the text of ``gr.Error`` is kept back, too."""

    def _error(self, error: BaseException) -> Message:
        output = super()._error(error)
        return {**output, "error": None} if isinstance(error, Error) and not self._app.show_error else output


@defect("error/malformed-poisons", "error/http/survives")
class MalformedPoisons(Routes):
    """After a malformed body the server can read no other."""

    _is_poisoned = False

    def _parse(self, request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
        if self._is_poisoned:
            raise Crash(500)
        try:
            return super()._parse(request, fields)
        except Unprocessable:
            self._is_poisoned = True
            raise


# State


@defect("state/shared-across-sessions", "session/isolation")
class StateShared(Queue):
    """All sessions have the same State."""

    @cached_property
    def _one_state(self) -> dict[Component, Any]:
        return {}

    def _state(self, job: Job, now: float) -> dict[Component, Any]:
        return self._one_state if job.session_hash is not None else {}


@defect("state/forgotten", "session/state/kept")
class StateForgotten(Queue):
    """State is not kept."""

    def _state(self, job: Job, now: float) -> dict[Component, Any]:
        return {}


@defect("state/direct-call-keeps", "session/state/no-session")
class DirectCallKeepsState(Queue):
    """Direct calls without a session share one."""

    @cached_property
    def _nobodys_state(self) -> dict[Component, Any]:
        return {}

    def _state(self, job: Job, now: float) -> dict[Component, Any]:
        return self._nobodys_state if job.session_hash is None else super()._state(job, now)


@defect("state/default-shared", "session/isolation")
class StateDefaultShared(Queue):
    """The first value of a State is not copied: what a function does to it all sessions see."""

    def _row(self, job: Job, now: float) -> list[Any]:
        state = self._state(job, now)
        for component in job.endpoint.inputs:
            if component.is_state:
                state.setdefault(component, component.value)
        return super()._row(job, now)


# Input in chunks


@defect("stream-input/chunk-dropped", "input/chunk/answered", since=V5)
class ChunkDropped(Queue):
    """Every second chunk is accepted, and not processed."""

    @cached_property
    def _chunks_taken(self) -> dict[str, int]:
        return {}

    def add_chunk(self, event_id: str, data: Sequence[Any], now: float) -> bool:
        """Take a chunk."""
        number = self._chunks_taken[event_id] = self._chunks_taken.get(event_id, 0) + 1
        if number % 2 == 0 and event_id in self._inputs_of:
            return True
        return super().add_chunk(event_id, data, now)


@defect("stream-input/wrong-reply", "input/chunk/accepted", since=V5)
class ChunkWrongReply(Routes):
    """A chunk that was accepted is answered with null."""

    def _post_chunk(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_chunk(request, later, now)
        is_accepted = isinstance(answer, Reply) and answer.status == 200
        return json_reply(200, None) if is_accepted else answer


@defect("stream-input/ended-accepted", "input/chunk/refused", since=V5)
class EndedChunkAccepted(Routes):
    """A chunk for a job that there is not is accepted."""

    def _post_chunk(self, request: Request, later: Later, now: float) -> Answer:
        super()._post_chunk(request, later, now)
        return json_reply(200, {"msg": "success"})


@defect("stream-input/end-reruns", "input/end/completes", since=V5)
class EndReruns(Queue):
    """At the end of the input the function is run once more on the last chunk."""

    def _take_news(self, run: Run, now: float) -> None:
        if run.jobs[0].is_closed:
            run.has_news = False
            run.call = self._call(run.jobs, now)
            self._step(run, now)
        else:
            super()._take_news(run, now)


@defect("stream-input/time-limit-ignored", "input/time-limit", since=V5)
class TimeLimitIgnored(Queue):
    """The time limit of a function that takes its input in chunks is not kept."""

    def _take_processed(self, run: Run, values: list[Any], now: float) -> None:
        run.used = -_LONG
        super()._take_processed(run, values, now)


@defect("stream-input/silence-forever", "input/end/silence", since=V5)
class SilenceForever(Queue):
    """A job waits for its next chunk for ever."""

    def _take_processed(self, run: Run, values: list[Any], now: float) -> None:
        super()._take_processed(run, values, now)
        if run in self._waiting:
            self._waiting[run] = now + _LONG


# Renders


@defect("render/config-missing", "render/config", since=V4)
class RenderConfigMissing(Routes):
    """The answer to a render does not tell what it has made."""

    def _worded(self, message: Message) -> Message:
        worded = super()._worded(message)
        output = worded.get("output")
        if is_dict(output) and output.get("render_config") is not None:
            worded["output"] = {**output, "render_config": None}
        return worded


@defect("render/other-session-accepted", "render/elsewhere", since=V4)
class RenderedElsewhereAccepted(Queue):
    """What one session has rendered every session can call."""

    def endpoint(
        self, session_hash: str | None, *, fn_index: int | None = None, name: str = ""
    ) -> Endpoint | None:
        """The endpoint of that number, or else of that name."""
        for one in (session_hash, *self._sessions):
            found = super().endpoint(one, fn_index=fn_index, name=name)
            if found is not None:
                return found
        return None


@defect("render/id-taken", "render/number", since=V4)
class RenderIdTaken(Queue):
    """What is rendered is numbered from 0, like the app's own functions."""

    def _render(self, job: Job, rendering: Rendering) -> Message | None:
        self._session(job.session_hash or "").next_fn = 0
        return super()._render(job, rendering)


@defect("render/not-callable", "render/callable", since=V4)
class RenderNotCallable(Queue):
    """What was rendered cannot be called."""

    def endpoint(
        self, session_hash: str | None, *, fn_index: int | None = None, name: str = ""
    ) -> Endpoint | None:
        """The endpoint of that number, or else of that name."""
        return super().endpoint(None, fn_index=fn_index, name=name)


@defect("oauth/token-leaks", "auth/oauth-token/ignored", since=V6)
class TokenLeaks(Routes):
    """A function gets a token for which it has not asked."""

    def _context(self, request: Request, endpoint: Endpoint, body: Mapping[str, Any]) -> Any:
        return replace(super()._context(request, endpoint, body), oauth_token=body.get("oauth_token"))
