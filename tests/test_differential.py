"""The same calls through the official client and through ours, against real servers: the results are the same.

Every kind of component that has a plain value or a file is among them (see ``kinds.py`` of the reference app), beside
errors, generators, State, defaults and hidden endpoints. Where the two differ for a reason, :data:`DIFFERENCES` says
which call, on which server, and why; an entry that has become wrong fails.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from media import VIDEO, VTT, png, wav
from servers import install
from servers.official import make_calls, with_files
from servers.running import Servers, number

from gradio_proto import Client, handle_file

ODD = "odd #1 %41 é.txt"
QUOTED = 'it\'s "quoted".txt'
FILES: Mapping[str, bytes] = {
    "a.txt": b"plain text",
    ODD: b"odd name",
    QUOTED: b"quoted name",
    "empty.txt": b"",
    "red.png": png(4, 3, (255, 0, 0)),
    "blue.png": png(4, 3, (0, 0, 255)),
    "tone.wav": wav(800),
    "clip.mp4": VIDEO,
    "words.vtt": VTT,
    "mesh.obj": b"v 0 0 0\n",
}


def file(name: str) -> dict[str, str]:
    """What stands for one of :data:`FILES` in an argument."""
    return {"$file": name}


A, RED, BLUE = file("a.txt"), file("red.png"), file("blue.png")


@dataclass(frozen=True)
class Call:
    """One call, made by both clients on the servers from `since` up to `before`."""

    label: str
    """The name of the endpoint, and after a space whatever tells it from others."""
    args: list[Any] = field(default_factory=list[Any])
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: bool = False
    """Whether every value of the generator is asked for."""
    by_number: bool = False
    """Whether the endpoint is called by its fn_index."""
    follows: bool = False
    """Whether it needs the State of the call before."""
    since: tuple[int, ...] = (4, 13)
    before: tuple[int, ...] = (99,)


def call(label: str, *args: Any, **options: Any) -> Call:
    return Call(label, list(args), **options)


CALLS = (
    # Plain values.
    call("kind_textbox", "é\u2028\"'\n<b>"),
    call("kind_number", -2.5),
    call("kind_number whole", 3),
    call("kind_number none", None),
    call("kind_integer", 7),
    call("kind_integer too-large", 11),
    call("kind_slider", 2.5),
    call("kind_checkbox", True),
    call("kind_checkboxgroup", ["a", 3]),
    call("kind_checkboxgroup empty", []),
    call("kind_radio", 3),
    call("kind_radio unknown", "no such"),
    call("kind_radio_index", "b"),
    call("kind_dropdown", "b"),
    call("kind_dropdown_many", ["a", 3]),
    call("kind_dropdown_free", "mine"),
    call("kind_dropdown_many none", None),
    call("kind_colorpicker", "#ff8800"),
    call("kind_dataframe", {"headers": ["n", "s"], "data": [[1, "é"], [2.5, None]]}),
    call("kind_dataframe rows", [[1, "é"]]),
    call("kind_dataframe none", None),
    call("kind_json", {"a": [1, None, {"b": "é", "2": True}]}),
    call("kind_json file", {"f": A}),
    call("kind_json path", {"path": "/no/such", "x": 1}, since=(5,)),
    call("kind_json like-a-file", {"path": "/no/such", "meta": {"_type": "gradio.FileData"}}),
    call("kind_code", 'print("é")\n'),
    call("kind_markdown", "# é *b*"),
    call("kind_html", "<b>é</b>"),
    call("kind_label", {"label": "cat", "confidences": [{"label": "cat", "confidence": 0.7}]}),
    call("kind_highlightedtext", [
        {"token": "a", "class_or_confidence": "x"}, {"token": "b", "class_or_confidence": None},
    ]),
    call("kind_fileexplorer", [["a.txt"], ["sub dir", "c#.txt"]]),
    call("kind_datetime", "2024-05-06 07:08:09", since=(4, 44)),
    call("kind_paramviewer", {"a": {"type": "int", "description": "d", "default": "1"}}, since=(4, 44)),
    call("kind_timer", 1.5, since=(4, 44)),
    call("kind_browserstate", {"a": ["é"]}, since=(5,)),
    call("kind_dialogue", [{"speaker": "é", "text": "hi"}], since=(5,)),
    call("kind_plot", {"type": "plotly", "plot": "{}"}),
    # 4.13 draws with altair, which numbers what it draws.
    call("kind_barplot", 3, since=(4, 44)),
    # Files.
    call("kind_file", A),
    call("kind_file odd", file(ODD)),
    call("kind_file quoted", file(QUOTED)),
    call("kind_file empty", file("empty.txt")),
    call("kind_file none", None),
    call("kind_files", [A, RED, A]),
    call("kind_files none", []),
    call("kind_file_bytes", A),
    call("kind_uploadbutton", A),
    call("kind_downloadbutton", A, since=(4, 44)),
    call("kind_image", RED),
    call("kind_image none", None),
    call("kind_image_numpy", RED),
    call("kind_imageslider", [RED, BLUE], since=(5,)),
    call("kind_gallery", [{"image": RED, "caption": "é"}, {"image": BLUE, "caption": None}]),
    call("kind_annotatedimage", {"image": RED, "annotations": [{"image": BLUE, "label": "é"}]}),
    call("kind_imageeditor", {"background": RED, "layers": [BLUE], "composite": BLUE}),
    call("kind_audio", file("tone.wav")),
    call("kind_video", {"video": file("clip.mp4")}, before=(6,)),
    call("kind_video", file("clip.mp4"), since=(6,)),
    call("kind_video with-subtitles", {"video": file("clip.mp4"), "subtitles": file("words.vtt")}, before=(6,)),
    call("kind_video_subtitled", {"video": file("clip.mp4")}, before=(6,)),
    call("kind_video_subtitled", file("clip.mp4"), since=(6,)),
    call("kind_model3d", file("mesh.obj")),
    call("kind_multimodaltextbox", {"text": "é", "files": [A, RED]}, since=(4, 44)),
    call("kind_chatbot", [["hi", {"file": RED, "alt_text": "é"}]], before=(5,)),
    call("kind_chatbot", [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": {"file": RED, "alt_text": "é"}},
    ], since=(5,), before=(6,)),
    call("kind_chatbot", [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "file", "file": RED}]},
    ], since=(6,)),
    call("kind_chatbot empty", []),
    call("kind_mixed", A, "t", RED, [file(ODD)]),
    call("kind_update", A),
    call("kind_growing", "x", outputs=True),
    call("file", A),
    call("audio_stream", 3, before=(5,)),  # later versions need ffmpeg: see test_real_files.py
    # Arguments.
    call("kind_defaults", "x"),
    call("kind_defaults named", kwargs={"value": "x", "times": 4}),
    call("kind_defaults twice", "x", kwargs={"value": "y"}),
    call("kind_defaults missing", kwargs={"times": 4}),
    call("kind_defaults unknown", "x", kwargs={"time": 4}),
    call("kind_defaults all", "x", "y", 1),
    call("kind_same_labels"),
    call("kind_same_labels all", "a", "b", "c"),
    call("kind_hidden", "x"),
    call("echo surplus", "x", "y"),
    call("undoc", "x", by_number=True),
    call("undoc named", "x"),
    call("private", "x"),
    call("no_such", "x"),
    # The rest of a call.
    call("fail", "x"),
    call("fail_titled", "x"),
    call("kind_error", "é"),
    call("crash", "x"),
    call("gen_fail", 2),
    call("gen_crash", 2),
    call("count", 3, outputs=True),
    call("count last", 3),
    call("stream", "a b c", outputs=True),
    call("jsonstream", 3, outputs=True),
    call("chat", "hi", [], outputs=True),
    call("progress", 1),
    call("log", "x"),
    call("state", "a b"),
    call("state again", "c", follows=True),
    call("kind_no_output", "x"),
    call("kind_only_state"),
    call("kind_alternating", "x", outputs=True),
    call("batch", "x"),
    call("none", "x"),
    call("noqueue", "x"),
    call("noqueue_gen", 3, outputs=True),
    call("special", "unicode"),
    call("special numbers", "nan"),
    call("update", "x"),
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Calls whose results differ, and are meant to."""

    labels: tuple[str, ...]
    why: str
    holds: Callable[[Any, Any], bool]
    """What is true of the official client's result, and ours."""
    since: tuple[int, ...] = (4, 13)
    before: tuple[int, ...] = (99,)


