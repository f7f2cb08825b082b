"""``run``: try what servers do, and say what they do wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gradio_proto.conformance.model import Verdict

from .. import NOT_RUN
from ..invocation import invocation
from ..terminal import console, safe, show, table
from .choosing import options_of, with_effort, with_globs, words_of
from .servers import NotRun, Server, with_servers
from .watching import Discreet, Trace, discreet

if TYPE_CHECKING:
    from gradio_proto.conformance.baseline import BaselineEntry
    from gradio_proto.conformance.model import Report
    from gradio_proto.conformance.runner import Observer, Options, Profile
    from gradio_proto.conformance.target import Target


@click.command()
@with_servers(many=True)
@with_globs
@with_effort
@click.option(
    "--baseline", type=click.Path(dir_okay=False), help="Failures that are known, and do not fail the run."
)
@click.option(
    "--write-baseline",
    type=click.Path(dir_okay=False),
    help="Write what fails now as known failures, and accept it.",
)
@click.option(
    "-r",
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="Also write junit, ndjson, html or md (repeatable).",
)
@click.option("--trace", is_flag=True, help="Print every exchange as it goes.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be tried, and read nothing but what the app is."
)
@click.option("--progress/--no-progress", default=True, help="Show how it goes.  [default: show]")
def run(
    servers: list[Server],
    select: tuple[str, ...],
    skip: tuple[str, ...],
    profile: Profile,
    strict: bool,
    destructive: bool,
    seed: int | None,
    baseline: str | None,
    write_baseline: str | None,
    reports: tuple[str, ...],
    trace: bool,
    dry_run: bool,
    progress: bool,
) -> int:
    """Try what a server at a URL does, and say what it does wrong.

    Only the endpoints that --endpoint names are called, unless the server runs the reference app.

    The exit status is 0 if all that was tried holds, 1 if something is violated or an entry of the baseline is stale,
    and 2 if something could not be tried.
    """
    options = options_of(profile, select, skip, seed, strict=strict, destructive=destructive)
    if dry_run:
        return _dry_run(servers, options)
    destinations = destinations_of(reports)
    known = _known(baseline, write_baseline)
    narrowing = [word for glob in select for word in ("--select", glob)]
    narrowing += [word for glob in skip for word in ("--skip", glob)]
    session = Session(options, narrowing=narrowing, trace=trace, progress=progress)
    for server in servers:
        session.test(server)
        if session.is_interrupted:
            break
    if write_baseline is not None and not session.is_interrupted:
        known = _accepted(write_baseline, session.reports, known or [])
    status = session.finish(known)
    if session.reports:
        write_reports(destinations, session.reports)
    if session.is_interrupted:
        raise KeyboardInterrupt
    return status


class Session:
    """The runs of one command.

    Args:
        options: What is tried.
        narrowing: The words of the command line that have chosen it.
        trace: Print every exchange.
        progress: Show how it goes.
    """

    def __init__(self, options: Options, *, narrowing: Sequence[str], trace: bool, progress: bool) -> None:
        self.options = options
        self.reports: list[Report] = []
        self.is_incomplete = False
        """Something could not be tried."""
        self.is_interrupted = False
        """The user has had enough; what came out by then is told all the same."""
        self._narrowing = narrowing
        self._trace = trace
        self._progress = progress

    def test(self, server: Server) -> None:
        """Try everything on a server. Where it cannot be tried, that is told, and remembered."""
        from gradio_proto.conformance.runner import Interrupted

        try:
            with server.open() as target, ExitStack() as stack:
                report = report_on(server, target, self.options, self._observers(stack), self._narrowing)
        except Interrupted as interrupt:
            self.is_interrupted = True
            if interrupt.report.results:
                self.reports.append(interrupt.report)
            return
        except NotRun as error:
            tell(error)
            self.is_incomplete = True
            return
        self.reports.append(report)
        if report.count(Verdict.ERROR):
            self.is_incomplete = True
        elif report.count(Verdict.SKIP) == len(report.results):
            tell(NotRun(f"{server.name}: nothing could be tried; run --dry-run says why"))
            self.is_incomplete = True

    def _observers(self, stack: ExitStack) -> list[Observer]:
        if self._trace:
            return [Trace()]
        if not self._progress:
            return []
        from gradio_proto.conformance.reports.progress import Progress
        from gradio_proto.conformance.runner import selected

        return [stack.enter_context(Progress(console(error=True), selected(self.options)))]

    def finish(self, known: list[BaselineEntry] | None) -> int:
        """Print what came out, and return the exit status.

        Args:
            known: The failures that are known; None where there is no baseline.
        """
        from gradio_proto.conformance import baseline
        from gradio_proto.conformance.registry import all_cases
        from gradio_proto.conformance.reports.text import print_report

        cases = all_cases()
        out = console()
        holds = True
        for number, report in enumerate(self.reports):
            outcome = baseline.apply(report, known or (), cases)
            holds = holds and outcome.is_clean
            self.reports[number] = report if known is None else baseline.marked(report, outcome)
            print_report(report, out, cases, None if known is None else outcome)
        # What is broken is broken, whatever else could not be tried.
        if not holds:
            return 1
        return NOT_RUN if self.is_incomplete else 0


def report_on(
    server: Server,
    target: Target,
    options: Options,
    observers: Sequence[Observer],
    narrowing: Sequence[str],
) -> Report:
    """Try what was chosen on a server; the report holds no secret, and the commands that repeat it.

    Raises:
        Interrupted: By Ctrl-C; its report is like this one.
    """
    from gradio_proto.conformance.runner import Interrupted
    from gradio_proto.conformance.runner import run as run_cases

    try:
        report = run_cases(target, options, Discreet(invocation().secrets, observers))
    except Interrupted as interrupt:
        raise Interrupted(_presentable(interrupt.report, server, options, narrowing)) from None
    return _presentable(report, server, options, narrowing)


def _presentable(report: Report, server: Server, options: Options, narrowing: Sequence[str]) -> Report:
    secrets, words = invocation().secrets, words_of(options)
    return replace(
        report,
        title=secrets.hide(report.title),
        command=server.command(["run"], [*narrowing, *words]),
        results=[
            replace(discreet(result, secrets), replay=server.command(["replay", result.case_id], words))
            if result.verdict is not Verdict.SKIP
            else result
            for result in report.results
        ],
    )


def destinations_of(reports: tuple[str, ...]) -> list[tuple[str, str]]:
    """The kinds and paths of ``--report``, seen to before anything is run.

    Raises:
        click.UsageError: One is not KIND=PATH, its directory is not there, or it is one itself.
    """
    from gradio_proto.conformance.reports import parse_destination

    destinations: list[tuple[str, str]] = []
    for text in reports:
        try:
            kind, path = parse_destination(text)
        except ValueError as error:
            raise click.UsageError(f"--report {error}") from None
        _check_directory("--report", path)
        destinations.append((kind, path))
    return destinations


def write_reports(destinations: list[tuple[str, str]], reports: list[Report]) -> None:
    """Write the reports, and say where.

    Raises:
        click.ClickException: A file cannot be written.
    """
    from gradio_proto.conformance.reports import write_report

    for kind, path in destinations:
        try:
            write_report(kind, path, reports)
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
        click.echo(f"wrote {path}", err=True)


def _check_directory(option: str, path: str) -> None:
    directory = Path(path).parent
    # Those of pathlib fail for a name that is too long.
    if not os.path.isdir(directory):
        raise click.UsageError(f"{option} {path}: there is no directory {directory}")
    if os.path.isdir(path):
        raise click.UsageError(f"{option} {path}: it is a directory")


def _known(path: str | None, new_path: str | None) -> list[BaselineEntry] | None:
    """The failures that are known: those of the baseline, or of the one that is written anew."""
    from gradio_proto.conformance import baseline

    if new_path is not None:
        _check_directory("--write-baseline", new_path)
        if path is None and Path(new_path).exists():
            path = new_path
    if path is None:
        return None
    try:
        return baseline.read(path)
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None
    except baseline.BaselineError as error:
        raise click.UsageError(str(error)) from None


def _accepted(path: str, reports: list[Report], known: list[BaselineEntry]) -> list[BaselineEntry]:
    """Write the baseline by which the runs hold."""
    from gradio_proto.conformance import baseline
    from gradio_proto.conformance.registry import all_cases

    made = baseline.made_from(reports, known, all_cases())
    try:
        baseline.write(path, made)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    click.echo(f"wrote {path}: {len(made)} known failures", err=True)
    return made


def _dry_run(servers: list[Server], options: Options) -> int:
    """Show what would be tried, and why the rest would not."""
    from gradio_proto.conformance.runner import plan

    status = 0
    for server in servers:
        try:
            with server.open() as target:
                planned = plan(target, options)
        except NotRun as error:
            tell(error)
            status = NOT_RUN
            continue
        shown = table("case", "")
        for entry in planned:
            shown.add_row(
                entry.case.id, f"skipped: {safe(entry.reason)}" if entry.reason else "would be tried"
            )
        tried = sum(not entry.reason for entry in planned)
        show(shown)
        click.echo(f"\n{server.name}: {tried} of {len(planned)} cases would be tried")
    return status


def tell(error: click.ClickException) -> None:
    """Say what could not be done, where that does not end the command."""
    click.echo(f"Error: {invocation().hide(safe(error.message))}", err=True)
