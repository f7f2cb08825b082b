"""The hostile scripted server for testing clients: its scenarios, its watch, and what our own clients make of it."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import re
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from gradio_proto import Client, DeadlineExceeded
from gradio_proto.conformance import clients
from gradio_proto.conformance.clients import Case, Result, Scenario, Verdict, report, run_case, run_client
from gradio_proto.conformance.clients.asked import Asked, body_of, route_of, session_of
from gradio_proto.conformance.clients.command import (
    Answered,
    CommandFailed,
    CommandMissing,
    OneShot,
    Persistent,
    environment_of,
    outcomes_of,
)
from gradio_proto.conformance.clients.model import (
    SECRET,
    Call,
    ClientReport,
    Either,
    Failure,
    Holding,
    Order,
    Outcome,
    Value,
    Values,
    cases_of,
)
from gradio_proto.conformance.clients.rendering import frame_of
from gradio_proto.conformance.clients.run import calls_in_order, holds, requirements, selected
from gradio_proto.conformance.clients.scenarios import SCENARIOS
from gradio_proto.conformance.clients.server import ScriptedServer
from gradio_proto.conformance.clients.steps import HERE, Frame, Jobs, Script, begun, completed
from gradio_proto.conformance.clients.watch import ALWAYS, RULES, Watched, broken_in
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

ROOT = Path(__file__).parent.parent
FINDINGS = ROOT / "docs" / "findings"
RUNNERS = ROOT / "gradio_proto" / "conformance" / "clients" / "runners"
BY_ID = {scenario.id: scenario for scenario in SCENARIOS}
SAMPLE = (
    "framing/*@sse_v1",
    "stream/*@sse_v3",
    "jobs/*@sse_v3",
    "diff/*@sse_v2",
    "ws/*",
    "sse/*",
    "join/*@sse_v3",
)
"""What the clients beside the blocking one are run on; with CONFORMANCE_CLIENTS=all it is everything."""

PATIENCE = 60.0
"""Seconds that our own clients have for one case: what is tested is that they end, on a busy machine too."""


def case(id: str) -> Case:
    scenario, _, generation = id.partition("@")
    return Case(BY_ID[scenario], generation)


def a_scenario(**changes: Any) -> Scenario:
    """A scenario in which nothing is wrong."""
    return replace(Scenario("a/b", "Nothing.", Script(Jobs(((*begun(), completed("well")),)))), **changes)


# The scenarios.


def test_scenarios_are_many_and_told_apart() -> None:
    assert len(SCENARIOS) == len(BY_ID) > 400
    for scenario in SCENARIOS:
        assert re.fullmatch(r"[a-z]+(/[a-z0-9-]+)+", scenario.id)
        assert scenario.summary.endswith(".")
        assert len(scenario.expected) in (1, len(scenario.calls))
    assert {case.generation for case in clients.cases()} == {
        "ws",
        "sse",
        "sse_v1",
        "sse_v2",
        "sse_v2.1",
        "sse_v3",
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenarios_check_requirements_that_hold(scenario: Scenario) -> None:
    assert scenario.requirements
    for requirement in scenario.requirements:
        assert any(holds(requirement, generation) for generation in scenario.generations), requirement
    named = [sent.requirement for sent in scenario.sent] + [
        requirement for _, requirement in scenario.forbidden
    ]
    assert set(named) <= requirements().keys()


def test_many_requirements_are_covered() -> None:
    covered = {requirement for scenario in SCENARIOS for requirement in scenario.requirements}
    assert set(ALWAYS) <= requirements().keys()
    assert len(covered | set(ALWAYS)) >= 150


# Our own clients.


def failures(results: Sequence[Result]) -> str:
    wrong = [result for result in results if result.verdict is not Verdict.PASS]
    return "\n\n".join(map(report.result_text, wrong))


@pytest.mark.parametrize("name", ["blocking", "on_asyncio", "on_trio"])
def test_our_clients_pass(name: str) -> None:
    everything = name == "blocking" or os.environ.get("CONFORMANCE_CLIENTS") == "all"
    command = [sys.executable, "-W", "error", str(RUNNERS / f"{name}.py"), "--persistent"]
    found = run_client(
        command, select=() if everything else SAMPLE, persistent=True, jobs=6, timeout=PATIENCE
    )
    assert failures(found.results) == ""
    assert found.counts["pass"] == len(found.results) > (1000 if everything else 100)
    assert found.exit_code == 0


@pytest.mark.parametrize("name", ["blocking", "on_asyncio", "on_trio"])
def test_runners_take_an_order_from_the_environment(name: str) -> None:
    command = [sys.executable, "-W", "error", str(RUNNERS / f"{name}.py")]
    select = (
        "jobs/one-fails@sse_v3",
        "file/silence",
        "value/generator@ws",
        "upload/file",
        "config/not-found",
    )
    found = run_client(command, select=select, timeout=PATIENCE)
    assert failures(found.results) == ""
    assert len(found.results) == len(select)


def test_scripts_are_said_in_virtual_time_too() -> None:
    # What a client waits for by default, 45 seconds of silence, takes none.
    server = ScriptedServer(BY_ID["stream/silence"].script, "sse_v3", {HERE: "http://app"})
    runner = MemoryRunner(server)  # type: ignore[arg-type]
    with (
        Client("http://app", transport=MemoryTransport.to(runner)) as client,
        pytest.raises(DeadlineExceeded, match="45"),
    ):
        client.predict("hello", api_name="/say")
    assert runner.now >= 45
    assert [asked.route for asked in server.log[:4]] == ["config", "info", "queue/join", "queue/data"]


# The server by itself, in no time.


class Said:
    """A scripted server, and what it says on one connection."""

    def __init__(self, id: str, generation: str = "sse_v3") -> None:
        self.server = ScriptedServer(BY_ID[id].script, generation, {HERE: "http://app"})
        self.server.connection_made(1)

    def after(self, data: bytes, now: float = 0.0) -> list[Any]:
        """What it does when these bytes come in."""
        self.server.receive_data(1, data, now)
        return self.actions()

    def actions(self) -> list[Any]:
        found: list[Any] = []
        while (action := self.server.next_action()) is not None:
            found.append(action)
        return found


HANDSHAKE = (
    b"GET /queue/join HTTP/1.1\r\nhost: app\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


def test_requests_come_in_pieces() -> None:
    said = Said(QUIET.partition("@")[0])
    assert said.after(b"GET /config HTTP/1.1\r\nho") == []
    (answer,) = said.after(b"st: app\r\n\r\n")
    assert answer.data.startswith(b"HTTP/1.1 200")
    head = b"POST /queue/join HTTP/1.1\r\nhost: app\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    (go_on,) = said.after(head)
    assert go_on.data.startswith(b"HTTP/1.1 100")
    # The next request is there before the answer to this one.
    answers = said.after(b"{}GET /app_id HTTP/1.1\r\nhost: app\r\n\r\n")
    assert [b"event_id" in answers[0].data, b"app_id" in answers[1].data] == [True, True]
    assert [asked.route for asked in said.server.log] == ["config", "queue/join", "app_id"]


def test_who_has_gone_is_not_talked_to() -> None:
    said = Said("message/unknown")
    said.server.connection_lost(1)
    said.server.connection_lost(1)
    assert said.after(b"GET /config HTTP/1.1\r\nhost: app\r\n\r\n") == []
    said.server.connection_blocked(1, True, 0.0)
    said = Said("message/unknown")
    (closed,) = said.after(b"")
    assert not hasattr(closed, "data")


def test_nothing_is_said_to_whoever_takes_nothing() -> None:
    said = Said("message/endless")
    said.server.connection_blocked(1, True, 0.0)
    assert said.after(b"GET /queue/data?session_hash=s HTTP/1.1\r\nhost: app\r\n\r\n") == []
    said.server.connection_blocked(1, False, 0.0)
    assert 2**20 <= sum(len(action.data) for action in said.actions()) < 2**21
    assert said.server.next_deadline() == 0.0  # it goes on when the others had their turn


def test_a_ping_that_is_not_answered_is_seen() -> None:
    said = Said("ws/ping", "ws")
    said.after(HANDSHAKE)
    said.after(frame_of(Frame(1, b"{}", masked=True)))
    said.after(frame_of(Frame(1, b"{}", masked=True)))
    assert said.server.next_deadline() == 10.0
    said.server.handle_timer(10.0)
    assert said.server.problems == [("queue/join/ws/pong", "it has not asked for pong in 10 s")]
    assert b"process_completed" in b"".join(action.data for action in said.actions())


def test_frames_that_are_none_are_seen() -> None:
    said = Said("ws/ping", "ws")
    said.after(HANDSHAKE)
    said.after(b"\xff\xff\xff\xff")
    assert [requirement for requirement, _ in said.server.problems] == ["queue/join/ws/text"]


def test_pings_are_answered_but_by_the_silent() -> None:
    said = Said("ws/silence", "ws")
    said.after(HANDSHAKE)
    ping = frame_of(Frame(9, b"x", masked=True))
    assert [action.data for action in said.after(ping)] == [frame_of(Frame(10, b"x"))]
    said.after(frame_of(Frame(1, b"{}", masked=True)) * 2)
    assert said.after(ping) == []
    said.after(frame_of(Frame(2, b"x", masked=True)))  # says nothing to anybody
    said.after(frame_of(Frame(8, b"\x03\xe8", masked=True)))
    assert said.server.log[-1].route == "close"
    assert said.server.problems == []


def test_fragments_of_a_client_are_put_together() -> None:
    said = Said("ws/silence", "ws")
    said.after(HANDSHAKE)
    said.after(frame_of(Frame(1, b'{"fn_', final=False, masked=True)))
    said.after(frame_of(Frame(0, b'index": 0}', masked=True)))
    assert said.server.log[-1].body == b'{"fn_index": 0}'


# Clients that are not as they should be.

Do = Callable[[Order, str], "Outcome | tuple[Outcome, ...]"]


class Fake:
    """A client in a few lines."""

    def __init__(self, do: Do, grown: int | None = None) -> None:
        self.do, self.grown = do, grown

    def call(self, order: Order, *, timeout: float, scratch: str) -> Answered:
        done = self.do(order, scratch)
        return Answered(done if isinstance(done, tuple) else (done,), self.grown)

    def close(self) -> None:
        pass


def run(id: str, do: Do, **options: Any) -> Result:
    return run_case(case(id), Fake(do, options.pop("grown", None)), **options)


def broken(result: Result) -> set[str | None]:
    return {problem.requirement for problem in result.problems}


def well(order: Order, scratch: str) -> Outcome:
    """A client that has guessed."""
    return Outcome("value", "well")


class Talk:
    """A client that does by hand what it is told."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.conns: list[http.client.HTTPConnection | http.client.HTTPResponse] = []

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        conn = http.client.HTTPConnection(self.host, timeout=5)
        self.conns.append(conn)
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        conn.request(method, f"/gradio_api/{path}", sent, {"content-type": "application/json", **headers})
        response = conn.getresponse()
        self.conns.append(response)
        return response

    def join(self, session: str = "a" * 12, **more: Any) -> None:
        self.ask("POST", "queue/join", {"data": ["x"], "fn_index": 0, "session_hash": session, **more}).read()

    def stream(self, session: str = "a" * 12) -> http.client.HTTPResponse:
        return self.ask("GET", f"queue/data?session_hash={session}")

    def close(self) -> None:
        for conn in self.conns:
            conn.close()


