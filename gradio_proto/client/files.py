"""Giving a file to a call."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ArgumentError
from ..files import FileInput, is_url, name_of_source
from .options import path_of

if TYPE_CHECKING:
    from os import PathLike


def handle_file(
    filepath_or_url: str | PathLike[str] | bytes | bytearray | BinaryIO, name: str | None = None
) -> FileInput:
    """Say that an argument is a file. It may stand anywhere in the arguments of a call, also inside lists and dicts.

    Nothing is opened here: a path is looked at when the call is made, and read when its turn comes. Strings that
    merely look like paths are never opened.

    Args:
        filepath_or_url: A path; a URL, which the app's server fetches by itself (for Gradio 3.x, the client reads it,
            and sends nothing of its own there); bytes; or a binary stream, which is read once, from where it stands to
            its end, and not closed. (The name is the official client's, which takes no more than the first two.)
        name: What the app sees as the file's name, with the suffix by which many apps go. Needed for bytes, and for
            a stream that has none.

    Raises:
        TypeError: ``filepath_or_url`` is nothing of that.
        ArgumentError: There is no name.

    Example:
        ::

            from pathlib import Path

            from gradio_proto import handle_file

            letter = handle_file(b"dear all", name="letter.txt")
            path = client.predict(letter, api_name="/capitals")
            print(Path(path).read_text())  # prints DEAR ALL
    """
    source = filepath_or_url
    if isinstance(source, bytes | bytearray):
        return FileInput(bytes(source), "bytes", _name(source, name))
    path = path_of(source)
    if path is not None:
        if not path:
            raise ArgumentError("handle_file() needs a path, and got an empty one")
        return FileInput(path, "url" if path is source and is_url(path) else "path", _name(path, name))
    if not hasattr(source, "read") or not hasattr(source, "seekable"):
        raise TypeError(f"a file is a path, a URL, bytes or a binary stream, not {type(source).__name__}")
    stream: BinaryIO = source  # type: ignore[assignment]
    return FileInput(stream, "stream", _name(stream, name))


def file(filepath_or_url: str | PathLike[str] | bytes | bytearray | BinaryIO) -> FileInput:
    """The old name of :func:`handle_file`, which the official client still takes.

    Raises:
        TypeError: As :func:`handle_file`.
        ArgumentError: As :func:`handle_file`.
    """
    warnings.warn("file() is the old name of handle_file()", DeprecationWarning, stacklevel=2)
    return handle_file(filepath_or_url)


def _name(source: object, name: str | None) -> str:
    if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a file's name is a str, not {type(name).__name__}")
    found = name or name_of_source(source)
    if not found:
        raise ArgumentError("this file has no name: handle_file(..., name='data.csv')")
    return found
