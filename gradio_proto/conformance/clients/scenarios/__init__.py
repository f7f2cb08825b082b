"""Every scenario, by what it is about.

The order is that of a job's life: finding the app, joining, the stream, its messages and values, the end; behind that
what concerns one generation only.
"""

from __future__ import annotations

from typing import Final

from ..model import Scenario
from . import discovery, files, first_sse, framing, joins, messages, sockets, streams, values

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *discovery.SCENARIOS,
    *joins.SCENARIOS,
    *framing.SCENARIOS,
    *messages.SCENARIOS,
    *streams.SCENARIOS,
    *values.SCENARIOS,
    *files.SCENARIOS,
    *first_sse.SCENARIOS,
    *sockets.SCENARIOS,
)