def talking(*deeds: Callable[[Talk], Any]) -> Do:
    def do(order: Order, scratch: str) -> tuple[Outcome, ...]:
        with contextlib.closing(Talk(order.url)) as talk:
            for deed in deeds:
                deed(talk)
        return (Outcome("value", "well"),) * len(order.calls)

    return do


QUIET = "message/unknown@sse_v3"
HANGING = "stream/open-after-end@sse_v3"


@pytest.mark.parametrize(
    ("requirement", "id", "deeds"),
    [
        ("queue/join/no-retry", QUIET, [Talk.join, Talk.join]),
        ("stream/session/join-first", QUIET, [Talk.stream]),
        ("stream/session/one-reader", HANGING, [Talk.join, Talk.stream, Talk.stream]),
        ("queue/join/body/data", QUIET, [lambda talk: talk.join(data=[])]),
        ("queue/join/body/data", QUIET, [lambda talk: talk.join(data="x")]),
        ("queue/join/body/internal", QUIET, [lambda talk: talk.join(event_id="x")]),
        ("auth/oauth-token/declared", QUIET, [lambda talk: talk.join(oauth_token="x")]),
        ("session/hash/unguessable", QUIET, [lambda talk: talk.join("1")]),
        ("generations/detect/methods", QUIET, [lambda talk: talk.ask("GET", "queue/join")]),
        ("generations/detect/methods", QUIET, [lambda talk: talk.ask("POST", "queue/data", {})]),
        ("generations/detect/methods", "sse/silent-end@sse", [lambda talk: talk.ask("POST", "queue/join", {})]),
        ("generations/detect/methods", "ws/ping@ws", [lambda talk: talk.ask("GET", "queue/data")]),
        ("generations/routes/trailing-slash", QUIET, [lambda talk: talk.ask("POST", "queue/join/", {})]),
        (
            "generations/json/content-type",
            QUIET,
            [lambda talk: talk.ask("POST", "cancel", {}, **{"content-type": "text/plain"})],
        ),
        ("generations/json/utf-8", QUIET, [lambda talk: talk.ask("POST", "cancel", b"\xff")]),
        ("generations/json/utf-8", QUIET, [lambda talk: talk.ask("POST", "cancel", b"{")]),
        ("generations/json/utf-8", QUIET, [lambda talk: talk.ask("POST", "cancel", ["\ud800"])]),
        ("generations/json/no-nan-in", QUIET, [lambda talk: talk.ask("POST", "cancel", [float("nan")])]),
        ("cancel/route/body", QUIET, [lambda talk: talk.ask("POST", "cancel", {"event_id": "x"})]),
        ("cancel/no-siblings", "jobs/one-fails@sse_v3", [lambda talk: talk.ask("POST", "cancel", {})]),
        ("cancel/reset/unused", QUIET, [lambda talk: talk.ask("POST", "reset", {"event_id": "x"})]),
        ("session/heartbeat/not-needed", QUIET, [lambda talk: talk.ask("GET", "heartbeat/x")]),
        ("queue/join/sse/get", "sse/silent-end@sse", [lambda talk: talk.ask("GET", "queue/join?fn_index=0")]),
        ("queue/join/sse/data", "sse/silent-end@sse", [lambda talk: talk.ask("POST", "queue/data", {"data": ["x"]})]),
        (
            "queue/join/retry-before-data",
            "framing/comments@sse",
            [lambda talk: talk.ask("POST", "queue/data", {"data": ["x"], "event_id": "a"})] * 2,
        ),
        ("discovery/info/as-sent", "ws/ping@ws", [lambda talk: talk.ask("GET", "info")]),
        ("run/no-retry", "ws/queue-off@ws", [lambda talk: talk.ask("POST", "run/say", {"data": ["x"]})] * 2),
        ("queue/join/ws/queue-off", "ws/queue-off@ws", [lambda talk: talk.ask("GET", "queue/join")]),
        ("discovery/dependency/no-function", "config/no-function@sse_v3", [Talk.join]),
        ("auth/cookie/everywhere", "cookie/affinity@sse_v3", [Talk.join]),
        ("auth/cookie/rules", "cookie/secure@sse_v3", [lambda talk: talk.ask("POST", "queue/join", cookie="safe=1")]),
        ("discovery/dependency/number", "config/dependency-id@sse_v3", [Talk.join]),
        ("file/input/meta", "upload/file@sse_v3", [Talk.join]),
        ("file/download/encoding", "file/spaces@sse_v3", [lambda talk: talk.ask("GET", "file=/a+b")]),
        ("file/download/encoding", "file/spaces@sse_v3", []),

    ],
)  # fmt: skip
def test_what_a_client_asks_is_watched(requirement: str, id: str, deeds: list[Callable[[Talk], Any]]) -> None:
    result = run(id, talking(*deeds))
    assert requirement in broken(result)
    assert result.verdict in (Verdict.FAIL, Verdict.WARN)


