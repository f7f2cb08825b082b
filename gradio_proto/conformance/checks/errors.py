"""Functions that fail, and requests that are refused."""

from __future__ import annotations

import json
from typing import Any, Final

from gradio_proto.config import is_list, is_object, object_of

from ..model import Violation
from ..registry import case
from ..session import Job
from ..strategies import texts
from ..tester import Tester
from ..wire import Reply, Socket
from .malformed import malformed

FAILING: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("fail", ("x",)),
    ("fail_titled", ("x",)),
    ("crash", ("x",)),
    ("gen_fail", (2,)),
    ("gen_crash", (2,)),
)
"""Endpoints that fail, with inputs: at once and after values, with an error of the app's and with another one."""
SECRET: Final = "nobody-may-read-this"
TRACES: Final = ("Traceback (most recent call last)", '.py", line ', "/site-packages/")
"""What stands in a traceback, and in nothing else that a server says."""


def _failed(tester: Tester, role: str, *arguments: Any) -> Job:
    """A job that has to fail."""
    job = tester.run(role, *arguments)
    tester.check(not job.success, f"{job} has a success of true, though its function has failed")
    return job


def _check_shape(tester: Tester, job: Job) -> None:
    tester.check(
        "error" in job.output and "data" not in job.output,
        f"{job} has failed, and its output is {json.dumps(job.output)[:200]}, not one with an error and without data",
    )
    tester.check_schema("values/failure", job.output)
    error = job.output["error"]
    tester.check(
        error is None or isinstance(error, str), f"the error of {job} is {error!r}, no string and not null"
    )


# Functions that fail


@case("error/function/shape", endpoints=("fail", "crash", "gen_fail", "gen_crash"))
def failures_have_the_documented_shape(tester: Tester) -> None:
    """Call functions that fail in each way: the job ends without success, and its output has an error."""
    for role, arguments in FAILING:
        if tester.find(role) is not None:
            _check_shape(tester, _failed(tester, role, *arguments))


@case("error/function/shape/hidden", variant="short-queue", endpoints=("crash", "gen_crash"))
def a_hidden_text_is_null(tester: Tester) -> None:
    """Have functions fail by exceptions whose text the app hides: the error is null, also after values."""
    for role, argument in (("crash", "x"), ("gen_crash", 2)):
        job = _failed(tester, role, argument)
        _check_shape(tester, job)
        error = job.output["error"]
        tester.check(error is None, f"the error of {job}, which is to be hidden, is {error!r} and not null")


@case("error/function/shown", endpoints=("fail",), examples=8)
def the_text_of_an_error_is_told(tester: Tester) -> None:
    """Have a function fail by an error of the app's, with a drawn text: it is told as it is."""
    text = tester.draw(texts(min_size=1), "text")
    _check_text(tester, _failed(tester, "fail", text), f"bad thing: {text}")


@case("error/function/shown/after-values", endpoints=("gen_fail",))
def the_text_of_an_error_is_told_after_values(tester: Tester) -> None:
    """Have a generator fail after values by an error of the app's: its text is told as it is."""
    _check_text(tester, _failed(tester, "gen_fail", 2), "gen failed")


@case("error/function/shown/hidden", variant="short-queue", endpoints=("fail",))
def the_text_of_an_error_is_told_where_others_are_hidden(tester: Tester) -> None:
    """Have a function fail by an error of the app's, while texts of exceptions are hidden: it is told all the same."""
    _check_text(tester, _failed(tester, "fail", "x"), "bad thing: x")


def _check_text(tester: Tester, job: Job, wanted: str) -> None:
    error = job.output.get("error")
    tester.check(error == wanted, f"the error of {job} is {error!r}, and the app said {wanted!r}")


