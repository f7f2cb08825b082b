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
        ("3.36.1", "msg output success", "data is_generating"),
        ("4.0.2", "msg output success", "data is_generating"),
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
    for version in PROTOCOLS:
        assert Generation(version).message({"msg": "queue_full"}) == {"msg": "queue_full"}


ESTIMATION = {
    "msg": "estimation",
    "event_id": "e",
    "rank": 0,
    "queue_size": 1,
    "avg_event_process_time": 0.0,
    "avg_event_concurrent_process_time": None,
    "rank_eta": None,
    "queue_eta": 1.0,
}


def test_fields_that_went_away() -> None:
    later = {"msg": "estimation", "event_id": "e", "rank": 0, "queue_size": 1, "rank_eta": None}
    assert Generation("4.13.0").message(ESTIMATION) == later
    for version in ("3.36.1", "3.50.2", "4.0.2"):
        earlier = Generation(version).message(ESTIMATION)
        assert {**earlier, "event_id": "e"} == ESTIMATION
        assert "event_id" not in earlier


@pytest.mark.parametrize(("version", "says"), [("3.50.2", True), ("4.0.2", False), ("4.21.0", True)])
def test_a_field_that_went_away_and_came_again(version: str, says: bool) -> None:
    assert ("msg" in Generation(version).trim("status", ESTIMATION)) is says


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


@pytest.mark.parametrize(
    ("version", "text"), [("3.36.1", None), ("3.50.2", "None"), ("4.21.0", "None"), ("4.44.1", None)]
)
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
