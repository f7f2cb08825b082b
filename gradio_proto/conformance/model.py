"""What the tester knows and what it finds out: requirements, cases, verdicts, results.

These are values only. Running a case is :mod:`gradio_proto.conformance.runner`'s business, showing a report is
:mod:`gradio_proto.conformance.reports`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .transcript import Transcript

if TYPE_CHECKING:
    from .tester import Tester

Level: TypeAlias = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]
Severity: TypeAlias = Literal["critical", "major", "minor"]
"""How bad it is to fail a case."""
Variant: TypeAlias = Literal["plain", "login", "short-queue", "small-files"]
"""How the app is run: as it is, with a login, with a queue of one place and hidden errors, or with an upload limit of
1,000 bytes."""


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Versions of Gradio, both ends in it; a version ends with the last of its releases."""

    first: tuple[int, ...]
    """The first version."""
    last: tuple[int, ...] | None
    """The last one; None for no end."""

    def __contains__(self, version: tuple[int, ...]) -> bool:
        if self.last is not None and version[: len(self.last)] > self.last:
            return False
        return version >= self.first


@dataclass(frozen=True, slots=True)
class Requirement:
    """A sentence of the specification that binds servers."""

    id: str
    """By what it is cited."""
    level: Level
    """How binding it is."""
    text: str
    """The sentence."""
    generations: tuple[str, ...]
    """The generations of the protocol for which it holds."""
    versions: tuple[VersionRange, ...]
    """The versions of Gradio for which it holds."""
    scope: str
    """The versions, as the specification writes them: ``sse_v1+``, ``4.30+``."""
    link: str
    """Where it stands, below ``spec/``."""

    def holds_for(self, version: tuple[int, ...]) -> bool:
        """Whether it binds a server of that version."""
        # A server that does not tell its version has to meet these, too.
        return self.scope == "all" or any(version in versions for versions in self.versions)


class Verdict(Enum):
    """What came out of a case."""

    PASS = "pass"
    FAIL = "fail"
    """A MUST is broken (or a SHOULD, with ``--strict``)."""
    WARN = "warn"
    """A SHOULD is broken; or a MUST, in a way that did not happen again."""
    INFO = "info"
    """A MAY is not made use of."""
    SKIP = "skip"
    """It was not tried, for a reason that is given."""
    ERROR = "error"
    """The tester itself failed, so nothing is known."""


class Violation(Exception):
    """The server broke the requirement; the message says how."""


class Skipped(Exception):
    """The case cannot be tried here; the message says why."""


class Unreachable(Exception):
    """No connection can be made to the server, so nothing is known."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a case needs from the app and from whoever runs it."""

    endpoints: tuple[str, ...] = ()
    """Roles that endpoints play, by the names that they have in the reference app: ``echo``, ``count``... The role
    ``any`` is played by each endpoint that the user has named."""
    variant: Variant = "plain"
    """How the app has to be run."""
    is_destructive: bool = False
    """It disturbs the server's other users, by a full queue or by work that is left behind, or reaches for what is not
    the tester's."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is tried. Its id is that of its requirement, or begins with it and a slash."""

    id: str
    """Its name, such as ``"queue/join/event-id"``."""
    requirement: Requirement
    """What a server has to do."""
    needs: Needs
    """What has to be there, so that it can be tried."""
    severity: Severity
    """How bad it is to fail."""
    examples: int
    """How many examples are drawn; 1 where nothing is drawn."""
    seconds: float
    """About how long it waits, where it has to wait; 0 where it does not."""
    run: Callable[[Tester], None] = field(repr=False)
    """Tries it; raises :class:`Violation` or :class:`Skipped`."""
    about: str
    """What is tried, in a sentence."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of one case."""

    case_id: str
    """Of which case."""
    verdict: Verdict
    """How it went."""
    reason: str = ""
    """Why it is not a pass, in a line."""
    transcript: Transcript = field(default_factory=Transcript)
    """What was said: of a failure the smallest exchange that shows it."""
    seconds: float = 0.0
    """How long it took."""
    examples: int = 0
    """How many were tried."""
    replay: str = ""
    """The command that runs it again."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came out of a run against one server."""

    url: str
    """The server's address."""
    title: str
    """What its app is called."""
    version: str
    """Which version of Gradio it says it runs."""
    protocol: str
    """Which generation of the protocol it speaks."""
    seed: int
    """What everything random was drawn from."""
    profile: str
    """How thoroughly it was tested."""
    started: str
    """Date and time, ISO 8601."""
    seconds: float
    """How long all of it took."""
    results: Sequence[Result]
    """What came out of each case, in the order in which they ran."""
    command: str = ""
    """How it was begun."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else there is to say, as JSON."""

    def count(self, verdict: Verdict) -> int:
        """How many cases have that verdict."""
        return sum(result.verdict is verdict for result in self.results)
