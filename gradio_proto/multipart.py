"""``multipart/form-data`` (RFC 7578) for uploads, built piece by piece.

Only what stands between the files is built here. Their bytes go from where they are read to where they are sent
without passing through, so a file of any size takes no memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .errors import LocalProtocolError

# Of the characters that RFC 2046 allows, those that no header has to quote.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z_-]{1,70}")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_CRLF: Final = b"\r\n"


class MultipartEncoder:
    """The body of one request that uploads files.

    Send :meth:`part_head` and the bytes of a file, the same for every further file, and :meth:`closing`.

    File names are written as browsers write them (the WHATWG's multipart/form-data encoding algorithm): in UTF-8,
    with ``%22``, ``%0D`` and ``%0A`` in place of a double quote, CR and LF. Gradio's servers do not decode those
    three: ``quo"te.txt`` is kept as ``quo%22te.txt`` by 6.x and as ``quo22te.txt`` before. They drop more: up to
    5.x all but letters, digits, spaces and ``._-`` (5.x keeps ``,`` and the suffix as well), so an emoji too; 6.x
    only separators and control characters of C0, and what Windows or a shell would mind. So a server's name for a
    file is the one in its reply. A name of which nothing is left (``😀``) gets a folder's path for a reply up to 5.x.

    Args:
        boundary: What no file contains: random, and new for each request, or a file could forge further parts.
        field: The name of the form's field; Gradio's upload route reads ``files``.

    Raises:
        ValueError: The boundary is not 1 to 70 ASCII letters, digits, ``_`` or ``-``.
    """

    def __init__(self, boundary: str, field: str = "files") -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise ValueError(f"a boundary is 1 to 70 ASCII letters, digits, '_' or '-', not {boundary!r}")
        self._boundary = boundary
        self._dash_boundary = b"--" + boundary.encode("ascii")
        self._field = _encode_name(field)
        self._is_begun = False
        self._is_closed = False

    @property
    def content_type(self) -> str:
        """The value of the request's ``Content-Type`` header."""
        return f"multipart/form-data; boundary={self._boundary}"

    def part_head(self, filename: str) -> bytes:
        """What goes before the bytes of the next file: the delimiter, and the headers of its part.

        Every file is sent as ``application/octet-stream``: Gradio goes by the name.

        Raises:
            LocalProtocolError: The body is closed.
        """
        return self._delimiter() + self._headers(filename)

    def closing(self) -> bytes:
        """What goes after the last file.

        Raises:
            LocalProtocolError: The body is closed already.
        """
        delimiter = self._delimiter()
        self._is_closed = True
        return delimiter + b"--" + _CRLF

    def content_length(self, parts: Iterable[tuple[str, int | None]]) -> int | None:
        """The bytes of a whole body with these parts; None when the size of one is unknown.

        Args:
            parts: The name of each file and the bytes in it, in any order.
        """
        total = len(self._dash_boundary) + len(b"--" + _CRLF)
        for filename, size in parts:
            if size is None:
                return None
            # Before each delimiter but the first stands a CRLF: as many as there are parts.
            total += len(self._dash_boundary) + len(self._headers(filename)) + size + len(_CRLF)
        return total

    def _delimiter(self) -> bytes:
        if self._is_closed:
            raise LocalProtocolError("this body is closed: make a MultipartEncoder for each request")
        # The CRLF before a delimiter belongs to it, and not to the file.
        delimiter = _CRLF + self._dash_boundary if self._is_begun else self._dash_boundary
        self._is_begun = True
        return delimiter

    def _headers(self, filename: str) -> bytes:
        name = _encode_name(filename)
        return (
            b'\r\nContent-Disposition: form-data; name="%b"; filename="%b"'
            b"\r\nContent-Type: application/octet-stream\r\n\r\n" % (self._field, name)
        )


def _encode_name(name: str) -> bytes:
    # A path that is not UTF-8 has surrogates in Python, and browsers send U+FFFD for those.
    text = _SURROGATE.sub("\ufffd", name)
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
