"""What inputs begin with: the vectors of the specification, and what real servers were recorded to say."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

_VECTORS: Final = Path(__file__).parents[2] / "spec" / "vectors"


def vectors(topic: str) -> Iterator[dict[str, Any]]:
    """The inputs of a topic's vectors."""
    for path in sorted(_VECTORS.glob(f"{topic}*.json")):
        for vector in json.loads(path.read_text("utf-8"))["vectors"]:
            yield vector["input"]


@cache
def reference(name: str) -> Callable[..., Any]:
    """A function of the specification's example program: short, obvious, and not ours."""
    found: Callable[..., Any] = runpy.run_path(str(_VECTORS / "example.py"))[name]
    return found
