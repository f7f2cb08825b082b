"""Apps for the tests of what is typed: those of real servers, made-up ones, and hostile ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import recorded
from hypothesis import strategies as st
from recorded_values import ODD_VALUES

from gradio_proto.api_info import parse_api_info
from gradio_proto.config import parse_config
from gradio_proto.endpoints import App, Endpoint

VERSIONS = recorded.versions()

FILE = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "meta": {"default": {"_type": "gradio.FileData"}}},
}


@cache
def real_app(version: str) -> App:
    """The app that was recorded on a real server of that version."""
    prefix = "" if version.startswith(("3", "4")) else "gradio_api_"
    return App(
        parse_config(recorded.body(version, "config")),
        parse_api_info(recorded.body(version, f"{prefix}info")),
    )


def parameter(name: str | None, schema: Any, **more: Any) -> dict[str, Any]:
    """A parameter as ``/info`` has it; ``default=`` gives it one."""
    has_default = (
        {"parameter_has_default": True, "parameter_default": more.pop("default")} if "default" in more else {}
    )
    return {
        "label": name or "",
        "parameter_name": name,
        "type": schema,
        "component": "X",
        **has_default,
        **more,
    }


def value(label: str, schema: Any, **more: Any) -> dict[str, Any]:
    """A return value as ``/info`` has it."""
    return {"label": label, "type": schema, "component": "X", **more}


def app_of(named: Mapping[str, Any], **config: Any) -> App:
    """An app of endpoints by name with their entries in ``/info``, None for one that is not there."""
    dependencies = [
        {"id": index, "api_name": name[1:], "inputs": [], "outputs": [], "backend_fn": True}
        for index, name in enumerate(named)
    ]
    infos = {name: entry for name, entry in named.items() if entry is not None}
    info = parse_api_info({"named_endpoints": infos, "unnamed_endpoints": {}})
    shown = {"version": "6.31.0", "protocol": "sse_v3", "dependencies": dependencies, **config}
    return App(parse_config(shown), info)


def endpoint_of(*parameters: Any, returns: Any = (), **more: Any) -> Endpoint:
    """An endpoint ``/f`` with these parameters and return values."""
    entry = {"parameters": list(parameters), "returns": list(returns), **more}
    return app_of({"/f": entry}).resolve("/f")


# Hostile ones.

NASTY = (
    *(
        '"""',
        "'''",
        "\\",
        '"',
        "'",
        "\n",
        "\r\n",
        "\x1b[31m",
        "\u202e",
        "\u2028",
        "\ud800",
        "{x}",
        "%s",
        "#",
        "",
    ),
    *(
        '"""\nimport os\nos.system("x")\n"""',
        "'); import os; (",
        "x: int = __import__('os')",
        "f(self):\n pass",
    ),
    *(
        "self",
        "value",
        "class",
        "None",
        "print",
        "count",
        "index",
        "list",
        "str",
        "float",
        "Any",
        "Job",
        "close",
    ),
    *(
        "__init__",
        "__x",
        "_x",
        "client",
        "default_src",
        "submit_f",
        "f",
        "Literal",
        "DEFAULT",
        "with_options",
        "1",
        "²",
    ),
    *("ﬁ", "处理", "É", "a.b", "a b", "A" * 300),
)
"""Names and texts that would like to be something else."""

texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))
odd = st.sampled_from(ODD_VALUES)
scalars = st.one_of(
    st.sampled_from([{"type": kind} for kind in ("string", "number", "integer", "boolean", "null", "x")]),
    odd,
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner, "prefixItems": several}),
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(texts, inner, max_size=3),
                "required": st.lists(texts, max_size=3),
                "additionalProperties": inner,
                "title": texts,
                "$defs": st.dictionaries(texts, inner, max_size=2),
            },
        ),
        st.builds(lambda schemas: {"anyOf": schemas}, several),
        st.builds(
            lambda values: {"enum": values}, st.lists(st.one_of(texts, st.integers(), odd), max_size=4)
        ),
        st.builds(lambda name: {"$ref": f"#/$defs/{name}"}, texts),
        st.just(FILE),
    )


schemas = st.recursive(scalars, _containers, max_leaves=8)
parameters = st.builds(
    lambda name, label, schema, has_default, default, component, description: {
        "parameter_name": name,
        "label": label,
        "type": schema,
        "parameter_has_default": has_default,
        "parameter_default": default,
        "component": component,
        "python_type": {"type": "", "description": description},
        "example_input": default,
    },
    st.one_of(st.none(), texts),
    texts,
    schemas,
    st.booleans(),
    st.one_of(odd, texts),
    texts,
    texts,
)
returns = st.builds(
    lambda label, schema, component, description: {
        "label": label,
        "type": schema,
        "component": component,
        "python_type": {"type": "", "description": description},
    },
    texts,
    schemas,
    texts,
    texts,
)
entries = st.fixed_dictionaries(
    {
        "parameters": st.lists(parameters, max_size=4),
        "returns": st.lists(returns, max_size=3),
        "description": texts,
    }
)
hostile_apps = st.builds(
    lambda named, title, version: app_of(
        {f"/{name}": entry for name, entry in named.items()}, title=title, version=version
    ),
    st.dictionaries(texts, st.one_of(st.none(), entries), max_size=4),
    texts,
    texts,
)