def test_a_request_that_is_no_http_is_seen() -> None:
    def do(order: Order, scratch: str) -> Outcome:
        with contextlib.closing(Talk(order.url)) as talk:
            conn = http.client.HTTPConnection(talk.host, timeout=5)
            talk.conns.append(conn)
            conn.connect()
            assert conn.sock is not None
            conn.sock.sendall(b"GET /file=/a b HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"400" in conn.sock.recv(100)
        return Outcome("value", "well")

    assert broken(run(QUIET, do)) == {"security/origin/encode"}


def test_secrets_that_are_told_elsewhere_are_seen() -> None:
    def do(order: Order, scratch: str) -> Outcome:
        asked = urllib.request.Request(f"{order.url}/config", headers=dict(order.headers))
        with urllib.request.urlopen(asked, timeout=5) as answer:  # follows redirects, and takes headers along
            answer.read()
        return Outcome("error", "no")

    assert order_of_secrets("config/redirect-elsewhere@sse_v3").token == SECRET
    result = run("config/redirect-elsewhere@sse_v3", do)
    assert {"security/origin/base", "security/credentials/origin"} <= broken(result)


def order_of_secrets(id: str) -> Order:
    seen: list[Order] = []

    def do(order: Order, scratch: str) -> Outcome:
        seen.append(order)
        return Outcome("error", "no")

    run(id, do)
    return seen[0]


def test_files_that_are_touched_are_seen() -> None:
    def harm(order: Order, scratch: str) -> Outcome:
        (canary,) = order.calls[0].data
        Path(canary).with_name("escaped.txt").touch()
        content = Path(canary).read_bytes()
        Path(canary).write_bytes(content + b"!")
        with contextlib.closing(Talk(order.url)) as talk:
            talk.ask("POST", "upload", content)
        return Outcome("value", content.decode())

    wanted = {"security/files/explicit", "security/files/names", "security/files/place"}
    assert wanted <= broken(run("join/path-as-text@sse_v3", harm))


def test_growth_is_seen() -> None:
    assert broken(run(QUIET, well, grown=2**30)) == {"security/bounds/everything"}
    assert run(QUIET, well, grown=2**20).verdict is Verdict.PASS


def test_a_wrong_value_breaks_what_the_scenario_is_about() -> None:
    result = run("framing/comments@sse_v3", lambda order, scratch: Outcome("value", "ill"))
    assert broken(result) == {"message/framing/standard"}
    assert result.verdict is Verdict.FAIL
    assert 'value "ill"' in report.result_text(result)


def test_what_only_should_be_is_a_warning() -> None:
    result = run("stream/slow-head@sse_v3", lambda order, scratch: Outcome("error", "late"))
    assert result.verdict is Verdict.WARN
    # No requirement of this generation says that it must go well.
    result = run("message/no-start@ws", lambda order, scratch: Outcome("error", "no start"))
    assert (result.verdict, broken(result)) == (Verdict.WARN, {None})


def test_clients_that_keep_sessions_apart_are_not_asked_about_shared_ones() -> None:
    def do(order: Order, scratch: str) -> tuple[Outcome, ...]:
        with contextlib.closing(Talk(order.url)) as talk:
            talk.join("a" * 12)
            talk.join("b" * 12)
        return (Outcome("error", "x"), Outcome("error", "y"))

    result = run("jobs/interleaved@sse_v3", do)
    assert result.verdict is Verdict.SKIP
    assert result.reason is not None
    assert "session of its own" in result.reason


def test_calls_are_known_by_what_they_send() -> None:
    calls = (Call(("one",)), Call(("two",)))
    assert calls_in_order(calls, [joined("two"), joined("one")]) == [1, 0]
    assert calls_in_order(calls, [joined("two"), joined("two")]) == [1, 0]
    assert calls_in_order(calls, []) == [0, 1]


def joined(value: str) -> Asked:
    body = json.dumps({"data": [value]}).encode()
    return Asked(0, 0.0, 1, "POST", "/gradio_api/queue/join", "queue/join", (), body)


def said(conn: int, body: Any) -> Asked:
    return Asked(0, 0.0, conn, "WS", "/queue/join", "message", (), json.dumps(body).encode())


def test_what_a_client_says_on_a_websocket_is_watched() -> None:
    def of(*log: Asked) -> set[str]:
        return {requirement for requirement, _ in broken_in(Watched(a_scenario(), "ws", log, ()))}

    hello = {"fn_index": 0, "session_hash": "a" * 12}
    join = {**hello, "data": ["x"]}
    assert of(said(1, hello), said(1, join)) == set()
    assert of(said(1, hello), said(2, {**hello, "session_hash": "b" * 12})) == set()
    assert of(said(1, hello), said(2, hello)) == {"queue/join/ws/not-twice"}
    assert of(said(1, {"fn_index": 0})) == {"queue/join/ws/hash"}
    assert of(said(1, hello), said(1, {"data": ["x"]})) == {"queue/join/ws/data"}
    assert of(said(1, hello), said(1, join), said(1, join)) == {"queue/join/retry-before-data"}
    assert len(RULES) == len(set(RULES))


def test_what_is_told_elsewhere_is_watched() -> None:
    asked = Asked(0, 0.0, 1, "GET", "/x", "x", ())
    told = replace(asked, headers=(("authorization", f"Bearer {SECRET}"),))

    def of(*elsewhere: Asked) -> list[str]:
        return [requirement for requirement, _ in broken_in(Watched(a_scenario(), "sse_v3", (), elsewhere))]

    assert of(asked) == ["security/origin/base"]
    assert of(told) == ["security/origin/base", "security/credentials/origin"]


def test_routes() -> None:
    assert route_of("/gradio_api/file=/a/b?x=1") == "file"
    assert route_of("/queue/join") == "queue/join"
    assert route_of("/deep/er/heartbeat/x", "/deep/er") == "heartbeat"
    assert route_of("/") == ""
    assert route_of("/queue/joined", 5) == "queue/joined"
    assert body_of(joined("x")) == {"data": ["x"]}
    assert session_of(replace(joined("x"), body=b'{"session_hash": 5}')) == ""
    assert session_of(replace(joined("x"), body=b"[")) == ""
    assert session_of(replace(joined("x"), body=b"[]")) == ""


def test_frames() -> None:
    assert frame_of(Frame(1, b"x")) == b"\x81\x01x"
    assert frame_of(Frame(0, b"x", final=False, reserved=4)) == b"\x40\x01x"
    assert frame_of(Frame(1, b"x", masked=True)) == b"\x81\x81\0\0\0\0x"
    assert frame_of(Frame(2, bytes(126)))[:4] == b"\x82\x7e\x00\x7e"
    assert frame_of(Frame(2, b"", length=2**20))[:2] == b"\x82\x7f"


# Commands.

ORDER = Order("http://app", (Call(("x", {"$file": "/a"})),))
SAYS = "import os, sys; print('noise'); print('{\"value\": \"well\"}')"


def test_orders() -> None:
    assert environment_of(ORDER) == {
        "GRADIO_URL": "http://app",
        "GRADIO_API_NAME": "/say",
        "GRADIO_DATA": '["x", {"$file": "/a"}]',
    }
    full = Order("http://app", (Call(), Call()), True, 0.5, "t", (("a", "b"),))
    assert full.as_json() == {
        "url": "http://app",
        "api_name": "/say",
        "data": ["hello"],
        "calls": [{"api_name": "/say", "data": ["hello"]}] * 2,
        "stream": True,
        "timeout": 0.5,
        "token": "t",
        "headers": {"a": "b"},
    }


def test_answers() -> None:
    assert outcomes_of('{"value": null}', 1) == (Outcome("value", None),)
    assert outcomes_of('{"values": [1]}', 1) == (Outcome("values", [1]),)
    assert outcomes_of('{"error": "x", "type": "E"}', 2) == (Outcome("error", "x", "E"),) * 2
    assert outcomes_of('{"results": [{"value": 1}, {"value": 2}]}', 2) == (
        Outcome("value", 1),
        Outcome("value", 2),
    )
    for line in ("x", "[]", "{}", '{"values": 5}', '{"results": []}', '{"results": 5}'):
        with pytest.raises(CommandFailed):
            outcomes_of(line, 2)


def one_shot(code: str, **options: Any) -> Result:
    (result,) = run_client([sys.executable, "-c", code], select=(QUIET,), **options).results
    return result


def test_a_command_is_run_for_each_case() -> None:
    assert one_shot(SAYS).verdict is Verdict.PASS
    (result,) = run_client(
        [sys.executable, "-c", SAYS + "; assert sys.argv[1].startswith('http'), sys.argv", "{url}"],
        select=(QUIET,),
    ).results
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("print('x')", "no JSON"),
        ("print()", "printed nothing"),
        ("raise SystemExit('bad luck')", "bad luck"),
        ("print('{}')", "no value"),
    ],
)
def test_commands_that_fail(code: str, text: str) -> None:
    result = one_shot(code)
    assert result.verdict is Verdict.FAIL
    assert broken(result) == {"security/bounds/typed"}
    assert text in result.problems[0].text


