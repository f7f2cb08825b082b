"""Cases by what people write: the beginning of an id, a pattern, or an id that is nearly right."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

NEAR: Final = 5
"""How many ids are offered for one that there is not."""


def patterns(globs: Iterable[str], ids: Iterable[str]) -> tuple[str, ...]:
    """The patterns that a user's stand for: the beginning of an id stands for all that is below it.

    Args:
        globs: ``queue/join/unknown-fn``, ``queue/join``, ``queue/*/unknown-fn``.
        ids: The id of every case there is.

    Raises:
        LookupError: One matches no case at all, so it is misspelled.
    """
    known = list(ids)
    found: list[str] = []
    for glob in globs:
        meant = (glob, f"{glob.rstrip('/')}/*")
        if not any(fnmatchcase(id, pattern) for id in known for pattern in meant):
            near = near_ids(glob, known)
            raise LookupError(
                f"no case matches {glob!r}" + (f"; did you mean {', '.join(near)}?" if near else "")
            )
        found += meant
    return tuple(found)


def near_ids(id: str, ids: Iterable[str]) -> list[str]:
    """The ids that somebody may have meant: those that hold what he wrote, then those that are spelled like it."""
    from difflib import get_close_matches

    known = list(ids)
    holding = [other for other in known if id and id in other]
    spelled = get_close_matches(id, known, NEAR, cutoff=0.5)
    return list(dict.fromkeys([*holding, *spelled]))[:NEAR]
