"""``report``: one report of several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..terminal import console
from .running import destinations_of, write_reports

if TYPE_CHECKING:
    from gradio_proto.conformance.model import Report


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-r",
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="Write junit, ndjson, html or md (repeatable). By default it is printed.",
)
def report(files: tuple[str, ...], reports: tuple[str, ...]) -> None:
    """Make one report of the FILES that several runs have written with --report ndjson=FILE."""
    destinations = destinations_of(reports)
    merged = [report for path in files for report in _read(path)]
    if destinations:
        write_reports(destinations, merged)
        return
    from gradio_proto.conformance.registry import all_cases
    from gradio_proto.conformance.reports.text import print_report

    out = console()
    for report in merged:
        print_report(report, out, all_cases())


def _read(path: str) -> list[Report]:
    from gradio_proto.conformance.reports import ndjson

    try:
        with open(path, encoding="utf-8") as file:
            return ndjson.read(file)
    except (ndjson.UnreadableReport, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from None
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None
