"""What is said in the place of recorded names: the session that asks, its events, and where the replay is."""

from __future__ import annotations

from typing import Final, TypeAlias

LEAST_NAME: Final = 6
"""Characters of a session's hash from which on another is put in its place: a shorter one stands in everything."""

Names: TypeAlias = dict[bytes, bytes]
"""The live ones, by the recorded ones."""


def renamed(data: bytes, names: Names) -> bytes:
    """The data with the live names."""
    for recorded, live in names.items():
        if recorded != live:
            data = data.replace(recorded, live)
    return data
