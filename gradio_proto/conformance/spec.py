"""The specification as data: requirements, defects and schemas.

They are made from the text in ``spec/``. An installed package has a copy of the files; in a checkout they are read
where they stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from .model import Requirement, VersionRange

HERE: Final = Path(__file__).parent
NO_VERSION_BELOW: Final = (3, 0)


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that released servers are known to do wrong."""

    id: str
    text: str
    breaks: tuple[str, ...]
    """The ids of the requirements that it breaks."""
    versions: tuple[VersionRange, ...]
    link: str

    def is_in(self, version: tuple[int, ...]) -> bool:
        """Whether a server of that version has it."""
        return any(version in versions for versions in self.versions)


def directory() -> Path:
    """Where ``requirements.json`` and ``schemas/`` are."""
    installed = HERE / "spec"
    return installed if installed.is_dir() else HERE.parent.parent / "spec"


@cache
def requirements() -> Mapping[str, Requirement]:
    """Every requirement that binds servers, by id."""
    return {
        entry["id"]: Requirement(
            id=entry["id"],
            level=entry["level"],
            text=entry["text"],
            generations=tuple(entry["generations"]),
            versions=_ranges(entry["versions"]),
            scope=entry["scope"],
            link=entry["link"],
        )
        for entry in _document()["requirements"]
        if entry["binds"] == "server"
    }


@cache
def defects() -> Mapping[str, Defect]:
    """Every known defect, by id."""
    return {
        entry["id"]: Defect(
            id=entry["id"],
            text=entry["text"],
            breaks=tuple(entry["breaks"]),
            versions=_ranges(entry["versions"]),
            link=entry["link"],
        )
        for entry in _document()["defects"]
    }


def requirement_of(case_id: str) -> Requirement:
    """The requirement whose id is that of a case, or its longest beginning.

    Raises:
        KeyError: There is none.
    """
    known = requirements()
    id = case_id
    while id not in known:
        id, slash, _ = id.rpartition("/")
        if not slash:
            raise KeyError(
                f"{case_id}: no requirement of the specification has this id, or one that it begins with"
            )
    return known[id]


@cache
def _document() -> dict[str, Any]:
    text = (directory() / "requirements.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def _ranges(values: list[dict[str, str | None]]) -> tuple[VersionRange, ...]:
    return tuple(
        VersionRange(
            NO_VERSION_BELOW if value["from"] is None else _numbers(value["from"]),
            None if value["to"] is None else _numbers(value["to"]),
        )
        for value in values
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
