"""Make ``spec/schemas/``: JSON Schema (draft 2020-12) for all that servers and clients say, per range of versions.

    python spec/make_schemas.py            write the files
    python spec/make_schemas.py --check    fail if they are not what this makes

The source is the table of ``schema_table.py``. From it each recorded version gets its schema; neighbours that came
out the same become one range. Nothing but the standard library is needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schema_table import KINDS, SERVERS, VERSIONS, Field, Kind, Schema

FOLDER = Path(__file__).parent / "schemas"

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _object(fields: tuple[Field, ...], version: str) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    for field in fields:
        if not field.is_in(version):
            continue
        schema = dict(field.schema)
        if field.about:
            schema["description"] = field.about
        properties[field.name] = schema
        if not field.optional:
            required.append(field.name)
    # What is missing comes first: validators in a hurry need not look at the rest then.
    return {"type": "object", **({"required": required} if required else {}), "properties": properties}


def _raw(kind: Kind, version: str) -> Schema:
    """The schema of a kind at one recorded version; its references name kinds."""
    schema = kind.schema(version) if callable(kind.schema) else kind.schema or {}
    if not kind.fields:
        return dict(schema)
    return {**_object(kind.fields, version), **schema}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, item in schema.items():
            if name == "$ref":
                yield item
            else:
                yield from _references(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


@dataclass(frozen=True)
class Range:
    """Recorded versions, neighbours, for which a kind is the same."""

    versions: tuple[str, ...]

    @property
    def name(self) -> str:
        first, last = self.versions[0], self.versions[-1]
        return first if first == last else f"{first}-{last}"


def _ranges(name: str, known: dict[str, tuple[Range, ...]]) -> tuple[Range, ...]:
    """The ranges of a kind, each as long as the kind and all that it refers to stay the same."""
    if name not in known:
        kind = KINDS[name]
        runs: list[list[str]] = []
        before: Any = None
        for version in VERSIONS:
            if not kind.is_in(version):
                continue
            schema = _raw(kind, version)
            targets = [_range_of(target, version, known).name for target in _references(schema)]
            if (schema, targets) == before:
                runs[-1].append(version)
            else:
                runs.append([version])
            before = (schema, targets)
        known[name] = tuple(Range(tuple(run)) for run in runs)
    return known[name]


def _range_of(name: str, version: str, known: dict[str, tuple[Range, ...]]) -> Range:
    for candidate in _ranges(name, known):
        if version in candidate.versions:
            return candidate
    raise ValueError(f"{name} is referred to at {version}, which does not have it")


RANGES: Mapping[str, tuple[Range, ...]] = (lambda known: {name: _ranges(name, known) for name in KINDS})({})
"""The ranges of each kind, oldest first."""


def pointer(name: str, version: str) -> str:
    """Where the schema of a kind is, at a recorded version: a path from ``spec/schemas/``, and a fragment."""
    return f"{name}.json#/$defs/{_range_of(name, version, dict(RANGES)).name}"


def _linked(schema: Any, version: str, file: str) -> Any:
    if isinstance(schema, list):
        return [_linked(item, version, file) for item in schema]
    if not isinstance(schema, dict):
        return schema
    linked: Schema = {}
    for name, item in schema.items():
        if name != "$ref":
            linked[name] = _linked(item, version, file)
            continue
        target = pointer(item, version)
        folder, path = file.split("/")[0], target.removeprefix(f"{file}.json")
        linked[name] = path if path != target else f"../{target}".replace(f"../{folder}/", "")
    return linked


def _file(name: str) -> Schema:
    kind = KINDS[name]
    ranges = RANGES[name]
    every = [{"$ref": f"#/$defs/{part.name}"} for part in ranges]
    return {
        "$schema": DIALECT,
        "title": name.split("/")[1],
        "description": kind.about,
        **(every[0] if len(every) == 1 else {"anyOf": every}),
        "$defs": {
            part.name: _linked(_raw(kind, part.versions[0]), part.versions[0], name) for part in ranges
        },
    }


def _span(kind: Kind, part: Range) -> Schema:
    first, last = (SERVERS[VERSIONS.index(version)] for version in (part.versions[0], part.versions[-1]))
    known = kind.first if kind.first is not None and part.versions[0] == kind.since else first.first
    return {"first": known, "before": last.before}


def _index() -> Schema:
    return {
        "servers": [
            {
                "recorded": server.recorded,
                "protocol": server.protocol,
                "first": server.first,
                "before": server.before,
                "api_prefix": server.api_prefix,
            }
            for server in SERVERS
        ],
        "kinds": [
            {
                "kind": name,
                "about": kind.about,
                "sender": kind.sender,
                "carrier": kind.carrier,
                "encoding": kind.encoding,
                "ranges": [
                    {
                        **_span(kind, part),
                        "recorded": [*part.versions],
                        "protocols": [
                            *dict.fromkeys(
                                SERVERS[VERSIONS.index(version)].protocol for version in part.versions
                            )
                        ],
                        "schema": pointer(name, part.versions[0]),
                    }
                    for part in RANGES[name]
                ],
            }
            for name, kind in KINDS.items()
        ],
    }


def text(document: Schema) -> str:
    """A document as it stands in its file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def files() -> dict[str, str]:
    """What is in ``spec/schemas/``: the text of each file by its path there."""
    made = {f"{name}.json": text(_file(name)) for name in KINDS}
    made["index.json"] = text(_index())
    return made


def write(folder: Path, made: Mapping[str, str]) -> None:
    """Write files, and take away those that are made no more."""
    for path in folder.rglob("*.json"):
        if path.relative_to(folder).as_posix() not in made:
            path.unlink()
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def differences(folder: Path, made: Mapping[str, str]) -> list[str]:
    """The files that are not what they should be: changed, missing, or made no more."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json")}
    changed = [name for name in made if name not in found or found[name].read_text("utf-8") != made[name]]
    return sorted({*changed, *(found.keys() - made.keys())})


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        stale = differences(FOLDER, files())
        sys.exit(f"run python spec/make_schemas.py: {', '.join(stale)}" if stale else 0)
    write(FOLDER, files())
