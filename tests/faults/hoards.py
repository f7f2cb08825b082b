"""Servers that have a client hold as much as its limits allow: memory is measured while they do.

A flood goes on until the client has gone, or past the limits that a client has by default, so the same faults serve
for small limits here and for those of :mod:`faults.memory`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from faulty import FaultyServer, Peer, Seen

from gradio_proto.errors import LimitExceeded
from gradio_proto.limits import KIB, MIB, Limits
from gradio_proto.timeouts import Timeouts

from .answers import BEGUN, CLOSE_STREAM, Answer, completed, joins, silent, text_of
from .bench import Bench
from .model import Expected, Fault, Gives, Phase, Served, Use, raises
from .servers import faulty, misbehave
from .uses import SiblingHarmed, only_predicts, works

SMALL = Limits(
    sse_message_bytes=4 * MIB,
    job_unread_bytes=4 * MIB,
    client_unread_bytes=8 * MIB,
    orphan_bytes=4 * MIB,
    rendered_bytes=4 * MIB,
    json_body_bytes=4 * MIB,
    json_values=300_000,
)

FLOOD = 68 * MIB
"""Bytes of what comes in pieces: more than any limit is by default that counts what is kept of one job."""


def floods(part: bytes, then: bytes, size: int = FLOOD, begins: bytes = b"") -> Answer:
    """A stream of one part again and again, and then what ends it. ``@ID@`` stands for the job's event id."""

    def answer(peer: Peer, request: Seen, server: FaultyServer) -> None:
        name = f"e{server.jobs}".encode()
        peer.begin_stream()
        peer.chunk(BEGUN.replace(b"@ID@", name))
        if begins:
            peer.chunk(begins)
        piece = part.replace(b"@ID@", name)
        for _ in range(size // len(piece) if piece else 0):
            peer.chunk(piece)
        peer.chunk(then.replace(b"@ID@", name))
        if then:
            peer.chunk(b"")
        else:
            silent(peer, request, server)

    return answer


def while_joining(
    part: Callable[[int], bytes], times: int, *, first: bytes = b"", last: bytes = b""
) -> Served:
    """A server that floods a stream while a second job joins: messages of jobs that nobody knows are kept then alone.

    The first job runs, and its stream is open, when the second join comes. Its answer comes a moment after everything
    was said.

    Args:
        part: Gives what is said again and again, by its number.
        times: How often.
        first: What is said before all that, such as a message of the second job, whose event id is ``e2``.
        last: What is said behind it.
    """

    @contextlib.contextmanager
    def serve(bench: Bench) -> Generator[str]:
        bench.server = server = FaultyServer()
        said = threading.Event()

        def join(peer: Peer, _: Seen, __: FaultyServer) -> None:
            server.jobs += 1
            number = server.jobs
            while number == 2 and not said.wait(0.01) and peer.sock.fileno() >= 0:
                pass
            peer.json({"event_id": f"e{number}"})

        def stream(peer: Peer, _: Seen, __: FaultyServer) -> None:
            peer.begin_stream()
            peer.chunk(BEGUN.replace(b"@ID@", b"e1"))
            while server.jobs < 2 and peer.sock.fileno() >= 0:
                time.sleep(0.01)
            peer.chunk(first or HEARTBEAT)
            for number in range(times):
                peer.chunk(part(number))
            peer.chunk(last or HEARTBEAT)
            time.sleep(0.2)  # whoever hears all that late, on a busy machine, does not hear the answer first
            said.set()
            for number in (1, 2):
                peer.chunk(completed("ok").replace(b"@ID@", b"e%d" % number))
            peer.chunk(CLOSE_STREAM)
            peer.chunk(b"")

        misbehave(server, {"queue/join": join}, None)
        misbehave(server, {"queue/data": stream}, 1)
        with server:
            yield server.url

    return serve


async def joins_meanwhile(bench: Bench) -> Any:
    """A job joins while another one runs, which must go well, as must the next call."""
    async with bench.client() as client:
        running = await client.submit("hello")
        job = await client.submit("hello")
        try:
            return await job.result()
        finally:
            if (value := await running.result()) != "ok":
                raise SiblingHarmed(f"the job that ran gave {value!r}")
            await works(client)


async def unread(bench: Bench) -> Any:
    """A job of which nobody reads the outputs, while its client goes on; then its result."""
    async with bench.client() as client:
        job = await client.submit("hello")
        while not await job.done():
            await bench.way.sleep(0.01)
        return await job.result()


JOBS_UNREAD = 8
"""Jobs of which nobody reads the outputs: so many that each has less than one may, when they have more than all may."""


def for_all(part: bytes) -> Answer:
    """A stream that waits until so many have joined, and says the same of each, again and again."""

    def answer(peer: Peer, _: Seen, server: FaultyServer) -> None:
        peer.begin_stream()
        while server.jobs < JOBS_UNREAD and peer.sock.fileno() >= 0:
            time.sleep(0.01)
        names = [b"e%d" % number for number in range(1, JOBS_UNREAD + 1)]
        for name in names:
            peer.chunk(BEGUN.replace(b"@ID@", name))
        while True:  # until the client has gone
            for name in names:
                peer.chunk(part.replace(b"@ID@", name))

    return answer


async def all_unread(bench: Bench) -> Any:
    """Jobs of which nobody reads the outputs, while their client goes on; then what became of the first that ended."""
    async with bench.client() as client:
        jobs = [await client.submit("hello") for _ in range(JOBS_UNREAD)]
        while True:
            for job in jobs:
                if await job.done():
                    return await job.result()
            await bench.way.sleep(0.01)


COOKIES_AT_ONCE = 14
"""Cookies of 4 KiB that fit into a response."""

CALLS_WITH_COOKIES = 80


def baked(peer: Peer, _: Seen, server: FaultyServer) -> None:
    """The join is accepted, with cookies for another place, each under a name of its own."""
    value = "x" * (4 * KIB - 100)
    cookies = [
        f"set-cookie: c{server.jobs}-{number}={value}; Path=/other" for number in range(COOKIES_AT_ONCE)
    ]
    body = json.dumps({"event_id": f"e{server.jobs}"})
    head = ["HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(body)}", *cookies]
    peer.send("\r\n".join([*head, "", body]).encode())


async def calls_often(bench: Bench) -> Any:
    """One call after the other."""
    async with bench.client() as client:
        for _ in range(CALLS_WITH_COOKIES - 1):
            await client.predict("hello")
        return await client.predict("hello")


RENDERS = [
    text_of(
        "process_completed",
        event_id="nobody's",
        success=True,
        output={
            "data": [],
            "render_config": {"render_id": "@RENDER@", "components": [{"id": 1, "props": each}]},
        },
    ).replace(b'"@RENDER@"', b"@RENDER@")
    for each in ({"value": "x" * 16 * KIB}, {"value": [[]] * 4 * KIB})
]
"""Long, and small on the wire but large in memory."""


def renders(limits: Limits) -> Answer:
    """A stream that tells of renders, each of another ``gr.render``, and then ends well."""

    def answer(peer: Peer, _: Seen, server: FaultyServer) -> None:
        name = b"e%d" % server.jobs
        peer.begin_stream()
        peer.chunk(BEGUN.replace(b"@ID@", name))
        for number in range(4 * limits.rendered_bytes // (16 * KIB)):
            peer.chunk(RENDERS[number % 2].replace(b"@RENDER@", b"%d" % number))
        peer.chunk((completed("ok") + CLOSE_STREAM).replace(b"@ID@", name))
        peer.chunk(b"")

    return answer


def hoard(
    id: str,
    happens: str,
    limit: str,
    answer: Callable[[Limits], Answer],
    expect: Expected,
    use: Use = only_predicts,
    phase: Phase = "stream",
    seconds: float = 60.0,
) -> Fault:
    """One of this group. The answer may be as large as the client's limits let it be."""

    def answers(bench: Bench) -> dict[str, Answer]:
        return {"queue/data": answer(bench.options.get("limits", Limits()))}

    return Fault(
        id=f"hoard/{id}",
        happens=happens,
        phase=phase,
        served=faulty(answers, times=None),
        use=use,
        expect=expect,
        options={"limits": SMALL},
        seconds=seconds,
        limit=limit,
    )


def million(id: str, happens: str, text: bytes) -> Fault:
    """A million messages before the result; each is small, and what is kept of it must be less."""
    thousand = text * 1000
    answer = floods(thousand, completed("ok") + CLOSE_STREAM, 1000 * len(thousand))
    return hoard(f"million-{id}", happens, "sse_message_bytes", lambda _: answer, Gives(), seconds=180.0)


def of_nobody(id: str, happens: str, part: Callable[[int], bytes], times: int, limit: str) -> Fault:
    """Messages of jobs that nobody has submitted come while a join waits for its answer: they might be that job's."""
    return Fault(
        id=f"hoard/{id}",
        happens=happens,
        phase="stream",
        served=while_joining(part, times),
        use=joins_meanwhile,
        expect=Gives(),
        # The join is answered when all that was said.
        options={"limits": SMALL, "timeouts": Timeouts(read=150.0)},
        seconds=180.0,
        limit=limit,
    )


def malformed_of_nobody(number: int) -> bytes:
    """A message with a field of another type, of a job of its own, and with a long text beside."""
    return text_of("process_starts", event_id=f"n{number}", eta="soon", text=LONG)


HEARTBEAT = text_of("heartbeat", event_id=None)
LONG = "x" * 64 * KIB
NOBODYS = text_of("process_starts", event_id="nobody's", eta=None)
LONG_NOBODYS = text_of("process_starts", event_id="nobody's", eta=None, text="x" * 16 * KIB)

FAULTS = (
    million("heartbeats", "A million heartbeats come before the result.", HEARTBEAT),
    million("unknown", "A million messages of an unknown kind come before the result.", text_of("weather")),
    million(
        "outputs",
        "A million outputs come before the result, to a caller who wants only that.",
        text_of("process_generating", success=True, output={"data": ["x"]}),
    ),
    of_nobody(
        "million-of-nobody",
        "A million messages come of a job that nobody has submitted, while another one joins.",
        lambda _: NOBODYS * 1000,
        1000,
        "orphan_messages",
    ),
    of_nobody(
        "malformed-of-nobody",
        "Malformed messages come of two thousand jobs that nobody has submitted, while another one joins.",
        malformed_of_nobody,
        2000,
        "orphan_messages",
    ),
    hoard(
        "wide-text",
        "A message without end begins with a character that would have each other take four bytes.",
        "sse_message_bytes",
        lambda _: floods(b"x" * 64 * KIB, b"", 1024 * MIB, begins='data: {"msg": "\U0001f600'.encode()),
        raises(LimitExceeded, name="sse_message_bytes"),
    ),
    hoard(
        "whole-message",
        "A message is as long as it may be: its text is held as it came, decoded and parsed.",
        "sse_message_bytes",
        lambda limits: floods(b"", completed("x" * (limits.sse_message_bytes - KIB)) + CLOSE_STREAM),
        Gives("x" * (4 * MIB - KIB)),
    ),
    hoard(
        "too-many-values",
        "A message is as long as it may be, and nothing but empty lists: parsed, it would be 24 times as large.",
        "sse_message_bytes",
        lambda limits: floods(
            b"",
            completed([]).replace(b"[[]]", b"[" + b"[]," * (limits.sse_message_bytes // 3 - KIB) + b"0]")
            + CLOSE_STREAM,
        ),
        raises(LimitExceeded, name="json_values"),
    ),
    hoard(
        "many-values",
        "A message holds as many strings as it may.",
        "sse_message_bytes",
        lambda limits: floods(
            b"",
            completed([]).replace(b"[[]]", b"[[" + b'"ab",' * (limits.json_values - 1000) + b'"ab"]]')
            + CLOSE_STREAM,
        ),
        Gives(["ab"] * 299_001),
    ),
    hoard(
        "unread-outputs",
        "Outputs of a job come without end, and nobody reads them.",
        "job_unread_bytes",
        lambda _: floods(
            text_of("process_generating", success=True, output={"data": ["x" * 16 * KIB]}), b"", 1024 * MIB
        ),
        raises(LimitExceeded, name="job_unread_bytes"),
        unread,
    ),
    hoard(
        "small-unread-outputs",
        "The same with outputs of a few bytes, each of which costs an object.",
        "job_unread_bytes",
        lambda _: floods(
            text_of("process_generating", success=True, output={"data": ["x"]}) * 256, b"", 1024 * MIB
        ),
        raises(LimitExceeded, name="job_unread_bytes"),
        unread,
    ),
    hoard(
        "unread-outputs-of-many",
        "Outputs of several jobs come without end, and nobody reads them.",
        "client_unread_bytes",
        lambda _: for_all(text_of("process_generating", success=True, output={"data": ["x" * 16 * KIB]})),
        raises(LimitExceeded, name="client_unread_bytes"),
        all_unread,
    ),
    hoard(
        "renders",
        "Renders come without end, each of another gr.render.",
        "rendered_bytes",
        renders,
        Gives(),
    ),
    Fault(
        id="hoard/cookies",
        happens="Each of 80 joins is answered with 14 cookies of 4 KiB, all of them new.",
        phase="join",
        served=faulty({"queue/join": joins(baked)}, times=None),
        use=calls_often,
        expect=Gives(),
        seconds=60.0,
        limit="cookies",
    ),
    of_nobody(
        "messages-of-nobody",
        "Long messages come of a job that nobody has submitted, while another one joins.",
        lambda _: LONG_NOBODYS,
        FLOOD // len(LONG_NOBODYS),
        "orphan_bytes",
    ),
)
