"""The app of :mod:`chaos.app`, for the embedded server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from gradio_proto.testing import File, TestApp


class CountingApp:
    """Counts how often each call has run."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.app = TestApp(default_concurrency_limit=None)
        for name, function in {"answer": self._answer, "steps": self._steps, "shout": self._shout}.items():
            self.app.endpoint(f"/{name}")(function)
        self.app.endpoint("/ran")(self._tell)

    def _answer(self, name: str, seconds: float) -> str:
        self.ran[name] += 1
        time.sleep(seconds)
        return f"{name} is answered"

    def _steps(self, name: str, count: int) -> Iterator[str]:
        self.ran[name] += 1
        for step in range(count):
            name += f" {step}"
            yield name
            time.sleep(0.02)

    def _shout(self, name: str, said: File) -> File:
        self.ran[name] += 1
        return File("shouted.txt", said.data.upper())

    def _tell(self) -> dict[str, int]:
        return dict(self.ran)
