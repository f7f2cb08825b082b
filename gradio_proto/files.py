"""Files as values: what a caller gives, what an app hands out, and how both stand in JSON.

On the wire a file is an object, *FileData*: ``{"path": ..., "orig_name": ..., "meta": {"_type": "gradio.FileData"}}``,
where ``path`` is a place on the server. Such an object is data like any other. What is opened on this machine is
only what a caller has wrapped in a :class:`FileInput`: no string and no object that came from a server can name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Literal, Protocol, TypeAlias, TypedDict, cast

from . import jsontext
from .config import Component, is_list, is_object
from .errors import ArgumentError
from .filenames import last_component, safe_file_name

META: Final[Mapping[str, str]] = {"_type": "gradio.FileData"}
"""What marks an object as FileData; without it Gradio 5 and later refuse it as an input."""

PLAYLIST: Final = "playlist.m3u8"
WHOLE_STREAM: Final = "playlist-file"
"""Gradio 5 and later stream media as HLS. Beside the playlist stands everything in one piece."""

FileKind: TypeAlias = Literal["path", "bytes", "stream", "url"]


class FileData(TypedDict):
    """A file in an output, as the server describes it; what ``Client(..., download_files=False)`` gives for one.

    It is a name for annotations: what the client gives is the dict that came. Servers before Gradio 4.20 leave ``meta``
    out, and those before 4.0 have other keys.
    """

    path: str
    """Where it is on the server."""
    url: str | None
    """Where it can be fetched."""
    size: int | None
    """Its bytes."""
    orig_name: str | None
    """What it was called."""
    mime_type: str | None
    """Its media type."""
    is_stream: bool
    """Whether it is media that is still growing."""
    meta: dict[str, str]
    """What marks it as a file: ``{"_type": "gradio.FileData"}``."""


FILE_KEYS: Final = frozenset({"path", "url", "size", "orig_name", "mime_type", "is_stream"})
"""The keys of FileData up to Gradio 4.19, which does not mark it."""

_DEEPEST_SCHEMA: Final = 64


class FileInput:
    """A file to send, anywhere in the arguments of a call. Made by :func:`gradio_proto.handle_file`.

    Attributes:
        source: A path, the bytes themselves, a binary stream (read once, to its end), or a URL.
        kind: Which of these it is.
        name: What the file is called; the app sees it, made safe.
        size: Its bytes, where they are known without asking the file system.
    """

    __slots__ = ("kind", "name", "size", "source")

    def __init__(self, source: str | bytes | BinaryIO, kind: FileKind, name: str) -> None:
        self.source: Final = source
        self.kind: Final[FileKind] = kind
        self.name: Final = name
        self.size: Final = _size_of(source)

    def __repr__(self) -> str:
        # A URL may hold a signature, and a path is the caller's own affair.
        return f"<FileInput {self.name!r} from {self.kind}>"


def _size_of(source: str | bytes | BinaryIO) -> int | None:
    if isinstance(source, str):
        return None
    if isinstance(source, bytes):
        return len(source)
    # Here, because asking may run code of the caller's, which the flows must not wait for.
    if not source.seekable():
        return None
    start = source.tell()
    end = source.seek(0, 2)
    source.seek(start)
    return max(end - start, 0)


def name_of_source(source: object) -> str | None:
    """The name that a path, a URL or a stream carries; None where it has none."""
    if not isinstance(source, str):
        source = getattr(source, "name", None)  # a temporary file's may be a number
    if not isinstance(source, str):
        return None
    return last_component(source.partition("?")[0].partition("#")[0] if is_url(source) else source) or None


def is_url(text: str) -> bool:
    """Whether a string is the URL of a file, rather than a path."""
    return text[:8].lower().startswith(("http://", "https://"))


def file_data(path: str, name: str) -> dict[str, Any]:
    """The FileData of an input: ``path`` is what the upload returned, or a URL that the server fetches itself."""
    return {"path": path, "orig_name": safe_file_name(name), "meta": dict(META)}


class ShapedFile:
    """A file among the arguments that is not to be written as FileData (Gradio 3.x; see legacy_files.py).

    Args:
        file: The file.
        shape: Makes what stands in JSON of its path on the server, and of its name.
        is_inline: Whether it is sent in the payload itself: the path is a data URL then, and nothing is uploaded.
    """

    __slots__ = ("file", "is_inline", "shape")

    def __init__(self, file: FileInput, shape: Callable[[str, str], Any], *, is_inline: bool = False) -> None:
        self.file: Final = file
        self.shape: Final = shape
        self.is_inline: Final = is_inline


class _Write(Protocol):
    def __call__(self, *, encode: Callable[[Any], Any]) -> bytes: ...


class Uploads:
    """The files among the arguments of a call, found while those are written as JSON.

    That is done once, at the call, since the caller may change the arguments while their files go up. Until a
    file's path is known, a mark stands in its place.

    Args:
        write: Writes the call's payload, and asks ``encode`` what to write for a value that is no JSON.
        token: Makes what no argument contains: random, and new for each call.

    Raises:
        ArgumentError: An argument is neither JSON nor a file.
    """

    def __init__(self, write: _Write, token: Callable[[], str]) -> None:
        self.paths: dict[FileInput, str] = {}
        """What has to be uploaded, in order, each with its path on the server, once that is known."""
        self.inlined: dict[FileInput, str] = {}
        """What has to be read into the payload, each with its data URL, once that is known."""
        self.sizes: dict[FileInput, int | None] = {}
        """The bytes of all of them, where known."""
        self._token = token
        self._mark_start = ""
        self._marks: dict[tuple[FileInput, bool], str] = {}
        """What stands for each, the nth of them with n at its end."""
        self._payload = write(encode=self._encode)

    @property
    def files(self) -> tuple[FileInput, ...]:
        """Every file that has to be read before the payload is complete, each once."""
        return tuple(dict.fromkeys((*self.paths, *self.inlined)))

    def payload(self) -> bytes:
        """The call's payload; it can be sent once every file has its path or its data URL."""
        if not self._marks:
            return self._payload
        paths = [
            jsontext.dumps((self.inlined if is_inline else self.paths)[file])
            for file, is_inline in self._marks
        ]
        first, *others = self._payload.split(jsontext.dumps(self._mark_start)[:-1])
        pieces = [first]
        for other in others:
            number, _, behind = other.partition(b'"')
            pieces += [paths[int(number)], behind]
        return b"".join(pieces)

    def _encode(self, value: Any) -> Any:
        if isinstance(value, FileInput):
            if value.kind == "url":
                return file_data(str(value.source), value.name)
            return file_data(self._mark(value, is_inline=False), value.name)
        if isinstance(value, ShapedFile):
            return value.shape(self._mark(value.file, is_inline=value.is_inline), value.file.name)
        kind = type(value).__name__
        if hasattr(value, "__fspath__") or hasattr(value, "read") or isinstance(value, bytes | bytearray):
            raise TypeError(f"a {kind} is sent as a file only if you say handle_file(...)")
        raise TypeError(f"Object of type {kind} is not JSON serializable")

    def _mark(self, file: FileInput, *, is_inline: bool) -> str:
        """What stands in the place of a file's path, or of its data URL."""
        key = (file, is_inline)
        if key not in self._marks:
            self._mark_start = self._mark_start or self._token()
            self._marks[key] = f"{self._mark_start}{len(self._marks)}"
            (self.inlined if is_inline else self.paths)[file] = ""
        return self._marks[key]


