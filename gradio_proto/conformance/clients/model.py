"""Scenarios, what must come out of them, and what did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from gradio_proto.config import is_object

from .server import CONTENT
from .steps import Script

SECRET: Final = "a-secret-of-the-user-5f0c2d"
"""The token that a scenario gives. It is sent to the app and to nobody else."""

SECRET_HEADER: Final = ("x-users-own", "another-secret-of-the-user-91be")
"""The header that a scenario gives, likewise."""


class Verdict(str, Enum):
    """What is said of one case."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    """Nothing is broken that a client MUST keep, but something that it SHOULD."""
    SKIP = "skip"
    ERROR = "error"
    """The tester itself, or the command, could not do its part."""


@dataclass(frozen=True)
class Call:
    """A call that the command is to make."""

    data: tuple[Any, ...] = ("hello",)
    """Its arguments by position. ``{"$file": path}`` stands for a file of this machine that is to be uploaded."""
    api_name: str = "/say"
    """The endpoint."""


@dataclass(frozen=True)
class Order:
    """What the command is asked to do in one scenario."""

    url: str
    """The app's address."""
    calls: tuple[Call, ...]
    """What to call, all at once."""
    stream: bool = False
    """All values of the call are asked for, not the last one alone."""
    timeout: float | None = None
    """Seconds that a call may take, where the scenario is about silence."""
    token: str | None = None
    """A token to send to the app."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers to send to the app."""

    def as_json(self) -> dict[str, Any]:
        """The order as a persistent command reads it: what is not asked for is left out."""
        first = self.calls[0]
        order: dict[str, Any] = {"url": self.url, "api_name": first.api_name, "data": [*first.data]}
        if len(self.calls) > 1:
            order["calls"] = [{"api_name": call.api_name, "data": [*call.data]} for call in self.calls]
        if self.stream:
            order["stream"] = True
        if self.timeout is not None:
            order["timeout"] = self.timeout
        if self.token is not None:
            order["token"] = self.token
        if self.headers:
            order["headers"] = dict(self.headers)
        return order


@dataclass(frozen=True)
class Outcome:
    """What came out of one call."""

    kind: Literal["value", "values", "error"]
    """Which of them."""
    value: Any = None
    """The value, the list of all values, or the text of the error."""
    error_type: str | None = None
    """The name of the error's class."""

    def __str__(self) -> str:
        text = json.dumps(self.value, ensure_ascii=False)
        text = text if len(text) <= 90 else f"{text[:87]}..."
        return f"{self.kind} {text}" if self.kind != "error" else f"error {self.error_type}: {text}"


@dataclass(frozen=True)
class Value:
    """Exactly this value."""

    value: Any = "well"
    """Which one."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        is_right = outcome.kind == "value" and outcome.value == self.value
        return None if is_right else f"{self} was to come out, and not: {outcome}"

    def __str__(self) -> str:
        text = json.dumps(self.value, ensure_ascii=False)
        return f"value {text}" if len(text) <= 60 else f"value {text[:40]}... ({len(text)} characters)"


@dataclass(frozen=True)
class Values:
    """Exactly these values, one after the other."""

    values: tuple[Any, ...]
    """Which ones."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        is_right = outcome.kind == "values" and outcome.value == [*self.values]
        return None if is_right else f"{self} was to come out, and not: {outcome}"

    def __str__(self) -> str:
        return f"values {json.dumps(self.values)}"


@dataclass(frozen=True)
class Holding:
    """A file of this machine that holds these bytes: its path, or an object with it as ``path``."""

    content: bytes = CONTENT
    """The bytes."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        value = outcome.value
        if is_object(value):
            value = value.get("path")
        if outcome.kind != "value" or not isinstance(value, str):
            return f"{self} was to come out, and not: {outcome}"
        try:
            content = Path(value).read_bytes()
        except (OSError, ValueError) as error:
            return f"the file that came out cannot be read: {error}"
        return None if content == self.content else f"the file {value} holds something else"

    def __str__(self) -> str:
        return f"a file of {len(self.content)} bytes"


@dataclass(frozen=True)
class Failure:
    """An error."""

    text: str | None = None
    """What its text must hold."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        if outcome.kind != "error":
            return f"{self} was to come out, and not: {outcome}"
        if self.text is not None and self.text not in str(outcome.value):
            return f"the error does not say {self.text!r}: {outcome}"
        return None

    def __str__(self) -> str:
        return "error" if self.text is None else f"error with {self.text!r}"


