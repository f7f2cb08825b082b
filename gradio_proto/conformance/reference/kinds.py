"""An endpoint for every kind of component that has a plain value or a file: ``/kind_textbox``, ``/kind_video``...

Each takes a value of its component and gives back two: a text that says what the server understood, and a value
of the same kind. A file is told by its name and the hash of its content, since its path is the server's own.

Gradio 3 encodes many of the values in a way of its own, and has these endpoints for components with files only; 4.0
to 4.12 have none.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gradio as gr

VERSION = tuple(int(part) for part in re.findall(r"\d+", gr.__version__)[:3])
"""Without what makes it a pre-release."""


class Kind(NamedTuple):
    """An endpoint to be."""

    name: str
    function: Callable[..., Any]
    inputs: Any
    outputs: Any


class KindError(gr.Error):
    """An error of the app's own class."""


def understood(value: Any) -> Any:
    """What stands for a value in JSON, whatever Gradio made of it."""
    if isinstance(value, str) and os.path.isfile(value):
        with open(value, "rb") as file:
            return {"file": os.path.basename(value), "sha256": hashlib.sha256(file.read()).hexdigest()}
    if value is None or type(value) in (bool, int, float) or isinstance(value, str):
        return value
    if isinstance(value, dict):
        # What tells where on the server, or how the app is reached, is of no interest.
        return {str(key): understood(entry) for key, entry in value.items() if key != "url"}
    if isinstance(value, list | tuple):
        return [understood(item) for item in value]
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return understood(value.model_dump())
    if hasattr(value, "tolist"):
        content = hashlib.sha256(value.tobytes()).hexdigest()
        return {"array": [list(value.shape), str(value.dtype)], "sha256": content}
    return f"a {type(value).__name__}"


def _said(value: Any) -> str:
    return json.dumps(understood(value), sort_keys=True)


def echo(value: Any) -> tuple[str, Any]:
    return _said(value), value


def told(value: Any) -> tuple[str, None]:
    return _said(value), None


def spans(value: Any) -> tuple[str, Any]:
    # Some versions hand out objects, and take only pairs.
    pairs = [tuple(span.values()) if isinstance(span, dict) else span for span in value]
    return _said(pairs), pairs


def confidences(value: Any) -> tuple[str, Any]:
    return _said(value), {"cat": 0.75, "dog": 0.25, str(value)[:1]: 0.0}


def described(value: Any, text: str = "default", times: int = 2) -> tuple[str, Any]:
    return _said([value, text, times]), f"{text * int(times)}"


def answered(history: Any) -> tuple[str, Any]:
    """The conversation with an answer at its end, and with a file after that."""
    file = os.path.join(tempfile.mkdtemp(), "answer.txt")
    with open(file, "w", encoding="utf-8") as writer:
        writer.write(f"the answer to {len(history)}")
    if VERSION >= (5,):
        contents = ["é", gr.HTML("<b>é</b>"), {"path": file}]
        told = [{"role": "assistant", "content": content} for content in contents]
    else:
        told = [["q", "é"], ["f", (file, "the answer")]]
    return _said(history), [*history, *told]


def subtitled(value: Any) -> tuple[str, Any]:
    """The video with subtitles that the app made."""
    if value is None:
        return _said(value), None
    subtitles = os.path.join(tempfile.mkdtemp(), "made.vtt")
    with open(subtitles, "w", encoding="utf-8") as writer:
        writer.write("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nhello\n")
    if VERSION >= (6,):
        return _said(value), gr.Video(value, subtitles=subtitles)
    return _said(value), (value, subtitles)


def pictured(value: Any) -> tuple[str, Any]:
    """A gallery of the same pictures, the first without its caption."""
    # 4.13 hands out its own classes.
    pairs = [(entry.image.path, entry.caption) for entry in value.root] if VERSION < (4, 44) else value
    return _said(value), [pair if index else pair[0] for index, pair in enumerate(pairs)]


def annotated(value: Any) -> tuple[str, Any]:
    image = value.image.path if VERSION < (4, 44) else value[0]
    return _said(value), (image, [((1, 1, 3, 3), "corner")])


