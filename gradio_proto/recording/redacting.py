"""Taking secrets out of a recording while it is written.

What is secret:

- the values of headers that carry credentials, with cookies by name kept: a replay sets them again, redacted;
- the values of all headers of a request that are not known to be harmless: of what a caller adds, nobody knows;
- the password in the form that goes to ``/login``, the ``oauth_token`` in a call, and signatures in a query;
- and, wherever they come again, the tokens, cookies and other values that were seen in those headers, and signatures.

A body that comes in pieces is looked through piece by piece. If one ends in what may be the beginning of a secret,
that end is held back until the next piece shows what it is. What is sent on is never touched: only what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gradio_proto.http import Headers
from gradio_proto.redaction import REDACTED, SECRET_HEADERS, may_be_secret

from .model import Answered, Began, Happening, Passed, Received, Sent

LEAST_SECRET: Final = 12
"""Characters of a value from which on it is looked for elsewhere: shorter ones stand in everything."""

MOST_SECRETS: Final = 1_000
"""That are remembered. Cookies can be changed with every response."""

MOST_COLLECTED: Final = 2**20
"""Bytes of a form or of JSON that are looked at as a whole; a longer one is looked through like any other body."""

_MARK: Final = REDACTED.encode()
_COLLECTED_TYPES: Final = ("application/json", "application/x-www-form-urlencoded")
_LOGIN_FORM: Final = re.compile(rb"(?<![^&])(password=)[^&]*")
_LOGIN_PART: Final = re.compile(rb'(name="?password"?[^\r\n]*\r?\n\r?\n).*?(?=\r?\n--|\Z)', re.DOTALL)
_JSON_VALUE: Final = re.compile(rb'("(?:oauth_token|hf_token|password)"\s*:\s*")(?:[^"\\]|\\.)*(?="|\Z)')
_JSON_TOKEN: Final = re.compile(rb'"(?:oauth_token|hf_token)"\s*:\s*"([^"\\]+)"')
SECRET_PARAMETERS: Final = frozenset({"__sign", "access_token", "password", "token"})
"""Of a query."""

_SIGNATURE: Final = re.compile(rf"((?:^|[?&])(?:{'|'.join(sorted(SECRET_PARAMETERS))})=)([^&]+)")


class SecretBytes:
    """Texts that must not be written."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._known: dict[bytes, None] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Remember one."""
        if len(text) >= LEAST_SECRET and text != REDACTED:
            self._known[text.encode("utf-8")] = None
            if len(self._known) > MOST_SECRETS:
                del self._known[next(iter(self._known))]

    def hide(self, data: bytes) -> bytes:
        """The data without them."""
        for secret in sorted(self._known, key=len, reverse=True):  # one may be the beginning of another
            data = data.replace(secret, _MARK)
        return data

    def begun_at(self, data: bytes) -> int:
        """Where the longest end of the data begins with which a secret begins; their length if none does."""
        longest = max(map(len, self._known), default=1)
        for start in range(max(len(data) - longest + 1, 0), len(data)):
            end = data[start:]
            if any(secret.startswith(end) for secret in self._known):
                return start
        return len(data)


@dataclass(slots=True)
class _Body:
    """What of a body is not written yet."""

    held: bytes = b""
    at: float = 0.0


@dataclass(slots=True)
class _Exchange:
    is_login: bool
    is_collected: bool
    """The body of the request is looked at as a whole."""
    is_dropped: bool = False
    """What is still to come of it is not written."""
    sent: _Body = field(default_factory=_Body)
    received: _Body = field(default_factory=_Body)


