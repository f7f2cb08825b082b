"""Files to send: names that hurt, and contents that a component can open."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...files import META
from ...legacy_files import data_url
from .texts import texts

FileForm: TypeAlias = Literal["uploaded", "legacy", "inline"]
"""How a file stands in the inputs: as FileData (Gradio 4 and later); as 3.x has uploaded files; or as a data URL with
the content in it, which is how 3.x takes an image."""

ContentKind: TypeAlias = Literal["any", "image", "audio"]
"""What a content has to be: anything, a picture that can be decoded, or a sound that can."""


@dataclass(frozen=True, slots=True)
class FileToSend:
    """A file in the place of a value, for whoever sends it to upload first."""

    name: str
    """What it is called, with whatever hurts in it."""
    content: bytes
    """Its bytes."""
    form: FileForm = "uploaded"
    """How it stands in the inputs."""

    @property
    def needs_upload(self) -> bool:
        """Whether it has to be on the server before it can be named."""
        return self.form != "inline"

    def as_json(self, path: str = "") -> Any:
        """What stands in the inputs.

        >>> FileToSend("a.txt", b"x").as_json("/tmp/a.txt")
        {'path': '/tmp/a.txt', 'orig_name': 'a.txt', 'meta': {'_type': 'gradio.FileData'}}

        Args:
            path: What the upload returned; nothing for a file that needs none.
        """
        if self.form == "inline":
            return data_url(self.name, self.content)
        if self.form == "legacy":
            return {"name": path, "data": None, "is_file": True, "orig_name": self.name}
        return {"path": path, "orig_name": self.name, "meta": {**META}}


ORDINARY_NAMES: Final = (
    "a.txt",
    "photo.png",
    "data",
    "report 1.pdf",
    "archive.tar.gz",
    "über.txt",
    "日本.csv",
)

HOSTILE_NAMES: Final = (
    # File systems.
    "../../up.txt",  # climbs out of the folder on POSIX
    "..\\..\\up.txt",  # and on Windows
    "/etc/passwd",  # joined to a folder, an absolute path wins
    "C:\\boot.ini",  # another drive
    "a.txt:stream",  # an alternate stream of NTFS
    "NUL.txt",  # a device, with any suffix
    "con",
    ".",  # the folder itself
    "..",
    ".hidden",
    "~/a.txt",  # expanded by shells, and by careless servers
    "a" * 300 + ".txt",  # more than the 255 bytes that file systems take
    "é" * 120 + ".txt",  # few characters, and many bytes
    "trailing dot.",  # dropped by Windows: another name then
    " spaces ",
    "e\u0301.txt",  # two characters that some systems make one of
    "a\x00.txt",  # ends a string of C
    # Multipart encoders.
    'quote".txt',  # ends the quoted string of the header
    "back\\slash.txt",  # an escape within it, to some
    "line\r\nX-Injected: 1.txt",  # another header
    "line\n.txt",
    "semi;colon=x.txt",  # another parameter
    "%22.txt",  # a quote, as browsers escape it: a server that unescapes cannot tell
    "é😀.txt",  # not in Latin-1, of which headers are made
    # URLs.
    "a#b.txt",  # a fragment
    "a?b=c.txt",  # a query
    "a%2Fb.txt",  # a slash, if it is unescaped once too often
    "a%00b.txt",
    "a+b.txt",  # a space, to forms
    "a b.txt",
    "a&amp;b.txt",
    "http://127.0.0.1/x.txt",  # a URL where a path should be
    "<script>alert(1)</script>.html",  # runs, where it is shown unescaped
    # Readers.
    "gpj.\u202eexe",  # shows itself as another suffix
    "line\u2028sep.txt",
)
"""Names that hurt file systems, multipart encoders and URLs. No server may fall over any, and none may get a file
anywhere but into the folder of uploads."""


def file_names(*, hostile: bool = True) -> SearchStrategy[str]:
    """Names of files: ordinary ones first, and then those that hurt.

    >>> from hypothesis import given
    >>> @given(file_names())
    ... def test_my_upload(name: str) -> None:
    ...     assert name.encode().decode() == name
    >>> test_my_upload()

    Args:
        hostile: Also what hurts file systems, multipart encoders and URLs, and any text. All names can be written
            in UTF-8, since no body of a request could carry others.
    """
    ordinary = st.sampled_from(ORDINARY_NAMES)
    if not hostile:
        return ordinary
    hurtful = st.sampled_from(sorted(HOSTILE_NAMES, key=len))
    return ordinary | hurtful | texts(min_size=1) | texts(max_size=4).map(lambda stem: f"{stem}.txt")


def file_contents(kind: ContentKind = "any", *, max_size: int = 64) -> SearchStrategy[bytes]:
    """Contents of files: empty ones, text, line ends of every kind, and what looks like the end of a multipart body.

    >>> from hypothesis import given
    >>> @given(file_contents("image"))
    ... def test_my_component(content: bytes) -> None:
    ...     assert content.startswith(b"\\x89PNG")
    >>> test_my_component()

    Args:
        kind: ``"image"`` for PNG of a few pixels, ``"audio"`` for WAV of a few samples, which a component of that kind
            can open.
        max_size: The most bytes of a content of any kind.
    """
    if kind == "image":
        side = st.integers(1, 4)
        return st.builds(png, side, side, st.integers(0, 255))
    if kind == "audio":
        return st.lists(st.integers(-(2**15), 2**15 - 1), min_size=8, max_size=32).map(wav)
    known = [content for content in _KNOWN_CONTENTS if len(content) <= max_size]
    return (
        st.sampled_from(known) | texts(max_size=max_size // 4).map(str.encode) | st.binary(max_size=max_size)
    )


_KNOWN_CONTENTS: Final = (
    b"",
    b"x",
    b"\r\n",
    b"\n",
    b"\r\n--",  # as before a boundary
    b"--boundary\r\n\r\n--boundary--\r\n",
    b"\x00",
    b"\xef\xbb\xbf",  # a byte order mark and nothing else
    b"\xff\xfe",  # no UTF-8
    b"<script>alert(1)</script>",
)


def png(width: int, height: int, shade: int) -> bytes:
    """A picture of one shade of grey (0 to 255), of so many pixels."""
    rows = (b"\x00" + bytes([shade]) * width) * height
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts += [struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(kind + data))]
    return b"".join(parts)


def wav(samples: list[int]) -> bytes:
    """A sound of one channel, 8,000 samples of 16 bits a second."""
    data = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body
