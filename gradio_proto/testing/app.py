"""An app of plain Python functions, to be served in place of a Gradio app.

    app = TestApp()

    @app.endpoint("/count")
    def count(n: int = 3, *, context: Context) -> Iterator[int]:
        for i in range(n):
            context.progress((i, n))
            yield i

A function's parameters and return annotation decide its components, unless they are named. A generator
streams. A function that takes a keyword-only ``context`` can report progress, send log messages and see the
request. An app is a description only: nothing in here runs a server, and one app can be served many times.
"""

from __future__ import annotations

import collections.abc
import copy
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args, get_origin

from .components import Component
from .files import File
from .generations import LATEST, Generation
from .serializers import serialized_info
from .values import Context, Exhausted, Outcome, Pause, Raised, Report, Returned, Yielded, no_time

_F = TypeVar("_F", bound="Callable[..., Any]")
_R = TypeVar("_R", bound="Callable[..., None]")

Spec = str | Component
Visibility = Literal["public", "undocumented", "private"]
"""Whether an endpoint is listed in the API info, is not but may be called, or may not."""

_BY_ANNOTATION: Mapping[Any, str] = {
    str: "textbox",
    int: "int",
    float: "number",
    bool: "checkbox",
    File: "file",
    list[File]: "files",
}
_STREAMS = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)


class Call:
    """One run of a function, in steps: the part of the work that a server leaves to its runner.

    A plain function takes one step, a generator one for each value and one for its end. Steps of one call
    never overlap, but each may be made on another thread.

    Args:
        endpoint: The function.
        inputs: What it is called with, as Python values.
        context: What it may say beside its outputs.
        error: What is wrong with the inputs: the first step fails with it, and the function is not called.
    """

    def __init__(
        self, endpoint: Endpoint, inputs: Sequence[Any], context: Context, *, error: Exception | None = None
    ) -> None:
        self.endpoint = endpoint
        self.inputs = inputs
        self.context = context
        self.error = error
        """What is wrong with the inputs: the call fails with it instead of calling the function."""
        self._generator: Iterator[Any] | None = None

    def step(self, report: Report, pause: Pause = no_time) -> Outcome:
        """Run the function, or its generator up to the next value. Blocks as long as the function does.

        Args:
            report: Takes what the function says beside its outputs.
            pause: Does what ``context.sleep()`` asks for. Without one that takes no time.
        """
        self.context.report = report
        self.context.pause = pause
        try:
            if not self.endpoint.is_generator:
                return Returned(self._start())
            if self._generator is None:
                self._generator = iter(self._start())
            for value in self._generator:
                return Yielded(value)
            return Exhausted()
        except Exception as error:
            return Raised(error)

    def _start(self) -> Any:
        if self.error is not None:
            raise self.error
        if self.endpoint.wants_context:
            return self.endpoint.fn(*self.inputs, context=self.context)
        return self.endpoint.fn(*self.inputs)

    def close(self) -> None:
        """Run a generator's ``finally`` clauses; their exceptions have nobody to go to, and are dropped."""
        close = getattr(self._generator, "close", None)
        if close is not None:
            try:
                close()
            except Exception:
                pass


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One function of an app, with the components around it."""

    id: int
    """The dependency's id, which is what ``fn_index`` means."""
    name: str
    """The api_name, without its slash."""
    fn: Callable[..., Any]
    """The function."""
    inputs: Sequence[Component]
    """The components whose values it takes."""
    outputs: Sequence[Component]
    """Those whose values it returns."""
    parameters: Sequence[inspect.Parameter | None]
    """The function's parameter for each input, where it has one of its own."""
    queue: bool
    """Whether it goes through the queue."""
    concurrency_limit: int | None
    """How many runs of it may go on at once; None for any number."""
    batch: bool
    """Whether it takes several jobs in one run."""
    max_batch_size: int
    """How many, then."""
    visibility: Visibility
    """Whether it is listed in the API info, and may be called."""
    validator: Callable[..., Any] | None
    """What checks the inputs before they are queued."""
    oauth_token: Literal["required", "optional"] | None
    """Whether it wants a token."""
    cancels: Sequence[str]
    """It is for ending the runs of these, and does nothing else."""
    is_generator: bool
    """Whether it gives several values."""
    wants_context: bool
    """Whether it takes a :class:`Context`."""
    trigger: Component
    """The button that would start it in a browser."""
    connection: Literal["sse", "stream"] = "sse"
    """``"stream"`` if its input comes in chunks."""
    time_limit: float | None = None
    """Seconds that this may last."""
    stream_every: float = 0.5
    """Seconds between two chunks from a browser."""
    every: float | None = None
    """Seconds after which it is called again, and again."""
    render_id: int | None = None
    """It is what a ``gr.render`` runs, and this is that one's number."""

    @property
    def components(self) -> Sequence[Component]:
        """All that are of use to it."""
        return [*self.inputs, *self.outputs, self.trigger]

    @property
    def is_stream(self) -> bool:
        """Whether its input comes in chunks."""
        return self.connection == "stream"

    @property
    def fn_name(self) -> str:
        """What the function is called in error texts."""
        return _name_of(self.fn)

    def label(self, index: int) -> str:
        """What the input of that index is called."""
        return self.inputs[index].label or self.parameter_name(index)

    def parameter_name(self, index: int) -> str:
        """The keyword that a client may use for the input of that index."""
        parameter = self.parameters[index]
        return parameter.name if parameter is not None else f"param_{index}"

    def default(self, index: int) -> tuple[bool, Any]:
        """Whether a client may leave the input of that index out, and what it sends then."""
        parameter = self.parameters[index]
        if self.inputs[index].value is not None:
            return True, self.inputs[index].value
        if parameter is not None and parameter.default is not parameter.empty:
            return True, parameter.default
        return False, None


