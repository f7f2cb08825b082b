"""Request bodies, checked as the server's framework checks them, with its answers to what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from .jsonvalues import is_dict, is_list

Detail = dict[str, Any]


class Unprocessable(Exception):
    """The request is answered 422, with this list of what is wrong."""

    def __init__(self, detail: Sequence[Detail]) -> None:
        super().__init__("unprocessable")
        self.detail = detail


@dataclass(frozen=True)
class Field:
    """One field of a body."""

    type: Literal["list", "int", "str", "any"]
    required: bool = False


JOIN: Final = {"data": Field("list", required=True), "session_hash": Field("str"), "fn_index": Field("int")}
"""What asks for a run of a function, past the queue or through it."""


def parse(body: bytes, content_type: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the fields of a JSON body, None for those that are not there, and whatever else is in it.

    Raises:
        Unprocessable: It is no JSON, no object, or has fields that are missing or of another type.
    """
    text = body.decode("utf-8", "replace")
    given = _loads(text) if "json" in content_type else text
    if not is_dict(given):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise Unprocessable([_wrong("model_attributes_type", [], message, given)])
    wrong: list[Detail] = []
    for name, field in fields.items():
        if name not in given:
            if field.required:
                wrong.append(_wrong("missing", [name], "Field required", given))
        elif field.required or given[name] is not None:
            problem = _CHECKS[field.type](given[name])
            if problem is not None:
                wrong.append(_wrong(problem[0], [name], problem[1], given[name]))
    if wrong:
        raise Unprocessable(wrong)
    return {**dict.fromkeys(fields), **given}


def parse_query(query: Mapping[str, str], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the fields of a query, which all have to be there.

    Raises:
        Unprocessable: One is not, or is of another type.
    """
    wrong: list[Detail] = []
    given: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in query:
            wrong += missing_query(name).detail
        elif field.type == "int" and not _INT.fullmatch(query[name]):
            problem = _check_int(query[name])
            assert problem is not None
            wrong.append(
                {"type": problem[0], "loc": ["query", name], "msg": problem[1], "input": query[name]}
            )
        else:
            given[name] = int(query[name]) if field.type == "int" else query[name]
    if wrong:
        raise Unprocessable(wrong)
    return given


def in_older_words(detail: Sequence[Detail]) -> list[Detail]:
    """What is wrong, as the framework said it when Gradio 3.36 was written."""
    return [
        {
            "loc": problem["loc"],
            "msg": _OLDER[problem["type"]][0],
            "type": _OLDER[problem["type"]][1],
        }
        for problem in detail
    ]


def missing_query(name: str) -> Unprocessable:
    """What a query parameter that is not there is answered with."""
    return Unprocessable(
        [{"type": "missing", "loc": ["query", name], "msg": "Field required", "input": None}]
    )


def require_fields(form: Mapping[str, str], *names: str) -> None:
    """Let a form pass that has these fields.

    Raises:
        Unprocessable: It has not.
    """
    missing = [name for name in names if name not in form]
    if missing:
        raise Unprocessable(missing_field(*missing))


def missing_field(*names: str) -> list[Detail]:
    """What is wrong with a form that has not these fields."""
    return [_wrong("missing", [name], "Field required", None) for name in names]


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        problem, position = error.msg, error.pos
    except (ValueError, RecursionError) as error:  # a huge integer, or too deep
        problem, position = str(error), 0
    detail = _wrong("json_invalid", [position], "JSON decode error", {})
    raise Unprocessable([{**detail, "ctx": {"error": problem}}])


def _wrong(kind: str, where: list[Any], message: str, value: Any) -> Detail:
    return {"type": kind, "loc": ["body", *where], "msg": message, "input": value}


def _check_list(value: Any) -> tuple[str, str] | None:
    return None if is_list(value) else ("list_type", "Input should be a valid list")


def _check_str(value: Any) -> tuple[str, str] | None:
    return None if isinstance(value, str) else ("string_type", "Input should be a valid string")


def _check_int(value: Any) -> tuple[str, str] | None:
    if isinstance(value, str):
        return ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
    return None if isinstance(value, int) else ("int_type", "Input should be a valid integer")


def _check_any(value: Any) -> None:
    return None


_INT = re.compile(r"[+-]?[0-9]{1,18}")

_OLDER: Mapping[str, tuple[str, str]] = {
    "model_attributes_type": ("value is not a valid dict", "type_error.dict"),
    "missing": ("field required", "value_error.missing"),
    "json_invalid": ("Expecting value", "value_error.jsondecode"),
    "list_type": ("value is not a valid list", "type_error.list"),
    "string_type": ("str type expected", "type_error.str"),
    "int_parsing": ("value is not a valid integer", "type_error.integer"),
    "int_type": ("value is not a valid integer", "type_error.integer"),
}

_CHECKS: Mapping[str, Callable[[Any], tuple[str, str] | None]] = {
    "list": _check_list,
    "int": _check_int,
    "str": _check_str,
    "any": _check_any,
}
