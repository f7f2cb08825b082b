"""Files that go up or come down by themselves, with no call: the client's part in ``gradio-proto upload`` and
``download``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..effects import Signal
from ..errors import ArgumentError
from ..files import FileInput, FileOutput, Uploads, file_output
from ..flows.download import download_file
from ..flows.state import redacted
from ..flows.upload import upload_files
from ..job import Job
from ..payload import arguments_as_json
from ..timeouts import deadline
from ..urls import parse_app_url

if TYPE_CHECKING:
    from ..transport import BlockingTransport
    from .client import Client
    from .engine import Engine


def upload(client: Client, files: Sequence[FileInput]) -> list[dict[str, Any]]:
    """Send files to an app's server.

    Args:
        client: The client.
        files: Files of this machine.

    Returns:
        What stands for each in the arguments of a call: its FileData, with its size, or what Gradio 3.x has for it.

    Raises:
        ArgumentError: One is not there, or is larger than the app allows.
        GradioError: The server did not take them.
    """
    engine = _engine(client)
    given: Any = list(files)
    is_legacy = engine.config.protocol == "ws"
    if is_legacy:
        from ..legacy_files import shape_inputs  # few servers are that old

        given = shape_inputs(given, None)
    uploads = Uploads(partial(arguments_as_json, {"files": given}), engine.transport.token)
    engine.measure(uploads)
    # What carries an upload is a job, and this one never joins.
    job = Job(
        fn_index=-1,
        label="/upload",
        payload=b"",
        convert=_nothing,
        journal=None,
        version_info=engine.config.version_info,
        deadline=deadline(engine.transport.monotonic(), engine.state.timeouts.total),
    )
    engine.transport.run(redacted(engine.state, upload_files(engine.state, job, uploads, Signal())))
    sent: list[dict[str, Any]] = json.loads(uploads.payload())["files"]
    if not is_legacy:
        for described, file in zip(sent, files, strict=True):
            described["size"] = uploads.sizes[file]
    return sent


def download(client: Client, file: FileOutput) -> str:
    """Fetch a file from an app's server, and return where it is.

    Raises:
        GradioError: It could not be fetched, or not be written.
    """
    engine = _engine(client)
    return engine.transport.run(redacted(engine.state, download_file(engine.state, file)))


def file_of(client: Client, told: str | dict[str, Any]) -> FileOutput:
    """The file that somebody means.

    Args:
        client: The client.
        told: Its path on the server; its URL there; or its FileData.

    Raises:
        ArgumentError: It is none of them, or lies elsewhere: nothing is fetched from another host.
    """
    data = told if isinstance(told, dict) else {"path": told}
    if isinstance(told, str) and "://" in told[:8]:
        data = {"path": _path_of(_engine(client), told)}
    elif "path" not in data and data.get("is_file") is True:
        data = {"path": data.get("name")}  # as 3.x has it
    file = file_output(data)
    if file is None:
        raise ArgumentError("a file is a path on the server, its URL there, or the FileData of an output")
    return file


def _path_of(engine: Engine[BlockingTransport], url: str) -> str:
    """The path in the URL of a file of the app."""
    from urllib.parse import unquote, urlsplit

    app = engine.state.url
    parts = urlsplit(url)
    if parse_app_url(f"{parts.scheme}://{parts.netloc}").origin != app.origin:
        raise ArgumentError(f"{url} is not on {app.origin}: files of other hosts are not fetched")
    _, marker, path = parts.path.partition("/file=")
    if not marker:
        raise ArgumentError(f"{url} is not the URL of a file: those hold /file=")
    return unquote(path)


def _engine(client: Client) -> Engine[BlockingTransport]:
    return client._engine  # pyright: ignore[reportPrivateUsage]


def _nothing(_: object) -> None: ...
