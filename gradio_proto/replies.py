"""What a response means: JSON, or one of our errors.

Statuses and bodies are those that Gradio 3.36 to 6.31 answer: 401 with a string or an object as ``detail``, 422
with pydantic's list or a validator's, 503 for a queue that is full or stopped, 500 as plain text (a Python
traceback on some versions). What stands between may answer anything: a login page, a gateway's error in HTML.
"""

from __future__ import annotations

from typing import Any, Final

from . import jsontext
from .config import list_of, object_of
from .cookies import parse_http_date
from .errors import (
    AuthenticationError,
    GradioError,
    HTTPStatusError,
    QueueError,
    RemoteProtocolError,
    TooManyRequestsError,
    ValidationError,
)
from .http import Response, ResponseHead
from .limits import Limits

RETRYABLE_STATUS: Final = frozenset({429, 502, 503, 504})
"""Statuses that speak of now rather than of the request (RFC 9110, 15.6; RFC 6585): a GET is tried again."""

CLOSED_TO_DIRECT_CALLS: Final = "Not authorized to skip the queue"
"""What 3.36 says, with a 401, where ``/run`` is closed; no login helps. Later versions say it with a 404."""

_LONGEST_DIGITS: Final = 9
"""Digits of the seconds of a Retry-After that are believed: thirty years."""


def retry_after(head: ResponseHead) -> float | None:
    """The seconds of a ``Retry-After`` header; None where it asks for none that can be believed.

    A date is measured against the response's own ``Date``: both are read off one clock, the server's. Without that it
    would take a wall clock, and one that agrees with the server's.
    """
    value = head.get("retry-after").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _LONGEST_DIGITS else None
    until, now = parse_http_date(value), parse_http_date(head.get("date"))
    if until is None or now is None or until - now >= 10**_LONGEST_DIGITS:
        return None
    return float(max(until - now, 0))


def json_reply(response: Response, limits: Limits, what: str) -> Any:
    """The JSON of a successful reply; ``what`` names the request (``"/config"``).

    Raises:
        GradioError: The reply says no, or is no JSON.
    """
    if not 200 <= response.status < 300:
        raise reply_error(response, limits, what)
    if is_page(response.head):
        raise page_error(response.head, response.text(), what, "JSON")
    return jsontext.loads(response.text(), limits, f"the reply to {what}")


def is_page(head: ResponseHead) -> bool:
    """Whether a response is a page for a person."""
    return head.content_type in ("text/html", "application/xhtml+xml")


def page_error(head: ResponseHead, text: str, what: str, wanted: str) -> RemoteProtocolError:
    """The error for a page, or another kind of document, where ``wanted`` was expected."""
    kind = head.content_type or "a document of no stated type"
    first_line = next((line.strip() for line in text[:2000].splitlines() if line.strip()), "")
    return HTTPStatusError(
        f"{what} answered {head.status} with {kind} where {wanted} was expected",
        status=head.status,
        headers=dict(head.headers),
        data=first_line,
        retryable=head.status == 503,
    )


def reply_error(response: Response, limits: Limits, what: str, wanted: str = "JSON") -> GradioError:
    """The error that an unsuccessful reply stands for, to a request ``what`` that asked for what is ``wanted``."""
    head, text = response.head, response.text()
    detail = _detail(text, limits)
    status = response.status
    if status == 401 and detail != CLOSED_TO_DIRECT_CALLS:
        return login_error(what, object_of(detail).get("auth_message"))
    if status == 422:
        return ValidationError(_validation_text(detail, what), detail=detail)
    if status == 429:
        return TooManyRequestsError(f"{what}: too many requests", retry_after=retry_after(head))
    if status == 503 and isinstance(detail, str) and detail.startswith("Queue is full"):
        return QueueError(detail)
    if status == 503 and isinstance(detail, str) and detail.startswith("Queue is stopped"):
        return QueueError(detail, retryable=False)
    if is_page(head):
        return page_error(head, text, what, wanted)
    return HTTPStatusError(
        f"{what} answered {status} {head.reason}".rstrip(),
        status=status,
        headers=dict(head.headers),
        data=detail if isinstance(detail, str) else text,
        retryable=status == 503,  # behind a 502 or a 504 the function may have run
    )


def _detail(text: str, limits: Limits) -> Any:
    try:
        value = object_of(jsontext.loads(text, limits))
    except RemoteProtocolError:
        return None
    return value.get("detail", value.get("error"))


def login_error(what: str, auth_message: object) -> AuthenticationError:
    """The error of an app that wants a login first; ``auth_message`` is what its login page says, if a string."""
    message = auth_message if isinstance(auth_message, str) and auth_message else None
    said = "" if message is None else f" (the app says: {message})"
    return AuthenticationError(
        f"{what}: this app wants a login; give auth=('user', 'password'){said}", auth_message=message
    )


def _validation_text(detail: Any, what: str) -> str:
    wrong = [text for text in map(_validation_entry, list_of(detail)) if text]
    return f"{what}: the input was refused: {'; '.join(wrong)}" if wrong else f"{what}: the input was refused"


def _validation_entry(entry: Any) -> str:
    """One line for one entry: a validator's (``is_valid``, ``message``) or pydantic's (``loc``, ``msg``)."""
    fields = object_of(entry)
    if fields.get("__type__") == "validate":
        if fields.get("is_valid") is True:
            return ""  # the list holds the parameters that passed, too
        return f"{fields.get('parameter_name')}: {fields.get('message')}"
    place = ".".join(map(str, list_of(fields.get("loc"))))
    return f"{place}: {fields.get('msg')}" if place else str(fields.get("msg", ""))