def _is_error(result: Any, name: str) -> bool:
    return isinstance(result, dict) and name in result.get("$error", ())


DIFFERENCES = (
    Difference(
        ("fail", "fail_titled", "gen_fail", "kind_error", "kind_integer too-large"),
        "Gradio 4 sends the repr of a message, and we take the quotes off",
        lambda theirs, ours: bool(ast.literal_eval(theirs["message"]) == ours["message"]),
        before=(5,),
    ),
    Difference(
        ("echo surplus",),
        "the official client sends one argument too many, and the server drops it",
        lambda theirs, ours: theirs == "x" and _is_error(ours, "TypeError"),
    ),
    Difference(
        ("kind_json file",),
        "the official client downloads what looks like a file in an app's own JSON, also where no server marks it",
        lambda theirs, ours: "$file" in theirs[1]["f"] and ours[1]["f"]["path"].endswith("/a.txt"),
        before=(4, 21),
    ),
    Difference(
        ("kind_json path",),
        "the official client takes any object with a path for a file to download, also one of the app's own",
        lambda theirs, ours: _is_error(theirs, "HTTPStatusError") and ours[1] == {"path": "/no/such", "x": 1},
    ),
    Difference(
        ("kind_json like-a-file",),
        "the official client opens whatever local file an object names that looks like a file",
        lambda theirs, ours: _is_error(theirs, "FileNotFoundError") and not _is_error(ours, "OSError"),
    ),
    Difference(
        ("kind_file quoted",),
        "the official client sends a quote in a name as %22, which the server takes for a part of the name",
        lambda theirs, ours: "22quoted" in theirs[0] and ours[1]["$file"]["name"].endswith(" _quoted_.txt"),
    ),
    Difference(
        ("kind_hidden",),
        "the official client forgets hidden inputs other than State",
        lambda theirs, ours: "enough input values" in theirs["message"] and ours == ['[null, "x"]', "x"],
    ),
    Difference(
        ("audio_stream",),
        "the official client looks for the stream among the files",
        lambda theirs, ours: _is_error(theirs, "HTTPStatusError") and "$file" in ours,
        before=(4, 44),
    ),
    Difference(
        ("audio_stream",),
        "the official client fetches the stream twice, and the server gives it out once",
        lambda theirs, ours: _is_error(theirs, "ReadTimeout") and "$file" in ours,
        since=(4, 44),
    ),
)


