"""The strategies for bytes, names and texts; and that every public strategy has an example that works."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from types import ModuleType

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gradio_proto.conformance import strategies
from gradio_proto.conformance.strategies import (
    chunkings,
    event_streams,
    file_contents,
    file_names,
    session_hashes,
    texts,
)
from gradio_proto.conformance.strategies.chunkings import delicate_points
from gradio_proto.conformance.strategies.files import HOSTILE_NAMES, FileToSend
from gradio_proto.conformance.strategies.texts import AWKWARD, BAD
from gradio_proto.limits import Limits
from gradio_proto.sse import ServerSentEvent, SSEDecoder

MODULES = [
    importlib.import_module(f"{strategies.__name__}.{module.name}")
    for module in pkgutil.iter_modules(strategies.__path__)
]


MANY = settings(max_examples=5_000, database=None, derandomize=True, phases=[Phase.generate])
"""To see that something is drawn at all."""


@pytest.fixture
def few_examples() -> Iterator[None]:
    """What an example says of a strategy is found out elsewhere; here it has to run."""
    settings.register_profile("few", max_examples=10, deadline=None, database=None)
    before = settings.get_current_profile_name()
    settings.load_profile("few")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples_in_the_docstrings(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_every_public_function_has_an_example() -> None:
    functions = [
        getattr(strategies, name)
        for name in strategies.__all__
        if name.islower() and callable(getattr(strategies, name))
    ]
    assert len(functions) > 15
    assert [function.__name__ for function in functions if ">>> " not in (function.__doc__ or "")] == []


def test_what_is_said_without_hypothesis() -> None:
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "try: import gradio_proto.conformance.strategies\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "gradio_proto[conformance]" in said


# Texts and names.


@given(texts(min_size=2, max_size=5))
def test_texts_are_what_every_server_takes(text: str) -> None:
    assert 2 <= len(text) <= 5
    assert text.encode().decode() == text


@pytest.mark.parametrize("text", [*AWKWARD, *BAD])
def test_known_texts_are_drawn(text: str) -> None:
    hostile = text in BAD
    find(texts(max_size=20, hostile=hostile), lambda drawn: drawn == text, settings=MANY)


@given(texts(min_size=100, max_size=101))
def test_long_texts(text: str) -> None:
    assert len(text) in (100, 101)


def test_the_simplest_texts_are_ascii() -> None:
    assert find(texts(), lambda text: len(text) > 1) == "00"
    assert find(session_hashes(hostile=True), lambda text: True) == "0000000000"


@given(session_hashes())
def test_session_hashes_need_no_quoting(name: str) -> None:
    assert name.isascii()
    assert name.isalnum()
    assert 10 <= len(name) <= 12


def test_hostile_session_hashes() -> None:
    assert find(session_hashes(hostile=True), lambda name: not name.isalnum() and "&" in name) == "a&b=c#d"


@given(file_names(hostile=False))
def test_ordinary_file_names(name: str) -> None:
    assert name not in HOSTILE_NAMES
    assert not set(name) & set('/\\:"\r\n\x00#?%')


@given(file_names())
def test_file_names_can_be_written_in_utf_8(name: str) -> None:
    assert name
    assert name.encode()


@pytest.mark.parametrize("name", ["../../up.txt", 'quote".txt', "a#b.txt", "NUL.txt"])
def test_file_names_hurt(name: str) -> None:
    find(file_names(), lambda drawn: drawn == name, settings=MANY)


# Contents.


@given(file_contents(max_size=16))
def test_contents(content: bytes) -> None:
    assert len(content) <= 16


def test_contents_that_end_a_body() -> None:
    assert find(file_contents(), lambda content: b"\r\n--" in content) == b"\r\n--"


@given(file_contents("image"))
def test_images_are_png(content: bytes) -> None:
    """As its specification says, by hand: header, data, end, and a checksum behind each."""
    import struct
    import zlib

    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    stream, chunks = BytesIO(content[8:]), {}
    while head := stream.read(8):
        size, kind = struct.unpack(">I4s", head)
        chunks[kind] = stream.read(size)
        assert stream.read(4) == struct.pack(">I", zlib.crc32(kind + chunks[kind]))
    assert [*chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, color) == (8, 0)
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (width + 1)


@given(file_contents("audio"))
def test_sounds_are_wav(content: bytes) -> None:
    import wave

    with wave.open(BytesIO(content)) as sound:
        assert sound.getparams()[:3] == (1, 2, 8000)
        assert len(sound.readframes(99)) == 2 * sound.getnframes() >= 16


def test_a_file_in_the_inputs() -> None:
    file = FileToSend("a.png", b"x")
    assert file.needs_upload
    assert file.as_json("/tmp/a.png") == {
        "path": "/tmp/a.png",
        "orig_name": "a.png",
        "meta": {"_type": "gradio.FileData"},
    }
    legacy = FileToSend("a.png", b"x", "legacy")
    assert legacy.needs_upload
    assert legacy.as_json("/tmp/1") == {"name": "/tmp/1", "data": None, "is_file": True, "orig_name": "a.png"}
    inline = FileToSend("a.png", b"x", "inline")
    assert not inline.needs_upload
    assert inline.as_json() == "data:image/png;base64,eA=="


# Bytes.


@given(st.data(), st.binary(max_size=40) | texts(max_size=12).map(str.encode))
def test_chunkings_make_up_the_data(data: st.DataObject, whole: bytes) -> None:
    pieces = data.draw(chunkings(whole))
    assert all(pieces)
    assert b"".join(pieces) == whole


def test_cuts_where_it_hurts() -> None:
    whole = "a\r\n\r\né".encode()
    assert delicate_points(whole) == [2, 3, 4, 6]
    for point in delicate_points(whole):
        pieces = find(
            chunkings(whole), lambda pieces, at=point: pieces == [whole[:at], whole[at:]], settings=MANY
        )
        assert len(pieces) == 2
    # Of 500 bytes, two would rarely be hit by chance.
    long = b"a" * 250 + b"\r\n" + b"a" * 250
    hits = 0

    @settings(max_examples=100, database=None, derandomize=True, deadline=None)
    @given(chunkings(long))
    def count(pieces: list[bytes]) -> None:
        nonlocal hits
        hits += 1 < len(pieces) < 50 and any(piece.endswith(b"\r") for piece in pieces)

    count()
    assert hits > 10


def decoded(stream: Sequence[bytes]) -> list[str]:
    decoder = SSEDecoder(Limits())
    events: list[str] = []
    for piece in (*stream, b""):
        decoder.receive_data(piece)
        while isinstance(event := decoder.next_event(), ServerSentEvent):
            events.append(event.data)
    return events


def by_the_standard(stream: bytes) -> list[str]:
    """The standard's algorithm, on the whole text."""
    text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, buffer = [], ""
    for line in text.split("\n")[:-1]:
        name, _, value = line.partition(":")
        if not line:
            events += [buffer[:-1]] if buffer else []
            buffer = ""
        elif name == "data":
            buffer += value.removeprefix(" ") + "\n"
    return events


