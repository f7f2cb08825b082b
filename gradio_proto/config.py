"""``/config``: what an app says about itself, parsed once into frozen values.

Every version of Gradio sends this object with keys of its own, so the parser asks for little: a key that is
absent, null or of a wrong type gets its default, and an entry that makes no sense is passed over. Only what
makes the whole config unusable is an error. Positions are kept whatever happens, since up to Gradio 4.21 a
dependency's position *is* its ``fn_index``, and on every version the inputs are sent by position.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal, TypeGuard

from .errors import RemoteProtocolError, UnsupportedProtocol
from .urls import parse_api_prefix

Visibility = Literal["public", "undocumented", "private"]
"""Public endpoints are listed; undocumented ones are not, but may be called; private ones may not."""

Connection = Literal["sse", "stream"]
"""How inputs reach a running job: all at once, or streamed in."""

SUPPORTED_PROTOCOLS: Final = ("ws", "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
"""The generations of the queue's protocol that this version of the library speaks (Gradio 3 to 6)."""

SKIPPED_TYPES: Final = frozenset(
    (
        *("state", "row", "column", "tabs", "tab", "tabitem", "box", "form", "accordion", "group"),
        *("interpretation", "dataset", "sidebar"),
    )
)
"""Component types without a value for API users. Gradio 4.0 and later say ``skip_api``; 3.x does not."""

UNKNOWN_COMPONENT: Final = -1
"""Stands for an input or output whose id is no number: its place in the data still counts."""

