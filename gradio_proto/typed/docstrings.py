"""The docstring of an endpoint: what its author and ``/info`` say of it, as plain text that is safe to print."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from ..endpoints import Endpoint
from ..text import printable
from .arguments import Argument, Result, arguments_of, returns_of
from .types import ANY, holds_file

_DESCRIPTION: Final = 4_000
"""Characters of what an author says of an endpoint."""

_VALUE: Final = 80
"""Characters of a default, an example or a label."""


def docstring_of(
    endpoint: Endpoint, names: Mapping[str, str] | None = None, result_names: Collection[str] = ()
) -> str:
    """Describe an endpoint: what it does, its parameters, and what it returns, in the style of this library.

    Args:
        endpoint: What is described.
        names: Other names for some of its arguments.
        result_names: Other names for all of its results, in order.
    """
    arguments = arguments_of(endpoint)
    returns = returns_of(endpoint)
    description = endpoint.info.description if endpoint.info is not None else ""
    paragraphs = [_lines(description) or f"Call {printable(endpoint.label, _VALUE)}."]
    if arguments:
        paragraphs.append(
            "\n".join(["Args:", *(f"    {_argument(argument, names or {})}" for argument in arguments)])
        )
    if returns:
        named = zip(result_names or [result.name for result in returns], returns, strict=True)
        paragraphs.append(
            "\n".join(["Returns:", *(f"    {_result(name, result)}" for name, result in named)])
        )
    return "\n\n".join(paragraphs)


def _lines(text: str) -> str:
    lines = [printable(line.expandtabs(4), _DESCRIPTION).rstrip() for line in text[:_DESCRIPTION].split("\n")]
    return "\n".join(lines).strip()


def _argument(argument: Argument, names: Mapping[str, str]) -> str:
    info = argument.info
    is_file = holds_file(argument.type)
    # Of a file the server tells what stands in JSON, which is not what a caller gives.
    notes = [_note(info.component, info.label, "" if is_file else info.description)]
    if argument.has_default:
        notes.append(f"By default {_value(info.default)}.")
    elif is_file:
        notes.append("A file is given as handle_file(...).")
    elif info.example_input is not None and argument.type is not ANY:
        notes.append(f"For example {_value(info.example_input)}.")
    return f"{names.get(argument.name, argument.name)}: {' '.join(notes)}"


def _result(name: str, result: Result) -> str:
    info = result.info
    return f"{name}: {_note(info.component, info.label, '' if holds_file(result.type) else info.description)}"


def _note(component: str, label: str, description: str) -> str:
    """The component, its label, and what the server adds to its type: the first line, which is what is for callers."""
    note = printable(component or "a value", _VALUE)
    if label:
        note += f" {printable(repr(label), _VALUE)}"
    said = printable(description.strip().partition("\n")[0])
    return f"{note}. {said}" + ("" if said.endswith(".") else ".") if said else f"{note}."


def _value(value: Any) -> str:
    return printable(repr(value), _VALUE)
