"""JSON from a peer: the standard library's parser with its ways to fail mapped and its depth bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .errors import LimitExceeded, RemoteProtocolError
from .limits import Limits

_BRACKET = re.compile(r"[\[\]{}]")
_raw_decode = json.JSONDecoder().raw_decode


def _too_deep(text: str, limit: int) -> bool:
    # Almost every text is too short to be that deep, or has too few brackets, which two fast scans tell.
    if len(text) <= limit or text.count("[") + text.count("{") <= limit:
        return False
    # Brackets inside strings do not nest. Without escapes, every second piece between quotes is outside.
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    depth = 0
    for match in _BRACKET.finditer(outside):
        if match.group() in "[{":
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


def loads(text: str, limits: Limits, what: str = "JSON") -> Any:
    """Parse ``text``; ``what`` names it in errors.

    Raises:
        RemoteProtocolError: It is no JSON, or holds a number that Python refuses to convert.
        LimitExceeded: It is nested deeper than ``limits.json_depth``.
    """
    if _too_deep(text, limits.json_depth):
        raise LimitExceeded("json_depth", limits.json_depth)
    try:
        try:
            value, end = _raw_decode(text)
            if end == len(text):
                return value
        except ValueError:
            pass
        # There is white space around it, or an error to describe. Looking for white space first is a fifth of
        # what json.loads() costs for a short message.
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"{what} is not valid JSON ({error})", data=text) from error


def _encoder(default: Callable[[Any], Any] | None = None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=default)


_ENCODER = _encoder()


def dumps(value: Any, encode: Callable[[Any], Any] | None = None) -> bytes:
    """Serialise what goes to a server: compact UTF-8, as the browser's ``JSON.stringify`` makes it.

    Lone surrogates, which UTF-8 cannot carry, are sent as ``\\ud800`` escapes: every server parses those.

    Args:
        value: What to write.
        encode: Returns what to write for a value that JSON does not know, or raises TypeError.

    Raises:
        TypeError: The value is of a type that JSON does not know.
        ValueError: The value contains itself.
    """
    # json.dumps() makes a new encoder at each call whose options are not the default ones.
    text = (_ENCODER if encode is None else _encoder(encode)).encode(value)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=encode).encode("ascii")
