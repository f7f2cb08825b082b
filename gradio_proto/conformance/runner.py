"""Running cases: which, how often, with what seed, and what came out.

A case that draws examples runs under Hypothesis, which looks for the smallest one that fails; the tester keeps the
smallest exchange that it has seen fail, since a server need not do the same thing twice. A failure that nothing was
drawn for is tried once more, unless that takes long: what does not happen again is a warning.

After each case the server has to be well for somebody else. Where it is not, it is started anew if that can be done.
"""

from __future__ import annotations

import shlex
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Final, Literal, Protocol, TypeAlias, cast
from zlib import crc32

from .model import Case, Report, Result, Skipped, Unreachable, Variant, Verdict, Violation
from .reference.launching import LaunchError
from .registry import all_cases
from .searching import Enough, Search, quiet_settings
from .target import Target
from .tester import Tester
from .transcript import Entry

Profile: TypeAlias = Literal["quick", "default", "thorough"]
"""How many examples are tried of each case."""

EFFORT: Final[dict[Profile, float]] = {"quick": 0.2, "default": 1.0, "thorough": 10.0}
"""How many examples are tried, as a multiple of what each case says."""
LONG_WAIT: Final = 5.0
"""Seconds of waiting with which a case is left out of a quick run."""
UNREADABLE: Final = "discovery/config/location"
"""The case that a server fails of whose config nobody can make anything; no other one can be tried."""
SECOND_TRIES: Final = 10.0
"""Seconds of a run that may go into trying once more what has failed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for."""

    seed: int = 0
    """What everything random is drawn from: the same seed tries the same things."""
    profile: Profile = "default"
    """How many examples are tried of each case."""
    select: Sequence[str] = ()
    """Globs of ids; none for all."""
    skip: Sequence[str] = ()
    """Globs of the ids of cases that are left out."""
    strict: bool = False
    """A SHOULD that is broken is a failure."""
    destructive: bool = False
    """Others on the same server may be disturbed."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A case, and why it will not be tried, if so."""

    case: Case
    """The case."""
    reason: str = ""
    """Why it will not be tried; empty if it will."""


class Observer(Protocol):
    """Is told how a run goes."""

    def began(self, case: Case) -> None:
        """A case begins."""
        ...

    def ended(self, result: Result) -> None:
        """The case has ended, with this ``result``."""
        ...

    def said(self, entry: Entry) -> None:
        """Something was said to the server, or by it: an ``entry`` of the transcript."""
        ...


class Nobody:
    """An observer that is not interested."""

    def began(self, case: Case) -> None:
        """Nothing."""

    def ended(self, result: Result) -> None:
        """Nothing."""

    def said(self, entry: Entry) -> None:
        """Nothing."""


def selected(options: Options) -> list[Case]:
    """The cases that the user has asked for, in their order."""
    return [
        case
        for case in all_cases().values()
        if (not options.select or any(fnmatchcase(case.id, glob) for glob in options.select))
        and not any(fnmatchcase(case.id, glob) for glob in options.skip)
    ]


def plan(target: Target, options: Options) -> list[Planned]:
    """What a run would do.

    Args:
        target: The server.
        options: Which cases, and how thoroughly.

    Raises:
        Unreachable: There is no such server.
    """
    try:
        tester = target.open()
    except Violation as violation:
        raise Unreachable(target.secrets.hide_cut(str(violation))) from None
    try:
        return [Planned(case, _reason(case, tester, options)) for case in selected(options)]
    finally:
        tester.wire.close()


def _reason(case: Case, tester: Tester, options: Options) -> str:
    """Why a case is not tried; empty if it is."""
    if not case.requirement.holds_for(tester.version):
        return f"holds for {case.requirement.scope}, and this is {tester.config.version}"
    # A server that the tester cannot start anew is somebody's, whatever its title says.
    if case.needs.is_destructive and not options.destructive and tester.target.restart is None:
        return "disturbs others on the same server, or intrudes: --destructive allows it"
    if case.seconds > LONG_WAIT and options.profile == "quick":
        return f"takes {case.seconds:g} s: not in the profile quick"
    try:
        tester.target.variant(case.needs.variant)
    except Skipped as skipped:
        return str(skipped)
    for role in case.needs.endpoints:
        if role == "any":
            if not tester.allowed():
                return "needs an endpoint that may be called: name one with --endpoint /NAME"
        elif case.needs.variant == "plain" and tester.find(role) is None:
            if tester.target.is_reference:
                return f"the reference app has no endpoint {role!r} in this version"
            return f"needs an endpoint that does what {role!r} of the reference app does: --endpoint {role}=/NAME"
    return ""


