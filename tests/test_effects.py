"""The wake-up between flows, and what effects are."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from gradio_proto import effects
from gradio_proto.effects import (
    ByteEffect,
    CreateFile,
    Effect,
    ExchangeEffect,
    FileEffect,
    KeepFile,
    Now,
    OpenFile,
    RunInThread,
    Signal,
    Sleep,
    Wait,
    WriteFile,
)


def test_a_signal_wakes_its_waiter_once() -> None:
    woken: list[bool] = []
    signal = Signal()
    signal.notify = lambda: woken.append(signal.is_set)
    signal.set()
    signal.set()
    assert woken == [True]  # and it is set by then
    signal.clear()
    assert not signal.is_set
    signal.set()
    assert woken == [True, True]


def test_a_signal_without_a_waiter_is_there_for_the_next() -> None:
    signal = Signal()
    signal.clear()  # nothing to forget
    assert not signal.is_set
    signal.set()
    assert signal.is_set


def test_signals_are_told_apart_by_identity() -> None:
    # Batons and slots queue them as the keys of a dict.
    assert len({Signal(): None, Signal(): None}) == 2


def test_equal_effects_are_two_effects() -> None:
    assert Sleep(1.0) != Sleep(1.0)
    assert Now() != Now()


AT_ONCE = (effects.IsQuiet, Now, OpenFile, CreateFile, WriteFile, KeepFile)
"""What takes no time that anybody could wait for: the disk's is the operating system's business."""


@pytest.mark.parametrize("kind", get_args(Effect), ids=lambda kind: kind.__name__)
def test_what_may_take_time_has_a_deadline(kind: type) -> None:
    names = {field.name for field in dataclasses.fields(kind)}
    assert ("deadline" in names) is (kind not in AT_ONCE)


def test_the_two_rungs_share_what_is_neither_bytes_nor_exchanges() -> None:
    assert set(get_args(ByteEffect)) & set(get_args(ExchangeEffect)) == {
        Wait,
        Sleep,
        Now,
        RunInThread,
        *get_args(FileEffect),
    }
    assert set(get_args(Effect)) == set(get_args(ByteEffect)) | set(get_args(ExchangeEffect))
