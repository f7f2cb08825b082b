"""Writes spec/states/*.json from the tables by which the state machines run: ``python spec/make_states.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from gradio_proto.job import TRANSITIONS, JobInput, JobState
from gradio_proto.session import STREAM_TRANSITIONS, StreamInput, StreamState

FOLDER: Final = Path(__file__).parent / "states"


@dataclass(frozen=True)
class Cause:
    """What an input of a machine is."""

    description: str
    messages: tuple[str, ...] = ()
    """The kinds of message that are this input; empty where it is something else."""


@dataclass(frozen=True)
class Machine:
    """One state machine: its table, and what the words in it mean."""

    name: str
    description: str
    table: Mapping[Any, Mapping[Any, Any]]
    initial: Enum
    states: Mapping[Any, str]
    inputs: Mapping[Any, Cause]
    final: tuple[Enum, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The machine as its file has it."""
        return {
            "format": 1,
            "machine": self.name,
            "description": self.description,
            "initial": self.initial.name,
            "final": [state.name for state in self.final],
            "states": {state.name: text for state, text in self.states.items()},
            "inputs": {
                happened.name: {"description": cause.description, "messages": list(cause.messages)}
                for happened, cause in self.inputs.items()
            },
            "transitions": {
                state.name: {happened.name: after.name for happened, after in row.items()}
                for state, row in self.table.items()
            },
        }


JOB: Final = Machine(
    name="job",
    description=(
        "One call of one endpoint, from its join to its one outcome. A pair of state and input that has no "
        "transition cannot happen in a client that works."
    ),
    table=TRANSITIONS,
    initial=JobState.NEW,
    final=(JobState.SETTLED,),
    states={
        JobState.NEW: "The call was made, and nothing of it has been sent but the files that it carries.",
        JobState.JOINING: "The join is on its way, and not answered.",
        JobState.QUEUED: "The server has accepted the job, which waits for a worker.",
        JobState.RUNNING: "The function has started, or has given its first value.",
        JobState.FETCHING: "The function has returned, and the files that it handed out are being downloaded.",
        JobState.SETTLED: "The job has its outcome, once and for all; whatever comes afterwards is ignored.",
    },
    inputs={
        JobInput.JOIN_SENT: Cause("The client sends the join, or sends it again after a failure."),
        JobInput.JOIN_ACCEPTED: Cause("The server answers the join with an event id."),
        JobInput.RANKED: Cause("The server says where the job stands in the queue.", ("estimation",)),
        JobInput.STARTED: Cause("A worker has begun with the job.", ("process_starts",)),
        JobInput.REPORTED: Cause(
            "The app says something by the way, or the server says something that the client does not know.",
            ("progress", "log"),
        ),
        JobInput.YIELDED: Cause("A value, with more to come.", ("process_generating", "process_streaming")),
        JobInput.RETURNED_FILES: Cause(
            "The function has returned, with files among its outputs that the client is to download.",
            ("process_completed",),
        ),
        JobInput.COMPLETED: Cause(
            "The function has returned, and the files among its outputs, if any, are here.",
            ("process_completed",),
        ),
        JobInput.FAILED: Cause(
            "The app, the server or the network has failed, or a deadline or a limit has passed.",
            ("process_completed",),
        ),
        JobInput.CANCELLED: Cause(
            "The client has given the job up, or the server has ended it without outputs.",
            ("process_completed",),
        ),
    },
)

STREAM: Final = Machine(
    name="stream",
    description=(
        "The one event stream of a session, which carries the messages of all its jobs (sse_v1 and later). It "
        "may open and end many times. A pair of state and input that has no transition cannot happen in a client "
        "that works."
    ),
    table=STREAM_TRANSITIONS,
    initial=StreamState.CLOSED,
    states={
        StreamState.CLOSED: "There is no stream.",
        StreamState.OPENING: "The stream has been requested, and its response has not begun.",
        StreamState.OPEN: "The stream carries messages.",
        StreamState.ENDING: "The server has announced the end, and owes only the end of the body.",
        StreamState.BROKEN: "The server has given the session up, and the client is to close the stream.",
    },
    inputs={
        StreamInput.REQUESTED: Cause("The client asks for the stream, since some job has been accepted."),
        StreamInput.OPENED: Cause("The response has begun: status 200, text/event-stream."),
        StreamInput.CLOSE_STREAM: Cause("The server announces the end of the stream.", ("close_stream",)),
        StreamInput.UNEXPECTED_ERROR: Cause("The server gives the session up.", ("unexpected_error",)),
        StreamInput.ENDED: Cause("The body has ended or broken off, or the client has closed the stream."),
    },
)

MACHINES: Final = (JOB, STREAM)


def pages() -> dict[str, str]:
    """Each file by its name."""
    return {
        f"{machine.name}.json": json.dumps(machine.as_json(), indent=2, ensure_ascii=True) + "\n"
        for machine in MACHINES
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
