"""What the functions of a test app raise, return and are given, and how a step of one comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "success"]


class Error(Exception):
    """Raised by a function to fail with a message for the user, as ``gr.Error``.

    Args:
        message: What the user is told, also where ``show_error`` is off.
        duration: Seconds that a browser shows it; None for until it is closed.
        visible: Whether a browser shows it at all.
        title: Its heading.
    """

    def __init__(
        self, message: str, *, duration: float | None = 10, visible: bool = True, title: str = "Error"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.duration = duration
        self.visible = visible
        self.title = title


def update(**properties: Any) -> dict[str, Any]:
    """What a function returns to change properties of an output component, as ``gr.update``."""
    return {**properties, "__type__": "update"}


def skip() -> dict[str, Any]:
    """What a function returns to leave an output component as it is, as ``gr.skip``."""
    return update()


def validate(is_valid: bool, message: str) -> dict[str, Any]:
    """What a validator returns for each input, as ``gr.validate``.

    Args:
        is_valid: Whether the input may be used.
        message: What is wrong with it; shown where it may not.
    """
    return {"__type__": "validate", "is_valid": is_valid, "message": message}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a function says it is, as the wire has it: either ``progress``, or ``index`` and ``length``."""

    index: float | None = None
    """How many units are done."""
    length: float | None = None
    """How many there are."""
    unit: str = "steps"
    """What they are called."""
    progress: float | None = None
    """A fraction between 0 and 1."""
    desc: str | None = None
    """What is done."""


@dataclass(frozen=True, slots=True)
class Log:
    """A message that a function sends beside its outputs."""

    log: str
    """The message."""
    level: Level
    """How bad it is."""
    duration: float | None = 10.0
    """Seconds that a browser would show it; None for until it is closed."""
    visible: bool = True
    """Whether a browser would show it at all."""
    title: str = "Info"
    """Its heading."""


Aside = Progress | Log
"""What a function tells while it runs."""

Report = Callable[[Aside], None]
"""What a runner gives a step to take the asides; called on the thread that runs the function."""


Pause = Callable[[float], object]
"""What a runner gives a step to let so many seconds pass; called on the thread that runs the function."""


def _nowhere(aside: Aside) -> None:
    """Where asides go while no step runs."""


def no_time(seconds: float) -> None:
    """The pause of a runner that has no time: none."""


@dataclass
class Context:
    """What a function with a keyword-only parameter ``context`` gets: the request, and a way to report.

    ``context.progress(0.5)`` and ``context.info("text")`` are sent at once.

    Example:
        ::

            from gradio_proto.testing import Context, TestApp

            app = TestApp()

            @app.endpoint("/train")
            def train(epochs: int, *, context: Context) -> str:
                for epoch in range(epochs):
                    context.progress((epoch, epochs), desc="training")
                context.info("That was all.")
                return "trained"
    """

    endpoint: str
    """The endpoint's name, with its slash."""
    session_hash: str | None = None
    """The session of the caller; None for a direct call without one."""
    request_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The headers of the request that started the job, names in lower case."""
    query_params: Mapping[str, str] = field(default_factory=dict[str, str])
    """The query of that request."""
    event_data: Any = None
    """Whatever the caller sent as ``event_data``."""
    username: str | None = None
    """Who the caller logged in as."""
    oauth_token: str | None = None
    """The token that the caller sent, if the endpoint takes one."""
    report: Report = field(default=_nowhere, repr=False)
    """Where the asides go. Each step sets it: a context lives as long as its generator."""
    pause: Pause = field(default=no_time, repr=False)
    """What takes time; set like `report`."""

    def sleep(self, seconds: float) -> None:
        """Take that many seconds, on the clock of whatever runs the function: an embedded server's is the real
        one, in memory it is virtual.

        In memory nothing waits, so that what the function does next (but for what it reports and gives) is done
        before that time has passed.

        Raises:
            ValueError: The number is negative.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.pause(seconds)

    def progress(
        self,
        progress: float | tuple[float, float | None] | None = None,
        desc: str | None = None,
        *,
        index: float | None = None,
        length: float | None = None,
        unit: str = "steps",
    ) -> None:
        """Report how far the function is: a fraction, or ``(index, length)``, as ``gr.Progress``.

        Every call is sent. (A real server looks every 10 ms, and drops what was overwritten in between.)

        Args:
            progress: A fraction between 0 and 1, or ``(index, length)``; None where only ``desc`` is told.
            desc: What is done.
            index: How many units are done.
            length: How many there are.
            unit: What they are called.
        """
        if isinstance(progress, tuple):
            index, length = progress
            progress = None
        self.report(Progress(index, length, unit, progress, desc))

    def info(
        self, text: str, *, duration: float | None = 10, visible: bool = True, title: str = "Info"
    ) -> None:
        """Send a message of level ``info``, as ``gr.Info``.

        Args:
            text: The message.
            duration: Seconds that a browser would show it; None for until it is closed.
            visible: Whether a browser would show it at all.
            title: Its heading.
        """
        self._log(text, "info", duration, visible, title)

    def warning(
        self, text: str, *, duration: float | None = 10, visible: bool = True, title: str = "Warning"
    ) -> None:
        """Send a message of level ``warning``, as ``gr.Warning``; see :meth:`Context.info`."""
        self._log(text, "warning", duration, visible, title)

    def success(
        self, text: str, *, duration: float | None = 10, visible: bool = True, title: str = "Success"
    ) -> None:
        """Send a message of level ``success``, as ``gr.Success``; see :meth:`Context.info`."""
        self._log(text, "success", duration, visible, title)

    def _log(self, text: str, level: Level, duration: float | None, visible: bool, title: str) -> None:
        seconds = None if duration is None else float(duration)
        self.report(Log(text, level, seconds, visible, title))


@dataclass(frozen=True, slots=True)
class Yielded:
    """A generator gave a value, and may give another."""

    value: Any
    """What it gave."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A plain function gave its result."""

    value: Any
    """What it gave."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A generator came to its end. What it returns is ignored, as on a real server."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The function failed."""

    error: BaseException
    """What it raised."""


Outcome = Yielded | Returned | Exhausted | Raised
"""How one step of a call came out."""
