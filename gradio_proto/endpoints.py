"""The endpoints of an app: which one a call means, what it sends, and what its answer is worth.

Config and API info each know half of an endpoint. The config knows all inputs and outputs, State and other
hidden ones among them, by position; the API info knows names, defaults and types, of what API users see. An
:class:`Endpoint` joins the two: :meth:`~Endpoint.bind` turns a Python call into the ``data`` list that a join
carries, and :meth:`~Endpoint.unbind_outputs` the ``data`` list of an answer into a Python value.

Servers fill in no defaults themselves, and count State among the inputs: a client sends null in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from .api_info import ApiInfo, EndpointInfo, ParameterInfo, parse_endpoint_info, python_type_of
from .config import AppConfig, Component, Dependency, Visibility, is_list, is_object
from .errors import ArgumentError, RemoteProtocolError
from .files import as_file_outputs
from .identifiers import identifier, is_plain, unique
from .text import printable

_LISTED: Final = 20
"""Endpoints or parameters that one error names; a page full helps nobody."""

_AMBIGUOUS: Final = -1

_NAME_LIMIT: Final = 80
"""Characters of one name in an error, and of a name that is looked at for a suggestion."""


def snake_case(label: str) -> str:
    """Make a Python name of a component's label, ``"n_in"`` of ``"N in"``, as the official client does."""
    return "".join([char for char in label if char.isalnum() or char in " _"]).replace(" ", "_").lower()


