"""Recorded configs and API infos of real servers, and ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

VERSIONS: Final = ("3.50.2", "4.13.0", "4.44.1", "5.49.1", "6.31.0")

DATA: Final = Path(__file__).parent / "data"

ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 10**400, 1.5, float("nan"), float("inf"), "", "x", "7", "\ud800", "/../x"),
    *([], [None], [[]], ["x", 1, {}], {}, {"x": None}, {"type": ["x"]}, {"$ref": "#/$defs/none"}),
)
"""What a field may hold that it should not; every kind of JSON value is among them."""


def config_text(version: str) -> str:
    return (DATA / "config" / f"{version}.json").read_text("utf-8")


def info_text(version: str) -> str:
    return (DATA / "info" / f"{version}.json").read_text("utf-8")


def view_text(version: str) -> str:
    return (DATA / "view_api" / f"{version}.txt").read_text("utf-8")


@st.composite
def spoiled(draw: st.DrawFn, read: Callable[[str], str]) -> Any:
    """What ``read`` returns for some version, decoded, with a few fields taken away or replaced."""
    value = json.loads(read(draw(st.sampled_from(VERSIONS))))
    for _ in range(draw(st.integers(1, 4))):
        container = value
        key = draw(st.sampled_from(_keys(container)))
        while isinstance(container[key], dict | list) and container[key] and draw(st.integers(0, 4)):
            container = container[key]
            key = draw(st.sampled_from(_keys(container)))
        if draw(st.booleans()):
            container[key] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
        elif len(value) > 1 or container is not value:
            del container[key]
    return value


def every_field_spoiled(text: str, fields: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Each of ``fields`` (as ``"components/*/id"``) absent, and then of every odd value in turn."""
    for path in fields:
        *parents, last = path.split("/")
        for odd in (_ABSENT, *ODD_VALUES):
            value = json.loads(text)
            containers: list[Any] = [value]
            for parent in parents:
                containers = [
                    container[key]
                    for container in containers
                    for key in (_keys(container) if parent == "*" else [parent])
                ]
            found = False
            for container in containers:
                keys: list[Any] = _keys(container) if last == "*" else [last]
                for key in keys:
                    if isinstance(container, list) or key in container:
                        found = True
                        if odd is _ABSENT:
                            container[key] = None
                            if isinstance(container, dict):
                                del container[key]
                        else:
                            container[key] = odd
            assert found, f"nothing is called {path}"
            yield f"{path} = {odd!r}", value


_ABSENT: Final = object()


def _keys(container: Any) -> list[Any]:
    return list(container) if hasattr(container, "keys") else list(range(len(container)))
