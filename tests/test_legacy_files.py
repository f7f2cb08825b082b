"""Files on Gradio 3.x: what a component takes, what it gives, and what /info calls both."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import body

from gradio_proto.api_info import parse_api_info
from gradio_proto.config import Component, parse_component, parse_config
from gradio_proto.endpoints import App
from gradio_proto.errors import ArgumentError
from gradio_proto.filenames import safe_file_name
from gradio_proto.files import FileInput, FileOutput, Uploads, file_outputs_in, with_local_files
from gradio_proto.legacy_files import (
    FILE_TYPES,
    data_url,
    legacy_file_output,
    legacy_file_outputs,
    shape_inputs,
)
from gradio_proto.payload import arguments_as_json
from gradio_proto.view_api import api_as_text

VERSIONS = ["3.36.1", "3.50.2"]
PNG = "data:image/png;base64,AAAA"
FILE = {"name": "/tmp/gradio/ab/out a.txt", "data": None, "is_file": True}
FETCHED = FileOutput("file=/tmp/gradio/ab/out a.txt", (), "out a.txt", False, FILE)


def component(kind: str) -> Component:
    return parse_component({"type": kind}, 1)


def recorded(version: str) -> App:
    info = parse_api_info(body(version, "info_serialize=False"))
    return App(parse_config(body(version, "config")), info)


def app_of(*kinds: str) -> App:
    """A function that takes and gives a value of each of these components."""
    ids = list(range(len(kinds)))
    return App(
        parse_config(
            {
                "version": "3.50.2\n",
                "components": [{"id": id, "type": kind} for id, kind in enumerate(kinds)],
                "dependencies": [{"api_name": "f", "inputs": ids, "outputs": ids}],
            }
        )
    )


def of_bytes(name: str = "a.txt") -> FileInput:
    return FileInput(b"abc", "bytes", name)


def numbered() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"mark{next(numbers)}"


def uploads_of(app: App, *args: Any) -> Uploads:
    data = app.resolve("/f").bind(args, {})
    return Uploads(lambda *, encode: arguments_as_json({"data": data}, encode), numbered())


def sent(uploads: Uploads) -> Any:
    """The data that is sent, when each upload's path is ``/up/`` and its name, and what is inline is told by it."""
    uploads.paths.update((file, f"/up/{file.name}") for file in uploads.paths)
    uploads.inlined.update((file, f"inline {file.name}") for file in uploads.inlined)
    return json.loads(uploads.payload())["data"]


def as_file(name: str = "a.txt", **more: Any) -> dict[str, Any]:
    return {"name": f"/up/{name}", "data": None, "is_file": True, "orig_name": name, **more}


# What is sent.


@pytest.mark.parametrize("kind", ["file", "video", "audio", "model3d", "uploadbutton", "gallery", "json"])
def test_most_components_take_a_place_on_the_server(kind: str) -> None:
    file = of_bytes()
    uploads = uploads_of(app_of(kind), [file, {"deep": (file, "a.txt", None)}])
    assert (uploads.files, list(uploads.paths), uploads.inlined) == ((file,), [file], {})
    assert sent(uploads) == [[as_file(), {"deep": [as_file(), "a.txt", None]}]]


def test_an_image_is_sent_itself() -> None:
    file, mask = of_bytes("a.png"), of_bytes("b.png")
    uploads = uploads_of(app_of("image"), {"image": file, "mask": mask})
    assert (uploads.files, uploads.paths, list(uploads.inlined)) == ((file, mask), {}, [file, mask])
    assert sent(uploads) == [{"image": "inline a.png", "mask": "inline b.png"}]


def test_a_file_in_a_chat_has_an_alternative_text() -> None:
    assert sent(uploads_of(app_of("chatbot"), [["hi", of_bytes()]])) == [[["hi", as_file(alt_text=None)]]]


def test_each_argument_is_shaped_for_its_own_component() -> None:
    file = of_bytes("a.png")
    uploads = uploads_of(app_of("file", "state", "image", "textbox", "file"), file, file, "x", [file])
    assert (uploads.files, list(uploads.paths), list(uploads.inlined)) == ((file,), [file], [file])
    assert sent(uploads) == [as_file("a.png"), None, "inline a.png", "x", [as_file("a.png")]]


