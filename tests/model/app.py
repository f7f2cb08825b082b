"""The app of the model, and a witness of what its functions did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, Final

from gradio_proto.testing import Context, Error, ServerProtocol, TestApp

VERSIONS: Final = ("3.50.2", "4.0.2", "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0")
"""A server of each generation: ws, sse, sse_v1, sse_v2, sse_v2.1, and three of sse_v3."""

FEW: Final = 3
"""Values of ``/few``."""
MANY: Final = 30
"""Values of ``/many``, a second apart: it is not over before somebody stops it."""


class Witness:
    """What the functions did, by the name of the call, whichever server they ran on."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        """How often a function was begun."""
        self.values: dict[str, Any] = {}
        """What it has returned, or yielded last."""
        self.yielded: dict[str, list[Any]] = {}
        """All that a generator has yielded."""
        self.finished: set[str] = set()
        """The generators that came to their end by themselves."""

    def begins(self, call: str) -> None:
        """A function was begun."""
        self.runs[call] += 1
        self.yielded[call] = []

    def says(self, call: str, value: Any) -> Any:
        """It gives a value."""
        self.values[call] = value
        self.yielded[call].append(value)
        return value


def app_of(witness: Witness, version: str, *, limit: int | None, has_state: bool, app_id: int) -> TestApp:
    """The app, as a server of that version has it.

    Args:
        witness: Told of every run.
        version: The version.
        limit: How many runs of a function go on at once.
        has_state: Whether one of the functions has State.
        app_id: What tells this run of the app from others.
    """
    app = TestApp(version=version, default_concurrency_limit=limit, app_id=app_id)

    @app.endpoint("/echo")
    def echo(call: str) -> str:
        witness.begins(call)
        return str(witness.says(call, f"écho of {call}"))

    @app.endpoint("/slow")
    def slow(call: str, *, context: Context) -> str:
        witness.begins(call)
        context.info("slowly")
        context.sleep(2.0)
        return str(witness.says(call, f"{call}, slowly"))

    @app.endpoint("/fail")
    def fail(call: str) -> str:
        witness.begins(call)
        raise Error(f"no {call}")

    def values(call: str, count: int, context: Context) -> Generator[str]:
        witness.begins(call)
        for number in range(count):
            # Each grows out of the last one, so that diffs are sent.
            yield str(witness.says(call, f"{call}{'.' * number}"))
            context.sleep(1.0)
        witness.finished.add(call)

    @app.endpoint("/few")
    def few(call: str, *, context: Context) -> Generator[str]:
        yield from values(call, FEW, context)

    @app.endpoint("/many")
    def many(call: str, *, context: Context) -> Generator[str]:
        yield from values(call, MANY, context)

    @app.endpoint("/none")
    def none(call: str) -> Generator[str]:
        witness.begins(call)
        witness.says(call, None)  # what servers make of a generator that yields nothing
        yield from ()

    if not _has_cancel_route(version):  # what such an app has in its place

        @app.endpoint("/stop_both", cancels=["/few", "/many"])
        @app.endpoint("/stop", cancels=["/many"])
        def stop() -> None:
            pass

    if has_state:

        @app.endpoint("/count", inputs=["textbox", "state"], outputs=["textbox", "state"])
        def counts(call: str, before: Any) -> Any:
            witness.begins(call)
            number = (before or 0) + 1
            return witness.says(call, f"{call} is number {number}"), number

    return app


def _has_cancel_route(version: str) -> bool:
    return tuple(map(int, version.split("."))) >= (4, 30)


def server_of(
    witness: Witness, version: str, *, limit: int | None, has_state: bool, start: int
) -> ServerProtocol:
    """A server of that app, started for the ``start``-th time."""
    return ServerProtocol(
        app_of(witness, version, limit=limit, has_state=has_state, app_id=1000 + start),
        new_id=_ids(start),
    )


def _ids(start: int) -> Any:
    numbers = iter(range(1, 10**9))
    return lambda: f"{start:08x}{next(numbers):024x}"
