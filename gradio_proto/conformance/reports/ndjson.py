"""The complete report as lines of JSON: for each run a line of its own, and after it one for each result.

It is what other programs read, and what the other kinds of report can be made from later. All of a :class:`Report` is
in it, so :func:`read` gives back what :func:`write` was given. What a case stands for (level, severity, requirement)
goes along for readers without the specification at hand; :func:`read` passes over it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import IO, Any, Final, TypeAlias

from ..model import Report, Result, Verdict
from ..transcript import Transcript
from .catalogue import Cases, facts_of

FORMAT: Final = 1
"""The version of the form; it is raised when a reader of the old one would go wrong."""

_Kinds: TypeAlias = "Mapping[str, type | tuple[type, ...]]"

_RUN: Final[_Kinds] = {
    **dict.fromkeys(("url", "title", "version", "protocol", "profile", "started", "command"), str),
    "seed": int,
    "seconds": (int, float),
}
"""The fields of a run that are a text or a number."""

_RESULT: Final[_Kinds] = {
    **dict.fromkeys(("case", "verdict", "reason", "replay"), str),
    "examples": int,
    "seconds": (int, float),
}


class UnreadableReport(ValueError):
    """It is no report of ours; the message says which line is not."""


def write(reports: Iterable[Report], file: IO[str], cases: Cases) -> None:
    """Write the reports, in pure ASCII.

    Raises:
        ValueError: ``Report.extra`` holds what JSON cannot.
    """
    for report in reports:
        for line in lines(report, cases):
            file.write(line + "\n")


def lines(report: Report, cases: Cases) -> Iterator[str]:
    """The lines of one report."""
    run = {name: getattr(report, name) for name in _RUN}
    yield _line({"record": "run", "format": FORMAT, **run, "extra": dict(report.extra)})
    for result in report.results:
        facts = facts_of(result.case_id, cases)
        yield _line(
            {
                "record": "result",
                "case": result.case_id,
                "verdict": result.verdict.value,
                "reason": result.reason,
                "level": facts.level,
                "severity": facts.severity,
                "requirement": facts.sentence,
                "link": facts.link,
                "seconds": result.seconds,
                "examples": result.examples,
                "replay": result.replay,
                "transcript": result.transcript.to_json(),
            }
        )


def read(file: Iterable[str]) -> list[Report]:
    """The reports that were written.

    Records of other kinds, which a later version may write, are passed over.

    Raises:
        UnreadableReport: Some line is not of this form.
    """
    reports: list[Report] = []
    results: list[Result] | None = None
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            record: Mapping[str, Any] = json.loads(line)
            kind = record["record"]
            if kind == "run":
                if record["format"] != FORMAT:
                    raise UnreadableReport(f"line {number} is of a form that this version does not read")
                results = []
                reports.append(_report(record, results))
            elif kind == "result":
                if results is None:
                    raise UnreadableReport(f"line {number} is a result, and no run came before it")
                results.append(_result(record))
        except UnreadableReport:
            raise
        except KeyError as error:
            raise UnreadableReport(
                f"line {number} is not of a report: there is no {error.args[0]!r}"
            ) from None
        except (ValueError, TypeError, RecursionError) as error:
            raise UnreadableReport(f"line {number} is not of a report: {error}") from None
    if not reports:
        raise UnreadableReport("there is no run in it")
    return reports


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False)


def _report(run: Mapping[str, Any], results: list[Result]) -> Report:
    for name, kind in _RUN.items():
        _check(run[name], kind)
    return Report(results=results, extra=dict(run["extra"]), **{name: run[name] for name in _RUN})


def _result(record: Mapping[str, Any]) -> Result:
    for name, kind in _RESULT.items():
        _check(record[name], kind)
    transcript = Transcript.from_json(record["transcript"])
    for entry in transcript:
        _check(entry.at, (int, float))
        _check(entry.connection, int)
        for text in (entry.kind, entry.text, entry.body, *chain.from_iterable(entry.headers)):
            _check(text, str)
    return Result(
        record["case"],
        Verdict(record["verdict"]),
        record["reason"],
        transcript,
        record["seconds"],
        record["examples"],
        record["replay"],
    )


def _check(value: object, kind: type | tuple[type, ...]) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is of another type")
