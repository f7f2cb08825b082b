"""The cases about single requests find what is wrong: discovery, login, errors, files, direct calls, simple API."""

from __future__ import annotations

import pytest

from gradio_proto.conformance.checks import (
    auth,
    component_server,
    direct,
    discovery,
    downloads,
    errors,
    files,
    security,
    simple_api,
)
from gradio_proto.conformance.model import Case, Result, Verdict
from gradio_proto.conformance.registry import all_cases
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.target import Target, embedded
from gradio_proto.testing.defects import DEFECTS

MODULES = {
    module.__name__
    for module in (
        auth,
        component_server,
        direct,
        discovery,
        downloads,
        errors,
        files,
        security,
        simple_api,
    )
}
CASES: list[Case] = [case for case in all_cases().values() if case.run.__module__ in MODULES]


def mutants() -> list[tuple[str, str]]:
    """For each requirement of these areas the first defect that breaks it, with the newest version that shows it."""
    wanted = {case.requirement.id for case in CASES}
    found: dict[str, tuple[str, str]] = {}
    for name, defect in DEFECTS.items():
        if defect.breaks in wanted:
            found.setdefault(defect.breaks, (name, defect.versions[-1]))
    return [*found.values()]


def results(target: Target, *select: str) -> dict[str, Result]:
    report = run(target, Options(seed=1, select=select))
    return {result.case_id: result for result in report.results}


@pytest.mark.parametrize(("name", "version"), mutants(), ids=lambda value: str(value))
def test_a_defect_is_found(name: str, version: str) -> None:
    broken = DEFECTS[name].breaks
    select = [case.id for case in CASES if case.requirement.id == broken]
    with embedded(version, [name]) as target:
        found = results(target, *select)
    # A server whose config cannot be read has one failure for everything.
    assert any(result.verdict in (Verdict.FAIL, Verdict.WARN) for result in found.values())


KNOWN = [
    ("3.36.1", "error/http/client-mistakes/no-data"),
    ("3.50.2", "error/function/shape/hidden"),
    ("3.50.2", "error/function/shown"),
    ("4.0.2", "error/function/shown/hidden"),
    ("4.19.1", "file/output/url"),
    ("4.44.1", "error/function/shown/after-values"),
    ("4.44.1", "call/error"),
    ("5.49.1", "call/session"),
    ("5.49.1", "error/http/no-traceback"),
    ("5.49.1", "run/by-name/json"),
    ("6.31.0", "security/server/privacy"),
    ("6.31.0", "security/server/sessions"),
    ("6.31.0", "security/server/sessions/heartbeat"),
]
"""What real servers are known to do wrong and the embedded one shows, with the case that has to find it."""


@pytest.mark.parametrize(("version", "case_id"), KNOWN)
def test_a_known_defect_of_a_real_server_is_found(version: str, case_id: str) -> None:
    with embedded(version, faithful_defects=True) as target:
        result = results(target, case_id)[case_id]
    assert result.verdict is (
        Verdict.WARN if all_cases()[case_id].requirement.level.startswith("SHOULD") else Verdict.FAIL
    )
    assert result.reason


def test_a_restart_that_leaves_the_app_id_is_found() -> None:
    with embedded("6.31.0") as target:
        target.restart = lambda: None
        assert results(target, "discovery/app-id/changes")["discovery/app-id/changes"].verdict is Verdict.FAIL


def test_a_server_that_cannot_be_started_anew_is_not_put_at_risk() -> None:
    with embedded("6.31.0") as target:
        target.restart = None
        found = results(target, "discovery/app-id/changes", "run/by-name/progress")
    assert [result.verdict for result in found.values()] == [Verdict.SKIP, Verdict.SKIP]
