"""The components that a :class:`~gradio_proto.testing.TestApp` is made of, as a client sees them.

A component has a type, properties, and a JSON schema of its values. To a client nothing else of it exists,
so there are as many types here as there are kinds of schema that a client treats differently: plain values,
choices, files, chat messages, and state, which never leaves the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .files import File, FileStore
from .jsonvalues import is_dict, is_list, plain, refuse
from .serializers import SERIALIZERS, serializer_config
from .values import Error

Schema = Mapping[str, Any]

_ALIASES = {"text": "textbox", "str": "textbox", "float": "number", "int": "number", "bool": "checkbox"}


@dataclass(frozen=True, eq=False)
class Component:
    """One component of an app. Two uses of the same object are the same component (so State can be shared).

    Raises:
        ValueError: The type is not one of :data:`TYPES`, or is not one that can be streamed.
    """

    type: str
    """Gradio's name of the type in lower case (``"textbox"``), or ``"text"`` for a textbox, ``"int"`` for a number
    that is whole."""
    label: str | None = None
    """What the component is called; the name of its parameter if not given."""
    value: Any = None
    """The initial value: for State the first state, for others the default of their parameter."""
    choices: Sequence[Any] = ()
    """What a ``radio``, ``dropdown`` or ``checkboxgroup`` offers."""
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further properties for the config."""
    streaming: bool = False
    """The function gives ``audio`` or ``video`` piece by piece, as bytes, and it is played meanwhile."""
    server_fns: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict[str, Callable[[Any], Any]])
    """What ``/component_server`` offers of it, by name. They run where the server does, so none may block."""

    is_whole: bool = field(default=False, init=False)
    """Only whole numbers, as ``gr.Number(precision=0)``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_whole", self.type == "int")
        object.__setattr__(self, "type", _ALIASES.get(self.type, self.type))
        if self.type not in TYPES:
            raise ValueError(f"no component type {self.type!r}; there are {', '.join(TYPES)}")
        if self.streaming and self.type not in ("audio", "video"):
            raise ValueError(f"a {self.type} cannot be streamed; audio and video can")

    @property
    def is_state(self) -> bool:
        """Whether its values stay on the server, one for each session."""
        return self.type == "state"

    @property
    def in_api(self) -> bool:
        """Whether clients send and receive values for it."""
        return self.type not in ("state", "button", "column")

    @property
    def is_opaque(self) -> bool:
        """Whether the server's diffs replace its value whole instead of looking into it."""
        return self.type == "json"

    def schema(self) -> Schema:
        """The JSON schema of its values."""
        return TYPES[self.type].schema(self)

    @property
    def shown_type(self) -> str:
        """What the config calls the type."""
        return TYPES[self.type].config_type or self.type

    def config(
        self, component_id: int, label: str | None, *, with_serializer: bool = False
    ) -> dict[str, Any]:
        """Its entry in the config.

        Args:
            component_id: Its id.
            label: What it is called.
            with_serializer: Describe its values as Gradio 3.x does.
        """
        kind = TYPES[self.type]
        props: dict[str, Any] = {"name": self.type}
        if self.type != "column":
            props["_selectable"] = False
        if self.in_api:
            props |= {"label": label, "show_label": True, "visible": True}
        if self.value is not None and not self.is_state:
            props["value"] = plain(self.value)
        if self.choices:
            props["choices"] = [[str(choice), choice] for choice in self.choices]
        if self.streaming:
            props["streaming"] = True
        if self.server_fns:
            props["server_fns"] = [*self.server_fns]
        if kind.multiple:
            props["file_count"] = "multiple"
        entry: dict[str, Any] = {
            "id": component_id,
            "type": self.shown_type,
            "props": {**props, **self.props},
            "skip_api": not self.in_api,
            "component_class_id": f"{self.type:0>64}",
            "key": None,
        }
        if with_serializer and self.type in SERIALIZERS:
            entry |= serializer_config(self)
        elif self.in_api:
            schema = self.schema()
            entry |= {
                "api_info": schema,
                "api_info_as_input": schema,
                "api_info_as_output": schema,
                "example_inputs": kind.example,
            }
        return entry

    def info(self, label: str) -> dict[str, Any]:
        """Its description in the API info, for a return value with this label; a parameter has more around it."""
        kind = TYPES[self.type]
        return {
            "label": label,
            "type": self.schema(),
            "python_type": {"type": kind.python_type(self), "description": ""},
            "component": self.shown_type.capitalize(),
        }

    @property
    def example(self) -> Any:
        """A value that could be sent for it."""
        if not self.choices:
            return TYPES[self.type].example
        return [self.choices[0]] if self.type == "checkboxgroup" else self.choices[0]

    def preprocess(self, value: Any, files: FileStore) -> Any:
        """Check what a client sent, as the component of that type does before the function sees it.

        Args:
            value: What it sent.
            files: The server's files: in place of what means one of them, the function gets the file.

        Raises:
            Error: It is not one of the choices.
            TypeError, ValueError: It is no file that the server would open.
        """
        chosen: Any = value if self.type == "checkboxgroup" else [value]
        for choice in chosen if self.choices and value is not None else ():
            if choice not in self.choices:
                raise Error(
                    f"Value: {choice!r} (type: {type(choice)}) is not in the list of choices: {[*self.choices]}"
                )
        if self.type == "number" and value is not None and files.numbers_are_floats:
            return round(value) if self.is_whole else float(value)
        match TYPES[self.type].holds:
            case "file" if self.type == "image" and files.has_inline_images:
                return files.open_inline(value)
            case "file" if value is not None:
                return files.open(value)
            case "files" if is_list(value):
                return [files.open(item) for item in value]
            case "anything" if self.type == "multimodaltextbox" and is_dict(value):
                return files.open_all({"files": [], **value})  # a message may be text alone
            case "anything":
                return files.open_all(value)
            case _:
                return value

    def postprocess(self, value: Any, files: FileStore, root: str, *, chat_parts: bool = True) -> Any:
        """Turn what the function gave into what the wire carries.

        Args:
            value: What the function gave.
            files: The server's files, to which those in the value are added.
            root: The address that the client used.
            chat_parts: Give chat messages the form that they have since Gradio 6.

        Raises:
            TypeError: JSON cannot hold it.
        """

        def filed(item: Any) -> Any:
            if self.type == "image" and files.has_inline_images:
                return files.inline(item) if isinstance(item, File) else refuse(item)
            return (
                files.file_data(item, root, sized=sized, named=named)
                if isinstance(item, File)
                else refuse(item)
            )

        kind = TYPES[self.type]
        sized = kind.sized
        named = self.type != "image" or files.names_images
        if value is None and kind.multiple:
            value = []
        value = plain(value, other=filed)
        if (
            self.type == "number"
            and isinstance(value, int)
            and files.numbers_are_floats
            and not self.is_whole
        ):
            return float(value)
        if self.type == "chatbot" and chat_parts and is_list(value):
            return [_chat_message(message) for message in value]
        return value


