"""Which jobs may be cancelled, and how the server may be told: the whole table, on real sessions and jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.cancelling import CancelReport, Means, Telling, how_to_tell, refusal_to_settle
from gradio_proto.config import AppConfig, parse_config
from gradio_proto.files import file_output
from gradio_proto.job import Job, JobState
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.session import Session

LIMITS = Limits()
V4_13, V4_29, V4_30, V4_44, V5_49, V6_13, V6_14 = (
    *("4.13.0", "4.29.0", "4.30.0", "4.44.1", "5.49.1", "6.13.0", "6.14.0"),
)
WITH_ROUTE = [V4_30, V4_44, V5_49, V6_13, V6_14]
AT_THE_SERVER = [JobState.QUEUED, JobState.RUNNING]
FILE = {"path": "/tmp/f.txt", "url": None, "meta": {"_type": "gradio.FileData"}}
EVENTS: Mapping[int, Sequence[int]] = {5: [0, 1], 6: [0], 7: [2, 1]}
"""The functions that cancel, and what they cancel."""


def config(version: str, events: Mapping[int, Sequence[int]] = EVENTS, **fields: Any) -> AppConfig:
    """An app of ten functions, of which number 9 runs in batches."""
    return parse_config(
        {
            "version": version,
            "dependencies": [
                {"id": index, "cancels": events.get(index, []), "batch": index == 9, **fields}
                for index in range(10)
            ],
        }
    )


def message(session: Session, msg: str, event_id: str, **fields: Any) -> None:
    text = json.dumps({"msg": msg, "event_id": event_id, **fields})
    session.receive(parse_message(text, LIMITS), text)


def job_in(
    state: JobState, session: Session, *, fn_index: int = 0, is_generator: bool = False, name: str = "e"
) -> Job:
    """A job that a session has brought into ``state``."""
    job = Job(
        fn_index=fn_index,
        label="/f",
        payload=b"{}",
        convert=lambda data: file_output(data[0]) if state is JobState.FETCHING else data[0],
        journal=None,
        version_info=(6, 31, 0),
        is_generator=is_generator,
        fetches_files=state is JobState.FETCHING,
    )
    if state is JobState.NEW:
        return job
    session.join_sent(job)
    if state is JobState.JOINING:
        return job
    session.join_accepted(job, name)
    if session.stream.name == "CLOSED":
        session.stream_requested()
        session.stream_opened()
    if state is not JobState.QUEUED:
        message(session, "process_starts", name)
    if state is JobState.SETTLED:
        message(session, "process_completed", name, success=True, output={"data": [1]})
    if state is JobState.FETCHING:
        message(session, "process_completed", name, success=True, output={"data": [FILE]})
    return job


def session() -> Session:
    return Session("s", LIMITS)


def settled(session: Session, was: JobState, **options: Any) -> Job:
    """A job of ``session`` that was cancelled in state ``was``, as it is when somebody asks how to tell."""
    job = job_in(was, session, **options)
    job.cancel()
    return job


def tell(own: Session, was: JobState, version: str, *, can_hang_up: bool = False, **options: Any) -> Telling:
    """How to tell of a job that was just cancelled in that state."""
    return how_to_tell(
        config(version, options.pop("events", EVENTS)),
        own,
        settled(own, was, **options),
        was,
        can_hang_up=can_hang_up,
    )


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("is_generator", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_what_may_be_settled(state: JobState, is_generator: bool, force: bool) -> None:
    job = job_in(state, session(), is_generator=is_generator)
    assert job.state is state
    refusal = refusal_to_settle(job, force=force)
    if state is JobState.SETTLED:
        assert refusal == "the job has ended already"
    elif state is JobState.RUNNING and not is_generator and not force:
        assert refusal is not None
        assert "force=True" in refusal
    else:
        assert refusal is None


# The route.


@pytest.mark.parametrize("version", WITH_ROUTE)
@pytest.mark.parametrize("can_hang_up", [False, True])
def test_the_only_running_job(version: str, can_hang_up: bool) -> None:
    telling = tell(session(), JobState.RUNNING, version, can_hang_up=can_hang_up)
    assert (telling.means, telling.route, telling.ends) == (Means.REQUEST, "cancel", {0})
    assert json.loads(telling.payload) == {"event_id": "e", "fn_index": 0, "session_hash": "s"}


@pytest.mark.parametrize("can_hang_up", [False, True])
@pytest.mark.parametrize("was", AT_THE_SERVER)
@pytest.mark.parametrize("sibling", [JobState.JOINING, *AT_THE_SERVER])
@pytest.mark.parametrize("version", WITH_ROUTE)
def test_never_while_the_same_function_has_another_job(
    was: JobState, sibling: JobState, version: str, can_hang_up: bool
) -> None:
    own = session()
    job_in(sibling, own, name="sibling")
    telling = tell(own, was, version, can_hang_up=can_hang_up)
    assert telling.means is Means.NOTHING
    assert "another job of the same function" in telling.reason


@pytest.mark.parametrize("ended", [JobState.SETTLED, JobState.FETCHING])
@pytest.mark.parametrize("version", WITH_ROUTE)
def test_a_job_that_the_server_has_done_with_is_no_sibling(version: str, ended: JobState) -> None:
    own = session()
    job_in(ended, own, name="sibling")
    assert tell(own, JobState.RUNNING, version).means is Means.REQUEST


def test_an_orphan_is_no_sibling_and_is_told_of_like_any_job() -> None:
    own = session()
    orphan = own.disown(settled(own, JobState.QUEUED, name="orphan"))
    assert tell(own, JobState.RUNNING, V4_44).means is Means.REQUEST
    telling = how_to_tell(config(V4_44), own, orphan, JobState.RUNNING, can_hang_up=False)
    assert json.loads(telling.payload)["event_id"] == "orphan"


def test_a_job_of_another_session_is_no_sibling() -> None:
    job_in(JobState.RUNNING, session())
    assert tell(session(), JobState.RUNNING, V6_14).means is Means.REQUEST


@pytest.mark.parametrize("sibling", [JobState.JOINING, *AT_THE_SERVER])
@pytest.mark.parametrize("was", AT_THE_SERVER)
@pytest.mark.parametrize("version", WITH_ROUTE)
def test_a_job_of_another_function_is_not_harmed(sibling: JobState, was: JobState, version: str) -> None:
    own = session()
    job_in(sibling, own, fn_index=1, name="sibling")
    telling = tell(own, was, version, can_hang_up=True)
    if was is JobState.RUNNING or version == V6_14:
        assert telling.means is Means.REQUEST
    else:
        assert telling.means is Means.NOTHING
        assert "no job out of its queue" in telling.reason


@pytest.mark.parametrize("version", [V4_30, V4_44, V5_49, V6_13])
def test_a_job_that_only_waits_is_ended_with_its_stream(version: str) -> None:
    assert tell(session(), JobState.QUEUED, version, can_hang_up=True).means is Means.HANG_UP
    assert tell(session(), JobState.QUEUED, V6_14, can_hang_up=True).means is Means.REQUEST


@pytest.mark.parametrize(("can_hang_up", "means"), [(False, Means.NOTHING), (True, Means.HANG_UP)])
def test_a_batch_is_not_stopped(can_hang_up: bool, means: Means) -> None:
    telling = tell(session(), JobState.RUNNING, V6_14, fn_index=9, can_hang_up=can_hang_up)
    assert telling.means is means
    assert "batch" in telling.reason or can_hang_up
    assert tell(session(), JobState.QUEUED, V6_14, fn_index=9).means is Means.REQUEST


# Events that cancel.


@pytest.mark.parametrize("version", [V4_13, V4_29])
def test_the_event_that_cancels_the_fewest_is_triggered(version: str) -> None:
    telling = tell(session(), JobState.RUNNING, version)
    assert (telling.means, telling.route, telling.ends) == (Means.REQUEST, "run/predict", {0})
    assert json.loads(telling.payload) == {"data": [], "fn_index": 6, "session_hash": "s"}
    telling = tell(session(), JobState.RUNNING, version, events={3: [0, 1], 4: [2]})
    assert (json.loads(telling.payload)["fn_index"], telling.ends) == (3, {0, 1})


@pytest.mark.parametrize("sibling", [JobState.JOINING, *AT_THE_SERVER])
@pytest.mark.parametrize(
    ("fn_index", "of_the_sibling", "event"), [(0, 1, 6), (2, 0, 7), (2, 1, None), (0, 0, None)]
)
def test_no_event_is_triggered_that_would_end_another_job(
    sibling: JobState, fn_index: int, of_the_sibling: int, event: int | None
) -> None:
    own = session()
    job_in(sibling, own, fn_index=of_the_sibling, name="sibling")
    telling = tell(own, JobState.RUNNING, V4_13, fn_index=fn_index, can_hang_up=True)
    if event is None:
        assert telling.means is Means.NOTHING
        assert "would end another job" in telling.reason
    else:
        assert json.loads(telling.payload)["fn_index"] == event


@pytest.mark.parametrize(("can_hang_up", "means"), [(False, Means.NOTHING), (True, Means.HANG_UP)])
def test_an_app_without_such_an_event(can_hang_up: bool, means: Means) -> None:
    for was in AT_THE_SERVER:
        telling = tell(session(), was, V4_13, fn_index=8, can_hang_up=can_hang_up)
        assert telling.means is means
        assert "no event that cancels" in telling.reason or can_hang_up


def test_an_event_without_a_function_cancels_nothing() -> None:
    own = session()
    job = settled(own, JobState.RUNNING)
    telling = how_to_tell(config(V4_13, backend_fn=False), own, job, JobState.RUNNING, can_hang_up=False)
    assert telling.means is Means.NOTHING


@pytest.mark.parametrize(("can_hang_up", "means"), [(False, Means.NOTHING), (True, Means.HANG_UP)])
def test_an_event_does_not_reach_what_only_waits(can_hang_up: bool, means: Means) -> None:
    assert tell(session(), JobState.QUEUED, V4_13, can_hang_up=can_hang_up).means is means


# Whatever comes.


@given(
    was=st.sampled_from(AT_THE_SERVER),
    version=st.sampled_from([V4_13, V4_29, *WITH_ROUTE]),
    can_hang_up=st.booleans(),
    fn_index=st.integers(0, 3),
    events=st.dictionaries(st.integers(4, 8), st.lists(st.integers(0, 3), max_size=4)),
    siblings=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([JobState.JOINING, *AT_THE_SERVER, JobState.SETTLED]),
        ),
        max_size=4,
    ),
)
def test_nothing_that_harms_a_sibling_is_allowed(
    was: JobState,
    version: str,
    can_hang_up: bool,
    fn_index: int,
    events: dict[int, list[int]],
    siblings: list[tuple[int, JobState]],
) -> None:
    own = session()
    for number, (sibling, state) in enumerate(siblings):
        job_in(state, own, fn_index=sibling, name=f"sibling {number}")
    telling = tell(own, was, version, can_hang_up=can_hang_up, fn_index=fn_index, events=events)
    alive = {sibling for sibling, state in siblings if state is not JobState.SETTLED}
    assert telling.ends.isdisjoint(alive)
    if telling.means is Means.HANG_UP:
        assert not alive
        assert can_hang_up
    if telling.means is Means.REQUEST:
        assert fn_index in telling.ends
        assert was is JobState.RUNNING or version == V6_14
        if telling.route == "run/predict":
            assert telling.ends == {*events[json.loads(telling.payload)["fn_index"]]}


def test_a_report_says_what_was_done() -> None:
    assert repr(CancelReport(True, False, "why")) == (
        "CancelReport(cancelled=True, server_told=False, reason='why')"
    )