def sectioned(value: Any) -> tuple[str, Any]:
    return _said(value), value["composite"]


def wide(*values: Any) -> tuple[str, Any, Any]:
    return _said(values), values[0], values[-1]


def bars(count: float) -> tuple[str, Any]:
    import pandas  # Gradio has it

    numbers = list(range(int(count)))
    return _said(count), pandas.DataFrame({"a": [f"bar {n}" for n in numbers], "b": numbers})


class Figure:
    """Stands for a figure of plotly's, which no server has installed."""

    __module__ = "plotly"

    def to_json(self) -> str:
        return '{"data": [{"y": [1, 2]}]}'


def plotted(value: Any) -> tuple[str, Any]:
    return _said(value), Figure()


def refused(value: Any) -> str:
    raise KindError(f'<b>refused</b> & "{value}" isn\'t\nit')


def relabelled(value: Any) -> Any:
    """A new value together with a new label: the client gets an update, with a file in it."""
    return gr.update(value=value, label="new")


def nothing(*values: Any) -> None:
    return None


def alternating(value: Any) -> Iterator[Any]:
    """Two outputs, of which each value changes one."""
    for count in range(2):
        yield f"{value} {count}", gr.update()
        yield gr.update(), f"{value} {count}"


def growing(value: Any) -> Iterator[Any]:
    """A file that is another one with each value."""
    for count in range(1, 4):
        file = os.path.join(tempfile.mkdtemp(), f"part {count}.txt")
        with open(file, "w", encoding="utf-8") as writer:
            writer.write(f"{value}" * count)
        yield file


def _explored() -> str:
    """A directory for a FileExplorer."""
    root = os.path.join(tempfile.mkdtemp(), "root")
    os.makedirs(os.path.join(root, "sub dir"))
    for name in ("a.txt", "b é.txt", os.path.join("sub dir", "c#.txt")):
        with open(os.path.join(root, name), "w", encoding="utf-8") as writer:
            writer.write(name)
    return root


def kinds() -> Iterator[Kind]:
    """All that this version has, to be called inside the ``with gr.Blocks()``."""
    said = gr.Textbox()

    # One component is input and output: each weighs kilobytes in the config, which every client fetches.
    def kind(name: str, component: Any, function: Callable[..., Any] = echo) -> Kind:
        return Kind(f"kind_{name}", function, component, [said, component])

    messages = {"type": "messages"} if VERSION[0] == 5 else {}
    choices = ["a", "b", ("c é", 3)]
    yield kind("textbox", gr.Textbox(lines=2))
    yield kind("number", gr.Number())
    yield kind("integer", gr.Number(precision=0, minimum=-10, maximum=10))
    yield kind("slider", gr.Slider(0, 10, value=3, step=0.5))
    yield kind("checkbox", gr.Checkbox())
    yield kind("checkboxgroup", gr.CheckboxGroup(choices))
    yield kind("radio", gr.Radio(choices))
    yield kind("radio_index", gr.Radio(["a", "b"], type="index"), told)
    yield kind("dropdown", gr.Dropdown(choices))
    yield kind("dropdown_many", gr.Dropdown(choices, multiselect=True))
    yield kind("dropdown_free", gr.Dropdown(["a"], allow_custom_value=True))
    yield kind("colorpicker", gr.ColorPicker())
    yield kind("dataframe", gr.Dataframe(headers=["n", "s"], type="array"))
    yield kind("json", gr.JSON())
    yield kind("code", gr.Code(language="python"))
    yield kind("markdown", gr.Markdown())
    yield kind("html", gr.HTML())
    yield kind("label", gr.Label(), confidences)
    yield kind("highlightedtext", gr.HighlightedText(), spans)
    yield kind("chatbot", gr.Chatbot(**messages), answered)
    yield kind("file", gr.File())
    yield kind("files", gr.File(file_count="multiple"))
    yield kind("file_bytes", gr.File(type="binary"), told)
    yield kind("image", gr.Image(type="filepath"))
    yield kind("image_numpy", gr.Image(type="numpy"))
    yield kind("gallery", gr.Gallery(), pictured)
    yield kind("audio", gr.Audio(type="filepath"))
    # No format, so that Gradio leaves the video as it is: converting it takes ffmpeg.
    video = gr.Video()
    yield kind("video", video)
    yield kind("video_subtitled", video, subtitled)
    yield kind("model3d", gr.Model3D())
    yield kind("annotatedimage", gr.AnnotatedImage(), annotated)
    editor = gr.ImageEditor(type="numpy")
    yield Kind("kind_imageeditor", sectioned, editor, [said, gr.Image(type="numpy")])
    yield kind("uploadbutton", gr.UploadButton())
    yield kind("fileexplorer", gr.FileExplorer(root_dir=_explored()))
    for name in (
        *("BrowserState", "DateTime", "Dialogue", "DownloadButton"),
        *("ImageSlider", "MultimodalTextbox", "ParamViewer", "Timer"),
    ):
        if hasattr(gr, name):
            yield kind(name.lower(), getattr(gr, name)())
    yield kind("plot", gr.Plot(), plotted)
    yield Kind("kind_barplot", bars, gr.Number(), [said, gr.BarPlot(x="a", y="b")])

    # What a client may get wrong whatever the component is.
    text, file, files = gr.Textbox(), gr.File(), gr.File(file_count="multiple")
    yield Kind("kind_defaults", described, [text, gr.Textbox("given"), gr.Number(3)], [said, text])
    same = [gr.Textbox(label="same", value=f"value {index}") for index in range(3)]
    yield Kind("kind_same_labels", wide, same, [said, same[0], same[1]])
    yield Kind("kind_mixed", wide, [file, gr.State(7), text, gr.Image(), files], [said, file, files])
    # A component without a value for API users, and which is no State either.
    button = gr.Button("hidden")
    yield Kind("kind_hidden", wide, [button, text], [said, button, text])
    yield Kind("kind_update", relabelled, file, file)
    yield Kind("kind_no_output", nothing, text, [])
    yield Kind("kind_only_state", nothing, [], gr.State())
    yield Kind("kind_alternating", alternating, text, [said, text])
    yield Kind("kind_error", refused, text, text)
    yield Kind("kind_growing", growing, text, file)