def _chat_message(message: Any) -> Any:
    """One chat message in the form that Gradio 6 sends: the content is a list of typed parts."""
    if not is_dict(message) or "role" not in message:
        return message
    content = message.get("content")
    if isinstance(content, str):
        content = [{"text": content, "type": "text"}]
    elif is_dict(content) and "path" in content:
        content = [{"file": content, "alt_text": None, "type": "file"}]
    return {
        "role": message["role"],
        "metadata": message.get("metadata"),
        "content": content,
        "options": message.get("options"),
    }


_FILE: Schema = {
    "type": "object",
    "title": "FileData",
    "required": ["path"],
    "properties": {
        "path": {"title": "Path", "type": "string"},
        "url": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Url"},
        "size": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "Size"},
        "orig_name": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Orig Name"},
        "mime_type": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Mime Type"},
        "is_stream": {"default": False, "title": "Is Stream", "type": "boolean"},
        "meta": {"$ref": "#/$defs/FileDataMeta"},
    },
    "$defs": {
        "FileDataMeta": {
            "type": "object",
            "title": "FileDataMeta",
            "required": ["_type"],
            "properties": {"_type": {"const": "gradio.FileData", "title": "Type", "type": "string"}},
        }
    },
}

_FILES: Schema = {
    "type": "array",
    "title": "ListFiles",
    "items": {key: value for key, value in _FILE.items() if key != "$defs"},
    "$defs": _FILE["$defs"],
}