def test_commands_that_hang_are_ended() -> None:
    result = one_shot("import time; time.sleep(60)", timeout=0.5)
    assert broken(result) == {"security/bounds/time"}


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell how large others are"
)
def test_commands_that_grow() -> None:
    code = "import time; x = bytearray(b'x' * 2**26); print('{\"value\": \"well\"}', flush=True); time.sleep(0.3)"
    assert broken(one_shot(code, memory=2**26)) == {"security/bounds/everything"}


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_commands_that_cannot_be_run(tmp_path: Path) -> None:
    script = tmp_path / "client"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    for persistent in (False, True):
        found = run_client([str(script), "{url}"], select=(QUIET,), persistent=persistent)
        assert found.results[0].verdict is Verdict.ERROR
        assert found.exit_code == 2


def test_commands_that_are_not_there() -> None:
    with pytest.raises(CommandMissing, match="'/no/such/command' is no program"):
        run_client("/no/such/command {url}")  # and not once for each scenario
    with pytest.raises(CommandMissing, match="empty"):
        run_client("  ")


ECHO = """
import json, sys, time
for line in sys.stdin:
    order = json.loads(line)
    if order["data"] == ["sleep"]:
        time.sleep(60)
    if order["data"] == ["end"]:
        sys.exit("enough")
    print(json.dumps({"value": order["data"]}), flush=True)
"""