EVENTS = st.lists(texts(max_size=12).map(lambda text: text.replace("\r", "")), max_size=4)


@given(st.data(), EVENTS)
def test_an_event_stream_carries_its_events_and_no_others(data: st.DataObject, events: list[str]) -> None:
    stream = data.draw(event_streams(events))
    assert by_the_standard(stream) == events
    assert decoded(data.draw(chunkings(stream))) == events


@pytest.mark.parametrize(
    "part",
    [
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\r",
        b":",
        b"event",
        b"id",
        b"retry: ",
        b"data:a\n",
        b"data: a\n",
        b"data2",
        b"short",
    ],
)
def test_event_streams_use_what_the_standard_allows(part: bytes) -> None:
    find(event_streams(["a"]), lambda stream: part in stream, settings=MANY)


def test_event_streams_mix_line_ends() -> None:
    find(
        event_streams(["a", "b"]),
        lambda stream: b"\r\n" in stream and b"\n\n" in stream and b"\r\r" in stream,
        settings=MANY,
    )


def test_empty_lines_of_data_need_no_colon() -> None:
    find(event_streams(["", "\n"]), lambda stream: b"data\n" in stream and b"data:" in stream, settings=MANY)


def test_what_an_event_stream_cannot_carry() -> None:
    with pytest.raises(ValueError, match="carriage return"):
        event_streams(["a\rb"])
    with pytest.raises(UnicodeEncodeError):
        event_streams(["\ud800"])
