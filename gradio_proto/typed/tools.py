"""Endpoints as tools of a language model: their definitions, and the way back from a model's call to a call.

What a model writes is data from a stranger, who may repeat what a web page told it. No string of it ever opens a
file on this machine: where an endpoint takes a file, a model gives an https URL, which the app's server fetches, or
the name of a file that the program has provided for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, cast

from .. import jsontext
from ..config import is_list, is_object
from ..endpoints import App, Endpoint, copy_json
from ..errors import ArgumentError, LimitExceeded, RemoteProtocolError
from ..files import FileInput, name_of_source
from ..limits import Limits
from ..text import printable
from .names import tool_names
from .schemas import DESCRIPTION, description_of, input_schema, properties_of
from .types import NONE, DictOf, File, ListOf, Literals, Record, Scalar, TupleOf, Type, Union, holds_file

ToolFormat: TypeAlias = Literal["openai", "anthropic", "mcp"]

_STRICT_DEPTH: Final = 5
_STRICT_PROPERTIES: Final = 100
_STRICT_CHOICES: Final = 250
_STRICT_CHOICES_IN_ALL: Final = 500
_STRICT_TEXT: Final = 15_000
"""What OpenAI takes in a strict schema at the least: levels, properties, choices of one enumeration and of all, and
characters of their names."""

_SHOWN: Final = 80
"""Characters of what a model wrote that an error repeats."""


def tools_of(app: App, format: ToolFormat) -> list[dict[str, Any]]:
    """The definitions of an app's endpoints as tools, in one of three shapes.

    Raises:
        ValueError: ``format`` is none of them.
    """
    make = {"openai": _openai, "anthropic": _anthropic, "mcp": _mcp}.get(format)
    if make is None:
        raise ValueError(f"format is 'openai', 'anthropic', 'mcp' or None, not {format!r}")
    return [make(name, endpoint) for name, endpoint in tool_names(app).items()]


def _openai(name: str, endpoint: Endpoint) -> dict[str, Any]:
    schema = input_schema(endpoint)
    strict = _strict(endpoint, schema)
    function = {
        "name": name,
        "description": description_of(endpoint),
        "parameters": schema if strict is None else strict,
        "strict": strict is not None,
    }
    return {"type": "function", "function": function}


def _anthropic(name: str, endpoint: Endpoint) -> dict[str, Any]:
    return {"name": name, "description": description_of(endpoint), "input_schema": input_schema(endpoint)}


def _mcp(name: str, endpoint: Endpoint) -> dict[str, Any]:
    # Without an outputSchema: that is for objects only, and an endpoint returns any value.
    return {
        "name": name,
        "title": printable(endpoint.label.lstrip("/"), _SHOWN),
        "description": description_of(endpoint),
        "inputSchema": input_schema(endpoint),
    }


# Strict schemas. A model then cannot write anything else, but every property is required. Null stands for a default.


def _strict(endpoint: Endpoint, schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema in the subset of JSON Schema that OpenAI enforces; None if the endpoint takes what that lacks."""
    arguments = properties_of(endpoint)
    types = [argument.type for argument in arguments.values()]
    if not all(_is_strict(type, 2) for type in types) or _is_too_much(arguments, types):
        return None
    properties: dict[str, Any] = {}
    for name, argument in arguments.items():
        wanted: dict[str, Any] = dict(schema["properties"][name])
        wanted.pop("default", None)
        if argument.info.has_default:
            note = f"{wanted.pop('description')} (null: the default, {_quoted(argument.info.default)})"
            if not _takes_none(argument.type):
                wanted = {"anyOf": [wanted, {"type": "null"}]}
            wanted["description"] = printable(note, DESCRIPTION)
        properties[name] = wanted
    return {**schema, "properties": properties, "required": list(properties)}


def _is_strict(type: Type, depth: int) -> bool:
    """Whether a type can be said in a strict schema; ``depth`` is its level, that of the arguments' object being 1."""
    if isinstance(type, Scalar):
        return type.name != "Any"
    if isinstance(type, Literals):
        is_mixed = len({isinstance(value, str) for value in type.values}) > 1  # that has no "type"
        return not is_mixed and len(type.values) <= _STRICT_CHOICES
    if isinstance(type, Union):
        return all(_is_strict(member, depth) for member in type.members)
    if depth == _STRICT_DEPTH:
        return isinstance(type, File)
    if isinstance(type, ListOf):
        return _is_strict(type.item, depth + 1)
    if isinstance(type, Record):
        return all(each.is_required and _is_strict(each.type, depth + 1) for each in type.fields)
    return isinstance(type, File)


def _is_too_much(arguments: Iterable[str], types: Iterable[Type]) -> bool:
    """Whether arguments of these names and strict types are more than one schema may hold."""
    names = [*arguments]
    choices: list[str | int] = []
    for part in _parts_of(types):
        if isinstance(part, Record):
            names += [each.name for each in part.fields]
        elif isinstance(part, Literals):
            choices += part.values
    text = sum(len(str(each)) for each in (*names, *choices))
    return len(names) > _STRICT_PROPERTIES or len(choices) > _STRICT_CHOICES_IN_ALL or text > _STRICT_TEXT


def _parts_of(types: Iterable[Type]) -> Iterator[Type]:
    """Strict types, and all that they are made of."""
    for type in types:
        yield type
        if isinstance(type, ListOf):
            yield from _parts_of([type.item])
        elif isinstance(type, Union):
            yield from _parts_of(type.members)
        elif isinstance(type, Record):
            yield from _parts_of([each.type for each in type.fields])


def _takes_none(type: Type) -> bool:
    if isinstance(type, Union):
        return NONE in type.members
    return isinstance(type, Scalar) and type.name in ("Any", "None")


