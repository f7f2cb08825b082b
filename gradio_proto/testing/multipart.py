"""``multipart/form-data``, taken apart as it comes in, in time linear in its length whatever the pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

_HEADER_LIMIT: Final = 8 * 2**10
"""Bytes of the headers of one part, as python-multipart has it."""

_PARAMETER = re.compile(r""";\s*([\w-]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]*)""")


class MultipartError(Exception):
    """The body is not what its content type says, or is more than may be; the text says so to the client."""


@dataclass(eq=False)
class Part:
    """One part of a form: a file if it has a file name, a field otherwise."""

    name: str
    filename: str | None
    pieces: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    """Bytes so far."""

    @property
    def data(self) -> bytes:
        """What is in it."""
        return b"".join(self.pieces)


def boundary_of(content_type: str) -> bytes | None:
    """The boundary in a content type of ``multipart/form-data``; None if it is another type.

    Raises:
        MultipartError: It has none.
    """
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    boundary = parameters(content_type).get("boundary")
    if not boundary:
        raise MultipartError("Missing boundary in multipart.")
    return boundary.encode("latin-1", "replace")


def parameters(header: str) -> Mapping[str, str]:
    """The parameters behind the value of a header, their names in lower case."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(header):
        if value.startswith('"'):
            value = re.sub(r'\\(["\\])', r"\1", value[1:-1])
        found[name.lower()] = value
    return found


class MultipartParser:
    """Takes a body piece by piece.

    Args:
        boundary: The boundary that its content type names.
        on_part: Called when a part begins, before any of its data.
        on_data: Called with each piece of a part's data, after it has been added to the part.
    """

    def __init__(
        self,
        boundary: bytes,
        on_part: Callable[[Part], None] = lambda part: None,
        on_data: Callable[[Part, bytes], None] = lambda part, data: None,
    ) -> None:
        self.parts: list[Part] = []
        """The parts so far, in order."""
        self._delimiter = b"\r\n--" + boundary
        self._on_part = on_part
        self._on_data = on_data
        # The first delimiter may stand at the very beginning.
        self._buffer = bytearray(b"\r\n")
        self._read: Callable[[], bool] = self._read_data
        self._ended = False
        self._part: Part | None = None

    def feed(self, data: bytes | bytearray) -> None:
        """Take a piece.

        Raises:
            MultipartError: This is no multipart body; or ``on_part`` or ``on_data`` raised it.
        """
        self._buffer += data
        while self._read():
            pass

    def finish(self) -> None:
        """The body is at its end.

        Raises:
            MultipartError: It stops short.
        """
        if not self._ended:
            raise MultipartError("The multipart body ends before its closing delimiter.")

    def _read_data(self) -> bool:
        """Data of a part (or, before the first, what nobody reads) up to the next delimiter."""
        at = self._buffer.find(self._delimiter)
        # The end of the buffer may be the beginning of a delimiter.
        end = at if at >= 0 else max(len(self._buffer) - len(self._delimiter) + 1, 0)
        if self._part is not None and end:
            data = bytes(memoryview(self._buffer)[:end])
            self._part.pieces.append(data)
            self._part.size += end
            self._on_data(self._part, data)
        del self._buffer[:end]
        if at < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        self._read = self._read_delimiter
        return True

    def _read_delimiter(self) -> bool:
        """What follows a delimiter: the end of the line, or the end of all."""
        if len(self._buffer) < 2:
            return False
        if self._buffer.startswith(b"--"):
            self._read = self._read_rest
        elif self._buffer.startswith(b"\r\n"):
            self._read = self._read_headers
        else:
            raise MultipartError("Expected CR LF or two hyphens behind the delimiter of a part.")
        return True

    def _read_headers(self) -> bool:
        """The headers of a part, up to the empty line behind them."""
        # The line break behind the delimiter is still there: without headers it is half of the empty line.
        at = self._buffer.find(b"\r\n\r\n")
        if (at if at >= 0 else len(self._buffer)) > _HEADER_LIMIT:
            raise MultipartError(f"Headers exceeded maximum allowed size of {_HEADER_LIMIT} bytes.")
        if at < 0:
            return False
        disposition = ""
        for line in bytes(self._buffer[:at]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-disposition":
                disposition = _decoded(value)
        del self._buffer[: at + 4]
        given = parameters(disposition)
        if "name" not in given:
            raise MultipartError('The Content-Disposition header field "name" must be provided.')
        self._part = Part(given["name"], given.get("filename"))
        self.parts.append(self._part)
        self._on_part(self._part)
        self._read = self._read_data
        return True

    def _read_rest(self) -> bool:
        """What follows the last delimiter: of no interest."""
        self._ended = True
        self._buffer.clear()
        return False


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