def test_a_url_is_read_here() -> None:
    file = FileInput("https://a.example/a.png", "url", "a.png")
    uploads = uploads_of(app_of("file", "image"), file, file)
    assert uploads.files == (file,)
    assert sent(uploads) == [as_file("a.png"), "inline a.png"]


def test_the_callers_arguments_stay_as_they_are() -> None:
    file = of_bytes()
    given = {"a": [file]}
    uploads_of(app_of("image"), given)
    assert given == {"a": [file]}


def test_what_only_looks_like_a_file_is_data() -> None:
    looks = {"name": "/etc/passwd", "data": None, "is_file": True}
    uploads = uploads_of(app_of("file", "image"), looks, "/etc/passwd")
    assert not uploads.files
    assert sent(uploads) == [looks, "/etc/passwd"]


def test_a_file_beyond_the_components_that_are_known() -> None:
    config = {"components": [], "dependencies": [{"api_name": "f", "inputs": [7]}]}
    uploads = uploads_of(App(parse_config(config)), of_bytes())
    assert sent(uploads) == [as_file()]


def test_a_path_that_is_no_file_says_what_to_do() -> None:
    with pytest.raises(ArgumentError, match="handle_file"):
        uploads_of(app_of("image"), b"bytes")


def test_names_are_made_safe() -> None:
    assert sent(uploads_of(app_of("file"), of_bytes("../a\n")))[0]["orig_name"] == safe_file_name("../a\n")


def test_a_component_that_nobody_knows_takes_a_place_on_the_server() -> None:
    shaped = shape_inputs(of_bytes(), None)
    assert (shaped.shape("/up/a.txt", "a.txt"), shaped.is_inline) == (as_file(), False)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.png", "image/png"),
        ("A.JPG", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.b.tif", "image/tiff"),
        ("png", "application/octet-stream"),
        ("a.weird", "application/octet-stream"),
    ],
)
def test_a_data_url(name: str, mime: str) -> None:
    assert data_url(name, b"\0\xff") == f"data:{mime};base64,AP8="


# What comes back.


@pytest.mark.parametrize("kind", sorted(FILE_TYPES - {"video"}))
def test_files_wherever_a_component_has_them(kind: str) -> None:
    assert legacy_file_outputs([[FILE, "é"], FILE, None], component(kind)) == [
        [FETCHED, "é"],
        FETCHED,
        None,
    ]


@pytest.mark.parametrize("kind", ["textbox", "json", "html", "markdown", "plot", "dataframe", "dropdown", ""])
def test_no_files_in_what_an_app_says_itself(kind: str) -> None:
    value = [FILE, PNG, {"data": PNG, "name": "x.png", "is_file": False}]
    assert legacy_file_outputs(value, component(kind)) is value
    assert legacy_file_outputs(value, None) is value


def test_an_image_comes_within_the_output() -> None:
    found = legacy_file_outputs(PNG, component("image"))
    assert found == FileOutput("", (), "image.png", False, PNG, content="AAAA")
    assert found.name == "image.png"
    assert with_local_files(found, {found: "/here/image.png"}) == "/here/image.png"
    assert with_local_files(found, {}) == PNG


@pytest.mark.parametrize(
    "text", ["", "https://a.example/x.png", "data:image/png,x", "data:;base64", f" {PNG}"]
)
def test_a_text_of_an_image_that_is_no_data_url(text: str) -> None:
    assert legacy_file_outputs(text, component("image")) == text


