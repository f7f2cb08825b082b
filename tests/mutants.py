"""How many of the embedded server's defects the conformance tester finds: ``python -m mutants``.

Every defect of :mod:`gradio_proto.testing.defects` is switched on by itself, in each version that can show it. It is
found if a case fails that passes without it. First the cases of the requirement that it breaks are tried, and where
none of them fails, all.

    python -m mutants [--only GLOB] [--newest] [--write]

``--newest`` tries each defect in the newest version only, ``--write`` makes ``docs/mutants.md``. It ends with status 1
where fewer than 95 % are found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from gradio_proto.conformance.model import Verdict
from gradio_proto.conformance.registry import all_cases
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.target import embedded
from gradio_proto.testing.defects import DEFECTS, Defect

PAGE: Final = Path(__file__).parent.parent / "docs" / "mutants.md"
BAR: Final = 0.95
SEED: Final = 1
PROCESSES: Final = 2


@dataclass(frozen=True)
class Finding:
    """What came of one defect in one version."""

    defect: str
    breaks: str
    version: str
    found_by: Sequence[str]
    """The cases that fail because of it."""


def failing(version: str, defects: Sequence[str], select: Sequence[str], seed: int = SEED) -> list[str]:
    """The cases that fail on the embedded server.

    Raises:
        RuntimeError: The tester itself failed.
    """
    with embedded(version, defects) as target:
        report = run(target, Options(seed=seed, select=select))
    broken = [result for result in report.results if result.verdict is Verdict.ERROR]
    # A server that cannot be tried any more is no success of the tester's, unless a defect has made it so.
    if broken and not defects:
        raise RuntimeError(f"{version}: {broken[0].case_id}: {broken[0].reason}")
    return [result.case_id for result in report.results if result.verdict in (Verdict.FAIL, Verdict.WARN)]


@cache
def false_alarms(version: str) -> frozenset[str]:
    """The cases that fail without any defect."""
    return frozenset(failing(version, (), ()))


def cases_of(requirement: str) -> list[str]:
    """The cases that try a requirement."""
    return [case.id for case in all_cases().values() if case.requirement.id == requirement]


def find(defect: Defect, version: str) -> Finding:
    """See who finds a defect in one version."""
    nearest = cases_of(defect.breaks)
    found = failing(version, [defect.name], nearest) if nearest else []
    found = [id for id in found if id not in _failing_without(version, tuple(found))]
    if not found:
        alarms = false_alarms(version)
        found = [id for id in failing(version, [defect.name], ()) if id not in alarms]
    return Finding(defect.name, defect.breaks, version, found)


@cache
def _failing_without(version: str, ids: tuple[str, ...]) -> frozenset[str]:
    return frozenset(failing(version, (), ids)) if ids else frozenset()


def _find(name: str, version: str) -> Finding:
    return find(DEFECTS[name], version)


def work(only: str, *, newest: bool) -> Iterator[tuple[str, str]]:
    """What is to be tried: names of defects, and versions."""
    for name, defect in DEFECTS.items():
        if fnmatchcase(name, only):
            for version in defect.versions[-1:] if newest else defect.versions:
                yield name, version


def page(findings: Sequence[Finding]) -> str:
    """The findings as a page."""
    found = sum(bool(finding.found_by) for finding in findings)
    names = {finding.defect for finding in findings}
    lost = {finding.defect for finding in findings if not finding.found_by}
    lines = [
        "# What the tester finds",
        "",
        "Each defect of `gradio_proto.testing.defects`, switched on by itself in each version of the embedded server",
        "that can show it, and the cases that fail because of it (of the requirement that it breaks, where they do).",
        "`make test-mutants` makes this page.",
        "",
        f"{len(names) - len(lost)} of {len(names)} defects are found wherever they are shown; "
        f"{found} of {len(findings)} defects x versions.",
        "",
        "| defect | breaks | found by | not found in |",
        "|---|---|---|---|",
    ]
    for name in dict.fromkeys(finding.defect for finding in findings):
        own = [finding for finding in findings if finding.defect == name]
        by = dict.fromkeys(id for finding in own for id in finding.found_by)
        first = [f"`{id}`" for id in list(by)[:3]] + ["..."] * (len(by) > 3)
        missed = [finding.version for finding in own if not finding.found_by]
        lines.append(f"| `{name}` | `{own[0].breaks}` | {', '.join(first)} | {', '.join(missed)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default="*", help="a glob of names")
    parser.add_argument("--newest", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    todo = list(work(arguments.only, newest=arguments.newest))
    findings: list[Finding] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for finding in pool.map(_find, *zip(*todo, strict=True)):
            findings.append(finding)
            if not finding.found_by:
                print(
                    f"not found: {finding.defect} in {finding.version} (breaks {finding.breaks})", flush=True
                )
    found = sum(bool(finding.found_by) for finding in findings)
    print(f"{found} of {len(findings)} found")
    if arguments.write:
        PAGE.write_text(page(findings), encoding="utf-8")
    return 0 if found >= BAR * len(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
