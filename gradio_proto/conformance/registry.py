"""The cases, by their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, Final, TypeAlias

from .model import Case, Needs, Severity, Variant
from .spec import requirement_of

if TYPE_CHECKING:
    from .tester import Tester

Check: TypeAlias = "Callable[[Tester], None]"
"""What tries a case."""

AREAS: Final = (
    "discovery",
    "auth",
    "joining",
    "conversations",
    "messages",
    "values",
    "streams",
    "cancel",
    "sessions",
    "errors",
    "files",
    "downloads",
    "direct",
    "simple_api",
    "stream_input",
    "render",
    "machine",
    "component_server",
    "security",
)
"""The modules of :mod:`gradio_proto.conformance.checks`, in the order in which their cases run."""

_cases: dict[str, Case] = {}


def case(
    id: str,
    *,
    endpoints: tuple[str, ...] = (),
    variant: Variant = "plain",
    is_destructive: bool = False,
    severity: Severity = "major",
    examples: int = 1,
    seconds: float = 0.0,
) -> Callable[[Check], Check]:
    """Make a function a case. What it does says the first paragraph of its docstring.

    Args:
        id: The id of the requirement that is tried, or that with further parts behind a slash.
        endpoints: The roles that it needs, see :class:`Needs`.
        variant: How the app has to be run.
        is_destructive: It disturbs others on the same server, or reaches for what is not the tester's.
        severity: How bad a violation is for users: ``critical`` where data are lost or shown to others, ``minor`` where
            a client will hardly notice.
        examples: How many examples are tried, where it draws something.
        seconds: About how long it has to wait.
    """

    def register(check: Check) -> Check:
        if id in _cases:
            raise ValueError(f"there are two cases called {id}")
        about = cleandoc(check.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        needs = Needs(endpoints, variant, is_destructive)
        _cases[id] = Case(id, requirement_of(id), needs, severity, examples, seconds, check, about)
        return check

    return register


@cache
def all_cases() -> Mapping[str, Case]:
    """Every case, in the order in which they run."""
    for area in AREAS:
        import_module(f"gradio_proto.conformance.checks.{area}")
    return _cases
