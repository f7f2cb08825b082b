"""How Gradio 3.x describes values: by the serializer of its own client, and what that takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .components import Component

Schema = Mapping[str, Any]

_IN_A_FILE: Schema = {
    "oneOf": [
        {"type": "string", "description": "filepath on your computer (or URL) of file"},
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "name of file"},
                "data": {"type": "string", "description": "base64 representation of file"},
                "size": {"type": "integer", "description": "size of image in bytes"},
                "is_file": {
                    "type": "boolean",
                    "description": "true if the file has been uploaded to the server",
                },
                "orig_name": {"type": "string", "description": "original name of the file"},
            },
            "required": ["name", "data"],
        },
    ]
}

_FILE_TYPE = (
    "str | Dict(name: str (name of file), data: str (base64 representation of file), "
    "size: int (size of image in bytes), "
    "is_file: bool (true if the file has been uploaded to the server), "
    "orig_name: str (original name of the file))"
)


@dataclass(frozen=True)
class Serializer:
    """What describes the values of some types."""

    name: str
    """Its class."""
    info: Schema
    """The values on the wire."""
    raw_type: tuple[str, str]
    """Their type in Python, and what they are."""
    client_type: tuple[str, str] | None = None
    """The same for what 3.x's own client takes and gives in their place; None: the same."""
    raw: Any = None
    """A value on the wire."""
    serialized: Any = None
    """What its own client would be given for it."""


_STRING = Serializer("StringSerializable", {"type": "string"}, ("str", ""), None, "Howdy!", "Howdy!")
_PATH = "https://example.com/sample_file.pdf"
_INLINE = {"is_file": False, "data": {"name": "sample_file.pdf", "data": "data:@file/pdf;base64,JVBERi0="}}
_JSON = Serializer(
    "JSONSerializable",
    {"type": {}, "description": "any valid json"},
    ("Dict[Any, Any]", "any valid json"),
    ("str", "filepath to JSON file"),
    {"a": 1, "b": 2},
)
_FILE = Serializer(
    "FileSerializable",
    _IN_A_FILE,
    (_FILE_TYPE, ""),
    ("str", "filepath on your computer (or URL) of file"),
    _INLINE,
    _PATH,
)

SERIALIZERS: Mapping[str, Serializer] = {
    "textbox": _STRING,
    "number": Serializer("NumberSerializable", {"type": "number"}, ("int | float", ""), None, 5, 5),
    "checkbox": Serializer("BooleanSerializable", {"type": "boolean"}, ("bool", ""), None, True, True),
    "radio": _STRING,
    "dropdown": _STRING,
    "checkboxgroup": Serializer(
        "ListStringSerializable",
        {"type": "array", "items": {"type": "string"}},
        ("List[str]", ""),
    ),
    "json": _JSON,
    "chatbot": _JSON,
    "file": _FILE,
    "files": Serializer(
        "FileSerializable",
        {"type": "array", "items": {"anyOf": _IN_A_FILE["oneOf"]}},
        (f"List[{_FILE_TYPE}]", ""),
        ("List[str]", "List of filepath(s) or URL(s) to files"),
        [_INLINE],
        [_PATH],
    ),
    "image": Serializer(
        "ImgSerializable",
        {"type": "string", "description": "base64 representation of an image"},
        ("str", "base64 representation of an image"),
        ("str", "filepath on your computer (or URL) of image"),
        "data:image/png;base64,iVBORw0KGgo=",
        "https://example.com/bus.png",
    ),
    "audio": _FILE,
    "video": _FILE,
    "gallery": Serializer(
        "GallerySerializable",
        {"type": "array", "items": {"type": "array", "items": False, "maxSize": 2, "minSize": 2}},
        ("List[Tuple[str, str | None]]", ""),
        (
            "str",
            "path to directory with images and a file associating images with captions called captions.json",
        ),
        [],
        _PATH,
    ),
    "button": _STRING,
    "state": Serializer(
        "SimpleSerializable", {"type": {}, "description": "any valid value"}, ("Any", "any valid value")
    ),
}
"""By component type."""


def serializer_config(component: Component) -> dict[str, Any]:
    """What the config says of a component's values."""
    serializer = SERIALIZERS[component.type]
    return {
        "serializer": serializer.name,
        "api_info": {"info": serializer.info, "serialized_info": serializer.client_type is not None},
        "example_inputs": {"raw": serializer.raw, "serialized": serializer.serialized},
    }


def serialized_info(component: Component, label: str, serialize: bool) -> dict[str, Any]:
    """What the API info says of a component's values.

    Args:
        component: The component.
        label: What it is called.
        serialize: Tell the types of 3.x's own client, and not those of the wire.
    """
    serializer = SERIALIZERS[component.type]
    kind, description = (serializer.client_type if serialize else None) or serializer.raw_type
    return {
        "label": label,
        "type": serializer.info,
        "python_type": {"type": kind, "description": description},
        "component": component.shown_type.capitalize(),
        "example_input": component.example if component.choices else serializer.serialized,
        "serializer": serializer.name,
    }
