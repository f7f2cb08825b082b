"""Deadlines of one length."""

from __future__ import annotations

from gradio_proto.testing.timers import Timers


def test_who_waits_longest_is_due_first() -> None:
    timers: Timers[str] = Timers(5.0)
    assert timers.next() is None
    timers.start("a", 0.0)
    timers.start("b", 1.0)
    timers.start("c", 2.0)
    assert timers.next() == 5.0
    timers.start("a", 3.0)
    assert timers.next() == 6.0
    assert timers.take_due(5.9) == []
    assert timers.take_due(7.0) == ["b", "c"]
    assert timers.take_due(7.0) == []
    timers.stop("a")
    timers.stop("a")
    assert timers.next() is None


def test_whoever_is_hastened_is_due_at_once() -> None:
    timers: Timers[str] = Timers(5.0)
    timers.start("a", 0.0)
    timers.start("b", 0.0)
    timers.hasten("b")
    timers.hasten("nobody")
    assert timers.take_due(-1e9) == ["b"]
    assert timers.next() == 5.0
