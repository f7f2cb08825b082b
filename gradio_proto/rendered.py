"""What ``gr.render`` has made in one session: endpoints that exist there and nowhere else.

An app may make components, and functions around them, while it runs. The call that does so is one of an ordinary
endpoint (``"/apply"``, as Gradio names it), and its answer tells what there is now. It counts for the session of that
call alone: for another one the server has no function of that number. Each run replaces what the run before has made,
also where it makes the same again: the numbers are new, and from Gradio 5 on so are the names. What the run before has
called ``"add"`` is still there at that moment, so the new one is called ``"add_1"``, and the next one ``"add"`` again.
Here an endpoint keeps the name that it had.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from .config import Dependency, RenderConfig, parse_render_config
from .endpoints import App
from .limits import Limits

_NUMBERED: Final = re.compile(r"(.+)_[0-9]{1,9}", re.DOTALL)
"""A name that had to be told from one that was taken."""


class Rendered:
    """The renders of one session, each the newest of its ``gr.render``, within limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._renders: OrderedDict[int | None, tuple[RenderConfig, int]] = OrderedDict()
        self._bytes = 0
        self._merged: tuple[App, App] | None = None

    def __bool__(self) -> bool:
        """Whether anything was rendered."""
        return bool(self._renders)

    def take(self, render_config: Mapping[str, Any], size: int) -> None:
        """Take the ``render_config`` of what a ``gr.render`` has made, in place of what it had made before;
        ``size`` is that of its message in memory, in bytes.
        """
        render = parse_render_config(render_config)
        before, size_before = self._renders.pop(render.render_id, (None, 0))
        if before is not None:
            render = _named_as_before(render, before)
        self._renders[render.render_id] = render, size
        self._bytes += size - size_before
        while self._bytes > self._limits.rendered_bytes and len(self._renders) > 1:
            _, (_, oldest) = self._renders.popitem(last=False)
            self._bytes -= oldest
        self._merged = None

    def added_to(self, app: App) -> App:
        """``app`` with what was rendered in this session; ``app`` itself if nothing was."""
        if not self._renders:
            return app
        if self._merged is None or self._merged[0] is not app:
            self._merged = app, self._merge(app)
        return self._merged[1]

    def _merge(self, app: App) -> App:
        components = dict(app.config.components)
        dependencies: dict[int, Dependency] = {entry.fn_index: entry for entry in app.config.dependencies}
        for render, _ in self._renders.values():
            components.update(render.components)
            dependencies.update((entry.fn_index, entry) for entry in render.dependencies)
        config = replace(app.config, components=components, dependencies=tuple(dependencies.values()))
        return App(config, app.info)


def _named_as_before(render: RenderConfig, before: RenderConfig) -> RenderConfig:
    known = {entry.api_name for entry in before.dependencies}
    gone = known.difference([entry.api_name for entry in render.dependencies])

    def name_before(entry: Dependency) -> str | None:
        if not isinstance(entry.api_name, str) or entry.api_name in known:
            return None
        match = _NUMBERED.fullmatch(entry.api_name)
        return match[1] if match is not None and match[1] in gone else None

    names = [name_before(entry) for entry in render.dependencies]
    counts = Counter(names)
    return replace(
        render,
        dependencies=tuple(
            entry if name is None or counts[name] > 1 else replace(entry, api_name=name)
            for entry, name in zip(render.dependencies, names, strict=True)
        ),
    )
