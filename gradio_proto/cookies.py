"""A cookie jar for one origin (RFC 6265, host-only).

Cookies carry Gradio's login (``access-token-...``) and a load balancer's affinity, so a client has to send
back what it was sent, and to nobody else. A jar belongs to one origin, and ``Domain`` is ignored: no cookie
leaves its host. ``Secure`` is taken at its word, on loopback too: servers send the login twice, once without.

Time is a monotonic clock's, which cannot be compared with the dates in ``Expires``. Those are measured
against the ``Date`` header of the response that brought them: both are read off one clock, the server's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .limits import Limits
from .urls import Origin

# RFC 6265 section 4.1.1 asks for tokens and a narrow set of values, and browsers take nearly everything.
# What this library takes is printable ASCII, without what would end a name or a value.
_NAME: Final = re.compile(r"[!#-+\--:<>-~]+")
_VALUE: Final = re.compile(r"[\t -:<-~]*")
_MAX_AGE: Final = re.compile(r"-?[0-9]+")
_DATE: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?[ ]+)?"
    r"(?P<day>[0-9]{1,2})[ -](?P<month>[A-Za-z]{3})[ -](?P<year>[0-9]{4}|[0-9]{2})[ ]+"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[ ]+(?:GMT|UTC|[+-]0000))?"
)
_ASCTIME: Final = re.compile(
    r"[A-Za-z]{3}[ ]+(?P<month>[A-Za-z]{3})[ ]+(?P<day>[0-9]{1,2})[ ]+"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})[ ]+(?P<year>[0-9]{4})"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_LONG_PAST: Final = 1_577_836_800
"""The start of 2020 in Unix time. Without a clock to compare with, only what expired before that has expired
for sure: servers delete a cookie by a date in 1970."""


class CookieJar:
    """The cookies of one origin. It can be pickled; its representation shows names only.

    Args:
        origin: Whose cookies.
        limits: How many are kept, and how long they may be.
    """

    def __init__(self, origin: Origin, limits: Limits | None = None) -> None:
        """Make an empty jar for ``origin``."""
        self._origin = origin
        self._limits = Limits() if limits is None else limits
        # (path, name) to (value, end): in the order of creation, in which they are sent, and dropped.
        self._cookies: dict[tuple[str, str], tuple[str, float | None]] = {}

    def __repr__(self) -> str:
        names = ", ".join([name for _, name in self._cookies])
        return f"<CookieJar for {self._origin}: {names or 'empty'}>"

    def __len__(self) -> int:
        return len(self._cookies)

    def values(self) -> list[str]:
        """Their values, by which somebody may be logged in."""
        return [value for value, _ in self._cookies.values()]

    def set(self, name: str, value: str) -> None:
        """Preset a cookie for every path of the origin, until the client ends.

        Raises:
            ValueError: The name or value cannot be sent, or is longer than ``limits.cookie_bytes``.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(
                f'{name!r} is no cookie name: it is printable ASCII without spaces and any of =;,"'
            )
        if not _VALUE.fullmatch(value) or value != value.strip():
            # The value may be a secret, so it is not shown.
            raise ValueError(f"the value of the cookie {name!r} is not printable ASCII without semicolons")
        if len(name) + len(value) > self._limits.cookie_bytes:
            raise ValueError(
                f"the cookie {name!r} is longer than Limits.cookie_bytes = {self._limits.cookie_bytes}"
            )
        self._keep("/", name, value, None)

    def moved_to(self, origin: Origin) -> CookieJar:
        """The same cookies, for an origin that has turned out to be the app's."""
        jar = CookieJar(origin, self._limits)
        jar._cookies = dict(self._cookies)
        return jar

    def for_another_clock(self) -> CookieJar:
        """The same cookies, for a machine with another clock: what has not ended yet lasts as long as the client."""
        jar = CookieJar(self._origin, self._limits)
        jar._cookies = {key: (value, None) for key, (value, _) in self._cookies.items()}
        return jar

    def store(
        self, set_cookie_values: Iterable[str], target: str, now: float, date: str | None = None
    ) -> None:
        """Take in the ``Set-Cookie`` headers of one response. What is malformed or too long is ignored.

        Args:
            set_cookie_values: The values of the headers, in their order; of equal cookies the last one wins.
            target: The request target that was answered: a cookie without a path belongs to its folder.
            now: The time, in seconds of a monotonic clock.
            date: The response's ``Date`` header.
        """
        server_now = None if date is None else parse_http_date(date)
        for text in set_cookie_values:
            if len(text) <= self._limits.cookie_bytes:
                self._store(text, target, now, server_now)

    def header(self, target: str, now: float) -> str | None:
        """Return the value of the ``Cookie`` header for a request, or None if there is nothing to send.

        Args:
            target: The request target, whose path decides which cookies go with it.
            now: The time, in seconds of a monotonic clock.
        """
        path = _path_of(target)
        gone = [key for key, (_, end) in self._cookies.items() if end is not None and end <= now]
        for key in gone:
            del self._cookies[key]
        sent = [
            (cookie_path, f"{name}={value}")
            for (cookie_path, name), (value, _) in self._cookies.items()
            if _matches(path, cookie_path)
        ]
        # Longer paths first (RFC 6265 section 5.4): a server that takes the first of two gets the nearer.
        sent.sort(key=lambda item: -len(item[0]))
        return "; ".join([pair for _, pair in sent]) or None

    def _store(self, text: str, target: str, now: float, server_now: int | None) -> None:
        pair, *attributes = text.split(";")
        name, equals, value = pair.partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            return
        path = ""
        max_age: str | None = None
        expires: int | None = None
        end: float | None = None
        for attribute in attributes:
            key, _, argument = attribute.partition("=")
            key, argument = key.strip(" \t").lower(), argument.strip(" \t")
            if key == "secure" and not self._origin.tls:
                return
            if key == "path":
                path = argument
            elif key == "max-age" and _MAX_AGE.fullmatch(argument):
                max_age = argument
            elif key == "expires":
                expires = parse_http_date(argument)
        if not path.startswith("/") or not _VALUE.fullmatch(path):
            path = _default_path(target)
        if max_age is not None:
            # Max-Age wins over Expires. Ten digits are 300 years; more are no number worth converting.
            end = now + min(int(max_age[:11]), 10**10)
        elif expires is not None and server_now is not None:
            end = now + (expires - server_now)
        elif expires is not None and expires < _LONG_PAST:
            end = now
        if end is not None and end <= now:
            self._cookies.pop((path, name), None)
        else:
            self._keep(path, name, value, end)

    def _keep(self, path: str, name: str, value: str, end: float | None) -> None:
        self._cookies[path, name] = value, end  # in its old place, if it was there: the creation counts
        while len(self._cookies) > self._limits.cookies:
            del self._cookies[next(iter(self._cookies))]


def parse_http_date(text: str) -> int | None:
    """Read a date of HTTP (RFC 9110 section 5.6.7) as Unix time, in seconds; None if it is none."""
    match = _DATE.fullmatch(text.strip()) or _ASCTIME.fullmatch(text.strip())
    if match is None or match["month"].lower() not in _MONTHS:
        return None
    year, day = int(match["year"]), int(match["day"])
    hour, minute, second = (int(match[part]) for part in ("hour", "minute", "second"))
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < 1601 or not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60:
        return None
    month = _MONTHS.index(match["month"].lower()) + 1
    # Days since 1970 in the proleptic Gregorian calendar, counted in years that begin in March.
    shifted = year - (month < 3)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 719_469
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _path_of(target: str) -> str:
    return target.partition("?")[0]


def _default_path(target: str) -> str:
    """RFC 6265 section 5.1.4: the folder of the request's path."""
    path = _path_of(target)
    return path[: path.rfind("/")] if path.startswith("/") and path.count("/") > 1 else "/"


def _matches(path: str, cookie_path: str) -> bool:
    """RFC 6265 section 5.1.4: whether a cookie for ``cookie_path`` goes with a request for ``path``."""
    return path == cookie_path or (
        path.startswith(cookie_path) and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")
    )
