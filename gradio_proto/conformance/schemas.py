"""Whether a value is what the specification's JSON Schemas say of its kind, for a version of Gradio."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, cast
from urllib.parse import urljoin

from jsonschema_rs import Draft202012Validator, Registry

from gradio_proto.config import is_list, is_object, parse_version

from .spec import directory

BASE: Final = "schema:///"


def violations(kind: str, value: Any, version: tuple[int, int, int]) -> list[str]:
    """What is wrong with a value, in sentences; nothing, where the kind has no schema for that version.

    Args:
        kind: As in the index of ``spec/schemas``: ``messages/estimation``, ``replies/info``...
        value: A JSON value.
        version: Of the server.
    """
    pointer = _pointer(kind, version)
    if pointer is None:
        return []
    found: list[str] = []
    for error in _validator(pointer).iter_errors(value):
        where = "/".join(str(part) for part in error.instance_path)
        found.append(f"{where or kind}: {error.message[:300]}")
    return found


def has_schema(kind: str, version: tuple[int, int, int]) -> bool:
    """Whether the specification says what such a value looks like in that version."""
    return _pointer(kind, version) is not None


@cache
def _pointer(kind: str, version: tuple[int, int, int]) -> str | None:
    for entry in _index():
        if entry["kind"] == kind:
            for part in entry["ranges"]:
                before = part["before"]
                if parse_version(part["first"]) <= version and (
                    before is None or version < parse_version(before)
                ):
                    return cast(str, part["schema"])
    return None


@cache
def _index() -> list[dict[str, Any]]:
    text = (directory() / "schemas" / "index.json").read_text(encoding="utf-8")
    return cast("list[dict[str, Any]]", json.loads(text)["kinds"])


@cache
def _registry() -> Registry:
    root = directory() / "schemas"
    documents: list[tuple[str, Any]] = []
    for path in sorted(root.rglob("*.json")):
        address = BASE + path.relative_to(root).as_posix()
        documents.append((address, _absolute(json.loads(path.read_text(encoding="utf-8")), address)))
    return Registry(documents)


def _absolute(schema: Any, base: str) -> Any:
    """The same schema, with references that mean the same wherever it stands."""
    if is_list(schema):
        return [_absolute(item, base) for item in schema]
    if not is_object(schema):
        return schema
    return {
        name: urljoin(base, item) if name == "$ref" else _absolute(item, base)
        for name, item in schema.items()
    }


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": BASE + pointer}, registry=_registry())
