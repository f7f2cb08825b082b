"""The strategies for messages, and for whole streams of them: what the specification's schemas and the library say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from scripted import Begun, a_job

from gradio_proto.app_errors import app_error
from gradio_proto.config import parse_version
from gradio_proto.conformance.schemas import has_schema, violations
from gradio_proto.conformance.strategies import (
    VERSIONS,
    MessageStream,
    StreamedJob,
    WireMessage,
    chunkings,
    event_streams,
    message_kinds,
    message_streams,
    messages,
)
from gradio_proto.conformance.strategies.messages import wire_message
from gradio_proto.errors import GradioError
from gradio_proto.events import Cancelled, Completed, Failed
from gradio_proto.limits import Limits
from gradio_proto.messages import Heartbeat, Message, ProcessCompleted, parse_message
from gradio_proto.session import Session, StreamState
from gradio_proto.sse import ServerSentEvent, SSEDecoder
from gradio_proto.testing.generations import PROTOCOLS, Generation

MANY = settings(max_examples=5_000, database=None, derandomize=True, phases=[Phase.generate])
"""To see that something is drawn at all."""

KINDS = [(version, kind) for version in VERSIONS for kind in message_kinds(version)]


# Single messages.


@pytest.mark.parametrize(("version", "kind"), KINDS)
def test_messages_are_valid_and_of_their_type(version: str, kind: str) -> None:
    number = parse_version(version)
    assert has_schema(f"messages/{kind}", number)

    @settings(max_examples=8, deadline=None)
    @given(messages(version, kind))
    def valid(message: WireMessage) -> None:
        assert json.loads(message.text) == message.value
        assert violations(f"messages/{kind}", message.value, number) == []
        assert message.msg == kind
        parsed = parse_message(message.text, Limits())
        assert type(parsed).__name__ == "".join(map(str.capitalize, kind.split("_")))

    valid()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_that_has_a_schema_is_drawn(version: str) -> None:
    kinds = set(message_kinds(version))
    every = {kind for _, kind in KINDS}
    assert {kind for kind in every if has_schema(f"messages/{kind}", parse_version(version))} == kinds
    seen: set[str] = set()

    @settings(max_examples=150, database=None, derandomize=True, deadline=None)
    @given(messages(version))
    def note(message: WireMessage) -> None:
        seen.add(message.msg)

    note()
    assert seen == kinds


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("3.36.1", '{"msg":"log","log":"\\u00e9","level":"info"}'),
        ("3.50.2", '{"msg":"log","log":"é","level":"info"}'),
        ("4.21.0", '{"msg": "log", "event_id": "e", "log": "\\u00e9", "level": "info"}'),
        ("4.44.1", '{"msg":"log","event_id":"e","log":"é","level":"info","duration":null}'),
    ],
)
def test_each_version_writes_json_its_own_way(version: str, text: str) -> None:
    fields = {"msg": "log", "event_id": "e", "log": "é", "level": "info", "duration": None, "title": "x"}
    message = wire_message(Generation(version), fields)
    assert message.text == text
    assert message.value == json.loads(text)


@pytest.mark.parametrize(
    ("version", "kind", "is_such"),
    [
        ("6.31.0", "process_completed", lambda value: value["output"] == {}),
        ("6.31.0", "process_completed", lambda value: value["output"].get("render_config")),
        ("4.0.2", "process_completed", lambda value: value["output"] == {"error": None}),
        ("3.36.1", "process_completed", lambda value: value["output"].get("data") == []),
        ("6.31.0", "log", lambda value: value["level"] == "error"),
        ("5.49.1", "log", lambda value: value["level"] == "success"),
        ("6.31.0", "log", lambda value: value["duration"] is None),
        ("6.31.0", "progress", lambda value: isinstance(value["progress_data"][0]["index"], float)),
        ("5.49.1", "unexpected_error", lambda value: value["session_not_found"]),
        ("4.44.1", "unexpected_error", lambda value: value["message"].startswith("'")),
        ("4.13.0", "unexpected_error", lambda value: value["message"] == "Server stopped unexpectedly."),
        ("6.31.0", "process_streaming", lambda value: value["output"]["data"] and value["time_limit"]),
    ],
)
def test_messages_have_what_servers_send(version: str, kind: str, is_such: Callable[[Any], bool]) -> None:
    find(messages(version, kind), lambda message: bool(is_such(message.value)), settings=MANY)


def test_there_is_no_such_message() -> None:
    with pytest.raises(ValueError, match="no message 'close_stream'; there are send_hash, "):
        messages("3.50.2", "close_stream")
    with pytest.raises(ValueError, match="no recorded version '2"):
        messages("2.0")


# Whole streams.


def began(stream: MessageStream) -> dict[str, Begun]:
    """The client's side of each job."""
    diffs = PROTOCOLS[stream.version] in ("sse_v2", "sse_v2.1", "sse_v3")
    number = parse_version(stream.version)
    return {
        job.event_id: a_job(diffs=diffs, convert=list, version_info=number, is_generator=bool(job.values))
        for job in stream.jobs
    }