class Page:
    """Functions and the components around them: an app, or what one run of a ``gr.render`` makes."""

    def __init__(
        self, generation: Generation, default_concurrency_limit: int | None, *, has_queue: bool = True
    ) -> None:
        self.generation = generation
        self.has_queue = has_queue
        self.default_concurrency_limit = default_concurrency_limit
        self.endpoints: list[Endpoint] = []
        self.components: dict[Component, int] = {}
        """Its components, with their ids."""

    def component_id(self, component: Component) -> int:
        """The id of a component of this app."""
        return self.components[component]

    def endpoint(
        self,
        name: str | None = None,
        *,
        inputs: Sequence[Spec] | None = None,
        outputs: Sequence[Spec] | None = None,
        queue: bool = True,
        concurrency_limit: int | Literal["default"] | None = "default",
        batch: bool = False,
        max_batch_size: int = 4,
        api_visibility: Visibility = "public",
        validator: Callable[..., Any] | None = None,
        oauth_token: Literal["required", "optional"] | None = None,
        cancels: Sequence[str] = (),
        connection: Literal["sse", "stream"] = "sse",
        time_limit: float | None = None,
        stream_every: float = 0.5,
        every: float | None = None,
    ) -> Callable[[_F], _F]:
        """Decorate a function to make it an endpoint.

        Args:
            name: The api_name, with or without its slash; the function's name if not given. A name that is
                taken gets ``_1``, ``_2`` and so on behind it, as Gradio does.
            inputs: A component or its type for each parameter; from the annotations if not given, with
                ``json`` for what has none.
            outputs: The same for what the function returns: one for each item of a tuple.
            queue: False for an endpoint that the browser calls directly.
            concurrency_limit: As ``default_concurrency_limit``, for this function (4.0+).
            batch: The function takes a list for each input, and returns a list for each output.
            max_batch_size: How many waiting jobs one run takes, then.
            api_visibility: Whether it is listed in the API info. (Up to 4.0.2 a private one has
                no name, and an undocumented one is listed like any other.)
            validator: A function of the same inputs that gives a ``validate()`` for each (5.49+). It runs where
                the server does, so it must not block.
            oauth_token: That it wants a token, which it then finds in its context (6.31+). Without one, an
                endpoint that requires it fails.
            cancels: Names of endpoints that its button cancels too. As on a real server that is an endpoint
                of its own, without a public name, right behind this one.
            connection: ``"stream"`` for a function that is called with chunk after chunk of its input, and gives a
                value for each (5.49+).
            time_limit: Seconds that such an input may last.
            stream_every: Seconds between two chunks from a browser; nobody looks at it here.
            every: Seconds after which the function is called again, each time for another value, until the client
                leaves (up to 4.0.2).

        Raises:
            TypeError: The function cannot be called with that many inputs.
            ValueError: There is no such component type; or a generator is to take batches or chunks, or one function
                both; or this version of Gradio knows of no chunks, of no media piece by piece, or here of no
                ``every``; or the app has no queue, which batches, cancelling and ``every`` need.

        Example:
            ::

                from gradio_proto.testing import TestApp

                app = TestApp()

                @app.endpoint("/repeat", inputs=["textbox", "number"], outputs=["textbox"])
                def repeat(word, times):
                    return word * int(times)
        """

        def decorate(fn: _F) -> _F:
            signature = _signature(fn)
            positional = [p for p in signature.parameters.values() if p.kind in _POSITIONAL]
            variadic = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
            given_in = inputs if inputs is not None else [_spec_of(p.annotation) for p in positional]
            required = sum(p.default is p.empty for p in positional)
            if len(given_in) < required or (len(given_in) > len(positional) and not variadic):
                raise TypeError(
                    f"{_name_of(fn)} takes {len(positional)} inputs, but {len(given_in)} are named"
                )
            is_generator = inspect.isgeneratorfunction(fn)
            if is_generator and batch:
                raise ValueError(f"{_name_of(fn)} is a generator, and those cannot take batches")
            if connection == "stream" and (is_generator or batch):
                what = "is a generator" if is_generator else "takes batches"
                raise ValueError(f"{_name_of(fn)} {what}, and so it cannot take its input in chunks")
            if connection == "stream" and not self.generation.has_input_streams:
                raise ValueError(f"Gradio {self.generation.version} takes no input in chunks: 5.49.1 does")
            if (batch or cancels or every is not None) and not self.has_queue:
                raise ValueError(
                    f"{_name_of(fn)} needs a queue, which this app has not: leave queue=False out"
                )
            given_out = outputs if outputs is not None else _outputs_of(signature, is_generator)
            if every is not None and (not self.generation.asks_for_data or is_generator or batch):
                raise ValueError("every= is for a plain function, of a server up to 4.0.2")
            streams = any(isinstance(spec, Component) and spec.streaming for spec in given_out)
            if streams and not self.generation.has_media:
                raise ValueError(
                    f"Gradio {self.generation.version} streams no media here: 3.50.2 and later do"
                )
            limit = self.default_concurrency_limit if concurrency_limit == "default" else concurrency_limit
            # Within one endpoint "state" in and "state" out are the same State: it would be no use otherwise.
            shared: dict[str, Component] = {}
            parameters: list[inspect.Parameter | None] = [*positional[: len(given_in)]]
            parameters += [None] * (len(given_in) - len(parameters))
            self.endpoints.append(
                Endpoint(
                    id=len(self.endpoints),
                    name=self._free_name((name or _name_of(fn)).lstrip("/")),
                    fn=fn if every is None else _again(fn),
                    inputs=[self._resolve(spec, shared) for spec in given_in],
                    outputs=[self._resolve(spec, shared) for spec in given_out],
                    parameters=parameters,
                    queue=queue,
                    concurrency_limit=limit,
                    batch=batch,
                    max_batch_size=max_batch_size,
                    visibility=api_visibility,
                    validator=validator,
                    oauth_token=oauth_token,
                    cancels=(),
                    is_generator=is_generator or every is not None,
                    wants_context=_wants_context(signature),
                    trigger=Component("button", value=name or _name_of(fn)),
                    connection=connection,
                    time_limit=time_limit,
                    stream_every=stream_every,
                    every=every,
                )
            )
            trigger = self.endpoints[-1].trigger
            self._resolve(trigger, {})
            if cancels:
                self._add_cancel(trigger, [target.lstrip("/") for target in cancels])
            return fn

        return decorate

    def _add_cancel(self, trigger: Component, names: Sequence[str]) -> None:
        self.endpoints.append(
            Endpoint(
                id=len(self.endpoints),
                name=self._free_name(self.generation.cancel_name),
                fn=_nothing,
                inputs=(),
                outputs=(),
                parameters=(),
                queue=False,
                concurrency_limit=None,
                batch=False,
                max_batch_size=4,
                visibility="private",
                validator=None,
                oauth_token=None,
                cancels=names,
                is_generator=False,
                wants_context=False,
                trigger=trigger,
            )
        )

    def ids(self, names: Sequence[str]) -> list[int]:
        """The ids of the endpoints of these names (without their slashes), as many as there are."""
        return [endpoint.id for endpoint in self.endpoints if endpoint.name in names]

    def _free_name(self, name: str) -> str:
        return free_name(name, {endpoint.name for endpoint in self.endpoints})

    def _resolve(self, spec: Spec, shared: dict[str, Component]) -> Component:
        component = Component(spec) if isinstance(spec, str) else spec
        if isinstance(spec, str) and component.is_state:
            component = shared.setdefault(spec, component)
        # Ids start at 1: 0 is the page itself, the root of the layout.
        self.components.setdefault(component, len(self.components) + 1)
        return component


