"""What each version says otherwise than the latest: the fields, and the texts of failures."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import versions

from gradio_proto.testing.generations import LATEST, PROTOCOLS, Generation

COMPLETED: dict[str, Any] = {
    "msg": "process_completed",
    "event_id": "e",
    "output": {"data": [1], "is_generating": False, "render_config": None, "used_cache": None},
    "success": True,
    "title": None,
    "used_cache": None,
    "cache_duration": None,
    "avg_time": None,
}


def failed(output: dict[str, Any], title: str | None = "Error") -> dict[str, Any]:
    return {**COMPLETED, "output": output, "success": False, "title": title}


def test_every_version_was_recorded() -> None:
    assert set(PROTOCOLS) <= set(versions())
    assert [*PROTOCOLS][-1] == LATEST == versions()[-1]


def test_a_version_that_was_not() -> None:
    with pytest.raises(ValueError, match=r"no recorded version '1\.0'"):
        Generation("1.0")


def test_the_latest_leaves_nothing_out() -> None:
    latest = Generation()
    assert latest.message(COMPLETED) == COMPLETED
    assert latest.visibility("public") == {}
    error = {"error": "no", "visible": True}
    assert latest.message(failed(error))["output"] == error


@pytest.mark.parametrize(
    ("version", "fields", "output"),
    [
        ("4.13.0", "msg event_id output success", "data is_generating"),
        ("4.44.1", "msg event_id output success", "data is_generating render_config"),
        ("5.49.1", "msg event_id output success title", "data is_generating render_config"),
    ],
)
def test_fields(version: str, fields: str, output: str) -> None:
    message = Generation(version).message(COMPLETED)
    assert list(message) == fields.split()
    assert list(message["output"]) == output.split()


def test_a_message_that_is_the_same_in_all() -> None:
    message = {"msg": "process_starts", "event_id": "e", "eta": None}
    for version in PROTOCOLS:
        assert Generation(version).message(message) == message


GR_ERROR = {"error": "it's", "duration": 10, "visible": True, "title": "Error"}


@pytest.mark.parametrize(
    ("version", "output"),
    [
        ("4.21.0", {"error": '"it\'s"'}),
        ("4.44.1", {"error": '"it\'s"', "duration": 10, "visible": True}),
        ("5.49.1", GR_ERROR),
    ],
)
def test_errors_of_the_app(version: str, output: dict[str, Any]) -> None:
    assert Generation(version).message(failed(GR_ERROR))["output"] == output


@pytest.mark.parametrize("version", ["4.21.0", "4.44.1", "5.49.1"])
def test_crashes(version: str) -> None:
    crash = {"error": "no", "visible": True}
    assert Generation(version).message(failed(crash))["output"] == {"error": "no"}


@pytest.mark.parametrize(("version", "text"), [("4.21.0", "None"), ("4.44.1", None)])
def test_hidden_errors_after_a_first_value(version: str, text: str | None) -> None:
    generation = Generation(version)
    assert generation.message(failed({"error": None}, title=None))["output"] == {"error": text}
    assert generation.message(failed({"error": None}))["output"] == {"error": None}


def test_visibility() -> None:
    old = Generation("5.49.1")
    assert [old.visibility(v)["show_api"] for v in ("public", "undocumented", "private")] == [
        True,
        False,
        False,
    ]
