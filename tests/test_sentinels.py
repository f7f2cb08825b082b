"""What stands for no event."""

from __future__ import annotations

from gradio_proto.sentinels import END, NEED_DATA


def test_they_say_what_they_are() -> None:
    assert (repr(NEED_DATA), repr(END)) == ("NEED_DATA", "END")
