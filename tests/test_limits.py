"""Bounds: what they are by default, and what a caller may ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from gradio_proto.limits import Limits

DEFAULTS = {
    "header_bytes": 65_536,
    "json_body_bytes": 16_777_216,
    "sse_message_bytes": 67_108_864,
    "json_depth": 500,
    "json_values": 5_000_000,
    "orphan_messages": 1024,
    "orphan_bytes": 4_194_304,
    "rendered_bytes": 67_108_864,
    "job_unread_bytes": 67_108_864,
    "client_unread_bytes": 268_435_456,
    "cookies": 50,
    "cookie_bytes": 4096,
    "download_bytes": 4_294_967_296,
    "inline_file_bytes": 33_554_432,
    "redirects": 3,
    "diff_edits": 100_000,
}
"""What programs rely on that set none. The figures of docs/memory.md are measured with them."""


def test_the_defaults() -> None:
    assert {field.name: getattr(Limits(), field.name) for field in fields(Limits)} == DEFAULTS


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("value", [0, 1, 2**40])
def test_a_whole_number_is_taken(name: str, value: int) -> None:
    limits = Limits(**{name: value})
    assert {field.name: getattr(limits, field.name) for field in fields(Limits)} == {**DEFAULTS, name: value}


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("value", [-1, 1.0, float("inf"), "1 MiB", None, True, []])
def test_anything_else_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^Limits\.{name} must be a whole number, 0 or more, not "):
        Limits(**{name: value})


def test_limits_are_named_and_cannot_change() -> None:
    with pytest.raises(TypeError):
        Limits(3)  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Limits().redirects = 4  # type: ignore[misc]
