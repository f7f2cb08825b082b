"""Downloads: the files that an app hands out, each streamed to its place on this machine."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from ..effects import CreateFile, Flow, KeepFile, ReadBody, Signal, TimedOut, Wait, WriteFile
from ..errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
)
from ..exchange import Exchange
from ..files import FileOutput
from ..http import Headers, ResponseHead
from ..job import Job
from ..replies import RETRYABLE_STATUS, reply_error, retry_after
from ..timeouts import deadline, earlier
from ..transfers import Transfer
from ..urls import target
from .requests import LONGEST_RETRY_AFTER, back_off, open_exchange, read_reply
from .state import ClientState

_DIGITS: Final = 18
"""Digits of a content-length that are believed; more is no size of anything."""


def download_files(
    state: ClientState, job: Job, files: Iterable[FileOutput], *, until: float | None = None, stop: Signal
) -> Flow[None]:
    """Fetch files that a job has handed out and that are not here yet, and note in ``job.local_paths`` where each is.
    Returns early when ``stop`` is set.

    Whoever reads a job's outputs may want a file that is on its way already: it is fetched once. What turns out to be
    no file, in an app's own JSON, stays what it is.

    Raises:
        GradioError: A file could not be fetched, or not be written here.
    """
    for file in files:
        while file in job.fetching and not stop.is_set:
            yield from _wait_for_other(job, file, until)
        if stop.is_set:
            return
        if file not in job.local_paths:
            job.fetching[file] = []
            try:
                path = yield from (
                    _download(state, file, job.headers, until, stop)
                    if file.content is None
                    else _decode(state, file, file.content)
                )
                if path is not None:
                    job.local_paths[file] = path
            except GradioError as error:
                if file.is_declared or not isinstance(error, HTTPStatusError):
                    raise _after_the_function(error)  # noqa: B904 - where it is another error, this one is its cause
            finally:
                for wake in job.fetching.pop(file):
                    wake()


def _after_the_function(error: GradioError) -> GradioError:
    """What kept a file away, as an error of the job that returned it: its function has run, and would run again."""
    if isinstance(error, ConnectError):  # which says that nothing was sent
        lost = ConnectionLost(str(error), phase="accepted")
        lost.__cause__ = error
        return lost
    if isinstance(error, ConnectionLost | DeadlineExceeded):
        error.phase = "accepted"
    error.retryable = False
    return error


def _wait_for_other(job: Job, file: FileOutput, until: float | None) -> Flow[None]:
    """Wait until nobody else fetches a file of a job, or the job is settled."""
    turn = Signal()
    job.fetching[file].append(turn.set)
    job.on_settled.append(turn.set)
    in_time, _ = yield Wait(turn, until)
    if not in_time:
        raise _late(file)


def _late(file: FileOutput) -> DeadlineExceeded:
    return DeadlineExceeded(f"{file.name} could not be fetched in time", kind="total", phase="accepted")


def _decode(state: ClientState, file: FileOutput, content: str) -> Flow[str]:
    """Write what has come within the output."""
    try:
        data = base64.b64decode(content, validate=True)
    except ValueError as error:  # a character that is none of base64, or not even of ASCII
        raise RemoteProtocolError(
            f"{file.name} was sent as base64, and is none ({error})", data=content
        ) from error
    if len(data) > state.limits.download_bytes:
        raise LimitExceeded("download_bytes", state.limits.download_bytes)
    _report(state, file, 0, len(data))
    created, _ = yield CreateFile(state.download_directory)
    try:
        yield WriteFile(created, data)
        path: str
        path, _ = yield KeepFile(created, sha256(data).hexdigest(), file.name)
        _report(state, file, len(data), len(data), is_done=True)
        return path
    finally:
        created.close()


def _download(
    state: ClientState, file: FileOutput, headers: Headers, until: float | None, stop: Signal
) -> Flow[str | None]:
    """Fetch one file, and again from its beginning when the network fails or it is a bad moment."""
    attempt = 0
    # Not ClientState.target(), which remembers: every file is asked for once.
    place = target(state.url.base_path, state.app.config.api_prefix, file.route, file.query)
    while True:
        again = attempt < state.get_retries and not file.is_given_once
        pause: float | None = None
        try:
            exchange, head, now = yield from open_exchange(state, "GET", place, headers=headers, until=until)
            try:
                if stop.is_set:
                    return None
                if head.status == 200:
                    return (yield from _store(state, file, exchange, head, now, until, stop))
                response = yield from read_reply(state, exchange, head, now, until)
                pause = retry_after(head)
                if not again or head.status not in RETRYABLE_STATUS or (pause or 0.0) > LONGEST_RETRY_AFTER:
                    raise reply_error(response, state.limits, f"the download of {file.name}", "the file")
            finally:
                exchange.close()
        except (ConnectError, ConnectionLost) as error:
            if not again or (isinstance(error, ConnectError) and not error.retryable):
                raise
        now = yield from back_off(state, attempt, pause, until=until, wake=stop)
        if stop.is_set:
            return None
        if until is not None and now >= until:
            raise _late(file)
        attempt += 1


def _store(
    state: ClientState,
    file: FileOutput,
    exchange: Exchange,
    head: ResponseHead,
    now: float,
    until: float | None,
    stop: Signal,
) -> Flow[str | None]:
    """Write a body to disk as it comes; the file has its name once it is whole. None when ``stop`` is set first.

    Files lie where the official client puts them: in a folder that is called after the SHA-256 of what they hold.
    """
    limit = state.limits.download_bytes
    told = head.get("content-length")
    size = int(told) if told.isascii() and told.isdigit() and len(told) <= _DIGITS else None
    if size is not None and size > limit:
        raise LimitExceeded("download_bytes", limit)
    done = 0
    content = sha256()
    created, _ = yield CreateFile(state.download_directory)
    try:
        while True:
            _report(state, file, done, size)
            try:
                piece, now = yield ReadBody(
                    exchange, earlier(deadline(now, state.timeouts.read), until), stop
                )
            except TimedOut as error:
                raise DeadlineExceeded("the server stopped in the middle of a file", kind="read") from error
            if piece is None:
                return None
            if not piece:
                break
            done += len(piece)
            if done > limit:
                raise LimitExceeded("download_bytes", limit)
            content.update(piece)
            yield WriteFile(created, piece)
        path: str
        path, _ = yield KeepFile(created, content.hexdigest(), file.name)
        _report(state, file, done, done, is_done=True)
        return path
    finally:
        created.close()


def _report(
    state: ClientState, file: FileOutput, done: int, size: int | None, *, is_done: bool = False
) -> None:
    if state.on_transfer is not None:
        state.on_transfer(file, Transfer("download", file.name, done, size, is_done))


def download_file(state: ClientState, file: FileOutput) -> Flow[str]:
    """Fetch a file that belongs to no job under way, and return where it is.

    Raises:
        GradioError: As :func:`download_files`.
    """
    path = yield from _download(state, file, (), None, Signal())
    assert path is not None  # nobody stops it
    return path


def fetch_outputs(state: ClientState, job: Job, files: Iterable[FileOutput]) -> Flow[None]:
    """Fetch the files of an output of a job that goes on; media that is still growing is left for its end."""
    whole = [file for file in files if not file.is_stream]
    yield from download_files(state, job, whole, stop=Signal())
