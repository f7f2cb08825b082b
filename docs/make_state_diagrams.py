"""Draws docs/states.md from the tables by which the state machines run: ``python docs/make_state_diagrams.py``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from gradio_proto.job import TRANSITIONS, JobInput, JobState
from gradio_proto.session import STREAM_TRANSITIONS, StreamInput, StreamState

PAGE = Path(__file__).parent / "states.md"

HEAD = """\
# State machines

<!-- Made by docs/make_state_diagrams.py from the tables in the code. Do not edit: run it again. -->

Both machines run by a table, state by input, and this page is drawn from the same two tables. A pair that is
not in a table cannot happen: asking for it is a `LocalProtocolError`. Why they are as they are stands above
them, in `gradio_proto/job.py` and `gradio_proto/session.py`.
"""

JOB = """
## A job

One call of one endpoint. It settles once; whatever the server says afterwards is ignored. `RANKED` is news of
the queue, `REPORTED` is progress, a log message or a message that this version does not know, `YIELDED` is a
value of a generator.
"""

STREAM = """
## A session's event stream

The one stream that carries the messages of all jobs of a session. It may open and end many times.
"""

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


def diagram(table: Mapping[State, Mapping[Input, State]], start: State, inputs: type[Input]) -> str:
    """A Mermaid figure: one arrow for each pair of states, with every input that takes it."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start.name}"]
    for state, row in table.items():
        arrows: dict[State, list[str]] = {}
        for happened, after in row.items():
            arrows.setdefault(after, []).append(happened.name)
        for after, names in arrows.items():
            label = "any input" if len(names) == len(inputs) else ", ".join(names)
            lines.append(f"    {state.name} --> {after.name}: {label}")
    return "\n".join([*lines, "```", ""])


def grid(table: Mapping[State, Mapping[Input, State]], inputs: type[Input]) -> str:
    """The table itself: a row for each state, a column for each input."""
    lines = [
        "| | " + " | ".join(happened.name for happened in inputs) + " |",
        "|---" * (len(inputs) + 1) + "|",
    ]
    for state, row in table.items():
        cells = [row[happened].name if happened in row else "" for happened in inputs]
        lines.append(f"| **{state.name}** | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def page() -> str:
    """The whole page."""
    return (
        "\n".join(
            [
                HEAD + JOB,
                diagram(TRANSITIONS, JobState.NEW, JobInput),
                grid(TRANSITIONS, JobInput) + STREAM,
                diagram(STREAM_TRANSITIONS, StreamState.CLOSED, StreamInput),
                grid(STREAM_TRANSITIONS, StreamInput),
            ]
        ).rstrip()
        + "\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