class Redactor:
    """Takes happenings, and gives them without secrets.

    Args:
        secrets: Texts that are known to be secret, such as a token that the recorder itself adds to requests.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = SecretBytes(secrets)
        self._exchanges: dict[int, _Exchange] = {}

    def take(self, happening: Happening) -> Iterator[Happening]:
        """What is to be written when this has happened: often it, now and then nothing, or what was held back."""
        if isinstance(happening, Began):
            self.learn(happening.headers, is_request=True)
            headers = self._without_secrets(happening.headers, is_request=True)
            login = is_login(happening.method, happening.target)
            kind = next((value for name, value in happening.headers if name == "content-type"), "")
            collected = login or kind.partition(";")[0].strip().lower() in _COLLECTED_TYPES
            self._exchanges[happening.exchange] = _Exchange(login, collected)
            yield replace(happening, target=self.target(happening.target), headers=headers)
            return
        exchange = self._exchanges[happening.exchange]
        match happening:
            case Sent(at, number, data):
                if exchange.is_dropped:
                    return
                exchange.sent.at = at
                exchange.sent.held += data
                if exchange.is_collected and len(exchange.sent.held) > MOST_COLLECTED:
                    exchange.is_collected = False
                    if exchange.is_login:  # none is that long, so rather too little is written than too much
                        exchange.is_dropped, exchange.sent.held = True, _MARK
                if not exchange.is_collected and (ready := self._ready(exchange.sent)):
                    yield Sent(at, number, ready)
            case Answered():
                # A server may answer before the request is whole. Half of a login does not show what is secret.
                yield from self._rest_of_request(happening.exchange, exchange)
                exchange.is_collected, exchange.is_dropped = False, exchange.is_login
                self.learn(happening.headers)
                yield replace(happening, headers=self._without_secrets(happening.headers))
            case Received(at, number, data):
                exchange.received.at = at
                exchange.received.held += data
                if ready := self._ready(exchange.received):
                    yield Received(at, number, ready)
            case Passed(number, frame):
                yield Passed(number, replace(frame, data=self._redacted(frame.data)))
            case _:
                yield from self._rest(happening.exchange, exchange)
                del self._exchanges[happening.exchange]
                yield happening

    def rest(self) -> Iterator[Happening]:
        """What is still held back of exchanges that have not ended."""
        for number, exchange in self._exchanges.items():
            yield from self._rest(number, exchange)
        self._exchanges.clear()

    def target(self, text: str) -> str:
        """A request's target, or another URL, as it is written. Its signatures are remembered."""
        for found in _SIGNATURE.finditer(text):
            self.secrets.add(found[2])
        return self._hidden(_SIGNATURE.sub(rf"\1{REDACTED}", text))

    def body(self, data: bytes, *, is_login: bool) -> bytes:
        """A whole body of a request as it is written: what a replay compares with what it has."""
        if is_login:
            data = _LOGIN_FORM.sub(rb"\1" + _MARK, _LOGIN_PART.sub(rb"\1" + _MARK, data))
        return self._redacted(data)

    def _redacted(self, data: bytes) -> bytes:
        for found in _JSON_TOKEN.finditer(data):
            self.secrets.add(found[1].decode("utf-8", "replace"))
        return self.secrets.hide(_JSON_VALUE.sub(rb"\1" + _MARK, data))

    def _rest(self, number: int, exchange: _Exchange) -> Iterator[Happening]:
        yield from self._rest_of_request(number, exchange)
        if exchange.received.held:
            yield Received(exchange.received.at, number, exchange.received.held)

    def _rest_of_request(self, number: int, exchange: _Exchange) -> Iterator[Happening]:
        held, exchange.sent.held = exchange.sent.held, b""
        if held:
            data = self.body(held, is_login=exchange.is_login) if exchange.is_collected else held
            yield Sent(exchange.sent.at, number, data)

    def _ready(self, body: _Body) -> bytes:
        data = self._redacted(body.held)
        start = self.secrets.begun_at(data)
        body.held = data[start:]
        return data[:start]

    def _hidden(self, text: str) -> str:
        return self.secrets.hide(text.encode("utf-8")).decode("utf-8")

    def learn(self, headers: Headers, *, is_request: bool = False) -> None:
        """Remember the credentials among some headers, to find them elsewhere."""
        for name, value in headers:
            if name == "cookie":
                for pair in value.split(";"):
                    self.secrets.add(pair.partition("=")[2].strip())
            elif name == "set-cookie":
                self.secrets.add(value.partition(";")[0].partition("=")[2].strip())
            elif name in SECRET_HEADERS or (is_request and may_be_secret(name)):
                self.secrets.add(value)
                self.secrets.add(value.partition(" ")[2])  # what follows "Bearer"

    def _without_secrets(self, headers: Headers, *, is_request: bool = False) -> Headers:
        return tuple(
            (
                name,
                REDACTED
                if is_request and name != "cookie" and may_be_secret(name)
                else self._shown(name, value),
            )
            for name, value in headers
        )

    def _shown(self, name: str, value: str) -> str:
        if name == "cookie":
            return "; ".join(_without_value(pair.strip()) for pair in value.split(";"))
        if name == "set-cookie":
            cookie, semicolon, attributes = value.partition(";")
            return f"{_without_value(cookie)}{semicolon}{attributes}"
        if name in SECRET_HEADERS:
            return REDACTED
        return self.target(value)


def is_login(method: str, target: str) -> bool:
    """Whether a request is one that a password goes with."""
    return method == "POST" and target.partition("?")[0].rstrip("/").endswith("/login")


def _without_value(cookie: str) -> str:
    name, equals, _ = cookie.partition("=")
    return f"{name}{equals}{REDACTED}" if equals else REDACTED
