"""Files on real servers: up, through the app, and down again."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from media import VIDEO, VTT, png, wav
from proxying import ReverseProxy
from servers.running import Servers, number

from gradio_proto import Client, FileInput, Transfer, handle_file
from gradio_proto.errors import AppError, ArgumentError, AuthenticationError

LIMITED: dict[str, Any] = {"max_file_size": 1000}
"""A server that takes small files only."""

RED, BLUE = png(4, 3, (255, 0, 0)), png(4, 3, (0, 0, 255))

VARIANTS = {"limited_url": LIMITED}


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def limited_url(real_server: Servers, server_version: str) -> str:
    return real_server(server_version, **LIMITED)


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


def test_up_and_down(client: Client, directory: Path, tmp_path: Path) -> None:
    source = tmp_path / "two words.txt"
    source.write_bytes(b"some text\0\xff")
    result = client.predict(handle_file(source), api_name="/file")
    assert content(result, directory, "out two words.txt") == b"SOME TEXT\0\xff"
    assert [path for path in directory.rglob("*") if path.is_file()] == [Path(result)]
    assert source.read_bytes() == b"some text\0\xff"
    job = client.submit(handle_file(str(source)), api_name="/file")
    assert job.result() == result
    assert client.predict(None, api_name="/file") is None


def test_several_files_go_in_one_request(url: str, directory: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one")
    given = [
        handle_file(tmp_path / "a.txt"),
        handle_file(b"two", name="b.txt"),
        handle_file(b"", name="a.txt"),
    ]
    with ReverseProxy(url) as proxy, Client(proxy.url, download_files=directory) as client:
        results = client.predict(given, api_name="/files")
        requests = [passed.path.rpartition("/")[2] for passed in proxy.passed]
    assert [content(result, directory) for result in results] == [b"ONE", b"TWO", b""]
    assert [Path(result).name for result in results] == ["out a.txt", "out b.txt", "out a.txt"]
    assert requests.count("upload") == 1


def test_files_anywhere_in_the_arguments(client: Client, directory: Path, server_version: str) -> None:
    text, picture = handle_file(b"text", name="é.txt"), handle_file(RED, name="red.png")
    said, first, last = client.predict(
        text, "t", picture, [text, handle_file(b"", name="2")], api_name="/kind_mixed"
    )
    assert '[3, 4, 3], "uint8"' in said
    assert content(first, directory, "é.txt") == b"text"
    assert [content(file, directory) for file in last] == [b"text", b""]
    if number(server_version) >= (4, 44):
        message = {"text": "hi", "files": [picture, text]}
        said, value = client.predict(message, api_name="/kind_multimodaltextbox")
        assert hashlib.sha256(RED).hexdigest() in said
        assert value["text"] == "hi"
        assert [content(file, directory) for file in value["files"]] == [RED, b"text"]
    assert isinstance(text, FileInput)
    assert (text.name, text.source, text.kind) == ("é.txt", b"text", "bytes")


def test_a_gallery(client: Client, directory: Path) -> None:
    pictures = [
        {"image": handle_file(RED, name="red.png"), "caption": "é"},
        {"image": handle_file(BLUE, name="blue.png"), "caption": None},
    ]
    _, value = client.predict(pictures, api_name="/kind_gallery")
    assert [entry["caption"] for entry in value] == [None, None]
    assert [content(entry["image"], directory) for entry in value] == [RED, BLUE]


def test_a_video_with_subtitles(client: Client, directory: Path, server_version: str) -> None:
    video = handle_file(VIDEO, name="clip.mp4")
    if number(server_version) >= (6,):  # there they belong to the component
        _, value = client.predict(video, api_name="/kind_video_subtitled")
        assert content(value["value"], directory, "clip.mp4") == VIDEO
        assert content(value["subtitles"], directory, "made.vtt").startswith(b"WEBVTT")
    else:
        given = {"video": video, "subtitles": handle_file(VTT, name="words.vtt")}
        said, value = client.predict(given, api_name="/kind_video_subtitled")
        assert hashlib.sha256(VIDEO).hexdigest() in said
        assert content(value["video"], directory, "clip.mp4") == VIDEO
        assert content(value["subtitles"], directory, "made.vtt").startswith(b"WEBVTT")


def test_chat_messages_with_files(client: Client, directory: Path, server_version: str) -> None:
    picture = handle_file(RED, name="red.png")
    history: list[Any]
    if number(server_version) < (5,):
        history = [["hi", {"file": picture, "alt_text": None}]]
    elif number(server_version) < (6,):
        history = [{"role": "user", "content": {"file": picture}}]
    else:
        history = [{"role": "user", "content": [{"type": "file", "file": picture}]}]
    said, value = client.predict(history, api_name="/kind_chatbot")
    assert hashlib.sha256(RED).hexdigest() in said
    if number(server_version) < (5,):
        first, last = value[0][1], value[-1][1]
    elif number(server_version) < (6,):
        first, last = value[0]["content"], value[-1]["content"]
    else:
        first, last = value[0]["content"][0], value[-1]["content"][0]
    assert content(first["file"], directory) == RED
    assert content(last["file"], directory, "answer.txt").startswith(b"the answer")


def test_bytes_and_streams(client: Client, directory: Path, tmp_path: Path) -> None:
    long = b"abcdefgh" * 40_000
    (tmp_path / "opened.bin").write_bytes(long)
    with (tmp_path / "opened.bin").open("rb") as opened:
        opened.seek(8)
        result = client.predict(handle_file(opened), api_name="/file")
        assert content(result, directory, "out opened.bin") == long[8:].upper()
        assert not opened.closed
    result = client.predict(handle_file(io.BytesIO(b"in memory"), name="m.txt"), api_name="/file")
    assert content(result, directory, "out m.txt") == b"IN MEMORY"
    # Of a pipe nobody knows the length, and it cannot be wound back.
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(long)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        result = client.predict(handle_file(pipe, name="piped"), api_name="/file")
    writer.join()
    assert content(result, directory, "out piped") == long.upper()


NAMES = (
    ("two words é.txt", "two words é.txt", None),
    ("a#b.txt", "ab.txt", "a#b.txt"),
    ("100%25 %2e%2E%2f.txt", "10025 2e2E2f.txt", "100%25 %2e%2E%2f.txt"),
    ("&a=b;c+d.txt", "abcd.txt", "&a=b;c+d.txt"),
    ("'it''s'.txt", "its.txt", "'it''s'.txt"),
    ('"quoted".txt', "_quoted_.txt", None),
    ("a/../../up.txt", "a_.._.._up.txt", None),
    ("..", "file", None),
    (".", "file", None),
    ("back\\slash/.txt", "back_slash_.txt", None),
    ("NUL.txt", "_NUL.txt", None),
    ("line\r\nbreak\0.txt", "line__break_.txt", None),
    ("?.txt", "_.txt", None),
    ("#", "file", None),
    ("日本語.txt", "日本語.txt", None),
)
"""Names, each with what is left of it on servers before 6, and what on later ones (None: the same)."""


def test_names(client: Client, directory: Path, server_version: str) -> None:
    """Old servers drop most punctuation; what some file system does not like is gone whoever serves it."""
    for name, kept, kept_by_6 in NAMES:
        if kept_by_6 is not None and number(server_version) >= (6,):
            kept = kept_by_6
        result = client.predict(handle_file(b"x", name=name), api_name="/file")
        assert content(result, directory, f"out {kept}") == b"X"


def test_a_name_of_300_characters(client: Client, directory: Path) -> None:
    result = client.predict(handle_file(b"x", name="é" * 296 + ".txt"), api_name="/file")
    assert content(result, directory) == b"X"
    name = Path(result).name
    assert name.startswith("out éé")
    assert name.endswith("é.txt")
    assert 140 < len(name.encode()) <= 150


def test_files_of_any_size(url: str, directory: Path, tmp_path: Path) -> None:
    transfers: list[Transfer] = []
    with Client(url, download_files=directory, on_transfer=transfers.append) as client:
        result = client.predict(handle_file(b"", name="empty.txt"), api_name="/file")
        assert content(result, directory, "out empty.txt") == b""
        large = b"abc\0" * 7_500_000
        (tmp_path / "large.bin").write_bytes(large)
        result = client.predict(handle_file(tmp_path / "large.bin"), api_name="/file")
        until = time.monotonic() + 10
        while sum(transfer.is_done for transfer in transfers) < 4 and time.monotonic() < until:
            time.sleep(0.01)  # they are told by another thread
    assert content(result, directory, "out large.bin") == large.upper()
    for direction, name in (("upload", "large.bin"), ("download", "out large.bin")):
        seen = [
            transfer for transfer in transfers if (transfer.direction, transfer.name) == (direction, name)
        ]
        sizes = [transfer.transferred for transfer in seen]
        assert {transfer.size for transfer in seen} == {len(large)}
        assert sizes == sorted(sizes)
        assert [transfer.transferred for transfer in seen if transfer.is_done] == [len(large)]


def test_without_downloads(url: str, server_version: str) -> None:
    with Client(url, download_files=False) as client:
        value = client.predict(handle_file(b"text", name="a.txt"), api_name="/file")
        assert value["path"].endswith("/out a.txt")
        if number(server_version) >= (4, 44):
            assert value["meta"] == {"_type": "gradio.FileData"}
        again = client.predict(value, api_name="/file")
        assert again["path"].endswith("/out out a.txt")


def test_an_output_is_the_next_input(client: Client, directory: Path) -> None:
    result = client.predict(handle_file(b"text", name="a.txt"), api_name="/file")
    again = client.predict(handle_file(result), api_name="/file")
    assert content(again, directory, "out out a.txt") == b"TEXT"


def test_each_output_of_a_generator(client: Client, directory: Path) -> None:
    job = client.submit("é", api_name="/kind_growing")
    for count, output in enumerate(job, start=1):
        assert content(output, directory, f"part {count}.txt") == ("é" * count).encode()
    assert count == 3
    assert [content(output, directory) for output in job.outputs()] == ["é".encode() * n for n in (1, 2, 3)]
    assert content(job.result(), directory, "part 3.txt") == "ééé".encode()


def test_many_at_once(client: Client, directory: Path) -> None:
    jobs = [
        client.submit(handle_file(b"%d." % index * 50_000, name="same.txt"), api_name="/file")
        for index in range(12)
    ]
    for index, job in enumerate(jobs):
        assert content(job.result(30), directory, "out same.txt") == b"%d." % index * 50_000


def test_an_update_with_a_file(client: Client, directory: Path) -> None:
    update = client.predict(handle_file(b"text", name="a.txt"), api_name="/kind_update")
    assert (update["__type__"], update["label"]) == ("update", "new")
    assert content(update["value"], directory, "a.txt") == b"text"


def test_what_is_no_file_is_never_opened(client: Client, tmp_path: Path) -> None:
    """A string is a string, and an object from anywhere is data: only `handle_file` reads something here."""
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    assert client.predict(str(secret), api_name="/echo") == str(secret)
    for value in (str(secret), {"path": str(secret), "meta": {"_type": "gradio.FileData"}}):
        try:
            result = client.predict(value, api_name="/file")
        except AppError:
            continue  # the server has no such file, or does not give it out
        # 4.13 opens whatever path it is told, and this one runs on the same machine.
        assert client.app_version == "4.13.0"
        assert Path(result).name == "out secret.txt"


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "9")
        self.end_headers()
        self.wfile.write(b"elsewhere")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of a file on another server. Its own one a server of 4.x may not ask: it would wait for itself."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/some/far.txt"
        server.shutdown()
        thread.join()


def test_a_url(client: Client, directory: Path, server_version: str, elsewhere: str) -> None:
    """The server fetches it; from 5 on it does not ask addresses of its own machine."""
    if number(server_version) >= (5,):
        with pytest.raises(AppError, match="failed validation"):
            client.predict(handle_file(elsewhere), api_name="/file")
    else:
        result = client.predict(handle_file(elsewhere), api_name="/file")
        assert content(result, directory, "out far.txt") == b"ELSEWHERE"


@pytest.mark.real("6.31.0", "4.44.1")
def test_a_file_that_is_too_large_is_not_sent(limited_url: str, directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * 1001)
    small = handle_file(b"x" * 1000, name="small.txt")
    with ReverseProxy(limited_url) as proxy, Client(proxy.url, download_files=directory) as client:
        for large in (handle_file(path), handle_file(b"x" * 1001, name="large.txt")):
            with pytest.raises(ArgumentError, match=r"large\.txt has 1001 bytes"):
                client.predict([small, large], api_name="/files")
        assert not [passed for passed in proxy.passed if passed.path.endswith("/upload")]
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(b"x" * 1001)
        with os.fdopen(reading, "rb") as pipe, pytest.raises(ArgumentError, match="1000 bytes"):
            client.predict(handle_file(pipe, name="piped.txt"), api_name="/file")
        assert content(client.predict(small, api_name="/file"), directory) == b"X" * 1000


@pytest.mark.real("6.31.0", "4.13.0")
def test_an_app_with_a_login(strict_url: str, directory: Path) -> None:
    with Client(strict_url, auth=("user", "pass word"), download_files=directory) as client:
        result = client.predict(handle_file(b"text", name="a b.txt"), api_name="/file")
        assert content(result, directory, "out a b.txt") == b"TEXT"
    with pytest.raises(AuthenticationError):
        Client(strict_url, download_files=directory)


@pytest.mark.real("4.44.1", "4.13.0")
def test_a_stream_of_sound(client: Client, directory: Path) -> None:
    """Gradio 4 gives its pieces out once, one after the other, with the header of the first."""
    sound = content(client.predict(3, api_name="/audio_stream"), directory)
    assert sound.startswith(b"RIFF")
    assert sound.count(b"\0\x10" * 800) == 3
    job = client.submit(2, api_name="/audio_stream")
    assert len(list(job)) == 2
    assert content(job.result(), directory).count(b"\0\x10" * 800) == 2


@pytest.mark.real("6.31.0", "5.49.1")
@pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="Gradio 5 and later stream media with ffmpeg and ffprobe, and they are not on PATH",
)
def test_a_stream_of_sound_by_hls(client: Client, directory: Path) -> None:
    """All of it in one piece, rather than the playlist."""
    short = content(client.predict(1, api_name="/audio_stream"), directory, "audio-stream.mp3")
    long = content(client.predict(4, api_name="/audio_stream"), directory, "audio-stream.mp3")
    assert short[:2] == long[:2] == b"\xff\xf1", "no AAC with ADTS headers"
    assert len(long) > 1.5 * len(short)


def test_what_is_sent_is_what_the_app_sees(client: Client, directory: Path) -> None:
    said, _ = client.predict(handle_file(RED, name="red.png"), api_name="/kind_image_numpy")
    assert '"array": [[3, 4, 3], "uint8"]' in said
    said, value = client.predict(handle_file(wav(800), name="tone.wav"), api_name="/kind_audio")
    assert hashlib.sha256(wav(800)).hexdigest() in said
    assert content(value, directory, "tone.wav") == wav(800)
