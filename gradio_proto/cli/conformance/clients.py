"""``client``: what a client makes of a hostile server."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..terminal import show, table

if TYPE_CHECKING:
    from gradio_proto.conformance.clients.model import Case, Result


@click.command()
@click.option(
    "--command",
    "command_line",
    metavar="'COMMAND'",
    help="What makes the client call an app. {url}, {api_name} and {data} in it are filled in; the environment has"
    " them as GRADIO_URL, GRADIO_API_NAME and GRADIO_DATA.",
)
@click.option(
    "--persistent",
    is_flag=True,
    help="The command makes one call after the other, as its standard input asks.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="GLOB",
    help="Only scenarios whose id matches: an id, the beginning of ids (framing), or a pattern with * and ?, such as"
    " *@sse_v3 (repeatable).",
)
@click.option("--skip", multiple=True, metavar="GLOB", help="No scenario whose id matches (repeatable).")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="How long a call may take, beyond what the scenario itself takes.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many run at the same time."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--list", "listing", is_flag=True, help="Say which scenarios there are.")
def client(
    command_line: str | None,
    persistent: bool,
    select: tuple[str, ...],
    skip: tuple[str, ...],
    timeout: float,
    jobs: int,
    as_json: bool,
    listing: bool,
) -> int:
    """Serve one hostile app after the other, and see what a client makes of each.

    The command calls the app at its URL, and prints one line of JSON: {"value": ...}, or {"values": [...]} for all that
    a generator gave, or {"error": "...", "type": "..."}.
    """
    from gradio_proto.conformance.clients.command import CommandMissing
    from gradio_proto.conformance.clients.model import cases_of
    from gradio_proto.conformance.clients.report import report_data, report_text
    from gradio_proto.conformance.clients.run import run_client, selected
    from gradio_proto.conformance.clients.scenarios import SCENARIOS

    every = cases_of(SCENARIOS)
    select, skip = _globs(select, every), _globs(skip, every)
    cases = selected(every, select, skip)
    if not cases:
        raise click.UsageError("no scenario matches")
    if listing:
        _list(cases, as_json=as_json)
        return 0
    if command_line is None:
        raise click.UsageError("say how the client is called: --command '...'")
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise click.UsageError(f"--command cannot be split into words: {error}") from None
    if not words:
        raise click.UsageError("--command is empty")
    try:
        report = run_client(
            words,
            select=select,
            skip=skip,
            timeout=timeout,
            jobs=jobs,
            persistent=persistent,
            on_result=None if as_json else _tell,
        )
    except CommandMissing as error:
        raise click.UsageError(f"--command: {error}") from None
    click.echo(json.dumps(report_data(report), indent=1) if as_json else report_text(report))
    return report.exit_code


def _globs(given: tuple[str, ...], cases: Sequence[Case]) -> tuple[str, ...]:
    """The patterns that a user's stand for, as everywhere: an id may be given without its generation, too.

    Raises:
        click.UsageError: One matches no scenario at all, so it is misspelled.
    """
    from gradio_proto.conformance.choice import patterns

    try:
        return patterns(given, dict.fromkeys(id for case in cases for id in (case.scenario.id, case.id)))
    except LookupError as error:
        raise click.UsageError(str(error)) from None


def _list(cases: list[Case], *, as_json: bool) -> None:
    from gradio_proto.conformance.clients.report import expected_text

    if as_json:
        entries = [
            {
                "id": case.id,
                "summary": case.scenario.summary,
                "requirements": case.scenario.requirements,
                "expected": expected_text(case.scenario),
            }
            for case in cases
        ]
        click.echo(json.dumps(entries, indent=1))
        return
    shown = table("scenario", "what the server does")
    for case in cases:
        shown.add_row(case.id, case.scenario.summary)
    show(shown)
    click.echo(f"\n{len(cases)} scenarios")


def _tell(result: Result) -> None:
    """Say what goes wrong as it does; a run takes minutes."""
    if result.verdict.value in ("fail", "error"):
        click.echo(f"{result.verdict.value:5} {result.case.id}", err=True)
