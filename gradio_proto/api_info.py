"""``/info``: the parameters and return values of an app's endpoints, and their types in Python's words.

Like the config, this object grew over the versions (parameter names and defaults came with Gradio 4.44), so
what is missing gets a default. An endpoint that cannot be read at all is left out; it can still be called, as
endpoints that ``/info`` does not list can.

The schemas in it are JSON schemas made by Pydantic, by hand and by users: booleans as schemas, references to
nowhere or to themselves, lists where objects belong. :func:`python_type_of` reads them all, in bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .config import Visibility, is_list, is_object, list_of, object_of, parse_visibility, quote
from .errors import RemoteProtocolError

PRIVATE_KEYS: Final = ("api_visibility", "code_snippets", "show_api")
"""What ``/info`` says of an endpoint to browsers only; the official client's dict form leaves it out."""

_SCHEMA_DEPTH: Final = 20
"""Levels of a schema that its type text shows. Real ones have up to 8; a recursive one has no end."""

_SCHEMA_TEXT: Final = 2000
"""Characters of one type text; the longest real one has 450. References can double a text at every level."""

_PUNCTUATION: Final = 6
"""Characters of brackets, quotes and separators to count for each piece, so that empty pieces count as well."""

_WORD: Final = 200
"""Characters of one name, description or literal in a type text."""

_PLAIN_TYPES: Final[dict[Any, str]] = {
    "null": "None",
    "integer": "int",
    "string": "str",
    "boolean": "bool",
    "number": "float",
}

# Servers up to Gradio 4.21 describe a file by these fields alone; later ones mark it in its `meta`.
_FILE_DATA_TEXT: Final = (
    "dict(path: str, url: str | None, size: int | None, orig_name: str | None, mime_type: str | None, "
    "is_stream: bool, meta: dict(_type: Literal[gradio.FileData]))"
)


_CONVERTED: Final = {
    "ImgSerializable": "filepath",
    "VideoSerializable": "filepath",
    "GallerySerializable": "list[filepath | tuple[filepath, str | None]]",
}
"""Types of Gradio 3.x that hold files here, by what the server calls the conversion."""


@dataclass(frozen=True, slots=True)
class ReturnInfo:
    """One value that an endpoint returns."""

    label: str
    """The label of its component."""
    python_type: str
    """Its type in Python's words: ``"str"``, ``"list[filepath]"``."""
    description: str
    """What the server adds to the type; mostly empty."""
    type: Any = field(repr=False)
    """Its JSON schema, as the server sent it."""
    component: str
    """The class of its component: ``"Textbox"``."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry, as the server sent it."""


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter of an endpoint."""

    label: str
    """The label of its component."""
    name: str | None
    """The name for keyword arguments; None on servers that send none (up to Gradio 4.21)."""
    has_default: bool
    """Whether it may be left out."""
    default: Any
    """The value sent if it is left out."""
    python_type: str
    """Its type in Python's words: ``"float"``, ``"Literal['add', 'sub']"``."""
    description: str
    """What the server adds to the type; mostly empty."""
    type: Any = field(repr=False)
    """Its JSON schema, as the server sent it."""
    component: str
    """The class of its component: ``"Number"``."""
    example_input: Any = field(repr=False)
    """A value that the component takes."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry, as the server sent it."""


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """What ``/info`` says of one endpoint."""

    parameters: tuple[ParameterInfo, ...]
    """Its parameters in the order of positional arguments, without State and other hidden inputs."""
    returns: tuple[ReturnInfo, ...]
    """Its return values, without hidden ones."""
    description: str
    """What the app's author says of it (Gradio 5 and later); empty if nothing."""
    visibility: Visibility
    """Whether it is listed."""
    oauth_token: str | None
    """``"required"`` or ``"optional"`` if it takes the caller's Hugging Face token (Gradio 6); else None."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry, as the server sent it."""


@dataclass(frozen=True, slots=True)
class ApiInfo:
    """What ``/info`` says of an app. Private endpoints are left out."""

    named: Mapping[str, EndpointInfo]
    """By name, with the leading slash: ``"/predict"``."""
    unnamed: Mapping[int, EndpointInfo]
    """By fn_index, for events without a name (Gradio 3.x)."""


