"""The hierarchy of errors: what derives from what, what they say, and that they survive a pickle."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto import errors
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    AuthenticationError,
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    GradioError,
    HTTPStatusError,
    JobCancelled,
    LimitExceeded,
    LocalProtocolError,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    TransportError,
    UnsupportedProtocol,
    ValidationError,
)

# One of each, and whether it is retryable.
EXAMPLES: list[tuple[GradioError, bool]] = [
    (GradioError("m"), False),
    (LocalProtocolError("m"), False),
    (ArgumentError("m"), False),
    (ClientClosed("m"), False),
    (RemoteProtocolError("m", data="<html>"), False),
    (GradioError("m", retryable=True), True),
    (RemoteProtocolError("m", retryable=True), True),
    (LimitExceeded("cookies", 50), False),
    (UnsupportedProtocol("m"), False),
    (HTTPStatusError("m", status=502, headers={"server": "x"}, data=b"body", retryable=True), True),
    (TransportError("m"), False),
    (ConnectError("m"), True),
    (ConnectionLost("m"), False),
    (ConnectionLost("m", phase="not_sent"), True),
    (ConnectionLost("m", phase="not_sent", retryable=False), False),
    (ConnectionLost("m", retryable=True), True),
    (errors.SessionLost("m", phase="stream_lost"), False),
    (errors.ServerStopped("m", phase="accepted"), False),
    (DeadlineExceeded("m", kind="idle"), False),
    (DeadlineExceeded("m", kind="connect", phase="not_sent"), True),
    (AuthenticationError("m"), False),
    (ValidationError("m", detail=[{"loc": ["a"]}]), False),
    (QueueError("m"), True),
    (QueueError("m", retryable=False), False),
    (TooManyRequestsError("m", retry_after=3.5), True),
    (FileError("m", path="/a/x"), False),
    (JobCancelled("m"), False),
    (AppError("m", None, False, "T", hidden=True, extra={"x": 1}), False),
    (errors.QuotaExceeded("m", title="ZeroGPU quota exceeded"), True),
    (errors.SpaceError("m", space_id="user/space", stage="PAUSED", hub_message="x"), False),
    (errors.SpaceError("m", space_id="user/space", retryable=True), True),
    (errors.SpaceNotFound("m", space_id="user/space"), False),
]


def test_the_examples_are_complete() -> None:
    public = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, GradioError) and value.__module__ == errors.__name__
    }
    assert {type(error) for error, _ in EXAMPLES} == public


@pytest.mark.parametrize(("error", "retryable"), EXAMPLES, ids=lambda case: type(case).__name__)
def test_retryable(error: GradioError, retryable: bool) -> None:
    assert error.retryable is retryable


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: type(error).__name__)
def test_errors_can_be_sent_to_another_process(error: GradioError) -> None:
    error = copy.copy(error).with_context(endpoint="/predict", event_id="e")
    same = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(same) is type(error)
    assert same.__dict__ == error.__dict__
    assert same.args == error.args
    assert str(same) == str(error)
    assert "endpoint /predict" in str(same)
    assert str(same).startswith("more than Limits.cookies = 50" if isinstance(error, LimitExceeded) else "m")


@pytest.mark.parametrize(
    "kind", [ArgumentError, AuthenticationError, ValidationError, AppError], ids=lambda kind: kind.__name__
)
def test_what_users_of_the_official_client_catch(kind: type[GradioError]) -> None:
    assert issubclass(kind, ValueError)
    assert issubclass(DeadlineExceeded, TimeoutError)


def test_whose_mistake_it_was_is_never_both() -> None:
    for error, _ in EXAMPLES:
        sides = [LocalProtocolError, RemoteProtocolError, TransportError, AppError]
        assert sum(isinstance(error, side) for side in sides) <= 1


def test_an_error_says_where_it_happened() -> None:
    error = GradioError("it broke")
    assert str(error) == "it broke"
    assert error.with_context(endpoint="/predict", session_hash="s") is error
    assert str(error) == "it broke (endpoint /predict)"
    error.with_context(endpoint="/other", event_id="e1", server_version="6.31.0", last_status="IN_QUEUE")
    assert str(error) == "it broke (endpoint /predict, event e1, Gradio 6.31.0, last status IN_QUEUE)"
    assert error.session_hash == "s"


def test_what_is_known_first_is_not_written_over() -> None:
    names = ("endpoint", "event_id", "session_hash", "server_version", "last_status")
    error = GradioError("m")
    assert [getattr(error, name) for name in names] == [None] * 5
    error.with_context(**{name: f"{name} 1" for name in names})
    error.with_context(**{name: f"{name} 2" for name in names})
    assert [getattr(error, name) for name in names] == [f"{name} 1" for name in names]


def test_an_error_without_a_message_has_its_name() -> None:
    error = QueueError("x")
    error.args = ()
    assert str(error) == "QueueError"


def test_a_remote_error_quotes_the_beginning_raw() -> None:
    page = "<html>\x1b[31m" + "x" * 1000
    for data in (page, page.encode(), bytearray(page.encode())):
        error = RemoteProtocolError("no JSON", data=data)
        assert error.data == page[:200]
        assert str(error).startswith("no JSON: <html>\\x1b[31mxxx")
    assert RemoteProtocolError("no JSON", data=b"\xff\xfe").data == "��"
    assert str(RemoteProtocolError("no JSON", data="")) == "no JSON"


def test_attributes() -> None:
    status = HTTPStatusError("m", status=404)
    assert (status.status, status.headers, status.data) == (404, {}, "")
    limit = LimitExceeded("cookies", 50)
    assert (limit.name, limit.limit, str(limit)) == ("cookies", 50, "more than Limits.cookies = 50 allows")
    assert ConnectError("m").phase == "not_sent"
    deadline = DeadlineExceeded("m", kind="idle")
    assert (deadline.kind, deadline.phase) == ("idle", "sent_unknown")
    assert AppError().message == "Error raised."  # as gr.Error has it
    assert AppError("m").print_exception is True
    extra = {"a": 1}
    assert AppError("m", extra=extra).extra == extra
    assert AppError("m", extra=extra).extra is not extra
    lost = ConnectionLost("m")
    assert (lost.phase, ConnectionLost("m", phase="accepted").phase) == ("sent_unknown", "accepted")
    assert (
        TooManyRequestsError("m").retry_after,
        TooManyRequestsError("m", retry_after=2.5).retry_after,
    ) == (None, 2.5)
    assert (FileError("m").path, FileError("m", path="/a").path) == (None, "/a")
    assert ValidationError("m").detail is None
    assert AuthenticationError("m", auth_message="hi").auth_message == "hi"
    space = errors.SpaceError("m", space_id="user/space", stage="PAUSED", hub_message="x")
    assert (space.space_id, space.stage, space.hub_message) == ("user/space", "PAUSED", "x")
    bare = errors.SpaceError("m", space_id="user/space")
    assert (bare.stage, bare.hub_message, bare.retryable) == (None, None, False)
    quota = errors.QuotaExceeded("m")
    assert (quota.retry_after, quota.try_again_in) == (None, None)
    app = AppError("<b>m</b>")
    assert (app.message, app.duration, app.visible, app.title, app.hidden, app.extra) == (
        "<b>m</b>",
        10,
        True,
        "Error",
        False,
        {},
    )


@given(st.text(), st.text())
def test_no_server_can_forge_a_line_or_a_colour(message: str, endpoint: str) -> None:
    text = str(AppError(message).with_context(endpoint=endpoint))
    assert len(text.splitlines()) <= 1
    assert "\x1b" not in text
    text.encode()


def test_the_cookies_of_a_response_are_not_kept_in_its_error() -> None:
    error = HTTPStatusError("m", status=500, headers={"set-cookie": "s=1", "server": "uvicorn"})
    assert error.headers == {"server": "uvicorn"}
