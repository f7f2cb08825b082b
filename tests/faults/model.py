"""A fault, what must come out of it, and what did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gradio_proto.errors import GradioError

if TYPE_CHECKING:
    from .bench import Bench

ClientName = Literal["blocking", "trio", "asyncio"]

CLIENTS: tuple[ClientName, ...] = ("blocking", "trio", "asyncio")
"""The clients that a fault happens to."""

Phase = Literal["connect", "login", "upload", "join", "stream", "download", "life"]
"""Where in a client's life a fault strikes."""

Served = Callable[["Bench"], AbstractContextManager[str]]
"""Serves something for the length of a block, and gives its URL."""

Use = Callable[["Bench"], Awaitable[Any]]
"""What a user does, from opening a client to closing it; what it returns or raises is what came out."""


@dataclass(frozen=True)
class Gives:
    """Exactly this value."""

    value: Any = "ok"

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        return None if outcome.error is None and outcome.value == self.value else f"{self} was to come out"

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True)
class Raises:
    """An error of this type, of a subclass only where ``exactly`` is False, with these attributes."""

    type: type[BaseException]
    text: str = ""
    """What it must say somewhere."""
    exactly: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Such as ``phase``, ``kind``, ``retryable``, ``status``, ``name`` (of a limit)."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        error = outcome.error
        if error is None or (
            type(error) is not self.type if self.exactly else not isinstance(error, self.type)
        ):
            return f"{self} was to come out"
        if self.text not in str(error):
            return f"it does not say {self.text!r}"
        for name, value in self.attributes.items():
            if getattr(error, name, None) != value:
                return f"its {name} is {getattr(error, name, None)!r}, and not {value!r}"
        return None

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.attributes.items())
        return f"{self.type.__name__}({shown})"


@dataclass(frozen=True)
class Either:
    """Any of these: which of them is a matter of moments."""

    choices: tuple[Gives | Raises, ...]

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        return (
            None
            if any(choice.problem(outcome) is None for choice in self.choices)
            else f"{self} was to come out"
        )

    def __str__(self) -> str:
        return " or ".join(map(str, self.choices))


Expected = Gives | Raises | Either


def raises(type: type[BaseException], text: str = "", *, exactly: bool = True, **attributes: Any) -> Raises:
    """An error of this type with these attributes."""
    return Raises(type, text, exactly, attributes)


def either(*choices: Gives | Raises) -> Either:
    """Any of these."""
    return Either(choices)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    id: str
    """Its name, its group first: ``"join/reset"``."""
    happens: str
    """What goes wrong, in one sentence."""
    phase: Phase
    """Where."""
    served: Served
    """What the client talks to."""
    expect: Expected
    """What must come out."""
    use: Use
    """What the user does."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options of the client, beside the secrets that every client here is given."""
    seconds: float = 10.0
    """In which it must come out, on a busy machine too. Deadlines that a fault runs into are set much shorter."""
    clients: tuple[ClientName, ...] = CLIENTS
    """Those that it can happen to."""
    limit: str | None = None
    """The limit (of :class:`~gradio_proto.limits.Limits`) that it runs into. The client then has a process of its own,
    which may grow by eight times the limit at most."""


@dataclass(frozen=True)
class Outcome:
    """What came out."""

    value: Any = None
    error: BaseException | None = None
    problems: tuple[str, ...] = ()
    """What was wrong beside it: something was printed, was left, was told."""
    seconds: float = 0.0
    grown: int | None = None
    """Bytes by which the process grew, where that is measured."""

    def __str__(self) -> str:
        if self.error is None:
            text = repr(self.value)
            return text if len(text) <= 60 else f"{text[:57]}..."
        attributes = {
            name: getattr(self.error, name)
            for name in ("phase", "kind", "name")
            if isinstance(self.error, GradioError) and hasattr(self.error, name)
        }
        shown = ", ".join(f"{name}={value!r}" for name, value in attributes.items())
        return f"{type(self.error).__name__}({shown})"


@dataclass(frozen=True)
class Result:
    """How one fault went on one client."""

    fault: Fault
    client: ClientName
    outcome: Outcome
    problems: tuple[str, ...]
    """Everything that is wrong; nothing if it passes."""