def parse_api_info(value: Any) -> ApiInfo:
    """Read the value that is the decoded JSON of ``GET {api_prefix}/info``.

    Raises:
        RemoteProtocolError: It is not the API info of a Gradio app.
    """
    if not is_object(value):
        raise RemoteProtocolError("the API info is not an object", data=quote(value))
    if "named_endpoints" not in value and "unnamed_endpoints" not in value:
        raise RemoteProtocolError("the API info names no endpoints", data=quote(value))
    named = dict(_endpoints(value, "named_endpoints"))
    unnamed = {
        int(key): endpoint
        for key, endpoint in _endpoints(value, "unnamed_endpoints")
        if key.isascii() and key.isdigit() and len(key) < 19
    }
    return ApiInfo(named, unnamed)


def _endpoints(info: dict[str, Any], kind: str) -> Iterator[tuple[str, EndpointInfo]]:
    endpoints = info.get(kind)
    if endpoints is None:
        return
    if not is_object(endpoints):
        raise RemoteProtocolError(f"info.{kind} is not an object", data=quote(endpoints))
    for key, value in endpoints.items():
        endpoint = parse_endpoint_info(value)
        if endpoint is not None and endpoint.visibility != "private":
            yield key, endpoint


def parse_endpoint_info(value: Any) -> EndpointInfo | None:
    """Read the value of one endpoint's entry; None if its parameters cannot be read."""
    entry = object_of(value)
    parameters = entry.get("parameters")
    if not is_list(parameters):
        return None
    return EndpointInfo(
        parameters=tuple(_parameter(object_of(item)) for item in parameters),
        returns=tuple(_return(object_of(item)) for item in list_of(entry.get("returns"))),
        description=_text(entry.get("description")),
        visibility=parse_visibility(entry),
        oauth_token=_text(entry.get("oauth_token")) or None,
        raw=entry,
    )


def _parameter(entry: dict[str, Any]) -> ParameterInfo:
    python_type, description = _python_type(entry)
    return ParameterInfo(
        label=_text(entry.get("label")),
        name=_text(entry.get("parameter_name")) or None,
        has_default=entry.get("parameter_has_default") is True,
        default=entry.get("parameter_default"),
        python_type=python_type,
        description=description,
        type=entry.get("type"),
        component=_text(entry.get("component")),
        example_input=entry.get("example_input"),
        raw=entry,
    )


def _return(entry: dict[str, Any]) -> ReturnInfo:
    python_type, description = _python_type(entry)
    return ReturnInfo(
        label=_text(entry.get("label")),
        python_type=python_type,
        description=description,
        type=entry.get("type"),
        component=_text(entry.get("component")),
        raw=entry,
    )


def _python_type(entry: dict[str, Any]) -> tuple[str, str]:
    converted = _converted_type(entry)
    if converted is not None:
        return converted, ""
    python_type = object_of(entry.get("python_type"))
    text = _text(python_type.get("type")) or python_type_of(entry.get("type"))
    return text, _text(python_type.get("description"))


def _converted_type(entry: dict[str, Any]) -> str | None:
    """The type of a value that holds files on Gradio 3.x. ``serializer`` tells how the official client of that time
    converted a value; the type that stands beside it is the one on the wire."""
    serializer = entry.get("serializer")
    if serializer == "FileSerializable":
        return "list[filepath]" if object_of(entry.get("type")).get("type") == "array" else "filepath"
    return _CONVERTED.get(serializer) if isinstance(serializer, str) else None


def python_type_of(schema: Any) -> str:
    """Write a JSON schema as a Python type: ``"list[str]"``, ``"Literal['add', 'sub']"``, ``"dict(x: int)"``.

    The words are the official client's. What that one fails on (booleans as schemas, references to nowhere or
    in a circle) is ``Any``; so is what exceeds a bounded size.
    """
    return _TypeWriter(schema).write(schema).replace(_FILE_DATA_TEXT, "filepath")