def seed_of(case: Case, seed: int) -> int:
    """The seed of one case in a run; the same for the same, whatever else is run."""
    return crc32(f"{seed}:{case.id}".encode())


class Interrupted(KeyboardInterrupt):
    """The user has interrupted a run.

    Attributes:
        report: What has come out by then.
    """

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def run(target: Target, options: Options, observer: Observer | None = None) -> Report:
    """Try every case that was asked for.

    Args:
        target: The server.
        options: Which cases, and how thoroughly.
        observer: Told of each case and of what is said, as it happens.

    Raises:
        Unreachable: There is no such server.
        Interrupted: By Ctrl-C.

    Example:
        ::

            from gradio_proto.conformance import Options, run
            from gradio_proto.conformance.target import embedded

            with embedded("6.31.0") as server:
                report = run(server, Options(profile="quick", select=["queue/join/event-id*"]))
            print({result.verdict.name for result in report.results})  # prints {'PASS'}
    """
    watcher = observer or Nobody()
    target.listener = watcher.said
    started = datetime.now(timezone.utc)
    runner = Run(target, options)
    results: list[Result] = []
    title = version = protocol = ""
    is_interrupted = False
    try:
        try:
            tester = runner.tester("plain")
            title = str(tester.config_json.get("title") or "")
            version, protocol = tester.config.version, tester.config.protocol
        except Violation as violation:
            runner.is_lost = "the server's config cannot be read"
            results.append(Result(UNREADABLE, Verdict.FAIL, target.secrets.hide_cut(str(violation))))
            watcher.ended(results[0])
        for case in selected(options):
            if results and results[0].case_id == case.id:
                continue
            watcher.began(case)
            result = runner.result(case)
            results.append(result)
            watcher.ended(result)
    except KeyboardInterrupt:
        is_interrupted = True
    finally:
        runner.close()
    report = Report(
        url=str(target.url),
        title=title,
        version=version,
        protocol=protocol,
        seed=options.seed,
        profile=options.profile,
        started=started.isoformat(timespec="seconds"),
        seconds=(datetime.now(timezone.utc) - started).total_seconds(),
        results=results,
    )
    if is_interrupted:
        raise Interrupted(report)
    return report


class Run:
    """A run under way, for those who try its cases one by one: one tester for each variant of the app.

    Args:
        target: The server.
        options: Which cases, and how thoroughly.
    """

    def __init__(self, target: Target, options: Options) -> None:
        self.target = target
        self.options = options
        self.testers: dict[Variant, Tester] = {}
        self.is_lost = ""
        """Why nothing more can be tried."""
        self.second_tries = SECOND_TRIES
        """The seconds that are left of :data:`SECOND_TRIES`."""

    def tester(self, variant: Variant) -> Tester:
        """The tester of a variant."""
        if variant not in self.testers:
            target = self.target.variant(variant)
            self.testers[variant] = target.open(effort=EFFORT[self.options.profile])
        return self.testers[variant]

    def close(self) -> None:
        """Close all connections."""
        for tester in self.testers.values():
            tester.wire.close()

    def result(self, case: Case) -> Result:
        """Try one case."""
        began = datetime.now(timezone.utc)
        try:
            reason = self.is_lost or _reason(case, self.tester("plain"), self.options)
            if reason:
                return Result(case.id, Verdict.SKIP, reason)
            tester = self.tester(case.needs.variant)
        except (Unreachable, Skipped, Violation) as error:
            return Result(case.id, Verdict.ERROR, self.target.secrets.hide_cut(str(error)))
        attempt = _Attempt(case, tester, seed_of(case, self.options.seed), may_repeat=self.second_tries > 0)
        result = attempt.run(strict=self.options.strict)
        self.second_tries -= attempt.repeated_for
        result = self._with_health(tester, case, result)
        seconds = (datetime.now(timezone.utc) - began).total_seconds()
        return replace(result, seconds=seconds, replay=self._replay(case))

    def _with_health(self, tester: Tester, case: Case, result: Result) -> Result:
        """See whether the server is well for others, and make it so."""
        if tester.is_stopped or tester.is_outdated:
            self._renew(case.needs.variant)
            return result
        if not tester.target.is_reference and result.verdict not in (Verdict.FAIL, Verdict.ERROR):
            return result
        tester.wire.begin()
        illness = tester.wire.secrets.hide_cut(tester.is_healthy())
        tester.wire.begin()
        if not illness:
            return result
        if tester.target.restart is None:
            self.is_lost = f"the server was not well any more after {case.id}: {illness}"
        else:
            self._renew(case.needs.variant)
        if result.verdict is Verdict.ERROR and not tester.target.is_reference:
            return result  # who knows whether it is the server, or the network before it
        if result.verdict is Verdict.FAIL:
            return replace(
                result, reason=f"{result.reason}; afterwards the server did not serve others: {illness}"
            )
        reason = f"afterwards the server did not serve others: {illness}"
        return replace(result, verdict=Verdict.FAIL, reason=reason)

    def _renew(self, variant: Variant) -> None:
        """Start the server of a variant anew, unless the case has done it, and forget the connections."""
        tester = self.testers.pop(variant)
        tester.wire.close()
        if tester.target.restart is not None and not tester.is_outdated:
            try:
                tester.target.restart()
            except LaunchError as error:  # what was found until now is worth a report
                self.is_lost = f"the server cannot be started anew: {error}"

    def _replay(self, case: Case) -> str:
        words = self.target.words or shlex.quote(str(self.target.url))
        return f"gradio-proto conformance replay {case.id} {words} --seed {self.options.seed}"