@pytest.mark.parametrize("kind", sorted(FILE_TYPES - {"image"}))
def test_a_text_of_other_components_stays_a_text(kind: str) -> None:
    assert legacy_file_outputs([PNG], component(kind)) == [PNG]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("data:image/jpeg;base64,", "image.jpg"),
        ("data:IMAGE/PNG;charset=x;a=b;base64,", "image.png"),
        ("data:image/svg+xml;base64,", "image.svg"),
        ("data:image/unheard-of;base64,", "image"),
        ("data:;base64,", "image"),
    ],
)
def test_the_type_tells_the_suffix(head: str, name: str) -> None:
    assert legacy_file_outputs(f"{head}AA==", component("image")).name == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"name": "a b.txt", "data": PNG, "is_file": False}, "a b.txt"),
        ({"name": "/tmp/x/../a", "data": PNG}, "a.png"),
        ({"name": None, "data": "data:text/vtt;base64,AA==", "is_file": False}, "file.vtt"),
        ({"data": PNG}, "file.png"),
        ({"name": "nul.png", "data": PNG}, "_nul.png"),
    ],
)
def test_a_file_that_comes_within_an_object(value: dict[str, Any], name: str) -> None:
    found = legacy_file_output(value)
    assert found is not None
    assert (found.name, found.content is None, found.raw) == (name, False, value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"name": "/tmp/x", "data": None},
        {"name": "/tmp/x", "data": None, "is_file": "yes"},
        {"name": "", "data": None, "is_file": True},
        {"name": "/tmp/", "data": None, "is_file": True},
        {"name": 7, "data": None, "is_file": True},
        {"name": "https://a.example/x.png", "data": None, "is_file": True},
        {"name": "x", "data": "no data URL", "is_file": False},
        {"path": "/tmp/x", "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_what_is_no_file_of_this_server(value: dict[str, Any]) -> None:
    assert legacy_file_output(value) is None
    assert legacy_file_outputs(value, component("file")) is value


def test_the_name_is_the_paths_and_safe() -> None:
    found = legacy_file_output({**FILE, "name": "C:\\x\\a\n.txt", "orig_name": "b.txt"})
    assert found is not None
    assert (found.route, found.name) == ("file=C:\\x\\a\n.txt", "a_.txt")


def test_sound_that_is_still_growing() -> None:
    value = {"name": "session/7/3", "is_stream": True, "is_file": False, "orig_name": "../a.wav"}
    found = legacy_file_outputs(value, component("audio"))
    assert found == FileOutput("stream/session/7/3", (), "", True, value)
    assert (found.name, found.is_given_once) == (safe_file_name("../a.wav"), True)
    del value["orig_name"]
    assert legacy_file_outputs(value, component("audio")).name == "3"


def test_a_video_is_given_without_its_subtitles() -> None:
    video = component("video")
    assert legacy_file_outputs([FILE, {"name": None, "data": PNG, "is_file": False}], video) == FETCHED
    assert legacy_file_outputs([FILE, None], video) == FETCHED
    assert legacy_file_outputs(FILE, video) == FETCHED
    assert legacy_file_outputs(None, video) is None
    update = {"__type__": "update", "label": "x", "value": [FILE, None]}
    assert legacy_file_outputs(update, video) == {**update, "value": FETCHED}
    only_label = {"__type__": "update", "label": "x"}
    assert legacy_file_outputs(only_label, video) is only_label


def test_a_file_in_an_update() -> None:
    update = {"__type__": "update", "label": "new", "value": PNG}
    (found,) = file_outputs_in(legacy_file_outputs(update, component("image")))
    assert found.content == "AAAA"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just(PNG) | st.just("data:;base64,"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "data", "is_file", "is_stream", "__type__", "value"]), inner, max_size=6
        )
        | st.just(FILE)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(sorted(FILE_TYPES - {"video"})))
def test_whatever_a_server_sends_can_be_put_back(value: Any, kind: str) -> None:
    before = json.dumps(value)
    found = legacy_file_outputs(value, component(kind))
    assert with_local_files(found, {}) == value
    assert json.dumps(value) == before


@given(JSON)
def test_whatever_a_server_sends_as_a_video_is_read(value: Any) -> None:
    assert all(
        isinstance(file, FileOutput)
        for file in file_outputs_in(legacy_file_outputs(value, component("video")))
    )


@given(st.binary(max_size=40), st.sampled_from(["a.png", "b.jpg", "c"]))
def test_a_data_url_is_what_an_output_is_read_from(content: bytes, name: str) -> None:
    found = legacy_file_outputs(data_url(name, content), component("image"))
    assert base64.b64decode(found.content) == content


# Endpoints.


