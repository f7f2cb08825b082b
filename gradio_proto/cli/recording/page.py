"""A recording as one HTML page that needs nothing else: no request, no font, and no script at all.

Its policy forbids everything but its own style, and every text goes through
:mod:`gradio_proto.conformance.reports.markup`, which escapes it. A picture tells little to whoever cannot see it,
so each row of the timeline is a row of a table that has the same in words and numbers; what was said is in the
details below, which a browser opens by itself when a link leads there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from gradio_proto.conformance.reports.markup import Html, element, escaped, together
from gradio_proto.http import Headers
from gradio_proto.recording.model import Recording
from gradio_proto.recording.timeline import JobRow, Kind, Row, Tick, Timeline, timeline_of

SHOWN_CHARACTERS: Final = 4_000
"""Of a body; the rest is counted."""

SHOWN_TICKS: Final = 400
"""Of a row; a picture with more is no clearer. The details count them all."""

SHOWN_MESSAGES: Final = 200
"""Of an exchange, in its details."""

_LANE_REM: Final = 1.1
"""The height of a lane of signs, in the unit of the style sheet."""

_MOST_LANES: Final = 4
"""In a row; signs of more messages at one time cover each other."""

_SIGN_WIDTH: Final = 0.025
"""Of the width of a timeline."""

_SIGNS: Final[dict[Kind, tuple[str, str]]] = {
    "queued": ("q", "waits in the queue"),
    "asked": ("?", "data asked for"),
    "started": ("▸", "started"),
    "output": ("◆", "output"),
    "progress": ("%", "progress"),
    "log": ("i", "log"),
    "completed": ("✓", "completed"),
    "failed": ("✗", "failed"),
    "cancelled": ("−", "cancelled"),
    "alive": ("♥", "heartbeat"),
    "sent": (">", "sent by the client"),
    "other": ("·", "anything else"),
}

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write(recording: Recording, path: Path) -> None:
    """Write a recording as a page.

    Raises:
        OSError: The file cannot be written.
    """
    path.write_text(page(recording), encoding="utf-8")


def page(recording: Recording) -> str:
    """The page. Secrets are taken out, whatever the recording holds."""
    timeline = timeline_of(recording)
    app = timeline.recording.upstream or timeline.recording.address
    style = files(__package__ or "").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"Timeline of {app}"),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", "Timeline"),
            element("p", element("code", app), f", {_lead(timeline)}", class_="lead"),
        ),
        element(
            "main",
            _section("Jobs", _jobs_table(timeline)) if timeline.jobs else "",
            _section("Exchanges", _rows_table(timeline), _legend(timeline)),
            _section("Details", *(_details(row) for row in timeline.rows)),
        ),
    )
    return f'<!doctype html>\n<html lang="en">\n{head}\n{body}\n</html>\n'


def _lead(timeline: Timeline) -> str:
    started = timeline.recording.started.strftime("%Y-%m-%d %H:%M:%S UTC")
    jobs, exchanges = len(timeline.jobs), len(timeline.rows)
    return (
        f"recorded {started}: {jobs} {'job' if jobs == 1 else 'jobs'} in {exchanges} "
        f"{'exchange' if exchanges == 1 else 'exchanges'}, {_seconds(timeline.seconds)}"
    )


def _section(title: str, *parts: str) -> Html:
    return element("section", element("h2", title), *parts)


# The tables.


def _jobs_table(timeline: Timeline) -> Html:
    return _table(
        timeline,
        "Jobs",
        "endpoint",
        "outcome",
        (
            element(
                "tr",
                element("td", _link(job.number)),
                element("th", element("code", job.label), scope="row"),
                element("td", _outcome(job)),
                element("td", _seconds(job.start), class_="numeric"),
                element("td", _seconds(job.end - job.start), class_="numeric"),
                element("td", _job_track(timeline, job)),
            )
            for job in timeline.jobs
        ),
    )


def _rows_table(timeline: Timeline) -> Html:
    return _table(
        timeline,
        "Exchanges",
        "request",
        "answer",
        (
            element(
                "tr",
                element("td", _link(row.number)),
                element("th", element("code", f"{row.exchange.method} {row.exchange.path}"), scope="row"),
                element("td", _answer(row)),
                element("td", _seconds(row.start), class_="numeric"),
                element("td", _seconds(row.end - row.start), class_="numeric"),
                element("td", _row_track(timeline, row)),
            )
            for row in timeline.rows
        ),
    )


def _table(timeline: Timeline, label: str, what: str, said: str, rows: Iterable[Html]) -> Html:
    marks = [
        element("span", _seconds(timeline.seconds * part / 4), style=f"left:{25 * part}%")
        for part in range(5)
    ]
    head = element(
        "tr",
        element("th", "no.", scope="col", class_="number"),
        element("th", what, scope="col", class_="what"),
        element("th", said, scope="col", class_="said"),
        element("th", "began", scope="col", class_="time numeric"),
        element("th", "took", scope="col", class_="time numeric"),
        element("th", element("span", *marks, class_="axis"), scope="col"),
    )
    table = element("table", element("thead", head), element("tbody", *rows))
    return element("div", table, class_="scroll", role="region", aria_label=label, tabindex="0")


def _outcome(job: JobRow) -> Html:
    if job.outcome is None:
        return escaped("not recorded")
    return together(
        (element("span", _SIGNS[job.outcome][0], class_=f"sign {job.outcome}"), f" {job.outcome}")
    )


def _link(number: int) -> Html:
    return element("a", str(number), href=f"#x{number}")


def _answer(row: Row) -> str:
    response, end = row.exchange.response, row.exchange.end
    words = "no answer" if response is None else str(response.status)
    if end is None:
        return f"{words}, open"
    return words if end.how == "complete" else f"{words}, {end.how}"


# What is drawn. It says nothing that the table does not say, but for the messages, which it names.


def _row_track(timeline: Timeline, row: Row) -> Html:
    head_at = row.end if row.head_at is None else row.head_at
    bars = (_bar(timeline, "wait", row.start, head_at), _bar(timeline, "body", head_at, row.end))
    return _track(timeline, bars, row.ticks)


def _job_track(timeline: Timeline, job: JobRow) -> Html:
    started_at = job.end if job.started_at is None else job.started_at
    bars = (_bar(timeline, "wait", job.start, started_at), _bar(timeline, "body", started_at, job.end))
    return _track(timeline, bars, job.ticks)


def _track(timeline: Timeline, bars: Sequence[Html], ticks: Sequence[Tick]) -> Html:
    shown = _some(ticks, SHOWN_TICKS)
    lanes = _lanes(shown, timeline)
    marks = [
        element(
            "span",
            _SIGNS[tick.kind][0],
            class_=f"tick {tick.kind}",
            style=f"left:{_percent(tick.at, timeline)};top:{_LANE_REM * lane:g}rem",
            title=f"{_SIGNS[tick.kind][1]}, {_seconds(tick.at)}",
        )
        for tick, lane in zip(shown, lanes, strict=True)
    ]
    said = ", ".join(f"{_SIGNS[tick.kind][1]} at {_seconds(tick.at)}" for tick in _some(ticks, 40))
    height = f"height:{_LANE_REM * (max(lanes, default=0) + 1):g}rem"
    label = said or "no messages"
    return element("span", *bars, *marks, class_="track", role="img", aria_label=label, style=height)


def _lanes(ticks: Sequence[Tick], timeline: Timeline) -> list[int]:
    """Signs that would cover each other stand below each other: the lane of each, from the top."""
    ends: list[float] = []
    """Where the last sign of each lane ends."""
    lanes: list[int] = []
    for tick in ticks:
        place = tick.at / timeline.seconds
        free = next((lane for lane, end in enumerate(ends) if end <= place), len(ends))
        if free == len(ends) < _MOST_LANES:
            ends.append(0.0)
        lane = min(free, _MOST_LANES - 1)
        ends[lane] = place + _SIGN_WIDTH
        lanes.append(lane)
    return lanes


def _bar(timeline: Timeline, kind: str, start: float, end: float) -> Html:
    left, width = _percent(start, timeline), _percent(max(end - start, 0.0), timeline)
    return element("span", class_=f"bar {kind}", style=f"left:{left};width:{width}")


def _percent(seconds: float, timeline: Timeline) -> str:
    return f"{100 * seconds / timeline.seconds:.3f}%"


def _some(ticks: Sequence[Tick], most: int) -> Sequence[Tick]:
    """So many of them at most: the last one, how it ended, is always among them."""
    return ticks if len(ticks) <= most else [*ticks[: most - 1], ticks[-1]]


def _legend(timeline: Timeline) -> Html:
    ticks = [tick for row in timeline.rows for tick in row.ticks]
    used = {tick.kind for tick in [*ticks, *(tick for job in timeline.jobs for tick in job.ticks)]}
    signs = [
        element("li", element("span", sign, class_=f"tick {kind}", aria_hidden="true"), text)
        for kind, (sign, text) in _SIGNS.items()
        if kind in used
    ]
    bars = [
        element(
            "li", element("span", class_="bar wait", aria_hidden="true"), "waits: for an answer, for a worker"
        ),
        element("li", element("span", class_="bar body", aria_hidden="true"), "goes on: an answer, a job"),
    ]
    return element("ul", *bars, *signs, class_="legend")


# The details.


def _details(row: Row) -> Html:
    exchange, response = row.exchange, row.exchange.response
    parts = [
        element("h3", "Request", id=f"x{row.number}"),  # a link into closed details opens them
        _headers(f"{exchange.method} {exchange.target}", exchange.headers),
        _body(exchange.body),
    ]
    if response is not None:
        parts += [
            element("h3", "Response"),
            _headers(f"{response.status} {response.reason}", response.headers),
        ]
        if not row.ticks:
            parts.append(_body(response.body))
    if row.ticks:
        parts += [element("h3", f"Messages ({len(row.ticks)})"), _messages(row.ticks)]
    summary = element(
        "summary",
        f"{row.number}. ",
        element("code", f"{exchange.method} {exchange.path}"),
        f" {_answer(row)}",
    )
    return element("details", summary, *parts)


def _headers(first: str, headers: Headers) -> Html:
    return _text("\n".join([first, *(f"{name}: {value}" for name, value in headers)]))


def _body(body: bytes) -> Html:
    if not body:
        return Html("")
    try:
        text = body[: 4 * SHOWN_CHARACTERS].decode(
            "utf-8", "strict" if len(body) <= 4 * SHOWN_CHARACTERS else "ignore"
        )
    except UnicodeDecodeError:
        return element("p", f"{len(body)} bytes that are no text")
    return _text(_short(text, len(body)))


def _messages(ticks: Sequence[Tick]) -> Html:
    each = max(SHOWN_CHARACTERS // 8, 1)
    shown = _some(ticks, SHOWN_MESSAGES)
    lines = [
        f"{_seconds(tick.at):>9}  {_SIGNS[tick.kind][1]}\n{_short(tick.text, len(tick.text), each)}"
        for tick in shown
    ]
    if len(shown) < len(ticks):
        lines.insert(-1, f"... {len(ticks) - len(shown)} messages are not shown")
    return _text("\n".join(lines))


def _short(text: str, size: int, most: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({size} in all)"


def _text(text: str) -> Html:
    return element("pre", text, tabindex="0")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