def with_picture(history: Any) -> tuple[str, Any]:
    """The conversation, as pairs, and a picture of it after that."""
    picture = os.path.join(tempfile.mkdtemp(), "the answer.txt")
    with open(picture, "w", encoding="utf-8") as writer:
        writer.write(f"the answer to {len(history or [])}")
    return _said(history), [["q", "data:image/png;base64,AAAA"], ["f", (picture, "the answer")]]


def framed(value: Any) -> tuple[str, Any]:
    """The picture with a corner of it marked."""
    return _said(value), (value, [((1, 1, 3, 3), "corner")])


def opened(value: Any) -> tuple[str, Any]:
    """A file of which Gradio 3 gives an open one."""
    return _said(value.name), value.name


def listed(value: Any) -> tuple[str, Any]:
    """The files of a gallery, which Gradio 3 gives as they were sent; the first is shown without a caption."""
    files = [entry["name"] for entry in value]
    return _said(files), [(file, "é") if index else file for index, file in enumerate(files)]


def old_kinds() -> Iterator[Kind]:
    """What Gradio 3 has with files in it, to be called inside the ``with gr.Blocks()``."""
    said = gr.Textbox()
    video, picture = gr.Video(), gr.Image(type="filepath")
    yield Kind("kind_image", echo, picture, [said, picture])
    yield Kind("kind_gallery", listed, gallery := gr.Gallery(), [said, gallery])
    yield Kind("kind_audio", echo, sound := gr.Audio(type="filepath"), [said, sound])
    yield Kind("kind_video", echo, video, [said, video])
    yield Kind("kind_video_subtitled", subtitled, video, [said, video])
    yield Kind("kind_model3d", echo, model := gr.Model3D(), [said, model])
    yield Kind("kind_annotatedimage", framed, picture, [said, gr.AnnotatedImage()])
    yield Kind("kind_uploadbutton", opened, button := gr.UploadButton(), [said, button])
    yield Kind("kind_chatbot", with_picture, chatbot := gr.Chatbot(), [said, chatbot])
    yield Kind("kind_update", relabelled, picture, picture)
