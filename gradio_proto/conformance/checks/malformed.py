"""Requests that a client has got wrong, to be drawn by cases of several areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..tester import Tester
from ..wire import NOTHING, Reply


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request with a mistake in it."""

    method: str
    route: str
    json: Any = NOTHING
    body: bytes = b""
    content_type: str = "application/json"
    query: tuple[tuple[str, str], ...] = ()
    prefixed: bool = True

    def send(self, tester: Tester) -> Reply:
        """Send it."""
        path = tester.wire.target(self.route, self.query, prefixed=self.prefixed)
        if self.json is not NOTHING:
            return tester.wire.request(self.method, path, json=self.json)
        headers = (("content-type", self.content_type),) if self.method == "POST" else ()
        return tester.wire.request(self.method, path, body=self.body, headers=headers)


_NO_JSON = (b"", b"{", b'{"data": [', b"\xff\xfe", b"data=x", b'{"data": [1]} {}', b"[" * 300)
_NO_BODY: tuple[Any, ...] = (
    None,
    [],
    "x",
    1,
    True,
    {},
    {"data": None},
    {"data": {}},
    {"data": "x"},
    {"data": 7},
)
"""JSON values that no route for a job takes: there is no list ``data``."""


def _post(route: str, json: Any) -> Malformed:
    return Malformed("POST", route, json)


def _post_bytes(route: str, body: bytes) -> Malformed:
    return Malformed("POST", route, body=body)


def malformed(tester: Tester) -> SearchStrategy[Malformed]:
    """Requests to routes that this server has, each with a mistake that a server can see in the request alone."""
    numbers = tester.app.endpoints
    unknown = max(numbers) + 1_000 if numbers else 1_000
    jobs = ["run/predict", "api/predict"]
    if tester.protocol == "sse":
        jobs.append("queue/data")
    elif tester.protocol != "ws":
        jobs.append("queue/join")
    allowed = tester.allowed()
    if tester.version >= (4, 20) and allowed and allowed[0].api_name:
        jobs.append(f"call/{allowed[0].api_name.strip('/')}")
    strategies: list[SearchStrategy[Malformed]] = [
        st.builds(_post, st.sampled_from(jobs), st.sampled_from(_NO_BODY)),
        st.builds(_post_bytes, st.sampled_from(jobs), st.sampled_from(_NO_JSON)),
        st.sampled_from(
            [
                Malformed("POST", "upload", {}),
                Malformed("POST", "upload", body=b"x", content_type="text/plain"),
                Malformed("POST", "reset", body=b"{"),
                Malformed("POST", "no/such/route", {}),
                Malformed("GET", "no/such/route"),
                Malformed("POST", "config", {}, prefixed=False),
                Malformed("DELETE", "upload"),
                Malformed("GET", "file=/no/such/file"),
                Malformed("GET", "file=%2e%2e%2f%2e%2e%2fno"),
            ]
        ),
        # A function that is not there.
        st.sampled_from(
            [
                Malformed("POST", "run/no_such_function", {"data": []}),
                *(
                    Malformed("POST", route, {"data": [], "fn_index": unknown, "session_hash": "x"})
                    for route in jobs
                    if route in ("run/predict", "queue/join")
                ),
            ]
        ),
    ]
    if tester.protocol == "sse":
        strategies.append(
            st.sampled_from(
                [
                    Malformed("GET", "queue/join", query=(("session_hash", "x"),)),
                    Malformed("GET", "queue/join", query=(("fn_index", "x"), ("session_hash", "x"))),
                    Malformed("GET", "queue/join", query=(("fn_index", str(unknown)), ("session_hash", "x"))),
                ]
            )
        )
    if tester.version >= (3, 50):
        strategies.append(st.builds(_post, st.just("component_server"), st.sampled_from(_NO_BODY)))
    if tester.version >= (4, 20):
        strategies.append(st.just(Malformed("POST", "call/no_such_function", {"data": []})))
    if tester.version >= (4, 30):
        strategies.append(st.builds(_post, st.just("cancel"), st.sampled_from(_NO_BODY)))
    return st.one_of(strategies)