@dataclass(frozen=True)
class Either:
    """An error, or this value where one is given; which of them is the client's affair."""

    value: Any = None
    """The value; None where only an error will do."""
    is_any: bool = True
    """Any value will do."""

    def problem(self, outcome: Outcome) -> str | None:
        """What is wrong with an outcome; None if nothing is."""
        if outcome.kind == "error" or self.is_any:
            return None
        return Value(self.value).problem(outcome) and f"{self} was to come out, and not: {outcome}"

    def __str__(self) -> str:
        return "either" if self.is_any else f"error, or {Value(self.value)}"


Expected = Value | Values | Holding | Failure | Either
"""What must come out of a call."""


@dataclass(frozen=True)
class Sent:
    """Something that a request of the client must hold."""

    route: str
    """The route of the request."""
    requirement: str
    """The id of the requirement that asks for it."""
    header: tuple[str, str] | None = None
    """A header, and what its value must hold."""
    absent: tuple[str, str] | None = None
    """A header, and what its value must not hold."""
    body: tuple[str, Any] | None = None
    """A key of its JSON body, and the value."""
    raw: bytes | None = None
    """What its body must hold, byte for byte."""
    target: str | None = None
    """What its target must hold."""
    is_optional: bool = False
    """The request itself may be left out."""


@dataclass(frozen=True)
class Scenario:
    """One thing that a server does, and what a client must make of it."""

    id: str
    """Its name, such as ``"framing/comments"``."""
    summary: str
    """One sentence: what the server does."""
    script: Script
    """What the server does."""
    requirements: tuple[str, ...] = ()
    """Requirements of the specification that bind clients and that this scenario checks."""
    generations: tuple[str, ...] = ("sse_v3",)
    """The generations in which it is tried."""
    expected: tuple[Expected, ...] = (Value(),)
    """What must come out, by call."""
    calls: tuple[Call, ...] = (Call(),)
    """What the client is to call."""
    stream: bool = False
    """Whether all values are asked for, and not the last alone."""
    timeout: float | None = None
    """The seconds after which the client is to give up; None for no bound."""
    credentials: bool = False
    """The command is given a token and a header, which nobody else may see."""
    sent: tuple[Sent, ...] = ()
    """What the client's requests must hold."""
    joins: int | None = None
    """Joins that are allowed, where that is not one for each call."""
    forbidden: tuple[tuple[str, str], ...] = ()
    """Routes that may not be asked for, each with the requirement that says so."""


@dataclass(frozen=True)
class Case:
    """A scenario in one generation."""

    scenario: Scenario
    """Which one."""
    generation: str
    """In which one."""

    @property
    def id(self) -> str:
        """``"framing/comments@sse_v3"``."""
        return f"{self.scenario.id}@{self.generation}"


@dataclass(frozen=True)
class Problem:
    """Something that a client has done wrong."""

    text: str
    """What was wrong."""
    requirement: str | None = None
    """The id of the requirement that forbids it; None for what is no matter of the protocol."""
    is_grave: bool = True
    """It breaks a MUST."""


@dataclass(frozen=True)
class Result:
    """What came out of one case."""

    case: Case
    """Of which case."""
    verdict: Verdict
    """How it went."""
    outcomes: tuple[Outcome, ...] = ()
    """What the client gave for each call."""
    problems: tuple[Problem, ...] = ()
    """What was wrong."""
    seconds: float = 0.0
    """How long it took."""
    reason: str | None = None
    """Why it was skipped, or could not be run."""
    asked: tuple[str, ...] = ()
    """The requests that the client made, one line each."""

    @property
    def came_out(self) -> str:
        """The outcomes in one line."""
        return "; ".join(map(str, self.outcomes)) or (self.reason or "nothing")


@dataclass(frozen=True)
class ClientReport:
    """What came out of all cases."""

    command: tuple[str, ...]
    """The client, as it was started."""
    results: tuple[Result, ...] = field(repr=False)
    """What came out of each case."""
    seconds: float = 0.0
    """How long all of it took."""

    @property
    def counts(self) -> dict[str, int]:
        """How many cases have each verdict."""
        return {
            verdict.value: sum(result.verdict is verdict for result in self.results) for verdict in Verdict
        }

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, 1 if something did, 2 if something could not be run."""
        counts = self.counts
        return 1 if counts["fail"] else 2 if counts["error"] else 0

    @property
    def requirements(self) -> frozenset[str]:
        """The requirements that were looked at, beyond those that are watched in every case."""
        return frozenset(
            requirement for result in self.results for requirement in result.case.scenario.requirements
        )


def cases_of(scenarios: Sequence[Scenario]) -> list[Case]:
    """Every one of the scenarios in each of its generations."""
    return [Case(scenario, generation) for scenario in scenarios for generation in scenario.generations]
