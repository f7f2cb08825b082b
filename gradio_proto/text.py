"""What a server says, made safe to print.

A message from a server may hold terminal escapes, line breaks that forge log lines, and bidirectional
controls that reorder what a person reads. Whatever the library puts into an error text, a log or a terminal
goes through :func:`printable`; the raw text stays in attributes (``AppError.message``).
"""

from __future__ import annotations

import re

PRINTABLE_LIMIT = 500
"""Characters kept of one text: an error should fit a screen, however large the page it quotes."""

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""C0 and C1 controls, DEL, line and paragraph separators, the bidirectional controls of Unicode TR 9, the byte order
mark, and surrogates (which no terminal encoding accepts)."""


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def printable(text: str, limit: int = PRINTABLE_LIMIT) -> str:
    """Return ``text`` as one line of at most ``limit`` characters without control characters.

    Control characters are shown escaped (``\\x1b``, ``\\n``); a longer text ends in an ellipsis.
    """
    # Cut first, so that escaping a 64 MB page costs nothing; cut again, because escapes are longer.
    cut = UNSAFE.sub(_escape, text[: limit + 1])
    return cut if len(cut) <= limit else cut[: limit - 1] + "…"
