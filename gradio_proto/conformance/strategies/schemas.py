"""JSON Schemas as Gradio's servers send them in ``/info``: made by Pydantic, by hand, and by users."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...endpoints import copy_json
from .texts import texts
from .values import scalars

_NULL: Final = {"type": "null"}

FILE_DATA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "FileData",
    "required": ["path"],
    "properties": {
        "path": {"title": "Path", "type": "string"},
        "url": {"anyOf": [{"type": "string"}, _NULL], "default": None, "title": "Url"},
        "size": {"anyOf": [{"type": "integer"}, _NULL], "default": None, "title": "Size"},
        "orig_name": {"anyOf": [{"type": "string"}, _NULL], "default": None, "title": "Orig Name"},
        "mime_type": {"anyOf": [{"type": "string"}, _NULL], "default": None, "title": "Mime Type"},
        "is_stream": {"default": False, "title": "Is Stream", "type": "boolean"},
        "meta": {"default": {"_type": "gradio.FileData"}, "title": "Meta", "type": "object"},
    },
}
"""A file, as Gradio 4.21 and 4.44 describe it."""

ANY_JSON: Final[dict[str, Any]] = {"type": {}, "description": "any valid json"}
"""How every version describes a value of gr.JSON, though the metaschema forbids it: validators refuse to read it."""

_DEFINED: Final[tuple[tuple[str, ...], ...]] = ((), ("Item",), ("Item", "Node"))

_NAMES: Final = ("text", "value", "items", "next", "_type", "class")


def schemas(*, files: bool = True, oddities: bool = True) -> SearchStrategy[dict[str, Any]]:
    """Schemas of values, each with values that fit it.

    They have what Pydantic writes: definitions and references to them, recursive ones among these, tuples, literals,
    optional properties, maps, unions, bounds and formats.

    >>> from hypothesis import given
    >>> from gradio_proto.api_info import python_type_of
    >>> @given(schemas())
    ... def test_my_reader(schema: dict[str, Any]) -> None:
    ...     assert isinstance(python_type_of(schema), str)
    >>> test_my_reader()

    Args:
        files: Whether FileData may be in them.
        oddities: Whether they may hold what no metaschema allows, but servers send: ``{"type": {}}``. Without it they
            are schemas of draft 2020-12.
    """
    return _schemas(files, oddities)


@st.composite
def _schemas(draw: st.DrawFn, files: bool, oddities: bool) -> dict[str, Any]:
    names = draw(st.sampled_from(_DEFINED))
    bodies, definitions = _parts(names, files, oddities)
    body: dict[str, Any] = copy_json(draw(bodies))
    if names:
        # Beside a reference, too: since draft 2019-09 that means both.
        body["$defs"] = {name: copy_json(draw(definitions)) for name in names}
    return body


_Schemas: TypeAlias = SearchStrategy[dict[str, Any]]


@functools.cache
def _parts(names: tuple[str, ...], files: bool, oddities: bool) -> tuple[_Schemas, _Schemas]:
    """The schemas that may refer to definitions of these names, and those that may be such definitions."""
    leaves = _leaves(files, oddities)
    references = [{"$ref": f"#/$defs/{name}"} for name in names]
    return _nested(leaves, references), _objects(leaves, _escapes(leaves, references))


def _leaves(files: bool, oddities: bool) -> _Schemas:
    sizes = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda drawn: (drawn[0], sum(drawn)))
    literal = st.lists(texts(max_size=4), min_size=1, max_size=4, unique=True)
    return st.one_of(
        st.just({"type": "string"}),
        st.just({"type": "number"}),
        st.just({"type": "integer"}),
        st.just({"type": "boolean"}),
        literal.map(lambda words: {"enum": words, "title": "Radio", "type": "string"}),
        scalars().map(lambda value: {"const": value}),
        st.just({}),
        sizes.map(lambda size: {"type": "integer", "minimum": size[0], "maximum": size[1]}),
        sizes.map(lambda size: {"type": "number", "exclusiveMinimum": size[0], "maximum": size[1] + 1}),
        st.just({"type": "integer", "multipleOf": 5}),
        sizes.map(lambda size: {"type": "string", "minLength": size[0], "maxLength": size[1]}),
        st.just({"type": "string", "pattern": "^[a-z]{2}[0-9]$"}),
        st.sampled_from(("date", "date-time", "email", "ipv4", "ipv6", "time", "uri", "uuid", "unknown")).map(
            lambda form: {"type": "string", "format": form}
        ),
        st.just({"type": ["string", "null"]}),
        *([st.just(ANY_JSON)] if oddities else []),
        *([st.just(FILE_DATA)] if files else []),
    )


def _nested(leaves: _Schemas, references: list[dict[str, Any]]) -> _Schemas:
    """Any schema. All definitions can be satisfied, so one of them may stand anywhere outside of them."""
    if references:
        leaves = st.sampled_from(references) | leaves
    return st.recursive(
        leaves, lambda inner: _objects(inner, inner) | _escapes(inner, references), max_leaves=4
    )


def _escapes(inner: _Schemas, references: list[dict[str, Any]]) -> _Schemas:
    """Schemas that some value fits whether or not a value fits their parts: where a recursion can end."""
    part = st.sampled_from(references) | inner if references else inner
    return st.one_of(
        part.map(lambda schema: {"anyOf": [schema, _NULL]}),
        part.map(lambda schema: {"type": "array", "items": schema}),
        part.map(lambda schema: {"type": "object", "additionalProperties": schema}),
        st.tuples(part, st.integers(0, 2)).map(
            lambda drawn: {"type": "array", "items": drawn[0], "maxItems": drawn[1]}
        ),
        st.sampled_from((True, False)).map(lambda more: {"type": "object", "additionalProperties": more}),
    )


def _objects(required: _Schemas, optional: _Schemas) -> _Schemas:
    """Objects with properties, tuples, and unions of both, which a value fits if one fits each required part."""
    names = st.lists(st.sampled_from(_NAMES), max_size=2, unique=True)
    return st.one_of(
        st.builds(_object, names, st.lists(required, min_size=2, max_size=2), st.lists(optional, max_size=2)),
        st.lists(required, min_size=1, max_size=3).map(
            lambda items: {
                "type": "array",
                "prefixItems": items,
                "minItems": len(items),
                "maxItems": len(items),
            }
        ),
        st.lists(required, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts}),
        required.map(lambda part: {"allOf": [part], "title": "One"}),
    )


def _object(
    names: list[str], required: list[dict[str, Any]], optional: list[dict[str, Any]]
) -> dict[str, Any]:
    needed = dict(zip(names, required, strict=False))
    others = dict(zip((name for name in _NAMES if name not in needed), optional, strict=False))
    return {"type": "object", "title": "Model", "properties": {**needed, **others}, "required": [*needed]}
