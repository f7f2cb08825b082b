"""Uploads: the files of a call, streamed piece by piece in a few requests, before its join."""

from __future__ import annotations

from typing import Final

from ..config import is_list
from ..effects import Flow, LocalFile, Now, Open, OpenFile, ReadBody, ReadFile, SendBody, Signal, TimedOut
from ..errors import ConnectionLost, DeadlineExceeded, FileError, LimitExceeded, RemoteProtocolError
from ..exchange import Exchange
from ..filenames import safe_file_name
from ..files import FileInput, Uploads, check_size
from ..http import Response
from ..job import Job
from ..legacy_files import data_url
from ..multipart import MultipartEncoder
from ..replies import json_reply
from ..timeouts import deadline, earlier
from ..transfers import Transfer
from .requests import make_request, read_head, read_reply
from .state import ClientState

PIECE: Final = 256 * 1024
"""Bytes read and sent at a time. Each piece has ``Timeouts.write`` to be taken, so a slow line wants small ones; what
a piece costs beside its bytes is about a tenth of a millisecond."""

FILES_PER_REQUEST: Final = 100
"""Files in one request. Servers refuse more than 1,000."""


def upload_files(state: ClientState, job: Job, uploads: Uploads, stop: Signal) -> Flow[None]:
    """Upload files that a payload of a job names, and note their paths; read those that are part of it. Stops when
    the job is settled, which sets ``stop``.

    Raises:
        GradioError: A file could not be read, or the server did not take it.
    """
    sender = _Sender(state, job, uploads, stop)
    files = list(uploads.paths)
    while files and not job.is_settled:
        batch, files = files[:FILES_PER_REQUEST], files[FILES_PER_REQUEST:]
        response = yield from sender.post(batch)
        if response is not None:
            paths = json_reply(response, state.limits, "/upload")
            if not is_list(paths) or len(paths) != len(batch) or not all(isinstance(p, str) for p in paths):
                raise RemoteProtocolError(
                    f"the reply to /upload is no list of {len(batch)} paths", data=repr(paths)
                )
            uploads.paths.update(zip(batch, paths, strict=True))
    for file in uploads.inlined:
        if not job.is_settled:
            content = yield from sender.read_whole(file)
            if content is not None:
                uploads.inlined[file] = data_url(file.name, content)


def _sent_name(file: FileInput) -> str:
    """The name that the upload carries. Servers drop much of it, and up to 5.x a name of which nothing is left before
    its suffix means trouble; the app is told the real one by ``orig_name``."""
    name = safe_file_name(file.name)
    stem, dot, suffix = name.rpartition(".")
    is_kept = any(char.isalnum() or char in "_-" for char in stem or suffix)
    return name if is_kept else f"file{dot}{suffix if dot else ''}"


class _Sender:
    """Sends the files of one job."""

    def __init__(self, state: ClientState, job: Job, uploads: Uploads, stop: Signal) -> None:
        self._state = state
        self._job = job
        self._sizes = uploads.sizes
        self._stop = stop

    def post(self, files: list[FileInput]) -> Flow[Response | None]:
        """Send one request with several files. None when the job was settled meanwhile."""
        state, job = self._state, self._job
        multipart = MultipartEncoder(state.entropy.token())
        names = [_sent_name(file) for file in files]
        sizes = [self._sizes[file] for file in files]
        length = multipart.content_length(list(zip(names, sizes, strict=True)))
        framing = ("transfer-encoding", "chunked") if length is None else ("content-length", str(length))
        _, now = yield Now()
        request = make_request(
            state,
            "POST",
            state.target("upload"),
            now,
            headers=(*job.headers, ("content-type", multipart.content_type), framing),
            is_streamed=True,
        )
        exchange, now = yield Open(request, self._until(now))
        broken: ConnectionLost | None = None
        try:
            try:
                for name, file in zip(names, files, strict=True):
                    if not (yield from self._send_file(exchange, file, multipart.part_head(name))):
                        return None
                yield from self._send(exchange, multipart.closing())
                yield from self._send(exchange, b"")
            except ConnectionLost as error:
                broken = error  # a server that takes no more has mostly said why
            _, now = yield Now()
            try:
                head, now = yield from read_head(state, exchange, now, job.deadline)
            except ConnectionLost as error:
                raise broken or error from None
            return (yield from read_reply(state, exchange, head, now, job.deadline))
        finally:
            exchange.close()

    def _until(self, now: float) -> float | None:
        return earlier(deadline(now, self._state.timeouts.write), self._job.deadline)

    def _send(self, exchange: Exchange, data: bytes) -> Flow[None]:
        _, now = yield Now()
        yield SendBody(exchange, data, self._until(now))

    def _send_file(self, exchange: Exchange, file: FileInput, pending: bytes) -> Flow[bool]:
        """Send one part: ``pending``, which goes before it, and the file. False when the job was settled meanwhile."""
        done = 0
        size = self._sizes[file]
        opened = yield from self._open(file)
        try:
            while True:
                self._report(file, done)
                piece = yield from self._read(file, opened)
                if piece is None:
                    return False
                done += len(piece)
                if size is None:
                    check_size(file, done, self._state.app.config.max_file_size)
                    if file.kind == "url" and done > self._state.limits.download_bytes:
                        raise LimitExceeded("download_bytes", self._state.limits.download_bytes)
                elif done > size or (not piece and done < size):
                    raise FileError(
                        f"{file.name} changed while it was sent: it had {size} bytes",
                        path=str(file.source) if file.kind == "path" else None,
                    )
                if pending or piece:
                    yield from self._send(exchange, pending + piece if pending else piece)
                    pending = b""
                if not piece:
                    self._report(file, done, is_done=True)
                    return True
        finally:
            opened.close()

    def read_whole(self, file: FileInput) -> Flow[bytes | None]:
        """Read a file that is part of the payload. None when the job was settled meanwhile."""
        limit = self._state.limits.inline_file_bytes
        content = bytearray()
        opened = yield from self._open(file)
        try:
            while True:
                self._report(file, len(content))
                piece = yield from self._read(file, opened)
                if piece is None:
                    return None
                if not piece:
                    self._report(file, len(content), is_done=True)
                    return bytes(content)
                content += piece
                if len(content) > limit:
                    raise LimitExceeded("inline_file_bytes", limit)
        finally:
            opened.close()

    def _open(self, file: FileInput) -> Flow[LocalFile]:
        """Open a file, wherever it is."""
        if file.kind == "url":
            from .foreign import open_foreign  # servers from 4.0 on read what lies elsewhere themselves

            return (yield from open_foreign(self._state, file, self._job.deadline))
        opened: LocalFile
        opened, _ = yield OpenFile(file)
        return opened

    def _read(self, file: FileInput, opened: LocalFile) -> Flow[bytes | None]:
        """Read on: ``b""`` at the end of the file, None when the job was settled meanwhile."""
        piece: bytes | None
        try:
            if isinstance(opened, Exchange):
                _, now = yield Now()
                until = earlier(deadline(now, self._state.timeouts.read), self._job.deadline)
                piece, _ = yield ReadBody(opened, until, self._stop)
            else:
                piece, _ = yield ReadFile(opened, PIECE, self._job.deadline, self._stop)
        except TimedOut as error:
            raise DeadlineExceeded(f"{file.name} could not be read in time", kind="read") from error
        return None if self._job.is_settled else piece

    def _report(self, file: FileInput, done: int, *, is_done: bool = False) -> None:
        if self._state.on_transfer is not None:
            transfer = Transfer("upload", file.name, done, self._sizes[file], is_done)
            self._state.on_transfer(file, transfer)
