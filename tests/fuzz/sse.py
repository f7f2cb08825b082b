"""The target ``sse``: the bytes of an event stream, to the decoder."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from hypothesis import strategies as st
from recorded import operations, streams, versions

from gradio_proto.limits import Limits
from gradio_proto.sse import SSEDecoder

from .bytewise import Failure, bytes_of, check_fed, fed_inputs, input_of, repeated
from .mutations import MOST_BYTES
from .promises import Broken, Input, Target
from .seeds import reference, vectors

LIMIT: Final = 256

_WORDS: Final = (
    *(
        b"data:",
        b"data: ",
        b"data",
        b"event: ",
        b"event:x",
        b"id: 7",
        b"id:\0",
        b"retry: 10",
        b"retry: -1",
        b": c",
    ),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xf0\x9f\x98",
        b"x" * LIMIT,
        b" ",
        b"\0",
    ),
    b"retry: 9999999999999999999",
)
_LONGEST_RETRY: Final = 10**15
"""What the reference takes for a pause, and the decoder for nonsense."""


def _seeds() -> Iterator[Input]:
    for vector in vectors("sse"):
        pieces = (
            piece.encode() if isinstance(piece, str) else base64.b64decode(piece["base64"])
            for piece in vector["pieces"]
        )
        yield input_of(b"".join(pieces), limit=LIMIT)
    for version in versions():
        for stream in streams(version, operations(version)[0])[:1]:
            yield input_of(stream.data[:MOST_BYTES], limit=2 * MOST_BYTES)


def _tell(told: list[Any], event: Any) -> bool:
    told.append(asdict(event))
    return True


def _run(given: Input) -> None:
    limit = given["limit"]
    limits = Limits(sse_message_bytes=limit)
    said = check_fed(given, lambda: SSEDecoder(limits), _tell, limit)
    has_failed = bool(said) and isinstance(said[-1], Failure)
    events = said[:-1] if has_failed else said
    wanted = reference("decode")(bytes_of(given))
    for event in wanted:
        retry = event["retry"]
        if retry is not None and retry >= _LONGEST_RETRY:
            return
    if events != (wanted[: len(events)] if has_failed else wanted):
        raise Broken(f"the standard wants {wanted!r:.500}, and not {events!r:.500}")


TARGET: Final = Target(
    name="sse",
    about="the bytes of an event stream",
    modules=("sse",),
    seeds=_seeds,
    inputs=lambda seeds: fed_inputs(
        seeds, _WORDS, st.fixed_dictionaries({"limit": st.sampled_from((0, 8, LIMIT, 2 * MOST_BYTES))})
    ),
    run=_run,
    allowance=lambda given: given["limit"],
    larger=repeated,
    raw=lambda data: input_of(data, cuts=sorted({byte * 3 for byte in data[:4]}), limit=LIMIT),
)