def copy_json(value: Any) -> Any:
    """Copy a decoded JSON value, so that whoever gets the copy cannot change the original.

    It takes one frame a level (:func:`copy.deepcopy` takes three), which ``Limits.json_depth`` counts on.
    """
    if is_object(value):
        entries: dict[str, Any] = {}
        for key, entry in value.items():
            entries[key] = copy_json(entry)
        return entries
    if is_list(value):
        items: list[Any] = []
        for item in value:
            items.append(copy_json(item))
        return items
    return value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of an app, ready to be called."""

    api_name: str | None
    """Its name with the leading slash; None for one that has none."""
    fn_index: int
    """The number by which the server knows it."""
    dependency: Dependency = field(repr=False)
    """Its entry in the config."""
    parameters: tuple[ParameterInfo, ...] = field(repr=False)
    """What a caller gives, in order; made up from the components' labels where ``/info`` lists it not."""
    info: EndpointInfo | None = field(repr=False)
    """What ``/info`` says of it; None where it says nothing (undocumented ones). Of what ``gr.render`` has made it
    never says anything: that is made up from the components."""
    inputs: tuple[Component | None, ...] = field(repr=False)
    """The components of its inputs, hidden ones too; None for one that the config does not hold."""
    outputs: tuple[Component | None, ...] = field(repr=False)
    """The components of its outputs, likewise."""
    is_legacy: bool = field(default=False, repr=False)
    """Whether its app runs Gradio 3.x, where files have other shapes (see legacy_files.py)."""

    @property
    def label(self) -> str:
        """What errors call it: ``"/predict"``, or ``"fn_index 3"``."""
        return self.api_name or f"fn_index {self.fn_index}"

    @property
    def visibility(self) -> Visibility:
        """Who may see and call it."""
        return self.dependency.visibility

    @property
    def is_generator(self) -> bool:
        """Whether it sends several outputs, one after the other."""
        return self.dependency.is_generator

    @property
    def is_stream(self) -> bool:
        """Whether its inputs are streamed in while it runs (``connection="stream"``)."""
        return self.dependency.connection == "stream"

    @property
    def is_rendered(self) -> bool:
        """Whether ``gr.render`` has made it: then it exists in one session only."""
        return self.dependency.rendered_in is not None

    @property
    def has_state(self) -> bool:
        """Whether it reads or writes State, so that its calls depend on the session they are made in."""
        return any(
            component is not None and component.is_state for component in (*self.inputs, *self.outputs)
        )

    @property
    def oauth_token(self) -> str | None:
        """``"required"`` or ``"optional"`` if it takes the caller's Hugging Face token (Gradio 6)."""
        return self.info.oauth_token if self.info is not None else None

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Build the ``data`` list of a queue join from the arguments of a call.

        Parameters are named as the server names them; where it sends no names (up to Gradio 4.21), a label in
        lower snake case names one, if no other has the same. A name that Python code cannot write may be written as
        in :attr:`keywords`. Defaults are filled in, copied; State and other hidden inputs are sent as null.

        Args:
            args: Those by position.
            kwargs: Those by name.

        Raises:
            TypeError: The arguments do not fit, worded as Python words it.
        """
        data = self._with_placeholders(self._bound(args, kwargs))
        if not self.is_legacy:
            return data
        from .legacy_files import shape_inputs  # few servers are that old, and every client pays for imports

        return [shape_inputs(value, component) for value, component in zip_longest(data, self.inputs)]

    def bind_named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Build the object of named arguments that ``/call/v2`` takes, with defaults and without hidden inputs.

        Args:
            args: Those by position.
            kwargs: Those by name.

        Raises:
            TypeError: As :meth:`bind`.
            ArgumentError: The server gives a parameter no name.
        """
        named: dict[str, Any] = {}
        for position, (parameter, value) in enumerate(
            zip(self.parameters, self._bound(args, kwargs), strict=True)
        ):
            if parameter.name is None:
                raise ArgumentError(
                    f"{printable(self.label, _NAME_LIMIT)} cannot be called by name: the server gives "
                    f"{_name(parameter, position)} none"
                )
            named[parameter.name] = value
        return named

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """A value for each parameter."""
        given = len(args)
        if given > len(self.parameters):
            raise self._mistake(_surplus(self.parameters, given))
        positions = self._keywords() if kwargs else {}
        values: dict[int, Any] = dict(enumerate(args))
        for name, value in kwargs.items():
            position = positions.get(name)
            if position is None:
                raise self._mistake(
                    f"got an unexpected keyword argument {_shown(name)}{_hint(name, positions)}"
                )
            if position in values:
                raise self._mistake(f"got multiple values for argument {_shown(name)}")
            values[position] = value
        missing: list[str] = []
        for position, parameter in enumerate(self.parameters):
            if position not in values:
                if parameter.has_default:
                    values[position] = copy_json(parameter.default)
                else:
                    missing.append(_name(parameter, position))
        if missing:
            raise self._mistake(_missing(missing))
        return [values[position] for position in range(len(self.parameters))]

    @property
    def result_components(self) -> tuple[Component | None, ...]:
        """The component of each value that a call returns; None for one that the config does not hold."""
        return tuple([component for component in self.outputs if not _is_skipped(component)])

    @property
    def returns_files(self) -> bool:
        """Whether its value may hold files: not if all of it is text and numbers."""
        if self.is_legacy:
            from .legacy_files import FILE_TYPES

            return any(component is not None and component.type in FILE_TYPES for component in self.outputs)
        return any(not _is_plain(component) for component in self.outputs if not _is_skipped(component))

    def unbind_outputs(self, data: Sequence[Any], *, fetch: bool = False) -> Any:
        """Turn the ``data`` list of an answer into what the caller gets: one value, or a tuple.

        Args:
            data: One element for each output.
            fetch: Put a :class:`~gradio_proto.files.FileOutput` in the place of each file.

        Outputs without a value for API users (State, layout) are left out; what remains is a tuple, unless it
        is one value. Update dicts (``{"__type__": "update", ...}``) are values like any other.

        Raises:
            RemoteProtocolError: The server sent too few outputs.
        """
        find_files = as_file_outputs
        if self.is_legacy:
            from .legacy_files import legacy_file_outputs as find_files

        values: list[Any] = []
        for position, component in enumerate(self.outputs):
            if _is_skipped(component):
                continue
            if position >= len(data):
                raise RemoteProtocolError(
                    f"{self.label} sent {len(data)} outputs, though the app declares {len(self.outputs)}"
                )
            value = data[position]
            values.append(find_files(value, component) if fetch else value)
        return values[0] if len(values) == 1 else tuple(values)

    @property
    def parameter_components(self) -> tuple[Component | None, ...]:
        """The component of each parameter; None where the config does not tell."""
        found: list[Component | None] = [None] * len(self.parameters)
        places = self._with_placeholders([*range(len(found))])
        for component, position in zip(self.inputs, places, strict=False):
            if position is not None:
                found[position] = component
        return tuple(found)

    @property
    def keywords(self) -> tuple[str | None, ...]:
        """The identifier by which Python code gives each parameter: its name where that is one, else one made of it
        (``class_`` of ``"class"``). None for a parameter that can only be given by its position."""
        names: list[str | None] = [None] * len(self.parameters)
        for told, position in self._names().items():
            names[position] = told
        taken = {name for name in names if name is not None}
        keywords: list[str | None] = []
        for name in names:
            if name is not None and not is_plain(name):
                name = unique(identifier(name, "arg"), taken)
                taken.add(name)
            keywords.append(name)
        return tuple(keywords)

    def _keywords(self) -> dict[str, int]:
        positions = self._names()
        if not all(is_plain(name) for name in positions):
            for position, keyword in enumerate(self.keywords):
                if keyword is not None:
                    positions[keyword] = position
        return positions

    def _names(self) -> dict[str, int]:
        """The position of each parameter that has a name, by what the server calls it."""
        positions: dict[str, int] = {}
        for position, parameter in enumerate(self.parameters):
            keyword = snake_case(parameter.label)
            if parameter.name is None and keyword:
                # Two labels alike: neither can be meant.
                positions[keyword] = _AMBIGUOUS if keyword in positions else position
        for position, parameter in enumerate(self.parameters):
            if parameter.name is not None:
                positions[parameter.name] = position
        return {name: position for name, position in positions.items() if position != _AMBIGUOUS}

    def _with_placeholders(self, values: list[Any]) -> list[Any]:
        hidden = [_is_hidden(component) for component in self.inputs]
        if len(values) + sum(hidden) != len(self.inputs):
            # The server lists some hidden inputs among the parameters; never State.
            hidden = [component is not None and component.is_state for component in self.inputs]
        rest = iter(values)
        data = [None if skip else next(rest, None) for skip in hidden]
        return [*data, *rest]

    def _mistake(self, what: str) -> TypeError:
        return TypeError(f"{printable(self.label, _NAME_LIMIT)}() {what}; {self._signature()}")

    def _signature(self) -> str:
        if not self.parameters:
            return "it has no parameters"
        shown = [
            f"{_name(parameter, position)}: {printable(parameter.python_type, _NAME_LIMIT)}"
            + (f" = {printable(repr(parameter.default), _NAME_LIMIT)}" if parameter.has_default else "")
            for position, parameter in enumerate(self.parameters[:_LISTED])
        ]
        more = len(self.parameters) - len(shown)
        return f"its parameters: {', '.join(shown)}" + (f" and {more} more" if more else "")


