"""File names that are safe on every file system, whoever chose them.

A server names the files that it hands out, and a user may name a file as they like. Such a name may climb out
of a folder, open a device on Windows, or show itself as something that it is not. Whatever becomes part of a
local path goes through :func:`safe_file_name` first, on every system alike: what a call returns should not
depend on where it ran.
"""

from __future__ import annotations

import re
from typing import Final

NAME_BYTES: Final = 150
"""Bytes of a safe name in UTF-8. File systems take 255, and what others add to a name (" (1)", ".part") needs room;
Gradio's servers cut names at 200."""

_SUFFIX_BYTES: Final = 20
"""Bytes of a suffix that is kept when a name is cut: more than any that says how to open a file."""

_FALLBACK: Final = "file"

# C0 and C1 controls and DEL; line separators; the bidirectional controls that turn what follows around, so that
# "gpj.exe" reads as "exe.jpg"; surrogates, which UTF-8 does not know; and what separates or is reserved on
# Windows, where a colon leads to another drive, or to a stream of a file.
_UNSAFE: Final = re.compile(
    '[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\\\:<>"|?*]'
)

# Windows looks no further than the first dot, and passes over spaces before it: "nul .tar.gz" is a device.
_DEVICE: Final = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[1-9\xb9\xb2\xb3]) *(?:\.|\Z)", re.IGNORECASE
)


def safe_file_name(name: str) -> str:
    """Make one component of a path out of any string; an ordinary name comes out as it is.

    Each unsafe character becomes ``_``, dots and spaces at the end are dropped, the name of a device gets a
    ``_`` before it, and a long name is cut to :data:`NAME_BYTES` with its suffix kept. What is left of ``""``,
    ``"."`` and ``".."`` is ``"file"``. A safe name stays as it is when it is made safe again.
    """
    safe = _shortened(_UNSAFE.sub("_", name))
    return _shortened(f"_{safe}") if _DEVICE.match(safe) else safe


def last_component(path: str) -> str:
    """What stands after the last ``/`` or ``\\`` of a path from any system; the whole of it if there is none.

    It is not safe yet, and empty where a path ends in a separator.
    """
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def _shortened(name: str) -> str:
    name = name.rstrip(". ")
    size = len(name.encode())
    if size > NAME_BYTES:
        stem, dot, end = name.rpartition(".")
        suffix = f"{dot}{end}".encode()
        if len(suffix) > _SUFFIX_BYTES:  # so it is where there is no dot: the suffix is the whole name
            stem, suffix = name, b""
        # A cut may go through a character: what is left of it is dropped.
        cut = stem.encode()[: NAME_BYTES - len(suffix)] + suffix
        name = cut.decode("utf-8", "ignore").rstrip(". ")
    return name or _FALLBACK