@pytest.mark.parametrize("version", VERSIONS)
def test_outputs_of_recorded_endpoints(version: str) -> None:
    app = recorded(version)
    assert app.resolve("/file").unbind_outputs([FILE], fetch=True) == FETCHED
    assert app.resolve("/file").unbind_outputs([FILE]) == FILE
    assert app.resolve("/files").unbind_outputs([[FILE]], fetch=True) == [FETCHED]
    assert app.resolve("/image").unbind_outputs([PNG], fetch=True).content == "AAAA"
    assert app.resolve("/echo").unbind_outputs([PNG], fetch=True) == PNG
    assert app.resolve("/json").unbind_outputs([FILE], fetch=True) == FILE
    fetching = [name for name in ("/file", "/files", "/image", "/chat", "/echo", "/json", "/calc")
                if app.resolve(name).returns_files]  # fmt: skip
    assert fetching == ["/file", "/files", "/image", "/chat"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_of_a_component_stands_in_the_config(version: str) -> None:
    schemas = {kept.type: kept.api_info for kept in recorded(version).config.components.values()}
    assert schemas["textbox"] == {"type": "string"}
    assert schemas["image"] == {"type": "string", "description": "base64 representation of an image"}


@pytest.mark.parametrize("version", VERSIONS)
def test_types_of_recorded_endpoints(version: str) -> None:
    app = recorded(version)

    def types_of(name: str) -> list[tuple[str, str]]:
        info = app.info.named[name]
        return [(each.python_type, each.description) for each in info.parameters] + [
            (each.python_type, each.description) for each in info.returns
        ]

    assert types_of("/file") == [("filepath", "")] * 2
    assert types_of("/files") == [("list[filepath]", "")] * 2
    assert types_of("/image") == [("filepath", "")] * 2
    assert types_of("/json") == [("Dict[Any, Any]", "any valid json")] * 2
    number, text = ("int | float", ""), ("str", "")
    assert types_of("/calc") == [number, text, number, number, text]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gallery_and_a_type_that_nobody_converts(version: str) -> None:
    def type_of(serializer: Any) -> str:
        entry = {"serializer": serializer, "type": {"type": "string"}, "python_type": {"type": "str"}}
        info = parse_api_info({"named_endpoints": {"/f": {"parameters": [entry]}}})
        return info.named["/f"].parameters[0].python_type

    assert type_of("GallerySerializable") == "list[filepath | tuple[filepath, str | None]]"
    assert type_of("VideoSerializable") == "filepath"
    assert (type_of("StringSerializable"), type_of("Unheard"), type_of(["x"]), type_of(None)) == ("str",) * 4


@pytest.mark.parametrize("version", VERSIONS)
def test_how_an_endpoint_is_called(version: str) -> None:
    app = recorded(version)
    text = api_as_text(app)
    assert (
        ' - predict(f_in, api_name="/file") -> f_out\n    Parameters:\n     - [File] f_in: filepath' in text
    )
    assert app.resolve("/calc").bind((), {"n_in": 1, "op": "add", "n2": 2}) == [1, "add", 2]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n2'"):
        app.resolve("/calc").bind((1, "add"), {})
    assert app.resolve("/state").bind(("x",), {}) == ["x", None]  # State has no skip_api there


@pytest.mark.parametrize("version", VERSIONS)
def test_an_endpoint_without_a_name_is_called_by_its_number(version: str) -> None:
    app = recorded(version)
    (unnamed, *_) = [index for index, info in app.info.unnamed.items() if info.parameters]
    endpoint = app.resolve(fn_index=unnamed)
    assert (endpoint.api_name, endpoint.label) == (None, f"fn_index {unnamed}")
    assert endpoint.bind(("x",), {}) == ["x"]
    assert f"fn_index={unnamed}" in api_as_text(app, True)
    with pytest.raises(ArgumentError, match="several endpoints"):
        app.resolve()


def test_an_endpoint_without_a_name_is_not_the_one_that_is_meant() -> None:
    """As the official client of that time: of the named ones there is one."""
    config = {"components": [], "dependencies": [{"api_name": None}, {"api_name": "f"}, {"api_name": None}]}
    assert App(parse_config(config)).resolve().label == "/f"
