"""Makes spec/requirements.json from the documents of the specification: ``python spec/make_requirements.py``.

A requirement is a list item of one of the documents beside this file:

    - **[queue/join/unknown-fn]** (server, MUST, sse_v1+) A server MUST refuse ...

and a defect one of defects.md:

    - **[defect/batch-stops-queue]** (4.0.2) What happens.
      *Breaks:* [queue/join/served]. *Clients:* what to do about it.

README.md tells what the words in brackets mean. Anything that looks like one of them and is none is an error, which
names its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parent
MADE = SPEC / "requirements.json"

GENERATIONS = {
    "ws": ("3.0", "3.50"),
    "sse": ("4.0", "4.8"),
    "sse_v1": ("4.9", "4.16"),
    "sse_v2": ("4.17", "4.20"),
    "sse_v2.1": ("4.21", "4.21"),
    "sse_v3": ("4.22", None),
}
"""Each generation with the first and the last minor version of Gradio that speaks it; None: the newest still does."""

ROLES = ("client", "server")
LEVELS = ("MUST NOT", "MUST", "SHOULD NOT", "SHOULD", "MAY")

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:/[a-z0-9]+(?:-[a-z0-9]+)*)+")
_ITEM = re.compile(r"- \*\*\[(?P<id>[^\]]*)\]\*\* \((?P<head>[^)]*)\) (?P<text>\S.*)")
_LOOKS_LIKE_ONE = re.compile(r"\s*(?:[-*]\s+)?\*\*\[")
_HEADING = re.compile(r"(#+) (.+)")
_LEVEL_WORD = re.compile(r"\b(?:" + "|".join(LEVELS) + r"|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,2}")
_DEFECT = re.compile(r"(?P<what>.+?) \*Breaks:\* (?P<breaks>.+?) \*Clients:\* (?P<clients>.+)")
CITED = re.compile(rf"\[({ID.pattern})\](?!\()")
"""An id where it is cited: in square brackets, and no link."""


class SpecError(ValueError):
    """A document is not in the form that this script reads."""


@dataclass(frozen=True)
class Scope:
    """What a requirement holds for."""

    generations: tuple[str, ...]
    ranges: tuple[tuple[str, str | None], ...]
    """First and last versions of Gradio, both included; ``"5.45"`` as a last one includes every 5.45.x."""


@dataclass(frozen=True)
class Item:
    """A list item in bold brackets, with the place where it stands."""

    id: str
    head: tuple[str, ...]
    text: str
    document: str
    section: str
    where: str


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, for comparing."""
    return tuple(int(part) for part in version.split("."))


def parse_scope(text: str) -> Scope:
    """Read ``all``, ``sse_v1+``, ``ws..sse``, ``..4.29``, ``4.22..4.29``, ``4.0.2``, or several with commas between.

    Raises:
        SpecError: It is none of these.
    """
    ranges = [_range(term.strip()) for term in text.split(",")]
    spoken = tuple(
        name
        for name, (first, last) in GENERATIONS.items()
        if any(_overlap(first, last, since, until) for since, until in ranges)
    )
    return Scope(spoken, tuple(ranges))


def _range(term: str) -> tuple[str, str | None]:
    if term == "all":
        return GENERATIONS["ws"][0], None
    first, dots, last = term.partition("..")
    if dots:
        since = _bounds(first)[0] if first else GENERATIONS["ws"][0]
        until = _bounds(last)[1]
        if until is None or numbers(since) > numbers(until):
            raise SpecError(f"the range {term!r} has no end, or ends before it begins")
        return since, until
    if term.endswith("+"):
        return _bounds(term[:-1])[0], None
    return _bounds(term)


def _bounds(name: str) -> tuple[str, str | None]:
    if name in GENERATIONS:
        return GENERATIONS[name]
    if _VERSION.fullmatch(name):
        return name, name
    raise SpecError(f"{name!r} is neither a generation nor a version")


def _overlap(first: str, last: str | None, since: str, until: str | None) -> bool:
    return _reaches(last, since) and _reaches(until, first)


def _reaches(last: str | None, version: str) -> bool:
    """Whether a range that ends with ``last`` gets as far as ``version``; 4.8 includes 4.8.5."""
    return last is None or numbers(last) >= numbers(version)[: len(numbers(last))]


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def documents(directory: Path = SPEC) -> list[Path]:
    """The documents that hold requirements."""
    return sorted(path for path in directory.glob("*.md") if path.name != "README.md")


