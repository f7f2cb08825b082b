"""File names made safe."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradio_proto.filenames import NAME_BYTES, last_component, safe_file_name

DEVICES = [
    *("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"),
    *[f"{port}{digit}" for port in ("COM", "LPT") for digit in "123456789¹²³"],
]

HOSTILE = st.text() | st.text("/\\:. \x00\x1b\u202e\ud800é😀aNUL1¹\"'%#") | st.text("aé😀. ", min_size=100)
DEVICE_LIKE = st.tuples(
    st.sampled_from(DEVICES),
    st.integers(0, 200).map(" ".__mul__),
    st.sampled_from(["", "x", ".", ".txt", " x", ".tar.gz", "." + "x" * 200]),
).map("".join)
NAMES = HOSTILE | DEVICE_LIKE


@pytest.mark.parametrize(
    "name",
    [
        "out a #1 é.txt",
        "日本語 (2).tar.gz",
        "it's 100%, [a] {b} & c=d;e+f@g!~$^`.png",
        ".gitignore",
        "..hidden",
        "-rf",
        " leading",
        "no suffix",
        "😀",
        "console.txt",
        "com10",
        "com.txt",
        "nul_.txt",
        "a.nul",
        "x" * NAME_BYTES,
        "é" * (NAME_BYTES // 2),
    ],
)
def test_an_ordinary_name_stays(name: str) -> None:
    assert safe_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("...", "file"),
        (" . ", "file"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("C:\\boot.ini", "C__boot.ini"),
        ("a.txt:stream", "a.txt_stream"),
        ('<>"|?*', "______"),
        ("a\x00b\nc\x1b[31m\x7f\x9b.txt", "a_b_c_[31m__.txt"),
        ("a\u2028b\u2029c", "a_b_c"),
        ("invoice\u202egpj.exe", "invoice_gpj.exe"),
        ("\u2066a\u2069", "_a_"),
        ("caf\udce9.txt", "caf_.txt"),
        ("\ud83d\ude00", "__"),
        ("trailing. . ", "trailing"),
        ("a.txt.", "a.txt"),
    ],
)
def test_what_is_unsafe_is_replaced(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


@pytest.mark.parametrize("device", [*DEVICES, *(device.lower() for device in DEVICES), "Nul"])
def test_no_name_is_a_device(device: str) -> None:
    for name in (device, f"{device}.txt", f"{device}.tar.gz", f"{device} .txt", f"{device}   .x"):
        assert safe_file_name(name) == f"_{name}"
    assert safe_file_name(f"{device}. ") == f"_{device}"
    assert safe_file_name(f"{device}: ") == f"{device}_"
    assert safe_file_name(f"x{device}") == f"x{device}"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("x" * 151, "x" * 150),
        ("x" * 1000 + ".txt", "x" * 146 + ".txt"),
        ("x" * 1000 + ".tar.gz", "x" * 147 + ".gz"),
        ("é" * 1000 + ".txt", "é" * 73 + ".txt"),
        ("é" * 1000 + ".ts", "é" * 73 + ".ts"),  # half a character would have fitted
        ("😀" * 1000, "😀" * 37),
        ("x" * 1000 + "." + "y" * 19, "x" * 130 + "." + "y" * 19),
        ("x" * 1000 + "." + "y" * 20, "x" * 150),
        ("x." + "y" * 1000, "x." + "y" * 148),
        ("." + "y" * 1000, "." + "y" * 149),
        ("x" * 149 + " " * 99 + "y", "x" * 149),
        ("CON" + " " * 200 + "x", "_CON"),
        ("nul." + "x" * 200, "_nul." + "x" * 145),
        ("nul." + "x" * 200 + ".txt", "_nul." + "x" * 141 + ".txt"),
    ],
)
def test_a_long_name_is_cut(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


@given(NAMES)
@example("CON" + " " * 147 + "x")
@example("x" * 129 + " ." + "y" * 19 + "z")
def test_every_name_is_one_safe_component(name: str) -> None:
    safe = safe_file_name(name)
    assert 0 < len(safe.encode("utf-8")) <= NAME_BYTES
    assert not set(safe) & set('/\\:<>"|?*')
    assert safe[-1] not in ". "
    assert PureWindowsPath(safe).parts == (safe,)
    assert safe.split(".")[0].rstrip(" ").upper() not in DEVICES
    for character in safe:
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        )
    assert safe_file_name(safe) == safe


@given(st.text("abcXYZ019 éüß日本語😀_-.,;()[]{}'#%&+=@!~$^`", min_size=1, max_size=36))
def test_a_name_of_ordinary_characters_stays(name: str) -> None:
    ordinary = f"{name}_"
    assert safe_file_name(ordinary) == ordinary


@given(NAMES)
def test_a_file_of_that_name_can_be_made(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / safe_file_name(name)
        path.write_bytes(b"x")
        (made,) = Path(directory).iterdir()
        assert made.read_bytes() == b"x"
        assert unicodedata.normalize("NFC", made.name) == unicodedata.normalize("NFC", path.name)


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("a.txt", "a.txt"),
        ("/tmp/gradio/0a1b/a b.txt", "a b.txt"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("/tmp\\mixed/a.txt", "a.txt"),
        ("/tmp/mixed\\a.txt", "a.txt"),
        ("C:a.txt", "C:a.txt"),
        ("/tmp/", ""),
        ("", ""),
        ("/tmp/..", ".."),
    ],
)
def test_the_last_component(path: str, last: str) -> None:
    assert last_component(path) == last


@given(NAMES, NAMES, st.sampled_from("/\\"))
def test_the_last_component_holds_no_separator(folder: str, name: str, separator: str) -> None:
    last = last_component(folder + separator + name)
    assert not set(last) & set("/\\")
    assert name.endswith(last)
