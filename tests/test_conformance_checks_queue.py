"""The cases on joining, conversations, messages and values: each finds the defect that it is there to find."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradio_proto.conformance import target
from gradio_proto.conformance.model import Verdict
from gradio_proto.conformance.registry import all_cases
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.spec import requirements
from gradio_proto.testing import ServerProtocol, TestApp
from gradio_proto.testing.defects import DEFECTS
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport
from gradio_proto.urls import parse_app_url

FOUND = {
    "join/unknown-fn-accepted": "queue/join/unknown-fn",
    "join/wrong-status": "queue/join/event-id",
    "join/no-fn-accepted": "queue/join/no-fn",
    "join/no-session-accepted": "queue/join/no-session",
    "join/no-data-accepted": "queue/join/malformed",
    "join/malformed-500": "queue/join/malformed",
    "join/wrong-method-status": "queue/join/wrong-method",
    "join/unqueued-refused": "queue/join/body/unqueued",
    "join/surplus-refused": "queue/join/body/surplus",
    "join/event-data-lost": "queue/join/body/event-data",
    "join/headers-lost": "queue/join/body/request",
    "queue-full/wrong-status": "queue/join/full",
    "queue-full/unexplained": "queue/join/full",
    "queue-full/silent": "queue/join/full/message",
    "validator/skipped": "queue/join/validator",
    "validator/wrong-status": "queue/join/validator",
    "queue/last-first": "queue/order",
    "queue/place-lost-by-error": "queue/isolation/failed",
    "event-id/duplicate": "queue/join/event-id",
    "event-id/number": "queue/join/event-id",
    "event-id/missing": "message/event-id",
    "event-id/of-sibling": "message/event-id/right-job",
    "terminal/lost": "message/order/one-end",
    "terminal/twice": "message/order/one-end",
    "rank/rises": "message/estimation/rank",
    "rank/negative": "message/estimation/rank",
    "estimation/missing": "message/estimation/first",
    "estimation/never-again": "message/estimation/again",
    "order/starts-after-output": "message/order",
    "order/starts-twice": "message/process-starts/once",
    "order/starts-missing": "message/process-starts/once",
    "order/estimation-after-completed": "message/order",
    "log/before-starts": "message/process-starts/once",
    "message/unknown-type": "message/process-generating/each",
    "message/missing-field": "message/fields",
    "message/wrong-type": "message/fields",
    "message/no-msg": "message/msg",
    "message/not-json": "message/msg",
    "progress/both": "message/progress/either",
    "progress/neither": "message/progress/either",
    "log/other-session": "message/isolation",
    "events/other-session": "message/isolation",
    "close-stream/with-jobs-open": "message/close-stream/last",
    "close-stream/not-last": "message/close-stream/last",
    "ws/no-hash-asked": "message/send-hash/first",
    "ws/asks-twice": "message/order",
    "ws/send-data-missing": "queue/served",
    "sse0/data-wrong-status": "queue/join/sse/data-accepted",
    "sse0/unknown-event-accepted": "queue/join/sse/unknown-event",
    "sse0/late-data-hangs": "queue/join/sse/late-data",
    "sse/wrong-content-type": "message/framing/event",
    "sse/wrong-status": "message/framing/event",
    "sse/compressed": "message/framing/plain",
    "sse/raw-newline": "message/framing/event",
    "sse/blank-line-missing": "message/framing/event",
    "sse/latin-1": "value/diff/replays",
    "heartbeat/missing": "message/heartbeat/interval",
    "heartbeat/late": "message/heartbeat/interval",
    "heartbeat/once": "message/heartbeat/interval",
    "stream/late-reader-misses": "queue/join/late-stream",
    "generating/dropped": "message/process-generating/each",
    "generating/repeated-dropped": "message/process-generating/each/same",
    "completed/first-value": "value/streamed/last",
    "completed/edits": "message/process-completed/whole",
    "completed/empty-fails": "value/streamed/empty",
    "value/streamed-as-edits": "value/streamed/whole",
    "diff/first-as-edits": "value/streamed/first",
    "diff/stale-base": "value/streamed/differences",
    "diff/wrong-delete-index": "value/diff/replays/any-list",
    "diff/unknown-action": "value/diff/actions",
    "diff/append-twice": "value/diff/replays",
    "diff/index-as-string": "value/diff/actions",
    "diff/edit-lost": "value/diff/replays/lists",
    "diff/unchanged-replaced": "value/diff/replays/lists",
    "value/reordered": "value/positions",
    "value/missing": "value/positions",
    "value/state-shown": "value/state",
    "value/batch-last": "value/batch",
    "error/success-true": "message/process-completed/failure",
    "stream-input/edits": "message/process-streaming/whole",
}
"""Defects, and the case that is there to find each."""
AREAS = ("joining.md", "messages.md", "values.md")


def verdict(version: str, defects: tuple[str, ...], case: str) -> tuple[Verdict, str]:
    with target.embedded(version, defects) as server:
        options = replace(Options(seed=1), select=(case,), destructive=True, strict=True)
        (result,) = run(server, options).results
    return result.verdict, result.reason


@pytest.mark.parametrize("defect", FOUND)
def test_the_defect_is_found(defect: str) -> None:
    assert verdict(DEFECTS[defect].versions[-1], (defect,), FOUND[defect])[0] is Verdict.FAIL


@pytest.mark.parametrize(
    ("version", "case"),
    [
        ("4.0.2", "queue/isolation/batch"),
        ("4.0.2", "value/batch"),
        ("4.0.2", "message/heartbeat/interval"),
    ],
)
def test_what_a_released_server_does_wrong_is_found(version: str, case: str) -> None:
    with target.embedded(version, faithful_defects=True) as server:
        (result,) = run(server, Options(seed=1, select=(case,), destructive=True)).results
    assert result.verdict is Verdict.FAIL, result.reason


def test_every_requirement_of_these_documents_is_tried() -> None:
    tried = {case.requirement.id for case in all_cases().values()}
    wanted = {id for id, each in requirements().items() if each.link.partition("#")[0] in AREAS}
    assert wanted <= tried


@pytest.mark.parametrize("case", sorted(set(FOUND.values())))
def test_a_server_without_defects_passes(case: str) -> None:
    versions = [DEFECTS[defect].versions for defect, found in FOUND.items() if found == case]
    for version in {versions[0][0], versions[0][-1]}:
        found, reason = verdict(version, (), case)
        assert found is Verdict.PASS, f"{version}: {reason}"


def test_somebodys_app_is_called_as_allowed() -> None:
    """Of an app that is not the reference app only the endpoints are called that its user has named."""
    called: list[str] = []
    app = TestApp(title="Somebody's app")

    @app.endpoint("/hello", inputs=["textbox"], outputs=["textbox"])
    def hello(name: str) -> str:
        called.append("hello")
        return f"Hello {name}"

    @app.endpoint("/echo", inputs=["textbox"], outputs=["textbox"])
    def echo(text: str) -> str:
        called.append("echo")
        return text

    runner = MemoryRunner(ServerProtocol(app))
    server = target.Target(
        parse_app_url("http://localhost:7860"),
        lambda options: MemoryTransport(options, runner),
        roles={"any0": "/hello"},
        prefix="test",
        patience=60,
    )
    select = ("queue/*", "message/*", "value/*")
    report = run(server, Options(seed=1, select=select, skip=("queue/isolation/any-order",)))
    assert set(called) == {"hello"}
    assert {result.verdict for result in report.results} == {Verdict.PASS, Verdict.SKIP}
    passed = {result.case_id for result in report.results if result.verdict is Verdict.PASS}
    assert passed >= {
        "queue/join/malformed",
        "message/fields",
        "message/close-stream/last",
        "value/positions",
    }
