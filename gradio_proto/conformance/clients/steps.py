"""What a scripted server may say, step by step, as data.

A *talk* is a tuple of steps: the answer to one request, from its head to its end. The same talk is said in each
generation of the protocol: a :class:`Message` becomes an event of a stream, or a text frame of a WebSocket, with an
event id where the generation has one. Steps below that level (:class:`Text`, :class:`Bare`, :class:`Frame`) say what
no healthy server says.

Steps hold no state and do nothing by themselves, so a scenario can be shown, compared and said by any server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HERE = "@HERE@"
"""Stands for the origin of the scripted server in what it says."""

ELSEWHERE = "@ELSEWHERE@"
"""Stands for another origin, where a client that keeps to the specification is never seen."""

CANARY = "@CANARY@"
"""Stands for the path of a file of this machine, which nobody may read."""

ESCAPE = "@ESCAPE@"
"""Stands for the path of a file that does not exist, and that nobody may make."""

GIVEN = "@GIVEN@"
"""Stands for the path of a file of this machine that the user gives to be uploaded."""

NAMELESS = frozenset({"send_hash", "queue_full", "heartbeat", "unexpected_error", "close_stream"})
"""Messages that name no job: their event id is null from ``sse_v2.1`` on, and left out before."""


@dataclass(frozen=True)
class Head:
    """The head of an event stream that is not as usual. Without it a stream begins with a healthy one."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)
    framing: Literal["chunked", "close"] = "chunked"
    """How the body's end is told: by a last chunk, or by closing the connection."""


@dataclass(frozen=True)
class Message:
    """A message about a job."""

    fields: Mapping[str, Any]
    job: int = 1
    """Which job it names: the first that joined is 1."""


@dataclass(frozen=True)
class Text:
    """Bytes of the body, in place of a message: they are put into a chunk, where the body has chunks."""

    data: bytes


@dataclass(frozen=True)
class Bare:
    """Bytes that are sent as they are, past all framing."""

    data: bytes


@dataclass(frozen=True)
class Frame:
    """One WebSocket frame, healthy or not."""

    opcode: int
    payload: bytes = b""
    final: bool = True
    reserved: int = 0
    """The three reserved bits, as a number from 0 to 7."""
    masked: bool = False
    length: int | None = None
    """The length that the frame claims, where that is not the one of its payload."""


@dataclass(frozen=True)
class Answer:
    """A whole response, from its head to its end."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = "application/json"
    length: int | None = None
    """The length that it claims, where that is not the one of its body. The connection is closed behind it then."""
    reason: str = "Whatever"
    before: bytes = b""
    """Bytes ahead of it, such as an informational response."""


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Until:
    """Wait until the client has asked for something for the n-th time, or has sent a ``"pong"`` or a ``"close"``.

    After ``limit`` seconds the talk goes on all the same, and where ``requirement`` is given the client has broken it.
    """

    route: str
    count: int = 1
    limit: float = 10.0
    requirement: str | None = None


@dataclass(frozen=True)
class Hear:
    """Wait until the client has said so many text messages on this WebSocket, with no limit of time."""

    count: int


@dataclass(frozen=True)
class Pieces:
    """From here on bytes go out in pieces of that size; None makes an end of it."""

    size: int | None
    of: Literal["body", "connection"] = "body"
    """Pieces of the body are chunks of their own; those of the connection cut through chunks and frames."""


@dataclass(frozen=True)
class Again:
    """The same steps over and over, until the client has gone or, with ``times``, so often."""

    steps: tuple[Step, ...]
    times: int | None = None
    every: float = 0.0
    """Seconds between two of them."""


@dataclass(frozen=True)
class End:
    """The end, as a healthy server makes it: the last chunk of a body, or close code 1000 of a WebSocket."""


@dataclass(frozen=True)
class Close:
    """The connection is closed, with nothing said about it."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset: what the client sends or reads next fails."""


@dataclass(frozen=True)
class Silence:
    """Nothing more is said, and the connection stays."""


Step = (
    Head
    | Message
    | Text
    | Bare
    | Frame
    | Answer
    | Pause
    | Until
    | Hear
    | Pieces
    | Again
    | End
    | Close
    | Reset
    | Silence
)
"""Anything that a server may do next."""

Talk = tuple[Step, ...]
"""The answer to one request."""


@dataclass(frozen=True)
class Jobs:
    """What is said on each stream (or WebSocket) of jobs, in the order in which they are opened.

    The last one is said again on every further one.
    """

    talks: tuple[Talk, ...]
    opening: bool = True
    """A stream begins with its head, and the data is asked for where the generation asks for it. Otherwise a talk
    begins with its own first step."""
    ending: bool = True
    """A talk that does not make an end itself ends as on a healthy server, ``close_stream`` included."""


@dataclass(frozen=True)
class Script:
    """Everything that a server says in one scenario. What is left out is said as a healthy server says it."""

    jobs: Jobs
    replies: Mapping[str, tuple[Talk, ...]] = field(default_factory=dict[str, "tuple[Talk, ...]"])
    """By route, what each request for it is answered; the last answer is given to all further ones."""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Entries of the config that are not as usual; :data:`ABSENT` leaves one out."""
    dependency: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The same, of its one dependency."""
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The same, of the one endpoint's API information."""
    inputs: tuple[str, ...] = ("textbox",)
    outputs: tuple[str, ...] = ("textbox",)
    """The types of the endpoint's components."""


ABSENT = "@ABSENT@"
"""In the place of an entry of the config: it is not there."""


def message(msg: str, job: int = 1, **fields: Any) -> Message:
    """A message by its name."""
    return Message({"msg": msg, **fields}, job)


def completed(*data: Any, job: int = 1, **fields: Any) -> Message:
    """The message of a job that has returned ``data``."""
    output = {"data": [*data], "is_generating": False, "duration": 0.1, "average_duration": 0.1}
    return message("process_completed", job, **{"output": output, "success": True, **fields})


def failed(output: Any, job: int = 1, **fields: Any) -> Message:
    """The message of a job that has failed."""
    return message("process_completed", job, output=output, success=False, **fields)


def generating(*data: Any, job: int = 1, **fields: Any) -> Message:
    """The message of a value that was yielded."""
    output = {"data": [*data], "is_generating": True, "duration": 0.1, "average_duration": 0.1}
    return message("process_generating", job, **{"output": output, "success": True, **fields})


def estimation(job: int = 1, rank: int = 0) -> Message:
    """The message of a job that waits."""
    return message("estimation", job, rank=rank, queue_size=rank + 1, rank_eta=None, queue_eta=1.0)


def starts(job: int = 1) -> Message:
    """The message of a job that runs."""
    return message("process_starts", job, eta=None)


def begun(job: int = 1) -> tuple[Message, Message]:
    """What a healthy server says first about a job."""
    return (estimation(job), starts(job))


HEARTBEAT = message("heartbeat")
CLOSE_STREAM = message("close_stream")
