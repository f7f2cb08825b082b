"""The texts in ``data/view_api`` are what the official client 2.7.2 prints for the recorded infos."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from recorded_values import VERSIONS, config_text, info_text, spoiled, view_text

from gradio_proto.api_info import parse_api_info
from gradio_proto.config import parse_config
from gradio_proto.endpoints import App
from gradio_proto.errors import RemoteProtocolError
from gradio_proto.view_api import api_as_dict, api_as_text


def recorded(version: str) -> App:
    return App(parse_config(json.loads(config_text(version))), parse_api_info(json.loads(info_text(version))))


def app_of(named: dict[str, Any], unnamed: dict[str, Any] | None = None) -> App:
    info = {"named_endpoints": named, "unnamed_endpoints": unnamed or {}}
    return App(parse_config({"dependencies": []}), parse_api_info(info))


def text_of(*parameters: Any, **fields: Any) -> str:
    return api_as_text(app_of({"/f": {"parameters": list(parameters), **fields}}))


HEAD = "Client.predict() Usage Info\n---------------------------\n"
EMPTY: dict[str, Any] = {"parameters": [], "returns": []}


def in_our_words(text: str) -> str:
    """What the official client 2.7.2 says of a 3.x server, which it cannot call, with the types that we convert."""
    shape = "str | Dict(name: str (name of file), data: str (base64 representation of file), size: int (size of image"
    shape += " in bytes), is_file: bool (true if the file has been uploaded to the server), orig_name: str (original "
    text = text.replace(f"{shape}name of the file))", "filepath").replace("List[filepath]", "list[filepath]")
    return re.sub(
        r"(\[Image\] \w+): str(.*?) ?\(base64 representation of an image\)", r"\1: filepath\2", text
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_text(version: str) -> None:
    text = view_text(version)
    assert api_as_text(recorded(version)) == (in_our_words(text) if version == "3.50.2" else text)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_dict(version: str) -> None:
    expected = json.loads(info_text(version))
    for endpoint in expected["named_endpoints"].values():
        for key in ("show_api", "api_visibility", "code_snippets"):
            endpoint.pop(key, None)
    assert api_as_dict(recorded(version)) == expected


class TestWhichEndpoints:
    UNNAMED = "\n - predict(fn_index=3) -> \n    Parameters:\n     - None\n    Returns:\n     - None\n"
    NAMED = UNNAMED.replace("fn_index=3", 'api_name="/f"')

    def test_none(self) -> None:
        assert api_as_text(app_of({})) == f"{HEAD}Named API endpoints: 0\n\nUnnamed API endpoints: 0\n"

    def test_named_only(self) -> None:
        app = app_of({"/f": EMPTY})
        assert api_as_text(app) == api_as_text(app, False) == f"{HEAD}Named API endpoints: 1\n{self.NAMED}"
        assert (
            api_as_text(app, True)
            == f"{HEAD}Named API endpoints: 1\n{self.NAMED}\nUnnamed API endpoints: 0\n"
        )

    def test_unnamed_only(self) -> None:
        app = app_of({}, {"3": EMPTY})
        everything = f"{HEAD}Named API endpoints: 0\n\nUnnamed API endpoints: 1\n{self.UNNAMED}"
        assert api_as_text(app) == api_as_text(app, True) == everything
        assert "to view, run Client.view_api(all_endpoints=True)\n" in api_as_text(app, False)

    def test_both(self) -> None:
        app = app_of({"/f": EMPTY}, {"3": EMPTY})
        assert api_as_text(app) == (
            f"{HEAD}Named API endpoints: 1\n{self.NAMED}"
            "\nUnnamed API endpoints: 1, to view, run Client.view_api(all_endpoints=True)\n"
        )
        assert api_as_text(app, True).endswith(f"{self.NAMED}\nUnnamed API endpoints: 1\n{self.UNNAMED}")

    def test_undocumented_and_private_ones_are_not_shown(self) -> None:
        hidden = {
            "/u": {**EMPTY, "api_visibility": "undocumented"},
            "/p": {**EMPTY, "api_visibility": "private"},
        }
        app = app_of({"/f": EMPTY, **hidden}, {"3": EMPTY, "4": {**EMPTY, "show_api": False}})
        assert api_as_text(app, True) == api_as_text(app_of({"/f": EMPTY}, {"3": EMPTY}), True)
        assert api_as_dict(app) == {"named_endpoints": {"/f": EMPTY}, "unnamed_endpoints": {"3": EMPTY}}


class TestParameters:
    def line(self, **fields: Any) -> str:
        entry = {"label": "My Label", "component": "Textbox", "python_type": {"type": "str"}, **fields}
        return text_of(entry).splitlines()[6]

    def test_required(self) -> None:
        assert self.line() == "     - [Textbox] my_label: str (required)  "
        assert self.line(parameter_name="x") == "     - [Textbox] x: str (required)  "

    def test_defaults(self) -> None:
        for default, shown in [
            ("a", "str (not required, defaults to:   a)  "),
            (3, "str (not required, defaults to:   3)  "),
            (None, "str | None (not required, defaults to:   None)  "),
            (["a", {"b": 1}], "str (not required, defaults to:   ['a', {'b': 1}])  "),
        ]:
            line = self.line(parameter_has_default=True, parameter_default=default)
            assert line == f"     - [Textbox] my_label: {shown}"

    def test_files_as_defaults_are_shown_as_calls(self) -> None:
        meta = {"_type": "gradio.FileData"}
        cases: list[tuple[Any, str]] = [
            ({"path": "/p", "url": "http://u/x", "meta": meta}, 'handle_file("http://u/x")'),
            ({"path": "/p", "url": None, "meta": meta}, 'handle_file("/p")'),
            ([{"path": "/p", "meta": meta}], "['handle_file(\"/p\")']"),
            ({"path": "/p", "meta": {}}, "{'path': '/p', 'meta': {}}"),
            ({"path": "/p", "meta": None}, "{'path': '/p', 'meta': None}"),
            ({"path": 5, "meta": meta}, "{'path': 5, 'meta': {'_type': 'gradio.FileData'}}"),
        ]
        for default, shown in cases:
            line = self.line(parameter_has_default=True, parameter_default=default)
            assert line.endswith(f"(not required, defaults to:   {shown})  ")

    def test_descriptions(self) -> None:
        line = self.line(python_type={"type": "filepath", "description": "one of two"})
        assert line == "     - [Textbox] my_label: filepath (required)  (one of two) "

    def test_types_that_the_server_does_not_write_out(self) -> None:
        assert (
            self.line(python_type=None, type={"enum": ["a"]})
            == "     - [Textbox] my_label: Literal['a'] (required)  "
        )


def test_returns() -> None:
    number = {
        "label": "N out",
        "component": "Number",
        "python_type": {"type": "float", "description": "a number"},
    }
    text = {"label": "T out", "component": "Textbox", "python_type": {"type": "str", "description": None}}
    assert ' - predict(api_name="/f") -> n_out\n' in text_of(returns=[number])
    assert ' - predict(api_name="/f") -> (n_out, t_out)\n' in text_of(returns=[number, text])
    assert text_of(returns=[number, text]).endswith(
        "    Returns:\n     - [Number] n_out: float (a number) \n     - [Textbox] t_out: str \n"
    )


def test_endpoints_that_want_a_token_say_so() -> None:
    assert (
        "    Acts on your behalf: this endpoint takes your Hugging Face token (required). "
        "Pass it with Client(..., oauth_token=...) to grant it.\n"
    ) in text_of(oauth_token="required")


def test_long_descriptions_are_whole() -> None:
    description = "a line of words\n" * 1000
    assert description in text_of({"label": "x", "python_type": {"type": "str", "description": description}})


def test_the_dict_is_a_copy() -> None:
    app = recorded("6.31.0")
    first = api_as_dict(app)
    first["named_endpoints"]["/calc"]["parameters"][0]["type"]["type"] = "changed"
    first["named_endpoints"].clear()
    assert api_as_dict(app) == api_as_dict(recorded("6.31.0"))


def test_every_word_of_the_server_is_made_safe() -> None:
    evil = "\x1b[2J\x07\r\u202e\u2028"
    entry = {
        "label": evil,
        "parameter_name": evil,
        "component": evil,
        "parameter_has_default": True,
        "parameter_default": evil,
        "python_type": {"type": evil, "description": evil},
    }
    named = {f"/{evil}": {"parameters": [entry], "returns": [entry], "oauth_token": evil}}
    text = api_as_text(app_of(named))
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[2J\\x07\\r\\u202e\\u2028" in text


@settings(max_examples=100, deadline=None)
@given(spoiled(info_text))
def test_spoiled_infos_are_shown_or_refused(info: Any) -> None:
    try:
        parsed = parse_api_info(info)
    except RemoteProtocolError:
        return
    app = App(parse_config({"dependencies": []}), parsed)
    text = api_as_text(app, True)
    assert text.count(" - predict(") >= len(parsed.named) - 2
    assert text.replace("\n", "").isprintable()
    assert set(api_as_dict(app)["named_endpoints"]) <= set(parsed.named)
