"""The simple API: a POST for the job, a GET for its values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import is_list, list_of, object_of
from gradio_proto.endpoints import Endpoint

from ..model import Skipped, Violation
from ..registry import case
from ..tester import Tester
from ..wire import EventStream, Reply
from .calls import name_of
from .direct import ARGUMENTS, calculated

TERMINAL: Final = ("complete", "error")
WRONG_BODIES: Final[tuple[Any, ...]] = ({}, {"data": None}, {"data": "x"}, {"data": {}}, [], "no JSON")


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a job of the simple API."""

    events: list[tuple[str, Any]]
    """Each event's name and data."""
    stream: EventStream

    def all(self, name: str) -> list[Any]:
        """The data of the events of that name."""
        return [data for called, data in self.events if called == name]

    @property
    def result(self) -> list[Any] | None:
        """The values of the job; None where it has none."""
        data = self.all("complete")
        return data[0] if data and is_list(data[0]) else None


def event_id_of(tester: Tester, reply: Reply) -> str:
    """What the answer to a POST calls the job.

    Raises:
        Violation: It was not accepted.
    """
    tester.check_status(reply, 200)
    value = reply.json()
    tester.check_schema("replies/joined", value)
    event_id: object = object_of(value).get("event_id")
    if not isinstance(event_id, str) or not event_id:
        raise Violation(f"{reply.asked} was answered without an event_id: {reply.text()[:200]!r}")
    return event_id


def values_of(tester: Tester, path: str) -> Called:
    """Read the stream of a job to its end.

    Raises:
        Violation: It does not end in time, ends without `complete` or `error`, or goes on after that.
    """
    stream = tester.wire.open_events(tester.wire.target(path))
    if stream.status != 200:
        raise Violation(f"{stream.asked} was answered {stream.status}")
    if stream.head.content_type != "text/event-stream":
        raise Violation(
            f"{stream.asked} was answered by {stream.head.content_type!r}, which is no event stream"
        )
    ended = tester.wire.wait(lambda: not stream.is_open, tester.patience)
    events: list[tuple[str, Any]] = []
    for _, event in stream.events:
        try:
            events.append((event.event, json.loads(event.data)))
        except ValueError:
            raise Violation(f"the data of {event.event!r} is no JSON: {event.data[:200]!r}") from None
    names = [name for name, _ in events if name != "heartbeat"]
    tester.check(ended, f"{stream.asked} did not end within {tester.patience:g} s; it told {names}")
    tester.check(
        [name for name in names if name in TERMINAL] == names[-1:],
        f"{stream.asked} told {names}, where complete or error has to be the last, and once",
    )
    return Called(events, stream)


def _call(tester: Tester, role: str, *arguments: Any, session: str | None = None) -> Called:
    """Call an endpoint by the simple API."""
    endpoint = tester.endpoint(role)
    name = name_of(endpoint)
    body: dict[str, Any] = {"data": tester.data_for(endpoint, *arguments)}
    if session is not None:
        body["session_hash"] = session
    event_id = event_id_of(tester, tester.post(f"call/{name}", body))
    return values_of(tester, f"call/{name}/{event_id}")


# The job


@case("call/post", endpoints=("any",))
def a_post_is_answered_by_an_event_id(tester: Tester) -> None:
    """Post two jobs: each is answered 200 with an event id of its own."""
    endpoint = tester.allowed()[0]
    body = {"data": [None] * len(endpoint.inputs)}
    ids = [event_id_of(tester, tester.post(f"call/{name_of(endpoint)}", body)) for _ in range(2)]
    for event_id in ids:
        values_of(tester, f"call/{name_of(endpoint)}/{event_id}")
    tester.check(ids[0] != ids[1], f"two jobs of the simple API have the event_id {ids[0]!r}")


@case("call/post/malformed", endpoints=("any",), examples=8)
def a_post_that_is_none(tester: Tester) -> None:
    """Post bodies that are no JSON, or have no list as data: each is answered 422."""
    route = f"call/{name_of(tester.allowed()[0])}"
    wrong = tester.draw(st.sampled_from(WRONG_BODIES), "body")
    headers = (("content-type", "application/json"),)
    reply = (
        tester.post(route, body=b'{"data": [', headers=headers)
        if wrong == "no JSON"
        else tester.post(route, wrong)
    )
    tester.check_status(reply, 422)


