"""Files: up, through the app, and down again."""

from __future__ import annotations

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import pytest
from media import png, wav

from gradio_proto import handle_file
from gradio_proto.errors import AppError, ArgumentError
from gradio_proto.transfers import Transfer

from .operation import Lack, operation
from .scene import LOGIN, Scene, endpoint, values


def content(scene: Scene, result: Any, name: str | None = None) -> bytes:
    """What a downloaded file holds, after a look at where it lies."""
    path = Path(result)
    found = path.read_bytes()
    assert path.parent == scene.directory / hashlib.sha256(found).hexdigest()
    assert name is None or path.name == name
    return found


def picture(scene: Scene) -> bytes:
    """A picture that no other scene has: 4.21.0 writes like ones to one file, also while it is read."""
    red, green, blue, _ = zlib.crc32(scene.name.encode()).to_bytes(4, "big")
    return png(4, 3, (red, green, blue))


@operation("a file", "6")
async def file(scene: Scene) -> None:
    """From a path, from bytes; None; and what was downloaded is uploaded again."""
    source = scene.directory / "two words é.txt"
    source.write_bytes(b"some text\0\xff")
    async with scene.client() as client:
        result = await client.predict(handle_file(source), api_name="/file")
        assert content(scene, result).startswith(b"SOME TEXT\0\xff")
        result = await client.predict(handle_file(b"text", name="a.txt"), api_name="/file")
        assert content(scene, result, "out a.txt") == b"TEXT"
        again = await client.predict(handle_file(result), api_name="/file")
        assert content(scene, again) == b"TEXT"
        assert await client.predict(None, api_name="/file") is None
        result = await client.predict(handle_file(b"", name="empty.txt"), api_name="/file")
        assert content(scene, result) == b""


@operation("a list of files", "6", traps=(19,))
async def files(scene: Scene) -> None:
    """They come in the order in which they went, also two with one content."""
    given = [
        handle_file(text, name=name)
        for text, name in ((b"one", "a.txt"), (b"two", "b.txt"), (b"one", "c.txt"))
    ]
    async with scene.client() as client:
        results = await client.predict(given, api_name="/files")
        assert [content(scene, result) for result in results] == [b"ONE", b"TWO", b"ONE"]
        assert [Path(result).name for result in results] == ["out a.txt", "out b.txt", "out c.txt"]
        assert await client.predict([], api_name="/files") == []


@operation("an image", "6")
async def image(scene: Scene) -> None:
    """A picture comes back turned round, as a file; before 4.0 it travels in the data itself."""
    async with scene.client() as client:
        result = await client.predict(handle_file(picture(scene), name="a.png"), api_name="/image")
        found = content(scene, result)
        assert found.startswith((b"\x89PNG", b"RIFF"))  # a WebP, on some versions
        assert await client.predict(None, api_name="/image") is None


def data_url(scene: Scene) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture(scene)).decode()}"


