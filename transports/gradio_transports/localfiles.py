"""Files on this machine: what a caller gave is read, what an app handed out is written. Every transport uses this.

What is read is what :func:`gradio_proto.handle_file` was given, and nothing else. What is written comes from a server:
it lies in a directory of ours or the caller's, under a name without a path, is this user's alone to read, and shows
under its name only when it is whole. Nothing is left of what was not finished.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
import tempfile
from typing import BinaryIO, Final

from gradio_proto.errors import ArgumentError, FileError
from gradio_proto.files import FileInput

ENVIRONMENT: Final = "GRADIO_TEMP_DIR"
"""The variable by which Gradio and its official client are told where files go."""

_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)


def file_size(path: str) -> int:
    """The size of a file that is about to be sent.

    Raises:
        ArgumentError: It is not there, or no regular file.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArgumentError(f"the file {path!r} cannot be sent: {reason}") from error
    if not stat.S_ISREG(found.st_mode):
        raise ArgumentError(
            f"{path!r} is no regular file: open it yourself, and give handle_file() the stream and a name"
        )
    return found.st_size


class ReadableFile:
    """A file of the caller's, while it is sent: a LocalFile for ``ReadFile``."""

    def __init__(self, file: FileInput) -> None:
        """Open it.

        Raises:
            FileError: It cannot be opened.
        """
        self._name = file.name
        self._path: str | None = None
        self._owned: io.FileIO | None = None
        self._stream: io.FileIO | BinaryIO
        self._left: memoryview | None = None
        if isinstance(file.source, bytes):
            self._left = memoryview(file.source)
        elif isinstance(file.source, str):
            self._path = file.source
            try:
                self._stream = self._owned = open(  # noqa: SIM115 - closed by close()
                    file.source, "rb", buffering=0, opener=_without_waiting
                )
            except OSError as error:
                raise FileError(
                    f"the file {file.source!r} cannot be opened: {error.strerror}", path=self._path
                ) from error
            if not stat.S_ISREG(os.fstat(self._owned.fileno()).st_mode):
                self._owned.close()
                raise FileError(
                    f"{file.source!r} is no regular file any more: another one is in its place",
                    path=self._path,
                )
        else:
            self._stream = file.source

    @property
    def may_block(self) -> bool:
        """Whether reading runs code of the caller's, which may take any time."""
        return self._left is None and self._owned is None

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end.

        Raises:
            FileError: It cannot be read.
        """
        if self._left is not None:
            piece, self._left = self._left[:size], self._left[size:]
            return bytes(piece)
        try:
            data: object = self._stream.read(size)
        except BaseException as error:
            # A stream of the caller's may raise anything, and is read on a thread that nobody else would hear of.
            if self._owned is not None and not isinstance(error, Exception):
                raise
            raise FileError(f"{self._name} cannot be read: {error}", path=self._path) from error
        if not isinstance(data, bytes):
            raise FileError(f"{self._name} is no binary stream: reading it gives {type(data).__name__}")
        return data

    def close(self) -> None:
        """Close it, if it was opened here: a stream is its owner's to close."""
        self._left = None
        if self._owned is not None:
            self._owned.close()


def _without_waiting(path: str, flags: int) -> int:
    """Open a file to read. A pipe may have taken its place since it was measured: opening one waits for a writer, and
    the loop of an asynchronous client would wait with it."""
    return os.open(path, flags | _NO_WAIT)


class Downloads:
    """Where a transport keeps downloads whose caller named no directory."""

    def __init__(self) -> None:
        self._directory: str | None = None

    def create(self, directory: str | None) -> WritableFile:
        """Create a file of no name yet in ``directory``.

        Raises:
            FileError: There can be none.
        """
        try:
            if directory is None:
                directory = self._own_directory()
            directory = os.path.abspath(directory)
            os.makedirs(directory, mode=0o700, exist_ok=True)
            return WritableFile(directory)
        except (OSError, ValueError) as error:
            raise _not_written(directory, error) from error

    def _own_directory(self) -> str:
        given = os.environ.get(ENVIRONMENT)
        if given:
            return given
        if self._directory is None or not os.path.isdir(self._directory):
            self._directory = tempfile.mkdtemp(prefix="gradio-")  # 0700, and kept: its files are the caller's
        return self._directory


class WritableFile:
    """A file of a server's, while it comes in: a LocalFile for ``WriteFile`` and ``KeepFile``."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._process = os.getpid()
        self._path: str | None = os.path.join(directory, f".{secrets.token_hex(12)}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
        self._file: int | None = os.open(self._path, flags, 0o600)

    def write(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises:
            FileError: It cannot be written.
        """
        assert self._file is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise _not_written(self._directory, error) from error

    def keep(self, folder: str, name: str) -> str:
        """Give it its place, ``<directory>/<folder>/<name>``, and return that.

        Raises:
            FileError: It cannot be there.
        """
        assert self._file is not None
        assert self._path is not None
        place = os.path.join(self._directory, folder)
        kept = os.path.join(place, name)
        try:
            file, self._file = self._file, None
            os.close(file)
            try:
                os.mkdir(place, 0o700)
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(place).st_mode):
                    raise  # a link leads elsewhere
            os.replace(self._path, kept)
        except OSError as error:
            raise _not_written(kept, error) from error
        self._path = None
        return kept

    def close(self) -> None:
        """Close it, and remove it unless it was kept."""
        file, self._file = self._file, None
        path, self._path = self._path, None
        if file is not None:
            with contextlib.suppress(OSError):  # what was written late cannot be kept, which is no loss
                os.close(file)
        if path is not None and os.getpid() == self._process:  # a forked child leaves it to its parent
            with contextlib.suppress(OSError):  # somebody else has removed it
                os.unlink(path)


def _not_written(path: str | None, error: Exception) -> FileError:
    reason = error.strerror if isinstance(error, OSError) else error
    return FileError(f"a download cannot be written to {path!r}: {reason}", path=path)
