"""Errors of apps, as every version sends them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import sockets, streams, versions

from gradio_proto.app_errors import HIDDEN_MESSAGE, LOST_MESSAGE, app_error
from gradio_proto.errors import AppError, QuotaExceeded
from gradio_proto.limits import Limits
from gradio_proto.messages import ProcessCompleted, parse_message
from gradio_proto.sse import ServerSentEvent, SSEDecoder

V3, V4_21, V4_44, V5, V6 = (3, 50, 2), (4, 21, 0), (4, 44, 1), (5, 49, 1), (6, 31, 0)


def make(output: dict[str, Any], version: tuple[int, int, int] = V6, title: str | None = None) -> AppError:
    return app_error(ProcessCompleted("e", output, False, title), version)


def test_a_full_error() -> None:
    error = make({"error": "bad", "duration": 3.5, "visible": False, "title": "T", "new": [1]}, title="other")
    assert (error.message, error.duration, error.visible, error.title) == ("bad", 3.5, False, "T")
    assert (error.hidden, error.extra, error.event_id) == (False, {"new": [1]}, "e")


def test_what_is_absent_has_its_default() -> None:
    error = make({"error": "crashed: x"})
    assert (error.message, error.duration, error.visible, error.title) == ("crashed: x", 10.0, True, "Error")
    assert make({"error": "x"}, title="T").title == "T"


@pytest.mark.parametrize(
    ("duration", "expected"), [(None, None), (0, 0), (1e9, 1e9), (True, 10.0), ("5", 10.0), ([], 10.0)]
)
def test_durations(duration: Any, expected: float | None) -> None:
    assert make({"error": "x", "duration": duration}).duration == expected


@pytest.mark.parametrize(
    ("output", "version", "hidden"),
    [
        ({"error": None}, V6, True),
        ({"error": None}, V3, True),
        ({"error": "None"}, V3, True),
        ({"error": "None"}, V4_21, True),
        ({"error": "None"}, V4_44, False),
        ({"error": "None"}, V6, False),
        ({"error": ""}, V6, False),
        ({"error": "'None'"}, V4_21, False),
    ],
)
def test_hidden_errors_say_how_to_see_them(
    output: dict[str, Any], version: tuple[int, int, int], hidden: bool
) -> None:
    error = make(output, version)
    assert error.hidden is hidden
    assert (error.message == HIDDEN_MESSAGE) is hidden
    said = str(error).partition(" (event e)")[0]
    assert said.startswith("the app raised an error and keeps the text to itself") is hidden
    assert said.endswith("its owner can show it with launch(show_error=True)") is hidden


def test_an_error_of_which_nothing_is_said_tells_how_to_see_more() -> None:
    error = make({"title": "T"})
    assert (error.message, error.hidden, error.title) == (LOST_MESSAGE, True, "T")
    said = str(error).partition(" (event e)")[0]
    assert said.startswith("the app raised an error, and the server left its text out")
    assert "up to Gradio 5; a call by the queue (without via=)" in said
    assert said.endswith("what the app does not hide")


@pytest.mark.parametrize("text", [1, 1.5, True, ["x"], {"message": "x"}])
def test_an_error_of_a_wrong_type_is_told_all_the_same(text: Any) -> None:
    assert make({"error": text, "title": 1, "visible": None}).message == str(text)


def test_the_first_releases_that_tell_it_otherwise() -> None:
    assert make({"error": "None"}, (4, 43, 0)).hidden
    assert not make({"error": "None"}, (4, 44, 0)).hidden
    assert make({"error": "'x'"}, (4, 44, 1)).message == "x"
    assert make({"error": "'x'"}, (5, 0, 0)).message == "'x'"


@given(st.text(alphabet=st.characters() | st.sampled_from("'\"\\\n\x00")))
def test_the_repr_of_a_text_is_undone_below_5(text: str) -> None:
    assert make({"error": repr(text)}, V4_44).message == text
    assert make({"error": repr(text)}, V5).message == repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "\r",
        "\t",
        "\\",
        "'",
        '"',
        "'\"",
        "\x00",
        "\x1b",
        "\x7f",
        "\xad",
        "\u2028",
        "\ud800",
        "\U000e0001",
        "é😀",
    ],
    ids=ascii,
)
def test_whatever_repr_writes_for_a_character_is_undone(text: str) -> None:
    for whole in (text, f"a{text}", f"{text}b", f"a{text}{text}b"):
        assert make({"error": repr(whole)}, V4_44).message == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'",
        '"',
        "no quotes",
        "'one side",
        "other side'",
        "'two' or 'three'",
        "'mixed\"",
        "'\\'",
        "'\\q'",
        "'\\x4'",
        "'\\U00110000'",
        "x'y'",
    ],
)
def test_what_is_no_repr_stays(text: str) -> None:
    assert make({"error": text}, V3).message == text


def test_one_pair_of_quotes_is_one_pair() -> None:
    assert make({"error": "\"'a'\""}, V3).message == "'a'"
    assert make({"error": "'it\\'s \"x\"'"}, V3).message == 'it\'s "x"'
    assert make({"error": "''"}, V3).message == ""


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize(
    ("operation", "messages"),
    [
        ("fail", {"bad thing: x"}),
        ("crash", {"crashed: x"}),
        ("gen_fail", {"gen failed"}),
        ("variant_hide", {"titled: x", "gen failed", HIDDEN_MESSAGE}),
    ],
)
def test_recorded_errors(version: str, operation: str, messages: set[str]) -> None:
    major, minor, patch = map(int, version.split("."))
    texts = [text for said in sockets(version, operation) for text in said]
    for stream in streams(version, operation):
        decoder = SSEDecoder(Limits())
        decoder.receive_data(stream.data)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            if event.event == "message":
                texts.append(event.data)
    told: set[str] = set()
    for text in texts:
        message = parse_message(text, Limits())
        if isinstance(message, ProcessCompleted) and not message.success:
            told.add(app_error(message, (major, minor, patch)).message)
    assert messages <= told <= {*messages, "bad thing: x"}


# ZeroGPU: texts of the package ``spaces``, older and newer.


@pytest.mark.parametrize(
    ("title", "text", "seconds", "says"),
    [
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). Try again in 0:01:23. Log in",
            83.0,
            "0:01:23",
        ),
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your Pro ZeroGPU quota (60s requested vs. 0s left). Try again in 1 day, 2:03:04. ",
            93784.0,
            "1 day, 2:03:04",
        ),
        ("zerogpu QUOTA exceeded ", "x: try again in <b>23:14:07.5</b>", 83647.5, "23:14:07.5"),
        ("ZeroGPU quota exceeded", "You have exceeded your ZeroGPU runs limit. ", None, None),
        ("ZeroGPU quota exceeded", "Space app has reached its GPU limit. Try re-running", None, None),
        ("ZeroGPU pending credits exceeded", "Try again once some have completed", None, None),
        (
            "Error",
            "You have exceeded your GPU quota (60s requested vs. 12s left). <a>Join</a> Please retry in 0:10:00",
            600.0,
            "0:10:00",
        ),
        ("Error", "You have exceeded your free GPU quota (60s requested vs. 55s left)", None, None),
        ("Error", "Unlogged user is runnning out of daily ZeroGPU quotas. Signup for free", None, None),
        ("Error", "User is running out of daily ZeroGPU quotas. Visit", None, None),
        ("ZeroGPU quota exceeded", "Try again in 99999999999 days, 0:00:00", None, None),
        ("ZeroGPU quota exceeded", "Try again in a while", None, None),
        ("ZeroGPU quota exceeded", "Retry in  9999 days, 1:00:00", 863917200.0, "9999 days, 1:00:00"),
        ("ZeroGPU quota exceeded", "Retry in 0:00:00.123456", 0.123456, "0:00:00.123456"),
        ("ZeroGPU quota exceeded", "Come back to try again in\n12:34:56", 45296.0, "12:34:56"),
        ("ZeroGPU quota exceeded", "Do not retry in 0:01 or try again in 0:00:02", 2.0, "0:00:02"),
        ("Error", "You have exceeded your GPU runs limit", None, None),
        ("Error", "Unlogged user is running out of daily ZeroGPU quotas", None, None),
    ],
)
def test_a_quota_that_is_used_up(title: str, text: str, seconds: float | None, says: str | None) -> None:
    error = make({"error": text, "title": title})
    assert isinstance(error, QuotaExceeded)
    assert (error.retry_after, error.try_again_in, error.retryable) == (seconds, says, True)
    assert (error.message, error.title, error.event_id) == (text, title, "e")


def test_the_quota_of_an_app_on_gradio_4() -> None:
    text = "You have exceeded your GPU quota (60s requested vs. 12s left). Please retry in 0:00:07"
    error = make({"error": repr(text)}, V4_44)
    assert isinstance(error, QuotaExceeded)
    assert (error.retry_after, error.message) == (7.0, text)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("ZeroGPU illegal duration", "The requested GPU duration (600s) is larger than the maximum allowed"),
        ("ZeroGPU queue timeout", "No GPU was available after 60s. Retry later"),
        ("Error", "Sorry: You have exceeded your GPU quota"),
        ("Error", "You have exceeded your disk quota"),
        ("Error", "try again in 0:00:07"),
        ("Error", "You have exceeded your very own free GPU quota"),
        ("Error", "You have exceeded your GPU quotation"),
        ("quota exceeded", "Try again in 0:00:07"),
    ],
)
def test_what_is_no_quota(title: str, text: str) -> None:
    error = make({"error": text, "title": title})
    assert type(error) is AppError
    assert not error.retryable


@given(st.text(max_size=200) | st.text(alphabet="<>try again in0123456789:, days", max_size=200))
def test_any_text_is_read(text: str) -> None:
    error = make({"error": text, "title": "ZeroGPU quota exceeded"})
    assert isinstance(error, QuotaExceeded)
    assert (error.retry_after is None) is (error.try_again_in is None)
    assert error.retry_after is None or error.retry_after >= 0
