"""From the message of a failed job to the error that the user of the library sees."""

from __future__ import annotations

import re
from typing import Any, Final

from .errors import AppError, QuotaExceeded
from .messages import ProcessCompleted

HIDDEN_MESSAGE: Final = (
    "the app raised an error and keeps the text to itself; its owner can show it with launch(show_error=True)"
)
"""What stands for the text of an error that the server hides."""

LOST_MESSAGE: Final = (
    "the app raised an error, and the server left its text out, as /call does up to Gradio 5; a call by the queue "
    "(without via=) shows what the app does not hide"
)
"""What stands for the text of an error of which the server says nothing but that there was one."""

_DEFAULT_DURATION: Final = 10.0
_KNOWN: Final = frozenset({"error", "title", "duration", "visible"})


def app_error(message: ProcessCompleted, version_info: tuple[int, int, int]) -> AppError:
    """Make the error that a failed job's last message tells of.

    ``gr.Error`` is always told; the text of a crash only if the app runs with ``show_error=True``. Otherwise
    it is null, or, up to Gradio 4.21 and after a first value, the string ``"None"``. Up to 4.44, ``gr.Error``
    sends the ``repr`` of its text. The simple API leaves it out altogether up to Gradio 5.

    Args:
        message: The message, with ``success`` false.
        version_info: The server's version.
    """
    output = message.output
    text: Any = output.get("error")
    hidden = text is None or (text == "None" and version_info < (4, 44, 0))
    if hidden:
        text = HIDDEN_MESSAGE if "error" in output else LOST_MESSAGE
    elif not isinstance(text, str):
        text = str(text)
    elif version_info < (5, 0, 0):
        text = _without_repr(text)
    title: Any = output.get("title")
    duration: Any = output.get("duration", _DEFAULT_DURATION)
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int | float)):
        duration = _DEFAULT_DURATION
    title = title if isinstance(title, str) else message.title or "Error"
    kind = QuotaExceeded if _is_about_quota(title, text) else AppError
    error = kind(
        text,
        duration=duration,
        visible=output.get("visible") is not False,
        title=title,
        hidden=hidden,
        extra={name: value for name, value in output.items() if name not in _KNOWN},
    )
    if isinstance(error, QuotaExceeded):
        error.retry_after, error.try_again_in = _wait_in(text)
    return error.with_context(event_id=message.event_id)


# What Spaces on ZeroGPU raise is a gr.Error of the package ``spaces``. Its title says what it is since Gradio has
# titles; before, its text alone. The time is a timedelta in Python's own form, and on some versions stands in HTML.
_QUOTA_TITLES: Final = frozenset({"zerogpu quota exceeded", "zerogpu pending credits exceeded"})
_QUOTA_TEXT: Final = re.compile(
    r"(?:You have exceeded your (?:\w+ ){0,2}(?:Zero)?GPU (?:quota|runs limit)"
    r"|(?:Unlogged user|User) is run{2,3}ing out of daily ZeroGPU quotas)\b"
)
_TAG: Final = re.compile(r"<[^<>]*>")
_WAIT: Final = re.compile(
    r"\b(?:try again|retry) in\s+"
    r"((?:(?P<days>[0-9]{1,4}) days?, )?"
    r"(?P<hours>[0-9]{1,2}):(?P<minutes>[0-9]{2}):(?P<seconds>[0-9]{2}(?:\.[0-9]{1,6})?))",
    re.IGNORECASE | re.ASCII,
)


def _is_about_quota(title: str, text: str) -> bool:
    return title.strip().lower() in _QUOTA_TITLES or _QUOTA_TEXT.match(text) is not None


def _wait_in(text: str) -> tuple[float | None, str | None]:
    """The time after which a text says to try again, in seconds and as it says it."""
    match = _WAIT.search(_TAG.sub("", text))
    if match is None:
        return None, None
    days, hours, minutes, seconds = match.group("days", "hours", "minutes", "seconds")
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds), match[1]


# Every escape that repr() of a str writes.
_ESCAPE: Final = re.compile(
    r"\\(?:([\\'nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U(00(?:0[0-9a-f]|10)[0-9a-f]{4}))", re.ASCII
)
_SIMPLE: Final = {"\\": "\\", "'": "'", "n": "\n", "r": "\r", "t": "\t"}


def _unescape(match: re.Match[str]) -> str:
    simple = match.group(1)
    return _SIMPLE[simple] if simple else chr(int(match.group()[2:], 16))


def _without_repr(text: str) -> str:
    """Undo ``repr()`` of a str; a text that cannot be the outcome of it is returned as it is."""
    quote = text[:1]
    if len(text) < 2 or quote not in ("'", '"') or text[-1] != quote:
        return text
    inner = text[1:-1]
    plain = _ESCAPE.sub("", inner)
    if quote in plain or "\\" in plain:
        return text
    return _ESCAPE.sub(_unescape, inner)
