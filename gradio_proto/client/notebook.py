"""What clients, endpoints, jobs and downloaded files look like in a notebook.

Nothing here asks the server or waits: it shows what is known. Every text from a server is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from ..config import is_object
from ..endpoints import App, Endpoint
from ..events import Failed, Output
from ..job import Job
from ..text import printable
from ..typed.annotations import signature_of
from ..typed.docstrings import docstring_of
from .api import named_endpoints, python_name

if TYPE_CHECKING:
    from .engine import Engine

_ROWS: Final = 100
"""Endpoints that a table shows."""

_TEXT: Final = 2_000
"""Characters of a value."""

_MEDIA: Final = 20
"""Files that are shown at once."""

_PARTS: Final = 10_000
"""Parts of a value that are searched for files."""

_STYLE: Final = "text-align: left"


def client_html(about: str, engine: Engine[Any] | None) -> str:
    """A client: its app, and the endpoints of that with their signatures.

    Args:
        about: What its repr says.
        engine: What it runs on; None for a client that is not open yet.
    """
    if engine is None:
        return f"<pre>{_text(about)}</pre>"
    app = engine.current_app()
    version = f"Gradio {app.config.version or '(unknown version)'}, protocol {app.config.protocol}"
    names = list(named_endpoints(app).items())
    rows = [
        (_code(endpoint.label), _code(f"{name}{signature_of(endpoint)}"), _first_line(endpoint))
        for name, endpoint in names[:_ROWS]
    ]
    more = f"<p>and {len(names) - _ROWS} more</p>" if len(names) > _ROWS else ""
    head = f"<p><b>{_text(about)}</b><br>{_text(version)}</p>"
    return head + _table(("endpoint", "client.api", ""), rows) + more


def endpoint_html(endpoint: Endpoint, app: App) -> str:
    """An endpoint: its signature and its docstring."""
    shown = f"{python_name(app, endpoint)}{signature_of(endpoint)}"
    return f"<pre>{_text(shown)}\n\n{escape(docstring_of(endpoint))}</pre>"


def job_html(job: Job, newest: Output | None) -> str:
    """A job: its endpoint, how far it is, and its newest output with the files in that."""
    rows = [
        ("endpoint", _code(job.label)),
        ("status", _text(job.code.value)),
        ("event_id", _code(job.event_id or "")),
    ]
    if isinstance(job.outcome, Failed):
        error = job.outcome.error
        rows.append(("error", _text(f"{type(error).__name__}: {error}")))
    if newest is None:
        return _table((), rows)
    rows.append(("output", _code(repr(newest.value))))
    return _table((), rows) + _media(newest.value)


class Shown:
    """A value that shows its files in a notebook. Made by :func:`gradio_proto.show`."""

    def __init__(self, value: Any) -> None:
        self.value = value
        """The value itself."""

    def __repr__(self) -> str:
        return repr(self.value)

    def _repr_html_(self) -> str:
        return f"<pre>{_text(repr(self.value))}</pre>{_media(self.value)}"


def show(value: Any) -> Shown:
    """Show the images, sounds and videos among an app's outputs, as the last line of a notebook's cell.

    An output holds a file as its path, a plain str, as the official client has it. This shows the files themselves.
    Only files that a client has downloaded are read; any other string, whatever it names, is text. A file of more than
    16 MiB is left out.

    Args:
        value: What a call has returned: a path, or a list, tuple or dict that holds some.

    Example:
        ``show(client.predict("a cat", api_name="/draw"))``
    """
    return Shown(value)


def _media(value: Any) -> str:
    preview = import_module("gradio_transports.previews").preview
    shown: list[str] = []
    for path in dict.fromkeys(_strings(value)):
        found: tuple[str, str] | None = preview(path)
        if found is None:
            continue
        if len(shown) == _MEDIA:
            break
        media_type, url = found
        kind = media_type.partition("/")[0]
        if kind == "image":
            shown.append(f'<img src="{url}" alt="{_text(path)}" style="max-width: 100%">')
        else:
            shown.append(f'<{kind} src="{url}" controls style="max-width: 100%"></{kind}>')
    return "".join(f"<div>{each}</div>" for each in shown)


def _strings(value: Any) -> Iterator[str]:
    """The strings in a value, in order."""
    todo: list[Any] = [value]
    for _ in range(_PARTS):
        if not todo:
            return
        part = todo.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list | tuple):
            todo.extend(reversed(cast("list[Any]", part)))
        elif is_object(part):
            todo.extend(reversed(list(part.values())))


def _first_line(endpoint: Endpoint) -> str:
    return _text(endpoint.info.description.strip().partition("\n")[0]) if endpoint.info is not None else ""


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; its cells are HTML already."""
    cells = "".join(f'<th style="{_STYLE}">{each}</th>' for each in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{cells}</tr>' if cells else ''}{body}</table>"


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>" if text else ""


def _text(text: str) -> str:
    return escape(printable(text, _TEXT))
