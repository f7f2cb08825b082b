"""What was said between the tester and a server, in a form that can be shown, stored and sent again.

Secrets are taken out as an entry is made, so none can reach a report: the values of headers that carry credentials,
and every text that the tester was told to keep (a password, a token, what a login has set as a cookie).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["request", "reply", "open", "event", "sent", "received", "closed", "note"]
"""What an entry tells of: a request and its reply; the head of a stream or WebSocket that stays open, an event of it,
a text sent or received on a WebSocket, its end; or a remark of the tester."""

SHOWN_CHARACTERS: Final = 4_000
"""Of a body or a message; the rest is counted, not kept. A transcript is for people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was said."""

    at: float
    """Seconds since the transcript began."""
    connection: int
    """Which exchange it belongs to, counted from 1; 0 for a note."""
    kind: Kind
    """What it is."""
    text: str
    """One line: ``POST /queue/join``, ``200 OK application/json``, a message."""
    body: str = ""
    """What went with it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of a request or a reply, those that matter."""


@dataclass(slots=True)
class Transcript:
    """The entries, in order."""

    entries: list[Entry] = field(default_factory=list[Entry])
    """What was said."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def size(self) -> tuple[int, int]:
        """How much there is to read: entries, and characters."""
        return len(self.entries), sum(len(entry.text) + len(entry.body) for entry in self.entries)

    def to_json(self) -> list[dict[str, Any]]:
        """As JSON values."""
        return [
            {
                "at": entry.at,
                "connection": entry.connection,
                "kind": entry.kind,
                "text": entry.text,
                **({"body": entry.body} if entry.body else {}),
                **({"headers": [list(pair) for pair in entry.headers]} if entry.headers else {}),
            }
            for entry in self.entries
        ]

    @classmethod
    def from_json(cls, values: Iterable[Mapping[str, Any]]) -> Transcript:
        """A transcript from the values that ``to_json`` gives of it."""
        return cls(
            [
                Entry(
                    value["at"],
                    value["connection"],
                    value["kind"],
                    value["text"],
                    value.get("body", ""),
                    tuple((name, text) for name, text in value.get("headers", ())),
                )
                for value in values
            ]
        )

    def lines(self) -> Iterator[str]:
        """The transcript as text, a line or more for each entry."""
        arrows = {"request": ">", "sent": ">", "note": "#", "closed": "<"}
        for entry in self.entries:
            number = f"[{entry.connection}]" if entry.connection else "   "
            yield f"{entry.at:8.3f} {number} {arrows.get(entry.kind, '<')} {entry.text}"
            for line in entry.body.splitlines():
                yield f"{'':15}{line}"


def shown(text: str) -> str:
    """A text, cut to what a person reads."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}... ({len(text)} characters)"


def curl(url: str, entry: Entry) -> str:
    """A command line that sends a request again; empty where none can be shown (a body that was cut, or is binary)."""
    method, _, target = entry.text.partition(" ")
    if entry.kind != "request" or entry.body.endswith(" characters)") or "\ufffd" in entry.body:
        return ""
    words = ["curl", "-i", "-N"]
    if method != "GET":
        words += ["-X", method]
    for name, value in entry.headers:
        if name not in ("user-agent", "accept-encoding", "host", "content-length"):
            words += ["-H", f"{name}: {value}"]
    if entry.body:
        words += ["--data-raw", entry.body]
    return shlex.join([*words, url + target])