def test_a_persistent_command_answers_until_it_fails(tmp_path: Path) -> None:
    caller = Persistent([sys.executable, "-c", ECHO])

    def ask(word: str, timeout: float = 30) -> Any:
        order = Order("http://app", (Call((word,)),))
        return caller.call(order, timeout=timeout, scratch=str(tmp_path)).outcomes[0].value

    try:
        assert ask("a") == ["a"]
        assert ask("b") == ["b"]
        with pytest.raises(CommandFailed, match="enough"):
            ask("end")
        assert ask("c") == ["c"]
        with pytest.raises(CommandFailed, match=r"no answer in 0\.5 s"):
            ask("sleep", 0.5)
        assert ask("d") == ["d"]
    finally:
        caller.close()
        caller.close()


def test_a_command_line_is_split() -> None:
    assert OneShot("node 'my client.js' {url}").words == ("node", "my client.js", "{url}")


# What the tester itself does wrong is told apart.


def test_errors_of_the_tester() -> None:
    spoiled = a_scenario(script=replace(a_scenario().script, config={"x": object()}))
    ask = "import os, urllib.request; urllib.request.urlopen(os.environ['GRADIO_URL'] + '/config')"
    for scenario, command in ((spoiled, ask), (a_scenario(expected=(Value(), Value())), SAYS)):
        found = run_client([sys.executable, "-c", command], scenarios=(scenario,))
        assert found.counts["error"] == 1
        assert found.exit_code == 2
        assert "failed" in (found.results[0].reason or "")


