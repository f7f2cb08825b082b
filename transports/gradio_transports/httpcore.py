"""The transport over httpcore: its HTTP/1.1 and HTTP/2, and its connection pool.

``Client(url, transport="httpcore")`` and ``AsyncClient(url, transport="httpcore")``. For a pool of one's own, give what
makes it. It is called with the keyword arguments of ``httpcore.ConnectionPool`` that this transport would use, and may
change any but ``network_backend``, by which waits can be ended. Where HTTP/2 is installed it is called twice, since
WebSockets need a pool without that::

    def make_pool(**options):
        return httpcore.ConnectionPool(**{**options, "uds": "/run/app.sock"})

    client = Client("http://app", transport=partial(HTTPCoreTransport, make_pool=make_pool))
"""

from __future__ import annotations

import ssl
from importlib.util import find_spec
from typing import Any, TypeVar

try:
    import httpcore
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "this needs httpcore: pip install 'gradio_proto[httpcore]'", name="httpcore"
    ) from error

from gradio_proto.effects import Receive, TimedOut
from gradio_proto.exchange import ConnectionPool
from gradio_proto.scheduler import Task
from gradio_proto.transport import AsyncTransport, TransportOptions

from .carried import CarriedExchange, CarriedPool, MakePool
from .nonblocking import NonblockingTransport
from .reactor import Reactor
from .running import running_loop
from .selecting import SelectorScheduler
from .sockets import SocketTransport

S = TypeVar("S", bound=SelectorScheduler)


class OverHTTPCore(NonblockingTransport[S]):
    """The second base of a transport over httpcore; the first is one of our own, which waits as its loop does.

    ``make_pool`` is set before this is initialised.
    """

    make_pool: MakePool
    """Makes httpcore's own pool."""

    def _new_pool(self) -> ConnectionPool:
        self._carried_pool = CarriedPool(
            self._options.limits,
            self._options.timeouts,
            proxy=super()._new_pool().proxy,
            scheduler=self._reactor,
            context=self._shared_context,
            make=self.make_pool,
            http2=find_spec("h2") is not None,
        )
        return self._carried_pool

    def _shared_context(self) -> tuple[ssl.SSLContext, bool]:
        return self._context(), self._options.ssl_context is None

    def _receive(self, task: Task[Any], effect: Receive) -> bool:
        """Wait until an exchange's thread has done something: True then, and None when woken."""
        exchange = effect.stream
        if not isinstance(exchange, CarriedExchange):
            return super()._receive(task, effect)  # its connection was switched to another protocol
        if effect.wake is not None and effect.wake.is_set:
            task.value = None
            return True
        if effect.deadline is not None and self._reactor.clock() >= effect.deadline:
            raise TimedOut
        exchange.wait(task, effect.deadline, effect.wake)
        return False

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections and threads to the parent."""
        self._carried_pool.forget_all()
        super().after_fork()


class HTTPCoreTransport(SocketTransport, OverHTTPCore[Reactor]):
    """Runs a client's flows over httpcore, for threads.

    Args:
        options: What the client tells every transport.
        make_pool: Makes httpcore's own pool; what takes the same arguments may stand in for it.
    """

    def __init__(self, options: TransportOptions, *, make_pool: MakePool = httpcore.ConnectionPool) -> None:
        self.make_pool = make_pool
        super().__init__(options)

    def close(self) -> None:
        """Close every connection, end every flow, and wait for the threads, which end at once."""
        super().close()
        self._carried_pool.join()


def async_transport(
    options: TransportOptions, *, make_pool: MakePool = httpcore.ConnectionPool
) -> AsyncTransport:
    """The same as :class:`HTTPCoreTransport` for the tasks of the loop that runs.

    Raises:
        LocalProtocolError: None does.
    """
    if running_loop() == "trio":
        from .httpcore_trio import HTTPCoreTrioTransport

        return HTTPCoreTrioTransport(options, make_pool=make_pool)
    from .httpcore_asyncio import HTTPCoreAsyncioTransport

    return HTTPCoreAsyncioTransport(options, make_pool=make_pool)
