"""A job that goes around the queue: one request to ``/run``, whose reply is the result.

It is how 3.x calls what it has no queue for, and with ``via="run"`` every server calls what its author has not closed
to that. The server tells nothing until the function has returned: no place in a queue, no progress, no sign of life.
Of a generator it gives the first value and no other.
"""

from __future__ import annotations

from typing import Any, Final

from .. import jsontext
from ..cancelling import CancelReport
from ..config import is_object, object_of
from ..effects import Flow, Now, Open, Signal
from ..errors import RemoteProtocolError
from ..http import Response
from ..job import Job
from ..messages import ProcessCompleted, message_from_json
from ..replies import json_reply
from ..timeouts import deadline, earlier
from .calls import headers_of_join, join
from .requests import await_head, make_request, read_reply
from .state import ClientState, LiveSession, Slots

FUNCTION_FAILED: Final = 500


def run_directly(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """Carry a job by its own request to its end."""
    answer: list[tuple[ProcessCompleted, str]] = []

    def ask() -> Flow[str | None]:
        response = yield from _post(state, live, job)
        if response is None or job.is_settled:
            return None
        answer.append(_message(state, live, response))
        return ""

    # Joins have to wait for each other because they are answered at once; this is not.
    yield from join(state, live, job, ask, Slots(None))
    for message, text in answer:
        if message.render_config is not None:
            live.home.session.rendered.take(message.render_config, len(text))
        state.heard(live, message, text, job)
        live.session.hear(job, message, text)


def give_up(job: Job, *, force: bool) -> CancelReport:
    """Cancel a job whose request is on its way."""
    if not force:
        return CancelReport(
            False, False, "the function may run already, and cannot be stopped; force=True gives it up"
        )
    job.cancel()
    return CancelReport(
        True, False, "nothing stops a function that was called around the queue: it goes on to its end"
    )


def _post(state: ClientState, live: LiveSession, job: Job) -> Flow[Response | None]:
    stop = Signal()
    job.on_settled.append(stop.set)
    _, now = yield Now()
    headers = (*headers_of_join(state, job), ("content-type", "application/json"))
    request = make_request(state, "POST", state.target(live.route), now, body=job.payload, headers=headers)
    exchange, now = yield Open(request, earlier(deadline(now, state.timeouts.write), job.deadline))
    job.sent_around_queue()
    try:
        # The function may take as long as the caller lets it.
        head, now = yield from await_head(state, exchange, job.deadline, stop)
        if head is None:
            return None
        return (yield from read_reply(state, exchange, head, now, job.deadline))
    finally:
        exchange.close()


def _message(state: ClientState, live: LiveSession, response: Response) -> tuple[ProcessCompleted, str]:
    """The completion that a reply amounts to."""
    what = f"/{live.route}"
    failure = _failure(state, response)
    output = json_reply(response, state.limits, what) if failure is None else failure
    if failure is None and (not is_object(output) or "data" not in output):
        raise RemoteProtocolError(f"the reply to {what} holds no data", data=repr(output))
    value = {"msg": "process_completed", "event_id": None, "output": output, "success": failure is None}
    message = message_from_json(value, response.text())
    assert isinstance(message, ProcessCompleted)  # that is what it was made of
    return message, response.text()


def _failure(state: ClientState, response: Response) -> Any:
    """What a function that raised is answered with; None for any other reply."""
    if response.status != FUNCTION_FAILED:
        return None
    try:
        output = object_of(jsontext.loads(response.text(), state.limits))
    except RemoteProtocolError:
        return None
    return output if "error" in output else None
