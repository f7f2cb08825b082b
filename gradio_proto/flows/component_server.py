"""Calling a function that a component itself has on the server, such as a FileExplorer's ``ls``."""

from __future__ import annotations

from typing import Any, Final

from ..config import AppConfig, list_of
from ..effects import Flow
from ..errors import ArgumentError
from ..payload import component_server_payload
from ..replies import json_reply
from ..text import printable
from .requests import post_json
from .state import ClientState, redacted

_LISTED: Final = 20
"""Functions or components that one error names."""


def call_component(
    state: ClientState, session_hash: str, component_id: int, fn_name: str, data: Any
) -> Flow[Any]:
    """Call a component's function, and return what it returns. It is no job: it does not pass the queue.

    Raises:
        ArgumentError: The component has no such function, or ``data`` is no JSON. Nothing was sent.
        GradioError: The server did not answer, or said no.
    """
    check_server_function(state.app_in(state.live).config, component_id, fn_name)
    body = component_server_payload(
        component_id=component_id, fn_name=fn_name, data=data, session_hash=session_hash
    )
    return (yield from redacted(state, _call(state, body)))


def _call(state: ClientState, body: bytes) -> Flow[Any]:
    response = yield from post_json(state, state.target("component_server"), body)
    return json_reply(response, state.limits, "/component_server")


def check_server_function(config: AppConfig, component_id: int, fn_name: str) -> None:
    """Make sure that a component has a function. (Gradio 3.50 would call any method of it.)

    Raises:
        TypeError: ``component_id`` is no int, or ``fn_name`` no str.
        ArgumentError: There is no such component, or it has no such function.
    """
    if not isinstance(component_id, int) or isinstance(component_id, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"component_id is a number, not {type(component_id).__name__}")
    if not isinstance(fn_name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"fn_name is a string such as 'ls', not {type(fn_name).__name__}")
    functions = {id: list_of(each.props.get("server_fns")) for id, each in config.components.items()}
    component = config.components.get(component_id)
    if component is not None and fn_name in functions[component_id]:
        return
    if component is None:
        problem = f"the app has no component {component_id}"
    else:
        known = f"it has {_listed(functions[component_id])}" if functions[component_id] else "it has none"
        kind = printable(component.type, 80)
        problem = f"the component {component_id} ({kind}) has no server function {fn_name!r}: {known}"
    others = [f"{id} ({config.components[id].type})" for id, names in functions.items() if names]
    raise ArgumentError(f"{problem}. Components with server functions: {_listed(others) or 'none'}")


def _listed(names: list[Any]) -> str:
    more = len(names) - _LISTED
    return ", ".join([printable(str(name), 80) for name in names[:_LISTED]]) + (
        f" and {more} more" if more > 0 else ""
    )
