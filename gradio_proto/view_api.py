"""What ``view_api`` says: an app's endpoints as a text for people, and as the dict that programs read.

Layout and wording of the text, and the shape of the dict, are those of the official client, which people
paste from and parse. Every word in the text that comes from the server is made safe to print. Nothing is cut,
and descriptions and defaults keep their line breaks: this text is of many lines anyway.
"""

from __future__ import annotations

from typing import Any, Final

from .api_info import PRIVATE_KEYS, EndpointInfo, ParameterInfo, ReturnInfo
from .config import is_list, is_object, object_of
from .endpoints import App, copy_json, snake_case
from .text import printable

_WHOLE: Final = 2**31
"""A limit beyond every text: what a person asked to see is shown to its end."""


def api_as_text(app: App, all_endpoints: bool | None = None) -> str:
    """Describe how to call the endpoints of ``app``, with their parameters and return values.

    Args:
        app: The app.
        all_endpoints: Whether to describe the unnamed endpoints of Gradio 3.x as well; by default only where
            there are no named ones.
    """
    named = {name: info for name, info in app.info.named.items() if info.visibility == "public"}
    unnamed = {index: info for index, info in app.info.unnamed.items() if info.visibility == "public"}
    if all_endpoints is None:
        all_endpoints = not named
    parts = [
        f"Client.predict() Usage Info\n---------------------------\nNamed API endpoints: {len(named)}\n",
        *(_endpoint(f'api_name="{_safe(name)}"', info) for name, info in named.items()),
    ]
    if all_endpoints:
        parts.append(f"\nUnnamed API endpoints: {len(unnamed)}\n")
        parts.extend(_endpoint(f"fn_index={index}", info) for index, info in unnamed.items())
    elif unnamed:
        parts.append(
            f"\nUnnamed API endpoints: {len(unnamed)}, to view, run Client.view_api(all_endpoints=True)\n"
        )
    return "".join(parts)


def api_as_dict(app: App) -> dict[str, dict[str, Any]]:
    """Return what ``/info`` says of the public endpoints of ``app``, copied, without what only browsers need.

    The dict has the keys ``"named_endpoints"`` and ``"unnamed_endpoints"``. Both list endpoints by name, the
    second by the fn_index written as a string, as in JSON.
    """
    return {
        "named_endpoints": {
            name: _plain(info) for name, info in app.info.named.items() if info.visibility == "public"
        },
        "unnamed_endpoints": {
            str(index): _plain(info)
            for index, info in app.info.unnamed.items()
            if info.visibility == "public"
        },
    }


def _plain(info: EndpointInfo) -> dict[str, Any]:
    return {key: copy_json(value) for key, value in info.raw.items() if key not in PRIVATE_KEYS}


def _endpoint(which: str, info: EndpointInfo) -> str:
    arguments = "".join([f"{_parameter_name(parameter)}, " for parameter in info.parameters])
    returns = ", ".join([snake_case(value.label) for value in info.returns])
    if len(info.returns) > 1:
        returns = f"({returns})"
    lines = [f"\n - predict({arguments}{which}) -> {returns}"]
    if info.oauth_token:
        lines.append(
            "    Acts on your behalf: this endpoint takes your Hugging Face token "
            f"({_safe(info.oauth_token)}). Pass it with Client(..., oauth_token=...) to grant it."
        )
    lines.append("    Parameters:")
    lines.extend([_parameter(parameter) for parameter in info.parameters] or ["     - None"])
    lines.append("    Returns:")
    lines.extend([_return(value) for value in info.returns] or ["     - None"])
    return "\n".join(lines) + "\n"


def _parameter(parameter: ParameterInfo) -> str:
    python_type = _safe(parameter.python_type)
    need = "(required)"
    if parameter.has_default:
        # The official client's three spaces.
        need = f"(not required, defaults to:   {_safe_lines(str(_with_files_shown(parameter.default)))})"
        if parameter.default is None:
            python_type += " | None"
    head = f"     - [{_safe(parameter.component)}] {_parameter_name(parameter)}"
    return f"{head}: {python_type} {need} {_note(parameter.description)} "


def _return(value: ReturnInfo) -> str:
    python_type = _safe(value.python_type)
    head = f"     - [{_safe(value.component)}] {snake_case(value.label)}"
    return f"{head}: {python_type}{_note(value.description)} "


def _parameter_name(parameter: ParameterInfo) -> str:
    return snake_case(parameter.name or parameter.label)


def _note(description: str) -> str:
    return f" ({_safe_lines(description)})" if description else ""


def _with_files_shown(value: Any) -> Any:
    """Replace the file objects in a default by the call that makes one, as a caller would write it."""
    if is_object(value):
        path = value.get("path")
        if isinstance(path, str) and object_of(value.get("meta")).get("_type") == "gradio.FileData":
            url = value.get("url")
            return f'handle_file("{url if isinstance(url, str) else path}")'
        entries: dict[str, Any] = {}
        for key, entry in value.items():
            entries[key] = _with_files_shown(entry)
        return entries
    if is_list(value):
        items: list[Any] = []
        for item in value:
            items.append(_with_files_shown(item))
        return items
    return value


def _safe(text: str) -> str:
    return printable(text, _WHOLE)


def _safe_lines(text: str) -> str:
    return "\n".join([_safe(line) for line in text.split("\n")])