@case("call/post/full", variant="short-queue", endpoints=("slow",), is_destructive=True, seconds=1)
def a_post_while_the_queue_is_full(tester: Tester) -> None:
    """Post a job while another one of the endpoint runs and one waits, where one may: it is answered 503."""
    endpoint = tester.endpoint("slow")
    session = tester.session()
    running = session.submit(endpoint, 1.0)
    session.wait_until(lambda: running.has_started, "process_starts")
    waiting = session.submit(endpoint, 0)
    reply = tester.post(f"call/{name_of(endpoint)}", {"data": [0]})
    session.wait(running, waiting)
    tester.check_status(reply, 503)
    tester.check_schema("replies/detail", reply.json())


@case("call/post/validator", endpoints=("validate",))
def a_post_that_a_validator_refuses(tester: Tester) -> None:
    """Post a value that the endpoint's validator refuses: it is answered 422."""
    reply = tester.post(f"call/{name_of(tester.endpoint('validate'))}", {"data": [-1, "b"]})
    tester.check_status(reply, 422)
    tester.check_schema("replies/invalid_inputs", reply.json())


@case("call/unknown-name")
def a_name_that_is_not_there(tester: Tester) -> None:
    """Post a job for a name that the config does not list: it is answered with an error status."""
    tester.check_refused(tester.post("call/no_such_function", {"data": []}))


# Its values


@case("call/stream", endpoints=("calc",), examples=8)
def the_stream_has_the_values(tester: Tester) -> None:
    """Call a function of drawn numbers: its stream gives what it has to in `complete`, and ends."""
    arguments = tester.draw(ARGUMENTS, "data")
    called = _call(tester, "calc", *arguments)
    values = called.result
    tester.check(
        values is not None and values[:1] == [calculated(*arguments)],
        f"the simple API gave {json.dumps(called.events)[:200]} for calc of {list(arguments)}",
    )
    tester.check(called.stream.end == "clean", f"{called.stream.asked} broke off: {called.stream.why}")


@case("call/whole", endpoints=("jsonstream", "count"))
def values_are_whole(tester: Tester) -> None:
    """Call generators: each value that is told is one that the function gave, and no difference."""
    items = [{"i": i, "s": "x" * i} for i in range(4)]
    steps: list[Any] = [{"items": items[: i + 1], "done": False, "n": i} for i in range(4)]
    last = {"items": items[1:], "done": True}
    for role, argument, given in (("jsonstream", 4, [*steps, last]), ("count", 3, [0, 1, 2])):
        called = _call(tester, role, argument)
        told = called.all("generating")
        tester.check(
            all(values in [[value] for value in given] for values in told)
            and called.all("complete") == [[given[-1]]],
            f"the simple API gave {json.dumps(called.events)[:300]} for {role}, which gives {json.dumps(given)[:200]}",
        )
        places = [given.index(values[0]) for values in told]
        tester.check(
            places == sorted(places),
            f"the simple API gave the values of {role} in another order: {json.dumps(told)[:200]}",
        )


@case("generations/json/schemas/call", endpoints=("count", "fail"))
def events_are_valid(tester: Tester) -> None:
    """Call a generator and a function that fails by the simple API, where there is one: each event is valid under its
    schema."""
    if tester.version < (4, 20):
        raise Skipped("there is no simple API before 4.20")
    for role, argument in (("count", 2), ("fail", "x")):
        for name, data in _call(tester, role, argument).events:
            # The schema of an error describes servers that lose it, where they do: see [call/error].
            kind = "values/failure" if name == "error" and isinstance(data, dict) else f"messages/call_{name}"
            tester.check_schema(kind, data)


@case("call/late", endpoints=("count",), severity="critical", seconds=1)
def values_wait_for_their_reader(tester: Tester) -> None:
    """Post a job, and ask for its stream a second later, when it has ended: all its values are there."""
    endpoint = tester.endpoint("count")
    event_id = event_id_of(tester, tester.post(f"call/{name_of(endpoint)}", {"data": [3]}))
    tester.wire.pause(1.0)
    called = values_of(tester, f"call/{name_of(endpoint)}/{event_id}")
    told = called.all("generating")
    tester.check(
        told == [[0], [1], [2]] and called.all("complete") == [[2]],
        f"of a job that was posted a second before, the stream gave {json.dumps(called.events)[:200]}",
    )


@case("call/unknown-event", endpoints=("any",))
def an_event_that_is_not_there(tester: Tester) -> None:
    """Ask for the stream of an event that was never posted: an `error` comes with a text, and the stream ends."""
    called = values_of(tester, f"call/{name_of(tester.allowed()[0])}/{tester.new_name()}")
    errors = called.all("error")
    tester.check(
        len(errors) == 1 and isinstance(errors[0], str),
        f"of an unknown event the simple API told {json.dumps(called.events)[:200]}, and not an error with a text",
    )


