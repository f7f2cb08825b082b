"""The machine of one job: its table, and the promise of one ending."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Begun, a_job, message

from gradio_proto.endpoints import Endpoint
from gradio_proto.errors import (
    AppError,
    ConnectionLost,
    GradioError,
    JobCancelled,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
)
from gradio_proto.events import Cancelled, Completed, Failed
from gradio_proto.files import Uploads, as_file_outputs
from gradio_proto.input_stream import InputStream
from gradio_proto.job import TRANSITIONS, Job, JobInput, JobState
from gradio_proto.limits import Limits
from gradio_proto.status import ProgressUnit, Status, StatusUpdate


def said(msg: str, **fields: Any) -> tuple[Any, str]:
    return message(msg=msg, event_id="e", **fields)


VALUE = said("process_completed", output={"data": ["v"]}, success=True)
YIELD = said("process_generating", output={"data": ["y"]}, success=True)
PROGRESS = said("progress", progress_data=[{"index": 1, "length": 2}])
FILES = said("process_completed", output={"data": [{"path": "/a/x.txt"}]}, success=True)

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)

DO = {
    JobInput.JOIN_SENT: lambda job: job.join_sent("s"),
    JobInput.JOIN_ACCEPTED: lambda job: job.join_accepted("e"),
    JobInput.RANKED: lambda job: job.receive(*said("estimation", rank=1, queue_size=2, rank_eta=3.5)),
    JobInput.STARTED: lambda job: job.receive(*said("process_starts", eta=2.5)),
    JobInput.REPORTED: lambda job: job.receive(*said("log", log="hello", level="info")),
    JobInput.YIELDED: lambda job: job.receive(*YIELD),
    JobInput.RETURNED_FILES: lambda job: job.receive(*FILES),
    JobInput.COMPLETED: lambda job: job.fetched() if job.files else job.receive(*VALUE),
    JobInput.FAILED: lambda job: job.fail(GradioError("no")),
    JobInput.CANCELLED: lambda job: job.cancel(),
}

WAYS: dict[JobState, list[JobInput]] = {
    JobState.NEW: [],
    JobState.JOINING: [JobInput.JOIN_SENT],
    JobState.QUEUED: [JobInput.JOIN_SENT, JobInput.JOIN_ACCEPTED],
    JobState.RUNNING: [JobInput.JOIN_SENT, JobInput.JOIN_ACCEPTED, JobInput.STARTED],
    JobState.FETCHING: [JobInput.JOIN_SENT, JobInput.JOIN_ACCEPTED, JobInput.RETURNED_FILES],
    JobState.SETTLED: [JobInput.CANCELLED],
}

FROM_SERVER = {
    JobInput.RANKED,
    JobInput.STARTED,
    JobInput.REPORTED,
    JobInput.YIELDED,
    JobInput.RETURNED_FILES,
}
"""What a server may go on to say about a job that it has answered, and nobody listens to."""


def follows_on(state: JobState, happened: JobInput) -> JobState | None:
    if state is JobState.FETCHING and happened in FROM_SERVER:
        return state
    return TRANSITIONS[state].get(happened)


def fetching_job(**options: Any) -> Begun:
    return a_job(convert=lambda data: as_file_outputs(data[0]), fetches_files=True, **options)


def in_state(state: JobState) -> Begun:
    begun = fetching_job()
    for happened in WAYS[state]:
        DO[happened](begun.job)
    assert begun.job.state is state
    return begun


@pytest.mark.parametrize("happened", JobInput)
@pytest.mark.parametrize("state", JobState)
def test_every_input_in_every_state(state: JobState, happened: JobInput) -> None:
    begun = in_state(state)
    follows = follows_on(state, happened)
    if follows is None:
        with pytest.raises(LocalProtocolError, match=f"{state.name} cannot take {happened.name}"):
            DO[happened](begun.job)
        assert begun.job.state is state
    else:
        DO[happened](begun.job)
        assert begun.job.state is follows
    assert begun.endings == begun.job.is_settled
    assert (begun.job.outcome is not None) == begun.job.is_settled
    assert begun.news_after_end == 0


def test_the_table_is_total_for_a_settled_job_and_names_every_state() -> None:
    assert set(TRANSITIONS) == set(JobState)
    assert TRANSITIONS[JobState.SETTLED] == dict.fromkeys(JobInput, JobState.SETTLED)
    assert all(moves.keys() >= {JobInput.FAILED, JobInput.CANCELLED} for moves in TRANSITIONS.values())


@given(st.lists(st.sampled_from(list(JobInput)), max_size=12))
@settings(max_examples=200)
def test_any_inputs_in_any_order(inputs: list[JobInput]) -> None:
    begun = fetching_job()
    first = None
    for happened in inputs:
        state = begun.job.state
        follows = follows_on(state, happened)
        try:
            DO[happened](begun.job)
        except LocalProtocolError:
            assert follows is None
        else:
            assert begun.job.state is follows
        if first is None:
            first = begun.job.outcome
        assert begun.job.outcome is first  # the first ending is the only one
    assert begun.endings == begun.job.is_settled
    assert begun.news_after_end == 0


def test_a_call_from_join_to_value() -> None:
    job = in_state(JobState.NEW).job
    assert job.code is Status.STARTING
    job.join_sent("s")
    assert (job.session_hash, job.code, job.payload) == ("s", Status.JOINING_QUEUE, b"{}")
    job.join_accepted("e")
    assert (job.event_id, job.code, job.payload) == ("e", Status.IN_QUEUE, b"")
    DO[JobInput.RANKED](job)
    assert (job.rank, job.queue_size, job.eta) == (1, 2, 3.5)
    DO[JobInput.STARTED](job)
    assert (job.code, job.rank, job.eta) == (Status.PROCESSING, 0, 2.5)
    DO[JobInput.RANKED](job)
    assert job.code is Status.PROCESSING
    job.receive(*PROGRESS)
    assert job.code is Status.PROGRESS
    assert job.progress_data is not None
    assert job.progress_data[0].length == 2
    DO[JobInput.REPORTED](job)
    assert (job.code, job.log) == (Status.LOG, ("hello", "info"))
    DO[JobInput.YIELDED](job)
    assert job.code is Status.ITERATING
    job.receive(*said("something_new"))
    assert job.state is JobState.RUNNING
    with pytest.raises(LocalProtocolError, match="not ended"):
        job.result()
    DO[JobInput.COMPLETED](job)
    assert (job.outcome, job.code, job.result()) == (Completed("v"), Status.FINISHED, "v")


def test_how_a_job_stands() -> None:
    job = in_state(JobState.QUEUED).job
    DO[JobInput.RANKED](job)
    assert job.status_update(NOW) == StatusUpdate(Status.IN_QUEUE, 1, 2, 3.5, None, NOW, None)
    DO[JobInput.STARTED](job)
    job.receive(*PROGRESS)
    DO[JobInput.REPORTED](job)
    units, log = [ProgressUnit(index=1, length=2)], ("hello", "info")
    assert job.status_update(NOW) == StatusUpdate(Status.LOG, 0, 2, 2.5, None, NOW, units, log)


@pytest.mark.parametrize(
    ("ending", "code", "success"),
    [
        (JobInput.COMPLETED, Status.FINISHED, True),
        (JobInput.FAILED, Status.FINISHED, False),
        (JobInput.CANCELLED, Status.CANCELLED, False),
    ],
)
def test_how_a_job_stands_that_is_over(ending: JobInput, code: Status, success: bool) -> None:
    """What it said of its place and its progress holds no more; the last that the app had to say is kept."""
    job = in_state(JobState.RUNNING).job
    for happened in (JobInput.RANKED, JobInput.REPORTED):
        DO[happened](job)
    job.receive(*PROGRESS)
    DO[ending](job)
    assert job.status_update(NOW) == StatusUpdate(code, 0, None, None, success, NOW, None, ("hello", "info"))


def test_how_long_a_stream_of_input_may_take() -> None:
    job = a_job(input_stream=InputStream(cast(Endpoint, None), is_whole=False)).job
    for happened in WAYS[JobState.RUNNING]:
        DO[happened](job)
    assert job.status_update(NOW).time_limit is None
    job.receive(*said("process_streaming", output={"data": ["v"]}, success=True, time_limit=30))
    assert job.status_update(NOW).time_limit == 30


@pytest.mark.parametrize("state", JobState)
def test_who_has_a_job(state: JobState) -> None:
    job = in_state(state).job
    assert job.is_with_server == (state not in (JobState.NEW, JobState.JOINING))
    assert job.is_answered == (state in (JobState.FETCHING, JobState.SETTLED))


def test_a_job_around_the_queue_is_with_the_server_once_it_is_sent() -> None:
    job = in_state(JobState.JOINING).job
    job.sent_around_queue()
    assert job.is_with_server


def test_a_job_without_a_journal_keeps_nothing() -> None:
    job = a_job(journal=None).job
    for happened in (*WAYS[JobState.RUNNING], JobInput.YIELDED, JobInput.COMPLETED):
        DO[happened](job)
    assert job.result() == "v"


def test_a_cached_function_gives_values_without_starting() -> None:
    job = in_state(JobState.QUEUED).job
    DO[JobInput.YIELDED](job)
    assert job.state is JobState.RUNNING


def test_the_apps_error() -> None:
    job = in_state(JobState.RUNNING).job
    job.receive(*said("process_completed", output={"error": "bad thing"}, success=False))
    assert isinstance(job.outcome, Failed)
    with pytest.raises(AppError, match="bad thing") as caught:
        job.result()
    error = caught.value
    assert (error.endpoint, error.event_id, error.session_hash) == ("/f", "e", "s")
    assert (error.server_version, error.last_status) == ("6.31.0", "PROCESSING")


def test_a_success_whose_data_is_null_is_a_cancellation() -> None:
    job = in_state(JobState.RUNNING).job
    job.receive(*said("process_completed", output={"data": None}, success=True))
    assert job.outcome == Cancelled(by_server=True)


def test_cancelled_by_the_server() -> None:
    job = in_state(JobState.RUNNING).job
    job.receive(*said("process_completed", output={}, success=True))
    assert job.outcome == Cancelled(by_server=True)
    assert job.code is Status.CANCELLED
    assert job.orphan is None
    with pytest.raises(JobCancelled, match="cancelled") as caught:
        job.result()
    assert (caught.value.endpoint, caught.value.event_id, caught.value.session_hash) == ("/f", "e", "s")


def test_cancelled_while_joining_and_accepted_then() -> None:
    begun = in_state(JobState.JOINING)
    begun.job.cancel()
    assert begun.job.outcome == Cancelled(by_server=False)
    begun.job.join_accepted("e")
    assert begun.job.event_id == "e"
    begun.job.join_sent("other")
    assert begun.job.session_hash == "s"
    begun.job.receive(*VALUE)
    assert (begun.endings, begun.news_after_end) == (1, 0)


def test_outputs_that_do_not_fit_the_app_end_the_job() -> None:
    def convert(data: list[Any]) -> Any:
        raise RemoteProtocolError("too few outputs")

    begun = a_job(convert=convert)
    for happened in WAYS[JobState.RUNNING]:
        DO[happened](begun.job)
    begun.job.receive(*VALUE)
    assert begun.endings == 1
    with pytest.raises(RemoteProtocolError, match="too few outputs"):
        begun.job.result()


def test_more_unread_than_the_limit_ends_the_job_alone() -> None:
    begun = a_job(limits=Limits(job_unread_bytes=150))
    for happened in WAYS[JobState.QUEUED]:
        DO[happened](begun.job)
    begun.job.receive(*YIELD)
    begun.job.receive(*YIELD)
    with pytest.raises(LimitExceeded, match="job_unread_bytes"):
        begun.job.result()
    assert begun.endings == 1


def test_the_first_of_two_errors_is_told() -> None:
    job: Job = in_state(JobState.RUNNING).job
    job.fail(ConnectionLost("first"))
    job.fail(GradioError("second"))
    job.cancel()
    with pytest.raises(ConnectionLost, match="first"):
        job.result()


def test_a_job_whose_files_are_fetched_is_answered_first_and_settles_then() -> None:
    begun = in_state(JobState.RUNNING)
    job = begun.job
    answered: list[JobState] = []
    job.on_answered.append(lambda: answered.append(job.state))
    assert not job.is_answered
    DO[JobInput.RETURNED_FILES](job)
    assert (job.is_answered, job.is_settled, job.outcome, answered) == (
        True,
        False,
        None,
        [JobState.FETCHING],
    )
    (file,) = job.files
    assert (file.route, file.name) == ("file=/a/x.txt", "x.txt")
    job.local_paths[file] = "/downloads/h/x.txt"
    job.fetched()
    assert job.result() == "/downloads/h/x.txt"
    assert (begun.endings, answered) == (1, [JobState.FETCHING])


def test_files_are_values_where_nobody_fetches_them() -> None:
    job = a_job(convert=lambda data: data[0]).job
    for happened in (*WAYS[JobState.RUNNING], JobInput.RETURNED_FILES):
        DO[happened](job)
    assert job.result() == {"path": "/a/x.txt"}


def test_a_job_that_ends_any_other_way_is_answered_too() -> None:
    for ending in (JobInput.COMPLETED, JobInput.FAILED, JobInput.CANCELLED):
        job = in_state(JobState.RUNNING).job
        calls: list[bool] = []
        job.on_answered.append(lambda calls=calls, job=job: calls.append(job.is_settled))  # type: ignore[misc]
        DO[ending](job)
        assert (calls, job.is_answered) == ([True], True)


def test_uploaded_files_complete_the_payload() -> None:
    uploads = Uploads(lambda *, encode: b'{"data":[]}', lambda: "token")
    job = a_job(uploads=uploads).job
    assert job.uploads is uploads
    job.uploaded(b'{"data":["x"]}')
    assert (job.payload, job.uploads) == (b'{"data":["x"]}', None)


def test_a_settled_job_lets_go_of_the_files_that_it_was_to_send() -> None:
    job = a_job(uploads=Uploads(lambda *, encode: b"{}", lambda: "token")).job
    job.cancel()
    assert (job.uploads, job.payload) == (None, b"")
