"""Files of an app: what its functions get and give, and where a server keeps them: in memory, by path.

The paths look like those of a real server, ``/tmp/gradio/<hash>/<name>``, but nothing is there: a
:class:`FileStore` is all there is to them. As on a real server the hash is that of the content, so that the
same content under the same name is kept once, and a name is made harmless before it is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from .dataurls import decode, encode
from .generations import Generation
from .jsonvalues import is_dict, is_list

FOLDER: Final = "/tmp/gradio"
"""Where a real server keeps uploads and outputs, unless told otherwise."""

META: Final[Mapping[str, str]] = {"_type": "gradio.FileData"}
"""What marks an object as FileData."""

_MAX_NAME = 200
"""Bytes of a file's name; real servers cut off the rest."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f`$!{}]')

_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[1-9])\s*(\.|$)")
"""Names that Windows keeps for itself."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as a function gets it, and as it returns one."""

    name: str
    """Its name on the server, without folders: of an upload, the client's name without odd letters."""
    data: bytes = field(repr=False)
    """What is in it."""
    orig_name: str | None = None
    """What the client called it in the call; without meaning on a file that is returned."""
    mime_type: str | None = None
    """What the client said that it is; without meaning on a file that is returned."""


class Digest(Protocol):
    """A hash, of what has been put into it so far."""

    def update(self, data: bytes, /) -> None:
        """Put more into it."""

    def hexdigest(self) -> str:
        """The hash, in hexadecimal digits."""
        ...


