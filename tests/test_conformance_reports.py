"""The conformance tester's reports: what stands in them, and that no server can make them say something else."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import reported
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from gradio_proto.conformance.baseline import BaselineEntry, BaselineOutcome
from gradio_proto.conformance.baseline import apply as apply_baseline
from gradio_proto.conformance.model import Report, Result, Verdict
from gradio_proto.conformance.reports import (
    KINDS,
    html,
    junit,
    markdown,
    ndjson,
    parse_destination,
    write_report,
)
from gradio_proto.conformance.reports import timeline as drawing
from gradio_proto.conformance.reports.catalogue import Facts, default_cases, facts_of
from gradio_proto.conformance.reports.counting import (
    by_area,
    case_ids,
    count,
    known_as,
    name_of,
    worst_first,
)
from gradio_proto.conformance.reports.details import curl_line, details, one_line, transcript_lines, visible
from gradio_proto.conformance.reports.markup import element, path, prose
from gradio_proto.conformance.reports.progress import Progress
from gradio_proto.conformance.reports.text import headline, print_report, print_result
from gradio_proto.conformance.transcript import Entry, Kind, Transcript

TEXTS = st.one_of(
    st.sampled_from(reported.HOSTILE),
    st.text(st.characters(), max_size=6),
    st.text(st.sampled_from("`|<>&\\[]*_~!@#\n\r\t\0 '\""), max_size=8),
)
TIMES = st.floats(0, 1e6, allow_nan=False)
KINDS_OF_ENTRIES: list[Kind] = ["request", "reply", "open", "event", "sent", "received", "closed", "note"]
ENTRIES = st.builds(
    Entry,
    at=TIMES,
    connection=st.integers(0, 5),
    kind=st.sampled_from(KINDS_OF_ENTRIES),
    text=TEXTS,
    body=TEXTS,
    headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=1).map(tuple),
)
RESULTS = st.builds(
    Result,
    case_id=st.one_of(TEXTS, st.sampled_from(list(reported.CASES))),
    verdict=st.sampled_from(Verdict),
    reason=TEXTS,
    transcript=st.builds(Transcript, st.lists(ENTRIES, max_size=2)),
    seconds=TIMES,
    examples=st.integers(0, 1000),
    replay=TEXTS,
)
REPORTS = st.builds(
    Report,
    url=TEXTS,
    title=TEXTS,
    version=TEXTS,
    protocol=TEXTS,
    seed=st.integers(0, 2**63),
    profile=TEXTS,
    started=TEXTS,
    seconds=TIMES,
    results=st.lists(RESULTS, max_size=2),
    command=TEXTS,
    extra=st.one_of(
        st.just({}),
        st.dictionaries(TEXTS, TEXTS, max_size=2).map(lambda known: {"known": known}),
        st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.none()), max_size=2),
    ),
)


PATIENT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A report is much to draw and to write, and the machine may be busy."""


def written(kind: str, *reports: Report) -> str:
    file = io.StringIO()
    {"html": html, "junit": junit, "md": markdown, "ndjson": ndjson}[kind].write(
        reports, file, reported.CASES
    )
    return file.getvalue()


def test_every_kind_is_written(tmp_path: Path) -> None:
    for kind in KINDS:
        write_report(kind, tmp_path / kind, reported.ALL, reported.CASES)
        assert (tmp_path / kind).read_text(encoding="utf-8") == written(kind, *reported.ALL)


def test_a_report_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "report"
    with pytest.raises(ValueError, match="no kind of report 'pdf'; there are junit, ndjson, html, md"):
        write_report("pdf", path, reported.ALL)
    with pytest.raises(ValueError, match="nothing to report"):
        write_report("html", path, [])
    with pytest.raises(TypeError):
        write_report("ndjson", path, [replace(reported.NEWEST, extra={"x": object()})], {})
    assert not path.exists()


def test_without_cases_those_of_this_version_are_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio_proto.conformance import registry

    monkeypatch.setattr(registry, "all_cases", lambda: reported.CASES)
    write_report("md", tmp_path / "md", reported.ALL)
    assert (tmp_path / "md").read_text(encoding="utf-8") == written("md", *reported.ALL)
    assert default_cases() is reported.CASES


