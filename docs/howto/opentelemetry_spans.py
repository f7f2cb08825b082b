"""OpenTelemetry spans for a client's calls and requests: ``Client(url, on_trace=Spans(tracer))``."""

from __future__ import annotations

from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from gradio_proto.tracing import (
    ExchangeEnded,
    ExchangeStarted,
    JobEnded,
    JobStarted,
    MessageReceived,
    ResponseStarted,
    TraceRecord,
)


class Spans:
    """A span for each job and for each HTTP request, and an event on a job's span for each message about it.

    A span's parent is whatever span is current where it begins. For a job, that is where it was called.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._jobs: dict[int, Span] = {}
        self._exchanges: dict[int, Span] = {}
        self._messages: dict[str, list[tuple[str, int]]] = {}

    def __call__(self, record: TraceRecord) -> None:
        match record:
            case JobStarted():
                attributes = {"gradio.endpoint": record.endpoint, "gradio.fn_index": record.fn_index}
                name = f"gradio {record.endpoint}"
                span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
                self._jobs[record.job] = span
            case MessageReceived(event_id=str()):
                # Which job an event belongs to is known when the job ends.
                self._messages.setdefault(record.event_id, []).append((record.kind, record.size))
            case JobEnded():
                span = self._jobs.pop(record.job)
                for kind, size in self._messages.pop(record.event_id or "", ()):
                    span.add_event(kind, {"gradio.message.size": size})
                span.set_attribute("gradio.outcome", record.outcome)
                if record.event_id is not None:
                    span.set_attribute("gradio.event_id", record.event_id)
                if record.error is not None:
                    span.set_attribute("error.type", type(record.error).__name__)
                    span.set_status(StatusCode.ERROR, str(record.error))
                span.end()
                if not self._jobs:
                    self._messages.clear()  # of jobs that were given up before, and of which the server still spoke
            case ExchangeStarted():
                url = urlsplit(record.url)
                attributes = {
                    "http.request.method": record.method,
                    "server.address": url.hostname or "",
                    "url.full": record.url,
                }
                name = f"{record.method} {url.path}"
                span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
                self._exchanges[record.exchange] = span
            case ResponseStarted():
                span = self._exchanges[record.exchange]
                span.set_attribute("http.response.status_code", record.status)
            case ExchangeEnded():
                span = self._exchanges.pop(record.exchange)
                span.set_attribute("http.response.body.size", record.received)
                if record.error is not None:
                    span.set_attribute("error.type", type(record.error).__name__)
                    span.set_status(StatusCode.ERROR, str(record.error))
                span.end()
