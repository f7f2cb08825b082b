"""JSON Schema (2020-12) of what an endpoint takes and returns.

The schemas of ``/info`` are not handed on: they hold references that lead nowhere, words of no dialect, and objects
on the wire where a caller gives a file. What is written here is made of the types that were read of them, so it is
valid whatever the server sent, refers to nothing, and holds what :meth:`gradio_proto.Client.call_tool` takes.
"""

from __future__ import annotations

from typing import Any, Final

from ..endpoints import App, Endpoint, copy_json
from ..text import printable
from .arguments import Argument, Result, arguments_of, returns_of
from .names import tool_name
from .types import DictOf, File, ListOf, Literals, Record, Scalar, TupleOf, Type, holds_file

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

FILE_TO_GIVE: Final = "The https URL of a file, or the name of a file that was provided."
FILE_RETURNED: Final = "The path of the file, which has been downloaded."

DESCRIPTION: Final = 1_000
"""Characters of a description; makers of language models take 1,024."""

_SCALARS: Final[dict[str, dict[str, Any]]] = {
    "Any": {},
    "None": {"type": "null"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "int": {"type": "integer"},
    "str": {"type": "string"},
}


def app_schema(app: App) -> dict[str, dict[str, Any]]:
    """Describe the listed endpoints of an app: by name a ``description``, and the schemas ``input`` and ``output``."""
    return {
        endpoint.label: {
            "description": description_of(endpoint),
            "input": {"$schema": DIALECT, **input_schema(endpoint)},
            "output": {"$schema": DIALECT, **output_schema(endpoint)},
        }
        for endpoint in app.listed
    }


def description_of(endpoint: Endpoint) -> str:
    """What an endpoint does, on one line: what its author says, or its name."""
    said = endpoint.info.description.strip() if endpoint.info is not None else ""
    return printable(" ".join(said[: 2 * DESCRIPTION].split()) or f"Call {endpoint.label}.", DESCRIPTION)


def properties_of(endpoint: Endpoint) -> dict[str, Argument]:
    """The arguments of an endpoint by the names that they have as properties of one object."""
    properties: dict[str, Argument] = {}
    for position, argument in enumerate(arguments_of(endpoint)):
        properties[tool_name(argument.name, f"arg_{position}", properties)] = argument
    return properties


def input_schema(endpoint: Endpoint) -> dict[str, Any]:
    """The schema of the object that holds an endpoint's arguments by name."""
    properties = properties_of(endpoint)
    return {
        "type": "object",
        "properties": {name: _property(argument) for name, argument in properties.items()},
        "required": [name for name, argument in properties.items() if not argument.info.has_default],
        "additionalProperties": False,
    }


def output_schema(endpoint: Endpoint) -> dict[str, Any]:
    """The schema of what a call of an endpoint returns, with a list for a tuple."""
    returns = returns_of(endpoint)
    if returns is None:
        return {}
    values = [_returned(result) for result in returns]
    if len(values) == 1:
        return values[0]
    places = {"prefixItems": values} if values else {}
    return {"type": "array", **places, "items": False, "minItems": len(values)}


def json_schema(type: Type, *, is_input: bool) -> dict[str, Any]:
    """The schema of a value that is given to an endpoint, or that one returns.

    An object that is given has no keys but the known ones; one that is returned may have more.
    """
    if isinstance(type, Scalar):
        return dict(_SCALARS[type.name])
    if isinstance(type, File):
        return {"type": "string", "description": FILE_TO_GIVE if is_input else FILE_RETURNED}
    if isinstance(type, Literals):
        kinds = {"string" if isinstance(value, str) else "integer" for value in type.values}
        typed = {"type": kinds.pop()} if len(kinds) == 1 else {}
        return {**typed, "enum": list(type.values)}
    if isinstance(type, ListOf):
        return {"type": "array", "items": json_schema(type.item, is_input=is_input)}
    if isinstance(type, TupleOf):
        places = [json_schema(item, is_input=is_input) for item in type.items]
        return {"type": "array", "prefixItems": places, "items": False, "minItems": len(places)}
    if isinstance(type, DictOf):
        return {"type": "object", "additionalProperties": json_schema(type.value, is_input=is_input)}
    if isinstance(type, Record):
        return _record(type, is_input=is_input)
    return {"anyOf": [json_schema(member, is_input=is_input) for member in type.members]}


def _record(record: Record, *, is_input: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for each in record.fields:
        schema = json_schema(each.type, is_input=is_input)
        if each.description and "description" not in schema:
            schema["description"] = printable(each.description.strip(), DESCRIPTION)
        properties[each.name] = schema
    required = [each.name for each in record.fields if each.is_required]
    closed = {"additionalProperties": False} if is_input else {}
    return {"type": "object", "properties": properties, "required": required, **closed}


def _property(argument: Argument) -> dict[str, Any]:
    info = argument.info
    schema = json_schema(argument.type, is_input=True)
    notes = [note for note in (info.label, "" if holds_file(argument.type) else info.description) if note]
    if "description" in schema:
        notes.append(schema["description"])
    schema["description"] = printable(". ".join(notes).strip() or info.component, DESCRIPTION)
    if info.has_default and not holds_file(argument.type):
        schema["default"] = copy_json(info.default)
    return schema


def _returned(result: Result) -> dict[str, Any]:
    return {
        "title": printable(result.info.label or result.info.component, DESCRIPTION),
        **json_schema(result.type, is_input=False),
    }