@pytest.mark.parametrize(
    ("text", "expected"), [("junit=a.xml", ("junit", "a.xml")), ("md=a=b", ("md", "a=b"))]
)
def test_a_destination(text: str, expected: tuple[str, str]) -> None:
    assert parse_destination(text) == expected


@pytest.mark.parametrize("text", ["", "html", "html=", "pdf=x", "=x", "HTML=x"])
def test_what_is_no_destination(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is not KIND=PATH")):
        parse_destination(text)


# Counting, and what a person sees of one result.


def test_verdicts_are_counted_the_worst_first() -> None:
    assert [*count(reported.NEWEST.results).items()] == [
        (Verdict.FAIL, 3),
        (Verdict.ERROR, 1),
        (Verdict.WARN, 1),
        (Verdict.INFO, 1),
        (Verdict.SKIP, 1),
        (Verdict.PASS, 4),
    ]
    assert list(by_area(reported.NEWEST.results)) == ["queue", "stream", "session", "file", "error", "gone"]
    assert [result.verdict.value for result in worst_first(reported.OLDER.results)][:3] == [
        "fail",
        "fail",
        "warn",
    ]


def test_cases_of_several_reports_are_listed_once_and_by_area() -> None:
    early = reported.report("4", reported.result("b/1", Verdict.PASS), reported.result("a/1", Verdict.PASS))
    late = reported.report("5", reported.result("b/2", Verdict.PASS), reported.result("b/1", Verdict.PASS))
    assert case_ids([early, late]) == ["b/1", "b/2", "a/1"]


def test_of_a_case_that_is_gone_nothing_is_known() -> None:
    assert facts_of(reported.UNKNOWN_ID, reported.CASES) == Facts(reported.UNKNOWN_ID, "gone")
    facts = facts_of("queue/full", reported.CASES)
    assert (facts.level, facts.severity, facts.link) == ("MUST", "major", "queue.md#what-must")


@pytest.mark.parametrize(
    ("verdicts", "style"),
    [
        ((Verdict.SKIP, Verdict.PASS), "green"),  # what was skipped is not the news
        ((Verdict.PASS,), "green"),
        ((Verdict.SKIP,), "bright_black"),
        ((Verdict.PASS, Verdict.WARN, Verdict.SKIP), "yellow"),
        ((Verdict.ERROR, Verdict.FAIL, Verdict.PASS), "bold red"),
        ((), "green"),
    ],
)
def test_the_colour_of_the_headline(verdicts: tuple[Verdict, ...], style: str) -> None:
    results = [Result("a/b", verdict) for verdict in verdicts]
    assert headline(replace(reported.NEWEST, results=results)).style == style


def test_columns_of_one_version_are_told_apart() -> None:
    page = written(
        "html", reported.NEWEST, replace(reported.NEWEST, url="http://127.0.0.1:7861/app"), reported.OLDEST
    )
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)
    assert [re.sub("<[^>]+>", " ", head).split() for head in heads[:4]] == [
        ["case"],
        ["6.31.0", "127.0.0.1:7860"],
        ["6.31.0", "127.0.0.1:7861/app"],
        [reported.OLDEST.version],
    ]


def test_a_server_without_a_version_is_called_by_its_address() -> None:
    assert name_of(reported.NEWEST) == "Gradio 6.31.0"
    assert name_of(replace(reported.NEWEST, version="")) == "http://127.0.0.1:7860"


@pytest.mark.parametrize("extra", [{}, {"known": None}, {"known": ["queue/full"]}])
def test_without_a_baseline_no_failure_is_known(extra: dict[str, Any]) -> None:
    report = replace(reported.NEWEST, extra=extra)
    assert [known_as(report, result) for result in report.results if known_as(report, result)] == []


def test_what_a_baseline_knows_is_told_of_failures_only() -> None:
    report = replace(reported.NEWEST, extra={"known": {"queue/join/unknown-fn": "a", "session/apart": "b"}})
    found = {result.case_id: known_as(report, result) for result in report.results}
    assert {id: reason for id, reason in found.items() if reason} == {"queue/join/unknown-fn": "a"}


