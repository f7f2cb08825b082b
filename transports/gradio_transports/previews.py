"""Downloaded images, sounds and videos as data URLs, for notebooks.

A string in an output may look like any path, and a notebook is saved and passed on with what it shows. So a file is
read only if this library has downloaded it: it lies in a directory that is named after the SHA-256 of what the file
holds, which nobody can say of a file that was there before.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64encode
from hashlib import sha256
from typing import Final

MOST: Final = 16 * 2**20
"""Bytes of a file that is shown."""

_TYPES: Final = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
"""What browsers show by themselves. SVG is not among them, which may hold scripts."""

_SLASHES: Final = frozenset("/\\")
"""Of these, two at the beginning of a path name another machine on Windows: even a look at the file would log in to
it."""

_DIGEST: Final = re.compile("[0-9a-f]{64}")


def preview(path: str) -> tuple[str, str] | None:
    """The media type of a downloaded file, and the file as a data URL; None for anything else."""
    if path[:1] in _SLASHES and path[1:2] in _SLASHES:
        return None
    directory, name = os.path.split(path)
    digest = os.path.basename(directory)
    media_type = _TYPES.get(name.rpartition(".")[2].lower())
    if media_type is None or not _DIGEST.fullmatch(digest):
        return None
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST:
            return None
        with open(path, "rb") as file:
            data = file.read(MOST + 1)
    except (OSError, ValueError):
        return None
    if sha256(data).hexdigest() != digest:
        return None
    return media_type, f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