@case("error/function/hidden", variant="short-queue", endpoints=("crash", "gen_crash"), severity="critical")
def no_text_of_an_exception_is_told(tester: Tester) -> None:
    """Have functions fail by exceptions while their texts are hidden: nothing of these is told, by the queue, by a
    direct call or by the simple API."""
    for role, argument, text in (("crash", SECRET, SECRET), ("gen_crash", 2, "gen crashed")):
        job = tester.run(role, argument)
        for heard in job.heard:
            tester.check(
                text not in heard.text, f"{job} tells {text!r}, the text of an exception that is to be hidden"
            )
    crash = tester.endpoint("crash")
    reply = tester.post("run/predict", {"data": [SECRET], "fn_index": crash.fn_index})
    replies = [reply]
    if tester.version >= (4, 20):
        posted = tester.post("call/crash", {"data": [SECRET]})
        if posted.status == 200:
            replies.append(tester.get(f"call/crash/{posted.json()['event_id']}"))
    for reply in replies:
        told = SECRET in reply.text()
        tester.check(not told, f"{reply.asked} tells the text of an exception that is to be hidden")


@case("error/function/too-few", endpoints=("calc",))
def too_few_values(tester: Tester) -> None:
    """Call a function with one value in the place of three: the job fails, and its error says what is missing."""
    endpoint = tester.endpoint("calc")
    session = tester.session()
    job = session.submit(endpoint, 1)
    session.wait(job)
    tester.check(not job.success, f"{job} has succeeded with one value for three inputs")
    error = job.output.get("error")
    # The texts differ between versions; all of them tell how many there should be, or which.
    hints = ["3", *(component.type for component in endpoint.inputs[1:] if component is not None)]
    tester.check(
        isinstance(error, str) and any(hint in error.lower() for hint in hints),
        f"the error of {job}, which had one value for three inputs, is {error!r} and does not say what is missing",
    )


@case("error/function/session-lives", endpoints=("crash", "fail", "slow_gen"), severity="critical")
def others_in_the_session_go_on(tester: Tester) -> None:
    """Have jobs of a session fail while another one of it runs: that one gives all its values."""
    session = tester.session()
    other = session.submit(tester.endpoint("slow_gen"), 4, 0.1)
    session.wait_until(lambda: bool(other.all("process_generating")), "process_generating")
    failing = [session.submit(tester.endpoint(role), "x") for role in ("crash", "fail")]
    session.wait()
    for job in failing:
        tester.check(not job.success, f"{job} has a success of true, though its function has failed")
    yielded = [values[0] for values in other.yielded()]
    tester.check(
        other.success and other.values == [3] and yielded == [*range(len(yielded))],
        f"{other} gave {yielded} and ended with {json.dumps(other.output)[:200]} after another job of its session had "
        "failed",
    )


# Requests that are refused


def _sent(tester: Tester) -> Reply:
    return tester.draw(malformed(tester), "request").send(tester)


@case("error/http/no-traceback", endpoints=("any",), examples=40, severity="critical")
def no_traceback_in_an_answer(tester: Tester) -> None:
    """Send a malformed request: there is no traceback in the answer."""
    reply = _sent(tester)
    for trace in TRACES:
        tester.check(
            trace not in reply.text(), f"the answer to {reply.asked} ({reply.status}) shows a traceback"
        )


@case("error/http/no-traceback/jobs", endpoints=("crash", "calc"), severity="critical")
def no_traceback_of_a_job(tester: Tester) -> None:
    """Have a function crash, and another one called with too few values: nothing that is said shows a traceback."""
    session = tester.session()
    for endpoint, data in ((tester.endpoint("crash"), ("x",)), (tester.endpoint("calc"), ())):
        job = session.submit(endpoint, *data)
        session.wait(job)
        told = [
            heard for heard in job.heard if any(json.dumps(trace)[1:-1] in heard.text for trace in TRACES)
        ]
        tester.check(not told, f"a message of {job} shows a traceback")


@case("error/http/client-mistakes", endpoints=("any",), examples=40, severity="minor")
def mistakes_of_clients_are_called_so(tester: Tester) -> None:
    """Send a malformed request: it is answered with a status from 400 to 499."""
    reply = _sent(tester)
    tester.check(
        400 <= reply.status < 500,
        f"{reply.asked}, which is the client's mistake, was answered {reply.status}: {reply.text()[:200]!r}",
    )