def test_selecting() -> None:
    cases = cases_of(SCENARIOS)
    assert [found.id for found in selected(cases, ("ws/ping",))] == ["ws/ping@ws"]
    assert {found.generation for found in selected(cases, ("framing/*",), ("*@sse*",))} == set()
    assert len(selected(cases)) == len(cases)


def test_results_are_told_as_they_come() -> None:
    seen: list[str] = []
    found = run_client(
        [sys.executable, "-c", SAYS],
        select=("message/unknown",),
        jobs=3,
        on_result=lambda result: seen.append(result.case.id),
    )
    assert sorted(seen) == sorted(result.case.id for result in found.results)
    assert [result.case.id for result in found.results] == [
        f"message/unknown@{generation}" for generation in BY_ID["message/unknown"].generations
    ]


# What must come out.


def test_expectations(tmp_path: Path) -> None:
    value, error = Outcome("value", 1), Outcome("error", "bad thing", "E")
    assert Value(1).problem(value) is None
    assert Value(2).problem(value)
    assert Value(1).problem(error)
    assert Values((1, 2)).problem(Outcome("values", [1, 2])) is None
    assert Values((1, 2)).problem(Outcome("values", [1]))
    assert Failure().problem(error) is None
    assert Failure("thing").problem(error) is None
    assert Failure("other").problem(error)
    assert Failure().problem(value)
    assert Either().problem(value) is None
    assert Either(1, is_any=False).problem(error) is None
    assert Either(1, is_any=False).problem(value) is None
    assert Either(2, is_any=False).problem(value)
    path = tmp_path / "file"
    path.write_bytes(b"x")
    assert Holding(b"x").problem(Outcome("value", str(path))) is None
    assert Holding(b"x").problem(Outcome("value", {"path": str(path)})) is None
    assert Holding(b"y").problem(Outcome("value", str(path)))
    assert Holding(b"x").problem(Outcome("value", str(tmp_path / "none")))
    assert Holding(b"x").problem(value)
    assert [
        str(each) for each in (Value("x" * 99), Values((1,)), Either(), Either("a", False), Failure("b"))
    ] == [
        'value "' + "x" * 39 + "... (101 characters)",
        "values [1]",
        "either",
        'error, or value "a"',
        "error with 'b'",
    ]
    assert str(Outcome("value", "x" * 200)).endswith("...")


