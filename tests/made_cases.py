"""Cases that are made for tests of the command line and of the plugin: one for each verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gradio_proto.conformance import registry, runner
from gradio_proto.conformance.model import Case, Needs, Requirement, Skipped, VersionRange, Violation
from gradio_proto.conformance.tester import Tester


def holds(tester: Tester) -> None:
    """The config is there."""
    assert tester.get("config", prefixed=False).status == 200


def fails(tester: Tester) -> None:
    """A route that there is not is asked for."""
    reply = tester.get("no-such-route")
    raise Violation(f"it was answered {reply.status}")


def draws(tester: Tester) -> None:
    """Numbers are drawn, and asked for."""
    from hypothesis import strategies as st

    number = tester.draw(st.integers(0, 1000))
    reply = tester.get(f"no-such-route-{number}")
    if number > 10:
        raise Violation(f"{number} was answered {reply.status}")


def holds_drawing(tester: Tester) -> None:
    """Numbers are drawn."""
    from hypothesis import strategies as st

    tester.draw(st.integers())


def cannot(tester: Tester) -> None:
    """Nothing."""
    raise Skipped("there is nothing to try")


def breaks(tester: Tester) -> None:
    """The tester fails."""
    raise ZeroDivisionError("the tester divides by zero")


def made(
    id: str,
    level: str,
    run: Callable[[Tester], None],
    *,
    needs: Needs | None = None,
    examples: int = 1,
    seconds: float = 0.0,
) -> Case:
    """A case with a requirement of that level, which holds for every version."""
    requirement = Requirement(
        id,
        level,  # type: ignore[arg-type]
        f"A server {level} please those who test it.",
        ("ws", "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3"),
        (VersionRange((3, 0), None),),
        "all",
        "streams.md#events",
    )
    return Case(id, requirement, needs or Needs(), "major", examples, seconds, run, run.__doc__ or "")


CASES: dict[str, Case] = {
    case.id: case
    for case in (
        made("made/holds", "MUST", holds),
        made("made/fails", "MUST", fails),
        made("made/warns", "SHOULD", fails),
        made("made/told", "MAY", fails),
        made("made/cannot", "MUST", cannot),
        made("made/breaks", "MUST", breaks),
        made("made/wants", "MUST", holds, needs=Needs(("echo", "any"))),
        made("made/disturbs", "MUST", holds, needs=Needs(is_destructive=True), seconds=2.5),
        made("made/draws", "MUST", draws, examples=20),
        made("made/draws/well", "MUST", holds_drawing, examples=20),
    )
}


@contextmanager
def made_cases() -> Iterator[None]:
    """In the block there are these cases, and no others."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (registry, runner):
            patch.setattr(module, "all_cases", lambda: CASES)
        yield