class App:
    """An app's endpoints, made from its config and API info; nothing in it changes after it was made."""

    def __init__(self, config: AppConfig, info: ApiInfo | None = None) -> None:
        """Join ``config`` and ``info``; without ``info`` no names or defaults are known, only labels."""
        self.config = config
        """What the app says about itself."""
        self.info = ApiInfo({}, {}) if info is None else info
        """What the app says about its endpoints; and what is made up for those that ``gr.render`` has made."""
        self.endpoints: Mapping[int, Endpoint] = {
            dependency.fn_index: self._endpoint(dependency) for dependency in config.dependencies
        }
        """Every endpoint by fn_index, private ones too."""
        self._by_name: dict[str, Endpoint] = {}
        for endpoint in self.endpoints.values():
            known = self._by_name.get(endpoint.api_name or "")
            if endpoint.api_name and (known is None or known.visibility == "private"):
                self._by_name[endpoint.api_name] = endpoint
        rendered = {
            name: endpoint.info
            for name, endpoint in self._by_name.items()
            if endpoint.is_rendered and endpoint.info is not None and _is_listed(endpoint)
        }
        if rendered:
            self.info = ApiInfo({**self.info.named, **rendered}, self.info.unnamed)

    @property
    def listed(self) -> tuple[Endpoint, ...]:
        """The endpoints that API users are shown, each with a name of its own, in the app's order."""
        return tuple([endpoint for endpoint in self._by_name.values() if _is_listed(endpoint)])

    def resolve(
        self, api_name: str | None = None, fn_index: int | None = None, default: str | int | None = None
    ) -> Endpoint:
        """Find the endpoint that a call means.

        Args:
            api_name: Its name, with the leading slash or without. It wins over ``fn_index``.
            fn_index: Its number.
            default: The name or number to take if neither is given. Without one the app must have exactly one
                public endpoint.

        Raises:
            ArgumentError: There is none, or it is private, or nothing says which one is meant.
            TypeError: ``api_name`` is no string, or ``fn_index`` no number.
        """
        if api_name is None and fn_index is None:
            if isinstance(default, str):
                api_name = default
            else:
                fn_index = default
        if api_name is not None:
            return self._named(api_name)
        if fn_index is not None:
            return self._numbered(fn_index)
        public = [endpoint for endpoint in self.endpoints.values() if _is_listed(endpoint)]
        if len(public) == 1:
            return public[0]
        if not public:
            raise ArgumentError(f"the app has no public endpoints{self._unlisted()}")
        raise ArgumentError(f"the app has several endpoints: say which one by api_name=. {self._names()}")

    def successor(self, endpoint: Endpoint, of: App) -> Endpoint:
        """What has taken the place of an endpoint of the app ``of``, which this one has replaced.

        A redeployed app may number its functions anew, so it is looked for by its name; by its number only if it
        has no name of its own.

        Raises:
            ArgumentError: It is gone.
        """
        if endpoint.is_rendered and not self.has(endpoint):
            raise rendered_elsewhere(endpoint)
        if of._by_name.get(endpoint.api_name or "") is endpoint:
            return self.resolve(endpoint.api_name)
        return self.resolve(fn_index=endpoint.fn_index)

    def has(self, endpoint: Endpoint) -> bool:
        """Whether there is an endpoint of that name here, or of that number if it has none."""
        return (
            endpoint.api_name in self._by_name if endpoint.api_name else endpoint.fn_index in self.endpoints
        )

    def _endpoint(self, dependency: Dependency) -> Endpoint:
        components = self.config.components
        # Only strings: None is an unnamed event of 3.x, False one that is closed to API users.
        api_name = f"/{dependency.api_name}" if isinstance(dependency.api_name, str) else None
        inputs = tuple([components.get(id) for id in dependency.inputs])
        outputs = tuple([components.get(id) for id in dependency.outputs])
        if dependency.rendered_in is not None:
            info = _made_up_info(dependency.raw, inputs, outputs)
        elif api_name is None:
            info = self.info.unnamed.get(dependency.fn_index)
        else:
            info = self.info.named.get(api_name)
        return Endpoint(
            api_name=api_name,
            fn_index=dependency.fn_index,
            dependency=dependency,
            parameters=_parameters_of(inputs) if info is None else info.parameters,
            info=info,
            inputs=inputs,
            outputs=outputs,
            is_legacy=self.config.protocol == "ws",
        )

    def _named(self, api_name: str) -> Endpoint:
        if not isinstance(api_name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"api_name is a string such as '/predict', not {type(api_name).__name__}")
        endpoint = self._by_name.get(api_name) or self._by_name.get("/" + api_name)
        if endpoint is None:
            hint = _hint(api_name if api_name.startswith("/") else "/" + api_name, self._by_name)
            raise ArgumentError(f"the app has no endpoint {_shown(api_name)}{hint}. {self._names()}")
        return self._callable(endpoint)

    def _numbered(self, fn_index: int) -> Endpoint:
        if not isinstance(fn_index, int) or isinstance(fn_index, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"fn_index is a number, not {type(fn_index).__name__}")
        endpoint = self.endpoints.get(fn_index)
        if endpoint is None:
            raise ArgumentError(f"the app has no endpoint with fn_index {fn_index}. {self._names()}")
        return self._callable(endpoint)

    def _callable(self, endpoint: Endpoint) -> Endpoint:
        label = printable(endpoint.label, _NAME_LIMIT)
        if endpoint.visibility == "private":
            raise ArgumentError(f"{label} is private: its author closed it to API clients. {self._names()}")
        if not endpoint.dependency.backend_fn:
            raise ArgumentError(f"{label} has no function on the server. {self._names()}")
        return endpoint

    def _names(self) -> str:
        public = [endpoint for endpoint in self.endpoints.values() if _is_listed(endpoint)]
        if not public:
            return f"It has no public endpoints{self._unlisted()}"
        labels = [printable(endpoint.label, _NAME_LIMIT) for endpoint in public[:_LISTED]]
        more = len(public) - len(labels)
        return f"Its endpoints: {', '.join(labels)}" + (f" and {more} more" if more else "")

    def _unlisted(self) -> str:
        indices = [
            str(endpoint.fn_index)
            for endpoint in self.endpoints.values()
            if endpoint.visibility != "private"
            and endpoint.dependency.backend_fn
            and not _is_listed(endpoint)
        ]
        return f"; others can be called by fn_index= ({', '.join(indices[:_LISTED])})" if indices else ""