def by_id(report: Report, id: str) -> Result:
    return next(result for result in report.results if result.case_id == id)


def test_the_details_of_a_failure() -> None:
    id = "queue/join/unknown-fn"
    lines = list(details(reported.NEWEST, by_id(reported.NEWEST, id), facts_of(id, reported.CASES)))
    body = """{"data":["it's"],"fn_index":999,"session_hash":"a000002"}"""
    quoted = body.replace("'", "'\"'\"'")
    assert lines == [
        "FAIL queue/join/unknown-fn (MUST, major)",
        "  A join for a function that is not there MUST be refused with a 4xx status.",
        "  spec/queue.md#what-must",
        "  the answer is 500, not 4xx",
        "",
        "     0.000 [1] > POST /gradio_api/queue/join",
        f"                 {body}",
        "     0.006 [1] < 500 Internal Server Error text/plain",
        "                 Traceback (most recent call last):",
        "                   File ...",
        "     0.006     # violation: the answer is 500, not 4xx",
        "",
        "  last request: curl -i -N -X POST -H 'content-type: application/json' -H 'authorization: [redacted]' "
        f"--data-raw '{quoted}' http://127.0.0.1:7860/gradio_api/queue/join",
        "  seed 7",
        "  replay: gradio-proto conformance replay queue/join/unknown-fn http://127.0.0.1:7860 --seed 7",
    ]


def test_the_details_of_what_was_not_tried_are_its_reason() -> None:
    result = reported.result(reported.UNKNOWN_ID, Verdict.SKIP, "no reason")
    lines = list(details(reported.NEWEST, result, facts_of(result.case_id, {})))
    assert lines == [f"SKIP {reported.UNKNOWN_ID}", "  no reason"]


def test_a_long_transcript_is_shortened_in_its_middle() -> None:
    long = Transcript([Entry(0.0, 1, "event", str(number)) for number in range(10)])
    shown = [line.split()[-1] for line in transcript_lines(long, 4)]
    assert shown == ["0", "1", "...", "8", "9"]
    assert "... 6 lines ..." in list(transcript_lines(long, 4))[2]
    wide = Transcript([Entry(0.0, 1, "event", "x" * 4000)])
    assert [len(line) for line in transcript_lines(wide)] == [500]
    assert [len(line) for line in transcript_lines(wide, None)] == [4015]
    assert len(list(transcript_lines(long, None))) == len(list(transcript_lines(long, 10))) == 10


def test_a_curl_line_that_would_not_be_faithful_is_not_shown() -> None:
    def line(*entries: Entry) -> str:
        return curl_line(reported.NEWEST, reported.result("x", Verdict.FAIL, said=Transcript([*entries])))

    get = Entry(0.0, 1, "request", "GET /config")
    assert line(get, Entry(0.1, 1, "reply", "200 OK")) == "curl -i -N http://127.0.0.1:7860/config"
    assert line(get, Entry(0.2, 2, "request", "POST /upload", "\ufffd")) == ""
    assert line(Entry(0.0, 1, "request", "GET /a\x1b[31m")) == ""
    assert line(Entry(0.0, 0, "note", "nothing was asked")) == ""


@given(TEXTS)
def test_nothing_that_moves_a_cursor_is_visible(text: str) -> None:
    shown = visible(text)
    assert not [
        letter
        for letter in shown.replace("\n", "")
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or "\u202a" <= letter <= "\u202e"
    ]
    shown.encode()
    if text.isascii() and text.isprintable():
        assert shown == text


# Text.


def console(width: int = 100, **options: Any) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None, _environ={}, **options)


