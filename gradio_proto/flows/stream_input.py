"""Chunks of an input that is streamed in while its job runs, and the end of that input. See input_stream.py."""

from __future__ import annotations

from typing import Final

from ..effects import Flow, Signal, Wait
from ..errors import GradioError, LocalProtocolError
from ..events import Cancelled, Failed
from ..files import Uploads
from ..input_stream import InputStream, input_stream_of
from ..job import Job, JobState
from ..messages import ProcessCompleted
from ..replies import json_reply
from .calls import complete, follow
from .requests import post_json
from .state import ClientState, LiveSession
from .upload import upload_files

EVENT_ENDED: Final = 404
"""What Gradio 6 answers to a chunk for a job that has ended. Gradio 5 takes it, and drops it."""

ENDS_INPUT_SINCE: Final = (6, 31, 0)
"""Before, a server that is told of the end runs the function once more, on the chunk that it has processed already;
and if the function has no time limit, it waits for another chunk for half a minute. So it is asked to stop the job,
whose last value is known, where that harms no other job."""


def send_chunk(state: ClientState, live: LiveSession, job: Job, chunk: Uploads) -> Flow[None]:
    """Send one more chunk of a job's input, when the server has accepted the job and processed the chunk before.

    Args:
        state: The client.
        live: The session of the job.
        job: Which one.
        chunk: The payload, and the files in it.

    Raises:
        ArgumentError: The endpoint takes no streamed input.
        LocalProtocolError: The input, or the job, has ended.
        GradioError: The server did not take the chunk, or a file of it.
    """
    stream = input_stream_of(job)
    turn = Signal()
    try:
        yield from _wait_for_turn(stream, turn)
        _check_open(stream, job)
        if chunk.paths:
            yield from _upload(state, job, chunk)
        yield from _until_processed(state, live, job, stream)
        _check_open(stream, job)
        yield from _post(state, job, stream, chunk.payload())
    finally:
        stream.end_turn(turn)


def _post(state: ClientState, job: Job, stream: InputStream, payload: bytes) -> Flow[None]:
    route = f"stream/{job.event_id}"
    stream.chunk_sent()
    try:
        response = yield from post_json(
            state, state.target(route), payload, headers=job.headers, until=job.deadline
        )
        if response.status == EVENT_ENDED:
            raise _ended(stream, job)
        json_reply(response, state.limits, f"/{route}")
    except BaseException:
        stream.chunk_lost()
        raise


def close_stream(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """End a job's input, when the server has processed all of it. Nothing is done if the input or the job has ended.

    Args:
        state: The client.
        live: The session of the job.
        job: Which one.

    Raises:
        ArgumentError: The endpoint takes no streamed input.
        GradioError: The server was not reached, or said no.
    """
    stream = input_stream_of(job)
    turn = Signal()
    try:
        yield from _wait_for_turn(stream, turn)
        yield from _until_processed(state, live, job, stream)
        if stream.is_closed or job.is_answered:
            return
        if state.app.config.version_info < ENDS_INPUT_SINCE and stream.last is not None:
            last = ProcessCompleted(job.event_id, stream.last.output, success=True)
            if (yield from complete(state, live, job, last)):
                stream.is_closed = True
                return
        route = f"stream/{job.event_id}/close"
        response = yield from post_json(
            state, state.target(route), b"{}", headers=job.headers, until=job.deadline
        )
        if response.status != EVENT_ENDED:
            json_reply(response, state.limits, f"/{route}")
        stream.is_closed = True
    finally:
        stream.end_turn(turn)


def end_whole_input(state: ClientState, live: LiveSession, job: Job) -> Flow[None]:
    """End the input of a job that was given all of it at once. Where that fails, so does the job."""
    try:
        yield from close_stream(state, live, job)
    except GradioError as error:
        job.fail(error)


def _wait_for_turn(stream: InputStream, turn: Signal) -> Flow[None]:
    while not stream.take_turn(turn):
        yield Wait(turn, None)  # whoever is before this one has deadlines
        turn.clear()


def _upload(state: ClientState, job: Job, chunk: Uploads) -> Flow[None]:
    stop = Signal()
    job.on_settled.append(stop.set)
    try:
        yield from upload_files(state, job, chunk, stop)
    finally:
        if not job.is_settled:
            job.on_settled.remove(stop.set)


def _until_processed(state: ClientState, live: LiveSession, job: Job, stream: InputStream) -> Flow[None]:
    """Wait until the server has answered every chunk that was sent, or the job has ended."""
    yield from _until_accepted(job)
    if not job.is_answered:
        yield from follow(state, live, job, lambda: job.is_answered or stream.is_processed, every_event=True)


def _until_accepted(job: Job) -> Flow[None]:
    news = Signal()
    job.on_news.append(news.set)
    try:
        while job.state in (JobState.NEW, JobState.JOINING):
            news.clear()
            yield Wait(news, None)  # whoever carries the job ends it when its time is up
    finally:
        job.on_news.remove(news.set)


def _check_open(stream: InputStream, job: Job) -> None:
    if stream.is_closed or job.is_answered:
        raise _ended(stream, job)


def _ended(stream: InputStream, job: Job) -> LocalProtocolError:
    outcome = job.outcome
    cause = outcome.error if isinstance(outcome, Failed) else None
    if stream.is_closed:
        why = "close_stream() has ended it"
    elif cause is not None:
        why = f"the job has failed: {cause.args[0]}"
    elif isinstance(outcome, Cancelled):
        why = "the job was cancelled"
    elif stream.time_limit is not None:
        why = f"the server's time limit of {stream.time_limit:.3g} s is over"
    else:
        why = "the server has ended the job"
    error = LocalProtocolError(f"the job takes no more input: {why}")
    error.__cause__ = cause
    return error.with_context(endpoint=job.label, event_id=job.event_id)