@dataclass(frozen=True, slots=True)
class FileOutput:
    """A file that an app hands out: in an output, it stands where the FileData stood until it is fetched."""

    route: str
    """Where it is fetched, under the app's ``api_prefix``: ``"file=/tmp/gradio/.../out.png"``."""
    query: tuple[tuple[str, str], ...] = field(repr=False)
    """What belongs to it: the signature of a private Space's stream."""
    name: str = field(compare=False)
    """What it is called, one safe component of a path."""
    is_stream: bool = field(compare=False)
    """Whether it is media that may still be growing; the whole of it is there when the job has ended."""
    raw: Any = field(compare=False, repr=False)
    """The FileData as it came."""
    is_declared: bool = field(default=True, compare=False)
    """Whether its component is made to hold files. An object in an app's own JSON may be marked as one and be none."""
    content: str | None = field(default=None, repr=False)
    """The whole file in base64, where it has come within the output (3.x): then nothing is fetched."""

    @property
    def is_given_once(self) -> bool:
        """Whether a second request would get less, or hang: 4.x drops each piece of a stream as it sends it."""
        return self.is_stream and not self.route.endswith(WHOLE_STREAM)


def file_output(value: Mapping[str, Any], *, is_declared: bool = True) -> FileOutput | None:
    """What to fetch for an object in an output; None where it is no FileData, or not of this server.

    Its ``url`` is not used: up to 5.x it is not encoded, and behind a proxy it may name a host that only the server
    knows. Both routes follow from the path.
    """
    path = value.get("path")
    if not isinstance(path, str) or not path:
        return None
    meta = value.get("meta")
    marked = is_object(meta) and meta.get("_type") == META["_type"]
    if not marked and (meta is not None or not FILE_KEYS.issuperset(value)):
        return None
    if value.get("is_stream") is not True:
        name = safe_file_name(last_component(path))
        return FileOutput(f"file={path}", (), name, False, value, is_declared)
    name = last_component(path)
    if name == PLAYLIST:
        path = path.removesuffix(PLAYLIST) + WHOLE_STREAM
    told = value.get("orig_name")
    return FileOutput(
        f"stream/{path}",
        _signature(value.get("url")),
        safe_file_name(last_component(told) if isinstance(told, str) else name),
        True,
        value,
        is_declared,
    )