def said_by(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_the_text_ends_with_a_table_and_totals() -> None:
    to = console()
    print_report(reported.NEWEST, to, reported.CASES)
    *_, last = lines = said_by(to).splitlines()
    assert last == ("Gradio 6.31.0 sse_v3: 3 fail, 1 error, 1 warn, 1 info, 1 skip, 4 pass; seed 7, 42.5 s")
    table = [re.split(r"\s*[│┃]\s*", line.strip()) for line in lines if re.search("[│┃]", line)]
    assert table[0][:3] == ["area", "✗ fail", "? error"]
    assert table[1] == ["queue", "1", "", "1", "", "1", "1"]
    assert table[-1] == ["all", "3", "1", "1", "1", "1", "4"]
    heads = [line for line in lines if re.match("(FAIL|ERROR|WARN|INFO|PASS|SKIP) ", line)]
    # The worst stands last, and what the baseline knows does not stand there.
    assert [head.split()[1] for head in heads] == [
        "queue/rank/never-rises",
        "error/shape",
        "file/traversal",
        "queue/join/unknown-fn",
    ]


def test_a_run_without_cases_is_told_as_such() -> None:
    to = console()
    print_report(reported.report("6.31.0"), to, {})
    assert "nothing was tried" in said_by(to)


def test_the_text_tells_what_the_baseline_says() -> None:
    to = console()
    outcome = apply_baseline(
        reported.NEWEST,
        [
            BaselineEntry("queue/join/unknown-fn", "known since 4.0"),
            BaselineEntry("session/apart", "repaired"),
            BaselineEntry("no/such", "renamed"),
        ],
        reported.CASES,
    )
    print_report(reported.NEWEST, to, reported.CASES, outcome)
    text = said_by(to)
    assert "Baseline: 2 new, 1 known, 2 stale" in text
    assert "  new    stream/heartbeat: no heartbeat came within 15 s" in text
    assert "  known  queue/join/unknown-fn: known since 4.0" in text
    assert "  stale  session/apart: the case does not fail any more; take it out of the baseline" in text
    assert "  stale  no/such: there is no such case; take it out of the baseline" in text
    assert "FAIL queue/join/unknown-fn" not in text
    assert "FAIL stream/heartbeat" in text


def test_a_clean_baseline_is_green() -> None:
    to = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard", _environ={})
    print_report(reported.report("6"), to, {}, BaselineOutcome((), (), ()))
    assert "\x1b[32mBaseline: 0 new, 0 known, 0 stale" in said_by(to)


@PATIENT
@given(REPORTS)
def test_a_server_cannot_write_to_the_terminal(report: Report) -> None:
    to = console()
    print_report(report, to, reported.CASES)
    for result in report.results:
        print_result(report, result, to, reported.CASES)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", said_by(to))


def test_markup_is_shown_as_it_is_written() -> None:
    to = Console(file=io.StringIO(), width=300, force_terminal=True, color_system="truecolor", _environ={})
    result = reported.result("a/b", Verdict.WARN, reported.HOSTILE[6] + " :smiley:")
    print_result(reported.NEWEST, result, to, {})
    assert reported.HOSTILE[6] + " :smiley:" in said_by(to)
    assert "\x1b]8" not in said_by(to)


# Progress.


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def go_through(report: Report, to: Console) -> tuple[Progress, list[float]]:
    clock = Clock()
    left: list[float] = []
    with Progress(to, list(reported.CASES.values()), clock) as progress:
        for result in report.results:
            case = reported.CASES.get(result.case_id)
            if case is None:
                continue
            progress.began(case)
            progress.said(Entry(0.0, 1, "request", "GET /"))
            clock.now += case.seconds + 2.0
            progress.ended(result)
            left.append(progress.left())
    return progress, left


def test_progress_on_no_terminal_is_a_line_for_each_failure() -> None:
    to = console()
    progress, _ = go_through(reported.NEWEST, to)
    assert (progress.failures, progress.warnings) == (4, 1)
    assert said_by(to).splitlines() == [
        "✗ queue/join/unknown-fn: the answer is 500, not 4xx",
        "✗ stream/heartbeat: no heartbeat came within 15 s",
        '✗ file/traversal: "><img src=x onerror=alert(1)>',
        "? error/shape: ZeroDivisionError: division by zero",
    ]


def test_the_time_left_is_what_cases_wait_and_what_they_take_besides() -> None:
    assert Progress(console(), list(reported.CASES.values())).left() == 16.0
    _, left = go_through(reported.NEWEST, console())
    # Two seconds each besides the one that waits for 16; the one that was skipped says nothing.
    assert left == [34.0, 32.0, 30.0, 28.0, 10.0, 8.0, 6.0, 4.0, 2.0, 0.0]


def test_progress_on_a_terminal_is_live() -> None:
    to = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None, _environ={})
    go_through(reported.NEWEST, to)
    text = said_by(to)
    assert "10/10" in text
    assert "4 failed, 1 warned" in text
    assert "0:00 left" in text
    assert "error/shape" in text
    assert "✗ queue/join/unknown-fn: the answer is 500, not 4xx" in text