# Reports.


def test_reports() -> None:
    results = (
        run(QUIET, well),
        run("framing/comments@sse_v3", lambda order, scratch: Outcome("error", "a\nb", "E")),
    )
    found = ClientReport(("client",), results, 1.5)
    text = report.report_text(found)
    assert "fail  framing/comments@sse_v3" in text
    assert 'must come out: value "well"' in text
    assert text.endswith("2 cases: 1 pass, 1 fail, in 1.5 s")
    data = json.loads(json.dumps(report.report_data(found)))
    assert data["counts"] == {"pass": 1, "fail": 1, "warn": 0, "skip": 0, "error": 0}
    assert data["results"][1]["problems"][0]["requirement"] == "message/framing/standard"
    assert data["requirements"] == ["message/framing/standard", "message/unknown"]
    assert found.exit_code == 1
    table = report.table([BY_ID["message/unknown"], BY_ID["framing/comments"]], data["results"])
    assert table.split("\n")[2].endswith('| value "well" | **pass**: value "well" |')
    assert len(table.split("\n")) == 4
    several = [
        {**data["results"][0], "generation": "ws"},
        {**data["results"][0], "verdict": "error", "outcomes": [], "reason": "a|b"},
    ]
    assert 'value "well" (ws)<br>**error**: a\\|b (sse_v3)' in report.table(
        [BY_ID["message/unknown"]], several
    )


def test_what_changes_from_run_to_run_is_left_out() -> None:
    assert report.steady("http://127.0.0.1:4711/x") == "http://app/x"
    assert report.steady("'/var/tmp/gradio-conformance-ab_1/scratch'") == "'/tmp/scratch'"


# The record of the official client.


def the_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("maker", FINDINGS / "make_official_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_record_of_the_official_client_is_of_these_scenarios() -> None:
    data = json.loads((FINDINGS / "official-client.json").read_text("utf-8"))
    assert [result["id"] for result in data["results"]] == [case.id for case in clients.cases()]
    made = the_maker().page(data)
    assert (FINDINGS / "official-client.md").read_text("utf-8") == made
    rows = re.findall(r"^\| `([a-z0-9-]+/[a-z0-9/-]+)` \|", made, re.MULTILINE)
    assert rows == [scenario.id for scenario in SCENARIOS]


def test_what_stands_out_is_in_the_record() -> None:
    data = json.loads((FINDINGS / "official-client.json").read_text("utf-8"))
    verdicts = {result["id"]: result["verdict"] for result in data["results"]}
    named = [case for _, cases in the_maker().FINDINGS for case in cases]
    assert {case: verdicts[case] for case in named} == dict.fromkeys(named, "fail")