def _quoted(value: Any) -> str:
    return printable(jsontext.dumps(value).decode(), _SHOWN)


# The way back.


def tool(app: App, name: str) -> Endpoint:
    """The endpoint that a tool stands for. Endpoints that are not listed are no tools, and a model cannot guess them.

    Raises:
        ArgumentError: There is no such tool.
    """
    tools = tool_names(app)
    if name not in tools:
        raise ArgumentError(f"there is no tool {printable(name, _SHOWN)!r}; the app's tools: {_names(tools)}")
    return tools[name]


def tool_arguments(
    app: App,
    endpoint: Endpoint,
    arguments: Mapping[str, Any] | str,
    files: Mapping[str, FileInput],
    limits: Limits,
) -> list[Any]:
    """The arguments of a call by position, from those that a model wrote by name.

    Args:
        app: The app.
        endpoint: What is called.
        arguments: The arguments as an object, or as the text of one.
        files: The files that the model may name.
        limits: How deep the text may be nested.

    Raises:
        ArgumentError: The arguments are no object, or one that should be a file is none.
        TypeError: They do not fit the endpoint's parameters.
    """
    given = _object(arguments, limits)
    reader = _FileReader(files, fetches_here=app.config.protocol == "ws")
    properties = properties_of(endpoint)
    unknown = [name for name in given if name not in properties]
    missing = [name for name, each in properties.items() if name not in given and not each.info.has_default]
    if unknown or missing:
        problem = f"has no argument {_names(unknown)}" if unknown else f"needs {_names(missing)}"
        raise TypeError(f"{printable(endpoint.label, _SHOWN)} {problem}: it takes {_names(properties)}")
    values: list[Any] = []
    for name, argument in properties.items():
        value = given.get(name)
        if (
            value is None
            and argument.info.has_default
            and (name not in given or not _takes_none(argument.type))
        ):
            value = copy_json(argument.info.default)
        else:
            value = reader.read(value, argument.type)
        values.append(value)
    return values


def _object(arguments: Mapping[str, Any] | str, limits: Limits) -> Mapping[str, Any]:
    value: Any = arguments
    if isinstance(arguments, str):
        try:
            # Some models write nothing at all for a tool without parameters.
            value = jsontext.loads(arguments or "{}", limits, "the arguments of a tool")
        except (RemoteProtocolError, LimitExceeded) as error:
            raise ArgumentError(f"the arguments of a tool cannot be read: {error}") from error
    if not isinstance(value, Mapping):
        raise ArgumentError(f"the arguments of a tool are an object, not {type(value).__name__}")
    return cast("Mapping[str, Any]", value)


def _names(names: Iterable[str]) -> str:
    return ", ".join([repr(printable(name, _SHOWN)) for name in list(names)[:20]]) or "none"


class _FileReader:
    """Puts a file wherever the type of a value has one, and leaves everything else as it is."""

    def __init__(self, files: Mapping[str, FileInput], *, fetches_here: bool) -> None:
        self._files = files
        self._fetches_here = fetches_here

    def read(self, value: Any, type: Type) -> Any:
        if value is None or not holds_file(type):
            return value
        if isinstance(type, File):
            return self._file(value)
        if isinstance(type, Union):
            return self.read(value, _member(type, value))
        if isinstance(type, ListOf) and is_list(value):
            return [self.read(item, type.item) for item in value]
        if isinstance(type, TupleOf) and is_list(value) and len(value) == len(type.items):
            return [self.read(item, each) for item, each in zip(value, type.items, strict=True)]
        if isinstance(type, DictOf) and is_object(value):
            return {key: self.read(item, type.value) for key, item in value.items()}
        if isinstance(type, Record) and is_object(value):
            types = {each.name: each.type for each in type.fields}
            return {key: self.read(item, types.get(key, NONE)) for key, item in value.items()}
        return value

    def _file(self, value: Any) -> FileInput:
        if isinstance(value, FileInput):
            return value
        if not isinstance(value, str):
            raise ArgumentError(
                f"a tool's file is the https URL of one, or the name of one in files=, not {type(value).__name__}"
            )
        provided = self._files.get(value)
        if provided is not None:
            return provided
        shown = printable(value, _SHOWN)
        if value[:8].lower() != "https://" or not value.isprintable() or " " in value:
            raise ArgumentError(
                f"a tool's file is the https URL of one, or the name of one in files=: not {shown!r}"
            )
        if self._fetches_here:
            raise ArgumentError(
                "an app of Gradio 3.x fetches no files, and this machine does not fetch what a model names: "
                f"fetch it yourself, and give it in files= (it is {shown!r})"
            )
        return FileInput(value, "url", name_of_source(value) or "file")


def _member(union: Union, value: Any) -> Type:
    """The member of a union that a value is meant for. A string is text where text is allowed."""
    if isinstance(value, str | FileInput):
        has_text = isinstance(value, str) and any(
            isinstance(member, Scalar) and member.name == "str" for member in union.members
        )
        return File() if File() in union.members and not has_text else NONE
    for member in union.members:
        if isinstance(member, ListOf | TupleOf) and is_list(value):
            return member
        if isinstance(member, DictOf) and is_object(value):
            return member
        if isinstance(member, Record) and is_object(value) and _fits(member, value):
            return member
    # An object where a file belongs is no file, however it is shaped: reading it as one says so.
    return File() if File() in union.members else NONE


def _fits(record: Record, value: Mapping[str, Any]) -> bool:
    """Whether an object has the keys of a record."""
    known = {each.name for each in record.fields}
    return known.issuperset(value) and all(each.name in value for each in record.fields if each.is_required)
