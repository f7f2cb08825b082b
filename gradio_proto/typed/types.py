"""The type of a value that an endpoint takes or returns, read from its JSON schema.

The schemas are written by Pydantic, by Gradio's authors and by authors of components, over nine years of versions:
booleans as schemas, references to nowhere or to themselves, lists where objects belong. Whatever cannot be read is
:data:`ANY`, and reading takes bounded time. The text of :func:`gradio_proto.api_info.python_type_of` is the official
client's, for people; these types are exact enough for a type checker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ..api_info import ParameterInfo, ReturnInfo, is_marked_file
from ..config import is_list, is_object, object_of
from ..files import FILE_KEYS

ScalarName: TypeAlias = Literal["Any", "None", "bool", "float", "int", "str"]

_DEPTH: Final = 20
"""Levels of a schema that are read; real ones have up to 8."""

_PARTS: Final = 400
"""Parts of one schema that are read; real ones have up to 60. References can double them at every level."""

_MOST_LITERALS: Final = 500
"""Choices of one enumeration that are kept; of more, only their kind."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts, or one of which nothing is known."""

    name: ScalarName
    """Its name in Python."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: on the wire an object, in a call a :class:`~gradio_proto.FileInput`, in a result a local path."""


@dataclass(frozen=True, slots=True)
class Literals:
    """One of some strings and integers."""

    values: tuple[str | int, ...]
    """Each once, in the server's order. No booleans are among them, which would equal 0 and 1."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one type."""

    item: Type
    """Their type."""


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A list with a type for each place."""

    items: tuple[Type, ...]
    """The types, at least one."""


@dataclass(frozen=True, slots=True)
class DictOf:
    """An object with any keys."""

    value: Type
    """The type of its values."""


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a record."""

    name: str
    """Its key."""
    type: Type
    """The type of its value."""
    is_required: bool
    """Whether it is always there."""
    description: str = field(compare=False)
    """What the schema says of it; empty if nothing."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known keys and no others."""

    name: str = field(compare=False)
    """What its schema calls it; empty if nothing."""
    fields: tuple[Field, ...]
    """Its keys, at least one."""


@dataclass(frozen=True, slots=True)
class Union:
    """A value of one of some types."""

    members: tuple[Type, ...]
    """The types, at least two, each once, no unions among them."""


Type: TypeAlias = Scalar | File | Literals | ListOf | TupleOf | DictOf | Record | Union

_UNMARKED_FILE: Final = frozenset({"path", "orig_name"})
"""Up to Gradio 4.19 nothing but its keys makes an object FileData; these are always among them."""

ANY: Final = Scalar("Any")
NONE: Final = Scalar("None")

_SCALARS: Final[dict[Any, Scalar]] = {
    "null": NONE,
    "integer": Scalar("int"),
    "string": Scalar("str"),
    "boolean": Scalar("bool"),
    "number": Scalar("float"),
}

# What the text of a type says that its schema does not, on Gradio 3.x and for files up to 4.21.
_BY_TEXT: Final[dict[str, Type]] = {
    "filepath": File(),
    "list[filepath]": ListOf(File()),
    "list[filepath | tuple[filepath, str | None]]": ListOf(
        Union((File(), TupleOf((File(), Union((Scalar("str"), NONE))))))
    ),
}


def type_of(value: ParameterInfo | ReturnInfo) -> Type:
    """The type of a parameter or of a return value."""
    return _BY_TEXT.get(value.python_type) or read_schema(value.type)


def parameter_type(parameter: ParameterInfo) -> Type:
    """The type of a parameter; one that is None if it is left out may be given as None as well."""
    found = type_of(parameter)
    return union((found, NONE)) if parameter.has_default and parameter.default is None else found


def with_other_texts(type: Type) -> Type:
    """The type of a choice that need not be one of those that are offered (``allow_custom_value``)."""
    if isinstance(type, Literals):
        return union((type, Scalar("str")))
    if isinstance(type, ListOf):
        return ListOf(with_other_texts(type.item))
    return union(map(with_other_texts, type.members)) if isinstance(type, Union) else type


def read_schema(schema: Any) -> Type:
    """The type that a JSON schema describes; :data:`ANY` for what is no schema."""
    return _Reader(schema).read(schema, 0)


def union(types: Iterable[Type]) -> Type:
    """The type of what is of one of ``types``; ANY if there is none."""
    members: dict[Type, None] = {}
    for each in types:
        for member in each.members if isinstance(each, Union) else (each,):
            members[member] = None
    if ANY in members or not members:
        return ANY
    return next(iter(members)) if len(members) == 1 else Union(tuple(members))


