"""The target ``websocket``: the bytes that follow the handshake, to the connection and the parser of messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st
from recorded import operations, sockets, versions
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from gradio_proto.errors import GradioError
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.websocket import Closed, Text, WebSocketConnection

from .bytewise import check_fed, fed_inputs, input_of, repeated
from .mutations import MOST_BYTES
from .promises import Broken, Input, Target, documented

LIMIT: Final = 256
_FRAME: Final = 2**14
"""What wsproto may keep of one frame beyond what it has handed out: of a header and a control frame, some bytes."""


def _bytes(*events: Any) -> bytes:
    server = Connection(ConnectionType.SERVER)
    return b"".join(server.send(event) for event in events)


_FRAMES: Final = """
81027b7d 010178 800178 8000 0000 0100 820178 8900 8a00 8800 880203e8 880203f4 880178 817e0080 817f0000000000000080
817f7fffffffffffffff 817fff c100 818061626364 8300 8101ff 0900 897e00ff
"""
"""Frames whole and cut off: texts, fragments, continuations of nothing, pings, closes with good, bad and half codes,
lengths up to 2**63, masks, bits and opcodes of nobody's."""

_WORDS: Final = (*map(bytes.fromhex, _FRAMES.split()), b"x" * LIMIT, _bytes(Ping(b"x" * 125)), _bytes(Pong()))


def _seeds() -> Iterator[Input]:
    for version in versions():
        for operation in operations(version):
            for texts in sockets(version, operation)[:1]:
                frames = [TextMessage(text) for text in texts if len(text) < MOST_BYTES]
                yield input_of(_bytes(*frames[:8], CloseConnection(1000)), limit=MOST_BYTES)
    yield input_of(
        _bytes(Ping(), TextMessage("a", message_finished=False), Ping(b"?"), TextMessage("é")), limit=LIMIT
    )
    yield input_of(_bytes(TextMessage("{}"), CloseConnection(1012, "restart")), limit=LIMIT)
    yield input_of(_bytes(BytesMessage(b"\0")), limit=LIMIT)


def _run(given: Input) -> None:
    limits = Limits(sse_message_bytes=given["limit"], json_depth=32)
    machines: list[WebSocketConnection] = []

    def make() -> WebSocketConnection:
        machines.append(WebSocketConnection(limits))
        return machines[-1]

    def tell(told: list[Any], event: Text | Closed) -> bool:
        told.append(event)
        if isinstance(event, Closed):
            return False
        if len(event.data.encode("utf-8")) > limits.sse_message_bytes:
            raise Broken(f"a message of more than {limits.sse_message_bytes} bytes")
        try:
            parse_message(event.data, limits)
        except GradioError as error:
            documented(error)
        return True

    check_fed(given, make, tell, 4 * limits.sse_message_bytes + _FRAME)
    owed = {
        machine.data_to_send()[:2] for machine in machines
    }  # what is owed is masked, but for its kind and size
    if len(owed) > 1:
        raise Broken(f"what is owed to the server depends on where its bytes were cut: {owed}")


TARGET: Final = Target(
    name="websocket",
    about="the bytes of a WebSocket's frames",
    modules=("websocket",),
    seeds=_seeds,
    inputs=lambda seeds: fed_inputs(
        seeds, _WORDS, st.fixed_dictionaries({"limit": st.sampled_from((1, LIMIT, MOST_BYTES))})
    ),
    run=_run,
    allowance=lambda given: given["limit"],
    larger=repeated,
    raw=lambda data: input_of(data, cuts=sorted({byte * 3 for byte in data[:4]}), limit=LIMIT),
)
