"""Twisted: the client in Twisted's reactor, on any of its kinds, without a thread.

The reactor watches one descriptor for all of a client's connections, and has one timer. Under ``asyncioreactor`` the
AsyncClient does as well: ``Deferred.fromFuture(asyncio.ensure_future(client.predict(...)))``.
"""

from __future__ import annotations

import sys
from typing import Any

from gradio_transports.embedded import EmbeddedTransport
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from gradio_proto import Client, Job
from gradio_proto.transport import TransportOptions


@implementer(IReadDescriptor)
class TwistedTransport(EmbeddedTransport):
    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options)
        self._timer: IDelayedCall | None = None
        reactor.addReader(self)

    def doRead(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        seconds = self.turn()
        self._timer = None if seconds is None else reactor.callLater(seconds, self.doRead)

    def logPrefix(self) -> str:
        return "gradio_proto"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends; the client is closed by whoever made it."""

    def close(self) -> None:
        reactor.removeReader(self)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        super().close()


def deferred(job: Job) -> Deferred[Any]:
    """A job as a Deferred; cancelling that cancels the job."""
    result: Deferred[Any] = Deferred(lambda _: job.cancel())

    def done(job: Job) -> None:
        error = job.exception()
        result.callback(job.result()) if error is None else result.errback(error)

    job.add_done_callback(done)
    return result


async def main(url: str) -> None:
    # Connecting waits, and the reactor with it; a service does that before the reactor runs.
    with Client(url, transport=TwistedTransport) as client:
        ticks = 0

        def tick() -> None:
            nonlocal ticks
            ticks += 1

        task.LoopingCall(tick).start(0.01)
        print(await deferred(client.submit("Ada", api_name="/greet")))
        print("the reactor went on meanwhile:", ticks > 1)
        for said in await gatherResults(
            [deferred(client.submit("Grace", api_name="/greet")) for _ in range(5)]
        ):
            print(said)


if __name__ == "__main__":
    task.react(lambda _: Deferred.fromCoroutine(main(sys.argv[1])))
