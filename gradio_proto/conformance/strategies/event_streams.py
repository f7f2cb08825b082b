"""Event streams, in every way that the WHATWG HTML standard allows to write one (section "Server-sent events").

Gradio's servers write ``data: <json>``, LF, LF and nothing else. What stands between them and a client may write the
same stream differently, and a client must not notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .texts import texts

_BOM: Final = b"\xef\xbb\xbf"

_ENDS: Final = (b"\n", b"\r\n", b"\r")

_NO_FIELDS: Final = (
    b"foo: bar",
    b"data2: x",
    b" data: x",  # the space belongs to the name
    b"Data: x",  # names are case-sensitive
    b"da",
    b"\x00",
)
"""Lines whose name is none of the standard's: they are passed over."""

_TAILS: Final = (
    b"",
    b": cut sho",
    b"event: cut",
    b"data: cut short",
    b"data: cut short\n",  # a line, but no blank line behind it
    b"id: 1\r",
)
"""What may stand behind the last event where a stream ends early: none of it is an event."""


def _in_one_line(text: str) -> bytes:
    return text.replace("\r", "").replace("\n", "").encode()


_WORDS: Final = texts(max_size=6).map(_in_one_line)

_NOISE: Final = (
    st.just(b":")
    | _WORDS.map(lambda word: b":" + word)
    | _WORDS.map(lambda word: b"event: " + word)
    | _WORDS.map(lambda word: b"id:" + word)
    | st.integers(0, 10**6).map(lambda milliseconds: b"retry: %d" % milliseconds)
    | st.sampled_from((b"event", b"id", b"retry", b"retry: soon", b"id: a\x00b"))
    | st.sampled_from(_NO_FIELDS)
)
"""Lines that change no data: comments, other fields, and what is no field."""


def event_streams(events: Sequence[str]) -> SearchStrategy[bytes]:
    """The bytes of a whole event stream whose events carry these data texts, and no others.

    >>> from hypothesis import given
    >>> from gradio_proto.limits import Limits
    >>> from gradio_proto.sse import SSEDecoder
    >>> @given(event_streams(["a", "b"]))
    ... def test_my_decoder(stream: bytes) -> None:
    ...     decoder = SSEDecoder(Limits())
    ...     decoder.receive_data(stream)
    ...     assert [decoder.next_event().data for _ in range(2)] == ["a", "b"]
    >>> test_my_decoder()

    Args:
        events: The data of each event. A line feed in it makes a line of data more.

    Raises:
        ValueError: One of them holds a carriage return, which cannot be carried, or is no text of UTF-8.
    """
    for data in events:
        if "\r" in data:
            raise ValueError("an event stream cannot carry a carriage return")
    return _streams([[line.encode() for line in data.split("\n")] for data in events])


@st.composite
def _streams(draw: st.DrawFn, events: list[list[bytes]]) -> bytes:
    lines: list[bytes] = []
    for data in events:
        for line in data:
            lines += draw(st.lists(_NOISE, max_size=2))
            lines.append(_data_line(draw, line))
        lines += draw(st.lists(_NOISE, max_size=1))
        lines.append(b"")
        # Blocks without data are no events.
        lines += draw(st.sampled_from(([], [b""], [b"event: none", b""], [b": ping", b"", b""])))
    # Streams of one way to end lines are the common ones; the others find what is wrong with the rest.
    ends = draw(st.sampled_from((*((end,) for end in _ENDS), _ENDS)))
    stream = draw(st.sampled_from((b"", _BOM)))
    after_cr = False
    for line in lines:
        end = ends[0] if len(ends) == 1 else draw(st.sampled_from(ends))
        if after_cr and not line and end == b"\n":
            end = b"\r\n"  # else the two would be one line end
        stream += line + end
        after_cr = end == b"\r"
    return stream + draw(st.sampled_from(_TAILS))


def _data_line(draw: st.DrawFn, line: bytes) -> bytes:
    if not line and draw(st.booleans()):
        return b"data"
    # One space behind the colon is not part of the value.
    return b"data:" + (b" " if line.startswith(b" ") or draw(st.booleans()) else b"") + line
