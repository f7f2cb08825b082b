"""The app of ``gradio-proto serve demo``: something to call at once. Its functions stand for models, and are slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gradio_proto.testing import Context, Error, File, TestApp

_STEP_SECONDS: Final = 0.05


def make_app(version: str) -> TestApp:
    """Make it, as a server of that version of Gradio."""
    app = TestApp(title="A demonstration", version=version)

    @app.endpoint("/greet")
    def greet(name: str = "world", punctuation: str = "!") -> str:
        """Say hello."""
        return f"Hello, {name}{punctuation}"

    @app.endpoint("/count")
    def count(n: int = 3, *, context: Context) -> Iterator[int]:
        """Count to a number, slowly."""
        for number in range(1, int(n) + 1):
            yield number
            context.sleep(_STEP_SECONDS)

    @app.endpoint("/write")
    def write(topic: str = "rain") -> Iterator[str]:
        """Write about a topic, word by word."""
        text = ""
        for word in f"There is much to say about {topic}, and most of it fits on one line.".split():
            text = f"{text} {word}".lstrip()
            yield text

    @app.endpoint("/train")
    def train(epochs: int = 3, *, context: Context) -> str:
        """Report progress on the way."""
        for epoch in range(int(epochs)):
            context.progress((epoch + 1, int(epochs)), desc="training", unit="epochs")
            context.sleep(_STEP_SECONDS)
        context.info("The loss is down.")
        return f"trained for {int(epochs)} epochs"

    @app.endpoint("/shout")
    def shout(letter: File) -> File:
        """Give a text file back in capital letters."""
        return File(f"loud-{letter.name}", letter.data.upper())

    @app.endpoint("/divide")
    def divide(a: float, b: float) -> float:
        """Fail, where b is 0."""
        if b == 0:
            raise Error("Nobody can divide by zero.")
        return a / b

    return app
