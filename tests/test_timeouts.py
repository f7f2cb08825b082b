"""Deadlines: what a caller may ask for, and how they combine."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.timeouts import Timeouts, deadline, earlier

KINDS = ("connect", "read", "write", "idle", "total", "space")
TIMES = st.none() | st.floats(0, 1e9)


def test_every_wait_but_the_whole_job_has_a_deadline_by_default() -> None:
    timeouts = Timeouts()
    assert [kind for kind in KINDS if getattr(timeouts, kind) is None] == ["total"]
    assert timeouts.idle is not None
    assert timeouts.idle > 2 * 15  # servers beat every 15 seconds; one lost beat is no dead server


def test_the_defaults() -> None:
    assert Timeouts() == Timeouts(connect=10, read=30, write=30, idle=45, total=None, space=1800)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [1, 0.001, 1e9, None])
def test_a_number_of_seconds_or_none_is_taken(kind: str, value: float | None) -> None:
    assert getattr(Timeouts(**{kind: value}), kind) == value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0, -1, -0.0, math.nan, math.inf, "5", [], True])
def test_anything_else_is_refused_by_name(kind: str, value: Any) -> None:
    if kind == "space" and value == 0:
        assert Timeouts(space=value).space == 0  # no wait at all
        return
    least = "0 or a" if kind == "space" else "a"
    with pytest.raises(
        ValueError, match=f"Timeouts.{kind} must be {least} positive number of seconds or None"
    ):
        Timeouts(**{kind: value})


def test_timeouts_are_named_and_cannot_change() -> None:
    with pytest.raises(TypeError):
        Timeouts(3.0)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Timeouts().connect = 3.0  # type: ignore[misc]


def test_a_deadline_is_a_time_on_the_clock() -> None:
    assert deadline(100.0, 2.5) == 102.5
    assert deadline(100.0, None) is None


@given(a=TIMES, b=TIMES)
def test_the_earlier_deadline_counts(a: float | None, b: float | None) -> None:
    assert earlier(a, b) == min((time for time in (a, b) if time is not None), default=None)
    assert earlier(a, b) == earlier(b, a)
