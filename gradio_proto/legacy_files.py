"""Files on Gradio 3.x, which knows no FileData: there the component decides what a file looks like.

Most components take and give ``{"name": ..., "data": null, "is_file": true}``, where ``name`` is a place on the
server. Of an Image the content itself is sent, as the string ``"data:image/png;base64,..."``, in both directions;
an Image refuses everything else. Nothing marks such values: an object with these keys in an app's own JSON looks the
same, and so does a text that holds a data URL. So only the type of the component tells.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .config import Component, is_list, is_object
from .filenames import last_component, safe_file_name
from .files import FileInput, FileOutput, ShapedFile, is_url, replace_in

FILE_TYPES: Final = frozenset(
    ("annotatedimage", "audio", "chatbot", "file", "gallery", "image", "model3d", "uploadbutton", "video")
)
"""The types of components whose values are made to hold files."""

_IMAGE_TYPES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
}
_SUFFIXES: Final = {**_IMAGE_TYPES, "text/vtt": ".vtt", "audio/wav": ".wav", "audio/x-wav": ".wav"}
_MIME_TYPES: Final = {suffix: mime for mime, suffix in _IMAGE_TYPES.items()} | {
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
}

# The type may be missing (3.x does not know every suffix), and may have parameters.
_DATA_URL: Final = re.compile(r"data:([a-z0-9.+/-]{0,100})(?:;[^,;]{1,100}){0,4};base64,", re.IGNORECASE)


def data_url(name: str, content: bytes) -> str:
    """The content of a file as 3.x wants that of an image. ``name`` tells its type, which no server relies on."""
    _, dot, suffix = name.lower().rpartition(".")
    mime = _MIME_TYPES.get(dot + suffix, "application/octet-stream")
    return f"data:{mime};base64,{binascii.b2a_base64(content, newline=False).decode('ascii')}"


def _as_file(path: str, name: str) -> dict[str, Any]:
    return {"name": path, "data": None, "is_file": True, "orig_name": safe_file_name(name)}


def _as_message(path: str, name: str) -> dict[str, Any]:
    # A chat that is given back wants to know of an alternative text, though there be none.
    return {**_as_file(path, name), "alt_text": None}


def _as_image(path: str, name: str) -> str:
    return path


def shape_inputs(value: Any, component: Component | None) -> Any:
    """An argument for a component with each file in it in the shape that the component takes; nothing is changed in
    place."""
    kind = component.type if component is not None else ""
    shape: Callable[[str, str], Any] = {"image": _as_image, "chatbot": _as_message}.get(kind, _as_file)

    def replace(part: Any) -> Any:
        if isinstance(part, FileInput):
            return ShapedFile(part, shape, is_inline=kind == "image")
        return part

    return replace_in(value, replace)


def legacy_file_outputs(value: Any, component: Component | None = None) -> Any:
    """A component's output with a :class:`~gradio_proto.files.FileOutput` in the place of each file.

    Of a video, which comes as a pair with its subtitles, there is the video alone, as the official clients of that
    time give it.
    """
    if component is None or component.type not in FILE_TYPES:
        return value
    if component.type == "video":
        if is_object(value) and value.get("__type__") == "update" and "value" in value:
            return {**value, "value": legacy_file_outputs(value["value"], component)}
        if is_list(value) and len(value) == 2:
            value = value[0]
    takes_images = component.type == "image"

    def replace(part: Any) -> Any:
        if is_object(part):
            return legacy_file_output(part) or part
        if takes_images and isinstance(part, str):
            return _inline(part, "image", part) or part
        return part

    return replace_in(value, replace)


def legacy_file_output(value: Mapping[str, Any]) -> FileOutput | None:
    """What to fetch or to decode for an object in an output; None where it is no file, or not of this server."""
    path, told = value.get("name"), value.get("orig_name")
    name = last_component(path) if isinstance(path, str) else ""
    if name and isinstance(path, str):
        if value.get("is_stream") is True:
            shown = safe_file_name(told if isinstance(told, str) else name)
            return FileOutput(f"stream/{path}", (), shown, True, value)
        if value.get("is_file") is True:
            # An app may show what lies elsewhere: such a URL is data, and nothing that this server has.
            return (
                None if is_url(path) else FileOutput(f"file={path}", (), safe_file_name(name), False, value)
            )
    data = value.get("data")
    return _inline(data, name, value) if isinstance(data, str) else None


def _inline(text: str, name: str, raw: Any) -> FileOutput | None:
    """The file that a data URL is; None where the text is none."""
    match = _DATA_URL.match(text)
    if match is None:
        return None
    if "." not in name:
        name = f"{name or 'file'}{_SUFFIXES.get(match[1].lower(), '')}"
    return FileOutput("", (), safe_file_name(name), False, raw, content=text[match.end() :])
