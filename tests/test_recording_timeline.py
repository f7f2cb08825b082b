"""What the timeline says of a recording, and that its page says it to everybody."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import real_recording, recording_of
from test_recording_playback import HASH, exchange, join, message, socket, stream

from gradio_proto.cli.recording.page import SHOWN_CHARACTERS, page, write
from gradio_proto.recording.model import End, Exchange, Frame, Response
from gradio_proto.recording.timeline import JobRow, Timeline, timeline_of

CONFIG = json.dumps(
    {"dependencies": [{"api_name": "greet"}, {"id": 7, "api_name": "count"}, {"api_name": None}, 3]}
)
OUTPUT = {"output": {"data": [1]}, "success": True}


def job_of(timeline: Timeline) -> JobRow:
    (job,) = timeline.jobs
    return job


def test_a_job_is_put_together_from_its_messages() -> None:
    data = stream(
        "/queue/data?session_hash=recorded",
        (1.0, message("estimation", "e1", rank=0, queue_size=1)),
        (1.5, message("heartbeat", None)),
        (2.0, message("process_starts", "e1")),
        (2.5, message("progress", "e1", progress_data=[])),
        (2.6, message("log", "e1", log="a", level="info")),
        (3.0, message("process_generating", "e1", **OUTPUT)),
        (3.5, message("something_new", "e1")),
        (3.6, "data: no JSON\n\n"),
        (3.7, ": a comment\n\n"),
        (4.0, message("process_completed", "e1", **OUTPUT)),
        (5.0, message("close_stream", None)),
    )
    timeline = timeline_of(
        recording_of(exchange("GET", "/config", said=CONFIG), join("recorded", "e1", at=0.5), data)
    )
    job = job_of(timeline)
    assert (job.number, job.label, job.event_id, job.outcome) == (2, "/greet", "e1", "completed")
    assert (job.start, job.started_at, job.end) == (0.5, 2.0, 4.0)
    kinds = [tick.kind for tick in job.ticks]
    assert kinds == ["queued", "started", "progress", "log", "output", "other", "completed"]
    assert [tick.kind for tick in timeline.rows[2].ticks][-2:] == ["completed", "other"]
    assert timeline.seconds == 5.0


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (message("process_completed", "e1", output={"error": "x"}, success=False), "failed"),
        (message("process_completed", "e1", output={}, success=True), "cancelled"),
        (message("process_starts", "e1"), None),
        (message("unexpected_error", None, message="x"), None),
    ],
)
def test_how_a_job_ended(last: dict[str, Any], outcome: str | None) -> None:
    first = message("process_starts", "e1")
    data = stream("/queue/data?session_hash=recorded", (1.0, first), (2.0, last))
    assert job_of(timeline_of(recording_of(join("recorded", "e1"), data))).outcome == outcome


def test_what_ends_all_jobs_ends_each() -> None:
    error, late = message("unexpected_error", None, message="x"), message("process_starts", "e1")
    data = stream("/queue/data?session_hash=recorded", (1.0, error), (2.0, late))
    assert job_of(timeline_of(recording_of(join("recorded", "e1"), data))).outcome == "failed"


def test_jobs_of_the_first_generations() -> None:
    asking = stream(
        "/queue/join?fn_index=7&session_hash=recorded",
        (1.0, message("send_data", "e1")),
        (2.0, message("process_completed", None, **OUTPUT)),
    )
    talking = socket(
        (True, HASH), (False, json.dumps({"msg": "queue_full"})), (False, "close"), (True, "ping")
    )
    timeline = timeline_of(recording_of(exchange("GET", "/config", said=CONFIG), asking, talking))
    first, second = timeline.jobs if timeline.jobs[0].label == "/count" else timeline.jobs[::-1]
    assert (first.label, first.event_id, first.outcome) == ("/count", "e1", "completed")
    assert (second.label, second.event_id, second.outcome) == ("/greet", None, "failed")
    assert [tick.kind for tick in second.ticks] == ["asked", "sent", "failed", "other"]


def test_jobs_of_the_simple_api() -> None:
    posted = exchange("POST", "/call/v2/greet", '{"name":"a"}', said='{"event_id":"e1"}')
    heard = stream("/call/v2/greet/e1", (1.0, "event: complete\ndata: [1]\n\n"), (1.1, "event: odd\n\n"))
    job = job_of(timeline_of(recording_of(posted, heard)))
    assert (job.label, job.outcome) == ("/greet", "completed")
    unheard = job_of(timeline_of(recording_of(posted)))
    assert (unheard.outcome, unheard.ticks) == (None, ())


def test_a_function_may_have_no_name_and_a_call_no_function() -> None:
    def label(body: str, config: str = CONFIG) -> str:
        posted = exchange("POST", "/queue/join", body, said='{"event_id":"e1"}')
        return job_of(timeline_of(recording_of(exchange("GET", "/config", said=config), posted))).label

    assert label('{"fn_index":2}') == "fn_index 2"
    assert label('{"fn_index":"x"}') == "fn_index x"
    assert label("{}") == "/queue/join"
    assert label('{"fn_index":0}', "{}") == "fn_index 0"
    assert label('{"fn_index":0}', '{"dependencies":3}') == "fn_index 0"
    lost = Exchange(0.0, "GET", "/config", ())
    assert timeline_of(recording_of(lost)).rows[0].head_at is None


def test_a_heartbeat_is_alive() -> None:
    beating = stream("/heartbeat/recorded", (1.0, "data: ALIVE\n\n"), how=None)
    (row,) = timeline_of(recording_of(beating)).rows
    assert ([tick.kind for tick in row.ticks], row.end) == (["alive"], 1.0)


# The page.


class Reader(HTMLParser):
    """What a browser would make of it: every text and attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert not any(name.startswith("on") or name in ("src", "srcdoc", "action") for name in found)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert not {"script", "img", "link", "iframe", "form", "base"} & {*reader.tags}
    return reader