@case("generations/json/schemas/refusals", endpoints=("any",), examples=20, severity="minor")
def refusals_are_valid(tester: Tester) -> None:
    """Send a malformed request: a refusal in JSON is valid under its schema."""
    reply = _sent(tester)
    if reply.content_type == "application/json" and 400 <= reply.status < 500:
        tester.check_schema(
            "replies/unprocessable" if reply.status == 422 else "replies/detail", reply.json()
        )


@case("error/http/client-mistakes/no-data", endpoints=("echo",), is_destructive=True, seconds=10)
def data_that_are_none_are_answered(tester: Tester) -> None:
    """Answer the server's question for data with none (`ws` and `sse`): the job ends, or its connection does."""
    if not tester.asks_for_data:
        reply = tester.post(
            "queue/join", {"fn_index": tester.endpoint("echo").fn_index, "session_hash": tester.new_name()}
        )
        tester.check(400 <= reply.status < 500, f"a join without data was answered {reply.status}")
        return
    session = tester.session()
    job = session.submit(tester.endpoint("echo"), "x")
    session.wait_until(lambda: any(asked.msg == "send_data" for asked in job.questions), "send_data")
    asked = job.questions.pop()
    body: dict[str, Any] = {"fn_index": job.endpoint.fn_index, "session_hash": session.hash}
    if not isinstance(job.channel, Socket):
        reply = tester.post("queue/data", {**body, "event_id": asked.json.get("event_id")})
        tester.check(400 <= reply.status < 500, f"data that are none were answered {reply.status}")
        return
    count = len(job.heard)
    job.channel.send(json.dumps(body))
    channel = job.channel
    patience = tester.patience / 2
    answered = tester.wire.wait(lambda: len(job.heard) > count or not channel.is_open, patience)
    tester.check(
        answered,
        f"an answer to send_data without data was not answered within {patience:g} s, by a message or a close",
    )


@case("error/http/survives", endpoints=("any",), examples=20, severity="critical")
def the_server_survives(tester: Tester) -> None:
    """Send a malformed request: afterwards the server serves others."""
    reply = _sent(tester)
    illness = tester.is_healthy()
    if not illness and tester.target.is_reference:
        direct = tester.post("run/echo", {"data": ["healthy?"]})
        illness = "" if direct.status == 200 else f"a direct call was answered {direct.status}"
    tester.check(
        not illness,
        f"after {reply.asked}, answered {reply.status}, the server does not serve others: {illness}",
    )


@case("error/validation/complete", endpoints=("validate",))
def validators_tell_of_each_parameter(tester: Tester) -> None:
    """Join with a value that a validator refuses: it is answered 422 with an entry for each parameter, by its name."""
    endpoint = tester.endpoint("validate")
    for data, wrong in (([-1, "b"], {"a"}), ([1, ""], {"b"}), ([-1, ""], {"a", "b"})):
        reply = tester.session().join(endpoint, data)
        tester.check_status(reply, 422)
        value = reply.json()
        tester.check_schema("replies/invalid_inputs", value)
        entries = _entries(reply, value)
        names = [entry.get("parameter_name") for entry in entries]
        tester.check(
            sorted(map(str, names)) == ["a", "b"],
            f"a refusal by a validator of a and b tells of the parameters {names}",
        )
        refused = {entry.get("parameter_name") for entry in entries if entry.get("is_valid") is False}
        tester.check(
            refused == wrong,
            f"a validator refused {sorted(wrong)}, and the answer says {sorted(map(str, refused))}",
        )


def _entries(reply: Reply, value: Any) -> list[dict[str, Any]]:
    detail = object_of(value).get("detail")
    if not is_list(detail) or not all(is_object(entry) for entry in detail):
        raise Violation(f"{reply.asked} was answered {reply.status} without a list of details")
    return detail
