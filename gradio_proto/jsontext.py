"""JSON from a peer: the standard library's parser with its ways to fail mapped and its depth bounded."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .errors import LimitExceeded, RemoteProtocolError
from .limits import KIB, Limits

_BRACKET = re.compile(r"[\[\]{}]")
_WINDOW = 64 * KIB
_raw_decode = json.JSONDecoder().raw_decode


def _check(text: str, limits: Limits) -> None:
    # Almost every text is too short to be that deep or to hold that much, or has too few marks, which fast scans tell.
    is_deep = len(text) > limits.json_depth and text.count("[") + text.count("{") > limits.json_depth
    is_rich = len(text) * _HEAVIEST > limits.json_values and _weight(text) > limits.json_values
    if not is_deep and not is_rich:
        return
    depth = weight = 0
    for piece in _outside_of_strings(text):
        weight += _weight(piece) if is_rich else 0
        if weight > limits.json_values:
            raise LimitExceeded("json_values", limits.json_values)
        for match in _BRACKET.finditer(piece) if is_deep else ():
            depth += 1 if match.group() in "[{" else -1
            if depth > limits.json_depth:
                raise LimitExceeded("json_depth", limits.json_depth)


_HEAVIEST = 3
_BYTES_OF_A_UNIT = 60


def _weight(text: str) -> int:
    # About what parsing a text takes beside its strings, in units of 60 bytes: each item of a list has a comma or a
    # bracket of its own, an object has a table beside itself, and a member of it a key and a place in that table.
    return text.count(",") + text.count("[") + 2 * text.count(":") + _HEAVIEST * text.count("{")


def bytes_in_memory(text: str) -> int:
    """About how many bytes the value of a JSON text takes."""
    return sys.getsizeof(text) + _BYTES_OF_A_UNIT * sum(map(_weight, _outside_of_strings(text)))


def _outside_of_strings(text: str) -> Iterator[str]:
    """What of a JSON text is outside of its strings, piece by piece: the list of all pieces of a hostile text would
    take many times its memory."""
    start, is_inside = 0, False
    while start < len(text):
        window = text[start : start + _WINDOW]
        # No escape is cut in two: backslashes at the end go into the next window, or are all of this one, in pairs.
        window = window.rstrip("\\") or window
        start += len(window)
        # Without escapes, every second piece between quotes is outside.
        pieces = window.replace("\\\\", "").replace('\\"', "").split('"')
        yield "".join(pieces[is_inside::2])
        is_inside ^= len(pieces) % 2 == 0


def loads(text: str, limits: Limits, what: str = "JSON") -> Any:
    """Parse ``text``; ``what`` names it in errors.

    Raises:
        RemoteProtocolError: It is no JSON, or holds a number that Python refuses to convert.
        LimitExceeded: It is nested deeper than ``limits.json_depth``, or holds more than ``limits.json_values``.
    """
    _check(text, limits)
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