def check(job: StreamedJob, begun: Begun, last: Message, version: str) -> None:
    """That a job came out as the stream said."""
    assert begun.endings == 1
    outcome = begun.job.outcome
    if job.outcome == "completed":
        assert isinstance(outcome, Completed)
        assert outcome.value == job.result
    elif job.outcome == "cancelled":
        assert isinstance(outcome, Cancelled)
        assert outcome.by_server
    else:
        assert job.outcome == "failed"
        assert isinstance(outcome, Failed)
        assert isinstance(last, ProcessCompleted)
        assert last.output["error"] == job.error
        with pytest.raises(GradioError) as caught:
            begun.job.result()
        assert caught.value.args == app_error(last, parse_version(version)).args
    assert begun.outputs == [*job.values]


SHARED = [version for version in VERSIONS if PROTOCOLS[version] not in ("ws", "sse")]
APART = [version for version in VERSIONS if version not in SHARED]


def kinds_of(stream: MessageStream, name: str) -> list[str]:
    return [message.msg for to, message in stream.messages if to == name]


def check_order(stream: MessageStream) -> None:
    """That each message is one of its version, and stands where it may."""
    number = parse_version(stream.version)
    assert 1 <= len(stream.jobs) <= 4
    for _, message in stream.messages:
        assert violations(f"messages/{message.msg}", message.value, number) == []
    for job in stream.jobs:
        said = kinds_of(stream, job.event_id)
        ends = {"process_completed", "queue_full"} & set(said)
        assert len(ends) == 1
        assert said[-1] in ends
        assert Counter(said)[said[-1]] == 1
        order = [kind for kind in said if kind not in ("heartbeat", "send_hash", "send_data")]
        waiting = [kind == "estimation" for kind in order]
        assert waiting == sorted(waiting, reverse=True)
        assert "process_starts" not in order or order.index("process_starts") == sum(waiting)
        assert said.count("heartbeat") <= 1
        ranks = [
            message.value["rank"]
            for to, message in stream.messages
            if to == job.event_id and message.msg == "estimation"
        ]
        assert ranks == sorted(ranks, reverse=True)
    kinds = [message.msg for _, message in stream.messages]
    if "close_stream" in message_kinds(stream.version):
        assert kinds.index("close_stream") == len(kinds) - 1
    else:
        assert "close_stream" not in kinds
    # A heartbeat is about the stream, but where each job has its own.
    beats = {to is None for to, message in stream.messages if message.msg == "heartbeat"}
    assert beats <= {stream.version in SHARED}


