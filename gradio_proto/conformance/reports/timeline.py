"""An exchange as a drawing: a lane for each connection, time to the right, a mark for each thing said.

What is said takes more room than the microseconds between most of it, and a heartbeat waits for seconds. So each entry
gets a column of its own, in the order of time, and the text below its mark goes on below the columns of other lanes;
where nothing was said for long, a narrow column says how long, and is a little wider for longer waits. The exact times
stand above.

The drawing is hidden from screen readers, which are better served by :func:`exchange_table`: the same as a table, and
complete.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ..transcript import Entry, Transcript
from .markup import Html, element, together

WAIT: Final = 0.5
"""Seconds without a word from which a wait is drawn."""

MARKS: Final = 60
"""Entries that are drawn, half of them from the beginning and half from the end; the table has them all."""

_ARROWS: Final = {"request": "→", "sent": "→", "closed": "×", "note": "#"}


@dataclass(slots=True)
class _Layout:
    """Which column each entry has, and what stands between; columns count from 1, the first has the names of lanes."""

    widths: list[str] = field(default_factory=lambda: ["auto"])
    entries: list[tuple[int, int, Entry]] = field(default_factory=list[tuple[int, int, Entry]])
    """Column, number and entry."""
    gaps: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Column, and why nothing is in it."""

    def leave(self, rem: float, why: str) -> None:
        self.widths.append(f"{rem:.1f}rem")
        self.gaps.append((len(self.widths), why))

    def add(self, number: int, entry: Entry) -> None:
        self.widths.append("minmax(3.6rem,max-content)")
        self.entries.append((len(self.widths), number, entry))

    def columns_of(self, connection: int) -> list[int]:
        return [column for column, _, entry in self.entries if entry.connection == connection]

    def end_of(self, column: int, connection: int) -> int:
        """How far what is said may reach, below what other lanes say next: to the next mark of its own lane, or to the
        next gap."""
        stops = [*self.columns_of(connection), *(gap for gap, _ in self.gaps), len(self.widths) + 1]
        return min(stop for stop in stops if stop > column)


def _layout(transcript: Transcript) -> _Layout:
    layout = _Layout()
    left_out = range(MARKS // 2, len(transcript) - MARKS // 2) if len(transcript) > MARKS else range(0)
    before: Entry | None = None
    for position, entry in enumerate(transcript):
        if position in left_out:
            if position == left_out.start:
                layout.leave(6.0, f"{len(left_out)} more")
            before = None
            continue
        if before is not None and (waited := entry.at - before.at) >= WAIT:
            layout.leave(3 + min(5.0, 1.5 * math.log2(1 + waited)), f"{waited:.1f} s")
        layout.add(position + 1, entry)
        before = entry
    return layout


def timeline(transcript: Transcript) -> Html:
    """The drawing."""
    layout = _layout(transcript)
    # The connections in the order in which they begin, and notes below them.
    connections = sorted(
        dict.fromkeys(entry.connection for _, _, entry in layout.entries), key=lambda it: it == 0
    )
    rows = {connection: row for row, connection in enumerate(connections, 2)}
    # With its column, since where there is no room for lanes, on paper, they stand one after the other.
    drawn: list[tuple[int, Html]] = [(1, element("span", "s", class_="lane", style="grid-area:1/1"))]
    for connection, row in rows.items():
        drawn.append((1, element("span", _lane_name(connection), class_="lane", style=f"grid-area:{row}/1")))
        if connection:
            columns = layout.columns_of(connection)
            style = f"grid-area:{row}/{columns[0]}/auto/{columns[-1] + 1}"
            drawn.append((1, element("i", class_="line", style=style)))
    for column, why in layout.gaps:
        style = f"grid-area:1/{column}/{2 + len(rows)}/{column + 1}"
        drawn.append((column, element("span", element("span", why), class_="gap", style=style)))
    for column, number, entry in layout.entries:
        end = layout.end_of(column, entry.connection)
        drawn.append((column, element("span", f"{entry.at:.3f}", class_="at", style=f"grid-area:1/{column}")))
        drawn.append(
            (column, _mark(number, entry, f"grid-area:{rows[entry.connection]}/{column}/auto/{end}"))
        )
    cells = [cell for _, cell in sorted(drawn, key=lambda it: it[0])]
    style = f"grid-template-columns:{' '.join(layout.widths)}"
    grid = element("div", *cells, class_="grid", style=style, aria_hidden="true")
    label = f"Timeline of the exchange, {len(transcript)} entries; the table after it has the same"
    return element("div", grid, class_="timeline", tabindex="0", role="group", aria_label=label)


def exchange_table(transcript: Transcript) -> Html:
    """The exchange as a table."""
    head = element(
        "tr", *(element("th", name, scope="col") for name in ("no.", "s", "lane", "what was said"))
    )
    return element(
        "table",
        element("caption", "The exchange in full", class_="unseen"),
        element("thead", head),
        element("tbody", *(_row(number, entry) for number, entry in enumerate(transcript, 1))),
        class_="exchange",
    )


def _lane_name(connection: int) -> str:
    return f"#{connection}" if connection else "notes"


def _kind(entry: Entry) -> str:
    """What a mark looks like: who speaks, and whether it is a refusal."""
    status = entry.text[:3]
    if entry.kind in ("reply", "open") and status.isdecimal() and status >= "400":
        return f"{entry.kind} refused"
    if entry.kind == "note" and entry.text.startswith("violation"):
        return "note violation"
    return str(entry.kind)


def _arrow(entry: Entry) -> str:
    return _ARROWS.get(entry.kind, "←")


def _mark(number: int, entry: Entry, style: str) -> Html:
    text, more = _label(entry)
    said = [element("b", str(number)), " ", text[:300]]
    body = element("small", more[:200]) if more else ""
    return element(
        "span",
        element("i", _arrow(entry), class_="dot"),
        element("span", *said, class_="said"),
        body,
        class_=f"mark {_kind(entry)}",
        style=style,
    )


def _label(entry: Entry) -> tuple[str, str]:
    """What stands at a mark, and smaller below it: for a message its name, which is all that there is room for."""
    if entry.kind in ("event", "received", "sent"):
        try:
            message: Any = json.loads(entry.text)
            return str(message["msg"]), entry.text
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # not a message
    return entry.text, entry.body


def _row(number: int, entry: Entry) -> Html:
    return element(
        "tr",
        element("td", str(number)),
        element("td", f"{entry.at:.3f}"),
        element("td", _lane_name(entry.connection)),
        element("td", together(_said(entry))),
        class_=_kind(entry),
    )


def _said(entry: Entry) -> Iterator[Html]:
    yield element("span", "opened" if entry.kind == "open" else entry.kind, class_="kind")
    yield Html(" ")
    yield element("code", entry.text)
    if entry.headers:
        yield element("pre", "\n".join(f"{name}: {value}" for name, value in entry.headers), class_="headers")
    if entry.body:
        yield element("pre", entry.body)