def test_the_page_has_everything_and_leads_everywhere(tmp_path: Path) -> None:
    recording = real_recording("6.31.0", "count")
    write(recording, tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text("utf-8")
    assert html == page(recording)
    reader = read(html)
    assert {link.removeprefix("#") for link in reader.links} == {*reader.ids}
    assert "default-src 'none'" in unescape(html)
    for text in (
        "Timeline",
        "Jobs",
        "Exchanges",
        "Details",
        "completed",
        "/gradio_api/queue/join",
        "process_generating",
    ):
        assert text in reader.text


HOSTILE = [
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="http://x">',
    "\x1b[31m\u202e",
]


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3).map("".join))
def test_nothing_that_was_said_becomes_a_part_of_the_page(text: str) -> None:
    said = exchange(
        "POST", "/queue/join", text, said=text, headers=(("content-type", text.replace("\x1b", "")),)
    )
    data = stream("/queue/data?session_hash=recorded", (1.0, message(text, "e1")))
    joined = exchange(
        "POST", f"/{text}", '{"fn_index":"' + text.replace('"', "") + '"}', said='{"event_id":"e1"}'
    )
    reader = read(page(recording_of(said, joined, data)))
    assert all(link.startswith("#x") for link in reader.links)
    assert "\x1b" not in reader.text
    assert "\u202e" not in reader.text


def test_long_things_are_cut_and_counted() -> None:
    long = "x" * (SHOWN_CHARACTERS + 1)
    many = stream(
        "/queue/data?session_hash=s", *((float(n), message("process_starts", "e1")) for n in range(500))
    )
    binary = exchange("GET", "/file=a", said=b"\xff\xfe")
    html = page(recording_of(exchange("GET", "/config", said=long), many, binary, join("s", "e1")))
    reader = read(html)
    assert long not in reader.text
    assert f"... ({len(long)} in all)" in reader.text
    assert "Messages (500)" in reader.text
    assert "300 messages are not shown" in reader.text
    assert "2 bytes that are no text" in reader.text


def test_secrets_of_a_browser_are_not_shown() -> None:
    headers = (("cookie", "access-token=a-cookie-from-a-browser"),)
    asked = Exchange(0.0, "GET", "/x", headers, b"a-cookie-from-a-browser", end=End(0.1, "server left"))
    open_one = Exchange(
        0.0, "GET", "/y", (), response=Response(0.0, 101, "", ()), frames=(Frame(0.0, True, "text", b"x"),)
    )
    unfinished = Exchange(0.0, "POST", "/z", (), b"the beginning: a-cookie-from")
    html = page(recording_of(asked, open_one, unfinished))
    assert "the beginning: a-cookie-from" in html
    assert "a-cookie-from-a-browser" not in html
    assert "no answer, server left" in html
    assert "101, open" in html


def test_an_empty_recording_has_a_page() -> None:
    assert "0 jobs in 0 exchanges" in read(page(recording_of())).text