@pytest.mark.parametrize("version", SHARED)
def test_a_session_that_hears_a_stream(version: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(st.data(), message_streams(version))
    def hear(data: st.DataObject, stream: MessageStream) -> None:
        check_order(stream)
        session = Session("s", Limits())
        jobs = began(stream)
        for begun in jobs.values():
            session.join_sent(begun.job)
        # A reply may come after the first messages of its job.
        late = data.draw(st.sets(st.sampled_from([*jobs])))
        session.stream_requested()
        session.stream_opened()
        for name in jobs.keys() - late:
            session.join_accepted(jobs[name].job, name)
        last: dict[str | None, Message] = {}
        for name, message in stream.messages:
            last[name] = parsed = parse_message(message.text, Limits())
            assert parsed.event_id == name
            assert session.stream is StreamState.OPEN
            session.receive(parsed, message.text)
        session.stream_ended()
        for name in late:
            session.join_accepted(jobs[name].job, name)
        assert session.dropped == 0
        assert not session.jobs
        for job in stream.jobs:
            check(job, jobs[job.event_id], last[job.event_id], version)

    hear()


@pytest.mark.parametrize("version", APART)
def test_jobs_that_have_connections_of_their_own(version: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(message_streams(version))
    def hear(stream: MessageStream) -> None:
        check_order(stream)
        jobs = began(stream)
        sessions = {name: Session("s", Limits()) for name in jobs}
        for name, begun in jobs.items():
            sessions[name].join_sent(begun.job)
            sessions[name].join_accepted(begun.job, "")
        last: dict[str | None, Message] = {}
        for name, message in stream.messages:
            assert name is not None
            last[name] = parsed = parse_message(message.text, Limits())
            if not isinstance(parsed, Heartbeat):
                sessions[name].hear(jobs[name].job, parsed, message.text)
        for job in stream.jobs:
            if job.outcome == "refused":
                assert type(last[job.event_id]).__name__ == "QueueFull"
                assert jobs[job.event_id].endings == 0
            else:
                check(job, jobs[job.event_id], last[job.event_id], version)

    hear()


@pytest.mark.parametrize(
    ("version", "is_such"),
    [
        ("6.31.0", lambda stream: any(job.outcome == "cancelled" and job.values for job in stream.jobs)),
        ("6.31.0", lambda stream: "process_streaming" in {message.msg for _, message in stream.messages}),
        ("6.31.0", lambda stream: kinds_of(stream, stream.jobs[0].event_id) == ["process_completed"]),
        ("4.44.1", lambda stream: any(job.outcome == "failed" and job.error is None for job in stream.jobs)),
        ("4.44.1", lambda stream: any(job.result == [None] and not job.values for job in stream.jobs)),
        ("4.19.1", lambda stream: any(len(job.values) > 2 for job in stream.jobs)),
        ("4.13.0", lambda stream: any(message.msg == "heartbeat" for _, message in stream.messages)),
        ("4.0.2", lambda stream: any(message.msg == "heartbeat" for _, message in stream.messages)),
        ("4.0.2", lambda stream: stream.jobs[0].outcome == "refused"),
        ("3.50.2", lambda stream: len({to for to, _ in stream.messages[:2]}) == 2),
    ],
)
def test_streams_have_what_servers_do(version: str, is_such: Callable[[MessageStream], bool]) -> None:
    find(message_streams(version), is_such, settings=MANY)


def test_so_many_jobs() -> None:
    stream = find(
        message_streams("6.31.0", jobs=6), lambda stream: True, settings=settings(MANY, max_examples=1)
    )
    assert len({job.event_id for job in stream.jobs}) == 6
    with pytest.raises(ValueError, match="one job at least"):
        message_streams("6.31.0", jobs=0)
    with pytest.raises(ValueError, match="no recorded version"):
        message_streams("1.0")


@settings(max_examples=12, deadline=None)
@given(st.data(), message_streams("5.49.1"))
def test_from_a_stream_to_bytes_and_back(data: st.DataObject, stream: MessageStream) -> None:
    texts = [message.text for _, message in stream.messages]
    decoder = SSEDecoder(Limits())
    decoded: list[str] = []
    for piece in (*data.draw(chunkings(data.draw(event_streams(texts)))), b""):
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            decoded.append(event.data)
    assert decoded == texts
