"""Vectors of files in outputs: where each is to be had, and what it may be called on this machine."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import quote, unquote

import recorded as exchanges

from .exchanges import recordings
from .jobs import Oracle
from .requests import prefix_of
from .vector import PROTOCOL_OF, PROTOCOLS, Names, Vector

TOPIC = "files"
DESCRIPTION = (
    "'value' is an output of a 'component' (its type, and its schema where that matters) of an app of that "
    "'version'. 'files' are the files in it, in order, each once: 'target' is the request that fetches it, or "
    "'base64' its content where that has come with the output; 'name' is a safe name on this machine. Compare "
    "targets after percent-decoding them; they must be ASCII without spaces. A vector with 'name' alone is a name "
    "that somebody gave, and what it must become ('safe') wherever the program runs."
)

_META: Final = {"_type": "gradio.FileData"}
_ANY_JSON: Final = {"type": {}, "description": "any valid json"}


def recorded() -> list[Vector]:
    """What servers handed out, and where it was fetched with success."""
    found: list[Vector] = []
    for version, protocol in PROTOCOL_OF.items():
        fetched = _fetched(version)
        for operation, component in (("files", "file"), ("image", "image"), ("audio_stream", "audio")):
            values: list[Any] = []
            for recording in recordings(version, operation):
                values += _values(Oracle(version, recording))
            for value in values:
                if not value or value in [vector.input["value"] for vector in found]:
                    continue
                files = _files(version, value)
                for file in files:
                    if component == "file" and "hello w" in file.get("target", ""):
                        assert file["target"] in fetched or "/hello w" in file["target"], (file, fetched)
                number = (
                    sum(vector.id.startswith(f"files/recorded/{version}/{component}") for vector in found) + 1
                )
                found.append(
                    Vector(
                        f"files/recorded/{version}/{component}/{number}",
                        f"What Gradio {version} handed out.",
                        f"recorded {version}/{operation}",
                        _given(version, value, component),
                        {"files": files},
                        (protocol,),
                    )
                )
    return found


def _values(oracle: Oracle) -> list[Any]:
    """The whole outputs of one recording's jobs."""
    found: list[Any] = []
    for job in oracle.run().values():
        value = job["outcome"].get("value")
        found += [data[0] for data in (*job["outputs"][:1], *([value] if value else []))]
    return found


def _fetched(version: str) -> set[str]:
    """The targets from which files were fetched, percent-decoded."""
    names = Names()
    sent: dict[int, str] = {}
    found: set[str] = set()
    for record in exchanges.records(version, "files"):
        if record["channel"] == "http" and "file=" in record.get("line", "") and record["dir"] == "send":
            sent[record["conn"]] = record["line"].split(" ")[1]
        elif record["dir"] == "recv" and record.get("conn") in sent and " 200 " in record.get("line", ""):
            found.add(names.text(unquote(sent[record["conn"]])))
    return found


def _files(version: str, value: Any) -> list[dict[str, Any]]:
    """What is to be fetched of a recorded value."""
    if isinstance(value, list):
        found: list[dict[str, Any]] = []
        for item in value:
            found += [file for file in _files(version, item) if file not in found]
        return found
    if isinstance(value, str):
        return [{"base64": value.partition("base64,")[2], "name": "image.png"}]
    path = value["name"] if value.get("is_file") else value["path"]
    route = "stream/" if value.get("is_stream") else "file="
    return [{"target": f"{prefix_of(version)}/{route}{path}", "name": path.rpartition("/")[2]}]


def _given(
    version: str, value: Any, component: str, schema: Any = None, url: str = "http://app"
) -> dict[str, Any]:
    described: dict[str, Any] = {"type": component}
    if schema is not None:
        described["api_info"] = schema
    return {"version": version, "url": url, "component": described, "value": value}