def rendered_elsewhere(endpoint: Endpoint) -> ArgumentError:
    """The error of a call of what ``gr.render`` has made, and not in the session of the call."""
    return ArgumentError(
        f"{printable(endpoint.label, _NAME_LIMIT)} was made by gr.render in another session, and exists there only; "
        "in the session of this call, call what renders it first"
    )


def _is_skipped(component: Component | None) -> bool:
    return component is not None and component.skip_api


def _is_plain(component: Component | None) -> bool:
    schema = component.api_info if component is not None else None
    return is_object(schema) and schema.get("type") in ("string", "number", "integer", "boolean")


def _is_hidden(component: Component | None) -> bool:
    return component is not None and (component.skip_api or component.is_state)


def _is_listed(endpoint: Endpoint) -> bool:
    return (
        endpoint.visibility == "public" and endpoint.api_name is not None and endpoint.dependency.backend_fn
    )


def _made_up_info(
    dependency: Mapping[str, Any], inputs: Iterable[Component | None], outputs: Iterable[Component | None]
) -> EndpointInfo | None:
    """What ``/info`` would say of an endpoint if it knew of it, but for the names of the parameters."""
    shown: dict[str, Any] = {
        "parameters": [
            {**_value_info(component), **_default_info(component)}
            for component in inputs
            if not _is_hidden(component)
        ],
        "returns": [_value_info(component) for component in outputs if not _is_skipped(component)],
    }
    visible = {key: dependency[key] for key in ("api_visibility", "show_api") if key in dependency}
    return parse_endpoint_info({**shown, **visible})


