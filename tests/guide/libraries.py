"""What stands for the other libraries that an example uses: frameworks for chat bots, web pages and tools.

They are no part of what is tested. An example that belongs to one only has to get as far as its calls of the client.
"""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any


class Library:
    """Whatever is taken of it can be called, entered, and used as a decorator that leaves a function as it is."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = Library()
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if len(args) == 1 and isinstance(args[0], FunctionType) else Library()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def gradio(url: str) -> Any:
    """A ``gradio`` whose apps are served at ``url`` already."""
    blocks = Library()
    blocks.launch = lambda: (None, url, None)
    library = Library()
    library.Blocks = lambda: blocks
    return library


def web(data: bytes) -> Any:
    """An ``httpx`` by which every address has the same contents."""
    return SimpleNamespace(get=lambda url, headers=None: SimpleNamespace(content=data))


def flask() -> Any:
    """A ``flask`` that sends a file by telling its path."""
    return SimpleNamespace(Flask=Library(), send_file=lambda path: path)


def ffmpeg() -> Any:
    """A ``subprocess`` whose only program copies its last input to its output."""

    def run(command: list[str]) -> None:
        inputs = [after for word, after in pairwise(command) if word == "-i"]
        Path(command[-1]).parent.mkdir(exist_ok=True)
        shutil.copyfile(inputs[-1], command[-1])

    return SimpleNamespace(run=run, call=run)