@case("call/error", endpoints=("fail",))
def a_failure_is_told(tester: Tester) -> None:
    """Call a function that fails: the data of `error` is the output of a failed job."""
    called = _call(tester, "fail", "x")
    errors = called.all("error")
    error: object = object_of(errors[0]).get("error") if errors else None
    tester.check(
        isinstance(error, str) and "bad thing: x" in error,
        f"a function failed with 'bad thing: x', and the simple API told {json.dumps(called.events)[:200]}",
    )


@case("call/session", endpoints=("state",), severity="critical")
def a_job_is_in_its_session(tester: Tester) -> None:
    """Call a function with State in one session, twice, and in another one: only the first has a past."""
    first, second = tester.new_name(), tester.new_name()
    found: list[Any] = []
    for session, text in ((first, "a b"), (first, "c d e"), (second, "f")):
        called = _call(tester, "state", text, session=session)
        values = called.result
        if not values:
            raise Violation(
                f"a job of the simple API in a session of its own told {json.dumps(called.events)[:200]}"
            )
        found.append(values[0])
    tester.check(
        found == [2, 5, 1],
        f"words counted in the State of two sessions by the simple API are {found}, and not [2, 5, 1]",
    )


# Arguments by name


def _named_endpoints(tester: Tester) -> dict[str, Any]:
    return object_of(tester.info_json.get("named_endpoints"))


def _parameters(endpoint: Any) -> list[dict[str, Any]]:
    return [object_of(parameter) for parameter in list_of(object_of(endpoint).get("parameters"))]


def _names(tester: Tester, endpoint: Endpoint) -> list[str]:
    """The names of an endpoint's parameters, by the API info."""
    parameters = _parameters(_named_endpoints(tester).get(endpoint.api_name or ""))
    return [str(parameter.get("parameter_name")) for parameter in parameters]


@case("call/v2/arguments", endpoints=("calc",), examples=8)
def arguments_by_name(tester: Tester) -> None:
    """Call a function by the names of its arguments, in any order, some of them left to their defaults."""
    endpoint = tester.endpoint("calc")
    names = _names(tester, endpoint)
    tester.check(len(names) == 3, f"/info names the parameters of {endpoint.label} {names}")
    defaults: dict[str, Any] = dict(zip(names, (3, "add", 5), strict=True))
    drawn: dict[str, Any] = dict(zip(names, tester.draw(ARGUMENTS, "arguments"), strict=True))
    kept = tester.draw(st.permutations(names), "order")[: tester.draw(st.integers(0, 3), "count")]
    given = {name: drawn[name] for name in kept}
    wanted = calculated(*{**defaults, **given}.values())
    event_id = event_id_of(tester, tester.post(f"call/v2/{name_of(endpoint)}", given))
    called = values_of(tester, f"call/v2/{name_of(endpoint)}/{event_id}")
    values = called.result
    tester.check(
        values is not None and values[:1] == [wanted],
        f"/call/v2 of {json.dumps(given)} told {json.dumps(called.events)[:200]}, and the result is {wanted}",
    )


@case("call/v2/refused", endpoints=("calc", "fail"))
def arguments_that_are_wrong(tester: Tester) -> None:
    """Call by name with an unknown argument, without one that has no default, and an endpoint that is not listed: each
    is answered with an error status."""
    endpoint = tester.endpoint("calc")
    names = _names(tester, endpoint)
    tester.check(names, f"/info names no parameters of {endpoint.label}")
    tester.check_refused(tester.post(f"call/v2/{name_of(endpoint)}", {names[0]: 1, "no_such_argument": 2}))
    required = [
        name
        for name, endpoint in _named_endpoints(tester).items()
        if any(parameter.get("parameter_has_default") is False for parameter in _parameters(endpoint))
    ]
    if required and tester.target.is_reference:
        tester.check_refused(tester.post(f"call/v2{required[0]}", {}))
    for name in ("no_such_function", *(["private"] if tester.target.is_reference else [])):
        tester.check_refused(tester.post(f"call/v2/{name}", {}))


@case("call/v2/stream", endpoints=("calc",))
def the_stream_of_a_call_by_name(tester: Tester) -> None:
    """Call by name, and ask for the stream with and without `v2`: both have it."""
    endpoint = tester.endpoint("calc")
    given = dict(zip(_names(tester, endpoint), (2, "mul", 3), strict=True))
    for route in ("call/v2", "call"):
        event_id = event_id_of(tester, tester.post(f"call/v2/{name_of(endpoint)}", given))
        called = values_of(tester, f"{route}/{name_of(endpoint)}/{event_id}")
        values = called.result
        tester.check(
            values is not None and values[:1] == [6],
            f"the stream at /{route} of a job of /call/v2 told {json.dumps(called.events)[:200]}",
        )