# NDJSON.


@PATIENT
@given(st.lists(REPORTS, min_size=1, max_size=3))
def test_ndjson_gives_back_what_was_written(reports: list[Report]) -> None:
    text = written("ndjson", *reports)
    assert text.isascii()
    assert ndjson.read(io.StringIO(text)) == reports
    assert written("ndjson", *ndjson.read(io.StringIO(text))) == text


def test_several_runs_are_read_from_one_file() -> None:
    assert ndjson.read(written("ndjson", *reported.ALL).splitlines()) == reported.ALL


def test_ndjson_is_one_line_for_the_run_and_one_for_each_result() -> None:
    run, *results = map(json.loads, written("ndjson", reported.OLDER).splitlines())
    assert (run["record"], run["format"], run["version"], run["seed"]) == ("run", 1, "4.44.1", 7)
    assert [record["case"] for record in results] == [result.case_id for result in reported.OLDER.results]
    full = next(record for record in results if record["case"] == "queue/full")
    assert full["verdict"] == "fail"
    assert full["requirement"] == "A full queue MUST be told at once."
    assert (full["level"], full["severity"], full["link"]) == ("MUST", "major", "queue.md#what-must")
    assert len(full["transcript"]) == 8


def test_ndjson_passes_over_empty_lines_and_later_kinds_of_records() -> None:
    lines = written("ndjson", reported.OLDER).splitlines()
    lines[1:1] = ["", '{"record": "weather", "sunny": true}']
    assert ndjson.read(lines) == [reported.OLDER]


RUN_LINE = written("ndjson", reported.report("6"))
RESULT_LINE, FAILED_LINE = written("ndjson", reported.NEWEST).splitlines()[1:3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no run in it"),
        ("not JSON", "line 1 is not of a report"),
        ("[]", "line 1 is not of a report"),
        ("{}", "line 1 is not of a report"),
        (
            RUN_LINE.replace('"format": 1', '"format": 2'),
            "line 1 is of a form that this version does not read",
        ),
        (RUN_LINE.replace('"seed"', '"seat"'), "line 1 is not of a report: there is no 'seed'"),
        (RUN_LINE.replace('"extra": {}', '"extra": 3'), "line 1 is not of a report"),
        (
            RUN_LINE.replace('"seed": 7', '"seed": "7"'),
            "line 1 is not of a report: '7' is of another type",
        ),
        (RUN_LINE + RESULT_LINE.replace('"seconds": 0.25', '"seconds": null'), "line 2 is not of a report"),
        (RUN_LINE + FAILED_LINE.replace('"at": 0.0,', '"at": "soon",'), "line 2 is not of a report"),
        (
            RUN_LINE + FAILED_LINE.replace('"connection": 1,', '"connection": {},'),
            "line 2 is not of a report",
        ),
        (RUN_LINE + FAILED_LINE.replace('"[redacted]"', "3"), "line 2 is not of a report"),
        ("[" * 100_000, "line 1 is not of a report"),
        (RESULT_LINE, "line 1 is a result, and no run came before it"),
        (RUN_LINE + "\n" + RESULT_LINE.replace('"pass"', '"passed"'), "line 3 is not of a report"),
    ],
)
def test_what_is_no_ndjson_report(text: str, message: str) -> None:
    with pytest.raises(ndjson.UnreadableReport, match=re.escape(message)):
        ndjson.read(text.splitlines())


# JUnit.


@PATIENT
@given(REPORTS)
def test_junit_is_xml_whatever_a_server_says(report: Report) -> None:
    suite = ET.fromstring(written("junit", report))[0]
    assert len(suite.findall("testcase")) == len(report.results) == int(suite.attrib["tests"])


