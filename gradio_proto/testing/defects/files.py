"""Defects in uploads, downloads, and the files of values."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from ..answers import Answer, HTTPError, Later, Reply, Request, json_reply, text_reply
from ..files import FOLDER, Digest, File, FileStore
from ..jsonvalues import is_dict
from ..multipart import Part
from ..uploads import FileRoutes, Upload
from .table import SSE, SSE_V21, V4, defect

_PASSWORDS: Final = "/etc/passwd"
_SECRET: Final = b"root:x:0:0::/:/bin/sh\n"
"""What a server with such a defect gives out. It is a fake: nothing here opens a file."""


def _secret(path: str) -> Reply | None:
    return Reply(200, _SECRET, "text/plain; charset=utf-8") if path == _PASSWORDS else None


def _path(request: Request) -> str:
    return request.path.partition("/file=")[2]


# Uploads


@defect("files/bytes-changed", "file/upload/bytes")
class BytesChanged(FileStore):
    """The line ends of a file are changed as it is kept."""

    def keep(self, name: str, data: bytes, digest: Digest | None = None) -> str:
        """Keep a file."""
        return super().keep(name, data.replace(b"\r\n", b"\n"), digest)


@defect("files/name-with-folders", "file/upload/name")
class NameWithFolders(FileStore):
    """The folders of a file's name are kept, those that lead upwards included."""

    def harmless(self, name: str) -> str:
        """The name, part by part."""
        folders, slash, last = name.rpartition("/")
        return f"{folders}{slash}{super().harmless(last)}"


@defect("files/name-mangled", "file/upload/plain-name")
class NameMangled(FileStore):
    """The end of a file's name, by which apps tell what it is, is lost."""

    def harmless(self, name: str) -> str:
        """The name without its end."""
        stem, dot, suffix = super().harmless(name).rpartition(".")
        return stem if dot and stem.strip(".") else suffix


@defect("files/shared-folder", "file/upload/name")
class SharedFolder(FileStore):
    """All files are in one folder, so that those of the same name overwrite each other."""

    def keep(self, name: str, data: bytes, digest: Digest | None = None) -> str:
        """Keep a file."""
        path = f"{FOLDER}/shared/{name}"
        self._files[path] = data
        return path


@defect("files/order-changed", "file/upload/reply")
class OrderChanged(Upload):
    """The paths of uploaded files are answered in the order of their names."""

    def finish(self) -> Reply:
        """Keep the files in another order."""
        self._files = dict(sorted(self._files.items(), key=lambda item: item[0].filename or ""))
        return super().finish()


@defect("files/empty-left-out", "file/upload/reply")
class EmptyLeftOut(Upload):
    """An uploaded file without content has no path in the answer."""

    def finish(self) -> Reply:
        """Keep the other files."""
        self._files = {part: digest for part, digest in self._files.items() if part.size}
        return super().finish()


@defect("upload/too-large-accepted", "file/upload/too-large", since=V4)
class TooLargeAccepted(Upload):
    """A file of more than ``max_file_size`` bytes is accepted."""

    def _grow(self, part: Part, data: bytes) -> None:
        self._max_file_size = None
        super()._grow(part, data)


@defect("upload/too-large-500", "file/upload/too-large", since=V4)
class TooLarge500(Upload):
    """A file of more than ``max_file_size`` bytes makes the server stumble."""

    def feed(self, data: bytes | bytearray) -> Reply | None:
        """Take a piece of the body."""
        refusal = super().feed(data)
        return refusal and text_reply(500, "Internal Server Error")


@defect("upload/not-multipart-accepted", "file/upload/not-multipart")
class NotMultipartAccepted(FileRoutes):
    """An upload that is no form is one of no files."""

    def begin(self, request: Request) -> Upload | Reply:
        """An upload begins."""
        begun = super().begin(request)
        return json_reply(200, []) if isinstance(begun, Reply) else begun


# Downloads


@defect("files/path-traversal", "file/download/outside")
class PathTraversal(FileRoutes):
    """A path that leads out of the folder of files by ``..`` is followed."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        path = _path(request)
        found = _secret(posixpath.normpath(path)) if path.startswith(FOLDER) else None
        return found or super()._get_file(request, later, now)


@defect("files/absolute-path", "file/download/outside")
class AbsolutePath(FileRoutes):
    """Any file of the machine can be had by its path."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        return _secret(_path(request)) or super()._get_file(request, later, now)


@defect("files/encoded-path", "security/server/paths")
class EncodedPath(FileRoutes):
    """A path that is encoded twice is not looked at before it is decoded once more."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        path = _path(request)
        found = _secret(posixpath.normpath(unquote(path))) if "%" in path else None
        return found or super()._get_file(request, later, now)


@defect("files/download-cut", "file/download/bytes")
class DownloadCut(FileRoutes):
    """A download lacks the last byte."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._get_file(request, later, now)
        is_whole = isinstance(answer, Reply) and answer.status == 200
        return replace(answer, body=answer.body[:-1]) if is_whole and isinstance(answer, Reply) else answer


@defect("files/missing-200", "file/download/forbidden")
class Missing200(FileRoutes):
    """A download of what there is not is answered 200, with nothing."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._get_file(request, later, now)
        except HTTPError:
            return Reply(200, b"", "application/octet-stream")


@defect("files/forbidden-500", "file/download/forbidden")
class Forbidden500(FileRoutes):
    """A download of what is not to be had makes the server stumble."""

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._get_file(request, later, now)
        except HTTPError:
            return text_reply(500, "Internal Server Error")


# Values


@defect("files/foreign-path-read", "file/input/foreign-path", since=SSE)
class ForeignPathRead(FileStore):
    """A file in an input may be any of the machine."""

    def open(self, value: Any) -> File:
        """The file that a client means by a value."""
        if is_dict(value) and value.get("path") == _PASSWORDS:
            return File("passwd", _SECRET)
        return super().open(value)


@defect("files/meta-missing", "file/output/marked", since=SSE_V21)
class MetaMissing(FileStore):
    """A file in an output is not marked as one."""

    def file_data(self, file: File, root: str, *, sized: bool, named: bool = True) -> dict[str, Any]:
        """Keep a file, and describe it."""
        described = super().file_data(file, root, sized=sized, named=named)
        return {key: value for key, value in described.items() if key != "meta"}


@defect("files/url-raw", "file/output/url", since=SSE)
class URLRaw(FileStore):
    """The URL of a file holds spaces, and letters beyond ASCII, as they are."""

    def file_data(self, file: File, root: str, *, sized: bool, named: bool = True) -> dict[str, Any]:
        """Keep a file, and describe it."""
        described = super().file_data(file, root, sized=sized, named=named)
        return {**described, "url": unquote(described["url"])}


@defect("files/url-relative", "file/output/url", since=SSE)
class URLRelative(FileStore):
    """The URL of a file lacks the server."""

    def file_data(self, file: File, root: str, *, sized: bool, named: bool = True) -> dict[str, Any]:
        """Keep a file, and describe it."""
        return super().file_data(file, "", sized=sized, named=named)