def _value_info(component: Component | None) -> dict[str, Any]:
    if component is None:
        return {"label": "", "type": None, "component": ""}
    return {
        "label": component.label or "",
        "type": component.api_info,
        "python_type": {"type": python_type_of(component.api_info), "description": ""},
        "component": component.type.capitalize(),
    }


def _default_info(component: Component | None) -> dict[str, Any]:
    value = None if component is None else component.props.get("value")
    return {
        "parameter_has_default": value is not None,
        "parameter_default": value,
        "example_input": None if component is None else component.raw.get("example_inputs"),
    }


def _parameters_of(inputs: Iterable[Component | None]) -> tuple[ParameterInfo, ...]:
    """Make up the parameters of an endpoint that ``/info`` does not list: what its components tell."""
    parameters: list[ParameterInfo] = []
    for component in inputs:
        if not _is_hidden(component):
            parameters.append(
                ParameterInfo(
                    label=(component.label or "") if component is not None else "",
                    name=None,
                    has_default=False,
                    default=None,
                    python_type="Any",
                    description="",
                    type=component.api_info if component is not None else None,
                    component=component.type if component is not None else "",
                    example_input=None,
                    raw={},
                )
            )
    return tuple(parameters)


def _name(parameter: ParameterInfo, position: int) -> str:
    name = parameter.name or snake_case(parameter.label) or f"argument {position}"
    return printable(name, _NAME_LIMIT)


def _shown(name: str) -> str:
    return f"'{printable(name, _NAME_LIMIT)}'"


def _surplus(parameters: Sequence[ParameterInfo], given: int) -> str:
    most = len(parameters)
    least = sum(not parameter.has_default for parameter in parameters)
    takes = f"{most}" if least == most else f"from {least} to {most}"
    plural = "" if most == 1 else "s"
    return f"takes {takes} positional argument{plural} but {given} {'was' if given == 1 else 'were'} given"


def _missing(names: Sequence[str]) -> str:
    shown = [f"'{name}'" for name in names[:_LISTED]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    listed = " and ".join(shown) if len(shown) < 3 else f"{', '.join(shown[:-1])}, and {shown[-1]}"
    return f"missing {len(names)} required positional argument{'' if len(names) == 1 else 's'}: {listed}"


def _hint(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that resembles ``name`` most, as Python's own errors do."""
    # Imported here: only a mistake needs it. Comparing is costly, so what a server has us compare is bounded.
    from difflib import get_close_matches

    candidates = [candidate for candidate in known if len(candidate) <= _NAME_LIMIT][:200]
    close = get_close_matches(name[:_NAME_LIMIT], candidates, n=1)
    return f" (did you mean {_shown(close[0])}?)" if close else ""
