"""Types and values as Python source code.

A name or a text from a server gets into source code in three ways only: as an identifier that has been checked, as a
literal that :func:`repr` has written, and as the text of a docstring, where it can end nothing. The layout is the
one that ``ruff format`` leaves alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from keyword import iskeyword
from textwrap import wrap
from typing import Any, Final

from ..identifiers import is_plain, unique
from .types import ANY, NONE, DictOf, File, ListOf, Literals, Record, Scalar, TupleOf, Type, Union, union

WIDTH: Final = 88
"""Columns of a line, which only a string that cannot be broken exceeds."""

_INLINE: Final = 50
"""Characters of a type that is written where it is used; a longer one gets a name."""

_CLASS_NAME: Final = 36
"""Characters of a class's name, without what numbers it."""

_LITERAL: Final = 60
"""Characters of a default that is written where it stands."""

BUILTIN_TYPES: Final = frozenset({"bool", "dict", "float", "int", "list", "str", "tuple"})
"""What a class attribute may not be called, or annotations in the class would mean that."""

IMPORTED: Final = frozenset(
    (
        *("Any", "Literal", "NamedTuple", "TypeAlias", "TypedDict", "Union"),
        *("AsyncGeneratedClient", "AsyncJob", "DEFAULT", "FileInput", "GeneratedClient", "Job"),
    )
)
"""What a generated module imports; no class of its own may be called so."""


def class_name(text: str, otherwise: str) -> str:
    """A name for a class, made of any text: ASCII letters and digits, an upper-case letter first."""
    words = [word[:1].upper() + word[1:] for word in re.findall("[a-zA-Z0-9]+", text[:200])]
    name = "".join(words)[:_CLASS_NAME]
    return name if name[:1].isalpha() and not iskeyword(name) else f"{otherwise}{name}"


def string(text: str) -> str:
    """The literal of a string, in double quotes unless those would need more escapes."""
    literal = repr(text)
    return literal if '"' in text or "'" in text else f'"{literal[1:-1]}"'


def docstring(text: str, indent: str, *, wraps: bool = True) -> list[str]:
    """The lines of a docstring, as text that ends it nowhere; each line of the text stays one if nothing ``wraps``."""
    text = text.replace("\\", "\\\\")
    if '"""' in text or text[:1] == '"' or text[-1:] == '"':
        text = text.replace('"', "'")
    lines: list[str] = []
    for line in text.split("\n"):
        margin = line[: len(line) - len(line.lstrip(" "))][:40]
        wrapped = wrap(
            line,
            WIDTH - len(indent) - 8 if wraps else len(line) + 1,
            subsequent_indent=margin + "    " if margin else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines.extend(wrapped or [""])
    lines[0] = f'"""{lines[0]}'
    if len(lines) == 1:
        lines[0] += '"""'
    else:
        lines.append('"""')
    return [f"{indent}{line}" if line else "" for line in lines]


def default(value: Any, type: Type) -> str:
    """A parameter's default; ``DEFAULT`` for what is no short literal of the parameter's type."""
    if not _fits(value, type):
        return "DEFAULT"
    literal = string(value) if isinstance(value, str) else repr(value)
    return literal if len(literal) <= _LITERAL else "DEFAULT"


def _fits(value: Any, type: Type) -> bool:
    if isinstance(type, Union):
        return any(_fits(value, member) for member in type.members)
    if value is None:
        return type in (NONE, ANY)
    if isinstance(type, Literals):
        return value in type.values and not isinstance(value, bool | float)
    if not isinstance(type, Scalar) or not isinstance(value, str | int | float):
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, bool):
        return type.name in ("bool", "Any")
    kind = "str" if isinstance(value, str) else "int" if isinstance(value, int) else "float"
    return type.name in (kind, "Any") or (kind == "int" and type.name == "float")


