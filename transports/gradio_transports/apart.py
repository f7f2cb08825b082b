"""What may block for any time is done on a thread of its own, while its flow waits and the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gradio_proto.effects import Signal
from gradio_proto.scheduler import Parking, Task

from .selecting import SelectorScheduler


class Apart(Parking):
    """One piece of work on a thread of its own; a task that is ended meanwhile does not wait for it."""

    __slots__ = ("_reactor", "_task", "_work")

    def __init__(
        self,
        reactor: SelectorScheduler,
        task: Task[Any],
        work: Callable[[], Any],
        deadline: float | None,
        wake: Signal | None,
    ) -> None:
        """Begin ``work``, and park ``task`` until it is done, or ``deadline`` or ``wake`` come first.

        Raises:
            RuntimeError: No thread can be started.
        """
        self._reactor, self._task, self._work = reactor, task, work
        threading.Thread(target=self._run, name="gradio_proto-apart", daemon=True).start()
        reactor.park(task, deadline, wake, on=self)

    def _run(self) -> None:
        value: Any = None
        error: Exception | None = None
        try:
            value = self._work()
        except Exception as raised:
            error = raised
        except (
            BaseException
        ) as raised:  # nobody's to catch on this thread, and its flow must not be left waiting
            error = RuntimeError(f"{raised!r} was raised in a thread")

        def tell() -> None:
            if self._task.parked_on is self:
                self._reactor.resume(self._task, value, error)

        self._reactor.call_from_thread(tell)

    def leave(self, task: Task[Any]) -> None:
        pass
