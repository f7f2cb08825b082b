"""Direct calls: a function as one request and one answer."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import is_list, object_of

from ..model import Skipped, Violation
from ..registry import case
from ..strategies import texts
from ..tester import Tester
from ..wire import Reply
from .calls import name_of

ARGUMENTS: Final = st.tuples(
    st.integers(-99, 99), st.sampled_from(["add", "sub", "mul"]), st.integers(-99, 99)
)


def calculated(a: int, operation: str, b: int) -> float:
    """What ``calc`` of the reference app makes of its arguments."""
    return {"add": a + b, "sub": a - b, "mul": a * b}[operation]


def _values(tester: Tester, reply: Reply) -> list[Any]:
    """The values of a direct call, which has to have succeeded, and to be an output.

    Raises:
        Violation: It is not.
    """
    tester.check_status(reply, 200)
    value = reply.json()
    tester.check_schema("replies/run", value)
    data = object_of(value).get("data")
    if not is_list(data):
        raise Violation(f"{reply.asked} was answered 200 without data: {reply.text()[:200]!r}")
    return data


@case("run/by-name", endpoints=("calc",), examples=12)
def a_function_by_its_name(tester: Tester) -> None:
    """Call a function of drawn numbers by its name, at /run and at /api: it gives what it has to."""
    arguments = tester.draw(ARGUMENTS, "data")
    name = name_of(tester.endpoint("calc"))
    for route in ("run", "api"):
        values = _values(tester, tester.post(f"{route}/{name}", {"data": [*arguments]}))
        tester.check(
            values[:1] == [calculated(*arguments)] and len(values) == 2,
            f"/{route}/{name} of {list(arguments)} gave {values}",
        )


@case("run/by-name/json", endpoints=("json",), examples=12)
def a_function_that_gives_json(tester: Tester) -> None:
    """Call a function that gives back drawn JSON: it is the same."""
    scalar = st.none() | st.booleans() | st.integers(-99, 99) | texts()
    value = tester.draw(st.dictionaries(texts(min_size=1), scalar | st.lists(scalar), max_size=3), "value")
    name = name_of(tester.endpoint("json"))
    values = _values(tester, tester.post(f"run/{name}", {"data": [value]}))
    tester.check(
        values == [value], f"/run/{name} of {json.dumps(value)[:200]} gave {json.dumps(values)[:200]}"
    )


@case("run/by-name/generator", endpoints=("count",))
def a_generator_gives_its_first_value(tester: Tester) -> None:
    """Call a generator directly: its first value comes, which is said not to be all."""
    name = name_of(tester.endpoint("count"))
    reply = tester.post(f"run/{name}", {"data": [3]})
    values = _values(tester, reply)
    tester.check(values == [0], f"a direct call of a generator gave {values}, and its first value is 0")
    more = reply.json().get("is_generating")
    tester.check(more is True, f"a direct call of a generator has an is_generating of {more!r}")


@case("run/by-name/progress", endpoints=("progress",), is_destructive=True, seconds=1)
def a_function_that_reports_progress(tester: Tester) -> None:
    """Call a function directly that reports progress, by tqdm too: it is answered."""
    if tester.target.restart is None:
        raise Skipped(
            "a thread of the server might be busy for ever, and it cannot be started anew from here"
        )
    name = name_of(tester.endpoint("progress"))
    try:
        values = _values(tester, tester.post(f"run/{name}", {"data": [1]}))
    except Violation:
        tester.restart_server()
        raise
    tester.check(values == ["done"], f"/run/{name} gave {values}")


@case("run/by-number", endpoints=("calc",))
def a_function_by_its_number(tester: Tester) -> None:
    """Call a function by its number, at /run/predict and at the name of another one: the number counts."""
    endpoint = tester.endpoint("calc")
    other = tester.find("echo")  # never one that the user has not named
    named = [f"run/{other.api_name.strip('/')}"] if other is not None and other.api_name else []
    for path in ("run/predict", "api/predict", *named):
        reply = tester.post(path, {"data": [2, "mul", 3], "fn_index": endpoint.fn_index})
        values = _values(tester, reply)
        tester.check(values[:1] == [6], f"{reply.asked} with the number of {endpoint.label} gave {values}")


@case("run/session", endpoints=("state",), severity="critical")
def a_direct_call_is_in_its_session(tester: Tester) -> None:
    """Call a function with State directly, twice in one session and once in another: only the first has a past."""
    endpoint = tester.endpoint("state")
    first, second = tester.new_name(), tester.new_name()

    def count(session: str, text: str) -> Any:
        data = tester.data_for(endpoint, text)
        body = {"data": data, "fn_index": endpoint.fn_index, "session_hash": session}
        return _values(tester, tester.post("run/predict", body))[0]

    found = [count(first, "a b"), count(first, "c d e"), count(second, "f")]
    tester.check(
        found == [2, 5, 1],
        f"words counted in the State of two sessions by direct calls are {found}, and not [2, 5, 1]",
    )


@case("run/failure", endpoints=("fail",))
def a_failure_of_a_direct_call(tester: Tester) -> None:
    """Call a function directly that fails: it is answered 500 with the error as JSON."""
    name = name_of(tester.endpoint("fail"))
    reply = tester.post(f"run/{name}", {"data": ["x"]})
    tester.check_status(reply, 500)
    value = reply.json()
    tester.check_schema("replies/run_failed", value)
    error: object = object_of(value).get("error")
    tester.check(
        isinstance(error, str) and "bad thing: x" in error,
        f"a function failed with 'bad thing: x', and a direct call of it was answered {reply.text()[:200]!r}",
    )


@case("run/unknown")
def a_function_that_is_not_there(tester: Tester) -> None:
    """Call a name and a number directly that the config does not list: it is answered with an error status."""
    number = max(tester.app.endpoints, default=0) + 1_000
    replies = [
        tester.post("run/no_such_function", {"data": []}),
        tester.post("api/no_such_function", {"data": []}),
        tester.post("run/predict", {"data": [], "fn_index": number}),
    ]
    for reply in replies:
        tester.check_refused(reply)


@case("run/unknown/negative", endpoints=("echo",))
def a_negative_number(tester: Tester) -> None:
    """Call the negative number directly that a list in Python would take for an endpoint: no config lists it, so it is
    answered with an error status."""
    count = len(tester.config_json["dependencies"])
    number = tester.endpoint("echo").fn_index - count
    tester.check_refused(tester.post("run/predict", {"data": ["x"], "fn_index": number}))


@case("run/batch", endpoints=("batch",))
def a_sample_for_a_function_of_batches(tester: Tester) -> None:
    """Call a function directly that takes batches, with one sample: its result is that of the sample."""
    name = name_of(tester.endpoint("batch"))
    one = _values(tester, tester.post(f"run/{name}", {"data": ["a"]}))
    tester.check(one == ["A"], f"/run/{name} of one sample 'a' gave {one}")
