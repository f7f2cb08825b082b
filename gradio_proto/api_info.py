"""``/info``: the parameters and return values of an app's endpoints, and their types in Python's words.

Like the config, this object grew over the versions (parameter names and defaults came with Gradio 4.44), so
what is missing gets a default. An endpoint that cannot be read at all is left out; it can still be called, as
endpoints that ``/info`` does not list can.

The schemas in it are JSON schemas made by Pydantic, by hand and by users: booleans as schemas, references to
nowhere or to themselves, lists where objects belong. :func:`python_type_of` reads them all, in bounded time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .config import Visibility, is_list, is_object, list_of, object_of, parse_visibility, quote
from .errors import RemoteProtocolError

PRIVATE_KEYS: Final = ("api_visibility", "code_snippets", "show_api")
"""What ``/info`` says of an endpoint to browsers only; the official client's dict form leaves it out."""

_SCHEMA_DEPTH: Final = 20
"""Levels of a schema that its type text shows. Real ones have up to 8; a recursive one has no end."""

_SCHEMA_PARTS: Final = 500
"""Parts of a schema that its type text shows: references can double the text at every level."""

_SCHEMA_TEXT: Final = 500
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
    """Read the decoded JSON of ``GET {api_prefix}/info``.

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
    """Read one endpoint's entry; None if its parameters cannot be read."""
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
    python_type = object_of(entry.get("python_type"))
    text = _text(python_type.get("type")) or python_type_of(entry.get("type"))
    return text, _text(python_type.get("description"))


def python_type_of(schema: Any) -> str:
    """Write a JSON schema as a Python type: ``"list[str]"``, ``"Literal['add', 'sub']"``, ``"dict(x: int)"``.

    The words are the official client's. What that one fails on (booleans as schemas, references to nowhere or
    in a circle) is ``Any``; so is what exceeds a bounded size.
    """
    return _TypeWriter(schema).write(schema).replace(_FILE_DATA_TEXT, "filepath")


class _TypeWriter:
    """One schema's definitions, and how much may still be written."""

    def __init__(self, schema: Any) -> None:
        self._definitions = object_of(object_of(schema).get("$defs"))
        self._parts = _SCHEMA_PARTS

    def write(self, schema: Any, depth: int = 0) -> str:
        self._parts -= 1
        if not is_object(schema) or not schema or depth > _SCHEMA_DEPTH or self._parts < 0:
            return "Any"
        return self._write(schema, depth + 1)

    def _write(self, schema: dict[str, Any], depth: int) -> str:
        if "const" in schema:
            return f"Literal[{_literal(schema['const'])}]"
        enum = schema.get("enum")
        if is_list(enum):
            values = [f"'{_literal(value)}'" for value in enum[: max(self._parts, 0)]]
            self._parts -= len(values)
            return f"Literal[{', '.join(values)}]"
        kind = schema.get("type")
        if is_list(kind):
            # JSON Schema has seven types; a longer list only repeats them.
            kinds = [each for each in kind[:7] if isinstance(each, str)]
            return self._join(" | ", [{**schema, "type": each} for each in kinds], depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        if isinstance(kind, str):
            return _PLAIN_TYPES.get(kind, "Any")
        if schema.get("$ref"):
            return self.write(self._definition(schema["$ref"]), depth)
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self._join(" | ", schema[word], depth)
        if schema.get("allOf"):
            return f"All[{self._join(', ', schema['allOf'], depth)}]"
        return "str | float | bool | list | dict" if "json" in _text(schema.get("description")) else "Any"

    def _join(self, separator: str, schemas: Any, depth: int) -> str:
        if not is_list(schemas) or not schemas:
            return "Any"
        shown = schemas[: max(self._parts, 1)]
        return separator.join([self.write(schema, depth) for schema in shown])

    def _array(self, schema: dict[str, Any], depth: int) -> str:
        items = schema.get("items")
        for holder in (object_of(items), schema):
            if "prefixItems" in holder:
                return f"tuple[{self._join(', ', holder['prefixItems'], depth)}]"
        return f"list[{self.write(items, depth)}]"

    def _object(self, schema: dict[str, Any], depth: int) -> str:
        properties = object_of(schema.get("properties"))
        if self._is_file(properties):
            return "filepath"
        parts: list[str] = []
        for name, value in properties.items():
            if self._parts <= 0:
                break
            if name != "$defs":
                description = _text(object_of(value).get("description"))
                note = f" ({_cut(description)})" if description else ""
                parts.append(f"{_cut(name)}: {self.write(value, depth)}{note}")
        extra = schema.get("additionalProperties", False)
        if extra is not False:
            parts.append(f"str, {self.write(extra, depth)}")
        return f"dict({', '.join(parts)})"

    def _is_file(self, properties: dict[str, Any]) -> bool:
        if "path" not in properties:
            return False
        meta = object_of(properties.get("meta"))
        if "$ref" in meta:
            meta = object_of(self._definition(meta["$ref"]))
        mark = object_of(meta.get("properties")).get("_type")
        if mark is not None:
            return object_of(mark).get("const") == "gradio.FileData"
        return object_of(meta.get("default")).get("_type") == "gradio.FileData"

    def _definition(self, reference: Any) -> Any:
        return self._definitions.get(reference.rsplit("/", 1)[-1]) if isinstance(reference, str) else None


def _literal(value: Any) -> str:
    # A container in an enum is written by its kind alone: its text could be of any size.
    return quote(value) if isinstance(value, dict | list) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SCHEMA_TEXT else text[: _SCHEMA_TEXT - 1] + "…"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
