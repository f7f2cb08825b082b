"""All targets."""

from __future__ import annotations

from typing import Final

from . import config, diffs, http, messages, sse, websocket
from .promises import Target

TARGETS: Final[dict[str, Target]] = {
    module.TARGET.name: module.TARGET for module in (sse, messages, diffs, config, websocket, http)
}
