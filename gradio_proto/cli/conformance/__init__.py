"""``gradio-proto conformance``: the tester of servers and clients.

The modules of the commands import click alone at their top. What they take besides is imported by the functions that
take it, so that help and completion stay quick.
"""

from __future__ import annotations

import click

from ..lazy import LazyGroup, Subcommand

_HERE = "gradio_proto.cli.conformance"


@click.group(
    cls=LazyGroup,
    subcommands={
        "run": Subcommand(f"{_HERE}.running:run", "Try what a server does."),
        "list": Subcommand(f"{_HERE}.listing:list_cases", "Say which cases there are."),
        "explain": Subcommand(f"{_HERE}.listing:explain", "Say everything about a case."),
        "replay": Subcommand(f"{_HERE}.replaying:replay", "Try one case again, and show what is said."),
        "fuzz": Subcommand(f"{_HERE}.fuzzing:fuzz", "Try random examples until the time is over."),
        "report": Subcommand(f"{_HERE}.merging:report", "Make one report of several runs."),
        "client": Subcommand(f"{_HERE}.clients:client", "Try what a client does, on a hostile server."),
    },
)
def conformance() -> None:
    """Find what a Gradio server, or a client, does wrong.

    The exit status is 0 if all holds, 1 if something breaks the protocol, and 2 if nothing can be said.
    """
