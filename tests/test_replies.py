"""What a reply means: its JSON, or the error that its status and body stand for."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto.errors import (
    AuthenticationError,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.http import Response, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.replies import (
    is_page,
    json_reply,
    page_error,
    reply_error,
    retry_after,
)

LIMITS = Limits()
GATEWAY_PAGE = "\r\n  \n<html>\n<head><title>502 Bad Gateway</title></head>\n</html>"


def reply(status: int, body: object = "", content_type: str = "application/json", **headers: str) -> Response:
    """A response whose body is text as it is, and anything else as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    pairs = [("content-type", content_type)] if content_type else []
    pairs += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(ResponseHead(status, "Reason", tuple(pairs)), text.encode())


def error_of(response: Response) -> GradioError:
    """The error of an unsuccessful reply, by the way that flows take."""
    with pytest.raises(GradioError) as caught:
        json_reply(response, LIMITS, "/queue/join")
    error = caught.value
    assert type(error) is type(reply_error(response, LIMITS, "/queue/join"))
    return error


# Replies that say yes.


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain", ""]
)
def test_a_success_is_its_json(status: int, content_type: str) -> None:
    assert json_reply(reply(status, {"é": [1, None]}, content_type), LIMITS, "/config") == {"é": [1, None]}


@pytest.mark.parametrize("body", ["", "not json", '{"a":', "\x00", "1" * 5000])
def test_a_success_without_json_names_the_request_and_quotes_the_body(body: str) -> None:
    with pytest.raises(RemoteProtocolError, match="the reply to /config is not valid JSON") as caught:
        json_reply(reply(200, body), LIMITS, "/config")
    assert caught.value.data == body[:200]


def test_a_reply_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="json_depth"):
        json_reply(reply(200, "[" * 501 + "]" * 501), LIMITS, "/config")


@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_page_where_json_was_expected_is_named_as_such(content_type: str) -> None:
    response = reply(200, GATEWAY_PAGE, content_type, server="nginx")
    assert is_page(response.head)
    with pytest.raises(HTTPStatusError) as caught:
        json_reply(response, LIMITS, "/config")
    error = caught.value
    assert str(error) == (
        f"/config answered 200 with {response.head.content_type} where JSON was expected: <html>"
    )
    assert (error.status, error.data, error.headers["server"]) == (200, "<html>", "nginx")
    assert not error.retryable


def test_other_documents_are_no_pages() -> None:
    assert not is_page(reply(200, "{}").head)
    assert not is_page(reply(200, "<html>", "").head)


def test_a_document_of_another_kind_is_named_too() -> None:
    error = page_error(reply(200, "", "").head, "  \n\n", "/queue/data", "an event stream")
    assert str(error) == (
        "/queue/data answered 200 with a document of no stated type where an event stream was expected"
    )
    assert error.data == ""


def test_a_page_with_one_endless_line_is_cut() -> None:
    error = page_error(reply(200, "", "text/html").head, "x" * 10_000_000, "/config", "JSON")
    assert error.data == "x" * 200


# Replies that say no.


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("Not authenticated", ""),
        ({"auth_required": True, "auth_message": None}, ""),
        ({"auth_required": True, "auth_message": ""}, ""),
        ({"auth_required": True, "auth_message": 3}, ""),
        ({"auth_required": True, "auth_message": "members only"}, " (the app says: members only)"),
    ],
)
def test_401_asks_for_a_login(detail: object, said: str) -> None:
    error = error_of(reply(401, {"detail": detail}))
    assert type(error) is AuthenticationError
    assert str(error) == f"/queue/join: this app wants a login; give auth=('user', 'password'){said}"
    assert isinstance(error, ValueError)
    assert not error.retryable


def test_422_by_pydantic_says_where_and_what() -> None:
    detail = [
        {"loc": ["body", "data"], "msg": "field required", "type": "value_error.missing"},
        {"type": "list_type", "loc": ["body", "data", 0], "msg": "Input should be a list", "input": 3},
        {"msg": "no place"},
        {"loc": [], "msg": "empty place"},
        {"type": "no message"},
        "no entry",
    ]
    error = error_of(reply(422, {"detail": detail}))
    assert isinstance(error, ValidationError)
    assert str(error) == (
        "/queue/join: the input was refused: body.data: field required; "
        "body.data.0: Input should be a list; no place; empty place"
    )
    assert error.detail == detail
    assert isinstance(error, ValueError)
    assert not error.retryable


def test_422_by_a_validator_names_only_the_parameters_that_failed() -> None:
    detail = [
        {"__type__": "validate", "is_valid": False, "message": "a must be positive", "parameter_name": "a"},
        {"__type__": "validate", "is_valid": True, "message": "b must be positive", "parameter_name": "b"},
    ]
    error = error_of(reply(422, {"detail": detail}))
    assert isinstance(error, ValidationError)
    assert str(error) == "/queue/join: the input was refused: a: a must be positive"
    assert error.detail == detail


@pytest.mark.parametrize("body", ["", "text", "[]", {"detail": "refused"}, {"detail": []}, {"detail": None}])
def test_422_without_a_list_says_at_least_that(body: object) -> None:
    error = error_of(reply(422, body))
    assert type(error) is ValidationError
    assert str(error) == "/queue/join: the input was refused"


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), (" 0 ", 0.0), (None, None), ("soon", None)])
def test_429_says_how_long_to_wait(value: str | None, seconds: float | None) -> None:
    headers = {} if value is None else {"retry_after": value}
    error = error_of(reply(429, "<html>slow down</html>", "text/html", **headers))
    assert isinstance(error, TooManyRequestsError)
    assert error.retry_after == seconds
    assert error.retryable