def items(path: Path) -> Iterator[Item]:
    """The requirements, or defects, of a document.

    Raises:
        SpecError: Something looks like one, and is none.
    """
    section = ""
    is_code = False
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        where = f"{path.name}:{number + 1}"
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif is_code:
            continue
        elif heading := _HEADING.fullmatch(line):
            section = heading[2]
        elif _LOOKS_LIKE_ONE.match(line):
            found = _ITEM.fullmatch(line)
            if found is None or not ID.fullmatch(found["id"]):
                raise SpecError(f"{where}: no requirement: {line}")
            text = " ".join([found["text"], *_continued(lines[number + 1 :])])
            head = tuple(word.strip() for word in found["head"].split(",", 2))
            yield Item(found["id"], head, text, path.name, section, where)


def _continued(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("  ") or not line.strip():
            return
        yield line.strip()


def requirement(item: Item) -> dict[str, Any]:
    """What requirements.json says of a requirement.

    Raises:
        SpecError: Its role, level or scope is none, or its level does not stand in its text.
    """
    if len(item.head) != 3:
        raise SpecError(f"{item.where}: (role, level, scope) is wanted, not {item.head}")
    role, level, scope_text = item.head
    if role not in ROLES or level not in LEVELS:
        raise SpecError(f"{item.where}: {role!r} is no role, or {level!r} no level")
    if set(_LEVEL_WORD.findall(item.text)) != {level}:
        raise SpecError(f"{item.where}: the text of {item.id} says not just {level}")
    scope = _scope(item, scope_text)
    return {
        "id": item.id,
        "binds": role,
        "level": level,
        "scope": scope_text,
        "generations": list(scope.generations),
        "versions": [{"from": since, "to": until} for since, until in scope.ranges],
        "text": item.text,
        "document": item.document,
        "section": item.section,
        "link": f"{item.document}#{slug(item.section)}",
    }


def defect(item: Item) -> dict[str, Any]:
    """What requirements.json says of a defect.

    Raises:
        SpecError: It lacks a part.
    """
    parts = _DEFECT.fullmatch(item.text)
    if parts is None or not item.id.startswith("defect/"):
        raise SpecError(f"{item.where}: {item.id} is not 'what. *Breaks:* [ids]. *Clients:* what to do'")
    versions = ", ".join(item.head)
    scope = _scope(item, versions)
    return {
        "id": item.id,
        "scope": versions,
        "generations": list(scope.generations),
        "versions": [{"from": since, "to": until} for since, until in scope.ranges],
        "text": parts["what"],
        "breaks": CITED.findall(parts["breaks"]),
        "clients": parts["clients"],
        "document": item.document,
        "section": item.section,
        "link": f"{item.document}#{slug(item.section)}",
    }


def _scope(item: Item, text: str) -> Scope:
    try:
        return parse_scope(text)
    except SpecError as error:
        raise SpecError(f"{item.where}: {error}") from None


def make(directory: Path = SPEC) -> dict[str, Any]:
    """Everything that requirements.json holds.

    Raises:
        SpecError: A document is not in its form, two items have one id, or a defect breaks what is no requirement.
    """
    requirements: dict[str, dict[str, Any]] = {}
    defects: dict[str, dict[str, Any]] = {}
    for path in documents(directory):
        is_defects = path.name == "defects.md"
        for item in items(path):
            if item.id in requirements or item.id in defects:
                raise SpecError(f"{item.where}: there is another {item.id}")
            if is_defects:
                defects[item.id] = defect(item)
            else:
                requirements[item.id] = requirement(item)
    for broken in defects.values():
        unknown = [name for name in broken["breaks"] if name not in requirements]
        if unknown:
            raise SpecError(f"{broken['document']}: {broken['id']} breaks {unknown}, which is no requirement")
    return {
        "made_by": "spec/make_requirements.py, from the documents beside it: do not edit",
        "generations": [
            {"name": name, "versions": {"from": first, "to": last}}
            for name, (first, last) in GENERATIONS.items()
        ],
        "requirements": list(requirements.values()),
        "defects": list(defects.values()),
    }


def page() -> str:
    """The text of requirements.json."""
    return json.dumps(make(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    MADE.write_text(page(), "utf-8")
