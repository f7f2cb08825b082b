"""Files that go up and come down by themselves, with no call."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_proto import ArgumentError, Client, HTTPStatusError, handle_file
from gradio_proto.client.loose_files import download, file_of, upload
from gradio_proto.testing import File, ServerProtocol, TestApp
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

META = {"_type": "gradio.FileData"}


class Scene:
    """A client, of an app that takes a file."""

    def __init__(self, version: str = "6.31.0", **options: Any) -> None:
        app = TestApp(version=version, **options)

        @app.endpoint("/size")
        def size(file: File) -> int:
            return len(file.data)

        self.server = ServerProtocol(app)
        self.memory = MemoryRunner(self.server)
        self.client = Client("http://app", transport=MemoryTransport.to(self.memory))


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2", "4.44.1", "5.49.1", "6.31.0"])
def test_what_was_sent_stands_for_the_file_in_a_call(version: str) -> None:
    scene = Scene(version)
    files = [handle_file(b"hello", name="a b.txt"), handle_file(b"x" * 1_000_000, name="large")]
    with scene.client as client:
        first, second = upload(client, files)
        assert client.predict(first, api_name="/size") == 5
        assert client.predict(second, api_name="/size") == 1_000_000
        path = download(client, file_of(client, first))
    assert first["orig_name"] == "a b.txt"
    assert first.get("size") == (None if version == "3.50.2" else 5)
    assert scene.memory.files[path] == b"hello"


def test_a_file_that_is_too_large() -> None:
    scene = Scene(max_file_size=3)
    with scene.client as client, pytest.raises(ArgumentError, match="3 bytes at most"):
        upload(client, [handle_file(b"hello", name="a")])


def test_an_upload_that_is_refused() -> None:
    scene = Scene()
    with scene.client as client:
        scene.server.refuse(status=500, path="/upload")
        with pytest.raises(HTTPStatusError):
            upload(client, [handle_file(b"hello", name="a")])


@pytest.mark.parametrize(
    "told",
    [
        "/tmp/a b.txt",
        "http://app/gradio_api/file=/tmp/a%20b.txt",
        "http://APP:80/gradio_api/file=/tmp/a b.txt",
        {"path": "/tmp/a b.txt"},
        {"path": "/tmp/a b.txt", "meta": META, "url": "http://other/file=/etc/passwd"},
        {"name": "/tmp/a b.txt", "data": None, "is_file": True},
    ],
)
def test_the_file_that_is_meant(told: Any) -> None:
    with Scene().client as client:
        assert file_of(client, told).route == "file=/tmp/a b.txt"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("", "a file is a path on the server"),
        ({}, "a file is a path on the server"),
        ({"path": 3}, "a file is a path on the server"),
        ({"name": "x"}, "a file is a path on the server"),
        ("http://other/file=/tmp/a", "is not on http://app"),
        ("https://app/file=/tmp/a", "is not on http://app"),
        ("http://app/config", "is not the URL of a file"),
    ],
)
def test_what_is_meant_by_nothing(told: Any, message: str) -> None:
    with Scene().client as client, pytest.raises(ArgumentError, match=message):
        file_of(client, told)
