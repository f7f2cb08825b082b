"""``fuzz``: examples that nobody has tried yet, until the time is over or something is found."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

import click

from gradio_proto.conformance.model import Verdict

from .. import NOT_RUN
from ..terminal import console
from .choosing import options_of, with_effort, with_globs
from .running import report_on
from .servers import NotRun, Server, with_servers

if TYPE_CHECKING:
    from gradio_proto.conformance.model import Report
    from gradio_proto.conformance.runner import Options, Profile
    from gradio_proto.conformance.target import Target


@click.command()
@with_servers(many=False)
@with_globs
@with_effort
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    required=True,
    metavar="SECONDS",
    help="When to stop; a case that has begun is brought to its end.",
)
def fuzz(
    servers: list[Server],
    select: tuple[str, ...],
    skip: tuple[str, ...],
    profile: Profile,
    strict: bool,
    destructive: bool,
    seed: int | None,
    max_time: float,
) -> int:
    """Try the cases that draw examples on the server at URL, with one seed after the other.

    It stops at the first failure, and prints the command that replays it.
    """
    options = options_of(profile, select, skip, seed, strict=strict, destructive=destructive)
    search = Search(servers[0], options, monotonic() + max_time)
    tried = "nothing found: {0.examples} examples, seeds {0.options.seed} to {0.seed}"
    try:
        with servers[0].open() as target:
            found = search.run(target)
    except KeyboardInterrupt:
        click.echo(tried.format(search))  # the seeds from which the next search can go on
        raise
    if found is None:
        click.echo(tried.format(search))
        return 0
    return NOT_RUN if found is Verdict.ERROR else 1


class Search:
    """A search for what nobody has found yet.

    Args:
        server: Where.
        options: What is tried, and the first seed.
        until: When to stop, by the monotonic clock, in seconds.
    """

    def __init__(self, server: Server, options: Options, until: float) -> None:
        from gradio_proto.conformance.runner import selected

        self.server = server
        self.options = options
        self.until = until
        self.seed = options.seed
        """The seed that is tried."""
        self.examples = 0
        """How many examples have been tried."""
        self._left = [case.id for case in selected(options) if case.examples > 1]
        """Of a warning one is enough, and what is skipped once is skipped always: those cases are dropped."""

    def run(self, target: Target) -> Verdict | None:
        """Search, and show what is found; its verdict, or None.

        Raises:
            NotRun: There is nothing to try.
        """
        while True:
            for case_id in list(self._left):
                if monotonic() >= self.until:
                    return None
                found = self._try(target, case_id)
                if found is not None:
                    return found
            if not self._left:
                if not self.examples:
                    raise NotRun("there is nothing to try: no case that was chosen draws examples here")
                return None
            self.seed += 1

    def _try(self, target: Target, case_id: str) -> Verdict | None:
        report = report_on(
            self.server, target, replace(self.options, seed=self.seed, select=(case_id,), skip=()), (), ()
        )
        result = report.results[0]
        self.examples += result.examples
        if result.verdict in (Verdict.WARN, Verdict.SKIP):
            self._left.remove(case_id)
        if result.verdict not in (Verdict.FAIL, Verdict.ERROR, Verdict.WARN):
            return None
        _show(report)
        return None if result.verdict is Verdict.WARN else result.verdict


def _show(report: Report) -> None:
    from gradio_proto.conformance.registry import all_cases
    from gradio_proto.conformance.reports.text import print_result

    print_result(report, report.results[0], console(), all_cases())
