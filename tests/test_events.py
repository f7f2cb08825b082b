"""What an event of a job says of itself where its server says nothing."""

from __future__ import annotations

from gradio_proto.events import Log


def test_a_log_is_shown_unless_its_server_says_no() -> None:
    log = Log("text", "info")
    assert (log.title, log.duration, log.visible) == (None, None, True)