def calls_of(version: str, config: Mapping[str, Any], files: Path) -> dict[str, dict[str, Any]]:
    """The calls for such a server, as JSON."""
    indexes = {
        dependency["api_name"]: dependency.get("id", position)
        for position, dependency in enumerate(config["dependencies"])
    }
    made: dict[str, dict[str, Any]] = {}
    for one in CALLS:
        if one.since <= number(version) < one.before:
            name = one.label.partition(" ")[0]
            endpoint = {"fn_index": indexes[name]} if one.by_number else {"api_name": f"/{name}"}
            arguments = {"args": one.args, "kwargs": one.kwargs}
            assert one.label not in made
            made[one.label] = {
                **endpoint,
                **with_files(arguments, lambda name: file(str(files / name))),
                "outputs": one.outputs,
                "follows": one.follows,
            }
    return made


def results_of_official(url: str, calls: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    done = subprocess.run(
        [install.python_of(install.OFFICIAL_CLIENT), install.HERE / "official.py", url, directory],
        input=json.dumps(list(calls.values())),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(calls, json.loads(done.stdout), strict=True))


Results = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, real_server: Servers, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[Results]]:
    """The official client's results and ours, by version. All versions side by side, since servers take their time."""
    if not install.is_installed(install.OFFICIAL_CLIENT):
        pytest.fail("the official client is not installed: run 'make servers'")
    files = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (files / name).write_bytes(content)

    def run(version: str) -> Results:
        url = real_server(version)
        directory = tmp_path_factory.mktemp(version)
        with Client(url, download_files=str(directory)) as client:
            calls = calls_of(version, client.config, files)
            theirs = results_of_official(url, calls, tmp_path_factory.mktemp(f"official-{version}"))
            made = make_calls(client, handle_file, list(calls.values()), directory)
        return theirs, dict(zip(calls, json.loads(json.dumps(made)), strict=True))

    versions = {
        str(item.callspec.params["server_version"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    }
    with ThreadPoolExecutor() as pool:
        return {version: pool.submit(run, version) for version in versions}


def agree(theirs: Any, ours: Any) -> bool:
    """Whether two results are the same. Of the errors, those of the app have the same words."""
    if isinstance(theirs, dict) and "$error" in theirs:
        same = _is_error(ours, theirs["$error"][0])
        return same and (not _is_error(ours, "AppError") or theirs["message"] == ours["message"])
    return bool(theirs == ours)


def test_the_results_are_those_of_the_official_client(
    results: dict[str, Future[Results]], server_version: str
) -> None:
    theirs, ours = results[server_version].result()
    assert len(theirs) >= 80
    differing = {
        label: (theirs[label], ours[label]) for label in theirs if not agree(theirs[label], ours[label])
    }
    meant = [
        (label, difference)
        for difference in DIFFERENCES
        if difference.since <= number(server_version) < difference.before
        for label in difference.labels
        if label in theirs
    ]
    assert not {label: differing[label] for label in differing.keys() - {label for label, _ in meant}}
    for label, difference in meant:
        assert label in differing, f"{label} does not differ any more: {difference.why}"
        assert difference.holds(*differing[label]), label


def test_every_difference_is_of_a_call() -> None:
    labels = {one.label for one in CALLS}
    assert labels.issuperset(label for difference in DIFFERENCES for label in difference.labels)
    names = {label.partition(" ")[0] for label in labels}
    assert len([name for name in names if name.startswith("kind_")]) >= 40