_VISIBILITIES: Final[tuple[Visibility, ...]] = ("public", "undocumented", "private")
_VERSION: Final = re.compile(r"\s*v?([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:\.([0-9]{1,6}))?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
# The page's other scripts mention the variable too. The bounds keep the search linear.
_EMBEDDED: Final = re.compile(r"window\.gradio_config\s{0,20}=\s{0,20}(?=\{)")
_JSON_MARK: Final = re.compile(r'["{}]|\\.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Component:
    """One component of an app's page."""

    id: int
    """The number by which dependencies name it."""
    type: str
    """Gradio's name for its kind, in lower case: ``"textbox"``, ``"state"``."""
    props: Mapping[str, Any] = field(repr=False)
    """Its properties, as the server sent them."""
    skip_api: bool
    """Whether it has no value for API users (State, layout, buttons)."""
    is_state: bool
    """Whether the server keeps its value, per session; clients send null in its place."""
    api_info: Any = field(repr=False)
    """The JSON schema of its value; None where the server says nothing."""
    label: str | None
    """The label that a browser shows."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry, as the server sent it."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One function of an app with its inputs, outputs and ways to call it: what an endpoint is made of."""

    fn_index: int
    """The number by which the server knows it: its ``id`` (Gradio 4.44 and later), else its position."""
    api_name: str | Literal[False] | None
    """Its name without the leading slash; None for an unnamed one (3.x), False for one closed to clients."""
    inputs: tuple[int, ...]
    """Component ids in the order of the data; :data:`UNKNOWN_COMPONENT` for what is no id."""
    outputs: tuple[int, ...]
    """The same for what it returns."""
    queue: bool | None
    """Whether it goes through the queue; None (up to 4.21) means: as the app's ``enable_queue`` says."""
    batch: bool
    """Whether the server gathers several calls into one."""
    cancels: tuple[int, ...]
    """The functions whose jobs this one cancels, by fn_index."""
    is_generator: bool
    """Whether it sends several outputs, one after the other (generators, and 3.x's ``every=``)."""
    backend_fn: bool
    """Whether there is a Python function behind it; False for JavaScript-only events."""
    connection: Connection
    """``"stream"`` where inputs are streamed in while the job runs (Gradio 5.0 and later)."""
    visibility: Visibility
    """Who may see and call it."""
    collects_event_data: bool
    """Whether it wants ``event_data`` (the row that was selected, the key that was pressed)."""
    rendered_in: int | None
    """The id of the gr.render block that made it; such a function exists in one session only."""
    time_limit: float | None
    """Seconds that a ``"stream"`` connection may last; None for no limit."""
    stream_every: float | None
    """Seconds between two inputs of a ``"stream"`` connection."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry, as the server sent it."""


@dataclass(frozen=True, slots=True)
class AppConfig:
    """What an app says about itself in ``/config``."""

    version: str
    """The version of Gradio it runs; empty if it does not say."""
    version_info: tuple[int, int, int]
    """The same as numbers, for comparing; (0, 0, 0) if it does not say."""
    protocol: str
    """The generation of the queue's protocol; ``"ws"`` (3.x) if it does not say."""
    api_prefix: str
    """The path before every route but the oldest: ``"/gradio_api"`` since 5.0, ``""`` before."""
    root: str
    """Where the server believes to be. A hint for people, never a place to send anything to."""
    space_id: str | None
    """The Hugging Face Space it runs on, ``"user/space"``."""
    app_id: int | str | None
    """A number (of up to 64 bits) that changes when the app is started anew."""
    enable_queue: bool
    """Whether functions go through the queue unless they say otherwise (always, since 4.0)."""
    connect_heartbeat: bool
    """Whether the app wants a heartbeat connection per session (it has State, or unload events)."""
    show_error: bool
    """Whether the texts of unexpected exceptions reach clients."""
    max_file_size: int | None
    """The most bytes that one uploaded file may have; None for no limit."""
    auth_required: bool
    """True for the config of a login page: nothing else of the app is known before the login."""
    auth_message: str | None
    """What the login page says."""
    username: str | None
    """Who is logged in."""
    components: Mapping[int, Component] = field(repr=False)
    """The components by id."""
    dependencies: tuple[Dependency, ...] = field(repr=False)
    """The functions, in the order of the config."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole config, as the server sent it."""


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """What one run of a ``gr.render`` function has made, for one session: it takes the place of what the run before
    made there."""

    render_id: int | None
    """Which ``gr.render`` of the app it was."""
    components: Mapping[int, Component] = field(repr=False)
    """The components by id."""
    dependencies: tuple[Dependency, ...] = field(repr=False)
    """The functions."""


def parse_config(value: Any) -> AppConfig:
    """Read the value that is the decoded JSON of ``GET /config``.

    Raises:
        RemoteProtocolError: It is not the config of a Gradio app.
        UnsupportedProtocol: It is the config of a Gradio 2 app.
    """
    if not is_object(value):
        raise _unusable("config", "is not an object", value)
    config: Mapping[str, Any] = value
    if "allow_flagging" in config and "dependencies" not in config:
        raise UnsupportedProtocol(
            "the app runs Gradio 2, whose protocol this library does not speak: it has to be 3.0 or later"
        )
    auth_required = config.get("auth_required") is True
    components = config.get("components")
    dependencies = config.get("dependencies")
    if not isinstance(components, list | None):
        raise _unusable("config.components", "is not a list", components)
    if not isinstance(dependencies, list) and not (auth_required and dependencies is None):
        raise _unusable(
            "config.dependencies", "is not a list", dependencies if "dependencies" in config else config
        )
    protocol = config.get("protocol")
    if not isinstance(protocol, str | None):
        raise _unusable("config.protocol", "is not a string", protocol)
    version = (_string(config.get("version")) or "").strip()
    app_id = config.get("app_id")
    return AppConfig(
        version=version,
        version_info=parse_version(version),
        protocol=protocol or "ws",
        api_prefix=parse_api_prefix(_string(config.get("api_prefix")) or ""),
        root=_string(config.get("root")) or "",
        space_id=_string(config.get("space_id")),
        app_id=app_id if isinstance(app_id, str) else _integer(app_id),
        enable_queue=config.get("enable_queue") is True or (protocol or "ws") != "ws",
        connect_heartbeat=config.get("connect_heartbeat") is True,
        show_error=config.get("show_error") is True,
        max_file_size=_integer(config.get("max_file_size")),
        auth_required=auth_required,
        auth_message=_string(config.get("auth_message")),
        username=_string(config.get("username")),
        components=_components(components),
        dependencies=_dependencies(dependencies),
        raw=config,
    )


def parse_render_config(value: Mapping[str, Any]) -> RenderConfig:
    """Read the value of ``render_config`` in an output (Gradio 4.36 and later).

    A function in it without a number of its own is left out: it could not be called.
    """
    return RenderConfig(
        render_id=_integer(value.get("render_id")),
        components=_components(value.get("components")),
        dependencies=tuple(
            parse_dependency(entry, 0)
            for entry in map(object_of, list_of(value.get("dependencies")))
            if _integer(entry.get("id")) is not None
        ),
    )


def parse_version(text: str) -> tuple[int, int, int]:
    """Read the first three numbers of the text of a version: ``(6, 31, 0)`` of ``"6.31.0.dev1"``, zeros of
    ``""``.
    """
    match = _VERSION.match(text)
    if match is None:
        return (0, 0, 0)
    major, minor, micro = match.groups("0")
    return int(major), int(minor), int(micro)


def check_protocol(config: AppConfig) -> None:
    """Make sure that this library speaks the protocol that a config names; called once, at connect.

    Raises:
        UnsupportedProtocol: It does not.
    """
    if config.protocol not in SUPPORTED_PROTOCOLS:
        raise UnsupportedProtocol(
            f"the app speaks the protocol {config.protocol!r} (Gradio {config.version or 'unknown'}); "
            f"this library speaks {', '.join(SUPPORTED_PROTOCOLS)} (Gradio 3 to 6)"
        )


def extract_config_from_html(text: str) -> str | None:
    """Cut the JSON text of ``window.gradio_config = {...};`` out of an app's page; None if there is none.

    The page is the fallback where ``/config`` does not answer; every version of Gradio embeds its config.
    """
    found = _EMBEDDED.search(text)
    if found is None:
        return None
    start = found.end()
    depth = 0
    in_string = False
    for match in _JSON_MARK.finditer(text, start):
        token = match.group()
        if token == '"':
            in_string = not in_string
        elif in_string or token not in "{}":
            continue
        elif token == "{":
            depth += 1
        else:
            depth -= 1
            if not depth:
                return text[start : match.end()]
    return None


def parse_dependency(value: Mapping[str, Any], position: int) -> Dependency:
    """Read one value in ``dependencies``; ``position`` counts where the entry has no ``id`` (up to 4.21)."""
    fn_index = _integer(value.get("id"))
    api_name = value.get("api_name")
    types = object_of(value.get("types"))
    backend_fn = value.get("backend_fn")
    return Dependency(
        fn_index=position if fn_index is None else fn_index,
        api_name=False if api_name is False else _string(api_name),
        inputs=_ids(value.get("inputs")),
        outputs=_ids(value.get("outputs")),
        queue=_boolean(value.get("queue")),
        batch=value.get("batch") is True,
        cancels=tuple(index for index in _ids(value.get("cancels")) if index != UNKNOWN_COMPONENT),
        is_generator=types.get("generator") is True or types.get("continuous") is True,
        backend_fn=backend_fn is not False,
        connection="stream" if value.get("connection") == "stream" else "sse",
        visibility=parse_visibility(value),
        collects_event_data=value.get("collects_event_data") is True,
        rendered_in=_integer(value.get("rendered_in")),
        time_limit=_number(value.get("time_limit")),
        stream_every=_number(value.get("stream_every")),
        raw=value,
    )


def parse_component(value: Mapping[str, Any], id: int) -> Component:
    """Read one value in ``components``, that of this id."""
    type_ = (_string(value.get("type")) or "").lower()
    props = object_of(value.get("props"))
    skip_api = _boolean(value.get("skip_api"))
    api_info = value.get("api_info")
    return Component(
        id=id,
        type=type_,
        props=props,
        skip_api=type_ in SKIPPED_TYPES if skip_api is None else skip_api,
        is_state=type_ == "state",
        # 3.x says beside the schema how the official client of that time converts such values.
        api_info=api_info.get("info") if is_object(api_info) and "serialized_info" in api_info else api_info,
        label=_string(props.get("label")),
        raw=value,
    )


def parse_visibility(value: Mapping[str, Any]) -> Visibility:
    """Read who may call an endpoint from the value of its entry: ``api_visibility`` (6.x), or else ``api_name``
    and ``show_api``.
    """
    visibility = value.get("api_visibility")
    for known in _VISIBILITIES:
        if visibility == known:
            return known
    if value.get("api_name") is False:
        return "private"
    # A word that we do not know hides something, at least.
    return "undocumented" if value.get("show_api") is False or visibility is not None else "public"


def _components(values: Any) -> dict[int, Component]:
    components: dict[int, Component] = {}
    for value in list_of(values):
        entry = object_of(value)
        id = _integer(entry.get("id"))
        if id is not None:
            components[id] = parse_component(entry, id)
    return components


def _dependencies(values: Any) -> tuple[Dependency, ...]:
    return tuple(
        parse_dependency(value, position)
        for position, value in enumerate(list_of(values))
        if is_object(value)
    )


def _ids(value: Any) -> tuple[int, ...]:
    ids = (_integer(id) for id in list_of(value))
    return tuple(UNKNOWN_COMPONENT if id is None else id for id in ids)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    # Python's JSON parser knows NaN and Infinity, which no deadline can be made of.
    if isinstance(value, float) and math.isfinite(value):
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _unusable(where: str, what: str, value: Any) -> RemoteProtocolError:
    return RemoteProtocolError(f"{where} {what}", data=quote(value))


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object; tells type checkers what its keys and values are."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is a list; tells type checkers what its elements are."""
    return isinstance(value, list)


def object_of(value: Any) -> dict[str, Any]:
    """Return a decoded JSON value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def list_of(value: Any) -> list[Any]:
    """Return a decoded JSON value if it is a list, else an empty one."""
    return value if is_list(value) else []


def quote(value: Any) -> str:
    """Show the start of a decoded JSON value in an error, at little cost however big the value is."""
    if is_object(value):
        keys = ", ".join([repr(str(key)[:40]) for key in islice(value, 8)])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if is_list(value):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return value[: RemoteProtocolError.QUOTED]
    return f"{value}" if value is None or isinstance(value, bool | float) else "a number"