class FileStore:
    """The files of one server.

    Args:
        generation: Which server.
        seed: What else than the content its hashes depend on, where they do.
        web: What the server finds at web addresses. (It is never asked for anything else.)
    """

    def __init__(self, generation: Generation, seed: str, web: Mapping[str, bytes]) -> None:
        self._generation = generation
        self._seed = seed.encode() if generation.seeds_file_hashes else b""
        self._web = web
        self._files: dict[str, bytes] = {}
        self.has_inline_images = generation.has_sockets
        """Images are data URLs, both ways."""
        self.names_images = generation.names_images
        """It is told what the file of an image is called."""
        self.hashes_uploads = generation.hashes_uploads
        """The folder of an upload is named after what is in it."""
        self.numbers_are_floats = generation.numbers_are_floats
        """What is no file, but has to be known in the same place: numbers are floats."""

    def find(self, path: str) -> bytes | None:
        """What is in the file at a path, or None if there is none."""
        return self._files.get(path)

    def digest(self) -> Digest:
        """A hash of no content yet, as the folder of a file is named after."""
        return hashlib.new(self._generation.file_hash, self._seed, usedforsecurity=False)

    def keep(self, name: str, data: bytes, digest: Digest | None = None) -> str:
        """Keep a file.

        Args:
            name: A harmless name.
            data: What is in it.
            digest: The hash of that, if it is known.

        Returns:
            Its path.
        """
        if digest is None:
            digest = self.digest()
            digest.update(data)
        path = f"{FOLDER}/{digest.hexdigest()}/{name}"
        self._files[path] = data
        return path

    def harmless(self, name: str) -> str:
        """The name without folders and without what that version of Gradio takes away."""
        name = name.rstrip("/").rpartition("/")[2]
        letters = self._generation.file_name_letters
        if letters is None:
            name = _FORBIDDEN.sub("", name)
            name = name if name == ".." else name.rstrip(" .") or "file"
            name = f"_{name}" if _DEVICE.match(name) else name
        else:
            name = "".join(char for char in name if char.isalnum() or char in letters)
        while len(name.encode("utf-8", "replace")) > _MAX_NAME:
            stem, dot, suffix = name.rpartition(".")
            kept = self._generation.keeps_suffixes and stem
            name = f"{stem[:-1]}{dot}{suffix}" if kept else name[:-1]
        return name

    # Files in values

    def file_data(self, file: File, root: str, *, sized: bool, named: bool = True) -> dict[str, Any]:
        """Keep a file that a function gave, and describe it as the wire does.

        Args:
            file: The file.
            root: The address that the client used.
            sized: Tell its size. (Not every component does.)
            named: Tell its name beside its path.
        """
        path = self.keep(self.harmless(file.name), file.data)
        if self._generation.has_sockets:
            described: dict[str, Any] = {"orig_name": path.rpartition("/")[2], "name": path}
            if sized:
                described["size"] = len(file.data)
            return {**described, "data": None, "is_file": True}
        shown = quote(path) if self._generation.quotes_urls else path
        url = f"{root}{self._generation.prefix}/file={shown}"
        return self._generation.trim(
            "file",
            {
                "path": path,
                "url": url if self._generation.has_file_urls else None,
                "size": len(file.data) if sized else None,
                "orig_name": path.rpartition("/")[2] if named else None,
                "mime_type": None,
                "is_stream": False,
                "meta": {**META},
            },
        )

    def open(self, value: Any) -> File:
        """The file that a client means by a value.

        Raises:
            TypeError: It is no FileData.
            ValueError: It is, but means no file that this server would open.
            KeyError: A field is missing (3.x).
        """
        if self._generation.has_sockets:
            return self._open_older(value)
        if not is_dict(value) or (self._generation.needs_file_meta and value.get("meta") != META):
            if self._generation.needs_file_meta:
                raise ValueError(
                    "1 validation error for FileData\n  Value error, The 'meta' field must be explicitly "
                    f"provided in the input data and be equal to {META}. [type=value_error]"
                )
            raise TypeError(
                f"gradio.data_classes.FileData() argument after ** must be a mapping, not {type(value).__name__}"
            )
        path: Any = value.get("path")
        if not isinstance(path, str):
            raise ValueError("1 validation error for FileData\npath\n  Input should be a valid string")
        data = self._fetched(path) if path.startswith(("http://", "https://")) else self.find(path)
        if data is None:
            raise self._refusal(path)
        name = self.harmless(urlsplit(path).path) if "://" in path else path.rpartition("/")[2]
        return File(name, data, value.get("orig_name"), value.get("mime_type"))

    def open_all(self, value: Any) -> Any:
        """A copy of a value with a :class:`File` in place of every FileData in it."""
        if is_list(value):
            return [self.open_all(item) for item in value]
        if is_dict(value):
            if value.get("is_file") is True if self._generation.has_sockets else value.get("meta") == META:
                return self.open(value)
            return {key: self.open_all(item) for key, item in value.items()}
        return value

    def _open_older(self, value: Any) -> File:
        """The file that 3.x takes a value for: by its path on the server, or as it stands there in base64."""
        if not is_dict(value):
            raise TypeError("string indices must be integers, not 'str'")
        name, data = value["name"], value["data"]
        if value.get("is_file", False):
            found = self.find(name)
            if found is None:
                raise FileNotFoundError(f"[Errno 2] No such file or directory: {name!r}")
            return File(name.rpartition("/")[2], found, value.get("orig_name"))
        mime_type, content = decode(data)
        return File(self.harmless(name), content, name, mime_type)

    def open_inline(self, value: Any) -> File | None:
        """The file that a value holds which is a data URL; None for none.

        Raises:
            ValueError: It is none.
        """
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError("")  # a real server fails an assertion, which says no more
        mime_type, content = decode(value)
        return File(f"image.{(mime_type or 'image/png').partition('/')[2]}", content, None, mime_type)

    def inline(self, file: File) -> str:
        """A data URL that holds a file, whose type is that of its name."""
        return encode(file.data, f"image/{file.name.rpartition('.')[2] or 'png'}")

    def _fetched(self, url: str) -> bytes:
        if url not in self._web:
            raise ValueError(f"Hostname {urlsplit(url).hostname} failed validation")
        return self._web[url]

    def _refusal(self, path: str) -> Exception:
        if self._generation.reads_any_path:
            return FileNotFoundError(f"[Errno 2] No such file or directory: {path!r}")
        if self._generation.needs_file_meta:
            return ValueError(
                f"Cannot move {path} to the gradio cache dir because it was not uploaded by a user."
            )
        return ValueError(f"File {path} is not in the upload folder and cannot be accessed.")
