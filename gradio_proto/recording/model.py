"""What a recording is: the exchanges of some clients with one app, with the time of each piece.

A recorder tells of *happenings*, one by one, as they happen; a :class:`Recording` is what they amount to. Both say
the same, and :func:`happenings` and :class:`Collector` lead from one to the other.

Times are seconds since the recording began, to a millionth of a second: that is what a HAR keeps of a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from gradio_proto.errors import ArgumentError
from gradio_proto.http import Headers

How: TypeAlias = Literal["complete", "client left", "server left", "unreachable"]
"""How an exchange ended: as HTTP or WebSocket say; by the client's leaving, or by the server's, in the middle of
it; or before it began, since the app could not be reached."""

HOWS: tuple[How, ...] = get_args(How)

FrameKind: TypeAlias = Literal["text", "binary", "ping", "pong", "close"]
"""What a WebSocket frame is; messages are recorded whole."""

FRAME_KINDS: tuple[FrameKind, ...] = get_args(FrameKind)


class RecordingError(ArgumentError):
    """A file is no recording, or one that this version cannot read. The text says where in it and why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a response's body, as it came."""

    at: float
    """When it came."""
    data: bytes
    """The bytes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A WebSocket message, ping, pong or close."""

    at: float
    """When it came."""
    by_client: bool
    """Whether the client sent it."""
    kind: FrameKind
    """What it is."""
    data: bytes = b""
    """The message; of a text or of the reason of a close, its UTF-8."""
    code: int = 0
    """Of a close (RFC 6455, 7.4.1); 0 where it names none."""


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered."""

    at: float
    """When its head came."""
    status: int
    """The HTTP status."""
    reason: str
    """What the server calls it."""
    headers: Headers
    """Names, in lower case, and values, in order."""
    pieces: tuple[Piece, ...] = ()
    """The body, as it came."""

    @property
    def body(self) -> bytes:
        """All pieces together."""
        return b"".join(piece.data for piece in self.pieces)

    def get(self, name: str) -> str:
        """The first header of that name (in lower case); empty if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def content_type(self) -> str:
        """The media type, lower case, without parameters."""
        return self.get("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class End:
    """How and when an exchange ended."""

    at: float
    """When."""
    how: How
    """How."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer, or a WebSocket."""

    at: float
    """When the head of the request came."""
    method: str
    """``"GET"`` or ``"POST"``."""
    target: str
    """Path and query, percent-encoded."""
    headers: Headers
    """Names in lower case."""
    body: bytes = b""
    """The whole body of the request."""
    response: Response | None = None
    """None if nothing was answered."""
    frames: tuple[Frame, ...] = ()
    """Of a WebSocket, in both directions, in the order of time."""
    end: End | None = None
    """None if it still went on when the recording ended."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def is_websocket(self) -> bool:
        """Whether it went on as a WebSocket."""
        return self.response is not None and self.response.status == 101


@dataclass(frozen=True, slots=True)
class Recording:
    """The exchanges of some clients with one app, in the order in which the requests came."""

    started: datetime
    """When it began, in UTC: the zero of all times."""
    address: str
    """The origin that the clients talked to, such as ``"http://127.0.0.1:40123"``. What the app says of its own
    address begins with it, and a replay puts its own in the place."""
    upstream: str
    """The URL of the app behind the recorder; empty where it is not known."""
    exchanges: tuple[Exchange, ...] = ()
    """In the order in which they began."""


# Happenings. ``exchange`` counts from 1, in the order of the requests.


@dataclass(frozen=True, slots=True)
class Began:
    """A request's head has come."""

    at: float
    exchange: int
    method: str
    target: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Sent:
    """A piece of a request's body has come."""

    at: float
    exchange: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A response's head has come."""

    at: float
    exchange: int
    status: int
    reason: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Received:
    """A piece of a response's body has come."""

    at: float
    exchange: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame of a WebSocket has passed."""

    exchange: int
    frame: Frame

    @property
    def at(self) -> float:
        """When."""
        return self.frame.at


@dataclass(frozen=True, slots=True)
class Ended:
    """An exchange is over."""

    at: float
    exchange: int
    how: How


Happening: TypeAlias = Began | Sent | Answered | Received | Passed | Ended


def happenings(recording: Recording) -> Iterator[Happening]:
    """What has happened, exchange by exchange."""
    for number, exchange in enumerate(recording.exchanges, 1):
        yield Began(exchange.at, number, exchange.method, exchange.target, exchange.headers)
        if exchange.body:
            yield Sent(exchange.at, number, exchange.body)
        response = exchange.response
        if response is not None:
            yield Answered(response.at, number, response.status, response.reason, response.headers)
            for piece in response.pieces:
                yield Received(piece.at, number, piece.data)
        for frame in exchange.frames:
            yield Passed(number, frame)
        if exchange.end is not None:
            yield Ended(exchange.end.at, number, exchange.end.how)


@dataclass(slots=True)
class _Open:
    """An exchange that is being put together."""

    began: Began
    body: list[bytes] = field(default_factory=list[bytes])
    answered: Answered | None = None
    pieces: list[Piece] = field(default_factory=list[Piece])
    frames: list[Frame] = field(default_factory=list[Frame])
    end: End | None = None

    def exchange(self) -> Exchange:
        head, response = self.answered, None
        if head is not None:
            response = Response(head.at, head.status, head.reason, head.headers, tuple(self.pieces))
        began, body = self.began, b"".join(self.body)
        return Exchange(
            began.at, began.method, began.target, began.headers, body, response, tuple(self.frames), self.end
        )


class Collector:
    """Puts happenings together.

    They come in the order of time, or exchange by exchange; either way what belongs to one exchange comes in its
    order.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def add(self, happening: Happening) -> None:
        """Take the next one.

        Raises:
            RecordingError: It belongs to no exchange that has begun, or to one that has not come so far.
        """
        if isinstance(happening, Began):
            if happening.exchange in self._open:
                raise RecordingError(f"exchange {happening.exchange} begins twice")
            self._open[happening.exchange] = _Open(happening)
            return
        open = self._open.get(happening.exchange)
        if open is None:
            raise RecordingError(f"exchange {happening.exchange} has not begun")
        match happening:
            case Sent():
                open.body.append(happening.data)
            case Answered():
                open.answered = happening
            case Received():
                if open.answered is None:
                    raise RecordingError(f"exchange {happening.exchange} has a body before its response")
                open.pieces.append(Piece(happening.at, happening.data))
            case Passed():
                open.frames.append(happening.frame)
            case _:
                open.end = End(happening.at, happening.how)

    def exchanges(self) -> tuple[Exchange, ...]:
        """What has been put together so far, in the order of the numbers."""
        return tuple(self._open[number].exchange() for number in sorted(self._open))
