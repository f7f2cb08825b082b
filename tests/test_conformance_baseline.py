"""Failures that are known: what a baseline makes of a run, and the file that it is kept in."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import reported
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto.conformance import baseline
from gradio_proto.conformance.baseline import BaselineEntry, BaselineError
from gradio_proto.conformance.model import Report, Verdict
from gradio_proto.conformance.reports.counting import known_as

IDS = [f"area/{letter}" for letter in "abcd"]
VERSIONS = ["3.50.2", "4.30.2", "4.44.1", "6.31.0"]
RANGES = st.sampled_from([("", ""), ("4.0", ""), ("", "4.30"), ("4.0", "4.44.1"), ("6.31.0", "6.31.0")])
ENTRIES = st.builds(
    lambda case, reason, span: BaselineEntry(case, reason, *span),
    st.sampled_from(IDS),
    st.text(st.characters(exclude_categories=["Cs"])),
    RANGES,
)
REPORTS = st.builds(
    lambda version, verdicts: reported.report(
        version, *(reported.result(id, verdict, "a reason") for id, verdict in verdicts.items())
    ),
    st.sampled_from(VERSIONS),
    st.dictionaries(st.sampled_from(IDS), st.sampled_from(Verdict)),
)


def one(verdict: Verdict, version: str = "4.44.1") -> Report:
    return reported.report(version, reported.result("area/a", verdict, "a reason"))


def test_a_failure_is_new_or_known() -> None:
    entry = BaselineEntry("area/b", "we know")
    report = reported.report(
        "4.44.1", reported.result("area/a", Verdict.FAIL), reported.result("area/b", Verdict.FAIL)
    )
    outcome = baseline.apply(report, [entry], IDS)
    assert [result.case_id for result in outcome.new] == ["area/a"]
    assert [(result.case_id, found) for result, found in outcome.known] == [("area/b", entry)]
    assert outcome.stale == ()
    assert not outcome.is_clean


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INFO])
def test_an_entry_whose_case_does_not_fail_any_more_is_stale(verdict: Verdict) -> None:
    entry = BaselineEntry("area/a", "we knew")
    outcome = baseline.apply(one(verdict), [entry], IDS)
    assert outcome.stale == ((entry, "the case does not fail any more"),)
    assert not outcome.is_clean


@pytest.mark.parametrize("verdict", [Verdict.SKIP, Verdict.WARN, Verdict.ERROR])
def test_an_entry_of_which_nothing_is_known_stays(verdict: Verdict) -> None:
    outcome = baseline.apply(one(verdict), [BaselineEntry("area/a", "x"), BaselineEntry("area/b", "y")], IDS)
    assert outcome == baseline.BaselineOutcome((), (), ())
    assert outcome.is_clean


def test_an_entry_of_no_case_is_stale() -> None:
    entry = BaselineEntry("area/renamed", "x")
    assert baseline.apply(one(Verdict.PASS), [entry], IDS).stale == ((entry, "there is no such case"),)


@pytest.mark.parametrize(
    ("first", "last", "version", "expected"),
    [
        ("", "", "", True),
        ("", "", "6.31.0", True),
        ("4.30", "", "4.30.0", True),
        ("4.30", "", "4.29.9", False),
        ("", "4.30", "4.30.2", True),
        ("", "4.30", "4.31.0", False),
        ("4.30.1", "4.30.1", "4.30.1", True),
        ("4.30.1", "4.30.1", "4.30.0", False),
        ("4", "5", "5.49.1", True),
        ("4", "5", "6.0.0", False),
    ],
)
def test_the_versions_that_an_entry_is_for(first: str, last: str, version: str, expected: bool) -> None:
    assert BaselineEntry("area/a", "x", first, last).is_for(version) is expected


def test_an_entry_for_other_versions_is_not_looked_at() -> None:
    entry = BaselineEntry("area/a", "x", last="4.30")
    assert baseline.apply(one(Verdict.PASS), [entry], IDS).is_clean
    assert len(baseline.apply(one(Verdict.FAIL), [entry], IDS).new) == 1
    assert baseline.apply(one(Verdict.FAIL, "4.30.2"), [entry], IDS).is_clean


def test_a_report_is_marked_with_what_is_known() -> None:
    report = one(Verdict.FAIL)
    outcome = baseline.apply(report, [BaselineEntry("area/a", "we know")], IDS)
    (result,) = report.results
    assert known_as(baseline.marked(report, outcome), result) == "we know"
    assert known_as(report, result) is None


# The baseline that is written.


@settings(deadline=None)
@given(
    st.lists(REPORTS, min_size=1, max_size=4, unique_by=lambda report: report.version),
    st.lists(ENTRIES, max_size=4),
)
def test_a_run_holds_by_the_baseline_made_from_it(
    reports: list[Report], previous: list[BaselineEntry]
) -> None:
    made = baseline.made_from(reports, previous, IDS)
    for report in reports:
        assert baseline.apply(report, made, IDS).is_clean
    tried = {result.case_id for report in reports for result in report.results}
    assert [entry for entry in previous if entry.case not in tried and entry not in made] == []


def test_reasons_are_kept_and_new_ones_wait_for_an_explanation() -> None:
    previous = [
        BaselineEntry("area/a", "we know"),
        BaselineEntry("area/gone", "x"),
        BaselineEntry("area/d", "later"),
    ]
    report = reported.report(
        "6.31.0",
        reported.result("area/a", Verdict.FAIL, "a reason"),
        reported.result("area/b", Verdict.FAIL, "a reason"),
        reported.result("area/c", Verdict.PASS),
    )
    assert baseline.made_from([report], previous, IDS) == [
        BaselineEntry("area/a", "we know"),
        BaselineEntry("area/b", "not explained yet: a reason"),
        BaselineEntry("area/d", "later"),
    ]


def test_what_fails_on_some_servers_only_is_known_for_their_versions() -> None:
    reports = [one(Verdict.FAIL, "4.30.2"), one(Verdict.PASS, "4.44.1"), one(Verdict.FAIL, "6.31.0")]
    assert baseline.made_from(reports, [BaselineEntry("area/a", "we know")], IDS) == [
        BaselineEntry("area/a", "we know", "4.30.2", "4.30.2"),
        BaselineEntry("area/a", "we know", "6.31.0", "6.31.0"),
    ]


def test_what_fails_on_every_server_is_one_entry() -> None:
    reports = [one(Verdict.FAIL, version) for version in VERSIONS]
    assert baseline.made_from(reports, [], IDS) == [BaselineEntry("area/a", "not explained yet: a reason")]


# The file.


@settings(deadline=None)
@given(entries=st.lists(ENTRIES))
def test_a_file_gives_back_what_was_written(
    entries: list[BaselineEntry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "baseline.json"
    baseline.write(path, entries)
    found = baseline.read(path)
    assert sorted(map(dataclasses.astuple, found)) == sorted(map(dataclasses.astuple, entries))
    assert [entry.case for entry in found] == sorted(entry.case for entry in entries)
    first = path.read_bytes()
    baseline.write(path, found)
    assert path.read_bytes() == first


def test_a_file_has_one_entry_a_line(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    baseline.write(path, [BaselineEntry("b/c", "y\nz", "4.0", "4.30"), BaselineEntry("a/b", "x")])
    assert path.read_text(encoding="utf-8") == (
        '{"baseline": 1, "known": [\n'
        '  {"case": "a/b", "reason": "x"},\n'
        '  {"case": "b/c", "reason": "y\\nz", "from": "4.0", "to": "4.30"}\n'
        "]}\n"
    )
    baseline.write(path, [])
    assert baseline.read(path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a baseline"),
        ("[]", "is not a baseline: it is no JSON object"),
        ('{"baseline": 2, "known": []}', "reads baselines of form 1 only"),
        ('{"baseline": 1}', "is not a baseline"),
        ('{"baseline": 1, "known": ["a/b"]}', "is not a baseline"),
        (json.dumps({"baseline": 1, "known": [{"case": "a"}]}), "is not a baseline: there is no 'reason'"),
        (
            json.dumps({"baseline": 1, "known": [{"case": "a", "reason": 3}]}),
            "the fields of an entry are texts",
        ),
        (json.dumps({"baseline": 1, "known": [{"case": "a", "reason": "", "form": "4"}]}), "no field 'form'"),
        (
            json.dumps({"baseline": 1, "known": [{"case": "a", "reason": "", "from": "x"}]}),
            "is not a baseline",
        ),
        (
            json.dumps({"baseline": 1, "known": [{"case": "a", "reason": "", "to": "4."}]}),
            "is not a baseline",
        ),
    ],
)
def test_what_is_no_baseline(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=message):
        baseline.read(path)
