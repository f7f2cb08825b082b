"""The transport of trio programs."""

from __future__ import annotations

from math import inf

try:
    import trio
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("this needs trio: pip install 'gradio_proto[trio]'", name="trio") from error

from collections.abc import Callable

from gradio_proto.errors import LocalProtocolError
from gradio_proto.transport import TransportOptions

from .awaiting import AwaitingTransport, Bell


class TrioTransport(AwaitingTransport):
    """Runs a client's flows over sockets, for the tasks of the trio run that it is made in.

    Args:
        options: What the client tells every transport.

    Raises:
        LocalProtocolError: It is made elsewhere.
    """

    def __init__(self, options: TransportOptions) -> None:
        try:
            self._token = trio.lowlevel.current_trio_token()
        except RuntimeError as error:
            raise LocalProtocolError("trio does not run here: leave transport= away") from error
        super().__init__(options, trio.lowlevel.current_clock().current_time)
        self._scope: trio.CancelScope | None = None

    def _is_here(self) -> bool:
        return trio.lowlevel.in_trio_task() and trio.lowlevel.current_trio_token() is self._token

    def _new_bell(self) -> Bell:
        return _EventBell()

    async def _enter(self) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()

    async def _leave(self) -> None:
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def _give_way(self) -> None:
        await trio.lowlevel.checkpoint()

    async def _wait(self, seconds: float | None) -> None:
        deadline = inf if seconds is None else trio.current_time() + seconds
        with trio.CancelScope(deadline=deadline) as self._scope:
            try:
                await trio.lowlevel.wait_readable(self._reactor.fileno())
            finally:
                self._scope = None

    def _interrupt(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    # Ctrl-C would strike between any two steps of a flow, and half of what it interrupts is everybody's: trio raises it
    # at the next wait instead.

    @trio.lowlevel.enable_ki_protection
    async def wait_until(
        self,
        done: Callable[[], bool],
        hooks: list[Callable[[], None]],
        timeout: float | None = None,  # noqa: ASYNC109 - every transport's method has it
    ) -> bool:
        """Wait until ``done()``, turning the reactor for all if nobody else does; False at the timeout. See
        :meth:`BlockingTransport.wait_until`.
        """
        return await super().wait_until(done, hooks, timeout)

    @trio.lowlevel.enable_ki_protection
    async def turn(self) -> None:
        """Let the loop's other tasks go on, and then everything happen here that can without waiting."""
        await super().turn()


class _EventBell(Bell):
    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        self._event.set()

    async def sleep(self, seconds: float | None) -> None:
        with trio.CancelScope(deadline=inf if seconds is None else trio.current_time() + seconds):
            await self._event.wait()
        if self._event.is_set():
            self._event = trio.Event()
