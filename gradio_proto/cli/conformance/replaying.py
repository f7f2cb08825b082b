"""``replay``: one case again, with all that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .choosing import options_of, with_effort
from .servers import Server, with_servers

if TYPE_CHECKING:
    from gradio_proto.conformance.runner import Profile


@click.command()
@click.argument("case_id", metavar="CASE")
@with_servers(many=False)
@with_effort
def replay(
    servers: list[Server],
    case_id: str,
    profile: Profile,
    strict: bool,
    destructive: bool,
    seed: int | None,
) -> int:
    """Try one CASE again on the server at URL, and show everything that is said.

    With the seed of a run it does what that run did.
    """
    from .listing import case_of
    from .running import Session

    exact = (case_of(case_id).id,)
    options = replace(options_of(profile, (), (), seed, strict=strict, destructive=destructive), select=exact)
    session = Session(options, narrowing=["--select", case_id], trace=True, progress=False)
    session.test(servers[0])
    return session.finish(None)