def holds_file(type: Type) -> bool:
    """Whether a file is a value of that type, or can stand in one."""
    if isinstance(type, ListOf):
        return holds_file(type.item)
    if isinstance(type, TupleOf):
        return any(holds_file(item) for item in type.items)
    if isinstance(type, DictOf):
        return holds_file(type.value)
    if isinstance(type, Record):
        return any(holds_file(each.type) for each in type.fields)
    if isinstance(type, Union):
        return any(holds_file(member) for member in type.members)
    return isinstance(type, File)


class _Reader:
    """One schema's definitions, and how many parts may still be read."""

    def __init__(self, schema: Any) -> None:
        self._definitions = object_of(object_of(schema).get("$defs"))
        self._open: set[str] = set()
        self._room = _PARTS

    def read(self, schema: Any, depth: int) -> Type:
        self._room -= 1
        if not is_object(schema) or depth > _DEPTH or self._room < 0:
            return ANY
        depth += 1
        if "const" in schema:
            return _one_of([schema["const"]])
        if is_list(schema.get("enum")) and schema["enum"]:
            return _one_of(schema["enum"])
        kind = schema.get("type")
        if is_list(kind):
            return union([self._typed(schema, each, depth) for each in kind[:_DEPTH]])
        if isinstance(kind, str):
            return self._typed(schema, kind, depth)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referred(reference.rsplit("/", 1)[-1], depth)
        for word in ("oneOf", "anyOf"):
            if is_list(schema.get(word)):
                return union(self._each(schema[word], depth))
        for word, implied in (("properties", "object"), ("prefixItems", "array"), ("items", "array")):
            if word in schema:
                return self._typed(schema, implied, depth)
        parts = schema.get("allOf")
        # Pydantic writes a reference with a default beside it so.
        return self.read(parts[0], depth) if is_list(parts) and len(parts) == 1 else ANY

    def _each(self, schemas: list[Any], depth: int) -> list[Type]:
        # What lies beyond the last one that is read may be anything.
        return [self.read(schema, depth) for schema in schemas[: self._room + 1]]

    def _referred(self, name: str, depth: int) -> Type:
        if name in self._open:
            return ANY  # it contains itself
        self._open.add(name)
        try:
            return self.read(self._definitions.get(name), depth)
        finally:
            self._open.discard(name)

    def _typed(self, schema: dict[str, Any], kind: Any, depth: int) -> Type:
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        return _SCALARS.get(kind, ANY) if isinstance(kind, str) else ANY

    def _array(self, schema: dict[str, Any], depth: int) -> Type:
        places = schema.get("prefixItems")
        if is_list(places) and 0 < len(places) <= self._room:
            return TupleOf(tuple(self._each(places, depth)))
        return ListOf(self.read(schema.get("items"), depth))

    def _object(self, schema: dict[str, Any], depth: int) -> Type:
        properties = object_of(schema.get("properties"))
        if is_marked_file(properties, self._definitions) or _UNMARKED_FILE <= properties.keys() <= FILE_KEYS:
            return File()
        extra = schema.get("additionalProperties", False)
        if not properties:
            return DictOf(self.read(extra, depth))
        if extra is not False or len(properties) > self._room:
            return DictOf(ANY)
        required = schema.get("required")
        names = {name for name in required if isinstance(name, str)} if is_list(required) else set[str]()
        title = schema.get("title")
        return Record(
            title if isinstance(title, str) else "",
            tuple(
                [
                    Field(name, self.read(part, depth), name in names, _description(part))
                    for name, part in properties.items()
                ]
            ),
        )


def _description(schema: Any) -> str:
    description = object_of(schema).get("description")
    return description if isinstance(description, str) else ""


def _one_of(values: list[Any]) -> Type:
    literals: dict[str | int, None] = {}
    others: list[Type] = []
    for value in values:
        if isinstance(value, bool):
            others.append(Scalar("bool"))
        elif isinstance(value, str | int):
            literals[value] = None
        elif isinstance(value, float):
            others.append(Scalar("float"))
        else:
            others.append(NONE if value is None else ANY)
    if not literals:
        return union(others)
    if len(literals) > _MOST_LITERALS:
        return union([*(Scalar("str" if isinstance(value, str) else "int") for value in literals), *others])
    return union([Literals(tuple(literals)), *others])
