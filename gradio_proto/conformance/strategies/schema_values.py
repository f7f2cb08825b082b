"""Values that fit a JSON Schema, as the ``type`` of a parameter in ``/info`` is one.

hypothesis-jsonschema is no help here: its last release (0.23.1, of early 2024) fails on today's Hypothesis, passes over
``prefixItems``, refuses recursive references, and ``{"type": {}}``, which Gradio sends, is an assertion error to it.

The keywords are those that Pydantic and Gradio write. Of a schema that names several ways to say what a value is, the
first of these counts: ``const``, ``enum``, ``$ref``, ``anyOf`` and ``oneOf``, ``allOf``, ``type``. What cannot be read
takes any value, as clients take it, and a schema that no value fits takes null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...config import is_list, is_object, list_of, object_of
from ...endpoints import copy_json
from .files import FileToSend, file_contents, file_names
from .texts import texts
from .values import values

_DEEPEST: Final = 3
"""References followed within one another. A recursive schema goes on that far, where it need not end sooner."""

_NEAR: Final = 100
"""How far numbers go from zero, or from a bound, unless they are to be hostile. Apps count up to their inputs, and
sleep by them, so a large number would only show that the app takes its time."""

_FAR: Final = 2**70
"""The same for hostile ones: more than 64 bits hold."""

_ROUNDING: Final = 1e-9

_FILE_KEYS: Final = frozenset({"path", "url", "size", "orig_name"})
"""The properties of FileData on every version that has it."""

_FORMATS: Final[Mapping[str, SearchStrategy[str]]] = {
    "date": st.dates().map(str),
    "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "time": st.times().map(lambda moment: f"{moment.isoformat()}Z"),
    "email": st.from_regex(r"\A[a-z]{1,8}@[a-z]{1,8}\.org\Z"),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "uri": st.from_regex(r"\Ahttps://[a-z]{1,8}\.org/[a-z0-9]{0,8}\Z"),
    "uuid": st.uuids().map(str),
}


def schema_values(
    schema: Any,
    *,
    hostile: bool = False,
    max_size: int = 8,
    files: SearchStrategy[FileToSend] | None = None,
) -> SearchStrategy[Any]:
    """Values that fit a JSON Schema.

    >>> from hypothesis import given
    >>> @given(schema_values({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2}))
    ... def test_my_validator(value: list[str]) -> None:
    ...     assert len(value) >= 2 and set(value) <= {"a", "b"}
    >>> test_my_validator()

    Args:
        schema: A schema, a boolean, or whatever a server sent in the place of one.
        hostile: Also values that fit the type and are hard to take: see :func:`values`. Then numbers keep to the
            bounds of the schema, but are not kept small.
        max_size: Characters of a text, and items of a list, where the schema does not ask for more.
        files: What stands where the schema describes FileData; any small file if it is None.
    """
    if files is None:
        files = st.builds(FileToSend, file_names(hostile=hostile), file_contents())
    found = _Reader(schema, hostile, max_size, files).read(schema, _DEEPEST)
    return st.none() if found is None else found


class _Reader:
    """Reads the schemas within one, whose definitions they may refer to.

    A strategy is None where no value fits, or none that ends: then whoever wanted one must do without.
    """

    def __init__(self, root: Any, hostile: bool, max_size: int, files: SearchStrategy[FileToSend]) -> None:
        root = object_of(root)
        self._definitions = {**object_of(root.get("definitions")), **object_of(root.get("$defs"))}
        self._hostile = hostile
        self._size = max_size
        self._files = files
        self._anything = values(hostile=hostile, max_size=max_size)
        self._referred: dict[tuple[str, int], SearchStrategy[Any] | None] = {}

    def read(self, schema: Any, left: int) -> SearchStrategy[Any] | None:
        """The values of a schema; ``left`` is how many references may still be followed."""
        if schema is False:
            return None
        if not is_object(schema):
            return self._anything
        if object_of(schema.get("properties")).keys() >= _FILE_KEYS:
            return self._files
        if "const" in schema:
            return _one_of_these([schema["const"]])
        if is_list(schema.get("enum")):
            return _one_of_these(schema["enum"])
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema["$ref"], left)
        for word in ("anyOf", "oneOf"):
            if is_list(schema.get(word)):
                return self._any_of(schema[word], left)
        if is_list(schema.get("allOf")):
            return self._all_of(schema, left)
        kind = schema.get("type")
        if is_list(kind):
            return self._any_of([{**schema, "type": each} for each in kind], left)
        return self._typed(schema, kind, left)

    def _reference(self, reference: str, left: int) -> SearchStrategy[Any] | None:
        if left == 0:
            return None
        key = reference.rpartition("/")[2], left
        if key[0] not in self._definitions:
            return self._anything
        if key not in self._referred:
            self._referred[key] = self.read(self._definitions[key[0]], left - 1)
        return self._referred[key]

    def _any_of(self, schemas: list[Any], left: int) -> SearchStrategy[Any] | None:
        read = [self.read(schema, left) for schema in schemas]
        found = [strategy for strategy in read if strategy is not None]
        return st.one_of(found) if found else None

    def _all_of(self, schema: dict[str, Any], left: int) -> SearchStrategy[Any] | None:
        """The values of one schema made of all that have to hold. Of a word that several of them have, the last counts;
        properties add up."""
        parts = [{name: item for name, item in schema.items() if name != "allOf"}]
        for part in map(object_of, list_of(schema["allOf"])):
            reference = part.get("$ref")
            if isinstance(reference, str):
                if left == 0:
                    return None
                left -= 1
                part = object_of(self._definitions.get(reference.rpartition("/")[2]))
            parts.append(part)
        merged: dict[str, Any] = {}
        for part in parts:
            merged |= part
        merged["properties"] = {
            name: item for part in parts for name, item in object_of(part.get("properties")).items()
        }
        merged["required"] = [name for part in parts for name in list_of(part.get("required"))]
        if "allOf" in merged:
            merged["allOf"] = [item for part in parts for item in list_of(part.get("allOf"))]
        return self.read(merged, left)

    def _typed(self, schema: dict[str, Any], kind: Any, left: int) -> SearchStrategy[Any] | None:
        if kind == "object" or (not isinstance(kind, str) and schema.get("properties")):
            return self._object(schema, left)
        if kind == "array":
            return self._array(schema, left)
        if kind == "string":
            return self._string(schema)
        if kind in ("number", "integer"):
            return self._number(schema, whole=kind == "integer")
        if kind == "boolean":
            return st.booleans()
        return st.none() if kind == "null" else self._anything

    def _object(self, schema: dict[str, Any], left: int) -> SearchStrategy[Any] | None:
        properties = object_of(schema.get("properties"))
        needed = {name for name in list_of(schema.get("required")) if isinstance(name, str)}
        required: dict[str, SearchStrategy[Any]] = {}
        optional: dict[str, SearchStrategy[Any]] = {}
        for name in (*properties, *sorted(needed - properties.keys())):
            strategy = self.read(properties.get(name, True), left)
            if strategy is not None:
                (required if name in needed else optional)[name] = strategy
            elif name in needed:
                return None
        fixed = st.fixed_dictionaries(required, optional=optional)
        more = schema.get("additionalProperties", not properties)
        extra = self.read(more, left) if more is not True or not properties else None
        if extra is None:
            return fixed
        keys = texts(max_size=4, hostile=self._hostile).map(lambda key: _other_name(key, properties))
        low, high = _sizes(schema, "minProperties", "maxProperties", self._size)
        low, high = max(low - len(required), 0), max(high - len(required) - len(optional), 0)
        extras = st.dictionaries(keys, extra, min_size=min(low, high), max_size=high)
        return st.tuples(extras, fixed).map(lambda drawn: {**drawn[0], **drawn[1]})

    def _array(self, schema: dict[str, Any], left: int) -> SearchStrategy[Any] | None:
        first = list_of(schema.get("prefixItems"))
        rest = schema.get("items", True)
        if is_list(rest):  # how tuples were written before draft 2020-12
            first, rest = rest, schema.get("additionalItems", True)
        low, high = _sizes(schema, "minItems", "maxItems", self._size)
        items = None if high <= len(first) else self.read(rest, left)
        if items is None and low > len(first):
            return None
        heads = [self.read(item, left) for item in first]
        if None in heads:
            return None if low else st.just(()).map(list)
        head = st.tuples(*[strategy for strategy in heads if strategy is not None])
        if items is None or (first and "items" not in schema and low <= len(first)):
            return head.map(list)
        unique = json.dumps if schema.get("uniqueItems") is True else None
        low, high = max(low - len(first), 0), high - len(first)
        tail = st.lists(items, min_size=low, max_size=high, unique_by=unique)
        return st.tuples(head, tail).map(lambda drawn: [*drawn[0], *drawn[1]]) if first else tail

    def _string(self, schema: dict[str, Any]) -> SearchStrategy[Any]:
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            if pattern.endswith("$") and not pattern.endswith("\\$"):
                pattern = pattern[:-1] + r"\Z"  # to Python, a line feed may stand behind a dollar sign
            try:
                return st.from_regex(re.compile(pattern), alphabet=st.characters(codec="utf-8"))
            except re.error:
                pass  # JavaScript's, and not Python's too
        form = schema.get("format")
        if isinstance(form, str) and form in _FORMATS:
            return _FORMATS[form]
        low, high = _sizes(schema, "minLength", "maxLength", self._size)
        if self._hostile and "maxLength" not in schema:
            return texts(min_size=low, max_size=high, hostile=True)
        # Known texts of some other length would not fit.
        return texts(min_size=low, max_size=high)

    def _number(self, schema: dict[str, Any], *, whole: bool) -> SearchStrategy[Any] | None:
        low, above = _bound(schema, "minimum"), _bound(schema, "exclusiveMinimum")
        high, below = _bound(schema, "maximum"), _bound(schema, "exclusiveMaximum")
        step = _bound(schema, "multipleOf")
        if whole and not step:
            step = 1
        return numbers(low, high, step=step, above=above, below=below, hostile=self._hostile)


def _other_name(name: str, taken: Mapping[str, Any]) -> str:
    return f"{name}_" if name in taken else name


def _one_of_these(choices: list[Any]) -> SearchStrategy[Any] | None:
    return st.sampled_from(choices).map(copy_json) if choices else None


def _sizes(schema: dict[str, Any], least: str, most: str, size: int) -> tuple[int, int]:
    low = schema.get(least)
    low = low if isinstance(low, int) else 0
    high = schema.get(most)
    return low, max(low, min(high, low + size) if isinstance(high, int) else max(size, low))


def _bound(schema: Mapping[str, Any], name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def numbers(
    low: float | None = None,
    high: float | None = None,
    *,
    step: float | None = None,
    above: float | None = None,
    below: float | None = None,
    start: float = 0,
    hostile: bool = False,
) -> SearchStrategy[Any] | None:
    """Numbers from ``low`` to ``high``; None if there are none.

    Args:
        low: The least; as small as numbers get if it is None.
        high: The most.
        step: Only its multiples, counted from ``start``; whole numbers then, if both are.
        above: A bound that is excluded.
        below: The same.
        start: Where the multiples count from.
        hostile: Far from the bounds too.
    """
    lows = [bound for bound in (low, above) if bound is not None]
    highs = [bound for bound in (high, below) if bound is not None]
    reach = _FAR if hostile else _NEAR
    least = max(lows) if lows else min(highs) - 2 * reach if highs else -reach
    most = min(highs) if highs else max(lows) + 2 * reach if lows else reach
    if not hostile:
        least, most = _near(least, most)
    if step:
        # 0.3 / 0.1 is a little less than 3.
        first = math.ceil((least - start) / step - _ROUNDING)
        last = math.floor((most - start) / step + _ROUNDING)
        if above is not None and start + first * step <= above:
            first += 1
        if below is not None and start + last * step >= below:
            last -= 1
        if first > last:
            return None
        # The product may be a little beyond a bound that is no binary fraction.
        return st.integers(first, last).map(lambda count: min(max(start + count * step, least), most))
    if least > most or (least == most and (least == above or most == below)):
        return None
    return st.floats(
        least,
        most,
        exclude_min=above is not None and least == above,
        exclude_max=below is not None and most == below,
    )


def _near(least: float, most: float) -> tuple[float, float]:
    """The part of a range that is nearest to zero."""
    if least > -_NEAR and most < _NEAR:
        return least, most
    center = min(max(0, least), most)
    return max(least, center - _NEAR), min(most, center + _NEAR)
