"""The machine of one session: its stream's table, whose message is whose, and who is lost when a stream ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Begun, a_job, message

from gradio_proto.effects import Signal
from gradio_proto.errors import (
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
)
from gradio_proto.events import Cancelled, Failed
from gradio_proto.job import JobState
from gradio_proto.limits import Limits
from gradio_proto.session import (
    LONGEST_EVENT_ID,
    REMEMBERED_EVENTS,
    STREAM_TRANSITIONS,
    Baton,
    Session,
    StreamInput,
    StreamState,
    copy_of,
)


class Sessions:
    """A session under test, and its jobs."""

    def __init__(self, limits: Limits | None = None, *, opened: bool = True) -> None:
        self.session = Session("s", limits or Limits())
        if opened:
            self.open()

    def open(self) -> None:
        self.session.stream_requested()
        self.session.stream_opened()

    def joining(self) -> Begun:
        begun = a_job()
        self.session.join_sent(begun.job)
        return begun

    def accepted(self, event_id: str) -> Begun:
        begun = self.joining()
        self.session.join_accepted(begun.job, event_id)
        return begun

    def say(self, msg: str, event_id: str | None = None, **fields: Any) -> None:
        self.session.receive(*message(msg=msg, event_id=event_id, **fields))

    def starts(self, event_id: str | None) -> None:
        self.say("process_starts", event_id, eta=None)

    def yields(self, event_id: str | None, value: str = "y") -> None:
        self.say("process_generating", event_id, output={"data": [value]}, success=True)

    def completes(self, event_id: str | None, value: str = "v") -> None:
        self.say("process_completed", event_id, output={"data": [value]}, success=True)

    def nothing_is_kept(self) -> None:
        session = self.session
        kept = (session.jobs, session.joining, session._heard_on, session._silent_ends, session._spoilt)
        assert not any(kept)
        assert not session._early
        assert session._early_bytes == 0


def failure(begun: Begun) -> GradioError:
    assert begun.endings == 1
    with pytest.raises(GradioError) as caught:
        begun.job.result()
    return caught.value


# The stream's table.

DO = {
    StreamInput.REQUESTED: lambda sessions: sessions.session.stream_requested(),
    StreamInput.OPENED: lambda sessions: sessions.session.stream_opened(),
    StreamInput.CLOSE_STREAM: lambda sessions: sessions.say("close_stream"),
    StreamInput.UNEXPECTED_ERROR: lambda sessions: sessions.say("unexpected_error", message="x"),
    StreamInput.ENDED: lambda sessions: sessions.session.stream_ended(),
}
WAYS = {
    StreamState.CLOSED: [],
    StreamState.OPENING: [StreamInput.REQUESTED],
    StreamState.OPEN: [StreamInput.REQUESTED, StreamInput.OPENED],
    StreamState.ENDING: [StreamInput.REQUESTED, StreamInput.OPENED, StreamInput.CLOSE_STREAM],
    StreamState.BROKEN: [StreamInput.REQUESTED, StreamInput.OPENED, StreamInput.UNEXPECTED_ERROR],
}


@pytest.mark.parametrize("happened", StreamInput)
@pytest.mark.parametrize("state", StreamState)
def test_every_input_in_every_state(state: StreamState, happened: StreamInput) -> None:
    sessions = Sessions(opened=False)
    for step in WAYS[state]:
        DO[step](sessions)
    assert sessions.session.stream is state
    follows = STREAM_TRANSITIONS[state].get(happened)
    if follows is None:
        with pytest.raises(LocalProtocolError, match=f"{state.name} cannot take {happened.name}"):
            DO[happened](sessions)
        assert sessions.session.stream is state
    else:
        DO[happened](sessions)
        assert sessions.session.stream is follows


@given(st.lists(st.sampled_from(list(StreamInput)), max_size=12))
def test_any_inputs_in_any_order(inputs: list[StreamInput]) -> None:
    sessions = Sessions(opened=False)
    for happened in inputs:
        state = sessions.session.stream
        follows = STREAM_TRANSITIONS[state].get(happened)
        try:
            DO[happened](sessions)
        except LocalProtocolError:
            assert follows is None
        assert sessions.session.stream is (follows or state)


def test_the_table_names_every_state() -> None:
    assert set(STREAM_TRANSITIONS) == set(StreamState)
    assert all(
        moves[StreamInput.ENDED] is StreamState.CLOSED
        for state, moves in STREAM_TRANSITIONS.items()
        if state is not StreamState.CLOSED
    )


# Whose message is whose.


def test_messages_go_to_the_job_that_they_name() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    sessions.starts("2")
    assert (one.job.state, two.job.state) == (JobState.QUEUED, JobState.RUNNING)
    sessions.completes("1", "a")
    sessions.say("heartbeat")
    sessions.completes("2", "b")
    assert (one.job.result(), two.job.result()) == ("a", "b")
    assert not sessions.session.wants_stream
    sessions.nothing_is_kept()


def test_early_messages_wait_for_their_join() -> None:
    sessions = Sessions()
    one, two = sessions.joining(), sessions.joining()
    sessions.yields("1", "a")
    sessions.yields("2", "b")
    sessions.completes("1", "c")
    assert one.endings == 0
    sessions.session.join_accepted(one.job, "1")
    assert one.job.result() == "c"
    assert one.outputs == ["a"]
    sessions.session.join_accepted(two.job, "2")
    assert two.outputs == ["b"]
    assert two.endings == 0
    sessions.completes("2")
    sessions.nothing_is_kept()
    assert sessions.session.dropped == 0


def test_early_messages_of_nobody_are_dropped_with_the_last_join() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.yields("9")
    sessions.session.join_accepted(one.job, "1")
    assert sessions.session.dropped == 1
    sessions.yields("9")
    assert sessions.session.dropped == 2
    sessions.completes("1")
    sessions.nothing_is_kept()


def test_early_messages_after_the_end_of_their_job() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.completes("1")
    sessions.starts("1")
    sessions.session.join_accepted(one.job, "1")
    assert one.job.result() == "v"
    assert (one.endings, one.news_after_end) == (1, 0)
    sessions.nothing_is_kept()


def test_late_messages_of_a_settled_job_are_not_kept_as_early_ones() -> None:
    sessions = Sessions()
    sessions.accepted("1")
    sessions.completes("1")
    two = sessions.joining()
    sessions.completes("1")
    assert (sessions.session.dropped, len(sessions.session._early)) == (1, 0)
    sessions.session.join_accepted(two.job, "2")
    assert two.endings == 0


def test_only_so_many_settled_jobs_are_remembered() -> None:
    sessions = Sessions()
    for number in range(REMEMBERED_EVENTS + 5):
        sessions.accepted(str(number))
        sessions.completes(str(number))
    assert len(sessions.session._ended) == REMEMBERED_EVENTS
    assert "4" not in sessions.session._ended


@pytest.mark.parametrize(
    ("limits", "name"),
    [(Limits(orphan_messages=2), "orphan_messages"), (Limits(orphan_bytes=250), "orphan_bytes")],
)
def test_a_job_whose_early_messages_were_too_many_ends(limits: Limits, name: str) -> None:
    # What was dropped may have been its last message: then nothing would ever end it.
    sessions = Sessions(limits)
    one, two, three = sessions.joining(), sessions.joining(), sessions.joining()
    sessions.completes("1")
    sessions.yields("2")
    sessions.completes("2")
    assert sessions.session.dropped == 1
    assert len(sessions.session._early) == 2
    sessions.session.join_accepted(one.job, "1")
    error = failure(one)
    assert isinstance(error, LimitExceeded)
    assert error.name == name
    sessions.yields("3")
    sessions.session.join_accepted(two.job, "2")
    assert two.endings == 1  # its end was kept, or it has failed
    sessions.session.join_accepted(three.job, "3")
    assert three.endings == 0
    sessions.completes("3")
    sessions.nothing_is_kept()


def test_what_was_kept_of_overflowing_messages_may_tell_the_end() -> None:
    sessions = Sessions(Limits(orphan_messages=1))
    one = sessions.joining()
    sessions.yields("1")
    sessions.completes("1")
    sessions.session.join_accepted(one.job, "1")
    assert one.job.result() == "v"


def test_what_is_remembered_of_dropped_messages_is_bounded() -> None:
    sessions = Sessions(Limits(orphan_messages=0))
    one = sessions.joining()
    for number in range(REMEMBERED_EVENTS + 5):
        sessions.starts(str(number))
    sessions.starts("x" * (LONGEST_EVENT_ID + 1))
    assert len(sessions.session._spoilt) == REMEMBERED_EVENTS
    sessions.session.join_failed(one.job, GradioError("no"))
    sessions.nothing_is_kept()


def test_a_malformed_message_ends_the_job_that_it_names() -> None:
    sessions = Sessions()
    one, two, three = sessions.accepted("1"), sessions.accepted("2"), sessions.joining()
    error = RemoteProtocolError("malformed")
    sessions.session.receive_malformed("1", error)
    assert failure(one) is error
    sessions.session.receive_malformed("1", error)
    assert sessions.session.dropped == 1
    sessions.session.receive_malformed("3", error)
    sessions.session.join_accepted(three.job, "3")
    assert failure(three) is error
    sessions.session.receive_malformed("4", error)
    assert sessions.session.dropped == 3
    assert two.endings == 0
    sessions.completes("2")
    sessions.nothing_is_kept()


def test_messages_without_event_id_go_to_every_job() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    sessions.starts(None)
    assert one.job.state is two.job.state is JobState.RUNNING


def test_a_value_without_event_id_is_the_only_jobs() -> None:
    sessions = Sessions()
    one = sessions.accepted("1")
    sessions.yields(None)
    sessions.completes(None)
    assert (one.outputs, one.job.result()) == (["y"], "v")


def test_a_value_without_event_id_and_several_jobs() -> None:
    sessions = Sessions()
    one, two, three = sessions.accepted("1"), sessions.accepted("2"), sessions.joining()
    sessions.yields(None)
    for begun in (one, two):
        error = failure(begun)
        assert isinstance(error, RemoteProtocolError)
        assert "event_id" in str(error)
    assert failure(one) is not failure(two)
    assert (failure(one).event_id, failure(two).event_id) == ("1", "2")
    sessions.session.join_accepted(three.job, "3")  # whose stream goes on
    assert three.endings == 0


# Joins.


def test_two_jobs_of_one_event_id() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.joining()
    sessions.session.join_accepted(two.job, "1")
    assert "same event_id" in str(failure(two))
    sessions.completes("1")
    assert one.job.result() == "v"
    sessions.nothing_is_kept()


def test_an_endless_event_id() -> None:
    sessions = Sessions()
    one = sessions.accepted("x" * (LONGEST_EVENT_ID + 1))
    assert "endless event_id" in str(failure(one))
    sessions.nothing_is_kept()
    assert not sessions.session._ended


def test_a_refused_join() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.yields("1")
    sessions.session.join_failed(one.job, GradioError("full"))
    assert "full" in str(failure(one))
    sessions.nothing_is_kept()


def test_a_join_whose_caller_has_gone() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.session.join_abandoned(one.job)
    assert one.job.outcome == Cancelled(by_server=False)
    sessions.completes("1")
    sessions.nothing_is_kept()


def test_a_job_cancelled_while_it_joined() -> None:
    sessions = Sessions()
    one, two = sessions.joining(), sessions.joining()
    one.job.cancel()
    sessions.starts("1")
    sessions.session.join_accepted(one.job, "1")
    assert one.job.event_id == "1"
    orphan = one.job.orphan
    assert orphan is not None
    assert orphan.is_orphan
    assert (orphan.state, orphan.event_id, orphan.session_hash) == (JobState.RUNNING, "1", "s")
    assert sessions.session.jobs == {"1": orphan}
    sessions.completes("1")
    assert orphan.is_settled
    sessions.session.join_accepted(two.job, "2")
    sessions.completes("2")
    assert (one.endings, two.endings) == (1, 1)
    sessions.nothing_is_kept()


@pytest.mark.parametrize("broken", [False, True])
def test_an_orphan_is_lost_like_any_job(broken: bool) -> None:
    sessions = Sessions()
    one = sessions.joining()
    one.job.cancel()
    if broken:
        sessions.session.stream_ended(ConnectionLost("oops", phase="stream_lost"))
    sessions.session.join_accepted(one.job, "1")
    if not broken:
        sessions.starts("1")
        sessions.session.stream_ended()
    assert one.job.orphan is not None
    assert isinstance(one.job.orphan.outcome, Failed)
    assert one.job.outcome == Cancelled(by_server=False)
    sessions.nothing_is_kept()


def test_a_job_that_is_disowned_in_the_queue() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    one.job.cancel()
    orphan = sessions.session.disown(one.job)
    assert orphan is one.job.orphan
    assert orphan.state is JobState.QUEUED
    sessions.starts("1")
    assert orphan.state is JobState.RUNNING
    sessions.yields("1")
    orphan.cancel()
    sessions.yields("1")
    assert sessions.session.dropped == 1
    sessions.completes("2")
    assert (one.endings, one.news_after_end, two.endings) == (1, 0, 1)
    sessions.nothing_is_kept()


@pytest.mark.parametrize("is_heard", [False, True])
def test_what_the_stream_has_said_of_a_job_it_has_said_of_its_orphan(is_heard: bool) -> None:
    sessions = Sessions()
    one = sessions.accepted("1")
    if is_heard:
        sessions.say("estimation", event_id="1", rank=0, queue_size=1)
    one.job.cancel()
    orphan = sessions.session.disown(one.job, is_heard=is_heard)
    assert sessions.session.hears(orphan) is is_heard
    sessions.session.stream_ended(ConnectionLost("oops", phase="stream_lost"))
    assert orphan.is_settled  # the server knows of it, and says nothing more
    sessions.nothing_is_kept()


def test_which_jobs_the_stream_has_spoken_of() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1").job, sessions.accepted("2").job
    sessions.starts("1")
    assert sessions.session.hears(one)
    assert not sessions.session.hears(two)
    sessions.say("close_stream")
    assert not sessions.session.hears(one)
    sessions.session.stream_ended()
    sessions.open()
    assert not sessions.session.hears(two)
    sessions.starts("2")
    assert sessions.session.hears(two)
    two.cancel()
    assert not sessions.session.hears(two)


def test_an_answer_to_no_join() -> None:
    with pytest.raises(LocalProtocolError, match="join_sent"):
        Sessions().session.join_accepted(a_job().job, "1")


# Ends of streams.


def test_a_clean_end_spares_jobs_that_it_said_nothing_about() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    sessions.starts("1")
    sessions.session.stream_ended()
    assert "before the job" in str(failure(one))
    assert failure(one).phase == "stream_lost"  # type: ignore[attr-defined]
    assert two.endings == 0
    assert sessions.session.wants_stream
    sessions.open()
    sessions.completes("2")
    assert two.job.result() == "v"


@pytest.mark.parametrize("says_so", [True, False])
def test_a_second_silent_end_loses_them(says_so: bool) -> None:
    sessions = Sessions()
    one = sessions.accepted("1")
    for _ in range(2):
        assert one.endings == 0
        if says_so:
            sessions.say("close_stream")
        sessions.session.stream_ended()
        sessions.open()
    assert isinstance(failure(one), ConnectionLost)


def test_a_stream_that_was_heard_of_before_may_end_later_in_silence() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.starts("1")
    sessions.session.stream_ended()
    sessions.session.join_accepted(one.job, "1")
    sessions.open()
    sessions.session.stream_ended()
    assert one.endings == 0


def test_a_request_that_was_given_up_loses_nobody() -> None:
    sessions = Sessions(opened=False)
    one = sessions.accepted("1")
    for _ in range(3):
        sessions.session.stream_requested()
        sessions.session.stream_ended()
    assert one.endings == 0


def test_a_broken_stream_loses_all_jobs_and_those_that_were_joining() -> None:
    sessions = Sessions()
    one, two, joining = sessions.accepted("1"), sessions.accepted("2"), sessions.joining()
    error = DeadlineExceeded("silent", kind="idle", phase="stream_lost")
    sessions.session.stream_ended(error)
    for begun in (one, two):
        lost = failure(begun)
        assert isinstance(lost, DeadlineExceeded)
        assert (lost.kind, lost.event_id, lost.__cause__) == ("idle", begun.job.event_id, error)
    later = sessions.joining()
    sessions.session.join_accepted(joining.job, "3")
    assert "while the job was joining" in str(failure(joining))
    sessions.session.join_accepted(later.job, "4")
    assert later.endings == 0


def test_a_job_that_had_ended_before_the_stream_broke_has_its_value() -> None:
    sessions = Sessions()
    one = sessions.joining()
    sessions.completes("1")
    sessions.session.stream_ended(ConnectionLost("broken"))
    sessions.session.join_accepted(one.job, "1")
    assert one.job.result() == "v"
    sessions.nothing_is_kept()


def test_how_a_stream_breaks_after_close_stream_means_nothing() -> None:
    sessions = Sessions()
    one = sessions.accepted("1")
    sessions.say("close_stream")
    sessions.session.stream_ended(ConnectionLost("no last chunk"))
    assert one.endings == 0


@pytest.mark.parametrize(
    ("fields", "cls"),
    [
        ({"message": "Server stopped unexpectedly."}, ServerStopped),
        ({"message": "404: Session not found."}, SessionLost),
        ({"message": "404: Not Found", "session_not_found": True}, SessionLost),
        ({"message": "gone", "session_not_found": True}, SessionLost),
        ({"message": "'0123abcd'"}, ConnectionLost),
    ],
)
def test_unexpected_error_is_for_everybody(fields: dict[str, Any], cls: type[ConnectionLost]) -> None:
    sessions = Sessions()
    one, two, joining = sessions.accepted("1"), sessions.accepted("2"), sessions.joining()
    sessions.say("unexpected_error", **fields)
    sessions.say("unexpected_error", **fields)
    for begun in (one, two):
        error = failure(begun)
        assert type(error) is cls
        assert (error.phase, error.retryable) == ("stream_lost", False)
    assert sessions.session.stream is StreamState.BROKEN
    sessions.session.stream_ended()
    sessions.session.join_accepted(joining.job, "3")
    assert isinstance(failure(joining), ConnectionLost)


def test_a_job_that_completes_twice_breaks_off_the_stream_and_nothing_else() -> None:
    sessions = Sessions()
    one, two, three = sessions.accepted("1"), sessions.accepted("2"), sessions.joining()
    sessions.starts("2")
    one.job.cancel()
    sessions.completes("1")
    sessions.say("unexpected_error", message="'1'")
    assert sessions.session.stream is StreamState.BROKEN
    assert not two.job.is_settled
    sessions.session.stream_ended()
    sessions.session.join_accepted(three.job, "3")
    sessions.open()
    sessions.yields("2")
    sessions.completes("2")
    sessions.completes("3")
    assert [begun.job.result() for begun in (two, three)] == ["v", "v"]
    assert (two.outputs, sessions.session.streams_lost) == (["y"], 0)
    sessions.nothing_is_kept()


@pytest.mark.parametrize("text", ["'2'", "'9'", '"1"', "1", "'1", "''", "'", ""])
def test_an_error_that_does_not_say_so_is_for_everybody(text: str) -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    one.job.cancel()
    sessions.say("unexpected_error", message=text)
    assert "broke off the session" in str(failure(two))


def test_a_server_may_stumble_over_a_job_once() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    one.job.cancel()
    sessions.say("unexpected_error", message="'1'")
    sessions.session.stream_ended()
    sessions.open()
    sessions.say("unexpected_error", message="'1'")
    assert "broke off the session" in str(failure(two))


def test_a_copy_of_an_error_is_like_it_and_has_its_own_context() -> None:
    error = DeadlineExceeded("late", kind="idle")
    error.__cause__ = cause = OSError("why")
    twin = copy_of(error).with_context(event_id="1")
    assert isinstance(twin, DeadlineExceeded)
    assert (twin.kind, twin.args, twin.__cause__) == ("idle", error.args, cause)
    assert error.event_id is None


# Streams that have told how their last job ended.


ENDINGS: dict[str, Any] = {
    "error": lambda sessions: sessions.session.stream_ended(ConnectionLost("broken")),
    "unexpected_error": lambda sessions: (
        sessions.say("unexpected_error", message="x"),
        sessions.session.stream_ended(),
    ),
    "clean": lambda sessions: sessions.session.stream_ended(),
}


@pytest.mark.parametrize("end", ENDINGS)
def test_the_end_of_a_spent_stream_is_a_silent_one(end: str) -> None:
    sessions = Sessions()
    sessions.accepted("1")
    sessions.completes("1")
    joining, two = sessions.joining(), sessions.accepted("2")
    ENDINGS[end](sessions)
    assert sessions.session.stream is StreamState.CLOSED
    assert sessions.session.streams_lost == 0
    assert two.endings == 0
    sessions.open()
    sessions.session.join_accepted(joining.job, "3")
    assert joining.endings == 0  # not lost with that stream, either
    sessions.completes("3")
    sessions.completes("2")
    assert (two.job.result(), joining.job.result()) == ("v", "v")
    sessions.nothing_is_kept()


@pytest.mark.parametrize("end", ENDINGS)
def test_a_second_end_in_silence_is_not(end: str) -> None:
    sessions = Sessions()
    sessions.accepted("1")
    sessions.completes("1")
    two = sessions.accepted("2")
    ENDINGS["error"](sessions)
    sessions.open()
    ENDINGS[end](sessions)
    assert isinstance(failure(two), ConnectionLost)


@pytest.mark.parametrize("says", ["starts", "yields"])
@pytest.mark.parametrize("end", ["error", "unexpected_error"])
def test_a_stream_that_speaks_of_a_newer_job_is_not_spent(end: str, says: str) -> None:
    sessions = Sessions()
    sessions.accepted("1")
    sessions.completes("1")
    two, three = sessions.accepted("2"), sessions.accepted("3")
    getattr(sessions, says)("2")
    ENDINGS[end](sessions)
    assert isinstance(failure(two), ConnectionLost)
    assert isinstance(failure(three), ConnectionLost)
    assert sessions.session.streams_lost == 1


def test_a_stream_with_a_job_yet_to_end_is_not_spent() -> None:
    sessions = Sessions()
    one, two = sessions.accepted("1"), sessions.accepted("2")
    sessions.completes("1")
    ENDINGS["error"](sessions)
    assert one.job.result() == "v"
    assert isinstance(failure(two), ConnectionLost)


def test_late_messages_of_ended_jobs_do_not_bring_a_stream_back() -> None:
    sessions = Sessions()
    sessions.accepted("1")
    sessions.completes("1")
    two = sessions.accepted("2")
    sessions.starts("1")
    ENDINGS["error"](sessions)
    assert two.endings == 0


# The baton.


def test_one_reads_and_the_next_in_line_is_woken() -> None:
    baton, one, two, three = Baton(), Signal(), Signal(), Signal()
    assert baton.take(one)
    assert baton.take(one)
    assert not baton.take(two)
    assert not baton.take(three)
    baton.release(two)  # leaves the queue
    assert not two.is_set
    assert not three.is_set
    baton.release(one)
    assert three.is_set
    assert baton.take(three)
    baton.release(three)
    assert baton.take(two)


def test_a_waiter_who_was_woken_and_leaves_wakes_the_next() -> None:
    baton, one, two, three = Baton(), Signal(), Signal(), Signal()
    baton.take(one)
    baton.take(two)
    baton.take(three)
    baton.release(one)
    baton.release(two)
    assert three.is_set


def test_the_texts_of_messages_are_what_is_kept() -> None:
    sessions = Sessions()
    one = sessions.joining()
    fields = {"msg": "process_generating", "event_id": "1", "output": {"data": ["é"]}, "success": True}
    sessions.session.receive(*message(**fields))
    assert sessions.session._early_bytes == len(json.dumps(fields))
    sessions.session.join_accepted(one.job, "1")
    assert one.outputs == ["é"]


@pytest.mark.parametrize("is_spent", [False, True])
def test_a_stream_that_breaks_takes_the_orphan_of_its_only_job_along(is_spent: bool) -> None:
    """The server knows it, and another stream would say nothing for ever. But a stream that owed nothing but its end
    knew nothing of the job: then the next one speaks of the orphan."""
    sessions = Sessions()
    if is_spent:
        sessions.accepted("0")
        sessions.completes("0")
    one = sessions.accepted("1")
    one.job.cancel()
    orphan = sessions.session.disown(one.job)
    sessions.session.stream_ended(ConnectionLost("broken"))
    assert orphan.is_settled is not is_spent
    orphan.cancel()
    sessions.nothing_is_kept()


def taken_over(sessions: Sessions, event_id: str = "1") -> Begun:
    begun = a_job()
    sessions.session.take_over(begun.job, event_id)
    return begun


def test_a_job_that_was_taken_over_is_one_like_any_other() -> None:
    sessions = Sessions()
    one = taken_over(sessions)
    assert sessions.session.wants_stream
    sessions.starts("1")
    sessions.say("heartbeat")
    sessions.yields("1")
    sessions.completes("1", "v")
    assert one.job.result() == "v"
    sessions.nothing_is_kept()
    assert not sessions.session._taken_over


def test_a_heartbeat_before_its_first_message_means_that_it_was_read() -> None:
    sessions = Sessions()
    silent, heard, own = taken_over(sessions, "1"), taken_over(sessions, "2"), sessions.accepted("3")
    sessions.starts("2")
    sessions.say("heartbeat")
    error = failure(silent)
    assert isinstance(error, SessionLost)
    assert (error.phase, error.event_id) == ("stream_lost", "1")
    assert not heard.job.is_settled
    assert not own.job.is_settled  # whoever joins is told when its turn comes


@pytest.mark.parametrize(("props", "kept"), [({"value": "x" * 30_000}, 3), ({"value": [[]] * 5_000}, 1)])
def test_renders_are_kept_by_what_they_take_in_memory(props: Any, kept: int) -> None:
    """Empty lists take 20 times their text."""
    session = Session("s", Limits(rendered_bytes=100_000))
    for number in range(10):
        config = {"render_id": number, "components": [{"id": number, "props": props}]}
        output = {"data": [], "render_config": config}
        session.receive(*message(msg="process_completed", event_id="e0", output=output, success=True))
    assert len(session.rendered._renders) == kept
