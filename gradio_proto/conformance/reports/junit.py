"""JUnit's XML, as CI systems read it: a suite for each server, a case for each case, grouped by area.

The form has no standard; this is what its readers agree on (``testsuites``, ``testsuite``, ``testcase`` with
``failure``, ``error``, ``skipped`` and ``system-out``). It knows no warnings, so a warning passes, with its text as the
case's output; a failure that the baseline knows is skipped, since it shall not break the build.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO, Final
from xml.etree import ElementTree as ET

from ..model import Report, Result, Verdict
from .catalogue import Cases, facts_of
from .counting import area_of, count, known_as, name_of
from .details import details, one_line, visible

# What the production Char of XML 1.0 leaves out, and `visible` lets pass.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(reports: Sequence[Report], file: IO[str], cases: Cases) -> None:
    """Write the reports as one document."""
    root = ET.Element("testsuites", name="Gradio protocol conformance")
    for report in reports:
        root.append(_suite(report, cases))
    ET.indent(root)
    file.write('<?xml version="1.0" encoding="utf-8"?>\n')
    file.write(ET.tostring(root, encoding="unicode"))
    file.write("\n")


def _suite(report: Report, cases: Cases) -> ET.Element:
    counts = count(report.results)
    excused = sum(known_as(report, result) is not None for result in report.results)
    suite = ET.Element(
        "testsuite",
        name=_line(f"{name_of(report)} at {report.url}"),
        tests=str(len(report.results)),
        failures=str(counts[Verdict.FAIL] - excused),
        errors=str(counts[Verdict.ERROR]),
        skipped=str(counts[Verdict.SKIP] + excused),
        time=f"{report.seconds:.3f}",
        timestamp=_line(report.started),
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("url", "title", "version", "protocol", "seed", "profile", "command"):
        ET.SubElement(properties, "property", name=name, value=_line(str(getattr(report, name))))
    suite.extend(_case(report, result, cases) for result in report.results)
    return suite


def _case(report: Report, result: Result, cases: Cases) -> ET.Element:
    known = known_as(report, result)
    element = ET.Element(
        "testcase",
        classname=_line(area_of(result.case_id)),
        name=_line(result.case_id),
        time=f"{result.seconds:.3f}",
    )
    facts = facts_of(result.case_id, cases)
    text = _text("\n".join(details(report, result, facts, limit=None)))
    reason = _line(result.reason)
    match result.verdict:
        case Verdict.FAIL if known is not None:
            ET.SubElement(element, "skipped", message=_line(f"known: {known}")).text = text
        case Verdict.FAIL:
            ET.SubElement(element, "failure", message=reason, type=facts.level or "FAIL").text = text
        case Verdict.ERROR:
            ET.SubElement(element, "error", message=reason, type="ERROR").text = text
        case Verdict.SKIP:
            ET.SubElement(element, "skipped", message=reason)
        case Verdict.WARN | Verdict.INFO:
            ET.SubElement(element, "system-out").text = text
        case _:
            pass  # it holds, and there is nothing more to say
    return element


def _line(text: str) -> str:
    return _NO_XML.sub("\ufffd", one_line(text))


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", visible(text))
