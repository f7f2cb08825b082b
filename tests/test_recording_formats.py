"""What is written comes back the same, whatever it is; and what is no recording says why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import ADDRESS, STARTED, recording_of

from gradio_proto.recording.har import from_har, to_har
from gradio_proto.recording.model import (
    FRAME_KINDS,
    HOWS,
    Collector,
    End,
    Exchange,
    Frame,
    Piece,
    Recording,
    RecordingError,
    Response,
    Sent,
)
from gradio_proto.recording.ndjson import first_line, lines, read, read_time, written_time

SCHEMA = Path(__file__).parent.parent / "docs" / "howto" / "recording.schema.json"

TIMES = st.integers(0, 10**10).map(lambda micros: round(micros / 1e6, 6))
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=8)
HEADERS = st.lists(
    st.tuples(WORDS.map(str.lower), st.text(st.characters(max_codepoint=0xFF), max_size=8)), max_size=3
)
DATA = st.one_of(
    st.binary(max_size=12), st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(str.encode)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    clock = draw(TIMES)

    def later() -> float:
        nonlocal clock
        clock = round(clock + draw(st.integers(0, 10**7)) / 1e6, 6)
        return clock

    at, method, target = later(), draw(WORDS), "/" + draw(st.text(st.sampled_from("az09/?&=%#"), max_size=12))
    headers, body, response = tuple(draw(HEADERS)), draw(DATA), None
    if draw(st.booleans()):
        pieces = [Piece(later(), data) for data in draw(st.lists(DATA.filter(len), max_size=3))]
        head_at = at if not pieces else pieces[0].at
        status, reason = (
            draw(st.integers(100, 599)),
            draw(st.text(st.characters(max_codepoint=0xFF), max_size=5)),
        )
        response = Response(head_at, status, reason, tuple(draw(HEADERS)), tuple(pieces))
    frames = []
    for kind in draw(st.lists(st.sampled_from(FRAME_KINDS), max_size=3)):
        data = draw(TEXTS if kind in ("text", "close") else DATA)
        code = draw(st.sampled_from([0, 1000, 4999])) if kind == "close" else 0
        frames.append(Frame(later(), draw(st.booleans()), kind, data, code))
    end = End(later(), draw(st.sampled_from(HOWS))) if draw(st.booleans()) else None
    return Exchange(at, method, target, headers, body, response, tuple(frames), end)


RECORDINGS = st.builds(
    Recording,
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)),
    st.sampled_from([ADDRESS, "http://[::1]:80"]),
    WORDS,
    st.lists(exchanges(), max_size=3).map(tuple),
)


@given(RECORDINGS)
def test_our_own_format_gives_back_what_it_was_given(recording: Recording) -> None:
    written = [*lines(recording)]
    assert read(written) == recording
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))
    for line in written:
        assert line.isascii()
        validator.validate(json.loads(line))


@given(RECORDINGS)
def test_a_har_gives_back_what_it_was_given(recording: Recording) -> None:
    assert from_har(json.loads(json.dumps(to_har(recording, version="1")))) == recording


def test_a_recorder_that_was_killed_loses_nothing_but_the_line_it_was_at() -> None:
    exchange = Exchange(
        0.5, "GET", "/config", (), response=Response(0.6, 200, "OK", (), (Piece(0.7, b"{}"),))
    )
    text = "".join(lines(recording_of(exchange)))
    assert read(text.splitlines(keepends=True)) == recording_of(exchange)
    assert read(text[:-5].splitlines(keepends=True)).exchanges[0].response == Response(0.6, 200, "OK", ())


HEAD = first_line(recording_of())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1"),
        ("{}\n", "no recording"),
        ("[]\n", "line 1 is no object"),
        (HEAD.replace('"version":1', '"version":2'), "format 2"),
        (HEAD.replace("started", "began"), "line 1 lacks a field"),
        (HEAD + "{\n", "line 2"),
        (HEAD + '{"kind":"end","at":0,"exchange":1,"how":"complete"}\n', "line 2: exchange 1 has not begun"),
        (HEAD + '{"kind":"end","at":0,"exchange":1,"how":"well"}\n', "'well' is none of"),
        (HEAD + '{"kind":"end","at":0,"exchange":1}\n', "line 2 lacks a field"),
        (HEAD + '{"kind":"odd","at":0,"exchange":1}\n', "kind 'odd'"),
        (HEAD + '{"kind":"request-body","at":0,"exchange":1,"base64":"?"}\n', "line 2 lacks a field"),
    ],
)
def test_what_is_no_recording_says_why(text: str, why: str) -> None:
    with pytest.raises(RecordingError, match=why):
        read(text.splitlines(keepends=True))


def test_an_exchange_begins_once_and_before_its_answer() -> None:
    collector = Collector()
    with pytest.raises(RecordingError, match="has not begun"):
        collector.add(Sent(0.0, 1, b"x"))
    recording = recording_of(Exchange(0.0, "GET", "/", ()))
    twice = [*lines(recording), [*lines(recording)][1]]
    with pytest.raises(RecordingError, match="begins twice"):
        read(twice)
    headless = [*lines(recording), '{"kind":"response-body","at":1,"exchange":1,"text":"x"}\n']
    with pytest.raises(RecordingError, match="a body before its response"):
        read(headless)


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05.6Z", "2026-01-02T04:04:05.600+01:00", "2026-01-02T03:04:05.6000009"]
)
def test_moments_are_read_as_anybody_writes_them(text: str) -> None:
    assert read_time(text) == datetime(2026, 1, 2, 3, 4, 5, 600000, timezone.utc)


def test_moments_are_written_in_one_way() -> None:
    east = timezone(timedelta(hours=1))
    assert written_time(datetime(2026, 1, 2, 4, 4, 5, tzinfo=east)) == "2026-01-02T03:04:05.000000Z"
    assert read_time("2026-01-02T03:04:05Z") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


# What browsers export.


def entry(url: str, **more: Any) -> dict[str, Any]:
    """An entry as Chrome writes it, cut to what is read."""
    made: dict[str, Any] = {
        "startedDateTime": "2026-01-02T03:04:06.000Z",
        "time": 30,
        "request": {
            "method": "GET",
            "url": url,
            "headers": [{"name": ":authority", "value": "x"}, {"name": "Accept", "value": "*/*"}],
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Connection", "value": "close"},
                {"name": "Content-Encoding", "value": "br"},
                {"name": "Set-Cookie", "value": "a=b\nc=d"},
            ],
            "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
        },
        "timings": {"blocked": -1, "send": 1, "wait": 9, "receive": 20},
    }
    return {**made, **more}


def test_a_har_of_a_browser() -> None:
    image = entry("https://app.example/file=a.png", startedDateTime="2026-01-02T03:04:07Z")
    image["response"]["content"] = {"text": "iVA=", "encoding": "base64"}
    failed = entry("https://app.example/queue/join")
    failed["request"].update(method="POST", postData={"mimeType": "application/json", "text": '{"data":[]}'})
    failed["response"].update(status=0)
    socket = entry("wss://app.example/queue/join?x=1", _resourceType="websocket")
    socket["response"].update(status=101, content={})
    socket["_webSocketMessages"] = [
        {"type": "receive", "time": STARTED.timestamp() + 2, "opcode": 1, "data": '{"msg":"send_hash"}'},
        {"type": "send", "time": STARTED.timestamp() + 3, "opcode": 2, "data": "AAE="},
        {"type": "error", "time": STARTED.timestamp() + 3, "opcode": -1, "data": "Connection lost"},
    ]
    first = entry("https://app.example", startedDateTime="2026-01-02T03:04:05.678901Z", timings={})
    elsewhere = entry("https://fonts.example/a.css")
    found = from_har({"log": {"entries": [elsewhere, image, failed, socket, elsewhere, first]}})
    assert found.address == "https://app.example"
    assert found.started == STARTED
    assert [exchange.target for exchange in found.exchanges] == [
        "/",
        "/queue/join",
        "/queue/join?x=1",
        "/file=a.png",
    ]
    page, join, queue, file = found.exchanges
    headers = (("content-type", "application/json"), ("set-cookie", "a=b"), ("set-cookie", "c=d"))
    assert page.headers == (("accept", "*/*"),)
    assert page.response == Response(0.0, 200, "OK", headers, (Piece(0.0, b"{}"),))
    assert (join.body, join.response, join.end) == (b'{"data":[]}', None, End(0.321099, "server left"))
    assert queue.frames == (
        Frame(2.0, False, "text", b'{"msg":"send_hash"}'),
        Frame(3.0, True, "binary", b"\0\1"),
    )
    assert file.response is not None
    assert file.response.at == 1.331099
    assert file.response.pieces == (Piece(1.351099, b"\x89P"),)
    assert file.end == End(1.351099, "complete")


def test_of_a_browser_without_a_gradio_app_the_busiest_origin_is_taken() -> None:
    found = from_har({"log": {"entries": [entry("http://a/x"), entry("http://b/y"), entry("http://b/z")]}})
    assert found.address == "http://b"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "no HAR"),
        ([], "no HAR"),
        ({"log": {"entries": []}}, "no entries"),
        ({"log": {"entries": [{"request": {"url": "http://x/config"}}]}}, "no HAR"),
        ({"log": {"entries": [entry("http://x/config", _end={"at": 1, "how": "well"})]}}, "no way"),
    ],
)
def test_what_is_no_har_says_why(value: Any, why: str) -> None:
    with pytest.raises(RecordingError, match=why):
        from_har(value)
