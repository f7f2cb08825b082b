"""What an endpoint is called with, as it is written on a command line.

Either one JSON object of names, one JSON list of positions, or ``-`` for such a thing on stdin; or any number of
``name=value``. A value is what it says as JSON, or else a text::

    n=3            the number 3
    n='"3"'        the text "3"
    name=Ada       the text "Ada"
    photo=@cat.png the file cat.png
    photo=@-       the file on stdin
    handle=@@ada   the text "@ada"

In JSON a file is written as hf-gradio takes it: ``{"path": "cat.png", "meta": {"_type": "gradio.FileData"}}``. Here the
user has written it himself, so the file is opened. With other keys beside (``url``, ``size``) it is a file that an app
has handed out, or that ``gradio-proto upload`` has sent: it is on the server already, and goes there as it stands.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import click

STDIN: Final = "-"

_PAIR: Final = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
_OF_THIS_MACHINE: Final = frozenset({"path", "meta", "orig_name"})
"""The keys of a file object that names a file of the user's; servers fill in more."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call."""

    args: tuple[Any, ...] = ()
    """By position."""
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])
    """By name."""


def read_arguments(words: Sequence[str]) -> Arguments:
    """Read the arguments of a call from the words of a command line.

    Raises:
        click.UsageError: They are none, or name a file that is not there.
    """
    if len(words) == 1 and (words[0] == STDIN or words[0].lstrip()[:1] in ("{", "[")):
        return _from_json(_read_stdin().decode("utf-8", "replace") if words[0] == STDIN else words[0])
    kwargs: dict[str, Any] = {}
    for word in words:
        pair = _PAIR.fullmatch(word)
        if pair is None:
            raise click.UsageError(
                f"{_shown(word)} is no argument: write NAME=VALUE, or one JSON object or list, or - for JSON on stdin"
            )
        name, text = pair.groups()
        if name in kwargs:
            raise click.UsageError(f"{name} is given twice")
        kwargs[name] = _value(text)
    return Arguments((), kwargs)


def parse_json(text: str, what: str) -> Any:
    """Parse JSON as RFC 8259 has it: NaN and the like are none.

    Raises:
        click.UsageError: It is none; ``what`` says what of.
    """
    try:
        return _loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{what} is no JSON: {error}") from None


def _from_json(text: str) -> Arguments:
    from gradio_proto.config import is_list, is_object
    from gradio_proto.files import replace_in

    parsed = replace_in(parse_json(text, "the payload"), _with_file)
    if is_object(parsed):
        return Arguments((), dict(parsed))
    if is_list(parsed):
        return Arguments(tuple(parsed))
    raise click.UsageError(f"the payload is a JSON object or list, and no {type(parsed).__name__}")


def _value(text: str) -> Any:
    if text.startswith("@@"):
        return text[1:]
    if text == f"@{STDIN}":
        return _file(_read_stdin(), name="stdin")
    if text.startswith("@"):
        return _file(text[1:])
    try:
        parsed = _loads(text)
    except (ValueError, RecursionError):
        return text
    from gradio_proto.files import replace_in

    return replace_in(parsed, _with_file)


def _with_file(part: Any) -> Any:
    """The file that an object means, or what it is."""
    from gradio_proto.config import is_object

    if not is_object(part) or not {"path", "meta"} <= part.keys() <= _OF_THIS_MACHINE:
        return part
    path, meta = part["path"], part["meta"]
    if not isinstance(path, str) or meta != {"_type": "gradio.FileData"}:
        return part
    name = part.get("orig_name")
    return _file(path, name=name if isinstance(name, str) and name else None)


def _file(source: str | bytes, name: str | None = None) -> Any:
    from gradio_proto.client import handle_file
    from gradio_proto.errors import ArgumentError

    try:
        return handle_file(source, name=name)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None


def _read_stdin() -> bytes:
    tell_of_reading()
    return sys.stdin.buffer.read()


def tell_of_reading() -> None:
    """Say that the command waits for somebody who types, where it does."""
    if sys.stdin.isatty():
        click.echo("reading from the terminal (Ctrl-D ends it)", err=True)


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _shown(word: str) -> str:
    from ..terminal import safe

    return safe(repr(word if len(word) <= 40 else f"{word[:40]}…"))
