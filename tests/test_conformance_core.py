"""The conformance tester itself: what it knows of the specification, how it talks, runs cases and judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from gradio_proto.conformance import runner as running
from gradio_proto.conformance import searching, spec, wire
from gradio_proto.conformance.machine import ServerMachine, explore
from gradio_proto.conformance.model import (
    Case,
    Needs,
    Severity,
    Skipped,
    Unreachable,
    Variant,
    Verdict,
    VersionRange,
    Violation,
)
from gradio_proto.conformance.registry import all_cases, case
from gradio_proto.conformance.runner import Options, Planned, plan, run, seed_of
from gradio_proto.conformance.schemas import has_schema, violations
from gradio_proto.conformance.target import TITLE, embedded, live
from gradio_proto.conformance.tester import Tester
from gradio_proto.conformance.transcript import Entry, Transcript, curl, shown
from gradio_proto.conformance.wire import Reply, Socket
from gradio_proto.sse import ServerSentEvent
from gradio_proto.testing import TestApp, serve

# The specification


@pytest.mark.parametrize(
    ("version", "within"),
    [
        ((4, 28, 9), False),
        ((4, 29), True),
        ((4, 30, 7), True),
        ((4, 31), True),
        ((4, 31, 9), True),
        ((4, 32, 0), False),
    ],
)
def test_a_version_ends_with_its_last_release(version: tuple[int, ...], within: bool) -> None:
    assert (version in VersionRange((4, 29), (4, 31))) is within


def test_requirements_are_those_that_bind_servers() -> None:
    known = spec.requirements()
    assert "queue/join/event-id" in known
    assert "cancel/settle-first" not in known  # it binds clients
    requirement = known["cancel/route/waiting"]
    assert requirement.level == "MUST"
    assert requirement.holds_for((4, 44, 1))
    assert not requirement.holds_for((4, 29, 0))
    assert requirement.link == "cancel.md#post-cancel"


def test_a_case_belongs_to_the_requirement_that_its_id_begins_with() -> None:
    assert spec.requirement_of("cancel/route/completes/running").id == "cancel/route/completes"
    assert spec.requirement_of("cancel/route/completes").id == "cancel/route/completes"
    with pytest.raises(KeyError, match="no requirement"):
        spec.requirement_of("cancel/rou")


def test_defects_name_what_they_break() -> None:
    defect = spec.defects()["defect/cancelled-job-runs"]
    assert "cancel/route/waiting" in defect.breaks
    assert defect.is_in((5, 49, 1))
    assert not defect.is_in((6, 31, 0))


def test_schemas() -> None:
    message = {"msg": "estimation", "event_id": "e", "rank": 0, "queue_size": 1, "rank_eta": None}
    assert violations("messages/estimation", message, (6, 31, 0)) == []
    (wrong,) = violations("messages/estimation", {**message, "rank": "0"}, (6, 31, 0))
    assert wrong.startswith("rank: ")
    assert has_schema("messages/close_stream", (6, 31, 0))
    assert not has_schema("messages/close_stream", (4, 0, 2))
    assert violations("messages/close_stream", {}, (4, 0, 2)) == []


def test_every_case_says_what_it_tries() -> None:
    for each in all_cases().values():
        assert len(each.about) > 20, each.id
        assert each.about.endswith("."), each.id
        assert each.id.startswith(each.requirement.id)


# Transcripts


def test_a_transcript_survives_json() -> None:
    transcript = Transcript(
        [
            Entry(0.25, 1, "request", "POST /x", "{}", (("content-type", "application/json"),)),
            Entry(0.5, 1, "reply", "200 OK application/json", "null"),
            Entry(0.75, 0, "note", "violation: no"),
        ]
    )
    assert Transcript.from_json(transcript.to_json()) == transcript
    assert list(transcript.lines()) == [
        "   0.250 [1] > POST /x",
        "               {}",
        "   0.500 [1] < 200 OK application/json",
        "               null",
        "   0.750     # violation: no",
    ]


def test_a_request_as_a_curl_line() -> None:
    entry = Entry(0, 1, "request", "POST /run/x?a=b", '{"it\'s": 1}', (("content-type", "application/json"),))
    line = curl("http://127.0.0.1:7860", entry)
    assert line.startswith("curl -i -N -X POST -H 'content-type: application/json' --data-raw ")
    assert line.endswith("'http://127.0.0.1:7860/run/x?a=b'")
    assert curl("http://x", replace(entry, body="\ufffd")) == ""
    assert curl("http://x", replace(entry, body=shown("x" * 5000))) == ""


# Talking


@pytest.fixture
def tester() -> Iterator[Tester]:
    with embedded("6.31.0") as target:
        found = target.open()
        yield found
        found.wire.close()


@contextmanager
def opened(version: str) -> Iterator[Tester]:
    with embedded(version) as target:
        found = target.open()
        yield found
        found.wire.close()


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2", "4.13.0", "4.44.1", "6.31.0"])
def test_a_job_is_the_same_in_every_generation(version: str) -> None:
    with opened(version) as tester:
        job = tester.run("count", 3)
        assert [values[0] for values in job.yielded()] == [0, 1, 2]
        assert job.values == [2]
        assert job.success
        assert [heard.at for heard in job.heard] == sorted(heard.at for heard in job.heard)
        assert job.heard[-1].at > job.joined_at


def test_two_jobs_of_a_session_share_its_stream(tester: Tester) -> None:
    session = tester.session()
    jobs = [session.submit(tester.endpoint("nap"), 0.5), session.submit(tester.endpoint("count"), 2)]
    session.wait()
    assert [job.values for job in jobs] == [["slept 0.5"], [1]]
    assert len(session.streams) == 1
    assert not session.strays


def test_what_came_before_the_answer_to_the_join_is_the_jobs(tester: Tester) -> None:
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), 0.2)
    body = session.join_body(tester.endpoint("echo"), ["x"])
    event_id = tester.post("queue/join", body).json()["event_id"]
    session.wait(job)
    assert session.strays
    early = session.adopt(tester.endpoint("echo"), ["x"], event_id)
    assert not session.strays
    assert early.values == ["x"]


def test_less_values_than_outputs_are_a_violation(tester: Tester) -> None:
    session = tester.session()
    job = session.submit(tester.endpoint("count"), 1)
    session.wait(job)
    del job.output["data"][:]
    with pytest.raises(Violation, match="has 1 outputs, and sent 0 values"):
        assert job.values
    del job.all("process_generating")[0].data[:]
    with pytest.raises(Violation, match="has 1 outputs, and sent 0 values"):
        job.yielded()


def test_a_stream_is_not_opened_without_end(tester: Tester, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_event(self: wire.EventStream, data: bytes, now: float) -> None:
        self.events.append((now, ServerSentEvent("{}")))
        self.ended("clean")

    monkeypatch.setattr(wire.EventStream, "receive", one_event)
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), 50)
    with pytest.raises(Violation, match="ends again and again"):
        session.wait(job)
    assert len(session.streams) < 30


def test_a_server_that_sends_without_end_does_not_fill_the_memory(
    tester: Tester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 20)
    with pytest.raises(Violation, match="broke off: it has more than"):
        tester.get("config", prefixed=False)
    session = tester.session()
    with pytest.raises(Violation, match="broke off: it has more than"):
        tester.run("echo", "x" * 20)
    stream = tester.wire.open_events(tester.wire.target("queue/data", [("session_hash", session.hash)]))
    tester.wire.wait(lambda: not stream.is_open, 5)
    assert stream.end == "broken"


def test_a_job_that_does_not_end_is_a_violation(tester: Tester) -> None:
    session = tester.session()
    job = session.submit(tester.endpoint("nap"), 50)
    with pytest.raises(Violation, match=r"no process_completed within 3 s; under way: the job of /nap"):
        session.wait(job, patience=3)
    session.hang_up()
    assert job.is_over


def test_a_refused_join_is_a_violation(tester: Tester) -> None:
    endpoint = replace(tester.endpoint("echo"), fn_index=9999)
    with pytest.raises(Violation, match="a join of /echo was answered 4"):
        tester.session().submit(endpoint, "x")


def test_a_websocket_that_is_refused_is_a_reply() -> None:
    with opened("3.50.2") as tester:
        assert isinstance(tester.wire.open_socket("/nowhere"), Reply)
        assert isinstance(tester.wire.open_socket(tester.wire.target("queue/join")), Socket)


def test_checks_say_what_is_wrong(tester: Tester) -> None:
    reply = tester.get("nowhere")
    with pytest.raises(Violation, match=r"GET /gradio_api/nowhere was answered 404 and not 200 or 201"):
        tester.check_status(reply, 200, 201)
    tester.check_refused(reply)
    with pytest.raises(Violation, match="was answered 200 and not refused"):
        tester.check_refused(tester.get("config", prefixed=False))
    with pytest.raises(Violation, match=r"schema replies/joined"):
        tester.check_schema("replies/joined", {})
    with pytest.raises(Skipped, match="plays 'nobody'"):
        tester.endpoint("nobody")


def test_a_password_and_a_cookie_are_in_no_transcript() -> None:
    said: list[Entry] = []
    with embedded("6.31.0") as target:
        target.listener = said.append
        tester = target.variant("login").open()
        cookie = tester.wire.headers["cookie"]
        assert tester.run("echo", "x").values == ["x"]
        tester.wire.close()
    text = repr(said)
    assert "pass word" not in text
    assert "pass+word" not in text
    assert cookie.partition("=")[2] not in text
    assert "[redacted]" in text


# Running


def a_case(check: Callable[[Tester], None], **changes: Any) -> Case:
    needs = Needs(
        changes.pop("endpoints", ()), changes.pop("variant", "plain"), changes.pop("is_destructive", False)
    )
    requirement = spec.requirements()[changes.pop("requirement", "queue/join/event-id")]
    severity: Severity = "major"
    return Case(
        "test/case", requirement, needs, severity, changes.pop("examples", 1), 0.0, check, "It is tried."
    )


def outcome(
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[Tester], None],
    options: Options | None = None,
    **changes: Any,
) -> Any:
    each = a_case(check, **changes)
    monkeypatch.setattr(running, "all_cases", lambda: {each.id: each})
    with embedded("6.31.0") as target:
        (result,) = run(target, options or Options(seed=1)).results
    return result


def test_a_case_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    result = outcome(monkeypatch, lambda tester: None)
    assert (result.verdict, result.reason) == (Verdict.PASS, "")


def test_a_case_fails_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        tester.get("app_id")
        raise Violation("it is wrong")

    result = outcome(monkeypatch, check)
    assert (result.verdict, result.reason) == (Verdict.FAIL, "it is wrong")
    assert [entry.kind for entry in result.transcript] == ["request", "reply", "note"]
    assert (
        result.replay
        == "gradio-proto conformance replay test/case --app embedded --gradio-version 6.31.0 --seed 1"
    )


def test_what_does_not_happen_again_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []

    def check(tester: Tester) -> None:
        times.append(1)
        if len(times) == 1:
            raise Violation("it is wrong")

    result = outcome(monkeypatch, check)
    assert (result.verdict, result.reason) == (Verdict.WARN, "it is wrong (once; it did not happen again)")


def test_a_should_is_a_warning_unless_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        raise Violation("it is wrong")

    level = {"requirement": "message/estimation/again"}
    assert outcome(monkeypatch, check, **level).verdict is Verdict.WARN
    assert outcome(monkeypatch, check, Options(strict=True), **level).verdict is Verdict.FAIL


def test_a_mistake_of_the_tester_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        raise ZeroDivisionError("oh")

    result = outcome(monkeypatch, check)
    assert (result.verdict, result.reason) == (Verdict.ERROR, "ZeroDivisionError: oh")


def test_the_smallest_example_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        number = tester.draw(st.integers(0, 1000))
        tester.check(number < 17, f"{number} is too much")

    result = outcome(monkeypatch, check, examples=50)
    assert (result.verdict, result.reason) == (Verdict.FAIL, "17 is too much")
    assert result.examples > 1


def test_a_skip_in_a_search_is_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        raise Skipped("there is nothing to try")

    result = outcome(monkeypatch, check, examples=50)
    assert (result.verdict, result.reason) == (Verdict.SKIP, "there is nothing to try")


@pytest.mark.parametrize(
    ("error", "verdict"), [(Skipped("not now"), Verdict.WARN), (Unreachable("refused"), Verdict.FAIL)]
)
def test_a_failure_is_kept_whatever_its_second_try_comes_to(
    monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: Verdict
) -> None:
    errors = iter([Violation("it is wrong"), error])

    def check(tester: Tester) -> None:
        raise next(errors)

    result = outcome(monkeypatch, check)
    assert result.verdict is verdict
    assert result.reason.startswith("it is wrong")


@pytest.mark.parametrize("error", [Skipped("not now"), Unreachable("refused"), ZeroDivisionError("oh")])
def test_a_failure_is_kept_whatever_the_search_for_a_smaller_one_comes_to(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    found: list[int] = []

    def check(tester: Tester) -> None:
        number = tester.draw(st.integers(0, 1000))
        if found:
            raise error
        if number > 17:
            found.append(number)
            raise Violation("it is wrong")

    result = outcome(monkeypatch, check, examples=50)
    assert (result.verdict, result.reason) == (Verdict.FAIL, "it is wrong")


def test_no_secret_is_in_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        tester.wire.secrets.add("0123456789abcdef")
        raise Violation("it was answered '0123456789abcdef', and '0123456789")

    result = outcome(monkeypatch, check)
    assert result.reason == "it was answered '[redacted]', and '[redacted]"


def test_a_server_that_is_ill_afterwards_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(tester: Tester) -> None:
        assert tester.target.stop is not None
        tester.target.stop()

    with embedded("6.31.0") as target:
        restarts: list[int] = []
        restart = target.restart
        assert restart is not None
        target.restart = lambda: (restarts.append(1), restart())[1]  # type: ignore[func-returns-value]
        each = a_case(check)
        after = replace(a_case(lambda tester: None), id="test/after")
        monkeypatch.setattr(running, "all_cases", lambda: {each.id: each, after.id: after})
        first, second = run(target, Options()).results
    assert first.verdict is Verdict.FAIL
    assert first.reason.startswith("afterwards the server did not serve others: ")
    assert restarts == [1]
    assert second.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoints": ("nobody",)}, "the reference app has no endpoint 'nobody' in this version"),
        ({"requirement": "cancel/event/ends"}, "holds for ..4.29, and this is 6.31.0"),
    ],
)
def test_why_a_case_is_not_tried(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reason: str
) -> None:
    each = a_case(lambda tester: None, **changes)
    monkeypatch.setattr(running, "all_cases", lambda: {each.id: each})
    with embedded("6.31.0") as target:
        assert plan(target, Options()) == [Planned(each, reason)]


def test_globs_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = running.selected(Options(select=("cancel/*", "session/*"), skip=("*/others",)))
    assert chosen
    assert {each.id.partition("/")[0] for each in chosen} == {"cancel", "session"}
    assert "session/heartbeat/others" not in {each.id for each in chosen}


def test_a_seed_for_each_case() -> None:
    first, second = list(all_cases().values())[:2]
    assert seed_of(first, 1) == seed_of(first, 1)
    assert len({seed_of(first, 1), seed_of(first, 2), seed_of(second, 1)}) == 3


def test_the_same_id_twice() -> None:
    with pytest.raises(ValueError, match="two cases called queue/join/event-id"):
        case("queue/join/event-id")(lambda tester: None)


# Servers somewhere


def small_app() -> TestApp:
    app = TestApp(title="somebody's")

    @app.endpoint("/shout")
    def shout(text: str) -> str:
        return text.upper()

    @app.endpoint("/danger")
    def danger(text: str) -> str:
        raise AssertionError("nobody has allowed that")

    return app


def test_a_live_server_is_treated_with_care() -> None:
    with serve(small_app()) as url, live(url, endpoints=["/shout"]) as target:
        planned = {each.case.id: each.reason for each in plan(target, Options())}
        said: list[Entry] = []
        target.listener = said.append
        report = run(
            target, Options(select=("queue/join/malformed*", "discovery/config/*", "queue/join/unknown-fn"))
        )
    assert not target.is_reference
    assert planned["queue/join/malformed"] == ""
    assert planned["state/kept" if "state/kept" in planned else "session/state/kept"].startswith(
        "needs an endpoint"
    )
    assert "--destructive" in planned["stream/error/stopping"]
    assert report.count(Verdict.FAIL) == 0
    assert report.count(Verdict.PASS) >= 3
    assert report.title == "somebody's"


def test_only_named_endpoints_are_called_by_a_whole_run() -> None:
    app = TestApp(title="somebody's")

    @app.endpoint("/my_count")
    def my_count(count: int) -> Iterator[int]:
        yield from range(count)

    @app.endpoint("/my_calc")
    def my_calc(a: float = 3, operation: str = "add", b: float = 5) -> float:
        return {"add": a + b, "sub": a - b, "mul": a * b}[operation]

    called: list[str] = []
    for name in ("private", "predict", "state", "nobody"):

        def other(text: str = "", *, name: str = name) -> str:
            called.append(name)
            return text

        app.endpoint(f"/{name}")(other)

    with serve(app) as url, live(url, endpoints=["count=/my_count", "calc=/my_calc"]) as target:
        report = run(target, Options(profile="quick", select=("run/*", "call/*", "session/*")))
    assert not called
    assert report.count(Verdict.PASS) > 10
    assert report.count(Verdict.ERROR) == 0


def test_a_server_with_the_title_of_the_reference_app_is_somebodys_all_the_same() -> None:
    with serve(TestApp(title=TITLE)) as url, live(url) as target:
        planned = plan(target, Options())
    assert target.is_reference
    assert not [each for each in planned if each.case.needs.is_destructive and not each.reason]


def test_parts_of_headers_are_secrets() -> None:
    headers = {"Authorization": "Bearer abcdefgh", "Cookie": "theme=dark; id=12345678", "X-Key": "k-e-y"}
    with live("http://127.0.0.1:1", headers=headers) as target:
        assert target.secrets.hide("theme abcdefgh 12345678 k-e-y") == (
            "theme [redacted] [redacted] [redacted]"
        )


def test_without_an_endpoint_nothing_is_called() -> None:
    with serve(small_app()) as url, live(url) as target:
        planned = {each.case.id: each.reason for each in plan(target, Options())}
    assert (
        planned["queue/join/malformed"]
        == "needs an endpoint that may be called: name one with --endpoint /NAME"
    )
    assert planned["discovery/config/location"] == ""


def test_a_role_is_played_by_another_endpoint() -> None:
    app = TestApp()

    @app.endpoint("/say_it_back")
    def say_it_back(text: str) -> str:
        return text

    with serve(app) as url, live(url, endpoints=["echo=/say_it_back"]) as target:
        tester = target.open()
        assert tester.run("echo", "x").values == ["x"]
        assert [endpoint.api_name for endpoint in tester.allowed()] == ["/say_it_back"]
        tester.wire.close()


def test_requests_are_spread_out() -> None:
    with embedded("6.31.0") as target:
        target.rate = 2.0
        tester = target.open()
        before = tester.wire.now()
        for _ in range(4):
            tester.get("app_id")
        assert 1.5 <= tester.wire.now() - before <= 2.5
        tester.wire.close()


def test_nobody_there() -> None:
    with live("http://127.0.0.1:9") as target, pytest.raises(Unreachable):
        run(target, Options())


def test_a_server_whose_config_is_unusable_fails() -> None:
    with embedded("6.31.0", ["config/not-json"]) as target:
        first, *others = run(target, Options(select=("discovery/*",))).results
    assert (first.case_id, first.verdict) == ("discovery/config/location", Verdict.FAIL)
    assert {(result.verdict, result.reason) for result in others} == {
        (Verdict.SKIP, "the server's config cannot be read")
    }


# The machine


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2", "4.19.1", "6.31.0"])
def test_the_machine_finds_nothing_wrong_with_a_healthy_server(version: str) -> None:
    with opened(version) as tester:
        explore(tester, examples=8)


def test_the_machine_finds_a_defect_and_makes_it_small(monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine needs more time to make it small.
    monkeypatch.setattr(searching, "SHRINK_SECONDS", 60.0)
    with embedded("6.31.0", ["terminal/twice"]) as target:
        tester = target.open()
        with pytest.raises(Violation, match="process_completed"):
            explore(tester, ServerMachine, examples=20)
        requests = [entry for entry in tester.wire.transcript if entry.kind == "request"]
        tester.wire.close()
    assert 1 <= len(requests) <= 4  # a join and a stream


def test_every_variant_has_a_server() -> None:
    names: tuple[Variant, ...] = ("plain", "login", "short-queue", "small-files")
    with embedded("6.31.0") as target:
        assert len({id(target.variant(name)) for name in names}) == 4
    with embedded("4.13.0") as target, pytest.raises(Skipped, match="'small-files'"):
        target.variant("small-files")


def test_what_has_come_out_when_a_run_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(tester: Tester) -> None:
        raise KeyboardInterrupt

    first = a_case(lambda tester: None)
    second = replace(a_case(interrupt), id="test/second")
    monkeypatch.setattr(running, "all_cases", lambda: {first.id: first, second.id: second})
    with embedded("6.31.0") as target, pytest.raises(running.Interrupted) as caught:
        run(target, Options())
    assert [result.case_id for result in caught.value.report.results] == ["test/case"]
    assert caught.value.report.version == "6.31.0"
