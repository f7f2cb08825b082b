"""The target ``config``: what an app says about itself, to all that is made of it: endpoints, code, schemas, tools."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from recorded_values import VERSIONS, config_text, info_text

from gradio_proto.api_info import ApiInfo, parse_api_info
from gradio_proto.config import check_protocol, extract_config_from_html, parse_config
from gradio_proto.conformance.strategies.apps import apps
from gradio_proto.conformance.strategies.schemas import schemas
from gradio_proto.endpoints import App, Endpoint
from gradio_proto.errors import ArgumentError, GradioError, RemoteProtocolError
from gradio_proto.files import file_outputs_in
from gradio_proto.limits import Limits
from gradio_proto.payload import join_payload
from gradio_proto.rendered import Rendered
from gradio_proto.typed.annotations import signature_of
from gradio_proto.typed.codegen import digest_in, digest_of, generate
from gradio_proto.typed.schemas import app_schema
from gradio_proto.typed.tools import tools_of
from gradio_proto.view_api import api_as_dict, api_as_text

from .mutations import changed_json
from .promises import Broken, Input, Target, check_shown, documented
from .seeds import vectors

_FUNCTIONS: Final = 3
"""Of a recorded app: enough to be different, and few enough to be repeated."""


def _cut(config: Any, info: Any, functions: int) -> Input:
    """The first functions of a recorded app, and the components that they have."""
    kept = config["dependencies"][:functions]
    ids = {id for entry in kept for id in (*entry["inputs"], *entry["outputs"])}
    components = [entry for entry in config["components"] if entry["id"] in ids]
    names = {f"/{entry['api_name']}" for entry in kept}
    named = {name: entry for name, entry in info["named_endpoints"].items() if name in names}
    unnamed = dict([*info.get("unnamed_endpoints", {}).items()][:1])
    lean = {
        key: value
        for key, value in config.items()
        if key not in ("css", "theme_hash", "layout", "js", "head")
    }
    return {
        "config": {**lean, "components": components, "dependencies": kept},
        "info": {"named_endpoints": named, "unnamed_endpoints": unnamed},
    }


def _seeds() -> Iterator[Input]:
    for version in VERSIONS:
        config, info = json.loads(config_text(version)), json.loads(info_text(version))
        for first in range(0, len(config["dependencies"]), _FUNCTIONS):
            some = {**config, "dependencies": config["dependencies"][first:]}
            seed = _cut(some, info, _FUNCTIONS)
            if len(json.dumps(seed)) < 8_000:
                yield seed
    for vector in vectors("config"):
        kind = "config" if "config" in vector else "html"
        yield {kind: vector[kind], "info": None}


@st.composite
def _around_a_schema(draw: st.DrawFn) -> Input:
    """An app of one function, whose input and output have a schema that was drawn, and then perhaps spoilt."""
    schema = draw(schemas())
    if draw(st.booleans()):
        schema = draw(changed_json(schema))
    name = draw(st.sampled_from(("x", "self", "class", "", "a b", "\u202e", "é", "x" * 300)))
    described = {
        "label": name,
        "type": schema,
        "component": "Json",
        "python_type": {"type": "", "description": "d"},
    }
    parameter = {
        **described,
        "parameter_name": name,
        "parameter_has_default": True,
        "parameter_default": [None],
    }
    components = [{"id": 1, "type": "json", "api_info": schema, "props": {"label": name}}]
    return {
        "config": {
            "version": draw(st.sampled_from(("3.50.2", "4.44.1", "6.31.0"))),
            "protocol": draw(st.sampled_from(("ws", "sse_v3"))),
            "components": components,
            "dependencies": [{"id": 0, "api_name": "f", "inputs": [1], "outputs": [1, 1]}],
        },
        "info": {"named_endpoints": {"/f": {"parameters": [parameter], "returns": [described, described]}}},
    }


@st.composite
def _drawn(draw: st.DrawFn) -> Input:
    drawn = draw(apps())
    return {"config": drawn.config, "info": drawn.info}


@st.composite
def _changed(draw: st.DrawFn, begun: SearchStrategy[Input]) -> Input:
    given = draw(begun)
    return {
        key: draw(changed_json(value)) if draw(st.integers(0, 3)) else value for key, value in given.items()
    }


def _inputs(seeds: list[Input]) -> SearchStrategy[Input]:
    begun = _drawn() | _around_a_schema()
    if seeds:
        begun = st.sampled_from(seeds) | begun
    return begun | _changed(begun) | _changed(begun)


def _run(given: Input) -> None:
    config = given.get("config")
    if "html" in given:
        text = extract_config_from_html(str(given["html"]))
        try:
            config = None if text is None else json.loads(text)
        except ValueError:  # a page may embed anything
            return
    try:
        info: ApiInfo | None = parse_api_info(given.get("info"))
    except GradioError as error:
        documented(error)
        info = None
    app = App(parse_config(config), info)
    try:
        check_protocol(app.config)
    except GradioError as error:
        documented(error)
    rendered = Rendered(Limits())
    for _ in range(2):
        rendered.take(app.config.raw, 1)
        for each in (app, rendered.added_to(app)):
            _read(each)


def _read(app: App) -> None:
    """All that is made of an app."""
    text = api_as_text(app) + api_as_text(app, all_endpoints=True)
    check_shown(text.replace("\n", ""))
    json.dumps(api_as_dict(app))
    json.dumps(app_schema(app))
    for format in ("openai", "anthropic", "mcp"):
        json.dumps(tools_of(app, format))
    module = generate(app, "http://app.example")
    try:
        ast.parse(module)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Broken(f"a generated module is no Python: {error!r}") from error
    if digest_in(module) != digest_of(app):
        raise Broken("a generated module does not hold its app's digest")
    for endpoint in app.endpoints.values():
        _call(endpoint)
        if endpoint in app.listed:
            signature_of(endpoint)
            try:
                if app.resolve(endpoint.api_name) is not endpoint:
                    raise Broken(f"{endpoint.api_name!r} is another endpoint")
            except ArgumentError as error:
                raise Broken(f"what is listed cannot be called: {error}") from error


def _call(endpoint: Endpoint) -> None:
    """Call a function, and read what it returns."""
    data = endpoint.bind([1] * len(endpoint.parameters), {})
    join_payload(fn_index=endpoint.fn_index, data=data, session_hash="s")
    try:
        defaults = endpoint.bind([], {})
    except TypeError as error:
        if not str(error).isprintable():
            raise Broken(f"the text of an error is not printable: {error!r}") from error
    else:
        join_payload(fn_index=endpoint.fn_index, data=defaults, session_hash="s")
    props = [component.props.get("value") for component in endpoint.outputs if component is not None]
    for fetch in (False, True):
        try:
            value = endpoint.unbind_outputs(props, fetch=fetch)
        except RemoteProtocolError as error:
            documented(error)
        else:
            for file in file_outputs_in(value):
                if "/" in file.name or "\0" in file.name:
                    raise Broken(f"no name for a file: {file.name!r}")


def _larger(given: Input, times: int) -> Input:
    """An app of so many times as many functions, each with a number and a name of its own."""
    config, info = given.get("config"), given.get("info")
    if not isinstance(config, dict) or not isinstance(config.get("dependencies"), list):
        return {**given, "config": [config] * times}
    entries = [entry for entry in config["dependencies"] if isinstance(entry, dict)]
    count = range(times)
    more = [
        {**entry, "id": times * index + each, "api_name": f"f_{index}_{each}"}
        for index, entry in enumerate(entries)
        for each in count
    ]
    named = info.get("named_endpoints") if isinstance(info, dict) else None
    values = list(named.values()) if isinstance(named, dict) else []
    numbered = {f"/f_{index}_{each}": value for index, value in enumerate(values) for each in count}
    return {"config": {**config, "dependencies": more}, "info": {"named_endpoints": numbered}}


TARGET: Final = Target(
    name="config",
    about="what an app says about itself",
    modules=(
        "config",
        "api_info",
        "endpoints",
        "view_api",
        "rendered",
        "legacy_files",
        "files",
        "typed.annotations",
        "typed.arguments",
        "typed.codegen",
        "typed.docstrings",
        "typed.names",
        "typed.schemas",
        "typed.source",
        "typed.tools",
        "typed.types",
    ),
    seeds=_seeds,
    inputs=_inputs,
    run=_run,
    allowance=lambda given: 2**15,  # the syntax tree of a module that says nothing
    larger=_larger,
)
