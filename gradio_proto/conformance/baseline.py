"""Failures that are known, and therefore do not fail a run; and the file in which they are kept.

The file is JSON, since Python 3.10 reads no TOML by itself, with one entry a line in the order of the ids, so that two
branches which add entries merge, and a diff shows what changed. An entry that is no longer true is *stale*, and fails
the run, so that the file never excuses more than it has to.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..config import is_object, parse_version
from .model import Report, Result, Verdict, VersionRange

FORMAT: Final = 1

UNEXPLAINED: Final = "not explained yet: "
"""How the reason of an entry begins that nobody has looked at."""


class BaselineError(ValueError):
    """The file is no baseline; the message says why."""


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """A failure that is known."""

    case: str
    reason: str
    """For people."""
    first: str = ""
    """The first version of Gradio that it is for; empty where it is for the oldest too."""
    last: str = ""
    """The last one, with all its releases (``4.30`` has 4.30.2 in it); empty where it is for the newest too."""

    def is_for(self, version: str) -> bool:
        """Whether it is for a server of that version."""
        last = tuple(_numbers(self.last)) if self.last else None
        return parse_version(version) in VersionRange(tuple(_numbers(self.first or "0")), last)


@dataclass(frozen=True, slots=True)
class BaselineOutcome:
    """What a baseline makes of a run."""

    new: tuple[Result, ...]
    """Failures that it does not know."""
    known: tuple[tuple[Result, BaselineEntry], ...]
    """Those that it does."""
    stale: tuple[tuple[BaselineEntry, str], ...]
    """Entries that are not true any more, each with why."""

    @property
    def is_clean(self) -> bool:
        """Whether the run holds, as far as failures go."""
        return not self.new and not self.stale


def apply(report: Report, baseline: Iterable[BaselineEntry], cases: Collection[str]) -> BaselineOutcome:
    """Compare what came out with what was known.

    An entry is stale where its case passes now, or where there is no such case. Where the case was skipped, was not
    selected, or only warned, nothing is known, and the entry stays. An entry for other versions is not looked at.

    Args:
        report: Of one run.
        baseline: The known failures.
        cases: The id of every case there is, selected or not.
    """
    entries = [entry for entry in baseline if entry.is_for(report.version)]
    verdicts = {result.case_id: result.verdict for result in report.results}
    new: list[Result] = []
    known: list[tuple[Result, BaselineEntry]] = []
    for result in report.results:
        if result.verdict is Verdict.FAIL:
            entry = next((entry for entry in entries if entry.case == result.case_id), None)
            if entry is None:
                new.append(result)
            else:
                known.append((result, entry))
    stale: list[tuple[BaselineEntry, str]] = []
    for entry in entries:
        if entry.case not in cases:
            stale.append((entry, "there is no such case"))
        elif verdicts.get(entry.case) in (Verdict.PASS, Verdict.INFO):
            stale.append((entry, "the case does not fail any more"))
    return BaselineOutcome(tuple(new), tuple(known), tuple(stale))


def marked(report: Report, outcome: BaselineOutcome) -> Report:
    """The report, with the known failures in ``extra["known"]``, where every kind of report looks for them."""
    known = {result.case_id: entry.reason for result, entry in outcome.known}
    return dataclasses.replace(report, extra={**report.extra, "known": known})


def made_from(
    reports: Sequence[Report], previous: Iterable[BaselineEntry], cases: Collection[str]
) -> list[BaselineEntry]:
    """The baseline by which these runs hold.

    What a run did not try, and what is for other versions, is kept from the previous baseline, and so are the reasons
    of what still fails. A case that fails on some of the servers and holds on others gets an entry for each version.

    Args:
        reports: The runs.
        previous: The baseline before.
        cases: The id of every case there is.
    """
    previous = [entry for entry in previous if entry.case in cases]
    reasons = {entry.case: entry.reason for entry in previous}
    entries: list[BaselineEntry] = []
    tried: dict[str, list[tuple[Report, Result]]] = {}
    for report in reports:
        for result in report.results:
            tried.setdefault(result.case_id, []).append((report, result))
    kept = [entry for entry in previous if not _was_settled(entry, tried.get(entry.case, ()))]
    for pairs in tried.values():
        failed = [(report, result) for report, result in pairs if result.verdict is Verdict.FAIL]
        missing = [
            (report, result)
            for report, result in failed
            if not any(entry.case == result.case_id and entry.is_for(report.version) for entry in kept)
        ]
        holds = any(result.verdict in (Verdict.PASS, Verdict.INFO) for _, result in pairs)
        for report, result in missing:
            version = ".".join(map(str, parse_version(report.version))) if holds else ""
            entry = BaselineEntry(
                result.case_id,
                reasons.get(result.case_id, UNEXPLAINED + result.reason),
                version,
                version,
            )
            if not any(other.case == entry.case and other.first == entry.first for other in entries):
                entries.append(entry)
    return sorted([*kept, *entries], key=_order)


def _was_settled(entry: BaselineEntry, pairs: Sequence[tuple[Report, Result]]) -> bool:
    """Whether the case holds now on some server that the entry is for."""
    return any(
        entry.is_for(report.version) and result.verdict in (Verdict.PASS, Verdict.INFO)
        for report, result in pairs
    )


def read(path: str | Path) -> list[BaselineEntry]:
    """The known failures that a file holds.

    Raises:
        OSError: The file cannot be read.
        BaselineError: It is not a baseline.
    """
    try:
        document: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if not is_object(document):
            raise TypeError("it is no JSON object")
        if document["baseline"] != FORMAT:
            raise BaselineError(f"{path}: this version reads baselines of form {FORMAT} only")
        return [_entry(value) for value in document["known"]]
    except BaselineError:
        raise
    except KeyError as error:
        raise BaselineError(f"{path} is not a baseline: there is no {error.args[0]!r}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise BaselineError(f"{path} is not a baseline: {error}") from None


def _entry(value: Any) -> BaselineEntry:
    case, reason, first, last = value["case"], value["reason"], value.get("from", ""), value.get("to", "")
    if not all(isinstance(text, str) for text in (case, reason, first, last)):
        raise TypeError("the fields of an entry are texts")
    unknown = set(value) - {"case", "reason", "from", "to"}
    if unknown:
        raise ValueError(f"an entry has no field {sorted(unknown)[0]!r}")
    for version in (first, last):
        if version:
            _numbers(version)
    return BaselineEntry(case, reason, first, last)


def write(path: str | Path, baseline: Iterable[BaselineEntry]) -> None:
    """Write the known failures, in the order of their ids, one a line.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [json.dumps(_value(entry)) for entry in sorted(baseline, key=_order)]
    body = ",\n".join(f"  {line}" for line in lines)
    text = f'{{"baseline": {FORMAT}, "known": [\n{body}\n]}}\n'
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def _value(entry: BaselineEntry) -> dict[str, str]:
    value = {"case": entry.case, "reason": entry.reason}
    if entry.first:
        value["from"] = entry.first
    if entry.last:
        value["to"] = entry.last
    return value


def _order(entry: BaselineEntry) -> tuple[str, list[int], list[int]]:
    return entry.case, _numbers(entry.first or "0"), _numbers(entry.last or "0")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