@pytest.mark.parametrize(
    ("detail", "retryable"),
    [("Queue is full. Max size is 1 and size is 1.", True), ("Queue is stopped.", False)],
)
def test_503_of_a_queue_is_full_or_stopped(detail: str, retryable: bool) -> None:
    error = error_of(reply(503, {"detail": detail}))
    assert type(error) is QueueError
    assert str(error) == detail
    assert error.retryable is retryable


def test_only_503_speaks_of_the_queue() -> None:
    for detail in ("Queue is full.", "Queue is stopped."):
        assert type(error_of(reply(500, {"detail": detail}))) is HTTPStatusError


@pytest.mark.parametrize("body", ["", "no server", {"detail": "starting"}, {"detail": ["Queue is full"]}])
def test_503_of_anything_else_is_a_status(body: object) -> None:
    error = error_of(reply(503, body))
    assert type(error) is HTTPStatusError
    assert error.retryable


@pytest.mark.parametrize("status", [300, 302, 400, 403, 404, 405, 413, 500, 502, 504])
def test_other_statuses_keep_what_was_said(status: int) -> None:
    for body, quoted in (
        ({"detail": "Session hash not found."}, "Session hash not found."),
        ({"error": "crashed"}, "crashed"),
        ({"detail": {"a": 1}}, '{"detail": {"a": 1}}'),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ):
        error = error_of(reply(status, body, "text/plain", server="uvicorn"))
        assert type(error) is HTTPStatusError
        assert str(error) == f"/queue/join answered {status} Reason: {quoted}"
        assert (error.status, error.data) == (status, quoted)
        assert error.headers == {"content-type": "text/plain", "server": "uvicorn"}
        assert error.retryable is (status == 503)


def test_a_status_without_a_reason_ends_in_no_space() -> None:
    error = reply_error(Response(ResponseHead(404, "", ()), b""), LIMITS, "/info")
    assert str(error) == "/info answered 404"


@pytest.mark.parametrize("status", [403, 404, 500, 502, 503, 504])
def test_a_gateways_page_is_named_and_retryable_where_nothing_ran(status: int) -> None:
    error = error_of(reply(status, GATEWAY_PAGE, "text/html"))
    assert isinstance(error, HTTPStatusError)
    assert str(error) == f"/queue/join answered {status} with text/html where JSON was expected: <html>"
    assert error.retryable is (status == 503)


def test_what_a_server_says_is_safe_to_print() -> None:
    for response in (
        reply(500, "\x1b[2Jgone\r\nINFO forged"),
        reply(422, {"detail": [{"msg": "\x1b[2J\n"}]}),
        reply(401, {"detail": {"auth_message": "\x1b[2J\n"}}),
        reply(503, {"detail": "Queue is full\x1b[2J\n"}),
    ):
        text = str(error_of(response))
        assert text.isprintable()
        assert "\\x1b" in text


def test_a_body_too_deep_to_read_is_still_a_status() -> None:
    error = error_of(reply(500, "[" * 100_000))
    assert isinstance(error, HTTPStatusError)
    assert error.status == 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "detail",
                    "error",
                    "loc",
                    "msg",
                    "__type__",
                    "is_valid",
                    "message",
                    "parameter_name",
                    "auth_message",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
        | inner.map(lambda value: {"detail": value})
        | inner.map(lambda value: {"__type__": "validate", "message": value})
    ),
    max_leaves=12,
)


@given(
    status=st.sampled_from([200, 204, 301, 401, 404, 422, 429, 500, 503]) | st.integers(200, 999),
    body=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=50),
    content_type=st.sampled_from(["application/json", "text/html", ""]),
    retry=st.text(max_size=10),
)
@settings(max_examples=300)
def test_any_reply_is_a_value_or_a_typed_error(
    status: int, body: bytes, content_type: str, retry: str
) -> None:
    headers = (("content-type", content_type), ("retry-after", retry))
    response = Response(ResponseHead(status, "", headers), body)
    value: Any = None
    refused = ""
    try:
        value = json_reply(response, LIMITS, "/x")
    except GradioError as error:
        refused = str(error)
    if refused:
        assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in refused)
    else:
        assert 200 <= status < 300
        assert content_type != "text/html"
        assert json.dumps(value) == json.dumps(json.loads(body))


# Retry-After.


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("999999999", 999_999_999.0),
        ("1000000000", None),
        ("9" * 400, None),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("", None),
        ("\N{SUPERSCRIPT TWO}", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_believed_within_bounds(value: str, seconds: float | None) -> None:
    assert retry_after(ResponseHead(503, "", (("retry-after", value),))) == seconds


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 09:00:00 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "today", None),
        ("tomorrow", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2057 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 978_307_230.0),
        ("Wed, 21 Oct 2060 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_a_date_is_measured_against_the_servers_own_clock(
    value: str, date: str, seconds: float | None
) -> None:
    head = ResponseHead(503, "", (("retry-after", value), ("date", date)))
    assert retry_after(head) == seconds


def test_without_the_header_nothing_is_asked() -> None:
    assert retry_after(ResponseHead(503, "", ())) is None
