"""Files that a command writes."""

from __future__ import annotations

import os


def is_replaceable(path: str | os.PathLike[str]) -> bool:
    """Whether a file may be moved to a path, all at once, since nothing is there or a plain file.

    A device, a pipe or a link is written into instead: moved to ``/dev/stdout``, a file would take its place.
    """
    return not os.path.lexists(path) or (os.path.isfile(path) and not os.path.islink(path))
