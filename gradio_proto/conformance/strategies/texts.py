"""Texts as users write them and as nobody should, and the names of sessions."""

from __future__ import annotations

import functools
import string
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

AWKWARD: Final = (
    "\u2028\u2029\x85",  # line ends to Python and to browsers, but not to event streams
    "\r\n",
    "\x00",
    "data: x\n\n",  # an event within an event, if line ends are not escaped
    "é日😀",  # two, three and four bytes of UTF-8
    "e\u0301",  # two characters that some systems make one of
    "\u202e",  # turns the text behind it around
    "<b>&amp;</b>",
    "\\u0041\\n\"'",  # escapes, if it is unescaped once too often
)
"""Texts that every server takes, and that a careless one spoils."""

BAD: Final = (
    "\ud800",  # half a character: JSON can name it, and UTF-8 cannot
    "\ude00\ud83d",
    "\ufeff",
    "\x1b[31m",
    "a" * 10_000,
    "../../etc/passwd",
    "{{7*7}}${7*7}",
    "' OR ''='",
)
"""Texts that a server may refuse, but must survive."""

_PLAIN: Final = string.ascii_letters + string.digits + " "


def texts(*, min_size: int = 0, max_size: int = 8, hostile: bool = False) -> SearchStrategy[str]:
    """Texts: letters and digits first, then any character, and texts known for the trouble they make.

    >>> from hypothesis import given
    >>> @given(texts(max_size=5))
    ... def test_my_encoder(text: str) -> None:
    ...     assert text.encode().decode() == text
    >>> test_my_encoder()

    Args:
        min_size: The fewest characters.
        max_size: The most characters of a drawn text. A few hostile ones are longer.
        hostile: Also lone surrogates, very long texts, and what means something to terminals and interpreters.
    """
    return _texts(min_size, max_size, hostile)


# Others are made of this while they are drawn, and making a strategy costs more than drawing from it.
@functools.cache
def _texts(min_size: int, max_size: int, hostile: bool) -> SearchStrategy[str]:
    characters = st.characters() if hostile else st.characters(codec="utf-8")
    known = [text for text in (*AWKWARD, *(BAD if hostile else ())) if len(text) >= min_size]
    if not hostile:
        known = [text for text in known if len(text) <= max_size]
    drawn = st.text(_PLAIN, min_size=min_size, max_size=max_size) | st.text(
        characters, min_size=min_size, max_size=max_size
    )
    return drawn | st.sampled_from(known) if known else drawn


def session_hashes(*, hostile: bool = False) -> SearchStrategy[str]:
    """Names of sessions, which clients choose: of letters and digits, as the official ones do.

    Two draws may give the same one. A test that wants strangers draws them together, with ``unique=True``.

    >>> from hypothesis import given
    >>> @given(session_hashes())
    ... def test_my_urls(session_hash: str) -> None:
    ...     assert session_hash.isalnum()
    >>> test_my_urls()

    Args:
        hostile: Also names that are empty or long, or have to be quoted in the query of a URL.
    """
    # The Python client draws 11 characters, a browser 10 to 12.
    ordinary = st.text(string.digits + string.ascii_lowercase, min_size=10, max_size=12)
    if not hostile:
        return ordinary
    return (
        ordinary | st.sampled_from(("", "a&b=c#d", "a+b%20c", "a b", "é日😀", "../..", "x" * 4096)) | texts()
    )
