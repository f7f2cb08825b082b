"""Whole apps as clients see them: the config and the API info that belong to it, of any version.

They are what :class:`gradio_proto.testing.TestApp` says of an app that is drawn, so both agree with each other and
have the fields of their version; a few things that no TestApp has are added behind that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...api_info import parse_api_info
from ...config import parse_config
from ...endpoints import App
from ...testing import Component, Rendering, TestApp
from ...testing.components import Schema
from ...testing.generations import Generation
from .schemas import schemas
from .texts import texts
from .values import values
from .versions import VERSIONS

_NAMES: Final = ("predict", "echo", "chat_1", "lambda", "größe", "a b", "v1.2")
"""Names of endpoints. Gradio makes no two the same, and lets authors choose any text."""

_PARAMETERS: Final = ("text", "n", "headers", "api_name", "fn_index", "self", "größe")
"""Names of parameters, those among them that collide with what clients call their own."""

_COMPONENTS: Final = (
    "textbox",
    "number",
    "int",
    "checkbox",
    "json",
    "chatbot",
    "file",
    "files",
    "image",
    "audio",
)

_ROOTS: Final = ("http://127.0.0.1:7860", "https://example.com/sub/path")


@dataclass(frozen=True)
class DrawnApp:
    """An app as one server tells it."""

    version: str
    """The version of Gradio: one of :data:`VERSIONS`."""
    config: dict[str, Any] = field(repr=False)
    """What ``GET /config`` answers."""
    info: dict[str, Any] = field(repr=False)
    """What ``GET /info`` answers."""

    @property
    def app(self) -> App:
        """Both of them read, as a client does."""
        return App(parse_config(self.config), parse_api_info(self.info))

    def __repr__(self) -> str:
        names = [dependency["api_name"] for dependency in self.config["dependencies"]]
        return f"DrawnApp({self.version!r}, endpoints={names!r})"


@dataclass(frozen=True, eq=False)
class _Described(Component):
    """A component whose values fit a schema that was drawn, as those of an author's own component class may."""

    drawn: Schema = field(default_factory=dict[str, Any])

    def schema(self) -> Schema:
        return self.drawn


def apps(version: str | None = None) -> SearchStrategy[DrawnApp]:
    """Apps of up to four endpoints, with what their version has of State, files, choices, generators, batches,
    cancel buttons, ``gr.render``, streamed inputs, and endpoints that are hidden or closed to clients.

    >>> from hypothesis import given
    >>> @given(apps("4.44.1"))
    ... def test_my_client(drawn: DrawnApp) -> None:
    ...     assert drawn.app.config.protocol == "sse_v3"
    >>> test_my_client()

    Args:
        version: One of :data:`VERSIONS`; any of them if it is None.

    Raises:
        ValueError: There is no such version here.
    """
    if version is None:
        return st.sampled_from(VERSIONS).flatmap(lambda drawn: _apps(Generation(drawn)))
    return _apps(Generation(version))


def configs(version: str | None = None) -> SearchStrategy[dict[str, Any]]:
    """The decoded JSON of ``/config``; for one that belongs to an ``/info`` see :func:`apps`.

    >>> from hypothesis import given
    >>> @given(configs("5.49.1"))
    ... def test_my_parser(config: dict[str, Any]) -> None:
    ...     assert config["api_prefix"] == "/gradio_api"
    >>> test_my_parser()

    Args:
        version: As for :func:`apps`.
    """
    return apps(version).map(lambda drawn: drawn.config)


def infos(version: str | None = None) -> SearchStrategy[dict[str, Any]]:
    """The decoded JSON of ``/info``; for one that belongs to a ``/config`` see :func:`apps`.

    >>> from hypothesis import given
    >>> @given(infos("3.50.2"))
    ... def test_my_parser(info: dict[str, Any]) -> None:
    ...     assert set(info) == {"named_endpoints", "unnamed_endpoints"}
    >>> test_my_parser()

    Args:
        version: As for :func:`apps`.
    """
    return apps(version).map(lambda drawn: drawn.info)