class _Attempt:
    """One case, tried as often as it says; what failed with the least to read is kept."""

    def __init__(self, case: Case, tester: Tester, seed: int, *, may_repeat: bool) -> None:
        self.case = case
        self.may_repeat = may_repeat and case.seconds <= LONG_WAIT
        """What has failed is tried once more."""
        self.repeated_for = 0.0
        """How many seconds that took."""
        self.tester = tester
        self.seed = seed
        self.tried = 0
        self.search = Search()
        self.other: BaseException | None = None
        """What is not about the server."""

    def run(self, *, strict: bool) -> Result:
        """Try it, and judge."""
        self.tester.seed = self.seed
        again = True
        try:
            if self.case.examples > 1:
                self._draw()
            elif self._once() is not None and self.may_repeat and not self._needs_renewal:
                again = self._happens_again()
        except Skipped as skipped:
            return Result(self.case.id, Verdict.SKIP, str(skipped), examples=self.tried)
        except Exception as error:
            # Without what Hypothesis has noted on it.
            where = self.tester.wire.secrets.hide_cut(f"{type(error).__name__}: {error}")
            self.tester.note(where, "".join(traceback.format_exception(error)))
            return Result(
                self.case.id, Verdict.ERROR, where, self.tester.wire.transcript, examples=self.tried
            )
        if self.search.best is None:
            return Result(self.case.id, Verdict.PASS, examples=self.tried)
        reason, transcript = self.search.best
        if not again:
            reason += " (once; it did not happen again)"
        verdict = _judge(self.case, strict=strict) if again else Verdict.WARN
        return Result(self.case.id, verdict, reason, transcript, examples=self.tried)

    @property
    def _needs_renewal(self) -> bool:
        return self.tester.is_stopped or self.tester.is_outdated

    def _happens_again(self) -> bool:
        """Try once more what has failed, and keep what failed first, whatever comes of it."""
        first = self.search.best
        began = time.monotonic()
        try:
            return self._once() is not None
        except Unreachable:
            return True  # a server that does not answer any more has not got well
        except Skipped:
            return False
        finally:
            self.repeated_for = time.monotonic() - began
            self.search.best = first

    def _once(self) -> str | None:
        """Try it; what the server did wrong, if it did."""
        wire = self.tester.wire
        self.tried += 1
        wire.begin()
        try:
            self.case.run(self.tester)
        except Violation as violation:
            reason = wire.secrets.hide_cut(str(violation))
            self.tester.note(f"violation: {reason}")
            self.search.keep(reason, wire.transcript)
            return reason
        finally:
            wire.leave_all()
        return None

    def _draw(self) -> None:
        """Try it with examples that are drawn, up to the smallest that fails."""
        from hypothesis import given, seed
        from hypothesis import strategies as st

        def example(data: st.DataObject) -> None:
            self.search.go_on()
            self.tester.data = data
            try:
                reason = self._once()
            except (Skipped, Unreachable) as error:
                self.other = error
                raise Enough from error
            finally:
                self.tester.data = None
            if reason is not None:
                raise Violation(reason)

        quiet = quiet_settings(self.case.examples * self.tester.effort)
        search = cast("Callable[[], None]", seed(self.seed)(quiet(given(st.data())(example))))
        try:
            search()
        except (Exception, Enough):
            # What the server did wrong counts, whatever else came up while a smaller example was looked for: the server
            # may not answer any more by then, and of several errors Hypothesis raises a group.
            if self.search.best is None:
                if self.other is not None:
                    raise self.other from None
                raise


def _judge(case: Case, *, strict: bool) -> Verdict:
    """What a violation of its requirement amounts to."""
    if case.requirement.level in ("MUST", "MUST NOT"):
        return Verdict.FAIL
    if case.requirement.level == "MAY":
        return Verdict.INFO
    return Verdict.FAIL if strict else Verdict.WARN
