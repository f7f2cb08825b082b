"""The conformance tester against real servers: ``python -m reality [VERSION...]``.

Each version of Gradio that is installed runs the reference app, the tester tries everything, and what fails is
compared with ``docs/findings/findings.json``: a failure that stands in no finding is new, and has to be looked into; a
finding of that version none of whose cases fails is stale. The reports go to ``build/conformance``; ``report.html`` has
all versions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from servers import install

from gradio_proto.conformance.model import Report, Verdict
from gradio_proto.conformance.reports import write_report
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.target import reference

ROOT: Final = Path(__file__).parent.parent
FINDINGS: Final = ROOT / "docs" / "findings" / "findings.json"
OUTPUT: Final = ROOT / "build" / "conformance"
BAD: Final = (Verdict.FAIL, Verdict.WARN, Verdict.INFO)


def known(version: str) -> dict[str, set[str]]:
    """The findings of that version, with the cases that find them: not each of them does in each version."""
    findings: list[dict[str, Any]] = json.loads(FINDINGS.read_text(encoding="utf-8"))
    return {
        finding["slug"]: {*finding["cases"]}
        for finding in findings
        if version in finding["versions"] and finding["cases"]
    }


def failing(report: Report) -> set[str]:
    """The cases of which the tester says something bad, time and again."""
    once = "(once; it did not happen again)"
    return {
        result.case_id
        for result in report.results
        if result.verdict in BAD and not result.reason.endswith(once)
    }


def try_version(version: str, select: Sequence[str] = ()) -> Report:
    """Run the reference app on a version, and every case against it."""
    with reference(str(install.python_of(version))) as target:
        return run(target, Options(seed=1, select=select))


def main() -> int:
    versions = sys.argv[1:] or install.MATRIX_VERSIONS
    OUTPUT.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    is_good = True
    for version in versions:
        began = time.monotonic()
        report = try_version(version)
        reports.append(report)
        seconds = time.monotonic() - began
        counts = ", ".join(
            f"{report.count(verdict)} {verdict.value}" for verdict in Verdict if report.count(verdict)
        )
        print(
            f"{version} ({report.protocol}): {counts}, in {report.seconds:.0f} s ({seconds:.0f} with its start)"
        )
        reasons = {result.case_id: result.reason for result in report.results}
        found = failing(report)
        findings = known(version)
        for id in sorted(found.difference(*findings.values())):
            is_good = False
            print(f"  new: {id}: {reasons[id]}")
        for slug, cases in findings.items():
            if not cases & found:
                is_good = False
                print(f"  stale: none of the cases of {slug} fails: {', '.join(sorted(cases))}")
        for result in report.results:
            if result.verdict is Verdict.ERROR:
                is_good = False
                print(f"  error: {result.case_id}: {result.reason}")
        sys.stdout.flush()
        write_report("ndjson", OUTPUT / f"{version}.ndjson", [report])
        write_report("html", OUTPUT / "report.html", reports)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
