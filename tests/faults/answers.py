"""What a server may do in place of an answer: each is given the connection, the request, and the server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from faulty import FaultyServer, Peer, Seen

Answer = Callable[[Peer, Seen, FaultyServer], None]


def resets(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """The connection is reset."""
    peer.reset()


def closes(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """The connection is closed, with nothing said."""
    peer.close()


def silent(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """Nothing comes, until the client has gone."""
    peer.wait_for_end()


def says(*pieces: bytes, then: Answer = closes, every: float = 0.0) -> Answer:
    """Bytes as they are, and then something else. ``@ID@`` stands for the job's event id."""

    def answer(peer: Peer, request: Seen, server: FaultyServer) -> None:
        for piece in pieces:
            peer.send(piece.replace(b"@ID@", f"e{server.jobs}".encode()))
            time.sleep(every)
        then(peer, request, server)

    return answer


def stays(_: Peer, __: Seen, ___: FaultyServer) -> None:
    """The connection stays open for the next request."""


def responds(
    status: str = "200 OK",
    body: bytes = b"",
    *,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A whole response; ``_`` in the name of a header is a ``-``."""

    def answer(peer: Peer, _: Seen, __: FaultyServer) -> None:
        peer.reply(body, status, kind, **(headers or {}))

    return answer


def joins(then: Answer) -> Answer:
    """Count a job, as a join that is accepted does, and answer something else."""

    def answer(peer: Peer, request: Seen, server: FaultyServer) -> None:
        server.jobs += 1
        then(peer, request, server)

    return answer


def streams(*pieces: bytes, then: Answer = stays, ends: bool = True) -> Answer:
    """A stream of these pieces, each a chunk of its own, that ends as it should, or goes on with ``then``."""

    def answer(peer: Peer, request: Seen, server: FaultyServer) -> None:
        peer.begin_stream()
        for piece in pieces:
            peer.chunk(piece.replace(b"@ID@", f"e{server.jobs}".encode()))
        if ends:
            peer.chunk(b"")
        then(peer, request, server)

    return answer


def text_of(msg: str, **fields: Any) -> bytes:
    """A message of the job as an event of the stream; ``event_id=None`` and the like replace what is usual."""
    return b"data: " + json.dumps({"msg": msg, "event_id": "@ID@", **fields}).encode() + b"\n\n"


def completed(*data: Any, **fields: Any) -> bytes:
    """The job's result as an event of the stream."""
    return text_of("process_completed", **{"success": True, "output": {"data": [*data]}, **fields})


CLOSE_STREAM = text_of("close_stream", event_id=None)
BEGUN = text_of("estimation", rank=0, queue_size=1, rank_eta=None) + text_of("process_starts", eta=None)
"""What a healthy stream says first."""
