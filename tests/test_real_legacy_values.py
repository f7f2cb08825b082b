"""What calls carry on real servers of Gradio 3.x: files up and down, images, URLs, and what the app says of itself."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from media import VIDEO, png, wav

from gradio_proto import Client, FileInput, handle_file
from gradio_proto.errors import ArgumentError, FileError

pytestmark = pytest.mark.real("3.36.1", "3.50.2")

RED = png(4, 3, (255, 0, 0))


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where files are downloaded to."""
    return tmp_path / "downloads"


@pytest.fixture
def client(url: str, directory: Path) -> Iterator[Client]:
    with Client(url, download_files=directory) as made:
        yield made


def content(result: Any, directory: Path, name: str | None = None) -> bytes:
    """What a downloaded file holds, after a look at where it lies."""
    path = Path(result)
    found = path.read_bytes()
    assert path.parent == directory / hashlib.sha256(found).hexdigest()
    assert name is None or path.name == name
    return found


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def size_of_png(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


# Files.


def test_up_and_down(client: Client, directory: Path, tmp_path: Path) -> None:
    source = tmp_path / "two wörds.txt"
    source.write_bytes(b"some text\0\xff")
    result = client.predict(handle_file(source), api_name="/file")
    assert content(result, directory, "out two wörds.txt") == b"SOME TEXT\0\xff"
    results = client.predict([handle_file(source), handle_file(b"b", "b.txt")], api_name="/files")
    assert [content(each, directory) for each in results] == [b"SOME TEXT\0\xff", b"B"]
    assert client.predict(None, api_name="/file") is None


def test_what_an_app_says_of_itself_is_not_fetched(client: Client) -> None:
    looks = {"name": "/etc/passwd", "data": None, "is_file": True}
    assert client.predict(looks, api_name="/json") == looks
    assert client.predict("data:image/png;base64,AAAA", api_name="/echo") == "data:image/png;base64,AAAA"


def test_files_that_are_not_downloaded(url: str) -> None:
    with Client(url, download_files=False) as client:
        result = client.predict(handle_file(b"x", "x.txt"), api_name="/file")
        assert (result["orig_name"], result["is_file"], result["data"]) == ("out x.txt", True, None)
        assert client.predict(handle_file(RED, "x.png"), api_name="/image").startswith(
            "data:image/png;base64,"
        )


def test_an_image(client: Client, directory: Path) -> None:
    result = client.predict(handle_file(RED, "red.png"), api_name="/image")
    assert size_of_png(content(result, directory, "image.png")) == (4, 3)
    assert client.predict(result, api_name="/echo") == result  # a path that is given back is a text


@pytest.mark.parametrize(
    ("kind", "file", "name"),
    [
        ("audio", handle_file(wav(800), "a.wav"), "a-0-100.wav"),
        ("video", handle_file(VIDEO, "v.mp4"), "v.mp4"),
        ("video_subtitled", handle_file(VIDEO, "v.mp4"), "v.mp4"),
        ("model3d", handle_file(b"o\n", "m.obj"), "m.obj"),
        ("image", handle_file(RED, "red.png"), "image.png"),
    ],
)
def test_a_file_of_every_kind(client: Client, directory: Path, kind: str, file: FileInput, name: str) -> None:
    said, result = client.predict(file, api_name=f"/kind_{kind}")
    understood = json.loads(said)
    assert understood["file"] == name
    found = content(result, directory, name)
    if kind != "image":  # that one is encoded anew
        assert hash_of(found) == understood["sha256"]
    if "video" in kind:
        assert found == VIDEO


def test_a_file_of_a_button(client: Client) -> None:
    said, _ = client.predict(handle_file(b"abc", "a.txt"), api_name="/kind_uploadbutton")
    assert json.loads(said) == {"file": "a.txt", "sha256": hash_of(b"abc")}


def test_a_gallery(client: Client, directory: Path) -> None:
    said, (first, (second, caption)) = client.predict(
        [handle_file(RED, "a.png"), handle_file(RED, "b.png")], api_name="/kind_gallery"
    )
    assert [each["sha256"] for each in json.loads(said)] == [hash_of(RED)] * 2
    assert (content(first, directory, "a.png"), content(second, directory, "b.png")) == (RED, RED)
    assert caption == "é"


def test_a_picture_with_marks(client: Client, directory: Path) -> None:
    _, (picture, [[mask, label]]) = client.predict(handle_file(RED, "a.png"), api_name="/kind_annotatedimage")
    assert size_of_png(content(picture, directory)) == size_of_png(content(mask, directory)) == (4, 3)
    assert label == "corner"


def test_a_chat_with_files(client: Client, directory: Path) -> None:
    said, history = client.predict([["hi", handle_file(RED, "a.png")]], api_name="/kind_chatbot")
    assert json.loads(said) == [["hi", [{"file": "a.png", "sha256": hash_of(RED)}]]]
    assert history[0] == ["q", "data:image/png;base64,AAAA"]  # a text, though it looks like a picture
    assert content(history[1][1], directory, "the answer.txt") == b"the answer to 1"


def test_a_file_in_an_update(client: Client, directory: Path) -> None:
    update = client.predict(handle_file(RED, "a.png"), api_name="/kind_update")
    assert (update["__type__"], update["label"]) == ("update", "new")
    assert size_of_png(content(update["value"], directory)) == (4, 3)


@pytest.mark.real("3.50.2")
def test_sound_that_is_streamed_is_fetched_whole(client: Client, directory: Path) -> None:
    job = client.submit(2, api_name="/audio_stream")
    found = content(job.result(timeout=30), directory)
    assert found.count(b"RIFF") == 2  # the pieces, one behind the other


# URLs, which 3.x does not read itself.


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another host: ``/moved`` leads to ``/red.png``, ``/away`` to the same at another name of it."""

    asked: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        away = f"http://localhost:{self.headers['host'].partition(':')[2]}/red.png"
        to = {"/moved": "/red.png", "/away": away}.get(self.path)
        self.send_response(200 if self.path == "/red.png" else 302 if to else 404)
        if to:
            self.send_header("location", to)
        self.send_header("content-length", str(len(RED)))
        self.end_headers()
        self.wfile.write(RED)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str], str]]:
    """The URL of a path at another host; what was asked for is in ``Elsewhere.asked``."""
    Elsewhere.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield lambda path: f"http://127.0.0.1:{server.server_port}{path}"
        server.shutdown()
        thread.join()


def test_urls(url: str, directory: Path, elsewhere: Callable[[str], str]) -> None:
    with Client(url, download_files=directory, headers={"x-secret": "1"}, cookies={"c": "1"}) as client:
        result = client.predict(handle_file(elsewhere("/red.png")), api_name="/file")
        assert content(result, directory, "out red.png") == RED.upper()
        result = client.predict(handle_file(elsewhere("/moved"), "a.png"), api_name="/image")
        assert size_of_png(content(result, directory)) == (4, 3)
        with pytest.raises(FileError, match="redirects to another origin, http://localhost"):
            client.predict(handle_file(elsewhere("/away"), "a.png"), api_name="/image")
        with pytest.raises(FileError, match="answered 404"):
            client.predict(handle_file(elsewhere("/gone.png")), api_name="/file")
        with pytest.raises(ArgumentError, match="holds credentials"):
            client.predict(handle_file("http://user:password@127.0.0.1/a.png"), api_name="/file")
    assert [path for path, _ in Elsewhere.asked] == ["/red.png", "/moved", "/red.png", "/away", "/gone.png"]
    for _, headers in Elsewhere.asked:
        assert headers.keys() == {"host", "user-agent", "accept-encoding"}


# What the app says of itself.


def test_how_endpoints_are_called(client: Client) -> None:
    text = client.view_api(print_info=False, return_format="str")
    assert isinstance(text, str)
    for line in (
        ' - predict(n_in, op, n2, api_name="/calc") -> (n_out, t_out)\n',
        "     - [File] f_in: filepath (required)",
        "     - [File] fs_in: list[filepath] (required)",
        "     - [Image] i_out: filepath ",
        "     - [Number] n_in: int | float (required)",
    ):
        assert line in text
    told = client.view_api(print_info=False, return_format="dict")
    assert isinstance(told, dict)
    assert told["named_endpoints"]["/json"]["parameters"][0]["python_type"]["type"] == "Dict[Any, Any]"
    assert client.predict(n2=2, n_in=1, op="add", api_name="/calc") == (3.0, "1.0 add 2.0 = 3.0")


def test_endpoints_without_names(client: Client) -> None:
    told = client.view_api(print_info=False, return_format="dict")
    assert isinstance(told, dict)
    (index,) = [index for index, info in told["unnamed_endpoints"].items() if info["parameters"]]
    assert client.predict("again", fn_index=int(index)) == "again"
    with pytest.raises(ArgumentError, match="several endpoints"):
        client.predict("again")
    with pytest.raises(ArgumentError, match="private"):
        client.predict("again", fn_index=int(index) + 1)
