"""The measurement as a page."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version

from core_mutants.sampling import Stratum, score


@dataclass(frozen=True)
class Row:
    """What came of the mutants of one module."""

    module: str
    all: int
    by_own: int
    by_others: int
    timed_out: int
    survived: int
    equivalent: int
    """Those of the survivors that are known to be no mistakes."""
    no_module: int

    @property
    def caught(self) -> int:
        return self.by_own + self.by_others + self.timed_out

    @property
    def stratum(self) -> Stratum:
        """All that survived counted against the tests."""
        return Stratum(self.all, self.caught + self.survived, self.caught)

    @property
    def judged(self) -> Stratum:
        """Without those that are no mistakes."""
        return Stratum(self.all, self.caught + self.survived - self.equivalent, self.caught)


def page(rows: Sequence[Row], seed: int, sampled: int, equivalent: Mapping[tuple[str, str, str], str]) -> str:
    """The measurement in Markdown; ``sampled`` is how many were to be tried, had the time sufficed."""
    raw, raw_error = score([row.stratum for row in rows])
    judged, judged_error = score([row.judged for row in rows])
    counted = sum(row.stratum.tried for row in rows)
    tried = counted + sum(row.no_module for row in rows)
    lines = [
        "# How well its tests hold the core",
        "",
        "A mutant is the core with one small mistake in it. Where no test fails, the mutant survives, and what it",
        "changes is held by nothing. `make core-mutants ARGS=--write` tries a sample of all mutants and makes this",
        "page; the operators that make the mistakes are those of mutmut.",
        "",
        f"Measured on {datetime.now(timezone.utc):%Y-%m-%d} with Python {platform.python_version()},",
        f"mutmut {version('mutmut')} and Hypothesis {version('hypothesis')}; seed {seed}.",
        f"Of {sum(row.all for row in rows)} mutants {sampled} were chosen by chance, some of each module. Of those",
        f"{tried} were tried, in an order of chance, before the time was up; {counted} can be imported, and count.",
        "",
        f"**Score: {raw:.1%} ± {raw_error:.1%}** (95 % confidence; the modules weigh by all of their mutants).",
        f"Without the survivors that are known to be no mistakes: {judged:.1%} ± {judged_error:.1%}.",
        "",
        "The core is every module of `gradio_proto` that is pure and that the client rests on. Left out are",
        "`client`, `cli` and `conformance`, which are not the core; `testing`, which is the server's side; `recording`",
        "and `typed`; and `__init__`, which has names only. A mutant counts as killed if a test of the module's own",
        "(`tests/test_<module>.py`) fails, or one of a few wider ones, and as caught as well if it would run",
        "without an end. One that cannot be imported is not counted.",
        "",
        "| module | mutants | tried | killed by its own tests | by others | endless | survived | no mistake | score |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        tried = row.judged.tried
        share = f"{row.caught / tried:.0%}" if tried else ""
        lines.append(
            f"| `{row.module}` | {row.all} | {row.stratum.tried} | {row.by_own} | {row.by_others} | {row.timed_out} "
            f"| {row.survived} | {row.equivalent} | {share} |"
        )
    lines += [
        "",
        "## Mistakes that are none",
        "",
        "A survivor is listed here if nothing that a caller could see depends on what it changes: somebody has read",
        "it, and the reason stands beside it. The list is `tests/core_mutants/equivalent.json`; a survivor that is not",
        "on it counts against the tests.",
        "",
        "| module | is | would be | why it is no mistake |",
        "|---|---|---|---|",
    ]
    for (module, before, after), why in sorted(equivalent.items()):
        lines.append(f"| `{module}` | {_code(before)} | {_code(after)} | {why} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    short = " ".join(text.split()).replace("|", "\\|")
    return f"``{short}``"
