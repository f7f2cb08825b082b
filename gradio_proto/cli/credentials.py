"""Passwords and tokens: from the environment or a prompt, never from the command line, which everybody can read."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from string import Template
from typing import Final

import click

from gradio_proto.redaction import REDACTED

from .invocation import invocation

PASSWORD: Final = "GRADIO_PROTO_PASSWORD"
"""The environment variable that holds the password which belongs to ``--auth``."""

TOKEN: Final = "GRADIO_PROTO_TOKEN"
"""The environment variable that holds the token which ``--token`` asks for."""

HUB_TOKEN: Final = "HF_TOKEN"
"""The one that Hugging Face's own programs read, for whoever has set that and not :data:`TOKEN`."""

AUTH_OPTION: Final = click.option(
    "--auth",
    metavar="USER",
    help=f"Log in as USER. The password is asked for, or taken from {PASSWORD}.",
)
"""The option of every command that logs in."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, a token
_VARIABLE: Final = re.compile(r"(?:[A-Za-z]+ )?\$(?:\w+|\{\w+\})", re.ASCII)
"""A value in which nothing is secret but what the environment holds: ``$KEY``, ``Bearer ${KEY}``."""


def password(user: str) -> str:
    """The password of a user.

    Raises:
        click.UsageError: It is not in the environment, and there is no terminal to ask on; or it stands behind the
            user's name, as other programs have it.
    """
    if ":" in user:
        raise click.UsageError(
            f"--auth has no password, which everybody could read on a command line: set {PASSWORD}"
        )
    return _secret((PASSWORD,), f"Password of {user}")


def token() -> str:
    """The token.

    Raises:
        click.UsageError: It is not in the environment, and there is no terminal to ask on.
    """
    return _secret((TOKEN, HUB_TOKEN), "Token")


@dataclass(frozen=True, slots=True)
class Header:
    """A header that goes with every request."""

    name: str
    """In lower case."""
    value: str = field(repr=False)
    shown: str
    """How a command line has it that may be shown."""


def header(text: str) -> Header:
    """Read a header as it is given: ``Name: value``. What is written ``$VARIABLE`` comes out of the environment.

    Its value is not shown anywhere: of a header that somebody sets himself, nobody knows whether it is a secret.

    Raises:
        click.UsageError: It is no header, or there is no such variable.
    """
    name, colon, template = text.partition(":")
    name, template = name.strip(), template.strip()
    if not colon or not _NAME.fullmatch(name) or not template:
        raise click.UsageError("a header is written 'Name: value', or 'Name: $VARIABLE'")
    value = filled(f"the header {name}", template)
    if not value.isprintable():
        raise click.UsageError(f"the header {name} holds what no header may hold")
    secrets = invocation().secrets
    secrets.add(value)
    secrets.add(value.partition(" ")[2])  # what follows "Bearer"
    shown = template if _VARIABLE.fullmatch(template) else REDACTED
    return Header(name.lower(), value, f"{name}: {shown}")


def filled(what: str, text: str) -> str:
    """A text with what is written ``$VARIABLE`` in it taken out of the environment.

    Args:
        what: What it is called in an error: ``"the header x-key"``.
        text: The text; a ``$`` of its own is written ``$$``.

    Raises:
        click.UsageError: There is no such variable, or a ``$`` begins none.
    """
    try:
        return Template(text).substitute(os.environ)
    except KeyError as error:
        raise click.UsageError(f"{what} wants the variable {error.args[0]}, which is not set") from None
    except ValueError:
        raise click.UsageError(f"{what} holds a '$' that begins no variable: write it '$$'") from None


def proxy(text: str) -> str:
    """Read the URL of a proxy. Its password is written ``$VARIABLE``, since everybody can read command lines.

    Raises:
        click.UsageError: It holds a password, or there is no such variable.
    """
    userinfo, at, _ = text.rpartition("@")
    password = userinfo.partition("://")[2].partition(":")[2] if at else ""
    if password and not _VARIABLE.fullmatch(password):
        raise click.UsageError(
            "a password is not written on a command line: --proxy 'http://user:$PROXY_PASSWORD@host:port'"
        )
    url = filled("the proxy", text)
    secrets = invocation().secrets
    secrets.add(url)
    secrets.add(filled("the proxy", password))
    return url


def _secret(variables: tuple[str, ...], question: str) -> str:
    value = next((value for name in variables if (value := os.environ.get(name))), "")
    if not value:
        if not sys.stdin.isatty():
            raise click.UsageError(f"set {variables[0]}: there is no terminal to ask on")
        value = click.prompt(question, hide_input=True, err=True)
    invocation().secrets.add(value)
    return value
