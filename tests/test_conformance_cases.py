"""The conformance tester's cases, against the embedded server: no false alarm, and every requirement accounted for."""

from __future__ import annotations

import pytest

from gradio_proto.conformance.model import Verdict
from gradio_proto.conformance.registry import all_cases
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.spec import requirements
from gradio_proto.conformance.target import embedded
from gradio_proto.conformance.untried import UNTRIED
from gradio_proto.testing.generations import PROTOCOLS

VERSIONS = tuple(PROTOCOLS)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_healthy_server_passes(version: str) -> None:
    """Each version has a seed of its own here; ``make test-alarms`` tries twenty for each."""
    with embedded(version) as target:
        report = run(target, Options(seed=VERSIONS.index(version)))
    bad = {
        result.case_id: result.reason
        for result in report.results
        if result.verdict not in (Verdict.PASS, Verdict.SKIP)
    }
    assert not bad
    assert report.count(Verdict.PASS) > 80


def test_every_requirement_is_tried_or_says_why_not() -> None:
    tried = {case.requirement.id for case in all_cases().values()}
    assert not tried & {*UNTRIED}
    assert tried | {*UNTRIED} == {*requirements()}
    assert all(len(reason) > 20 for reason in UNTRIED.values())


def test_the_same_seed_tries_the_same() -> None:
    def transcript_of_all(seed: int) -> list[tuple[str, int]]:
        said: list[tuple[str, int]] = []

        class Listener:
            def began(self, case: object) -> None:
                pass

            def ended(self, result: object) -> None:
                pass

            def said(self, entry: object) -> None:
                said.append((entry.kind, len(entry.text)))  # type: ignore[attr-defined]

        with embedded("6.31.0") as target:
            run(target, Options(seed=seed, select=("queue/join/malformed*", "session/hash/*")), Listener())
        return said

    assert transcript_of_all(3) == transcript_of_all(3)
    assert transcript_of_all(3) != transcript_of_all(4)
