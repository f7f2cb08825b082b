"""The reactor that somebody else's loop turns, in the hands of a loop with habits of its own."""

from __future__ import annotations

from gradio_transports.embedded import EmbeddedTransport
from gradio_transports.loop_reactor import LoopReactor
from scripted import an_app

from gradio_proto import Client, Job
from gradio_proto.effects import ByteFlow, Now, Sleep
from gradio_proto.testing import serve
from gradio_proto.transport import TransportOptions


def test_what_is_spawned_before_each_turn_keeps_nobody_waiting() -> None:
    """A game that begins something in every frame: deadlines pass, and sockets are read, all the same."""

    def nothing() -> ByteFlow[None]:
        yield Now()

    def nap() -> ByteFlow[None]:
        _, now = yield Now()
        yield Sleep(now + 0.001)

    reactor = LoopReactor({})
    sleeper = reactor.spawn(nap())
    heard: list[str] = []
    turns = 0
    while not (sleeper.done and heard):
        reactor.spawn(nothing())
        reactor.turn()
        if not heard:
            reactor.call_from_thread(lambda: heard.append("from a thread"))
        turns += 1
        assert turns < 100_000
    reactor.close()
    reactor.dispose()


def test_a_submit_in_every_turn() -> None:
    made: list[EmbeddedTransport] = []

    def make(options: TransportOptions) -> EmbeddedTransport:
        made.append(EmbeddedTransport(options))
        return made[-1]

    with serve(an_app()) as url, Client(url, transport=make) as client:
        jobs: list[Job] = []
        while not any(job.done() for job in jobs):
            jobs.append(client.submit("x", api_name="/echo"))
            made[0].turn()
            assert len(jobs) < 2000
        assert [job.result(10) for job in jobs] == ["x"] * len(jobs)
