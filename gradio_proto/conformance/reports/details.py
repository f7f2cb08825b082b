"""What a person needs to see of one result, as plain text.

What a server says can hold terminal escapes, and controls that reorder what is read: :func:`visible` shows them
escaped. Whatever is shown of a result goes through it, in every kind of report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...text import printable
from ..model import Report, Result, Verdict
from ..transcript import SHOWN_CHARACTERS, Transcript, curl
from .catalogue import Facts

LINES_SHOWN: Final = 120
"""Of a transcript on a terminal, half of them from its beginning and half from its end: the smallest exchange is nearly
always shorter, and the complete one is in the other reports."""

LINE_CHARACTERS: Final = 6 * SHOWN_CHARACTERS
"""Of one line. An entry's text is cut when it is made, and escaped it is at most so much longer."""


def visible(text: str) -> str:
    """A text of several lines without any other control character; each is shown escaped."""
    return "\n".join(one_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def one_line(text: str) -> str:
    """A text as one line without control characters; each is shown escaped."""
    return printable(text, LINE_CHARACTERS)


def transcript_lines(transcript: Transcript, limit: int | None = LINES_SHOWN) -> Iterator[str]:
    """The transcript as :meth:`Transcript.lines` has it, made safe; for a screen shortened in the middle, and lines at
    their ends.

    Args:
        limit: How many lines at most; None for all of all.
    """
    lines = [one_line(line) if limit is None else printable(line) for line in transcript.lines()]
    if limit is None or len(lines) <= limit:
        yield from lines
        return
    half = limit // 2
    yield from lines[:half]
    yield f"{'':13}... {len(lines) - 2 * half} lines ..."
    yield from lines[-half:]


def curl_line(report: Report, result: Result) -> str:
    """A command that sends the last request of the exchange again; empty where none can be shown faithfully."""
    requests = [entry for entry in result.transcript if entry.kind == "request"]
    if not requests:
        return ""
    line = curl(report.url.rstrip("/"), requests[-1])
    return line if line == one_line(line) else ""


def details(report: Report, result: Result, facts: Facts, limit: int | None = LINES_SHOWN) -> Iterator[str]:
    """All of it, line by line: id, requirement, reason, transcript, curl line, seed and replay command."""
    strength = ", ".join(word for word in (facts.level, facts.severity) if word)
    yield f"{result.verdict.value.upper()} {one_line(result.case_id)}{f' ({strength})' if strength else ''}"
    if facts.sentence:
        yield f"  {one_line(facts.sentence)}"
        yield f"  spec/{facts.link}"
    if result.reason:
        yield f"  {one_line(result.reason)}"
    if result.verdict is Verdict.SKIP:
        return
    if len(result.transcript):
        yield ""
        for line in transcript_lines(result.transcript, limit):
            yield f"  {line}"
        yield ""
    command = curl_line(report, result)
    if command:
        yield f"  last request: {command}"
    yield f"  seed {report.seed}"
    if result.replay:
        yield f"  replay: {one_line(result.replay)}"
