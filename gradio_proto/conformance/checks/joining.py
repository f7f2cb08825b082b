"""How a job gets into the queue, from ``sse_v1`` on; :mod:`.conversations` has what was before."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from ..registry import case
from ..tester import Tester

NO_DATA: Final[list[Any]] = [None, {}, "x", 1, True, "missing", "no JSON"]


@case("queue/join/event-id", endpoints=("echo",), severity="critical")
def every_join_gets_an_event_id_of_its_own(tester: Tester) -> None:
    """Join a few jobs in two sessions: each is answered with 200 and another ``event_id``."""
    endpoint = tester.endpoint("echo")
    seen: set[str] = set()
    for session in (tester.session(), tester.session()):
        jobs = [session.submit(endpoint, f"{number}") for number in range(3)]
        for job in jobs:
            tester.check(job.event_id not in seen, f"two jobs have the event_id {job.event_id!r}")
            seen.add(job.event_id)
        session.wait()


@case("queue/join/unknown-fn", endpoints=("any",))
def a_function_that_is_not_there(tester: Tester) -> None:
    """Join a function number that the config does not list."""
    session = tester.session()
    number = max(tester.app.endpoints) + 1_000
    body: dict[str, Any] = {"data": [], "fn_index": number, "session_hash": session.hash}
    if tester.protocol == "sse":
        query = [("fn_index", str(number)), ("session_hash", session.hash)]
        tester.check_refused(tester.get("queue/join", query))
    else:
        tester.check_refused(tester.post("queue/join", body))


@case("queue/join/malformed", endpoints=("any",), examples=12)
def a_body_that_is_none(tester: Tester) -> None:
    """Post joins that are no JSON, or whose ``data`` is missing or no list: each is answered 422."""
    endpoint = tester.allowed()[0]
    body = tester.session().join_body(endpoint, [])
    wrong_data: Any = tester.draw(st.sampled_from(NO_DATA), "data")
    headers = (("content-type", "application/json"),)
    if wrong_data == "no JSON":
        reply = tester.post("queue/join", body=b'{"data": [', headers=headers)
    else:
        body["data"] = wrong_data
        if wrong_data == "missing":
            del body["data"]
        reply = tester.post("queue/join", body)
    tester.check_status(reply, 422)
