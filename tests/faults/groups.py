"""All faults, by their ids."""

from __future__ import annotations

from . import (
    config,
    cookies,
    diffs,
    files,
    hoards,
    info,
    join,
    life,
    messages,
    redirects,
    sse,
    streams,
    tls,
    uploads,
)
from .model import Fault

FAULTS: tuple[Fault, ...] = (
    *config.FAULTS,
    *info.FAULTS,
    *tls.FAULTS,
    *redirects.FAULTS,
    *cookies.FAULTS,
    *join.FAULTS,
    *streams.FAULTS,
    *sse.FAULTS,
    *messages.FAULTS,
    *diffs.FAULTS,
    *uploads.FAULTS,
    *files.FAULTS,
    *hoards.FAULTS,
    *life.FAULTS,
)

BY_ID: dict[str, Fault] = {fault.id: fault for fault in FAULTS}