def _signature(url: Any) -> tuple[tuple[str, str], ...]:
    """The signature in the query of a stream's URL, without which a private Space does not give the stream out."""
    query: str = url.partition("?")[2] if isinstance(url, str) else ""
    found = [part.partition("=")[2] for part in query.split("&") if part.startswith("__sign=")]
    return tuple(("__sign", sign) for sign in found[:1])


Replace: TypeAlias = Callable[[Any], Any]


def replace_in(value: Any, replace: Replace) -> Any:
    """``value`` with what ``replace`` returns for its parts, outermost first; the part itself means: look into it.

    Nothing is changed in place, and what holds nothing to replace is not copied. It takes one frame a level, which
    ``Limits.json_depth`` counts on.
    """
    changed = replace(value)
    if changed is not value:
        return changed
    if is_object(value):
        entries: dict[str, Any] = {}
        for key, entry in value.items():
            entries[key] = replace_in(entry, replace)
        return entries if any(entries[key] is not value[key] for key in entries) else value
    if isinstance(value, list | tuple):
        given = cast("Sequence[Any]", value)
        items: list[Any] = []
        for item in given:
            items.append(replace_in(item, replace))
        if all(new is old for new, old in zip(items, given, strict=True)):
            return given
        return items if isinstance(given, list) else tuple(items)
    return value


def as_file_outputs(value: Any, component: Component | None = None) -> Any:
    """A component's output with a :class:`FileOutput` wherever FileData stands in it.

    Where the component's schema knows of no files, as that of a gr.JSON, only an object that is marked counts:
    ``{"path": ...}`` in an app's own JSON is no file.
    """
    declared = may_hold_files(component)

    def replace(part: Any) -> Any:
        if not is_object(part) or not (declared or "meta" in part):
            return part
        return file_output(part, is_declared=declared) or part

    return replace_in(value, replace)


def file_outputs_in(value: Any) -> list[FileOutput]:
    """The files in what :func:`as_file_outputs` returned, each once."""
    found: dict[FileOutput, None] = {}

    def note(part: Any) -> Any:
        if isinstance(part, FileOutput):
            found[part] = None
        return part

    replace_in(value, note)
    return list(found)


def with_local_files(value: Any, paths: Mapping[FileOutput, str]) -> Any:
    """An output with the local path of each file; one that is not in ``paths`` stays the FileData that it was."""
    return replace_in(
        value,
        lambda part: paths.get(part) or _as_it_came(part) if isinstance(part, FileOutput) else part,
    )


def _as_it_came(file: FileOutput) -> Any:
    return dict(file.raw) if is_object(file.raw) else file.raw


def may_hold_files(component: Component | None) -> bool:
    """Whether the values of a component are made to hold files; without a schema anything is possible."""
    return component is None or component.api_info is None or _mentions_path(component.api_info, 0)


def _mentions_path(schema: Any, depth: int) -> bool:
    if depth > _DEEPEST_SCHEMA:
        return True
    if is_object(schema):
        return "path" in schema or any(_mentions_path(part, depth + 1) for part in schema.values())
    return is_list(schema) and any(_mentions_path(part, depth + 1) for part in schema)


def check_size(file: FileInput, size: int | None, most: int | None) -> None:
    """Refuse a file that the app would refuse, before anything of it is sent.

    Raises:
        ArgumentError: It is larger than the app's ``max_file_size``.
    """
    if size is not None and most is not None and size > most:
        raise ArgumentError(f"{file.name} has {size} bytes, and this app takes files of {most} bytes at most")