def test_junit_as_ci_systems_read_it() -> None:
    root = ET.fromstring(written("junit", *reported.ALL))
    assert [suite.attrib["name"] for suite in root] == [
        f"Gradio {version} at http://127.0.0.1:7860" for version in ("6.31.0", "4.44.1", "3.50.2")
    ]
    newest = root[0]
    counts = {name: int(newest.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 11, "failures": 2, "errors": 1, "skipped": 2}
    assert (newest.attrib["time"], newest.attrib["timestamp"]) == ("42.500", "2026-01-02T03:04:05+00:00")
    assert newest.findtext("properties/property[@name='seed']") == ""
    found = {case.attrib["name"]: case for case in newest.iter("testcase")}
    children = {name: [child.tag for child in case] for name, case in found.items()}
    assert children == {
        "queue/join/event-id": [],
        "queue/join/unknown-fn": ["failure"],
        "queue/rank/never-rises": ["system-out"],
        "queue/full": ["skipped"],
        "stream/heartbeat": ["skipped"],
        "stream/close/last": [],
        "session/apart": [],
        "file/traversal": ["failure"],
        "file/range": ["system-out"],
        "error/shape": ["error"],
        reported.UNKNOWN_ID: [],
    }
    failed = found["queue/join/unknown-fn"]
    assert (failed.attrib["classname"], failed.attrib["time"]) == ("queue", "0.250")
    assert failed[0].attrib == {"message": "the answer is 500, not 4xx", "type": "MUST"}
    assert "> POST /gradio_api/queue/join" in str(failed[0].text)
    assert found["stream/heartbeat"][0].attrib["message"] == "known: the app is behind a proxy that eats them"
    for number in ("failures", "errors", "skipped"):
        tag = {"failures": "failure", "errors": "error", "skipped": "skipped"}[number]
        assert len(list(newest.iter(tag))) == counts[number]


# Markdown.


def inline_texts(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the content of every piece of a document, as GitHub's parser would take it apart."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in parser.parse(text):
        if token.type in ("fence", "html_block", "code_block"):
            yield token.type, token.content
        for child in token.children or ():
            yield child.type, child.content


TAGS = re.compile(r"</?(?:details|summary|code)>")


@PATIENT
@given(REPORTS)
def test_a_server_cannot_write_markdown(report: Report) -> None:
    """What it says stands in code, or escaped in a heading; there is no link, image or tag but ours."""
    for reports in ([report], [report, reported.NEWEST]):
        for kind, content in inline_texts(written("md", *reports)):
            assert kind in ("text", "code_inline", "fence", "html_block", "softbreak"), content
            if kind == "html_block":
                assert "<" not in TAGS.sub("", content)
            elif kind == "text":
                assert "@" not in content
                assert "http" not in content


@given(TEXTS)
def test_code_in_markdown_is_what_it_was(text: str) -> None:
    (found,) = [content for kind, content in inline_texts(markdown.code(text)) if kind == "code_inline"]
    assert found == (one_line(text) or " ")
    table = f"| a | b |\n|---|---|\n| {markdown.code_in_table(text)} | x |\n"
    cells = [content for kind, content in inline_texts(table) if kind in ("code_inline", "text")]
    assert cells == ["a", "b", found, "x"]


def test_markdown_of_one_server() -> None:
    text = written("md", reported.NEWEST)
    assert (
        "| ` Gradio 6.31.0 ` | ` sse_v3 ` | ` http://127.0.0.1:7860 ` | 7 | 3 | 1 | 1 | 1 | 1 | 4 |" in text
    )
    assert "| ` queue ` | 1 |  | 1 |  | 1 | 1 |" in text
    assert "<details><summary>✗ <code>queue/join/unknown-fn</code> MUST major</summary>" in text
    assert "<details><summary>✗ <code>stream/heartbeat</code> MUST major (known)</summary>" in text
    assert "Known: ` the app is behind a proxy that eats them `" in text
    assert text.count("<details>") == text.count("</details>") == 5


def test_markdown_of_several_servers_is_a_matrix_of_what_does_not_hold_everywhere() -> None:
    text = written("md", *reported.ALL)
    assert "| case | ` Gradio 6.31.0 ` | ` Gradio 4.44.1 ` | ` Gradio 3.50.2 ` |" in text
    assert "| ` session/apart ` | ✅ | ❌ | ✅ |" in text
    assert "| ` stream/close/last ` | ✅ |  |  |" in text
    assert "### What ` Gradio 3.50.2 ` does" in text
    alike = reported.report("6", reported.result("a/b", Verdict.PASS))
    text = written("md", alike, alike)
    assert "1 cases hold on every server." in text
    assert "| case |" not in text


# HTML. What a browser makes of it is seen in test_conformance_browser.py.


class Parsed(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


OWN_ELEMENTS = {
    "html", "head", "meta", "title", "style", "script", "body", "header", "main", "section", "article", "div", "h1",
    "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd", "form", "fieldset", "legend", "label", "input", "select",
    "option", "button", "output", "table", "caption", "thead", "tbody", "tr", "th", "td", "a", "b", "i", "span",
    "small", "code", "pre", "blockquote", "details", "summary", "wbr",
}  # fmt: skip


@PATIENT
@given(st.lists(REPORTS, min_size=1, max_size=2))
def test_a_server_cannot_write_html(reports: list[Report]) -> None:
    text = written("html", *reports)
    text.encode()
    parsed = Parsed(text)
    assert {tag for tag, _ in parsed.elements} <= OWN_ELEMENTS
    assert [tag for tag, _ in parsed.elements if tag in ("script", "style")] == ["style", "script"]
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert str(attributes.get("href", "#")).startswith("#")


def test_html_holds_what_a_server_said() -> None:
    shown = "".join(Parsed(written("html", reported.NEWEST)).text)
    for text in reported.HOSTILE:
        assert visible(text) in shown


def test_html_forbids_every_request() -> None:
    (policy,) = [
        attributes["content"]
        for tag, attributes in Parsed(written("html", *reported.ALL)).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")


def test_html_links_the_specification_where_it_is_said_to_be() -> None:
    page = html.page(reported.ALL, reported.CASES, "https://example.org/spec/")
    assert 'href="https://example.org/spec/queue.md#what-must"' in page
    assert "spec/queue.md#what-must" in written("html", *reported.ALL)


def test_an_element_escapes_all_but_elements() -> None:
    made = element("p", "<b>&", element("br"), class_='"x"', data_a="'", hidden=True, id=False)
    assert made == '<p class="&quot;x&quot;" data-a="&#x27;" hidden>&lt;b&gt;&amp;<br></p>'


def test_code_in_a_sentence_is_shown_as_code() -> None:
    assert prose("a `b` and ``c`` <") == "a <code>b</code> and <code>c</code> &lt;"
    assert prose("one ` <") == "one ` &lt;"
    assert path("a/b<") == "<code>a/<wbr>b&lt;</code>"


def marks(text: str) -> list[str]:
    return [
        str(attributes["class"])
        for tag, attributes in Parsed(text).elements
        if tag == "span" and str(attributes.get("class")).startswith("mark")
    ]


def test_a_timeline_has_a_lane_for_each_connection_and_shows_waits() -> None:
    drawn = drawing.timeline(reported.HEARTBEAT)
    assert marks(drawn) == [
        "mark request",
        "mark reply",
        "mark request",
        "mark open",
        "mark event",
        "mark event",
        "mark closed",
        "mark note violation",
    ]
    shown = Parsed(drawn).text
    assert [text for text in shown if text in ("#1", "#2", "notes")] == ["#1", "#2", "notes"]
    assert "30.0 s" in shown
    assert marks(drawing.timeline(reported.REFUSED))[1] == "mark reply refused"


def test_a_message_is_drawn_by_its_name() -> None:
    said = Transcript([Entry(0.0, 1, "event", '{"msg": "log", "log": "x"}'), Entry(0.0, 1, "event", "[1]")])
    shown = Parsed(drawing.timeline(said)).text
    assert " log" in shown
    assert " [1]" in shown


def test_a_long_exchange_is_drawn_in_part_and_told_in_full() -> None:
    long = Transcript([Entry(0.001 * number, 1, "event", str(number)) for number in range(200)])
    drawn = drawing.timeline(long)
    assert len(marks(drawn)) == drawing.MARKS
    assert f"{200 - drawing.MARKS} more" in Parsed(drawn).text
    assert drawing.exchange_table(long).count("<tr") == 201
