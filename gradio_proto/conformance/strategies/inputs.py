"""The inputs of an endpoint, drawn from what its app says of it in ``/info`` and ``/config``.

The schemas in ``/info`` are not the whole truth. A server refuses what the component of an input does not take, and
components know more than their schemas say: the bounds of a Slider and the choices of a Radio (on 3.x) are in its
properties, the rows of a Dataframe must be as long as its header, a DateTime has a format of its own. What is known of
components is in the table here; for all others the schema counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...api_info import ParameterInfo
from ...config import Component, is_list, object_of
from ...endpoints import Endpoint, copy_json
from ...legacy_files import FILE_TYPES
from .files import ContentKind, FileForm, FileToSend, file_contents, file_names
from .schema_values import numbers, schema_values
from .texts import texts


def inputs(endpoint: Endpoint, *, hostile: bool = False, max_size: int = 8) -> SearchStrategy[list[Any]]:
    """Lists of inputs for an endpoint, as the ``data`` of a join has them.

    Every input of the config has its place, with null for State and what else is hidden. A default of ``/info`` is
    drawn now and then, since clients send it where a caller leaves an argument out. Where a file belongs stands a
    :class:`FileToSend`; ``gradio_proto.files.replace_in`` finds them, wherever they are.

    >>> from hypothesis import given
    >>> from hypothesis import strategies as st
    >>> from gradio_proto.conformance.strategies import apps
    >>> endpoints = apps("6.31.0").flatmap(lambda drawn: st.sampled_from([*drawn.app.endpoints.values()] or [None]))
    >>> @given(st.data(), endpoints)
    ... def test_my_server(data: st.DataObject, endpoint: Endpoint | None) -> None:
    ...     if endpoint is not None:
    ...         assert len(data.draw(inputs(endpoint))) == len(endpoint.inputs)
    >>> test_my_server()

    Args:
        endpoint: One of :attr:`gradio_proto.endpoints.App.endpoints`.
        hostile: Also values that have the type and are hard to take, such as NaN, lone surrogates and huge numbers,
            and files whose names hurt. A server may refuse them.
        max_size: Characters of a text, and items of a list.
    """
    parameters = endpoint.parameters
    # Where each parameter stands among the components is the endpoint's own knowledge.
    places = {number: place for place, number in enumerate(endpoint.bind(range(len(parameters)), {}))}
    strategies: list[SearchStrategy[Any]] = []
    for number, parameter in enumerate(parameters):
        place = places[number]
        component = endpoint.inputs[place] if place < len(endpoint.inputs) else None
        drawn = _Input(parameter, component, endpoint.is_legacy, hostile, max_size).strategy()
        if parameter.has_default:
            drawn = st.just(parameter.default).map(copy_json) | drawn
        strategies.append(drawn)
    return st.tuples(*strategies).map(lambda drawn: endpoint.bind(drawn, {}))


@dataclass(frozen=True)
class _Input:
    """One parameter, and what is known of it."""

    parameter: ParameterInfo
    component: Component | None
    is_legacy: bool
    hostile: bool
    max_size: int

    @property
    def kind(self) -> str:
        if self.component is not None and self.component.type:
            return self.component.type
        return self.parameter.component.lower()

    @property
    def props(self) -> Mapping[str, Any]:
        return self.component.props if self.component is not None else {}

    def strategy(self) -> SearchStrategy[Any]:
        special = _SPECIAL.get(self.kind)
        found = special(self) if special is not None else None
        if found is None and self.is_legacy and self.kind in FILE_TYPES:
            # Of what else may stand in the place of a file on 3.x, nothing says what it looks like.
            return st.none()
        return self.of_schema() if found is None else found

    def of_schema(self) -> SearchStrategy[Any]:
        return schema_values(
            self.parameter.type, hostile=self.hostile, max_size=self.max_size, files=self.files()
        )

    def files(self, form: FileForm = "uploaded") -> SearchStrategy[FileToSend]:
        """Files that the component opens: of a suffix that it takes, and pictures where it decodes them."""
        kind = _CONTENTS.get(self.kind, "any")
        suffix = _SUFFIXES[kind]
        taken = self.props.get("file_types")
        if is_list(taken) and taken:
            # Either suffixes, or words such as "image".
            wanted = str(taken[0])
            kind = _CONTENTS.get(wanted, "any")
            suffix = wanted if wanted.startswith(".") else _SUFFIXES.get(kind) or f".{wanted}"
        names = file_names(hostile=self.hostile)
        if suffix:
            names = names.map(lambda name: name if name.endswith(suffix) else name + suffix)
        return st.builds(FileToSend, names, file_contents(kind), st.just(form))


_CONTENTS: Final[Mapping[str, ContentKind]] = {
    "audio": "audio",
    "annotatedimage": "image",
    "gallery": "image",
    "image": "image",
    "imageeditor": "image",
    "imageslider": "image",
}
"""What a component decodes; every other keeps a file as it is."""

_SUFFIXES: Final[Mapping[ContentKind, str]] = {"any": "", "image": ".png", "audio": ".wav"}


def _choice(given: _Input, *, many: bool = False) -> SearchStrategy[Any] | None:
    choices = given.props.get("choices")
    if not is_list(choices):
        return None
    # Since 3.50 each is a pair of what is shown and what is sent.
    sent = [choice[1] if is_list(choice) and len(choice) == 2 else choice for choice in choices]
    if many or given.props.get("multiselect") is True:
        if not sent:
            return st.just(()).map(list)
        most = given.props.get("max_choices")
        return st.lists(
            st.sampled_from(sent), max_size=most if isinstance(most, int) else given.max_size, unique=True
        )
    return st.sampled_from(sent) if sent else st.none()


def _slider(given: _Input) -> SearchStrategy[Any] | None:
    low, high = _number(given.props.get("minimum")), _number(given.props.get("maximum"))
    if low is None or high is None:
        return None
    return numbers(low, high, step=_number(given.props.get("step")), start=low, hostile=given.hostile)


def _plain_number(given: _Input) -> SearchStrategy[Any] | None:
    props = given.props
    step = 1 if props.get("precision") == 0 or _says_integer(given.parameter.type) else None
    return numbers(
        _number(props.get("minimum")), _number(props.get("maximum")), step=step, hostile=given.hostile
    )


def _says_integer(schema: Any) -> bool:
    return object_of(schema).get("type") == "integer"


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _textbox(given: _Input) -> SearchStrategy[Any] | None:
    most = given.props.get("max_length")
    if not isinstance(most, int):
        return None
    return texts(max_size=min(most, given.max_size))


def _date(given: _Input) -> SearchStrategy[Any]:
    # Within what every server's clock and database can hold.
    if given.props.get("include_time") is False:
        return st.integers(1, 28).map("2024-02-{:02}".format)
    return st.integers(0, 59).map("2024-02-29 12:34:{:02}".format)


def _color(given: _Input) -> SearchStrategy[Any]:
    return st.integers(0, 2**24 - 1).map("#{:06x}".format)


@st.composite
def _table(draw: st.DrawFn, given: _Input) -> dict[str, Any]:
    headers: Any = given.props.get("headers")
    if not is_list(headers) or not headers:
        count = draw(st.integers(1, 3))
        headers = [f"column {number}" for number in range(count)]
    cell = texts(max_size=given.max_size, hostile=given.hostile) | st.integers(-100, 100)
    row = st.lists(cell, min_size=len(headers), max_size=len(headers))
    rows = draw(st.lists(row, min_size=1, max_size=3))
    return {"headers": copy_json(headers), "data": rows, **({} if given.is_legacy else {"metadata": None})}


def _nothing_chosen(given: _Input) -> SearchStrategy[Any]:
    """What a FileExplorer takes is a path below a folder of the server: none that could be drawn is there."""
    return st.just(()).map(list)


def _file(given: _Input) -> SearchStrategy[Any] | None:
    if not given.is_legacy:
        return None
    files = given.files("legacy")
    return files if given.props.get("file_count", "single") == "single" else st.lists(files, max_size=3)


def _image(given: _Input) -> SearchStrategy[Any] | None:
    # With a tool for drawing it takes the picture and its mask: see _Input.strategy.
    if not given.is_legacy or given.props.get("tool") in ("sketch", "color-sketch"):
        return None
    return given.files("inline")


def _chat(given: _Input) -> SearchStrategy[Any] | None:
    """3.x says that a chat is any JSON: it is pairs of what was said and what was answered."""
    if not given.is_legacy:
        return None
    said = st.none() | texts(max_size=given.max_size, hostile=given.hostile)
    return st.lists(st.tuples(said, said).map(list), max_size=3)


_SPECIAL: Final[Mapping[str, Callable[[_Input], SearchStrategy[Any] | None]]] = {
    "audio": _file,
    "chatbot": _chat,
    "checkboxgroup": partial(_choice, many=True),
    "colorpicker": _color,
    "dataframe": _table,
    "datetime": _date,
    "dropdown": _choice,
    "file": _file,
    "fileexplorer": _nothing_chosen,
    "image": _image,
    "model3d": _file,
    "number": _plain_number,
    "radio": _choice,
    "slider": _slider,
    "textbox": _textbox,
    "uploadbutton": _file,
    "video": _file,
}
"""What is known of components beyond their schemas, by the type's name in the config. None: the schema counts."""
