"""Texts of a server, made safe to print."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.text import PRINTABLE_LIMIT, printable


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("", ""),
        ("plain, é日😀", "plain, é日😀"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred\x07\x00\x7f", "\\x1b[31mred\\x07\\x00\\x7f"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\u202eexe.txt\u2066\u061c\u200f", "\\u202eexe.txt\\u2066\\u061c\\u200f"),
        ("\ufeff\ud800", "\\ufeff\\ud800"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_what_is_unsafe_is_escaped(text: str, safe: str) -> None:
    assert printable(text) == safe


def test_length() -> None:
    assert printable("x" * PRINTABLE_LIMIT) == "x" * PRINTABLE_LIMIT
    assert printable("x" * (PRINTABLE_LIMIT + 1)) == "x" * (PRINTABLE_LIMIT - 1) + "…"
    assert printable("\n\n\n", 5) == "\\n\\n…"
    assert printable("abc", 1) == "…"


@given(st.text(max_size=30) | st.text("\n\x1b\u202ea", max_size=30), st.integers(1, 40))
def test_one_line_of_bounded_length_without_controls(text: str, limit: int) -> None:
    safe = printable(text, limit)
    assert len(safe) <= limit
    assert len(safe.splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in safe)
    assert not any(
        unicodedata.bidirectional(character) in ("RLO", "LRO", "RLI", "LRI", "PDF") for character in safe
    )
    if safe == text:
        return
    assert "\\" in safe or safe.endswith("…")