async def no_base64(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(AppError):
            await client.predict(data_url(scene), api_name="/image")


@operation(
    "base64 in the data",
    "6",
    Lack("Files travel by themselves since Gradio 4; the app's error says so", no_base64, since=(4,)),
)
async def in_base64(scene: Scene) -> None:
    """A data URL of the caller's is a picture, and so is the app's."""
    async with scene.client() as client:
        result = await client.predict(data_url(scene), api_name="/image")
        assert content(scene, result).startswith(b"\x89PNG")


@operation("files as the app sent them", "6", traps=(13,))
async def without_downloads(scene: Scene) -> None:
    """``download_files=False`` gives the server's own description, which may be an input again."""
    async with scene.client(download_files=False) as client:
        value = await client.predict(handle_file(b"text", name="a.txt"), api_name="/file")
        assert isinstance(value, dict)
        again = await client.predict(value, api_name="/file")
        assert isinstance(again, dict)
        assert again != value


@operation("the progress of uploads and downloads", "6")
async def transfers(scene: Scene) -> None:
    """The client tells of the bytes as they travel, whether or not the server has /upload_progress (4.7 and later)."""
    seen: list[Transfer] = []
    large = b"abc\0" * 500_000
    async with scene.client(on_transfer=seen.append) as client:
        result = await client.predict(handle_file(large, name="large.bin"), api_name="/file")
        assert content(scene, result) == large.upper()

        async def are_done() -> bool:
            await client.predict("x", api_name="/echo")
            return sum(transfer.is_done for transfer in list(seen)) == 2  # told by another thread

        await scene.eventually(are_done)
    for direction in ("upload", "download"):
        sizes = [transfer.transferred for transfer in seen if transfer.direction == direction]
        assert sizes == sorted(sizes)
        assert sizes[-1] == len(large)


async def no_limit(scene: Scene) -> None:
    async with scene.client(auth=LOGIN) as client:
        result = await client.predict(handle_file(b"x" * 1001, name="large.txt"), api_name="/file")
        assert content(scene, result) == b"X" * 1001


@operation(
    "a file that is too large",
    "6",
    Lack(
        "Servers have a limit since 4.44 (or a little before); without one, the file is sent",
        no_limit,
        before=(4, 44),
    ),
    place="strict",
    traps=(19,),
)
async def too_large(scene: Scene) -> None:
    """It is refused before it is sent."""
    async with scene.client(auth=LOGIN) as client:
        with pytest.raises(ArgumentError, match=r"large\.txt has 1001 bytes"):
            await client.predict(handle_file(b"x" * 1001, name="large.txt"), api_name="/file")
        result = await client.predict(handle_file(b"x" * 1000, name="small.txt"), api_name="/file")
        assert content(scene, result) == b"X" * 1000


@operation("each file of a generator", "6")
async def growing(scene: Scene) -> None:
    """Every value is downloaded."""
    async with scene.client() as client:
        outputs = await values(await client.submit("é", api_name="/growing_file"))
        assert [content(scene, output) for output in outputs] == ["é".encode() * n for n in (1, 2, 3)]
        assert [Path(output).name for output in outputs] == [f"part {n}.txt" for n in (1, 2, 3)]


@operation("an audio file", "6")
async def audio(scene: Scene) -> None:
    """A sound goes up and comes down as it was."""
    sound = wav(800)
    async with scene.client() as client:
        result = await client.predict(handle_file(sound, name="tone.wav"), api_name="/sound")
        assert content(scene, result).startswith(b"RIFF")


async def no_streamed_sound(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.predict(1, api_name="/audio_stream")


async def no_ffmpeg(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(AppError, match=r"ffmpeg|ffprobe"):
            await client.predict(1, api_name="/audio_stream")


@operation(
    "sound in pieces",
    "12",
    Lack("Outputs are streamed since 3.50 (or a little before)", no_streamed_sound, before=(3, 50)),
    Lack(
        "Gradio 5 and later use ffmpeg for it, which these servers are not given; the app's error says so (with it: "
        "tests/test_real_files.py)",
        no_ffmpeg,
        since=(5,),
    ),
)
async def sound(scene: Scene) -> None:
    """The pieces that a generator yields are one file in the end."""
    async with scene.client() as client:
        found = content(scene, await client.predict(3, api_name="/audio_stream"))
        assert found.startswith(b"RIFF")
        assert found.count(b"\0\x10" * 800) == 3


async def no_component_server(scene: Scene) -> None:
    async with scene.client() as client:
        button = next(entry["id"] for entry in client.config["components"] if entry["type"] == "button")
        with pytest.raises(ArgumentError, match="no server function 'ls'"):
            await client.component_server(button, "ls", [])


@operation(
    "functions of components",
    "13",
    Lack("Components have functions since 3.50 (or a little before)", no_component_server, before=(3, 50)),
)
async def component_server(scene: Scene) -> None:
    """A file explorer lists its files; what it has not is told before anything is sent."""
    async with scene.client() as client:
        explorer = next(
            entry["id"] for entry in client.config["components"] if entry["type"] == "fileexplorer"
        )
        assert await client.component_server(explorer, "ls", [])
        with pytest.raises(ArgumentError, match=r"no server function '_ls': it has"):
            await client.component_server(explorer, "_ls", [])
        await endpoint(client, "/echo").predict("x")
