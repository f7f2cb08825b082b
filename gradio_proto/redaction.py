"""Taking secrets out of what is shown or stored: transcripts, recordings, reports, what a command prints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

REDACTED: Final = "[redacted]"
"""What stands in the place of a secret."""

SECRET_HEADERS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-hf-authorization", "x-ip-token"}
)
"""The headers, in lower case, whose values are credentials."""

LEAST_BEGINNING: Final = 8
"""Characters of a secret that was cut, from which on it is looked for: fewer stand in everything."""


class Secrets:
    """Texts that must not be shown."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: set[str] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Never show it. Texts of fewer than four characters stand in everything, and are not looked for."""
        if len(text) >= 4:
            self._texts.add(text)
            self._texts.add(json.dumps(text)[1:-1])
            self._texts.add(repr(text)[1:-1])

    def hide(self, text: str) -> str:
        """The text without them."""
        for secret in sorted(self._texts, key=len, reverse=True):  # one may be the beginning of another
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def hide_cut(self, text: str) -> str:
        """The text without them, and without their beginnings: what it quotes was cut somewhere."""
        text = self.hide(text)
        for secret in self._texts:
            for length in range(len(secret) - 1, max(LEAST_BEGINNING, len(secret) // 2) - 1, -1):
                text = text.replace(secret[:length], REDACTED)
        return text
