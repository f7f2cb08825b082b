"""Which jobs may be cancelled, and when the server may be told: the whole table, on real sessions and jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.cancelling import CancelReport, needs_new_session, refusal_to_settle, refusal_to_tell
from gradio_proto.job import Job, JobState
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.session import Session

LIMITS = Limits()
V4_29, V4_30, V4_44, V5, V6 = (4, 29, 0), (4, 30, 0), (4, 44, 1), (5, 0, 0), (6, 31, 0)
WITH_ROUTE = [V4_30, V4_44, V5, V6]


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
        convert=lambda data: data[0],
        journal=None,
        version_info=V6,
        is_generator=is_generator,
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
    if state in (JobState.RUNNING, JobState.SETTLED):
        message(session, "process_starts", name)
    if state is JobState.SETTLED:
        message(session, "process_completed", name, success=True, output={"data": [1]})
    return job


def session() -> Session:
    return Session("s", LIMITS)


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


def settled(session: Session, was: JobState, **options: Any) -> Job:
    """A job of ``session`` that was cancelled in state ``was``, as it is when somebody asks whether to tell."""
    job = job_in(was, session, **options)
    job.cancel()
    return job


@pytest.mark.parametrize("was", [JobState.QUEUED, JobState.RUNNING])
@pytest.mark.parametrize("version", [(3, 50, 2), (4, 0, 2), V4_29])
def test_a_server_without_the_route_is_not_told(was: JobState, version: tuple[int, int, int]) -> None:
    own = session()
    refusal = refusal_to_tell(own, settled(own, was), was, version, has_state=False)
    assert refusal is not None
    assert "no /cancel" in refusal


@pytest.mark.parametrize("version", WITH_ROUTE)
@pytest.mark.parametrize("has_state", [False, True])
def test_the_server_is_told_of_the_only_running_job(version: tuple[int, int, int], has_state: bool) -> None:
    own = session()
    job = settled(own, JobState.RUNNING)
    assert refusal_to_tell(own, job, JobState.RUNNING, version, has_state=has_state) is None


@pytest.mark.parametrize("was", [JobState.QUEUED, JobState.RUNNING])
@pytest.mark.parametrize("sibling", [JobState.JOINING, JobState.QUEUED, JobState.RUNNING])
@pytest.mark.parametrize("version", WITH_ROUTE)
def test_the_server_is_never_told_while_the_same_function_has_another_job(
    was: JobState, sibling: JobState, version: tuple[int, int, int]
) -> None:
    own = session()
    job = settled(own, was)
    job_in(sibling, own, name="sibling")
    refusal = refusal_to_tell(own, job, was, version, has_state=False)
    assert refusal is not None
    assert "another job of the same function" in refusal


@pytest.mark.parametrize("version", WITH_ROUTE)
def test_a_job_that_has_ended_is_no_sibling(version: tuple[int, int, int]) -> None:
    own = session()
    job = settled(own, JobState.RUNNING)
    job_in(JobState.SETTLED, own, name="sibling")
    assert refusal_to_tell(own, job, JobState.RUNNING, version, has_state=True) is None


def test_a_job_of_another_session_is_no_sibling() -> None:
    own, other = session(), session()
    job_in(JobState.RUNNING, other)
    assert refusal_to_tell(own, settled(own, JobState.RUNNING), JobState.RUNNING, V6, has_state=True) is None


@pytest.mark.parametrize("sibling", [JobState.JOINING, JobState.QUEUED, JobState.RUNNING])
@pytest.mark.parametrize(
    ("was", "version", "told"),
    [
        (JobState.RUNNING, V4_44, True),
        (JobState.QUEUED, V4_30, False),
        (JobState.QUEUED, V4_44, False),
        (JobState.QUEUED, V5, True),
        (JobState.QUEUED, V6, True),
    ],
)
def test_a_stale_completion_on_4_x_spares_other_functions_only_if_none_is_open(
    sibling: JobState, was: JobState, version: tuple[int, int, int], told: bool
) -> None:
    own = session()
    job = settled(own, was)
    job_in(sibling, own, fn_index=1, name="sibling")
    refusal = refusal_to_tell(own, job, was, version, has_state=False)
    if told:
        assert refusal is None
    else:
        assert refusal is not None
        assert "break off the session's other jobs" in refusal


@pytest.mark.parametrize(
    ("version", "has_state", "told"),
    [(V4_30, True, False), (V4_44, True, False), (V4_44, False, True), (V5, True, True), (V6, True, True)],
)
def test_a_session_that_holds_state_is_not_given_up_for_a_queued_job(
    version: tuple[int, int, int], has_state: bool, told: bool
) -> None:
    own = session()
    refusal = refusal_to_tell(
        own, settled(own, JobState.QUEUED), JobState.QUEUED, version, has_state=has_state
    )
    if told:
        assert refusal is None
    else:
        assert refusal is not None
        assert "holds State" in refusal


@pytest.mark.parametrize(
    ("was", "version", "needed"),
    [
        (JobState.QUEUED, V4_30, True),
        (JobState.QUEUED, V4_44, True),
        (JobState.RUNNING, V4_44, False),
        (JobState.QUEUED, V5, False),
        (JobState.RUNNING, V6, False),
    ],
)
def test_a_told_4_x_server_breaks_the_next_stream(
    was: JobState, version: tuple[int, int, int], needed: bool
) -> None:
    assert needs_new_session(was, version) is needed


@given(
    was=st.sampled_from([JobState.QUEUED, JobState.RUNNING]),
    version=st.sampled_from([V4_29, *WITH_ROUTE]),
    has_state=st.booleans(),
    siblings=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([JobState.JOINING, JobState.QUEUED, JobState.RUNNING, JobState.SETTLED]),
        ),
        max_size=4,
    ),
)
def test_nothing_that_harms_a_sibling_is_allowed(
    was: JobState, version: tuple[int, int, int], has_state: bool, siblings: list[tuple[int, JobState]]
) -> None:
    own = session()
    job = settled(own, was)
    for number, (fn_index, state) in enumerate(siblings):
        job_in(state, own, fn_index=fn_index, name=f"sibling {number}")
    if refusal_to_tell(own, job, was, version, has_state=has_state) is not None:
        return
    alive = [fn_index for fn_index, state in siblings if state is not JobState.SETTLED]
    assert job.fn_index not in alive
    # Where the session cannot go on, nobody else is in it, and no State is lost.
    if needs_new_session(was, version):
        assert not alive
        assert not has_state


def test_a_report_says_what_was_done() -> None:
    assert repr(CancelReport(True, False, "why")) == (
        "CancelReport(cancelled=True, server_told=False, reason='why')"
    )