@st.composite
def _apps(draw: st.DrawFn, generation: Generation) -> DrawnApp:
    app = TestApp(
        version=generation.version,
        title=draw(texts()),
        show_error=draw(st.booleans()),
        max_file_size=draw(st.none() | st.integers(1, 2**40)),
        # Up to 64 bits, which no double holds.
        app_id=draw(st.integers(0, 2**64 - 1)),
    )
    endpoints = draw(st.lists(_endpoints(generation), max_size=4))
    for add in endpoints:
        add(app)
    if generation.renders and draw(st.booleans()):
        app.render(inputs=draw(st.sampled_from(([], ["number"]))))(_renders_nothing)
    config = app.config(draw(st.sampled_from(_ROOTS)))
    info = app.info()
    config["space_id"] = draw(st.sampled_from((None, "user/space")))
    for position, dependency in enumerate(config["dependencies"]):
        dependency["collects_event_data"] = draw(st.booleans())
        if position:
            dependency["trigger_after"] = draw(st.none() | st.integers(0, position - 1))
        if generation.has_sockets and isinstance(dependency["api_name"], str) and draw(st.booleans()):
            # Only 3.x has events without a name, which /info lists by their number.
            described = info["named_endpoints"].pop(f"/{dependency['api_name']}", None)
            if described is not None:
                dependency["api_name"] = None
                info["unnamed_endpoints"][str(position)] = described
    return DrawnApp(generation.version, config, info)


@st.composite
def _endpoints(draw: st.DrawFn, generation: Generation) -> Callable[[TestApp], None]:
    name = draw(st.sampled_from(_NAMES))
    components = _components(generation)
    inputs = draw(st.lists(components, max_size=3))
    outputs = draw(st.lists(components, max_size=2))
    names: list[str] = draw(
        st.lists(st.sampled_from(_PARAMETERS), min_size=len(inputs), max_size=len(inputs), unique=True)
    )
    if draw(st.booleans()):
        state = Component("state", value=draw(values(max_size=2)))
        inputs, outputs, names = [state, *inputs], [state, *outputs], ["state", *names]
    how = draw(st.sampled_from(("plain", "generator", "batch", "stream")))
    if how == "stream" and not generation.has_input_streams:
        how = "plain"
    options: dict[str, Any] = {
        "queue": draw(st.booleans()) or how != "plain",
        "batch": how == "batch",
        "api_visibility": draw(st.sampled_from(("public", "undocumented", "private"))),
        "cancels": [draw(st.sampled_from(_NAMES))] if draw(st.booleans()) else (),
    }
    if how == "stream":
        options |= {"connection": "stream", "time_limit": draw(st.none() | st.floats(1, 60))}
    if generation.takes_oauth_token:
        options["oauth_token"] = draw(st.sampled_from((None, "optional", "required")))
    function = _function(names, is_generator=how == "generator", doc=draw(texts()))

    def add(app: TestApp) -> None:
        app.endpoint(name, inputs=inputs, outputs=outputs, **options)(function)

    return add


def _function(names: Sequence[str], *, is_generator: bool, doc: str) -> Callable[..., Any]:
    """A function with parameters of these names, which gives back what it is given."""

    def once(*given: Any) -> Any:
        return given

    def again(*given: Any) -> Iterator[Any]:
        yield given

    function: Any = again if is_generator else once
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    function.__doc__ = doc
    described: Callable[..., Any] = function
    return described


def _renders_nothing(*given: Any, rendering: Rendering) -> None:
    """What a ``gr.render`` of a drawn app does; it is not called."""


def _components(generation: Generation) -> SearchStrategy[Component]:
    label = st.none() | texts()
    choices = st.lists(texts(max_size=4), min_size=1, max_size=4, unique=True)
    bounds = st.sampled_from(({}, {"minimum": 0, "maximum": 10}, {"precision": 0}))
    described: list[SearchStrategy[Component]] = []
    if not generation.has_sockets:
        # What 3.x says of a component's values follows from its type.
        described = [st.builds(_Described, st.just("json"), label, drawn=schemas())]
    return st.one_of(
        st.builds(Component, st.sampled_from(_COMPONENTS), label),
        st.builds(Component, st.just("textbox"), label, value=texts()),
        st.builds(Component, st.just("number"), label, value=st.integers(-5, 5), props=bounds),
        st.builds(Component, st.sampled_from(("radio", "dropdown")), label, choices=choices),
        *described,
    )


def render_config(version: str, names: list[str]) -> dict[str, Any]:
    """What a ``gr.render`` tells that has made endpoints of these names, each with a text in and a text out.

    Args:
        version: A version that has ``gr.render``: 4.44.1 or later.
        names: The names of the endpoints.
    """
    app = TestApp(version=version)

    def made(*, rendering: Rendering) -> None:
        for name in names:
            rendering.endpoint(name, inputs=["textbox"], outputs=["textbox"])(
                _function(["text"], is_generator=False, doc="")
            )

    app.render()(made)
    rendering: Rendering = app.endpoints[0].fn()
    ids = dict(app.components)
    for component in rendering.components:
        ids[component] = len(ids) + 1
    return app.render_config(0, rendering.endpoints, ids)
