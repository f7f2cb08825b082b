"""``gradio_proto.conformance.judging``: what is right for every job, judged on made-up messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gradio_proto.conformance import judging, target
from gradio_proto.conformance.model import Violation
from gradio_proto.conformance.session import Heard, Job, Session
from gradio_proto.conformance.wire import LIMITS
from gradio_proto.messages import parse_message
from gradio_proto.sse import ServerSentEvent

if TYPE_CHECKING:
    from gradio_proto.conformance.tester import Tester  # whose name pytest would take for that of tests

OUTPUT = {"is_generating": False, "duration": 0.1, "average_duration": 0.1}


@pytest.fixture(scope="module")
def tester() -> Iterator[Tester]:
    with target.embedded("6.31.0") as server:
        tester = server.open()
        yield tester
        tester.wire.close()


@pytest.fixture(scope="module")
def old_tester() -> Iterator[Tester]:
    with target.embedded("4.13.0") as server:
        tester = server.open()
        yield tester
        tester.wire.close()


class Told:
    """A session that has joined one job, and is told messages."""

    def __init__(self, tester: Tester, role: str = "count") -> None:
        self.session = tester.session()
        # A stream to hear them on, which says nothing itself: the session is not known to the server.
        self.stream = self.session.listen()
        tester.wire.wait(lambda: not self.stream.is_open, 5)
        self.session.heard.clear()
        self.session.wrong.clear()
        self.job = self.session.adopt(tester.endpoint(role), [3], "e1")

    def tell(self, msg: str, **more: Any) -> None:
        value = {"msg": msg, "event_id": "e1", **more}
        self.tell_text(json.dumps(value))

    def tell_text(self, text: str) -> None:
        value = json.loads(text)
        heard = Heard(0.0, parse_message(text, LIMITS), value, text, self.stream)
        self.session.heard.append(heard)
        if value.get("event_id") == "e1":
            self.job.heard.append(heard)
        elif value.get("event_id"):
            self.session.strays.append(heard)

    def yields(self, *data: Any) -> None:
        self.tell("process_generating", output={**OUTPUT, "data": list(data)}, success=True)

    def ends(self, *data: Any, success: bool = True) -> None:
        self.tell("process_completed", output={**OUTPUT, "data": list(data)}, success=success)


def estimation(told: Told, rank: int | None) -> None:
    told.tell("estimation", rank=rank, queue_size=3, rank_eta=None)


def judged(judgement: Callable[[Any], Any], subject: Job | Session) -> str:
    """The id of the requirement that is broken, and what was said; empty if none is."""
    try:
        judgement(subject)
    except Violation as violation:
        return str(violation)
    return ""


def test_a_job_as_it_should_be(tester: Tester) -> None:
    told = Told(tester)
    estimation(told, 1)
    estimation(told, 0)
    told.tell("process_starts", eta=None)
    told.yields(0)
    told.yields([["replace", [], 1]])
    told.ends(1)
    for judgement in (
        judging.judge_one_end,
        judging.judge_order,
        judging.judge_starts,
        judging.judge_ranks,
        judging.judge_progress,
        judging.judge_positions,
        judging.judge_values,
    ):
        assert not judged(judgement, told.job)
    for judgement_of_all in (judging.judge_forms, judging.judge_ids, judging.judge_strangers):
        assert not judged(judgement_of_all, told.session)


def test_a_real_session_is_right(tester: Tester) -> None:
    session = tester.session()
    for role, argument in (("count", 3), ("stream", "a b"), ("fail", "x"), ("progress", 1)):
        session.submit(tester.endpoint(role), argument)
    session.wait()
    judging.judge_session(session)


def test_two_ends(tester: Tester) -> None:
    told = Told(tester)
    told.ends(0)
    told.ends(0)
    assert judged(judging.judge_one_end, told.job).startswith("[message/order/one-end]")


@pytest.mark.parametrize(
    "kinds",
    [
        ("process_starts", "estimation"),
        ("process_starts", "log", "process_starts"),
        ("process_completed", "process_starts"),
        ("process_completed", "log"),
    ],
)
def test_a_wrong_order(kinds: tuple[str, ...], tester: Tester) -> None:
    told = Told(tester)
    bodies: dict[str, dict[str, Any]] = {
        "estimation": {"rank": 0, "queue_size": 1, "rank_eta": None},
        "process_starts": {"eta": None},
        "log": {"log": "x", "level": "info"},
        "process_completed": {"output": {**OUTPUT, "data": [0]}, "success": True},
    }
    for kind in kinds:
        told.tell(kind, **bodies[kind])
    found = judged(judging.judge_order, told.job)
    assert found.startswith("[message/order]")
    assert f"{kinds[-1]} of the job" in found


def test_data_that_are_asked_for_twice(tester: Tester) -> None:
    told = Told(tester)
    told.tell("send_data")
    told.tell("send_data")
    assert judged(judging.judge_order, told.job).startswith("[message/order] send_data")


def test_what_starts_nothing(tester: Tester) -> None:
    told = Told(tester)
    told.tell("log", log="x", level="info")
    assert judged(judging.judge_starts, told.job).startswith("[message/process-starts/once]")
    completed = Told(tester)
    completed.ends(0)
    assert judged(judging.judge_starts, completed.job).startswith("[message/process-starts/once]")
    cancelled = Told(tester)
    cancelled.tell("process_completed", output={}, success=True)
    assert not judged(judging.judge_starts, cancelled.job), "a job that was cancelled while it waited"
    cached = Told(tester)
    cached.tell("process_completed", output={**OUTPUT, "data": [0]}, success=True, used_cache="full")
    assert not judged(judging.judge_starts, cached.job)


def test_two_starts(tester: Tester) -> None:
    told = Told(tester)
    told.tell("process_starts", eta=None)
    told.tell("process_starts", eta=None)
    assert "started 2 times" in judged(judging.judge_starts, told.job)


def test_a_rank_that_rises(tester: Tester) -> None:
    told = Told(tester)
    for rank in (2, None, 1, 2):
        estimation(told, rank)
    found = judged(judging.judge_ranks, told.job)
    assert found.startswith("[message/estimation/rank]")
    assert "from 1 to 2" in found


@pytest.mark.parametrize(
    "bar",
    [
        {"index": 1, "length": 2, "progress": 0.5},
        {"index": None, "length": None, "progress": None},
        {"index": None, "length": None, "progress": 1.5},
    ],
)
def test_a_progress_bar_that_is_none(bar: dict[str, Any], tester: Tester) -> None:
    told = Told(tester)
    told.tell("progress", progress_data=[{"unit": "steps", "desc": None, **bar}])
    assert judged(judging.judge_progress, told.job).startswith("[message/progress/either]")


def test_values_without_outputs(tester: Tester) -> None:
    told = Told(tester)
    told.ends(0, 1)
    assert judged(judging.judge_positions, told.job).startswith("[value/positions]")


@pytest.mark.parametrize(
    ("difference", "broken"),
    [
        (1, "[value/streamed/differences]"),
        (["replace", [], 1], "[value/streamed/differences]"),
        ([["swap", [], 1]], "[value/diff/actions]"),
        ([["replace", [True], 1]], "[value/diff/actions]"),
        ([["append", [], "x"]], "[value/diff/replays]"),
        ([["replace", ["a"], 1]], "[value/diff/replays]"),
        ([["replace", [], 2]], "[value/streamed/last]"),
        ([], "[value/streamed/last]"),
    ],
)
def test_a_difference_that_is_wrong(difference: Any, broken: str, tester: Tester) -> None:
    told = Told(tester)
    told.yields(0)
    told.yields(difference)
    told.ends(1)
    assert judged(judging.judge_values, told.job).startswith(broken)


def test_whole_values_are_not_taken_for_differences(old_tester: Tester) -> None:
    told = Told(old_tester)
    told.yields(0)
    told.yields([["swap", [], 1]])
    told.ends([["swap", [], 1]])
    assert judging.judge_values(told.job) == [[0], [[["swap", [], 1]]]]


def test_where_values_differ_is_told(tester: Tester) -> None:
    told = Told(tester)
    told.yields({"path": "a", "url": "/file=a"})
    told.ends({"path": "a", "url": "http://host/file=a"})
    assert judged(judging.judge_values, told.job).endswith('"/file=a" and "http://host/file=a" (at /url)')


def test_the_place_of_a_stream_of_media_is_not_a_value(tester: Tester) -> None:
    told = Told(tester)
    told.yields({"path": "stream/1", "is_stream": True})
    told.ends({"path": "whole.wav", "is_stream": False})
    assert not judged(judging.judge_values, told.job)


def test_a_message_without_a_job(tester: Tester, old_tester: Tester) -> None:
    for each in (tester, old_tester):
        told = Told(each)
        told.tell_text('{"msg": "process_starts", "event_id": null, "eta": null}')
        assert judged(judging.judge_ids, told.session).startswith("[message/event-id]")


def test_somebody_elses_job(tester: Tester) -> None:
    told = Told(tester)
    told.tell_text('{"msg": "process_starts", "event_id": "e2", "eta": null}')
    assert judged(judging.judge_strangers, told.session).startswith("[message/isolation]")


def test_a_message_that_is_not_valid(tester: Tester) -> None:
    told = Told(tester)
    told.tell("process_starts")
    with pytest.raises(Violation, match=r"\[message/fields\] process_starts is not valid: .*eta"):
        judging.judge_schema(told.session.heard, tester.version)


@pytest.mark.parametrize(
    ("event", "broken"),
    [
        ("[]", "[message/msg]"),
        ('{"msg": 1}', "[message/msg]"),
        ("no JSON", "[message/msg]"),
        ('{"msg": "process_starts", "event_id": 1}', "[message/fields]"),
        ('{"msg": "unexpected_error", "message": "no", "success": false}', "[stream/session/long-lived]"),
    ],
)
def test_what_cannot_be_read(event: str, broken: str, tester: Tester) -> None:
    told = Told(tester)
    told.session._take(event, 0.0, told.stream, None)
    assert judged(judging.judge_forms, told.session).startswith(broken)


def close(told: Told) -> None:
    told.tell_text('{"msg": "close_stream", "event_id": null}')


def test_a_stream_that_is_closed_too_early(tester: Tester) -> None:
    told = Told(tester)
    told.tell("process_starts", eta=None)
    close(told)
    with pytest.raises(
        Violation, match=r"\[message/close-stream/last\] close_stream came while the job of /count"
    ):
        judging.judge_close(told.session, told.stream)


def test_what_comes_behind_the_close(tester: Tester) -> None:
    told = Told(tester)
    told.ends(0)
    close(told)
    judging.judge_close(told.session, told.stream)
    told.tell("log", log="x", level="info")
    with pytest.raises(Violation, match=r"\[message/close-stream/last\] log came behind close_stream"):
        judging.judge_close(told.session, told.stream)


def test_a_job_that_joined_while_the_stream_was_closed_is_not_counted(tester: Tester) -> None:
    told = Told(tester)
    told.ends(0)
    close(told)
    told.session.adopt(told.job.endpoint, [3], "e3")
    judging.judge_close(told.session, told.stream)


@pytest.mark.parametrize(
    ("beats", "until", "is_right"),
    [((), 17.0, True), ((), 19.0, False), ((15.0, 30.0), 33.0, True), ((15.0,), 36.0, False)],
)
def test_heartbeats(beats: tuple[float, ...], until: float, is_right: bool, tester: Tester) -> None:
    told = Told(tester)
    told.stream.opened_at = 100.0
    event = ServerSentEvent('{"msg": "heartbeat"}')
    told.stream.events[:] = [(100.0 + at, event) for at in beats]
    if is_right:
        judging.judge_heartbeats(told.stream, 100.0 + until)
    else:
        with pytest.raises(Violation, match=r"\[message/heartbeat/interval\]"):
            judging.judge_heartbeats(told.stream, 100.0 + until)