def written() -> list[Vector]:
    """What servers may hand out besides, or should not."""
    found: list[Vector] = []

    def add(id: str, text: str, given: dict[str, Any], *files: dict[str, Any]) -> None:
        protocol = PROTOCOL_OF[given["version"]]
        found.append(Vector(f"files/{id}", text, "written", given, {"files": [*files]}, (protocol,)))

    def data(path: Any, **fields: Any) -> dict[str, Any]:
        return {"path": path, "url": None, "orig_name": "shown.txt", "meta": _META, **fields}

    new, old = "6.31.0", "3.50.2"
    here = {"target": "/gradio_api/file=/tmp/g/1/a b#?%.txt", "name": "a b#_%.txt"}
    add(
        "quoted",
        "Characters that mean something in a URL.",
        _given(new, data("/tmp/g/1/a b#?%.txt"), "file"),
        here,
    )
    add("url-elsewhere", "The url is not asked: the server may not know how it is reached.",
        _given(new, data("/tmp/g/1/a.txt", url="http://internal:7860/gradio_api/file=/tmp/g/1/a.txt"), "file"),
        {"target": "/gradio_api/file=/tmp/g/1/a.txt", "name": "a.txt"})  # fmt: skip
    add("base-path", "An app below a path.", _given(new, data("/tmp/g/1/a.txt"), "file", url="http://app/sub"),
        {"target": "/sub/gradio_api/file=/tmp/g/1/a.txt", "name": "a.txt"})  # fmt: skip
    add("climbs", "A path that climbs is asked for as it is, by name; the local name does not climb.",
        _given(new, data("/tmp/../../..\\..\\evil.txt"), "file"),
        {"target": "/gradio_api/file=/tmp/../../..\\..\\evil.txt", "name": "evil.txt"})  # fmt: skip
    add("windows", "A path of a server on Windows.", _given(new, data("C:\\g\\1\\a.txt"), "file"),
        {"target": "/gradio_api/file=C:\\g\\1\\a.txt", "name": "a.txt"})  # fmt: skip
    add(
        "nested",
        "Files in lists and objects, each fetched once.",
        _given(
            new,
            [
                {"image": data("/t/1.png"), "caption": "x"},
                {"image": data("/t/2.png")},
                {"image": data("/t/1.png")},
            ],
            "gallery",
        ),
        {"target": "/gradio_api/file=/t/1.png", "name": "1.png"},
        {"target": "/gradio_api/file=/t/2.png", "name": "2.png"},
    )
    add("update", "In what gr.update() made.",
        _given(new, {"__type__": "update", "value": data("/t/1.png"), "visible": True}, "image"),
        {"target": "/gradio_api/file=/t/1.png", "name": "1.png"})  # fmt: skip
    add("none", "No file.", _given(new, None, "file"))
    add(
        "no-path",
        "An image that has a url only is on no server of ours.",
        _given(new, data(None, url="http://x/y"), "image"),
    )
    add(
        "json/path",
        "An app's own JSON that has a path.",
        _given(new, {"path": "/etc/passwd"}, "json", _ANY_JSON),
    )
    add("json/text", "A text that looks like a path.", _given(new, "/etc/passwd", "json", _ANY_JSON))
    add("playlist", "Media of 5.x and later comes as a playlist, and beside it stands everything in one piece.",
        _given(new, data("s/r/5/playlist.m3u8", is_stream=True, orig_name="audio-stream.mp3"), "audio"),
        {"target": "/gradio_api/stream/s/r/5/playlist-file", "name": "audio-stream.mp3"})  # fmt: skip
    add(
        "signature",
        "The signature of a private Space's stream goes with it.",
        _given(
            new,
            data("s/r/5/playlist.m3u8", is_stream=True, orig_name="a.mp3", url="http://x/p.m3u8?__sign=abc"),
            "audio",
        ),
        {"target": "/gradio_api/stream/s/r/5/playlist-file?__sign=abc", "name": "a.mp3"},
    )
    add("old/file", "3.x: a file by its name.",
        _given(old, {"name": "/t/1/a.txt", "data": None, "is_file": True, "orig_name": "b.txt"}, "file"),
        {"target": "/file=/t/1/a.txt", "name": "a.txt"})  # fmt: skip
    add(
        "old/inline",
        "3.x: a file in base64.",
        _given(
            old,
            {
                "name": "a.txt",
                "data": "data:text/plain;base64," + base64.b64encode(b"hi").decode(),
                "is_file": False,
            },
            "file",
        ),
        {"base64": base64.b64encode(b"hi").decode(), "name": "a.txt"},
    )
    add("old/json", "3.x: an app's own JSON that looks like a file.",
        _given(old, {"name": "/etc/passwd", "data": None, "is_file": True}, "json"))  # fmt: skip
    add("old/text", "3.x: a text that is a data URL.", _given(old, "data:text/plain;base64,aGk=", "textbox"))
    return found


NAMES: Final[dict[str, tuple[str, str]]] = {
    "ordinary": ("out a #1 \u00e9.txt", "out a #1 \u00e9.txt"),
    "hidden": (".gitignore", ".gitignore"),
    "empty": ("", "file"),
    "dot": (".", "file"),
    "dot-dot": ("..", "file"),
    "climbs": ("../../etc/passwd", ".._.._etc_passwd"),
    "drive": ("C:\\boot.ini", "C__boot.ini"),
    "stream": ("a.txt:stream", "a.txt_stream"),
    "reserved": ('<>"|?*', "______"),
    "controls": ("a\x00b\nc\x1b[31m\x7f\x9b.txt", "a_b_c_[31m__.txt"),
    "line-separators": ("a\u2028b\u2029c", "a_b_c"),
    "turned-around": ("invoice\u202egpj.exe", "invoice_gpj.exe"),
    "trailing": ("trailing. . ", "trailing"),
    "device": ("NUL", "_NUL"),
    "device/suffix": ("con.tar.gz", "_con.tar.gz"),
    "device/space": ("lpt1 .txt", "_lpt1 .txt"),
    "device/superscript": ("COM\u00b9", "_COM\u00b9"),
    "no-device": ("console.txt", "console.txt"),
    "long": ("x" * 1000 + ".txt", "x" * 146 + ".txt"),
    "long/characters": ("\u00e9" * 1000 + ".ts", "\u00e9" * 73 + ".ts"),
}
"""Names, and the safe ones; at most 150 bytes of UTF-8."""


def vectors() -> list[Vector]:
    """All of them."""
    names = [
        Vector(f"files/name/{id}", "A name made safe.", "property", {"name": name}, {"safe": safe}, PROTOCOLS)
        for id, (name, safe) in NAMES.items()
    ]
    found = names + written() + recorded()
    for vector in found:
        for file in vector.expect.get("files", []):
            if "target" in file:
                path, mark, query = file["target"].partition("?__sign")
                file["target"] = quote(path, safe="/=") + mark + query
    return found