_GALLERY: Schema = {
    "type": "array",
    "title": "GalleryData",
    "items": {
        "type": "object",
        "title": "GalleryImage",
        "required": ["image"],
        "properties": {
            "image": {key: value for key, value in _FILE.items() if key != "$defs"},
            "caption": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Caption"},
        },
    },
    "$defs": _FILE["$defs"],
}

_MULTIMODAL: Schema = {
    "type": "object",
    "title": "MultimodalData",
    "required": ["text"],
    "properties": {
        "text": {"title": "Text", "type": "string"},
        "files": {key: value for key, value in _FILES.items() if key != "$defs"},
    },
    "$defs": _FILE["$defs"],
}

_MESSAGE: Schema = {
    "type": "object",
    "title": "Message",
    "required": ["role", "content"],
    "properties": {
        "role": {"title": "Role", "type": "string"},
        "metadata": {"anyOf": [{"type": "object"}, {"type": "null"}], "default": None},
        "content": {"anyOf": [{"type": "string"}, {"type": "array"}], "title": "Content"},
        "options": {"anyOf": [{"type": "array"}, {"type": "null"}], "default": None},
    },
}


def _choice_schema(component: Component) -> Schema:
    return {"enum": [*component.choices], "title": component.type.capitalize(), "type": "string"}


def _choice_type(component: Component) -> str:
    return f"Literal[{', '.join(repr(choice) for choice in component.choices)}]"


def _several_schema(component: Component) -> Schema:
    items = {"enum": [*component.choices], "type": "string"}
    return {"items": items, "title": "Checkbox Group", "type": "array"}


@dataclass(frozen=True)
class Kind:
    """What all components of one type have in common."""

    schema: Callable[[Component], Schema]
    python_type: Callable[[Component], str]
    example: Any = None
    config_type: str | None = None
    """The name in the config, where it is not the type's own."""
    multiple: bool = False
    holds: Literal["file", "files", "anything", "no file"] = "no file"
    """What of a value of this type becomes a file before the function sees it."""
    sized: bool = False
    """The size of a file is told."""


def _kind(schema: Schema, python_type: str, example: Any, **options: Any) -> Kind:
    return Kind(lambda _: schema, lambda _: python_type, example, **options)


_EXAMPLE_FILE = {"path": "sample.txt", "meta": {"_type": "gradio.FileData"}, "orig_name": "sample.txt"}

TYPES: Mapping[str, Kind] = {
    "textbox": _kind({"type": "string"}, "str", "Hello!!"),
    "number": _kind({"type": "number"}, "float", 3),
    "checkbox": _kind({"type": "boolean"}, "bool", True),
    "radio": Kind(_choice_schema, _choice_type),
    "dropdown": Kind(_choice_schema, _choice_type),
    "checkboxgroup": Kind(_several_schema, lambda component: f"list[{_choice_type(component)}]"),
    "json": _kind(
        {"type": {}, "description": "any valid json"}, "str | float | bool | list | dict", {"foo": "bar"}
    ),
    "chatbot": _kind(
        {"type": "array", "title": "ChatbotDataMessages", "items": _MESSAGE},
        "list[dict(role: str, content: str | list)]",
        [{"role": "user", "content": "Hello!"}],
        holds="anything",
    ),
    "multimodaltextbox": _kind(
        _MULTIMODAL,
        "dict(text: str, files: list[filepath])",
        {"text": "Describe this.", "files": [_EXAMPLE_FILE]},
        holds="anything",
    ),
    "file": _kind(_FILE, "filepath", _EXAMPLE_FILE, holds="file", sized=True),
    "files": _kind(
        _FILES,
        "list[filepath]",
        [_EXAMPLE_FILE],
        config_type="file",
        multiple=True,
        holds="files",
        sized=True,
    ),
    "image": _kind(_FILE, "filepath", _EXAMPLE_FILE, holds="file"),
    "audio": _kind(_FILE, "filepath", _EXAMPLE_FILE, holds="file"),
    "video": _kind(_FILE, "filepath", _EXAMPLE_FILE, holds="file"),
    "gallery": _kind(
        _GALLERY,
        "list[dict(image: filepath, caption: str | None)]",
        [{"image": _EXAMPLE_FILE, "caption": None}],
        holds="anything",
    ),
    "button": _kind({"type": "string"}, "str", None),
    "column": _kind({}, "Any", None),
    "state": _kind({}, "Any", None),
}
"""Every component type, by name."""
