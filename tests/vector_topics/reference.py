"""The example client of spec/vectors, which knows nothing of the library: what recordings mean is worked out by it."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

outputs: Callable[[Any, list[Any]], Iterator[tuple[Any, bool]]] = runpy.run_path(
    str(Path(__file__).parents[2] / "spec" / "vectors" / "example.py")
)["outputs"]
"""Each value that diffs make of a generator's first, and whether one did not fit and nothing has mended it."""
