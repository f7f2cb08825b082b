"""Taking secrets out of what is shown or stored: transcripts, recordings, reports, what a command prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

REDACTED: Final = "[redacted]"
"""What stands in the place of a secret."""

SECRET_HEADERS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-hf-authorization", "x-ip-token"}
)
"""The headers, in lower case, whose values are credentials."""

HARMLESS_HEADERS: Final = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection",
     "content-encoding", "content-length", "content-type", "date", "dnt", "expect", "host", "if-match",
     "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "origin", "pragma",
     "priority", "range", "referer", "te", "trailer", "transfer-encoding", "upgrade",
     "upgrade-insecure-requests", "user-agent", "via"}
)  # fmt: skip
"""Headers of a request whose values are no secrets; so are those whose names begin with ``sec-``."""

LEAST_BEGINNING: Final = 8
"""Characters of a secret that was cut, from which on it is looked for: fewer stand in everything."""

LEAST_END: Final = 6
"""The same, where it stands at the end of a text that may have been cut there."""

LONGEST_CHAIN: Final = 32
"""Errors that caused each other, of which the texts are looked through."""


def may_be_secret(name: str) -> bool:
    """Whether the value of a request's header of this name, in lower case, may be a credential: nobody knows of those
    that callers add."""
    return name not in HARMLESS_HEADERS and not name.startswith("sec-")


class Secrets:
    """Texts that must not be shown."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: set[str] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Never show it. Texts of fewer than four characters stand in everything, and are not looked for."""
        from .urls import encode_path_segment  # a command that only prints its help has no secrets

        if len(text) >= 4:
            self._texts.add(text)
            self._texts.add(json.dumps(text)[1:-1])
            self._texts.add(repr(text)[1:-1])
            self._texts.add(encode_path_segment(text).replace("=", "%3D"))  # as forms and URLs have it

    def hide(self, text: str) -> str:
        """The text without them."""
        for secret in sorted(self._texts, key=len, reverse=True):  # one may be the beginning of another
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def hide_within(self, value: Any) -> Any:
        """The same for every text in a value like those of JSON; the text may have been cut within a secret."""
        if isinstance(value, str):
            return self._hide_end(self.hide(value))
        if isinstance(value, Mapping):
            entries: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return {key: self.hide_within(entry) for key, entry in entries.items()}
        if isinstance(value, list | tuple):
            items = [self.hide_within(item) for item in cast("Sequence[Any]", value)]
            return items if isinstance(value, list) else tuple(items)
        return value

    def _hide_end(self, text: str) -> str:
        # A token can have thousands of characters: its beginning is searched for, and not each of its beginnings.
        for secret in self._texts:
            beginning = secret[:LEAST_END]
            start = text.find(beginning, max(0, len(text) - len(secret) + 1))
            while start >= 0:
                if secret.startswith(text[start:]):
                    return text[:start] + REDACTED
                start = text.find(beginning, start + 1)
        return text

    def take_out(self, error: BaseException) -> None:
        """Take them out of an error and what has caused it: out of what they say, and what they have from a server.

        Some libraries put what has caused an error into its ``args`` and nowhere else. What a caller was handling when
        the error was raised (its ``__context__``) is the caller's, and not touched.
        """
        left = [error] if self._texts else []
        for _ in range(LONGEST_CHAIN):
            if not left:
                break
            caused = left.pop()
            args = self.hide_within(caused.args)
            if args != caused.args:
                caused.args = args
            for name, value in [*vars(caused).items()]:
                hidden = self.hide_within(value)
                if hidden is not value and hidden != value:
                    setattr(caused, name, hidden)
            left += [each for each in (caused.__cause__, *caused.args) if isinstance(each, BaseException)]

    def hide_cut(self, text: str) -> str:
        """The text without them, and without their beginnings: what it quotes was cut somewhere."""
        text = self.hide(text)
        for secret in self._texts:
            for length in range(len(secret) - 1, max(LEAST_BEGINNING, len(secret) // 2) - 1, -1):
                text = text.replace(secret[:length], REDACTED)
        return text
