"""Writes the table of README.md from findings.json: ``python docs/findings/make_table.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- the table: made by make_table.py -->\n", "<!-- the end of the table -->\n"


def load() -> list[dict[str, Any]]:
    """What findings.json holds."""
    findings: list[dict[str, Any]] = json.loads((HERE / "findings.json").read_text("utf-8"))
    return findings


def row(finding: dict[str, Any]) -> str:
    """A line of the table."""
    slug = finding["slug"]
    why_none = "it takes many tries" if finding["requirement"] else "no requirement forbids it"
    cases = "<br>".join(f"`{case}`" for case in finding["cases"]) or f"none: {why_none}"
    title = finding["title"].replace("``", "`")
    new = "**new** " if finding["new"] else ""
    return f"| {new}[{slug}]({slug}.py) | {title} | {', '.join(finding['versions'])} | {cases} |\n"


def table() -> str:
    """All of it."""
    head = "| finding | what happens | seen on | cases that find it |\n|---|---|---|---|\n"
    return head + "".join(map(row, load()))


def page() -> str:
    """README.md with the table as it has to be."""
    before, rest = README.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(page(), "utf-8")