class Rendering(Page):
    """What a function of :meth:`TestApp.render` gets to make endpoints by, with the decorator of that name.
    They exist in one session, and until the function runs there again. Components of the app may be used too.
    Made by the app, for each run of a ``gr.render``.
    """


class TestApp(Page):
    """A Gradio app of plain functions, for tests, demonstrations and documentation.

    Args:
        title: The app's title in the config.
        show_error: Whether a crash tells its message (``gr.Error`` always does).
        max_queue_size: How many jobs may wait, over all functions, before joins are refused; None: any
            number.
        default_concurrency_limit: How many runs of one function may go on at once (3.x: of all functions together);
            None: any number.
        api_open: Whether endpoints with a queue can be called directly (``/run``) too.
        max_file_size: Bytes of an uploaded file, at most (4.44+); None: any number.
        queue: False for an app of 3.x that has no queue: its functions are called directly, and it can have no
            generators. Later versions always have one.
        auth: Who may use it: a name and a password, or several; None: everybody.
        auth_message: What is said to those who have not logged in.
        web: What the server finds at web addresses, for files that a client names by URL.
        app_id: The number that tells one run of an app from another; real ones exceed 2**53 too.
        version: The version of Gradio to be: one of :data:`~gradio_proto.testing.generations.PROTOCOLS`.

    Raises:
        ValueError: There is no such version here, or it cannot do without a queue.

    Example:
        ::

            from gradio_proto import Client
            from gradio_proto.testing import TestApp, serve

            app = TestApp()

            @app.endpoint("/shout")
            def shout(text: str) -> str:
                return text.upper()

            with serve(app) as url, Client(url) as client:
                print(client.predict("quiet", api_name="/shout"))  # prints QUIET
    """

    __test__ = False  # pytest collects classes whose names start like this one's

    def __init__(
        self,
        *,
        title: str = "Gradio",
        show_error: bool = True,
        max_queue_size: int | None = None,
        default_concurrency_limit: int | None = 1,
        api_open: bool = True,
        max_file_size: int | None = None,
        queue: bool = True,
        auth: tuple[str, str] | Mapping[str, str] | None = None,
        auth_message: str | None = None,
        web: Mapping[str, bytes] | None = None,
        app_id: int = 16538474280455143519,
        version: str = LATEST,
    ) -> None:
        super().__init__(Generation(version), default_concurrency_limit, has_queue=queue)
        if not queue and not self.generation.has_sockets:
            raise ValueError(f"Gradio {version} always has a queue: take 3.50.2, or leave queue=False out")
        self.title = title
        self.show_error = show_error
        self.max_queue_size = max_queue_size
        self.api_open = api_open
        self.max_file_size = max_file_size
        self.auth: Mapping[str, str] | None = dict([auth]) if isinstance(auth, tuple) else auth
        self.auth_message = auth_message
        self.web: Mapping[str, bytes] = web or {}
        self.app_id = app_id

    def healthy(self) -> TestApp:
        """The same app, on a server without the defects of its version."""
        healed = copy.copy(self)
        healed.generation = self.generation.healthy()
        return healed

    def render(self, *, inputs: Sequence[Spec] | None = None) -> Callable[[_R], _R]:
        """Decorate a function to make endpoints for the session that calls it, as ``gr.render`` (4.44+)::

            @app.render()
            def buttons(n: int, *, rendering: Rendering) -> None:
                for i in range(n):
                    rendering.endpoint(f"/button_{i}")(lambda x: x)

        It is an endpoint itself, ``"/apply"``, which is not in the API info, and which a browser calls as it loads the
        page.

        Args:
            inputs: As for :meth:`endpoint`.

        Raises:
            TypeError: As :meth:`endpoint`.
            ValueError: There is no such component type, or this version of Gradio renders nothing.
        """
        if not self.generation.renders:
            raise ValueError(f"Gradio {self.generation.version} has no gr.render: 4.44.1 has")

        def decorate(fn: _R) -> _R:
            @functools.wraps(fn)
            def run(*values: Any, **context: Any) -> Rendering:
                rendering = Rendering(self.generation, self.default_concurrency_limit)
                fn(*values, rendering=rendering, **context)
                return rendering

            self.endpoint(
                "apply",
                inputs=inputs,
                outputs=["column"],
                concurrency_limit=None,
                api_visibility="undocumented",
            )(run)
            number = sum(endpoint.render_id is not None for endpoint in self.endpoints)
            self.endpoints[-1] = replace(self.endpoints[-1], render_id=number)
            return fn

        return decorate

    def render_config(
        self, render_id: int, endpoints: Sequence[Endpoint], ids: Mapping[Component, int]
    ) -> dict[str, Any]:
        """What the answer to a call of a :meth:`render` function tells of what there is now.

        Args:
            render_id: Whose answer it is.
            endpoints: What it has made.
            ids: The ids of all components there are in the session.
        """
        made = {component: ids[component] for endpoint in endpoints for component in endpoint.components}
        made = {component: number for component, number in made.items() if component not in self.components}
        layout = {"id": ids[self._rendered_by(render_id).outputs[0]], "children": _layout(made)}
        components: list[dict[str, Any]] = []
        for entry in self._component_configs(endpoints, made):
            if self.generation.marks_rendered_components:
                entry = {**entry, "rendered_in": render_id}
            else:
                entry = {**entry, "props": {**entry["props"], "rendered_in": render_id}}
            components.append({**entry, "renderable": render_id})
        config: dict[str, Any] = {
            "page": {
                "": {
                    "layout": layout,
                    "components": [*made.values()],
                    "dependencies": [endpoint.id for endpoint in endpoints],
                }
            },
            "components": components,
            "dependencies": [
                {**self._dependency(endpoint, ids), "rendered_in": render_id} for endpoint in endpoints
            ],
            "layout": layout,
            "render_id": render_id,
        }
        return self.generation.trim("render", config)

    def _rendered_by(self, render_id: int) -> Endpoint:
        return next(endpoint for endpoint in self.endpoints if endpoint.render_id == render_id)

    def component(self, component_id: int) -> Component | None:
        """The component whose id is ``component_id``, if there is one."""
        return next((item for item, number in self.components.items() if number == component_id), None)

    def find(self, name: str) -> Endpoint | None:
        """The endpoint of that name (without its slash), if there is one."""
        return next((endpoint for endpoint in self.endpoints if endpoint.name == name), None)

    def config(self, root: str, username: str | None = None) -> dict[str, Any]:
        """What ``GET /config`` answers.

        Args:
            root: The address that the client used, as the server makes it out of the request.
            username: Who asks, if that is known.
        """
        layout = {"id": 0, "children": _layout(self.components)}
        generation = self.generation
        config: dict[str, Any] = {
            "version": generation.shown_version,
            "api_prefix": generation.prefix,
            "mode": "blocks",
            "app_id": self.app_id,
            "dev_mode": False,
            "vibe_mode": False,
            "analytics_enabled": False,
            "components": self._component_configs(self.endpoints, self.components),
            "css": None,
            "connect_heartbeat": any(component.is_state for component in self.components),
            "js": None,
            "head": None,
            "title": self.title,
            "space_id": None,
            "enable_queue": self.has_queue,
            "show_error": self.show_error,
            "footer_links": ["api", "gradio", "settings"],
            "run_history": False,
            "is_colab": False,
            "max_file_size": self.max_file_size,
            "stylesheets": [],
            "theme": "default",
            "protocol": generation.protocol,
            "body_css": {},
            "fill_height": False,
            "fill_width": False,
            "theme_hash": "0" * 64,
            "pwa": False,
            "pages": [["", "Home", True]],
            "page": {
                "": {
                    "layout": layout,
                    "components": [*self.components.values()],
                    "dependencies": [endpoint.id for endpoint in self.endpoints],
                }
            },
            "mcp_server": False,
            "i18n_translations": None,
            "dependencies": [self._dependency(endpoint, self.components) for endpoint in self.endpoints],
            "layout": layout,
            "username": username,
            "root": root if generation.names_root else "",
        }
        shown = {"show_api": True} if generation.config_shows_api else {}
        return {**generation.trim("config", config), **shown}

    def _component_configs(
        self, endpoints: Sequence[Endpoint], ids: Mapping[Component, int]
    ) -> list[dict[str, Any]]:
        labels: dict[Component, str] = {}
        for endpoint in endpoints:
            for index, component in enumerate(endpoint.inputs):
                labels.setdefault(component, endpoint.label(index))
            for index, component in enumerate(endpoint.outputs):
                labels.setdefault(component, self._output_label(endpoint, index))
        return [
            self.generation.trim(
                "component",
                component.config(number, labels.get(component), with_serializer=self.generation.has_sockets),
            )
            for component, number in ids.items()
        ]

    def _dependency(self, endpoint: Endpoint, ids: Mapping[Component, int]) -> dict[str, Any]:
        event = "stream" if endpoint.is_stream else "click"
        loads = endpoint.render_id is not None
        generation = self.generation
        queue: bool | None = endpoint.queue
        types = {"generator": endpoint.is_generator, "cancel": bool(endpoint.cancels)}
        if generation.queue_is_null:
            queue = None if queue else False
            types = {"continuous": endpoint.every is not None, "generator": endpoint.is_generator}
        dependency: dict[str, Any] = {
            "id": endpoint.id,
            "targets": [[0, "load"] if loads else [ids[endpoint.trigger], event]],
            "trigger": event,
            "inputs": [ids[component] for component in endpoint.inputs],
            "outputs": [ids[component] for component in endpoint.outputs],
            "backend_fn": not endpoint.cancels or self.generation.cancels_by_endpoint,
            "js": None,
            "queue": queue,
            "api_name": self._api_name(endpoint),
            "api_description": None,
            "scroll_to_output": False,
            "show_progress": "full",
            "show_progress_on": None,
            "every": endpoint.every,
            "zerogpu": False,
            "like_user_message": False,
            "batch": endpoint.batch,
            "max_batch_size": endpoint.max_batch_size,
            "cancels": self.ids(endpoint.cancels),
            "types": types,
            "collects_event_data": False,
            "trigger_after": None,
            "trigger_only_on_success": False,
            "trigger_only_on_failure": False,
            "trigger_mode": "always_last" if loads else "multiple" if endpoint.is_stream else "once",
            "api_visibility": endpoint.visibility,
            "rendered_in": None,
            "render_id": endpoint.render_id,
            "connection": endpoint.connection,
            "time_limit": endpoint.time_limit,
            "stream_every": endpoint.stream_every,
            "event_specific_args": None,
            "component_prop_inputs": [],
            "js_implementation": None,
        }
        trimmed = generation.trim("dependency", dependency)
        if "trigger" in trimmed:  # then it is for all targets
            trimmed["targets"] = [number for number, _ in trimmed["targets"]]
        return {**trimmed, **generation.visibility(endpoint.visibility)}

    def _api_name(self, endpoint: Endpoint) -> str | Literal[False] | None:
        """What clients are told that an endpoint is called: False for nothing, None if it is known by its number."""
        if self.generation.has_sockets and endpoint.cancels:
            return None
        # What a private one is called is told where it can be called so, and where it is Gradio that has named it.
        told = not self.generation.hides_names and (self.generation.names_private or endpoint.cancels)
        return endpoint.name if told or endpoint.visibility != "private" else False

    def info(self, *, all_endpoints: bool = False, serialize: bool = True) -> dict[str, Any]:
        """What ``GET /info`` answers.

        Args:
            all_endpoints: Whether undocumented endpoints are listed too. Private ones never are.
            serialize: Whether the types are those of 3.x's own client, and not those of the wire (3.x).
        """
        everything = all_endpoints or self.generation.shows_undocumented
        shown = ("public", "undocumented") if everything else ("public",)
        return {
            "named_endpoints": {
                f"/{endpoint.name}": self._endpoint_info(endpoint, serialize)
                for endpoint in self.endpoints
                if endpoint.visibility in shown
            },
            "unnamed_endpoints": {
                str(endpoint.id): self._endpoint_info(endpoint, serialize)
                for endpoint in self.endpoints
                if self._api_name(endpoint) is None
            },
        }

    def _endpoint_info(self, endpoint: Endpoint, serialize: bool) -> dict[str, Any]:
        if self.generation.has_sockets:
            parameters, returns = (
                [
                    serialized_info(component, label(index), serialize)
                    for index, component in enumerate(components)
                    if not component.is_state
                ]
                for components, label in (
                    (endpoint.inputs, endpoint.label),
                    (endpoint.outputs, functools.partial(self._output_label, endpoint)),
                )
            )
            for described in returns:
                del described["example_input"]
            return {"parameters": parameters, "returns": returns}
        return self._described(endpoint)

    def _described(self, endpoint: Endpoint) -> dict[str, Any]:
        parameters: list[dict[str, Any]] = []
        for index, component in enumerate(endpoint.inputs):
            if component.is_state:
                continue
            has_default, default = endpoint.default(index)
            described = component.info(endpoint.label(index))
            parameter = {
                "label": described.pop("label"),
                "parameter_name": endpoint.parameter_name(index),
                "parameter_has_default": has_default,
                "parameter_default": default,
                **described,
                "example_input": component.example,
            }
            parameters.append(self.generation.trim("parameter", parameter))
        described = {
            "parameters": parameters,
            "returns": [
                component.info(self._output_label(endpoint, index))
                for index, component in enumerate(endpoint.outputs)
                if component.in_api
            ],
            "api_visibility": endpoint.visibility,
            **({"oauth_token": endpoint.oauth_token} if endpoint.oauth_token else {}),
            "description": inspect.getdoc(endpoint.fn) or "",
        }
        shown = self.generation.visibility(endpoint.visibility)
        return self.generation.trim("endpoint", {**described, **shown})

    def _output_label(self, endpoint: Endpoint, index: int) -> str:
        return endpoint.outputs[index].label or (
            "output" if len(endpoint.outputs) == 1 else f"output {index}"
        )


