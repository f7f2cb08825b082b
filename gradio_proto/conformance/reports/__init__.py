"""What a run found, for people and for programs: on a terminal, and as files of four kinds.

Importing this package loads none of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Final, Protocol, cast

from ..model import Report
from .catalogue import Cases, default_cases

__all__ = ["KINDS", "Cases", "parse_destination", "write_report"]

KINDS: Final = {"junit": "junit", "ndjson": "ndjson", "html": "html", "md": "markdown"}
"""The kinds of files, and the modules that write them."""


class _Writer(Protocol):
    def write(self, reports: Sequence[Report], file: IO[str], cases: Cases) -> None: ...


def parse_destination(text: str) -> tuple[str, str]:
    """The kind and the path of ``kind=path``, as a command line has them.

    Raises:
        ValueError: It is not of that form, or there is no such kind.
    """
    kind, equals, path = text.partition("=")
    if not equals or not path or kind not in KINDS:
        raise ValueError(f"{text!r} is not KIND=PATH, with one of the kinds {', '.join(KINDS)}")
    return kind, path


def write_report(kind: str, path: str | Path, reports: Sequence[Report], cases: Cases | None = None) -> None:
    """Write reports, each of a run against one server, into one file.

    Args:
        kind: One of :data:`KINDS`.
        path: Where to; directories above it are not made.
        reports: At least one.
        cases: What is known of the cases; those of this version of the tester, if not given.

    Raises:
        ValueError: There is no such kind, or no report.
        OSError: The file cannot be written.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of report {kind!r}; there are {', '.join(KINDS)}")
    if not reports:
        raise ValueError("there is nothing to report")
    writer = cast("_Writer", import_module(f".{KINDS[kind]}", __name__))
    text = io.StringIO()  # so that what cannot be written does not leave half a file behind
    writer.write(reports, text, default_cases() if cases is None else cases)
    Path(path).write_text(text.getvalue(), encoding="utf-8", newline="\n")
