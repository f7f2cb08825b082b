"""Arguments, signatures, docstrings and names of endpoints."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given, settings
from typed_apps import FILE, VERSIONS, app_of, endpoint_of, hostile_apps, parameter, real_app, value

from gradio_proto.endpoints import App
from gradio_proto.identifiers import is_plain
from gradio_proto.text import printable
from gradio_proto.typed.annotations import signature_of
from gradio_proto.typed.arguments import arguments_of, returns_of
from gradio_proto.typed.docstrings import docstring_of
from gradio_proto.typed.names import TOOL_NAME, python_names, tool_names

TEXT = {"type": "string"}


def shown(*parameters: Any, returns: Any = ()) -> str:
    return str(signature_of(endpoint_of(*parameters, returns=returns)))


@pytest.mark.parametrize(
    ("schema", "given", "returned"),
    [
        (TEXT, "str", "str"),
        ({}, "Any", "Any"),
        ({"type": ["number", "null"]}, "float | None", "float | None"),
        ({"enum": ["a", "b"]}, "Literal['a', 'b']", "Literal['a', 'b']"),
        ({"enum": ["a", None]}, "Optional[Literal['a']]", "Optional[Literal['a']]"),
        (FILE, "gradio_proto.files.FileInput", "str"),
        ({"items": FILE}, "list[gradio_proto.files.FileInput]", "list[str]"),
        ({"prefixItems": [TEXT, {"type": "integer"}]}, "tuple[str, int]", "list[str | int]"),
        ({"type": "object", "additionalProperties": TEXT}, "dict[str, str]", "dict[str, str]"),
        ({"properties": {"a": TEXT}}, "dict[str, typing.Any]", "dict[str, typing.Any]"),
    ],
)
def test_annotations(schema: Any, given: str, returned: str) -> None:
    text = shown(parameter("x", schema), returns=[value("y", schema)])
    # Python 3.14 and later write a union with Literal in another way than those before.
    assert text.replace("Literal['a'] | None", "Optional[Literal['a']]") == f"(x: {given}) -> {returned}"


def test_results() -> None:
    assert shown() == "() -> tuple[()]"
    assert shown(returns=[value("a", TEXT), value("b", {"type": "integer"})]) == "() -> tuple[str, int]"
    assert str(signature_of(app_of({"/f": None}).resolve("/f"))) == "() -> Any"
    assert returns_of(app_of({"/f": None}).resolve("/f")) is None


def test_a_required_parameter_after_one_with_a_default_is_given_by_name() -> None:
    text = shown(parameter("a", TEXT, default="x"), parameter("b", TEXT), parameter("c", TEXT, default="y"))
    assert text == "(a: str = 'x', *, b: str, c: str = 'y') -> tuple[()]"


def test_a_parameter_without_a_name_is_given_by_position() -> None:
    endpoint = endpoint_of(parameter("a", TEXT, default="x"), parameter(None, TEXT), parameter("b", TEXT))
    assert str(signature_of(endpoint)) == "(a: str, arg_1: str, /, b: str) -> tuple[()]"
    assert [argument.has_keyword for argument in arguments_of(endpoint)] == [True, False, True]


def test_names_that_python_cannot_write_have_others_and_both_can_be_given() -> None:
    endpoint = endpoint_of(
        parameter("class", TEXT),
        parameter("my-param", TEXT),
        parameter("my_param", TEXT),
        parameter("__x", TEXT),
    )
    assert endpoint.keywords == ("class_", "my_param_2", "my_param", "x")
    assert str(signature_of(endpoint)).startswith("(class_: str, my_param_2: str, my_param: str, x: str)")
    own = {"class": "1", "my-param": "2", "my_param": "3", "__x": "4"}
    assert endpoint.bind((), {"class_": "1", "my_param_2": "2", "my_param": "3", "x": "4"}) == [
        "1",
        "2",
        "3",
        "4",
    ]
    assert endpoint.bind((), own) == ["1", "2", "3", "4"]
    with pytest.raises(TypeError, match="multiple values"):
        endpoint.bind(("1",), {"class_": "1"})


def test_a_default_is_a_copy() -> None:
    endpoint = endpoint_of(parameter("a", {"type": "array"}, default=[1]))
    signature_of(endpoint).parameters["a"].default.append(2)
    assert endpoint.parameters[0].default == [1]


@pytest.mark.parametrize("version", VERSIONS)
def test_signatures_of_real_servers(version: str) -> None:
    app = real_app(version)
    calc = str(signature_of(app.resolve("/calc")))
    if version.startswith("3"):
        assert calc == "(n_in: float, op: str, n2: float) -> tuple[float, str]"
    elif app.resolve("/calc").parameters[0].name is None:
        assert calc == "(n_in: float, op: Literal['add', 'sub'], n2: float) -> tuple[float, str]"
    else:
        assert calc == "(a: float = 3, op: Literal['add', 'sub'] = 'add', b: float = 5) -> tuple[float, str]"
    # State is no parameter.
    assert len(signature_of(app.resolve("/state")).parameters) == 1
    for endpoint in app.listed:
        assert docstring_of(endpoint).startswith(f"Call {endpoint.label}.")


def test_docstrings() -> None:
    endpoint = endpoint_of(
        parameter("a", TEXT, label="A label", component="Textbox", example_input="Hello!"),
        parameter(
            "b", {"type": "number"}, default=3, python_type={"type": "float", "description": "from 1 to 5"}
        ),
        parameter("c", FILE, python_type={"type": "filepath", "description": "The FileData class"}),
        parameter("d", {}, component="", example_input={"x": 1}),
        returns=[value("Sum of it", TEXT, python_type={"type": "", "description": "A sum.\nMore."})],
        description="Add things.\n\n\tTwice.\x1b[31m  \n",
    )
    assert docstring_of(endpoint, {"a": "a_"}) == (
        "Add things.\n"
        "\n"
        "    Twice.\\x1b[31m\n"
        "\n"
        "Args:\n"
        "    a_: Textbox 'A label'. For example 'Hello!'.\n"
        "    b: X 'b'. from 1 to 5. By default 3.\n"
        "    c: X 'c'. A file is given as handle_file(...).\n"
        "    d: a value 'd'.\n"
        "\n"
        "Returns:\n"
        "    sum_of_it: X 'Sum of it'. A sum."
    )
    assert docstring_of(app_of({"/f": None}).resolve("/f")) == "Call /f."


def test_thousands_of_results_that_are_alike() -> None:
    returns = returns_of(endpoint_of(returns=[value("x", TEXT)] * 3_000))
    assert returns is not None
    assert [each.name for each in returns] == ["x", *(f"x_{number}" for number in range(2, 3_001))]


def test_a_dropdown_that_takes_other_texts_says_so() -> None:
    choice = {"type": "string", "enum": ["a", "b"]}
    entry = {
        "parameters": [
            parameter("one", choice, default=None),
            parameter("many", {"type": "array", "items": choice}),
            parameter("closed", choice),
            parameter("text", TEXT),
        ],
        "returns": [value("one", choice), value("closed", choice), value("more", choice)],
    }
    props = [{"allow_custom_value": True}, {"allow_custom_value": True}, {"allow_custom_value": False}]
    components = [{"id": 0, "type": "state", "props": {}}] + [
        {"id": number, "type": "dropdown", "props": each} for number, each in enumerate(props, 1)
    ]
    dependency = {
        "id": 0,
        "api_name": "f",
        "inputs": [0, 1, 2, 3, 1],
        "outputs": [0, 1, 3],
        "backend_fn": True,
    }
    endpoint = app_of({"/f": entry}, components=components, dependencies=[dependency]).resolve("/f")
    assert str(signature_of(endpoint)).replace("typing.", "") == (
        "(one: Union[Literal['a', 'b'], str, NoneType] = None, *, many: list[Union[Literal['a', 'b'], str]], "
        "closed: Literal['a', 'b'], text: str) -> tuple["
        "Union[Literal['a', 'b'], str], Literal['a', 'b'], Literal['a', 'b']]"
    )


NAMES = ("/a_b", "/a.b", "/a b", "/class", "/3", "/_x", "/处理", "/..", "/with_options", "/" + "x" * 100)


def test_python_names() -> None:
    app = app_of(dict.fromkeys(NAMES))
    names = python_names(app, {"with_options"})
    assert list(names) == [
        *("a_b", "a_b_2", "a_b_3", "class_", "fn_3", "x", "处理", "fn", "with_options_", "x" * 100)
    ]
    assert [endpoint.api_name for endpoint in names.values()] == list(NAMES)


def test_tool_names() -> None:
    names = tool_names(app_of(dict.fromkeys([*NAMES, "/" + "x" * 101])))
    assert list(names) == [
        *("a_b", "a_b_2", "a_b_3", "class", "3", "x", "fn_6", "fn_7", "with_options", "x" * TOOL_NAME),
        "x" * (TOOL_NAME - 8),
    ]


@settings(deadline=None)
@given(hostile_apps)
def test_whatever_an_app_calls_things_they_can_be_called(app: App) -> None:
    names = python_names(app, {"with_options"})
    assert len(names) == len(app.listed)
    assert all(is_plain(name) and name.isidentifier() for name in names)
    for endpoint in app.listed:
        signature = signature_of(endpoint)
        assert len(signature.parameters) == len(endpoint.parameters)
        for line in docstring_of(endpoint).split("\n"):
            assert printable(line, 100_000) == line
        # A call that the signature allows is one that the endpoint takes.
        wanted = [p for p in signature.parameters.values() if p.default is inspect.Parameter.empty]
        args = [0 for p in wanted if p.kind is inspect.Parameter.POSITIONAL_ONLY]
        kwargs = {p.name: 0 for p in wanted if p.kind is not inspect.Parameter.POSITIONAL_ONLY}
        assert len(endpoint._bound(args, kwargs)) == len(endpoint.parameters)
