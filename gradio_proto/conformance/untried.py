"""The requirements that no case tries, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNTRIED: Final[Mapping[str, str]] = {
    "run/closed": "it is about apps that allow no direct calls (api_open=False), and the reference app is not run so",
    "session/state/changed": "it is about State to whose changes an event listens, and the reference app has none",
}
