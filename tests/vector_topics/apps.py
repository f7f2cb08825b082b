"""The recorded app, in every version: what a client needs of its config and info, and no more."""

from __future__ import annotations

import functools
from typing import Any, Final

import recorded

from .vector import PROTOCOL_OF

_APP_KEYS: Final[tuple[Any, ...]] = (
    *(
        "version",
        "protocol",
        "api_prefix",
        "app_id",
        "enable_queue",
        "connect_heartbeat",
        "show_error",
        "space_id",
    ),
    *("max_file_size", "username", "root"),
)
_DEPENDENCY_KEYS: Final[tuple[Any, ...]] = (
    *(
        "id",
        "api_name",
        "inputs",
        "outputs",
        "queue",
        "backend_fn",
        "types",
        "cancels",
        "batch",
        "connection",
    ),
    *("time_limit", "stream_every", "show_api", "api_visibility", "rendered_in", "collects_event_data"),
)
_PARAMETER_KEYS: Final[tuple[Any, ...]] = (
    "label",
    "parameter_name",
    "parameter_has_default",
    "parameter_default",
)
_OFF: Final[tuple[Any, ...]] = (None, False, [])


@functools.cache
def config(version: str) -> dict[str, Any]:
    """The config of the recorded app, with what a client reads. Positions are kept, and what is off is left out
    where every version means the same by its absence."""
    whole = recorded.body(version, "config")
    kept = {key: whole[key] for key in _APP_KEYS if key in whole}
    dependencies = [_dependency(entry) for entry in whole["dependencies"]]
    used = {id for entry in dependencies for id in (*entry["inputs"], *entry["outputs"])}
    kept["components"] = [
        _component(entry)
        for entry in whole["components"]
        if entry["id"] in used or entry["props"].get("server_fns")
    ]
    kept["dependencies"] = dependencies
    return kept


def _dependency(whole: dict[str, Any]) -> dict[str, Any]:
    entry = {key: whole[key] for key in _DEPENDENCY_KEYS if key in whole}
    for key in ("cancels", "batch", "time_limit", "rendered_in", "collects_event_data"):
        if entry.get(key) in _OFF:
            entry.pop(key, None)
    if "types" in entry:
        entry["types"] = {key: on for key, on in entry["types"].items() if on}
    if entry.get("connection") != "stream":
        entry.pop("connection", None)
        entry.pop("stream_every", None)
    return entry


def _component(whole: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    kept |= {key: whole[key] for key in ("id", "type", "skip_api") if key in whole}
    props = {key: whole["props"][key] for key in ("label", "server_fns") if whole["props"].get(key)}
    return {**kept, "props": props}


@functools.cache
def info(version: str) -> dict[str, Any]:
    """The names of the recorded app's endpoints and of their parameters, with their defaults."""
    whole = recorded.body(version, "gradio_api_info" if int(version[0]) >= 5 else "info")
    return {
        "named_endpoints": {name: _endpoint(entry) for name, entry in whole["named_endpoints"].items()},
        "unnamed_endpoints": {name: _endpoint(entry) for name, entry in whole["unnamed_endpoints"].items()},
    }


def _endpoint(whole: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "parameters": [
            {key: parameter[key] for key in _PARAMETER_KEYS if key in parameter}
            for parameter in whole["parameters"]
        ],
        "returns": [{"label": value["label"]} for value in whole["returns"]],
    }
    if "oauth_token" in whole:
        kept["oauth_token"] = whole["oauth_token"]
    return kept


def apps() -> dict[str, Any]:
    """Every version's app, by its version."""
    return {version: {"config": config(version), "info": info(version)} for version in PROTOCOL_OF}
