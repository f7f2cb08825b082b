"""Which cases are tried, and how: the options that say so, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from gradio_proto.conformance.runner import Options, Profile

F = TypeVar("F", bound="Callable[..., Any]")

PROFILES: Final = ("quick", "default", "thorough")

LARGEST_SEED: Final = 1_000_000
"""Of those that are drawn: a seed is typed by people."""


def with_globs(function: F) -> F:
    """Give a command ``--select`` and ``--skip``."""
    for name, about in (
        ("--skip", "No case whose id matches (repeatable)."),
        ("--select", "Only cases whose id matches: an id, the beginning of ids (queue/join), or a pattern with * and"
         " ? (repeatable)."),
    ):  # fmt: skip
        function = click.option(name, multiple=True, metavar="GLOB", help=about)(function)
    return function


def with_effort(function: F) -> F:
    """Give a command ``--profile``, ``--strict``, ``--destructive`` and ``--seed``."""
    for option in (
        click.option("--seed", type=click.IntRange(min=0), metavar="N", help="What examples are drawn from."),
        click.option(
            "--destructive",
            is_flag=True,
            help="Also try what disturbs others on the same server, or intrudes.",
        ),
        click.option("--strict", is_flag=True, help="A SHOULD that is broken is a failure."),
        click.option(
            "--profile",
            type=click.Choice(PROFILES),
            default="default",
            show_default=True,
            help="How much is tried.",
        ),
    ):
        function = option(function)
    return function


def options_of(
    profile: Profile,
    select: Iterable[str],
    skip: Iterable[str],
    seed: int | None,
    *,
    strict: bool,
    destructive: bool,
) -> Options:
    """What the runner is asked for; a seed that was not given is random.

    Raises:
        click.UsageError: A pattern matches no case.
    """
    import secrets

    from gradio_proto.conformance.runner import Options

    return Options(
        seed=secrets.randbelow(LARGEST_SEED) if seed is None else seed,
        profile=profile,
        select=globs(select),
        skip=globs(skip),
        strict=strict,
        destructive=destructive,
    )


def globs(given: Iterable[str]) -> tuple[str, ...]:
    """The patterns that a user's stand for.

    Raises:
        click.UsageError: One matches no case at all, so it is misspelled.
    """
    from gradio_proto.conformance.choice import patterns
    from gradio_proto.conformance.registry import all_cases

    try:
        return patterns(given, all_cases())
    except LookupError as error:
        raise click.UsageError(str(error)) from None


def words_of(options: Options) -> tuple[str, ...]:
    """The options of a command line that make a case run as it did."""
    words = ["--seed", str(options.seed)]
    if options.profile != "default":
        words += ["--profile", options.profile]
    words += ["--strict"] if options.strict else []
    words += ["--destructive"] if options.destructive else []
    return tuple(words)
