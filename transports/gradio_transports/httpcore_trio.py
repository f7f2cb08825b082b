"""The transport over httpcore of trio programs."""

from __future__ import annotations

from gradio_proto.transport import TransportOptions

from .carried import MakePool
from .httpcore import OverHTTPCore
from .loop_reactor import LoopReactor
from .trio import TrioTransport


class HTTPCoreTrioTransport(TrioTransport, OverHTTPCore[LoopReactor]):
    """Runs a client's flows over httpcore, for the tasks of a loop. The threads are the exchanges' alone."""

    def __init__(self, options: TransportOptions, *, make_pool: MakePool) -> None:
        self.make_pool = make_pool
        super().__init__(options)

    def close(self) -> None:
        """Close every connection, end every flow, and wait for the threads, which end at once."""
        super().close()
        self._carried_pool.join()