def free_name(name: str, taken: Set[str]) -> str:
    """The name, or what it is called if it is taken: with ``_1``, ``_2`` and so on behind it."""
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _again(fn: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(fn)
    def calls(*inputs: Any, **context: Any) -> Iterator[Any]:
        while True:
            yield fn(*inputs, **context)

    return calls


def _nothing() -> None:
    """What an endpoint does that is for cancelling others."""


def _layout(ids: Mapping[Component, int]) -> list[dict[str, int]]:
    return [{"id": number} for number in ids.values()]


def _name_of(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(fn, eval_str=True)
    except (NameError, TypeError):
        # Annotations that name what only a type checker imports: without them is good enough.
        return inspect.signature(fn)


def _wants_context(signature: inspect.Signature) -> bool:
    parameter = signature.parameters.get("context")
    return parameter is not None and parameter.kind is parameter.KEYWORD_ONLY


def _spec_of(annotation: Any) -> str:
    """The component type for an annotation. Optional types are what they are optional of."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        some = [arg for arg in get_args(annotation) if arg is not types.NoneType]
        return _spec_of(some[0]) if len(some) == 1 else "json"
    try:
        return _BY_ANNOTATION.get(annotation, "json")
    except TypeError:  # not hashable, as annotations may be
        return "json"


def _outputs_of(signature: inspect.Signature, is_generator: bool) -> list[str]:
    annotation = signature.return_annotation
    if is_generator and get_origin(annotation) in _STREAMS:
        annotation = get_args(annotation)[0]
    if annotation is None or annotation is types.NoneType:
        return []
    if get_origin(annotation) is tuple and ... not in get_args(annotation):
        return [_spec_of(item) for item in get_args(annotation)]
    return [_spec_of(annotation)]
