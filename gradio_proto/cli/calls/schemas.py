"""JSON Schemas of parameters and results, made simple as ``hf-gradio info`` makes them: that is what agents read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gradio_proto.config import is_list, is_object, object_of

_DEEPEST: Final = 64
"""How far references are followed: a schema may name itself, and then has no end."""

_MOST_PARTS: Final = 10_000
"""Parts of one schema that are made: each reference to a long one may hold more of them."""

_INPUT: Final = (
    'A local path or a URL, written {"path": "<local path or url>", "meta": {"_type": "gradio.FileData"}}. '
    "A local file is uploaded."
)
_OUTPUT: Final = "The path of the file, downloaded to this machine."


def simplified(schema: Any, *, is_input: bool) -> Any:
    """A schema in which every reference is replaced by what it means, and every file by ``"filepath"``.

    What lies too deep, or is too much, becomes ``{}``, the schema of anything.
    """
    return _Simplifier(object_of(object_of(schema).get("$defs")), is_input).simplify(schema, 0)


class _Simplifier:
    def __init__(self, definitions: Mapping[str, Any], is_input: bool) -> None:
        self._definitions = definitions
        self._file = {"type": "filepath", "description": _INPUT if is_input else _OUTPUT}
        self._left = _MOST_PARTS

    def simplify(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            return {}
        if is_list(schema):
            items: list[Any] = []
            for item in schema:
                items.append(self.simplify(item, depth + 1))
            return items
        if not is_object(schema):
            return schema
        reference = schema.get("$ref")
        if isinstance(reference, str):
            meant = self._definitions.get(reference.rpartition("/")[2])
            return dict(schema) if meant is None else self.simplify(meant, depth + 1)
        simple: dict[str, Any] = {}
        for key, part in schema.items():
            if key != "$defs":
                simple[key] = self.simplify(part, depth + 1)
        return dict(self._file) if _is_file(simple) else simple


def _is_file(schema: Mapping[str, Any]) -> bool:
    properties = object_of(schema.get("properties"))
    meta = object_of(properties.get("meta"))
    told = object_of(object_of(meta.get("properties")).get("_type")).get("const")
    return "path" in properties and "gradio.FileData" in (told, object_of(meta.get("default")).get("_type"))