class Definitions:
    """The classes and aliases that a module's types need, in an order in which each can be defined.

    Args:
        taken: Names that the module has otherwise.
    """

    def __init__(self, taken: Collection[str]) -> None:
        self.names: set[str] = {*taken, *IMPORTED}
        """Every name of the module."""
        self.used: set[str] = set()
        """Those of :data:`IMPORTED` that were written."""
        self.blocks: list[list[str]] = []
        """The definitions, each as its lines."""
        self._defined: dict[str, str] = {}
        self._written: dict[tuple[Type, bool], str] = {}

    def write(self, type: Type, hint: str, *, is_input: bool) -> str:
        """The source of a type; what is too long for its place is defined, under a name like ``hint``."""
        if isinstance(type, TupleOf) and not is_input:
            type = ListOf(union(type.items))  # JSON has no tuples
        key = type, is_input
        if key not in self._written:  # a type is written once, or its depth would count by powers of two
            source = self._write(type, hint, is_input=is_input)
            if len(source) > _INLINE and isinstance(type, Literals | TupleOf | Union):
                source = self._define(type, hint, is_input=is_input)
            self._written[key] = source
        return self._written[key]

    def name(self, hint: str, otherwise: str) -> str:
        """A name like ``hint`` for a class, which nothing else has."""
        name = unique(class_name(hint, otherwise), self.names, "")
        self.names.add(name)
        return name

    def _write(self, type: Type, hint: str, *, is_input: bool) -> str:
        if isinstance(type, Scalar):
            return self._use("Any") if type is ANY or type.name == "Any" else type.name
        if isinstance(type, File):
            return self._use("FileInput") if is_input else "str"
        if isinstance(type, Literals):
            return f"{self._use('Literal')}[{', '.join(self._literals(type))}]"
        if isinstance(type, TupleOf):
            return f"tuple[{', '.join(self._each(type.items, hint, is_input=True))}]"
        if isinstance(type, ListOf):
            return f"list[{self.write(type.item, hint, is_input=is_input)}]"
        if isinstance(type, DictOf):
            return f"dict[str, {self.write(type.value, hint, is_input=is_input)}]"
        if isinstance(type, Record):
            return self._record(type, hint, is_input=is_input)
        return " | ".join(self._each(type.members, hint, is_input=is_input))

    def _use(self, name: str) -> str:
        self.used.add(name)
        return name

    def _each(self, types: tuple[Type, ...], hint: str, *, is_input: bool) -> list[str]:
        # Two that differ on the wire may be the same in Python.
        return list(dict.fromkeys(self.write(each, hint, is_input=is_input) for each in types))

    @staticmethod
    def _literals(type: Literals) -> list[str]:
        return [string(value) if isinstance(value, str) else repr(value) for value in type.values]

    def _define(self, type: Literals | TupleOf | Union, hint: str, *, is_input: bool) -> str:
        """Give a long type a name."""
        if isinstance(type, Literals):
            head, parts = self._use("Literal"), self._literals(type)
        elif isinstance(type, TupleOf):
            head, parts = "tuple", self._each(type.items, hint, is_input=is_input)
        else:
            head, parts = self._use("Union"), self._each(type.members, hint, is_input=is_input)
        self._use("TypeAlias")
        # A single one takes no comma, which would make a tuple of it.
        lines = [f"    {part}," for part in parts] if len(parts) > 1 else [f"    {parts[0]}"]
        return self._named([f": TypeAlias = {head}[", *lines, "]"], "", hint)

    def _record(self, record: Record, hint: str, *, is_input: bool) -> str:
        names = [each.name for each in record.fields]
        if not all(_is_key(name) for name in names):
            return f"dict[str, {self._use('Any')}]"
        self._use("TypedDict")
        hint = record.name or hint
        always, at_times = [
            [
                f"    {each.name}: {self.write(each.type, f'{hint}_{each.name}', is_input=is_input)}"
                for each in record.fields
                if each.is_required is is_required
            ]
            for is_required in (True, False)
        ]
        if not at_times:
            return self._named(["(TypedDict):", *always], "class ", hint)
        base = "TypedDict"
        if always:
            base = self._named(["(TypedDict):", *always], "class ", f"{hint}_required")
        return self._named([f"({base}, total=False):", *at_times], "class ", hint)

    def _named(self, definition: list[str], keyword: str, hint: str) -> str:
        text = "\n".join(definition)
        if text not in self._defined:
            name = self.name(hint, "Value")
            self._defined[text] = name
            first, *rest = definition
            self.blocks.append([f"{keyword}{name}{first}", *rest])
        return self._defined[text]


def _is_key(name: str) -> bool:
    """Whether a TypedDict can be written as a class that has the key, and nothing in it then means the key instead."""
    return is_plain(name) and not name[0].isupper() and name not in BUILTIN_TYPES
