"""Servers that have a client hold as much as its limits allow, in the form that takes it the most memory.

What runs past a limit is refused before it is decoded. What comes up to a limit and no further is decoded, parsed and
handed out, and that is where memory multiplies: a text with one character beyond the others' plane takes four bytes
for each, and a value of three bytes of JSON may be an object of seventy.
"""

from __future__ import annotations

from typing import Any

from faulty import FaultyServer, Peer, Seen

from gradio_proto.limits import KIB, MIB, Limits

from .answers import BEGUN, CLOSE_STREAM, Answer, text_of
from .bench import Bench
from .model import Expected, Fault, Gives
from .servers import faulty

SMALL = Limits(
    json_body_bytes=4 * MIB,
    sse_message_bytes=4 * MIB,
    job_unread_bytes=4 * MIB,
    client_unread_bytes=8 * MIB,
    orphan_bytes=2 * MIB,
)

ROOM = KIB
"""Bytes of a message beside the value in it."""


def message(before: str, part: str, after: str) -> Answer:
    """A job's result whose value is as long as a message may be: ``part``, again and again."""

    def answer(peer: Peer, _: Seen, server: FaultyServer) -> None:
        size = SMALL.sse_message_bytes - ROOM - len((before + after).encode())
        value = before + part * (size // len(part.encode())) + after
        whole = text_of("process_completed", success=True, output={"data": ["@VALUE@"]})
        whole = whole.replace(b"@ID@", f"e{server.jobs}".encode())
        peer.begin_stream()
        for piece in (BEGUN.replace(b"@ID@", f"e{server.jobs}".encode()), whole.replace(b'"@VALUE@"', value.encode())):
            peer.chunk(piece)
        peer.chunk(CLOSE_STREAM)
        peer.chunk(b"")

    return answer


async def measures(bench: Bench) -> Any:
    """The size of the value that comes, which is let go of."""
    async with bench.client() as client:
        return len(await client.predict("x"))


def hoard(id: str, happens: str, before: str, part: str, after: str, expect: Expected) -> Fault:
    return Fault(
        id=f"hoard/{id}",
        happens=happens,
        phase="stream",
        served=faulty({"queue/data": message(before, part, after)}),
        use=measures,
        expect=expect,
        options={"limits": SMALL},
        seconds=30.0,
        limit="sse_message_bytes",
    )

FAULTS = (
    hoard("text","","\"","x","\"",Gives(1)),
    hoard("wide","","\"\U0001f600","x","\"",Gives(1)),
    hoard("lists","","[[]",",[]","]",Gives(1)),
    hoard("dicts","","[{}",",{\"a\":1}","]",Gives(1)),
    hoard("edicts","","[{}",",{}","]",Gives(1)),
    hoard("ints","","[1",",1","]",Gives(1)),
    hoard("bigints","","[1",",999","]",Gives(1)),
    hoard("floats","","[1",",.1".replace(".1","0.1"),"]",Gives(1)),
    hoard("efloats","","[1",",1e1","]",Gives(1)),
    hoard("strs","","[1",",\"ab\"","]",Gives(1)),
)
