"""What real servers of every generation were recorded to say, as recordings: written, read, drawn, and said again."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from played import ADDRESS, ByHand, answer, real_recording
from recorded import operations, versions

from gradio_proto.cli.recording.page import page
from gradio_proto.recording import Exchange, Recording
from gradio_proto.recording.har import from_har, to_har
from gradio_proto.recording.ndjson import lines, read
from gradio_proto.recording.script import cues_of, is_queue_stream, script_of
from gradio_proto.recording.timeline import redacted, timeline_of

ALL = [(version, operation) for version in versions() for operation in operations(version)]


@pytest.fixture(params=ALL, ids="/".join)
def recording(request: pytest.FixtureRequest) -> Recording:
    return real_recording(*request.param)


def test_it_comes_out_as_it_went_in(recording: Recording) -> None:
    assert read(lines(recording)) == recording
    har = json.loads(json.dumps(to_har(recording, version="1")))
    assert from_har(har) == recording


@pytest.mark.parametrize(
    ("version", "operation"), [pair for pair in ALL if pair[0] in ("3.50.2", "4.0.2", "6.31.0")]
)
def test_it_can_be_drawn(version: str, operation: str) -> None:
    recording = real_recording(version, operation)
    timeline = timeline_of(recording)
    assert len(timeline.rows) == len(recording.exchanges)
    assert page(recording).count("<summary>") == len(recording.exchanges)
    assert redacted(redacted(recording)) == redacted(recording)


def test_every_request_has_its_answer(recording: Recording) -> None:
    """Each recorded request once more, in the recorded order: everything but what streams share is said literally."""
    there = ByHand(recording)
    asked: list[tuple[Exchange, int]] = []
    said: Counter[bytes] = Counter()
    for exchange in recording.exchanges:
        if exchange.response is None or exchange.is_websocket:
            continue
        line = there.ask(exchange.method, exchange.target, exchange.body, exchange.headers)
        asked.append((exchange, line))
    assert there.told == []
    for exchange, line in asked:
        assert exchange.response is not None
        status, _, body = answer(exchange.method, there.received(line), is_whole=False)
        assert status == exchange.response.status
        if is_queue_stream(exchange):
            said.update(_messages(body))
        else:
            expected = b"".join(cue.data for cue in cues_of(exchange)) if exchange.method != "HEAD" else b""
            assert body == expected.replace(ADDRESS.encode(), b"http://here:7860")
    joined = {*script_of(recording).jobs}
    streams = [exchange for exchange in recording.exchanges if is_queue_stream(exchange)]
    blocks = [cue.data for exchange in streams for cue in cues_of(exchange) if cue.event_id in joined]
    assert said == Counter(block.replace(ADDRESS.encode(), b"http://here:7860") for block in blocks)


def _messages(body: bytes) -> list[bytes]:
    """The events of a stream that name a job."""
    blocks = re.findall(rb".*?\n\n", body, re.DOTALL)
    return [block for block in blocks if re.search(rb'"event_id": ?"', block)]
