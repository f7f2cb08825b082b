"""Defects in direct calls, in the simple API, and in what components offer by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..answers import Answer, Crash, HTTPError, Later, Missing, Reply, Request, json_reply, text_reply
from ..app import Endpoint
from ..bodies import Unprocessable
from ..queueing import Message, Queue
from ..routes import Routes
from ..values import Context
from .table import SSE_V1, SSE_V21, V6, WS_LAST, defect

# Direct calls


@defect("run/number-ignored", "run/by-number")
class RunNumberIgnored(Routes):
    """``fn_index`` in the body of a direct call is passed over, and the name in the path counts."""

    def _endpoint(self, body: Mapping[str, Any], name: str) -> Endpoint:
        return super()._endpoint({**body, "fn_index": None} if name else body, name)


@defect("run/session-ignored", "run/session")
class RunSessionIgnored(Queue):
    """Direct calls run in no session."""

    def call(
        self,
        endpoint: Endpoint,
        data: Sequence[Any],
        session_hash: str | None,
        context: Context,
        reply: Callable[[bool, Mapping[str, Any]], None],
        now: float,
        *,
        root: str = "",
    ) -> None:
        """Run an endpoint past the queue."""
        super().call(endpoint, data, None, context, reply, now, root=root)


@defect("run/batch-not-wrapped", "run/batch")
class RunBatchNotWrapped(Queue):
    """A direct call of a function that takes batches gives it values, and no lists of them."""

    def call(
        self,
        endpoint: Endpoint,
        data: Sequence[Any],
        session_hash: str | None,
        context: Context,
        reply: Callable[[bool, Mapping[str, Any]], None],
        now: float,
        *,
        root: str = "",
    ) -> None:
        """Run an endpoint past the queue."""
        single = replace(endpoint, batch=False) if endpoint.batch else endpoint
        super().call(single, data, session_hash, context, reply, now, root=root)


@defect("run/failure-200", "run/failure")
class RunFailure200(Routes):
    """A direct call whose function has failed is answered 200."""

    def _post_run(self, request: Request, later: Later, now: float) -> Answer:
        return super()._post_run(request, lambda reply: later(replace(reply, status=200)), now)


@defect("run/failure-not-json", "run/failure")
class RunFailureNotJSON(Routes):
    """A direct call whose function has failed is answered with plain text."""

    def _post_run(self, request: Request, later: Later, now: float) -> Answer:
        def plainly(reply: Reply) -> None:
            later(reply if reply.status == 200 else text_reply(reply.status, "Internal Server Error"))

        return super()._post_run(request, plainly, now)


@defect("run/unknown-accepted", "run/unknown")
class RunUnknownAccepted(Routes):
    """A direct call of a function that there is not is answered like one that gives nothing."""

    def _post_run(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_run(request, later, now)
        except (Crash, Missing):
            return json_reply(200, {"data": [], "is_generating": False, "duration": 0, "average_duration": 0})


@defect("run/closed-ignored", "run/closed")
class RunClosedIgnored(Routes):
    """An app that allows no direct calls gets them all the same."""

    def _check_direct(self, endpoint: Endpoint) -> None:
        pass


@defect("run/private-by-name", "security/server/privacy", since=SSE_V1)
class RunPrivateByName(Routes):
    """A private endpoint can be called by its name."""

    def _endpoint(self, body: Mapping[str, Any], name: str) -> Endpoint:
        found = self._queue.endpoint(body["session_hash"], name=name)
        return super()._endpoint(body, name) if body["fn_index"] is not None or found is None else found


# The simple API


@defect("call/edits", "call/whole", since=SSE_V21)
class CallEdits(Queue):
    """The simple API streams edits."""

    def join(
        self,
        endpoint: Endpoint,
        data: Sequence[Any],
        session_hash: str | None,
        context: Context,
        now: float,
        *,
        root: str = "",
        simple: bool = False,
    ) -> str:
        """Put a job into the line."""
        return super().join(endpoint, data, session_hash, context, now, root=root)


@defect("call/no-complete", "call/stream", since=SSE_V21)
class CallNoComplete(Routes):
    """The stream of a call ends without ``complete``."""

    def _encode_call(self, message: Message) -> bytes | None:
        is_complete = message["msg"] == "process_completed" and message["success"]
        return None if is_complete else super()._encode_call(message)


@defect("call/unknown-event-silent", "call/unknown-event", since=SSE_V21)
class CallUnknownEventSilent(Routes):
    """The stream of an event that there is not just ends."""

    def _encode_call(self, message: Message) -> bytes | None:
        return None if message["msg"] == "unexpected_error" else super()._encode_call(message)


@defect("call/error-null", "call/error", since=SSE_V21)
class CallErrorNull(Routes):
    """The data of ``error`` is null, whatever has happened."""

    def _encode_call(self, message: Message) -> bytes | None:
        data = super()._encode_call(message)
        return (
            b"event: error\ndata: null\n\n" if data is not None and data.startswith(b"event: error") else data
        )


@defect("call/session-ignored", "call/session", since=SSE_V21)
class CallSessionIgnored(Routes):
    """A call runs in a session of its own, whatever it says."""

    def _join(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, Any], now: float, *, simple: bool
    ) -> Answer:
        alone = {**body, "session_hash": None}
        return super()._join(request, endpoint, alone if simple else body, now, simple=simple)


@defect("call/unknown-name-accepted", "call/unknown-name", since=SSE_V21)
class CallUnknownNameAccepted(Routes):
    """A call of a name that there is not is given an event id."""

    def _post_call(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_call(request, later, now)
        except Crash:
            return json_reply(200, {"event_id": "0" * 32})


@defect("call-v2/defaults-missing", "call/v2/arguments", since=V6)
class CallV2DefaultsMissing(Routes):
    """A call by keyword has to name the arguments that have defaults, too."""

    def _post_call_v2(self, request: Request, later: Later, now: float) -> Answer:
        given = self._parse(request, {})
        endpoint = self._endpoint({"fn_index": None, "session_hash": None}, self._name(request, 3))
        names = [
            endpoint.parameter_name(index) for index, one in enumerate(endpoint.inputs) if not one.is_state
        ]
        if any(name not in given for name in names):
            raise Crash(422, "An argument is missing.")
        return super()._post_call_v2(request, later, now)


@defect("call-v2/unknown-argument-accepted", "call/v2/refused", since=V6)
class CallV2UnknownArgumentAccepted(Routes):
    """A call by keyword may have arguments that there are not."""

    def _post_call_v2(self, request: Request, later: Later, now: float) -> Answer:
        given = self._parse(request, {})
        endpoint = self._endpoint({"fn_index": None, "session_hash": None}, self._name(request, 3))
        names = [endpoint.parameter_name(index) for index in range(len(endpoint.inputs))]
        known = {name: value for name, value in given.items() if name in (*names, "oauth_token")}
        return super()._post_call_v2(replace(request, body=json.dumps(known).encode()), later, now)


# Components


@defect("component-server/unlisted-called", "component/unlisted", since=WS_LAST)
class ComponentUnlistedCalled(Routes):
    """A function that the component does not offer is answered 200."""

    def _post_component(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_component(request, later, now)
        except HTTPError as error:
            if error.status != 404:
                raise
            return json_reply(200, None)


@defect("component-server/malformed-500", "component/malformed", since=WS_LAST)
class ComponentMalformed500(Routes):
    """A call of a component that lacks a key makes the server stumble."""

    def _post_component(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_component(request, later, now)
        except Unprocessable:
            raise Crash(500) from None
        except HTTPError as error:
            raise Crash(500) if error.status == 400 else error from None


@defect("component-server/wrapped", "component/call", since=WS_LAST)
class ComponentWrapped(Routes):
    """What a component's function returns comes in a list."""

    def _post_component(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_component(request, later, now)
        assert isinstance(answer, Reply)
        return replace(answer, body=b"[%b]" % answer.body)
