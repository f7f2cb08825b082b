"""A tester for servers that claim to speak the Gradio protocol, and for clients that do.

``gradio-proto conformance run URL`` tries every requirement of the specification that binds servers, and says of each
that fails what the server did wrong, with a minimal example. From a program::

    from gradio_proto.conformance import Options, run
    from gradio_proto.conformance.target import embedded

    with embedded("6.31.0") as server:
        report = run(server, Options(seed=1))

:mod:`~gradio_proto.conformance.target` has the servers that can be tested: any URL, the reference app under a Python
that has Gradio, and this library's own server. The strategies from which examples are drawn
(:mod:`~gradio_proto.conformance.strategies`) and the stateful machine (:class:`ServerMachine`) are for the tests of
others, too.

It needs the extra ``conformance``; importing this module alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .machine import ServerMachine, explore
    from .model import Case, Needs, Report, Requirement, Result, Skipped, Unreachable, Verdict, Violation
    from .registry import all_cases, case
    from .runner import Observer, Options, Planned, plan, run
    from .session import Job, Session
    from .target import Target
    from .tester import Tester
    from .transcript import Entry, Transcript

__all__ = [
    "Case",
    "Entry",
    "Job",
    "Needs",
    "Observer",
    "Options",
    "Planned",
    "Report",
    "Requirement",
    "Result",
    "ServerMachine",
    "Session",
    "Skipped",
    "Target",
    "Tester",
    "Transcript",
    "Unreachable",
    "Verdict",
    "Violation",
    "all_cases",
    "case",
    "explore",
    "plan",
    "run",
]

_MODULES: Final = {
    "machine": ("ServerMachine", "explore"),
    "model": (
        "Case",
        "Needs",
        "Report",
        "Requirement",
        "Result",
        "Skipped",
        "Unreachable",
        "Verdict",
        "Violation",
    ),
    "registry": ("all_cases", "case"),
    "runner": ("Observer", "Options", "Planned", "plan", "run"),
    "session": ("Job", "Session"),
    "target": ("Target",),
    "tester": ("Tester",),
    "transcript": ("Entry", "Transcript"),
}
_WHERE: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{_WHERE[name]}", __name__)
    except ModuleNotFoundError as error:
        if error.name in ("hypothesis", "jsonschema_rs"):
            raise ImportError(
                f"the conformance tester needs {error.name}: install gradio_proto[conformance]",
                name=error.name,
            ) from error
        raise
    return getattr(module, name)