def is_marked_file(properties: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether an object's schema marks it as FileData, as servers since Gradio 4.20 do.

    Args:
        properties: The ``properties`` of the schema.
        definitions: The ``$defs`` to which references in it lead.
    """
    if "path" not in properties:
        return False
    meta = object_of(properties.get("meta"))
    if "$ref" in meta:
        meta = object_of(_definition(definitions, meta["$ref"]))
    mark = object_of(meta.get("properties")).get("_type")
    if mark is not None:
        return object_of(mark).get("const") == "gradio.FileData"
    return object_of(meta.get("default")).get("_type") == "gradio.FileData"


def _definition(definitions: dict[str, Any], reference: Any) -> Any:
    if not isinstance(reference, str) or len(reference) > _WORD:
        return None
    return definitions.get(reference.rsplit("/", 1)[-1])


class _TypeWriter:
    """One schema's definitions, and how many characters may still be written."""

    def __init__(self, schema: Any) -> None:
        self._definitions = object_of(object_of(schema).get("$defs"))
        self._room = _SCHEMA_TEXT

    def write(self, schema: Any, depth: int = 0) -> str:
        if not is_object(schema) or not schema or depth > _SCHEMA_DEPTH or self._room <= 0:
            return self._take("Any")
        self._room -= _PUNCTUATION
        depth += 1
        if "const" in schema:
            return f"Literal[{self._literal(schema['const'])}]"
        if is_list(schema.get("enum")):
            values = self._each(", ", schema["enum"], lambda value: f"'{self._literal(value)}'")
            return f"Literal[{values}]"
        kind = schema.get("type")
        if is_list(kind) and kind:
            return self._each(" | ", kind, lambda each: self._typed(schema, each, depth))
        if isinstance(kind, str):
            return self._typed(schema, kind, depth)
        if schema.get("$ref"):
            return self.write(self._definition(schema["$ref"]), depth)
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self._join(" | ", schema[word], depth)
        if schema.get("allOf"):
            return f"All[{self._join(', ', schema['allOf'], depth)}]"
        json = "json" in _text(schema.get("description"))[:_WORD]
        return self._take("str | float | bool | list | dict" if json else "Any")

    def _typed(self, schema: dict[str, Any], kind: Any, depth: int) -> str:
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        return self._take(_PLAIN_TYPES.get(kind, "Any") if isinstance(kind, str) else "Any")

    def _array(self, schema: dict[str, Any], depth: int) -> str:
        items = schema.get("items")
        for holder in (object_of(items), schema):
            if "prefixItems" in holder:
                return f"tuple[{self._join(', ', holder['prefixItems'], depth)}]"
        return f"list[{self.write(items, depth)}]"

    def _object(self, schema: dict[str, Any], depth: int) -> str:
        properties = object_of(schema.get("properties"))
        if is_marked_file(properties, self._definitions):
            return self._take("filepath")
        names = (name for name in properties if name != "$defs")
        parts = self._each(", ", names, lambda name: self._property(name, properties[name], depth))
        extra = schema.get("additionalProperties", False)
        if extra is not False:
            parts += f"{', ' if parts else ''}str, {self.write(extra, depth)}"
        return f"dict({parts})"

    def _property(self, name: str, value: Any, depth: int) -> str:
        name = self._take(name)
        python_type = self.write(value, depth)
        description = _text(object_of(value).get("description"))
        return f"{name}: {python_type}" + (f" ({self._take(description)})" if description else "")

    def _definition(self, reference: Any) -> Any:
        return _definition(self._definitions, reference)

    def _join(self, separator: str, schemas: Any, depth: int) -> str:
        if not is_list(schemas) or not schemas:
            return self._take("Any")
        return self._each(separator, schemas, lambda schema: self.write(schema, depth))

    def _each(self, separator: str, items: Iterable[Any], write: Callable[[Any], str]) -> str:
        written: list[str] = []
        for item in items:
            if self._room <= 0:
                written.append("…")
                break
            written.append(write(item))
        return separator.join(written)

    def _literal(self, value: Any) -> str:
        # A container in an enum is written by its kind alone: its text could be of any size.
        return self._take(quote(value) if isinstance(value, dict | list) else str(value))

    def _take(self, text: str) -> str:
        """Account for a piece of text, cut to what one piece may have."""
        if len(text) > _WORD:
            text = text[: _WORD - 1] + "…"
        self._room -= len(text) + _PUNCTUATION
        return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
