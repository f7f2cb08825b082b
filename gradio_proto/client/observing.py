"""Telling of what a client does: to the caller's hook, and to the logger ``gradio_proto``.

Theory of operation. A :class:`~gradio_proto.tracing.Tracer` hears of jobs and messages from the flows, and of exchanges
from :class:`TracedTransport`, which stands before the client's own transport and puts a
:func:`~gradio_proto.flows.traced.traced` around each flow. Where nobody asks, there is neither.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from ..effects import Flow
from ..flows.traced import traced
from ..text import printable
from ..tracing import (
    ExchangeEnded,
    ExchangeStarted,
    JobEnded,
    JobStarted,
    MessageReceived,
    ResponseStarted,
    Tracer,
    TraceRecord,
)
from ..transport import Transport
from .logs import logger

X = TypeVar("X", bound=Transport)


def observed(transport: X, on_trace: Callable[[TraceRecord], Any] | None) -> tuple[X, Tracer]:
    """The transport to use in place of ``transport``, and what the flows are to tell of jobs and messages."""
    tracer = Tracer(_teller(on_trace), transport.monotonic)
    transport.on_fork(tracer.forget)
    return cast(X, TracedTransport(transport, tracer)), tracer


def _teller(on_trace: Callable[[TraceRecord], Any] | None) -> Callable[[TraceRecord], None]:
    is_logged = logger.isEnabledFor(logging.INFO)

    def tell(record: TraceRecord) -> None:
        if is_logged:
            log(record)
        if on_trace is not None:
            try:
                on_trace(record)
            except Exception:  # no job is to end because of it
                logger.exception("%r raised", on_trace)

    return tell


def log(record: TraceRecord) -> None:
    """Write a record to the log: jobs as INFO, exchanges and messages as DEBUG. Whatever a server has said is made
    printable first, and what an app's functions were given and gave is left out."""
    match record:
        case JobStarted():
            logger.info("job %d started: %s", record.job, printable(record.endpoint))
        case JobEnded():
            if record.error is None:
                what = f"{record.endpoint} (event {record.event_id or 'unknown'})"
            else:
                what = f"{type(record.error).__name__}: {record.error}"  # which says the rest
            logger.info("job %d %s: %s", record.job, record.outcome, printable(what))
        case ExchangeStarted():
            logger.debug("exchange %d: %s %s", record.exchange, record.method, printable(record.url))
        case ResponseStarted():
            logger.debug("exchange %d: %d %s", record.exchange, record.status, printable(record.content_type))
        case ExchangeEnded():
            why = "" if record.error is None else f": {type(record.error).__name__}: {record.error}"
            logger.debug(
                "exchange %d ended after %d bytes%s", record.exchange, record.received, printable(why)
            )
        case MessageReceived():
            logger.debug(
                "message %s for %s in session %s: %d characters",
                record.kind,
                printable(record.event_id or "all"),
                printable(record.session_hash or "unnamed"),
                record.size,
            )


class TracedTransport(Generic[X]):
    """A transport whose flows tell of their exchanges; all else is the transport's own."""

    def __init__(self, transport: X, tracer: Tracer) -> None:
        self._transport: Any = transport
        self._tracer = tracer

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow; with an async transport, what is to be awaited."""
        return self._transport.run(traced(flow, self._tracer))

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow."""
        self._transport.spawn(traced(flow, self._tracer), promised=promised)

    def close(self) -> None:
        """Close every connection, which ends what was open."""
        self._transport.close()
        self._tracer.look()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
