"""A recorded WebSocket of Gradio 3, said again.

Which of the recorded ones it is, the handshake does not tell: all are alike. So what the server says first is taken
from any of them, and each message of the client leaves those in the choice whose recorded client has said the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from .likeness import frame_likeness
from .model import Exchange, Frame
from .names import LEAST_NAME, Names, renamed

NEVER_RECORDED: Final = 1011
"""The close code for a client that says what none of the recorded ones has said."""


class Conversation:
    """See above.

    Args:
        exchanges: The whole recording.
        choice: Which of them it may be, by their positions, the first one for the time being.
        played: How often each was played; this one counts once the client has said all that the recorded one did.
        names: What is to be said in the place of what was recorded.
        pace: Seconds for each recorded second.
        now: When the request has come.
        tell: Is told of a message that was never recorded.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        choice: Sequence[int],
        played: list[int],
        names: Names,
        pace: float,
        now: float,
        tell: Callable[[str], None],
    ) -> None:
        self._exchanges = exchanges
        self._choice = choice
        self._played = played
        self._names = names
        self._pace = pace
        self._anchor = (exchanges[choice[0]].at, now)
        """A recorded time, and the live one that it corresponds to."""
        self._tell = tell
        self._frames = Connection(ConnectionType.SERVER)
        self._position = 0
        """Of the frame that is next."""
        self._heard = 0
        """Messages of the client."""
        self._pieces: list[bytes] = []
        self.to_send = b""
        self.is_over = False
        """The connection is to be closed, after what is to be sent."""

    @property
    def _exchange(self) -> Exchange:
        return self._exchanges[self._choice[0]]

    def due(self) -> float | None:
        """When the next thing is to be said; None if it is the client's turn."""
        if self.is_over or self._frames.state is not ConnectionState.OPEN:
            return None
        if self._position == len(self._exchange.frames):
            end = self._exchange.end
            return self._anchor[1] if end is not None and end.how == "server left" else None
        frame = self._exchange.frames[self._position]
        if frame.by_client and _is_said(frame):
            return None
        recorded_at, live_at = self._anchor
        return live_at + (frame.at - recorded_at) * self._pace

    def advance(self) -> None:
        """Say it."""
        if self._position == len(self._exchange.frames):
            self.is_over = True  # the recorded server has left without a word
            return
        self._say(self._exchange.frames[self._position])
        self._position += 1

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have come from the client."""
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, CloseConnection):
                if self._frames.state is ConnectionState.REMOTE_CLOSING:
                    self.to_send += self._frames.send(event.response())
                self.is_over = True
                return
            if isinstance(event, Ping):
                if self._frames.state is ConnectionState.OPEN:
                    self.to_send += self._frames.send(event.response())
            elif isinstance(event, TextMessage | BytesMessage):
                piece = event.data
                self._pieces.append(piece.encode("utf-8") if isinstance(piece, str) else bytes(piece))
                if event.message_finished:
                    message, self._pieces = b"".join(self._pieces), []
                    self._hear(message, now)

    def _hear(self, message: bytes, now: float) -> None:
        if self._frames.state is not ConnectionState.OPEN:
            return
        said, session = frame_likeness(message)
        fitting: dict[int, int] = {}
        """Which it may still be, and where in each the message stands."""
        for number in self._choice:
            frames = self._exchanges[number].frames
            positions = _positions(frames)
            if self._heard < len(positions):
                position = positions[self._heard]
                if frame_likeness(frames[position].data)[0] == said:
                    fitting[number] = position
        if not fitting:
            shown = message[:200].decode("utf-8", "replace")
            self._tell(f"this WebSocket message was never recorded: {shown}")
            self.to_send += self._frames.send(CloseConnection(code=NEVER_RECORDED, reason="never recorded"))
            return
        number = min(fitting, key=lambda number: (self._played[number], number))
        frames, position = self._exchanges[number].frames, fitting[number]
        for frame in frames[self._position : position]:
            self._say(frame)  # the client is faster than the recorded one
        self._choice = [number, *(each for each in fitting if each != number)]
        self._position, self._anchor = position + 1, (frames[position].at, now)
        self._heard += 1
        recorded = frame_likeness(frames[position].data)[1]
        if session is not None and recorded is not None and len(recorded) >= LEAST_NAME:
            self._names[recorded.encode()] = session.encode()
        if self._heard == len(_positions(frames)):
            self._played[number] += 1

    def _say(self, frame: Frame) -> None:
        """Say what the recorded server has said. Pings were answered then, and need not be asked again."""
        if frame.by_client or frame.kind in ("ping", "pong"):
            return
        data = renamed(frame.data, self._names)
        if frame.kind == "text":
            self.to_send += self._frames.send(TextMessage(data=data.decode("utf-8", "replace")))
        elif frame.kind == "binary":
            self.to_send += self._frames.send(BytesMessage(data=data))
        else:
            reason = data.decode("utf-8", "replace") or None
            self.to_send += self._frames.send(CloseConnection(code=frame.code or 1000, reason=reason))


def _is_said(frame: Frame) -> bool:
    """Whether it says something, or ends the conversation."""
    return frame.kind not in ("ping", "pong")


def _positions(frames: Sequence[Frame]) -> list[int]:
    """Where among the frames the client's messages are."""
    return [
        index for index, frame in enumerate(frames) if frame.by_client and frame.kind in ("text", "binary")
    ]
