"""What happens to a job as JSON: the lines that ``events`` prints, with the words of :mod:`gradio_proto.events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .naming import by_label

if TYPE_CHECKING:
    from gradio_proto.events import JobEvent


def as_json(event: JobEvent, labels: list[str]) -> dict[str, Any]:
    """An event as an object whose ``"event"`` says what it is.

    Args:
        event: The event.
        labels: The names of the endpoint's outputs.
    """
    from gradio_proto import events
    from gradio_proto.errors import AppError

    match event:
        case events.Queued(rank=rank, queue_size=size, eta=eta):
            return {"event": "queued", "rank": rank, "queue_size": size, "eta": eta}
        case events.Started(eta=eta):
            return {"event": "started", "eta": eta}
        case events.Progress(units=units):
            names = ("index", "length", "unit", "progress", "desc")
            return {
                "event": "progress",
                "units": [{name: getattr(unit, name) for name in names} for unit in units],
            }
        case events.Log(text=text, level=level, title=title, duration=duration, visible=visible):
            return {
                "event": "log",
                "level": level,
                "text": text,
                "title": title,
                "duration": duration,
                "visible": visible,
            }
        case events.Output(value=value):
            return {"event": "output", "data": by_label(labels, value)}
        case events.Unknown(message=message):
            return {"event": "unknown", "message": dict(message.fields)}
        case events.Completed(value=value):
            return {"event": "completed", "data": by_label(labels, value)}
        case events.Failed(error=error):
            told = error.message if isinstance(error, AppError) else str(error)
            return {"event": "failed", "error": type(error).__name__, "message": told}
        case events.Cancelled(by_server=by_server):
            return {"event": "cancelled", "by_server": by_server}
