"""Recordings in files: written as they happen, or at once, and read back."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from . import ndjson
from .model import Happening, Recording, RecordingError
from .redacting import Redactor

Format: TypeAlias = Literal["ndjson", "har"]
"""Our own, or HAR 1.2."""


class RecordingFile:
    """A file to which a recording is written as it happens.

    A HAR is one JSON value, which is written at the end. Until then the same is in a file of our own format beside
    it, whose name ends in ``.partial``; it stays if the recorder is killed, and :func:`read` takes it.

    Args:
        path: The file. One that is there is replaced.
        recording: What is known at the beginning: everything but the exchanges.
        format: Of the file.
        redactor: Takes out what is secret; None leaves it in.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, path: Path, recording: Recording, format: Format, redactor: Redactor | None) -> None:
        self._path = path
        self._written = path if format == "ndjson" else path.with_name(path.name + ".partial")
        self._format = format
        self._redactor = redactor
        self._lock = threading.Lock()
        # Only for its user: what passed between an app and him may be private without being a secret.
        self._file = open(self._written, "w", encoding="ascii", opener=_private)  # noqa: SIM115
        self.failure: OSError | None = None
        """Why it could not go on, if it could not: the disk is full, perhaps."""
        self._file.write(ndjson.first_line(recording))
        self._file.flush()

    def add(self, happening: Happening) -> None:
        """Write what has happened. After :meth:`close` nothing is written any more."""
        with self._lock:
            if self._file.closed:
                return
            written = [happening] if self._redactor is None else self._redactor.take(happening)
            self._write(map(ndjson.line, written))

    def _write(self, lines: Iterable[str]) -> None:
        try:
            self._file.writelines(lines)
            self._file.flush()
        except OSError as error:
            # No reason to end what is recorded. What was written stays readable: nothing follows a gap.
            self.failure = error
            with contextlib.suppress(OSError):
                self._file.close()

    def close(self) -> None:
        """Nothing more will come."""
        with self._lock:
            if self._file.closed:
                return
            rest = () if self._redactor is None else self._redactor.rest()
            self._write(map(ndjson.line, rest))
            self._file.close()
        if self._format == "har" and self.failure is None:
            try:
                write(read(self._written), self._path, "har")
                self._written.unlink()
            except OSError as error:
                self.failure = error  # everything is in the other file


def read(path: str | Path) -> Recording:
    """Read a recording: a HAR, or our own format.

    Args:
        path: The file. What it is, its beginning says.

    Raises:
        RecordingError: It is no recording.
        OSError: The file cannot be read.
    """
    with open(path, encoding="utf-8-sig") as file:
        try:
            first = file.readline()
            file.seek(0)
            if '"kind"' in first:
                return ndjson.read(file)
            from .har import from_har

            return from_har(json.load(file))
        except (ValueError, RecursionError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"this is no recording: {error}") from error


def write(recording: Recording, path: str | Path, format: Format = "ndjson") -> None:
    """Write a recording as it is. Nothing is taken out of it: recordings are redacted as they are made.

    Args:
        recording: The recording.
        path: The file. One that is there is replaced.
        format: ``"ndjson"`` for our own, or ``"har"``.

    Raises:
        OSError: The file cannot be written.
    """
    with open(path, "w", encoding="utf-8", opener=_private) as file:
        if format == "ndjson":
            file.writelines(ndjson.lines(recording))
        else:
            from importlib.metadata import version

            from .har import to_har

            json.dump(to_har(recording, version=version("gradio_proto")), file, ensure_ascii=False, indent=1)
            file.write("\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
