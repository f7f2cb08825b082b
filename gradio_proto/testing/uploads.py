"""``/upload`` and ``/file=``: files into the server's store, and out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from .answers import Answer, HTTPError, Later, Methods, Reply, Request, json_reply, redirect, text_reply
from .app import TestApp
from .bodies import in_older_words, missing_field
from .files import FOLDER, Digest, FileStore
from .multipart import MultipartError, MultipartParser, Part, boundary_of
from .parts import Parts

_MAX_FILES: Final = 1000
"""Files in one request, as Gradio has it."""

_TYPES: Mapping[str, str] = {
    "txt": "text/plain", "json": "application/json", "png": "image/png", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "mp3": "audio/mpeg", "wav": "audio/wav",
    "ogg": "audio/ogg", "mp4": "video/mp4", "webm": "video/webm", "html": "text/html", "css": "text/css",
    "csv": "text/csv", "svg": "image/svg+xml", "pdf": "application/pdf", "zip": "application/zip",
}  # fmt: skip
"""Content types by suffix. The standard library's table depends on files of the machine."""

_UNSAFE: Final = frozenset(
    ("text/html", "text/css", "text/csv", "image/svg+xml", "application/pdf", "application/zip")
)
"""What is sent as an attachment of no type: a browser might run it, or does not show it anyway."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Upload:
    """The body of one upload, on its way in.

    Args:
        store: Where its files go.
        boundary: What stands between its parts.
        max_file_size: Bytes of one file, at most.
        new_id: Makes names for files that have none.
        nothing: What is wrong with an upload without files, where that is an error.
    """

    def __init__(
        self,
        store: FileStore,
        boundary: bytes,
        max_file_size: int | None,
        new_id: Callable[[], str],
        nothing: Sequence[Mapping[str, Any]],
    ) -> None:
        self._store = store
        self._max_file_size = max_file_size
        self._new_id = new_id
        self._nothing = nothing
        self._parser = MultipartParser(boundary, self._begin, self._grow)
        # Each file with the hash of what has come in of it.
        self._files: dict[Part, Digest] = {}

    def feed(self, data: bytes | bytearray) -> Reply | None:
        """Take a piece of the body. Returns how it is refused, as soon as it is clear that it will be."""
        try:
            self._parser.feed(data)
        except MultipartError as error:
            return _refusal(error)
        return None

    def finish(self) -> Reply:
        """The body is at its end: keep the files, and answer with their paths."""
        try:
            self._parser.finish()
        except MultipartError as error:
            return _refusal(error)
        paths: list[str] = []
        for part, digest in self._files.items():
            if part.name == "files":
                given = part.filename or f"tmp{self._new_id()[:10]}"
                name = self._store.harmless(given)
                if name in ("", ".", ".."):
                    return json_reply(400, {"detail": f"Invalid file name: {name}"})
                paths.append(self._store.keep(name, part.data, self._folder(digest)))
        if not paths and not self._store.hashes_uploads:
            return json_reply(422, {"detail": self._nothing})
        return json_reply(200, paths)

    def _folder(self, digest: Digest) -> Digest:
        """What the folder of a file is named after."""
        if not self._store.hashes_uploads:
            digest = self._store.digest()
            digest.update(self._new_id().encode())
        return digest

    def _begin(self, part: Part) -> None:
        if part.filename is not None:
            if len(self._files) == _MAX_FILES:
                raise MultipartError(f"Too many files. Maximum number of files is {_MAX_FILES}.")
            self._files[part] = self._store.digest()

    def _grow(self, part: Part, data: bytes) -> None:
        if part in self._files:
            limit = self._max_file_size
            if limit is not None and part.size > limit:
                raise MultipartError(f"File size exceeded maximum allowed size of {limit} bytes.")
            self._files[part].update(data)


def _refusal(error: MultipartError) -> Reply:
    return text_reply(413 if "maximum allowed size" in str(error) else 400, str(error))


class FileRoutes:
    """The routes of files.

    Args:
        app: The app.
        store: The files of its server.
        new_id: Makes names for files that have none.
        parts: What uploads are made of.
    """

    def __init__(self, app: TestApp, store: FileStore, new_id: Callable[[], str], parts: Parts) -> None:
        self._app = app
        self._upload = parts.of(Upload)
        self._store = store
        self._new_id = new_id
        self._generation = app.generation
        nothing = missing_field("files")
        self._nothing = in_older_words(nothing) if self._generation.speaks_pydantic_1 else nothing
        self.upload_path = f"{self._generation.prefix}/upload"
        """Where bodies are taken apart as they come in."""
        self.whole: Mapping[str, Methods] = {self.upload_path: {"POST": self._post_upload}}
        """Who answers these paths."""
        self.starting: Mapping[str, Methods] = {
            f"{self._generation.prefix}/file=": {"GET": self._get_file, "HEAD": self._get_file}
        }
        """Who answers paths that begin so."""

    def begin(self, request: Request) -> Upload | Reply:
        """An upload begins; its body is still to come."""
        try:
            boundary = boundary_of(request.content_type)
        except MultipartError as error:
            return _refusal(error)
        if boundary is None:
            if not self._generation.hashes_uploads:
                return json_reply(422, {"detail": self._nothing})
            return json_reply(400, {"detail": "Invalid content type."})
        limit = self._app.max_file_size if self._generation.checks_upload_size else None
        return self._upload(self._store, boundary, limit, self._new_id, self._nothing)

    def _post_upload(self, request: Request, later: Later, now: float) -> Answer:
        assert request.upload is not None  # an upload that was refused does not come this far
        return request.upload.finish()

    def _get_file(self, request: Request, later: Later, now: float) -> Answer:
        path = request.path.partition("/file=")[2]
        if path.startswith(("http://", "https://")) and self._generation.redirects_to_urls:
            return redirect(path)
        data = self._store.find(path)
        if data is None:
            inside = path.startswith(f"{FOLDER}/") and not self._generation.hides_missing_files
            if inside or self._generation.looks_for_files_first:
                raise HTTPError(404, f"File not found: {path}.")
            raise HTTPError(403, f"File not allowed: {path}.")
        return self._download(path.rpartition("/")[2], data, request.headers.get("range", ""))

    def _download(self, name: str, data: bytes, wanted: str) -> Reply:
        bare = _TYPES.get(name.rpartition(".")[2].lower())
        headers: list[tuple[str, str]] = []
        disposition = "inline"
        if self._generation.disposes and (bare is None or bare in _UNSAFE):
            bare, disposition = None, "attachment"
        bare = bare or ("application/octet-stream" if self._generation.disposes else "text/plain")
        content_type = f"{bare}; charset=utf-8" if bare.startswith("text/") else bare
        asked = _RANGE.fullmatch(wanted.strip())
        first, last = asked.groups() if asked else ("", "")
        span: tuple[int, int] | None = None
        if first and last:
            # Answered by code of its own, with headers of its own.
            span = int(first), min(int(last), len(data) - 1)
            headers.append(("range", wanted.strip()))
            if self._generation.disposes:
                headers.append(("content-disposition", disposition))
                content_type = bare
        else:
            headers.append(("accept-ranges", "bytes"))
            if self._generation.disposes:
                shown = f"{disposition}; filename*=utf-8''{quote(name)}"
                if quote(name) == name:
                    shown = f'{disposition}; filename="{name}"'
                headers.append(("content-disposition", shown))
                if first:
                    span = int(first), len(data) - 1
                elif last:
                    span = max(len(data) - int(last), 0), len(data) - 1
        if span is None:
            return Reply(200, data, content_type, headers)
        if span[0] > span[1]:
            return text_reply(416, "Range Not Satisfiable", [("content-range", f"bytes */{len(data)}")])
        headers.append(("content-range", f"bytes {span[0]}-{span[1]}/{len(data)}"))
        return Reply(206, data[span[0] : span[1] + 1], content_type, headers)
